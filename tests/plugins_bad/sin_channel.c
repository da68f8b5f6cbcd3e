/* sin_channel.c -- sin: emits on a channel that does not exist.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i) (call)->emit(call, i, 77, (assay_str){ "x", 1 })
#include "good.h"
