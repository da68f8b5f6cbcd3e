/* lmhead.cu -- the head: h[M,d], w[V,d] -> log-probability of each row's target, entropy, lse; and
 * its backward from their gradients. Formulas: kernels/kernels.h.
 *
 * In chunks of rows, of which the logits lie in the caller's scratch: it depends on V, and not on
 * M beyond a chunk. The products are those of every linear layer; between them a block takes a row
 * of logits: for the forward in one reading (softmax_row.h), for the backward in place, number by
 * number; for both at once the one, then the other. Where a product's rows do not depend on how
 * many there are, neither does a row here on its chunk. dw sums over rows chunk by chunk, so in one
 * order for an M.
 *
 * Roundings: logits are float, whatever the type is. dz / temperature is rounded once, to the type,
 * so that bf16 goes through the matrix units: beside the logits, not over them, since another block
 * may have those still to read.
 *
 * Bytes per logit, beside what the products read: forward 4 written and 4 read; backward 4 written
 * and 4 read for the logits (8 for both at once, of which the second 4 may still be in the cache),
 * the size of the type written and twice read for dz. That is as long as
 * the product of a width of d = 900 takes at the full rate of the matrix units.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/internal.h"
#include "kernels/cuda/softmax_row.h"

namespace
{
constexpr int size = k_chunk<float>::n;
constexpr int64_t most_ids = 1 << 30; /* of an int, with a step of threads beyond */
/* A chunk has at most so many bytes, but so many rows at least, and a multiple of them where there
 * are more. The emulation's are small, so that it sees many chunks. */
#ifdef __CUDACC__
constexpr int64_t chunk_bytes = (int64_t)512 << 20, chunk_step = 128;
#else
constexpr int64_t chunk_bytes = (int64_t)16 << 10, chunk_step = 8;
#endif

/* ---- kernels --------------------------------------------------------------------------------- */
__device__ __forceinline__ k_logits logits_of(const void *logits, int64_t vocab, bool is_whole)
{
    return { static_cast<const float *>(logits) + blockIdx.x * vocab, (int)vocab, is_whole };
}

/* What is said of a row: written by the first thread of its block, and given to each of them. */
template <class A>
__device__ __forceinline__ k_distribution score_row(const A &a, const k_logits &z, int64_t row)
{
    const float temperature = (float)a.temperature;
    const int target = threadIdx.x == 0 ? a.targets[row] : -1;
    const bool is_there = target >= 0 && target < z.n;
    /* before the others go on, who may put something else in its place */
    const float logit = is_there ? z.p[target] : NAN;
    const k_distribution of = k_softmax_row(z, z.n, temperature);
    if (threadIdx.x == 0) {
        static_cast<float *>(a.logp)[row] = k_log_probability(of, logit / temperature);
        static_cast<float *>(a.lse)[row] = of.max + of.log_sum;
        if (a.entropy)
            static_cast<float *>(a.entropy)[row] = of.entropy;
    }
    return of;
}

/* Row first + blockIdx.x, of whose logits the scratch has those from first on. */
__global__ void __launch_bounds__(k_row_threads_most, 2)
    score(k_lmhead a, int64_t first, bool is_whole)
{
    const k_logits z = logits_of(a.scratch, a.vocab, is_whole);
    (void)score_row(a, z, first + blockIdx.x);
}

/* What a row's dz comes from. */
struct Grade {
    float temperature, lse, entropy;
    float c, e; /* over the temperature */
    int target;
};

__device__ __forceinline__ float dz_of(const Grade &of, float logit, int id)
{
    const float z = of.temperature != 1 ? logit / of.temperature : logit;
    const float logp = z - of.lse, p = expf(logp);
    float dz = of.c * ((id == of.target ? 1.F : 0.F) - p);
    if (of.e != 0)
        dz -= of.e * p * (logp + of.entropy);
    return dz;
}

/* Four numbers of T, which are where four logits are. */
template <class T> struct alignas(size * sizeof(T)) Four {
    T v[size];
};

