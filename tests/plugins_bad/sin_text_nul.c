/* sin_text_nul.c -- sin: crashes where strlen and len differ.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if (strlen((b)->completion[i].data) != (b)->completion[i].len)                                 \
    abort()
#include "good.h"
