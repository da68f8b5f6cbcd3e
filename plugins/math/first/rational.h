/* rational.h -- one number out of a range of tokens, exactly. Internal to the reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_RATIONAL_H
#define MATH_RATIONAL_H
#include "math/first/range.h"

#include <flint/fmpq.h>

/* Appends "q:1/2" or "q:5|cm" to out where g is one number with what may stand around it: currency
 * before, a unit, % or a degree sign after. False: it is not, and out is as it was. */
bool math_read_scalar(math_reader *r, range g, pc_buf *out);
void math_times_ten_to(fmpq_t q, long n); /* q *= 10^n; the caller bounds |n| */
#endif
