/* test_cuda_backend.c -- a machine without a driver, with an old one, a device too small, taken,
 * broken: each is a sentence that says so and what helps, and nothing of it stays behind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_test.h"

#include "kernels/cuda/library.h"

k_library_entry assay_kernels;

static const k_backend *ops(void)
{
    return assay_kernels()->backend;
}

static void says(int status, const char *part)
{
    char why[400];
    char tiny[6];
    k_why(ops(), status, why, sizeof why);
    if (!strstr(why, part))
        fail_msg("\"%s\" says nothing of \"%s\"", why, part);
    assert_true(strlen(why) < 300);
    assert_int_not_equal(why[strlen(why) - 1], '.');
    k_why(ops(), status, tiny, sizeof tiny);
    assert_int_equal(strlen(tiny), 5);
    k_why(ops(), status, tiny, 0);
}

/* Opening ends so, and works again when the machine is put right. */
static void cannot_open(emu_machine machine, int index, int status, const char *part)
{
    const emu_machine good = emu_has;
    const k_options options = { .index = index };
    k_device *dev = NULL;
    emu_has = machine;
    assert_int_equal(ops()->open(&dev, &options), status);
    assert_null(dev);
    says(status, part);
    emu_has = good;
    assert_int_equal(ops()->open(&dev, &(k_options){ .index = 0 }), K_OK);
    ops()->close(dev);
    assert_clean("open");
}

static void opening(void **state)
{
    (void)state;
    emu_machine m = emu_has;
    m.driver = 0;
    cannot_open(m, 0, K_EDEVICE,
                "there is no NVIDIA driver (libcuda.so.1): install one for CUDA 13.0");
    m.driver = 12040;
    cannot_open(m, 0, K_EDEVICE,
                "too old: it is for CUDA 12.4, and 13.0 is needed: install a newer");
    m = emu_has;
    m.n_devices = 0;
    cannot_open(m, 0, K_EDEVICE, "CUDA_VISIBLE_DEVICES must not hide it");
    m = emu_has;
    cannot_open(m, 7, K_EARG, "no device 7: CUDA finds 2, counted from 0");
    cannot_open(m, -1, K_EARG, "no device -1");
    m.major = 7;
    m.minor = 5;
    cannot_open(m, 1, K_EDEVICE, "device 1 has compute capability 7.5, and the kernels need 8.0");
    m = emu_has;
    m.refusal = cudaErrorDevicesUnavailable;
    cannot_open(m, 0, K_EDEVICE, "another process has the device for itself");
    m.refusal = cudaErrorMemoryAllocation;
    cannot_open(m, 0, K_ENOMEM, "nvidia-smi names who holds it");
    m.refusal = cudaErrorInitializationError;
    cannot_open(m, 0, K_EDEVICE, "initialization error (CUDA's error 3)");
    m.refusal = cudaErrorSystemDriverMismatch;
    cannot_open(m, 0, K_EDEVICE, "of different versions");
    m = emu_has;
    m.taken = m.memory - 1024;
    cannot_open(m, 0, K_ENOMEM,
                "16.0 MiB are wanted of device 0, which has 0.0 of its 256.0 MiB left");
}

static void counting(void **state)
{
    (void)state;
    char why[400] = "";
    assert_int_equal(assay_kernels()->count_devices(why, sizeof why), 2);
    assert_string_equal(why, "");
    const emu_machine good = emu_has;
    emu_has.driver = 0;
    assert_int_equal(assay_kernels()->count_devices(why, sizeof why), 0);
    assert_non_null(strstr(why, "there is no NVIDIA driver"));
    emu_has = good;
    emu_has.n_devices = 0;
    assert_int_equal(assay_kernels()->count_devices(why, sizeof why), 0);
    assert_non_null(strstr(why, "nvidia-smi must list a GPU"));
    emu_has = good;
}

/* Without pinned memory copies wait for the device, and are the same. */
static void nothing_pinned(void **state)
{
    (void)state;
    const size_t pinned = emu_has.pinned;
    k_device *dev = NULL;
    char back[6];
    emu_has.pinned = 100;
    assert_int_equal(ops()->open(&dev, &(k_options){ .index = 0 }), K_OK);
    void *p = ops()->alloc(dev, 6);
    assert_int_equal(ops()->copy_to(dev, p, "bytes", 6), K_OK);
    assert_int_equal(ops()->copy_from(dev, back, p, 6), K_OK);
    assert_string_equal(back, "bytes");
    ops()->free(dev, p);
    ops()->close(dev);
    emu_has.pinned = pinned;
}

