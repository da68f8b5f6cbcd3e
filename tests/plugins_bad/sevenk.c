/* sevenk.c -- a verifier that behaves, but on one item. Config {"sin":WORD,"at":N}: the item whose
 * completion is N. Otherwise even numbers pass with 1, odd ones fail with 0. Several descriptors,
 * one per flag that matters. SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct state {
    assay_verifier verifier;
    const assay_host *host;
    char sin[32];
    long at;
};

/* Until there is no more. Under a sanitizer there is no limit to run into, so not much there. */
static void eat_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    enum { PIECE = 1 << 20, PIECES = 16 };
#else
    enum { PIECE = 1 << 20, PIECES = 512 };
#endif
    void *pieces[PIECES];
    int n = 0;
    while (n < PIECES && (pieces[n] = malloc(PIECE)) != NULL)
        memset(pieces[n++], 1, PIECE);
    while (n > 0)
        free(pieces[--n]);
}

static void leak(void)
{
    volatile char *p = malloc(1 << 20);
    for (size_t i = 0; p && i < 1 << 20; i += 4096)
        p[i] = 7;
}

static void emit_text(const assay_call *call, uint32_t i, uint32_t channel, const char *text)
{
    (void)call->emit(call, i, channel, (assay_str){ text, strlen(text) });
}

/* 0: go on with the item; 1: leave it unset; < 0: return this. */
static assay_status commit_sin(const struct state *s, const assay_call *call, uint32_t i,
                               assay_scores *out, assay_error *e)
{
    const char *sin = s->sin;
    if (!strcmp(sin, "crash"))
        *(volatile int *)(uintptr_t)8 = 1;
    else if (!strcmp(sin, "abort"))
        abort();
    else if (!strcmp(sin, "hang"))
        for (;;)
            (void)pause();
    else if (!strcmp(sin, "wait")) /* politely: until it is told to stop */
        while (!call->cancelled(call))
            (void)usleep(1000);
    else if (!strcmp(sin, "exit"))
        exit(0);
    else if (!strcmp(sin, "stdout"))
        (void)printf("what am I doing here\n");
    else if (!strcmp(sin, "stderr"))
        (void)fprintf(stderr, "just a remark\n");
    else if (!strcmp(sin, "close"))
        (void)close(3);
    else if (!strcmp(sin, "garbage"))
        (void)!write(3, "garbage garbage garbage garbage!", 32);
    else if (!strcmp(sin, "log"))
        s->host->log(s->host, ASSAY_LOG_WARN, "a line");
    if (!strcmp(sin, "memory")) {
        eat_memory();
        return ASSAY_E_NOMEM;
    }
    if (!strcmp(sin, "status")) {
        (void)snprintf(e->text, sizeof e->text, "out of luck");
        return ASSAY_E_FAIL;
    }
    if (!strcmp(sin, "wait"))
        return ASSAY_E_CANCELLED;
    if (!strcmp(sin, "texts")) {
        emit_text(call, i, ASSAY_OUT_REASON, "bad \xff byte");
        emit_text(call, i, ASSAY_OUT_METRICS, "{not json");
        emit_text(call, i, ASSAY_OUT_KEY, "\xfe");
        emit_text(call, i, ASSAY_OUT_SPANS, "odd");
        if (call->emit(call, 1u << 30, 0, (assay_str){ "x", 1 }) >= 0 ||
            call->emit(call, i, 99, (assay_str){ "x", 1 }) >= 0)
            return ASSAY_E_FAIL;
    }
    if (!strcmp(sin, "nan"))
        out->score[i] = NAN;
    else if (!strcmp(sin, "range"))
        out->score[i] = 7.0f;
    else if (!strcmp(sin, "verdict"))
        out->verdict[i] = 77;
    return !strcmp(sin, "unset");
}

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *e)
{
    const struct state *s = v->data;
    for (uint32_t i = 0; i < b->n; i++) {
        long number = strtol(b->completion[i].data, NULL, 10);
        assay_status status = 0;
        if (out->score)
            out->score[i] = number % 2 ? 0.0f : 1.0f;
        assay_verdict verdict = number % 2 ? ASSAY_FAIL : ASSAY_PASS;
        if (!strcmp(s->sin, "leak"))
            leak();
        if (number == s->at) {
            if (!strcmp(s->sin, "nan") || !strcmp(s->sin, "verdict"))
                out->verdict[i] = verdict;
            status = commit_sin(s, call, i, out, e);
        }
        if (status < 0)
            return status;
        if (status == 0 && out->verdict[i] == ASSAY_UNSET)
            out->verdict[i] = verdict;
        if (call->flags & ASSAY_WANT_ANSWER)
            (void)call->emit(call, i, ASSAY_OUT_KEY, b->completion[i]);
    }
    return ASSAY_OK;
}

