/* symbolic_ratio.c -- arithmetic of fractions of polynomials. Every product's size is estimated
 * from its factors before it is formed. SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

void sym_ring_init(sym_ring *r, const sym_facts *f, bool is_small, math_budget *budget)
{
    r->n = r->n_unknowns = r->n_relations = r->n_scopes = r->depth = 0;
    r->is_opaque = r->is_impure = r->is_full = false;
    r->log_base = 10;
    r->budget = budget;
    r->why = EVAL_OK;
    uint32_t room = f->n_unknowns + (f->n_gens ? 2 * f->n_gens + 4 : 0) + (f->has_opaque ? 4 : 0);
    if (is_small && room > f->n_unknowns + SYM_FEW)
        room = f->n_unknowns + SYM_FEW;
    r->room = room == 0 ? 1 : room < SYM_GENS ? room : SYM_GENS;
    fmpz_mpoly_ctx_init(r->ctx, r->room, ORD_DEGLEX);
    for (uint32_t i = 0; i < f->n_unknowns; i++) {
        sym_gen *g = &r->gen[r->n++];
        g->kind = GEN_UNKNOWN;
        g->name = f->unknown[i];
        g->is_real = true;
        g->is_integer = f->is_integer[i];
        g->n_args = 0;
        g->op = g->power = 0;
    }
    r->n_unknowns = r->n;
}

void sym_ring_fini(sym_ring *r)
{
    for (uint32_t i = r->n_unknowns; i < r->n; i++) {
        for (uint32_t k = 0; k < r->gen[i].n_args; k++)
            sym_clear(r, &r->gen[i].arg[k]);
        if (r->gen[i].power)
            sym_clear(r, &r->gen[i].value);
    }
    fmpz_mpoly_ctx_clear(r->ctx);
}

void sym_init(sym_ring *r, sym_ratio *x)
{
    fmpz_mpoly_init(&x->num, r->ctx);
    fmpz_mpoly_init(&x->den, r->ctx);
    fmpz_mpoly_one(&x->den, r->ctx);
}

void sym_clear(sym_ring *r, sym_ratio *x)
{
    fmpz_mpoly_clear(&x->num, r->ctx);
    fmpz_mpoly_clear(&x->den, r->ctx);
}

void sym_set(sym_ring *r, sym_ratio *out, const sym_ratio *x)
{
    if (out == x)
        return;
    fmpz_mpoly_set(&out->num, &x->num, r->ctx);
    fmpz_mpoly_set(&out->den, &x->den, r->ctx);
}

void sym_set_si(sym_ring *r, sym_ratio *out, slong x)
{
    fmpz_mpoly_set_si(&out->num, x, r->ctx);
    fmpz_mpoly_one(&out->den, r->ctx);
}

void sym_set_q(sym_ring *r, sym_ratio *out, const fmpq_t x)
{
    fmpz_mpoly_set_fmpz(&out->num, fmpq_numref(x), r->ctx);
    fmpz_mpoly_set_fmpz(&out->den, fmpq_denref(x), r->ctx);
}

void sym_set_gen(sym_ring *r, sym_ratio *out, uint32_t g)
{
    fmpz_mpoly_gen(&out->num, (slong)g, r->ctx);
    fmpz_mpoly_one(&out->den, r->ctx);
}

void sym_neg(sym_ring *r, sym_ratio *out, const sym_ratio *x)
{
    sym_set(r, out, x);
    fmpz_mpoly_neg(&out->num, &out->num, r->ctx);
}

bool sym_is_zero(const sym_ratio *x)
{
    return x->num.length == 0;
}

static slong poly_bits(const fmpz_mpoly_struct *p)
{
    slong bits = _fmpz_vec_max_bits(p->coeffs, p->length);
    return bits < 0 ? -bits : bits;
}

/* Of one product of terms, in steps: by the length of coefficients and of exponent vectors. */
static int64_t price(const sym_ring *r, slong bits)
{
    return (1 + bits / 256) * (1 + r->room / 8);
}

