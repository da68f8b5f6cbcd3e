/* jinja_render.c -- statements to text, names and their scopes, and the bounds of a rendering.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- how a rendering ends early ---- */

bool as_jr_fail(as_jr *r, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!r->err->code)
        (void)as_fail(r->err, AS_EDATA, "%s: line %u: %s", r->j->name, r->line, what);
    return false;
}

bool as_jr_memory(as_jr *r)
{
    if (!r->err->code)
        (void)as_fail(r->err, AS_EBUDGET, "%s: line %u: needs more than %d MiB, or memory ran out",
                      r->j->name, r->line, AS_JINJA_MEMORY >> 20);
    return false;
}

bool as_jr_charge(as_jr *r, size_t n_bytes)
{
    r->steps -= 1 + (int64_t)(n_bytes / 16);
    if (r->steps >= 0)
        return true;
    if (!r->err->code)
        (void)as_fail(r->err, AS_EBUDGET, "%s: line %u: does not end within %d steps", r->j->name,
                      r->line, AS_JINJA_STEPS);
    return false;
}

bool as_jr_enter(as_jr *r)
{
    return ++r->depth <= AS_JR_DEPTH ||
           as_jr_fail(r, "nested deeper than %d levels while it runs", AS_JR_DEPTH);
}

/* ---- names ---- */

static bool bind(as_jr *r, as_str name, as_jv value)
{
    if (r->n_bindings == r->bindings_cap) {
        size_t cap = r->bindings_cap ? r->bindings_cap * 2 : 64;
        as_jbinding *grown = as_realloc_array(r->bindings, cap, sizeof *grown);
        if (!grown)
            return as_jr_memory(r);
        r->bindings = grown;
        r->bindings_cap = cap;
    }
    r->bindings[r->n_bindings++] = (as_jbinding){ name, value };
    if (r->scope == 0)
        r->n_global = r->n_bindings;
    return true;
}

bool as_jr_set(as_jr *r, as_str name, as_jv value)
{
    for (size_t i = r->n_bindings; i > r->scope; i--) {
        if (as_str_eq(r->bindings[i - 1].name, name)) {
            r->bindings[i - 1].value = value;
            return as_jr_charge(r, 0);
        }
    }
    return as_jr_charge(r, (r->n_bindings - r->scope) * 4) && bind(r, name, value);
}

as_jv as_jr_get(as_jr *r, as_str name)
{
    r->steps -= (int64_t)r->n_bindings / 8;
    for (size_t i = r->n_bindings; i > 0; i--) {
        if (i == r->floor && i > r->n_global)
            i = r->n_global;
        if (i && as_str_eq(r->bindings[i - 1].name, name))
            return r->bindings[i - 1].value;
        if (!i)
            break;
    }
    return as_jv_undefined(name);
}

/* ---- output ---- */

static bool put(as_jr *r, as_str s)
{
    as_buf_add(r->out, s);
    if (!r->out->failed && r->out->len - (r->is_captured ? 0 : r->start) <= AS_JINJA_OUTPUT)
        return as_jr_charge(r, s.len);
    if (!r->err->code)
        (void)as_fail(r->err, AS_EBUDGET,
                      "%s: line %u: the text is longer than %d MiB, or memory ran out", r->j->name,
                      r->line, AS_JINJA_OUTPUT >> 20);
    return false;
}

/* NOLINTBEGIN(misc-no-recursion): r->depth bounds it */
/* Statements whose text becomes a value, and whose names are their own. */
static bool capture(as_jr *r, const as_jn *chain, as_jv *out)
{
    as_buf text, *outer = r->out;
    size_t scope = r->scope, n_bindings = r->n_bindings;
    bool was_captured = r->is_captured;
    as_buf_init(&text, AS_JINJA_OUTPUT);
    r->out = &text;
    r->is_captured = true;
    r->scope = n_bindings;
    bool done = as_jr_statements(r, chain);
    r->scope = scope;
    r->n_bindings = n_bindings;
    r->out = outer;
    r->is_captured = was_captured;
    done = done && as_jv_copy(r, as_buf_str(&text), out);
    as_buf_fini(&text);
    return done;
}

/* ---- statements ---- */

/* Names of a chain to a value, or to the parts of one. */
static bool assign(as_jr *r, const as_jn *names, as_jv value)
{
    if (!names->next)
        return as_jr_set(r, names->text, value);
    as_jv items;
    size_t n = 0;
    for (const as_jn *name = names; name; name = name->next)
        n++;
    if (!as_jv_items(r, value, &items))
        return false;
    if (items.of.list->n != n)
        return as_jr_fail(r, "%zu values for %zu names", items.of.list->n, n);
    n = 0;
    for (const as_jn *name = names; name; name = name->next)
        if (!as_jr_set(r, name->text, items.of.list->items[n++]))
            return false;
    return true;
}

