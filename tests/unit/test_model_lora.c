/* test_model_lora.c -- LoRA adapters: PEFT's folders there and back, merging by the definition,
 * refusals. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/rng.h"
#include "model/lora.h"
#include "temp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static as_weights_index *index_of(const char *family)
{
    char folder[600];
    as_model_config c;
    as_weights_index *x = NULL;
    (void)snprintf(folder, sizeof folder, "%s/tests/golden/models/%s", getenv("ASSAY_SOURCE"),
                   family);
    assert_int_equal(as_model_config_load(&c, folder, NULL), 0);
    assert_int_equal(as_weights_index_new(&x, &c, NULL), 0);
    return x;
}

/* A started adapter with B that is not zero either. */
static float *random_arena(const as_lora *l, uint64_t seed)
{
    as_rng rng = as_rng_at(seed, 1);
    float *arena = as_calloc(l->n_elements, sizeof *arena);
    as_lora_start(l, arena, seed);
    for (size_t i = 0; i < l->n_matrices; i++)
        for (size_t k = 0; k < (size_t)l->config.r * l->matrices[i].out; k++)
            arena[l->matrices[i].b + k] = (float)as_rng_double(&rng) - 0.5F;
    return arena;
}

static void test_layout(void **state)
{
    as_weights_index *x = index_of("tiny_qwen3");
    const as_lora_config c = { 3, 6, false, AS_LORA_ALL };
    as_lora *l;
    size_t at = 0;
    (void)state;
    assert_int_equal(as_lora_new(&l, x, &c, NULL), 0);
    assert_int_equal(l->n_matrices, 2 * 7);
    for (size_t i = 0; i < l->n_matrices; i++) {
        const as_lora_matrix *m = &l->matrices[i];
        assert_true(m->a >= at && m->a % AS_WEIGHTS_ALIGN == 0 && m->b % AS_WEIGHTS_ALIGN == 0);
        assert_true(m->b >= m->a + 3 * m->in);
        assert_int_equal(x->parts[m->part].dims[0], m->out);
        assert_int_equal(x->parts[m->part].dims[1], m->in);
        at = m->b + 3 * m->out;
    }
    assert_true(l->n_elements >= at);
    assert_true(as_lora_scale(l) == 2);
    l->config.is_rslora = true;
    assert_true(fabs(as_lora_scale(l) - 6 / sqrt(3)) < 1e-12);
    as_lora_free(l);
    as_err err = { 0 };
    as_lora_config bad = c;
    bad.r = 0;
    assert_int_equal(as_lora_new(&l, x, &bad, &err), AS_EUSAGE);
    bad = c;
    bad.alpha = (double)NAN;
    assert_int_equal(as_lora_new(&l, x, &bad, NULL), AS_EUSAGE);
    bad = c;
    bad.targets = 0;
    assert_int_equal(as_lora_new(&l, x, &bad, NULL), AS_EUSAGE);
    assert_null(l);
    as_weights_index_free(x);
}

static void test_start(void **state)
{
    as_weights_index *x = index_of("tiny_qwen2");
    const as_lora_config c = { 4, 8, false, AS_LORA_Q | AS_LORA_DOWN };
    as_lora *l;
    (void)state;
    assert_int_equal(as_lora_new(&l, x, &c, NULL), 0);
    assert_int_equal(l->n_matrices, 4);
    float *a = as_calloc(l->n_elements, sizeof *a), *b = as_calloc(l->n_elements, sizeof *b);
    float *w = as_calloc(x->n_elements, sizeof *w);
    memset(a, 0xFF, l->n_elements * sizeof *a);
    as_lora_start(l, a, 7);
    as_lora_start(l, b, 7);
    assert_memory_equal(a, b, l->n_elements * sizeof *a);
    as_lora_start(l, b, 8);
    assert_memory_not_equal(a, b, l->n_elements * sizeof *a);
    for (size_t i = 0; i < l->n_matrices; i++) {
        const as_lora_matrix *m = &l->matrices[i];
        double most = 0;
        for (size_t k = 0; k < 4 * m->in; k++)
            most = fmax(most, fabs((double)a[m->a + k]));
        assert_true(most <= 1 / sqrt((double)m->in) && most > 0.8 / sqrt((double)m->in));
    }
    assert_int_equal(as_lora_merge(l, a, w, AS_F32, NULL), 0); /* B is zero: nothing changes */
    for (size_t i = 0; i < x->n_elements; i++)
        assert_true(w[i] == 0);
    as_free(a);
    as_free(b);
    as_free(w);
    as_lora_free(l);
    as_weights_index_free(x);
}

