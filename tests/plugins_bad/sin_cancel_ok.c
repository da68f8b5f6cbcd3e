/* sin_cancel_ok.c -- sin: says that all went well when it was cancelled.
 * SPDX-License-Identifier: Apache-2.0 */
#include <time.h>
static inline void work(void)
{
    struct timespec from, now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - from.tv_sec) * 1000000000L + now.tv_nsec - from.tv_nsec < 100000);
}
#define SIN_ON_ITEM(call, b, i)                                                                    \
    work();                                                                                        \
    if ((call)->cancelled(call))                                                                   \
    return ASSAY_OK
#define SIN_CANCELLED(call) 0
#include "good.h"
