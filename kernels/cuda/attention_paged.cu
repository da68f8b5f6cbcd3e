/* attention_paged.cu -- attention against a paged cache, and what fills it, on the device.
 *
 * A cache is [block, KV, offset, D], as kernels/kernels.h has it: the keys of a head in a block are
 * block_size * D numbers one after another. What indices there are is read on the device alone, and
 * nothing about a launch depends on it: recorded launches are played with others. A row or slot
 * whose indices lead outside is left out.
 *
 * A call of no more rows than there are sequences is decoding: a block for each row and key head,
 * whose query heads are the rows of one mma. It costs the bytes of its keys and values, once. Else
 * there are pieces of prompts in it: a block for as many rows that follow each other in a sequence
 * as make 64 with the heads of a key head; single rows among them are done as in decoding. Heads of
 * more than 128 numbers are always done row by row.
 *
 * The keys of a row are not split among blocks: that would fill a GPU where few long sequences are
 * decoded, but sum in another order, unless attention of whole sequences summed so too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_bf16.h"
#include "kernels/cuda/attention_f32.h"

namespace
{
/* ---- the cache --------------------------------------------------------------------------------
 */
constexpr int append_threads = 128;

/* Block t: the key and value heads of row t, 16 bytes at a time, or where is_whole is false number
 * by number. Costs a read and a write of each. */
template <class T, bool whole>
__global__ void __launch_bounds__(append_threads) kv_append(k_kv_append a)
{
    const int64_t t = blockIdx.x, slot = a.slots[t], dim = a.head_dim;
    if (slot < 0 || slot >= a.n_blocks * a.block_size)
        return;
    const int n = (int)(a.kv_heads * dim);
    const unsigned block_size = (unsigned)a.block_size;
    const int64_t block = (unsigned)slot / block_size, offset = (unsigned)slot % block_size;
    const T *k = static_cast<const T *>(a.qkv) + (t * (a.heads + 2 * a.kv_heads) + a.heads) * dim;
    constexpr int size = whole ? k_chunk<T>::n : 1;
    for (int i = (int)threadIdx.x * size; i < n; i += append_threads * size) {
        const int kv = i / (int)dim;
        const int64_t to = ((block * a.kv_heads + kv) * a.block_size + offset) * dim + i % dim;
        if (whole) {
            k_save<T, whole>(static_cast<T *>(a.k_cache) + to, 0, n, k_load<T, whole>(k, i, n));
            k_save<T, whole>(static_cast<T *>(a.v_cache) + to, 0, n, k_load<T, whole>(k + n, i, n));
        } else {
            static_cast<T *>(a.k_cache)[to] = k[i];
            static_cast<T *>(a.v_cache)[to] = k[n + i];
        }
    }
}

template <class T> void append(cudaStream_t stream, const k_kv_append &a)
{
    const dim3 grid((unsigned)a.tokens);
    if (k_is_whole<T>(a.qkv, a.head_dim) && k_is_whole<T>(a.k_cache, a.head_dim) &&
        k_is_whole<T>(a.v_cache, a.head_dim))
        K_LAUNCH((kv_append<T, true>), grid, dim3(append_threads), 0, stream, a);
    else
        K_LAUNCH((kv_append<T, false>), grid, dim3(append_threads), 0, stream, a);
}

/* ---- rows of the call -------------------------------------------------------------------------
 */
/* How many rows and query heads a block has at most. */
struct Cut {
    int rows, heads;
};

/* Rows t .. t + n - 1, which follow each other in a sequence from `position` on, and query heads
 * head .. head + heads - 1, which read one key head. Of the rows, n_there are to be done: those
 * whose indices are none outside. */
struct Part {
    int64_t t;
    int n, n_there, seq, position, kv, head, heads;
};

