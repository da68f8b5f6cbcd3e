/* sets_family.c -- families a + b k over the integers: x = pi/6 + 2 k pi, \{3k | k in Z\}, also of
 * intervals (2 k pi, (2k+1) pi).
 *
 * Offsets and steps p + q pi with rational p, q are nearly all there is: those families are rolled
 * up on a circle as long as the common multiple of all steps and compared there as sets. What has
 * other numbers in it is compared offset by offset.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

enum { FAMILY_CLASSES = 64, FAMILY_LIST = 32 };

typedef struct family {
    math_side lo, hi;  /* the expression; hi: its tree is NULL unless it is a family of intervals */
    math_side index;   /* k */
    set_linear at, to; /* of lo and hi, where `exact` */
    unsigned flags;    /* of the interval */
    char domain;       /* 'Z'; 'N': from 0 or 1, whichever is meant; 'P': from 1 */
    bool exact;
} family;

typedef struct family_list {
    family item[FAMILY_LIST];
    uint32_t n;
    math_side name; /* x of x = f(k); tree NULL: none */
} family_list;

static void list_fini(family_list *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        sets_linear_fini(&l->item[i].at);
        sets_linear_fini(&l->item[i].to);
    }
}

/* ---- reading ---- */

static bool add(set_work *w, family_list *l, math_side lo, math_side hi, unsigned flags,
                char domain)
{
    if (l->n == FAMILY_LIST)
        return sets_fail(w, WHY_BUDGET);
    family *f = &l->item[l->n++];
    *f = (family){ .lo = lo, .hi = hi, .index = w->name, .flags = flags, .domain = domain };
    sets_linear_init(&f->at);
    sets_linear_init(&f->to);
    f->exact = sets_linear(w, lo, &f->at) && (!hi.tree || sets_linear(w, hi, &f->to));
    return true;
}

static bool keep_name(set_work *w, family_list *l, math_side name)
{
    if (math_side_node(name)->kind != M_SYM || sets_is_name(w, name))
        return false;
    if (l->name.tree && !math_same_tree(name.tree, name.id, l->name.tree, l->name.id))
        return false;
    l->name = name;
    return true;
}

static bool collect(set_work *w, family_list *l, math_side s, char domain);

/* x = f(k), f(k) = x, x in (f(k), g(k)), f(k) < x < g(k) */
static bool collect_relation(set_work *w, family_list *l, math_side s, char domain)
{
    const math_node *x = math_side_node(s);
    assay_str ops = math_text(s.tree, s.id);
    math_side a = math_side_kid(s, 0), b = math_side_kid(s, 1);
    if (pc_is(ops, "=") || pc_is(ops, "e")) {
        if (keep_name(w, l, a))
            return collect(w, l, b, domain);
        return ops.data[0] == REL_EQ && keep_name(w, l, b) && collect(w, l, a, domain);
    }
    if (x->n != 3 || !keep_name(w, l, b) || !pc_in(ops.data[0], "<l>g") ||
        !pc_in(ops.data[1], "<l>g"))
        return false;
    bool up = ops.data[0] == REL_LT || ops.data[0] == REL_LE;
    if (up != (ops.data[1] == REL_LT || ops.data[1] == REL_LE))
        return false;
    math_side c = math_side_kid(s, 2);
    unsigned first = ops.data[0] == REL_LE || ops.data[0] == REL_GE;
    unsigned last = ops.data[1] == REL_LE || ops.data[1] == REL_GE;
    return up ? add(w, l, a, c, first * MATH_LO_CLOSED | last * MATH_HI_CLOSED, domain)
              : add(w, l, c, a, last * MATH_LO_CLOSED | first * MATH_HI_CLOSED, domain);
}

/* What an index k runs through; several at once. Depth: the tree's. NOLINTBEGIN(misc-no-recursion)
 */
static bool collect(set_work *w, family_list *l, math_side s, char domain)
{
    const math_node *x = math_side_node(s);
    if (!math_spend(w->budget, 4))
        return sets_fail(w, WHY_BUDGET);
    switch (x->kind) {
    case M_REL:
        return collect_relation(w, l, s, domain);
    case M_LIST:
    case M_SET:
    case M_BRACES:
    case M_UNION:
        for (uint32_t i = 0; i < x->n; i++)
            if (!collect(w, l, math_side_kid(s, i), domain))
                return false;
        return x->n > 0;
    case M_TUPLE:
    case M_SQUARE:
    case M_INTERVAL:
        return x->n == 2 && !(x->kind == M_TUPLE && x->op) &&
               add(w, l, math_side_kid(s, 0), math_side_kid(s, 1),
                   x->kind == M_SQUARE     ? MATH_LO_CLOSED | MATH_HI_CLOSED
                   : x->kind == M_INTERVAL ? x->op & 3U
                                           : 0,
                   domain);
    default:
        return math_is_scalar((math_kind)x->kind) && x->kind != M_PM &&
               add(w, l, s, (math_side){ .tree = NULL }, 0, domain);
    }
}

