/* symbolic_equation.c -- are two equations, or two inequalities, the same up to a constant factor?
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

#include <flint/fmpz_mpoly_factor.h>

/* Does x depend on no unknown and no unknown function? */
/* NOLINTNEXTLINE(misc-no-recursion): arguments are made of earlier generators */
static bool is_constant(sym_ring *r, const sym_ratio *x)
{
    uint8_t used[SYM_GENS] = { 0 };
    sym_poly_uses(r, &x->num, used);
    sym_poly_uses(r, &x->den, used);
    for (uint32_t g = 0; g < r->n; g++) {
        if (used[g] && (r->gen[g].kind == GEN_UNKNOWN || r->gen[g].kind == GEN_APPLIED ||
                        r->gen[g].kind == GEN_BOUND))
            return false;
        for (uint32_t i = 0; used[g] && i < r->gen[g].n_args; i++)
            if (!is_constant(r, &r->gen[g].arg[i]))
                return false;
    }
    return true;
}

/* Only what depends on nothing: unknowns, pi, i, roots of primes. */
static bool is_pure(const sym_ring *r)
{
    for (uint32_t g = 0; g < r->n; g++) {
        sym_gen_kind kind = (sym_gen_kind)r->gen[g].kind;
        bool is_number = kind == GEN_ROOT && r->gen[g].op == 2 &&
                         r->gen[g].arg[0].num.length == 1 &&
                         fmpz_mpoly_is_fmpz(&r->gen[g].arg[0].num, r->ctx) && !r->is_impure;
        if (kind != GEN_UNKNOWN && kind != GEN_PI && kind != GEN_I && kind != GEN_APPLIED &&
            !is_number)
            return false;
    }
    return true;
}

static bool read_difference(sym_ring *r, math_side left, math_side right, sym_ratio *out)
{
    sym_ratio t;
    sym_init(r, &t);
    bool ok = sym_read(r, left, out) && sym_read(r, right, &t);
    sym_neg(r, &t, &t);
    ok = ok && sym_add(r, out, out, &t);
    sym_clear(r, &t);
    return ok;
}

/* Each factor once. */
static bool square_free_part(sym_ring *r, fmpz_mpoly_struct *p)
{
    if (p->length > 60 || fmpz_mpoly_total_degree_si(p, r->ctx) > 40 ||
        _fmpz_vec_max_bits(p->coeffs, p->length) > 512 ||
        _fmpz_vec_max_bits(p->coeffs, p->length) < -512 || !math_spend(r->budget, 50 * p->length))
        return sym_fail(r, EVAL_BUDGET);
    fmpz_mpoly_factor_t f;
    fmpz_mpoly_factor_init(f, r->ctx);
    bool ok = fmpz_mpoly_factor_squarefree(f, p, r->ctx) || sym_fail(r, EVAL_BUDGET);
    if (ok)
        fmpz_mpoly_one(p, r->ctx);
    for (slong i = 0; ok && i < f->num; i++)
        ok = sym_poly_mul(r, p, p, f->poly + i);
    fmpz_mpoly_factor_clear(f, r->ctx);
    return ok;
}

/* x as the polynomial whose zeros are meant. */
static bool cleared(sym_ring *r, sym_ratio *x, bool square_free)
{
    if (!sym_canonical(r, x))
        return false;
    fmpz_mpoly_one(&x->den, r->ctx);
    return !square_free || x->num.length == 0 || square_free_part(r, &x->num);
}

typedef enum how { AS_IDEALS, AS_SOLUTIONS, AS_DIFFERENCES } how;

static math_finding quotient_judged(sym_ring *r, sym_ratio *x, sym_ratio *y, how as,
                                    fmpq_t constant)
{
    const char *rule = is_pure(r) ? "polynomial" : "functions";
    if (is_pure(r) && as != AS_DIFFERENCES &&
        (!cleared(r, x, as == AS_SOLUTIONS) || !cleared(r, y, as == AS_SOLUTIONS)))
        return math_open(rule, r->why == EVAL_BUDGET ? WHY_BUDGET : WHY_OPAQUE, 0);
    fmpq_zero(constant);
    if (sym_is_zero(x) || sym_is_zero(y)) {
        if (!is_pure(r) && sym_is_zero(x) != sym_is_zero(y))
            return math_open(rule, WHY_OPAQUE, 0);
        fmpq_one(constant);
        return math_found(sym_is_zero(x) == sym_is_zero(y) ? MATH_EQUAL : MATH_DIFFERENT, rule);
    }
    sym_ratio q;
    sym_init(r, &q);
    bool ok = sym_div(r, &q, x, y) && sym_canonical(r, &q);
    math_finding found = math_open(rule, ok || r->why != EVAL_BUDGET ? WHY_OPAQUE : WHY_BUDGET, 0);
    if (ok && is_constant(r, &q)) {
        found = math_found(MATH_EQUAL, rule);
        (void)sym_is_q(r, &q, constant);
    } else if (ok && is_pure(r)) {
        found = math_found(MATH_DIFFERENT, rule);
    }
    sym_clear(r, &q);
    return found;
}

