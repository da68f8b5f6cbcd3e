/* value_acb.c -- enclosures: a ball that surely holds the value, at a given precision.
 *
 * A value beyond 2^(2^40) is EVAL_HUGE. Inside, such a number is its sign in the real part and a
 * lower bound of log2 |x| in the imaginary part. An enclosure may be infinite: nothing is known
 * yet. SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

#include <acb_hypgeom.h>
#include <arb_hypgeom.h>

enum {
    HUGE_EXPONENT = 40,       /* 2^(2^this) */
    CALM = 4096,              /* arguments of sin beyond 2^this are not reduced */
    SPECIAL_PRECISION = 1024, /* gamma and erf cost too much beyond */
    ROOT_INDEX = 64           /* of a root taken as one */
};

/* Trees are no deeper than MATH_DEPTH (tree.h), which bounds every recursion in this file.
 * NOLINTBEGIN(misc-no-recursion) */

static bool pay(const value_scope *s, slong precision)
{
    return value_spend(s, 1 + precision / 256);
}
static bool pay_function(const value_scope *s, slong precision)
{
    return value_spend(s, 8 + precision / 8 + precision * precision / 16384);
}

static bool is_real(const acb_t z)
{
    return arb_is_zero(acb_imagref(z));
}
/* Surely not on the negative real axis, nor 0. */
static bool off_cut(const acb_t z)
{
    return arb_is_positive(acb_realref(z)) || arb_is_nonzero(acb_imagref(z));
}
/* |x| < 2^bits, surely */
static bool below(const arb_t x, slong bits)
{
    mag_t m;
    mag_init(m);
    arb_get_mag(m, x);
    const bool ok = mag_cmp_2exp_si(m, bits) < 0;
    mag_clear(m);
    return ok;
}

/* ---- numbers beyond 2^(2^40) ---- */

/* `log2` is a lower bound. */
static math_eval make_huge(acb_t out, int sign, const arb_t log2)
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

static int huge_sign(const acb_t z)
{
    return arb_is_positive(acb_realref(z)) ? 1 : -1;
}

/* A value of unknown sign below 2^(-2^39). */
static void make_tiny(acb_t out)
{
    acb_zero(out);
    arb_add_error_2exp_si(acb_realref(out), -(1L << (HUGE_EXPONENT - 1)));
}

/* What became too large to calculate with is huge; what is large and not real is unknown. */
static math_eval settled(acb_t z)
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
    const int sign = huge_sign(z);
    arf_init(low);
    arb_init(log2);
    arb_abs(acb_realref(z), acb_realref(z));
    arb_get_lbound_arf(low, acb_realref(z), 64);
    arb_set_fmpz(log2, ARF_EXPREF(low));
    arb_sub_ui(log2, log2, 1, 64);
    math_eval e = make_huge(z, sign, log2);
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
static math_eval add_huge(acb_t acc, bool huge, const acb_t next, math_eval e)
{
    const acb_struct *big = huge ? acc : next, *other = huge ? next : acc;
    if (huge && e == EVAL_HUGE)
        return huge_sign(acc) == huge_sign(next) ? EVAL_HUGE : EVAL_BUDGET;
    if (!is_real(other) || !below(acb_realref(other), 1L << (HUGE_EXPONENT - 1)))
        return EVAL_BUDGET;
    arb_t log2;
    arb_init(log2);
    arb_sub_ui(log2, acb_imagref(big), 1, 64);
    e = make_huge(acc, huge_sign(big), log2);
    arb_clear(log2);
    return e;
}

static math_eval mul_huge(acb_t acc, bool huge, const acb_t next, math_eval e)
{
    const acb_struct *big = huge ? acc : next, *other = huge ? next : acc;
    int sign = huge_sign(big);
    arb_t log2;
    arb_init(log2);
    if (huge && e == EVAL_HUGE) {
        sign *= huge_sign(next);
        arb_add(log2, acb_imagref(acc), acb_imagref(next), 64);
    } else if (acb_is_zero(other)) {
        acb_zero(acc);
        arb_clear(log2);
        return EVAL_OK;
    } else if (log2_below(log2, other)) {
        sign *= huge_sign(other);
        arb_add(log2, log2, acb_imagref(big), 64);
    } /* else log2 is 0, which is not huge */
    e = make_huge(acc, sign, log2);
    arb_clear(log2);
    return e;
}

