#!/usr/bin/env python3
"""derive_header.py old|new plugin.h OUT -- the header as it was, or will be, in another minor version of the ABI.

old: the last field of each growing struct is not there yet. new: each has one field more at its end. What a field
means does not matter here: the tests look at what the two sides do with sizes that differ.
SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

# struct -> its last field, as written in plugin.h (checked), and how the uses in the test programs name it
LAST = {
    "assay_batch": "seed",
    "assay_scores": "verdict",
    "assay_call": "emit",
    "assay_host": "service",
    "assay_descriptor": "create",
    "assay_entry": "verifiers",
    "assay_verifier": "score_max",
    "assay_ext_answer": "same",
    "assay_svc_verifiers": "same",
}
# Without these no verifier could do anything: the oldest header has them, so `old` leaves these structs alone.
NEEDED = {"assay_scores", "assay_call", "assay_host", "assay_descriptor", "assay_entry"}


def body_of(text, name):
    """(start, end) of the braces' inside of `struct NAME { ... }`."""
    found = re.search(r"(?:typedef )?struct %s \{" % name, text)
    if not found:
        sys.exit(f"derive_header: no struct {name}")
    start, depth = found.end(), 1
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return start, i
    sys.exit(f"derive_header: struct {name} does not end")


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def drop_last(body, field):
    declarations = [d for d in without_comments(body).split(";") if d.strip()]
    last = declarations.pop()
    if not re.search(r"\b%s\b" % field, last):
        sys.exit(f"derive_header: the last field is not {field} but {' '.join(last.split())}")
    return ";".join(declarations) + ";\n"


def main(which, source, out):
    text = open(source, encoding="utf-8").read()
    for name, field in LAST.items():
        start, end = body_of(text, name)
        if which == "new":
            body = text[start:end].rstrip() + "\n    uint64_t of_a_later_version;\n"
        elif name in NEEDED:
            continue
        else:
            body = drop_last(text[start:end], field)
        text = text[:start] + "\n" + body + text[end:]
    minor = {"old": "0u", "new": "7u"}[which]
    text = re.sub(r"(#define ASSAY_ABI_MINOR )\S+", r"\g<1>" + minor, text)
    text = re.sub(r"(#define ASSAY_PLUGIN_H)\n", r"\1\n#define DERIVED_%s 1\n" % which.upper(), text, count=1)
    open(out, "w", encoding="utf-8").write(text)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("old", "new"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
