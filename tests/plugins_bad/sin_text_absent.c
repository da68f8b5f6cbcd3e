/* sin_text_absent.c -- sin: reads a reference that is not there.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    value *= (float)((volatile const char *)(b)->reference[i].data)[0] > 1000.0f ? 0.0f : 1.0f
#include "good.h"
