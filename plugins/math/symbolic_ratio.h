/* symbolic_ratio.h -- inside the symbolic layer: fractions of polynomials over Z in generators.
 *
 * A generator is an unknown, pi, i, or a function of earlier generators: exp(m), ln(u), a root, any
 * other function. Some have a relation g^q = value (i^2 = -1, cbrt(u)^3 = u). Sines and powers are
 * written in exponentials, so that trigonometric identities become identities of fractions. Only
 * true relations are used, not all of them: two fractions that are the same are equal functions;
 * fractions that differ may still be equal, unless every generator is an unknown.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_SYMBOLIC_RATIO_H
#define MATH_SYMBOLIC_RATIO_H
#include "math/symbolic.h"

#include <flint/fmpz_mpoly.h>

enum {
    SYM_UNKNOWNS = 24, /* of two sides together */
    SYM_GENS = 56,
    SYM_FEW = 6, /* generators of a small ring, besides unknowns */
    SYM_ARGS = 4,
    SYM_SCOPES = 8,      /* bound variables, one inside the other */
    SYM_TERMS = 2000,    /* of a polynomial */
    SYM_PRODUCTS = 8000, /* of coefficients, for one multiplication */
    SYM_BITS = 8192,     /* of a coefficient */
    SYM_EXPONENT = 1000000
};

typedef struct sym_ratio {
    fmpz_mpoly_struct num, den; /* den is never zero; common factors may be left */
} sym_ratio;

typedef enum sym_gen_kind {
    GEN_UNKNOWN,
    GEN_PI,
    GEN_I,
    GEN_ROOT, /* op: index */
    GEN_EXP,
    GEN_LN,
    GEN_FUNC,   /* op: math_fn, or 256 + math_kind */
    GEN_BOUND,  /* op: how deep; the variable of an integral that stays as it is */
    GEN_APPLIED /* name: f of f(x) */
} sym_gen_kind;

typedef struct sym_gen {
    uint8_t kind, n_args;
    bool is_real;    /* for every real value of the unknowns */
    bool is_integer; /* an unknown that stands for integers */
    uint16_t op;
    uint16_t power; /* gen^power = value; 0: no relation */
    assay_str name;
    sym_ratio arg[SYM_ARGS], value;
} sym_gen;

typedef struct sym_scope {
    assay_str name;
    const sym_ratio *value;
} sym_scope;

typedef struct sym_ring {
    fmpz_mpoly_ctx_t ctx;
    sym_gen gen[SYM_GENS];
    uint32_t n, n_unknowns, room;
    uint32_t n_relations;
    sym_scope scope[SYM_SCOPES];
    uint32_t n_scopes, depth;
    bool is_opaque; /* an integral, limit or infinite sum was met */
    bool is_full;   /* there was no room for a generator */
    bool is_impure; /* roots were met that may depend on each other */
    unsigned log_base;
    math_budget *budget;
    math_eval why; /* of the last failure */
} sym_ring;

/* What an expression is made of. */
typedef struct sym_facts {
    bool has_opaque; /* M_INT, M_LIM, M_DERIV, an infinite sum */
    bool has_apply, has_log, has_pm, is_outside /* not a scalar */;
    bool has_gcd;      /* of polynomials, which points do not show */
    bool has_division; /* by more than a number */
    uint32_t n_gens;   /* a guess of how many generators it needs */
    assay_str unknown[SYM_UNKNOWNS + 1];
    bool is_integer[SYM_UNKNOWNS + 1];  /* for integers only */
    bool is_counting[SYM_UNKNOWNS + 1]; /* and not for negative ones: n!, bounds of sums */
    uint32_t n_unknowns;
} sym_facts;
/* Adds what is below s; false: too many unknowns. */
/* Of a bound variable, which may be M_SYM, M_I or M_E; empty: it is none. */
assay_str sym_variable_name(math_side s);
bool sym_facts_add(sym_facts *f, math_side s);

/* Every function that returns bool fails with ring->why: EVAL_OUTSIDE, EVAL_UNDEFINED or
 * EVAL_BUDGET. `out` may be an argument. */
/* is_small: with room for few generators, which is faster; ring->is_full tells that it was too
 * small. */
void sym_ring_init(sym_ring *r, const sym_facts *f, bool is_small, math_budget *budget);
void sym_ring_fini(sym_ring *r);
static inline bool sym_fail(sym_ring *r, math_eval why)
{
    r->why = why;
    return false;
}

