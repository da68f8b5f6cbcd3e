/* value_form.c -- arithmetic of normal forms, see value_form.h. SPDX-License-Identifier: Apache-2.0
 */
#include "math/value_form.h"

enum {
    EXPONENT = 1 << 20, /* of generators */
    FACTOR_BITS = 50,   /* of what is factored */
    MULTIPLIED = 32     /* exponents of sums */
};

static void term_clear(form_term *t)
{
    fmpq_clear(t->c);
    t->n = 0;
}

void form_clear(form *f)
{
    for (int32_t i = 0; i < f->n; i++)
        term_clear(&f->term[i]);
    f->n = 0;
}

void form_copy(form *to, const form *from)
{
    form_clear(to);
    for (int32_t i = 0; i < from->n; i++) {
        form_term *t = &to->term[i];
        fmpq_init(t->c);
        fmpq_set(t->c, from->term[i].c);
        t->n = from->term[i].n;
        memcpy(t->gen, from->term[i].gen, (size_t)t->n * sizeof *t->gen);
    }
    to->n = from->n;
}

static int compare_gens(const form_term *a, const form_term *b)
{
    for (int32_t i = 0; i < a->n && i < b->n; i++) {
        const form_gen *x = &a->gen[i], *y = &b->gen[i];
        if (x->kind != y->kind)
            return x->kind < y->kind ? -1 : 1;
        if (x->value != y->value)
            return x->value < y->value ? -1 : 1;
        const int64_t l = (int64_t)x->num * y->den, r = (int64_t)y->num * x->den;
        if (l != r)
            return l < r ? -1 : 1;
    }
    return a->n - b->n;
}

bool form_equal(const form *a, const form *b)
{
    if (a->n != b->n)
        return false;
    for (int32_t i = 0; i < a->n; i++)
        if (compare_gens(&a->term[i], &b->term[i]) != 0 || !fmpq_equal(a->term[i].c, b->term[i].c))
            return false;
    return true;
}

static bool coefficient_ok(const fmpq_t c)
{
    return fmpz_bits(fmpq_numref(c)) <= FORM_BITS && fmpz_bits(fmpq_denref(c)) <= FORM_BITS;
}

/* Adds t, whose coefficient is taken over (t is cleared). */
static bool take_term(form *f, form_term *t)
{
    int32_t at = 0;
    int order = 1;
    while (at < f->n && (order = compare_gens(&f->term[at], t)) < 0)
        at++;
    bool ok = true;
    if (at < f->n && order == 0) {
        fmpq_add(f->term[at].c, f->term[at].c, t->c);
        ok = coefficient_ok(f->term[at].c);
        if (fmpq_is_zero(f->term[at].c)) {
            term_clear(&f->term[at]);
            f->n--;
            memmove(&f->term[at], &f->term[at + 1], (size_t)(f->n - at) * sizeof *t);
        }
    } else if (fmpq_is_zero(t->c)) {
        /* nothing to add */
    } else if (f->n == FORM_TERMS || !coefficient_ok(t->c)) {
        ok = false;
    } else {
        memmove(&f->term[at + 1], &f->term[at], (size_t)(f->n - at) * sizeof *t);
        f->term[at].n = t->n;
        memcpy(f->term[at].gen, t->gen, sizeof t->gen);
        fmpq_init(f->term[at].c);
        fmpq_swap(f->term[at].c, t->c);
        f->n++;
    }
    term_clear(t);
    return ok;
}

