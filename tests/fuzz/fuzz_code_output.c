/* fuzz_code_output.c -- what was written against what is wanted: an output is the same as itself
 * however it is compared, and without a tolerance the relation has no direction. First byte: how to
 * compare; then two outputs with a NUL between. SPDX-License-Identifier: Apache-2.0 */
#include "code/run.h"
#include "fuzz_clock.h"

static bool accepts(const cd_task *t, assay_str want, assay_str got)
{
    cd_task task = *t;
    task.want = &want;
    return cd_accepts_output(&task, 0, got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 21)
        return 0;
    static const cd_compare how[] = { CD_EXACT, CD_TOKENS, CD_FLOAT, CD_DECIMAL };
    const cd_task t = { .kind = CD_STDIO,
                        .has_wants = true,
                        .compare = how[data[0] % 4],
                        .tolerance = { .absolute = 1e-6, .relative = data[0] & 4 ? 1e-6 : 0 } };
    char *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    const char *nul = memchr(copy, 0, size - 1);
    size_t n = nul ? (size_t)(nul - copy) : size - 1;
    assay_str a = { copy, n }, b = pc_from((assay_str){ copy, size - 1 }, n + 1);
    double start = fuzz_now_ms();
    FUZZ_CHECK(accepts(&t, a, a) && accepts(&t, b, b));
    bool ab = accepts(&t, a, b);
    FUZZ_CHECK(t.compare == CD_FLOAT || ab == accepts(&t, b, a));
    fuzz_check_quick(start, "two outputs");
    free(copy);
    return 0;
}
