/* gemm.cu -- matrix products in bf16 on the matrix units, sums in f32; and the three operations of
 * kernels.h for both types. y[i,j] = sum over p of a(i,p) b(j,p): product.h says what is what.
 *
 * A block makes a tile of y. It goes along p in steps of 32: tiles of a and b come into shared
 * memory by cp.async, some steps ahead; warps take them from there by ldmatrix (transposed where p
 * is not the direction they lie in) into mma.m16n8k16. How they lie there: tile.h.
 *
 * Bits: an element of y is one chain of mma over p, 16 at a time from 0, in every tile of every
 * size, whether its operands came by cp.async or number by number. So a row of y depends on its own
 * row of a alone. gemm_tn cuts a long sum over rows into stretches where there are few tiles; the
 * parts lie in the device's scratch and are added in order; where it is cut depends on the shape
 * alone.
 *
 * Cost: 2 I J P operations. For a step, a tile of 128 x 128 copies 16 KiB for 2^20 operations, 64 a
 * byte. The L2 of an A100 and of an H100 gives some 5 TB/s: 320 Tflop/s, about what an A100's
 * matrix units do (312), and a third of what an H100's do (989, of which mma.sync reaches some
 * 2/3). Products of few rows are bound by the bytes of w, which come from memory once: 2 J P. These
 * are estimates.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/parts.h"
#include "kernels/cuda/product.h"
#include "kernels/cuda/tile.h"

namespace
{
constexpr int depth = 32; /* of a step along p */

/* Tile of i x j numbers; warps of wi x wj each; stages in shared memory; blocks that are to fit
 * onto a multiprocessor. */
template <int i_, int j_, int wi_, int wj_, int stages_, int blocks_> struct Shape {
    static constexpr int i = i_, j = j_, wi = wi_, wj = wj_, stages = stages_, blocks = blocks_;
    static constexpr int threads = 32 * (i / wi) * (j / wj);
    static constexpr size_t shared = sizeof(nv_bfloat16) * stages * (i + j) * depth;
};
typedef Shape<128, 128, 64, 64, 4, 2> Large;
typedef Shape<64, 64, 32, 32, 4, 4> Middle;
typedef Shape<16, 32, 16, 16, 8, 8> Small;

/* ---- the product ----------------------------------------------------------------------------- */
/* The operands of a block: from its first line on, and what is left of them. */
struct Operands {
    const nv_bfloat16 *a, *b;
    int64_t a_stride, b_stride;
    int n_i, n_j, n_p;
};

/* Brings a tile from `from`, where lines are `stride` apart and the first n_lines x n_numbers are
 * there; the others become 0. */
template <int lines, int width, int threads, bool whole>
__device__ __forceinline__ void bring(nv_bfloat16 *tile, const nv_bfloat16 *from, int64_t stride,
                                      int n_lines, int n_numbers)
{
    typedef k_share<lines, width, threads> Share;
#pragma unroll
    for (int i = 0; i < Share::n; i++) {
        const int line = Share::at(i).line, c = Share::at(i).chunk;
        k_bring_chunk(tile + k_slot<width>(line, c), from + line * stride, line < n_lines, from, c,
                      n_numbers, whole);
    }
}

template <class S, k_order order, bool whole>
__device__ __forceinline__ void bring_step(nv_bfloat16 *stage, const Operands &o, int p)
{
    nv_bfloat16 *tile_b = stage + S::i * depth;
    if (order == K_TN)
        bring<depth, S::i, S::threads, whole>(stage, o.a + p * o.a_stride, o.a_stride, o.n_p - p,
                                              o.n_i);
    else
        bring<S::i, depth, S::threads, whole>(stage, o.a + p, o.a_stride, o.n_i, o.n_p - p);
    if (order == K_NT)
        bring<S::j, depth, S::threads, whole>(tile_b, o.b + p, o.b_stride, o.n_j, o.n_p - p);
    else
        bring<depth, S::j, S::threads, whole>(tile_b, o.b + p * o.b_stride, o.b_stride, o.n_p - p,
                                              o.n_j);
}

