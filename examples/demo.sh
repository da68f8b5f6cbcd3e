#!/bin/sh
# demo.sh BUILD OUT [STEPS] -- what ./bootstrap demo shows once all is built: verdicts and a vote on answers that are shipped; then
# a small model that improves on its test problems by the vote of its own answers, measured before and after. One that was
# interrupted goes on (OUT/.unfinished is there then). From the root. SPDX-License-Identifier: Apache-2.0
set -eu
LC_ALL=C
export LC_ALL

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

[ $# -ge 2 ] || die "examples/demo.sh BUILD OUT [STEPS]"
build=$1 out=$2 steps=${3:-200}
assay=$build/assay model=examples/models/arith again=
if [ -e "$out/.unfinished" ]; then
    again=--resume
    say "Going on with the demo that was interrupted (rm -r $out begins anew)."
elif [ -e "$out" ]; then
    die "$out is there: name another folder, or remove it"
fi
mkdir -p "$out"
: >"$out/.unfinished"

# Shows a command as one would type it, then runs it.
shown() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# The same of an evaluation, of whose table two lines are shown.
measured() {
    printf '\n$ %s\n' "$*"
    "$@" >"$out/table.txt" 2>"$out/notes.txt" || {
        cat "$out/notes.txt" >&2
        return 1
    }
    grep -E '^(avg|maj)@n  ' "$out/table.txt"
}

step "Verdicts: forty problems, eight answers to each, as models write them (examples/answers.jsonl)"
say "Each answer is judged by a verifier plugin, a shared object; without the references, the answers to a problem vote:"
shown "$assay" verify --plugin math --in examples/answers.jsonl --out "$out/verdicts.jsonl" ${again:+--force}
shown head -n 1 "$out/verdicts.jsonl"
shown "$assay" vote --plugin math --in examples/answers.jsonl --out "$out/labels.jsonl" ${again:+--force}
shown head -n 1 "$out/labels.jsonl"

step "Learning without a label: a model of 0.1 M parameters, 160 sums, the verifier math"
say "Before: 64 answers to each of its test problems. One of them is right (avg@n); their vote is (maj@n):"
# shellcheck disable=SC2086 # $again is one word or none
measured "$assay" eval --model $model --suite $model/test.jsonl --plugin math --n 64 --max-tokens 24 --seed 1 --out "$out/before" $again
say
say "Now it answers these problems $steps times 16 of them, each 64 times, and is rewarded where it agrees with the vote. Nobody"
say "tells it a right answer: what the figures call accuracy is watched, not learned from. About a minute on two cores:"
# shellcheck disable=SC2086
shown "$assay" ttrl examples/ttrl_tiny/config.json --set steps="$steps" --out "$out/ttrl" $again
say
say "After: the same problems, its last checkpoint."
# shellcheck disable=SC2086
measured "$assay" eval --model "$out/ttrl/checkpoints/step_$steps" --suite $model/test.jsonl --plugin math --n 64 --max-tokens 24 --seed 1 \
    --out "$out/after" $again
say
say "Both, by level of difficulty, with the curves of all that was measured, on one page:"
shown "$assay" report "$out/ttrl" "$out/before" "$out/after" -o "$out/report.html" --force

# From the report's own CSV: run,suite,problems,n,avg,avg_low,avg_high,maj,...
{
    read -r _
    IFS=, read -r _ _ _ _ avg_0 _ _ maj_0 _
    IFS=, read -r _ _ _ _ avg_1 _ _ maj_1 _
} <"$out/report_data/evaluations.csv"
step "What happened"
printf 'one answer is right        %.3f -> %.3f\n' "$avg_0" "$avg_1"
printf 'the vote of 64 is right    %.3f -> %.3f\n' "$maj_0" "$maj_1"
cat <<END
It is sharpening: the model comes to say nearly always what it said most often, and of its two ways to add it keeps the one
on which its answers agree. It is no new knowledge: given the better way, the model could do these sums before, and so can the
vote of as many answers as training draws (docs/TTRL_EXPERIMENTS.md). Where the first vote is mostly wrong it learns wrong
answers; a guard ends such runs (docs/TTRL.md).
The report: $out/report.html, its numbers: $out/report_data/
END
rm -f "$out/.unfinished" "$out/table.txt" "$out/notes.txt"