static bool do_set(as_jr *r, const as_jn *n)
{
    as_jv value;
    if (!(n->a ? as_jr_eval(r, n->a, &value) : capture(r, n->body, &value)))
        return false;
    r->line = n->line;
    if (n->args->kind != AS_JN_ATTR)
        return assign(r, n->args, value);
    as_jv of = as_jr_get(r, n->args->text);
    if (of.kind != AS_JV_NAMESPACE)
        return as_jr_fail(r, "\"%.*s\" is no namespace, and only those are set in part",
                          AS_FMT(n->args->text));
    return as_jv_put(r, of.of.map, n->args->keyword, value);
}

static bool do_if(as_jr *r, const as_jn *n)
{
    as_jv condition;
    for (; n; n = n->other) {
        if (!as_jr_eval(r, n->a, &condition))
            return false;
        if (as_jv_truth(condition))
            return as_jr_statements(r, n->body);
        if (!as_jv_truth(n->value))
            return as_jr_statements(r, n->other);
    }
    return true;
}

/* What `loop` is at item i: one map for all turns. */
static bool set_loop(as_jr *r, as_jv_map *loop, const as_jv_list *items, size_t i)
{
    size_t n = items->n;
    const as_jv_pair pairs[] = {
        { AS_LIT("index"), as_jv_int((int64_t)i + 1) },
        { AS_LIT("index0"), as_jv_int((int64_t)i) },
        { AS_LIT("revindex"), as_jv_int((int64_t)(n - i)) },
        { AS_LIT("revindex0"), as_jv_int((int64_t)(n - i) - 1) },
        { AS_LIT("first"), as_jv_bool(i == 0) },
        { AS_LIT("last"), as_jv_bool(i + 1 == n) },
        { AS_LIT("length"), as_jv_int((int64_t)n) },
        { AS_LIT("previtem"), i ? items->items[i - 1] : as_jv_undefined(AS_LIT("previtem")) },
        { AS_LIT("nextitem"),
          i + 1 < n ? items->items[i + 1] : as_jv_undefined(AS_LIT("nextitem")) },
    };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        if (!as_jv_put(r, loop, pairs[k].key, pairs[k].value))
            return false;
    return true;
}

/* Items for which the loop's condition holds. */
static bool filter_items(as_jr *r, const as_jn *n, as_jv *items)
{
    as_jv kept, condition;
    size_t scope = r->scope, n_bindings = r->n_bindings, count = 0;
    if (!as_jv_list_new(r, items->of.list->n, &kept))
        return false;
    for (size_t i = 0; i < items->of.list->n; i++) {
        r->scope = n_bindings;
        bool done = assign(r, n->args, items->of.list->items[i]) && as_jr_eval(r, n->b, &condition);
        r->n_bindings = n_bindings;
        r->scope = scope;
        if (!done)
            return false;
        if (as_jv_truth(condition))
            kept.of.list->items[count++] = items->of.list->items[i];
    }
    kept.of.list->n = count;
    *items = kept;
    return true;
}

static bool do_for(as_jr *r, const as_jn *n)
{
    as_jv items;
    size_t scope = r->scope, n_bindings = r->n_bindings;
    as_jv_map *loop = as_arena_calloc(&r->arena, 1, sizeof *loop);
    if (!loop)
        return as_jr_memory(r);
    if (!as_jr_eval(r, n->a, &items) || !as_jv_items(r, items, &items) ||
        (n->b && !filter_items(r, n, &items)))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < items.of.list->n && r->jump != AS_JN_BREAK; i++) {
        r->line = n->line;
        r->scope = n_bindings;
        r->jump = AS_JN_CONST;
        done = set_loop(r, loop, items.of.list, i) &&
               bind(r, AS_LIT("loop"), (as_jv){ .kind = AS_JV_NAMESPACE, .of.map = loop }) &&
               assign(r, n->args, items.of.list->items[i]) && as_jr_statements(r, n->body);
        r->n_bindings = n_bindings;
    }
    r->scope = scope;
    r->jump = AS_JN_CONST;
    return done && (items.of.list->n || as_jr_statements(r, n->other));
}

static bool do_generation(as_jr *r, const as_jn *n)
{
    as_jinja_spans *s = r->is_captured ? NULL : r->spans;
    size_t start = r->out->len - r->start;
    if (!as_jr_statements(r, n->body))
        return false;
    if (!s)
        return true;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        size_t(*grown)[2] = as_realloc_array(s->spans, cap, sizeof *grown);
        if (!grown)
            return as_jr_memory(r);
        s->spans = grown;
        s->cap = cap;
    }
    s->spans[s->n][0] = start;
    s->spans[s->n++][1] = r->out->len - r->start;
    return true;
}

