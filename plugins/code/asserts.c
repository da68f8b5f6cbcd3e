/* asserts.c -- assert statements, taken apart: which calls they make, with what arguments, and what
 * is asked of the results. The calls run where the solution is; everything else is evaluated where
 * it never was. SPDX-License-Identifier: Apache-2.0 */
#include "literal.h"
#include "task.h"

enum { CALLS_PER_ASSERT = 64 };

typedef struct reading {
    cd_task *t;
    cd_python *py;
    assay_str name,
        alias;      /* under which the solution is called; alias: empty, or another name for it */
    uint32_t n_cap; /* of the task's columns */
    uint32_t a_cap; /* of the assertions */
    pc_buf setup, text;
} reading;

/* ---- columns that grow ---- */

static void *grown(cd_pool *pool, const void *old, uint32_t n, uint32_t cap, size_t size)
{
    void *more = cd_alloc(pool, cap, size);
    if (more && n)
        memcpy(more, old, n * size);
    return more;
}

static bool room_for_calls(reading *r, uint32_t more)
{
    cd_task *t = r->t;
    if (t->n + more <= r->n_cap)
        return true;
    uint32_t cap = (t->n + more) * 2;
    t->input = grown(&t->pool, t->input, t->n, cap, sizeof *t->input);
    t->written = grown(&t->pool, t->written, t->n, cap, sizeof *t->written);
    t->want = grown(&t->pool, t->want, t->n, cap, sizeof *t->want);
    r->n_cap = cap;
    return t->input && t->written && t->want;
}

static cd_assertion *add_assertion(reading *r)
{
    cd_task *t = r->t;
    if (t->n_assertions == r->a_cap) {
        uint32_t cap = r->a_cap ? r->a_cap * 2 : 16;
        t->assertions = grown(&t->pool, t->assertions, t->n_assertions, cap, sizeof *t->assertions);
        r->a_cap = cap;
    }
    if (!t->assertions)
        return NULL;
    cd_assertion *a = &t->assertions[t->n_assertions++];
    *a = (cd_assertion){ .first = t->n };
    return a;
}

/* ---- the calls in a condition ---- */

typedef struct calls {
    TSNode at[CALLS_PER_ASSERT];
    uint32_t n;
} calls;

static TSNode without_parentheses(TSNode node)
{
    while (cd_node_is(node, "parenthesized_expression") && ts_node_named_child_count(node) == 1)
        node = cd_first_child(node);
    return node;
}

static bool is_call_of(const reading *r, const cd_code *c, TSNode node)
{
    TSNode f = cd_node_field(node, "function");
    assay_str text = cd_node_text(c, f);
    return cd_node_is(node, "call") && cd_node_is(f, "identifier") &&
           (pc_eq(text, r->name) || pc_eq(text, r->alias));
}

static bool mentions(const reading *r, const cd_code *c, TSNode node)
{
    return cd_names(c, node, r->name) || (r->alias.len && cd_names(c, node, r->alias));
}

/* In these a call may not happen, happen often, or see names of its own. */
static bool is_opaque(const cd_code *c, TSNode node)
{
    static const char *const types[] = { "lambda",
                                         "list_comprehension",
                                         "set_comprehension",
                                         "dictionary_comprehension",
                                         "generator_expression",
                                         "conditional_expression",
                                         "named_expression",
                                         "await",
                                         NULL };
    for (const char *const *t = types; *t; t++)
        if (cd_node_is(node, *t))
            return true;
    return cd_node_is(node, "boolean_operator") &&
           pc_is(cd_node_text(c, cd_node_field(node, "operator")), "or");
}