/* "k in Z": its k and what it runs through; false: it is something else. */
static bool is_index(math_side s, math_side *index, char *domain)
{
    if (math_side_node(s)->kind != M_REL || !pc_is(math_text(s.tree, s.id), "e"))
        return false;
    *index = math_side_kid(s, 0);
    math_side set = math_side_kid(s, 1);
    unsigned letter = math_side_node(set)->op;
    if (math_side_node(*index)->kind != M_SYM || math_side_node(set)->kind != M_NAMED)
        return false;
    bool plain = math_text(set.tree, set.id).len == 0;
    bool from_one = pc_is(math_text(set.tree, set.id), "+") ||
                    (letter == 'N' && pc_is(math_text(set.tree, set.id), "*"));
    *domain = (char)(plain ? letter : 'P');
    return (letter == 'Z' || letter == 'N') && (plain || from_one);
}

static bool read_family(set_work *w, family_list *l, math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->n != 2)
        return false;
    w->name = math_side_kid(s, 1);
    return math_side_node(w->name)->kind == M_SYM &&
           collect(w, l, math_side_kid(s, 0), (char)x->op);
}

/* Items s[from..], one of which is "k in Z" and the others families in k. */
static bool read_indexed(set_work *w, family_list *l, math_side s, uint32_t from)
{
    char domain = 0;
    uint32_t at = from, n = math_side_node(s)->n;
    while (at < n && !is_index(math_side_kid(s, at), &w->name, &domain))
        at++;
    if (at == n || n - from < 2)
        return false;
    for (uint32_t i = from; i < n; i++)
        if (i != at && !collect(w, l, math_side_kid(s, i), domain))
            return false;
    return true;
}

/* \{f(k) | k in Z\}, \{x | x = f(k), k in Z\}, with the conditions as one list or family, too */
static bool read_builder(set_work *w, family_list *l, math_side s)
{
    math_side element = math_side_kid(s, 0), outer = l->name;
    uint32_t n = math_side_node(s)->n, before = l->n;
    char domain = 0;
    if (n == 2 && is_index(math_side_kid(s, 1), &w->name, &domain))
        return collect(w, l, element, domain);
    if (math_side_node(element)->kind != M_SYM)
        return false;
    l->name = element; /* must be the one that the conditions speak of */
    bool ok;
    if (n > 2)
        ok = read_indexed(w, l, s, 1);
    else if (math_side_node(math_side_kid(s, 1))->kind == M_FAMILY)
        ok = read_family(w, l, math_side_kid(s, 1));
    else
        ok = math_side_node(math_side_kid(s, 1))->kind == M_LIST &&
             read_indexed(w, l, math_side_kid(s, 1), 0);
    for (uint32_t i = before; i < l->n; i++)
        ok = ok && !math_has_symbol(s.tree, l->item[i].lo.id, math_text(s.tree, element.id));
    l->name = outer;
    return ok;
}

