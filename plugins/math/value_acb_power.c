/* value_acb_power.c -- enclosures of powers and roots. SPDX-License-Identifier: Apache-2.0 */
#include "math/value_acb_inner.h"

enum { ROOT_INDEX = 64 }; /* of a root taken as one */

/* Trees are no deeper than MATH_DEPTH (tree.h), which bounds every recursion in this file.
 * NOLINTBEGIN(misc-no-recursion) */

/* base^exponent, base > 0 */
math_eval value_acb_real_power(acb_t out, const arb_t base, const arb_t exponent, slong prec)
{
    arb_t log;
    arf_t low, high;
    arb_init(log);
    arf_init(low);
    arf_init(high);
    arb_log(log, base, prec + 32);
    arb_mul(log, log, exponent, prec + 32);
    arb_get_lbound_arf(low, log, 64);
    arb_get_ubound_arf(high, log, 64);
    math_eval e = EVAL_OK;
    if (arf_sgn(low) > 0 && arf_cmpabs_2exp_si(low, HUGE_EXPONENT) > 0) {
        e = value_acb_make_huge(out, 1, log); /* log2 > ln */
    } else if (arf_sgn(high) < 0 && arf_cmpabs_2exp_si(high, HUGE_EXPONENT) > 0) {
        value_acb_make_tiny(out);
    } else {
        acb_zero(out);
        if (below(log, HUGE_EXPONENT + 2))
            arb_exp(acb_realref(out), log, prec);
        else
            arb_indeterminate(acb_realref(out));
    }
    arb_clear(log);
    arf_clear(low);
    arf_clear(high);
    return e;
}

/* base^n, where base is surely not 0 */
static math_eval integer_power(acb_t out, const acb_t base, const fmpz_t n, slong prec)
{
    const slong small = 1L << 20;
    if (fmpz_cmpabs(n, &small) <= 0 && below(acb_realref(base), small) &&
        below(acb_imagref(base), small)) {
        acb_pow_fmpz(out, base, n, prec);
        return value_acb_settled(out);
    }
    if (!is_real(base)) {
        acb_indeterminate(out);
        return EVAL_OK;
    }
    const bool minus = arb_is_negative(acb_realref(base)) && fmpz_is_odd(n);
    arb_t size, exponent;
    arb_init(size);
    arb_init(exponent);
    arb_abs(size, acb_realref(base));
    arb_set_fmpz(exponent, n);
    math_eval e = value_acb_real_power(out, size, exponent, prec);
    if (minus)
        arb_neg(acb_realref(out), acb_realref(out));
    arb_clear(size);
    arb_clear(exponent);
    return e;
}

/* Of a ball that may hold 0, and a positive exponent: 0 with the size of the whole ball's image. */
static void power_near_0(acb_t out, const acb_t base, const fmpq_t exponent)
{
    const bool odd = is_real(base) && fmpz_is_odd(fmpq_denref(exponent));
    arb_t size;
    mag_t m;
    arb_init(size);
    mag_init(m);
    acb_get_mag(m, base);
    arf_set_mag(arb_midref(size), m);
    arb_pow_fmpq(size, size, exponent, 64);
    arb_get_mag(m, size);
    acb_zero(out);
    arb_add_error_mag(acb_realref(out), m);
    if (!odd)
        arb_add_error_mag(acb_imagref(out), m);
    arb_clear(size);
    mag_clear(m);
}

/* |base|^(p/q) for base > 0 */
static math_eval positive_power(acb_t out, const arb_t base, const fmpq_t exponent, slong prec)
{
    arb_t e;
    math_eval rc;
    arb_init(e);
    if (fmpz_cmp_ui(fmpq_denref(exponent), ROOT_INDEX) <= 0) {
        acb_t root;
        acb_init(root);
        arb_root_ui(acb_realref(root), base, fmpz_get_ui(fmpq_denref(exponent)), prec);
        rc = integer_power(out, root, fmpq_numref(exponent), prec);
        acb_clear(root);
    } else {
        arb_set_fmpq(e, exponent, prec + 32);
        rc = value_acb_real_power(out, base, e, prec);
    }
    arb_clear(e);
    return rc;
}

/* Principal, of a base that is not a negative real with an odd root. */
static void principal_power(acb_t out, const acb_t base, const fmpq_t exponent, slong prec)
{
    if (fmpz_equal_si(fmpq_denref(exponent), 2) && fmpz_bits(fmpq_numref(exponent)) < 10) {
        acb_t root;
        acb_init(root);
        acb_sqrt(root, base, prec);
        acb_pow_fmpz(out, root, fmpq_numref(exponent), prec);
        acb_clear(root);
        return;
    }
    acb_t e;
    acb_init(e);
    arb_set_fmpq(acb_realref(e), exponent, prec + 32);
    acb_pow(out, base, e, prec);
    acb_clear(e);
}

