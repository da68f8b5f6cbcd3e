/* symbolic_read.c -- a tree as a fraction of polynomials in generators.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

enum { SMALL_SUM = 60, SMALL_FACTORIAL = 20 };

/* Recursion is bounded by ring->depth. NOLINTBEGIN(misc-no-recursion) */
static bool read_number(sym_ring *r, math_side s, sym_ratio *out)
{
    int64_t small;
    if (sym_small_integer(s, &small)) {
        sym_set_si(r, out, small);
        return true;
    }
    fmpq_t q;
    fmpq_init(q);
    bool ok = math_number(s, q) || sym_fail(r, EVAL_BUDGET);
    if (ok)
        sym_set_q(r, out, q);
    fmpq_clear(q);
    return ok;
}

static bool read_bound(sym_ring *r, math_side s, sym_ratio *out)
{
    for (uint32_t i = r->n_scopes; i-- > 0;)
        if (pc_eq(r->scope[i].name, sym_variable_name(s))) {
            sym_set(r, out, r->scope[i].value);
            return true;
        }
    return false;
}

static bool read_symbol(sym_ring *r, math_side s, sym_ratio *out)
{
    assay_str name = math_text(s.tree, s.id);
    if (read_bound(r, s, out))
        return true;
    for (uint32_t g = 0; g < r->n_unknowns; g++)
        if (pc_eq(r->gen[g].name, name)) {
            sym_set_gen(r, out, g);
            return true;
        }
    return sym_fail(r, EVAL_OUTSIDE);
}

static bool read_folded(sym_ring *r, math_side s, sym_ratio *out)
{
    const math_node *x = math_side_node(s);
    sym_ratio t;
    sym_init(r, &t);
    bool ok = sym_read(r, math_side_kid(s, 0), out);
    for (uint32_t i = 1; ok && i < x->n; i++) {
        ok = sym_read(r, math_side_kid(s, i), &t);
        ok = ok && (x->kind == M_ADD ? sym_add(r, out, out, &t) : sym_mul(r, out, out, &t));
    }
    sym_clear(r, &t);
    return ok;
}

static bool read_pair(sym_ring *r, math_side s, sym_ratio *a, sym_ratio *b)
{
    return math_side_node(s)->n >= 2
               ? sym_read(r, math_side_kid(s, 0), a) && sym_read(r, math_side_kid(s, 1), b)
               : sym_fail(r, EVAL_OUTSIDE);
}

static bool read_log(sym_ring *r, const sym_ratio *base, const sym_ratio *u, sym_ratio *out)
{
    sym_ratio below;
    sym_init(r, &below);
    bool ok = sym_ln(r, &below, base) && sym_ln(r, out, u) && sym_div(r, out, out, &below);
    sym_clear(r, &below);
    return ok;
}

/* ---- factorials ---- */

/* u = *rest + *shift with a rational integer shift in reach; else shift 0. */
static void split_shift(sym_ring *r, const sym_ratio *u, sym_ratio *rest, slong *shift)
{
    sym_set(r, rest, u);
    *shift = 0;
    const slong last = u->num.length - 1;
    if (last < 0 || !sym_poly_is_one(r, &u->den) || !fmpz_abs_fits_ui(u->num.coeffs + last) ||
        fmpz_cmp_si(u->num.coeffs + last, SMALL_FACTORIAL) > 0 ||
        fmpz_cmp_si(u->num.coeffs + last, -SMALL_FACTORIAL) < 0)
        return;
    for (uint32_t g = 0; g < r->n; g++)
        if (fmpz_mpoly_get_term_var_exp_ui(&u->num, last, g, r->ctx))
            return;
    *shift = fmpz_get_si(u->num.coeffs + last);
    fmpz_mpoly_sub_si(&rest->num, &rest->num, *shift, r->ctx);
}

/* out = (v + from)(v + from + 1)...(v + to) */
static bool rising(sym_ring *r, sym_ratio *out, const sym_ratio *v, slong from, slong to)
{
    sym_ratio t, sum;
    sym_init(r, &t);
    sym_init(r, &sum);
    sym_set_si(r, out, 1);
    bool ok = true;
    for (slong k = from; ok && k <= to; k++) {
        sym_set_si(r, &t, k);
        ok = sym_add(r, &sum, v, &t) && sym_mul(r, out, out, &sum);
    }
    sym_clear(r, &t);
    sym_clear(r, &sum);
    return ok;
}

