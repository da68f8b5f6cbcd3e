/* math.c -- org.assay.math: does the answer in the text equal the reference? The verifier around
 * the judge. SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"
#include "common/emit.h"
#include "math/work.h"

typedef struct math {
    assay_verifier base;
    judge_config config;
} math;

/* ---- one item ---- */

static bool emit_answer(work *w, const assay_call *call, uint32_t i)
{
    pc_buf_clear(&w->text);
    judge_key(&w->judge, &w->text);
    if (w->text.failed)
        return false;
    pc_emit(call, i, ASSAY_OUT_KEY, pc_buf_str(&w->text));
    pc_emit(call, i, ASSAY_OUT_ANSWER, pc_buf_str(&w->judge.answer.text));
    return true;
}

static void score_one(const math *v, work *w, const assay_call *call, const assay_batch *b,
                      assay_scores *out, uint32_t i)
{
    judge *j = &w->judge;
    bool whole = judge_is_reference(&v->config, pc_col(b->completion, i), pc_col(b->reference, i));
    if (!judge_find(j, &v->config, pc_col(b->completion, i))) {
        pc_set(call, out, i, whole ? ASSAY_PASS : ASSAY_NO_ANSWER, whole, whole ? "bytes" : NULL,
               whole ? NULL : j->found.why);
        return;
    }
    if (!judge_read(j, &v->config) ||
        (pc_wants(call, ASSAY_WANT_ANSWER) && !emit_answer(w, call, i))) {
        pc_set(call, out, i, ASSAY_ERROR, 0, NULL, "out of memory");
        return;
    }
    assay_str reference = pc_col(b->reference, i);
    if (!reference.data || pc_is_blank(reference)) {
        pc_set(call, out, i, ASSAY_ABSTAIN, 0, NULL, "there is no reference to compare with");
        return;
    }
    ruling r = judge_rule(j, &v->config, reference);
    if (whole && r.verdict != ASSAY_PASS)
        r = (ruling){ .verdict = ASSAY_PASS, .finding = math_found(MATH_EQUAL, "bytes") };
    if (pc_wants(call, ASSAY_WANT_EXPLAIN)) {
        pc_buf_clear(&w->text);
        judge_explain(j, &r, &w->text);
        if (!w->text.failed)
            pc_emit(call, i, ASSAY_OUT_EXPLAIN, pc_buf_str(&w->text));
    }
    pc_set(call, out, i, r.verdict, r.verdict == ASSAY_PASS ? 1 : 0, r.finding.rule, r.reason);
}

