/* test_gradients.c -- every backward pass against central differences of its forward, in double, on
 * ragged and odd shapes. A loss is the outputs weighted with fixed random numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "arrays.h"

#include <stdio.h>
#include <string.h>

static as_arena arena;
static k_device *dev;
static as_rng rng;

static int open_all(void **state)
{
    (void)state;
    as_arena_init(&arena, 0);
    rng = as_rng_at(20, 6);
    dev = device_of("naive-f64");
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    k_device_close(dev);
    as_arena_fini(&arena);
    return 0;
}

static double *some(size_t n, double scale)
{
    return randoms(&arena, &rng, n, scale);
}

static double weighted(const double *out, const double *weights, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += out[i] * weights[i];
    return sum;
}

/* grad[i] = dloss/dx[i] + shift, for at most 150 of the i. */
static void check_gradient(const char *what, double (*loss)(const void *), const void *of,
                           double *x, size_t n, const double *grad, double shift)
{
    const double h = 1e-5;
    size_t step = 1 + n / 150;
    for (size_t i = 0; i < n; i += step) {
        double old = x[i];
        x[i] = old + h;
        double up = loss(of);
        x[i] = old - h;
        double down = loss(of);
        x[i] = old;
        double want = (up - down) / (2 * h), got = grad[i] - shift;
        if (!(fabs(got - want) <= 2e-8 * (1 + fabs(want))))
            fail_msg("%s: number %zu of %zu: gradient %.12g, differences say %.12g", what, i, n,
                     got, want);
    }
}

/* ---- gemm ---- */
typedef struct gemm_case {
    int64_t m, n, k;
    double *x, *w, *bias, *y, *r;
} gemm_case;

static double gemm_loss(const void *of)
{
    const gemm_case *c = of;
    k_gemm g = { .type = K_F64, .y_type = K_F64, .m = c->m, .n = c->n, .k = c->k };
    g.x = c->x;
    g.w = c->w;
    g.bias = c->bias;
    g.y = c->y;
    assert_int_equal(dev->ops->gemm_nt(dev, &g), K_OK);
    return weighted(c->y, c->r, (size_t)(c->m * c->n));
}

static void gemm(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = { { 1, 1, 1 }, { 3, 5, 7 }, { 17, 4, 9 }, { 1, 13, 6 } };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        gemm_case c = { .m = shapes[i][0], .n = shapes[i][1], .k = shapes[i][2] };
        size_t mn = (size_t)(c.m * c.n), mk = (size_t)(c.m * c.k), nk = (size_t)(c.n * c.k);
        c.x = some(mk, 1), c.w = some(nk, 1), c.bias = some((size_t)c.n, 1), c.r = some(mn, 1);
        c.y = filled(&arena, mn, NAN);
        double *dx = filled(&arena, mk, NAN), *dw = filled(&arena, nk, 0.5);
        double *dbias = filled(&arena, (size_t)c.n, -0.25);
        k_gemm_dx back = {
            .type = K_F64, .m = c.m, .n = c.n, .k = c.k, .dy = c.r, .w = c.w, .dx = dx
        };
        assert_int_equal(dev->ops->gemm_nn(dev, &back), K_OK);
        k_gemm_dw grad = { .type = K_F64, .m = c.m, .n = c.n, .k = c.k, .dy = c.r, .x = c.x };
        grad.dw = dw;
        grad.dbias = dbias;
        assert_int_equal(dev->ops->gemm_tn(dev, &grad), K_OK);
        check_gradient("gemm dx", gemm_loss, &c, c.x, mk, dx, 0);
        check_gradient("gemm dw", gemm_loss, &c, c.w, nk, dw, 0.5);
        check_gradient("gemm dbias", gemm_loss, &c, c.bias, (size_t)c.n, dbias, -0.25);
        back.accumulate = true;
        assert_int_equal(dev->ops->gemm_nn(dev, &back), K_OK);
        for (size_t j = 0; j < mk; j++)
            dx[j] /= 2;
        check_gradient("gemm dx +=", gemm_loss, &c, c.x, mk, dx, 0);
    }
}

/* ---- embedding ---- */
typedef struct embed_case {
    int64_t tokens, d, vocab;
    int32_t *ids;
    double *table, *y, *r;
} embed_case;

