/* test_train_rl_plain.c -- the step against the same written down plainly: random batches with rows
 * that are not scored, cut off or empty, random options; every figure it tells and the whole
 * gradient. SPDX-License-Identifier: Apache-2.0 */
#include "rl_step.h"

enum { N_GROUPS = 3, N_EACH = 4, N_ROWS = N_GROUPS * N_EACH, MOST_LEN = 6, TRIALS = 24 };

static tiny_model model;

static const as_run_options roomy = {
    .tokens = 200, .seqs = N_ROWS + N_GROUPS, .rows = 100, .trains = true
};
static const as_run_options narrow = { .tokens = 26, .seqs = 2, .rows = 11, .trains = true };

static int open_model(void **state)
{
    (void)state;
    tiny_open(&model, "tiny_llama", "", "naive-f64", K_F64);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    tiny_close(&model);
    return 0;
}

/* ---- a batch ---- */

typedef struct trial {
    made b;
    batch all; /* the rows that have tokens, for a pass */
    size_t row_of[N_ROWS + 1];
    double logp[ROWS_MOST], entropy[ROWS_MOST]; /* of the policy as it is, by all.first_row */
    double greedy[N_GROUPS];
    as_rl_options o;
} trial;

static uint64_t below(as_rng *r, uint64_t n)
{
    return as_rng_below(r, n);
}

static double around(as_rng *r, double x, double by)
{
    return x + by * (2 * as_rng_double(r) - 1);
}

static void make_rows(trial *t, as_rng *r)
{
    made_start(&t->b, N_GROUPS, N_EACH);
    for (size_t g = 0; g < N_GROUPS; g++) {
        int32_t ids[4];
        const size_t n = 2 + g;
        for (size_t i = 0; i < n; i++)
            ids[i] = (int32_t)below(r, 300);
        made_prompt(&t->b, g, ids, n);
        t->greedy[g] = g == 2 && below(r, 2) ? (double)NAN : (double)below(r, 2);
    }
    const size_t equal = below(r, N_GROUPS + 1); /* a group whose scores are equal, or none */
    const size_t lost =
        below(r, (uint64_t)2 * N_GROUPS); /* a group of which no row was scored, or none */
    for (size_t row = 0; row < N_ROWS; row++) {
        int32_t ids[4 + MOST_LEN];
        const size_t n = below(r, 8) ? 1 + below(r, MOST_LEN) : 0, g = row / N_EACH;
        const size_t before = t->b.items[g].n_ids;
        memcpy(ids, t->b.items[g].ids, before * sizeof *ids);
        for (size_t i = 0; i < n; i++)
            ids[before + i] = (int32_t)below(r, 300);
        (void)made_row(&t->b, row, ids + before, n);
        t->b.rows[row].finish = below(r, 4) ? AS_FINISH_STOP : AS_FINISH_LENGTH;
        t->b.is_out[row] = g == lost || below(r, 6) == 0;
        t->b.score[row] = t->b.is_out[row] ? (double)NAN
                          : g == equal     ? 1
                                           : 0.25 * (double)below(r, 5);
        t->row_of[t->all.n_seqs] = row;
        if (n)
            add(&t->all, ids, (int32_t)(before + n), (int32_t)before);
    }
}

static void numbers(trial *t, as_rng *r)
{
    as_packed packed = packed_of(&t->all);
    as_run *run = tiny_run(&model, &roomy);
    MUST(as_run_forward(run, &packed, err));
    MUST(as_run_logprob(run, t->o.temperature, t->logp, t->entropy, err));
    as_run_free(run);
    for (int32_t s = 0; s < t->all.n_seqs; s++) {
        const as_rollout *row = &t->b.rows[t->row_of[s]];
        for (uint32_t i = 0; i < row->n; i++) {
            const double now = t->logp[t->all.first_row[s] + (int32_t)i];
            t->b.old[row->begin + i] = around(r, now, 0.4);
            t->b.reference[row->begin + i] = around(r, now, 0.6);
            t->b.logp[row->begin + i] = (float)around(r, now, 0.5);
            t->b.entropy[row->begin + i] = (float)as_rng_double(r);
        }
    }
}

