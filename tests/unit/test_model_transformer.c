/* test_model_transformer.c -- forward passes of the three tiny models against their goldens, on
 * every backend in every type; packed = one by one; decoding with a cache = the whole sequence.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

enum { MOST = 64 };

/* How far logits may be from the golden's, absolutely; bf16 is measured as a whole. */
static double logit_tolerance(k_type type)
{
    return type == K_F64 ? 1e-9 : 5e-5;
}

static double logp_tolerance(k_type type)
{
    return type == K_F64 ? 1e-9 : type == K_F32 ? 2e-5 : 0.5;
}

/* In bf16 as a whole: `narrow` is |got - want| / |want|. */
static void check_logits(const tiny_model *m, const double *got, const double *want, size_t n,
                         double tolerance, double narrow)
{
    if (m->type != K_BF16)
        tiny_near(got, want, n, tolerance, "logits");
    else if (!(tiny_distance(got, want, n) <= narrow))
        fail_msg("in bf16: %g from the golden", tiny_distance(got, want, n));
}

/* Next-token log-probs of ids, at every position but the last. */
static void next_logps(as_run *run, const int32_t *ids, size_t n, double *logp)
{
    int32_t cu[2] = { 0, (int32_t)n }, rows[MOST];
    for (size_t i = 0; i + 1 < n; i++)
        rows[i] = (int32_t)i;
    as_packed b = {
        .n_tokens = (int64_t)n, .n_seqs = 1, .n_rows = (int64_t)n - 1, .ids = ids, .cu_seqlens = cu
    };
    b.rows = rows;
    b.targets = ids + 1;
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logprob(run, 1, logp, NULL, err));
}

static void check_prompt(const tiny_model *m, as_run *run, const cJSON *prompt)
{
    size_t n, vocab, n_logp;
    int32_t *ids = golden_ids(golden_member(prompt, "ids"), &n);
    double *want_logits = golden_numbers(golden_member(prompt, "logits_last"), &vocab);
    double *want_logp = golden_numbers(golden_member(prompt, "next_token_logprobs"), &n_logp);
    double *logits = as_calloc(vocab, sizeof *logits), logp[MOST];
    assert_true(n <= MOST && n_logp == n - 1 && (int64_t)vocab == m->index->config.vocab);
    next_logps(run, ids, n, logp);
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n_logp; i++) {
        mean += fabs(logp[i] - want_logp[i]) / (double)n_logp;
        sum += logp[i];
    }
    tiny_near(logp, want_logp, n_logp, logp_tolerance(m->type), "log-probs");
    if (m->type == K_BF16)
        assert_true(mean <=
                    0.15); /* activations in bf16 too; its weights alone: see rounded_weights */
    else
        tiny_near(&sum, &golden_member(prompt, "sum_logprob")->valuedouble, 1, 1e-4, "sum");
    int32_t last = (int32_t)n - 1;
    MUST(as_run_logits(run, &last, 1, logits, err));
    check_logits(m, logits, want_logits, vocab, logit_tolerance(m->type), 0.03);
    as_free(ids);
    as_free(want_logits);
    as_free(want_logp);
    as_free(logits);
}

/* All logits of all positions, and the residual stream after layer 0, as golden_arrays has them (in
 * float). */
