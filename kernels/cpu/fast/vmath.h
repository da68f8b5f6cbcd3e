/* vmath.h -- exp, log and the logistic function of vectors: our own, so that no result depends on a
 * libm. SPDX-License-Identifier: Apache-2.0
 *
 * exp: x = n ln 2 + r, |r| <= ln 2 / 2; e^r by Taylor's polynomial of degree 7 (remainder < 6e-9
 * relative), 2^n through the exponent in two steps, so that results below 2^-126 round rather than
 * vanish, or by an instruction that does the same. log: x = 2^n m, sqrt(1/2) <= m < sqrt 2; with s
 * = (m-1)/(m+1), log m = 2 s (1 + s^2/3 + s^4/5 + ...). Both within 2 ulp of libm (tests/kernels).
 */
#ifndef K_FAST_VMATH_H
#define K_FAST_VMATH_H
#include "kernels/cpu/fast/level.h"

#define LN2_HIGH 0x1.62e4p-1f /* 15 bits: n * LN2_HIGH is exact */
#define LN2_LOW 0x1.7f7d1cp-20f

ALWAYS vi v_is_nan(vf x)
{
    return (vi)(x != x); // NOLINT(misc-redundant-expression): only a NaN is not itself
}

/* x 2^n: n whole, -252 <= n <= 254, or a NaN, which remains. */
ALWAYS vf v_times_two_to(vf x, vf n)
{
#if VL == 16
    return (vf)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
    const vi whole = __builtin_convertvector(v_pick(v_is_nan(n), v_set(0), n), vi),
             half = whole >> 1;
    return x * (vf)((half + 127) << 23) * (vf)((whole - half + 127) << 23);
#endif
}

/* NaN for NaN, 0 below -104, inf above 88.73. Where it is 0, as for what attention leaves out, e^0
 * is computed instead: a product that underflows costs the processor a hundred others. */
ALWAYS vf v_exp(vf x)
{
    const vf shift =
        v_set(0x1.8p23f); /* adding it rounds to a whole number, kept in the low bits */
    const vi vanishes = (vi)(x < -104.0f);
    const vf bound = v_pick(vanishes, v_set(0), v_min(v_set(90.0f), x));
    const vf z = v_fma(bound, v_set(0x1.715476p0f), shift);
    const vf n = z - shift;
    vf r = v_fma(n, v_set(-LN2_HIGH), bound);
    r = v_fma(n, v_set(-LN2_LOW), r);
    vf e = v_fma(r, v_set(1.0f / 5040), v_set(1.0f / 720));
    e = v_fma(e, r, v_set(1.0f / 120));
    e = v_fma(e, r, v_set(1.0f / 24));
    e = v_fma(e, r, v_set(1.0f / 6));
    e = v_fma(e, r, v_set(0.5f));
    e = v_fma(e * r, r, r) + 1.0f;
    return (vf)(~vanishes & (vi)v_times_two_to(e, n));
}

/* NaN below 0, -inf at 0, inf at inf. */
ALWAYS vf v_log(vf x)
{
    const vi is_small = (vi)(x < 0x1p-126f);
    const vf scaled = v_pick(is_small, x * 0x1p32f, x);
    const vi bits = (vi)scaled - 0x3f3504f3; /* of sqrt(1/2) */
    const vi n = (bits >> 23) - (is_small & 32);
    const vf m = (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    const vf s = m / (m + 2.0f), q = s * s;
    vf p = v_fma(q, v_set(2.0f / 9), v_set(2.0f / 7));
    p = v_fma(p, q, v_set(2.0f / 5));
    p = v_fma(p, q, v_set(2.0f / 3)) * q;
    /* log(1+m) = 2s + s p = m - m^2/2 + s (m^2/2 + p) */
    const vf half = m * m * 0.5f, k = __builtin_convertvector(n, vf);
    vf y = v_fma(s, half + p, k * LN2_LOW) - half;
    y = k * LN2_HIGH + (y + m);
    const vf inf = v_set(__builtin_inff());
    y = v_pick((vi)(x == inf), inf, v_pick((vi)(x == 0.0f), -inf, y));
    return v_pick((vi)(x < 0.0f) | v_is_nan(x), v_set(__builtin_nanf("")), y);
}

/* 1 / x of x >= 1, within 1 ulp; below 2^-126 it may be 0. */
ALWAYS vf v_inverse(vf x)
{
#if VL == 16 /* a division takes as long as the exponential before it */
    const vf y = (vf)_mm512_rcp14_ps((__m512)x); /* of 14 bits: Newton's step makes it 24 */
    return v_pick((vi)(x > 0x1p126f), v_set(0), v_fma(v_fma(-x, y, v_set(1)), y, y));
#else
    return 1.0f / x;
#endif
}

/* 1 / (1 + exp(-x)) */
ALWAYS vf v_sigmoid(vf x)
{
    return v_inverse(1.0f + v_exp(-x));
}

ALWAYS float s_exp(float x)
{
    return v_exp(v_set(x))[0];
}

ALWAYS float s_log(float x)
{
    return v_log(v_set(x))[0];
}
#endif
