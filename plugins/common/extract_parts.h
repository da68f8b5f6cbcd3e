/* extract_parts.h -- what the files of extract_*.c share. Each find_ looks at the whole of `s` and
 * is linear in it; true: it has the last word (an answer, or a reason why there is none).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_EXTRACT_PARTS_H
#define PC_EXTRACT_PARTS_H
#include "common/extract.h"

typedef struct pc_span {
    size_t start, from, to, end; /* start/end with the delimiters */
} pc_span;

/* extract_box.c */
bool pc_find_boxed(assay_str s, bool wide_lists, pc_found *out);
/* The last box's content to the end of the text: of a box that is never closed. */
assay_str pc_open_box(assay_str s);

/* extract_span.c */
bool pc_is_escaped(assay_str s, size_t at); /* by an odd number of backslashes */
bool pc_is_joint(assay_str s, size_t from,
                 size_t to); /* only , ; and or, white space, delimiters */
/* Does a math span open at s[at]? Finds its end: the same delimiter, before a blank line. */
bool pc_span_at(assay_str s, size_t at, pc_span *out);
/* `first` and the spans joined to it on the right, without the outer delimiters; *end: past it. */
assay_str pc_span_list(assay_str s, const pc_span *first, size_t *end);
bool pc_find_math(assay_str s, pc_found *out);
assay_str pc_strip_end(assay_str t); /* white space, punctuation and quotes off the end */

/* extract_marker.c */
bool pc_find_marker(assay_str s, bool a_colon, pc_found *out);
bool pc_find_final(assay_str s, pc_found *out); /* "final answer is" */
size_t pc_sentence_end(assay_str s, size_t at);

/* extract_json.c */
assay_str pc_without_fence(assay_str s);       /* ``` around the whole text */
bool pc_find_json(assay_str s, pc_found *out); /* a text that is an object with an "answer" */

/* extract_text.c */
bool pc_find_hashes(assay_str s, bool anywhere, pc_found *out);
bool pc_find_bold(assay_str s, pc_found *out);
bool pc_find_number(assay_str s, pc_found *out);
/* Where the number that ends at `end` (past a digit) starts: with sign, currency, separators. */
size_t pc_number_start(assay_str s, size_t end);

/* extract_whole.c */
bool pc_is_expression(assay_str s, bool spans); /* mathematics alone; spans: $..$ and words to it */
bool pc_find_phrase(assay_str s, pc_found *out);
bool pc_is_prose_word(assay_str word); /* English, not a product of letters or a function's name */

static inline size_t pc_skip(assay_str s, size_t i, const char *set)
{
    while (i < s.len && pc_in(s.data[i], set))
        i++;
    return i;
}
static inline bool pc_is_word(char c) /* a letter, or a byte of a character beyond ASCII */
{
    return pc_is_alpha(c) || (unsigned char)c >= 0x80;
}
/* Is `word` among `words`, NULL-ended, without regard to case? */
static inline bool pc_among(assay_str word, const char *const *words)
{
    for (; *words; words++)
        if (pc_is_nocase(word, *words))
            return true;
    return false;
}
#endif