/* May x y be formed? Pays for it. */
static bool may_multiply(sym_ring *r, const fmpz_mpoly_struct *x, const fmpz_mpoly_struct *y)
{
    if (x->length > SYM_PRODUCTS || y->length > SYM_PRODUCTS)
        return sym_fail(r, EVAL_BUDGET);
    int64_t products = (int64_t)x->length * y->length;
    slong bits = products <= 1 && x->length ? 0 : poly_bits(x) + poly_bits(y);
    if (products > SYM_PRODUCTS || bits > SYM_BITS ||
        !math_spend(r->budget, 2 + products * price(r, bits)))
        return sym_fail(r, EVAL_BUDGET);
    return true;
}

bool sym_poly_is_one(const sym_ring *r, const fmpz_mpoly_struct *p)
{
    return p->length == 1 && fmpz_is_one(p->coeffs) && fmpz_mpoly_is_one(p, r->ctx);
}

bool sym_poly_mul(sym_ring *r, fmpz_mpoly_struct *out, const fmpz_mpoly_struct *x,
                  const fmpz_mpoly_struct *y)
{
    if (sym_poly_is_one(r, y)) {
        fmpz_mpoly_set(out, x, r->ctx);
        return true;
    }
    if (sym_poly_is_one(r, x)) {
        fmpz_mpoly_set(out, y, r->ctx);
        return true;
    }
    if (!may_multiply(r, x, y))
        return false;
    fmpz_mpoly_mul(out, x, y, r->ctx);
    return out->length <= SYM_TERMS || sym_fail(r, EVAL_BUDGET);
}

/* Terms of an n-th power: by the number of monomials, and by the box of degrees. */
static int64_t power_terms(sym_ring *r, const fmpz_mpoly_struct *p, uint64_t n)
{
    const double far = 1e15;
    double by_count = 1, by_degree = 1;
    for (slong k = 1; k < p->length && by_count < far; k++)
        by_count = by_count * ((double)n + (double)k) / (double)k;
    for (uint32_t g = 0; g < r->n && by_degree < far; g++)
        by_degree *= (double)fmpz_mpoly_degree_si(p, g, r->ctx) * (double)n + 1;
    double least = by_count < by_degree ? by_count : by_degree;
    return (int64_t)(least < far ? least : far);
}

static bool poly_pow(sym_ring *r, fmpz_mpoly_struct *out, const fmpz_mpoly_struct *p, uint64_t n)
{
    if (n > SYM_EXPONENT)
        return sym_fail(r, EVAL_BUDGET);
    bool is_unit = p->length == 1 && fmpz_is_pm1(p->coeffs);
    double bits =
        is_unit ? 0
                : (double)n * (double)(poly_bits(p) + (slong)FLINT_BIT_COUNT((mp_limb_t)p->length));
    int64_t terms = p->length > 1 ? power_terms(r, p, n) : 1;
    if (bits > SYM_BITS || terms > SYM_TERMS || terms * p->length > (int64_t)4 * SYM_PRODUCTS ||
        !math_spend(r->budget, 2 + terms * p->length * price(r, (slong)bits)))
        return sym_fail(r, EVAL_BUDGET);
    return fmpz_mpoly_pow_ui(out, p, n, r->ctx) || sym_fail(r, EVAL_BUDGET);
}

/* ---- relations ---- */

/* p's terms by powers of g: p = sum c_k g^k becomes sum c_k g^(k mod q) value^(k div q), times
 * *factor = value's denominator to the highest k div q. */
