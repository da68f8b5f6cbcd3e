/* ours.h -- the list of plugins that came with this build, by SHA-256: they alone may run in the
 * host's process unasked. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_OURS_H
#define AS_PLUG_OURS_H
#include "base/err.h"
#include "base/hash.h"

#include <stdbool.h>

typedef struct as_ours as_ours;
/* Reads OURS.sha256 (as sha256sum writes it) in our plugins folder. A missing list means that
 * nothing is ours (as_log). */
int as_ours_open(as_ours **out, as_err *err);
void as_ours_close(as_ours *o); /* NULL is fine */
bool as_ours_is_inside(
    const as_ours *o,
    const char *path); /* a file of that very folder; path as as_path_real gives it */
/* Inside, and its line has this hash. */
bool as_ours_holds(const as_ours *o, const char *path, const as_digest *hash);
#endif
