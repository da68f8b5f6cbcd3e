/* jinja_parse.c -- expressions: Jinja's grammar, one function per level of precedence.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/jinja_inner.h"

#include <stdarg.h>
#include <stdio.h>

static as_jn *parse_unary(as_jparser *p, bool has_filter);

as_jn *as_jparse_fail(as_jparser *p, const char *format, ...)
{
    char what[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!p->failed)
        (void)as_fail(p->err, AS_EDATA, "%s: line %u: %s", p->j->name, p->at->line, what);
    p->failed = true;
    return NULL;
}

as_jn *as_jnode(as_jparser *p, as_jn_kind kind)
{
    as_jn *n = as_arena_calloc(&p->j->arena, 1, sizeof *n);
    if (!n) {
        if (!p->failed)
            (void)as_fail(p->err, AS_ENOMEM, "%s: out of memory", p->j->name);
        p->failed = true;
        return NULL;
    }
    n->kind = kind;
    n->line = p->at->line;
    return n;
}

bool as_jparse_is(const as_jparser *p, const char *text)
{
    return (p->at->kind == AS_JT_OPERATOR || p->at->kind == AS_JT_NAME) &&
           as_str_is(p->at->text, text);
}

bool as_jparse_take(as_jparser *p, const char *text)
{
    if (!as_jparse_is(p, text))
        return false;
    p->at++;
    return true;
}

/* For messages: what stands here. */
static as_str here(const as_jparser *p)
{
    if (p->at->kind == AS_JT_END)
        return AS_LIT("the end of the template");
    if (p->at->kind == AS_JT_VAR_END || p->at->kind == AS_JT_BLOCK_END)
        return AS_LIT("the end of the tag");
    return (as_str){ p->at->text.data, p->at->text.len < 60 ? p->at->text.len : 60 };
}

bool as_jparse_want(as_jparser *p, const char *text)
{
    if (as_jparse_take(p, text))
        return true;
    (void)as_jparse_fail(p, "\"%s\" was expected, not %.*s", text, AS_FMT(here(p)));
    return false;
}

/* ---- what stands alone ---- */

static as_jn *constant(as_jparser *p, as_jv value)
{
    as_jn *n = as_jnode(p, AS_JN_CONST);
    if (n)
        n->value = value;
    return n;
}

static as_jn *parse_name(as_jparser *p)
{
    static const struct {
        const char *name;
        as_jkind_of kind;
        bool is_true;
    } words[] = { { "true", AS_JV_BOOL, true },   { "True", AS_JV_BOOL, true },
                  { "false", AS_JV_BOOL, false }, { "False", AS_JV_BOOL, false },
                  { "none", AS_JV_NONE, false },  { "None", AS_JV_NONE, false } };
    as_str name = p->at->text;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (as_jparse_take(p, words[i].name))
            return constant(p, words[i].kind == AS_JV_NONE ? as_jv_none()
                                                           : as_jv_bool(words[i].is_true));
    }
    as_jn *n = as_jnode(p, AS_JN_NAME);
    if (n)
        n->text = name;
    p->at++;
    return n;
}

/* Literals beside each other are one. */
static as_jn *parse_string(as_jparser *p)
{
    as_str s = p->at->text;
    for (p->at++; p->at->kind == AS_JT_STRING; p->at++) {
        as_str more = p->at->text;
        char *both = as_arena_alloc(&p->j->arena, s.len + more.len + 1);
        if (!both)
            return as_jnode(p, AS_JN_CONST);
        memcpy(both, s.data, s.len);
        memcpy(both + s.len, more.data, more.len);
        both[s.len + more.len] = 0;
        s = (as_str){ both, s.len + more.len };
    }
    return constant(p, as_jv_str(s));
}

/* Values up to the closing bracket, as a chain; pairs of them for a dictionary. */
static as_jn *parse_items(as_jparser *p, as_jn_kind kind, const char *close)
{
    as_jn *list = as_jnode(p, kind), **last = list ? &list->args : NULL;
    while (list && !as_jparse_take(p, close)) {
        for (int i = 0; i < (kind == AS_JN_DICT ? 2 : 1); i++) {
            if (i && !as_jparse_want(p, ":"))
                return NULL;
            *last = as_jparse_expression(p, true);
            if (!*last)
                return NULL;
            last = &(*last)->next;
        }
        if (!as_jparse_is(p, close) && !as_jparse_want(p, ","))
            return NULL;
    }
    return list;
}

