/* compat_plugin.c -- a verifier that uses what its header has; built three times: with a header
 * that has less than ours, with ours, and with one that has more. Passes where completion and
 * reference are equal bytes; the rule says what it found of the later version's field.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>

#include <string.h>

static const char *later_field(const assay_batch *b)
{
#ifdef DERIVED_NEW
    if (b->size < offsetof(assay_batch, of_a_later_version) + sizeof b->of_a_later_version)
        return "host is older";
    return b->of_a_later_version == 42 ? "host has it" : "host lied";
#else
    (void)b;
    return "not known";
#endif
}

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *e)
{
    (void)v;
    (void)e;
    const char *rule = later_field(b);
    for (uint32_t i = 0; i < b->n; i++) {
        int is_equal =
            b->completion[i].len == b->reference[i].len &&
            memcmp(b->completion[i].data, b->reference[i].data, b->completion[i].len) == 0;
        out->verdict[i] = is_equal ? ASSAY_PASS : ASSAY_FAIL;
        if (out->score)
            out->score[i] = is_equal ? 1.0f : 0.0f;
        assay_status status =
            call->emit(call, i, ASSAY_OUT_RULE, (assay_str){ rule, strlen(rule) });
        if (status < 0)
            return status;
    }
    return ASSAY_OK;
}

static assay_status extract(assay_verifier *v, const assay_call *call, const assay_batch *b,
                            assay_error *e)
{
    (void)v;
    (void)e;
    for (uint32_t i = 0; i < b->n; i++) {
        assay_status status = call->emit(call, i, ASSAY_OUT_KEY, b->completion[i]);
        if (status < 0)
            return status;
    }
    return ASSAY_OK;
}

#ifndef DERIVED_OLD
static int32_t same(assay_verifier *v, const assay_call *call, assay_str a, assay_str b)
{
    (void)v;
    (void)call;
    return a.len == b.len; /* coarser than bytes, so that it shows who was asked */
}
#endif

static const assay_ext_answer answer = {
    .size = sizeof answer,
    .extract = extract,
#ifndef DERIVED_OLD
    .same = same,
#endif
#ifdef DERIVED_NEW
    .of_a_later_version = 42,
#endif
};

static const void *extension(const assay_verifier *v, const char *id)
{
    (void)v;
    return strcmp(id, ASSAY_EXT_ANSWER) ? NULL : &answer;
}

static assay_verifier verifier = {
    .size = sizeof verifier,
    .score = score,
    .extension = extension,
#ifdef DERIVED_NEW
    .of_a_later_version = 42,
#endif
};

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *e)
{
    (void)d;
    (void)config;
    (void)e;
    host->log(host, ASSAY_LOG_DEBUG, "made");
    *out = &verifier;
    return ASSAY_OK;
}

static const assay_descriptor descriptor = { .size = sizeof descriptor,
                                             .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT,
                                             .id = "test.compat",
                                             .name = "compat",
                                             .version = "1",
                                             .license = "Apache-2.0",
                                             .summary = "equal bytes",
                                             .url = "",
                                             .revision = 1,
                                             .score_max = 1.0f,
                                             .create = create };
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { .magic = ASSAY_MAGIC,
                                                      .abi_major = ASSAY_ABI_MAJOR,
                                                      .abi_minor = ASSAY_ABI_MINOR,
                                                      .size = sizeof(assay_entry),
                                                      .verifiers = verifiers };
