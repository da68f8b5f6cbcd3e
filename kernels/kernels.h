/* kernels.h -- the table of operations a backend offers: arrays and sizes in, arrays out. Nothing here knows a file, a
 * layer or a model, and this folder depends on nothing else of the project.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Letters.  T tokens (all sequences of a call one after another, no padding), d width of the model, H query heads, KV
 * key/value heads (H is a multiple of KV; query head h reads key head h / (H/KV)), D width of a head, F width of the
 * MLP, V vocabulary, M rows of whatever is multiplied.
 *
 * Layout.   Row-major, contiguous, token first: x[T,d] has feature i of token t at t*d + i. Sequence s is the rows
 * cu_seqlens[s] .. cu_seqlens[s+1]-1. Weights are [out, in], as Hugging Face stores them. Fused: qkv[T,(H+2KV)*D] is
 * q heads, k heads, v heads; gate_up[T,2F] is gate, then up.
 *
 * Types.    `type` is the type of activations and weights of a call. "real" is float, and double where type is K_F64:
 * statistics (rstd, lse, logp, entropy), gradients of weights, optimizer state, tables of cos and sin. Sums run in real
 * whatever `type` is; a value is rounded to `type` (to nearest, ties to even) once, when it is stored, except where an
 * operation says otherwise.
 *
 * Memory.   Every pointer inside an argument struct is the device's memory (alloc, copy_to), indices too, unless it says
 * [host]. The structs themselves are read before the call returns. Buffers of one call must not overlap unless the
 * operation says which may be the same. What an operation writes it writes whole ("="), or adds to ("+=").
 *
 * Order.    One thread issues the operations of a device; they complete in the order issued; sync waits for the last.
 * Devices are independent of each other.
 *
 * Results.  The same bits for any number of threads. A row of a result depends on its own row of input alone: not on
 * how many rows a call has, nor on their neighbours (a sequence's attention not on the other sequences). So log-probs of
 * sampling and of training agree. Sums over tokens (gradients of weights) run in one fixed order for a given T.
 *
 * Errors.   0 or a negative k_status; nothing is written when an argument is refused. Sizes are int64_t >= 0; a size of
 * zero is a call that does nothing (sums and gradients stay as they are). */
#ifndef K_KERNELS_H
#define K_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

enum {
    K_OK = 0,
    K_EARG = -1,    /* a pointer that is needed is NULL, a size is negative, sizes do not go together */
    K_ETYPE = -2,   /* this backend does not compute in this type */
    K_ENOMEM = -3,  /* only from open; alloc says it with NULL */
    K_EINDEX = -4,  /* a token, position, slot or block outside its table (where the backend can see it: the CPU ones) */
    K_EDEVICE = -5, /* the device itself failed or is not there */
};
const char *k_status_text(int status); /* static, without a full stop */

typedef enum k_type { K_F32 = 1, K_BF16 = 2, K_F64 = 3 } k_type;
static inline size_t k_type_size(k_type type) { return type == K_F64 ? 8 : type == K_F32 ? 4 : type == K_BF16 ? 2 : 0; }
/* The type called "real" above. */
static inline k_type k_real_type(k_type type) { return type == K_F64 ? K_F64 : K_F32; }
/* Activations may be real where weights are narrower: arguments x_type, y_type and h_type below are `type` (0 says so too)
 * or its real type. */
static inline k_type k_type_or(k_type given, k_type type) { return given ? given : type; }
static inline int k_is_type_or_real(k_type given, k_type type) { return !given || given == type || given == k_real_type(type); }

#define K_MAX_HEAD_DIM 256 /* D, even */
#define K_KEY_BLOCK 16     /* attention takes keys in blocks of so many, counted from position 0 */

/* ---- matrix products --------------------------------------------------------------------------------------------- */

/* Beside a weight of bf16 a backend may take of floats 16 bits (the matrix unit does, two bf16 a float): 2^-17 of each at
 * most is lost, where rounding them to bf16 loses 2^-9. */

