/* ballots.c -- groups, samples and interned texts of one vote: one hash table, one arena.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/ballots.h"

#include "base/hash.h"
#include "base/mem.h"

#include <math.h>
#include <sys/random.h>

/* A text met before. `space` tells apart what it was met as: a group, an id within a group, or a
 * text to keep. */
typedef struct node {
    uint64_t hash, space, value;
    size_t len;
    char text[];
} node;
enum { SPACE_GROUP, SPACE_TEXT, SPACE_FIRST_ID };

typedef struct sample {
    const node *key, *answer; /* NULL: absent */
    double sum_logp;
} sample;

enum { FIRST_CHUNK = 8, LARGEST_CHUNK = 512 };
typedef struct chunk { /* samples of one group, a list of growing pieces */
    struct chunk *next;
    uint32_t n, cap;
    sample at[];
} chunk;

typedef struct group {
    const node *name; /* raw JSON, as its first sample has it */
    chunk *first, *last;
    uint32_t n, n_errors;
} group;

struct as_ballots {
    as_arena arena;
    uint64_t max, tables; /* bytes: the limit, and what the two tables below take of it */
    node **slots;         /* open addressing, power of two */
    size_t n_nodes, n_slots;
    group *groups;
    size_t n_groups, cap_groups;
    uint64_t n_samples, seed;
};

int as_ballots_new(as_ballots **out, uint64_t max_bytes, as_err *err)
{
    *out = NULL;
    as_ballots *b = as_calloc(1, sizeof *b);
    if (!b)
        return as_fail(err, AS_ENOMEM, "vote: out of memory");
    b->max = max_bytes;
    as_arena_init(&b->arena, 0);
    /* Keys are made of model text: nobody should be able to prepare collisions. The output does not
     * depend on it. */
    if (getrandom(&b->seed, sizeof b->seed, GRND_NONBLOCK) != (ssize_t)sizeof b->seed)
        b->seed = (uint64_t)(uintptr_t)b;
    *out = b;
    return 0;
}

void as_ballots_free(as_ballots *b)
{
    if (!b)
        return;
    as_arena_fini(&b->arena);
    as_free(b->slots);
    as_free(b->groups);
    as_free(b);
}

/* ---- memory ---- */

static int no_room(const as_ballots *b, as_err *err)
{
    return as_fail(err, AS_EBUDGET,
                   "%llu samples of %zu groups fill the %llu MiB of memory allowed; raise "
                   "--max-memory-mib, or split "
                   "the input by group",
                   (unsigned long long)b->n_samples, b->n_groups,
                   (unsigned long long)(b->max >> 20));
}

static bool has_room(const as_ballots *b, size_t more)
{
    return more <= b->max && b->arena.used + b->tables <= b->max - more;
}

static void *take(as_ballots *b, size_t size, as_err *err)
{
    if (!has_room(b, size)) {
        (void)no_room(b, err);
        return NULL;
    }
    void *p = as_arena_alloc(&b->arena, size);
    if (!p)
        (void)as_fail(err, AS_ENOMEM, "vote: out of memory after %llu samples",
                      (unsigned long long)b->n_samples);
    return p;
}

/* Grows one of the tables; the old one is still there while the new one is filled. */
static void *take_table(as_ballots *b, size_t n, size_t size, size_t old_bytes, as_err *err)
{
    size_t bytes = 0;
    if (!as_mul_ok(n, size, &bytes) || !has_room(b, bytes)) {
        (void)no_room(b, err);
        return NULL;
    }
    void *p = as_calloc(n, size);
    if (!p)
        (void)as_fail(err, AS_ENOMEM, "vote: out of memory after %llu samples",
                      (unsigned long long)b->n_samples);
    else
        b->tables += bytes - old_bytes;
    return p;
}

/* ---- texts ---- */

static node **slot_of(const as_ballots *b, uint64_t hash, uint64_t space, as_str text)
{
    size_t mask = b->n_slots - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        node *n = b->slots[at];
        if (!n ||
            (n->hash == hash && n->space == space && as_str_eq((as_str){ n->text, n->len }, text)))
            return &b->slots[at];
    }
}

