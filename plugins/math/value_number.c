/* value_number.c -- numbers as they are written: decimals, repeating parts, exponents, other bases.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

enum {
    CHUNK = 18,            /* decimal digits that fit a machine word */
    EXPONENT_DIGITS = 18,  /* of an exponent as written */
    EXPONENT_EXACT = 19000 /* 10 to this has fewer than MATH_BITS bits */
};

/* z = z * 10^n + the digits; other characters are skipped. */
static void append_digits(fmpz_t z, assay_str digits)
{
    ulong word = 0, scale = 1;
    uint32_t n = 0;
    for (size_t k = 0; k < digits.len; k++) {
        if (!pc_is_digit(digits.data[k]))
            continue;
        word = word * 10 + (ulong)(digits.data[k] - '0');
        scale *= 10;
        if (++n == CHUNK) {
            fmpz_mul_ui(z, z, scale);
            fmpz_add_ui(z, z, word);
            word = 0, scale = 1, n = 0;
        }
    }
    if (n) {
        fmpz_mul_ui(z, z, scale);
        fmpz_add_ui(z, z, word);
    }
}

static void ten_to(fmpz_t z, ulong n)
{
    fmpz_set_ui(z, 10);
    fmpz_pow_ui(z, z, n);
}

static size_t digits_of(assay_str s)
{
    size_t n = 0;
    for (size_t k = 0; k < s.len; k++)
        n += pc_is_digit(s.data[k]);
    return n;
}

/* The pieces of "12.5(37)e-3". */
typedef struct decimal {
    assay_str whole, fraction, repeat, exponent;
    bool exponent_negative;
} decimal;

static decimal split(assay_str s)
{
    decimal d = { .whole = { "", 0 } };
    size_t e = 0, open, point = 0;
    while (e < s.len && s.data[e] != 'e' && s.data[e] != 'E')
        e++;
    d.exponent = pc_from(s, e + 1);
    if (d.exponent.len && pc_in(d.exponent.data[0], "+-")) {
        d.exponent_negative = d.exponent.data[0] == '-';
        d.exponent = pc_from(d.exponent, 1);
    }
    for (open = 0; open < e && s.data[open] != '(';)
        open++;
    d.repeat = pc_slice(s, open, e);
    while (point < open && s.data[point] != '.')
        point++;
    d.whole = pc_slice(s, 0, point);
    d.fraction = pc_slice(s, point, open);
    return d;
}

bool value_decimal(assay_str text, fmpz_t mantissa, fmpz_t den, fmpz_t exponent)
{
    decimal d = split(text);
    if (text.len > MATH_DIGITS + EXPONENT_DIGITS || digits_of(d.exponent) > EXPONENT_DIGITS)
        return false;
    fmpz_zero(mantissa);
    fmpz_zero(exponent);
    append_digits(mantissa, d.whole);
    append_digits(mantissa, d.fraction);
    append_digits(exponent, d.exponent);
    if (d.exponent_negative)
        fmpz_neg(exponent, exponent);
    fmpz_one(den);
    size_t places = digits_of(d.fraction), period = digits_of(d.repeat);
    if (places)
        ten_to(den, places);
    if (period) { /* 0.1(6) = (16 - 1) / 90 */
        fmpz_t without, nines;
        fmpz_init_set(without, mantissa);
        fmpz_init(nines);
        append_digits(mantissa, d.repeat);
        fmpz_sub(mantissa, mantissa, without);
        ten_to(nines, period);
        fmpz_sub_ui(nines, nines, 1);
        fmpz_mul(den, den, nines);
        fmpz_clear(without);
        fmpz_clear(nines);
    }
    return true;
}

static bool decimal_q(assay_str text, fmpq_t out)
{
    fmpz_t exponent, power;
    fmpz_init(exponent);
    fmpz_init(power);
    bool ok = value_decimal(text, fmpq_numref(out), fmpq_denref(out), exponent);
    if (ok && fmpz_is_zero(fmpq_numref(out))) {
        fmpz_one(fmpq_denref(out));
    } else if (ok && fmpz_cmpabs(exponent, (fmpz[]){ EXPONENT_EXACT }) > 0) {
        ok = false;
    } else if (ok) {
        slong e = fmpz_get_si(exponent);
        fmpz *side = e < 0 ? fmpq_denref(out) : fmpq_numref(out);
        if (e) {
            ten_to(power, (ulong)(e < 0 ? -e : e));
            fmpz_mul(side, side, power);
        }
        fmpq_canonicalise(out);
    }
    if (!ok)
        fmpq_zero(out);
    fmpz_clear(exponent);
    fmpz_clear(power);
    return ok;
}

static unsigned digit_value(char c)
{
    if (pc_is_digit(c))
        return (unsigned)(c - '0');
    return pc_is_alpha(c) ? (unsigned)(pc_lower(c) - 'a') + 10 : 99;
}

/* 2b.8 to base 16: digits, at most one point; false also for a digit the base has not. */
static bool based_q(assay_str text, unsigned base, fmpq_t out)
{
    bool point = false;
    fmpq_zero(out);
    if (base < 2 || base > 36 || text.len == 0 || text.len > MATH_DIGITS)
        return false;
    for (size_t k = 0; k < text.len; k++) {
        if (text.data[k] == '.' && !point) {
            point = true;
            continue;
        }
        unsigned digit = digit_value(text.data[k]);
        if (digit >= base)
            return false;
        fmpz_mul_ui(fmpq_numref(out), fmpq_numref(out), base);
        fmpz_add_ui(fmpq_numref(out), fmpq_numref(out), digit);
        if (point)
            fmpz_mul_ui(fmpq_denref(out), fmpq_denref(out), base);
    }
    fmpq_canonicalise(out);
    return true;
}

/* Almost every number is a few digits: no big arithmetic for those. */
static bool short_integer(assay_str s, fmpq_t out)
{
    slong value = 0;
    if (s.len == 0 || s.len > CHUNK)
        return false;
    for (size_t k = 0; k < s.len; k++) {
        if (!pc_is_digit(s.data[k]))
            return false;
        value = value * 10 + (s.data[k] - '0');
    }
    fmpz_set_si(fmpq_numref(out), value);
    fmpz_one(fmpq_denref(out));
    return true;
}

bool math_number(math_side s, fmpq_t out)
{
    assay_str text = math_text(s.tree, s.id);
    if (math_side_node(s)->kind == M_BASE)
        return based_q(text, math_side_node(s)->op, out);
    return short_integer(text, out) || decimal_q(text, out);
}