/* (v + c)! = v! (v + 1)...(v + c) */
static bool factorial(sym_ring *r, sym_ratio *out, const sym_ratio *u)
{
    sym_ratio rest, factor;
    slong shift;
    sym_init(r, &rest);
    sym_init(r, &factor);
    split_shift(r, u, &rest, &shift);
    bool ok;
    if (sym_is_zero(&rest)) {
        fmpz_t f;
        fmpz_init(f);
        ok = shift >= 0 || sym_fail(r, EVAL_UNDEFINED);
        if (ok)
            fmpz_fac_ui(f, (ulong)shift);
        fmpz_mpoly_set_fmpz(&factor.num, f, r->ctx);
        sym_swap(out, &factor);
        fmpz_clear(f);
    } else {
        ok = sym_function(r, out, 256 + M_FACT, &rest, 1);
        if (ok && shift > 0)
            ok = rising(r, &factor, &rest, 1, shift) && sym_mul(r, out, out, &factor);
        if (ok && shift < 0)
            ok = rising(r, &factor, &rest, shift + 1, 0) && sym_div(r, out, out, &factor);
    }
    sym_clear(r, &rest);
    sym_clear(r, &factor);
    return ok;
}

/* n over k: a polynomial in n where k is small and known, else by factorials. */
static bool binomial(sym_ring *r, sym_ratio *out, const sym_ratio *n, const sym_ratio *k)
{
    fmpq_t c;
    fmpq_init(c);
    sym_ratio a, b, minus;
    sym_init(r, &a);
    sym_init(r, &b);
    sym_init(r, &minus);
    bool ok;
    if (sym_is_q(r, k, c) && fmpz_is_one(fmpq_denref(c)) && fmpz_sgn(fmpq_numref(c)) >= 0 &&
        fmpz_cmp_si(fmpq_numref(c), SMALL_FACTORIAL) <= 0) {
        slong m = fmpz_get_si(fmpq_numref(c));
        ok = rising(r, &a, n, 1 - m, 0) && factorial(r, &b, k) && sym_div(r, out, &a, &b);
    } else {
        sym_neg(r, &minus, k);
        ok = sym_add(r, &minus, n, &minus) && factorial(r, &a, &minus) && factorial(r, &b, k) &&
             sym_mul(r, &b, &b, &a) && factorial(r, &a, n) && sym_div(r, out, &a, &b);
    }
    sym_clear(r, &a);
    sym_clear(r, &b);
    sym_clear(r, &minus);
    fmpq_clear(c);
    return ok;
}

/* ---- bound variables ---- */

static bool read_in_scope(sym_ring *r, math_side body, math_side variable, const sym_ratio *value,
                          sym_ratio *out)
{
    if (sym_variable_name(variable).len == 0 || r->n_scopes == SYM_SCOPES)
        return sym_fail(r, EVAL_OUTSIDE);
    r->scope[r->n_scopes++] = (sym_scope){ sym_variable_name(variable), value };
    bool ok = sym_read(r, body, out);
    r->n_scopes--;
    return ok;
}

/* A sum or product with few terms, written out. */
static bool read_small_sum(sym_ring *r, math_side s, sym_ratio *out, bool *is_small)
{
    const math_node *x = math_side_node(s);
    int64_t from, to;
    *is_small = x->n == 4 && sym_small_integer(math_side_kid(s, 2), &from) &&
                sym_small_integer(math_side_kid(s, 3), &to);
    if (!*is_small)
        return true;
    if (to - from >= SMALL_SUM)
        return sym_fail(r, EVAL_BUDGET);
    const bool is_product = x->kind == M_PROD;
    sym_ratio value, term;
    sym_init(r, &value);
    sym_init(r, &term);
    sym_set_si(r, out, is_product);
    bool ok = true;
    for (int64_t k = from; ok && k <= to; k++) {
        sym_set_si(r, &value, k);
        ok = read_in_scope(r, math_side_kid(s, 0), math_side_kid(s, 1), &value, &term);
        ok = ok && (is_product ? sym_mul(r, out, out, &term) : sym_add(r, out, out, &term));
    }
    sym_clear(r, &value);
    sym_clear(r, &term);
    return ok;
}

/* How x depends on the generator var: not, as a fraction of polynomials, or through functions. */
typedef enum dependence { DEPENDS_NOT, DEPENDS_RATIONAL, DEPENDS_DEEPLY } dependence;

