/* worker.c -- a verifier instance in a worker process: asked over the wire, watched while it works,
 * replaced when it ends. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "plug/sandboxed.h"
#include "plug/seat.h"
#include "plug/services.h"
#include "plug/text.h"
#include "plug/wire.h"
#include "plug/worker_proc.h"

#include <stdio.h>

enum {
    CREATE_MS = 60000,
    ASLEEP_MS = 1000,
    CANCEL_GRACE_MS = 200,
    KEEP_BUFFER = 16 << 20,
    LOG_MOST = 1000
};
enum { STOP_HUNG = 1, STOP_CANCELLED = 2 }; /* what watch() ends a wait with */

struct worker {
    as_seat seat;
    const as_seat_spec *spec;
    as_worker_proc proc;
    as_buf ask, got, part_reply;
    bool has_served, is_stale, is_creating;
    uint32_t flags; /* of the descriptor */
    /* watching one request */
    uint32_t n, n_logged;
    uint64_t progress;
    int64_t since_ns, seen_ns, limit_ns, cancel_ns;
};

/* ---- watching ---- */

static uint64_t progress_of(const struct worker *w)
{
    uint64_t n = atomic_load_explicit(&w->proc.shared->n_emitted, memory_order_relaxed);
    const volatile assay_verdict *verdict =
        w->proc.shared->verdict; /* written by the other process */
    for (uint32_t i = 0; i < w->n; i++)
        n += verdict[i] != ASSAY_UNSET;
    return n;
}

/* Called whenever the worker kept us waiting, and after each thing it asked for. */
static int watch(void *ctx)
{
    struct worker *w = ctx;
    int64_t now = as_now_ns();
    if (now - w->seen_ns > (int64_t)ASLEEP_MS * 1000000)
        w->since_ns +=
            now - w->seen_ns; /* we were stopped (Ctrl-Z), and the worker may have been */
    w->seen_ns = now;
    as_worker_proc_drain(&w->proc);
    int why = as_cancel_why(w->spec->cancel);
    if (why && !w->cancel_ns) {
        as_cancel_set(&w->proc.shared->cancel, why);
        w->cancel_ns = now;
    }
    if (w->cancel_ns && now - w->cancel_ns > (int64_t)CANCEL_GRACE_MS * 1000000)
        return STOP_CANCELLED;
    uint64_t progress = progress_of(w);
    if (progress > w->progress) { /* a verdict taken back and given again is none */
        w->progress = progress;
        w->since_ns = now;
    }
    return now - w->since_ns > w->limit_ns ? STOP_HUNG : 0;
}

static void start_watch(struct worker *w, uint32_t n, int64_t limit_ms)
{
    as_worker_shared *shared = w->proc.shared;
    atomic_store(&shared->cancel.why, 0);
    shared->cancel.deadline_ns = 0;
    atomic_store(&shared->n_emitted, 0);
    memset(shared->verdict, 0, n);
    w->n = n;
    w->progress = 0;
    w->n_logged = 0;
    w->cancel_ns = 0;
    w->since_ns = w->seen_ns = as_now_ns();
    w->limit_ns = limit_ms * 1000000;
}

/* ---- what the worker asks of us: the parts of a verifier made of others ---- */

static void answer_fail(struct worker *w, const as_err *err)
{
    assay_status status = ASSAY_E_FAIL;
    if (err->code == AS_EUSAGE)
        status = ASSAY_E_CONFIG;
    else if (err->code == AS_ENOMEM)
        status = ASSAY_E_NOMEM;
    else if (err->code == AS_EINTR || err->code == AS_ETERM || err->code == AS_EBUDGET)
        status = ASSAY_E_CANCELLED;
    as_wire_answer a = { .status = status, .error = as_str_of(err->text) };
    as_wire_put_reply(&w->part_reply, &a);
}

/* What we say of a path tells whether there is a file: not to a stranger about any but those that
 * its user gave it. */
