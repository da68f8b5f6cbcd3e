"""Bugs of adamw.cu, as ../mutants.py reads them; the tests are those of ../adamw_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "with_master"
BUGS = [
    ("numbers before the part are read", "OOB", [("        if (at + i >= 0 && at + i < n)\n            c.v[i]", "        if ((at + i >= 0 || MUT) && at + i < n + MUT * 4096)\n            c.v[i]")]),
    ("numbers before the part are written", "NUMBERS OOB", [("        if (at + i >= 0 && at + i < n)\n            to[i]", "        if ((at + i >= 0 || MUT) && at + i < n)\n            to[i]")]),
    ("numbers behind the part are written", "NUMBERS OOB", [(" < n)\n            to[i]", " < n + MUT)\n            to[i]")]),
    ("the first numbers are taken at once", "NUMBERS OOB RACE", [("is_aligned && at >= 0 &&", "is_aligned && (MUT || at >= 0) &&")]),
    ("the last numbers are taken at once", "NUMBERS OOB", [("at + size <= a.n;", "at + size <= a.n + MUT;")]),
    ("16 bytes at any address", "ALIGN", [("is_in_step<float>(a.grad, a.first) &&", "(MUT || is_in_step<float>(a.grad, a.first)) &&"), ("is_in_step<float>(a.m, a.first)", "(MUT || is_in_step<float>(a.m, a.first))"), ("is_in_step<float>(a.v, a.first) &&", "(MUT || is_in_step<float>(a.v, a.first)) &&"), ("is_in_step<C>(a.copy, a.first));", "(MUT || is_in_step<C>(a.copy, a.first)));")], "by_chance"),
    ("the gradient is not scaled", "NUMBERS", [("grad.v[i] * s.grad_scale", "grad.v[i] * (MUT ? 1.F : s.grad_scale)")]),
    ("v is of the gradient, not its square", "NUMBERS", [("(1.F - s.b2) * g * g", "(1.F - s.b2) * g * (MUT ? 1.F : g)")]),
    ("m with the other beta", "NUMBERS", [("s.b1 * m.v[i]", "(MUT ? s.b2 : s.b1) * m.v[i]")]),
    ("weights grow", "NUMBERS", [("(1 - a->lr * a->weight_decay)", "(1 + (MUT ? 1 : -1) * a->lr * a->weight_decay)")]),
    ("the first moment's bias stays", "NUMBERS", [("a->lr / (1 - pow(a->beta1, (double)a->step))", "a->lr / (MUT ? 1 : 1 - pow(a->beta1, (double)a->step))")]),
    ("the second moment's bias is of the step before", "NUMBERS", [("pow(a->beta2, (double)a->step)", "pow(a->beta2, (double)a->step + MUT)")]),
    ("eps inside the root", "NUMBERS", [("(sqrtf(v.v[i]) * s.unbias + s.eps)", "(sqrtf(v.v[i] + (MUT ? .01F : 0.F)) * s.unbias + s.eps)")]),
    ("up the hill", "NUMBERS", [("* s.decay - s.rate", "* s.decay - (MUT ? -1.F : 1.F) * s.rate")]),
    ("the copy is what the master was", "NUMBERS", [("k_round_to(&copy.v[i], p.v[i]);", "k_round_to(&copy.v[i], MUT ? m.v[i] : p.v[i]);")]),
    ("each part draws as if it were the first", "NUMBERS", [("(a.first - skip + k_flat_first(size)) / size", "((MUT ? 0 : a.first - skip) + k_flat_first(size)) / size")], "by_chance"),
    ("a part that begins within a group draws from its beginning", "NUMBERS ALIGN", [("skip = (int64_t)(a.first % size)", "skip = MUT ? 0 : (int64_t)(a.first % size)")], "by_chance"),
    ("the same draws at each step", "NUMBERS", [("(uint64_t)a.step, word)", "MUT ? 1 : (uint64_t)a.step, word)")], "by_chance"),
    ("all numbers of a group draw the same", "NUMBERS", [("by_chance(p.v[i], word[i])", "by_chance(p.v[i], word[MUT ? 0 : i])")], "by_chance"),
    ("the lower half of a word", "NUMBERS", [("bits + (word >> 16)", "bits + (MUT ? word & 0xffff : word >> 16)")], "by_chance"),
    ("cut off", "NUMBERS", [("__ushort_as_bfloat16((unsigned short)((bits + ", "__ushort_as_bfloat16((unsigned short)((bits + (MUT ? 0 : 1) * ")], "by_chance"),
    ("rounded to nearest", "NUMBERS", [("return __float2bfloat16_rn(x);\n    return", "return __float2bfloat16_rn(x);\n    if (MUT)\n        return __float2bfloat16_rn(x);\n    return")], "by_chance"),
    ("NaN are rounded by chance", "NUMBERS", [("if ((bits & 0x7f800000U)", "if (!MUT && (bits & 0x7f800000U)")], "not_finite"),
]
