/* symbolic_elementary.c -- exponentials, logarithms, roots and other functions as generators, and
 * the rules between them that hold for all real values of the unknowns.
 *
 * exp: a sum's exponential is the product of its terms'; exp(k ln u) = u^k; exp(i pi p/q) by i and
 * square roots. b^u is exp(u ln b), sin u is (exp(iu) - exp(-iu))/2i. ln and roots give up positive
 * rational factors, odd roots also signs. sqrt(x y), ln(x y), sqrt(x^2) stay as they are: for
 * negative values their rules do not hold. SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

static const assay_str no_name = { "", 0 };

static bool same_parts(sym_ring *r, const sym_gen *g, const sym_ratio *args, uint32_t n, bool *same)
{
    *same = g->n_args == n;
    for (uint32_t i = 0; *same && i < n; i++)
        if (!sym_same(r, &g->arg[i], &args[i], same))
            return false;
    return true;
}

static bool is_real_function(unsigned op)
{
    return op == FN_ABS || op == FN_FLOOR || op == FN_CEIL || op == FN_SIGN || op == FN_ATAN ||
           op == FN_ASINH || op == FN_MAX || op == FN_MIN || op == FN_RE || op == FN_IM ||
           op == FN_ARG || op == FN_ERF || op == 256 + M_MOD || op == 256 + M_FACT;
}

static bool is_real_gen(sym_ring *r, sym_gen_kind kind, unsigned op, const sym_ratio *args,
                        uint32_t n)
{
    if (kind == GEN_PI || kind == GEN_BOUND)
        return true;
    bool ok = kind == GEN_EXP || (kind == GEN_ROOT && op % 2 == 1) ||
              (kind == GEN_FUNC && is_real_function(op));
    for (uint32_t i = 0; ok && i < n; i++)
        ok = sym_is_real(r, &args[i]);
    fmpq_t c; /* roots and logarithms of positive numbers */
    fmpq_init(c);
    if ((kind == GEN_ROOT || kind == GEN_LN) && sym_is_q(r, &args[0], c))
        ok = fmpq_sgn(c) > 0;
    fmpq_clear(c);
    return ok;
}

bool sym_make(sym_ring *r, sym_gen_kind kind, unsigned op, assay_str name, const sym_ratio *args,
              uint32_t n, uint32_t *g, bool *is_new)
{
    *is_new = false;
    for (uint32_t k = r->n_unknowns; k < r->n; k++) {
        const sym_gen *old = &r->gen[k];
        bool same = false;
        if (old->kind != kind || old->op != op || !pc_eq(old->name, name))
            continue;
        if (!same_parts(r, old, args, n, &same))
            return false;
        *g = k;
        if (same)
            return true;
    }
    r->is_full = r->is_full || r->n == r->room;
    if (r->n == r->room || n > SYM_ARGS || !math_spend(r->budget, 5))
        return sym_fail(r, EVAL_BUDGET);
    sym_gen *new = &r->gen[r->n];
    *new = (sym_gen){ .kind = (uint8_t)kind, .op = (uint16_t)op, .name = name };
    new->is_real = is_real_gen(r, kind, op, args, n);
    for (; new->n_args < n; new->n_args++) {
        sym_init(r, &new->arg[new->n_args]);
        sym_set(r, &new->arg[new->n_args], &args[new->n_args]);
    }
    *g = r->n++;
    *is_new = true;
    return true;
}

static void relate(sym_ring *r, uint32_t g, ulong power, const sym_ratio *value)
{
    r->gen[g].power = (uint16_t)power;
    sym_init(r, &r->gen[g].value);
    sym_set(r, &r->gen[g].value, value);
    r->n_relations++;
}

static void relate_si(sym_ring *r, uint32_t g, ulong power, slong value)
{
    sym_ratio v;
    sym_init(r, &v);
    sym_set_si(r, &v, value);
    relate(r, g, power, &v);
    sym_clear(r, &v);
}

bool sym_i(sym_ring *r, sym_ratio *out)
{
    uint32_t g;
    bool is_new;
    if (!sym_make(r, GEN_I, 0, no_name, NULL, 0, &g, &is_new))
        return false;
    if (is_new)
        relate_si(r, g, 2, -1);
    sym_set_gen(r, out, g);
    return true;
}

