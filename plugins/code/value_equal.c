/* value_equal.c -- when two values are the same answer. Equality that Python's == would find is
 * equality of canonical bytes: numbers of all types in one form, sets and dicts in order of their
 * elements' bytes. SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct canon {
    pc_buf *out;
    bool list_is_tuple, odd;
} canon;

static bool put(canon *c, cd_walk *w, unsigned depth);

/* ---- numbers ---- */

static void put_hex(pc_buf *out, bool minus, uint64_t n, int zeros)
{
    pc_buf_fmt(out, "i%s%llx", minus && n ? "-" : "", (unsigned long long)n);
    for (int i = 0; i < zeros; i++)
        pc_buf_byte(out, '0');
    pc_buf_byte(out, ';');
}

static void put_double(canon *c, double d)
{
    int exponent;
    if (isnan(d))
        c->odd = true;
    if (isnan(d) || isinf(d) || floor(d) != d) {
        cd_put_float(c->out, d);
        return;
    }
    uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(d), &exponent), 53);
    exponent -= 53;
    if (exponent < 0)
        put_hex(c->out, d<0, exponent> - 64 ? mantissa >> -exponent : 0, 0);
    else
        put_hex(c->out, d < 0, mantissa << exponent % 4, exponent / 4);
}

/* Hexadecimal digits as they come, but for case and leading zeros. */
static bool put_hex_text(canon *c, bool minus, assay_str digits)
{
    while (digits.len > 1 && digits.data[0] == '0')
        digits = pc_from(digits, 1);
    if (!digits.len || !pc_buf_reserve(c->out, digits.len + 3))
        return false;
    pc_buf_text(c->out, minus && !pc_is(digits, "0") ? "i-" : "i");
    for (size_t i = 0; i < digits.len; i++) {
        char d = pc_lower(digits.data[i]);
        if (!pc_is_digit(d) && !(d >= 'a' && d <= 'f'))
            return false;
        pc_buf_byte(c->out, d);
    }
    pc_buf_byte(c->out, ';');
    return true;
}

static bool put_short_integer(canon *c, bool minus, assay_str digits)
{
    uint64_t n = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (!pc_is_digit(digits.data[i]))
            return false;
        n = n * 10 + (uint64_t)(digits.data[i] - '0');
    }
    put_hex(c->out, minus, n, 0);
    return digits.len > 0;
}

static bool put_integer(canon *c, assay_str t)
{
    enum { SHORT = 18 };
    bool minus = t.len && t.data[0] == '-';
    assay_str rest = pc_from(t, minus);
    if (pc_starts_nocase(rest, "0x"))
        return put_hex_text(c, minus, pc_from(rest, 2));
    if (rest.len <= SHORT)
        return put_short_integer(c, minus, rest);
    pc_buf hex = { 0 };
    bool ok = pc_is_digit(rest.data[0]) &&
              cd_put_int(&hex, rest); /* "i0x..;" or, with leading zeros, short again */
    if (ok && !hex.failed)
        ok = pc_starts(pc_buf_str(&hex), "i0x")
                 ? put_hex_text(c, minus, pc_slice(pc_buf_str(&hex), 3, hex.len - 1))
                 : put_short_integer(c, minus, pc_slice(pc_buf_str(&hex), 1, hex.len - 1));
    c->out->failed = c->out->failed || hex.failed;
    pc_buf_fini(&hex);
    return ok;
}

/* ---- sets and dicts: sorted by the bytes of their keys ---- */

typedef struct entry {
    size_t from, key_end, end; /* in the buffer */
} entry;

static int by_key(const void *a, const void *b, void *base)
{
    const entry *x = a, *y = b;
    const char *data = base;
    int c = pc_cmp((assay_str){ data + x->from, x->key_end - x->from },
                   (assay_str){ data + y->from, y->key_end - y->from });
    return c ? c : (x->from > y->from) - (x->from < y->from);
}

static bool same_key(const char *data, const entry *x, const entry *y)
{
    return pc_eq((assay_str){ data + x->from, x->key_end - x->from },
                 (assay_str){ data + y->from, y->key_end - y->from });
}

