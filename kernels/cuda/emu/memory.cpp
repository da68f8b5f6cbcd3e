/* memory.cpp -- device memory, asynchronous copies into shared memory, streams: the runtime API
 * over one mapping.
 *
 * Allocations lie 256 bytes apart, so that an index beyond the end of one meets no other; what a
 * kernel reads must have been written by a copy, a memset or a kernel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sys/mman.h>

struct emu_stream {
    int device;
};

namespace emu
{
Heap heap;

static constexpr int n_devices = 2;
static thread_local int current_device;

bool is_current(cudaStream_t stream)
{
    return !stream || stream->device == current_device;
}

static size_t n_used;

static std::map<Address, size_t> &allocations()
{
    static std::map<Address, size_t> m;
    return m;
}

void *map_memory(size_t n)
{
    void *p = mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED) {
        perror("emu: mmap");
        abort();
    }
    return p;
}

/* Bytes of device memory that somebody wrote; addresses of the host are left alone. */
static void mark_written(const void *p, size_t n)
{
    const size_t d = reinterpret_cast<Address>(p) - reinterpret_cast<Address>(heap.base);
    if (heap.base && d < heap.size)
        memset(heap.state + d, 2, n);
}

/* Whether [p, p + n) is all host memory or all inside allocations. */
static bool is_whole(const void *p, size_t n)
{
    const size_t d = reinterpret_cast<Address>(p) - reinterpret_cast<Address>(heap.base);
    if (!heap.base || d >= heap.size)
        return true;
    for (size_t i = 0; i < n; i++)
        if (d + i >= heap.size || !heap.state[d + i])
            return false;
    return true;
}

static void finish_copy(Block &b, const Copy &c, Address at)
{
    const auto to = reinterpret_cast<Address>(c.to);
    touch(c.to, 16, Kind::async_done, at);
    if (to - reinterpret_cast<Address>(b.shared_map) < max_shared + 2 * red_zone ||
        to - b.tls < b.n_tls) {
        memset(c.to, 0, 16);
        memcpy(c.to, c.from, static_cast<size_t>(c.n));
    }
}
} /* namespace emu */

using emu::heap;
using emu::here;
using emu::Kind;

/* ---- cp.async: in flight from here until the wait of the thread that issued it
 * --------------------------------------- */
void k_cp_async16(void *shared, const void *global, int bytes)
{
    emu::check_aligned(shared, 16, EMU_HERE);
    emu::check_aligned(global, 16, EMU_HERE);
    if (bytes < 0 || bytes > 16) {
        emu::report(EMU_OOB, EMU_HERE, "cp.async of %d bytes of 16, at", bytes);
        emu::abandon(*here);
    }
    emu::touch(global, static_cast<size_t>(bytes), Kind::read, EMU_HERE);
    emu::touch(shared, 16, Kind::async_issue, EMU_HERE);
    here->now->copies.back().push_back(
        { static_cast<char *>(shared), static_cast<const char *>(global), bytes });
}

void k_cp_commit()
{
    here->now->copies.emplace_back();
}

void emu_cp_wait(int pending)
{
    auto &groups = here->now->copies;
    while (static_cast<int>(groups.size()) - 1 > pending) {
        for (const emu::Copy &c : groups[0])
            emu::finish_copy(*here, c, EMU_HERE);
        groups.erase(groups.begin());
    }
}

/* ---- the runtime API
 * ---------------------------------------------------------------------------------------------------
 */
cudaError_t cudaMalloc(void **p, size_t n)
{
    constexpr size_t gap = 256;
    if (!heap.base) {
        heap.size = 256U << 20;
        heap.base = static_cast<char *>(emu::map_memory(heap.size));
        heap.state = static_cast<uint8_t *>(emu::map_memory(heap.size));
        heap.shadow = static_cast<emu::Shadow *>(emu::map_memory(heap.size * sizeof(emu::Shadow)));
    }
    *p = nullptr;
    if (n == 0)
        return cudaSuccess;
    if (n > heap.size || emu::n_used + n + 2 * gap > heap.size)
        return cudaErrorMemoryAllocation;
    const size_t at = emu::n_used + gap;
    *p = heap.base + at;
    memset(heap.state + at, 1, n);
    memset(*p, 0xff, n); /* NaN, to whoever reads it all the same */
    emu::allocations()[reinterpret_cast<emu::Address>(*p)] = n;
    emu::n_used += (n + gap + gap - 1) / gap * gap;
    return cudaSuccess;
}

cudaError_t cudaFree(void *p)
{
    if (!p)
        return cudaSuccess;
    auto &all = emu::allocations();
    const auto found = all.find(reinterpret_cast<emu::Address>(p));
    if (found == all.end())
        return cudaErrorInvalidValue;
    memset(heap.state + (static_cast<char *>(p) - heap.base), 0, found->second);
    all.erase(found);
    if (all.empty())
        emu::n_used = 0;
    return cudaSuccess;
}

cudaError_t cudaMemset(void *p, int v, size_t n)
{
    if (!emu::is_whole(p, n))
        return cudaErrorInvalidValue;
    memset(p, v, n);
    emu::mark_written(p, n);
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t n, cudaMemcpyKind)
{
    if (!emu::is_whole(to, n) || !emu::is_whole(from, n))
        return cudaErrorInvalidValue;
    if (n > 0)
        memcpy(to, from, n);
    emu::mark_written(to, n);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int v, size_t n, cudaStream_t)
{
    return cudaMemset(p, v, n);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n, cudaMemcpyKind kind, cudaStream_t)
{
    return cudaMemcpy(to, from, n, kind);
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidConfiguration:
        return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
        return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
        return "invalid device ordinal";
    case cudaErrorLaunchFailure:
        return "unspecified launch failure";
    default:
        return "unrecognized error code";
    }
}

cudaError_t cudaGetLastError()
{
    for (int k = 0; k < EMU_N_KINDS; k++)
        if (emu_count(static_cast<emu_kind>(k)) > 0)
            return k == EMU_LAUNCH ? cudaErrorInvalidConfiguration : cudaErrorLaunchFailure;
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize()
{
    return cudaGetLastError();
}

cudaError_t cudaGetDeviceCount(int *n)
{
    *n = emu::n_devices;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    if (device < 0 || device >= emu::n_devices)
        return cudaErrorInvalidDevice;
    emu::current_device = device;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = new emu_stream{ emu::current_device };
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return cudaGetLastError();
}
