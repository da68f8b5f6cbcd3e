/* info.h -- what a verifier says of itself: the descriptor, copied, so that it can be known without loading code.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_INFO_H
#define AS_PLUG_INFO_H
#include "base/arena.h"
#include "base/json.h"

#include <assay/plugin.h>

/* Does the struct, as its maker compiled it, hold this field? (plugin.h rule 3) */
#define AS_HAS(p, field) ((p)->size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

typedef struct as_verifier_info {
    const char *id, *name, *version, *license, *summary, *url; /* never NULL: "" where not given */
    const char *config_schema;                                 /* NULL: takes no config */
    const char *const *tags;                                   /* NULL-terminated, never NULL */
    uint32_t abi_major, abi_minor;
    uint32_t flags, revision, cost_us;
    float score_min, score_max; /* of the descriptor; an instance may narrow them */
    bool votes, tasks;          /* of an instance: offers assay.answer/1, assay.tasks/1. Unknown until one was made */
    bool probed;                /* an instance was made, so votes and tasks are known */
} as_verifier_info;

/* Copies a descriptor of any size into the arena. AS_ENOMEM. */
int as_info_copy(as_verifier_info *out, const assay_entry *entry, const assay_descriptor *d, as_arena *arena, as_err *err);
/* JSON for the index, `plugin info --json` and the worker's wire; and back. */
void as_info_write(const as_verifier_info *info, as_buf *out);
int as_info_read(as_verifier_info *out, as_str json, as_arena *arena, as_err *err);
const char *as_info_short_name(const as_verifier_info *info); /* last component of the id: "math" of "org.assay.math" */
#endif
