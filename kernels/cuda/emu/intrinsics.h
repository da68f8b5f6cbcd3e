/* intrinsics.h -- barriers, shuffles, votes, atomics, asynchronous copies and matrix pieces as
 * kernels call them.
 *
 * Each takes the line it is called from as a last argument by default, for the reports. The bodies
 * are in warp.cpp, fiber.cpp and memory.cpp, which are not instrumented.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_EMU_INTRINSICS_H
#define K_EMU_INTRINSICS_H

#include "bf16.h"
#include "types.h"
#include <cmath>
#include <cstddef>
#include <type_traits>

enum emu_op {
    EMU_SYNC,
    EMU_INDEX,
    EMU_UP,
    EMU_DOWN,
    EMU_XOR,
    EMU_BALLOT,
    EMU_ANY,
    EMU_ALL,
    EMU_MMA, /* from here on: all 32 lanes, at one line */
    EMU_LDMATRIX,
    EMU_LDMATRIX_TRANS
};

/* Waits for every thread of the block; how many came with a predicate that is not 0. */
int emu_barrier(int predicate, const char *file, int line);
/* Waits for the lanes of the mask; a shuffle's or a vote's result. */
uint64_t emu_lanes(emu_op op, unsigned mask, uint64_t value, int arg, int width, int line);
/* Waits for the warp, then multiplies or loads: out, and up to three operands of this lane. */
void emu_matrix(emu_op op, void *out, const void *a, const void *b, const void *c, int line);
void *emu_dynamic_shared();

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the names are CUDA's */
inline void __syncthreads(const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    emu_barrier(0, file, line);
}
inline int __syncthreads_count(int p, const char *file = __builtin_FILE(),
                               int line = __builtin_LINE())
{
    return emu_barrier(p != 0, file, line);
}
inline int __syncthreads_or(int p, const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    return emu_barrier(p != 0, file, line) > 0;
}
inline int __syncthreads_and(int p, const char *file = __builtin_FILE(),
                             int line = __builtin_LINE())
{
    return emu_barrier(p == 0, file, line) == 0;
}
inline void __syncwarp(unsigned mask = ~0U, int line = __builtin_LINE())
{
    emu_lanes(EMU_SYNC, mask, 0, 0, warpSize, line);
}
inline unsigned __ballot_sync(unsigned mask, int p, int line = __builtin_LINE())
{
    return static_cast<unsigned>(emu_lanes(EMU_BALLOT, mask, p != 0, 0, warpSize, line));
}
inline int __any_sync(unsigned mask, int p, int line = __builtin_LINE())
{
    return static_cast<int>(emu_lanes(EMU_ANY, mask, p != 0, 0, warpSize, line));
}
inline int __all_sync(unsigned mask, int p, int line = __builtin_LINE())
{
    return static_cast<int>(emu_lanes(EMU_ALL, mask, p != 0, 0, warpSize, line));
}

template <class T> inline T emu_shuffle(emu_op op, unsigned mask, T v, int arg, int width, int line)
{
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable<T>::value,
                  "a shuffle moves up to 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof v);
    bits = emu_lanes(op, mask, bits, arg, width, line);
    memcpy(&v, &bits, sizeof v);
    return v;
}
template <class T>
inline T __shfl_sync(unsigned mask, T v, int lane, int width = warpSize,
                     int line = __builtin_LINE())
{
    return emu_shuffle(EMU_INDEX, mask, v, lane, width, line);
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T v, unsigned n, int width = warpSize,
                        int line = __builtin_LINE())
{
    return emu_shuffle(EMU_UP, mask, v, static_cast<int>(n), width, line);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T v, unsigned n, int width = warpSize,
                          int line = __builtin_LINE())
{
    return emu_shuffle(EMU_DOWN, mask, v, static_cast<int>(n), width, line);
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T v, int n, int width = warpSize,
                         int line = __builtin_LINE())
{
    return emu_shuffle(EMU_XOR, mask, v, n, width, line);
}

inline void __threadfence()
{
    __asm__ volatile("" ::: "memory");
}
inline void __threadfence_block()
{
    __asm__ volatile("" ::: "memory");
}

int atomicAdd(int *p, int v);
unsigned atomicAdd(unsigned *p, unsigned v);
unsigned long long atomicAdd(unsigned long long *p, unsigned long long v);
float atomicAdd(float *p, float v);
double atomicAdd(double *p, double v);
int atomicMax(int *p, int v);
unsigned atomicMax(unsigned *p, unsigned v);
int atomicMin(int *p, int v);
unsigned atomicMin(unsigned *p, unsigned v);
int atomicExch(int *p, int v);
unsigned atomicExch(unsigned *p, unsigned v);
float atomicExch(float *p, float v);
unsigned atomicOr(unsigned *p, unsigned v);
unsigned atomicAnd(unsigned *p, unsigned v);
int atomicCAS(int *p, int expected, int v);
unsigned atomicCAS(unsigned *p, unsigned expected, unsigned v);
unsigned long long atomicCAS(unsigned long long *p, unsigned long long expected,
                             unsigned long long v);

template <class T> inline T __ldg(const T *p)
{
    return *p;
}
inline float rsqrtf(float x)
{
    return 1.0F / sqrtf(x);
}
inline float __fdividef(float a, float b)
{
    return a / b;
}
inline float __frcp_rn(float a)
{
    return 1.0F / a;
}
/* glibc declares these itself, so macros; on the device they are less exact than here */
#define __expf(x) expf(x)
#define __logf(x) logf(x)
#define __exp2f(x) exp2f(x)
#define __fmaf_rn(a, b, c) fmaf(a, b, c)
inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __clz(int x)
{
    return x ? __builtin_clz(static_cast<unsigned>(x)) : 32;
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
inline int min(int a, int b)
{
    return a < b ? a : b;
}
inline int max(int a, int b)
{
    return a > b ? a : b;
}
inline float min(float a, float b)
{
    return fminf(a, b);
}
inline float max(float a, float b)
{
    return fmaxf(a, b);
}

/* ---- what ../ptx.h says in assembly
 * -------------------------------------------------------------------------------- */
void k_cp_async16(void *shared, const void *global, int bytes = 16);
void k_cp_commit();
void emu_cp_wait(int pending);
template <int pending> inline void k_cp_wait()
{
    emu_cp_wait(pending);
}
inline void k_ldmatrix_x4(uint32_t (&r)[4], const void *p, int line = __builtin_LINE())
{
    emu_matrix(EMU_LDMATRIX, r, p, nullptr, nullptr, line);
}
inline void k_ldmatrix_x4_trans(uint32_t (&r)[4], const void *p, int line = __builtin_LINE())
{
    emu_matrix(EMU_LDMATRIX_TRANS, r, p, nullptr, nullptr, line);
}
inline void k_mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                       const float (&c)[4], int line = __builtin_LINE())
{
    emu_matrix(EMU_MMA, d, a, b, c, line);
}
/* NOLINTNEXTLINE(bugprone-macro-parentheses): T is a type */
#define K_DYN_SHARED(T, name) T *name = reinterpret_cast<T *>(emu_dynamic_shared())

#endif
