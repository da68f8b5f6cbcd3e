/* test_model_differences.c -- gradients of made-up models of every family against finite
 * differences in double; what is computed again instead of kept gives the same bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tiny_batch.h"

static const as_model_type families[] = { AS_LLAMA, AS_QWEN2, AS_QWEN3 };
enum { FAMILIES = 3 };

/* Small, with everything its family has. */
static as_model_config made_up(as_model_type type)
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
    if (type == AS_LLAMA) {
        c.rope_type = AS_ROPE_LLAMA3;
        c.rope_factor = 4;
        c.rope_low = 1;
        c.rope_high = 4;
        c.rope_original = 16;
    }
    c.bos = c.pad = -1;
    return c;
}

/* Sequences of their own, then one with three children. */
static void made_up_batch(batch *b, double *coef, double *ecoef)
{
    static const int32_t lens[] = { 2, 9, 19, 1, 5, 6 }, prompts[] = { 1, 4, 1, 1, 3, 5 };
    static const int32_t children[] = { 14, 1, 4 };
    as_rng r = as_rng_at(31, 41);
    *b = (batch){ .n_seqs = 0 };
    for (size_t s = 0; s < sizeof lens / sizeof lens[0]; s++) {
        int32_t ids[32];
        for (int32_t i = 0; i < lens[s]; i++)
            ids[i] = (int32_t)as_rng_below(&r, 13);
        add(b, ids, lens[s], prompts[s]);
    }
    const int32_t parent = b->n_seqs - 1;
    for (size_t s = 0; s < sizeof children / sizeof children[0]; s++) {
        int32_t ids[32];
        for (int32_t i = 0; i < children[s]; i++)
            ids[i] = (int32_t)as_rng_below(&r, 13);
        add_child(b, parent, ids, children[s]);
    }
    for (int32_t i = 0; i < b->first_row[b->n_seqs]; i++) {
        coef[i] = 2 * as_rng_double(&r) - 1;
        ecoef[i] = 2 * as_rng_double(&r) - 1;
    }
}

static double loss_of(as_run *run, const as_packed *b, const double *coef, const double *ecoef)
{
    double logp[ROWS_MOST], entropy[ROWS_MOST], loss = 0;
    MUST(as_run_forward(run, b, err));
    MUST(as_run_logprob(run, 0.9, logp, entropy, err));
    for (int64_t i = 0; i < b->n_rows; i++)
        loss += coef[i] * logp[i] + ecoef[i] * entropy[i];
    return loss;
}

static void check_differences(const tiny_model *m)
{
    batch all;
    double coef[ROWS_MOST], ecoef[ROWS_MOST];
    made_up_batch(&all, coef, ecoef);
    as_packed b = packed_of(&all);
    as_run *run = tiny_run(m, &training);
    void *grads = zeroed_grads(m);
    (void)loss_of(run, &b, coef, ecoef);
    MUST(as_run_backward(run, coef, ecoef, grads, err));
    double *got = host_grads(m, grads),
           *w = m->p->arena; /* the naive backend's memory is the host's */
    for (size_t t = 0; t < m->index->n_tensors; t++) {
        const as_tensor *tensor = &m->index->tensors[t];
        for (size_t j = 0; j < tensor->n; j += 1 + tensor->n / 10) {
            double *x = w + tensor->offset + j, old = *x, h = 1e-5;
            *x = old + h;
            double up = loss_of(run, &b, coef, ecoef);
            *x = old - h;
            double down = loss_of(run, &b, coef, ecoef);
            *x = old;
            double want = (up - down) / (2 * h), is = got[tensor->offset + j];
            if (!(fabs(is - want) <= 1e-6 * (1 + fabs(want))))
                fail_msg("role %d of layer %d, number %zu: gradient %.10g, differences say %.10g",
                         (int)tensor->role, (int)tensor->layer, j, is, want);
        }
    }
    as_free(got);
    m->dev->ops->free(m->dev, grads);
    as_run_free(run);
}

static void differences(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAMILIES; f++) {
        const as_model_config c = made_up(families[f]);
        tiny_model m;
        tiny_make(&m, &c, "naive-f64", K_F64);
        check_differences(&m);
        tiny_close(&m);
    }
}

/* ---- one prompt for several responses ---- */

/* Two prompts with responses to each; `is_shared`: behind it, else each with a prompt of its own.
 */
static void made_up_responses(batch *b, double *coef, double *ecoef, bool is_shared)
{
    static const int32_t prompts[] = { 21, 1 }, lens[2][3] = { { 9, 1, 17 }, { 3, 6, 2 } };
    as_rng r = as_rng_at(27, 18);
    *b = (batch){ .n_seqs = 0 };
    for (int p = 0; p < 2; p++) {
        int32_t ids[64];
        for (int32_t i = 0; i < prompts[p]; i++)
            ids[i] = (int32_t)as_rng_below(&r, 13);
        const int32_t parent = b->n_seqs;
        if (is_shared)
            add(b, ids, prompts[p], prompts[p]);
        for (int k = 0; k < 3; k++) {
            int32_t *response = ids + prompts[p];
            for (int32_t i = 0; i < lens[p][k]; i++)
                response[i] = (int32_t)as_rng_below(&r, 13);
            if (is_shared)
                add_child(b, parent, response, lens[p][k]);
            else
                add(b, ids, prompts[p] + lens[p][k], prompts[p]);
        }
    }
    for (int32_t i = 0; i < b->first_row[b->n_seqs]; i++) {
        coef[i] = 2 * as_rng_double(&r) - 1;
        ecoef[i] = 2 * as_rng_double(&r) - 1;
    }
}

