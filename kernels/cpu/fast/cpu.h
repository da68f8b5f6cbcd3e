/* cpu.h -- which of our instruction levels this processor has. Baseline code: runs on any of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_CPU_H
#define K_FAST_CPU_H

/* Each level is the whole backend, compiled once more (CMakeLists.txt). In order of preference, the
 * best last. */
typedef enum k_level { K_SCALAR, K_AVX2, K_AVX512, K_AVX512BF16, K_AMX, K_N_LEVELS } k_level;

/* The name k_options.isa and ASSAY_CPU_LEVEL take: "scalar", "avx2", "avx512", "avx512bf16",
 * "amx". */
const char *k_level_name(k_level level);
/* The level of this name, or -1. */
int k_level_of_name(const char *name);
/* Whether processor and operating system can run it (K_SCALAR: always). */
int k_level_is_here(k_level level);
/* The one to use where nothing is asked for: the best that is here, but K_AVX512BF16 only where its
 * dot product is faster than widening bf16 to fp32 (see cpu.c), and K_AMX only where it is asked
 * for: its pieces are 6 bytes of a weight, which a single sequence has to read for each token. */
k_level k_level_usual(void);
#endif
