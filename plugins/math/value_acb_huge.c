/* value_acb_huge.c -- numbers beyond 2^(2^40), by sign and a lower bound of their logarithm.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_acb_inner.h"

/* `log2` is a lower bound. */
math_eval value_acb_make_huge(acb_t out, int sign, const arb_t log2)
{
    arf_t low, most;
    arf_init(low);
    arf_init(most);
    arb_get_lbound_arf(low, log2, 64);
    arf_set_ui_2exp_si(most, 1, 1L << HUGE_EXPONENT);
    if (arf_cmp(low, most) > 0)
        arf_set(low, most);
    const bool ok = arf_cmpabs_2exp_si(low, HUGE_EXPONENT) >= 0 && arf_sgn(low) > 0;
    arb_set_si(acb_realref(out), sign);
    arb_set_arf(acb_imagref(out), low);
    arf_clear(low);
    arf_clear(most);
    return ok ? EVAL_HUGE : EVAL_BUDGET;
}

int value_acb_huge_sign(const acb_t z)
{
    return arb_is_positive(acb_realref(z)) ? 1 : -1;
}

/* A value of unknown sign below 2^(-2^39). */
void value_acb_make_tiny(acb_t out)
{
    acb_zero(out);
    arb_add_error_2exp_si(acb_realref(out), -(1L << (HUGE_EXPONENT - 1)));
}

/* What became too large to calculate with is huge; what is large and not real is unknown. */
math_eval value_acb_settled(acb_t z)
{
    const fmpz re = ARF_EXP(arb_midref(acb_realref(z))), im = ARF_EXP(arb_midref(acb_imagref(z)));
    if (fmpz_cmp_si(&re, 1L << HUGE_EXPONENT) <= 0 && fmpz_cmp_si(&im, 1L << HUGE_EXPONENT) <= 0)
        return EVAL_OK;
    if (!is_real(z) || !arb_is_nonzero(acb_realref(z)) || !arb_is_finite(acb_realref(z))) {
        acb_indeterminate(z);
        return EVAL_OK;
    }
    arf_t low;
    arb_t log2;
    const int sign = value_acb_huge_sign(z);
    arf_init(low);
    arb_init(log2);
    arb_abs(acb_realref(z), acb_realref(z));
    arb_get_lbound_arf(low, acb_realref(z), 64);
    arb_set_fmpz(log2, ARF_EXPREF(low));
    arb_sub_ui(log2, log2, 1, 64);
    math_eval e = value_acb_make_huge(z, sign, log2);
    if (e != EVAL_HUGE) {
        acb_indeterminate(z);
        e = EVAL_OK;
    }
    arf_clear(low);
    arb_clear(log2);
    return e;
}

/* log2 |x| >= out, for real x that is surely not 0 */
static bool log2_below(arb_t out, const acb_t x)
{
    if (!is_real(x) || !arb_is_nonzero(acb_realref(x)))
        return false;
    arf_t low;
    arb_t size;
    arf_init(low);
    arb_init(size);
    arb_abs(size, acb_realref(x));
    arb_get_lbound_arf(low, size, 64);
    arb_set_fmpz(out, ARF_EXPREF(low));
    arb_sub_ui(out, out, 1, 64);
    arf_clear(low);
    arb_clear(size);
    return true;
}

/* acc += next; `huge` says what acc is, and e what next is. */
math_eval value_acb_add_huge(acb_t acc, bool huge, const acb_t next, math_eval e)
{
    const acb_struct *big = huge ? acc : next, *other = huge ? next : acc;
    if (huge && e == EVAL_HUGE)
        return value_acb_huge_sign(acc) == value_acb_huge_sign(next) ? EVAL_HUGE : EVAL_BUDGET;
    if (!is_real(other) || !below(acb_realref(other), 1L << (HUGE_EXPONENT - 1)))
        return EVAL_BUDGET;
    arb_t log2;
    arb_init(log2);
    arb_sub_ui(log2, acb_imagref(big), 1, 64);
    e = value_acb_make_huge(acc, value_acb_huge_sign(big), log2);
    arb_clear(log2);
    return e;
}

math_eval value_acb_mul_huge(acb_t acc, bool huge, const acb_t next, math_eval e)
{
    const acb_struct *big = huge ? acc : next, *other = huge ? next : acc;
    int sign = value_acb_huge_sign(big);
    arb_t log2;
    arb_init(log2);
    if (huge && e == EVAL_HUGE) {
        sign *= value_acb_huge_sign(next);
        arb_add(log2, acb_imagref(acc), acb_imagref(next), 64);
    } else if (acb_is_zero(other)) {
        acb_zero(acc);
        arb_clear(log2);
        return EVAL_OK;
    } else if (log2_below(log2, other)) {
        sign *= value_acb_huge_sign(other);
        arb_add(log2, log2, acb_imagref(big), 64);
    } /* else log2 is 0, which is not huge */
    e = value_acb_make_huge(acc, sign, log2);
    arb_clear(log2);
    return e;
}

/* out / by, where one of them is huge */
math_eval value_acb_div_huge(acb_t out, bool huge, const acb_t by, math_eval e)
{
    if (e == EVAL_HUGE) {
        const slong half = 1L << (HUGE_EXPONENT - 2);
        if (huge || !below(acb_realref(out), half) || !below(acb_imagref(out), half))
            return EVAL_BUDGET;
        const bool real = is_real(out);
        value_acb_make_tiny(out);
        if (!real)
            arb_set(acb_imagref(out), acb_realref(out));
        return EVAL_OK;
    }
    acb_t inverse;
    acb_init(inverse);
    acb_inv(inverse, by, 64);
    e = acb_is_finite(inverse) ? value_acb_mul_huge(out, true, inverse, EVAL_OK) : EVAL_BUDGET;
    acb_clear(inverse);
    return e;
}
