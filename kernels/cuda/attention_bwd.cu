/* attention_bwd.cu -- backward of causal attention over packed sequences, on the device. Formulas,
 * and what a parent is: kernels/kernels.h; the way: Dao, arXiv:2307.08691, section 3.1.2.
 *
 * Three kernels: delta; dq, a block of which has a tile of query rows of one head and goes through
 * the keys that they see; dk and dv, a block of which has a tile of key rows of one key head and
 * goes through the queries that see them: head after head of the group, of each the rows of the
 * sequence itself, then of its children. Both compute p and ds anew from lse: seven products of
 * rows x keys x D where five would do, but every number has one writer, who adds in one order, and
 * nothing is atomic. So the bits of a row depend on its sequence alone (and on its children's).
 * Tiles of what a block goes through begin at multiples of their size from position 0 of the
 * sequence with its parent before it: so a child's row has the bits it has in the whole sequence.
 *
 * bf16: a warp has 16 or 32 of the block's rows, and all of p and ds for them, which go from one
 * mma's result to the next one's operand without leaving its registers. What the block goes through
 * comes by cp.async into one of two stages while the other is used: one barrier a tile. p and ds
 * are rounded to bf16; sums are float. Tiles no row of a warp sees cost it nothing.
 * fp32: tiles of 32 x 32 by 256 threads, fmaf, one stage.
 *
 * Flops are what these cost: 14 D for each pair of a query and a key that sees it (a mma.sync does
 * 2 x 16 x 8 x 16 of them); bytes, of the second level's cache: 4 D sizeof(T) for every row of a
 * tile gone through.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_bwd_bf16.h"
#include "kernels/cuda/attention_bwd_f32.h"

namespace
{
using namespace k_bwd;

/* ---- delta ----------------------------------------------------------------------------------- */
constexpr int delta_threads = 256, delta_lanes = 8; /* of a row */

template <class T, bool whole>
__global__ void __launch_bounds__(delta_threads) sum_delta(k_attn_bwd a)
{
    constexpr int size = k_chunk<T>::n;
    const int64_t row =
        ((int64_t)blockIdx.x * delta_threads + threadIdx.x) / delta_lanes; /* of T x H */
    const bool is_row = row < a.tokens * a.heads;
    const int n = (int)a.head_dim, lane = (int)threadIdx.x % delta_lanes;
    const T *out = static_cast<const T *>(a.out) + row * n;
    const T *dout = static_cast<const T *>(a.dout) + row * n;
    float sum = 0;
    if (is_row) {
#pragma unroll 1
        for (int first = lane * size; first < n; first += delta_lanes * size) {
            const k_chunk<T> x = k_load<T, whole>(out, first, n);
            const k_chunk<T> y = k_load<T, whole>(dout, first, n);
#pragma unroll
            for (int i = 0; i < size; i++)
                sum = fmaf(k_to_float(x.v[i]), k_to_float(y.v[i]), sum);
        }
    }
#pragma unroll
    for (int o = delta_lanes / 2; o > 0; o /= 2)
        sum += __shfl_xor_sync(k_all_lanes, sum, o);
    if (is_row && lane == 0)
        static_cast<float *>(a.delta)[row] = sum;
}

/* ---- bf16: dq -------------------------------------------------------------------------------- */
/* s and dp of a warp's queries by the tile's keys become ds. n_seen: keys of the tile that the
 * warp's first row sees; the next sees one more. */
template <class S>
__device__ __forceinline__ void
weigh_keys(float (&s)[S::m][S::n][4], const float (&dp)[S::m][S::n][4], const float (&lse)[S::m][2],
           const float (&delta)[S::m][2], float scale, int n_seen)
{
    const int lane = (int)threadIdx.x % 32;
#pragma unroll
    for (int m = 0; m < S::m; m++)
#pragma unroll
        for (int n = 0; n < S::n; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int row = m * 16 + i / 2 * 8 + lane / 4, key = n * 8 + lane % 4 * 2 + i % 2;
                const float p =
                    key < n_seen + row ? exp2f(fmaf(s[m][n][i], scale, -lse[m][i / 2])) : 0.F;
                s[m][n][i] = p * (dp[m][n][i] - delta[m][i / 2]);
            }
}

