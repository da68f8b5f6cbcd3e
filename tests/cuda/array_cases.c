/* array_cases.c -- flat arrays and rows of them, at addresses that a load of 16 bytes takes and at
 * others. SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#define EXACT 1e-30 /* no libm, and nothing summed in another order: the same bits */

/* n numbers, of which the first lies up to 3 behind a multiple of 64 bytes. */
static char *input(cuda_run *run, int64_t n, k_type type)
{
    const int64_t offset = (int64_t)run_below(run, 2) * (int64_t)run_below(run, 4);
    char *p = run_input_of(run, n + offset, 2, type);
    return p + (size_t)offset * k_type_size(type);
}

/* What is around the numbers must stay as it is. */
static char *output(cuda_run *run, const char *name, int64_t n, k_type type)
{
    const int64_t offset = (int64_t)run_below(run, 2) * (int64_t)run_below(run, 4);
    char *p = run_sum_room(run, name, n + offset + 5, type);
    run->all[run->n - 1].tolerance = EXACT;
    return p + (size_t)offset * k_type_size(type);
}

/* ---- element by element ---- */

static void elements(cuda_run *run)
{
    const int64_t n = run_size(run, 5000);
    void *y = output(run, "add", n, run->type);
    const k_add add = { run->type, n, input(run, n, run->type), input(run, n, run->type), y };
    const k_add in_place = { run->type, n, y, input(run, n, run->type), y };
    run_ok(run->dev->ops->add(run->dev, &add));
    run_ok(run->dev->ops->add(run->dev, &in_place));
    const k_axpy axpy = { run->type, n, -0.3, input(run, n, run->type),
                          output(run, "axpy", n, run->type) };
    run_ok(run->dev->ops->axpy(run->dev, &axpy));
    const k_axpy scale = { run->type, n, 1.7, NULL, output(run, "scale", n, run->type) };
    run_ok(run->dev->ops->scale(run->dev, &scale));
}

static void casts(cuda_run *run)
{
    static const k_type types[] = { K_F32, K_BF16 };
    const int64_t n = run_size(run, 3000);
    for (size_t x = 0; x < 2; x++)
        for (size_t y = 0; y < 2; y++) {
            const k_cast a = { types[x], types[y], n, input(run, n, types[x]),
                               output(run, "cast", n, types[y]) };
            run_ok(run->dev->ops->cast(run->dev, &a));
        }
}

/* Bits that are rounded up, down, to even, to infinity, and not at all. */
static void cast_bits(cuda_run *run)
{
    static const uint32_t edges[] = {
        0,          0x80000000, 0x3f800000, 0x3f808000, 0x3f818000, 0x3f808001,
        0x3f817fff, 0x7f7fffff, 0xff7f8000, 0x7f800000, 0xff800000, 0x7fc00000,
        0xffc00001, 0x7f800001, 0x7fa01234, 0xff812345, 0x00000001, 0x00008000,
        0x00018000, 0x007fffff, 0x00800000, 0x80008001, 0x3f80ffff,
    };
    enum { N = sizeof edges / sizeof edges[0] };
    for (int offset = 0; offset < 2; offset++) {
        uint32_t *x = run_given(run, edges, sizeof edges);
        uint16_t *y = run_alloc(run, sizeof(uint16_t) * N);
        uint32_t *z = run_alloc(run, sizeof edges);
        const k_cast down = { K_F32, K_BF16, N - offset, x + offset, y + offset };
        const k_cast up = { K_BF16, K_F32, N - offset, y + offset, z + offset };
        run_ok(run->dev->ops->cast(run->dev, &down));
        run_ok(run->dev->ops->cast(run->dev, &up));
        uint16_t *half = run_bytes(run, y + offset, sizeof(uint16_t) * (size_t)(N - offset));
        uint32_t *back = run_bytes(run, z + offset, sizeof(uint32_t) * (size_t)(N - offset));
        for (int i = 0; i + offset < N; i++) {
            float f;
            memcpy(&f, &edges[i + offset], sizeof f);
            if (half[i] != k_bf16_of_float(f) || back[i] != (uint32_t)half[i] << 16)
                fail_msg("NUMBERS %08x became %04x and %08x, not %04x", edges[i + offset], half[i],
                         back[i], k_bf16_of_float(f));
        }
        free(half);
        free(back);
    }
}

