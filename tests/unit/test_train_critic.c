/* test_train_critic.c -- PPO's critic in the step: values of a head on the policy or of a model of
 * its own, advantages from them, their loss and its gradient against differences.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rl_step.h"

#include "model/draw.h"

static made base;

/* tiny_llama with a score head beside, or in place of, its head for tokens. */
static void open_with(tiny_model *m, as_heads heads)
{
    char folder[512];
    as_model_config config;
    bool fresh = false;
    const as_weights_load_options how = { .dtype = AS_F32, .fresh_score = &fresh };
    tiny_folder(folder, sizeof folder, "tiny_llama");
    *m = (tiny_model){ 0 };
    MUST(as_model_config_load(&config, folder, err));
    config.heads = heads;
    MUST(as_weights_index_new(&m->index, &config, err));
    m->arena = as_calloc(m->index->n_elements, sizeof *m->arena);
    assert_non_null(m->arena);
    MUST(as_weights_load(m->index, folder, &how, m->arena, err));
    assert_true(fresh == (heads != AS_HEADS_TOKENS));
    if (fresh)
        as_score_draw(m->index, 0.2, 3, m->arena);
    tiny_place(m, "naive-f64", K_F64);
}

static int open_base(void **state)
{
    (void)state;
    cJSON *root = tiny_golden("tiny_llama", "golden_grpo.json");
    made_golden(&base, golden_member(root, "batch"));
    cJSON_Delete(root);
    return 0;
}

static as_rl_options ppo(void)
{
    as_rl_options o = rl_still();
    o.estimator = AS_EST_GAE;
    o.gamma = 0.97;
    o.lambda = 0.9;
    o.value_clip = (as_value_clip){ .range = 0.05, .is_halved = true };
    o.value_coef = 0.7;
    return o;
}

typedef struct actor {
    const tiny_model *policy, *critic; /* critic NULL: a head on the policy */
    as_rl_parts parts;
    as_rl *rl;
} actor;

static void actor_open(actor *a, const tiny_model *policy, const tiny_model *critic,
                       const as_rl_options *o)
{
    const as_optimizer_options how = as_optimizer_standard();
    *a = (actor){ .policy = policy, .critic = critic, .parts = { .limits = training } };
    a->parts.run = tiny_run(policy, &training);
    a->parts.critic = critic ? tiny_run(critic, &training) : a->parts.run;
    MUST(as_optimizer_new(&a->parts.optimizer, policy->p, NULL, &how, err));
    if (critic)
        MUST(as_optimizer_new(&a->parts.critic_optimizer, critic->p, NULL, &how, err));
    MUST(as_rl_new(&a->rl, &a->parts, o, err));
}

static void actor_close(actor *a)
{
    as_rl_free(a->rl);
    as_optimizer_free(a->parts.optimizer);
    as_optimizer_free(a->parts.critic_optimizer);
    if (a->critic)
        as_run_free(a->parts.critic);
    as_run_free(a->parts.run);
}

/* Old log-probabilities as made; old values as given, the run's own where NULL. */
static void step(actor *a, const double *values, as_rl_stats *s)
{
    const as_rl_rewards rewards = { .score = base.score, .is_out = base.is_out };
    as_rl_batch *b = &a->rl->b;
    *s = (as_rl_stats){ 0 };
    MUST(as_rl_batch_fill(b, &base.r, &rewards, &a->rl->options, err));
    for (size_t r = 0; r < base.r.n; r++)
        for (size_t t = 0; t < base.rows[r].n; t++)
            b->old[b->first[r] + t] = base.old[base.rows[r].begin + t];
    if (values)
        memcpy(b->value, values, b->first[base.r.n] * sizeof *values);
    else
        MUST(as_rl_values(a->rl, err));
    MUST(as_rl_advantages(a->rl, &rewards, s, err));
    as_rl_explain(a->rl, s);
    MUST(as_rl_learn(a->rl, 1, s, err));
}

/* ---- what it learns from ---- */

