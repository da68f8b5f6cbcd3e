/* core.h -- the emulation's inner state: fibers, warps, the shadow of memory, and what its parts
 * ask of each other.
 *
 * One Block per thread of the host: it runs one block of threads after another, each thread a fiber
 * that yields only at collectives (and, with preempt, at some memory accesses).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_EMU_CORE_H
#define K_EMU_CORE_H

#include "emu.h"
#include "intrinsics.h"
#include "runtime.h"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

extern "C" {
/* the index variables under the names the runtime may write */
extern __thread uint3 emu_thread_index_w asm("emu_thread_index"),
    emu_block_index_w asm("emu_block_index"), emu_block_dim_w asm("emu_block_dim"),
    emu_grid_dim_w asm("emu_grid_dim");
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's */
extern char __executable_start[], _end[];
}

namespace emu
{
typedef uintptr_t Address;

constexpr int max_threads = 1024;
constexpr size_t stack_bytes = 128U << 10; /* of a fiber, its lowest page closed */
constexpr size_t max_shared = 227U << 10;  /* dynamic shared memory of a block, as on sm_90 */
constexpr size_t red_zone = 64U << 10;     /* around it */

/* The last writer and reader of one byte: when, in its warp's clock, who, and from where. */
struct Shadow {
    uint32_t w_epoch, r_epoch, w_at, r_at;
    uint16_t w_clock, r_clock, w_who, r_who;
};
/* the lower bits of w_who and r_who are a thread's number; these are beside them */
constexpr uint16_t who_mask = 0x3ff;
constexpr uint16_t w_atomic = 0x8000, w_async = 0x4000;
constexpr uint16_t r_of_warp = 0x8000, r_of_block = 0x4000,
                   r_of_grid = 0x2000; /* read by several of it */

enum class Kind { read, write, atomic, async_issue, async_done };
enum class State { ready, at_barrier, in_collective, done };

struct Copy { /* a cp.async in flight */
    char *to;
    const char *from;
    int n;
};

struct Fiber {
    void *sp;
    uint3 index;
    uint16_t tid;
    State state;
    /* the collective it waits in */
    emu_op op;
    unsigned mask;
    uint64_t value, result;
    int arg, width, line;
    void *out;
    const void *in[3];
    /* the barrier it waits at */
    const char *barrier_file;
    int barrier_line;
    std::vector<std::vector<Copy>> copies; /* groups, the last one open */
};

struct Warp {
    unsigned waiting, done; /* lanes */
    uint16_t clock; /* __syncwarps so far in this epoch; full: the last one of all live lanes */
    uint16_t full;
    bool is_partial; /* some were of fewer: pair[i][j] is the clock of the last one that i and j
                        shared */
    uint16_t pair[32][32];
};

struct Block {
    Fiber fibers[max_threads];
    Warp warps[max_threads / 32];
    int n, n_done, n_at_barrier, n_true, barrier_result;
    uint16_t queue[max_threads]; /* of ready fibers, a ring */
    int first, n_queued;
    void *main; /* stack pointer of the launching thread */
    Fiber *now;
    bool is_dead; /* abandoned after a wild access */
    char *stacks, *shared_map, *shared;
    size_t n_shared;
    Shadow *shared_shadow, *tls_shadow;
    Address tls;
    size_t n_tls;
    uint32_t epoch, epoch_of_block, epoch_of_launch; /* an epoch ends at each __syncthreads */
    uint64_t rng, n_accesses, n_since_yield;
    void (*body)(const void *);
    const void *closure;
    size_t closure_size;
};

extern thread_local Block *here; /* NULL outside a launch's threads */

/* report.cpp: at is a return address, or below 100,000 a line. */
__attribute__((format(printf, 3, 4))) void report(emu_kind kind, Address at, const char *fmt, ...);
bool is_reported(emu_kind kind, Address at);
void source_line(Address at, char *out, size_t size);
void set_kernel(const char *name);

/* fiber.cpp */
uint64_t random_bits(Block &b);
void make_ready(Block &b, Fiber &f);
void run_next(Block &b, Fiber *self); /* NULL: the caller never comes back */
void abandon(Block &b);               /* the block ends here, before a wild access is made */

/* warp.cpp: completes a collective of this warp if all live lanes of a mask are there. */
bool try_collective(Block &b, int warp);

/* shadow.cpp: every access of a kernel, of n bytes. */
void touch(const void *p, size_t n, Kind kind, Address at);
void check_aligned(const void *p, size_t n, Address at);

/* memory.cpp */
struct Heap {
    char *base;     /* NULL until the first cudaMalloc */
    uint8_t *state; /* of each byte: 0 not allocated, 1 never written, 2 written */
    Shadow *shadow;
    size_t size;
};
extern Heap heap;
void *map_memory(size_t n);                 /* zeros; ends the process where there is none */
bool is_device_memory(const void *p);       /* any address of the heap */
bool is_whole(const void *p, size_t n);     /* all of the host, or all inside allocations */
bool is_written(const void *p, size_t n);   /* inside allocations, and written */
void mark_written(const void *p, size_t n); /* the host's is left alone */
bool is_pinned(const void *p, size_t n);
cudaError_t copy_now(void *to, const void *from, size_t n);

/* stream.cpp */
bool is_current(cudaStream_t stream); /* whether launches into it are taken; NULL always */
void catch_up(cudaStream_t stream);   /* does the copies it still has to do; NULL: all streams' */
/* Whether a stream that is captured keeps this instead. */
bool is_kept(cudaStream_t stream, const std::function<void()> &work);
void spend(double ms); /* on the clock of events */

/* machine.cpp */
cudaError_t standing_error(); /* of emu_has.failure and what was found */

#define EMU_HERE reinterpret_cast<emu::Address>(__builtin_return_address(0))
} /* namespace emu */

#endif