static dependence dependence_on(sym_ring *r, const sym_ratio *x, uint32_t var)
{
    uint8_t used[SYM_GENS] = { 0 };
    sym_poly_uses(r, &x->num, used);
    sym_poly_uses(r, &x->den, used);
    for (uint32_t g = r->n_unknowns; g < r->n; g++)
        for (uint32_t i = 0; used[g] && g != var && i < r->gen[g].n_args; i++)
            if (dependence_on(r, &r->gen[g].arg[i], var) != DEPENDS_NOT)
                return DEPENDS_DEEPLY;
    return used[var] ? DEPENDS_RATIONAL : DEPENDS_NOT;
}

/* A polynomial with `value` for the generator var, by Horner. */
static bool substitute(sym_ring *r, sym_ratio *out, const fmpz_mpoly_struct *p, uint32_t var,
                       const sym_ratio *value)
{
    slong degree = p->length ? fmpz_mpoly_degree_si(p, var, r->ctx) : 0;
    sym_ratio sum, c;
    sym_init(r, &sum);
    sym_init(r, &c);
    bool ok = degree <= 100 || sym_fail(r, EVAL_BUDGET);
    for (slong k = degree; ok && k >= 0; k--) {
        const slong v = var;
        const ulong exp = (ulong)k;
        fmpz_mpoly_get_coeff_vars_ui(&c.num, p, &v, &exp, 1, r->ctx);
        ok = sym_mul(r, &sum, &sum, value) && sym_add(r, &sum, &sum, &c);
    }
    if (ok)
        sym_swap(out, &sum);
    sym_clear(r, &sum);
    sym_clear(r, &c);
    return ok;
}

/* The definite integral of a polynomial in var between args[1] and args[2]. */
static bool integrated(sym_ring *r, sym_ratio *out, const sym_ratio *args, uint32_t var)
{
    sym_ratio low, below;
    fmpz_mpoly_t whole;
    fmpz_t scale;
    fmpz_init(scale);
    fmpz_mpoly_init(whole, r->ctx);
    sym_init(r, &low);
    sym_init(r, &below);
    fmpz_mpoly_integral(whole, scale, &args[0].num, var, r->ctx);
    fmpz_mpoly_scalar_mul_fmpz(&below.num, &args[0].den, scale, r->ctx);
    bool ok = substitute(r, &low, whole, var, &args[1]) && substitute(r, out, whole, var, &args[2]);
    sym_neg(r, &low, &low);
    ok = ok && sym_add(r, out, out, &low) && sym_div(r, out, out, &below);
    fmpz_mpoly_clear(whole, r->ctx);
    sym_clear(r, &low);
    sym_clear(r, &below);
    fmpz_clear(scale);
    return ok;
}

/* The limit of a fraction where its denominator does not vanish: its value. */
static bool limit_value(sym_ring *r, sym_ratio *out, const sym_ratio *args, uint32_t var,
                        bool *found)
{
    sym_ratio x, below;
    sym_init(r, &x);
    sym_init(r, &below);
    sym_set(r, &x, &args[0]);
    bool ok = sym_canonical(r, &x) && substitute(r, &below, &x.den, var, &args[1]);
    *found = ok && !sym_is_zero(&below);
    if (*found)
        ok = substitute(r, out, &x.num, var, &args[1]) && sym_div(r, out, out, &below);
    sym_clear(r, &x);
    sym_clear(r, &below);
    return ok;
}

/* Values that need no generator. */
static bool evaluated(sym_ring *r, math_kind kind, sym_ratio *out, const sym_ratio *args,
                      uint32_t n, uint32_t var, bool *found)
{
    dependence how = dependence_on(r, &args[0], var);
    *found = false;
    if (kind == M_LIM && how == DEPENDS_NOT) {
        sym_set(r, out, &args[0]);
        *found = true;
        return true;
    }
    if (kind == M_LIM && how == DEPENDS_RATIONAL && n == 2)
        return limit_value(r, out, args, var, found);
    if (kind != M_INT || n != 3 || how == DEPENDS_DEEPLY ||
        fmpz_mpoly_degree_si(&args[0].den, var, r->ctx) > 0)
        return true;
    *found = true;
    return integrated(r, out, args, var);
}

/* Bounds, or where a limit goes: infinities are not read but told by their code, 0 to 8. */
static bool read_bounds(sym_ring *r, math_side s, sym_ratio *args, uint32_t *n,
                        unsigned *infinities)
{
    for (uint32_t i = 2; i < math_side_node(s)->n; i++) {
        math_side end = math_side_kid(s, i);
        bool is_minus = math_side_node(end)->kind == M_NEG;
        *infinities *= 3;
        if (math_side_node(is_minus ? math_side_kid(end, 0) : end)->kind == M_INF)
            *infinities += is_minus ? 2 : 1;
        else if (!sym_read(r, end, &args[(*n)++]))
            return false;
    }
    return true;
}

