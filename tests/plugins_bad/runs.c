/* runs.c -- a verifier that asks the host's sandbox: the completion is a program of Python that
 * defines f. Emits what became of two jobs of one batch, a script and two calls, as its reason.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>
#include <stdio.h>
#include <string.h>

#define LIT(text) ((assay_str){ (text), sizeof(text) - 1 })

static const assay_host *its_host;

static int is_text(assay_str s, const char *text)
{
    return s.data && s.len == strlen(text) && memcmp(s.data, text, s.len) == 0 &&
           s.data[s.len] == 0;
}

static void tell(const assay_call *call, uint32_t i, const assay_run *script,
                 const assay_run *calls)
{
    char text[400];
    assay_str none = LIT("-");
    assay_str first = calls->values && calls->values[0].data ? calls->values[0] : none;
    int second = calls->call_status ? calls->call_status[1] : -1;
    int n =
        snprintf(text, sizeof text, "%d %.20s|%d %.20s %d|%.60s", (int)script->status,
                 script->output.data, (int)calls->status, first.data, second, calls->errors.data);
    (void)call->emit(call, i, ASSAY_OUT_REASON, (assay_str){ text, n > 0 ? (size_t)n : 0 });
}

static assay_status score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    const assay_svc_sandbox *box = its_host->service(its_host, ASSAY_SVC_SANDBOX);
    const assay_str args[] = { LIT("(1i20;"), LIT("(1s1:x") };
    (void)v;
    if (!box)
        return ASSAY_E_UNSUPPORTED;
    for (uint32_t i = 0; i < b->n; i++) {
        assay_run script = { .size = sizeof script,
                             .source = b->completion[i],
                             .input = LIT("7\n") };
        assay_run calls = script;
        calls.entry_point = "f";
        calls.calls = args;
        calls.n_calls = 2;
        assay_run *const jobs[] = { &script, &calls };
        assay_status rc = box->run(its_host, call, jobs, 2, err);
        if (rc != ASSAY_OK)
            return rc;
        int right = calls.values && is_text(calls.values[0], b->reference[i].data);
        tell(call, i, &script, &calls);
        out->verdict[i] = right ? ASSAY_PASS : ASSAY_FAIL;
        out->score[i] = right ? 1.0f : 0.0f;
    }
    return ASSAY_OK;
}

static void destroy(assay_verifier *v)
{
    (void)v;
}

static const void *extension(const assay_verifier *v, const char *id)
{
    (void)v;
    (void)id;
    return NULL;
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    static assay_verifier v = {
        .size = sizeof v, .destroy = destroy, .score = score, .extension = extension
    };
    (void)d;
    (void)config;
    (void)err;
    its_host = host;
    *out = &v;
    return ASSAY_OK;
}

static const assay_descriptor descriptor = { .size = sizeof descriptor,
                                             .flags = ASSAY_F_USES_SANDBOX | ASSAY_F_PROCESS_GLOBAL,
                                             .id = "org.example.runs",
                                             .name = "Runs",
                                             .version = "1.0",
                                             .license = "Apache-2.0",
                                             .summary = "runs programs in the sandbox",
                                             .revision = 1,
                                             .cost_us = 3000,
                                             .score_min = 0,
                                             .score_max = 1,
                                             .create = create };
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                         sizeof(assay_entry), verifiers };
