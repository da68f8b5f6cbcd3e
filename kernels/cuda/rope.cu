/* rope.cu -- rotary positions in place: x[T,stride], the first `heads` heads of D numbers in each
 * row; tables cos, sin[max_pos,D/2]; number i of a head turns with number i + D/2.
 *
 * A thread turns 16 bytes of each half of a head where heads begin at a multiple of 16 bytes and
 * halves are whole chunks, else one number of each. Heads are read and written once; the tables'
 * rows of a token are in a cache after its first head.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/flat.h"
#include "kernels/cuda/internal.h"

namespace
{
template <class T, int size>
__global__ void __launch_bounds__(k_flat_threads) rope(k_rope a, k_shares shares)
{
    int64_t t;
    int64_t item;
    if (!k_my_share(shares, &t, &item))
        return;
    const int half = (int)a.head_dim / 2;
    const unsigned per_head = (unsigned)(half / size);
    const unsigned head = (unsigned)item / per_head;
    const int i = (int)((unsigned)item - head * per_head) * size;
    T *low = static_cast<T *>(a.x) + t * a.stride + head * a.head_dim + i;
    const int64_t at = (int64_t)a.positions[t] * half + i;
    const k_some<float, size> c = k_read<size>(static_cast<const float *>(a.cos) + at, size, true);
    const k_some<float, size> s = k_read<size>(static_cast<const float *>(a.sin) + at, size, true);
    k_some<T, size> va = k_read<size>(low, size, true);
    k_some<T, size> vb = k_read<size>(low + half, size, true);
#pragma unroll
    for (int k = 0; k < size; k++) {
        const float x = k_to_float(va.v[k]), y = k_to_float(vb.v[k]);
        const float sine = a.inverse ? -s.v[k] : s.v[k];
        k_round_to(&va.v[k], x * c.v[k] - y * sine);
        k_round_to(&vb.v[k], y * c.v[k] + x * sine);
    }
    k_write<size>(low, size, true, va);
    k_write<size>(low + half, size, true, vb);
}

template <class T, int size> int launch_of(cudaStream_t stream, const k_rope &a)
{
    k_shares shares;
    const dim3 grid = k_share(&shares, a.tokens, a.heads * (a.head_dim / 2 / size));
    if (grid.x == 0)
        return K_EARG;
    K_LAUNCH((rope<T, size>), grid, dim3(k_flat_threads), 0, stream, a, shares);
    return k_cuda_launched();
}

template <class T> int launch(cudaStream_t stream, const k_rope &a)
{
    constexpr int size = k_chunk<T>::n;
    const int64_t half = a.head_dim / 2;
    const bool is_whole = k_is_aligned<T, size>(a.x, a.stride) && half % size == 0 &&
                          k_is_aligned<float, size>(a.cos) && k_is_aligned<float, size>(a.sin);
    return is_whole ? launch_of<T, size>(stream, a) : launch_of<T, 1>(stream, a);
}
} /* namespace */

int k_cuda_rope(k_device *dev, const k_rope *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->positions || !a->cos || !a->sin || !a->x || a->tokens < 0 || a->heads < 0 ||
        a->head_dim <= 0 || a->head_dim % 2 != 0 || a->head_dim > INT32_MAX ||
        a->heads > INT32_MAX / a->head_dim || a->stride < a->heads * a->head_dim)
        return K_EARG;
    if (a->tokens == 0 || a->heads == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    return a->type == K_F32 ? launch<float>(d->stream, *a) : launch<nv_bfloat16>(d->stream, *a);
}
