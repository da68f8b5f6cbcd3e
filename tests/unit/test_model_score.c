/* test_model_score.c -- the head of one number a token: its scores against the head for tokens, its
 * gradients against finite differences, alone and beside log-probs; neighbours do not show; what it
 * is refused for. SPDX-License-Identifier: Apache-2.0 */
#include "tiny_batch.h"

#include "train/optimizer.h"

#include "temp.h"

static const as_model_type families[] = { AS_LLAMA, AS_QWEN2, AS_QWEN3 };
enum { FAMILIES = 3 };

/* ---- scores ---- */

static void golden_batch(batch *b)
{
    as_rng r = as_rng_at(8, 15);
    *b = (batch){ .n_seqs = 0 };
    for (int32_t s = 0; s < 4; s++) {
        int32_t ids[32], n = 3 + 7 * s;
        for (int32_t i = 0; i < n; i++)
            ids[i] = (int32_t)as_rng_below(&r, 376);
        add(b, ids, n, 1);
    }
}

/* A score head that is a row of the head for tokens gives that token's logits. */
static void check_logits(const tiny_model *m, const char *family)
{
    enum { TOKEN = 77 };
    batch b;
    double score[ROWS_MOST], *logits = as_calloc((size_t)ROWS_MOST * 384, sizeof *logits);
    const as_tensor *head = as_weights_tensor(
                        m->index, m->index->config.is_tied ? AS_W_EMBED : AS_W_HEAD, -1),
                    *to = as_weights_tensor(m->index, AS_W_SCORE, -1);
    const as_run_options o = {
        .tokens = TOKENS_MOST, .seqs = SEQS_MOST, .rows = ROWS_MOST, .logit_rows = ROWS_MOST
    };
    memcpy(m->arena + to->offset, m->arena + head->offset + (size_t)(TOKEN * head->cols),
           to->n * sizeof *m->arena);
    MUST(as_parameters_set(m->p, m->arena, AS_F32, err));
    golden_batch(&b);
    as_packed packed = packed_of(&b);
    packed.targets = NULL; /* no need of them */
    as_run *run = tiny_run(m, &o);
    MUST(as_run_forward(run, &packed, err));
    assert_int_equal(as_run_logprob(run, 1, score, NULL, NULL), AS_EUSAGE);
    MUST(as_run_scores(run, score, err));
    MUST(as_run_logits(run, b.rows, packed.n_rows, logits, err));
    double size = 0;
    for (int64_t i = 0; i < packed.n_rows; i++) {
        const double want = logits[i * m->index->config.vocab + TOKEN];
        size += fabs(want);
        if (!(fabs(score[i] - want) <= (m->type == K_F64 ? 1e-12 : 1e-5) * (1 + fabs(want))))
            fail_msg("%s: row %lld: score %.9g, logit %.9g", family, (long long)i, score[i], want);
    }
    assert_true(size > 0.1);
    as_run_free(run);
    as_free(logits);
}

static void as_logits(void **state)
{
    (void)state;
    tiny_heads = AS_HEADS_BOTH;
    tiny_everywhere(check_logits, "");
    tiny_wide = true;
    tiny_everywhere(check_logits, "");
    tiny_wide = false;
    tiny_heads = AS_HEADS_TOKENS;
}

/* ---- neighbours ---- */

/* Scores and gradients of sequence s alone are those it has among others; of gradients their sum.
 */
static void check_alone(const tiny_model *m, const char *family)
{
    batch b;
    double all[ROWS_MOST], one[ROWS_MOST];
    golden_batch(&b);
    const as_packed packed = packed_of(&b);
    as_run *run = tiny_run(m, &training);
    MUST(as_run_forward(run, &packed, err));
    MUST(as_run_scores(run, all, err));
    for (int32_t s = 0; s < b.n_seqs; s++) {
        batch alone = { .n_seqs = 0 };
        const int32_t n = b.first_row[s + 1] - b.first_row[s];
        add(&alone, b.ids + b.cu[s], b.cu[s + 1] - b.cu[s], 1);
        const as_packed a = packed_of(&alone);
        MUST(as_run_forward(run, &a, err));
        MUST(as_run_scores(run, one, err));
        if (memcmp(one, all + b.first_row[s], (size_t)n * sizeof *one) != 0)
            fail_msg("%s: the scores of sequence %d depend on its neighbours", family, s);
    }
    as_run_free(run);
}

