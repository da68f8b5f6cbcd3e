/* miss.c -- near misses: what a model gets wrong, or a policy finds out that a verifier forgives.
 * Every changed value is proved different before it is written; maker.h lists what is contested and
 * left alone. SPDX-License-Identifier: Apache-2.0 */
#include "audit/maker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const as_look plain = { 0 };

/* ---- is it really different? ---- */

static as_rat absolute(as_rat a)
{
    return a.p < 0 ? as_rat_neg(a) : a;
}

static bool are_hundredfold(const as_val *a, const as_val *b)
{
    as_val hundred = as_val_int(100), product;
    return (as_val_mul(&product, a, &hundred) && as_val_eq(&product, b)) ||
           (as_val_mul(&product, b, &hundred) && as_val_eq(&product, a));
}

/* Values nearer than what a rounded gold tells are not told apart. */
static bool is_far(const as_gold *g, const as_val *v)
{
    if (!g->is_decimal && !g->is_rough)
        return true;
    if (!as_val_is_rat(&g->val) || !as_val_is_rat(v))
        return false;
    as_rat off = absolute(as_rat_sub(v->c[0], g->val.c[0]));
    as_rat least = as_rat_of(1, 1);
    for (int i = 0; i < g->places; i++)
        least = as_rat_div(least, as_rat_of(10, 1));
    if (g->is_rough)
        least = as_rat_div(absolute(g->val.c[0]), as_rat_of(2, 1));
    return as_rat_ok(off) && as_rat_ok(least) && off.p != 0 && as_rat_cmp(off, least) >= 0;
}

static bool is_different(const as_gold *g, const as_gold *changed)
{
    if (g->shape == AS_SHAPE_OTHER || as_gold_same(g, changed))
        return false;
    if (g->unit == AS_UNIT_PERCENT && are_hundredfold(&g->val, &changed->val))
        return false;
    if (g->shape == AS_SHAPE_NUMBER && !g->is_infinite && !is_far(g, &changed->val))
        return false;
    for (unsigned i = 0; i < g->n && g->n == changed->n; i++)
        if (!as_gold_same(&g->kids[i], &changed->kids[i]) && g->kids[i].shape == AS_SHAPE_NUMBER &&
            !g->kids[i].is_infinite && !changed->kids[i].is_infinite &&
            !is_far(&g->kids[i], &changed->kids[i].val))
            return false;
    return true;
}

static bool write_changed(as_maker *m, const as_gold *g, const as_gold *changed)
{
    if (!is_different(g, changed))
        return false;
    as_spell_gold(m->out, changed, &plain);
    return true;
}

/* ---- one value ---- */

typedef bool (*change)(as_maker *m, const as_val *v, as_val *out);

static bool is_small(const as_val *v)
{
    for (int i = 0; i <= v->degree; i++)
        if (!as_maker_is_small(v->c[i]))
            return false;
    return true;
}

static bool is_int(const as_val *v)
{
    return as_val_is_rat(v) && v->c[0].q == 1 && as_maker_is_small(v->c[0]);
}

static bool is_frac(const as_val *v)
{
    return as_val_is_rat(v) && v->c[0].q != 1 && as_maker_is_small(v->c[0]);
}

static bool set_int(as_val *out, int64_t n)
{
    *out = as_val_int(n);
    return true;
}

static bool scale(const as_val *v, int64_t p, int64_t q, as_val *out)
{
    as_val factor = as_val_rat(as_rat_of(p, q));
    return is_small(v) && as_val_mul(out, v, &factor);
}

static bool shift(const as_val *v, int64_t p, int64_t q, as_val *out)
{
    as_val more = as_val_rat(as_rat_of(p, q));
    return is_small(v) && as_val_add(out, v, &more);
}

static bool change_up(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return shift(v, 1, 1, out);
}

static bool change_down(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return shift(v, -1, 1, out);
}

static bool change_sign(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    *out = as_val_neg(v);
    return true;
}

static bool change_hundred(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return scale(v, 100, 1, out);
}

static bool change_hundredth(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return is_int(v) && scale(v, 1, 100, out);
}