static bool read_any(set_work *w, family_list *l, math_side s)
{
    const math_node *x = math_side_node(s);
    math_side index;
    char domain;
    if (!math_spend(w->budget, 4))
        return false;
    switch (x->kind) {
    case M_FAMILY:
        return read_family(w, l, s);
    case M_SETBUILDER:
        return read_builder(w, l, s);
    case M_REL: /* x in \{k pi | k in Z\} */
        return x->n == 2 && pc_is(math_text(s.tree, s.id), "e") &&
               math_side_node(math_side_kid(s, 0))->kind == M_SYM &&
               read_any(w, l, math_side_kid(s, 1)) && !l->name.tree &&
               (l->name = math_side_kid(s, 0)).tree;
    case M_LIST:
    case M_UNION:
    case M_SET:
    case M_BRACES:
        for (uint32_t i = 0; i < x->n; i++)
            if (is_index(math_side_kid(s, i), &index, &domain))
                return read_indexed(w, l, s, 0);
        for (uint32_t i = 0; i < x->n; i++)
            if (!read_any(w, l, math_side_kid(s, i)))
                return false;
        return x->n > 0;
    default:
        return false;
    }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- exact families: p + q pi ---- */

/* Where p + q pi stands in units of the direction u + v pi: p/u or q/v, whichever is defined;
 * false: it is not a multiple. */
static bool along(fmpq_t out, const fmpq *p, const fmpq *q, const fmpq *u, const fmpq *v)
{
    fmpq_t x, y;
    bool parallel;
    fmpq_init(x);
    fmpq_init(y);
    fmpq_mul(x, p, v);
    fmpq_mul(y, q, u);
    parallel = fmpq_equal(x, y);
    fmpq_clear(x);
    fmpq_clear(y);
    if (fmpq_is_zero(v))
        fmpq_div(out, p, u);
    else
        fmpq_div(out, q, v);
    return parallel;
}

/* a = the least common multiple of a and |b| */
static void common(fmpq_t a, const fmpq_t b)
{
    fmpz_t top, bottom;
    fmpz_init(top);
    fmpz_init(bottom);
    fmpz_lcm(top, fmpq_numref(a), fmpq_numref(b));
    fmpz_gcd(bottom, fmpq_denref(a), fmpq_denref(b));
    fmpq_set_fmpz_frac(a, top, bottom);
    fmpz_clear(top);
    fmpz_clear(bottom);
}

typedef struct circle {
    const family *unit; /* its step is the unit of length */
    fmpq_t length;      /* the common multiple of all steps, in units */
    uint32_t classes;
    bool parallel; /* all offsets are multiples of the unit, too */
} circle;

/* False: the steps have no common multiple (or there are too many classes: w->why). */
static bool measure(set_work *w, circle *c, const family_list *l, bool steps)
{
    fmpq_t t, n;
    bool ok = true;
    fmpq_init(t);
    fmpq_init(n);
    for (uint32_t i = 0; i < l->n && ok; i++) {
        const fmpq *a = l->item[i].at.c, *to = l->item[i].to.c, *unit = c->unit->at.c;
        ok = along(t, &a[2], &a[3], &unit[2], &unit[3]);
        fmpq_abs(t, t);
        if (ok && steps) {
            common(c->length, t);
            ok = fmpz_bits(fmpq_numref(c->length)) < 64 || sets_fail(w, WHY_BUDGET);
            c->parallel = c->parallel && along(n, &a[0], &a[1], &unit[2], &unit[3]);
            if (l->item[i].hi.tree)
                c->parallel = c->parallel && along(n, &to[0], &to[1], &unit[2], &unit[3]);
        } else if (ok) {
            fmpq_div(n, c->length, t);
            ok = fmpz_cmp_ui(fmpq_numref(n), FAMILY_CLASSES) <= 0 || sets_fail(w, WHY_BUDGET);
            c->classes += ok ? (uint32_t)fmpz_get_ui(fmpq_numref(n)) : 0;
            ok = ok && (c->classes <= 2 * FAMILY_CLASSES || sets_fail(w, WHY_BUDGET));
        }
    }
    fmpq_clear(t);
    fmpq_clear(n);
    return ok;
}

/* t modulo the circle's length */
static void wrap(const circle *c, fmpq_t t)
{
    fmpq_t n;
    fmpz_t turns;
    fmpq_init(n);
    fmpz_init(turns);
    fmpq_div(n, t, c->length);
    fmpz_fdiv_q(turns, fmpq_numref(n), fmpq_denref(n));
    fmpq_set(n, c->length);
    fmpq_mul_fmpz(n, n, turns);
    fmpq_sub(t, t, n);
    fmpq_clear(n);
    fmpz_clear(turns);
}

/* The point t units from p + q pi, as a real: a plain number of units where all is parallel. */
static bool point(set_work *w, const circle *c, const family *f, const fmpq_t start, const fmpq_t t,
                  uint32_t *id)
{
    if (c->parallel)
        return sets_add_q(w, t, id);
    fmpq_t p, q, moved;
    fmpq_init(p);
    fmpq_init(q);
    fmpq_init(moved);
    fmpq_sub(moved, t, start);
    fmpq_mul(p, moved, &c->unit->at.c[2]);
    fmpq_mul(q, moved, &c->unit->at.c[3]);
    fmpq_add(p, p, &f->at.c[0]);
    fmpq_add(q, q, &f->at.c[1]);
    math_side s = sets_number(w, p, q);
    fmpq_clear(p);
    fmpq_clear(q);
    fmpq_clear(moved);
    return (s.id || sets_fail(w, WHY_BUDGET)) && sets_add_real(w, s, id);
}

/* from..to on the circle, from being in [0, length) */
static bool arc(set_work *w, const circle *c, const fmpq_t from, const fmpq_t to, unsigned flags)
{
    uint32_t lo = 0, hi = 0, end = 0, zero = 0;
    fmpq_t t;
    fmpq_init(t);
    fmpq_sub(t, to, from);
    if (fmpq_sgn(t) < 0) { /* the wrong way round */
        fmpq_clear(t);
        return sets_fail(w, WHY_OPAQUE);
    }
    bool whole = fmpq_cmp(t, c->length) > 0; /* more than a turn covers everything */
    bool ok = sets_add_q(w, from, &lo) && sets_add_q(w, c->length, &end);
    fmpq_sub(t, to, c->length);
    bool over = fmpq_sgn(t) >= 0;
    if (ok && over) {
        fmpq_t origin;
        fmpq_init(origin);
        ok = sets_add_q(w, origin, &zero) && (whole ? (hi = end) : sets_add_q(w, t, &hi));
        ok = ok && sets_piece(w, whole ? zero : lo, end, whole ? MATH_LO_CLOSED : flags & 1U) &&
             sets_piece(w, zero, hi, MATH_LO_CLOSED | (whole ? 0 : flags & MATH_HI_CLOSED));
        fmpq_clear(origin);
    } else if (ok) {
        ok = sets_add_q(w, to, &hi) && sets_piece(w, lo, hi, flags);
    }
    fmpq_clear(t);
    return ok;
}

/* Every class of one family on the circle. */
static bool roll(set_work *w, const circle *c, const family *f)
{
    fmpq_t start, step, t, to;
    uint32_t id = 0;
    fmpq_init(start);
    fmpq_init(step);
    fmpq_init(t);
    fmpq_init(to);
    const fmpq *unit = c->unit->at.c;
    along(start, &f->at.c[0], &f->at.c[1], &unit[2], &unit[3]);
    along(step, &f->at.c[2], &f->at.c[3], &unit[2], &unit[3]);
    fmpq_abs(step, step);
    fmpq_div(t, c->length, step);
    slong n = fmpz_get_si(fmpq_numref(t));
    fmpq_set(t, start);
    bool ok = true;
    for (slong i = 0; i < n && ok; i++) {
        wrap(c, t);
        if (f->hi.tree) { /* as far from t as hi is from lo */
            along(to, &f->to.c[0], &f->to.c[1], &unit[2], &unit[3]);
            fmpq_sub(to, to, start);
            fmpq_add(to, to, t);
            ok = arc(w, c, t, to, f->flags);
        } else {
            ok = point(w, c, f, start, t, &id) &&
                 sets_piece(w, id, id, MATH_LO_CLOSED | MATH_HI_CLOSED);
        }
        fmpq_add(t, t, step);
    }
    fmpq_clear(start);
    fmpq_clear(step);
    fmpq_clear(t);
    fmpq_clear(to);
    return ok;
}

static bool has_intervals(const family_list *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->item[i].hi.tree)
            return true;
    return false;
}

