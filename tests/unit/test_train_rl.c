/* test_train_rl.c -- the step of reinforcement learning: loss and gradients of GRPO, DAPO, Dr. GRPO
 * and GSPO against the goldens of the tiny models, the whole loss against differences, what a
 * gradient must not depend on, and what each option changes. SPDX-License-Identifier: Apache-2.0 */
#include "rl_step.h"

/* ---- goldens ---- */

typedef struct kind {
    const char *name;
    as_aggregation aggregation;
    bool is_sequence;
} kind;

static const kind kinds[] = { { "grpo", AS_SEQ_MEAN_TOKEN_MEAN, false },
                              { "dapo", AS_TOKEN_MEAN, false },
                              { "dr_grpo", AS_SEQ_MEAN_NORM, false },
                              { "gspo", AS_SEQ_MEAN_TOKEN_MEAN, true } };

static as_rl_options golden_options(const kind *k)
{
    as_rl_options o = rl_still();
    o.advantage_eps = 1e-4;
    o.aggregation = k->aggregation;
    o.is_sequence_ratio = k->is_sequence;
    o.clip = (as_clip){ .low = 0.2, .high = 0.28 };
    o.kl_place = AS_KL_IN_LOSS;
    o.kl_coef = 0.04;
    return o;
}

static void same(double got, double want)
{
    tiny_near(&got, &want, 1, 1e-12, "a number");
}

static double norm_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static void check_kind(const tiny_model *m, const made *b, const kind *k, const cJSON *result)
{
    const as_rl_options o = golden_options(k);
    const double close = m->type == K_F64 ? 1e-9 : 2e-5, near = m->type == K_F64 ? 1e-8 : 1e-4;
    as_rl_stats s;
    double *grads = gradient_of(m, b, &o, &training, &s);
    tiny_near(&s.loss, &golden_member(result, "loss")->valuedouble, 1, close, k->name);
    const double norm = golden_number(result, "grad_norm");
    assert_true(fabs(s.grad_norm - norm) <= near * norm);
    for (size_t i = 0; i < m->index->n_parts; i++) {
        const as_part *part = &m->index->parts[i];
        const double want = golden_number(golden_member(result, "param_grad_norms"), part->name);
        const double got = norm_of(grads + part->offset, part->n);
        if (!(fabs(got - want) <= near * want))
            fail_msg("%s: %s: norm %.10g, the golden's is %.10g", k->name, part->name, got, want);
    }
    if (!k->is_sequence) /* of tokens */
        same(s.clip_fraction, golden_number(result, "clip_frac"));
    assert_float_equal(s.kl, golden_number(result, "mean_kl_k3"),
                       1); /* with the old weights here */
    assert_int_equal(s.updates, 1);
    as_free(grads);
}

static void check_goldens(const tiny_model *m, const char *family)
{
    if (m->type == K_BF16)
        return;
    cJSON *root = tiny_golden(family, "golden_grpo.json");
    made b;
    made_golden(&b, golden_member(root, "batch"));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (m->type == K_F64 || i < 2)
            check_kind(m, &b, &kinds[i],
                       golden_member(golden_member(root, "results"), kinds[i].name));
    cJSON_Delete(root);
}

static void goldens(void **state)
{
    (void)state;
    tiny_everywhere(check_goldens, "");
}

/* ---- one model in double for the rest ---- */

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

static double *gradient(const made *b, const as_rl_options *o, as_rl_stats *s)
{
    as_rl_stats ignored;
    return gradient_of(&model, b, o, &training, s ? s : &ignored);
}

static double difference(const double *a, const double *b)
{
    return tiny_distance(a, b, model.index->n_elements);
}

/* ---- the whole loss against differences ---- */

static double loss_at(const double *direction, double by, const as_rl_options *o)
{
    const size_t n = model.index->n_elements;
    double *moved = as_calloc(n, sizeof *moved);
    as_rl_stats s;
    for (size_t i = 0; i < n; i++)
        moved[i] = (double)model.arena[i] + by * direction[i];
    assert_int_equal(model.dev->ops->copy_to(model.dev, model.p->arena, moved, n * sizeof *moved),
                     K_OK);
    as_free(gradient(&base, o, &s));
    as_free(moved);
    MUST(as_parameters_set(model.p, model.arena, AS_F32, err));
    return s.loss;
}