/* *sign: of the constant where it is rational, else 0. */
static math_finding compared_quotients(const math_side side[4], const sym_facts *f, how as,
                                       int *sign, math_budget *budget)
{
    sym_ring ring;
    sym_ratio x, y;
    fmpq_t constant;
    fmpq_init(constant);
    sym_ring_init(&ring, f, false, budget);
    sym_init(&ring, &x);
    sym_init(&ring, &y);
    bool ok = read_difference(&ring, side[0], side[1], &x) &&
              read_difference(&ring, side[2], side[3], &y);
    math_finding found =
        math_open("functions", ring.why == EVAL_BUDGET ? WHY_BUDGET : WHY_OPAQUE, 0);
    if (ok)
        found = quotient_judged(&ring, &x, &y, as, constant);
    *sign = fmpq_sgn(constant);
    sym_clear(&ring, &x);
    sym_clear(&ring, &y);
    sym_ring_fini(&ring);
    fmpq_clear(constant);
    return found;
}

/* Modulo a prime: is (la - ra)/(lb - rb) the same at two points? False: it proves a difference. */
static bool may_be_proportional(const math_side side[4])
{
    sym_mod q[2];
    for (uint32_t k = 0; k < 2; k++) {
        sym_mod_point at = { .seed = 0x65717561 + k };
        sym_mod v[4];
        for (uint32_t i = 0; i < 4; i++)
            if (sym_mod_value(side[i], &at, &v[i]) != EVAL_OK)
                return true;
        if ((at.has_pi && at.has_e) ||
            !sym_mod_divide(sym_mod_minus(v[0], v[1]), sym_mod_minus(v[2], v[3]), &q[k]))
            return true;
    }
    return sym_mod_same(q[0], q[1]);
}

static math_finding compared(const math_side side[4], how as, int *sign, math_budget *budget)
{
    sym_facts f = { .n_unknowns = 0 };
    bool ok = true;
    for (uint32_t i = 0; i < 4; i++)
        ok = sym_facts_add(&f, side[i]) && ok;
    if (!ok)
        return math_open("equation", WHY_BUDGET, 0);
    if (f.is_outside || f.has_pm)
        return math_open("equation", WHY_OPAQUE, 0);
    if (as == AS_DIFFERENCES && !may_be_proportional(side))
        return math_found(MATH_DIFFERENT, "polynomial");
    math_budget part = { budget->steps / 2 };
    const int64_t given = part.steps;
    math_finding found = compared_quotients(side, &f, as, sign, &part);
    budget->steps -= given - (part.steps > 0 ? part.steps : 0);
    bool wants_sign = as == AS_DIFFERENCES && found.truth == MATH_EQUAL && *sign == 0;
    if ((found.truth != MATH_UNDECIDED && !wants_sign) || f.has_opaque || f.has_apply)
        return found;
    math_finding more = sym_points_ratio(side, &f, sign, budget);
    return wants_sign && more.truth == MATH_UNDECIDED ? found : more;
}

math_finding math_equation_equal(math_side lhs_a, math_side rhs_a, math_side lhs_b, math_side rhs_b,
                                 bool square_free, math_budget *budget)
{
    const math_side side[4] = { lhs_a, rhs_a, lhs_b, rhs_b };
    int sign;
    return compared(side, square_free ? AS_SOLUTIONS : AS_IDEALS, &sign, budget);
}

math_finding math_difference_ratio(math_side lhs_a, math_side rhs_a, math_side lhs_b,
                                   math_side rhs_b, int *sign, math_budget *budget)
{
    const math_side side[4] = { lhs_a, rhs_a, lhs_b, rhs_b };
    *sign = 0;
    math_finding found = compared(side, AS_DIFFERENCES, sign, budget);
    if (found.truth == MATH_EQUAL && *sign == 0) /* a constant that is not real */
        return math_found(MATH_DIFFERENT, found.rule);
    return found;
}