/* base^exponent for a rational exponent, base a ball. */
static math_eval rational_power(acb_t out, const acb_t base, const fmpq_t exponent, slong prec)
{
    const int sign = fmpq_sgn(exponent);
    const bool zero = acb_contains_zero(base), odd = fmpz_is_odd(fmpq_denref(exponent));
    if (acb_is_zero(base) && sign <= 0)
        return EVAL_UNDEFINED;
    if (!acb_is_finite(base) || (zero && sign <= 0)) {
        acb_indeterminate(out);
        return EVAL_OK;
    }
    if (sign == 0) {
        acb_one(out);
        return EVAL_OK;
    }
    if (fmpz_is_one(fmpq_denref(exponent)) && !zero)
        return integer_power(out, base, fmpq_numref(exponent), prec);
    if (acb_is_zero(base)) {
        acb_zero(out);
    } else if (fmpz_is_one(fmpq_denref(exponent)) && fmpz_bits(fmpq_numref(exponent)) < 20) {
        acb_pow_fmpz(out, base, fmpq_numref(exponent), prec);
        return value_acb_settled(out);
    } else if (zero) {
        power_near_0(out, base, exponent);
    } else if (is_real(base) && (arb_is_positive(acb_realref(base)) || odd)) {
        arb_t size;
        arb_init(size);
        const bool minus = arb_is_negative(acb_realref(base)) && fmpz_is_odd(fmpq_numref(exponent));
        arb_abs(size, acb_realref(base));
        math_eval e = positive_power(out, size, exponent, prec);
        if (minus)
            arb_neg(acb_realref(out), acb_realref(out));
        arb_clear(size);
        return e;
    } else if (odd && !off_cut(base)) {
        acb_indeterminate(out); /* a negative real, or next to one */
    } else {
        principal_power(out, base, exponent, prec);
    }
    return value_acb_settled(out);
}

/* Odd roots of negative reals are real, so a base that may be negative needs the exponent exactly.
 */
static math_eval power_of_cut(const value_scope *s, acb_t out, const acb_t base,
                              const acb_t exponent, math_id exponent_id, slong prec)
{
    if (off_cut(base) || arb_is_nonzero(acb_imagref(exponent))) {
        acb_pow(out, base, exponent, prec);
        return value_acb_settled(out);
    }
    qqbar_t x;
    qqbar_init(x);
    math_eval e = value_qqbar(s, exponent_id, x);
    if (e == EVAL_OK && qqbar_is_rational(x)) {
        fmpq_t r;
        fmpq_init(r);
        qqbar_get_fmpq(r, x);
        e = rational_power(out, base, r, prec);
        fmpq_clear(r);
    } else if (e == EVAL_OK) {
        acb_pow(out, base, exponent, prec);
    } else {
        acb_indeterminate(out);
        e = EVAL_OK;
    }
    qqbar_clear(x);
    return e;
}

/* 1 < base, 0 < base < 1, and a huge exponent */
static math_eval power_to_huge(acb_t out, const acb_t base, const acb_t exponent)
{
    if (!is_real(base) || !arb_is_positive(acb_realref(base)))
        return EVAL_BUDGET;
    arb_t log;
    arb_init(log);
    arb_log(log, acb_realref(base), 64);
    math_eval e = EVAL_BUDGET;
    if (acb_is_one(base)) {
        acb_one(out);
        e = EVAL_OK;
    } else if (arb_is_nonzero(log) && arf_cmpabs_2exp_si(arb_midref(log), -1000) > 0) {
        const int way = value_acb_huge_sign(exponent) * (arb_is_positive(log) ? 1 : -1);
        e = EVAL_OK;
        if (way > 0) { /* 2^(2^40) times 2^-1000 */
            arb_one(log);
            arb_mul_2exp_si(log, log, 1L << HUGE_EXPONENT);
            e = value_acb_make_huge(out, 1, log);
        } else {
            value_acb_make_tiny(out);
        }
    }
    arb_clear(log);
    return e;
}

static math_eval huge_to_power(acb_t out, const acb_t base, const acb_t exponent)
{
    if (!is_real(exponent) || value_acb_huge_sign(base) < 0 ||
        !arb_is_nonzero(acb_realref(exponent)))
        return EVAL_BUDGET;
    arb_t log2;
    arb_init(log2);
    arb_mul(log2, acb_imagref(base), acb_realref(exponent), 64);
    math_eval e = EVAL_OK;
    if (arb_is_positive(log2))
        e = value_acb_make_huge(out, 1, log2);
    else if (arf_cmpabs_2exp_si(arb_midref(log2), HUGE_EXPONENT + 1) > 0)
        value_acb_make_tiny(out);
    else
        e = EVAL_BUDGET;
    arb_clear(log2);
    return e;
}

