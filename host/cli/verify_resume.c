/* verify_resume.c -- the output of `assay verify` and its run record: what is there already, and
 * how far it got. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/path.h"
#include "cli/verify.h"
#include "data/stream.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what an earlier run has written ---- */

typedef struct kept {
    uint64_t end; /* offset after the last whole line */
    bool has_torn;
} kept;

/* A row's "rule" without its quotes; unescaped into the arena where it must be. */
static as_str rule_of(as_jspan rule, as_arena *arena)
{
    if (rule.kind != AS_J_STRING)
        return (as_str){ 0 };
    if (memchr(rule.text.data, '\\', rule.text.len))
        return as_jstring(rule, arena, NULL);
    return (as_str){ rule.text.data + 1, rule.text.len - 2 };
}

static int count_row(verify_run *v, const as_line *line, as_err *err)
{
    as_jspan span = { 0 };
    verify_row row = { .score = NAN };
    as_jspan verdict = { 0 };
    if (as_json_scan(line->text, &span, NULL) == 0 && span.kind == AS_J_OBJECT)
        verdict = as_jobject_get(span, "verdict");
    as_str word = verdict.text;
    if (verdict.kind != AS_J_STRING ||
        !as_verdict_of_word((as_str){ word.data + 1, word.len - 2 }, &row.verdict))
        return as_fail(err, AS_EDATA,
                       "%s:%" PRIu64 ": not a result of assay verify; --force begins anew",
                       v->opts->out, line->no);
    double number = NAN;
    if (as_jnumber(as_jobject_get(span, "score"), &number))
        row.score = (float)number;
    if (as_jnumber(as_jobject_get(span, "ms"), &number))
        row.ms = (float)number;
    row.cached = as_jobject_get(span, "cached").kind == AS_J_TRUE;
    row.id = as_jobject_get(span, "id").text;
    as_jspan rule = as_jobject_get(span, "rule");
    as_arena arena;
    as_arena_init(&arena, 0);
    row.rule = rule_of(rule, &arena);
    bool is_read = row.rule.data || rule.kind != AS_J_STRING;
    if (is_read)
        verify_count(&v->counts, &row);
    as_arena_fini(&arena);
    return is_read ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static int count_rows(verify_run *v, as_lines *lines, kept *k, as_err *err)
{
    enum { CHUNK = 1024 };
    AS_CLEANUP(buf) as_buf bytes = { 0 };
    as_buf_init(&bytes, SIZE_MAX / 2);
    AS_CLEANUP(free) as_line *at = as_calloc(CHUNK, sizeof *at);
    if (!at)
        return as_fail(err, AS_ENOMEM, "out of memory");
    size_t n = 0;
    int rc = 0;
    while ((rc = as_lines_chunk(lines, &bytes, at, CHUNK, 1 << 20, &n, err)) == 1) {
        for (size_t i = 0; rc >= 0 && i < n; i++) {
            k->has_torn = at[i].torn;
            if (at[i].torn)
                break;
            rc = count_row(v, &at[i], err);
            k->end = at[i].end;
        }
        if (rc < 0)
            break;
        rc = as_cancel_check(as_cli_cancel(), err);
        if (rc < 0)
            break;
    }
    return rc;
}

static int read_kept(verify_run *v, kept *k, as_err *err)
{
    as_source *source = NULL;
    as_lines *lines = NULL;
    int rc = as_source_open(&source, v->opts->out, err);
    if (rc == 0)
        rc = as_lines_open(&lines, source, (size_t)1 << 32, err);
    if (rc == 0)
        rc = count_rows(v, lines, k, err);
    as_lines_close(lines);
    if (source)
        as_source_close(source);
    v->counts.kept = v->counts.items;
    v->n_to_skip = v->counts.items;
    return rc;
}

static bool is_packed(const char *path)
{
    return as_str_ends(as_str_of(path), ".gz") || as_str_ends(as_str_of(path), ".zst");
}

/* A compressed file that was cut cannot be mended in place; a plain one loses its torn last line.
 */
static int mend(const verify_run *v, const kept *k, as_err *err)
{
    const char *path = v->opts->out;
    if (is_packed(path))
        return k->has_torn ? as_fail(err, AS_EDATA,
                                     "%s: cut off, and compressed: it cannot be gone on with; "
                                     "--force begins anew",
                                     path)
                           : 0;
    return truncate(path, (off_t)k->end) == 0 ? 0 : as_fail_errno(err, "%s", path);
}

static int resume(verify_run *v, as_err *err)
{
    as_run_record before = { 0 };
    int rc = as_path_exists(v->record_path) ? as_run_record_load(&before, v->record_path, err)
                                            : as_fail(err, AS_EUSAGE,
                                                      "%s is missing: whether %s can be gone on "
                                                      "with cannot be told; --force begins anew",
                                                      v->record_path, v->opts->out);
    if (rc == 0)
        rc = as_run_record_continues(&before, &v->record, err);
    as_run_record_fini(&before);
    kept k = { 0 };
    if (rc == 0)
        rc = read_kept(v, &k, err);
    if (rc < 0 && is_packed(v->opts->out))
        as_err_prefix(err, "cannot go on (a compressed file that was cut; --force begins anew)");
    return rc == 0 ? mend(v, &k, err) : rc;
}

/* ---- the run record ---- */

static void record_flag(as_run_record *r, const char *key, bool value)
{
    as_run_record_config(r, key, as_str_of(value ? "true" : "false"));
}

static int new_record(verify_run *v, as_err *err)
{
    as_run_record *r = &v->record;
    const verify_opts *o = v->opts;
    int rc = as_run_record_new(r, "verify", err);
    if (rc == 0)
        rc = as_plugged_record(&v->plugged, &o->plug, r, err);
    if (rc == 0)
        rc = as_run_record_text(r, as_run_record_config, "bad_lines", o->bad_lines, err);
    if (rc == 0)
        rc = as_run_record_text(r, as_run_record_set, "input", as_lines_name(v->lines), err);
    if (rc < 0)
        return rc;
    record_flag(r, "explain", o->explain);
    record_flag(r, "allow_duplicate_ids", o->allow_duplicate_ids);
    as_run_record_seed(r, "run", o->seed);
    as_run_record_hash(r, "first_line", v->first_line);
    return 0;
}

static int save_state(verify_run *v, const char *state, as_err *err)
{
    AS_CLEANUP(buf) as_buf counts = { 0 };
    as_buf_init(&counts, 1 << 16);
    verify_counts_json(v, &counts);
    int rc = as_buf_check(&counts, err);
    if (rc == 0)
        rc = as_run_record_text(&v->record, as_run_record_set, "state", state, err);
    if (rc < 0)
        return rc;
    as_run_record_set(&v->record, "counts", as_buf_str(&counts));
    return as_run_record_save(&v->record, v->record_path, err);
}

/* ---- opening and closing ---- */

static int refuse_same_file(const verify_run *v, const struct stat *out, as_err *err)
{
    struct stat in;
    int rc = strcmp(v->opts->in, "-") == 0 ? fstat(STDIN_FILENO, &in) : stat(v->opts->in, &in);
    if (rc == 0 && in.st_dev == out->st_dev && in.st_ino == out->st_ino)
        return as_fail(err, AS_EUSAGE, "--out %s is the input itself; name another file",
                       v->opts->out);
    return 0;
}

static int open_file(verify_run *v, as_err *err)
{
    const verify_opts *o = v->opts;
    struct stat info;
    bool exists = stat(o->out, &info) == 0;
    if (exists && !S_ISREG(info.st_mode))
        return as_sink_open(&v->sink, o->out, AS_SINK_OVERWRITE,
                            err); /* a pipe or device: no record, no resuming */
    AS_CLEANUP(buf) as_buf path = { 0 };
    as_buf_init(&path, 1 << 16);
    as_buf_addf(&path, "%s.manifest.json", o->out);
    v->record_path = path.data ? as_strdup(path.data) : NULL;
    int rc = v->record_path ? new_record(v, err) : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0 && exists)
        rc = refuse_same_file(v, &info, err);
    bool goes_on = exists && o->resume;
    if (rc == 0 && goes_on)
        rc = resume(v, err);
    if (rc == 0)
        rc = as_sink_open(&v->sink, o->out,
                          goes_on    ? AS_SINK_APPEND
                          : o->force ? AS_SINK_OVERWRITE
                                     : AS_SINK_NEW,
                          err);
    return rc == 0 ? save_state(v, "running", err) : rc;
}

int verify_open_output(verify_run *v, as_err *err)
{
    if (strcmp(v->opts->out, "-") == 0)
        return as_sink_open(&v->sink, "-", AS_SINK_OVERWRITE, err);
    return open_file(v, err);
}

int verify_close_output(verify_run *v, int rc, as_err *err)
{
    as_sink *sink = v->sink;
    v->sink = NULL;
    int closed = as_sink_close(sink, err);
    rc = rc < 0 ? rc : closed;
    if (!v->record_path || !sink)
        return rc;
    int saved = save_state(v, as_cli_state(rc), err);
    return rc < 0 ? rc : saved;
}