static int grow_slots(as_ballots *b, as_err *err)
{
    if (b->n_nodes < b->n_slots - b->n_slots / 4)
        return 0;
    size_t want = b->n_slots ? b->n_slots * 2 : 1024;
    node **slots = take_table(b, want, sizeof(node *), b->n_slots * sizeof(node *), err);
    if (!slots)
        return err ? err->code : AS_ENOMEM;
    for (size_t i = 0; i < b->n_slots; i++) {
        node *n = b->slots[i];
        if (!n)
            continue;
        size_t at = n->hash & (want - 1);
        while (slots[at])
            at = (at + 1) & (want - 1);
        slots[at] = n;
    }
    as_free(b->slots);
    b->slots = slots;
    b->n_slots = want;
    return 0;
}

/* The node of a text, made if it is new (*is_new); NULL and *err when there is no room. */
static node *intern(as_ballots *b, uint64_t space, as_str text, bool *is_new, as_err *err)
{
    if (grow_slots(b, err) < 0)
        return NULL;
    uint64_t hash = as_hash64(text, b->seed ^ (space * 0x9E3779B97F4A7C15u));
    node **slot = slot_of(b, hash, space, text);
    *is_new = !*slot;
    if (*slot)
        return *slot;
    size_t size = 0;
    node *n = as_add_ok(sizeof *n + 1, text.len, &size) ? take(b, size, err) : NULL;
    if (!n)
        return NULL;
    *n = (node){ .hash = hash, .space = space, .len = text.len };
    if (text.len)
        memcpy(n->text, text.data, text.len);
    n->text[text.len] = '\0';
    *slot = n;
    b->n_nodes++;
    return n;
}

static int keep(as_ballots *b, as_str text, const node **out, as_err *err)
{
    bool is_new = false;
    *out = NULL;
    if (!text.data)
        return 0;
    *out = intern(b, SPACE_TEXT, text, &is_new, err);
    return *out ? 0 : err->code;
}

/* ---- groups ---- */

/* What a name in raw JSON says: 7 and "7", and a letter and its escape, are one name, as in passk.
 * Half a surrogate pair says nothing, so it stays as it is written. */
static int name_of(as_str raw, as_arena *scratch, as_str *out, as_err *err)
{
    size_t n_replaced = 0;
    *out = raw;
    if (raw.len < 2 || raw.data[0] != '"')
        return 0;
    *out = (as_str){ raw.data + 1, raw.len - 2 };
    if (!out->len || !memchr(out->data, '\\', out->len))
        return 0;
    as_str text = as_jstring((as_jspan){ raw, AS_J_STRING }, scratch, &n_replaced);
    if (!text.data)
        return as_fail(err, AS_ENOMEM, "vote: out of memory");
    *out = n_replaced ? raw : text;
    return 0;
}

static int find_group(as_ballots *b, as_str name, as_str raw, size_t *index, as_err *err)
{
    bool is_new = false;
    node *n = intern(b, SPACE_GROUP, name, &is_new, err);
    if (!n)
        return err->code;
    *index = (size_t)n->value;
    if (!is_new)
        return 0;
    if (b->n_groups == b->cap_groups) {
        size_t cap = b->cap_groups ? b->cap_groups * 2 : 64;
        group *groups = take_table(b, cap, sizeof *groups, b->cap_groups * sizeof *groups, err);
        if (!groups)
            return err->code;
        if (b->n_groups)
            memcpy(groups, b->groups, b->n_groups * sizeof *groups);
        as_free(b->groups);
        b->groups = groups;
        b->cap_groups = cap;
    }
    const node *shown_name = NULL;
    if (keep(b, raw, &shown_name, err) < 0)
        return err->code;
    n->value = *index = b->n_groups++;
    b->groups[*index] = (group){ .name = shown_name };
    return 0;
}

static as_str shown(as_str raw)
{
    enum { SHOWN = 80 };
    return raw.len <= SHOWN ? raw
                            : (as_str){ raw.data, as_utf8_valid((as_str){ raw.data, SHOWN }) };
}

