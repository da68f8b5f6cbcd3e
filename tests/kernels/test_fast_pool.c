/* test_fast_pool.c -- the threads of the CPU backend: every part once, whatever their number, one
 * operation after the other. SPDX-License-Identifier: Apache-2.0 */
#include "arrays.h"

#include "kernels/cpu/fast/pool.h"

#include <string.h>
#include <time.h>

enum { MOST = 70000 };

typedef struct count {
    unsigned char
        *n; /* [MOST]: how often each part ran; plain numbers, for the race detector to watch */
    int in_slot[8]; /* likewise */
} count;

static void count_part(void *arg, int part, int slot)
{
    count *c = arg;
    c->n[part]++;
    c->in_slot[slot]++;
}

static void every_part_once(void **state)
{
    (void)state;
    static unsigned char n[MOST];
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        k_pool *pool = k_pool_open(n_threads);
        assert_non_null(pool);
        assert_int_equal(k_pool_threads(pool), n_threads);
        const int sizes[] = { 0, 1, 2, 3, 7, 64, 1, 1000 };
        for (int round = 0; round < 40; round++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                count c = { .n = n };
                memset(n, 0, (size_t)sizes[i] + 1);
                k_pool_run(pool, sizes[i], count_part, &c);
                int total = 0;
                for (int slot = 0; slot < n_threads; slot++)
                    total += c.in_slot[slot];
                assert_int_equal(total, sizes[i]);
                for (int part = 0; part < sizes[i]; part++)
                    assert_int_equal(n[part], 1);
                assert_int_equal(n[sizes[i]], 0);
            }
        k_pool_close(pool);
    }
}

/* More parts than one word counts. */
static void many_parts(void **state)
{
    (void)state;
    static unsigned char n[MOST];
    k_pool *pool = k_pool_open(2);
    assert_non_null(pool);
    count c = { .n = n };
    k_pool_run(pool, MOST, count_part, &c);
    for (int part = 0; part < MOST; part++)
        assert_int_equal(n[part], 1);
    k_pool_close(pool);
}

/* Opened and closed without work; and work that finds the others asleep. */
static void idle(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        k_pool_close(k_pool_open(4));
    static unsigned char n[8];
    k_pool *pool = k_pool_open(3);
    assert_non_null(pool);
    for (int i = 0; i < 10; i++) {
        const struct timespec while_they_fall_asleep = { .tv_nsec = 2000000 };
        (void)nanosleep(&while_they_fall_asleep, NULL);
        count c = { .n = n };
        k_pool_run(pool, 8, count_part, &c);
        for (int part = 0; part < 8; part++)
            assert_int_equal(n[part], i + 1);
    }
    k_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_once),
        cmocka_unit_test(many_parts),
        cmocka_unit_test(idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
