#!/usr/bin/env python3
"""unicode_table.py -- writes unicode_table.inc: classes of code points for the pre-tokenizers, and what NFC leaves alone.

Needs unicodedata2 16.0.0 (PyPI): Unicode 16.0 is what the `tokenizers` package matches \\p{L} and \\p{N} by.
usage: python3 unicode_table.py >unicode_table.inc

SPDX-License-Identifier: Apache-2.0
"""
import unicodedata2 as u

N, BLOCK = 0x110000, 256
SPACE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def class_of(c):
    """AS_UC_OTHER, _LETTER, _NUMBER, _SPACE (White_Space, as PropList.txt lists it)."""
    return 3 if c in SPACE else {"L": 1, "N": 2}.get(u.category(chr(c))[0], 0)


def changed_by_nfc():
    """Code points that NFC may change, move or join to the one before: NFC_Quick_Check is not Yes, or a mark."""
    seconds = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}  # Hangul vowels and finals
    for c in range(N):
        parts = u.decomposition(chr(c)).split()
        if len(parts) == 2 and not parts[0].startswith("<") and u.normalize("NFC", chr(c)) == chr(c):
            seconds.add(int(parts[1], 16))
    return [not 0xD800 <= c < 0xE000 and (c in seconds or u.combining(chr(c)) > 0 or u.normalize("NFC", chr(c)) != chr(c))
            for c in range(N)]


def words(values, bits):
    """Packed into 64-bit words, the first code point lowest."""
    per = 64 // bits
    return tuple(sum(int(v) << (bits * i) for i, v in enumerate(values[at:at + per])) for at in range(0, len(values), per))


def rows(numbers, form, per_line):
    for at in range(0, len(numbers), per_line):
        print("    " + ", ".join(form % n for n in numbers[at:at + per_line]) + ",")


def main():
    classes, changed = [class_of(c) for c in range(N)], changed_by_nfc()
    index, blocks = [], {}
    for at in range(0, N, BLOCK):
        key = (words(classes[at:at + BLOCK], 2), words(changed[at:at + BLOCK], 1))
        index.append(blocks.setdefault(key, len(blocks)))
    print("/* unicode_table.inc -- written by unicode_table.py from Unicode %s; included by unicode.c only." % u.unidata_version)
    print(" * SPDX-License-Identifier: Apache-2.0 */")
    print("static const uint8_t uc_index[%d] = { /* code point >> 8 -> block */" % len(index))
    rows(index, "%d", 24)
    print("};\nstatic const uint64_t uc_class[%d][8] = { /* two bits each */" % len(blocks))
    for key in blocks:
        rows(["{ " + ", ".join("0x%X" % w for w in key[0]) + " }"], "%s", 1)
    print("};\nstatic const uint64_t uc_changed[%d][4] = { /* one bit each: NFC may change it or join it to the one before */" % len(blocks))
    for key in blocks:
        rows(["{ " + ", ".join("0x%X" % w for w in key[1]) + " }"], "%s", 1)
    print("};")


main()
