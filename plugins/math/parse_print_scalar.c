/* parse_print_scalar.c -- numbers, sums, products, fractions, roots and powers as LaTeX.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_print.h"

/* print_node counts the depth. NOLINTBEGIN(misc-no-recursion) */

/* ---- numbers ---- */

/* "0.1(6)" is 0.1\overline{6}. */
static void put_number(printer *p, assay_str s)
{
    size_t open = pc_find(s, "(", 0), close = pc_find(s, ")", 0);
    if (open == PC_NONE || close == PC_NONE || close < open) {
        print_str(p, s);
        return;
    }
    print_str(p, pc_slice(s, 0, open));
    print_put(p, "\\overline{");
    print_str(p, pc_slice(s, open + 1, close));
    print_put(p, "}");
    print_str(p, pc_from(s, close + 1));
}

static void put_grouped(printer *p, assay_str digits)
{
    const char *comma = print_chance(p, 3) ? "\\," : "{,}";
    for (size_t k = 0; k < digits.len; k++) {
        if (k && (digits.len - k) % 3 == 0)
            print_put(p, comma);
        print_byte(p, digits.data[k]);
    }
}

void print_number(printer *p, math_id id, unsigned where)
{
    assay_str s = math_text(p->t, id);
    bool plain = !(where & IN_EXACT) && print_is_integer(p, id, 30);
    if (plain && s.len >= 4 && !(where & IN_LIST) && print_chance(p, 3)) {
        put_grouped(p, s);
    } else if (plain && print_chance(p, 8)) {
        print_str(p, s);
        print_put(p, ".0");
    } else if (plain && print_chance(p, 8)) {
        print_put(p, "\\frac{");
        print_str(p, s);
        print_put(p, "}{1}");
    } else {
        put_number(p, s);
    }
}

/* Digits are capitals: 2a_{16} is twice an unknown. A letter first would be a name: 0FF_{16}. */
void print_based(printer *p, math_id id, unsigned where)
{
    (void)where;
    assay_str s = math_text(p->t, id);
    if (s.len && !pc_is_digit(s.data[0]))
        print_put(p, "0");
    for (size_t k = 0; k < s.len; k++)
        print_byte(p, pc_upper(s.data[k]));
    if (!print_full(p))
        pc_buf_fmt(p->out, "_{%u}", (unsigned)math_at(p->t, id)->op);
}

/* ---- sums and products ---- */

static void print_term(printer *p, math_id id, bool first, unsigned where)
{
    bool negative = print_kind(p, id) == M_NEG;
    if (negative)
        print_put(p, first ? "-" : " - ");
    else if (!first)
        print_put(p, " + ");
    if (negative)
        print_node(p, print_kid(p, id, 0), first ? TIGHT_POSTFIX : TIGHT_PRODUCT,
                   where & ~(unsigned)AT_START);
    else
        print_node(p, id, TIGHT_PRODUCT, first ? where : where & ~(unsigned)AT_START);
}

static bool is_two_sided_pm(const printer *p, math_id id)
{
    return print_kind(p, id) == M_PM && math_at(p->t, id)->n == 2;
}

void print_sum(printer *p, math_id id, unsigned where)
{
    uint32_t *order = print_order(p, id, where), n = math_at(p->t, id)->n;
    where &= ~(unsigned)AT_OPERAND;
    for (uint32_t i = 0; i < n && !print_full(p); i++) {
        math_id term = print_nth(p, id, order, i);
        if (i == 0 && is_two_sided_pm(p, term))
            print_node(p, term, TIGHT_SUM, where);
        else
            print_term(p, term, i == 0, where);
    }
    pc_free(order);
}

/* May b follow a without a sign between? Only what no reader takes for anything else: 2x, 3\pi,
 * 5\sqrt{2}, 2(x + 1). */
static bool juxtaposes(const printer *p, math_id a, math_id b)
{
    if (!print_is_integer(p, a, MATH_DIGITS))
        return false;
    if (print_kind(p, b) == M_POW)
        b = print_kid(p, b, 0);
    const math_node *n = math_at(p->t, b);
    if (n->kind == M_SYM)
        return n->len == 1 && n->op == 0 && pc_is_alpha(math_text(p->t, b).data[0]) &&
               !pc_in(math_text(p->t, b).data[0], "deEi");
    return n->kind == M_PI || n->kind == M_I || n->kind == M_SQRT || n->kind == M_ADD;
}

void print_factor(printer *p, math_id id, bool first, unsigned where)
{
    bool sign = first && where & AT_START;
    print_node(p, id, sign ? TIGHT_SIGN : TIGHT_POSTFIX,
               first ? where : where & ~(unsigned)AT_START);
}

