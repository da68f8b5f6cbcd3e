/* tile.h -- tiles of bf16 in shared memory, on their way from memory into the operands of
 * mma.m16n8k16: for products and for attention.
 *
 * A tile is lines of `width` numbers. Its piece is a chunk, 8 numbers of a line in 16 bytes: what
 * one lane copies, and what ldmatrix reads as one row of a matrix of 8 x 8. Shared memory has 32
 * banks of 4 bytes, and serves 16 bytes a lane to 8 lanes at a time: these must lie in 8 different
 * places of 128 bytes. A copy's 8 lanes have 8 chunks that follow each other, which they do as they
 * are. ldmatrix's have the same chunk of 8 lines, which would all lie in one place where a line is
 * 128 bytes or a multiple. So the chunks of a line are swapped among each other, by another number
 * for each of 8 lines (or of 2 or 4, where as many share the 128 bytes). What lies where:
 *
 *     width 64, 128, ...   place  0 1 2 3 4 5 6 7      width 32   place  0 1 2 3   4 5 6 7
 *                 line 0   chunk  0 1 2 3 4 5 6 7    lines 0, 1   chunk  0 1 2 3   0 1 2 3
 *                 line 1          1 0 3 2 5 4 7 6    lines 2, 3          1 0 3 2   1 0 3 2
 *                 line 2          2 3 0 1 6 7 4 5    lines 4, 5          2 3 0 1   2 3 0 1
 *                 ...                                lines 6, 7          3 2 1 0   3 2 1 0
 *                 line 7          7 6 5 4 3 2 1 0    (width 16: 4 lines, swapped or not)
 *
 * A chunk is in no column twice, so 8 lines from a multiple of 8 on have it in 8 places. It is what
 * CUTLASS does (include/cutlass/layout/tensor_op_multiplicand_sm75.h).
 *
 * Or lines are padded, by one chunk (k_padding). Widths that are multiples of 16 numbers make an
 * odd number of chunks from line to line, so that 8 lines lie in 8 places as well. It costs the
 * padding; but any such width will do, also one that is known at run time only, and the address of
 * a chunk is a sum: a loop that is not unrolled adds to it, where a swapped one is computed anew
 * each time. The backward of attention, which has no register to spare, has it so.
 *
 * Fragments (PTX ISA, "Matrix fragments for mma.m16n8k16"): ldmatrix takes the addresses of its
 * matrix q's rows from lanes 8 q .. + 7 and gives it in r[q], to each lane two numbers that lie
 * side by side in a row; turned, in a column. An a of 16 x 16 wants rows 0 .. 7 and 8 .. 15 of its
 * left half, then of its right half. A b of 16 x 8 is wanted as 8 columns' numbers: upper half,
 * lower half; one ldmatrix gives two of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_TILE_H
#define K_CUDA_TILE_H

#include "kernels/cuda/chunk.h"

/* ---- where a chunk lies ---------------------------------------------------------------------- */
/* A chunk of a tile. */
struct k_place {
    int line, chunk;
    /* Where it begins in a tile of padded lines, `stride` numbers from one to the next. */
    __device__ __forceinline__ int padded(int stride) const
    {
        return line * stride + chunk * 8;
    }
};

/* Where chunk c of a line begins. */
template <int width> __device__ __forceinline__ int k_slot(int line, int c)
{
    constexpr int chunks = width / 8, lines = chunks < 8 ? 8 / chunks : 1; /* in 128 bytes */
    static_assert(chunks % 8 == 0 || chunks * lines == 8, "lines fill 128 bytes, or these them");
    return line * width + (c ^ (line / lines & (8 / lines - 1))) * 8;
}

/* Where lines are padded: numbers after each. */
constexpr int k_padding = 8;

/* ---- from memory ----------------------------------------------------------------------------- */
/* Which chunks of a tile a thread of the block brings: n of them, of which k is at(k). Threads that
 * follow each other have chunks that do. */
template <int lines, int width, int threads> struct k_share {
    static constexpr int chunks = width / 8, n = lines * chunks / threads;
    static_assert(lines * chunks % threads == 0, "each thread brings as many chunks");
    static __device__ __forceinline__ k_place at(int k)
    {
        const int i = (int)threadIdx.x + k * threads;
        return { i / chunks, i % chunks };
    }
};

/* Chunk c of a line of n numbers from p, if the line is there; else, and beyond it, zeros. whole:
 * chunks of such lines are all there and aligned; they come by cp.async. some: any address that may
 * be read. */
