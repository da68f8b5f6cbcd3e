/* test_forward.c -- each operation's definition, computed another way; the float build and its bf16
 * against the double one; one row against many; what is refused. SPDX-License-Identifier:
 * Apache-2.0 */
#include "arrays.h"

#include <string.h>

static as_arena arena;
static as_rng rng;
static k_device *f64, *f32;

static int open_all(void **state)
{
    (void)state;
    as_arena_init(&arena, 0);
    rng = as_rng_at(6, 20);
    f64 = device_of("naive-f64");
    f32 = device_of("naive-f32");
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    k_device_close(f64);
    k_device_close(f32);
    as_arena_fini(&arena);
    return 0;
}

static double *some(size_t n, double scale)
{
    return randoms(&arena, &rng, n, scale);
}

/* The types, their devices, and how far a result may be from double's. */
static const struct {
    k_type type;
    double tolerance;
} types[] = { { K_F64, 1e-14 }, { K_F32, 3e-6 }, { K_BF16, 1.0 / 128 } };
enum { N_TYPES = 3 };

static k_device *of_type(k_type type)
{
    return type == K_F64 ? f64 : f32;
}

/* x as a type sees it, so that what is compared is the arithmetic and not the rounding of the
 * inputs. */
static double *seen(const double *x, size_t n, k_type type)
{
    return plain(&arena, typed(&arena, x, n, type), n, type);
}

static void gemm(void **state)
{
    (void)state;
    enum { M = 5, N = 7, K = 11, MN = M * N, MK = M * K, NK = N * K };
    double *x0 = some(MK, 1), *w0 = some(NK, 1), *b0 = some(N, 1), *y0 = some(MN, 1);
    for (int i = 0; i < N_TYPES; i++) {
        k_type type = types[i].type, real = k_real_type(type);
        k_device *dev = of_type(type);
        double *x = seen(x0, MK, type), *w = seen(w0, NK, type), *b = seen(b0, N, type);
        double *y = seen(y0, MN, type), want[MN], want_dx[MK] = { 0 }, want_dw[NK] = { 0 };
        for (int m = 0; m < M; m++)
            for (int n = 0; n < N; n++) {
                want[m * N + n] = b[n] + y[m * N + n];
                for (int k = 0; k < K; k++) {
                    want[m * N + n] += x[m * K + k] * w[n * K + k];
                    want_dx[m * K + k] += y[m * N + n] * w[n * K + k];
                    want_dw[n * K + k] += y[m * N + n] * x[m * K + k];
                }
            }
        k_gemm g = { .type = type, .y_type = type, .m = M, .n = N, .k = K, .accumulate = true };
        g.x = typed(&arena, x, MK, type);
        g.w = typed(&arena, w, NK, type);
        g.bias = typed(&arena, b, N, type);
        g.y = typed(&arena, y, MN, type);
        assert_int_equal(dev->ops->gemm_nt(dev, &g), K_OK);
        near_all(plain(&arena, g.y, MN, type), want, MN, types[i].tolerance, "gemm_nt +=");
        for (int j = 0; j < MN; j++)
            want[j] -= y[j];
        g.accumulate = false;
        g.y_type = real; /* logits */
        g.y = typed(&arena, filled(&arena, MN, NAN), MN, real);
        assert_int_equal(dev->ops->gemm_nt(dev, &g), K_OK);
        near_all(plain(&arena, g.y, MN, real), want, MN, type == K_F64 ? 1e-14 : 3e-6,
                 "gemm_nt to real");
        k_gemm_dx dx = { .type = type, .m = M, .n = N, .k = K, .w = g.w };
        dx.dy = typed(&arena, y, MN, type);
        dx.dx = typed(&arena, filled(&arena, MK, NAN), MK, type);
        assert_int_equal(dev->ops->gemm_nn(dev, &dx), K_OK);
        near_all(plain(&arena, dx.dx, MK, type), want_dx, MK, types[i].tolerance, "gemm_nn");
        k_gemm_dw dw = { .type = type, .m = M, .n = N, .k = K, .dy = dx.dy, .x = g.x };
        dw.dw = typed(&arena, filled(&arena, NK, 0), NK, real);
        assert_int_equal(dev->ops->gemm_tn(dev, &dw), K_OK);
        near_all(plain(&arena, dw.dw, NK, real), want_dw, NK, type == K_F64 ? 1e-14 : 3e-6,
                 "gemm_tn");
    }
}

