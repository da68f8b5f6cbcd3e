/* test_ttrl_label.c -- labels by vote and what is told of them, against the goldens of TTRL's own
 * definitions; classes, rows that were not judged, certainty. SPDX-License-Identifier: Apache-2.0
 */
#include "golden.h"

#include "base/mem.h"
#include "ttrl/label.h"

#include <math.h>

enum { MOST = 16 };

typedef struct votes {
    as_str key[MOST];
    bool is_out[MOST];
    double reward[MOST], right[MOST];
    ttrl_answers a;
    as_arena arena;
} votes;

static int start(void **state)
{
    static votes v;
    v = (votes){ .a = { .n = 0 } };
    v.a.key = v.key;
    v.a.is_out = v.is_out;
    as_arena_init(&v.arena, 0);
    *state = &v;
    return 0;
}

static int end(void **state)
{
    votes *v = *state;
    as_arena_fini(&v->arena);
    return 0;
}

/* "3 3 5 . x": each word an answer, `.` none, `!` one that could not be judged. */
static ttrl_label vote(votes *v, const char *words, as_tie_rule rule)
{
    ttrl_label l;
    as_err err = { 0 };
    v->a.n = 0;
    memset(v->is_out, 0, sizeof v->is_out);
    for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ') {
        const as_str word = { at, strcspn(at, " ") };
        v->is_out[v->a.n] = as_str_is(word, "!");
        v->key[v->a.n++] = as_str_is(word, ".") || as_str_is(word, "!") ? (as_str){ 0 } : word;
    }
    assert_int_equal(ttrl_vote(&l, &v->a, rule, v->reward, &v->arena, &err), 0);
    return l;
}

static void near(double got, double want, const char *what)
{
    if (!(fabs(got - want) <= 1e-12) && !(isnan(got) && isnan(want)))
        fail_msg("%s: %.17g, not %.17g", what, got, want);
}

/* ---- goldens ---- */

static void check_case(votes *v, const cJSON *golden)
{
    const cJSON *answers = golden_member(golden, "answers"),
                *label = golden_member(golden, "label");
    const as_str right = as_str_of(golden_member(golden, "gt")->valuestring);
    ttrl_label l;
    ttrl_figures f;
    as_err err = { 0 };
    char pass[32];
    v->a.n = (uint32_t)cJSON_GetArraySize(answers);
    memset(v->is_out, 0, sizeof v->is_out);
    for (uint32_t i = 0; i < v->a.n; i++) {
        v->key[i] = as_str_of(cJSON_GetStringValue(cJSON_GetArrayItem(answers, (int)i)));
        v->right[i] = as_str_eq(v->key[i], right);
    }
    assert_int_equal(ttrl_vote(&l, &v->a, AS_TIE_FIRST, v->reward, &v->arena, &err), 0);
    if (cJSON_IsNull(label))
        assert_null(l.text.data);
    else
        assert_true(as_str_is(l.text, label->valuestring));
    for (uint32_t i = 0; i < v->a.n; i++)
        near(v->reward[i],
             cJSON_GetArrayItem(golden_member(golden, "rewards"), (int)i)->valuedouble, "reward");
    ttrl_measure(&f, &l, as_str_eq(l.text, right), v->reward, v->right, v->a.n);
    (void)snprintf(pass, sizeof pass, "pass@%u", v->a.n);
    near(f.label_accuracy, golden_number(golden, "label_accuracy"), "label_accuracy");
    near(f.reward_accuracy, golden_number(golden, "reward_accuracy"), "reward_accuracy");
    near(f.majority_ratio, golden_number(golden, "majority_ratio"), "majority_ratio");
    near(f.ground_truth_ratio, golden_number(golden, "ground_truth_ratio"), "ground_truth_ratio");
    near(f.majority_voting_reward, golden_number(golden, "majority_voting_reward"),
         "voting reward");
    near(f.pass, golden_number(golden, pass), pass);
}

static void goldens(void **state)
{
    cJSON *all = golden_json("goldens.json");
    const cJSON *one;
    int n = 0;
    cJSON_ArrayForEach(one, golden_member(all, "ttrl"))
    {
        check_case(*state, one);
        n++;
    }
    assert_int_equal(n, 5);
    cJSON_Delete(all);
}

/* ---- classes ---- */

/* Equal without regard to a leading zero; nothing is known of "?". */
static int same_number(void *ctx, as_str a, as_str b)
{
    ++*(int *)ctx;
    if (as_str_is(a, "?") || as_str_is(b, "?"))
        return -1;
    while (a.len > 1 && *a.data == '0')
        a = (as_str){ a.data + 1, a.len - 1 };
    while (b.len > 1 && *b.data == '0')
        b = (as_str){ b.data + 1, b.len - 1 };
    return as_str_eq(a, b);
}

