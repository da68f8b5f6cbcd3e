/* samples_store.c -- keeps what was read in 40 bytes per sample, then sorts it out problem by
 * problem, in parallel. SPDX-License-Identifier: Apache-2.0 */
#include "eval/samples_store.h"

#include "base/mem.h"
#include "jobs/pool.h"

#include <math.h>
#include <stdatomic.h>

void as_store_init(as_store *s)
{
    *s = (as_store){ 0 };
    as_arena_init(&s->names, 0);
}

void as_store_fini(as_store *s)
{
    for (size_t i = 0; i < s->n_blocks; i++)
        as_free(s->blocks[i]);
    as_free(s->blocks);
    as_free(s->problems);
    as_free(s->problem_hash);
    as_free(s->slots);
    as_free(s->counts);
    as_arena_fini(&s->names);
}

/* ---- problems by name ---- */

static size_t slot_of(const as_store *s, uint64_t hash, as_str id)
{
    size_t i = hash & (s->n_slots - 1);
    while (s->slots[i]) {
        uint32_t p = s->slots[i] - 1;
        if (s->problem_hash[p] == hash && as_str_eq(s->problems[p].id, id))
            break;
        i = (i + 1) & (s->n_slots - 1);
    }
    return i;
}

static bool grow_slots(as_store *s)
{
    size_t n = s->n_slots ? s->n_slots * 2 : 1024;
    uint32_t *slots = as_calloc(n, sizeof *slots);
    if (!slots)
        return false;
    as_free(s->slots);
    s->slots = slots;
    s->n_slots = n;
    for (uint32_t p = 0; p < s->n_problems; p++) {
        size_t i = s->problem_hash[p] & (n - 1);
        while (slots[i])
            i = (i + 1) & (n - 1);
        slots[i] = p + 1;
    }
    return true;
}

static bool grow_problems(as_store *s)
{
    size_t cap = s->cap_problems ? s->cap_problems * 2 : 512;
    as_problem *problems = as_realloc_array(s->problems, cap, sizeof *problems);
    if (!problems)
        return false;
    s->problems = problems;
    uint64_t *hash = as_realloc_array(s->problem_hash, cap, sizeof *hash);
    if (!hash)
        return false;
    s->problem_hash = hash;
    s->cap_problems = cap;
    return true;
}

/* The problem's number; UINT32_MAX: no memory. */
static uint32_t problem_of(as_store *s, const as_rec *rec)
{
    if (s->n_problems * 2 >= s->n_slots && !grow_slots(s))
        return UINT32_MAX;
    size_t slot = slot_of(s, rec->problem_hash, rec->problem);
    if (s->slots[slot])
        return s->slots[slot] - 1;
    if (s->n_problems == s->cap_problems && (s->n_problems >= UINT32_MAX / 2 || !grow_problems(s)))
        return UINT32_MAX;
    as_str id = as_arena_str(&s->names, rec->problem);
    if (!id.data)
        return UINT32_MAX;
    uint32_t p = (uint32_t)s->n_problems++;
    s->problems[p] = (as_problem){ .id = id, .chance = (double)NAN };
    s->problem_hash[p] = rec->problem_hash;
    s->slots[slot] = p + 1;
    return p;
}

/* ---- samples ---- */

static as_kept *new_kept(as_store *s)
{
    if (s->n == (uint64_t)s->n_blocks * AS_KEPT_BLOCK) {
        if (s->n_blocks == s->cap_blocks) {
            size_t cap = s->cap_blocks ? s->cap_blocks * 2 : 64;
            as_kept **blocks = as_realloc_array(s->blocks, cap, sizeof *blocks);
            if (!blocks)
                return NULL;
            s->blocks = blocks;
            s->cap_blocks = cap;
        }
        as_kept *block = as_malloc(AS_KEPT_BLOCK * sizeof *block);
        if (!block)
            return NULL;
        s->blocks[s->n_blocks++] = block;
    }
    return as_store_at(s, s->n++);
}

static void count(as_problem *p, const as_rec *rec)
{
    bool is_scored = rec->flags & AS_REC_SCORED, is_right = rec->flags & AS_REC_RIGHT;
    p->n += is_scored;
    p->c += is_right;
    p->n_abstain += (rec->flags & AS_REC_ABSTAIN) != 0;
    p->n_error += (rec->flags & AS_REC_ERROR) != 0;
    p->n_truncated += (rec->flags & AS_REC_TRUNCATED) != 0;
    p->n_cut += is_scored && (rec->flags & AS_REC_TRUNCATED);
    p->c_cut += is_right && (rec->flags & AS_REC_TRUNCATED);
    p->n_blank += is_scored && !(rec->flags & AS_REC_KEY);
    if (is_scored)
        p->sum_score += isnan(rec->score) ? (double)is_right : rec->score;
    if (isnan(p->chance))
        p->chance = rec->chance;
}

