/* services.c -- assay.verifiers/1: verifiers made of others open their parts here, and every part
 * is a scorer of its own; assay.sandbox/1. Lock: `lock` guards opening; parts once opened are read
 * without it (they never go before all of them go). SPDX-License-Identifier: Apache-2.0 */
#include "plug/services.h"

#include "base/log.h"
#include "base/mem.h"
#include "plug/sandboxed.h"
#include "plug/text.h"
#include "plug/vote.h"

#include <assay/assay.h>
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

enum { MAX_PARTS = 64 };

struct as_services {
    assay_host host;
    as_registry *registry;
    as_scorer_options options; /* of the parts: one level deeper than the verifier served here */
    char label[64];
    pthread_mutex_t lock;
    char *texts[MAX_PARTS];
    as_scorer *parts[MAX_PARTS];
    _Atomic uint32_t n;
    _Atomic bool holds_sandbox;
};

static _Thread_local as_services *creating;

as_services *as_services_creating(as_services *s)
{
    as_services *before = creating;
    creating = s;
    return before;
}

void as_services_label(as_services *s, const char *name)
{
    (void)snprintf(s->label, sizeof s->label, "%s", name);
}

/* ---- from the ABI's structs to ours ---- */

static as_str *text_column(const as_str *from, uint32_t n, as_arena *arena)
{
    as_str *to = as_arena_calloc(arena, n, sizeof *to);
    if (!to || !from)
        return to;
    for (uint32_t i = 0; i < n; i++) {
        if (from[i].data)
            to[i] = from[i];
    }
    return to;
}

int as_items_of_batch(as_items *out, const assay_batch *b, as_arena *arena, as_err *err)
{
    *out = (as_items){ .n = b->n };
    if (!AS_HAS(b, n))
        return as_fail(err, AS_EUSAGE, "assay_batch.size is %u: set it to sizeof(assay_batch)",
                       b->size);
    out->prompt = text_column(AS_HAS(b, prompt) ? b->prompt : NULL, b->n, arena);
    out->completion = text_column(AS_HAS(b, completion) ? b->completion : NULL, b->n, arena);
    out->reference = text_column(AS_HAS(b, reference) ? b->reference : NULL, b->n, arena);
    out->meta = text_column(AS_HAS(b, meta) ? b->meta : NULL, b->n, arena);
    out->group = as_arena_calloc(arena, b->n, sizeof *out->group);
    out->seed = as_arena_calloc(arena, b->n, sizeof *out->seed);
    if (!out->prompt || !out->completion || !out->reference || !out->meta || !out->group ||
        !out->seed)
        return as_fail(err, AS_ENOMEM, "batch of %u items: out of memory", b->n);
    const uint64_t *group = AS_HAS(b, group) ? b->group : NULL;
    const uint64_t *seed = AS_HAS(b, seed) ? b->seed : NULL;
    for (uint32_t i = 0; i < b->n; i++) {
        out->group[i] = group ? group[i] : i;
        out->seed[i] = seed ? seed[i] : 0;
    }
    return 0;
}

assay_status as_services_error(assay_error *e, const as_err *err)
{
    assay_status status = ASSAY_E_FAIL;
    if (err->code == AS_ENOMEM)
        status = ASSAY_E_NOMEM;
    else if (err->code == AS_EINTR || err->code == AS_ETERM || err->code == AS_EBUDGET)
        status = ASSAY_E_CANCELLED;
    else if (err->code == AS_EUSAGE)
        status = ASSAY_E_CONFIG;
    if (e && e->size > offsetof(assay_error, text)) {
        size_t room = e->size - offsetof(assay_error, text);
        (void)snprintf(e->text, room < sizeof e->text ? room : sizeof e->text, "%s", err->text);
        e->code = status;
    }
    return status;
}

/* ---- the parts ---- */

int as_services_open(as_services *s, as_str name_and_config, uint32_t *part, as_err *err)
{
    if (creating != s)
        return as_fail(err, AS_EUSAGE,
                       "parts are opened in create() only, on the thread it was called on");
    if (s->options.depth > AS_PARTS_DEPTH)
        return as_fail(err, AS_EUSAGE,
                       "verifiers nest more than %d deep: does one of them open itself?",
                       AS_PARTS_DEPTH);
    AS_CLEANUP(free)
    char *name = as_strndup(name_and_config.data ? name_and_config.data : "", name_and_config.len);
    if (!name)
        return as_fail(err, AS_ENOMEM, "opening a part: out of memory");
    pthread_mutex_lock(&s->lock);
    uint32_t n = s->n, i = 0;
    while (i < n && strcmp(s->texts[i], name) != 0)
        i++;
    int rc = 0;
    if (i == MAX_PARTS)
        rc = as_fail(err, AS_EUSAGE, "more than %d parts", MAX_PARTS);
    else if (i == n)
        rc = as_scorer_open(&s->parts[n], s->registry, name, &s->options, err);
    if (rc == 0 && i == n) {
        s->texts[n] = AS_STEAL(name);
        s->n = n + 1;
    }
    pthread_mutex_unlock(&s->lock);
    *part = i;
    return rc;
}

