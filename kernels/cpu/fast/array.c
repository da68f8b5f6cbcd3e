/* array.c -- flat arrays x[n], and rows of them: add, axpy, scale, cast, copy_rows, sum_squares.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"

#define LEAST 16384 /* numbers worth a part */

ALWAYS void add_some(k_type type, const k_add *a, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_write(type, a->y, i, end, v_read(type, a->a, i, end) + v_read(type, a->b, i, end));
}

static void add_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_add *a = arg;
    BY_TYPE(a->type, add_some, a, begin, end);
}

int OP(add)(k_device *dev, const k_add *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->a || !a->b || !a->y || a->n < 0)
        return K_EARG;
    k_fast_rows(fast_of(dev), a->n, LEAST, add_part, a);
    return K_OK;
}

ALWAYS void axpy_some(k_type type, const k_axpy *a, int64_t begin, int64_t end)
{
    const vf alpha = v_set((float)a->alpha);
    for (int64_t i = begin; i < end; i += VL)
        v_write(type, a->y, i, end,
                v_fma(alpha, v_read(type, a->x, i, end), v_read(type, a->y, i, end)));
}

static void axpy_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_axpy *a = arg;
    BY_TYPE(a->type, axpy_some, a, begin, end);
}

int OP(axpy)(k_device *dev, const k_axpy *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->x || !a->y || a->n < 0)
        return K_EARG;
    k_fast_rows(fast_of(dev), a->n, LEAST, axpy_part, a);
    return K_OK;
}

ALWAYS void scale_some(k_type type, const k_axpy *a, int64_t begin, int64_t end)
{
    const vf alpha = v_set((float)a->alpha);
    for (int64_t i = begin; i < end; i += VL)
        v_write(type, a->y, i, end, alpha * v_read(type, a->y, i, end));
}

static void scale_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_axpy *a = arg;
    BY_TYPE(a->type, scale_some, a, begin, end);
}

int OP(scale)(k_device *dev, const k_axpy *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->y || a->n < 0)
        return K_EARG;
    k_fast_rows(fast_of(dev), a->n, LEAST, scale_part, a);
    return K_OK;
}

ALWAYS void cast_some(k_type x_type, k_type y_type, const k_cast *a, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i += VL)
        v_write(y_type, a->y, i, end, v_read(x_type, a->x, i, end));
}

static void cast_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_cast *a = arg;
    if (a->x_type == K_F32)
        cast_some(K_F32, K_BF16, a, begin, end);
    else
        cast_some(K_BF16, K_F32, a, begin, end);
}

static void copy_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_cast *a = arg;
    memcpy(at_mut(a->y_type, a->y, begin), at(a->x_type, a->x, begin),
           (size_t)(end - begin) * k_type_size(a->x_type));
}

int OP(cast)(k_device *dev, const k_cast *a)
{
    if (!is_known(a->x_type) || !is_known(a->y_type))
        return K_ETYPE;
    if (!a->x || !a->y || a->n < 0)
        return K_EARG;
    k_fast_rows(fast_of(dev), a->n, LEAST, a->x_type == a->y_type ? copy_part : cast_part, a);
    return K_OK;
}

static void copy_rows_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_copy_rows *a = arg;
    for (int64_t r = begin; r < end; r++) {
        const int64_t from = a->x_rows ? a->x_rows[r] : r, to = a->y_rows ? a->y_rows[r] : r;
        memcpy(at_mut(a->type, a->y, to * a->y_stride), at(a->type, a->x, from * a->x_stride),
               (size_t)a->n * k_type_size(a->type));
    }
}

ALWAYS void add_rows_some(k_type type, const k_copy_rows *a, int64_t begin, int64_t end)
{
    for (int64_t r = 0; r < a->rows; r++) {
        const int64_t from = (a->x_rows ? a->x_rows[r] : r) * a->x_stride,
                      to = (a->y_rows ? a->y_rows[r] : r) * a->y_stride;
        for (int64_t i = begin; i < end; i += VL)
            v_write(type, a->y, to + i, to + end,
                    v_read(type, a->y, to + i, to + end) +
                        v_read(type, a->x, from + i, from + end));
    }
}

/* Numbers begin .. end-1 of all rows: those of one row of y are added by one thread, in order. */
static void add_rows_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_copy_rows *a = arg;
    BY_TYPE(a->type, add_rows_some, a, begin, end);
}

int OP(copy_rows)(k_device *dev, const k_copy_rows *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->x || !a->y || a->rows < 0 || a->n < 0 || a->x_stride < a->n || a->y_stride < a->n)
        return K_EARG;
    if ((a->x_rows && !indices_ok(a->x_rows, a->rows, INT64_MAX)) ||
        (a->y_rows && !indices_ok(a->y_rows, a->rows, INT64_MAX)))
        return K_EINDEX;
    if (a->accumulate && a->rows > 0)
        k_fast_rows(fast_of(dev), a->n, 1 + LEAST / a->rows, add_rows_part, a);
    else if (a->n > 0)
        k_fast_rows(fast_of(dev), a->rows, 1 + LEAST / a->n, copy_rows_part, a);
    return K_OK;
}

/* ---- sum of squares: in double, chunk by chunk
 * -------------------------------------------------------------------- */

#define CHUNK 4096
typedef double vd
    __attribute__((vector_size(4 * VL))); /* as many bytes as a vf, half the numbers */
typedef float half_vf __attribute__((vector_size(2 * VL)));

typedef struct squares {
    k_type type;
    int64_t n;
    const void *x;
    double *of_chunk;
} squares;

ALWAYS double chunk_squares(k_type type, const void *x, int64_t begin, int64_t end)
{
    vd low = { 0 }, high = { 0 };
    for (int64_t i = begin; i < end; i += VL) {
        const vf v = v_read(type, x, i, end);
        half_vf half[2];
        memcpy(half, &v, sizeof half);
        const vd a = __builtin_convertvector(half[0], vd), b = __builtin_convertvector(half[1], vd);
        low += a * a;
        high += b * b;
    }
    low += high;
    double sum = 0;
    for (int i = 0; i < VL / 2; i++)
        sum += low[i];
    return sum;
}

static void squares_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const squares *s = arg;
    for (int64_t c = begin; c < end; c++) {
        const int64_t last = (c + 1) * CHUNK < s->n ? (c + 1) * CHUNK : s->n;
        s->of_chunk[c] = BY_TYPE(s->type, chunk_squares, s->x, c * CHUNK, last);
    }
}

int OP(sum_squares)(k_device *dev, k_type type, int64_t n, const void *x, double *out)
{
    fast_device *fast = fast_of(dev);
    if (!is_known(type))
        return K_ETYPE;
    if (!x || !out || n < 0)
        return K_EARG;
    const int64_t n_chunks = (n + CHUNK - 1) / CHUNK;
    if (k_fast_reserve(fast, (size_t)n_chunks * sizeof(double)) != K_OK)
        return K_ENOMEM;
    const squares s = { .type = type, .n = n, .x = x, .of_chunk = k_fast_scratch(fast, 0) };
    k_fast_rows(fast, n_chunks, LEAST / CHUNK, squares_part, &s);
    double total = 0;
    for (int64_t c = 0; c < n_chunks; c++)
        total += s.of_chunk[c];
    *out = total;
    return K_OK;
}