static void check_arrays(const tiny_model *m, as_run *run, const char *family, int number,
                         const cJSON *prompt)
{
    char name[40];
    size_t n, n_logits, n_hidden;
    int32_t *ids = golden_ids(golden_member(prompt, "ids"), &n), cu[2] = { 0, (int32_t)n },
            rows[MOST];
    as_packed b = { .n_tokens = (int64_t)n, .n_seqs = 1, .ids = ids, .cu_seqlens = cu };
    MUST(as_run_forward(run, &b, err));
    for (size_t i = 0; i < n; i++)
        rows[i] = (int32_t)i;
    (void)snprintf(name, sizeof name, "logits.%d", number);
    double *want_logits = tiny_tensor(family, "golden_arrays.safetensors", name, &n_logits);
    (void)snprintf(name, sizeof name, "hidden_layer0.%d", number);
    double *want_hidden = tiny_tensor(family, "golden_arrays.safetensors", name, &n_hidden);
    assert_int_equal(n_logits, n * (size_t)m->index->config.vocab);
    assert_int_equal(n_hidden, n * (size_t)m->index->config.d);
    double *logits = as_calloc(n_logits, sizeof *logits),
           *hidden = as_calloc(n_hidden, sizeof *hidden);
    MUST(as_run_logits(run, rows, (int64_t)n, logits, err));
    MUST(as_run_hidden(run, 0, hidden, err));
    check_logits(m, logits, want_logits, n_logits, m->type == K_F64 ? 2e-6 : 5e-5, 0.03);
    check_logits(m, hidden, want_hidden, n_hidden, m->type == K_F64 ? 2e-6 : 5e-5, 0.03);
    as_free(ids);
    as_free(logits);
    as_free(want_logits);
    as_free(hidden);
    as_free(want_hidden);
}

static void check_goldens(const tiny_model *m, const char *family)
{
    const as_run_options o = {
        .tokens = MOST, .seqs = 1, .rows = MOST, .logit_rows = MOST, .trains = true
    };
    cJSON *root = tiny_golden(family, "golden.json");
    as_run *run = tiny_run(m, &o);
    const cJSON *prompt;
    int number = 0;
    cJSON_ArrayForEach(prompt, golden_member(root, "prompts"))
    {
        check_prompt(m, run, prompt);
        check_arrays(m, run, family, number++, prompt);
    }
    as_run_free(run);
    cJSON_Delete(root);
}

static void goldens(void **state)
{
    (void)state;
    tiny_everywhere(check_goldens, "");
    tiny_wide = true;
    tiny_everywhere(check_goldens, "");
    tiny_wide = false;
}

/* Log-probs in bf16 against those of the same weights in double: the mean distance. */
static void check_narrow_logps(const tiny_model *m, const char *family, const cJSON *prompts)
{
    const as_run_options o = { .tokens = MOST, .seqs = 1, .rows = MOST };
    tiny_model exact;
    tiny_open(&exact, family, "/bf16", "naive-f64", K_F64);
    as_run *run = tiny_run(m, &o), *exact_run = tiny_run(&exact, &o);
    const cJSON *prompt;
    double sum = 0;
    size_t count = 0;
    cJSON_ArrayForEach(prompt, prompts)
    {
        size_t n;
        int32_t *ids = golden_ids(golden_member(prompt, "ids"), &n);
        double logp[MOST], want[MOST];
        next_logps(run, ids, n, logp);
        next_logps(exact_run, ids, n, want);
        for (size_t i = 0; i + 1 < n; i++, count++)
            sum += fabs(logp[i] - want[i]);
        as_free(ids);
    }
    if (!(sum / (double)count <= (tiny_wide ? 5e-5 : 0.06)))
        fail_msg("%s: log-probs in bf16 are %g away in the mean", family, sum / (double)count);
    as_run_free(exact_run);
    as_run_free(run);
    tiny_close(&exact);
}

/* Weights rounded to bf16: computed in float they give the golden's logits (1e-2 and 0.02 are asked
 * for; floats of 24 bits are as near as fp32, of 16 nearly), in bf16 throughout roughly. */
