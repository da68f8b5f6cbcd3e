/* emu_features.cu -- what the other kernels do not use: votes, shuffles with a width, partial
 * masks, atomics, a wait for another thread; and kernels with one fault each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_kernels.h"
#include "kernels/cuda/device.h"

static __global__ void features(int *out, unsigned long long *best, float *sum, int *lock)
{
    K_DYN_SHARED(int, sm);
    const int t = threadIdx.x, lane = t & 31;
    const unsigned thirds = __ballot_sync(~0u, lane % 3 == 0);
    const int any = __any_sync(~0u, lane == 31), all = __all_sync(~0u, lane < 31);
    const int up = __shfl_up_sync(~0u, lane, 1), down = __shfl_down_sync(~0u, lane, 3, 8);
    const int fifth = __shfl_sync(~0u, lane, 5, 16);
    const double other = __shfl_xor_sync(~0u, (double)lane, 7);
    out[t] = (thirds == 0x49249249u) + any * 2 + (!all) * 4;
    out[t] += (up == (lane ? lane - 1 : 0)) * 8;
    out[t] += (down == ((lane & 7) + 3 < 8 ? lane + 3 : lane)) * 16;
    out[t] += (fifth == (lane & 16) + 5) * 32 + (other == (lane ^ 7)) * 64;
    atomicMax(lock + 1, t);
    atomicAdd(sum, 0.5F);
    atomicAdd(best, 2ull);
    if (lane < 16) {
        sm[t] = t;
        __syncwarp(0x0000ffffu);
        out[t] += (sm[t ^ 1] == (t ^ 1)) * 128;
    } else {
        out[t] += 128;
    }
    const int odd = __syncthreads_count(t & 1);
    out[t] += (odd == (int)blockDim.x / 2) * 256;
    if (t == 33) {
        __threadfence_block();
        atomicExch(lock, 1);
    }
    if (t == 0)
        while (atomicCAS(lock, 1, 2) != 1) {
        }
}

void emu_features(int *out, unsigned long long *best, float *sum, int *lock)
{
    K_LAUNCH(features, 1, 64, 256, (cudaStream_t)0, out, best, sum, lock);
}

static __global__ void store(int *p)
{
    p[threadIdx.x] = 1;
}
static __global__ void two_barriers(int *p)
{
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
    if (threadIdx.x == 0)
        p[0] = 1;
}
static __global__ void absent_lane(int *p)
{
    p[threadIdx.x] = threadIdx.x < 16 ? __shfl_sync(0xffffu, 1, 20) : 0;
}
static __global__ void misaligned(double *p)
{
    p[0] = *(double *)((float *)p + 1);
}
static __global__ void never_comes(int *p)
{
    p[threadIdx.x] = threadIdx.x < 16 ? __shfl_sync(~0u, 1, 0) : 0;
    __syncthreads();
}
static __global__ void leaves_early(int *p)
{
    if (threadIdx.x == 7)
        return;
    __syncthreads();
    p[threadIdx.x] = 1;
}
static __global__ void reads_unwritten(int *p)
{
    __shared__ int s[64];
    if (threadIdx.x < 63)
        s[threadIdx.x] = 1;
    __syncthreads();
    p[threadIdx.x] = s[threadIdx.x];
}
static __global__ void array_index(int *p, int n)
{
    __shared__ int s[32];
    s[threadIdx.x + n] = 1;
    __syncthreads();
    p[threadIdx.x] = s[threadIdx.x];
}
static __global__ void last_block_wins(int *p)
{
    if (threadIdx.x == 0)
        p[0] = blockIdx.x;
}
static __global__ void spins(int *p)
{
    while (atomicAdd(p, 0) != 77) {
    }
}
static __global__ void two_masks(int *p)
{
    p[threadIdx.x] = __shfl_sync(threadIdx.x < 16 ? ~0u : 0xffff0001u, 1, 0);
}

void emu_wrong(emu_fault fault, int *p)
{
    const cudaStream_t s = 0;
    switch (fault) {
    case EMU_FAULT_HOST:
    case EMU_FAULT_FREED:
        K_LAUNCH(store, 1, 32, 0, s, p);
        break;
    case EMU_FAULT_TWO_BARRIERS:
        K_LAUNCH(two_barriers, 1, 64, 0, s, p);
        break;
    case EMU_FAULT_ABSENT_LANE:
        K_LAUNCH(absent_lane, 1, 32, 0, s, p);
        break;
    case EMU_FAULT_ALIGN:
        K_LAUNCH(misaligned, 1, 1, 0, s, (double *)p);
        break;
    case EMU_FAULT_LAUNCH:
        K_LAUNCH(store, 1, 32, 100 << 10, s, p);
        break;
    case EMU_FAULT_NEVER_COMES:
        K_LAUNCH(never_comes, 1, 32, 0, s, p);
        break;
    case EMU_FAULT_EXIT:
        K_LAUNCH(leaves_early, 1, 32, 0, s, p);
        break;
    case EMU_FAULT_UNINIT:
        K_LAUNCH(reads_unwritten, 1, 64, 0, s, p);
        break;
    case EMU_FAULT_BEYOND:
        K_LAUNCH(store, 1, 257, 0, s, p);
        break;
    case EMU_FAULT_INDEX:
        K_LAUNCH(array_index, 1, 32, 0, s, p, 1);
        break;
    case EMU_FAULT_BLOCKS:
        K_LAUNCH(last_block_wins, 2, 32, 0, s, p);
        break;
    case EMU_FAULT_SPIN:
        K_LAUNCH(spins, 1, 1, 0, s, p);
        break;
    case EMU_FAULT_OTHER_MASK:
        K_LAUNCH(two_masks, 1, 32, 0, s, p);
        break;
    }
}