static as_jn *parse_primary(as_jparser *p)
{
    const as_jtoken *t = p->at;
    if (t->kind == AS_JT_NAME)
        return parse_name(p);
    if (t->kind == AS_JT_STRING)
        return parse_string(p);
    if (t->kind == AS_JT_INT || t->kind == AS_JT_FLOAT) {
        p->at++;
        return constant(p, t->kind == AS_JT_INT ? as_jv_int(t->integer) : as_jv_real(t->real));
    }
    if (as_jparse_take(p, "[")) /* each bracket is a level of depth by what it holds */
        return parse_items(p, AS_JN_LIST, "]");
    if (as_jparse_take(p, "{"))
        return parse_items(p, AS_JN_DICT, "}");
    if (as_jparse_take(p, "(")) {
        as_jn *inner = as_jparse_tuple(p, true);
        return inner && as_jparse_want(p, ")") ? inner : NULL;
    }
    return as_jparse_fail(p, "an expression was expected, not %.*s", AS_FMT(here(p)));
}

/* ---- what follows a value ---- */

static bool parse_args(as_jparser *p, as_jn *call)
{
    as_jn **last = &call->args, **last_named = &call->kwargs;
    while (!as_jparse_take(p, ")")) {
        bool is_named = p->at->kind == AS_JT_NAME && p->at[1].kind == AS_JT_OPERATOR &&
                        as_str_is(p->at[1].text, "=");
        if (as_jparse_is(p, "*") || as_jparse_is(p, "**"))
            return as_jparse_fail(p, "arguments by * are not implemented") != NULL;
        if (!is_named && call->kwargs)
            return as_jparse_fail(p, "an argument without a name after one with a name") != NULL;
        as_str keyword = p->at->text;
        p->at += is_named ? 2 : 0;
        as_jn *value = as_jparse_expression(p, true);
        if (!value)
            return false;
        as_jn ***end = is_named ? &last_named : &last;
        if (is_named)
            value->keyword = keyword;
        **end = value;
        *end = &value->next;
        if (!as_jparse_is(p, ")") && !as_jparse_want(p, ","))
            return false;
    }
    return true;
}

static as_jn *slice_part(as_jparser *p)
{
    if (as_jparse_is(p, ":") || as_jparse_is(p, "]"))
        return constant(p, as_jv_none());
    return as_jparse_expression(p, true);
}

static as_jn *parse_subscript(as_jparser *p, as_jn *of)
{
    as_jn *n = as_jnode(p, AS_JN_ITEM), *start = slice_part(p);
    if (!n || !start)
        return NULL;
    n->a = of;
    n->b = start;
    if (as_jparse_take(p, ":")) {
        n->kind = AS_JN_SLICE;
        n->args = start;
        start->next = slice_part(p);
        if (!start->next)
            return NULL;
        start->next->next = as_jparse_take(p, ":") ? slice_part(p) : constant(p, as_jv_none());
        if (!start->next->next)
            return NULL;
    } else if (as_jparse_is(p, ",")) {
        return as_jparse_fail(p, "a subscript of several values is not implemented");
    }
    return as_jparse_want(p, "]") ? n : NULL;
}

static as_jn *parse_attribute(as_jparser *p, as_jn *of)
{
    as_jn *n = as_jnode(p, AS_JN_ATTR);
    if (!n)
        return NULL;
    n->a = of;
    if (p->at->kind == AS_JT_INT) { /* x.0 is x[0] */
        n->kind = AS_JN_ITEM;
        n->b = constant(p, as_jv_int(p->at->integer));
    } else if (p->at->kind != AS_JT_NAME) {
        return as_jparse_fail(p, "a name was expected after the dot, not %.*s", AS_FMT(here(p)));
    }
    n->text = p->at->text;
    p->at++;
    return n;
}

static as_jn *parse_call(as_jparser *p, as_jn *of)
{
    as_jn *n = as_jnode(p, AS_JN_CALL);
    if (!n)
        return NULL;
    n->a = of;
    return parse_args(p, n) ? n : NULL;
}