static void check_slope(const as_rl_options *o, const char *what)
{
    const size_t n = model.index->n_elements;
    double *direction = as_calloc(n, sizeof *direction), *grads = gradient(&base, o, NULL);
    as_rng r = as_rng_at(5, 6);
    double along = 0;
    for (size_t i = 0; i < n; i++) {
        direction[i] = 2 * as_rng_double(&r) - 1;
        along += direction[i] * grads[i];
    }
    const double h = 1e-6;
    const double slope = (loss_at(direction, h, o) - loss_at(direction, -h, o)) / (2 * h);
    if (!(fabs(slope - along) <= 1e-5 * fmax(fabs(slope), 1)))
        fail_msg("%s: the loss falls by %.9g, its gradient says %.9g", what, slope, along);
    as_free(direction);
    as_free(grads);
}

static void slopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        as_rl_options o = golden_options(&kinds[i]);
        check_slope(&o, kinds[i].name);
        o.entropy_coef = 0.3;
        o.kl_kind = i % 2 ? AS_KL_K2 : AS_KL_K1;
        o.kl_with_ratio = i % 2 == 0 || i == 3;
        o.clip.dual = 1.1;
        o.temperature = 0.7;
        check_slope(&o, "with entropy");
    }
}

/* ---- what it must not depend on ---- */

static void same_for_any_split(void **state)
{
    (void)state;
    const as_rl_options o = golden_options(&kinds[1]);
    static const int64_t limits[][3] = {
        { 40, 2, 128 }, { 36, 12, 128 }, { 256, 4, 128 }, { 256, 12, 17 }
    };
    as_rl_stats one, many;
    double *whole = gradient(&base, &o, &one);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        as_run_options small = training;
        small.tokens = limits[i][0];
        small.seqs = limits[i][1];
        small.rows = limits[i][2];
        double *split = gradient_of(&model, &base, &o, &small, &many);
        assert_true(difference(split, whole) < 1e-12);
        assert_true(fabs(one.loss - many.loss) < 1e-12);
        as_free(split);
    }
    as_free(whole);
}

/* The two prompts change places. */
static void same_for_any_order(void **state)
{
    (void)state;
    made other = base;
    for (size_t g = 0; g < 2; g++)
        other.items[g].ids = base.items[1 - g].ids;
    for (size_t g = 0; g < 2; g++)
        other.items[g].n_ids = base.items[1 - g].n_ids;
    for (size_t r = 0; r < 8; r++) {
        other.rows[r] = base.rows[(r + 4) % 8];
        other.rows[r].group = (uint32_t)(r / 4);
        other.score[r] = base.score[(r + 4) % 8];
    }
    other.at[0] = &other.items[0];
    other.at[1] = &other.items[1];
    other.r.items = other.at;
    other.r.rows = other.rows;
    for (as_estimator e = AS_EST_GRPO; e <= AS_EST_REINFORCE_PP_BASELINE; e++) {
        as_rl_options o = golden_options(&kinds[0]);
        o.estimator = e;
        double *a = gradient(&base, &o, NULL), *b = gradient(&other, &o, NULL);
        assert_true(difference(a, b) < 1e-12);
        as_free(a);
        as_free(b);
    }
}

/* Whatever an unscored row is, it is not there; nor is one without tokens in a loss. */
static void unscored_rows_are_not_there(void **state)
{
    (void)state;
    for (as_estimator e = AS_EST_GRPO; e <= AS_EST_PASSK; e++) {
        if (e == AS_EST_REMAX || e == AS_EST_GAE)
            continue;
        as_rl_options o = golden_options(&kinds[1]);
        o.estimator = e;
        made a = base, b = base;
        a.is_out[2] = b.is_out[2] = true;
        a.score[2] = (double)NAN;
        b.score[2] = 1e9;
        b.ids[b.rows[2].begin] = 3;
        b.old[b.rows[2].begin] = -1;
        a.r.rows = a.rows;
        b.r.rows = b.rows;
        b.r.ids = b.ids;
        double *x = gradient(&a, &o, NULL), *y = gradient(&b, &o, NULL),
               *all = gradient(&base, &o, NULL);
        assert_true(difference(x, y) == 0);
        assert_true(difference(x, all) > 1e-3);
        as_free(x);
        as_free(y);
        as_free(all);
    }
}

