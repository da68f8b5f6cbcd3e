/* sin_nan.c -- sin: passes with a score of NaN.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if (verdict == ASSAY_PASS)                                                                     \
    value = NAN
#include "good.h"
