/* test_train_order.c -- which prompts a step takes: epochs, none twice, the curriculum's weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include "base/mem.h"
#include "train/order.h"

#include <math.h>
#include <string.h>

static void start(as_order *o, size_t n, as_order_kind kind, uint64_t seed)
{
    const as_order_options how = { .kind = kind, .seed = seed, .floor = 0.05, .momentum = 0.5 };
    assert_int_equal(as_order_init(o, n, &how, NULL), 0);
}

static void test_epochs(void **state)
{
    (void)state;
    as_order o, again;
    uint32_t batch[4], other[4];
    start(&o, 11, AS_ORDER_SHUFFLE, 7);
    start(&again, 11, AS_ORDER_SHUFFLE, 7);
    unsigned moved = 0;
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        unsigned seen[11] = { 0 };
        for (uint64_t k = 0; k < 2; k++) {
            as_order_batch(&o, 2 * epoch + k, 4, batch);
            for (size_t i = 0; i < 4; i++)
                seen[batch[i]]++;
        }
        as_order_batch(&again, 2 * epoch + 1, 4, other); /* asked of alone, and backwards */
        assert_memory_equal(batch, other, sizeof batch);
        unsigned n = 0;
        for (size_t i = 0; i < 11; i++) {
            assert_true(seen[i] <= 1);
            n += seen[i];
        }
        assert_int_equal(n, 8);
        moved += batch[0] != 4;
    }
    assert_true(moved > 10);
    as_order_fini(&again);
    start(&again, 11, AS_ORDER_SHUFFLE, 8);
    as_order_batch(&again, 39, 4, other);
    assert_memory_not_equal(batch, other, sizeof batch);
    as_order_fini(&o);
    as_order_fini(&again);
    start(&o, 5, AS_ORDER_FILE, 7);
    as_order_batch(&o, 1, 2, batch);
    assert_true(batch[0] == 2 && batch[1] == 3);
    as_order_batch(&o, 2, 2, batch);
    assert_true(batch[0] == 0 && batch[1] == 1);
    as_order_fini(&o);
}

/* How often each of three prompts is the one that is drawn. */
static void shares(as_order *o, double out[3])
{
    enum { N = 20000 };
    uint32_t one;
    out[0] = out[1] = out[2] = 0;
    for (uint64_t k = 0; k < N; k++) {
        as_order_batch(o, k, 1, &one);
        out[one] += 1.0 / N;
    }
}

static void test_curriculum(void **state)
{
    (void)state;
    as_order o;
    double share[3];
    start(&o, 3, AS_ORDER_CURRICULUM, 3);
    shares(&o, share);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(share[i] - 1.0 / 3) < 0.02); /* nothing is known */
    as_order_saw(&o, 0, 1);
    as_order_saw(&o, 1, 0.5);
    as_order_saw(&o, 2, 0);
    assert_true(o.success[0] == 1.0F && o.success[1] == 0.5F && o.success[2] == 0.0F);
    shares(&o, share); /* weights 0.05, 1, 0.05 */
    assert_true(fabs(share[0] - 0.05 / 1.1) < 0.01 && fabs(share[2] - 0.05 / 1.1) < 0.01);
    as_order_saw(&o, 2, 0.5); /* 0.25: 0.05 + 0.95 * 0.75 */
    assert_true(o.success[2] == 0.25F);
    shares(&o, share);
    assert_true(fabs(share[2] - 0.7625 / 1.8125) < 0.02);
    o.options.floor = 0; /* without one, what always passes comes when nothing else is left */
    shares(&o, share);
    assert_true(share[0] == 0);
    uint32_t all[3];
    as_order_batch(&o, 5, 3, all);
    assert_true(all[2] == 0 && all[0] != all[1]);
    as_order_fini(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_epochs),
                                        cmocka_unit_test(test_curriculum) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
