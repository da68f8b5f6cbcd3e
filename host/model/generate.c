/* generate.c -- who is computed in a pass, who waits, who is done. See generate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/generate.h"

#include "base/mem.h"
#include "model/gen_pass.h"

#include <assert.h>
#include <string.h>

/* A prompt whose samples have not all begun. What they share is computed first, by a sequence of
 * its own: all of the prompt but its last token, which is each sample's to compute, with the draw
 * that follows. */
typedef struct group {
    as_gen_prompt prompt;
    int32_t *ids; /* the prompt's, ours */
    uint32_t n_begun;
    as_gen_seq *prefix; /* NULL: nothing is shared */
    bool is_ready;      /* the prefix is in the cache */
    struct group *next;
} group;

struct as_generator {
    const as_parameters *p;
    const as_model_config *c; /* of p's index */
    const as_tokenizer *tokenizer;
    as_gen_options options;
    int64_t most_blocks; /* of a sequence */
    as_gen_pass pass;
    as_kv_cache cache;
    as_kv_blocks blocks;
    size_t bytes;
    as_gen_counts counts;

    group *groups, **last;           /* in the order they came */
    as_gen_seq **running, **waiting; /* [max_seqs]: by age, oldest first; and those whose blocks
                                        were taken, oldest on top */
    int64_t n_running, n_waiting;
    bool is_at_end; /* next() has no more */
};

as_gen_options as_gen_standard(void)
{
    return (as_gen_options){ .max_seqs = 64, .batch_tokens = 512, .block_size = 16 };
}

as_run_options as_gen_run_options(const as_gen_options *o, k_device *dev, int64_t max_pos)
{
    enum { WORTH_A_LANE = 16 }; /* sequences: as many rows as keep a core's multipliers busy */
    const int64_t n = dev->ops->n_lanes(dev);
    return (as_run_options){ .tokens = o->batch_tokens,
                             .seqs = o->max_seqs,
                             .logit_rows = o->max_seqs,
                             .max_blocks = (max_pos + o->block_size - 1) / o->block_size,
                             .lanes = o->max_seqs >= n * WORTH_A_LANE ? n : 1,
                             .region = o->region };
}

const char *as_finish_text(as_finish f)
{
    return f == AS_FINISH_STOP ? "stop" : "length";
}

static int64_t blocks_for(const as_generator *g, size_t n_tokens)
{
    return ((int64_t)n_tokens + g->options.block_size - 1) / g->options.block_size;
}

/* ---- making one ---- */

static int check_options(const as_gen_options *o, as_err *err)
{
    enum { MOST = 1 << 20 };
    if (o->max_seqs < 1 || o->max_seqs > MOST || o->batch_tokens < o->max_seqs ||
        o->batch_tokens > MOST)
        return as_fail(err, AS_EUSAGE,
                       "%lld sequences in passes of %lld tokens: 1 to %d sequences, and at least "
                       "as many tokens",
                       (long long)o->max_seqs, (long long)o->batch_tokens, MOST);
    if (o->block_size < K_KEY_BLOCK || o->block_size % K_KEY_BLOCK || o->block_size > 4096)
        return as_fail(err, AS_EUSAGE,
                       "cache blocks of %lld positions: a multiple of %d up to 4096",
                       (long long)o->block_size, K_KEY_BLOCK);
    return 0;
}

static int make_arrays(as_generator *g, as_err *err)
{
    const size_t seqs = (size_t)g->options.max_seqs;
    g->running = as_calloc(seqs, sizeof(as_gen_seq *));
    g->waiting = as_calloc(seqs, sizeof(as_gen_seq *));
    return g->running && g->waiting ? 0
                                    : as_fail(err, AS_ENOMEM, "no memory for %zu sequences", seqs);
}

