/* test_fast_gemm.c -- matrix products of the CPU backend: against the scalar reference, packed
 * against plain, rows alone against rows together, sums over rows in pieces against at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fast.h"

#include "kernels/cpu/fast/fast.h"

/* w as gemm_nt wants it, or NULL where the backend has no use for one. */
static void *packed_of(k_device *dev, outputs *out, int64_t n, int64_t k, const void *w)
{
    const size_t size = dev->ops->pack_bytes(dev, out->type, n, k, K_PACK_NT);
    if (!size)
        return NULL;
    void *packed = piece(out->arena, size, 1);
    memset(packed, 0xff, size);
    assert_int_equal(dev->ops->pack(dev, out->type, n, k, K_PACK_NT, w, packed), K_OK);
    return packed;
}

static k_gemm linear_of(k_device *dev, outputs *out)
{
    k_gemm a = {
        .type = out->type, .y_type = out->type, .m = size_of(out, 250), .n = size_of(out, 150)
    };
    a.k = size_of(out, 400);
    a.x = input(out, a.m * a.k, 1);
    a.w = input(out, a.n * a.k, 1);
    a.packed = packed_of(dev, out, a.n, a.k, a.w);
    return a;
}

static void nt_case(k_device *dev, outputs *out)
{
    k_gemm a = linear_of(dev, out);
    a.bias = as_rng_below(&out->rng, 2) ? input(out, a.n, 1) : NULL;
    a.y = room(out, "packed", a.m * a.n);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    a.packed = NULL;
    a.y = room(out, "plain", a.m * a.n);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    a.accumulate = true;
    a.y = sum_room(out, "+=", a.m * a.n, out->type);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    a.packed = packed_of(dev, out, a.n, a.k, a.w);
    a.y_type = K_F32;
    a.y = sum_room(out, "+= floats", a.m * a.n, K_F32);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
}

static void nt(void **state)
{
    (void)state;
    check_case(nt_case, 10);
}

/* Floats that two bytes can hold are packed as that: to the bit what they give as floats. */
static void narrow_case(k_device *dev, outputs *out, bool is_half)
{
    k_gemm a = { .type = K_F32, .y_type = K_F32, .m = size_of(out, 30), .n = size_of(out, 150) };
    a.k = size_of(out, 500);
    a.x = input(out, a.m * a.k, 1);
    float *w = piece(out->arena, (size_t)(a.n * a.k), sizeof *w);
    for (int64_t i = 0; i < a.n * a.k; i++) {
        const double x = as_rng_double(&out->rng) - 0.5;
        w[i] = is_half ? (float)ldexp(nearbyint(ldexp(x, 11)), -11)
                       : k_bf16_to_float(k_bf16_of_float((float)x));
    }
    if (is_half && a.n * a.k > 2) { /* the least, and the largest there is */
        w[0] = 0x1p-24F;
        w[1] = -65504;
    }
    a.w = w;
    a.bias = input(out, a.n, 1);
    float *plain = a.y = piece(out->arena, (size_t)(a.m * a.n), sizeof *plain);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    a.packed = packed_of(dev, out, a.n, a.k, a.w);
    float *packed = a.y = piece(out->arena, (size_t)(a.m * a.n), sizeof *packed);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    assert_memory_equal(packed, plain, (size_t)(a.m * a.n) * sizeof *plain);
}

static void narrow(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 2);
        for (uint64_t seed = 0; dev && seed < 24; seed++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena, .rng = as_rng_at(31, seed), .type = K_F32 };
            narrow_case(dev, &out, seed % 2);
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

static void check_backward(k_device *dev, outputs *out, int64_t m, int64_t n, int64_t k)
{
    k_gemm_dx dx = { .type = out->type,
                     .m = m,
                     .n = n,
                     .k = k,
                     .dy = input(out, m * n, 1),
                     .w = input(out, n * k, 1) };
    dx.dx = room(out, "dx", m * k);
    assert_int_equal(dev->ops->gemm_nn(dev, &dx), K_OK);
    dx.accumulate = true;
    dx.dx = sum_room(out, "dx +=", m * k, out->type);
    assert_int_equal(dev->ops->gemm_nn(dev, &dx), K_OK);
    k_gemm_dw dw = {
        .type = out->type, .m = m, .n = n, .k = k, .dy = dx.dy, .x = input(out, m * k, 1)
    };
    dw.dw = sum_room(out, "dw", n * k, K_F32);
    dw.dbias = sum_room(out, "dbias", n, K_F32);
    assert_int_equal(dev->ops->gemm_tn(dev, &dw), K_OK);
}