/* gemm_nt: y[m,n] = x[m,k] w[n,k]^T + bias[n]                          (forward of a linear layer)
 * Where accumulate: y += instead; bias may then be given too. x is of x_type; y of y_type, which must be given.
 * `packed`: w as `pack` laid it out for K_PACK_NT, or NULL. w itself must be given in any case. */
typedef struct k_gemm {
    k_type type, x_type, y_type;
    int64_t m, n, k;
    const void *x, *w, *packed;
    const void *bias; /* [n] of type, or NULL */
    void *y;
    bool accumulate;
} k_gemm;

/* gemm_nn: dx[m,k] = dy[m,n] w[n,k], or += where accumulate             (backward to the input)
 * `packed`: w as `pack` laid it out for K_PACK_NN, or NULL. dy and dx are of x_type. */
typedef struct k_gemm_dx {
    k_type type, x_type;
    int64_t m, n, k;
    const void *dy, *w, *packed;
    void *dx;
    bool accumulate;
} k_gemm_dx;

/* gemm_tn: dw[n,k] += dy[m,n]^T x[m,k]; dbias[n] += column sums of dy    (backward to the weight; sums over rows in order) */
typedef struct k_gemm_dw {
    k_type type, w_type; /* of dy and x; of the weight, or 0: as type */
    int64_t m, n, k;
    const void *dy, *x;
    void *dw;    /* real */
    void *dbias; /* real, or NULL */
} k_gemm_dw;

/* What a weight w[n,k] is packed for. Packing is the caller's to repeat after every change of w. */
typedef enum k_packing { K_PACK_NT = 1, K_PACK_NN = 2 } k_packing;

/* ---- embedding --------------------------------------------------------------------------------------------------- */

/* embed: y[t,:] = table[ids[t],:]
 * embed_bwd: dtable[ids[t],:] += dy[t,:], tokens of one id added in the order of t. No id is special (no padding id). */
typedef struct k_embed {
    k_type type, y_type;
    int64_t tokens, d, vocab;
    const int32_t *ids; /* 0 <= id < vocab */
    const void *table;  /* [vocab,d] of type */
    void *y;            /* [tokens,d] of y_type */
} k_embed;
typedef struct k_embed_bwd {
    k_type type;
    int64_t tokens, d, vocab;
    const int32_t *ids;
    const void *dy; /* [tokens,d] */
    void *dtable;   /* [vocab,d] real */
} k_embed_bwd;

/* ---- RMSNorm (Zhang, Sennrich, arXiv:1910.07467, eq. 4), in Hugging Face's order --------------------------------- */

/* Rows lie in groups, so that the heads inside a qkv can be normed: row r is the n numbers at
 * (r / per_token) * stride + (r % per_token) * n. Plain rows: per_token 1, stride n. rstd is [rows], dense.
 *
 * rmsnorm:      r = residual + x, rounded to type and stored to residual, where residual is given; else r = x
 *               rstd = 1 / sqrt(mean(r^2) + eps);  y = round(r * rstd) * w
 * rmsnorm_bwd:  with g = w * dy, r as above, h = r * rstd:
 *               dx = rstd * (g - h * mean(g * h)) + dresidual;  dw += sum over rows (in order) of dy * h
 * y may be x, dx may be dy or dresidual. Plain rows only where residual or dresidual is given. */
typedef struct k_rmsnorm {
    k_type type;
    int64_t rows, n, per_token, x_stride, y_stride;
    double eps;
    const void *x;
    void *residual;     /* in and out, or NULL */
    const void *weight; /* [n] */
    void *y;
    void *rstd;         /* [rows] real, or NULL where no backward follows */
} k_rmsnorm;
typedef struct k_rmsnorm_bwd {
    k_type type;
    int64_t rows, n, per_token, x_stride, dy_stride, dx_stride;
    const void *dy, *x, *weight, *rstd; /* x: what was normed (residual as stored by the forward) */
    const void *dresidual;              /* added to dx, or NULL */
    void *dx;
    void *dw;                           /* [n] real, or NULL (a frozen weight) */
} k_rmsnorm_bwd;

