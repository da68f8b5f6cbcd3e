/* compare_list.c -- collections: tuples in order, sets and lists in any, matrices by shape, sets of
 * reals as such. SPDX-License-Identifier: Apache-2.0 */
#include "math/compare_inner.h"

/* Depth is counted by match(). NOLINTBEGIN(misc-no-recursion) */

enum { MOST_ITEMS = 64 };

bool match_is_collection(math_kind k)
{
    return (k >= M_TUPLE && k <= M_MATRIX) || k == M_FAMILY;
}

static math_side kid(math_side s, uint32_t i)
{
    return math_side_kid(s, i);
}

/* ---- in order ---- */

/* Of elements, {1} is not 1, as it is where it stands alone. */
static math_finding match_elements(matcher *m, math_side a, math_side b)
{
    bool set_a = side_kind(a) == M_SET, set_b = side_kind(b) == M_SET;
    math_side other = set_a ? b : a;
    if (set_a != set_b && math_is_scalar(side_kind(other)) && !match_has_pm(other))
        return math_found(MATH_DIFFERENT, "kind");
    return match(m, a, b);
}

static math_finding in_order(matcher *m, const math_side *a, const math_side *b, uint32_t n,
                             const char *rule)
{
    math_finding all = math_found(MATH_EQUAL, rule);
    for (uint32_t i = 0; i < n; i++) {
        math_finding f = match_elements(m, a[i], b[i]);
        if (f.truth == MATH_DIFFERENT)
            return f;
        if (f.truth == MATH_UNDECIDED)
            all = f;
    }
    return all;
}

/* ---- in any order ---- */

/* partners[i] holds a bit for each element of the other side that i may be paired with. */
typedef struct pairing {
    uint64_t partners[MOST_ITEMS], tried;
    uint32_t n, owner[MOST_ITEMS]; /* of the other side's elements; n: nobody's yet */
} pairing;

/* Each recursion tries an element nobody tried before, so at most n nest. */
static bool pair_up(pairing *p, uint32_t i)
{
    for (uint32_t k = 0; k < p->n; k++) {
        uint64_t bit = UINT64_C(1) << k;
        if (!(p->partners[i] & bit) || (p->tried & bit))
            continue;
        p->tried |= bit;
        if (p->owner[k] == p->n || pair_up(p, p->owner[k])) {
            p->owner[k] = i;
            return true;
        }
    }
    return false;
}

/* Has each element a partner of its own? What the first pairs take does not decide: 5 may be paired
 * with 5 cm or with 5 m, and the answer is the same from either side. */
static bool all_paired(pairing *p)
{
    for (uint32_t k = 0; k < p->n; k++)
        p->owner[k] = p->n;
    for (uint32_t i = 0; i < p->n; i++) {
        p->tried = 0;
        if (!pair_up(p, i))
            return false;
    }
    return true;
}

typedef struct table {
    uint64_t same[MOST_ITEMS], perhaps[MOST_ITEMS]; /* bit k of row i: a[i] and b[k] */
    math_finding open;                              /* of some pair that is not decided */
} table;

static void fill(matcher *m, const math_side *a, uint32_t na, const math_side *b, uint32_t nb,
                 table *t)
{
    *t = (table){ .open = math_found(MATH_EQUAL, "set") };
    for (uint32_t i = 0; i < na; i++)
        for (uint32_t k = 0; k < nb; k++) {
            math_finding f = match_elements(m, a[i], b[k]);
            t->same[i] |= (uint64_t)(f.truth == MATH_EQUAL) << k;
            t->perhaps[i] |= (uint64_t)(f.truth != MATH_DIFFERENT) << k;
            if (f.truth == MATH_UNDECIDED)
                t->open = f;
        }
}

/* Sets do not count: what is there twice is dropped. */
static uint32_t without_repeats(matcher *m, math_side *list, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool again = false;
        for (uint32_t k = 0; k < kept && !again; k++)
            again = match_elements(m, list[k], list[i]).truth == MATH_EQUAL;
        if (!again)
            list[kept++] = list[i];
    }
    return kept;
}

static bool pairs(const uint64_t *rows, uint32_t n)
{
    pairing p = { .n = n };
    memcpy(p.partners, rows, n * sizeof *rows);
    return all_paired(&p);
}

