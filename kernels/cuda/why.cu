/* why.cu -- what failed and what helps, in a sentence, kept for the thread it failed in until
 * something else does: a status has no room for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/internal.h"
#include <cstdarg>
#include <cstdio>

namespace
{
struct Failure {
    int status;
    unsigned n; /* failures so far */
    char text[400];
};
thread_local Failure last;

/* The driver's part: there is none, it is too old, it is not the one of its libraries. */
int note_driver(int status, cudaError_t error)
{
    int driver = 0;
    int runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (error == cudaErrorSystemDriverMismatch)
        return k_cuda_note(status,
                           "the NVIDIA driver's kernel module and its libraries are of different "
                           "versions: restart the machine, or install the driver again");
    if (driver == 0)
        return k_cuda_note(status,
                           "there is no NVIDIA driver (libcuda.so.1): install one for CUDA %d.%d "
                           "or later; a container must be started with the GPUs passed in",
                           runtime / 1000, runtime % 1000 / 10);
    return k_cuda_note(status,
                       "the NVIDIA driver is too old: it is for CUDA %d.%d, and %d.%d is needed: "
                       "install a newer driver",
                       driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
}

const char *cure_of(cudaError_t error)
{
    switch ((int)error) {
    case cudaErrorMemoryAllocation:
        return "the device has no memory left: nvidia-smi names who holds it; end them, or do with "
               "less";
    case cudaErrorDevicesUnavailable:
        return "another process has the device for itself, or it is in a mode that lets nobody in: "
               "wait for it, use another device, or set the mode with nvidia-smi -c DEFAULT";
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
        return "nvidia-smi must list a GPU, and CUDA_VISIBLE_DEVICES must not hide it";
    case cudaErrorNoKernelImageForDevice:
        return "the library was not built for this device: use the library of a release, or build "
               "it again";
    case cudaErrorECCUncorrectable:
        return "the device's memory is damaged (nvidia-smi -q -d ECC): use another device";
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
        return "an operation was recorded that cannot be";
    case cudaErrorIllegalAddress:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
        return "a kernel failed, and this process can use the device no more: start again from the "
               "last checkpoint; compute-sanitizer shows which kernel it was, and it is a bug to "
               "report";
    default:
        return "nvidia-smi shows how the device is";
    }
}
} /* namespace */

int k_cuda_note(int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(last.text, sizeof last.text, fmt, args);
    va_end(args);
    last.status = status;
    last.n++;
    return status;
}

unsigned k_cuda_failures()
{
    return last.n;
}

void k_cuda_why(int status, char *why, size_t size)
{
    if (size > 0)
        snprintf(why, size, "%s", status == last.status ? last.text : "");
}

int k_cuda_failed_as(int status, cudaError_t error)
{
    if (error == cudaSuccess)
        return K_OK;
    cudaGetLastError(); /* said here, and no error of what comes next */
    if (error == cudaErrorInsufficientDriver || error == cudaErrorSystemDriverMismatch)
        return note_driver(status, error);
    return k_cuda_note(status, "%s (CUDA's error %d): %s", cudaGetErrorString(error), (int)error,
                       cure_of(error));
}

int k_cuda_failed(cudaError_t error)
{
    return k_cuda_failed_as(K_EDEVICE, error);
}

int k_cuda_no_room(int index, size_t wanted)
{
    constexpr double mib = 1 << 20;
    size_t unused = 0;
    size_t all = 0;
    cudaGetLastError();
    if (cudaMemGetInfo(&unused, &all) != cudaSuccess)
        return k_cuda_failed_as(K_ENOMEM, cudaErrorMemoryAllocation);
    return k_cuda_note(K_ENOMEM,
                       "%.1f MiB are wanted of device %d, which has %.1f of its %.1f MiB left: "
                       "nvidia-smi names who holds the rest; wait for them, or do with less",
                       (double)wanted / mib, index, (double)unused / mib, (double)all / mib);
}
