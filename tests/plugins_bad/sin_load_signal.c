/* sin_load_signal.c -- sin: ignores SIGPIPE for the whole process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <signal.h>
static void __attribute__((constructor)) at_load(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL);
}
