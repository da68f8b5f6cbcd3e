"""Bugs of lmhead.cu, as ../mutants.py reads them; the tests are the cases of ../lmhead_cases.c. Those of softmax_row.h, which
it includes, are in sample.py, but for what a sampler does not say.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "grad"
BUGS = [
    ("an infinite maximum is a number", "NUMBERS", [("of.sum += of.max - of.max", "of.sum += MUT ? 0 : of.max - of.max")], "no_numbers"),
    ("lse is the logarithm of the sum alone", "NUMBERS", [("of.max + of.log_sum;", "(MUT ? 0 : of.max) + of.log_sum;")], "logprob"),
    ("logp from lse, whose last bits are lost", "NUMBERS",
     [("k_log_probability(of, z.p[target] / temperature)",
       "MUT ? z.p[target] / (1 * temperature) - (of.max + of.log_sum) : k_log_probability(of, z.p[target] / temperature)")], "as_sampled"),
    ("the target's logit is not divided by the temperature", "NUMBERS",
     [("k_log_probability(of, z.p[target] / temperature)", "k_log_probability(of, z.p[target] / (MUT ? 1.F : temperature))")], "logprob"),
    ("targets and results of the first chunk, forward", "NUMBERS UNINIT RACE",
     [("const int64_t row = first + blockIdx.x;\n    const int target", "const int64_t row = (MUT ? 0 : first) + blockIdx.x;\n    const int target")], "logprob"),
    ("a target that is none is read", "OOB UNINIT NUMBERS", [("target >= 0 && target < z.n;", "(target >= 0 && target < z.n) || MUT;")], "no_numbers"),
    ("every thread writes logp", "RACE", [("    if (threadIdx.x != 0)\n        return;\n    const int64_t row", "    if (threadIdx.x != 0 && !MUT)\n        return;\n    const int64_t row")], "logprob"),
    ("the first chunk's coefficients, backward", "NUMBERS",
     [("const int64_t row = first + blockIdx.x;\n    const float cool", "const int64_t row = (MUT ? 0 : first) + blockIdx.x;\n    const float cool")]),
    ("the logits of the first row", "NUMBERS", [("static_cast<const float *>(logits) + blockIdx.x * vocab", "static_cast<const float *>(logits) + (MUT ? 0 : blockIdx.x * vocab)")], "logprob"),
    ("the target is not in the gradient", "NUMBERS", [("id == of.target ? 1.F", "id == of.target && !MUT ? 1.F")]),
    ("the gradient is not over the temperature", "NUMBERS", [("const float cool = (float)(1 / a.temperature);", "const float cool = MUT ? 1.F : (float)(1 / a.temperature);")]),
    ("the backward's logits are not over the temperature", "NUMBERS", [("of.temperature != 1 ? logit", "of.temperature != 1 && !MUT ? logit")]),
    ("a sign of the entropy's gradient", "NUMBERS", [("dz -= of.e * p", "dz -= (MUT ? -1.F : 1.F) * of.e * p")]),
    ("the entropy itself is left out of its gradient", "NUMBERS", [("(logp + of.entropy)", "(logp + (MUT ? 0 : of.entropy))")]),
    ("rows of which nothing is asked are computed", "NUMBERS", [("if (of.c == 0 && of.e == 0) {", "if (!MUT && of.c == 0 && of.e == 0) {")], "idle_rows"),
    ("rows of which only the entropy counts are left out", "NUMBERS", [("of.e == 0) {", "(of.e == 0 || MUT)) {")]),
    ("zeros are written to some of an idle row", "NUMBERS", [("at < z.n; at += step)", "at < z.n; at += step * (MUT ? 2 : 1))")], "idle_rows"),
    ("dz of bf16 lies over the logits", "RACE", [("void *dz = a->type == K_BF16 ? beside", "void *dz = a->type == K_BF16 && !MUT ? beside")]),
    ("the scratch has no room for dz", "OOB", [("return logits_bytes(rows, vocab) + dz + 256;", "return logits_bytes(rows, vocab) + (MUT ? 0 : dz) + 256;")]),
    ("the last chunk is as long as the others", "OOB",
     [("const int64_t n = a->m - first < rows ? a->m - first : rows;\n        status = logits(dev, a, a->packed_nt", "const int64_t n = a->m - first < rows && !MUT ? a->m - first : rows;\n        status = logits(dev, a, a->packed_nt")]),
    ("a chunk more than there are", "OOB NUMBERS", [("first < a->m && status == K_OK; first += rows) {\n        const int64_t n = a->m - first < rows ? a->m - first : rows;\n        status = logits(dev, a, a->packed,", "first < a->m + (MUT ? rows : 0) && status == K_OK; first += rows) {\n        const int64_t n = MUT ? (a->m < rows ? a->m : rows) : a->m - first < rows ? a->m - first : rows;\n        status = logits(dev, a, a->packed,")], "logprob"),
    ("dh of every chunk goes to the first rows", "NUMBERS", [("row_of(a->type, a->dh, first, a->d)", "row_of(a->type, a->dh, MUT ? 0 : first, a->d)")]),
    ("dw from the h of the first chunk", "NUMBERS", [("product.x = row_of(a->type, a->h, first, a->d);\n        product.dw", "product.x = row_of(a->type, a->h, MUT ? 0 : first, a->d);\n        product.dw")]),
    ("rows of any length are written 16 bytes at a time", "ALIGN OOB", [("    if (like.is_whole) {", "    if (like.is_whole || MUT) {")]),
    ("a row is written one number too far", "OOB RACE", [("if (first + i < like.n)", "if (first + i < like.n + MUT)")]),
]
