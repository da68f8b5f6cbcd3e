/* scorer.c -- opens a verifier by name and configuration and keeps its seats.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/scorer.h"

#include "base/log.h"
#include "base/mem.h"
#include "jobs/pipeline.h"
#include "plug/entry.h"
#include "plug/sandboxed.h"
#include "plug/scorer_priv.h"

enum {
    TIMEOUT_MS = 10000,
    WORKER_MIB = 2048,
    BLOCKING_THREADS = 16,
    MAX_SEATS = 1024,
    CONFIG_MAX = 1 << 20
};

/* ---- seats ---- */

static int open_seat(as_scorer *s, as_seat **out, as_verifier_info *info, as_arena *arena,
                     as_err *err)
{
    return s->is_inproc ? as_inproc_open(out, &s->spec, info, arena, err)
                        : as_worker_open(out, &s->spec, info, arena, err);
}

/* A further instance could not be made: those there are have to do. */
static int add_failed(as_scorer *s, int rc, as_err *why, as_err *err)
{
    pthread_mutex_lock(&s->lock);
    s->n_seats--;
    bool is_last = s->n_seats == 0;
    if (!is_last)
        s->max_seats = s->n_seats;
    pthread_cond_broadcast(&s->freed); /* who waits for the last one may have to try for itself */
    pthread_mutex_unlock(&s->lock);
    if (is_last)
        return as_fail(err, rc, "%s", why->text);
    as_log(AS_LOG_WARN, "verifier %s: only %u instances could be made: %s", s->info.id,
           s->max_seats, why->text);
    return 0;
}

static int add_seat(as_scorer *s, as_seat **out, as_err *err)
{
    as_seat *seat = NULL;
    as_err why = { 0 };
    int rc = open_seat(s, &seat, NULL, NULL, &why);
    if (rc < 0)
        return add_failed(s, rc, &why, err);
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->threads + 1; i++) {
        if (!s->seats[i]) {
            s->seats[i] = seat;
            break;
        }
    }
    pthread_mutex_unlock(&s->lock);
    *out = seat;
    return 0;
}

