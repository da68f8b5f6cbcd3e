/* test_train_rollouts.c -- responses of a step, sampled from the tiny models: in order whatever
 * they are batched with; the step sees the numbers that the sampler saw. SPDX-License-Identifier:
 * Apache-2.0 */
#include "tiny_batch.h"

#include "temp.h"
#include "train/rl.h"

enum { EACH = 4, GROUPS = 3, MOST = 12 };

static const as_sampling drawn = { .temperature = 0.9F, .top_p = 1, .max_tokens = 9, .seed = 7 };

typedef struct world {
    tiny_model m;
    as_tokenizer *t;
    as_suite suite;
    const as_suite_item *items[GROUPS];
    as_generator *g;
} world;

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static void open_world(world *w, const char *backend, k_type type, int64_t at_once)
{
    char folder[512];
    const char *path = temp_path("suite.jsonl");
    as_gen_options how = as_gen_standard();
    *w = (world){ 0 };
    tiny_open(&w->m, "tiny_qwen2", "", backend, type);
    tiny_folder(folder, sizeof folder, "tiny_qwen2");
    MUST(as_tokenizer_open(&w->t, folder, err));
    write_file(path,
               "{\"id\":\"a\",\"prompt\":\"one and one\",\"reference\":\"2\"}\n"
               "{\"id\":2,\"prompt\":\"two\",\"reference\":{\"x\":[1]},\"meta\":{\"level\":3}}\n"
               "{\"id\":\"c\",\"prompt\":\"three and\"}\n");
    const as_suite_reading reading = { .tokenizer = w->t };
    MUST(as_suite_read(&w->suite, path, &reading, err));
    assert_int_equal(w->suite.n, GROUPS);
    for (size_t i = 0; i < GROUPS; i++)
        w->items[i] = &w->suite.items[i];
    how.max_seqs = at_once;
    MUST(as_generator_new(&w->g, w->m.p, w->t, &how, err));
}

static void close_world(world *w)
{
    as_generator_free(w->g);
    as_suite_fini(&w->suite);
    as_tokenizer_free(w->t);
    tiny_close(&w->m);
}

/* ---- sampling ---- */

typedef struct calls {
    size_t n, of_row[MOST];
    const char *text[MOST];
} calls;

static int count(void *ctx, const as_rollouts *r, size_t row, as_err *e)
{
    (void)e;
    calls *c = ctx;
    c->n++;
    c->of_row[row]++;
    c->text[row] = r->rows[row].text.data;
    return 0;
}

static void sample(world *w, as_rollouts *r, calls *c)
{
    const as_rollout_io io = { .done = count, .ctx = c };
    *c = (calls){ 0 };
    MUST(as_rollouts_generate(r, w->g, &drawn, w->items, GROUPS, EACH, &io, err));
}

static bool same_row(const as_rollouts *a, size_t i, const as_rollouts *b, size_t j)
{
    const as_rollout *x = &a->rows[i], *y = &b->rows[j];
    return x->n == y->n && x->finish == y->finish && as_str_eq(x->text, y->text) &&
           memcmp(a->ids + x->begin, b->ids + y->begin, x->n * sizeof *a->ids) == 0 &&
           memcmp(a->logp + x->begin, b->logp + y->begin, x->n * sizeof *a->logp) == 0 &&
           memcmp(a->entropy + x->begin, b->entropy + y->begin, x->n * sizeof *a->entropy) == 0;
}

static void in_order(void **state)
{
    (void)state;
    as_rollouts r[2] = { 0 };
    calls c;
    for (int i = 0; i < 2; i++) {
        world w;
        open_world(&w, "cpu", K_F32, i ? 5 : 1);
        sample(&w, &r[i], &c);
        sample(&w, &r[i], &c); /* again into what is there */
        assert_int_equal(c.n, (size_t)MOST);
        size_t n_ids = 0;
        for (size_t row = 0; row < MOST; row++)
            n_ids += r[i].rows[row].n;
        assert_int_equal(r[i].n_ids, n_ids);
        for (size_t row = 0; row < MOST; row++) {
            assert_true(c.of_row[row] == 1 && c.text[row] == r[i].rows[row].text.data);
            assert_true(r[i].rows[row].group == row / EACH && r[i].rows[row].sample == row % EACH);
            assert_true(r[i].rows[row].n > 0);
        }
        close_world(&w);
    }
    size_t n_equal = 0;
    for (size_t row = 0; row < MOST; row++) {
        assert_true(same_row(&r[0], row, &r[1], row));
        n_equal += same_row(&r[0], row, &r[0], (row + 1) % MOST);
    }
    assert_true(n_equal < 3);
    as_rollouts_fini(&r[0]);
    as_rollouts_fini(&r[1]);
}

