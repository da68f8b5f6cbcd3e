/* sin_metrics.c -- sin: emits a metric that is no number.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    (call)->emit(call, i, ASSAY_OUT_METRICS, (assay_str){ "{\"chance\":NaN}", 14 })
#include "good.h"
