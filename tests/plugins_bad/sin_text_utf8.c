/* sin_text_utf8.c -- sin: crashes on bytes that UTF-8 never has.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if (memchr((b)->completion[i].data, 0xff, (b)->completion[i].len))                             \
    abort()
#include "good.h"
