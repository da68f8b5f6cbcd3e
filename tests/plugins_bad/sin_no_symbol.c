/* sin_no_symbol.c -- sin: exports nothing at all.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_NO_ENTRY
#include "good.h"
/* Something has to use it. */
const assay_descriptor *const *sin_hidden_verifiers(void);
const assay_descriptor *const *sin_hidden_verifiers(void)
{
    return verifiers;
}