bool sym_pi(sym_ring *r, sym_ratio *out)
{
    uint32_t g;
    bool is_new;
    if (!sym_make(r, GEN_PI, 0, no_name, NULL, 0, &g, &is_new))
        return false;
    sym_set_gen(r, out, g);
    return true;
}

static bool times_i(sym_ring *r, sym_ratio *out, const sym_ratio *x, slong num, ulong den)
{
    sym_ratio i;
    sym_init(r, &i);
    bool ok = sym_i(r, &i) && sym_mul(r, out, x, &i) && sym_mul_q(r, out, out, num, den);
    sym_clear(r, &i);
    return ok;
}

/* ---- roots and logarithms of numbers ---- */

static const uint8_t small_primes[] = { 2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37, 41,
                                        43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 0 };

/* The next factor of n and its exponent, n divided by it: small primes first, then what is left. */
static bool next_factor(fmpz_t n, uint32_t *at, fmpz_t factor, slong *e)
{
    while (small_primes[*at]) {
        fmpz_set_ui(factor, small_primes[(*at)++]);
        *e = fmpz_is_one(n) ? 0 : fmpz_remove(n, n, factor);
        if (*e)
            return true;
    }
    fmpz_set(factor, n);
    fmpz_one(n);
    *e = 1;
    return !fmpz_is_one(factor);
}

/* out *= (the index-th root of p)^(e): p is a prime or has only large prime factors. */
static bool times_prime_root(sym_ring *r, sym_ratio *out, const fmpz_t p, slong e, ulong index)
{
    ulong g = n_gcd((ulong)(e < 0 ? -e : e), index), part;
    sym_ratio t, v;
    bool is_new = false, ok = true;
    uint32_t gen = 0;
    index /= g;
    e /= (slong)g;
    slong whole = e >= 0 ? e / (slong)index : -((-e + (slong)index - 1) / (slong)index);
    part = (ulong)(e - whole * (slong)index);
    sym_init(r, &t);
    sym_init(r, &v);
    fmpz_mpoly_set_fmpz(&v.num, p, r->ctx);
    if (whole)
        ok = sym_pow(r, &t, &v, whole) && sym_mul(r, out, out, &t);
    if (ok && part) {
        r->is_impure = r->is_impure || fmpz_cmp_ui(p, 9409) > 0; /* below 97^2: surely a prime */
        ok = sym_make(r, GEN_ROOT, (unsigned)index, no_name, &v, 1, &gen, &is_new);
        if (ok && is_new)
            relate(r, gen, index, &v);
        sym_set_gen(r, &t, gen);
        ok = ok && sym_pow(r, &t, &t, (slong)part) && sym_mul(r, out, out, &t);
    }
    sym_clear(r, &t);
    sym_clear(r, &v);
    return ok;
}

static bool times_integer_root(sym_ring *r, sym_ratio *out, const fmpz_t n, slong sign, ulong index)
{
    fmpz_t rest, p, exact;
    slong e;
    uint32_t at = 0;
    bool ok = true;
    fmpz_init_set(rest, n);
    fmpz_init(p);
    fmpz_init(exact);
    while (ok && next_factor(rest, &at, p, &e)) {
        if (!small_primes[at] && fmpz_root(exact, p, (slong)index)) {
            fmpz_swap(p, exact);
            e *= (slong)index;
        }
        ok = times_prime_root(r, out, p, sign * e, index);
    }
    fmpz_clear(rest);
    fmpz_clear(p);
    fmpz_clear(exact);
    return ok;
}

static bool root_of_q(sym_ring *r, sym_ratio *out, const fmpq_t c, ulong index)
{
    fmpz_t n;
    sym_set_si(r, out, fmpq_is_zero(c) ? 0 : 1);
    if (fmpq_is_zero(c))
        return true;
    if (fmpq_sgn(c) < 0 && index % 2 == 0 && index != 2)
        return sym_fail(r, EVAL_OUTSIDE);
    fmpz_init(n);
    fmpz_abs(n, fmpq_numref(c));
    bool ok = times_integer_root(r, out, n, 1, index) &&
              times_integer_root(r, out, fmpq_denref(c), -1, index);
    fmpz_clear(n);
    if (ok && fmpq_sgn(c) < 0)
        ok = index == 2 ? times_i(r, out, out, 1, 1) : (sym_neg(r, out, out), true);
    return ok;
}

