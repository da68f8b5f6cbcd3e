/* attention_whole.c -- causal attention of packed sequences: qkv[T,(H+2KV)*D] -> out[T,H*D],
 * lse[T,H]. SPDX-License-Identifier: Apache-2.0
 *
 * The rows of a part are the query heads of one key head at some positions: they share its keys.
 * What attention.c computes for a row of a paged cache, and bit for bit the same: the same sums in
 * the same order, but with the rows of a part side by side in the lanes of vectors. So scores,
 * weights and sums lie as [key or dimension][row], nothing is summed across lanes, and a row that
 * does not see a key has a weight of 0 there. All of it is in floats, bf16 included. */
#include "kernels/cpu/fast/keys.h"
#include "kernels/cpu/fast/tiles.h"
#include "kernels/cpu/fast/turn.h"
#include "kernels/cpu/fast/vmath.h"

#define MOST_ROWS 128             /* of a part, unless one position has more heads */
#define HEIGHT (VL == 16 ? 8 : 4) /* keys of a tile of scores */

/* A part is a sequence, a key head and a run of positions: number (s * n_runs + run) * KV + kv. */
typedef struct whole {
    const k_attn *a;
    int64_t group, run, n_runs; /* positions of a run; runs of the longest sequence */
} whole;

/* The rows of a part, in the thread's scratch. Row r is head r % group of the position r / group;
 * rows that fill up vectors repeat the last position, with a query of 0. */
typedef struct rows {
    int64_t n, stride, dim;
    float scale;
    float *q, *o;      /* [dim][stride]; o: sum of exp(s - max) v */
    float *max, *sum;  /* [stride] */
    int32_t *position; /* [stride] */
    float *s;          /* [KEYS][NR]: scores, then exp(s - max) */
    float *k, *v;      /* [KEYS][AK]: keys and values as they are */
    float *row;        /* [4][AK] */
} rows;

static size_t scratch_bytes(int64_t most)
{
    return (size_t)(most * (2 * K_MAX_HEAD_DIM + 3) + KEYS * (NR + 2 * AK) + 4 * AK) *
           sizeof(float);
}

static void rows_in(rows *w, float *scratch)
{
    w->q = scratch;
    w->o = w->q + w->stride * w->dim;
    w->s = w->o + w->stride * w->dim;
    w->k = w->s + KEYS * NR;
    w->v = w->k + KEYS * AK;
    w->row = w->v + KEYS * AK;
    w->max = w->row + 4 * AK;
    w->sum = w->max + w->stride;
    w->position = (int32_t *)(w->sum + w->stride);
}

ALWAYS void load_row(k_type type, float *to, const void *from, int64_t at, int64_t dim)
{
    for (V_EACH(i, dim))
        v_store(to + i, v_read(type, from, at + i, at + dim)); /* AK: D filled up at least */
}

/* Row r of the part among the heads of all tokens. */
static int64_t head_at(const whole *w, int64_t token, int64_t kv, int64_t r)
{
    return (token + r / w->group) * w->a->heads + kv * w->group + r % w->group;
}

static void begin_rows(rows *r, const whole *w, int64_t token, int64_t kv, int64_t first)
{
    const k_attn *a = w->a;
    const int64_t row = (a->heads + 2 * a->kv_heads) * a->head_dim;
    memset(r->q, 0, (size_t)(r->stride * r->dim) * 2 * sizeof *r->q); /* and o */
    for (int64_t i = 0; i < r->n; i += 4) {
        const int64_t n = r->n - i < 4 ? r->n - i : 4;
        for (int64_t j = i; j < i + n; j++)
            BY_TYPE(a->type, load_row, r->row + (j - i) * AK, a->qkv,
                    (token + j / w->group) * row + (kv * w->group + j % w->group) * r->dim, r->dim);
        turn_floats(r->q + i, r->stride, r->row, AK, n, r->dim);
    }
    for (int64_t i = 0; i < r->stride; i++) {
        r->position[i] = (int32_t)(first + (i < r->n ? i : r->n - 1) / w->group);
        r->max[i] = -__builtin_inff();
        r->sum[i] = 0;
    }
}