static void rmsnorm(void **state)
{
    (void)state;
    enum { ROWS = 3, N = 10, SIZE = ROWS * N };
    double *x0 = some(SIZE, 1), *r0 = some(SIZE, 1), *w0 = some(N, 2);
    for (int i = 0; i < N_TYPES; i++) {
        k_type type = types[i].type, real = k_real_type(type);
        k_device *dev = of_type(type);
        double *x = seen(x0, SIZE, type), *r = seen(r0, SIZE, type), *w = seen(w0, N, type);
        double *sum = piece(&arena, SIZE, sizeof *sum), want[SIZE], want_rstd[ROWS];
        for (int j = 0; j < SIZE; j++)
            sum[j] = x[j] + r[j];
        sum = seen(sum, SIZE, type);
        for (int row = 0; row < ROWS; row++) {
            double square = 0;
            for (int j = 0; j < N; j++)
                square += sum[row * N + j] * sum[row * N + j] / N;
            want_rstd[row] = 1 / sqrt(square + 0.01);
            double h[N];
            for (int j = 0; j < N; j++)
                h[j] = sum[row * N + j] / sqrt(square + 0.01);
            double *h_seen = seen(h, N, type); /* rounded before the weight: Hugging Face's order */
            for (int j = 0; j < N; j++)
                want[row * N + j] = h_seen[j] * w[j];
        }
        k_rmsnorm a = { .type = type, .rows = ROWS, .n = N, .per_token = 1, .eps = 0.01 };
        a.x_stride = a.y_stride = N;
        a.x = typed(&arena, x, SIZE, type);
        a.residual = typed(&arena, r, SIZE, type);
        a.weight = typed(&arena, w, N, type);
        a.y = typed(&arena, filled(&arena, SIZE, NAN), SIZE, type);
        a.rstd = typed(&arena, filled(&arena, ROWS, NAN), ROWS, real);
        assert_int_equal(dev->ops->rmsnorm(dev, &a), K_OK);
        double *y = plain(&arena, a.y, SIZE, type);
        near_all(y, want, SIZE, types[i].tolerance, "rmsnorm");
        near_all(plain(&arena, a.residual, SIZE, type), sum, SIZE, 1e-14 + (type == K_F32) * 1e-7,
                 "residual");
        near_all(plain(&arena, a.rstd, ROWS, real), want_rstd, ROWS, type == K_F64 ? 1e-14 : 1e-6,
                 "rstd");
        if (type == K_BF16) /* two roundings, each to nearest: the same bits but where rstd's last
                               bit decides */
            near_all(y, seen(want, SIZE, type), SIZE, 1e-12, "rmsnorm rounds h, then y");
    }
}

/* As a complex number, by its length and angle. */
static void rope(void **state)
{
    (void)state;
    enum { T = 4, D = 6, MAX = 12, TD = T * D, TABLE = MAX * D / 2 };
    static const int32_t positions[T] = { 0, 11, 3, 7 };
    double c0[TABLE], s0[TABLE];
    for (int p = 0; p < MAX; p++)
        for (int i = 0; i < D / 2; i++) {
            c0[p * D / 2 + i] = cos(p / pow(100, i / 3.0));
            s0[p * D / 2 + i] = sin(p / pow(100, i / 3.0));
        }
    double *x0 = some(TD, 1);
    for (int t = 0; t < N_TYPES; t++) {
        k_type type = types[t].type, real = k_real_type(type);
        k_device *dev = of_type(type);
        double *x = seen(x0, TD, type), want[TD];
        for (int row = 0; row < T; row++)
            for (int i = 0; i < D / 2; i++) {
                double re = x[row * D + i], im = x[row * D + D / 2 + i];
                double angle = atan2(im, re) + positions[row] / pow(100, i / 3.0);
                want[row * D + i] = hypot(re, im) * cos(angle);
                want[row * D + D / 2 + i] = hypot(re, im) * sin(angle);
            }
        k_rope a = {
            .type = type, .tokens = T, .heads = 1, .head_dim = D, .stride = D, .max_pos = MAX
        };
        a.positions = positions;
        a.cos = typed(&arena, c0, TABLE, real);
        a.sin = typed(&arena, s0, TABLE, real);
        a.x = typed(&arena, x, TD, type);
        assert_int_equal(dev->ops->rope(dev, &a), K_OK);
        near_all(plain(&arena, a.x, TD, type), want, TD, types[t].tolerance, "rope");
        a.inverse = true;
        assert_int_equal(dev->ops->rope(dev, &a), K_OK);
        near_all(plain(&arena, a.x, TD, type), x, TD, 2 * types[t].tolerance, "rope and back");
    }
}

