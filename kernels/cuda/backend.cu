/* backend.cu -- the table of the CUDA backend, its device and its memory. One stream per device, so
 * operations complete in the order issued.
 *
 * The host overlaps with the device because nothing here waits but copy_from, sync and sum_squares:
 * answers are scored by threads of the host while the next step of decoding runs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/internal.h"
#include "kernels/cuda/library.h"
#include <new>

namespace
{
extern const k_backend table;

constexpr int oldest = 8; /* compute capability: mma.m16n8k16 of bf16, cp.async */

void close_device(k_device *dev)
{
    if (!dev)
        return;
    k_cuda_device *d = k_cuda_of(dev);
    if (k_cuda_use(dev)) {
        k_cuda_end_recording(d);
        if (d->stream) {
            cudaStreamSynchronize(d->stream);
            cudaStreamDestroy(d->stream);
        }
        k_cuda_lt_close(d);
        k_cuda_staging_close(d);
        cudaFree(d->scratch);
    }
    delete d;
}

/* How many devices there are; where none, that is noted. */
int devices()
{
    int n = 0;
    if (k_cuda_failed(cudaGetDeviceCount(&n)) != K_OK)
        return 0;
    if (n == 0)
        k_cuda_failed(cudaErrorNoDevice);
    return n;
}

/* Whether the device is there and our kernels are for such. */
int look_at(int index, int *n_multiprocessors)
{
    const int n = devices();
    int major = 0;
    int minor = 0;
    if (n == 0)
        return K_EDEVICE;
    if (index < 0 || index >= n)
        return k_cuda_note(K_EARG, "there is no device %d: CUDA finds %d, counted from 0", index,
                           n);
    cudaError_t error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(n_multiprocessors, cudaDevAttrMultiProcessorCount, index);
    if (error != cudaSuccess)
        return k_cuda_failed(error);
    if (major < oldest)
        return k_cuda_note(K_EDEVICE,
                           "device %d has compute capability %d.%d, and the kernels need %d.0 or "
                           "later (Ampere, Ada, Hopper, Blackwell): use another device",
                           index, major, minor, oldest);
    return K_OK;
}

/* What an open device has of its own. */
int take_hold(k_cuda_device *d, const k_options *options)
{
    /* the first call that makes a context there: where others hold the device or all its memory */
    cudaError_t error = cudaSetDevice(d->index);
    if (error == cudaSuccess)
        error = cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking);
    if (error != cudaSuccess)
        return k_cuda_failed_as(error == cudaErrorMemoryAllocation ? K_ENOMEM : K_EDEVICE, error);
    void *scratch = nullptr;
    error = cudaMalloc(&scratch, K_CUDA_SCRATCH);
    if (error == cudaErrorMemoryAllocation)
        return k_cuda_no_room(d->index, K_CUDA_SCRATCH);
    if (error != cudaSuccess)
        return k_cuda_failed(error);
    d->scratch = static_cast<float *>(scratch);
    k_cuda_staging_open(d);
    return k_cuda_lt_open(d, options);
}

int open_device(k_device **out, const k_options *options)
{
    int n_multiprocessors = 0;
    *out = nullptr;
    int rc = look_at(options->index, &n_multiprocessors);
    if (rc != K_OK)
        return rc;
    auto *d = new (std::nothrow) k_cuda_device();
    if (!d)
        return K_ENOMEM;
    d->base.ops = &table;
    d->index = options->index;
    d->n_multiprocessors = n_multiprocessors;
    rc = take_hold(d, options);
    if (rc == K_OK)
        *out = &d->base;
    else
        close_device(&d->base);
    return rc;
}

void *alloc(k_device *dev, size_t size)
{
    void *p = nullptr;
    if (k_cuda_refuses(dev))
        k_cuda_note(K_ENOMEM, "nothing is allocated while operations are recorded");
    if (k_cuda_of(dev)->is_recording || !k_cuda_use(dev))
        return nullptr;
    const cudaError_t error = cudaMalloc(&p, size ? size : 1);
    if (error == cudaErrorMemoryAllocation)
        k_cuda_no_room(k_cuda_of(dev)->index, size);
    else
        k_cuda_failed(error);
    return error == cudaSuccess ? p : nullptr;
}

void release(k_device *dev, void *p)
{
    k_cuda_refuses(dev); /* it cannot be said, but a recording may name this memory */
    if (p && k_cuda_use(dev))
        cudaFree(p);
}

