/* sin_leak.c -- sin: forgets a hundred bytes in every life.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
static void *volatile lost;
#define SIN_ON_CREATE(config) lost = malloc(100)
#include "good.h"
