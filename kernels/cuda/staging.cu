/* staging.cu -- copies between the host and a device, through memory of the host that is pinned:
 * the device fetches from there on its own, so that copy_to returns when the bytes have been put
 * there, and nobody waits for the device.
 *
 * To the device: a ring of parts, filled one after another, by many small copies or by pieces of a
 * large one. When a part is full an event is recorded, and before it is filled again, that is
 * waited for: everything the device is to fetch from it has been fetched by then. From the device:
 * two parts in turn, of which one is emptied by the host while the other is filled.
 *
 * All of it in the one stream of the device. A second one for copies would have to wait for the
 * kernels that still read the old bytes, and be waited for by those that read the new ones, which
 * is the order of one stream again: what is copied here is small (ids, positions, tables of blocks:
 * some KiB a step), and needed at once.
 *
 * Where no memory can be pinned, copies wait for the device instead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/internal.h"
#include <cstring>

namespace
{
constexpr size_t part = (size_t)2 << 20;
constexpr size_t align = 64; /* of what lies in a part */

int waiting_copy(k_cuda_device *d, void *to, const void *from, size_t size, cudaMemcpyKind kind)
{
    const int rc = k_cuda_failed(cudaMemcpyAsync(to, from, size, kind, d->stream));
    return rc < 0 ? rc : k_cuda_failed(cudaStreamSynchronize(d->stream));
}

char *part_of(const k_cuda_staging &s, size_t i)
{
    return s.memory + i * part;
}

/* The next part of the ring, once the device has fetched all of it. */
int begin_part(k_cuda_staging &s)
{
    const size_t i = s.at / part;
    return s.is_full[i] ? k_cuda_failed(cudaEventSynchronize(s.passed[i])) : K_OK;
}

int end_part(k_cuda_device *d, k_cuda_staging &s)
{
    const size_t i = s.at / part - 1;
    s.is_full[i] = true;
    s.at %= K_CUDA_PARTS * part;
    return k_cuda_failed(cudaEventRecord(s.passed[i], d->stream));
}
} /* namespace */

void k_cuda_staging_open(k_cuda_device *d)
{
    k_cuda_staging &s = d->staging;
    void *memory = nullptr;
    bool is_good = cudaMallocHost(&memory, (K_CUDA_PARTS + 2) * part) == cudaSuccess;
    for (size_t i = 0; i < K_CUDA_PARTS + 2 && is_good; i++)
        is_good = cudaEventCreateWithFlags(&s.passed[i], cudaEventDisableTiming) == cudaSuccess;
    s.memory = static_cast<char *>(memory);
    if (!is_good) {
        cudaGetLastError(); /* copies wait, then */
        k_cuda_staging_close(d);
    }
}

void k_cuda_staging_close(k_cuda_device *d)
{
    for (cudaEvent_t &event : d->staging.passed)
        if (event)
            cudaEventDestroy(event);
    cudaFreeHost(d->staging.memory);
    d->staging = {};
}

int k_cuda_copy_to(k_device *dev, void *to, const void *from, size_t size)
{
    if (k_cuda_refuses(dev))
        return K_EARG;
    if (!size)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    k_cuda_staging &s = d->staging;
    if (!s.memory)
        return waiting_copy(d, to, from, size, cudaMemcpyHostToDevice);
    int rc = K_OK;
    for (size_t done = 0; rc == K_OK && done < size;) {
        const size_t in_part = s.at % part;
        if (in_part == 0 && (rc = begin_part(s)) != K_OK)
            break;
        const size_t room = part - in_part;
        const size_t n = size - done < room ? size - done : room;
        memcpy(s.memory + s.at, static_cast<const char *>(from) + done, n);
        rc = k_cuda_failed(cudaMemcpyAsync(static_cast<char *>(to) + done, s.memory + s.at, n,
                                           cudaMemcpyHostToDevice, d->stream));
        done += n;
        s.at += (n + align - 1) / align * align;
        if (s.at % part == 0 && rc == K_OK)
            rc = end_part(d, s);
    }
    return rc;
}

int k_cuda_copy_from(k_device *dev, void *to, const void *from, size_t size)
{
    if (k_cuda_refuses(dev))
        return K_EARG;
    if (!size)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    k_cuda_staging &s = d->staging;
    if (!s.memory)
        return waiting_copy(d, to, from, size, cudaMemcpyDeviceToHost);
    const size_t n_pieces = (size + part - 1) / part;
    for (size_t i = 0; i <= n_pieces; i++) { /* piece i is asked for, then piece i - 1 is taken */
        const size_t now = K_CUDA_PARTS + i % 2;
        const size_t before = K_CUDA_PARTS + (i + 1) % 2;
        int rc = K_OK;
        if (i < n_pieces) {
            const size_t n = size - i * part < part ? size - i * part : part;
            rc = k_cuda_failed(cudaMemcpyAsync(part_of(s, now),
                                               static_cast<const char *>(from) + i * part, n,
                                               cudaMemcpyDeviceToHost, d->stream));
            if (rc == K_OK)
                rc = k_cuda_failed(cudaEventRecord(s.passed[now], d->stream));
        }
        if (i > 0 && rc == K_OK)
            rc = k_cuda_failed(cudaEventSynchronize(s.passed[before]));
        if (rc != K_OK)
            return rc;
        if (i > 0) {
            const size_t at = (i - 1) * part;
            memcpy(static_cast<char *>(to) + at, part_of(s, before),
                   size - at < part ? size - at : part);
        }
    }
    return K_OK;
}
