/* test_model_region.c -- training and sampling in turn in the same bytes: as many as the plan says,
 * the same numbers as apart, and nobody reads what another has overwritten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

#include "model/generate.h"
#include "model/plan.h"

enum { TOKENS = 40, SEQS = 2, SAMPLES = 3, MOST = 16, CONTEXT = 64 };

static size_t asked;
static const k_backend *real_one;
static k_backend counting;

static void *counted(k_device *dev, size_t bytes)
{
    asked += bytes;
    return real_one->alloc(dev, bytes);
}

static int32_t text[TOKENS];
static const int32_t cu[SEQS + 1] = { 0, 17, TOKENS };

static void fill_text(void)
{
    as_rng r = as_rng_at(8, 1);
    for (int i = 0; i < TOKENS; i++)
        text[i] = (int32_t)as_rng_below(&r, 370);
}

/* ---- a step of training: its gradients ---- */

static as_packed batch_of(int32_t rows[TOKENS])
{
    as_packed b = { .n_tokens = TOKENS, .n_seqs = SEQS, .ids = text, .cu_seqlens = cu };
    for (int32_t i = 0; i + 1 < TOKENS; i++)
        rows[i] = i;
    b.n_rows = TOKENS - 1;
    b.rows = rows;
    b.targets = text + 1;
    return b;
}

static void forward(as_run *run)
{
    int32_t rows[TOKENS];
    double logp[TOKENS];
    const as_packed b = batch_of(rows);
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logprob(run, 1, logp, NULL, err));
}

static float *step(const tiny_model *m, as_run *run, void *grads)
{
    double coef[TOKENS];
    const size_t bytes = m->index->n_elements * sizeof(float);
    float *out = as_malloc(bytes);
    for (int i = 0; i < TOKENS; i++)
        coef[i] = -1.0 / TOKENS;
    assert_int_equal(m->dev->ops->zero(m->dev, grads, bytes), K_OK);
    forward(run);
    MUST(as_run_backward(run, coef, NULL, grads, err));
    assert_int_equal(m->dev->ops->copy_from(m->dev, out, grads, bytes), K_OK);
    return out;
}

/* ---- samples ---- */

typedef struct book {
    bool is_asked;
    int32_t ids[SAMPLES][MOST];
    float logp[SAMPLES][MOST];
} book;

static int next(void *ctx, as_gen_prompt *out, as_err *e)
{
    book *b = ctx;
    (void)e;
    if (b->is_asked)
        return 0;
    b->is_asked = true;
    *out = (as_gen_prompt){ .ids = text, .n_ids = 20, .key = 5, .n = SAMPLES };
    return 1;
}

static int done(void *ctx, const as_gen_sample *s, as_err *e)
{
    book *b = ctx;
    (void)e;
    assert_true(s->n <= MOST && s->sample < SAMPLES);
    memcpy(b->ids[s->sample], s->ids, s->n * sizeof *s->ids);
    memcpy(b->logp[s->sample], s->logp, s->n * sizeof *s->logp);
    return 0;
}

static book sample(as_generator *g)
{
    static const as_sampling how = {
        .temperature = 1, .top_p = 1, .max_tokens = MOST, .seed = 3, .ignores_eos = true
    };
    book b = { .is_asked = false };
    const as_gen_io io = { .next = next, .done = done, .ctx = &b };
    MUST(as_generate(g, &how, &io, err));
    return b;
}

/* ---- together ---- */

typedef struct both {
    as_run_options training;
    as_gen_options sampling;
    as_plan_options plan;
} both;

static both options_of(k_type type)
{
    both b = { .training = { .tokens = TOKENS, .seqs = SEQS, .rows = TOKENS, .trains = true },
               .sampling = { .max_seqs = 2, .batch_tokens = 24, .block_size = 16, .n_blocks = 6 } };
    b.plan = (as_plan_options){
        .parameters = { .type = type, .trains = true, .max_pos = CONTEXT, .wide = tiny_wide },
        .training = b.training,
        .sampling = { .tokens = 24, .seqs = 2, .logit_rows = 2, .max_blocks = CONTEXT / 16 },
        .n_blocks = 6,
        .block_size = 16
    };
    return b;
}

