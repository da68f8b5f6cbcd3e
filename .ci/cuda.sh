#!/bin/sh
# cuda.sh [BUILD] -- libassay_cuda.so as it was built: it exports one symbol, needs no library of CUDA to be opened, and no
# kernel of it was warned of, or spills registers without a reason in kernels/cuda/spills.txt. Prints what each kernel uses on
# each target, and what the library's code takes. SPDX-License-Identifier: Apache-2.0
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
build=${1:-build/cuda}
library=$build/libassay_cuda.so
exported=$(nm -D --defined-only --format=posix "$library" | sed 's/ .*//' | sort)
if [ "$exported" != assay_kernels ]; then
    echo "cuda: $library exports, instead of assay_kernels alone:" >&2
    echo "$exported" >&2
    exit 1
fi
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if printf '%s\n' "$needed" | grep -E '^lib(cuda|cudart|nv|cublas)'; then
    echo "cuda: $library is to be opened where there is no CUDA, and needs the above" >&2
    exit 1
fi
# shellcheck disable=SC2086 # a list of names
echo "cuda: $library exports assay_kernels alone, has $(stat -c %s "$library") bytes, and needs" $needed
if grep -h warning "$build"/kernels/cuda/*.ptxas; then
    echo "cuda: nvcc warns" >&2
    exit 1
fi
python3 .ci/ptxas.py kernels/cuda/spills.txt "$build"/kernels/cuda/*.ptxas