static math_finding in_any_order(matcher *m, math_side *a, uint32_t na, math_side *b, uint32_t nb,
                                 bool counts)
{
    table t;
    if (!counts) {
        na = without_repeats(m, a, na);
        nb = without_repeats(m, b, nb);
    }
    if (na != nb)
        return math_found(MATH_DIFFERENT, "set");
    fill(m, a, na, b, nb, &t);
    if (pairs(t.same, na))
        return math_found(MATH_EQUAL, "set");
    return pairs(t.perhaps, na) ? t.open : math_found(MATH_DIFFERENT, "set");
}

/* ---- what a list holds ---- */

typedef struct items {
    math_side list[MOST_ITEMS], names[MOST_ITEMS];
    uint32_t n, n_named;
    bool same_name; /* all that are named are named alike */
    bool too_many;
} items;

static void add_item(matcher *m, items *out, math_side s)
{
    math_side spread;
    if (math_is_scalar(side_kind(s)) && match_has_pm(s) && match_spread(m, s, &spread)) {
        for (uint32_t i = 0; i < math_side_node(spread)->n; i++)
            if (out->n < MOST_ITEMS)
                out->list[out->n++] = kid(spread, i);
        return;
    }
    if (out->n < MOST_ITEMS)
        out->list[out->n++] = s;
    else
        out->too_many = true;
}

static bool is_bare_list(math_side s)
{
    return side_kind(s) == M_LIST && math_side_node(s)->op == JOIN_SEMI;
}

/* In 1,2;3,4 the inner lists are ordered. */
static math_side as_tuple(matcher *m, math_side s)
{
    math_side name, value;
    if (side_kind(s) != M_LIST || match_name(kid(s, 0), &name, &value))
        return s;
    math_id copy = math_copy(m->scratch, s.tree, s.id, (assay_str){ "", 0 }, 0);
    if (copy) {
        m->scratch->nodes[copy].kind = M_TUPLE;
        m->scratch->nodes[copy].op = 0;
    }
    return copy ? in_scratch(m, copy) : s;
}

/* The elements; +- spread; names taken off where all bear the same or only some bear one. */
static void collect(matcher *m, math_side s, items *out)
{
    *out = (items){ .same_name = true };
    bool semicolons = is_bare_list(s), is_list = side_kind(s) == M_LIST;
    uint32_t n = math_side_node(s)->n;
    math_side first_name = s;
    for (uint32_t i = 0; i < n && !out->too_many; i++) {
        math_side item = semicolons ? as_tuple(m, kid(s, i)) : kid(s, i), name, value;
        if (is_list && match_name(item, &name, &value)) {
            if (out->n_named++ == 0)
                first_name = name;
            else if (!math_same_tree(name.tree, name.id, first_name.tree, first_name.id))
                out->same_name = false;
            if (out->n < MOST_ITEMS)
                out->names[out->n] = name;
            item = value;
        }
        add_item(m, out, item);
    }
}

static int by_name(math_side a, math_side b)
{
    return pc_cmp(side_text(a), side_text(b));
}

/* The values of y = 2, x = 1 in the order of their names. */
static void sort_by_name(items *x)
{
    for (uint32_t i = 1; i < x->n; i++)
        for (uint32_t k = i; k > 0 && by_name(x->names[k - 1], x->names[k]) > 0; k--) {
            math_side name = x->names[k], value = x->list[k];
            x->names[k] = x->names[k - 1];
            x->list[k] = x->list[k - 1];
            x->names[k - 1] = name;
            x->list[k - 1] = value;
        }
}

static bool is_system(const items *x)
{
    return x->n_named == x->n && x->n_named > 1 && !x->same_name;
}

/* x = 1, y = 2 against (1, 2): by the names' order, or as they come. */
static math_finding system_in_order(matcher *m, items *system, const items *other, bool swapped)
{
    if (system->n != other->n)
        return math_found(MATH_DIFFERENT, "tuple");
    const math_side *s = system->list, *o = other->list;
    math_finding f = in_order(m, swapped ? o : s, swapped ? s : o, system->n, "tuple");
    if (f.truth == MATH_EQUAL)
        return f;
    sort_by_name(system);
    return in_order(m, swapped ? o : s, swapped ? s : o, system->n, "tuple");
}

/* ---- matrices ---- */

static bool is_vector(math_side s)
{
    const math_node *n = math_side_node(s);
    return n->kind == M_MATRIX && !(n->flags & M_DETERMINANT) && (n->op == 1 || n->op == n->n);
}

