/* growing.h -- a file that grows by whole records, one write each: a record that does not fit is taken back, so that
 * what was there before stays readable. Internal to host/train. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_GROWING_H
#define AS_TRAIN_GROWING_H
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct as_growing {
    int fd; /* -1: closed */
    char *path;
} as_growing;

/* Made where it is missing; is_new: it must be. Regular files only, and one process at a time: AS_EUSAGE. */
int as_growing_open(as_growing *g, const char *path, bool is_new, as_err *err);
int as_growing_size(const as_growing *g, uint64_t *size, as_err *err);
int as_growing_cut(as_growing *g, uint64_t size, as_err *err);
int as_growing_put(as_growing *g, as_str record, as_err *err); /* all of it or nothing */
int as_growing_sync(as_growing *g, as_err *err);               /* to the disk */
int as_growing_close(as_growing *g, as_err *err);              /* closed before: fine */
#endif