static bool do_output(as_jr *r, const as_jn *n)
{
    as_jv value;
    as_str text;
    return as_jr_eval(r, n->a, &value) && as_jv_text(r, value, &text) && put(r, text);
}

static bool statement(as_jr *r, const as_jn *n)
{
    r->line = n->line;
    switch ((int)n->kind) {
    case AS_JN_TEXT:
        return put(r, n->text);
    case AS_JN_OUTPUT:
        return do_output(r, n);
    case AS_JN_IF:
        return do_if(r, n);
    case AS_JN_FOR:
        return do_for(r, n);
    case AS_JN_SET:
        return do_set(r, n);
    case AS_JN_MACRO:
        return as_jr_set(r, n->text, (as_jv){ .kind = AS_JV_MACRO, .of.macro = n });
    case AS_JN_GENERATION:
        return do_generation(r, n);
    default:
        r->jump = n->kind;
        return true;
    }
}

bool as_jr_statements(as_jr *r, const as_jn *chain)
{
    bool done = as_jr_enter(r);
    for (; done && chain && r->jump == AS_JN_CONST; chain = chain->next)
        done = as_jr_charge(r, 0) && statement(r, chain);
    r->depth--;
    return done;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- macros ---- */

static bool bind_args(as_jr *r, const as_jn *macro, const as_jv *args, size_t n_args,
                      const as_jv_map *named)
{
    size_t i = 0, n_named = 0;
    for (const as_jn *name = macro->args; name; name = name->next, i++) {
        const as_jv_pair *pair = as_jv_find(named, name->text);
        as_jv value = i < n_args ? args[i] : pair ? pair->value : as_jv_undefined(name->text);
        n_named += pair != NULL;
        if (i >= n_args && !pair && name->a && !as_jr_eval(r, name->a, &value))
            return false;
        if (!bind(r, name->text, value))
            return false;
    }
    if (n_args > i || n_named < named->n)
        return as_jr_fail(r, "the macro \"%.*s\" is called with arguments that it does not have",
                          AS_FMT(macro->text));
    return true;
}

bool as_jr_call_macro(as_jr *r, const as_jn *macro, const as_jv *args, size_t n_args,
                      const as_jv_map *named, as_jv *out)
{
    size_t scope = r->scope, floor = r->floor, n_bindings = r->n_bindings;
    r->scope = r->floor = n_bindings;
    bool done = bind_args(r, macro, args, n_args, named) && capture(r, macro->body, out);
    r->scope = scope;
    r->floor = floor;
    r->n_bindings = n_bindings;
    return done;
}

/* ---- the whole ---- */

static bool bind_all(as_jr *r, const as_jinja_options *o)
{
    static const char *const functions[] = { "raise_exception", "strftime_now", "namespace", "dict",
                                             "range" };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        as_jv_function *f = as_arena_calloc(&r->arena, 1, sizeof *f);
        if (!f)
            return as_jr_memory(r);
        f->name = as_str_of(functions[i]);
        if (!bind(r, f->name, (as_jv){ .kind = AS_JV_FUNCTION, .of.function = f }))
            return false;
    }
    for (size_t i = 0; i < o->n_variables; i++) {
        const as_jinja_variable *v = &o->variables[i];
        as_jspan json;
        as_jv value;
        if (!v->json.data)
            continue;
        if (as_json_scan(v->json, &json, r->err) < 0) {
            as_err_prefix(r->err, "%s: %s", r->j->name, v->name);
            return false;
        }
        if (!as_jv_from_json(r, json, &value) || !as_jr_set(r, as_str_of(v->name), value))
            return false;
    }
    return true;
}

void as_jinja_spans_fini(as_jinja_spans *s)
{
    as_free(s->spans);
    *s = (as_jinja_spans){ 0 };
}

int as_jinja_render(const as_jinja *j, const as_jinja_options *options, as_buf *out,
                    as_jinja_spans *spans, as_err *err)
{
    as_err own = { 0 };
    as_jr r = { .j = j,
                .out = out,
                .spans = spans,
                .start = out->len,
                .steps = AS_JINJA_STEPS,
                .now = options->now,
                .jump = AS_JN_CONST,
                .err = &own };
    as_arena_init(&r.arena, AS_JINJA_MEMORY);
    size_t n_spans = spans ? spans->n : 0;
    bool done = bind_all(&r, options) && as_jr_statements(&r, j->body);
    as_arena_fini(&r.arena);
    as_free(r.bindings);
    if (done)
        return 0;
    if (spans)
        spans->n = n_spans;
    out->len = r.start;
    out->failed = false;
    if (out->data)
        out->data[out->len] = 0;
    return as_fail(err, own.code, "%s", own.text);
}