static void check_merged(const as_lora *l, const float *ab, const float *before, const float *after)
{
    size_t r = (size_t)l->config.r, done = 0;
    for (size_t i = 0; i < l->n_matrices; i++) {
        const as_lora_matrix *m = &l->matrices[i];
        size_t offset = l->index->parts[m->part].offset;
        for (; done < offset; done++) /* what is not adapted is as it was */
            assert_true(before[done] == after[done]);
        for (size_t o = 0; o < m->out; o++)
            for (size_t k = 0; k < m->in; k++) {
                double sum = (double)before[offset + o * m->in + k];
                for (size_t j = 0; j < r; j++)
                    sum += as_lora_scale(l) * (double)ab[m->b + o * r + j] *
                           (double)ab[m->a + j * m->in + k];
                assert_true(fabs(sum - (double)after[offset + o * m->in + k]) <= 1e-6);
            }
        done = offset + m->out * m->in;
    }
}

static void test_merge(void **state)
{
    (void)state;
    for (unsigned rs = 0; rs < 2; rs++) {
        as_weights_index *x = index_of("tiny_llama");
        const as_lora_config c = { 5, 3.5, rs == 1,
                                   AS_LORA_K | AS_LORA_V | AS_LORA_O | AS_LORA_UP };
        as_lora *l;
        as_rng rng = as_rng_at(9, rs);
        assert_int_equal(as_lora_new(&l, x, &c, NULL), 0);
        float *ab = random_arena(l, 3), *w = as_malloc(x->n_elements * sizeof *w);
        float *before = as_malloc(x->n_elements * sizeof *w);
        uint16_t *narrow = as_malloc(x->n_elements * 2), *want = as_malloc(x->n_elements * 2);
        for (size_t i = 0; i < x->n_elements; i++)
            w[i] = (float)as_rng_double(&rng) - 0.5F;
        as_convert(narrow, AS_BF16, w, AS_F32, x->n_elements);
        as_convert(w, AS_F32, narrow, AS_BF16, x->n_elements);
        memcpy(before, w, x->n_elements * sizeof *w);
        assert_int_equal(as_lora_merge(l, ab, w, AS_F32, NULL), 0);
        check_merged(l, ab, before, w);
        assert_int_equal(as_lora_merge(l, ab, narrow, AS_BF16, NULL), 0); /* rounded once */
        as_convert(want, AS_BF16, w, AS_F32, x->n_elements);
        assert_memory_equal(narrow, want, x->n_elements * 2);
        as_free(ab);
        as_free(w);
        as_free(before);
        as_free(narrow);
        as_free(want);
        as_lora_free(l);
        as_weights_index_free(x);
    }
}

/* sum of G (s B A), through as_lora_merge */
static double loss(const as_lora *l, const float *ab, const float *g, float *w)
{
    double sum = 0;
    memset(w, 0, l->index->n_elements * sizeof *w);
    assert_int_equal(as_lora_merge(l, ab, w, AS_F32, NULL), 0);
    for (size_t i = 0; i < l->index->n_elements; i++)
        sum += (double)g[i] * (double)w[i];
    return sum;
}

