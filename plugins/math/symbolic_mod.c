/* symbolic_mod.c -- expressions modulo p = 2^61 - 1 at pseudo-random points.
 *
 * The values lie in the field of p^2 elements, F_p(i): p is 3 modulo 4, so -1 has no root in F_p,
 * and every element of F_p has one in F_p(i). Square roots of different primes, i, and the unknowns
 * are independent, so any choice of those roots is a homomorphism from Q(x, y, ..., pi, i, sqrt 2,
 * ...) wherever no denominator vanishes: different values are a proof. It costs nanoseconds a node,
 * whatever the degree. Functions are values drawn by what they are applied to: agreement then means
 * that the sides are one fraction in the same functions, difference means nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

static const uint64_t P = (UINT64_C(1) << 61) - 1;

static uint64_t add(uint64_t x, uint64_t y)
{
    uint64_t s = x + y;
    return s >= P ? s - P : s;
}

static uint64_t sub(uint64_t x, uint64_t y)
{
    return x >= y ? x - y : x + P - y;
}

static uint64_t mul(uint64_t x, uint64_t y)
{
    __extension__ typedef unsigned __int128 wide;
    wide t = (wide)x * y;
    return add((uint64_t)t & P, (uint64_t)(t >> 61));
}

static uint64_t power(uint64_t x, uint64_t n)
{
    uint64_t r = 1;
    for (; n; n >>= 1, x = mul(x, x))
        if (n & 1)
            r = mul(r, x);
    return r;
}

static uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t mixed_text(uint64_t seed, assay_str text)
{
    for (size_t i = 0; i < text.len; i++)
        seed = (seed ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    return mixed(seed);
}

static uint64_t drawn(uint64_t seed, assay_str name)
{
    return mixed_text(seed, name) % P;
}

sym_mod sym_mod_minus(sym_mod x, sym_mod y)
{
    return (sym_mod){ sub(x.re, y.re), sub(x.im, y.im) };
}

static sym_mod plus(sym_mod x, sym_mod y)
{
    return (sym_mod){ add(x.re, y.re), add(x.im, y.im) };
}

sym_mod sym_mod_times(sym_mod x, sym_mod y)
{
    if ((x.im | y.im) == 0)
        return (sym_mod){ mul(x.re, y.re), 0 };
    return (sym_mod){ sub(mul(x.re, y.re), mul(x.im, y.im)),
                      add(mul(x.re, y.im), mul(x.im, y.re)) };
}

bool sym_mod_divide(sym_mod x, sym_mod y, sym_mod *out)
{
    uint64_t norm = add(mul(y.re, y.re), mul(y.im, y.im));
    if (norm == 0)
        return false;
    uint64_t inverse = power(norm, P - 2);
    sym_mod conjugate = { mul(y.re, inverse), mul(sub(0, y.im), inverse) };
    *out = sym_mod_times(x, conjugate);
    return true;
}

static bool raised(sym_mod x, int64_t n, sym_mod *out)
{
    if (n < 0 && !sym_mod_divide((sym_mod){ 1, 0 }, x, &x))
        return false;
    sym_mod r = { 1, 0 };
    for (uint64_t k = n < 0 ? 0 - (uint64_t)n : (uint64_t)n; k; k >>= 1, x = sym_mod_times(x, x))
        if (k & 1)
            r = sym_mod_times(r, x);
    *out = r;
    return true;
}

/* A root of x in F_p(i). For x = q1 q2 ... the product of the primes' roots must be meant, so x is
 * factored by the caller. */
static sym_mod root_of(uint64_t x)
{
    uint64_t s = power(x, (P + 1) / 4);
    if (mul(s, s) == x)
        return (sym_mod){ s, 0 };
    return (sym_mod){ 0, power(sub(0, x), (P + 1) / 4) }; /* -x has one, s; (i s)^2 = x */
}