__device__ __forceinline__ void k_bring_chunk(nv_bfloat16 *to, const nv_bfloat16 *p, bool is_line,
                                              const nv_bfloat16 *some, int c, int n, bool whole)
{
    if (whole) {
        const bool is_there = is_line && c * 8 < n;
        k_cp_async16(to, is_there ? p + c * 8 : some, is_there ? 16 : 0);
        return;
    }
#ifdef __CUDACC__
    k_chunk<nv_bfloat16> chunk = {};
    if (is_line)
        chunk = k_load<nv_bfloat16, false>(p, c * 8, n);
#else
    /* zeros by themselves would be a call of memset, which clang does not show to the emulation */
    const k_chunk<nv_bfloat16> chunk =
        k_load<nv_bfloat16, false>(is_line ? p : some, c * 8, is_line ? n : 0);
#endif
    *reinterpret_cast<k_chunk<nv_bfloat16> *>(to) = chunk;
}
/* The same of a line that is NULL where it is not there. */
__device__ __forceinline__ void k_bring_chunk(nv_bfloat16 *to, const nv_bfloat16 *p,
                                              const nv_bfloat16 *some, int c, int n, bool whole)
{
    k_bring_chunk(to, p, p, some, c, n, whole);
}

/* ---- fragments ------------------------------------------------------------------------------- */
/* The chunk that a lane names to ldmatrix, of a piece of 16 x 16 that begins with chunk c of
 * `line`. Down: lines 0 .. 7 and 8 .. 15 of its first chunk, then of its second. */
__device__ __forceinline__ k_place k_down(int line = 0, int c = 0)
{
    const int lane = (int)threadIdx.x % 32;
    return { line + lane % 16, c + lane / 16 };
}
/* Across: both chunks of lines 0 .. 7, then of 8 .. 15. */
__device__ __forceinline__ k_place k_across(int line = 0, int c = 0)
{
    const int lane = (int)threadIdx.x % 32;
    return { line + lane % 8 + lane / 16 * 8, c + lane / 8 % 2 };
}

/* 16 lines x 16 numbers of a tile as mma's a: lines are its rows; turned, its k. */
template <int width>
__device__ __forceinline__ void k_take_a(uint32_t (&r)[4], const nv_bfloat16 *tile, int line,
                                         int number)
{
    const k_place at = k_down(line, number / 8);
    k_ldmatrix_x4(r, tile + k_slot<width>(at.line, at.chunk));
}
template <int width>
__device__ __forceinline__ void k_take_a_turned(uint32_t (&r)[4], const nv_bfloat16 *tile, int line,
                                                int number)
{
    const k_place at = k_across(line, number / 8);
    k_ldmatrix_x4_trans(r, tile + k_slot<width>(at.line, at.chunk));
}

/* Two of mma's b: r[0], r[1] of lines `line` .. + 7 as its columns, r[2], r[3] of the 8 lines after
 * them; numbers are its k. */
template <int width>
__device__ __forceinline__ void k_take_b(uint32_t (&r)[4], const nv_bfloat16 *tile, int line,
                                         int number)
{
    const k_place at = k_across(line, number / 8);
    k_ldmatrix_x4(r, tile + k_slot<width>(at.line, at.chunk));
}
/* Turned: of numbers `number` .. + 7, and of the 8 numbers after them; lines are its k. */
template <int width>
__device__ __forceinline__ void k_take_b_turned(uint32_t (&r)[4], const nv_bfloat16 *tile, int line,
                                                int number)
{
    const k_place at = k_down(line, number / 8);
    k_ldmatrix_x4_trans(r, tile + k_slot<width>(at.line, at.chunk));
}

/* d += a b for the two b of r. */
__device__ __forceinline__ void k_add_products(float (&d)[4], float (&next)[4],
                                               const uint32_t (&a)[4], const uint32_t (&r)[4])
{
    const uint32_t first[2] = { r[0], r[1] }, second[2] = { r[2], r[3] };
    k_mma_bf16(d, a, first, d);
    k_mma_bf16(next, a, second, next);
}

/* Two numbers rounded to bf16, as one half of each of mma's a and b wants them: x the lower one. */
__device__ __forceinline__ uint32_t k_pair(float x, float y)
{
    const nv_bfloat162 pair = __floats2bfloat162_rn(x, y);
    uint32_t r;
    memcpy(&r, &pair, sizeof r);
    return r;
}

#endif
