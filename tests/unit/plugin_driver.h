/* plugin_driver.h -- calls a built plugin directly, without the host: dlopen, create, score one
 * item, extract one key. SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PLUGIN_DRIVER_H
#define TEST_PLUGIN_DRIVER_H
#include <assay/plugin.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct driven {
    assay_verdict verdict;
    float score;
    assay_status status;
    char text[16][512]; /* by channel, cut; "" where nothing was emitted */
} driven;

static inline int32_t driver_cancelled(const assay_call *call)
{
    (void)call;
    return 0;
}

static inline assay_status driver_emit(const assay_call *call, uint32_t item, uint32_t channel,
                                       assay_str text)
{
    driven *d = call->data;
    if (item != 0 || channel >= 16)
        return ASSAY_E_ARG;
    size_t n = text.len < sizeof d->text[0] - 1 ? text.len : sizeof d->text[0] - 1;
    memcpy(d->text[channel], text.data, n);
    d->text[channel][n] = 0;
    return ASSAY_OK;
}

static inline const assay_descriptor *driver_open(const char *name)
{
    char path[4096];
    const char *build = getenv("ASSAY_BUILD");
    (void)snprintf(path, sizeof path, "%s/plugins/%s.so", build ? build : ".", name);
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!so) {
        (void)fprintf(stderr, "%s: %s\n", path, dlerror());
        return NULL;
    }
    const assay_entry *entry = dlsym(so, "assay_plugin_entry");
    return entry ? entry->verifiers[0] : NULL;
}

/* NULL where create() refuses; the sentence is in err. */
static inline assay_verifier *driver_create(const assay_descriptor *d, const char *config,
                                            assay_error *err)
{
    static const assay_host host = { .size = sizeof host, .name = "test", .version = "0" };
    assay_verifier *v = NULL;
    *err = (assay_error){ .size = sizeof *err };
    assay_str json = { config, config ? strlen(config) : 0 };
    return d->create(d, &host, json, &v, err) == ASSAY_OK ? v : NULL;
}

static inline assay_call driver_call(driven *out, uint32_t flags)
{
    return (assay_call){ .size = sizeof(assay_call),
                         .flags = flags,
                         .data = out,
                         .cancelled = driver_cancelled,
                         .emit = driver_emit };
}

static inline void driver_score(assay_verifier *v, assay_str reference, assay_str completion,
                                uint32_t flags, driven *out)
{
    *out = (driven){ .verdict = ASSAY_UNSET };
    const uint64_t zero = 0;
    assay_batch b = { .size = sizeof b,
                      .n = 1,
                      .completion = &completion,
                      .reference = &reference,
                      .group = &zero,
                      .seed = &zero };
    const assay_str absent = { NULL, 0 };
    b.prompt = b.meta = &absent;
    assay_scores s = { .size = sizeof s, .n = 1, .score = &out->score, .verdict = &out->verdict };
    assay_call call = driver_call(out, flags);
    assay_error err = { .size = sizeof err };
    if (!v)
        abort(); /* create() failed, which the caller has asserted against */
    out->status = v->score(v, &call, &b, &s, &err);
}
#endif
