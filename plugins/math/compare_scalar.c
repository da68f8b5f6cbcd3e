/* compare_scalar.c -- two numbers or expressions: units, percent signs, degrees, plus-minus,
 * tolerances; the rest is symbolic.h's. SPDX-License-Identifier: Apache-2.0 */
#include "math/compare_inner.h"
#include "math/units.h"

#include <math.h>

/* ---- what a number wears ---- */

typedef struct dressed {
    math_side core;
    assay_str unit; /* empty: none */
    bool percent, degree;
} dressed;

static dressed undress(math_side s)
{
    dressed d = { .core = s, .unit = { "", 0 } };
    for (;;) {
        math_kind k = side_kind(d.core);
        if (k == M_UNIT)
            d.unit = side_text(d.core);
        else if (k == M_PERCENT && !d.percent) /* 50%% is 50/10000 */
            d.percent = true;
        else if (k == M_DEGREE)
            d.degree = true;
        else
            return d;
        d.core = math_side_kid(d.core, 0);
    }
}

static bool is_digits(math_side s)
{
    return side_kind(s) == M_NUM || side_kind(s) == M_BASE;
}

/* 2516_8 is answered by 2516, the base being understood; the same digits in another base are
 * another answer, whatever their value; else values count: 1010_2 is 10_{10}. */
static bool decided_by_digits(math_side a, math_side b, math_finding *f)
{
    if (!is_digits(a) || !is_digits(b) || (side_kind(a) != M_BASE && side_kind(b) != M_BASE) ||
        !pc_eq(side_text(a), side_text(b)))
        return false;
    bool both = side_kind(a) == M_BASE && side_kind(b) == M_BASE;
    bool same = !both || math_side_node(a)->op == math_side_node(b)->op;
    *f = math_found(same ? MATH_EQUAL : MATH_DIFFERENT, "base");
    return true;
}

static math_finding bare(matcher *m, math_side a, math_side b)
{
    math_finding f;
    if (decided_by_digits(a, b, &f))
        return f;
    if (side_kind(a) == M_RATIO || side_kind(b) == M_RATIO)
        return match(m, a, b);
    return math_expr_equal(a, b, m->budget);
}

/* factor * s */
static math_side scaled(matcher *m, math_side s, const fmpq_t factor)
{
    math_tree *t = m->scratch;
    char *top = fmpz_get_str(NULL, 10, fmpq_numref(factor)),
         *below = fmpz_get_str(NULL, 10, fmpq_denref(factor));
    math_id a = math_leaf(t, M_NUM, (assay_str){ top, strlen(top) });
    math_id b = math_leaf(t, M_NUM, (assay_str){ below, strlen(below) });
    flint_free(top);
    flint_free(below);
    math_id copy = math_copy(t, s.tree, s.id, (assay_str){ "", 0 }, 0);
    return in_scratch(m, math_2(t, M_MUL, 0, math_2(t, M_DIV, 0, a, b), copy));
}

static math_finding with_units(matcher *m, dressed a, dressed b)
{
    fmpq_t factor;
    fmpq_init(factor);
    math_unit_relation how = math_unit_compare(a.unit, b.unit, factor);
    math_finding f = math_found(MATH_DIFFERENT, "units");
    if (how == UNITS_FACTOR) {
        math_side converted = scaled(m, a.core, factor);
        f = converted.id ? bare(m, converted, b.core)
                         : math_open("units", WHY_BUDGET, MATH_BLAME_B);
        if (f.truth == MATH_EQUAL)
            f.rule = "units";
    } else if (how == UNITS_SAME) {
        f = bare(m, a.core, b.core);
    }
    fmpq_clear(factor);
    return f;
}

/* 50% answers 50 and 0.5, and is answered by them. */
static math_finding with_percent(matcher *m, dressed percent, dressed plain, bool swapped)
{
    math_finding f =
        swapped ? bare(m, plain.core, percent.core) : bare(m, percent.core, plain.core);
    if (f.truth == MATH_EQUAL)
        return f;
    fmpq_t hundredth;
    fmpq_init(hundredth);
    fmpq_set_si(hundredth, 1, 100);
    math_side part = scaled(m, percent.core, hundredth);
    fmpq_clear(hundredth);
    if (!part.id)
        return math_open("percent", WHY_BUDGET, MATH_BLAME_B);
    math_finding g = swapped ? bare(m, plain.core, part) : bare(m, part, plain.core);
    return g.truth == MATH_DIFFERENT ? f : g;
}