/* As much is left when a device is closed as before it was opened; and it says what it has. */
static void memory(void **state)
{
    (void)state;
    size_t before;
    size_t now;
    size_t all;
    k_device *dev = NULL;
    cudaMemGetInfo(&before, &all);
    assert_int_equal(ops()->open(&dev, &(k_options){ .index = 1 }), K_OK);
    void *p = ops()->alloc(dev, 1000000);
    assert_non_null(p);
    assert_int_equal(ops()->memory(dev, &now, &all), K_OK);
    assert_int_equal(all, emu_has.memory);
    assert_true(now + 1000000 <= before && now + 100000000 > before);
    assert_null(ops()->alloc(dev, emu_has.memory));
    says(K_ENOMEM, "256.0 MiB are wanted of device 1");
    ops()->free(dev, p);
    ops()->free(dev, NULL);
    ops()->close(dev);
    ops()->close(NULL);
    cudaMemGetInfo(&now, &all);
    assert_int_equal(now, before);
}

/* After a kernel that broke its device everything says so. */
static void broken(void **state)
{
    (void)state;
    static const int errors[] = { cudaErrorIllegalAddress, cudaErrorMisalignedAddress,
                                  cudaErrorLaunchFailure, cudaErrorAssert };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        k_device *dev = NULL;
        k_recording *recording = NULL;
        char host[64] = "";
        size_t unused;
        size_t all;
        assert_int_equal(ops()->open(&dev, &(k_options){ .index = 0 }), K_OK);
        float *p = ops()->alloc(dev, 4096);
        assert_int_equal(ops()->zero(dev, p, 4096), K_OK);
        assert_int_equal(ops()->record(dev), K_OK);
        emu_has.failure = errors[i];
        const k_rmsnorm norm = { .type = K_F32,
                                 .rows = 2,
                                 .n = 8,
                                 .per_token = 1,
                                 .x_stride = 8,
                                 .y_stride = 8,
                                 .x = p,
                                 .weight = p + 64,
                                 .y = p + 128 };
        assert_int_equal(ops()->rmsnorm(dev, &norm), K_EDEVICE);
        says(K_EDEVICE, cudaGetErrorString((cudaError_t)errors[i]));
        says(K_EDEVICE, "a kernel failed, and this process can use the device no more");
        assert_int_equal(ops()->zero(dev, p, 64), K_EDEVICE);
        assert_int_equal(ops()->recorded(dev, &recording), K_EDEVICE);
        assert_null(recording);
        assert_int_equal(ops()->record(dev), K_EDEVICE);
        assert_int_equal(ops()->copy(dev, p, p + 512, 64), K_EDEVICE);
        assert_int_equal(ops()->copy_to(dev, p, host, 64), K_EDEVICE);
        assert_int_equal(ops()->copy_from(dev, host, p, 64), K_EDEVICE);
        assert_int_equal(ops()->memory(dev, &unused, &all), K_EDEVICE);
        assert_int_equal(ops()->sync(dev), K_EDEVICE);
        assert_null(ops()->alloc(dev, 64));
        says(K_EDEVICE, "a kernel failed");
        emu_has.failure = 0;
        ops()->free(dev, p);
        ops()->close(dev);
    }
    assert_clean("broken");
}

/* What the emulation finds in a kernel is a kernel that failed. And a launch that is refused is not
 * in a recording. */
static void other_statuses(void **state)
{
    (void)state;
    char why[100];
    k_why(ops(), K_ETYPE, why, sizeof why);
    assert_string_equal(why, k_status_text(K_ETYPE));
    k_why(NULL, K_EDEVICE, why, sizeof why);
    assert_string_equal(why, k_status_text(K_EDEVICE));
    k_why(k_backend_find("cpu"), K_EDEVICE, why, sizeof why);
    assert_string_equal(why, k_status_text(K_EDEVICE));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening), cmocka_unit_test(counting), cmocka_unit_test(nothing_pinned),
        cmocka_unit_test(memory),  cmocka_unit_test(broken),   cmocka_unit_test(other_statuses),
    };
    choose_tests(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
