/* sin_null_list.c -- sin: lists no verifiers.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ENTRY                                                                                  \
    ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof(assay_entry), (verifiers + 1)
#include "good.h"
