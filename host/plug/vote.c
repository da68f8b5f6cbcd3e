/* vote.c -- majority vote: distinct keys by bytes, classes by `same`, one winner whatever the order
 * of the samples. Everything that decides is sorted by bytes first; nothing depends on where a
 * sample stood but AS_TIE_FIRST.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/vote.h"

#include "base/log.h"

#include <math.h>
#include <stdlib.h>

enum {
    /* `same` may cost microseconds each; beyond this many distinct keys bytes alone decide. Whoever
     * has more than 2,048 different answers to one question has no majority worth a million
     * symbolic comparisons. */
    MAX_COMPARED = 2048
};
#define NO_CLASS UINT32_MAX

typedef struct distinct { /* one key, by bytes */
    as_str key;
    uint32_t begin, votes; /* its samples: order[begin .. begin + votes) */
    uint32_t first;
    uint32_t class; /* in order of founding */
} distinct;

typedef struct ballot {
    const as_str *key, *answer;
    const double *sum_logp;
    uint32_t n;
    uint32_t *order; /* indices of the samples that vote */
    uint32_t n_voting;
    distinct *keys;
    uint32_t n_keys;
    as_vote_class *classes; /* in order of founding, until they are ranked */
    uint32_t n_classes;
    as_arena *arena;
} ballot;

static int cmp_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int by_key(const void *a, const void *b, void *arg)
{
    const as_str *key = ((const ballot *)arg)->key;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int c = as_str_cmp(key[i], key[j]);
    return c ? c : cmp_u32(i, j);
}

static int by_votes(const void *a, const void *b)
{
    const distinct *x = a, *y = b;
    int c = cmp_u32(y->votes, x->votes);
    return c ? c : as_str_cmp(x->key, y->key);
}

static int by_rank(const void *a, const void *b, void *arg)
{
    const as_vote_class *classes = arg;
    const as_vote_class *x = &classes[*(const uint32_t *)a], *y = &classes[*(const uint32_t *)b];
    int c = cmp_u32(y->votes, x->votes);
    return c ? c : as_str_cmp(x->key, y->key);
}

