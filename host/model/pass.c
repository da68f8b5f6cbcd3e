/* pass.c -- a pass of sampling: a letter to the device, operations, a reply. Where the device makes
 * recordings, passes of decoding (each sequence one token, and a draw for each) are recorded, by
 * their number of sequences, and played from then on: what changes from pass to pass is in the
 * letter, which always lies in the same memory. See lanes.h.
 *
 * So that there are few recordings, the sequences are made up to a round number, by rows that read
 * the first sequence's first key and leave nothing; a row depends on its own sequence alone
 * (kernels.h), so they do not show.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/lanes.h"

#include "base/mem.h"
#include "model/run.h"

#include <math.h>
#include <string.h>

enum { MOST_RECORDINGS = 48 };

/* A shape of passes, all that their operations' arguments depend on beside the run. */
typedef struct shape {
    int64_t n, n_valid, max_blocks, n_blocks, block_size;
    const char *cache;
} shape;

typedef struct recorded {
    shape of;
    k_recording *recording; /* NULL: a pass like it was once computed, and may have to be prepared
                               for by the device */
    uint64_t last;          /* when it was used */
} recorded;

struct as_recordings {
    recorded all[MOST_RECORDINGS];
    int n;
    uint64_t now;
    bool is_given_up; /* the device could not record one */
};

void as_recordings_free(as_run *r)
{
    for (int i = 0; r->recordings && i < r->recordings->n; i++)
        r->ops->forget(r->dev, r->recordings->all[i].recording);
    as_free(r->recordings);
}

/* ---- draws ---- */

static int not_finite(const as_run *r, int64_t row, as_err *err)
{
    return as_fail(err, AS_EDATA,
                   "what a token is drawn from, row %lld, is not finite on %s%s: the weights are "
                   "damaged, or too large for it; look at them with \"assay model info\", or "
                   "compute in f32",
                   (long long)row, r->ops->name, r->p->act == K_BF16 ? " in bf16" : "");
}

void as_run_write_how(as_run *r, const k_sample_row *how, int64_t n, int64_t padded)
{
    const as_piece p = as_run_write(r, padded, sizeof *how);
    k_sample_row *to = p.host;
    for (int64_t i = 0; i < padded; i++)
        to[i] = how[i < n ? i : 0];
    r->a.how = p.dev;
}

void as_run_draw(as_run *r, int64_t n, int64_t n_valid)
{
    const size_t real = k_type_size(r->p->real), all = (size_t)n * real;
    char *reply = r->a.reply;
    k_sample a = { .type = r->p->real, .rows = n, .vocab = r->c->vocab, .n_valid = n_valid };
    a.logits = r->a.logits;
    a.how = r->a.how;
    a.logp = reply;
    a.kept_logp = reply + all;
    a.entropy = reply + 2 * all;
    a.ids = (int32_t *)(void *)(reply + 3 * all);
    a.scratch = r->a.sample_scratch;
    as_run_note(r, "sample", r->ops->sample(r->dev, &a));
}

static double number(const as_run *r, int64_t i)
{
    double wide;
    float narrow;
    if (r->p->real == K_F64) {
        memcpy(&wide, r->reply + (size_t)i * sizeof wide, sizeof wide);
        return wide;
    }
    memcpy(&narrow, r->reply + (size_t)i * sizeof narrow, sizeof narrow);
    return (double)narrow;
}

int as_run_read(as_run *r, int64_t n, int64_t drawn, int64_t n_valid, as_sampled *out, as_err *err)
{
    const size_t real = k_type_size(r->p->real), bytes = (size_t)drawn * as_reply_bytes(real);
    const char *ids = r->reply + (size_t)drawn * 3 * real;
    as_run_note(r, "copy_from", r->ops->copy_from(r->dev, r->reply, r->a.reply, bytes));
    int rc = as_run_status(r, err);
    for (int64_t i = 0; i < n && rc == 0; i++) {
        out[i] = (as_sampled){ .logp = number(r, i),
                               .kept_logp = number(r, drawn + i),
                               .entropy = number(r, 2 * drawn + i) };
        memcpy(&out[i].id, ids + (size_t)i * sizeof out[i].id, sizeof out[i].id);
        if (!isfinite(out[i].logp) || out[i].id < 0 || out[i].id >= n_valid)
            rc = not_finite(r, i, err);
    }
    return rc;
}

/* ---- passes ---- */

/* Rows of the last forward are those that are asked for: the head takes them where they are. */
static void compute(as_run *r, int64_t drawn, int64_t n_valid)
{
    as_run_layers(r);
    if (drawn == 0)
        return;
    as_run_head(r, r->a.h_last, drawn);
    as_run_draw(r, drawn, n_valid);
}

