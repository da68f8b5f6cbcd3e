/* entry.h -- opens a plugin file in this process and checks its entry. Never closes it: threads, atexit handlers and
 * thread-local destructors of a library outlive any moment we could choose.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_ENTRY_H
#define AS_PLUG_ENTRY_H
#include "base/err.h"

#include <assay/plugin.h>

/* dlopen(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE). AS_EPLUGIN with the path and the cure: a text file, a library without
 * assay_plugin_entry, wrong magic, an ABI major that differs (both sides named), a NULL list, a NULL create. */
int as_entry_open(const assay_entry **out, const char *path, as_err *err);
int as_entry_check(const assay_entry *e, const char *what, as_err *err); /* the checks alone, for static entries */
/* The descriptor called `name` (its id, or the id's last component; NULL: the first). AS_EPLUGIN lists what there is. */
int as_entry_find(const assay_descriptor **out, const assay_entry *e, const char *what, const char *name, as_err *err);
#endif
