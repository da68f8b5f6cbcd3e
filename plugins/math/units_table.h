/* units_table.h -- what units.c knows of units: symbols with dimensions and exact factors, and the
 * words for them. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_UNITS_TABLE_H
#define MATH_UNITS_TABLE_H
#include "math/tree.h"

/* What has no factor to anything else: one dimension each. */
typedef enum unit_other {
    OTHER_NONE,
    OTHER_MONTH, /* months and years are no whole number of days */
    OTHER_CELSIUS,
    OTHER_FAHRENHEIT,
    OTHER_DEGREE,
    OTHER_RADIAN, /* 180/pi of a degree is no rational number */
    OTHER_BIT,
    OTHER_CANDELA,
    OTHER_DOLLAR,
    OTHER_EURO,
    OTHER_STERLING,
    OTHER_YEN_OR_YUAN, /* the sign of both */
    OTHER_YEN,
    OTHER_YUAN,
    OTHER_RUPEE,
    OTHER_RUBLE,
    OTHER_PESO,
    OTHER_FRANC,
    OTHER_WON,
    OTHER_NOTHING, /* "unit" */
    OTHER_COUNT
} unit_other;

enum { UNIT_SI = 6 }; /* m, g, s, A, K, mol */

/* 1 symbol is num/den 10^e10 of the base units; `prefixes`: the SI prefixes it may have. */
typedef struct unit_def {
    const char *symbol, *prefixes;
    int64_t num;
    int32_t den;
    int8_t e10;
    int8_t si[UNIT_SI];
    uint8_t other;
} unit_def;

/* The unit "cm", with its prefix: *e10 is the prefix's power of ten, *rest where the symbol starts.
 * Case matters. */
const unit_def *unit_symbol(assay_str name, int *e10, size_t *rest);
/* The canonical name for up to three lower-case words in the singular ("square" and the like
 * aside), or NULL; *takes_prefix: kilo, milli and so on may stand before it. */
const char *unit_word(assay_str lower, bool *takes_prefix);
/* kilo -> "k", the length of the prefix in *len; NULL: none. */
const char *unit_prefix_word(assay_str lower, size_t *len);
bool unit_tables_sorted(void); /* for the tests: the searches above are binary */
#endif
