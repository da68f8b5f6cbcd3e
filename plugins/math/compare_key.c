/* compare_key.c -- canonical keys: equal decidable answers have equal keys.
 *  - q:1/2 a:.. p:.. -- rationals, algebraic numbers (value.h), rational functions (symbolic.h);
 *    q:5|cm with a unit, % or deg
 *  - g:101_2 -- digits in a base: the digits alone answer them too, so their value does not say all
 *  - t:(K,K) s:{K,K} b:[K,K] m:2x2(K,K,K,K) o:(K,K) -- tuples; sets and lists, sorted, without
 *    repeats; brackets that are no interval of numbers; matrices; ratios
 *  - u:.. x~u:.. -- sets of reals; what x is in
 *  - x=K n4:f(2)=K l:(x=K,y=K) -- a named value, its name a symbol or anything else; several,
 *    or a list that says an element twice
 *  - x4:text -- what has no canonical form, with its length
 * judge_key_text.c reads them back. SPDX-License-Identifier: Apache-2.0 */
#include "math/compare_inner.h"
#include "math/parse.h"

#include <stdlib.h>

typedef struct writer {
    math_budget *budget;
    math_tree *scratch;
    unsigned depth;
} writer;

enum { DEEPEST = 40 };

static math_side kid(math_side s, uint32_t i)
{
    return math_side_kid(s, i);
}

/* Depth is counted by write_key(). NOLINTBEGIN(misc-no-recursion) */
static void write_key(writer *w, math_side s, pc_buf *out);

static void write_sized(char kind, assay_str text, pc_buf *out)
{
    pc_buf_fmt(out, "%c%zu:", kind, text.len);
    pc_buf_add(out, text.data, text.len);
}

static void write_text(assay_str text, pc_buf *out)
{
    write_sized('x', text, out);
}

static void write_printed(char kind, math_side s, pc_buf *out)
{
    pc_buf text = { 0 };
    math_print(s.tree, s.id, &text);
    write_sized(kind, pc_buf_str(&text), out);
    out->failed = out->failed || text.failed;
    pc_buf_fini(&text);
}

/* ---- scalars ---- */

static void write_number(writer *w, math_side s, pc_buf *out)
{
    const math_env env = { .budget = w->budget };
    bool known = math_has_symbols(s.tree, s.id) ? math_expr_key(s, w->budget, out)
                                                : math_value_key(s, &env, out);
    if (!known)
        write_printed('x', s, out);
}

static void write_scalar(writer *w, math_side s, pc_buf *out)
{
    math_kind k = side_kind(s);
    if (k == M_BASE) { /* its digits alone answer it too, so its value does not say all */
        pc_buf_text(out, "g:");
        pc_buf_add(out, side_text(s).data, side_text(s).len);
        pc_buf_fmt(out, "_%u", (unsigned)math_side_node(s)->op);
        return;
    }
    if (k != M_UNIT && k != M_PERCENT && k != M_DEGREE) {
        write_number(w, s, out);
        return;
    }
    write_key(w, kid(s, 0), out);
    pc_buf_byte(out, '|');
    if (k == M_UNIT)
        pc_buf_add(out, side_text(s).data, side_text(s).len);
    else
        pc_buf_text(out, k == M_PERCENT ? "%" : "deg");
}

/* ---- collections ---- */

typedef struct piece {
    size_t at, len;
} piece;

static int by_key(const void *a, const void *b, void *keys)
{
    const pc_buf *k = keys;
    const piece *x = a, *y = b;
    return pc_cmp((assay_str){ k->data + x->at, x->len }, (assay_str){ k->data + y->at, y->len });
}

typedef struct pieces {
    pc_buf keys;
    piece *list;
    uint32_t n, cap;
} pieces;

static bool again(pieces *p, uint32_t i)
{
    return i > 0 && by_key(&p->list[i - 1], &p->list[i], &p->keys) == 0;
}

static void sort_pieces(pieces *p)
{
    if (p->n)
        qsort_r(p->list, p->n, sizeof *p->list, by_key, &p->keys);
}

