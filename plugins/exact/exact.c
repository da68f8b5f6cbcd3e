/* exact.c -- org.assay.exact: is the completion the reference, as text?
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"
#include "common/emit.h"
#include "common/extract.h"

typedef enum take { TAKE_ALL, TAKE_LAST_LINE, TAKE_ANSWER } take;
typedef struct exact {
    assay_verifier base;
    pc_norm norm;
    take take;
    pc_rules rules;
} exact;

static assay_str last_line(assay_str s)
{
    s = pc_trim(s);
    size_t nl = pc_rfind(s, "\n", s.len);
    return nl == PC_NONE ? s : pc_trim(pc_from(s, nl + 1));
}

/* The part that is compared; blank: no answer. */
static assay_str part(const exact *v, assay_str completion)
{
    if (v->take == TAKE_ALL)
        return completion;
    if (v->take == TAKE_LAST_LINE)
        return last_line(completion);
    pc_found found;
    pc_extract(&found, completion, &v->rules);
    return found.text;
}

static void emit_answer(const exact *v, const assay_call *call, uint32_t i, assay_str text,
                        pc_buf *buf)
{
    pc_buf_clear(buf);
    pc_normalise(buf, text, v->norm);
    if (buf->failed)
        return;
    pc_emit(call, i, ASSAY_OUT_KEY, pc_buf_str(buf));
    pc_emit(call, i, ASSAY_OUT_ANSWER, v->norm == PC_NORM_NONE ? text : pc_trim(text));
}

static void explain(const assay_call *call, uint32_t i, assay_str text, assay_str reference,
                    pc_buf *buf)
{
    enum { SHOWN = 200 };
    pc_buf_clear(buf);
    pc_buf_text(buf, "compared \"");
    pc_buf_shown(buf, text, SHOWN);
    pc_buf_text(buf, "\" with \"");
    pc_buf_shown(buf, reference, SHOWN);
    pc_buf_text(buf, "\"");
    if (!buf->failed)
        pc_emit(call, i, ASSAY_OUT_EXPLAIN, pc_buf_str(buf));
}

static void score_one(const exact *v, const assay_call *call, const assay_batch *b,
                      assay_scores *out, uint32_t i, pc_buf *buf)
{
    assay_str text = part(v, pc_col(b->completion, i)), reference = pc_col(b->reference, i);
    if (pc_is_blank(text)) {
        pc_set(call, out, i, ASSAY_NO_ANSWER, 0, NULL, "the completion holds no answer");
        return;
    }
    if (pc_wants(call, ASSAY_WANT_ANSWER))
        emit_answer(v, call, i, text, buf);
    if (pc_is_blank(reference)) {
        pc_set(call, out, i, ASSAY_ABSTAIN, 0, NULL, "there is no reference to compare with");
        return;
    }
    if (pc_wants(call, ASSAY_WANT_EXPLAIN))
        explain(call, i, text, reference, buf);
    if (pc_eq(text, reference))
        pc_set(call, out, i, ASSAY_PASS, 1, "bytes", NULL);
    else if (pc_same_text(text, reference, v->norm))
        pc_set(call, out, i, ASSAY_PASS, 1, "text", NULL);
    else
        pc_set(call, out, i, ASSAY_FAIL, 0, "text", "the texts differ");
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    const exact *v = base->data;
    (void)err;
    pc_buf buf = { 0 };
    assay_status rc = ASSAY_OK;
    for (uint32_t i = 0; i < b->n; i++) {
        if (i % 64 == 0 && pc_cancelled(call)) {
            rc = ASSAY_E_CANCELLED;
            break;
        }
        score_one(v, call, b, out, i, &buf);
    }
    pc_buf_fini(&buf);
    return rc;
}

static assay_status extract(assay_verifier *base, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    const exact *v = base->data;
    (void)err;
    pc_buf buf = { 0 };
    assay_status rc = ASSAY_OK;
    for (uint32_t i = 0; i < b->n; i++) {
        if (i % 64 == 0 && pc_cancelled(call)) {
            rc = ASSAY_E_CANCELLED;
            break;
        }
        assay_str text = part(v, pc_col(b->completion, i));
        if (!pc_is_blank(text))
            emit_answer(v, call, i, text, &buf);
        if (pc_memory_was_lost()) {
            rc = ASSAY_E_NOMEM;
            break;
        }
    }
    pc_buf_fini(&buf);
    return rc;
}

static const assay_ext_answer answer = { .size = sizeof answer, .extract = extract };

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base;
    return strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

static void destroy(assay_verifier *base)
{
    pc_free(base->data);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    static const char *const norms[] = { "none", "space", "case", NULL };
    static const char *const takes[] = { "all", "last_line", "answer", NULL };
    pc_config c;
    assay_status rc = pc_config_open(&c, config, err);
    if (rc)
        return rc;
    int norm = pc_config_word(&c, "normalise", norms, PC_NORM_SPACE);
    int what = pc_config_word(&c, "take", takes, TAKE_ALL);
    rc = pc_config_close(&c);
    if (rc)
        return rc;
    exact *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    v->norm = (pc_norm)norm;
    v->take = (take)what;
    pc_rules_preset(&v->rules, "math");
    v->rules.stages |= 1u << PC_STAGE_TAG;
    *out = &v->base;
    return ASSAY_OK;
}

static const char *const tags[] = { "text", "answer", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT | ASSAY_F_NEEDS_REFERENCE,
    .id = "org.assay.exact",
    .name = "Exact text",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "1 if the completion is the reference, white space aside",
    .url = "",
    .tags = tags,
    .config_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                     "\"normalise\":{\"enum\":[\"none\",\"space\",\"case\"],\"default\":\"space\"},"
                     "\"take\":{\"enum\":[\"all\",\"last_line\",\"answer\"],\"default\":\"all\"}}}",
    .revision = 1,
    .cost_us = 1,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