static void backward_case(k_device *dev, outputs *out)
{
    const int64_t m = size_of(out, 400), n = size_of(out, 90), k = size_of(out, 70);
    check_backward(dev, out, m, n, k);
}

/* Blocks that are full to the last number, of rows and of what is summed over. */
static void full_case(k_device *dev, outputs *out)
{
    check_backward(dev, out, 256, 192, 64);
}

/* More rows than a part takes at once. */
static void many_rows_case(k_device *dev, outputs *out)
{
    check_backward(dev, out, 1700, 40, 33);
}

static void backward(void **state)
{
    (void)state;
    check_case(backward_case, 10);
    check_case(full_case, 1);
    check_case(many_rows_case, 1);
}

/* More columns than a part has room for times the parts that are wanted: rows few and many. */
static void many_columns_case(k_device *dev, outputs *out)
{
    k_gemm a = { .type = out->type, .y_type = out->type, .m = 1, .n = 2500, .k = 4 };
    for (int i = 0; i < 2; i++) {
        a.x = input(out, a.m * a.k, 1);
        a.w = input(out, a.n * a.k, 1);
        a.bias = input(out, a.n, 1);
        a.y = room(out, i ? "many rows" : "a row", a.m * a.n);
        assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
        a.m = 280;
        a.n = 9300;
        a.k = 9;
    }
}

static void many_columns(void **state)
{
    (void)state;
    check_case(many_columns_case, 1);
}

/* Activations in float beside weights that are narrower: forward and backward. */
static void wide_case(k_device *dev, outputs *out)
{
    k_gemm a = linear_of(dev, out);
    a.x_type = a.y_type = K_F32;
    a.x = input_of(out, a.m * a.k, 1, K_F32);
    a.bias = as_rng_below(&out->rng, 2) ? input(out, a.n, 1) : NULL;
    a.y = room_of(out, "packed", a.m * a.n, K_F32);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    a.packed = NULL;
    a.y = room_of(out, "plain", a.m * a.n, K_F32);
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    k_gemm_dx dx = { .type = out->type, .x_type = K_F32, .m = a.m, .n = a.n, .k = a.k, .w = a.w };
    dx.dy = input_of(out, a.m * a.n, 1, K_F32);
    dx.dx = room_of(out, "dx", a.m * a.k, K_F32);
    assert_int_equal(dev->ops->gemm_nn(dev, &dx), K_OK);
    a.x_type = out->type == K_F32 ? K_BF16 : K_F64;
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_ETYPE);
}

static void wide(void **state)
{
    (void)state;
    check_case(wide_case, 10);
}

/* Each row of a product, alone and in pieces, has the bits it has among all. */
static void rows_alone(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 2);
        for (uint64_t seed = 0; dev && seed < 12; seed++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena,
                            .rng = as_rng_at(21, seed),
                            .type = seed % 2 ? K_BF16 : K_F32 };
            k_gemm a = linear_of(dev, &out), some = a;
            const size_t each = k_type_size(a.type);
            a.bias = some.bias = input(&out, a.n, 1);
            char *y = a.y = room(&out, "together", a.m * a.n),
                 *x = piece(&arena, (size_t)(a.m * a.k), each);
            memcpy(x, a.x, (size_t)(a.m * a.k) * each);
            assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
            for (int64_t row = 0; row < a.m; row += some.m) {
                const int64_t most = a.m - row < 14 ? a.m - row : 14;
                some.m = 1 + (int64_t)as_rng_below(&out.rng, (uint64_t)most);
                some.x = x + (size_t)(row * a.k) * each;
                some.y = piece(&arena, (size_t)(some.m * a.n), each);
                assert_int_equal(dev->ops->gemm_nt(dev, &some), K_OK);
                if (memcmp(some.y, y + (size_t)(row * a.n) * each, (size_t)(some.m * a.n) * each) !=
                    0)
                    fail_msg("%s: rows %d.. of %d differ alone", levels[l], (int)row, (int)a.m);
            }
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

/* A gradient summed over micro-batches has the bits of one sum (bf16: pieces of an even number of
 * rows; the matrix unit: of whole steps of 32). */
