/* value_q.c -- expressions whose value, and every value on the way, is rational: exact, and cheap
 * where the numbers are short. SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

enum {
    FACTORIAL_MOST = 5900, /* 5900! has 65,400 bits */
    DOUBLE_MOST = 10000,   /* of a double factorial: 59,000 bits */
    BINOMIAL_FACTORS = 1000,
    LOG_BITS = 4096,   /* of the numbers whose logarithm may be rational */
    TOTIENT_BITS = 48, /* of what is factored */
    STEPS_OF_TOTIENT = 500
};

/* Trees are no deeper than MATH_DEPTH (tree.h), which bounds every recursion in this file.
 * NOLINTBEGIN(misc-no-recursion) */

const fmpq *value_lookup(const value_scope *s, math_id id)
{
    const uint8_t kind = math_at(s->t, id)->kind;
    const assay_str name = math_text(s->t, id);
    for (const value_bound *b = s->bound; b; b = b->up)
        if (b->kind == kind && (kind != M_SYM || pc_eq(b->name, name)))
            return b->value;
    if (kind == M_SYM)
        for (uint32_t i = 0; i < s->env->n; i++)
            if (pc_eq(s->env->list[i].name, name))
                return s->env->list[i].value;
    return NULL;
}

static slong bits_of(const fmpq_t x)
{
    return (slong)(fmpz_bits(fmpq_numref(x)) + fmpz_bits(fmpq_denref(x)));
}

/* Pays for an operation on a and b, before it is done; false: too long or out of budget. */
static bool afford(const value_scope *s, const fmpq_t a, const fmpq_t b)
{
    if (!COEFF_IS_MPZ(*fmpq_numref(a)) && !COEFF_IS_MPZ(*fmpq_numref(b)) &&
        !COEFF_IS_MPZ(*fmpq_denref(a)) && !COEFF_IS_MPZ(*fmpq_denref(b)))
        return value_spend(s, 1);
    const slong x = bits_of(a) / FLINT_BITS, y = bits_of(b) / FLINT_BITS;
    if ((x + y) * FLINT_BITS > 4L * MATH_BITS)
        return false;
    const bool integers = fmpz_is_one(fmpq_denref(a)) && fmpz_is_one(fmpq_denref(b));
    return value_spend(s, 1 + (x + y) / 8 + (integers ? x * y / 128 : (x + y) * (x + y) / 256));
}

static bool too_long(const fmpq_t x)
{
    return (COEFF_IS_MPZ(*fmpq_numref(x)) && fmpz_bits(fmpq_numref(x)) > MATH_BITS) ||
           (COEFF_IS_MPZ(*fmpq_denref(x)) && fmpz_bits(fmpq_denref(x)) > MATH_BITS);
}

typedef void q_op(fmpq_t, const fmpq_t, const fmpq_t);

static math_eval applied(const value_scope *s, fmpq_t acc, const fmpq_t next, q_op *op)
{
    if (!afford(s, acc, next))
        return EVAL_BUDGET;
    op(acc, acc, next);
    return too_long(acc) ? EVAL_BUDGET : EVAL_OK;
}

/* All children joined from the left. */
static math_eval folded(const value_scope *s, math_id id, fmpq_t out, q_op *op)
{
    const uint32_t n = math_at(s->t, id)->n;
    if (n == 0)
        return EVAL_OUTSIDE;
    fmpq_t next;
    fmpq_init(next);
    math_eval e = value_q(s, math_kid(s->t, id, 0), out);
    for (uint32_t i = 1; i < n && e == EVAL_OK; i++) {
        e = value_q(s, math_kid(s->t, id, i), next);
        if (e == EVAL_OK)
            e = applied(s, out, next, op);
    }
    fmpq_clear(next);
    return e;
}