static void swiglu(void **state)
{
    (void)state;
    enum { T = 3, F = 5, TF = T * F, T2F = 2 * TF };
    double *x0 = some(T2F, 6);
    x0[0] = -100; /* where exp(-g) is large beyond all bounds in float */
    x0[1] = 90;
    for (int t = 0; t < N_TYPES; t++) {
        k_type type = types[t].type;
        k_device *dev = of_type(type);
        double *x = seen(x0, T2F, type), want[TF];
        for (int row = 0; row < T; row++)
            for (int i = 0; i < F; i++) {
                double g = x[row * 2 * F + i], u = x[row * 2 * F + F + i];
                want[row * F + i] = g * u * 0.5 * (1 + tanh(g / 2));
            }
        k_swiglu a = { .type = type, .tokens = T, .f = F };
        a.gate_up = typed(&arena, x, T2F, type);
        a.y = typed(&arena, filled(&arena, TF, NAN), TF, type);
        assert_int_equal(dev->ops->swiglu(dev, &a), K_OK);
        near_all(plain(&arena, a.y, TF, type), want, TF, types[t].tolerance, "swiglu");
    }
}

/* The whole softmax at once. out, lse of one head of one sequence of `len` rows of qkv. */
static void attend_plainly(const double *qkv, int64_t len, int64_t row, int64_t q, int64_t k,
                           int64_t v, int64_t dim, double scale, double *out, int64_t out_row,
                           double *lse, int64_t lse_row)
{
    for (int64_t i = 0; i < len; i++) {
        double total = 0;
        for (int64_t c = 0; c < dim; c++)
            out[i * out_row + c] = 0;
        for (int64_t j = 0; j <= i; j++) {
            double s = 0;
            for (int64_t c = 0; c < dim; c++)
                s += qkv[i * row + q + c] * qkv[j * row + k + c];
            double e = exp(scale * s);
            total += e;
            for (int64_t c = 0; c < dim; c++)
                out[i * out_row + c] += e * qkv[j * row + v + c];
        }
        for (int64_t c = 0; c < dim; c++)
            out[i * out_row + c] /= total;
        lse[i * lse_row] = log(total);
    }
}

enum { H = 4, KV = 2, D = 6, ROW = (H + 2 * KV) * D, SEQS = 4, TOKENS = 43 };
enum { N_QKV = TOKENS * ROW, N_OUT = TOKENS * H * D, N_LSE = TOKENS * H };
static const int32_t cu[SEQS + 1] = { 0, 1, 1, 36, TOKENS };

static void attn(void **state)
{
    (void)state;
    double *x0 = some(N_QKV, 1.5), *want = some(N_OUT, 1), *want_lse = some(N_LSE, 1);
    for (int t = 0; t < N_TYPES; t++) {
        k_type type = types[t].type, real = k_real_type(type);
        k_device *dev = of_type(type);
        double *x = seen(x0, N_QKV, type);
        for (int64_t s = 0; s < SEQS; s++)
            for (int64_t h = 0; h < H; h++) {
                int64_t first = cu[s];
                attend_plainly(x + first * ROW, cu[s + 1] - first, ROW, h * D, (H + h / 2) * D,
                               (H + KV + h / 2) * D, D, 0.4, want + (first * H + h) * D,
                               (int64_t)H * D, want_lse + first * H + h, H);
            }
        k_attn a = { .type = type, .tokens = TOKENS, .n_seqs = SEQS, .max_seqlen = 35, .heads = H };
        a.kv_heads = KV;
        a.head_dim = D;
        a.cu_seqlens = cu;
        a.scale = 0.4;
        a.qkv = typed(&arena, x, N_QKV, type);
        a.out = typed(&arena, filled(&arena, N_OUT, NAN), N_OUT, type);
        a.lse = typed(&arena, filled(&arena, N_LSE, NAN), N_LSE, real);
        assert_int_equal(dev->ops->attn(dev, &a), K_OK);
        near_all(plain(&arena, a.out, N_OUT, type), want, N_OUT, types[t].tolerance, "attn");
        near_all(plain(&arena, a.lse, N_LSE, real), want_lse, N_LSE, type == K_F64 ? 1e-14 : 3e-6,
                 "lse");
    }
}

