/* costly.c -- a verifier that is expensive and well-behaved: it counts its real calls into a file,
 * one line per item (its completion), so that a test can prove what the cache saved. Config:
 * {"count_file":"PATH"}. Completions choose the outcome: "error", "timeout", "abstain", "flaky"
 * what they say, else equality with the reference.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct costly {
    assay_verifier verifier;
    int fd;
} costly;

static bool is(assay_str s, const char *text)
{
    return s.data && s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static assay_str str_of(const char *text)
{
    return (assay_str){ text, strlen(text) };
}

static assay_verdict judge(const assay_call *call, uint32_t i, assay_str completion,
                           assay_str reference, float *score)
{
    *score = NAN;
    if (is(completion, "error")) {
        call->emit(call, i, ASSAY_OUT_REASON, str_of("broken on purpose"));
        return ASSAY_ERROR;
    }
    if (is(completion, "abstain"))
        return ASSAY_ABSTAIN;
    *score = 0;
    if (is(completion, "timeout"))
        return ASSAY_TIMEOUT;
    if (is(completion, "flaky")) {
        call->emit(call, i, ASSAY_OUT_REASON, str_of("flaky"));
        return ASSAY_FAIL;
    }
    if (!reference.data || completion.len != reference.len ||
        memcmp(completion.data, reference.data, completion.len) != 0)
        return ASSAY_FAIL;
    *score = 1;
    return ASSAY_PASS;
}

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    const costly *me = v->data;
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        char line[256];
        size_t len =
            b->completion[i].len < sizeof line - 1 ? b->completion[i].len : sizeof line - 1;
        memcpy(line, b->completion[i].data, len);
        line[len++] = '\n';
        if (write(me->fd, line, len) !=
            (ssize_t)len) /* one write: whole lines from many threads and processes */
            return ASSAY_E_IO;
        float s = 0;
        out->verdict[i] = judge(call, i, b->completion[i], b->reference[i], &s);
        if (out->score)
            out->score[i] = s;
        if (call->flags & ASSAY_WANT_ANSWER)
            call->emit(call, i, ASSAY_OUT_ANSWER, b->completion[i]);
        call->emit(call, i, ASSAY_OUT_RULE, str_of("bytes"));
    }
    return ASSAY_OK;
}

static const void *extension(const assay_verifier *v, const char *id)
{
    (void)v;
    (void)id;
    return NULL;
}

static void destroy(assay_verifier *v)
{
    costly *me = v->data;
    if (me->fd >= 0)
        close(me->fd);
    free(me);
}

static assay_status refuse(assay_error *err, const char *text)
{
    if (err) {
        err->code = ASSAY_E_CONFIG;
        strncpy(err->text, text, sizeof err->text - 1);
        err->text[sizeof err->text - 1] = '\0';
    }
    return ASSAY_E_CONFIG;
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    static const char head[] = "{\"count_file\":\"";
    const size_t n = sizeof head - 1;
    char path[4096];
    (void)d;
    (void)host;
    if (config.len < n + 2 || config.len - n - 2 >= sizeof path ||
        memcmp(config.data, head, n) != 0)
        return refuse(err, "costly: config must be {\"count_file\":\"PATH\"}");
    memcpy(path, config.data + n, config.len - n - 2);
    path[config.len - n - 2] = '\0';
    if (strpbrk(path, "\"\\"))
        return refuse(err, "costly: config must be {\"count_file\":\"PATH\"}, PATH without quotes");
    costly *me = calloc(1, sizeof *me);
    if (!me)
        return ASSAY_E_NOMEM;
    me->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (me->fd < 0) {
        free(me);
        return refuse(err, "costly: count_file cannot be written");
    }
    me->verifier = (assay_verifier){ .size = sizeof me->verifier,
                                     .data = me,
                                     .destroy = destroy,
                                     .score = score,
                                     .extension = extension };
    *out = &me->verifier;
    return ASSAY_OK;
}

static const char *const tags[] = { "test", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT,
    .id = "org.assay.test.costly",
    .name = "costly",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "counts its calls",
    .url = "",
    .tags = tags,
    .config_schema = "{\"type\":\"object\",\"properties\":{\"count_file\":{\"type\":\"string\"}},"
                     "\"required\":[\"count_file\"],\"additionalProperties\":false}",
    .revision = 1,
    .cost_us = 500,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                         sizeof assay_plugin_entry, verifiers };