/* Integral, limit, infinite sum: evaluated where that is easy, else a generator of its own by its
 * parts, with the variable renamed by its depth. */
static bool read_binder(sym_ring *r, math_side s, sym_ratio *out)
{
    const math_node *x = math_side_node(s);
    bool is_new, found = false;
    uint32_t var, g, n = 1;
    unsigned infinities = 0;
    sym_ratio args[SYM_ARGS], bound;
    if (x->n < 2 || x->n > SYM_ARGS)
        return sym_fail(r, EVAL_OUTSIDE);
    if (!sym_make(r, GEN_BOUND, r->n_scopes, (assay_str){ "", 0 }, NULL, 0, &var, &is_new))
        return false;
    for (uint32_t i = 0; i < SYM_ARGS; i++)
        sym_init(r, &args[i]);
    sym_init(r, &bound);
    sym_set_gen(r, &bound, var);
    bool ok = read_in_scope(r, math_side_kid(s, 0), math_side_kid(s, 1), &bound, &args[0]) &&
              read_bounds(r, s, args, &n, &infinities) &&
              evaluated(r, (math_kind)x->kind, out, args, n, var, &found);
    if (ok && !found) {
        r->is_opaque = true;
        unsigned op = 256U + x->kind + 128U * (infinities * 3 + (x->kind == M_LIM ? x->op : 0));
        ok = sym_make(r, GEN_FUNC, op, (assay_str){ "", 0 }, args, n, &g, &is_new);
        if (ok)
            sym_set_gen(r, out, g);
    }
    for (uint32_t i = 0; i < SYM_ARGS; i++)
        sym_clear(r, &args[i]);
    sym_clear(r, &bound);
    return ok;
}

/* ---- derivatives ---- */

static bool derivative(sym_ring *r, sym_ratio *out, const sym_ratio *x, uint32_t var);

static bool derivative_of_gen(sym_ring *r, sym_ratio *out, uint32_t g, uint32_t var)
{
    const sym_gen *gen = &r->gen[g];
    sym_set_si(r, out, g == var);
    if (gen->n_args == 0)
        return true;
    sym_ratio t;
    sym_init(r, &t);
    bool ok = true, depends = false;
    for (uint32_t i = 0; i < gen->n_args; i++)
        depends |= dependence_on(r, &gen->arg[i], var) != DEPENDS_NOT;
    if (depends && gen->kind != GEN_EXP && gen->kind != GEN_LN && gen->kind != GEN_ROOT) {
        ok = sym_fail(r, EVAL_OUTSIDE);
    } else if (depends) {
        ok = derivative(r, out, &r->gen[g].arg[0], var);
        if (ok && gen->kind != GEN_EXP)
            ok = sym_div(r, out, out, &r->gen[g].arg[0]);
        sym_set_gen(r, &t, g);
        if (ok && gen->kind != GEN_LN)
            ok = sym_mul(r, out, out, &t) &&
                 sym_mul_q(r, out, out, 1, gen->kind == GEN_ROOT ? gen->op : 1);
    }
    sym_clear(r, &t);
    return ok;
}

/* The sum of dp/dg g' over the generators. */
static bool derivative_of_poly(sym_ring *r, sym_ratio *out, const fmpz_mpoly_struct *p,
                               uint32_t var)
{
    sym_ratio t, inner;
    sym_init(r, &t);
    sym_init(r, &inner);
    sym_set_si(r, out, 0);
    bool ok = math_spend(r->budget, p->length) || sym_fail(r, EVAL_BUDGET);
    const uint32_t n = r->n;
    for (uint32_t g = 0; ok && p->length && g < n; g++) {
        if (fmpz_mpoly_degree_si(p, g, r->ctx) == 0)
            continue;
        fmpz_mpoly_derivative(&t.num, p, g, r->ctx);
        fmpz_mpoly_one(&t.den, r->ctx);
        ok = derivative_of_gen(r, &inner, g, var) && sym_mul(r, &t, &t, &inner) &&
             sym_add(r, out, out, &t);
    }
    sym_clear(r, &t);
    sym_clear(r, &inner);
    return ok;
}