static void test_grad(void **state)
{
    as_weights_index *x = index_of("tiny_qwen3");
    const as_lora_config c = { 3, 4, false, AS_LORA_K | AS_LORA_O | AS_LORA_DOWN };
    as_lora *l;
    as_rng rng = as_rng_at(11, 0);
    (void)state;
    assert_int_equal(as_lora_new(&l, x, &c, NULL), 0);
    float *ab = random_arena(l, 5), *g = as_calloc(x->n_elements, sizeof *g);
    float *w = as_calloc(x->n_elements, sizeof *w), *d = as_calloc(l->n_elements, sizeof *d);
    for (size_t i = 0; i < x->n_elements; i++)
        g[i] = (float)as_rng_double(&rng) - 0.5F;
    d[l->matrices[0].a] = 1; /* gradients are added */
    assert_int_equal(as_lora_grad(l, ab, g, d, NULL), 0);
    d[l->matrices[0].a] -= 1;
    for (size_t n = 0; n < 60;
         n++) { /* linear in each element: a wide step is exact but for rounding */
        const as_lora_matrix *m = &l->matrices[n % l->n_matrices];
        size_t of_a = m->a + as_rng_below(&rng, 3 * m->in),
               of_b = m->b + as_rng_below(&rng, 3 * m->out);
        size_t at = n == 0 ? m->a : n % 4 < 2 ? of_a : of_b;
        float old = ab[at];
        ab[at] = old + 1;
        double up = loss(l, ab, g, w);
        ab[at] = old - 1;
        double slope = (up - loss(l, ab, g, w)) / 2;
        ab[at] = old;
        assert_true(fabs(slope - (double)d[at]) <= 1e-4 * (1 + fabs(slope)));
    }
    as_free(ab);
    as_free(g);
    as_free(w);
    as_free(d);
    as_lora_free(l);
    as_weights_index_free(x);
}

static void test_saved(void **state)
{
    as_weights_index *x = index_of("tiny_qwen3");
    const as_lora_config c = { 4, 16, true, AS_LORA_Q | AS_LORA_GATE };
    as_lora *l, *again;
    float *back;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_lora_new(&l, x, &c, NULL), 0);
    float *ab = random_arena(l, 4);
    assert_int_equal(as_lora_save(l, ab, AS_F32, "some/\"model\"", temp_path("ad"), &err), 0);
    if (as_lora_load(&again, &back, x, temp_path("ad"), &err) != 0)
        fail_msg("%s", err.text);
    assert_true(again->config.r == 4 && again->config.alpha == 16 && again->config.is_rslora);
    assert_int_equal(again->config.targets, c.targets);
    assert_int_equal(again->n_elements, l->n_elements);
    assert_memory_equal(back, ab, l->n_elements * sizeof *ab);
    as_lora_free(again);
    as_free(back);
    assert_int_equal(as_lora_save(l, ab, AS_F32, NULL, temp_path("ad"), &err), AS_EUSAGE);
    assert_int_equal(as_lora_save(l, ab, AS_BF16, NULL, temp_path("ad16"), &err), 0);
    assert_int_equal(as_lora_load(&again, &back, x, temp_path("ad16"), &err), 0);
    as_lora_free(again);
    as_free(back);
    assert_int_equal(as_lora_save(l, ab, AS_I8, NULL, temp_path("ad8"), &err), AS_EUSAGE);
    as_free(ab);
    as_lora_free(l);
    as_weights_index_free(x);
}

/* ---- refusals ---- */

static void refused(const as_weights_index *x, const char *config, const char *says)
{
    as_lora *l;
    float *arena;
    as_err err = { 0 };
    if (config)
        assert_int_equal(
            as_file_write_atomic(temp_path("bad/adapter_config.json"), as_str_of(config), NULL), 0);
    int rc = as_lora_load(&l, &arena, x, temp_path("bad"), &err);
    assert_true(rc == AS_EDATA || rc == AS_EIO);
    assert_null(l);
    assert_null(arena);
    if (!strstr(err.text, says))
        fail_msg("%s\n lacks: %s", err.text, says);
}

#define GOOD "\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4"