static int by_text(const void *a, const void *b)
{
    return as_str_cmp(*(const as_str *)a, *(const as_str *)b);
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int no_memory(as_err *err, uint32_t n)
{
    return as_fail(err, AS_ENOMEM, "vote: no memory for %u samples", (unsigned)n);
}

static void *table(const ballot *b, size_t n, size_t size)
{
    return as_arena_calloc(b->arena, n ? n : 1, size);
}

/* Samples that vote, sorted by key, and the runs of equal bytes among them. */
static int count_keys(ballot *b, as_err *err)
{
    b->order = table(b, b->n, sizeof *b->order);
    if (!b->order)
        return no_memory(err, b->n);
    for (uint32_t i = 0; i < b->n; i++) {
        if (!as_str_is_blank(b->key[i]))
            b->order[b->n_voting++] = i;
    }
    if (b->n_voting)
        qsort_r(b->order, b->n_voting, sizeof *b->order, by_key, b);
    b->keys = table(b, b->n_voting, sizeof *b->keys);
    if (!b->keys)
        return no_memory(err, b->n);
    for (uint32_t k = 0; k < b->n_voting; k++) {
        uint32_t i = b->order[k];
        distinct *last = b->n_keys ? &b->keys[b->n_keys - 1] : NULL;
        if (last && as_str_eq(last->key, b->key[i])) {
            last->votes++;
            continue;
        }
        b->keys[b->n_keys++] = (distinct){ .key = b->key[i], .begin = k, .votes = 1, .first = i };
    }
    if (b->n_keys)
        qsort(b->keys, b->n_keys, sizeof *b->keys, by_votes);
    return 0;
}

/* The class a key belongs to: the first one, in order of founding, whose representative is the same
 * answer. `same` is always asked (representative, key), so even an asymmetric one gives the same
 * classes for every order of samples. */
static uint32_t find_class(const ballot *b, as_str key, as_same_fn same, void *ctx)
{
    for (uint32_t c = 0; c < b->n_classes; c++) {
        if (same(ctx, b->classes[c].key, key) > 0)
            return c;
    }
    return NO_CLASS;
}

static int found_classes(ballot *b, as_same_fn same, void *ctx, as_err *err)
{
    b->classes = table(b, b->n_keys, sizeof *b->classes);
    if (!b->classes)
        return no_memory(err, b->n);
    if (same && b->n_keys > MAX_COMPARED)
        as_log(AS_LOG_WARN,
               "vote: %u different answers in one group: only the %d most frequent are compared by "
               "the plugin",
               (unsigned)b->n_keys, MAX_COMPARED);
    for (uint32_t k = 0; k < b->n_keys; k++) {
        distinct *d = &b->keys[k];
        uint32_t c = same && k < MAX_COMPARED ? find_class(b, d->key, same, ctx) : NO_CLASS;
        if (c == NO_CLASS) {
            c = b->n_classes++;
            b->classes[c] = (as_vote_class){ .key = d->key, .first = d->first };
        }
        d->class = c;
        as_vote_class *class = &b->classes[c];
        class->votes += d->votes;
        class->first = d->first < class->first ? d->first : class->first;
    }
    return 0;
}

/* The most frequent of sorted texts; the smallest where several are. */
static as_str most_frequent(const as_str *text, uint32_t n)
{
    uint32_t best = 0, best_run = 0;
    for (uint32_t i = 0; i < n;) {
        uint32_t end = i + 1;
        while (end < n && as_str_eq(text[i], text[end]))
            end++;
        if (end - i > best_run) {
            best_run = end - i;
            best = i;
        }
        i = end;
    }
    return text[best];
}

static as_str class_answer(const ballot *b, const as_vote_class *class, const uint32_t *sample,
                           as_str *scratch)
{
    uint32_t n = 0;
    for (uint32_t i = 0; b->answer && i < class->votes; i++) {
        if (!as_str_is_blank(b->answer[sample[i]]))
            scratch[n++] = b->answer[sample[i]];
    }
    if (!n)
        return class->key;
    qsort(scratch, n, sizeof *scratch, by_text);
    return most_frequent(scratch, n);
}

/* Summed from the smallest up: floating point does not commute over three terms, the vote has to.
 */
static double class_logp(const ballot *b, const as_vote_class *class, const uint32_t *sample,
                         double *scratch)
{
    for (uint32_t i = 0; i < class->votes; i++) {
        scratch[i] = b->sum_logp ? b->sum_logp[sample[i]] : (double)NAN;
        if (isnan(scratch[i]))
            return (double)NAN;
    }
    qsort(scratch, class->votes, sizeof *scratch, by_number);
    double sum = 0;
    for (uint32_t i = 0; i < class->votes; i++)
        sum += scratch[i];
    return sum;
}

/* Gathers each class's samples, then what depends on all of them: its answer text and its
 * log-probability. */
static int describe_classes(ballot *b, as_err *err)
{
    uint32_t *start = table(b, b->n_classes, sizeof *start);
    uint32_t *sample = table(b, b->n_voting, sizeof *sample);
    as_str *texts = table(b, b->n_voting, sizeof *texts);
    double *numbers = table(b, b->n_voting, sizeof *numbers);
    if (!start || !sample || !texts || !numbers)
        return no_memory(err, b->n);
    for (uint32_t c = 1; c < b->n_classes; c++)
        start[c] = start[c - 1] + b->classes[c - 1].votes;
    for (uint32_t k = 0; k < b->n_keys; k++) {
        const distinct *d = &b->keys[k];
        memcpy(sample + start[d->class], b->order + d->begin, d->votes * sizeof *sample);
        start[d->class] += d->votes;
    }
    for (uint32_t c = 0; c < b->n_classes; c++) {
        as_vote_class *class = &b->classes[c];
        const uint32_t *own = sample + (start[c] - class->votes);
        class->answer = class_answer(b, class, own, texts);
        class->sum_logp = class_logp(b, class, own, numbers);
    }
    return 0;
}

/* Ranks the classes and tells each sample its own. */
static int rank_classes(as_vote *out, const ballot *b, as_err *err)
{
    uint32_t *rank = table(b, b->n_classes, sizeof *rank),
             *place = table(b, b->n_classes, sizeof *place);
    out->classes = table(b, b->n_classes, sizeof *out->classes);
    out->class_of = table(b, b->n, sizeof *out->class_of);
    if (!rank || !place || !out->classes || !out->class_of)
        return no_memory(err, b->n);
    for (uint32_t c = 0; c < b->n_classes; c++)
        rank[c] = c;
    if (b->n_classes)
        qsort_r(rank, b->n_classes, sizeof *rank, by_rank, b->classes);
    for (uint32_t r = 0; r < b->n_classes; r++) {
        out->classes[r] = b->classes[rank[r]];
        place[rank[r]] = r;
    }
    out->n_classes = b->n_classes;
    for (uint32_t i = 0; i < b->n; i++)
        out->class_of[i] = NO_CLASS;
    for (uint32_t k = 0; k < b->n_keys; k++) {
        const distinct *d = &b->keys[k];
        for (uint32_t i = 0; i < d->votes; i++)
            out->class_of[b->order[d->begin + i]] = place[d->class];
    }
    return 0;
}

/* Among classes[0..tied) of equal votes, in order of key bytes. A class with an unknown
 * log-probability makes the comparison meaningless for all: the key decides then. */
static uint32_t break_tie(const as_vote_class *classes, uint32_t tied, as_tie_rule rule)
{
    if (rule == AS_TIE_NONE)
        return NO_CLASS;
    uint32_t best = 0;
    for (uint32_t c = 1; c < tied && rule == AS_TIE_FIRST; c++) {
        if (classes[c].first < classes[best].first)
            best = c;
    }
    if (rule != AS_TIE_LOGP)
        return best;
    for (uint32_t c = 0; c < tied; c++) {
        if (isnan(classes[c].sum_logp))
            return 0;
        if (classes[c].sum_logp > classes[best].sum_logp)
            best = c;
    }
    return best;
}

static void elect(as_vote *out, as_tie_rule rule)
{
    out->winner = NO_CLASS;
    if (!out->n_classes)
        return;
    uint32_t tied = 1;
    while (tied < out->n_classes && out->classes[tied].votes == out->classes[0].votes)
        tied++;
    out->tie = tied > 1;
    out->winner = out->tie ? break_tie(out->classes, tied, rule) : 0;
    if (out->winner != NO_CLASS)
        out->ratio = (double)out->classes[out->winner].votes / (double)out->n;
}

int as_vote_run(as_vote *out, const as_str *key, const as_str *answer, const double *sum_logp,
                uint32_t n, as_same_fn same, void *ctx, as_tie_rule rule, as_arena *arena,
                as_err *err)
{
    ballot b = { .key = key, .answer = answer, .sum_logp = sum_logp, .n = n, .arena = arena };
    *out = (as_vote){ .n = n, .winner = NO_CLASS };
    int rc = count_keys(&b, err);
    if (rc < 0)
        return rc;
    rc = found_classes(&b, same, ctx, err);
    if (rc < 0)
        return rc;
    rc = describe_classes(&b, err);
    if (rc < 0)
        return rc;
    rc = rank_classes(out, &b, err);
    if (rc < 0)
        return rc;
    out->n_voting = b.n_voting;
    elect(out, rule);
    return 0;
}
