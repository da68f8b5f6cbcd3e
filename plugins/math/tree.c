/* tree.c -- see tree.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/tree.h"

void math_tree_clear(math_tree *t)
{
    pc_buf_clear(&t->pool);
    t->n = t->n_kids = 0;
    t->root = 0;
    t->full = false;
}

void math_tree_fini(math_tree *t)
{
    pc_free(t->nodes);
    pc_free(t->kids);
    pc_buf_fini(&t->pool);
    *t = (math_tree){ .n = 0 };
}

/* Room for `more` after `n` of `*cap` items, at most `most`; the items may move. */
static void *grown(void *items, uint32_t n, uint32_t more, uint32_t most, uint32_t *cap,
                   size_t size)
{
    if (n + more <= *cap)
        return items;
    if (more > most || n > most - more)
        return NULL;
    uint32_t want = *cap ? *cap * 2 : 64;
    while (want < n + more)
        want *= 2;
    void *bigger = pc_realloc(items, want, size);
    if (bigger)
        *cap = want;
    return bigger;
}

static bool reserve(math_tree *t, uint32_t kids)
{
    math_node *nodes = grown(t->nodes, t->n, 2, MATH_NODES, &t->cap, sizeof *nodes);
    if (nodes)
        t->nodes = nodes;
    math_id *list = grown(t->kids, t->n_kids, kids + 1, 4 * MATH_NODES, &t->cap_kids, sizeof *list);
    if (list)
        t->kids = list;
    if (nodes && list && t->n == 0)
        t->nodes[t->n++] = (math_node){ .kind = M_NONE };
    t->full = t->full || !nodes || !list;
    return !t->full;
}

/* `text` may lie in the pool itself, which moves when it grows. */
static void add_text(math_tree *t, assay_str text)
{
    uintptr_t from = (uintptr_t)text.data, pool = (uintptr_t)t->pool.data;
    bool inside = t->pool.data && from >= pool && from < pool + t->pool.len;
    if (pc_buf_reserve(&t->pool, text.len))
        pc_buf_add(&t->pool, inside ? t->pool.data + (from - pool) : text.data, text.len);
}

math_id math_text_node(math_tree *t, math_kind kind, unsigned op, assay_str text,
                       const math_id *kids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (kids[i] == 0)
            return 0;
    if (!reserve(t, n))
        return 0;
    math_node *node = &t->nodes[t->n];
    *node = (math_node){ .kind = (uint8_t)kind,
                         .op = (uint16_t)op,
                         .first = t->n_kids,
                         .n = n,
                         .at = (uint32_t)t->pool.len,
                         .len = (uint32_t)text.len };
    if (text.len)
        add_text(t, text);
    t->full = t->pool.failed;
    for (uint32_t i = 0; i < n; i++)
        t->kids[t->n_kids++] = kids[i];
    return t->full ? 0 : t->n++;
}

math_id math_node_new(math_tree *t, math_kind kind, unsigned op, const math_id *kids, uint32_t n)
{
    return math_text_node(t, kind, op, (assay_str){ "", 0 }, kids, n);
}

math_id math_leaf(math_tree *t, math_kind kind, assay_str text)
{
    return math_text_node(t, kind, 0, text, NULL, 0);
}

math_id math_int(math_tree *t, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    math_id id = math_leaf(t, M_NUM, (assay_str){ digits + at, sizeof digits - at });
    return value < 0 ? math_1(t, M_NEG, 0, id) : id;
}

bool math_is_scalar(math_kind kind)
{
    return kind >= M_NUM && kind < M_DOTS;
}

