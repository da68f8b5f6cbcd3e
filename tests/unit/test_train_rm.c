/* test_train_rm.c -- reward models: pairs read from files, the loss against its formula and its
 * gradient against finite differences, micro-batches that do not show.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

#include "model/judged.h"
#include "train/rm.h"

#include "temp.h"

/* ---- pairs ---- */

static as_tokenizer *tokenizer_of(const char *family, as_chat **chat)
{
    char folder[512];
    as_tokenizer *t = NULL;
    tiny_folder(folder, sizeof folder, family);
    MUST(as_tokenizer_open(&t, folder, err));
    if (chat)
        MUST(as_chat_open_family(chat, "chatml", folder, err));
    return t;
}

static const char *file_of(const char *text)
{
    const char *path = temp_path("pairs.jsonl");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* The text of one side, special tokens and all. */
static void check_side(const as_tokenizer *t, const as_pairs *p, size_t pair, int side,
                       const char *want)
{
    as_buf out;
    as_buf_init(&out, 1 << 16);
    as_decode(t, p->ids + p->at[pair].begin[side], p->at[pair].n[side], false, &out);
    assert_string_equal(out.data, want);
    as_buf_fini(&out);
}

static void test_forms(void **state)
{
    (void)state;
    as_chat *chat = NULL;
    as_tokenizer *t = tokenizer_of("tiny_qwen2", &chat);
    as_pairs p = { 0 };
    as_pairs_reading how = { .tokenizer = t, .chat = chat, .longest = 200, .eos = 378 };
    const char *eos = as_tokenizer_text(t, 378).data;
    char want[400];
    MUST(as_pairs_read(
        &p,
        file_of("{\"prompt\":\"1+1=\",\"chosen\":\"2\",\"rejected\":\"3\"}\n"
                "{\"chosen\":\"yes\",\"rejected\":\"no no\"}\n\n"
                "{\"prompt\":\"a\",\"chosen\":\"same\",\"rejected\":\"same\"}\n"
                "{\"prompt\":[{\"role\":\"user\",\"content\":\"hi\"}],\"chosen\":[{\"role\":"
                "\"assistant\",\"content\":\"yo\"}],\"rejected\":[{\"role\":\"assistant\","
                "\"content\":\"no\"}]}\n"
                "{\"chosen\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\","
                "\"content\":\"yo\"}],\"rejected\":[{\"role\":\"user\",\"content\":\"hi\"},"
                "{\"role\":\"assistant\",\"content\":\"no\"}]}\n"
                "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"chosen\":\"yo\","
                "\"rejected\":\"no\"}\n"),
        &how, err));
    assert_int_equal(p.n, 5);
    assert_true(p.n_same == 1 && p.n_too_long == 0);
    (void)snprintf(want, sizeof want, "1+1=2%s", eos);
    check_side(t, &p, 0, AS_CHOSEN, want);
    (void)snprintf(want, sizeof want, "1+1=3%s", eos);
    check_side(t, &p, 0, AS_REJECTED, want);
    (void)snprintf(want, sizeof want, "no no%s", eos);
    check_side(t, &p, 1, AS_REJECTED, want);
    (void)snprintf(want, sizeof want, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nno%s",
                   eos);
    for (size_t i = 2; i < 5; i++) /* three ways to say the same */
        check_side(t, &p, i, AS_REJECTED, want);
    /* what a user says, in the template */
    as_pairs_clear(&p);
    how.as_chat = true;
    how.longest = 60;
    MUST(as_pairs_read(&p,
                       file_of("{\"prompt\":\"hi\",\"chosen\":\"yo\",\"rejected\":\"no\"}\n"
                               "{\"prompt\":\"hi\",\"chosen\":\"yo, which is much too long to "
                               "be looked at here as it has words and words and words and "
                               "words\",\"rejected\":\"no\"}\n"),
                       &how, err));
    check_side(t, &p, 0, AS_REJECTED, want);
    assert_true(p.n == 1 && p.n_too_long == 1);
    as_pairs_fini(&p);
    as_chat_free(chat);
    as_tokenizer_free(t);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } bad[] = {
        { "{\"prompt\":\"a\",\"chosen\":\"b\"}", "\"rejected\" is missing" },
        { "{\"prompt\":\"a\",\"rejected\":\"b\"}", "\"chosen\" is missing" },
        { "{\"prompt\":3,\"chosen\":\"b\",\"rejected\":\"c\"}", "\"prompt\" is of another kind" },
        { "[1]", "not a JSON object" },
        { "{\"prompt\":\"a\",", "column" },
        { "{\"chosen\":[],\"rejected\":[]}", "\"chosen\" has no message" },
        { "{\"prompt\":\"a\",\"chosen\":[{\"role\":\"user\",\"content\":\"b\"}],\"rejected\":"
          "\"c\"}",
          "is not the assistant's" },
        { "{\"chosen\":[{\"role\":\"assistant\",\"content\":\"b\"}],\"rejected\":\"c\"}",
          "there is no message before the answer \"chosen\"" },
        { "{\"prompt\":[{\"role\":\"user\",\"content\":\"b\"}],\"chosen\":\"b\",\"rejected\":"
          "\"c\"}",
          "needs a chat template" },
    };
    as_tokenizer *t = tokenizer_of("tiny_llama", NULL);
    const as_pairs_reading how = { .tokenizer = t, .longest = 200, .eos = 382 };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        as_pairs p = { 0 };
        as_err said = { 0 };
        assert_int_equal(as_pairs_read(&p, file_of(bad[i].line), &how, &said), AS_EDATA);
        if (!strstr(said.text, bad[i].says) || !strstr(said.text, "pairs.jsonl:1"))
            fail_msg("\"%s\" does not say \"%s\"", said.text, bad[i].says);
        as_pairs_fini(&p);
    }
    as_tokenizer_free(t);
}