/* The reference says how many items the group has: it passes where all are there. The sin is
 * committed before any verdict of the group is set. */
static assay_status score_groups(assay_verifier *v, const assay_call *call, const assay_batch *b,
                                 assay_scores *out, assay_error *e)
{
    const struct state *s = v->data;
    for (uint32_t lo = 0, hi = 0; lo < b->n; lo = hi) {
        for (hi = lo; hi < b->n && b->group[hi] == b->group[lo]; hi++) {
            if (strtol(b->completion[hi].data, NULL, 10) != s->at)
                continue;
            assay_status status = commit_sin(s, call, hi, out, e);
            if (status < 0)
                return status;
        }
        int is_whole = strtol(b->reference[lo].data, NULL, 10) == (long)(hi - lo);
        for (uint32_t i = lo; i < hi; i++) {
            out->verdict[i] = is_whole ? ASSAY_PASS : ASSAY_FAIL;
            out->score[i] = is_whole ? 1.0f : 0.0f;
        }
    }
    return ASSAY_OK;
}

static assay_status extract(assay_verifier *v, const assay_call *call, const assay_batch *b,
                            assay_error *e)
{
    const struct state *s = v->data;
    assay_scores none = { .size = sizeof none };
    for (uint32_t i = 0; i < b->n; i++) {
        if (strtol(b->completion[i].data, NULL, 10) == s->at) {
            assay_status status = strcmp(s->sin, "nan") ? commit_sin(s, call, i, &none, e) : 0;
            if (status < 0)
                return status;
        }
        if (b->completion[i].len) {
            (void)call->emit(call, i, ASSAY_OUT_KEY, b->completion[i]);
            (void)call->emit(call, i, ASSAY_OUT_ANSWER, b->completion[i]);
        }
    }
    return ASSAY_OK;
}

static int32_t same(assay_verifier *v, const assay_call *call, assay_str a,
                    assay_str b) /* equal modulo 10 */
{
    (void)v;
    (void)call;
    return strtol(a.data, NULL, 10) % 10 == strtol(b.data, NULL, 10) % 10;
}

static const assay_ext_answer answer = { .size = sizeof answer, .extract = extract, .same = same };

static const void *extension(const assay_verifier *v, const char *id)
{
    (void)v;
    return strcmp(id, ASSAY_EXT_ANSWER) ? NULL : &answer;
}

static void destroy(assay_verifier *v)
{
    free(v->data);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *e)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_E_NOMEM;
    const char *sin = strstr(config.data, "\"sin\":\""), *at = strstr(config.data, "\"at\":");
    if (!sin && strcmp(config.data, "{}") != 0) {
        (void)snprintf(e->text, sizeof e->text, "config key unknown (known: sin, at)");
        free(s);
        return ASSAY_E_CONFIG;
    }
    s->host = host;
    s->at = at ? strtol(at + 5, NULL, 10) : -1;
    if (sin)
        (void)snprintf(s->sin, sizeof s->sin, "%.*s", (int)strcspn(sin + 7, "\""), sin + 7);
    if (!strcmp(s->sin, "create"))
        abort();
    s->verifier = (assay_verifier){ .size = sizeof s->verifier,
                                    .data = s,
                                    .destroy = destroy,
                                    .score = d->flags & ASSAY_F_NEEDS_GROUP ? score_groups : score,
                                    .extension = extension };
    *out = &s->verifier;
    return ASSAY_OK;
}

#define DESCRIBE(variable, id_, flags_, cost)                                                      \
    static const assay_descriptor variable = { .size = sizeof variable,                            \
                                               .flags = (flags_),                                  \
                                               .id = (id_),                                        \
                                               .name = "sevenk",                                   \
                                               .version = "1",                                     \
                                               .license = "Apache-2.0",                            \
                                               .summary = "misbehaves on one item",                \
                                               .url = "",                                          \
                                               .config_schema = "{\"type\":\"object\"}",           \
                                               .revision = 1,                                      \
                                               .cost_us = (cost),                                  \
                                               .score_max = 1.0f,                                  \
                                               .create = create }
DESCRIBE(plain, "test.sevenk", 0, 1);
DESCRIBE(deterministic, "test.deterministic", ASSAY_F_DETERMINISTIC, 1);
DESCRIBE(group, "test.group", ASSAY_F_NEEDS_GROUP, 1);
DESCRIBE(reentrant, "test.reentrant", ASSAY_F_REENTRANT, 1);
DESCRIBE(network, "test.network", ASSAY_F_USES_NETWORK, 1);
static const assay_descriptor *const verifiers[] = { &plain,     &deterministic, &group,
                                                     &reentrant, &network,       NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