/* Adds a step's products to the warp's sums. */
template <class S, k_order order>
__device__ __forceinline__ void multiply(float (&sums)[S::wi / 16][S::wj / 8][4],
                                         const nv_bfloat16 *stage, int i, int j)
{
    const nv_bfloat16 *tile_b = stage + S::i * depth;
    uint32_t a[depth / 16][S::wi / 16][4], b[depth / 16][S::wj / 16][4];
#pragma unroll
    for (int p = 0; p < depth / 16; p++) {
#pragma unroll
        for (int f = 0; f < S::wi / 16; f++)
            if (order == K_TN)
                k_take_a_turned<S::i>(a[p][f], stage, p * 16, i + f * 16);
            else
                k_take_a<depth>(a[p][f], stage, i + f * 16, p * 16);
#pragma unroll
        for (int g = 0; g < S::wj / 16; g++)
            if (order == K_NT)
                k_take_b<depth>(b[p][g], tile_b, j + g * 16, p * 16);
            else
                k_take_b_turned<S::j>(b[p][g], tile_b, p * 16, j + g * 16);
    }
#pragma unroll
    for (int p = 0; p < depth / 16; p++)
#pragma unroll
        for (int f = 0; f < S::wi / 16; f++)
#pragma unroll
            for (int g = 0; g < S::wj / 16; g++)
                k_add_products(sums[f][2 * g], sums[f][2 * g + 1], a[p][f], b[p][g]);
}

/* A warp's sums go to y. The lanes of a pair exchange halves of what they have of two pieces of 8
 * columns, so that each has 4 numbers that lie side by side, and a warp writes 32 bytes at least.
 */
template <class S, class Y>
__device__ __forceinline__ void save_all(const k_product &a, Y *y,
                                         const float (&sums)[S::wi / 16][S::wj / 8][4], int64_t i0,
                                         int64_t j0)
{
    const int lane = (int)threadIdx.x % 32;
    const bool is_odd = lane % 2, is_whole = k_has_quads(a, y);
#pragma unroll
    for (int f = 0; f < S::wi / 16; f++)
#pragma unroll
        for (int g = 0; g < S::wj / 8; g += 2)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                const float *left = &sums[f][g][2 * h], *right = &sums[f][g + 1][2 * h];
                const float x = __shfl_xor_sync(k_all_lanes, is_odd ? left[0] : right[0], 1);
                const float z = __shfl_xor_sync(k_all_lanes, is_odd ? left[1] : right[1], 1);
                float v[4] = { is_odd ? x : left[0], is_odd ? z : left[1], is_odd ? right[0] : x,
                               is_odd ? right[1] : z };
                const int64_t i = i0 + f * 16 + h * 8 + lane / 4;
                const int64_t j = j0 + (g + is_odd) * 8 + lane % 4 / 2 * 4;
                if (i < a.n_i && j < a.n_j)
                    k_save_quad<nv_bfloat16>(a, y, i, j, v, is_whole);
            }
}

template <class S, k_order order, bool whole>
__global__ void __launch_bounds__(S::threads, S::blocks) product(k_product a)
{
    K_DYN_SHARED(nv_bfloat16, stages);
    constexpr int stage_size = (S::i + S::j) * depth;
    const k_tile tile = k_tile_of(blockIdx.x, (unsigned)((a.n_i + S::i - 1) / S::i),
                                  (unsigned)((a.n_j + S::j - 1) / S::j));
    const int64_t i0 = tile.i * S::i, j0 = tile.j * S::j, begin = blockIdx.y * a.stretch;
    const int64_t a_stride = order == K_TN ? a.n_i : a.n_p,
                  b_stride = order == K_NT ? a.n_p : a.n_j;
    const Operands o = {
        static_cast<const nv_bfloat16 *>(a.a) +
            (order == K_TN ? begin * a_stride + i0 : i0 * a_stride),
        static_cast<const nv_bfloat16 *>(a.b) +
            (order == K_NT ? j0 * b_stride : begin * b_stride + j0),
        a_stride,
        b_stride,
        (int)(a.n_i - i0),
        (int)(a.n_j - j0),
        (int)(begin + a.stretch < a.n_p ? a.stretch : a.n_p - begin),
    };
    const int warp = (int)threadIdx.x / 32;
    const int wi = warp / (S::j / S::wj) * S::wi, wj = warp % (S::j / S::wj) * S::wj;
    const int n_steps = (o.n_p + depth - 1) / depth;
    float sums[S::wi / 16][S::wj / 8][4] = {};
#pragma unroll
    for (int s = 0; s < S::stages - 1; s++) {
        if (s < n_steps)
            bring_step<S, order, whole>(stages + s * stage_size, o, s * depth);
        k_cp_commit();
    }
    for (int s = 0; s < n_steps; s++) {
        k_cp_wait<S::stages - 2>();
        __syncthreads(); /* step s is there for all; and all have done with step s - 1 */
        const int next = s + S::stages - 1;
        if (next < n_steps)
            bring_step<S, order, whole>(stages + next % S::stages * stage_size, o, next * depth);
        k_cp_commit();
        multiply<S, order>(sums, stages + s % S::stages * stage_size, wi, wj);
    }
    if (order == K_TN || (order == K_NT && a.is_float))
        save_all<S>(a, static_cast<float *>(a.y) + blockIdx.y * a.n_i * a.n_j, sums, i0 + wi,
                    j0 + wj);
    else
        save_all<S>(a, static_cast<nv_bfloat16 *>(a.y), sums, i0 + wi, j0 + wj);
}

