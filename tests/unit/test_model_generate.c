/* test_model_generate.c -- samples of the three tiny models: greedy as the goldens have it; the
 * same to the bit whatever they are batched with; their log-probs those that training computes;
 * where they end. SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

#include "model/generate.h"

enum { PROMPTS = 3, SAMPLES = 5, MANY = 9, MOST = 64, CONTEXT = 96 };

static const as_sampling likeliest = { .temperature = 0, .top_p = 1, .max_tokens = 16 };
static const as_sampling drawn = { .temperature = 0.9F,
                                   .top_p = 0.95F,
                                   .top_k = 100,
                                   .min_p = 0.001F,
                                   .max_tokens = 24,
                                   .seed = 7,
                                   .ignores_eos = true };

typedef struct sample {
    int32_t ids[MOST];
    float logp[MOST], entropy[MOST];
    size_t n;
    as_finish finish;
    char text[1024];
    bool is_there;
} sample;

/* Prompts of one model; where their samples go. */
typedef struct book {
    int32_t ids[PROMPTS][MOST];
    size_t n_ids[PROMPTS];
    uint32_t n;      /* samples of each */
    bool one_by_one; /* each sample is a request of its own */
    uint32_t asked;
    sample got[PROMPTS][MANY];
} book;

static int next(void *ctx, as_gen_prompt *out, as_err *e)
{
    book *b = ctx;
    (void)e;
    const uint32_t each = b->one_by_one ? b->n : 1, k = b->asked / each;
    if (k == PROMPTS)
        return 0;
    *out = (as_gen_prompt){ .ids = b->ids[k],
                            .n_ids = b->n_ids[k],
                            .key = 1000 + k,
                            .first = b->one_by_one ? b->asked % each : 0,
                            .n = b->one_by_one ? 1 : b->n,
                            .tag = b->got[k] };
    b->asked++;
    return 1;
}

static int done(void *ctx, const as_gen_sample *s, as_err *e)
{
    sample *to = (sample *)s->tag + s->sample;
    (void)ctx;
    (void)e;
    assert_true(s->sample < MANY && s->n <= MOST && s->text.len < sizeof to->text && !to->is_there);
    *to = (sample){ .n = s->n, .finish = s->finish, .is_there = true };
    for (size_t i = 0; i < s->n; i++) {
        to->ids[i] = s->ids[i];
        to->logp[i] = s->logp[i];
        to->entropy[i] = s->entropy[i];
    }
    memcpy(to->text, s->text.data, s->text.len);
    return 0;
}

static as_tokenizer *tokenizer_of(const char *family)
{
    char folder[512];
    as_tokenizer *t = NULL;
    tiny_folder(folder, sizeof folder, family);
    MUST(as_tokenizer_open(&t, folder, err));
    return t;
}

static void open_book(book *b, const char *family, uint32_t n)
{
    cJSON *golden = tiny_golden(family, "golden.json");
    *b = (book){ .n = n };
    for (int k = 0; k < PROMPTS; k++) {
        size_t count;
        int32_t *ids = golden_ids(
            golden_member(cJSON_GetArrayItem(golden_member(golden, "prompts"), k), "ids"), &count);
        assert_true(count <= MOST);
        memcpy(b->ids[k], ids, count * sizeof *ids);
        b->n_ids[k] = count;
        as_free(ids);
    }
    cJSON_Delete(golden);
}

static as_gen_counts generate(const tiny_model *m, const as_tokenizer *t, const as_gen_options *o,
                              const as_sampling *how, book *b)
{
    as_generator *g = NULL;
    const as_gen_io io = { .next = next, .done = done, .ctx = b };
    MUST(as_generator_new(&g, m->p, t, o, err));
    MUST(as_generate(g, how, &io, err));
    as_gen_counts c = as_generator_counts(g);
    as_generator_free(g);
    for (int k = 0; k < PROMPTS; k++)
        for (uint32_t i = 0; i < b->n; i++)
            assert_true(b->got[k][i].is_there);
    return c;
}

/* ---- greedy ---- */