static double *of_responses(const tiny_model *m, bool is_shared, double *numbers, int64_t *n_rows)
{
    batch all;
    double coef[ROWS_MOST], ecoef[ROWS_MOST];
    made_up_responses(&all, coef, ecoef, is_shared);
    as_packed b = packed_of(&all);
    as_run *run = tiny_run(m, &training);
    void *grads = zeroed_grads(m);
    *n_rows = b.n_rows;
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logprob(run, 0.9, numbers, numbers + ROWS_MOST, err));
    MUST(as_run_backward(run, coef, ecoef, grads, err));
    double *out = host_grads(m, grads);
    m->dev->ops->free(m->dev, grads);
    as_run_free(run);
    return out;
}

static void check_sharing(const tiny_model *m)
{
    double shared[2 * ROWS_MOST] = { 0 }, apart[2 * ROWS_MOST] = { 0 };
    int64_t n[2];
    double *got = of_responses(m, true, shared, &n[0]),
           *want = of_responses(m, false, apart, &n[1]);
    assert_true(n[0] == n[1] && n[0] == 38);
    assert_memory_equal(shared, apart, sizeof apart);
    const double distance = tiny_distance(got, want, m->index->n_elements);
    const bool is_narrow = m->type == K_BF16 && m->p->act == K_BF16;
    const double floats = m->type == K_BF16 ? 5e-6 : 1e-6; /* beside bf16 they may be of 16 bits */
    if (!(distance <= (m->type == K_F64 ? 1e-13 : is_narrow ? 1e-2 : floats)))
        fail_msg("%s, type %d: gradients are %g apart", m->dev->ops->name, (int)m->type, distance);
    as_free(got);
    as_free(want);
}

/* What is not kept is computed again by the same operations: the same bits. */
static double *at_level(const tiny_model *m, as_recompute level, size_t *bytes)
{
    batch all;
    double coef[ROWS_MOST], ecoef[ROWS_MOST];
    as_run_options o = training;
    as_activations a;
    as_layer_activations layers[3];
    o.recompute = level;
    MUST(as_activations_lay_out(&a, layers, NULL, m->index, m->dev, m->type, m->p->act, &o, err));
    *bytes = a.activation_bytes;
    made_up_batch(&all, coef, ecoef);
    as_packed b = packed_of(&all);
    as_run *run = tiny_run(m, &o);
    void *grads = zeroed_grads(m);
    (void)loss_of(run, &b, coef, ecoef);
    MUST(as_run_backward(run, coef, ecoef, grads, err));
    double *out = host_grads(m, grads);
    m->dev->ops->free(m->dev, grads);
    as_run_free(run);
    return out;
}

static void check_levels(const tiny_model *m)
{
    size_t bytes[3];
    double *kept = at_level(m, AS_KEEP_ALL, &bytes[0]);
    for (unsigned level = AS_RECOMPUTE_CHEAP; level <= AS_RECOMPUTE_LAYER; level++) {
        double *got = at_level(m, (as_recompute)level, &bytes[level]);
        assert_memory_equal(got, kept, m->index->n_elements * sizeof *got);
        assert_true(bytes[level] < bytes[level - 1]); /* that is what it is for */
        as_free(got);
    }
    as_free(kept);
}

static void everywhere(void (*check)(const tiny_model *m))
{
    const k_backend *b;
    for (size_t i = 0; (b = k_backend_at(i)); i++)
        for (unsigned type = K_F32; type <= K_F64; type++)
            for (size_t f = 0; f < FAMILIES && (b->types >> type & 1); f++) {
                as_model_config c = made_up(families[f]);
                c.n_layers = 3;
                tiny_model m;
                tiny_make(&m, &c, b->name, (k_type)type);
                check(&m);
                tiny_close(&m);
            }
}

static void recomputed(void **state)
{
    (void)state;
    everywhere(check_levels);
    tiny_wide = true;
    everywhere(check_levels);
    tiny_wide = false;
}

static void shared_prompts(void **state)
{
    (void)state;
    everywhere(check_sharing);
    tiny_wide = true;
    everywhere(check_sharing);
    tiny_wide = false;
}

/* A gradient is taken once, and of rows; padding between tensors stays zero. */
static void once(void **state)
{
    (void)state;
    const as_model_config c = made_up(AS_QWEN2);
    tiny_model m;
    batch all;
    double coef[ROWS_MOST], ecoef[ROWS_MOST];
    tiny_make(&m, &c, "naive-f64", K_F64);
    made_up_batch(&all, coef, ecoef);
    as_packed b = packed_of(&all);
    as_run *run = tiny_run(&m, &training);
    void *grads = zeroed_grads(&m);
    (void)loss_of(run, &b, coef, ecoef);
    MUST(as_run_backward(run, coef, ecoef, grads, err));
    assert_int_equal(as_run_backward(run, coef, ecoef, grads, NULL), AS_EUSAGE);
    double *got = host_grads(&m, grads);
    size_t next = 0;
    for (size_t t = 0; t < m.index->n_tensors; t++) {
        for (; next < m.index->tensors[t].offset; next++)
            assert_true(got[next] == 0);
        next += m.index->tensors[t].n;
    }
    as_free(got);
    m.dev->ops->free(m.dev, grads);
    as_run_free(run);
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences),
        cmocka_unit_test(recomputed),
        cmocka_unit_test(shared_prompts),
        cmocka_unit_test(once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