/* ---- sums over rows -------------------------------------------------------------------------- */
constexpr int sum_threads = 256, sum_columns = 32, sum_lanes = sum_threads / sum_columns;

/* Block (b, s): columns 32 b .. + 31 of dy over rows s * stretch .. of that many, to parts[s, n].
 */
template <class T>
__global__ void __launch_bounds__(sum_threads)
    sum_rows(const T *dy, int64_t m, int64_t n, int64_t stretch, float *parts)
{
    __shared__ float sums[sum_lanes][sum_columns];
    const int t = (int)threadIdx.x, column = t % sum_columns, lane = t / sum_columns;
    const int64_t j = (int64_t)blockIdx.x * sum_columns + column;
    const int64_t begin = blockIdx.y * stretch, end = begin + stretch < m ? begin + stretch : m;
    float sum = 0;
    if (j < n)
        for (int64_t row = begin + lane; row < end; row += sum_lanes)
            sum += k_to_float(dy[row * n + j]);
    sums[lane][column] = sum;
    __syncthreads();
    if (lane != 0 || j >= n)
        return;
#pragma unroll
    for (int l = 1; l < sum_lanes; l++)
        sum += sums[l][column];
    parts[blockIdx.y * n + j] = sum;
}

/* ---- launches -------------------------------------------------------------------------------- */
unsigned n_parts_of(const k_product &a)
{
    return a.n_p > 0 ? k_tiles(a.n_p, a.stretch) : 1;
}

template <class S, k_order order, bool whole> void launch(k_cuda_device *dev, const k_product &a)
{
    k_allow_shared(product<S, order, whole>, S::shared); /* else the launch is refused */
    K_LAUNCH((product<S, order, whole>),
             dim3(k_tiles(a.n_i, S::i) * k_tiles(a.n_j, S::j), n_parts_of(a)), dim3(S::threads),
             S::shared, dev->stream, a);
}

/* The largest tile of which there are enough to give most multiprocessors one. */
template <k_order order> void product_bf16(k_cuda_device *dev, const k_product &a)
{
    const int64_t n_large = (int64_t)k_tiles(a.n_i, Large::i) * k_tiles(a.n_j, Large::j);
    const int64_t n_middle = (int64_t)k_tiles(a.n_i, Middle::i) * k_tiles(a.n_j, Middle::j);
    const int64_t a_stride = k_a_stride<order>(a), b_stride = k_b_stride<order>(a);
    if (!k_is_whole<nv_bfloat16>(a.a, a_stride) || !k_is_whole<nv_bfloat16>(a.b, b_stride))
        launch<Middle, order, false>(dev, a);
    else if (2 * n_large * n_parts_of(a) > dev->n_multiprocessors)
        launch<Large, order, true>(dev, a);
    else if (order != K_NT || (a.n_i > Small::i && 3 * n_middle > dev->n_multiprocessors))
        launch<Middle, order, true>(dev, a);
    else
        launch<Small, K_NT, true>(dev, a);
}

void product_of(k_cuda_device *dev, k_type type, k_order order, const k_product &a)
{
    if (type == K_F32)
        k_cuda_product_f32(dev, order, a);
    else if (order == K_NT)
        product_bf16<K_NT>(dev, a);
    else if (order == K_NN)
        product_bf16<K_NN>(dev, a);
    else
        product_bf16<K_TN>(dev, a);
}

/* A product that is not cut into stretches. */
int compute(k_device *dev, k_type type, k_order order, const k_product &p)
{
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    if (!k_cuda_lt_product(d, type, order, p))
        product_of(d, type, order, p);
    return k_cuda_launched();
}

/* Stretches of the sum over m rows that makes n numbers in `tiles` blocks: enough for twice the
 * multiprocessors, none under `least` rows, and no more than the scratch has room for. */
int64_t stretch_of(int64_t m, int64_t n, int64_t tiles, int64_t least)
{
    const int64_t room = (int64_t)(K_CUDA_SCRATCH / sizeof(float)) / n;
    int64_t n_parts = 256 / tiles;
    n_parts = n_parts < (m + least - 1) / least ? n_parts : (m + least - 1) / least;
    n_parts = n_parts < room ? n_parts : room;
    return n_parts > 1 ? ((m + n_parts - 1) / n_parts + depth - 1) / depth * depth : m;
}