static void test_conversations_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_chat;
    } all[] = { { "[{\"role\":\"user\",\"content\":\"x\"}]", true },
                { " [{\"role\":\"user\"}, {\"role\":\"assistant\"}]", true },
                { "[1, 2, 3]", false },
                { "[]", false },
                { "[{\"content\":\"x\"}]", false },
                { "[{\"role\":3}]", false },
                { "[{\"role\":\"user\"}] and more", false },
                { "{\"role\":\"user\"}", false },
                { "", false },
                { "[", false } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_true(as_judged_is_chat(as_str_of(all[i].text)) == all[i].is_chat);
}

/* ---- pairs of responses ---- */

static void test_of_labels(void **state)
{
    (void)state;
    const double none = NAN;
    /* groups of three: two pairs, none (no labels), three, none (all equal) */
    const double label[12] = { 1, 0, 0, none, none, 1, 3, 1, 2, 5, 5, 5 };
    const as_row_pair want[5] = { { 0, 1 }, { 0, 2 }, { 6, 7 }, { 6, 8 }, { 8, 7 } };
    as_row_pair got[5], again[5];
    assert_int_equal(as_pairs_of_labels(got, 5, label, 4, 3, 1), 5);
    assert_memory_equal(got, want, sizeof want);
    /* fewer than there are: each as likely, by the seed alone */
    unsigned seen[5] = { 0 };
    const as_row_pair mark = { 77, 78 };
    for (uint64_t seed = 0; seed < 2000; seed++) {
        got[2] = mark;
        assert_int_equal(as_pairs_of_labels(got, 2, label, 4, 3, seed), 2);
        assert_int_equal(as_pairs_of_labels(again, 2, label, 4, 3, seed), 2);
        assert_memory_equal(got, again, 2 * sizeof *got);
        assert_memory_not_equal(&got[0], &got[1], sizeof *got);
        assert_memory_equal(&got[2], &mark, sizeof mark); /* no more than there is room for */
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < 5; i++)
                seen[i] += got[k].chosen == want[i].chosen && got[k].rejected == want[i].rejected;
    }
    for (size_t i = 0; i < 5; i++)
        assert_true(seen[i] > 700 && seen[i] < 900); /* 800 +- 22 */
    assert_int_equal(as_pairs_of_labels(got, 0, label, 4, 3, 1), 0);
    assert_int_equal(as_pairs_of_labels(got, 5, label, 12, 1, 1), 0); /* groups of one */
    assert_int_equal(as_pairs_of_labels(got, 5, label, 0, 3, 1), 0);
}

static void test_agreement(void **state)
{
    (void)state;
    const double label[8] = { 1, 0, 0, 1, 2, 1, NAN, 0 };
    const double score[8] = { 5, 4, 5, 6, 1, 2, 9, 2 };
    size_t n;
    /* of four: 0>1 yes, 0>2 a tie, 3>1 yes, 3>2 yes; of the other: 4>5 no, 4>7 no, 5>7 a tie */
    const double got = as_pairs_agreement(label, score, 2, 4, &n);
    assert_true(n == 7 && fabs(got - 4.0 / 7) < 1e-12);
    assert_true(isnan(as_pairs_agreement(label + 1, score, 1, 2, &n)) && n == 0);
}

/* ---- steps ---- */

enum { PAIRS = 11 };

