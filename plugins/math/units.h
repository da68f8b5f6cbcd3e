/* units.h -- units of measure: names, dimensions, exact factors. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef MATH_UNITS_H
#define MATH_UNITS_H
#include "math/finding.h"

#include <flint/fmpq.h>

/* The canonical name of a unit as words ("centimeters", "square feet", "cm^2", "km/h", "miles per
 * hour", "m\cdot s^{-1}", "dollars", "$", "mph", "a.m.", "apples") into out: "cm", "ft^2", "cm^2",
 * "km/h", "mi/h", "m/s",
 * "$", "$", "mi/h", "am", "apple". Equal products have one name: powers joined, sorted, what is
 * divided by after slashes ("J/K/kg"). Commands and braces of LaTeX, points of abbreviations and
 * capitals ("KM") do not matter. Words that are no unit of measure are names of things: lower case,
 * singular, several words with spaces. Beside a measure they are decoration and fall away ("pounds
 * of apples", "cm long"), and so do "unit", "units": their name is "", which says nothing; "square
 * units" is "unit^2". False: it cannot be a unit (empty, a number word, "and", "sin", a single
 * letter that is no symbol, a percent sign, over 160 bytes); out is as it was. */
bool math_unit_name(assay_str words, pc_buf *out);
/* Is it a known unit of measure or currency, or "unit" (not merely the name of a thing)? `word` as
 * written, one word; case matters for symbols of one letter: "N", "m". */
bool math_unit_is_measure(assay_str word);
/* May a single word in plain text after a number be split into unknowns (2xy), or is it surely a
 * name (2 apples)? True for measures of two letters and more that read as nothing else (cm, kg, ft;
 * not "ms"), for common nouns of three letters, and for words that look English. */
bool math_word_is_noun(assay_str word);

/* "million" is 6: the power of ten a number is multiplied by; hundred, thousand, billion, trillion,
 * plurals, but not dozen. */
bool math_number_word(assay_str word, unsigned *power_of_ten);
/* "three" is 3, "twenty-one" 21: zero to ninety-nine, any case. */
bool math_cardinal(assay_str word, unsigned *value);

typedef enum math_unit_relation {
    UNITS_SAME,     /* the same name, a factor of one, or one of them says nothing: "unit" */
    UNITS_FACTOR,   /* the same dimension: 1 a is *factor b */
    UNITS_DIFFERENT /* other dimensions, other currencies */
} math_unit_relation;
/* a and b are canonical names. The name of a thing is decoration beside a measure and against one:
 * "$/student" compares as "$", and "7 apples" may be "7 cm"; but two things are the same only if
 * they are the same words, or one says less than the other: "red apple" and "apple", not "apple"
 * and "pear". am and pm are different from each other and from every measure. What may be meant is
 * granted where a word has two meanings: lb and the British pound, deg and degC or degF, C and F as
 * degrees, the sign of yen and yuan, a ton against metric masses (1000 kg) and against others (2000
 * lb). Degrees and radians are UNITS_DIFFERENT (no rational factor): callers that know pi look
 * first. *factor is 1 unless UNITS_FACTOR. */
math_unit_relation math_unit_compare(assay_str a, assay_str b, fmpq_t factor);
#endif