/* The exponent is not rational, or too long. */
static math_eval general_power(const value_scope *s, acb_t out, const acb_t base, math_id exponent,
                               slong prec)
{
    acb_t x;
    acb_init(x);
    math_eval e = value_acb(s, exponent, x, prec);
    if (e == EVAL_HUGE) {
        e = power_to_huge(out, base, x);
    } else if (e == EVAL_OK && acb_is_zero(base)) {
        acb_zero(out);
        if (arb_is_nonpositive(acb_realref(x)))
            e = EVAL_UNDEFINED;
        else if (!arb_is_positive(acb_realref(x)))
            acb_indeterminate(out);
    } else if (e == EVAL_OK && is_real(base) && arb_is_positive(acb_realref(base)) && is_real(x)) {
        e = value_acb_real_power(out, acb_realref(base), acb_realref(x), prec);
    } else if (e == EVAL_OK) {
        e = power_of_cut(s, out, base, x, exponent, prec);
    }
    acb_clear(x);
    return e;
}

math_eval value_acb_exponential(acb_t z, slong prec)
{
    arb_t e;
    arb_init(e);
    math_eval rc = EVAL_OK;
    if (is_real(z)) {
        arb_const_e(e, prec + 64);
        if (below(acb_realref(z), HUGE_EXPONENT))
            arb_exp(acb_realref(z), acb_realref(z), prec);
        else
            rc = value_acb_real_power(z, e, acb_realref(z), prec);
    } else if (below(acb_realref(z), HUGE_EXPONENT) && below(acb_imagref(z), CALM)) {
        acb_exp(z, z, prec);
    } else {
        acb_indeterminate(z);
    }
    arb_clear(e);
    return rc;
}

static bool is_e(const value_scope *s, math_id id)
{
    return math_at(s->t, id)->kind == M_E && !value_lookup(s, id);
}

static math_eval power_of_e(const value_scope *s, math_id exponent, acb_t out, slong prec)
{
    math_eval e = value_acb(s, exponent, out, prec);
    if (e == EVAL_OK)
        return value_acb_exponential(out, prec);
    if (e != EVAL_HUGE)
        return e;
    acb_t base;
    acb_init(base);
    arb_const_e(acb_realref(base), 64);
    e = power_to_huge(out, base, out);
    acb_clear(base);
    return e;
}

static math_eval power_of_huge(const value_scope *s, const acb_t base, math_id exponent, acb_t out)
{
    acb_t x;
    acb_init(x);
    math_eval e = value_acb(s, exponent, x, 64);
    if (e == EVAL_OK)
        e = huge_to_power(out, base, x);
    else if (e == EVAL_HUGE)
        e = value_acb_huge_sign(base) > 0 && value_acb_huge_sign(x) > 0
                ? value_acb_make_huge(out, 1, acb_imagref(x))
                : EVAL_BUDGET;
    acb_clear(x);
    return e;
}

math_eval value_acb_of_power(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const math_id base_id = math_kid(s->t, id, 0), exponent_id = math_kid(s->t, id, 1);
    if (is_e(s, base_id))
        return power_of_e(s, exponent_id, out, prec);
    fmpq_t exponent;
    acb_t base;
    fmpq_init(exponent);
    acb_init(base);
    const math_eval exact = value_q(s, exponent_id, exponent);
    math_eval e = exact == EVAL_UNDEFINED ? exact : value_acb(s, base_id, base, prec);
    if (e == EVAL_HUGE)
        e = power_of_huge(s, base, exponent_id, out);
    else if (e == EVAL_OK && exact == EVAL_OK)
        e = rational_power(out, base, exponent, prec);
    else if (e == EVAL_OK)
        e = general_power(s, out, base, exponent_id, prec);
    fmpq_clear(exponent);
    acb_clear(base);
    return e;
}

/* sqrt, and roots whose index is rational */
math_eval value_acb_of_root(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const bool square = math_at(s->t, id)->kind == M_SQRT;
    const math_id base_id = math_kid(s->t, id, square ? 0 : 1);
    fmpq_t exponent;
    acb_t base;
    fmpq_init(exponent);
    acb_init(base);
    fmpq_set_si(exponent, 2, 1);
    math_eval e = square ? EVAL_OK : value_q(s, math_kid(s->t, id, 0), exponent);
    if (e == EVAL_OK && fmpq_is_zero(exponent))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK) {
        fmpq_inv(exponent, exponent);
        e = value_acb(s, base_id, base, prec);
    }
    if (e == EVAL_OK) {
        e = rational_power(out, base, exponent, prec);
    } else if (e == EVAL_HUGE) {
        acb_t x;
        acb_init(x);
        acb_set_fmpq(x, exponent, 64);
        e = huge_to_power(out, base, x);
        acb_clear(x);
    }
    fmpq_clear(exponent);
    acb_clear(base);
    return e;
}
/* NOLINTEND(misc-no-recursion) */