void print_product(printer *p, math_id id, unsigned where)
{
    uint32_t *order = print_order(p, id, where), n = math_at(p->t, id)->n;
    bool exact = p->rewrites; /* a rewritten number must not run into its neighbour */
    where &= ~(unsigned)AT_OPERAND;
    for (uint32_t i = 0; i < n && !print_full(p); i++) {
        math_id factor = print_nth(p, id, order, i);
        if (i && (exact || i > 1 || order || !juxtaposes(p, print_nth(p, id, order, 0), factor)))
            print_put(p, print_chance(p, 5) ? " * " : " \\cdot ");
        print_factor(p, factor, i == 0, where);
    }
    pc_free(order);
}

void print_mod(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_node(p, print_kid(p, id, 0), TIGHT_POSTFIX, IN_EXACT);
    print_put(p, " \\bmod ");
    print_node(p, print_kid(p, id, 1), TIGHT_POSTFIX, IN_EXACT);
}

void print_pm(printer *p, math_id id, unsigned where)
{
    const math_node *n = math_at(p->t, id);
    const char *sign = n->op ? "\\mp " : "\\pm ";
    where &= ~(unsigned)AT_OPERAND;
    if (n->n == 2) {
        print_node(p, print_kid(p, id, 0), TIGHT_SUM, where);
        print_put(p, " ");
    }
    print_put(p, sign);
    print_node(p, print_kid(p, id, n->n - 1), n->n == 2 ? TIGHT_PRODUCT : TIGHT_POSTFIX,
               where & ~(unsigned)AT_START);
}

void print_negative(printer *p, math_id id, unsigned where)
{
    math_id a = print_kid(p, id, 0);
    where &= ~(unsigned)(AT_START | AT_OPERAND);
    if (print_is_pure(p, a) && print_chance(p, 6)) {
        print_put(p, "-1 \\cdot ");
        print_node(p, a, TIGHT_POSTFIX, where);
        return;
    }
    print_put(p, "-");
    print_node(p, a, TIGHT_POSTFIX, where);
}

/* ---- fractions, roots, powers ---- */

static unsigned to_unsigned(assay_str digits)
{
    unsigned value = 0;
    for (size_t k = 0; k < digits.len; k++)
        value = value * 10 + (unsigned)(digits.data[k] - '0');
    return value;
}

/* 2/3 as 4/6. */
static bool print_scaled(printer *p, math_id a, math_id b, const char *command)
{
    if (!print_is_integer(p, a, 6) || !print_is_integer(p, b, 6) || !print_chance(p, 3))
        return false;
    unsigned k = 2 + print_below(p, 4);
    if (!print_full(p))
        pc_buf_fmt(p->out, "%s{%u}{%u}", command, k * to_unsigned(math_text(p->t, a)),
                   k * to_unsigned(math_text(p->t, b)));
    return true;
}

/* Only where nothing else is near, and outside of what a bare fraction would run into. */
static bool prints_slash(printer *p, math_id a, math_id b, unsigned where)
{
    return where & AT_OPERAND && print_is_pure(p, a) && print_is_pure(p, b) && print_chance(p, 3);
}

void print_quotient(printer *p, math_id id, unsigned where)
{
    math_id a = print_kid(p, id, 0), b = print_kid(p, id, 1);
    const char *command = print_chance(p, 4)   ? "\\dfrac"
                          : print_chance(p, 4) ? "\\tfrac"
                                               : "\\frac";
    if (print_scaled(p, a, b, command))
        return;
    if (prints_slash(p, a, b, where)) {
        print_node(p, a, TIGHT_POSTFIX, IN_EXACT);
        print_put(p, "/");
        print_node(p, b, TIGHT_ATOM, IN_EXACT);
        return;
    }
    print_put(p, command);
    print_argument(p, a, (where & IN_LIST) | IN_EXACT);
    print_argument(p, b, (where & IN_LIST) | IN_EXACT);
}

void print_power(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_node(p, print_kid(p, id, 0), TIGHT_ATOM, IN_EXACT);
    print_put(p, "^");
    print_argument(p, print_kid(p, id, 1), IN_EXACT);
}

void print_root(printer *p, math_id id, unsigned where)
{
    (void)where;
    const math_node *n = math_at(p->t, id);
    math_id a = print_kid(p, id, n->n - 1);
    bool simple = n->kind == M_SQRT || print_is_integer(p, print_kid(p, id, 0), 2);
    if (simple && print_is_pure(p, a) && print_chance(p, 4)) {
        print_node(p, a, TIGHT_ATOM, IN_EXACT);
        print_put(p, "^{1/");
        print_str(p, n->kind == M_SQRT ? PC_LIT("2") : math_text(p->t, print_kid(p, id, 0)));
        print_put(p, "}");
        return;
    }
    print_put(p, "\\sqrt");
    if (n->kind == M_ROOT) {
        print_put(p, "[");
        print_node(p, print_kid(p, id, 0), TIGHT_BIG, IN_EXACT | AT_START);
        print_put(p, "]");
    }
    print_argument(p, a, IN_EXACT);
}

void print_factorial(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_node(p, print_kid(p, id, 0), TIGHT_ATOM, IN_EXACT);
    print_put(p, math_at(p->t, id)->op ? "!!" : "!");
}
/* NOLINTEND(misc-no-recursion) */
