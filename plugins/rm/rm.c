/* rm.c -- org.assay.rm: the score of a reward model, which the host loads and computes with
 * (assay.model/1). SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"
#include "common/emit.h"

#include <stdio.h>

typedef struct rm {
    assay_verifier base;
    const assay_host *host;
    const assay_svc_model *svc;
    uint32_t model;
    bool is_sigmoid; /* the score is sigma(reward) */
    bool as_chat;    /* a prompt that is no conversation is what a user says in one */
    double mean, std, clip, pass_at;
} rm;

/* ---- prompts as conversations ---- */

static void put_quoted(pc_buf *b, assay_str text)
{
    pc_buf_byte(b, '"');
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            pc_buf_byte(b, '\\');
        if (c < 0x20)
            pc_buf_fmt(b, "\\u%04x", c);
        else
            pc_buf_byte(b, (char)c);
    }
    pc_buf_byte(b, '"');
}

/* The prompts of b with each text said by a user; texts is one memory for all of them. */
static bool wrap_prompts(const assay_batch *b, assay_str *prompts, pc_buf *texts)
{
    size_t at = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        const assay_str prompt = pc_col(b->prompt, i);
        pc_buf_text(texts, "[{\"role\":\"user\",\"content\":");
        put_quoted(texts, prompt.data ? prompt : (assay_str){ "", 0 });
        pc_buf_text(texts, "}]");
        prompts[i].len = pc_buf_str(texts).len - at;
        at += prompts[i].len;
        pc_buf_byte(texts, 0); /* texts end with a zero */
        at++;
    }
    if (texts->failed)
        return false;
    const char *from = pc_buf_str(texts).data;
    for (uint32_t i = 0; i < b->n; from += prompts[i++].len + 1)
        prompts[i].data = from;
    return true;
}

/* ---- scores ---- */

static double score_of(const rm *v, double reward)
{
    const double x = (reward - v->mean) / v->std;
    if (v->is_sigmoid)
        return 1 / (1 + exp(-x));
    return x < -v->clip ? -v->clip : x > v->clip ? v->clip : x;
}

static void decide(const rm *v, const assay_call *call, assay_scores *out, uint32_t i, float reward)
{
    char text[96];
    if (!isfinite(reward)) {
        pc_set(call, out, i, ASSAY_ABSTAIN, 0, NULL,
               "longer than the reward model scores, or no number came out of it");
        return;
    }
    const double score = score_of(v, (double)reward);
    (void)snprintf(text, sizeof text, "{\"reward\":%.9g}", (double)reward);
    pc_emit_text(call, i, ASSAY_OUT_METRICS, text);
    if (pc_wants(call, ASSAY_WANT_EXPLAIN)) {
        (void)snprintf(text, sizeof text, "reward %.6g, score %.6g", (double)reward, score);
        pc_emit_text(call, i, ASSAY_OUT_EXPLAIN, text);
    }
    (void)snprintf(text, sizeof text, "the score %.4g is below %.4g", score, v->pass_at);
    const bool pass = score >= v->pass_at;
    pc_set(call, out, i, pass ? ASSAY_PASS : ASSAY_FAIL, (float)score, "reward",
           pass ? NULL : text);
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    const rm *v = base->data;
    assay_batch asked = *b;
    pc_buf texts = { 0 };
    assay_str *prompts = v->as_chat ? pc_calloc((size_t)b->n + 1, sizeof *prompts) : NULL;
    float *reward = pc_calloc((size_t)b->n + 1, sizeof *reward);
    assay_status rc = reward && (prompts || !v->as_chat) ? ASSAY_OK : ASSAY_E_NOMEM;
    if (rc == ASSAY_OK && v->as_chat) {
        rc = wrap_prompts(b, prompts, &texts) ? ASSAY_OK : ASSAY_E_NOMEM;
        asked.prompt = prompts;
    }
    if (rc == ASSAY_OK)
        rc = v->svc->reward(v->host, call, v->model, &asked, reward, err);
    for (uint32_t i = 0; rc == ASSAY_OK && i < b->n; i++)
        decide(v, call, out, i, reward[i]);
    pc_buf_fini(&texts);
    pc_free(prompts);
    pc_free(reward);
    return rc;
}