/* The pieces by hand: values of a forward pass, GAE of goldens' fame, whitened. */
static void advantages_of_values(void **state)
{
    (void)state;
    tiny_model m;
    actor a;
    as_rl_stats s;
    double value[ROWS_MOST], reward[ROWS_MOST] = { 0 }, advantage[ROWS_MOST], returns[ROWS_MOST];
    batch all = { .n_seqs = 0 };
    open_with(&m, AS_HEADS_BOTH);
    const as_rl_options o = ppo();
    actor_open(&a, &m, NULL, &o);
    step(&a, NULL, &s);
    for (size_t r = 0; r < base.r.n; r++) {
        int32_t ids[64];
        const as_suite_item *item = base.r.items[r / 4];
        const size_t n = base.rows[r].n;
        memcpy(ids, item->ids, item->n_ids * sizeof *ids);
        memcpy(ids + item->n_ids, base.ids + base.rows[r].begin, n * sizeof *ids);
        add(&all, ids, (int32_t)(item->n_ids + n), (int32_t)item->n_ids);
        reward[all.first_row[r + 1] - 1] = base.score[r];
    }
    as_packed packed = packed_of(&all);
    as_run *run = tiny_run(&m, &training);
    MUST(as_run_forward(run, &packed, err));
    MUST(as_run_scores(run, value, err));
    const as_rl_batch *b = &a.rl->b;
    tiny_near(b->value, value, (size_t)packed.n_rows, 0, "values");
    as_gae(&b->rows, reward, value, o.gamma, o.lambda, advantage, returns);
    tiny_near(b->returns, returns, (size_t)packed.n_rows, 1e-12, "returns");
    as_whiten(&b->rows, (as_whitening){ 0 }, advantage);
    tiny_near(b->advantage, advantage, (size_t)packed.n_rows, 1e-12, "advantages");
    assert_true(s.explained_variance ==
                as_explained_variance(value, returns, (size_t)packed.n_rows));
    as_run_free(run);
    actor_close(&a);
    tiny_close(&m);
}

/* Values have a loss where responses have one: not where they were not scored, nor where they were
 * cut off. */
static void rows_of_the_critic(void **state)
{
    (void)state;
    tiny_model m;
    actor a;
    as_rl_stats s;
    double sum = 0, n = 0, value[ROWS_MOST], returns[ROWS_MOST];
    const made before = base;
    as_rl_options o = ppo();
    o.masks_truncated = true;
    o.aggregation = AS_SEQ_MEAN_TOKEN_MEAN; /* the policy's alone */
    base.is_out[1] = true;
    base.rows[6].finish = AS_FINISH_LENGTH;
    open_with(&m, AS_HEADS_BOTH);
    actor_open(&a, &m, NULL, &o);
    step(&a, NULL, &s);
    const as_rl_batch *b = &a.rl->b;
    for (size_t r = 0; r < base.r.n; r++)
        for (size_t t = b->first[r]; t < b->first[r + 1] && r != 1 && r != 6; t++) {
            double by;
            bool is_clipped;
            sum += as_value_loss(b->value[t], b->value[t], b->returns[t], o.value_clip, &by,
                                 &is_clipped);
            value[(size_t)n] = b->value[t];
            returns[(size_t)n] = b->returns[t];
            n++;
        }
    sum /= n;
    tiny_near(&s.value_loss, &sum, 1, 1e-12, "value loss");
    assert_true(s.explained_variance == as_explained_variance(value, returns, (size_t)n));
    assert_true(n < (double)b->first[base.r.n] && s.tokens == (uint64_t)n);
    actor_close(&a);
    tiny_close(&m);
    base.is_out[1] = before.is_out[1];
    base.rows[6] = before.rows[6];
}

