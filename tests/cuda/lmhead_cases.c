/* lmhead_cases.c -- cases of lmhead.cu, as cases.h has them. Over the emulation a chunk has 8 rows
 * or few more: most cases have several.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

static const int64_t vocabularies[] = { 1, 2, 31, 384, 5000, 130, 1023 };
enum { N_VOCABULARIES = sizeof vocabularies / sizeof vocabularies[0] };
static const double temperatures[] = { 1, 0.7, 2.5 };

typedef struct head {
    k_type type;
    int64_t m, d, vocab;
    double temperature;
    const void *h, *w;
    const int32_t *targets;
    float *logp, *entropy, *lse; /* the device's */
} head;

static head some_head(cuda_run *run, int64_t m, int64_t d, int64_t vocab)
{
    head a = { .type = run->type, .m = m, .d = d, .vocab = vocab };
    const size_t size = (size_t)m * sizeof(float);
    a.temperature = temperatures[run_below(run, 3)];
    a.h = run_input(run, m * d, 2);
    a.w = run_input(run, vocab * d, 1);
    a.targets = run_indices(run, m, vocab);
    a.logp = run_alloc(run, size);
    a.entropy = run_alloc(run, size);
    a.lse = run_alloc(run, size);
    return a;
}

static head random_head(cuda_run *run)
{
    const int64_t vocab = vocabularies[run->seed % N_VOCABULARIES];
    const int64_t d = run_size(run, vocab > 2000 ? 16 : 50);
    return some_head(run, run_size(run, vocab > 1000 ? 11 : 40), d, vocab);
}

static void *scratch_of(cuda_run *run, const head *a)
{
    k_device *dev = run->dev;
    return run_alloc(run, dev->ops->lmhead_scratch(dev, a->type, a->m, a->d, a->vocab));
}

static int score(cuda_run *run, const head *a)
{
    const k_lmhead args = {
        .type = a->type,
        .m = a->m,
        .d = a->d,
        .vocab = a->vocab,
        .temperature = a->temperature,
        .h = a->h,
        .w = a->w,
        .targets = a->targets,
        .logp = a->logp,
        .entropy = a->entropy,
        .lse = a->lse,
        .scratch = scratch_of(run, a),
    };
    return run->dev->ops->lmhead_logprob(run->dev, &args);
}

static k_lmhead_grad grad_of(cuda_run *run, const head *a, const float *coef, const float *ecoef)
{
    return (k_lmhead_grad){
        .type = a->type,
        .m = a->m,
        .d = a->d,
        .vocab = a->vocab,
        .temperature = a->temperature,
        .h = a->h,
        .w = a->w,
        .targets = a->targets,
        .lse = a->lse,
        .entropy = ecoef ? a->entropy : NULL,
        .coef = coef,
        .ecoef = ecoef,
        .scratch = scratch_of(run, a),
    };
}

/* ---- against the reference
 * ------------------------------------------------------------------------ */
static void logprob(cuda_run *run)
{
    head a = random_head(run);
    a.logp = run_room_of(run, "logp", a.m, K_F32, 1e-5);
    a.lse = run_room_of(run, "lse", a.m, K_F32, 1e-5);
    a.entropy = NULL;
    if (run->seed % 3)
        a.entropy = run_room_of(run, "entropy", a.m, K_F32, 2e-5);
    run_ok(score(run, &a));
}

/* A weight for each row, of which some are zero. */
static float *weights(cuda_run *run, int64_t n)
{
    float *host = calloc((size_t)n, sizeof *host);
    assert_non_null(host);
    for (int64_t i = 0; i < n; i++)
        host[i] = run_below(run, 4) ? (float)run_number(run, 1) : 0;
    float *p = run_given(run, host, (size_t)n * sizeof *host);
    free(host);
    return p;
}

static void grad(cuda_run *run)
{
    const head a = random_head(run);
    run_ok(score(run, &a));
    const float *coef = weights(run, a.m);
    const float *ecoef = weights(run, a.m);
    k_lmhead_grad g = grad_of(run, &a, coef, run->seed % 2 ? ecoef : NULL);
    /* bf16: dz is rounded, once */
    if (run->seed % 5 != 1)
        g.dh = run_room_of(run, "dh", a.m * a.d, a.type, a.type == K_BF16 ? 1e-2 : 2e-5);
    if (run->seed % 5 != 2) {
        g.dw = run_sum_room(run, "dw", a.vocab * a.d, K_F32);
        run->all[run->n - 1].tolerance = a.type == K_BF16 ? 4e-3 : 2e-5;
    }
    run_ok(run->dev->ops->lmhead_grad(run->dev, &g));
}

/* ---- on its own
 * ----------------------------------------------------------------------------------- */
