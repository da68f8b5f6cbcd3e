/* test_train_checkpoint.c -- checkpoints: bit for bit, whole or not at all, damaged and foreign
 * ones named, old ones let go. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/rng.h"
#include "model/weights_io.h"
#include "temp.h"
#include "train/checkpoint.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

static const char *golden(const char *name)
{
    static char path[600];
    (void)snprintf(path, sizeof path, "%s/tests/golden/models/%s", getenv("ASSAY_SOURCE"), name);
    return path;
}

/* A run: its arenas, two counters, three values. */
typedef struct run {
    as_checkpoint c;
    as_weights_index *x;
    as_checkpoint_counter counters[2];
    as_checkpoint_value values[3];
} run;

static void run_init(run *r, const char *family)
{
    as_model_config c;
    *r = (run){ .counters = { { "rng.step", 0 }, { "data.row", 0 } },
                .values = { { "best", 0 }, { "baseline", 0 }, { "worst", 0 } } };
    assert_int_equal(as_model_config_load(&c, golden(family), NULL), 0);
    assert_int_equal(as_weights_index_new(&r->x, &c, NULL), 0);
    r->c = (as_checkpoint){ .index = r->x, .run = "abc", .n_counters = 2, .n_values = 3 };
    r->c.counters = r->counters;
    r->c.values = r->values;
    r->c.weights = as_calloc(r->x->n_elements, sizeof(float));
    r->c.m = as_calloc(r->x->n_elements, sizeof(float));
    r->c.v = as_calloc(r->x->n_elements, sizeof(float));
}

static void run_fini(run *r)
{
    as_free(r->c.weights);
    as_free(r->c.m);
    as_free(r->c.v);
    as_weights_index_free(r->x);
}

static void fill(run *r, uint64_t seed)
{
    as_rng rng = as_rng_at(seed, 0);
    for (size_t i = 0; i < r->x->n_tensors; i++)
        for (size_t e = r->x->tensors[i].offset; e < r->x->tensors[i].offset + r->x->tensors[i].n;
             e++) {
            r->c.weights[e] = (float)as_rng_double(&rng) - 0.5F;
            r->c.m[e] = (float)as_rng_double(&rng) * 1e-20F;
            r->c.v[e] = (float)as_rng_double(&rng) * 1e-38F; /* subnormal ones, too */
        }
    r->c.step = seed;
    r->counters[0].value = UINT64_MAX - seed;
    r->counters[1].value = seed;
    r->values[0].value = 0.1 + (double)seed;
    r->values[1].value = (double)NAN;
    r->values[2].value = -(double)INFINITY;
}

static void save(const run *r, as_dtype dtype, unsigned keep, const char *dir)
{
    const as_checkpoint_options o = { dtype, golden("tiny_qwen3"), keep, 0 };
    as_err err = { 0 };
    if (as_checkpoint_save(&r->c, &o, dir, &err) != 0)
        fail_msg("%s", err.text);
}

static void same(const run *a, const run *b)
{
    size_t n = a->x->n_elements * sizeof(float);
    assert_memory_equal(a->c.weights, b->c.weights, n);
    assert_memory_equal(a->c.m, b->c.m, n);
    assert_memory_equal(a->c.v, b->c.v, n);
    assert_int_equal(a->c.step, b->c.step);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(a->counters[i].value, b->counters[i].value);
    assert_true(a->values[0].value == b->values[0].value && isnan(b->values[1].value));
    assert_true(b->values[2].value == -(double)INFINITY);
}

