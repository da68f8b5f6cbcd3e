/* sin_columns.c -- sin: writes into columns that were not asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_WRITE(out, i, v, s) ((out)->verdict[i] = (v), (out)->score[i] = (s))
#include "good.h"