static void sums_in_pieces(void **state)
{
    (void)state;
    enum { M = 310, N = 70, K = 45, MN = M * N, MK = M * K, NK = N * K };
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 2);
        const int64_t most = strcmp(levels[l], "amx") == 0 ? 64 : 62;
        for (int i = 0; dev && i < 2; i++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena, .rng = as_rng_at(22, 0), .type = i ? K_BF16 : K_F32 };
            const size_t each = k_type_size(out.type);
            const char *dy = input(&out, MN, 1), *x = input(&out, MK, 1);
            float *once = piece(&arena, NK, sizeof *once),
                  *often = piece(&arena, NK, sizeof *often);
            k_gemm_dw a = {
                .type = out.type, .m = M, .n = N, .k = K, .dy = dy, .x = x, .dw = once
            };
            assert_int_equal(dev->ops->gemm_tn(dev, &a), K_OK);
            a.dw = often;
            for (int64_t row = 0; row < M; row += a.m) {
                a.m = M - row < most ? M - row : most;
                a.dy = dy + (size_t)(row * N) * each;
                a.x = x + (size_t)(row * K) * each;
                assert_int_equal(dev->ops->gemm_tn(dev, &a), K_OK);
            }
            assert_memory_equal(once, often, NK * sizeof *once);
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

/* Products of floats of 24 bits, all of one sign, so that what a level leaves out of each adds up:
 * on the mean nothing is missing, and no sum is further off than its roundings. */
static void products_of_floats(void **state)
{
    (void)state;
    enum { M = 64, N = 96, K = 32 };
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        if (!dev)
            continue;
        as_arena arena;
        as_arena_init(&arena, 0);
        as_rng rng = as_rng_at(23, 0);
        float *x = piece(&arena, (size_t)M * K, sizeof *x),
              *w = piece(&arena, (size_t)N * K, sizeof *w),
              *y = piece(&arena, (size_t)M * N, sizeof *y);
        for (int i = 0; i < M * K; i++)
            x[i] = 1 + (float)as_rng_below(&rng, 1U << 23) * 0x1p-23F;
        for (int i = 0; i < N * K; i++)
            w[i] = 1 + (float)as_rng_below(&rng, 1U << 23) * 0x1p-23F;
        const k_gemm a = {
            .type = K_F32, .y_type = K_F32, .m = M, .n = N, .k = K, .x = x, .w = w, .y = y
        };
        assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
        double off = 0;
        for (int i = 0; i < M * N; i++) {
            double exact = 0;
            for (int k = 0; k < K; k++)
                exact += (double)x[i / N * K + k] * (double)w[i % N * K + k];
            const double here = (double)y[i] / exact - 1;
            assert_true(fabs(here) < 1e-6);
            off += here / (M * N);
        }
        if (fabs(off) > 1.5e-8)
            fail_msg("%s: on the mean off by %g", levels[l], off);
        as_arena_fini(&arena);
        k_device_close(dev);
    }
}

/* Where row i of a matrix has its only number, a power of two or its negative. */
static int64_t only_at(int64_t i, int64_t n)
{
    return i * 7 % n;
}

static float only_number(int64_t i)
{
    return ldexpf(i % 2 ? -1 : 1, (int)(i % 9) - 4);
}

/* [rows, n], whose rows have one number each. */
static float *matrix_of_ones(outputs *out, int64_t rows, int64_t n)
{
    float *x = piece(out->arena, (size_t)(rows * n), sizeof *x);
    memset(x, 0, (size_t)(rows * n) * sizeof *x);
    for (int64_t i = 0; i < rows; i++)
        x[i * n + only_at(i, n)] = only_number(i);
    return x;
}

static float *product_of(k_device *dev, outputs *out, const k_gemm *shape, bool is_packed)
{
    k_gemm a = *shape;
    float *y = piece(out->arena, (size_t)(a.m * a.n), sizeof *y);
    a.y = y;
    a.packed = is_packed ? packed_of(dev, out, a.n, a.k, a.w) : NULL;
    assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
    return y;
}

/* Where either side of a product has one number to a row, the other side's come out with all of
 * their 24 bits, for nothing is added to them but zeroes. */
static void check_bits(k_device *dev, const char *level, int64_t m, bool is_packed)
{
    const int64_t k = 200, n = 75;
    as_arena arena;
    as_arena_init(&arena, 0);
    outputs out = { .arena = &arena, .rng = as_rng_at(29, 0), .type = K_F32 };
    const float *x = input(&out, m * k, 1), *w = input(&out, n * k, 1);
    k_gemm a = { .type = K_F32, .y_type = K_F32, .m = m, .n = n, .k = k, .x = x };
    a.w = matrix_of_ones(&out, n, k);
    const float *of_x = product_of(dev, &out, &a, is_packed);
    a.x = matrix_of_ones(&out, m, k);
    a.w = w;
    const float *of_w = product_of(dev, &out, &a, is_packed);
    for (int64_t i = 0; i < m * n; i++) {
        const int64_t row = i / n, col = i % n;
        if (of_x[i] != x[row * k + only_at(col, k)] * only_number(col) ||
            of_w[i] != w[col * k + only_at(row, k)] * only_number(row))
            fail_msg("%s, %d rows: bits of row %d, column %d are lost", level, (int)m, (int)row,
                     (int)col);
    }
    as_arena_fini(&arena);
}

