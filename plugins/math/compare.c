/* compare.c -- which rung decides: dispatch on what the two answers are. SPDX-License-Identifier:
 * Apache-2.0 */
#include "math/compare_inner.h"

enum { DEEPEST = 40 };

static math_side kid(math_side s, uint32_t i)
{
    return math_side_kid(s, i);
}

/* Depth is counted by match(). NOLINTBEGIN(misc-no-recursion) */

/* ---- words ---- */

static bool same_letters(assay_str a, assay_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (pc_lower(a.data[i]) != pc_lower(b.data[i]))
            return false;
    return true;
}

static bool is_choice(assay_str letter)
{
    return letter.len == 1 && pc_lower(letter.data[0]) >= 'a' && pc_lower(letter.data[0]) <= 'j';
}

/* "xy" alone is read as a word; against x*y it is that product, letter by letter. */
static bool is_product_of(math_side text, math_side product)
{
    enum { SHORT = 4 };
    assay_str w = side_text(text);
    const math_node *n = math_side_node(product);
    if (side_kind(text) != M_TEXT || n->kind != M_MUL || w.len != n->n || w.len > SHORT)
        return false;
    bool used[SHORT] = { false };
    for (uint32_t i = 0; i < n->n; i++) {
        math_side letter = kid(product, i);
        uint32_t k = 0;
        while (k < w.len && (used[k] || side_kind(letter) != M_SYM || side_text(letter).len != 1 ||
                             side_text(letter).data[0] != w.data[k]))
            k++;
        if (k == w.len || w.data[k] < 'a' || w.data[k] > 'z')
            return false;
        used[k] = true;
    }
    return true;
}

/* Text against text, letter or anything else. What was read as text only because it would not parse
 * decides nothing against another text of that kind. */
static math_finding match_texts(math_side a, math_side b)
{
    bool words = (side_kind(a) == M_TEXT || side_kind(a) == M_SYM) &&
                 (side_kind(b) == M_TEXT || side_kind(b) == M_SYM);
    if (words && same_letters(side_text(a), side_text(b)))
        return math_found(MATH_EQUAL, "text");
    if (is_product_of(a, b) || is_product_of(b, a))
        return math_found(MATH_EQUAL, "text");
    if (side_kind(a) == M_TEXT && math_side_node(a)->op == MATH_MIXED_TEXT)
        return math_open("text", WHY_UNPARSED, MATH_BLAME_A);
    if (side_kind(b) == M_TEXT && math_side_node(b)->op == MATH_MIXED_TEXT)
        return math_open("text", WHY_UNPARSED, MATH_BLAME_B);
    return math_found(MATH_DIFFERENT, words ? "text" : "kind");
}

/* ---- a choice with its value ---- */

/* Both are one letter: as the name of a choice its case does not matter. */
static bool are_letters(math_side a, math_side b)
{
    return side_kind(a) == M_SYM && side_kind(b) == M_SYM && is_choice(side_text(a)) &&
           is_choice(side_text(b));
}

static math_finding match_label(matcher *m, math_side labelled, math_side other, bool swapped)
{
    math_side letter = kid(labelled, 0), value = kid(labelled, 1);
    if (side_kind(other) == M_LABEL)
        other = kid(other, 0);
    else if (side_kind(other) != M_SYM || !is_choice(side_text(other)))
        return swapped ? match(m, other, value) : match(m, value, other);
    return are_letters(letter, other) ? match_texts(letter, other) : match(m, letter, other);
}

/* ---- ratios ---- */

static bool is_proportion(math_side s)
{
    const math_node *n = math_side_node(s);
    for (uint32_t i = 0; i < n->n; i++) {
        math_side part = kid(s, i);
        if (side_kind(part) == M_NUM && side_text(part).data[0] == '0') /* 12:05 is a time */
            return false;
    }
    return true;
}

static bool ends_in_zero_digit(math_side s)
{
    math_side last = kid(s, math_side_node(s)->n - 1);
    return side_kind(last) == M_NUM && side_text(last).len > 1 && side_text(last).data[0] == '0';
}

/* a:b:c and d:e:f: a e = b d and so on. */
static math_finding match_ratios(matcher *m, math_side a, math_side b)
{
    uint32_t n = math_side_node(a)->n;
    if (n != math_side_node(b)->n)
        return math_found(MATH_DIFFERENT, "ratio");
    if (ends_in_zero_digit(a) != ends_in_zero_digit(b)) /* 7:05 is a time, 7:5 is none */
        return math_found(MATH_DIFFERENT, "ratio");
    bool scaled = is_proportion(a) && is_proportion(b);
    math_finding all = math_found(MATH_EQUAL, "ratio");
    for (uint32_t i = scaled; i < n; i++) {
        math_side x = kid(a, i), y = kid(b, i);
        if (scaled) {
            math_id none = 0;
            math_tree *t = m->scratch;
            const assay_str no = { "", 0 };
            math_id a0 = math_copy(t, a.tree, kid(a, 0).id, no, none),
                    b0 = math_copy(t, b.tree, kid(b, 0).id, no, none);
            math_id ai = math_copy(t, a.tree, x.id, no, none),
                    bi = math_copy(t, b.tree, y.id, no, none);
            x = in_scratch(m, math_2(t, M_MUL, 0, ai, b0));
            y = in_scratch(m, math_2(t, M_MUL, 0, bi, a0));
            if (!x.id || !y.id)
                return math_open("ratio", WHY_BUDGET, MATH_BLAME_B);
        }
        math_finding f = match(m, x, y);
        if (f.truth == MATH_DIFFERENT)
            return f;
        if (f.truth == MATH_UNDECIDED)
            all = f;
    }
    return all;
}

