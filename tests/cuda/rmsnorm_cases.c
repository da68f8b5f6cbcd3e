/* rmsnorm_cases.c -- see rmsnorm_cases.h. The reference is given the same numbers: naive-f64 for
 * K_F32, and naive-f32 for K_BF16, which rounds where the operation says.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "rmsnorm_cases.h"

#include "numbers.h"

enum { MAX_NUMBERS = 24000 };
#define EPS 0.01 /* large enough to be seen */

typedef struct shape {
    int64_t tokens, per_token, n, gap; /* gap: numbers between the rows of tokens */
    bool has_residual, is_in_place;
} shape;

/* ---- arrays of a device, written and read as double
 * ---------------------------------------------- */
typedef struct array {
    k_device *dev;
    k_type type;
    size_t n;
    void *p;
} array;

/* values NULL: never written. offset: numbers between an aligned address and the first of the
 * array. */
static array make(k_device *dev, k_type type, const double *values, size_t n, size_t offset)
{
    static uint64_t host[MAX_NUMBERS];
    const size_t size = k_type_size(type);
    assert_true(n + offset <= MAX_NUMBERS);
    array a = { dev, type, n, dev->ops->alloc(dev, (n + offset) * size) };
    assert_non_null(a.p);
    a.p = (char *)a.p + offset * size;
    for (size_t i = 0; values && i < n; i++)
        put_number(host, type, i, values[i]);
    if (values)
        assert_int_equal(dev->ops->copy_to(dev, a.p, host, n * size), K_OK);
    return a;
}

static void read_back(const array *a, double *out)
{
    static uint64_t host[MAX_NUMBERS];
    assert_int_equal(a->dev->ops->copy_from(a->dev, host, a->p, a->n * k_type_size(a->type)), K_OK);
    for (size_t i = 0; i < a->n; i++)
        out[i] = number_at(host, a->type, i);
}

static void drop(array *a, size_t offset)
{
    if (a->p)
        a->dev->ops->free(a->dev, (char *)a->p - offset * k_type_size(a->type));
}

/* ---- one shape
 * ------------------------------------------------------------------------------------ */
/* What both sides are given, and what they make of it. */
typedef struct numbers {
    double x[MAX_NUMBERS], residual[MAX_NUMBERS], w[MAX_NUMBERS], dy[MAX_NUMBERS];
    double dresidual[MAX_NUMBERS], dw[MAX_NUMBERS];
} numbers;
typedef struct results {
    double y[MAX_NUMBERS], residual[MAX_NUMBERS], rstd[MAX_NUMBERS], dx[MAX_NUMBERS];
    double dw[MAX_NUMBERS];
} results;

static int64_t stride_of(const shape *s)
{
    return s->per_token * s->n + s->gap;
}

static size_t size_of(const shape *s)
{
    return (size_t)(s->tokens * stride_of(s));
}

static void forward(k_device *dev, k_type type, const shape *s, const numbers *in, results *out,
                    size_t offset)
{
    const size_t size = size_of(s);
    const size_t rows = (size_t)(s->tokens * s->per_token);
    array x = make(dev, type, in->x, size, offset);
    array w = make(dev, type, in->w, (size_t)s->n, offset);
    array residual = { 0 };
    if (s->has_residual)
        residual = make(dev, type, in->residual, size, offset);
    /* what lies between the rows must stay as it is */
    array y = s->is_in_place ? x : make(dev, type, s->gap ? in->x : NULL, size, offset);
    array rstd = make(dev, k_real_type(type), NULL, rows, 0);
    const k_rmsnorm a = { type, (int64_t)rows, s->n,       s->per_token, stride_of(s), stride_of(s),
                          EPS,  x.p,           residual.p, w.p,          y.p,          rstd.p };
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_OK);
    assert_int_equal(dev->ops->sync(dev), K_OK);
    read_back(&y, out->y);
    read_back(&rstd, out->rstd);
    if (s->has_residual)
        read_back(&residual, out->residual);
    drop(&x, offset);
    drop(&w, offset);
    drop(&residual, offset);
    if (!s->is_in_place)
        drop(&y, offset);
    drop(&rstd, 0);
}