static void make_options(trial *t, as_rng *r, unsigned number)
{
    static const as_estimator estimators[] = { AS_EST_GRPO,         AS_EST_RLOO,
                                               AS_EST_REINFORCE_PP, AS_EST_REINFORCE_PP_BASELINE,
                                               AS_EST_REMAX,        AS_EST_PASSK };
    as_rl_options *o = &t->o;
    *o = rl_still();
    o->estimator = estimators[number % 6];
    o->scale = (as_scale)below(r, 3);
    o->gamma = 0.9;
    o->zero_groups = (as_zero_groups)below(r, 3);
    o->masks_truncated = below(r, 2);
    o->overlong_buffer = below(r, 2) ? 3 : 0;
    o->overlong_factor = 0.5;
    o->reward_clip = below(r, 3) ? 0 : 0.4;
    o->longest = MOST_LEN;
    o->is_sequence_ratio = below(r, 4) == 0;
    o->clip = (as_clip){ .low = 0.1, .high = 0.15, .dual = below(r, 2) ? 1.2 : 0 };
    o->aggregation = (as_aggregation)below(r, 5);
    o->entropy_coef = below(r, 2) ? 0.05 : 0;
    o->kl_place = (as_kl_place)below(r, 3);
    o->kl_kind = (as_kl_kind)below(r, 4);
    o->kl_coef = 0.3;
    o->kl_with_ratio = below(r, 2);
    o->kl_target = 0.01;
    o->kl_horizon = 100;
    o->recomputes_old = below(r, 2);
    o->importance_cap = o->recomputes_old && below(r, 2) ? 1.3 : 0;
    o->temperature = 0.8;
}

/* ---- the same, plainly ---- */

typedef struct plain {
    as_rl_stats s;
    double coef[ROWS_MOST], ecoef[ROWS_MOST]; /* by all.first_row */
    bool is_out[N_ROWS], no_loss[N_ROWS];
    double reward[N_ROWS], whole[N_ROWS], advantage[N_ROWS][MOST_LEN];
} plain;

static size_t index_of(const trial *t, size_t row)
{
    for (int32_t s = 0; s < t->all.n_seqs; s++)
        if (t->row_of[s] == row)
            return (size_t)t->all.first_row[s];
    return 0;
}

static double kl_of(const trial *t, size_t row, size_t i)
{
    const size_t at = t->b.rows[row].begin + i;
    return as_kl(t->o.kl_kind, t->b.old[at], t->b.reference[at]);
}

/* least > most: nobody was scored. */
static void range_of(const trial *t, size_t group, double *least, double *most)
{
    *least = 9;
    *most = -9;
    for (size_t row = group * N_EACH; row < (group + 1) * N_EACH; row++) {
        *least = t->b.is_out[row] ? *least : fmin(*least, t->b.score[row]);
        *most = t->b.is_out[row] ? *most : fmax(*most, t->b.score[row]);
    }
}

static void plain_rewards(const trial *t, plain *p)
{
    for (size_t row = 0; row < N_ROWS; row++) {
        const as_rollout *r = &t->b.rows[row];
        p->is_out[row] =
            t->b.is_out[row] || (t->o.estimator == AS_EST_REMAX && isnan(t->greedy[row / N_EACH]));
        p->no_loss[row] = p->is_out[row] || (t->o.masks_truncated && r->finish == AS_FINISH_LENGTH);
        double least, most;
        range_of(t, row / N_EACH, &least, &most);
        if (t->o.zero_groups != AS_ZERO_KEEP && !(least < most))
            p->no_loss[row] = true;
        if (row % N_EACH == 0) {
            p->s.all_out += least > most;
            p->s.groups += least <= most;
            p->s.zero_groups += least == most;
        }
        p->reward[row] = t->b.is_out[row] ? 0 : t->b.score[row];
        if (t->o.overlong_buffer && r->n > MOST_LEN - 3)
            p->reward[row] -= 0.5 * ((double)r->n - (MOST_LEN - 3)) / 3;
        if (t->o.reward_clip > 0)
            p->reward[row] = fmax(-0.4, fmin(p->reward[row], 0.4));
        p->whole[row] = p->reward[row];
        for (size_t i = 0; i < r->n && t->o.kl_place == AS_KL_IN_REWARD; i++)
            p->whole[row] -= t->o.kl_coef * kl_of(t, row, i);
    }
}

