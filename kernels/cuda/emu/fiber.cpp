/* fiber.cpp -- threads of a block as fibers: switching, the barrier, the order they run in,
 * launches.
 *
 * A fiber runs until it waits: for its block at a barrier, for its warp in a collective. When none
 * is ready, either the barrier is complete, or a collective waited only for lanes that have ended,
 * or the kernel is wrong and that is reported.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"
#include <atomic>
#include <cassert>
#include <cstring>
#include <link.h>
#include <map>
#include <sys/mman.h>
#include <thread>
#if !defined(__x86_64__) || defined(EMU_UCONTEXT)
#include <ucontext.h>
#endif

__thread uint3 emu_thread_index_w, emu_block_index_w, emu_block_dim_w, emu_grid_dim_w;

namespace emu
{
thread_local Block *here;

static void begin(); /* what a new fiber runs */

/* ---- switching
 * -----------------------------------------------------------------------------------------------------
 */
#if defined(__x86_64__) && !defined(EMU_UCONTEXT)
extern "C" void emu_switch(void **save, void *to);
/* Registers that a callee keeps go onto the old stack, its pointer to *save; then the same from the
 * new one. */
asm(".text\n.globl emu_switch\n.type emu_switch,@function\nemu_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n.size "
    "emu_switch,.-emu_switch\n");

static void *new_stack(char *bottom, Fiber &)
{
    auto **top = reinterpret_cast<void **>(bottom + stack_bytes - 16);
    *--top = nullptr; /* begin() never returns */
    *--top = reinterpret_cast<void *>(&begin);
    for (int i = 0; i < 6; i++)
        *--top = nullptr;
    return top;
}
#else
static void emu_switch(void **save, void *to)
{
    ucontext_t own;
    *save = &own; /* lives on the stack that is left, until it is come back to */
    swapcontext(&own, static_cast<ucontext_t *>(to));
}

static void *new_stack(char *bottom, Fiber &)
{
    auto *c =
        reinterpret_cast<ucontext_t *>(bottom + stack_bytes - (sizeof(ucontext_t) + 63) / 64 * 64);
    getcontext(c);
    c->uc_stack.ss_sp = bottom + 4096;
    c->uc_stack.ss_size = static_cast<size_t>(reinterpret_cast<char *>(c) - bottom) - 4096;
    c->uc_link = nullptr;
    makecontext(c, begin, 0);
    return c;
}
#endif

/* ---- the order threads run in
 * -------------------------------------------------------------------------------------- */
uint64_t random_bits(Block &b)
{
    b.rng ^= b.rng << 13;
    b.rng ^= b.rng >> 7;
    b.rng ^= b.rng << 17;
    return b.rng;
}

void make_ready(Block &b, Fiber &f)
{
    f.state = State::ready;
    b.queue[(b.first + b.n_queued++) % max_threads] = f.tid;
}

void abandon(Block &b)
{
    void *unused;
    b.is_dead = true;
    b.now = nullptr;
    emu_switch(&unused, b.main);
}

static void forget_pairs(Warp &w)
{
    if (w.is_partial) {
        memset(w.pair, 0, sizeof w.pair);
        w.is_partial = false;
    }
}

/* All live threads are at a barrier: whether it is the same one, then on with them. */
static void release_barrier(Block &b)
{
    const Fiber *a = nullptr;
    bool is_told = false;
    for (int i = 0; i < b.n; i++) {
        const Fiber &f = b.fibers[i];
        if (f.state != State::at_barrier)
            continue;
        if (!a) {
            a = &f;
        } else if (!is_told && (a->barrier_line != f.barrier_line ||
                                strcmp(a->barrier_file, f.barrier_file) != 0)) {
            report(EMU_DIVERGE, static_cast<Address>(a->barrier_line),
                   "threads wait at different barriers: line %d and line %d", a->barrier_line,
                   f.barrier_line);
            is_told = true;
        }
    }
    assert(a);
    if (b.n_done && emu_set.is_strict_exit) {
        report(EMU_DIVERGE, static_cast<Address>(a->barrier_line),
               "%d of %d threads returned while the others wait at the barrier of line %d",
               b.n_done, b.n, a->barrier_line);
    }
    b.barrier_result = b.n_true;
    b.n_true = b.n_at_barrier = 0;
    b.epoch++;
    for (Warp &w : b.warps) {
        w.clock = w.full = 0;
        forget_pairs(w);
    }
    for (int i = 0; i < b.n; i++)
        if (b.fibers[i].state == State::at_barrier)
            make_ready(b, b.fibers[i]);
}