/* (n/d)' = (n' - (n/d) d')/d */
static bool derivative(sym_ring *r, sym_ratio *out, const sym_ratio *x, uint32_t var)
{
    if (++r->depth > 4 * MATH_DEPTH)
        return sym_fail(r, EVAL_BUDGET);
    sym_ratio n, d, den;
    sym_init(r, &n);
    sym_init(r, &d);
    sym_init(r, &den);
    fmpz_mpoly_set(&den.num, &x->den, r->ctx);
    bool ok = derivative_of_poly(r, &n, &x->num, var) && derivative_of_poly(r, &d, &x->den, var);
    if (ok && !sym_is_zero(&d)) {
        ok = sym_mul(r, &d, &d, x);
        sym_neg(r, &d, &d);
        ok = ok && sym_add(r, &n, &n, &d);
    }
    ok = ok && sym_div(r, out, &n, &den);
    sym_clear(r, &n);
    sym_clear(r, &d);
    sym_clear(r, &den);
    r->depth--;
    return ok;
}

static bool read_derivative(sym_ring *r, math_side s, sym_ratio *out)
{
    sym_ratio args[2];
    uint32_t g;
    bool is_new;
    sym_init(r, &args[0]);
    sym_init(r, &args[1]);
    bool ok = read_pair(r, s, &args[0], &args[1]);
    for (g = 0; ok && g < r->n && !fmpz_mpoly_is_gen(&args[1].num, g, r->ctx);)
        g++;
    if (ok && (g == r->n || r->gen[g].n_args || r->gen[g].kind == GEN_PI))
        ok = sym_fail(r, EVAL_OUTSIDE);
    if (ok && !derivative(r, out, &args[0], g)) { /* of a function that is not known */
        r->is_opaque = true;
        ok = sym_make(r, GEN_FUNC, 256 + M_DERIV, (assay_str){ "", 0 }, args, 2, &g, &is_new);
        if (ok)
            sym_set_gen(r, out, g);
    }
    sym_clear(r, &args[0]);
    sym_clear(r, &args[1]);
    return ok;
}

/* ---- the rest ---- */

static bool read_call(sym_ring *r, math_side s, sym_ratio *out)
{
    const math_node *x = math_side_node(s);
    uint32_t g;
    bool is_new, ok = true;
    if (x->n > SYM_ARGS)
        return sym_fail(r, EVAL_OUTSIDE);
    sym_ratio args[SYM_ARGS];
    for (uint32_t i = 0; i < SYM_ARGS; i++)
        sym_init(r, &args[i]);
    for (uint32_t i = 0; ok && i < x->n; i++)
        ok = sym_read(r, math_side_kid(s, i), &args[i]);
    if (ok && x->kind == M_APPLY) {
        ok = sym_make(r, GEN_APPLIED, 0, math_text(s.tree, s.id), args, x->n, &g, &is_new);
        if (ok)
            sym_set_gen(r, out, g);
    } else if (ok) {
        ok = sym_function(r, out, x->kind == M_FUNC ? x->op : 256U + x->kind + 128U * x->op, args,
                          x->n);
    }
    for (uint32_t i = 0; i < SYM_ARGS; i++)
        sym_clear(r, &args[i]);
    return ok;
}

static bool read_root(sym_ring *r, math_side s, sym_ratio *out)
{
    int64_t index = 2;
    uint32_t last = math_side_node(s)->n - 1;
    if (last == 1 && !sym_small_integer(math_side_kid(s, 0), &index))
        return sym_fail(r, EVAL_OUTSIDE);
    if (index < 2 || index > 60)
        return sym_fail(r, EVAL_BUDGET);
    return sym_read(r, math_side_kid(s, last), out) && sym_root(r, out, out, (ulong)index);
}

static bool read_degrees(sym_ring *r, math_side s, sym_ratio *out)
{
    sym_ratio pi;
    sym_init(r, &pi);
    bool ok = sym_read(r, math_side_kid(s, 0), out) && sym_pi(r, &pi) &&
              sym_mul(r, out, out, &pi) && sym_mul_q(r, out, out, 1, 180);
    sym_clear(r, &pi);
    return ok;
}

static bool read_two(sym_ring *r, math_side s, sym_ratio *out)
{
    sym_ratio a, b;
    sym_init(r, &a);
    sym_init(r, &b);
    bool ok = read_pair(r, s, &a, &b);
    if (ok) {
        math_kind kind = (math_kind)math_side_node(s)->kind;
        ok = kind == M_DIV     ? sym_div(r, out, &a, &b)
             : kind == M_POW   ? sym_power(r, out, &a, &b)
             : kind == M_BINOM ? binomial(r, out, &a, &b)
                               : read_log(r, &a, &b, out);
    }
    sym_clear(r, &a);
    sym_clear(r, &b);
    return ok;
}