/* t *= value^(num/den) */
static bool times_gen(form_term *t, form_gen g)
{
    int32_t at = 0;
    while (at < t->n &&
           (t->gen[at].kind < g.kind || (t->gen[at].kind == g.kind && t->gen[at].value < g.value)))
        at++;
    int64_t num = g.num, den = g.den;
    const bool known = at < t->n && t->gen[at].kind == g.kind && t->gen[at].value == g.value;
    if (known) {
        num = num * t->gen[at].den + (int64_t)t->gen[at].num * den;
        den *= t->gen[at].den;
    }
    const int64_t d = (int64_t)n_gcd((ulong)(num < 0 ? -num : num), (ulong)den);
    num /= d, den /= d;
    if (num > EXPONENT || num < -EXPONENT || den > EXPONENT)
        return false;
    if (g.kind == G_PRIME && (num < 0 || num >= den)) { /* the whole part is a number */
        int64_t whole = num / den - (num % den < 0);
        if (whole > FORM_BITS || whole < -FORM_BITS)
            return false;
        fmpq_t power;
        fmpq_init(power);
        fmpz_set_ui(fmpq_numref(power), g.value);
        fmpq_pow_si(power, power, whole);
        fmpq_mul(t->c, t->c, power);
        fmpq_clear(power);
        num -= whole * den;
    } else if (g.kind == G_I) { /* of i^num, i or 1 stays */
        if (num & 2)
            fmpq_neg(t->c, t->c);
        num &= 1;
    }
    if (num == 0) {
        if (known) {
            t->n--;
            memmove(&t->gen[at], &t->gen[at + 1], (size_t)(t->n - at) * sizeof g);
        }
        return coefficient_ok(t->c);
    }
    if (!known) {
        if (t->n == FORM_GENERATORS)
            return false;
        memmove(&t->gen[at + 1], &t->gen[at], (size_t)(t->n - at) * sizeof g);
        t->n++;
    }
    t->gen[at] = (form_gen){ g.value, g.kind, (int32_t)num, (int32_t)den };
    return coefficient_ok(t->c);
}

/* However large c is: it only becomes too large for sums and products. */
void form_rational(form *f, const fmpq_t c)
{
    form_clear(f);
    if (fmpq_is_zero(c))
        return;
    f->term[0].n = 0;
    fmpq_init(f->term[0].c);
    fmpq_set(f->term[0].c, c);
    f->n = 1;
}

bool form_monomial(form *f, form_kind kind, uint64_t value, int32_t num, int32_t den)
{
    form_clear(f);
    form_term t = { .n = 0 };
    fmpq_init(t.c);
    fmpq_one(t.c);
    const bool ok = times_gen(&t, (form_gen){ value, (int32_t)kind, num, den });
    return take_term(f, &t) && ok;
}

bool form_is_rational(const form *f, fmpq_t c)
{
    if (f->n > 1 || (f->n == 1 && f->term[0].n))
        return false;
    fmpq_zero(c);
    if (f->n)
        fmpq_set(c, f->term[0].c);
    return true;
}

void form_neg(form *f)
{
    for (int32_t i = 0; i < f->n; i++)
        fmpq_neg(f->term[i].c, f->term[i].c);
}

bool form_add(form *f, const form *g)
{
    for (int32_t i = 0; i < g->n; i++) {
        form_term t = g->term[i];
        fmpq_init(t.c);
        fmpq_set(t.c, g->term[i].c);
        if (!take_term(f, &t))
            return false;
    }
    return true;
}

static bool term_product(form_term *out, const form_term *a, const form_term *b)
{
    *out = *a;
    fmpq_init(out->c);
    fmpq_mul(out->c, a->c, b->c);
    bool ok = coefficient_ok(out->c);
    for (int32_t i = 0; i < b->n && ok; i++)
        ok = times_gen(out, b->gen[i]);
    return ok;
}

bool form_mul(form *f, const form *g)
{
    if (f->n * g->n > FORM_PAIRS)
        return false;
    form product = { .n = 0 };
    bool ok = true;
    for (int32_t i = 0; i < f->n && ok; i++)
        for (int32_t k = 0; k < g->n && ok; k++) {
            form_term t;
            ok = term_product(&t, &f->term[i], &g->term[k]);
            ok = take_term(&product, &t) && ok;
        }
    form_clear(f);
    for (int32_t i = 0; i < product.n; i++)
        f->term[i] = product.term[i];
    f->n = product.n;
    return ok;
}

bool form_scale(form *f, const fmpq_t c)
{
    bool ok = true;
    if (fmpq_is_zero(c))
        form_clear(f);
    for (int32_t i = 0; i < f->n; i++) {
        fmpq_mul(f->term[i].c, f->term[i].c, c);
        ok = ok && coefficient_ok(f->term[i].c);
    }
    return ok;
}

