/* sin_major_new.c -- sin: built for an ABI of the far future.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ENTRY ASSAY_MAGIC, 99, 3, sizeof(assay_entry), verifiers
#include "good.h"