/* Every mention of the name must be a call that is made once, with arguments that do not need
 * another. NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool find_calls(const reading *r, const cd_code *c, TSNode node, calls *out, unsigned depth)
{
    enum { DEPTH = 60 };
    if (!mentions(r, c, node))
        return true;
    if (is_call_of(r, c, node)) {
        TSNode arguments = cd_node_field(node, "arguments");
        if (mentions(r, c, arguments) || !cd_node_is(arguments, "argument_list") ||
            out->n == CALLS_PER_ASSERT)
            return false;
        out->at[out->n++] = node;
        return true;
    }
    if (depth > DEPTH || is_opaque(c, node) || cd_node_is(node, "identifier"))
        return false;
    TSNode child;
    CD_CHILDREN(it, node);
    while (cd_next_child(&it, &child))
        if (!find_calls(r, c, child, out, depth + 1))
            return false;
    return true;
}

/* "(a, b,)"; false: named arguments, which a call from outside cannot have. */
static bool put_arguments(const cd_code *c, TSNode call, pc_buf *out)
{
    TSNode arg;
    pc_buf_byte(out, '(');
    CD_CHILDREN(it, cd_node_field(call, "arguments"));
    while (cd_next_child(&it, &arg)) {
        if (cd_node_is(arg, "comment"))
            continue;
        if (cd_node_is(arg, "keyword_argument") || cd_node_is(arg, "dictionary_splat"))
            return false;
        assay_str text = cd_node_text(c, arg);
        pc_buf_add(out, text.data, text.len);
        pc_buf_byte(out, ',');
    }
    pc_buf_byte(out, ')');
    return true;
}

static bool add_call(reading *r, const cd_code *c, TSNode call)
{
    cd_task *t = r->t;
    if (t->n >= CD_TESTS_MAX || !room_for_calls(r, 1))
        return false;
    pc_buf_clear(&r->text);
    if (!put_arguments(c, call, &r->text))
        return false;
    uint32_t i = t->n;
    t->input[i] = t->want[i] = (assay_str){ NULL, 0 };
    t->written[i] = cd_take_buf(&t->pool, &r->text);
    if (t->written[i].data && cd_read_python(&r->text, t->written[i]))
        t->input[i] = cd_take_buf(&t->pool, &r->text);
    t->n++;
    return t->written[i].data != NULL;
}

/* ---- one condition ---- */

/* f(...) == x or x == f(...): the other side, null where it is something else. */
static TSNode other_side(TSNode condition, TSNode call)
{
    static const TSNode none;
    TSNode e = without_parentheses(condition);
    if (!cd_node_is(e, "comparison_operator") || ts_node_child_count(e) != 3 ||
        !cd_node_is(ts_node_child(e, 1), "=="))
        return none;
    TSNode left = ts_node_child(e, 0), right = ts_node_child(e, 2);
    if (ts_node_eq(without_parentheses(left), call))
        return right;
    return ts_node_eq(without_parentheses(right), call) ? left : none;
}

/* The condition with a name in place of each call. */
static assay_str judge_of(reading *r, const cd_code *c, TSNode condition, const calls *found)
{
    uint32_t at = ts_node_start_byte(condition);
    pc_buf_clear(&r->text);
    for (uint32_t i = 0; i < found->n; i++) {
        uint32_t from = ts_node_start_byte(found->at[i]);
        pc_buf_add(&r->text, c->text.data + at, from - at);
        pc_buf_fmt(&r->text, "_assay_h%u", i);
        at = ts_node_end_byte(found->at[i]);
    }
    pc_buf_add(&r->text, c->text.data + at, ts_node_end_byte(condition) - at);
    return cd_take_buf(&r->t->pool, &r->text);
}

static void read_condition(reading *r, const cd_code *c, TSNode condition)
{
    cd_task *t = r->t;
    calls found = { .n = 0 };
    cd_assertion *a = add_assertion(r);
    if (!a)
        return;
    a->source = cd_copy(&t->pool, cd_node_text(c, condition));
    a->whole = !find_calls(r, c, condition, &found, 0);
    for (uint32_t i = 0; !a->whole && i < found.n; i++)
        a->whole = !add_call(r, c, found.at[i]);
    if (a->whole) {
        t->n = a->first; /* those already added are nobody's */
        return;
    }
    a->n = found.n;
    TSNode wanted = found.n == 1 ? other_side(condition, found.at[0]) : (TSNode){ .id = NULL };
    if (ts_node_is_null(wanted)) {
        a->judge = judge_of(r, c, condition, &found);
        return;
    }
    a->wanted = cd_copy(&t->pool, cd_node_text(c, wanted));
    if (a->wanted.data && cd_read_python(&r->text, a->wanted))
        t->want[a->first] = cd_take_buf(&t->pool, &r->text);
    pc_buf_clear(&r->text);
}