static void made_up(as_pairs *p, int64_t vocab)
{
    as_rng r = as_rng_at(5, 6);
    *p = (as_pairs){ 0 };
    for (int i = 0; i < PAIRS; i++) {
        int32_t ids[2][16];
        size_t n[2];
        bool is_new;
        for (int k = 0; k < 2; k++) {
            n[k] = 1 + as_rng_below(&r, 15);
            for (size_t j = 0; j < n[k]; j++)
                ids[k][j] = (int32_t)as_rng_below(&r, (uint64_t)vocab);
        }
        MUST(as_pairs_add(p, ids[0], n[0], ids[1], n[1], 15, &is_new, err));
        assert_true(is_new);
    }
}

typedef struct learner {
    tiny_model m;
    as_optimizer *o;
    as_run *run;
    as_rm *rm;
    as_pairs pairs;
} learner;

static void open_learner(learner *l, int family, int64_t tokens, double lr, double center)
{
    const as_run_options pass = {
        .tokens = tokens, .seqs = tokens < 60 ? 2 : 50, .rows = 50, .trains = true
    };
    const as_rm_options options = {
        .pairs = 4, .seed = 3, .center_coef = center, .schedule = { .peak = lr, .steps = 100 }
    };
    as_optimizer_options how = as_optimizer_standard();
    how.clip = 0;
    tiny_heads = AS_HEADS_SCORE;
    tiny_open(&l->m, tiny_families[family], "", "naive-f64", K_F64);
    tiny_heads = AS_HEADS_TOKENS;
    l->run = tiny_run(&l->m, &pass);
    MUST(as_optimizer_new(&l->o, l->m.p, NULL, &how, err));
    MUST(as_rm_new(&l->rm, l->o, l->run, &pass, &options, err));
    made_up(&l->pairs, l->m.index->config.vocab);
}

static void close_learner(learner *l)
{
    as_rm_free(l->rm);
    as_run_free(l->run);
    as_optimizer_free(l->o);
    as_pairs_fini(&l->pairs);
    tiny_close(&l->m);
}

/* Each text scored alone, put together by the formula as it is written. */
static void test_loss(void **state)
{
    (void)state;
    learner l;
    as_rm_stats got;
    double loss = 0, right = 0, margin = 0;
    open_learner(&l, 0, 400, 0, 0.25);
    for (size_t i = 0; i < PAIRS; i++) {
        double score[2];
        for (int k = 0; k < 2; k++) {
            const as_scoring_text text = { l.pairs.ids + l.pairs.at[i].begin[k],
                                           l.pairs.at[i].n[k] };
            MUST(as_rm_score(l.rm, &text, 1, &score[k], err));
        }
        loss += -log(1 / (1 + exp(-(score[0] - score[1])))) / PAIRS;
        loss += 0.25 * (score[0] + score[1]) * (score[0] + score[1]) / PAIRS;
        right += score[0] > score[1];
        margin += (score[0] - score[1]) / PAIRS;
    }
    MUST(as_rm_measure(l.rm, &l.pairs, &got, err));
    assert_true(fabs(got.loss - loss) < 1e-12 && fabs(got.margin - margin) < 1e-12);
    assert_true(got.accuracy == right / PAIRS && right > 0 && right < PAIRS);
    assert_true(got.pairs == PAIRS && got.tokens == l.pairs.n_ids);
    assert_true(fabs(got.chosen - got.rejected - margin) < 1e-12);
    close_learner(&l);
}

/* In passes of a few, or alone: the same bits, each where it belongs. */
static void test_scores(void **state)
{
    (void)state;
    learner l;
    as_scoring_text texts[2 * PAIRS];
    double all[2 * PAIRS], one;
    open_learner(&l, 0, 60, 0, 0);
    for (size_t i = 0; i < (size_t)2 * PAIRS; i++)
        texts[i] = (as_scoring_text){ l.pairs.ids + l.pairs.at[i / 2].begin[i % 2],
                                      l.pairs.at[i / 2].n[i % 2] };
    MUST(as_rm_score(l.rm, texts, (size_t)2 * PAIRS, all, err));
    for (size_t i = 0; i < (size_t)2 * PAIRS; i++) {
        MUST(as_rm_score(l.rm, &texts[i], 1, &one, err));
        assert_memory_equal(&one, &all[i], sizeof one);
    }
    close_learner(&l);
}

