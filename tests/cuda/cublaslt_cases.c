/* cublaslt_cases.c -- matrix products of the sizes that cuBLASLt is asked for (16 bytes of a row
 * and more), and of some that it is not: the same numbers, whoever computes them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

static int64_t eight(cuda_run *run, int64_t most) /* a multiple of 8, or now and then not */
{
    const int64_t n = 8 * run_size(run, most / 8);
    return run_below(run, 8) ? n : n + 3;
}

static void nt(cuda_run *run)
{
    const int64_t m = run_size(run, 60);
    const int64_t n = eight(run, 96);
    const int64_t k = eight(run, 128);
    for (int how = 0; how < 8; how++) {
        const bool adds = how & 1;
        const bool is_float = how & 2;
        const bool has_bias = how & 4;
        const k_type y_type = is_float ? K_F32 : run->type;
        k_gemm a = { .type = run->type, .y_type = y_type, .m = m, .n = n, .k = k };
        a.accumulate = adds;
        a.x = run_input(run, m * k, 1);
        a.w = run_input(run, n * k, 1);
        a.bias = has_bias ? run_input(run, n, 1) : NULL;
        a.y = adds ? run_sum_room(run, "y +=", m * n, y_type)
                   : run_room_of(run, "y", m * n, y_type, 0);
        run_ok(run->dev->ops->gemm_nt(run->dev, &a));
    }
}

static void nn(cuda_run *run)
{
    const int64_t m = run_size(run, 60);
    const int64_t n = eight(run, 128);
    const int64_t k = eight(run, 96);
    for (int adds = 0; adds < 2; adds++) {
        k_gemm_dx a = { .type = run->type, .m = m, .n = n, .k = k, .accumulate = adds };
        a.dy = run_input(run, m * n, 1);
        a.w = run_input(run, n * k, 1);
        a.dx = adds ? run_sum_room(run, "dx +=", m * k, run->type) : run_room(run, "dx", m * k);
        run_ok(run->dev->ops->gemm_nn(run->dev, &a));
    }
}

static void tn(cuda_run *run)
{
    const int64_t m = run_size(run, 120);
    const int64_t n = eight(run, 96);
    const int64_t k = eight(run, 64);
    k_gemm_dw a = { .type = run->type, .m = m, .n = n, .k = k };
    a.dy = run_input(run, m * n, 1);
    a.x = run_input(run, m * k, 1);
    a.dw = run_sum_room(run, "dw", n * k, K_F32);
    a.dbias = run_sum_room(run, "dbias", n, K_F32);
    run_ok(run->dev->ops->gemm_tn(run->dev, &a));
}

extern const cuda_case cublaslt_cases[];
const cuda_case cublaslt_cases[] = {
    { "nt", nt, 6, IN_BOTH },
    { "nn", nn, 6, IN_BOTH },
    { "tn", tn, 6, IN_BOTH },
    { NULL, NULL, 0, 0 },
};