static bool change_ten(as_maker *m, const as_val *v, as_val *out)
{
    return as_maker_below(m, 2) ? scale(v, 10, 1, out) : scale(v, 1, 10, out);
}

static bool change_double(as_maker *m, const as_val *v, as_val *out)
{
    return as_maker_below(m, 2) ? scale(v, 2, 1, out) : scale(v, 1, 2, out);
}

/* Within what a relative tolerance of 1e-4 forgives. */
static bool change_slightly(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return is_int(v) && scale(v, 100004, 100000, out);
}

/* Off by one in a place behind the point. */
static bool change_place(as_maker *m, const as_val *v, as_val *out)
{
    int64_t q = 10;
    for (uint64_t k = as_maker_below(m, 6); k > 0; k--)
        q *= 10;
    return as_val_is_rat(v) && shift(v, as_maker_below(m, 2) ? 1 : -1, q, out);
}

/* The digits of |v| in `digits`, NUL-terminated; their number, 0 where v is no integer. */
static int digits_of(const as_val *v, char digits[24])
{
    return is_int(v) ? snprintf(digits, 24, "%lld", llabs(v->c[0].p)) : 0;
}

static bool set_digits(as_val *out, const char *digits, bool is_negative)
{
    unsigned long long n = 0;
    if (!as_str_u64(as_str_of(digits), &n) || n >> 60)
        return false;
    return set_int(out, is_negative ? -(int64_t)n : (int64_t)n);
}

static bool change_swap_digits(as_maker *m, const as_val *v, as_val *out)
{
    char d[24];
    int n = digits_of(v, d);
    if (n < 2)
        return false;
    int i = (int)as_maker_below(m, (uint64_t)n - 1);
    char c = d[i];
    d[i] = d[i + 1];
    d[i + 1] = c;
    return d[0] != '0' && set_digits(out, d, v->c[0].p < 0);
}

static bool change_digit(as_maker *m, const as_val *v, as_val *out)
{
    char d[24];
    int n = digits_of(v, d);
    if (n < 1)
        return false;
    int i = (int)as_maker_below(m, (uint64_t)n);
    d[i] = (char)('0' + (int)as_maker_below(m, 10));
    return (n == 1 || d[0] != '0') && set_digits(out, d, v->c[0].p < 0);
}

static bool change_longer(as_maker *m, const as_val *v, as_val *out)
{
    return is_int(v) &&
           set_int(out, v->c[0].p * 10 + (v->c[0].p < 0 ? -1 : 1) * (int64_t)as_maker_below(m, 10));
}

static bool change_shorter(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return is_int(v) && llabs(v->c[0].p) > 9 && set_int(out, v->c[0].p / 10);
}

static bool change_numerator(as_maker *m, const as_val *v, as_val *out)
{
    if (!is_frac(v))
        return false;
    *out = as_val_rat(as_rat_of(v->c[0].p + (as_maker_below(m, 2) ? 1 : -1), v->c[0].q));
    return true;
}

static bool change_denominator(as_maker *m, const as_val *v, as_val *out)
{
    if (!is_frac(v))
        return false;
    *out = as_val_rat(as_rat_of(v->c[0].p, v->c[0].q + (as_maker_below(m, 2) ? 1 : -1)));
    return as_rat_ok(out->c[0]);
}

static bool change_inverse(as_maker *m, const as_val *v, as_val *out)
{
    as_val one = as_val_int(1);
    (void)m;
    return v->gen != AS_GEN_LETTER && is_small(v) && as_val_div(out, &one, v);
}

static bool change_square(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return is_small(v) && as_val_mul(out, v, v);
}

static bool change_root(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    return is_int(v) && v->c[0].p > 1 && as_val_sqrt(out, v->c[0]);
}

static bool change_imaginary(as_maker *m, const as_val *v, as_val *out)
{
    as_val i = as_val_gen(AS_GEN_I, 0, 0);
    (void)m;
    return as_val_is_rat(v) && v->c[0].p != 0 && as_val_mul(out, v, &i);
}

/* ---- one value with a generator ---- */

