/* check_fuzz.c -- random and mutated items. Round r of seed s is round 0 of seed s + r, so that one
 * number reproduces it. SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "plug/check_env.h"
#include "plug/info.h"

#include <stdio.h>

enum {
    MOST_ITEMS = 12,
    MOST_BYTES = 1 << 16,
    TEXT_ROOM = 4 * MOST_BYTES,
    EVERYTHING = ASSAY_WANT_EXPLAIN | ASSAY_WANT_ANSWER | ASSAY_WANT_DETAIL
};

static const char *const tokens[] = {
    "\\boxed{",
    "\\frac{",
    "}{",
    "}",
    "{",
    "$",
    "\\[",
    "\\]",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "#### ",
    "-",
    "--",
    "0",
    "1",
    "9",
    "00",
    ".",
    ",",
    "/",
    "/0",
    "e999",
    "1e-999",
    "99999999999999999999999",
    "\\sqrt",
    "^",
    "_",
    "(",
    ")",
    "[",
    "]",
    "\\{",
    "\\}",
    "\\infty",
    "\\pm",
    "%",
    "\\%",
    "\\text{",
    "\\left(",
    "\\right)",
    "\xe2\x88\x92",
    "\xe2\x88\x9e",
    "\xff",
    "\xc3",
    "\xf0\x9f\xa4\x96",
    "\n",
    "\r\n",
    "\t",
    " ",
    "```",
    "```python\n",
    "null",
    "true",
    "NaN",
    "inf",
    "A",
    "(B)",
    "\"",
    "\\",
    "\\\\",
    "\\u0000",
    "x",
    "=",
    "<",
    ">",
    "\xcc\x81",
    "\xe2\x80\x8b",
    "\xef\xbb\xbf",
};

static size_t below(as_rng *rng, size_t n)
{
    return n ? (size_t)as_rng_below(rng, n) : 0;
}

/* Replaces text[at, at+cut) by `piece`. */
static void splice(as_buf *text, size_t at, size_t cut, as_str piece, as_buf *scratch)
{
    as_str old = as_buf_str(text);
    if (old.len - cut + piece.len > MOST_BYTES)
        return;
    as_buf_clear(scratch);
    as_buf_add(scratch, (as_str){ old.data, at });
    as_buf_add(scratch, piece);
    as_buf_add(scratch, (as_str){ old.data + at + cut, old.len - at - cut });
    as_buf_clear(text);
    as_buf_add(text, as_buf_str(scratch));
}

static void mutate_once(as_buf *text, as_rng *rng, const as_columns *from, as_buf *scratch,
                        as_arena *arena)
{
    size_t at = below(rng, text->len + 1);
    size_t rest = text->len - at;
    size_t some = below(rng, (rest < 32 ? rest : 32) + 1);
    char byte = (char)below(rng, 256);
    as_str piece = { NULL, 0 };
    switch (below(rng, 6)) {
    case 0: /* one byte, any */
        splice(text, at, rest ? 1 : 0, (as_str){ &byte, 1 }, scratch);
        break;
    case 1: /* a piece out */
        splice(text, at, some, AS_LIT(""), scratch);
        break;
    case 2: /* a piece twice, or many times */
        piece = as_arena_str(arena, (as_str){ text->data ? text->data + at : "", some });
        for (size_t i = below(rng, 8) ? 1 : 200; i > 0 && piece.data; i--)
            splice(text, at, 0, piece, scratch);
        break;
    case 3: /* the tail of another text */
        piece = from->completion[below(rng, from->n)];
        splice(text, at, below(rng, 2) ? rest : 0, piece, scratch);
        break;
    default: /* a word verifiers look for */
        splice(text, at, below(rng, 4) ? 0 : some,
               as_str_of(tokens[below(rng, sizeof(tokens) / sizeof(tokens[0]))]), scratch);
        break;
    }
}

static as_str mutate(as_str from, as_rng *rng, const as_columns *items, as_arena *arena)
{
    AS_CLEANUP(buf) as_buf text;
    AS_CLEANUP(buf) as_buf scratch;
    as_buf_init(&text, TEXT_ROOM);
    as_buf_init(&scratch, TEXT_ROOM);
    as_buf_add(&text, from.data ? from : AS_LIT(""));
    for (size_t i = below(rng, 8); i > 0; i--)
        mutate_once(&text, rng, items, &scratch, arena);
    return as_arena_str(arena, text.data ? as_buf_str(&text) : AS_LIT(""));
}

static int make_items(as_checker *c, uint64_t seed, as_columns *out, as_arena *arena)
{
    as_rng rng = as_rng_at(seed, 0x66757a7a); /* "fuzz" */
    uint32_t rows[MOST_ITEMS];
    uint32_t n = 1 + (uint32_t)below(&rng, MOST_ITEMS);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (uint32_t)below(&rng, c->items->n);
    if (as_columns_pick(out, c->items, rows, n, arena) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        out->group[i] = i / 4;
        out->completion[i] = mutate(out->completion[i], &rng, c->items, arena);
        if (below(&rng, 2))
            out->reference[i] = mutate(out->reference[i], &rng, c->items, arena);
        if (!below(&rng, 8))
            out->reference[i] = out->completion[i];
        if (!out->completion[i].data)
            return -1;
    }
    return 0;
}