/* Sequences behind a parent: the rows of parent and sequence in one, to the bit. */
static void attn_behind_a_parent(void **state)
{
    (void)state;
    static const int32_t parents[SEQS] = { -1, -1, -1, 2 };
    static const int32_t whole[] = { 0, 1, TOKENS }; /* the last two lie together */
    double *x = some(N_QKV, 1.5);
    for (int t = 0; t < N_TYPES; t++) {
        k_type type = types[t].type, real = k_real_type(type);
        k_device *dev = of_type(type);
        k_attn a = { .type = type, .tokens = TOKENS, .n_seqs = SEQS, .max_seqlen = 35, .heads = H };
        a.kv_heads = KV;
        a.head_dim = D;
        a.cu_seqlens = cu;
        a.parents = parents;
        a.scale = 0.4;
        a.qkv = typed(&arena, x, N_QKV, type);
        a.out = typed(&arena, filled(&arena, N_OUT, NAN), N_OUT, type);
        a.lse = typed(&arena, filled(&arena, N_LSE, NAN), N_LSE, real);
        assert_int_equal(dev->ops->attn(dev, &a), K_OK);
        k_attn b = a;
        b.n_seqs = 2;
        b.max_seqlen = TOKENS;
        b.cu_seqlens = whole;
        b.parents = NULL;
        b.out = typed(&arena, filled(&arena, N_OUT, NAN), N_OUT, type);
        b.lse = typed(&arena, filled(&arena, N_LSE, NAN), N_LSE, real);
        assert_int_equal(dev->ops->attn(dev, &b), K_OK);
        assert_memory_equal(a.out, b.out, N_OUT * k_type_size(type));
        assert_memory_equal(a.lse, b.lse, N_LSE * k_type_size(real));
    }
}

/* Scores far from zero must not overflow. */
static void attn_of_large_scores(void **state)
{
    (void)state;
    float qkv[3 * 6] = { 100, 0, 90, 0, 1, 2, 100, 0, 100, 0, 3, 4, 100, 0, -90, 0, 5, 6 }, out[6];
    static const int32_t one[] = { 0, 3 };
    k_attn a = {
        .type = K_F32, .tokens = 3, .n_seqs = 1, .max_seqlen = 3, .heads = 1, .kv_heads = 1
    };
    a.head_dim = 2;
    a.cu_seqlens = one;
    a.scale = 1;
    a.qkv = qkv;
    a.out = out;
    assert_int_equal(f32->ops->attn(f32, &a), K_OK);
    const float want[6] = { 1, 2, 3, 4, 3, 4 };
    assert_memory_equal(out, want, sizeof want);
}

/* Keys put into scattered blocks: every row as attn computed it, to the bit, whatever the size of a
 * block. */