static void check_greedy(const tiny_model *m, const char *family)
{
    const as_gen_options o = as_gen_standard();
    static book b;
    open_book(&b, family, 2);
    cJSON *golden = tiny_golden(family, "golden.json");
    (void)generate(m, NULL, &o, &likeliest, &b);
    for (int k = 0; k < PROMPTS && m->type != K_BF16; k++) {
        size_t n;
        int32_t *want = golden_ids(
            golden_member(cJSON_GetArrayItem(golden_member(golden, "prompts"), k), "greedy_16"),
            &n);
        for (uint32_t i = 0; i < 2; i++) {
            assert_true(b.got[k][i].n <= n);
            assert_memory_equal(b.got[k][i].ids, want, b.got[k][i].n * sizeof *want);
            assert_true(b.got[k][i].n == n || b.got[k][i].finish == AS_FINISH_STOP);
        }
        as_free(want);
    }
    cJSON_Delete(golden);
}

static void test_greedy(void **state)
{
    (void)state;
    tiny_everywhere(check_greedy, "");
}

/* ---- the same whatever the batch ---- */

static void same_samples(const book *a, const book *b)
{
    for (int k = 0; k < PROMPTS; k++)
        for (uint32_t i = 0; i < a->n; i++)
            assert_memory_equal(&a->got[k][i], &b->got[k][i], sizeof(sample));
}

static void check_batches(const tiny_model *m, const char *family)
{
    static book alone, together, pieces, split, crowded;
    as_tokenizer *t = tokenizer_of(family);
    open_book(&alone, family, SAMPLES);
    together = pieces = split = crowded = alone;
    const as_gen_options one = { .max_seqs = 1, .batch_tokens = 1, .block_size = 16 };
    const as_gen_options all = as_gen_standard();
    const as_gen_options three = { .max_seqs = 3, .batch_tokens = 7, .block_size = 32 };
    const as_gen_options few = {
        .max_seqs = 15, .batch_tokens = 40, .block_size = 16, .n_blocks = 7
    };
    (void)generate(m, t, &one, &drawn, &alone);
    as_gen_counts c = generate(m, t, &all, &drawn, &together);
    assert_true(c.preempted == 0 && c.sampled == (uint64_t)PROMPTS * SAMPLES * drawn.max_tokens);
    same_samples(&alone, &together);
    (void)generate(m, t, &three, &drawn, &pieces);
    same_samples(&alone, &pieces);
    split.one_by_one = true;
    as_gen_counts unshared = generate(m, t, &all, &drawn, &split);
    assert_true(unshared.tokens > c.tokens); /* what is shared is computed once */
    same_samples(&alone, &split);
    c = generate(m, t, &few, &drawn, &crowded);
    assert_true(c.preempted > 0 && c.most_blocks <= 7);
    same_samples(&alone, &crowded);
    as_tokenizer_free(t);
}

static void test_batches(void **state)
{
    (void)state;
    tiny_everywhere(check_batches, "");
}

/* ---- the same in lanes ---- */

static void test_lanes(void **state)
{
    (void)state;
    static book alone, lanes, apart;
    const as_gen_options one = { .max_seqs = 1, .batch_tokens = 5, .block_size = 16 };
    const as_gen_options three = { .max_seqs = 49, .batch_tokens = 61, .block_size = 16 };
    for (tiny_threads = 1; tiny_threads <= 3; tiny_threads += 2) { /* 27 samples: 17 to a lane */
        tiny_model m;
        tiny_open(&m, "tiny_qwen3", "", "cpu", K_F32);
        const as_run_options passes = as_gen_run_options(&three, m.dev, CONTEXT);
        assert_int_equal(passes.lanes, tiny_threads);
        as_tokenizer *t = tokenizer_of("tiny_qwen3");
        open_book(&lanes, "tiny_qwen3", MANY);
        apart = lanes;
        if (tiny_threads == 1) {
            alone = lanes;
            (void)generate(&m, t, &one, &drawn, &alone);
        }
        as_gen_counts c = generate(&m, t, &three, &drawn, &lanes);
        assert_int_equal(c.sampled, PROMPTS * MANY * drawn.max_tokens);
        same_samples(&alone, &lanes);
        apart.one_by_one = true;
        (void)generate(&m, t, &three, &drawn, &apart);
        same_samples(&alone, &apart);
        as_tokenizer_free(t);
        tiny_close(&m);
    }
    tiny_threads = 0;
}

/* ---- sampler and trainer agree ---- */

