/* results.c -- columns of verdicts, scores and emitted texts, all in the caller's arena.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/results.h"

#include <math.h>

static const char *const words[] = { "unset",   "pass",    "fail", "no_answer",
                                     "timeout", "abstain", "error" };
enum { N_WORDS = sizeof words / sizeof *words };

int as_results_init(as_results *r, uint32_t n, as_arena *arena, as_err *err)
{
    *r = (as_results){ .n = n, .arena = arena };
    r->score = as_arena_alloc(arena, (size_t)n * sizeof *r->score);
    r->verdict = as_arena_calloc(arena, n, sizeof *r->verdict);
    r->ms = as_arena_calloc(arena, n, sizeof *r->ms);
    r->cached = as_arena_calloc(arena, n, sizeof *r->cached);
    if (!r->score || !r->verdict || !r->ms || !r->cached) {
        r->n = 0;
        return as_fail(err, AS_ENOMEM, "results of %u items: out of memory", n);
    }
    for (uint32_t i = 0; i < n; i++)
        r->score[i] = NAN;
    return 0;
}

as_str as_results_get(const as_results *r, uint32_t item, uint32_t channel)
{
    if (item >= r->n || channel >= AS_N_CHANNELS || !r->out[channel])
        return (as_str){ NULL, 0 };
    return r->out[channel][item];
}

bool as_results_has(const as_results *r, uint32_t item, uint32_t channel)
{
    if (channel == ASSAY_OUT_TASK)
        return r->tasks && item < r->n && r->tasks[item];
    return as_results_get(r, item, channel).data != NULL;
}

static int emit_task(as_results *r, uint32_t item, as_str text)
{
    if (!r->tasks)
        r->tasks = as_arena_calloc(r->arena, r->n, sizeof *r->tasks);
    as_task_node *node = r->tasks ? as_arena_calloc(r->arena, 1, sizeof *node) : NULL;
    if (!node)
        return AS_ENOMEM;
    node->text = as_arena_str(r->arena, text);
    if (!node->text.data)
        return AS_ENOMEM;
    as_task_node *first = r->tasks[item];
    if (first)
        first->last->next = node;
    else
        first = r->tasks[item] = node;
    first->last = node;
    return 0;
}

int as_results_emit(as_results *r, uint32_t item, uint32_t channel, as_str text)
{
    if (item >= r->n || channel >= AS_N_CHANNELS || (!text.data && text.len))
        return AS_EUSAGE;
    if (channel == ASSAY_OUT_TASK)
        return text.data ? emit_task(r, item, text) : AS_EUSAGE;
    if (!r->out[channel]) {
        r->out[channel] = as_arena_calloc(r->arena, r->n, sizeof(as_str));
        if (!r->out[channel])
            return AS_ENOMEM;
    }
    as_str copy = r->last[channel];
    if (!text.data || copy.len != text.len || !copy.data ||
        memcmp(copy.data, text.data, text.len) != 0)
        copy = as_arena_str(r->arena, text);
    if (text.data && !copy.data)
        return AS_ENOMEM;
    r->last[channel] = copy;
    r->out[channel][item] = copy; /* emitting the absent text takes back what was emitted */
    return 0;
}

void as_results_fail(as_results *r, uint32_t item, const char *reason)
{
    if (item >= r->n)
        return;
    r->verdict[item] = ASSAY_ERROR;
    r->score[item] = NAN;
    for (uint32_t c = 0; c < AS_N_CHANNELS; c++) {
        if (r->out[c])
            r->out[c][item] = (as_str){ NULL, 0 };
    }
    if (r->tasks)
        r->tasks[item] = NULL;
    (void)as_results_emit(r, item, ASSAY_OUT_REASON, as_str_of(reason)); /* best effort */
}

const char *as_verdict_word(assay_verdict v)
{
    return v < N_WORDS ? words[v] : "unknown";
}

bool as_verdict_of_word(as_str word, assay_verdict *out)
{
    for (unsigned i = 1; i < N_WORDS; i++) {
        if (as_str_is(word, words[i])) {
            *out = (assay_verdict)i;
            return true;
        }
    }
    return false;
}
