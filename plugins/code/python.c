/* python.c -- see python.h. Trees are walked with cursors, so a deep one costs no stack.
 * SPDX-License-Identifier: Apache-2.0 */
#include "python.h"

#include <stdlib.h>

const TSLanguage *tree_sitter_python(void); /* the grammar's only symbol */

struct cd_python {
    TSParser *parser;
};

cd_python *cd_python_new(void)
{
    cd_python *p = pc_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->parser = ts_parser_new();
    if (!ts_parser_set_language(p->parser, tree_sitter_python())) {
        cd_python_free(p);
        return NULL;
    }
    ts_parser_set_timeout_micros(p->parser, CD_PARSE_US);
    return p;
}

void cd_python_free(cd_python *p)
{
    if (!p)
        return;
    ts_parser_delete(p->parser);
    pc_free(p);
}

/* The library ends the process where it finds no memory, so what it may want is tried first. */
static bool has_memory(size_t len)
{
    enum { PER_BYTE = 320, ALWAYS = 1 << 20 };
    char *trial = pc_calloc(1, ALWAYS + len * PER_BYTE);
    pc_free(trial);
    return trial != NULL;
}

/* Words are one token, other characters one each, and a line's end may be three: of the line, and
 * of blocks that begin or end there, which take no text. */
size_t cd_code_weight(assay_str text)
{
    size_t n = 0;
    bool in_word = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_word = pc_is_alpha(c) || pc_is_digit(c) || c == '_' || (unsigned char)c >= 0x80;
        if (c == '\n')
            n += 3;
        else if (is_word ? !in_word : !pc_in(c, " \t\r"))
            n++;
        in_word = is_word;
    }
    return n;
}

static bool index_bound(cd_code *c);

bool cd_code_parse(cd_python *p, assay_str text, cd_code *out)
{
    *out = (cd_code){ .text = text, .broken = true };
    /* A node of 65,536 children overflows a counter of libtree-sitter 0.20.7, which then frees what
     * is none; and where a text is no Python, its time is quadratic. */
    if (text.len > CD_PARSE_MAX || cd_code_weight(text) > CD_WEIGHT_MAX)
        return true;
    if (!has_memory(text.len))
        return false;
    ts_parser_reset(p->parser);
    out->tree = ts_parser_parse_string(p->parser, NULL, text.data, (uint32_t)text.len);
    if (!out->tree)
        return true;
    out->root = ts_tree_root_node(out->tree);
    out->broken = ts_node_has_error(out->root);
    return index_bound(out);
}

void cd_code_fini(cd_code *c)
{
    if (c->tree)
        ts_tree_delete(c->tree);
    pc_free(c->bound);
    *c = (cd_code){ .broken = true };
}

/* ---- nodes ---- */

bool cd_node_is(TSNode node, const char *type)
{
    return !ts_node_is_null(node) && strcmp(ts_node_type(node), type) == 0;
}

assay_str cd_node_text(const cd_code *c, TSNode node)
{
    if (ts_node_is_null(node))
        return (assay_str){ "", 0 };
    return pc_slice(c->text, ts_node_start_byte(node), ts_node_end_byte(node));
}

TSNode cd_node_field(TSNode node, const char *name)
{
    return ts_node_child_by_field_name(node, name, (uint32_t)strlen(name));
}

cd_children cd_children_of(TSNode node)
{
    cd_children it = { .is_first = true };
    if (ts_node_is_null(node))
        return it;
    it.cursor = ts_tree_cursor_new(node);
    it.is_open = true;
    return it;
}

void cd_children_end(cd_children *it)
{
    if (it->is_open)
        ts_tree_cursor_delete(&it->cursor);
    it->is_open = false;
}

bool cd_next_child(cd_children *it, TSNode *child)
{
    while (it->is_open) {
        bool more = it->is_first ? ts_tree_cursor_goto_first_child(&it->cursor)
                                 : ts_tree_cursor_goto_next_sibling(&it->cursor);
        it->is_first = false;
        if (!more)
            return false;
        *child = ts_tree_cursor_current_node(&it->cursor);
        if (ts_node_is_named(*child))
            return true;
    }
    return false;
}

TSNode cd_first_child(TSNode node)
{
    TSNode child = { .id = NULL };
    if (!ts_node_is_null(node))
        child = ts_node_named_child(node, 0);
    return child;
}

