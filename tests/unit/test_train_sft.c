/* test_train_sft.c -- settings, schedules, the order of texts, AdamW against the goldens, gradients
 * that do not depend on micro-batches. SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

#include "kernels/bf16.h"

#include "train/settings.h"
#include "train/sft.h"

/* ---- settings ---- */

typedef struct small {
    const char *name;
    int kind;
    uint64_t count;
    double rate;
    bool is_on;
    const cJSON *more;
} small;

static const as_setting table[] = {
    { .key = "name", .type = AS_SETTING_TEXT, .offset = offsetof(small, name) },
    { .key = "kind",
      .type = AS_SETTING_CHOICE,
      .offset = offsetof(small, kind),
      .choices = "one|two|three" },
    { .key = "count",
      .type = AS_SETTING_UINT,
      .offset = offsetof(small, count),
      .least = 1,
      .most = 9 },
    { .key = "rate",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(small, rate),
      .least = 0,
      .most = 1 },
    { .key = "is_on", .type = AS_SETTING_BOOL, .offset = offsetof(small, is_on) },
    { .key = "more", .type = AS_SETTING_OBJECT, .offset = offsetof(small, more) },
    { .key = NULL }
};

static int read(small *out, const char *text, const char *set, as_err *e)
{
    cJSON *tree = as_json_parse(as_str_of(text), "c.json", e);
    assert_non_null(tree);
    int rc = set ? as_settings_set(tree, set, e) : 0;
    if (rc == 0)
        rc = as_settings_read(out, tree, table, "c.json", e);
    out->name = out->name ? "there" : NULL;
    out->more = NULL;
    cJSON_Delete(tree);
    return rc;
}