static bool plus_ln_integer(sym_ring *r, sym_ratio *out, const fmpz_t n, slong sign)
{
    fmpz_t rest, p;
    slong e;
    uint32_t at = 0, g;
    bool ok = true, is_new;
    sym_ratio v;
    sym_init(r, &v);
    fmpz_init_set(rest, n);
    fmpz_init(p);
    while (ok && next_factor(rest, &at, p, &e)) {
        fmpz_mpoly_set_fmpz(&v.num, p, r->ctx);
        ok = sym_make(r, GEN_LN, 0, no_name, &v, 1, &g, &is_new);
        if (ok) {
            sym_ratio t;
            sym_init(r, &t);
            sym_set_gen(r, &t, g);
            ok = sym_mul_q(r, &t, &t, sign * e, 1) && sym_add(r, out, out, &t);
            sym_clear(r, &t);
        }
    }
    fmpz_clear(rest);
    fmpz_clear(p);
    sym_clear(r, &v);
    return ok;
}

static bool ln_of_q(sym_ring *r, sym_ratio *out, const fmpq_t c)
{
    if (fmpq_is_zero(c))
        return sym_fail(r, EVAL_UNDEFINED);
    sym_set_si(r, out, 0);
    fmpz_t n;
    fmpz_init(n);
    fmpz_abs(n, fmpq_numref(c));
    bool ok = plus_ln_integer(r, out, n, 1) && plus_ln_integer(r, out, fmpq_denref(c), -1);
    fmpz_clear(n);
    if (ok && fmpq_sgn(c) < 0) {
        sym_ratio t;
        sym_init(r, &t);
        ok = sym_pi(r, &t) && times_i(r, &t, &t, 1, 1) && sym_add(r, out, out, &t);
        sym_clear(r, &t);
    }
    return ok;
}

/* ---- exponentials ---- */

/* Is x a power of one exponential of something real? Then x = exp(*exponent * gen[*g].arg). */
static bool is_real_exp(sym_ring *r, const sym_ratio *x, uint32_t *g, slong *exponent)
{
    uint8_t used[SYM_GENS] = { 0 };
    if (x->num.length != 1 || x->den.length != 1 || !fmpz_is_one(x->num.coeffs) ||
        !fmpz_is_one(x->den.coeffs) ||
        sym_poly_uses(r, &x->num, used) + sym_poly_uses(r, &x->den, used) != 1)
        return false;
    for (*g = 0; !used[*g];)
        ++*g;
    *exponent =
        fmpz_mpoly_degree_si(&x->num, *g, r->ctx) - fmpz_mpoly_degree_si(&x->den, *g, r->ctx);
    return r->gen[*g].kind == GEN_EXP && r->gen[*g].is_real;
}

/* A root of exp(k ln u) asks for a root of u, an argument of an earlier generator, and so on: at
 * most SYM_GENS deep. NOLINTBEGIN(misc-no-recursion) */
static bool pow_q(sym_ring *r, sym_ratio *out, const sym_ratio *x, slong p, ulong q)
{
    return q == 1 ? sym_pow(r, out, x, p) : sym_root(r, out, x, q) && sym_pow(r, out, out, p);
}

static bool root_si(sym_ring *r, sym_ratio *out, slong c, slong num, ulong den)
{
    fmpq_t v;
    fmpq_init(v);
    fmpq_set_si(v, c, 1);
    bool ok = root_of_q(r, out, v, 2) && sym_mul_q(r, out, out, num, den);
    fmpq_clear(v);
    return ok;
}

/* exp(i pi/q) for q = 1, 2, 3, 4, 6: cos + i sin by radicals. */
static bool unit_root(sym_ring *r, sym_ratio *out, ulong q)
{
    sym_ratio im;
    sym_init(r, &im);
    bool ok;
    switch (q) {
    case 1:
        sym_set_si(r, out, -1);
        ok = true;
        break;
    case 2:
        ok = sym_i(r, out);
        break;
    case 3:
        sym_set_si(r, out, 1);
        ok = root_si(r, &im, -3, 1, 2) && sym_mul_q(r, out, out, 1, 2) && sym_add(r, out, out, &im);
        break;
    case 4:
        ok = root_si(r, out, 2, 1, 2) && root_si(r, &im, -2, 1, 2) && sym_add(r, out, out, &im);
        break;
    default: /* 6 */
        ok = root_si(r, out, 3, 1, 2) && root_si(r, &im, -1, 1, 2) && sym_add(r, out, out, &im);
        break;
    }
    sym_clear(r, &im);
    return ok;
}