static void backward(k_device *dev, k_type type, const shape *s, const numbers *in,
                     const double *rstds, results *out, size_t offset)
{
    const size_t size = size_of(s);
    const size_t rows = (size_t)(s->tokens * s->per_token);
    array x = make(dev, type, in->x, size, offset);
    array dy = make(dev, type, in->dy, size, offset);
    array w = make(dev, type, in->w, (size_t)s->n, offset);
    array rstd = make(dev, k_real_type(type), rstds, rows, 0);
    array dw = make(dev, k_real_type(type), in->dw, (size_t)s->n, 0);
    array dresidual = { 0 };
    if (s->has_residual)
        dresidual = make(dev, type, in->dresidual, size, offset);
    array dx = s->is_in_place && s->has_residual ? dresidual
               : s->is_in_place                  ? dy
                                : make(dev, type, s->gap ? in->dy : NULL, size, offset);
    const k_rmsnorm_bwd a = {
        .type = type,
        .rows = (int64_t)rows,
        .n = s->n,
        .per_token = s->per_token,
        .x_stride = stride_of(s),
        .dy_stride = stride_of(s),
        .dx_stride = stride_of(s),
        .dy = dy.p,
        .x = x.p,
        .weight = w.p,
        .rstd = rstd.p,
        .dresidual = dresidual.p,
        .dx = dx.p,
        .dw = dw.p,
    };
    assert_int_equal(dev->ops->rmsnorm_bwd(dev, &a), K_OK);
    assert_int_equal(dev->ops->sync(dev), K_OK);
    read_back(&dx, out->dx);
    read_back(&dw, out->dw);
    drop(&x, offset);
    drop(&dy, offset);
    drop(&w, offset);
    drop(&rstd, 0);
    drop(&dw, 0);
    drop(&dresidual, offset);
    if (!s->is_in_place)
        drop(&dx, offset);
}

/* Each number within limit of what it should be, relative to it and to 1. */
static void compare(const char *what, const shape *s, const double *is, const double *want,
                    size_t n, double limit)
{
    double error = 0;
    for (size_t i = 0; i < n; i++)
        error = worse(error, is[i] / (1 + fabs(want[i])), want[i] / (1 + fabs(want[i])));
    char text[128];
    snprintf(text, sizeof text, "%s of %d x %d rows of %d%s%s", what, (int)s->tokens,
             (int)s->per_token, (int)s->n, s->has_residual ? ", residual" : "",
             s->is_in_place ? ", in place" : "");
    assert_close(text, error, limit);
}

/* Rounded in the same places: where both sides sum in f32, hardly a number is another one. */
static void compare_most(const char *what, const double *is, const double *want, size_t n)
{
    size_t n_other = 0;
    for (size_t i = 0; i < n; i++)
        n_other += is[i] != want[i];
    if (n_other > 1 + n / 100)
        fail_msg("NUMBERS %s: %zu of %zu are rounded another way", what, n_other, n);
}

static void one_shape(k_device *dev, k_device *reference, k_type type, const shape *s,
                      rmsnorm_check *check)
{
    static numbers in;
    static results is;
    static results want;
    const size_t size = size_of(s);
    double *arrays[] = { in.x, in.residual, in.w, in.dy, in.dresidual, in.dw };
    assert_true(size <= MAX_NUMBERS);
    for (size_t a = 0; a < 6; a++) /* as the type has them, so that both sides see the same */
        for (size_t i = 0; i < size; i++)
            arrays[a][i] = (double)k_bf16_to_float(k_bf16_of_float(2 * random_number()));
    const k_type reference_type = type == K_F32 ? K_F64 : type;
    const size_t rows = (size_t)(s->tokens * s->per_token);
    forward(reference, reference_type, s, &in, &want, 0);
    forward(dev, type, s, &in, &is, 0);
    check("forward");
    /* bf16: a sum in another order may round the other way, and the next product again */
    const double limit = type == K_F32 ? 2e-6 : 8e-3;
    compare("y", s, is.y, want.y, size, limit);
    if (type == K_BF16)
        compare_most("y", is.y, want.y, size);
    compare("rstd", s, is.rstd, want.rstd, rows, 2e-6);
    if (s->has_residual)
        compare("residual", s, is.residual, want.residual, size, type == K_F32 ? 1e-7 : 0);
    backward(reference, reference_type, s, &in, want.rstd, &want, 0);
    backward(dev, type, s, &in, want.rstd, &is, 0);
    check("backward");
    compare("dx", s, is.dx, want.dx, size, limit);
    compare("dw", s, is.dw, want.dw, (size_t)s->n, 4e-6);
}