int as_store_add(as_store *s, const as_rec *rec, as_err *err)
{
    uint32_t p = problem_of(s, rec);
    if (p == UINT32_MAX)
        return as_fail(err, AS_ENOMEM, "no memory for more than %zu problems", s->n_problems);
    if (rec->flags & AS_REC_NO_SAMPLE)
        return 0;
    if (s->n >= UINT32_MAX)
        return as_fail(err, AS_EBUDGET,
                       "more than 4,294,967,294 samples: give fewer files at once");
    as_kept *kept = new_kept(s);
    if (!kept)
        return as_fail(err, AS_ENOMEM, "no memory for more than %llu samples",
                       (unsigned long long)s->n);
    count(&s->problems[p], rec);
    *kept = (as_kept){ .sample = rec->sample,
                       .key = rec->key,
                       .text = rec->text,
                       .problem = p,
                       .run = rec->run,
                       .line = rec->line < UINT32_MAX ? (uint32_t)rec->line : UINT32_MAX,
                       .flags = rec->flags };
    return 0;
}

/* ---- gathering ---- */

typedef struct pair {
    uint64_t key;
    uint32_t a, b;
} pair;

static void insertion_sort(pair *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        pair x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1].key > x.key; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

/* Stable, by key; linear whatever the keys are, for they are hashes of somebody else's text.
 * `spare` has room for n. */
static void sort_pairs(pair *v, pair *spare, size_t n)
{
    enum { BYTES = 8, VALUES = 256 };
    if (n < 64) {
        insertion_sort(v, n);
        return;
    }
    uint32_t at[BYTES][VALUES] = { { 0 } };
    for (size_t i = 0; i < n; i++)
        for (unsigned b = 0; b < BYTES; b++)
            at[b][(v[i].key >> (8 * b)) & 255]++;
    pair *from = v, *to = spare;
    for (unsigned b = 0; b < BYTES; b++) {
        uint32_t sum = 0;
        if (at[b][(from[0].key >> (8 * b)) & 255] == n)
            continue; /* this byte tells nothing apart */
        for (unsigned x = 0; x < VALUES; x++) {
            uint32_t size = at[b][x];
            at[b][x] = sum;
            sum += size;
        }
        for (size_t i = 0; i < n; i++)
            to[at[b][(from[i].key >> (8 * b)) & 255]++] = from[i];
        pair *swap = from;
        from = to;
        to = swap;
    }
    if (from != v)
        memcpy(v, from, n * sizeof *v);
}

enum { GATHER_PIECES = 64 };
typedef struct gather {
    as_store *s;
    const uint32_t *order;  /* sample numbers, problem by problem */
    const uint64_t *starts; /* n_problems + 1, into order */
    bool has_keys, has_runs;
    uint64_t n_texts;
    as_store_facts piece[GATHER_PIECES];
    atomic_bool failed;
} gather;

static void find_twice(const pair *v, size_t n, as_store_facts *facts)
{
    for (size_t i = 1; i < n; i++) {
        if (v[i].key != v[i - 1].key)
            continue;
        if (!facts->has_twice || v[i].a < facts->second) {
            facts->has_twice = true;
            facts->first = v[i - 1].a;
            facts->second = v[i].a;
        }
    }
}

/* A text counts as a duplicate where another run gave it too. */
static void count_texts(const pair *v, size_t n, as_store_facts *facts)
{
    for (size_t i = 0, end; i < n; i = end) {
        bool has_others = false;
        for (end = i + 1; end < n && v[end].key == v[i].key; end++)
            has_others = has_others || v[end].a != v[i].a;
        facts->n_duplicate_texts += has_others ? end - i : 0;
    }
}

static void count_classes(as_problem *p, const pair *v, size_t n, uint64_t *counts,
                          uint64_t n_right)
{
    p->class_counts = counts;
    p->n_classes = 1;
    counts[0] = n_right;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || v[i].key != v[i - 1].key)
            counts[p->n_classes++] = 0;
        counts[p->n_classes - 1]++;
    }
}

static void gather_problem(gather *g, uint32_t number, pair *v, pair *spare, as_store_facts *facts)
{
    as_store *s = g->s;
    uint64_t lo = g->starts[number], hi = g->starts[number + 1], n_right = 0;
    size_t n = 0;
    for (uint64_t i = lo; i < hi; i++)
        v[n++] = (pair){ as_store_at(s, g->order[i])->sample, g->order[i], 0 };
    sort_pairs(v, spare, n);
    find_twice(v, n, facts);
    if (g->has_runs) {
        n = 0;
        for (uint64_t i = lo; i < hi; i++) {
            const as_kept *k = as_store_at(s, g->order[i]);
            if (k->flags & AS_REC_TEXT)
                v[n++] = (pair){ k->text, k->run, 0 };
        }
        sort_pairs(v, spare, n);
        count_texts(v, n, facts);
    }
    if (!g->has_keys)
        return;
    n = 0;
    for (uint64_t i = lo; i < hi; i++) {
        const as_kept *k = as_store_at(s, g->order[i]);
        if (!(k->flags & AS_REC_SCORED) || !(k->flags & AS_REC_KEY))
            continue;
        if (k->flags & AS_REC_RIGHT)
            n_right++;
        else
            v[n++] = (pair){ k->key, 0, 0 };
    }
    sort_pairs(v, spare, n);
    count_classes(&s->problems[number], v, n, s->counts + lo + number, n_right);
}

