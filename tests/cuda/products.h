/* products.h -- the three matrix products of a shape, and what a row of them must not depend on;
 * for gemm_cases.c and gemm_f32_cases.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PRODUCTS_H
#define PRODUCTS_H
#include "cases.h"

/* offset: of x, w and dy in numbers from an address that 16 bytes may be loaded from; y_offset: of
 * what is written. */
typedef struct product_shape {
    int64_t m, n, k, offset, y_offset;
} product_shape;

static inline void *numbers_after(void *p, int64_t n, k_type type)
{
    return (char *)p + (size_t)n * k_type_size(type);
}

static inline void *product_input(cuda_run *run, int64_t n, int64_t offset)
{
    return numbers_after(run_input(run, n + offset, 1), offset, run->type);
}

/* Room for n numbers: NaN, or where something is added to them or stands before them, others. */
static inline void *product_room(cuda_run *run, const char *name, int64_t n, k_type type,
                                 bool accumulate, int64_t offset)
{
    if (!accumulate && offset == 0)
        return run_room_of(run, name, n, type, 0);
    return numbers_after(run_sum_room(run, name, n + offset, type), offset, type);
}

static inline void product_nt(cuda_run *run, product_shape s, k_type y_type)
{
    k_gemm a = { .type = run->type, .y_type = y_type, .m = s.m, .n = s.n, .k = s.k };
    a.x_type = run_below(run, 2) ? run->type : 0;
    a.x = product_input(run, s.m * s.k, s.offset);
    a.w = product_input(run, s.n * s.k, s.offset);
    a.bias = run_below(run, 2) ? run_input(run, s.n, 1) : NULL;
    a.accumulate = run_below(run, 2);
    a.y = product_room(run, "y", s.m * s.n, y_type, a.accumulate, s.y_offset);
    run_ok(run->dev->ops->gemm_nt(run->dev, &a));
}

static inline void product_nn(cuda_run *run, product_shape s)
{
    k_gemm_dx a = { .type = run->type, .m = s.m, .n = s.n, .k = s.k };
    a.dy = product_input(run, s.m * s.n, s.offset);
    a.w = product_input(run, s.n * s.k, s.offset);
    a.accumulate = run_below(run, 2);
    a.dx = product_room(run, "dx", s.m * s.k, run->type, a.accumulate, s.y_offset);
    run_ok(run->dev->ops->gemm_nn(run->dev, &a));
}

static inline void product_tn(cuda_run *run, product_shape s)
{
    k_gemm_dw a = { .type = run->type, .m = s.m, .n = s.n, .k = s.k };
    a.dy = product_input(run, s.m * s.n, s.offset);
    a.x = product_input(run, s.m * s.k, s.offset);
    a.dw = product_room(run, "dw", s.n * s.k, K_F32, true, s.y_offset);
    a.dbias = run_below(run, 4) ? run_sum_room(run, "dbias", s.n, K_F32) : NULL;
    run_ok(run->dev->ops->gemm_tn(run->dev, &a));
}

/* ---- the same bits --------------------------------------------------------------------------- */

/* Rows first .. first + m - 1 of what `all` has in its result, from rows of its left operand: in a
 * call of their own, that operand (`from`, on the host) at an offset. */
static inline void same_rows(cuda_run *run, const char *name, const void *all, const void *alone,
                             int64_t first, int64_t m, int64_t n, k_type type)
{
    const size_t row = (size_t)n * k_type_size(type);
    char *want = run_bytes(run, (const char *)all + (size_t)first * row, (size_t)m * row);
    char *is = run_bytes(run, alone, (size_t)m * row);
    for (int64_t r = 0; r < m; r++)
        if (memcmp(is + (size_t)r * row, want + (size_t)r * row, row) != 0)
            fail_msg("NUMBERS %s: row %d has other bits in a call of %d rows", name,
                     (int)(first + r), (int)m);
    free(want);
    free(is);
}

static const struct {
    int64_t first, m, offset;
} parts[] = { { 299, 1, 0 }, { 0, 1, 1 }, { 131, 17, 0 }, { 64, 70, 0 }, { 130, 2, 3 } };
enum { ALL_ROWS = 300, N_PARTS = sizeof parts / sizeof parts[0] };

static inline void *left_part(cuda_run *run, const void *left, size_t i, int64_t width)
{
    const size_t size = k_type_size(run->type);
    const size_t before = (size_t)parts[i].offset * size;
    const size_t bytes = (size_t)(parts[i].m * width) * size;
    char *host = calloc(before + bytes + 1, 1);
    assert_non_null(host);
    assert_int_equal(run->dev->ops->copy_from(
                         run->dev, host + before,
                         (const char *)left + (size_t)(parts[i].first * width) * size, bytes),
                     K_OK);
    char *p = run_given(run, host, before + bytes);
    free(host);
    return p + before;
}

/* Rows of y alone, among some, among all: each way they lie in other tiles. */
static inline void product_nt_rows(cuda_run *run, int64_t n, int64_t k)
{
    k_gemm all = { .type = run->type, .y_type = K_F32, .m = ALL_ROWS, .n = n, .k = k };
    all.x = run_input(run, ALL_ROWS * k, 1);
    all.w = run_input(run, n * k, 1);
    all.bias = run_input(run, n, 1);
    all.y = run_alloc(run, (size_t)(ALL_ROWS * n) * sizeof(float));
    run_ok(run->dev->ops->gemm_nt(run->dev, &all));
    for (size_t i = 0; i < N_PARTS; i++) {
        k_gemm some = all;
        some.m = parts[i].m;
        some.x = left_part(run, all.x, i, k);
        some.y = run_alloc(run, (size_t)(some.m * n) * sizeof(float));
        run_ok(run->dev->ops->gemm_nt(run->dev, &some));
        same_rows(run, "y", all.y, some.y, parts[i].first, some.m, n, K_F32);
    }
}

static inline void product_nn_rows(cuda_run *run, int64_t n, int64_t k)
{
    const size_t size = k_type_size(run->type);
    k_gemm_dx all = { .type = run->type, .m = ALL_ROWS, .n = n, .k = k };
    all.dy = run_input(run, ALL_ROWS * n, 1);
    all.w = run_input(run, n * k, 1);
    all.dx = run_alloc(run, (size_t)(ALL_ROWS * k) * size);
    run_ok(run->dev->ops->gemm_nn(run->dev, &all));
    for (size_t i = 0; i < N_PARTS; i++) {
        k_gemm_dx some = all;
        some.m = parts[i].m;
        some.dy = left_part(run, all.dy, i, n);
        some.dx = run_alloc(run, (size_t)(some.m * k) * size);
        run_ok(run->dev->ops->gemm_nn(run->dev, &some));
        same_rows(run, "dx", all.dx, some.dx, parts[i].first, some.m, k, run->type);
    }
}
#endif
