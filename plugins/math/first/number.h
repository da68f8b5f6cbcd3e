/* number.h -- answers as values: exact rationals (FLINT), tuples, intervals, sets of them;
 * everything else is text.
 *
 * A reading is its canonical key: equal answers have equal keys.
 *   q:1/2  a rational   t:(q:1,q:2)  a tuple   i:[q:0,q:1)  brackets   s:{q:1,q:2}  a set or list,
 * sorted, without repeats inf -inf            x:...  text in normal form             NAME=...  of
 * "x = 5"             q:5|cm  with a unit A name or a unit on one side only does not separate: that
 * is math_compare's business, not the bytes'. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_NUMBER_H
#define MATH_NUMBER_H
#include "math/first/lex.h"

enum {
    MATH_DIGITS = 4096, /* of one number, written out */
    MATH_BUDGET = 4 * 65536
}; /* digits of all numbers of one answer, written out */

typedef struct math_form {
    pc_buf key;
    bool decided;     /* no text inside: its equality is known exactly */
    bool is_constant; /* text that is a constant expression which this version cannot evaluate */
    bool is_word;     /* text of one plain word */
    bool is_prose;    /* text with words that are not mathematics */
    const char *kind; /* "rational", "tuple", "set", "interval", "text" */
    const char *why;  /* why it is text, where there is something to say; else NULL */
} math_form;

typedef struct math_reader {
    lexer lx;
    pc_buf pieces; /* keys of the elements being collected */
    uint32_t budget, depth;
    const char *why;
} math_reader;

/* False: out of memory. Never anything but a key otherwise: what cannot be parsed is text. */
bool math_read(math_reader *r, assay_str text, math_form *out);
void math_reader_fini(math_reader *r);

typedef enum math_verdict {
    MATH_SAME,
    MATH_DIFFERENT,
    MATH_UNITS /* the numbers carry units that differ and are not both known */
} math_verdict;
size_t math_name_length(assay_str key); /* of "x=" at the head of a key; 0: it has no name */
math_verdict math_compare(assay_str key_a,
                          assay_str key_b); /* symmetric; MATH_SAME for equal bytes */
#endif
