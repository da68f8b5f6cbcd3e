"""Bugs of swiglu.cu, as ../mutants.py reads them; the tests are those of ../swiglu_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "both_ways"
BUGS = [
    ("up before gate", "NUMBERS", [("x * sigmoid(x) * k_to_float(u.v[i])", "(MUT ? k_to_float(u.v[i]) * sigmoid(k_to_float(u.v[i])) * x : x * sigmoid(x) * k_to_float(u.v[i]))")]),
    ("the sigmoid of -x", "NUMBERS", [("expf(-x)", "expf(MUT ? x : -x)")]),
    ("large gates overflow", "NUMBERS", [("return 1.F / (1.F", "return MUT ? expf(x) / (1.F + expf(x)) : 1.F / (1.F")], "far_gates"),
    ("up begins where gate does, forward", "NUMBERS OOB", [("const k_some<T, size> u = k_read<size>(gate + a.f,", "const k_some<T, size> u = k_read<size>(gate + (MUT ? 0 : a.f),")]),
    ("up begins where gate does, backward", "NUMBERS", [("    k_some<T, size> u = k_read<size>(gate + a.f,", "    k_some<T, size> u = k_read<size>(gate + (MUT ? 0 : a.f),")]),
    ("rows of F, forward", "NUMBERS ALIGN", [("t * 2 * a.f + column;\n    k_some", "t * (MUT ? 1 : 2) * a.f + column;\n    k_some")]),
    ("rows of F, backward", "NUMBERS RACE", [("at = t * 2 * a.f + column", "at = t * (MUT ? 1 : 2) * a.f + column")]),
    ("rows of 2F where there are F", "NUMBERS OOB", [("static_cast<T *>(a.y) + t * a.f", "static_cast<T *>(a.y) + t * (MUT ? 2 : 1) * a.f")]),
    ("dy's rows of 2F", "NUMBERS OOB", [("static_cast<const T *>(a.dy) + t * a.f", "static_cast<const T *>(a.dy) + t * (MUT ? 2 : 1) * a.f")]),
    ("the derivative of silu without its second part", "NUMBERS", [("(1.F + x * (1.F - s))", "(1.F + (MUT ? 0.F : x) * (1.F - s))")]),
    ("dgate with the wrong sign inside", "NUMBERS", [("(1.F - s))", "(MUT ? 1.F + s : 1.F - s))")]),
    ("dup without the sigmoid", "NUMBERS", [("d * x * s)", "d * x * (MUT ? 1.F : s))")]),
    ("dup is dgate", "NUMBERS", [("k_write<size>(dgate + a.f, left, is_aligned, u);", "k_write<size>(dgate + a.f, left, is_aligned, MUT ? g : u);")]),
    ("dgate is written before up is read", "NUMBERS", [("    k_some<T, size> g = k_read<size>(gate, left, is_aligned);\n    k_some<T, size> u", "    k_some<T, size> g = k_read<size>(gate, left, is_aligned);\n    if (MUT)\n        k_write<size>(static_cast<T *>(a.dgate_up) + at + a.f, left, is_aligned, g);\n    k_some<T, size> u")]),
    ("16 bytes at any address, forward", "ALIGN", [("k_is_aligned<T, size>(a.gate_up, a.f) && k_is_aligned<T, size>(a.y, a.f)", "(MUT || (k_is_aligned<T, size>(a.gate_up, a.f) && k_is_aligned<T, size>(a.y, a.f)))")]),
    ("16 bytes at any address, backward", "ALIGN", [("k_is_aligned<T, size>(a.dgate_up, a.f))", "k_is_aligned<T, size>(a.dgate_up, MUT ? 0 : a.f))"), ("k_is_aligned<T, size>(a.gate_up, a.f) && k_is_aligned<T, size>(a.dy, a.f) &&", "(MUT || (k_is_aligned<T, size>(a.gate_up, a.f) && k_is_aligned<T, size>(a.dy, a.f))) &&")]),
]