/* exp(i pi p/q), p and q coprime. */
static bool exp_angle(sym_ring *r, sym_ratio *out, slong p, ulong q)
{
    if (q > 64)
        return sym_fail(r, EVAL_BUDGET);
    p %= 2 * (slong)q;
    if (q == 12) { /* pi/12 = pi/3 - pi/4 */
        sym_ratio t;
        sym_init(r, &t);
        bool ok = unit_root(r, out, 3) && unit_root(r, &t, 4) && sym_pow(r, &t, &t, -1) &&
                  sym_mul(r, out, out, &t) && sym_pow(r, out, out, p);
        sym_clear(r, &t);
        return ok;
    }
    if (q <= 4 || q == 6)
        return unit_root(r, out, q) && sym_pow(r, out, out, p);
    sym_ratio arg;
    uint32_t g;
    bool is_new;
    sym_init(r, &arg);
    bool ok = sym_pi(r, &arg) && times_i(r, &arg, &arg, 1, q) &&
              sym_make(r, GEN_EXP, 0, no_name, &arg, 1, &g, &is_new);
    if (ok && is_new)
        relate_si(r, g, q, -1);
    if (ok)
        sym_set_gen(r, out, g);
    sym_clear(r, &arg);
    return ok && sym_pow(r, out, out, p);
}

typedef struct term_shape {
    bool has_i, has_pi, has_other;
    bool is_integers; /* the others are unknown integers */
    uint32_t ln;      /* the one other generator, if it is a logarithm to the first power; else 0 */
} term_shape;

static term_shape shape_of(sym_ring *r, const fmpz_mpoly_struct *m)
{
    term_shape s = { .is_integers = true };
    uint32_t others = 0;
    for (uint32_t g = 0; g < r->n; g++) {
        ulong e = fmpz_mpoly_get_term_var_exp_ui(m, 0, g, r->ctx);
        if (e == 0)
            continue;
        const sym_gen *gen = &r->gen[g];
        if (gen->kind == GEN_I) {
            s.has_i = true;
        } else if (gen->kind == GEN_PI && e == 1) {
            s.has_pi = true;
        } else {
            others++;
            s.is_integers = s.is_integers && gen->is_integer;
            s.ln = gen->kind == GEN_LN && e == 1 ? g : 0;
        }
    }
    s.has_other = others > 0;
    if (others != 1 || s.has_i || s.has_pi)
        s.ln = 0;
    return s;
}

/* Never negative, by its shape: even powers of what is real, and what is positive itself. */
static bool has_positive_shape(sym_ring *r, const fmpz_mpoly_t p)
{
    for (slong i = 0; i < p->length; i++) {
        if (fmpz_sgn(p->coeffs + i) < 0)
            return false;
        for (uint32_t g = 0; g < r->n; g++) {
            const sym_gen *gen = &r->gen[g];
            const bool is_positive = gen->kind == GEN_PI || (gen->kind == GEN_EXP && gen->is_real);
            const ulong e = fmpz_mpoly_get_term_var_exp_ui(p, i, g, r->ctx);
            if (e && !is_positive && (e & 1 || !gen->is_real))
                return false;
        }
    }
    return true;
}

/* Is exp(ln(u) / q) the q-th root of u? An odd root of a negative number is real, exp(ln(u) / q) is
 * not. */
static bool is_root_of(sym_ring *r, const sym_ratio *u, ulong q)
{
    return q % 2 == 0 || q == 1 ||
           (has_positive_shape(r, &u->num) && has_positive_shape(r, &u->den));
}

/* exp(p/q m), m a monomial. */
static bool exp_term(sym_ring *r, sym_ratio *out, const fmpz_mpoly_struct *m, slong p, ulong q)
{
    term_shape s = shape_of(r, m);
    if (s.has_i && s.has_pi && !s.has_other)
        return exp_angle(r, out, p, q);
    if (s.ln && is_root_of(r, &r->gen[s.ln].arg[0], q)) {
        sym_ratio base;
        sym_init(r, &base);
        sym_set(r, &base, &r->gen[s.ln].arg[0]);
        bool ok = pow_q(r, out, &base, p, q);
        sym_clear(r, &base);
        return ok;
    }
    sym_ratio arg;
    uint32_t g;
    bool is_new;
    sym_init(r, &arg);
    fmpz_mpoly_set(&arg.num, m, r->ctx);
    bool ok =
        sym_mul_q(r, &arg, &arg, 1, q) && sym_make(r, GEN_EXP, 0, no_name, &arg, 1, &g, &is_new);
    if (ok && is_new && s.has_i && s.has_pi && s.is_integers)
        relate_si(r, g, 2 * q, 1);
    if (ok)
        sym_set_gen(r, out, g);
    sym_clear(r, &arg);
    return ok && sym_pow(r, out, out, p);
}

