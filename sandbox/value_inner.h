/* value_inner.h -- what the files about values share: heads and numbers, read where they lie.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_VALUE_INNER_H
#define ASBX_VALUE_INNER_H
#include "value.h"

typedef struct value_head {
    char kind;       /* as in value.h; '<' for both kinds of set when it is compared */
    size_t n;        /* elements (pairs of a dict) */
    asbx_text text;  /* of a number, text, bytes or a type's name */
    asbx_text text2; /* of a complex number's imaginary part */
} value_head;

/* Reads one head and steps past it; a container's elements follow. False: malformed. */
bool value_read(asbx_text v, size_t *at, value_head *out);
bool value_skip(asbx_text v, size_t *at, unsigned depth); /* past one whole value */

/* ---- numbers ---- */

typedef struct value_int {
    bool negative, hex;
    asbx_text digits; /* no leading zeros; empty: 0 */
} value_int;
bool value_int_of(asbx_text text, value_int *out);
bool value_float_of(asbx_text text, double *out);
bool value_int_equal(const value_int *a, const value_int *b);
bool value_int_is(const value_int *a,
                  double d);                 /* exactly, as Python has it: 2**53 + 1 is no float */
double value_int_double(const value_int *a); /* the nearest; infinite beyond the floats */
uint64_t value_int_residue(const value_int *a, uint64_t modulus); /* of its absolute value */
uint64_t value_double_residue(double d, uint64_t modulus);        /* d must be a whole number */
#endif
