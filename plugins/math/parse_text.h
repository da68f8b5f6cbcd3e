/* parse_text.h -- answers in words. Internal to the parser. Tokens lo..hi. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef MATH_PARSE_TEXT_H
#define MATH_PARSE_TEXT_H
#include "math/parse_inner.h"

/* An answer of nothing but words; 0: it is none, or it is mathematics in words (pi, sin x). */
math_id math_words_answer(math_parser *p, uint32_t lo, uint32_t hi);
/* The tokens as M_TEXT. */
math_id math_text_answer(math_parser *p, uint32_t lo, uint32_t hi);
/* A list of words; 0: it is none. */
math_id math_words_list(math_parser *p, uint32_t lo, uint32_t hi);
/* A date, as M_TEXT; 0: it is none. */
math_id math_date_answer(math_parser *p, uint32_t lo, uint32_t hi);
/* A number in words, "two thirds", "1 out of 6", "21st"; 0: it is none. */
math_id math_number_phrase(math_parser *p, uint32_t lo, uint32_t hi);
/* Past "about", "option", "the point": words that do not change what follows. */
uint32_t math_after_preface(const math_parser *p, uint32_t lo, uint32_t hi);
/* Before "(approximately)" at the end. */
uint32_t math_before_comment(const math_parser *p, uint32_t lo, uint32_t hi);
/* Past "all real numbers except"; lo: that is not what stands there. */
uint32_t math_after_except(const math_parser *p, uint32_t lo, uint32_t hi);
bool math_is_sentence(const math_parser *p, uint32_t lo, uint32_t hi);
bool math_has_prose(const math_parser *p, uint32_t lo, uint32_t hi);
#endif