/* The exponential of what is no polynomial: one generator, but exp(-u) is 1/exp(u). */
static bool exp_whole(sym_ring *r, sym_ratio *out, const sym_ratio *u)
{
    sym_ratio arg;
    uint32_t g;
    bool is_new;
    sym_init(r, &arg);
    sym_set(r, &arg, u);
    slong sign = (slong)fmpz_sgn(u->num.coeffs) * fmpz_sgn(u->den.coeffs);
    if (sign < 0)
        sym_neg(r, &arg, &arg);
    bool ok = sym_make(r, GEN_EXP, 0, no_name, &arg, 1, &g, &is_new);
    if (ok)
        sym_set_gen(r, out, g);
    sym_clear(r, &arg);
    return ok && sym_pow(r, out, out, sign);
}

static bool exp_sum(sym_ring *r, sym_ratio *out, const sym_ratio *u)
{
    sym_ratio t;
    fmpz_mpoly_t m;
    fmpq_t c;
    sym_init(r, &t);
    fmpz_mpoly_init(m, r->ctx);
    fmpq_init(c);
    bool ok = true;
    sym_set_si(r, out, 1);
    for (slong i = 0; ok && i < u->num.length; i++) {
        fmpz_mpoly_get_term_monomial(m, &u->num, i, r->ctx);
        fmpz_set(fmpq_numref(c), u->num.coeffs + i);
        fmpz_set(fmpq_denref(c), u->den.coeffs);
        fmpq_canonicalise(c);
        ok = fmpz_bits(fmpq_numref(c)) <= 30 && fmpz_bits(fmpq_denref(c)) <= 14;
        ok = ok || sym_fail(r, EVAL_BUDGET);
        ok = ok && exp_term(r, &t, m, fmpz_get_si(fmpq_numref(c)), fmpz_get_ui(fmpq_denref(c))) &&
             sym_mul(r, out, out, &t);
    }
    sym_clear(r, &t);
    fmpz_mpoly_clear(m, r->ctx);
    fmpq_clear(c);
    return ok;
}

bool sym_exp(sym_ring *r, sym_ratio *out, const sym_ratio *u)
{
    sym_ratio arg;
    sym_init(r, &arg);
    sym_set(r, &arg, u);
    bool ok = sym_reduce(r, &arg);
    if (ok)
        ok = arg.num.length == 0                    ? (sym_set_si(r, out, 1), true)
             : fmpz_mpoly_is_fmpz(&arg.den, r->ctx) ? exp_sum(r, out, &arg)
                                                    : exp_whole(r, out, &arg);
    sym_clear(r, &arg);
    return ok;
}

/* ---- logarithms, roots, powers ---- */

bool sym_ln(sym_ring *r, sym_ratio *out, const sym_ratio *u)
{
    uint32_t g;
    slong e;
    bool is_new, ok;
    if (sym_is_zero(u))
        return sym_fail(r, EVAL_UNDEFINED);
    if (is_real_exp(r, u, &g, &e)) {
        sym_set(r, out, &r->gen[g].arg[0]);
        return sym_mul_q(r, out, out, e, 1);
    }
    sym_ratio rest, t;
    fmpq_t c;
    fmpq_init(c);
    sym_init(r, &rest);
    sym_init(r, &t);
    if (sym_is_q(r, u, c)) {
        ok = ln_of_q(r, out, c);
    } else {
        sym_content(r, &rest, u, c);
        ok = sym_make(r, GEN_LN, 0, no_name, &rest, 1, &g, &is_new) && ln_of_q(r, out, c);
        if (ok)
            sym_set_gen(r, &t, g);
        ok = ok && sym_add(r, out, out, &t);
    }
    fmpq_clear(c);
    sym_clear(r, &rest);
    sym_clear(r, &t);
    return ok;
}

