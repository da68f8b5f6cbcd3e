/* sin_two_symbols.c -- sin: exports a helper besides its entry.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
ASSAY_EXPORT int sin_helper(int x);
int sin_helper(int x)
{
    return x + 1;
}
