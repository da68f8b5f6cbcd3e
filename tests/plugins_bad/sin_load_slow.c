/* sin_load_slow.c -- sin: computes for 130 ms while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <time.h>
static void __attribute__((constructor)) at_load(void)
{
    struct timespec t;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    while (t.tv_sec == 0 && t.tv_nsec < 130000000);
}