/* Behind the activations, where the two lie in a region. */
static int make_cache(as_generator *g, const as_run_options *run, as_err *err)
{
    const as_gen_options *o = &g->options;
    size_t passes = 0, cache = 0;
    char *memory = NULL;
    int rc = as_run_bytes(g->p, run, &passes, err);
    if (rc == 0)
        rc = as_kv_cache_bytes(g->p->index, g->p->act, o->n_blocks, o->block_size, &cache, err);
    if (rc < 0)
        return rc;
    if (!as_add_ok(passes, cache, &g->bytes))
        return as_fail(err, AS_ENOMEM, "passes and cache are larger than the address space");
    if (!o->region)
        return as_kv_cache_init(&g->cache, g->p, o->n_blocks, o->block_size, err);
    rc = as_region_part(o->region, passes, cache, &memory, err);
    return rc == 0 ? as_kv_cache_place(&g->cache, g->p, o->n_blocks, o->block_size, memory, err)
                   : rc;
}

static int make(as_generator *g, as_err *err)
{
    as_gen_options *o = &g->options;
    g->most_blocks = blocks_for(g, (size_t)g->p->max_pos);
    if (o->n_blocks == 0)
        o->n_blocks = o->max_seqs * g->most_blocks;
    int rc = make_arrays(g, err);
    const as_run_options run = as_gen_run_options(o, g->p->dev, g->p->max_pos);
    if (rc == 0)
        rc = make_cache(g, &run, err);
    if (rc == 0)
        rc = as_kv_blocks_init(&g->blocks, o->n_blocks, err);
    return rc == 0 ? as_gen_pass_init(&g->pass, g->p, &run, err) : rc;
}

int as_generator_new(as_generator **out, const as_parameters *p, const as_tokenizer *tokenizer,
                     const as_gen_options *options, as_err *err)
{
    int rc = check_options(options, err);
    if (rc < 0)
        return rc;
    as_generator *g = as_calloc(1, sizeof *g);
    if (!g)
        return as_fail(err, AS_ENOMEM, "no memory for a generator");
    g->p = p;
    g->c = &p->index->config;
    g->tokenizer = tokenizer;
    g->options = *options;
    g->last = &g->groups;
    rc = make(g, err);
    if (rc < 0)
        as_generator_free(g);
    else
        *out = g;
    return rc;
}

/* ---- groups and sequences ---- */

static void group_free(as_generator *g, group *of)
{
    as_gen_seq_free(of->is_ready ? of->prefix : NULL,
                    &g->blocks); /* else it is running, or waits */
    as_free(of->ids);
    as_free(of);
}

static void forget_all(as_generator *g)
{
    while (g->groups) {
        group *first = g->groups;
        g->groups = first->next;
        group_free(g, first);
    }
    g->last = &g->groups;
    while (g->n_running > 0)
        as_gen_seq_free(g->running[--g->n_running], &g->blocks);
    while (g->n_waiting > 0)
        as_gen_seq_free(g->waiting[--g->n_waiting], &g->blocks);
}

void as_generator_free(as_generator *g)
{
    if (!g)
        return;
    forget_all(g);
    as_gen_pass_fini(&g->pass);
    as_kv_cache_fini(&g->cache);
    as_kv_blocks_fini(&g->blocks);
    as_free(g->running);
    as_free(g->waiting);
    as_free(g);
}

static size_t longest(const as_generator *g, size_t n_prompt, const as_sampling *how)
{
    size_t context = (size_t)g->p->max_pos;
    return how->max_tokens < context - n_prompt ? n_prompt + how->max_tokens : context;
}

