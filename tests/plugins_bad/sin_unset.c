/* sin_unset.c -- sin: leaves every seventh item without a verdict.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if ((b)->seed[i] % 7 == 0 && (b)->completion[i].len > 0)                                       \
    continue
#define SIN_FLAGS ASSAY_F_REENTRANT
#include "good.h"