static void test_there_and_back(void **state)
{
    static const as_dtype kinds[] = { AS_F32, AS_BF16 };
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        run a, b;
        char *path;
        as_err err = { 0 };
        run_init(&a, "tiny_qwen3");
        run_init(&b, "tiny_qwen3");
        const char *dir = temp_path(k ? "narrow/deep" : "wide");
        assert_int_equal(as_checkpoint_latest(&path, dir, &err), 0);
        assert_null(path);
        fill(&a, 9);
        save(&a, kinds[k], 0, dir);
        fill(&a, 10);
        save(&a, kinds[k], 0, dir);
        assert_int_equal(as_checkpoint_latest(&path, dir, &err), 0);
        assert_true(as_str_ends(as_str_of(path), "/step_10")); /* by number, not by name */
        memset(b.c.weights, 0xFF, b.x->n_elements * sizeof(float));
        memset(b.c.m, 0xFF, b.x->n_elements * sizeof(float));
        if (as_checkpoint_load(&b.c, path, &err) != 0)
            fail_msg("%s", err.text);
        same(&a, &b);
        /* and it is a model folder */
        float *model = as_malloc(a.x->n_elements * sizeof *model);
        assert_int_equal(as_weights_load(a.x, path, NULL, model, &err), 0);
        uint16_t *narrow = as_malloc(a.x->n_elements * 2);
        as_convert(narrow, AS_BF16, a.c.weights, AS_F32, a.x->n_elements);
        if (k)
            as_convert(a.c.weights, AS_F32, narrow, AS_BF16, a.x->n_elements);
        assert_memory_equal(model, a.c.weights, a.x->n_elements * sizeof *model);
        as_free(model);
        as_free(narrow);
        as_free(path);
        run_fini(&a);
        run_fini(&b);
    }
}

/* Of one kind or the other, and it says so. */
static void test_without_master(void **state)
{
    run a, b;
    as_err err = { 0 };
    (void)state;
    run_init(&a, "tiny_qwen3");
    run_init(&b, "tiny_qwen3");
    for (int kind = 0; kind < 2; kind++) {
        char *path;
        const char *dir = temp_path(kind ? "no_master" : "with_master");
        fill(&a, 3);
        for (size_t i = 0; i < a.x->n_elements; i++) { /* what bf16 has */
            uint16_t narrow;
            as_convert(&narrow, AS_BF16, &a.c.weights[i], AS_F32, 1);
            as_convert(&a.c.weights[i], AS_F32, &narrow, AS_BF16, 1);
        }
        a.c.no_master = kind;
        save(&a, AS_BF16, 0, dir);
        assert_int_equal(as_checkpoint_latest(&path, dir, &err), 0);
        b.c.no_master = !kind;
        assert_int_equal(as_checkpoint_load(&b.c, path, &err), AS_EUSAGE);
        assert_non_null(strstr(err.text, kind ? "\"master_weights\" false, and this run has true"
                                              : "\"master_weights\" true, and this run has false"));
        err = (as_err){ 0 };
        b.c.no_master = kind;
        assert_int_equal(as_checkpoint_load(&b.c, path, &err), 0);
        same(&a, &b);
        as_free(path);
    }
    run_fini(&a);
    run_fini(&b);
}

static unsigned entries(const char *folder)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    return n ? n - 2 : 0;
}

static void test_keep(void **state)
{
    run a;
    char *path;
    (void)state;
    run_init(&a, "tiny_qwen3");
    assert_int_equal(as_path_make_dirs(temp_path("keep/step_1"), NULL), 0); /* not ours: empty */
    assert_int_equal(as_path_make_dirs(temp_path("keep/step_007"), NULL), 0);
    assert_int_equal(as_file_write_atomic(temp_path("keep/step_007/trainer.json"), AS_LIT("{}"), 0),
                     0);
    for (uint64_t step = 98; step < 103; step++) {
        fill(&a, step);
        save(&a, AS_BF16, 2, temp_path("keep"));
    }
    assert_int_equal(entries(temp_path("keep")), 4);
    assert_true(as_path_exists(temp_path("keep/step_101/optim.safetensors")));
    assert_true(as_path_exists(temp_path("keep/step_102/optim.safetensors")));
    fill(&a, 5); /* began again: what is older by number is newer by time */
    save(&a, AS_BF16, 2, temp_path("keep"));
    assert_true(as_path_exists(temp_path("keep/step_5/optim.safetensors")));
    assert_int_equal(as_checkpoint_latest(&path, temp_path("keep"), NULL), 0);
    assert_true(as_str_ends(as_str_of(path), "/step_102"));
    as_free(path);
    const as_checkpoint_options o = { AS_BF16, golden("tiny_qwen3"), 2, 0 };
    as_err err = { 0 };
    assert_int_equal(as_checkpoint_save(&a.c, &o, temp_path("keep"), &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "keep/step_5: is there and not empty"));
    run_fini(&a);
}

