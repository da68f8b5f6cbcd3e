/* item.h -- what a verifier is asked about: one JSONL line in, one row of columns out.
 * Line: {"id","completion","reference"?,"prompt"?,"meta"?,"group"?}; other members are ignored here.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_DATA_ITEM_H
#define AS_DATA_ITEM_H
#include "base/arena.h"
#include "base/jspan.h"
#include "data/jsonl.h"

#include <stdint.h>

/* Texts live in the arena they were parsed into, NUL-terminated, but `id` and `group`, which point into the line. */
typedef struct as_item {
    as_str id;         /* raw JSON of "id" (string or integer), as it is echoed; data NULL: none (samples of generate) */
    as_str group;      /* raw JSON of "group" (else "problem_id", else "task_id"); data NULL: the item is its own group */
    as_str prompt;     /* string unescaped; anything else (chat messages) as raw JSON; absent */
    as_str completion; /* required in `verify`; null counts as empty */
    as_str reference;  /* string unescaped; objects, arrays, numbers as raw JSON; absent */
    as_str meta;       /* raw JSON object, or absent */
    as_str key, answer; /* of a verify result that is read again (vote); absent if missing or no string */
    double sum_logp;   /* NaN if absent */
    bool has_completion, is_result, is_error; /* is_result: has "verdict"; is_error: it is "error" */
    size_t n_replaced; /* lone surrogates that became U+FFFD */
    uint64_t line_no;
} as_item;

/* AS_EDATA with "column N: ..." or `"completion" is missing ...` (a result may lack it); the caller prefixes FILE:LINE. A duplicate key among
 * the members read here is an error: two readers of one pipeline would disagree on it. */
int as_item_parse(as_str line, as_arena *arena, as_item *out, as_err *err);

/* Columns over n items, in the order given; `seed` is derived from the run's seed and the item's id (without one: its
 * group and line), so it does not depend on the batch. `group` numbers count from 0 in order of first appearance of the group's
 * raw text. All arrays live in the arena. Items keep their order: groups must be adjacent where that matters. */
typedef struct as_items {
    uint32_t n;
    const as_item *item; /* n, in the same order */
    as_str *prompt, *completion, *reference, *meta;
    uint64_t *group, *seed;
} as_items;
int as_items_build(as_items *out, const as_item *items, uint32_t n, uint64_t seed, as_arena *arena, as_err *err);
#endif