static void check_family(const tiny_model *opened, const char *family)
{
    if (opened->type == K_F64)
        return;
    tiny_model m = *opened;
    both o = options_of(m.type);
    as_plan plan;
    as_region region = { 0 };
    as_run *apart, *run;
    as_generator *g_apart = NULL, *g = NULL;
    (void)family;
    real_one = m.dev->ops;
    counting = *real_one;
    counting.alloc = counted;
    m.p = NULL;
    MUST(as_parameters_new(&m.p, m.index, m.dev, &o.plan.parameters, err));
    MUST(as_parameters_set(m.p, m.arena, AS_F32, err));
    MUST(as_plan_make(&plan, m.index, m.dev, &o.plan, err));
    assert_true(plan.region == (plan.activations + plan.scratch > plan.sampling + plan.cache
                                    ? plan.activations + plan.scratch
                                    : plan.sampling + plan.cache));
    void *grads = m.dev->ops->alloc(m.dev, m.index->n_elements * sizeof(float));
    apart = tiny_run(&m, &o.training);
    MUST(as_generator_new(&g_apart, m.p, NULL, &o.sampling, err));
    float *want = step(&m, apart, grads);
    const book drawn = sample(g_apart);

    asked = 0;
    m.dev->ops = &counting;
    MUST(as_region_init(&region, m.dev, plan.region, err));
    o.training.region = o.sampling.region = &region;
    run = tiny_run(&m, &o.training);
    MUST(as_generator_new(&g, m.p, NULL, &o.sampling, err));
    assert_int_equal(asked, plan.region); /* the region, and nothing beside it */
    assert_int_equal(as_generator_bytes(g), plan.sampling + plan.cache);
    for (int turn = 0; turn < 2; turn++) {
        float *got = step(&m, run, grads);
        assert_memory_equal(got, want, m.index->n_elements * sizeof *got);
        const book again = sample(g);
        assert_memory_equal(&again, &drawn, sizeof drawn);
        as_free(got);
    }
    m.dev->ops = real_one;
    as_run_free(apart);
    as_run_free(run);
    as_generator_free(g_apart);
    as_generator_free(g);
    as_region_fini(&region);
    m.dev->ops->free(m.dev, grads);
    as_parameters_free(m.p);
    as_free(want);
}

static void in_turn(void **state)
{
    (void)state;
    tiny_everywhere(check_family, "");
    tiny_wide = true;
    tiny_everywhere(check_family, "");
    tiny_wide = false;
}

/* Between a forward and what reads it, another must not have had the region. */
static void overwritten(void **state)
{
    (void)state;
    tiny_model m;
    as_region region = { 0 };
    as_generator *g = NULL;
    as_err said = { 0 };
    double logp[TOKENS], coef[TOKENS] = { 0 };
    both o = options_of(K_F32);
    tiny_open(&m, "tiny_qwen2", "", "naive-f32", K_F32);
    MUST(as_region_init(&region, m.dev, (size_t)8 << 20, err));
    o.training.region = o.sampling.region = &region;
    as_run *run = tiny_run(&m, &o.training);
    MUST(as_generator_new(&g, m.p, NULL, &o.sampling, err));
    forward(run);
    (void)sample(g);
    assert_int_equal(as_run_backward(run, coef, NULL, NULL, &said), AS_EUSAGE);
    assert_non_null(strstr(said.text, "was another's since"));
    assert_int_equal(as_run_logprob(run, 1, logp, NULL, NULL), AS_EUSAGE);
    assert_int_equal(as_run_hidden(run, 0, logp, NULL), AS_EUSAGE);
    forward(run); /* and it is its own again */
    as_generator_free(g);
    g = NULL;
    region.bytes = 1000;
    as_run *none = NULL;
    assert_int_equal(as_run_new(&none, m.p, &o.training, NULL), AS_EUSAGE);
    assert_int_equal(as_generator_new(&g, m.p, NULL, &o.sampling, NULL), AS_EUSAGE);
    assert_true(!none && !g);
    as_run_free(run);
    as_region_fini(&region);
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(in_turn), cmocka_unit_test(overwritten) };
    fill_text();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
