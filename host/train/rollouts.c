/* rollouts.c -- see rollouts.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/rollouts.h"

#include "base/mem.h"

#include <string.h>

void as_rollouts_fini(as_rollouts *r)
{
    as_free(r->items);
    as_free(r->drawn);
    as_free(r->rows);
    as_free(r->ids);
    as_free(r->logp);
    as_free(r->entropy);
    as_arena_fini(&r->texts);
    *r = (as_rollouts){ 0 };
}

static int no_memory(const as_rollouts *r, as_err *err)
{
    return as_fail(err, AS_ENOMEM, "no memory for %zu responses", r->n);
}

/* ---- tokens ---- */

static int reserve(as_rollouts *r, size_t more, as_err *err)
{
    const size_t want = r->n_ids + more;
    if (want <= r->cap_ids)
        return 0;
    const size_t cap = want + want / 2 + 1024;
    int32_t *ids = as_realloc_array(r->ids, cap, sizeof *ids);
    r->ids = ids ? ids : r->ids;
    float *logp = ids ? as_realloc_array(r->logp, cap, sizeof *logp) : NULL;
    r->logp = logp ? logp : r->logp;
    float *entropy = logp ? as_realloc_array(r->entropy, cap, sizeof *entropy) : NULL;
    r->entropy = entropy ? entropy : r->entropy;
    if (!entropy)
        return no_memory(r, err);
    r->cap_ids = cap;
    return 0;
}

/* Row `at` becomes a response of n tokens. */
static int put(as_rollouts *r, size_t at, as_rollout row, const int32_t *ids, const float *logp,
               const float *entropy, as_err *err)
{
    int rc = reserve(r, row.n, err);
    if (rc < 0)
        return rc;
    row.begin = r->n_ids;
    row.text = as_arena_str(&r->texts, row.text);
    if (!row.text.data)
        return no_memory(r, err);
    if (row.n) {
        memcpy(r->ids + r->n_ids, ids, row.n * sizeof *ids);
        memcpy(r->logp + r->n_ids, logp, row.n * sizeof *logp);
        memcpy(r->entropy + r->n_ids, entropy, row.n * sizeof *entropy);
    }
    r->n_ids += row.n;
    r->rows[at] = row;
    return 0;
}

/* Rows of n_groups more groups, without responses. */
static int grow(as_rollouts *r, const as_suite_item *const *items, size_t n_groups, as_err *err)
{
    const size_t groups = r->n_groups + n_groups, n = groups * r->each;
    const as_suite_item **all = as_realloc_array(r->items, groups + 1, sizeof *all);
    r->items = all ? all : r->items;
    uint32_t *drawn = all ? as_realloc_array(r->drawn, groups + 1, sizeof *drawn) : NULL;
    r->drawn = drawn ? drawn : r->drawn;
    as_rollout *rows = drawn ? as_realloc_array(r->rows, n + 1, sizeof *rows) : NULL;
    if (!rows)
        return no_memory(r, err);
    r->rows = rows;
    for (size_t g = 0; g < n_groups; g++) {
        r->items[r->n_groups + g] = items[g];
        r->drawn[r->n_groups + g] = 0;
    }
    for (size_t i = r->n; i < n; i++)
        rows[i] =
            (as_rollout){ .group = (uint32_t)(i / r->each), .sample = (uint32_t)(i % r->each) };
    r->n_groups = groups;
    r->n = n;
    return 0;
}

/* ---- sampling ---- */

typedef struct sampling {
    as_rollouts *r;
    const as_rollout_io *io;
    const uint32_t *upto; /* [n_groups] rows; NULL: all */
    size_t asked;         /* groups */
} sampling;

static uint32_t upto(const sampling *s, size_t group)
{
    return s->upto ? s->upto[group] : (uint32_t)s->r->each;
}

static int next(void *ctx, as_gen_prompt *out, as_err *err)
{
    (void)err;
    sampling *s = ctx;
    as_rollouts *r = s->r;
    while (s->asked < r->n_groups && r->drawn[s->asked] == upto(s, s->asked))
        s->asked++;
    if (s->asked == r->n_groups)
        return 0;
    const as_suite_item *item = r->items[s->asked];
    const uint32_t first = r->drawn[s->asked], end = upto(s, s->asked);
    *out = (as_gen_prompt){ .ids = item->ids,
                            .n_ids = item->n_ids,
                            .key = item->key,
                            .first = first,
                            .n = end - first,
                            .tag = &r->items[s->asked] };
    r->drawn[s->asked++] = end;
    return 1;
}