/* Keys first .. first+n-1 of the sequence; those up to KEYS are 0. */
static void load_keys(rows *r, const k_attn *a, const span *of, int64_t kv, int64_t first,
                      int64_t n)
{
    const int64_t row = (a->heads + 2 * a->kv_heads) * r->dim, k = (a->heads + kv) * r->dim,
                  v = k + a->kv_heads * r->dim;
    for (int64_t j = 0; j < KEYS; j++) {
        if (j < n) {
            const int64_t at = row_at(of, first + j) * row;
            BY_TYPE(a->type, load_row, r->k + j * AK, a->qkv, at + k, r->dim);
            BY_TYPE(a->type, load_row, r->v + j * AK, a->qkv, at + v, r->dim);
        } else {
            memset(r->k + j * AK, 0, (size_t)r->dim * sizeof *r->k);
            memset(r->v + j * AK, 0, (size_t)r->dim * sizeof *r->v);
        }
    }
}

/* The sum of what lies in the lanes of one row in attention.c, in the order of v_sum there. */
ALWAYS vf sum_of_keys(vf x[KEYS])
{
    for (int j = VL; j < KEYS; j++)
        x[j % VL] += x[j];
    for (int half = VL / 2; half; half /= 2)
        for (int j = 0; j < half; j++)
            x[j] += x[j + half];
    return x[0];
}

static bool all_ones(vf x)
{
    float a[VL];
    v_store(a, x);
    int n = 0;
    for (int i = 0; i < VL; i++)
        n += a[i] == 1.0f;
    return n == VL;
}

/* Scores s[KEYS][NR] of the rows at `at`, a vector of them, to exp(s * scale - max), 0 where the
 * row does not see the key; the sums so far shrink. */
static void weigh(rows *w, float *s, int64_t at, int64_t first)
{
    const vf none = v_set(-__builtin_inff());
    const vi position = *(const vi_any *)(w->position + at);
    vf x[KEYS], top = none;
    for (int j = 0; j < KEYS; j++) {
        const vi sees = (vi)(position >= (int32_t)first + j);
        x[j] = v_pick(sees, v_load(s + j * NR) * w->scale, none);
        top = v_max(x[j], top);
    }
    const vf before = v_load(w->max + at), max = v_pick((vi)(top > before), top, before);
    for (int j = 0; j < KEYS; j++) {
        x[j] = v_exp(x[j] - max);
        v_store(s + j * NR, x[j]);
    }
    const vf shrink = v_pick((vi)(before == max), v_set(1), v_exp(before - max));
    v_store(w->max + at, max);
    v_store(w->sum + at, v_fma(v_load(w->sum + at), shrink, sum_of_keys(x)));
    if (!all_ones(shrink))
        for (int64_t i = 0; i < w->dim; i++)
            v_store(w->o + i * w->stride + at, v_load(w->o + i * w->stride + at) * shrink);
}

/* NR rows against the keys that are loaded. */
static void take_keys(rows *w, int64_t at, int64_t first)
{
    static const float zeroes[NR];
    for (int64_t key = 0; key < KEYS; key += HEIGHT) {
        const tile_args t = { .a = w->k + key * AK,
                              .lda = AK,
                              .b = w->q + at,
                              .ldb = w->stride,
                              .n_k = w->dim,
                              .init = zeroes,
                              .c = w->s + key * NR,
                              .ldc = NR };
        LEVEL(k_tiles).rows[2][HEIGHT](&t);
    }
    weigh(w, w->s, at, first);
    weigh(w, w->s + VL, at + VL, first);
    for (int64_t i = 0; i < w->dim; i += MR) {
        const int64_t height = w->dim - i < MR ? w->dim - i : MR;
        tile_args t = { .a = w->v + i, .b = w->s, .ldb = NR, .n_k = KEYS };
        t.c = w->o + i * w->stride + at;
        t.ldc = w->stride;
        t.init = t.c;
        t.ldi = t.ldc;
        LEVEL(k_tiles).cols_2[height](&t);
    }
}