static void assert_same(cuda_run *run, const char *what, const void *left, const void *right,
                        size_t size)
{
    void *a = run_bytes(run, left, size);
    void *b = run_bytes(run, right, size);
    if (memcmp(a, b, size) != 0)
        fail_msg("NUMBERS %s of a row is not always the same", what);
    free(a);
    free(b);
}

/* Row r of a, as the only one. */
static head one_row(cuda_run *run, const head *a, int64_t r)
{
    head one = *a;
    one.m = 1;
    one.h = (const char *)a->h + (size_t)(r * a->d) * k_type_size(a->type);
    one.targets = a->targets + r;
    one.logp = run_alloc(run, sizeof(float));
    one.entropy = run_alloc(run, sizeof(float));
    one.lse = run_alloc(run, sizeof(float));
    return one;
}

/* A row's numbers in any chunk, at its borders and inside, are those it has alone. */
static void same_bits(cuda_run *run)
{
    run->type = run->seed % 2 ? K_BF16 : K_F32;
    const int64_t vocab = (int64_t[]){ 384, 61, 4200 }[run->seed / 2 % 3];
    const head a = some_head(run, vocab > 2000 ? 9 : 21, 19, vocab);
    run_ok(score(run, &a));
    const float *coef = weights(run, a.m);
    const float *ecoef = weights(run, a.m);
    const size_t size = (size_t)a.d * k_type_size(a.type);
    k_lmhead_grad g = grad_of(run, &a, coef, ecoef);
    char *dh = run_alloc(run, (size_t)a.m * size);
    g.dh = dh;
    run_ok(run->dev->ops->lmhead_grad(run->dev, &g));
    const int64_t rows[] = { 0, 7, 8, a.m - 1 };
    for (size_t i = 0; i < 4; i++) {
        const int64_t r = rows[i];
        const head one = one_row(run, &a, r);
        run_ok(score(run, &one));
        assert_same(run, "logp", one.logp, a.logp + r, sizeof(float));
        assert_same(run, "entropy", one.entropy, a.entropy + r, sizeof(float));
        assert_same(run, "lse", one.lse, a.lse + r, sizeof(float));
        k_lmhead_grad of_one = grad_of(run, &one, coef + r, ecoef + r);
        of_one.dh = run_alloc(run, size);
        run_ok(run->dev->ops->lmhead_grad(run->dev, &of_one));
        assert_same(run, "dh", of_one.dh, dh + (size_t)r * size, size);
    }
}

/* Log-probs beside the gradient are those of their own operation, and the gradient is the one that
 * follows it: in chunks, with rows of no weight among them, also where nothing else is asked for.
 */
static void together(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    run->type = run->seed % 2 ? K_BF16 : K_F32;
    const int64_t vocab = (int64_t[]){ 384, 61, 4200 }[run->seed / 2 % 3];
    const head a = some_head(run, vocab > 2000 ? 9 : 21, 19, vocab);
    run_ok(score(run, &a));
    const float *coef = weights(run, a.m);
    const float *ecoef = run->seed < 3 ? weights(run, a.m) : NULL;
    const size_t said = (size_t)a.m * sizeof(float);
    const size_t dh = (size_t)(a.m * a.d) * k_type_size(a.type);
    const size_t dw = (size_t)(a.vocab * a.d) * sizeof(float);
    k_lmhead_grad apart = grad_of(run, &a, coef, ecoef);
    apart.dh = run_alloc(run, dh);
    apart.dw = run_alloc(run, dw);
    run_ok(ops->zero(run->dev, apart.dw, dw));
    run_ok(ops->lmhead_grad(run->dev, &apart));
    for (int alone = 0; alone < 2; alone++) {
        k_lmhead_grad g = apart;
        g.logp = run_alloc(run, said);
        g.lse = run_alloc(run, said);
        g.entropy = run_alloc(run, said);
        g.dh = alone ? NULL : run_alloc(run, dh);
        g.dw = alone ? NULL : run_alloc(run, dw);
        if (g.dw)
            run_ok(ops->zero(run->dev, g.dw, dw));
        run_ok(ops->lmhead_grad(run->dev, &g));
        assert_same(run, "logp", g.logp, a.logp, said);
        assert_same(run, "lse", g.lse, a.lse, said);
        assert_same(run, "entropy", g.entropy, a.entropy, said);
        if (alone)
            continue;
        assert_same(run, "dh", g.dh, apart.dh, dh);
        assert_same(run, "dw", g.dw, apart.dw, dw);
    }
}