/* ---- rotary positions (Su et al., arXiv:2104.09864, eq. 34; halves as Hugging Face's rotate_half) ------------------ */

/* In place on the first `heads` heads of each row of `stride` numbers: with c, s = row position[t] of the tables,
 * (a, b) = (x[i], x[i + D/2]) -> (a c[i] - b s[i], b c[i] + a s[i]); where inverse, by the opposite angle: the backward. */
typedef struct k_rope {
    k_type type;
    int64_t tokens, heads, head_dim, stride, max_pos;
    const int32_t *positions; /* [tokens], 0 <= p < max_pos */
    const void *cos, *sin;    /* [max_pos, D/2] real, of the host's making */
    void *x;
    bool inverse;
} k_rope;

/* ---- attention --------------------------------------------------------------------------------------------------- */

/* Causal attention within each sequence: s_j = scale * q_i . k_j, j <= i;  out_i = sum_j softmax(s)_j v_j;
 * lse_i = log sum_j exp(s_j). Keys in blocks of K_KEY_BLOCK from the sequence's first token, with a running maximum
 * (Milakov, Gimelshein, arXiv:1805.02867): attn_paged does the same in the same order, so both give the same bits.
 *
 * A sequence may go on where another ends, its parent (responses, of which each has the prompt before it): it attends to all
 * rows of the parent, then to its own, its first row at the position after the parent's last. parents[s] is that sequence,
 * which has none itself, or -1; children follow their parent directly. The numbers of a row are those of the whole sequence,
 * to the bit; dk and dv of a parent sum over its own rows and then over those of its children, in order.
 *
 * attn_bwd (Dao, arXiv:2205.14135, appendix B): p = exp(s - lse), delta_i = dout_i . out_i,
 * ds = p (dout . v - delta) scale; dq = sum_j ds k, dk = sum_i ds q, dv = sum_i p dout (over the query heads of a key head). */
typedef struct k_attn {
    k_type type;
    int64_t tokens, n_seqs, max_seqlen, heads, kv_heads, head_dim; /* max_seqlen: of a sequence's own rows, at most */
    const int32_t *cu_seqlens; /* [n_seqs+1]: 0 .. tokens, not decreasing */
    const int32_t *parents;    /* [n_seqs], or NULL: none has one */
    double scale;
    const void *qkv; /* [T,(H+2KV)*D], rotated */
    void *out;       /* [T,H*D] */
    void *lse;       /* [T,H] real, or NULL where no backward follows */
} k_attn;
typedef struct k_attn_bwd {
    k_type type;
    int64_t tokens, n_seqs, max_seqlen, heads, kv_heads, head_dim;
    const int32_t *cu_seqlens, *parents;
    double scale;
    const void *qkv, *out, *lse, *dout;
    void *delta; /* [T,H] real: scratch */
    void *dqkv;  /* [T,(H+2KV)*D] = */
} k_attn_bwd;

/* kv_append: the k and v heads of row t go to slot slots[t] = block * block_size + offset of the cache; a negative slot
 * is left out. Caches are [n_blocks, KV, block_size, D]; the order of the numbers within a block is the backend's own
 * (blocks may be copied whole, between caches of one backend). */
typedef struct k_kv_append {
    k_type type;
    int64_t tokens, heads, kv_heads, head_dim, block_size, n_blocks;
    const int32_t *slots; /* [T] */
    const void *qkv;      /* rotated */
    void *k_cache, *v_cache;
} k_kv_append;

/* Attention of T query rows against cached keys (decoding, or a prompt in pieces). Row t belongs to sequence seq_of[t]
 * and attends to its positions 0 .. positions[t], which lie in the blocks block_tables[seq, p / block_size]; its own key
 * must have been appended. Same numbers as attn at that row. */