/* Rewrites what stands from `from` on in the order of the entries; of equal keys the last stays. */
static void rewrite(pc_buf *out, size_t from, entry *entries, size_t n, char kind)
{
    pc_buf sorted = { 0 };
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && same_key(out->data, &entries[i], &entries[i + 1]))
            continue;
        pc_buf_add(&sorted, out->data + entries[i].from, entries[i].end - entries[i].from);
        kept++;
    }
    out->len = from;
    pc_buf_fmt(out, "%c%zu", kind, kept);
    pc_buf_add(out, pc_buf_str(&sorted).data, sorted.len);
    out->failed = out->failed || sorted.failed;
    pc_buf_fini(&sorted);
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool put_unordered(canon *c, cd_walk *w, const cd_item *item, unsigned depth)
{
    entry *entries = pc_calloc(item->n, sizeof *entries);
    size_t from = c->out->len;
    bool ok = entries != NULL;
    for (size_t i = 0; ok && i < item->n; i++) {
        entries[i].from = c->out->len;
        ok = put(c, w, depth + 1);
        entries[i].key_end = c->out->len;
        if (ok && item->kind == '{')
            ok = put(c, w, depth + 1);
        entries[i].end = c->out->len;
    }
    if (ok && !c->out->failed && item->n)
        qsort_r(entries, item->n, sizeof *entries, by_key, c->out->data);
    if (ok && !c->out->failed)
        rewrite(c->out, from, entries, item->n, item->kind == '{' ? '{' : '<');
    pc_free(entries);
    return ok;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool put_ordered(canon *c, cd_walk *w, const cd_item *item, unsigned depth)
{
    pc_buf_fmt(c->out, "%c%zu", c->list_is_tuple ? '(' : item->kind, item->n);
    for (size_t i = 0; i < item->n; i++)
        if (!put(c, w, depth + 1))
            return false;
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool put(canon *c, cd_walk *w, unsigned depth)
{
    cd_item item;
    if (depth > CD_DEPTH + 1 || !cd_next(w, &item))
        return false;
    switch (item.kind) {
    case 'N':
        pc_buf_byte(c->out, 'N');
        return true;
    case 'T':
    case 'F':
        put_hex(c->out, false, item.kind == 'T', 0);
        return true;
    case 'i':
        return put_integer(c, item.text);
    case 'f':
        put_double(c, item.re);
        return true;
    case 'c':
        if (fpclassify(item.im) != FP_ZERO) {
            pc_buf_byte(c->out, 'c');
            put_double(c, item.im);
        }
        put_double(c, item.re);
        return true;
    case '?':
        c->odd = true; /* and on, as with text */
        __attribute__((fallthrough));
    case 's':
    case 'b':
        cd_put_text(c->out, item.kind, item.text);
        return true;
    case '[':
    case '(':
        return put_ordered(c, w, &item, depth);
    default:
        return put_unordered(c, w, &item, depth);
    }
}

bool cd_canon(pc_buf *out, assay_str v, bool list_is_tuple, bool *odd)
{
    canon c = { .out = out, .list_is_tuple = list_is_tuple };
    cd_walk w = cd_walk_of(v);
    bool ok = v.data && put(&c, &w, 0) && w.at == w.end && !out->failed;
    *odd = !ok || c.odd;
    return ok;
}

bool cd_is_odd(assay_str v)
{
    pc_buf b = { 0 };
    bool odd;
    (void)cd_canon(&b, v, false, &odd);
    pc_buf_fini(&b);
    return odd;
}

static bool same_canon(assay_str a, assay_str b, bool list_is_tuple)
{
    pc_buf x = { 0 }, y = { 0 };
    bool odd_x, odd_y;
    bool same = cd_canon(&x, a, list_is_tuple, &odd_x) && cd_canon(&y, b, list_is_tuple, &odd_y) &&
                !odd_x && !odd_y && pc_eq(pc_buf_str(&x), pc_buf_str(&y));
    pc_buf_fini(&x);
    pc_buf_fini(&y);
    return same;
}

/* ---- with a tolerance ---- */

static bool near(const cd_tolerance *t, cd_walk *want, cd_walk *got, unsigned depth);

static bool is_close(const cd_tolerance *t, double want, double got)
{
    if (isnan(want) || isnan(got) || isinf(want) || isinf(got))
        return isinf(want) && isinf(got) && signbit(want) == signbit(got);
    return fabs(want - got) <= t->absolute + t->relative * fabs(want);
}

static bool is_number(const cd_item *item)
{
    return pc_in(item->kind, "TFif");
}

typedef struct pair {
    size_t key, key_end;
    assay_str value;
} pair;
typedef struct pairs {
    pc_buf keys;
    pair *at;
    size_t n;
} pairs;

static int by_pair_key(const void *a, const void *b, void *base)
{
    const pair *x = a, *y = b;
    const char *data = base;
    return pc_cmp((assay_str){ data + x->key, x->key_end - x->key },
                  (assay_str){ data + y->key, y->key_end - y->key });
}

static bool read_pairs(pairs *out, cd_walk *w, size_t n)
{
    bool odd, ok;
    *out = (pairs){ .at = pc_calloc(n, sizeof(pair)), .n = n };
    ok = out->at != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        assay_str key;
        out->at[i].key = out->keys.len;
        ok = cd_skip(w, &key) && cd_canon(&out->keys, key, false, &odd) && !odd &&
             cd_skip(w, &out->at[i].value);
        out->at[i].key_end = out->keys.len;
    }
    if (ok && n)
        qsort_r(out->at, n, sizeof(pair), by_pair_key, out->keys.data);
    return ok;
}

static void pairs_fini(pairs *p)
{
    pc_buf_fini(&p->keys);
    pc_free(p->at);
}

static assay_str key_of(const pairs *p, size_t i)
{
    return (assay_str){ p->keys.data + p->at[i].key, p->at[i].key_end - p->at[i].key };
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool near_dicts(const cd_tolerance *t, cd_walk *want, cd_walk *got, size_t n, unsigned depth)
{
    pairs a, b = { .n = 0 };
    bool ok = read_pairs(&a, want, n) && read_pairs(&b, got, n);
    for (size_t i = 0; ok && i < n; i++) {
        cd_walk x = cd_walk_of(a.at[i].value), y = cd_walk_of(b.at[i].value);
        ok = pc_eq(key_of(&a, i), key_of(&b, i)) && near(t, &x, &y, depth + 1);
    }
    pairs_fini(&a);
    pairs_fini(&b);
    return ok;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool near_sequences(const cd_tolerance *t, cd_walk *want, cd_walk *got, size_t n,
                           unsigned depth)
{
    for (size_t i = 0; i < n; i++)
        if (!near(t, want, got, depth + 1))
            return false;
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool near(const cd_tolerance *t, cd_walk *want, cd_walk *got, unsigned depth)
{
    const cd_walk whole_want = *want, whole_got = *got;
    cd_item a, b;
    if (depth > CD_DEPTH + 1 || !cd_next(want, &a) || !cd_next(got, &b))
        return false;
    if (is_number(&a) && is_number(&b) && (a.kind == 'f' || b.kind == 'f') &&
        is_close(t, cd_to_double(&a), cd_to_double(&b)))
        return true;
    if (a.kind == 'c' && b.kind == 'c' && is_close(t, a.re, b.re) && is_close(t, a.im, b.im))
        return true;
    bool both_sequences =
        pc_in(a.kind, "[(") && pc_in(b.kind, "[(") && (a.kind == b.kind || t->list_is_tuple);
    if (both_sequences)
        return a.n == b.n && near_sequences(t, want, got, a.n, depth);
    if (a.kind == '{' && b.kind == '{')
        return a.n == b.n && near_dicts(t, want, got, a.n, depth);
    assay_str x, y;
    *want = whole_want;
    *got = whole_got;
    return cd_skip(want, &x) && cd_skip(got, &y) && same_canon(x, y, t->list_is_tuple);
}

bool cd_equal(assay_str want, assay_str got, const cd_tolerance *tolerance)
{
    if (same_canon(want, got, tolerance->list_is_tuple))
        return true;
    if (!(tolerance->relative > 0) && !(tolerance->absolute > 0))
        return false;
    cd_walk w = cd_walk_of(want), g = cd_walk_of(got);
    return want.data && got.data && near(tolerance, &w, &g, 0) && w.at == w.end && g.at == g.end;
}

/* ---- oracles ---- */

/* The elements of a list, tuple, set or dict as a set; the characters of a text. */
static bool to_set(pc_buf *out, assay_str v)
{
    cd_walk w = cd_walk_of(v);
    cd_item item;
    if (!v.data || !cd_next(&w, &item))
        return false;
    size_t open = cd_put_open(out, '<'), n = 0;
    if (item.kind == 's') {
        for (size_t at = 0, len; at < item.text.len; at += len, n++) {
            uint32_t cp;
            len = pc_utf8(item.text, at, &cp);
            cd_put_text(out, 's', pc_slice(item.text, at, at + len));
        }
    } else if (!pc_in(item.kind, "[(<>{")) {
        return false;
    }
    for (; item.kind != 's' && n < item.n; n++) {
        assay_str element, value;
        if (!cd_skip(&w, &element) || (item.kind == '{' && !cd_skip(&w, &value)))
            return false;
        pc_buf_add(out, element.data, element.len);
    }
    cd_put_count(out, open, n);
    return !out->failed;
}

bool cd_equal_sets(assay_str want, assay_str got)
{
    pc_buf x = { 0 }, y = { 0 };
    bool same =
        to_set(&x, want) && to_set(&y, got) && same_canon(pc_buf_str(&x), pc_buf_str(&y), false);
    pc_buf_fini(&x);
    pc_buf_fini(&y);
    return same;
}
