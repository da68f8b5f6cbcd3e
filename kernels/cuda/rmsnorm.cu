/* rmsnorm.cu -- RMSNorm forward (with the residual added) and backward, on the device.
 * Formulas, and where row r of n numbers lies: kernels/kernels.h.
 *
 * A row belongs to 32 threads where it is at most 4 chunks of 16 bytes for each of them, else to a
 * block of 256. Thread t takes chunks t, t + threads, ... and the numbers of a chunk in order, then
 * a tree adds the threads' sums: so the bits depend on n alone, not on how many rows there are, nor
 * on whether the chunks could be loaded whole. Whole chunks stay in registers between the sum and
 * the result, the first 4 of a thread; others are read again.
 *
 * dw: a block sums 32 columns over one stretch of rows, its 8 warps every eighth row each; then the
 * stretches are added in order. How rows are cut into stretches depends on rows and n alone.
 *
 * Bytes per number of a row, which are what these kernels cost: forward 2 reads and 2 writes with a
 * residual, else 1 and 1; backward 2 or 3 reads and 1 write, and 2 reads for dw.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/chunk.h"
#include "kernels/cuda/parts.h"

namespace
{
constexpr int block_threads = 256;
constexpr int kept = 4; /* chunks of a thread in registers, where they are loaded whole */
/* To the compiler, c may have changed here: so what it was converted to is not kept beside it,
 * which would take more registers than there are. */
template <class T> __device__ __forceinline__ void keep_packed(k_chunk<T> &c)
{
#ifdef __CUDA_ARCH__
    uint32_t *word = reinterpret_cast<uint32_t *>(&c);
    asm volatile("" : "+r"(word[0]), "+r"(word[1]), "+r"(word[2]), "+r"(word[3]));
#else
    (void)c;
#endif
}

/* ---- the threads of a row -------------------------------------------------------------------- */
/* The sum over a row's threads, to each of them. All threads of the block come here, once. */
template <int threads> __device__ __forceinline__ float row_sum(float s)
{
    for (int o = 16; o > 0; o >>= 1)
        s += __shfl_xor_sync(k_all_lanes, s, o);
    if (threads == 32)
        return s;
    __shared__ float part[block_threads / 32];
    if (threadIdx.x % 32 == 0)
        part[threadIdx.x / 32] = s;
    __syncthreads();
    s = part[0];
#pragma unroll
    for (int i = 1; i < block_threads / 32; i++)
        s += part[i];
    return s;
}

__device__ __forceinline__ int64_t row_at(int64_t row, int64_t n, int64_t per_token, int64_t stride)
{
    if (per_token == 1)
        return row * stride;
    if (per_token > row)
        return row * n;
    const unsigned token = (unsigned)row / (unsigned)per_token; /* rows_ok: they fit */
    return token * stride + (row - token * per_token) * n;
}

/* ---- forward --------------------------------------------------------------------------------- */
/* Chunk `first` of what is normed: x, or residual + x, which becomes the residual; and its squares,
 * added to sum. */
template <class T, bool whole>
__device__ __forceinline__ k_chunk<T> normed(const T *x, T *residual, int first, int n, float &sum)
{
    k_chunk<T> r = k_load<T, whole>(x, first, n);
    if (residual) {
        const k_chunk<T> old = k_load<T, whole>(residual, first, n);
#pragma unroll
        for (int i = 0; i < k_chunk<T>::n; i++)
            k_round_to(&r.v[i], k_to_float(old.v[i]) + k_to_float(r.v[i]));
        k_save<T, whole>(residual, first, n, r);
    }
#pragma unroll
    for (int i = 0; i < k_chunk<T>::n; i++)
        sum += k_to_float(r.v[i]) * k_to_float(r.v[i]);
    return r;
}

/* Chunk `first` of y = round(r rstd) w. */
template <class T, bool whole>
__device__ __forceinline__ void scale(T *y, const T *weight, k_chunk<T> r, float rstd, int first,
                                      int n)
{
    const k_chunk<T> w = k_load<T, whole>(weight, first, n);
#pragma unroll
    for (int i = 0; i < k_chunk<T>::n; i++) {
        k_round_to(&r.v[i], k_to_float(r.v[i]) * rstd);
        k_round_to(&r.v[i], k_to_float(r.v[i]) * k_to_float(w.v[i]));
    }
    k_save<T, whole>(y, first, n, r);
}

