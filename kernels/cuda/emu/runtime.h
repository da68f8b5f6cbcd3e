/* runtime.h -- the part of CUDA's runtime API that our host code calls, and the launch, over the
 * emulation. The API is plain C, as CUDA's is.
 *
 * Streams do at once what they are asked; an error of a kernel shows at the next cudaGetLastError
 * or synchronisation, as on a device. There are two devices, which share their memory here; a
 * launch into a stream of the one that is not the thread's current is refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_EMU_RUNTIME_H
#define K_EMU_RUNTIME_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cudaError {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorLaunchFailure = 719 /* the checks found something */
} cudaError_t;
enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum { cudaStreamNonBlocking = 1 };
typedef struct emu_stream *cudaStream_t;

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaGetLastError(void); /* what emu_take has not taken; it is not forgotten here */

/* Up to 256 MiB at a time in all; what is freed last empties it. */
cudaError_t cudaMalloc(void **p, size_t n);
cudaError_t cudaFree(void *p);
cudaError_t cudaMemset(void *p, int v, size_t n);
cudaError_t cudaMemcpy(void *to, const void *from, size_t n, enum cudaMemcpyKind kind);
cudaError_t cudaMemsetAsync(void *p, int v, size_t n, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n, enum cudaMemcpyKind kind,
                            cudaStream_t stream);

#ifdef __cplusplus
} /* extern "C" */

#include "types.h"
#include <tuple>

cudaError_t emu_func_attribute(const void *f, int bytes);
template <class F> inline cudaError_t cudaFuncSetAttribute(F *f, cudaFuncAttribute, int bytes)
{
    return emu_func_attribute(reinterpret_cast<const void *>(f), bytes);
}

struct emu_grid {
    dim3 grid, block;
    size_t shared;
    cudaStream_t stream;
};
/* Runs body(closure) once for every thread of the grid. id is the kernel, for its attributes. */
void emu_launch(const emu_grid &how, void (*body)(const void *), const void *closure, size_t size,
                const void *id, const char *name);
/* A template with a comma in it wants parentheses: K_LAUNCH((k<32, 4>), ...). */
#define K_LAUNCH(kernel, grid, block, shared, stream, ...)                                         \
    do {                                                                                           \
        auto emu_body = [emu_arguments = std::make_tuple(__VA_ARGS__)] {                           \
            std::apply([](auto... emu_a) { (kernel)(emu_a...); }, emu_arguments);                  \
        };                                                                                         \
        emu_launch(                                                                                \
            { grid, block, shared, stream },                                                       \
            [](const void *emu_p) { (*static_cast<const decltype(emu_body) *>(emu_p))(); },        \
            &emu_body, sizeof emu_body, reinterpret_cast<const void *>(&(kernel)), #kernel);       \
    } while (0)
#endif
#endif
