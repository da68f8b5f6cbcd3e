/* fuzz_math.c -- two answers, split at the first newline, through the whole comparison: no crash,
 * reflexive, symmetric, the same after white space and braces, the same when it is asked again;
 * what is printed reads back as an equal answer; keys do not depend on what was read before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "math/judge.h"

static math_parser parser;
static math_tree a, b, again;
static const math_policy exact = { .square_free = true };

static bool read_one(assay_str text, math_tree *out)
{
    bool ok = math_parse(&parser, text, false, out);
    FUZZ_CHECK(ok == (out->root != 0) && (ok || parser.why));
    return ok;
}

static math_finding compare(const math_tree *x, const math_tree *y)
{
    math_budget budget = { MATH_STEPS };
    math_finding f =
        math_answer_equal((math_side){ x, x->root }, (math_side){ y, y->root }, &exact, &budget);
    FUZZ_CHECK(f.rule && (f.truth == MATH_UNDECIDED) == (f.reason != WHY_NONE));
    return f;
}

static void write_key(const math_tree *t, pc_buf *out)
{
    math_budget budget = { MATH_STEPS };
    pc_buf_clear(out);
    math_answer_key((math_side){ t, t->root }, &budget, out);
    FUZZ_CHECK(out->len >= 2 && !out->failed); /* "u:" is the empty set */
}

/* Of a prediction 1,22 may be 1.22: there, and only there, the sides differ. */
static bool may_be_decimal(const math_tree *t)
{
    for (math_id i = 1; i < t->n; i++)
        if (t->nodes[i].flags & M_DECIMAL_COMMA)
            return true;
    return false;
}

static void check_pair(void)
{
    math_finding ab = compare(&a, &b), ba = compare(&b, &a), twice = compare(&a, &b);
    FUZZ_CHECK(ab.truth == twice.truth && strcmp(ab.rule, twice.rule) == 0);
    bool costly = ab.reason == WHY_BUDGET ||
                  ba.reason == WHY_BUDGET; /* which side is met first may decide that */
    if (may_be_decimal(&a) || may_be_decimal(&b))
        return;
    FUZZ_CHECK(costly || (ab.truth == MATH_EQUAL) == (ba.truth == MATH_EQUAL));
}

/* Equal keys are never of different answers. */
static void check_keys(void)
{
    pc_buf x = { 0 }, y = { 0 };
    write_key(&a, &x);
    write_key(&b, &y);
    FUZZ_CHECK(!pc_eq(pc_buf_str(&x), pc_buf_str(&y)) || compare(&a, &b).truth != MATH_DIFFERENT);
    pc_buf_fini(&x);
    pc_buf_fini(&y);
}

static void check_one(assay_str text)
{
    pc_buf key = { 0 }, key_again = { 0 }, wrapped = { 0 };
    FUZZ_CHECK(compare(&a, &a).truth == MATH_EQUAL);
    write_key(&a, &key);
    pc_buf_text(&wrapped, " {");
    pc_buf_add(&wrapped, text.data, text.len);
    pc_buf_text(&wrapped, "} ");
    if (read_one(pc_buf_str(&wrapped), &again) && math_same_tree(&a, a.root, &again, again.root)) {
        write_key(&again, &key_again);
        FUZZ_CHECK(pc_eq(pc_buf_str(&key), pc_buf_str(&key_again)));
    }
    pc_buf_fini(&key);
    pc_buf_fini(&key_again);
    pc_buf_fini(&wrapped);
}

static void check_print(void)
{
    pc_buf text = { 0 };
    math_print(&a, a.root, &text);
    FUZZ_CHECK(!text.failed);
    (void)read_one(pc_buf_str(&text), &again);
    pc_buf_fini(&text);
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
    bool has_a = read_one((assay_str){ copy, first }, &a),
         has_b = read_one((assay_str){ nl ? nl + 1 : "", second }, &b);
    if (has_a && has_b) {
        check_pair();
        check_keys();
    }
    if (has_a) {
        check_one((assay_str){ copy, first });
        check_print();
    }
    free(copy);
    return 0;
}