/* 3:4 and 3/4. */
static math_finding match_ratio_number(matcher *m, math_side ratio, math_side number, bool swapped)
{
    if (math_side_node(ratio)->n != 2 || !math_is_scalar(side_kind(number)))
        return math_found(MATH_DIFFERENT, "kind");
    math_tree *t = m->scratch;
    const assay_str no = { "", 0 };
    math_id top = math_copy(t, ratio.tree, kid(ratio, 0).id, no, 0),
            below = math_copy(t, ratio.tree, kid(ratio, 1).id, no, 0);
    math_side q = in_scratch(m, math_2(t, M_DIV, 0, top, below));
    if (!q.id)
        return math_open("ratio", WHY_BUDGET, MATH_BLAME_B);
    return swapped ? match(m, number, q) : match(m, q, number);
}

/* ---- the decimal comma ---- */

static bool is_decimal_list(math_side s)
{
    return side_kind(s) == M_LIST && (math_side_node(s)->flags & M_DECIMAL_COMMA);
}

static math_side undressed(math_side s)
{
    return side_kind(s) == M_UNIT ? kid(s, 0) : s;
}

/* Of a reference 1,22 may be 1.22, but 0,1 and 27,93 are lists in every data set. */
static bool is_longer_behind(math_side s)
{
    return side_text(undressed(kid(s, 1))).len > side_text(kid(s, 0)).len;
}

static math_finding match_decimal_comma(matcher *m, math_side list, math_side number, bool swapped)
{
    pc_buf text = { 0 };
    assay_str whole = side_text(kid(list, 0)), part = side_text(undressed(kid(list, 1)));
    pc_buf_add(&text, whole.data, whole.len);
    pc_buf_byte(&text, '.');
    pc_buf_add(&text, part.data, part.len);
    math_side n = in_scratch(m, text.failed ? 0 : math_leaf(m->scratch, M_NUM, pc_buf_str(&text)));
    pc_buf_fini(&text);
    if (!n.id)
        return math_open("decimal comma", WHY_BUDGET, MATH_BLAME_B);
    return swapped ? match(m, number, n) : match(m, n, number);
}

/* ---- one number or two ---- */

/* 125,343 or -125,343. */
static bool is_grouped(math_side s)
{
    if (side_kind(s) == M_NEG)
        s = kid(s, 0);
    return side_kind(s) == M_NUM && (math_side_node(s)->flags & M_COMMA_GROUP);
}

static bool is_list_of_two(math_side s)
{
    math_kind k = side_kind(s);
    return (k == M_LIST || k == M_SET || k == M_BRACES) && math_side_node(s)->n == 2;
}

static math_finding match_grouped(matcher *m, math_side number, math_side list, bool swapped)
{
    math_tree *t = m->scratch;
    bool negative = side_kind(number) == M_NEG;
    assay_str digits = side_text(negative ? kid(number, 0) : number);
    math_id first = math_leaf(t, M_NUM, pc_slice(digits, 0, digits.len - 3));
    if (negative)
        first = math_1(t, M_NEG, 0, first);
    math_side two = in_scratch(m, math_2(t, M_LIST, JOIN_COMMA, first,
                                         math_leaf(t, M_NUM, pc_from(digits, digits.len - 3))));
    if (!two.id)
        return math_open("set", WHY_BUDGET, MATH_BLAME_B);
    return swapped ? match(m, list, two) : match(m, two, list);
}

/* ---- cases ---- */

static math_finding match_pieces(matcher *m, math_side a, math_side b)
{
    uint32_t n = math_side_node(a)->n;
    if (n != math_side_node(b)->n)
        return math_open("cases", WHY_OPAQUE, 0);
    math_finding all = math_found(MATH_EQUAL, "cases");
    for (uint32_t i = 0; i < n; i++) {
        bool otherwise = side_kind(kid(a, i)) == M_NONE || side_kind(kid(b, i)) == M_NONE;
        math_finding f =
            otherwise ? math_found(side_kind(kid(a, i)) == side_kind(kid(b, i)) ? MATH_EQUAL
                                                                                : MATH_UNDECIDED,
                                   "cases")
                      : match(m, kid(a, i), kid(b, i));
        if (f.truth != MATH_EQUAL)
            all = math_open("cases", WHY_OPAQUE, 0); /* other pieces may make the same function */
    }
    return all;
}

