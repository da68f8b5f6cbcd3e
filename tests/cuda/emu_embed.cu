/* emu_embed.cu -- the gradient of an embedding by atomics, and in a fixed order by sorted segments:
 * order[] has the tokens sorted by id, segments[u] .. segments[u+1] those of ids[u]. Tries atomics
 * and conflicts between blocks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_kernels.h"
#include "kernels/cuda/device.h"
#ifndef MUT
#define MUT 0
#endif

static __global__ void embed_atomic(const int *__restrict__ ids, const float *__restrict__ dy,
                                    float *dw, int n, int d)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n * d)
        return;
    float *p = dw + (size_t)ids[i / d] * d + i % d;
    if (MUT == 1)
        *p += dy[i];
    else
        atomicAdd(p, dy[i]);
}

static __global__ void embed_segments(const int *__restrict__ order,
                                      const int *__restrict__ segments, const int *__restrict__ ids,
                                      const float *__restrict__ dy, float *dw, int d)
{
    const int begin = segments[blockIdx.x], end = segments[blockIdx.x + 1] + (MUT == 2);
    for (int j = threadIdx.x; j < d; j += blockDim.x) {
        float a = 0;
        for (int i = begin; i < end; i++)
            a += dy[(size_t)order[i] * d + j];
        dw[(size_t)ids[blockIdx.x] * d + j] = a;
    }
}

void emu_embed_atomic(const int *ids, const float *dy, float *dw, int n, int d)
{
    K_LAUNCH(embed_atomic, dim3((n * d + 127) / 128), dim3(128), 0, (cudaStream_t)0, ids, dy, dw, n,
             d);
}

void emu_embed_segments(const int *order, const int *segments, const int *ids, int n_segments,
                        const float *dy, float *dw, int d)
{
    K_LAUNCH(embed_segments, dim3(n_segments), dim3(64), 0, (cudaStream_t)0, order, segments, ids,
             dy, dw, d);
}
