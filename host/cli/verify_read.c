/* verify_read.c -- the reading end of `assay verify`: chunks of lines, cut between groups where the
 * verifier wants whole groups, and the lines an earlier run has done already.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/verify.h"

#include <inttypes.h>

/* Lines that are parsed while they are read: the first chunk (whose first line the run record
 * holds), what an earlier run has done, and everything for verifiers that judge whole groups. The
 * rest goes to the threads as it comes. */
struct verify_reader {
    as_buf bytes;
    as_line *lines;
    size_t n, at;   /* lines read, the next one */
    as_seen groups; /* by the line they began on */
    as_buf current; /* raw text of the group being read */
    as_err failed;  /* to be reported once what came before it was handed on */
    bool is_done;   /* --limit was reached */
};

/* ---- tasks ---- */

static verify_task *make_task(size_t lines_max)
{
    verify_task *t = as_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->lines = as_calloc(lines_max, sizeof *t->lines);
    if (!t->lines) {
        as_free(t);
        return NULL;
    }
    as_buf_init(&t->bytes, SIZE_MAX / 2);
    as_buf_init(&t->out, SIZE_MAX / 2);
    as_arena_init(&t->arena, 0);
    return t;
}

/* A free one, or a new one; NULL: no memory. */
static verify_task *take_task(verify_run *v)
{
    pthread_mutex_lock(&v->lock);
    verify_task *t = v->free;
    if (t)
        v->free = t->next;
    pthread_mutex_unlock(&v->lock);
    return t ? t : make_task(v->lines_max);
}

static void free_task(verify_task *t)
{
    as_buf_fini(&t->bytes);
    as_buf_fini(&t->out);
    as_arena_fini(&t->arena);
    as_free(t->lines);
    as_free(t);
}

/* Memory that one huge line needed is given back, so that a run's memory follows its typical lines.
 */
static void shrink(verify_task *t)
{
    const size_t usual = 4u << 20;
    if (t->bytes.cap > usual)
        as_buf_fini(&t->bytes);
    if (t->out.cap > usual)
        as_buf_fini(&t->out);
    if (t->arena.used > 2 * usual) {
        as_arena_fini(&t->arena);
        as_arena_init(&t->arena, 0);
    } else {
        as_arena_reset(&t->arena);
    }
}

void verify_task_done(void *ctx, void *task)
{
    verify_run *v = ctx;
    verify_task *t = task;
    shrink(t);
    as_buf_clear(&t->out);
    *t = (verify_task){ .bytes = t->bytes, .out = t->out, .arena = t->arena, .lines = t->lines };
    pthread_mutex_lock(&v->lock);
    t->next = v->free;
    v->free = t;
    pthread_mutex_unlock(&v->lock);
}

/* ---- lines ---- */

static int fill(verify_run *v, as_buf *bytes, as_line *lines, size_t *n, as_err *err)
{
    size_t most = v->lines_max;
    if (v->opts->limit > 0 && !v->by_group) {
        uint64_t left = v->opts->limit > v->n_lines ? v->opts->limit - v->n_lines : 0;
        most = left < most ? (size_t)left : most;
    }
    *n = 0;
    if (most == 0)
        return 0;
    int rc = as_lines_chunk(v->lines, bytes, lines, most, v->bytes_want, n, err);
    if (rc == 1 && v->n_lines == 0)
        v->first_line = as_sha256_of(lines[0].text);
    v->n_lines += *n;
    return rc;
}

/* ---- lines parsed here ---- */

static int reader_new(verify_run *v, as_err *err)
{
    struct verify_reader *r = as_calloc(1, sizeof *r);
    v->reader = r;
    if (!r || !(r->lines = as_calloc(v->lines_max, sizeof *r->lines)))
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_buf_init(&r->bytes, SIZE_MAX / 2);
    as_buf_init(&r->current, SIZE_MAX / 2);
    r->groups.max = VERIFY_MAX_GROUPS;
    return 0;
}

static void reader_free(struct verify_reader *r)
{
    if (!r)
        return;
    as_buf_fini(&r->bytes);
    as_buf_fini(&r->current);
    as_seen_fini(&r->groups);
    as_free(r->lines);
    as_free(r);
}

typedef struct filling {
    verify_task *task;
    uint32_t cap, start; /* start: where the group being read begins */
    size_t group_bytes;
} filling;

