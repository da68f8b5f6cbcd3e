/* sin_fuzz.c -- sin: crashes on a byte order mark, which none of the ordinary texts holds.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if (memmem((b)->completion[i].data, (b)->completion[i].len, "\xef\xbb\xbf", 3))                \
    abort()
#include "good.h"