static bool change_radicand(as_maker *m, const as_val *v, as_val *out)
{
    as_val root, coefficient = as_val_rat(v->c[1]), rest = as_val_rat(v->c[0]);
    (void)m;
    return v->gen == AS_GEN_ROOT && as_val_sqrt(&root, as_rat_of(v->root + 1, 1)) &&
           as_val_mul(out, &coefficient, &root) && as_val_add(out, out, &rest);
}

static bool change_conjugate(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    if (v->gen != AS_GEN_ROOT && v->gen != AS_GEN_I)
        return false;
    *out = *v;
    out->c[1] = as_rat_neg(v->c[1]);
    return true;
}

static bool change_parts(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    if ((v->gen != AS_GEN_ROOT && v->gen != AS_GEN_I) || v->c[0].p == 0)
        return false;
    *out = *v;
    out->c[0] = v->c[1];
    out->c[1] = v->c[0];
    return true;
}

static int some_term(as_maker *m, const as_val *v)
{
    int i = (int)as_maker_below(m, (uint64_t)v->degree + 1);
    return v->c[i].p ? i : v->degree;
}

static bool change_coefficient(as_maker *m, const as_val *v, as_val *out)
{
    if (as_val_is_rat(v))
        return false;
    int i = some_term(m, v);
    *out = *v;
    out->c[i] = as_rat_add(v->c[i], as_rat_of(as_maker_below(m, 2) ? 1 : -1, 1));
    as_val zero = as_val_int(0);
    return as_val_add(out, out, &zero); /* settles the degree */
}

static bool change_term_sign(as_maker *m, const as_val *v, as_val *out)
{
    if (as_val_is_rat(v))
        return false;
    int i = some_term(m, v);
    *out = *v;
    out->c[i] = as_rat_neg(v->c[i]);
    return true;
}

static bool change_drop_term(as_maker *m, const as_val *v, as_val *out)
{
    as_val zero = as_val_int(0);
    if (as_val_is_rat(v))
        return false;
    *out = *v;
    out->c[some_term(m, v)] = as_rat_of(0, 1);
    return as_val_add(out, out, &zero);
}

/* The generator left away: 3 sqrt 2 -> 3, 2 pi -> 2. */
static bool change_bare(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    if (v->degree != 1)
        return false;
    *out = as_val_rat(as_rat_add(v->c[0], v->c[1]));
    return as_rat_ok(out->c[0]);
}

static bool change_exponent(as_maker *m, const as_val *v, as_val *out)
{
    as_val factor = *v;
    (void)m;
    if (v->gen != AS_GEN_PI && v->gen != AS_GEN_LETTER)
        return false;
    factor = as_val_gen(v->gen, 0, v->letter);
    return as_val_mul(out, v, &factor);
}

static bool change_unknown(as_maker *m, const as_val *v, as_val *out)
{
    (void)m;
    if (v->gen != AS_GEN_LETTER)
        return false;
    *out = *v;
    out->letter = v->letter == 't' ? 's' : 't';
    return true;
}

/* ---- rows: one change of the whole answer's value ---- */

static bool has_value(const as_gold *g)
{
    return !g->may_be_list && !g->is_infinite;
}

static bool make_change(as_maker *m, const as_gold *g, change how)
{
    as_gold changed = *g;
    if (!has_value(g) || !how(m, &g->val, &changed.val))
        return false;
    int places = as_val_is_rat(&changed.val) ? as_rat_places(changed.val.c[0]) : -1;
    if (is_int(&g->val) && places > 0 && as_maker_below(m, 4))
        changed.is_decimal = true; /* 42.01 rather than a fraction */
    return write_changed(m, g, &changed);
}

