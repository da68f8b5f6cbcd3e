/* load.c -- a backend from a shared library, so that what it needs (CUDA) need not be there for
 * this program to start. The library stays for as long as the process lives.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/library.h"
#include "kernels/kernels.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const k_backend *loaded;

const k_backend *k_backend_loaded(void)
{
    return loaded;
}

/* Whether it was made for the table as it is here. */
static int check(const k_library *library, const char *path, char *why, size_t size)
{
    if (!library || library->version != K_TABLE_VERSION) {
        snprintf(why, size,
                 "%s: made for version %u of the table of kernels, this program has %d: "
                 "use the library of the same build",
                 path, library ? library->version : 0, K_TABLE_VERSION);
        return K_EARG;
    }
    if (library->table_size != sizeof(k_backend) || !library->backend ||
        library->backend->version != K_TABLE_VERSION) {
        snprintf(why, size,
                 "%s: its table of kernels has %u bytes, this program's %zu: use the "
                 "library of the same build",
                 path, library->table_size, sizeof(k_backend));
        return K_EARG;
    }
    return K_OK;
}

int k_backend_add(const k_library *library, const char *name, char *why, size_t size)
{
    if (size > 0)
        why[0] = '\0';
    const int rc = check(library, name, why, size);
    if (rc < 0 || loaded == library->backend)
        return rc;
    if (loaded || k_backend_find(library->backend->name)) {
        snprintf(why, size, "%s: there is a backend \"%s\" already", name,
                 loaded ? loaded->name : library->backend->name);
        return K_EARG;
    }
    char reason[400] = "";
    if (library->count_devices(reason, sizeof reason) < 1) {
        snprintf(why, size, "%s: no device: %s", name, reason);
        return K_EDEVICE;
    }
    loaded = library->backend;
    return K_OK;
}

int k_backend_load(const char *path, char *why, size_t size)
{
    if (size > 0)
        why[0] = '\0';
    if (!strchr(path, '/')) { /* else dlopen would look for it in folders of its own choice */
        snprintf(why, size, "%s: give the library's path, with a / in it", path);
        return K_EARG;
    }
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!so) {
        snprintf(why, size, "%s", dlerror());
        return K_EARG;
    }
    void *symbol = dlsym(so, K_LIBRARY_SYMBOL);
    if (!symbol) {
        snprintf(why, size, "%s: no library of kernels: it does not export %s", path,
                 K_LIBRARY_SYMBOL);
        return K_EARG;
    }
    k_library_entry *entry;
    memcpy(&entry, &symbol, sizeof entry); /* ISO C knows no cast from void * to a function */
    return k_backend_add(entry(), path, why, size);
}

/* A pointer to a function as this table holds it, and whether it is NULL. */
#define OPERATION(name)                                                                            \
    {                                                                                              \
#name, offsetof(k_backend, name)                                                           \
    }
static const struct {
    const char *name;
    size_t at;
} operations[] = {
    OPERATION(open),           OPERATION(close),       OPERATION(alloc),
    OPERATION(free),           OPERATION(zero),        OPERATION(copy_to),
    OPERATION(copy_from),      OPERATION(copy),        OPERATION(sync),
    OPERATION(memory),         OPERATION(n_lanes),     OPERATION(in_lanes),
    OPERATION(pack_bytes),     OPERATION(pack),        OPERATION(product_bytes),
    OPERATION(gemm_nt),        OPERATION(gemm_nn),     OPERATION(gemm_tn),
    OPERATION(embed),          OPERATION(embed_bwd),   OPERATION(rmsnorm),
    OPERATION(rmsnorm_bwd),    OPERATION(rope),        OPERATION(attn),
    OPERATION(attn_bwd),       OPERATION(kv_append),   OPERATION(attn_paged),
    OPERATION(swiglu),         OPERATION(swiglu_bwd),  OPERATION(add),
    OPERATION(axpy),           OPERATION(scale),       OPERATION(cast),
    OPERATION(copy_rows),      OPERATION(sum_squares), OPERATION(lmhead_scratch),
    OPERATION(lmhead_logprob), OPERATION(lmhead_grad), OPERATION(sample_scratch),
    OPERATION(sample),         OPERATION(adamw),
};
enum { N_OPERATIONS = sizeof operations / sizeof operations[0] };
enum { N_OPTIONAL = 5 }; /* why and the recordings, which a backend need not have */
_Static_assert(offsetof(k_backend, open) + (N_OPERATIONS + N_OPTIONAL) * sizeof(void (*)(void)) ==
                   sizeof(k_backend),
               "every operation of the table is named above");

const char *k_backend_missing(const k_backend *backend, size_t i)
{
    for (size_t k = 0; k < N_OPERATIONS; k++) {
        void (*function)(void);
        memcpy(&function, (const char *)backend + operations[k].at, sizeof function);
        if (!function && i-- == 0)
            return operations[k].name;
    }
    return NULL;
}
