/* test_train_losses.c -- the losses against the goldens, and every derivative against differences
 * of its loss. SPDX-License-Identifier: Apache-2.0 */
#include "rl_rows.h"
#include "train/kl.h"
#include "train/loss.h"
#include "train/policy_loss.h"

#include <math.h>

static cJSON *goldens;

static const cJSON *golden(const char *key)
{
    return golden_member(goldens, key);
}

static int set_up(void **state)
{
    (void)state;
    goldens = golden_json("goldens.json");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cJSON_Delete(goldens);
    return 0;
}

static void check_aggregations(const rl_rows *b, const double *loss, const cJSON *want,
                               const char *what)
{
    static const char *const names[] = { [AS_TOKEN_MEAN] = "token-mean",
                                         [AS_SEQ_MEAN_TOKEN_SUM] = "seq-mean-token-sum",
                                         [AS_SEQ_MEAN_TOKEN_MEAN] = "seq-mean-token-mean",
                                         [AS_SEQ_SUM_NORM] = "seq-mean-token-sum-norm" };
    for (int how = 0; how < 4; how++) {
        double weight[MOST_ROWS], sum = 0;
        as_token_weights(&b->rows, (as_aggregation)how, b->width, weight);
        for (size_t r = 0; r < b->rows.n; r++)
            for (size_t t = b->first[r]; t < b->first[r + 1]; t++)
                sum += weight[r] * loss[t];
        rl_near_one(sum, golden_number(want, names[how]), 1e-7,
                    what); /* verl adds 1e-8 to what it divides by */
    }
}

static void test_policy_loss(void **state)
{
    (void)state;
    const struct {
        const char *key;
        as_clip clip;
    } cases[] = { { "ppo_0.2", { 0.2, 0.2, 0 } },
                  { "dapo_clip_higher_0.2_0.28", { 0.2, 0.28, 0 } },
                  { "dual_clip_c3", { 0.2, 0.2, 3 } } };
    const cJSON *g = golden("policy_loss");
    rl_rows b;
    double logp[MOST_TOKENS] = { 0 }, old[MOST_TOKENS] = { 0 }, advantage[MOST_TOKENS] = { 0 },
           ratio[MOST_TOKENS], loss[MOST_TOKENS];
    rl_rows_of(&b, golden_member(g, "mask"), NULL);
    rl_tokens_of(&b, golden_member(g, "logp"), logp);
    rl_tokens_of(&b, golden_member(g, "old_logp"), old);
    rl_tokens_of(&b, golden_member(g, "advantage"), advantage);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t n = b.first[b.rows.n];
        size_t clipped = 0, dual = 0;
        double kl = 0;
        for (size_t t = 0; t < n; t++) {
            const as_token_loss l = as_policy_loss(logp[t], old[t], advantage[t], cases[i].clip);
            loss[t] = l.loss;
            ratio[t] = l.ratio;
            clipped += l.is_clipped;
            dual += l.is_dual;
            kl -= l.log_ratio / (double)n;
        }
        const cJSON *want = golden_member(g, cases[i].key);
        rl_near_tokens(&b, ratio, golden_member(g, "ratio"), 1e-12, "ratio");
        rl_near_tokens(&b, loss, golden_member(want, "per_token"), 1e-12, cases[i].key);
        check_aggregations(&b, loss, want, cases[i].key);
        if (cases[i].clip.dual > 0) {
            rl_near_one((double)clipped / (double)n, golden_number(want, "clipfrac"), 1e-7,
                        "clipfrac");
            rl_near_one((double)dual / (double)n, golden_number(want, "clipfrac_lower"), 1e-7,
                        "clipfrac_lower");
            rl_near_one(kl, golden_number(want, "approx_kl"), 1e-7, "approx_kl");
        }
        if (i == 0) {
            double weight[MOST_ROWS], sum = 0;
            as_token_weights(&b.rows, AS_SEQ_MEAN_NORM, 4, weight);
            for (size_t r = 0; r < b.rows.n; r++)
                for (size_t t = b.first[r]; t < b.first[r + 1]; t++)
                    sum += weight[r] * loss[t];
            rl_near_one(sum, golden_number(g, "dr_grpo_trl_Lmax4"), 1e-12, "TRL's dr_grpo");
        }
    }
}