static void neighbours(void **state)
{
    (void)state;
    tiny_heads = AS_HEADS_SCORE;
    tiny_everywhere(check_alone, "");
    tiny_heads = AS_HEADS_TOKENS;
}

/* ---- gradients ---- */

/* Small, with everything its family has. */
static as_model_config made_up(as_model_type type, as_heads heads, bool has_bias)
{
    as_model_config c = {
        .type = type, .n_layers = 2, .d = 6, .n_heads = 4, .n_kv_heads = 2, .head_dim = 4
    };
    c.d_ff = 5;
    c.vocab = 13;
    c.max_pos = 64;
    c.rms_eps = 1e-3;
    c.rope_theta = 100;
    c.is_tied = type != AS_LLAMA;
    c.has_qkv_bias = type == AS_QWEN2;
    c.has_qk_norm = type == AS_QWEN3;
    c.bos = c.pad = -1;
    c.heads = heads;
    c.has_score_bias = has_bias;
    return c;
}

typedef struct loss_parts {
    double coef[ROWS_MOST], ecoef[ROWS_MOST], scoef[ROWS_MOST];
    bool has_tokens; /* log-probs take part */
} loss_parts;

static void made_up_batch(batch *b, loss_parts *l)
{
    static const int32_t lens[] = { 2, 9, 19, 1, 5 }, prompts[] = { 1, 4, 1, 1, 3 };
    as_rng r = as_rng_at(31, 42);
    *b = (batch){ .n_seqs = 0 };
    for (size_t s = 0; s < sizeof lens / sizeof lens[0]; s++) {
        int32_t ids[32];
        for (int32_t i = 0; i < lens[s]; i++)
            ids[i] = (int32_t)as_rng_below(&r, 13);
        add(b, ids, lens[s], prompts[s]);
    }
    for (int32_t i = 0; i < b->first_row[b->n_seqs]; i++) {
        l->coef[i] = 2 * as_rng_double(&r) - 1;
        l->ecoef[i] = 2 * as_rng_double(&r) - 1;
        l->scoef[i] = 2 * as_rng_double(&r) - 1;
    }
}

static double loss_of(as_run *run, const as_packed *b, const loss_parts *l)
{
    double logp[ROWS_MOST], entropy[ROWS_MOST], score[ROWS_MOST], loss = 0;
    MUST(as_run_forward(run, b, err));
    if (l->has_tokens)
        MUST(as_run_logprob(run, 0.9, logp, entropy, err));
    MUST(as_run_scores(run, score, err));
    for (int64_t i = 0; i < b->n_rows; i++) {
        loss += l->scoef[i] * score[i];
        if (l->has_tokens)
            loss += l->coef[i] * logp[i] + l->ecoef[i] * entropy[i];
    }
    return loss;
}

/* The gradient of the loss, as doubles; the caller as_frees. */
static double *gradient(const tiny_model *m, const as_packed *b, const loss_parts *l)
{
    as_run *run = tiny_run(m, &training);
    void *grads = zeroed_grads(m);
    (void)loss_of(run, b, l);
    MUST(as_run_backward_scores(run, l->has_tokens ? l->coef : NULL,
                                l->has_tokens ? l->ecoef : NULL, l->scoef, grads, err));
    double *got = host_grads(m, grads);
    m->dev->ops->free(m->dev, grads);
    as_run_free(run);
    return got;
}

static void check_differences(const tiny_model *m, bool has_tokens)
{
    batch all;
    loss_parts l = { .has_tokens = has_tokens };
    made_up_batch(&all, &l);
    const as_packed b = packed_of(&all);
    as_run *run = tiny_run(m, &training);
    double *got = gradient(m, &b, &l),
           *w = m->p->arena; /* the naive backend's memory is the host's */
    for (size_t t = 0; t < m->index->n_tensors; t++) {
        const as_tensor *tensor = &m->index->tensors[t];
        for (size_t j = 0; j < tensor->n; j += 1 + tensor->n / 10) {
            double *x = w + tensor->offset + j, old = *x, h = 1e-5;
            *x = old + h;
            double up = loss_of(run, &b, &l);
            *x = old - h;
            double down = loss_of(run, &b, &l);
            *x = old;
            double want = (up - down) / (2 * h), is = got[tensor->offset + j];
            if (!(fabs(is - want) <= 1e-6 * (1 + fabs(want))))
                fail_msg("role %d of layer %d, number %zu: gradient %.10g, differences say %.10g",
                         (int)tensor->role, (int)tensor->layer, j, is, want);
        }
    }
    as_free(got);
    as_run_free(run);
}

