/* symbolic.c -- are two expressions with unknowns equal: values modulo a prime, fractions of
 * polynomials, points. SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

enum { MOD_POINTS = 8 };

static const char *rule_of(const sym_facts *f)
{
    return f->has_division ? "rational function" : "polynomial";
}

/* Modulo a prime. Returns OUTSIDE: no such expressions; else *found is a proof (DIFFERENT,
 * UNDEFINED) or says that they agree (EQUAL). */
static bool compared_modulo(math_side a, math_side b, const sym_facts *f, uint32_t n_points,
                            math_finding *found)
{
    uint32_t undefined_a = 0, undefined_b = 0;
    for (uint32_t k = 0; k < n_points; k++) {
        sym_mod_point at = { .seed = 0x61736179 + k };
        sym_mod va, vb;
        math_eval ea = sym_mod_value(a, &at, &va), eb = EVAL_OUTSIDE;
        if (ea == EVAL_OK || ea == EVAL_UNDEFINED)
            eb = sym_mod_value(b, &at, &vb);
        if (eb != EVAL_OK && eb != EVAL_UNDEFINED)
            return false;
        undefined_a += ea == EVAL_UNDEFINED;
        undefined_b += eb == EVAL_UNDEFINED;
        if (ea != EVAL_OK || eb != EVAL_OK) {
            n_points = n_points < 3 ? 3 : n_points;
        } else if (!sym_mod_same(va, vb)) {
            *found = math_found(MATH_DIFFERENT, rule_of(f));
            return !(at.has_pi && at.has_e);
        }
    }
    *found = math_found(MATH_EQUAL, "points");
    if (undefined_a + undefined_b > 0) {
        bool never_a = undefined_a == n_points, never_b = undefined_b == n_points;
        if (never_a != never_b)
            *found = math_found(MATH_DIFFERENT, rule_of(f));
        else if (never_a)
            *found = math_open(rule_of(f), WHY_UNDEFINED, MATH_BLAME_A | MATH_BLAME_B);
    }
    return true;
}

/* Unknowns, pi and unknown functions depend on nothing: fractions in them differ where they differ.
 */
static bool is_free_ring(const sym_ring *r)
{
    for (uint32_t g = 0; g < r->n; g++)
        if (r->gen[g].kind != GEN_UNKNOWN && r->gen[g].kind != GEN_PI &&
            r->gen[g].kind != GEN_APPLIED && r->gen[g].kind != GEN_BOUND)
            return false;
    return true;
}

/* As fractions in generators. UNDECIDED: not the same, which proves nothing, or out of reach. */
static math_finding compared_as_fractions(math_side a, math_side b, const sym_facts *f,
                                          unsigned log_base, math_budget *budget)
{
    sym_ring ring;
    sym_ratio x, y;
    bool same = false;
    sym_ring_init(&ring, f, budget);
    ring.log_base = log_base;
    sym_init(&ring, &x);
    sym_init(&ring, &y);
    bool ok = sym_read(&ring, a, &x) && sym_read(&ring, b, &y) && sym_same(&ring, &x, &y, &same);
    math_finding found =
        math_open("fractions", ok || ring.why != EVAL_BUDGET ? WHY_OPAQUE : WHY_BUDGET, 0);
    bool is_free = is_free_ring(&ring);
    if (ok && same)
        found = math_found(MATH_EQUAL, is_free ? rule_of(f) : "functions");
    else if (ok && is_free)
        found = math_found(MATH_DIFFERENT, rule_of(f));
    sym_clear(&ring, &x);
    sym_clear(&ring, &y);
    sym_ring_fini(&ring);
    return found;
}

static math_finding compared_by_all(math_side a, math_side b, const sym_facts *f,
                                    bool agrees_modulo, math_budget *budget)
{
    /* half the budget, so that points remain possible */
    math_budget part = { budget->steps / 2 };
    const int64_t given = part.steps;
    math_finding found = compared_as_fractions(a, b, f, 10, &part);
    if (f->has_log && found.truth != MATH_EQUAL) {
        math_finding other = compared_as_fractions(a, b, f, 0, &part);
        found = other.truth == MATH_EQUAL ? other : found;
    }
    budget->steps -= given - (part.steps > 0 ? part.steps : 0);
    if (found.truth != MATH_UNDECIDED)
        return found;
    if (agrees_modulo && compared_modulo(a, b, f, MOD_POINTS, &found))
        return found;
    return sym_points_equal(a, b, f, budget);
}

static bool is_infinity(math_side s)
{
    if (math_side_node(s)->kind == M_NEG)
        s = math_side_kid(s, 0);
    return math_side_node(s)->kind == M_INF;
}

math_finding math_expr_equal(math_side a, math_side b, math_budget *budget)
{
    sym_facts f = { .n_unknowns = 0 };
    bool ok = sym_facts_add(&f, a);
    const bool opaque_a = f.has_opaque, outside_a = f.is_outside || f.has_pm;
    f.has_opaque = f.is_outside = f.has_pm = false;
    ok = sym_facts_add(&f, b) && ok;
    const bool opaque_b = f.has_opaque, outside_b = f.is_outside || f.has_pm;
    f.has_opaque |= opaque_a;
    if (!ok)
        return math_open("symbolic", WHY_BUDGET, 0);
    if (f.n_unknowns == 0 && !f.has_apply) {
        math_env env = { .budget = budget, .log_base = 10 };
        math_finding found = math_value_equal(a, b, &env);
        if (found.truth != MATH_UNDECIDED || !f.has_opaque)
            return found;
    }
    if (outside_a || outside_b) {
        if (is_infinity(a) != is_infinity(b) && !(is_infinity(a) ? outside_b : outside_a))
            return math_found(MATH_DIFFERENT, rule_of(&f));
        return math_open("symbolic", WHY_OPAQUE,
                         (outside_a ? MATH_BLAME_A : 0U) | (outside_b ? MATH_BLAME_B : 0U));
    }
    math_finding found;
    bool agrees = compared_modulo(a, b, &f, 1, &found);
    if (agrees && found.truth != MATH_EQUAL)
        return found;
    found = compared_by_all(a, b, &f, agrees, budget);
    if (found.truth == MATH_UNDECIDED && found.reason == WHY_OPAQUE)
        found.blame = (opaque_a ? MATH_BLAME_A : 0U) | (opaque_b ? MATH_BLAME_B : 0U);
    return found;
}
