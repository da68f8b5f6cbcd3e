/* worker.c -- a verifier instance in a worker process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/seat.h"

int as_worker_open(as_seat **out, const as_seat_spec *spec, as_verifier_info *info, as_arena *arena, as_err *err)
{
    (void)out;
    (void)info;
    (void)arena;
    return as_fail(err, AS_EPLUGIN, "%s: workers are not built in yet; use --isolation inproc", spec->found.path);
}