static void report_deadlock(Block &b)
{
    int n_collective = 0;
    int line = 0;
    int barrier_line = 0;
    for (int i = 0; i < b.n; i++) {
        const Fiber &f = b.fibers[i];
        if (f.state == State::in_collective) {
            n_collective++;
            line = f.line;
        } else if (f.state == State::at_barrier) {
            barrier_line = f.barrier_line;
        }
    }
    report(EMU_DIVERGE, static_cast<Address>(line),
           "nothing can go on: %d threads at the barrier of line %d, %d in the collective of line "
           "%d, whose mask names "
           "lanes that never come, %d have returned",
           b.n_at_barrier, barrier_line, n_collective, line, b.n_done);
}

/* Nothing is ready: lets somebody go on, or says why nobody can. */
static bool resolve(Block &b)
{
    if (b.n_done == b.n)
        return false;
    if (b.n_at_barrier == b.n - b.n_done) {
        release_barrier(b);
        return true;
    }
    for (int w = 0; w * 32 < b.n; w++)
        if (b.warps[w].waiting && try_collective(b, w))
            return true;
    report_deadlock(b);
    return false;
}

static Fiber &take_ready(Block &b)
{
    Fiber &f = b.fibers[b.queue[b.first]];
    b.first = (b.first + 1) % max_threads;
    b.n_queued--;
    return f;
}

void run_next(Block &b, Fiber *self)
{
    void *unused;
    void **save = self ? &self->sp : &unused;
    while (b.n_queued == 0) {
        if (!resolve(b)) {
            b.is_dead = b.n_done != b.n;
            b.now = nullptr;
            emu_switch(save, b.main);
            return;
        }
    }
    if (emu_set.seed) {
        const auto other =
            (static_cast<uint64_t>(b.first) + random_bits(b) % static_cast<uint64_t>(b.n_queued)) %
            max_threads;
        const uint16_t tid = b.queue[other];
        b.queue[other] = b.queue[b.first];
        b.queue[b.first] = tid;
    }
    Fiber &f = take_ready(b);
    b.n_since_yield = 0;
    if (&f == self)
        return;
    b.now = &f;
    emu_thread_index_w = f.index;
    emu_switch(save, f.sp);
}

static void begin()
{
    Block &b = *here;
    b.body(b.closure);
    Fiber &f = *b.now;
    f.state = State::done;
    f.copies.clear();
    b.n_done++;
    b.warps[f.tid / 32].done |= 1U << (f.tid % 32);
    run_next(b, nullptr);
    __builtin_trap();
}

/* ---- one block
 * -----------------------------------------------------------------------------------------------------
 */
/* The thread-locals of the program itself come first: its kernels' static shared memory is among
 * them. */
static int find_tls(dl_phdr_info *info, size_t, void *out)
{
    auto *b = static_cast<Block *>(out);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_TLS) {
            b->tls = reinterpret_cast<Address>(info->dlpi_tls_data);
            b->n_tls = info->dlpi_phdr[i].p_memsz;
        }
    }
    return 1;
}

