/* sets_family.c -- families a + b k over the integers: x = pi/6 + 2 k pi, \{3k | k in Z\}, also of
 * intervals (2 k pi, (2k+1) pi).
 *
 * Offsets and steps p + q pi with rational p, q are nearly all there is: those families are rolled
 * up on a circle as long as the common multiple of all steps and compared there as sets. What has
 * other numbers in it is compared offset by offset.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

static void list_fini(set_families *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        sets_linear_fini(&l->item[i].at);
        sets_linear_fini(&l->item[i].to);
    }
}

/* ---- reading ---- */

static bool add(set_work *w, set_families *l, math_side lo, math_side hi, unsigned flags,
                char domain)
{
    if (l->n == SET_FAMILIES)
        return sets_fail(w, WHY_BUDGET);
    set_family *f = &l->item[l->n++];
    *f = (set_family){ .lo = lo, .hi = hi, .index = w->name, .flags = flags, .domain = domain };
    sets_linear_init(&f->at);
    sets_linear_init(&f->to);
    f->exact = sets_linear(w, lo, &f->at) && (!hi.tree || sets_linear(w, hi, &f->to));
    return true;
}

static bool keep_name(set_work *w, set_families *l, math_side name)
{
    if (math_side_node(name)->kind != M_SYM || sets_is_name(w, name))
        return false;
    if (l->name.tree && !math_same_tree(name.tree, name.id, l->name.tree, l->name.id))
        return false;
    l->name = name;
    return true;
}

static bool collect(set_work *w, set_families *l, math_side s, char domain);

/* Depth: the tree's, MATH_DEPTH. NOLINTBEGIN(misc-no-recursion) */

/* x = f(k), f(k) = x, x in (f(k), g(k)), f(k) < x < g(k) */
static bool collect_relation(set_work *w, set_families *l, math_side s, char domain)
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

/* Families in the index w->name. */
static bool collect(set_work *w, set_families *l, math_side s, char domain)
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

/* NOLINTEND(misc-no-recursion) */

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

static bool read_family(set_work *w, set_families *l, math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->n != 2)
        return false;
    w->name = math_side_kid(s, 1);
    return math_side_node(w->name)->kind == M_SYM &&
           collect(w, l, math_side_kid(s, 0), (char)x->op);
}

/* Items s[from..], one of which is "k in Z" and the others families in k. */
static bool read_indexed(set_work *w, set_families *l, math_side s, uint32_t from)
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
static bool read_builder(set_work *w, set_families *l, math_side s)
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

/* Depth: the tree's. NOLINTNEXTLINE(misc-no-recursion) */
static bool read_any(set_work *w, set_families *l, math_side s)
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
math_finding sets_open_family(const set_work *w)
{
    return math_open("family", w->why ? w->why : WHY_OPAQUE,
                     w->why ? w->why_blame : MATH_BLAME_A | MATH_BLAME_B);
}

/* ---- one-sided families: the first element and the direction matter ---- */

static bool same_linear(const set_linear *a, const set_linear *b)
{
    for (int i = 0; i < 4; i++)
        if (!fmpq_equal(&a->c[i], &b->c[i]))
            return false;
    return true;
}

static bool among(const set_family *f, const set_families *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (same_linear(&f->at, &l->item[i].at) && same_linear(&f->to, &l->item[i].to) &&
            f->flags == l->item[i].flags && f->domain == l->item[i].domain)
            return true;
    return false;
}

static math_finding one_sided(set_work *w, const set_families *a, const set_families *b)
{
    bool same = true;
    for (uint32_t i = 0; i < a->n; i++)
        same = same && among(&a->item[i], b);
    for (uint32_t i = 0; i < b->n; i++)
        same = same && among(&b->item[i], a);
    if (same)
        return math_found(MATH_EQUAL, "family");
    const set_family *x = &a->item[0], *y = &b->item[0];
    bool both = x->domain != 'Z' && y->domain != 'Z';
    if (a->n > 1 || b->n > 1 || (both && x->domain != y->domain)) {
        sets_fail(w, both && x->domain != y->domain ? WHY_POLICY : WHY_OPAQUE);
        return sets_open_family(w);
    }
    return math_found(MATH_DIFFERENT, "family");
}