/* The best one stays, however old it is. */
static void test_keep_best(void **state)
{
    run a;
    (void)state;
    run_init(&a, "tiny_qwen3");
    for (uint64_t step = 1; step < 6; step++) {
        const as_checkpoint_options o = { AS_F32, golden("tiny_qwen3"), 1, step > 2 ? 2 : 0 };
        fill(&a, step);
        assert_int_equal(as_checkpoint_save(&a.c, &o, temp_path("best"), NULL), 0);
    }
    assert_int_equal(entries(temp_path("best")), 2);
    assert_true(as_path_exists(temp_path("best/step_2/optim.safetensors")));
    assert_true(as_path_exists(temp_path("best/step_5/optim.safetensors")));
    assert_int_equal(as_checkpoint_remove_after(temp_path("best"), 2, NULL), 0);
    assert_int_equal(entries(temp_path("best")), 1);
    assert_true(as_path_exists(temp_path("best/step_2/optim.safetensors")));
    run_fini(&a);
}

static void test_arrays(void **state)
{
    run a, b;
    float of_prompts[] = { 0.1F, -0.0F, 3e-39F }, back[3] = { 0 }, more[4] = { 0 };
    as_checkpoint_array array = { "rate", of_prompts, 3 };
    as_err err = { 0 };
    (void)state;
    run_init(&a, "tiny_qwen3");
    run_init(&b, "tiny_qwen3");
    fill(&a, 1);
    a.c.arrays = b.c.arrays = &array;
    a.c.n_arrays = 1;
    save(&a, AS_F32, 0, temp_path("arrays"));
    array.at = back;
    b.c.n_arrays = 1;
    assert_int_equal(as_checkpoint_load(&b.c, temp_path("arrays/step_1"), &err), 0);
    assert_memory_equal(back, of_prompts, sizeof back);
    array = (as_checkpoint_array){ "rate", more, 4 };
    assert_int_equal(as_checkpoint_load(&b.c, temp_path("arrays/step_1"), &err), AS_EDATA);
    assert_non_null(strstr(err.text, "\"run.rate\" is missing or of another shape"));
    run_fini(&a);
    run_fini(&b);
}

/* Without the syncs of as_file_write_atomic, which the test has no need of. */
static void put(const char *path, as_str bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
    assert_int_equal(fclose(f), 0);
}

/* Any byte of any file changed, any file cut or gone: named, and nothing is believed. */
static void test_damaged(void **state)
{
    static const char *const files[] = { "trainer.json", "optim.safetensors", "model.safetensors",
                                         "config.json", "tokenizer.json" };
    run a, b;
    as_buf bytes;
    as_rng rng = as_rng_at(1, 1);
    (void)state;
    run_init(&a, "tiny_qwen3");
    run_init(&b, "tiny_qwen3");
    fill(&a, 3);
    save(&a, AS_F32, 0, temp_path("bad"));
    const char *folder = temp_path("bad/step_3");
    as_buf_init(&bytes, 1 << 24);
    for (size_t f = 0; f < 5; f++) {
        AS_CLEANUP(free) char *path = as_path_join(folder, files[f]);
        as_buf_clear(&bytes);
        assert_int_equal(as_file_read(path, &bytes, NULL), 0);
        for (int round = 0; round < 10; round++) {
            as_err err = { 0 };
            size_t at = round == 0 ? bytes.len - 1 : as_rng_below(&rng, bytes.len);
            char old = bytes.data[at];
            as_str all = { bytes.data, round < 8 ? bytes.len : at };
            bytes.data[at] = (char)(unsigned char)((unsigned char)old ^ 1u << round % 7);
            put(path, all);
            b.c.step = 77;
            int rc = as_checkpoint_load(&b.c, folder, &err);
            bytes.data[at] = old;
            if (rc != AS_EDATA || !strstr(err.text, files[f]))
                fail_msg("%s, byte %zu: %d: %s", files[f], at, rc, err.text);
            assert_int_equal(b.c.step, 77);
        }
        as_err err = { 0 };
        assert_int_equal(unlink(path), 0);
        assert_int_equal(as_checkpoint_load(&b.c, folder, &err), AS_EDATA);
        assert_non_null(strstr(err.text, files[f]));
        put(path, as_buf_str(&bytes));
    }
    assert_int_equal(as_checkpoint_load(&b.c, folder, NULL), 0);
    same(&a, &b);
    as_buf_fini(&bytes);
    run_fini(&a);
    run_fini(&b);
}