static void op_max(fmpq_t r, const fmpq_t a, const fmpq_t b)
{
    fmpq_set(r, fmpq_cmp(a, b) >= 0 ? a : b);
}
static void op_min(fmpq_t r, const fmpq_t a, const fmpq_t b)
{
    fmpq_set(r, fmpq_cmp(a, b) <= 0 ? a : b);
}
static void op_gcd(fmpq_t r, const fmpq_t a, const fmpq_t b)
{
    fmpq_gcd(r, a, b);
}
/* |a b| / gcd(a, b), 0 if one of them is */
static void op_lcm(fmpq_t r, const fmpq_t a, const fmpq_t b)
{
    if (fmpq_is_zero(a) || fmpq_is_zero(b)) {
        fmpq_zero(r);
        return;
    }
    fmpq_t g;
    fmpq_init(g);
    fmpq_gcd(g, a, b);
    fmpq_mul(r, a, b);
    fmpq_div(r, r, g);
    fmpq_abs(r, r);
    fmpq_clear(g);
}
static void op_floor(fmpq_t r, const fmpq_t a)
{
    fmpz_fdiv_q(fmpq_numref(r), fmpq_numref(a), fmpq_denref(a));
    fmpz_one(fmpq_denref(r));
}
static void op_ceil(fmpq_t r, const fmpq_t a)
{
    fmpz_cdiv_q(fmpq_numref(r), fmpq_numref(a), fmpq_denref(a));
    fmpz_one(fmpq_denref(r));
}
/* a - m floor(a/m) */
static void op_mod(fmpq_t r, const fmpq_t a, const fmpq_t m)
{
    fmpq_t k;
    fmpq_init(k);
    fmpq_div(k, a, m);
    op_floor(k, k);
    fmpq_mul(k, k, m);
    fmpq_sub(r, a, k);
    fmpq_clear(k);
}

/* ---- powers, roots, logarithms ---- */

/* base^n, n != 0 */
static math_eval integer_power(const value_scope *s, fmpq_t out, const fmpq_t base, const fmpz_t n)
{
    const slong num = (slong)fmpz_bits(fmpq_numref(base)),
                den = (slong)fmpz_bits(fmpq_denref(base));
    const slong most = num > den ? num : den;
    if (fmpz_is_zero(fmpq_numref(base))) {
        fmpq_zero(out);
        return fmpz_sgn(n) < 0 ? EVAL_UNDEFINED : EVAL_OK;
    }
    if (most <= 1) { /* 1 or -1 */
        fmpq_set_si(out, fmpz_sgn(fmpq_numref(base)) < 0 && fmpz_is_odd(n) ? -1 : 1, 1);
        return EVAL_OK;
    }
    /* 2^(most-1) <= the larger of |num|, den */
    if (fmpz_bits(n) > 20 || (most - 1) * FLINT_ABS(fmpz_get_si(n)) > MATH_BITS)
        return EVAL_BUDGET;
    const slong e = fmpz_get_si(n), words = most * FLINT_ABS(e) / FLINT_BITS;
    if (!value_spend(s, 2 + words + words * words / 1024))
        return EVAL_BUDGET;
    fmpq_pow_si(out, base, e);
    return too_long(out) ? EVAL_BUDGET : EVAL_OK;
}

/* The exact n-th root of |z|. */
static bool exact_root(fmpz_t out, const fmpz_t z, ulong n)
{
    if (fmpz_is_zero(z) || fmpz_is_pm1(z)) {
        fmpz_abs(out, z);
        return true;
    }
    if (n >= fmpz_bits(z))
        return false;
    fmpz_t a, back;
    fmpz_init(a);
    fmpz_init(back);
    fmpz_abs(a, z);
    fmpz_root(out, a, (slong)n);
    fmpz_pow_ui(back, out, n);
    const bool ok = fmpz_equal(back, a);
    fmpz_clear(a);
    fmpz_clear(back);
    return ok;
}