static void paged_is_attn(void **state)
{
    (void)state;
    static const int64_t block_sizes[] = { 1, 5, 16, 64 };
    double *x0 = some(N_QKV, 1.5);
    for (int t = 0; t < N_TYPES; t++) {
        k_type type = types[t].type;
        k_device *dev = of_type(type);
        size_t size = k_type_size(type);
        k_attn a = { .type = type, .tokens = TOKENS, .n_seqs = SEQS, .max_seqlen = 35, .heads = H };
        a.kv_heads = KV;
        a.head_dim = D;
        a.cu_seqlens = cu;
        a.scale = 0.4;
        a.qkv = typed(&arena, x0, N_QKV, type);
        a.out = typed(&arena, filled(&arena, N_OUT, NAN), N_OUT, type);
        assert_int_equal(dev->ops->attn(dev, &a), K_OK);
        for (size_t b = 0; b < sizeof block_sizes / sizeof block_sizes[0]; b++) {
            enum { MAX_BLOCKS = 35, BLOCKS = SEQS * MAX_BLOCKS + 3 };
            int32_t tables[SEQS * MAX_BLOCKS], slots[TOKENS], seq_of[TOKENS], positions[TOKENS];
            for (int i = 0; i < SEQS * MAX_BLOCKS; i++)
                tables[i] =
                    (i * 101 + 7) % BLOCKS; /* 143 blocks, 101 prime to it: no two the same */
            int64_t block_size = block_sizes[b];
            for (int32_t s = 0; s < SEQS; s++)
                for (int32_t i = cu[s]; i < cu[s + 1]; i++) {
                    int64_t p = i - cu[s];
                    seq_of[i] = s;
                    positions[i] = (int32_t)p;
                    slots[i] =
                        (int32_t)(tables[(int64_t)s * MAX_BLOCKS + p / block_size] * block_size +
                                  p % block_size);
                }
            size_t cache = (size_t)(BLOCKS * block_size * KV * D);
            k_kv_append put = {
                .type = type, .tokens = TOKENS, .heads = H, .kv_heads = KV, .head_dim = D
            };
            put.block_size = block_size;
            put.n_blocks = BLOCKS;
            put.slots = slots;
            put.qkv = a.qkv;
            put.k_cache = typed(&arena, filled(&arena, cache, NAN), cache, type);
            put.v_cache = typed(&arena, filled(&arena, cache, NAN), cache, type);
            assert_int_equal(dev->ops->kv_append(dev, &put), K_OK);
            k_attn_paged p = {
                .type = type, .tokens = TOKENS, .n_seqs = SEQS, .heads = H, .kv_heads = KV
            };
            p.head_dim = D;
            p.block_size = block_size;
            p.n_blocks = BLOCKS;
            p.max_blocks = MAX_BLOCKS;
            p.seq_of = seq_of;
            p.positions = positions;
            p.block_tables = tables;
            p.scale = 0.4;
            p.qkv = a.qkv;
            p.k_cache = put.k_cache;
            p.v_cache = put.v_cache;
            p.out = typed(&arena, filled(&arena, N_OUT, NAN), N_OUT, type);
            assert_int_equal(dev->ops->attn_paged(dev, &p), K_OK);
            assert_memory_equal(p.out, a.out, N_OUT * size);
        }
    }
}

static void append_leaves_out(void **state)
{
    (void)state;
    float qkv[2 * 6] = { 0, 0, 1, 2, 3, 4, 0, 0, 5, 6, 7, 8 };
    float k[8] = { 0 }, v[8] = { 0 }; /* two numbers before the cache, where slot -1 would be */
    static const int32_t slots[] = { -1, 2 };
    k_kv_append a = {
        .type = K_F32, .tokens = 2, .heads = 1, .kv_heads = 1, .head_dim = 2, .block_size = 3
    };
    a.n_blocks = 1;
    a.slots = slots;
    a.qkv = qkv;
    a.k_cache = k + 2;
    a.v_cache = v + 2;
    assert_int_equal(f32->ops->kv_append(f32, &a), K_OK);
    const float want_k[8] = { 0, 0, 0, 0, 0, 0, 5, 6 }, want_v[8] = { 0, 0, 0, 0, 0, 0, 7, 8 };
    assert_memory_equal(k, want_k, sizeof k);
    assert_memory_equal(v, want_v, sizeof v);
}

