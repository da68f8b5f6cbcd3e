/* test_cuda_rmsnorm.c -- the CUDA backend as the emulation runs it: its kernels compute what the
 * scalar reference does, and whatever order their threads run in, no race, no access out of bounds,
 * no read of what nobody wrote.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_test.h"

#include "kernels/cuda/library.h"
#include "rmsnorm_cases.h"

k_library_entry assay_kernels;

static k_device *open_emulated(int index)
{
    k_device *dev = NULL;
    const k_options options = { .index = index };
    assert_int_equal(assay_kernels()->backend->open(&dev, &options), K_OK);
    return dev;
}

static void shapes(void **state)
{
    (void)state;
    k_device *dev = open_emulated(0);
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
    k_device *dev = open_emulated(0);
    set_order(1);
    rmsnorm_same_bits(dev, assert_clean);
    dev->ops->close(dev);
}

static void refusals(void **state)
{
    (void)state;
    k_device *dev = open_emulated(0);
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
    const k_options third = { .index = 2 };
    assert_int_equal(library->backend->open(&dev, &third), K_EARG);
    assert_null(dev);
    dev = open_emulated(0);
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

/* One thread with two devices: each operation goes to its own. */
static void two_devices(void **state)
{
    (void)state;
    k_device *devices[] = { open_emulated(0), open_emulated(1) };
    char why[64] = "";
    assert_int_equal(assay_kernels()->count_devices(why, sizeof why), 2);
    assert_string_equal(why, "");
    for (size_t i = 0; i < 2; i++) {
        k_device *dev = devices[i];
        k_device *other = devices[1 - i];
        float *x = dev->ops->alloc(dev, 16 * sizeof *x);
        assert_int_equal(dev->ops->zero(dev, x, 16 * sizeof *x), K_OK);
        const k_rmsnorm a = { K_F32, 1, 8, 1, 8, 8, 1e-6, x, NULL, x, x + 8, NULL };
        k_rmsnorm_bwd b = { .type = K_F32, .rows = 1, .n = 8, .per_token = 1 };
        b.x_stride = b.dy_stride = b.dx_stride = 8;
        b.dy = b.x = b.weight = b.rstd = x;
        b.dx = x + 8;
        assert_int_equal(other->ops->zero(other, x, 4), K_OK);
        assert_int_equal(dev->ops->rmsnorm(dev, &a), K_OK);
        assert_int_equal(other->ops->zero(other, x, 4), K_OK);
        assert_int_equal(dev->ops->rmsnorm_bwd(dev, &b), K_OK);
        dev->ops->free(dev, x);
    }
    assert_clean("two devices");
    devices[0]->ops->close(devices[0]);
    devices[1]->ops->close(devices[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes), cmocka_unit_test(same_bits),   cmocka_unit_test(refusals),
        cmocka_unit_test(device), cmocka_unit_test(two_devices),
    };
    choose_tests(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
