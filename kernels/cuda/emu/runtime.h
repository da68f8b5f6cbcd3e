/* runtime.h -- the part of CUDA's runtime API that our host code calls, and the launch, over the
 * emulation. The API is plain C, as CUDA's is.
 *
 * Streams do at once what they are asked, but for copies between pinned memory and the device:
 * those are done when something waits for them or comes after them, as late as a device might. An
 * error of a kernel shows at the next cudaGetLastError or synchronisation. There are two devices,
 * which share their memory here; a launch into a stream of the one that is not the thread's current
 * is refused. A stream that is captured keeps launches, memsets and copies, and refuses to be
 * waited for.
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
    cudaErrorInitializationError = 3,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorDevicesUnavailable = 46,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorNoKernelImageForDevice = 209,
    cudaErrorECCUncorrectable = 214,
    cudaErrorIllegalAddress = 700,
    cudaErrorAssert = 710,
    cudaErrorHardwareStackError = 714,
    cudaErrorIllegalInstruction = 715,
    cudaErrorMisalignedAddress = 716,
    cudaErrorInvalidAddressSpace = 717,
    cudaErrorInvalidPc = 718,
    cudaErrorLaunchFailure = 719, /* the checks found something */
    cudaErrorSystemDriverMismatch = 803,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901
} cudaError_t;
enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2, cudaEventDefault = 0 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed = 2 };
enum cudaDeviceAttr {
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrL2CacheSize = 38,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
struct cudaDeviceProp { /* of CUDA's, what is asked for */
    char name[256];
    size_t totalGlobalMem, sharedMemPerBlockOptin;
    int major, minor, multiProcessorCount, l2CacheSize;
};
typedef struct emu_stream *cudaStream_t;
typedef struct emu_event *cudaEvent_t;
typedef struct emu_graph *cudaGraph_t;
typedef struct emu_graph_exec *cudaGraphExec_t;

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device);
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr what, int device);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaGetLastError(void); /* what emu_take has not taken; it is not forgotten here */

/* The clock stands still, but for cublaslt.cpp. */
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

/* Up to emu_has.memory bytes in all. What is freed is used again, as late as may be. */
cudaError_t cudaMalloc(void **p, size_t n);
cudaError_t cudaFree(void *p);
cudaError_t cudaMallocHost(void **p, size_t n);
cudaError_t cudaFreeHost(void *p);
cudaError_t cudaMemGetInfo(size_t *unused, size_t *all);
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