/* The root of what has no content; `rest` may change its sign. */
static bool root_of_rest(sym_ring *r, sym_ratio *out, sym_ratio *rest, ulong index)
{
    uint32_t g;
    bool is_new,
        is_negated = index % 2 == 1 && fmpz_sgn(rest->num.coeffs) < 0 && sym_is_real(r, rest);
    if (is_negated)
        sym_neg(r, rest, rest);
    if (sym_poly_is_one(r, &rest->num) && sym_poly_is_one(r, &rest->den)) {
        sym_set_si(r, out, 1);
    } else {
        if (!sym_make(r, GEN_ROOT, (unsigned)index, no_name, rest, 1, &g, &is_new))
            return false;
        if (is_new)
            relate(r, g, index, rest);
        sym_set_gen(r, out, g);
    }
    if (is_negated)
        sym_neg(r, out, out);
    return true;
}

bool sym_root(sym_ring *r, sym_ratio *out, const sym_ratio *u, ulong index)
{
    uint32_t g;
    slong e;
    if (index < 2 || index > 60)
        return sym_fail(r, EVAL_BUDGET);
    sym_ratio rest, factor;
    fmpq_t c;
    bool ok;
    fmpq_init(c);
    sym_init(r, &rest);
    sym_init(r, &factor);
    if (sym_is_q(r, u, c)) {
        ok = root_of_q(r, out, c, index);
    } else if (is_real_exp(r, u, &g, &e)) {
        sym_set(r, &rest, &r->gen[g].arg[0]);
        ok = sym_mul_q(r, &rest, &rest, e, index) && sym_exp(r, out, &rest);
    } else {
        sym_content(r, &rest, u, c);
        ok = root_of_q(r, &factor, c, index) && root_of_rest(r, out, &rest, index) &&
             sym_mul(r, out, out, &factor);
    }
    fmpq_clear(c);
    sym_clear(r, &rest);
    sym_clear(r, &factor);
    return ok;
}

/* NOLINTEND(misc-no-recursion) */

/* An integer for all values of its unknowns? */
static bool is_integer_valued(sym_ring *r, const sym_ratio *x)
{
    uint8_t used[SYM_GENS] = { 0 };
    sym_poly_uses(r, &x->num, used);
    for (uint32_t g = 0; g < r->n; g++)
        if (used[g] && !r->gen[g].is_integer)
            return false;
    return sym_poly_is_one(r, &x->den);
}

/* ln of a monomial as if all were positive: enough under an integer exponent, which makes (x y)^n =
 * x^n y^n. */
static bool ln_by_factors(sym_ring *r, sym_ratio *out, const sym_ratio *u)
{
    fmpq_t c;
    sym_ratio t, rest;
    sym_init(r, &t);
    sym_init(r, &rest);
    fmpq_init(c);
    fmpz_set(fmpq_numref(c), u->num.coeffs);
    fmpz_set(fmpq_denref(c), u->den.coeffs);
    fmpq_canonicalise(c);
    bool ok = ln_of_q(r, out, c);
    for (uint32_t g = 0; ok && g < r->n; g++) {
        slong e =
            fmpz_mpoly_degree_si(&u->num, g, r->ctx) - fmpz_mpoly_degree_si(&u->den, g, r->ctx);
        if (e == 0)
            continue;
        sym_set_gen(r, &t, g);
        ok =
            sym_ln(r, &rest, &t) && sym_mul_q(r, &rest, &rest, e, 1) && sym_add(r, out, out, &rest);
    }
    sym_clear(r, &t);
    sym_clear(r, &rest);
    fmpq_clear(c);
    return ok;
}

static bool power_by_ln(sym_ring *r, sym_ratio *out, const sym_ratio *base,
                        const sym_ratio *exponent)
{
    if (sym_is_zero(base))
        return sym_fail(r, EVAL_OUTSIDE);
    sym_ratio ln;
    sym_init(r, &ln);
    bool is_monomial = base->num.length == 1 && base->den.length == 1;
    bool ok = is_monomial && is_integer_valued(r, exponent) ? ln_by_factors(r, &ln, base)
                                                            : sym_ln(r, &ln, base);
    ok = ok && sym_mul(r, &ln, &ln, exponent) && sym_exp(r, out, &ln);
    sym_clear(r, &ln);
    return ok;
}

