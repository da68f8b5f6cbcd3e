/* test_fast_head.c -- the head and sampling of the CPU backend: against the scalar reference, and a
 * row alone against among others. SPDX-License-Identifier: Apache-2.0 */
#include "fast.h"

static void *scratch_of(as_arena *arena, size_t size)
{
    void *p = piece(arena, size, 1);
    memset(p, 0xff, size);
    return p;
}

static void head_of(k_device *dev, outputs *out, k_type h_type)
{
    const int64_t m = size_of(out, 130), d = size_of(out, 90), vocab = size_of(out, 300);
    const bool has_entropy = as_rng_below(&out->rng, 2), is_packed = as_rng_below(&out->rng, 2);
    k_lmhead a = { .type = out->type, .m = m, .d = d, .vocab = vocab, .temperature = 0.8 };
    a.h_type = h_type;
    a.h = input_of(out, m * d, 1, h_type);
    a.w = input(out, vocab * d, 1);
    const size_t packed = is_packed ? dev->ops->pack_bytes(dev, out->type, vocab, d, K_PACK_NT) : 0;
    if (packed) {
        void *p = piece(out->arena, packed, 1);
        assert_int_equal(dev->ops->pack(dev, out->type, vocab, d, K_PACK_NT, a.w, p), K_OK);
        a.packed = p;
    }
    a.targets = indices(out, m, vocab);
    a.logp = room_of(out, "logp", m, K_F32);
    a.lse = room_of(out, "lse", m, K_F32);
    a.entropy = room_of(out, "entropy", m, K_F32);
    a.scratch = scratch_of(out->arena, dev->ops->lmhead_scratch(dev, out->type, m, d, vocab));
    assert_int_equal(dev->ops->lmhead_logprob(dev, &a), K_OK);

    k_lmhead_grad g = {
        .type = out->type, .m = m, .d = d, .vocab = vocab, .temperature = 0.8, .h = a.h, .w = a.w
    };
    g.h_type = h_type;
    g.packed_nt = a.packed;
    g.targets = a.targets;
    g.lse = a.lse;
    float *coef = input_of(out, m, 1, K_F32);
    for (int64_t i = 0; i < m; i += 3)
        coef[i] = 0; /* a prompt's */
    g.coef = coef;
    g.entropy = has_entropy ? a.entropy : NULL;
    g.ecoef = has_entropy ? input_of(out, m, 0.5, K_F32) : NULL;
    g.dh = room_of(out, "dh", m * d, h_type);
    g.dw = sum_room(out, "dw", vocab * d, K_F32);
    g.scratch = a.scratch;
    assert_int_equal(dev->ops->lmhead_grad(dev, &g), K_OK);
}

/* The log-probs beside the gradient are those of their own operation, and the gradient is the one
 * that follows it: to the bit, with rows of no weight among them. */
static void together(void **state)
{
    (void)state;
    enum { M = 130, D = 21, V = 300, MD = M * D, VD = V * D };
    for (int l = 0; l < 2 * N_LEVELS; l++) {
        as_arena arena;
        as_arena_init(&arena, 0);
        outputs out = { .arena = &arena, .rng = as_rng_at(27, 0) };
        k_device *dev = device_at(levels[l / 2], 2);
        out.type = l % 2 ? K_BF16 : K_F32;
        if (!dev)
            continue;
        float said[2][3][M], dw[2][VD] = { { 0 } };
        void *dh[2] = { piece(&arena, MD, 4), piece(&arena, MD, 4) };
        k_lmhead a = { .type = out.type, .m = M, .d = D, .vocab = V, .temperature = 0.8 };
        a.h = input(&out, MD, 1);
        a.w = input(&out, VD, 1);
        a.targets = indices(&out, M, V);
        a.logp = said[0][0];
        a.lse = said[0][1];
        a.entropy = said[0][2];
        a.scratch = scratch_of(&arena, dev->ops->lmhead_scratch(dev, out.type, M, D, V));
        assert_int_equal(dev->ops->lmhead_logprob(dev, &a), K_OK);
        float *coef = input_of(&out, M, 1, K_F32);
        for (int i = 0; i < M; i += 3)
            coef[i] = 0;
        k_lmhead_grad g = { .type = out.type, .m = M, .d = D, .vocab = V, .temperature = 0.8 };
        g.h = a.h;
        g.w = a.w;
        g.targets = a.targets;
        g.coef = coef;
        g.scratch = a.scratch;
        for (int i = 0; i < 2; i++) {
            g.logp = i ? said[1][0] : NULL;
            g.lse = said[i][1];
            g.entropy = i ? said[1][2] : NULL;
            g.dh = dh[i];
            g.dw = dw[i];
            assert_int_equal(dev->ops->lmhead_grad(dev, &g), K_OK);
        }
        assert_memory_equal(said[0], said[1], sizeof said[0]);
        assert_memory_equal(dh[0], dh[1], MD * k_type_size(out.type));
        assert_memory_equal(dw[0], dw[1], sizeof dw[0]);
        k_device_close(dev);
        as_arena_fini(&arena);
    }
}