static void test_policy_gradient(void **state)
{
    (void)state;
    const as_clip clips[] = { { 0.2, 0.2, 0 }, { 0.2, 0.28, 3 }, { 1e-3, 1e-3, 0 } };
    const double h = 1e-6;
    size_t n_free = 0, n_held = 0;
    for (size_t c = 0; c < 3; c++)
        for (int a = -1; a <= 1; a++)
            for (int i = 0; i < 41; i++) {
                const double x = -2.05 + 0.1 * i;
                const as_token_loss l = as_policy_loss(x - 1, -1, a, clips[c]);
                const double up = as_policy_loss(x - 1 + h, -1, a, clips[c]).loss,
                             down = as_policy_loss(x - 1 - h, -1, a, clips[c]).loss;
                rl_near_one(l.gradient, (up - down) / (2 * h), 1e-5, "policy gradient");
                n_free += l.gradient != 0;
                n_held += l.gradient == 0 && a != 0;
            }
    assert_true(n_free > 40 && n_held > 40);
    const as_token_loss far = as_policy_loss(30, 0, -1, clips[0]);
    assert_true(far.gradient == 0 && far.loss == exp(20) && far.log_ratio == 30);
    const as_token_loss on = as_policy_loss(-3, -3, 0.7, clips[0]); /* on policy: REINFORCE */
    assert_true(on.ratio == 1 && on.gradient == -0.7 && !on.is_clipped);
}

static void test_gspo(void **state)
{
    (void)state;
    const cJSON *g = golden("policy_loss"), *want = golden("gspo");
    rl_rows b;
    double logp[MOST_TOKENS] = { 0 }, old[MOST_TOKENS] = { 0 }, advantage[MOST_TOKENS] = { 0 },
           weight[MOST_ROWS], ratio[MOST_ROWS], sum = 0;
    rl_rows_of(&b, golden_member(g, "mask"), NULL);
    rl_tokens_of(&b, golden_member(g, "logp"), logp);
    rl_tokens_of(&b, golden_member(g, "old_logp"), old);
    rl_tokens_of(&b, golden_member(g, "advantage"), advantage);
    as_token_weights(&b.rows, AS_SEQ_MEAN_TOKEN_MEAN, 0, weight);
    for (size_t r = 0; r < b.rows.n; r++) {
        const size_t at = b.first[r], n = as_row_length(&b.rows, r);
        const as_token_loss l = as_policy_loss_sequence(&logp[at], &old[at], n, advantage[at],
                                                        (as_clip){ 3e-4, 4e-4, 0 });
        ratio[r] = l.ratio;
        sum += weight[r] * (double)n * l.loss;
    }
    rl_near_row(ratio, golden_member(want, "seq_ratio"), 1e-12, "ratio");
    rl_near_one(sum, golden_number(want, "loss_seq_mean_token_mean"), 1e-7, "gspo");
    /* the row's loss is (1/n) sum of its tokens' losses; each log-probability is 1/n of the mean
     * log-ratio */
    double lp[3] = { -1.1, -0.4, -2 };
    const double lo[3] = { -1, -0.5, -2.1 }, h = 1e-6;
    for (int a = -1; a <= 1; a += 2)
        for (size_t t = 0; t < 3; t++) {
            const as_clip wide = { 0.2, 0.2, 0 };
            const double gradient = as_policy_loss_sequence(lp, lo, 3, a, wide).gradient / 3,
                         was = lp[t];
            lp[t] = was + h;
            const double up = as_policy_loss_sequence(lp, lo, 3, a, wide).loss;
            lp[t] = was - h;
            const double down = as_policy_loss_sequence(lp, lo, 3, a, wide).loss;
            lp[t] = was;
            rl_near_one(gradient, (up - down) / (2 * h), 1e-7, "gspo's gradient");
        }
}

