/* check.h -- `assay plugin check` (ABI.md 18): every test in a child process of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_CHECK_H
#define AS_PLUG_CHECK_H
#include "plug/registry.h"

typedef enum as_check_state { AS_CHECK_OK, AS_CHECK_FAIL, AS_CHECK_SKIP } as_check_state;
typedef struct as_check_result {
    const char *name;    /* "load", "symbols", "determinism", ... */
    as_check_state state;
    char text[400];      /* what was seen; for FAIL what, where, and what to do */
    double ms;
} as_check_result;
typedef struct as_check_options {
    const char *config;      /* JSON for create(); NULL: "{}" */
    const char *known;       /* known answers, JSONL; NULL: PLUGIN.check.jsonl beside the .so, or in its source folder */
    unsigned fuzz_rounds;    /* 0: no fuzzing */
    uint64_t seed;
    unsigned timeout_ms;     /* per test; 0: 20,000 */
} as_check_options;
/* One callback per test as it ends. Returns 0 if all held, AS_EGATE if any failed, < 0 else. The caller has no threads
 * yet (tests are forked). */
int as_check_run(const as_found *plugin, const as_check_options *options,
                 void (*report)(void *ctx, const as_check_result *), void *ctx, as_err *err);
#endif
