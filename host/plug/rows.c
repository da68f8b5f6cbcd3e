/* rows.c -- checks what a verifier wrote: verdicts, scores, texts. What breaks the ABI's rules
 * becomes ERROR with the rule it broke, never a score. SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "plug/scorer_priv.h"
#include "plug/text.h"

#include <math.h>
#include <stdio.h>

void as_rows_reset(as_results *r, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = lo; i < hi; i++) {
        r->verdict[i] = ASSAY_UNSET;
        r->score[i] = NAN;
    }
    for (uint32_t c = 0; c < AS_N_CHANNELS; c++) {
        if (r->out[c])
            memset(r->out[c] + lo, 0, (size_t)(hi - lo) * sizeof(as_str));
    }
    if (r->tasks)
        memset(r->tasks + lo, 0, (size_t)(hi - lo) * sizeof *r->tasks);
}

static bool in_range(const as_scorer *s, float score)
{
    return score >= s->score_min && score <= s->score_max; /* false for NaN */
}

static void check_odd_row(const as_scorer *s, as_results *r, uint32_t i, const as_outcome *o)
{
    char text[400];
    assay_verdict v = r->verdict[i];
    if (v == ASSAY_ABSTAIN || v == ASSAY_ERROR) {
        r->score[i] = NAN;
        return;
    }
    if (v == ASSAY_UNSET && o->why[0])
        (void)snprintf(text, sizeof text, "%s", o->why);
    else if (v == ASSAY_UNSET)
        (void)snprintf(text, sizeof text, "the verifier left this item unset");
    else if (v > ASSAY_ERROR)
        (void)snprintf(text, sizeof text, "the verifier gave the unknown verdict %u", v);
    else if (isnan(r->score[i]))
        (void)snprintf(text, sizeof text, "the verifier gave verdict %s with score NaN",
                       as_verdict_word(v));
    else
        (void)snprintf(text, sizeof text, "the verifier gave score %g, outside its range [%g, %g]",
                       (double)r->score[i], (double)s->score_min, (double)s->score_max);
    as_results_fail(r, i, text);
}

static void bad_text(as_scorer *s, uint32_t channel, const char *why)
{
    if (!atomic_exchange(&s->said_bad_text, true))
        as_log(AS_LOG_WARN,
               "verifier %s: a text it emitted on channel %u was dropped or mended: %s (said once)",
               s->info.id, channel, why);
}

static bool is_json(as_str text, as_jkind kind)
{
    as_jspan span;
    return as_json_scan(text, &span, NULL) == 0 && span.kind == kind;
}

static bool spans_hold(as_str text, size_t completion_len)
{
    if (text.len % 8)
        return false;
    uint32_t before = 0;
    for (size_t at = 0; at < text.len; at += 8) {
        uint32_t end;
        float reward;
        memcpy(&end, text.data + at, 4);
        memcpy(&reward, text.data + at + 4, 4);
        if (!isfinite(reward) || end > completion_len || (at && end <= before))
            return false;
        before = end;
    }
    return true;
}

/* The text as it may be passed on; data NULL: dropped. */
static as_str mend(as_scorer *s, uint32_t channel, as_str text, size_t completion_len,
                   as_arena *arena)
{
    const as_str none = { NULL, 0 };
    if (channel == ASSAY_OUT_SPANS) {
        if (spans_hold(text, completion_len))
            return text;
        bad_text(s, channel, "spans are not ascending, not finite or beyond the completion");
        return none;
    }
    bool is_valid = as_utf8_valid(text) == text.len;
    if (!is_valid)
        bad_text(s, channel, "not UTF-8");
    if (channel == ASSAY_OUT_METRICS || channel == ASSAY_OUT_DETAIL) {
        if (is_valid && is_json(text, channel == ASSAY_OUT_METRICS ? AS_J_OBJECT : AS_J_ARRAY))
            return text;
        bad_text(s, channel,
                 channel == ASSAY_OUT_METRICS ? "not a JSON object" : "not a JSON array");
        return none;
    }
    if (is_valid)
        return text;
    if (channel ==
        ASSAY_OUT_KEY) /* mending could make two answers equal: such a key does not vote */
        return none;
    return as_text_utf8(text, arena);
}

static void check_texts(as_scorer *s, const as_items *items, as_results *r, uint32_t lo,
                        uint32_t hi)
{
    for (uint32_t c = 0; c < AS_N_CHANNELS; c++) {
        as_str *column = r->out[c];
        const char *sound = NULL; /* a text that repeats is looked at once */
        for (uint32_t i = lo; column && i < hi; i++) {
            if (!column[i].data || (column[i].data == sound && c != ASSAY_OUT_SPANS))
                continue;
            column[i] = mend(s, c, column[i], items->completion[i].len, r->arena);
            sound = column[i].data;
        }
    }
    for (uint32_t i = lo; r->tasks && i < hi; i++) {
        for (as_task_node *t = r->tasks[i]; t; t = t->next) {
            as_str text = mend(s, ASSAY_OUT_TASK, t->text, 0, r->arena);
            t->text = text.data ? text : AS_LIT("");
        }
    }
}

void as_rows_check(as_scorer *s, as_act act, const as_items *items, as_results *r, uint32_t lo,
                   uint32_t hi, const as_outcome *o)
{
    for (uint32_t i = lo; i < hi; i++) {
        if (act == AS_ACT_EXTRACT ? r->verdict[i] == ASSAY_PASS
                                  : as_verdict_is_scored(r->verdict[i]) && in_range(s, r->score[i]))
            continue;
        check_odd_row(s, r, i, o);
    }
    check_texts(s, items, r, lo, hi);
}
