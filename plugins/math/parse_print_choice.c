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
    bool any_scalar, ok;
} looks;

/* Depth is bounded by the tree's. NOLINTBEGIN(misc-no-recursion) */
static void look(const printer *p, math_id id, unsigned depth, looks *l)
{
    const math_node *n = math_at(p->t, id);
    bool decimal = n->kind == M_NUM && !print_is_integer(p, id, MATH_DIGITS);
    bool shaped = decimal || n->kind == M_UNIT || n->kind == M_PERCENT || n->kind == M_DEGREE ||
                  n->kind == M_BASE || n->kind == M_INF || n->kind == M_PM;
    if (l->left == 0 || depth > MATH_DEPTH || !math_is_scalar((math_kind)n->kind) ||
        (shaped && !l->any_scalar)) {
        l->ok = false;
        return;
    }
    l->left--;
    for (uint32_t i = 0; i < n->n && l->ok; i++)
        look(p, math_kid(p->t, id, i), depth + 1, l);
}
/* NOLINTEND(misc-no-recursion) */

static bool is_made_of(const printer *p, math_id id, bool any_scalar)
{
    enum { MOST = 256 };
    looks l = { MOST, any_scalar, true };
    look(p, id, 0, &l);
    return l.ok;
}

bool print_is_pure(const printer *p, math_id id)
{
    return is_made_of(p, id, false);
}

bool print_is_letters(const printer *p, math_id id)
{
    bool ok = print_kind(p, id) == M_MUL;
    for (uint32_t i = 0; ok && i < math_at(p->t, id)->n; i++)
        ok = print_kind(p, print_kid(p, id, i)) == M_SYM;
    return ok;
}

/* Do the children commute? Lists only of numbers and relations: words, lists of lists and continued
 * lists keep their order. AB may be the name of a segment. */
static bool commutes(const printer *p, math_id id, unsigned where)
{
    const math_node *n = math_at(p->t, id);
    bool algebra = n->kind == M_ADD || n->kind == M_MUL;
    bool list = n->kind == M_LIST && n->op != JOIN_SEMI && !(n->flags & M_DECIMAL_COMMA);
    if (!algebra && !list && n->kind != M_SET && n->kind != M_UNION && n->kind != M_INTERSECT)
        return false;
    if (list && where & KEEPS_ORDER)
        return false;
    if (where & IS_SIDE && print_is_letters(p, id))
        return false;
    for (uint32_t i = 0; i < n->n; i++) {
        math_id kid = math_kid(p->t, id, i);
        uint8_t k = print_kind(p, kid);
        if (k == M_DOTS || k == M_TEXT || (list && (k == M_LIST || k == M_FAMILY)))
            return false;
        if (algebra && !is_made_of(p, kid, n->kind == M_ADD))
            return false;
    }
    return true;
}

uint32_t *print_order(printer *p, math_id id, unsigned where)
{
    enum { MOST = 64 };
    uint32_t n = math_at(p->t, id)->n;
    if (n < 2 || n > MOST || !p->rewrites || p->still || !commutes(p, id, where) ||
        !print_chance(p, 2))
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