/* Whatever wave a response comes in, it is the same; what no wave asked for is not there. */
static void in_waves(void **state)
{
    (void)state;
    static const uint32_t waves[3][GROUPS] = { { 1, 2, 0 }, { 1, 4, 0 }, { 3, 4, 2 } };
    const as_rollout_io io = { .done = count, .ctx = &(calls){ 0 } };
    calls *c = io.ctx;
    world w;
    as_rollouts all = { 0 }, r = { 0 };
    as_err why = { 0 };
    open_world(&w, "cpu", K_F32, 3);
    sample(&w, &all, c);
    *c = (calls){ 0 };
    MUST(as_rollouts_begin(&r, w.items, GROUPS, EACH, err));
    for (size_t wave = 0; wave < 3; wave++) {
        MUST(as_rollouts_draw(&r, w.g, &drawn, waves[wave], &io, err));
        assert_memory_equal(r.drawn, waves[wave], sizeof waves[wave]);
    }
    assert_int_equal(c->n, 3 + 4 + 2);
    for (size_t row = 0; row < MOST; row++) {
        const bool is_there = row % EACH < waves[2][row / EACH];
        assert_int_equal(c->of_row[row], is_there);
        if (is_there)
            assert_true(same_row(&r, row, &all, row));
        else
            assert_true(r.rows[row].n == 0 && !r.rows[row].text.data);
    }
    assert_int_equal(as_rollouts_draw(&r, w.g, &drawn, waves[0], &io, &why), AS_EUSAGE);
    assert_int_equal(as_rollouts_draw(&r, w.g, &drawn, (const uint32_t[]){ 5, 4, 2 }, &io, &why),
                     AS_EUSAGE);
    as_rollouts_keep(&r, (const bool[]){ true, false, true });
    assert_true(r.drawn[0] == 3 && r.drawn[1] == 2);
    MUST(as_rollouts_append(&all, &r, err));
    assert_true(all.drawn[0] == EACH && all.drawn[3] == 3 && all.drawn[4] == 2);
    as_rollouts_first(&r, 2);
    assert_true(r.drawn[0] == 2 && r.drawn[1] == 2 && same_row(&r, 3, &all, 4 * EACH + 1));
    as_rollouts_fini(&all);
    as_rollouts_fini(&r);
    close_world(&w);
}

static void kept_and_appended(void **state)
{
    (void)state;
    static const bool middle[GROUPS] = { false, true, false }, ends[GROUPS] = { true, false, true };
    world w;
    as_rollouts all = { 0 }, part = { 0 }, rest = { 0 };
    calls c;
    open_world(&w, "cpu", K_F32, 8);
    sample(&w, &all, &c);
    sample(&w, &part, &c);
    sample(&w, &rest, &c);
    as_rollouts_keep(&part, middle);
    as_rollouts_keep(&rest, ends);
    assert_true(part.n_groups == 1 && part.n == EACH && rest.n == (size_t)2 * EACH);
    MUST(as_rollouts_append(&part, &rest, err));
    as_rollouts_fini(&rest);
    assert_true(part.n_groups == GROUPS && part.n == MOST);
    static const size_t from[GROUPS] = { 1, 0, 2 };
    for (size_t row = 0; row < MOST; row++) {
        const size_t group = row / EACH;
        assert_true(part.items[group] == all.items[from[group]]);
        assert_int_equal(part.rows[row].group, group);
        assert_true(same_row(&part, row, &all, from[group] * EACH + row % EACH));
    }
    as_rollouts_first(&part, 3);
    assert_true(part.n == (size_t)GROUPS * 3 && part.each == 3);
    for (size_t row = 0; row < part.n; row++) {
        assert_true(part.rows[row].group == row / 3 && part.rows[row].sample == row % 3);
        assert_true(same_row(&part, row, &all, from[row / 3] * EACH + row % 3));
    }
    as_rollouts nothing = { 0 };
    MUST(as_rollouts_append(&nothing, &part, err));
    assert_true(nothing.n == part.n && same_row(&nothing, 5, &part, 5));
    as_rollouts_fini(&nothing);
    as_rollouts_fini(&part);
    as_rollouts_fini(&all);
    close_world(&w);
}

/* ---- the step sees the same numbers ---- */