static void head(void **state)
{
    (void)state;
    enum { M = 4, W = 5, V = 13, MW = M * W, VW = V * W };
    static const int32_t targets[M] = { 0, 12, 6, 6 };
    double *h0 = some(MW, 2), *w0 = some(VW, 2);
    for (int t = 0; t < N_TYPES; t++) {
        k_type type = types[t].type, real = k_real_type(type);
        k_device *dev = of_type(type);
        double *h = seen(h0, MW, type), *w = seen(w0, VW, type);
        double want_logp[M], want_entropy[M] = { 0 }, want_lse[M];
        for (int i = 0; i < M; i++) {
            double z[V] = { 0 }, total = 0;
            for (int j = 0; j < V; j++) {
                for (int c = 0; c < W; c++)
                    z[j] += h[i * W + c] * w[j * W + c] / 0.8;
                total += exp(z[j]);
            }
            for (int j = 0; j < V; j++)
                want_entropy[i] -= exp(z[j]) / total * log(exp(z[j]) / total);
            want_logp[i] = log(exp(z[targets[i]]) / total);
            want_lse[i] = log(total);
        }
        k_lmhead a = {
            .type = type, .m = M, .d = W, .vocab = V, .temperature = 0.8, .targets = targets
        };
        a.h = typed(&arena, h, MW, type);
        a.w = typed(&arena, w, VW, type);
        a.logp = typed(&arena, filled(&arena, M, NAN), M, real);
        a.entropy = typed(&arena, filled(&arena, M, NAN), M, real);
        a.lse = typed(&arena, filled(&arena, M, NAN), M, real);
        a.scratch = piece(&arena, 1, dev->ops->lmhead_scratch(dev, type, M, W, V));
        assert_int_equal(dev->ops->lmhead_logprob(dev, &a), K_OK);
        double tolerance = type == K_F64 ? 1e-14 : 3e-6;
        near_all(plain(&arena, a.logp, M, real), want_logp, M, tolerance, "logp");
        near_all(plain(&arena, a.entropy, M, real), want_entropy, M, tolerance * 10, "entropy");
        near_all(plain(&arena, a.lse, M, real), want_lse, M, tolerance, "lse");
    }
}

static void arrays(void **state)
{
    (void)state;
    double a[3] = { 1, 2, 3 }, b[3] = { 10, 20, 30 }, y[3];
    assert_int_equal(f64->ops->add(f64, &(k_add){ K_F64, 3, a, b, y }), K_OK);
    assert_true(y[0] == 11 && y[1] == 22 && y[2] == 33);
    assert_int_equal(f64->ops->axpy(f64, &(k_axpy){ K_F64, 3, -2, a, y }), K_OK);
    assert_true(y[0] == 9 && y[1] == 18 && y[2] == 27);
    assert_int_equal(f64->ops->scale(f64, &(k_axpy){ K_F64, 2, 0.5, NULL, y }), K_OK);
    assert_true(y[0] == 4.5 && y[1] == 9 && y[2] == 27);

    double x[12], out[9] = { 0 };
    for (int i = 0; i < 12; i++)
        x[i] = i;
    const int32_t from[2] = { 2, 0 }, to[2] = { 0, 2 };
    k_copy_rows c = {
        .type = K_F64, .rows = 2, .n = 2, .x_stride = 4, .y_stride = 3, .x = x, .y = out
    };
    c.x_rows = from;
    c.y_rows = to;
    assert_int_equal(f64->ops->copy_rows(f64, &c), K_OK);
    const double want[9] = { 8, 9, 0, 0, 0, 0, 0, 1, 0 };
    assert_memory_equal(out, want, sizeof want);
    c.x_rows = c.y_rows = NULL;
    assert_int_equal(f64->ops->copy_rows(f64, &c), K_OK);
    const double plain_want[9] = { 0, 1, 0, 4, 5, 0, 0, 1, 0 };
    assert_memory_equal(out, plain_want, sizeof plain_want);
    const int32_t twice[2] = { 2, 2 };
    c.y_rows = twice;
    c.accumulate = true;
    assert_int_equal(f64->ops->copy_rows(f64, &c), K_OK);
    const double sum_want[9] = { 0, 1, 0, 4, 5, 0, 4, 7, 0 };
    assert_memory_equal(out, sum_want, sizeof sum_want);

    double *long_one = some(10000, 1), got, sum = 0;
    for (int i = 0; i < 10000; i++)
        sum += long_one[i] * long_one[i];
    assert_int_equal(f64->ops->sum_squares(f64, K_F64, 10000, long_one, &got), K_OK);
    near_number(got, sum, 1e-9, "sum of squares");
    float *ones = typed(&arena, filled(&arena, 70000, 1), 70000, K_F32);
    ones[69999] = 4096; /* a sum in float would lose the ones beside it */
    assert_int_equal(f32->ops->sum_squares(f32, K_F32, 70000, ones, &got), K_OK);
    assert_true(got == 69999 + 4096.0 * 4096);
}

