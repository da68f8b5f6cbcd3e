/* emu_attention.cu -- causal attention over sequences of any length with a running maximum. A block
 * is 32 queries of 4 threads each; tiles of 32 keys lie in dynamic shared memory. Tries templates,
 * __syncwarp and shuffles inside a quad.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_kernels.h"
#include "kernels/cuda/device.h"
#ifndef MUT
#define MUT 0
#endif

template <int D>
static __global__ void __launch_bounds__(128)
    attention(const float *__restrict__ q, const float *__restrict__ k, const float *__restrict__ v,
              float *out, float *lse, const int *__restrict__ cu, int heads, float scale)
{
    K_DYN_SHARED(float, sm);
    float *sk = sm, *sv = sk + 32 * (D + 1), *sp = sv + 32 * (D + 1); /* sp: [32][33] */
    const int b = blockIdx.z, h = blockIdx.y, begin = cu[b], len = cu[b + 1] - begin,
              q0 = blockIdx.x * 32;
    if (q0 >= len)
        return; /* the whole block */
    const int t = threadIdx.x, row = t >> 2, s = t & 3, qi = q0 + row;
    float qr[D], acc[D / 4], m = -1e30F, l = 0;
    for (int d = 0; d < D; d++)
        qr[d] = qi < len ? q[((size_t)(begin + qi) * heads + h) * D + d] * scale : 0.F;
    for (int d = 0; d < D / 4; d++)
        acc[d] = 0;
    const int end = min(len, q0 + 32);
    for (int k0 = 0; k0 < end; k0 += 32) {
        if (MUT != 1)
            __syncthreads();
        for (int i = t; i < 32 * D; i += 128) {
            const int r = i / D, d = i % D, key = k0 + r;
            const bool is_in = key < (MUT == 7 ? len + 1 : len);
            const size_t at = ((size_t)(begin + key) * heads + h) * D + d;
            sk[r * (D + 1) + d] = is_in ? k[at] : 0.F;
            sv[r * (D + 1) + d] = is_in ? v[at] : 0.F;
        }
        __syncthreads();
        float p[8], mt = m;
        for (int j = 0; j < 8; j++) {
            const int c = j * 4 + s;
            float x = 0;
            for (int d = 0; d < D; d++)
                x += qr[d] * sk[c * (D + 1) + d];
            p[j] = k0 + c <= (MUT == 2 ? qi + 1 : qi) && k0 + c < len ? x : -1e30F;
            mt = fmaxf(mt, p[j]);
        }
        mt = fmaxf(mt, __shfl_xor_sync(0xffffffffu, mt, 1));
        mt = fmaxf(mt, __shfl_xor_sync(0xffffffffu, mt, 2));
        float cor = MUT == 4 ? 1.F : __expf(m - mt), sum = 0;
        if (MUT != 6)
            __syncwarp(); /* not needed: a barrier lies between, so its mutant is no bug */
        for (int j = 0; j < 8; j++) {
            const float e = __expf(p[j] - mt);
            sum += e;
            sp[row * 33 + j * 4 + s] = e;
        }
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        l = l * cor + sum;
        m = mt;
        if (MUT != 5)
            __syncwarp(); /* the quad sees sp */
        for (int d = 0; d < D / 4; d++)
            acc[d] *= cor;
        for (int c = 0; c < 32; c++)
            for (int d = 0; d < D / 4; d++)
                acc[d] += sp[row * 33 + c] * sv[c * (D + 1) + s * (D / 4) + d];
    }
    if (qi < len) {
        for (int d = 0; d < D / 4; d++)
            out[((size_t)(begin + qi) * heads + h) * D + s * (D / 4) + d] = acc[d] / l;
        if (s == 0)
            lse[(size_t)(begin + qi) * heads + h] = m + logf(l);
    }
}

template <int D>
static void launch(const float *q, const float *k, const float *v, float *out, float *lse,
                   const int *cu, int n_seqs, int max_len, int heads)
{
    const size_t shared = (2 * 32 * (D + 1) + 32 * 33 - 2 * (MUT == 3)) * sizeof(float);
    const float scale = 1.F / sqrtf((float)D);
    K_LAUNCH((attention<D>), dim3((max_len + 31) / 32, heads, n_seqs), dim3(128), shared,
             (cudaStream_t)0, q, k, v, out, lse, cu, heads, scale);
}

void emu_attention(const float *q, const float *k, const float *v, float *out, float *lse,
                   const int *cu, int n_seqs, int max_len, int heads, int head_dim)
{
    if (head_dim == 16)
        launch<16>(q, k, v, out, lse, cu, n_seqs, max_len, heads);
    else
        launch<32>(q, k, v, out, lse, cu, n_seqs, max_len, heads);
}
