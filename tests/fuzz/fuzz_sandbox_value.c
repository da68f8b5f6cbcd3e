/* fuzz_sandbox_value.c -- what a job may write as a value: checked, compared and printed whatever
 * it is; the laws of equality hold for what is accepted. SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/value.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Does it equal itself? Only what holds NaN or another type may not. */
static bool may_differ_from_itself(asbx_text v)
{
    return memmem(v.data, v.len, "nan", 3) || memchr(v.data, '?', v.len);
}

static void try_repr(asbx_text v)
{
    enum { MOST = 50 };
    char small[MOST + 5], large[4100];
    memset(small, '#', sizeof small);
    size_t n = asbx_value_repr(v, small, MOST);
    expect(n <= MOST + 3 && small[n] == 0 && small[MOST + 4] == '#');
    n = asbx_value_repr(v, large, sizeof large - 4);
    expect(n < sizeof large && large[n] == 0);
}

/* First byte: how to compare; then one value, or two behind each other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const asbx_tolerance t = { .relative = data[0] & 1 ? 1e-6 : 0,
                               .absolute = data[0] & 2 ? 1e-6 : 0,
                               .list_is_tuple = data[0] & 4,
                               .int_is_float = data[0] & 8 };
    size_t half = 1 + (size_t)data[1] * (size - 1) / 255;
    char *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    asbx_text whole = { copy + 1, size - 1 };
    for (size_t cut = 1; cut < size && cut < 64; cut++) /* two values behind each other */
        if (asbx_value_valid((asbx_text){ copy + 1, cut })) {
            half = 1 + cut;
            break;
        }
    asbx_text a = { copy + 1, half - 1 }, b = { copy + half, size - half };
    if (asbx_value_valid(whole)) {
        size_t where = 0;
        bool is = asbx_value_equal(whole, whole, &t, &where);
        expect(where <= whole.len);
        expect(is || may_differ_from_itself(whole) || t.relative > 0 || t.absolute > 0);
        try_repr(whole);
    }
    if (asbx_value_valid(a) && asbx_value_valid(b)) {
        bool exact = t.relative == 0 && t.absolute == 0;
        bool ab = asbx_value_equal(a, b, &t, NULL), ba = asbx_value_equal(b, a, &t, NULL);
        expect(!exact || ab == ba || memchr(a.data, '{', a.len) || memchr(a.data, '<', a.len) ||
               memchr(a.data, '>', a.len)); /* forged sets with one element twice */
        try_repr(a);
    }
    free(copy);
    return 0;
}
