/* ptx.h -- instructions that CUDA C++ has no name for: asynchronous copies into shared memory,
 * matrix loads and products.
 *
 * For nvcc; emu/intrinsics.h has the same names for the emulation. Layouts of fragments: PTX ISA,
 * "Matrix fragments for mma.m16n8k16". All lanes of the warp take part in the matrix instructions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_PTX_H
#define K_CUDA_PTX_H

#include <cstdint>

__device__ __forceinline__ unsigned k_shared_address(const void *p)
{
    return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

/* 16 bytes, of which the first `bytes` are read and the rest become 0. */
__device__ __forceinline__ void k_cp_async16(void *shared, const void *global, int bytes = 16)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(k_shared_address(shared)),
                 "l"(__cvta_generic_to_global(global)), "r"(bytes)
                 : "memory");
}

__device__ __forceinline__ void k_cp_commit()
{
    asm volatile("cp.async.commit_group;\n" ::: "memory");
}

/* Until at most `pending` of this thread's groups are in flight; other threads still need a
 * barrier. */
template <int pending> __device__ __forceinline__ void k_cp_wait()
{
    asm volatile("cp.async.wait_group %0;\n" ::"n"(pending) : "memory");
}

__device__ __forceinline__ void k_ldmatrix_x4(uint32_t (&r)[4], const void *p)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(k_shared_address(p))
                 : "memory");
}

__device__ __forceinline__ void k_ldmatrix_x4_trans(uint32_t (&r)[4], const void *p)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(k_shared_address(p))
                 : "memory");
}

/* d = a b + c: a 16x16 and b 16x8 in bf16, c and d 16x8 in f32. */
__device__ __forceinline__ void k_mma_bf16(float (&d)[4], const uint32_t (&a)[4],
                                           const uint32_t (&b)[2], const float (&c)[4])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
                 "{%4,%5,%6,%7}, {%8,%9}, "
                 "{%10,%11,%12,%13};\n"
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]),
                   "f"(c[1]), "f"(c[2]), "f"(c[3]));
}

#endif
