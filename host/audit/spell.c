/* spell.c -- writing answers. SPDX-License-Identifier: Apache-2.0 */
#include "audit/spell.h"

#include <stdlib.h>

void as_spell_rat(as_buf *out, as_rat a)
{
    if (a.q == 1)
        as_buf_addf(out, "%lld", (long long)a.p);
    else
        as_buf_addf(out, "%s\\frac{%lld}{%lld}", a.p < 0 ? "-" : "", llabs(a.p), (long long)a.q);
}

/* ---- one value: a sum of terms ---- */

static void add_symbol(as_buf *out, const as_val *v, const as_look *look)
{
    if (v->gen == AS_GEN_ROOT)
        as_buf_addf(out, look->is_code ? "sqrt(%lld)" : "\\sqrt{%lld}", (long long)v->root);
    else if (v->gen == AS_GEN_LETTER)
        as_buf_byte(out, v->letter);
    else if (look->symbol)
        as_buf_text(out, look->symbol);
    else if (v->gen == AS_GEN_I)
        as_buf_byte(out, 'i');
    else
        as_buf_text(out, look->is_code ? "pi" : "\\pi");
}

static void add_factor(as_buf *out, as_rat size, const as_look *look)
{
    if (look->is_code && size.q != 1)
        as_buf_addf(out, "(%lld/%lld)", (long long)size.p, (long long)size.q);
    else
        as_spell_rat(out, size);
}

/* ~a + b~: the sign, the size of the coefficient, the power of the generator. */
void as_spell_term(as_buf *out, const as_val *v, int power, bool is_first, const as_look *look)
{
    as_rat c = v->c[power];
    as_rat size = c.p < 0 ? as_rat_neg(c) : c;
    bool is_bare = power > 0 && as_rat_is(size, 1);
    if (!is_first)
        as_buf_addf(out, look->is_spaced ? " %c " : "%c", c.p < 0 ? '-' : '+');
    else if (c.p < 0)
        as_buf_byte(out, '-');
    if (!is_bare)
        add_factor(out, size, look);
    if (power == 0)
        return;
    if (!is_bare && (look->is_code || look->has_dot))
        as_buf_text(out, look->is_code ? "*" : " \\cdot ");
    else if (!is_bare && look->is_spaced)
        as_buf_byte(out, ' ');
    add_symbol(out, v, look);
    if (power > 1)
        as_buf_addf(out, look->is_code || (power < 10 && !look->is_spaced) ? "^%d" : "^{%d}",
                    power);
}

void as_spell_val(as_buf *out, const as_val *v, const as_look *look)
{
    bool is_rising = v->gen == AS_GEN_ROOT || v->gen == AS_GEN_I; /* a + bi, but x^2 + 1 */
    bool is_first = true;
    if (look->is_reversed)
        is_rising = !is_rising;
    for (int k = 0; k <= v->degree; k++) {
        int power = is_rising ? k : v->degree - k;
        if (v->c[power].p == 0 && v->degree > 0)
            continue;
        as_spell_term(out, v, power, is_first, look);
        is_first = false;
    }
}

void as_spell_unit(as_buf *out, const as_gold *g, bool is_before)
{
    if (is_before) {
        if (g->unit == AS_UNIT_DOLLAR)
            as_buf_text(out, "\\$");
        return;
    }
    if (g->unit == AS_UNIT_PERCENT)
        as_buf_text(out, "\\%");
    else if (g->unit == AS_UNIT_DEGREE)
        as_buf_text(out, "^\\circ");
    else if (g->unit == AS_UNIT_WORD)
        as_buf_addf(out, "\\text{ %.*s}", AS_FMT(g->text));
}

/* A rounded gold is written as a decimal again, so that a near miss looks like it. */
static void add_number(as_buf *out, const as_gold *g, const as_look *look)
{
    if (g->is_infinite) {
        as_buf_text(out, g->val.c[0].p < 0 ? "-\\infty" : "\\infty");
        return;
    }
    as_spell_unit(out, g, true);
    int places = as_rat_places(g->val.c[0]);
    bool is_decimal =
        (g->is_decimal || g->unit == AS_UNIT_PERCENT) && as_val_is_rat(&g->val) && places >= 0;
    if (!is_decimal ||
        !as_rat_decimal(out, g->val.c[0], places > g->places ? places : g->places, false, NULL))
        as_spell_val(out, &g->val, look);
    as_spell_unit(out, g, false);
}

/* ---- parts ---- */

static void add_random_rat(as_buf *out, as_rat a, as_rng *rng)
{
    int64_t k = (int64_t)as_rng_below(rng, 7) + 2;
    int places = as_rat_places(a);
    bool is_small = a.p > -1000000000 && a.p < 1000000000 && a.q < 1000000000;
    switch (as_rng_below(rng, 4)) {
    case 0:
        if (places >= 0 && places < 6 && as_rat_decimal(out, a, places ? places : 1, false, NULL))
            return;
        break;
    case 1:
        if (is_small) {
            as_buf_addf(out, "\\frac{%lld}{%lld}", (long long)a.p * k, (long long)a.q * k);
            return;
        }
        break;
    case 2:
        if (a.q != 1) {
            as_buf_addf(out, "%lld/%lld", (long long)a.p, (long long)a.q);
            return;
        }
        break;
    default:
        break;
    }
    as_spell_rat(out, a);
}

