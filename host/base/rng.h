/* rng.h -- counter-based randomness: Philox4x32-10 (Salmon et al., SC'11). A draw depends on (seed,
 * stream, index) alone, so any thread, batch or resumed run gets the same numbers; CUDA has the
 * same generator. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_RNG_H
#define AS_BASE_RNG_H
#include "base/str.h"

#include <stdint.h>

void as_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

typedef struct as_rng {
    uint64_t seed, stream, index; /* the next draw; copy it to fork, set index to seek */
    uint64_t block; /* 1 + number of the block in `cached` (a block makes two draws); 0: none */
    uint64_t cached[2];
} as_rng;
as_rng as_rng_at(uint64_t seed, uint64_t stream);
uint64_t as_rng_u64(as_rng *r);
double as_rng_double(as_rng *r);              /* [0, 1), 53 bits */
uint64_t as_rng_below(as_rng *r, uint64_t n); /* uniform over 0..n-1, unbiased; n > 0 */
void as_rng_order(as_rng *r, uint32_t *order, size_t n); /* 0..n-1, each order as likely (Fisher-Yates) */
uint64_t as_seed_of(uint64_t seed, as_str name,
                    uint64_t index); /* derived seed: hash(run seed, problem, sample) */
#endif