cd_statement cd_statement_kind(TSNode s)
{
    if (cd_node_is(s, "import_statement") || cd_node_is(s, "import_from_statement"))
        return CD_IMPORT;
    if (cd_node_is(s, "future_import_statement"))
        return CD_FUTURE;
    if (cd_node_is(s, "function_definition") || cd_node_is(s, "class_definition") ||
        cd_node_is(s, "decorated_definition"))
        return CD_DEFINITION;
    return cd_node_is(s, "assert_statement") ? CD_ASSERT : CD_OTHER;
}

/* ---- walking ---- */

typedef struct walk {
    const cd_code *c;
    cd_each *each;
    void *ctx;
    uint32_t keyword; /* where the last keyword argument begins, plus 1 */
    bool after_dot;
} walk;

/* Depth first; `enter` says whether to go into a node. Neither parents nor fields are asked for:
 * the library finds them from the root, or from as far up as the text was hidden. */
void cd_each_node(TSNode top, bool (*enter)(void *ctx, TSNode node), void *ctx)
{
    TSTreeCursor cursor = ts_tree_cursor_new(top);
    unsigned depth = 0;
    for (bool more = true; more;) {
        bool into = enter(ctx, ts_tree_cursor_current_node(&cursor));
        if (into && ts_tree_cursor_goto_first_child(&cursor)) {
            depth++;
            continue;
        }
        more = depth > 0;
        while (more && !ts_tree_cursor_goto_next_sibling(&cursor)) {
            (void)ts_tree_cursor_goto_parent(&cursor);
            more = --depth > 0;
        }
    }
    ts_tree_cursor_delete(&cursor);
}

/* f(key=1) and a.b name neither `key`, which begins where the argument does, nor `b`. */
static bool enter_name(void *ctx, TSNode node)
{
    walk *w = ctx;
    if (cd_node_is(node, "keyword_argument"))
        w->keyword = ts_node_start_byte(node) + 1;
    bool is_label = w->after_dot || w->keyword == ts_node_start_byte(node) + 1;
    if (w->each && cd_node_is(node, "identifier") && !is_label &&
        !w->each(w->ctx, cd_node_text(w->c, node)))
        w->each = NULL;
    w->after_dot = cd_node_is(node, ".");
    return w->each != NULL;
}

void cd_each_name(const cd_code *c, TSNode node, cd_each *each, void *ctx)
{
    walk w = { .c = c, .each = each, .ctx = ctx };
    cd_each_node(node, enter_name, &w);
}

typedef struct search {
    assay_str name;
    bool found;
} search;

static bool is_other(void *ctx, assay_str name)
{
    search *s = ctx;
    s->found = pc_eq(name, s->name);
    return !s->found;
}

bool cd_names(const cd_code *c, TSNode node, assay_str name)
{
    search s = { .name = name };
    cd_each_name(c, node, is_other, &s);
    return s.found;
}

typedef struct type_search {
    const char *type;
    bool found;
} type_search;

static bool enter_type(void *ctx, TSNode node)
{
    type_search *s = ctx;
    s->found = s->found || cd_node_is(node, s->type);
    return !s->found;
}

bool cd_contains(TSNode node, const char *type)
{
    type_search s = { .type = type };
    cd_each_node(node, enter_type, &s);
    return s.found;
}

/* ---- what binds a name ---- */

typedef struct binding {
    const cd_code *c;
    cd_each *each; /* NULL: no more */
    void *ctx;
} binding;

static void give(binding *b, assay_str name)
{
    if (b->each && name.len && !b->each(b->ctx, name))
        b->each = NULL;
}

static bool give_on(void *ctx, assay_str name)
{
    binding *b = ctx;
    give(b, name);
    return b->each != NULL;
}

static void give_imports(binding *b, TSNode s)
{
    TSNode module = cd_node_field(s, "module_name"), child;
    CD_CHILDREN(it, s);
    while (cd_next_child(&it, &child)) {
        if (!ts_node_is_null(module) && ts_node_eq(child, module))
            continue;
        TSNode alias = cd_node_field(child, "alias");
        assay_str name = cd_node_text(b->c, ts_node_is_null(alias) ? child : alias);
        size_t dot = pc_find(name, ".", 0); /* import os.path binds os */
        give(b, dot == PC_NONE ? name : pc_slice(name, 0, dot));
    }
}

