/* rat.h -- small exact rationals: what the audit's labels are proved with. A result that does not
 * fit is invalid, never wrong, and stays invalid in whatever is made of it. Internal to audit/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_AUDIT_RAT_H
#define AS_AUDIT_RAT_H
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct as_rat {
    int64_t p, q; /* reduced, q > 0, both below 2^62; q == 0: invalid */
} as_rat;

as_rat as_rat_of(int64_t p, int64_t q); /* q may be negative; 0: invalid */
as_rat as_rat_add(as_rat a, as_rat b);
as_rat as_rat_sub(as_rat a, as_rat b);
as_rat as_rat_mul(as_rat a, as_rat b);
as_rat as_rat_div(as_rat a, as_rat b); /* by 0: invalid */
as_rat as_rat_neg(as_rat a);
int as_rat_cmp(as_rat a, as_rat b); /* -1, 0, 1; both valid */

static inline bool as_rat_ok(as_rat a)
{
    return a.q != 0;
}
static inline bool as_rat_is(as_rat a, int64_t n)
{
    return a.q == 1 && a.p == n;
}
static inline bool as_rat_eq(as_rat a, as_rat b)
{
    return a.q != 0 && a.p == b.p && a.q == b.q;
}

/* Decimal places that write it exactly; -1: none do, or more than 18. */
int as_rat_places(as_rat a);
/* `places` (0..18) digits behind the point, cut or rounded half up (away from 0). False: does not
 * fit; nothing written. *written: the value of what was written. */
bool as_rat_decimal(as_buf *out, as_rat a, int places, bool is_rounded, as_rat *written);
/* 0.1\overline{6}: false where it terminates, or repeats after more than `longest` digits. */
bool as_rat_repeating(as_buf *out, as_rat a, int longest);
#endif