static void rows_without_tokens(void **state)
{
    (void)state;
    made b = base;
    as_rl_stats s;
    b.rows[1].n = 0;
    b.r.rows = b.rows;
    const as_rl_options o = golden_options(&kinds[0]);
    double *grads = gradient(&b, &o, &s);
    assert_true(isfinite(norm_of(grads, model.index->n_elements)));
    assert_int_equal(s.responses, 8); /* its reward is in the group's mean */
    same(s.reward_mean, 0.625);
    as_free(grads);
    for (size_t r = 0; r < 8; r++)
        b.rows[r].n = 0;
    grads = gradient(&b, &o, &s);
    assert_int_equal(s.updates, 0);
    assert_true(isnan(s.loss));
    as_free(grads);
}

static void equal_rewards_teach_nothing(void **state)
{
    (void)state;
    made b = base;
    as_rl_stats s;
    for (size_t r = 0; r < 4; r++)
        b.score[r] = 1;
    as_rl_options o = golden_options(&kinds[1]);
    o.kl_place = AS_KL_OFF;
    as_free(gradient(&b, &o, &s));
    assert_true(s.groups == 2 && s.zero_groups == 1 && s.responses == 8);
    double *kept = gradient(&b, &o, NULL);
    o.zero_groups = AS_ZERO_DROP;
    double *dropped = gradient(&b, &o, &s);
    assert_int_equal(s.responses, 4);
    assert_true(difference(kept, dropped) > 0.1); /* the mean is of fewer tokens */
    for (size_t r = 4; r < 8; r++)
        b.score[r] = 0;
    as_free(gradient(&b, &o, &s));
    assert_int_equal(s.updates, 0);
    o.zero_groups = AS_ZERO_KEEP;
    double *none = gradient(&b, &o, &s);
    assert_true(norm_of(none, model.index->n_elements) == 0);
    as_free(kept);
    as_free(dropped);
    as_free(none);
}

/* The gradient of a step that makes its old log-probabilities itself. */
static double *gradient_on_policy(const made *b, const as_rl_options *o)
{
    const as_rl_rewards rewards = { .score = b->score };
    as_rl_stats s;
    learner l;
    learner_open(&l, &model, &training, o, NULL);
    MUST(as_rl_step(l.rl, 1, &b->r, &rewards, &s, err));
    assert_true(s.ratio_min == 1 && s.ratio_max == 1);
    double *grads = host_grads(&model, l.optimizer->grads);
    learner_close(&l);
    return grads;
}

/* What a coin says pulls nowhere: for each draw of rewards its opposite is as likely, and pulls
 * just the other way. (A run rewarded by a coin still walks, as each step pulls somewhere.) */
static void chance_pulls_nowhere(void **state)
{
    (void)state;
    const as_estimator estimators[] = { AS_EST_GRPO, AS_EST_RLOO, AS_EST_REINFORCE_PP,
                                        AS_EST_REINFORCE_PP_BASELINE };
    const size_t n = model.index->n_elements;
    for (size_t e = 0; e < sizeof estimators / sizeof *estimators; e++) {
        as_rl_options o = rl_still();
        made b = base;
        o.estimator = estimators[e];
        o.recomputes_old = true;
        for (size_t r = 0; r < 8; r++)
            b.score[r] = r == 1 || r == 2 || r == 7;
        double *sum = gradient_on_policy(&b, &o);
        const double size = norm_of(sum, n);
        for (size_t r = 0; r < 8; r++)
            b.score[r] = 1 - b.score[r];
        double *opposite = gradient_on_policy(&b, &o);
        for (size_t i = 0; i < n; i++)
            sum[i] += opposite[i];
        assert_true(size > 0.1 && norm_of(sum, n) < 1e-5 * size);
        as_free(sum);
        as_free(opposite);
    }
}

