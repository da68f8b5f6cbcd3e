/* jinja_filter_list.c -- filters of lists and dictionaries. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"

#include <stdint.h>

static bool is_set(const as_jv *v)
{
    return v && as_jv_truth(*v);
}

static bool f_list(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    as_jv items;
    (void)args;
    if (!as_jv_items(r, in, &items) || !as_jv_list_new(r, items.of.list->n, out))
        return false;
    if (items.of.list->n)
        memcpy(out->of.list->items, items.of.list->items, items.of.list->n * sizeof items);
    return true;
}

static bool f_reverse(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    as_jv items;
    if (!f_list(r, in, args, &items))
        return false;
    as_jv *v = items.of.list->items;
    for (size_t i = 0, k = items.of.list->n; i + 1 < k; i++, k--) {
        as_jv swap = v[i];
        v[i] = v[k - 1];
        v[k - 1] = swap;
    }
    if (in.kind != AS_JV_STRING) {
        *out = items;
        return true;
    }
    const as_jargs none = { 0 };
    return as_jr_filter(r, AS_LIT("join"), items, &none, out);
}

static bool end_of(as_jr *r, as_jv in, bool is_last, as_jv *out)
{
    as_jv items;
    if (!as_jv_items(r, in, &items))
        return false;
    size_t n = items.of.list->n;
    *out = n ? items.of.list->items[is_last ? n - 1 : 0]
             : as_jv_undefined(AS_LIT("an item of an empty list"));
    return true;
}

static bool f_first(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return end_of(r, in, false, out);
}

static bool f_last(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return end_of(r, in, true, out);
}

/* x.a.b for "a.b" */
static bool attribute(as_jr *r, as_jv of, as_str path, as_jv *out)
{
    *out = of;
    while (path.len) {
        const char *dot = memchr(path.data, '.', path.len);
        as_str name = { path.data, dot ? (size_t)(dot - path.data) : path.len };
        if (!as_jv_item(r, *out, as_jv_str(name), out))
            return false;
        path = dot ? (as_str){ dot + 1, path.len - name.len - 1 } : AS_LIT("");
    }
    return true;
}

static bool f_join(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *by = as_jarg(args, 0, "d"), *path = as_jarg(args, 1, "attribute");
    as_jv items, v;
    as_str s, separator = AS_LIT("");
    as_buf b;
    if (!as_jv_items(r, in, &items) || (by && !as_jv_text(r, *by, &separator)))
        return false;
    as_buf_init(&b, AS_JINJA_MEMORY);
    bool done = true;
    for (size_t i = 0; done && i < items.of.list->n; i++) {
        v = items.of.list->items[i];
        done = (!path || path->kind != AS_JV_STRING || attribute(r, v, path->of.string, &v)) &&
               as_jv_text(r, v, &s) && as_jr_charge(r, s.len);
        if (done && i)
            as_buf_add(&b, separator);
        if (done)
            as_buf_add(&b, s);
    }
    if (done)
        return as_jv_take(r, &b, out);
    as_buf_fini(&b);
    return false;
}

static bool pair_of(as_jr *r, const as_jv_pair *p, as_jv *out)
{
    if (!as_jv_list_new(r, 2, out))
        return false;
    out->of.list->is_tuple = true;
    out->of.list->items[0] = as_jv_str(p->key);
    out->of.list->items[1] = p->value;
    return true;
}

static bool f_items(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    if (in.kind == AS_JV_UNDEFINED)
        return as_jv_list_new(r, 0, out);
    if (in.kind != AS_JV_MAP)
        return as_jr_fail(r, "items: %s is no dictionary", as_jv_type(in));
    if (!as_jv_list_new(r, in.of.map->n, out))
        return false;
    for (size_t i = 0; i < in.of.map->n; i++)
        if (!pair_of(r, &in.of.map->pairs[i], &out->of.list->items[i]))
            return false;
    return true;
}

/* What a value is sorted by: a text without regard to case unless it is asked for. */
static bool sort_key(as_jr *r, as_jv v, bool has_case, as_jv *out)
{
    *out = v;
    return has_case || v.kind != AS_JV_STRING ||
           as_jr_filter(r, AS_LIT("lower"), v, &(const as_jargs){ 0 }, out);
}

