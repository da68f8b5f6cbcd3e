/* sandboxed.c -- see sandboxed.h. Locks: `one.lock` guards opening and closing; who holds the
 * sandbox uses it without. `opened.lock` guards that list. Nothing else is locked meanwhile.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/sandboxed.h"

#include "base/mem.h"
#include "base/path.h"
#include "jobs/pipeline.h"
#include "jobs/pool.h"
#include "plug/info.h"
#include "plug/languages.h"
#include "sandbox/sandbox.h"

#include <stdatomic.h>

static struct {
    pthread_mutex_t lock;
    asbx *box;
    as_pool *pool;
    as_languages languages;
    unsigned holders;
} one = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- opening ---- */

/* The sandbox's helpers lie where the worker lies. */
static char *helper_dir(void)
{
    char *path = as_path_worker(NULL), *slash = path ? strrchr(path, '/') : NULL;
    if (slash)
        *slash = 0;
    return path;
}

static void close_box(void)
{
    as_pool_free(one.pool);
    asbx_close(one.box);
    as_languages_fini(&one.languages);
    one.pool = NULL;
    one.box = NULL;
}

static int open_box(as_err *err)
{
    AS_CLEANUP(free) char *dir = helper_dir();
    asbx_error why = { .text = "out of memory" };
    int rc = as_languages_load(&one.languages, err);
    if (rc == 0)
        rc = as_pool_new(&one.pool, as_cpu_count(), err);
    const asbx_options options = { .helper_dir = dir,
                                   .slots = as_cpu_count(),
                                   .languages = one.languages.list,
                                   .n_languages = one.languages.n };
    if (rc == 0 && !(one.box = asbx_open(&options, &why)))
        rc = as_fail(err, AS_ESANDBOX, "%s", why.text);
    if (rc < 0)
        close_box();
    return rc;
}

int as_sandboxed_hold(as_err *err)
{
    pthread_mutex_lock(&one.lock);
    int rc = one.holders ? 0 : open_box(err);
    one.holders += rc == 0;
    pthread_mutex_unlock(&one.lock);
    return rc;
}

int as_sandboxed_require(as_err *err)
{
    static bool holds;
    pthread_mutex_lock(&one.lock);
    AS_CLEANUP(free) char *dir = holds ? NULL : helper_dir();
    asbx_error why = { .text = "assay-box is not where it belongs: is the package whole?" };
    holds = holds || (dir && asbx_require(dir, "medium", &why));
    int rc = holds ? 0 : as_fail(err, AS_ESANDBOX, "%s", why.text);
    pthread_mutex_unlock(&one.lock);
    return rc;
}

void as_sandboxed_release(void)
{
    pthread_mutex_lock(&one.lock);
    if (--one.holders == 0)
        close_box();
    pthread_mutex_unlock(&one.lock);
}

/* ---- memory of a call ---- */

void as_kept_init(as_kept *k)
{
    k->call = NULL;
    k->next = NULL;
    (void)pthread_mutex_init(&k->lock, NULL);
    as_arena_init(&k->arena, 0);
}

void as_kept_fini(as_kept *k)
{
    as_arena_fini(&k->arena);
    (void)pthread_mutex_destroy(&k->lock);
}

static struct {
    pthread_mutex_t lock;
    as_kept *first;
} opened = { .lock = PTHREAD_MUTEX_INITIALIZER };

void as_kept_open(as_kept *k, const assay_call *call)
{
    as_kept_init(k);
    k->call = call;
    pthread_mutex_lock(&opened.lock);
    k->next = opened.first;
    opened.first = k;
    pthread_mutex_unlock(&opened.lock);
}

void as_kept_close(as_kept *k)
{
    pthread_mutex_lock(&opened.lock);
    as_kept **at = &opened.first;
    while (*at && *at != k)
        at = &(*at)->next;
    if (*at)
        *at = k->next;
    pthread_mutex_unlock(&opened.lock);
    as_kept_fini(k);
}

as_kept *as_kept_find(const assay_call *call)
{
    pthread_mutex_lock(&opened.lock);
    as_kept *k = opened.first;
    while (k && k->call != call)
        k = k->next;
    pthread_mutex_unlock(&opened.lock);
    return k;
}

/* ---- one program ---- */