/* 5 m where m is a letter: the product of a number and letters that spell the other side's unit. */
static bool unit_of_letters(math_side s, pc_buf *unit, math_side *number)
{
    if (side_kind(s) != M_MUL)
        return false;
    pc_buf words = { 0 };
    const math_node *n = math_side_node(s);
    *number = math_side_kid(s, 0);
    bool ok = !math_has_symbols(number->tree, number->id) && n->n >= 2;
    for (uint32_t i = 1; ok && i < n->n; i++) {
        math_side k = math_side_kid(s, i);
        bool power =
            side_kind(k) == M_POW && side_kind(math_side_kid(k, 1)) == M_NUM && i + 1 == n->n;
        math_side letter = power ? math_side_kid(k, 0) : k;
        ok = side_kind(letter) == M_SYM && side_text(letter).len == 1;
        pc_buf_add(&words, side_text(letter).data, ok ? 1 : 0);
        if (ok && power) {
            pc_buf_byte(&words, '^');
            pc_buf_add(&words, side_text(math_side_kid(k, 1)).data,
                       side_text(math_side_kid(k, 1)).len);
        }
    }
    ok = ok && !words.failed && math_unit_name(pc_buf_str(&words), unit);
    pc_buf_fini(&words);
    return ok;
}

/* 90 degrees and pi/2 radians, where both say what they are. */
static math_finding with_radians(matcher *m, dressed a, dressed b)
{
    math_tree *t = m->scratch;
    math_side core = a.degree ? a.core : b.core;
    math_id value = math_copy(t, core.tree, core.id, (assay_str){ "", 0 }, 0);
    math_id pi = math_node_new(t, M_PI, 0, NULL, 0);
    math_side radians =
        in_scratch(m, math_2(t, M_DIV, 0, math_2(t, M_MUL, 0, value, pi), math_int(t, 180)));
    if (!radians.id)
        return math_open("units", WHY_BUDGET, MATH_BLAME_B);
    return a.degree ? bare(m, radians, b.core) : bare(m, a.core, radians);
}

static math_finding dressed_equal(matcher *m, dressed a, dressed b)
{
    if ((a.degree && !b.degree && pc_is(b.unit, "rad")) ||
        (b.degree && !a.degree && pc_is(a.unit, "rad")))
        return with_radians(m, a, b);
    if (a.unit.len && b.unit.len)
        return with_units(m, a, b);
    if (a.percent != b.percent && !a.degree && !b.degree)
        return a.percent ? with_percent(m, a, b, false) : with_percent(m, b, a, true);
    return bare(m, a.core, b.core);
}

/* ---- plus-minus ---- */

/* The parser bounds depth. NOLINTBEGIN(misc-no-recursion) */
bool match_has_pm(math_side s)
{
    const math_node *n = math_side_node(s);
    if (n->kind == M_PM)
        return true;
    if (!math_is_scalar((math_kind)n->kind))
        return false;
    for (uint32_t i = 0; i < n->n; i++)
        if (match_has_pm(math_side_kid(s, i)))
            return true;
    return false;
}

typedef struct signs {
    unsigned bits, next; /* the sign of the next +- is bit `next` */
    bool tied;           /* a -+ occurs: all +- have one sign, all -+ the other */
} signs;

static void count_signs(math_side s, unsigned *n, bool *tied)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_PM) {
        ++*n;
        *tied = *tied || x->op;
    }
    for (uint32_t i = 0; i < x->n; i++)
        count_signs(math_side_kid(s, i), n, tied);
}

static math_id with_signs(math_tree *to, math_side s, signs *c)
{
    enum { FEW = 64 };
    const math_node x = *math_side_node(s);
    math_id kids[FEW];
    if (x.n > FEW || (x.n == 0 && x.kind == M_PM))
        return 0;
    for (uint32_t i = 0; i < x.n; i++)
        kids[i] = with_signs(to, math_side_kid(s, i), c);
    if (x.kind != M_PM) {
        pc_buf text = { 0 };
        pc_buf_add(&text, side_text(s).data, x.len);
        math_id id =
            text.failed ? 0
                        : math_text_node(to, (math_kind)x.kind, x.op, pc_buf_str(&text), kids, x.n);
        pc_buf_fini(&text);
        return id;
    }
    bool minus = c->tied ? ((c->bits & 1) != 0) != (x.op != 0) : ((c->bits >> c->next) & 1) != 0;
    c->next++;
    math_id last = minus ? math_1(to, M_NEG, 0, kids[x.n - 1]) : kids[x.n - 1];
    return x.n == 2 ? math_2(to, M_ADD, 0, kids[0], last) : last;
}
/* NOLINTEND(misc-no-recursion) */

bool match_spread(matcher *m, math_side s, math_side *out)
{
    enum { MOST = 6 };
    unsigned n = 0;
    bool tied = false;
    count_signs(s, &n, &tied);
    if (n == 0 || n > MOST)
        return false;
    unsigned ways = tied ? 2 : 1u << n;
    math_id kids[1 << MOST];
    for (unsigned w = 0; w < ways; w++) {
        signs c = { .bits = w, .tied = tied };
        kids[w] = with_signs(m->scratch, s, &c);
    }
    *out = in_scratch(m, math_node_new(m->scratch, M_SET, 0, kids, ways));
    return out->id != 0;
}

/* ---- tolerances ---- */