static bool invert_monomial(form *f)
{
    form_term t = { .n = 0 };
    fmpq_init(t.c);
    fmpq_inv(t.c, f->term[0].c);
    bool ok = true;
    for (int32_t i = 0; i < f->term[0].n && ok; i++) {
        form_gen g = f->term[0].gen[i];
        g.num = -g.num;
        ok = times_gen(&t, g);
    }
    form_clear(f);
    return take_term(f, &t) && ok;
}

/* 1/(u + v) = (u - v) / (u^2 - v^2), where the squares' difference is a monomial */
static bool invert_binomial(form *f)
{
    form below = { .n = 0 }, other = { .n = 0 };
    form_copy(&other, f);
    fmpq_neg(other.term[1].c, other.term[1].c);
    form_copy(&below, f);
    bool ok = form_mul(&below, &other) && below.n == 1 && invert_monomial(&below) &&
              form_mul(&other, &below);
    if (ok)
        form_copy(f, &other);
    form_clear(&below);
    form_clear(&other);
    return ok;
}

bool form_inv(form *f)
{
    return f->n == 1 ? invert_monomial(f) : f->n == 2 && invert_binomial(f);
}

/* t *= n^(num/den), n > 0, factored */
static bool times_power(form_term *t, const fmpz_t n, int64_t num, int64_t den)
{
    if (fmpz_is_one(n))
        return true;
    if (fmpz_bits(n) > FACTOR_BITS || num > EXPONENT || num < -EXPONENT || den > EXPONENT)
        return false;
    n_factor_t fac;
    n_factor_init(&fac);
    n_factor(&fac, fmpz_get_ui(n), 1);
    bool ok = true;
    for (int i = 0; i < fac.num && ok; i++) {
        const int64_t e = num * fac.exp[i];
        ok = e <= EXPONENT && e >= -EXPONENT &&
             times_gen(t, (form_gen){ fac.p[i], G_PRIME, (int32_t)e, (int32_t)den });
    }
    return ok;
}

static bool is_positive(const form_gen *g, const form_atoms *atoms)
{
    return g->kind != G_I && (g->kind != G_ATOM || atoms->atom[g->value].positive);
}

/* A monomial to num/den, den > 1: every generator is positive, so powers of powers multiply. */
static bool root_monomial(form *f, int64_t num, int64_t den, const form_atoms *atoms)
{
    const form_term *from = &f->term[0];
    const bool negative = fmpq_sgn(from->c) < 0;
    if (negative && den % 2 == 0 && den != 2)
        return false;
    for (int32_t i = 0; i < from->n; i++)
        if (!is_positive(&from->gen[i], atoms))
            return false;
    form_term t = { .n = 0 };
    fmpz_t top;
    fmpz_init(top);
    fmpq_init(t.c);
    fmpq_set_si(t.c, negative && den != 2 && num % 2 ? -1 : 1, 1);
    fmpz_abs(top, fmpq_numref(from->c));
    bool ok = times_power(&t, top, num, den) && times_power(&t, fmpq_denref(from->c), -num, den);
    for (int32_t i = 0; i < from->n && ok; i++) {
        const form_gen *g = &from->gen[i];
        int64_t a = g->num * num, b = g->den * den;
        const int64_t d = (int64_t)n_gcd((ulong)(a < 0 ? -a : a), (ulong)b);
        a /= d, b /= d;
        ok = a <= EXPONENT && a >= -EXPONENT && b <= EXPONENT &&
             times_gen(&t, (form_gen){ g->value, g->kind, (int32_t)a, (int32_t)b });
    }
    if (negative && den == 2)
        ok = ok && times_gen(&t, (form_gen){ 0, G_I, (int32_t)(((num % 4) + 4) % 4), 1 });
    fmpz_clear(top);
    form_clear(f);
    return take_term(f, &t) && ok;
}

/* c becomes its square root, if that is rational */
static bool square_root(fmpq_t c)
{
    if (fmpq_sgn(c) < 0 || !fmpz_is_square(fmpq_numref(c)) || !fmpz_is_square(fmpq_denref(c)))
        return false;
    fmpz_sqrt(fmpq_numref(c), fmpq_numref(c));
    fmpz_sqrt(fmpq_denref(c), fmpq_denref(c));
    return true;
}

