/* jinja_print.c -- values as text: Python's str() and repr(), and json.dumps as transformers calls
 * it. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"

#include <math.h>
#include <stdlib.h>

/* What one text is written into. indent < 0: on one line. */
typedef struct writer {
    as_jr *r;
    as_buf out;
    int64_t indent;
    as_str comma, colon;
    bool sorts, is_ascii;
} writer;

static void real(as_buf *out, double v)
{
    size_t start = out->len;
    if (!isfinite(v)) {
        as_buf_text(out, v != v ? "nan" : v < 0 ? "-inf" : "inf");
        return;
    }
    as_buf_json_num(out, v);
    if (!out->failed && !memchr(out->data + start, '.', out->len - start) &&
        !memchr(out->data + start, 'e', out->len - start))
        as_buf_text(out, ".0");
}

/* repr() of a string; characters beyond ASCII are taken for printable. */
static void quote(as_buf *out, as_str s)
{
    bool has_single = s.len && memchr(s.data, '\'', s.len),
         has_double = s.len && memchr(s.data, '"', s.len);
    char mark = has_single && !has_double ? '"' : '\'';
    as_buf_byte(out, mark);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        const char *named = c == '\n'   ? "\\n"
                            : c == '\r' ? "\\r"
                            : c == '\t' ? "\\t"
                            : c == '\\' ? "\\\\"
                                        : NULL;
        if (named)
            as_buf_text(out, named);
        else if (c < 0x20 || c == 0x7F)
            as_buf_addf(out, "\\x%02x", c);
        else if (s.data[i] == mark)
            as_buf_addf(out, "\\%c", mark);
        else
            as_buf_byte(out, s.data[i]);
    }
    as_buf_byte(out, mark);
}

/* NOLINTBEGIN(misc-no-recursion): `depth` bounds it */
static bool repr(as_jr *r, as_buf *out, as_jv v, unsigned depth);

static bool repr_parts(as_jr *r, as_buf *out, as_jv v, unsigned depth)
{
    bool is_list = v.kind == AS_JV_LIST, is_tuple = is_list && v.of.list->is_tuple;
    size_t n = is_list ? v.of.list->n : v.of.map->n;
    if (depth > AS_JINJA_DEPTH * 2)
        return as_jr_fail(r, "a value is nested too deep to print");
    as_buf_text(out, is_tuple ? "(" : is_list ? "[" : "{");
    for (size_t i = 0; i < n; i++) {
        if (i)
            as_buf_text(out, ", ");
        if (!is_list) {
            quote(out, v.of.map->pairs[i].key);
            as_buf_text(out, ": ");
        }
        if (!repr(r, out, is_list ? v.of.list->items[i] : v.of.map->pairs[i].value, depth + 1))
            return false;
    }
    if (is_tuple && n == 1)
        as_buf_byte(out, ',');
    as_buf_text(out, is_tuple ? ")" : is_list ? "]" : "}");
    return true;
}

static bool repr(as_jr *r, as_buf *out, as_jv v, unsigned depth)
{
    if (!as_jr_charge(r, v.kind == AS_JV_STRING ? v.of.string.len : 0))
        return false;
    switch (v.kind) {
    case AS_JV_UNDEFINED:
        as_buf_text(out, "Undefined");
        return true;
    case AS_JV_NONE:
        as_buf_text(out, "None");
        return true;
    case AS_JV_BOOL:
        as_buf_text(out, v.of.boolean ? "True" : "False");
        return true;
    case AS_JV_INT:
        as_buf_addf(out, "%lld", (long long)v.of.integer);
        return true;
    case AS_JV_FLOAT:
        real(out, v.of.real);
        return true;
    case AS_JV_STRING:
        quote(out, v.of.string);
        return true;
    case AS_JV_LIST:
    case AS_JV_MAP:
        return repr_parts(r, out, v, depth);
    case AS_JV_NAMESPACE:
    case AS_JV_FUNCTION:
    case AS_JV_MACRO:
    default:
        return as_jr_fail(r, "a value of type %s cannot be printed", as_jv_type(v));
    }
}

/* NOLINTEND(misc-no-recursion) */

bool as_jv_take(as_jr *r, as_buf *b, as_jv *out)
{
    bool done = b->failed ? as_jr_memory(r) : as_jv_copy(r, as_buf_str(b), out);
    as_buf_fini(b);
    return done;
}

bool as_jv_text(as_jr *r, as_jv v, as_str *out)
{
    if (v.kind == AS_JV_STRING) {
        *out = v.of.string;
        return true;
    }
    if (v.kind == AS_JV_UNDEFINED) {
        *out = AS_LIT("");
        return true;
    }
    as_buf text;
    as_jv made;
    as_buf_init(&text, AS_JINJA_OUTPUT);
    if (!repr(r, &text, v, 0)) {
        as_buf_fini(&text);
        return false;
    }
    if (!as_jv_take(r, &text, &made))
        return false;
    *out = made.of.string;
    return true;
}

/* ---- JSON ---- */

static void new_line(writer *w, unsigned depth)
{
    if (w->indent < 0)
        return;
    as_buf_byte(&w->out, '\n');
    for (int64_t i = 0; i < w->indent * depth; i++)
        as_buf_byte(&w->out, ' ');
}