typedef struct k_attn_paged {
    k_type type;
    int64_t tokens, n_seqs, heads, kv_heads, head_dim, block_size, n_blocks, max_blocks;
    const int32_t *seq_of, *positions; /* [T] */
    const int32_t *block_tables;       /* [n_seqs, max_blocks] */
    double scale;
    const void *qkv;                   /* [T,(H+2KV)*D]: only q is read */
    const void *k_cache, *v_cache;
    void *out;                         /* [T,H*D] */
} k_attn_paged;

/* ---- SwiGLU (Shazeer, arXiv:2002.05202, eq. 6), element by element ------------------------------------------------- */

/* swiglu:      y = silu(gate) * up,  silu(g) = g / (1 + exp(-g))
 * swiglu_bwd:  dgate = dy * up * sigma(g) (1 + g (1 - sigma(g))),  dup = dy * silu(g).  dgate_up may be gate_up. */
typedef struct k_swiglu {
    k_type type;
    int64_t tokens, f;
    const void *gate_up; /* [T,2F] */
    void *y;             /* [T,F] */
} k_swiglu;
typedef struct k_swiglu_bwd {
    k_type type;
    int64_t tokens, f;
    const void *gate_up, *dy;
    void *dgate_up;
} k_swiglu_bwd;

/* ---- arrays ------------------------------------------------------------------------------------------------------ */

/* add: y = a + b (y may be a or b).  axpy: y += alpha x.  scale: y = alpha y. */
typedef struct k_add {
    k_type type;
    int64_t n;
    const void *a, *b;
    void *y;
} k_add;
typedef struct k_axpy { /* also scale: x is not read */
    k_type type;
    int64_t n;
    double alpha;
    const void *x;
    void *y;
} k_axpy;

/* cast: y = x in another type (any pair this backend knows; the same type copies). */
typedef struct k_cast {
    k_type x_type, y_type;
    int64_t n;
    const void *x;
    void *y;
} k_cast;

/* copy_rows: y[y_rows[r]] = x[x_rows[r]] for r < rows, n numbers each; NULL indices are 0, 1, 2 ...; strides in numbers.
 * A row of y must be named once only. Where accumulate: y += instead, in the order of r; a row of y may be named often. */
typedef struct k_copy_rows {
    k_type type;
    int64_t rows, n, x_stride, y_stride;
    const void *x;
    const int32_t *x_rows; /* [rows] or NULL */
    void *y;
    const int32_t *y_rows; /* [rows] or NULL */
    bool accumulate;
} k_copy_rows;

/* ---- the head: log-probabilities without keeping [M,V] ------------------------------------------------------------- */

/* z = h w^T / temperature, in real, each rounded before and after the division;  max = max_j z_j;
 * log_sum = log sum_j exp(z_j - max);  logp = z[target] - max - log_sum, from left to right: a row's lse may be large, and its
 * last bits are those of logp;  entropy = log_sum - sum_j p_j (z_j - max);  lse = max + log_sum, for the
 * gradient. In chunks of rows through `scratch` (lmhead_scratch bytes). */
typedef struct k_lmhead {
    k_type type, h_type;
    int64_t m, d, vocab;
    double temperature;     /* > 0 */
    const void *h, *w;      /* [M,d] of h_type, [V,d] */
    const void *packed;     /* w for K_PACK_NT, or NULL */
    const int32_t *targets; /* [M], 0 <= target < vocab */
    void *logp;             /* [M] real */
    void *entropy;          /* [M] real, or NULL */
    void *lse;              /* [M] real */
    void *scratch;
} k_lmhead;

/* For a loss L of logp and entropy, row by row, with c = coef = dL/dlogp and e = ecoef = dL/dentropy:
 * dz_j = c (1[j = target] - p_j) - e p_j (log p_j + entropy);   dh = dz w / temperature;   dw += dz^T h / temperature.
 * lse (and entropy, where ecoef is given) are those of lmhead_logprob on the same h and w. Rows with c = e = 0 add nothing.
 *
 * Where `logp` is given, lmhead_logprob is not needed before: logp, lse and entropy (or NULL) are written, as it would to the
 * bit, from the logits that are here for the gradient. For losses whose coefficients are known without them (cross-entropy). */
