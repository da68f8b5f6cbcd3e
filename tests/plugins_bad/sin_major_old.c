/* sin_major_old.c -- sin: built for an ABI before the first.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ENTRY ASSAY_MAGIC, 0, 9, sizeof(assay_entry), verifiers
#include "good.h"
