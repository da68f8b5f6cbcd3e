/* judge.h -- from a completion and a reference to a ruling: extraction, reading, the first two
 * rungs, the comparison. One judge per thread; it remembers the last reference, since the samples
 * of a group share theirs. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_JUDGE_H
#define MATH_JUDGE_H
#include "common/extract.h"
#include "math/compare.h"
#include "math/parse.h"

typedef struct judge_config {
    pc_rules rules;
    math_policy policy;
    bool shortcuts; /* rungs 1 and 2: equal bytes, equal tokens */
} judge_config;

/* An answer that was read. `text` is what was found, boxes joined; `tree.root` 0: it could not be
 * parsed (why). */
typedef struct reading {
    pc_buf text, tokens;
    math_tree tree;
    const char *why;
} reading;

typedef struct judge {
    math_parser parser;
    reading gold, answer,
        prose;        /* prose: the value inside an answer that is a sentence; root 0: none */
    pc_buf reference; /* whose reading `gold` is */
    bool gold_known;
    pc_found found;
} judge;

typedef struct ruling {
    assay_verdict verdict;
    math_finding finding;
    const char *reason; /* NULL: nothing to add */
    bool in_prose;      /* it was the value inside the sentence that decided */
} ruling;

/* Is the whole text the reference, byte for byte? Then nothing needs to be found in it. */
bool judge_is_reference(const judge_config *c, assay_str completion, assay_str reference);
/* False: nothing was found; j->found.why. */
bool judge_find(judge *j, const judge_config *c, assay_str completion);
/* After judge_find(): reads what was found into j->answer and j->prose. False: out of memory. */
bool judge_read(judge *j, const judge_config *c);
/* After judge_read(). */
ruling judge_rule(judge *j, const judge_config *c, assay_str reference);
/* After judge_read(): the canonical key of the answer. */
void judge_key(const judge *j, pc_buf *out);
/* A sentence for people: what was found, how it reads, what decided. */
void judge_explain(judge *j, const ruling *r, pc_buf *out);
/* 1: the answers behind two keys are equal, 0: they are not, or it is not known. */
int judge_same(judge *j, assay_str key_a, assay_str key_b);
void judge_fini(judge *j);

/* judge_clear.c: can it be worked out alone, within the budget, whatever it is compared with? */
bool math_is_clear(math_side s);
/* key_text.c: a key as an answer that math_parse() reads; false: it has none (an algebraic
 * number's). */
bool math_key_text(assay_str key, pc_buf *out);
#endif