static as_jn *parse_postfix(as_jparser *p, as_jn *n)
{
    while (n) {
        if (as_jparse_take(p, "."))
            n = parse_attribute(p, n);
        else if (as_jparse_take(p, "["))
            n = parse_subscript(p, n);
        else if (as_jparse_take(p, "("))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

static as_jn *parse_filter(as_jparser *p, as_jn *of)
{
    as_jn *n = as_jnode(p, AS_JN_FILTER);
    if (!n)
        return NULL;
    if (p->at->kind != AS_JT_NAME || !as_jinja_has_filter(p->at->text))
        return as_jparse_fail(p, "the filter \"%.*s\" is not implemented", AS_FMT(here(p)));
    n->a = of;
    n->text = p->at->text;
    p->at++;
    return !as_jparse_take(p, "(") || parse_args(p, n) ? n : NULL;
}

/* A test's argument may stand without brackets: x is divisibleby 3. */
static bool has_bare_argument(const as_jparser *p)
{
    if (p->at->kind == AS_JT_OPERATOR)
        return as_jparse_is(p, "[") || as_jparse_is(p, "{");
    if (p->at->kind == AS_JT_NAME)
        return !as_jparse_is(p, "else") && !as_jparse_is(p, "or") && !as_jparse_is(p, "and") &&
               !as_jparse_is(p, "if") && !as_jparse_is(p, "is") && !as_jparse_is(p, "in") &&
               !as_jparse_is(p, "not");
    return p->at->kind == AS_JT_STRING || p->at->kind == AS_JT_INT || p->at->kind == AS_JT_FLOAT;
}

static as_jn *parse_test(as_jparser *p, as_jn *of)
{
    bool is_negated = as_jparse_take(p, "not");
    as_jn *n = as_jnode(p, AS_JN_TEST), *negated = is_negated ? as_jnode(p, AS_JN_NOT) : NULL;
    if (!n || (is_negated && !negated))
        return NULL;
    if (p->at->kind != AS_JT_NAME || !as_jinja_has_test(p->at->text))
        return as_jparse_fail(p, "the test \"%.*s\" is not implemented", AS_FMT(here(p)));
    n->a = of;
    n->text = p->at->text;
    p->at++;
    if (as_jparse_take(p, "(")) {
        if (!parse_args(p, n))
            return NULL;
    } else if (has_bare_argument(p)) {
        n->args = parse_postfix(p, parse_primary(p));
        if (!n->args)
            return NULL;
    }
    if (!negated)
        return n;
    negated->a = n;
    return negated;
}

/* Filters, tests and calls, as they come. */
static as_jn *parse_filters(as_jparser *p, as_jn *n)
{
    while (n) {
        if (as_jparse_take(p, "|"))
            n = parse_filter(p, n);
        else if (as_jparse_take(p, "is"))
            n = parse_test(p, n);
        else if (as_jparse_take(p, "("))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

/* NOLINTBEGIN(misc-no-recursion): p->depth bounds it */
/* ---- operators, the tightest first ---- */

static as_jn *parse_unary(as_jparser *p, bool has_filter)
{
    as_jn *n;
    if (++p->depth > AS_JINJA_DEPTH)
        return as_jparse_fail(p, "nested deeper than %d levels", AS_JINJA_DEPTH);
    if (as_jparse_take(p, "-")) {
        n = as_jnode(p, AS_JN_NEGATE);
        as_jn *of = parse_unary(p, false);
        if (!n || !of)
            return NULL;
        n->a = of;
    } else if (as_jparse_take(p, "+")) {
        n = parse_unary(p, false);
    } else {
        n = parse_primary(p);
    }
    n = parse_postfix(p, n);
    if (has_filter)
        n = parse_filters(p, n);
    p->depth--;
    return n;
}

static as_jn *join(as_jparser *p, as_jn_kind kind, as_str text, as_jn *a, as_jn *b)
{
    as_jn *n = a && b ? as_jnode(p, kind) : NULL;
    if (n) {
        n->text = text;
        n->a = a;
        n->b = b;
    }
    return n;
}

static as_jn *parse_power(as_jparser *p)
{
    as_jn *n = parse_unary(p, true);
    while (n && as_jparse_is(p, "**")) {
        as_str op = p->at++->text;
        n = join(p, AS_JN_BINARY, op, n, parse_unary(p, true));
    }
    return n;
}

/* A level of operators that group to the left. */
static as_jn *parse_level(as_jparser *p, const char *const *ops, as_jn *(*tighter)(as_jparser *))
{
    as_jn *n = tighter(p);
    while (n) {
        const char *const *op = ops;
        while (*op && !as_jparse_is(p, *op))
            op++;
        if (!*op)
            break;
        as_str text = p->at++->text;
        n = join(p, AS_JN_BINARY, text, n, tighter(p));
    }
    return n;
}

static as_jn *parse_product(as_jparser *p)
{
    static const char *const ops[] = { "*", "/", "//", "%", NULL };
    return parse_level(p, ops, parse_power);
}

static as_jn *parse_concat(as_jparser *p)
{
    static const char *const ops[] = { "~", NULL };
    return parse_level(p, ops, parse_product);
}

static as_jn *parse_sum(as_jparser *p)
{
    static const char *const ops[] = { "+", "-", NULL };
    return parse_level(p, ops, parse_concat);
}

/* The comparison here, or an empty text; takes it. */
static as_str take_comparison(as_jparser *p)
{
    static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=", "in" };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (as_jparse_is(p, ops[i]))
            return p->at++->text;
    if (as_jparse_is(p, "not") && p->at[1].kind == AS_JT_NAME && as_str_is(p->at[1].text, "in")) {
        p->at += 2;
        return AS_LIT("not in");
    }
    return AS_LIT("");
}

static as_jn *parse_compare(as_jparser *p)
{
    as_jn *first = parse_sum(p), *n = NULL, **last = NULL;
    for (as_str op; first && (op = take_comparison(p)).len;) {
        if (!n) {
            n = as_jnode(p, AS_JN_COMPARE);
            if (!n)
                return NULL;
            n->a = first;
            last = &n->args;
        }
        as_jn *holder = as_jnode(p, AS_JN_COMPARE); /* an operator and what stands right of it */
        as_jn *right = parse_sum(p);
        if (!holder || !right)
            return NULL;
        holder->text = op;
        holder->a = right;
        *last = holder;
        last = &holder->next;
    }
    return n ? n : first;
}

static as_jn *parse_not(as_jparser *p)
{
    unsigned n_not = 0;
    while (as_jparse_take(p, "not"))
        n_not++;
    as_jn *n = parse_compare(p);
    for (; n && n_not; n_not--) {
        as_jn *of = n;
        n = as_jnode(p, AS_JN_NOT);
        if (n)
            n->a = of;
    }
    return n;
}

static as_jn *parse_and(as_jparser *p)
{
    as_jn *n = parse_not(p);
    while (n && as_jparse_take(p, "and"))
        n = join(p, AS_JN_AND, AS_LIT("and"), n, parse_not(p));
    return n;
}

static as_jn *parse_or(as_jparser *p)
{
    as_jn *n = parse_and(p);
    while (n && as_jparse_take(p, "or"))
        n = join(p, AS_JN_OR, AS_LIT("or"), n, parse_and(p));
    return n;
}

as_jn *as_jparse_expression(as_jparser *p, bool has_condition)
{
    if (++p->depth > AS_JINJA_DEPTH)
        return as_jparse_fail(p, "nested deeper than %d levels", AS_JINJA_DEPTH);
    as_jn *n = parse_or(p);
    while (n && has_condition && as_jparse_take(p, "if")) {
        n = join(p, AS_JN_IF_ELSE, AS_LIT("if"), n, parse_or(p));
        if (n && as_jparse_take(p, "else")) {
            n->c = as_jparse_expression(p, true);
            if (!n->c)
                return NULL;
        }
    }
    p->depth--;
    return n;
}

as_jn *as_jparse_tuple(as_jparser *p, bool has_condition)
{
    if (as_jparse_is(p, ")")) { /* () */
        as_jn *empty = as_jnode(p, AS_JN_LIST);
        if (empty)
            empty->value = as_jv_bool(true);
        return empty;
    }
    as_jn *first = as_jparse_expression(p, has_condition);
    if (!first || !as_jparse_is(p, ","))
        return first;
    as_jn *n = as_jnode(p, AS_JN_LIST), **last = &first->next;
    if (!n)
        return NULL;
    n->value = as_jv_bool(true);
    n->args = first;
    while (as_jparse_take(p, ",")) {
        if (as_jparse_is(p, ")") || p->at->kind == AS_JT_BLOCK_END || p->at->kind == AS_JT_VAR_END)
            break;
        *last = as_jparse_expression(p, has_condition);
        if (!*last)
            return NULL;
        last = &(*last)->next;
    }
    return n;
}
/* NOLINTEND(misc-no-recursion) */