typedef struct k_lmhead_grad {
    k_type type, h_type;                       /* h_type: of h and dh */
    int64_t m, d, vocab;
    double temperature;
    const void *h, *w, *packed_nt, *packed_nn; /* packed: or NULL */
    const int32_t *targets;
    const void *coef, *ecoef;                  /* [M] real; ecoef: or NULL */
    void *logp;                                /* [M] real =, or NULL */
    void *lse;                                 /* [M] real; = where logp is given */
    void *entropy;                             /* [M] real; = where logp is given; NULL only where ecoef is */
    void *dh;                                  /* [M,d] =, or NULL */
    void *dw;                                  /* [V,d] real, or NULL (a frozen head) */
    void *scratch;
} k_lmhead_grad;

/* ---- sampling ---------------------------------------------------------------------------------------------------- */

/* How one row is sampled. The draw depends on (seed, prompt, sample, position) alone, see philox.h; so a sample is the same
 * whatever it is batched with. */
typedef struct k_sample_row {
    uint64_t seed, prompt;
    uint32_t sample, position;
    float temperature; /* 0: the largest logit, of equal ones the first; log-probs are then those of temperature 1 */
    float top_p;       /* 1: off */
    float min_p;       /* 0: off */
    int32_t top_k;     /* 0: off */
} k_sample_row;

/* p = softmax(logits / temperature) over the whole row, logp and entropy by the same steps as lmhead_logprob: the same
 * numbers. Ids from n_valid on are never drawn. The others are ranked by p, equal ones by id. Kept are: the first top_k; of
 * those, renormalised, each whose predecessors sum to less than top_p; of those, each with p >= min_p * the largest p.
 * id: with u of the draw, the first kept id (in the order of ids) at which the kept p sum to more than u * their total.
 * logp: log p[id]; kept_logp: log of p[id] over the kept total; entropy: of p. */
typedef struct k_sample {
    k_type type; /* of the logits: real (K_F32 or K_F64) */
    int64_t rows, vocab, n_valid;
    const void *logits;       /* [rows,vocab] */
    const k_sample_row *how;  /* [rows] */
    int32_t *ids;             /* [rows] */
    void *logp, *kept_logp;   /* [rows] real, or NULL */
    void *entropy;            /* [rows] real, or NULL */
    void *scratch;            /* sample_scratch bytes */
} k_sample;

/* ---- optimizer --------------------------------------------------------------------------------------------------- */

/* AdamW (Loshchilov, Hutter, arXiv:1711.05101, algorithm 2) over a flat range, with g = grad * grad_scale:
 * m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 * p = p (1 - lr weight_decay) - lr / (1 - b1^step) * m / (sqrt(v / (1 - b2^step)) + eps);  copy = round(p)
 *
 * Without a master p is copy, in and out, and is rounded up or down by chance, so that it is right on the mean (stochastic
 * rounding: Gupta et al., arXiv:1502.02551, section 3): to the bits of the float p are added 16 that are drawn, and the lower
 * half is cut off; what is not finite is rounded as elsewhere. Element i draws the upper half of word (first + i) % 4 of
 * Philox with key = seed, counter = ((first + i) / 4, step), 64 bits each, low word first. */
