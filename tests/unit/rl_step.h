/* rl_step.h -- a step of reinforcement learning on a tiny model: rollouts made by hand, an
 * optimizer, a run. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_RL_STEP_H
#define AS_TESTS_RL_STEP_H
#include "tiny_batch.h"

#include "train/rl_inner.h"

enum { MOST_GROUPS = 8, MOST_EACH = 8, MOST_RESPONSES = MOST_GROUPS * MOST_EACH };

/* Rollouts whose texts nobody reads. */
typedef struct made {
    as_suite_item items[MOST_GROUPS];
    const as_suite_item *at[MOST_GROUPS];
    as_rollout rows[MOST_RESPONSES];
    int32_t prompts[MOST_GROUPS * 16], ids[1024];
    float logp[1024], entropy[1024];
    double old[1024], reference[1024];
    double score[MOST_RESPONSES];
    bool is_out[MOST_RESPONSES];
    as_rollouts r;
} made;

static inline void made_start(made *m, size_t n_groups, size_t each)
{
    *m = (made){ .r = { .n_groups = n_groups, .each = each, .n = n_groups * each } };
    assert_true(n_groups <= MOST_GROUPS && each <= MOST_EACH);
    for (size_t g = 0; g < n_groups; g++) {
        m->items[g] = (as_suite_item){ .ids = m->prompts + g * 16, .key = g + 1 };
        m->at[g] = &m->items[g];
    }
    m->r.items = m->at;
    m->r.rows = m->rows;
    m->r.ids = m->ids;
    m->r.logp = m->logp;
    m->r.entropy = m->entropy;
}

/* Row `row`: `n` tokens; log-probabilities follow. */
static inline size_t made_row(made *m, size_t row, const int32_t *ids, size_t n)
{
    const size_t at = m->r.n_ids;
    assert_true(at + n <= 1024);
    m->rows[row] = (as_rollout){ .group = (uint32_t)(row / m->r.each),
                                 .sample = (uint32_t)(row % m->r.each),
                                 .begin = at,
                                 .n = (uint32_t)n,
                                 .text = AS_LIT("") };
    if (n)
        memcpy(m->ids + at, ids, n * sizeof *ids);
    m->r.n_ids += n;
    return at;
}

static inline void made_prompt(made *m, size_t group, const int32_t *ids, size_t n)
{
    assert_true(n <= 16);
    memcpy(m->prompts + group * 16, ids, n * sizeof *ids);
    m->items[group].n_ids = n;
}

/* The batch of golden_grpo.json: two prompts of four responses. */
static inline void made_golden(made *m, const cJSON *golden)
{
    const cJSON *seqs = golden_member(golden, "sequences"),
                *lens = golden_member(golden, "prompt_lens");
    made_start(m, 2, 4);
    for (int s = 0; s < 8; s++) {
        size_t n, n_old;
        const size_t prompt = (size_t)cJSON_GetArrayItem(lens, s)->valuedouble;
        int32_t *ids = golden_ids(cJSON_GetArrayItem(seqs, s), &n);
        double *old =
            golden_numbers(cJSON_GetArrayItem(golden_member(golden, "old_logps"), s), &n_old);
        double *ref =
            golden_numbers(cJSON_GetArrayItem(golden_member(golden, "ref_logps"), s), &n_old);
        made_prompt(m, (size_t)s / 4, ids, prompt);
        const size_t at = made_row(m, (size_t)s, ids + prompt, n - prompt);
        assert_int_equal(n_old, n - prompt);
        for (size_t i = 0; i < n_old; i++) {
            m->old[at + i] = old[i];
            m->reference[at + i] = ref[i];
            m->logp[at + i] = (float)old[i];
        }
        m->score[s] = cJSON_GetArrayItem(golden_member(golden, "rewards"), s)->valuedouble;
        as_free(ids);
        as_free(old);
        as_free(ref);
    }
}

/* What learns. The optimizer's learning rate is the schedule's: 0 leaves the weights as they are,
 * and its gradients can be read. */
typedef struct learner {
    const tiny_model *m;
    as_run *run;
    as_optimizer *optimizer;
    as_rl *rl;
} learner;

/* The golden batch of tiny_llama, and the model in double. */
static inline void made_llama(tiny_model *model, made *m)
{
    cJSON *root = tiny_golden("tiny_llama", "golden_grpo.json");
    tiny_open(model, "tiny_llama", "", "naive-f64", K_F64);
    made_golden(m, golden_member(root, "batch"));
    cJSON_Delete(root);
}

static inline as_rl_options rl_still(void)
{
    as_rl_options o = as_rl_standard();
    o.schedule = (as_schedule){ .peak = 0, .decay = AS_DECAY_CONSTANT };
    o.longest = 12;
    return o;
}

static inline void learner_open(learner *l, const tiny_model *m, const as_run_options *limits,
                                const as_rl_options *o, const as_sft_data *ptx)
{
    const as_optimizer_options how = as_optimizer_standard();
    *l = (learner){ .m = m, .run = tiny_run(m, limits) };
    MUST(as_optimizer_new(&l->optimizer, m->p, NULL, &how, err));
    const as_rl_parts parts = { .optimizer = l->optimizer,
                                .run = l->run,
                                .limits = *limits,
                                .reference = o->kl_place == AS_KL_OFF ? NULL : l->run,
                                .ptx = ptx };
    MUST(as_rl_new(&l->rl, &parts, o, err));
}

static inline void learner_close(learner *l)
{
    as_rl_free(l->rl);
    as_optimizer_free(l->optimizer);
    as_run_free(l->run);
}

/* A step with old log-probabilities and those of the reference as made. */
static inline void learner_step_with(learner *l, const made *m, const as_rl_rewards *rewards,
                                     as_rl_stats *stats)
{
    as_rl_batch *b = &l->rl->b;
    *stats = (as_rl_stats){ 0 };
    MUST(as_rl_batch_fill(b, &m->r, rewards, &l->rl->options, err));
    for (size_t r = 0; r < m->r.n; r++)
        for (size_t t = 0; t < m->rows[r].n; t++) {
            b->old[b->first[r] + t] = m->old[m->rows[r].begin + t];
            b->reference[b->first[r] + t] = m->reference[m->rows[r].begin + t];
        }
    MUST(as_rl_advantages(l->rl, rewards, stats, err));
    MUST(as_rl_learn(l->rl, 1, stats, err));
    as_rl_adapt(l->rl);
}

static inline void learner_step_made(learner *l, const made *m, as_rl_stats *stats)
{
    const as_rl_rewards rewards = { .score = m->score, .is_out = m->is_out };
    learner_step_with(l, m, &rewards, stats);
}

/* The gradient of one step of its own with these options; the caller as_frees. */
static inline double *gradient_of(const tiny_model *m, const made *b, const as_rl_options *o,
                                  const as_run_options *limits, as_rl_stats *stats)
{
    learner l;
    learner_open(&l, m, limits, o, NULL);
    learner_step_made(&l, b, stats);
    double *grads = host_grads(m, l.optimizer->grads);
    learner_close(&l);
    return grads;
}
#endif
