/* test_model_adapter.c -- an adapter on a device against the definitions on the host: merged
 * weights, gradients, bytes; nothing else of the model moves. SPDX-License-Identifier: Apache-2.0
 */
#include "tiny_model.h"

#include "model/adapter.h"
#include "model/plan.h"

/* Bytes asked of a device since `asked` was zeroed. */
static size_t asked;
static const k_backend *real_one;

static void *counted(k_device *dev, size_t bytes)
{
    asked += bytes;
    return real_one->alloc(dev, bytes);
}

/* A started adapter with B that is not zero either. */
static float *random_values(const as_lora *l)
{
    as_rng rng = as_rng_at(31, 7);
    float *values = as_calloc(l->n_elements, sizeof *values);
    assert_non_null(values);
    as_lora_start(l, values, 3);
    for (size_t i = 0; i < l->n_matrices; i++)
        for (size_t k = 0; k < (size_t)l->config.r * l->matrices[i].out; k++)
            values[l->matrices[i].b + k] = (float)as_rng_double(&rng) - 0.5F;
    return values;
}

static void check_near(const float *got, const float *want, size_t n, double tolerance,
                       const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * (1 + fabs((double)want[i]))))
            fail_msg("%s: number %zu is %g, expected %g", what, i, (double)got[i], (double)want[i]);
}

static void check_merged(const tiny_model *m, as_adapter *a, const as_lora *l, const float *values)
{
    const size_t n = m->index->n_elements, bytes = n * sizeof(float);
    float *got = as_calloc(n, sizeof *got), *want = as_calloc(n, sizeof *want);
    float *zeroes = as_calloc(l->n_elements, sizeof *zeroes);
    memcpy(want, m->arena, bytes);
    MUST(as_lora_merge(l, values, want, AS_F32, err));
    for (int again = 0; again < 2; again++) { /* merging twice is merging once */
        MUST(as_adapter_merge(a, err));
        assert_int_equal(m->dev->ops->copy_from(m->dev, got, m->p->arena, bytes), K_OK);
        check_near(got, want, n, 1e-6, "merged");
    }
    assert_memory_not_equal(got, m->arena, bytes);
    MUST(as_adapter_set(a, zeroes, err));
    assert_int_equal(m->dev->ops->copy_from(m->dev, got, m->p->arena, bytes), K_OK);
    assert_memory_equal(got, m->arena, bytes);
    MUST(as_adapter_set(a, values, err));
    as_free(got);
    as_free(want);
    as_free(zeroes);
}

static void check_grads(const tiny_model *m, as_adapter *a, const as_lora *l, const float *values)
{
    const size_t n = m->index->n_elements;
    float *dw = as_calloc(n, sizeof *dw), *got = as_calloc(l->n_elements, sizeof *got);
    float *want = as_calloc(l->n_elements, sizeof *want);
    void *on_device = m->dev->ops->alloc(m->dev, n * sizeof *dw);
    as_rng rng = as_rng_at(5, 5);
    for (size_t i = 0; i < n; i++)
        dw[i] = (float)as_rng_double(&rng) - 0.5F;
    assert_int_equal(m->dev->ops->copy_to(m->dev, on_device, dw, n * sizeof *dw), K_OK);
    MUST(as_lora_grad(l, values, dw, want, err));
    for (int again = 0; again < 2; again++) { /* not a sum over calls */
        MUST(as_adapter_grad(a, on_device, err));
        assert_int_equal(m->dev->ops->copy_from(m->dev, got, a->grads, l->n_elements * sizeof *got),
                         K_OK);
        check_near(got, want, l->n_elements, 2e-5, "gradient");
    }
    m->dev->ops->free(m->dev, on_device);
    as_free(dw);
    as_free(got);
    as_free(want);
}

static void check_family(const k_backend *b, const char *family, const as_lora_config *c)
{
    tiny_model m;
    as_lora *l = NULL;
    as_adapter *a = NULL;
    as_plan plan;
    k_backend counting = *b;
    tiny_open(&m, family, "", b->name, K_F32);
    MUST(as_lora_new(&l, m.index, c, err));
    float *values = random_values(l);
    real_one = m.dev->ops;
    counting = *real_one;
    counting.alloc = counted;
    m.dev->ops = &counting;
    asked = 0;
    MUST(as_adapter_new(&a, m.p, l, values, err));
    const as_plan_options o = { .parameters = { .type = K_F32, .trains = true },
                                .training = { .tokens = 8, .seqs = 1, .trains = true },
                                .lora = l };
    const size_t taken = asked;
    MUST(as_plan_make(&plan, m.index, m.dev, &o, err));
    assert_int_equal(plan.adapter, taken);
    assert_int_equal(plan.moments, 2 * l->n_elements * sizeof(float));
    assert_int_equal(plan.master, 0);
    m.dev->ops = real_one;
    check_merged(&m, a, l, values);
    check_grads(&m, a, l, values);
    as_adapter_free(a);
    as_lora_free(l);
    as_free(values);
    tiny_close(&m);
}

static void as_defined(void **state)
{
    static const as_lora_config kinds[] = { { 3, 5, true, AS_LORA_ALL },
                                            { 8, 16, false, AS_LORA_Q | AS_LORA_DOWN } };
    (void)state;
    const k_backend *b;
    for (size_t i = 0; (b = k_backend_at(i)); i++)
        for (int f = 0; f < TINY_FAMILIES && (b->types >> K_F32 & 1); f++)
            for (size_t k = 0; k < 2; k++)
                check_family(b, tiny_families[f], &kinds[k]);
}

/* Where a sum of weights and adapter would be rounded to the weights, there is none. */
static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *backend;
        k_type type;
        const char *says;
    } cases[] = { { "naive-f32", K_BF16, "beside weights in f32" },
                  { "naive-f64", K_F64, "computes in doubles" } };
    const as_lora_config c = { 2, 2, false, AS_LORA_V };
    for (size_t i = 0; i < 2; i++) {
        tiny_model m;
        as_lora *l = NULL;
        as_adapter *a = NULL;
        as_err said = { 0 };
        tiny_open(&m, "tiny_qwen2", "", cases[i].backend, cases[i].type);
        MUST(as_lora_new(&l, m.index, &c, err));
        float *values = random_values(l);
        assert_int_equal(as_adapter_new(&a, m.p, l, values, &said), AS_EUSAGE);
        assert_non_null(strstr(said.text, cases[i].says));
        assert_null(a);
        as_lora_free(l);
        as_free(values);
        tiny_close(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(as_defined), cmocka_unit_test(refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