static double embed_loss(const void *of)
{
    const embed_case *c = of;
    k_embed e = { .type = K_F64, .tokens = c->tokens, .d = c->d, .vocab = c->vocab, .ids = c->ids };
    e.table = c->table;
    e.y = c->y;
    assert_int_equal(dev->ops->embed(dev, &e), K_OK);
    return weighted(c->y, c->r, (size_t)(c->tokens * c->d));
}

static void embed(void **state)
{
    (void)state;
    for (int64_t tokens = 1; tokens < 30; tokens += 9) {
        embed_case c = { .tokens = tokens, .d = 3, .vocab = 7 };
        size_t n = (size_t)(c.tokens * c.d), v = (size_t)(c.vocab * c.d);
        c.ids = piece(&arena, (size_t)tokens, sizeof *c.ids);
        for (int64_t t = 0; t < tokens; t++)
            c.ids[t] = (int32_t)as_rng_below(&rng, 6); /* ids repeat; 6 never comes */
        c.table = some(v, 1), c.r = some(n, 1), c.y = filled(&arena, n, NAN);
        double *dtable = filled(&arena, v, 2);
        k_embed_bwd b = {
            .type = K_F64, .tokens = tokens, .d = c.d, .vocab = c.vocab, .ids = c.ids
        };
        b.dy = c.r;
        b.dtable = dtable;
        assert_int_equal(dev->ops->embed_bwd(dev, &b), K_OK);
        check_gradient("embed", embed_loss, &c, c.table, v, dtable, 2);
    }
}

/* ---- RMSNorm ---- */
typedef struct norm_case {
    int64_t rows, n, per_token, x_stride, y_stride;
    double eps, *x, *residual_in, *residual, *w, *y, *r, *r_residual, *rstd;
    size_t size;
} norm_case;

static double norm_loss(const void *of)
{
    const norm_case *c = of;
    k_rmsnorm a = {
        .type = K_F64, .rows = c->rows, .n = c->n, .per_token = c->per_token, .eps = c->eps
    };
    a.x_stride = c->x_stride;
    a.y_stride = c->y_stride;
    a.x = c->x;
    a.weight = c->w;
    a.y = c->y;
    a.rstd = c->rstd;
    double loss = 0;
    if (c->residual) {
        memcpy(c->residual, c->residual_in, c->size * sizeof(double));
        a.residual = c->residual;
    }
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_OK);
    for (int64_t row = 0; row < c->rows; row++) {
        int64_t at = row / c->per_token * c->y_stride + row % c->per_token * c->n;
        loss += weighted(c->y + at, c->r + row * c->n, (size_t)c->n);
    }
    if (c->residual)
        loss += weighted(c->residual, c->r_residual, c->size);
    return loss;
}

static void norm_plain(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        bool fused = i % 2;
        norm_case c = {
            .rows = 1 + i, .n = 1 + 3 * i, .per_token = 1, .eps = i == 2 ? 1e-2 : 1e-6
        };
        c.x_stride = c.y_stride = c.n;
        c.size = (size_t)(c.rows * c.n);
        c.x = some(c.size, 1), c.w = some((size_t)c.n, 2), c.r = some(c.size, 1);
        c.y = filled(&arena, c.size, NAN), c.rstd = filled(&arena, (size_t)c.rows, NAN);
        if (fused) {
            c.residual_in = some(c.size, 1), c.residual = some(c.size, 1);
            c.r_residual = some(c.size, 1);
        }
        (void)norm_loss(&c);
        double *dx = filled(&arena, c.size, NAN), *dw = filled(&arena, (size_t)c.n, 3);
        k_rmsnorm_bwd b = { .type = K_F64, .rows = c.rows, .n = c.n, .per_token = 1 };
        b.x_stride = b.dy_stride = b.dx_stride = c.n;
        b.dy = c.r;
        b.x = fused ? c.residual : c.x;
        b.weight = c.w;
        b.rstd = c.rstd;
        b.dresidual = c.r_residual;
        b.dx = dx;
        b.dw = dw;
        assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_OK);
        check_gradient("rmsnorm dx", norm_loss, &c, c.x, c.size, dx, 0);
        check_gradient("rmsnorm dw", norm_loss, &c, c.w, (size_t)c.n, dw, 3);
        if (fused)
            check_gradient("rmsnorm dresidual", norm_loss, &c, c.residual_in, c.size, dx, 0);
        /* in place: dx is dresidual, or dy */
        double *same = fused ? c.r_residual : c.r;
        (void)norm_loss(&c); /* the differences left another residual behind */
        b.dx = same;
        b.dw = NULL;
        assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_OK);
        assert_memory_equal(same, dx, c.size * sizeof *dx);
    }
}

