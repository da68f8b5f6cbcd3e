/* philox.h -- Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
 * 3", SC'11), inline so that every backend, a GPU's too, draws the same numbers. host/base/rng.h
 * has the host's own; tests hold the two together. SPDX-License-Identifier: Apache-2.0 */
#ifndef K_PHILOX_H
#define K_PHILOX_H
#include <stdint.h>

#ifdef __CUDACC__
#define K_HOST_DEVICE __host__ __device__
#else
#define K_HOST_DEVICE
#endif

K_HOST_DEVICE static inline void k_philox(const uint32_t key[2], const uint32_t counter[4],
                                          uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u; /* golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The draw of one sampled token, [0, 1) with 53 bits: key = seed, counter = (position, sample,
 * prompt). */
K_HOST_DEVICE static inline double k_draw(uint64_t seed, uint64_t prompt, uint32_t sample,
                                          uint32_t position)
{
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    const uint32_t counter[4] = { position, sample, (uint32_t)prompt, (uint32_t)(prompt >> 32) };
    uint32_t word[4];
    k_philox(key, counter, word);
    return (double)(((uint64_t)word[1] << 32 | word[0]) >> 11) * 0x1p-53;
}

/* What weights without a master are rounded by at a step (k_adamw): elements 4 group .. 4 group + 3
 * take the upper halves of these. */
K_HOST_DEVICE static inline void k_chances(uint64_t seed, uint64_t group, uint64_t step,
                                           uint32_t out[4])
{
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    const uint32_t counter[4] = { (uint32_t)group, (uint32_t)(group >> 32), (uint32_t)step,
                                  (uint32_t)(step >> 32) };
    k_philox(key, counter, out);
}
#endif