static math_finding match_matrices(matcher *m, math_side a, math_side b)
{
    const math_node x = *math_side_node(a), y = *math_side_node(b);
    if (x.n != y.n || x.op != y.op || ((x.flags ^ y.flags) & M_DETERMINANT))
        return math_found(MATH_DIFFERENT, "matrix");
    math_finding all = math_found(MATH_EQUAL, "matrix");
    for (uint32_t i = 0; i < x.n; i++) {
        math_finding f = match(m, kid(a, i), kid(b, i));
        if (f.truth == MATH_DIFFERENT)
            return f;
        if (f.truth == MATH_UNDECIDED)
            all = f;
    }
    return all;
}

/* [[1,2],[3,4]] as a matrix; id 0: it is none. */
static math_side rows_as_matrix(matcher *m, math_side s)
{
    uint32_t rows = math_side_node(s)->n, columns = 0, n = 0;
    math_id kids[MOST_ITEMS];
    for (uint32_t i = 0; i < rows; i++) {
        math_side row = kid(s, i);
        uint32_t width = math_side_node(row)->n;
        bool fits = (side_kind(row) == M_SQUARE || side_kind(row) == M_TUPLE) &&
                    (i == 0 || width == columns);
        if (!fits || n + width > MOST_ITEMS)
            return in_scratch(m, 0);
        columns = width;
        for (uint32_t k = 0; k < width; k++)
            kids[n++] = math_copy(m->scratch, row.tree, kid(row, k).id, (assay_str){ "", 0 }, 0);
    }
    return in_scratch(m, n ? math_node_new(m->scratch, M_MATRIX, columns, kids, n) : 0);
}

/* ---- by kinds ---- */

static bool is_ordered(math_side s)
{
    math_kind k = side_kind(s);
    return k == M_TUPLE || k == M_SQUARE || is_vector(s);
}

static bool is_unordered(math_side s)
{
    math_kind k = side_kind(s);
    return k == M_SET || k == M_LIST || k == M_BRACES;
}

static bool is_pair(math_side s, math_kind k)
{
    return side_kind(s) == k && math_side_node(s)->n == 2;
}

static bool has_order(math_side s) /* a relation that is no equation */
{
    const math_node *n = math_side_node(s);
    for (uint32_t i = 0; n->kind == M_REL && i < n->len; i++)
        if (pc_in(side_text(s).data[i], "<>lg!ens"))
            return true;
    if (n->kind == M_LIST)
        for (uint32_t i = 0; i < n->n; i++)
            if (has_order(kid(s, i)))
                return true;
    return false;
}

static bool has_family(math_side s)
{
    const math_node *n = math_side_node(s);
    if (n->kind == M_FAMILY || n->kind == M_SETBUILDER)
        return true;
    bool inside =
        n->kind == M_LIST || n->kind == M_SET || n->kind == M_UNION || n->kind == M_BRACES;
    for (uint32_t i = 0; inside && i < n->n; i++)
        if (has_family(kid(s, i)))
            return true;
    return false;
}

static bool are_closed_numbers(math_side s)
{
    const math_node *n = math_side_node(s);
    for (uint32_t i = 0; i < n->n; i++)
        if (!math_is_scalar(side_kind(kid(s, i))) ||
            math_has_symbols(s.tree, math_kid(s.tree, s.id, i)))
            return false;
    return true;
}

/* Larger sets of numbers are sorted, not paired. */
static bool is_large(math_side a, math_side b)
{
    enum { LARGE = 12 };
    return (math_side_node(a)->n > LARGE || math_side_node(b)->n > LARGE) &&
           are_closed_numbers(a) && are_closed_numbers(b);
}

static math_side as_set(matcher *m, math_side s)
{
    math_id copy = math_copy(m->scratch, s.tree, s.id, (assay_str){ "", 0 }, 0);
    if (copy)
        m->scratch->nodes[copy].kind = M_SET;
    return copy ? in_scratch(m, copy) : s;
}