/* All 65536 there and back; and a value to the nearer of its neighbours, ties to the even one. */
static void bf16(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        float f = k_bf16_to_float((uint16_t)i);
        if (f == f)
            assert_int_equal(k_bf16_of_float(f), i);
        else
            assert_true(isnan(k_bf16_to_float(k_bf16_of_float(f))));
    }
    assert_int_equal(k_bf16_of_float(1.00390625f), 0x3f80); /* halfway to 1.0078125: even below */
    assert_int_equal(k_bf16_of_float(1.01171875f), 0x3f82); /* halfway: even above */
    assert_int_equal(k_bf16_of_float(1.0039063692092896f), 0x3f81); /* a little more than half */
    assert_int_equal(k_bf16_of_float(3.4e38f), 0x7f80);             /* too large: infinity */
    uint16_t h[2];
    float x[2] = { -2.5f, 1.01171875f }, back[2];
    assert_int_equal(f32->ops->cast(f32, &(k_cast){ K_F32, K_BF16, 2, x, h }), K_OK);
    assert_int_equal(f32->ops->cast(f32, &(k_cast){ K_BF16, K_F32, 2, h, back }), K_OK);
    assert_true(back[0] == -2.5f && back[1] == 1.015625f);
}

/* torch.optim.AdamW by its documentation, three steps of two numbers, in long double. */
static void adamw(void **state)
{
    (void)state;
    const double grads[3][2] = { { 0.5, -2 }, { 0.25, 1 }, { -1, 3 } };
    long double p[2] = { 1, -3 }, m[2] = { 0 }, v[2] = { 0 };
    double master[2] = { 1, -3 }, m0[2] = { 0 }, v0[2] = { 0 };
    float master32[2] = { 1, -3 }, m32[2] = { 0 }, v32[2] = { 0 }, grad32[2];
    uint16_t copy[2];
    for (int step = 1; step <= 3; step++) {
        for (int i = 0; i < 2; i++) {
            long double g = 0.5L * grads[step - 1][i];
            grad32[i] = (float)grads[step - 1][i];
            p[i] -= 0.01L * 0.1L * p[i];
            m[i] = 0.9L * m[i] + 0.1L * g;
            v[i] = 0.99L * v[i] + 0.01L * g * g;
            long double m_hat = m[i] / (1 - powl(0.9L, step)),
                        v_hat = v[i] / (1 - powl(0.99L, step));
            p[i] -= 0.01L * m_hat / (sqrtl(v_hat) + 1e-2L);
        }
        k_adamw a = {
            .real = K_F64, .n = 2, .step = step, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.99
        };
        a.eps = 1e-2; /* large, so that it shows */
        a.weight_decay = 0.1;
        a.grad_scale = 0.5;
        a.master = master, a.m = m0, a.v = v0, a.grad = grads[step - 1];
        assert_int_equal(f64->ops->adamw(f64, &a), K_OK);
        a.real = K_F32;
        a.master = master32, a.m = m32, a.v = v32, a.grad = grad32;
        a.copy = copy;
        a.copy_type = K_BF16;
        assert_int_equal(f32->ops->adamw(f32, &a), K_OK);
        for (int i = 0; i < 2; i++) {
            near_number(master[i], (double)p[i], 1e-14, "adamw");
            near_number((double)master32[i], (double)p[i], 1e-6, "adamw in float");
            assert_int_equal(copy[i], k_bf16_of_float(master32[i]));
        }
    }
}

