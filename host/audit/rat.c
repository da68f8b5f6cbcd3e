/* rat.c -- small exact rationals, every operation in 128 bits and reduced.
 * SPDX-License-Identifier: Apache-2.0 */
#include "audit/rat.h"

__extension__ typedef __int128 i128;

static const i128 LARGEST = (i128)1 << 62;

static i128 gcd(i128 a, i128 b)
{
    while (b != 0) {
        i128 r = a % b;
        a = b;
        b = r;
    }
    return a < 0 ? -a : a;
}

static as_rat reduced(i128 p, i128 q)
{
    if (q == 0)
        return (as_rat){ 0, 0 };
    i128 g = gcd(p, q);
    if (q < 0)
        g = -g;
    p /= g;
    q /= g;
    if (p >= LARGEST || p <= -LARGEST || q >= LARGEST)
        return (as_rat){ 0, 0 };
    return (as_rat){ (int64_t)p, (int64_t)q };
}

as_rat as_rat_of(int64_t p, int64_t q)
{
    return reduced(p, q);
}

/* An invalid operand has q == 0, so every product below has too. |p q| < 2^124: the sums fit. */
as_rat as_rat_add(as_rat a, as_rat b)
{
    return reduced((i128)a.p * b.q + (i128)b.p * a.q, (i128)a.q * b.q);
}

as_rat as_rat_neg(as_rat a)
{
    return (as_rat){ -a.p, a.q };
}

as_rat as_rat_sub(as_rat a, as_rat b)
{
    return as_rat_add(a, as_rat_neg(b));
}

as_rat as_rat_mul(as_rat a, as_rat b)
{
    return reduced((i128)a.p * b.p, (i128)a.q * b.q);
}

as_rat as_rat_div(as_rat a, as_rat b)
{
    if (a.q == 0 || b.q == 0)
        return (as_rat){ 0, 0 };
    return reduced((i128)a.p * b.q, (i128)a.q * b.p);
}

int as_rat_cmp(as_rat a, as_rat b)
{
    i128 left = (i128)a.p * b.q, right = (i128)b.p * a.q;
    return (left > right) - (left < right);
}

/* ---- as decimals ---- */

int as_rat_places(as_rat a)
{
    int twos = 0, fives = 0;
    int64_t q = a.q;
    if (q == 0)
        return -1;
    for (; q % 2 == 0; q /= 2)
        twos++;
    for (; q % 5 == 0; q /= 5)
        fives++;
    int places = twos > fives ? twos : fives;
    return q == 1 && places <= 18 ? places : -1;
}

static int64_t power_of_ten(int n)
{
    int64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

bool as_rat_decimal(as_buf *out, as_rat a, int places, bool is_rounded, as_rat *written)
{
    if (a.q == 0 || places < 0 || places > 18)
        return false;
    int64_t scale = power_of_ten(places);
    i128 p = a.p < 0 ? -(i128)a.p : a.p;
    i128 scaled = p * scale;
    i128 n = is_rounded ? (2 * scaled + a.q) / (2 * (i128)a.q) : scaled / a.q;
    as_rat value = reduced(a.p < 0 ? -n : n, scale);
    if (n >= LARGEST || value.q == 0)
        return false;
    if (written)
        *written = value;
    if (a.p < 0 && n != 0)
        as_buf_byte(out, '-');
    as_buf_u64(out, (uint64_t)(n / scale));
    if (places > 0)
        as_buf_addf(out, ".%0*lld", places, (long long)(n % scale));
    return true;
}

bool as_rat_repeating(as_buf *out, as_rat a, int longest)
{
    enum { MOST = 24 };
    char digits[MOST];
    i128 left[MOST + 1];
    int n = 0, start = -1;
    if (a.q == 0)
        return false;
    i128 p = a.p < 0 ? -(i128)a.p : a.p;
    i128 rest = p % a.q;
    while (rest != 0 && n < MOST && start < 0) {
        left[n] = rest;
        digits[n++] = (char)('0' + (int)(rest * 10 / a.q));
        rest = rest * 10 % a.q;
        for (int i = 0; i < n && start < 0; i++)
            start = left[i] == rest ? i : -1;
    }
    if (start < 0 || n - start > longest)
        return false;
    as_buf_addf(out, "%s%lld.%.*s\\overline{%.*s}", a.p < 0 ? "-" : "", (long long)(p / a.q), start,
                digits, n - start, digits + start);
    return true;
}
