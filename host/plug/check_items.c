/* check_items.c -- tests of what score() does with awkward texts, and of what it puts into its
 * columns. SPDX-License-Identifier: Apache-2.0 */
#include "plug/check_env.h"
#include "plug/sandboxed.h"

#include <math.h>
#include <stdio.h>

enum { EVERYTHING = ASSAY_WANT_EXPLAIN | ASSAY_WANT_ANSWER | ASSAY_WANT_DETAIL, BIG = 1 << 20 };

/* Score and, where offered, extract and same: all must come back, and score must judge. */
static int survive(as_checker *c, const as_columns *items, const char *what, as_outcome_of *o)
{
    as_outcome_of x;
    const assay_ext_answer *answer = as_check_answer(c->v);
    if (as_check_score(c, c->v, items, EVERYTHING, &c->arena, o) < 0)
        return -1;
    if (o->status != ASSAY_OK)
        return as_check_fail(
            c, "score() of %s returned %s: %s; judge such an item, do not fail the call", what,
            as_status_word(o->status), o->error.text);
    if (!answer)
        return 0;
    if (as_check_extract(c, c->v, items, &c->arena, &x) < 0)
        return -1;
    if (x.status != ASSAY_OK)
        return as_check_fail(c, "extract() of %s returned %s: %s; emit no key instead", what,
                             as_status_word(x.status), x.error.text);
    return 0;
}

int as_test_empty_batch(as_checker *c)
{
    as_columns none;
    as_outcome_of o;
    if (as_columns_new(&none, 0, &c->arena) < 0 ||
        as_check_score(c, c->v, &none, 0, &c->arena, &o) < 0)
        return -1;
    if (o.status != ASSAY_OK)
        return as_check_fail(
            c, "score() of a batch of 0 items returned %s: %s; nothing to do is no failure",
            as_status_word(o.status), o.error.text);
    return as_check_ok(c, "a batch of 0 items");
}

/* The text as completion, as reference, and as both; with prompt and meta of the ordinary kind or
 * as given. */
static int try_text(as_checker *c, as_str text, const char *what)
{
    const as_str completions[] = { text, AS_LIT("\\boxed{1}"), text };
    const as_str references[] = { AS_LIT("1"), text, text };
    for (size_t i = 0; i < 3; i++) {
        as_columns items;
        as_outcome_of o;
        if (as_columns_of_text(&items, completions[i], references[i], i == 2 ? text : AS_LIT("?"),
                               AS_LIT("{}"), &c->arena) < 0)
            return as_check_fail(c, "no memory");
        if (survive(c, &items, what, &o) < 0)
            return -1;
    }
    return 0;
}

int as_test_text_empty(as_checker *c)
{
    if (try_text(c, AS_LIT(""), "an empty text") < 0 ||
        try_text(c, AS_LIT(" \n\t "), "a blank text") < 0)
        return -1;
    return as_check_ok(c, "empty and blank texts as completion, reference and both");
}

int as_test_text_nul(as_checker *c)
{
    if (try_text(c, AS_LIT("\\boxed{1\0002}"), "a text with a NUL byte") < 0 ||
        try_text(c, AS_LIT("\0"), "a NUL byte") < 0 ||
        try_text(c, AS_LIT("\0\0\0\0 \\frac\0{1}{2}"), "NUL bytes") < 0)
        return -1;
    return as_check_ok(c, "NUL bytes inside completion and reference");
}

int as_test_text_utf8(as_checker *c)
{
    const as_str texts[] = { AS_LIT("\\boxed{\xff\xfe}"), AS_LIT("\xc3"),
                             AS_LIT("\\boxed{\xe2\x82}"), AS_LIT("\xed\xa0\x80"),
                             AS_LIT("\xf4\x90\x80\x80"),  AS_LIT("\xc0\xaf 1/2 \x80"),
                             AS_LIT("\xf0\x9f\x98") };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (try_text(c, texts[i], "a text that is not UTF-8") < 0)
            return -1;
    return as_check_ok(c, "cut, overlong and surrogate sequences");
}