int as_sandboxed_check(assay_run *const *jobs, uint32_t n, as_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const assay_run *run = jobs ? jobs[i] : NULL;
        if (!run || !AS_HAS(run, errors))
            return as_fail(err, AS_EUSAGE, "program %u: assay_run.size is not sizeof(assay_run)",
                           i);
        if ((run->n_calls && !run->calls) ||
            (run->n_files && (!run->file_name || !run->file_data)) || !run->source.data)
            return as_fail(err, AS_EUSAGE, "program %u: a count without its column, or no source",
                           i);
    }
    return 0;
}

static asbx_text text_of(assay_str s)
{
    return (asbx_text){ s.data ? s.data : "", s.data ? s.len : 0 };
}

static asbx_text *texts_of(const assay_str *from, uint32_t n, as_arena *arena)
{
    asbx_text *to = as_arena_calloc(arena, n ? n : 1, sizeof *to);
    for (uint32_t i = 0; to && i < n; i++)
        to[i] = text_of(from[i]);
    return to;
}

static bool to_job(asbx_job *job, const assay_run *run, as_arena *arena)
{
    asbx_file *files = as_arena_calloc(arena, run->n_files ? run->n_files : 1, sizeof *files);
    asbx_text *calls = texts_of(run->calls, run->n_calls, arena);
    for (uint32_t i = 0; files && i < run->n_files; i++)
        files[i] = (asbx_file){ text_of(run->file_name[i]), text_of(run->file_data[i]) };
    *job = (asbx_job){ .language = run->language,
                       .policy = run->policy,
                       .prelude = run->prelude,
                       .source = text_of(run->source),
                       .input = text_of(run->input),
                       .entry_point = run->entry_point,
                       .calls = calls,
                       .n_calls = run->n_calls,
                       .files = files,
                       .n_files = run->n_files,
                       .limits = { .cpu_ms = run->cpu_ms,
                                   .wall_ms = run->wall_ms,
                                   .mem_mib = run->mem_mib,
                                   .out_kib = run->out_kib,
                                   .procs = run->max_procs } };
    if (run->tester.data)
        job->tester = text_of(run->tester);
    return calls && files;
}

static assay_str copy(as_arena *arena, asbx_text t)
{
    return as_arena_str(arena, (as_str){ t.data ? t.data : "", t.len });
}

/* What it wrote to stderr, and what the sandbox has to say: of the whole program, of its test, of
 * the first call that raised. */
static assay_str errors_of(as_arena *arena, const asbx_result *r)
{
    as_buf b;
    as_buf_init(&b, 1 << 30);
    as_buf_add(&b, (as_str){ r->errors.data ? r->errors.data : "", r->errors.len });
    uint32_t raised = 0;
    while (raised < r->n_values && !r->values[raised].error.len)
        raised++;
    asbx_text call = raised < r->n_values ? r->values[raised].error : (asbx_text){ "", 0 };
    asbx_text more[] = { { r->note, strlen(r->note) }, r->tester_error, call };
    for (size_t k = 0; k < sizeof more / sizeof *more; k++) {
        if (!more[k].len)
            continue;
        if (b.len && b.data[b.len - 1] != '\n')
            as_buf_byte(&b, '\n');
        as_buf_add(&b, (as_str){ more[k].data, more[k].len });
    }
    assay_str all = b.failed ? (assay_str){ NULL, 0 } : as_arena_str(arena, as_buf_str(&b));
    as_buf_fini(&b);
    return all;
}

/* Copies: the host's texts end with a NUL, and the pipes' memory is larger than what is in it. */
static bool from_result(assay_run *run, const asbx_result *r, as_arena *arena)
{
    assay_str *values = as_arena_calloc(arena, run->n_calls ? run->n_calls : 1, sizeof *values);
    int32_t *status = as_arena_calloc(arena, run->n_calls ? run->n_calls : 1, sizeof *status);
    run->status = (int32_t)r->status;
    run->exit_code = r->exit_code;
    run->signal = r->signal;
    run->denied_syscall = r->denied_syscall;
    run->cpu_us = r->cpu_us;
    run->wall_us = r->wall_us;
    run->peak_kib = r->peak_kib;
    run->values = values;
    run->call_status = status;
    run->output = copy(arena, r->output);
    run->errors = errors_of(arena, r);
    bool ok = values && status && run->output.data && run->errors.data;
    for (uint32_t i = 0; ok && i < run->n_calls; i++) {
        asbx_status s = i < r->n_values ? r->values[i].status : ASBX_NO_RESULT;
        status[i] = (int32_t)s;
        if (s != ASBX_OK)
            continue;
        values[i] = copy(arena, r->values[i].value);
        ok = values[i].data != NULL;
    }
    return ok;
}

