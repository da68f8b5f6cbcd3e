/* test_model_level.c -- the level of the processor that a model is computed at: the best, but
 * vectors where one of F16 is only run. SPDX-License-Identifier: Apache-2.0 */
#include "temp.h"
#include "tiny_model.h"

#include "base/path.h"
#include "cli/training.h"

/* A folder of tiny_qwen2's weights in this type. */
static const char *folder_of(as_dtype type)
{
    char like[512];
    tiny_model m;
    const char *path = temp_path(as_dtype_name(type));
    tiny_folder(like, sizeof like, "tiny_qwen2");
    const as_weights_save_options how = { .arena_dtype = AS_F32, .file_dtype = type, .like = like };
    tiny_open(&m, "tiny_qwen2", "", "cpu", K_F32);
    if (!as_path_exists(path))
        MUST(as_weights_save(m.index, m.arena, &how, path, err));
    tiny_close(&m);
    return path;
}

/* The table of a device that such options open. */
static const k_backend *table_of(const k_options *options)
{
    k_device *dev;
    assert_int_equal(k_device_open(&dev, "cpu", options), K_OK);
    const k_backend *table = dev->ops;
    k_device_close(dev);
    return table;
}

static const k_backend *usual(void)
{
    return table_of(&(k_options){ .n_threads = 1 });
}

static const k_backend *by_vectors(void)
{
    return table_of(&(k_options){ .n_threads = 1, .by_vectors = true });
}

static const k_backend *at_level(const char *isa)
{
    return table_of(&(k_options){ .n_threads = 1, .isa = isa });
}

static bool has_matrix_unit(void)
{
    return strcmp(at_level("amx")->level, "amx") == 0;
}

static const k_backend *of_run(as_dtype file, const char *dtype)
{
    as_opened_model m = { 0 };
    const as_model_opts how = {
        .model = folder_of(file), .device = "cpu", .dtype = dtype, .threads = 1
    };
    MUST(as_opened_model_open(&m, &how, err));
    const k_backend *table = m.dev->ops;
    as_opened_model_close(&m);
    return table;
}

static const k_backend *of_training(as_dtype file)
{
    training t = { 0 };
    const train_opts how = { .threads = 1 };
    train_config c = train_config_standard();
    c.model = folder_of(file);
    MUST(training_open(&t, &how, &c, err));
    const k_backend *table = t.dev->ops;
    training_close(&t);
    return table;
}

/* ---- tests ---- */

static void the_usual_one(void **state)
{
    (void)state;
    assert_ptr_equal(usual(),
                     at_level("amx")); /* or, where it is not here, what it steps down to */
    assert_ptr_equal(of_run(AS_F32, "auto"), usual());
    assert_ptr_equal(of_run(AS_BF16, "auto"), usual());
    assert_ptr_equal(of_run(AS_BF16, "bf16"), usual());
    assert_ptr_equal(of_training(AS_F16), usual());
    assert_ptr_equal(of_training(AS_F32), usual());
}

static void f16(void **state)
{
    (void)state;
    assert_ptr_equal(of_run(AS_F16, "auto"), by_vectors());
    assert_ptr_equal(of_run(AS_F16, "f32"), by_vectors());
    if (!has_matrix_unit()) {
        print_message("no matrix unit (AMX) here: f16 and the others are at one level\n");
        skip();
    }
    assert_ptr_not_equal(by_vectors(), usual());
    assert_ptr_equal(of_run(AS_F16, "bf16"), usual()); /* rounded: no F16 are left */
}

static void what_is_asked_for(void **state)
{
    (void)state;
    static const char *const levels[] = { "scalar", "avx2", "avx512", "amx" };
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        const k_backend *want = at_level(levels[i]);
        const k_options options = { .n_threads = 1, .isa = levels[i], .by_vectors = true };
        assert_ptr_equal(table_of(&options), want);
        assert_int_equal(setenv("ASSAY_CPU_LEVEL", levels[i], 1), 0);
        assert_ptr_equal(of_run(AS_F16, "auto"), want);
        assert_ptr_equal(of_run(AS_F32, "auto"), want);
        assert_ptr_equal(of_training(AS_F32), want);
        assert_int_equal(unsetenv("ASSAY_CPU_LEVEL"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_usual_one), cmocka_unit_test(f16),
                                        cmocka_unit_test(what_is_asked_for) };
    (void)unsetenv("ASSAY_CPU_LEVEL");
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