void sym_init(sym_ring *r, sym_ratio *x);
void sym_clear(sym_ring *r, sym_ratio *x);
static inline void sym_swap(sym_ratio *x, sym_ratio *y)
{
    sym_ratio t = *x;
    *x = *y;
    *y = t;
}
void sym_set(sym_ring *r, sym_ratio *out, const sym_ratio *x);
void sym_set_si(sym_ring *r, sym_ratio *out, slong x);
void sym_set_q(sym_ring *r, sym_ratio *out, const fmpq_t x);
void sym_set_gen(sym_ring *r, sym_ratio *out, uint32_t g);
void sym_neg(sym_ring *r, sym_ratio *out, const sym_ratio *x);
bool sym_add(sym_ring *r, sym_ratio *out, const sym_ratio *x, const sym_ratio *y);
bool sym_mul(sym_ring *r, sym_ratio *out, const sym_ratio *x, const sym_ratio *y);
bool sym_mul_q(sym_ring *r, sym_ratio *out, const sym_ratio *x, slong num, ulong den);
bool sym_div(sym_ring *r, sym_ratio *out, const sym_ratio *x, const sym_ratio *y);
bool sym_pow(sym_ring *r, sym_ratio *out, const sym_ratio *x, slong n);
bool sym_is_zero(const sym_ratio *x);
bool sym_is_q(sym_ring *r, const sym_ratio *x, fmpq_t out); /* is it a rational number? */
bool sym_is_real(sym_ring *r, const sym_ratio *x);
/* The same fraction; sets *same. */
bool sym_same(sym_ring *r, const sym_ratio *x, const sym_ratio *y, bool *same);
bool sym_reduce(sym_ring *r, sym_ratio *x); /* by the relations */
/* num and den without common factors, den's leading coefficient positive, no i and no roots in den:
 * equal fractions in unknowns, pi, i and square roots of primes become the same. */
bool sym_canonical(sym_ring *r, sym_ratio *x);
/* x = *content * rest, where the rest has no integer content; its denominator begins positive. */
void sym_content(sym_ring *r, sym_ratio *rest, const sym_ratio *x, fmpq_t content);
bool sym_poly_is_one(const sym_ring *r, const fmpz_mpoly_struct *p);
bool sym_poly_mul(sym_ring *r, fmpz_mpoly_struct *out, const fmpz_mpoly_struct *x,
                  const fmpz_mpoly_struct *y); /* bounded and paid for */
uint32_t sym_poly_uses(sym_ring *r, const fmpz_mpoly_struct *p, uint8_t *used); /* flags by gen */

/* symbolic_elementary.c: generators that are functions, and their rules. */
bool sym_exp(sym_ring *r, sym_ratio *out, const sym_ratio *u);
bool sym_ln(sym_ring *r, sym_ratio *out, const sym_ratio *u);
bool sym_root(sym_ring *r, sym_ratio *out, const sym_ratio *u, ulong index);
bool sym_power(sym_ring *r, sym_ratio *out, const sym_ratio *base, const sym_ratio *exponent);
bool sym_function(sym_ring *r, sym_ratio *out, unsigned op, const sym_ratio *args, uint32_t n);
bool sym_i(sym_ring *r, sym_ratio *out);
bool sym_pi(sym_ring *r, sym_ratio *out);
/* The generator with these parts, an old one or a new one. */
bool sym_make(sym_ring *r, sym_gen_kind kind, unsigned op, assay_str name, const sym_ratio *args,
              uint32_t n, uint32_t *g, bool *is_new);

/* symbolic_read.c: a tree as a fraction. */
bool sym_read(sym_ring *r, math_side s, sym_ratio *out);

/* symbolic_mod.c: values modulo 2^61 - 1 (with its square root of -1) at pseudo-random points.
 * Sides made of unknowns, rational numbers, pi, e, i, square roots of integers and unknown
 * functions only: different values prove different functions, equal ones are no proof. */
typedef struct sym_mod {
    uint64_t re, im;
} sym_mod;
typedef struct sym_mod_point {
    uint64_t seed;
    bool has_pi, has_e; /* were met: of both at once nobody knows whether they are independent */
    bool has_i, has_apply;
    bool has_functions; /* others than unknown ones: different values prove nothing */
} sym_mod_point;
math_eval sym_mod_value(math_side s, sym_mod_point *at, sym_mod *out);
/* x / y; false: y is 0 */
bool sym_mod_divide(sym_mod x, sym_mod y, sym_mod *out);
static inline bool sym_mod_same(sym_mod x, sym_mod y)
{
    return x.re == y.re && x.im == y.im;
}
sym_mod sym_mod_minus(sym_mod x, sym_mod y);
sym_mod sym_mod_times(sym_mod x, sym_mod y);
/* An integer that is written with digits, signs and + - * only, and small. */
bool sym_small_integer(math_side s, int64_t *out);

/* s with every f(x) replaced by an unknown of its own, equal ones by the same; 0: not within the
 * budget. The ring serves both sides, one after the other. */
math_id sym_without_applications(sym_ring *r, math_side s, math_tree *to);

/* symbolic_points.c: both sides at rational points. */
math_finding sym_points_equal(math_side a, math_side b, const sym_facts *f, math_budget *budget);
/* Are the quotients (la - ra)/(lb - rb) one constant? *sign: its sign where it is real, else 0. */
math_finding sym_points_ratio(const math_side side[4], const sym_facts *f, int *sign,
                              math_budget *budget);
/* At the first point, where all unknowns are positive: *found is DIFFERENT, EQUAL (they have one
 * value, as far as can be seen), or UNDECIDED. */
math_finding sym_points_first(math_side a, math_side b, const sym_facts *f, math_budget *budget);
#endif