/* ---- other numbers: one by one ---- */

typedef struct progression {
    math_side offset, step;
} progression;

static bool progression_of(set_work *w, const set_family *f, progression *out)
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

static math_finding one_by_one(set_work *w, const set_families *a, const set_families *b)
{
    enum { MOST = 8 };
    progression x[MOST] = { { { NULL, 0 }, { NULL, 0 } } },
                y[MOST] = { { { NULL, 0 }, { NULL, 0 } } };
    if (a->n > MOST || b->n > MOST)
        return sets_open_family(w);
    for (uint32_t i = 0; i < a->n; i++)
        if (!progression_of(w, &a->item[i], &x[i]))
            return sets_open_family(w);
    for (uint32_t i = 0; i < b->n; i++)
        if (!progression_of(w, &b->item[i], &y[i]))
            return sets_open_family(w);
    int zero = 0;
    if (!sets_sign(w, x[0].step.id, &zero) || zero == 0)
        return sets_open_family(w);
    for (uint32_t i = 0; i < a->n + b->n; i++) {
        math_truth t = same_step(w, &x[0], i < a->n ? &x[i] : &y[i - a->n]);
        if (t == MATH_DIFFERENT && a->n == 1 && b->n == 1)
            return math_found(MATH_DIFFERENT, "family");
        if (t != MATH_EQUAL)
            return sets_open_family(w);
    }
    math_truth there = covered(w, x, a->n, y, b->n);
    math_truth back = there == MATH_DIFFERENT ? there : covered(w, y, b->n, x, a->n);
    if (there == MATH_DIFFERENT || back == MATH_DIFFERENT)
        return math_found(MATH_DIFFERENT, "family");
    if (there == MATH_EQUAL && back == MATH_EQUAL)
        return math_found(MATH_EQUAL, "family");
    return sets_open_family(w);
}

/* ---- families that are not linear: the same expression, the index renamed and shifted ---- */

static math_id shifted(math_tree *t, math_id name, int how)
{
    return how == 0   ? name
           : how == 1 ? math_2(t, M_ADD, 0, name, math_int(t, 1))
           : how == 2 ? math_2(t, M_ADD, 0, name, math_int(t, -1))
                      : math_1(t, M_NEG, 0, name);
}

static math_finding renamed(set_work *w, const set_family *a, const set_family *b)
{
    math_finding open = sets_open_family(w);
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

static bool is_zero_step(const set_family *f)
{
    return fmpq_is_zero(&f->at.c[2]) && fmpq_is_zero(&f->at.c[3]);
}

/* An interval's ends move together. */
static bool is_rigid(const set_family *f)
{
    return !f->hi.tree ||
           (fmpq_equal(&f->at.c[2], &f->to.c[2]) && fmpq_equal(&f->at.c[3], &f->to.c[3]));
}

static bool all_exact(const set_families *l, bool *whole)
{
    for (uint32_t i = 0; i < l->n; i++) {
        const set_family *f = &l->item[i];
        if (!f->exact || is_zero_step(f) || !is_rigid(f))
            return false;
        *whole = *whole && f->domain == 'Z';
    }
    return true;
}

static math_finding compared(set_work *w, const set_families *a, const set_families *b)
{
    bool whole = true;
    if (a->name.tree && b->name.tree &&
        !pc_eq(math_text(a->name.tree, a->name.id), math_text(b->name.tree, b->name.id)))
        return math_found(MATH_DIFFERENT, "unknown");
    if (all_exact(a, &whole) && all_exact(b, &whole))
        return whole ? sets_on_circle(w, a, b) : one_sided(w, a, b);
    math_finding f = one_by_one(w, a, b);
    if (f.truth == MATH_UNDECIDED && w->why == WHY_NONE && a->n == 1 && b->n == 1)
        f = renamed(w, &a->item[0], &b->item[0]);
    return f;
}

math_finding math_family_equal(math_side a, math_side b, math_budget *budget)
{
    set_work w;
    set_families x = { .n = 0 }, y = { .n = 0 };
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