/* The root whose index is a positive integer: real for an odd index, of a negative number too. */
static math_eval rational_root(const value_scope *s, fmpq_t out, const fmpq_t x, const fmpz_t index)
{
    const int sign = fmpq_sgn(x);
    if (sign < 0 && fmpz_is_even(index))
        return EVAL_OUTSIDE;
    if (sign == 0 || (fmpz_is_pm1(fmpq_numref(x)) && fmpz_is_one(fmpq_denref(x)))) {
        fmpq_set(out, x);
        return EVAL_OK;
    }
    const slong words = bits_of(x) / FLINT_BITS;
    if (fmpz_bits(index) > 20 || !value_spend(s, 2 + 2 * words + words * words / 128))
        return EVAL_OUTSIDE;
    const ulong n = fmpz_get_ui(index);
    if (!exact_root(fmpq_numref(out), fmpq_numref(x), n) ||
        !exact_root(fmpq_denref(out), fmpq_denref(x), n))
        return EVAL_OUTSIDE;
    if (sign < 0)
        fmpz_neg(fmpq_numref(out), fmpq_numref(out));
    return EVAL_OK;
}

math_eval value_q_pow(const value_scope *s, fmpq_t out, const fmpq_t base, const fmpq_t exponent)
{
    const int sign = fmpq_sgn(exponent);
    if (fmpq_is_zero(base)) {
        fmpq_zero(out);
        return sign > 0 ? EVAL_OK : EVAL_UNDEFINED;
    }
    if (sign == 0) {
        fmpq_one(out);
        return EVAL_OK;
    }
    if (fmpz_is_one(fmpq_denref(exponent)))
        return integer_power(s, out, base, fmpq_numref(exponent));
    fmpq_t root;
    fmpq_init(root);
    math_eval e = rational_root(s, root, base, fmpq_denref(exponent));
    if (e == EVAL_OK)
        e = integer_power(s, out, root, fmpq_numref(exponent));
    fmpq_clear(root);
    return e;
}

/* x and y are powers of one rational > 1: it is left in both. Divides the larger by the smaller
 * until they meet; numbers with a common root get shorter each time, and whatever does not is none
 * of those. */
static bool common_root(const value_scope *s, fmpq_t x, fmpq_t y)
{
    while (!fmpq_equal(x, y)) {
        fmpq *larger = fmpq_cmp(x, y) > 0 ? x : y, *smaller = larger == x ? y : x;
        const slong before = bits_of(larger);
        if (!afford(s, x, y))
            return false;
        fmpq_div(larger, larger, smaller);
        if (bits_of(larger) >= before || fmpq_cmp_si(larger, 1) <= 0)
            return false;
    }
    return true;
}

/* x = root^n */
static slong exponent_of(const fmpq_t x, const fmpq_t root)
{
    slong n = 0;
    fmpq_t rest;
    fmpq_init(rest);
    for (fmpq_set(rest, x); !fmpq_is_one(rest); n++)
        fmpq_div(rest, rest, root);
    fmpq_clear(rest);
    return n;
}

math_eval value_q_log(const value_scope *s, fmpq_t out, const fmpq_t base, const fmpq_t arg)
{
    if (fmpq_is_zero(arg) || fmpq_is_zero(base) || fmpq_is_one(base))
        return EVAL_UNDEFINED;
    fmpq_zero(out);
    if (fmpq_is_one(arg))
        return EVAL_OK;
    if (fmpq_sgn(arg) < 0 || fmpq_sgn(base) < 0 || bits_of(arg) > LOG_BITS ||
        bits_of(base) > LOG_BITS)
        return EVAL_OUTSIDE;
    fmpq_t x, y, x0, y0;
    fmpq_init(x), fmpq_init(y), fmpq_init(x0), fmpq_init(y0);
    const bool x_up = fmpq_cmp_si(arg, 1) > 0, y_up = fmpq_cmp_si(base, 1) > 0;
    x_up ? fmpq_set(x0, arg) : fmpq_inv(x0, arg);
    y_up ? fmpq_set(y0, base) : fmpq_inv(y0, base);
    fmpq_set(x, x0);
    fmpq_set(y, y0);
    const bool ok = common_root(s, x, y);
    if (ok) {
        fmpz_set_si(fmpq_numref(out), exponent_of(x0, x));
        fmpz_set_si(fmpq_denref(out), exponent_of(y0, x));
        fmpq_canonicalise(out);
        if (x_up != y_up)
            fmpq_neg(out, out);
    }
    fmpq_clear(x), fmpq_clear(y), fmpq_clear(x0), fmpq_clear(y0);
    return ok ? EVAL_OK : EVAL_OUTSIDE;
}

