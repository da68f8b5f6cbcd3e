/* sin_text_large.c -- sin: keeps a completion in a buffer of 64 KiB.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if ((b)->completion[i].len > 65536)                                                            \
    abort()
#include "good.h"