static void all_bits(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        for (int packed = 0; dev && packed < 2; packed++) {
            check_bits(dev, levels[l], 5, packed);
            check_bits(dev, levels[l], 31, packed);
            check_bits(dev, levels[l], 300, packed);
        }
        k_device_close(dev);
    }
}

/* Beside a weight of bf16 floats may be of 16 bits: no sum of m products is further off than their
 * rounding (cut, they would be), and on the mean nothing is missing. */
static void check_16_bits(k_device *dev, const char *level, int64_t m)
{
    enum { N = 20, K = 96, NK = N * K };
    as_arena arena;
    as_arena_init(&arena, 0);
    outputs out = { .arena = &arena, .rng = as_rng_at(25, 0), .type = K_F32 };
    float *dy = input(&out, m * N, 1), *x = input(&out, m * K, 1);
    for (int64_t i = 0; i < m * N; i++)
        dy[i] = 1 + fabsf(dy[i]);
    for (int64_t i = 0; i < m * K; i++)
        x[i] = 1 + fabsf(x[i]);
    float *dw = piece(&arena, NK, sizeof *dw);
    memset(dw, 0, NK * sizeof *dw);
    const k_gemm_dw a = {
        .type = K_F32, .w_type = K_BF16, .m = m, .n = N, .k = K, .dy = dy, .x = x, .dw = dw
    };
    assert_int_equal(dev->ops->gemm_tn(dev, &a), K_OK);
    double off = 0;
    for (int i = 0; i < NK; i++) {
        double exact = 0;
        for (int64_t row = 0; row < m; row++)
            exact += (double)dy[row * N + i / K] * (double)x[row * K + i % K];
        const double here = (double)dw[i] / exact - 1;
        if (fabs(here) > 3e-6)
            fail_msg("%s: a sum is off by %g", level, here);
        off += here / NK;
    }
    if (fabs(off) > 5e-7)
        fail_msg("%s: on the mean off by %g", level, off);
    as_arena_fini(&arena);
}

/* A step of the unit; as many as a part takes at once. */
static void products_of_16_bits(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        if (dev) {
            check_16_bits(dev, levels[l], 32);
            check_16_bits(dev, levels[l], 1500);
        }
        k_device_close(dev);
    }
}

/* A block of sums that sticks out of y leaves what is behind it alone: tile stores pass a sanitizer
 * unseen. */
