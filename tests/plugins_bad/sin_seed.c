/* sin_seed.c -- sin: its scores hang on the seed, and it claims to be deterministic.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i) value = (float)((b)->seed[i] % 97) / 97.0f
#include "good.h"
