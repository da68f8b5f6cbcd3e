/* value_number.c -- integers of any size and floats, as text: read, compared, reduced. Digits are
 * never turned into a number by a method that is slower than its text is long, but for comparing a
 * decimal with a hexadecimal that is equal to it already by its residues.
 * SPDX-License-Identifier: Apache-2.0 */
#include "value_inner.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* ---- reading ---- */

static bool is_digit(char c, bool hex)
{
    return (c >= '0' && c <= '9') || (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
}

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

static void drop(asbx_text *t, size_t n)
{
    t->data += n;
    t->len -= n;
}

bool value_int_of(asbx_text t, value_int *out)
{
    *out = (value_int){ .negative = t.len > 0 && t.data[0] == '-' };
    if (out->negative)
        drop(&t, 1);
    out->hex = t.len > 2 && t.data[0] == '0' && (t.data[1] | 0x20) == 'x';
    if (out->hex)
        drop(&t, 2);
    if (t.len == 0)
        return false;
    for (size_t i = 0; i < t.len; i++)
        if (!is_digit(t.data[i], out->hex))
            return false;
    while (t.len > 0 && t.data[0] == '0')
        drop(&t, 1);
    out->digits = t;
    out->negative = out->negative && t.len > 0;
    return true;
}

enum { LONGEST_FLOAT = 63 };

/* strtod() in the C locale: a program that embeds us may have a decimal comma. */
static double to_double(const char *text, char **end)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant of the C library's */
    return strtod_l(text, end, c);
}

bool value_float_of(asbx_text t, double *out)
{
    static const char letters[] = "0123456789abcdefxABCDEFX+-.p";
    char text[LONGEST_FLOAT + 1], *end;
    asbx_text bare = t;
    if (t.len == 0 || t.len > LONGEST_FLOAT)
        return false;
    memcpy(text, t.data, t.len);
    text[t.len] = 0;
    if (bare.data[0] == '-')
        drop(&bare, 1);
    bool named = bare.len == 3 && (memcmp(bare.data, "inf", 3) == 0 ||
                                   (bare.len == t.len && memcmp(bare.data, "nan", 3) == 0));
    if (!named &&
        (bare.len == 0 || !is_digit(bare.data[0], false) || strspn(text, letters) != t.len))
        return false;
    *out = to_double(text, &end);
    return *end == 0;
}

/* ---- residues ---- */

uint64_t value_int_residue(const value_int *a, uint64_t modulus)
{
    const uint64_t base = a->hex ? 16 : 10;
    const unsigned at_once = a->hex ? 15 : 18;
    uint64_t r = 0;
    for (size_t i = 0; i < a->digits.len;) {
        uint64_t part = 0, scale = 1;
        for (unsigned k = 0; k < at_once && i < a->digits.len; k++, i++) {
            part = part * base + digit(a->digits.data[i]);
            scale *= base;
        }
        r = (uint64_t)(((wide)r * scale + part) % modulus);
    }
    return r;
}

/* |d| as mantissa * 2^exponent, both whole. */
static uint64_t split(double d, int *exponent)
{
    double m = ldexp(frexp(fabs(d), exponent), 53);
    *exponent -= 53;
    uint64_t mantissa = (uint64_t)m;
    while (mantissa && !(mantissa & 1)) {
        mantissa >>= 1;
        ++*exponent;
    }
    return mantissa;
}

uint64_t value_double_residue(double d, uint64_t modulus)
{
    int exponent;
    uint64_t r = split(d, &exponent) % modulus;
    for (; r && exponent > 0; exponent--)
        r = (uint64_t)(((wide)r * 2) % modulus);
    return r;
}

/* ---- equality ---- */

static bool same_digits(asbx_text a, asbx_text b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.data[i] != b.data[i] && digit(a.data[i]) != digit(b.data[i]))
            return false;
    return true;
}