/* A loss that is no number leaves both as they were. */
static void not_a_number(void **state)
{
    (void)state;
    tiny_model policy, critic;
    actor a;
    as_rl_stats s;
    as_rl_options o = ppo();
    o.schedule.peak = o.critic_schedule.peak = 1e-3;
    open_with(&policy, AS_HEADS_TOKENS);
    open_with(&critic, AS_HEADS_SCORE);
    double score[8];
    memcpy(score, base.score, sizeof score);
    score[3] = (double)INFINITY;
    const as_rl_rewards rewards = { .score = score };
    double *before = host_grads(&critic, critic.p->arena);
    actor_open(&a, &policy, &critic, &o);
    MUST(as_rl_step(a.rl, 1, &base.r, &rewards, &s, err));
    double *after = host_grads(&critic, critic.p->arena);
    assert_true(s.updates == 0 && s.critic_updates == 0 && s.skipped == 2);
    assert_memory_equal(before, after, critic.index->n_elements * sizeof *before);
    as_free(before);
    as_free(after);
    actor_close(&a);
    tiny_close(&policy);
    tiny_close(&critic);
}

/* ---- its loss against differences ---- */

/* Values near the model's own, so that some are clipped and some are not. */
static void old_values(const tiny_model *m, double *value, const as_rl_options *o)
{
    actor a;
    as_rl_stats s;
    as_rng r = as_rng_at(1, 2);
    actor_open(&a, m, NULL, o);
    step(&a, NULL, &s);
    for (size_t t = 0; t < a.rl->b.first[base.r.n]; t++)
        value[t] = a.rl->b.value[t] + 0.2 * (as_rng_double(&r) - 0.5);
    actor_close(&a);
}

static double *joint(const tiny_model *m, const double *value, const as_rl_options *o,
                     as_rl_stats *s)
{
    actor a;
    actor_open(&a, m, NULL, o);
    step(&a, value, s);
    double *grads = host_grads(m, a.parts.optimizer->grads);
    actor_close(&a);
    return grads;
}

static void move(const tiny_model *m, const double *direction, double by)
{
    const size_t n = m->index->n_elements;
    AS_CLEANUP(free) double *moved = as_calloc(n, sizeof *moved);
    for (size_t i = 0; i < n; i++)
        moved[i] = (double)m->arena[i] + by * direction[i];
    assert_int_equal(m->dev->ops->copy_to(m->dev, m->p->arena, moved, n * sizeof *moved), K_OK);
}

static void slope_of_the_joint_loss(void **state)
{
    (void)state;
    tiny_model m;
    as_rl_stats s, up, down;
    double value[ROWS_MOST], along = 0;
    const double h = 1e-6;
    open_with(&m, AS_HEADS_BOTH);
    const as_rl_options o = ppo();
    const size_t n = m.index->n_elements;
    old_values(&m, value, &o);
    double *grads = joint(&m, value, &o, &s);
    assert_true(s.value_clip_fraction > 0 && s.value_clip_fraction < 1);
    tiny_near(&s.loss, &(double){ s.policy_loss + 0.7 * s.value_loss }, 1, 1e-12, "loss");
    AS_CLEANUP(free) double *direction = as_calloc(n, sizeof *direction);
    as_rng r = as_rng_at(5, 6);
    for (size_t i = 0; i < n; i++) {
        direction[i] = 2 * as_rng_double(&r) - 1;
        along += direction[i] * grads[i];
    }
    move(&m, direction, h);
    as_free(joint(&m, value, &o, &up));
    move(&m, direction, -h);
    as_free(joint(&m, value, &o, &down));
    const double slope = (up.loss - down.loss) / (2 * h);
    if (!(fabs(slope - along) <= 1e-5 * fmax(fabs(slope), 1)))
        fail_msg("the loss rises by %.9g, its gradient says %.9g", slope, along);
    as_free(grads);
    tiny_close(&m);
}

/* A critic of its own has the value loss alone, the policy its own alone: together they are what a
 * shared head does. */