/* ---- operations of two children ---- */

typedef math_eval pair_op(const value_scope *s, fmpq_t out, const fmpq_t a, const fmpq_t b);

static math_eval pair_div(const value_scope *s, fmpq_t out, const fmpq_t a, const fmpq_t b)
{
    if (fmpq_is_zero(b))
        return EVAL_UNDEFINED;
    if (!afford(s, a, b))
        return EVAL_BUDGET;
    fmpq_div(out, a, b);
    return too_long(out) ? EVAL_BUDGET : EVAL_OK;
}
static math_eval pair_root(const value_scope *s, fmpq_t out, const fmpq_t index, const fmpq_t x)
{
    if (fmpq_is_zero(index))
        return EVAL_UNDEFINED;
    fmpq_t inverse;
    fmpq_init(inverse);
    fmpq_inv(inverse, index);
    math_eval e = value_q_pow(s, out, x, inverse);
    fmpq_clear(inverse);
    return e;
}
static math_eval pair_mod(const value_scope *s, fmpq_t out, const fmpq_t a, const fmpq_t m)
{
    if (fmpq_is_zero(m))
        return EVAL_UNDEFINED;
    if (!afford(s, a, m))
        return EVAL_BUDGET;
    op_mod(out, a, m);
    return EVAL_OK;
}

/* n (n-1) ... (n-k+1) / k! for any rational n */
static math_eval generalised(const value_scope *s, fmpq_t out, const fmpq_t n, ulong k)
{
    if (k > BINOMIAL_FACTORS)
        return EVAL_BUDGET;
    fmpq_t top;
    fmpq_init(top);
    fmpq_set(top, n);
    fmpq_one(out);
    math_eval e = EVAL_OK;
    for (ulong i = 1; i <= k && e == EVAL_OK; i++) {
        e = applied(s, out, top, fmpq_mul);
        fmpq_div_fmpz(out, out, (fmpz[]){ (fmpz)i });
        fmpq_sub_ui(top, top, 1);
    }
    fmpq_clear(top);
    return e;
}

static math_eval pair_binom(const value_scope *s, fmpq_t out, const fmpq_t n, const fmpq_t k)
{
    if (!fmpz_is_one(fmpq_denref(k)))
        return EVAL_OUTSIDE;
    fmpq_zero(out);
    if (fmpq_sgn(k) < 0)
        return EVAL_OK;
    const bool natural = fmpz_is_one(fmpq_denref(n)) && fmpq_sgn(n) >= 0;
    if (natural && fmpz_cmp(fmpq_numref(k), fmpq_numref(n)) > 0)
        return EVAL_OK;
    if (fmpz_bits(fmpq_numref(k)) > 60)
        return EVAL_BUDGET;
    ulong few = fmpz_get_ui(fmpq_numref(k));
    if (!natural)
        return generalised(s, out, n, few);
    if (fmpz_bits(fmpq_numref(n)) > 60)
        return EVAL_BUDGET;
    const ulong top = fmpz_get_ui(fmpq_numref(n));
    few = few < top - few ? few : top - few;
    /* (n choose k) <= (n e / k)^k */
    const double bits = few ? (double)few * log2((double)top * 2.7183 / (double)few) : 0;
    if (bits > MATH_BITS || !value_spend(s, 2 + (int64_t)bits / 8))
        return EVAL_BUDGET;
    fmpz_bin_uiui(fmpq_numref(out), top, few);
    return EVAL_OK;
}

static math_eval of_pair(const value_scope *s, math_id id, fmpq_t out, pair_op *op)
{
    if (math_at(s->t, id)->n != 2)
        return EVAL_OUTSIDE;
    fmpq_t a, b;
    fmpq_init(a);
    fmpq_init(b);
    math_eval e = value_q(s, math_kid(s->t, id, 0), a);
    if (e == EVAL_OK)
        e = value_q(s, math_kid(s->t, id, 1), b);
    if (e == EVAL_OK)
        e = op(s, out, a, b);
    fmpq_clear(a);
    fmpq_clear(b);
    return e;
}

