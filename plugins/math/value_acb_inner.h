/* value_acb_inner.h -- what the files value_acb*.c share. A value beyond 2^(2^40) is EVAL_HUGE:
 * inside, such a number is its sign in the real part and a lower bound of log2 |x| in the imaginary
 * part. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_VALUE_ACB_INNER_H
#define MATH_VALUE_ACB_INNER_H
#include "math/value_inner.h"

enum {
    CALM = 4096,             /* arguments of sin beyond 2^this are not reduced */
    HUGE_EXPONENT = 40,      /* 2^(2^this) */
    SPECIAL_PRECISION = 1024 /* gamma and erf cost too much beyond */
};

static inline bool pay(const value_scope *s, slong precision)
{
    return value_spend(s, 1 + precision / 256);
}
static inline bool pay_function(const value_scope *s, slong precision)
{
    return value_spend(s, 8 + precision / 8 + precision * precision / 16384);
}

static inline bool is_real(const acb_t z)
{
    return arb_is_zero(acb_imagref(z));
}
/* Surely not on the negative real axis, nor 0. */
static inline bool off_cut(const acb_t z)
{
    return arb_is_positive(acb_realref(z)) || arb_is_nonzero(acb_imagref(z));
}
/* |x| < 2^bits, surely */
static inline bool below(const arb_t x, slong bits)
{
    mag_t m;
    mag_init(m);
    arb_get_mag(m, x);
    const bool ok = mag_cmp_2exp_si(m, bits) < 0;
    mag_clear(m);
    return ok;
}

/* ---- value_acb_huge.c ---- */
/* `log2` is a lower bound. */
math_eval value_acb_make_huge(acb_t out, int sign, const arb_t log2);
int value_acb_huge_sign(const acb_t z);
/* A value of unknown sign below 2^(-2^39). */
void value_acb_make_tiny(acb_t out);
/* What became too large to calculate with is huge; what is large and not real is unknown. */
math_eval value_acb_settled(acb_t z);
/* acc += next, acc *= next, out /= by, where one of them is huge: `huge` says whether the first is,
 * e what the second is. */
math_eval value_acb_add_huge(acb_t acc, bool huge, const acb_t next, math_eval e);
math_eval value_acb_mul_huge(acb_t acc, bool huge, const acb_t next, math_eval e);
math_eval value_acb_div_huge(acb_t out, bool huge, const acb_t by, math_eval e);

/* ---- value_acb_power.c ---- */
math_eval value_acb_real_power(acb_t out, const arb_t base, const arb_t exponent, slong prec);
math_eval value_acb_exponential(acb_t z, slong prec); /* in place */
math_eval value_acb_of_power(const value_scope *s, math_id id, acb_t out, slong prec);
math_eval value_acb_of_root(const value_scope *s, math_id id, acb_t out, slong prec);

/* ---- value_acb_function.c ---- */
/* What has a rational value is that. */
math_eval value_acb_of_exact(const value_scope *s, math_id id, acb_t out, slong prec);
math_eval value_acb_of_function(const value_scope *s, math_id id, acb_t out, slong prec);
math_eval value_acb_of_log(const value_scope *s, math_id id, acb_t out, slong prec);
math_eval value_acb_of_factorial(const value_scope *s, math_id id, acb_t out, slong prec);
math_eval value_acb_of_binomial(const value_scope *s, math_id id, acb_t out, slong prec);
math_eval value_acb_of_residue(const value_scope *s, math_id id, acb_t out, slong prec);
#endif