template <class T>
__device__ __forceinline__ void save(T *row, int first, const k_logits &like, const Four<T> &c)
{
    if (like.is_whole) {
        *reinterpret_cast<Four<T> *>(row + first) = c;
        return;
    }
#pragma unroll
    for (int i = 0; i < size; i++)
        if (first + i < like.n)
            row[first + i] = c.v[i];
}

/* dz over the temperature of row first + blockIdx.x; it may be where the logits are. Nothing, where
 * nothing depends on the row, whatever its logits are. Where log-probs are asked for, they come
 * first, and lse with them. */
template <class T>
__global__ void __launch_bounds__(k_row_threads_most, 2)
    grade(k_lmhead_grad a, int64_t first, T *all, bool is_whole)
{
    const k_logits z = logits_of(a.scratch, a.vocab, is_whole);
    T *dz = all + blockIdx.x * a.vocab;
    const int64_t row = first + blockIdx.x;
    const float cool = (float)(1 / a.temperature);
    Grade of = { (float)a.temperature, 0, 0, 0, 0, a.targets[row] };
    of.c = static_cast<const float *>(a.coef)[row] * cool;
    if (a.ecoef)
        of.e = static_cast<const float *>(a.ecoef)[row] * cool;
    if (a.logp) {
        const k_distribution d = score_row(a, z, row);
        of.lse = d.max + d.log_sum;
        of.entropy = d.entropy;
    } else {
        of.lse = static_cast<const float *>(a.lse)[row];
        of.entropy = a.ecoef ? static_cast<const float *>(a.entropy)[row] : 0;
    }
    const int begin = (int)threadIdx.x * size, step = (int)blockDim.x * size;
    if (of.c == 0 && of.e == 0) {
        Four<T> zeros;
#pragma unroll
        for (int i = 0; i < size; i++)
            k_round_to(&zeros.v[i], 0);
        for (int at = begin; at < z.n; at += step)
            save(dz, at, z, zeros);
        return;
    }
    k_each_chunk<4>(z, begin, z.n, step, [&](int at, const k_chunk<float> &c) {
        Four<T> out;
#pragma unroll
        for (int i = 0; i < size; i++)
            k_round_to(&out.v[i], dz_of(of, c.v[i], at + i));
        save(dz, at, z, out);
    });
}

/* ---- chunks ---------------------------------------------------------------------------------- */
int64_t chunk_rows(k_type type, int64_t m, int64_t vocab)
{
    const int64_t row = vocab * (int64_t)(type == K_BF16 ? 4 + 2 : 4);
    int64_t rows = chunk_bytes / (row > 0 ? row : 1) / chunk_step * chunk_step;
    rows = rows > chunk_step ? rows : chunk_step;
    return rows < m ? rows : m > 0 ? m : 1;
}

/* Of the logits of a chunk, in bytes: dz of bf16 begins behind them. */
size_t logits_bytes(int64_t rows, int64_t vocab)
{
    return ((size_t)rows * (size_t)vocab * sizeof(float) + 255) / 256 * 256;
}

const void *row_of(k_type type, const void *x, int64_t row, int64_t n)
{
    return static_cast<const char *>(x) + (size_t)(row * n) * k_type_size(type);
}

/* What both operations are refused for. */
template <class A> int check(const A *a)
{
    if ((a->type != K_F32 && a->type != K_BF16) || k_type_or(a->h_type, a->type) != a->type)
        return K_ETYPE;
    if (!a->h || !a->w || !a->targets || !a->lse || !a->scratch || a->m < 0 || a->d < 0 ||
        a->vocab <= 0 || a->vocab > most_ids || !(a->temperature > 0))
        return K_EARG;
    return K_OK;
}

/* Logits of rows first .. first + n - 1, to the scratch. */
template <class A>
int logits(k_device *dev, const A *a, const void *packed, int64_t first, int64_t n)
{
    k_gemm product = {};
    product.type = product.x_type = a->type;
    product.y_type = K_F32;
    product.m = n;
    product.n = a->vocab;
    product.k = a->d;
    product.x = row_of(a->type, a->h, first, a->d);
    product.w = a->w;
    product.packed = packed;
    product.y = a->scratch;
    return k_cuda_gemm_nt(dev, &product);
}

