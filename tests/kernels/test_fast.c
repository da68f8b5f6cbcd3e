/* test_fast.c -- the CPU backend against the scalar reference: arrays, norm, rope, MLP, embedding,
 * optimizer. SPDX-License-Identifier: Apache-2.0 */
#include "fast.h"
#include "kernels/cpu/fast/cpu.h"

/* A table says which level it is: by that the other tests leave out those that are not here. */
static void names(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        assert_int_equal(k_level_of_name(levels[l]), l);
        assert_int_equal(dev != NULL, k_level_is_here((k_level)l));
        k_device_close(dev);
    }
}

static void arrays_case(k_device *dev, outputs *out)
{
    const int64_t n = size_of(out, 9000);
    k_add add = { .type = out->type, .n = n, .a = input(out, n, 1), .b = input(out, n, 1) };
    add.y = room(out, "add", n);
    assert_int_equal(dev->ops->add(dev, &add), K_OK);
    k_axpy axpy = { .type = out->type,
                    .n = n,
                    .alpha = 0.7,
                    .x = add.a,
                    .y = sum_room(out, "axpy", n, out->type) };
    assert_int_equal(dev->ops->axpy(dev, &axpy), K_OK);
    k_axpy scale = {
        .type = out->type, .n = n, .alpha = -1.3, .y = sum_room(out, "scale", n, out->type)
    };
    assert_int_equal(dev->ops->scale(dev, &scale), K_OK);
    const k_type other = out->type == K_F32 ? K_BF16 : K_F32;
    k_cast cast = { .x_type = out->type,
                    .y_type = other,
                    .n = n,
                    .x = add.a,
                    .y = room_of(out, "cast", n, other) };
    assert_int_equal(dev->ops->cast(dev, &cast), K_OK);
    double *sum = room_of(out, "sum_squares", 1, K_F64);
    assert_int_equal(dev->ops->sum_squares(dev, out->type, n, add.a, sum), K_OK);
}

static void arrays(void **state)
{
    (void)state;
    check_case(arrays_case, 8);
}

static void copy_rows_case(k_device *dev, outputs *out)
{
    const int64_t rows = size_of(out, 300), n = size_of(out, 100), x_rows = size_of(out, 300);
    int32_t *to = piece(out->arena, (size_t)rows, sizeof *to);
    for (int64_t r = 0; r < rows; r++)
        to[r] = (int32_t)(rows - 1 - r);
    k_copy_rows a = {
        .type = out->type, .rows = rows, .n = n, .x_stride = n + 3, .y_stride = n + 1, .y_rows = to
    };
    a.x = input(out, x_rows * (n + 3), 1);
    a.x_rows = indices(out, rows, x_rows);
    a.y = sum_room(out, "copy_rows", rows * (n + 1), out->type);
    assert_int_equal(dev->ops->copy_rows(dev, &a), K_OK);
    a.accumulate = true;
    a.y_rows = indices(out, rows, 1 + rows / 3); /* some often, some not at all */
    a.y = sum_room(out, "copy_rows that add", rows * (n + 1), out->type);
    assert_int_equal(dev->ops->copy_rows(dev, &a), K_OK);
}

static void copy_rows(void **state)
{
    (void)state;
    check_case(copy_rows_case, 10);
}

/* A NaN, infinities, the ends of the range and ties round as the reference rounds them. */
static void cast_of_odd_numbers(void **state)
{
    (void)state;
    const uint32_t bits[] = { 0x7fc00000, 0x7f800001, 0xff800001, 0x7f800000, 0xff800000,
                              0x7f7fffff, 0x00000001, 0x3f808000, 0x3f818000, 0x3f807fff,
                              0x80000000, 0x007fffff, 0x3f80ffff, 0xbf808001 };
    enum { N = sizeof bits / sizeof *bits };
    k_device *reference = device_of("naive-f32");
    uint16_t want[N], got[N];
    k_cast a = { .x_type = K_F32, .y_type = K_BF16, .n = N, .x = bits, .y = want };
    assert_int_equal(reference->ops->cast(reference, &a), K_OK);
    k_device_close(reference);
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        if (!dev)
            continue;
        a.y = got;
        assert_int_equal(dev->ops->cast(dev, &a), K_OK);
        assert_memory_equal(got, want, sizeof want);
        k_device_close(dev);
    }
}

