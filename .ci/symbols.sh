#!/bin/sh
# symbols.sh [BUILD] [--update] -- libassay exports exactly the functions listed in tests/abi/libassay.symbols. A symbol
# that vanishes breaks programs linked against it; one that appears is an interface we did not mean to promise.
# SPDX-License-Identifier: Apache-2.0
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
build=${1:-build/release}
list=tests/abi/libassay.symbols
now=$(mktemp)
trap 'rm -f "$now"' EXIT
nm -D --defined-only --format=posix "$build/libassay.so" | sed 's/ .*//' | sort >"$now"
if [ "${2:-}" = --update ]; then
    cp "$now" "$list"
fi
if ! diff -u "$list" "$now"; then
    echo "symbols: libassay.so and $list differ; if it is meant: .ci/symbols.sh $build --update" >&2
    exit 1
fi
echo "symbols: $(wc -l <"$now") exported, as listed"
