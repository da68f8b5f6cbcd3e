/* fuzz.h -- what a fuzz target offers, and how it says that a property does not hold.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_FUZZ_H
#define AS_TESTS_FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process whatever the build: libFuzzer and the replay both take that for a finding. */
#define FUZZ_CHECK(holds)                                                                          \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#endif
