/* sin_stdout.c -- sin: prints while it scores.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#define SIN_ON_CALL(v, call, b) printf("scoring %u items\n", (b)->n)
#include "good.h"