static int open_group(as_generator *g, const as_sampling *how, const as_gen_prompt *prompt,
                      as_err *err)
{
    const size_t n = prompt->n_ids;
    if (n == 0 || n >= (size_t)g->p->max_pos)
        return as_fail(
            err, AS_EDATA,
            "a prompt of %zu tokens: 1 to %lld leave room for an answer in the model's context", n,
            (long long)g->p->max_pos - 1);
    group *new = as_calloc(1, sizeof *new);
    int32_t *ids = as_calloc(n, sizeof *ids);
    if (!new || !ids) {
        as_free(new);
        as_free(ids);
        return as_fail(err, AS_ENOMEM, "no memory for a prompt of %zu tokens", n);
    }
    memcpy(ids, prompt->ids, n * sizeof *ids);
    new->prompt = *prompt;
    new->prompt.ids = new->ids = ids;
    int rc = 0;
    if (prompt->n > 1 && n > 1) {
        rc = as_gen_seq_new(&new->prefix, &new->prompt, n - 1, longest(g, n, how), g->most_blocks,
                            err);
        if (rc == 0) {
            new->prefix->is_prefix = true;
            g->running[g->n_running++] = new->prefix;
        }
    }
    *g->last = new;
    g->last = &new->next;
    return rc;
}

/* The prefix's whole blocks are shared; the last one, which the samples go on writing to, is
 * copied. False: for want of a block nothing is shared. */
static int share_prefix(as_generator *g, as_gen_seq *s, const as_gen_seq *prefix, as_err *err)
{
    const int64_t size = g->options.block_size, whole = (int64_t)prefix->n_cached / size;
    as_kv_table_share(&s->table, &g->blocks, &prefix->table, whole);
    s->n_cached = (size_t)(whole * size);
    if (s->n_cached < prefix->n_cached && as_kv_table_grow(&s->table, &g->blocks, whole + 1)) {
        s->n_cached = prefix->n_cached;
        return as_kv_cache_copy(&g->cache, prefix->table.blocks[whole], s->table.blocks[whole],
                                err);
    }
    return 0;
}

static int begin_sample(as_generator *g, const as_sampling *how, group *of, as_err *err)
{
    as_gen_seq *s;
    const size_t n = of->prompt.n_ids;
    int rc = as_gen_seq_new(&s, &of->prompt, n, longest(g, n, how), g->most_blocks, err);
    if (rc < 0)
        return rc;
    s->sample = of->prompt.first + of->n_begun++;
    if (g->tokenizer)
        s->decoder = as_decoder_start(g->tokenizer, true);
    g->running[g->n_running++] = s;
    return of->prefix ? share_prefix(g, s, of->prefix, err) : 0;
}

static void close_begun_groups(as_generator *g)
{
    for (group **at = &g->groups; *at;) {
        group *of = *at;
        if (of->n_begun < of->prompt.n) {
            at = &of->next;
            continue;
        }
        *at = of->next;
        group_free(g, of);
    }
    g->last = &g->groups;
    while (*g->last)
        g->last = &(*g->last)->next;
}

/* ---- who runs ---- */

static bool has_blocks_for(const as_generator *g, size_t n_tokens)
{
    return g->n_running == 0 || blocks_for(g, n_tokens) < g->blocks.n_free;
}

/* The first whose samples may begin. */
static group *ready_group(const as_generator *g)
{
    group *of = g->groups;
    while (of && ((of->prefix && !of->is_ready) || of->n_begun == of->prompt.n))
        of = of->next;
    return of;
}

static int admit(as_generator *g, const as_sampling *how, const as_gen_io *io, as_err *err)
{
    int rc = 0;
    while (rc == 0 && g->n_running < g->options.max_seqs) {
        group *ready = ready_group(g);
        as_gen_prompt prompt = { .n = 0 };
        if (g->n_waiting > 0) {
            if (!has_blocks_for(g, g->waiting[g->n_waiting - 1]->n_ids))
                break;
            g->running[g->n_running++] = g->waiting[--g->n_waiting];
        } else if (ready) {
            size_t shared = ready->prefix
                                ? ready->prefix->n_cached / (size_t)g->options.block_size *
                                      (size_t)g->options.block_size
                                : 0;
            if (!has_blocks_for(g, ready->prompt.n_ids - shared))
                break;
            rc = begin_sample(g, how, ready, err);
        } else if (g->is_at_end || g->blocks.n_free == 0) {
            break;
        } else {
            rc = io->next(io->ctx, &prompt, err);
            g->is_at_end = rc == 0;
            if (rc > 0)
                rc = prompt.n ? open_group(g, how, &prompt, err) : 0;
        }
    }
    close_begun_groups(g);
    return rc < 0 ? rc : 0;
}

