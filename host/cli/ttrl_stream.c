/* ttrl_stream.c -- `assay ttrl --stream`: prompts as they come, on stdin or in a file that grows.
 * Each is kept before it is answered; a run that is gone on with begins with those that it had
 * accepted. SPDX-License-Identifier: Apache-2.0 */
#include "cli/ttrl_stream.h"

#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A longer line is no prompt, and this stands in its place. */
enum { LONGEST_LINE = 16 << 20 };
#define TOO_LONG "\"a line of more than 16 MiB\""

/* ---- lines one at a time ---- */

int stream_reader_open(stream_reader *r, const char *path, as_err *err)
{
    as_buf_init(&r->bytes, SIZE_MAX / 2);
    int rc = as_source_open(&r->source, path, err);
    return rc == 0 ? as_lines_open(&r->lines, r->source, LONGEST_LINE, err) : rc;
}

int stream_reader_next(stream_reader *r, as_err *err)
{
    as_err why = { 0 };
    size_t n;
    int rc = as_lines_chunk(r->lines, &r->bytes, &r->line, 1, 1, &n, &why);
    r->line.text = rc == 1 ? as_str_trim(r->line.text) : r->line.text;
    if (rc >= 0)
        return rc;
    if (rc != AS_EDATA || !as_lines_too_long(r->lines))
        return as_fail(err, rc, "%s", why.text);
    rc = as_lines_skip(r->lines, err);
    r->line = (as_line){ .text = AS_LIT(TOO_LONG), .torn = rc == 0 };
    return rc < 0 ? rc : 1;
}

void stream_reader_close(stream_reader *r)
{
    as_lines_close(r->lines);
    if (r->source)
        as_source_close(r->source);
    as_buf_fini(&r->bytes);
    *r = (stream_reader){ 0 };
}

/* ---- options ---- */

int ttrl_stream_check(const ttrl_opts *o, as_err *err)
{
    const char *why = NULL;
    if (!o->stream && (o->in || o->follow || !isnan(o->idle)))
        why = "--in, --follow and --idle say where prompts of --stream come from";
    else if (o->follow && (!o->in || strcmp(o->in, "-") == 0))
        why = "--follow waits for more of a file (--in FILE); a pipe is waited for as it is";
    else if (!isnan(o->idle) && !(o->idle > 0 && o->idle <= 1e9))
        why = "--idle: a number of seconds above 0";
    return why ? as_fail(err, AS_EUSAGE, "%s", why) : 0;
}

static const char *in_path(const ttrl_stream *st)
{
    return st->opts->in ? st->opts->in : "-";
}

/* ---- prompts by id ---- */

static int grow_places(ttrl_stream *st, as_err *err)
{
    const size_t n = st->places.n, cap = n * 2 + 256;
    as_strmap more;
    bool is_new;
    as_str *ids = as_realloc_array(st->ids, cap, sizeof *ids);
    st->ids = ids ? ids : st->ids;
    if (!ids || cap > UINT32_MAX || !as_strmap_init(&more, cap))
        return as_fail(err, AS_ENOMEM, "no memory for the ids of %zu prompts", n);
    for (size_t i = 0; i < n; i++)
        (void)as_strmap_add(&more, ids[i], (uint32_t)i, &is_new);
    as_strmap_fini(&st->places);
    st->places = more;
    return 0;
}

int stream_enter(ttrl_stream *st, as_str id, size_t *place, as_err *err)
{
    uint32_t found;
    bool is_new;
    *place = 0;
    if (as_strmap_find(&st->places, id, &found)) {
        *place = found;
        return 0;
    }
    int rc = st->places.n == st->places.n_max ? grow_places(st, err) : 0;
    if (rc == 0)
        rc = ttrl_watch_add(st->t, err);
    if (rc < 0)
        return rc;
    const as_str kept = as_arena_str(&st->names, id);
    if (!kept.data)
        return as_fail(err, AS_ENOMEM, "no memory for the ids of %zu prompts", st->places.n);
    *place = st->places.n;
    st->ids[st->places.n] = kept;
    (void)as_strmap_add(&st->places, kept, (uint32_t)st->places.n, &is_new);
    return 0;
}

