/* fuzz.h -- what a fuzz target offers, and how it says that a property does not hold.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_FUZZ_H
#define AS_TESTS_FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process whatever the build: libFuzzer and the replay both take that for a finding. */
static inline void fuzz_check(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}
#define FUZZ_CHECK(holds) fuzz_check((holds), #holds, __FILE__, __LINE__)
#endif
