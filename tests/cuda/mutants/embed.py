"""Bugs of embed.cu, as ../mutants.py reads them; the tests are those of ../embed_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "forward"
BUGS = [
    ("the row of the token's number", "NUMBERS OOB", [("a.ids[t] * a.d + column", "(MUT ? (int64_t)t : a.ids[t]) * a.d + column")]),
    ("columns are left out", "NUMBERS", [("k_share(&shares, a.tokens, (a.d + size - 1) / size)", "k_share(&shares, a.tokens, MUT && a.d > size ? a.d / size : (a.d + size - 1) / size)")]),
    ("a token too few", "NUMBERS", [("k_share(&shares, a.tokens, ", "k_share(&shares, a.tokens > 1 ? a.tokens - MUT : a.tokens, ")]),
    ("16 bytes into any row", "ALIGN", [(" && k_is_aligned<T, size>(a.y, a.d)", " && (MUT || k_is_aligned<T, size>(a.y, a.d))"), ("k_is_aligned<T, size>(a.table, a.d)", "(MUT || k_is_aligned<T, size>(a.table, a.d))")], "unaligned"),
    ("gradients are as narrow as activations", "NUMBERS OOB", [("{ a->type, K_F32,", "{ a->type, MUT ? a->type : K_F32,")], "backward"),
    ("a vocabulary of one digit", "NUMBERS RACE", [("a->ids, a->vocab }", "a->ids, MUT ? 1 : a->vocab }")], "many_ids"),
]