static math_finding same_rows(set_work *w)
{
    const uint64_t *a = sets_result(w, 0), *b = sets_result(w, 1);
    bool same = memcmp(a, b, w->words * sizeof *a) == 0;
    math_finding f = math_found(same ? MATH_EQUAL : MATH_DIFFERENT, "family");
    if (!same)
        sets_note(&f, "they differ modulo the step");
    return f;
}

static math_finding open_family(const set_work *w)
{
    return math_open("family", w->why ? w->why : WHY_OPAQUE,
                     w->why ? w->why_blame : MATH_BLAME_A | MATH_BLAME_B);
}

static math_finding on_circle(set_work *w, const family_list *a, const family_list *b)
{
    circle c = { .unit = &a->item[0], .parallel = true };
    math_finding f;
    bool ok;
    fmpq_init(c.length);
    fmpq_one(c.length);
    if (!measure(w, &c, a, true) || !measure(w, &c, b, true)) {
        bool proof = w->why == WHY_NONE && a->n == 1 && b->n == 1;
        fmpq_clear(c.length);
        return proof ? math_found(MATH_DIFFERENT, "family") : open_family(w);
    }
    ok = measure(w, &c, a, false) && measure(w, &c, b, false) &&
         (c.parallel || (!has_intervals(a) && !has_intervals(b)));
    ok = ok && sets_op(w, SET_EMPTY);
    for (uint32_t i = 0; i < a->n && ok; i++)
        ok = roll(w, &c, &a->item[i]);
    ok = ok && sets_op(w, SET_EMPTY);
    for (uint32_t i = 0; i < b->n && ok; i++)
        ok = roll(w, &c, &b->item[i]);
    f = ok && sets_run(w) ? same_rows(w) : open_family(w);
    fmpq_clear(c.length);
    return f;
}

