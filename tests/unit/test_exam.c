/* test_exam.c -- a suite put to the arithmetic model of examples/models: the figures are those of
 * the same responses scored by hand, whatever the threads. SPDX-License-Identifier: Apache-2.0 */
#include "scoring.h"
#include "temp.h"

#include "cli/model.h"
#include "eval/passk.h"
#include "exam/exam.h"
#include "exam/marker.h"
#include "train/rollouts.h"

#include <math.h>
#include <string.h>

enum { PROMPTS = 10, EACH = 6 };

static as_err ours;
static as_err *const err = &ours;
static struct {
    as_opened_model opened;
    as_generator *generator;
    as_suite suite;
} model;

static void must(int rc)
{
    if (rc < 0)
        fail_msg("%s", ours.text);
    ours = (as_err){ 0 };
}

static int open_all(void **state)
{
    char folder[600], suite[700];
    const char *source = getenv("ASSAY_SOURCE");
    as_gen_options gen = as_gen_standard();
    (void)snprintf(folder, sizeof folder, "%s/examples/models/arith", source ? source : ".");
    (void)snprintf(suite, sizeof suite, "%s/test.jsonl", folder);
    const as_model_opts how = { .model = folder, .device = "cpu", .dtype = "f32" };
    must(as_opened_model_open(&model.opened, &how, err));
    const as_plan_options passes = { .parameters = model.opened.how };
    must(as_opened_model_load(&model.opened, &how, &passes, "", err));
    gen.max_seqs = 7; /* so that responses end in another order than they stand in */
    must(as_generator_new(&model.generator, model.opened.parameters, model.opened.tokenizer, &gen,
                          err));
    const as_suite_reading reading = { .tokenizer = model.opened.tokenizer, .limit = PROMPTS };
    must(as_suite_read(&model.suite, suite, &reading, err));
    assert_int_equal(model.suite.n, PROMPTS);
    return temp_setup(state) == 0 ? open_registry(state) : -1;
}

static int close_all(void **state)
{
    as_suite_fini(&model.suite);
    as_generator_free(model.generator);
    as_opened_model_close(&model.opened);
    return temp_teardown(state) == 0 ? close_registry(state) : -1;
}

static as_exam_options standard(void)
{
    return (as_exam_options){
        .n = EACH,
        .sampling = { .temperature = 1.3F, .top_p = 1, .max_tokens = 24, .seed = 5 },
        .draws = 200
    };
}

static as_scorer *verifier(const char *name, unsigned threads)
{
    const as_scorer_options o = { .threads = threads, .isolation = AS_ISOLATION_INPROC };
    return open_scorer(name, &o);
}

/* The figures are taken from `by hand`: the same responses, scored one by one. */
typedef struct tally {
    uint64_t n[PROMPTS], c[PROMPTS], n_length, length_right, tokens;
    double entropy;
} tally;

static void score_by_hand(tally *t, as_scorer *s, const as_rollouts *all)
{
    for (size_t row = 0; row < all->n; row++) {
        as_arena arena;
        as_items columns;
        as_results r;
        const as_rollout *x = &all->rows[row];
        const as_item item = { .id = AS_LIT("1"),
                               .completion = x->text,
                               .reference = all->items[x->group]->reference };
        as_arena_init(&arena, 0);
        must(as_items_build(&columns, &item, 1, 0, &arena, err));
        must(as_scorer_score(s, &columns, 0, &arena, &r, err));
        const bool is_right = r.verdict[0] == ASSAY_PASS;
        t->n[x->group]++;
        t->c[x->group] += is_right;
        t->n_length += x->finish == AS_FINISH_LENGTH;
        t->length_right += is_right && x->finish == AS_FINISH_LENGTH;
        t->tokens += x->n;
        for (uint32_t i = 0; i < x->n; i++)
            t->entropy += (double)all->entropy[x->begin + i];
        as_arena_fini(&arena);
    }
}

static tally by_hand(const as_exam_options *o, as_scorer *s)
{
    const as_suite_item *items[PROMPTS];
    as_rollouts all = { 0 };
    tally t = { 0 };
    for (size_t i = 0; i < PROMPTS; i++)
        items[i] = &model.suite.items[i];
    const as_rollout_io io = { 0 };
    must(as_rollouts_generate(&all, model.generator, &o->sampling, items, PROMPTS, o->n, &io, err));
    score_by_hand(&t, s, &all);
    as_rollouts_fini(&all);
    return t;
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9))
        fail_msg("got %.12g, expected %.12g", got, want);
}

