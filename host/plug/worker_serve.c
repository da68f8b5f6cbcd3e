/* worker_serve.c -- inside assay-worker: receives batches, calls the verifier, sends back what it
 * wrote; asks the host for the parts of verifiers made of others.
 *
 * Lock: `lock` covers one question to the host and its answer; verifiers may ask from threads of
 * their own. The main thread reads the socket only between calls, so during a call what arrives is
 * the answer to that question. SPDX-License-Identifier: Apache-2.0 */
#include "plug/worker_serve.h"

#include "base/mem.h"
#include "plug/sandboxed.h"
#include "plug/seat.h"
#include "plug/services.h"
#include "plug/text.h"
#include "plug/wire.h"

#include <assay/assay.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LIFELINE_STACK = 64 * 1024, TEXTS_MAX = AS_WIRE_MAX, KEEP_BUFFER = 16 << 20 };

struct server {
    as_wire wire;
    as_worker_shared *shared;
    as_buf request, reply; /* main thread */
    pthread_mutex_t lock;
    as_buf question, answer; /* under lock */
    assay_host host;
    as_seat_spec spec;
    as_seat *seat;
    bool is_jailed;
    as_arena arena, call_arena;
};

/* ---- questions to the host ---- */

static assay_status give_error(assay_error *e, assay_status status, as_str text)
{
    if (e && e->size > offsetof(assay_error, text)) {
        size_t room = e->size - offsetof(assay_error, text);
        as_text_line(e->text, room < sizeof e->text ? room : sizeof e->text, text);
        e->code = status;
    }
    return status;
}

/* With the lock held: sends `question`, reads `answer` into *reply. */
static assay_status ask(struct server *v, as_wire_reply *reply, assay_error *e)
{
    as_err err = { 0 };
    uint32_t type = 0;
    as_str payload;
    int rc = as_wire_end(&v->question, &err);
    if (rc == 0)
        rc = as_wire_send(&v->wire, &v->question, &err);
    if (rc == 0)
        rc = as_wire_recv(&v->wire, &v->answer, &type, &payload, &err);
    if (rc == 0 && type != AS_WIRE_REPLY)
        rc = as_fail(&err, AS_EDATA, "the host answered with something else");
    if (rc == 0)
        rc = as_wire_reply_parse(reply, payload, &err);
    if (rc != 0)
        return give_error(e, ASSAY_E_IO, as_str_of(err.text));
    if (reply->status < 0)
        return give_error(e, reply->status, reply->error);
    return ASSAY_OK;
}

static assay_status svc_open(const assay_host *host, assay_str text, uint32_t *part, assay_error *e)
{
    struct server *v = host->data;
    as_wire_reply reply;
    pthread_mutex_lock(&v->lock);
    as_wire_begin(&v->question, AS_WIRE_PART_OPEN);
    as_wire_put_str(&v->question, text);
    assay_status status = ask(v, &reply, e);
    if (status >= 0)
        *part = (uint32_t)reply.value;
    pthread_mutex_unlock(&v->lock);
    return status;
}

static assay_status ask_items(struct server *v, uint32_t type, uint32_t part, const assay_batch *b,
                              as_wire_reply *reply, assay_error *e)
{
    as_arena arena;
    as_arena_init(&arena, 0);
    as_items items;
    as_err err = { 0 };
    assay_status status;
    if (as_items_of_batch(&items, b, &arena, &err) < 0) {
        status = give_error(e, ASSAY_E_NOMEM, as_str_of(err.text));
    } else {
        as_wire_begin(&v->question, type);
        as_wire_put_items(&v->question, part, 0, &items, 0, items.n);
        status = ask(v, reply, e);
    }
    as_arena_fini(&arena);
    if (status >= 0 && reply->n != b->n)
        status = give_error(e, ASSAY_E_IO, AS_LIT("the host answered about another batch"));
    return status;
}

static assay_status svc_score(const assay_host *host, const assay_call *call, uint32_t part,
                              const assay_batch *b, assay_scores *out, assay_error *e)
{
    (void)call;
    struct server *v = host->data;
    as_wire_reply reply;
    if (!AS_HAS(out, n) || out->n < b->n)
        return give_error(e, ASSAY_E_ARG, AS_LIT("assay_scores holds fewer items than the batch"));
    pthread_mutex_lock(&v->lock);
    assay_status status = ask_items(v, AS_WIRE_PART_SCORE, part, b, &reply, e);
    if (status >= 0 && reply.score && AS_HAS(out, score) && out->score)
        memcpy(out->score, reply.score, b->n * sizeof *out->score);
    if (status >= 0 && reply.verdict && AS_HAS(out, verdict) && out->verdict)
        memcpy(out->verdict, reply.verdict, b->n);
    pthread_mutex_unlock(&v->lock);
    return status;
}

