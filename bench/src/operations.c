/* operations.c -- each operation of the table by itself, on random numbers of the sizes that a
 * model has: what takes the time of a step, and how far each is from what bounds it.
 *
 * `operations DEVICE fp32|bf16 SHAPE TOKENS LENGTH SEQS CONTEXT`: SHAPE of bench_model.h; training's
 * operations of TOKENS in sequences of LENGTH, decoding's of SEQS rows that have CONTEXT positions
 * behind them. A line of JSON for each: milliseconds, the fewest bytes it must move (each input
 * read once, each output written once), the flops it must do, and which of a step's phases it
 * belongs to, so many times; and bytes of the head's scratch. SPDX-License-Identifier: Apache-2.0 */
#include "bench_model.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kernels/bf16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BUFFERS = 24, BATCHES = 5, PERIOD = 1048573, WARM = 2, MOST_CALLS = 100, BLOCK = 64 };
enum { MOST_PARAMS = 1 << 29 }; /* of the optimizer at once; a larger model takes as many times longer */

typedef struct bench {
    k_device *dev;
    const k_backend *ops;
    k_type type;
    as_model_config c;
    int64_t tokens, length, seqs, context;
    void *buffers[MOST_BUFFERS];
    size_t n_buffers;
    bool is_full; /* the device's memory */
    uint16_t *some;
    float *some_floats;
} bench;

/* ---- memory ---- */

static void *room(bench *b, size_t bytes)
{
    void *p = b->n_buffers < MOST_BUFFERS ? b->ops->alloc(b->dev, bytes) : NULL;
    if (p)
        b->buffers[b->n_buffers++] = p;
    else
        b->is_full = true;
    return p;
}

static void release(bench *b)
{
    (void)b->ops->sync(b->dev);
    while (b->n_buffers > 0)
        b->ops->free(b->dev, b->buffers[--b->n_buffers]);
    b->is_full = false;
}

static void *given(bench *b, const void *host, size_t bytes)
{
    void *p = room(b, bytes);
    if (p)
        (void)b->ops->copy_to(b->dev, p, host, bytes);
    return p;
}

/* Random numbers about 0, of a size that sums of them stay finite. */
static void *numbers(bench *b, int64_t n, k_type type)
{
    const size_t size = k_type_size(type);
    char *p = room(b, (size_t)n * size);
    const void *from = type == K_BF16 ? (const void *)b->some : b->some_floats;
    for (int64_t done = 0; p && done < n; done += PERIOD) {
        const int64_t part = n - done < PERIOD ? n - done : PERIOD;
        (void)b->ops->copy_to(b->dev, p + (size_t)done * size, from, (size_t)part * size);
    }
    return p;
}

static int32_t *indices(bench *b, int64_t n, int64_t limit)
{
    AS_CLEANUP(free) int32_t *host = as_calloc((size_t)n, sizeof *host);
    as_rng r = as_rng_at(5, 5);
    for (int64_t i = 0; host && i < n; i++)
        host[i] = (int32_t)as_rng_below(&r, (uint64_t)limit);
    return host ? given(b, host, (size_t)n * sizeof *host) : NULL;
}

/* (i / per) % limit * step */
static int32_t *counted(bench *b, int64_t n, int64_t per, int64_t limit, int64_t step)
{
    AS_CLEANUP(free) int32_t *host = as_calloc((size_t)n, sizeof *host);
    for (int64_t i = 0; host && i < n; i++)
        host[i] = (int32_t)(i / per % limit * step);
    return host ? given(b, host, (size_t)n * sizeof *host) : NULL;
}

/* ---- timing ---- */

typedef struct timing {
    bench *b;
    const char *op, *what, *phase;
    double times, bytes, flops; /* of one call; times: calls in a phase */
    int calls, n, batch;        /* done in this batch; in each; which: -1 warms up */
    int64_t start;
    double seconds[BATCHES];
    int status;
} timing;

