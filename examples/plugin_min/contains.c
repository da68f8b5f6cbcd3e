/* contains.c -- a whole verifier: passes where the reference occurs in the completion.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem; NOLINT */
#include <assay/plugin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static assay_verdict judge(assay_str text, assay_str wanted)
{
    if (!wanted.data || !wanted.len)
        return ASSAY_ABSTAIN; /* cannot tell: not the model's failure, so never a reward of 0 */
    if (!text.len)
        return ASSAY_NO_ANSWER;
    return memmem(text.data, text.len, wanted.data, wanted.len) ? ASSAY_PASS : ASSAY_FAIL;
}

static assay_status score(assay_verifier *self, const assay_call *call, const assay_batch *in,
                          assay_scores *out, assay_error *err)
{
    (void)self, (void)err;
    for (uint32_t i = 0; i < in->n; i++) {
        if (call->cancelled(call))
            return ASSAY_E_CANCELLED; /* items already judged stay valid */
        assay_verdict verdict = judge(in->completion[i], in->reference[i]);
        if (out->verdict) /* a NULL column is not wanted */
            out->verdict[i] = verdict;
        if (out->score)
            out->score[i] = verdict == ASSAY_ABSTAIN ? NAN : (float)(verdict == ASSAY_PASS);
    }
    return ASSAY_OK;
}

static void destroy(assay_verifier *self)
{
    free(self);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d, (void)host;
    if (config.len && (config.len != 2 || memcmp(config.data, "{}", 2) != 0)) {
        strncpy(err->text, "contains takes no configuration keys", sizeof err->text - 1);
        return ASSAY_E_CONFIG;
    }
    if (!(*out = calloc(1, sizeof **out)))
        return ASSAY_E_NOMEM;
    **out = (assay_verifier){ .size = sizeof **out, .destroy = destroy, .score = score };
    return ASSAY_OK;
}

/* clang-format off */
static const assay_descriptor contains = {
    .size = sizeof contains, .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT, .create = create,
    .id = "org.example.contains", .name = "contains", .version = "1.0.0", .license = "MIT",
    .summary = "the reference occurs in the completion", .revision = 1, .cost_us = 1, .score_max = 1,
};
static const assay_descriptor *const verifiers[] = { &contains, NULL };
const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof(assay_entry), verifiers };
