/* test_train_advantage.c -- advantages and returns: the goldens of verl's, TRL's and OpenRLHF's
 * formulas, and what must hold where those are silent: rows that do not count, groups of one,
 * groups that stand mixed. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "rl_rows.h"
#include "train/advantage.h"
#include "train/returns.h"

#include <math.h>
#include <string.h>

static cJSON *goldens;
static rl_rows batch;
static double scores[MOST_ROWS], rewards[MOST_TOKENS];

static const cJSON *golden(const char *key)
{
    return golden_member(goldens, key);
}

static int set_up(void **state)
{
    (void)state;
    goldens = golden_json("goldens.json");
    const cJSON *b = golden("batch");
    size_t n = 0;
    rl_rows_of(&batch, golden_member(b, "response_mask"), golden_member(b, "index"));
    double *x = golden_numbers(golden_member(b, "scores"), &n);
    memcpy(scores, x, n * sizeof *x);
    as_free(x);
    rl_tokens_of(&batch, golden_member(b, "token_level_rewards"), rewards);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cJSON_Delete(goldens);
    return 0;
}

static void test_groups_of_rewards(void **state)
{
    (void)state;
    const struct {
        const char *key;
        as_scale scale;
        double eps;
    } cases[] = { { "grpo_verl", AS_SCALE_GROUP, 1e-6 },
                  { "dr_grpo", AS_SCALE_NONE, 0 },
                  { "grpo_trl", AS_SCALE_GROUP, 1e-4 },
                  { "grpo_trl_scale_batch", AS_SCALE_BATCH, 1e-4 },
                  { "grpo_openrlhf_group_norm", AS_SCALE_GROUP, 1e-9 } };
    double out[MOST_ROWS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            as_advantage_grpo(&batch.rows, scores, cases[i].scale, cases[i].eps, out, NULL), 0);
        rl_near_row(out, golden_member(golden(cases[i].key), "seq_advantage"), 1e-12, cases[i].key);
    }
    assert_int_equal(as_advantage_rloo(&batch.rows, scores, out, NULL), 0);
    rl_near_row(out, golden_member(golden("rloo"), "seq_advantage"), 1e-12, "rloo");
    assert_int_equal(as_advantage_passk(&batch.rows, scores, 1e-6, out, NULL), 0);
    rl_near_row(out, golden_member(golden("grpo_passk"), "seq_advantage"), 1e-12, "grpo_passk");
}

/* Rows of two groups in turn: who stands beside whom does not matter. */
static void test_groups_stand_mixed(void **state)
{
    (void)state;
    rl_rows mixed = batch;
    double reward[MOST_ROWS], out[MOST_ROWS], want[MOST_ROWS];
    mixed.rows.first = mixed.first;
    mixed.rows.group = mixed.group;
    mixed.rows.is_out = NULL;
    for (size_t r = 0; r < 8; r++) {
        mixed.group[r] = r % 2 ? 7 : 3;
        reward[r] = scores[r / 2 + 4 * (r % 2)];
    }
    assert_int_equal(as_advantage_grpo(&batch.rows, scores, AS_SCALE_GROUP, 1e-6, want, NULL), 0);
    assert_int_equal(as_advantage_grpo(&mixed.rows, reward, AS_SCALE_GROUP, 1e-6, out, NULL), 0);
    for (size_t r = 0; r < 8; r++)
        assert_true(out[r] == want[r / 2 + 4 * (r % 2)]);
}