typedef struct keyed {
    as_jv key, value;
} keyed;

/* Stable; bottom-up merging. */
static bool sort(as_jr *r, keyed *v, keyed *spare, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t at = 0; at < n; at += 2 * width) {
            size_t mid = at + width < n ? at + width : n, end = mid + width < n ? mid + width : n,
                   a = at, b = mid;
            for (size_t k = at; k < end; k++) {
                int order = 0;
                if (a < mid && b < end && !as_jv_order(r, v[a].key, v[b].key, &order))
                    return false;
                spare[k] = a < mid && (b >= end || order <= 0) ? v[a++] : v[b++];
            }
        }
        memcpy(v, spare, n * sizeof *v);
    }
    return true;
}

/* Sorts a list by keys[i], which the caller filled into v. */
static bool sorted(as_jr *r, keyed *v, size_t n, bool is_reversed, as_jv *out)
{
    keyed *spare = as_arena_calloc(&r->arena, n + 1, sizeof *spare);
    if (!spare)
        return as_jr_memory(r);
    if (!sort(r, v, spare, n) || !as_jv_list_new(r, n, out))
        return false;
    for (size_t i = 0; i < n; i++)
        out->of.list->items[i] = v[is_reversed ? n - 1 - i : i].value;
    return true;
}

static bool f_dictsort(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *has_case = as_jarg(args, 0, "case_sensitive"), *by = as_jarg(args, 1, "by"),
                *back = as_jarg(args, 2, "reverse");
    bool by_value = by && as_jv_is_str(*by, "value");
    as_jv items = as_jv_none();
    if (!f_items(r, in, NULL, &items))
        return false;
    size_t n = items.of.list->n;
    keyed *v = as_arena_calloc(&r->arena, n + 1, sizeof *v);
    if (!v)
        return as_jr_memory(r);
    for (size_t i = 0; i < n; i++) {
        v[i].value = items.of.list->items[i];
        if (!sort_key(r, v[i].value.of.list->items[by_value], is_set(has_case), &v[i].key))
            return false;
    }
    return sorted(r, v, n, is_set(back), out);
}

static bool f_sort(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *back = as_jarg(args, 0, "reverse"), *has_case = as_jarg(args, 1, "case_sensitive"),
                *path = as_jarg(args, 2, "attribute");
    as_jv items, key;
    if (!as_jv_items(r, in, &items))
        return false;
    size_t n = items.of.list->n;
    keyed *v = as_arena_calloc(&r->arena, n + 1, sizeof *v);
    if (!v)
        return as_jr_memory(r);
    for (size_t i = 0; i < n; i++) {
        key = v[i].value = items.of.list->items[i];
        if ((path && path->kind == AS_JV_STRING && !attribute(r, key, path->of.string, &key)) ||
            !sort_key(r, key, is_set(has_case), &v[i].key))
            return false;
    }
    return sorted(r, v, n, is_set(back), out);
}

static bool extreme(as_jr *r, as_jv in, int sign, as_jv *out)
{
    as_jv items;
    if (!as_jv_items(r, in, &items))
        return false;
    *out = items.of.list->n ? items.of.list->items[0]
                            : as_jv_undefined(AS_LIT("an item of an empty list"));
    for (size_t i = 1; i < items.of.list->n; i++) {
        int order;
        if (!as_jv_order(r, items.of.list->items[i], *out, &order))
            return false;
        if (order * sign > 0)
            *out = items.of.list->items[i];
    }
    return true;
}

static bool f_max(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return extreme(r, in, 1, out);
}

static bool f_min(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return extreme(r, in, -1, out);
}

