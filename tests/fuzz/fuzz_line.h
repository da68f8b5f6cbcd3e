/* fuzz_line.h -- a message is one line without control characters, whatever was in the input.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_FUZZ_LINE_H
#define AS_TESTS_FUZZ_LINE_H
#include "fuzz.h"

static inline void fuzz_check_line(const char *text)
{
    FUZZ_CHECK(text[0] != 0);
    for (const char *p = text; *p; p++)
        FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7F);
}
#endif