static void norm_case(k_device *dev, outputs *out)
{
    const bool is_heads = as_rng_below(&out->rng, 2),
               has_residual = !is_heads && as_rng_below(&out->rng, 2);
    const int64_t per_token = is_heads ? size_of(out, 6) : 1, rows = size_of(out, 90) * per_token;
    const int64_t n = size_of(out, 300), stride = is_heads ? (per_token + 2) * n : n,
                  size = rows / per_token * stride;
    k_rmsnorm a = {
        .type = out->type, .rows = rows, .n = n, .per_token = per_token, .x_stride = stride
    };
    a.y_stride = stride;
    a.eps = 1e-5;
    a.x = input(out, size, 1);
    a.weight = input(out, n, 2);
    a.y = sum_room(out, "y", size, out->type); /* between the heads nothing may change */
    a.rstd = room_of(out, "rstd", rows, K_F32);
    if (has_residual)
        a.residual = sum_room(out, "residual", size, out->type);
    assert_int_equal(dev->ops->rmsnorm(dev, &a), K_OK);

    k_rmsnorm_bwd b = {
        .type = out->type, .rows = rows, .n = n, .per_token = per_token, .x_stride = stride
    };
    b.dy_stride = b.dx_stride = stride;
    b.x = a.x;
    b.weight = a.weight;
    b.dy = input(out, size, 1);
    float *rstd = input_of(out, rows, 1, K_F32);
    for (int64_t r = 0; r < rows; r++)
        rstd[r] = 1.5f + rstd[r];
    b.rstd = rstd;
    if (!is_heads && as_rng_below(&out->rng, 2))
        b.dresidual = input(out, size, 1);
    b.dx = sum_room(out, "dx", size, out->type);
    b.dw = sum_room(out, "dw", n, K_F32);
    if (!is_heads && as_rng_below(&out->rng, 2)) { /* in place */
        memcpy(b.dx, b.dy, (size_t)size * k_type_size(out->type));
        b.dy = b.dx;
    }
    assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_OK);
}

static void norm(void **state)
{
    (void)state;
    check_case(norm_case, 12);
}

static void rope_case(k_device *dev, outputs *out)
{
    const int64_t tokens = size_of(out, 200), heads = size_of(out, 9), dim = 2 * size_of(out, 50),
                  max_pos = 40;
    k_rope a = {
        .type = out->type, .tokens = tokens, .heads = heads, .head_dim = dim, .max_pos = max_pos
    };
    a.stride = (heads + 1) * dim;
    a.positions = indices(out, tokens, max_pos);
    a.cos = input_of(out, max_pos * dim / 2, 1, K_F32);
    a.sin = input_of(out, max_pos * dim / 2, 1, K_F32);
    a.x = sum_room(out, "x", tokens * a.stride, out->type);
    assert_int_equal(dev->ops->rope(dev, &a), K_OK);
    a.inverse = true;
    a.x = sum_room(out, "x, inverse", tokens * a.stride, out->type);
    assert_int_equal(dev->ops->rope(dev, &a), K_OK);
}

static void rope(void **state)
{
    (void)state;
    check_case(rope_case, 10);
}

static void swiglu_case(k_device *dev, outputs *out)
{
    const int64_t tokens = size_of(out, 60), f = size_of(out, 150);
    k_swiglu a = {
        .type = out->type, .tokens = tokens, .f = f, .gate_up = input(out, 2 * tokens * f, 8)
    };
    a.y = room(out, "y", tokens * f);
    assert_int_equal(dev->ops->swiglu(dev, &a), K_OK);
    k_swiglu_bwd b = { .type = out->type, .tokens = tokens, .f = f, .gate_up = a.gate_up };
    b.dy = input(out, tokens * f, 1);
    b.dgate_up = room(out, "dgate_up", 2 * tokens * f);
    assert_int_equal(dev->ops->swiglu_bwd(dev, &b), K_OK);
}

