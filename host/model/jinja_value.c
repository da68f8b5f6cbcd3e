/* jinja_value.c -- values as Python has them: truth, equality, order, attributes and items.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"

#include <stdint.h>

bool as_jv_truth(as_jv v)
{
    switch (v.kind) {
    case AS_JV_BOOL:
        return v.of.boolean;
    case AS_JV_INT:
        return v.of.integer != 0;
    case AS_JV_FLOAT:
        return v.of.real < 0 || v.of.real > 0 || v.of.real != v.of.real;
    case AS_JV_STRING:
        return v.of.string.len > 0;
    case AS_JV_LIST:
        return v.of.list->n > 0;
    case AS_JV_MAP:
        return v.of.map->n > 0;
    case AS_JV_NAMESPACE:
    case AS_JV_FUNCTION:
    case AS_JV_MACRO:
        return true;
    case AS_JV_UNDEFINED:
    case AS_JV_NONE:
    default:
        return false;
    }
}

const char *as_jv_type(as_jv v)
{
    static const char *const names[] = { "undefined", "NoneType", "bool", "int",
                                         "float",     "str",      "list", "dict",
                                         "namespace", "method",   "macro" };
    return v.kind == AS_JV_LIST && v.of.list->is_tuple ? "tuple" : names[v.kind];
}

bool as_jv_number(as_jv v, double *out)
{
    if (v.kind == AS_JV_FLOAT)
        *out = v.of.real;
    else if (v.kind == AS_JV_INT)
        *out = (double)v.of.integer;
    else if (v.kind == AS_JV_BOOL)
        *out = v.of.boolean;
    else
        return false;
    return true;
}

/* NOLINTBEGIN(misc-no-recursion): r->depth bounds it */
static bool equal_lists(as_jr *r, const as_jv_list *a, const as_jv_list *b, bool *out)
{
    *out = a->n == b->n && a->is_tuple == b->is_tuple;
    for (size_t i = 0; *out && i < a->n; i++)
        if (!as_jv_equal(r, a->items[i], b->items[i], out))
            return false;
    return true;
}

static bool equal_maps(as_jr *r, const as_jv_map *a, const as_jv_map *b, bool *out)
{
    *out = a->n == b->n;
    for (size_t i = 0; *out && i < a->n; i++) {
        if (!as_jr_charge(r, b->n * 8))
            return false;
        const as_jv_pair *other = as_jv_find(b, a->pairs[i].key);
        *out = other != NULL;
        if (other && !as_jv_equal(r, a->pairs[i].value, other->value, out))
            return false;
    }
    return true;
}

static bool equal(as_jr *r, as_jv a, as_jv b, bool *out)
{
    double x, y;
    if (!as_jr_charge(r, a.kind == AS_JV_STRING ? a.of.string.len : 0))
        return false;
    if (a.kind == AS_JV_INT && b.kind == AS_JV_INT) {
        *out = a.of.integer == b.of.integer;
        return true;
    }
    if (as_jv_number(a, &x) && as_jv_number(b, &y)) {
        *out = !(x < y) && !(x > y) && x == x && y == y;
        return true;
    }
    *out = false;
    if (a.kind != b.kind)
        return true;
    switch (a.kind) {
    case AS_JV_STRING:
        *out = as_str_eq(a.of.string, b.of.string);
        return true;
    case AS_JV_LIST:
        return equal_lists(r, a.of.list, b.of.list, out);
    case AS_JV_MAP:
        return equal_maps(r, a.of.map, b.of.map, out);
    case AS_JV_NAMESPACE:
        *out = a.of.map == b.of.map;
        return true;
    case AS_JV_FUNCTION:
        *out = a.of.function == b.of.function;
        return true;
    case AS_JV_MACRO:
        *out = a.of.macro == b.of.macro;
        return true;
    case AS_JV_UNDEFINED:
    case AS_JV_NONE:
    case AS_JV_BOOL:
    case AS_JV_INT:
    case AS_JV_FLOAT:
    default:
        *out = true;
        return true;
    }
}

bool as_jv_equal(as_jr *r, as_jv a, as_jv b, bool *out)
{
    if (!as_jr_enter(r))
        return false;
    bool done = equal(r, a, b, out);
    r->depth--;
    return done;
}

static bool order_lists(as_jr *r, const as_jv_list *a, const as_jv_list *b, int *out)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        bool is_equal;
        if (!as_jv_equal(r, a->items[i], b->items[i], &is_equal))
            return false;
        if (!is_equal)
            return as_jv_order(r, a->items[i], b->items[i], out);
    }
    *out = (a->n > b->n) - (a->n < b->n);
    return true;
}

