/* sin_range.c -- sin: gives 100 where 1 is the most.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i) value *= 100.0f
#include "good.h"
