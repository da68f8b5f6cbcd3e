/* compare.c -- do two keys mean the same: names and units that one side leaves out do not separate.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/rational.h"
#include "math/units.h"

#include <string.h>

size_t math_name_length(assay_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] == '=')
            return i + 1;
        if (!pc_is_alpha(key.data[i]) && !pc_is_digit(key.data[i]) && key.data[i] != '_')
            return 0;
    }
    return 0;
}

static assay_str take_name(assay_str *key)
{
    size_t n = math_name_length(*key);
    assay_str name = pc_slice(*key, 0, n);
    *key = pc_from(*key, n);
    return name;
}

static assay_str take_unit(assay_str *key)
{
    const char *bar = key->len ? memrchr(key->data, '|', key->len) : NULL;
    if (!bar)
        return (assay_str){ "", 0 };
    size_t at = (size_t)(bar - key->data);
    assay_str unit = pc_from(*key, at + 1);
    *key = pc_slice(*key, 0, at);
    return unit;
}

static bool parse_rational(fmpq_t q, assay_str key)
{
    pc_buf text = { 0 };
    pc_buf_add(&text, key.data + 2, key.len - 2);
    bool ok = !text.failed && fmpq_set_str(q, text.data, 10) == 0;
    pc_buf_fini(&text);
    return ok;
}

/* 50% is 1/2. */
static bool is_hundredfold(assay_str percent, assay_str plain)
{
    fmpq_t a, b;
    fmpq_init(a);
    fmpq_init(b);
    bool same = parse_rational(a, percent) && parse_rational(b, plain);
    if (same) {
        math_times_ten_to(b, 2);
        same = fmpq_equal(a, b) != 0;
    }
    fmpq_clear(a);
    fmpq_clear(b);
    return same;
}

/* ---- tuples, intervals, sets: element by element ---- */

enum { MOST_ELEMENTS = 64 }; /* of groups that are not equal byte for byte */

typedef struct elements {
    assay_str list[MOST_ELEMENTS];
    uint32_t n;
} elements;

/* The elements between the brackets of "t:(q:1,q:2)"; false: too many, or text among them, whose
 * own brackets and commas would mislead. */
static bool split(assay_str key, elements *out)
{
    *out = (elements){ .n = 0 };
    if (key.len < 4 || pc_find(key, "x:", 0) != PC_NONE)
        return false;
    uint32_t depth = 0;
    size_t from = 3;
    for (size_t i = 3; i < key.len; i++) {
        char c = key.data[i];
        bool last = i + 1 == key.len;
        if (last || (c == ',' && depth == 0)) {
            if (out->n == MOST_ELEMENTS)
                return false;
            out->list[out->n++] = pc_slice(key, from, i);
            from = i + 1;
        }
        depth += c == '(' || c == '[' || c == '{';
        depth -= depth > 0 && (c == ')' || c == ']' || c == '}');
    }
    return true;
}

/* The groups hold the same where each element has a partner of its own; in a set, anywhere.
 * Groups nest no deeper than the reader's MAX_NEST. NOLINTBEGIN(misc-no-recursion) */
static math_verdict compare_groups(assay_str a, assay_str b)
{
    elements x, y;
    bool is_set = pc_starts(a, "s:{");
    if (!split(a, &x) || !split(b, &y) || x.n != y.n || memcmp(a.data, b.data, 3) != 0 ||
        a.data[a.len - 1] != b.data[b.len - 1])
        return MATH_DIFFERENT;
    math_verdict result = MATH_SAME;
    for (uint32_t i = 0; i < x.n; i++) {
        math_verdict best = MATH_DIFFERENT;
        uint32_t partner = i, end = is_set ? y.n : i + 1;
        for (uint32_t k = i; k < end && best != MATH_SAME; k++) {
            math_verdict v = math_compare(x.list[i], y.list[k]);
            if (v == MATH_DIFFERENT)
                continue;
            best = v;
            partner = k;
        }
        if (best == MATH_DIFFERENT)
            return best;
        if (best == MATH_UNITS)
            result = best;
        assay_str taken = y.list[partner];
        y.list[partner] = y.list[i];
        y.list[i] = taken;
    }
    return result;
}

math_verdict math_compare(assay_str a, assay_str b)
{
    if (pc_eq(a, b))
        return MATH_SAME;
    assay_str name_a = take_name(&a), name_b = take_name(&b);
    if (name_a.len && name_b.len && !pc_eq(name_a, name_b))
        return MATH_DIFFERENT;
    if (pc_eq(a, b))
        return MATH_SAME;
    if (a.len > 2 && b.len > 2 && pc_in(a.data[0], "tis") && a.data[1] == ':')
        return compare_groups(a, b);
    if (!pc_starts(a, "q:") || !pc_starts(b, "q:"))
        return MATH_DIFFERENT;
    assay_str unit_a = take_unit(&a), unit_b = take_unit(&b);
    if (unit_a.len && unit_b.len && !pc_eq(unit_a, unit_b))
        return math_unit_is_known(unit_a) && math_unit_is_known(unit_b) ? MATH_DIFFERENT
                                                                        : MATH_UNITS;
    if (pc_eq(a, b))
        return MATH_SAME;
    if (pc_is(unit_a, "%") && !unit_b.len)
        return is_hundredfold(a, b) ? MATH_SAME : MATH_DIFFERENT;
    if (pc_is(unit_b, "%") && !unit_a.len)
        return is_hundredfold(b, a) ? MATH_SAME : MATH_DIFFERENT;
    return MATH_DIFFERENT;
}
/* NOLINTEND(misc-no-recursion) */