static bool order(as_jr *r, as_jv a, as_jv b, int *out)
{
    double x, y;
    if (a.kind == AS_JV_INT && b.kind == AS_JV_INT) {
        *out = (a.of.integer > b.of.integer) - (a.of.integer < b.of.integer);
        return true;
    }
    if (as_jv_number(a, &x) && as_jv_number(b, &y)) {
        *out = (x > y) - (x < y);
        return true;
    }
    if (a.kind == AS_JV_STRING && b.kind == AS_JV_STRING) {
        *out = as_str_cmp(a.of.string, b.of.string);
        return as_jr_charge(r, a.of.string.len);
    }
    if (a.kind == AS_JV_LIST && b.kind == AS_JV_LIST && a.of.list->is_tuple == b.of.list->is_tuple)
        return order_lists(r, a.of.list, b.of.list, out);
    return as_jr_fail(r, "%s and %s have no order", as_jv_type(a), as_jv_type(b));
}

bool as_jv_order(as_jr *r, as_jv a, as_jv b, int *out)
{
    if (!as_jr_enter(r))
        return false;
    bool done = order(r, a, b, out);
    r->depth--;
    return done;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- making ---- */

bool as_jv_list_new(as_jr *r, size_t n, as_jv *out)
{
    as_jv_list *list = as_arena_calloc(&r->arena, 1, sizeof *list);
    size_t size;
    if (!list || !as_mul_ok(n, sizeof *list->items, &size) || !as_jr_charge(r, size))
        return as_jr_memory(r);
    list->items = as_arena_alloc(&r->arena, size + 1);
    if (!list->items)
        return as_jr_memory(r);
    list->n = n;
    *out = (as_jv){ .kind = AS_JV_LIST, .of.list = list };
    return true;
}

bool as_jv_copy(as_jr *r, as_str s, as_jv *out)
{
    if (!as_jr_charge(r, s.len))
        return false;
    as_str copy = as_arena_str(&r->arena, s);
    *out = as_jv_str(copy);
    return copy.data || as_jr_memory(r);
}

as_jv_pair *as_jv_find(const as_jv_map *m, as_str key)
{
    for (size_t i = 0; i < m->n; i++)
        if (as_str_eq(m->pairs[i].key, key))
            return &m->pairs[i];
    return NULL;
}

bool as_jv_put(as_jr *r, as_jv_map *m, as_str key, as_jv value)
{
    if (!as_jr_charge(r, m->n * 8))
        return false;
    as_jv_pair *old = as_jv_find(m, key);
    if (old) {
        old->value = value;
        return true;
    }
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 8;
        as_jv_pair *grown = as_arena_calloc(&r->arena, cap, sizeof *grown);
        if (!grown)
            return as_jr_memory(r);
        if (m->n)
            memcpy(grown, m->pairs, m->n * sizeof *grown);
        m->pairs = grown;
        m->cap = cap;
    }
    m->pairs[m->n++] = (as_jv_pair){ key, value };
    return true;
}

/* ---- from JSON ---- */

static bool number_from_json(as_jr *r, as_jspan json, as_jv *out)
{
    unsigned long long v;
    double f;
    bool is_negative = json.text.data[0] == '-';
    as_jspan digits = { { json.text.data + is_negative, json.text.len - is_negative },
                        AS_J_NUMBER };
    if (as_junsigned(digits, &v) && v <= INT64_MAX) {
        *out = as_jv_int(is_negative ? -(int64_t)v : (int64_t)v);
        return true;
    }
    bool is_integer = !memchr(json.text.data, '.', json.text.len) &&
                      !memchr(json.text.data, 'e', json.text.len) &&
                      !memchr(json.text.data, 'E', json.text.len);
    if (is_integer || !as_jnumber(json, &f))
        return as_jr_fail(r, "a number of the input is too large");
    *out = as_jv_real(f);
    return true;
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than AS_JSON_DEPTH */
static bool list_from_json(as_jr *r, as_jspan json, as_jv *out)
{
    as_jspan one;
    size_t n = 0;
    for (size_t at = 0; as_jarray_next(json, &at, &one);)
        n++;
    if (!as_jv_list_new(r, n, out))
        return false;
    n = 0;
    for (size_t at = 0; as_jarray_next(json, &at, &one); n++)
        if (!as_jv_from_json(r, one, &out->of.list->items[n]))
            return false;
    return true;
}

static bool map_from_json(as_jr *r, as_jspan json, as_jv *out)
{
    as_jspan key, value;
    as_jv_map *map = as_arena_calloc(&r->arena, 1, sizeof *map);
    if (!map)
        return as_jr_memory(r);
    *out = (as_jv){ .kind = AS_JV_MAP, .of.map = map };
    for (size_t at = 0; as_jobject_next(json, &at, &key, &value);) {
        as_str name = as_jstring(key, &r->arena, NULL);
        as_jv v;
        if (!name.data)
            return as_jr_memory(r);
        if (!as_jv_from_json(r, value, &v) || !as_jv_put(r, map, name, v))
            return false;
    }
    return true;
}

bool as_jv_from_json(as_jr *r, as_jspan json, as_jv *out)
{
    if (!as_jr_charge(r, 0))
        return false;
    switch (json.kind) {
    case AS_J_TRUE:
    case AS_J_FALSE:
        *out = as_jv_bool(json.kind == AS_J_TRUE);
        return true;
    case AS_J_NUMBER:
        return number_from_json(r, json, out);
    case AS_J_STRING:
        *out = as_jv_str(as_jstring(json, &r->arena, NULL));
        return out->of.string.data || as_jr_memory(r);
    case AS_J_ARRAY:
        return list_from_json(r, json, out);
    case AS_J_OBJECT:
        return map_from_json(r, json, out);
    case AS_J_NULL:
    case AS_J_NONE:
    default:
        *out = as_jv_none();
        return true;
    }
}

/* NOLINTEND(misc-no-recursion) */

/* ---- parts ---- */

size_t as_jv_chars(as_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.data[i] & 0xC0) != 0x80;
    return n;
}