#define CHANGE(name)                                                                               \
    static bool make_##name(as_maker *m, const as_gold *g)                                         \
    {                                                                                              \
        return make_change(m, g, change_##name);                                                   \
    }
CHANGE(up)
CHANGE(down)
CHANGE(sign)
CHANGE(hundred)
CHANGE(hundredth)
CHANGE(ten)
CHANGE(double)
CHANGE(slightly)
CHANGE(place)
CHANGE(swap_digits)
CHANGE(digit)
CHANGE(longer)
CHANGE(shorter)
CHANGE(numerator)
CHANGE(denominator)
CHANGE(inverse)
CHANGE(square)
CHANGE(root)
CHANGE(imaginary)
CHANGE(radicand)
CHANGE(conjugate)
CHANGE(parts)
CHANGE(coefficient)
CHANGE(term_sign)
CHANGE(drop_term)
CHANGE(bare)
CHANGE(exponent)
CHANGE(unknown)
#undef CHANGE

/* ---- rows: numbers written otherwise ---- */

static bool make_decimal(as_maker *m, const as_gold *g, int places, bool is_rounded)
{
    as_gold changed = *g;
    if (m->is_tolerant || g->unit != AS_UNIT_NONE || !as_val_is_rat(&g->val) || g->is_decimal ||
        g->is_rough || !as_rat_decimal(m->out, g->val.c[0], places, is_rounded, &changed.val.c[0]))
        return false;
    return is_different(g, &changed);
}

static bool make_cut(as_maker *m, const as_gold *g)
{
    static const int places[] = { 1, 2, 3, 4, 6, 10 };
    return make_decimal(m, g, places[as_maker_below(m, 6)], false);
}

static bool make_rounded(as_maker *m, const as_gold *g)
{
    static const int places[] = { 2, 4, 6, 10, 15 };
    return make_decimal(m, g, places[as_maker_below(m, 5)], true);
}

/* No decimal is an irrational number, whatever its last digit. */
static bool make_irrational(as_maker *m, const as_gold *g)
{
    static const char *const formats[] = { "%.3f", "%.6f", "%.10f", "%.15g" };
    bool is_irrational = g->val.gen == AS_GEN_ROOT || g->val.gen == AS_GEN_PI;
    if (m->is_tolerant || !is_irrational || g->unit != AS_UNIT_NONE || g->is_rough ||
        g->is_decimal || g->may_be_list || !is_small(&g->val))
        return false;
    char text[400];
    switch (as_maker_below(m, sizeof formats / sizeof *formats)) {
    case 0:
        (void)snprintf(text, sizeof text, "%.3f", as_val_double(&g->val));
        break;
    case 1:
        (void)snprintf(text, sizeof text, "%.6f", as_val_double(&g->val));
        break;
    default:
        (void)snprintf(text, sizeof text, "%.15g", as_val_double(&g->val));
        break;
    }
    if (strchr(text, 'e'))
        return false;
    as_buf_text(m->out, text);
    return true;
}

static bool is_bare_int(const as_gold *g)
{
    return has_value(g) && is_int(&g->val) && g->unit == AS_UNIT_NONE && !g->is_rough &&
           !g->is_decimal;
}

/* "4 2" for 42; not where the tail reads as a group of thousands. */
static bool make_split_digits(as_maker *m, const as_gold *g)
{
    char d[24];
    int n = is_bare_int(g) ? digits_of(&g->val, d) : 0;
    if (n < 2 || n > 3)
        return false;
    as_buf_addf(m->out, "%s%c %s", g->val.c[0].p < 0 ? "-" : "", d[0], d + 1);
    return true;
}

/* 2 \cdot \frac{1}{3} for 2 1/3 */
static bool make_mixed_product(as_maker *m, const as_gold *g)
{
    as_rat a = g->val.c[0];
    if (!has_value(g) || !is_frac(&g->val) || a.p <= a.q || g->unit != AS_UNIT_NONE ||
        g->is_rough || g->is_decimal)
        return false;
    as_gold changed = *g;
    changed.val = as_val_rat(as_rat_mul(as_rat_of(a.p / a.q, 1), as_rat_of(a.p % a.q, a.q)));
    if (!is_different(g, &changed))
        return false;
    as_buf_addf(m->out, "%lld \\cdot \\frac{%lld}{%lld}", (long long)(a.p / a.q),
                (long long)(a.p % a.q), (long long)a.q);
    return true;
}

static bool make_relation(as_maker *m, const as_gold *g)
{
    static const char *const signs[] = { ">", "<", "\\ge", "\\le", "\\ne" };
    if (!is_bare_int(g))
        return false;
    as_buf_addf(m->out, "x %s %lld", signs[as_maker_below(m, 5)], (long long)g->val.c[0].p);
    return true;
}

/* 41 = 42 */
static bool make_contradiction(as_maker *m, const as_gold *g)
{
    if (!is_bare_int(g))
        return false;
    as_buf_addf(m->out, as_maker_below(m, 2) ? "x = %lld = %lld" : "%lld = %lld",
                (long long)g->val.c[0].p - 1, (long long)g->val.c[0].p);
    return true;
}

static bool make_other_unit(as_maker *m, const as_gold *g)
{
    static const char *const pairs[][2] = { { "cm", "m" },          { "inches", "feet" },
                                            { "minutes", "hours" }, { "seconds", "minutes" },
                                            { "days", "weeks" },    { "kg", "g" },
                                            { "dollars", "cents" }, { "meters", "kilometers" } };
    bool is_dollar = g->unit == AS_UNIT_DOLLAR;
    (void)m;
    if ((g->unit != AS_UNIT_WORD && !is_dollar) || as_val_is_zero(&g->val) || g->may_be_list)
        return false;
    as_gold other = *g;
    other.unit = AS_UNIT_WORD;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (int k = 0; k < 2; k++) {
            if (!as_str_is(is_dollar ? AS_LIT("dollars") : g->text, pairs[i][k]))
                continue;
            other.text = as_str_of(pairs[i][1 - k]);
            as_spell_gold(m->out, &other, &plain);
            return true;
        }
    }
    return false;
}