/* Golds are at most three deep. NOLINTBEGIN(misc-no-recursion) */
void as_spell_kid(as_buf *out, const as_gold *kid, const as_look *look)
{
    bool is_random = look->rng && kid->shape == AS_SHAPE_NUMBER && !kid->is_infinite;
    if (is_random && as_val_is_rat(&kid->val)) {
        add_random_rat(out, kid->val.c[0], look->rng);
    } else if (is_random) {
        as_look other = { .is_reversed = as_rng_below(look->rng, 2),
                          .is_spaced = as_rng_below(look->rng, 2) };
        as_spell_val(out, &kid->val, &other);
    } else {
        as_spell_gold(out, kid, look);
    }
}

static void add_row(as_buf *out, const as_gold *g, unsigned from, unsigned n, const char *comma,
                    const as_look *look)
{
    for (unsigned i = 0; i < n; i++) {
        if (i)
            as_buf_text(out, comma);
        as_spell_kid(out, &g->kids[from + i], look);
    }
}

static void add_bracketed(as_buf *out, const as_gold *g, const as_look *look)
{
    bool is_tuple = g->shape == AS_SHAPE_TUPLE;
    const char *gap = look->is_spaced ? " " : "";
    as_buf_addf(out, "%s%c%s", look->has_left ? "\\left" : "",
                is_tuple || g->is_open[0] ? '(' : '[', gap);
    add_row(out, g, 0, g->n, look->is_spaced ? " , " : look->has_left ? ", \\, " : ", ", look);
    as_buf_addf(out, "%s%s%c", gap, look->has_left ? "\\right" : "",
                is_tuple || g->is_open[1] ? ')' : ']');
}

static void add_matrix(as_buf *out, const as_gold *g, const as_look *look)
{
    const char *name = look->matrix ? look->matrix : "pmatrix";
    bool is_array = strcmp(name, "array") == 0;
    as_buf_addf(out, "%s\\begin{%s}", is_array ? "\\left(" : "", name);
    for (unsigned i = 0; is_array && i < g->cols; i++)
        as_buf_text(out, i ? "c" : "{c");
    as_buf_text(out, is_array ? "} " : " ");
    for (unsigned i = 0; i < g->rows; i++) {
        if (i)
            as_buf_text(out, " \\\\ ");
        add_row(out, g, i * g->cols, g->cols, look->is_spaced ? "  &  " : " & ", look);
    }
    as_buf_addf(out, " \\end{%s}%s", name, is_array ? "\\right)" : "");
}

static void add_union(as_buf *out, const as_gold *g, const as_look *look)
{
    for (unsigned i = 0; i < g->n; i++) {
        if (i)
            as_buf_text(out, " \\cup ");
        as_spell_kid(out, &g->kids[look->is_reversed ? g->n - 1 - i : i], look);
    }
}

static const char *sign_of(bool is_open, bool is_turned)
{
    return is_turned ? is_open ? " > " : " \\ge " : is_open ? " < " : " \\le ";
}

void as_spell_order(as_buf *out, const as_gold *g, char letter, bool is_turned, const as_look *look)
{
    int first = is_turned ? 1 : 0;
    const as_gold *left = &g->kids[first], *right = &g->kids[1 - first];
    if (left->is_infinite) { /* x < b */
        as_buf_addf(out, "%c%s", letter, sign_of(g->is_open[1 - first], is_turned));
        as_spell_kid(out, right, look);
        return;
    }
    as_spell_kid(out, left, look);
    as_buf_addf(out, "%s%c", sign_of(g->is_open[first], is_turned), letter);
    if (right->is_infinite)
        return;
    as_buf_text(out, sign_of(g->is_open[1 - first], is_turned));
    as_spell_kid(out, right, look);
}

/* x > a rather than a < x. */
static void add_inequality(as_buf *out, const as_gold *g, const as_look *look)
{
    bool is_half = g->kids[0].is_infinite || g->kids[1].is_infinite;
    as_spell_order(out, g, g->letter, is_half && g->kids[1].is_infinite, look);
}

void as_spell_gold(as_buf *out, const as_gold *g, const as_look *look)
{
    switch (g->shape) {
    case AS_SHAPE_NUMBER:
        add_number(out, g, look);
        break;
    case AS_SHAPE_CHOICE:
        as_buf_byte(out, g->letter);
        break;
    case AS_SHAPE_WORDS:
        as_buf_addf(out, "\\text{%.*s}", AS_FMT(g->text));
        break;
    case AS_SHAPE_BASE:
        as_buf_addf(out, "%.*s_{%d}", AS_FMT(g->text), g->base);
        break;
    case AS_SHAPE_EQUATION:
    case AS_SHAPE_CURVE:
        as_buf_addf(out, look->is_spaced ? "%c = " : "%c=", g->letter);
        as_spell_val(out, &g->val, look);
        break;
    case AS_SHAPE_INEQUALITY:
        add_inequality(out, g, look);
        break;
    case AS_SHAPE_INTERVAL:
    case AS_SHAPE_TUPLE:
        add_bracketed(out, g, look);
        break;
    case AS_SHAPE_UNION:
        add_union(out, g, look);
        break;
    case AS_SHAPE_LIST:
        as_buf_text(out, g->is_braced ? "\\{" : "");
        add_row(out, g, 0, g->n, ", ", look);
        as_buf_text(out, g->is_braced ? "\\}" : "");
        break;
    case AS_SHAPE_MATRIX:
        add_matrix(out, g, look);
        break;
    case AS_SHAPE_OTHER:
    case AS_N_SHAPES:
    default:
        as_buf_add(out, g->source);
        break;
    }
}
/* NOLINTEND(misc-no-recursion) */