/* The youngest's blocks are taken; it is computed again when there are enough. */
static void preempt(as_generator *g)
{
    as_gen_seq *s = g->running[--g->n_running];
    as_kv_table_clear(&s->table, &g->blocks);
    s->n_cached = 0;
    g->waiting[g->n_waiting++] = s;
    g->counts.preempted++;
}

/* What is shared can be computed by each for itself. */
static bool give_up_prefixes(as_generator *g)
{
    bool had = false;
    for (group *of = g->groups; of; of = of->next)
        if (of->prefix && of->is_ready) {
            as_gen_seq_free(of->prefix, &g->blocks);
            of->prefix = NULL;
            of->is_ready = false;
            had = true;
        }
    return had;
}

static size_t todo(const as_generator *g, const as_gen_seq *s)
{
    size_t left = s->n_ids - s->n_cached, most = (size_t)g->options.batch_tokens;
    return left < most ? left : most;
}

/* Everybody who runs has blocks for what may be computed of it now. */
static int find_blocks(as_generator *g, as_err *err)
{
    for (int64_t i = 0; i < g->n_running;) {
        as_gen_seq *s = g->running[i];
        if (as_kv_table_grow(&s->table, &g->blocks, blocks_for(g, s->n_cached + todo(g, s))))
            i++;
        else if (g->n_running > 1)
            preempt(g);
        else if (!give_up_prefixes(g))
            return as_fail(err, AS_EBUDGET,
                           "the cache's %lld blocks of %lld positions do not hold a sequence of "
                           "%zu tokens: more blocks, or "
                           "shorter ones",
                           (long long)g->options.n_blocks, (long long)g->options.block_size,
                           s->n_ids);
    }
    return 0;
}

/* ---- one pass ---- */

/* First those that are being written, then pieces of prompts while there is room. */
static void fill_pass(as_generator *g, const as_sampling *how)
{
    as_gen_pass_begin(&g->pass, g->n_running);
    for (int64_t i = 0; i < g->n_running; i++) {
        as_gen_seq *s = g->running[i];
        s->is_taken = !s->is_prefix && todo(g, s) == 1;
        if (s->is_taken)
            as_gen_pass_take(&g->pass, s, 1, how);
    }
    for (int64_t i = 0; i < g->n_running; i++) {
        as_gen_seq *s = g->running[i];
        if (!s->is_taken)
            as_gen_pass_take(&g->pass, s, todo(g, s), how);
    }
}

static void prefix_is_ready(as_generator *g, const as_gen_seq *s)
{
    for (group *of = g->groups; of; of = of->next)
        if (of->prefix == s)
            of->is_ready = true;
}

static int end_sample(const as_gen_seq *s, as_finish finish, const as_gen_io *io, as_err *err)
{
    int rc = as_buf_check(&s->text, err);
    const as_gen_sample sample = { .tag = s->tag,
                                   .sample = s->sample,
                                   .finish = finish,
                                   .ids = s->ids + s->n_prompt,
                                   .logp = s->logp,
                                   .entropy = s->entropy,
                                   .n = s->n_ids - s->n_prompt,
                                   .text = as_buf_str(&s->text) };
    return rc < 0 ? rc : io->done(io->ctx, &sample, err);
}

static void leave(as_generator *g, const as_gen_seq *s)
{
    int64_t i = 0;
    while (g->running[i] != s)
        i++;
    g->n_running--;
    memmove(g->running + i, g->running + i + 1, (size_t)(g->n_running - i) * sizeof *g->running);
}

