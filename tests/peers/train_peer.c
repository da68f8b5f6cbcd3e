/* train_peer.c -- writes metrics as a run would, for comparison with what TensorBoard reads.
 *
 * train_peer DIR FIRST LAST   steps FIRST to LAST, of a run that goes on where FIRST > 1
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static int write_steps(const char *dir, uint64_t first, uint64_t last, as_err *err)
{
    as_metrics *m = NULL;
    int rc = as_metrics_open(&m, dir, first, err);
    if (rc == 0)
        rc = as_metrics_text(m, "config", first, AS_LIT("lr: 1e-3\nsteps: \xC3\xBC"), err);
    for (uint64_t step = first; rc == 0 && step <= last; step++) {
        /* another number than that of an earlier process for the same step */
        as_metrics_put(m, "loss", 1.0 / (double)step + (double)first);
        as_metrics_put(m, "reward/mean", step == 3 ? (double)NAN : -(double)step);
        if (step % 2 == 0)
            as_metrics_put(m, "\xC3\xA4 even", 1e300);
        rc = as_metrics_step(m, step, err);
    }
    int closed = as_metrics_close(m, err);
    return rc < 0 ? rc : closed;
}

int main(int argc, char **argv)
{
    unsigned long long first = 0, last = 0;
    as_err err = { 0 };
    if (argc != 4 || !as_str_u64(as_str_of(argv[2]), &first) ||
        !as_str_u64(as_str_of(argv[3]), &last)) {
        (void)fprintf(stderr, "train_peer DIR FIRST LAST\n");
        return 2;
    }
    if (write_steps(argv[1], first, last, &err) < 0) {
        (void)fprintf(stderr, "train_peer: %s\n", err.text);
        return as_exit_status(err.code);
    }
    return 0;
}
