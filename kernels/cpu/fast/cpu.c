/* cpu.c -- which of our instruction levels this processor has. SPDX-License-Identifier: Apache-2.0
 */
#include "kernels/cpu/fast/cpu.h"

#include <stddef.h>
#include <string.h>

static const char *const names[K_N_LEVELS] = { "scalar", "avx2", "avx512", "avx512bf16", "amx" };

int k_level_of_name(const char *name)
{
    for (int i = 0; i < K_N_LEVELS; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system lends the registers of the matrix unit to a process that asks, and to its threads,
 * those that run already too. It refuses where a thread's stack for signals could not hold them. */
static int has_matrix_unit(void)
{
    enum { LEAF = 7, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, ASK = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    if (!__get_cpuid_count(LEAF, 0, &a, &b, &c, &d) || !(d & AMX_BF16) || !(d & AMX_TILE))
        return 0;
    return syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
}

/* __builtin_cpu_supports looks at what the operating system saves (XGETBV) too. */
int k_level_is_here(k_level level)
{
    __builtin_cpu_init();
    if (level >= K_AVX2 && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")))
        return 0;
    if (level >= K_AVX512 &&
        !(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
        return 0;
    if (level == K_AVX512BF16)
        return __builtin_cpu_supports("avx512bf16") != 0;
    return level < K_AMX || (level == K_AMX && has_matrix_unit());
}

/* VDPBF16PS runs at the full rate of an FMA on AMD (Zen 4, Zen 5: twice the flops of fp32) and is
 * microcoded on Intel: measured on family 6 model 207, 85 GF/s against 174 of fp32 FMA, so bf16 is
 * better widened to fp32 there. */
static int dot_is_fast(void)
{
    unsigned eax, word[3];
    return __get_cpuid(0, &eax, &word[0], &word[2], &word[1]) &&
           memcmp(word, "AuthenticAMD", 12) == 0;
}
#else
int k_level_is_here(k_level level)
{
    return level == K_SCALAR;
}

static int dot_is_fast(void)
{
    return 0;
}
#endif

k_level k_level_usual(bool by_vectors)
{
    const int end = by_vectors ? K_AMX : K_N_LEVELS;
    k_level best = K_SCALAR;
    for (int i = K_SCALAR; i < end; i++)
        if (k_level_is_here((k_level)i) && (i != K_AVX512BF16 || dot_is_fast()))
            best = (k_level)i;
    return best;
}
