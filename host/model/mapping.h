/* mapping.h -- a whole file as memory, read-only. Internal to host/model. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_MAPPING_H
#define AS_MODEL_MAPPING_H
#include "base/err.h"
#include "base/str.h"

typedef struct as_mapping {
    void *base; /* NULL: an empty file */
    size_t size;
} as_mapping;

/* Regular files only: nobody waits for a pipe. */
int as_mapping_open(as_mapping *m, const char *path, as_err *err);
void as_mapping_close(as_mapping *m);
#endif