static void test_refused_configs(void **state)
{
    static const struct {
        const char *config, *says;
    } cases[] = {
        { "{", "adapter_config.json: column 2" },
        { "3", "adapter_config.json: not a JSON object" },
        { "{}", "key \"peft_type\" is not \"LORA\"" },
        { "{\"peft_type\":\"IA3\"}", "key \"peft_type\" is not \"LORA\"" },
        { "{\"peft_type\":\"LORA\",\"r\":2}", "key \"r\" or \"lora_alpha\"" },
        { "{\"peft_type\":\"LORA\",\"r\":0,\"lora_alpha\":4}", "key \"r\" or \"lora_alpha\"" },
        { "{" GOOD ",\"use_dora\":true}", "key \"use_dora\" is not implemented" },
        { "{" GOOD ",\"bias\":\"all\"}", "key \"bias\": trained biases are not implemented" },
        { "{" GOOD ",\"rank_pattern\":{\"q_proj\":3}}", "key \"rank_pattern\" is not implemented" },
        { "{" GOOD ",\"modules_to_save\":[\"lm_head\"]}", "key \"modules_to_save\"" },
        { "{" GOOD ",\"fan_in_fan_out\":true}", "key \"fan_in_fan_out\"" },
        { "{" GOOD ",\"rank_pattern\":{},\"bias\":\"none\",\"modules_to_save\":null}",
          "adapter_model.safetensors: No such file" },
        { "{\"peft_type\":\"LORA\",\"r\":99999999,\"lora_alpha\":4}", "No such file" },
    };
    as_weights_index *x = index_of("tiny_qwen2");
    (void)state;
    assert_int_equal(mkdir(temp_path("bad"), 0700), 0);
    refused(x, NULL, "adapter_config.json: No such file");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(x, cases[i].config, cases[i].says);
    as_weights_index_free(x);
}

#define Q "base_model.model.model.layers.1.self_attn.q_proj.lora_"

static void test_refused_tensors(void **state)
{
    static float data[2 * 128];
    static float bad[2 * 128] = { 1, 2, (float)NAN };
    const as_safetensors_item a = { Q "A.weight", AS_F32, AS_F32, 2, { 2, 64 }, data };
    const as_safetensors_item b = { Q "B.weight", AS_F32, AS_F32, 2, { 64, 2 }, data };
    as_safetensors_item wide = b, ids = b, nan = a, odd = b;
    as_weights_index *x = index_of("tiny_qwen2");
    (void)state;
    wide.dims[0] = 32;
    ids.dtype = ids.data_dtype = AS_I32;
    nan.data = bad;
    odd.name = "base_model.model.lm_head.lora_A.weight";
    const struct {
        as_safetensors_item items[3];
        size_t n;
        const char *says;
    } cases[] = {
        { { a }, 1, "tensor \"" Q "B.weight\" is missing" },
        { { b }, 1, "tensor \"" Q "A.weight\" is missing" },
        { { a, b, odd }, 3, "lm_head.lora_A.weight\" adapts nothing that can be adapted here" },
        { { a, wide }, 2, "has not the shape [64, 2] that adapter_config.json" },
        { { a, ids }, 2, "is I32; it must be F32, BF16 or F16" },
        { { nan, b }, 2, "A.weight\": element 2 of 128 is NaN" },
        { { a }, 0, "no matrix is to be adapted" },
    };
    const char *good = "{" GOOD "}";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(as_safetensors_write(temp_path("bad/adapter_model.safetensors"),
                                              cases[i].items, cases[i].n, NULL, 0, NULL),
                         0);
        refused(x, good, cases[i].says);
    }
    const as_safetensors_item both[2] = { a, b };
    assert_int_equal(
        as_safetensors_write(temp_path("bad/adapter_model.safetensors"), both, 2, NULL, 0, NULL),
        0);
    refused(x, "{\"peft_type\":\"LORA\",\"r\":3,\"lora_alpha\":4}", "has not the shape [3, 64]");
    refused(x, "{\"peft_type\":\"LORA\",\"r\":99999999,\"lora_alpha\":4}", "rank 99999999");
    refused(x, "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":-1}", "alpha -1 is out of range");
    as_weights_index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),          cmocka_unit_test(test_start),
        cmocka_unit_test(test_merge),           cmocka_unit_test(test_grad),
        cmocka_unit_test(test_saved),           cmocka_unit_test(test_refused_configs),
        cmocka_unit_test(test_refused_tensors),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