template <class S, int blocks>
__global__ void __launch_bounds__(S::threads, blocks) dq_bf16(k_attn_bwd a, bool is_whole)
{
    K_DYN_SHARED(bf16, shared);
    const int dim = (int)a.head_dim, head = (int)blockIdx.y, tile = (int)blockIdx.x;
    const int sequence = sequence_of(a, tile, S::rows);
    const k_span of = k_span_of(a.cu_seqlens, a.parents, sequence);
    const int first = of.begin + first_of(tile, sequence, of, S::rows);
    if (first >= of.end)
        return;
    const Tiles<S> t(shared, dim);
    const int stride = qkv_stride(a);
    const bf16 *q = static_cast<const bf16 *>(a.qkv) + head * dim;
    const bf16 *k = static_cast<const bf16 *>(a.qkv) +
                    ((int)a.heads + head / (int)(a.heads / a.kv_heads)) * dim;
    const bf16 *v = k + (int)a.kv_heads * dim;
    const Rows own = { first, first, of.end };
    fetch<S, S::rows>(t.x, q, stride, own, dim, is_whole);
    fetch<S, S::rows>(t.y, static_cast<const bf16 *>(a.dout) + head * dim, (int)a.heads * dim, own,
                      dim, is_whole);
    Positions keys = { of, 0 };
    fetch<S, S::through>(t.x_at(0), k, stride, keys, dim, is_whole);
    fetch<S, S::through>(t.y_at(0), v, stride, keys, dim, is_whole);
    k_cp_commit();

    const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    const int row = first + warp * 16 * S::m, n_rows = of.end - row; /* the warp's */
    const int position = of.before + row - of.begin;
    float lse[S::m][2], delta[S::m][2], dq[S::m][S::columns / 8][4] = {};
#pragma unroll
    for (int m = 0; m < S::m; m++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const int r = m * 16 + i * 8 + lane / 4;
            const int64_t at = (int64_t)(row + r) * (int)a.heads + head;
            lse[m][i] = r < n_rows ? static_cast<const float *>(a.lse)[at] * k_log2_e : INFINITY;
            delta[m][i] = r < n_rows ? static_cast<const float *>(a.delta)[at] : 0.F;
        }
    const int column = (int)blockIdx.z * S::columns; /* S::dim: 0 */
    const int n_seen = of.before + min(of.end, first + S::rows) - of.begin;
    const float scale = (float)a.scale * k_log2_e;
    for (int stage = 0; keys.first < n_seen; stage ^= 1) {
        k_cp_wait<0>();
        __syncthreads();
        const int key = keys.first;
        keys.first += S::through;
        if (keys.first < n_seen) {
            fetch<S, S::through>(t.x_at(stage ^ 1), k, stride, keys, dim, is_whole);
            fetch<S, S::through>(t.y_at(stage ^ 1), v, stride, keys, dim, is_whole);
            k_cp_commit();
        }
        if (n_rows <= 0 || key >= position + 16 * S::m)
            continue;
        float s[S::m][S::n][4] = {}, dp[S::m][S::n][4] = {};
        uint32_t ds[S::m][S::n / 2][4];
        const int at = warp * 16 * S::m * t.stride;
        rows_by_rows<S>(s, t.x + at, t.x_at(stage), S::width(dim), t.stride);
        rows_by_rows<S>(dp, t.y + at, t.y_at(stage), S::width(dim), t.stride);
        weigh_keys<S>(s, dp, lse, delta, scale, position + 1 - key);
        pack<S>(ds, s);
        add_product<S>(dq, ds, t.x_at(stage) + column, S::width(dim) - column, t.stride);
    }
    store<S>(dq, (float)a.scale, t.x + warp * 16 * S::m * t.stride, t.stride,
             static_cast<bf16 *>(a.dqkv) + (int64_t)row * stride + head * dim + column, stride,
             n_rows, min(S::columns, dim - column), is_whole);
}