static Block *new_block()
{
    auto *b = new Block();
    dl_iterate_phdr(find_tls, b);
    b->tls_shadow = static_cast<Shadow *>(map_memory((b->n_tls + 1) * sizeof(Shadow)));
    b->stacks = static_cast<char *>(map_memory(max_threads * stack_bytes));
    for (size_t i = 0; i < max_threads; i++)
        mprotect(b->stacks + i * stack_bytes, 4096, PROT_NONE);
    b->shared_map = static_cast<char *>(map_memory(max_shared + 2 * red_zone));
    b->shared = b->shared_map + red_zone;
    b->shared_shadow = static_cast<Shadow *>(map_memory(max_shared * sizeof(Shadow)));
    b->epoch = 1;
    return b;
}

static void free_block(Block *b)
{
    munmap(b->stacks, max_threads * stack_bytes);
    munmap(b->shared_map, max_shared + 2 * red_zone);
    munmap(b->shared_shadow, max_shared * sizeof(Shadow));
    munmap(b->tls_shadow, (b->n_tls + 1) * sizeof(Shadow));
    delete b;
}

static void init_warps(Block &b)
{
    for (int i = 0; i < max_threads / 32; i++) {
        Warp &w = b.warps[i];
        const int n_lanes = b.n - i * 32;
        w.waiting = 0;
        w.clock = w.full = 0;
        w.done = n_lanes >= 32 ? 0 : n_lanes <= 0 ? ~0U : ~0U << n_lanes;
        forget_pairs(w);
    }
}

static void run_block(Block &b, dim3 dim, uint64_t number)
{
    b.n = static_cast<int>(dim.x * dim.y * dim.z);
    b.n_done = b.n_at_barrier = b.n_true = b.first = b.n_queued = 0;
    b.is_dead = false;
    b.n_accesses = b.n_since_yield = 0;
    b.epoch_of_block = ++b.epoch;
    memset(b.shared, 0xff, b.n_shared);
    b.rng = ((emu_set.seed + 1) * 0x9E3779B97F4A7C15U) ^ ((number + 1) * 0xD1B54A32D192ED03U);
    init_warps(b);
    for (unsigned i = 0; i < static_cast<unsigned>(b.n); i++) {
        Fiber &f = b.fibers[i];
        f.tid = static_cast<uint16_t>(i);
        f.index = { i % dim.x, i / dim.x % dim.y, i / (dim.x * dim.y) };
        f.copies.assign(1, {});
        f.sp = new_stack(b.stacks + i * stack_bytes, f);
        make_ready(b, f);
    }
    Fiber &f = take_ready(b);
    b.now = &f;
    emu_thread_index_w = f.index;
    emu_switch(&b.main, f.sp);
    b.now = nullptr;
    b.epoch++;
}

/* ---- launches
 * ------------------------------------------------------------------------------------------------------
 */
static std::map<const void *, int> &allowed_shared()
{
    static std::map<const void *, int> m;
    return m;
}

static bool is_launch_good(const emu_grid &how, const void *id)
{
    const dim3 grid = how.grid;
    const dim3 block = how.block;
    const size_t threads = static_cast<size_t>(block.x) * block.y * block.z;
    const auto found = allowed_shared().find(id);
    const size_t allowed =
        found == allowed_shared().end() ? 48U << 10 : static_cast<size_t>(found->second);
    if (!is_current(how.stream)) {
        report(EMU_LAUNCH, 1, "into a stream of a device that is not the current one,");
        return false;
    }
    if (grid.x > 0 && grid.x < 0x80000000U && grid.y > 0 && grid.y < 65536 && grid.z > 0 &&
        grid.z < 65536 && threads > 0 && threads <= max_threads && block.z <= 64 &&
        how.shared <= max_shared && (how.shared <= 48U << 10 || how.shared <= allowed))
        return true;
    report(EMU_LAUNCH, 1,
           "the device would refuse grid %u,%u,%u block %u,%u,%u with %zu bytes of shared memory "
           "(more than 48 KiB want cudaFuncSetAttribute),",
           grid.x, grid.y, grid.z, block.x, block.y, block.z, how.shared);
    return false;
}

