/* sin_load_exit.c -- sin: ends the process while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <unistd.h>
static void __attribute__((constructor)) at_load(void)
{
    _exit(0);
}