template <class T, int threads, bool whole>
__global__ void __launch_bounds__(block_threads, 2) rmsnorm(k_rmsnorm a)
{
    constexpr int size = k_chunk<T>::n, n_kept = whole ? kept : 0;
    const int64_t row = (int64_t)blockIdx.x * (block_threads / threads) + threadIdx.x / threads;
    if (row >= a.rows) /* whole warps; with 256 threads a row, none */
        return;
    const T *x = static_cast<const T *>(a.x) + row_at(row, a.n, a.per_token, a.x_stride);
    T *y = static_cast<T *>(a.y) + row_at(row, a.n, a.per_token, a.y_stride);
    T *residual = a.residual ? static_cast<T *>(a.residual) + row * a.n : nullptr;
    const int n = (int)a.n, begin = threadIdx.x % threads * size, step = threads * size;
    k_chunk<T> r[kept];
    float squares = 0;
#pragma unroll
    for (int c = 0; c < n_kept; c++)
        if (begin + c * step < n)
            r[c] = normed<T, whole>(x, residual, begin + c * step, n, squares);
    for (int first = begin + n_kept * step; first < n; first += step)
        normed<T, whole>(x, residual, first, n, squares);
    squares = row_sum<threads>(squares);
    const float rstd = 1.F / sqrtf(squares / (float)a.n + (float)a.eps);
    const T *weight = static_cast<const T *>(a.weight);
#pragma unroll
    for (int c = 0; c < n_kept; c++)
        if (begin + c * step < n) {
            keep_packed(r[c]);
            scale<T, whole>(y, weight, r[c], rstd, begin + c * step, n);
        }
    for (int first = begin + n_kept * step; first < n; first += step)
        scale<T, whole>(y, weight, k_load<T, whole>(residual ? residual : x, first, n), rstd, first,
                        n);
    if (a.rstd && threadIdx.x % threads == 0)
        static_cast<float *>(a.rstd)[row] = rstd;
}

/* ---- backward to the input ------------------------------------------------------------------- */
/* Rows of the arguments: all of type T. */
template <class T> struct Row {
    const T *x, *dy, *weight, *dresidual;
    T *dx;
    float rstd;
};

/* The sum of g h over a chunk, added to sum: g = w dy, h = x rstd. */
template <class T, bool whole>
__device__ __forceinline__ void add_products(const Row<T> &row, const k_chunk<T> &dy,
                                             const k_chunk<T> &x, int first, int n, float &sum)
{
    const k_chunk<T> w = k_load<T, whole>(row.weight, first, n);
#pragma unroll
    for (int i = 0; i < k_chunk<T>::n; i++)
        sum += k_to_float(w.v[i]) * k_to_float(dy.v[i]) * (k_to_float(x.v[i]) * row.rstd);
}

/* Chunk `first` of dx = rstd (g - h mean) + dresidual. */
template <class T, bool whole>
__device__ __forceinline__ void save_dx(const Row<T> &row, const k_chunk<T> &dy,
                                        const k_chunk<T> &x, float mean, int first, int n)
{
    const k_chunk<T> w = k_load<T, whole>(row.weight, first, n);
    k_chunk<T> before = {};
    if (row.dresidual)
        before = k_load<T, whole>(row.dresidual, first, n);
    k_chunk<T> dx;
#pragma unroll
    for (int i = 0; i < k_chunk<T>::n; i++) {
        const float g = k_to_float(w.v[i]) * k_to_float(dy.v[i]), h = k_to_float(x.v[i]) * row.rstd;
        k_round_to(&dx.v[i], row.rstd * (g - h * mean) + k_to_float(before.v[i]));
    }
    k_save<T, whole>(row.dx, first, n, dx);
}

