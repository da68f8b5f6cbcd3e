/* test_model_plan.c -- what the plan says is what is asked of the device, to the byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

#include "model/plan.h"

static k_backend counting;
static const k_backend *real_one;
static size_t asked;

static void *counted(k_device *dev, size_t size)
{
    asked += size;
    return real_one->alloc(dev, size);
}

/* The device as it is, but that its allocations are counted. */
static void count(k_device *dev)
{
    real_one = dev->ops;
    counting = *dev->ops;
    counting.alloc = counted;
    dev->ops = &counting;
    asked = 0;
}

static as_plan_options some_options(k_type type)
{
    const bool samples = tiny_heads != AS_HEADS_SCORE;
    as_plan_options o = { .parameters = {
                              .type = type, .trains = true, .max_pos = 100, .wide = tiny_wide } };
    o.training = (as_run_options){ .tokens = 70, .seqs = 3, .rows = 50, .trains = true };
    o.sampling = (as_run_options){ .tokens = 9, .seqs = 4, .logit_rows = 4, .max_blocks = 6 };
    o.n_blocks = samples ? 20 : 0;
    o.block_size = 16;
    if (!samples)
        o.sampling = (as_run_options){ .tokens = 0 };
    return o;
}

static void planned(const char *backend, k_type type, int family)
{
    tiny_model m;
    as_plan plan;
    const as_plan_options o = some_options(type);
    tiny_open(&m, tiny_families[family], "", backend, type);
    as_parameters_free(m.p);
    m.p = NULL;
    count(m.dev);
    MUST(as_plan_make(&plan, m.index, m.dev, &o, err));
    assert_int_equal(asked, 0);
    MUST(as_parameters_new(&m.p, m.index, m.dev, &o.parameters, err));
    assert_int_equal(asked, plan.weights + plan.packed + plan.tables);
    asked = 0;
    as_run *run = tiny_run(&m, &o.training);
    assert_int_equal(asked, plan.activations + plan.scratch);
    as_run_free(run);
    asked = 0;
    if (o.n_blocks > 0) {
        as_kv_cache cache;
        run = tiny_run(&m, &o.sampling);
        MUST(as_kv_cache_init(&cache, m.p, o.n_blocks, o.block_size, err));
        as_kv_cache_fini(&cache);
        as_run_free(run);
    }
    assert_int_equal(asked, plan.sampling + plan.cache);
    const size_t real = m.index->n_elements * k_type_size(k_real_type(type));
    assert_int_equal(plan.grads, real);
    assert_int_equal(plan.moments, 2 * real);
    assert_int_equal(plan.master, type == K_BF16 ? real : 0);
    size_t training = plan.activations + plan.scratch, sampling = plan.sampling + plan.cache;
    assert_int_equal(plan.total, plan.weights + plan.packed + plan.tables + plan.grads +
                                     plan.moments + plan.master + plan.products +
                                     (training > sampling ? training : sampling));
    as_plan_options alone = o;
    as_plan less;
    alone.no_master = true;
    MUST(as_plan_make(&less, m.index, m.dev, &alone, err));
    assert_int_equal(less.master, 0);
    assert_int_equal(less.total, plan.total - plan.master);
    m.dev->ops = real_one;
    tiny_close(&m);
}

static void planned_everywhere(void)
{
    const k_backend *b;
    for (size_t i = 0; (b = k_backend_at(i)); i++)
        for (unsigned type = K_F32; type <= K_F64; type++)
            for (int f = 0; f < TINY_FAMILIES && (b->types >> type & 1); f++)
                planned(b->name, (k_type)type, f);
}

static void to_the_byte(void **state)
{
    (void)state;
    for (unsigned heads = AS_HEADS_TOKENS; heads <= AS_HEADS_BOTH; heads++) {
        tiny_heads = (as_heads)heads;
        planned_everywhere();
        tiny_wide = true;
        planned_everywhere();
        tiny_wide = false;
    }
    tiny_heads = AS_HEADS_TOKENS;
}

