/* rational.c -- one number out of tokens: decimals, fractions, mixed numbers, powers of ten, units.
 * Every number is charged to a budget of digits before it is evaluated, so the cost is bounded by
 * the text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/first/rational.h"

#include "math/first/units.h"

#include <stdlib.h>

static bool charge(math_reader *r, size_t digits)
{
    if (digits > MATH_DIGITS || digits > r->budget) {
        r->why = "the number has too many digits";
        return false;
    }
    r->budget -= (uint32_t)digits;
    return true;
}

/* digits[.digits][e[+-]digits] as the lexer wrote it. */
typedef struct decimal {
    char digits[MATH_DIGITS + 2]; /* without the point */
    size_t n;
    long shift; /* value = digits * 10^shift */
} decimal;

static bool split_decimal(math_reader *r, assay_str t, decimal *d)
{
    *d = (decimal){ .n = 0 };
    size_t i = 0;
    for (bool point = false; i < t.len && (pc_is_digit(t.data[i]) || t.data[i] == '.'); i++) {
        if (t.data[i] == '.') {
            point = true;
            continue;
        }
        if (d->n > MATH_DIGITS)
            return charge(r, d->n);
        d->digits[d->n++] = t.data[i];
        d->shift -= point;
    }
    long e = 0;
    bool negative = i + 1 < t.len && t.data[i + 1] == '-';
    for (i += 1; i < t.len; i++)
        if (pc_is_digit(t.data[i]) && e <= MATH_DIGITS)
            e = e * 10 + (t.data[i] - '0');
    d->shift += negative ? -e : e;
    d->digits[d->n] = 0;
    return charge(r, d->n + (size_t)labs(d->shift));
}

void math_times_ten_to(fmpq_t q, long n)
{
    fmpz_t p;
    fmpz_init(p);
    fmpz_set_ui(p, 10);
    fmpz_pow_ui(p, p, (ulong)labs(n));
    if (n >= 0)
        fmpq_mul_fmpz(q, q, p);
    else
        fmpq_div_fmpz(q, q, p);
    fmpz_clear(p);
}

static bool read_decimal(math_reader *r, uint32_t i, fmpq_t q)
{
    decimal d;
    if (kind_at(r, i) != T_NUM || !split_decimal(r, math_tok_text(&r->lx, i), &d) || d.n == 0)
        return false;
    fmpz_one(fmpq_denref(q));
    if (fmpz_set_str(fmpq_numref(q), d.digits, 10) != 0)
        return false;
    if (d.shift)
        math_times_ten_to(q, d.shift);
    return true;
}

static bool is_integer_token(const math_reader *r, uint32_t i)
{
    assay_str t = math_tok_text(&r->lx, i);
    if (kind_at(r, i) != T_NUM)
        return false;
    for (size_t k = 0; k < t.len; k++)
        if (!pc_is_digit(t.data[k]))
            return false;
    return true;
}

/* r->depth bounds every recursion below. NOLINTBEGIN(misc-no-recursion) */
static bool read_number(math_reader *r, range g, fmpq_t q);

static bool divide(math_reader *r, range a, range b, fmpq_t q)
{
    fmpq_t den;
    fmpq_init(den);
    bool ok = read_number(r, a, q) && read_number(r, b, den) && !fmpq_is_zero(den);
    if (ok)
        fmpq_div(q, q, den);
    fmpq_clear(den);
    return ok;
}

/* Integer part followed by a proper fraction of plain integers: 2\frac12, 2 1/2. */
static bool read_mixed(math_reader *r, uint32_t whole, uint32_t num, uint32_t den, fmpq_t q)
{
    if (!is_integer_token(r, whole) || !is_integer_token(r, num) || !is_integer_token(r, den))
        return false;
    fmpq_t a;
    fmpq_init(a);
    bool ok = divide(r, (range){ num, num + 1 }, (range){ den, den + 1 }, a) &&
              fmpz_cmp(fmpq_numref(a), fmpq_denref(a)) < 0 && read_decimal(r, whole, q);
    if (ok)
        fmpq_add(q, q, a);
    fmpq_clear(a);
    return ok;
}

/* [lo, hi) is 10^{n}: the exponent. */
static bool read_ten_power(math_reader *r, range g, long *n)
{
    if (g.hi < g.lo + 3 || !pc_is(math_tok_text(&r->lx, g.lo), "10") ||
        kind_at(r, g.lo + 1) != T_SUP)
        return false;
    range e = strip_groups(r, (range){ g.lo + 2, g.hi });
    bool negative = e.hi > e.lo && kind_at(r, e.lo) == T_MINUS;
    e.lo += negative || (e.hi > e.lo && kind_at(r, e.lo) == T_PLUS);
    e = strip_groups(r, e);
    if (e.hi != e.lo + 1 || !is_integer_token(r, e.lo))
        return false;
    assay_str t = math_tok_text(&r->lx, e.lo);
    *n = 0;
    for (size_t k = 0; k < t.len && *n <= MATH_DIGITS; k++)
        *n = *n * 10 + (t.data[k] - '0');
    if (!charge(r, (size_t)*n))
        return false;
    *n = negative ? -*n : *n;
    return true;
}