static int push_item(filling *f, const as_item *item, as_err *err)
{
    verify_task *t = f->task;
    if (t->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 256;
        as_item *grown = as_arena_alloc(&t->arena, f->cap * sizeof *grown);
        if (!grown)
            return as_fail(err, AS_ENOMEM, "out of memory");
        if (t->n)
            memcpy(grown, t->items, t->n * sizeof *grown);
        t->items = grown;
    }
    t->items[t->n++] = *item;
    return 0;
}

static int name_len(as_str group)
{
    return (int)(group.len < 60 ? group.len : 60);
}

static int begin_group(verify_run *v, filling *f, const as_item *item, as_err *err)
{
    struct verify_reader *r = v->reader;
    int64_t before = as_seen_add(&r->groups, as_hash64(item->group, 1), item->line_no, err);
    if (before < 0)
        return (int)before;
    if (before > 0)
        return as_fail(
            err, AS_EDATA,
            "%s:%" PRIu64 ": group %.*s comes back (it began on line %" PRId64
            " and ended before this one); %s judges whole groups: sort the lines by \"group\"",
            as_lines_name(v->lines), item->line_no, name_len(item->group), item->group.data, before,
            as_info_short_name(v->info));
    f->start = f->task->n;
    f->group_bytes = 0;
    as_buf_clear(&r->current);
    as_buf_add(&r->current, item->group);
    return as_buf_check(&r->current, err);
}

static int check_group_size(const verify_run *v, const filling *f, const as_item *item, as_err *err)
{
    if (f->task->n - f->start < VERIFY_GROUP_ITEMS && f->group_bytes >> 20 < VERIFY_GROUP_MIB)
        return 0;
    return as_fail(err, AS_EBUDGET,
                   "%s:%" PRIu64
                   ": group %.*s has more than %d items or %d MiB, too large to be judged at once; "
                   "split it",
                   as_lines_name(v->lines), item->line_no, name_len(item->group), item->group.data,
                   VERIFY_GROUP_ITEMS, VERIFY_GROUP_MIB);
}

int verify_bad_line(const verify_run *v, verify_task *t, const as_line *line, const as_err *why)
{
    as_err full = { 0 };
    bool stops = strcmp(v->opts->bad_lines, "skip") != 0 || why->code == AS_ENOMEM;
    bool is_data = why->code != AS_ENOMEM;
    int rc =
        as_fail(&full, is_data ? AS_EDATA : AS_ENOMEM, "%s:%" PRIu64 ": %s%s%s",
                as_lines_name(v->lines), line->no, line->torn ? "the last line is cut off: " : "",
                why->text, stops && is_data ? " (--bad-lines skip goes on without it)" : "");
    if (stops) {
        t->stop = full;
        return rc;
    }
    if (!t->bad)
        t->bad = as_arena_calloc(&t->arena, VERIFY_SHOWN_BAD, sizeof *t->bad);
    if (t->bad && t->n_bad < VERIFY_SHOWN_BAD)
        t->bad[t->n_bad] = full;
    t->n_bad++;
    return 0;
}

static int check_has_group(const verify_run *v, const as_item *item, as_err *err)
{
    if (item->group.data)
        return 0;
    return as_fail(err, AS_EDATA,
                   "no \"group\", and %s judges the answers to one prompt together: give those the "
                   "same \"group\"",
                   as_info_short_name(v->info));
}

typedef enum taken { TAKEN = 0, TASK_FULL = 1 } taken;

/* Is this item the first of the next task? */
static bool belongs_to_next(const verify_run *v, const verify_task *t, bool is_new_group)
{
    if (t->n == 0 || (v->by_group && !is_new_group))
        return false;
    return t->n >= v->lines_max || t->arena.used >= v->bytes_want * 4;
}

/* TAKEN, TASK_FULL (the line is for the next task, or for none), < 0. */
static int place_item(verify_run *v, filling *f, const as_item *item, size_t size, as_err *err)
{
    struct verify_reader *r = v->reader;
    bool is_new =
        v->by_group && (r->current.len == 0 || !as_str_eq(item->group, as_buf_str(&r->current)));
    uint64_t limit = v->opts->limit;
    if (is_new && limit > 0 && v->n_produced + f->task->n >= limit) {
        r->is_done = true;
        return TASK_FULL;
    }
    if (belongs_to_next(v, f->task, is_new))
        return TASK_FULL;
    int rc = is_new ? begin_group(v, f, item, err) : 0;
    f->group_bytes += size;
    if (rc == 0 && v->by_group)
        rc = check_group_size(v, f, item, err);
    return rc == 0 ? push_item(f, item, err) : rc;
}