/* Decimal digits as limbs, the lowest first; the number of limbs. */
enum { MOST_DIGITS = 38000, LIMBS = MOST_DIGITS / 19 + 1 };
static size_t limbs_of(asbx_text digits, uint64_t out[LIMBS])
{
    size_t n = 0;
    for (size_t i = 0; i < digits.len;) {
        uint64_t part = 0, scale = 1;
        for (unsigned k = 0; k < 18 && i < digits.len; k++, i++) {
            part = part * 10 + digit(digits.data[i]);
            scale *= 10;
        }
        wide carry = part;
        for (size_t j = 0; j < n; j++) {
            carry += (wide)out[j] * scale;
            out[j] = (uint64_t)carry;
            carry >>= 64;
        }
        if (carry)
            out[n++] = (uint64_t)carry;
    }
    return n;
}

static bool limbs_are(const uint64_t *limbs, size_t n, asbx_text hex)
{
    if (hex.len > n * 16 || hex.len + 16 <= n * 16)
        return false;
    for (size_t i = 0; i < hex.len; i++) {
        size_t place = hex.len - 1 - i;
        if (((limbs[place / 16] >> (place % 16 * 4)) & 15) != digit(hex.data[i]))
            return false;
    }
    return true;
}

/* Of one sign. Most pairs are told apart by their lengths (log2(10) / 4 = 0.8304...), then by two
 * residues; numbers too long for the quadratic conversion are equal by these: two moduli that are
 * prime, and wrong once in 2^120. */
static bool decimal_is_hex(const value_int *decimal, const value_int *hex)
{
    const uint64_t p = (UINT64_C(1) << 61) - 1, q = UINT64_C(0x7fffffffffffffe7);
    uint64_t limbs[LIMBS];
    double d = (double)decimal->digits.len, h = (double)hex->digits.len;
    if (h < (d - 1) * 0.83 || h > d * 0.8305 + 1)
        return false;
    if (value_int_residue(decimal, p) != value_int_residue(hex, p) ||
        value_int_residue(decimal, q) != value_int_residue(hex, q))
        return false;
    if (decimal->digits.len > MOST_DIGITS)
        return true;
    return limbs_are(limbs, limbs_of(decimal->digits, limbs), hex->digits);
}

bool value_int_equal(const value_int *a, const value_int *b)
{
    if (a->negative != b->negative || !a->digits.len != !b->digits.len)
        return false;
    if (!a->digits.len)
        return true;
    if (a->hex == b->hex)
        return same_digits(a->digits, b->digits);
    return a->hex ? decimal_is_hex(b, a) : decimal_is_hex(a, b);
}

bool value_int_is(const value_int *a, double d)
{
    enum { MOST = 300 }; /* the largest float has 256 hexadecimal digits */
    char text[MOST];
    int exponent;
    size_t n = 0;
    if (!isfinite(d) || d != trunc(d))
        return false;
    uint64_t m = split(d, &exponent);
    m <<= m && exponent > 0 ? exponent % 4 : 0; /* at most 56 bits */
    for (int shift = 60; shift >= 0; shift -= 4)
        if (n || (m >> shift) & 15)
            text[n++] = "0123456789abcdef"[(m >> shift) & 15];
    for (int i = 0; m && i < exponent / 4; i++)
        text[n++] = '0';
    const value_int b = { .negative = d < 0, .hex = true, .digits = { text, n } };
    return value_int_equal(a, &b);
}

double value_int_double(const value_int *a)
{
    enum { MOST = 310 }; /* decimal digits of the largest float, and one more */
    char text[MOST + 8], *end;
    size_t n = 0;
    if (!a->digits.len)
        return 0;
    if (a->digits.len >= MOST)
        return a->negative ? -HUGE_VAL : HUGE_VAL;
    if (a->negative)
        text[n++] = '-';
    if (a->hex) {
        text[n++] = '0';
        text[n++] = 'x';
    }
    memcpy(text + n, a->digits.data, a->digits.len);
    text[n + a->digits.len] = 0;
    return to_double(text, &end);
}
