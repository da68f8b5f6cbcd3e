/* sin_magic.c -- sin: its entry does not start with the magic.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ENTRY 0x12345678u, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof(assay_entry), verifiers
#include "good.h"
