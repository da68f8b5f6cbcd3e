/* equal.c -- rewrites that leave the answer what it is. Each writes one spelling of the same value;
 * what it relies on is checked here, by exact arithmetic. SPDX-License-Identifier: Apache-2.0 */
#include "audit/expr.h"
#include "audit/maker.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static const as_look plain = { 0 };

/* ---- numbers ---- */

static bool is_bare_rat(const as_gold *g)
{
    return as_val_is_rat(&g->val) && g->unit == AS_UNIT_NONE && as_maker_is_small(g->val.c[0]) &&
           !g->may_be_list;
}

static bool is_bare_int(const as_gold *g)
{
    return is_bare_rat(g) && g->val.c[0].q == 1;
}

static bool is_bare_frac(const as_gold *g)
{
    return is_bare_rat(g) && g->val.c[0].q != 1;
}

static bool make_plain(as_maker *m, const as_gold *g)
{
    if (g->may_be_list)
        return false;
    as_spell_gold(m->out, g, &plain);
    return true;
}

static bool make_point_zero(as_maker *m, const as_gold *g)
{
    static const char *const zeros[] = { ".0", ".00", ".000" };
    if (!is_bare_int(g))
        return false;
    as_buf_addf(m->out, "%lld%s", (long long)g->val.c[0].p, zeros[as_maker_below(m, 3)]);
    return true;
}

static bool make_multiple(as_maker *m, const as_gold *g)
{
    if (!is_bare_rat(g))
        return false;
    int64_t k = (int64_t)as_maker_below(m, 11) + 2;
    as_rat a = g->val.c[0];
    as_buf_addf(m->out, "%s\\frac{%lld}{%lld}", a.p < 0 ? "-" : "", llabs(a.p) * k,
                (long long)a.q * k);
    return true;
}

static bool make_grouped(as_maker *m, const as_gold *g, const char *mark)
{
    if (!is_bare_int(g) || llabs(g->val.c[0].p) < 1000)
        return false;
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", llabs(g->val.c[0].p));
    if (g->val.c[0].p < 0)
        as_buf_byte(m->out, '-');
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            as_buf_text(m->out, mark);
        as_buf_byte(m->out, digits[i]);
    }
    return true;
}

static bool make_commas(as_maker *m, const as_gold *g)
{
    return make_grouped(m, g, ",");
}

static bool make_braced_commas(as_maker *m, const as_gold *g)
{
    return make_grouped(m, g, "{,}");
}

static bool make_thin_spaces(as_maker *m, const as_gold *g)
{
    return make_grouped(m, g, "\\,");
}

static bool make_tight_commas(as_maker *m, const as_gold *g)
{
    return make_grouped(m, g, ",\\!");
}

static bool make_named(as_maker *m, const as_gold *g)
{
    if (!is_bare_rat(g))
        return false;
    as_buf_addf(m->out, "%c = ", "xnyN"[as_maker_below(m, 4)]);
    as_spell_rat(m->out, g->val.c[0]);
    return true;
}

static bool make_units(as_maker *m, const as_gold *g)
{
    if (!is_bare_rat(g))
        return false;
    as_spell_rat(m->out, g->val.c[0]);
    as_buf_text(m->out, " \\text{ units}");
    return true;
}

static bool make_full_stop(as_maker *m, const as_gold *g)
{
    if (!is_bare_int(g))
        return false;
    as_spell_rat(m->out, g->val.c[0]);
    as_buf_byte(m->out, '.');
    return true;
}

static bool make_unicode_minus(as_maker *m, const as_gold *g)
{
    if (!is_bare_rat(g) || g->val.c[0].p >= 0)
        return false;
    as_buf_text(m->out, "\xe2\x88\x92");
    as_spell_rat(m->out, as_rat_neg(g->val.c[0]));
    return true;
}

/* d.ddd \times 10^{k}, exactly. */
static bool make_scientific(as_maker *m, const as_gold *g)
{
    if (!is_bare_rat(g) || g->val.c[0].p == 0)
        return false;
    int k = 0;
    as_rat a = g->val.c[0], ten = as_rat_of(10, 1);
    for (; llabs(a.p) >= 10 * a.q && k < 15; k++)
        a = as_rat_div(a, ten);
    for (; llabs(a.p) < a.q && k > -15; k--)
        a = as_rat_mul(a, ten);
    int places = as_rat_ok(a) ? as_rat_places(a) : -1;
    if (places < 0 || k == 0 || !as_rat_decimal(m->out, a, places, false, NULL))
        return false;
    if (as_maker_below(m, 3) == 0)
        as_buf_addf(m->out, "e%d", k);
    else
        as_buf_addf(m->out, " \\times 10^{%d}", k);
    return true;
}