/* Strings would have made 7 the label. */
static void answers_vote_in_classes(void **state)
{
    votes *v = *state;
    int asked = 0;
    assert_true(as_str_is(vote(v, "7 7 7 5 5 05 005 ?", AS_TIE_KEY).text, "7"));
    v->a.same = same_number;
    v->a.ctx = &asked;
    const ttrl_label l = vote(v, "7 7 7 5 5 05 005 ?", AS_TIE_KEY);
    assert_true(asked > 0 && as_str_is(l.text, "5"));
    assert_true(l.n == 8 && l.n_voting == 8 && l.votes == 4 && l.runner_up == 3);
    assert_int_equal(l.n_classes, 3);
    near(l.ratio, 0.5, "ratio");
    near(l.effective, 64.0 / (16 + 9 + 1), "effective votes");
    for (uint32_t i = 0; i < 8; i++)
        near(v->reward[i], i >= 3 && i <= 6, "reward");
}

static void who_is_not_judged_is_not_there(void **state)
{
    votes *v = *state;
    const ttrl_label l = vote(v, "! 4 . 4 ! 9", AS_TIE_KEY);
    assert_true(l.n == 4 && l.n_voting == 3 && l.votes == 2);
    near(l.ratio, 0.5, "ratio");
    static const double want[] = { NAN, 1, 0, 1, NAN, 0 };
    for (uint32_t i = 0; i < 6; i++)
        near(v->reward[i], want[i], "reward");
    for (uint32_t i = 0; i < 6; i++)
        v->right[i] = i == 5 ? 1 : i == 1 ? (double)NAN : 0;
    ttrl_figures f;
    ttrl_measure(&f, &l, false, v->reward, v->right, 6);
    near(f.reward_accuracy, 1.0 / 3, "of those that both know: 2, 3 and 5");
    near(f.ground_truth_ratio, 1.0 / 3, "right");
    near(f.majority_voting_reward, 1.0 / 3, "rewarded");
    near(f.pass, 1, "pass");
}

static void nobody_answers(void **state)
{
    votes *v = *state;
    ttrl_figures f;
    ttrl_label l = vote(v, ". . .", AS_TIE_KEY);
    assert_true(!l.text.data && l.n == 3 && l.n_voting == 0 && l.votes == 0);
    near(l.ratio, 0, "ratio");
    near(l.effective, 0, "effective");
    near(l.chance, 1, "chance");
    near(v->reward[1], 0, "reward");
    l = vote(v, "! !", AS_TIE_KEY);
    assert_true(!l.text.data && l.n == 0);
    ttrl_measure(&f, &l, true, v->reward, v->right, 2);
    near(f.label_accuracy, 0, "no label is right");
    near(f.pass, (double)NAN, "pass of nothing");
    l = vote(v, "", AS_TIE_KEY);
    assert_true(!l.text.data && l.n == 0);
}

static void ties(void **state)
{
    votes *v = *state;
    static const double logp[] = { -5, -1, -5, -2 };
    assert_true(as_str_is(vote(v, "b a b a", AS_TIE_KEY).text, "a"));
    assert_true(as_str_is(vote(v, "b a b a", AS_TIE_FIRST).text, "b"));
    v->a.sum_logp = logp;
    assert_true(as_str_is(vote(v, "b a b a", AS_TIE_LOGP).text, "a"));
    const ttrl_label l = vote(v, "b a b a", AS_TIE_NONE);
    assert_true(!l.text.data && l.is_tie);
    for (uint32_t i = 0; i < 4; i++)
        near(v->reward[i], 0, "nobody is rewarded");
}

/* ---- certainty ---- */

static void chances(void **state)
{
    (void)state;
    near(ttrl_chance_of_lead(1, 0), 0.5, "one");
    near(ttrl_chance_of_lead(0, 0), 1, "none");
    near(ttrl_chance_of_lead(5, 0), 1.0 / 32, "five");
    near(ttrl_chance_of_lead(3, 1), 5.0 / 16, "3 of 4");
    near(ttrl_chance_of_lead(2, 2), 11.0 / 16, "a tie");
    assert_true(ttrl_chance_of_lead(40, 20) < 0.01 && ttrl_chance_of_lead(1000, 3) >= 0);
}

/* Against every way to go on: decided exactly where none of them takes the lead away or ties. */
static void decided(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < 8; a++)
        for (uint32_t b = 0; b <= a; b++)
            for (uint32_t left = 0; left < 8; left++)
                assert_int_equal(ttrl_is_decided(a, b, left), b + left < a);
}

/* Draws from an urn, in which a draw adds another of its kind: that the one that is `lead` behind
 * draws level in n (below 32). */
static double urn(double ahead, double behind, uint32_t lead, uint32_t n)
{
    double p[33] = { 1 }, sum = 0; /* of so many draws of the one behind */
    for (uint32_t draw = 0; draw < n; draw++)
        for (uint32_t k = draw + 1; k <= draw + 1; k--) {
            const double all = ahead + behind + draw;
            const double stays = k <= draw ? p[k] * (ahead + draw - k) / all : 0;
            p[k] = stays + (k ? p[k - 1] * (behind + k - 1) / all : 0);
        }
    for (uint32_t k = 0; k <= n; k++)
        sum += 2 * k >= lead + n ? p[k] : 0;
    return sum;
}

