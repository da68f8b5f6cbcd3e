/* attention_bwd.h -- what a block of attention's backward goes through: tiles of rows, and the
 * queries that see a tile of keys.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_ATTENTION_BWD_H
#define K_CUDA_ATTENTION_BWD_H

#include "kernels/cuda/attention.h"

namespace k_bwd
{
__device__ __forceinline__ int qkv_stride(const k_attn_bwd &a)
{
    return (int)((a.heads + 2 * a.kv_heads) * a.head_dim);
}

/* ---- tiles of a sequence's own rows ---------------------------------------------------------- */
/* Tiles of so many rows of all sequences have numbers: those of sequence s begin at cu[s] / rows +
 * s, which leaves room for each, and a few over. Below n_tiles. */
__host__ __device__ inline int64_t n_tiles(const k_attn_bwd &a, int rows)
{
    return a.tokens / rows + a.n_seqs;
}

/* The sequence that a tile is of. A warp looks at 32 at a time. */
__device__ __forceinline__ int sequence_of(const k_attn_bwd &a, int tile, int rows)
{
    int first = 0, n = (int)a.n_seqs; /* it is one of these */
    while (n > 1) {
        const int step = (n + 31) / 32, i = (int)threadIdx.x % 32 * step;
        const bool is_begun = i < n && a.cu_seqlens[first + i] / rows + first + i <= tile;
        const int skip = (__popc(__ballot_sync(k_all_lanes, is_begun)) - 1) * step;
        first += skip;
        n = min(step, n - skip);
    }
    return first;
}

/* Which of the sequence's own rows the tile begins with. */
__device__ __forceinline__ int first_of(int tile, int sequence, const k_span &span, int rows)
{
    return (tile - span.begin / rows - sequence) * rows;
}

/* ---- rows of a tile -------------------------------------------------------------------------- */
/* Row first + i, if it is one of begin .. end - 1. */
struct Rows {
    int first, begin, end;
    __device__ __forceinline__ int row(int i) const /* or -1 */
    {
        return first + i >= begin && first + i < end ? first + i : -1;
    }
};

/* Position first + i of a sequence. */
struct Positions {
    k_span span;
    int first;
    __device__ __forceinline__ int row(int i) const
    {
        return first + i < span.before + span.end - span.begin ? k_row_at(span, first + i) : -1;
    }
};

/* ---- queries --------------------------------------------------------------------------------- */
/* A sequence and the children that follow it: how many. A warp looks at 32 at a time. */
__device__ __forceinline__ int members_of(const k_attn_bwd &a, int own)
{
    for (int n = 1;; n += 32) {
        const int s = own + n + (int)threadIdx.x % 32;
        const bool is_child = a.parents && s < a.n_seqs && a.parents[s] == own;
        const unsigned others = __ballot_sync(k_all_lanes, !is_child);
        if (others)
            return n + __ffs((int)others) - 1;
    }
}

/* Keys of sequence `own` from its row `first` on, and how many sequences see them. */
struct Seen {
    int own, first, members;
};

/* The tiles of n queries that see some keys. A tile begins at a multiple of n, counted in
 * positions. */
template <int n> struct Queries {
    Rows rows; /* of the tile */
    int head, member, n_left;

    __device__ __forceinline__ bool is_over() const
    {
        return n_left == 0;
    }
    __device__ __forceinline__ void begin_member(const k_attn_bwd &a, const Seen &keys)
    {
        const k_span span = k_span_of(a.cu_seqlens, a.parents, keys.own + member);
        const int first = span.before + (member == 0 ? keys.first : 0);
        rows = { span.begin - span.before + first / n * n, span.begin, span.end };
    }
    /* Past members that have no rows, or none left. */
    __device__ __forceinline__ void go_on(const k_attn_bwd &a, const Seen &keys)
    {
        while (rows.first >= rows.end && --n_left > 0) {
            if (++member == keys.members) {
                member = 0;
                head++;
            }
            begin_member(a, keys);
        }
    }
    /* Units first .. end - 1: unit i is member i % members, of head i / members of those that key
     * head kv is for. */
    __device__ __forceinline__ Queries(const k_attn_bwd &a, const Seen &keys, int kv, int first,
                                       int end)
        : head(kv * (int)(a.heads / a.kv_heads) + first / keys.members),
          member(first % keys.members), n_left(end - first)
    {
        begin_member(a, keys);
        go_on(a, keys);
    }
    __device__ __forceinline__ void next(const k_attn_bwd &a, const Seen &keys)
    {
        rows.first += n;
        go_on(a, keys);
    }
};

/* ---- parts ----------------------------------------------------------------------------------- */
/* A prompt's keys are seen by all of its responses: so that its tiles are not what all others wait
 * for, a tile of keys may be the work of several blocks, each with a part of the units. Their sums
 * lie in float where dq of the same family will be, until they are added in order; how many parts
 * depends on the family alone. */
struct Family {
    int members, n_rows, n_own; /* rows of all, and of the parent */
    int n_tiles, n_parts;       /* of the parent's keys; of a tile */
};

template <int rows, int through>
__device__ __forceinline__ Family family_of(const k_attn_bwd &a, int own)
{
    Family f = { members_of(a, own), 0, a.cu_seqlens[own + 1] - a.cu_seqlens[own], 0, 1 };
    f.n_rows = a.cu_seqlens[own + f.members] - a.cu_seqlens[own];
    f.n_tiles = (f.n_own + rows - 1) / rows;
    if (f.members == 1 || f.n_own == 0)
        return f;
    const int group = (int)(a.heads / a.kv_heads);
    const int room = f.n_rows * ((int)a.heads / 2) / f.n_own / (2 * (int)a.kv_heads);
    f.n_parts = min((f.n_rows / rows + f.members) / f.n_tiles, min(room, group * f.members));
    /* 16 tiles of queries at least are a part */
    f.n_parts = max(1, min(f.n_parts, f.n_rows / through * group / 16));
    return f;
}

/* Where part p's sum for key `row` of the parent lies, of dk or of dv: D floats. */
__device__ __forceinline__ float *part_of(const k_attn_bwd &a, const Family &f, int begin, int part,
                                          int kv, int row, bool is_v)
{
    const int per_token = (int)a.heads / 2;
    const int i = ((part * (int)a.kv_heads + kv) * f.n_own + row) * 2 + is_v;
    const int64_t token = begin + i / per_token;
    return reinterpret_cast<float *>(static_cast<nv_bfloat16 *>(a.dqkv) + token * qkv_stride(a)) +
           (int64_t)(i % per_token) * a.head_dim;
}
} /* namespace k_bwd */

#endif