struct Launch {
    dim3 grid, block;
    size_t shared;
    void (*body)(const void *);
    const void *closure;
    size_t closure_size;
    std::vector<uint64_t> order; /* of blocks */
    std::atomic<uint64_t> next;
};

static void run_blocks(Launch &l)
{
    if (!here)
        here = new_block();
    Block &b = *here;
    b.epoch_of_launch = ++b.epoch;
    b.n_shared = l.shared;
    b.body = l.body;
    b.closure = l.closure;
    b.closure_size = l.closure_size;
    emu_block_dim_w = { l.block.x, l.block.y, l.block.z };
    emu_grid_dim_w = { l.grid.x, l.grid.y, l.grid.z };
    for (uint64_t i = l.next++; i < l.order.size(); i = l.next++) {
        const uint64_t k = l.order[i];
        emu_block_index_w = { static_cast<unsigned>(k % l.grid.x),
                              static_cast<unsigned>(k / l.grid.x % l.grid.y),
                              static_cast<unsigned>(k / l.grid.x / l.grid.y) };
        run_block(b, l.block, k);
        if (b.is_dead)
            l.next = l.order.size();
    }
}

static void run_on_threads(Launch &l)
{
    std::vector<std::thread> threads;
    threads.reserve(static_cast<size_t>(emu_set.os_threads));
    for (int i = 0; i < emu_set.os_threads; i++) {
        threads.emplace_back([&l] {
            run_blocks(l);
            free_block(here);
            here = nullptr;
        });
    }
    for (std::thread &t : threads)
        t.join();
}
} /* namespace emu */

using emu::here;

cudaError_t emu_func_attribute(const void *f, int bytes)
{
    if (bytes < 0 || static_cast<size_t>(bytes) > emu::max_shared)
        return cudaErrorInvalidValue;
    emu::allowed_shared()[f] = bytes;
    return cudaSuccess;
}

/* All blocks of a grid, in their order. */
static void run_grid(const emu_grid &how, void (*body)(const void *), const void *closure,
                     size_t size, const char *name)
{
    emu::set_kernel(name);
    emu::Launch l{ how.grid, how.block, how.shared, body, closure, size, {}, { 0 } };
    l.order.resize(static_cast<uint64_t>(how.grid.x) * how.grid.y * how.grid.z);
    for (uint64_t i = 0; i < l.order.size(); i++)
        l.order[i] = i;
    if (emu_set.seed) {
        uint64_t state = emu_set.seed;
        for (uint64_t i = l.order.size(); i > 1; i--) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            std::swap(l.order[i - 1], l.order[(state >> 33) % i]);
        }
    }
    if (emu_set.os_threads <= 1)
        emu::run_blocks(l);
    else
        emu::run_on_threads(l);
}

void emu_launch(const emu_grid &how, void (*body)(const void *), const void *closure, size_t size,
                const void *id, const char *name)
{
    emu::set_kernel(name);
    if (emu_has.failure || !emu::is_launch_good(how, id))
        return;
    /* a kernel's arguments are copied when it is launched */
    const auto *first = static_cast<const char *>(closure);
    const std::vector<char> copy(first, first + size);
    if (emu::is_kept(how.stream, [how, body, copy, name] {
            run_grid(how, body, copy.data(), copy.size(), name);
        }))
        return;
    emu::catch_up(how.stream);
    run_grid(how, body, closure, size, name);
}

int emu_barrier(int predicate, const char *file, int line)
{
    emu::Block &b = *here;
    emu::Fiber &self = *b.now;
    self.barrier_file = file;
    self.barrier_line = line;
    self.state = emu::State::at_barrier;
    b.n_at_barrier++;
    b.n_true += predicate;
    emu::run_next(b, &self);
    return b.barrier_result;
}

void *emu_dynamic_shared()
{
    return here->shared;
}