/* A string with characters beyond ASCII as \uNNNN. */
static void ascii(writer *w, as_str s)
{
    as_buf text;
    as_buf_init(&text, AS_JINJA_OUTPUT);
    as_buf_json_str(&text, s);
    for (size_t i = 0; i < text.len;) {
        unsigned n = as_utf8_step(text.data + i, text.len - i);
        if (n < 2) {
            as_buf_byte(&w->out, text.data[i++]);
            continue;
        }
        uint32_t c = (unsigned char)text.data[i] & (0x7Fu >> n);
        for (unsigned k = 1; k < n; k++)
            c = c << 6 | ((unsigned char)text.data[i + k] & 0x3Fu);
        if (c >= 0x10000)
            as_buf_addf(&w->out, "\\u%04x\\u%04x", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
        else
            as_buf_addf(&w->out, "\\u%04x", c);
        i += n;
    }
    as_buf_fini(&text);
}

static void string(writer *w, as_str s)
{
    if (w->is_ascii)
        ascii(w, s);
    else
        as_buf_json_str(&w->out, s);
}

/* NOLINTBEGIN(misc-no-recursion): `depth` bounds it */
static bool json(writer *w, as_jv v, unsigned depth);

static bool json_list(writer *w, const as_jv_list *list, unsigned depth)
{
    as_buf_byte(&w->out, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            as_buf_add(&w->out, w->comma);
        new_line(w, depth + 1);
        if (!json(w, list->items[i], depth + 1))
            return false;
    }
    if (list->n)
        new_line(w, depth);
    as_buf_byte(&w->out, ']');
    return true;
}

static int by_key(const void *a, const void *b)
{
    const as_jv_pair *x = a, *y = b;
    return as_str_cmp(x->key, y->key);
}

static bool json_map(writer *w, const as_jv_map *map, unsigned depth)
{
    const as_jv_pair *pairs = map->pairs;
    if (w->sorts && map->n) {
        as_jv_pair *sorted = as_arena_calloc(&w->r->arena, map->n, sizeof *sorted);
        if (!sorted)
            return as_jr_memory(w->r);
        memcpy(sorted, pairs, map->n * sizeof *sorted);
        qsort(sorted, map->n, sizeof *sorted, by_key);
        pairs = sorted;
    }
    as_buf_byte(&w->out, '{');
    for (size_t i = 0; i < map->n; i++) {
        if (i)
            as_buf_add(&w->out, w->comma);
        new_line(w, depth + 1);
        string(w, pairs[i].key);
        as_buf_add(&w->out, w->colon);
        if (!json(w, pairs[i].value, depth + 1))
            return false;
    }
    if (map->n)
        new_line(w, depth);
    as_buf_byte(&w->out, '}');
    return true;
}

static bool json(writer *w, as_jv v, unsigned depth)
{
    if (!as_jr_charge(w->r, v.kind == AS_JV_STRING
                                ? v.of.string.len
                                : (size_t)(w->indent > 0 ? w->indent : 0) * depth))
        return false;
    if (depth > AS_JINJA_DEPTH * 2)
        return as_jr_fail(w->r, "a value is nested too deep for tojson");
    switch (v.kind) {
    case AS_JV_NONE:
        as_buf_text(&w->out, "null");
        return true;
    case AS_JV_BOOL:
        as_buf_text(&w->out, v.of.boolean ? "true" : "false");
        return true;
    case AS_JV_FLOAT:
        if (isfinite(v.of.real))
            real(&w->out, v.of.real);
        else
            as_buf_text(&w->out, v.of.real != v.of.real ? "NaN"
                                 : v.of.real < 0        ? "-Infinity"
                                                        : "Infinity");
        return true;
    case AS_JV_INT:
        return repr(w->r, &w->out, v, depth);
    case AS_JV_STRING:
        string(w, v.of.string);
        return true;
    case AS_JV_LIST:
        return json_list(w, v.of.list, depth);
    case AS_JV_MAP:
        return json_map(w, v.of.map, depth);
    case AS_JV_UNDEFINED:
    case AS_JV_NAMESPACE:
    case AS_JV_FUNCTION:
    case AS_JV_MACRO:
    default:
        return as_jr_fail(w->r, "tojson: a value of type %s is no JSON", as_jv_type(v));
    }
}

/* NOLINTEND(misc-no-recursion) */

static as_str separator(const as_jargs *args, size_t i, as_str otherwise)
{
    const as_jv *v = as_jarg(args, 2, "separators");
    bool is_pair = v && v->kind == AS_JV_LIST && v->of.list->n == 2 &&
                   v->of.list->items[i].kind == AS_JV_STRING;
    return is_pair ? v->of.list->items[i].of.string : otherwise;
}

/* def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False) */
bool as_jv_to_json(as_jr *r, as_jv v, const as_jargs *args, as_jv *out)
{
    const as_jv *is_ascii = as_jarg(args, 0, "ensure_ascii"), *indent = as_jarg(args, 1, "indent"),
                *sorts = as_jarg(args, 3, "sort_keys");
    writer w = { .r = r,
                 .indent = -1,
                 .sorts = sorts && as_jv_truth(*sorts),
                 .is_ascii = is_ascii && as_jv_truth(*is_ascii) };
    if (indent && indent->kind == AS_JV_INT && indent->of.integer <= 64)
        w.indent = indent->of.integer < 0 ? 0 : indent->of.integer;
    else if (indent && indent->kind != AS_JV_NONE)
        return as_jr_fail(r, "tojson: indent is not a number up to 64");
    w.comma = separator(args, 0, w.indent < 0 ? AS_LIT(", ") : AS_LIT(","));
    w.colon = separator(args, 1, AS_LIT(": "));
    as_buf_init(&w.out, AS_JINJA_OUTPUT);
    if (json(&w, v, 0))
        return as_jv_take(r, &w.out, out);
    as_buf_fini(&w.out);
    return false;
}
