/* test_cuda_cases.c -- one family of the CUDA backend's kernels as the emulation runs them: they
 * compute what the scalar reference does, and whatever order their threads run in, no race, no
 * access out of bounds, no read of what nobody wrote. CASES is the family's list.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"
#include "emu_test.h"

#include "kernels/cuda/library.h"

k_library_entry assay_kernels;
extern const cuda_case CASES[];

static void in_order(size_t run)
{
    set_order(run % N_ORDERS);
}

static void one_case(void **state)
{
    k_device *dev = NULL;
    const k_options options = { .index = 0 };
    assert_int_equal(assay_kernels()->backend->open(&dev, &options), K_OK);
    cuda_case_run(*state, dev, in_order, assert_clean);
    dev->ops->close(dev);
    assert_clean("close");
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[64];
    size_t n = 0;
    for (; CASES[n].fn && n < 64; n++) {
        union { /* the case is given as it is, and not changed */
            const cuda_case *as;
            void *state;
        } one = { &CASES[n] };
        tests[n] = (struct CMUnitTest){ CASES[n].name, one_case, NULL, NULL, one.state };
    }
    choose_tests(argc, argv);
    return _cmocka_run_group_tests("cases", tests, n, NULL, NULL);
}