/* ---- rows ---- */

/* 0 .. n-1 in some order. */
static int32_t *shuffled(cuda_run *run, int64_t n)
{
    int32_t *host = calloc((size_t)n + 1, sizeof *host);
    assert_non_null(host);
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = (int64_t)run_below(run, (uint64_t)i + 1);
        host[i] = host[k];
        host[k] = (int32_t)i;
    }
    int32_t *p = run_given(run, host, (size_t)n * sizeof *host);
    free(host);
    return p;
}

static void rows(cuda_run *run)
{
    static const int64_t widths[] = { 1, 3, 8, 24, 64, 100, 260, 1032 };
    const int64_t n = widths[run->seed % 8], rows = run_size(run, n > 200 ? 5 : 70);
    const int64_t gap =
        run_below(run, 2) ? 8 * (int64_t)run_below(run, 3) : (int64_t)run_below(run, 4);
    const int64_t x_stride = n + gap, y_stride = n + (run_below(run, 2) ? 8 : 0);
    const bool named = run_below(run, 2), placed = run_below(run, 2), adds = run_below(run, 2);
    const k_copy_rows a = {
        .type = run->type,
        .rows = rows,
        .n = n,
        .x_stride = x_stride,
        .y_stride = y_stride,
        .x = input(run, rows * x_stride, run->type),
        .x_rows = named ? run_indices(run, rows, rows) : NULL,
        .y = output(run, "rows", rows * y_stride, run->type),
        .y_rows = placed ? shuffled(run, rows) : NULL,
        .accumulate = adds,
    };
    run_ok(run->dev->ops->copy_rows(run->dev, &a));
}

/* A row of y is named often: the bits are those of the sums in order. */
static void rows_often(cuda_run *run)
{
    const int64_t n = run_size(run, 40), rows = run_size(run, 300);
    const int64_t places = run_size(run, 30), stride = n + (int64_t)run_below(run, 9);
    const k_copy_rows a = {
        .type = run->type,
        .rows = rows,
        .n = n,
        .x_stride = stride,
        .y_stride = n,
        .x = input(run, rows * stride, run->type),
        .x_rows = run_below(run, 2) ? run_indices(run, rows, rows) : NULL,
        .y = output(run, "sums", places * n, run->type),
        .y_rows = run_indices(run, rows, places),
        .accumulate = true,
    };
    run_ok(run->dev->ops->copy_rows(run->dev, &a));
}

/* ---- sums of squares ---- */

static void squares(cuda_run *run)
{
    static const int64_t sizes[] = { 1, 31, 4095, 4096, 4097, 9000, 33000, 257 };
    const int64_t n = sizes[run->seed % 8];
    double sum = NAN;
    run_ok(run->dev->ops->sum_squares(run->dev, run->type, n, input(run, n, run->type), &sum));
    void *room = run_room_of(run, "sum", 1, K_F64, 1e-14);
    run_ok(run->dev->ops->copy_to(run->dev, room, &sum, sizeof sum));
}

/* More chunks than shared memory has room for. */
static void squares_many(cuda_run *run)
{
    const int64_t n = 600 * 4096 + 77;
    double sum = NAN;
    run_ok(run->dev->ops->sum_squares(run->dev, run->type, n, run_input(run, n, 1), &sum));
    void *room = run_room_of(run, "sum", 1, K_F64, 1e-13);
    run_ok(run->dev->ops->copy_to(run->dev, room, &sum, sizeof sum));
}

/* The same numbers at another address have the same sum, to the bit; none have 0. */
static void squares_bits(cuda_run *run)
{
    enum { N = 10000 };
    char *numbers = run_input(run, N + 1, 1);
    char *moved = run_alloc(run, (N + 1) * sizeof(float));
    double sum[3] = { NAN, NAN, NAN };
    run_ok(run->dev->ops->copy(run->dev, moved, numbers + sizeof(float), N * sizeof(float)));
    run_ok(run->dev->ops->sum_squares(run->dev, K_F32, N, numbers + sizeof(float), &sum[0]));
    run_ok(run->dev->ops->sum_squares(run->dev, K_F32, N, moved, &sum[1]));
    run_ok(run->dev->ops->sum_squares(run->dev, K_F32, 0, moved, &sum[2]));
    if (sum[0] != sum[1] || sum[2] != 0)
        fail_msg("NUMBERS sums are %.17g, %.17g at another address, and %g of nothing", sum[0],
                 sum[1], sum[2]);
}

