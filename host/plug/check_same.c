/* check_same.c -- tests that compare runs: the same item, the same result, in whatever company; and
 * the vote's keys. SPDX-License-Identifier: Apache-2.0 */
#include "plug/check_env.h"

#include <stdio.h>

enum { MOST_KEYS = 48 };

static int must_be_same(as_checker *c, const as_outcome_of *a, uint32_t i, const as_outcome_of *b,
                        uint32_t j, const char *when)
{
    const char *differs = NULL;
    char texts[200];
    if (as_outcome_same(a, i, b, j, &differs))
        return 0;
    return as_check_fail(
        c, "%s: %s differs (%s %g, then %s %g): %s; drop F_DETERMINISTIC or find the cause", when,
        differs, as_verdict_word(a->verdict[i]), (double)a->score[i],
        as_verdict_word(b->verdict[j]), (double)b->score[j],
        as_check_row_texts(a, i, texts, sizeof(texts)));
}

static int same_all(as_checker *c, const as_outcome_of *a, const as_outcome_of *b, const char *when)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (must_be_same(c, a, i, b, i, when) < 0)
            return -1;
    return 0;
}

static int all_rows(as_checker *c, as_columns *out, bool reseed)
{
    uint32_t *rows = as_arena_calloc(&c->arena, c->items->n, sizeof(*rows));
    for (uint32_t i = 0; rows && i < c->items->n; i++)
        rows[i] = i;
    if (!rows || as_columns_pick(out, c->items, rows, c->items->n, &c->arena) < 0)
        return as_check_fail(c, "no memory");
    for (uint32_t i = 0; reseed && i < out->n; i++)
        out->seed[i] = as_seed_of(2, AS_LIT("another"), i);
    return 0;
}

int as_test_determinism(as_checker *c)
{
    as_outcome_of first;
    as_outcome_of again;
    as_outcome_of other;
    as_columns reseeded;
    assay_verifier *second = NULL;
    if (!as_check_is(c, ASSAY_F_DETERMINISTIC))
        return as_check_skip(c, "it does not claim F_DETERMINISTIC");
    if (all_rows(c, &reseeded, true) < 0 ||
        as_check_score_ok(c, c->v, c->items, ASSAY_WANT_ANSWER, &c->arena, &first) < 0 ||
        as_check_score_ok(c, c->v, &reseeded, ASSAY_WANT_ANSWER, &c->arena, &again) < 0 ||
        same_all(c, &first, &again, "the same batch twice, with other seeds") < 0)
        return -1;
    if (as_check_create(c, c->config, &second) < 0 ||
        as_check_score_ok(c, second, c->items, ASSAY_WANT_ANSWER, &c->arena, &other) < 0 ||
        same_all(c, &first, &other, "the same batch by another instance") < 0)
        return -1;
    second->destroy(second);
    return as_check_ok(c, "%u items twice, with other seeds, and by a second instance",
                       (unsigned)first.n);
}

/* ---- batches ---- */

/* Whole groups in another order (for verifiers that need them), or single items in another order.
 */
static uint32_t shuffled_rows(const as_checker *c, bool by_group, uint32_t *rows)
{
    const as_columns *items = c->items;
    as_rng rng = as_rng_at(7, 7);
    uint32_t n = items->n;
    uint32_t n_units = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!by_group || i == 0 || items->group[i] != items->group[i - 1])
            rows[n_units++] = i;
    for (uint32_t i = n_units; i > 1; i--) {
        uint32_t j = (uint32_t)as_rng_below(&rng, i);
        uint32_t kept = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = kept;
    }
    return n_units;
}

/* The unit that starts at row `at`: a whole group, or one item. */
static uint32_t unit_end(const as_columns *items, bool by_group, uint32_t at)
{
    uint32_t end = at + 1;
    while (by_group && end < items->n && items->group[end] == items->group[at])
        end++;
    return end;
}

static uint32_t expand(const as_columns *items, bool by_group, const uint32_t *units,
                       uint32_t n_units, uint32_t *rows)
{
    uint32_t n = 0;
    for (uint32_t u = 0; u < n_units; u++)
        for (uint32_t i = units[u]; i < unit_end(items, by_group, units[u]); i++)
            rows[n++] = i;
    return n;
}