/* ---- bf16: dk and dv ------------------------------------------------------------------------- */
/* s and dp of a warp's keys by the tile's queries become p and ds. n_unseen: queries of the tile
 * that do not see the warp's first row; the next row is unseen by one more. */
template <class S>
__device__ __forceinline__ void weigh_queries(float (&s)[S::m][S::n][4], float (&dp)[S::m][S::n][4],
                                              const float *lse, const float *delta, float scale,
                                              int n_unseen)
{
    const int lane = (int)threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < S::n; n++) {
        const int first = n * 8 + lane % 4 * 2;
        const float2 l = *reinterpret_cast<const float2 *>(lse + first);
        const float2 d = *reinterpret_cast<const float2 *>(delta + first);
#pragma unroll
        for (int m = 0; m < S::m; m++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int row = m * 16 + i / 2 * 8 + lane / 4;
                const float p = first + i % 2 >= n_unseen + row
                                    ? exp2f(fmaf(s[m][n][i], scale, i % 2 ? -l.y : -l.x))
                                    : 0.F;
                s[m][n][i] = p;
                dp[m][n][i] = p * (dp[m][n][i] - (i % 2 ? d.y : d.x));
            }
    }
}

/* Brings a tile of queries: their q and dout into a stage, lse and delta into two registers, of
 * which threads 0 .. through - 1 have one row each. */
template <class S>
__device__ __forceinline__ float2 fetch_queries(const k_attn_bwd &a, const Tiles<S> &t, int stage,
                                                const Rows &rows, int head, bool is_whole)
{
    const int dim = (int)a.head_dim, heads = (int)a.heads;
    fetch<S, S::through>(t.x_at(stage), static_cast<const bf16 *>(a.qkv) + head * dim,
                         qkv_stride(a), rows, dim, is_whole);
    fetch<S, S::through>(t.y_at(stage), static_cast<const bf16 *>(a.dout) + head * dim, heads * dim,
                         rows, dim, is_whole);
    k_cp_commit();
    const int row = (int)threadIdx.x < S::through ? rows.row((int)threadIdx.x) : -1;
    if (row < 0)
        return make_float2(INFINITY, 0.F); /* p is 0 */
    const int64_t at = (int64_t)row * heads + head;
    return make_float2(static_cast<const float *>(a.lse)[at] * k_log2_e,
                       static_cast<const float *>(a.delta)[at]);
}

template <class S>
__device__ __forceinline__ void put_sums(const Tiles<S> &t, int stage, float2 sums)
{
    if (threadIdx.x < S::through) {
        t.sums_at(stage)[threadIdx.x] = sums.x;
        t.sums_at(stage)[S::through + threadIdx.x] = sums.y;
    }
}

/* A warp's rows of a part's sum, to where parts lie. row: the first, of the parent's own. */
template <class S>
__device__ __forceinline__ void
store_part(const float (&sum)[S::m][S::columns / 8][4], const k_attn_bwd &a, const Family &f,
           int begin, int part, int kv, int row, bool is_v, int column, int n_columns)
{
    const int lane = (int)threadIdx.x % 32;
#pragma unroll
    for (int m = 0; m < S::m; m++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const int r = row + m * 16 + i * 8 + lane / 4;
            if (r >= f.n_own)
                continue;
            float *to = part_of(a, f, begin, part, kv, r, is_v) + column + lane % 4 * 2;
#pragma unroll
            for (int c = 0; c < S::columns / 8; c++)
                if (S::dim || c * 8 < n_columns)
                    *reinterpret_cast<float2 *>(to + c * 8) =
                        make_float2(sum[m][c][2 * i], sum[m][c][2 * i + 1]);
        }
}

/* Which tile of keys a block has, and which part of what sees it. Blocks below n_tiles have the
 * first part of a tile each; those that follow have the other parts of the tiles of parents: a
 * family has as many of those blocks as it has of the first ones. */
struct Work {
    Seen keys; /* first negative: there are none */
    Family family;
    int part;
};