static const as_run_options limits = { .tokens = 64, .seqs = 4, .rows = 40, .trains = true };

static double *step_of(world *w, const as_rollouts *r, const as_rl_options *o, as_rl_stats *s)
{
    const as_optimizer_options how = as_optimizer_standard();
    double score[MOST];
    for (size_t i = 0; i < MOST; i++)
        score[i] = (double)(i * 5 % 7);
    const as_rl_rewards rewards = { .score = score };
    as_rl_parts parts = { .run = tiny_run(&w->m, &limits), .limits = limits };
    as_rl *rl = NULL;
    MUST(as_optimizer_new(&parts.optimizer, w->m.p, NULL, &how, err));
    MUST(as_rl_new(&rl, &parts, o, err));
    MUST(as_rl_step(rl, 1, r, &rewards, s, err));
    double *grads = host_grads(&w->m, parts.optimizer->grads);
    as_rl_free(rl);
    as_optimizer_free(parts.optimizer);
    as_run_free(parts.run);
    return grads;
}

static as_rl_options options_of(const as_sampling *how)
{
    as_rl_options o = as_rl_standard();
    o.temperature = (double)how->temperature;
    o.schedule.peak = 0;
    return o;
}

static void check_ratios(world *w, double most)
{
    as_rollouts r = { 0 };
    as_rl_stats s, again;
    calls c;
    sample(w, &r, &c);
    as_rl_options o = options_of(&drawn);
    double *grads = step_of(w, &r, &o, &s);
    assert_true(fabs(s.ratio_min - 1) <= most && fabs(s.ratio_max - 1) <= most);
    assert_true(s.sampler_difference <= most && s.clip_fraction == 0);
    o.recomputes_old = true; /* then they are the trainer's own, and so the same */
    double *recomputed = step_of(w, &r, &o, &again);
    assert_true(again.ratio_min == 1 && again.ratio_max == 1);
    assert_true(tiny_distance(grads, recomputed, w->m.index->n_elements) <= 10 * most);
    as_free(grads);
    as_free(recomputed);
    as_rollouts_fini(&r);
}

/* On policy every ratio is 1: to the bit, where the sampler's log-probabilities are of the
 * trainer's precision. */
static void ratios_are_one(void **state)
{
    (void)state;
    world w;
    open_world(&w, "cpu", K_F32, 8);
    check_ratios(&w, 0);
    close_world(&w);
    open_world(&w, "naive-f64", K_F64, 8);
    check_ratios(&w, 1e-6); /* it keeps floats */
    close_world(&w);
}

/* Of a sampler whose probabilities were others: exp(old - sampler's), and at most the cap, weighs a
 * token. */
static void importance(void **state)
{
    (void)state;
    world w;
    as_rollouts r = { 0 };
    as_rl_stats s;
    calls c;
    open_world(&w, "naive-f64", K_F64, 8);
    sample(&w, &r, &c);
    as_rl_options o = options_of(&drawn);
    const size_t n = w.m.index->n_elements;
    o.recomputes_old = true;
    double *plain = step_of(&w, &r, &o, &s);
    for (size_t i = 0; i < r.n_ids; i++)
        r.logp[i] -= 0.5F; /* so that each weighs e^0.5 = 1.65 */
    double *uncapped = step_of(&w, &r, &o, &s);
    assert_true(tiny_distance(uncapped, plain, n) == 0);
    o.importance_cap = 10;
    double *weighed = step_of(&w, &r, &o, &s);
    o.importance_cap = 1.25;
    double *capped = step_of(&w, &r, &o, &s);
    for (size_t i = 0; i < n; i++) {
        weighed[i] /= exp(0.5);
        capped[i] /= 1.25;
    }
    assert_true(tiny_distance(weighed, plain, n) < 1e-6);
    assert_true(tiny_distance(capped, plain, n) < 1e-12);
    as_free(plain);
    as_free(uncapped);
    as_free(weighed);
    as_free(capped);
    as_rollouts_fini(&r);
    close_world(&w);
}

/* ---- prompts ---- */

static void refuse(const char *text, const char *says, size_t longest)
{
    char folder[512];
    const char *path = temp_path("bad.jsonl");
    as_tokenizer *t = NULL;
    as_suite s = { 0 };
    as_err e = { 0 };
    tiny_folder(folder, sizeof folder, "tiny_qwen2");
    MUST(as_tokenizer_open(&t, folder, err));
    write_file(path, text);
    const as_suite_reading how = { .tokenizer = t, .longest = longest };
    assert_int_equal(as_suite_read(&s, path, &how, &e), AS_EDATA);
    if (!strstr(e.text, says))
        fail_msg("\"%s\" does not say \"%s\"", e.text, says);
    as_suite_fini(&s);
    as_tokenizer_free(t);
}

