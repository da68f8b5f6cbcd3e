/* nested.c -- a verifier made of one other: {"part":"NAME[:JSON]"}. Its verdicts, classes and
 * answers are the part's.
 * {"late":true}: tries to open a part in score(), which the host must refuse.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    assay_verifier verifier;
    const assay_host *host;
    const assay_svc_verifiers *svc;
    uint32_t part;
    int late;
};

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *e)
{
    const struct state *s = v->data;
    uint32_t part = 0;
    if (s->late && s->svc->open(s->host, (assay_str){ "exact", 5 }, &part, e) < 0)
        return ASSAY_E_FAIL;
    return s->svc->score(s->host, call, s->part, b, out, e);
}

static assay_status extract(assay_verifier *v, const assay_call *call, const assay_batch *b,
                            assay_error *e)
{
    const struct state *s = v->data;
    uint32_t *classes = calloc(b->n ? b->n : 1, sizeof *classes);
    if (!classes)
        return ASSAY_E_NOMEM;
    assay_status status = s->svc->classes(s->host, call, s->part, b, classes, e);
    if (status == ASSAY_OK)
        status = s->svc->extract(s->host, call, s->part, b, e);
    for (uint32_t i = 0; status == ASSAY_OK && i < b->n; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "%u", classes[i]);
        status = call->emit(call, i, ASSAY_OUT_RULE, (assay_str){ text, (size_t)n });
    }
    free(classes);
    return status;
}

static int32_t same(assay_verifier *v, const assay_call *call, assay_str a, assay_str b)
{
    const struct state *s = v->data;
    return s->svc->same(s->host, call, s->part, a, b);
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

/* The string after "part":, its escapes undone. */
static size_t part_name(const char *config, char *out, size_t size)
{
    const char *p = strstr(config, "\"part\":\"");
    size_t n = 0;
    for (p = p ? p + 8 : ""; *p && *p != '"' && n + 1 < size; p++) {
        if (*p == '\\' && p[1])
            p++;
        out[n++] = *p;
    }
    out[n] = 0;
    return n;
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *e)
{
    (void)d;
    static const assay_verifier methods = {
        .size = sizeof methods, .destroy = destroy, .score = score, .extension = extension
    };
    char name[4096];
    size_t n = part_name(config.data, name, sizeof name);
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_E_NOMEM;
    s->host = host;
    s->svc = host->service(host, ASSAY_SVC_VERIFIERS);
    s->late = strstr(config.data, "\"late\":true") != NULL;
    assay_status status =
        s->svc ? s->svc->open(host, (assay_str){ name, n }, &s->part, e) : ASSAY_E_UNSUPPORTED;
    if (status < 0) {
        free(s);
        return status;
    }
    s->verifier = methods;
    s->verifier.data = s;
    *out = &s->verifier;
    return ASSAY_OK;
}

static const assay_descriptor nested = { .size = sizeof nested,
                                         .id = "test.nested",
                                         .name = "nested",
                                         .version = "1",
                                         .license = "Apache-2.0",
                                         .summary = "another verifier",
                                         .url = "",
                                         .config_schema = "{\"type\":\"object\"}",
                                         .revision = 1,
                                         .cost_us = 1,
                                         .score_max = 1.0f,
                                         .create = create };
static const assay_descriptor *const verifiers[] = { &nested, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
