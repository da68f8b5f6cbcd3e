/* generate_write.c -- the samples of `assay generate`: they end in any order, and stand in the file
 * in that of the prompts, so that the same run writes the same file, and one that was cut is gone
 * on with from its last whole line. SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/generate.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

/* A prompt some of whose samples are not written yet. */
typedef struct ticket {
    char *id; /* raw JSON */
    uint32_t n, n_written;
    as_buf *lines;  /* [n] those that ended before their turn */
    bool *is_there; /* [n] */
    struct ticket *next;
} ticket;

struct gen_writer {
    gen_writing how;
    as_sink *sink;
    ticket *first, **last;
    gen_totals totals;
    /* of an earlier run: whole lines, read again one by one as their turn comes */
    as_source *kept_source;
    as_lines *kept_lines;
    as_buf kept_bytes;
    bool is_past_kept;
};

/* ---- one line ---- */

static void add_numbers(as_buf *out, const char *key, const float *x, size_t n)
{
    as_buf_json_key(out, key);
    as_buf_byte(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            as_buf_byte(out, ',');
        as_buf_json_float(out, x[i]);
    }
    as_buf_byte(out, ']');
}

static double sum(const float *x, size_t n)
{
    double all = 0;
    for (size_t i = 0; i < n; i++)
        all += (double)x[i];
    return all;
}

/* NAN where they are not known. */
static double logp_of(const gen_row *s)
{
    return s->logp ? sum(s->logp, s->n) : (double)NAN;
}

static double entropy_of(const gen_row *s)
{
    return s->entropy && s->n ? sum(s->entropy, s->n) / (double)s->n : (double)NAN;
}

static void add_line(const gen_writer *w, as_buf *out, as_str id, const gen_row *s)
{
    as_buf_text(out, "{\"schema\":\"assay.sample/1\"");
    as_buf_json_key(out, "problem_id");
    as_buf_add(out, id);
    as_buf_json_key(out, "sample_idx");
    as_buf_u64(out, s->sample);
    as_buf_json_key(out, "seed");
    as_buf_u64(out, s->seed);
    as_buf_json_key(out, "completion");
    as_buf_json_str(out, s->text);
    as_buf_json_key(out, "finish_reason");
    as_buf_json_str(out, s->finish);
    as_buf_json_key(out, "n_tokens");
    as_buf_u64(out, s->n);
    as_buf_json_key(out, "sum_logp");
    as_buf_json_num(out, logp_of(s));
    as_buf_json_key(out, "entropy_mean");
    as_buf_json_num(out, entropy_of(s));
    if (s->reasoning.data) {
        as_buf_json_key(out, "reasoning");
        as_buf_json_str(out, s->reasoning);
    }
    if (w->how.token_ids && s->ids) {
        as_buf_json_key(out, "token_ids");
        as_buf_byte(out, '[');
        for (size_t i = 0; i < s->n; i++) {
            if (i)
                as_buf_byte(out, ',');
            as_buf_u64(out, (uint64_t)s->ids[i]);
        }
        as_buf_byte(out, ']');
    }
    if (w->how.logprobs && s->logp)
        add_numbers(out, "logprobs", s->logp, s->n);
    as_buf_text(out, "}\n");
}

/* ---- in order ---- */

static void ticket_free(ticket *t)
{
    for (uint32_t i = 0; t->lines && i < t->n; i++)
        as_buf_fini(&t->lines[i]);
    as_free(t->lines);
    as_free(t->is_there);
    as_free(t->id);
    as_free(t);
}

