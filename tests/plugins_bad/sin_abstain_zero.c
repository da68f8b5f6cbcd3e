/* sin_abstain_zero.c -- sin: abstains with a score of 0.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if ((b)->completion[i].len % 2)                                                                \
    verdict = ASSAY_ABSTAIN, value = 0
#include "good.h"