int zero(k_device *dev, void *p, size_t size)
{
    if (!size)
        return K_OK;
    return k_cuda_use(dev) ? k_cuda_failed(cudaMemsetAsync(p, 0, size, k_cuda_of(dev)->stream))
                           : K_EDEVICE;
}

int copy(k_device *dev, void *to, const void *from, size_t size)
{
    if (!size)
        return K_OK;
    return k_cuda_use(dev) ? k_cuda_failed(cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToDevice,
                                                           k_cuda_of(dev)->stream))
                           : K_EDEVICE;
}

int sync(k_device *dev)
{
    if (k_cuda_refuses(dev))
        return K_EARG;
    return k_cuda_use(dev) ? k_cuda_failed(cudaStreamSynchronize(k_cuda_of(dev)->stream))
                           : K_EDEVICE;
}

int memory(k_device *dev, size_t *unused, size_t *all)
{
    return k_cuda_use(dev) ? k_cuda_failed(cudaMemGetInfo(unused, all)) : K_EDEVICE;
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
    b.copy_to = k_cuda_copy_to;
    b.copy_from = k_cuda_copy_from;
    b.copy = copy;
    b.sync = sync;
    b.memory = memory;
    b.why = k_cuda_why;
    b.record = k_cuda_record;
    b.recorded = k_cuda_recorded;
    b.play = k_cuda_play;
    b.forget = k_cuda_forget;
    b.n_lanes = n_lanes;
    b.in_lanes = in_lanes;
    b.pack_bytes = k_cuda_pack_bytes;
    b.product_bytes = k_cuda_product_bytes;
    b.pack = k_cuda_pack;
    b.gemm_nt = k_cuda_gemm_nt;
    b.gemm_nn = k_cuda_gemm_nn;
    b.gemm_tn = k_cuda_gemm_tn;
    b.embed = k_cuda_embed;
    b.embed_bwd = k_cuda_embed_bwd;
    b.rmsnorm = k_cuda_rmsnorm;
    b.rmsnorm_bwd = k_cuda_rmsnorm_bwd;
    b.attn = k_cuda_attn;
    b.attn_bwd = k_cuda_attn_bwd;
    b.kv_append = k_cuda_kv_append;
    b.attn_paged = k_cuda_attn_paged;
    b.rope = k_cuda_rope;
    b.swiglu = k_cuda_swiglu;
    b.swiglu_bwd = k_cuda_swiglu_bwd;
    b.add = k_cuda_add;
    b.axpy = k_cuda_axpy;
    b.scale = k_cuda_scale;
    b.cast = k_cuda_cast;
    b.copy_rows = k_cuda_copy_rows;
    b.sum_squares = k_cuda_sum_squares;
    b.lmhead_scratch = k_cuda_lmhead_scratch;
    b.lmhead_logprob = k_cuda_lmhead_logprob;
    b.lmhead_grad = k_cuda_lmhead_grad;
    b.sample_scratch = k_cuda_sample_scratch;
    b.sample = k_cuda_sample;
    b.adamw = k_cuda_adamw;
    return b;
}

/* An operation that fails, or is refused, ends the recording it stands in. */
const k_backend plain = make_table();
template <auto operation> struct Watched;
template <class A, int (*k_backend::*operation)(k_device *, const A *)> struct Watched<operation> {
    static int call(k_device *dev, const A *a)
    {
        const int rc = (plain.*operation)(dev, a);
        k_cuda_of(dev)->is_broken |= rc != K_OK;
        return rc;
    }
};

template <auto... operations> k_backend watched(k_backend b) noexcept
{
    (..., (b.*operations = Watched<operations>::call));
    return b;
}
typedef k_backend B;
const k_backend table =
    watched<&B::gemm_nt, &B::gemm_nn, &B::gemm_tn, &B::embed, &B::embed_bwd, &B::rmsnorm,
            &B::rmsnorm_bwd, &B::rope, &B::attn, &B::attn_bwd, &B::kv_append, &B::attn_paged,
            &B::swiglu, &B::swiglu_bwd, &B::add, &B::axpy, &B::scale, &B::cast, &B::copy_rows,
            &B::lmhead_logprob, &B::lmhead_grad, &B::sample, &B::adamw>(plain);

int count_devices(char *why, size_t size)
{
    const int n = devices();
    if (n == 0)
        k_cuda_why(K_EDEVICE, why, size);
    return n;
}
} /* namespace */

extern "C" __attribute__((visibility("default"))) const k_library *assay_kernels()
{
    static const k_library library = { K_TABLE_VERSION, sizeof(k_backend), &table, count_devices };
    return &library;
}