/* The rewards of the step's figures are those of rows that were scored, greedy or not. */
static void plain_figures(const trial *t, plain *p)
{
    double n = 0, sum = 0, squares = 0;
    p->s.reward_min = 9;
    p->s.reward_max = -9;
    for (size_t row = 0; row < N_ROWS; row++) {
        if (t->b.is_out[row])
            continue;
        n++;
        sum += p->reward[row];
        squares += p->reward[row] * p->reward[row];
        p->s.reward_min = fmin(p->s.reward_min, p->reward[row]);
        p->s.reward_max = fmax(p->s.reward_max, p->reward[row]);
    }
    p->s.reward_mean = sum / n;
    p->s.reward_std = sqrt((squares - sum * sum / n) / (n - 1));
}

/* mean and Bessel's deviation of x over the rows of a group that count, or of all */
static void moments(const plain *p, const double *x, size_t from, size_t to, double *mean,
                    double *deviation, double *count)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t row = from; row < to; row++)
        if (!p->is_out[row]) {
            n++;
            sum += x[row];
        }
    for (size_t row = from; row < to; row++)
        squares += p->is_out[row] ? 0 : (x[row] - sum / n) * (x[row] - sum / n);
    *mean = sum / n;
    *deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
    *count = n;
}

static double second_best(const plain *p, size_t from, size_t best)
{
    double out = -(double)INFINITY;
    for (size_t row = from; row < from + N_EACH; row++)
        if (row != best && !p->is_out[row])
            out = fmax(out, p->whole[row]);
    return out;
}

/* Of estimators that look at rows. */
static double of_row(const trial *t, const plain *p, size_t row)
{
    const size_t from = row / N_EACH * N_EACH;
    double mean, deviation, n, all_mean, all_deviation, all;
    moments(p, p->whole, from, from + N_EACH, &mean, &deviation, &n);
    moments(p, p->whole, 0, N_ROWS, &all_mean, &all_deviation, &all);
    if (p->is_out[row] || n < 2 || deviation == 0)
        return 0;
    const double centred = p->whole[row] - mean;
    if (t->o.estimator == AS_EST_RLOO)
        return p->whole[row] - (mean * n - p->whole[row]) / (n - 1);
    if (t->o.estimator == AS_EST_PASSK) {
        const double second = second_best(p, from, row);
        return p->whole[row] > second ? (p->whole[row] - second) / (deviation + 1e-6) : 0;
    }
    if (t->o.estimator != AS_EST_GRPO || t->o.scale == AS_SCALE_NONE)
        return centred;
    return centred / ((t->o.scale == AS_SCALE_BATCH ? all_deviation : deviation) + 1e-6);
}

/* The sum of what comes from token i on. */
static double return_of(const trial *t, const plain *p, size_t row, size_t i)
{
    const size_t n = t->b.rows[row].n;
    const double gamma = t->o.estimator == AS_EST_REMAX ? 1 : t->o.gamma;
    double sum = 0;
    for (size_t j = i; j < n; j++) {
        double reward = j + 1 == n ? p->reward[row] : 0;
        if (t->o.kl_place == AS_KL_IN_REWARD)
            reward -= t->o.kl_coef * kl_of(t, row, j);
        sum += pow(gamma, (double)(j - i)) * reward;
    }
    return sum;
}

static void whiten(const trial *t, plain *p)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t row = 0; row < N_ROWS; row++)
        for (size_t i = 0; i < t->b.rows[row].n && !p->is_out[row]; i++) {
            n++;
            sum += p->advantage[row][i];
        }
    for (size_t row = 0; row < N_ROWS; row++)
        for (size_t i = 0; i < t->b.rows[row].n && !p->is_out[row]; i++)
            squares += pow(p->advantage[row][i] - sum / n, 2);
    for (size_t row = 0; row < N_ROWS; row++)
        for (size_t i = 0; i < t->b.rows[row].n; i++)
            p->advantage[row][i] =
                p->is_out[row] ? 0
                               : (p->advantage[row][i] - sum / n) / sqrt(squares / (n - 1) + 1e-8);
}

static void plain_advantages(const trial *t, plain *p)
{
    const as_estimator e = t->o.estimator;
    for (size_t row = 0; row < N_ROWS; row++)
        for (size_t i = 0; i < t->b.rows[row].n; i++) {
            double a = e == AS_EST_REINFORCE_PP || e == AS_EST_REMAX ? return_of(t, p, row, i)
                                                                     : of_row(t, p, row);
            if (e == AS_EST_REMAX)
                a -= t->o.reward_clip > 0 ? fmin(t->greedy[row / N_EACH], 0.4)
                                          : t->greedy[row / N_EACH];
            p->advantage[row][i] = p->is_out[row] ? 0 : a;
        }
    if (e == AS_EST_REINFORCE_PP || e == AS_EST_REINFORCE_PP_BASELINE)
        whiten(t, p);
}