/* A row that was not scored changes nothing, whatever its reward holds, and gets nothing. */
static void test_rows_that_do_not_count(void **state)
{
    (void)state;
    const size_t first[] = { 0, 2, 4, 6, 8 };
    const uint32_t group[] = { 0, 0, 0, 0 };
    const bool is_out[] = { false, true, false, false };
    const as_rows three = { .n = 4, .first = first, .group = group, .is_out = is_out };
    const double reward[] = { 1, (double)NAN, 0, 0 },
                 token[] = { 0, 1, (double)NAN, (double)NAN, 0, 0, 0, 0 };
    double out[8], other[8];
    as_err err = { 0 };
    assert_int_equal(as_advantage_grpo(&three, reward, AS_SCALE_GROUP, 0, out, &err), 0);
    rl_near(out, (double[]){ 2 / sqrt(3), 0, -1 / sqrt(3), -1 / sqrt(3) }, 4, 1e-12, "grpo");
    assert_int_equal(as_advantage_rloo(&three, reward, out, &err), 0);
    rl_near(out, (double[]){ 1, 0, -0.5, -0.5 }, 4, 1e-12, "rloo");
    assert_int_equal(as_advantage_passk(&three, reward, 0, out, &err), 0);
    rl_near(out, (double[]){ sqrt(3), 0, 0, 0 }, 4, 1e-12, "passk");
    as_advantage_reinforce_pp(&three, token, 1, out);
    rl_near(out,
            (double[]){ sqrt(5. / 3), sqrt(5. / 3), 0, 0, -sqrt(5. / 12), -sqrt(5. / 12),
                        -sqrt(5. / 12), -sqrt(5. / 12) },
            8, 1e-6, "reinforce++");
    as_gae(&three, token, token, 1, 1, out, other);
    rl_near(&out[2], (double[]){ 0, 0 }, 2, 0, "gae");
    rl_near(&other[2], (double[]){ 0, 0 }, 2, 0, "gae's returns");
    as_advantage_remax(&three, token, (double[]){ 0.5, (double)NAN, 0, 0 }, out);
    rl_near(out, (double[]){ 0.5, 0.5, 0, 0, 0, 0, 0, 0 }, 8, 0, "remax");
    as_to_tokens(&three, reward, out);
    rl_near(out, (double[]){ 1, 1, 0, 0, 0, 0, 0, 0 }, 8, 0, "to tokens");
    as_token_rewards(&three, reward, NULL, 0, out);
    rl_near(out, (double[]){ 0, 1, 0, 0, 0, 0, 0, 0 }, 8, 0, "token rewards");
}

/* Nothing to compare with, nothing to learn: exactly 0, also where a mean of equal numbers rounds.
 */
static void test_groups_that_say_nothing(void **state)
{
    (void)state;
    const size_t first[] = { 0, 1, 2, 3, 4 };
    const uint32_t group[] = { 0, 0, 0, 3 };
    const as_rows rows = { .n = 4, .first = first, .group = group };
    const double reward[] = { 0.1, 0.1, 0.1, 0.7 };
    double out[4];
    as_group groups[4];
    assert_int_equal(as_advantage_grpo(&rows, reward, AS_SCALE_GROUP, 1e-6, out, NULL), 0);
    rl_near(out, (double[]){ 0, 0, 0, 0 }, 4, 0, "grpo");
    assert_int_equal(as_advantage_grpo(&rows, reward, AS_SCALE_NONE, 0, out, NULL), 0);
    rl_near(out, (double[]){ 0, 0, 0, 0 }, 4, 0, "dr_grpo");
    assert_int_equal(as_advantage_rloo(&rows, reward, out, NULL), 0);
    rl_near(out, (double[]){ 0, 0, 0, 0 }, 4, 0, "rloo");
    assert_int_equal(as_advantage_passk(&rows, reward, 0, out, NULL), 0);
    rl_near(out, (double[]){ 0, 0, 0, 0 }, 4, 0, "passk");
    as_groups(&rows, reward, groups);
    assert_true(groups[0].n == 3 && groups[0].std == 0 && !as_group_differs(&groups[0]));
    assert_true(groups[1].n == 0 && groups[3].n == 1 && groups[3].mean == 0.7);
    const cJSON *dapo = golden("dapo_dynamic_sampling"), *group_of;
    int at = 0;
    cJSON_ArrayForEach(group_of, golden_member(dapo, "groups"))
    {
        size_t n = 0;
        double *x = golden_numbers(group_of, &n);
        const size_t four[] = { 0, 1, 2, 3, 4 };
        const uint32_t one[] = { 0, 0, 0, 0 };
        as_groups(&(as_rows){ .n = n, .first = four, .group = one }, x, groups);
        assert_int_equal(as_group_differs(&groups[0]), at++ == 2);
        as_free(x);
    }
}

