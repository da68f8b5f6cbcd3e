/* registry.h -- finds plugins by name or path and knows which of them are ours. Loads nothing into this process.
 *
 * Order (ABI.md 15): a name with '/' is a path (PATH or PATH#verifier); else each folder of --plugin-path and of
 * ASSAY_PLUGIN_PATH (ignored under AT_SECURE), ~/.local/lib/assay/plugins, the plugins folder of this build or
 * installation; never the current directory. NAME means NAME.so in the first folder that has one; where none does, any
 * file that holds a verifier of that name (from the index, so that finding `exact` never runs foreign code). Statically
 * registered entries (assay_register) come before all folders.
 * The index (path, size, mtime -> infos) is kept in the cache folder and filled by a child process, one that may crash.
 * Threads: one at a time, but for as_registry_find, which is [any] once opened.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_REGISTRY_H
#define AS_PLUG_REGISTRY_H
#include "base/hash.h"
#include "plug/info.h"

typedef struct as_registry as_registry;
typedef struct as_registry_options {
    const char *plugin_path; /* colon-separated folders that come first; NULL: none */
    const char *index_file;  /* NULL: in the cache folder; "": no index */
} as_registry_options;
int as_registry_open(as_registry **out, const as_registry_options *options, as_err *err); /* options may be NULL */
void as_registry_close(as_registry *r);

typedef struct as_found { /* borrowed from the registry */
    const char *path;        /* absolute path of the .so; NULL for a static entry */
    const char *verifier;    /* which one inside (id or short name), NULL: the first */
    bool or_first;           /* where the file holds none of that name, its first is meant */
    const assay_entry *entry; /* of a static entry, else NULL */
    bool ours;               /* SHA-256 equals the line for this file in the list the build wrote: may run in process */
    as_digest sha256;        /* of the file */
} as_found;
/* AS_EPLUGIN listing every path tried, with "did you mean". */
int as_registry_find(as_registry *r, const char *name, as_found *out, as_err *err);
/* The same for who must not have anything loaded, by a child either: a name is a file's, nobody looks into files. */
int as_registry_find_unloaded(as_registry *r, const char *name, as_found *out, as_err *err);

/* Every plugin file in the search path, in order, for `plugin list`. */
typedef struct as_listed {
    const char *path;
    const as_verifier_info *infos; /* n_infos; NULL where `problem` is set */
    uint32_t n_infos;
    bool ours, shadowed; /* shadowed: a file of the same name comes earlier */
    const char *problem; /* NULL, or why it cannot be used */
} as_listed;
int as_registry_list(as_registry *r, const as_listed **out, size_t *n, as_err *err); /* valid until close */

/* For hosts that link a verifier in (fuzzers, -static). Before the first registry is opened; copies the pointer. */
int as_registry_add_static(const assay_entry *entry, as_err *err);
#endif
