/* rewards.h -- what the tests of rewards share: verifiers opened from JSON, a step of numbered
 * responses. SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_REWARDS_H
#define TESTS_UNIT_REWARDS_H
#include "base/mem.h"
#include "reward/reward.h"
#include "scoring.h"

#include <math.h>

static const as_reward_options in_process = { .isolation = AS_ISOLATION_INPROC, .threads = 3 };
static const as_reward_options in_workers = { .isolation = AS_ISOLATION_WORKER, .threads = 2 };

/* JSON in which @ is the folder of the broken plugins. */
static inline cJSON *spec_of(const char *json)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 16);
    const char *folder = getenv("ASSAY_TEST_PLUGINS");
    for (const char *c = json; *c; c++) {
        if (*c == '@')
            as_buf_text(&text, folder ? folder : "tests/plugins");
        else
            as_buf_byte(&text, *c);
    }
    as_err err = { 0 };
    cJSON *spec = as_json_parse(as_buf_str(&text), "spec", &err);
    if (!spec)
        fail_msg("%s", err.text);
    return spec;
}

static inline as_reward *open_rewards(const char *json, const as_reward_options *options)
{
    as_reward *w = NULL;
    as_err err = { 0 };
    cJSON *spec = spec_of(json);
    if (as_reward_open(&w, registry, spec, options, &err) < 0)
        fail_msg("%s", err.text);
    cJSON_Delete(spec);
    return w;
}

typedef struct step {
    as_arena arena;
    uint32_t n;
    as_reward_item *items;
} step;

/* n responses: the numbers 0, 1, .. in groups of `each`; the reference is the group's size. */
static inline step step_of_numbers(uint32_t n, uint32_t each)
{
    step s = { .n = n };
    as_arena_init(&s.arena, 0);
    s.items = as_arena_calloc(&s.arena, n, sizeof *s.items);
    for (uint32_t i = 0; i < n; i++)
        s.items[i] = (as_reward_item){ .id = as_arena_fmt(&s.arena, "\"p%u\"", i / each),
                                       .completion = as_arena_fmt(&s.arena, "%u", i),
                                       .reference = as_arena_fmt(&s.arena, "%u", each),
                                       .group = i / each,
                                       .seed = i + 1 };
    return s;
}

/* n texts, each a group of its own, all with the same reference. */
static inline step step_of_texts(const char *const *texts, uint32_t n, const char *reference)
{
    step s = { .n = n };
    as_arena_init(&s.arena, 0);
    s.items = as_arena_calloc(&s.arena, n, sizeof *s.items);
    for (uint32_t i = 0; i < n; i++)
        s.items[i] = (as_reward_item){ .id = as_arena_fmt(&s.arena, "%u", i),
                                       .completion = as_str_of(texts[i]),
                                       .reference = as_str_of(reference),
                                       .group = i };
    return s;
}

/* All rows in an order of their own: row * stride modulo n (stride and n without common factor). */
static inline const as_reward_row *run_step(as_reward *w, const step *s, uint32_t each,
                                            uint32_t stride)
{
    const as_reward_row *rows = NULL;
    as_err err = { 0 };
    int rc = as_reward_begin(w, s->n, each, &err);
    for (uint32_t i = 0; rc == 0 && i < s->n; i++) {
        uint32_t row = (uint32_t)((uint64_t)i * stride % s->n);
        rc = as_reward_put(w, row, &s->items[row], &err);
    }
    if (rc < 0 || as_reward_wait(w, &rows, &err) < 0)
        fail_msg("%s", err.text);
    return rows;
}

static inline void assert_near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-6))
        fail_msg("%.9g is not %.9g", a, b);
}

static inline void assert_str_is(as_str s, const char *text)
{
    if (!as_str_is(s, text))
        fail_msg("\"%.*s\" is not \"%s\"", AS_FMT(s), text);
}
#endif
