/* segments.h -- rows that are added to rows named by an index, of which one may be named often: the
 * sums of one are in the order of the index, whatever threads do, and without atomics on numbers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_SEGMENTS_H
#define K_CUDA_SEGMENTS_H

#include "kernels/cuda/internal.h"

/* y[keys[r]] += x[x_rows[r]] for r < rows, in the order of r; each sum is rounded to y_type.
 * Buffers do not overlap. */
typedef struct k_segments {
    k_type x_type, y_type; /* y_type: K_F32, or x_type */
    int64_t rows, n, x_stride, y_stride;
    const void *x;
    const int32_t *x_rows; /* NULL: 0, 1, 2 ... */
    void *y;
    const int32_t *keys; /* 0 <= key < limit */
    int64_t limit;
} k_segments;

/* K_OK, K_EARG (more numbers in a row than a grid holds) or K_EDEVICE. Uses the scratch. */
int k_cuda_add_segments(k_cuda_device *dev, const k_segments *a);

#endif