template <class S> __device__ __forceinline__ Work work_of(const k_attn_bwd &a, bool is_whole)
{
    const int n = (int)n_tiles(a, S::rows), block = (int)blockIdx.x;
    Work w = { { sequence_of(a, block % n, S::rows), -1, 1 }, {}, 0 };
    if (block >= n && a.parents[w.keys.own] >= 0)
        w.keys.own = a.parents[w.keys.own];
    w.family = family_of<S::rows, S::through>(a, w.keys.own);
    w.keys.members = w.family.members;
    if (!is_whole)
        w.family.n_parts = 1;
    int tile = block % n - a.cu_seqlens[w.keys.own] / S::rows - w.keys.own;
    if (block >= n && w.family.n_tiles > 0) {
        w.part = 1 + tile / w.family.n_tiles;
        tile %= w.family.n_tiles;
    }
    if (tile < w.family.n_tiles && w.part < w.family.n_parts)
        w.keys.first = tile * S::rows;
    return w;
}

/* The queries of the part. */
template <class S>
__device__ __forceinline__ Queries<S::through> queries_of(const k_attn_bwd &a, const Work &w,
                                                          int kv)
{
    const int64_t n = w.family.members * (a.heads / a.kv_heads), n_parts = w.family.n_parts;
    return Queries<S::through>(a, w.keys, kv, (int)(n * w.part / n_parts),
                               (int)(n * (w.part + 1) / n_parts));
}

template <class S, int blocks>
__global__ void __launch_bounds__(S::threads, blocks) dkv_bf16(k_attn_bwd a, bool is_whole)
{
    K_DYN_SHARED(bf16, shared);
    __shared__ Work kept; /* there are no registers for it */
    const int dim = (int)a.head_dim, kv = (int)blockIdx.y;
    const Work work = work_of<S>(a, is_whole);
    if (work.keys.first < 0)
        return;
    if (threadIdx.x == 0)
        kept = work;
    const int begin = a.cu_seqlens[work.keys.own], end = a.cu_seqlens[work.keys.own + 1];
    const Tiles<S> t(shared, dim);
    const int stride = qkv_stride(a), v_after = (int)a.kv_heads * dim;
    const bf16 *k = static_cast<const bf16 *>(a.qkv) + ((int)a.heads + kv) * dim;
    const Rows own = { begin + work.keys.first, begin + work.keys.first, end };
    fetch<S, S::rows>(t.x, k, stride, own, dim, is_whole);
    fetch<S, S::rows>(t.y, k + v_after, stride, own, dim, is_whole);
    k_cp_commit();
    Queries<S::through> queries = queries_of<S>(a, work, kv);
    float2 sums = make_float2(0, 0);
    if (!queries.is_over()) {
        sums = fetch_queries<S>(a, t, 0, queries.rows, queries.head, is_whole);
        put_sums<S>(t, 0, sums);
    }

    const int warp = (int)threadIdx.x / 32, row = own.first + warp * 16 * S::m;
    const int n_rows = end - row, at = warp * 16 * S::m * t.stride;
    const int column = (int)blockIdx.z * S::columns;
    const float scale = (float)a.scale * k_log2_e;
    float dk[S::m][S::columns / 8][4] = {}, dv[S::m][S::columns / 8][4] = {};
    for (int stage = 0; !queries.is_over(); stage ^= 1) {
        k_cp_wait<0>();
        __syncthreads();
        const int n_unseen = row - queries.rows.first;
        queries.next(a, kept.keys);
        if (!queries.is_over())
            sums = fetch_queries<S>(a, t, stage ^ 1, queries.rows, queries.head, is_whole);
        if (n_rows > 0 && n_unseen < S::through) {
            float s[S::m][S::n][4] = {}, dp[S::m][S::n][4] = {};
            uint32_t packed[S::m][S::n / 2][4];
            rows_by_rows<S>(s, t.x + at, t.x_at(stage), S::width(dim), t.stride);
            rows_by_rows<S>(dp, t.y + at, t.y_at(stage), S::width(dim), t.stride);
            weigh_queries<S>(s, dp, t.sums_at(stage), t.sums_at(stage) + S::through, scale,
                             n_unseen);
            pack<S>(packed, s);
            add_product<S>(dv, packed, t.y_at(stage) + column, S::width(dim) - column, t.stride);
            pack<S>(packed, dp);
            add_product<S>(dk, packed, t.x_at(stage) + column, S::width(dim) - column, t.stride);
        }
        if (!queries.is_over())
            put_sums<S>(t, stage ^ 1, sums);
    }
    k_cp_wait<0>(); /* no queries, if the children of a part have no rows */
    __syncthreads();
    const Family f = kept.family;
    const int part = kept.part, n_columns = min(S::columns, dim - column);
    if (f.n_parts > 1) {
        store_part<S>(dk, a, f, begin, part, kv, row - begin, false, column, n_columns);
        store_part<S>(dv, a, f, begin, part, kv, row - begin, true, column, n_columns);
        return;
    }
    bf16 *to =
        static_cast<bf16 *>(a.dqkv) + (int64_t)row * stride + ((int)a.heads + kv) * dim + column;
    store<S>(dk, (float)a.scale, t.x + at, t.stride, to, stride, n_rows, n_columns, is_whole);
    store<S>(dv, 1.F, t.x + at, t.stride, to + v_after, stride, n_rows, n_columns, is_whole);
}

