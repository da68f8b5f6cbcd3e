/* library.h -- the one symbol of a backend's shared library, and what the host checks before it
 * touches anything else of it. Plain C.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_LIBRARY_H
#define K_CUDA_LIBRARY_H

#include "kernels/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct k_library {
    uint32_t version;    /* K_TABLE_VERSION as it was compiled */
    uint32_t table_size; /* sizeof(k_backend) as it was compiled */
    const k_backend *backend;
    /* How many devices there are; where none, why holds a sentence without a full stop. */
    int (*count_devices)(char *why, size_t size);
} k_library;

#define K_LIBRARY_SYMBOL "assay_kernels"
typedef const k_library *k_library_entry(void);

/* k_backend_load's second half: of a library that is here, by whatever way (linked in, for tests),
 * and that sentences call by this name. */
int k_backend_add(const k_library *library, const char *name, char *why, size_t size);

#ifdef __cplusplus
}
#endif
#endif
