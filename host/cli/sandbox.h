/* sandbox.h -- what the commands of `assay sandbox` and the doctor share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_SANDBOX_H
#define AS_CLI_SANDBOX_H
#include "cli/common.h"
#include "plug/languages.h"
#include "sandbox/sandbox.h"

/* The option all of them take; `T` is the command's struct, `m` its member. */
#define AS_SANDBOX_REQUIRE(T, m)                                                                                     \
    { .name = "require", .type = AS_OPT_CHOICE, .value = "LEVEL", .initial = "medium", .choices = "strong|medium|weak", \
      .offset = offsetof(T, m), .help = "refuse, with exit code 4, where the isolation is weaker" }

/* AS_ESANDBOX with the cure where the level cannot be had; close with asbx_close(). `languages` (NULL: none but its own)
 * must stay until then. */
int as_sandbox_open(asbx **out, const char *require, uint32_t slots, const as_languages *languages, as_err *err);
bool as_sandbox_level_holds(const char *level, const char *require); /* "strong" holds "medium" */
static inline void as_cleanup_sandbox(asbx **s)
{
    asbx_close(*s);
}
#endif
