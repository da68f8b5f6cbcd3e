/* cancel.c -- the flag and the deadline. SPDX-License-Identifier: Apache-2.0 */
#include "jobs/cancel.h"

#include "base/clock.h"

#include <stddef.h>

void as_cancel_set(as_cancel *c, int why)
{
    int expected = 0;
    if (c)
        (void)atomic_compare_exchange_strong(&c->why, &expected, why);
}

int as_cancel_why(const as_cancel *c)
{
    if (!c)
        return 0;
    int why = atomic_load_explicit(&c->why, memory_order_relaxed);
    if (why == 0 && c->deadline_ns != 0 && as_now_ns() >= c->deadline_ns)
        return AS_EBUDGET;
    return why;
}

int as_cancel_check(const as_cancel *c, as_err *err)
{
    int why = as_cancel_why(c);
    if (why == 0)
        return 0;
    if (why == AS_EBUDGET)
        return as_fail(err, why, "the deadline passed before the work was done");
    return as_fail(err, why, why == AS_ETERM ? "terminated" : "interrupted");
}