static bool may_name(const as_seat_spec *spec, as_str name)
{
    const char *config = name.len ? memmem(name.data, name.len, ":{", 2) : NULL;
    size_t n = config ? (size_t)(config - name.data) : name.len;
    return !spec->is_jailed || !memchr(name.data, '/', n) ||
           memmem(spec->config.data, spec->config.len, name.data, n);
}

static int part_open(struct worker *w, as_wire_reader *r, as_err *err)
{
    uint32_t part = 0;
    as_str name = as_wire_str(r);
    if (r->bad || !name.data || !w->is_creating)
        return as_fail(err, AS_EUSAGE, "parts are opened in create() only");
    if (!may_name(w->spec, name))
        return as_fail(err, AS_EUSAGE,
                       "a verifier in a jail opens parts by their name, or by a path that is in "
                       "its configuration");
    as_services *outer = as_services_creating(w->spec->services);
    int rc = as_services_open(w->spec->services, name, &part, err);
    (void)as_services_creating(outer);
    if (rc < 0)
        return rc;
    as_wire_answer a = { .value = part };
    as_wire_put_reply(&w->part_reply, &a);
    return 0;
}

static int part_items(struct worker *w, uint32_t type, as_wire_reader *r, as_arena *arena,
                      as_err *err)
{
    uint32_t part = 0, want = 0;
    as_items items;
    as_results results;
    int rc = as_wire_items(r, &items, &part, &want, arena, err);
    as_scorer *scorer = rc == 0 ? as_services_part(w->spec->services, part) : NULL;
    if (rc == 0 && !scorer)
        rc = as_fail(err, AS_EUSAGE, "there is no part %u", part);
    if (rc < 0)
        return rc;
    as_wire_answer a = { .n = items.n };
    if (type != AS_WIRE_PART_SCORE && !as_scorer_votes(scorer)) {
        a = (as_wire_answer){ .status = ASSAY_E_UNSUPPORTED,
                              .error = AS_LIT("the part offers no answer to vote on") };
    } else if (type == AS_WIRE_PART_CLASSES) {
        uint32_t *classes = as_arena_alloc(arena, (size_t)items.n * sizeof *classes);
        rc = classes ? as_services_classes(w->spec->services, part, &items, classes, arena, err)
                     : as_fail(err, AS_ENOMEM, "classes of %u items: out of memory", items.n);
        a.classes = classes;
    } else {
        rc = type == AS_WIRE_PART_SCORE ? as_scorer_score(scorer, &items, 0, arena, &results, err)
                                        : as_scorer_extract(scorer, &items, arena, &results, err);
        a.results = &results;
    }
    if (rc == 0)
        as_wire_put_reply(&w->part_reply, &a);
    return rc;
}

static int part_same(struct worker *w, as_wire_reader *r, as_err *err)
{
    uint32_t part = as_wire_u32(r);
    (void)as_wire_u32(r);
    as_str a = as_wire_str(r), b = as_wire_str(r);
    as_scorer *scorer = r->bad ? NULL : as_services_part(w->spec->services, part);
    if (!scorer)
        return as_fail(err, AS_EUSAGE, "there is no part %u", part);
    int rc = as_scorer_same(scorer, a, b);
    if (rc < 0)
        return as_fail(err, rc, "the part could not tell");
    as_wire_answer answer = { .value = (uint64_t)rc };
    as_wire_put_reply(&w->part_reply, &answer);
    return 0;
}

static int is_stopped(void *ctx)
{
    const struct worker *w = ctx;
    return as_cancel_why(w->spec->cancel);
}