const char *math_fn_name(math_fn fn)
{
    static const char *const names[FN_COUNT] = {
        [FN_NONE] = "?",       [FN_SIN] = "sin",      [FN_COS] = "cos",     [FN_TAN] = "tan",
        [FN_COT] = "cot",      [FN_SEC] = "sec",      [FN_CSC] = "csc",     [FN_ASIN] = "arcsin",
        [FN_ACOS] = "arccos",  [FN_ATAN] = "arctan",  [FN_ACOT] = "arccot", [FN_ASEC] = "arcsec",
        [FN_ACSC] = "arccsc",  [FN_SINH] = "sinh",    [FN_COSH] = "cosh",   [FN_TANH] = "tanh",
        [FN_COTH] = "coth",    [FN_SECH] = "sech",    [FN_CSCH] = "csch",   [FN_ASINH] = "arsinh",
        [FN_ACOSH] = "arcosh", [FN_ATANH] = "artanh", [FN_EXP] = "exp",     [FN_LN] = "ln",
        [FN_LG] = "lg",        [FN_LOG] = "log",      [FN_ABS] = "abs",     [FN_FLOOR] = "floor",
        [FN_CEIL] = "ceil",    [FN_SIGN] = "sgn",     [FN_GAMMA] = "Gamma", [FN_GCD] = "gcd",
        [FN_LCM] = "lcm",      [FN_MAX] = "max",      [FN_MIN] = "min",     [FN_RE] = "Re",
        [FN_IM] = "Im",        [FN_ARG] = "arg",      [FN_CONJ] = "conj",   [FN_DET] = "det",
        [FN_ERF] = "erf",      [FN_PHI] = "totient",
    };
    return fn < FN_COUNT ? names[fn] : "?";
}

/* Trees are no deeper than MATH_DEPTH, which bounds the recursions below.
 * NOLINTBEGIN(misc-no-recursion) */
bool math_same_tree(const math_tree *ta, math_id a, const math_tree *tb, math_id b)
{
    const math_node *x = math_at(ta, a), *y = math_at(tb, b);
    if (x->kind != y->kind || x->op != y->op || x->n != y->n ||
        ((x->flags ^ y->flags) & M_DETERMINANT) || !pc_eq(math_text(ta, a), math_text(tb, b)))
        return false;
    for (uint32_t i = 0; i < x->n; i++)
        if (!math_same_tree(ta, math_kid(ta, a, i), tb, math_kid(tb, b, i)))
            return false;
    return true;
}

bool math_has_symbol(const math_tree *t, math_id id, assay_str name)
{
    const math_node *x = math_at(t, id);
    if (x->kind == M_SYM && pc_eq(math_text(t, id), name))
        return true;
    for (uint32_t i = 0; i < x->n; i++)
        if (math_has_symbol(t, math_kid(t, id, i), name))
            return true;
    return false;
}

bool math_has_symbols(const math_tree *t, math_id id)
{
    const math_node *x = math_at(t, id);
    if (x->kind == M_SYM || x->kind == M_APPLY)
        return true;
    for (uint32_t i = 0; i < x->n; i++)
        if (math_has_symbols(t, math_kid(t, id, i)))
            return true;
    return false;
}

/* A node is written before its parent, so the children are collected on the new tree's own list. */
math_id math_copy(math_tree *to, const math_tree *from, math_id id, assay_str name, math_id by)
{
    enum { FEW = 32 };
    const math_node x = *math_at(from, id);
    if (x.kind == M_SYM && by && pc_eq(math_text(from, id), name))
        return by;
    math_id few[FEW] = { 0 }, *kids = few;
    if (x.n > FEW)
        kids = pc_calloc(x.n, sizeof *kids);
    if (!kids) {
        to->full = true;
        return 0;
    }
    for (uint32_t i = 0; i < x.n; i++)
        kids[i] = math_copy(to, from, math_kid(from, id, i), name, by);
    pc_buf text = { 0 }; /* `from` may be `to`, whose pool moves */
    pc_buf_add(&text, math_text(from, id).data, x.len);
    math_id copy =
        text.failed ? 0 : math_text_node(to, (math_kind)x.kind, x.op, pc_buf_str(&text), kids, x.n);
    pc_buf_fini(&text);
    if (copy)
        to->nodes[copy].flags = x.flags;
    if (kids != few)
        pc_free(kids);
    return copy;
}
/* NOLINTEND(misc-no-recursion) */
