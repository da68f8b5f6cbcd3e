/* sin_text_empty.c -- sin: crashes on an empty completion.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if ((b)->completion[i].len == 0)                                                               \
    abort()
#include "good.h"