/* ---- rows: words, letters, bases ---- */

static bool copy_text(as_maker *m, const as_gold *g, as_gold *changed, char **text)
{
    *changed = *g;
    changed->text = as_arena_str(m->arena, g->text);
    *text = as_arena_alloc(m->arena, g->text.len + 1);
    if (!*text || !changed->text.data)
        return false;
    memcpy(*text, g->text.data, g->text.len + 1);
    changed->text.data = *text;
    return true;
}

static bool make_backwards(as_maker *m, const as_gold *g)
{
    as_gold changed;
    char *text = NULL;
    if (!copy_text(m, g, &changed, &text))
        return false;
    for (size_t i = 0; i < g->text.len; i++)
        text[i] = g->text.data[g->text.len - 1 - i];
    return write_changed(m, g, &changed);
}

/* Position 1.. of a letter between letters of the words; 0: there is none. */
static size_t inner_letter(as_maker *m, as_str s)
{
    size_t i = s.len > 2 ? 1 + (size_t)as_maker_below(m, s.len - 2) : 0;
    return i && s.data[i - 1] != ' ' && s.data[i] != ' ' && s.data[i + 1] != ' ' ? i : 0;
}

static bool make_other_letter(as_maker *m, const as_gold *g)
{
    as_gold changed;
    char *text = NULL;
    size_t at = inner_letter(m, g->text);
    if (!at || !copy_text(m, g, &changed, &text))
        return false;
    text[at] = (char)('a' + (int)as_maker_below(m, 26));
    return write_changed(m, g, &changed);
}

static bool make_swapped_letters(as_maker *m, const as_gold *g)
{
    as_gold changed;
    char *text = NULL;
    size_t at = inner_letter(m, g->text);
    if (!at || !copy_text(m, g, &changed, &text))
        return false;
    text[at] = g->text.data[at + 1];
    text[at + 1] = g->text.data[at];
    return write_changed(m, g, &changed);
}

static bool make_not(as_maker *m, const as_gold *g)
{
    static const char *const not_after[] = { "no", "not", "none", "non" };
    (void)m;
    for (size_t i = 0; i < 4; i++)
        if (g->text.len >= strlen(not_after[i]) &&
            strncasecmp(g->text.data, not_after[i], strlen(not_after[i])) == 0)
            return false;
    as_buf_addf(m->out, "\\text{not %.*s}", AS_FMT(g->text));
    return true;
}

static bool make_other_choice(as_maker *m, const as_gold *g)
{
    as_gold changed = *g;
    changed.letter = (char)('A' + (int)as_maker_below(m, 5));
    return write_changed(m, g, &changed);
}

static bool make_two_choices(as_maker *m, const as_gold *g)
{
    char other = g->letter == 'A' ? 'B' : 'A';
    bool is_first = as_maker_below(m, 2);
    as_buf_addf(m->out, "%c, %c", is_first ? g->letter : other, is_first ? other : g->letter);
    return true;
}

