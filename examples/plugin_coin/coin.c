/* coin.c -- a reward that knows nothing: every response passes with probability 1/2, whatever it
 * says. A run that is rewarded by it is the control of one that is rewarded by a verifier: what
 * rises in both was not taught by the verifier. The coin is the seed that the host gives to each
 * response, so a run can be had again. SPDX-License-Identifier: MIT */
#include <assay/plugin.h>
#include <stdlib.h>
#include <string.h>

/* Steele, Lea & Flood 2014, the mixer of SplitMix64: all bits of the seed decide the last one. */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static assay_status score(assay_verifier *self, const assay_call *call, const assay_batch *in,
                          assay_scores *out, assay_error *err)
{
    (void)self, (void)err;
    for (uint32_t i = 0; i < in->n; i++) {
        if (call->cancelled(call))
            return ASSAY_E_CANCELLED;
        const int heads = (int)(mix(in->seed[i]) >> 63);
        if (out->verdict)
            out->verdict[i] = heads ? ASSAY_PASS : ASSAY_FAIL;
        if (out->score)
            out->score[i] = heads ? 1.0f : 0.0f;
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
        strncpy(err->text, "coin takes no configuration keys", sizeof err->text - 1);
        return ASSAY_E_CONFIG;
    }
    if (!(*out = calloc(1, sizeof **out)))
        return ASSAY_E_NOMEM;
    **out = (assay_verifier){ .size = sizeof **out, .destroy = destroy, .score = score };
    return ASSAY_OK;
}

/* clang-format off */
static const assay_descriptor coin = {
    .size = sizeof coin, .flags = ASSAY_F_REENTRANT, .create = create,
    .id = "org.example.coin", .name = "coin", .version = "1.0.0", .license = "MIT",
    .summary = "passes half of all responses, whatever they say: a control", .revision = 1, .cost_us = 1, .score_max = 1,
};
static const assay_descriptor *const verifiers[] = { &coin, NULL };
const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof(assay_entry), verifiers };