static void check_logp(const tiny_model *m, const char *family)
{
    static book b;
    const as_gen_options o = as_gen_standard();
    open_book(&b, family, 2);
    (void)generate(m, NULL, &o, &drawn, &b);
    const as_run_options options = { .tokens = (int64_t)2 * MOST, .seqs = 1, .rows = MOST };
    as_run *run = tiny_run(m, &options);
    for (int k = 0; k < PROMPTS; k++)
        for (uint32_t i = 0; i < 2; i++) {
            const sample *s = &b.got[k][i];
            int32_t ids[2 * MOST], rows[MOST], cu[2] = { 0, (int32_t)(b.n_ids[k] + s->n) };
            double logp[MOST], entropy[MOST];
            memcpy(ids, b.ids[k], b.n_ids[k] * sizeof *ids);
            memcpy(ids + b.n_ids[k], s->ids, s->n * sizeof *ids);
            for (size_t j = 0; j < s->n; j++)
                rows[j] = (int32_t)(b.n_ids[k] + j) - 1;
            const as_packed whole = { .n_tokens = cu[1],
                                      .n_seqs = 1,
                                      .n_rows = (int64_t)s->n,
                                      .ids = ids,
                                      .cu_seqlens = cu,
                                      .rows = rows,
                                      .targets = s->ids };
            MUST(as_run_forward(run, &whole, err));
            MUST(as_run_logprob(run, (double)drawn.temperature, logp, entropy, err));
            for (size_t j = 0; j < s->n; j++) {
                assert_true(fabs((double)s->logp[j] - logp[j]) <= 1e-6);
                assert_true(fabs((double)s->entropy[j] - entropy[j]) <= 1e-5);
            }
        }
    as_run_free(run);
}

static void test_logp_is_the_trainers(void **state)
{
    (void)state;
    tiny_everywhere(check_logp, "");
}

/* ---- where a completion ends ---- */

static void test_stop_texts(void **state)
{
    (void)state;
    tiny_model m;
    static book whole, cut;
    const as_gen_options o = as_gen_standard();
    tiny_open(&m, "tiny_qwen2", "", "naive-f32", K_F32);
    as_tokenizer *t = tokenizer_of("tiny_qwen2");
    open_book(&whole, "tiny_qwen2", 1);
    cut = whole;
    (void)generate(&m, t, &o, &drawn, &whole);
    const char *text = whole.got[0][0].text;
    const size_t at = strlen(text) / 2;
    char word[4] = { text[at], text[at + 1], text[at + 2], 0 };
    const as_str stops[] = { as_str_of("not in any text"), { word, 3 } };
    as_sampling how = drawn;
    how.stops = stops;
    how.n_stops = 2;
    (void)generate(&m, t, &o, &how, &cut);
    const sample *a = &whole.got[0][0], *b = &cut.got[0][0];
    assert_int_equal(b->finish, AS_FINISH_STOP);
    assert_true(b->n < a->n);
    assert_memory_equal(a->ids, b->ids, b->n * sizeof *a->ids);
    assert_int_equal(strlen(b->text), (size_t)(strstr(text, word) - text));
    assert_memory_equal(a->text, b->text, strlen(b->text));
    as_tokenizer_free(t);
    tiny_close(&m);
}

static void test_end_of_text(void **state)
{
    (void)state;
    tiny_model m;
    static book whole, cut, through;
    const as_gen_options o = as_gen_standard();
    tiny_open(&m, "tiny_llama", "", "naive-f32", K_F32);
    as_tokenizer *t = tokenizer_of("tiny_llama");
    open_book(&whole, "tiny_llama", 1);
    cut = through = whole;
    m.index->config.n_eos = 0;
    (void)generate(&m, t, &o, &likeliest, &whole);
    const sample *a = &whole.got[1][0], *b = &cut.got[1][0];
    assert_true(a->n == likeliest.max_tokens && a->finish == AS_FINISH_LENGTH);
    size_t first = 0; /* where the id that is third comes first */
    while (a->ids[first] != a->ids[2])
        first++;
    m.index->config.eos[0] = -1;
    m.index->config.eos[1] = a->ids[2];
    m.index->config.n_eos = 2;
    (void)generate(&m, t, &o, &likeliest, &cut);
    assert_true(b->finish == AS_FINISH_STOP && b->n == first + 1 && b->ids[first] == a->ids[2]);
    assert_true(strlen(b->text) < strlen(a->text) &&
                strncmp(a->text, b->text, strlen(b->text)) == 0);
    as_sampling how = likeliest;
    how.ignores_eos = true;
    (void)generate(&m, t, &o, &how, &through);
    same_samples(&whole, &through);
    as_tokenizer_free(t);
    tiny_close(&m);
}

