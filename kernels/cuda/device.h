/* device.h -- what a .cu of this folder includes: CUDA as nvcc has it, or as the emulation gives it
 * to a C++ compiler.
 *
 * Kernels are plain CUDA C++. Only what is no C++ to begin with goes through a name of ours:
 * K_LAUNCH for <<<>>>, K_DYN_SHARED for the untyped shared array, and the instructions of ptx.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_DEVICE_H
#define K_CUDA_DEVICE_H

#ifdef __CUDACC__
#include "ptx.h"
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#define K_LAUNCH(kernel, grid, block, shared, stream, ...)                                         \
    kernel<<<(grid), (block), (shared), (stream)>>>(__VA_ARGS__)
#define K_DYN_SHARED(T, name)                                                                      \
    extern __shared__ __align__(128) unsigned char k_dyn_shared[];                                 \
    T *name = reinterpret_cast<T *>(k_dyn_shared)
#else
#include "kernels/cuda/emu/intrinsics.h"
#include "kernels/cuda/emu/runtime.h"
#endif

#endif