static void test_differences(void **state)
{
    (void)state;
    for (int family = 0; family < TINY_FAMILIES; family++) {
        learner l;
        as_rm_stats stats;
        size_t which[PAIRS];
        for (size_t i = 0; i < PAIRS; i++)
            which[i] = i;
        open_learner(&l, family, 60, 0, 0.1); /* a learning rate of 0: the gradient stays */
        l.pairs.n = 4;                        /* in more passes than one */
        MUST(as_rm_learn(l.rm, &l.pairs, which, l.pairs.n, 1, &stats, err));
        const double *grads = l.o->grads;
        double *w = l.m.p->arena;
        for (size_t t = 0; t < l.m.index->n_tensors; t++) {
            const as_tensor *tensor = &l.m.index->tensors[t];
            for (size_t j = 0; j < tensor->n; j += 1 + tensor->n / 2) {
                double *x = w + tensor->offset + j, old = *x, h = 1e-5;
                *x = old + h;
                MUST(as_parameters_changed(l.m.p, err));
                MUST(as_rm_measure(l.rm, &l.pairs, &stats, err));
                double up = stats.loss;
                *x = old - h;
                MUST(as_parameters_changed(l.m.p, err));
                MUST(as_rm_measure(l.rm, &l.pairs, &stats, err));
                *x = old;
                const double want = (up - stats.loss) / (2 * h);
                if (!(fabs(grads[tensor->offset + j] - want) <= 1e-7 * (1 + fabs(want))))
                    fail_msg("role %d, number %zu: gradient %.10g, differences say %.10g",
                             (int)tensor->role, j, grads[tensor->offset + j], want);
            }
        }
        close_learner(&l);
    }
}

static void test_micro_batches(void **state)
{
    (void)state;
    enum { STEPS = 4 };
    const int64_t tokens[] = { 400, 70, 30 };
    double loss[3][STEPS], *weights[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        learner l;
        as_rm_stats stats;
        open_learner(&l, 2, tokens[i], 1e-3, 0);
        for (uint64_t step = 1; step <= STEPS; step++) {
            MUST(as_rm_step(l.rm, &l.pairs, step, &stats, err));
            loss[i][step - 1] = stats.loss;
            assert_true(fabs(loss[i][step - 1] - loss[0][step - 1]) < 1e-9);
        }
        n = l.m.index->n_elements;
        weights[i] = as_calloc(n, sizeof **weights);
        memcpy(weights[i], l.m.p->arena, n * sizeof **weights);
        assert_true(tiny_distance(weights[i], weights[0], n) < 1e-9);
        close_learner(&l);
    }
    for (int i = 0; i < 3; i++)
        as_free(weights[i]);
}

/* Two steps of four pairs are all eight of them, once. */
static void test_epoch(void **state)
{
    (void)state;
    learner l;
    as_rm_stats all, one, two;
    open_learner(&l, 1, 400, 0, 0);
    l.pairs.n = 8;
    MUST(as_rm_measure(l.rm, &l.pairs, &all, err));
    MUST(as_rm_step(l.rm, &l.pairs, 1, &one, err));
    MUST(as_rm_step(l.rm, &l.pairs, 2, &two, err));
    assert_true(fabs(one.loss - two.loss) > 1e-6);
    assert_true(fabs((one.loss + two.loss) / 2 - all.loss) < 1e-12);
    close_learner(&l);
}

/* It learns what it is shown; a step goes on from its number alone. */
static void test_learns(void **state)
{
    (void)state;
    learner l, other;
    as_rm_stats first, last, stats;
    open_learner(&l, 1, 400, 4e-3, 0);
    l.pairs.n = 5;
    MUST(as_rm_measure(l.rm, &l.pairs, &first, err));
    for (uint64_t step = 1; step <= 12; step++)
        MUST(as_rm_step(l.rm, &l.pairs, step, &stats, err));
    MUST(as_rm_measure(l.rm, &l.pairs, &last, err));
    assert_true(last.loss < 0.3 && first.loss > 0.4 && last.accuracy == 1);
    /* other objects, the same weights: the next step draws the same pairs */
    open_learner(&other, 1, 400, 4e-3, 0);
    other.pairs.n = 5;
    memcpy(other.m.p->arena, l.m.p->arena, l.m.index->n_elements * sizeof(double));
    MUST(as_parameters_changed(other.m.p, err));
    MUST(as_rm_step(l.rm, &l.pairs, 13, &first, err));
    MUST(as_rm_step(other.rm, &other.pairs, 13, &last, err));
    assert_true(first.loss == last.loss && first.grad_norm == last.grad_norm);
    close_learner(&other);
    close_learner(&l);
}

static void test_limits(void **state)
{
    (void)state;
    learner l;
    as_rm_stats stats;
    as_err said = { 0 };
    as_pairs none = { 0 };
    open_learner(&l, 0, 14, 1e-3, 0);
    assert_int_equal(as_rm_step(l.rm, &l.pairs, 1, &stats, &said), AS_EUSAGE);
    assert_non_null(strstr(said.text, "does not fit a pass of 14"));
    assert_int_equal(as_rm_step(l.rm, &none, 1, &stats, NULL), AS_EDATA);
    assert_int_equal(as_rm_measure(l.rm, &none, &stats, NULL), AS_EUSAGE);
    close_learner(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_conversations_are_known),
        cmocka_unit_test(test_of_labels),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_micro_batches),
        cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