static void refused(run *r, int code, const char *says)
{
    as_err err = { 0 };
    assert_int_equal(as_checkpoint_load(&r->c, temp_path("own/step_4"), &err), code);
    if (!strstr(err.text, says))
        fail_msg("%s\n lacks: %s", err.text, says);
}

static void test_foreign(void **state)
{
    run a, b, other;
    (void)state;
    run_init(&a, "tiny_qwen3");
    run_init(&b, "tiny_qwen3");
    run_init(&other, "tiny_llama");
    fill(&a, 4);
    save(&a, AS_F32, 0, temp_path("own"));
    refused(&other, AS_EUSAGE, "own/step_4: is of another model");
    b.c.run = "abd";
    refused(&b, AS_EUSAGE, "is of a run with another configuration");
    b.c.run = NULL;
    assert_int_equal(as_checkpoint_load(&b.c, temp_path("own/step_4"), NULL), 0);
    b.counters[1].name = "data.epoch";
    refused(&b, AS_EUSAGE, "has no counter \"data.epoch\"");
    b.counters[1].name = "data.row";
    b.values[1].name = "mean";
    refused(&b, AS_EUSAGE, "has no value \"mean\"");
    b.values[1].name = "baseline";
    as_err err = { 0 };
    assert_int_equal(as_checkpoint_load(&b.c, golden("tiny_qwen3"), &err), AS_EDATA);
    assert_non_null(strstr(err.text, "is no checkpoint: it has no trainer.json"));
    as_free(AS_STEAL(a.c.m)); /* one that keeps weights only */
    as_free(AS_STEAL(a.c.v));
    a.c.step = 5;
    save(&a, AS_BF16, 0, temp_path("own"));
    err = (as_err){ 0 };
    assert_int_equal(as_checkpoint_load(&b.c, temp_path("own/step_5"), &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "holds no moments of an optimizer"));
    assert_int_equal(as_checkpoint_load(&a.c, temp_path("own/step_5"), NULL), 0);
    run_fini(&a);
    run_fini(&b);
    run_fini(&other);
}

static void test_full_disk(void **state)
{
    static const rlim_t most[] = { 0, 900, 20000, 400000, 700000, 1100000 };
    run a;
    struct rlimit before;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
    (void)state;
    run_init(&a, "tiny_qwen3");
    fill(&a, 1);
    save(&a, AS_F32, 1, temp_path("full"));
    fill(&a, 2);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &old), 0);
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        const as_checkpoint_options o = { AS_F32, golden("tiny_qwen3"), 1, 0 };
        struct rlimit now = { most[i], before.rlim_max };
        as_err err = { 0 };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        int rc = as_checkpoint_save(&a.c, &o, temp_path("full"), &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        bool is_enough = most[i] == 1100000;
        assert_int_equal(rc, is_enough ? 0 : AS_EBUDGET);
        if (!is_enough)
            assert_non_null(strstr(err.text, "full/step_2: no checkpoint was written: "));
        assert_int_equal(entries(temp_path("full")),
                         1); /* the old one goes when the new one stands */
        assert_int_equal(as_path_exists(temp_path("full/step_1")), !is_enough);
    }
    assert_int_equal(sigaction(SIGXFSZ, &old, NULL), 0);
    run_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_keep),
        cmocka_unit_test(test_without_master), cmocka_unit_test(test_keep_best),
        cmocka_unit_test(test_arrays),         cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_foreign),        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