/* ---- a batch ---- */

typedef struct batch {
    assay_run *const *jobs;
    as_kept *kept;
    as_sandboxed_stop *stop;
    void *ctx;
    atomic_bool stopped, lost; /* lost: memory */
} batch;

static void set_failed(assay_run *run)
{
    run->status = ASBX_ERROR;
    run->values = NULL;
    run->call_status = NULL;
    run->output = run->errors = (assay_str){ "", 0 };
}

static void run_one(void *arg, size_t i)
{
    batch *b = arg;
    assay_run *run = b->jobs[i];
    set_failed(run);
    if (b->stop && b->stop(b->ctx)) {
        atomic_store(&b->stopped, true);
        return;
    }
    as_arena arena; /* of the question; the answer goes to what is kept */
    asbx_job job;
    as_arena_init(&arena, 0);
    asbx_result *r = to_job(&job, run, &arena) ? asbx_run(one.box, &job) : NULL;
    as_arena_fini(&arena);
    pthread_mutex_lock(&b->kept->lock);
    bool ok = r && from_result(run, r, &b->kept->arena);
    pthread_mutex_unlock(&b->kept->lock);
    asbx_result_free(r);
    if (ok)
        return;
    set_failed(run);
    atomic_store(&b->lost, true);
}

int as_sandboxed_run(assay_run *const *jobs, uint32_t n, as_kept *kept, as_sandboxed_stop *stop,
                     void *ctx, as_err *err)
{
    int rc = as_sandboxed_check(jobs, n, err);
    if (rc == 0 && !kept)
        rc = as_fail(err, AS_EUSAGE, "the call that programs are to be run for is not under way");
    if (rc < 0)
        return rc;
    batch b = { .jobs = jobs, .kept = kept, .stop = stop, .ctx = ctx };
    as_pool_for(one.pool, n, run_one, &b);
    if (atomic_load(&b.lost))
        return as_fail(err, AS_ENOMEM, "%u programs: out of memory", n);
    return atomic_load(&b.stopped) ? as_fail(err, AS_EINTR, "interrupted") : 0;
}

/* ---- across the wire ---- */

static as_str opt(const char *s)
{
    return s ? as_str_of(s) : (as_str){ NULL, 0 };
}

void as_sandboxed_put_jobs(as_buf *b, assay_run *const *jobs, uint32_t n)
{
    as_wire_put_u64(b, n);
    for (uint32_t i = 0; i < n; i++) {
        const assay_run *run = jobs[i];
        const uint32_t numbers[] = { run->n_calls, run->n_files, run->cpu_ms,    run->wall_ms,
                                     run->mem_mib, run->out_kib, run->max_procs, 0 };
        const as_str texts[] = { opt(run->language), opt(run->policy), opt(run->prelude),
                                 run->source,        run->tester,      opt(run->entry_point),
                                 run->input };
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            as_wire_put_u32(b, numbers[k]);
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            as_wire_put_str(b, texts[k]);
        for (uint32_t k = 0; k < run->n_calls; k++)
            as_wire_put_str(b, run->calls[k]);
        for (uint32_t k = 0; k < run->n_files; k++) {
            as_wire_put_str(b, run->file_name[k]);
            as_wire_put_str(b, run->file_data[k]);
        }
    }
}

/* Each text takes eight bytes at least, so a count can be checked before memory is taken for it. */
static bool room_for(const as_wire_reader *r, uint64_t n)
{
    return !r->bad && n <= (uint64_t)(r->end - r->at) / 8;
}

