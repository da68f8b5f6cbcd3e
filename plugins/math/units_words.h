/* units_words.h -- English words in and beside units: what cannot be one, singulars, joining words.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_UNITS_WORDS_H
#define MATH_UNITS_WORDS_H
#include "math/tree.h"

enum { UNIT_WORD = 48 }; /* bytes of one word, or of the name of a thing */

/* Lower-case words. */
bool unit_is_banned(
    assay_str lower); /* changes the value, or makes a sentence of it: "million", "and", "sin" */
bool unit_is_preposition(assay_str lower);  /* "of", "in": the unit ends here */
size_t unit_singular(char *word, size_t n); /* in place; the new length, never longer than n */
#endif