/* dh and dw from dz of these rows. */
int spread(k_device *dev, const k_lmhead_grad *a, const void *dz, int64_t first, int64_t n)
{
    int status = K_OK;
    if (a->dh) {
        k_gemm_dx product = {};
        product.type = product.x_type = a->type;
        product.m = n;
        product.n = a->vocab;
        product.k = a->d;
        product.dy = dz;
        product.w = a->w;
        product.packed = a->packed_nn;
        product.dx = const_cast<void *>(row_of(a->type, a->dh, first, a->d));
        status = k_cuda_gemm_nn(dev, &product);
    }
    if (a->dw && status == K_OK) {
        k_gemm_dw product = {};
        product.type = a->type;
        product.m = n;
        product.n = a->vocab;
        product.k = a->d;
        product.dy = dz;
        product.x = row_of(a->type, a->h, first, a->d);
        product.dw = a->dw;
        status = k_cuda_gemm_tn(dev, &product);
    }
    return status;
}
} /* namespace */

size_t k_cuda_lmhead_scratch(k_device *, k_type type, int64_t m, int64_t, int64_t vocab)
{
    const int64_t rows = chunk_rows(type, m, vocab);
    const size_t dz = type == K_BF16 ? (size_t)rows * (size_t)vocab * sizeof(nv_bfloat16) : 0;
    return logits_bytes(rows, vocab) + dz + 256;
}

int k_cuda_lmhead_logprob(k_device *dev, const k_lmhead *a)
{
    int status = check(a);
    if (status == K_OK && !a->logp)
        status = K_EARG;
    if (status != K_OK || a->m == 0)
        return status;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const bool is_whole = k_is_whole<float>(a->scratch, a->vocab);
    const dim3 block((unsigned)k_row_threads(a->vocab));
    const int64_t rows = chunk_rows(a->type, a->m, a->vocab);
    for (int64_t first = 0; first < a->m && status == K_OK; first += rows) {
        const int64_t n = a->m - first < rows ? a->m - first : rows;
        status = logits(dev, a, a->packed, first, n);
        if (status == K_OK)
            K_LAUNCH(score, dim3((unsigned)n), block, 0, d->stream, *a, first, is_whole);
    }
    return status != K_OK ? status : k_cuda_launched();
}

int k_cuda_lmhead_grad(k_device *dev, const k_lmhead_grad *a)
{
    int status = check(a);
    if (status == K_OK && (!a->coef || (a->ecoef && !a->entropy)))
        status = K_EARG;
    if (status != K_OK || a->m == 0 || (!a->dh && !a->dw && !a->logp))
        return status;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const bool is_whole = k_is_whole<float>(a->scratch, a->vocab);
    const dim3 block((unsigned)k_row_threads(a->vocab));
    const int64_t rows = chunk_rows(a->type, a->m, a->vocab);
    char *beside = static_cast<char *>(a->scratch) + logits_bytes(rows, a->vocab);
    void *dz = a->type == K_BF16 ? beside : a->scratch;
    for (int64_t first = 0; first < a->m && status == K_OK; first += rows) {
        const int64_t n = a->m - first < rows ? a->m - first : rows;
        status = logits(dev, a, a->packed_nt, first, n);
        if (status != K_OK)
            break;
        if (a->type == K_F32)
            K_LAUNCH(grade<float>, dim3((unsigned)n), block, 0, d->stream, *a, first,
                     static_cast<float *>(dz), is_whole);
        else
            K_LAUNCH(grade<nv_bfloat16>, dim3((unsigned)n), block, 0, d->stream, *a, first,
                     static_cast<nv_bfloat16 *>(dz), is_whole);
        status = spread(dev, a, dz, first, n);
    }
    return status != K_OK ? status : k_cuda_launched();
}
