#!/bin/sh
# format.sh [--fix] -- every C and C++ source is laid out as .clang-format says.
# Headers of include/, host/ and ttrl/, kernels.h and the table of the ABI's layout are laid out by hand, to be read; they are left
# alone.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
files=$(find host kernels plugins ttrl tests examples -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' | grep -v -e '^host/.*\.h$' -e '^kernels/kernels\.h$' -e '^ttrl/.*\.h$' -e '^tests/abi/layout/layout\.h$' | sort)
if [ "${1:-}" = --fix ]; then
    # shellcheck disable=SC2086 # a list of names without blanks
    clang-format -i $files
    exit
fi
# shellcheck disable=SC2086
clang-format --dry-run -Werror $files
echo "format: $(printf '%s\n' "$files" | wc -l) files"