static void chances_of_change(void **state)
{
    (void)state;
    near(ttrl_chance_of_change(2, 0, 2, 2), 0.1, "both of two to come, 1/4 x 2/5");
    near(ttrl_chance_of_change(1, 0, 1, 1), 1.0 / 3, "the one to come");
    near(ttrl_chance_of_change(2, 2, 5, 3), 1, "a tie is nobody's");
    near(ttrl_chance_of_change(2, 2, 5, 0), 0, "nothing is left");
    for (uint32_t a = 1; a < 7; a++)
        for (uint32_t b = 0; b < a; b++)
            for (uint32_t rest = 0; rest < 9; rest += 2)
                for (uint32_t left = 0; left < 12; left++) {
                    const uint32_t n = a + b + rest;
                    const uint32_t of_two = (left * (a + b + 2) + n + 2) / (n + 3);
                    near(ttrl_chance_of_change(a, b, n, left), urn(a + 1, b + 1, a - b, of_two),
                         "urn");
                    if (ttrl_is_decided(a, b, left))
                        assert_true(ttrl_chance_of_change(a, b, n, left) <= 0);
                }
    /* with no end in sight: Adaptive-Consistency's I_1/2(votes + 1, runner_up + 1) */
    assert_true(fabs(ttrl_chance_of_change(7, 3, 10, 60000) - ttrl_chance_of_lead(8, 3)) < 1e-3);
    assert_true(ttrl_chance_of_change(60000, 3, 60010, 5000) <= 0);
    assert_true(ttrl_chance_of_change(30, 20, 64, 60000) > ttrl_chance_of_change(30, 20, 64, 64));
}

static ttrl_label after(uint32_t a, uint32_t b, uint32_t n)
{
    return (ttrl_label){ .votes = a, .runner_up = b, .n = n, .chance = ttrl_chance_of_lead(a, b) };
}

/* Without an error: whatever comes, the label stays, and so does that it is sure enough to teach.
 */
static void enough_for_sure(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < 9; a++)
        for (uint32_t b = 0; b <= a; b++)
            for (uint32_t left = 0; left < 9; left++) {
                const ttrl_label l = after(a, b, a + b);
                const bool is_decided = ttrl_is_decided(a, b, left);
                bool stays = is_decided;
                for (uint32_t more = 0; more <= left; more++)
                    stays = stays && ttrl_chance_of_lead(a + more, b + left - more) <= 0.1;
                assert_int_equal(ttrl_is_enough(&l, left, 0, 0), is_decided);
                assert_int_equal(ttrl_is_enough(&l, left, 0, 0.9), stays);
            }
}

static void enough_with_an_error(void **state)
{
    (void)state;
    ttrl_label l = after(4, 0, 5);
    const double chance = ttrl_chance_of_change(4, 0, 5, 11);
    assert_true(chance > 0.01 && chance < 0.1);
    assert_true(ttrl_is_enough(&l, 11, chance * 1.001, 0));
    assert_false(ttrl_is_enough(&l, 11, chance * 0.999, 0));
    assert_false(ttrl_is_enough(&l, 11, 0, 0));
    assert_true(ttrl_is_enough(&l, 11, 0.1, 0.9)); /* 4 to 0: an accident with 1/16 */
    assert_false(ttrl_is_enough(&l, 11, 0.1, 0.95));
    l = after(2, 0, 2);
    assert_true(ttrl_is_enough(&l, 2, 0.1, 0) && ttrl_is_enough(&l, 3, 0.05, 0)); /* just so */
    l = after(0, 0, 9);
    assert_false(ttrl_is_enough(&l, 11, 0.5, 0));
}

static void cut_short(void **state)
{
    (void)state;
    ttrl_label l = after(3, 1, 8);
    l.text = AS_LIT("x");
    near(ttrl_chance_in_proportion(&l, 0), l.chance, "nothing was left out");
    near(ttrl_chance_in_proportion(&l, 24), ttrl_chance_of_lead(12, 4), "four times as many");
    near(ttrl_chance_in_proportion(&l, 4), ttrl_chance_of_lead(5, 2), "4.5 and 1.5, rounded");
    l.text = (as_str){ 0 };
    near(ttrl_chance_in_proportion(&l, 24), 1, "no label");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goldens, start, end),
        cmocka_unit_test_setup_teardown(answers_vote_in_classes, start, end),
        cmocka_unit_test_setup_teardown(who_is_not_judged_is_not_there, start, end),
        cmocka_unit_test_setup_teardown(nobody_answers, start, end),
        cmocka_unit_test_setup_teardown(ties, start, end),
        cmocka_unit_test(chances),
        cmocka_unit_test(decided),
        cmocka_unit_test(chances_of_change),
        cmocka_unit_test(enough_for_sure),
        cmocka_unit_test(enough_with_an_error),
        cmocka_unit_test(cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