template <class T, int threads, bool whole>
__global__ void __launch_bounds__(block_threads, 2) rmsnorm_dx(k_rmsnorm_bwd a)
{
    constexpr int size = k_chunk<T>::n, n_kept = whole ? kept : 0;
    const int64_t r = (int64_t)blockIdx.x * (block_threads / threads) + threadIdx.x / threads;
    if (r >= a.rows)
        return;
    const Row<T> row = {
        static_cast<const T *>(a.x) + row_at(r, a.n, a.per_token, a.x_stride),
        static_cast<const T *>(a.dy) + row_at(r, a.n, a.per_token, a.dy_stride),
        static_cast<const T *>(a.weight),
        a.dresidual ? static_cast<const T *>(a.dresidual) + r * a.n : nullptr,
        static_cast<T *>(a.dx) + row_at(r, a.n, a.per_token, a.dx_stride),
        static_cast<const float *>(a.rstd)[r],
    };
    const int n = (int)a.n, begin = threadIdx.x % threads * size, step = threads * size;
    k_chunk<T> dy[kept], x[kept];
    float sum = 0;
#pragma unroll
    for (int c = 0; c < n_kept; c++)
        if (begin + c * step < n) {
            dy[c] = k_load<T, whole>(row.dy, begin + c * step, n);
            x[c] = k_load<T, whole>(row.x, begin + c * step, n);
            add_products<T, whole>(row, dy[c], x[c], begin + c * step, n, sum);
        }
    for (int first = begin + n_kept * step; first < n; first += step)
        add_products<T, whole>(row, k_load<T, whole>(row.dy, first, n),
                               k_load<T, whole>(row.x, first, n), first, n, sum);
    const float mean = row_sum<threads>(sum) / (float)a.n;
#pragma unroll
    for (int c = 0; c < n_kept; c++)
        if (begin + c * step < n) {
            keep_packed(dy[c]);
            keep_packed(x[c]);
            save_dx<T, whole>(row, dy[c], x[c], mean, begin + c * step, n);
        }
    for (int first = begin + n_kept * step; first < n; first += step)
        save_dx<T, whole>(row, k_load<T, whole>(row.dy, first, n),
                          k_load<T, whole>(row.x, first, n), mean, first, n);
}

/* ---- backward to the weight ------------------------------------------------------------------ */
constexpr int dw_columns = 32, dw_lanes = block_threads / dw_columns;

/* Block (i, s): columns 32 i .. 32 i + 31 over rows s * stretch .. of that many; to parts[s, n], or
 * where there is one stretch only, added to dw itself. */
template <class T>
__global__ void __launch_bounds__(block_threads)
    rmsnorm_dw(k_rmsnorm_bwd a, int64_t stretch, float *parts)
{
    __shared__ float sums[dw_lanes][dw_columns];
    const int t = (int)threadIdx.x, column = t % dw_columns, lane = t / dw_columns;
    const int64_t i = (int64_t)blockIdx.x * dw_columns + column;
    const int64_t begin = (int64_t)blockIdx.y * stretch;
    const int64_t end = begin + stretch < a.rows ? begin + stretch : a.rows;
    const T *x = static_cast<const T *>(a.x), *dy = static_cast<const T *>(a.dy);
    const float *rstd = static_cast<const float *>(a.rstd);
    float sum = 0;
    if (i < a.n)
        for (int64_t row = begin + lane; row < end; row += dw_lanes)
            sum += k_to_float(dy[row_at(row, a.n, a.per_token, a.dy_stride) + i]) *
                   (k_to_float(x[row_at(row, a.n, a.per_token, a.x_stride) + i]) * rstd[row]);
    sums[lane][column] = sum;
    __syncthreads();
    if (lane != 0 || i >= a.n)
        return;
#pragma unroll
    for (int l = 1; l < dw_lanes; l++)
        sum += sums[l][column];
    if (gridDim.y == 1)
        static_cast<float *>(a.dw)[i] += sum;
    else
        parts[blockIdx.y * a.n + i] = sum;
}

/* ---- launches -------------------------------------------------------------------------------- */
bool rows_ok(int64_t rows, int64_t n, int64_t per_token, int64_t stride)
{
    return rows >= 0 && n > 0 && per_token > 0 && stride / per_token >= n && rows <= INT32_MAX &&
           n <= 1 << 30; /* of a grid, of an int */
}