static void test_figures(void **state)
{
    as_exam_options o = standard();
    as_exam_result r;
    as_arena arena;
    (void)state;
    as_scorer *s = verifier("math", 2);
    as_arena_init(&arena, 0);
    o.sampling.temperature = 1.6F;
    o.sampling.max_tokens = 8; /* some are cut */
    const tally t = by_hand(&o, s);
    must(as_exam(&r, model.generator, &model.suite, s, &o, &arena, err));
    double avg = 0, pass2 = 0;
    uint64_t right = 0;
    for (size_t i = 0; i < PROMPTS; i++) {
        avg += (double)t.c[i] / EACH / PROMPTS;
        pass2 += as_pass_at_k(EACH, t.c[i], 2) / PROMPTS;
        right += t.c[i];
    }
    assert_true(right > 0 && right < (uint64_t)PROMPTS * EACH);
    assert_true(t.n_length > 0 && t.n_length < r.n_samples);
    assert_int_equal(r.n_samples, PROMPTS * EACH);
    assert_int_equal(r.sum.n_right, right);
    near(r.sum.avg.mean, avg);
    assert_int_equal(r.sum.n_rows, 3); /* 1, 2, 4 */
    near(r.sum.rows[0].pass.mean, avg);
    near(r.sum.rows[1].pass.mean, pass2);
    assert_int_equal(r.finish[AS_FINISH_LENGTH].n, t.n_length);
    assert_int_equal(r.finish[AS_FINISH_LENGTH].n_right, t.length_right);
    assert_int_equal(r.finish[AS_FINISH_STOP].n, r.n_samples - t.n_length);
    assert_int_equal(r.finish[AS_FINISH_STOP].n_right, right - t.length_right);
    assert_int_equal(r.n_unscored, 0);
    near(r.length_mean, (double)t.tokens / (PROMPTS * EACH));
    near(r.entropy_mean, t.entropy / (double)t.tokens);
    assert_true(r.logp_mean < 0);
    assert_true(r.has_keys && r.sum.maj.mean >= 0);
    as_arena_fini(&arena);
    as_scorer_close(s);
}

static void assert_same(const as_exam_result *a, const as_exam_result *b)
{
    assert_int_equal(a->sum.n_rows, b->sum.n_rows);
    assert_memory_equal(a->sum.rows, b->sum.rows, a->sum.n_rows * sizeof *a->sum.rows);
    assert_memory_equal(&a->sum.avg, &b->sum.avg, sizeof a->sum.avg);
    assert_memory_equal(&a->sum.maj, &b->sum.maj, sizeof a->sum.maj);
    assert_memory_equal(a->finish, b->finish, sizeof a->finish);
    assert_memory_equal(&a->entropy_mean, &b->entropy_mean, sizeof a->entropy_mean);
}

/* By the seed, not by threads nor by what was examined before. */
static void test_same_again(void **state)
{
    as_exam_options o = standard();
    as_exam_result r[3];
    as_arena arena;
    (void)state;
    as_arena_init(&arena, 0);
    o.sampling.temperature = 3; /* of all lengths: they end in another order than they stand in */
    for (unsigned i = 0; i < 3; i++) {
        as_scorer *s = verifier("math", i + 1);
        o.sampling.seed = i == 2 ? 6 : 5;
        must(as_exam(&r[i], model.generator, &model.suite, s, &o, &arena, err));
        as_scorer_close(s);
    }
    assert_same(&r[0], &r[1]);
    assert_memory_not_equal(&r[0].entropy_mean, &r[2].entropy_mean, sizeof(double));
    as_arena_fini(&arena);
}

/* An item without a reference cannot be judged: out of every mean, and counted. */
static void test_unscored(void **state)
{
    const as_exam_options o = standard();
    as_exam_result all, r;
    as_arena arena;
    (void)state;
    as_arena_init(&arena, 0);
    as_scorer *s = verifier("exact", 2);
    must(as_exam(&all, model.generator, &model.suite, s, &o, &arena, err));
    const as_str kept = model.suite.items[3].reference;
    model.suite.items[3].reference = (as_str){ 0 };
    must(as_exam(&r, model.generator, &model.suite, s, &o, &arena, err));
    model.suite.items[3].reference = kept;
    assert_int_equal(r.n_unscored, EACH);
    assert_int_equal(r.by_verdict[ASSAY_ABSTAIN] + r.by_verdict[ASSAY_ERROR], EACH);
    assert_int_equal(r.finish[0].n_unscored + r.finish[1].n_unscored, EACH);
    near(r.unscored, 1.0 / PROMPTS);
    assert_int_equal(r.sum.n_scored, (PROMPTS - 1) * EACH);
    assert_int_equal(r.sum.n_empty, 1);
    assert_true(r.reason[0] != '\0' && all.reason[0] == '\0');
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static int stop_soon(void *ctx, as_err *e)
{
    int *left = ctx;
    return (*left)-- > 0 ? 0 : as_fail(e, AS_EINTR, "enough");
}

static void test_refused(void **state)
{
    as_exam_options o = standard();
    const as_suite none = { 0 };
    as_exam_result r;
    as_arena arena;
    int left = 5;
    (void)state;
    as_arena_init(&arena, 0);
    as_scorer *s = verifier("exact", 1);
    for (unsigned i = 0; i < 2; i++) {
        o.n = i ? AS_EXAM_MOST + 1 : 0;
        assert_int_equal(as_exam(&r, model.generator, &model.suite, s, &o, &arena, err), AS_EUSAGE);
        ours = (as_err){ 0 };
    }
    o = standard();
    assert_int_equal(as_exam(&r, model.generator, &none, s, &o, &arena, err), AS_EDATA);
    ours = (as_err){ 0 };
    o.check = stop_soon;
    o.ctx = &left;
    assert_int_equal(as_exam(&r, model.generator, &model.suite, s, &o, &arena, err), AS_EINTR);
    assert_string_equal(ours.text, "enough");
    ours = (as_err){ 0 };
    as_cancel cancel = { .why = AS_ETERM };
    o = standard();
    o.cancel = &cancel;
    assert_int_equal(as_exam(&r, model.generator, &model.suite, s, &o, &arena, err), AS_ETERM);
    ours = (as_err){ 0 };
    as_scorer_close(s);
    as_arena_fini(&arena);
}

/* ---- a suite for a model behind an address: without a tokenizer ---- */

static const char *suite_of(const char *name, const char *text)
{
    const char *path = temp_path(name);
    FILE *f = fopen(path, "w");
    assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0);
    return path;
}