static void differences(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAMILIES; f++)
        for (unsigned kind = 0; kind < 4;
             kind++) { /* a score alone, with its bias; beside tokens */
            const as_model_config c = made_up(
                families[f], kind < 2 ? AS_HEADS_SCORE : AS_HEADS_BOTH, kind == 1 || kind == 3);
            tiny_model m;
            tiny_make(&m, &c, "naive-f64", K_F64);
            check_differences(&m, kind == 3);
            tiny_close(&m);
        }
}

/* Every backend and type against double, and levels of recomputation against each other. */
static void check_near(const tiny_model *m, const char *family)
{
    tiny_model truth;
    batch all;
    loss_parts l = { .has_tokens = as_has_tokens(&m->index->config) };
    golden_batch(&all);
    for (int32_t i = 0; i < ROWS_MOST; i++) {
        l.coef[i] = i % 3 - 1;
        l.ecoef[i] = 0.1 * (i % 5);
        l.scoef[i] = 0.3 * (i % 4) - 0.4;
    }
    const as_packed b = packed_of(&all);
    tiny_open(&truth, family, "/bf16", "naive-f64", K_F64);
    double *got = gradient(m, &b, &l), *want = gradient(&truth, &b, &l);
    const double distance = tiny_distance(got, want, m->index->n_elements);
    if (!(distance < (m->p->act == K_BF16 ? 0.1 : m->type == K_BF16 ? 2e-2 : 1e-4)))
        fail_msg("%s: gradients are %.3g from those in double", family, distance);
    as_free(got);
    as_free(want);
    tiny_close(&truth);
}

static void near_double(void **state)
{
    (void)state;
    for (unsigned heads = AS_HEADS_SCORE; heads <= AS_HEADS_BOTH; heads++) {
        tiny_heads = (as_heads)heads;
        tiny_everywhere(check_near, "/bf16");
        tiny_wide = true;
        tiny_everywhere(check_near, "/bf16");
        tiny_wide = false;
    }
    tiny_heads = AS_HEADS_TOKENS;
}

/* Where log-probs take no part, the model with both heads has the gradient of the one without. */
static void same_without_tokens(void **state)
{
    (void)state;
    const k_backend *backend;
    for (size_t i = 0; (backend = k_backend_at(i)); i++) {
        tiny_model one, both;
        batch all;
        loss_parts l = { .has_tokens = false };
        const k_type type = backend->types >> K_F64 & 1 ? K_F64 : K_F32;
        made_up_batch(&all, &l);
        const as_packed b = packed_of(&all);
        as_model_config c = made_up(AS_QWEN3, AS_HEADS_SCORE, false);
        tiny_make(&one, &c, backend->name, type);
        c.heads = AS_HEADS_BOTH;
        tiny_make(&both, &c, backend->name, type);
        double *x = gradient(&one, &b, &l), *y = gradient(&both, &b, &l);
        assert_int_equal(one.index->n_elements, both.index->n_elements); /* it is tied */
        assert_memory_equal(x, y, one.index->n_elements * sizeof *x);
        as_free(x);
        as_free(y);
        tiny_close(&one);
        tiny_close(&both);
    }
}

/* ---- what it is refused for ---- */

static void refused(void **state)
{
    (void)state;
    tiny_model m;
    batch all;
    loss_parts l = { .has_tokens = false };
    double out[ROWS_MOST];
    as_err said = { 0 };
    as_run *run;
    as_model_config c = made_up(AS_LLAMA, AS_HEADS_SCORE, false);
    made_up_batch(&all, &l);
    const as_packed b = packed_of(&all);
    const as_run_options samples = { .tokens = 9, .seqs = 1, .logit_rows = 1 };
    tiny_make(&m, &c, "naive-f64", K_F64);
    assert_int_equal(as_run_new(&run, m.p, &samples, &said), AS_EUSAGE);
    assert_non_null(strstr(said.text, "cannot be sampled"));
    said = (as_err){ 0 };
    run = tiny_run(&m, &training);
    void *grads = zeroed_grads(&m);
    MUST(as_run_forward(run, &b, err));
    assert_int_equal(as_run_logprob(run, 1, out, NULL, &said), AS_EUSAGE);
    assert_non_null(strstr(said.text, "has no head for tokens"));
    assert_int_equal(as_run_backward_scores(run, NULL, NULL, l.scoef, grads, NULL), AS_EUSAGE);
    MUST(as_run_scores(run, out, err));
    assert_int_equal(as_run_backward_scores(run, NULL, NULL, NULL, grads, NULL), AS_EUSAGE);
    assert_int_equal(as_run_backward_scores(run, NULL, l.ecoef, l.scoef, grads, NULL), AS_EUSAGE);
    assert_int_equal(as_run_backward_scores(run, l.coef, NULL, l.scoef, grads, NULL), AS_EUSAGE);
    MUST(as_run_backward_scores(run, NULL, NULL, l.scoef, grads, err));
    assert_int_equal(as_run_backward_scores(run, NULL, NULL, l.scoef, grads, NULL), AS_EUSAGE);
    m.dev->ops->free(m.dev, grads);
    as_run_free(run);
    tiny_close(&m);
    c.heads = AS_HEADS_TOKENS;
    tiny_make(&m, &c, "naive-f64", K_F64);
    run = tiny_run(&m, &training);
    MUST(as_run_forward(run, &b, err));
    said = (as_err){ 0 };
    assert_int_equal(as_run_scores(run, out, &said), AS_EUSAGE);
    assert_non_null(strstr(said.text, "no score head"));
    as_run_free(run);
    tiny_close(&m);
}

