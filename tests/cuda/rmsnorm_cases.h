/* rmsnorm_cases.h -- RMSNorm of a device against the scalar reference: random numbers, odd shapes,
 * rows inside rows, buffers that may be the same.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RMSNORM_CASES_H
#define RMSNORM_CASES_H
#include "kernels/kernels.h"

/* Called after each operation: fails the test where something was found. */
typedef void rmsnorm_check(const char *what);

void rmsnorm_all_shapes(k_device *dev, rmsnorm_check *check);
/* The same bits for a row alone and among others, and wherever in memory it begins. */
void rmsnorm_same_bits(k_device *dev, rmsnorm_check *check);
/* What cannot be is refused, and nothing is written; no rows is nothing to do. */
void rmsnorm_refusals(k_device *dev);
#endif