static bool make_sum(as_maker *m, const as_gold *g)
{
    if (!is_bare_rat(g))
        return false;
    int64_t k = (int64_t)as_maker_below(m, 20) + 1;
    as_rat rest = as_rat_sub(g->val.c[0], as_rat_of(k, 1));
    if (!as_rat_ok(rest))
        return false;
    as_spell_rat(m->out, rest);
    as_buf_addf(m->out, " + %lld", (long long)k);
    return true;
}

static bool make_product(as_maker *m, const as_gold *g)
{
    if (!is_bare_int(g) || g->val.c[0].p == 0)
        return false;
    int64_t n = g->val.c[0].p;
    for (int64_t k = 2 + (int64_t)as_maker_below(m, 8); k < 40 && k < llabs(n); k++) {
        if (n % k)
            continue;
        as_buf_addf(m->out, as_maker_below(m, 2) ? "%lld \\cdot %lld" : "%lld \\times %lld",
                    (long long)(n / k), (long long)k);
        return true;
    }
    return false;
}

static bool make_power(as_maker *m, const as_gold *g)
{
    if (!is_bare_int(g))
        return false;
    for (int64_t k = 2; k < 100; k++) {
        int64_t power = k;
        for (int e = 2; power <= g->val.c[0].p / k; e++) {
            power *= k;
            if (power == g->val.c[0].p) {
                as_buf_addf(m->out, "%lld^{%d}", (long long)k, e);
                return true;
            }
        }
    }
    return false;
}

/* ---- fractions ---- */

static bool make_frac(as_maker *m, const as_gold *g, const char *format)
{
    if (!is_bare_frac(g))
        return false;
    as_rat a = g->val.c[0];
    as_buf_text(m->out, a.p < 0 ? "-" : "");
    as_buf_addf(m->out,
                format[0] == 'd'   ? "\\dfrac{%lld}{%lld}"
                : format[0] == 't' ? "\\tfrac{%lld}{%lld}"
                                   : "%lld/%lld",
                llabs(a.p), (long long)a.q);
    return true;
}

static bool make_dfrac(as_maker *m, const as_gold *g)
{
    return make_frac(m, g, "d");
}

static bool make_tfrac(as_maker *m, const as_gold *g)
{
    return make_frac(m, g, "t");
}

static bool make_slash(as_maker *m, const as_gold *g)
{
    return make_frac(m, g, "/");
}

static bool make_signs(as_maker *m, const as_gold *g)
{
    if (!is_bare_frac(g))
        return false;
    as_rat a = g->val.c[0];
    bool is_below = as_maker_below(m, 2);
    if (a.p > 0 || is_below)
        as_buf_addf(m->out, "\\dfrac{%lld}{%lld}", (long long)-a.p, (long long)-a.q);
    else
        as_buf_addf(m->out, "\\frac{%lld}{%lld}", (long long)a.p, (long long)a.q);
    return true;
}

static bool make_shorthand(as_maker *m, const as_gold *g)
{
    as_rat a = g->val.c[0];
    if (!is_bare_frac(g) || llabs(a.p) > 9 || a.q > 9)
        return false;
    as_buf_addf(m->out, "%s\\frac%lld%lld", a.p < 0 ? "-" : "", llabs(a.p), (long long)a.q);
    return true;
}

static bool make_mixed(as_maker *m, const as_gold *g)
{
    as_rat a = g->val.c[0];
    if (!is_bare_frac(g) || llabs(a.p) < a.q)
        return false;
    as_buf_addf(m->out, as_maker_below(m, 4) ? "%s%lld\\frac{%lld}{%lld}" : "%s%lld %lld/%lld",
                a.p < 0 ? "-" : "", llabs(a.p) / a.q, llabs(a.p) % a.q, (long long)a.q);
    return true;
}

static bool make_terminating(as_maker *m, const as_gold *g)
{
    int places = as_rat_places(g->val.c[0]);
    if (!is_bare_frac(g) || places < 1 || places > 12)
        return false;
    int more = (int)as_maker_below(m, 3);
    return as_rat_decimal(m->out, g->val.c[0], places + more, false, NULL);
}

