/* test_model_folder.c -- weights from and to Hugging Face folders: bit for bit, whole or not at
 * all. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/weights_io.h"
#include "temp.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

static const char *const families[] = { "tiny_qwen2", "tiny_llama", "tiny_qwen3" };

static const char *golden(const char *name)
{
    static char path[4][600];
    static unsigned at;
    char *out = path[at++ % 4];
    (void)snprintf(out, sizeof path[0], "%s/tests/golden/models/%s", getenv("ASSAY_SOURCE"), name);
    return out;
}

static as_weights_index *index_of(const char *folder)
{
    as_err err = { 0 };
    as_model_config c;
    as_weights_index *x = NULL;
    if (as_model_config_load(&c, folder, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(as_weights_index_new(&x, &c, &err), 0);
    return x;
}

static float *load(const as_weights_index *x, const char *folder)
{
    as_err err = { 0 };
    float *arena = as_malloc(x->n_elements * sizeof *arena);
    memset(arena, 0xFF, x->n_elements * sizeof *arena);
    if (as_weights_load(x, folder, NULL, arena, &err) != 0)
        fail_msg("%s", err.text);
    return arena;
}

static void same_file(const char *a, const char *b)
{
    as_buf x, y;
    as_err err = { 0 };
    as_buf_init(&x, 1 << 24);
    as_buf_init(&y, 1 << 24);
    if (as_file_read(a, &x, &err) != 0 || as_file_read(b, &y, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(as_str_eq(as_buf_str(&x), as_buf_str(&y)));
    as_buf_fini(&x);
    as_buf_fini(&y);
}

/* Each tensor of the file stands in the arena where the index says, and gaps are zero. */
static void test_loaded(void **state)
{
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        as_weights_index *x = index_of(golden(families[f]));
        float *arena = load(x, golden(families[f]));
        as_safetensors *s;
        size_t at = 0;
        assert_int_equal(as_safetensors_open_folder(&s, golden(families[f]), NULL), 0);
        assert_int_equal(as_safetensors_count(s), x->n_parts);
        for (size_t i = 0; i < x->n_parts; i++) {
            const as_part *p = &x->parts[i];
            for (; at < p->offset; at++)
                assert_true(arena[at] == 0 && !signbit(arena[at]));
            const as_safetensor *t = as_safetensors_find(s, p->name);
            assert_memory_equal(t->data, arena + p->offset, p->n * sizeof(float));
            at += p->n;
        }
        for (; at < x->n_elements; at++)
            assert_true(arena[at] == 0);
        as_safetensors_close(s);
        as_free(arena);
        as_weights_index_free(x);
    }
}

static void test_bf16_arena(void **state)
{
    char folder[700];
    as_err err = { 0 };
    as_weights_index *x = index_of(golden("tiny_qwen3"));
    const as_weights_load_options bf16 = { .dtype = AS_BF16 };
    float *wide = load(x, golden("tiny_qwen3"));
    uint16_t *a = as_calloc(x->n_elements, 2), *b = as_calloc(x->n_elements, 2);
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/bf16", golden("tiny_qwen3"));
    assert_int_equal(as_weights_load(x, golden("tiny_qwen3"), &bf16, a, &err), 0);
    assert_int_equal(as_weights_load(x, folder, &bf16, b, &err), 0); /* rounded by torch */
    assert_memory_equal(a, b, x->n_elements * 2);
    as_convert(b, AS_BF16, wide, AS_F32, x->n_elements);
    assert_memory_equal(a, b, x->n_elements * 2);
    as_free(a);
    as_free(b);
    as_free(wide);
    as_weights_index_free(x);
}