/* Three heads of each row of a wider array, as q/k norm does it. */
static void norm_heads(void **state)
{
    (void)state;
    norm_case c = {
        .rows = 12, .n = 6, .per_token = 3, .x_stride = 25, .y_stride = 31, .eps = 1e-5
    };
    size_t from = 100, to = 124; /* 4 tokens */
    c.x = some(from, 1), c.w = some(6, 1), c.r = some((size_t)c.rows * 6, 1);
    c.y = filled(&arena, to, 7), c.rstd = filled(&arena, (size_t)c.rows, NAN);
    (void)norm_loss(&c);
    double *dy = filled(&arena, to, NAN), *dx = filled(&arena, from, 0), *dw = filled(&arena, 6, 0);
    for (size_t row = 0; row < 12; row++)
        memcpy(dy + row / 3 * 31 + row % 3 * 6, c.r + row * 6, 6 * sizeof *dy);
    for (size_t t = 0; t < 4; t++)
        for (size_t i = 18; i < 31; i++)
            assert_true(c.y[t * 31 + i] == 7); /* beside the heads nothing is written */
    k_rmsnorm_bwd b = { .type = K_F64, .rows = c.rows, .n = 6, .per_token = 3 };
    b.x_stride = b.dx_stride = 25;
    b.dy_stride = 31;
    b.dy = dy;
    b.x = c.x;
    b.weight = c.w;
    b.rstd = c.rstd;
    b.dx = dx;
    b.dw = dw;
    assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_OK);
    check_gradient("head norm dx", norm_loss, &c, c.x, from, dx, 0);
    check_gradient("head norm dw", norm_loss, &c, c.w, 6, dw, 0);
}

/* ---- RoPE ---- */
typedef struct rope_case {
    k_rope a;
    double *x, *y, *r;
    size_t n;
} rope_case;

static double rope_loss(const void *of)
{
    const rope_case *c = of;
    k_rope a = c->a;
    memcpy(c->y, c->x, c->n * sizeof *c->y);
    a.x = c->y;
    assert_int_equal(dev->ops->rope(dev, &a), K_OK);
    return weighted(c->y, c->r, c->n);
}

static void rope(void **state)
{
    (void)state;
    static const int32_t positions[] = { 0, 5, 1, 8, 8 };
    double *cosines = some(36, 1),
           *sines = some(36, 1); /* the backward holds for no other reason than the formula */
    for (int i = 0; i < 36; i++) {
        double angle = cosines[i] * 3;
        cosines[i] = cos(angle);
        sines[i] = sin(angle);
    }
    for (int64_t dim = 2; dim <= 8; dim += 6) {
        rope_case c = {
            .a = { .type = K_F64, .tokens = 5, .heads = 2, .head_dim = dim, .stride = 3 * dim + 1 }
        };
        c.n = (size_t)(5 * c.a.stride);
        c.a.max_pos = 9;
        c.a.positions = positions;
        c.a.cos = cosines;
        c.a.sin = sines;
        c.x = some(c.n, 1), c.y = some(c.n, 1), c.r = some(c.n, 1);
        double *dx = some(c.n, 1);
        memcpy(dx, c.r, c.n * sizeof *dx);
        k_rope b = c.a;
        b.x = dx;
        b.inverse = true;
        assert_int_equal(dev->ops->rope(dev, &b), K_OK);
        check_gradient("rope", rope_loss, &c, c.x, c.n, dx, 0);
    }
}

/* ---- SwiGLU ---- */
typedef struct swiglu_case {
    int64_t tokens, f;
    double *x, *y, *r;
} swiglu_case;

static double swiglu_loss(const void *of)
{
    const swiglu_case *c = of;
    k_swiglu a = { .type = K_F64, .tokens = c->tokens, .f = c->f, .gate_up = c->x, .y = c->y };
    assert_int_equal(dev->ops->swiglu(dev, &a), K_OK);
    return weighted(c->y, c->r, (size_t)(c->tokens * c->f));
}