size_t ttrl_stream_place(const ttrl_stream *st, const as_suite_item *item)
{
    return st->place_of[item - st->t->s->suite.items];
}

/* ---- opening ---- */

int ttrl_stream_open(ttrl_stream **out, ttrl_run *t, const ttrl_opts *o, as_err *err)
{
    rl *s = t->s;
    ttrl_stream *st = as_calloc(1, sizeof *st);
    if (!st)
        return as_fail(err, AS_ENOMEM, "out of memory");
    *out = st;
    st->opts = o;
    st->t = t;
    st->prompts.fd = st->answers.fd = -1;
    as_arena_init(&st->names, 0);
    as_buf_init(&st->out, (size_t)1 << 30);
    as_buf_init(&st->one, (size_t)1 << 28);
    as_buf_init(&st->refused, (size_t)1 << 20);
    st->place_of = as_calloc((size_t)s->own.train_batch_size, sizeof *st->place_of);
    if (!st->place_of)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const as_suite_reading how = { .tokenizer = s->t.tokenizer,
                                   .chat = s->t.chat,
                                   .as_chat = s->own.as_chat,
                                   .longest = s->suite.longest };
    return as_suite_reader_new(&st->suite, &s->suite, &how, (size_t)s->own.train_batch_size, err);
}

void ttrl_stream_close(ttrl_stream *st)
{
    if (!st)
        return;
    (void)as_growing_close(&st->prompts, NULL);
    (void)as_growing_close(&st->answers, NULL);
    stream_reader_close(&st->in);
    stream_reader_close(&st->again);
    stream_reader_close(&st->said);
    as_suite_reader_free(st->suite);
    as_strmap_fini(&st->places);
    as_arena_fini(&st->names);
    as_buf_fini(&st->out);
    as_buf_fini(&st->one);
    as_buf_fini(&st->refused);
    as_free(st->ids);
    as_free(st->place_of);
    as_free(st->prompts_path);
    as_free(st->answers_path);
    as_free(st);
}

void ttrl_stream_keep(ttrl_stream *st)
{
    training_keep_count(&st->t->s->t, "stream_lines", &st->kept_line);
}

void ttrl_stream_learned(ttrl_stream *st)
{
    st->kept_line = st->line;
}

/* ---- the run's two files ---- */

static int open_growing(as_growing *g, char **path, const ttrl_stream *st, const char *name,
                        as_err *err)
{
    *path = as_path_join(st->opts->train.out, name);
    return *path ? as_growing_open(g, *path, false, err) : as_fail(err, AS_ENOMEM, "out of memory");
}