static void test_weights(void **state)
{
    (void)state;
    const size_t first[] = { 0, 2, 2, 5, 6 };
    const uint32_t group[] = { 0, 0, 0, 0 };
    const bool is_out[] = { false, false, true, false };
    const as_rows rows = { .n = 4, .first = first, .group = group, .is_out = is_out };
    double w[4];
    as_token_weights(&rows, AS_TOKEN_MEAN, 8, w); /* three tokens count, in two rows */
    rl_near(w, (double[]){ 1. / 3, 0, 0, 1. / 3 }, 4, 1e-15, "token mean");
    as_token_weights(&rows, AS_SEQ_MEAN_TOKEN_MEAN, 8, w);
    rl_near(w, (double[]){ 0.25, 0, 0, 0.5 }, 4, 1e-15, "mean of means");
    as_token_weights(&rows, AS_SEQ_MEAN_TOKEN_SUM, 8, w);
    rl_near(w, (double[]){ 0.5, 0, 0, 0.5 }, 4, 1e-15, "mean of sums");
    as_token_weights(&rows, AS_SEQ_SUM_NORM, 8, w);
    rl_near(w, (double[]){ 0.125, 0, 0, 0.125 }, 4, 1e-15, "by the longest");
    as_token_weights(&rows, AS_SEQ_MEAN_NORM, 8, w);
    rl_near(w, (double[]){ 0.0625, 0, 0, 0.0625 }, 4, 1e-15, "by rows and the longest");
    const bool all[] = { true, true, true, true };
    as_token_weights(&(as_rows){ .n = 4, .first = first, .group = group, .is_out = all },
                     AS_TOKEN_MEAN, 8, w);
    rl_near(w, (double[]){ 0, 0, 0, 0 }, 4, 0, "nobody counts");
}

static void test_kl(void **state)
{
    (void)state;
    const cJSON *g = golden("kl");
    const struct {
        const char *key;
        as_kl_kind kind;
    } kinds[] = { { "k1", AS_KL_K1 },
                  { "k2", AS_KL_K2 },
                  { "k3", AS_KL_K3 },
                  { "k3", AS_KL_K3_PLUS },
                  { NULL, AS_KL_ABS } };
    size_t n = 0;
    double *logp = golden_numbers(golden_member(g, "logp"), &n),
           *ref = golden_numbers(golden_member(g, "ref_logp"), &n);
    const double h = 1e-6;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        double got[8] = { 0 };
        for (size_t i = 0; i < n; i++)
            got[i] = as_kl(kinds[k].kind, logp[i], ref[i]);
        if (kinds[k].key)
            rl_near_row(got, golden_member(g, kinds[k].key), 1e-12, kinds[k].key);
        const as_kl_kind of = kinds[k].kind == AS_KL_K3_PLUS ? AS_KL_K2 : kinds[k].kind;
        for (int i = 0; i < 40; i++) {
            const double x = -1.95 + 0.1 * i;
            rl_near_one(as_kl_gradient(kinds[k].kind, x - 1, -1),
                        (as_kl(of, x + h - 1, -1) - as_kl(of, x - h - 1, -1)) / (2 * h), 1e-6,
                        "kl");
        }
    }
    assert_true(as_kl(AS_KL_ABS, 3, 3) == 0 && as_kl_gradient(AS_KL_ABS, 3, 3) == 0);
    const double near_ten = -2.61; /* e^2.61 - 3.61 is below 10, e^2.63 - 3.63 above */
    assert_true(as_kl_gradient(AS_KL_K3, near_ten, 0) == 1 - exp(-near_ten) &&
                as_kl_gradient(AS_KL_K3, -2.63, 0) == 0);
    rl_near_one(as_kl_adapt(2, 6.6, 6, 64, 1000), 2 * (1 + 0.1 * 64 / 1000), 1e-12, "one update");
    assert_true(as_kl(AS_KL_K3, -50, 0) == 10 && as_kl_gradient(AS_KL_K3, -50, 0) == 0);
    assert_true(as_kl(AS_KL_K3, -5, 0) == 10 && as_kl_gradient(AS_KL_K3, -5, 0) == 0);
    as_free(logp);
    as_free(ref);
    const cJSON *adapt = golden("adaptive_kl"), *one;
    double beta = golden_number(adapt, "init");
    cJSON_ArrayForEach(one, golden_member(adapt, "updates")) beta =
        as_kl_adapt(beta, cJSON_GetArrayItem(one, 0)->valuedouble, golden_number(adapt, "target"),
                    cJSON_GetArrayItem(one, 1)->valuedouble, golden_number(adapt, "horizon"));
    rl_near_one(beta, golden_number(adapt, "final"), 1e-12, "adaptive");
}