/* Saved and loaded is the same; F32 beside its like is the same folder but for the names' order. */
static void test_saved(void **state)
{
    static const char *const copied[] = { "config.json", "generation_config.json", "tokenizer.json",
                                          "tokenizer_config.json", "chat_template.jinja" };
    static const as_dtype kinds[] = { AS_F32, AS_BF16, AS_F16 };
    (void)state;
    for (size_t f = 0; f < 9; f++) {
        const char *from = golden(families[f / 3]);
        as_weights_index *x = index_of(from);
        float *arena = load(x, from), *want = as_malloc(x->n_elements * sizeof *want);
        void *narrow = as_malloc(x->n_elements * sizeof *want);
        char name[32];
        as_err err = { 0 };
        /* one in shards of any size, too */
        as_weights_save_options o = { AS_F32, kinds[f % 3], from, f / 3 == 1 ? 30000 : 0 };
        (void)snprintf(name, sizeof name, "saved-%zu", f);
        if (as_weights_save(x, arena, &o, temp_path(name), &err) != 0)
            fail_msg("%s", err.text);
        as_convert(narrow, o.file_dtype, arena, AS_F32, x->n_elements);
        as_convert(want, AS_F32, narrow, o.file_dtype, x->n_elements);
        float *again = load(x, temp_path(name));
        assert_memory_equal(again, want, x->n_elements * sizeof *want);
        as_model_config c;
        assert_int_equal(as_model_config_load(&c, temp_path(name), &err), 0);
        assert_int_equal(c.dtype, o.file_dtype);
        for (size_t i = o.file_dtype == AS_F32 ? 0 : 1; i < 5; i++) {
            char path[700], source[700];
            (void)snprintf(path, sizeof path, "%s/%s", temp_path(name), copied[i]);
            (void)snprintf(source, sizeof source, "%s/%s", from, copied[i]);
            same_file(path, source);
        }
        (void)snprintf(name, sizeof name, "saved-%zu/model.safetensors", f);
        assert_int_equal(as_path_exists(temp_path(name)), f / 3 != 1);
        as_free(again);
        as_free(narrow);
        as_free(want);
        as_free(arena);
        as_weights_index_free(x);
    }
}

static void test_saved_alone(void **state)
{
    as_weights_index *x = index_of(golden("tiny_llama"));
    float *arena = load(x, golden("tiny_llama"));
    uint16_t *narrow = as_malloc(x->n_elements * 2);
    const as_weights_save_options o = { AS_BF16, AS_F32, NULL, 0 };
    as_err err = { 0 };
    (void)state;
    as_convert(narrow, AS_BF16, arena, AS_F32, x->n_elements);
    as_convert(arena, AS_F32, narrow, AS_BF16, x->n_elements);
    assert_int_equal(as_weights_save(x, narrow, &o, temp_path("alone"), &err), 0);
    as_weights_index *y = index_of(temp_path("alone"));
    assert_int_equal(y->n_elements, x->n_elements);
    float *again = load(y, temp_path("alone"));
    assert_memory_equal(again, arena, x->n_elements * sizeof *arena);
    assert_int_equal(as_weights_save(x, narrow, &o, temp_path("alone"), &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "alone: is there and not empty"));
    as_weights_save_options wrong = o;
    wrong.file_dtype = AS_I64;
    assert_int_equal(as_weights_save(x, narrow, &wrong, temp_path("i64"), NULL), AS_EUSAGE);
    wrong.file_dtype = AS_F32;
    wrong.like = golden("tiny_qwen3");
    err = (as_err){ 0 };
    assert_int_equal(as_weights_save(x, narrow, &wrong, temp_path("unlike"), &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "is of a model of other shapes"));
    assert_false(as_path_exists(temp_path("unlike")));
    as_free(again);
    as_free(narrow);
    as_free(arena);
    as_weights_index_free(x);
    as_weights_index_free(y);
}

/* ---- what is wrong with a file ---- */

typedef struct change {
    const char *tensor;
    enum { DROP, RENAME, RESHAPE, FLATTEN, RETYPE, NOT_A_NUMBER, INFINITE } what;
    const char *says;
} change;

/* tiny_llama's file with one tensor changed, as `path`. */
static void write_changed(const change *c, const char *path)
{
    as_safetensors *s;
    as_safetensors_item items[32] = { { 0 } };
    size_t n = 0;
    assert_int_equal(as_safetensors_open_folder(&s, golden("tiny_llama"), NULL), 0);
    float *copy = NULL;
    for (size_t i = 0; i < as_safetensors_count(s); i++) {
        const as_safetensor *t = as_safetensors_at(s, i);
        as_safetensors_item *o = &items[n++];
        *o = (as_safetensors_item){ t->name.data, t->dtype, t->dtype, t->n_dims, { 0 }, t->data };
        memcpy(o->dims, t->dims, sizeof o->dims);
        if (!as_str_is(t->name, c->tensor))
            continue;
        copy = as_malloc(t->n_bytes);
        memcpy(copy, t->data, t->n_bytes);
        o->data = copy;
        n -= c->what == DROP;
        if (c->what == RENAME)
            o->name = "model.layers.0.mlp.gate_up_proj.weight";
        if (c->what == RESHAPE) {
            o->dims[0] = t->dims[1];
            o->dims[1] = t->dims[0];
        }
        if (c->what == FLATTEN) {
            o->dims[0] *= o->dims[1];
            o->n_dims = 1;
        }
        if (c->what == RETYPE)
            o->dtype = o->data_dtype = AS_I32;
        copy[5] = c->what == NOT_A_NUMBER ? (float)NAN
                  : c->what == INFINITE   ? -(float)INFINITY
                                          : copy[5];
    }
    assert_int_equal(as_safetensors_write(path, items, n, NULL, 0, NULL), 0);
    as_free(copy);
    as_safetensors_close(s);
}

