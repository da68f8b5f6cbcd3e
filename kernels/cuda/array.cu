/* array.cu -- flat arrays x[n], and rows of them: add, axpy, scale, cast, copy_rows, sum_squares.
 *
 * Each goes through memory once, 16 bytes to a thread and load where the arrays begin at a multiple
 * of 16, number by number where they do not, and at the end. Bytes are what they cost: numbers read
 * and written.
 *
 * sum_squares: a warp sums a chunk of 4096 numbers in double, lane by lane the same 16 bytes
 * whether they could be loaded whole or not, then a tree over the lanes; one block adds the chunks'
 * sums in order, 512 of them at a time out of shared memory, some 5 ns each: 1 ms for 10^9
 * numbers.
 *
 * copy_rows that adds to rows named by an index: segments.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/flat.h"
#include "kernels/cuda/segments.h"

namespace
{
bool is_known(k_type type)
{
    return type == K_F32 || type == K_BF16;
}

/* ---- element by element ---------------------------------------------------------------------- */
struct plus {
    __device__ float operator()(float a, float b) const
    {
        return a + b;
    }
};
struct plus_times {
    float alpha;
    __device__ float operator()(float x, float y) const
    {
        return y + alpha * x;
    }
};
struct times {
    float alpha;
    __device__ float operator()(float, float y) const
    {
        return alpha * y;
    }
};

/* y = op(a, b); a NULL: op does not look at it */
template <class T, class Op>
__global__ void __launch_bounds__(k_flat_threads)
    each(Op op, int64_t n, const T *a, const T *b, T *y, bool is_aligned)
{
    constexpr int size = k_chunk<T>::n;
    const int64_t first = k_flat_first(size), left = n - first;
    if (left <= 0)
        return;
    const k_some<T, size> vb = k_read<size>(b + first, left, is_aligned);
    const k_some<T, size> va = a ? k_read<size>(a + first, left, is_aligned) : vb;
    k_some<T, size> vy;
#pragma unroll
    for (int i = 0; i < size; i++)
        k_round_to(&vy.v[i], op(k_to_float(va.v[i]), k_to_float(vb.v[i])));
    k_write<size>(y + first, left, is_aligned, vy);
}

template <class T, class Op>
int launch_each(cudaStream_t stream, Op op, int64_t n, const void *a, const void *b, void *y)
{
    constexpr int size = k_chunk<T>::n;
    const unsigned blocks = k_flat_blocks(n, size);
    if (blocks == 0)
        return K_EARG;
    K_LAUNCH((each<T, Op>), dim3(blocks), dim3(k_flat_threads), 0, stream, op, n,
             static_cast<const T *>(a), static_cast<const T *>(b), static_cast<T *>(y),
             k_is_aligned<T, size>(a) && k_is_aligned<T, size>(b) && k_is_aligned<T, size>(y));
    return k_cuda_launched();
}

