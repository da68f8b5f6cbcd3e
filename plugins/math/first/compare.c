/* compare.c -- do two keys mean the same: names and units that one side leaves out do not separate.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/first/rational.h"
#include "math/first/units.h"

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

/* Of groups that are not equal byte for byte: sets of sets compare each leaf with each. */
enum { MOST_ELEMENTS = 64, MOST_BYTES = 1024 };

typedef struct elements {
    assay_str list[MOST_ELEMENTS];
    uint32_t n;
} elements;

/* The elements between the brackets of "t:(q:1,q:2)"; false: too many, or text among them, whose
 * own brackets and commas would mislead. */
static bool split(assay_str key, elements *out)
{
    *out = (elements){ .n = 0 };
    if (key.len < 4 || key.len > MOST_BYTES || pc_find(key, "x:", 0) != PC_NONE)
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

/* partners[i] holds a bit for each element of the other set that i may be paired with. */
typedef struct pairing {
    uint64_t partners[MOST_ELEMENTS], tried;
    uint32_t n, owner[MOST_ELEMENTS]; /* of the elements of the other set; n: nobody's yet */
} pairing;

/* Each recursion tries an element nobody tried before, so at most n nest.
 * NOLINTBEGIN(misc-no-recursion) */
static bool pair_up(pairing *p, uint32_t i)
{
    for (uint32_t k = 0; k < p->n; k++) {
        uint64_t bit = UINT64_C(1) << k;
        if (!(p->partners[i] & bit) || (p->tried & bit))
            continue;
        p->tried |= bit;
        if (p->owner[k] == p->n || pair_up(p, p->owner[k])) {
            p->owner[k] = i;
            return true;
        }
    }
    return false;
}

/* Has each element a partner of its own? What the first pairs take does not decide: 5 may be paired
 * with 5 cm or with 5 m, and the answer is the same from either side. */
static bool all_paired(pairing *p)
{
    for (uint32_t k = 0; k < p->n; k++)
        p->owner[k] = p->n;
    for (uint32_t i = 0; i < p->n; i++) {
        p->tried = 0;
        if (!pair_up(p, i))
            return false;
    }
    return true;
}

/* Tuples and intervals by position, sets by any pairing; nests no deeper than the reader does. */
static math_verdict compare_groups(assay_str a, assay_str b)
{
    elements x, y;
    if (!split(a, &x) || !split(b, &y) || x.n != y.n || memcmp(a.data, b.data, 3) != 0 ||
        a.data[a.len - 1] != b.data[b.len - 1])
        return MATH_DIFFERENT;
    bool is_set = a.data[0] == 's';
    pairing same = { .n = x.n }, perhaps = { .n = x.n };
    for (uint32_t i = 0; i < x.n; i++)
        for (uint32_t k = is_set ? 0 : i; k < (is_set ? x.n : i + 1); k++) {
            math_verdict v = math_compare(x.list[i], y.list[k]);
            same.partners[i] |= (uint64_t)(v == MATH_SAME) << k;
            perhaps.partners[i] |= (uint64_t)(v != MATH_DIFFERENT) << k;
        }
    if (all_paired(&same))
        return MATH_SAME;
    return all_paired(&perhaps) ? MATH_UNITS : MATH_DIFFERENT;
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
    if (unit_a.len && unit_b.len && !pc_eq(unit_a, unit_b)) {
        /* 5 cm is not 5 m; whether 500 cm is 5 m takes conversion, which is yet to come */
        bool known = math_unit_is_known(unit_a) && math_unit_is_known(unit_b);
        return known && pc_eq(a, b) ? MATH_DIFFERENT : MATH_UNITS;
    }
    if (pc_eq(a, b))
        return MATH_SAME;
    if (pc_is(unit_a, "%") && !unit_b.len)
        return is_hundredfold(a, b) ? MATH_SAME : MATH_DIFFERENT;
    if (pc_is(unit_b, "%") && !unit_a.len)
        return is_hundredfold(b, a) ? MATH_SAME : MATH_DIFFERENT;
    return MATH_DIFFERENT;
}
/* NOLINTEND(misc-no-recursion) */
