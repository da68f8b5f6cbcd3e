/* staging_cases.c -- copies between the host and a device: of every size, of the host's memory as
 * it was when it was copied, and refused while operations are recorded.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

static void ok(int status)
{
    if (status != K_OK)
        fail_msg("STATUS is %d (%s)", status, k_status_text(status));
}

static const size_t MIB = (size_t)1 << 20;

static unsigned char *some_bytes(cuda_run *run, size_t size)
{
    unsigned char *p = calloc(size + 8, 1);
    assert_non_null(p);
    for (size_t i = 0; i < size; i += 8) {
        const uint64_t x = run_below(run, UINT64_MAX);
        memcpy(p + i, &x, 8);
    }
    return p;
}

/* There and back. The host's copy is overwritten as soon as copy_to returns. */
static void there_and_back(cuda_run *run, size_t size)
{
    const k_backend *ops = run->dev->ops;
    unsigned char *want = some_bytes(run, size);
    unsigned char *sent = calloc(size + 1, 1);
    unsigned char *back = calloc(size + 1, 1);
    assert_true(sent && back);
    memcpy(sent, want, size);
    back[size] = 77;
    void *p = ops->alloc(run->dev, size + 1);
    assert_non_null(p);
    ok(ops->copy_to(run->dev, p, sent, size));
    memset(sent, 0xee, size);
    ok(ops->copy_from(run->dev, back, p, size));
    if (memcmp(back, want, size) != 0)
        fail_msg("NUMBERS %zu bytes came back as others", size);
    assert_int_equal(back[size], 77);
    ops->free(run->dev, p);
    free(want);
    free(sent);
    free(back);
}

static void sizes(cuda_run *run)
{
    const size_t of[] = {
        0,           1,       63,          64,          65,           4096,
        2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 4 * MIB + 1, 16 * MIB + 3, 37 * MIB + 5
    };
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        there_and_back(run, of[i]);
}

/* Many small ones, of memory that is used again at once, so that all parts of the ring come round
 * while the device has not begun. */
static void many(cuda_run *run)
{
    enum { N = 600, SIZE = 40000 }; /* 24 MB */
    const k_backend *ops = run->dev->ops;
    unsigned char *all = some_bytes(run, (size_t)N * SIZE);
    unsigned char *one = calloc(SIZE, 1);
    assert_non_null(one);
    char *p = run_alloc(run, (size_t)N * SIZE);
    for (size_t i = 0; i < N; i++) {
        memcpy(one, all + i * SIZE, SIZE);
        ok(ops->copy_to(run->dev, p + i * SIZE, one, SIZE));
    }
    unsigned char *back = run_bytes(run, p, (size_t)N * SIZE);
    if (memcmp(back, all, (size_t)N * SIZE) != 0)
        fail_msg("NUMBERS of many small copies some came late");
    free(back);
    free(all);
    free(one);
}

/* What was written before a copy on the device is what it copies, and zero comes in order too. */
static void in_order(cuda_run *run)
{
    enum { N = 1000 };
    const k_backend *ops = run->dev->ops;
    unsigned char *first = some_bytes(run, N);
    unsigned char *second = some_bytes(run, N);
    char *p = run_given(run, first, N);
    char *q = run_alloc(run, N);
    ok(ops->copy(run->dev, q, p, N));
    ok(ops->copy_to(run->dev, p, second, N));
    ok(ops->zero(run->dev, p + 10, 20));
    memset(second + 10, 0, 20);
    unsigned char *is_p = run_bytes(run, p, N);
    unsigned char *is_q = run_bytes(run, q, N);
    if (memcmp(is_p, second, N) != 0 || memcmp(is_q, first, N) != 0)
        fail_msg("NUMBERS operations changed their order");
    free(is_p);
    free(is_q);
    free(first);
    free(second);
}

extern const cuda_case staging_cases[];
const cuda_case staging_cases[] = {
    { "sizes", sizes, 1, 0 },
    { "many", many, 1, 0 },
    { "in_order", in_order, 2, 0 },
    { NULL, NULL, 0, 0 },
};