/* ---- dispatch ---- */

static bool is_kind(math_side a, math_side b, math_kind k)
{
    return side_kind(a) == k || side_kind(b) == k;
}

/* Is s a sum, product or determinant of matrices? */
bool match_needs_lowering(math_side s)
{
    if (side_kind(s) == M_MATRIX)
        return (math_side_node(s)->flags & M_DETERMINANT) != 0;
    return math_is_scalar(side_kind(s)) && match_has_matrix(s);
}

static math_finding match_lowered(matcher *m, math_side a, math_side b)
{
    math_side x = a, y = b;
    if (match_needs_lowering(a) && !match_lower(m, a, &x))
        return math_open("matrix", WHY_OPAQUE, MATH_BLAME_A);
    if (match_needs_lowering(b) && !match_lower(m, b, &y))
        return math_open("matrix", WHY_OPAQUE, MATH_BLAME_B);
    return match(m, x, y);
}

/* A list that may be one number with a decimal comma: 3,14. False: it is not, or that does not make
 * the sides equal. */
static bool match_as_decimal(matcher *m, math_side a, math_side b, math_finding *out)
{
    bool in_a = is_decimal_list(a) && is_longer_behind(a) && math_is_scalar(side_kind(b)),
         in_b = is_decimal_list(b) && math_is_scalar(side_kind(a));
    if ((!in_a || match_has_pm(b)) && (!in_b || match_has_pm(a)))
        return false;
    *out = in_a ? match_decimal_comma(m, a, b, false) : match_decimal_comma(m, b, a, true);
    return out->truth == MATH_EQUAL;
}

/* A number whose comma may part two: 125,343. False: there is none. */
static bool match_as_grouped(matcher *m, math_side a, math_side b, math_finding *out)
{
    bool in_a = is_grouped(a) && is_list_of_two(b), in_b = is_grouped(b) && is_list_of_two(a);
    if (in_a || in_b)
        *out = in_a ? match_grouped(m, a, b, false) : match_grouped(m, b, a, true);
    return in_a || in_b;
}

/* Relations and ratios. False: neither side is one. */
static bool match_as_related(matcher *m, math_side a, math_side b, math_finding *out)
{
    bool ratio_a = side_kind(a) == M_RATIO, ratio_b = side_kind(b) == M_RATIO;
    if (ratio_a && ratio_b)
        *out = match_ratios(m, a, b);
    else if (is_kind(a, b, M_REL))
        *out = match_relations(m, a, b);
    else if (ratio_a || ratio_b)
        *out = ratio_a ? match_ratio_number(m, a, b, false) : match_ratio_number(m, b, a, true);
    else
        return false;
    return true;
}

static math_finding dispatch(matcher *m, math_side a, math_side b)
{
    math_kind ka = side_kind(a), kb = side_kind(b);
    math_finding f;
    if (ka == M_LABEL)
        return match_label(m, a, b, false);
    if (kb == M_LABEL)
        return match_label(m, b, a, true);
    if (is_kind(a, b, M_TEXT) || (m->depth == 1 && are_letters(a, b)))
        return match_texts(a, b);
    if (match_as_decimal(m, a, b, &f) || match_as_grouped(m, a, b, &f) ||
        match_as_related(m, a, b, &f))
        return f;
    if (ka == M_PIECEWISE && kb == M_PIECEWISE)
        return match_pieces(m, a, b);
    if (match_needs_lowering(a) || match_needs_lowering(b))
        return match_lowered(m, a, b);
    if (match_has_pm(a) || match_has_pm(b) || match_is_collection(ka) || match_is_collection(kb))
        return match_collections(m, a, b);
    if (math_is_scalar(ka) && math_is_scalar(kb))
        return match_scalars(m, a, b);
    return math_found(ka == kb ? MATH_UNDECIDED : MATH_DIFFERENT, "kind");
}

math_finding match(matcher *m, math_side a, math_side b)
{
    if (m->depth >= DEEPEST || !math_spend(m->budget, 1))
        return math_open("budget", WHY_BUDGET, MATH_BLAME_B);
    m->depth++;
    math_finding f = dispatch(m, a, b);
    m->depth--;
    return f;
}
/* NOLINTEND(misc-no-recursion) */

math_finding math_answer_equal(math_side a, math_side b, const math_policy *policy,
                               math_budget *budget)
{
    math_tree scratch = { .n = 0 };
    matcher m = { .policy = policy, .budget = budget, .scratch = &scratch };
    math_finding f = match(&m, a, b);
    if (f.truth != MATH_EQUAL &&
        math_same_tree(a.tree, a.id, b.tree, b.id)) /* reflexive, whatever it is */
        f = math_found(MATH_EQUAL, "tree");
    if (f.truth == MATH_UNDECIDED && f.reason == WHY_NONE)
        f.reason = WHY_OPAQUE;
    math_tree_fini(&scratch);
    return f;
}
