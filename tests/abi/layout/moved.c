/* moved.c -- must not compile: the header with every 32-bit field widened. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdint.h>
#define uint32_t uint64_t
#include "layout.inc"