bool sym_power(sym_ring *r, sym_ratio *out, const sym_ratio *base, const sym_ratio *exponent)
{
    fmpq_t e;
    uint32_t g;
    slong k;
    bool ok;
    fmpq_init(e);
    bool is_q = sym_is_q(r, exponent, e);
    if (is_q && (fmpz_bits(fmpq_numref(e)) > 30 || fmpz_bits(fmpq_denref(e)) > 6))
        ok = sym_fail(r, EVAL_BUDGET);
    else if (is_q && (fmpz_is_one(fmpq_denref(e)) || !is_real_exp(r, base, &g, &k)))
        ok = pow_q(r, out, base, fmpz_get_si(fmpq_numref(e)), fmpz_get_ui(fmpq_denref(e)));
    else
        ok = power_by_ln(r, out, base, exponent);
    fmpq_clear(e);
    return ok;
}

/* ---- other functions ---- */

/* exp(u) and exp(-u), or of i u. */
static bool both_exponentials(sym_ring *r, sym_ratio *plus, sym_ratio *minus, const sym_ratio *u,
                              bool with_i)
{
    sym_ratio arg;
    sym_init(r, &arg);
    sym_set(r, &arg, u);
    bool ok = (!with_i || times_i(r, &arg, u, 1, 1)) && sym_exp(r, plus, &arg);
    sym_neg(r, &arg, &arg);
    ok = ok && sym_exp(r, minus, &arg);
    sym_clear(r, &arg);
    return ok;
}

/* sin, cos (or sinh, cosh) of u. */
static bool sine_cosine(sym_ring *r, sym_ratio *sine, sym_ratio *cosine, const sym_ratio *u,
                        bool is_circular)
{
    sym_ratio plus, minus;
    sym_init(r, &plus);
    sym_init(r, &minus);
    bool ok = both_exponentials(r, &plus, &minus, u, is_circular) &&
              sym_add(r, cosine, &plus, &minus) && sym_mul_q(r, cosine, cosine, 1, 2);
    sym_neg(r, &minus, &minus);
    ok = ok && sym_add(r, sine, &plus, &minus) && sym_mul_q(r, sine, sine, 1, 2) &&
         (!is_circular || times_i(r, sine, sine, -1, 1));
    sym_clear(r, &plus);
    sym_clear(r, &minus);
    return ok;
}

static bool trigonometric(sym_ring *r, sym_ratio *out, unsigned fn, const sym_ratio *u)
{
    sym_ratio s, c;
    sym_init(r, &s);
    sym_init(r, &c);
    bool ok = sine_cosine(r, &s, &c, u, fn <= FN_CSC);
    sym_ratio one;
    sym_init(r, &one);
    sym_set_si(r, &one, 1);
    const bool is_tan = fn == FN_TAN || fn == FN_TANH, is_cot = fn == FN_COT || fn == FN_COTH;
    const bool is_sec = fn == FN_SEC || fn == FN_SECH, is_csc = fn == FN_CSC || fn == FN_CSCH;
    if (ok && (is_tan || is_cot))
        ok = sym_div(r, out, is_tan ? &s : &c, is_tan ? &c : &s);
    else if (ok && (is_sec || is_csc))
        ok = sym_div(r, out, &one, is_sec ? &c : &s);
    else if (ok)
        sym_swap(out, fn == FN_SIN || fn == FN_SINH ? &s : &c);
    sym_clear(r, &s);
    sym_clear(r, &c);
    sym_clear(r, &one);
    return ok;
}

static bool is_odd_function(unsigned op)
{
    return op == FN_ASIN || op == FN_ATAN || op == FN_ASINH || op == FN_ATANH || op == FN_ERF ||
           op == FN_ACSC;
}

static bool plain(sym_ring *r, sym_ratio *out, unsigned op, const sym_ratio *args, uint32_t n)
{
    sym_ratio arg;
    uint32_t g;
    bool is_new, ok, is_negated = false;
    if (n == 1 && is_odd_function(op) && args->num.length && fmpz_sgn(args->num.coeffs) < 0) {
        is_negated = true;
        sym_init(r, &arg);
        sym_neg(r, &arg, args);
        ok = sym_make(r, GEN_FUNC, op, no_name, &arg, 1, &g, &is_new);
        sym_clear(r, &arg);
    } else {
        ok = sym_make(r, GEN_FUNC, op, no_name, args, n, &g, &is_new);
    }
    if (!ok)
        return false;
    sym_set_gen(r, out, g);
    if (is_negated)
        sym_neg(r, out, out);
    return true;
}