/* ---- an instance ---- */

static void destroy(assay_verifier *base)
{
    pc_free(base->data);
}

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base, (void)id;
    return NULL;
}

static void open_model(rm *v, pc_config *c, const char *folder)
{
    assay_error inner = { .size = sizeof inner };
    if (!folder) {
        pc_config_fail(c, "config key \"model\" is missing: the folder of a reward model, as assay "
                          "train with \"algo\": \"rm\" makes it");
        return;
    }
    if (v->svc->open(v->host, (assay_str){ folder, strlen(folder) }, &v->model, &inner) != 0)
        pc_config_fail(c, "%.200s", inner.text[0] ? inner.text : "the model could not be opened");
}

/* Who trains on a GPU may well ask for it; the service has no word for a device. */
static void refuse_device(pc_config *c)
{
    if (cJSON_HasObjectItem(c->root, "device"))
        pc_config_fail(c, "config key \"device\" unknown: this verifier computes on the "
                          "processor, also in a run on a GPU; the reward model of the key \"rm\" "
                          "of assay train is on the run's device");
}

static void read_config(rm *v, pc_config *c)
{
    refuse_device(c);
    static const char *const scores[] = { "raw", "sigmoid", NULL };
    const char *folder = pc_config_str(c, "model", NULL);
    v->is_sigmoid = pc_config_word(c, "score", scores, 0) == 1;
    v->mean = pc_config_num(c, "mean", 0, -1e6, 1e6);
    v->std = pc_config_num(c, "std", 1, 1e-6, 1e6);
    v->clip = pc_config_num(c, "clip", 20, 1e-3, 1e6);
    v->pass_at = pc_config_num(c, "pass_at", v->is_sigmoid ? 0.5 : 0, -1e6, 1e6);
    v->as_chat = pc_config_bool(c, "as_chat", false);
    pc_config_check(c);
    if (!c->failed)
        open_model(v, c, folder);
    v->base.score_min = v->is_sigmoid ? 0 : (float)-v->clip;
    v->base.score_max = v->is_sigmoid ? 1 : (float)v->clip;
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    const assay_svc_model *svc =
        host && host->service ? host->service(host, ASSAY_SVC_MODEL) : NULL;
    if (!svc) {
        pc_error(err, ASSAY_E_UNSUPPORTED,
                 "%s is not offered here, and only the host loads models: in a worker process "
                 "there are none (--isolation inproc), nor in a library that computes with none",
                 ASSAY_SVC_MODEL);
        return ASSAY_E_UNSUPPORTED;
    }
    rm *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    v->host = host;
    v->svc = svc;
    pc_config c;
    assay_status rc = pc_config_open(&c, config, err);
    if (rc == ASSAY_OK) {
        read_config(v, &c);
        rc = pc_config_close(&c);
    }
    if (rc) {
        pc_free(v);
        return rc;
    }
    *out = &v->base;
    return ASSAY_OK;
}

static const char *const tags[] = { "reward", "model", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    /* the same bits in any batch; but a folder may hold another model tomorrow, so no verdict is
       kept: not DETERMINISTIC */
    .flags = ASSAY_F_REENTRANT,
    .id = "org.assay.rm",
    .name = "Reward model",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "the score of a reward model",
    .url = "",
    .tags = tags,
    .config_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"model\"],"
                     "\"properties\":{"
                     "\"model\":{\"type\":\"string\",\"description\":\"folder of a reward model\"},"
                     "\"score\":{\"enum\":[\"raw\",\"sigmoid\"],\"default\":\"raw\"},"
                     "\"mean\":{\"type\":\"number\",\"default\":0},"
                     "\"std\":{\"type\":\"number\",\"minimum\":1e-6,\"default\":1},"
                     "\"clip\":{\"type\":\"number\",\"minimum\":1e-3,\"default\":20},"
                     "\"pass_at\":{\"type\":\"number\",\"description\":\"0; of a sigmoid 0.5\"},"
                     "\"as_chat\":{\"type\":\"boolean\",\"default\":false}}}",
    .revision = 1,
    .cost_us = 1000,
    .score_min = -1e6F,
    .score_max = 1e6F,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
