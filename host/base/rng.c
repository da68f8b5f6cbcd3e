/* rng.c -- Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
 * 3", SC'11). SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include "base/hash.h"

#include <assert.h>

__extension__ typedef unsigned __int128 u128;

void as_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u; /* golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void philox64(uint64_t key, uint64_t low, uint64_t high, uint64_t out[2])
{
    uint32_t k[2] = { (uint32_t)key, (uint32_t)(key >> 32) }, r[4];
    uint32_t c[4] = { (uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high,
                      (uint32_t)(high >> 32) };
    as_philox(k, c, r);
    out[0] = r[0] | (uint64_t)r[1] << 32;
    out[1] = r[2] | (uint64_t)r[3] << 32;
}

as_rng as_rng_at(uint64_t seed, uint64_t stream)
{
    return (as_rng){ .seed = seed, .stream = stream };
}

uint64_t as_rng_u64(as_rng *r)
{
    uint64_t block = r->index / 2;
    if (r->block != block + 1) {
        philox64(r->seed, block, r->stream, r->cached);
        r->block = block + 1;
    }
    return r->cached[r->index++ % 2];
}

double as_rng_double(as_rng *r)
{
    return (double)(as_rng_u64(r) >> 11) * 0x1p-53;
}

/* Lemire, "Fast random integer generation in an interval" (2019): multiply, and reject the few that
 * would be biased. */
uint64_t as_rng_below(as_rng *r, uint64_t n)
{
    assert(n > 0);
    u128 m = (u128)as_rng_u64(r) * n;
    if ((uint64_t)m < n) {
        uint64_t threshold = (0 - n) % n;
        while ((uint64_t)m < threshold)
            m = (u128)as_rng_u64(r) * n;
    }
    return (uint64_t)(m >> 64);
}

void as_rng_order(as_rng *r, uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)as_rng_below(r, i);
        const uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

uint64_t as_seed_of(uint64_t seed, as_str name, uint64_t index)
{
    uint64_t out[2];
    philox64(as_hash64(name, seed), index, seed, out);
    return out[0];
}