/* ---- what each option changes ---- */

typedef struct change {
    const char *name;
    void (*make)(as_rl_options *o);
} change;
#define CHANGE(name, statement)                                                                    \
    static void change_##name(as_rl_options *o)                                                    \
    {                                                                                              \
        statement;                                                                                 \
    }
CHANGE(rloo, o->estimator = AS_EST_RLOO)
CHANGE(reinforce_pp, o->estimator = AS_EST_REINFORCE_PP)
CHANGE(reinforce_pp_baseline, o->estimator = AS_EST_REINFORCE_PP_BASELINE)
CHANGE(passk, o->estimator = AS_EST_PASSK)
CHANGE(remax, o->estimator = AS_EST_REMAX)
CHANGE(scale_none, o->scale = AS_SCALE_NONE)
CHANGE(scale_batch, o->scale = AS_SCALE_BATCH)
CHANGE(eps, o->advantage_eps = 0.1)
CHANGE(sequence, o->is_sequence_ratio = true)
CHANGE(clip_low, o->clip.low = 0.01)
CHANGE(clip_high, o->clip.high = 0.01)
CHANGE(dual, o->clip.dual = 1.01)
CHANGE(seq_sum, o->aggregation = AS_SEQ_MEAN_TOKEN_SUM)
CHANGE(seq_mean, o->aggregation = AS_SEQ_MEAN_TOKEN_MEAN)
CHANGE(seq_norm, o->aggregation = AS_SEQ_SUM_NORM)
CHANGE(mean_norm, o->aggregation = AS_SEQ_MEAN_NORM)
CHANGE(entropy, o->entropy_coef = 0.1)
CHANGE(kl_off, o->kl_place = AS_KL_OFF)
CHANGE(kl_in_reward, o->kl_place = AS_KL_IN_REWARD)
CHANGE(kl_coef, o->kl_coef = 0.2)
CHANGE(kl_with_ratio, o->kl_with_ratio = true)
CHANGE(kl_k1, o->kl_kind = AS_KL_K1)
CHANGE(kl_k2, o->kl_kind = AS_KL_K2)
CHANGE(kl_abs, o->kl_kind = AS_KL_ABS)
CHANGE(overlong, o->overlong_buffer = 10)
CHANGE(overlong_factor, (o->overlong_buffer = 10, o->overlong_factor = 0.3))
CHANGE(reward_clip, o->reward_clip = 0.4)
CHANGE(truncated, o->masks_truncated = true)
CHANGE(temperature, o->temperature = 0.8)
#define ROW(name)                                                                                  \
    {                                                                                              \
#name, change_##name                                                                       \
    }
static const change changes[] = {
    ROW(rloo),
    ROW(reinforce_pp),
    ROW(reinforce_pp_baseline),
    ROW(passk),
    ROW(remax),
    ROW(scale_none),
    ROW(scale_batch),
    ROW(eps),
    ROW(sequence),
    ROW(clip_low),
    ROW(clip_high),
    ROW(dual),
    ROW(seq_sum),
    ROW(seq_mean),
    ROW(seq_norm),
    ROW(mean_norm),
    ROW(entropy),
    ROW(kl_off),
    ROW(kl_in_reward),
    ROW(kl_coef),
    ROW(kl_with_ratio),
    ROW(kl_k1),
    ROW(kl_k2),
    ROW(kl_abs),
    ROW(overlong),
    ROW(overlong_factor),
    ROW(reward_clip),
    ROW(truncated),
    ROW(temperature),
};
enum { N_CHANGES = sizeof changes / sizeof *changes };