static bool has_repeats(pieces *p)
{
    for (uint32_t i = 1; i < p->n; i++)
        if (again(p, i))
            return true;
    return false;
}

/* `once`: of equal neighbours only the first. */
static void write_pieces(pieces *p, const char *head, const char *tail, bool once, pc_buf *out)
{
    pc_buf_text(out, head);
    for (uint32_t i = 0; i < p->n; i++) {
        if (once && again(p, i))
            continue;
        if (i > 0)
            pc_buf_byte(out, ',');
        pc_buf_add(out, p->keys.data + p->list[i].at, p->list[i].len);
    }
    pc_buf_text(out, tail);
    out->failed = out->failed || p->keys.failed;
    pc_free(p->list);
    pc_buf_fini(&p->keys);
}

static void add_piece(writer *w, math_side s, pieces *p)
{
    if (p->n == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 16;
        piece *more = pc_realloc(p->list, cap, sizeof *more);
        if (!more) {
            p->keys.failed = true;
            return;
        }
        p->list = more;
        p->cap = cap;
    }
    piece one = { .at = p->keys.len };
    write_key(w, s, &p->keys);
    one.len = p->keys.len - one.at;
    p->list[p->n++] = one;
}

static void add_element(writer *w, math_side s, bool in_set, pieces *p)
{
    matcher m = { .budget = w->budget, .scratch = w->scratch };
    math_side spread;
    if (!in_set || !math_is_scalar(side_kind(s)) || !match_has_pm(s) ||
        !match_spread(&m, s, &spread)) {
        add_piece(w, s, p);
        return;
    }
    for (uint32_t i = 0; i < math_side_node(spread)->n; i++)
        add_piece(w, kid(spread, i), p);
}

/* In a set +-a is two elements. */
static void gather(writer *w, math_side s, bool in_set, pieces *p)
{
    for (uint32_t i = 0; i < math_side_node(s)->n && !p->keys.failed; i++)
        add_element(w, kid(s, i), in_set, p);
}

/* [0,1] is always read as an interval here, (0,1) only with an infinite end. */
static bool is_real_set(math_side s)
{
    math_kind k = side_kind(s);
    if (k == M_SQUARE)
        return math_side_node(s)->n == 2;
    return !math_is_scalar(k) && math_is_real_set(s);
}

static bool all_equations(math_side s)
{
    math_side name, value;
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (side_kind(kid(s, i)) == M_REL && !match_name(kid(s, i), &name, &value))
            return false;
    return true;
}

static bool has_names(math_side s)
{
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (side_kind(kid(s, i)) == M_REL)
            return true;
    return false;
}

static bool wraps(writer *w, math_side s, const char *head, const char *tail, pc_buf *out)
{
    pieces p = { .n = 0 };
    gather(w, s, false, &p);
    write_pieces(&p, head, tail, false, out);
    return true;
}

/* A list counts its elements, a set does not: with repeats it is none. */
static bool wraps_sorted(writer *w, math_side s, bool is_list, pc_buf *out)
{
    pieces p = { .n = 0 };
    gather(w, s, true, &p);
    sort_pieces(&p);
    if (is_list && (has_names(s) || has_repeats(&p)))
        write_pieces(&p, "l:(", ")", false, out);
    else
        write_pieces(&p, "s:{", "}", true, out);
    return true;
}

static bool write_collection(writer *w, math_side s, pc_buf *out)
{
    switch ((unsigned)side_kind(s)) {
    case M_SQUARE:
        if (math_side_node(s)->n == 2)
            return wraps(w, s, "b:[", "]", out);
        return wraps(w, s, "t:(", ")", out);
    case M_TUPLE:
        return wraps(w, s, "t:(", ")", out);
    case M_SET:
        if (math_side_node(s)->n == 0) { /* as the empty set of reals */
            pc_buf_text(out, "u:");
            return true;
        }
        return wraps_sorted(w, s, false, out);
    case M_BRACES:
        return wraps_sorted(w, s, false, out);
    case M_LIST:
        if (!all_equations(s))
            return false;
        return wraps_sorted(w, s, true, out);
    case M_RATIO:
        return wraps(w, s, "o:(", ")", out);
    case M_MATRIX:
        pc_buf_fmt(out, "%c:%ux%u", math_side_node(s)->flags & M_DETERMINANT ? 'd' : 'm',
                   math_side_node(s)->n / math_side_node(s)->op, (unsigned)math_side_node(s)->op);
        return wraps(w, s, "(", ")", out);
    default:
        return false;
    }
}