static void test_value_loss(void **state)
{
    (void)state;
    const cJSON *g = golden("value_loss");
    size_t n = 0;
    double *v = golden_numbers(golden_member(g, "vpred"), &n),
           *old = golden_numbers(golden_member(g, "old_values"), &n),
           *returns = golden_numbers(golden_member(g, "returns"), &n);
    const double range = golden_number(g, "cliprange"), h = 1e-6;
    double half = 0, plain = 0, gradient;
    bool is_clipped;
    for (size_t i = 0; i < n; i++) {
        half += as_value_loss(v[i], old[i], returns[i], (as_value_clip){ range, true }, &gradient,
                              &is_clipped) /
                (double)n;
        plain += as_value_loss(v[i], old[i], returns[i], (as_value_clip){ 0, false }, &gradient,
                               &is_clipped) /
                 (double)n;
        assert_false(is_clipped);
    }
    rl_near_one(half, golden_number(g, "loss_half_mean"), 1e-12, "clipped, halved");
    rl_near_one(plain, golden_number(g, "loss_slides_eq11"), 1e-12, "(11)");
    as_free(v);
    as_free(old);
    as_free(returns);
    size_t n_clipped = 0;
    for (int halved = 0; halved < 2; halved++)
        for (int i = 0; i < 40; i++) {
            const double x = -1.95 + 0.1 * i;
            const as_value_clip clip = { 0.5, halved };
            (void)as_value_loss(x, 0.2, 1.5, clip, &gradient, &is_clipped);
            n_clipped += is_clipped;
            double unused;
            bool also;
            const double up = as_value_loss(x + h, 0.2, 1.5, clip, &unused, &also),
                         down = as_value_loss(x - h, 0.2, 1.5, clip, &unused, &also);
            rl_near_one(gradient, (up - down) / (2 * h), 1e-6, "value gradient");
        }
    assert_true(n_clipped > 4);
    const double r[] = { 1, 0, 2 }, near[] = { 1.1, 0.1, 2.1 }, none[] = { 1, 1, 1 };
    rl_near_one(as_explained_variance(near, r, 3), 1, 1e-9, "all but a constant is explained");
    rl_near_one(as_explained_variance(none, r, 3), 0, 1e-4, "nothing is explained");
    const double of[] = { 1, 0, 2, 5 }, by[] = { 0.5, 1, 1, 4 };
    rl_near_one(as_explained_variance(by, of, 4), 1 - (2.6875 / 3) / (14. / 3 + 1e-5), 1e-12,
                "some of it is");
    assert_true(as_explained_variance(by, of, 1) == 0);
}

static void test_the_others(void **state)
{
    (void)state;
    const cJSON *g = golden("bradley_terry");
    size_t n = 0;
    double *w = golden_numbers(golden_member(g, "r_w"), &n),
           *l = golden_numbers(golden_member(g, "r_l"), &n), mean = 0, gradient, unused;
    for (size_t i = 0; i < n; i++)
        mean += as_preference_loss(w[i], l[i], &gradient) / (double)n;
    rl_near_one(mean, golden_number(g, "loss_mean"), 1e-12, "Bradley-Terry");
    as_free(w);
    as_free(l);
    const double h = 1e-6;
    for (int i = 0; i < 24; i++) {
        const double x = -3 + 0.25 * i;
        (void)as_preference_loss(x, 0.3, &gradient);
        rl_near_one(
            gradient,
            (as_preference_loss(x + h, 0.3, &unused) - as_preference_loss(x - h, 0.3, &unused)) /
                (2 * h),
            1e-7, "its gradient");
    }
    assert_true(as_preference_loss(-2000, 2000, &gradient) == 4000 && gradient == -1);
    assert_true(as_preference_loss(2000, -2000, &gradient) == 0 && gradient == 0);
    const cJSON *t = golden("total_loss");
    const as_loss_terms of = { golden_number(t, "L_policy"), golden_number(t, "L_value"),
                               golden_number(t, "L_ent_minusH"), golden_number(t, "L_ptx") },
                        by = { 1, golden_number(t, "c_v"), golden_number(t, "c_ent"),
                               golden_number(t, "c_ptx") };
    rl_near_one(as_total_loss(&of, &by), golden_number(t, "total"), 1e-12, "(14)");
    rl_near_one(as_entropy_loss((double[]){ 2, 4 }, (double[]){ 0.5, 0.25 }, 2), -2, 0, "(12)");
    rl_near_one(as_ptx_loss((double[]){ -2, -4 }, 2), 3, 0, "(13)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_loss), cmocka_unit_test(test_policy_gradient),
        cmocka_unit_test(test_gspo),        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_kl),          cmocka_unit_test(test_value_loss),
        cmocka_unit_test(test_the_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
