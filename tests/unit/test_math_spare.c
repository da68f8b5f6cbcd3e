/* test_math_spare.c -- memory for when there is none: aligned, apart from each other, refused when
 * used up, whole again when all is given back. SPDX-License-Identifier: Apache-2.0 */
#include "math/spare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = 64 << 20, N = 200 };

static int set_up(void **state)
{
    (void)state;
    spare_set_up();
    return 0;
}

/* Nothing is in use: one block takes almost everything. */
static void assert_whole(void)
{
    char *p = spare_take(ALL - 64);
    assert_non_null(p);
    assert_true(spare_size(p) >= ALL - 64);
    p[0] = p[ALL - 65] = 1;
    assert_null(spare_take(64));
    spare_give(p);
}

static void refuses(void **state)
{
    (void)state;
    assert_null(spare_take(ALL));
    assert_null(spare_take(SIZE_MAX));
    assert_null(spare_take(SIZE_MAX / 2 + 1));
    assert_whole();
}

static void owns_its_own(void **state)
{
    (void)state;
    int local = 0;
    void *heap = malloc(16), *p = spare_take(0), *q = spare_take(1);
    assert_false(spare_owns(NULL) || spare_owns(&local) || spare_owns(heap));
    assert_true(p && q && p != q && spare_owns(p) && spare_owns(q));
    free(heap);
    spare_give(p);
    spare_give(q);
    assert_whole();
}

/* Taken and given in an order of no order: every block keeps what was written into it. */
static void keeps_what_is_written(void **state)
{
    (void)state;
    unsigned char *block[N] = { NULL };
    size_t size[N] = { 0 };
    uint32_t r = 1;
    for (int step = 0; step < 20000; step++) {
        r = r * 1664525U + 1013904223U;
        int i = (int)(r >> 16) % N;
        if (block[i]) {
            for (size_t k = 0; k < size[i]; k++)
                assert_int_equal(block[i][k], i);
            spare_give(block[i]);
            block[i] = NULL;
        } else {
            size[i] = (r >> 8) % 600;
            block[i] = spare_take(size[i]);
            if (!block[i])
                continue;
            assert_int_equal((uintptr_t)block[i] % 16, 0);
            assert_true(spare_size(block[i]) >= size[i]);
            memset(block[i], i, size[i]);
        }
    }
    for (int i = 0; i < N; i++)
        if (block[i])
            spare_give(block[i]);
    assert_whole();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(owns_its_own),
        cmocka_unit_test(keeps_what_is_written),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