/* A backend that is not whole is refused before any of it is called. */
static void lacking(void **state)
{
    (void)state;
    tiny_model m;
    as_plan plan;
    as_err said = { 0 };
    const as_plan_options o = some_options(K_F32);
    tiny_open(&m, "tiny_qwen2", "", "naive-f32", K_F32);
    count(m.dev);
    counting.pack_bytes = NULL;
    assert_int_equal(as_plan_make(&plan, m.index, m.dev, &o, &said), AS_EUSAGE);
    assert_non_null(strstr(said.text, "has no pack_bytes yet"));
    m.dev->ops = real_one;
    tiny_close(&m);
}

/* Activations of a pass over n tokens grow with n and with nothing else; keeping less takes less.
 */
static void grows(void **state)
{
    (void)state;
    tiny_model m;
    as_plan plan, twice, less;
    as_plan_options o = some_options(K_F32);
    tiny_open(&m, "tiny_qwen2", "", "naive-f32", K_F32);
    o.training.tokens = 6400;
    MUST(as_plan_make(&plan, m.index, m.dev, &o, err));
    o.training.tokens *= 2;
    MUST(as_plan_make(&twice, m.index, m.dev, &o, err));
    assert_int_equal(twice.activations, 2 * plan.activations);
    /* per token, 2 layers of: r0 h1 r1 h2 [64], qkv [128], att [64], gate and up, act [3 x 128],
     * lse [4], 2 rstd; the end */
    assert_int_equal(plan.activations,
                     6400 * 4 * (2 * (5 * 64 + 128 + 3 * 128 + 4 + 2) + 2 * 64 + 1));
    o.training.tokens /= 2;
    o.training.recompute = AS_RECOMPUTE_LAYER;
    MUST(as_plan_make(&less, m.index, m.dev, &o, err));
    assert_int_equal(plan.activations - less.activations,
                     6400 * 4 * (4 * 64 + 128 + 3 * 128 + 4 + 2));
    tiny_close(&m);
}

static void printed_and_refused(void **state)
{
    (void)state;
    tiny_model m;
    as_plan plan;
    as_buf text;
    as_err said = { 0 };
    as_plan_options o = some_options(K_BF16);
    tiny_open(&m, "tiny_qwen3", "", "naive-f32", K_BF16);
    MUST(as_plan_make(&plan, m.index, m.dev, &o, err));
    as_buf_init(&text, 1 << 14);
    as_plan_print(&plan, m.index, m.dev, &o, &text);
    char total[80];
    (void)snprintf(total, sizeof total, "%.1f\n", (double)plan.total / 1048576);
    assert_non_null(strstr(text.data, "0.12 M parameters in bf16 on naive-f32"));
    assert_non_null(strstr(text.data, "master weights"));
    assert_non_null(strstr(text.data, "activations of 70 tokens, all kept"));
    assert_non_null(strstr(strstr(text.data, "total"), total));
    as_buf_fini(&text);
    assert_int_equal(as_plan_check(&plan, plan.total, "less", &said), 0);
    assert_int_equal(as_plan_check(&plan, plan.total - 1, "less", &said), AS_EBUDGET);
    assert_non_null(strstr(said.text, "MiB are allowed"));
    assert_non_null(strstr(said.text, "): less"));
    assert_null(strstr(said.text, "other models"));
    plan.beside = 3 << 20;
    said = (as_err){ 0 };
    assert_int_equal(as_plan_check(&plan, plan.total - 1, "less", &said), AS_EBUDGET);
    assert_non_null(strstr(said.text, ", other models 3.0): less"));
    o.training.tokens = (int64_t)1 << 40;
    assert_int_equal(as_plan_make(&plan, m.index, m.dev, &o, NULL), AS_EUSAGE);
    o.training.tokens = 0;
    MUST(as_plan_make(&plan, m.index, m.dev, &o, err));
    assert_int_equal(plan.grads + plan.moments + plan.master + plan.activations, 0);
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_the_byte),
        cmocka_unit_test(lacking),
        cmocka_unit_test(grows),
        cmocka_unit_test(printed_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
