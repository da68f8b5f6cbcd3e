/* sin_batch.c -- sin: its scores hang on the place in the batch.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i) value = verdict == ASSAY_PASS ? 1.0f / (float)(1 + (i) % 50) : 0.0f
#include "good.h"