typedef struct k_adamw {
    k_type real;              /* of master, m, v, grad: K_F32 or K_F64 */
    int64_t n, step;          /* step: 1 at the first */
    double lr, beta1, beta2, eps, weight_decay, grad_scale;
    void *master, *m, *v;     /* [n] in and out; master NULL: there is none, real is K_F32 and copy_type K_BF16 */
    const void *grad;         /* [n] */
    void *copy;               /* [n] of copy_type: the weights computed with, or NULL where they are the master */
    k_type copy_type;
    uint64_t seed, first;     /* of the chance, where there is no master; first: number of element 0 in the whole array */
} k_adamw;

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef struct k_options {
    int n_threads;   /* 0: as many as this process may run on */
    /* "cpu": at most this ("scalar", "avx2", "avx512", "avx512bf16", "amx"). "cuda": "own": products by kernels of ours alone, whose
     * rows do not depend on how many there are; else by cuBLASLt where it is found, which promises that of a shape only.
     * NULL: the best there is. */
    const char *isa;
    int index;       /* which device, where there are several */
    /* "cuda": a folder where the algorithms of cuBLASLt that were the fastest are kept (kernels/cuda/cublaslt.cu), so that the
     * same are taken each time. NULL: the first that it names are, untimed. Copied. */
    const char *choices;
    /* Told of what is not as was wished and yet goes on: a sentence without a full stop, at open or by an operation, in its
     * thread. NULL: nobody is. */
    void (*note)(const char *text);
    /* "cpu": without the processor's matrix unit, whose copies of weights are larger (docs/ENGINE.md), where neither isa nor
     * ASSAY_CPU_LEVEL says which level. */
    bool by_vectors;
} k_options;

typedef struct k_backend k_backend;
typedef struct k_device { /* a backend's own device begins with this */
    const k_backend *ops;
} k_device;
typedef void k_lane_fn(void *ctx, int i, k_device *lane);
typedef struct k_recording k_recording; /* a backend's own */

#define K_TABLE_VERSION 7
struct k_backend {
    uint32_t version;  /* K_TABLE_VERSION: a table loaded from a library must agree */
    uint32_t types;    /* bit (1 << type) for each it computes in */
    const char *name;
    const char *level; /* the instructions it was compiled for, with which the last bits of results go; NULL: of one kind only */

    int (*open)(k_device **out, const k_options *options);
    void (*close)(k_device *dev);                              /* waits; NULL is fine */
    void *(*alloc)(k_device *dev, size_t size);                /* 64-byte aligned, not zeroed; NULL: no memory */
    void (*free)(k_device *dev, void *p);                      /* NULL is fine */
    int (*zero)(k_device *dev, void *p, size_t size);
    int (*copy_to)(k_device *dev, void *to, const void *from_host, size_t size);
    int (*copy_from)(k_device *dev, void *to_host, const void *from, size_t size); /* returns when it is there */
    int (*copy)(k_device *dev, void *to, const void *from, size_t size);           /* within the device */
    int (*sync)(k_device *dev);
    /* Bytes of the device's memory: those nobody has yet, and all; 0 and 0 where that is not known. */
    int (*memory)(k_device *dev, size_t *unused, size_t *all);
    /* A sentence of why the calling thread was last given this status (by open, by alloc: K_ENOMEM, by an operation), and what
     * helps, without a full stop; "" where that is not known. NULL where a backend never knows. k_why asks it. */
    void (*why)(int status, char *why, size_t size);

    /* Recordings: operations between record and recorded are not done but kept, with their arguments, and play issues them
     * all at once, as often as one likes; the memory they name must be there still. Not recorded, and refused meanwhile
     * (K_EARG): alloc, free, copy_to, copy_from, sync, sum_squares, pack. After an operation that failed, or where a backend
     * cannot record it, recorded says so (K_EDEVICE), and there is none. All four are NULL where a backend has no recordings. */
    int (*record)(k_device *dev);
    int (*recorded)(k_device *dev, k_recording **out);
    int (*play)(k_device *dev, k_recording *what);
    void (*forget)(k_device *dev, k_recording *what); /* NULL is fine */

    /* Lanes: parts of a device, each issuing operations from a thread of its own, for work that falls into pieces which need
     * nothing of each other (sequences that are decoded). in_lanes calls work(ctx, i, lane) for i < n, at once as far as
     * there are lanes, and returns when all have; meanwhile nobody issues on dev. A lane has dev's memory and gives dev's
     * results, to the bit; it is not to be kept, closed, or asked for lanes. None may write what another reads. */
    int (*n_lanes)(k_device *dev); /* that run at once, at least 1 */
    int (*in_lanes)(k_device *dev, int n, k_lane_fn *work, void *ctx);