static void test_tokens(void **state)
{
    (void)state;
    const struct {
        const char *key;
        double gamma;
    } cases[] = { { "reinforce_pp_gamma1.0", 1 }, { "reinforce_pp_gamma0.9", 0.9 } };
    double out[MOST_TOKENS];
    for (size_t i = 0; i < 2; i++) {
        as_returns(&batch.rows, rewards, cases[i].gamma, out);
        rl_near_tokens(&batch, out, golden_member(golden(cases[i].key), "returns"), 1e-12,
                       cases[i].key);
        as_advantage_reinforce_pp(&batch.rows, rewards, cases[i].gamma, out);
        rl_near_tokens(&batch, out, golden_member(golden(cases[i].key), "advantage"), 1e-7,
                       cases[i].key);
    }
    double centred[MOST_ROWS];
    assert_int_equal(as_advantage_grpo(&batch.rows, scores, AS_SCALE_NONE, 0, centred, NULL), 0);
    as_advantage_reinforce_pp_baseline(&batch.rows, centred,
                                       (as_whitening){ .is_population = false }, out);
    rl_near_tokens(&batch, out, golden_member(golden("reinforce_pp_baseline"), "advantage"), 1e-7,
                   "baseline");
    as_advantage_reinforce_pp_baseline(&batch.rows, centred,
                                       (as_whitening){ .is_population = true }, out);
    rl_near_tokens(&batch, out,
                   golden_member(golden("reinforce_pp_baseline_openrlhf"), "advantage"), 1e-7,
                   "OpenRLHF's");
    const cJSON *remax = golden("remax");
    size_t n = 0;
    double *greedy = golden_numbers(golden_member(remax, "greedy_baseline"), &n);
    as_advantage_remax(&batch.rows, rewards, greedy, out);
    rl_near_tokens(&batch, out, golden_member(remax, "advantage"), 1e-12, "remax");
    as_free(greedy);
}

static void test_gae(void **state)
{
    (void)state;
    const struct {
        const char *key;
        double gamma, lambda;
    } cases[] = { { "gae_g1.0_l1.0", 1, 1 }, { "gae_g0.99_l0.95", 0.99, 0.95 } };
    double values[MOST_TOKENS], out[MOST_TOKENS], returns[MOST_TOKENS];
    for (size_t i = 0; i < 2; i++) {
        const cJSON *g = golden(cases[i].key);
        rl_tokens_of(&batch, golden_member(g, "values"), values);
        as_gae(&batch.rows, rewards, values, cases[i].gamma, cases[i].lambda, out, returns);
        rl_near_tokens(&batch, out, golden_member(g, "raw_advantage"), 1e-12, cases[i].key);
        rl_near_tokens(&batch, returns, golden_member(g, "returns"), 1e-12, cases[i].key);
        as_whiten(&batch.rows, (as_whitening){ .is_population = false }, out);
        rl_near_tokens(&batch, out, golden_member(g, "whitened_advantage"), 1e-7, cases[i].key);
    }
}

static void test_whitening(void **state)
{
    (void)state;
    const size_t first[] = { 0, 0, 1, 4, 6, 10 };
    const uint32_t group[] = { 0, 0, 0, 0, 0 };
    const as_rows none = { .n = 1, .first = first, .group = group },
                  one = { .n = 2, .first = first, .group = group };
    double x[10] = { 3 }, sum = 0;
    as_whiten(&none, (as_whitening){ .keeps_mean = true }, x);
    as_whiten(&one, (as_whitening){ .keeps_mean = true }, x);
    assert_true(x[0] == 0);
    const size_t two[] = { 0, 2 };
    const as_rows pair = { .n = 1, .first = two, .group = group };
    x[0] = 1, x[1] = 5;
    as_whiten(&pair, (as_whitening){ .keeps_mean = true }, x);
    sum = x[0] + x[1];
    rl_near_one(sum, 6, 1e-12, "the mean stays");
    rl_near_one(x[1] - x[0], sqrt(2), 1e-8, "the deviation is 1");
    /* token weighted: TRR++'s golden, with each row's reward on its tokens */
    const cJSON *g = golden("trrpp_token_weighted"), *length;
    rl_rows rows = { .rows = { .first = rows.first, .group = rows.group } };
    cJSON_ArrayForEach(length, golden_member(g, "lengths"))
    {
        rows.first[rows.rows.n + 1] = rows.first[rows.rows.n] + (size_t)length->valuedouble;
        rows.rows.n++;
    }
    size_t n = 0;
    double *reward = golden_numbers(golden_member(g, "rewards"), &n);
    as_to_tokens(&rows.rows, reward, x);
    as_whiten(&rows.rows, (as_whitening){ .is_population = false }, x);
    rl_near_tokens(&rows, x, golden_member(g, "advantage"), 1e-7, "token weighted");
    as_free(reward);
}