/* Half a unit of the last digit of a decimal; 0: it is none. */
static double half_ulp(math_side s)
{
    while (side_kind(s) == M_NEG || side_kind(s) == M_UNIT || side_kind(s) == M_PERCENT)
        s = math_side_kid(s, 0);
    if (side_kind(s) != M_NUM)
        return 0;
    assay_str t = side_text(s);
    int places = 0, exponent = 0, sign = 1;
    bool point = false, in_exponent = false;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.data[i];
        if (c == '(')
            return 0;
        if (c == '.')
            point = true;
        else if (c == 'e')
            in_exponent = true;
        else if (c == '-')
            sign = -1;
        else if (pc_is_digit(c) && in_exponent && exponent < 1000)
            exponent = exponent * 10 + (c - '0');
        else if (pc_is_digit(c) && point)
            places++;
    }
    return point || in_exponent ? 0.5 * pow(10, sign * exponent - places) : 0;
}

/* |a - b| <= bound + relative |a|, for sure. */
static bool are_near(const matcher *m, math_side a, math_side b, double bound, double relative)
{
    const math_env env = { .budget = m->budget };
    enum { BITS = 128 };
    acb_t x, y;
    arb_t distance, limit, part;
    acb_init(x);
    acb_init(y);
    arb_init(distance);
    arb_init(limit);
    arb_init(part);
    bool near =
        math_eval_acb(a, &env, x, BITS) == EVAL_OK && math_eval_acb(b, &env, y, BITS) == EVAL_OK;
    if (near) {
        acb_abs(limit, x, BITS);
        arb_set_d(part, relative);
        arb_mul(limit, limit, part, BITS);
        arb_set_d(part, bound * (1 + 1e-12));
        arb_add(limit, limit, part, BITS);
        acb_sub(x, x, y, BITS);
        acb_abs(distance, x, BITS);
        near = arb_le(distance, limit) != 0;
    }
    acb_clear(x);
    acb_clear(y);
    arb_clear(distance);
    arb_clear(limit);
    arb_clear(part);
    return near;
}

static bool within(const matcher *m, math_side gold, math_side b)
{
    const math_policy *p = m->policy;
    double bound = p->digits ? 0.5 * pow(10, -(double)p->digits) : 0;
    if (p->half_ulp)
        bound = fmax(bound, half_ulp(gold));
    return are_near(m, gold, b, bound, p->relative);
}

bool match_rounds(const matcher *m, math_side exact, math_side decimal)
{
    double bound = half_ulp(decimal);
    return bound > 0 && are_near(m, exact, decimal, bound, 0);
}

bool match_is_tolerant(const math_policy *p)
{
    return p->digits || p->half_ulp || p->relative > 0;
}

/* ---- the engineer's j ---- */

/* 1 + 2j where the other side has i: the side with j as imaginary unit; id 0: it is not such a
 * pair. */
static math_side as_imaginary(matcher *m, math_side s)
{
    assay_str names[2];
    const assay_str j = { "j", 1 };
    if (math_unknowns(s, names, 2) != 1 || !pc_is(names[0], "j"))
        return in_scratch(m, 0);
    math_id i = math_node_new(m->scratch, M_I, 0, NULL, 0);
    return in_scratch(m, math_copy(m->scratch, s.tree, s.id, j, i));
}

static math_finding match_engineers(matcher *m, math_side a, math_side b, math_finding f)
{
    math_side ja = as_imaginary(m, a), jb = as_imaginary(m, b);
    if (!ja.id == !jb.id)
        return f;
    math_side other = ja.id ? b : a;
    if (math_has_symbols(other.tree, other.id))
        return f;
    math_finding g = ja.id ? math_expr_equal(ja, b, m->budget) : math_expr_equal(a, jb, m->budget);
    return g.truth == MATH_EQUAL ? g : f;
}

/* ---- together ---- */

static math_finding match_spelled_units(matcher *m, math_side a, math_side b, math_finding f)
{
    pc_buf unit = { 0 };
    dressed da = undress(a), db = undress(b);
    math_side number;
    bool in_b = da.unit.len && !db.unit.len && unit_of_letters(db.core, &unit, &number);
    bool in_a = !in_b && db.unit.len && !da.unit.len && unit_of_letters(da.core, &unit, &number);
    if (in_a || in_b) {
        dressed spelled = { .core = number, .unit = pc_buf_str(&unit) };
        math_finding g = in_a ? with_units(m, spelled, db) : with_units(m, da, spelled);
        f = g.truth == MATH_EQUAL ? g : f;
    }
    pc_buf_fini(&unit);
    return f;
}

math_finding match_scalars(matcher *m, math_side a, math_side b)
{
    math_finding f = dressed_equal(m, undress(a), undress(b));
    if (f.truth != MATH_EQUAL && match_is_tolerant(m->policy) && within(m, a, b))
        return math_found(MATH_EQUAL, "approx");
    if (f.truth == MATH_DIFFERENT &&
        (math_has_symbols(a.tree, a.id) || math_has_symbols(b.tree, b.id))) {
        f = match_engineers(m, a, b, f);
        if (f.truth == MATH_DIFFERENT)
            f = match_spelled_units(m, a, b, f);
    }
    return f;
}
