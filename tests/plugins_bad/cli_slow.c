/* cli_slow.c -- passes every item, after {"ms": N} milliseconds of it (polling cancelled): for
 * tests that interrupt runs. SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long wait_ms; /* one verifier per process is enough here */

static assay_status score(assay_verifier *self, const assay_call *call, const assay_batch *batch,
                          assay_scores *out, assay_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i < batch->n; i++) {
        for (long ms = 0; ms < wait_ms; ms++) {
            const struct timespec step = { 0, 1000000 };
            (void)nanosleep(&step, NULL);
            if (call->cancelled(call))
                return ASSAY_E_CANCELLED;
        }
        out->score[i] = 1;
        out->verdict[i] = ASSAY_PASS;
    }
    return ASSAY_OK;
}

static void destroy(assay_verifier *self)
{
    free(self);
}

static const void *extension(const assay_verifier *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    (void)err;
    const char *ms = config.data ? strstr(config.data, "\"ms\":") : NULL;
    wait_ms = ms ? strtol(ms + 5, NULL, 10) : 10;
    assay_verifier *v = calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->size = sizeof *v;
    v->destroy = destroy;
    v->score = score;
    v->extension = extension;
    *out = v;
    return ASSAY_OK;
}

static const char *const tags[] = { NULL };
static const assay_descriptor descriptor = { .size = sizeof descriptor,
                                             .id = "org.assay.test.cli-slow",
                                             .name = "slow",
                                             .version = "1",
                                             .license = "Apache-2.0",
                                             .summary = "waits, then passes",
                                             .url = "",
                                             .tags = tags,
                                             .config_schema = "{\"type\":\"object\"}",
                                             .revision = 1,
                                             .cost_us = 10000,
                                             .score_min = 0,
                                             .score_max = 1,
                                             .create = create };
static const assay_descriptor *const list[] = { &descriptor, NULL };
const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                         sizeof(assay_entry), list };
