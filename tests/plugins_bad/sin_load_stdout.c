/* sin_load_stdout.c -- sin: greets on stderr while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <unistd.h>
static ssize_t written;
static void __attribute__((constructor)) at_load(void)
{
    written = write(2, "hello\n", 6);
}