/* sqrt(A + B) with A rational, B^2 rational, s^2 = A^2 - B^2: sqrt((A+s)/2) +- sqrt((A-s)/2) */
static bool denest(form *f, const form_atoms *atoms)
{
    fmpq_t a, s;
    form b = { .n = 0 }, x = { .n = 0 };
    if (f->n != 2 || f->term[0].n != 0 || fmpq_sgn(f->term[0].c) <= 0)
        return false;
    fmpq_init(a);
    fmpq_init(s);
    fmpq_set(a, f->term[0].c);
    const bool plus = fmpq_sgn(f->term[1].c) > 0;
    form_copy(&b, f);
    fmpq_neg(b.term[1].c, b.term[1].c);
    bool ok = form_mul(&b, f) && form_is_rational(&b, s) && square_root(s);
    if (ok) {
        fmpq_sub(a, a, s); /* A - s, then A + s */
        fmpq_div_2exp(a, a, 1);
        form_rational(&x, a);
        fmpq_add(a, a, s);
        form_rational(&b, a);
        ok = fmpq_sgn(a) >= 0 && x.n == 1 && fmpq_sgn(x.term[0].c) > 0 &&
             root_monomial(&x, 1, 2, atoms) && root_monomial(&b, 1, 2, atoms);
        if (!plus)
            form_neg(&x);
        ok = ok && form_add(&b, &x);
    }
    if (ok)
        form_copy(f, &b);
    form_clear(&b);
    form_clear(&x);
    fmpq_clear(a);
    fmpq_clear(s);
    return ok;
}

static bool integer_power(form *f, int64_t n)
{
    if (n < 0) {
        if (!form_inv(f))
            return false;
        n = -n;
    }
    form base = { .n = 0 };
    fmpq_t one;
    fmpq_init(one);
    fmpq_one(one);
    form_copy(&base, f);
    form_rational(f, one);
    bool ok = true;
    for (; n > 0 && ok; n >>= 1) { /* square and multiply */
        if (n & 1)
            ok = form_mul(f, &base);
        if (n > 1)
            ok = ok && form_mul(&base, &base);
    }
    form_clear(&base);
    fmpq_clear(one);
    return ok;
}

bool form_pow(form *f, const fmpq_t exponent, const form_atoms *atoms)
{
    if (f->n == 0 || fmpq_is_zero(exponent) ||
        fmpz_cmpabs(fmpq_numref(exponent), (fmpz[]){ FORM_BITS }) > 0 ||
        fmpz_cmp_si(fmpq_denref(exponent), FORM_BITS) > 0)
        return false;
    const int64_t num = fmpz_get_si(fmpq_numref(exponent)),
                  den = fmpz_get_si(fmpq_denref(exponent));
    if (den > 1 && f->n == 1)
        return root_monomial(f, num, den, atoms);
    if (den > 2 || (f->n > 1 && (num > MULTIPLIED || num < -MULTIPLIED)))
        return false;
    if (den == 2 && !denest(f, atoms))
        return false;
    return integer_power(f, num);
}

bool form_ln_rational(form *f, const fmpq_t c)
{
    form_term t = { .n = 0 };
    form_clear(f);
    if (fmpz_bits(fmpq_numref(c)) > FACTOR_BITS || fmpz_bits(fmpq_denref(c)) > FACTOR_BITS)
        return false;
    bool ok = true;
    for (int side = 0; side < 2; side++) {
        n_factor_t fac;
        n_factor_init(&fac);
        n_factor(&fac, fmpz_get_ui(side ? fmpq_denref(c) : fmpq_numref(c)), 1);
        for (int i = 0; i < fac.num && ok; i++) {
            fmpq_init(t.c);
            t.n = 0;
            fmpq_set_si(t.c, side ? -fac.exp[i] : fac.exp[i], 1);
            ok = times_gen(&t, (form_gen){ fac.p[i], G_LN, 1, 1 });
            ok = take_term(f, &t) && ok;
        }
    }
    return ok;
}

bool form_is_canonical(const form *f)
{
    for (int32_t i = 0; i < f->n; i++)
        for (int32_t k = 0; k < f->term[i].n; k++)
            if (f->term[i].gen[k].kind > G_PI)
                return false;
    return true;
}
