/* hooks.cpp -- what the compiler's instrumentation calls, and atomics: each becomes one access that
 * shadow.cpp judges.
 *
 * Kernels are compiled with -fsanitize=thread,bounds,alignment and linked without the sanitizers'
 * libraries: these are the bodies. So kernels stay plain CUDA C++, with no wrapper types.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

using emu::here;
using emu::Kind;

extern "C" {
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the names are the
 * compilers' */
#define HOOK(n)                                                                                    \
    void __tsan_read##n(void *p);                                                                  \
    void __tsan_read##n(void *p)                                                                   \
    {                                                                                              \
        emu::check_aligned(p, n, EMU_HERE);                                                        \
        emu::touch(p, n, Kind::read, EMU_HERE);                                                    \
    }                                                                                              \
    void __tsan_write##n(void *p);                                                                 \
    void __tsan_write##n(void *p)                                                                  \
    {                                                                                              \
        emu::check_aligned(p, n, EMU_HERE);                                                        \
        emu::touch(p, n, Kind::write, EMU_HERE);                                                   \
    }                                                                                              \
    void __tsan_unaligned_read##n(void *p);                                                        \
    void __tsan_unaligned_read##n(void *p)                                                         \
    {                                                                                              \
        emu::touch(p, n, Kind::read, EMU_HERE);                                                    \
    }                                                                                              \
    void __tsan_unaligned_write##n(void *p);                                                       \
    void __tsan_unaligned_write##n(void *p)                                                        \
    {                                                                                              \
        emu::touch(p, n, Kind::write, EMU_HERE);                                                   \
    }
HOOK(1)
HOOK(2)
HOOK(4)
HOOK(8)
HOOK(16)

void __tsan_read_range(void *p, size_t n);
void __tsan_read_range(void *p, size_t n)
{
    emu::touch(p, n, Kind::read, EMU_HERE);
}
void __tsan_write_range(void *p, size_t n);
void __tsan_write_range(void *p, size_t n)
{
    emu::touch(p, n, Kind::write, EMU_HERE);
}
void __tsan_init();
void __tsan_init() {}
void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *) {}
void __tsan_func_exit();
void __tsan_func_exit() {}
void __tsan_vptr_update(void **p, void *v);
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **p);
void __tsan_vptr_read(void **) {}

/* the head of what UBSan hands over: where in the source */
struct emu_place {
    const char *file;
    unsigned line, column;
};
void __ubsan_handle_out_of_bounds(const emu_place *place, uintptr_t index);
void __ubsan_handle_out_of_bounds(const emu_place *place, uintptr_t index)
{
    if (here && here->now) {
        emu::report(EMU_OOB, place->line, "index %ld of an array is out of range, at",
                    static_cast<long>(index));
        emu::abandon(*here);
    }
}
void __ubsan_handle_type_mismatch_v1(const emu_place *place, uintptr_t p);
void __ubsan_handle_type_mismatch_v1(const emu_place *place, uintptr_t p)
{
    if (here && here->now) {
        emu::report(EMU_ALIGN, place->line, "misaligned access of address 0x%zx, at",
                    static_cast<size_t>(p));
    }
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
}

/* ---- atomics: they do not race with each other, and with anything else they do
 * --------------------------------------- */
/* NOLINTBEGIN(bugprone-macro-parentheses): T is a type */
#define READ_MODIFY_WRITE(T, name, expression)                                                     \
    T name(T *p, T v)                                                                              \
    {                                                                                              \
        emu::touch(p, sizeof *p, Kind::atomic, EMU_HERE);                                          \
        T old;                                                                                     \
        T changed;                                                                                 \
        __atomic_load(p, &old, __ATOMIC_RELAXED);                                                  \
        do {                                                                                       \
            changed = (expression);                                                                \
        } while (                                                                                  \
            !__atomic_compare_exchange(p, &old, &changed, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)); \
        return old;                                                                                \
    }
READ_MODIFY_WRITE(int, atomicAdd, old + v)
READ_MODIFY_WRITE(unsigned, atomicAdd, old + v)
READ_MODIFY_WRITE(unsigned long long, atomicAdd, old + v)
READ_MODIFY_WRITE(float, atomicAdd, old + v)
READ_MODIFY_WRITE(double, atomicAdd, old + v)
READ_MODIFY_WRITE(int, atomicMax, old > v ? old : v)
READ_MODIFY_WRITE(unsigned, atomicMax, old > v ? old : v)
READ_MODIFY_WRITE(int, atomicMin, old < v ? old : v)
READ_MODIFY_WRITE(unsigned, atomicMin, old < v ? old : v)
READ_MODIFY_WRITE(int, atomicExch, v)
READ_MODIFY_WRITE(unsigned, atomicExch, v)
READ_MODIFY_WRITE(float, atomicExch, v)
READ_MODIFY_WRITE(unsigned, atomicOr, old | v)
READ_MODIFY_WRITE(unsigned, atomicAnd, old &v)

#define COMPARE_AND_SWAP(T)                                                                        \
    T atomicCAS(T *p, T expected, T v)                                                             \
    {                                                                                              \
        emu::touch(p, sizeof *p, Kind::atomic, EMU_HERE);                                          \
        __atomic_compare_exchange_n(p, &expected, v, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);       \
        return expected;                                                                           \
    }
COMPARE_AND_SWAP(int)
COMPARE_AND_SWAP(unsigned)
COMPARE_AND_SWAP(unsigned long long)
/* NOLINTEND(bugprone-macro-parentheses) */