as_scorer *as_services_part(as_services *s, uint32_t part)
{
    return s && part < s->n ? s->parts[part] : NULL;
}

static int same_in(void *ctx, as_str a, as_str b)
{
    return as_scorer_same(ctx, a, b);
}

static int classes_of_group(as_scorer *part, const as_results *r, uint32_t lo, uint32_t hi,
                            uint32_t *class_of, as_arena *arena, as_err *err)
{
    as_vote vote;
    int rc = as_vote_run(&vote, r->out[ASSAY_OUT_KEY] + lo, NULL, NULL, hi - lo, same_in, part,
                         AS_TIE_KEY, arena, err);
    if (rc == 0)
        memcpy(class_of + lo, vote.class_of, (size_t)(hi - lo) * sizeof *class_of);
    return rc;
}

int as_services_classes(as_services *s, uint32_t part, const as_items *items, uint32_t *class_of,
                        as_arena *arena, as_err *err)
{
    as_scorer *scorer = as_services_part(s, part);
    if (!scorer)
        return as_fail(err, AS_EUSAGE, "there is no part %u", part);
    for (uint32_t i = 0; i < items->n; i++)
        class_of[i] = ASSAY_NO_VOTE;
    as_results r;
    int rc = as_scorer_extract(scorer, items, arena, &r, err);
    for (uint32_t lo = 0, hi = 0; lo < items->n && rc == 0 && r.out[ASSAY_OUT_KEY]; lo = hi) {
        for (hi = lo + 1; hi < items->n && items->group[hi] == items->group[lo];)
            hi++;
        rc = classes_of_group(scorer, &r, lo, hi, class_of, arena, err);
    }
    for (uint32_t i = 0; i < items->n && rc == 0; i++) {
        if (r.verdict[i] == ASSAY_ERROR)
            class_of[i] = ASSAY_VOTE_ERROR;
    }
    return rc;
}

/* ---- assay.verifiers/1, for verifiers in this process ---- */

static assay_status svc_open(const assay_host *host, assay_str text, uint32_t *part, assay_error *e)
{
    as_err err = { 0 };
    int rc = as_services_open(host->data, text, part, &err);
    return rc < 0 ? as_services_error(e, &err) : ASSAY_OK;
}

static int score_part(as_services *s, uint32_t part, const assay_batch *b, assay_scores *out,
                      as_arena *arena, as_err *err)
{
    as_scorer *scorer = as_services_part(s, part);
    if (!scorer)
        return as_fail(err, AS_EUSAGE, "there is no part %u", part);
    if (!AS_HAS(out, n) || out->n < b->n)
        return as_fail(err, AS_EUSAGE, "assay_scores holds fewer items than the batch");
    as_items items;
    as_results r;
    int rc = as_items_of_batch(&items, b, arena, err);
    if (rc == 0)
        rc = as_scorer_score(scorer, &items, 0, arena, &r, err);
    if (rc != 0)
        return rc;
    if (AS_HAS(out, score) && out->score)
        memcpy(out->score, r.score, b->n * sizeof *r.score);
    if (AS_HAS(out, verdict) && out->verdict)
        memcpy(out->verdict, r.verdict, b->n);
    return 0;
}

static assay_status svc_score(const assay_host *host, const assay_call *call, uint32_t part,
                              const assay_batch *b, assay_scores *out, assay_error *e)
{
    (void)call; /* the part has the same cancel, and its own deadline */
    as_arena arena;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    int rc = score_part(host->data, part, b, out, &arena, &err);
    as_arena_fini(&arena);
    return rc < 0 ? as_services_error(e, &err) : ASSAY_OK;
}

static assay_status svc_classes(const assay_host *host, const assay_call *call, uint32_t part,
                                const assay_batch *b, uint32_t *class_of, assay_error *e)
{
    (void)call;
    as_arena arena;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    as_items items;
    int rc = as_items_of_batch(&items, b, &arena, &err);
    if (rc == 0)
        rc = as_services_classes(host->data, part, &items, class_of, &arena, &err);
    as_arena_fini(&arena);
    if (rc == AS_EPLUGIN && !as_scorer_votes(as_services_part(host->data, part))) {
        (void)as_services_error(e, &err);
        return ASSAY_E_UNSUPPORTED;
    }
    return rc < 0 ? as_services_error(e, &err) : ASSAY_OK;
}

static assay_status emit_again(const assay_call *call, const as_results *r)
{
    static const uint32_t channels[] = { ASSAY_OUT_KEY, ASSAY_OUT_ANSWER };
    for (size_t k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < r->n; i++) {
            as_str text = as_results_get(r, i, channels[k]);
            assay_status status = text.data ? call->emit(call, i, channels[k], text) : ASSAY_OK;
            if (status < 0)
                return status;
        }
    }
    return ASSAY_OK;
}

