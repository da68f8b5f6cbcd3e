/* jail.h -- the calling process itself, confined before it loads somebody else's library: the
 * namespaces and the root of the sandbox's helpers (with the library in it), limits, own user,
 * Landlock, and the system calls of the policy "plugin". docs/SANDBOX.md has the layers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_JAIL_H
#define ASBX_JAIL_H
#include "sandbox.h"

typedef struct asbx_jail {
    const char *plugin; /* the library's file: an absolute path without links */
    uint32_t mem_mib;   /* address space beyond what the process has already, roughly */
    int boss;           /* a socket to the process it serves, which started it */
    int last;           /* descriptors above this one are closed; what is below stays as it is */
} asbx_jail;

/* For a process with one thread that has touched nothing hostile yet. 0: in a child, which is alone
 * in its pid namespace and confined; the caller became its guard, ends as it ends, kills it for a
 * call that is not on the list and with the process it serves, and never returns. -1: a layer could
 * not be had, err names it; the process is of no use but for saying so. */
int asbx_jail_enter(const asbx_jail *jail, asbx_error *err);
#endif
