/* device.c -- the backends of this build, by name. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"

#include <stdio.h>
#include <string.h>

/* "cpu" goes by the table that runs on any processor; opening it chooses the device's own. */
extern const k_backend k_naive_f64_backend, k_naive_f32_backend, k_cpu_scalar;

static const k_backend *const backends[] = { &k_naive_f64_backend, &k_naive_f32_backend,
                                             &k_cpu_scalar };

const k_backend *k_backend_at(size_t i)
{
    const size_t n = sizeof backends / sizeof backends[0];
    return i < n ? backends[i] : i == n ? k_backend_loaded() : NULL;
}

const k_backend *k_backend_find(const char *name)
{
    const k_backend *b;
    for (size_t i = 0; (b = k_backend_at(i)); i++)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}

int k_device_open(k_device **out, const char *backend, const k_options *options)
{
    static const k_options usual = { .n_threads = 0 };
    const k_backend *b = k_backend_find(backend);
    *out = NULL;
    if (!b || b->version != K_TABLE_VERSION)
        return K_EARG;
    return b->open(out, options ? options : &usual);
}

void k_device_close(k_device *dev)
{
    if (dev)
        dev->ops->close(dev);
}

void k_why(const k_backend *backend, int status, char *why, size_t size)
{
    if (size == 0)
        return;
    why[0] = '\0';
    if (backend && backend->why)
        backend->why(status, why, size);
    if (why[0] == '\0')
        snprintf(why, size, "%s", k_status_text(status));
}

const char *k_status_text(int status)
{
    switch (status) {
    case K_OK:
        return "done";
    case K_EARG:
        return "sizes or pointers that do not go together";
    case K_ETYPE:
        return "a type this backend does not compute in";
    case K_ENOMEM:
        return "out of memory";
    case K_EINDEX:
        return "a token, position, slot or block outside its table";
    case K_EDEVICE:
        return "the device failed or is not there";
    default:
        return "unknown status";
    }
}