static bool root_of_integer(int64_t n, sym_mod *out)
{
    sym_mod r = n < 0 ? (sym_mod){ 0, 1 } : (sym_mod){ 1, 0 };
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    if (rest > 1000000)
        return false;
    for (uint64_t q = 2; q * q <= rest; q++)
        for (; rest % q == 0; rest /= q)
            r = sym_mod_times(r, root_of(q));
    *out = rest == 0 ? (sym_mod){ 0, 0 }
                     : sym_mod_times(r, rest > 1 ? root_of(rest) : (sym_mod){ 1, 0 });
    return true;
}

/* Trees are no deeper than MATH_DEPTH, which bounds the recursions below.
 * NOLINTBEGIN(misc-no-recursion) */
bool sym_small_integer(math_side s, int64_t *out)
{
    const math_node *x = math_side_node(s);
    int64_t a, b;
    switch ((int)x->kind) {
    case M_NUM: {
        assay_str t = math_text(s.tree, s.id);
        if (t.len > 15)
            return false;
        a = 0;
        for (size_t i = 0; i < t.len; i++) {
            if (!pc_is_digit(t.data[i]))
                return false;
            a = a * 10 + (t.data[i] - '0');
        }
        *out = a;
        return true;
    }
    case M_NEG:
        if (!sym_small_integer(math_side_kid(s, 0), out))
            return false;
        *out = -*out;
        return true;
    case M_ADD:
    case M_MUL:
        if (!sym_small_integer(math_side_kid(s, 0), &a))
            return false;
        for (uint32_t i = 1; i < x->n; i++)
            if (!sym_small_integer(math_side_kid(s, i), &b) ||
                (x->kind == M_ADD ? __builtin_add_overflow(a, b, &a)
                                  : __builtin_mul_overflow(a, b, &a)))
                return false;
        *out = a;
        return a > -SYM_EXPONENT * INT64_C(1000000) && a < SYM_EXPONENT * INT64_C(1000000);
    default:
        return false;
    }
}

static math_eval number(math_side s, sym_mod *out)
{
    int64_t small;
    if (math_side_node(s)->kind == M_NUM && sym_small_integer(s, &small)) {
        *out = (sym_mod){ (uint64_t)small, 0 };
        return EVAL_OK;
    }
    fmpq_t q;
    fmpq_init(q);
    math_eval got = math_number(s, q) ? EVAL_OK : EVAL_BUDGET;
    if (got == EVAL_OK) {
        sym_mod n = { fmpz_fdiv_ui(fmpq_numref(q), P), 0 };
        sym_mod d = { fmpz_fdiv_ui(fmpq_denref(q), P), 0 };
        if (!sym_mod_divide(n, d, out))
            got = EVAL_OUTSIDE;
    }
    fmpq_clear(q);
    return got;
}

static math_eval folded(math_side s, sym_mod_point *at, sym_mod *out)
{
    const math_node *x = math_side_node(s);
    math_eval got = sym_mod_value(math_side_kid(s, 0), at, out);
    for (uint32_t i = 1; got == EVAL_OK && i < x->n; i++) {
        sym_mod more = { 0, 0 };
        got = sym_mod_value(math_side_kid(s, i), at, &more);
        if (got != EVAL_OK)
            break;
        *out = x->kind == M_ADD ? plus(*out, more) : sym_mod_times(*out, more);
    }
    return got;
}

static math_eval divided(math_side s, sym_mod_point *at, sym_mod *out)
{
    sym_mod below;
    math_eval got = sym_mod_value(math_side_kid(s, 0), at, out);
    if (got == EVAL_OK)
        got = sym_mod_value(math_side_kid(s, 1), at, &below);
    if (got == EVAL_OK && !sym_mod_divide(*out, below, out))
        got = EVAL_UNDEFINED;
    return got;
}

