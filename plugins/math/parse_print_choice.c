/* parse_print_choice.c -- what math_print_rewritten changes, and where it must not. A counter and a
 * seed go through splitmix64, so the same seed prints the same text everywhere.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_print.h"

static uint64_t draw(printer *p)
{
    uint64_t z = p->seed + ++p->drawn * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

uint32_t print_below(printer *p, uint32_t n)
{
    return (uint32_t)(draw(p) % n);
}

bool print_chance(printer *p, unsigned one_in)
{
    return p->rewrites && !p->still && print_below(p, one_in) == 0;
}

bool print_is_integer(const printer *p, math_id id, size_t most_digits)
{
    assay_str s = math_text(p->t, id);
    if (math_at(p->t, id)->kind != M_NUM || s.len == 0 || s.len > most_digits)
        return false;
    for (size_t k = 0; k < s.len; k++)
        if (!pc_is_digit(s.data[k]))
            return false;
    return s.len == 1 || s.data[0] != '0';
}

typedef struct looks {
    uint32_t left; /* nodes still to be looked at: a shared node may be met often */
    bool ok;
} looks;

/* Depth is bounded by the tree's. NOLINTBEGIN(misc-no-recursion) */
static void look(const printer *p, math_id id, unsigned depth, looks *l)
{
    const math_node *n = math_at(p->t, id);
    bool decimal = n->kind == M_NUM && !print_is_integer(p, id, MATH_DIGITS);
    if (l->left == 0 || depth > MATH_DEPTH || !math_is_scalar((math_kind)n->kind) || decimal ||
        n->kind == M_UNIT || n->kind == M_PERCENT || n->kind == M_DEGREE || n->kind == M_BASE ||
        n->kind == M_INF || n->kind == M_PM) {
        l->ok = false;
        return;
    }
    l->left--;
    for (uint32_t i = 0; i < n->n && l->ok; i++)
        look(p, math_kid(p->t, id, i), depth + 1, l);
}
/* NOLINTEND(misc-no-recursion) */

bool print_is_pure(const printer *p, math_id id)
{
    enum { MOST = 256 };
    looks l = { MOST, true };
    look(p, id, 0, &l);
    return l.ok;
}

/* Do the children commute? Lists only of numbers and relations: words, lists of lists and continued
 * lists keep their order. */
static bool commutes(const printer *p, math_id id)
{
    const math_node *n = math_at(p->t, id);
    bool algebra = n->kind == M_ADD || n->kind == M_MUL;
    bool list = n->kind == M_LIST && n->op != JOIN_SEMI && !(n->flags & M_DECIMAL_COMMA);
    if (!algebra && !list && n->kind != M_SET && n->kind != M_UNION && n->kind != M_INTERSECT)
        return false;
    for (uint32_t i = 0; i < n->n; i++) {
        math_id kid = math_kid(p->t, id, i);
        math_kind k = (math_kind)math_at(p->t, kid)->kind;
        if (k == M_DOTS || k == M_TEXT || (list && (k == M_LIST || k == M_FAMILY)))
            return false;
        if (algebra && (n->kind == M_MUL ? !print_is_pure(p, kid) : !math_is_scalar(k)))
            return false;
    }
    return true;
}

uint32_t *print_order(printer *p, math_id id)
{
    enum { MOST = 64 };
    uint32_t n = math_at(p->t, id)->n;
    if (n < 2 || n > MOST || !p->rewrites || p->still || !commutes(p, id) || !print_chance(p, 2))
        return NULL;
    uint32_t *order = pc_calloc(n, sizeof *order);
    if (!order)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = print_below(p, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    return order;
}