static void test_token_rewards(void **state)
{
    (void)state;
    const cJSON *g = golden("kl_shaped_reward");
    size_t n = 0;
    double *k1 = golden_numbers(golden_member(g, "k1"), &n), out[4];
    const size_t first[] = { 0, 4, 4 };
    const uint32_t group[] = { 0, 0 };
    const as_rows rows = { .n = 2,
                           .first = first,
                           .group = group }; /* the second has no token to put its score at */
    const double score[] = { golden_number(g, "score"), 9 };
    as_token_rewards(&rows, score, k1, golden_number(g, "beta"), out);
    rl_near_row(out, golden_member(g, "token_rewards"), 1e-15, "shaped");
    as_free(k1);
}

static void test_overlong(void **state)
{
    (void)state;
    const cJSON *g = golden("dapo_overlong"), *one;
    cJSON_ArrayForEach(one, golden_member(g, "cases"))
    {
        const double got =
            as_overlong_penalty((size_t)cJSON_GetArrayItem(one, 0)->valuedouble,
                                (size_t)golden_number(g, "max_resp_len"),
                                (size_t)golden_number(g, "buffer"), golden_number(g, "factor"));
        rl_near_one(got, cJSON_GetArrayItem(one, 1)->valuedouble, 1e-15, "overlong");
    }
    assert_true(as_overlong_penalty(7, 8, 4, 0.5) == -0.375);
    assert_true(as_overlong_penalty(10, 8, 0, 1) == 0 && as_overlong_penalty(0, 8, 16, 1) == -0.5);
}

static void estimate(const as_rows *rows, int how, const double *reward, double *out)
{
    int rc = how == 2 ? as_advantage_rloo(rows, reward, out, NULL)
                      : as_advantage_grpo(rows, reward, how ? AS_SCALE_GROUP : AS_SCALE_NONE, 1e-6,
                                          out, NULL);
    assert_int_equal(rc, 0);
}

/* The advantages of a group add up to 0 (GRPO, Dr. GRPO, RLOO), and rewards that all grow by as
 * much change none. */
static void test_what_always_holds(void **state)
{
    (void)state;
    size_t first[MOST_ROWS + 1] = { 0 };
    uint32_t group[MOST_ROWS];
    double reward[MOST_ROWS], moved[MOST_ROWS], out[MOST_ROWS], again[MOST_ROWS];
    as_rng draws = as_rng_at(7, 0);
    for (int trial = 0; trial < 200; trial++) {
        const as_rows rows = { .n = MOST_ROWS, .first = first, .group = group };
        for (size_t r = 0; r < MOST_ROWS; r++) {
            first[r + 1] = first[r] + 1;
            group[r] = (uint32_t)as_rng_below(&draws, 4);
            reward[r] = (double)as_rng_below(&draws, 5) / 4;
            moved[r] = reward[r] + 3;
        }
        for (int how = 0; how < 3; how++) {
            double sum[4] = { 0 };
            estimate(&rows, how, reward, out);
            estimate(&rows, how, moved, again);
            for (size_t r = 0; r < MOST_ROWS; r++)
                sum[group[r]] += out[r];
            rl_near(sum, (double[]){ 0, 0, 0, 0 }, 4, 1e-9, "sum of a group");
            rl_near(again, out, MOST_ROWS, 1e-9, "moved rewards");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_of_rewards),
        cmocka_unit_test(test_groups_stand_mixed),
        cmocka_unit_test(test_rows_that_do_not_count),
        cmocka_unit_test(test_groups_that_say_nothing),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_gae),
        cmocka_unit_test(test_whitening),
        cmocka_unit_test(test_token_rewards),
        cmocka_unit_test(test_overlong),
        cmocka_unit_test(test_what_always_holds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