/* f(x): a value drawn by the name and the arguments' values, so the same where these are. */
static math_eval applied(math_side s, sym_mod_point *at, sym_mod *out)
{
    const math_node *x = math_side_node(s);
    uint64_t seed =
        mixed_text(at->seed ^ ((uint64_t)x->kind << 32 | x->op), math_text(s.tree, s.id));
    for (uint32_t i = 0; i < x->n; i++) {
        sym_mod arg;
        math_eval got = sym_mod_value(math_side_kid(s, i), at, &arg);
        if (got != EVAL_OK)
            return got;
        seed = mixed(mixed(seed ^ arg.re) ^ arg.im);
    }
    if (x->kind == M_APPLY)
        at->has_apply = true;
    else
        at->has_functions = true;
    *out = (sym_mod){ seed % P, 0 };
    return EVAL_OK;
}

static math_eval powered(math_side s, sym_mod_point *at, sym_mod *out)
{
    int64_t n;
    if (!sym_small_integer(math_side_kid(s, 1), &n))
        return applied(s, at, out);
    math_eval got = sym_mod_value(math_side_kid(s, 0), at, out);
    if (got != EVAL_OK)
        return got;
    bool is_zero = (out->re | out->im) == 0;
    if (is_zero && n <= 0)
        return EVAL_UNDEFINED;
    return raised(*out, n, out) ? EVAL_OK : EVAL_UNDEFINED;
}

static math_eval root(math_side s, sym_mod_point *at, sym_mod *out)
{
    int64_t n;
    if (!sym_small_integer(math_side_kid(s, 0), &n) || !root_of_integer(n, out))
        return applied(s, at, out);
    at->has_i = at->has_i || n < 0;
    return EVAL_OK;
}

static math_eval scaled(math_side s, sym_mod_point *at, sym_mod *out)
{
    const bool is_degree = math_side_node(s)->kind == M_DEGREE;
    math_eval got = sym_mod_value(math_side_kid(s, 0), at, out);
    if (got == EVAL_OK && !sym_mod_divide(*out, (sym_mod){ is_degree ? 180 : 100, 0 }, out))
        got = EVAL_UNDEFINED;
    if (got == EVAL_OK && is_degree) {
        at->has_pi = true;
        *out = sym_mod_times(*out, (sym_mod){ drawn(at->seed, PC_LIT("\\pi")), 0 });
    }
    return got;
}

math_eval sym_mod_value(math_side s, sym_mod_point *at, sym_mod *out)
{
    math_eval got;
    switch ((int)math_side_node(s)->kind) {
    case M_NUM:
    case M_BASE:
        return number(s, out);
    case M_SYM:
        *out = (sym_mod){ drawn(at->seed, math_text(s.tree, s.id)), 0 };
        return EVAL_OK;
    case M_PI:
        at->has_pi = true;
        *out = (sym_mod){ drawn(at->seed, PC_LIT("\\pi")), 0 };
        return EVAL_OK;
    case M_E:
        at->has_e = true;
        *out = (sym_mod){ drawn(at->seed, PC_LIT("\\e")), 0 };
        return EVAL_OK;
    case M_I:
        at->has_i = true;
        *out = (sym_mod){ 0, 1 };
        return EVAL_OK;
    case M_ADD:
    case M_MUL:
        return folded(s, at, out);
    case M_NEG:
        got = sym_mod_value(math_side_kid(s, 0), at, out);
        if (got == EVAL_OK)
            *out = sym_mod_minus((sym_mod){ 0, 0 }, *out);
        return got;
    case M_DIV:
        return divided(s, at, out);
    case M_POW:
        return powered(s, at, out);
    case M_SQRT:
        return root(s, at, out);
    case M_PERCENT:
    case M_DEGREE:
        return scaled(s, at, out);
    case M_UNIT:
        return sym_mod_value(math_side_kid(s, 0), at, out);
    case M_ROOT:
    case M_FUNC:
    case M_LOG:
    case M_FACT:
    case M_BINOM:
    case M_MOD:
    case M_APPLY:
        return applied(s, at, out);
    default:
        return EVAL_OUTSIDE;
    }
}
/* NOLINTEND(misc-no-recursion) */
