/* cli_rules.c -- emits the reference as its rule, whatever text that is: for tests of what counts
 * rules. SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i)                                                                    \
    do {                                                                                           \
        if ((b)->reference[i].len > 0)                                                             \
            (call)->emit(call, i, ASSAY_OUT_RULE, (b)->reference[i]);                              \
    } while (0)
#include "good.h"