/* ---- refused ---- */

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    float *x = run_input(run, 64, 1);
    double *before = run_fetch(run, x, 64, K_F32);
    double sum = 0;
    k_add add = { K_F32, 0, x, x, x };
    assert_int_equal(ops->add(run->dev, &add), K_OK);
    add.n = -1;
    assert_int_equal(ops->add(run->dev, &add), K_EARG);
    add.n = 8;
    add.b = NULL;
    assert_int_equal(ops->add(run->dev, &add), K_EARG);
    add.type = K_F64;
    assert_int_equal(ops->add(run->dev, &add), K_ETYPE);
    k_axpy axpy = { K_F32, 8, 1, NULL, x };
    assert_int_equal(ops->axpy(run->dev, &axpy), K_EARG);
    axpy.x = x;
    axpy.n = INT64_MAX / 8; /* more blocks than a grid has */
    assert_int_equal(ops->axpy(run->dev, &axpy), K_EARG);
    axpy.y = NULL;
    assert_int_equal(ops->scale(run->dev, &axpy), K_EARG);
    axpy.type = (k_type)0;
    assert_int_equal(ops->axpy(run->dev, &axpy), K_ETYPE);
    assert_int_equal(ops->scale(run->dev, &axpy), K_ETYPE);
    k_cast cast = { K_F32, K_F64, 8, x, x };
    assert_int_equal(ops->cast(run->dev, &cast), K_ETYPE);
    cast.y_type = K_BF16;
    cast.n = -1;
    assert_int_equal(ops->cast(run->dev, &cast), K_EARG);
    cast.n = 0;
    assert_int_equal(ops->cast(run->dev, &cast), K_OK);
    k_copy_rows rows = {
        .type = K_F32, .rows = 2, .n = 8, .x_stride = 7, .y_stride = 8, .x = x, .y = x
    };
    assert_int_equal(ops->copy_rows(run->dev, &rows), K_EARG);
    rows.x_stride = 8;
    rows.rows = -1;
    assert_int_equal(ops->copy_rows(run->dev, &rows), K_EARG);
    rows.rows = INT64_MAX / 64;
    rows.y = x + 32;
    assert_int_equal(ops->copy_rows(run->dev, &rows), K_EARG);
    rows.rows = 0;
    assert_int_equal(ops->copy_rows(run->dev, &rows), K_OK);
    assert_int_equal(ops->sum_squares(run->dev, K_F64, 8, x, &sum), K_ETYPE);
    assert_int_equal(ops->sum_squares(run->dev, K_F32, -1, x, &sum), K_EARG);
    assert_int_equal(ops->sum_squares(run->dev, K_F32, 8, NULL, &sum), K_EARG);
    if (ops->record && ops->record(run->dev) == K_OK) {
        k_recording *none = NULL;
        if (ops->sum_squares(run->dev, K_F32, 8, x, &sum) != K_EARG)
            fail_msg("NUMBERS a sum is asked for within a recording, and not refused");
        assert_int_equal(ops->recorded(run->dev, &none), K_EDEVICE);
        assert_null(none);
    }
    double *after = run_fetch(run, x, 64, K_F32);
    assert_memory_equal(after, before, 64 * sizeof(double));
    free(before);
    free(after);
}

const cuda_case array_cases[] = {
    { "elements", elements, 10, IN_BOTH },
    { "casts", casts, 8, 1 << K_F32 },
    { "cast_bits", cast_bits, 1, 0 },
    { "rows", rows, 24, IN_BOTH },
    { "rows_often", rows_often, 10, IN_BOTH },
    { "squares", squares, 8, IN_BOTH },
    { "squares_many", squares_many, 1, 1 << K_BF16 },
    { "squares_bits", squares_bits, 2, 0 },
    { "refusals", refusals, 1, 0 },
    { 0 },
};