static void test_settings(void **state)
{
    (void)state;
    small s = { .count = 5, .rate = 0.25, .kind = -1 };
    MUST(read(&s, "{\"name\":\"x\",\"kind\":\"three\",\"is_on\":true,\"more\":{}}", NULL, err));
    assert_true(s.name && s.kind == 2 && s.count == 5 && s.rate == 0.25 && s.is_on);
    MUST(read(&s, "{\"count\":2}", "count=7", err));
    assert_int_equal(s.count, 7);
    MUST(read(&s, "{}", "kind=two", err));
    assert_int_equal(s.kind, 1);
    MUST(read(&s, "{}", "more.a.b=[1]", err));
    static const struct {
        const char *text, *set, *says;
    } bad[] = { { "{\"cuont\":1}", NULL, "did you mean \"count\"" },
                { "{\"count\":0}", NULL, "c.json: \"count\": 0, where a whole number from 1 to 9" },
                { "{\"count\":1.5}", NULL, "whole number" },
                { "{\"count\":\"1\"}", NULL, "whole number" },
                { "{\"rate\":1.01}", NULL, "a number from 0 to 1" },
                { "{\"kind\":\"tw\"}", NULL, "one|two|three" },
                { "{\"kind\":\"one|two\"}", NULL, "one|two|three" },
                { "{\"is_on\":1}", NULL, "true or false" },
                { "{\"name\":1}", NULL, "a text" },
                { "{\"more\":[]}", NULL, "an object" },
                { "{}", "count", "KEY=VALUE" },
                { "{}", "=1", "KEY=VALUE" },
                { "{\"count\":1}", "count.x=1", "is no object" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        as_err e = { 0 };
        assert_int_equal(read(&s, bad[i].text, bad[i].set, &e), AS_EUSAGE);
        if (!strstr(e.text, bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", e.text, bad[i].says);
    }
}

static void put(void *ctx, const char *key, as_str raw_json)
{
    as_buf *out = ctx;
    as_buf_addf(out, "%s=%.*s;", key, (int)raw_json.len, raw_json.data);
}

static void test_settings_as_resolved(void **state)
{
    (void)state;
    small s = { .kind = 1, .count = 3, .rate = 0.25, .is_on = true, .name = "a\"b" };
    as_buf out;
    as_buf_init(&out, 1000);
    MUST(as_settings_show(&s, table, put, &out, err));
    assert_string_equal(out.data, "name=\"a\\\"b\";kind=\"two\";count=3;rate=0.25;is_on=true;");
    cJSON *empty = cJSON_CreateObject();
    s = (small){ .kind = -1, .more = empty };
    as_buf_clear(&out);
    MUST(as_settings_show(&s, table, put, &out, err));
    assert_string_equal(out.data, "count=0;rate=0;is_on=false;more={};");
    cJSON_Delete(empty);
    as_buf_fini(&out);
}

/* ---- schedules ---- */

static void test_schedules(void **state)
{
    (void)state;
    as_schedule s = { .peak = 1,
                      .least = 0.1,
                      .warmup = 10,
                      .decay_from = 60,
                      .steps = 100,
                      .decay = AS_DECAY_LINEAR };
    assert_true(as_schedule_lr(&s, 1) == 0.1 && as_schedule_lr(&s, 5) == 0.5 &&
                as_schedule_lr(&s, 10) == 1);
    assert_true(as_schedule_lr(&s, 60) == 1);
    assert_true(fabs(as_schedule_lr(&s, 80) - 0.55) < 1e-12 &&
                fabs(as_schedule_lr(&s, 100) - 0.1) < 1e-12);
    s.decay = AS_DECAY_COSINE;
    assert_true(fabs(as_schedule_lr(&s, 70) - (0.1 + 0.9 * (1 + sqrt(0.5)) / 2)) < 1e-12);
    assert_true(fabs(as_schedule_lr(&s, 80) - 0.55) < 1e-12 &&
                fabs(as_schedule_lr(&s, 100) - 0.1) < 1e-12);
    s.decay = AS_DECAY_CONSTANT;
    assert_true(as_schedule_lr(&s, 100) == 1);
    s = (as_schedule){ .peak = 2, .steps = 4, .decay = AS_DECAY_LINEAR };
    assert_true(as_schedule_lr(&s, 1) == 1.5 && as_schedule_lr(&s, 4) == 0);
}

/* ---- texts ---- */

enum { ROWS = 23, MOST_TOKENS = 400 };

/* Rows of lengths 2 .. 18, of which all but the first tokens are learned. */
static void fill_data(as_sft_data *d, int64_t vocab)
{
    as_rng r = as_rng_at(3, 4);
    *d = (as_sft_data){ 0 };
    d->ids = as_calloc(MOST_TOKENS, sizeof *d->ids);
    d->learns = as_calloc(MOST_TOKENS, 1);
    d->rows = as_calloc(ROWS, sizeof *d->rows);
    for (size_t i = 0; i < ROWS; i++) {
        as_sft_row row = { .begin = d->n_ids, .n = 2 + (uint32_t)as_rng_below(&r, 16) };
        for (uint32_t k = 0; k < row.n; k++) {
            d->ids[d->n_ids] = (int32_t)as_rng_below(&r, (uint64_t)vocab);
            d->learns[d->n_ids++] = k > row.n / 2 || k == row.n - 1;
            row.n_learned += d->learns[d->n_ids - 1];
        }
        d->rows[d->n_rows++] = row;
    }
}

static void test_every_text_once_an_epoch(void **state)
{
    (void)state;
    as_sft_data d;
    uint32_t order[ROWS], again[ROWS];
    uint64_t epoch = UINT64_MAX, other = UINT64_MAX;
    size_t first[ROWS], moved = 0;
    fill_data(&d, 100);
    for (uint64_t e = 0; e < 3; e++) {
        unsigned seen[ROWS] = { 0 };
        for (uint64_t k = 0; k < ROWS; k++) {
            const size_t i = as_sft_data_draw(&d, 9, e * ROWS + k, order, &epoch);
            seen[i]++;
            moved += e > 0 && first[k] != i;
            first[k] = i;
        }
        for (size_t i = 0; i < ROWS; i++)
            assert_int_equal(seen[i], 1);
    }
    assert_true(moved > ROWS); /* each epoch has an order of its own */
    assert_int_equal(as_sft_data_draw(&d, 9, (uint64_t)2 * ROWS + 5, again, &other),
                     first[5]); /* from the middle on */
    other = UINT64_MAX;
    size_t differ = 0;
    for (uint64_t k = 0; k < ROWS; k++)
        differ += as_sft_data_draw(&d, 10, (uint64_t)2 * ROWS + k, again, &other) != first[k];
    assert_true(differ > ROWS / 2);
    as_sft_data_fini(&d);
}

/* ---- steps ---- */

static void train(const tiny_model *m, const as_sft_data *d, int64_t micro, int64_t seqs,
                  uint64_t steps, double *loss, double *weights)
{
    const as_run_options pass = { .tokens = micro, .seqs = seqs, .rows = micro, .trains = true };
    const as_optimizer_options how = as_optimizer_standard();
    const as_sft_options options = { .rows = 16,
                                     .seed = 5,
                                     .schedule = { .peak = 1e-3, .steps = steps } };
    as_optimizer *o = NULL;
    as_sft *s = NULL;
    as_run *run = tiny_run(m, &pass);
    as_sft_stats stats;
    MUST(as_parameters_set(m->p, m->arena, AS_F32, err));
    MUST(as_optimizer_new(&o, m->p, NULL, &how, err));
    MUST(as_sft_new(&s, d, o, run, &pass, &options, err));
    for (uint64_t i = 0; i < steps; i++) {
        MUST(as_sft_step(s, i + 1, &stats, err));
        loss[i] = stats.loss;
    }
    assert_int_equal(m->dev->ops->copy_from(m->dev, weights, m->p->arena,
                                            m->index->n_elements * sizeof *weights),
                     K_OK);
    as_sft_free(s);
    as_run_free(run);
    as_optimizer_free(o);
}

static void test_micro_batches(void **state)
{
    (void)state;
    enum { STEPS = 3 };
    tiny_model m;
    as_sft_data d;
    tiny_open(&m, "tiny_qwen3", "", "naive-f64", K_F64);
    fill_data(&d, m.index->config.vocab);
    double loss[3][STEPS], *weights[3];
    const int64_t micro[3] = { MOST_TOKENS, 40, 18 }, seqs[3] = { 16, 16, 1 };
    for (int i = 0; i < 3; i++) {
        weights[i] = as_calloc(m.index->n_elements, sizeof **weights);
        train(&m, &d, micro[i], seqs[i], STEPS, loss[i], weights[i]);
        for (int k = 0; k < STEPS; k++)
            assert_true(fabs(loss[i][k] - loss[0][k]) < 1e-9);
        assert_true(tiny_distance(weights[i], weights[0], m.index->n_elements) < 1e-9);
    }
    assert_true(loss[0][2] < loss[0][0]);
    for (int i = 0; i < 3; i++)
        as_free(weights[i]);
    as_sft_data_fini(&d);
    tiny_close(&m);
}

/* ---- AdamW and clipping against formulas ---- */

static void test_clip_and_decay(void **state)
{
    (void)state;
    tiny_model m;
    as_optimizer *o = NULL;
    as_optimizer_options how = {
        .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.1, .clip = 1
    };
    tiny_open(&m, "tiny_qwen2", "", "naive-f64", K_F64);
    MUST(as_optimizer_new(&o, m.p, NULL, &how, err));
    const size_t n = m.index->n_elements;
    double *g = o->grads, *w = m.p->arena, *before = as_calloc(n, sizeof *before), squares = 0,
           norm;
    memcpy(before, w, n * sizeof *w);
    for (size_t i = 0; i < m.index->n_tensors; i++)
        for (size_t k = 0; k < m.index->tensors[i].n; k++) {
            g[m.index->tensors[i].offset + k] = k % 3 ? 0.01 : -0.02;
            squares += k % 3 ? 1e-4 : 4e-4;
        }
    MUST(as_optimizer_step(o, 1, 0.5, &norm, err));
    assert_true(fabs(norm - sqrt(squares)) < 1e-9 * norm);
    const double scale = 1 / (norm + 1e-6);
    for (size_t i = 0; i < m.index->n_tensors; i++) {
        const as_tensor *t = &m.index->tensors[i];
        const double x = g[t->offset] * scale,
                     old = before[t->offset] * (t->rows > 1 ? 1 - 0.5 * 0.1 : 1);
        assert_true(fabs(w[t->offset] - (old - 0.5 * x / (fabs(x) + 1e-8))) <
                    1e-9); /* m/sqrt(v) of a first step */
    }
    g[7] = NAN;
    memcpy(before, w, n * sizeof *w);
    assert_int_equal(as_optimizer_step(o, 2, 0.5, &norm, err), AS_EDATA);
    assert_memory_equal(before, w, n * sizeof *w);
    *err = (as_err){ 0 };
    as_free(before);
    as_optimizer_free(o);
    tiny_close(&m);
}

/* ---- without master weights ---- */

/* What a step makes of bf16 weights with some gradient; the caller's. */
static uint16_t *narrow_step(tiny_model *m, uint64_t seed, bool by_hand)
{
    as_optimizer *o = NULL;
    as_optimizer_options how = as_optimizer_standard();
    double norm;
    how.no_master = true;
    how.seed = seed;
    how.weight_decay = how.clip = 0;
    MUST(as_parameters_set(m->p, m->arena, AS_F32, err));
    MUST(as_optimizer_new(&o, m->p, NULL, &how, err));
    assert_null(o->master);
    for (size_t i = 0; i < o->n; i++)
        ((float *)o->grads)[i] = (float)(i % 7) - 3;
    const k_adamw whole = { .real = K_F32,
                            .n = (int64_t)o->n,
                            .step = 2,
                            .lr = 1e-4,
                            .beta1 = how.beta1,
                            .beta2 = how.beta2,
                            .eps = how.eps,
                            .grad_scale = 1,
                            .m = o->m,
                            .v = o->v,
                            .grad = o->grads,
                            .copy = m->p->arena,
                            .copy_type = K_BF16,
                            .seed = seed };
    if (by_hand)
        assert_int_equal(m->dev->ops->adamw(m->dev, &whole), K_OK);
    else
        MUST(as_optimizer_step(o, 2, 1e-4, &norm, err));
    uint16_t *weights = as_calloc(o->n, sizeof *weights);
    memcpy(weights, m->p->arena, o->n * sizeof *weights);
    float *state = as_calloc(3 * o->n, sizeof *state); /* there and back: nothing changes */
    MUST(as_optimizer_get(o, state, state + o->n, state + 2 * o->n, err));
    for (size_t i = 0; i < o->n; i++)
        assert_true(state[i] == k_bf16_to_float(weights[i]));
    memset(m->p->arena, 0, o->n * sizeof *weights);
    MUST(as_optimizer_set(o, state, state + o->n, state + 2 * o->n, err));
    assert_memory_equal(m->p->arena, weights, o->n * sizeof *weights);
    as_free(state);
    as_optimizer_free(o);
    return weights;
}

/* The ranges that a step is cut into draw as one array does; another seed draws otherwise. */
static void test_without_master(void **state)
{
    (void)state;
    tiny_model m;
    tiny_open(&m, "tiny_qwen3", "", "naive-f32", K_BF16);
    uint16_t *steps[] = { narrow_step(&m, 5, false), narrow_step(&m, 5, true),
                          narrow_step(&m, 6, false) };
    const size_t n = m.index->n_elements;
    assert_memory_equal(steps[0], steps[1], n * sizeof **steps);
    size_t n_other = 0;
    for (size_t i = 0; i < n; i++)
        n_other += steps[0][i] != steps[2][i];
    assert_true(n_other > n / 100);
    for (int i = 0; i < 3; i++)
        as_free(steps[i]);
    tiny_close(&m);
    as_optimizer *o = NULL;
    const as_optimizer_options how = { .no_master = true };
    tiny_open(&m, "tiny_qwen3", "", "naive-f32", K_F32);
    assert_int_equal(as_optimizer_new(&o, m.p, NULL, &how, err), AS_EUSAGE);
    assert_null(o);
    *err = (as_err){ 0 };
    tiny_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),       cmocka_unit_test(test_settings_as_resolved),
        cmocka_unit_test(test_schedules),      cmocka_unit_test(test_every_text_once_an_epoch),
        cmocka_unit_test(test_micro_batches),  cmocka_unit_test(test_clip_and_decay),
        cmocka_unit_test(test_without_master),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
