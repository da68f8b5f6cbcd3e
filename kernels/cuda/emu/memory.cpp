/* memory.cpp -- device memory over one mapping, pinned memory, asynchronous copies into shared
 * memory.
 *
 * Allocations lie 256 bytes apart, so that an index beyond the end of one meets no other; what a
 * kernel reads must have been written by a copy, a memset or a kernel. Each is put behind the one
 * before, and at the front again when the end is reached: what was freed is found to be so for as
 * long as may be.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <sys/mman.h>

namespace emu
{
Heap heap;

static constexpr size_t gap = 256;
static size_t n_used;   /* by allocations and their gaps */
static size_t n_pinned; /* of the host */
static size_t next_at;  /* where the next allocation is tried first */

typedef std::map<Address, size_t> Blocks;

static Blocks &allocations()
{
    static Blocks m;
    return m;
}

static Blocks &pinned()
{
    static Blocks m;
    return m;
}

static size_t offset_of(const void *p)
{
    return reinterpret_cast<Address>(p) - reinterpret_cast<Address>(heap.base);
}

void *map_memory(size_t n)
{
    void *p = mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED) {
        perror("emu: mmap");
        abort();
    }
    return p;
}

bool is_device_memory(const void *p)
{
    return heap.base && offset_of(p) < heap.size;
}

void mark_written(const void *p, size_t n)
{
    if (is_device_memory(p))
        memset(heap.state + offset_of(p), 2, n);
}

bool is_whole(const void *p, size_t n)
{
    if (!is_device_memory(p))
        return true;
    const size_t d = offset_of(p);
    for (size_t i = 0; i < n; i++)
        if (d + i >= heap.size || !heap.state[d + i])
            return false;
    return true;
}

bool is_written(const void *p, size_t n)
{
    if (!is_device_memory(p) || !is_whole(p, n))
        return false;
    const size_t d = offset_of(p);
    for (size_t i = 0; i < n; i++)
        if (heap.state[d + i] != 2)
            return false;
    return true;
}

bool is_pinned(const void *p, size_t n)
{
    const auto at = reinterpret_cast<Address>(p);
    auto found = pinned().upper_bound(at);
    if (found == pinned().begin())
        return false;
    --found;
    return at + n <= found->first + found->second;
}

cudaError_t copy_now(void *to, const void *from, size_t n)
{
    if (!is_whole(to, n) || !is_whole(from, n))
        return cudaErrorInvalidValue;
    if (n > 0)
        memcpy(to, from, n);
    mark_written(to, n);
    return cudaSuccess;
}

/* A heap as large as emu_has says; whoever holds none of it may have another. */
static void size_heap()
{
    const size_t size = emu_has.memory / gap * gap;
    if (!allocations().empty() || (heap.base && heap.size == size))
        return;
    if (heap.base) {
        munmap(heap.base, heap.size);
        munmap(heap.state, heap.size);
        munmap(heap.shadow, heap.size * sizeof(Shadow));
    }
    heap.size = size;
    heap.base = static_cast<char *>(map_memory(size));
    heap.state = static_cast<uint8_t *>(map_memory(size));
    heap.shadow = static_cast<Shadow *>(map_memory(size * sizeof(Shadow)));
    next_at = 0;
}

static size_t with_gap(size_t n)
{
    return (n + gap + gap - 1) / gap * gap;
}

/* The first place from `from` on with room for n bytes and a gap before and behind them; 0: none.
 */
static size_t find_room(size_t from, size_t n)
{
    size_t at = from < gap ? gap : from;
    const Blocks &all = allocations();
    auto next = all.lower_bound(reinterpret_cast<Address>(heap.base) + at);
    if (next != all.begin()) {
        const auto before = std::prev(next);
        const size_t end =
            before->first - reinterpret_cast<Address>(heap.base) + with_gap(before->second);
        at = end > at ? end : at;
    }
    for (; next != all.end(); ++next) {
        const size_t begin = next->first - reinterpret_cast<Address>(heap.base);
        if (at + with_gap(n) <= begin)
            return at;
        at = begin + with_gap(next->second);
    }
    return at + with_gap(n) <= heap.size ? at : 0;
}