static void bad_prompts(void **state)
{
    (void)state;
    refuse("{\"id\":1,\"prompt\":\"x\"}\n{\"id\":1,\"prompt\":\"y\"}\n",
           ":2: \"id\" 1 stands on line 1", 0);
    refuse("{\"prompt\":\"x\"}\n", ":1: \"id\" is missing", 0);
    refuse("[1]\n", "not a JSON object", 0);
    refuse("{\"id\":1}\n", "\"prompt\" is missing", 0);
    refuse("{\"id\":1,\"prompt\":\"\"}\n", "empty", 0);
    refuse("{\"id\":1,\"prompt\":\"x\",\"meta\":3}\n", "\"meta\"", 0);
    refuse("{\"id\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}\n", "chat template", 0);
    refuse("\n", "no prompt", 0);
    refuse("{\"id\":1,\"prompt\":\"a longer one than that\"}\n", "over 2 tokens", 2);
}

static void prompts_as_they_are(void **state)
{
    (void)state;
    world w;
    open_world(&w, "cpu", K_F32, 8);
    const as_suite_item *i = w.suite.items;
    assert_true(as_str_is(i[0].prompt, "one and one") && as_str_is(i[0].reference, "2"));
    assert_true(as_str_is(i[1].reference, "{\"x\":[1]}") && as_str_is(i[1].meta, "{\"level\":3}"));
    assert_true(!i[2].reference.data && i[2].line == 3);
    assert_true(i[0].key != i[1].key && w.suite.longest >= i[1].n_ids);
    close_world(&w);
}

static void not_added(as_suite_reader *r, const char *line, const char *says)
{
    as_err e = { 0 };
    assert_int_equal(as_suite_add(r, as_str_of(line), 9, &e), AS_EDATA);
    if (!strstr(e.text, says))
        fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

/* As a file of the same lines; what is refused leaves no trace. */
static void prompts_one_by_one(void **state)
{
    static const char *const lines[] = {
        "{\"id\":\"a\",\"prompt\":\"one and one\",\"reference\":\"2\"}",
        "{\"id\":2,\"prompt\":\"two\"}"
    };
    (void)state;
    world w;
    as_suite s = { 0 };
    as_suite_reader *r = NULL;
    open_world(&w, "cpu", K_F32, 8);
    const as_suite_item *of_file = w.suite.items;
    const as_suite_reading how = { .tokenizer = w.t, .longest = of_file[0].n_ids };
    MUST(as_suite_reader_new(&r, &s, &how, 3, err));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 2; i++)
            MUST(as_suite_add(r, as_str_of(lines[i]), i + 1, err));
        not_added(r, "{\"id\":3,\"prompt\":\"\"}", "empty");
        not_added(r, "{\"id\":3,\"prompt\":\"one and one and one and one and one\"}",
                  "tokens, of at most");
        not_added(r, "no json", "column 1");
        assert_int_equal(s.n, 2);
        for (size_t i = 0; i < 2; i++) {
            const as_suite_item *one = &s.items[i];
            assert_true(one->key == of_file[i].key && one->line == i + 1);
            assert_int_equal(one->n_ids, of_file[i].n_ids);
            assert_memory_equal(one->ids, of_file[i].ids, one->n_ids * sizeof *one->ids);
            assert_true(as_str_eq(one->name, of_file[i].name) &&
                        as_str_eq(one->prompt, of_file[i].prompt));
        }
        assert_true(as_str_is(s.items[0].reference, "2") && !s.items[1].reference.data);
        MUST(as_suite_add(r, as_str_of("{\"id\":\"a\",\"prompt\":\"one and one\"}"), 3, err));
        assert_true(s.items[2].key != s.items[0].key); /* again: other draws */
        as_suite_clear(&s);
        assert_int_equal(s.n, 0);
    }
    as_suite_reader_free(r);
    as_suite_reader_free(NULL);
    as_suite_fini(&s);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(in_waves),
        cmocka_unit_test(kept_and_appended),
        cmocka_unit_test(ratios_are_one),
        cmocka_unit_test(importance),
        cmocka_unit_test(bad_prompts),
        cmocka_unit_test(prompts_as_they_are),
        cmocka_unit_test(prompts_one_by_one),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