static void swiglu(void **state)
{
    (void)state;
    for (int64_t f = 1; f < 12; f += 5) {
        swiglu_case c = { .tokens = 5, .f = f };
        size_t n = (size_t)(5 * f);
        c.x = some(2 * n, 4), c.y = filled(&arena, n, NAN), c.r = some(n, 1);
        double *dx = filled(&arena, 2 * n, NAN);
        k_swiglu_bwd b = {
            .type = K_F64, .tokens = 5, .f = f, .gate_up = c.x, .dy = c.r, .dgate_up = dx
        };
        assert_int_equal(dev->ops->swiglu_bwd(dev, &b), K_OK);
        check_gradient("swiglu", swiglu_loss, &c, c.x, 2 * n, dx, 0);
        double *in_place = typed(&arena, c.x, 2 * n, K_F64);
        b.gate_up = b.dgate_up = in_place;
        assert_int_equal(dev->ops->swiglu_bwd(dev, &b), K_OK);
        assert_memory_equal(in_place, dx, 2 * n * sizeof *dx);
    }
}

/* ---- attention ---- */
typedef struct attn_case {
    k_attn a;
    double *qkv, *out, *r;
    size_t n_qkv, n_out;
} attn_case;

static double attn_loss(const void *of)
{
    const attn_case *c = of;
    assert_int_equal(dev->ops->attn(dev, &c->a), K_OK);
    return weighted(c->out, c->r, c->n_out);
}

static void check_attention(int64_t heads, int64_t kv_heads, int64_t dim, const int32_t *cu,
                            const int32_t *parents, int64_t n_seqs)
{
    attn_case c = { .a = {
                        .type = K_F64, .n_seqs = n_seqs, .heads = heads, .kv_heads = kv_heads } };
    int64_t tokens = cu[n_seqs];
    c.n_qkv = (size_t)(tokens * (heads + 2 * kv_heads) * dim);
    c.n_out = (size_t)(tokens * heads * dim);
    c.qkv = some(c.n_qkv, 1.5), c.r = some(c.n_out, 1), c.out = filled(&arena, c.n_out, NAN);
    double *lse = filled(&arena, (size_t)(tokens * heads), NAN);
    double *delta = filled(&arena, (size_t)(tokens * heads), NAN),
           *dqkv = filled(&arena, c.n_qkv, NAN);
    c.a.tokens = tokens;
    c.a.head_dim = dim;
    c.a.max_seqlen = tokens;
    c.a.cu_seqlens = cu;
    c.a.parents = parents;
    c.a.scale = 0.8;
    c.a.qkv = c.qkv;
    c.a.out = c.out;
    c.a.lse = lse;
    (void)attn_loss(&c);
    k_attn_bwd b = { .type = K_F64, .tokens = tokens, .n_seqs = n_seqs, .max_seqlen = tokens };
    b.heads = heads;
    b.kv_heads = kv_heads;
    b.head_dim = dim;
    b.cu_seqlens = cu;
    b.parents = parents;
    b.scale = c.a.scale;
    b.qkv = c.qkv;
    b.out = c.out;
    b.lse = lse;
    b.dout = c.r;
    b.delta = delta;
    b.dqkv = dqkv;
    assert_int_equal(dev->ops->attn_bwd(dev, &b), K_OK);
    check_gradient("attention", attn_loss, &c, c.qkv, c.n_qkv, dqkv, 0);
}

static void attention(void **state)
{
    (void)state;
    static const int32_t one[] = { 0, 1 }, ragged[] = { 0, 3, 3, 4, 11 },
                         blocks[] = { 0, 16, 33, 35 };
    check_attention(1, 1, 2, one, NULL, 1);
    check_attention(4, 2, 2, ragged, NULL, 4);
    check_attention(3, 1, 4, ragged, NULL, 4);
    check_attention(2, 2, 6, ragged, NULL, 4);
    check_attention(4, 1, 2, blocks, NULL, 3); /* longer than a block of keys */
    static const int32_t family[] = { -1, 0, 0, 0 }, two[] = { -1, 0, -1, 2 },
                         late[] = { -1, -1, 1 }, children[] = { 0, 0, 0 };
    check_attention(4, 2, 2, ragged, family, 4);
    check_attention(2, 1, 4, ragged, two, 4);
    check_attention(2, 1, 2, blocks, late, 3);
    k_attn_bwd b = { .type = K_F64, .tokens = 35, .n_seqs = 3, .max_seqlen = 35, .heads = 1 };
    b.kv_heads = 1;
    b.head_dim = 2;
    b.cu_seqlens = blocks;
    b.parents = children; /* one is its own */
    b.qkv = b.out = b.lse = b.dout = b.delta = b.dqkv = some(1, 1);
    assert_int_equal(dev->ops->attn_bwd(dev, &b), K_EARG);
}

