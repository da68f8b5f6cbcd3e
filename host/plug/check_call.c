/* check_call.c -- calls a verifier and keeps everything it gave, with the first rule it broke.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/jspan.h"
#include "plug/check_env.h"
#include "plug/info.h"
#include "plug/sandboxed.h"

#include <math.h>
#include <stdio.h>

static const char *const channel_names[AS_N_CHANNELS] = { "EXPLAIN",   "KEY",    "PROMPT", "TASK",
                                                          "REFERENCE", "ANSWER", "RULE",   "REASON",
                                                          "METRICS",   "DETAIL", "SPANS" };

const char *as_check_show(as_str text, char *buf, size_t size)
{
    size_t at = 0;
    size_t n = text.len < 40 ? text.len : 40;
    if (!text.data) {
        snprintf(buf, size, "(absent)");
        return buf;
    }
    buf[at++] = '"';
    for (size_t i = 0; i < n && at + 8 < size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f)
            at += (size_t)snprintf(buf + at, size - at, "\\x%02x", c);
        else
            buf[at++] = (char)c;
    }
    /* Cut between characters, not inside one. */
    at = 1 + as_utf8_valid((as_str){ buf + 1, at - 1 });
    snprintf(buf + at, size - at, "\"%s", text.len > n ? "..." : "");
    return buf;
}

/* ---- the rules of emit() ---- */

static const char *check_word(as_str s)
{
    if (s.len == 0 || s.len > 64)
        return "RULE is not one word of 1 to 64 bytes";
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] <= 0x20 || (unsigned char)s.data[i] >= 0x7f)
            return "RULE is not one word of printable ASCII";
    return NULL;
}

static const char *check_metrics(as_str s)
{
    as_jspan object;
    as_jspan key;
    as_jspan value;
    double number = 0;
    if (as_json_scan(s, &object, NULL) < 0 || object.kind != AS_J_OBJECT)
        return "METRICS is not a JSON object";
    for (size_t at = 0; as_jobject_next(object, &at, &key, &value);)
        if (value.kind != AS_J_NUMBER || !as_jnumber(value, &number) || !isfinite(number))
            return "METRICS holds a value that is not a finite number";
    return NULL;
}

static const char *check_detail(as_str s)
{
    as_jspan array;
    return as_json_scan(s, &array, NULL) < 0 || array.kind != AS_J_ARRAY
               ? "DETAIL is not a JSON array"
               : NULL;
}

static const char *check_spans(as_str s, size_t completion)
{
    uint32_t last = 0;
    if (s.len % 8 != 0)
        return "SPANS is not a sequence of {uint32_t, float}";
    for (size_t i = 0; i < s.len; i += 8) {
        uint32_t end = 0;
        float reward = 0;
        memcpy(&end, s.data + i, sizeof(end));
        memcpy(&reward, s.data + i + 4, sizeof(reward));
        if (end > completion || (i > 0 && end <= last))
            return "SPANS: the ends are not ascending inside the completion";
        if (!isfinite(reward))
            return "SPANS: a reward is not finite";
        last = end;
    }
    return NULL;
}

static const char *check_text(as_str s)
{
    return as_utf8_valid(s) == s.len ? NULL : "is not valid UTF-8";
}

static const char *check_emit(const as_outcome_of *o, uint32_t item, uint32_t channel, as_str text)
{
    if (channel >= AS_N_CHANNELS)
        return "no such channel";
    if (item >= o->n)
        return "no such item";
    if (!text.data)
        return "text without data";
    switch (channel) {
    case ASSAY_OUT_KEY:
        return text.len == 0 ? "KEY is empty (emit none where there is no answer)" : NULL;
    case ASSAY_OUT_RULE:
        return check_word(text);
    case ASSAY_OUT_METRICS:
        return check_metrics(text);
    case ASSAY_OUT_DETAIL:
        return check_detail(text);
    case ASSAY_OUT_SPANS:
        return check_spans(text, o->items->completion[item].len);
    default:
        return check_text(text);
    }
}

static assay_status record(const assay_call *call, uint32_t item, uint32_t channel, as_str text)
{
    as_outcome_of *o = call->data;
    assay_status status = ASSAY_OK;
    pthread_mutex_lock(&o->lock);
    const char *bad = check_emit(o, item, channel, text);
    if (bad && !o->bad[0])
        snprintf(o->bad, sizeof(o->bad), "item %u, channel %u (%s): %s", (unsigned)item,
                 (unsigned)channel, channel < AS_N_CHANNELS ? channel_names[channel] : "unknown",
                 bad);
    if (channel >= AS_N_CHANNELS || item >= o->n || !text.data) {
        status = ASSAY_E_ARG;
    } else {
        if (!o->out[channel])
            o->out[channel] = as_arena_calloc(o->arena, o->n, sizeof(as_str));
        as_str copy = as_arena_str(o->arena, text);
        if (o->out[channel] && copy.data)
            o->out[channel][item] = copy;
        else
            status = ASSAY_E_NOMEM;
    }
    pthread_mutex_unlock(&o->lock);
    return status;
}

static int32_t is_cancelled(const assay_call *call)
{
    const as_outcome_of *o = call->data;
    if (o->stop && atomic_load(o->stop))
        return 1;
    return o->deadline_ns != 0 && as_now_ns() >= o->deadline_ns;
}

/* ---- calls ---- */

int as_outcome_init(as_outcome_of *o, const as_columns *items, as_arena *arena)
{
    memset(o, 0, sizeof(*o));
    o->n = items->n;
    o->items = items;
    o->arena = arena;
    o->error.size = sizeof(o->error);
    pthread_mutex_init(&o->lock, NULL);
    o->score = as_arena_calloc(arena, (size_t)o->n + 1, sizeof(*o->score));
    o->verdict = as_arena_calloc(arena, (size_t)o->n + 1, sizeof(*o->verdict));
    for (uint32_t i = 0; o->score && i < o->n; i++)
        o->score[i] = NAN;
    return o->score && o->verdict ? 0 : -1;
}

