/* shadow.cpp -- every access of a kernel: is it inside an allocation, was the byte written, does
 * anything order it.
 *
 * Two accesses of a byte, one of them a write, are a race unless the same thread makes them, a
 * __syncthreads lies between (another epoch), or a __syncwarp that both lanes took part in (a later
 * clock of the warp). Blocks are never ordered. One reader is kept for each byte; that there were
 * others is kept as a flag, and a write is then held against them all.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"
#include <cstdio>

namespace emu
{
namespace
{
struct Access {
    Block &b;
    Address address, at;
    uint32_t at_short; /* as the shadow keeps it */
    uint32_t since;    /* epochs before this one are another block's or launch's: no matter */
    Kind kind;
    const char *region;
    size_t offset;
};

bool is_other_warp(int u, int t)
{
    return (u ^ t) / 32 != 0;
}

/* Whether what thread u did at that epoch and clock comes before what thread t does now. */
bool is_before(const Block &b, uint32_t epoch, uint16_t clock, int u, int t)
{
    if (epoch < b.epoch_of_block)
        return false;
    if (epoch < b.epoch || u == t)
        return true;
    if (is_other_warp(u, t))
        return false;
    const Warp &w = b.warps[t / 32];
    return w.full > clock || (w.is_partial && w.pair[u % 32][t % 32] > clock);
}

void clash(const Access &a, const char *what, int u, uint32_t u_at, size_t offset)
{
    char place[256] = "?";
    if (u_at >> 31)
        snprintf(place, sizeof place, "line %u", u_at & 0x7fffffff);
    else if (u_at && !is_reported(EMU_RACE, a.at))
        source_line(reinterpret_cast<Address>(__executable_start) + u_at, place, sizeof place);
    report(EMU_RACE, a.at, "%s on %s+%zu: nothing orders thread %d at %s before thread %d at", what,
           a.region, offset, u, place, a.b.now->tid);
}

void check_against_writer(const Access &a, const Shadow &s, size_t offset)
{
    const int t = a.b.now->tid;
    const int u = s.w_who & who_mask;
    if (s.w_who & w_async) {
        report(EMU_ASYNC, a.at,
               "%s+%zu touched while the cp.async of thread %d into it is in flight, at", a.region,
               offset, u);
    } else if (!(a.kind == Kind::atomic && (s.w_who & w_atomic)) &&
               !is_before(a.b, s.w_epoch, s.w_clock, u, t)) {
        clash(a, a.kind == Kind::read ? "read after write" : "write after write", u, s.w_at,
              offset);
    }
}

void check_against_readers(const Access &a, const Shadow &s, size_t offset)
{
    const int t = a.b.now->tid;
    const int u = s.r_who & who_mask;
    const Warp &w = a.b.warps[t / 32];
    bool is_bad = s.r_epoch < a.b.epoch_of_block || (s.r_who & r_of_grid);
    if (!is_bad && s.r_epoch == a.b.epoch) {
        if (s.r_who & r_of_block) {
            is_bad = true;
        } else if (s.r_who & r_of_warp) {
            const bool is_paired =
                !is_other_warp(u, t) && w.is_partial && w.pair[u % 32][t % 32] > s.r_clock;
            is_bad = (is_other_warp(u, t) || w.full <= s.r_clock) && !is_paired;
        } else {
            is_bad = !is_before(a.b, s.r_epoch, s.r_clock, u, t);
        }
    }
    if (is_bad)
        clash(a, "write after read", u, s.r_at, offset);
}

void note_read(const Access &a, Shadow &s)
{
    const int t = a.b.now->tid;
    unsigned flags = 0;
    if (s.r_epoch >= a.since) {
        const int u = s.r_who & who_mask;
        if (s.r_epoch < a.b.epoch_of_block) {
            flags = r_of_grid;
        } else {
            flags = s.r_who & r_of_grid;
            if (s.r_epoch == a.b.epoch) {
                flags |= s.r_who & (r_of_warp | r_of_block);
                flags |= u == t ? 0U : is_other_warp(u, t) ? r_of_block : r_of_warp;
            }
        }
    }
    s.r_epoch = a.b.epoch;
    s.r_clock = a.b.warps[t / 32].clock;
    s.r_who = static_cast<uint16_t>(static_cast<unsigned>(t) | flags);
    s.r_at = a.at_short;
}

void note_write(const Access &a, Shadow &s)
{
    const int t = a.b.now->tid;
    const unsigned flag = a.kind == Kind::atomic        ? w_atomic
                          : a.kind == Kind::async_issue ? w_async
                                                        : 0U;
    s.w_epoch = a.b.epoch;
    s.w_clock = a.b.warps[t / 32].clock;
    s.w_who = static_cast<uint16_t>(static_cast<unsigned>(t) | flag);
    s.w_at = a.at_short;
}

void check_order(const Access &a, Shadow *s, size_t n)
{
    for (size_t i = 0; i < n; i++, s++) {
        if (a.kind == Kind::async_done) {
            note_write(a, *s);
            continue;
        }
        if (s->w_epoch >= a.since)
            check_against_writer(a, *s, a.offset + i);
        if (a.kind == Kind::read) {
            note_read(a, *s);
            continue;
        }
        if (s->r_epoch >= a.since)
            check_against_readers(a, *s, a.offset + i);
        note_write(a, *s);
    }
}

bool is_reading(Kind kind)
{
    return kind == Kind::read || kind == Kind::atomic;
}

