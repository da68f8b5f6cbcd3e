/* math.c -- org.assay.math: is the answer in the text the number, tuple or set of the reference?
 * First version: exact rational arithmetic. What it cannot read it says so about (abstain), it does
 * not guess. SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"
#include "common/emit.h"
#include "common/extract.h"
#include "math/first/number.h"

#include <flint/flint.h>
#include <gmp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <strings.h>

typedef struct math {
    assay_verifier base;
    pc_rules rules;
} math;

/* ---- one thread's working memory ---- */

typedef struct work {
    math_reader reader;
    math_form gold, answer;
    pc_buf text;
    jmp_buf escape; /* FLINT's way out when memory is exhausted */
    bool can_escape;
} work;

static _Thread_local work *mine;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void work_free(void *p)
{
    work *w = p;
    math_reader_fini(&w->reader);
    pc_buf_fini(&w->gold.key);
    pc_buf_fini(&w->answer.key);
    pc_buf_fini(&w->text);
    pc_free(w);
    mine = NULL;
    flint_cleanup();
}

/* FLINT calls this instead of abort(). What it held is lost; the item becomes ERROR, the process
 * lives. */
__attribute__((noreturn)) static void escape(void)
{
    if (mine && mine->can_escape)
        longjmp(mine->escape, 1);
    abort();
}

/* GMP, below FLINT, aborts by itself unless its allocation goes another way. */
static void *gmp_resize(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    void *p = pc_realloc(old, 1, size);
    if (!p)
        escape();
    return p;
}

static void *gmp_take(size_t size)
{
    return gmp_resize(NULL, 0, size);
}

static void gmp_give(void *p, size_t size)
{
    (void)size;
    pc_free(p);
}

static void set_up(void)
{
    flint_set_abort(escape);
    mp_set_memory_functions(gmp_take, gmp_resize, gmp_give);
    (void)pthread_key_create(&at_thread_end, work_free);
}

static work *get_work(void)
{
    if (!mine) {
        mine = pc_calloc(1, sizeof *mine);
        if (mine)
            (void)pthread_setspecific(at_thread_end, mine);
    }
    return mine;
}

/* ---- one item ---- */

static void emit_answer(const work *w, const assay_call *call, uint32_t i, assay_str text)
{
    pc_emit(call, i, ASSAY_OUT_KEY, pc_buf_str(&w->answer.key));
    pc_emit(call, i, ASSAY_OUT_ANSWER, text);
}

static void explain(work *w, const assay_call *call, uint32_t i, const pc_found *found,
                    const char *end)
{
    enum { SHOWN = 300 };
    pc_buf *b = &w->text;
    pc_buf_clear(b);
    pc_buf_fmt(b, "extracted by %s", pc_stage_name(found->stage));
    if (found->n_boxes > 1)
        pc_buf_fmt(b, " (%u boxes, %u in the answer)", found->n_boxes, found->n_list);
    pc_buf_text(b, ": \"");
    pc_buf_shown(b, found->text, SHOWN);
    pc_buf_text(b, "\"; answer ");
    pc_buf_shown(b, pc_buf_str(&w->answer.key), SHOWN);
    pc_buf_text(b, ", reference ");
    pc_buf_shown(b, pc_buf_str(&w->gold.key), SHOWN);
    pc_buf_text(b, "; ");
    pc_buf_text(b, end);
    if (!b->failed)
        pc_emit(call, i, ASSAY_OUT_EXPLAIN, pc_buf_str(b));
}

typedef struct ruling {
    assay_verdict verdict;
    const char *rule, *reason;
} ruling;

/* Keys that are not the same, and not both known exactly. */
static ruling undecided(const math_form *gold, const math_form *answer)
{
    if (!gold->decided && gold->is_word && (answer->decided || answer->is_word)) {
        bool case_only = pc_eq(pc_buf_str(&gold->key), pc_buf_str(&answer->key)) ||
                         (gold->key.len == answer->key.len &&
                          strncasecmp(gold->key.data, answer->key.data, gold->key.len) == 0);
        if (!case_only)
            return (ruling){ ASSAY_FAIL, "text", "another word" };
        return (ruling){ ASSAY_ABSTAIN, "text", "the words differ in case alone" };
    }
    if (!gold->decided)
        return (ruling){ ASSAY_ABSTAIN, "text", "the form of the reference is not supported yet" };
    bool not_a_number = strcmp(gold->kind, "rational") != 0 && !answer->is_prose;
    if (answer->is_constant || not_a_number)
        return (ruling){ ASSAY_ABSTAIN, "text", "the form of the answer is not supported yet" };
    return (ruling){ ASSAY_FAIL, "text", "the answer is not of the reference's kind" };
}

static ruling judge(const math_form *gold, const math_form *answer, bool same_bytes)
{
    if (same_bytes)
        return (ruling){ ASSAY_PASS, "bytes", NULL };
    math_verdict v = math_compare(pc_buf_str(&gold->key), pc_buf_str(&answer->key));
    const char *rule = gold->kind;
    if (v == MATH_SAME)
        return (ruling){ ASSAY_PASS, rule, NULL };
    if (v == MATH_UNITS)
        return (ruling){ ASSAY_ABSTAIN, rule, "units that differ are not compared yet" };
    if (gold->decided && answer->decided)
        return (ruling){ ASSAY_FAIL, rule,
                         strcmp(gold->kind, answer->kind) == 0 ? "another value"
                                                               : "another kind of answer" };
    return undecided(gold, answer);
}