static assay_status svc_classes(const assay_host *host, const assay_call *call, uint32_t part,
                                const assay_batch *b, uint32_t *class_of, assay_error *e)
{
    (void)call;
    struct server *v = host->data;
    as_wire_reply reply;
    pthread_mutex_lock(&v->lock);
    assay_status status = ask_items(v, AS_WIRE_PART_CLASSES, part, b, &reply, e);
    if (status >= 0 && reply.classes)
        memcpy(class_of, reply.classes, b->n * sizeof *class_of);
    pthread_mutex_unlock(&v->lock);
    return status;
}

static assay_status svc_extract(const assay_host *host, const assay_call *call, uint32_t part,
                                const assay_batch *b, assay_error *e)
{
    struct server *v = host->data;
    as_wire_reply reply;
    uint32_t item = 0, channel = 0;
    as_str text;
    pthread_mutex_lock(&v->lock);
    assay_status status = ask_items(v, AS_WIRE_PART_EXTRACT, part, b, &reply, e);
    for (size_t at = 0; status >= 0 && as_wire_reply_text(&reply, &at, &item, &channel, &text);) {
        if (channel == ASSAY_OUT_KEY || channel == ASSAY_OUT_ANSWER)
            status = call->emit(call, item, channel, text);
    }
    pthread_mutex_unlock(&v->lock);
    return status;
}

static int32_t svc_same(const assay_host *host, const assay_call *call, uint32_t part, assay_str a,
                        assay_str b)
{
    (void)call;
    struct server *v = host->data;
    as_wire_reply reply;
    pthread_mutex_lock(&v->lock);
    as_wire_begin(&v->question, AS_WIRE_PART_SAME);
    as_wire_put_u32(&v->question, part);
    as_wire_put_u32(&v->question, 0);
    as_wire_put_str(&v->question, a);
    as_wire_put_str(&v->question, b);
    assay_status status = ask(v, &reply, NULL);
    pthread_mutex_unlock(&v->lock);
    return status < 0 ? status : (int32_t)(reply.value != 0);
}

static const assay_svc_verifiers verifiers_service = { .size = sizeof verifiers_service,
                                                       .open = svc_open,
                                                       .score = svc_score,
                                                       .classes = svc_classes,
                                                       .extract = svc_extract,
                                                       .same = svc_same };

/* The programs of this process run in the host's sandbox, which this process has no part in. */
static assay_status svc_run(const assay_host *host, const assay_call *call, assay_run *const *jobs,
                            uint32_t n, assay_error *e)
{
    struct server *v = host->data;
    as_wire_reply reply;
    as_err err = { 0 };
    if (as_sandboxed_check(jobs, n, &err) < 0)
        return give_error(e, ASSAY_E_ARG, as_str_of(err.text));
    pthread_mutex_lock(&v->lock);
    as_wire_begin(&v->question, AS_WIRE_SANDBOX);
    as_sandboxed_put_jobs(&v->question, jobs, n);
    assay_status status = ask(v, &reply, e);
    if (status >= 0 && as_sandboxed_take_results(reply.info, jobs, n, as_call_kept(call), &err) < 0)
        status = give_error(e, ASSAY_E_NOMEM, as_str_of(err.text));
    pthread_mutex_unlock(&v->lock);
    return status;
}

static const assay_svc_sandbox sandbox_service = { .size = sizeof sandbox_service, .run = svc_run };

static void host_log(const assay_host *host, int32_t level, const char *line)
{
    struct server *v = host->data;
    as_err err = { 0 };
    pthread_mutex_lock(&v->lock);
    as_wire_begin(&v->question, AS_WIRE_LOG);
    as_wire_put_u32(&v->question, (uint32_t)level);
    as_wire_put_u32(&v->question, 0);
    as_wire_put_str(&v->question, as_str_of(line));
    if (as_wire_end(&v->question, &err) == 0)
        (void)as_wire_send(&v->wire, &v->question, &err); /* best effort */
    pthread_mutex_unlock(&v->lock);
}

static const void *host_service(const assay_host *host, const char *id)
{
    (void)host;
    if (id && strcmp(id, ASSAY_SVC_SANDBOX) == 0)
        return &sandbox_service;
    return id && strcmp(id, ASSAY_SVC_VERIFIERS) == 0 ? &verifiers_service : NULL;
}

/* ---- requests of the host ---- */