ALWAYS void store_row(k_type type, void *out, int64_t at, const float *from, int64_t dim)
{
    for (V_EACH(i, dim))
        v_write(type, out, at + i, at + dim, v_load(from + i));
}

static void end_rows(rows *r, const whole *w, int64_t token, int64_t kv)
{
    const k_attn *a = w->a;
    for (int64_t at = 0; at < r->stride; at += VL) {
        const vf sum = v_load(r->sum + at);
        for (int64_t i = 0; i < r->dim; i++)
            v_store(r->o + i * r->stride + at, v_load(r->o + i * r->stride + at) / sum);
        v_store(r->max + at, v_load(r->max + at) + v_log(sum));
    }
    for (int64_t i = 0; i < r->n; i += 4) {
        const int64_t n = r->n - i < 4 ? r->n - i : 4;
        turn_floats(r->row, AK, r->o + i, r->stride, r->dim, n);
        for (int64_t j = i; j < i + n; j++) {
            const int64_t head = head_at(w, token, kv, j);
            BY_TYPE(a->type, store_row, a->out, head * r->dim, r->row + (j - i) * AK, r->dim);
            if (a->lse)
                ((float *)a->lse)[head] = r->max[j];
        }
    }
}

static void whole_part(const whole *w, int64_t part, float *scratch)
{
    const k_attn *a = w->a;
    const int64_t kv = part % a->kv_heads, run = part / a->kv_heads % w->n_runs,
                  s = part / a->kv_heads / w->n_runs;
    const span of = span_of(a->cu_seqlens, a->parents, s);
    const int64_t done = run * w->run, first = of.before + done; /* first: position of the rows */
    if (done >= of.n)
        return;
    const int64_t n = of.n - done < w->run ? of.n - done : w->run,
                  end = first + n; /* of the keys */
    rows r = { .n = n * w->group, .dim = a->head_dim, .scale = (float)a->scale };
    r.stride = (r.n + NR - 1) / NR * NR;
    rows_in(&r, scratch);
    begin_rows(&r, w, of.begin + done, kv, first);
    for (int64_t key = 0; key < end; key += KEYS) {
        load_keys(&r, a, &of, kv, key, end - key < KEYS ? end - key : KEYS);
        const int64_t row = key > first ? (key - first) * w->group / NR * NR : 0;
        for (int64_t at = row; at < r.stride; at += NR)
            take_keys(&r, at, key);
    }
    end_rows(&r, w, of.begin + done, kv);
}

static void whole_parts(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    for (int64_t part = begin; part < end; part++)
        whole_part(arg, part, scratch);
}

int OP(attn)(k_device *dev, const k_attn *a)
{
    fast_device *fast = fast_of(dev);
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->qkv || !a->out || !heads_ok(a->heads, a->kv_heads, a->head_dim) ||
        !seqlens_ok(a->cu_seqlens, a->parents, a->n_seqs, a->tokens, a->max_seqlen))
        return K_EARG;
    whole w = { .a = a, .group = a->heads / a->kv_heads };
    w.run = w.group < MOST_ROWS ? MOST_ROWS / w.group : 1;
    for (int64_t s = 0; s < a->n_seqs; s++) {
        const int64_t n = (a->cu_seqlens[s + 1] - a->cu_seqlens[s] + w.run - 1) / w.run;
        w.n_runs = n > w.n_runs ? n : w.n_runs;
    }
    if (k_fast_reserve(fast, scratch_bytes((w.run * w.group + NR - 1) / NR * NR)) != K_OK)
        return K_ENOMEM;
    k_fast_rows(fast, a->n_seqs * w.n_runs * a->kv_heads, 1, whole_parts, &w);
    return K_OK;
}