/* ---- recordings ---- */

/* One token of each sequence, and all are drawn for. */
static bool is_decoding(const as_run *r, const as_lane_pass *pass)
{
    const as_paged *b = &pass->batch;
    if (!r->ops->record || r->dev != r->p->dev || (r->recordings && r->recordings->is_given_up) ||
        !b->rows || b->n_rows != b->n_tokens || b->n_seqs != b->n_tokens)
        return false;
    for (int64_t i = 0; i < b->n_rows; i++)
        if (b->rows[i] != i)
            return false;
    return true;
}

/* The next number that recordings are made for: 1, 2, 4, 8, 16, 24 ... 64, 80 ... 256, 320 ...; not
 * beyond what the run has room for. */
static int64_t rounded_up(const as_run *r, int64_t n)
{
    const as_run_options *o = &r->options;
    const int64_t seqs = o->seqs < o->logit_rows ? o->seqs : o->logit_rows;
    const int64_t most = seqs < o->tokens ? seqs : o->tokens;
    int64_t step = n <= 64 ? 8 : n <= 256 ? 16 : 64;
    while (step > 1 && n <= step / 2) /* a power of two below 8 */
        step /= 2;
    const int64_t up = (n + step - 1) / step * step;
    return up < most ? up : most;
}

/* The recording of a shape; where there is none, an empty one takes a free place, or that of the
 * one that was not used for longest. */
static recorded *find(as_run *r, const shape *of)
{
    as_recordings *all = r->recordings;
    recorded *oldest = &all->all[0];
    for (int i = 0; i < all->n; i++) {
        recorded *one = &all->all[i];
        if (memcmp(&one->of, of, sizeof *of) == 0)
            return one;
        oldest = one->last < oldest->last ? one : oldest;
    }
    if (all->n < MOST_RECORDINGS)
        oldest = &all->all[all->n++];
    else
        r->ops->forget(r->dev, oldest->recording);
    *oldest = (recorded){ .of = *of };
    return oldest;
}

/* Operations that the device cannot keep, or that fail, are computed as they are, where failures
 * are told of. */
static void record(as_run *r, recorded *to, int64_t drawn, int64_t n_valid)
{
    int rc = r->ops->record(r->dev);
    if (rc == 0) {
        compute(r, drawn, n_valid);
        rc = r->ops->recorded(r->dev, &to->recording);
        rc = rc == 0 && r->status < 0 ? r->status : rc;
        r->status = 0;
    }
    if (rc < 0) {
        r->ops->forget(r->dev, AS_STEAL(to->recording));
        r->recordings->is_given_up = true;
    }
}

/* The second pass of a shape is recorded: the first lets the device prepare what it needs. */
static void play(as_run *r, const as_lane_pass *pass, const as_kv_cache *cache, int64_t drawn)
{
    const shape of = { .n = drawn,
                       .n_valid = pass->n_valid,
                       .max_blocks = pass->batch.max_blocks,
                       .n_blocks = cache->n_blocks,
                       .block_size = cache->block_size,
                       .cache = cache->memory };
    if (!r->recordings)
        r->recordings = as_calloc(1, sizeof *r->recordings);
    recorded *one = r->recordings ? find(r, &of) : NULL;
    if (one && one->last && !one->recording && r->status == 0)
        record(r, one, drawn, pass->n_valid);
    if (one && one->recording)
        as_run_note(r, "play", r->ops->play(r->dev, one->recording));
    else
        compute(r, drawn, pass->n_valid);
    if (one)
        one->last = ++r->recordings->now;
}

int as_run_pass(as_run *r, const as_lane_pass *pass, const as_kv_cache *cache, as_err *err)
{
    const as_paged *b = &pass->batch;
    int rc = as_run_check_paged(r, b, cache, err);
    if (rc == 0)
        rc = as_region_check(r->options.region, r, err);
    if (rc < 0)
        return rc;
    const bool is_recorded = is_decoding(r, pass);
    const int64_t more = is_recorded ? rounded_up(r, b->n_rows) - b->n_rows : 0;
    const int64_t drawn = b->n_rows + more;
    as_run_begin_letter(r);
    if (drawn > 0)
        as_run_write_how(r, pass->how, b->n_rows, drawn);
    as_run_write_paged(r, b, cache, b->n_tokens + more);
    as_run_send(r);
    if (is_recorded)
        play(r, pass, cache, drawn);
    else
        compute(r, drawn, pass->n_valid);
    return drawn > 0 ? as_run_read(r, b->n_rows, drawn, pass->n_valid, pass->out, err)
                     : as_run_status(r, err);
}
