/* units.h -- units of measure: names, dimensions, exact factors. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef MATH_UNITS_H
#define MATH_UNITS_H
#include "math/finding.h"

#include <flint/fmpq.h>

/* The canonical name of a unit as words ("centimeters", "square feet", "cm^2", "km/h", "miles per
 * hour", "m\cdot s^{-1}", "dollars", "$", "mph", "a.m.", "apples") into out: "cm", "ft^2", "cm^2",
 * "km/h", "mi/h", "m*s^-1",
 * "$", "$", "mi/h", "am", "apple". Words that are no unit of measure are names of things: lower
 * case, singular. False: it cannot be a unit (empty, a number word, "and", "sin"). */
bool math_unit_name(assay_str words, pc_buf *out);
/* Is it a known unit of measure or currency (not merely the name of a thing)? `word` as written,
 * one word. */
bool math_unit_is_measure(assay_str word);
/* May a single word in plain text after a number be split into unknowns (2xy), or is it surely a
 * name (2 apples)? */
bool math_word_is_noun(assay_str word);

typedef enum math_unit_relation {
    UNITS_SAME,     /* the same name, or one of them says nothing: "unit" */
    UNITS_FACTOR,   /* the same dimension: 1 a is *factor b */
    UNITS_DIFFERENT /* other dimensions, other currencies, or names of different things */
} math_unit_relation;
math_unit_relation math_unit_compare(assay_str a, assay_str b, fmpq_t factor);
#endif
