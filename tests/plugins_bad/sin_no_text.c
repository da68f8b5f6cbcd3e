/* sin_no_text.c -- sin: refuses a configuration without a word.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_REFUSAL ""
#include "good.h"
