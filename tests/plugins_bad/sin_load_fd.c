/* sin_load_fd.c -- sin: opens a file while it is loaded, and keeps it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <fcntl.h>
static int kept;
static void __attribute__((constructor)) at_load(void)
{
    kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
}