/* What is read must not be what is written. */
static int refuse_own(const ttrl_stream *st, bool *is_file, as_err *err)
{
    const int own[] = { st->prompts.fd, st->answers.fd };
    struct stat in, out;
    const bool is_stdin = strcmp(in_path(st), "-") == 0;
    if ((is_stdin ? fstat(STDIN_FILENO, &in) : stat(in_path(st), &in)) != 0)
        return as_fail_errno(err, "%s", is_stdin ? "stdin" : in_path(st));
    *is_file = S_ISREG(in.st_mode);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (fstat(own[i], &out) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return as_fail(err, AS_EUSAGE,
                           "--in is a file that the run writes, in %s: copy it first",
                           st->opts->train.out);
    return 0;
}

/* Whole lines of what an earlier process wrote; a torn last one is cut off. */
static int mend(as_growing *g, const char *path, uint64_t *n, as_err *err)
{
    stream_reader r = { 0 };
    uint64_t end = 0;
    *n = 0;
    int rc = stream_reader_open(&r, path, err);
    while (rc == 0 && (rc = stream_reader_next(&r, err)) == 1 && !r.line.torn) {
        end = r.line.end;
        (*n)++;
        rc = as_cancel_check(as_cli_cancel(), err);
    }
    stream_reader_close(&r);
    return rc < 0 ? rc : as_growing_cut(g, end, err);
}

/* Both files up to what the checkpoint has learned, so that prompts that come again are known. */
static int recall_all(ttrl_stream *st, as_err *err)
{
    int rc = stream_reader_open(&st->again, st->prompts_path, err);
    if (rc == 0)
        rc = stream_reader_open(&st->said, st->answers_path, err);
    for (st->line = 0; rc == 0 && st->line < st->kept_line; st->line++) {
        rc = stream_reader_next(&st->again, err);
        if (rc == 1)
            rc = stream_reader_next(&st->said, err);
        if (rc == 1)
            rc = stream_recall(st, st->again.line.text, st->said.line.text, err);
        if (rc < 0)
            as_err_prefix(err, "%s:%" PRIu64, st->answers_path, st->line + 1);
    }
    return rc < 0 ? rc : 0;
}

static int go_on(ttrl_stream *st, as_err *err)
{
    int rc = mend(&st->prompts, st->prompts_path, &st->n_accepted, err);
    if (rc == 0)
        rc = mend(&st->answers, st->answers_path, &st->n_said, err);
    if (rc < 0)
        return rc;
    if (st->kept_line > st->n_said || st->n_said > st->n_accepted)
        return as_fail(err, AS_EDATA,
                       "%s has %" PRIu64 " lines and answers.jsonl %" PRIu64
                       ", and the checkpoint has learned from %" PRIu64
                       ": they are not as the run left them; --force begins anew",
                       st->prompts_path, st->n_accepted, st->n_said, st->kept_line);
    st->n_out = st->n_said;
    return recall_all(st, err);
}

/* ---- the source ---- */

static int why_stop(const void *cancel)
{
    return as_cancel_why(cancel);
}

/* A file is read from its beginning: the lines that were accepted before are gone over. */
static int skip(ttrl_stream *st, as_err *err)
{
    stream_reader before = { 0 };
    const char *name = as_source_name(st->in.source);
    int rc = st->n_accepted ? stream_reader_open(&before, st->prompts_path, err) : 0;
    for (uint64_t i = 0; i < st->n_accepted && rc == 0; i++) {
        rc = stream_reader_next(&before, err);
        if (rc == 1)
            rc = stream_reader_next(&st->in, err);
        if (rc < 0)
            break;
        if (rc == 0)
            rc = as_fail(err, AS_EDATA,
                         "%s has %" PRIu64 " lines, and the run has accepted %" PRIu64
                         ": another file? What is new can also be piped in",
                         name, i, st->n_accepted);
        else if (!as_str_eq(before.line.text, st->in.line.text))
            rc = as_fail(err, AS_EDATA,
                         "%s:%" PRIu64 ": not line %" PRIu64
                         " of %s, which the run has accepted: another file? What is new can also "
                         "be piped in",
                         name, st->in.line.no, i + 1, st->prompts_path);
        else
            rc = as_cancel_check(as_cli_cancel(), err);
    }
    stream_reader_close(&before);
    return rc;
}

static int open_source(ttrl_stream *st, as_err *err)
{
    int rc = stream_reader_open(&st->in, in_path(st), err);
    if (rc < 0)
        return rc;
    as_source_set_stop(st->in.source, why_stop, as_cli_cancel());
    as_source_set_wait(st->in.source, st->opts->follow, isnan(st->opts->idle) ? 0 : st->opts->idle);
    return 0;
}

int ttrl_stream_start(ttrl_stream *st, as_err *err)
{
    const train_opts *o = &st->opts->train;
    bool is_file = false;
    int rc = open_growing(&st->prompts, &st->prompts_path, st, "prompts.jsonl", err);
    if (rc == 0)
        rc = open_growing(&st->answers, &st->answers_path, st, "answers.jsonl", err);
    if (rc == 0)
        rc = refuse_own(st, &is_file, err);
    if (rc == 0 && o->resume)
        rc = go_on(st, err);
    else if (rc == 0 && (rc = as_growing_cut(&st->prompts, 0, err)) == 0)
        rc = as_growing_cut(&st->answers, 0, err);
    if (rc == 0)
        rc = open_source(st, err);
    if (rc == 0 && is_file)
        rc = skip(st, err);
    if (rc == 0 && o->resume && !o->quiet)
        as_cli_say("%" PRIu64 " lines were accepted before, %" PRIu64
                   " of them answered: what comes is line %" PRIu64,
                   st->n_accepted, st->n_said, st->n_accepted + 1);
    return rc;
}

/* ---- the next prompts ---- */

/* A line that comes: it is in the run's folder before anything is made of it. */
static int accept(ttrl_stream *st, as_str line, as_err *err)
{
    as_buf_clear(&st->one);
    as_buf_add(&st->one, line);
    as_buf_byte(&st->one, '\n');
    int rc = as_buf_check(&st->one, err);
    if (rc == 0)
        rc = as_growing_put(&st->prompts, as_buf_str(&st->one), err);
    if (rc < 0)
        return rc;
    st->n_accepted++;
    return 1;
}

/* 1: a line, accepted before or just now; 0: no more will come. Half a line at the end of a file
 * that grows is none. */
static int take(ttrl_stream *st, as_str *line, as_err *err)
{
    const bool was_accepted = st->line < st->n_accepted;
    stream_reader *from = was_accepted ? &st->again : &st->in;
    int rc = stream_reader_next(from, err);
    if (rc == 0 && was_accepted)
        return as_fail(err, AS_EDATA, "%s has become shorter", st->prompts_path);
    if (rc < 0)
        return rc;
    if (rc == 0 || (!was_accepted && from->line.torn && st->opts->follow))
        return as_cancel_check(as_cli_cancel(),
                               err); /* Ctrl-C ends who writes into the pipe, too */
    *line = from->line.text;
    rc = was_accepted ? 1 : accept(st, *line, err);
    st->line += rc == 1;
    return rc;
}

static bool is_ready(const ttrl_stream *st)
{
    return st->line < st->n_accepted || as_lines_ready(st->in.lines);
}

/* One item more, or what is wrong with the line. */
static int add(ttrl_stream *st, as_str line, as_err *err)
{
    const as_suite *suite = &st->t->s->suite;
    const size_t n = suite->n;
    as_err why = { 0 };
    size_t place = 0;
    int rc = as_str_is(line, TOO_LONG) ? as_fail(&why, AS_EDATA, "longer than 16 MiB")
                                       : as_suite_add(st->suite, line, st->line, &why);
    if (rc == AS_ENOMEM)
        return as_fail(err, rc, "%s", why.text);
    if (rc < 0)
        return stream_refuse(st, line, why.text, err);
    rc = stream_enter(st, suite->items[n].name, &place, err);
    if (rc < 0)
        return rc;
    st->place_of[n] = (uint32_t)place;
    ttrl_watch_level(st->t, place, suite->items[n].meta);
    return 0;
}

/* The answers to what is there are not kept waiting for what may come. */
int ttrl_stream_next(ttrl_stream *st, size_t most, as_err *err)
{
    const as_suite *suite = &st->t->s->suite;
    const size_t first = suite->n;
    const uint64_t before = st->n_accepted;
    as_str line = { 0 };
    int rc = 0;
    while (rc == 0 && suite->n < first + most && !st->has_refused) {
        rc = as_cancel_check(as_cli_cancel(), err);
        if (rc < 0 || (suite->n > first && !is_ready(st)))
            break;
        rc = take(st, &line, err);
        if (rc <= 0)
            break;
        rc = add(st, line, err);
        if (rc == 0 && st->has_refused && suite->n == first)
            rc = ttrl_stream_send(st, err);
    }
    return rc == 0 && st->n_accepted > before ? as_growing_sync(&st->prompts, err) : rc;
}