static bool make_other_base(as_maker *m, const as_gold *g)
{
    as_gold changed = *g;
    changed.base = g->base + 1 + (int)as_maker_below(m, 3);
    return changed.base <= 16 && write_changed(m, g, &changed);
}

static bool make_base_digit(as_maker *m, const as_gold *g)
{
    as_gold changed;
    char *text = NULL;
    if (!copy_text(m, g, &changed, &text))
        return false;
    size_t at = (size_t)as_maker_below(m, g->text.len);
    text[at] = (char)('0' + (int)as_maker_below(m, g->base < 10 ? (uint64_t)g->base : 10));
    return text[0] != '0' && write_changed(m, g, &changed);
}

static bool make_base_turned(as_maker *m, const as_gold *g)
{
    as_gold changed;
    char *text = NULL;
    if (g->text.len < 2 || !copy_text(m, g, &changed, &text))
        return false;
    text[0] = g->text.data[1];
    text[1] = g->text.data[0];
    return text[0] != '0' && write_changed(m, g, &changed);
}

/* ---- rows: relations ---- */

static bool make_other_name(as_maker *m, const as_gold *g)
{
    as_gold changed = *g;
    (void)m;
    changed.letter = g->letter == 'y' ? 'x' : 'y';
    if (g->val.gen == AS_GEN_LETTER && g->val.letter == changed.letter)
        changed.letter = 'w';
    return write_changed(m, g, &changed);
}

/* x = f(y) for y = f(x): the same line where the slope is -1, or the line is y = x. */
static bool make_roles(as_maker *m, const as_gold *g)
{
    as_gold changed = *g;
    (void)m;
    bool is_line = g->val.degree == 1;
    if (is_line &&
        (as_rat_is(g->val.c[1], -1) || (as_rat_is(g->val.c[1], 1) && g->val.c[0].p == 0)))
        return false;
    changed.letter = g->val.letter;
    changed.val.letter = g->letter;
    return write_changed(m, g, &changed);
}

static bool flip_end(as_maker *m, as_gold *g)
{
    unsigned i = (unsigned)as_maker_below(m, 2);
    i = g->kids[i].is_infinite ? 1 - i : i;
    g->is_open[i] = !g->is_open[i];
    return !g->kids[i].is_infinite;
}

static bool make_flipped(as_maker *m, const as_gold *g)
{
    as_gold changed;
    if (!as_gold_copy(&changed, g, m->arena))
        return false;
    as_gold *one = g->shape == AS_SHAPE_UNION ? &changed.kids[as_maker_below(m, g->n)] : &changed;
    return flip_end(m, one) && write_changed(m, g, &changed);
}

/* The other side: x > a becomes x < a. */
static bool make_other_side(as_maker *m, const as_gold *g)
{
    as_gold changed;
    if (!as_gold_copy(&changed, g, m->arena) || g->kids[0].is_infinite == g->kids[1].is_infinite)
        return false;
    for (int i = 0; i < 2; i++) {
        changed.kids[i] = g->kids[1 - i];
        changed.is_open[i] = g->is_open[1 - i];
        if (changed.kids[i].is_infinite)
            changed.kids[i].val = as_val_int(i ? 1 : -1);
    }
    return write_changed(m, g, &changed);
}

static bool make_to_infinity(as_maker *m, const as_gold *g)
{
    as_gold changed;
    unsigned i = (unsigned)as_maker_below(m, 2);
    if (g->kids[0].is_infinite || g->kids[1].is_infinite || !as_gold_copy(&changed, g, m->arena))
        return false;
    changed.kids[i].is_infinite = true;
    changed.kids[i].val = as_val_int(i ? 1 : -1);
    changed.is_open[i] = true;
    return write_changed(m, g, &changed);
}

/* ---- rows: parts ---- */

static const change part_changes[] = { change_up,          change_down,        change_sign,
                                       change_double,      change_square,      change_numerator,
                                       change_inverse,     change_conjugate,   change_radicand,
                                       change_coefficient, change_swap_digits, change_digit };