/* ---- one-sided families: the first element and the direction matter ---- */

static bool same_linear(const set_linear *a, const set_linear *b)
{
    for (int i = 0; i < 4; i++)
        if (!fmpq_equal(&a->c[i], &b->c[i]))
            return false;
    return true;
}

static bool among(const family *f, const family_list *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (same_linear(&f->at, &l->item[i].at) && same_linear(&f->to, &l->item[i].to) &&
            f->flags == l->item[i].flags && f->domain == l->item[i].domain)
            return true;
    return false;
}

static math_finding one_sided(set_work *w, const family_list *a, const family_list *b)
{
    bool same = true;
    for (uint32_t i = 0; i < a->n; i++)
        same = same && among(&a->item[i], b);
    for (uint32_t i = 0; i < b->n; i++)
        same = same && among(&b->item[i], a);
    if (same)
        return math_found(MATH_EQUAL, "family");
    const family *x = &a->item[0], *y = &b->item[0];
    bool both = x->domain != 'Z' && y->domain != 'Z';
    if (a->n > 1 || b->n > 1 || (both && x->domain != y->domain)) {
        sets_fail(w, both && x->domain != y->domain ? WHY_POLICY : WHY_OPAQUE);
        return open_family(w);
    }
    return math_found(MATH_DIFFERENT, "family");
}

/* ---- other numbers: one by one ---- */

typedef struct progression {
    math_side offset, step;
} progression;

static bool progression_of(set_work *w, const family *f, progression *out)
{
    math_id c[3];
    w->name = f->index;
    if (f->hi.tree || f->domain != 'Z' || !sets_coefficients(w, f->lo, c) || c[2] || !c[1])
        return false;
    math_id offset = c[0] ? c[0] : math_int(&w->scratch, 0);
    *out = (progression){ { &w->scratch, offset }, { &w->scratch, c[1] } };
    return offset;
}

/* |step| of both */
static math_truth same_step(set_work *w, const progression *a, const progression *b)
{
    math_finding f = math_value_equal(a->step, b->step, &w->env);
    if (f.truth != MATH_DIFFERENT)
        return f.truth;
    math_side turned = { &w->scratch, math_1(&w->scratch, M_NEG, 0, b->step.id) };
    return turned.id ? math_value_equal(a->step, turned, &w->env).truth : MATH_UNDECIDED;
}

/* Is each of a congruent to one of b? All steps are the same. */
static math_truth covered(set_work *w, const progression *a, uint32_t n_a, const progression *b,
                          uint32_t n_b)
{
    for (uint32_t i = 0; i < n_a; i++) {
        math_truth best = MATH_DIFFERENT;
        for (uint32_t j = 0; j < n_b && best != MATH_EQUAL; j++) {
            math_side x = a[i].offset, y = b[j].offset;
            math_truth t = math_same_tree(x.tree, x.id, y.tree, y.id)
                               ? MATH_EQUAL
                               : math_value_congruent(x, y, a[i].step, &w->env).truth;
            best = t == MATH_EQUAL || best == MATH_DIFFERENT ? t : best;
        }
        if (best != MATH_EQUAL)
            return best;
    }
    return MATH_EQUAL;
}

static math_finding one_by_one(set_work *w, const family_list *a, const family_list *b)
{
    enum { MOST = 8 };
    progression x[MOST], y[MOST];
    if (a->n > MOST || b->n > MOST)
        return open_family(w);
    for (uint32_t i = 0; i < a->n; i++)
        if (!progression_of(w, &a->item[i], &x[i]))
            return open_family(w);
    for (uint32_t i = 0; i < b->n; i++)
        if (!progression_of(w, &b->item[i], &y[i]))
            return open_family(w);
    int zero = 0;
    if (!sets_sign(w, x[0].step.id, &zero) || zero == 0)
        return open_family(w);
    for (uint32_t i = 0; i < a->n + b->n; i++) {
        math_truth t = same_step(w, &x[0], i < a->n ? &x[i] : &y[i - a->n]);
        if (t == MATH_DIFFERENT && a->n == 1 && b->n == 1)
            return math_found(MATH_DIFFERENT, "family");
        if (t != MATH_EQUAL)
            return open_family(w);
    }
    math_truth there = covered(w, x, a->n, y, b->n);
    math_truth back = there == MATH_DIFFERENT ? there : covered(w, y, b->n, x, a->n);
    if (there == MATH_DIFFERENT || back == MATH_DIFFERENT)
        return math_found(MATH_DIFFERENT, "family");
    if (there == MATH_EQUAL && back == MATH_EQUAL)
        return math_found(MATH_EQUAL, "family");
    return open_family(w);
}