static void apart_and_together(void **state)
{
    (void)state;
    tiny_model both, policy, critic;
    double value[ROWS_MOST];
    as_rl_stats shared, apart;
    actor a;
    open_with(&both, AS_HEADS_BOTH);
    open_with(&policy, AS_HEADS_BOTH);
    open_with(&critic, AS_HEADS_BOTH);
    const as_rl_options o = ppo();
    const size_t n = both.index->n_elements;
    old_values(&both, value, &o);
    double *want = joint(&both, value, &o, &shared);
    actor_open(&a, &policy, &critic, &o);
    step(&a, value, &apart);
    double *of_policy = host_grads(&policy, a.parts.optimizer->grads);
    double *of_critic = host_grads(&critic, a.parts.critic_optimizer->grads);
    for (size_t i = 0; i < n; i++)
        of_policy[i] += 0.7 * of_critic[i];
    assert_true(tiny_distance(of_policy, want, n) < 1e-12);
    tiny_near(&apart.value_loss, &shared.value_loss, 1, 1e-12, "value loss");
    tiny_near(&apart.loss, &apart.policy_loss, 1, 1e-12, "the policy's loss");
    assert_true(apart.updates == 1 && apart.critic_updates == 1 && shared.critic_updates == 0);
    const as_rl_state after = as_rl_get_state(a.rl);
    assert_true(after.updates == 1 && after.critic_updates == 1);
    as_free(want);
    as_free(of_policy);
    as_free(of_critic);
    actor_close(&a);
    tiny_close(&both);
    tiny_close(&policy);
    tiny_close(&critic);
}

/* A model with a score head alone; at first it learns while the policy stands still. */
static void warms_up(void **state)
{
    (void)state;
    tiny_model policy, critic;
    actor a;
    as_rl_stats s;
    as_rl_options o = ppo();
    o.critic_warmup = 1;
    o.schedule.peak = 1e-3;
    o.critic_schedule.peak = 1e-3;
    o.lambda = 1; /* returns are the rewards, whatever the values */
    open_with(&policy, AS_HEADS_BOTH);
    open_with(&critic, AS_HEADS_SCORE);
    double *before = host_grads(&policy, policy.p->arena);
    double *critic_before = host_grads(&critic, critic.p->arena);
    const as_rl_rewards rewards = { .score = base.score };
    actor_open(&a, &policy, &critic, &o);
    MUST(as_rl_step(a.rl, 1, &base.r, &rewards, &s, err));
    double *after = host_grads(&policy, policy.p->arena);
    double *critic_after = host_grads(&critic, critic.p->arena);
    const double first = s.value_loss;
    assert_true(s.updates == 0 && s.critic_updates == 1 && s.critic_lr == 1e-3);
    assert_true(tiny_distance(after, before, policy.index->n_elements) == 0);
    assert_true(tiny_distance(critic_after, critic_before, critic.index->n_elements) > 1e-4);
    MUST(as_rl_step(a.rl, 2, &base.r, &rewards, &s, err));
    assert_true(s.updates == 1 && s.critic_updates == 1 && s.value_loss < first);
    as_free(before);
    as_free(after);
    as_free(critic_before);
    as_free(critic_after);
    actor_close(&a);
    tiny_close(&policy);
    tiny_close(&critic);
}

static void refusals(void **state)
{
    (void)state;
    tiny_model m;
    actor a;
    as_rl *rl = NULL;
    as_err e = { 0 };
    as_rl_options o = ppo();
    open_with(&m, AS_HEADS_BOTH);
    actor_open(&a, &m, NULL, &o);
    o.estimator = AS_EST_GRPO;
    assert_int_equal(as_rl_new(&rl, &a.parts, &o, &e), AS_EUSAGE);
    assert_non_null(strstr(e.text, "a critic is of GAE"));
    o = ppo();
    o.critic_warmup = 3;
    e = (as_err){ 0 };
    assert_int_equal(as_rl_new(&rl, &a.parts, &o, &e), AS_EUSAGE);
    assert_non_null(strstr(e.text, "cannot learn alone"));
    as_rl_parts parts = a.parts;
    parts.critic_optimizer = parts.optimizer;
    o = ppo();
    e = (as_err){ 0 };
    assert_int_equal(as_rl_new(&rl, &parts, &o, &e), AS_EUSAGE);
    assert_non_null(strstr(e.text, "optimizer"));
    actor_close(&a);
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advantages_of_values),
        cmocka_unit_test(slope_of_the_joint_loss),
        cmocka_unit_test(apart_and_together),
        cmocka_unit_test(warms_up),
        cmocka_unit_test(rows_of_the_critic),
        cmocka_unit_test(not_a_number),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, open_base, NULL);
}