template <class Op>
int for_each(k_device *dev, k_type type, Op op, int64_t n, const void *a, const void *b, void *y)
{
    if (n == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    return type == K_F32 ? launch_each<float>(d->stream, op, n, a, b, y)
                         : launch_each<nv_bfloat16>(d->stream, op, n, a, b, y);
}

/* ---- other types ----------------------------------------------------------------------------- */
__device__ __forceinline__ void convert(float *y, nv_bfloat16 x)
{
    *y = __uint_as_float((unsigned)__bfloat16_as_ushort(x) << 16);
}
__device__ __forceinline__ void convert(nv_bfloat16 *y, float x)
{
    const unsigned bits = __float_as_uint(x);
    const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U; /* and stays which it was */
    *y = is_nan ? __ushort_as_bfloat16((unsigned short)(bits >> 16 | 0x40U))
                : __float2bfloat16_rn(x);
}

template <class X, class Y>
__global__ void __launch_bounds__(k_flat_threads) cast(int64_t n, const X *x, Y *y, bool is_aligned)
{
    constexpr int size = 4;
    const int64_t first = k_flat_first(size), left = n - first;
    if (left <= 0)
        return;
    const k_some<X, size> from = k_read<size>(x + first, left, is_aligned);
    k_some<Y, size> to;
#pragma unroll
    for (int i = 0; i < size; i++)
        convert(&to.v[i], from.v[i]);
    k_write<size>(y + first, left, is_aligned, to);
}

template <class X, class Y> int launch_cast(cudaStream_t stream, const k_cast &a)
{
    const unsigned blocks = k_flat_blocks(a.n, 4);
    if (blocks == 0)
        return K_EARG;
    K_LAUNCH((cast<X, Y>), dim3(blocks), dim3(k_flat_threads), 0, stream, a.n,
             static_cast<const X *>(a.x), static_cast<Y *>(a.y),
             k_is_aligned<X, 4>(a.x) && k_is_aligned<Y, 4>(a.y));
    return k_cuda_launched();
}

/* ---- rows ------------------------------------------------------------------------------------ */
template <class T>
__global__ void __launch_bounds__(k_flat_threads)
    copy_rows(k_copy_rows a, k_shares shares, bool is_aligned)
{
    constexpr int size = k_chunk<T>::n;
    int64_t row;
    int64_t item;
    if (!k_my_share(shares, &row, &item))
        return;
    const int64_t column = item * size, left = a.n - column;
    const int64_t from = (a.x_rows ? a.x_rows[row] : row) * a.x_stride + column;
    const int64_t to = (a.y_rows ? a.y_rows[row] : row) * a.y_stride + column;
    k_some<T, size> c = k_read<size>(static_cast<const T *>(a.x) + from, left, is_aligned);
    T *y = static_cast<T *>(a.y) + to;
    if (a.accumulate) {
        const k_some<T, size> old = k_read<size>(y, left, is_aligned);
#pragma unroll
        for (int i = 0; i < size; i++)
            k_round_to(&c.v[i], k_to_float(old.v[i]) + k_to_float(c.v[i]));
    }
    k_write<size>(y, left, is_aligned, c);
}

template <class T> int launch_copy(cudaStream_t stream, const k_copy_rows &a)
{
    constexpr int size = k_chunk<T>::n;
    k_shares shares;
    const dim3 grid = k_share(&shares, a.rows, (a.n + size - 1) / size);
    if (grid.x == 0)
        return K_EARG;
    K_LAUNCH(copy_rows<T>, grid, dim3(k_flat_threads), 0, stream, a, shares,
             k_is_aligned<T, size>(a.x, a.x_stride) && k_is_aligned<T, size>(a.y, a.y_stride));
    return k_cuda_launched();
}

/* ---- sums of squares ------------------------------------------------------------------------- */
constexpr int chunk = 4096;
constexpr int per_round = 512; /* sums of chunks in shared memory */

template <class T>
__global__ void __launch_bounds__(k_flat_threads)
    chunk_squares(int64_t n, const T *x, double *sums, bool is_aligned)
{
    constexpr int size = k_chunk<T>::n;
    const int64_t c = (int64_t)blockIdx.x * (k_flat_threads / 32) + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const int64_t left = n - c * chunk < chunk ? n - c * chunk : chunk;
    if (left <= 0) /* whole warps */
        return;
    double sum = 0;
#pragma unroll 4
    for (int first = lane * size; first < left; first += 32 * size) {
        const k_some<T, size> v = k_read<size>(x + c * chunk + first, left - first, is_aligned);
#pragma unroll
        for (int i = 0; i < size; i++) {
            const double number = (double)k_to_float(v.v[i]);
            sum += number * number;
        }
    }
    for (int o = 16; o > 0; o >>= 1)
        sum += __shfl_xor_sync(k_all_lanes, sum, o);
    if (lane == 0)
        sums[c] = sum;
}

/* *out = *out + sums[0] + sums[1] ..., in this order. One block. */
__global__ void __launch_bounds__(k_flat_threads)
    add_sums(int64_t n, const double *sums, double *out)
{
    __shared__ double some[per_round];
    double total = *out;
    for (int64_t first = 0; first < n; first += per_round) {
        const int here = n - first < per_round ? (int)(n - first) : per_round;
        for (int i = threadIdx.x; i < here; i += k_flat_threads)
            some[i] = sums[first + i];
        __syncthreads();
        if (threadIdx.x == 0)
            for (int i = 0; i < here; i++)
                total += some[i];
        __syncthreads();
    }
    if (threadIdx.x == 0)
        *out = total;
}

/* As many chunks at a time as the scratch has room for, behind the total. */
template <class T> void launch_squares(k_cuda_device *dev, int64_t n, const T *x)
{
    double *total = reinterpret_cast<double *>(dev->scratch);
    constexpr int64_t most = (int64_t)(K_CUDA_SCRATCH / sizeof(double) - 1) * chunk;
    for (int64_t done = 0; done < n; done += most) {
        const int64_t here = n - done < most ? n - done : most;
        const int64_t n_chunks = (here + chunk - 1) / chunk;
        K_LAUNCH(chunk_squares<T>, dim3((unsigned)((n_chunks + 7) / 8)), dim3(k_flat_threads), 0,
                 dev->stream, here, x + done, total + 1, k_is_aligned<T, k_chunk<T>::n>(x));
        K_LAUNCH(add_sums, dim3(1), dim3(k_flat_threads), 0, dev->stream, n_chunks,
                 (const double *)(total + 1), total);
    }
}
} /* namespace */