static timing begin(bench *b, const char *op, const char *what, const char *phase, double times)
{
    return (timing){ .b = b, .op = op, .what = what, .phase = phase, .times = times, .n = WARM,
                     .batch = -1, .status = b->is_full ? K_ENOMEM : K_OK };
}

static int compare(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void say(timing *t)
{
    printf("{\"op\": \"%s\", \"what\": \"%s\", \"phase\": \"%s\", \"times\": %.4g, ", t->op,
           t->what, t->phase, t->times);
    qsort(t->seconds, BATCHES, sizeof *t->seconds, compare);
    if (t->status < 0)
        printf("\"error\": \"%s\"}\n", k_status_text(t->status));
    else
        printf("\"ms\": %.5f, \"bytes\": %.0f, \"flops\": %.0f}\n", 1e3 * t->seconds[BATCHES / 2],
               t->bytes, t->flops);
    (void)fflush(stdout);
}

static bool finished(timing *t)
{
    say(t);
    release(t->b);
    return false;
}

/* After the calls of a batch: their time, and how many the next has. */
static void close_batch(timing *t)
{
    const int rc = t->b->ops->sync(t->b->dev);
    const double each = (double)(as_now_ns() - t->start) * 1e-9 / t->n;
    t->status = rc < 0 ? rc : t->status;
    if (t->batch >= 0)
        t->seconds[t->batch] = each;
    else /* about 10 ms a batch */
        t->n = each < 1e-4 ? MOST_CALLS : each > 1e-2 ? 1 : (int)(1e-2 / each) + 1;
    t->calls = 0;
    t->batch++;
}

/* while (again(&t)) t.status = operation: warms up, then so many calls at a time that what a call
 * costs to issue is hidden as it is in a step; says the median of some such times. */
static bool again(timing *t)
{
    if (t->status == K_OK && t->calls == t->n)
        close_batch(t);
    if (t->status != K_OK || t->batch == BATCHES)
        return finished(t);
    if (t->calls++ == 0) {
        t->status = t->b->ops->sync(t->b->dev);
        t->start = as_now_ns();
    }
    return true;
}

/* ---- products ---- */

static double size_of(const bench *b, double n)
{
    return n * (double)k_type_size(b->type);
}

static void products(bench *b, const char *what, int64_t n, int64_t k, bool has_bias)
{
    const int64_t m = b->tokens;
    const double flops = 2.0 * (double)m * (double)n * (double)k, layers = (double)b->c.n_layers;
    const double mk = (double)(m * k), nk = (double)(n * k), mn = (double)(m * n);
    k_gemm nt = { .type = b->type, .x_type = b->type, .y_type = b->type, .m = m, .n = n, .k = k };
    nt.x = numbers(b, m * k, b->type);
    nt.w = numbers(b, n * k, b->type);
    nt.bias = has_bias ? numbers(b, n, b->type) : NULL;
    nt.y = room(b, (size_t)(m * n) * k_type_size(b->type));
    timing t = begin(b, "gemm_nt", what, "forward", layers);
    t.flops = flops;
    t.bytes = size_of(b, mk + nk + mn);
    while (again(&t))
        t.status = b->ops->gemm_nt(b->dev, &nt);
    k_gemm_dx nn = { .type = b->type, .x_type = b->type, .m = m, .n = n, .k = k };
    nn.dy = numbers(b, m * n, b->type);
    nn.w = numbers(b, n * k, b->type);
    nn.dx = room(b, (size_t)(m * k) * k_type_size(b->type));
    t = begin(b, "gemm_nn", what, "backward", layers);
    t.flops = flops;
    t.bytes = size_of(b, mk + nk + mn);
    while (again(&t))
        t.status = b->ops->gemm_nn(b->dev, &nn);
    k_gemm_dw tn = { .type = b->type, .m = m, .n = n, .k = k };
    tn.dy = numbers(b, m * n, b->type);
    tn.x = numbers(b, m * k, b->type);
    tn.dw = numbers(b, n * k, K_F32);
    tn.dbias = has_bias ? numbers(b, n, K_F32) : NULL;
    t = begin(b, "gemm_tn", what, "backward", layers);
    t.flops = flops;
    t.bytes = size_of(b, mk + mn) + 8 * nk;
    while (again(&t))
        t.status = b->ops->gemm_tn(b->dev, &tn);
}

/* A pass of decoding: SEQS rows against the whole matrix. */
static void decoding_product(bench *b, const char *what, int64_t n, int64_t k, double times)
{
    const bool is_head = strcmp(what, "head") == 0;
    const k_type y_type = is_head ? K_F32 : b->type;
    k_gemm nt = { .type = b->type, .x_type = b->type, .y_type = y_type, .m = b->seqs };
    nt.n = n;
    nt.k = k;
    nt.x = numbers(b, nt.m * k, b->type);
    nt.w = numbers(b, n * k, b->type);
    nt.y = room(b, (size_t)(nt.m * n) * k_type_size(y_type));
    timing t = begin(b, "gemm_nt", what, "decode", times);
    t.flops = 2.0 * (double)nt.m * (double)n * (double)k;
    t.bytes = size_of(b, (double)(nt.m * k + n * k)) +
              (double)(nt.m * n) * (double)k_type_size(y_type);
    while (again(&t))
        t.status = b->ops->gemm_nt(b->dev, &nt);
}

/* ---- element by element ---- */

static void norms(bench *b)
{
    const int64_t n = b->tokens * b->c.d;
    const double times = 2 * (double)b->c.n_layers;
    k_rmsnorm f = { .type = b->type, .rows = b->tokens, .n = b->c.d, .per_token = 1, .eps = 1e-6 };
    f.x_stride = f.y_stride = b->c.d;
    f.x = numbers(b, n, b->type);
    f.residual = numbers(b, n, b->type);
    f.weight = numbers(b, b->c.d, b->type);
    f.y = room(b, (size_t)n * k_type_size(b->type));
    f.rstd = room(b, (size_t)b->tokens * 4);
    timing t = begin(b, "rmsnorm", "with residual", "forward", times);
    t.bytes = size_of(b, 4 * (double)n);
    while (again(&t))
        t.status = b->ops->rmsnorm(b->dev, &f);
    k_rmsnorm_bwd d = { .type = b->type, .rows = b->tokens, .n = b->c.d, .per_token = 1 };
    d.x_stride = d.dy_stride = d.dx_stride = b->c.d;
    d.dy = numbers(b, n, b->type);
    d.x = numbers(b, n, b->type);
    d.weight = numbers(b, b->c.d, b->type);
    d.rstd = numbers(b, b->tokens, K_F32);
    d.dresidual = numbers(b, n, b->type);
    d.dx = room(b, (size_t)n * k_type_size(b->type));
    d.dw = numbers(b, b->c.d, K_F32);
    t = begin(b, "rmsnorm_bwd", "with residual", "backward", times);
    t.bytes = size_of(b, 4 * (double)n);
    while (again(&t))
        t.status = b->ops->rmsnorm_bwd(b->dev, &d);
}

static void mlp(bench *b)
{
    const int64_t n = b->tokens * b->c.d_ff;
    k_swiglu f = { .type = b->type, .tokens = b->tokens, .f = b->c.d_ff };
    f.gate_up = numbers(b, 2 * n, b->type);
    f.y = room(b, (size_t)n * k_type_size(b->type));
    timing t = begin(b, "swiglu", "", "forward", (double)b->c.n_layers);
    t.bytes = size_of(b, 3 * (double)n);
    while (again(&t))
        t.status = b->ops->swiglu(b->dev, &f);
    k_swiglu_bwd d = { .type = b->type, .tokens = b->tokens, .f = b->c.d_ff };
    d.gate_up = numbers(b, 2 * n, b->type);
    d.dy = numbers(b, n, b->type);
    d.dgate_up = room(b, 2 * (size_t)n * k_type_size(b->type));
    t = begin(b, "swiglu_bwd", "", "backward", (double)b->c.n_layers);
    t.bytes = size_of(b, 5 * (double)n);
    while (again(&t))
        t.status = b->ops->swiglu_bwd(b->dev, &d);
}

static void embedding(bench *b)
{
    const int64_t n = b->tokens * b->c.d;
    k_embed f = { .type = b->type, .y_type = b->type, .tokens = b->tokens, .d = b->c.d };
    f.vocab = b->c.vocab;
    f.ids = indices(b, b->tokens, b->c.vocab);
    f.table = numbers(b, b->c.vocab * b->c.d, b->type);
    f.y = room(b, (size_t)n * k_type_size(b->type));
    timing t = begin(b, "embed", "", "forward", 1);
    t.bytes = size_of(b, 2 * (double)n);
    while (again(&t))
        t.status = b->ops->embed(b->dev, &f);
    k_embed_bwd d = { .type = b->type, .tokens = b->tokens, .d = b->c.d, .vocab = b->c.vocab };
    d.ids = indices(b, b->tokens, b->c.vocab);
    d.dy = numbers(b, n, b->type);
    d.dtable = numbers(b, b->c.vocab * b->c.d, K_F32);
    t = begin(b, "embed_bwd", "", "backward", 1);
    t.bytes = size_of(b, (double)n) + 8 * (double)n;
    while (again(&t))
        t.status = b->ops->embed_bwd(b->dev, &d);
}

/* ---- attention ---- */

static int64_t qkv_width(const bench *b)
{
    return (b->c.n_heads + 2 * b->c.n_kv_heads) * b->c.head_dim;
}

static void positions(bench *b)
{
    const int64_t heads = b->c.n_heads + b->c.n_kv_heads, half = b->c.head_dim / 2;
    k_rope r = { .type = b->type, .tokens = b->tokens, .heads = heads, .stride = qkv_width(b) };
    r.head_dim = b->c.head_dim;
    r.max_pos = b->length;
    r.positions = counted(b, b->tokens, 1, b->length, 1);
    r.cos = numbers(b, b->length * half, K_F32);
    r.sin = numbers(b, b->length * half, K_F32);
    r.x = numbers(b, b->tokens * qkv_width(b), b->type);
    timing t = begin(b, "rope", "q and k", "forward", 2 * (double)b->c.n_layers);
    t.bytes = size_of(b, 2 * (double)(b->tokens * heads * b->c.head_dim));
    while (again(&t))
        t.status = b->ops->rope(b->dev, &r);
}

static void attention(bench *b)
{
    const int64_t n_seqs = b->tokens / b->length, out = b->tokens * b->c.n_heads * b->c.head_dim;
    const double pairs = (double)b->tokens * (double)(b->length + 1) / 2; /* that are not masked */
    const double product = 2 * pairs * (double)(b->c.n_heads * b->c.head_dim);
    k_attn f = { .type = b->type, .tokens = b->tokens, .n_seqs = n_seqs, .max_seqlen = b->length };
    f.heads = b->c.n_heads;
    f.kv_heads = b->c.n_kv_heads;
    f.head_dim = b->c.head_dim;
    f.scale = 0.1;
    f.cu_seqlens = counted(b, n_seqs + 1, 1, n_seqs + 1, b->length);
    f.qkv = numbers(b, b->tokens * qkv_width(b), b->type);
    f.out = room(b, (size_t)out * k_type_size(b->type));
    f.lse = room(b, (size_t)(b->tokens * b->c.n_heads) * 4);
    timing t = begin(b, "attn", "causal", "forward", (double)b->c.n_layers);
    t.flops = 2 * product;
    t.bytes = size_of(b, (double)(b->tokens * qkv_width(b) + out));
    while (again(&t))
        t.status = b->ops->attn(b->dev, &f);
    k_attn_bwd d = { .type = b->type, .tokens = b->tokens, .n_seqs = n_seqs };
    d.max_seqlen = b->length;
    d.heads = b->c.n_heads;
    d.kv_heads = b->c.n_kv_heads;
    d.head_dim = b->c.head_dim;
    d.scale = 0.1;
    d.cu_seqlens = counted(b, n_seqs + 1, 1, n_seqs + 1, b->length);
    d.qkv = numbers(b, b->tokens * qkv_width(b), b->type);
    d.out = numbers(b, out, b->type);
    d.lse = numbers(b, b->tokens * b->c.n_heads, K_F32);
    d.dout = numbers(b, out, b->type);
    d.delta = room(b, (size_t)(b->tokens * b->c.n_heads) * 4);
    d.dqkv = room(b, (size_t)(b->tokens * qkv_width(b)) * k_type_size(b->type));
    t = begin(b, "attn_bwd", "causal", "backward", (double)b->c.n_layers);
    t.flops = 5 * product;
    t.bytes = size_of(b, 2 * (double)(b->tokens * qkv_width(b) + out));
    while (again(&t))
        t.status = b->ops->attn_bwd(b->dev, &d);
}

static void decoding(bench *b)
{
    const int64_t blocks = (b->context + BLOCK - 1) / BLOCK, all = blocks * b->seqs;
    const int64_t cache = all * b->c.n_kv_heads * BLOCK * b->c.head_dim;
    k_attn_paged p = { .type = b->type, .tokens = b->seqs, .n_seqs = b->seqs, .scale = 0.1 };
    p.heads = b->c.n_heads;
    p.kv_heads = b->c.n_kv_heads;
    p.head_dim = b->c.head_dim;
    p.block_size = BLOCK;
    p.n_blocks = all;
    p.max_blocks = blocks;
    p.seq_of = counted(b, b->seqs, 1, b->seqs, 1);
    p.positions = counted(b, b->seqs, 1, 1, 0);
    p.block_tables = counted(b, all, 1, all, 1);
    p.qkv = numbers(b, b->seqs * qkv_width(b), b->type);
    p.k_cache = numbers(b, cache, b->type);
    p.v_cache = numbers(b, cache, b->type);
    p.out = room(b, (size_t)(b->seqs * b->c.n_heads * b->c.head_dim) * k_type_size(b->type));
    AS_CLEANUP(free) int32_t *last = as_calloc((size_t)b->seqs, sizeof *last);
    for (int64_t i = 0; last && i < b->seqs; i++)
        last[i] = (int32_t)b->context - 1;
    p.positions = last ? given(b, last, (size_t)b->seqs * sizeof *last) : NULL;
    timing t = begin(b, "attn_paged", "one token each", "decode", (double)b->c.n_layers);
    const double keys = (double)(b->seqs * b->context);
    t.flops = 4 * keys * (double)(b->c.n_heads * b->c.head_dim);
    t.bytes = size_of(b, 2 * keys * (double)(b->c.n_kv_heads * b->c.head_dim));
    while (again(&t))
        t.status = b->ops->attn_paged(b->dev, &p);
}

/* ---- the head, sampling, the optimizer ---- */

/* What the head keeps between its steps, for as many rows as here and for others. */
static void head_memory(bench *b)
{
    for (int64_t rows = b->tokens; rows <= 16 * b->tokens; rows *= 4)
        printf("{\"head_rows\": %lld, \"scratch_bytes\": %zu}\n", (long long)rows,
               b->ops->lmhead_scratch(b->dev, b->type, rows, b->c.d, b->c.vocab));
}

static void head(bench *b)
{
    const int64_t m = b->tokens, d = b->c.d, vocab = b->c.vocab;
    const double flops = 2.0 * (double)m * (double)d * (double)vocab;
    const size_t scratch = b->ops->lmhead_scratch(b->dev, b->type, m, d, vocab);
    k_lmhead f = { .type = b->type, .h_type = b->type, .m = m, .d = d, .vocab = vocab };
    f.temperature = 1;
    f.h = numbers(b, m * d, b->type);
    f.w = numbers(b, vocab * d, b->type);
    f.targets = indices(b, m, vocab);
    f.logp = room(b, (size_t)m * 4);
    f.entropy = room(b, (size_t)m * 4);
    f.lse = room(b, (size_t)m * 4);
    f.scratch = room(b, scratch);
    timing t = begin(b, "lmhead_logprob", "", "forward", 1);
    t.flops = flops;
    t.bytes = size_of(b, (double)(m * d + vocab * d));
    while (again(&t))
        t.status = b->ops->lmhead_logprob(b->dev, &f);
    k_lmhead_grad g = { .type = b->type, .h_type = b->type, .m = m, .d = d, .vocab = vocab };
    g.temperature = 1;
    g.h = numbers(b, m * d, b->type);
    g.w = numbers(b, vocab * d, b->type);
    g.targets = indices(b, m, vocab);
    g.lse = numbers(b, m, K_F32);
    g.coef = numbers(b, m, K_F32);
    g.dh = room(b, (size_t)(m * d) * k_type_size(b->type));
    g.dw = numbers(b, vocab * d, K_F32);
    g.scratch = room(b, scratch);
    t = begin(b, "lmhead_grad", "logits again, dh, dw", "backward", 1);
    t.flops = 3 * flops;
    t.bytes = size_of(b, (double)(2 * m * d + vocab * d)) + 8 * (double)(vocab * d);
    while (again(&t))
        t.status = b->ops->lmhead_grad(b->dev, &g);
}

static void sampling(bench *b)
{
    k_sample s = { .type = K_F32, .rows = b->seqs, .vocab = b->c.vocab, .n_valid = b->c.vocab };
    AS_CLEANUP(free) k_sample_row *how = as_calloc((size_t)b->seqs, sizeof *how);
    for (int64_t i = 0; how && i < b->seqs; i++)
        how[i] = (k_sample_row){ .prompt = (uint64_t)i, .temperature = 1, .top_p = 1 };
    s.logits = numbers(b, b->seqs * b->c.vocab, K_F32);
    s.how = how ? given(b, how, (size_t)b->seqs * sizeof *how) : NULL;
    s.ids = room(b, (size_t)b->seqs * 4);
    s.logp = room(b, (size_t)b->seqs * 4);
    s.entropy = room(b, (size_t)b->seqs * 4);
    s.scratch = room(b, b->ops->sample_scratch(b->dev, b->seqs, b->c.vocab));
    timing t = begin(b, "sample", "temperature 1", "decode", 1);
    t.bytes = 4 * (double)(b->seqs * b->c.vocab);
    while (again(&t))
        t.status = b->ops->sample(b->dev, &s);
}

static void optimizer(bench *b, int64_t params, bool has_master)
{
    const int64_t n = params < MOST_PARAMS ? params : MOST_PARAMS;
    k_adamw a = { .real = K_F32, .n = n, .step = 1, .lr = 1e-4, .beta1 = 0.9, .beta2 = 0.999 };
    a.eps = 1e-8;
    a.grad_scale = 1;
    a.master = has_master ? numbers(b, n, K_F32) : NULL;
    a.m = numbers(b, n, K_F32);
    a.v = room(b, (size_t)n * 4);
    if (a.v)
        (void)b->ops->zero(b->dev, a.v, (size_t)n * 4);
    a.grad = numbers(b, n, K_F32);
    a.copy = numbers(b, n, K_BF16);
    a.copy_type = K_BF16;
    timing t = begin(b, "adamw", has_master ? "master in float" : "stochastic rounding",
                     has_master ? "update" : "", (double)params / (double)n);
    t.bytes = (double)n * (has_master ? 30 : 24);
    while (again(&t))
        t.status = b->ops->adamw(b->dev, &a);
}

static void whole_arrays(bench *b, int64_t params)
{
    const int64_t n = params < MOST_PARAMS ? params : MOST_PARAMS;
    const double times = (double)params / (double)n;
    double sum;
    const void *x = numbers(b, n, K_F32);
    timing t = begin(b, "sum_squares", "the gradient", "update", times);
    t.bytes = 4 * (double)n;
    while (again(&t))
        t.status = b->ops->sum_squares(b->dev, K_F32, n, x, &sum);
    void *y = room(b, (size_t)n * 4);
    t = begin(b, "zero", "the gradient", "update", times);
    t.bytes = 4 * (double)n;
    while (again(&t))
        t.status = b->ops->zero(b->dev, y, (size_t)n * 4);
    void *from = numbers(b, n, K_F32), *to = room(b, (size_t)n * 4);
    t = begin(b, "copy", "", "", 1);
    t.bytes = 8 * (double)n;
    while (again(&t))
        t.status = b->ops->copy(b->dev, to, from, (size_t)n * 4);
}

static void all(bench *b)
{
    const int64_t d = b->c.d, ff = b->c.d_ff, q = b->c.n_heads * b->c.head_dim;
    const double layers = (double)b->c.n_layers;
    const int64_t params =
        b->c.n_layers * (d * (qkv_width(b) + q) + 3 * d * ff) + b->c.vocab * d;
    products(b, "qkv", qkv_width(b), d, true);
    products(b, "o", d, q, false);
    products(b, "gate_up", 2 * ff, d, false);
    products(b, "down", d, ff, false);
    norms(b);
    positions(b);
    attention(b);
    mlp(b);
    embedding(b);
    head_memory(b);
    head(b);
    optimizer(b, params, true);
    optimizer(b, params, false);
    whole_arrays(b, params);
    decoding_product(b, "qkv", qkv_width(b), d, layers);
    decoding_product(b, "o", d, q, layers);
    decoding_product(b, "gate_up", 2 * ff, d, layers);
    decoding_product(b, "down", d, ff, layers);
    decoding_product(b, "head", b->c.vocab, d, 1);
    decoding(b);
    sampling(b);
}

int main(int argc, char **argv)
{
    static bench b;
    as_err err = { 0 };
    if (argc != 8 || !bench_shape(&b.c, argv[3])) {
        (void)fprintf(stderr, "usage: operations DEVICE fp32|bf16 SHAPE TOKENS LENGTH SEQS CONTEXT\n");
        return 2;
    }
    b.type = strcmp(argv[2], "bf16") == 0 ? K_BF16 : K_F32;
    b.tokens = strtol(argv[4], NULL, 10);
    b.length = strtol(argv[5], NULL, 10);
    b.seqs = strtol(argv[6], NULL, 10);
    b.context = strtol(argv[7], NULL, 10);
    b.some = as_calloc(PERIOD, sizeof *b.some);
    b.some_floats = as_calloc(PERIOD, sizeof *b.some_floats);
    as_rng r = as_rng_at(4, 4);
    for (size_t i = 0; b.some && b.some_floats && i < PERIOD; i++) {
        b.some_floats[i] = (float)(as_rng_double(&r) - 0.5);
        b.some[i] = k_bf16_of_float(b.some_floats[i]);
    }
    if (!b.some || !b.some_floats || b.length < 1 || b.tokens % b.length || b.seqs < 1 ||
        b.context < 1)
        (void)as_fail(&err, AS_EUSAGE, "TOKENS must be a multiple of LENGTH, and all above 0");
    else if (bench_device_open(&b.dev, argv[1], 0, false, &err) == 0) {
        b.ops = b.dev->ops;
        const char *missing = k_backend_missing(b.ops, 0);
        if (missing)
            (void)as_fail(&err, AS_EUSAGE, "%s has no %s yet", argv[1], missing);
        else
            all(&b);
    }
    k_device_close(b.dev);
    as_free(b.some);
    as_free(b.some_floats);
    if (err.code < 0)
        (void)fprintf(stderr, "operations: %s\n", err.text);
    return err.code < 0 ? 1 : 0;
}
