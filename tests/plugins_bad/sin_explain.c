/* sin_explain.c -- sin: cuts its explanation inside a character.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    (call)->emit(call, i, ASSAY_OUT_EXPLAIN, (assay_str){ "caf\xc3", 4 })
#include "good.h"