size_t as_jv_char_at(as_str s, size_t n)
{
    size_t at = 0;
    while (at < s.len) {
        if (((unsigned char)s.data[at] & 0xC0) != 0x80 && n-- == 0)
            break;
        at++;
    }
    return at;
}

static bool chars_of(as_jr *r, as_str s, as_jv *out)
{
    size_t n = 0;
    if (!as_jv_list_new(r, as_jv_chars(s), out))
        return false;
    for (size_t at = 0; at < s.len; n++) {
        size_t step = as_utf8_step(s.data + at, s.len - at);
        step = step ? step : 1;
        if (!as_jv_copy(r, (as_str){ s.data + at, step }, &out->of.list->items[n]))
            return false;
        at += step;
    }
    out->of.list->n = n;
    return true;
}

bool as_jv_items(as_jr *r, as_jv v, as_jv *out)
{
    switch (v.kind) {
    case AS_JV_LIST:
        *out = v;
        return true;
    case AS_JV_STRING:
        return chars_of(r, v.of.string, out);
    case AS_JV_MAP:
        if (!as_jv_list_new(r, v.of.map->n, out))
            return false;
        for (size_t i = 0; i < v.of.map->n; i++)
            out->of.list->items[i] = as_jv_str(v.of.map->pairs[i].key);
        return true;
    case AS_JV_UNDEFINED:
        return as_jv_list_new(r, 0, out);
    case AS_JV_NONE:
    case AS_JV_BOOL:
    case AS_JV_INT:
    case AS_JV_FLOAT:
    case AS_JV_NAMESPACE:
    case AS_JV_FUNCTION:
    case AS_JV_MACRO:
    default:
        return as_jr_fail(r, "a value of type %s cannot be walked over", as_jv_type(v));
    }
}

bool as_jv_attr(as_jr *r, as_jv of, as_str name, as_jv *out)
{
    if (of.kind == AS_JV_UNDEFINED)
        return as_jr_fail(r, "\"%.*s\" is undefined (its \"%.*s\" was asked for)",
                          AS_FMT(of.of.string), AS_FMT(name));
    if (as_jr_is_method(of, name)) {
        as_jv_function *f = as_arena_alloc(&r->arena, sizeof *f);
        if (!f)
            return as_jr_memory(r);
        *f = (as_jv_function){ name, of };
        *out = (as_jv){ .kind = AS_JV_FUNCTION, .of.function = f };
        return true;
    }
    *out = as_jv_undefined(name);
    if (of.kind != AS_JV_MAP && of.kind != AS_JV_NAMESPACE)
        return true;
    const as_jv_pair *pair = as_jv_find(of.of.map, name);
    if (pair)
        *out = pair->value;
    return as_jr_charge(r, of.of.map->n * 8);
}

/* Index -1 is the last; false where there is none. */
static bool place(int64_t index, size_t n, size_t *out)
{
    if (index < 0)
        index += (int64_t)n;
    *out = (size_t)index;
    return index >= 0 && *out < n;
}

bool as_jv_item(as_jr *r, as_jv of, as_jv index, as_jv *out)
{
    size_t at;
    bool is_index = index.kind == AS_JV_INT || index.kind == AS_JV_BOOL;
    int64_t i = index.kind == AS_JV_INT    ? index.of.integer
                : index.kind == AS_JV_BOOL ? index.of.boolean
                                           : 0;
    *out = as_jv_undefined(AS_LIT("item"));
    if (of.kind == AS_JV_LIST && is_index) {
        if (place(i, of.of.list->n, &at))
            *out = of.of.list->items[at];
        return true;
    }
    if (of.kind == AS_JV_STRING && is_index) {
        as_str s = of.of.string;
        if (!place(i, as_jv_chars(s), &at))
            return true;
        at = as_jv_char_at(s, at);
        size_t end = as_jv_char_at((as_str){ s.data + at, s.len - at }, 1);
        return as_jr_charge(r, s.len) && as_jv_copy(r, (as_str){ s.data + at, end }, out);
    }
    if (index.kind != AS_JV_STRING)
        return of.kind != AS_JV_UNDEFINED ||
               as_jr_fail(r, "\"%.*s\" is undefined (an item of it was asked for)",
                          AS_FMT(of.of.string));
    if (of.kind == AS_JV_MAP) { /* an item before a method of the same name */
        const as_jv_pair *pair = as_jv_find(of.of.map, index.of.string);
        if (pair) {
            *out = pair->value;
            return as_jr_charge(r, of.of.map->n * 8);
        }
    }
    return as_jv_attr(r, of, index.of.string, out);
}