static double weight_of(const trial *t, const plain *p, size_t row)
{
    double rows = 0, tokens = 0;
    for (size_t r = 0; r < N_ROWS; r++) {
        rows += !p->no_loss[r] && t->b.rows[r].n;
        tokens += p->no_loss[r] ? 0 : t->b.rows[r].n;
    }
    switch (t->o.aggregation) {
    case AS_TOKEN_MEAN:
        return 1 / tokens;
    case AS_SEQ_MEAN_TOKEN_SUM:
        return 1 / rows;
    case AS_SEQ_MEAN_TOKEN_MEAN:
        return 1 / rows / t->b.rows[row].n;
    case AS_SEQ_SUM_NORM:
        return 1.0 / MOST_LEN;
    case AS_SEQ_MEAN_NORM:
        return 1 / rows / MOST_LEN;
    }
    return 0;
}

/* -min(ratio A, clipped A), at most -dual A; its derivative by the log of the ratio. */
static double surrogate(const as_clip *c, double ratio, double a, double *slope, bool *clipped,
                        bool *dual)
{
    const double inside = fmin(fmax(ratio, 1 - c->low), 1 + c->high);
    double loss = -ratio * a;
    *slope = loss;
    *clipped = -inside * a > loss;
    *dual = false;
    if (*clipped) {
        loss = -inside * a;
        *slope = 0;
    }
    if (c->dual > 0 && a < 0 && loss > -c->dual * a) {
        loss = -c->dual * a;
        *slope = 0;
        *dual = true;
    }
    return loss;
}

static bool says_nothing(const trial *t, const plain *p, size_t row)
{
    bool is_zero = t->o.kl_place != AS_KL_IN_LOSS && t->o.entropy_coef == 0;
    for (size_t i = 0; i < t->b.rows[row].n; i++)
        is_zero = is_zero && p->advantage[row][i] == 0;
    return is_zero;
}

static void plain_row(const trial *t, plain *p, size_t row, double *n_clipped, double *n_dual,
                      double *n_computed)
{
    const as_rollout *r = &t->b.rows[row];
    const size_t at = index_of(t, row);
    const double w = weight_of(t, p, row);
    double mean = 0, mean_kl = 0;
    for (size_t i = 0; i < r->n; i++)
        mean_kl +=
            as_kl(t->o.kl_kind, t->logp[at + i], t->b.reference[r->begin + i]) / (double)r->n;
    for (size_t i = 0; i < r->n; i++)
        mean += (t->logp[at + i] - t->b.old[r->begin + i]) / r->n;
    for (size_t i = 0; i < r->n; i++) {
        const double now = t->logp[at + i], old = t->b.old[r->begin + i];
        const double x = t->o.is_sequence_ratio ? mean : now - old;
        const double a = p->advantage[row][t->o.is_sequence_ratio ? 0 : i];
        bool clipped, dual;
        double slope, by = w;
        const double loss = surrogate(&t->o.clip, exp(x), a, &slope, &clipped, &dual);
        if (t->o.importance_cap > 0)
            by *= fmin(exp(old - (double)t->b.logp[r->begin + i]), t->o.importance_cap);
        p->s.policy_loss += by * loss;
        p->coef[at + i] = by * slope;
        p->s.loss += by * loss;
        if (t->o.kl_place == AS_KL_IN_LOSS) {
            const double ref = t->b.reference[r->begin + i], kl = as_kl(t->o.kl_kind, now, ref);
            const double times = t->o.kl_with_ratio ? exp(x) : 1;
            p->s.kl_loss += w * times * kl;
            p->s.loss += w * t->o.kl_coef * times * kl;
            const double by_ratio = t->o.is_sequence_ratio ? mean_kl : kl;
            p->coef[at + i] +=
                w * t->o.kl_coef *
                (t->o.kl_with_ratio ? exp(x) * (as_kl_gradient(t->o.kl_kind, now, ref) + by_ratio)
                                    : as_kl_gradient(t->o.kl_kind, now, ref));
        }
        p->ecoef[at + i] = -w * t->o.entropy_coef;
        p->s.loss -= w * t->o.entropy_coef * t->entropy[at + i];
        *n_clipped += clipped;
        *n_dual += dual;
        *n_computed += 1;
        p->s.ppo_kl -= x;
        p->s.ratio_min = fmin(p->s.ratio_min, exp(x));
        p->s.ratio_max = fmax(p->s.ratio_max, exp(x));
        if (!t->o.recomputes_old)
            p->s.sampler_difference = fmax(p->s.sampler_difference, fabs(now - old));
    }
}