static void test_changed_files(void **state)
{
    static const change changes[] = {
        { "lm_head.weight", DROP,
          "tensor \"lm_head.weight\" is missing, and config.json does not say" },
        { "model.layers.1.mlp.up_proj.weight", DROP,
          "tensor \"model.layers.1.mlp.up_proj.weight\" is missing (not all files were fetched" },
        { "model.layers.0.mlp.up_proj.weight", RENAME,
          "tensor \"model.layers.0.mlp.gate_up_proj.weight\" is unknown to a model of this kind" },
        { "model.layers.0.mlp.down_proj.weight", RESHAPE,
          "has the shape [128, 64], but config.json asks for [64, 128]" },
        { "model.embed_tokens.weight", FLATTEN, "has the shape [24576], but config.json asks for" },
        { "model.norm.weight", RETYPE, "\"model.norm.weight\" is I32; weights must be F32, BF16" },
        { "model.norm.weight", NOT_A_NUMBER, "\"model.norm.weight\": element 5 of 64 is NaN" },
        { "lm_head.weight", INFINITE, "\"lm_head.weight\": element 5 of 24576 is infinite" },
    };
    as_weights_index *x = index_of(golden("tiny_llama"));
    float *arena = as_calloc(x->n_elements, sizeof *arena);
    (void)state;
    assert_int_equal(mkdir(temp_path("changed"), 0700), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const as_weights_load_options any = { .dtype = AS_F32, .allow_not_finite = true };
        as_err err = { 0 };
        write_changed(&changes[i], temp_path("changed/model.safetensors"));
        assert_int_equal(as_weights_load(x, temp_path("changed"), NULL, arena, &err), AS_EDATA);
        if (!strstr(err.text, changes[i].says))
            fail_msg("case %zu: %s\n lacks: %s", i, err.text, changes[i].says);
        assert_int_equal(as_weights_load(x, temp_path("changed"), &any, arena, NULL),
                         changes[i].what >= NOT_A_NUMBER ? 0 : AS_EDATA);
    }
    as_free(arena);
    as_weights_index_free(x);
}

/* A tied model whose file keeps the head all the same: config.json counts. */
static void test_tied_head(void **state)
{
    const change none = { "", DROP, NULL };
    as_model_config c;
    as_weights_index *x;
    (void)state;
    assert_int_equal(as_model_config_load(&c, golden("tiny_llama"), NULL), 0);
    c.is_tied = true;
    assert_int_equal(as_weights_index_new(&x, &c, NULL), 0);
    assert_int_equal(mkdir(temp_path("tied"), 0700), 0);
    write_changed(&none, temp_path("tied/model.safetensors"));
    as_free(load(x, temp_path("tied")));
    as_weights_index_free(x);
}

/* ---- a full disk ---- */

static unsigned entries(const char *folder)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    return n;
}

/* Files may grow to `most` bytes only: whatever that is, there is the whole model or nothing. */
static void test_full_disk(void **state)
{
    as_weights_index *x = index_of(golden("tiny_qwen2"));
    float *arena = load(x, golden("tiny_qwen2"));
    struct rlimit before, now;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
    const as_weights_save_options o = { AS_F32, AS_F32, golden("tiny_qwen2"), 150000 };
    (void)state;
    assert_int_equal(mkdir(temp_path("full"), 0700), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &old), 0);
    static const rlim_t most[] = { 0, 100, 700, 784, 5000, 13710, 60000, 120000, 149000, 160000 };
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        as_err err = { 0 };
        now = (struct rlimit){ most[i], before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        int rc = as_weights_save(x, arena, &o, temp_path("full/model"), &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        bool is_enough = most[i] == 160000;
        assert_int_equal(rc, is_enough ? 0 : AS_EBUDGET);
        if (!is_enough)
            assert_non_null(strstr(err.text, "full/model: nothing was saved: "));
        assert_int_equal(entries(temp_path("full")), is_enough ? 3 : 2); /* . and .. */
    }
    assert_int_equal(sigaction(SIGXFSZ, &old, NULL), 0);
    as_free(load(x, temp_path("full/model")));
    as_free(arena);
    as_weights_index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loaded),        cmocka_unit_test(test_bf16_arena),
        cmocka_unit_test(test_saved),         cmocka_unit_test(test_saved_alone),
        cmocka_unit_test(test_changed_files), cmocka_unit_test(test_tied_head),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