static bool change_part(as_maker *m, as_gold *kid)
{
    const change how = part_changes[as_maker_below(m, sizeof part_changes / sizeof *part_changes)];
    as_val v;
    if (kid->shape != AS_SHAPE_NUMBER || kid->is_infinite || kid->may_be_list ||
        !how(m, &kid->val, &v))
        return false;
    kid->val = v;
    return true;
}

/* Golds are at most three deep. NOLINTBEGIN(misc-no-recursion) */
/* Another value in one place, at any depth. */
static bool change_some(as_maker *m, as_gold *g)
{
    if (g->shape == AS_SHAPE_NUMBER)
        return change_part(m, g);
    if (!g->n || !change_some(m, &g->kids[as_maker_below(m, g->n)]))
        return false;
    bool is_range = g->shape == AS_SHAPE_INTERVAL || g->shape == AS_SHAPE_INEQUALITY;
    return !is_range || as_gold_is_range(g);
}

/* NOLINTEND(misc-no-recursion) */
static bool make_part(as_maker *m, const as_gold *g)
{
    as_gold changed;
    return as_gold_copy(&changed, g, m->arena) && change_some(m, &changed) &&
           write_changed(m, g, &changed);
}

static bool make_swapped_parts(as_maker *m, const as_gold *g)
{
    as_gold changed;
    if (g->n < 2 || !as_gold_copy(&changed, g, m->arena))
        return false;
    unsigned i = (unsigned)as_maker_below(m, g->n - 1);
    as_gold swap = changed.kids[i];
    changed.kids[i] = changed.kids[i + 1];
    changed.kids[i + 1] = swap;
    return write_changed(m, g, &changed);
}

static bool make_turned_tuple(as_maker *m, const as_gold *g)
{
    as_gold changed;
    if (!as_gold_copy(&changed, g, m->arena))
        return false;
    for (unsigned i = 0; i < g->n; i++)
        changed.kids[i] = g->kids[g->n - 1 - i];
    return write_changed(m, g, &changed);
}

static bool make_dropped(as_maker *m, const as_gold *g)
{
    as_gold changed;
    unsigned least = g->shape == AS_SHAPE_TUPLE ? 3 : 2;
    if (g->n < least || !as_gold_copy(&changed, g, m->arena))
        return false;
    unsigned at = (unsigned)as_maker_below(m, g->n);
    for (unsigned i = at; i + 1 < g->n; i++)
        changed.kids[i] = changed.kids[i + 1];
    changed.n--;
    return write_changed(m, g, &changed);
}

static bool make_extra(as_maker *m, const as_gold *g)
{
    as_gold changed;
    if (!as_gold_copy(&changed, g, m->arena))
        return false;
    changed.kids[g->n] = changed.kids[0];
    if (!change_some(m, &changed.kids[g->n]))
        return false;
    changed.n++;
    return write_changed(m, g, &changed);
}

static bool make_transposed(as_maker *m, const as_gold *g)
{
    as_gold changed;
    if (!as_gold_copy(&changed, g, m->arena))
        return false;
    changed.rows = g->cols;
    changed.cols = g->rows;
    for (unsigned i = 0; i < g->n; i++)
        changed.kids[i] = g->kids[i % g->rows * g->cols + i / g->rows];
    return write_changed(m, g, &changed);
}

static bool make_swapped_rows(as_maker *m, const as_gold *g)
{
    as_gold changed;
    if (g->rows < 2 || !as_gold_copy(&changed, g, m->arena))
        return false;
    for (unsigned i = 0; i < g->cols; i++) {
        changed.kids[i] = g->kids[g->cols + i];
        changed.kids[g->cols + i] = g->kids[i];
    }
    return write_changed(m, g, &changed);
}

