/* abi_trivial.c -- a verifier that does next to nothing, so that what is measured is the way to it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *e)
{
    (void)v;
    (void)e;
    for (uint32_t i = 0; i < b->n; i++) {
        size_t odd = b->completion[i].len & 1;
        out->verdict[i] = odd ? ASSAY_FAIL : ASSAY_PASS;
        out->score[i] = odd ? 0.0f : 1.0f;
        if (call->flags & ASSAY_WANT_ANSWER)
            (void)call->emit(call, i, ASSAY_OUT_KEY, (assay_str){ "12345678", 8 });
    }
    return ASSAY_OK;
}

static assay_verifier verifier = { .size = sizeof verifier, .score = score };

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *e)
{
    (void)d;
    (void)host;
    (void)config;
    (void)e;
    *out = &verifier;
    return ASSAY_OK;
}

#define DESCRIBE(variable, id_, flags_)                                                            \
    static const assay_descriptor variable = { .size = sizeof variable,                            \
                                               .flags = (flags_),                                  \
                                               .id = (id_),                                        \
                                               .name = "trivial",                                  \
                                               .version = "1",                                     \
                                               .license = "Apache-2.0",                            \
                                               .summary = "the length of the completion",          \
                                               .url = "",                                          \
                                               .revision = 1,                                      \
                                               .cost_us = 1,                                       \
                                               .score_max = 1.0f,                                  \
                                               .create = create }
DESCRIBE(deterministic, "bench.deterministic", ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT);
DESCRIBE(plain, "bench.plain", ASSAY_F_REENTRANT);
static const assay_descriptor *const verifiers[] = { &deterministic, &plain, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
