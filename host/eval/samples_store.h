/* samples_store.h -- ten million samples in 40 bytes each, and what they amount to per problem.
 * Private to samples*.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EVAL_SAMPLES_STORE_H
#define AS_EVAL_SAMPLES_STORE_H
#include "eval/samples_parse.h"

typedef struct as_kept {
    uint64_t sample, key, text;  /* hashes */
    uint32_t problem, run, line; /* line: UINT32_MAX and beyond are all the same */
    uint16_t flags, unused;
} as_kept;

enum { AS_KEPT_BLOCK = 1 << 16 };
typedef struct as_store { /* zero-initialise; blocks, so that growing never copies */
    as_kept **blocks;
    uint64_t n;
    size_t n_blocks, cap_blocks;
    as_problem *problems;
    uint64_t *problem_hash;
    uint32_t *slots; /* open addressing: problem + 1, 0: free */
    size_t n_problems, cap_problems, n_slots;
    uint64_t *counts; /* all class_counts, one after another */
    as_arena names;
} as_store;

void as_store_init(as_store *s);
void as_store_fini(as_store *s);
int as_store_add(as_store *s, const as_rec *rec, as_err *err);
static inline as_kept *as_store_at(const as_store *s, uint64_t i)
{
    return &s->blocks[i / AS_KEPT_BLOCK][i % AS_KEPT_BLOCK];
}

typedef struct as_store_facts {
    uint64_t n_texts, n_duplicate_texts;
    bool has_keys;
    bool has_twice; /* the same sample twice: of all such pairs the one whose second sample came
                       first */
    uint64_t first, second;
} as_store_facts;
/* Gathers the samples per problem: class counts, coinciding texts, samples that came twice. */
int as_store_gather(as_store *s, unsigned threads, as_store_facts *out, as_err *err);
#endif