static void test_suite_of_texts(void **state)
{
    const as_suite_reading how = { .as_chat = true };
    as_suite s = { 0 };
    (void)state;
    must(as_suite_read(&s,
                       suite_of("texts", "{\"id\":7,\"prompt\":\"a\\n\",\"reference\":[1]}\n"
                                         "{\"id\":\"\\u0041\",\"messages\":[ {} ]}\n"),
                       &how, err));
    assert_int_equal(s.n, 2);
    assert_true(as_str_is(s.items[0].id, "7") && as_str_is(s.items[0].name, "7"));
    assert_true(as_str_is(s.items[0].prompt, "a\n") && !s.items[0].is_messages);
    assert_true(as_str_is(s.items[0].reference, "[1]") && !s.items[0].ids);
    assert_true(as_str_is(s.items[1].id, "\"\\u0041\"") && as_str_is(s.items[1].name, "A"));
    assert_true(as_str_is(s.items[1].prompt, "[ {} ]") && s.items[1].is_messages);
    assert_false(s.items[1].reference.data);
    as_suite_fini(&s);
    const char *const twice[] = {
        "{\"id\":7,\"prompt\":\"\"}\n{\"id\":\"7\",\"prompt\":\"\"}\n",
        "{\"id\":\"A\",\"prompt\":\"\"}\n{\"id\":\"\\u0041\",\"prompt\":\"\"}\n"
    };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(as_suite_read(&s, suite_of("twice", twice[i]), &how, err), AS_EDATA);
        assert_non_null(strstr(ours.text, ":2: \"id\""));
        ours = (as_err){ 0 };
        as_suite_fini(&s);
    }
}

/* ---- the marker ---- */

typedef struct ledger {
    uint32_t n, fails_at;
    uint32_t largest; /* batch */
    bool out_of_order, wrong;
} ledger;

static int enter(void *ctx, const as_marks *marks, as_err *e)
{
    ledger *l = ctx;
    if (marks->n > l->largest)
        l->largest = marks->n;
    for (uint32_t i = 0; i < marks->n; i++, l->n++) {
        const bool is_right = l->n % 3 == 0;
        char aside[20];
        (void)snprintf(aside, sizeof aside, "%u", l->n);
        if (l->n == l->fails_at)
            return as_fail(e, AS_EBUDGET, "full");
        l->out_of_order = l->out_of_order || !as_str_is(marks->aside[i], aside);
        l->wrong = l->wrong || marks->results->verdict[i] != (is_right ? ASSAY_PASS : ASSAY_FAIL);
    }
    return 0;
}

static int put_numbers(as_marker *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char text[20], aside[20]; /* gone before they are read: the marker has its own */
        (void)snprintf(text, sizeof text, "%u", i % 3);
        (void)snprintf(aside, sizeof aside, "%u", i);
        const as_item item = { .group = AS_LIT("1"),
                               .completion = as_str_of(text),
                               .reference = AS_LIT("0"),
                               .line_no = i + 1 };
        int rc = as_marker_put(m, &item, as_str_of(aside), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void test_marker(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        as_scorer *s = verifier("exact", threads);
        ledger l = { .fails_at = UINT32_MAX };
        const as_marking how = { .scorer = s, .marked = enter, .ctx = &l };
        as_marker *m = NULL;
        must(as_marker_open(&m, &how, err));
        must(put_numbers(m, 5000));
        must(as_marker_close(m, err));
        assert_int_equal(l.n, 5000);
        assert_false(l.out_of_order || l.wrong);
        l = (ledger){ .fails_at = 700 };
        must(as_marker_open(&m, &how, err));
        (void)put_numbers(m, 5000); /* may notice before the end, or not */
        ours = (as_err){ 0 };
        assert_int_equal(as_marker_close(m, err), AS_EBUDGET);
        assert_string_equal(ours.text, "full");
        ours = (as_err){ 0 };
        assert_int_equal(l.n, 700);
        as_scorer_close(s);
    }
    assert_int_equal(as_marker_close(NULL, err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marker),     cmocka_unit_test(test_figures),
        cmocka_unit_test(test_same_again), cmocka_unit_test(test_unscored),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_suite_of_texts),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
