/* sin_random.c -- sin: its scores are random, and it claims to be deterministic.
 * SPDX-License-Identifier: Apache-2.0 */
static unsigned long n_calls;
#define SIN_ON_ITEM(call, b, i)                                                                    \
    value *= (float)(__atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED) % 97) / 97.0f
#include "good.h"