/* ---- head ---- */
typedef struct head_case {
    k_lmhead a;
    double *h, *w, *logp, *entropy, *lse, *c, *e;
} head_case;

static double head_loss(const void *of)
{
    const head_case *c = of;
    assert_int_equal(dev->ops->lmhead_logprob(dev, &c->a), K_OK);
    size_t m = (size_t)c->a.m;
    return weighted(c->logp, c->c, m) + (c->e ? weighted(c->entropy, c->e, m) : 0);
}

static void check_head(int64_t m, int64_t d, int64_t vocab, double temperature, bool with_entropy)
{
    head_case c = {
        .a = { .type = K_F64, .m = m, .d = d, .vocab = vocab, .temperature = temperature }
    };
    size_t rows = (size_t)m, n_h = (size_t)(m * d), n_w = (size_t)(vocab * d);
    c.h = some(n_h, 1), c.w = some(n_w, 1), c.c = some(rows, 1);
    c.e = with_entropy ? some(rows, 1) : NULL;
    c.logp = filled(&arena, rows, NAN), c.entropy = filled(&arena, rows, NAN);
    c.lse = filled(&arena, rows, NAN);
    int32_t *targets = piece(&arena, rows, sizeof *targets);
    for (size_t i = 0; i < rows; i++)
        targets[i] = (int32_t)as_rng_below(&rng, (uint64_t)vocab);
    void *scratch = piece(&arena, 1, dev->ops->lmhead_scratch(dev, K_F64, m, d, vocab));
    c.a.h = c.h;
    c.a.w = c.w;
    c.a.targets = targets;
    c.a.logp = c.logp;
    c.a.entropy = c.entropy;
    c.a.lse = c.lse;
    c.a.scratch = scratch;
    (void)head_loss(&c);
    double *dh = filled(&arena, n_h, NAN), *dw = filled(&arena, n_w, 1);
    k_lmhead_grad b = { .type = K_F64, .m = m, .d = d, .vocab = vocab, .temperature = temperature };
    b.h = c.h;
    b.w = c.w;
    b.targets = targets;
    b.lse = c.lse;
    b.coef = c.c;
    b.entropy = with_entropy ? c.entropy : NULL;
    b.ecoef = c.e;
    b.dh = dh;
    b.dw = dw;
    b.scratch = scratch;
    assert_int_equal(dev->ops->lmhead_grad(dev, &b), K_OK);
    check_gradient("head dh", head_loss, &c, c.h, n_h, dh, 0);
    check_gradient("head dw", head_loss, &c, c.w, n_w, dw, 1);

    (void)head_loss(&c); /* the differences left what they were of */
    double *said[] = { filled(&arena, rows, NAN), filled(&arena, rows, NAN),
                       filled(&arena, rows, NAN) };
    b.logp = said[0];
    b.lse = said[1];
    b.entropy = said[2];
    b.dh = filled(&arena, n_h, NAN);
    b.dw = filled(&arena, n_w, 1);
    assert_int_equal(dev->ops->lmhead_grad(dev, &b), K_OK);
    assert_memory_equal(said[0], c.logp, rows * sizeof(double));
    assert_memory_equal(said[1], c.lse, rows * sizeof(double));
    assert_memory_equal(said[2], c.entropy, rows * sizeof(double));
    assert_memory_equal(b.dh, dh, n_h * sizeof(double));
    assert_memory_equal(b.dw, dw, n_w * sizeof(double));
}

static void head(void **state)
{
    (void)state;
    check_head(1, 1, 1, 1, true);
    check_head(5, 3, 11, 1, false);
    check_head(4, 6, 17, 0.7, true);
    check_head(7, 2, 5, 1.9, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm),       cmocka_unit_test(embed), cmocka_unit_test(norm_plain),
        cmocka_unit_test(norm_heads), cmocka_unit_test(rope),  cmocka_unit_test(swiglu),
        cmocka_unit_test(attention),  cmocka_unit_test(head),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
