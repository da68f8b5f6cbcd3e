/* parse_print_func.c -- functions, sums, integrals, limits and units as LaTeX.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_print.h"

/* print_node counts the depth. NOLINTBEGIN(misc-no-recursion) */

/* ---- functions ---- */

static void print_inside(printer *p, math_id id, uint32_t from, uint32_t n, const char *open,
                         const char *close, tightness least)
{
    size_t opened = print_open(p, open);
    for (uint32_t i = from; i < n && !print_full(p); i++) {
        if (i > from)
            print_separator(p, ",");
        print_node(p, print_kid(p, id, i), least, AT_START | IN_LIST);
    }
    print_close(p, opened, close);
}

static void put_function(printer *p, math_fn fn)
{
    static const math_fn commands[] = { FN_SIN,  FN_COS,  FN_TAN,  FN_COT,  FN_SEC,  FN_CSC,
                                        FN_ASIN, FN_ACOS, FN_ATAN, FN_SINH, FN_COSH, FN_TANH,
                                        FN_COTH, FN_EXP,  FN_LN,   FN_LG,   FN_LOG,  FN_GCD,
                                        FN_MAX,  FN_MIN,  FN_ARG,  FN_DET,  FN_GAMMA };
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++)
        if (commands[k] == fn) {
            print_put(p, "\\");
            print_put(p, math_fn_name(fn));
            return;
        }
    print_put(p, "\\operatorname{");
    print_put(p, math_fn_name(fn));
    print_put(p, "}");
}

void print_function(printer *p, math_id id, unsigned where)
{
    (void)where;
    const math_node *n = math_at(p->t, id);
    static const char *const fences[][2] = { { "\\lfloor ", "\\rfloor " },
                                             { "\\lceil ", "\\rceil " } };
    if (n->op == FN_FLOOR || n->op == FN_CEIL) {
        print_inside(p, id, 0, n->n, fences[n->op == FN_CEIL][0], fences[n->op == FN_CEIL][1],
                     TIGHT_BIG);
    } else if (n->op == FN_ABS) { /* always \left: a bare bar may close another */
        print_put(p, "\\left|");
        print_node(p, print_kid(p, id, 0), TIGHT_BIG, AT_START | IN_LIST);
        print_put(p, "\\right|");
    } else {
        put_function(p, (math_fn)n->op);
        print_inside(p, id, 0, n->n, "(", ")", TIGHT_BIG);
    }
}

void print_log(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_put(p, "\\log_");
    print_argument(p, print_kid(p, id, 0), IN_EXACT);
    print_inside(p, id, 1, 2, "(", ")", TIGHT_BIG);
}

void print_applied(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_name(p, math_text(p->t, id), false);
    p->still++; /* of an unknown function: its arguments are compared part by part */
    print_inside(p, id, 0, math_at(p->t, id)->n, "(", ")", TIGHT_RELATION);
    p->still--;
}

void print_binomial(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_put(p, "\\binom");
    print_argument(p, print_kid(p, id, 0), IN_EXACT);
    print_argument(p, print_kid(p, id, 1), IN_EXACT);
}

/* ---- sums, integrals, limits ---- */

static void print_indexed(printer *p, math_id id, const char *command)
{
    print_put(p, command);
    print_put(p, "_{");
    print_node(p, print_kid(p, id, 1), TIGHT_ATOM, IN_EXACT);
    print_put(p, " = ");
    print_node(p, print_kid(p, id, 2), TIGHT_BIG, IN_EXACT | AT_START);
    print_put(p, "}^");
    print_argument(p, print_kid(p, id, 3), IN_EXACT);
    print_put(p, " ");
    print_node(p, print_kid(p, id, 0), TIGHT_PRODUCT, IN_EXACT);
}

static void print_limit(printer *p, math_id id)
{
    unsigned side = math_at(p->t, id)->op;
    print_put(p, "\\lim_{");
    print_node(p, print_kid(p, id, 1), TIGHT_ATOM, IN_EXACT);
    print_put(p, " \\to ");
    print_node(p, print_kid(p, id, 2), side ? TIGHT_ATOM : TIGHT_BIG, IN_EXACT | AT_START);
    print_put(p, side == 1 ? "^{+}} " : side == 2 ? "^{-}} " : "} ");
    print_node(p, print_kid(p, id, 0), TIGHT_PRODUCT, IN_EXACT);
}

/* The parser reads dx as a factor of 1 at the integrand's end, which is not printed. */
static void print_integrand(printer *p, math_id id)
{
    const math_node *n = math_at(p->t, id);
    bool closes = n->kind == M_MUL && pc_is(math_text(p->t, print_kid(p, id, n->n - 1)), "1");
    if (!closes) {
        print_node(p, id, TIGHT_PRODUCT, IN_EXACT | AT_START);
        return;
    }
    for (uint32_t i = 0; i + 1 < n->n && !print_full(p); i++) {
        if (i)
            print_put(p, " \\cdot ");
        print_factor(p, print_kid(p, id, i), i == 0, IN_EXACT | AT_START);
    }
}