/* ---- operations of one number, in place ---- */

static math_eval factorial(const value_scope *s, fmpq_t x, bool twice)
{
    if (!fmpz_is_one(fmpq_denref(x)))
        return EVAL_OUTSIDE;
    if (fmpq_sgn(x) < 0) {
        if (!twice || !fmpz_equal_si(fmpq_numref(x), -1))
            return EVAL_UNDEFINED;
        fmpq_one(x); /* (-1)!! */
        return EVAL_OK;
    }
    if (fmpz_cmp_si(fmpq_numref(x), twice ? DOUBLE_MOST : FACTORIAL_MOST) > 0)
        return EVAL_BUDGET;
    const ulong n = fmpz_get_ui(fmpq_numref(x));
    if (!value_spend(s, 1 + (int64_t)(n / 4)))
        return EVAL_BUDGET;
    fmpz_one(fmpq_numref(x));
    if (!twice)
        fmpz_fac_ui(fmpq_numref(x), n);
    for (ulong k = n; twice && k > 1; k -= 2)
        fmpz_mul_ui(fmpq_numref(x), fmpq_numref(x), k);
    return EVAL_OK;
}

static math_eval totient(const value_scope *s, fmpq_t x)
{
    if (!fmpz_is_one(fmpq_denref(x)) || fmpq_sgn(x) <= 0)
        return EVAL_OUTSIDE;
    if (fmpz_bits(fmpq_numref(x)) > TOTIENT_BITS || !value_spend(s, STEPS_OF_TOTIENT))
        return EVAL_BUDGET;
    fmpz_set_ui(fmpq_numref(x), n_euler_phi(fmpz_get_ui(fmpq_numref(x))));
    return EVAL_OK;
}

static math_eval gamma_of(const value_scope *s, fmpq_t x)
{
    if (!fmpz_is_one(fmpq_denref(x)))
        return EVAL_OUTSIDE;
    if (fmpq_sgn(x) <= 0)
        return EVAL_UNDEFINED;
    fmpz_sub_ui(fmpq_numref(x), fmpq_numref(x), 1);
    return factorial(s, x, false);
}

/* The functions whose value at 0 or 1 is rational, and which are irrational at most other
 * rationals. */
static math_eval transcendental(math_fn fn, fmpq_t x)
{
    enum { NOTHING = 0, ZERO, ONE, POLE };
    static const uint8_t at_0[FN_COUNT] = {
        [FN_SIN] = ZERO,  [FN_TAN] = ZERO,   [FN_ASIN] = ZERO,  [FN_ATAN] = ZERO, [FN_SINH] = ZERO,
        [FN_TANH] = ZERO, [FN_ASINH] = ZERO, [FN_ATANH] = ZERO, [FN_ERF] = ZERO,  [FN_COS] = ONE,
        [FN_SEC] = ONE,   [FN_COSH] = ONE,   [FN_SECH] = ONE,   [FN_EXP] = ONE,   [FN_COT] = POLE,
        [FN_CSC] = POLE,  [FN_COTH] = POLE,  [FN_CSCH] = POLE,  [FN_LN] = POLE,   [FN_ASEC] = POLE,
        [FN_ACSC] = POLE, [FN_ARG] = POLE,
    };
    static const uint8_t at_1[FN_COUNT] = {
        [FN_LN] = ZERO, [FN_ACOS] = ZERO, [FN_ASEC] = ZERO, [FN_ACOSH] = ZERO, [FN_ATANH] = POLE,
    };
    uint8_t is = fmpq_is_zero(x) ? at_0[fn] : fmpq_is_one(x) ? at_1[fn] : NOTHING;
    if (fn == FN_ARG && fmpq_sgn(x) > 0)
        is = ZERO;
    if (is == NOTHING)
        return EVAL_OUTSIDE;
    fmpq_set_si(x, is == ONE, 1);
    return is == POLE ? EVAL_UNDEFINED : EVAL_OK;
}