static math_finding match_unordered(matcher *m, math_side a, math_side b)
{
    items x, y;
    if (is_large(a, b)) {
        math_finding f = math_set_equal(as_set(m, a), as_set(m, b), m->budget);
        if (f.truth != MATH_UNDECIDED)
            return f;
    }
    collect(m, a, &x);
    collect(m, b, &y);
    if (x.too_many || y.too_many)
        return x.too_many == y.too_many
                   ? math_open("set", WHY_BUDGET, y.too_many ? MATH_BLAME_B : MATH_BLAME_A)
                   : math_found(MATH_DIFFERENT, "set");
    bool sa = is_system(&x), sb = is_system(&y);
    if (sa && sb) { /* equation by equation, in any order */
        for (uint32_t i = 0; i < x.n; i++)
            x.list[i] = kid(a, i);
        for (uint32_t i = 0; i < y.n; i++)
            y.list[i] = kid(b, i);
    } else if (sa) {
        return system_in_order(m, &x, &y, false);
    } else if (sb) {
        return system_in_order(m, &y, &x, true);
    } else if (x.n_named && y.n_named && x.same_name && y.same_name &&
               !is_unordered(a) == !is_unordered(b)) {
        math_side na = x.names[0], nb = y.names[0];
        if (na.tree && nb.tree && side_kind(na) == M_SYM && side_kind(nb) == M_SYM &&
            !pc_eq(side_text(na), side_text(nb)))
            return math_found(MATH_DIFFERENT, "unknown");
    }
    bool counts = side_kind(a) == M_LIST && side_kind(b) == M_LIST;
    return in_any_order(m, x.list, x.n, y.list, y.n, counts);
}

static math_finding match_ordered(matcher *m, math_side a, math_side b)
{
    items x, y;
    bool clash = (is_pair(a, M_TUPLE) && is_pair(b, M_SQUARE)) ||
                 (is_pair(a, M_SQUARE) && is_pair(b, M_TUPLE));
    if (clash)
        return math_found(MATH_DIFFERENT, "interval");
    collect(m, a, &x);
    collect(m, b, &y);
    if (x.too_many || y.too_many)
        return math_open("tuple", WHY_BUDGET, MATH_BLAME_B);
    return x.n == y.n ? in_order(m, x.list, y.list, x.n, "tuple")
                      : math_found(MATH_DIFFERENT, "tuple");
}

/* A bare list or braces against a tuple or vector. */
static math_finding match_mixed(matcher *m, math_side ordered, math_side list, bool swapped)
{
    items x, y;
    if (side_kind(list) == M_SET)
        return side_kind(ordered) == M_SQUARE && math_side_node(ordered)->n != 2
                   ? match_unordered(m, ordered, list)
                   : math_found(MATH_DIFFERENT, "kind");
    if (is_pair(ordered, M_SQUARE))
        return math_found(MATH_DIFFERENT, "kind");
    collect(m, ordered, &x);
    collect(m, list, &y);
    bool alternatives = side_kind(list) == M_LIST &&
                        (math_side_node(list)->op == JOIN_OR || (y.n_named > 1 && y.same_name));
    if (alternatives && y.n > 1) /* x = 2 or x = 3 is no pair */
        return math_found(MATH_DIFFERENT, "kind");
    if (x.too_many || y.too_many)
        return math_open("tuple", WHY_BUDGET, MATH_BLAME_B);
    if (is_system(&y))
        return system_in_order(m, &y, &x, !swapped);
    if (x.n != y.n)
        return math_found(MATH_DIFFERENT, "tuple");
    return swapped ? in_order(m, y.list, x.list, x.n, "tuple")
                   : in_order(m, x.list, y.list, x.n, "tuple");
}

/* A collection against one value: {5} is 5, and "1/2 or 0.5" is 1/2. */
static math_finding match_single(matcher *m, math_side many, math_side one, bool swapped)
{
    items x;
    if (side_kind(many) == M_MATRIX && math_side_node(many)->n == 1)
        return swapped ? match(m, one, kid(many, 0)) : match(m, kid(many, 0), one);
    bool may = is_unordered(many) || (side_kind(many) == M_SQUARE && math_side_node(many)->n == 1);
    if (!may || math_side_node(many)->n == 0)
        return math_found(MATH_DIFFERENT, "kind");
    collect(m, many, &x);
    if (x.too_many || is_system(&x))
        return math_found(MATH_DIFFERENT, "kind");
    math_finding all = math_found(MATH_EQUAL, "set");
    for (uint32_t i = 0; i < x.n; i++) {
        math_finding f = swapped ? match(m, one, x.list[i]) : match(m, x.list[i], one);
        if (f.truth == MATH_DIFFERENT)
            return math_found(MATH_DIFFERENT, "kind");
        if (f.truth == MATH_UNDECIDED)
            all = f;
    }
    return all;
}

