/* adamw.cu -- AdamW over flat arrays [n], one kernel; without master weights rounded by chance
 * (kernels.h has the formulas, philox.h the draws).
 *
 * A thread takes 4 numbers that one draw of Philox serves: numbers of the whole array, so that
 * where a range of it begins at no multiple of 4 the first thread has fewer, and all others still
 * load 16 bytes. Bytes per number: 16 read and 14 written with a master and a copy of bf16, 14 and
 * 10 without a master, 12 of all of them the moments' and the gradient's; the draw's 10 rounds hide
 * behind them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/flat.h"
#include "kernels/cuda/internal.h"
#include "kernels/philox.h"
#include <cmath>

namespace
{
constexpr int size = 4;

struct step {
    float b1, b2, eps, decay, rate, unbias, grad_scale;
};

/* Numbers at .. at + 3 of p[n]; at may be below 0. is_whole: they are all there, and aligned. */
template <class T>
__device__ __forceinline__ k_some<T, size> load(const void *p, int64_t at, int64_t n, bool is_whole)
{
    const T *from = static_cast<const T *>(p) + at;
    if (is_whole)
        return *reinterpret_cast<const k_some<T, size> *>(from);
    k_some<T, size> c;
#pragma unroll
    for (int i = 0; i < size; i++) {
        k_round_to(&c.v[i], 0.F);
        if (at + i >= 0 && at + i < n)
            c.v[i] = from[i];
    }
    return c;
}

template <class T>
__device__ __forceinline__ void store(void *p, int64_t at, int64_t n, bool is_whole,
                                      const k_some<T, size> &c)
{
    T *to = static_cast<T *>(p) + at;
    if (is_whole) {
        *reinterpret_cast<k_some<T, size> *>(to) = c;
        return;
    }
#pragma unroll
    for (int i = 0; i < size; i++)
        if (at + i >= 0 && at + i < n)
            to[i] = c.v[i];
}

__device__ __forceinline__ nv_bfloat16 by_chance(float x, uint32_t word)
{
    const uint32_t bits = __float_as_uint(x);
    if ((bits & 0x7f800000U) == 0x7f800000U)
        return __float2bfloat16_rn(x);
    return __ushort_as_bfloat16((unsigned short)((bits + (word >> 16)) >> 16));
}

/* C: of the copy. */
template <class C, bool has_master>
__global__ void __launch_bounds__(k_flat_threads) adamw(k_adamw a, step s, bool is_aligned)
{
    const int64_t skip = (int64_t)(a.first % size);
    const int64_t at = k_flat_first(size) - skip;
    if (at >= a.n)
        return;
    const bool is_whole = is_aligned && at >= 0 && at + size <= a.n;
    const k_some<float, size> grad = load<float>(a.grad, at, a.n, is_whole);
    k_some<float, size> m = load<float>(a.m, at, a.n, is_whole);
    k_some<float, size> v = load<float>(a.v, at, a.n, is_whole);
    k_some<float, size> p;
    k_some<C, size> copy;
    if (has_master) {
        p = load<float>(a.master, at, a.n, is_whole);
    } else {
        copy = load<C>(a.copy, at, a.n, is_whole);
#pragma unroll
        for (int i = 0; i < size; i++)
            p.v[i] = k_to_float(copy.v[i]);
    }
#pragma unroll
    for (int i = 0; i < size; i++) {
        const float g = grad.v[i] * s.grad_scale;
        m.v[i] = s.b1 * m.v[i] + (1.F - s.b1) * g;
        v.v[i] = s.b2 * v.v[i] + (1.F - s.b2) * g * g;
        p.v[i] = p.v[i] * s.decay - s.rate * m.v[i] / (sqrtf(v.v[i]) * s.unbias + s.eps);
    }
    store(a.m, at, a.n, is_whole, m);
    store(a.v, at, a.n, is_whole, v);
    if constexpr (has_master) {
        store(a.master, at, a.n, is_whole, p);
        if (!a.copy)
            return;
#pragma unroll
        for (int i = 0; i < size; i++)
            k_round_to(&copy.v[i], p.v[i]);
    } else {
        uint32_t word[4];
        k_chances(a.seed, (a.first - skip + k_flat_first(size)) / size, (uint64_t)a.step, word);
#pragma unroll
        for (int i = 0; i < size; i++)
            copy.v[i] = by_chance(p.v[i], word[i]);
    }
    store(a.copy, at, a.n, is_whole, copy);
}

/* Whether the numbers that p's array has at multiples of 4 lie where they may be loaded at once. */
template <class T> bool is_in_step(const void *p, uint64_t first)
{
    return (reinterpret_cast<uintptr_t>(p) - first % size * sizeof(T)) % alignof(k_some<T, size>) ==
           0;
}

template <class C, bool has_master> int launch(cudaStream_t stream, const k_adamw &a, const step &s)
{
    const unsigned blocks = k_flat_blocks(a.n + (int64_t)(a.first % size), size);
    if (blocks == 0)
        return K_EARG;
    const bool is_aligned = is_in_step<float>(a.grad, a.first) && is_in_step<float>(a.m, a.first) &&
                            is_in_step<float>(a.v, a.first) &&
                            (!has_master || is_in_step<float>(a.master, a.first)) &&
                            (!a.copy || is_in_step<C>(a.copy, a.first));
    K_LAUNCH((adamw<C, has_master>), dim3(blocks), dim3(k_flat_threads), 0, stream, a, s,
             is_aligned);
    return k_cuda_launched();
}
} /* namespace */

int k_cuda_adamw(k_device *dev, const k_adamw *a)
{
    if (a->real != K_F32 || (a->copy && a->copy_type != K_F32 && a->copy_type != K_BF16) ||
        (!a->master && a->copy_type != K_BF16))
        return K_ETYPE;
    if ((!a->master && !a->copy) || !a->m || !a->v || !a->grad || a->n < 0 || a->step < 1 ||
        a->n > INT64_MAX - size)
        return K_EARG;
    if (a->n == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const step s = { (float)a->beta1,
                     (float)a->beta2,
                     (float)a->eps,
                     (float)(1 - a->lr * a->weight_decay),
                     (float)(a->lr / (1 - pow(a->beta1, (double)a->step))),
                     (float)(1 / sqrt(1 - pow(a->beta2, (double)a->step))),
                     (float)a->grad_scale };
    if (!a->master)
        return launch<nv_bfloat16, false>(d->stream, *a, s);
    return a->copy_type == K_BF16 ? launch<nv_bfloat16, true>(d->stream, *a, s)
                                  : launch<float, true>(d->stream, *a, s);
}