/* ---- where the address lies
 * ---------------------------------------------------------------------------------------- */
void touch_shared(Block &b, Access &a, size_t n)
{
    const size_t d = a.address - reinterpret_cast<Address>(b.shared); /* huge where it is below */
    if (d >= b.n_shared || d + n > b.n_shared) {
        report(EMU_OOB, a.at, "%zu-byte %s at offset %ld of %zu bytes of dynamic shared memory, at",
               n, a.kind == Kind::read ? "read" : "write", static_cast<long>(d), b.n_shared);
        abandon(b);
    }
    for (size_t i = 0; i < n && is_reading(a.kind); i++) {
        if (b.shared_shadow[d + i].w_epoch < b.epoch_of_block) {
            report(EMU_UNINIT, a.at,
                   "read of dynamic shared memory at offset %zu, which this block never wrote, at",
                   d + i);
            break;
        }
    }
    a.region = "dynamic shared memory";
    a.offset = d;
    check_order(a, b.shared_shadow + d, n);
}

void touch_global(Block &b, Access &a, size_t n)
{
    const size_t d = a.address - reinterpret_cast<Address>(heap.base);
    for (size_t i = 0; i < n; i++) {
        if (!heap.state[d + i]) {
            report(EMU_OOB, a.at, "%zu-byte %s outside every allocation (byte %zu of it), at", n,
                   a.kind == Kind::read ? "read" : "write", i);
            abandon(b);
        }
    }
    for (size_t i = 0; i < n && is_reading(a.kind); i++) {
        if (heap.state[d + i] == 1) {
            report(EMU_UNINIT, a.at, "read of device memory that nobody wrote, at");
            break;
        }
    }
    if (a.kind != Kind::read)
        memset(heap.state + d, 2, n);
    if (emu_set.has_block_races && emu_set.os_threads == 1) {
        a.region = "global memory";
        a.offset = d;
        a.since = b.epoch_of_launch;
        check_order(a, heap.shadow + d, n);
    }
}

void touch_static_shared(Block &b, Access &a, size_t n)
{
    const size_t d = a.address - b.tls;
    for (size_t i = 0; i < n && is_reading(a.kind); i++) {
        if (b.tls_shadow[d + i].w_epoch < b.epoch_of_block) {
            report(EMU_UNINIT, a.at,
                   "read of static shared memory that this block never wrote, at");
            break;
        }
    }
    a.region = "static shared memory";
    a.offset = d;
    check_order(a, b.tls_shadow + d, n);
}

/* threadIdx and its like lie among the thread-locals too; clang instruments their reads. */
bool is_index(Address a)
{
    const uint3 *const all[] = { &emu_thread_index_w, &emu_block_index_w, &emu_block_dim_w,
                                 &emu_grid_dim_w };
    for (const uint3 *index : all)
        if (a - reinterpret_cast<Address>(index) < sizeof *index)
            return true;
    return false;
}

bool is_of_program(const Block &b, Address a)
{
    const auto begin = reinterpret_cast<Address>(__executable_start);
    const auto end = reinterpret_cast<Address>(_end);
    return (a >= begin && a < end) || a - reinterpret_cast<Address>(b.closure) < b.closure_size;
}

void yield_sometimes(Block &b, Address at)
{
    b.n_accesses++;
    if (b.n_accesses > emu_set.max_accesses) {
        report(EMU_HANG, at, "more than %llu accesses in one block, at",
               static_cast<unsigned long long>(emu_set.max_accesses));
        abandon(b);
    }
    /* a thread that spins lets the others run in the end */
    b.n_since_yield++;
    if (b.n_since_yield > 1000000 ||
        (emu_set.preempt && random_bits(b) % static_cast<uint64_t>(emu_set.preempt) == 0)) {
        Fiber *self = b.now;
        b.n_since_yield = 0;
        make_ready(b, *self);
        run_next(b, self);
    }
}
} /* namespace */

void touch(const void *p, size_t n, Kind kind, Address at)
{
    if (!here || !here->now)
        return;
    Block &b = *here;
    const auto address = reinterpret_cast<Address>(p);
    if (address - reinterpret_cast<Address>(b.stacks) < static_cast<size_t>(b.n) * stack_bytes)
        return; /* a fiber's own */
    const Address image = reinterpret_cast<Address>(__executable_start);
    const auto at_short = static_cast<uint32_t>(at > 100000 ? at - image : at | 0x80000000U);
    Access a{ b, address, at, at_short, b.epoch_of_block, kind, "", 0 };
    if (address - reinterpret_cast<Address>(b.shared_map) < max_shared + 2 * red_zone) {
        touch_shared(b, a, n);
    } else if (heap.base && address - reinterpret_cast<Address>(heap.base) < heap.size) {
        touch_global(b, a, n);
    } else if (address - b.tls < b.n_tls) {
        if (is_index(address))
            return;
        touch_static_shared(b, a, n);
    } else if (emu_set.has_host_pointers && !is_of_program(b, address)) {
        report(EMU_HOST, at, "a kernel touches memory of the host, or the wild address %p, at", p);
        abandon(b);
    }
    yield_sometimes(b, at);
}

void check_aligned(const void *p, size_t n, Address at)
{
    const size_t rest = reinterpret_cast<Address>(p) & (n - 1);
    if (rest && here && here->now) {
        report(EMU_ALIGN, at,
               "%zu-byte access at an address that is %zu more than a multiple of %zu, at", n, rest,
               n);
    }
}
} /* namespace emu */