static const shape shapes[] = {
    { 1, 1, 1, 0, false, false },   { 3, 1, 7, 0, true, false },    { 2, 1, 8, 0, true, true },
    { 9, 1, 33, 0, false, true },   { 5, 3, 16, 24, false, false }, { 3, 2, 10, 4, false, true },
    { 2, 1, 512, 0, true, false },  { 2, 1, 516, 0, true, true },   { 1, 1, 513, 0, false, false },
    { 2, 1, 1024, 0, true, false }, { 2, 1, 1032, 0, false, true }, { 1, 1, 1100, 0, true, false },
    { 1, 1, 8208, 0, true, false }, { 131, 1, 40, 0, true, false }, { 67, 2, 9, 3, false, false },
};

void rmsnorm_all_shapes(k_device *dev, rmsnorm_check *check)
{
    k_device *f64 = NULL;
    k_device *f32 = NULL;
    assert_int_equal(k_device_open(&f64, "naive-f64", NULL), K_OK);
    assert_int_equal(k_device_open(&f32, "naive-f32", NULL), K_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        one_shape(dev, f64, K_F32, &shapes[i], check);
        one_shape(dev, f32, K_BF16, &shapes[i], check);
    }
    k_device_close(f64);
    k_device_close(f32);
}

void rmsnorm_same_bits(k_device *dev, rmsnorm_check *check)
{
    static const k_type types[] = { K_F32, K_BF16 };
    static const int64_t sizes[] = { 24, 600, 1032, 8208 };
    static numbers in;
    static results all;
    static results one;
    for (size_t t = 0; t < 2; t++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            const size_t n = (size_t)sizes[k];
            const size_t rows = n < 1000 ? 9 : 2;
            const shape some = { (int64_t)rows, 1, sizes[k], 0, false, false };
            const shape alone = { 1, 1, sizes[k], 0, false, false };
            for (size_t i = 0; i < rows * n; i++) {
                in.x[i] = (double)random_number();
                in.dy[i] = (double)random_number();
                in.w[i % n] = (double)random_number();
                in.dw[i % n] = 0;
            }
            forward(dev, types[t], &some, &in, &all, 0);
            backward(dev, types[t], &some, &in, all.rstd, &all, 0);
            /* the last row, as the first and only one, at an address that no load of 16 bytes takes
             */
            memmove(in.x, in.x + (rows - 1) * n, n * sizeof in.x[0]);
            memmove(in.dy, in.dy + (rows - 1) * n, n * sizeof in.dy[0]);
            forward(dev, types[t], &alone, &in, &one, 1);
            backward(dev, types[t], &alone, &in, one.rstd, &one, 1);
            check("same bits");
            assert_memory_equal(one.rstd, all.rstd + rows - 1, sizeof one.rstd[0]);
            assert_memory_equal(one.y, all.y + (rows - 1) * n, n * sizeof one.y[0]);
            assert_memory_equal(one.dx, all.dx + (rows - 1) * n, n * sizeof one.dx[0]);
        }
}

void rmsnorm_refusals(k_device *dev)
{
    double ones[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    array x = make(dev, K_F32, ones, 8, 0);
    const k_rmsnorm good = { K_F32, 1, 8, 1, 8, 8, 1e-6, x.p, NULL, x.p, x.p, NULL };
    k_rmsnorm a = good;
    a.type = K_F64;
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_ETYPE);
    a = good;
    a.weight = NULL;
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_EARG);
    a = good;
    a.x_stride = 7;
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_EARG);
    a = good;
    a.per_token = INT64_MAX / 4; /* times n is more than there is */
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_EARG);
    a = good;
    a.rows = -1;
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_EARG);
    a = good;
    a.residual = x.p;
    a.per_token = 2;
    a.x_stride = a.y_stride = 16;
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_EARG);
    a = good;
    a.rows = 0;
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_OK);
    k_rmsnorm_bwd b = { .type = K_F32,
                        .rows = 1,
                        .n = 8,
                        .per_token = 1,
                        .x_stride = 8,
                        .dy_stride = 8,
                        .dx_stride = 8,
                        .dy = x.p,
                        .x = x.p,
                        .weight = x.p,
                        .rstd = NULL,
                        .dx = x.p };
    assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_EARG);
    b.rstd = x.p;
    b.rows = 0;
    assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_OK);
    b.type = K_F64;
    assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_ETYPE);
    double after[8];
    read_back(&x, after);
    assert_memory_equal(after, ones, sizeof ones);
    drop(&x, 0);
}
