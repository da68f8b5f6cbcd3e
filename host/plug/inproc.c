/* inproc.c -- a verifier instance called directly, in this process: the whole price is the call
 * itself. A worker uses the same seat on its side, so both ways behave alike.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "plug/entry.h"
#include "plug/sandboxed.h"
#include "plug/seat.h"
#include "plug/services.h"
#include "plug/text.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

struct inproc {
    as_seat seat;
    const as_seat_spec *spec;
    const char *name;
    assay_verifier *verifier;
    const assay_ext_answer *answer; /* NULL: does not vote */
};

struct call_state { /* behind assay_call.data */
    const as_seat_spec *spec;
    as_results *results;
    uint32_t lo, n;
    as_act act;
    int64_t deadline_ns;
    as_kept kept;
    bool lost; /* something emitted found no memory here, which the verifier may not have minded */
    atomic_flag busy; /* emit is [any]; held for one copy, so spinning is cheaper than sleeping */
};

static int32_t is_cancelled(const assay_call *call)
{
    const struct call_state *st = call->data;
    return as_cancel_why(st->spec->cancel) != 0 || as_now_ns() >= st->deadline_ns;
}

static assay_status emit(const assay_call *call, uint32_t item, uint32_t channel, assay_str text)
{
    struct call_state *st = call->data;
    if (item >= st->n)
        return ASSAY_E_ARG;
    while (atomic_flag_test_and_set_explicit(&st->busy, memory_order_acquire))
        (void)sched_yield();
    bool is_first = st->spec->progress && !as_results_has(st->results, st->lo + item, channel);
    int rc = as_results_emit(st->results, st->lo + item, channel, text);
    st->lost = st->lost || rc == AS_ENOMEM;
    if (st->act == AS_ACT_EXTRACT && channel == ASSAY_OUT_KEY) /* extract() has no verdict column */
        st->results->verdict[st->lo + item] = ASSAY_PASS;
    if (is_first && rc == 0) /* to say it again is no progress; the lock makes the sum whole */
        atomic_store_explicit(st->spec->progress,
                              atomic_load_explicit(st->spec->progress, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    atomic_flag_clear_explicit(&st->busy, memory_order_release);
    if (rc == AS_ENOMEM)
        return ASSAY_E_NOMEM;
    return rc < 0 ? ASSAY_E_ARG : ASSAY_OK;
}

as_kept *as_call_kept(const assay_call *call)
{
    return call->emit == emit ? &((struct call_state *)call->data)->kept : as_kept_find(call);
}

static assay_call make_call(struct call_state *st, uint32_t want)
{
    as_kept_init(&st->kept);
    return (assay_call){ .size = sizeof(assay_call),
                         .flags = want,
                         .data = st,
                         .deadline_ns = st->deadline_ns,
                         .cancelled = is_cancelled,
                         .emit = emit };
}

static const char *status_text(assay_status status)
{
    switch (status) {
    case ASSAY_E_NOMEM:
        return "out of memory";
    case ASSAY_E_ARG:
        return "bad argument";
    case ASSAY_E_CONFIG:
        return "configuration refused";
    case ASSAY_E_UNSUPPORTED:
        return "not supported";
    case ASSAY_E_CANCELLED:
        return "gave up at its deadline";
    case ASSAY_E_IO:
        return "input or output failed";
    default:
        return "failed without saying why";
    }
}

static void explain_status(const struct inproc *s, assay_status status, assay_error *e, char *why,
                           size_t size)
{
    e->text[sizeof e->text - 1] = 0;
    char text[sizeof e->text];
    as_text_line(text, sizeof text, as_str_of(e->text));
    if (status == ASSAY_E_NOMEM && s->spec->host) /* in a worker: the limit is ours, so name it */
        (void)snprintf(why, size, "the verifier ran out of memory (limit %u MiB)%s%s",
                       s->spec->worker_mem_mib, *text ? ": " : "", text);
    else
        (void)snprintf(why, size, "the verifier failed (status %d): %s", status,
                       *text ? text : status_text(status));
}

static uint32_t first_unset(const as_results *r, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = lo; i < hi; i++) {
        if (r->verdict[i] == ASSAY_UNSET)
            return i;
    }
    return lo;
}

static assay_status call_verifier(const struct inproc *s, as_act act, const assay_call *call,
                                  const assay_batch *batch, assay_scores *scores, assay_error *e)
{
    if (act == AS_ACT_SCORE)
        return s->verifier->score(s->verifier, call, batch, scores, e);
    if (!s->answer)
        return ASSAY_E_UNSUPPORTED;
    return s->answer->extract(s->verifier, call, batch, e);
}

static void inproc_call(as_seat *seat, as_act act, const as_items *items, uint32_t lo, uint32_t hi,
                        uint32_t want, as_results *r, as_outcome *out)
{
    const struct inproc *s = (const struct inproc *)(const void *)seat;
    uint32_t n = hi - lo;
    struct call_state st = { .spec = s->spec,
                             .results = r,
                             .lo = lo,
                             .n = n,
                             .act = act,
                             .deadline_ns =
                                 as_now_ns() + (int64_t)s->spec->timeout_ms * 1000000 * n,
                             .busy = ATOMIC_FLAG_INIT };
    assay_call call = make_call(&st, want);
    assay_batch batch = { .size = sizeof batch,
                          .n = n,
                          .prompt = items->prompt + lo,
                          .completion = items->completion + lo,
                          .reference = items->reference + lo,
                          .meta = items->meta + lo,
                          .group = items->group + lo,
                          .seed = items->seed + lo };
    assay_scores scores = {
        .size = sizeof scores, .n = n, .score = r->score + lo, .verdict = r->verdict + lo
    };
    assay_error e = { .size = sizeof e };
    assay_status status = call_verifier(s, act, &call, &batch, &scores, &e);
    as_kept_fini(&st.kept);
    if (st.lost) { /* a verdict without its key would be a blank vote */
        status = ASSAY_E_NOMEM;
        memset(r->verdict + lo, ASSAY_UNSET, n);
    }
    if (act == AS_ACT_EXTRACT && status >= 0) /* no key is an answer too: this one does not vote */
        memset(r->verdict + lo, ASSAY_PASS, n);
    out->fate = AS_FATE_DONE;
    out->status = status;
    out->fresh = true; /* there is no fresher one to try */
    out->first_unset = lo;
    out->why[0] = 0;
    if (status >= 0)
        return;
    out->first_unset = first_unset(r, lo, hi);
    explain_status(s, status, &e, out->why, sizeof out->why);
    if (as_cancel_why(s->spec->cancel))
        out->fate = AS_FATE_CANCELLED;
}

static int inproc_same(as_seat *seat, as_str a, as_str b)
{
    const struct inproc *s = (const struct inproc *)(const void *)seat;
    if (!s->answer)
        return AS_EPLUGIN;
    if (!AS_HAS(s->answer, same) || !s->answer->same)
        return as_str_eq(a, b);
    as_results none = { .n = 0 };
    struct call_state st = { .spec = s->spec,
                             .results = &none,
                             .deadline_ns = as_now_ns() + (int64_t)s->spec->timeout_ms * 1000000,
                             .busy = ATOMIC_FLAG_INIT };
    assay_call call = make_call(&st, 0);
    int32_t rc = s->answer->same(s->verifier, &call, a, b);
    as_kept_fini(&st.kept);
    return rc < 0 ? AS_EPLUGIN : rc != 0;
}

static void inproc_close(as_seat *seat)
{
    struct inproc *s = (struct inproc *)(void *)seat;
    if (s->verifier && AS_HAS(s->verifier, destroy) && s->verifier->destroy)
        s->verifier->destroy(s->verifier);
    as_free(s);
}

static int create(struct inproc *s, const assay_descriptor *d, as_err *err)
{
    const as_seat_spec *spec = s->spec;
    if (!d->config_schema && !as_str_is(spec->config, "{}"))
        return as_fail(err, AS_EUSAGE, "verifier \"%s\" takes no configuration: leave %.*s out",
                       d->id, (int)(spec->config.len > 100 ? 100 : spec->config.len),
                       spec->config.data);
    const assay_host *host = spec->host ? spec->host : as_services_host(spec->services);
    assay_error e = { .size = sizeof e };
    as_services *outer = as_services_creating(spec->services);
    assay_status status = d->create(d, host, spec->config, &s->verifier, &e);
    (void)as_services_creating(outer);
    if (status < 0) {
        s->verifier = NULL; /* whatever was left there is not ours to destroy */
        e.text[sizeof e.text - 1] = 0;
        char text[sizeof e.text];
        as_text_line(text, sizeof text, as_str_of(e.text));
        return as_fail(err, status == ASSAY_E_CONFIG ? AS_EUSAGE : AS_EPLUGIN,
                       "verifier \"%s\": %s", d->id, *text ? text : status_text(status));
    }
    if (!s->verifier || !AS_HAS(s->verifier, score) || !s->verifier->score) {
        s->verifier = NULL;
        return as_fail(err, AS_EPLUGIN,
                       "verifier \"%s\": create() returned success but no verifier with a score(); "
                       "ask its author to run `assay plugin check`",
                       d->id);
    }
    return 0;
}

static void find_extensions(struct inproc *s)
{
    assay_verifier *v = s->verifier;
    if (!AS_HAS(v, extension) || !v->extension)
        return;
    const assay_ext_answer *answer = v->extension(v, ASSAY_EXT_ANSWER);
    if (answer && AS_HAS(answer, extract) && answer->extract)
        s->answer = answer;
    s->seat.votes = s->answer != NULL;
    s->seat.tasks = v->extension(v, ASSAY_EXT_TASKS) != NULL;
}

static int find_range(struct inproc *s, const assay_descriptor *d, as_err *err)
{
    const assay_verifier *v = s->verifier;
    s->seat.score_min = d->score_min;
    s->seat.score_max = d->score_max;
    if (AS_HAS(v, score_max) &&
        (fpclassify(v->score_min) != FP_ZERO || fpclassify(v->score_max) != FP_ZERO)) {
        s->seat.score_min = v->score_min;
        s->seat.score_max = v->score_max;
    }
    if (!isfinite(s->seat.score_min) || !isfinite(s->seat.score_max) ||
        s->seat.score_min > s->seat.score_max)
        return as_fail(err, AS_EPLUGIN, "verifier \"%s\": score range [%g, %g] makes no sense",
                       d->id, (double)s->seat.score_min, (double)s->seat.score_max);
    return 0;
}

static int open_into(struct inproc *s, as_verifier_info *info, as_arena *arena, as_err *err)
{
    const as_found *found = &s->spec->found;
    const assay_entry *entry = found->entry;
    const char *what = found->path ? found->path : "linked-in verifiers";
    int rc = entry ? as_entry_check(entry, what, err) : as_entry_open(&entry, found->path, err);
    if (rc < 0)
        return rc;
    const assay_descriptor *d = NULL;
    rc = as_entry_find(&d, entry, what, found->verifier, found->or_first ? NULL : err);
    if (rc < 0 && found->or_first)
        rc = as_entry_find(&d, entry, what, NULL, err);
    if (rc == 0 && info)
        rc = as_info_copy(info, entry, d, arena, err);
    if (rc == 0)
        rc = create(s, d, err);
    if (rc == 0)
        rc = find_range(s, d, err);
    if (rc < 0)
        return rc;
    find_extensions(s);
    s->seat.is_shared = (d->flags & ASSAY_F_REENTRANT) != 0;
    if (info) {
        info->votes = s->seat.votes;
        info->tasks = s->seat.tasks;
    }
    return 0;
}

int as_inproc_open(as_seat **out, const as_seat_spec *spec, as_verifier_info *info, as_arena *arena,
                   as_err *err)
{
    struct inproc *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "opening a verifier: out of memory");
    s->seat = (as_seat){ .call = inproc_call, .same = inproc_same, .close = inproc_close };
    s->spec = spec;
    int rc = open_into(s, info, arena, err);
    if (rc < 0) {
        inproc_close(&s->seat);
        return rc;
    }
    *out = &s->seat;
    return 0;
}