static void swiglu(void **state)
{
    (void)state;
    check_case(swiglu_case, 12);
}

static void embed_case(k_device *dev, outputs *out)
{
    const int64_t tokens = size_of(out, 300), d = size_of(out, 100), vocab = size_of(out, 50);
    k_embed a = { .type = out->type, .tokens = tokens, .d = d, .vocab = vocab };
    a.ids = indices(out, tokens, vocab);
    a.table = input(out, vocab * d, 1);
    a.y = room(out, "y", tokens * d);
    assert_int_equal(dev->ops->embed(dev, &a), K_OK);
    a.y_type = K_F32;
    a.y = room_of(out, "in float", tokens * d, K_F32);
    assert_int_equal(dev->ops->embed(dev, &a), K_OK);
    k_embed_bwd b = { .type = out->type, .tokens = tokens, .d = d, .vocab = vocab, .ids = a.ids };
    b.dy = input(out, tokens * d, 1);
    b.dtable = sum_room(out, "dtable", vocab * d, K_F32);
    assert_int_equal(dev->ops->embed_bwd(dev, &b), K_OK);
}

static void embed(void **state)
{
    (void)state;
    check_case(embed_case, 10);
}

static void adamw_case(k_device *dev, outputs *out)
{
    const int64_t n = size_of(out, 6000);
    k_adamw a = { .real = K_F32,
                  .n = n,
                  .step = 1 + (int64_t)as_rng_below(&out->rng, 3000),
                  .lr = 1e-2,
                  .beta1 = 0.9 };
    a.beta2 = 0.95;
    a.eps = 1e-8;
    a.weight_decay = 0.1;
    a.grad_scale = 0.5;
    a.grad = input_of(out, n, 1, K_F32);
    a.master = sum_room(out, "master", n, K_F32);
    a.m = sum_room(out, "m", n, K_F32);
    float *v = sum_room(out, "v", n, K_F32);
    for (int64_t i = 0; i < n; i++)
        v[i] = v[i] * v[i];
    a.v = v;
    a.copy = room(out, "copy", n);
    a.copy_type = out->type;
    assert_int_equal(dev->ops->adamw(dev, &a), K_OK);
}

static void adamw(void **state)
{
    (void)state;
    check_case(adamw_case, 8);
}

/* silu(g) = exp and an inverse, g from -120 to 120: the vector exp within 3 ulp or so everywhere;
 * an inverse below 2^-126 may be 0. */
static void exp_by_silu(void **state)
{
    (void)state;
    enum { N = 10000, HALF = N / 2, N2 = N * 2 };
    as_arena arena;
    as_arena_init(&arena, 0);
    float *gate_up = piece(&arena, N2, sizeof *gate_up), *y = piece(&arena, N, sizeof *y);
    for (int i = 0; i < N; i++) {
        gate_up[i] = (float)(i - HALF) * (120.0f / (float)HALF);
        gate_up[N + i] = 1;
    }
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        if (!dev)
            continue;
        const k_swiglu a = { .type = K_F32, .tokens = 1, .f = N, .gate_up = gate_up, .y = y };
        assert_int_equal(dev->ops->swiglu(dev, &a), K_OK);
        for (int i = 0; i < N; i++) {
            const double g = (double)gate_up[i], want = g / (1 + exp(-g));
            if (!(fabs((double)y[i] - want) <= 4e-7 * fabs(want) + fabs(g) * 0x1p-126))
                fail_msg("%s: silu(%g) = %.9g, expected %.9g", levels[l], g, (double)y[i], want);
        }
        float some[2 * 20] = { NAN, INFINITY, -88, NAN }, of_some[20];
        const k_swiglu b = { .type = K_F32, .tokens = 1, .f = 20, .gate_up = some, .y = of_some };
        for (int i = 20; i < 40; i++)
            some[i] = 1;
        assert_int_equal(dev->ops->swiglu(dev, &b), K_OK);
        assert_true(isnan(of_some[0]) && isnan(of_some[3]));
        assert_true(isinf(of_some[1]) && fabsf(of_some[2]) < 1e-35F && of_some[4] == 0);
        k_device_close(dev);
    }
    as_arena_fini(&arena);
}

