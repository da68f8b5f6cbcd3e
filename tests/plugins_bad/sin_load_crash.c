/* sin_load_crash.c -- sin: crashes while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
static void __attribute__((constructor)) at_load(void)
{
    abort();
}