static void plain_loss(const trial *t, plain *p)
{
    double n_clipped = 0, n_dual = 0, n_computed = 0, kl = 0, entropy = 0, sum = 0;
    p->s.ratio_min = p->s.advantage_min = (double)INFINITY;
    p->s.ratio_max = p->s.advantage_max = -(double)INFINITY;
    for (size_t row = 0; row < N_ROWS; row++) {
        const as_rollout *r = &t->b.rows[row];
        if (p->no_loss[row])
            continue;
        p->s.responses++;
        p->s.tokens += r->n;
        for (size_t i = 0; i < r->n; i++) {
            kl += kl_of(t, row, i);
            entropy += (double)t->b.entropy[r->begin + i];
            sum += p->advantage[row][i];
            p->s.advantage_min = fmin(p->s.advantage_min, p->advantage[row][i]);
            p->s.advantage_max = fmax(p->s.advantage_max, p->advantage[row][i]);
        }
        if (r->n && !says_nothing(t, p, row))
            plain_row(t, p, row, &n_clipped, &n_dual, &n_computed);
    }
    const double n = (double)p->s.tokens;
    p->s.kl = t->o.kl_place == AS_KL_OFF ? (double)NAN : kl / n;
    p->s.entropy = entropy / n;
    p->s.advantage_mean = sum / n;
    p->s.clip_fraction = n_clipped / n;
    p->s.clip_fraction_low = n_dual / n;
    p->s.ppo_kl /= n_computed;
    if (n_computed == 0)
        p->s.ratio_min = p->s.ratio_max = (double)NAN;
}

/* ---- both ---- */

static double *plain_gradient(const trial *t, const plain *p)
{
    as_packed packed = packed_of(&t->all);
    double ignored[ROWS_MOST];
    void *grads = zeroed_grads(&model);
    as_run *run = tiny_run(&model, &roomy);
    MUST(as_run_forward(run, &packed, err));
    MUST(as_run_logprob(run, t->o.temperature, ignored, NULL, err));
    MUST(as_run_backward(run, p->coef, p->ecoef, grads, err));
    double *out = host_grads(&model, grads);
    as_run_free(run);
    model.dev->ops->free(model.dev, grads);
    return out;
}

static void alike(double got, double want, unsigned trial_no, const char *what)
{
    if (!(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))) && !(isnan(got) && isnan(want)))
        fail_msg("trial %u: %s is %.12g, plainly %.12g", trial_no, what, got, want);
}

static void compare(const as_rl_stats *got, const as_rl_stats *want, unsigned no)
{
#define SAME(member) alike((double)got->member, (double)want->member, no, #member)
    SAME(tokens);
    SAME(responses);
    SAME(groups);
    SAME(zero_groups);
    SAME(all_out);
    SAME(reward_mean);
    SAME(reward_std);
    SAME(reward_min);
    SAME(reward_max);
    SAME(kl);
    if (want->tokens == 0)
        return; /* nothing was learned, and got->loss is NaN */
    SAME(entropy);
    SAME(advantage_min);
    SAME(advantage_max);
    SAME(advantage_mean);
    SAME(loss);
    SAME(policy_loss);
    SAME(kl_loss);
    SAME(ppo_kl);
    SAME(clip_fraction);
    SAME(clip_fraction_low);
    SAME(ratio_min);
    SAME(ratio_max);
    SAME(sampler_difference);
#undef SAME
}

/* The coefficient follows the mean over rows of the mean over tokens. */
static void check_adapted(const learner *l, const trial *t, unsigned no)
{
    double sum = 0, n = 0;
    for (size_t row = 0; row < N_ROWS; row++) {
        const size_t length = t->b.rows[row].n;
        n += !l->rl->b.is_out[row] && length;
        for (size_t i = 0; i < length && !l->rl->b.is_out[row]; i++)
            sum += kl_of(t, row, i) / (double)length;
    }
    const double want = as_kl_adapt(0.3, sum / n, t->o.kl_target, n, 100);
    if (t->o.kl_place != AS_KL_OFF)
        alike(as_rl_get_state(l->rl).kl_coef, want, no, "the coefficient of KL");
}

