/* keys.h -- the keys and values of one sequence and head, a tile of K_KEY_BLOCK at a time, wherever
 * they lie. SPDX-License-Identifier: Apache-2.0
 *
 * In rows of qkv[T,(H+2KV)*D], or in a paged cache [n_blocks,KV,block_size,D] whose keys, where
 * block_size is a multiple of K_KEY_BLOCK, lie transposed: [D][K_KEY_BLOCK] for each K_KEY_BLOCK
 * positions, which is what the tiles want to read. */
#ifndef K_FAST_KEYS_H
#define K_FAST_KEYS_H
#include "kernels/cpu/fast/ops.h"
#include "kernels/cpu/fast/tile.h"

#define KEYS INT64_C(16)
_Static_assert(KEYS == K_KEY_BLOCK, "a tile of keys");

typedef struct key_source {
    k_type type;
    int64_t dim, padded; /* D, and D filled up to whole vectors */
    const void *k, *v;
    int64_t first_k, first_v, row; /* in rows: position p at first + p * row */
    const int32_t *table;          /* paged: block of positions p / block_size; else NULL */
    int64_t block_size, kv_heads, kv;
} key_source;

/* A tile as floats: k transposed [D][KEYS], v in rows. */
typedef struct key_tile {
    const float *k, *v;
    int64_t v_row;
    float *room; /* 2 * KEYS * K_MAX_HEAD_DIM */
} key_tile;

static inline bool heads_ok(int64_t heads, int64_t kv_heads, int64_t head_dim)
{
    return kv_heads > 0 && heads > 0 && heads % kv_heads == 0 && head_dim > 0 &&
           head_dim <= K_MAX_HEAD_DIM && head_dim % 2 == 0;
}

/* As k_attn has them: sequences that cover the tokens, children behind their parent. */
static inline bool seqlens_ok(const int32_t *cu, const int32_t *parents, int64_t n_seqs,
                              int64_t tokens, int64_t max_seqlen)
{
    if (!cu || n_seqs < 0 || cu[0] != 0 || cu[n_seqs] != tokens)
        return false;
    int64_t last = -1; /* without a parent */
    for (int64_t s = 0; s < n_seqs; s++) {
        if (cu[s + 1] < cu[s] || cu[s + 1] - cu[s] > max_seqlen)
            return false;
        if (!parents || parents[s] == -1)
            last = s;
        else if (parents[s] != last)
            return false;
    }
    return true;
}

/* The n rows from `begin` on of a sequence, and the `before` rows of its parent that come first. */
typedef struct span {
    int64_t parent, before, begin, n;
} span;

static inline span span_of(const int32_t *cu, const int32_t *parents, int64_t s)
{
    span p = { .begin = cu[s], .n = cu[s + 1] - cu[s] };
    if (parents && parents[s] >= 0) {
        p.parent = cu[parents[s]];
        p.before = cu[parents[s] + 1] - p.parent;
    }
    return p;
}

static inline int64_t row_at(const span *p, int64_t position)
{
    return position < p->before ? p->parent + position : p->begin + position - p->before;
}

static inline bool keys_are_turned(int64_t block_size)
{
    return block_size % KEYS == 0;
}

/* Where the head of position p's block begins, and p within it. */
static inline int64_t paged_head(const key_source *s, int64_t p)
{
    return (s->table[p / s->block_size] * s->kv_heads + s->kv) * s->block_size * s->dim;
}

/* n <= KEYS rows of D numbers, the i-th at from[i], turned: to[D][KEYS], columns beyond n are 0. */
ALWAYS void turn_keys(k_type type, float *to, const void *p, const int64_t *from, int64_t n,
                      int64_t dim)
{
    if (n < KEYS)
        memset(to, 0, (size_t)(dim * KEYS) * sizeof *to);
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < dim; i++)
            to[i * KEYS + j] = s_get(type, p, from[j] + i);
}

/* The same rows as they are, filled up with 0 to `padded`; rows beyond n are 0. */
ALWAYS void copy_keys(k_type type, float *to, const void *p, const int64_t *from, int64_t n,
                      int64_t dim, int64_t padded)
{
    for (int64_t j = 0; j < KEYS; j++, to += padded) {
        if (j >= n)
            memset(to, 0, (size_t)padded * sizeof *to);
        else
            for (V_EACH(i, padded))
                v_store(to + i, i < dim ? v_read(type, p, from[j] + i, from[j] + dim) : (vf){ 0 });
    }
}

/* Positions first .. first+n-1, first a multiple of KEYS. v rows beyond n are not to be read. */
void LEVEL(k_load_keys)(key_tile *t, const key_source *s, int64_t first, int64_t n);
#endif