static assay_status svc_extract(const assay_host *host, const assay_call *call, uint32_t part,
                                const assay_batch *b, assay_error *e)
{
    as_err err = { 0 };
    as_scorer *scorer = as_services_part(host->data, part);
    if (scorer && !as_scorer_votes(scorer)) {
        (void)as_fail(&err, AS_EPLUGIN, "part \"%s\" offers no answer to vote on",
                      as_scorer_info(scorer)->id);
        (void)as_services_error(e, &err);
        return ASSAY_E_UNSUPPORTED;
    }
    as_arena arena;
    as_arena_init(&arena, 0);
    as_items items;
    as_results r;
    int rc = scorer ? as_items_of_batch(&items, b, &arena, &err)
                    : as_fail(&err, AS_EUSAGE, "there is no part %u", part);
    if (rc == 0)
        rc = as_scorer_extract(scorer, &items, &arena, &r, &err);
    assay_status status = rc < 0 ? as_services_error(e, &err) : emit_again(call, &r);
    as_arena_fini(&arena);
    return status;
}

static int32_t svc_same(const assay_host *host, const assay_call *call, uint32_t part, assay_str a,
                        assay_str b)
{
    (void)call;
    as_scorer *scorer = as_services_part(host->data, part);
    if (!scorer)
        return ASSAY_E_ARG;
    int rc = as_scorer_same(scorer, a, b);
    return rc < 0 ? ASSAY_E_FAIL : rc;
}

static const assay_svc_verifiers verifiers_service = { .size = sizeof verifiers_service,
                                                       .open = svc_open,
                                                       .score = svc_score,
                                                       .classes = svc_classes,
                                                       .extract = svc_extract,
                                                       .same = svc_same };

/* ---- assay.sandbox/1 ---- */

int as_services_hold_sandbox(as_services *s, as_err *err)
{
    if (s->holds_sandbox)
        return 0;
    pthread_mutex_lock(&s->lock);
    int rc = s->holds_sandbox ? 0 : as_sandboxed_hold(err);
    s->holds_sandbox = rc == 0;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int is_cancelled(void *call)
{
    return ((const assay_call *)call)->cancelled(call);
}

static assay_status svc_run(const assay_host *host, const assay_call *call, assay_run *const *jobs,
                            uint32_t n, assay_error *e)
{
    as_err err = { 0 };
    int rc = as_services_hold_sandbox(host->data, &err);
    union {
        const assay_call *given;
        void *ctx;
    } asked = { .given = call }; /* the callback casts it back */
    if (rc == 0)
        rc = as_sandboxed_run(jobs, n, as_call_kept(call), is_cancelled, asked.ctx, &err);
    return rc < 0 ? as_services_error(e, &err) : ASSAY_OK;
}

static const assay_svc_sandbox sandbox_service = { .size = sizeof sandbox_service, .run = svc_run };

static void host_log(const assay_host *host, int32_t level, const char *line)
{
    const as_services *s = host->data;
    char text[1000];
    as_text_line(text, sizeof text, as_str_of(line ? line : ""));
    if (level < ASSAY_LOG_DEBUG || level > ASSAY_LOG_ERROR)
        level = ASSAY_LOG_WARN;
    as_log((as_log_level)level, "%s: %s", s->label, text);
}

/* ---- services of other rooms ---- */

enum { MAX_OFFERED = 4 };
static struct {
    const char *id;
    const void *service;
} offered[MAX_OFFERED];
static unsigned n_offered;

void as_services_offer(const char *id, const void *service)
{
    assert(n_offered < MAX_OFFERED);
    offered[n_offered].id = id;
    offered[n_offered++].service = service;
}

bool as_services_is_creating(const assay_host *host)
{
    return creating && host == &creating->host;
}

static const void *host_service(const assay_host *host, const char *id)
{
    (void)host;
    for (unsigned i = 0; id && i < n_offered; i++)
        if (strcmp(id, offered[i].id) == 0)
            return offered[i].service;
    if (id && strcmp(id, ASSAY_SVC_SANDBOX) == 0)
        return &sandbox_service;
    return id && strcmp(id, ASSAY_SVC_VERIFIERS) == 0 ? &verifiers_service : NULL;
}

int as_services_new(as_services **out, as_registry *registry, const as_scorer_options *options,
                    as_err *err)
{
    as_services *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "opening a verifier: out of memory");
    s->host = (assay_host){ .size = sizeof s->host,
                            .abi_minor = ASSAY_ABI_MINOR,
                            .data = s,
                            .name = "assay",
                            .version = ASSAY_VERSION,
                            .log = host_log,
                            .service = host_service };
    s->registry = registry;
    if (options)
        s->options = *options;
    s->options.depth++;
    (void)pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return 0;
}

void as_services_free(as_services *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n; i++) {
        as_scorer_close(s->parts[i]);
        as_free(s->texts[i]);
    }
    if (s->holds_sandbox)
        as_sandboxed_release();
    (void)pthread_mutex_destroy(&s->lock);
    as_free(s);
}

const assay_host *as_services_host(as_services *s)
{
    return &s->host;
}
