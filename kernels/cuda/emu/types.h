/* types.h -- CUDA's words and vector types for a C++ compiler: what stands before functions and
 * arrays, dim3, float4, threadIdx.
 *
 * __shared__ is a thread-local variable: one block at a time runs on a thread of the host, so its
 * thread-locals are the block's shared memory, in templates too. The index variables are constants
 * to the compiler, which therefore does not instrument their reads; the runtime writes them under
 * other names (fiber.cpp).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_EMU_TYPES_H
#define K_EMU_TYPES_H

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the names are CUDA's */
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static thread_local
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

struct uint3 {
    unsigned x, y, z;
};
struct float3 {
    float x, y, z;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

struct dim3 {
    unsigned x, y, z;
    /* implicit, as CUDA's: a launch may say 5 */
    constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

inline int2 make_int2(int a, int b)
{
    return { a, b };
}
inline uint2 make_uint2(unsigned a, unsigned b)
{
    return { a, b };
}
inline float2 make_float2(float a, float b)
{
    return { a, b };
}
inline int4 make_int4(int a, int b, int c, int d)
{
    return { a, b, c, d };
}
inline uint4 make_uint4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return { a, b, c, d };
}
inline float4 make_float4(float a, float b, float c, float d)
{
    return { a, b, c, d };
}

extern "C" {
extern const __thread uint3 threadIdx asm("emu_thread_index"), blockIdx asm("emu_block_index"),
    blockDim asm("emu_block_dim"), gridDim asm("emu_grid_dim");
}
static constexpr int warpSize = 32;

#endif