    /* Bytes a packed w[n,k] takes, 0 where this backend has no use for one; pack fills memory of that size. */
    size_t (*pack_bytes)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how);
    int (*pack)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how, const void *w, void *packed);
    /* Bytes of the backend's own, which stay for the next ones, that the products of a linear layer w[n,k] with m rows take:
     * forward (packed where it can be) and backward; 0 where that was taken when the device was opened. */
    size_t (*product_bytes)(k_device *dev, k_type type, k_type x_type, int64_t m, int64_t n, int64_t k);
    int (*gemm_nt)(k_device *dev, const k_gemm *a);
    int (*gemm_nn)(k_device *dev, const k_gemm_dx *a);
    int (*gemm_tn)(k_device *dev, const k_gemm_dw *a);

    int (*embed)(k_device *dev, const k_embed *a);
    int (*embed_bwd)(k_device *dev, const k_embed_bwd *a);
    int (*rmsnorm)(k_device *dev, const k_rmsnorm *a);
    int (*rmsnorm_bwd)(k_device *dev, const k_rmsnorm_bwd *a);
    int (*rope)(k_device *dev, const k_rope *a);
    int (*attn)(k_device *dev, const k_attn *a);
    int (*attn_bwd)(k_device *dev, const k_attn_bwd *a);
    int (*kv_append)(k_device *dev, const k_kv_append *a);
    int (*attn_paged)(k_device *dev, const k_attn_paged *a);
    int (*swiglu)(k_device *dev, const k_swiglu *a);
    int (*swiglu_bwd)(k_device *dev, const k_swiglu_bwd *a);

    int (*add)(k_device *dev, const k_add *a);
    int (*axpy)(k_device *dev, const k_axpy *a);
    int (*scale)(k_device *dev, const k_axpy *a);
    int (*cast)(k_device *dev, const k_cast *a);
    int (*copy_rows)(k_device *dev, const k_copy_rows *a);
    /* out [host]: sum of x^2 in double, over chunks of 4096 numbers, the chunks' sums added in order */
    int (*sum_squares)(k_device *dev, k_type type, int64_t n, const void *x, double *out);

    size_t (*lmhead_scratch)(k_device *dev, k_type type, int64_t m, int64_t d, int64_t vocab); /* for both, never 0 */
    int (*lmhead_logprob)(k_device *dev, const k_lmhead *a);
    int (*lmhead_grad)(k_device *dev, const k_lmhead_grad *a);
    size_t (*sample_scratch)(k_device *dev, int64_t rows, int64_t vocab);
    int (*sample)(k_device *dev, const k_sample *a);
    int (*adamw)(k_device *dev, const k_adamw *a);
};

/* Backends of this build: "naive-f64" and "naive-f32" (scalar, one thread: what the others are measured against), "cpu".
 * NULL for a name that is not there. */
const k_backend *k_backend_find(const char *name);
const k_backend *k_backend_at(size_t i); /* the i-th, NULL after the last */

/* Adds the backend of a shared library (libassay_cuda.so: "cuda"), for as long as the process lives; before others look,
 * by one thread. The same library again is fine. 0; K_EARG: it is not to be had, or not of this build; K_EDEVICE: it has
 * no device here. why: a sentence that names the library, without a full stop. */
int k_backend_load(const char *path, char *why, size_t size);
const k_backend *k_backend_loaded(void); /* NULL: none */
/* The i-th operation that a backend lacks (its pointer is NULL) by its name in k_backend, why and the recordings aside; NULL
 * after the last. */
const char *k_backend_missing(const k_backend *backend, size_t i);

/* options NULL: zeroes. 0, K_EARG (no such name), K_ENOMEM, K_EDEVICE. */
int k_device_open(k_device **out, const char *backend, const k_options *options);
/* What a status of this backend means: its own sentence of it where it has one, else k_status_text. */
void k_why(const k_backend *backend, int status, char *why, size_t size);
void k_device_close(k_device *dev); /* NULL is fine; memory of the device must have been freed */
#ifdef __cplusplus
}
#endif
#endif