static bool enter_binding(void *ctx, TSNode node)
{
    binding *b = ctx;
    if (!b->each)
        return false;
    if (cd_node_is(node, "class_definition") || cd_node_is(node, "function_definition")) {
        give(b, cd_node_text(b->c, cd_node_field(node, "name")));
        return false; /* what is bound inside is bound there only */
    }
    if (cd_statement_kind(node) == CD_IMPORT) {
        give_imports(b, node);
        return false;
    }
    bool is_assignment = cd_node_is(node, "assignment");
    if (is_assignment || cd_node_is(node, "named_expression"))
        cd_each_name(b->c, cd_node_field(node, is_assignment ? "left" : "name"), give_on, b);
    return !cd_node_is(node, "lambda"); /* and into a = b = 1 */
}

void cd_each_bound(const cd_code *c, TSNode statement, cd_each *each, void *ctx)
{
    binding b = { .c = c, .each = each, .ctx = ctx };
    if (!ts_node_is_null(statement))
        cd_each_node(statement, enter_binding, &b);
}

bool cd_binds(const cd_code *c, TSNode statement, assay_str name)
{
    search s = { .name = name };
    cd_each_bound(c, statement, is_other, &s);
    return s.found;
}

static int by_name(const void *a, const void *b)
{
    return pc_cmp(*(const assay_str *)a, *(const assay_str *)b);
}

bool cd_defines(const cd_code *c, assay_str name)
{
    return c->n_bound && bsearch(&name, c->bound, c->n_bound, sizeof *c->bound, by_name);
}

typedef struct collection {
    cd_code *c;
    uint32_t cap;
    bool lost;
} collection;

static bool collect(void *ctx, assay_str name)
{
    collection *k = ctx;
    if (k->c->n_bound == k->cap) {
        uint32_t cap = k->cap ? k->cap * 2 : 16;
        assay_str *more = pc_realloc(k->c->bound, cap, sizeof *more);
        k->lost = !more;
        if (!more)
            return false;
        k->c->bound = more;
        k->cap = cap;
    }
    k->c->bound[k->c->n_bound++] = name;
    return true;
}

static bool index_bound(cd_code *c)
{
    collection k = { .c = c };
    cd_each_bound(c, c->root, collect, &k);
    if (c->n_bound)
        qsort(c->bound, c->n_bound, sizeof *c->bound, by_name);
    return !k.lost;
}

static TSNode inner_definition(TSNode statement)
{
    return cd_node_is(statement, "decorated_definition") ? cd_node_field(statement, "definition")
                                                         : statement;
}

static bool has_method(const cd_code *c, TSNode body, assay_str method)
{
    TSNode m;
    CD_CHILDREN(it, body);
    while (cd_next_child(&it, &m)) {
        m = inner_definition(m);
        if (cd_node_is(m, "function_definition") &&
            pc_eq(cd_node_text(c, cd_node_field(m, "name")), method))
            return true;
    }
    return false;
}

bool cd_has_method(const cd_code *c, assay_str name, assay_str method)
{
    TSNode s;
    if (!cd_defines(c, name))
        return false;
    CD_CHILDREN(it, c->root);
    while (cd_next_child(&it, &s)) {
        s = inner_definition(s);
        if (cd_node_is(s, "class_definition") &&
            pc_eq(cd_node_text(c, cd_node_field(s, "name")), name) &&
            has_method(c, cd_node_field(s, "body"), method))
            return true;
    }
    return false;
}

bool cd_is_builtin(assay_str name)
{
    static const char *const names[] = {
        "abs",      "all",      "any",        "ascii",      "bin",      "bool",      "bytearray",
        "bytes",    "chr",      "complex",    "dict",       "divmod",   "enumerate", "filter",
        "float",    "format",   "frozenset",  "getattr",    "hasattr",  "hash",      "hex",
        "id",       "int",      "isinstance", "issubclass", "iter",     "len",       "list",
        "map",      "max",      "min",        "next",       "object",   "oct",       "ord",
        "pow",      "print",    "range",      "repr",       "reversed", "round",     "set",
        "slice",    "sorted",   "str",        "sum",        "tuple",    "type",      "vars",
        "zip",      "callable", "eval",       "exec",       "input",    "open",      "isclose",
        "deepcopy", NULL
    };
    for (const char *const *n = names; *n; n++)
        if (pc_is(name, *n))
            return true;
    return false;
}
