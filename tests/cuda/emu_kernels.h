/* emu_kernels.h -- kernels that try the emulation, as their tests launch them. Pointers are the
 * device's. MUT == n is the n-th bug planted in a file: -DMUT=n, or
 * -DMUT=emu_mutant to choose at a run (mutants.py).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_KERNELS_H
#define EMU_KERNELS_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* y[rows,n] = x * rsqrt(mean(x^2) + eps) * w, in bf16 with w and rstd in float */
void emu_norm(const uint16_t *x, const float *w, uint16_t *y, float *rstd, int rows, int n,
              float eps, int threads);
/* c[M,N] = a[M,K] b[N,K]^T; K is a multiple of 8 */
void emu_gemm(const uint16_t *a, const uint16_t *b, float *c, int m, int n, int k);
/* causal attention over sequences cu[0..n_seqs]; D is 16 or 32 */
void emu_attention(const float *q, const float *k, const float *v, float *out, float *lse,
                   const int *cu, int n_seqs, int max_len, int heads, int head_dim);
/* dw[ids[i],:] += dy[i,:], by atomics; then the same by segments of a sorted order */
void emu_embed_atomic(const int *ids, const float *dy, float *dw, int n, int d);
void emu_embed_segments(const int *order, const int *segments, const int *ids, int n_segments,
                        const float *dy, float *dw, int d);

/* 64 threads, each of which sets out[t] to 511 where everything it tried is as CUDA has it */
void emu_features(int *out, unsigned long long *best, float *sum, int *lock);

/* kernels with one fault each, p of 256 ints */
typedef enum emu_fault {
    EMU_FAULT_HOST,
    EMU_FAULT_TWO_BARRIERS,
    EMU_FAULT_ABSENT_LANE,
    EMU_FAULT_ALIGN,
    EMU_FAULT_LAUNCH,
    EMU_FAULT_NEVER_COMES,
    EMU_FAULT_EXIT,
    EMU_FAULT_UNINIT,
    EMU_FAULT_BEYOND,
    EMU_FAULT_INDEX,
    EMU_FAULT_BLOCKS,
    EMU_FAULT_SPIN,
    EMU_FAULT_FREED,
    EMU_FAULT_OTHER_MASK
} emu_fault;
void emu_wrong(emu_fault fault, int *p);

#ifdef __cplusplus
}
#endif
#endif