static void head_case(k_device *dev, outputs *out)
{
    head_of(dev, out, out->type);
}

/* Rows in float beside weights that are narrower. */
static void wide_case(k_device *dev, outputs *out)
{
    head_of(dev, out, K_F32);
}

static void head(void **state)
{
    (void)state;
    check_case(head_case, 14);
    check_case(wide_case, 14);
}

/* One chunk of rows is as good as several: a row's numbers alone are those among many (V large:
 * chunks of 96 rows). */
static void rows_alone(void **state)
{
    (void)state;
    enum { M = 99, D = 3, V = 90000, MD = M * D, VD = V * D };
    as_arena arena;
    as_arena_init(&arena, 0);
    outputs out = { .arena = &arena, .rng = as_rng_at(25, 0), .type = K_F32 };
    k_device *dev = device_at("avx512", 2);
    if (!dev)
        dev = device_at("scalar", 2);
    float logp[M], lse[M], entropy[M], one[3];
    k_lmhead a = {
        .type = K_F32, .m = M, .d = D, .vocab = V, .temperature = 1, .logp = logp, .lse = lse
    };
    a.entropy = entropy;
    const float *h = a.h = input(&out, MD, 1);
    a.w = input(&out, VD, 1);
    const int32_t *targets = a.targets = indices(&out, M, V);
    a.scratch = scratch_of(&arena, dev->ops->lmhead_scratch(dev, K_F32, M, D, V));
    assert_int_equal(dev->ops->lmhead_logprob(dev, &a), K_OK);
    for (int64_t i = 0; i < M; i += 49) { /* 0, 49 and 98: of the first chunk and of the second */
        k_lmhead b = a;
        b.m = 1;
        b.h = h + i * D;
        b.targets = targets + i;
        b.logp = &one[0];
        b.lse = &one[1];
        b.entropy = &one[2];
        assert_int_equal(dev->ops->lmhead_logprob(dev, &b), K_OK);
        assert_memory_equal(&one[0], &logp[i], sizeof(float));
        assert_memory_equal(&one[1], &lse[i], sizeof(float));
        assert_memory_equal(&one[2], &entropy[i], sizeof(float));
    }
    k_device_close(dev);
    as_arena_fini(&arena);
}

/* What the sampler says of the token it drew is what the head says of it as a target, to the bit.
 */
static void sampler_is_trainer(void **state)
{
    (void)state;
    enum { M = 9, D = 20, V = 333, MD = M * D, VD = V * D };
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 2);
        for (int i = 0; dev && i < 2; i++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena, .rng = as_rng_at(26, 0), .type = i ? K_BF16 : K_F32 };
            float z[M * V], logp[M], entropy[M], lse[M], again[M], entropy_again[M];
            int32_t ids[M];
            k_sample_row how[M];
            for (int r = 0; r < M; r++)
                how[r] = (k_sample_row){
                    .seed = 5, .prompt = (uint64_t)r, .temperature = 0.7f, .top_p = 1
                };
            k_gemm g = { .type = out.type, .y_type = K_F32, .m = M, .n = V, .k = D, .y = z };
            g.x = input(&out, MD, 3);
            g.w = input(&out, VD, 3);
            assert_int_equal(dev->ops->gemm_nt(dev, &g), K_OK);
            k_sample s = {
                .type = K_F32, .rows = M, .vocab = V, .n_valid = V - 5, .logits = z, .how = how
            };
            s.ids = ids;
            s.logp = logp;
            s.entropy = entropy;
            s.scratch = scratch_of(&arena, dev->ops->sample_scratch(dev, M, V));
            assert_int_equal(dev->ops->sample(dev, &s), K_OK);
            k_lmhead a = {
                .type = out.type, .m = M, .d = D, .vocab = V, .temperature = (double)0.7f, .h = g.x
            };
            a.w = g.w;
            a.targets = ids;
            a.logp = again;
            a.entropy = entropy_again;
            a.lse = lse;
            a.scratch = scratch_of(&arena, dev->ops->lmhead_scratch(dev, out.type, M, D, V));
            assert_int_equal(dev->ops->lmhead_logprob(dev, &a), K_OK);
            assert_memory_equal(logp, again, sizeof logp);
            assert_memory_equal(entropy, entropy_again, sizeof entropy);
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

