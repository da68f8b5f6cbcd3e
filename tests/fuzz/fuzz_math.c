/* fuzz_math.c -- reading and comparing answers: reflexive, symmetric, white space at the ends and
 * LaTeX wrappers change nothing, the key of an answer does not depend on what was read before. The
 * input is two answers split at the first newline. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "math/first/number.h"

static math_reader reader, fresh;
static math_form a, b, again;

static void read_one(math_reader *r, const char *text, size_t len, math_form *out)
{
    FUZZ_CHECK(math_read(r, (assay_str){ text, len }, out));
    FUZZ_CHECK(out->key.len >= 2 && out->kind);
}

static void check_wrapped(const char *text, size_t len)
{
    pc_buf wrapped = { 0 };
    pc_buf_text(&wrapped, " {");
    pc_buf_add(&wrapped, text, len);
    pc_buf_text(&wrapped, "} ");
    read_one(&reader, wrapped.data, wrapped.len, &again);
    if (a.decided && again.decided)
        FUZZ_CHECK(math_compare(pc_buf_str(&a.key), pc_buf_str(&again.key)) == MATH_SAME);
    pc_buf_fini(&wrapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    char *copy = malloc(size + 1);
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    const char *nl = memchr(copy, '\n', size);
    size_t first = nl ? (size_t)(nl - copy) : size, second = nl ? size - first - 1 : 0;
    read_one(&reader, copy, first, &a);
    read_one(&reader, nl ? nl + 1 : "", second, &b);
    assay_str ka = pc_buf_str(&a.key), kb = pc_buf_str(&b.key);
    FUZZ_CHECK(math_compare(ka, ka) == MATH_SAME && math_compare(kb, kb) == MATH_SAME);
    FUZZ_CHECK(math_compare(ka, kb) == math_compare(kb, ka));
    read_one(&fresh, copy, first, &again);
    FUZZ_CHECK(pc_eq(ka, pc_buf_str(&again.key)) && again.decided == a.decided);
    math_reader_fini(&fresh);
    check_wrapped(copy, first);
    free(copy);
    return 0;
}