static void nothing_behind(void **state)
{
    (void)state;
    const int64_t n = 64, k = 40, most = 40, behind = 32 * n;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        for (int64_t m = 1; dev && m <= most; m++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena, .rng = as_rng_at(24, (uint64_t)m), .type = K_F32 };
            float *y = piece(&arena, (size_t)(m * n + behind), sizeof *y);
            for (int64_t i = 0; i < behind; i++)
                y[m * n + i] = 3;
            const k_gemm a = { .type = K_F32,
                               .y_type = K_F32,
                               .m = m,
                               .n = n,
                               .k = k,
                               .y = y,
                               .x = input(&out, m * k, 1),
                               .w = input(&out, n * k, 1) };
            assert_int_equal(dev->ops->gemm_nt(dev, &a), K_OK);
            for (int64_t i = 0; i < behind; i++)
                assert_true(y[m * n + i] == 3);
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

/* Products of which b does not come into the right form at once, nor all columns of it: a row alone
 * has the bits it has among all. a[m,k] (turned: [k,m]) times b[k,n] (by lines: [n,k]). */
enum { LARGE_M = 133, LARGE_N = 2200, LARGE_K = 2010 };

static void *row_of(outputs *out, const char *a, bool turned, int64_t row)
{
    const size_t each = k_type_size(out->type);
    char *x = piece(out->arena, LARGE_K, each);
    for (int64_t k = 0; k < LARGE_K; k++)
        memcpy(x + (size_t)k * each,
               a + (size_t)(turned ? k * LARGE_M + row : row * LARGE_K + k) * each, each);
    return x;
}

static void run_large(k_device *dev, k_type type, int which, int64_t m, const void *a,
                      const void *b, const void *bias, void *c)
{
    const k_gemm nt = { .type = type,
                        .y_type = type,
                        .m = m,
                        .n = LARGE_N,
                        .k = LARGE_K,
                        .x = a,
                        .w = b,
                        .bias = bias,
                        .y = c };
    const k_gemm_dx nn = {
        .type = type, .m = m, .n = LARGE_K, .k = LARGE_N, .dy = a, .w = b, .dx = c
    };
    const k_gemm_dw tn = {
        .type = type, .m = LARGE_K, .n = m, .k = LARGE_N, .dy = a, .x = b, .dw = c
    };
    assert_int_equal(which == 0   ? dev->ops->gemm_nt(dev, &nt)
                     : which == 1 ? dev->ops->gemm_nn(dev, &nn)
                                  : dev->ops->gemm_tn(dev, &tn),
                     K_OK);
}

static void check_large(k_device *dev, const char *level, k_type type, int which)
{
    as_arena arena;
    as_arena_init(&arena, 0);
    outputs out = { .arena = &arena, .rng = as_rng_at(25, (uint64_t)which), .type = type };
    const char *a = input(&out, (int64_t)LARGE_M * LARGE_K, 1),
               *b = input(&out, (int64_t)LARGE_N * LARGE_K, 1), *bias = input(&out, LARGE_N, 9);
    const size_t each = which == 2 ? sizeof(float) : k_type_size(type);
    char *all = piece(&arena, (size_t)LARGE_M * LARGE_N, each), *one = piece(&arena, LARGE_N, each);
    run_large(dev, type, which, LARGE_M, a, b, bias, all);
    for (int64_t row = 0; row < LARGE_M; row += 33) {
        const void *x = row_of(&out, a, which == 2, row);
        memset(one, 0, LARGE_N * each);
        run_large(dev, type, which, 1, x, b, bias, one);
        if (memcmp(one, all + (size_t)(row * LARGE_N) * each, LARGE_N * each) != 0)
            fail_msg("%s: product %d: row %d differs alone", level, which, (int)row);
        const k_type of_c = which == 2 ? K_F32 : type;
        const double *got = plain(&arena, one, LARGE_N, of_c), *p = plain(&arena, x, LARGE_K, type),
                     *q = plain(&arena, b, (size_t)LARGE_N * LARGE_K, type),
                     *r = plain(&arena, bias, LARGE_N, type);
        for (int64_t j = 0; j < LARGE_N; j += 41) {
            double sum = which == 0 ? r[j] : 0;
            for (int64_t k = 0; k < LARGE_K; k++)
                sum += p[k] * q[which == 0 ? j * LARGE_K + k : k * LARGE_N + j];
            assert_true(fabs(got[j] - sum) < (of_c == K_BF16 ? 0.5 : 1e-3));
        }
    }
    as_arena_fini(&arena);
}

/* What products of a layer take of the device's own is what product_bytes says. */
static void bytes_taken(void **state)
{
    (void)state;
    const int64_t shapes[][3] = { { 40, 64, 96 }, { 300, 96, 200 }, { 1100, 130, 70 } };
    for (int l = 0; l < N_LEVELS; l++)
        for (int i = 0; i < 6; i++) {
            k_device *dev = device_at(levels[l], 2);
            if (!dev)
                continue;
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena,
                            .rng = as_rng_at(26, 0),
                            .type = i % 2 ? K_BF16 : K_F32 };
            const int64_t *s = shapes[i / 2];
            check_backward(dev, &out, s[0], s[1], s[2]);
            const fast_device *fast = (const fast_device *)dev;
            const size_t taken = 2 * fast->scratch_each + fast->shared_size,
                         said = dev->ops->product_bytes(dev, out.type, 0, s[0], s[1], s[2]);
            if (taken < said || taken > said + 8192) /* scratch comes in pages */
                fail_msg("%s, shape %d: %zu bytes, %zu were said", levels[l], i / 2, taken, said);
            as_arena_fini(&arena);
            k_device_close(dev);
        }
}

static void large(void **state)
{
    (void)state;
    for (int l = 2; l < N_LEVELS; l += 2) { /* avx512 and amx: it takes its time */
        k_device *dev = device_at(levels[l], 2);
        for (int which = 0; dev && which < 3; which++) {
            check_large(dev, levels[l], K_F32, which);
            check_large(dev, levels[l], K_BF16, which);
        }
        k_device_close(dev);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nt),
        cmocka_unit_test(narrow),
        cmocka_unit_test(backward),
        cmocka_unit_test(many_columns),
        cmocka_unit_test(wide),
        cmocka_unit_test(rows_alone),
        cmocka_unit_test(sums_in_pieces),
        cmocka_unit_test(products_of_floats),
        cmocka_unit_test(all_bits),
        cmocka_unit_test(products_of_16_bits),
        cmocka_unit_test(bytes_taken),
        cmocka_unit_test(nothing_behind),
        cmocka_unit_test(large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