int k_cuda_add(k_device *dev, const k_add *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->a || !a->b || !a->y || a->n < 0)
        return K_EARG;
    return for_each(dev, a->type, plus{}, a->n, a->a, a->b, a->y);
}

int k_cuda_axpy(k_device *dev, const k_axpy *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->x || !a->y || a->n < 0)
        return K_EARG;
    return for_each(dev, a->type, plus_times{ (float)a->alpha }, a->n, a->x, a->y, a->y);
}

int k_cuda_scale(k_device *dev, const k_axpy *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->y || a->n < 0)
        return K_EARG;
    return for_each(dev, a->type, times{ (float)a->alpha }, a->n, nullptr, a->y, a->y);
}

int k_cuda_cast(k_device *dev, const k_cast *a)
{
    if (!is_known(a->x_type) || !is_known(a->y_type))
        return K_ETYPE;
    if (!a->x || !a->y || a->n < 0)
        return K_EARG;
    if (a->n == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    if (a->x_type == a->y_type)
        return k_cuda_failed(cudaMemcpyAsync(a->y, a->x, (size_t)a->n * k_type_size(a->x_type),
                                             cudaMemcpyDeviceToDevice, d->stream));
    return a->x_type == K_F32 ? launch_cast<float, nv_bfloat16>(d->stream, *a)
                              : launch_cast<nv_bfloat16, float>(d->stream, *a);
}

int k_cuda_copy_rows(k_device *dev, const k_copy_rows *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->x || !a->y || a->rows < 0 || a->n < 0 || a->x_stride < a->n || a->y_stride < a->n)
        return K_EARG;
    if (a->rows == 0 || a->n == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    if (a->accumulate && a->y_rows) {
        const k_segments s = {
            a->type, a->type,   a->rows, a->n,      a->x_stride,           a->y_stride,
            a->x,    a->x_rows, a->y,    a->y_rows, (int64_t)INT32_MAX + 1
        };
        return k_cuda_add_segments(d, &s);
    }
    return a->type == K_F32 ? launch_copy<float>(d->stream, *a)
                            : launch_copy<nv_bfloat16>(d->stream, *a);
}

int k_cuda_sum_squares(k_device *dev, k_type type, int64_t n, const void *x, double *out)
{
    if (!is_known(type))
        return K_ETYPE;
    if (!x || !out || n < 0 || k_cuda_refuses(dev))
        return K_EARG;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d || k_cuda_failed(cudaMemsetAsync(d->scratch, 0, sizeof(double), d->stream)) != K_OK)
        return K_EDEVICE;
    if (type == K_F32)
        launch_squares(d, n, static_cast<const float *>(x));
    else
        launch_squares(d, n, static_cast<const nv_bfloat16 *>(x));
    if (k_cuda_launched() != K_OK)
        return K_EDEVICE;
    return dev->ops->copy_from(dev, out, d->scratch, sizeof(double));
}