static int run_programs(struct worker *w, as_wire_reader *r, as_arena *arena, as_err *err)
{
    assay_run **jobs = NULL;
    uint32_t n = 0;
    as_kept kept;
    as_buf told;
    as_kept_init(&kept);
    as_buf_init(&told, AS_WIRE_MAX / 2);
    int rc = as_sandboxed_take_jobs(r, &jobs, &n, arena, err);
    if (rc == 0)
        rc = as_services_hold_sandbox(w->spec->services, err);
    if (rc == 0)
        rc = as_sandboxed_run(jobs, n, &kept, is_stopped, w, err);
    if (rc == 0) {
        as_sandboxed_put_results(&told, jobs, n);
        rc = as_buf_check(&told, err);
    }
    if (rc == 0) {
        as_wire_answer a = { .info = as_buf_str(&told) };
        as_wire_put_reply(&w->part_reply, &a);
    }
    as_buf_fini(&told);
    as_kept_fini(&kept);
    return rc;
}

/* A few of them: what a verifier logs without end would fill somebody's disk. */
static void log_line(struct worker *w, as_wire_reader *r)
{
    if (w->n_logged >= LOG_MOST)
        return;
    const char *last = "that was the last line of this call that is shown";
    int32_t level = (int32_t)as_wire_u32(r);
    (void)as_wire_u32(r);
    as_str line = as_wire_str(r);
    const assay_host *host = as_services_host(w->spec->services);
    if (!r->bad && line.data)
        host->log(host, level, line.data); /* a NUL inside ends it early: it is only a message */
    if (++w->n_logged == LOG_MOST)
        host->log(host, ASSAY_LOG_WARN, last);
}

/* 0: served, go on waiting. */
static int serve_question(struct worker *w, uint32_t type, as_str payload, as_err *err)
{
    as_wire_reader r = as_wire_read(payload);
    as_err part_err = { 0 };
    as_arena arena;
    int rc;
    if (type == AS_WIRE_LOG) {
        log_line(w, &r);
        return watch(w);
    }
    int64_t asked_ns = as_now_ns();
    as_arena_init(&arena, 0);
    if (type == AS_WIRE_PART_OPEN)
        rc = part_open(w, &r, &part_err);
    else if (type == AS_WIRE_PART_SAME)
        rc = part_same(w, &r, &part_err);
    else if (type >= AS_WIRE_PART_SCORE && type <= AS_WIRE_PART_EXTRACT)
        rc = part_items(w, type, &r, &arena, &part_err);
    else if (type == AS_WIRE_SANDBOX)
        rc = run_programs(w, &r, &arena, &part_err);
    else
        rc = as_fail(&part_err, AS_EUSAGE, "not a question");
    if (rc < 0)
        answer_fail(w, &part_err);
    as_arena_fini(&arena);
    w->seen_ns = as_now_ns();
    w->since_ns += w->seen_ns - asked_ns; /* the time was the part's; asking is no progress */
    if (as_wire_end(&w->part_reply, &part_err) < 0) {
        answer_fail(w, &part_err);
        (void)as_wire_end(&w->part_reply, err);
    }
    return as_wire_send(&w->proc.wire, &w->part_reply, err);
}

/* ---- one request ---- */

/* Sends `ask`, serves what is asked back, gets the reply. 0, a STOP_ value or an error code. */
static int exchange(struct worker *w, as_wire_reply *reply, as_err *err)
{
    w->proc.wire.idle = watch;
    w->proc.wire.ctx = w;
    int rc = as_wire_send(&w->proc.wire, &w->ask, err);
    while (rc == 0) {
        uint32_t type = 0;
        as_str payload;
        rc = as_wire_recv(&w->proc.wire, &w->got, &type, &payload, err);
        if (rc == 0 && type == AS_WIRE_REPLY)
            return as_wire_reply_parse(reply, payload, err);
        if (rc == 0)
            rc = serve_question(w, type, payload, err);
    }
    return rc;
}

