/* adamw_cases.c -- the optimizer's step, with master weights and rounded by chance without: in
 * parts of an array that begin anywhere. The scalar reference does the same in the same order, so
 * the bits are the same. SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#define EXACT 1e-30

typedef struct part {
    int64_t n;
    size_t offset; /* numbers between a multiple of 64 bytes and the first */
} part;

static void *behind(void *p, k_type type, size_t offset)
{
    return (char *)p + offset * k_type_size(type);
}

static void *room(cuda_run *run, const char *name, part p, k_type type)
{
    void *r = run_sum_room(run, name, p.n + (int64_t)p.offset + 3, type);
    run->all[run->n - 1].tolerance = EXACT;
    return behind(r, type, p.offset);
}

/* v, which no number below 0 is in. */
static void *squares(cuda_run *run, part p)
{
    float *v = room(run, "v", p, K_F32);
    float *host = calloc((size_t)p.n + 1, sizeof *host);
    assert_non_null(host);
    for (int64_t i = 0; i < p.n; i++)
        host[i] = (float)(1 + run_number(run, 1));
    run_ok(run->dev->ops->copy_to(run->dev, v, host, (size_t)p.n * sizeof *host));
    free(host);
    return v;
}

static k_adamw step_of(cuda_run *run, part p)
{
    k_adamw a = { .real = K_F32,
                  .n = p.n,
                  .step = 1 + (int64_t)run_below(run, run->seed % 2 ? 4 : 3000),
                  .lr = 1e-2,
                  .beta1 = 0.9,
                  .beta2 = 0.95,
                  .eps = 1e-8,
                  .weight_decay = 0.1,
                  .grad_scale = 0.5 };
    a.grad = behind(run_input_of(run, p.n + (int64_t)p.offset, 1, K_F32), K_F32, p.offset);
    a.m = room(run, "m", p, K_F32);
    a.v = squares(run, p);
    return a;
}

static part part_of(cuda_run *run)
{
    const int64_t n = run_below(run, 4) ? run_size(run, 3000) : 1 + (int64_t)run_below(run, 6);
    return (part){ n, run_below(run, 2) ? 0 : (size_t)run_below(run, 8) };
}

static void with_master(cuda_run *run)
{
    const part p = part_of(run);
    k_adamw a = step_of(run, p);
    a.master = room(run, "master", p, K_F32);
    a.copy_type = run->type;
    a.first = p.offset; /* where the part lies in the whole: what it may load at once */
    if (run->seed % 3)
        a.copy = room(run, "copy", p, run->type);
    run_ok(run->dev->ops->adamw(run->dev, &a));
}

static void by_chance(cuda_run *run)
{
    const part p = part_of(run);
    k_adamw a = step_of(run, p);
    a.copy = room(run, "copy", p, K_BF16);
    a.copy_type = K_BF16;
    a.step += (int64_t)(run->seed % 2) << 33;
    a.seed = 0x123456789abcdef0u + run->seed;
    a.first = p.offset + (run->seed % 4 == 3 ? (1ULL << 34) - 5 : run->seed % 4 == 2 ? 1 : 0);
    run_ok(run->dev->ops->adamw(run->dev, &a));
}

/* What is not finite stays so: a NaN whose bits a draw would carry over into the sign. */
static void not_finite(cuda_run *run)
{
    enum { N = 64 };
    static const uint16_t odd[] = {
        0x7f80, 0xff80, 0x7fff, 0xffff, 0x7fc0, 0x7f81, 0x8000, 0x0001
    };
    static const uint32_t nan = 0x7fffffff;
    uint16_t copy[N];
    float grad[N] = { 0 };
    for (int i = 0; i < N; i++)
        copy[i] = odd[i % 8];
    k_adamw a = { .real = K_F32, .n = N, .step = 1, .lr = 1, .eps = 1, .grad_scale = 1, .seed = 5 };
    for (int is_nan = 0; is_nan < 2; is_nan++) {
        for (int i = 0; i < N && is_nan; i++)
            memcpy(&grad[i], &nan, sizeof nan);
        a.copy = run_given(run, copy, sizeof copy);
        a.copy_type = K_BF16;
        a.grad = run_given(run, grad, sizeof grad);
        a.m = run_given(run, (float[N]){ 0 }, sizeof grad);
        a.v = run_given(run, (float[N]){ 0 }, sizeof grad);
        run_ok(run->dev->ops->adamw(run->dev, &a));
        uint16_t *is = run_bytes(run, a.copy, sizeof copy);
        for (int i = 0; i < N; i++) {
            const bool wants_nan = is_nan || isnan(k_bf16_to_float(copy[i]));
            if (wants_nan ? !isnan(k_bf16_to_float(is[i])) : is[i] != copy[i])
                fail_msg("NUMBERS %04x became %04x", copy[i], is[i]);
        }
        free(is);
    }
}

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    float *x = run_input(run, 64, 1);
    const k_adamw good = {
        .real = K_F32, .n = 0, .step = 1, .m = x, .v = x, .grad = x, .master = x
    };
    k_adamw a = good;
    assert_int_equal(ops->adamw(run->dev, &a), K_OK);
    a.real = K_F64;
    assert_int_equal(ops->adamw(run->dev, &a), K_ETYPE);
    a = good;
    a.copy = x;
    a.copy_type = K_F64;
    assert_int_equal(ops->adamw(run->dev, &a), K_ETYPE);
    a.copy_type = K_F32;
    a.master = NULL;
    assert_int_equal(ops->adamw(run->dev, &a), K_ETYPE);
    a.copy_type = K_BF16;
    a.copy = NULL;
    assert_int_equal(ops->adamw(run->dev, &a), K_EARG);
    a = good;
    a.step = 0;
    assert_int_equal(ops->adamw(run->dev, &a), K_EARG);
    a = good;
    a.n = -1;
    assert_int_equal(ops->adamw(run->dev, &a), K_EARG);
    a.n = INT64_MAX - 4;
    assert_int_equal(ops->adamw(run->dev, &a), K_EARG);
    a = good;
    a.v = NULL;
    assert_int_equal(ops->adamw(run->dev, &a), K_EARG);
}

const cuda_case adamw_cases[] = {
    { "with_master", with_master, 12, IN_BOTH },
    { "by_chance", by_chance, 16, 1 << K_F32 },
    { "not_finite", not_finite, 1, 0 },
    { "refusals", refusals, 1, 0 },
    { 0 },
};