/* out / by, where one of them is huge */
static math_eval div_huge(acb_t out, bool huge, const acb_t by, math_eval e)
{
    if (e == EVAL_HUGE) {
        const slong half = 1L << (HUGE_EXPONENT - 2);
        if (huge || !below(acb_realref(out), half) || !below(acb_imagref(out), half))
            return EVAL_BUDGET;
        const bool real = is_real(out);
        make_tiny(out);
        if (!real)
            arb_set(acb_imagref(out), acb_realref(out));
        return EVAL_OK;
    }
    acb_t inverse;
    acb_init(inverse);
    acb_inv(inverse, by, 64);
    e = acb_is_finite(inverse) ? mul_huge(out, true, inverse, EVAL_OK) : EVAL_BUDGET;
    acb_clear(inverse);
    return e;
}

/* ---- arithmetic ---- */

static math_eval of_fold(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const bool times = math_at(s->t, id)->kind == M_MUL;
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    acb_t next;
    acb_init(next);
    for (uint32_t i = 1; i < math_at(s->t, id)->n && (e == EVAL_OK || e == EVAL_HUGE); i++) {
        const bool huge = e == EVAL_HUGE;
        e = value_acb(s, math_kid(s->t, id, i), next, prec);
        if (e != EVAL_OK && e != EVAL_HUGE)
            break;
        if (!pay(s, prec)) {
            e = EVAL_BUDGET;
        } else if (huge || e == EVAL_HUGE) {
            e = (times ? mul_huge : add_huge)(out, huge, next, e);
        } else {
            (times ? acb_mul : acb_add)(out, out, next, prec);
            e = settled(out);
        }
    }
    acb_clear(next);
    return e;
}

static math_eval of_quotient(const value_scope *s, math_id id, acb_t out, slong prec)
{
    acb_t by;
    acb_init(by);
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    const bool huge = e == EVAL_HUGE;
    if (e == EVAL_OK || huge)
        e = value_acb(s, math_kid(s->t, id, 1), by, prec);
    if (e == EVAL_OK && acb_is_zero(by)) {
        e = EVAL_UNDEFINED;
    } else if ((e == EVAL_OK && huge) || e == EVAL_HUGE) {
        e = div_huge(out, huge, by, e);
    } else if (e == EVAL_OK) {
        acb_div(out, out, by, prec);
        e = settled(out);
    }
    acb_clear(by);
    return e;
}

/* ---- powers ---- */

/* base^exponent, base > 0 */
static math_eval real_power(acb_t out, const arb_t base, const arb_t exponent, slong prec)
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
        e = make_huge(out, 1, log); /* log2 > ln */
    } else if (arf_sgn(high) < 0 && arf_cmpabs_2exp_si(high, HUGE_EXPONENT) > 0) {
        make_tiny(out);
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
        return settled(out);
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
    math_eval e = real_power(out, size, exponent, prec);
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
        rc = real_power(out, base, e, prec);
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
        return settled(out);
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
    return settled(out);
}

/* Odd roots of negative reals are real, so a base that may be negative needs the exponent exactly.
 */
static math_eval power_of_cut(const value_scope *s, acb_t out, const acb_t base,
                              const acb_t exponent, math_id exponent_id, slong prec)
{
    if (off_cut(base) || arb_is_nonzero(acb_imagref(exponent))) {
        acb_pow(out, base, exponent, prec);
        return settled(out);
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
        const int way = huge_sign(exponent) * (arb_is_positive(log) ? 1 : -1);
        e = EVAL_OK;
        if (way > 0) { /* 2^(2^40) times 2^-1000 */
            arb_one(log);
            arb_mul_2exp_si(log, log, 1L << HUGE_EXPONENT);
            e = make_huge(out, 1, log);
        } else {
            make_tiny(out);
        }
    }
    arb_clear(log);
    return e;
}

