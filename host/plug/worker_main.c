/* worker_main.c -- assay-worker: runs a verifier in a process of its own, or describes plugins.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "plug/describe.h"
#include "plug/wire.h"
#include "plug/worker_serve.h"
#include "sandbox/jail.h"

#include <string.h>
#include <unistd.h>

/* Before anything of the plugin is read, let alone run. */
static int serve_jailed(const char *plugin, const char *mib)
{
    unsigned long long n = 0;
    asbx_error err = { .text = "" };
    if (AS_HAS_SHADOW_MEMORY)
        return as_worker_refuse(AS_ESANDBOX,
                                "assay-worker was built with a sanitizer, whose memory "
                                "fits into no limit: it cannot be jailed");
    if (!as_str_u64(as_str_of(mib), &n) || n > UINT32_MAX)
        return 2;
    const asbx_jail jail = {
        .plugin = plugin, .mem_mib = (uint32_t)n, .boss = AS_WIRE_FD, .last = AS_WIRE_SHARED_FD
    };
    if (asbx_jail_enter(&jail, &err) < 0)
        return as_worker_refuse(AS_ESANDBOX, err.text);
    return as_worker_serve(true);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--describe") == 0)
        return as_describe_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "--serve") == 0)
        as_worker_volunteer();
    if (argc == 2 && strcmp(argv[1], "--serve") == 0)
        return as_worker_serve(false);
    if (argc == 5 && strcmp(argv[1], "--serve") == 0 && strcmp(argv[2], "--jail") == 0)
        return serve_jailed(argv[3], argv[4]);
    static const char text[] = "assay-worker is started by assay; it is of no use by itself\n";
    (void)!write(2, text, sizeof text - 1);
    return 2;
}
