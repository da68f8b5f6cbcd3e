/* fuzz_clock.h -- time as a finding: FUZZ_SLOW_MS=50 in the environment ends a target where one
 * step takes longer than that of its processor. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_FUZZ_CLOCK_H
#define AS_TESTS_FUZZ_CLOCK_H
#include "fuzz.h"

#include <time.h>

static inline double fuzz_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static inline void fuzz_check_quick(double since, const char *what)
{
    const char *limit = getenv("FUZZ_SLOW_MS");
    double ms = fuzz_now_ms() - since;
    if (!limit || ms <= strtod(limit, NULL))
        return;
    (void)fprintf(stderr, "%s took %.1f ms\n", what, ms);
    abort();
}
#endif