static int compare_rows(as_checker *c, const as_outcome_of *whole, const uint32_t *rows, uint32_t n,
                        const char *when)
{
    as_columns items;
    as_outcome_of o;
    if (as_columns_pick(&items, c->items, rows, n, &c->arena) < 0)
        return as_check_fail(c, "no memory");
    if (as_check_score_ok(c, c->v, &items, ASSAY_WANT_ANSWER, &c->arena, &o) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        if (must_be_same(c, whole, rows[i], &o, i, when) < 0)
            return -1;
    return 0;
}

int as_test_batches(as_checker *c)
{
    uint32_t n = c->items->n;
    uint32_t *units = as_arena_calloc(&c->arena, n, sizeof(*units));
    uint32_t *rows = as_arena_calloc(&c->arena, n, sizeof(*rows));
    bool by_group = as_check_is(c, ASSAY_F_NEEDS_GROUP);
    as_outcome_of whole;
    as_outcome_of again;
    const char *differs = NULL;
    if (!as_check_is(c, ASSAY_F_DETERMINISTIC))
        return as_check_skip(c, "it does not claim F_DETERMINISTIC");
    if (!units || !rows)
        return as_check_fail(c, "no memory");
    if (as_check_score_ok(c, c->v, c->items, ASSAY_WANT_ANSWER, &c->arena, &whole) < 0 ||
        as_check_score_ok(c, c->v, c->items, ASSAY_WANT_ANSWER, &c->arena, &again) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        if (!as_outcome_same(&whole, i, &again, i, &differs))
            return as_check_skip(c, "the same batch differs from run to run (see determinism)");
    uint32_t n_units = shuffled_rows(c, by_group, units);
    uint32_t n_rows = expand(c->items, by_group, units, n_units, rows);
    if (compare_rows(c, &whole, rows, n_rows, "the batch in another order") < 0)
        return -1;
    for (uint32_t u = 0; u < n_units; u++) {
        uint32_t n_one = expand(c->items, by_group, &units[u], 1, rows);
        if (compare_rows(c, &whole, rows, n_one, by_group ? "a group alone" : "an item alone") < 0)
            return -1;
    }
    return as_check_ok(c, "whole, shuffled and one by one: %u %s", (unsigned)n_units,
                       by_group ? "groups" : "items");
}

/* ---- the vote ---- */

static as_str key_of(const as_outcome_of *o, uint32_t i)
{
    return o->out[ASSAY_OUT_KEY] ? o->out[ASSAY_OUT_KEY][i] : (as_str){ NULL, 0 };
}

static int32_t never(const assay_call *call)
{
    (void)call;
    return 0;
}

static assay_status refuse(const assay_call *call, uint32_t item, uint32_t channel, as_str text)
{
    (void)call;
    (void)item;
    (void)channel;
    (void)text;
    return ASSAY_E_ARG;
}

static uint32_t distinct_keys(const as_outcome_of *o, as_str *keys)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->n && n < MOST_KEYS; i++) {
        as_str key = key_of(o, i);
        bool is_new = key.data != NULL;
        for (uint32_t k = 0; is_new && k < n; k++)
            is_new = !as_str_eq(keys[k], key);
        if (is_new)
            keys[n++] = key;
    }
    return n;
}

static int check_same_pairs(as_checker *c, const assay_ext_answer *x, const as_str *keys,
                            uint32_t n)
{
    const assay_call call = { .size = sizeof(call), .cancelled = never, .emit = refuse };
    char a[80];
    char b[80];
    for (uint32_t i = 0; i < n; i++) {
        int32_t self = x->same(c->v, &call, keys[i], keys[i]);
        if (self != 1)
            return as_check_fail(c, "same(%s, itself) is %d; every key is the same as itself",
                                 as_check_show(keys[i], a, sizeof(a)), (int)self);
        for (uint32_t j = 0; j < i; j++) {
            int32_t there = x->same(c->v, &call, keys[i], keys[j]);
            int32_t back = x->same(c->v, &call, keys[j], keys[i]);
            if ((there > 0) != (back > 0) || there > 1 || back > 1)
                return as_check_fail(c, "same(%s, %s) is %d but %d the other way round",
                                     as_check_show(keys[i], a, sizeof(a)),
                                     as_check_show(keys[j], b, sizeof(b)), (int)there, (int)back);
        }
    }
    return 0;
}

static int check_keys(as_checker *c, const as_outcome_of *a, const as_outcome_of *b,
                      const char *what)
{
    char x[80];
    char y[80];
    char texts[200];
    for (uint32_t i = 0; i < a->n; i++) {
        as_str p = key_of(a, i);
        as_str q = key_of(b, i);
        if ((p.data == NULL) != (q.data == NULL) || !as_str_eq(p, q))
            return as_check_fail(c, "%s: key %s, then %s: %s", what, as_check_show(p, x, sizeof(x)),
                                 as_check_show(q, y, sizeof(y)),
                                 as_check_row_texts(a, i, texts, sizeof(texts)));
    }
    return 0;
}

int as_test_vote(as_checker *c)
{
    const assay_ext_answer *x = as_check_answer(c->v);
    as_outcome_of first;
    as_outcome_of again;
    as_outcome_of scored;
    as_str keys[MOST_KEYS];
    if (!x)
        return as_check_skip(c, "it does not offer " ASSAY_EXT_ANSWER);
    if (as_check_extract(c, c->v, c->items, &c->arena, &first) < 0 ||
        as_check_extract(c, c->v, c->items, &c->arena, &again) < 0 ||
        as_check_score(c, c->v, c->items, ASSAY_WANT_ANSWER, &c->arena, &scored) < 0)
        return -1;
    if (first.status != ASSAY_OK || again.status != ASSAY_OK)
        return as_check_fail(c, "extract() returned %s: %s", as_status_word(first.status),
                             first.error.text);
    if (check_keys(c, &first, &again, "extract() twice") < 0)
        return -1;
    if (scored.status == ASSAY_OK &&
        check_keys(c, &first, &scored, "extract(), then score() with WANT_ANSWER") < 0)
        return -1;
    uint32_t n = distinct_keys(&first, keys);
    if (AS_HAS(x, same) && x->same && check_same_pairs(c, x, keys, n) < 0)
        return -1;
    return as_check_ok(c, "%u distinct keys, the same each time%s", (unsigned)n,
                       AS_HAS(x, same) && x->same ? "; same() is reflexive and symmetric" : "");
}
