/* parts.h -- a long sum of rows is cut into stretches, a block for each; what they come to lies in
 * the device's scratch, [n_parts,n], and is added here in order, so that the sum is the same each
 * time. Bound by bytes: 4 n (n_parts + 2).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_PARTS_H
#define K_CUDA_PARTS_H

#include "kernels/cuda/internal.h"

constexpr int k_parts_threads = 256;

static __global__ void __launch_bounds__(k_parts_threads)
    add_parts(float *y, const float *parts, int n_parts, int64_t n)
{
    const int64_t i = (int64_t)blockIdx.x * k_parts_threads + threadIdx.x;
    if (i >= n)
        return;
    float sum = 0;
    for (int p = 0; p < n_parts; p++)
        sum += parts[p * n + i];
    y[i] += sum;
}

/* y[n], of floats, += the n_parts parts of the scratch. */
inline void k_add_parts(k_cuda_device *dev, void *y, int64_t n_parts, int64_t n)
{
    K_LAUNCH(add_parts, dim3((unsigned)((n + k_parts_threads - 1) / k_parts_threads)),
             dim3(k_parts_threads), 0, dev->stream, static_cast<float *>(y), dev->scratch,
             (int)n_parts, n);
}

#endif