/* A frame of its own, so that nothing that changes is live across setjmp. */
static void score_guarded(const math *v, work *w, const assay_call *call, const assay_batch *b,
                          assay_scores *out, uint32_t i)
{
    if (w->is_spent) {
        pc_set(call, out, i, ASSAY_ERROR, 0, NULL, "memory ran out in this thread before");
    } else if (setjmp(w->escape) == 0) { /* NOLINT(cert-err52-cpp): FLINT has no other way out */
        w->can_escape = true;
        score_one(v, w, call, b, out, i);
    } else {
        w->judge.gold_known = false;
        pc_set(call, out, i, ASSAY_ERROR, 0, NULL, "FLINT ran out of memory");
    }
    w->can_escape = false;
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    work *w = work_mine();
    (void)err;
    if (!w)
        return ASSAY_E_NOMEM;
    w->judge.gold_known = false; /* the last call may have had other rules */
    for (uint32_t i = 0; i < b->n; i++) {
        if (pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        score_guarded(base->data, w, call, b, out, i);
    }
    return ASSAY_OK;
}

/* ---- votes ---- */

static bool extract_guarded(const math *v, work *w, const assay_call *call, assay_str completion,
                            uint32_t i)
{
    if (!judge_find(&w->judge, &v->config, completion))
        return true;
    if (w->is_spent)
        return false;
    if (setjmp(w->escape) != 0) { /* NOLINT(cert-err52-cpp) */
        w->can_escape = false;
        return false;
    }
    w->can_escape = true;
    bool ok = judge_read(&w->judge, &v->config);
    pc_buf_clear(&w->text);
    if (ok)
        judge_key(&w->judge, &w->text);
    w->can_escape = false;
    ok = ok && !w->text.failed && !pc_memory_was_lost();
    if (ok) { /* only now: a key that was emitted has voted */
        pc_emit(call, i, ASSAY_OUT_KEY, pc_buf_str(&w->text));
        pc_emit(call, i, ASSAY_OUT_ANSWER, pc_buf_str(&w->judge.answer.text));
    }
    return ok;
}

static assay_status extract(assay_verifier *base, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    work *w = work_mine();
    (void)err;
    if (!w)
        return ASSAY_E_NOMEM;
    for (uint32_t i = 0; i < b->n; i++) {
        if (pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        bool ok = extract_guarded(base->data, w, call, pc_col(b->completion, i), i);
        if (pc_memory_was_lost() || !ok)
            return ASSAY_E_NOMEM;
    }
    return ASSAY_OK;
}

static int32_t same_guarded(work *w, assay_str a, assay_str b)
{
    if (w->is_spent)
        return ASSAY_E_NOMEM;
    if (setjmp(w->escape) != 0) { /* NOLINT(cert-err52-cpp) */
        w->can_escape = false;
        return ASSAY_E_NOMEM;
    }
    w->can_escape = true;
    int32_t result = judge_same(&w->judge, a, b);
    w->can_escape = false;
    return pc_memory_was_lost() ? ASSAY_E_NOMEM : result;
}

/* Asked twice where memory was short: a vote takes what fails for two answers. */
static int32_t same(assay_verifier *base, const assay_call *call, assay_str a, assay_str b)
{
    (void)base;
    (void)call;
    work *w = work_mine();
    if (!w)
        return ASSAY_E_NOMEM;
    int32_t result = same_guarded(w, a, b);
    return result == ASSAY_E_NOMEM ? same_guarded(w, a, b) : result;
}

static const assay_ext_answer answer = { .size = sizeof answer, .extract = extract, .same = same };

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base;
    return strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

/* ---- configuration ---- */

static void destroy(assay_verifier *base)
{
    pc_free(base->data);
}

static void read_tolerance(pc_config *c, math_policy *policy)
{
    const cJSON *object = pc_config_get(c, "tolerance");
    if (!object)
        return;
    if (!cJSON_IsObject(object)) {
        pc_config_fail(c, "\"tolerance\" must be an object: {\"digits\": 6}, {\"relative\": 1e-4} "
                          "or {\"half_ulp\": true}");
        return;
    }
    pc_config inner;
    pc_config_inner(&inner, c, object, "tolerance");
    policy->digits = (unsigned)pc_config_uint(&inner, "digits", 0, 0, 15);
    policy->relative = pc_config_num(&inner, "relative", 0, 0, 0.5);
    policy->half_ulp = pc_config_bool(&inner, "half_ulp", false);
    if (pc_config_check(&inner) != ASSAY_OK)
        c->failed = true;
}

static assay_status read_config(judge_config *j, assay_str json, assay_error *err)
{
    static const char *const thinks[] = { "auto", "require", "off", NULL };
    pc_config c;
    assay_status rc = pc_config_open(&c, json, err);
    if (rc)
        return rc;
    pc_rules_preset(&j->rules, pc_preset_names[pc_config_word(&c, "extract", pc_preset_names, 0)]);
    j->rules.think = (pc_think)pc_config_word(&c, "think", thinks, PC_THINK_AUTO);
    if (pc_config_get(&c, "last_number"))
        pc_rules_set(&j->rules, PC_STAGE_NUMBER, pc_config_bool(&c, "last_number", false));
    if (pc_config_get(&c, "answer_tags"))
        pc_rules_set(&j->rules, PC_STAGE_TAG, pc_config_bool(&c, "answer_tags", true));
    j->shortcuts = pc_config_bool(&c, "shortcuts", true);
    j->policy.gold_shape = pc_config_bool(&c, "gold_shape", false);
    j->policy.square_free = pc_config_bool(&c, "square_free", true);
    read_tolerance(&c, &j->policy);
    return pc_config_close(&c);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    work_set_up();
    math *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    assay_status rc = read_config(&v->config, config, err);
    if (rc) {
        pc_free(v);
        return rc;
    }
    *out = &v->base;
    return ASSAY_OK;
}

static const char *const tags[] = { "math", "answer", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT | ASSAY_F_NEEDS_REFERENCE,
    .id = "org.assay.math",
    .name = "Mathematics",
    .version = "0.2.0",
    .license = "Apache-2.0",
    .summary = "the answer in the text, compared exactly: numbers, expressions, sets, relations",
    .url = "",
    .tags = tags,
    .config_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"extract\":{\"enum\":[\"math\",\"gsm8k\",\"minerva\",\"olympiad\",\"aime\",\"strict\"],"
        "\"default\":\"math\"},"
        "\"last_number\":{\"type\":\"boolean\"},\"answer_tags\":{\"type\":\"boolean\"},"
        "\"think\":{\"enum\":[\"auto\",\"require\",\"off\"],\"default\":\"auto\"},"
        "\"tolerance\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"digits\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":15},"
        "\"relative\":{\"type\":\"number\",\"minimum\":0,\"maximum\":0.5},"
        "\"half_ulp\":{\"type\":\"boolean\"}}},"
        "\"gold_shape\":{\"type\":\"boolean\",\"default\":false},"
        "\"square_free\":{\"type\":\"boolean\",\"default\":true},"
        "\"shortcuts\":{\"type\":\"boolean\",\"default\":true}}}",
    .revision = 2,
    .cost_us = 8,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
