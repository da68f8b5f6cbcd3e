/* embed.cu -- rows of table[V,d] by token: ids[T] -> y[T,d]; backward, dtable[V,d] += dy[T,d].
 *
 * Forward: d numbers read and written a token, 16 bytes a thread. Backward: segments.h; it adds the
 * tokens of one id in the order of t, whatever the ids are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/flat.h"
#include "kernels/cuda/segments.h"

namespace
{
template <class T>
__global__ void __launch_bounds__(k_flat_threads) embed(k_embed a, k_shares shares, bool is_aligned)
{
    constexpr int size = k_chunk<T>::n;
    int64_t t;
    int64_t item;
    if (!k_my_share(shares, &t, &item))
        return;
    const int64_t column = item * size, left = a.d - column;
    const T *from = static_cast<const T *>(a.table) + a.ids[t] * a.d + column;
    T *to = static_cast<T *>(a.y) + t * a.d + column;
    k_write<size>(to, left, is_aligned, k_read<size>(from, left, is_aligned));
}

template <class T> int launch(cudaStream_t stream, const k_embed &a)
{
    constexpr int size = k_chunk<T>::n;
    k_shares shares;
    const dim3 grid = k_share(&shares, a.tokens, (a.d + size - 1) / size);
    if (grid.x == 0)
        return K_EARG;
    K_LAUNCH(embed<T>, grid, dim3(k_flat_threads), 0, stream, a, shares,
             k_is_aligned<T, size>(a.table, a.d) && k_is_aligned<T, size>(a.y, a.d));
    return k_cuda_launched();
}
} /* namespace */

int k_cuda_embed(k_device *dev, const k_embed *a)
{
    if ((a->type != K_F32 && a->type != K_BF16) || k_type_or(a->y_type, a->type) != a->type)
        return K_ETYPE;
    if (!a->ids || !a->table || !a->y || a->tokens < 0 || a->d < 0)
        return K_EARG;
    if (a->tokens == 0 || a->d == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    return a->type == K_F32 ? launch<float>(d->stream, *a) : launch<nv_bfloat16>(d->stream, *a);
}

int k_cuda_embed_bwd(k_device *dev, const k_embed_bwd *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->ids || !a->dy || !a->dtable || a->tokens < 0 || a->d < 0)
        return K_EARG;
    if (a->tokens == 0 || a->d == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const k_segments s = { a->type, K_F32,   a->tokens, a->d,   a->d,    a->d,
                           a->dy,   nullptr, a->dtable, a->ids, a->vocab };
    return k_cuda_add_segments(d, &s);
}