static void test_context(void **state)
{
    (void)state;
    tiny_model m;
    static book b;
    const as_gen_options o = as_gen_standard();
    tiny_open(&m, "tiny_qwen3", "", "naive-f32", K_F32);
    open_book(&b, "tiny_qwen3", 1);
    size_t longest = 0;
    for (int k = 0; k < PROMPTS; k++)
        longest = b.n_ids[k] > longest ? b.n_ids[k] : longest;
    const as_parameters_options small = { .type = K_F32, .max_pos = (int64_t)longest + 2 };
    as_parameters_free(m.p);
    MUST(as_parameters_new(&m.p, m.index, m.dev, &small, err));
    MUST(as_parameters_set(m.p, m.arena, AS_F32, err));
    (void)generate(&m, NULL, &o, &drawn, &b);
    for (int k = 0; k < PROMPTS; k++) {
        size_t room = longest + 2 - b.n_ids[k];
        assert_int_equal(b.got[k][0].n, room < drawn.max_tokens ? room : drawn.max_tokens);
        assert_int_equal(b.got[k][0].finish, AS_FINISH_LENGTH);
    }
    tiny_close(&m);
}

/* ---- refusals; the generator goes on afterwards ---- */

static int refuses(as_generator *g, const as_sampling *how, book *b, const char *says)
{
    as_err e = { 0 };
    const as_gen_io io = { .next = next, .done = done, .ctx = b };
    b->asked = 0;
    int rc = as_generate(g, how, &io, &e);
    if (!strstr(e.text, says))
        fail_msg("\"%s\" does not say \"%s\"", e.text, says);
    return rc;
}

static int cancelled(void *ctx, as_err *e)
{
    (void)ctx;
    return as_fail(e, AS_EINTR, "enough");
}

static void test_refusals(void **state)
{
    (void)state;
    tiny_model m;
    static book b, fresh;
    as_err e = { 0 };
    as_generator *g = NULL;
    const as_gen_options o = { .max_seqs = 4, .batch_tokens = 16, .block_size = 16, .n_blocks = 2 };
    tiny_open(&m, "tiny_qwen2", "", "naive-f32", K_F32);
    open_book(&b, "tiny_qwen2", 2);
    fresh = b;
    MUST(as_generator_new(&g, m.p, NULL, &o, err));
    as_sampling how = drawn;
    how.max_tokens = 60;
    assert_int_equal(refuses(g, &how, &b, "do not hold a sequence"), AS_EBUDGET);
    how = drawn;
    how.top_p = 0;
    assert_int_equal(refuses(g, &how, &b, "top_p"), AS_EUSAGE);
    how = drawn;
    how.temperature = NAN;
    assert_int_equal(refuses(g, &how, &b, "temperature"), AS_EUSAGE);
    how = drawn;
    how.n_stops = 1;
    how.stops = &(as_str){ "x", 1 };
    assert_int_equal(refuses(g, &how, &b, "tokenizer"), AS_EUSAGE);
    b = fresh;
    b.n_ids[1] = 0;
    assert_int_equal(refuses(g, &drawn, &b, "a prompt of 0 tokens"), AS_EDATA);
    const as_gen_io io = { .next = next, .done = done, .check = cancelled, .ctx = &b };
    b = fresh;
    assert_int_equal(as_generate(g, &drawn, &io, &e), AS_EINTR);
    how = drawn;
    how.max_tokens = 3;
    b = fresh;
    const as_gen_io again = { .next = next, .done = done, .ctx = &b };
    MUST(as_generate(g, &how, &again, err));
    assert_true(b.got[2][1].is_there);
    as_generator_free(g);
    const as_gen_options odd[] = { { .max_seqs = 0, .batch_tokens = 1, .block_size = 16 },
                                   { .max_seqs = 2, .batch_tokens = 1, .block_size = 16 },
                                   { .max_seqs = 1, .batch_tokens = 1, .block_size = 17 } };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(as_generator_new(&g, m.p, NULL, &odd[i], &e), AS_EUSAGE);
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy),     cmocka_unit_test(test_batches),
        cmocka_unit_test(test_lanes),      cmocka_unit_test(test_logp_is_the_trainers),
        cmocka_unit_test(test_stop_texts), cmocka_unit_test(test_end_of_text),
        cmocka_unit_test(test_context),    cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