static math_eval logarithm(const value_scope *s, fmpq_t x, unsigned base)
{
    if (base == 0)
        return transcendental(FN_LN, x);
    fmpq_t b, out;
    fmpq_init(b);
    fmpq_init(out);
    fmpq_set_si(b, (slong)base, 1);
    math_eval e = value_q_log(s, out, b, x);
    fmpq_swap(x, out);
    fmpq_clear(b);
    fmpq_clear(out);
    return e;
}

static math_eval function_of(const value_scope *s, math_fn fn, fmpq_t x)
{
    switch ((int)fn) {
    case FN_ABS:
        fmpq_abs(x, x);
        return EVAL_OK;
    case FN_FLOOR:
        op_floor(x, x);
        return EVAL_OK;
    case FN_CEIL:
        op_ceil(x, x);
        return EVAL_OK;
    case FN_SIGN:
        fmpq_set_si(x, fmpq_sgn(x), 1);
        return EVAL_OK;
    case FN_RE:
    case FN_CONJ:
        return EVAL_OK;
    case FN_IM:
        fmpq_zero(x);
        return EVAL_OK;
    case FN_GAMMA:
        return gamma_of(s, x);
    case FN_PHI:
        return totient(s, x);
    case FN_LG:
        return logarithm(s, x, 10);
    case FN_LOG:
        return logarithm(s, x, s->env->log_base);
    default:
        return transcendental(fn, x);
    }
}

static math_eval of_function(const value_scope *s, math_id id, fmpq_t out)
{
    const math_node *x = math_at(s->t, id);
    switch ((int)x->op) {
    case FN_MAX:
        return folded(s, id, out, op_max);
    case FN_MIN:
        return folded(s, id, out, op_min);
    case FN_GCD:
        return folded(s, id, out, op_gcd);
    case FN_LCM:
        return folded(s, id, out, op_lcm);
    default:
        break;
    }
    if (x->n != 1 || x->op >= FN_COUNT)
        return EVAL_OUTSIDE;
    math_eval e = value_q(s, math_kid(s->t, id, 0), out);
    return e == EVAL_OK ? function_of(s, (math_fn)x->op, out) : e;
}

/* ---- sums and products of terms ---- */

/* Of a sum to infinity, where it is rational. */
static math_eval of_series(const value_scope *s, math_id id, fmpq_t out)
{
    value_series v;
    value_series_init(&v);
    math_eval e = value_infinite_sum(s, id, &v);
    if (e == EVAL_OK && !fmpq_is_zero(v.scale))
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK)
        fmpq_set(out, v.rational);
    value_series_fini(&v);
    return e;
}

static math_eval of_terms(const value_scope *s, math_id id, fmpq_t out)
{
    const bool product = math_at(s->t, id)->kind == M_PROD;
    value_range range;
    math_eval e = value_range_init(&range, s, id);
    if (e == EVAL_BUDGET && !product)
        return value_q_integral(s, id, out);
    if (e != EVAL_OK)
        return e == EVAL_OUTSIDE ? of_series(s, id, out) : e;
    const value_scope inner = { s->t, s->env, &range.bound };
    fmpq_t term;
    fmpq_init(term);
    fmpq_set_si(out, product, 1);
    for (; range.n > 0 && e == EVAL_OK; range.n--) {
        e = value_q(&inner, math_kid(s->t, id, 0), term);
        if (e == EVAL_OK)
            e = applied(s, out, term, product ? fmpq_mul : fmpq_add);
        fmpq_add_si(range.at, range.at, 1);
    }
    fmpq_clear(term);
    value_range_fini(&range);
    return e;
}

/* ---- the whole ---- */