/* The same operation on the same parts, where neither is a set of reals we know. */
static math_finding match_parts(matcher *m, math_side a, math_side b)
{
    const math_node x = *math_side_node(a), y = *math_side_node(b);
    if (x.kind != y.kind || x.op != y.op || x.n != y.n || !pc_eq(side_text(a), side_text(b)))
        return math_open("set", WHY_OPAQUE, 0);
    if (x.n > MOST_ITEMS)
        return math_open("set", WHY_BUDGET, MATH_BLAME_B);
    math_side p[MOST_ITEMS], q[MOST_ITEMS];
    for (uint32_t i = 0; i < x.n; i++) {
        p[i] = kid(a, i);
        q[i] = kid(b, i);
    }
    bool unordered = x.kind == M_UNION || x.kind == M_INTERSECT;
    math_finding f =
        unordered ? in_any_order(m, p, x.n, q, y.n, true) : in_order(m, p, q, x.n, "set");
    bool proves =
        x.kind == M_INTERVAL || x.kind == M_NAMED || x.kind == M_EMPTY || f.truth == MATH_EQUAL;
    return proves ? f : math_open("set", WHY_OPAQUE, 0);
}

/* A number against {x | x = 4} is the set of it. */
static math_side as_element(matcher *m, math_side s, math_side other)
{
    if (!math_is_scalar(side_kind(s)) || side_kind(other) != M_SETBUILDER)
        return s;
    math_id copy = math_copy(m->scratch, s.tree, s.id, (assay_str){ "", 0 }, 0);
    math_side set = in_scratch(m, copy ? math_1(m->scratch, M_SET, 0, copy) : 0);
    return set.id ? set : s;
}

/* Intervals, unions, named sets and the like, as sets of reals first. */
static math_finding match_sets(matcher *m, math_side a, math_side b)
{
    if (has_family(a) || has_family(b)) {
        math_finding f = math_family_equal(a, b, m->budget);
        if (f.truth != MATH_UNDECIDED)
            return f;
    }
    if (math_is_real_set(a) || math_is_real_set(b)) {
        math_finding f = math_set_equal(as_element(m, a, b), as_element(m, b, a), m->budget);
        if (f.truth == MATH_EQUAL || (f.truth == MATH_DIFFERENT && !match_is_tolerant(m->policy)))
            return f;
    }
    return match_parts(m, a, b);
}

static bool is_plain(math_side s)
{
    return (is_ordered(s) || is_unordered(s) || math_is_scalar(side_kind(s))) && !has_family(s) &&
           !has_order(s);
}

static bool is_spreadable(math_side s)
{
    return math_is_scalar(side_kind(s)) && match_has_pm(s);
}

/* Two matrices, one of them perhaps as a list of its rows: [[1,2],[3,4]]. */
static bool match_as_matrices(matcher *m, math_side a, math_side b, math_finding *out)
{
    if (side_kind(a) == M_SQUARE && side_kind(b) == M_MATRIX)
        a = rows_as_matrix(m, a);
    else if (side_kind(b) == M_SQUARE && side_kind(a) == M_MATRIX)
        b = rows_as_matrix(m, b);
    if (!a.id || !b.id || side_kind(a) != M_MATRIX || side_kind(b) != M_MATRIX)
        return false;
    *out = match_matrices(m, a, b);
    return true;
}

math_finding match_collections(matcher *m, math_side a, math_side b)
{
    math_side spread;
    math_finding f;
    if (is_spreadable(a))
        return match_spread(m, a, &spread) ? match(m, spread, b)
                                           : math_open("plus-minus", WHY_BUDGET, MATH_BLAME_A);
    if (is_spreadable(b))
        return match_spread(m, b, &spread) ? match(m, a, spread)
                                           : math_open("plus-minus", WHY_BUDGET, MATH_BLAME_B);
    if (match_as_matrices(m, a, b, &f))
        return f;
    if (!is_plain(a) || !is_plain(b))
        return match_sets(m, a, b);
    if (math_is_scalar(side_kind(b)))
        return match_single(m, a, b, false);
    if (math_is_scalar(side_kind(a)))
        return match_single(m, b, a, true);
    if (is_ordered(a) && is_ordered(b))
        return match_ordered(m, a, b);
    if (is_unordered(a) && is_unordered(b))
        return match_unordered(m, a, b);
    return is_ordered(a) ? match_mixed(m, a, b, false) : match_mixed(m, b, a, true);
}
/* NOLINTEND(misc-no-recursion) */
