/* cpu.h -- which of our instruction levels this processor has. Baseline code: runs on any of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_CPU_H
#define K_FAST_CPU_H
#include <stdbool.h>

/* Each level is the whole backend, compiled once more (CMakeLists.txt). In order of preference, the
 * best last. */
typedef enum k_level { K_SCALAR, K_AVX2, K_AVX512, K_AVX512BF16, K_AMX, K_N_LEVELS } k_level;

/* The level of a name that k_options.isa and ASSAY_CPU_LEVEL take ("scalar", "avx2", "avx512",
 * "avx512bf16", "amx": a table's `level`), or -1. */
int k_level_of_name(const char *name);
/* Whether processor and operating system can run it (K_SCALAR: always). Of K_AMX the system is
 * asked for its registers, for this process and its threads, and may refuse. */
int k_level_is_here(k_level level);
/* The one to use where nothing is asked for: the best that is here, but K_AVX512BF16 only where its
 * dot product is faster than widening bf16 to fp32 (see cpu.c). by_vectors: of those below K_AMX.
 */
k_level k_level_usual(bool by_vectors);
#endif