/* dk and dv of a tile of keys from its parts, where there are several: rows are whole then. */
constexpr int add_threads = 256;
template <class S> __global__ void __launch_bounds__(add_threads) add_parts(k_attn_bwd a)
{
    const int dim = (int)a.head_dim, kv = (int)blockIdx.y;
    const Work work = work_of<S>(a, true);
    if (work.keys.first < 0 || work.family.n_parts == 1)
        return;
    const int begin = a.cu_seqlens[work.keys.own], n_fours = dim / 4;
    const int n_rows = min(S::rows, work.family.n_own - work.keys.first);
    for (int i = (int)threadIdx.x; i < n_rows * 2 * n_fours; i += add_threads) {
        const int row = work.keys.first + i / (2 * n_fours), column = i % n_fours * 4;
        const bool is_v = i / n_fours % 2;
        float4 sum = make_float4(0, 0, 0, 0);
        for (int part = 0; part < work.family.n_parts; part++) {
            const float4 x = *reinterpret_cast<const float4 *>(
                part_of(a, work.family, begin, part, kv, row, is_v) + column);
            sum = make_float4(sum.x + x.x, sum.y + x.y, sum.z + x.z, sum.w + x.w);
        }
        const float by = is_v ? 1.F : (float)a.scale;
        *reinterpret_cast<uint2 *>(
            static_cast<bf16 *>(a.dqkv) + (int64_t)(begin + row) * qkv_stride(a) +
            ((int)a.heads + (is_v ? (int)a.kv_heads : 0) + kv) * dim + column) =
            make_uint2(k_pair(sum.x * by, sum.y * by), k_pair(sum.z * by, sum.w * by));
    }
}

/* ---- launches -------------------------------------------------------------------------------- */
template <class T> bool rows_are_whole(const k_attn_bwd &a)
{
    return k_is_whole<T>(a.qkv, a.head_dim) && k_is_whole<T>(a.out, a.head_dim) &&
           k_is_whole<T>(a.dout, a.head_dim) && k_is_whole<T>(a.dqkv, a.head_dim);
}

template <class T> void launch_delta(cudaStream_t stream, const k_attn_bwd &a, bool is_whole)
{
    constexpr int rows = delta_threads / delta_lanes;
    const dim3 grid((unsigned)((a.tokens * a.heads + rows - 1) / rows));
    if (is_whole)
        K_LAUNCH((sum_delta<T, true>), grid, dim3(delta_threads), 0, stream, a);
    else
        K_LAUNCH((sum_delta<T, false>), grid, dim3(delta_threads), 0, stream, a);
}

/* Blocks for tiles of so many rows, heads, and pieces of `columns` of D. */
dim3 grid_of(const k_attn_bwd &a, int rows, int64_t heads, int columns)
{
    return dim3((unsigned)n_tiles(a, rows), (unsigned)heads,
                (unsigned)((a.head_dim + columns - 1) / columns));
}