static math_eval huge_to_power(acb_t out, const acb_t base, const acb_t exponent)
{
    if (!is_real(exponent) || huge_sign(base) < 0 || !arb_is_nonzero(acb_realref(exponent)))
        return EVAL_BUDGET;
    arb_t log2;
    arb_init(log2);
    arb_mul(log2, acb_imagref(base), acb_realref(exponent), 64);
    math_eval e = EVAL_OK;
    if (arb_is_positive(log2))
        e = make_huge(out, 1, log2);
    else if (arf_cmpabs_2exp_si(arb_midref(log2), HUGE_EXPONENT + 1) > 0)
        make_tiny(out);
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
        e = real_power(out, acb_realref(base), acb_realref(x), prec);
    } else if (e == EVAL_OK) {
        e = power_of_cut(s, out, base, x, exponent, prec);
    }
    acb_clear(x);
    return e;
}

static math_eval exponential(acb_t z, slong prec)
{
    arb_t e;
    arb_init(e);
    math_eval rc = EVAL_OK;
    if (is_real(z)) {
        arb_const_e(e, prec + 64);
        if (below(acb_realref(z), HUGE_EXPONENT))
            arb_exp(acb_realref(z), acb_realref(z), prec);
        else
            rc = real_power(z, e, acb_realref(z), prec);
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
        return exponential(out, prec);
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
        e = huge_sign(base) > 0 && huge_sign(x) > 0 ? make_huge(out, 1, acb_imagref(x))
                                                    : EVAL_BUDGET;
    acb_clear(x);
    return e;
}

static math_eval of_power(const value_scope *s, math_id id, acb_t out, slong prec)
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
static math_eval of_root(const value_scope *s, math_id id, acb_t out, slong prec)
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

/* ---- functions of one number, in place ---- */

typedef void arb_fn(arb_t, const arb_t, slong);
typedef void acb_fn(acb_t, const acb_t, slong);

typedef struct function {
    arb_fn *real; /* of a real; NULL: only where the complex one's result is real anyway */
    acb_fn *complex;
    bool entire; /* real for every real, so `real` may be used */
} function;

static void acb_asec_(acb_t r, const acb_t z, slong prec)
{
    acb_inv(r, z, prec);
    acb_acos(r, r, prec);
}
static void acb_acsc_(acb_t r, const acb_t z, slong prec)
{
    acb_inv(r, z, prec);
    acb_asin(r, r, prec);
}
static void acb_acot_(acb_t r, const acb_t z, slong prec)
{
    acb_inv(r, z, prec);
    acb_atan(r, r, prec);
}
static void arb_acot_(arb_t r, const arb_t z, slong prec)
{
    arb_inv(r, z, prec);
    arb_atan(r, r, prec);
}
static void arb_log_(arb_t r, const arb_t z, slong prec)
{
    arb_log(r, z, prec);
}
static void arb_gamma_(arb_t r, const arb_t z, slong prec)
{
    arb_gamma(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}
static void acb_gamma_(acb_t r, const acb_t z, slong prec)
{
    acb_gamma(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}
static void arb_erf_(arb_t r, const arb_t z, slong prec)
{
    arb_hypgeom_erf(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}
static void acb_erf_(acb_t r, const acb_t z, slong prec)
{
    acb_hypgeom_erf(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}

static const function functions[FN_COUNT] = {
    [FN_SIN] = { arb_sin, acb_sin, true },         [FN_COS] = { arb_cos, acb_cos, true },
    [FN_TAN] = { arb_tan, acb_tan, true },         [FN_COT] = { arb_cot, acb_cot, true },
    [FN_SEC] = { arb_sec, acb_sec, true },         [FN_CSC] = { arb_csc, acb_csc, true },
    [FN_ASIN] = { arb_asin, acb_asin, false },     [FN_ACOS] = { arb_acos, acb_acos, false },
    [FN_ATAN] = { arb_atan, acb_atan, true },      [FN_ACOT] = { arb_acot_, acb_acot_, true },
    [FN_ASEC] = { NULL, acb_asec_, false },        [FN_ACSC] = { NULL, acb_acsc_, false },
    [FN_SINH] = { arb_sinh, acb_sinh, true },      [FN_COSH] = { arb_cosh, acb_cosh, true },
    [FN_TANH] = { arb_tanh, acb_tanh, true },      [FN_COTH] = { arb_coth, acb_coth, true },
    [FN_SECH] = { arb_sech, acb_sech, true },      [FN_CSCH] = { arb_csch, acb_csch, true },
    [FN_ASINH] = { arb_asinh, acb_asinh, true },   [FN_ACOSH] = { arb_acosh, acb_acosh, false },
    [FN_ATANH] = { arb_atanh, acb_atanh, false },  [FN_LN] = { arb_log_, acb_log, false },
    [FN_GAMMA] = { arb_gamma_, acb_gamma_, true }, [FN_ERF] = { arb_erf_, acb_erf_, true },
};

/* Has fn no value at exactly z? */
static bool is_pole(math_fn fn, const acb_t z)
{
    switch ((int)fn) {
    case FN_COT:
    case FN_CSC:
    case FN_COTH:
    case FN_CSCH:
    case FN_ASEC:
    case FN_ACSC:
    case FN_LN:
    case FN_LG:
    case FN_LOG:
    case FN_ARG:
        return acb_is_zero(z);
    case FN_ATANH:
        return acb_is_one(z) || acb_equal_si(z, -1);
    case FN_GAMMA:
        return is_real(z) && arb_is_int(acb_realref(z)) && arb_is_nonpositive(acb_realref(z));
    default:
        return false;
    }
}

static math_eval analytic(math_fn fn, acb_t z, slong prec)
{
    const function *f = &functions[fn];
    if (fn == FN_ACOT && acb_is_zero(z)) {
        acb_const_pi(z, prec);
        acb_mul_2exp_si(z, z, -1);
        return EVAL_OK;
    }
    const bool logs = fn == FN_LN || fn == FN_ASINH || fn == FN_ACOSH || fn == FN_ATAN;
    if (!f->complex)
        return EVAL_OUTSIDE;
    if (!logs && (!below(acb_realref(z), CALM) || !below(acb_imagref(z), HUGE_EXPONENT))) {
        acb_indeterminate(z);
        return EVAL_OK;
    }
    if (is_real(z) && f->real) {
        arb_t r;
        arb_init(r);
        f->real(r, acb_realref(z), prec);
        const bool ok = f->entire || arb_is_finite(r);
        if (ok)
            arb_swap(acb_realref(z), r);
        arb_clear(r);
        if (ok)
            return settled(z);
    }
    f->complex(z, z, prec);
    return settled(z);
}

static void logarithm(acb_t z, ulong base, slong prec)
{
    arb_t b;
    arb_init(b);
    analytic(FN_LN, z, prec);
    if (base) {
        arb_log_ui(b, base, prec);
        acb_div_arb(z, z, b, prec);
    }
    arb_clear(b);
}

/* Gamma(z) of a real beyond what Arb is asked for: Gamma(z) > (z/e)^z / z > 2^(32 (z-1)) for z >=
 * 2^34, and n!! of an integer is above the square root of n!: 2^(2^shift (z-1)). */
static math_eval huge_gamma(acb_t z, slong shift)
{
    if (!is_real(z) || !arb_is_positive(acb_realref(z)) || below(acb_realref(z), 34))
        return EVAL_BUDGET;
    arb_t log2;
    arb_init(log2);
    arb_sub_ui(log2, acb_realref(z), 1, 64);
    arb_mul_2exp_si(log2, log2, shift);
    math_eval e = make_huge(z, 1, log2);
    arb_clear(log2);
    return e;
}

static math_eval gamma_of(acb_t z, slong prec)
{
    if (is_pole(FN_GAMMA, z))
        return EVAL_UNDEFINED;
    if (below(acb_realref(z), 36) && below(acb_imagref(z), 20))
        return analytic(FN_GAMMA, z, prec);
    if (huge_gamma(z, 5) == EVAL_HUGE)
        return EVAL_HUGE;
    acb_indeterminate(z);
    return EVAL_OK;
}

typedef void round_fn(arb_t, const arb_t, slong);

static math_eval exact_rounding(const value_scope *s, math_id arg, acb_t z, bool up)
{
    qqbar_t x;
    fmpz_t n;
    qqbar_init(x);
    fmpz_init(n);
    math_eval e = value_qqbar(s, arg, x);
    if (e == EVAL_OK && qqbar_is_real(x)) {
        (up ? qqbar_ceil : qqbar_floor)(n, x);
        acb_set_fmpz(z, n);
    }
    qqbar_clear(x);
    fmpz_clear(n);
    return e;
}

/* Decided by the enclosure, or by the exact value; else both neighbours stay in the ball. */
static math_eval rounded(const value_scope *s, math_id arg, acb_t z, bool up, slong prec)
{
    if (!is_real(z))
        return EVAL_OUTSIDE;
    arb_t r;
    fmpz_t n;
    arb_init(r);
    fmpz_init(n);
    (up ? arb_ceil : arb_floor)(r, acb_realref(z), prec);
    const bool unique = arb_get_unique_fmpz(n, r);
    if (unique)
        arb_set_fmpz(r, n);
    arb_swap(acb_realref(z), r);
    if (!unique && prec > 64)
        exact_rounding(s, arg, z, up);
    arb_clear(r);
    fmpz_clear(n);
    return EVAL_OK;
}

static math_eval absolute(acb_t z, slong prec)
{
    if (is_real(z))
        arb_abs(acb_realref(z), acb_realref(z));
    else
        acb_abs(acb_realref(z), z, prec);
    arb_zero(acb_imagref(z));
    return EVAL_OK;
}

static math_eval function_of(const value_scope *s, math_id id, acb_t z, slong prec)
{
    const math_fn fn = (math_fn)math_at(s->t, id)->op;
    if (is_pole(fn, z))
        return EVAL_UNDEFINED;
    if (!acb_is_finite(z)) { /* whatever is dropped here may be what has no value */
        acb_indeterminate(z);
        return EVAL_OK;
    }
    switch ((int)fn) {
    case FN_EXP:
        return exponential(z, prec);
    case FN_LG:
        logarithm(z, 10, prec);
        return EVAL_OK;
    case FN_LOG:
        logarithm(z, s->env->log_base, prec);
        return EVAL_OK;
    case FN_GAMMA:
        return gamma_of(z, prec);
    case FN_ABS:
        return absolute(z, prec);
    case FN_FLOOR:
    case FN_CEIL:
        return rounded(s, math_kid(s->t, id, 0), z, fn == FN_CEIL, prec);
    case FN_SIGN:
        acb_sgn(z, z, prec);
        return EVAL_OK;
    case FN_RE:
        arb_zero(acb_imagref(z));
        return EVAL_OK;
    case FN_IM:
        acb_set_arb(z, acb_imagref(z));
        return EVAL_OK;
    case FN_CONJ:
        acb_conj(z, z);
        return EVAL_OK;
    case FN_ARG:
        acb_arg(acb_realref(z), z, prec);
        arb_zero(acb_imagref(z));
        return EVAL_OK;
    default:
        return analytic(fn, z, prec);
    }
}

/* Of a number beyond 2^(2^40) */
static math_eval function_of_huge(math_fn fn, acb_t z)
{
    const int sign = huge_sign(z);
    switch ((int)fn) {
    case FN_FLOOR:
    case FN_CEIL:
    case FN_RE:
    case FN_CONJ:
        return EVAL_HUGE;
    case FN_ABS:
        arb_abs(acb_realref(z), acb_realref(z));
        return EVAL_HUGE;
    case FN_SIGN:
        acb_set_si(z, sign);
        return EVAL_OK;
    case FN_IM:
        acb_zero(z);
        return EVAL_OK;
    case FN_EXP:
        if (sign < 0) {
            make_tiny(z);
            return EVAL_OK;
        }
        return EVAL_HUGE;
    case FN_GAMMA:
    case FN_SINH:
    case FN_COSH:
        return sign > 0 ? EVAL_HUGE : EVAL_BUDGET;
    default:
        return EVAL_BUDGET;
    }
}

/* max, min */
static math_eval of_extreme(const value_scope *s, math_id id, acb_t out, bool most, slong prec)
{
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    acb_t next;
    acb_init(next);
    for (uint32_t i = 1; i < math_at(s->t, id)->n && e == EVAL_OK; i++) {
        e = value_acb(s, math_kid(s->t, id, i), next, prec);
        if (e == EVAL_OK && (!is_real(next) || !is_real(out)))
            e = EVAL_OUTSIDE;
        if (e == EVAL_OK)
            (most ? arb_max : arb_min)(acb_realref(out), acb_realref(out), acb_realref(next), prec);
    }
    acb_clear(next);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

static math_eval of_exact(const value_scope *s, math_id id, acb_t out, slong prec)
{
    fmpq_t x;
    fmpq_init(x);
    math_eval e = value_q(s, id, x);
    if (e == EVAL_OK)
        acb_set_fmpq(out, x, prec);
    fmpq_clear(x);
    return e;
}

static math_eval of_function(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const math_node *x = math_at(s->t, id);
    if (x->n == 0 || x->op >= FN_COUNT || !pay_function(s, prec))
        return x->n == 0 ? EVAL_OUTSIDE : EVAL_BUDGET;
    if (x->op == FN_MAX || x->op == FN_MIN)
        return of_extreme(s, id, out, x->op == FN_MAX, prec);
    if (x->op == FN_GCD || x->op == FN_LCM || x->op == FN_PHI)
        return of_exact(s, id, out, prec);
    if (x->n != 1)
        return EVAL_OUTSIDE;
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    if (e == EVAL_HUGE)
        return function_of_huge((math_fn)x->op, out);
    return e == EVAL_OK ? function_of(s, id, out, prec) : e;
}

static math_eval of_log(const value_scope *s, math_id id, acb_t out, slong prec)
{
    acb_t base;
    acb_init(base);
    math_eval e =
        pay_function(s, prec) ? value_acb(s, math_kid(s->t, id, 1), out, prec) : EVAL_BUDGET;
    if (e == EVAL_OK)
        e = value_acb(s, math_kid(s->t, id, 0), base, prec);
    if (e == EVAL_OK && (acb_is_zero(base) || acb_is_one(base) || acb_is_zero(out)))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK) {
        analytic(FN_LN, out, prec);
        analytic(FN_LN, base, prec);
        acb_div(out, out, base, prec);
    }
    acb_clear(base);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

/* ---- factorials, binomials, residues ---- */

static math_eval of_factorial(const value_scope *s, math_id id, acb_t out, slong prec)
{
    if (!pay_function(s, prec))
        return EVAL_BUDGET;
    if (of_exact(s, id, out, prec) == EVAL_OK)
        return EVAL_OK;
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    const bool twice = math_at(s->t, id)->op == 2;
    if (e == EVAL_HUGE)
        return function_of_huge(FN_GAMMA, out);
    if (e != EVAL_OK)
        return e;
    acb_add_ui(out, out, 1, prec + 40);
    if (!twice)
        return gamma_of(out, prec);
    /* n!! > 2^(2^40) where (n!)^(1/2) is */
    return huge_gamma(out, 4) == EVAL_HUGE ? EVAL_HUGE : EVAL_BUDGET;
}

/* Gamma(n+1) / Gamma(k+1) / Gamma(n-k+1) */
static math_eval of_binomial(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const math_eval exact = of_exact(s, id, out, prec);
    if (exact == EVAL_OK || exact == EVAL_UNDEFINED)
        return exact;
    acb_t k, rest;
    acb_init(k);
    acb_init(rest);
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    if (e == EVAL_OK)
        e = value_acb(s, math_kid(s->t, id, 1), k, prec);
    if (e == EVAL_OK && !(below(acb_realref(out), 36) && below(acb_realref(k), 36) &&
                          below(acb_imagref(out), 10) && below(acb_imagref(k), 10)))
        e = EVAL_BUDGET;
    if (e == EVAL_OK && !value_spend(s, 100 + prec))
        e = EVAL_BUDGET;
    if (e == EVAL_OK) {
        const slong p = prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION;
        acb_sub(rest, out, k, p + 40);
        acb_add_ui(rest, rest, 1, p + 40);
        acb_add_ui(k, k, 1, p + 40);
        acb_add_ui(out, out, 1, p + 40);
        acb_gamma(out, out, p);
        acb_rgamma(k, k, p);
        acb_rgamma(rest, rest, p);
        acb_mul(out, out, k, p);
        acb_mul(out, out, rest, p);
    }
    acb_clear(k);
    acb_clear(rest);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

/* a - m floor(a/m), where the enclosure or a rational decides the floor */
static math_eval of_residue(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const math_eval exact = of_exact(s, id, out, prec);
    if (exact == EVAL_OK || exact == EVAL_UNDEFINED)
        return exact;
    acb_t m, k;
    acb_init(m);
    acb_init(k);
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    if (e == EVAL_OK)
        e = value_acb(s, math_kid(s->t, id, 1), m, prec);
    if (e == EVAL_OK && (!is_real(out) || !is_real(m)))
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK && acb_is_zero(m))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK) {
        acb_div(k, out, m, prec);
        arb_floor(acb_realref(k), acb_realref(k), prec);
        acb_mul(k, k, m, prec);
        acb_sub(out, out, k, prec);
    }
    acb_clear(m);
    acb_clear(k);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

/* ---- sums ---- */

/* Of a sum to infinity: rational + scale pi^k, or + scale e^x. */
static math_eval of_series(const value_scope *s, math_id id, acb_t out, slong prec)
{
    value_series v;
    value_series_init(&v);
    math_eval e = value_infinite_sum(s, id, &v);
    if (e == EVAL_OK) {
        acb_t part;
        acb_init(part);
        acb_set_fmpq(part, v.exponent, prec);
        if (v.pi) {
            acb_const_pi(part, prec);
            acb_pow_ui(part, part, (ulong)v.pi, prec);
        } else {
            e = exponential(part, prec);
        }
        acb_set_fmpq(out, v.scale, prec);
        acb_mul(part, part, out, prec);
        acb_set_fmpq(out, v.rational, prec);
        acb_add(out, out, part, prec);
        acb_clear(part);
    }
    value_series_fini(&v);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

static math_eval of_terms(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const bool product = math_at(s->t, id)->kind == M_PROD;
    value_range range;
    math_eval e = value_range_init(&range, s, id);
    if (e != EVAL_OK)
        return e == EVAL_BUDGET    ? of_exact(s, id, out, prec)
               : e == EVAL_OUTSIDE ? of_series(s, id, out, prec)
                                   : e;
    const value_scope inner = { s->t, s->env, &range.bound };
    acb_t term;
    acb_init(term);
    acb_set_si(out, product);
    for (; range.n > 0 && e == EVAL_OK; range.n--) {
        e = value_acb(&inner, math_kid(s->t, id, 0), term, prec);
        if (e == EVAL_OK)
            (product ? acb_mul : acb_add)(out, out, term, prec);
        fmpq_add_si(range.at, range.at, 1);
    }
    acb_clear(term);
    value_range_fini(&range);
    return e == EVAL_HUGE ? EVAL_BUDGET : e == EVAL_OK ? settled(out) : e;
}

/* ---- the whole ---- */

/* What has an exponent too long for a rational: 1e100000. */
static math_eval long_decimal(assay_str text, acb_t out, slong prec)
{
    fmpz_t mantissa, den, exponent;
    arb_t ten, power;
    fmpz_init(mantissa), fmpz_init(den), fmpz_init(exponent), arb_init(ten), arb_init(power);
    math_eval e = EVAL_BUDGET;
    if (value_decimal(text, mantissa, den, exponent)) {
        acb_t tail;
        acb_init(tail);
        arb_fmpz_div_fmpz(acb_realref(tail), mantissa, den, prec);
        arb_set_ui(ten, 10);
        arb_set_fmpz(power, exponent);
        e = real_power(out, ten, power, prec);
        if (e == EVAL_HUGE)
            e = mul_huge(out, true, tail, EVAL_OK);
        else if (e == EVAL_OK)
            acb_mul(out, out, tail, prec);
        acb_clear(tail);
    }
    fmpz_clear(mantissa), fmpz_clear(den), fmpz_clear(exponent), arb_clear(ten), arb_clear(power);
    return e;
}

static math_eval of_leaf(const value_scope *s, math_id id, acb_t out, slong prec)
{
    fmpq_t x;
    const uint8_t kind = math_at(s->t, id)->kind;
    const fmpq *known = kind == M_NUM || kind == M_BASE ? NULL : value_lookup(s, id);
    if (known) {
        acb_set_fmpq(out, known, prec);
        return EVAL_OK;
    }
    switch ((int)kind) {
    case M_E:
        acb_zero(out);
        arb_const_e(acb_realref(out), prec);
        return EVAL_OK;
    case M_I:
        acb_onei(out);
        return EVAL_OK;
    case M_SYM:
        return EVAL_OUTSIDE;
    default:
        break;
    }
    fmpq_init(x);
    const bool ok = math_number((math_side){ s->t, id }, x);
    if (ok)
        acb_set_fmpq(out, x, prec);
    fmpq_clear(x);
    return ok               ? EVAL_OK
           : kind == M_BASE ? EVAL_OUTSIDE
                            : long_decimal(math_text(s->t, id), out, prec);
}

static math_eval of_one(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const uint8_t kind = math_at(s->t, id)->kind;
    math_eval e =
        math_at(s->t, id)->n ? value_acb(s, math_kid(s->t, id, 0), out, prec) : EVAL_OUTSIDE;
    if (e != EVAL_OK && e != EVAL_HUGE)
        return e;
    if (kind == M_NEG) {
        e == EVAL_HUGE ? arb_neg(acb_realref(out), acb_realref(out)) : acb_neg(out, out);
        return e;
    }
    if (kind == M_UNIT || e == EVAL_HUGE)
        return kind == M_UNIT ? e : EVAL_BUDGET;
    if (kind == M_DEGREE) {
        arb_t pi;
        arb_init(pi);
        arb_const_pi(pi, prec);
        acb_mul_arb(out, out, pi, prec);
        arb_clear(pi);
    }
    acb_div_ui(out, out, kind == M_DEGREE ? 180 : 100, prec);
    return EVAL_OK;
}

math_eval value_acb(const value_scope *s, math_id id, acb_t out, slong prec)
{
    if (!pay(s, prec))
        return EVAL_BUDGET;
    switch ((int)math_at(s->t, id)->kind) {
    case M_NUM:
    case M_BASE:
    case M_SYM:
    case M_E:
    case M_I:
        return of_leaf(s, id, out, prec);
    case M_PI:
        acb_const_pi(out, prec);
        return EVAL_OK;
    case M_ADD:
    case M_MUL:
        return of_fold(s, id, out, prec);
    case M_DIV:
        return of_quotient(s, id, out, prec);
    case M_POW:
        return of_power(s, id, out, prec);
    case M_SQRT:
    case M_ROOT:
        return of_root(s, id, out, prec);
    case M_LOG:
        return of_log(s, id, out, prec);
    case M_NEG:
    case M_PERCENT:
    case M_DEGREE:
    case M_UNIT:
        return of_one(s, id, out, prec);
    case M_FUNC:
        return of_function(s, id, out, prec);
    case M_FACT:
        return of_factorial(s, id, out, prec);
    case M_BINOM:
        return of_binomial(s, id, out, prec);
    case M_MOD:
        return of_residue(s, id, out, prec);
    case M_SUM:
    case M_PROD:
        return of_terms(s, id, out, prec);
    case M_INT:
        return of_exact(s, id, out, prec);
    default:
        return EVAL_OUTSIDE;
    }
}
/* NOLINTEND(misc-no-recursion) */

math_eval math_eval_acb(math_side s, const math_env *env, acb_t out, slong precision)
{
    const value_scope scope = value_scope_of(s, env);
    math_eval e = value_acb(&scope, s.id, out, precision);
    if (e == EVAL_HUGE)
        arb_zero(acb_imagref(out));
    return e;
}
