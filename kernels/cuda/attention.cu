/* attention.cu -- causal attention of whole sequences, on the device. Formulas, and what a parent
 * is: kernels/kernels.h; in bf16 on the matrix units (attention_bf16.h), in f32 by fmaf
 * (attention_f32.h).
 *
 * A block has 64 queries (f32: 16) of one head. 4 D operations for each query and key it sees, so
 * 2 H D n^2 for a sequence of n, which bound it: a block reads its keys and values from L2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_bf16.h"
#include "kernels/cuda/attention_f32.h"

namespace
{
/* The queries of a block: rows begin .. end-1 of a sequence, of one head. Where end is not above
 * begin there are none. */
struct Part {
    k_span span;
    int begin, end, head;
};

/* Block (i, h): `size` queries of head h, the last ones of the sequences first: those have the most
 * keys, and blocks begin in order. */
__device__ __forceinline__ Part part_of(const k_attn &a, int n_tiles, int size)
{
    const unsigned n_seqs = (unsigned)a.n_seqs;
    const int seq = (int)(blockIdx.x % n_seqs), i = n_tiles - 1 - (int)(blockIdx.x / n_seqs);
    const k_span span = k_span_of(a.cu_seqlens, a.parents, seq);
    const int begin = span.begin + i * size;
    return { span, begin, begin + size < span.end ? begin + size : span.end, (int)blockIdx.y };
}

template <class T>
__device__ __forceinline__ k_packed_keys<T> keys_of(const k_attn &a, const Part &p)
{
    return k_keys_of<T>(a.qkv, p.span, (int)a.heads, (int)a.kv_heads, (int)a.head_dim,
                        p.head / ((int)a.heads / (int)a.kv_heads));
}

template <class T>
__device__ __forceinline__ k_query<T> query_of(const k_attn &a, const Part &p, int i)
{
    const int64_t row = p.begin + i;
    if (row >= p.end)
        return {};
    const int64_t stride = (a.heads + 2 * a.kv_heads) * a.head_dim;
    return { static_cast<const T *>(a.qkv) + row * stride + p.head * a.head_dim,
             static_cast<T *>(a.out) + (row * a.heads + p.head) * a.head_dim,
             a.lse ? static_cast<float *>(a.lse) + row * a.heads + p.head : nullptr,
             p.span.before + (int)row - p.span.begin };
}

__global__ void __launch_bounds__(k_f32::threads) attn_f32(k_attn a, int n_tiles)
{
    K_DYN_SHARED(float, shared);
    const Part p = part_of(a, n_tiles, k_f32::rows);
    if (p.begin >= p.end)
        return; /* the whole block */
    k_f32::attend(
        shared, keys_of<float>(a, p), [=](int i) { return query_of<float>(a, p, i); },
        p.span.before + p.end - p.span.begin, (int)a.head_dim, (float)a.scale);
}

template <class S>
__global__ void __launch_bounds__(k_bf16::threads, S::blocks)
    attn_bf16(k_attn a, int n_tiles, k_bf16::Sizes z)
{
    K_DYN_SHARED(nv_bfloat16, shared);
    const Part p = part_of(a, n_tiles, k_bf16::rows);
    if (p.begin >= p.end)
        return; /* the whole block */
    k_bf16::attend<S>(
        shared, keys_of<nv_bfloat16>(a, p), [=](int i) { return query_of<nv_bfloat16>(a, p, i); },
        p.span.before + p.end - p.span.begin, z);
}

/* Blocks of a head, where a sequence has at most `longest` rows of its own. */
int64_t n_blocks(const k_attn &a, int64_t longest, int rows)
{
    return (longest + rows - 1) / rows * a.n_seqs;
}

bool launch_f32(cudaStream_t stream, const k_attn &a, int64_t longest)
{
    const int64_t n = n_blocks(a, longest, k_f32::rows);
    const size_t shared = k_f32::shared_bytes(a.head_dim);
    if (!k_allow_shared(attn_f32, shared))
        return false;
    K_LAUNCH(attn_f32, dim3((unsigned)n, (unsigned)a.heads), dim3(k_f32::threads), shared, stream,
             a, (int)(n / a.n_seqs));
    return true;
}

/* k_bf16::with_shape calls it. */
struct Launch {
    cudaStream_t stream;
    const k_attn *a;
    int64_t longest;
    template <class S> bool with(const k_bf16::Sizes &z) const
    {
        const int64_t n = n_blocks(*a, longest, k_bf16::rows);
        if (!k_allow_shared(attn_bf16<S>, S::shared))
            return false;
        K_LAUNCH((attn_bf16<S>), dim3((unsigned)n, (unsigned)a->heads), dim3(k_bf16::threads),
                 S::shared, stream, *a, (int)(n / a->n_seqs), z);
        return true;
    }
};
} /* namespace */

int k_cuda_attn(k_device *dev, const k_attn *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->qkv || !a->out || !a->cu_seqlens || a->tokens < 0 || a->n_seqs < 0 ||
        a->max_seqlen < 0 || !k_attn_heads_ok(a->heads, a->kv_heads, a->head_dim))
        return K_EARG;
    const int64_t longest = a->max_seqlen < a->tokens ? a->max_seqlen : a->tokens;
    if (a->tokens > INT32_MAX || a->n_seqs > INT32_MAX ||
        n_blocks(*a, longest, k_f32::rows) > INT32_MAX) /* of a grid */
        return K_EARG;
    if (longest == 0 || a->n_seqs == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const bool is_launched = a->type == K_F32
                                 ? launch_f32(d->stream, *a, longest)
                                 : k_bf16::with_shape(Launch{ d->stream, a, longest }, a->head_dim,
                                                      a->scale, { a->qkv, a->out });
    return is_launched ? k_cuda_launched() : K_EDEVICE;
}