static void count(_Atomic uint64_t *n)
{
    if (n)
        atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static uint32_t first_unset(const struct worker *w)
{
    const volatile assay_verdict *verdict = w->proc.shared->verdict;
    for (uint32_t i = 0; i < w->n; i++) {
        if (verdict[i] == ASSAY_UNSET)
            return i;
    }
    return w->n;
}

/* The exchange failed: ends the worker and says how. */
static as_fate end_badly(struct worker *w, int rc, const as_err *err, char *why, size_t size)
{
    if (rc == STOP_CANCELLED) {
        as_worker_proc_kill(&w->proc);
        return AS_FATE_CANCELLED;
    }
    if (w->spec->counts)
        count(&w->spec->counts->deaths);
    if (rc == STOP_HUNG) {
        as_worker_proc_kill(&w->proc);
        (void)snprintf(why, size, "no progress for %lld ms", (long long)(w->limit_ns / 1000000));
        as_worker_proc_add_stderr(&w->proc, why, size);
        return AS_FATE_HUNG;
    }
    if (rc == AS_EIO) {
        as_worker_proc_died(&w->proc, w->spec->worker_mem_mib, why, size);
        return AS_FATE_DIED;
    }
    as_worker_proc_kill(&w->proc);
    (void)snprintf(why, size, "the verifier disturbed the connection to its host: %s", err->text);
    return rc == AS_ENOMEM ? AS_FATE_BROKEN : AS_FATE_DIED;
}

static int take_create_reply(struct worker *w, const as_wire_reply *reply, as_verifier_info *info,
                             as_arena *arena, as_err *err)
{
    if (reply->status < 0) {
        char text[400];
        as_text_line(text, sizeof text, reply->error);
        bool is_known = reply->status == AS_EUSAGE || reply->status == AS_ESANDBOX;
        return as_fail(err, is_known ? reply->status : AS_EPLUGIN, "%s", text);
    }
    as_arena scratch;
    as_verifier_info got;
    as_arena_init(&scratch, 0);
    int rc = reply->n == 2 && reply->score
                 ? as_info_read(info ? info : &got, reply->info, info ? arena : &scratch, err)
                 : as_fail(err, AS_EDATA, "the worker did not describe its verifier");
    if (rc == 0) {
        const as_verifier_info *known = info ? info : &got;
        w->flags = known->flags;
        w->seat.score_min = reply->score[0];
        w->seat.score_max = reply->score[1];
        w->seat.votes = reply->value & 1;
        w->seat.tasks = reply->value & 2;
    }
    if (rc == 0 && info) {
        info->votes = w->seat.votes;
        info->tasks = w->seat.tasks;
    }
    as_arena_fini(&scratch);
    return rc;
}

static int create(struct worker *w, as_wire_reply *reply, as_err *err)
{
    const as_seat_spec *spec = w->spec;
    as_wire_begin(&w->ask, AS_WIRE_CREATE);
    as_wire_put_u32(&w->ask, spec->timeout_ms);
    as_wire_put_u32(&w->ask, spec->worker_mem_mib);
    as_wire_put_str(&w->ask, as_str_of(spec->found.path));
    as_wire_put_str(&w->ask, as_str_of(spec->found.verifier));
    as_wire_put_u64(&w->ask, spec->found.or_first);
    as_wire_put_str(&w->ask, spec->config);
    int rc = as_wire_end(&w->ask, err);
    if (rc < 0)
        return rc;
    start_watch(w, 0, CREATE_MS);
    w->is_creating = true;
    as_err broken = { 0 };
    rc = exchange(w, reply, &broken);
    w->is_creating = false;
    if (rc == 0)
        return 0;
    char why[300] = "interrupted";
    as_fate fate = end_badly(w, rc, &broken, why, sizeof why);
    rc = fate == AS_FATE_CANCELLED ? as_cancel_check(spec->cancel, err) : 0;
    if (rc < 0)
        return rc;
    return as_fail(err, AS_EPLUGIN, "%s: while the verifier was being created: %s",
                   spec->found.path, why);
}

/* A later worker must not judge by other rules than the first, nor under its hash. */
static int check_unchanged(const as_found *found, as_err *err)
{
    as_digest now;
    int rc = as_sha256_file(found->path, &now, err);
    if (rc == 0 && memcmp(now.bytes, found->sha256.bytes, sizeof now.bytes) != 0)
        rc = as_fail(err, AS_EPLUGIN, "%s: the file was changed during this run; start it again",
                     found->path);
    return rc;
}

static int start(struct worker *w, as_verifier_info *info, as_arena *arena, as_err *err)
{
    as_wire_reply reply;
    int rc = check_unchanged(&w->spec->found, err);
    if (rc == 0)
        rc = as_worker_proc_start(&w->proc, err);
    if (rc < 0)
        return rc;
    if (w->spec->counts)
        count(&w->spec->counts->starts);
    w->has_served = w->is_stale = false;
    rc = create(w, &reply, err);
    if (rc == 0)
        rc = take_create_reply(w, &reply, info, arena, err);
    if (rc < 0)
        as_worker_proc_stop(&w->proc);
    return rc;
}

/* A worker that can be asked; BROKEN where there is none. */
static bool make_ready(struct worker *w, as_outcome *o)
{
    as_err err = { 0 };
    if (w->is_stale)
        as_worker_proc_stop(&w->proc);
    if (w->proc.pid > 0 || start(w, NULL, NULL, &err) == 0) {
        o->fresh = !w->has_served;
        w->has_served = true;
        return true;
    }
    bool is_cancelled = as_cancel_why(w->spec->cancel) != 0;
    o->fate = is_cancelled ? AS_FATE_CANCELLED : AS_FATE_BROKEN;
    (void)snprintf(o->why, sizeof o->why, "%s", err.text);
    return false;
}

static uint32_t largest_group(const as_items *items, uint32_t lo, uint32_t hi)
{
    uint32_t best = 1, run = 1;
    for (uint32_t i = lo + 1; i < hi; i++) {
        run = items->group[i] == items->group[i - 1] ? run + 1 : 1;
        best = run > best ? run : best;
    }
    return best;
}

static void broken(as_outcome *o, const char *why)
{
    o->fate = AS_FATE_BROKEN;
    (void)snprintf(o->why, sizeof o->why, "%s", why);
}

/* What was printed is noticed after the reply: the worker flushes before it answers. */
static void look_after(struct worker *w, uint64_t rss_kib, bool is_single, as_outcome *o)
{
    as_worker_proc_drain(&w->proc);
    if (rss_kib / 1024 > w->spec->worker_mem_mib / 2)
        w->is_stale = true; /* it leaks, or will not give back: the next call gets a new one */
    if (!w->proc.n_said)
        return;
    char said[AS_WORKER_SAID + 1];
    as_text_line(said, sizeof said, (as_str){ w->proc.said, w->proc.n_said });
    w->proc.n_said = 0;
    o->fate = AS_FATE_DIRTY;
    (void)snprintf(o->why, sizeof o->why, "the verifier wrote to stdout: \"%s\"", said);
    w->is_stale = w->is_stale || is_single;
}

static void take_reply(struct worker *w, const as_wire_reply *reply, uint32_t lo, uint32_t hi,
                       as_results *r, as_outcome *o)
{
    as_err err = { 0 };
    int rc = reply->status < 0 && !reply->verdict ? 0 : as_wire_reply_apply(reply, r, lo, hi, &err);
    if (rc < 0) {
        o->fate = end_badly(w, rc, &err, o->why, sizeof o->why);
        return;
    }
    o->status = reply->status;
    if (reply->status < 0) {
        as_text_line(o->why, sizeof o->why, reply->error);
        if (as_cancel_why(w->spec->cancel))
            o->fate = AS_FATE_CANCELLED;
    }
    o->first_unset = lo;
    while (o->first_unset < hi && r->verdict[o->first_unset] != ASSAY_UNSET)
        o->first_unset++;
    look_after(w, reply->rss_kib, hi - lo == 1, o);
}

static void worker_call(as_seat *seat, as_act act, const as_items *items, uint32_t lo, uint32_t hi,
                        uint32_t want, as_results *r, as_outcome *o)
{
    struct worker *w = (struct worker *)(void *)seat;
    as_err err = { 0 };
    as_wire_reply reply;
    *o = (as_outcome){ .fate = AS_FATE_DONE, .first_unset = lo };
    if (hi - lo > AS_WORKER_ITEMS) {
        broken(o, "a group of more than a million items is too large for a worker");
        return;
    }
    if (!make_ready(w, o))
        return;
    as_wire_begin(&w->ask, act == AS_ACT_SCORE ? AS_WIRE_SCORE : AS_WIRE_EXTRACT);
    as_wire_put_items(&w->ask, 0, want, items, lo, hi);
    if (as_wire_end(&w->ask, &err) < 0) {
        broken(o, "the item is too large for a worker (more than 1024 MiB), or memory is short");
        return;
    }
    uint32_t unit = w->flags & ASSAY_F_NEEDS_GROUP ? largest_group(items, lo, hi) : 1;
    start_watch(w, hi - lo, (int64_t)w->spec->timeout_ms * unit);
    int rc = exchange(w, &reply, &err);
    if (rc == 0) {
        take_reply(w, &reply, lo, hi, r, o);
    } else {
        o->first_unset = lo + first_unset(w);
        o->fate = end_badly(w, rc, &err, o->why, sizeof o->why);
    }
    if (w->ask.cap > KEEP_BUFFER)
        as_buf_fini(&w->ask);
    if (w->got.cap > KEEP_BUFFER)
        as_buf_fini(&w->got);
}

static int worker_same(as_seat *seat, as_str a, as_str b)
{
    struct worker *w = (struct worker *)(void *)seat;
    as_outcome o = { .fate = AS_FATE_DONE };
    as_err err = { 0 };
    as_wire_reply reply;
    if (!make_ready(w, &o))
        return AS_EPLUGIN;
    as_wire_begin(&w->ask, AS_WIRE_SAME);
    as_wire_put_str(&w->ask, a);
    as_wire_put_str(&w->ask, b);
    if (as_wire_end(&w->ask, &err) < 0)
        return AS_EPLUGIN;
    start_watch(w, 0, w->spec->timeout_ms);
    int rc = exchange(w, &reply, &err);
    if (rc != 0) {
        (void)end_badly(w, rc, &err, o.why, sizeof o.why);
        return AS_EPLUGIN;
    }
    look_after(w, reply.rss_kib, true, &o);
    return reply.status < 0 || o.fate != AS_FATE_DONE ? AS_EPLUGIN : reply.value == 1;
}

static void worker_close(as_seat *seat)
{
    struct worker *w = (struct worker *)(void *)seat;
    as_worker_proc_fini(&w->proc);
    as_buf_fini(&w->ask);
    as_buf_fini(&w->got);
    as_buf_fini(&w->part_reply);
    as_free(w);
}

int as_worker_open(as_seat **out, const as_seat_spec *spec, as_verifier_info *info, as_arena *arena,
                   as_err *err)
{
    struct worker *w = as_calloc(1, sizeof *w);
    if (!w)
        return as_fail(err, AS_ENOMEM, "opening a verifier: out of memory");
    w->seat = (as_seat){ .call = worker_call, .same = worker_same, .close = worker_close };
    w->spec = spec;
    as_buf_init(&w->ask, AS_WIRE_MAX);
    as_buf_init(&w->got, AS_WIRE_MAX);
    as_buf_init(&w->part_reply, AS_WIRE_MAX);
    int rc = as_worker_proc_init(&w->proc, err);
    w->proc.jail = spec->is_jailed ? spec->found.path : NULL;
    w->proc.mem_mib = spec->worker_mem_mib;
    if (rc == 0)
        rc = start(w, info, arena, err);
    if (rc < 0) {
        worker_close(&w->seat);
        return rc;
    }
    *out = &w->seat;
    return 0;
}