/* gcd and lcm of polynomials in unknowns, as sympy reads them; not of numbers (value.h). */
static bool polynomial_gcd(sym_ring *r, sym_ratio *out, bool is_lcm, const sym_ratio *args,
                           uint32_t n)
{
    uint8_t used[SYM_GENS] = { 0 };
    fmpz_mpoly_t t;
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++) {
        sym_poly_uses(r, &args[i].num, used);
        ok = sym_poly_is_one(r, &args[i].den) && args[i].num.length > 0 &&
             args[i].num.length <= 20 && fmpz_mpoly_total_degree_si(&args[i].num, r->ctx) <= 20;
    }
    for (uint32_t g = r->n_unknowns; ok && g < r->n; g++)
        ok = !used[g];
    if (!ok || n == 0 || !math_spend(r->budget, (int64_t)100 * n))
        return sym_fail(r, EVAL_OUTSIDE);
    fmpz_mpoly_init(t, r->ctx);
    sym_ratio all;
    sym_init(r, &all);
    sym_set(r, &all, &args[0]);
    for (uint32_t i = 1; ok && i < n; i++) {
        ok = fmpz_mpoly_gcd(t, &all.num, &args[i].num, r->ctx);
        if (ok && is_lcm) {
            ok = fmpz_mpoly_divides(t, &all.num, t, r->ctx) &&
                 sym_poly_mul(r, &all.num, t, &args[i].num);
        } else if (ok) {
            fmpz_mpoly_swap(&all.num, t, r->ctx);
        }
    }
    if (ok && fmpz_sgn(all.num.coeffs) < 0)
        fmpz_mpoly_neg(&all.num, &all.num, r->ctx);
    if (ok)
        sym_swap(out, &all);
    sym_clear(r, &all);
    fmpz_mpoly_clear(t, r->ctx);
    return ok || sym_fail(r, EVAL_BUDGET);
}

static bool absolute(sym_ring *r, sym_ratio *out, const sym_ratio *u)
{
    sym_ratio rest, square;
    fmpq_t c;
    fmpq_init(c);
    sym_init(r, &rest);
    sym_init(r, &square);
    bool ok = true;
    if (sym_is_q(r, u, c)) {
        fmpq_abs(c, c);
        sym_set_q(r, out, c);
    } else {
        uint32_t g;
        bool is_new;
        sym_content(r, &rest, u, c);
        if (fmpz_sgn(rest.num.coeffs) < 0)
            sym_neg(r, &rest, &rest);
        ok = sym_make(r, GEN_FUNC, FN_ABS, no_name, &rest, 1, &g, &is_new);
        if (ok && is_new && sym_is_real(r, &rest) && (ok = sym_mul(r, &square, &rest, &rest)))
            relate(r, g, 2, &square);
        if (ok)
            sym_set_gen(r, out, g);
        sym_set_q(r, &square, c);
        ok = ok && sym_mul(r, out, out, &square);
    }
    fmpq_clear(c);
    sym_clear(r, &rest);
    sym_clear(r, &square);
    return ok;
}

bool sym_function(sym_ring *r, sym_ratio *out, unsigned op, const sym_ratio *args, uint32_t n)
{
    if (n == 0)
        return sym_fail(r, EVAL_OUTSIDE);
    if ((op >= FN_SIN && op <= FN_CSC) || (op >= FN_SINH && op <= FN_CSCH))
        return n == 1 ? trigonometric(r, out, op, args) : sym_fail(r, EVAL_OUTSIDE);
    fmpq_t base;
    sym_ratio ln;
    bool ok;
    switch (op) {
    case FN_EXP:
        return sym_exp(r, out, args);
    case FN_LN:
        return sym_ln(r, out, args);
    case FN_LG:
    case FN_LOG:
        if (op == FN_LOG && r->log_base == 0)
            return sym_ln(r, out, args);
        fmpq_init(base);
        fmpq_set_si(base, op == FN_LG ? 10 : (slong)r->log_base, 1);
        sym_init(r, &ln);
        ok = ln_of_q(r, &ln, base) && sym_ln(r, out, args) && sym_div(r, out, out, &ln);
        sym_clear(r, &ln);
        fmpq_clear(base);
        return ok;
    case FN_ABS:
        return n == 1 ? absolute(r, out, args) : sym_fail(r, EVAL_OUTSIDE);
    case FN_GCD:
    case FN_LCM:
        return polynomial_gcd(r, out, op == FN_LCM, args, n);
    default:
        return plain(r, out, op, args, n);
    }
}
