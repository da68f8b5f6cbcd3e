/* batch.c -- columns: finding equal items within a call, picking some rows out, putting their
 * results back. SPDX-License-Identifier: Apache-2.0 */
#include "plug/scorer_priv.h"

enum {
    PROBES = 8
}; /* collisions tolerated before a duplicate is overlooked: finding them is only a saving */

/* Up to eight bytes at the end of a text, where answers differ most. */
static uint64_t tail(as_str s)
{
    uint64_t v = 0;
    uint32_t a = 0, b = 0;
    if (s.len >= 8) {
        memcpy(&v, s.data + s.len - 8, 8);
    } else if (s.len >= 4) {
        memcpy(&a, s.data, 4);
        memcpy(&b, s.data + s.len - 4, 4);
        v = (uint64_t)a << 32 | b;
    } else if (s.len) {
        v = (uint64_t)(unsigned char)s.data[0] << 16 |
            (uint64_t)(unsigned char)s.data[s.len / 2] << 8 | (unsigned char)s.data[s.len - 1];
    }
    return v;
}

static uint64_t middle(as_str s)
{
    return s.len > 16 ? tail((as_str){ s.data, s.len / 2 }) : 0;
}

/* Lengths and a few bytes: a full hash would cost more than a cheap verifier does; equality is
 * decided on all bytes. */
static uint64_t signature(const as_items *x, uint32_t i)
{
    as_str c = x->completion[i], p = x->prompt[i], r = x->reference[i], m = x->meta[i];
    uint64_t a = tail(c) ^ (tail(r) << 21 | (uint64_t)r.len << 7),
             b = middle(c) ^ (uint64_t)c.len << 40;
    if (p.data)
        b += tail(p) * 3 + middle(p) + p.len;
    if (m.data)
        b += tail(m) * 5 + middle(m) * 7 + m.len;
    uint64_t h = a * 0x9E3779B97F4A7C15u + b * 0xC2B2AE3D27D4EB4Fu;
    return (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
}

static bool same_text(as_str a, as_str b)
{
    return (a.data == NULL) == (b.data == NULL) && as_str_eq(a, b);
}

static bool same_item(const as_items *x, uint32_t i, uint32_t j)
{
    return same_text(x->completion[i], x->completion[j]) &&
           same_text(x->reference[i], x->reference[j]) && same_text(x->prompt[i], x->prompt[j]) &&
           same_text(x->meta[i], x->meta[j]);
}

struct slot {
    uint32_t tag, item; /* item + 1; 0: empty */
};

static uint32_t find_or_add(const as_items *items, struct slot *table, uint64_t mask, uint32_t i)
{
    uint64_t h = signature(items, i);
    uint32_t tag = (uint32_t)h;
    for (unsigned k = 0; k < PROBES; k++) {
        struct slot *s = &table[((h >> 32) + k) & mask];
        if (!s->item) {
            *s = (struct slot){ tag, i + 1 };
            return i;
        }
        if (s->tag == tag && same_item(items, s->item - 1, i))
            return s->item - 1;
    }
    return i;
}

uint32_t *as_batch_duplicates(const as_items *items, as_arena *arena, uint32_t *n_duplicates)
{
    uint64_t size = 16;
    while (size < (uint64_t)items->n * 2)
        size *= 2;
    uint32_t *first = as_arena_alloc(arena, (size_t)items->n * sizeof *first);
    struct slot *table = as_arena_calloc(arena, (size_t)size, sizeof *table);
    *n_duplicates = 0;
    if (!first || !table)
        return NULL;
    for (uint32_t i = 0; i < items->n; i++) {
        first[i] = find_or_add(items, table, size - 1, i);
        *n_duplicates += first[i] != i;
    }
    return first;
}

int as_batch_pick(as_items *out, const as_items *in, const uint32_t *rows, uint32_t n,
                  as_arena *arena, as_err *err)
{
    *out = (as_items){ .n = n };
    as_str **columns[] = { &out->prompt, &out->completion, &out->reference, &out->meta };
    const as_str *sources[] = { in->prompt, in->completion, in->reference, in->meta };
    out->group = as_arena_alloc(arena, (size_t)n * sizeof *out->group);
    out->seed = as_arena_alloc(arena, (size_t)n * sizeof *out->seed);
    bool ok = out->group && out->seed;
    for (size_t c = 0; c < 4; c++) {
        *columns[c] = as_arena_alloc(arena, (size_t)n * sizeof(as_str));
        ok = ok && *columns[c];
    }
    if (!ok)
        return as_fail(err, AS_ENOMEM, "batch of %u items: out of memory", n);
    for (size_t c = 0; c < 4; c++) {
        for (uint32_t i = 0; i < n; i++)
            (*columns[c])[i] = sources[c][rows[i]];
    }
    for (uint32_t i = 0; i < n; i++) {
        out->group[i] = in->group[rows[i]];
        out->seed[i] = in->seed[rows[i]];
    }
    return 0;
}

int as_batch_copy_row(as_results *to, uint32_t row, const as_results *from, uint32_t from_row)
{
    to->score[row] = from->score[from_row];
    to->verdict[row] = from->verdict[from_row];
    to->ms[row] = from->ms[from_row];
    for (uint32_t c = 0; c < AS_N_CHANNELS; c++) {
        as_str text = as_results_get(from, from_row, c);
        if (!to->out[c] && text.data)
            to->out[c] = as_arena_calloc(to->arena, to->n, sizeof(as_str));
        if (to->out[c])
            to->out[c][row] = text;
        else if (text.data)
            return AS_ENOMEM;
    }
    if (from->tasks && !to->tasks)
        to->tasks = as_arena_calloc(to->arena, to->n, sizeof *to->tasks);
    if (from->tasks && !to->tasks)
        return AS_ENOMEM;
    if (to->tasks)
        to->tasks[row] = from->tasks ? from->tasks[from_row] : NULL;
    return 0;
}

int as_batch_spread(as_results *to, const as_results *from, const uint32_t *rows, uint32_t n,
                    as_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (as_batch_copy_row(to, rows[i], from, i) < 0)
            return as_fail(err, AS_ENOMEM, "results of %u items: out of memory", to->n);
    }
    return 0;
}
