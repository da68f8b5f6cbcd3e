/* units.h -- names of units, as far as they are only names: aliases, no conversion.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_UNITS_H
#define MATH_UNITS_H
#include "math/first/lex.h"

/* Where the unit at the end of tokens [lo, hi) starts (hi: there is none). Its canonical name goes
 * to `out`. */
uint32_t math_unit_start(const lexer *lx, uint32_t lo, uint32_t hi, pc_buf *out);
bool math_unit_is_known(assay_str canonical);
#endif
