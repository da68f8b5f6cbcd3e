/* sin_load_env.c -- sin: sets an environment variable while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
static void __attribute__((constructor)) at_load(void)
{
    setenv("SIN_LOAD_ENV", "1", 1);
}