/* ---- the rest ---- */

static bool is_name_text(assay_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!pc_is_alpha(name.data[i]) && !pc_is_digit(name.data[i]) && name.data[i] != '_')
            return false;
    return name.len > 0;
}

static bool write_named(writer *w, math_side s, pc_buf *out)
{
    math_side name, value;
    if (!match_name(s, &name, &value) || match_is_congruence(s, value))
        return false;
    if (side_kind(name) == M_SYM && is_name_text(side_text(name))) {
        pc_buf_add(out, side_text(name).data, side_text(name).len);
    } else {
        write_printed('n', name, out);
    }
    pc_buf_byte(out, '=');
    write_key(w, value, out);
    return true;
}

/* A letter alone may be the name of a choice, whose case does not matter; in capitals, since e and
 * i are numbers. */
static void write_letter(assay_str name, pc_buf *out)
{
    char lower = pc_lower(name.data[0]), upper = (char)(lower - 'a' + 'A');
    bool choice = name.len == 1 && lower >= 'a' && lower <= 'j';
    write_text(choice ? (assay_str){ &upper, 1 } : name, out);
}

/* The one symbol below s, if it is only one: *name is empty until it is met. */
static bool only_symbol(math_side s, assay_str *name)
{
    if (side_kind(s) == M_SYM) {
        if (name->len && !pc_eq(*name, side_text(s)))
            return false;
        *name = side_text(s);
    }
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (!only_symbol(kid(s, i), name))
            return false;
    return true;
}

/* A set of reals by what it holds; equations side by side are no set. x < 1 is of x, but (-inf,1)
 * of what was asked for. */
static bool write_set(const writer *w, math_side s, pc_buf *out)
{
    math_kind k = side_kind(s);
    if (!is_real_set(s) || (k == M_LIST && all_equations(s)))
        return false;
    size_t before = out->len;
    assay_str name = { "", 0 };
    if ((k == M_REL || k == M_LIST) && only_symbol(s, &name) && is_name_text(name)) {
        pc_buf_add(out, name.data, name.len);
        pc_buf_byte(out, '~');
    }
    if (math_set_key(s, w->budget, out))
        return true;
    out->len = before;
    return false;
}

static void write_key(writer *w, math_side s, pc_buf *out)
{
    if (w->depth >= DEEPEST) {
        write_printed('x', s, out);
        return;
    }
    w->depth++;
    math_kind k = side_kind(s);
    math_side spread;
    matcher m = { .budget = w->budget, .scratch = w->scratch };
    if (k == M_LABEL)
        write_letter(side_text(kid(s, 0)), out);
    else if (k == M_TEXT)
        write_text(side_text(s), out);
    else if (k == M_SYM && w->depth == 1)
        write_letter(side_text(s), out);
    else if ((match_needs_lowering(s) && match_lower(&m, s, &spread)) ||
             (math_is_scalar(k) && match_has_pm(s) && match_spread(&m, s, &spread)))
        write_key(w, spread, out);
    else if (math_is_scalar(k))
        write_scalar(w, s, out);
    else if ((k != M_REL || !write_named(w, s, out)) && !write_set(w, s, out) &&
             !write_collection(w, s, out))
        write_printed('x', s, out);
    w->depth--;
}
/* NOLINTEND(misc-no-recursion) */

void math_answer_key(math_side s, math_budget *budget, pc_buf *out)
{
    math_tree scratch = { .n = 0 };
    writer w = { .budget = budget, .scratch = &scratch };
    write_key(&w, s, out);
    math_tree_fini(&scratch);
}
