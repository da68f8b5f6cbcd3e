/* value.h -- values as they leave a job: builtin types only, bounded, no code.
 *
 * - N T F                     None, True, False
 * - i-12;  i0x1f;             integer, decimal or hexadecimal
 * - f0x1.8p+1;  fnan; f-inf;  float; decimals are read too
 * - c<f><f>                   complex
 * - s3:abc  b3:abc            text (UTF-8), bytes
 * - [2<v><v>  (2<v><v>        list, tuple
 * - {2<k><v><k><v>            dict
 * - <2<v><v>  >2<v><v>        set, frozenset
 * - ?4:name                   a value of another type: it equals nothing
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_VALUE_H
#define ASBX_VALUE_H
#include "sandbox.h"

enum { ASBX_VALUE_DEPTH = 64 };

bool asbx_value_valid(asbx_text v); /* one whole value, nested no deeper than the depth */

typedef struct asbx_tolerance {
    double relative, absolute; /* of floats, and of an integer against a float; both 0: exact */
    bool list_is_tuple;        /* a list equals a tuple of the same elements */
    bool int_is_float;         /* 1 equals 1.0, True equals 1, as Python's == has it */
} asbx_tolerance;
/* Does `got` equal `want`, as Python's == would for these types? NaN equals nothing; a set equals a
 * frozenset; dicts and sets have no order. |got - want| <= absolute + relative * |want|; keys of a
 * dict are exact always. Both must be valid. Time n log n; a set of tuples with floats that are
 * only near costs up to a bound, and is different beyond it. 1: equal; 0: not; -1: no memory,
 * nothing is known. *where (may be NULL): byte of `got` where it is seen to differ. */
int asbx_value_compare(asbx_text want, asbx_text got, const asbx_tolerance *tolerance,
                       size_t *where);
bool asbx_value_equal(asbx_text want, asbx_text got, const asbx_tolerance *tolerance,
                      size_t *where); /* compare() == 1 */

/* As Python prints it; cut to `most` bytes and "..." where it is longer. Ends with a NUL. Returns
 * the length; out holds at least most + 4. For people: a few characters are printed that Python
 * escapes, being unassigned. */
size_t asbx_value_repr(asbx_text v, char *out, size_t most);
#endif