/* ---- files ---- */

/* A folder of a language model becomes one that scores; what is saved is loaded as it was. */
static void folders(void **state)
{
    (void)state;
    for (int f = 0; f < TINY_FAMILIES; f++)
        for (unsigned heads = AS_HEADS_SCORE; heads <= AS_HEADS_BOTH; heads++) {
            char like[512], to[600], name[80];
            tiny_model m;
            as_model_config c;
            as_err said = { 0 };
            tiny_heads = (as_heads)heads;
            tiny_open(&m, tiny_families[f], "", "naive-f32", K_F32);
            tiny_folder(like, sizeof like, tiny_families[f]);
            (void)snprintf(name, sizeof name, "%s-%u", tiny_families[f], heads);
            (void)snprintf(to, sizeof to, "%s", temp_path(name));
            const as_weights_save_options o = { .arena_dtype = AS_F32,
                                                .file_dtype = AS_F32,
                                                .like = like };
            MUST(as_weights_save(m.index, m.arena, &o, to, err));
            MUST(as_model_config_load(&c, to, err));
            assert_true(c.heads == tiny_heads);
            as_weights_index *x;
            MUST(as_weights_index_new(&x, &c, err));
            float *back = as_calloc(x->n_elements, sizeof *back);
            MUST(as_weights_load(x, to, NULL, back, err));
            assert_memory_equal(back, m.arena, x->n_elements * sizeof *back);
            /* a head is missing unless it may be */
            assert_int_equal(as_weights_load(x, like, NULL, back, &said), AS_EDATA);
            assert_non_null(strstr(said.text, "\"score.weight\" is missing"));
            as_free(back);
            as_weights_index_free(x);
            tiny_close(&m);
        }
    tiny_heads = AS_HEADS_TOKENS;
}

/* The head decays as matrices do, though it has one row; its bias does not. */
static void decays(void **state)
{
    (void)state;
    tiny_model m;
    as_optimizer *o = NULL;
    double norm;
    as_optimizer_options how = as_optimizer_standard();
    const as_model_config c = made_up(AS_QWEN2, AS_HEADS_SCORE, true);
    how.weight_decay = 0.5;
    tiny_make(&m, &c, "naive-f32", K_F32);
    MUST(as_optimizer_new(&o, m.p, NULL, &how, err));
    MUST(as_optimizer_zero(o, err));
    MUST(as_optimizer_step(o, 1, 0.1, &norm, err));
    for (size_t i = 0; i < m.index->n_tensors; i++) {
        const as_tensor *t = &m.index->tensors[i];
        const bool is_kept = t->role == AS_W_SCORE_BIAS || t->role == AS_W_QKV_BIAS ||
                             t->role == AS_W_NORM_ATTN || t->role == AS_W_NORM_MLP ||
                             t->role == AS_W_NORM_OUT;
        const float was = m.arena[t->offset], is = ((const float *)m.p->arena)[t->offset];
        assert_true(was != 0 && fabs((double)(is - (is_kept ? was : was * 0.95F))) < 1e-6);
    }
    as_optimizer_free(o);
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_logits),
        cmocka_unit_test(neighbours),
        cmocka_unit_test(differences),
        cmocka_unit_test(near_double),
        cmocka_unit_test(same_without_tokens),
        cmocka_unit_test(refused),
        cmocka_unit_test(folders),
        cmocka_unit_test(decays),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
