/* backend.cu -- the table of the CUDA backend, its device and its memory. One stream per device, so
 * operations complete in the order issued. What is not filled in here is not written yet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/internal.h"
#include "kernels/cuda/library.h"
#include <cstdio>
#include <new>

namespace
{
extern const k_backend table;

int status(cudaError_t error)
{
    return error == cudaSuccess ? K_OK : K_EDEVICE;
}

void close_device(k_device *dev)
{
    if (!dev)
        return;
    k_cuda_device *d = k_cuda_of(dev);
    if (k_cuda_use(dev)) {
        if (d->stream) {
            cudaStreamSynchronize(d->stream);
            cudaStreamDestroy(d->stream);
        }
        cudaFree(d->scratch);
    }
    delete d;
}

int open_device(k_device **out, const k_options *options)
{
    int n = 0;
    *out = nullptr;
    if (cudaGetDeviceCount(&n) != cudaSuccess || n == 0)
        return K_EDEVICE;
    if (options->index < 0 || options->index >= n)
        return K_EARG;
    auto *d = new (std::nothrow) k_cuda_device();
    if (!d)
        return K_ENOMEM;
    d->base.ops = &table;
    d->index = options->index;
    void *scratch = nullptr;
    if (!k_cuda_use(&d->base) ||
        cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking) != cudaSuccess) {
        delete d;
        return K_EDEVICE;
    }
    if (cudaMalloc(&scratch, K_CUDA_SCRATCH) != cudaSuccess) {
        close_device(&d->base);
        return K_ENOMEM;
    }
    d->scratch = static_cast<float *>(scratch);
    *out = &d->base;
    return K_OK;
}

void *alloc(k_device *dev, size_t size)
{
    void *p = nullptr;
    if (!k_cuda_use(dev) || cudaMalloc(&p, size ? size : 1) != cudaSuccess) {
        cudaGetLastError(); /* "no memory" is said by NULL, and no error of what comes next */
        return nullptr;
    }
    return p;
}

void release(k_device *dev, void *p)
{
    if (p && k_cuda_use(dev))
        cudaFree(p);
}

int zero(k_device *dev, void *p, size_t size)
{
    if (!size)
        return K_OK;
    return k_cuda_use(dev) ? status(cudaMemsetAsync(p, 0, size, k_cuda_of(dev)->stream))
                           : K_EDEVICE;
}

int copy_any(k_device *dev, void *to, const void *from, size_t size, cudaMemcpyKind kind)
{
    if (!size)
        return K_OK;
    if (!k_cuda_use(dev))
        return K_EDEVICE;
    cudaStream_t stream = k_cuda_of(dev)->stream;
    if (cudaMemcpyAsync(to, from, size, kind, stream) != cudaSuccess)
        return K_EDEVICE;
    /* the host's memory is its own again when this returns */
    return kind == cudaMemcpyDeviceToDevice ? K_OK : status(cudaStreamSynchronize(stream));
}

int copy_to(k_device *dev, void *to, const void *from_host, size_t size)
{
    return copy_any(dev, to, from_host, size, cudaMemcpyHostToDevice);
}

int copy_from(k_device *dev, void *to_host, const void *from, size_t size)
{
    return copy_any(dev, to_host, from, size, cudaMemcpyDeviceToHost);
}

int copy(k_device *dev, void *to, const void *from, size_t size)
{
    return copy_any(dev, to, from, size, cudaMemcpyDeviceToDevice);
}

int sync(k_device *dev)
{
    return k_cuda_use(dev) ? status(cudaStreamSynchronize(k_cuda_of(dev)->stream)) : K_EDEVICE;
}

/* One stream: what is issued beside each other would wait in it all the same. */
int n_lanes(k_device *)
{
    return 1;
}

int in_lanes(k_device *dev, int n, k_lane_fn *work, void *ctx)
{
    for (int i = 0; i < n; i++)
        work(ctx, i, dev);
    return K_OK;
}

k_backend make_table() noexcept
{
    k_backend b = {};
    b.version = K_TABLE_VERSION;
    b.types = 1U << K_F32 | 1U << K_BF16;
    b.name = "cuda";
    b.open = open_device;
    b.close = close_device;
    b.alloc = alloc;
    b.free = release;
    b.zero = zero;
    b.copy_to = copy_to;
    b.copy_from = copy_from;
    b.copy = copy;
    b.sync = sync;
    b.n_lanes = n_lanes;
    b.in_lanes = in_lanes;
    b.rmsnorm = k_cuda_rmsnorm;
    b.rmsnorm_bwd = k_cuda_rmsnorm_bwd;
    return b;
}
const k_backend table = make_table();

int count_devices(char *why, size_t size)
{
    int n = 0;
    const cudaError_t error = cudaGetDeviceCount(&n);
    if (error != cudaSuccess) {
        snprintf(why, size, "cudaGetDeviceCount says %d, %s", (int)error,
                 cudaGetErrorString(error));
        return 0;
    }
    if (n == 0)
        snprintf(why, size, "CUDA finds no device");
    return n;
}
} /* namespace */

extern "C" __attribute__((visibility("default"))) const k_library *assay_kernels()
{
    static const k_library library = { K_TABLE_VERSION, sizeof(k_backend), &table, count_devices };
    return &library;
}