static unsigned long long own_address_space(void)
{
    char text[64] = "";
    AS_CLEANUP(close) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    unsigned long long pages = 0;
    for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        pages = pages * 10 + (unsigned long long)(text[i] - '0');
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static void limit_memory(unsigned mib)
{
    if (AS_HAS_SHADOW_MEMORY)
        return;
    rlim_t bytes = (rlim_t)(own_address_space() + ((unsigned long long)mib << 20));
    struct rlimit limit = { bytes, bytes };
    (void)setrlimit(RLIMIT_AS, &limit);
}

/* The most this program held. ru_maxrss is read cheaply, but starts at what the host held, so where
 * it looks like much the kernel is asked again. */
static uint64_t rss_kib(unsigned limit_mib)
{
    struct rusage usage;
    uint64_t most = getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss : 0;
    if (most / 1024 <= limit_mib / 2)
        return most;
    char text[4096] = "";
    AS_CLEANUP(close) int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    const char *line = n > 0 ? strstr(text, "VmHWM:") : NULL;
    if (!line)
        return most;
    const char *digits = line + strcspn(line, "0123456789");
    unsigned long long held;
    return as_str_u64((as_str){ digits, strspn(digits, "0123456789") }, &held) ? held : most;
}

static void answer_error(struct server *v, int status, const char *text)
{
    as_wire_answer a = { .status = status, .error = as_str_of(text) };
    as_wire_put_reply(&v->reply, &a);
}

static const char *text_or_null(as_arena *arena, as_str s)
{
    return s.data ? as_arena_str(arena, s).data : NULL;
}

static void serve_create(struct server *v, as_wire_reader *r)
{
    as_seat_spec *spec = &v->spec;
    *spec = (as_seat_spec){ .cancel = &v->shared->cancel,
                            .host = &v->host,
                            .progress = &v->shared->n_emitted };
    spec->timeout_ms = as_wire_u32(r);
    spec->worker_mem_mib = as_wire_u32(r);
    spec->found.path = text_or_null(&v->arena, as_wire_str(r));
    spec->found.verifier = text_or_null(&v->arena, as_wire_str(r));
    spec->found.or_first = as_wire_u64(r) != 0;
    spec->config = as_arena_str(&v->arena, as_wire_str(r));
    if (r->bad || v->seat || !spec->found.path || !spec->config.data) {
        answer_error(v, AS_EPLUGIN,
                     "the worker was asked to create a verifier in a way it does not understand");
        return;
    }
    if (!v->is_jailed) /* that one has limits already, and no /proc */
        limit_memory(spec->worker_mem_mib);
    as_err err = { 0 };
    as_verifier_info info;
    int rc = as_inproc_open(&v->seat, spec, &info, &v->arena, &err);
    if (rc < 0 || !v->seat) {
        answer_error(v, rc, err.text);
        return;
    }
    float range[2] = { v->seat->score_min, v->seat->score_max };
    as_buf json;
    as_buf_init(&json, AS_WIRE_MAX / 4);
    as_info_write(&info, &json);
    as_wire_answer a = { .value = (v->seat->votes ? 1u : 0u) | (v->seat->tasks ? 2u : 0u),
                         .rss_kib = rss_kib(spec->worker_mem_mib),
                         .score = range,
                         .n = 2,
                         .info = as_buf_str(&json) };
    as_wire_put_reply(&v->reply, &a);
    as_buf_fini(&json);
}

static void serve_items(struct server *v, as_act act, as_wire_reader *r)
{
    uint32_t part = 0, want = 0;
    as_items items;
    as_results results;
    as_err err = { 0 };
    as_outcome o = { .fate = AS_FATE_DONE };
    as_arena_reset(&v->call_arena);
    int rc = v->seat ? as_wire_items(r, &items, &part, &want, &v->call_arena, &err)
                     : as_fail(&err, AS_EPLUGIN, "no verifier was created");
    if (rc == 0 && items.n > AS_WORKER_ITEMS)
        rc = as_fail(&err, AS_EPLUGIN, "too many items in one call");
    if (rc == 0)
        rc = as_results_init(&results, items.n, &v->call_arena, &err);
    if (rc < 0) {
        answer_error(v, rc == AS_ENOMEM ? ASSAY_E_NOMEM : ASSAY_E_FAIL, err.text);
        return;
    }
    results.verdict = v->shared->verdict; /* the host cleared it */
    v->seat->call(v->seat, act, &items, 0, items.n, want, &results, &o);
    (void)fflush(NULL); /* what was printed belongs to this call */
    as_wire_answer a = { .status = o.status,
                         .rss_kib = rss_kib(v->spec.worker_mem_mib),
                         .results = &results,
                         .error = as_str_of(o.why) };
    as_wire_put_reply(&v->reply, &a);
}

static void serve_same(struct server *v, as_wire_reader *r)
{
    as_str a = as_wire_str(r), b = as_wire_str(r);
    if (r->bad || !v->seat) {
        answer_error(v, ASSAY_E_ARG, "bad question");
        return;
    }
    int rc = v->seat->same(v->seat, a, b);
    (void)fflush(NULL);
    as_wire_answer answer = { .status = rc < 0 ? ASSAY_E_FAIL : ASSAY_OK,
                              .value = rc == 1,
                              .rss_kib = rss_kib(v->spec.worker_mem_mib) };
    as_wire_put_reply(&v->reply, &answer);
}

static int serve_one(struct server *v)
{
    uint32_t type = 0;
    as_str payload;
    as_err err = { 0 };
    int rc = as_wire_recv(&v->wire, &v->request, &type, &payload, &err);
    if (rc != 0)
        return rc;
    as_wire_reader r = as_wire_read(payload);
    if (type == AS_WIRE_CREATE)
        serve_create(v, &r);
    else if (type == AS_WIRE_SCORE || type == AS_WIRE_EXTRACT)
        serve_items(v, type == AS_WIRE_SCORE ? AS_ACT_SCORE : AS_ACT_EXTRACT, &r);
    else if (type == AS_WIRE_SAME)
        serve_same(v, &r);
    else
        answer_error(v, ASSAY_E_ARG, "not a request");
    if (as_wire_end(&v->reply, &err) < 0) {
        answer_error(v, ASSAY_E_NOMEM, "the verifier emitted more text than one answer may hold");
        (void)as_wire_end(&v->reply, &err);
    }
    rc = as_wire_send(&v->wire, &v->reply, &err);
    if (v->request.cap > KEEP_BUFFER) /* one huge batch must not look like a leak */
        as_buf_fini(&v->request);
    if (v->reply.cap > KEEP_BUFFER)
        as_buf_fini(&v->reply);
    return rc;
}

/* ---- life ---- */

/* Ends this process when the host is gone, whatever the verifier is doing. */
static void *watch_host(void *unused)
{
    (void)unused;
    struct pollfd p = { .fd = AS_WIRE_FD, .events = POLLRDHUP };
    while (poll(&p, 1, -1) < 0 || !(p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL))) {
    }
    (void)usleep(500000); /* a clean end was asked for: main gets the time to close the verifier */
    _exit(0);
}