/* Any text may come in, but what an invalid one turns into when it is quoted is not the verifier's
 * fault. */
static bool all_valid(const as_columns *items)
{
    for (uint32_t i = 0; i < items->n; i++)
        if (as_utf8_valid(items->completion[i]) != items->completion[i].len ||
            as_utf8_valid(items->reference[i]) != items->reference[i].len)
            return false;
    return true;
}

static int32_t never(const assay_call *call)
{
    (void)call;
    return 0;
}

static assay_status refuse(const assay_call *call, uint32_t item, uint32_t channel, as_str text)
{
    (void)call;
    (void)item;
    (void)channel;
    (void)text;
    return ASSAY_E_ARG;
}

/* Its own keys, however odd the text they came from, must not upset same(). */
static void judge_keys(const as_checker *c, const as_outcome_of *o, char *bad, size_t size)
{
    const assay_ext_answer *x = as_check_answer(c->v);
    const assay_call call = { .size = sizeof(call), .cancelled = never, .emit = refuse };
    char shown[80];
    if (!x || !AS_HAS(x, same) || !x->same || !o->out[ASSAY_OUT_KEY])
        return;
    for (uint32_t i = 0; !bad[0] && i < o->n; i++) {
        as_str key = o->out[ASSAY_OUT_KEY][i];
        as_str last = i > 0 ? o->out[ASSAY_OUT_KEY][i - 1] : (as_str){ NULL, 0 };
        if (key.data && x->same(c->v, &call, key, key) != 1)
            snprintf(bad, size, "same(%s, itself) is not 1",
                     as_check_show(key, shown, sizeof(shown)));
        else if (key.data && last.data &&
                 (x->same(c->v, &call, key, last) > 0) != (x->same(c->v, &call, last, key) > 0))
            snprintf(bad, size, "same() of %s and its neighbour is not symmetric",
                     as_check_show(key, shown, sizeof(shown)));
    }
}

/* What is wrong with this round, in `bad`; empty: nothing. */
static int judge_round(as_checker *c, const as_columns *items, as_arena *arena, char *bad,
                       size_t size)
{
    as_outcome_of o;
    as_outcome_of again;
    char row[120];
    char texts[160];
    if (as_check_score(c, c->v, items, EVERYTHING, arena, &o) < 0)
        return -1;
    if (o.status != ASSAY_OK)
        snprintf(bad, size, "score() returned %s: %.100s", as_status_word(o.status), o.error.text);
    else if (o.bad[0] && all_valid(items))
        snprintf(bad, size, "score() emits: %s", o.bad);
    for (uint32_t i = 0; !bad[0] && i < o.n; i++)
        if (as_check_row(c, c->v, &o, i, row, sizeof(row)))
            snprintf(bad, size, "%s: %s", row, as_check_row_texts(&o, i, texts, sizeof(texts)));
    if (bad[0] || !as_check_is(c, ASSAY_F_DETERMINISTIC))
        return 0;
    if (as_check_score(c, c->v, items, EVERYTHING, arena, &again) < 0)
        return -1;
    for (uint32_t i = 0; !bad[0] && i < o.n; i++) {
        const char *differs = NULL;
        if (!as_outcome_same(&o, i, &again, i, &differs))
            snprintf(bad, size, "%s differs from run to run: %s", differs,
                     as_check_row_texts(&o, i, texts, sizeof(texts)));
    }
    return 0;
}

static int judge_answers(as_checker *c, const as_columns *items, as_arena *arena, char *bad,
                         size_t size)
{
    as_outcome_of x;
    if (bad[0] || !as_check_answer(c->v))
        return 0;
    if (as_check_extract(c, c->v, items, arena, &x) < 0)
        return -1;
    if (x.status != ASSAY_OK)
        snprintf(bad, size, "extract() returned %s: %.100s", as_status_word(x.status),
                 x.error.text);
    else if (x.bad[0] && all_valid(items))
        snprintf(bad, size, "extract() emits: %s", x.bad);
    else
        judge_keys(c, &x, bad, size);
    return 0;
}

int as_test_fuzz(as_checker *c)
{
    unsigned n = c->options->fuzz_rounds;
    unsigned long n_items = 0;
    as_arena arena;
    as_arena_init(&arena, 0);
    for (unsigned round = 0; round < n; round++) {
        uint64_t seed = c->options->seed + round;
        as_columns items;
        char bad[300] = "";
        atomic_store(c->progress, (uint64_t)round + 1);
        if (make_items(c, seed, &items, &arena) < 0)
            return as_check_fail(c, "no memory for fuzzing");
        if (judge_round(c, &items, &arena, bad, sizeof(bad)) < 0 ||
            judge_answers(c, &items, &arena, bad, sizeof(bad)) < 0)
            return -1;
        if (bad[0])
            return as_check_fail(c, "reproduce: assay plugin check %s --fuzz 1 --seed %llu -- %s",
                                 c->what, (unsigned long long)seed, bad);
        n_items += items.n;
        as_arena_reset(&arena);
    }
    as_arena_fini(&arena);
    return as_check_ok(c, "%u rounds, %lu items, seed %llu", n, n_items,
                       (unsigned long long)c->options->seed);
}