static void sample_case(k_device *dev, outputs *out)
{
    const int64_t rows = size_of(out, 40), vocab = size_of(out, 600),
                  n_valid = 1 + (int64_t)as_rng_below(&out->rng, (uint64_t)vocab);
    k_sample a = { .type = K_F32, .rows = rows, .vocab = vocab, .n_valid = n_valid };
    float *logits = input_of(out, rows * vocab, 6, K_F32);
    if (n_valid > 2)
        logits[1] = -(float)INFINITY;
    a.logits = logits;
    k_sample_row *how = piece(out->arena, (size_t)rows, sizeof *how);
    for (int64_t r = 0; r < rows; r++) {
        how[r] = (k_sample_row){
            .seed = 3, .prompt = (uint64_t)r, .sample = 1, .position = 7, .top_p = 1
        };
        how[r].temperature =
            as_rng_below(&out->rng, 5) ? 0.5f + (float)as_rng_double(&out->rng) : 0;
        if (as_rng_below(&out->rng, 2))
            how[r].top_k = (int32_t)as_rng_below(&out->rng, 30);
        if (as_rng_below(&out->rng, 2))
            how[r].top_p = (float)as_rng_double(&out->rng);
        if (as_rng_below(&out->rng, 2))
            how[r].min_p = (float)as_rng_double(&out->rng) * 0.2f;
    }
    a.how = how;
    int32_t *ids = piece(out->arena, (size_t)rows, sizeof *ids);
    a.ids = ids;
    a.logp = room_of(out, "logp", rows, K_F32);
    float *kept_logp = a.kept_logp = room_of(out, "kept_logp", rows, K_F32);
    a.entropy = room_of(out, "entropy", rows, K_F32);
    a.scratch = scratch_of(out->arena, dev->ops->sample_scratch(dev, rows, vocab));
    assert_int_equal(dev->ops->sample(dev, &a), K_OK);
    float *as_numbers = room_of(out, "ids", rows, K_F32);
    for (int64_t r = 0; r < rows; r++) {
        as_numbers[r] = (float)ids[r];
        kept_logp[r] += 1; /* all may be 0: measured by 1 then */
    }
    out->all[3].tolerance = 1e-9;
}

static void sampling(void **state)
{
    (void)state;
    check_case(sample_case, 20);
}

/* A weight that is not a number is not taken for a logit that is large. */
static void not_a_number(void **state)
{
    (void)state;
    enum { D = 5, V = 40, VD = V * D, SEVENTH = 7 * D };
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        if (!dev)
            continue;
        as_arena arena;
        as_arena_init(&arena, 0);
        outputs out = { .arena = &arena, .rng = as_rng_at(28, 0), .type = K_F32 };
        float logp, lse, *w = input(&out, VD, 1);
        w[SEVENTH] = NAN;
        const int32_t target = 3;
        k_lmhead a = { .type = K_F32, .m = 1, .d = D, .vocab = V, .temperature = 1, .w = w };
        a.h = input(&out, D, 1);
        a.targets = &target;
        a.logp = &logp;
        a.lse = &lse;
        a.scratch = scratch_of(&arena, dev->ops->lmhead_scratch(dev, K_F32, 1, D, V));
        assert_int_equal(dev->ops->lmhead_logprob(dev, &a), K_OK);
        assert_true(isnan(lse) && isnan(logp));
        as_arena_fini(&arena);
        k_device_close(dev);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head),
        cmocka_unit_test(together),
        cmocka_unit_test(not_a_number),
        cmocka_unit_test(rows_alone),
        cmocka_unit_test(sampler_is_trainer),
        cmocka_unit_test(sampling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