/* a \times 10^{n}, or 10^{n} alone. */
static bool read_scientific(math_reader *r, range g, fmpq_t q)
{
    long n;
    uint32_t times = find_outside(r, g, T_TIMES, T_TIMES);
    if (times == g.hi) {
        if (!read_ten_power(r, g, &n))
            return false;
        fmpq_one(q);
    } else if (!read_ten_power(r, (range){ times + 1, g.hi }, &n) ||
               !read_number(r, (range){ g.lo, times }, q)) {
        return false;
    }
    math_times_ten_to(q, n);
    return true;
}

/* FRAC {a} {b}, filling [lo, hi) exactly. */
static bool split_frac(const math_reader *r, range g, range *a, range *b)
{
    if (g.hi < g.lo + 7 || kind_at(r, g.lo) != T_FRAC || kind_at(r, g.lo + 1) != T_OPEN)
        return false;
    uint32_t mid = group_end(r, g.lo + 1, g.hi);
    if (mid >= g.hi || kind_at(r, mid) != T_OPEN || group_end(r, mid, g.hi) != g.hi)
        return false;
    *a = (range){ g.lo + 2, mid - 1 };
    *b = (range){ mid + 1, g.hi - 1 };
    return true;
}

static bool read_unsigned(math_reader *r, range g, fmpq_t q)
{
    range a, b;
    if (g.hi == g.lo + 1)
        return read_decimal(r, g.lo, q);
    if (split_frac(r, g, &a, &b))
        return divide(r, a, b, q);
    if (kind_at(r, g.lo) == T_NUM && split_frac(r, (range){ g.lo + 1, g.hi }, &a, &b))
        return a.hi == a.lo + 1 && b.hi == b.lo + 1 && read_mixed(r, g.lo, a.lo, b.lo, q);
    if (kind_at(r, g.lo) == T_PAREN_OPEN && kind_at(r, g.hi - 1) == T_PAREN_CLOSE &&
        group_end(r, g.lo, g.hi) == g.hi)
        return read_number(r, (range){ g.lo + 1, g.hi - 1 }, q);
    uint32_t slash = find_outside(r, g, T_SLASH, T_SLASH);
    if (slash == g.hi)
        return read_scientific(r, g, q);
    if (slash == g.lo + 2 && g.hi == slash + 2 && r->lx.tokens[g.lo + 1].spaced)
        return read_mixed(r, g.lo, g.lo + 1, slash + 1, q);
    b = (range){ slash + 1, g.hi };
    if (find_outside(r, b, T_SLASH, T_SLASH) < b.hi) /* a/b/c */
        return false;
    return divide(r, (range){ g.lo, slash }, b, q);
}

static bool read_number(math_reader *r, range g, fmpq_t q)
{
    if (r->depth >= MAX_NEST)
        return false;
    r->depth++;
    g = strip_groups(r, g);
    bool negative = g.hi > g.lo && kind_at(r, g.lo) == T_MINUS;
    g.lo += g.hi > g.lo && (negative || kind_at(r, g.lo) == T_PLUS);
    g = strip_groups(r, g);
    bool ok = g.hi > g.lo && kind_at(r, g.lo) != T_MINUS && kind_at(r, g.lo) != T_PLUS &&
              read_unsigned(r, g, q);
    if (ok && negative)
        fmpq_neg(q, q);
    r->depth--;
    return ok;
}

static void write_rational(const fmpq_t q, pc_buf *out)
{
    pc_buf_text(out, "q:");
    if (!COEFF_IS_MPZ(*fmpq_numref(q)) && !COEFF_IS_MPZ(*fmpq_denref(q))) {
        if (fmpz_is_one(fmpq_denref(q)))
            pc_buf_fmt(out, "%ld", (long)*fmpq_numref(q));
        else
            pc_buf_fmt(out, "%ld/%ld", (long)*fmpq_numref(q), (long)*fmpq_denref(q));
        return;
    }
    char *text = fmpq_get_str(NULL, 10, q);
    pc_buf_text(out, text);
    flint_free(text);
}

/* A number with what may stand around it: currency before, a unit, % or a degree sign after. */
bool math_read_scalar(math_reader *r, range g, pc_buf *out)
{
    g = strip_groups(r, g);
    range core = g;
    bool negative = false;
    pc_buf unit = { 0 };
    if (core.hi > core.lo + 1 && kind_at(r, core.lo) == T_MINUS &&
        kind_at(r, core.lo + 1) == T_MONEY) {
        negative = true;
        core.lo++;
    }
    if (core.hi > core.lo && kind_at(r, core.lo) == T_MONEY) {
        assay_str sign = math_tok_text(&r->lx, core.lo++);
        pc_buf_add(&unit, sign.data, sign.len);
    }
    pc_buf after = { 0 };
    core.hi = math_unit_start(&r->lx, core.lo, core.hi, &after);
    if (!unit.len)
        pc_buf_add(&unit, after.data, after.len); /* "$5 dollars": the sign is enough */
    fmpq_t q;
    fmpq_init(q);
    bool ok = core.hi > core.lo && read_number(r, core, q);
    if (ok) {
        if (negative)
            fmpq_neg(q, q);
        write_rational(q, out);
        if (unit.len) {
            pc_buf_byte(out, '|');
            pc_buf_add(out, unit.data, unit.len);
        }
    }
    fmpq_clear(q);
    pc_buf_fini(&unit);
    pc_buf_fini(&after);
    return ok;
}
/* NOLINTEND(misc-no-recursion) */
