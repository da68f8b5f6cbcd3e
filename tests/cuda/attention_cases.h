/* attention_cases.h -- sequences of random lengths, some with parents, as both attentions are given
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTENTION_CASES_H
#define ATTENTION_CASES_H
#include "cases.h"

enum { MOST_SEQS = 12 };

typedef struct attn_shape {
    int64_t n_seqs, tokens, longest, kv_heads, heads, head_dim;
    int32_t cu[MOST_SEQS + 1], parents[MOST_SEQS];
    double scale;
} attn_shape;

/* Heads and their size; every size of a head comes by, and groups of 1 to 18. */
static inline void draw_heads(cuda_run *run, attn_shape *s)
{
    static const int64_t dims[] = { 64, 128, 2, 96, 64, 256, 10, 128, 32, 80, 64, 6 };
    static const int64_t groups[] = { 1, 7, 2, 3, 18, 4 };
    s->kv_heads = 1 + (int64_t)run_below(run, 2);
    s->heads = s->kv_heads * groups[run_below(run, 6)];
    s->head_dim = dims[run->seed % (sizeof dims / sizeof dims[0])];
    if (s->head_dim >= 128 && s->heads > 4)
        s->heads = s->kv_heads;
    if (s->head_dim > 128)
        s->heads = s->kv_heads = 1; /* and many rows */
    s->scale = (1 + (double)run_below(run, 3)) / sqrt((double)s->head_dim);
}

/* Lengths: none, one, those about a tile, and any below limit. */
static inline int64_t draw_length(cuda_run *run, int64_t limit)
{
    static const int64_t some[] = { 0, 1, 15, 16, 17, 32, 33, 63, 64, 65 };
    return run_below(run, 3) ? some[run_below(run, 10)] : (int64_t)run_below(run, (uint64_t)limit);
}

/* As many rows as do not take the emulation long; in bf16, more than its tiles have. */
static inline int64_t most_rows(const attn_shape *s, k_type type)
{
    const int64_t n = (type == K_F32 ? 9000 : 24000) / (s->heads * s->head_dim);
    return n < 35 ? 35 : n > 200 ? 200 : n;
}

/* unit: what lengths of parents are a multiple of. */
static inline void draw_seqs(cuda_run *run, attn_shape *s, int64_t most_tokens, int64_t unit)
{
    int64_t parent = -1;
    s->tokens = s->longest = s->n_seqs = 0;
    s->cu[0] = 0;
    while (s->n_seqs < MOST_SEQS) {
        const int64_t i = s->n_seqs;
        const bool is_child = parent >= 0 && run_below(run, 2);
        int64_t length = i == 0 && s->head_dim > 128 ? 70 : draw_length(run, 150);
        if (!is_child)
            length -= length % unit;
        if (s->tokens + length > most_tokens)
            break;
        s->parents[i] = is_child ? (int32_t)parent : -1;
        parent = is_child ? parent : i;
        s->tokens += length;
        s->longest = length > s->longest ? length : s->longest;
        s->cu[++s->n_seqs] = (int32_t)s->tokens;
    }
}

static inline int64_t row_numbers(const attn_shape *s)
{
    return (s->heads + 2 * s->kv_heads) * s->head_dim;
}

static inline k_attn attn_of(cuda_run *run, const attn_shape *s, k_type type, const void *qkv,
                             void *out, void *lse)
{
    return (k_attn){
        .type = type,
        .tokens = s->tokens,
        .n_seqs = s->n_seqs,
        .max_seqlen = s->longest,
        .heads = s->heads,
        .kv_heads = s->kv_heads,
        .head_dim = s->head_dim,
        .cu_seqlens = run_given(run, s->cu, sizeof s->cu),
        .parents = run_given(run, s->parents, sizeof s->parents),
        .scale = s->scale,
        .qkv = qkv,
        .out = out,
        .lse = lse,
    };
}
#endif