static void run_trial(unsigned no)
{
    static trial t;
    static plain p;
    as_rng r = as_rng_at(77, no);
    t = (trial){ .all = { .n_seqs = 0 } };
    p = (plain){ .s = { 0 } };
    make_options(&t, &r, no);
    make_rows(&t, &r);
    numbers(&t, &r);
    plain_rewards(&t, &p);
    plain_figures(&t, &p);
    plain_advantages(&t, &p);
    plain_loss(&t, &p);

    learner l;
    as_rl_stats s = { 0 };
    learner_open(&l, &model, no % 2 ? &narrow : &roomy, &t.o, NULL);
    const as_rl_rewards rewards = { .score = t.b.score, .is_out = t.b.is_out, .greedy = t.greedy };
    learner_step_with(&l, &t.b, &rewards, &s);
    compare(&s, &p.s, no);
    assert_int_equal(s.updates, p.s.tokens > 0);
    if (s.updates) {
        double *got = host_grads(&model, l.optimizer->grads), *want = plain_gradient(&t, &p);
        for (size_t i = 0; i < model.index->n_elements; i++)
            alike(got[i], want[i], no, "a gradient");
        as_free(got);
        as_free(want);
    }
    check_adapted(&l, &t, no);
    learner_close(&l);
}

static void plainly_the_same(void **state)
{
    (void)state;
    for (unsigned no = 0; no < TRIALS; no++)
        run_trial(no);
}

/* ---- mini-batches ---- */

/* Which group an update of its own had: the only one whose gradient is there. */
static size_t last_group(const made *b, uint64_t step, uint64_t epochs)
{
    as_rl_options o = rl_still();
    as_rl_stats s;
    learner l;
    o.mini_batch = 1;
    o.epochs = epochs;
    learner_open(&l, &model, &roomy, &o, NULL);
    const as_rl_rewards rewards = { .score = b->score };
    MUST(as_rl_step(l.rl, step, &b->r, &rewards, &s, err));
    assert_int_equal(s.updates, 2 * epochs);
    const size_t group = l.rl->b.order[1];
    for (size_t row = 0; row < 8; row++)
        assert_true(l.rl->b.is_out_here[row] == (row / 4 != group));
    learner_close(&l);
    return group;
}

static void mini_batches_take_turns(void **state)
{
    (void)state;
    made b;
    cJSON *root = tiny_golden("tiny_llama", "golden_grpo.json");
    made_golden(&b, golden_member(root, "batch"));
    size_t last[2] = { 0 }, changed = 0;
    for (uint64_t step = 1; step <= 8; step++) {
        const size_t first = last_group(&b, step, 1), second = last_group(&b, step, 2);
        last[first]++;
        changed += first != second;
    }
    assert_true(last[0] > 1 && last[1] > 1 && changed > 1);
    cJSON_Delete(root);
}

/* Sums over updates become means; ratios move once weights have. */
static void figures_of_several_updates(void **state)
{
    (void)state;
    made b;
    cJSON *root = tiny_golden("tiny_llama", "golden_grpo.json");
    made_golden(&b, golden_member(root, "batch"));
    as_rl_options o = rl_still();
    as_rl_stats once, twice;
    o.kl_place = AS_KL_IN_LOSS;
    o.kl_coef = 0.1;
    as_free(gradient_of(&model, &b, &o, &roomy, &once));
    o.epochs = 2; /* nothing moves at a learning rate of 0 */
    as_free(gradient_of(&model, &b, &o, &roomy, &twice));
    alike(twice.loss, once.loss, 0, "loss");
    alike(twice.kl_loss, once.kl_loss, 0, "kl_loss");
    alike(twice.policy_loss, once.policy_loss, 0, "policy_loss");
    alike(twice.grad_norm, once.grad_norm, 0, "grad_norm");
    alike(twice.clip_fraction, once.clip_fraction, 0, "clip_fraction");
    assert_true(twice.updates == 2 && twice.tokens == once.tokens);
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plainly_the_same),
        cmocka_unit_test(mini_batches_take_turns),
        cmocka_unit_test(figures_of_several_updates),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