int as_test_text_absent(as_checker *c)
{
    const as_str absent = { NULL, 0 };
    as_columns items;
    as_outcome_of o;
    char texts[200];
    for (uint32_t i = 0; i < c->items->n; i++) {
        if (as_columns_of_text(&items, c->items->completion[i], absent, absent, absent, &c->arena) <
            0)
            return as_check_fail(c, "no memory");
        if (survive(c, &items, "an item without reference, prompt and meta", &o) < 0)
            return -1;
        if (as_check_is(c, ASSAY_F_NEEDS_REFERENCE) && o.verdict[0] == ASSAY_PASS)
            return as_check_fail(
                c, "passes without the reference it says it needs (%s); abstain instead",
                as_check_row_texts(&o, 0, texts, sizeof(texts)));
    }
    return as_check_ok(c, "reference, prompt and meta absent");
}

static char *repeat(as_checker *c, const char *piece)
{
    size_t n = strlen(piece);
    char *text = as_arena_alloc(&c->arena, BIG + 1);
    for (size_t i = 0; text && i < BIG; i++)
        text[i] = piece[i % n];
    if (text)
        text[BIG] = 0;
    return text;
}

int as_test_text_large(as_checker *c)
{
    static const char *const pieces[] = { "a",  "7",  "(",    "\\boxed{", "{",       "<think>",
                                          "1/", "\n", "-1, ", "\\frac{",  "[{\"a\":" };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        as_columns items;
        as_outcome_of o;
        char what[60];
        const char *text = repeat(c, pieces[i]);
        snprintf(what, sizeof(what), "1 MiB of \"%s\"", pieces[i][0] == '\n' ? "\\n" : pieces[i]);
        if (!text || as_columns_of_text(&items, (as_str){ text, BIG }, AS_LIT("1"), AS_LIT("?"),
                                        (as_str){ NULL, 0 }, &c->arena) < 0)
            return as_check_fail(c, "no memory for 1 MiB items");
        items.n = as_check_is(c, ASSAY_F_NEEDS_GROUP) ? items.n : 1;
        if (survive(c, &items, what, &o) < 0)
            return -1;
    }
    return as_check_ok(c, "1 MiB completions of %zu kinds", sizeof(pieces) / sizeof(pieces[0]));
}

/* ---- columns the host does not want, structs of a newer host ---- */

static int32_t never(const assay_call *call)
{
    (void)call;
    return 0;
}