void as_outcome_call(as_outcome_of *o, assay_verifier *v, uint32_t want, bool extract)
{
    const as_columns *items = o->items;
    const assay_batch batch = { .size = sizeof(batch),
                                .n = o->n,
                                .prompt = items->prompt,
                                .completion = items->completion,
                                .reference = items->reference,
                                .meta = items->meta,
                                .group = items->group,
                                .seed = items->seed };
    const assay_call call = { .size = sizeof(call),
                              .flags = want,
                              .data = o,
                              .deadline_ns = o->deadline_ns,
                              .cancelled = is_cancelled,
                              .emit = record };
    assay_scores scores = {
        .size = sizeof(scores), .n = o->n, .score = o->score, .verdict = o->verdict
    };
    const assay_ext_answer *answer = extract ? as_check_answer(v) : NULL;
    as_kept kept;
    as_kept_open(&kept, &call);
    if (!extract)
        o->status = v->score(v, &call, &batch, &scores, &o->error);
    else
        o->status = answer ? answer->extract(v, &call, &batch, &o->error) : ASSAY_E_UNSUPPORTED;
    as_kept_close(&kept);
    o->error.text[sizeof(o->error.text) - 1] = 0;
}

int as_check_score(as_checker *c, assay_verifier *v, const as_columns *items, uint32_t want,
                   as_arena *arena, as_outcome_of *out)
{
    if (as_outcome_init(out, items, arena) < 0)
        return as_check_fail(c, "no memory for %u results", (unsigned)items->n);
    as_outcome_call(out, v, want, false);
    return 0;
}

int as_check_score_ok(as_checker *c, assay_verifier *v, const as_columns *items, uint32_t want,
                      as_arena *arena, as_outcome_of *out)
{
    int rc = as_check_score(c, v, items, want, arena, out);
    if (rc == 0 && out->status != ASSAY_OK)
        rc = as_check_fail(c, "score() of %u ordinary items returned %s: %s", (unsigned)items->n,
                           as_status_word(out->status), out->error.text);
    return rc;
}

int as_check_extract(as_checker *c, assay_verifier *v, const as_columns *items, as_arena *arena,
                     as_outcome_of *out)
{
    if (as_outcome_init(out, items, arena) < 0)
        return as_check_fail(c, "no memory for %u results", (unsigned)items->n);
    as_outcome_call(out, v, ASSAY_WANT_ANSWER, true);
    return 0;
}

/* ---- comparing and judging rows ---- */

static as_str emitted(const as_outcome_of *o, uint32_t channel, uint32_t i)
{
    return o->out[channel] ? o->out[channel][i] : (as_str){ NULL, 0 };
}

/* Equal as a reader of the file would see them: -0 is not 0. */
static uint32_t bits(float x)
{
    uint32_t out = 0;
    memcpy(&out, &x, sizeof(out));
    return out;
}

bool as_outcome_same(const as_outcome_of *a, uint32_t i, const as_outcome_of *b, uint32_t j,
                     const char **differs)
{
    /* METRICS and DETAIL may hold measured times, EXPLAIN speak of them. */
    static const uint32_t channels[] = { ASSAY_OUT_KEY, ASSAY_OUT_ANSWER, ASSAY_OUT_RULE,
                                         ASSAY_OUT_REASON, ASSAY_OUT_SPANS };
    *differs = "verdict";
    if (a->verdict[i] != b->verdict[j])
        return false;
    *differs = "score";
    if (bits(a->score[i]) != bits(b->score[j]) && !(isnan(a->score[i]) && isnan(b->score[j])))
        return false;
    for (size_t k = 0; k < sizeof(channels) / sizeof(channels[0]); k++) {
        as_str x = emitted(a, channels[k], i);
        as_str y = emitted(b, channels[k], j);
        *differs = channel_names[channels[k]];
        if ((x.data == NULL) != (y.data == NULL) || !as_str_eq(x, y))
            return false;
    }
    return true;
}

const char *as_check_row_texts(const as_outcome_of *o, uint32_t i, char *buf, size_t size)
{
    char completion[64];
    char reference[64];
    snprintf(buf, size, "item %u, completion %s, reference %s", (unsigned)i,
             as_check_show(o->items->completion[i], completion, sizeof(completion)),
             as_check_show(o->items->reference[i], reference, sizeof(reference)));
    return buf;
}

const char *as_check_row(const as_checker *c, const assay_verifier *v, const as_outcome_of *o,
                         uint32_t i, char *buf, size_t size)
{
    float low = 0;
    float high = 0;
    assay_verdict verdict = o->verdict[i];
    float score = o->score[i];
    as_check_range(c, v, &low, &high);
    buf[0] = 0;
    if (verdict == ASSAY_UNSET)
        snprintf(buf, size, "no verdict (left UNSET)");
    else if (verdict > ASSAY_ERROR)
        snprintf(buf, size, "verdict %u is none of plugin.h's", (unsigned)verdict);
    else if (as_verdict_is_scored(verdict) && isnan(score))
        snprintf(buf, size, "score NaN with verdict %s", as_verdict_word(verdict));
    else if (!as_verdict_is_scored(verdict) && !isnan(score))
        snprintf(buf, size, "score %g with verdict %s, which wants NaN", (double)score,
                 as_verdict_word(verdict));
    else if (as_verdict_is_scored(verdict) && !(score >= low && score <= high))
        snprintf(buf, size, "score %g outside the range %g..%g", (double)score, (double)low,
                 (double)high);
    return buf[0] ? buf : NULL;
}