static void check_rounded(const tiny_model *m, const char *family)
{
    cJSON *root = tiny_golden(family, "golden.json");
    size_t n, vocab;
    int32_t *ids =
        golden_ids(golden_member(cJSON_GetArrayItem(golden_member(root, "prompts"), 0), "ids"), &n);
    double *want = golden_numbers(golden_member(root, "bf16_weights_logits_last_prompt0"), &vocab);
    double *got = as_calloc(vocab, sizeof *got);
    const as_run_options o = { .tokens = MOST, .seqs = 1, .logit_rows = 1 };
    as_run *run = tiny_run(m, &o);
    int32_t cu[2] = { 0, (int32_t)n }, last = (int32_t)n - 1;
    as_packed b = { .n_tokens = (int64_t)n, .n_seqs = 1, .ids = ids, .cu_seqlens = cu };
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logits(run, &last, 1, got, err));
    check_logits(m, got, want, vocab, logit_tolerance(m->type), tiny_wide ? 1e-5 : 0.02);
    if (m->type == K_BF16)
        check_narrow_logps(m, family, golden_member(root, "prompts"));
    as_run_free(run);
    as_free(ids);
    as_free(want);
    as_free(got);
    cJSON_Delete(root);
}

static void rounded_weights(void **state)
{
    (void)state;
    tiny_everywhere(check_rounded, "/bf16");
    tiny_wide = true;
    tiny_everywhere(check_rounded, "/bf16");
    tiny_wide = false;
}

/* ---- the same row whatever it is packed with ---- */

enum { SEQS = 4, TOKENS = 45 };
static const int32_t cu_of_four[SEQS + 1] = { 0, 1, 18, 40, TOKENS };

static void some_ids(int32_t ids[TOKENS], int32_t rows[TOKENS])
{
    as_rng r = as_rng_at(77, 0);
    for (int32_t i = 0; i < TOKENS; i++) {
        ids[i] = (int32_t)as_rng_below(&r, 370);
        rows[i] = i;
    }
}

/* logits[n, vocab] of one sequence in one piece. */
static void logits_alone(as_run *run, const int32_t *ids, int32_t n, double *logits)
{
    int32_t cu[2] = { 0, n }, rows[MOST];
    for (int32_t i = 0; i < n; i++)
        rows[i] = i;
    as_packed b = { .n_tokens = n, .n_seqs = 1, .ids = ids, .cu_seqlens = cu };
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logits(run, rows, n, logits, err));
}

static void check_packed(const tiny_model *m, const char *family)
{
    (void)family;
    int32_t ids[TOKENS], rows[TOKENS];
    some_ids(ids, rows);
    const size_t vocab = (size_t)m->index->config.vocab;
    const as_run_options o = {
        .tokens = TOKENS, .seqs = SEQS, .rows = TOKENS, .logit_rows = TOKENS
    };
    as_run *run = tiny_run(m, &o);
    double *together = as_calloc(TOKENS * vocab, sizeof *together);
    double *alone = as_calloc(TOKENS * vocab, sizeof *alone);
    as_packed b = { .n_tokens = TOKENS, .n_seqs = SEQS, .ids = ids, .cu_seqlens = cu_of_four };
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logits(run, rows, TOKENS, together, err));
    for (int s = 0; s < SEQS; s++)
        logits_alone(run, ids + cu_of_four[s], cu_of_four[s + 1] - cu_of_four[s],
                     alone + (size_t)cu_of_four[s] * vocab);
    assert_memory_equal(together, alone, TOKENS * vocab * sizeof *alone);
    as_run_free(run);
    as_free(together);
    as_free(alone);
}

static void packed_is_one_by_one(void **state)
{
    (void)state;
    tiny_somewhere(check_packed);
    tiny_wide = true;
    tiny_somewhere(check_packed);
    tiny_wide = false;
}

/* ---- a cache ---- */

enum { BLOCK = 5, BLOCKS = 40, MAX_BLOCKS = 8 };

/* Blocks scattered over the cache, each sequence's own. */
static void tables_of(int32_t tables[SEQS * MAX_BLOCKS])
{
    for (int32_t i = 0; i < SEQS * MAX_BLOCKS; i++)
        tables[i] = (i * 7 + 3) % BLOCKS;
}