template <class T> void add_bias_gradient(k_cuda_device *dev, const k_gemm_dw &a)
{
    const int64_t stretch = stretch_of(a.m, a.n, k_tiles(a.n, sum_columns), 64);
    const unsigned n_parts = k_tiles(a.m, stretch);
    K_LAUNCH(sum_rows<T>, dim3(k_tiles(a.n, sum_columns), n_parts), dim3(sum_threads), 0,
             dev->stream, static_cast<const T *>(a.dy), a.m, a.n, stretch, dev->scratch);
    k_add_parts(dev, a.dbias, n_parts, a.n);
}

/* What an int, a grid and the scratch (a part at least of a sum of n numbers) can hold. */
bool sizes_ok(int64_t m, int64_t n, int64_t k)
{
    constexpr int64_t most = 1 << 30;
    return m >= 0 && n >= 0 && k >= 0 && m <= most && n <= most && k <= most;
}
bool tiles_ok(int64_t i, int64_t j)
{
    return ((i + 15) / 16) * ((j + 31) / 32) <= INT32_MAX;
}

bool type_ok(k_type type)
{
    return type == K_F32 || type == K_BF16;
}
} /* namespace */

/* Weights are read where they are. */
size_t k_cuda_pack_bytes(k_device *, k_type, int64_t, int64_t, k_packing)
{
    return 0;
}

size_t k_cuda_product_bytes(k_device *, k_type, k_type, int64_t, int64_t, int64_t)
{
    return 0;
}

int k_cuda_pack(k_device *, k_type type, int64_t, int64_t, k_packing, const void *, void *)
{
    return type_ok(type) ? K_OK : K_ETYPE;
}

int k_cuda_gemm_nt(k_device *dev, const k_gemm *a)
{
    if (!type_ok(a->type) || k_type_or(a->x_type, a->type) != a->type ||
        (a->y_type != a->type && a->y_type != K_F32))
        return K_ETYPE;
    if (!a->x || !a->w || !a->y || !sizes_ok(a->m, a->n, a->k) || !tiles_ok(a->m, a->n))
        return K_EARG;
    if (a->m == 0 || a->n == 0)
        return K_OK;
    const k_product p = { a->m,          a->n, a->k, a->x, a->w, a->bias, a->y, a->y_type == K_F32,
                          a->accumulate, a->k };
    return compute(dev, a->type, K_NT, p);
}

int k_cuda_gemm_nn(k_device *dev, const k_gemm_dx *a)
{
    if (!type_ok(a->type) || k_type_or(a->x_type, a->type) != a->type)
        return K_ETYPE;
    if (!a->dy || !a->w || !a->dx || !sizes_ok(a->m, a->n, a->k) || !tiles_ok(a->m, a->k))
        return K_EARG;
    if (a->m == 0 || a->k == 0)
        return K_OK;
    const k_product p = { a->m,          a->k, a->n, a->dy, a->w, nullptr, a->dx, a->type == K_F32,
                          a->accumulate, a->n };
    return compute(dev, a->type, K_NN, p);
}

int k_cuda_gemm_tn(k_device *dev, const k_gemm_dw *a)
{
    if (!type_ok(a->type))
        return K_ETYPE;
    if (!a->dy || !a->x || !a->dw || !sizes_ok(a->m, a->n, a->k) || !tiles_ok(a->n, a->k) ||
        (a->dbias && a->n > (int64_t)(K_CUDA_SCRATCH / sizeof(float))))
        return K_EARG;
    if (a->m == 0 || a->n == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    k_product p = { a->n, a->k, a->m, a->dy, a->x, nullptr, a->dw, true, true, a->m };
    if (a->k > 0 && !k_cuda_lt_product(d, a->type, K_TN, p)) {
        p.stretch =
            stretch_of(a->m, a->n * a->k, (int64_t)k_tiles(a->n, 128) * k_tiles(a->k, 128), 512);
        const unsigned n_parts = n_parts_of(p);
        if (n_parts > 1) {
            p.y = d->scratch;
            p.adds = false;
        }
        product_of(d, a->type, K_TN, p);
        if (n_parts > 1)
            k_add_parts(d, a->dw, n_parts, a->n * a->k);
    }
    if (a->dbias && a->type == K_F32)
        add_bias_gradient<float>(d, *a);
    else if (a->dbias)
        add_bias_gradient<nv_bfloat16>(d, *a);
    return k_cuda_launched();
}