static int take_line(verify_run *v, filling *f, const as_line *line, as_err *err)
{
    verify_task *t = f->task;
    as_str text = as_arena_str(&t->arena, line->text); /* raw spans of the item point into it */
    if (!text.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_item item = { 0 };
    as_err why = { 0 };
    int rc = verify_parse(text, &t->arena, &item, &why);
    if (rc == 0 && v->by_group)
        rc = check_has_group(v, &item, &why);
    if (rc == 0) {
        item.line_no = line->no;
        return place_item(v, f, &item, text.len, err);
    }
    rc = verify_bad_line(v, t, line, &why);
    return rc < 0 ? as_fail(err, rc, "%s", t->stop.text) : TAKEN;
}

/* 1: at least one line waits, 0: end, < 0. */
static int refill(verify_run *v)
{
    struct verify_reader *r = v->reader;
    if (r->at < r->n)
        return 1;
    if (r->bytes.cap > 4u << 20)
        as_buf_fini(&r->bytes);
    r->at = r->n = 0;
    return fill(v, &r->bytes, r->lines, &r->n, &r->failed);
}

/* 1: something, 0: end, < 0: nothing but an error. */
static int read_parsed(verify_run *v, verify_task *t, as_err *err)
{
    struct verify_reader *r = v->reader;
    filling f = { .task = t };
    int rc = r->failed.code;
    while (rc == 0 && !r->is_done) {
        /* Outside groups one chunk is enough: the next may go to the threads unparsed. */
        if (!v->by_group && (t->n > 0 || t->n_bad > 0) && r->at == r->n)
            break;
        int more = refill(v);
        if (more <= 0) {
            rc = more;
            break;
        }
        rc = take_line(v, &f, &r->lines[r->at], &r->failed);
        if (rc == TASK_FULL)
            break;
        r->at += rc == 0;
    }
    if (rc < 0 && v->by_group)
        t->n = f.start; /* the group that the error is in is not complete */
    t->stop = (as_err){ 0 };
    if (t->n > 0 || t->n_bad > 0)
        return 1;
    return rc < 0 ? as_fail(err, rc, "%s", r->failed.text) : 0;
}

/* ---- the pipeline's producer ---- */

static int end_of_input(const verify_run *v, as_err *err)
{
    if (v->n_to_skip == 0)
        return 0;
    return as_fail(err, AS_EDATA,
                   "%s has %" PRIu64
                   " items fewer than %s has results: that is not the input it was made from; "
                   "--force begins anew",
                   as_lines_name(v->lines), v->n_to_skip, v->opts->out);
}

int verify_produce(void *ctx, void **task, as_err *err)
{
    verify_run *v = ctx;
    verify_task *t = take_task(v);
    if (!t)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = 0;
    if (v->by_group || v->n_to_skip > 0 || v->reader->at < v->reader->n || v->reader->failed.code)
        rc = read_parsed(v, t, err);
    else
        rc = fill(v, &t->bytes, t->lines, &t->n_lines, err);
    if (rc <= 0) {
        verify_task_done(v, t);
        return rc < 0 ? rc : end_of_input(v, err);
    }
    t->n_mute = t->n < v->n_to_skip ? t->n : (uint32_t)v->n_to_skip;
    v->n_to_skip -= t->n_mute;
    v->n_produced += t->n;
    as_source_progress(v->source, &t->at, &t->of);
    *task = t;
    return 1;
}

static int why_stop(const void *arg)
{
    return as_cancel_why(arg);
}

int verify_open_input(verify_run *v, as_err *err)
{
    int rc = reader_new(v, err);
    if (rc == 0)
        rc = as_source_open(&v->source, v->opts->in, err);
    if (rc < 0)
        return rc;
    as_source_set_stop(v->source, why_stop, as_cli_cancel());
    rc = as_lines_open(&v->lines, v->source, (size_t)v->opts->max_line_mib << 20, err);
    if (rc == 0) {
        rc = refill(v);
        v->is_empty = rc == 0;
        rc = rc < 0 ? as_fail(err, rc, "%s", v->reader->failed.text) : 0;
    }
    return rc;
}

void verify_close_input(verify_run *v)
{
    if (v->lines)
        as_lines_close(v->lines);
    if (v->source)
        as_source_close(v->source);
    reader_free(v->reader);
    while (v->free) {
        verify_task *t = v->free;
        v->free = t->next;
        free_task(t);
    }
}