/* What the sampler says of an id that it drew, the head says of it as a target: to the bit. */
static void as_sampled(cuda_run *run)
{
    enum { ROWS = 5 };
    k_device *dev = run->dev;
    run->type = run->seed % 2 ? K_BF16 : K_F32;
    head a = some_head(run, ROWS, 24, (int64_t[]){ 384, 61, 4200 }[run->seed / 2 % 3]);
    a.temperature = run->seed % 4 < 2 ? 1 : (double)0.7F;
    float *logits = run_alloc(run, (size_t)(ROWS * a.vocab) * sizeof *logits);
    const k_gemm product = { .type = a.type,
                             .y_type = K_F32,
                             .m = ROWS,
                             .n = a.vocab,
                             .k = a.d,
                             .x = a.h,
                             .w = a.w,
                             .y = logits };
    run_ok(dev->ops->gemm_nt(dev, &product));
    k_sample_row how[ROWS] = { 0 };
    for (uint32_t r = 0; r < ROWS; r++)
        how[r] = (k_sample_row){ .seed = run->seed,
                                 .position = r,
                                 .temperature = (float)a.temperature,
                                 .top_p = r % 2 ? 0.9F : 1 };
    if (run->seed % 4 < 2)
        how[0].temperature = 0;
    int32_t *ids = run_alloc(run, sizeof(int32_t) * ROWS);
    const k_sample s = { .type = K_F32,
                         .rows = ROWS,
                         .vocab = a.vocab,
                         .n_valid = (a.vocab + 1) / 2,
                         .logits = logits,
                         .how = run_given(run, how, sizeof how),
                         .ids = ids,
                         .logp = run_alloc(run, sizeof(float) * ROWS),
                         .entropy = run_alloc(run, sizeof(float) * ROWS),
                         .scratch = run_alloc(run, dev->ops->sample_scratch(dev, ROWS, a.vocab)) };
    run_ok(dev->ops->sample(dev, &s));
    a.targets = ids;
    run_ok(score(run, &a));
    assert_same(run, "logp", s.logp, a.logp, sizeof(float) * ROWS);
    assert_same(run, "entropy", s.entropy, a.entropy, sizeof(float) * ROWS);
}

/* A recorded backward of several chunks, played with another h than it had. */
static void recorded(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    run->type = run->seed % 2 ? K_BF16 : K_F32;
    head a = some_head(run, 18, 16, 77);
    const size_t size = (size_t)(a.m * a.d) * k_type_size(a.type);
    void *h = run_input(run, a.m * a.d, 2);
    void *other = run_bytes(run, a.h, size);
    a.h = h;
    run_ok(score(run, &a));
    const float *coef = weights(run, a.m);
    k_lmhead_grad g = grad_of(run, &a, coef, NULL);
    void *dh[2] = { run_alloc(run, size), run_alloc(run, size) };
    k_recording *recording = NULL;
    g.dh = dh[0];
    run_ok(ops->record(run->dev));
    run_ok(ops->lmhead_grad(run->dev, &g));
    run_ok(ops->recorded(run->dev, &recording));
    run_ok(ops->copy_to(run->dev, h, other, size));
    run_ok(ops->play(run->dev, recording));
    g.dh = dh[1];
    run_ok(ops->lmhead_grad(run->dev, &g));
    assert_same(run, "dh", dh[0], dh[1], size);
    ops->forget(run->dev, recording);
    free(other);
}

/* Rows of which nothing is asked add nothing, whatever is wrong with them. */
static void idle_rows(cuda_run *run)
{
    enum { ROWS = 10, WIDTH = 12 };
    const int64_t vocab = run->seed % 2 ? 601 : 600;
    run->type = run->seed < 2 ? K_F32 : K_BF16;
    head a = some_head(run, ROWS, WIDTH, vocab);
    run_ok(score(run, &a));
    float coef[ROWS];
    float *lse = run_bytes(run, a.lse, sizeof coef);
    for (int r = 0; r < ROWS; r++) {
        coef[r] = r % 3 ? 0 : 0.5F;
        lse[r] = r % 3 ? NAN : lse[r];
    }
    a.lse = run_given(run, lse, sizeof coef);
    free(lse);
    k_lmhead_grad g = grad_of(run, &a, run_given(run, coef, sizeof coef), NULL);
    g.dh = run_alloc(run, sizeof(float) * ROWS * WIDTH);
    g.dw = run_sum_room(run, "dw", vocab * WIDTH, K_F32);
    run_ok(run->dev->ops->lmhead_grad(run->dev, &g));
    double *dh = run_fetch(run, g.dh, (size_t)ROWS * WIDTH, a.type);
    double *dw = run_fetch(run, g.dw, (size_t)(vocab * WIDTH), K_F32);
    for (int i = 0; i < ROWS * WIDTH; i++)
        if (i / WIDTH % 3 ? dh[i] != 0 : !isfinite(dh[i]) || dh[i] == 0)
            fail_msg("NUMBERS dh of row %d: %g", i / WIDTH, dh[i]);
    for (int64_t i = 0; i < vocab * WIDTH; i++)
        if (!isfinite(dw[i]))
            fail_msg("NUMBERS dw: %g", dw[i]);
    free(dh);
    free(dw);
}

