/* extract.h -- finds the answer in a model's text (MATH.md 5.1): one pass from the right, stages by
 * priority, never a guess from the middle. Every stage is linear in the text; nothing is copied.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_EXTRACT_H
#define PC_EXTRACT_H
#include "common/text.h"

typedef enum pc_stage {
    PC_STAGE_NONE,
    PC_STAGE_TAG,    /* <answer>..</answer>, the last complete one; a box inside counts as boxed */
    PC_STAGE_BOXED,  /* the last complete \boxed{} or \fbox{}; boxes next to it form one list */
    PC_STAGE_HASHES, /* #### x */
    PC_STAGE_MARKER, /* "answer is", "answer:", and what other languages say for it */
    PC_STAGE_MATH,   /* the last math span, or matrix without delimiters */
    PC_STAGE_BOLD,   /* **x** on the last line, or with a number in it near the end */
    PC_STAGE_NUMBER, /* the last number: the hedge hole, for GSM8K only */
    PC_STAGE_WHOLE   /* a text that is nothing but an answer: one line of mathematics, spans with
                      * words that belong to them (odd $n$), or 40 bytes that begin with the only
                      * number in them, or have it after a colon (42 because it is even) */
} pc_stage;
const char *pc_stage_name(pc_stage stage); /* "none", "tag", "boxed", ... */

typedef enum pc_think {
    PC_THINK_AUTO,    /* text after the last </think>; <think> without it: no answer */
    PC_THINK_REQUIRE, /* no </think>: no answer */
    PC_THINK_OFF
} pc_think;

enum {
    PC_EXTRACT_WINDOW = 65536, /* bytes at the end of the text that are looked at */
    PC_PROSE_MAX = 4096        /* longer prose is not searched for a number */
};

typedef struct pc_rules {
    uint32_t stages; /* 1u << PC_STAGE_x */
    pc_think think;
    bool a_colon;         /* a last line "A: 160" is a marker */
    bool hashes_anywhere; /* else only where they look like an answer, not like a heading */
    bool final_first;     /* "final answer is" goes before boxes */
    bool wide_lists;      /* boxes of one sentence are one list, whatever words stand between */
    bool small_integer;   /* a box gives up leading zeros, other stages count only with 0..999 */
} pc_rules;

/* Presets, by the family of data sets they are for; all but strict know <answer> tags:
 * math:     boxed, hashes, marker, whole, math, bold. MATH, and what asks for a box.
 * gsm8k:    math's; "A: 160" is a marker, #### counts anywhere, and the last number.
 * minerva:  "Final Answer: The final answer is $x$. I hope it is correct." goes first; then math's.
 * olympiad: boxed, boxes of one sentence joined ("So the final answer is \boxed{a}, \boxed{b}");
 *           hashes, marker.
 * aime:     boxed, without leading zeros (073 is 73); hashes, marker, whole if an integer 0..999.
 * strict:   boxed alone. */
bool pc_rules_preset(pc_rules *out, const char *name);
extern const char *const pc_preset_names[]; /* the above, "math" first, NULL last */
/* Switches one stage on or off over the preset: PC_STAGE_NUMBER for `last_number`, PC_STAGE_TAG for
 * `answer_tags`. */
static inline void pc_rules_set(pc_rules *rules, pc_stage stage, bool on)
{
    rules->stages = on ? rules->stages | 1u << stage : rules->stages & ~(1u << stage);
}
static inline bool pc_rules_has(const pc_rules *rules, pc_stage stage)
{
    return rules->stages >> stage & 1;
}

typedef struct pc_found {
    assay_str text; /* inside the completion; data NULL: no answer. Several boxes: from the first's
                     * backslash to the last's brace: pc_part_next() takes it apart */
    pc_stage stage;
    uint32_t n_boxes; /* in the window */
    uint32_t n_list;  /* boxes that form this answer; 1 unless they are adjacent and differ */
    bool truncated;   /* the text ends inside a box, tag or thought */
    bool from_prose;  /* taken out of a sentence: it is what the sentence says, not all it says */
    const char *why;  /* without an answer: why, as a sentence; else NULL */
} pc_found;
void pc_extract(pc_found *out, assay_str completion, const pc_rules *rules);

/* The next box content of a list; the whole text where n_list is 1. `*at` starts at 0. */
bool pc_part_next(const pc_found *found, size_t *at, assay_str *part);
/* Appends the answer as one text: the parts of a list with ", " between, since what stands between
 * two boxes may be words, or nothing (\boxed{42}\boxed{43} is no 4243). */
void pc_found_text(const pc_found *found, pc_buf *out);

/* The one value that a sentence gives: a math span, or a number among plain words ("We get 42.").
 * For a box or another answer that is no mathematics as it stands. None where words change or deny
 * the number, where it looks like a program, or where there are several; `last_number` then takes
 * the last ("... = 4000 kg"), but never one of a list ("41 or 42"). */
bool pc_answer_in_prose(assay_str text, bool last_number, pc_found *out);

/* A reference: the answer itself, or a whole solution that holds it. In this order: its last box
 * (or list of boxes; one that is never closed reaches to the end), a line "#### x", the text with
 * one enclosing pair of math delimiters taken off. No other stage: "1331 and 1728" stays whole. */
void pc_gold_answer(assay_str reference, pc_found *out);
assay_str pc_gold(assay_str reference); /* its text; never NULL */

/* Is every backslash doubled, as in a text that was escaped once too often ("\\frac{1}{2}")? A
 * matrix with \\ between its rows is not. pc_halve_backslashes() appends the text with half. */
bool pc_backslashes_doubled(assay_str text);
void pc_halve_backslashes(assay_str text, pc_buf *out);

/* Index past the brace that closes the one at s[open], escapes considered; PC_NONE: never closed.
 */
size_t pc_brace_end(assay_str s, size_t open);
/* Text after thoughts; false: there is none (unfinished, or none where one is required). */
bool pc_after_think(assay_str *text, pc_think think);
#endif
