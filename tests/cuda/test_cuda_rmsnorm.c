/* test_cuda_rmsnorm.c -- the CUDA backend as the emulation runs it: its kernels compute what the
 * scalar reference does, and whatever order their threads run in, no race, no access out of bounds,
 * no read of what nobody wrote. SPDX-License-Identifier: Apache-2.0 */
#include "emu_test.h"

#include "kernels/cuda/library.h"
#include "rmsnorm_cases.h"

k_library_entry assay_kernels;

static k_device *open_emulated(void)
{
    k_device *dev = NULL;
    const k_options options = { .index = 0 };
    assert_int_equal(assay_kernels()->backend->open(&dev, &options), K_OK);
    return dev;
}

static void shapes(void **state)
{
    (void)state;
    k_device *dev = open_emulated();
    for (size_t i = 0; i < N_ORDERS; i++) {
        set_order(i);
        rmsnorm_all_shapes(dev, assert_clean);
    }
    dev->ops->close(dev);
    assert_clean("close");
}

static void same_bits(void **state)
{
    (void)state;
    k_device *dev = open_emulated();
    set_order(1);
    rmsnorm_same_bits(dev, assert_clean);
    dev->ops->close(dev);
}

static void refusals(void **state)
{
    (void)state;
    k_device *dev = open_emulated();
    rmsnorm_refusals(dev);
    assert_clean("refusals");
    dev->ops->close(dev);
}

static void device(void **state)
{
    (void)state;
    const k_library *library = assay_kernels();
    assert_int_equal(library->version, K_TABLE_VERSION);
    assert_int_equal(library->table_size, sizeof(k_backend));
    assert_string_equal(library->backend->name, "cuda");
    k_device *dev = NULL;
    const k_options second = { .index = 1 };
    assert_int_equal(library->backend->open(&dev, &second), K_EARG);
    assert_null(dev);
    dev = open_emulated();
    assert_null(dev->ops->alloc(dev, (size_t)1 << 60));
    assert_int_equal(dev->ops->sync(dev), K_OK); /* no memory is no broken device */
    char *p = dev->ops->alloc(dev, 100);
    assert_int_equal((uintptr_t)p % 64, 0);
    char host[100];
    assert_int_equal(dev->ops->zero(dev, p, 100), K_OK);
    assert_int_equal(dev->ops->copy_to(dev, p + 1, "abc", 3), K_OK);
    assert_int_equal(dev->ops->copy(dev, p + 50, p, 10), K_OK);
    assert_int_equal(dev->ops->copy_from(dev, host, p, 100), K_OK);
    assert_memory_equal(host + 50, "\0abc\0", 5);
    assert_int_equal(dev->ops->copy_to(dev, p + 98, "abc", 3), K_EDEVICE);
    assert_int_equal(dev->ops->copy_to(dev, NULL, NULL, 0), K_OK);
    dev->ops->free(dev, p);
    dev->ops->free(dev, NULL);
    dev->ops->close(dev);
    library->backend->close(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(refusals),
        cmocka_unit_test(device),
    };
    choose_tests(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