/* A target that is none, and rows with no finite logit: NaN where there is no number. */
static void no_numbers(cuda_run *run)
{
    enum { ROWS = 4, VOCAB = 9 };
    float w[VOCAB];
    float h[ROWS] = { 1, 1, -1, 0.5F };
    const int32_t targets[ROWS] = { VOCAB, -1, 3, 2 };
    head a = some_head(run, ROWS, 1, VOCAB);
    for (int row = 0; row < 2; row++) {
        for (int i = 0; i < VOCAB; i++)
            w[i] = row ? INFINITY : (float)i;
        a.w = run_given(run, w, sizeof w);
        a.h = run_given(run, h, sizeof h);
        a.targets = run_given(run, targets, sizeof targets);
        run_ok(score(run, &a));
        float *logp = run_bytes(run, a.logp, sizeof h);
        float *lse = run_bytes(run, a.lse, sizeof h);
        for (int r = 0; r < ROWS; r++)
            if (isnan(logp[r]) != (r < 2 || row) || isnan(lse[r]) != row)
                fail_msg("NUMBERS row %d: logp %g, lse %g", r, (double)logp[r], (double)lse[r]);
        free(logp);
        free(lse);
    }
}

static void scratch(cuda_run *run)
{
    k_device *dev = run->dev;
    const k_type types[] = { K_F32, K_BF16 };
    for (size_t t = 0; t < 2; t++) {
        assert_true(dev->ops->lmhead_scratch(dev, types[t], 0, 8, 1) > 0);
        const size_t large = dev->ops->lmhead_scratch(dev, types[t], 1 << 16, 4096, 152064);
        assert_true(large <= (size_t)513 << 20);
        /* no more for more rows */
        assert_true(dev->ops->lmhead_scratch(dev, types[t], 1 << 20, 896, 152064) == large);
        assert_true(dev->ops->lmhead_scratch(dev, types[t], 3, 896, 152064) >=
                    (size_t)3 * 152064 * (4 + t * 2));
    }
}

static void refusals(cuda_run *run)
{
    k_device *dev = run->dev;
    const head h = some_head(run, 2, 3, 4);
    const float *coef = weights(run, 2);
    k_lmhead good = { .type = K_F32,
                      .m = 2,
                      .d = 3,
                      .vocab = 4,
                      .temperature = 1,
                      .h = h.h,
                      .w = h.w,
                      .targets = h.targets,
                      .logp = h.logp,
                      .lse = h.lse,
                      .scratch = scratch_of(run, &h) };
    k_lmhead bad[12];
    for (int i = 0; i < 12; i++)
        bad[i] = good;
    bad[0].type = K_F64;
    bad[1].type = K_BF16;
    bad[1].h_type = K_F32; /* float over bf16 */
    bad[2].h = bad[3].w = bad[4].targets = NULL;
    bad[5].logp = bad[6].lse = bad[7].scratch = NULL;
    bad[8].m = bad[9].d = -1;
    bad[10].vocab = 0;
    bad[11].temperature = 0;
    for (int i = 0; i < 12; i++)
        assert_int_equal(dev->ops->lmhead_logprob(dev, &bad[i]), i < 2 ? K_ETYPE : K_EARG);
    good.m = 0;
    run_ok(dev->ops->lmhead_logprob(dev, &good));
    const k_lmhead_grad fine = grad_of(run, &h, coef, NULL);
    k_lmhead_grad wrong[5] = { fine, fine, fine, fine, fine };
    wrong[0].type = K_F64;
    wrong[1].lse = NULL;
    wrong[2].coef = NULL;
    wrong[3].ecoef = coef; /* without the entropy */
    wrong[4].vocab = ((int64_t)1 << 30) + 1;
    for (int i = 0; i < 5; i++)
        assert_int_equal(dev->ops->lmhead_grad(dev, &wrong[i]), i < 1 ? K_ETYPE : K_EARG);
    run_ok(dev->ops->lmhead_grad(dev, &fine)); /* nothing is asked for */
}

const cuda_case lmhead_cases[] = {
    { "logprob", logprob, 10, IN_BOTH },
    { "grad", grad, 10, IN_BOTH },
    { "same_bits", same_bits, 6, 0 },
    { "together", together, 6, 0 },
    { "as_sampled", as_sampled, 6, 0 },
    { "recorded", recorded, 2, 0 },
    { "idle_rows", idle_rows, 4, 0 },
    { "no_numbers", no_numbers, 1, 0 },
    { "scratch", scratch, 1, 0 },
    { "refusals", refusals, 1, 0 },
    { NULL, NULL, 0, 0 },
};