static void add_setup(reading *r, assay_str text)
{
    pc_buf_add(&r->setup, text.data, text.len);
    pc_buf_byte(&r->setup, '\n');
}

/* Statements of a module or a function's body: asserts become assertions, the rest is setup. */
static void read_body(reading *r, const cd_code *c, TSNode body)
{
    TSNode s;
    CD_CHILDREN(it, body);
    while (cd_next_child(&it, &s)) {
        if (cd_statement_kind(s) == CD_ASSERT)
            read_condition(r, c, cd_first_child(s));
        else if (!cd_node_is(s, "comment"))
            add_setup(r, cd_node_text(c, s));
    }
}

/* ---- whose calls are they? ---- */

typedef struct tally {
    const cd_code *c;
    assay_str names[32];
    uint32_t count[32], n;
} tally;

static void count_name(tally *y, assay_str name)
{
    uint32_t i = 0;
    while (i < y->n && !pc_eq(y->names[i], name))
        i++;
    if (i == 32)
        return;
    y->names[i] = name;
    y->count[i]++;
    y->n += i == y->n;
}

static bool enter_call(void *ctx, TSNode node)
{
    tally *y = ctx;
    TSNode f = cd_node_is(node, "call") ? cd_node_field(node, "function") : (TSNode){ .id = NULL };
    if (cd_node_is(f, "identifier") && !cd_is_builtin(cd_node_text(y->c, f)))
        count_name(y, cd_node_text(y->c, f));
    return true;
}

/* The function most often called that neither Python nor the setup defines. */
static assay_str most_called(reading *r, const assay_str *statements, uint32_t n)
{
    tally y = { .n = 0 };
    cd_code setup, *codes = cd_alloc(&r->t->pool, n + 1u, sizeof *codes);
    assay_str before = r->t->setup.data ? r->t->setup : PC_LIT("");
    if (!codes || !cd_code_parse(r->py, before, &setup))
        return (assay_str){ NULL, 0 };
    for (uint32_t i = 0; i < n && i < 1000; i++) {
        if (!cd_code_parse(r->py, statements[i], &codes[i]))
            break;
        y.c = &codes[i];
        if (codes[i].tree)
            cd_each_node(codes[i].root, enter_call, &y);
    }
    assay_str best = { NULL, 0 };
    uint32_t most = 0;
    for (uint32_t i = 0; i < y.n; i++) {
        bool theirs = cd_defines(&setup, y.names[i]);
        for (uint32_t k = 0; k < n && k < 1000 && !theirs; k++)
            theirs = codes[k].tree && cd_defines(&codes[k], y.names[i]);
        if (!theirs && y.count[i] > most) {
            most = y.count[i];
            best = y.names[i];
        }
    }
    best = best.data ? cd_copy(&r->t->pool, best) : best;
    for (uint32_t i = 0; i < n && i < 1000; i++)
        cd_code_fini(&codes[i]);
    cd_code_fini(&setup);
    return best;
}

/* ---- the two forms ---- */

static void finish(reading *r)
{
    cd_task *t = r->t;
    uint32_t asking = 0;
    for (uint32_t i = 0; i < t->n_assertions; i++)
        asking += t->assertions[i].n || t->assertions[i].whole;
    if (!asking && !t->why)
        t->why = "the assertions call nothing";
    t->setup = cd_take_buf(&t->pool, &r->setup);
    pc_buf_fini(&r->setup);
    pc_buf_fini(&r->text);
}

