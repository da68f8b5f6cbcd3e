/* sin_threads.c -- sin: claims to be reentrant, and fails when it is re-entered.
 * SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
static int inside;
#define SIN_ON_CALL(v, call, b)                                                                    \
    int was = __atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);                                    \
    usleep(2000);                                                                                  \
    __atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);                                              \
    if (was)                                                                                       \
    return ASSAY_E_FAIL
#define SIN_FLAGS ASSAY_F_REENTRANT
#include "good.h"
