/* tiny_batch.h -- packed sequences with rows to score, and gradients on the host, for tests of
 * whole models. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_TINY_BATCH_H
#define AS_TESTS_TINY_BATCH_H
#include "tiny_model.h"

enum { SEQS_MOST = 12, ROWS_MOST = 128, TOKENS_MOST = 256 };

typedef struct batch {
    int32_t ids[TOKENS_MOST], cu[SEQS_MOST + 1], rows[ROWS_MOST], targets[ROWS_MOST];
    int32_t first_row[SEQS_MOST + 1]; /* rows of sequence s: first_row[s] .. first_row[s+1]-1 */
    int32_t parents[SEQS_MOST];
    bool has_parents;
    int32_t n_seqs;
} batch;

/* A sequence whose tokens from `prompt` on are scored. */
static inline void add(batch *b, const int32_t *ids, int32_t n, int32_t prompt)
{
    int32_t at = b->cu[b->n_seqs], row = b->first_row[b->n_seqs];
    assert_true(b->n_seqs < SEQS_MOST && at + n <= TOKENS_MOST && row + n - prompt <= ROWS_MOST);
    memcpy(b->ids + at, ids, (size_t)n * sizeof *ids);
    for (int32_t i = prompt; i < n; i++, row++) {
        b->rows[row] = at + i - 1;
        b->targets[row] = ids[i];
    }
    b->parents[b->n_seqs++] = -1;
    b->cu[b->n_seqs] = at + n;
    b->first_row[b->n_seqs] = row;
}

/* n tokens behind those of sequence `parent`, all scored, the last of them not read. */
static inline void add_child(batch *b, int32_t parent, const int32_t *ids, int32_t n)
{
    const int32_t s = b->n_seqs, at = b->cu[s], row = b->first_row[s];
    add(b, ids, n - 1, n - 1);
    for (int32_t i = 0; i < n; i++) {
        b->rows[row + i] = i ? at + i - 1 : b->cu[parent + 1] - 1;
        b->targets[row + i] = ids[i];
    }
    b->first_row[s + 1] = row + n;
    b->parents[s] = parent;
    b->has_parents = true;
}

static inline as_packed packed_of(const batch *b)
{
    as_packed p = { .n_tokens = b->cu[b->n_seqs],
                    .n_seqs = b->n_seqs,
                    .n_rows = b->first_row[b->n_seqs] };
    p.ids = b->ids;
    p.cu_seqlens = b->cu;
    p.parents = b->has_parents ? b->parents : NULL;
    p.rows = b->rows;
    p.targets = b->targets;
    return p;
}

/* Gradients, zeroed, on the device; freed with its free. */
static inline void *zeroed_grads(const tiny_model *m)
{
    const size_t bytes = m->index->n_elements * k_type_size(m->p->real);
    void *g = m->dev->ops->alloc(m->dev, bytes);
    assert_non_null(g);
    assert_int_equal(m->dev->ops->zero(m->dev, g, bytes), K_OK);
    return g;
}

/* As doubles; the caller as_frees. */
static inline double *host_grads(const tiny_model *m, const void *grads)
{
    const size_t n = m->index->n_elements;
    double *out = as_calloc(n, sizeof *out);
    float *narrow = as_calloc(n, sizeof *narrow);
    assert_true(out && narrow);
    if (m->p->real == K_F64) {
        assert_int_equal(m->dev->ops->copy_from(m->dev, out, grads, n * sizeof *out), K_OK);
    } else {
        assert_int_equal(m->dev->ops->copy_from(m->dev, narrow, grads, n * sizeof *narrow), K_OK);
        for (size_t i = 0; i < n; i++)
            out[i] = (double)narrow[i];
    }
    as_free(narrow);
    return out;
}

/* What runs of these tests have room for. */
static const as_run_options training = {
    .tokens = TOKENS_MOST, .seqs = SEQS_MOST, .rows = ROWS_MOST, .trains = true
};
#endif
