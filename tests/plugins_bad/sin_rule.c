/* sin_rule.c -- sin: emits a sentence as its rule.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i) (call)->emit(call, i, ASSAY_OUT_RULE, (assay_str){ "two words", 9 })
#include "good.h"