static void gather_piece(void *arg, size_t piece)
{
    gather *g = arg;
    size_t n = g->s->n_problems, lo = n * piece / GATHER_PIECES,
           hi = n * (piece + 1) / GATHER_PIECES;
    uint64_t most = 0;
    for (size_t p = lo; p < hi; p++)
        if (g->starts[p + 1] - g->starts[p] > most)
            most = g->starts[p + 1] - g->starts[p];
    AS_CLEANUP(free) pair *v = as_realloc_array(NULL, most, sizeof *v);
    AS_CLEANUP(free) pair *spare = as_realloc_array(NULL, most, sizeof *spare);
    if (!v || !spare) {
        g->failed = true;
        return;
    }
    for (size_t p = lo; p < hi; p++)
        gather_problem(g, (uint32_t)p, v, spare, &g->piece[piece]);
}

/* order: all samples, stably by problem. */
static void sort_by_problem(const as_store *s, uint64_t *starts, uint32_t *order)
{
    for (uint64_t i = 0; i < s->n; i++)
        starts[as_store_at(s, i)->problem + 1]++;
    for (size_t p = 0; p < s->n_problems; p++)
        starts[p + 1] += starts[p];
    for (uint64_t i = 0; i < s->n; i++)
        order[starts[as_store_at(s, i)->problem]++] = (uint32_t)i;
    for (size_t p = s->n_problems; p > 0; p--) /* each start has moved to the next one's place */
        starts[p] = starts[p - 1];
    starts[0] = 0;
}

static void look_over(gather *g)
{
    const as_store *s = g->s;
    for (uint64_t i = 0; i < s->n; i++) {
        const as_kept *k = as_store_at(s, i);
        g->has_keys = g->has_keys || (k->flags & AS_REC_KEY);
        g->n_texts += (k->flags & AS_REC_TEXT) != 0;
        g->has_runs = g->has_runs || k->run != as_store_at(s, 0)->run;
    }
}

static int run_pieces(gather *g, unsigned threads, as_err *err)
{
    if (g->s->n < 4096 || threads == 1) { /* threads would cost more than they save */
        for (size_t i = 0; i < GATHER_PIECES; i++)
            gather_piece(g, i);
    } else {
        as_pool *pool = NULL;
        int rc = as_pool_new(&pool, threads, err);
        if (rc < 0)
            return rc;
        as_pool_for(pool, GATHER_PIECES, gather_piece, g);
        as_pool_free(pool);
    }
    return g->failed ? as_fail(err, AS_ENOMEM, "no memory to sort %llu samples",
                               (unsigned long long)g->s->n)
                     : 0;
}

static void merge_facts(const gather *g, as_store_facts *out)
{
    *out = (as_store_facts){ .n_texts = g->n_texts, .has_keys = g->has_keys };
    for (size_t i = 0; i < GATHER_PIECES; i++) {
        const as_store_facts *f = &g->piece[i];
        out->n_duplicate_texts += f->n_duplicate_texts;
        if (f->has_twice && (!out->has_twice || f->second < out->second)) {
            out->has_twice = true;
            out->first = f->first;
            out->second = f->second;
        }
    }
}

int as_store_gather(as_store *s, unsigned threads, as_store_facts *out, as_err *err)
{
    AS_CLEANUP(free) uint64_t *starts = as_calloc(s->n_problems + 1, sizeof *starts);
    AS_CLEANUP(free) uint32_t *order = as_realloc_array(NULL, s->n, sizeof *order);
    AS_CLEANUP(free) gather *g = as_calloc(1, sizeof *g);
    if (!starts || !order || !g)
        return as_fail(err, AS_ENOMEM, "no memory to sort %llu samples", (unsigned long long)s->n);
    g->s = s;
    g->order = order;
    g->starts = starts;
    look_over(g);
    as_free(s->counts);
    s->counts = NULL;
    if (g->has_keys) {
        /* a problem has no more classes than samples, and one for the right answers */
        s->counts = as_realloc_array(NULL, s->n + s->n_problems, sizeof *s->counts);
        if (!s->counts)
            return as_fail(err, AS_ENOMEM, "no memory for the answers of %llu samples",
                           (unsigned long long)s->n);
    }
    sort_by_problem(s, starts, order);
    int rc = run_pieces(g, threads, err);
    if (rc == 0)
        merge_facts(g, out);
    return rc;
}