static assay_status swallow(const assay_call *call, uint32_t item, uint32_t channel, as_str text)
{
    (void)call;
    (void)item;
    (void)channel;
    (void)text;
    return ASSAY_OK;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the verifier writes through them */
static int score_columns(as_checker *c, float *score, assay_verdict *verdict, uint32_t grown,
                         const char *what)
{
    struct {
        assay_batch batch;
        char later[64];
    } b = { .batch = { (uint32_t)sizeof(assay_batch) + grown, c->items->n, c->items->prompt,
                       c->items->completion, c->items->reference, c->items->meta, c->items->group,
                       c->items->seed } };
    struct {
        assay_scores scores;
        char later[64];
    } s = { .scores = { (uint32_t)sizeof(assay_scores) + grown, c->items->n, score, verdict } };
    struct {
        assay_call call;
        char later[64];
    } k = { .call = { .size = (uint32_t)sizeof(assay_call) + grown,
                      .cancelled = never,
                      .emit = swallow } };
    assay_error error = { .size = sizeof(error) };
    as_kept kept;
    as_kept_open(&kept, &k.call);
    assay_status status = c->v->score(c->v, &k.call, &b.batch, &s.scores, &error);
    as_kept_close(&kept);
    if (status != ASSAY_OK)
        return as_check_fail(c, "score() with %s returned %s: %s", what, as_status_word(status),
                             error.text);
    return 0;
}

int as_test_columns(as_checker *c)
{
    float *score = as_arena_calloc(&c->arena, c->items->n, sizeof(*score));
    assay_verdict *verdict = as_arena_calloc(&c->arena, c->items->n, sizeof(*verdict));
    if (!score || !verdict)
        return as_check_fail(c, "no memory");
    if (score_columns(c, NULL, verdict, 0, "no score column (NULL: not wanted)") < 0 ||
        score_columns(c, score, NULL, 0, "no verdict column (NULL: not wanted)") < 0 ||
        score_columns(c, score, verdict, 64, "the larger structs of a newer host") < 0)
        return -1;
    return as_check_ok(c, "NULL columns, and structs a newer host has grown");
}

/* ---- what the columns hold ---- */

static int score_material(as_checker *c, uint32_t want, as_outcome_of *o)
{
    return as_check_score_ok(c, c->v, c->items, want, &c->arena, o);
}

int as_test_verdicts(as_checker *c)
{
    as_outcome_of o;
    char texts[200];
    unsigned count[ASSAY_ERROR + 1] = { 0 };
    if (score_material(c, 0, &o) < 0)
        return -1;
    for (uint32_t i = 0; i < o.n; i++) {
        if (o.verdict[i] == ASSAY_UNSET)
            return as_check_fail(
                c, "leaves %s without a verdict (UNSET); every item of a batch needs one",
                as_check_row_texts(&o, i, texts, sizeof(texts)));
        if (o.verdict[i] > ASSAY_ERROR)
            return as_check_fail(c, "gives verdict %u, which plugin.h does not know, to %s",
                                 (unsigned)o.verdict[i],
                                 as_check_row_texts(&o, i, texts, sizeof(texts)));
        count[o.verdict[i]]++;
    }
    return as_check_ok(c,
                       "%u items: %u pass, %u fail, %u no_answer, %u timeout, %u abstain, %u error",
                       (unsigned)o.n, count[ASSAY_PASS], count[ASSAY_FAIL], count[ASSAY_NO_ANSWER],
                       count[ASSAY_TIMEOUT], count[ASSAY_ABSTAIN], count[ASSAY_ERROR]);
}

int as_test_range(as_checker *c)
{
    as_outcome_of o;
    float low = 0;
    float high = 0;
    char texts[200];
    as_check_range(c, c->v, &low, &high);
    if (!(low < high) || !isfinite(low) || !isfinite(high))
        return as_check_fail(c, "the instance's score range %g..%g is none", (double)low,
                             (double)high);
    if (score_material(c, 0, &o) < 0)
        return -1;
    for (uint32_t i = 0; i < o.n; i++)
        if (as_verdict_is_scored(o.verdict[i]) && (o.score[i] < low || o.score[i] > high))
            return as_check_fail(c, "score %g is outside %g..%g: %s", (double)o.score[i],
                                 (double)low, (double)high,
                                 as_check_row_texts(&o, i, texts, sizeof(texts)));
    return as_check_ok(c, "scores within %g..%g", (double)low, (double)high);
}

int as_test_nan(as_checker *c)
{
    as_outcome_of o;
    char texts[200];
    if (score_material(c, 0, &o) < 0)
        return -1;
    for (uint32_t i = 0; i < o.n; i++) {
        bool scored = as_verdict_is_scored(o.verdict[i]);
        if (o.verdict[i] == ASSAY_UNSET || o.verdict[i] > ASSAY_ERROR ||
            scored != (isnan(o.score[i]) != 0))
            continue;
        return as_check_fail(
            c,
            "verdict %s with score %g: %s; NaN belongs to abstain and error, and to nothing else",
            as_verdict_word(o.verdict[i]), (double)o.score[i],
            as_check_row_texts(&o, i, texts, sizeof(texts)));
    }
    return as_check_ok(c, "NaN exactly with abstain and error");
}

int as_test_emits(as_checker *c)
{
    as_outcome_of o;
    as_outcome_of x;
    unsigned n = 0;
    if (score_material(c, EVERYTHING, &o) < 0)
        return -1;
    if (o.bad[0])
        return as_check_fail(c, "score() emits: %s", o.bad);
    if (as_check_answer(c->v)) {
        if (as_check_extract(c, c->v, c->items, &c->arena, &x) < 0)
            return -1;
        if (x.bad[0])
            return as_check_fail(c, "extract() emits: %s", x.bad);
    }
    for (uint32_t channel = 0; channel < AS_N_CHANNELS; channel++)
        n += o.out[channel] != NULL;
    return as_check_ok(c, "%u channel%s used, all well-formed", n, n == 1 ? "" : "s");
}