static void finish_copy(Block &b, const Copy &c, Address at)
{
    const auto to = reinterpret_cast<Address>(c.to);
    touch(c.to, 16, Kind::async_done, at);
    if (to - reinterpret_cast<Address>(b.shared_map) < max_shared + 2 * red_zone ||
        to - b.tls < b.n_tls) {
        memset(c.to, 0, 16);
        memcpy(c.to, c.from, static_cast<size_t>(c.n));
    }
}
} /* namespace emu */

using emu::heap;
using emu::here;
using emu::Kind;

/* ---- cp.async: in flight from here until the wait of the thread that issued it
 * --------------------------------------- */
void k_cp_async16(void *shared, const void *global, int bytes)
{
    emu::check_aligned(shared, 16, EMU_HERE);
    emu::check_aligned(global, 16, EMU_HERE);
    if (bytes < 0 || bytes > 16) {
        emu::report(EMU_OOB, EMU_HERE, "cp.async of %d bytes of 16, at", bytes);
        emu::abandon(*here);
    }
    emu::touch(global, static_cast<size_t>(bytes), Kind::read, EMU_HERE);
    emu::touch(shared, 16, Kind::async_issue, EMU_HERE);
    here->now->copies.back().push_back(
        { static_cast<char *>(shared), static_cast<const char *>(global), bytes });
}

void k_cp_commit()
{
    here->now->copies.emplace_back();
}

void emu_cp_wait(int pending)
{
    auto &groups = here->now->copies;
    while (static_cast<int>(groups.size()) - 1 > pending) {
        for (const emu::Copy &c : groups[0])
            emu::finish_copy(*here, c, EMU_HERE);
        groups.erase(groups.begin());
    }
}

/* ---- the runtime API
 * ---------------------------------------------------------------------------------------------------
 */
cudaError_t cudaMalloc(void **p, size_t n)
{
    emu::size_heap();
    *p = nullptr;
    if (emu_has.failure)
        return emu::standing_error();
    if (n == 0)
        return cudaSuccess;
    if (n > heap.size || emu::n_used + emu::with_gap(n) + emu_has.taken + emu::gap > heap.size)
        return cudaErrorMemoryAllocation;
    size_t at = emu::find_room(emu::next_at, n);
    if (at == 0)
        at = emu::find_room(0, n);
    if (at == 0)
        return cudaErrorMemoryAllocation;
    *p = heap.base + at;
    memset(heap.state + at, 1, n);
    memset(*p, 0xff, n); /* NaN, to whoever reads it all the same */
    emu::allocations()[reinterpret_cast<emu::Address>(*p)] = n;
    emu::n_used += emu::with_gap(n);
    emu::next_at = at + emu::with_gap(n);
    return cudaSuccess;
}

cudaError_t cudaFree(void *p)
{
    if (!p)
        return cudaSuccess;
    emu::catch_up(nullptr);
    auto &all = emu::allocations();
    const auto found = all.find(reinterpret_cast<emu::Address>(p));
    if (found == all.end())
        return cudaErrorInvalidValue;
    memset(heap.state + emu::offset_of(p), 0, found->second);
    emu::n_used -= emu::with_gap(found->second);
    all.erase(found);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t n)
{
    *p = nullptr;
    if (n == 0 || n > emu_has.pinned - emu::n_pinned)
        return cudaErrorMemoryAllocation;
    *p = emu::map_memory(n);
    memset(*p, 0xff, n);
    emu::pinned()[reinterpret_cast<emu::Address>(*p)] = n;
    emu::n_pinned += n;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *p)
{
    if (!p)
        return cudaSuccess;
    emu::catch_up(nullptr);
    const auto found = emu::pinned().find(reinterpret_cast<emu::Address>(p));
    if (found == emu::pinned().end())
        return cudaErrorInvalidValue;
    emu::n_pinned -= found->second;
    munmap(p, found->second);
    emu::pinned().erase(found);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *unused, size_t *all)
{
    const size_t taken = emu::n_used + emu_has.taken;
    *all = emu_has.memory;
    *unused = taken < *all ? *all - taken : 0;
    return emu_has.failure ? emu::standing_error() : cudaSuccess;
}

cudaError_t cudaMemset(void *p, int v, size_t n)
{
    if (!emu::is_whole(p, n))
        return cudaErrorInvalidValue;
    memset(p, v, n);
    emu::mark_written(p, n);
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t n, cudaMemcpyKind)
{
    return emu::copy_now(to, from, n);
}