static bool make_leading_point(as_maker *m, const as_gold *g)
{
    as_rat a = g->val.c[0];
    int places = as_rat_places(a);
    if (!is_bare_frac(g) || places < 1 || places > 12 || llabs(a.p) >= a.q)
        return false;
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 64);
    if (!as_rat_decimal(&text, a.p < 0 ? as_rat_neg(a) : a, places, false, NULL) || text.failed)
        return false;
    as_buf_addf(m->out, "%s%s", a.p < 0 ? "-" : "", text.data + 1);
    return true;
}

static bool make_repeating(as_maker *m, const as_gold *g)
{
    return is_bare_frac(g) && as_rat_repeating(m->out, g->val.c[0], 6);
}

/* ---- one generator: roots, i, pi, an unknown ---- */

static bool is_gen(const as_gold *g)
{
    if (g->shape != AS_SHAPE_NUMBER || as_val_is_rat(&g->val) || g->unit != AS_UNIT_NONE ||
        g->may_be_list)
        return false;
    for (int i = 0; i <= g->val.degree; i++)
        if (!as_maker_is_small(g->val.c[i]))
            return false;
    return true;
}

static bool make_look(as_maker *m, const as_gold *g, const as_look *look)
{
    if (!is_gen(g))
        return false;
    as_spell_val(m->out, &g->val, look);
    return true;
}

static bool make_swapped(as_maker *m, const as_gold *g)
{
    as_look look = { .is_reversed = true, .is_spaced = as_maker_below(m, 2) };
    unsigned terms = 0;
    for (int i = 0; i <= g->val.degree; i++)
        terms += g->val.c[i].p != 0;
    return terms > 1 && make_look(m, g, &look);
}

static bool make_spaced(as_maker *m, const as_gold *g)
{
    return make_look(m, g, &(as_look){ .is_spaced = true });
}

static bool make_dotted(as_maker *m, const as_gold *g)
{
    return make_look(m, g, &(as_look){ .has_dot = true, .is_spaced = as_maker_below(m, 2) });
}

static bool make_code(as_maker *m, const as_gold *g)
{
    return g->val.gen != AS_GEN_I && make_look(m, g, &(as_look){ .is_code = true });
}

static bool make_unicode_pi(as_maker *m, const as_gold *g)
{
    return g->val.gen == AS_GEN_PI && make_look(m, g, &(as_look){ .symbol = "\xcf\x80" });
}

/* \frac{k v}{k}, with whole coefficients above. */
static bool make_over(as_maker *m, const as_gold *g)
{
    if (!is_gen(g))
        return false;
    as_rat k = as_rat_of((int64_t)as_maker_below(m, 3) + (as_maker_below(m, 2) ? 2 : 1), 1);
    for (int i = 0; i <= g->val.degree; i++)
        k = as_rat_mul(k, as_rat_of(as_rat_mul(k, g->val.c[i]).q, 1));
    as_val factor = as_val_rat(k), top;
    if (!as_rat_ok(k) || as_rat_is(k, 1) || !as_val_mul(&top, &g->val, &factor))
        return false;
    as_buf_text(m->out, "\\frac{");
    as_spell_val(m->out, &top, &plain);
    as_buf_addf(m->out, "}{%lld}", (long long)k.p);
    return true;
}

/* b sqrt d alone, b and d small. */
static bool is_radical(const as_gold *g)
{
    return is_gen(g) && g->val.gen == AS_GEN_ROOT && g->val.c[0].p == 0 &&
           llabs(g->val.c[1].p) < 10000 && g->val.c[1].q < 10000 && g->val.root < 1000000;
}

static bool make_inside(as_maker *m, const as_gold *g)
{
    if (!is_radical(g))
        return false;
    as_rat b = g->val.c[1];
    as_buf_text(m->out, b.p < 0 ? "-\\sqrt{" : "\\sqrt{");
    as_spell_rat(m->out, as_rat_mul(as_rat_mul(b, b), as_rat_of(g->val.root, 1)));
    as_buf_byte(m->out, '}');
    return true;
}

