/* value.h -- expressions without unknowns, or with rational numbers put in for them: exact
 * rationals (FLINT), enclosures (Arb), algebraic numbers (qqbar), exp-log-trigonometric numbers
 * (Calcium).
 *
 * Conventions, the same in all four evaluators: sqrt and powers are principal, but an odd root of a
 * negative real is real (cbrt(-8) = -2, also (-8)^{1/3}); 0^0, 1/0, 0/0, log 0 are undefined;
 * M_PERCENT divides by 100, M_DEGREE multiplies by pi/180, M_UNIT is its number, M_BASE its value,
 * FN_LOG is taken to base `log_base`; floor, ceil, max, min, gcd, lcm, mod, factorial, binom, abs,
 * finite M_SUM and M_PROD are evaluated where their arguments are (at most MATH_TERMS terms).
 * Costs are bounded before anything is computed: 9^{9^9} is enclosed through its logarithm.
 * FLINT's abort (memory) unwinds by longjmp past all of this; what it held is lost, never reused.
 * Threads: everything is local to the call. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_VALUE_H
#define MATH_VALUE_H
#include "math/finding.h"

#include <acb.h>
#include <ca.h>
#include <flint/fmpq.h>
#include <qqbar.h>

/* Arb brings <math.h>, whose names these also are; the enumerators of math_kind are meant. */
#undef M_E
#undef M_PI

enum {
    MATH_BITS = 65536,     /* of a rational's numerator or denominator */
    MATH_DEGREE = 64,      /* of an algebraic number */
    MATH_PRECISION = 4096, /* bits, the last enclosure tried */
    MATH_TERMS = 1000      /* of a sum or product */
};

/* Values put in for unknowns. Names are matched by bytes. */
typedef struct math_binding {
    assay_str name;
    const fmpq *value;
} math_binding;
typedef struct math_env {
    const math_binding *list;
    uint32_t n;
    unsigned log_base; /* of FN_LOG: 10, or 0 for e */
    math_budget *budget;
} math_env;

typedef enum math_eval {
    EVAL_OK,
    EVAL_OUTSIDE,   /* not a number of this kind: an unknown, a function, a set */
    EVAL_UNDEFINED, /* 1/0, 0^0 */
    EVAL_BUDGET,    /* would cost too much */
    EVAL_HUGE       /* math_eval_acb only: a real number beyond 2^(2^40); sign in *out (+1, -1) */
} math_eval;

/* `out` is initialised by the caller, and unspecified unless EVAL_OK. */
math_eval math_eval_q(math_side s, const math_env *env, fmpq_t out);
math_eval math_eval_acb(math_side s, const math_env *env, acb_t out, slong precision);
math_eval math_eval_qqbar(math_side s, const math_env *env, qqbar_t out);
math_eval math_eval_ca(math_side s, const math_env *env, ca_t out, ca_ctx_t ctx);

/* The number an M_NUM's or M_BASE's text says; false: too many digits. */
bool math_number(math_side s, fmpq_t out);

/* Ladder 5.4, rungs 4 and 5: are two numbers equal? Exact rationals; enclosures at 64, 256, 1024,
 * 4096 bits (apart: different); algebraic numbers; Calcium. With FN_LOG on either side both bases
 * are tried: equal under one reading is equal. EVAL_UNDEFINED on a side makes it different from
 * every number. */
math_finding math_value_equal(math_side a, math_side b, const math_env *env);

/* Real numbers in order: -1, 0, +1 of a - b in *order. False: not comparable or not known. Handles
 * +-infinity. */
bool math_value_compare(math_side a, math_side b, const math_env *env, int *order);
/* Is a - b an exact multiple of step? For families a + k step. */
math_finding math_value_congruent(math_side a, math_side b, math_side step, const math_env *env);
/* "q:1/2" or "a:<minimal polynomial>@<which root>" into out: equal algebraic numbers have equal
 * keys. False: not an algebraic number within the budget; out is as it was. */
bool math_value_key(math_side s, const math_env *env, pc_buf *out);
#endif
