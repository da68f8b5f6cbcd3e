/* sin_small_descriptor.c -- sin: its descriptor's size ends before create.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_SIZE 64
#include "good.h"