static bool make_half_power(as_maker *m, const as_gold *g)
{
    if (!is_radical(g))
        return false;
    as_rat b = g->val.c[1];
    as_buf_addf(m->out, "%s%lld^{1/2} \\cdot ", b.p < 0 ? "-" : "", (long long)g->val.root);
    as_spell_rat(m->out, b.p < 0 ? as_rat_neg(b) : b);
    return true;
}

static bool make_rationalised(as_maker *m, const as_gold *g)
{
    if (!is_radical(g))
        return false;
    as_rat b = g->val.c[1];
    as_buf_addf(m->out, "%s\\frac{%lld}{", b.p < 0 ? "-" : "", llabs(b.p) * g->val.root);
    if (b.q > 1)
        as_buf_u64(m->out, (uint64_t)b.q);
    as_buf_addf(m->out, "\\sqrt{%lld}}", (long long)g->val.root);
    return true;
}

/* ---- polynomials ---- */

static bool is_poly(const as_gold *g)
{
    return is_gen(g) && g->val.gen == AS_GEN_LETTER;
}

/* Terms in any order. */
static bool make_permuted(as_maker *m, const as_gold *g)
{
    int order[AS_VAL_DEGREE + 1], n = 0;
    if (!is_gen(g))
        return false;
    for (int i = 0; i <= g->val.degree; i++)
        if (g->val.c[i].p != 0)
            order[n++] = i;
    if (n < 3)
        return false;
    for (int i = n - 1; i > 0; i--) {
        int k = (int)as_maker_below(m, (uint64_t)i + 1), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
    as_look look = { .is_spaced = as_maker_below(m, 2) };
    for (int i = 0; i < n; i++)
        as_spell_term(m->out, &g->val, order[i], i == 0, &look);
    return true;
}

/* k (v / k) */
static bool make_factored(as_maker *m, const as_gold *g)
{
    as_val inside, k = as_val_int((int64_t)as_maker_below(m, 7) + 2);
    if (!is_poly(g) || !as_val_div(&inside, &g->val, &k))
        return false;
    as_spell_rat(m->out, k.c[0]);
    as_buf_text(m->out, as_maker_below(m, 2) ? "(" : " \\left( ");
    bool is_left = m->out->data[m->out->len - 1] == ' ';
    as_spell_val(m->out, &inside, &plain);
    as_buf_text(m->out, is_left ? " \\right)" : ")");
    return true;
}

/* x (c_n x^{n-1} + ..) + c_0 */
static bool make_nested(as_maker *m, const as_gold *g)
{
    if (!is_poly(g) || g->val.degree < 2 || as_expr_is_function(g->val.letter))
        return false;
    as_val inside = g->val;
    inside.degree--;
    for (int i = 0; i <= inside.degree; i++)
        inside.c[i] = g->val.c[i + 1];
    as_buf_addf(m->out, "%c(", g->val.letter);
    as_spell_val(m->out, &inside, &plain);
    as_buf_byte(m->out, ')');
    if (g->val.c[0].p != 0)
        as_spell_term(m->out, &g->val, 0, false, &plain);
    return true;
}

/* v - k + k, the pieces apart: like terms left uncollected. */
static bool make_uncollected(as_maker *m, const as_gold *g)
{
    if (!is_poly(g))
        return false;
    as_val piece = as_val_gen(AS_GEN_LETTER, 0, g->val.letter), rest;
    piece.c[1] = as_rat_of((int64_t)as_maker_below(m, 9) + 2, 1);
    if (!as_val_sub(&rest, &g->val, &piece))
        return false;
    as_spell_val(m->out, &rest, &plain);
    as_spell_term(m->out, &piece, piece.degree, false, &plain);
    return true;
}

/* ---- units ---- */

static bool make_with_unit(as_maker *m, const as_gold *g, as_unit unit, const char *after)
{
    if (g->unit != unit || g->may_be_list)
        return false;
    as_gold bare = *g;
    bare.unit = AS_UNIT_NONE;
    bare.is_decimal = g->is_decimal || unit == AS_UNIT_PERCENT;
    as_spell_gold(m->out, &bare, &plain);
    as_buf_text(m->out, after);
    return true;
}

static bool make_percent_word(as_maker *m, const as_gold *g)
{
    return make_with_unit(m, g, AS_UNIT_PERCENT, " \\text{ percent}");
}

static bool make_percent_sign(as_maker *m, const as_gold *g)
{
    return make_with_unit(m, g, AS_UNIT_PERCENT, "%");
}

static bool make_degree_word(as_maker *m, const as_gold *g)
{
    return make_with_unit(m, g, AS_UNIT_DEGREE, "\\text{ degrees}");
}

static bool make_degree_sign(as_maker *m, const as_gold *g)
{
    return make_with_unit(m, g, AS_UNIT_DEGREE, as_maker_below(m, 2) ? "\xc2\xb0" : "^{\\circ}");
}

static bool make_dollars(as_maker *m, const as_gold *g)
{
    return make_with_unit(m, g, AS_UNIT_DOLLAR, " \\text{ dollars}");
}

static bool make_without_unit(as_maker *m, const as_gold *g)
{
    return g->unit != AS_UNIT_NONE && g->unit != AS_UNIT_PERCENT &&
           make_with_unit(m, g, g->unit, "");
}

static bool make_unit_again(as_maker *m, const as_gold *g)
{
    if (!make_with_unit(m, g, AS_UNIT_WORD, ""))
        return false;
    as_buf_addf(m->out, as_maker_below(m, 2) ? "\\,\\mathrm{%.*s}" : " \\text{ %.*s}",
                AS_FMT(g->text));
    return true;
}

/* ---- words and letters ---- */

static bool make_bare_words(as_maker *m, const as_gold *g)
{
    as_buf_add(m->out, g->text);
    return true;
}

static bool make_bold_words(as_maker *m, const as_gold *g)
{
    as_buf_addf(m->out, as_maker_below(m, 2) ? "\\textbf{%.*s}" : "\\text{%.*s.}", AS_FMT(g->text));
    return true;
}

static bool make_choice(as_maker *m, const as_gold *g)
{
    static const char *const around[][2] = {
        { "", "" },           { "(", ")" },           { "\\text{", "}" },
        { "\\text{(", ")}" }, { "\\textbf{(", ")}" }, { "\\mathrm{", "}" }
    };
    uint64_t i = as_maker_below(m, sizeof around / sizeof *around);
    as_buf_addf(m->out, "%s%c%s", around[i][0], g->letter, around[i][1]);
    return true;
}

static bool make_base(as_maker *m, const as_gold *g)
{
    bool is_braced = g->base > 9 || as_maker_below(m, 2);
    as_buf_addf(m->out, is_braced ? "%.*s_{%d}" : "%.*s_%d", AS_FMT(g->text), g->base);
    return true;
}

/* ---- relations ---- */

static bool make_value_alone(as_maker *m, const as_gold *g)
{
    as_spell_val(m->out, &g->val, &plain);
    return true;
}

static bool make_turned(as_maker *m, const as_gold *g)
{
    as_spell_val(m->out, &g->val, &plain);
    as_buf_addf(m->out, " = %c", g->letter);
    return true;
}

static bool make_spaced_equation(as_maker *m, const as_gold *g)
{
    as_look look = { .is_spaced = true, .is_reversed = as_maker_below(m, 2) };
    as_spell_gold(m->out, g, &look);
    return true;
}

/* k v - k y = 0 */
static bool make_moved(as_maker *m, const as_gold *g)
{
    int64_t k = (int64_t)as_maker_below(m, 4) + 1;
    as_val scaled, factor = as_val_int(k);
    if (!as_val_mul(&scaled, &g->val, &factor))
        return false;
    as_spell_val(m->out, &scaled, &plain);
    as_buf_text(m->out, " - ");
    if (k > 1)
        as_buf_u64(m->out, (uint64_t)k);
    as_buf_addf(m->out, "%c = 0", g->letter);
    return true;
}

static bool make_order_turned(as_maker *m, const as_gold *g)
{
    bool is_half = g->kids[0].is_infinite || g->kids[1].is_infinite;
    as_spell_order(m->out, g, g->letter, !(is_half && g->kids[1].is_infinite), &plain);
    return true;
}

static bool make_order_as_interval(as_maker *m, const as_gold *g)
{
    as_gold interval = *g;
    interval.shape = AS_SHAPE_INTERVAL;
    as_spell_gold(m->out, &interval, &plain);
    return true;
}

static bool make_order_parts(as_maker *m, const as_gold *g)
{
    as_spell_gold(m->out, g, &(as_look){ .rng = &m->rng });
    return true;
}

static bool make_interval_as_order(as_maker *m, const as_gold *g)
{
    if (g->kids[0].is_infinite && g->kids[1].is_infinite)
        return false;
    bool is_turned = as_maker_below(m, 2) && !g->kids[0].is_infinite && !g->kids[1].is_infinite;
    as_spell_order(m->out, g, 'x', is_turned, &plain);
    return true;
}

static bool make_union_as_order(as_maker *m, const as_gold *g)
{
    for (unsigned i = 0; i < g->n; i++) {
        if (i)
            as_buf_text(m->out, " \\text{ or } ");
        as_spell_order(m->out, &g->kids[i], 'x', g->kids[i].kids[1].is_infinite, &plain);
    }
    return true;
}

/* ---- parts ---- */

static bool make_left_right(as_maker *m, const as_gold *g)
{
    as_spell_gold(m->out, g, &(as_look){ .has_left = true, .is_spaced = as_maker_below(m, 2) });
    return true;
}

static bool make_wide(as_maker *m, const as_gold *g)
{
    as_spell_gold(m->out, g, &(as_look){ .is_spaced = true });
    return true;
}

static bool make_parts(as_maker *m, const as_gold *g)
{
    as_spell_gold(m->out, g, &(as_look){ .rng = &m->rng });
    return true;
}

static bool make_turned_union(as_maker *m, const as_gold *g)
{
    as_spell_gold(m->out, g, &(as_look){ .is_reversed = true });
    return true;
}

static bool permute(as_maker *m, const as_gold *g, as_gold *out)
{
    if (!as_gold_copy(out, g, m->arena))
        return false;
    for (unsigned i = out->n; i > 1; i--) {
        unsigned k = (unsigned)as_maker_below(m, i);
        as_gold swap = out->kids[i - 1];
        out->kids[i - 1] = out->kids[k];
        out->kids[k] = swap;
    }
    return true;
}

static bool make_permuted_list(as_maker *m, const as_gold *g)
{
    as_gold other;
    if (g->n < 2 || !permute(m, g, &other))
        return false;
    as_spell_gold(m->out, &other, &plain);
    return true;
}

static bool make_other_braces(as_maker *m, const as_gold *g)
{
    as_gold other;
    if (g->n < 2 || !permute(m, g, &other))
        return false;
    other.is_braced = !g->is_braced;
    as_spell_gold(m->out, &other, &(as_look){ .rng = as_maker_below(m, 2) ? &m->rng : NULL });
    return true;
}

static bool make_and(as_maker *m, const as_gold *g)
{
    if (g->n != 2 || g->is_braced)
        return false;
    as_spell_kid(m->out, &g->kids[1], &plain);
    as_buf_text(m->out, " \\text{ and } ");
    as_spell_kid(m->out, &g->kids[0], &plain);
    return true;
}

static bool make_bmatrix(as_maker *m, const as_gold *g)
{
    as_spell_gold(m->out, g, &(as_look){ .matrix = "bmatrix", .is_spaced = as_maker_below(m, 2) });
    return true;
}

static bool make_array(as_maker *m, const as_gold *g)
{
    as_spell_gold(m->out, g, &(as_look){ .matrix = "array" });
    return true;
}

/* ---- not understood ---- */

static bool make_source_dfrac(as_maker *m, const as_gold *g)
{
    const char *at = g->source.data;
    if (!strstr(at, "\\frac"))
        return false;
    for (const char *next; (next = strstr(at, "\\frac")); at = next + 5) {
        as_buf_add(m->out, (as_str){ at, (size_t)(next - at) });
        as_buf_text(m->out, "\\dfrac");
    }
    as_buf_text(m->out, at);
    return true;
}

static bool make_source_spaced(as_maker *m, const as_gold *g)
{
    as_buf_addf(m->out, " %s ", g->source.data);
    return true;
}

#define ON(shape) (1u << AS_SHAPE_##shape)
#define ANY (~0u)
const as_maker_row as_equal_rows[] = {
    { "plain", ANY & ~ON(OTHER), make_plain },
    { "n.0", ON(NUMBER), make_point_zero },
    { "kn/k", ON(NUMBER), make_multiple },
    { "commas", ON(NUMBER), make_commas },
    { "{,}", ON(NUMBER), make_braced_commas },
    { "thin", ON(NUMBER), make_thin_spaces },
    { "tight", ON(NUMBER), make_tight_commas },
    { "x=", ON(NUMBER), make_named },
    { "units", ON(NUMBER), make_units },
    { "full-stop", ON(NUMBER), make_full_stop },
    { "unicode-minus", ON(NUMBER), make_unicode_minus },
    { "scientific", ON(NUMBER), make_scientific },
    { "sum", ON(NUMBER), make_sum },
    { "product", ON(NUMBER), make_product },
    { "power", ON(NUMBER), make_power },
    { "dfrac", ON(NUMBER), make_dfrac },
    { "tfrac", ON(NUMBER), make_tfrac },
    { "slash", ON(NUMBER), make_slash },
    { "signs", ON(NUMBER), make_signs },
    { "shorthand", ON(NUMBER), make_shorthand },
    { "mixed", ON(NUMBER), make_mixed },
    { "terminating", ON(NUMBER), make_terminating },
    { "leading-point", ON(NUMBER), make_leading_point },
    { "repeating", ON(NUMBER), make_repeating },
    { "swapped", ON(NUMBER), make_swapped },
    { "spaced", ON(NUMBER), make_spaced },
    { "dotted", ON(NUMBER), make_dotted },
    { "code", ON(NUMBER), make_code },
    { "unicode", ON(NUMBER), make_unicode_pi },
    { "over", ON(NUMBER), make_over },
    { "inside", ON(NUMBER), make_inside },
    { "half-power", ON(NUMBER), make_half_power },
    { "rationalised", ON(NUMBER), make_rationalised },
    { "permuted", ON(NUMBER), make_permuted },
    { "factored", ON(NUMBER), make_factored },
    { "nested", ON(NUMBER), make_nested },
    { "uncollected", ON(NUMBER), make_uncollected },
    { "word", ON(NUMBER), make_percent_word },
    { "sign", ON(NUMBER), make_percent_sign },
    { "word", ON(NUMBER), make_degree_word },
    { "sign", ON(NUMBER), make_degree_sign },
    { "word", ON(NUMBER), make_dollars },
    { "bare", ON(NUMBER), make_without_unit },
    { "again", ON(NUMBER), make_unit_again },
    { "bare", ON(WORDS), make_bare_words },
    { "bold", ON(WORDS), make_bold_words },
    { "form", ON(CHOICE), make_choice },
    { "form", ON(BASE), make_base },
    { "alone", ON(EQUATION), make_value_alone },
    { "turned", ON(EQUATION) | ON(CURVE), make_turned },
    { "spaced", ON(EQUATION) | ON(CURVE), make_spaced_equation },
    { "moved", ON(CURVE), make_moved },
    { "turned", ON(INEQUALITY), make_order_turned },
    { "interval", ON(INEQUALITY), make_order_as_interval },
    { "parts", ON(INEQUALITY), make_order_parts },
    { "order", ON(INTERVAL), make_interval_as_order },
    { "order", ON(UNION), make_union_as_order },
    { "left-right", ON(INTERVAL) | ON(UNION) | ON(TUPLE), make_left_right },
    { "spaced", ON(INTERVAL) | ON(TUPLE) | ON(MATRIX), make_wide },
    { "parts", ON(INTERVAL) | ON(TUPLE) | ON(LIST) | ON(MATRIX) | ON(UNION), make_parts },
    { "turned", ON(UNION), make_turned_union },
    { "permuted", ON(LIST), make_permuted_list },
    { "braces", ON(LIST), make_other_braces },
    { "and", ON(LIST), make_and },
    { "bmatrix", ON(MATRIX), make_bmatrix },
    { "array", ON(MATRIX), make_array },
    { "dfrac", ON(OTHER), make_source_dfrac },
    { "spaced", ON(OTHER), make_source_spaced },
    { NULL, 0, NULL },
};

const as_maker_row *as_maker_pick(as_maker *m, const as_maker_row *rows, const as_gold *g)
{
    enum { TRIES = 60 };
    unsigned fits[128], n = 0;
    for (unsigned i = 0; rows[i].name && n < 128; i++)
        if (rows[i].shapes & (1u << g->shape))
            fits[n++] = i;
    for (int try = 0; n && try < TRIES; try++) {
        const as_maker_row *row = &rows[fits[as_maker_below(m, n)]];
        as_buf_clear(m->out);
        if (row->make(m, g) && !m->out->failed && m->out->len)
            return row;
    }
    return NULL;
}