static bool poly_replace(sym_ring *r, fmpz_mpoly_struct *p, uint32_t g, fmpz_mpoly_struct *factor)
{
    const sym_gen *gen = &r->gen[g];
    slong degree = fmpz_mpoly_degree_si(p, g, r->ctx), q = gen->power, top = degree / q;
    if (top > 200)
        return sym_fail(r, EVAL_BUDGET);
    fmpz_mpoly_t sum, block, c, gq;
    fmpz_mpoly_init(sum, r->ctx);
    fmpz_mpoly_init(block, r->ctx);
    fmpz_mpoly_init(c, r->ctx);
    fmpz_mpoly_init(gq, r->ctx);
    fmpz_mpoly_one(factor, r->ctx);
    bool ok = true;
    /* Horner in value = num/den, highest block first: sum = sum num + block den^(top - k) */
    for (slong k = top; ok && k >= 0; k--) {
        fmpz_mpoly_zero(block, r->ctx);
        for (slong j = 0; j < q; j++) {
            const slong var = g;
            const ulong exp = (ulong)(k * q + j);
            fmpz_mpoly_get_coeff_vars_ui(c, p, &var, &exp, 1, r->ctx);
            if (c->length == 0)
                continue;
            fmpz_mpoly_gen(gq, (slong)g, r->ctx);
            fmpz_mpoly_pow_ui(gq, gq, (ulong)j, r->ctx);
            fmpz_mpoly_mul(c, c, gq, r->ctx);
            fmpz_mpoly_add(block, block, c, r->ctx);
        }
        ok = math_spend(r->budget, 2 * q + p->length) || sym_fail(r, EVAL_BUDGET);
        ok = ok && sym_poly_mul(r, sum, sum, &gen->value.num) &&
             sym_poly_mul(r, block, block, factor);
        if (ok)
            fmpz_mpoly_add(sum, sum, block, r->ctx);
        if (ok && k > 0)
            ok = sym_poly_mul(r, factor, factor, &gen->value.den);
    }
    if (ok)
        fmpz_mpoly_swap(p, sum, r->ctx);
    fmpz_mpoly_clear(sum, r->ctx);
    fmpz_mpoly_clear(block, r->ctx);
    fmpz_mpoly_clear(c, r->ctx);
    fmpz_mpoly_clear(gq, r->ctx);
    return ok;
}

/* Later generators are functions of earlier ones, so from the last to the first. What p was
 * multiplied with goes to *other: the other part of the fraction; NULL: only zero or not matters.
 */
static bool poly_reduce(sym_ring *r, fmpz_mpoly_struct *p, fmpz_mpoly_struct *other)
{
    if (r->n_relations == 0)
        return true;
    bool ok = true;
    for (uint32_t g = r->n; ok && g-- > r->n_unknowns;) {
        if (!r->gen[g].power || fmpz_mpoly_degree_si(p, g, r->ctx) < r->gen[g].power)
            continue;
        fmpz_mpoly_t factor;
        fmpz_mpoly_init(factor, r->ctx);
        ok = poly_replace(r, p, g, factor);
        if (ok && other && !sym_poly_is_one(r, factor))
            ok = sym_poly_mul(r, other, other, factor);
        fmpz_mpoly_clear(factor, r->ctx);
    }
    return ok;
}

/* num and den without their common integer factor; den begins positive. */
static void trim(sym_ring *r, sym_ratio *x)
{
    if (x->num.length == 0) {
        fmpz_mpoly_one(&x->den, r->ctx);
        return;
    }
    if (fmpz_is_one(x->den.coeffs))
        return;
    fmpz_t g;
    fmpz_init(g);
    _fmpz_vec_content(g, x->den.coeffs, x->den.length);
    for (slong i = 0; i < x->num.length && !fmpz_is_one(g); i++)
        fmpz_gcd(g, g, x->num.coeffs + i);
    if (fmpz_sgn(x->den.coeffs) < 0)
        fmpz_neg(g, g);
    if (!fmpz_is_one(g)) {
        fmpz_mpoly_scalar_divexact_fmpz(&x->num, &x->num, g, r->ctx);
        fmpz_mpoly_scalar_divexact_fmpz(&x->den, &x->den, g, r->ctx);
    }
    fmpz_clear(g);
}