/* ---- lanes: pieces of an operation, each issued on a lane of its own ---- */

typedef struct in_pieces {
    const float *gate_up;
    float *y;
    int64_t rows, f;
    int n, status[8], times[8];
} in_pieces;

static void piece_in_lane(void *ctx, int i, k_device *lane)
{
    in_pieces *w = ctx;
    const int64_t begin = w->rows * i / w->n, end = w->rows * (i + 1) / w->n;
    const k_swiglu a = { .type = K_F32,
                         .tokens = end - begin,
                         .f = w->f,
                         .gate_up = w->gate_up + begin * 2 * w->f,
                         .y = w->y + begin * w->f };
    w->status[i] = lane->ops->swiglu(lane, &a);
    w->times[i]++;
}

static void lanes_case(k_device *dev, outputs *out)
{
    in_pieces w = { .rows = size_of(out, 40), .f = size_of(out, 300) };
    w.n = 1 + (int)as_rng_below(&out->rng, 8);
    w.gate_up = input_of(out, w.rows * 2 * w.f, 2, K_F32);
    w.y = room_of(out, "y", w.rows * w.f, K_F32);
    assert_true(dev->ops->n_lanes(dev) >= 1);
    assert_int_equal(dev->ops->in_lanes(dev, w.n, piece_in_lane, &w), K_OK);
    for (int i = 0; i < w.n; i++) {
        assert_int_equal(w.status[i], K_OK);
        assert_int_equal(w.times[i], 1);
    }
}

static void lanes(void **state)
{
    (void)state;
    check_case(lanes_case, 20);
    k_device *two = device_at("scalar", 2);
    assert_int_equal(two->ops->n_lanes(two), 2);
    k_device_close(two);
}

static void refused(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        if (!dev)
            continue;
        float x[4] = { 0 };
        int32_t id = 4;
        assert_int_equal(
            dev->ops->add(dev, &(k_add){ .type = K_F64, .n = 4, .a = x, .b = x, .y = x }), K_ETYPE);
        assert_int_equal(
            dev->ops->add(dev, &(k_add){ .type = K_F32, .n = -1, .a = x, .b = x, .y = x }), K_EARG);
        assert_int_equal(dev->ops->add(dev, &(k_add){ .type = K_F32, .n = 4, .a = x, .y = x }),
                         K_EARG);
        assert_int_equal(dev->ops->add(dev, &(k_add){ .type = K_F32, .a = x, .b = x, .y = x }),
                         K_OK);
        k_embed e = {
            .type = K_F32, .tokens = 1, .d = 1, .vocab = 4, .ids = &id, .table = x, .y = x
        };
        assert_int_equal(dev->ops->embed(dev, &e), K_EINDEX);
        k_device_close(dev);
    }
    k_device *dev;
    const k_options unknown = { .isa = "mmx" };
    assert_int_equal(k_device_open(&dev, "cpu", &unknown), K_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),     cmocka_unit_test(arrays),
        cmocka_unit_test(copy_rows), cmocka_unit_test(cast_of_odd_numbers),
        cmocka_unit_test(norm),      cmocka_unit_test(rope),
        cmocka_unit_test(swiglu),    cmocka_unit_test(embed),
        cmocka_unit_test(adamw),     cmocka_unit_test(exp_by_silu),
        cmocka_unit_test(lanes),     cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