static int start_lifeline(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    if (pthread_attr_init(&attr) != 0)
        return -1;
    (void)pthread_attr_setstacksize(&attr, LIFELINE_STACK);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attr, watch_host, NULL);
    (void)pthread_attr_destroy(&attr);
    return rc;
}

/* Ctrl-C goes to the whole process group: the host decides what it means. */
static void leave_interrupts_to_the_host(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    (void)sigaction(SIGINT, &ignore, NULL);
}

void as_worker_volunteer(void)
{
    AS_CLEANUP(close) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, "500", 3); /* best effort */
}

static void init_buffers(struct server *v)
{
    as_wire_init(&v->wire, AS_WIRE_FD);
    as_buf *buffers[] = { &v->request, &v->reply, &v->question, &v->answer };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        as_buf_init(buffers[i], AS_WIRE_MAX);
}

int as_worker_refuse(int code, const char *text)
{
    static struct server v;
    uint32_t type = 0;
    as_str payload;
    init_buffers(&v);
    if (as_wire_recv(&v.wire, &v.request, &type, &payload, NULL) == 0) {
        answer_error(&v, code, text);
        if (as_wire_end(&v.reply, NULL) == 0)
            (void)as_wire_send(&v.wire, &v.reply, NULL); /* the host may be gone */
    }
    return 2;
}

int as_worker_serve(bool is_jailed)
{
    static struct server v;
    v.is_jailed = is_jailed;
    v.shared =
        mmap(NULL, sizeof *v.shared, PROT_READ | PROT_WRITE, MAP_SHARED, AS_WIRE_SHARED_FD, 0);
    if (v.shared == MAP_FAILED || start_lifeline() != 0)
        return 2;
    (void)close(AS_WIRE_SHARED_FD);
    (void)fcntl(AS_WIRE_FD, F_SETFD, FD_CLOEXEC);
    struct rlimit none = { 0, 0 };
    (void)setrlimit(RLIMIT_CORE, &none);
    leave_interrupts_to_the_host();
    init_buffers(&v);
    (void)pthread_mutex_init(&v.lock, NULL);
    as_arena_init(&v.arena, 0);
    as_arena_init(&v.call_arena, TEXTS_MAX);
    v.host = (assay_host){ .size = sizeof v.host,
                           .abi_minor = ASSAY_ABI_MINOR,
                           .data = &v,
                           .name = "assay",
                           .version = ASSAY_VERSION,
                           .log = host_log,
                           .service = host_service };
    int rc = 0;
    while (rc == 0)
        rc = serve_one(&v);
    if (v.seat)
        v.seat->close(v.seat);
    return rc == AS_EIO ? 0 : 2;
}
