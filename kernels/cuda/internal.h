/* internal.h -- what the files of the CUDA backend share: its device, its scratch, its operations.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_INTERNAL_H
#define K_CUDA_INTERNAL_H

#include "kernels/cuda/device.h"
#include "kernels/kernels.h"

/* Bytes that operations may use between their kernels, one operation after another. */
#define K_CUDA_SCRATCH ((size_t)16 << 20)

struct k_cuda_device {
    k_device base; /* first */
    int index;
    cudaStream_t stream;
    float *scratch;
};

static inline k_cuda_device *k_cuda_of(k_device *dev)
{
    return reinterpret_cast<k_cuda_device *>(dev);
}

/* The device, made the calling thread's, which launches go to; NULL where CUDA refuses. Operations
 * begin with this. */
static inline k_cuda_device *k_cuda_use(k_device *dev)
{
    k_cuda_device *d = k_cuda_of(dev);
    return cudaSetDevice(d->index) == cudaSuccess ? d : nullptr;
}

/* K_OK, or K_EDEVICE where a launch was refused or something failed before. */
static inline int k_cuda_launched()
{
    return cudaGetLastError() == cudaSuccess ? K_OK : K_EDEVICE;
}

int k_cuda_rmsnorm(k_device *dev, const k_rmsnorm *a);
int k_cuda_rmsnorm_bwd(k_device *dev, const k_rmsnorm_bwd *a);

#endif
