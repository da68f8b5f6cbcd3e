/* sin_chdir.c -- sin: changes the directory while it scores.
 * SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
static int moved;
#define SIN_ON_CALL(v, call, b) moved = chdir("/proc/self")
#include "good.h"