static assay_run *take_job(as_wire_reader *r, as_arena *arena)
{
    assay_run *run = as_arena_calloc(arena, 1, sizeof *run);
    uint32_t numbers[8];
    as_str texts[7];
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        numbers[k] = as_wire_u32(r);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        texts[k] = as_wire_str(r);
    uint32_t n_calls = numbers[0], n_files = numbers[1];
    if (!run || !room_for(r, n_calls) || !room_for(r, n_files))
        return NULL;
    assay_str *calls = as_arena_calloc(arena, n_calls + 1u, sizeof *calls);
    assay_str *names = as_arena_calloc(arena, n_files + 1u, sizeof *names);
    assay_str *datas = as_arena_calloc(arena, n_files + 1u, sizeof *datas);
    if (!calls || !names || !datas)
        return NULL;
    for (uint32_t k = 0; k < n_calls; k++)
        calls[k] = as_wire_str(r);
    for (uint32_t k = 0; k < n_files; k++) {
        names[k] = as_wire_str(r);
        datas[k] = as_wire_str(r);
    }
    *run = (assay_run){ .size = sizeof *run,
                        .n_calls = n_calls,
                        .language = texts[0].data,
                        .policy = texts[1].data,
                        .prelude = texts[2].data,
                        .source = texts[3],
                        .tester = texts[4],
                        .entry_point = texts[5].data,
                        .calls = calls,
                        .file_name = names,
                        .file_data = datas,
                        .n_files = n_files,
                        .cpu_ms = numbers[2],
                        .wall_ms = numbers[3],
                        .mem_mib = numbers[4],
                        .out_kib = numbers[5],
                        .max_procs = numbers[6],
                        .input = texts[6] };
    return run;
}

int as_sandboxed_take_jobs(as_wire_reader *r, assay_run ***jobs, uint32_t *n, as_arena *arena,
                           as_err *err)
{
    uint64_t count = as_wire_u64(r);
    if (!room_for(r, count) || count > UINT32_MAX)
        return as_fail(err, AS_EDATA, "programs that are shorter than they say");
    *n = (uint32_t)count;
    *jobs = as_arena_calloc(arena, (size_t)count + 1, sizeof **jobs);
    for (uint32_t i = 0; *jobs && i < *n; i++) {
        (*jobs)[i] = take_job(r, arena);
        if (!(*jobs)[i])
            return as_fail(err, AS_EDATA, "programs that are shorter than they say");
    }
    if (!*jobs)
        return as_fail(err, AS_ENOMEM, "programs: out of memory");
    return r->bad ? as_fail(err, AS_EDATA, "programs that are shorter than they say") : 0;
}

void as_sandboxed_put_results(as_buf *b, assay_run *const *jobs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const assay_run *run = jobs[i];
        const int32_t numbers[] = { run->status, run->exit_code, run->signal, run->denied_syscall };
        const uint64_t sizes[] = { run->cpu_us, run->wall_us, run->peak_kib };
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            as_wire_put_u32(b, (uint32_t)numbers[k]);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            as_wire_put_u64(b, sizes[k]);
        as_wire_put_str(b, run->output);
        as_wire_put_str(b, run->errors);
        for (uint32_t k = 0; k < run->n_calls; k++) {
            as_wire_put_u64(b, run->call_status ? (uint64_t)run->call_status[k] : ASBX_ERROR);
            as_wire_put_str(b, run->values ? run->values[k] : (assay_str){ NULL, 0 });
        }
    }
}

static bool take_result(as_wire_reader *r, assay_run *run, as_arena *arena)
{
    assay_str *values = as_arena_calloc(arena, run->n_calls + (size_t)1, sizeof *values);
    int32_t *status = as_arena_calloc(arena, run->n_calls + (size_t)1, sizeof *status);
    if (!values || !status)
        return false;
    run->status = (int32_t)as_wire_u32(r);
    run->exit_code = (int32_t)as_wire_u32(r);
    run->signal = (int32_t)as_wire_u32(r);
    run->denied_syscall = (int32_t)as_wire_u32(r);
    run->cpu_us = as_wire_u64(r);
    run->wall_us = as_wire_u64(r);
    run->peak_kib = as_wire_u64(r);
    run->output = as_wire_str(r);
    run->errors = as_wire_str(r);
    for (uint32_t k = 0; k < run->n_calls; k++) {
        status[k] = (int32_t)as_wire_u64(r);
        values[k] = as_wire_str(r);
    }
    run->values = values;
    run->call_status = status;
    return !r->bad;
}

int as_sandboxed_take_results(as_str payload, assay_run *const *jobs, uint32_t n, as_kept *kept,
                              as_err *err)
{
    if (!kept)
        return as_fail(err, AS_EUSAGE, "the call that programs were run for is not under way");
    pthread_mutex_lock(&kept->lock);
    as_str mine = as_arena_str(&kept->arena, payload);
    as_wire_reader r = as_wire_read(mine);
    bool ok = mine.data != NULL;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = take_result(&r, jobs[i], &kept->arena);
    pthread_mutex_unlock(&kept->lock);
    return ok ? 0 : as_fail(err, AS_EIO, "results of %u programs: out of memory, or cut short", n);
}
