"""Bugs of rope.cu, as ../mutants.py reads them; the tests are those of ../rope_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "turns"
BUGS = [
    ("the second head begins at half of the first", "NUMBERS RACE", [("head * a.head_dim + i", "head * (MUT ? half : a.head_dim) + i")]),
    ("pairs are neighbours", "NUMBERS RACE ALIGN OOB", [("vb = k_read<size>(low + half,", "vb = k_read<size>(low + (MUT ? size : half),"), ("k_write<size>(low + half,", "k_write<size>(low + (MUT ? size : half),")]),
    ("tokens lie one after another whatever the stride", "NUMBERS RACE OOB ALIGN", [("t * a.stride + head", "t * (MUT ? a.heads * a.head_dim : a.stride) + head")]),
    ("the token's number for its position", "NUMBERS OOB", [("(int64_t)a.positions[t] * half", "(MUT ? (int64_t)t : a.positions[t]) * half")]),
    ("the tables' rows are as long as a head", "NUMBERS OOB", [("a.positions[t]) * half + i", "a.positions[t]) * (MUT ? 2 * half : half) + i")]),
    ("the inverse turns forth", "NUMBERS", [("a.inverse ? -s.v[k]", "a.inverse && !MUT ? -s.v[k]")]),
    ("a sign", "NUMBERS", [("x * c.v[k] - y * sine", "x * c.v[k] - (MUT ? -y : y) * sine")]),
    ("the second half turns with the turned first", "NUMBERS", [("y * c.v[k] + x * sine", "y * c.v[k] + (MUT ? k_to_float(va.v[k]) : x) * sine")]),
    ("sine for cosine", "NUMBERS", [("y * c.v[k] +", "y * (MUT ? s.v[k] : c.v[k]) +")]),
    ("a head of the last item is left out", "NUMBERS", [("a.heads * (a.head_dim / 2 / size))", "a.heads * (a.head_dim / 2 / size) - (MUT && a.heads > 1))")]),
    ("16 bytes of any half", "NUMBERS OOB ALIGN LAUNCH", [("half % size == 0", "(MUT || half % size == 0)")]),
    ("16 bytes at any address", "ALIGN", [("k_is_aligned<T, size>(a.x, a.stride) &&", "(MUT || k_is_aligned<T, size>(a.x, a.stride)) &&")]),
]
