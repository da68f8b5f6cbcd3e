/* always_pass.c -- passes everything: what an audit must find out.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ON_ITEM(call, b, i) (verdict = ASSAY_PASS, value = 1.0f)
#include "good.h"
