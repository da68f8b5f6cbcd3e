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
bool math_is_sentence(const math_parser *p, uint32_t lo, uint32_t hi);
bool math_has_prose(const math_parser *p, uint32_t lo, uint32_t hi);
#endif
