#!/bin/sh
# make.sh [--check] [NAME...] -- trains the models of this folder (arith, countdown, azr) from nothing and puts their weights,
# tokenizers and suites in place; some minutes each on two cores. With --check nothing is put in place: what was made must be
# what is there. The bits are the same again on the same machine with the same build; another processor may round otherwise. Those
# that are there were made at level avx512, which is taken here (or a lower one) also where the processor has a better.
# ASSAY is the binary (build/release/assay), MADE where runs go (build/models). SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
assay=${ASSAY:-build/release/assay}
made=${MADE:-build/models}
here=examples/models
checks=no
ASSAY_CPU_LEVEL=${ASSAY_CPU_LEVEL:-avx512}
export ASSAY_CPU_LEVEL
if [ "${1:-}" = --check ]; then
    checks=yes
    shift
fi
[ $# -gt 0 ] || set -- arith countdown azr
[ -x "$assay" ] || {
    echo "make.sh: $assay is not there: ./bootstrap build, or ASSAY=PATH" >&2
    exit 2
}
differs=0
for name in "$@"; do
    new=$made/$name/new
    rm -rf "${made:?}/$name"
    mkdir -p "$new"
    python3 $here/vocabulary.py "$new"
    python3 "$here/$name.py" "$made/$name"
    cp "$here/$name/config.json" "$new"
    "$assay" train "$here/$name/train.json" --set "init=$new" --set "data=$made/$name/rows.jsonl" --out "$made/$name/run" --force
    cp "$made/$name/run/checkpoints"/step_*/model.safetensors "$new"
    for suite in "$made/$name"/*.jsonl; do
        [ "${suite##*/}" = rows.jsonl ] || cp "$suite" "$new"
    done
    (cd "$new" && sha256sum model.safetensors)
    for file in "$new"/*; do
        if [ $checks = no ]; then
            cp "$file" "$here/$name"
        elif ! cmp "$file" "$here/$name/${file##*/}"; then
            differs=1
        fi
    done
done
if [ $checks = yes ] && [ $differs = 0 ]; then
    echo "the same as in $here: $*"
fi
exit $differs
