/* emu_gemm.cu -- C[M,N] = A[M,K] B[N,K]^T, bf16 in, float out: 64x64x32 tiles, two stages of
 * cp.async, four warps of 32x32. Tries asynchronous copies, ldmatrix and mma of the emulation.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_kernels.h"
#include "kernels/cuda/device.h"
#ifndef MUT
#define MUT 0
#endif

enum { BM = 64, BN = 64, BK = 32, LD = BK + 8, STAGE = (BM + BN) * LD };

static __device__ __forceinline__ void load_tiles(nv_bfloat16 *s, const nv_bfloat16 *a,
                                                  const nv_bfloat16 *b, int m, int n, int k, int m0,
                                                  int n0, int k0)
{
    for (int i = threadIdx.x; i < (BM + BN) * (BK / 8); i += 128) {
        const int r = i >> 2, c = (i & 3) * 8, at = k0 + c;
        const bool is_a = r < BM;
        const int row = is_a ? m0 + r : n0 + r - BM;
        const bool is_in = (row < (is_a ? m : n) || (MUT == 6 && is_a)) && at < k;
        const nv_bfloat16 *from = is_a ? a : b;
        k_cp_async16(s + r * LD + c, is_in ? from + (size_t)row * k + at : from, is_in ? 16 : 0);
    }
}

static __global__ void __launch_bounds__(128)
    gemm(const nv_bfloat16 *__restrict__ a, const nv_bfloat16 *__restrict__ b, float *c, int m,
         int n, int k)
{
    K_DYN_SHARED(nv_bfloat16, sm);
    const int t = threadIdx.x, lane = t & 31, wid = t >> 5, wm = (wid >> 1) * 32,
              wn = (wid & 1) * 32, m0 = blockIdx.y * BM, n0 = blockIdx.x * BN;
    float acc[2][4][4] = {};
    const int n_steps = MUT == 5 ? k / BK : (k + BK - 1) / BK;
    load_tiles(sm, a, b, m, n, k, m0, n0, 0);
    k_cp_commit();
    for (int step = 0; step < n_steps; step++) {
        if (step + 1 < n_steps)
            load_tiles(sm + ((step + 1) & 1) * STAGE, a, b, m, n, k, m0, n0, (step + 1) * BK);
        k_cp_commit();
        if (MUT == 3)
            k_cp_wait<2>();
        else
            k_cp_wait<1>();
        if (MUT != 1)
            __syncthreads();
        const nv_bfloat16 *sa = sm + (step & 1) * STAGE, *sb = sa + BM * LD;
        for (int kk = 0; kk < BK; kk += 16) {
            uint32_t fa[2][4], fb[2][4];
            for (int i = 0; i < 2; i++)
                k_ldmatrix_x4(fa[i], sa + (wm + i * 16 + (lane & 15)) * LD + kk +
                                         (MUT == 7 ? 4 : 8) * (lane >> 4));
            for (int i = 0; i < 2; i++)
                k_ldmatrix_x4(fb[i], sb + (wn + i * 16 + (lane & 7) + ((lane >> 4) << 3)) * LD +
                                         kk + ((lane >> 3) & 1) * 8);
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 4; j++) {
                    const uint32_t bb[2] = { fb[j >> 1][(j & 1) * 2], fb[j >> 1][(j & 1) * 2 + 1] };
                    k_mma_bf16(acc[i][j], fa[i], bb, acc[i][j]);
                }
        }
        if (MUT != 2)
            __syncthreads();
    }
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            for (int e = 0; e < 4; e++) {
                const int g = MUT == 4 ? lane & 3 : lane >> 2;
                const int q = MUT == 4 ? (lane >> 2) & 3 : lane & 3;
                const int row = m0 + wm + i * 16 + g + (e >> 1) * 8;
                const int col = n0 + wn + j * 8 + 2 * q + (e & 1);
                if (row < m && col < n)
                    c[(size_t)row * n + col] = acc[i][j][e];
            }
}

void emu_gemm(const uint16_t *a, const uint16_t *b, float *c, int m, int n, int k)
{
    K_LAUNCH(gemm, dim3((n + BN - 1) / BN, (m + BM - 1) / BM), dim3(128),
             2 * STAGE * sizeof(nv_bfloat16), (cudaStream_t)0, (const nv_bfloat16 *)a,
             (const nv_bfloat16 *)b, c, m, n, k);
}