/* The pass once more, of which only some rows are asked, last ones first; then none. */
static void asks_some(as_run *run, const as_paged *all, const as_kv_cache *cache,
                      const double *logits, size_t vocab)
{
    int32_t asked[TOKENS], numbers[TOKENS];
    as_paged b = *all;
    b.rows = asked;
    for (int32_t t = (int32_t)b.n_tokens - 1; t >= 0; t -= 3) {
        numbers[b.n_rows] = (int32_t)b.n_rows;
        asked[b.n_rows++] = t;
    }
    double *got = as_calloc((size_t)b.n_rows * vocab, sizeof *got);
    MUST(as_run_forward_paged(run, &b, cache, err));
    MUST(as_run_logits(run, numbers, b.n_rows, got, err));
    for (int64_t i = 0; i < b.n_rows; i++)
        assert_memory_equal(got + (size_t)i * vocab, logits + (size_t)asked[i] * vocab,
                            vocab * sizeof *got);
    assert_int_equal(as_run_logits(run, &(int32_t){ (int32_t)b.n_rows }, 1, got, NULL), AS_EUSAGE);
    as_free(got);
    b.n_rows = 0;
    MUST(as_run_forward_paged(run, &b, cache, err));
}

/* Two passes over the same four sequences: `first` tokens of each at once (a prompt), then one
 * token of each a step. Every row's logits are kept. */
static void decode(const tiny_model *m, as_run *run, const int32_t *ids, int32_t first,
                   double *logits)
{
    const size_t vocab = (size_t)m->index->config.vocab;
    int32_t tables[SEQS * MAX_BLOCKS], now[TOKENS], positions[TOKENS], seq_of[TOKENS], rows[TOKENS],
        at[TOKENS];
    as_kv_cache cache;
    tables_of(tables);
    MUST(as_kv_cache_init(&cache, m->p, BLOCKS, BLOCK, err));
    for (int32_t from = 0, to = first;; from = to, to++) {
        int32_t n = 0;
        for (int32_t s = SEQS - 1; s >= 0; s--) /* in another order than they were packed */
            for (int32_t p = from; p < to && p < cu_of_four[s + 1] - cu_of_four[s]; p++, n++) {
                at[n] = cu_of_four[s] + p;
                now[n] = ids[at[n]];
                positions[n] = p;
                seq_of[n] = s;
                rows[n] = n;
            }
        if (n == 0)
            break;
        as_paged b = { .n_tokens = n, .n_seqs = SEQS, .max_blocks = MAX_BLOCKS, .ids = now };
        b.positions = positions;
        b.seq_of = seq_of;
        b.block_tables = tables;
        MUST(as_run_forward_paged(run, &b, &cache, err));
        double *piece = as_calloc((size_t)n * vocab, sizeof *piece);
        MUST(as_run_logits(run, rows, n, piece, err));
        for (int32_t i = 0; i < n; i++)
            memcpy(logits + (size_t)at[i] * vocab, piece + (size_t)i * vocab,
                   vocab * sizeof *piece);
        asks_some(run, &b, &cache, piece, vocab);
        as_free(piece);
    }
    as_kv_cache_fini(&cache);
}

static void check_decoding(const tiny_model *m, const char *family)
{
    (void)family;
    int32_t ids[TOKENS], rows[TOKENS];
    some_ids(ids, rows);
    const size_t n = TOKENS * (size_t)m->index->config.vocab;
    const as_run_options o = {
        .tokens = TOKENS, .seqs = SEQS, .logit_rows = TOKENS, .max_blocks = MAX_BLOCKS
    };
    as_run *run = tiny_run(m, &o);
    double *want = as_calloc(n, sizeof *want), *got = as_calloc(n, sizeof *got);
    as_packed b = { .n_tokens = TOKENS, .n_seqs = SEQS, .ids = ids, .cu_seqlens = cu_of_four };
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logits(run, rows, TOKENS, want, err));
    const char *only = TINY_BACKEND; /* where the emulation takes its time */
    if (!only[0]) {
        decode(m, run, ids, 1, got);
        assert_memory_equal(got, want, n * sizeof *got);
    }
    memset(got, 0, n * sizeof *got);
    decode(m, run, ids, 17, got); /* prompts at once, more than a block of keys */
    assert_memory_equal(got, want, n * sizeof *got);
    as_run_free(run);
    as_free(want);
    as_free(got);
}

