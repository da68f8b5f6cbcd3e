/* symbolic.c -- are two expressions with unknowns equal: values modulo a prime, fractions of
 * polynomials, points. SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

enum { MOD_POINTS = 8 };

static const char *rule_of(const sym_facts *f)
{
    return f->has_division ? "rational function" : "polynomial";
}

/* What values modulo a prime say. */
typedef enum modulo { MODULO_NOTHING, MODULO_PROOF, MODULO_AGREES, MODULO_SAME_FUNCTIONS } modulo;

/* Both sides modulo a prime, at points that follow one another. */
typedef struct residues {
    sym_mod_point at;
    uint32_t n, undefined_a, undefined_b;
    bool differ;
} residues;

/* The next point; false: these are no such expressions. */
static bool residues_next(residues *r, math_side a, math_side b)
{
    sym_mod va, vb;
    r->at = (sym_mod_point){ .seed = 0x61736179 + r->n++ };
    math_eval ea = sym_mod_value(a, &r->at, &va);
    if (ea != EVAL_OK && ea != EVAL_UNDEFINED)
        return false;
    math_eval eb = sym_mod_value(b, &r->at, &vb);
    r->undefined_a += ea == EVAL_UNDEFINED;
    r->undefined_b += eb == EVAL_UNDEFINED;
    r->differ = ea == EVAL_OK && eb == EVAL_OK && !sym_mod_same(va, vb);
    return eb == EVAL_OK || eb == EVAL_UNDEFINED;
}

/* A side that never had a value has none: two like that are open, one differs from the other. */
static modulo judged_undefined(const residues *r, const sym_facts *f, math_finding *found)
{
    bool never_a = r->undefined_a == r->n, never_b = r->undefined_b == r->n;
    if (r->at.has_functions || (!never_a && !never_b))
        return MODULO_NOTHING;
    *found = never_a != never_b ? math_found(MATH_DIFFERENT, rule_of(f))
                                : math_open(rule_of(f), WHY_UNDEFINED, MATH_BLAME_A | MATH_BLAME_B);
    return MODULO_PROOF;
}

/* PROOF: *found is the finding. AGREES: the same values at n_points, in unknowns and independent
 * constants alone; SAME_FUNCTIONS: also in functions. */