static math_eval of_leaf(const value_scope *s, math_id id, fmpq_t out)
{
    const math_node *x = math_at(s->t, id);
    if (x->kind == M_NUM)
        return math_number((math_side){ s->t, id }, out) ? EVAL_OK : EVAL_BUDGET;
    if (x->kind == M_BASE)
        return math_number((math_side){ s->t, id }, out) ? EVAL_OK : EVAL_OUTSIDE;
    const fmpq *known = value_lookup(s, id);
    if (!known)
        return EVAL_OUTSIDE;
    fmpq_set(out, known);
    return EVAL_OK;
}

/* The exponent first: it says whether the base is worth the while. */
static math_eval of_power(const value_scope *s, math_id id, fmpq_t out)
{
    fmpq_t base, exponent;
    fmpq_init(base);
    fmpq_init(exponent);
    math_eval e = value_q(s, math_kid(s->t, id, 1), exponent);
    if (e == EVAL_OK)
        e = value_q(s, math_kid(s->t, id, 0), base);
    if (e == EVAL_OK)
        e = value_q_pow(s, out, base, exponent);
    fmpq_clear(base);
    fmpq_clear(exponent);
    return e;
}

static math_eval of_one(const value_scope *s, math_id id, fmpq_t out)
{
    const math_node *x = math_at(s->t, id);
    math_eval e = x->n ? value_q(s, math_kid(s->t, id, 0), out) : EVAL_OUTSIDE;
    if (e != EVAL_OK)
        return e;
    switch ((int)x->kind) {
    case M_NEG:
        fmpq_neg(out, out);
        return EVAL_OK;
    case M_PERCENT:
        fmpq_div_fmpz(out, out, (fmpz[]){ 100 });
        return EVAL_OK;
    case M_FACT:
        return factorial(s, out, x->op == 2);
    case M_DEGREE:
        return fmpq_is_zero(out) ? EVAL_OK : EVAL_OUTSIDE;
    case M_SQRT:
        return rational_root(s, out, out, (fmpz[]){ 2 });
    default: /* M_UNIT */
        return EVAL_OK;
    }
}

math_eval value_q(const value_scope *s, math_id id, fmpq_t out)
{
    if (!value_spend(s, 1))
        return EVAL_BUDGET;
    switch ((int)math_at(s->t, id)->kind) {
    case M_NUM:
    case M_BASE:
    case M_SYM:
    case M_I:
    case M_E:
        return of_leaf(s, id, out);
    case M_ADD:
        return folded(s, id, out, fmpq_add);
    case M_MUL:
        return folded(s, id, out, fmpq_mul);
    case M_DIV:
        return of_pair(s, id, out, pair_div);
    case M_POW:
        return of_power(s, id, out);
    case M_ROOT:
        return of_pair(s, id, out, pair_root);
    case M_LOG:
        return of_pair(s, id, out, value_q_log);
    case M_BINOM:
        return of_pair(s, id, out, pair_binom);
    case M_MOD:
        return of_pair(s, id, out, pair_mod);
    case M_NEG:
    case M_PERCENT:
    case M_FACT:
    case M_DEGREE:
    case M_SQRT:
    case M_UNIT:
        return of_one(s, id, out);
    case M_FUNC:
        return of_function(s, id, out);
    case M_SUM:
    case M_PROD:
        return of_terms(s, id, out);
    case M_INT:
        return value_q_integral(s, id, out);
    default:
        return EVAL_OUTSIDE;
    }
}
/* NOLINTEND(misc-no-recursion) */

math_eval value_q_si(const value_scope *s, math_id id, slong *out)
{
    fmpq_t x;
    fmpq_init(x);
    math_eval e = value_q(s, id, x);
    if (e == EVAL_OK && !fmpz_is_one(fmpq_denref(x)))
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK && !fmpz_fits_si(fmpq_numref(x)))
        e = EVAL_BUDGET;
    if (e == EVAL_OK)
        *out = fmpz_get_si(fmpq_numref(x));
    fmpq_clear(x);
    return e;
}

math_eval math_eval_q(math_side s, const math_env *env, fmpq_t out)
{
    const value_scope scope = value_scope_of(s, env);
    return value_q(&scope, s.id, out);
}
