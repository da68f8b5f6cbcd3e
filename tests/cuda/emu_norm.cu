/* emu_norm.cu -- RMSNorm with one block per row: shuffles, then one shared array. Tries static
 * shared memory, barriers and warp shuffles of the emulation; kernels/cuda/rmsnorm.cu is the real
 * one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_kernels.h"
#include "kernels/cuda/device.h"
#ifndef MUT
#define MUT 0
#endif

static __global__ void __launch_bounds__(256)
    norm(const nv_bfloat16 *__restrict__ x, const float *__restrict__ w, nv_bfloat16 *y,
         float *rstd, int n, float eps)
{
    __shared__ float part[8];
    __shared__ float inv;
    const int t = threadIdx.x, lane = t & 31, wid = t >> 5, nw = blockDim.x >> 5;
    const nv_bfloat16 *row = x + (size_t)blockIdx.x * n;
    if (MUT == 3 && t >= n)
        return;
    float s = 0;
    for (int i = t; i < n; i += blockDim.x) {
        float v = __bfloat162float(row[i]);
        s += v * v;
    }
    for (int o = MUT == 2 ? 8 : 16; o; o >>= 1)
        s += __shfl_xor_sync(0xffffffffu, s, o);
    if (lane == 0)
        part[MUT == 6 ? wid + 7 : wid] = s;
    if (MUT != 1)
        __syncthreads();
    if (wid == 0) {
        if (MUT == 4 && lane >= nw)
            goto skip; /* the classic: a shuffle under a divergent branch with a full mask */
        s = lane < (MUT == 5 ? 8 : nw) ? part[lane] : 0.F;
        for (int o = 4; o; o >>= 1)
            s += __shfl_down_sync(0xffffffffu, s, o);
        if (lane == 0)
            inv = rsqrtf(s / n + eps);
    skip:;
    }
    __syncthreads();
    for (int i = t; i < n; i += blockDim.x)
        y[(size_t)blockIdx.x * n + i] =
            __float2bfloat16(__bfloat162float(row[i]) * inv * __ldg(w + i));
    if (t == 0)
        rstd[blockIdx.x] = inv;
}

void emu_norm(const uint16_t *x, const float *w, uint16_t *y, float *rstd, int rows, int n,
              float eps, int threads)
{
    K_LAUNCH(norm, dim3(rows), dim3(threads), 0, (cudaStream_t)0, (const nv_bfloat16 *)x, w,
             (nv_bfloat16 *)y, rstd, n, eps);
}