static double *changed_gradient(const change *c)
{
    as_rl_options o = golden_options(&kinds[1]);
    made b = base;
    as_rl_stats s = { 0 };
    b.rows[5].finish = AS_FINISH_LENGTH;
    b.r.rows = b.rows;
    if (c)
        c->make(&o);
    if (o.estimator != AS_EST_REMAX)
        return gradient(&b, &o, NULL);
    const double greedy[2] = { 0.25, 1 };
    const as_rl_rewards rewards = { .score = b.score, .greedy = greedy };
    learner l;
    learner_open(&l, &model, &training, &o, NULL);
    MUST(as_rl_step(l.rl, 1, &b.r, &rewards, &s, err));
    double *grads = host_grads(&model, l.optimizer->grads);
    learner_close(&l);
    return grads;
}

/* No two of them are the same by accident. */
static void every_option_counts(void **state)
{
    (void)state;
    double *grads[N_CHANGES + 1];
    for (size_t i = 0; i <= N_CHANGES; i++)
        grads[i] = changed_gradient(i ? &changes[i - 1] : NULL);
    for (size_t i = 0; i <= N_CHANGES; i++)
        for (size_t j = 0; j < i; j++)
            if (!(difference(grads[i], grads[j]) > 1e-6))
                fail_msg("%s and %s have the same gradient", changes[i - 1].name,
                         j ? changes[j - 1].name : "the base");
    for (size_t i = 0; i <= N_CHANGES; i++)
        as_free(grads[i]);
}

/* ---- several updates ---- */

static as_rl_options moving(void)
{
    as_rl_options o = golden_options(&kinds[1]);
    o.schedule.peak = 1e-3;
    o.epochs = 2;
    o.mini_batch = 1;
    return o;
}

static void updates_are_counted(void **state)
{
    (void)state;
    as_rl_options o = moving();
    as_rl_stats s;
    learner l;
    learner_open(&l, &model, &training, &o, NULL);
    learner_step_made(&l, &base, &s);
    assert_true(s.updates == 4 && s.skipped == 0 && as_rl_get_state(l.rl).updates == 4);
    learner_close(&l);
    MUST(as_parameters_set(model.p, model.arena, AS_F32, err));
}

/* The coefficient that has adapted is the one that counts; what the sampler is off by is told
 * before anything moves. */
static void state_counts(void **state)
{
    (void)state;
    as_rl_options o = golden_options(&kinds[1]);
    as_rl_stats once, twice;
    learner l;
    o.kl_coef = 0.5;
    double *want = gradient(&base, &o, NULL);
    o.kl_coef = 0.04;
    learner_open(&l, &model, &training, &o, NULL);
    as_rl_set_state(l.rl, (as_rl_state){ .kl_coef = 0.5 });
    learner_step_made(&l, &base, &once);
    double *grads = host_grads(&model, l.optimizer->grads);
    assert_true(difference(grads, want) == 0);
    as_free(want);
    as_free(grads);
    learner_close(&l);
    o.schedule.peak = 1e-2;
    for (uint64_t epochs = 1; epochs <= 2; epochs++) {
        o.epochs = epochs;
        learner_open(&l, &model, &training, &o, NULL);
        learner_step_made(&l, &base, epochs == 1 ? &once : &twice);
        learner_close(&l);
        MUST(as_parameters_set(model.p, model.arena, AS_F32, err));
    }
    assert_true(once.sampler_difference > 0 && once.sampler_difference == twice.sampler_difference);
    assert_true(twice.ratio_max > once.ratio_max);
}

/* A step after another, and the same with objects made anew between them. */
static void goes_on(void **state)
{
    (void)state;
    as_rl_options o = moving();
    const size_t n = model.index->n_elements;
    double *weights[2];
    o.kl_place = AS_KL_IN_REWARD;
    o.kl_target = 1e-4;
    o.kl_horizon = 50;
    for (int again = 0; again < 2; again++) {
        as_rl_stats s;
        learner l;
        const as_rl_rewards rewards = { .score = base.score };
        learner_open(&l, &model, &training, &o, NULL);
        MUST(as_rl_step(l.rl, 1, &base.r, &rewards, &s, err));
        if (again) {
            const as_rl_state was = as_rl_get_state(l.rl);
            const as_rl_parts parts = l.rl->parts;
            assert_true(was.kl_coef != o.kl_coef);
            as_rl_free(l.rl);
            MUST(as_rl_new(&l.rl, &parts, &o, err));
            as_rl_set_state(l.rl, was);
        }
        MUST(as_rl_step(l.rl, 2, &base.r, &rewards, &s, err));
        weights[again] = host_grads(&model, model.p->arena);
        learner_close(&l);
        MUST(as_parameters_set(model.p, model.arena, AS_F32, err));
    }
    assert_memory_equal(weights[0], weights[1], n * sizeof **weights);
    as_free(weights[0]);
    as_free(weights[1]);
}