static void decoding_is_forward(void **state)
{
    (void)state;
    tiny_somewhere(check_decoding);
    tiny_wide = true;
    tiny_somewhere(check_decoding);
    tiny_wide = false;
}

/* The prompt, then a token at a time, always the likeliest; logp of each. Returns how many ids
 * there are now. */
static size_t generate(const tiny_model *m, as_run *run, int32_t ids[MOST], size_t n, size_t n_new,
                       double *logp)
{
    int32_t positions[MOST], seq_of[MOST] = { 0 }, tables[SEQS * MAX_BLOCKS];
    as_kv_cache cache;
    size_t done = 0;
    tables_of(tables);
    for (int32_t i = 0; i < MOST; i++)
        positions[i] = i;
    MUST(as_kv_cache_init(&cache, m->p, BLOCKS, BLOCK, err));
    for (size_t i = 0; i < n_new; i++, n++) {
        as_paged b = { .n_tokens = (int64_t)(n - done), .n_seqs = 1, .max_blocks = MAX_BLOCKS };
        b.ids = ids + done;
        b.positions = positions + done;
        b.seq_of = seq_of;
        b.block_tables = tables;
        MUST(as_run_forward_paged(run, &b, &cache, err));
        int32_t last = (int32_t)b.n_tokens - 1;
        k_sample_row how = { .temperature = 0, .top_p = 1 };
        as_sampled got;
        MUST(as_run_sample(run, &last, 1, &how, m->index->config.vocab, &got, err));
        done = n;
        ids[n] = got.id;
        logp[i] = got.logp;
    }
    as_kv_cache_fini(&cache);
    return n;
}

/* Greedy tokens of transformers' generate(), and the log-probs of what was sampled = those of the
 * whole sequence. */
static void check_greedy(const tiny_model *m, const char *family)
{
    if (m->type == K_BF16)
        return;
    cJSON *root = tiny_golden(family, "golden.json");
    const as_run_options o = {
        .tokens = MOST, .seqs = 1, .rows = MOST, .logit_rows = 1, .max_blocks = MAX_BLOCKS
    };
    as_run *run = tiny_run(m, &o);
    const cJSON *prompt;
    cJSON_ArrayForEach(prompt, golden_member(root, "prompts"))
    {
        size_t n_prompt, n_want;
        int32_t *start = golden_ids(golden_member(prompt, "ids"), &n_prompt), ids[MOST];
        int32_t *want = golden_ids(golden_member(prompt, "greedy_16"), &n_want);
        double logp[MOST], again[MOST];
        memcpy(ids, start, n_prompt * sizeof *ids);
        size_t n = generate(m, run, ids, n_prompt, n_want, logp);
        assert_memory_equal(ids + n_prompt, want, n_want * sizeof *ids);
        next_logps(run, ids, n, again);
        tiny_near(logp, again + n_prompt - 1, n_want, m->type == K_F64 ? 1e-12 : 1e-6,
                  "log-prob sampled = trained");
        as_free(start);
        as_free(want);
    }
    as_run_free(run);
    cJSON_Delete(root);
}

static void greedy(void **state)
{
    (void)state;
    tiny_somewhere(check_greedy);
}

/* ---- refusals ---- */

static void refuses(as_run *run, const as_packed *b, int code, const char *part)
{
    as_err said = { 0 };
    assert_int_equal(as_run_forward(run, b, &said), code);
    if (!strstr(said.text, part))
        fail_msg("\"%s\" does not say \"%s\"", said.text, part);
}