bool sym_reduce(sym_ring *r, sym_ratio *x)
{
    if (!poly_reduce(r, &x->num, &x->den) || !poly_reduce(r, &x->den, &x->num))
        return false;
    if (x->den.length == 0)
        return sym_fail(r, EVAL_UNDEFINED);
    trim(r, x);
    return true;
}

/* ---- arithmetic ---- */

/* gcd of denominators, where it is cheap; else 1. */
static void cheap_gcd(sym_ring *r, fmpz_mpoly_struct *g, const fmpz_mpoly_struct *x,
                      const fmpz_mpoly_struct *y)
{
    bool is_small =
        x->length <= 12 && y->length <= 12 && poly_bits(x) + poly_bits(y) < 256 &&
        fmpz_mpoly_total_degree_si(x, r->ctx) + fmpz_mpoly_total_degree_si(y, r->ctx) <= 40;
    bool has_monomial = x->length == 1 || y->length == 1;
    if (!(is_small || has_monomial) ||
        !math_spend(r->budget, has_monomial ? 5 : 20 * (x->length + y->length)) ||
        !fmpz_mpoly_gcd(g, x, y, r->ctx))
        fmpz_mpoly_one(g, r->ctx);
}

/* Different denominators: over their least common multiple, if it is easily had. */
static bool add_over(sym_ring *r, sym_ratio *out, const sym_ratio *x, const sym_ratio *y)
{
    fmpz_mpoly_t g, dx, dy, left;
    fmpz_mpoly_init(g, r->ctx);
    fmpz_mpoly_init(dx, r->ctx);
    fmpz_mpoly_init(dy, r->ctx);
    fmpz_mpoly_init(left, r->ctx);
    cheap_gcd(r, g, &x->den, &y->den);
    bool ok =
        fmpz_mpoly_divides(dx, &x->den, g, r->ctx) && fmpz_mpoly_divides(dy, &y->den, g, r->ctx);
    ok = ok && sym_poly_mul(r, left, &x->num, dy) && sym_poly_mul(r, g, &y->num, dx) &&
         sym_poly_mul(r, dy, &x->den, dy);
    if (ok) {
        fmpz_mpoly_add(&out->num, left, g, r->ctx);
        fmpz_mpoly_swap(&out->den, dy, r->ctx);
        ok = sym_reduce(r, out);
    }
    fmpz_mpoly_clear(g, r->ctx);
    fmpz_mpoly_clear(dx, r->ctx);
    fmpz_mpoly_clear(dy, r->ctx);
    fmpz_mpoly_clear(left, r->ctx);
    return ok;
}

bool sym_add(sym_ring *r, sym_ratio *out, const sym_ratio *x, const sym_ratio *y)
{
    if (!math_spend(r->budget, 1 + (x->num.length + y->num.length) / 4))
        return sym_fail(r, EVAL_BUDGET);
    if (!fmpz_mpoly_equal(&x->den, &y->den, r->ctx))
        return add_over(r, out, x, y);
    if (x->num.length + y->num.length > SYM_TERMS)
        return sym_fail(r, EVAL_BUDGET);
    fmpz_mpoly_add(&out->num, &x->num, &y->num, r->ctx);
    fmpz_mpoly_set(&out->den, &x->den, r->ctx);
    trim(r, out);
    return true;
}

bool sym_mul(sym_ring *r, sym_ratio *out, const sym_ratio *x, const sym_ratio *y)
{
    if (!sym_poly_mul(r, &out->num, &x->num, &y->num) ||
        !sym_poly_mul(r, &out->den, &x->den, &y->den))
        return false;
    return sym_reduce(r, out);
}

