/* test_cuda_device.c -- libassay_cuda.so on a GPU: opened as a host opens it, held against the
 * scalar reference. Where the library or a device is not there, that is said, and 77 returned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "numbers.h"

#include "rmsnorm_cases.h"

#include <unistd.h>

static void no_error(const char *what)
{
    (void)what; /* each operation's status is looked at where it is called */
}

static void on_device(void (*cases)(k_device *dev, rmsnorm_check *check))
{
    k_device *dev = NULL;
    assert_int_equal(k_device_open(&dev, "cuda", NULL), K_OK);
    cases(dev, no_error);
    assert_int_equal(dev->ops->sync(dev), K_OK);
    k_device_close(dev);
}

static void shapes(void **state)
{
    (void)state;
    on_device(rmsnorm_all_shapes);
}

static void same_bits(void **state)
{
    (void)state;
    on_device(rmsnorm_same_bits);
}

static void refusals(void **state)
{
    (void)state;
    k_device *dev = NULL;
    assert_int_equal(k_device_open(&dev, "cuda", NULL), K_OK);
    rmsnorm_refusals(dev);
    k_device_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(refusals),
    };
    char path[512];
    char why[512];
    const char *build = getenv("ASSAY_BUILD");
    snprintf(path, sizeof path, "%s/libassay_cuda.so", build ? build : ".");
    if (access(path, R_OK) != 0) {
        printf("SKIP cuda.device: %s is not built (cmake --preset cuda)\n", path);
        return 77;
    }
    const int rc = k_backend_load(path, why, sizeof why);
    if (rc == K_EDEVICE) {
        printf("SKIP cuda.device: %s\n", why);
        return 77;
    }
    if (rc != K_OK) {
        printf("%s\n", why);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