/* A loss that is no number changes nothing, and is counted. */
static void not_a_number(void **state)
{
    (void)state;
    as_rl_options o = moving();
    made b = base;
    as_rl_stats s;
    learner l;
    const size_t n = model.index->n_elements;
    double *before = host_grads(&model, model.p->arena);
    b.score[0] = (double)INFINITY;
    b.score[4] = (double)NAN;
    learner_open(&l, &model, &training, &o, NULL);
    learner_step_made(&l, &b, &s);
    assert_true(s.updates == 0 && s.skipped == 4 && as_rl_get_state(l.rl).updates == 0);
    double *after = host_grads(&model, model.p->arena);
    assert_memory_equal(before, after, n * sizeof *before);
    as_free(before);
    as_free(after);
    learner_close(&l);
}

/* ---- texts beside the rewards ---- */

static void texts_are_learned_too(void **state)
{
    (void)state;
    int32_t ids[] = { 54, 273, 264, 220, 17, 51, 231, 158, 75 };
    uint8_t learns[] = { 0, 0, 1, 1, 1, 0, 1, 0, 1 };
    as_sft_row rows[] = { { .begin = 0, .n = 5, .n_learned = 3 },
                          { .begin = 5, .n = 4, .n_learned = 2 } };
    const as_sft_data texts = { .ids = ids, .learns = learns, .rows = rows, .n_rows = 2 };
    as_rl_options o = golden_options(&kinds[1]);
    as_rl_stats s, alone;
    double *plain = gradient(&base, &o, &alone);
    o.ptx_coef = 0.5;
    o.ptx_batch = 2;
    learner l;
    learner_open(&l, &model, &training, &o, &texts);
    learner_step_made(&l, &base, &s);
    double *grads = host_grads(&model, l.optimizer->grads);
    learner_close(&l);
    /* the same by hand: -1/2 of the sum over both texts, and its gradient with 0.5 / 2 */
    batch b = { .n_seqs = 0 };
    double logp[ROWS_MOST], coef[ROWS_MOST], sum = 0;
    add(&b, ids, 5, 2);
    add(&b, ids + 5, 4, 1);
    as_packed packed = packed_of(&b);
    as_run *run = tiny_run(&model, &training);
    void *on_device = zeroed_grads(&model);
    MUST(as_run_forward(run, &packed, err));
    MUST(as_run_logprob(run, 1, logp, NULL, err));
    for (int i = 0; i < 6; i++) {
        const bool is_learned = i != 4; /* the middle token of the second text is not */
        sum += is_learned ? logp[i] : 0;
        coef[i] = is_learned ? -0.25 : 0;
    }
    MUST(as_run_backward(run, coef, NULL, on_device, err));
    double *want = host_grads(&model, on_device);
    for (size_t i = 0; i < model.index->n_elements; i++)
        want[i] += plain[i];
    same(s.ptx_loss, -sum / 2);
    same(s.loss, alone.loss - 0.5 * sum / 2);
    assert_true(difference(grads, want) < 1e-12);
    as_run_free(run);
    model.dev->ops->free(model.dev, on_device);
    as_free(plain);
    as_free(grads);
    as_free(want);
}

