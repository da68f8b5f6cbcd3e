/* extract.h -- finds the answer in a model's text (MATH.md 5.1): one pass from the right, stages by
 * priority, never a guess from the middle. Every stage is linear in the text; nothing is copied.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_EXTRACT_H
#define PC_EXTRACT_H
#include "common/text.h"

typedef enum pc_stage {
    PC_STAGE_NONE,
    PC_STAGE_TAG,    /* <answer>..</answer>; a box inside it counts as boxed */
    PC_STAGE_BOXED,  /* the last complete \boxed{} or \fbox{}; boxes next to it form one list */
    PC_STAGE_HASHES, /* #### x */
    PC_STAGE_MARKER, /* "answer is", "answer:" */
    PC_STAGE_MATH,   /* the last math span */
    PC_STAGE_BOLD,   /* **x** on the last line */
    PC_STAGE_NUMBER  /* the last number: the hedge hole, for GSM8K only */
} pc_stage;
const char *pc_stage_name(pc_stage stage); /* "none", "tag", "boxed", ... */

typedef enum pc_think {
    PC_THINK_AUTO,    /* text after the last </think>; <think> without it: no answer */
    PC_THINK_REQUIRE, /* no </think>: no answer */
    PC_THINK_OFF
} pc_think;

enum { PC_EXTRACT_WINDOW = 65536 }; /* bytes at the end of the text that are looked at */

typedef struct pc_rules {
    uint32_t stages; /* 1u << PC_STAGE_x */
    pc_think think;
    bool a_colon;         /* a last line "A: 160" is a marker */
    bool hashes_anywhere; /* else only where they look like an answer, not like a heading */
} pc_rules;
/* "math" (boxed, hashes, marker, math, bold), "gsm8k" (and "A:", the last number), "strict" (boxed
 * alone). */
bool pc_rules_preset(pc_rules *out, const char *name);

typedef struct pc_found {
    assay_str text; /* inside the completion; data NULL: no answer. Several boxes: from the first's
                     * backslash to the last's brace: pc_part_next() takes it apart */
    pc_stage stage;
    uint32_t n_boxes; /* in the window */
    uint32_t n_list;  /* boxes that form this answer; 1 unless they are adjacent and differ */
    bool truncated;   /* the text ends inside a box, tag or thought */
    const char *why;  /* without an answer: why, as a sentence; else NULL */
} pc_found;
void pc_extract(pc_found *out, assay_str completion, const pc_rules *rules);

/* The next box content of a list; the whole text where n_list is 1. `*at` starts at 0. */
bool pc_part_next(const pc_found *found, size_t *at, assay_str *part);

/* A reference is the answer itself: trimmed, one pair of $ or \( \) or one box taken off. */
assay_str pc_gold(assay_str reference);

/* Index past the brace that closes the one at s[open], escapes considered; PC_NONE: never closed.
 */
size_t pc_brace_end(assay_str s, size_t open);
/* Text after thoughts; false: there is none (unfinished, or none where one is required). */
bool pc_after_think(assay_str *text, pc_think think);
#endif