bool sym_mul_q(sym_ring *r, sym_ratio *out, const sym_ratio *x, slong num, ulong den)
{
    sym_set(r, out, x);
    fmpz_mpoly_scalar_mul_si(&out->num, &out->num, num, r->ctx);
    fmpz_mpoly_scalar_mul_ui(&out->den, &out->den, den, r->ctx);
    trim(r, out);
    return true;
}

bool sym_div(sym_ring *r, sym_ratio *out, const sym_ratio *x, const sym_ratio *y)
{
    if (sym_is_zero(y))
        return sym_fail(r, EVAL_UNDEFINED);
    sym_ratio t;
    sym_init(r, &t);
    bool ok =
        sym_poly_mul(r, &t.num, &x->num, &y->den) && sym_poly_mul(r, &t.den, &x->den, &y->num);
    ok = ok && sym_reduce(r, &t);
    if (ok)
        sym_swap(out, &t);
    sym_clear(r, &t);
    return ok;
}

/* By repeated squaring, reduced in between: what stays in the reduced ring may stay small. */
static bool pow_reduced(sym_ring *r, sym_ratio *out, const sym_ratio *x, uint64_t n)
{
    sym_ratio base, result;
    sym_init(r, &base);
    sym_init(r, &result);
    sym_set(r, &base, x);
    sym_set_si(r, &result, 1);
    bool ok = n <= SYM_EXPONENT || sym_fail(r, EVAL_BUDGET);
    for (; ok && n; n >>= 1) {
        if (n & 1)
            ok = sym_mul(r, &result, &result, &base);
        if (ok && n > 1)
            ok = sym_mul(r, &base, &base, &base);
    }
    if (ok)
        sym_swap(out, &result);
    sym_clear(r, &base);
    sym_clear(r, &result);
    return ok;
}

bool sym_pow(sym_ring *r, sym_ratio *out, const sym_ratio *x, slong n)
{
    if (sym_is_zero(x)) {
        if (n <= 0)
            return sym_fail(r, EVAL_UNDEFINED);
        sym_set_si(r, out, 0);
        return true;
    }
    uint64_t k = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    if (r->n_relations ? !pow_reduced(r, out, x, k)
                       : !poly_pow(r, &out->num, &x->num, k) || !poly_pow(r, &out->den, &x->den, k))
        return false;
    if (n < 0) {
        fmpz_mpoly_swap(&out->num, &out->den, r->ctx);
        trim(r, out);
    }
    return out->den.length > 0 || sym_fail(r, EVAL_UNDEFINED);
}

bool sym_is_q(sym_ring *r, const sym_ratio *x, fmpq_t out)
{
    if (x->num.length > 1 || x->den.length != 1 || !fmpz_mpoly_is_fmpz(&x->num, r->ctx) ||
        !fmpz_mpoly_is_fmpz(&x->den, r->ctx))
        return false;
    fmpz_mpoly_get_fmpz(fmpq_numref(out), &x->num, r->ctx);
    fmpz_mpoly_get_fmpz(fmpq_denref(out), &x->den, r->ctx);
    fmpq_canonicalise(out);
    return true;
}

bool sym_same(sym_ring *r, const sym_ratio *x, const sym_ratio *y, bool *same)
{
    fmpz_mpoly_t left, right;
    fmpz_mpoly_init(left, r->ctx);
    fmpz_mpoly_init(right, r->ctx);
    bool ok = sym_poly_mul(r, left, &x->num, &y->den) && sym_poly_mul(r, right, &y->num, &x->den);
    if (ok) {
        fmpz_mpoly_sub(left, left, right, r->ctx);
        ok = poly_reduce(r, left, NULL);
        *same = ok && left->length == 0;
    }
    fmpz_mpoly_clear(left, r->ctx);
    fmpz_mpoly_clear(right, r->ctx);
    return ok;
}

