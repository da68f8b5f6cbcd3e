/* swiglu_cases.c -- SwiGLU, forward and backward. SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

/* expf is the C library's there, and CUDA's here: a last bit apart, then rounded. */
static void limit(cuda_run *run)
{
    run->all[run->n - 1].tolerance = run->type == K_F32 ? 1e-6 : 4e-3;
}

static void both_ways(cuda_run *run)
{
    static const int64_t sizes[] = { 1, 3, 4, 8, 20, 64, 100, 264, 1040 };
    const int64_t f = sizes[run->seed % 9], tokens = run_size(run, f > 200 ? 4 : 40);
    const int64_t offset = run->seed % 5 == 4;
    const size_t skip = (size_t)offset * k_type_size(run->type);
    char *gate_up = run_input(run, tokens * 2 * f + offset, 8);
    char *y = run_sum_room(run, "y", tokens * f + offset, run->type);
    limit(run);
    const k_swiglu a = { run->type, tokens, f, gate_up + skip, y + skip };
    run_ok(run->dev->ops->swiglu(run->dev, &a));
    const char *dy = (char *)run_input(run, tokens * f + offset, 1) + skip;
    char *d = run_sum_room(run, "dgate_up", tokens * 2 * f + offset, run->type);
    limit(run);
    k_swiglu_bwd b = { run->type, tokens, f, gate_up + skip, dy, d + skip };
    run_ok(run->dev->ops->swiglu_bwd(run->dev, &b));
    char *same = run_sum_room(run, "in place", tokens * 2 * f + offset, run->type);
    limit(run);
    b.gate_up = b.dgate_up = same + skip;
    run_ok(run->dev->ops->swiglu_bwd(run->dev, &b));
}

/* Gates beyond what exp holds: 0 and the gate itself, and no NaN. */
static void far_gates(cuda_run *run)
{
    static const float gate_up[] = { -200, 200, -1e30F, 1e30F, 1, 2, 3, 4 };
    static const float want[] = { 0, 400, 0, 4e30F };
    float *y = run_alloc(run, sizeof want);
    const k_swiglu a = { K_F32, 1, 4, run_given(run, gate_up, sizeof gate_up), y };
    run_ok(run->dev->ops->swiglu(run->dev, &a));
    double *is = run_fetch(run, y, 4, K_F32);
    for (int i = 0; i < 4; i++)
        if (is[i] != (double)want[i])
            fail_msg("NUMBERS gate %g, up %g: %g, not %g", (double)gate_up[i],
                     (double)gate_up[4 + i], is[i], (double)want[i]);
    free(is);
}

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    float *x = run_input(run, 64, 1);
    k_swiglu a = { K_F32, 0, 8, x, x + 32 };
    k_swiglu_bwd b = { K_F32, 0, 8, x, x + 32, x };
    assert_int_equal(ops->swiglu(run->dev, &a), K_OK);
    assert_int_equal(ops->swiglu_bwd(run->dev, &b), K_OK);
    a.tokens = b.tokens = INT64_MAX / 512;
    a.f = b.f = 2048;
    assert_int_equal(ops->swiglu(run->dev, &a), K_EARG);
    assert_int_equal(ops->swiglu_bwd(run->dev, &b), K_EARG);
    a.tokens = b.tokens = 1;
    a.f = b.f = -1;
    assert_int_equal(ops->swiglu(run->dev, &a), K_EARG);
    assert_int_equal(ops->swiglu_bwd(run->dev, &b), K_EARG);
    a.f = b.f = 8;
    a.y = NULL;
    b.dy = NULL;
    assert_int_equal(ops->swiglu(run->dev, &a), K_EARG);
    assert_int_equal(ops->swiglu_bwd(run->dev, &b), K_EARG);
    a.type = b.type = K_F64;
    assert_int_equal(ops->swiglu(run->dev, &a), K_ETYPE);
    assert_int_equal(ops->swiglu_bwd(run->dev, &b), K_ETYPE);
}

const cuda_case swiglu_cases[] = {
    { "both_ways", both_ways, 18, IN_BOTH },
    { "far_gates", far_gates, 1, 0 },
    { "refusals", refusals, 1, 0 },
    { 0 },
};