static int check_id(as_ballots *b, size_t index, as_str id, const as_item *item, as_err *err)
{
    bool is_new = false;
    node *n = intern(b, SPACE_FIRST_ID + index, id, &is_new, err);
    if (!n)
        return err->code;
    if (!is_new)
        return as_fail(err, AS_EDATA,
                       "id %.*s is in group %.*s already (first at line %llu); one sample, one id",
                       AS_FMT(shown(item->id)), AS_FMT(shown(item->group)),
                       (unsigned long long)n->value);
    n->value = item->line_no;
    return 0;
}

/* The group of an item, by its name; its id must be new there. */
static int enter(as_ballots *b, const as_item *item, size_t *index, as_err *err)
{
    as_arena scratch;
    as_str name;
    as_arena_init(&scratch, 0);
    int rc = name_of(item->group, &scratch, &name, err);
    if (rc == 0)
        rc = find_group(b, name, item->group, index, err);
    if (rc == 0 && item->id.data)
        rc = name_of(item->id, &scratch, &name, err);
    if (rc == 0 && item->id.data)
        rc = check_id(b, *index, name, item, err);
    as_arena_fini(&scratch);
    return rc;
}

static sample *new_sample(as_ballots *b, group *g, as_err *err)
{
    chunk *last = g->last;
    if (!last || last->n == last->cap) {
        uint32_t cap = !last                       ? FIRST_CHUNK
                       : last->cap < LARGEST_CHUNK ? last->cap * 2
                                                   : LARGEST_CHUNK;
        chunk *c = take(b, sizeof *c + cap * sizeof *c->at, err);
        if (!c)
            return NULL;
        *c = (chunk){ .cap = cap };
        if (last)
            last->next = c;
        else
            g->first = c;
        g->last = last = c;
    }
    return &last->at[last->n++];
}

int as_ballots_add(as_ballots *b, const as_item *item, const as_ballot_paper *paper, as_err *err)
{
    as_err own = { 0 };
    sample made = { .sum_logp = paper->sum_logp };
    size_t index = 0;
    err = err ? err : &own; /* the code is read back from it */
    int rc = enter(b, item, &index, err);
    if (rc == 0 && !paper->is_error)
        rc = keep(b, paper->key, &made.key, err);
    if (rc == 0 && !paper->is_error)
        rc = keep(b, paper->answer, &made.answer, err);
    if (rc < 0)
        return rc;
    group *g = &b->groups[index];
    b->n_samples++;
    if (paper->is_error) {
        g->n_errors++;
        return 0;
    }
    if (g->n == UINT32_MAX - 1)
        return as_fail(err, AS_EBUDGET, "group %.*s has over 4 billion samples",
                       AS_FMT(shown(item->group)));
    sample *s = new_sample(b, g, err);
    if (!s)
        return err->code;
    *s = made;
    g->n++;
    return 0;
}

/* ---- reading back ---- */

size_t as_ballots_groups(const as_ballots *b)
{
    return b->n_groups;
}

uint64_t as_ballots_samples(const as_ballots *b)
{
    return b->n_samples;
}

static as_str text_of(const node *n)
{
    return n ? (as_str){ n->text, n->len } : (as_str){ NULL, 0 };
}

int as_ballots_group(const as_ballots *b, size_t i, as_ballot_group *out, as_arena *arena,
                     as_err *err)
{
    const group *g = &b->groups[i];
    size_t m = g->n ? g->n : 1;
    *out = (as_ballot_group){ .name = text_of(g->name),
                              .n = g->n,
                              .n_errors = g->n_errors,
                              .key = as_arena_calloc(arena, m, sizeof(as_str)),
                              .answer = as_arena_calloc(arena, m, sizeof(as_str)),
                              .sum_logp = as_arena_calloc(arena, m, sizeof(double)) };
    if (!out->key || !out->answer || !out->sum_logp)
        return as_fail(err, AS_ENOMEM, "vote: no memory for a group of %u samples", (unsigned)g->n);
    size_t at = 0;
    for (const chunk *c = g->first; c; c = c->next) {
        for (uint32_t k = 0; k < c->n; k++, at++) {
            out->key[at] = text_of(c->at[k].key);
            out->answer[at] = text_of(c->at[k].answer);
            out->sum_logp[at] = c->at[k].sum_logp;
        }
    }
    return 0;
}