int as_seat_take(as_scorer *s, as_act act, as_seat **out, as_err *err)
{
    if (s->shared && act == AS_ACT_SCORE) {
        *out = s->shared;
        return 0;
    }
    *out = NULL;
    while (!*out) {
        pthread_mutex_lock(&s->lock);
        while (!s->n_free && s->n_seats >= s->max_seats)
            pthread_cond_wait(&s->freed, &s->lock);
        if (s->n_free)
            *out = s->free_[--s->n_free];
        else
            s->n_seats++;
        pthread_mutex_unlock(&s->lock);
        int rc = *out ? 0 : add_seat(s, out, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void as_seat_give(as_scorer *s, as_seat *seat)
{
    if (seat == s->shared)
        return;
    pthread_mutex_lock(&s->lock);
    s->free_[s->n_free++] = seat;
    pthread_cond_signal(&s->freed);
    pthread_mutex_unlock(&s->lock);
}

/* ---- opening ---- */

/* "NAME:{json}": the configuration begins at the first ":{". */
static int split_name(as_scorer *s, const char *text, const char **name, as_err *err)
{
    const char *colon = strstr(text, ":{");
    as_str n = { text, colon ? (size_t)(colon - text) : strlen(text) };
    as_str copy = as_arena_str(&s->arena, n);
    as_buf config;
    as_buf_init(&config, CONFIG_MAX);
    int rc = 0;
    if (!copy.data)
        rc = AS_ENOMEM;
    else if (colon)
        rc = as_json_canonical(as_str_of(colon + 1), &config, err);
    else
        as_buf_text(&config, "{}");
    if (rc < 0)
        as_err_prefix(err, "configuration of \"%s\": ", copy.data ? copy.data : "");
    if (rc == 0)
        rc = as_buf_check(&config, err);
    if (rc == 0) {
        s->spec.config = as_arena_str(&s->arena, as_buf_str(&config));
        rc = s->spec.config.data ? 0 : as_fail(err, AS_ENOMEM, "opening a verifier: out of memory");
        s->config_hash = as_sha256_of(s->spec.config);
    }
    as_buf_fini(&config);
    *name = copy.data;
    return rc;
}

/* Ours, but with state that belongs to the whole process: not to this one. */
static int is_process_global(const as_found *found, bool *out, as_err *err)
{
    const assay_entry *entry = found->entry;
    const assay_descriptor *d = NULL;
    int rc = entry ? 0 : as_entry_open(&entry, found->path, err);
    if (rc == 0)
        rc = as_entry_find(&d, entry, found->path ? found->path : "linked-in verifiers",
                           found->verifier, err);
    if (rc == 0)
        *out = (d->flags & ASSAY_F_PROCESS_GLOBAL) != 0;
    return rc;
}

static int refuse_linked_in(const char *where, as_err *err)
{
    return as_fail(err, AS_EUSAGE,
                   "a verifier linked into the program cannot run in a %s; "
                   "use --isolation inproc",
                   where);
}

static int choose_isolation(as_scorer *s, as_err *err)
{
    const as_found *found = &s->spec.found;
    switch (s->options.isolation) {
    case AS_ISOLATION_JAIL:
        s->spec.is_jailed = true;
        return found->entry ? refuse_linked_in("jail", err) : as_sandboxed_require(err);
    case AS_ISOLATION_INPROC:
        s->is_inproc = true;
        return 0;
    case AS_ISOLATION_WORKER:
        return found->entry ? refuse_linked_in("worker", err) : 0;
    case AS_ISOLATION_AUTO:
        break;
    }
    if (!found->entry && !found->ours)
        return 0;
    bool is_global = false;
    int rc = is_process_global(found, &is_global, err);
    s->is_inproc = rc == 0 && (found->entry || !is_global);
    return rc;
}

static uint32_t range_of(uint32_t cost_us)
{
    if (!cost_us)
        return RANGE_COST_UNKNOWN;
    uint32_t n = RANGE_US / cost_us;
    return n < 1 ? 1 : n > RANGE_MAX ? RANGE_MAX : n;
}

static unsigned threads_of(const as_scorer *s)
{
    unsigned n = s->options.threads;
    if (!n)
        n = s->info.flags & ASSAY_F_BLOCKS ? BLOCKING_THREADS : as_cpu_count();
    return n < 1 ? 1 : n > MAX_SEATS ? MAX_SEATS : n;
}

static int place_first(as_scorer *s, as_seat *seat, as_err *err)
{
    bool is_global = s->is_inproc && (s->info.flags & ASSAY_F_PROCESS_GLOBAL);
    s->votes = seat->votes;
    s->score_min = seat->score_min;
    s->score_max = seat->score_max;
    s->threads = threads_of(s);
    s->max_seats = is_global ? 1 : s->threads;
    s->seats = as_arena_calloc(&s->arena, s->threads + 1, sizeof(as_seat *));
    s->free_ = as_arena_calloc(&s->arena, s->threads + 1, sizeof(as_seat *));
    if (!s->seats || !s->free_) {
        seat->close(seat);
        return as_fail(err, AS_ENOMEM, "opening a verifier: out of memory");
    }
    s->seats[0] = seat;
    if (seat->is_shared && !is_global) {
        s->shared = seat; /* extract() and same() are not promised to run beside it: they get seats
                             of their own */
        return 0;
    }
    s->n_seats = 1;
    s->free_[s->n_free++] = seat;
    return 0;
}

static void set_defaults(as_scorer *s, const as_scorer_options *options)
{
    if (options)
        s->options = *options;
    s->spec.timeout_ms = s->options.timeout_ms ? s->options.timeout_ms : TIMEOUT_MS;
    s->spec.worker_mem_mib = s->options.worker_mem_mib ? s->options.worker_mem_mib : WORKER_MIB;
    s->spec.cancel = s->options.cancel;
    s->spec.counts = &s->counts;
}

static int open_into(as_scorer *s, as_registry *registry, const char *text, as_err *err)
{
    const char *name = NULL;
    int rc = split_name(s, text, &name, err);
    bool is_jail = s->options.isolation == AS_ISOLATION_JAIL;
    if (rc == 0)
        rc = is_jail ? as_registry_find_unloaded(registry, name, &s->spec.found, err)
                     : as_registry_find(registry, name, &s->spec.found, err);
    if (rc == 0)
        rc = choose_isolation(s, err);
    if (rc == 0)
        rc = as_services_new(&s->services, registry, &s->options, err);
    if (rc < 0)
        return rc;
    s->spec.services = s->services;
    as_services_label(s->services, name);
    as_seat *seat = NULL;
    rc = open_seat(s, &seat, &s->info, &s->arena, err);
    if (rc < 0)
        return rc;
    s->range = range_of(s->info.cost_us);
    rc = s->info.flags & ASSAY_F_USES_SANDBOX ? as_services_hold_sandbox(s->services, err) : 0;
    if (rc < 0) { /* now, and not as the verdict on every item */
        seat->close(seat);
        return rc;
    }
    return place_first(s, seat, err);
}

int as_scorer_open(as_scorer **out, as_registry *registry, const char *name_and_config,
                   const as_scorer_options *options, as_err *err)
{
    as_scorer *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "opening a verifier: out of memory");
    as_arena_init(&s->arena, 0);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->freed, NULL);
    set_defaults(s, options);
    int rc = open_into(s, registry, name_and_config, err);
    if (rc < 0) {
        as_scorer_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void as_scorer_close(as_scorer *s)
{
    if (!s)
        return;
    for (unsigned i = 0; s->seats && i < s->threads + 1; i++) {
        if (s->seats[i])
            s->seats[i]->close(s->seats[i]);
    }
    as_services_free(s->services); /* after the verifiers that use it */
    (void)pthread_cond_destroy(&s->freed);
    (void)pthread_mutex_destroy(&s->lock);
    as_arena_fini(&s->arena);
    as_free(s);
}

/* ---- what is known of it ---- */

const as_verifier_info *as_scorer_info(const as_scorer *s)
{
    return &s->info;
}

as_digest as_scorer_config_hash(const as_scorer *s)
{
    return s->config_hash;
}

as_digest as_scorer_file_hash(const as_scorer *s)
{
    return s->spec.found.sha256;
}

as_str as_scorer_config(const as_scorer *s)
{
    return s->spec.config;
}

bool as_scorer_votes(const as_scorer *s)
{
    return s && s->votes;
}

bool as_scorer_is_inproc(const as_scorer *s)
{
    return s->is_inproc;
}

as_isolation as_scorer_isolation(const as_scorer *s)
{
    if (s->is_inproc)
        return AS_ISOLATION_INPROC;
    return s->spec.is_jailed ? AS_ISOLATION_JAIL : AS_ISOLATION_WORKER;
}

unsigned as_scorer_threads(const as_scorer *s)
{
    return s->threads;
}

void as_scorer_range(const as_scorer *s, float *low, float *high)
{
    *low = s->score_min;
    *high = s->score_max;
}

as_scorer_stats as_scorer_get_stats(const as_scorer *s)
{
    return (as_scorer_stats){ .items = s->n_items,
                              .calls = s->n_calls,
                              .cached = s->n_cached,
                              .duplicates = s->n_duplicates,
                              .retried = s->n_retried,
                              .worker_starts = s->counts.starts,
                              .worker_deaths = s->counts.deaths,
                              .busy_ns = s->busy_ns };
}
