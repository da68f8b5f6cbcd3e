/* test_train_rl_pack.c -- which responses a pass takes, and that a prompt is there once for all of
 * them, with the numbers of whole sequences. SPDX-License-Identifier: Apache-2.0 */
#include "rl_step.h"

static tiny_model model;
static made base;

static int open_model(void **state)
{
    (void)state;
    made_llama(&model, &base);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    tiny_close(&model);
    return 0;
}

typedef struct packs {
    int64_t n, tokens, responses, prompts, cut; /* cut: passes that begin within a group */
    size_t last;                                /* row */
} packs;

static int see_pack(as_rl *rl, const as_packed *packed, void *ctx, as_err *e)
{
    (void)e;
    packs *p = ctx;
    const as_rl_pack *pack = &rl->pack;
    const size_t first = pack->row[0];
    p->cut += p->n > 0 && rl->b.group[first] == rl->b.group[p->last];
    p->n++;
    p->tokens += packed->n_tokens;
    p->responses += pack->n_responses;
    p->last = pack->row[pack->n_responses - 1];
    for (int64_t s = 0; s < packed->n_seqs; s++)
        p->prompts += packed->parents[s] < 0;
    return 0;
}

static packs packs_of(const made *b, as_rl_takes *takes, int64_t tokens, int64_t seqs, int64_t rows)
{
    const as_rl_options o = rl_still();
    const as_rl_rewards rewards = { .score = b->score };
    as_run_options limits = training;
    packs p = { 0 };
    learner l;
    limits.tokens = tokens;
    limits.seqs = seqs;
    limits.rows = rows;
    learner_open(&l, &model, &limits, &o, NULL);
    MUST(as_rl_batch_fill(&l.rl->b, &b->r, &rewards, &o, err));
    MUST(as_rl_each_pack(l.rl, takes, see_pack, &p, err));
    learner_close(&l);
    return p;
}

static bool takes_second_group(const as_rl *rl, size_t row)
{
    return rl->b.group[row] == 1;
}

static bool takes_one_of_each(const as_rl *rl, size_t row)
{
    (void)rl;
    return row % 4 == 0;
}

static void prompts_are_there_once(void **state)
{
    (void)state;
    int64_t tokens[2] = { 0 }, rows = 0; /* of each group; of both */
    for (size_t g = 0; g < 2; g++)
        tokens[g] = (int64_t)base.items[g].n_ids;
    for (size_t r = 0; r < 8; r++) {
        tokens[r / 4] += (int64_t)base.rows[r].n - 1;
        rows += base.rows[r].n;
    }
    const int64_t all = tokens[0] + tokens[1], most = tokens[0] > tokens[1] ? tokens[0] : tokens[1];
    packs p = packs_of(&base, NULL, all, 10, rows);
    assert_true(p.n == 1 && p.tokens == all && p.responses == 8 && p.prompts == 2);
    /* a little less of anything: two passes, groups whole */
    const int64_t less[][3] = {
        { all - 1, 10, rows }, { all, 9, rows }, { all, 10, rows - 1 }, { most, 5, rows - 1 }
    };
    for (size_t i = 0; i < sizeof less / sizeof *less; i++) {
        p = packs_of(&base, NULL, less[i][0], less[i][1], less[i][2]);
        assert_true(p.n == 2 && p.tokens == all && p.prompts == 2 && p.cut == 0);
    }
    /* less than a group: a prompt for each of its parts */
    p = packs_of(&base, NULL, all, 4, rows);
    assert_true(p.n == 4 && p.responses == 8 && p.prompts == 4 && p.cut == 2);
    p = packs_of(&base, NULL, all, 2, rows);
    assert_true(p.n == 8 && p.responses == 8 && p.prompts == 8 && p.cut == 6);
    p = packs_of(&base, takes_second_group, tokens[1], 5, rows);
    assert_true(p.n == 1 && p.tokens == tokens[1] && p.responses == 4 && p.prompts == 1);
    const int64_t few = base.rows[0].n + base.rows[4].n;
    const int64_t ids = (int64_t)(base.items[0].n_ids + base.items[1].n_ids);
    p = packs_of(&base, takes_one_of_each, ids + few - 2, 4, few);
    assert_true(p.n == 1 && p.tokens == ids + few - 2 && p.responses == 2 && p.prompts == 2);
}

/* Log-probabilities to the bit those of prompt and response in one. */
static void check_whole(const tiny_model *m, const char *family)
{
    (void)family;
    const as_rl_options o = rl_still();
    const as_rl_rewards rewards = { .score = base.score };
    double got[ROWS_MOST], want[ROWS_MOST];
    batch all = { .n_seqs = 0 };
    learner l;
    learner_open(&l, m, &training, &o, NULL);
    MUST(as_rl_batch_fill(&l.rl->b, &base.r, &rewards, &o, err));
    MUST(as_rl_logp(l.rl, l.run, got, err));
    for (size_t r = 0; r < 8; r++) {
        int32_t ids[64];
        const as_suite_item *item = base.r.items[r / 4];
        memcpy(ids, item->ids, item->n_ids * sizeof *ids);
        memcpy(ids + item->n_ids, base.ids + base.rows[r].begin, base.rows[r].n * sizeof *ids);
        add(&all, ids, (int32_t)(item->n_ids + base.rows[r].n), (int32_t)item->n_ids);
    }
    const as_packed packed = packed_of(&all);
    MUST(as_run_forward(l.run, &packed, err));
    MUST(as_run_logprob(l.run, o.temperature, want, NULL, err));
    assert_memory_equal(got, want, (size_t)packed.n_rows * sizeof *got);
    learner_close(&l);
}

static void whole_sequences_say_the_same(void **state)
{
    (void)state;
    tiny_everywhere(check_whole, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_are_there_once),
        cmocka_unit_test(whole_sequences_say_the_same),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
