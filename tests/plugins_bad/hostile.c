/* hostile.c -- a verifier that works against its host on one item. Config {"sin":WORD,"at":N}: the
 * item whose completion is N. Otherwise even numbers pass with 1, odd ones fail with 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct state {
    assay_verifier verifier;
    const assay_call *call;
    char sin[32];
    long at;
};

static int is(const struct state *s, const char *sin)
{
    return strcmp(s->sin, sin) == 0;
}

static void *exit_soon(void *unused)
{
    (void)usleep(2000);
    exit(3);
    return unused;
}

static void *crash_soon(void *unused)
{
    (void)usleep(3000);
    *(volatile int *)(uintptr_t)8 = 1;
    return unused;
}

static void *emit_all(void *call)
{
    for (uint32_t i = 0; i < 100000; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%u", i);
        (void)((const assay_call *)call)
            ->emit(call, 0, ASSAY_OUT_EXPLAIN, (assay_str){ text, (size_t)n });
    }
    return NULL;
}

static void run_threads(void *(*work)(void *), void *with, int n, int join)
{
    pthread_t threads[16];
    for (int k = 0; k < n; k++) {
        if (pthread_create(&threads[k], NULL, work, with) != 0)
            abort();
        if (!join)
            (void)pthread_detach(threads[k]);
    }
    for (int k = 0; join && k < n; k++)
        (void)pthread_join(threads[k], NULL);
}

static void touch_descriptors(const struct state *s)
{
    if (is(s, "close_all"))
        for (int fd = 0; fd < 64; fd++)
            (void)close(fd);
    if (is(s, "dup_over"))
        for (int fd = 0; fd < 16; fd++)
            (void)dup2(open("/dev/null", O_RDWR), fd);
    if (is(s, "garbage4"))
        (void)!write(4, "garbage", 7);
}

static void touch_process(const struct state *s)
{
    if (is(s, "rlimits")) {
        struct rlimit none = { 0, 0 };
        (void)setrlimit(RLIMIT_NOFILE, &none);
        (void)setrlimit(RLIMIT_FSIZE, &none);
        (void)setrlimit(RLIMIT_NPROC, &none);
    }
    if (is(s, "cpu")) {
        struct rlimit second = { 0, 0 };
        (void)setrlimit(RLIMIT_CPU, &second);
        for (;;)
            (void)time(NULL);
    }
    if (is(s, "sigstop"))
        (void)raise(SIGSTOP);
    if (is(s, "block_hang")) {
        sigset_t all;
        (void)sigfillset(&all);
        (void)sigprocmask(SIG_BLOCK, &all, NULL);
        for (;;)
            (void)pause();
    }
    if (is(s, "alarm"))
        (void)raise(SIGALRM);
}

static void touch_threads(const struct state *s, const assay_call *call)
{
    if (is(s, "thread_exit")) {
        run_threads(exit_soon, NULL, 1, 0);
        for (;;)
            (void)pause();
    }
    if (is(s, "thread_exit_later"))
        run_threads(exit_soon, NULL, 1, 0);
    if (is(s, "thread_crash_later"))
        run_threads(crash_soon, NULL, 4, 0);
    if (is(s, "emit_threads"))
        run_threads(emit_all, (void *)(uintptr_t)call, 8, 1);
}

static void touch_emit(const struct state *s, const assay_call *call, uint32_t i)
{
    const assay_str x = { "x", 1 };
    for (uint32_t k = 0; is(s, "tasks") && k < 300000; k++)
        (void)call->emit(call, i, ASSAY_OUT_TASK, x);
    while (is(s, "emit_for_ever"))
        (void)call->emit(call, i, ASSAY_OUT_EXPLAIN, x);
    while (is(s, "bad_emit_for_ever"))
        (void)call->emit(call, UINT32_MAX, 99, x);
    if (is(s, "big") || is(s, "huge")) {
        size_t n = is(s, "big") ? 100u << 20 : 900u << 20;
        char *text = malloc(n);
        if (text) {
            memset(text, 'a', n);
            (void)call->emit(call, i, ASSAY_OUT_KEY, (assay_str){ text, n });
            free(text);
        }
    }
    for (uint32_t k = 0; is(s, "many") && k < 3000000; k++) {
        char text[32];
        int n = snprintf(text, sizeof text, "text %u", k);
        (void)call->emit(call, i, k % 7, (assay_str){ text, (size_t)n });
    }
}

static void touch_columns(const struct state *s, const assay_batch *b, assay_scores *out,
                          uint32_t i)
{
    for (unsigned k = 0; is(s, "toggle"); k++)
        *(volatile assay_verdict *)&out->verdict[i] = k % 2;
    if (is(s, "columns"))
        for (uint32_t k = 0; k < b->n; k++)
            ((assay_str *)(uintptr_t)b->completion)[k] = (assay_str){ "0", 1u << 30 };
    if (is(s, "junk"))
        memset(out->verdict, 0xcc, b->n);
    if (is(s, "jump")) {
        jmp_buf here;
        if (setjmp(here) == 0)
            longjmp(here, 1);
    }
    if (is(s, "limit")) {
        for (size_t n = 1u << 30; n > 4096; n /= 2)
            for (char *p; (p = malloc(n)) != NULL;)
                memset(p, 1, n);
    }
}

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *e)
{
    struct state *s = v->data;
    (void)e;
    if (s->call && is(s, "late_emit"))
        (void)s->call->emit(s->call, 0, ASSAY_OUT_KEY, (assay_str){ "late", 4 });
    for (uint32_t i = 0; i < b->n; i++) {
        long number = strtol(b->completion[i].data, NULL, 10);
        if (number == s->at) {
            s->call = call;
            touch_descriptors(s);
            touch_process(s);
            touch_threads(s, call);
            touch_emit(s, call, i);
            touch_columns(s, b, out, i);
        }
        if (is(s, "slow"))
            (void)usleep(200000);
        if (is(s, "status_slow")) {
            if (b->n > 1)
                return ASSAY_E_FAIL;
            (void)usleep(100000);
        }
        if (is(s, "junk") && out->verdict[i])
            continue;
        out->score[i] = number % 2 ? 0.0f : 1.0f;
        out->verdict[i] = number % 2 ? ASSAY_FAIL : ASSAY_PASS;
        if (is(s, "lost"))
            (void)call->emit(call, i, ASSAY_OUT_KEY, b->completion[i]);
    }
    return ASSAY_OK;
}

static const void *extension(const assay_verifier *v, const char *id)
{
    static int n;
    const struct state *s = v->data;
    (void)id;
    return is(s, "extension") && ++n > 1 ? (const void *)(uintptr_t)8 : NULL;
}

static void destroy(assay_verifier *v)
{
    struct state *s = v->data;
    if (is(s, "destroy_crash"))
        abort();
    while (is(s, "destroy_hang"))
        (void)pause();
    free(s);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *e)
{
    (void)d;
    (void)host;
    (void)e;
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_E_NOMEM;
    const char *sin = strstr(config.data, "\"sin\":\""), *at = strstr(config.data, "\"at\":");
    s->at = at ? strtol(at + 5, NULL, 10) : -1;
    if (sin)
        (void)snprintf(s->sin, sizeof s->sin, "%.*s", (int)strcspn(sin + 7, "\""), sin + 7);
    s->verifier = (assay_verifier){ .size = sizeof s->verifier,
                                    .data = s,
                                    .destroy = destroy,
                                    .score = score,
                                    .extension = extension };
    if (is(s, "min_max")) {
        s->verifier.score_min = 1;
        s->verifier.score_max = -1;
    }
    while (is(s, "create_hang"))
        (void)pause();
    *out = &s->verifier;
    return ASSAY_OK;
}

static const assay_descriptor plain = { .size = sizeof plain,
                                        .id = "test.hostile",
                                        .name = "hostile",
                                        .version = "1",
                                        .license = "Apache-2.0",
                                        .summary = "works against its host",
                                        .url = "",
                                        .config_schema = "{\"type\":\"object\"}",
                                        .revision = 1,
                                        .cost_us = 1,
                                        .score_max = 1.0f,
                                        .create = create };
static const assay_descriptor *const verifiers[] = { &plain, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
