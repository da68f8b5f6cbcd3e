/* library.c -- libraries of kernels for test_backend_load.c: a good one, and with WRONG=n one that
 * is not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/library.h"

#include <stdio.h>

#ifndef WRONG
#define WRONG 0
#endif

static int nothing(k_device *dev)
{
    (void)dev;
    return K_OK;
}

static int open_none(k_device **out, const k_options *options)
{
    (void)options;
    *out = NULL;
    return K_ENOMEM;
}

static const k_backend backend = {
    .version = K_TABLE_VERSION,
    .name = WRONG == 5 ? "naive-f64" : "few",
    .open = open_none,
    .sync = nothing,
};

static int count_devices(char *why, size_t size)
{
    if (WRONG == 4)
        snprintf(why, size, "the driver says 35");
    return WRONG == 4 ? 0 : 1;
}

static const k_library library = {
    K_TABLE_VERSION + (WRONG == 1),
    sizeof(k_backend) + (WRONG == 2 ? 8 : 0),
    &backend,
    count_devices,
};

#if WRONG == 3
#define assay_kernels other_kernels
#endif
__attribute__((visibility("default"))) k_library_entry assay_kernels;
const k_library *assay_kernels(void)
{
    return &library;
}