/* The first of those that are equal, without regard to case unless it is asked for. */
static bool f_unique(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *has_case = as_jarg(args, 0, "case_sensitive");
    as_jv items = as_jv_none();
    if (!f_list(r, in, args, &items))
        return false;
    as_jv_list *list = items.of.list;
    as_jv *keys = as_arena_calloc(&r->arena, list->n + 1, sizeof *keys);
    if (!keys)
        return as_jr_memory(r);
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        bool is_seen = false;
        if (!sort_key(r, list->items[i], is_set(has_case), &keys[n]))
            return false;
        for (size_t k = 0; k < n && !is_seen; k++)
            if (!as_jv_equal(r, keys[k], keys[n], &is_seen))
                return false;
        if (!is_seen)
            list->items[n++] = list->items[i];
    }
    list->n = n;
    *out = items;
    return true;
}

/* ---- of each item ---- */

/* As Jinja has it, what is false has no items: None and 0 too. */
static bool items_if_any(as_jr *r, as_jv in, as_jv *out)
{
    return as_jv_truth(in) ? f_list(r, in, NULL, out) : as_jv_list_new(r, 0, out);
}

static bool f_map(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *path = as_jarg(args, SIZE_MAX, "attribute"),
                *otherwise = as_jarg(args, SIZE_MAX, "default");
    as_jv items;
    bool is_filter = args->n && args->items[0].kind == AS_JV_STRING;
    if (path ? path->kind != AS_JV_STRING : !is_filter)
        return as_jr_fail(r, "map takes the name of a filter, or attribute=\"name\"");
    if (!items_if_any(r, in, &items) || !as_jv_list_new(r, items.of.list->n, out))
        return false;
    const as_jargs rest = { args->n ? args->items + 1 : NULL, args->n ? args->n - 1 : 0,
                            args->named };
    for (size_t i = 0; i < items.of.list->n; i++) {
        as_jv *to = &out->of.list->items[i];
        if (path ? !attribute(r, items.of.list->items[i], path->of.string, to)
                 : !as_jr_filter(r, args->items[0].of.string, items.of.list->items[i], &rest, to))
            return false;
        if (path && otherwise && to->kind == AS_JV_UNDEFINED)
            *to = *otherwise;
    }
    return true;
}

/* select, reject, selectattr, rejectattr: items for which a test (or their truth) says `wanted`. */
static bool choose(as_jr *r, as_jv in, const as_jargs *args, bool has_path, bool wanted, as_jv *out)
{
    as_jv items, v;
    as_jargs rest = *args;
    as_str path = AS_LIT(""), test = AS_LIT("");
    for (int i = 0; i < 1 + has_path && rest.n; i++, rest.items++, rest.n--) {
        if (rest.items[0].kind != AS_JV_STRING)
            return as_jr_fail(r, "select and reject take names of attributes and tests");
        *(has_path && i == 0 ? &path : &test) = rest.items[0].of.string;
    }
    if (!items_if_any(r, in, &items))
        return false;
    size_t n = 0;
    for (size_t i = 0; i < items.of.list->n; i++) {
        bool is_so;
        if (!attribute(r, items.of.list->items[i], path, &v))
            return false;
        if (test.len ? !as_jr_test(r, test, v, &rest, &is_so) : (is_so = as_jv_truth(v), false))
            return false;
        if (is_so == wanted)
            items.of.list->items[n++] = items.of.list->items[i];
    }
    items.of.list->n = n;
    *out = items;
    return true;
}

static bool f_select(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    return choose(r, in, args, false, true, out);
}

static bool f_reject(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    return choose(r, in, args, false, false, out);
}

static bool f_selectattr(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    return choose(r, in, args, true, true, out);
}

static bool f_rejectattr(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    return choose(r, in, args, true, false, out);
}

static const struct entry {
    const char *name;
    as_jfilter *apply;
} entries[] = {
    { "dictsort", f_dictsort },
    { "first", f_first },
    { "items", f_items },
    { "join", f_join },
    { "last", f_last },
    { "list", f_list },
    { "map", f_map },
    { "max", f_max },
    { "min", f_min },
    { "reject", f_reject },
    { "rejectattr", f_rejectattr },
    { "reverse", f_reverse },
    { "select", f_select },
    { "selectattr", f_selectattr },
    { "sort", f_sort },
    { "unique", f_unique },
};

as_jfilter *as_jinja_list_filter(as_str name)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (as_str_is(name, entries[i].name))
            return entries[i].apply;
    return NULL;
}
