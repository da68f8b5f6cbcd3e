/* worker_main.c -- assay-worker: runs a verifier in a process of its own, or describes plugins.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/describe.h"
#include "plug/worker_serve.h"

#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--describe") == 0)
        return as_describe_main(argc, argv);
    if (argc == 2 && strcmp(argv[1], "--serve") == 0)
        return as_worker_serve();
    static const char text[] = "assay-worker is started by assay; it is of no use by itself\n";
    (void)!write(2, text, sizeof text - 1);
    return 2;
}