static ticket *ticket_new(as_str id, uint32_t n)
{
    ticket *t = as_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->n = n;
    t->id = as_strndup(id.data, id.len);
    t->lines = as_calloc(n, sizeof *t->lines);
    t->is_there = as_calloc(n, sizeof *t->is_there);
    if (!t->id || !t->lines || !t->is_there) {
        ticket_free(t);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        as_buf_init(&t->lines[i], SIZE_MAX / 2);
    return t;
}

/* All whose turn it is. */
static int write_due(gen_writer *w, as_err *err)
{
    int rc = 0;
    while (rc == 0 && w->first) {
        ticket *t = w->first;
        while (rc == 0 && t->n_written < t->n && t->is_there[t->n_written]) {
            as_buf *line = &t->lines[t->n_written++];
            rc = as_buf_check(line, err);
            if (rc == 0)
                rc = as_sink_write(w->sink, as_buf_str(line), err);
            if (rc == 0 && w->how.line) /* who reads it there finds it in the file */
                rc = as_sink_flush(w->sink, err);
            if (rc == 0 && w->how.line)
                rc = w->how.line(w->how.ctx, (as_str){ line->data, line->len - 1 }, err);
            as_buf_fini(line);
        }
        if (t->n_written < t->n)
            break;
        w->first = t->next;
        if (!w->first)
            w->last = &w->first;
        ticket_free(t);
    }
    return rc == 0 && strcmp(w->how.path, "-") != 0 ? as_sink_flush(w->sink, err) : rc;
}

static void count(gen_totals *t, uint64_t n_tokens, bool is_stopped, double sum_logp,
                  double entropy_mean)
{
    t->samples++;
    t->tokens += n_tokens;
    t->stopped += is_stopped;
    if (!isnan(sum_logp)) {
        t->logp_tokens += n_tokens;
        t->sum_logp += sum_logp;
    }
    if (!isnan(entropy_mean)) {
        t->entropy_tokens += n_tokens;
        t->sum_entropy += entropy_mean * (double)n_tokens;
    }
}

int gen_writer_put(gen_writer *w, const gen_row *row, as_err *err)
{
    ticket *t = row->ticket;
    assert(row->sample < t->n && !t->is_there[row->sample]);
    add_line(w, &t->lines[row->sample], as_str_of(t->id), row);
    t->is_there[row->sample] = true;
    count(&w->totals, row->n, as_str_is(row->finish, "stop"), logp_of(row), entropy_of(row));
    return write_due(w, err);
}

/* ---- what an earlier run has written ---- */

/* A number, or null for one that was not known. */
static bool number_or_null(as_jspan x, double *out)
{
    *out = (double)NAN;
    return x.kind == AS_J_NULL || as_jnumber(x, out);
}

static int count_kept(gen_writer *w, const as_line *line, as_str id, uint32_t sample, as_err *err)
{
    as_jspan row;
    unsigned long long index = 0, tokens = 0;
    double logp = 0, entropy = 0;
    int rc = as_json_scan(line->text, &row, err);
    if (rc == 0 &&
        (row.kind != AS_J_OBJECT || !as_str_eq(as_jobject_get(row, "problem_id").text, id) ||
         !as_junsigned(as_jobject_get(row, "sample_idx"), &index) || index != sample ||
         !as_junsigned(as_jobject_get(row, "n_tokens"), &tokens) ||
         !number_or_null(as_jobject_get(row, "sum_logp"), &logp) ||
         !number_or_null(as_jobject_get(row, "entropy_mean"), &entropy)))
        rc = as_fail(err, AS_EDATA,
                     "not sample %u of prompt %.*s, which is next; --force begins anew",
                     (unsigned)sample, (int)id.len, id.data);
    if (rc < 0) {
        as_err_prefix(err, "%s:%" PRIu64, w->how.path, line->no);
        return rc;
    }
    count(&w->totals, tokens, as_jspan_is(as_jobject_get(row, "finish_reason"), "stop"), logp,
          entropy);
    w->totals.kept++;
    w->totals.kept_tokens += tokens;
    return w->how.line ? w->how.line(w->how.ctx, line->text, err) : 0;
}

/* How many of the samples of this prompt are there. Behind the last line of the earlier run there
 * is nothing. */
static int take_kept(gen_writer *w, as_str id, uint32_t n, uint32_t *out, as_err *err)
{
    *out = 0;
    while (*out < n && !w->is_past_kept) {
        as_line line;
        size_t got = 0;
        int rc = as_lines_chunk(w->kept_lines, &w->kept_bytes, &line, 1, 1, &got, err);
        if (rc < 0)
            return rc;
        w->is_past_kept = rc == 0;
        if (rc == 0)
            break;
        rc = count_kept(w, &line, id, *out, err);
        if (rc < 0)
            return rc;
        (*out)++;
    }
    return 0;
}

int gen_writer_expect(gen_writer *w, as_str id, uint32_t n, void **ticket_of, uint32_t *first,
                      as_err *err)
{
    *first = 0;
    int rc = w->kept_lines ? take_kept(w, id, n, first, err) : 0;
    if (rc < 0 || *first == n)
        return rc;
    ticket *t = ticket_new(id, n);
    if (!t)
        return as_fail(err, AS_ENOMEM, "out of memory");
    t->n_written = *first;
    *w->last = t;
    w->last = &t->next;
    *ticket_of = t;
    return 0;
}

int gen_whole_lines(const char *path, uint64_t *n_lines, uint64_t *end, as_err *err)
{
    as_source *source = NULL;
    as_lines *lines = NULL;
    AS_CLEANUP(buf) as_buf bytes = { 0 };
    as_buf_init(&bytes, SIZE_MAX / 2);
    as_line line;
    size_t n = 0;
    *n_lines = *end = 0;
    if (!as_path_exists(path))
        return 0;
    int rc = as_source_open(&source, path, err);
    if (rc == 0)
        rc = as_lines_open(&lines, source, 0, err);
    while (rc == 0 && (rc = as_lines_chunk(lines, &bytes, &line, 1, 1, &n, err)) == 1) {
        if (!line.torn) {
            *end = line.end;
            ++*n_lines;
        }
        rc = as_cancel_check(as_cli_cancel(), err);
    }
    as_lines_close(lines);
    if (source)
        as_source_close(source);
    return rc;
}

/* ---- opening and closing ---- */

static int go_on(gen_writer *w, as_err *err)
{
    const char *path = w->how.path;
    uint64_t n = 0, end = 0;
    if (as_str_ends(as_str_of(path), ".gz") || as_str_ends(as_str_of(path), ".zst"))
        return as_fail(err, AS_EUSAGE,
                       "%s: a compressed file cannot be gone on with; --force begins anew", path);
    int rc = gen_whole_lines(path, &n, &end, err);
    if (rc == 0 && truncate(path, (off_t)end) < 0)
        rc = as_fail_errno(err, "%s", path);
    if (rc == 0)
        rc = as_source_open(&w->kept_source, path, err);
    return rc == 0 ? as_lines_open(&w->kept_lines, w->kept_source, 0, err) : rc;
}

int gen_writer_open(gen_writer **out, const gen_writing *how, as_err *err)
{
    gen_writer *w = as_calloc(1, sizeof *w);
    if (!w)
        return as_fail(err, AS_ENOMEM, "out of memory");
    w->how = *how;
    w->last = &w->first;
    as_buf_init(&w->kept_bytes, SIZE_MAX / 2);
    const bool goes_on = how->resume && as_path_exists(how->path);
    int rc = goes_on ? go_on(w, err) : 0;
    if (rc == 0)
        rc = as_sink_open(&w->sink, how->path,
                          goes_on      ? AS_SINK_APPEND
                          : how->force ? AS_SINK_OVERWRITE
                                       : AS_SINK_NEW,
                          err);
    if (rc < 0)
        (void)gen_writer_close(w, rc, NULL);
    else
        *out = w;
    return rc;
}

int gen_writer_close(gen_writer *w, int rc, as_err *err)
{
    if (!w)
        return rc;
    int closed = as_sink_close(w->sink, err);
    rc = rc < 0 ? rc : closed;
    while (w->first) {
        ticket *t = w->first;
        w->first = t->next;
        ticket_free(t);
    }
    as_lines_close(w->kept_lines);
    if (w->kept_source)
        as_source_close(w->kept_source);
    as_buf_fini(&w->kept_bytes);
    as_free(w);
    return rc;
}

const gen_totals *gen_writer_totals(const gen_writer *w)
{
    return &w->totals;
}
