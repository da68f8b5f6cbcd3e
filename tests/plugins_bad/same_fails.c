/* same_fails.c -- votes, but cannot compare: its answers are the completions, and same() always
 * fails.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    (void)v;
    (void)call;
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        out->verdict[i] = ASSAY_ABSTAIN;
        if (out->score)
            out->score[i] = NAN;
    }
    return ASSAY_OK;
}

static assay_status extract(assay_verifier *v, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    (void)v;
    (void)err;
    for (uint32_t i = 0; i < b->n; i++)
        call->emit(call, i, ASSAY_OUT_KEY, b->completion[i]);
    return ASSAY_OK;
}

static int32_t same(assay_verifier *v, const assay_call *call, assay_str a, assay_str b)
{
    (void)v;
    (void)call;
    (void)a;
    (void)b;
    return ASSAY_E_FAIL;
}

static const void *extension(const assay_verifier *v, const char *id)
{
    static const assay_ext_answer answer = { sizeof answer, 0, extract, same };
    (void)v;
    return strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

static void destroy(assay_verifier *v)
{
    free(v);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    (void)config;
    (void)err;
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

static const char *const tags[] = { "test", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    .flags = ASSAY_F_DETERMINISTIC,
    .id = "org.assay.test.same_fails",
    .name = "same_fails",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "cannot compare",
    .url = "",
    .tags = tags,
    .revision = 1,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                         sizeof assay_plugin_entry, verifiers };
