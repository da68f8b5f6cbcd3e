/* judge_clear.c -- is a reference clear by itself? An answer can make any comparison costly or
 * opaque; that must not turn a reference which can be worked out alone into an open question.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/compare_inner.h"
#include "math/judge.h"

/* Trees are no deeper than MATH_DEPTH. NOLINTBEGIN(misc-no-recursion) */

static bool has_kind(math_side s, math_kind kind)
{
    if (side_kind(s) == kind)
        return true;
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (has_kind(math_side_kid(s, i), kind))
            return true;
    return false;
}

static bool has_value(math_side s)
{
    enum { BITS = 64 };
    math_budget budget = { MATH_STEPS };
    const math_env env = { .log_base = 10, .budget = &budget };
    acb_t v;
    acb_init(v);
    math_eval e = math_eval_acb(s, &env, v, BITS);
    acb_clear(v);
    return e == EVAL_OK || e == EVAL_HUGE;
}

/* A number that has a value, or what can be told from a number that it surely is not. Of f nothing
 * is known, so f(x) may be anything. */
static bool is_clear_scalar(math_side s)
{
    math_side bare = side_kind(s) == M_NEG ? math_side_kid(s, 0) : s;
    if (side_kind(bare) == M_INF || match_has_pm(s) || has_value(s))
        return true;
    if (has_kind(s, M_APPLY))
        return false;
    math_budget budget = { MATH_STEPS };
    math_tree t = { .n = 0 };
    math_id number = math_leaf(&t, M_NUM, (assay_str){ "7.31", 4 });
    bool clear =
        number && math_expr_equal(s, (math_side){ &t, number }, &budget).truth != MATH_UNDECIDED;
    math_tree_fini(&t);
    return clear;
}

/* Can it be told from an interval, or from a family, that it surely is not? */
static bool is_clear_set(math_side s)
{
    math_budget budget = { MATH_STEPS };
    math_tree t = { .n = 0 };
    const assay_str at = { "7.31", 4 }, to = { "7.32", 4 }, k = { "k", 1 };
    math_id lo = math_leaf(&t, M_NUM, at), hi = math_leaf(&t, M_NUM, to);
    math_id interval = math_2(&t, M_INTERVAL, 0, lo, hi);
    math_id index = math_leaf(&t, M_SYM, k);
    math_id term = math_2(&t, M_MUL, 0, math_int(&t, 1000003), index);
    math_id family = math_2(&t, M_FAMILY, 'Z', math_2(&t, M_ADD, 0, lo, term), index);
    bool clear = false;
    if (interval && family) {
        math_side a = { &t, interval }, b = { &t, family };
        clear = math_set_equal(s, a, &budget).truth != MATH_UNDECIDED ||
                math_family_equal(s, b, &budget).truth != MATH_UNDECIDED;
    }
    math_tree_fini(&t);
    return clear;
}

static bool has_order(math_side s)
{
    assay_str ops = side_text(s);
    for (size_t i = 0; i < ops.len; i++)
        if (ops.data[i] != REL_EQ && ops.data[i] != REL_APPROX)
            return true;
    return false;
}

static bool are_clear_kids(math_side s)
{
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (!math_is_clear(math_side_kid(s, i)))
            return false;
    return true;
}

static bool is_clear_relation(math_side s)
{
    math_side name, value;
    if (math_side_node(s)->n == 2 && match_name(s, &name, &value)) /* f(x) = x^2 */
        return math_is_clear(value);
    return has_order(s) ? is_clear_set(s) : are_clear_kids(s);
}

bool math_is_clear(math_side s)
{
    switch ((unsigned)side_kind(s)) {
    case M_NONE:
    case M_PIECEWISE:
    case M_DOTS:
        return false;
    case M_TEXT:
        return math_side_node(s)->op != MATH_MIXED_TEXT;
    case M_NAMED:
    case M_EMPTY:
        return true;
    case M_LABEL:
        return math_is_clear(math_side_kid(s, 1));
    case M_REL:
        return is_clear_relation(s);
    case M_SETBUILDER:
    case M_FAMILY:
        return is_clear_set(s);
    default:
        return math_is_scalar(side_kind(s)) ? is_clear_scalar(s) : are_clear_kids(s);
    }
}
/* NOLINTEND(misc-no-recursion) */