static void refusals(void **state)
{
    (void)state;
    float x[64] = { 0 };
    int32_t ids[2] = { 0, 5 };
    assert_int_equal(f32->ops->add(f32, &(k_add){ K_F64, 1, x, x, x }), K_ETYPE);
    assert_int_equal(f64->ops->add(f64, &(k_add){ K_F32, 1, x, x, x }), K_ETYPE);
    assert_int_equal(f32->ops->add(f32, &(k_add){ K_F32, -1, x, x, x }), K_EARG);
    assert_int_equal(f32->ops->add(f32, &(k_add){ K_F32, 1, NULL, x, x }), K_EARG);
    k_embed e = {
        .type = K_F32, .tokens = 2, .d = 1, .vocab = 5, .ids = ids, .table = x, .y = x + 32
    };
    assert_int_equal(f32->ops->embed(f32, &e), K_EINDEX);
    ids[1] = -1;
    assert_int_equal(f32->ops->embed(f32, &e), K_EINDEX);
    ids[1] = 4;
    assert_int_equal(f32->ops->embed(f32, &e), K_OK);
    int32_t cu_bad[] = { 0, 3, 2 };
    k_attn a = {
        .type = K_F32, .tokens = 2, .n_seqs = 2, .max_seqlen = 2, .heads = 2, .kv_heads = 1
    };
    a.head_dim = 2;
    a.cu_seqlens = cu_bad;
    a.scale = 1;
    a.qkv = x;
    a.out = x + 32;
    assert_int_equal(f32->ops->attn(f32, &a), K_EARG);
    cu_bad[1] = 1;
    assert_int_equal(f32->ops->attn(f32, &a), K_OK);
    for (int32_t parent = -2; parent < 3; parent++) {
        const int32_t parents[2] = { -1, parent }, first[2] = { parent, -1 };
        a.parents = parents;
        assert_int_equal(f32->ops->attn(f32, &a), parent == -1 || parent == 0 ? K_OK : K_EARG);
        a.parents = first;
        assert_int_equal(f32->ops->attn(f32, &a), parent == -1 ? K_OK : K_EARG);
    }
    a.parents = NULL;
    a.heads = 3;
    a.kv_heads = 2;
    assert_int_equal(f32->ops->attn(f32, &a), K_EARG);
    a.heads = 2;
    a.head_dim = 3;
    assert_int_equal(f32->ops->attn(f32, &a), K_EARG);
    k_device *none = f32;
    assert_int_equal(k_device_open(&none, "abacus", NULL), K_EARG);
    assert_null(none);
    k_device_close(NULL);
    assert_null(k_backend_find("abacus"));
    for (size_t i = 0; k_backend_at(i); i++)
        assert_ptr_equal(k_backend_find(k_backend_at(i)->name), k_backend_at(i));
    assert_string_not_equal(k_status_text(K_EINDEX), k_status_text(K_EARG));
}

static void memory(void **state)
{
    (void)state;
    char text[8] = "assayed", back[8];
    void *p = f32->ops->alloc(f32, 8), *q = f32->ops->alloc(f32, 8);
    assert_true(p && q && (uintptr_t)p % 64 == 0);
    assert_int_equal(f32->ops->copy_to(f32, p, text, 8), K_OK);
    assert_int_equal(f32->ops->copy(f32, q, p, 8), K_OK);
    assert_int_equal(f32->ops->zero(f32, p, 8), K_OK);
    assert_int_equal(f32->ops->copy_from(f32, back, q, 8), K_OK);
    assert_string_equal(back, "assayed");
    assert_int_equal(f32->ops->copy_from(f32, back, p, 8), K_OK);
    assert_string_equal(back, "");
    assert_int_equal(f32->ops->sync(f32), K_OK);
    assert_null(f32->ops->alloc(f32, SIZE_MAX - 5));
    f32->ops->free(f32, p);
    f32->ops->free(f32, q);
    f32->ops->free(f32, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm),
        cmocka_unit_test(rmsnorm),
        cmocka_unit_test(rope),
        cmocka_unit_test(swiglu),
        cmocka_unit_test(attn),
        cmocka_unit_test(attn_of_large_scores),
        cmocka_unit_test(attn_behind_a_parent),
        cmocka_unit_test(paged_is_attn),
        cmocka_unit_test(append_leaves_out),
        cmocka_unit_test(head),
        cmocka_unit_test(arrays),
        cmocka_unit_test(bf16),
        cmocka_unit_test(adamw),
        cmocka_unit_test(refusals),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
