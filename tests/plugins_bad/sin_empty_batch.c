/* sin_empty_batch.c -- sin: a batch of no items is a failure to it.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_CALL(v, call, b)                                                                    \
    if ((b)->n == 0)                                                                               \
    return ASSAY_E_ARG
#include "good.h"