static int done(void *ctx, const as_gen_sample *sample, as_err *err)
{
    sampling *s = ctx;
    as_rollouts *r = s->r;
    const size_t group = (size_t)((const as_suite_item **)sample->tag - r->items);
    const size_t at = group * r->each + sample->sample;
    const as_rollout row = { .group = (uint32_t)group,
                             .sample = sample->sample,
                             .finish = sample->finish,
                             .n = (uint32_t)sample->n,
                             .text = sample->text.data ? sample->text : AS_LIT("") };
    int rc = put(r, at, row, sample->ids, sample->logp, sample->entropy, err);
    return rc == 0 && s->io && s->io->done ? s->io->done(s->io->ctx, r, at, err) : rc;
}

static int check(void *ctx, as_err *err)
{
    const sampling *s = ctx;
    return s->io && s->io->check ? s->io->check(s->io->ctx, err) : 0;
}

int as_rollouts_begin(as_rollouts *r, const as_suite_item *const *items, size_t n_groups,
                      uint32_t each, as_err *err)
{
    if (!each || !n_groups)
        return as_fail(err, AS_EUSAGE, "a step needs at least one prompt and one response to it");
    as_arena_reset(&r->texts);
    r->n_groups = r->n = r->n_ids = 0;
    r->each = each;
    return grow(r, items, n_groups, err);
}

int as_rollouts_draw(as_rollouts *r, as_generator *g, const as_sampling *how, const uint32_t *upto,
                     const as_rollout_io *io, as_err *err)
{
    for (size_t i = 0; upto && i < r->n_groups; i++)
        if (upto[i] < r->drawn[i] || upto[i] > r->each)
            return as_fail(err, AS_EUSAGE, "prompt %zu has %u responses and %zu places, not %u", i,
                           r->drawn[i], r->each, upto[i]);
    sampling s = { .r = r, .io = io, .upto = upto };
    const as_gen_io all = { .next = next, .done = done, .check = check, .ctx = &s };
    return as_generate(g, how, &all, err);
}

int as_rollouts_generate(as_rollouts *r, as_generator *g, const as_sampling *how,
                         const as_suite_item *const *items, size_t n_groups, uint32_t each,
                         const as_rollout_io *io, as_err *err)
{
    int rc = as_rollouts_begin(r, items, n_groups, each, err);
    return rc == 0 ? as_rollouts_draw(r, g, how, NULL, io, err) : rc;
}

/* ---- choosing ---- */

void as_rollouts_keep(as_rollouts *r, const bool *keep)
{
    size_t n = 0;
    for (size_t g = 0; g < r->n_groups; g++) {
        if (!keep[g])
            continue;
        r->items[n] = r->items[g];
        r->drawn[n] = r->drawn[g];
        for (size_t k = 0; k < r->each; k++) {
            r->rows[n * r->each + k] = r->rows[g * r->each + k];
            r->rows[n * r->each + k].group = (uint32_t)n;
        }
        n++;
    }
    r->n_groups = n;
    r->n = n * r->each;
}

void as_rollouts_first(as_rollouts *r, size_t each)
{
    for (size_t g = 0; g < r->n_groups; g++) {
        r->drawn[g] = r->drawn[g] < each ? r->drawn[g] : (uint32_t)each;
        for (size_t k = 0; k < each; k++)
            r->rows[g * each + k] = r->rows[g * r->each + k];
    }
    r->each = each;
    r->n = r->n_groups * each;
}

int as_rollouts_append(as_rollouts *r, const as_rollouts *more, as_err *err)
{
    if (r->n_groups && r->each != more->each)
        return as_fail(err, AS_EUSAGE, "%zu responses to a prompt, and %zu", r->each, more->each);
    const size_t first = r->n, first_group = r->n_groups;
    r->each = more->each;
    int rc = more->n_groups ? grow(r, more->items, more->n_groups, err) : 0;
    for (size_t g = 0; g < more->n_groups && rc == 0; g++)
        r->drawn[first_group + g] = more->drawn[g];
    for (size_t i = 0; i < more->n && rc == 0; i++) {
        as_rollout row = more->rows[i];
        const size_t from = row.begin;
        row.group = r->rows[first + i].group;
        row.text = row.text.data ? row.text : AS_LIT("");
        rc = put(r, first + i, row, more->ids + from, more->logp + from, more->entropy + from, err);
    }
    return rc;
}