static void score_one(const math *v, work *w, const assay_call *call, const assay_batch *b,
                      assay_scores *out, uint32_t i)
{
    pc_found found;
    assay_str reference = pc_col(b->reference, i);
    pc_extract(&found, pc_col(b->completion, i), &v->rules);
    if (!found.text.data) {
        pc_set(call, out, i, ASSAY_NO_ANSWER, 0, NULL, found.why);
        return;
    }
    if (!math_read(&w->reader, found.text, &w->answer)) {
        pc_set(call, out, i, ASSAY_ERROR, 0, NULL, "out of memory");
        return;
    }
    if (pc_wants(call, ASSAY_WANT_ANSWER))
        emit_answer(w, call, i, found.text);
    assay_str gold = pc_gold(reference);
    if (pc_is_blank(gold)) {
        pc_set(call, out, i, ASSAY_ABSTAIN, 0, NULL, "there is no reference to compare with");
        return;
    }
    if (!math_read(&w->reader, gold, &w->gold)) {
        pc_set(call, out, i, ASSAY_ERROR, 0, NULL, "out of memory");
        return;
    }
    ruling r = judge(&w->gold, &w->answer, pc_eq(gold, found.text));
    if (pc_wants(call, ASSAY_WANT_EXPLAIN))
        explain(w, call, i, &found, r.reason ? r.reason : "equal");
    pc_set(call, out, i, r.verdict, r.verdict == ASSAY_PASS ? 1 : 0, r.rule, r.reason);
}

/* A frame of its own, so that nothing that changes is live across setjmp. */
static void score_guarded(const math *v, work *w, const assay_call *call, const assay_batch *b,
                          assay_scores *out, uint32_t i)
{
    if (setjmp(w->escape) == 0) { /* NOLINT(cert-err52-cpp): FLINT has no other way out */
        w->can_escape = true;
        score_one(v, w, call, b, out, i);
    } else {
        pc_set(call, out, i, ASSAY_ERROR, 0, NULL, "FLINT ran out of memory");
    }
    w->can_escape = false;
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    work *w = get_work();
    (void)err;
    if (!w)
        return ASSAY_E_NOMEM;
    for (uint32_t i = 0; i < b->n; i++) {
        if (pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        score_guarded(base->data, w, call, b, out, i);
    }
    return ASSAY_OK;
}

static bool extract_guarded(const math *v, work *w, const assay_call *call, assay_str completion,
                            uint32_t i)
{
    pc_found found;
    pc_extract(&found, completion, &v->rules);
    if (!found.text.data)
        return true;
    if (setjmp(w->escape) != 0) { /* NOLINT(cert-err52-cpp) */
        w->can_escape = false;
        return false;
    }
    w->can_escape = true;
    bool ok = math_read(&w->reader, found.text, &w->answer) && !pc_memory_was_lost();
    w->can_escape = false;
    if (ok) /* only now: a key that was emitted has voted */
        emit_answer(w, call, i, found.text);
    return ok;
}

static assay_status extract(assay_verifier *base, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    work *w = get_work();
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

static int32_t same(assay_verifier *base, const assay_call *call, assay_str a, assay_str b)
{
    (void)base;
    (void)call;
    work *w = get_work();
    if (!w || setjmp(w->escape) != 0) /* NOLINT(cert-err52-cpp) */
        return ASSAY_E_NOMEM;
    w->can_escape = true;
    int32_t result = math_compare(a, b) == MATH_SAME;
    w->can_escape = false;
    return pc_memory_was_lost() ? ASSAY_E_NOMEM : result;
}

static const assay_ext_answer answer = { .size = sizeof answer, .extract = extract, .same = same };

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base;
    return strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

static void destroy(assay_verifier *base)
{
    pc_free(base->data);
}

static assay_status read_config(math *v, assay_str json, assay_error *err)
{
    static const char *const presets[] = { "math", "gsm8k", "strict", NULL };
    static const char *const thinks[] = { "auto", "require", "off", NULL };
    pc_config c;
    assay_status rc = pc_config_open(&c, json, err);
    if (rc)
        return rc;
    pc_rules_preset(&v->rules, presets[pc_config_word(&c, "extract", presets, 0)]);
    v->rules.think = (pc_think)pc_config_word(&c, "think", thinks, PC_THINK_AUTO);
    if (pc_config_bool(&c, "answer_tags", false))
        v->rules.stages |= 1u << PC_STAGE_TAG;
    return pc_config_close(&c);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    (void)pthread_once(&once, set_up);
    math *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    assay_status rc = read_config(v, config, err);
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
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "the answer in the text, compared exactly: numbers, fractions, tuples, sets",
    .url = "",
    .tags = tags,
    .config_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                     "\"extract\":{\"enum\":[\"math\",\"gsm8k\",\"strict\"],\"default\":\"math\"},"
                     "\"think\":{\"enum\":[\"auto\",\"require\",\"off\"],\"default\":\"auto\"},"
                     "\"answer_tags\":{\"type\":\"boolean\",\"default\":false}}}",
    .revision = 1,
    .cost_us = 8,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