static modulo compared_modulo(math_side a, math_side b, const sym_facts *f, uint32_t n_points,
                              math_finding *found)
{
    residues r = { .n = 0 };
    while (r.n < n_points) {
        if (!residues_next(&r, a, b))
            return MODULO_NOTHING;
        if (r.differ) {
            *found = math_found(MATH_DIFFERENT, rule_of(f));
            return r.at.has_functions || (r.at.has_pi && r.at.has_e) ? MODULO_NOTHING
                                                                     : MODULO_PROOF;
        }
        if (r.undefined_a + r.undefined_b > 0 && n_points < 3)
            n_points = 3;
    }
    if (r.undefined_a + r.undefined_b > 0)
        return judged_undefined(&r, f, found);
    return r.at.has_functions ? MODULO_SAME_FUNCTIONS : MODULO_AGREES;
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

/* x - y is a rational number, not 0. */
static bool differ_by_number(sym_ring *r, const sym_ratio *x, const sym_ratio *y)
{
    sym_ratio t;
    fmpq_t c;
    sym_init(r, &t);
    fmpq_init(c);
    sym_neg(r, &t, y);
    bool is = sym_add(r, &t, x, &t) && sym_is_q(r, &t, c) && !fmpq_is_zero(c);
    fmpq_clear(c);
    sym_clear(r, &t);
    return is;
}

/* What is known before fractions are tried. */
typedef struct stage {
    math_side a, b;
    const sym_facts *f;
    /* A denominator may vanish for all values without our knowing, since not all relations between
     * functions are used; so before 0/0 is called equal to something, both sides must have been
     * seen to have values. */
    bool has_sense;
} stage;

/* As fractions in generators. UNDECIDED: not the same, which proves nothing, or out of reach. */
static math_finding compared_in_ring(const stage *s, unsigned log_base, bool is_small,
                                     bool *is_full, math_budget *budget)
{
    sym_ring ring;
    sym_ratio x, y;
    bool same = false;
    sym_ring_init(&ring, s->f, is_small, budget);
    ring.log_base = log_base;
    sym_init(&ring, &x);
    sym_init(&ring, &y);
    bool ok =
        sym_read(&ring, s->a, &x) && sym_read(&ring, s->b, &y) && sym_same(&ring, &x, &y, &same);
    math_finding found =
        math_open("fractions", ok || ring.why != EVAL_BUDGET ? WHY_OPAQUE : WHY_BUDGET, 0);
    if (ok && is_free_ring(&ring))
        found = math_found(same ? MATH_EQUAL : MATH_DIFFERENT, rule_of(s->f));
    else if (ok && same && s->has_sense)
        found = math_found(MATH_EQUAL, "functions");
    else if (ok && !same && differ_by_number(&ring, &x, &y))
        found = math_found(MATH_DIFFERENT, "functions");
    *is_full = ring.is_full;
    sym_clear(&ring, &x);
    sym_clear(&ring, &y);
    sym_ring_fini(&ring);
    return found;
}

static math_finding compared_as_fractions(const stage *s, unsigned log_base, math_budget *budget)
{
    bool is_full;
    math_finding found = compared_in_ring(s, log_base, true, &is_full, budget);
    return is_full ? compared_in_ring(s, log_base, false, &is_full, budget) : found;
}

/* With a quarter of the budget, so that points remain possible. */
static math_finding fractions_at_bases(const stage *s, math_budget *budget)
{
    math_budget part = { budget->steps / 4 };
    const int64_t given = part.steps;
    math_finding found = compared_as_fractions(s, 10, &part);
    if (s->f->has_log && found.truth != MATH_EQUAL) {
        math_finding other = compared_as_fractions(s, 0, &part);
        if (other.truth != MATH_DIFFERENT)
            found = other;
    }
    budget->steps -= given - (part.steps > 0 ? part.steps : 0);
    return found;
}

/* sin(f(x)) against cos(f(x)): every f(x) is an unknown of its own, which points can stand for. */
static math_finding compared_without_applications(math_side a, math_side b, const sym_facts *f,
                                                  math_budget *budget)
{
    math_tree t = { .n = 0 };
    sym_ring ring;
    sym_facts fresh = { .n_unknowns = 0 };
    sym_ring_init(&ring, f, false, budget);
    math_id x = sym_without_applications(&ring, a, &t), y = sym_without_applications(&ring, b, &t);
    math_finding found = math_open("points", WHY_OPAQUE, 0);
    if (x && y && sym_facts_add(&fresh, (math_side){ &t, x }) &&
        sym_facts_add(&fresh, (math_side){ &t, y }))
        found = sym_points_equal((math_side){ &t, x }, (math_side){ &t, y }, &fresh, budget);
    sym_ring_fini(&ring);
    math_tree_fini(&t);
    return found;
}

static math_finding compared_by_all(math_side a, math_side b, const sym_facts *f,
                                    math_budget *budget)
{
    math_finding found = { .truth = MATH_UNDECIDED };
    modulo m = compared_modulo(a, b, f, 1, &found);
    if (m == MODULO_PROOF)
        return found;
    stage s = { a, b, f,
                .has_sense =
                    m == MODULO_AGREES || !f->has_division || f->has_opaque || f->has_apply };
    if (m != MODULO_AGREES && !f->has_opaque && !f->has_apply && !f->has_gcd &&
        (m == MODULO_NOTHING || !s.has_sense)) {
        found = sym_points_first(a, b, f, budget);
        if (found.truth == MATH_DIFFERENT)
            return found;
        s.has_sense = s.has_sense || found.truth == MATH_EQUAL;
    }
    if (m == MODULO_SAME_FUNCTIONS && s.has_sense &&
        compared_modulo(a, b, f, MOD_POINTS, &found) == MODULO_SAME_FUNCTIONS)
        return math_found(MATH_EQUAL, "functions");
    found = fractions_at_bases(&s, budget);
    if (found.truth != MATH_UNDECIDED || f->has_opaque)
        return found;
    if (m == MODULO_AGREES && compared_modulo(a, b, f, MOD_POINTS, &found) == MODULO_AGREES)
        return math_found(MATH_EQUAL, "points");
    return f->has_apply ? compared_without_applications(a, b, f, budget)
                        : sym_points_equal(a, b, f, budget);
}

static bool is_infinity(math_side s)
{
    if (math_side_node(s)->kind == M_NEG)
        s = math_side_kid(s, 0);
    return math_side_node(s)->kind == M_INF;
}

/* What a side is made of that stands in the way. */
typedef struct obstacles {
    bool opaque, outside;
} obstacles;

static bool look_at(sym_facts *f, math_side s, obstacles *o)
{
    f->has_opaque = f->is_outside = f->has_pm = false;
    bool ok = sym_facts_add(f, s);
    *o = (obstacles){ f->has_opaque, f->is_outside || f->has_pm };
    return ok;
}

static unsigned blame(bool a, bool b)
{
    return (a ? MATH_BLAME_A : 0U) | (b ? MATH_BLAME_B : 0U);
}

math_finding math_expr_equal(math_side a, math_side b, math_budget *budget)
{
    sym_facts f = { .n_unknowns = 0 };
    obstacles oa, ob;
    bool ok_a = look_at(&f, a, &oa), ok_b = look_at(&f, b, &ob);
    f.has_opaque = oa.opaque || ob.opaque;
    if (!ok_a || !ok_b)
        return math_open("symbolic", WHY_BUDGET, blame(!ok_a, !ok_b));
    if (f.n_unknowns == 0 && !f.has_apply) {
        math_env env = { .budget = budget, .log_base = 10 };
        math_finding found = math_value_equal(a, b, &env);
        if (found.truth != MATH_UNDECIDED || !f.has_opaque)
            return found;
    }
    if (oa.outside || ob.outside) {
        bool is_a = is_infinity(a);
        if (is_a != is_infinity(b) && !(is_a ? ob.outside : oa.outside))
            return math_found(MATH_DIFFERENT, rule_of(&f));
        return math_open("symbolic", WHY_OPAQUE, blame(oa.outside, ob.outside));
    }
    math_finding found = compared_by_all(a, b, &f, budget);
    if (found.truth == MATH_UNDECIDED && found.reason == WHY_OPAQUE)
        found.blame = blame(oa.opaque, ob.opaque);
    if (found.truth != MATH_DIFFERENT)
        found.note[0] = 0;
    return found;
}