/* Each update takes the next ones. */
static void texts_follow_one_another(void **state)
{
    (void)state;
    int32_t ids[] = { 54, 273, 264, 220, 17, 51, 231, 158, 75 };
    uint8_t learns[] = { 0, 0, 1, 1, 1, 0, 1, 1, 1 };
    as_sft_row rows[] = { { .begin = 0, .n = 5, .n_learned = 3 },
                          { .begin = 5, .n = 4, .n_learned = 3 } };
    const as_sft_data texts = { .ids = ids, .learns = learns, .rows = rows, .n_rows = 2 };
    as_rl_options o = golden_options(&kinds[1]);
    as_rl_stats one, both;
    learner l;
    double each[2] = { 0 };
    o.ptx_coef = 0.5;
    o.ptx_batch = 1;
    for (int k = 0; k < 2; k++) {
        learner_open(&l, &model, &training, &o, &texts);
        as_rl_set_state(l.rl, (as_rl_state){ .updates = (uint64_t)k, .kl_coef = o.kl_coef });
        learner_step_made(&l, &base, &one);
        each[k] = one.ptx_loss;
        learner_close(&l);
    }
    assert_true(fabs(each[0] - each[1]) > 1e-3);
    o.epochs = 2;
    learner_open(&l, &model, &training, &o, &texts);
    learner_step_made(&l, &base, &both);
    same(both.ptx_loss, (each[0] + each[1]) / 2);
    learner_close(&l);
    as_run_options small = training;
    const as_rl_rewards rewards = { .score = base.score };
    rows[0].n = 9; /* both texts as one */
    rows[1] = rows[0];
    small.tokens = 20;
    small.seqs = 2;
    small.rows = 5;
    o.epochs = 1;
    learner_open(&l, &model, &small, &o, &texts);
    made b = base;
    as_err e = { 0 };
    for (size_t r = 0; r < 8; r++)
        b.rows[r].n = b.rows[r].n > 5 ? 5 : b.rows[r].n;
    b.r.rows = b.rows;
    rows[0].n_learned = rows[1].n_learned = 6;
    assert_int_equal(as_rl_step(l.rl, 1, &b.r, &rewards, &one, &e), AS_EUSAGE);
    assert_non_null(strstr(e.text, "a text of 9 tokens does not fit"));
    b.rows[2].n = 6;
    e = (as_err){ 0 };
    assert_int_equal(as_rl_step(l.rl, 1, &b.r, &rewards, &one, &e), AS_EUSAGE);
    assert_non_null(strstr(e.text, "a response of 6 tokens"));
    learner_close(&l);
}

/* ---- what does not go together ---- */

static void refuse(const as_rl_options *o, const char *says)
{
    as_rl *rl = NULL;
    as_err e = { 0 };
    const as_rl_parts parts = { .limits = training };
    assert_int_equal(as_rl_new(&rl, &parts, o, &e), AS_EUSAGE);
    if (!strstr(e.text, says))
        fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void refusals(void **state)
{
    (void)state;
    as_rl_options o = golden_options(&kinds[0]);
    refuse(&o, "reference");
    o = rl_still();
    o.estimator = AS_EST_GAE;
    refuse(&o, "critic");
    o = rl_still();
    o.importance_cap = 2;
    refuse(&o, "recomputed");
    o = rl_still();
    o.temperature = 0;
    refuse(&o, "temperature");
    o = rl_still();
    o.epochs = 0;
    refuse(&o, "at least once");
    o = rl_still();
    o.ptx_coef = 1;
    refuse(&o, "texts");
    o = rl_still();
    o.longest = 0;
    o.overlong_buffer = 1;
    refuse(&o, "longest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens),
        cmocka_unit_test(slopes),
        cmocka_unit_test(same_for_any_split),
        cmocka_unit_test(same_for_any_order),
        cmocka_unit_test(unscored_rows_are_not_there),
        cmocka_unit_test(rows_without_tokens),
        cmocka_unit_test(equal_rewards_teach_nothing),
        cmocka_unit_test(chance_pulls_nowhere),
        cmocka_unit_test(every_option_counts),
        cmocka_unit_test(updates_are_counted),
        cmocka_unit_test(state_counts),
        cmocka_unit_test(goes_on),
        cmocka_unit_test(not_a_number),
        cmocka_unit_test(texts_are_learned_too),
        cmocka_unit_test(texts_follow_one_another),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
