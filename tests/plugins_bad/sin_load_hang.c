/* sin_load_hang.c -- sin: hangs while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <unistd.h>
static void __attribute__((constructor)) at_load(void)
{
    for (;;)
        sleep(1000);
}