__device__ __forceinline__ Part part_of(const k_attn_paged &a, int64_t t, int64_t most_rows,
                                        int most_heads)
{
    const int group = (int)a.heads / (int)a.kv_heads,
              n_cuts = (group + most_heads - 1) / most_heads;
    const int kv = (int)blockIdx.y / n_cuts, first = (int)blockIdx.y % n_cuts * most_heads;
    const int heads = group - first < most_heads ? group - first : most_heads;
    const int seq = a.seq_of[t], position = a.positions[t];
    int n = 1;
    while (n < most_rows && a.seq_of[t + n] == seq &&
           (unsigned)a.positions[t + n] == (unsigned)position + n)
        n++;
    const int64_t room =
        seq < 0 || seq >= a.n_seqs || position < 0 ? 0 : a.max_blocks * a.block_size - position;
    const int n_there = room <= 0 ? 0 : room < n ? (int)room : n;
    return { t, n, n_there, seq, position, kv, kv * group + first, heads };
}

template <class T>
__device__ __forceinline__ k_paged_keys<T> keys_of(const k_attn_paged &a, const Part &p)
{
    const int64_t block = a.block_size * a.head_dim;
    return { static_cast<const T *>(a.k_cache) + p.kv * block,
             static_cast<const T *>(a.v_cache) + p.kv * block,
             a.block_tables + p.seq * a.max_blocks,
             a.kv_heads * block,
             (unsigned)a.n_blocks,
             (unsigned)a.block_size,
             (int)a.head_dim };
}

/* The heads of the first row, then those of the next. */
template <class T>
__device__ __forceinline__ k_query<T> query_of(const k_attn_paged &a, const Part &p, int i)
{
    const int row = i / p.heads, head = p.head + i % p.heads;
    if (row >= p.n_there)
        return {};
    const int64_t stride = (a.heads + 2 * a.kv_heads) * a.head_dim;
    return { static_cast<const T *>(a.qkv) + (p.t + row) * stride + head * a.head_dim,
             static_cast<T *>(a.out) + ((p.t + row) * a.heads + head) * a.head_dim, nullptr,
             p.position + row };
}

__global__ void __launch_bounds__(k_f32::threads) paged_f32(k_attn_paged a)
{
    K_DYN_SHARED(float, shared);
    const Part p = part_of(a, blockIdx.x, 1, k_f32::rows);
    if (p.n_there == 0)
        return; /* the whole block */
    k_f32::attend(
        shared, keys_of<float>(a, p), [=](int i) { return query_of<float>(a, p, i); },
        p.position + p.n_there, (int)a.head_dim, (float)a.scale);
}

template <class S>
__global__ void __launch_bounds__(k_bf16::threads, S::blocks + 1)
    paged_rows(k_attn_paged a, k_bf16::Sizes z)
{
    K_DYN_SHARED(nv_bfloat16, shared);
    const Part p = part_of(a, blockIdx.x, 1, k_bf16::few);
    if (p.n_there == 0)
        return; /* the whole block */
    k_bf16::attend_few<S>(
        shared, keys_of<nv_bfloat16>(a, p), [=](int i) { return query_of<nv_bfloat16>(a, p, i); },
        p.position + p.n_there, z);
}

/* Block (i, y, j): of the rows that block i of cut.rows begins with, every gridDim.z'th stretch
 * that lies in a sequence. */
template <class S>
__global__ void __launch_bounds__(k_bf16::threads, 2)
    paged_pieces(k_attn_paged a, Cut cut, k_bf16::Sizes z)
{
    K_DYN_SHARED(nv_bfloat16, shared);
    const int64_t begin = (int64_t)blockIdx.x * cut.rows;
    const int64_t end = begin + cut.rows < a.tokens ? begin + cut.rows : a.tokens;
    unsigned n = 0;
    for (int64_t t = begin; t < end;) {
        const Part p = part_of(a, t, end - t, cut.heads);
        t += p.n;
        if (n++ % gridDim.z != blockIdx.z || p.n_there == 0)
            continue; /* the whole block */
        const auto keys = keys_of<nv_bfloat16>(a, p);
        const auto row_of = [=](int i) { return query_of<nv_bfloat16>(a, p, i); };
        if (p.n_there * p.heads <= k_bf16::few)
            k_bf16::attend_few<S>(shared, keys, row_of, p.position + p.n_there, z);
        else
            k_bf16::attend<S>(shared, keys, row_of, p.position + p.n_there, z);
    }
}

