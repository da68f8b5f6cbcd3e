/* machine.cpp -- the devices as a test wants them: how many, of what kind, with what driver, and
 * what is wrong with them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"
#include <cstdio>

emu_machine emu_has = { 2, 13000, 13000, 9, 0, 256U << 20, 0, 64U << 20, 0, 0, 0, 0 };

namespace emu
{
cudaError_t standing_error()
{
    if (emu_has.failure)
        return static_cast<cudaError_t>(emu_has.failure);
    for (int k = 0; k < EMU_N_KINDS; k++)
        if (emu_count(static_cast<emu_kind>(k)) > 0)
            return k == EMU_LAUNCH ? cudaErrorInvalidConfiguration : cudaErrorLaunchFailure;
    return cudaSuccess;
}

static bool has_device(int device)
{
    return device >= 0 && device < emu_has.n_devices;
}
} /* namespace emu */

const char *cudaGetErrorString(cudaError_t error)
{
    static const struct {
        cudaError_t error;
        const char *text;
    } all[] = {
        { cudaSuccess, "no error" },
        { cudaErrorInvalidValue, "invalid argument" },
        { cudaErrorMemoryAllocation, "out of memory" },
        { cudaErrorInitializationError, "initialization error" },
        { cudaErrorInvalidConfiguration, "invalid configuration argument" },
        { cudaErrorInsufficientDriver,
          "CUDA driver version is insufficient for CUDA runtime version" },
        { cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable" },
        { cudaErrorNoDevice, "no CUDA-capable device is detected" },
        { cudaErrorInvalidDevice, "invalid device ordinal" },
        { cudaErrorNoKernelImageForDevice,
          "no kernel image is available for execution on the device" },
        { cudaErrorECCUncorrectable, "uncorrectable ECC error encountered" },
        { cudaErrorIllegalAddress, "an illegal memory access was encountered" },
        { cudaErrorMisalignedAddress, "misaligned address" },
        { cudaErrorLaunchFailure, "unspecified launch failure" },
        { cudaErrorSystemDriverMismatch,
          "system has unsupported display driver / cuda driver combination" },
        { cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing" },
        { cudaErrorStreamCaptureInvalidated,
          "operation failed due to a previous error during capture" },
    };
    for (const auto &one : all)
        if (one.error == error)
            return one.text;
    return "unrecognized error code";
}

cudaError_t cudaGetLastError()
{
    return emu::standing_error();
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = emu_has.driver;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = emu_has.runtime;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *n)
{
    *n = 0;
    if (emu_has.driver / 1000 < emu_has.runtime / 1000)
        return cudaErrorInsufficientDriver;
    if (emu_has.n_devices == 0)
        return cudaErrorNoDevice;
    *n = emu_has.n_devices;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr what, int device)
{
    cudaDeviceProp p;
    if (cudaGetDeviceProperties(&p, device) != cudaSuccess)
        return cudaErrorInvalidDevice;
    switch (what) {
    case cudaDevAttrMultiProcessorCount:
        *value = p.multiProcessorCount;
        return cudaSuccess;
    case cudaDevAttrL2CacheSize:
        *value = p.l2CacheSize;
        return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
        *value = p.major;
        return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
        *value = p.minor;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(p.sharedMemPerBlockOptin);
        return cudaSuccess;
    default:
        return cudaErrorInvalidValue;
    }
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device)
{
    *p = {};
    if (!emu::has_device(device))
        return cudaErrorInvalidDevice;
    snprintf(p->name, sizeof p->name, "Emulated %d", device);
    p->totalGlobalMem = emu_has.memory;
    p->sharedMemPerBlockOptin = emu::max_shared;
    p->major = emu_has.major;
    p->minor = emu_has.minor;
    p->multiProcessorCount = 4;
    p->l2CacheSize = 1 << 20;
    return cudaSuccess;
}