static void print_integral(printer *p, math_id id)
{
    print_put(p, "\\int");
    if (math_at(p->t, id)->n == 4) {
        print_put(p, "_");
        print_argument(p, print_kid(p, id, 2), IN_EXACT);
        print_put(p, "^");
        print_argument(p, print_kid(p, id, 3), IN_EXACT);
    }
    print_put(p, " ");
    print_integrand(p, print_kid(p, id, 0));
    print_put(p, " \\, d");
    print_node(p, print_kid(p, id, 1), TIGHT_ATOM, IN_EXACT);
}

static void print_derivative(printer *p, math_id id)
{
    print_put(p, "\\frac{d}{d");
    print_node(p, print_kid(p, id, 1), TIGHT_ATOM, IN_EXACT);
    print_put(p, "} \\left(");
    print_node(p, print_kid(p, id, 0), TIGHT_BIG, IN_EXACT | AT_START);
    print_put(p, "\\right)");
}

void print_big(printer *p, math_id id, unsigned where)
{
    (void)where;
    p->still++; /* what is opaque is compared part by part */
    switch (print_kind(p, id)) {
    case M_SUM:
        print_indexed(p, id, "\\sum");
        break;
    case M_PROD:
        print_indexed(p, id, "\\prod");
        break;
    case M_LIM:
        print_limit(p, id);
        break;
    case M_INT:
        print_integral(p, id);
        break;
    default:
        print_derivative(p, id);
        break;
    }
    p->still--;
}

/* ---- units ---- */

static bool is_currency_sign(assay_str s)
{
    return pc_is(s, "$") || pc_is(s, "\xE2\x82\xAC") || pc_is(s, "\xC2\xA3") ||
           pc_is(s, "\xC2\xA5");
}

/* One unit of a product, "cm^2", as cm}^{2}: an open \text{ is closed. */
static void put_factor(printer *p, assay_str factor)
{
    size_t caret = pc_find(factor, "^", 0);
    assay_str name = caret == PC_NONE ? factor : pc_slice(factor, 0, caret);
    print_put(p, pc_is(name, "$") ? "\\" : "");
    print_str(p, pc_is(name, "min") ? PC_LIT("minute") : name); /* \min is a function */
    print_put(p, "}");
    if (caret == PC_NONE)
        return;
    print_put(p, "^{");
    print_str(p, pc_from(factor, caret + 1));
    print_put(p, "}");
}

/* cm^2/s as \text{ cm}^{2}/\text{s}. */
static void put_unit(printer *p, assay_str name)
{
    print_put(p, print_chance(p, 4)   ? "\\,\\text{"
                 : print_chance(p, 4) ? "\\ \\mathrm{~"
                                      : "\\text{ ");
    for (size_t from = 0, k = 0; k <= name.len; k++) {
        bool sign = k < name.len && pc_in(name.data[k], "*/");
        if (k < name.len && !sign)
            continue;
        put_factor(p, pc_slice(name, from, k));
        if (sign)
            print_put(p, name.data[k] == '*' ? " \\cdot \\text{" : "/\\text{");
        from = k + 1;
    }
}

void print_with_unit(printer *p, math_id id, unsigned where)
{
    assay_str name = math_text(p->t, id);
    math_id value = print_kid(p, id, 0);
    if (is_currency_sign(name)) {
        print_put(p, name.data[0] == '$' ? "\\" : "");
        print_str(p, name);
        print_node(p, value, TIGHT_PRODUCT, (where | AT_START) & ~(unsigned)AT_OPERAND);
        return;
    }
    tightness least = print_kind(p, value) == M_RATIO ? TIGHT_RATIO : TIGHT_PRODUCT;
    print_node(p, value, least, (where | AT_START) & ~(unsigned)AT_OPERAND);
    put_unit(p, name);
}

/* In words only at the end of an operand: 50 percent + 1 is something else. */
static void print_postfix(printer *p, math_id id, unsigned where, const char *sign,
                          const char *words)
{
    print_node(p, print_kid(p, id, 0), TIGHT_ATOM, (where & IN_LIST) | IN_EXACT);
    print_put(p, where & AT_OPERAND && print_chance(p, 3) ? words : sign);
}

void print_percent(printer *p, math_id id, unsigned where)
{
    print_postfix(p, id, where, "\\%", "\\text{ percent}");
}

void print_degree(printer *p, math_id id, unsigned where)
{
    print_postfix(p, id, where, "^{\\circ}", "\\text{ degrees}");
}
/* NOLINTEND(misc-no-recursion) */