template <class T, bool whole> void launch_forward(cudaStream_t stream, const k_rmsnorm &a)
{
    if (a.n <= 32 * kept * k_chunk<T>::n)
        K_LAUNCH((rmsnorm<T, 32, whole>), dim3((unsigned)((a.rows + 7) / 8)), dim3(block_threads),
                 0, stream, a);
    else
        K_LAUNCH((rmsnorm<T, block_threads, whole>), dim3((unsigned)a.rows), dim3(block_threads), 0,
                 stream, a);
}

template <class T> void forward(cudaStream_t stream, const k_rmsnorm &a)
{
    if (k_is_whole<T>(a.x, a.x_stride) && k_is_whole<T>(a.y, a.y_stride) &&
        k_is_whole<T>(a.weight, a.n) && k_is_whole<T>(a.residual, a.n))
        launch_forward<T, true>(stream, a);
    else
        launch_forward<T, false>(stream, a);
}

template <class T, bool whole> void launch_dx(cudaStream_t stream, const k_rmsnorm_bwd &a)
{
    if (a.n <= 32 * kept * k_chunk<T>::n)
        K_LAUNCH((rmsnorm_dx<T, 32, whole>), dim3((unsigned)((a.rows + 7) / 8)),
                 dim3(block_threads), 0, stream, a);
    else
        K_LAUNCH((rmsnorm_dx<T, block_threads, whole>), dim3((unsigned)a.rows), dim3(block_threads),
                 0, stream, a);
}

/* At most 128 stretches of at least 64 rows, and no more than the scratch has room for. */
template <class T> void launch_dw(k_cuda_device *dev, const k_rmsnorm_bwd &a)
{
    const int64_t room = (int64_t)(K_CUDA_SCRATCH / sizeof(float)) / a.n;
    int64_t n_parts = (a.rows + 63) / 64;
    n_parts = n_parts < 128 ? n_parts : 128;
    n_parts = n_parts < room ? n_parts : room;
    n_parts = n_parts > 1 ? n_parts : 1;
    const int64_t stretch = (a.rows + n_parts - 1) / n_parts;
    n_parts = (a.rows + stretch - 1) / stretch;
    K_LAUNCH(rmsnorm_dw<T>,
             dim3((unsigned)((a.n + dw_columns - 1) / dw_columns), (unsigned)n_parts),
             dim3(block_threads), 0, dev->stream, a, stretch, dev->scratch);
    if (n_parts > 1)
        k_add_parts(dev, a.dw, n_parts, a.n);
}

template <class T> void backward(k_cuda_device *dev, const k_rmsnorm_bwd &a)
{
    if (a.dw) /* first: dx may be dy */
        launch_dw<T>(dev, a);
    if (k_is_whole<T>(a.x, a.x_stride) && k_is_whole<T>(a.dy, a.dy_stride) &&
        k_is_whole<T>(a.dx, a.dx_stride) && k_is_whole<T>(a.weight, a.n) &&
        k_is_whole<T>(a.dresidual, a.n))
        launch_dx<T, true>(dev->stream, a);
    else
        launch_dx<T, false>(dev->stream, a);
}
} /* namespace */

int k_cuda_rmsnorm(k_device *dev, const k_rmsnorm *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->x || !a->weight || !a->y || !rows_ok(a->rows, a->n, a->per_token, a->x_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->y_stride) ||
        (a->residual && (a->per_token != 1 || a->x_stride != a->n)))
        return K_EARG;
    if (a->rows == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    if (a->type == K_F32)
        forward<float>(d->stream, *a);
    else
        forward<nv_bfloat16>(d->stream, *a);
    return k_cuda_launched();
}

int k_cuda_rmsnorm_bwd(k_device *dev, const k_rmsnorm_bwd *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->dy || !a->x || !a->weight || !a->rstd || !a->dx ||
        !rows_ok(a->rows, a->n, a->per_token, a->x_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->dy_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->dx_stride) ||
        (a->dresidual && (a->per_token != 1 || a->dx_stride != a->n)))
        return K_EARG;
    if (a->rows == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    if (a->type == K_F32)
        backward<float>(d, *a);
    else
        backward<nv_bfloat16>(d, *a);
    return k_cuda_launched();
}