static void refusals(void **state)
{
    (void)state;
    tiny_model m;
    tiny_open(&m, "tiny_qwen2", "", "naive-f32", K_F32);
    const as_run_options o = {
        .tokens = 300, .seqs = 2, .rows = 2, .logit_rows = 1, .max_blocks = 2
    };
    as_run *run = tiny_run(&m, &o);
    int32_t ids[300] = { 0 }, cu[3] = { 0, 257, 257 }, rows[2] = { 0, 0 }, targets[2] = { 0 };
    as_packed b = {
        .n_tokens = 257, .n_seqs = 1, .ids = ids, .cu_seqlens = cu, .rows = rows, .targets = targets
    };
    refuses(run, &b, AS_EDATA, "257 tokens; there are 256 positions");
    b.n_tokens = 301;
    refuses(run, &b, AS_EUSAGE, "the plan was for 300");
    b.n_tokens = cu[1] = 3;
    ids[2] = 384;
    refuses(run, &b, AS_EDATA, "position 2 is token 384; the vocabulary has 384");
    ids[2] = -1;
    refuses(run, &b, AS_EDATA, "token -1");
    ids[2] = 0;
    b.n_rows = 1;
    targets[0] = 400;
    refuses(run, &b, AS_EDATA, "target 0 is token 400");
    rows[0] = 3;
    refuses(run, &b, AS_EUSAGE, "token 3 of 3");
    b.n_seqs = 2;
    cu[1] = 5;
    cu[2] = 3;
    refuses(run, &b, AS_EUSAGE, "ends before it begins");
    cu[1] = 2;
    int32_t parents[2] = { 0, -1 };
    b.parents = parents;
    refuses(run, &b, AS_EUSAGE, "sequence 0 does not follow its parent 0");
    parents[0] = -1;
    parents[1] = -2;
    refuses(run, &b, AS_EUSAGE, "sequence 1 does not follow its parent -2");
    parents[1] = 0;
    b.n_tokens = cu[2] = 257;
    refuses(run, &b, AS_EDATA, "257 tokens; there are 256 positions");
    double number;
    assert_int_equal(as_run_logprob(run, 0, &number, NULL, NULL), AS_EUSAGE);
    assert_int_equal(as_run_backward(run, &number, NULL, &number, NULL), AS_EUSAGE);
    as_kv_cache cache;
    MUST(as_kv_cache_init(&cache, m.p, 2, 4, err));
    int32_t position = 256, seq = 0, tables[2] = { 0, 1 };
    as_paged p = { .n_tokens = 1,
                   .n_seqs = 1,
                   .max_blocks = 2,
                   .ids = ids,
                   .positions = &position,
                   .seq_of = &seq };
    p.block_tables = tables;
    assert_int_equal(as_run_forward_paged(run, &p, &cache, NULL), AS_EDATA);
    position = 8;
    assert_int_equal(as_run_forward_paged(run, &p, &cache, NULL), AS_EUSAGE);
    position = 7;
    tables[1] = 2;
    assert_int_equal(as_run_forward_paged(run, &p, &cache, NULL), AS_EUSAGE);
    tables[1] = 1;
    p.rows = &(int32_t){ 1 };
    p.n_rows = 1;
    assert_int_equal(as_run_forward_paged(run, &p, &cache, NULL), AS_EUSAGE);
    p.n_rows = INT32_MAX;
    assert_int_equal(as_run_forward_paged(run, &p, &cache, NULL), AS_EUSAGE);
    p.rows = NULL;
    MUST(as_run_forward_paged(run, &p, &cache, err));
    as_kv_cache_fini(&cache);
    assert_int_equal(as_kv_cache_init(&cache, m.p, INT32_MAX, 16, NULL), AS_EUSAGE);
    as_run_free(run);
    as_run *none;
    const as_run_options empty = { .tokens = 0, .seqs = 1 };
    assert_int_equal(as_run_new(&none, m.p, &empty, NULL), AS_EUSAGE);
    const as_parameters_options wrong = { .type = K_F64 };
    as_parameters *p64;
    assert_int_equal(as_parameters_new(&p64, m.index, m.dev, &wrong, NULL), AS_EUSAGE);
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens),
        cmocka_unit_test(rounded_weights),
        cmocka_unit_test(packed_is_one_by_one),
        cmocka_unit_test(decoding_is_forward),
        cmocka_unit_test(greedy),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
