/* gen_pass.c -- see gen_pass.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/gen_pass.h"

#include "base/mem.h"

#include <string.h>

static int make_arrays(as_gen_pass *p, as_err *err)
{
    const size_t seqs = (size_t)(p->max_seqs * p->n_lanes),
                 tokens = (size_t)(p->max_tokens * p->n_lanes);
    as_gen_batch *all = &p->all;
    size_t tables;
    if (!as_mul_ok(seqs, (size_t)p->most_blocks, &tables))
        return as_fail(err, AS_ENOMEM, "no memory for the tables of %zu sequences", seqs);
    all->ids = as_calloc(tokens, sizeof *all->ids);
    all->positions = as_calloc(tokens, sizeof *all->positions);
    all->seq_of = as_calloc(tokens, sizeof *all->seq_of);
    all->tables = as_calloc(tables, sizeof *all->tables);
    all->rows = as_calloc(seqs, sizeof *all->rows);
    all->row_of = as_calloc(seqs, sizeof(as_gen_seq *));
    all->how = as_calloc(seqs, sizeof *all->how);
    all->sampled = as_calloc(seqs, sizeof *all->sampled);
    p->batches = as_calloc((size_t)p->n_lanes, sizeof *p->batches);
    p->passes = as_calloc((size_t)p->n_lanes, sizeof *p->passes);
    if (!all->ids || !all->positions || !all->seq_of || !all->tables || !all->rows ||
        !all->row_of || !all->how || !all->sampled || !p->batches || !p->passes)
        return as_fail(err, AS_ENOMEM, "no memory for passes of %zu sequences", seqs);
    return 0;
}

int as_gen_pass_init(as_gen_pass *p, const as_parameters *parameters, const as_run_options *options,
                     as_err *err)
{
    const as_run_options lane = as_lane_options(options);
    p->n_lanes = options->lanes > 1 ? options->lanes : 1;
    p->max_seqs = lane.seqs;
    p->max_tokens = lane.tokens;
    p->most_blocks = options->max_blocks;
    int rc = make_arrays(p, err);
    if (rc == 0)
        rc = as_run_new(&p->run, parameters, options, err);
    return rc == 0 && p->n_lanes > 1 ? as_lanes_new(&p->lanes, p->run, err) : rc;
}

void as_gen_pass_fini(as_gen_pass *p)
{
    as_lanes_free(p->lanes);
    as_run_free(p->run);
    void *const arrays[] = { p->all.ids,  p->all.positions, p->all.seq_of, p->all.tables,
                             p->all.rows, p->all.row_of,    p->all.how,    p->all.sampled,
                             p->batches,  p->passes };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    *p = (as_gen_pass){ 0 };
}

/* So many that one lane has no room for them are dealt out; fewer are computed by all threads
 * together, operation by operation. */
void as_gen_pass_begin(as_gen_pass *p, int64_t n_seqs)
{
    p->n = n_seqs > p->max_seqs ? p->n_lanes : 1;
    for (int64_t i = 0; i < p->n; i++) {
        const as_gen_batch *all = &p->all;
        const int64_t token = i * p->max_tokens, seq = i * p->max_seqs;
        p->batches[i] = (as_gen_batch){ .ids = all->ids + token,
                                        .positions = all->positions + token,
                                        .seq_of = all->seq_of + token,
                                        .tables = all->tables + seq * p->most_blocks,
                                        .rows = all->rows + seq,
                                        .row_of = all->row_of + seq,
                                        .how = all->how + seq,
                                        .sampled = all->sampled + seq };
    }
}

static as_gen_batch *emptiest(const as_gen_pass *p)
{
    as_gen_batch *found = &p->batches[0];
    for (int64_t i = 1; i < p->n; i++)
        if (p->batches[i].n_tokens < found->n_tokens)
            found = &p->batches[i];
    return found;
}

void as_gen_pass_take(as_gen_pass *p, as_gen_seq *s, size_t n, const as_sampling *how)
{
    const int64_t lanes = p->n == 1 ? p->n_lanes : 1; /* whose room is one's */
    as_gen_batch *b = emptiest(p);
    const size_t room = (size_t)(p->max_tokens * lanes - b->n_tokens);
    n = n < room ? n : room;
    if (n == 0 || b->n_tables == p->max_seqs * lanes)
        return;
    memcpy(b->tables + b->n_tables * p->most_blocks, s->table.blocks,
           (size_t)s->table.n * sizeof *b->tables);
    for (size_t i = 0; i < n; i++) {
        b->ids[b->n_tokens] = s->ids[s->n_cached + i];
        b->positions[b->n_tokens] = (int32_t)(s->n_cached + i);
        b->seq_of[b->n_tokens++] = (int32_t)b->n_tables;
    }
    b->n_tables++;
    s->n_cached += n;
    if (s->is_prefix || s->n_cached < s->n_ids)
        return;
    b->rows[b->n_rows] = (int32_t)(b->n_tokens - 1);
    b->how[b->n_rows] = (k_sample_row){ .seed = how->seed,
                                        .prompt = s->key,
                                        .sample = s->sample,
                                        .position = (uint32_t)(s->n_ids - s->n_prompt),
                                        .temperature = how->temperature,
                                        .top_p = how->top_p,
                                        .min_p = how->min_p,
                                        .top_k = how->top_k };
    b->row_of[b->n_rows++] = s;
}

int as_gen_pass_run(as_gen_pass *p, const as_kv_cache *cache, int64_t n_valid, as_err *err)
{
    for (int64_t i = 0; i < p->n; i++) {
        const as_gen_batch *b = &p->batches[i];
        p->passes[i] = (as_lane_pass){ .batch = { .n_tokens = b->n_tokens,
                                                  .n_seqs = b->n_tables,
                                                  .max_blocks = p->most_blocks,
                                                  .ids = b->ids,
                                                  .positions = b->positions,
                                                  .seq_of = b->seq_of,
                                                  .block_tables = b->tables,
                                                  .rows = b->rows,
                                                  .n_rows = b->n_rows },
                                       .how = b->how,
                                       .n_valid = n_valid,
                                       .out = b->sampled };
    }
    return p->n == 1 ? as_run_pass(p->run, p->passes, cache, err)
                     : as_lanes_pass(p->lanes, p->passes, cache, err);
}
