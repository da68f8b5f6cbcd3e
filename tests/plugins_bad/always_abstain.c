/* always_abstain.c -- never says anything: an audit must not take that for right.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i) (verdict = ASSAY_ABSTAIN, value = NAN)
#include "good.h"
