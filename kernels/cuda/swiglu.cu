/* swiglu.cu -- SwiGLU: gate_up[T,2F], gate first -> y[T,F]; and backward. Element by element.
 *
 * Forward: 2 numbers read and 1 written for each of y; backward 3 and 2. A thread takes 16 bytes of
 * each array where rows begin at a multiple of 16 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/flat.h"
#include "kernels/cuda/internal.h"

namespace
{
/* expf, not the faster __expf: the rest hides behind memory all the same. */
__device__ __forceinline__ float sigmoid(float x)
{
    return 1.F / (1.F + expf(-x));
}

template <class T>
__global__ void __launch_bounds__(k_flat_threads)
    swiglu(k_swiglu a, k_shares shares, bool is_aligned)
{
    constexpr int size = k_chunk<T>::n;
    int64_t t;
    int64_t item;
    if (!k_my_share(shares, &t, &item))
        return;
    const int64_t column = item * size, left = a.f - column;
    const T *gate = static_cast<const T *>(a.gate_up) + t * 2 * a.f + column;
    k_some<T, size> g = k_read<size>(gate, left, is_aligned);
    const k_some<T, size> u = k_read<size>(gate + a.f, left, is_aligned);
#pragma unroll
    for (int i = 0; i < size; i++) {
        const float x = k_to_float(g.v[i]);
        k_round_to(&g.v[i], x * sigmoid(x) * k_to_float(u.v[i]));
    }
    k_write<size>(static_cast<T *>(a.y) + t * a.f + column, left, is_aligned, g);
}

/* dgate_up may be gate_up: a number of it is written by the thread that read it, which is done with
 * it. */
template <class T>
__global__ void __launch_bounds__(k_flat_threads)
    swiglu_bwd(k_swiglu_bwd a, k_shares shares, bool is_aligned)
{
    constexpr int size = k_chunk<T>::n;
    int64_t t;
    int64_t item;
    if (!k_my_share(shares, &t, &item))
        return;
    const int64_t column = item * size, left = a.f - column, at = t * 2 * a.f + column;
    const T *gate = static_cast<const T *>(a.gate_up) + at;
    k_some<T, size> g = k_read<size>(gate, left, is_aligned);
    k_some<T, size> u = k_read<size>(gate + a.f, left, is_aligned);
    const k_some<T, size> dy =
        k_read<size>(static_cast<const T *>(a.dy) + t * a.f + column, left, is_aligned);
#pragma unroll
    for (int i = 0; i < size; i++) {
        const float x = k_to_float(g.v[i]), d = k_to_float(dy.v[i]), s = sigmoid(x);
        k_round_to(&g.v[i], d * k_to_float(u.v[i]) * s * (1.F + x * (1.F - s)));
        k_round_to(&u.v[i], d * x * s);
    }
    T *dgate = static_cast<T *>(a.dgate_up) + at;
    k_write<size>(dgate, left, is_aligned, g);
    k_write<size>(dgate + a.f, left, is_aligned, u);
}

template <class T> int forward(cudaStream_t stream, const k_swiglu &a)
{
    constexpr int size = k_chunk<T>::n;
    k_shares shares;
    const dim3 grid = k_share(&shares, a.tokens, (a.f + size - 1) / size);
    if (grid.x == 0)
        return K_EARG;
    K_LAUNCH(swiglu<T>, grid, dim3(k_flat_threads), 0, stream, a, shares,
             k_is_aligned<T, size>(a.gate_up, a.f) && k_is_aligned<T, size>(a.y, a.f));
    return k_cuda_launched();
}

template <class T> int backward(cudaStream_t stream, const k_swiglu_bwd &a)
{
    constexpr int size = k_chunk<T>::n;
    k_shares shares;
    const dim3 grid = k_share(&shares, a.tokens, (a.f + size - 1) / size);
    if (grid.x == 0)
        return K_EARG;
    K_LAUNCH(swiglu_bwd<T>, grid, dim3(k_flat_threads), 0, stream, a, shares,
             k_is_aligned<T, size>(a.gate_up, a.f) && k_is_aligned<T, size>(a.dy, a.f) &&
                 k_is_aligned<T, size>(a.dgate_up, a.f));
    return k_cuda_launched();
}
} /* namespace */

int k_cuda_swiglu(k_device *dev, const k_swiglu *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->gate_up || !a->y || a->tokens < 0 || a->f < 0)
        return K_EARG;
    if (a->tokens == 0 || a->f == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    return a->type == K_F32 ? forward<float>(d->stream, *a) : forward<nv_bfloat16>(d->stream, *a);
}

int k_cuda_swiglu_bwd(k_device *dev, const k_swiglu_bwd *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->gate_up || !a->dy || !a->dgate_up || a->tokens < 0 || a->f < 0)
        return K_EARG;
    if (a->tokens == 0 || a->f == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    return a->type == K_F32 ? backward<float>(d->stream, *a) : backward<nv_bfloat16>(d->stream, *a);
}
