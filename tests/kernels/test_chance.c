/* test_chance.c -- a step of the optimizer without master weights: what rounding by chance is
 * defined to be, on every backend of the CPU, level and number of threads; that it is right on the
 * mean; and what is not finite. SPDX-License-Identifier: Apache-2.0 */
#include "fast.h"

#include "kernels/philox.h"

enum { MOST = 20000, MOST_DEVICES = 1 + N_LEVELS * 3 };

static k_device *devices_of[MOST_DEVICES];
static int n_devices;

static int open_all(void **state)
{
    (void)state;
    devices_of[n_devices++] = device_of("naive-f32");
    for (int l = 0; l < N_LEVELS; l++)
        for (int threads = 1; threads <= 3; threads++) {
            k_device *dev = device_at(levels[l], threads);
            if (dev)
                devices_of[n_devices++] = dev;
        }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    while (n_devices > 0)
        k_device_close(devices_of[--n_devices]);
    return 0;
}

typedef struct numbers {
    uint16_t copy[MOST];
    float master[MOST], m[MOST], v[MOST], grad[MOST];
} numbers;

static void random_numbers(numbers *x, uint64_t seed)
{
    as_rng rng = as_rng_at(40, seed);
    for (int i = 0; i < MOST; i++) {
        x->copy[i] = k_bf16_of_float((float)(2 * as_rng_double(&rng) - 1));
        x->master[i] = k_bf16_to_float(x->copy[i]);
        x->m[i] = (float)(2 * as_rng_double(&rng) - 1);
        x->v[i] = (float)as_rng_double(&rng);
        x->grad[i] = (float)(2 * as_rng_double(&rng) - 1);
    }
}

static k_adamw step_of(numbers *x, int64_t n)
{
    k_adamw a = { .real = K_F32, .n = n, .step = 3, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.95 };
    a.eps = 1e-8;
    a.weight_decay = 0.1;
    a.grad_scale = 0.5;
    a.m = x->m;
    a.v = x->v;
    a.grad = x->grad;
    a.copy = x->copy;
    a.copy_type = K_BF16;
    return a;
}

/* kernels.h, word for word. */
static uint16_t defined(float f, uint64_t element, uint64_t seed, uint64_t step)
{
    const uint64_t group = element / 4;
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    const uint32_t counter[4] = { (uint32_t)group, (uint32_t)(group >> 32), (uint32_t)step,
                                  (uint32_t)(step >> 32) };
    uint32_t word[4], bits;
    k_philox(key, counter, word);
    memcpy(&bits, &f, sizeof bits);
    return isfinite(f) ? (uint16_t)((bits + (word[element % 4] >> 16)) >> 16) : k_bf16_of_float(f);
}

/* The float that is rounded is the one a master would have become. */
static void one_step(k_device *dev, int64_t n, uint64_t seed, uint64_t first, int64_t step)
{
    static numbers with, without;
    random_numbers(&with, (uint64_t)n + first);
    without = with;
    k_adamw a = step_of(&with, n), b = step_of(&without, n);
    a.step = b.step = step;
    a.master = with.master;
    b.seed = seed;
    b.first = first;
    assert_int_equal(dev->ops->adamw(dev, &a), K_OK);
    assert_int_equal(dev->ops->adamw(dev, &b), K_OK);
    assert_memory_equal(without.m, with.m, sizeof with.m);
    assert_memory_equal(without.v, with.v, sizeof with.v);
    for (int64_t i = 0; i < MOST; i++) {
        const uint16_t want =
            i < n ? defined(with.master[i], first + (uint64_t)i, seed, (uint64_t)step)
                  : with.copy[i];
        if (without.copy[i] != want)
            fail_msg("%s: number %lld of %lld from %llu on is %04x, not %04x", dev->ops->name,
                     (long long)i, (long long)n, (unsigned long long)first, without.copy[i], want);
    }
}

static void as_defined(void **state)
{
    (void)state;
    static const int64_t sizes[] = { 1, 3, 4, 61, 64, 67, 130, MOST - 1 };
    static const uint64_t firsts[] = { 0, 1, 2, 3, 64, 61, (1ULL << 34) - 2, UINT64_MAX - MOST };
    for (int d = 0; d < n_devices; d++)
        for (int i = 0; i < 8; i++)
            one_step(devices_of[d], sizes[i], 0x123456789abcdef0u, firsts[(i + d) % 8],
                     i % 2 ? 7 : (int64_t)5 << 32 | 9);
}

/* p -+ 2^-12 without a rounding, fused or not: the same bits from all of them, in pieces too. */
static void exact_step(k_device *dev, numbers *x, int64_t n, int64_t step, double rate)
{
    for (int64_t from = 0, to; from < n; from = to) {
        to = from + 1001 < n ? from + 1001 : n;
        k_adamw a = step_of(x, to - from);
        a.step = step;
        a.lr = rate;
        a.beta1 = a.beta2 = a.eps = a.weight_decay = 0;
        a.grad_scale = 1;
        a.copy = x->copy + from;
        a.m = x->m + from;
        a.v = x->v + from;
        a.grad = x->grad + from;
        a.seed = 12;
        a.first = (uint64_t)from;
        assert_int_equal(dev->ops->adamw(dev, &a), K_OK);
    }
}

