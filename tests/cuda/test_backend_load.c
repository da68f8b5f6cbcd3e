/* test_backend_load.c -- backends from shared libraries: a good one is found by its name, each
 * wrong one is refused with a sentence that names it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load(const char *name, char *why, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/libraries/%s.so", getenv("ASSAY_BUILD"), name);
    const int rc = k_backend_load(path, why, size);
    if (rc != K_OK)
        assert_non_null(strstr(why, name)); /* it is named */
    return rc;
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *why;
        int rc;
    } wrong[] = {
        { "kernels_wrong1", "of the table of kernels, this program has", K_EARG },
        { "kernels_wrong2", "bytes", K_EARG },
        { "kernels_wrong3", "does not export assay_kernels", K_EARG },
        { "kernels_wrong4", "no device: the driver says 35", K_EDEVICE },
        { "kernels_wrong5", "\"naive-f64\" already", K_EARG },
        { "kernels_absent", "No such file", K_EARG },
    };
    char why[512];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(load(wrong[i].name, why, sizeof why), wrong[i].rc);
        if (!strstr(why, wrong[i].why))
            fail_msg("%s: \"%s\" says nothing of \"%s\"", wrong[i].name, why, wrong[i].why);
    }
    assert_int_equal(k_backend_load("libassay_cuda.so", why, sizeof why), K_EARG);
    assert_non_null(strstr(why, "with a / in it"));
    char tiny[8];
    assert_int_equal(load("kernels_absent", why, sizeof why), K_EARG);
    assert_int_equal(k_backend_load("/x", tiny, sizeof tiny), K_EARG);
    assert_int_equal(strlen(tiny), 7);
    assert_null(k_backend_loaded());
    assert_null(k_backend_find("few"));
}

static void found(void **state)
{
    (void)state;
    char why[512];
    assert_int_equal(load("kernels_few", why, sizeof why), K_OK);
    assert_string_equal(why, "");
    assert_int_equal(load("kernels_few", why, sizeof why), K_OK);
    const k_backend *few = k_backend_find("few");
    assert_non_null(few);
    assert_ptr_equal(few, k_backend_loaded());
    size_t n = 0;
    while (k_backend_at(n))
        n++;
    assert_ptr_equal(k_backend_at(n - 1), few);
    k_device *dev = NULL;
    assert_int_equal(k_device_open(&dev, "few", NULL), K_ENOMEM);
}

static void missing(void **state)
{
    (void)state;
    const k_backend *few = k_backend_find("few");
    assert_string_equal(k_backend_missing(few, 0), "close");
    size_t n = 0;
    const char *last = NULL;
    for (const char *name; (name = k_backend_missing(few, n)); n++) {
        assert_string_not_equal(name, "open");
        assert_string_not_equal(name, "sync");
        last = name;
    }
    assert_string_equal(last, "adamw");
    enum { IT_HAS = 2, OPTIONAL = 5 };
    assert_int_equal(n, (sizeof(k_backend) - offsetof(k_backend, open)) / sizeof(void *) - IT_HAS -
                            OPTIONAL);
    assert_null(k_backend_missing(k_backend_find("naive-f64"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(found),
        cmocka_unit_test(missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