void cd_read_asserts(cd_task *t, cd_python *py, const assay_str *statements, uint32_t n)
{
    reading r = { .t = t, .py = py, .alias = PC_LIT("") };
    r.name = t->entry ? (assay_str){ t->entry, strlen(t->entry) } : most_called(&r, statements, n);
    if (!r.name.data) {
        t->why = "the assertions call no function of the solution's";
        return;
    }
    t->entry = r.name.data;
    if (t->setup.data)
        add_setup(&r, t->setup);
    for (uint32_t i = 0; i < n && !t->why; i++) {
        cd_code c;
        if (!cd_code_parse(py, statements[i], &c))
            break;
        if (c.broken)
            t->why = "an assertion is no Python";
        else
            read_body(&r, &c, c.root);
        cd_code_fini(&c);
    }
    finish(&r);
}

/* What came before the solution in the prompt: imports and helpers that tests may use. */
static void add_helpers(reading *r, assay_str prefix)
{
    cd_code c;
    assay_str entry = { r->t->entry, strlen(r->t->entry) };
    if (!prefix.data || !cd_code_parse(r->py, prefix, &c))
        return;
    TSNode s;
    CD_CHILDREN(it, c.root);
    while (!c.broken && cd_next_child(&it, &s)) {
        if (!cd_binds(&c, s, entry) && !cd_node_is(s, "comment"))
            add_setup(r, cd_node_text(&c, s));
    }
    cd_children_end(&it); /* before the tree it walks */
    cd_code_fini(&c);
}

static TSNode find_check(const cd_code *c)
{
    TSNode s;
    CD_CHILDREN(it, c->root);
    while (cd_next_child(&it, &s)) {
        if (cd_node_is(s, "function_definition") &&
            pc_is(cd_node_text(c, cd_node_field(s, "name")), "check"))
            return s;
    }
    return (TSNode){ .id = NULL };
}

/* Nothing but asserts, imports, a docstring: order and repetition do not matter then. */
static bool is_plain(TSNode body)
{
    TSNode s;
    CD_CHILDREN(it, body);
    while (cd_next_child(&it, &s)) {
        cd_statement kind = cd_statement_kind(s);
        bool text =
            cd_node_is(s, "expression_statement") && cd_node_is(cd_first_child(s), "string");
        if (kind != CD_ASSERT && kind != CD_IMPORT && !text && !cd_node_is(s, "comment") &&
            !cd_node_is(s, "pass_statement"))
            return false;
    }
    return true;
}

static void take_apart(reading *r, const cd_code *c, TSNode check)
{
    TSNode parameter = cd_first_child(cd_node_field(check, "parameters")), s;
    TSNode body = cd_node_field(check, "body");
    if (!cd_node_is(parameter, "identifier") || !is_plain(body))
        return;
    CD_CHILDREN(it, c->root);
    while (cd_next_child(&it, &s)) {
        if (!ts_node_eq(s, check) && !cd_node_is(s, "comment"))
            add_setup(r, cd_node_text(c, s));
    }
    r->name = cd_node_text(c, parameter);
    r->alias = (assay_str){ r->t->entry, strlen(r->t->entry) };
    r->t->kind = CD_ASSERTS;
    read_body(r, c, body);
}

void cd_read_check(cd_task *t, cd_python *py, assay_str module)
{
    reading r = { .t = t, .py = py, .alias = PC_LIT("") };
    cd_code c;
    if (t->setup.data)
        add_setup(&r, t->setup);
    add_helpers(&r, t->prefix);
    if (!cd_code_parse(py, module, &c))
        return;
    TSNode check = find_check(&c);
    if (c.broken)
        t->why = "the check function is no Python";
    else if (ts_node_is_null(check))
        t->why = "the test defines no check(candidate)";
    else
        take_apart(&r, &c, check);
    cd_code_fini(&c);
    if (t->kind == CD_ASSERTS) {
        finish(&r);
        return;
    }
    t->setup = cd_take_buf(&t->pool, &r.setup);
    pc_buf_fini(&r.setup);
    pc_buf_fini(&r.text);
}
