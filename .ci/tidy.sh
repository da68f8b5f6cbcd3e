#!/bin/sh
# tidy.sh [BUILD] -- clang-tidy over every source of the compile database (default: build/dev), as many at once as there
# are cores. A file that was clean is not looked at again until it, a header or .clang-tidy changes.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/dev}
[ -f "$build/compile_commands.json" ] || {
    echo "tidy: $build is not configured: cmake --preset dev" >&2
    exit 2
}
exec python3 .ci/tidy.py "$build"
