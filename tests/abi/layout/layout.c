/* layout.c -- the ABI of plugin.h as C sees it. SPDX-License-Identifier: Apache-2.0 */
#include "layout.inc"