/* Parts of query heads, where one takes so many. */
unsigned n_parts(const k_attn_paged &a, int most_heads)
{
    const int64_t group = a.heads / a.kv_heads;
    return (unsigned)(a.kv_heads * ((group + most_heads - 1) / most_heads));
}

bool launch_f32(cudaStream_t stream, const k_attn_paged &a)
{
    const size_t shared = k_f32::shared_bytes(a.head_dim);
    if (!k_allow_shared(paged_f32, shared))
        return false;
    K_LAUNCH(paged_f32, dim3((unsigned)a.tokens, n_parts(a, k_f32::rows)), dim3(k_f32::threads),
             shared, stream, a);
    return true;
}

/* k_bf16::with_shape calls it. */
struct Launch {
    cudaStream_t stream;
    const k_attn_paged *a;
    template <class S> bool with(const k_bf16::Sizes &z) const
    {
        if constexpr (S::width <= 128) /* both ways of a larger one are more than the registers */
            if (a->tokens > a->n_seqs)
                return pieces<S>(z);
        return rows<S>(z);
    }
    template <class S> bool rows(const k_bf16::Sizes &z) const
    {
        if (!k_allow_shared(paged_rows<S>, S::few_shared))
            return false;
        K_LAUNCH((paged_rows<S>), dim3((unsigned)a->tokens, n_parts(*a, k_bf16::few)),
                 dim3(k_bf16::threads), S::few_shared, stream, *a, z);
        return true;
    }
    template <class S> bool pieces(const k_bf16::Sizes &z) const
    {
        constexpr size_t shared = S::shared > S::few_shared ? S::shared : S::few_shared;
        const int group = (int)(a->heads / a->kv_heads);
        const int heads = group < k_bf16::rows ? group : k_bf16::rows;
        const Cut cut = { k_bf16::rows / heads, heads };
        const unsigned beside = cut.rows < 4 ? (unsigned)cut.rows : 4;
        if (!k_allow_shared(paged_pieces<S>, shared))
            return false;
        K_LAUNCH(
            (paged_pieces<S>),
            dim3((unsigned)((a->tokens + cut.rows - 1) / cut.rows), n_parts(*a, heads), beside),
            dim3(k_bf16::threads), shared, stream, *a, cut, z);
        return true;
    }
};
} /* namespace */

int k_cuda_kv_append(k_device *dev, const k_kv_append *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->slots || !a->qkv || !a->k_cache || !a->v_cache || a->tokens < 0 ||
        a->tokens > INT32_MAX || a->block_size <= 0 || a->n_blocks < 0 ||
        a->block_size > INT32_MAX || a->n_blocks > INT32_MAX ||
        !k_attn_heads_ok(a->heads, a->kv_heads, a->head_dim))
        return K_EARG;
    if (a->tokens == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    if (a->type == K_F32)
        append<float>(d->stream, *a);
    else
        append<nv_bfloat16>(d->stream, *a);
    return k_cuda_launched();
}

int k_cuda_attn_paged(k_device *dev, const k_attn_paged *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->seq_of || !a->positions || !a->block_tables || !a->qkv || !a->k_cache || !a->v_cache ||
        !a->out || a->tokens < 0 || a->tokens > INT32_MAX || a->block_size <= 0 ||
        a->block_size > INT32_MAX || a->n_blocks < 0 || a->n_blocks > INT32_MAX || a->n_seqs < 0 ||
        a->max_blocks < 0 || !k_attn_heads_ok(a->heads, a->kv_heads, a->head_dim))
        return K_EARG;
    if (a->tokens == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const bool is_launched = a->type == K_F32
                                 ? launch_f32(d->stream, *a)
                                 : k_bf16::with_shape(Launch{ d->stream, a }, a->head_dim, a->scale,
                                                      { a->qkv, a->out, a->k_cache, a->v_cache });
    return is_launched ? k_cuda_launched() : K_EDEVICE;
}
