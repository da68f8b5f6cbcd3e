/* sin_revision.c -- sin: its revision is 0.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_REVISION 0
#include "good.h"