static void same_on_all(void **state)
{
    (void)state;
    static numbers want, is;
    random_numbers(&want, 1);
    for (int i = 0; i < MOST; i++) {
        want.copy[i] = (uint16_t)(0x3f80 + i % 128); /* 1 to 2 */
        want.grad[i] = i % 3 ? 1 : -1;
    }
    const numbers begin = want;
    exact_step(devices_of[0], &want, MOST, 1, 0x1p-12);
    assert_memory_not_equal(want.copy, begin.copy, sizeof want.copy);
    for (int d = 1; d < n_devices; d++) {
        is = begin;
        exact_step(devices_of[d], &is, MOST, 1, 0x1p-12);
        assert_memory_equal(is.copy, want.copy, sizeof is.copy);
    }
}

/* A 32nd of the way to the next number: to nearest a weight would stay for ever. */
static void right_on_the_mean(void **state)
{
    (void)state;
    enum { STEPS = 24 };
    static numbers x;
    for (int i = 0; i < MOST; i++) {
        x.copy[i] = 0x3f80;
        x.grad[i] = -1;
    }
    double moved = 0, first = 0;
    for (int64_t step = 1; step <= STEPS; step++) {
        exact_step(devices_of[1], &x, MOST, step, 0x1p-12);
        for (int i = 0; i < MOST && step == 1; i++)
            first += (double)k_bf16_to_float(x.copy[i]) - 1;
    }
    for (int i = 0; i < MOST; i++)
        moved += (double)k_bf16_to_float(x.copy[i]) - 1;
    /* of one number and step: 2^-7 with a chance of 1/32; 4 standard deviations of the mean */
    const double deviation = 0x1p-7 * sqrt(31.0) / 32 / sqrt(MOST);
    near_number(first / MOST, 0x1p-12, 4 * deviation, "the mean of a step");
    near_number(moved / MOST, STEPS * 0x1p-12, 4 * deviation * sqrt(STEPS), "the mean of steps");
}

/* What bf16 has is not moved by any draw; infinities and NaN are what they are rounded to
 * elsewhere, whatever their bits, and none becomes 0. */
static void odd_numbers(void **state)
{
    (void)state;
    static const uint16_t still[] = { 0,      0x8000, 0x3f80, 0x7f7f, 0xff7f,
                                      0x7f80, 0xff80, 0x0001, 0x8001 };
    enum { N = 40, N_STILL = sizeof still / sizeof still[0] };
    for (int d = 0; d < n_devices; d++) {
        static numbers x;
        memset(&x, 0, sizeof x);
        for (int i = 0; i < N; i++)
            x.copy[i] = still[i % N_STILL];
        exact_step(devices_of[d], &x, N, 1, 0);
        for (int i = 0; i < N; i++) /* 0 / 0 where eps is 0: all of them NaN */
            assert_true(isnan(k_bf16_to_float(x.copy[i])));
        k_adamw a = step_of(&x, N);
        a.weight_decay = 0;
        a.seed = 99;
        for (int i = 0; i < N; i++)
            x.copy[i] = still[i % N_STILL];
        memset(x.m, 0, sizeof x.m);
        memset(x.v, 0, sizeof x.v);
        assert_int_equal(devices_of[d]->ops->adamw(devices_of[d], &a), K_OK);
        for (int i = 0; i < N; i++)
            assert_int_equal(x.copy[i], still[i % N_STILL]);
        const uint32_t nan = 0x7fffffff; /* any draw added to it would carry into the sign */
        for (int i = 0; i < N; i++)
            memcpy(&x.grad[i], &nan, sizeof nan);
        assert_int_equal(devices_of[d]->ops->adamw(devices_of[d], &a), K_OK);
        for (int i = 0; i < N; i++)
            assert_true(isnan(k_bf16_to_float(x.copy[i])));
    }
}

static void refused(void **state)
{
    (void)state;
    static numbers x;
    random_numbers(&x, 2);
    const numbers begin = x;
    for (int d = 0; d < n_devices; d++) {
        k_device *dev = devices_of[d];
        k_adamw a = step_of(&x, 8);
        a.copy_type = K_F32;
        assert_int_equal(dev->ops->adamw(dev, &a), K_ETYPE);
        a = step_of(&x, 8);
        a.real = K_F64;
        assert_int_equal(dev->ops->adamw(dev, &a), K_ETYPE);
        a = step_of(&x, 8);
        a.copy = NULL;
        assert_int_equal(dev->ops->adamw(dev, &a), K_EARG);
        a = step_of(&x, 8);
        a.step = 0;
        assert_int_equal(dev->ops->adamw(dev, &a), K_EARG);
    }
    k_device *f64 = device_of("naive-f64");
    k_adamw a = step_of(&x, 8);
    a.real = K_F64;
    assert_int_equal(f64->ops->adamw(f64, &a), K_ETYPE);
    k_device_close(f64);
    assert_memory_equal(&x, &begin, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_defined),        cmocka_unit_test(same_on_all),
        cmocka_unit_test(right_on_the_mean), cmocka_unit_test(odd_numbers),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
