/* sin_load_cwd.c -- sin: changes the directory while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <unistd.h>
static int moved;
static void __attribute__((constructor)) at_load(void)
{
    moved = chdir("/proc/self");
}