/* ---- families that are not linear: the same expression, the index renamed and shifted ---- */

static math_id shifted(math_tree *t, math_id name, int how)
{
    return how == 0   ? name
           : how == 1 ? math_2(t, M_ADD, 0, name, math_int(t, 1))
           : how == 2 ? math_2(t, M_ADD, 0, name, math_int(t, -1))
                      : math_1(t, M_NEG, 0, name);
}

static math_finding renamed(set_work *w, const family *a, const family *b)
{
    math_finding open = open_family(w);
    if (a->domain != b->domain || (a->hi.tree == NULL) != (b->hi.tree == NULL) ||
        a->flags != b->flags)
        return open;
    math_tree *t = &w->scratch;
    math_id name = math_copy(t, a->index.tree, a->index.id, (assay_str){ "", 0 }, 0);
    assay_str old = math_text(b->index.tree, b->index.id);
    for (int how = 0; how < (a->domain == 'Z' ? 4 : 1) && name; how++) {
        math_id by = shifted(t, name, how);
        math_side lo = { t, by ? math_copy(t, b->lo.tree, b->lo.id, old, by) : 0 }, hi = { t, 0 };
        if (b->hi.tree && by)
            hi.id = math_copy(t, b->hi.tree, b->hi.id, old, by);
        if (!lo.id || (b->hi.tree && !hi.id))
            break;
        if (math_expr_equal(a->lo, lo, w->budget).truth == MATH_EQUAL &&
            (!hi.id || math_expr_equal(a->hi, hi, w->budget).truth == MATH_EQUAL))
            return math_found(MATH_EQUAL, "family");
    }
    return open;
}

/* ---- the comparison ---- */

static bool is_zero_step(const family *f)
{
    return fmpq_is_zero(&f->at.c[2]) && fmpq_is_zero(&f->at.c[3]);
}

/* An interval's ends move together. */
static bool is_rigid(const family *f)
{
    return !f->hi.tree ||
           (fmpq_equal(&f->at.c[2], &f->to.c[2]) && fmpq_equal(&f->at.c[3], &f->to.c[3]));
}

static bool all_exact(const family_list *l, bool *whole)
{
    for (uint32_t i = 0; i < l->n; i++) {
        const family *f = &l->item[i];
        if (!f->exact || is_zero_step(f) || !is_rigid(f))
            return false;
        *whole = *whole && f->domain == 'Z';
    }
    return true;
}

static math_finding compared(set_work *w, const family_list *a, const family_list *b)
{
    bool whole = true;
    if (a->name.tree && b->name.tree &&
        !pc_eq(math_text(a->name.tree, a->name.id), math_text(b->name.tree, b->name.id)))
        return math_found(MATH_DIFFERENT, "unknown");
    if (all_exact(a, &whole) && all_exact(b, &whole))
        return whole ? on_circle(w, a, b) : one_sided(w, a, b);
    math_finding f = one_by_one(w, a, b);
    if (f.truth == MATH_UNDECIDED && w->why == WHY_NONE && a->n == 1 && b->n == 1)
        f = renamed(w, &a->item[0], &b->item[0]);
    return f;
}

math_finding math_family_equal(math_side a, math_side b, math_budget *budget)
{
    set_work w;
    family_list x = { .n = 0 }, y = { .n = 0 };
    sets_init(&w, budget, 10);
    math_finding f;
    if (read_any(&w, &x, a)) {
        w.blame = MATH_BLAME_B;
        f = read_any(&w, &y, b) ? compared(&w, &x, &y)
                                : math_open("family", WHY_OPAQUE, MATH_BLAME_B);
    } else {
        f = math_open("family", w.why ? w.why : WHY_OPAQUE, MATH_BLAME_A);
    }
    list_fini(&x);
    list_fini(&y);
    sets_fini(&w);
    return f;
}