uint32_t sym_poly_uses(sym_ring *r, const fmpz_mpoly_struct *p, uint8_t *used)
{
    int flags[SYM_GENS];
    uint32_t n = 0;
    if (p->length == 0)
        return 0;
    fmpz_mpoly_used_vars(flags, p, r->ctx);
    for (uint32_t g = 0; g < r->n; g++)
        if (flags[g]) {
            used[g] = 1;
            n++;
        }
    return n;
}

bool sym_is_real(sym_ring *r, const sym_ratio *x)
{
    uint8_t used[SYM_GENS] = { 0 };
    sym_poly_uses(r, &x->num, used);
    sym_poly_uses(r, &x->den, used);
    for (uint32_t g = 0; g < r->n; g++)
        if (used[g] && !r->gen[g].is_real)
            return false;
    return true;
}

void sym_content(sym_ring *r, sym_ratio *rest, const sym_ratio *x, fmpq_t content)
{
    _fmpz_vec_content(fmpq_numref(content), x->num.coeffs, x->num.length);
    _fmpz_vec_content(fmpq_denref(content), x->den.coeffs, x->den.length);
    sym_set(r, rest, x);
    if (x->num.length == 0)
        return;
    fmpz_mpoly_scalar_divexact_fmpz(&rest->num, &rest->num, fmpq_numref(content), r->ctx);
    fmpz_mpoly_scalar_divexact_fmpz(&rest->den, &rest->den, fmpq_denref(content), r->ctx);
    fmpq_canonicalise(content);
    if (fmpz_sgn(rest->den.coeffs) < 0) {
        fmpz_mpoly_neg(&rest->num, &rest->num, r->ctx);
        fmpz_mpoly_neg(&rest->den, &rest->den, r->ctx);
    }
}

/* ---- canonical form ---- */

/* den without g, where g^2 is a number: (a + b g)(a - b g) has none. */
static bool rationalised(sym_ring *r, sym_ratio *x, uint32_t g)
{
    const slong var = g;
    const ulong exp = 0;
    sym_ratio other;
    sym_init(r, &other);
    fmpz_mpoly_get_coeff_vars_ui(&other.num, &x->den, &var, &exp, 1, r->ctx); /* a */
    fmpz_mpoly_scalar_mul_si(&other.num, &other.num, 2, r->ctx);
    fmpz_mpoly_sub(&other.num, &other.num, &x->den, r->ctx); /* a - b g */
    bool ok = sym_poly_mul(r, &x->num, &x->num, &other.num) &&
              sym_poly_mul(r, &x->den, &x->den, &other.num) && sym_reduce(r, x);
    sym_clear(r, &other);
    return ok;
}

bool sym_canonical(sym_ring *r, sym_ratio *x)
{
    if (!sym_reduce(r, x))
        return false;
    for (uint32_t g = r->n; g-- > r->n_unknowns;)
        if (r->gen[g].power == 2 && fmpz_mpoly_degree_si(&x->den, g, r->ctx) > 0 &&
            !rationalised(r, x, g))
            return false;
    if (!fmpz_mpoly_is_fmpz(&x->den, r->ctx)) {
        fmpz_mpoly_t g;
        fmpz_mpoly_init(g, r->ctx);
        slong terms = x->num.length + x->den.length;
        bool ok = terms <= 200 && poly_bits(&x->num) + poly_bits(&x->den) <= 2048 &&
                  fmpz_mpoly_total_degree_si(&x->num, r->ctx) <= 200 &&
                  fmpz_mpoly_total_degree_si(&x->den, r->ctx) <= 200 &&
                  math_spend(r->budget, 20 * terms) &&
                  fmpz_mpoly_gcd(g, &x->num, &x->den, r->ctx) &&
                  fmpz_mpoly_divides(&x->num, &x->num, g, r->ctx) &&
                  fmpz_mpoly_divides(&x->den, &x->den, g, r->ctx);
        fmpz_mpoly_clear(g, r->ctx);
        if (!ok)
            return sym_fail(r, EVAL_BUDGET);
    }
    trim(r, x);
    return true;
}