template <class S, int blocks>
bool launch_dq(cudaStream_t stream, const k_attn_bwd &a, bool is_whole)
{
    const size_t shared = S::shared(a.head_dim);
    if (!k_allow_shared(dq_bf16<S, blocks>, shared))
        return false;
    K_LAUNCH((dq_bf16<S, blocks>), grid_of(a, S::rows, a.heads, S::columns), dim3(S::threads),
             shared, stream, a, is_whole);
    return true;
}

template <class S, int blocks>
bool launch_dkv(cudaStream_t stream, const k_attn_bwd &a, bool is_whole)
{
    const size_t shared = S::shared(a.head_dim);
    if (!k_allow_shared(dkv_bf16<S, blocks>, shared))
        return false;
    const dim3 tiles = grid_of(a, S::rows, a.kv_heads, S::columns);
    const bool has_parts = a.parents && is_whole;
    K_LAUNCH((dkv_bf16<S, blocks>), dim3(has_parts ? 2 * tiles.x : tiles.x, tiles.y, tiles.z),
             dim3(S::threads), shared, stream, a, is_whole);
    if (has_parts)
        K_LAUNCH(add_parts<S>, dim3(tiles.x, tiles.y), dim3(add_threads), 0, stream, a);
    return true;
}

/* dq last: parts lie where it goes. */
bool launch_bf16(cudaStream_t stream, const k_attn_bwd &a)
{
    const bool is_whole = rows_are_whole<bf16>(a);
    launch_delta<bf16>(stream, a, is_whole);
    if (is_whole && a.head_dim == 64)
        return launch_dkv<Shape<64, 64, 2, 2, 4>, 4>(stream, a, is_whole) &&
               launch_dq<Shape<64, 64, 2, 2, 4>, 4>(stream, a, is_whole);
    if (is_whole && a.head_dim == 128)
        return launch_dkv<Shape<128, 128, 4, 1, 4>, 2>(stream, a, is_whole) &&
               launch_dq<Shape<128, 128, 4, 2, 4>, 2>(stream, a, is_whole);
    return launch_dkv<Shape<0, 64, 4, 1, 4>, 2>(stream, a, is_whole) &&
           launch_dq<Shape<0, 64, 4, 1, 4>, 2>(stream, a, is_whole);
}

bool launch_f32(cudaStream_t stream, const k_attn_bwd &a)
{
    const size_t shared = f32_shared(a.head_dim);
    launch_delta<float>(stream, a, rows_are_whole<float>(a));
    if (!k_allow_shared(dq_f32, shared) || !k_allow_shared(dkv_f32, shared))
        return false;
    K_LAUNCH(dq_f32, grid_of(a, f32_rows, a.heads, K_MAX_HEAD_DIM), dim3(f32_threads), shared,
             stream, a);
    K_LAUNCH(dkv_f32, grid_of(a, f32_rows, a.kv_heads, K_MAX_HEAD_DIM), dim3(f32_threads), shared,
             stream, a);
    return true;
}

/* Rows, tiles and numbers of a row as an int or a grid counts them. */
bool sizes_ok(const k_attn_bwd &a)
{
    return k_attn_heads_ok(a.heads, a.kv_heads, a.head_dim) && a.n_seqs >= 0 && a.tokens >= 0 &&
           a.max_seqlen >= 0 && a.tokens <= INT32_MAX / 2 / a.heads && a.n_seqs <= INT32_MAX / 4 &&
           (a.n_seqs > 0 || a.tokens == 0);
}
} /* namespace */

int k_cuda_attn_bwd(k_device *dev, const k_attn_bwd *a)
{
    if (a->type != K_F32 && a->type != K_BF16)
        return K_ETYPE;
    if (!a->cu_seqlens || !a->qkv || !a->out || !a->lse || !a->dout || !a->delta || !a->dqkv ||
        !sizes_ok(*a))
        return K_EARG;
    if (a->tokens == 0)
        return K_OK;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const bool is_launched =
        a->type == K_F32 ? launch_f32(d->stream, *a) : launch_bf16(d->stream, *a);
    return is_launched ? k_cuda_launched() : K_EDEVICE;
}
