/* sin_small_entry.c -- sin: claims an entry too small to hold its list.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ENTRY ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, 16, verifiers
#include "good.h"