static int take_up_batch(as_generator *g, const as_gen_batch *b, const as_gen_ends *ends,
                         const as_gen_io *io, as_err *err)
{
    int rc = 0;
    g->counts.tokens += (uint64_t)b->n_tokens;
    g->counts.sampled += (uint64_t)b->n_rows;
    for (int64_t i = 0; i < b->n_rows && rc == 0; i++) {
        as_gen_seq *s = b->row_of[i];
        as_finish finish;
        if (!as_gen_seq_add(s, &b->sampled[i], ends, &finish))
            continue;
        leave(g, s);
        rc = end_sample(s, finish, io, err);
        as_gen_seq_free(s, &g->blocks);
    }
    return rc;
}

static int take_up_samples(as_generator *g, const as_gen_ends *ends, const as_gen_io *io,
                           as_err *err)
{
    int rc = 0;
    for (int64_t i = 0; i < g->pass.n && rc == 0; i++)
        rc = take_up_batch(g, &g->pass.batches[i], ends, io, err);
    for (int64_t i = g->n_running - 1; i >= 0; i--) {
        as_gen_seq *s = g->running[i];
        if (s->is_prefix && s->n_cached == s->n_ids) {
            leave(g, s);
            prefix_is_ready(g, s);
        }
    }
    return rc;
}

static int pass(as_generator *g, const as_gen_ends *ends, const as_gen_io *io, as_err *err)
{
    int rc = find_blocks(g, err);
    if (rc < 0)
        return rc;
    uint64_t taken = (uint64_t)(g->options.n_blocks - g->blocks.n_free);
    if (taken > g->counts.most_blocks)
        g->counts.most_blocks = taken;
    g->counts.passes++;
    fill_pass(g, ends->how);
    const int64_t known = g->tokenizer ? as_tokenizer_size(g->tokenizer) : g->c->vocab;
    rc = as_gen_pass_run(&g->pass, &g->cache, known < g->c->vocab ? known : g->c->vocab, err);
    if (rc < 0)
        return rc;
    return take_up_samples(g, ends, io, err);
}

/* ---- all of it ---- */

static int check_sampling(const as_generator *g, const as_sampling *how, as_err *err)
{
    if (how->max_tokens == 0)
        return as_fail(err, AS_EUSAGE, "at most 0 tokens of a completion: it takes at least 1");
    if (!(how->temperature >= 0) || how->temperature > 1e4F)
        return as_fail(err, AS_EUSAGE, "temperature %g: 0 (the likeliest token) to 10000",
                       (double)how->temperature);
    if (!(how->top_p > 0) || how->top_p > 1)
        return as_fail(err, AS_EUSAGE, "top_p %g: above 0, up to 1 (off)", (double)how->top_p);
    if (!(how->min_p >= 0) || how->min_p > 1)
        return as_fail(err, AS_EUSAGE, "min_p %g: 0 (off) to 1", (double)how->min_p);
    if (how->top_k < 0)
        return as_fail(err, AS_EUSAGE, "top_k %d: 0 (off) or more", (int)how->top_k);
    if (how->n_stops && !g->tokenizer)
        return as_fail(err, AS_EUSAGE, "stop texts need a tokenizer");
    return 0;
}

int as_generate(as_generator *g, const as_sampling *how, const as_gen_io *io, as_err *err)
{
    as_gen_ends ends = {
        .how = how, .eos = g->c->eos, .n_eos = g->c->n_eos, .has_text = g->tokenizer != NULL
    };
    for (size_t i = 0; i < how->n_stops; i++)
        if (how->stops[i].len > ends.longest_stop)
            ends.longest_stop = how->stops[i].len;
    int rc = check_sampling(g, how, err);
    g->is_at_end = false;
    as_run_claim(g->pass.run);
    while (rc == 0) {
        rc = admit(g, how, io, err);
        if (rc < 0 || g->n_running == 0)
            break;
        if (io->check)
            rc = io->check(io->ctx, err);
        if (rc == 0)
            rc = pass(g, &ends, io, err);
    }
    forget_all(g);
    return rc;
}

as_gen_counts as_generator_counts(const as_generator *g)
{
    return g->counts;
}

size_t as_generator_bytes(const as_generator *g)
{
    return g->bytes;
}