#define ON(shape) (1u << AS_SHAPE_##shape)
#define VALUES (ON(NUMBER) | ON(EQUATION) | ON(CURVE))
#define PARTS (ON(INEQUALITY) | ON(INTERVAL) | ON(UNION) | ON(TUPLE) | ON(LIST) | ON(MATRIX))
const as_maker_row as_miss_rows[] = {
    { "n+1", VALUES, make_up },
    { "n-1", VALUES, make_down },
    { "-n", VALUES, make_sign },
    { "100n", VALUES, make_hundred },
    { "n/100", VALUES, make_hundredth },
    { "10n", VALUES, make_ten },
    { "2n", VALUES, make_double },
    { "*1.00004", VALUES, make_slightly },
    { "10^-k", VALUES, make_place },
    { "digits-swapped", VALUES, make_swap_digits },
    { "digit", VALUES, make_digit },
    { "digit-more", VALUES, make_longer },
    { "digit-less", VALUES, make_shorter },
    { "p+1", VALUES, make_numerator },
    { "q+1", VALUES, make_denominator },
    { "inverse", VALUES, make_inverse },
    { "square", VALUES, make_square },
    { "root", ON(NUMBER), make_root },
    { "imaginary", ON(NUMBER), make_imaginary },
    { "radicand", VALUES, make_radicand },
    { "conjugate", VALUES, make_conjugate },
    { "re<->im", VALUES, make_parts },
    { "coefficient", VALUES, make_coefficient },
    { "term-sign", VALUES, make_term_sign },
    { "term-dropped", VALUES, make_drop_term },
    { "generator-dropped", VALUES, make_bare },
    { "exponent", VALUES, make_exponent },
    { "unknown", VALUES, make_unknown },
    { "cut", ON(NUMBER), make_cut },
    { "rounded", ON(NUMBER), make_rounded },
    { "decimal", ON(NUMBER), make_irrational },
    { "digits-apart", ON(NUMBER), make_split_digits },
    { "mixed-product", ON(NUMBER), make_mixed_product },
    { "relation", ON(NUMBER), make_relation },
    { "contradiction", ON(NUMBER), make_contradiction },
    { "other-unit", ON(NUMBER), make_other_unit },
    { "backwards", ON(WORDS), make_backwards },
    { "letter", ON(WORDS), make_other_letter },
    { "letters-swapped", ON(WORDS), make_swapped_letters },
    { "not", ON(WORDS), make_not },
    { "other", ON(CHOICE), make_other_choice },
    { "two", ON(CHOICE), make_two_choices },
    { "base", ON(BASE), make_other_base },
    { "digit", ON(BASE), make_base_digit },
    { "digits-swapped", ON(BASE), make_base_turned },
    { "name", ON(EQUATION), make_other_name },
    { "roles", ON(CURVE), make_roles },
    { "flipped", ON(INEQUALITY) | ON(INTERVAL) | ON(UNION), make_flipped },
    { "side", ON(INEQUALITY) | ON(INTERVAL), make_other_side },
    { "to-infinity", ON(INEQUALITY) | ON(INTERVAL), make_to_infinity },
    { "part", PARTS, make_part },
    { "swapped", ON(TUPLE) | ON(MATRIX), make_swapped_parts },
    { "backwards", ON(TUPLE), make_turned_tuple },
    { "dropped", ON(TUPLE) | ON(LIST) | ON(UNION), make_dropped },
    { "extra", ON(TUPLE) | ON(LIST), make_extra },
    { "transposed", ON(MATRIX), make_transposed },
    { "rows-swapped", ON(MATRIX), make_swapped_rows },
    { NULL, 0, NULL },
};

/* Rows that change exact parts give a value as well; these are what hedges and wrong boxes are made
 * of. */
bool as_miss_change(as_maker *m, const as_gold *g, as_gold *changed)
{
    static const change changes[] = { change_up, change_down, change_digit, change_coefficient,
                                      change_double };
    for (int try = 0; try < 20; try++) {
        *changed = *g;
        if (g->shape == AS_SHAPE_NUMBER && has_value(g)) {
            if (changes[as_maker_below(m, 5)](m, &g->val, &changed->val) &&
                is_different(g, changed))
                return true;
        } else if (g->shape == AS_SHAPE_CHOICE) {
            changed->letter = (char)('A' + (int)as_maker_below(m, 5));
            if (is_different(g, changed))
                return true;
        } else if (g->shape == AS_SHAPE_TUPLE || g->shape == AS_SHAPE_LIST) {
            if (as_gold_copy(changed, g, m->arena) && change_some(m, changed) &&
                is_different(g, changed))
                return true;
        }
    }
    return false;
}