static bool read_small_power(sym_ring *r, math_side s, sym_ratio *out, bool *is_small)
{
    int64_t n;
    *is_small = sym_small_integer(math_side_kid(s, 1), &n);
    if (!*is_small)
        return true;
    if (n > SYM_EXPONENT || n < -SYM_EXPONENT)
        return sym_fail(r, EVAL_BUDGET);
    return sym_read(r, math_side_kid(s, 0), out) && sym_pow(r, out, out, n);
}

static bool read_constant(sym_ring *r, math_side s, sym_ratio *out)
{
    math_kind kind = (math_kind)math_side_node(s)->kind;
    if (kind != M_PI && read_bound(r, s, out))
        return true;
    if (kind == M_PI)
        return sym_pi(r, out);
    if (kind == M_I)
        return sym_i(r, out);
    sym_set_si(r, out, 1);
    return sym_exp(r, out, out);
}

static bool read_node(sym_ring *r, math_side s, sym_ratio *out)
{
    bool done = false, ok;
    math_kind kind = (math_kind)math_side_node(s)->kind;
    switch ((int)kind) {
    case M_NUM:
    case M_BASE:
        return read_number(r, s, out);
    case M_SYM:
        return read_symbol(r, s, out);
    case M_PI:
    case M_E:
    case M_I:
        return read_constant(r, s, out);
    case M_ADD:
    case M_MUL:
        return read_folded(r, s, out);
    case M_NEG:
        ok = sym_read(r, math_side_kid(s, 0), out);
        sym_neg(r, out, out);
        return ok;
    case M_POW:
        ok = read_small_power(r, s, out, &done);
        return done || !ok ? ok : read_two(r, s, out);
    case M_DIV:
    case M_LOG:
    case M_BINOM:
        return read_two(r, s, out);
    case M_SQRT:
    case M_ROOT:
        return read_root(r, s, out);
    case M_FACT:
        if (math_side_node(s)->op != 0)
            return read_call(r, s, out);
        return sym_read(r, math_side_kid(s, 0), out) && factorial(r, out, out);
    case M_FUNC:
    case M_MOD:
    case M_APPLY:
        return read_call(r, s, out);
    case M_PERCENT:
        return sym_read(r, math_side_kid(s, 0), out) && sym_mul_q(r, out, out, 1, 100);
    case M_DEGREE:
        return read_degrees(r, s, out);
    case M_UNIT:
        return sym_read(r, math_side_kid(s, 0), out);
    case M_SUM:
    case M_PROD:
        ok = read_small_sum(r, s, out, &done);
        return done || !ok ? ok : read_binder(r, s, out);
    case M_INT:
    case M_LIM:
        return read_binder(r, s, out);
    case M_DERIV:
        return read_derivative(r, s, out);
    default:
        return sym_fail(r, EVAL_OUTSIDE);
    }
}

bool sym_read(sym_ring *r, math_side s, sym_ratio *out)
{
    if (++r->depth > 2 * MATH_DEPTH || !math_spend(r->budget, 1))
        return sym_fail(r, EVAL_BUDGET);
    bool ok = read_node(r, s, out);
    r->depth--;
    return ok;
}

math_id sym_without_applications(sym_ring *r, math_side s, math_tree *to)
{
    const math_node x = *math_side_node(s);
    if (x.kind == M_APPLY) {
        sym_ratio v;
        uint32_t g = 0;
        sym_init(r, &v);
        bool ok = sym_read(r, s, &v);
        while (ok && !fmpz_mpoly_is_gen(&v.num, g, r->ctx))
            g++;
        sym_clear(r, &v);
        char name[] = { '(', (char)('0' + g / 10), (char)('0' + g % 10), ')' }; /* of no unknown */
        return ok ? math_leaf(to, M_SYM, (assay_str){ name, sizeof name }) : 0;
    }
    math_id few[64];
    if (x.n > sizeof few / sizeof *few || ++r->depth > 2 * MATH_DEPTH)
        return 0;
    for (uint32_t i = 0; i < x.n; i++)
        few[i] = sym_without_applications(r, math_side_kid(s, i), to);
    r->depth--;
    return math_text_node(to, (math_kind)x.kind, x.op, math_text(s.tree, s.id), few, x.n);
}
/* NOLINTEND(misc-no-recursion) */
