/* test_cuda_training.c -- twenty steps of AdamW on the device "cuda" beside the same on the CPU:
 * losses, norms of gradients and what was learned stay together, in float and in bf16.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../unit/tiny_batch.h"

#include "train/optimizer.h"

enum { STEPS = 20 };

typedef struct curve {
    double loss[STEPS], norm[STEPS];
    float *weights; /* [n_elements] the master weights in the end; as_free */
    size_t n;
} curve;

/* A prompt with two answers, and a text by itself. */
static void fill(batch *b)
{
    as_rng r = as_rng_at(11, 7);
    int32_t ids[16];
    *b = (batch){ 0 };
    for (int i = 0; i < 16; i++)
        ids[i] = (int32_t)as_rng_below(&r, 300);
    add(b, ids, 4, 4);
    add_child(b, 0, ids + 3, 3);
    add_child(b, 0, ids + 6, 1);
    add(b, ids + 9, 6, 1);
}

static double one_step(as_run *run, as_optimizer *o, const batch *b, uint64_t step, double *norm)
{
    double logp[ROWS_MOST], coef[ROWS_MOST], sum = 0;
    const as_packed packed = packed_of(b);
    MUST(as_optimizer_zero(o, err));
    MUST(as_run_forward(run, &packed, err));
    MUST(as_run_logprob(run, 1, logp, NULL, err));
    for (int64_t i = 0; i < packed.n_rows; i++) {
        sum -= logp[i] / (double)packed.n_rows;
        coef[i] = -1 / (double)packed.n_rows;
    }
    MUST(as_run_backward(run, coef, NULL, o->grads, err));
    MUST(as_optimizer_step(o, step, 5e-4, norm, err));
    return sum;
}

static curve train(const char *family, const char *backend, k_type type, bool wide)
{
    tiny_model m;
    batch b;
    curve c = { 0 };
    as_optimizer *o = NULL;
    as_optimizer_options how = as_optimizer_standard();
    how.weight_decay = 0.05;
    tiny_wide = wide;
    tiny_open(&m, family, type == K_BF16 ? "/bf16" : "", backend, type);
    tiny_wide = false;
    fill(&b);
    as_run *run = tiny_run(&m, &training);
    MUST(as_optimizer_new(&o, m.p, NULL, &how, err));
    for (int i = 0; i < STEPS; i++)
        c.loss[i] = one_step(run, o, &b, (uint64_t)i + 1, &c.norm[i]);
    c.n = m.index->n_elements;
    c.weights = as_calloc(3 * c.n, sizeof *c.weights);
    assert_non_null(c.weights);
    MUST(as_optimizer_get(o, c.weights, c.weights + c.n, c.weights + 2 * c.n, err));
    as_optimizer_free(o);
    as_run_free(run);
    tiny_close(&m);
    return c;
}

/* |a - b| / |a| of the weights. */
static double distance(const curve *a, const curve *b)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < a->n; i++) {
        const double d = (double)a->weights[i] - (double)b->weights[i];
        difference += d * d;
        size += (double)a->weights[i] * (double)a->weights[i];
    }
    return sqrt(difference / size);
}

static void check(const char *family, k_type type, double near, double apart)
{
    curve want = train(family, "cpu", type, type == K_BF16);
    curve got = train(family, "cuda", type, false);
    for (int i = 0; i < STEPS; i++) {
        if (!(fabs(got.loss[i] - want.loss[i]) <= near * want.loss[0]))
            fail_msg("step %d: loss %.7g, on the CPU %.7g", i + 1, got.loss[i], want.loss[i]);
        if (!(fabs(got.norm[i] - want.norm[i]) <= 10 * near * want.norm[0]))
            fail_msg("step %d: gradient %.7g, on the CPU %.7g", i + 1, got.norm[i], want.norm[i]);
    }
    assert_true(got.loss[STEPS - 1] < 0.8 * got.loss[0]); /* it has learned something */
    assert_true(distance(&want, &got) <= apart);
    as_free(want.weights);
    as_free(got.weights);
}

static void in_float(void **state)
{
    (void)state;
    check("tiny_qwen2", K_F32, 1e-4, 1e-3);
}

/* The CPU's activations stay in float. */
static void in_bf16(void **state)
{
    (void)state;
    check("tiny_qwen3", K_BF16, 0.03, 0.03);
}

/* A device that failed says why. */
static void reason(void **state)
{
    (void)state;
    k_device *dev = NULL;
    char bytes[200] = { 0 };
    if (getenv("ASSAY_CUDA_LIBRARY"))
        skip(); /* what is provoked here is for the emulation alone */
    assert_int_equal(k_device_open(&dev, "cuda", NULL), K_OK);
    void *p = dev->ops->alloc(dev, 100);
    const int status = dev->ops->copy_from(dev, bytes, p, 200);
    assert_int_equal(status, K_EDEVICE);
    assert_int_equal(as_fail_kernel(err, status, "copy_from"), AS_EIO);
    assert_non_null(strstr(err->text, "copy_from: "));
    assert_null(strstr(err->text, k_status_text(K_EDEVICE)));
    dev->ops->free(dev, p);
    k_device_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_float),
        cmocka_unit_test(in_bf16),
        cmocka_unit_test(reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
