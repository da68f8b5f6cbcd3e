/* recording_cases.c -- operations recorded and played: what they do is what they would have done,
 * on what their arguments point to when they are played; what cannot be recorded is refused, and
 * then there is no recording.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

static void want_status(int status, int wanted)
{
    if (status != wanted)
        fail_msg("STATUS is %d (%s), not %d", status, k_status_text(status), wanted);
}
static void ok(int status)
{
    want_status(status, K_OK);
}

enum { ROWS = 5, N = 72, OUT = 40, ALL = ROWS * N, ALL_OUT = ROWS * OUT, ALL_W = OUT * N };

typedef struct step {
    float *x, *residual, *weight, *y, *w, *z, *copy;
} step;

static step make_step(cuda_run *run)
{
    return (step){
        .x = run_input_of(run, ALL, 1, K_F32),
        .residual = run_input_of(run, ALL, 1, K_F32),
        .weight = run_input_of(run, N, 1, K_F32),
        .y = run_input_of(run, ALL, 1, K_F32),
        .w = run_input_of(run, ALL_W, 1, K_F32),
        .z = run_input_of(run, ALL_OUT, 1, K_F32),
        .copy = run_input_of(run, ALL_OUT, 1, K_F32),
    };
}

/* A norm that adds to its residual, a product, a copy of it, and a part that becomes 0. */
static void issue(k_device *dev, const step *s, k_rmsnorm *norm)
{
    const k_backend *ops = dev->ops;
    *norm = (k_rmsnorm){ .type = K_F32,
                         .rows = ROWS,
                         .n = N,
                         .per_token = 1,
                         .x_stride = N,
                         .y_stride = N,
                         .eps = 1e-5,
                         .x = s->x,
                         .residual = s->residual,
                         .weight = s->weight,
                         .y = s->y };
    ok(ops->rmsnorm(dev, norm));
    ok(ops->gemm_nt(dev, &(k_gemm){ .type = K_F32,
                                    .y_type = K_F32,
                                    .m = ROWS,
                                    .n = OUT,
                                    .k = N,
                                    .x = s->y,
                                    .w = s->w,
                                    .y = s->z }));
    ok(ops->copy(dev, s->copy, s->z, ALL_OUT * sizeof(float)));
    ok(ops->zero(dev, s->copy, 3 * sizeof(float)));
    *norm = (k_rmsnorm){ .type = K_F32 }; /* structs are read before a call returns */
}

static void same(cuda_run *run, const char *what, k_device *dev, const float *is, const float *want,
                 size_t n)
{
    const size_t size = n * sizeof *is;
    float *a = calloc(n, sizeof *a);
    float *b = run_bytes(run, want, size);
    assert_non_null(a);
    ok(dev->ops->copy_from(dev, a, is, size));
    if (memcmp(a, b, size) != 0)
        fail_msg("NUMBERS %s: not as without a recording", what);
    free(a);
    free(b);
}

static void same_step(cuda_run *run, const char *what, const step *is, const step *want)
{
    same(run, what, run->dev, is->residual, want->residual, ALL);
    same(run, what, run->dev, is->y, want->y, ALL);
    same(run, what, run->dev, is->z, want->z, ALL_OUT);
    same(run, what, run->dev, is->copy, want->copy, ALL_OUT);
}

static void like(cuda_run *run, const step *to, const step *from)
{
    const k_backend *ops = run->dev->ops;
    ok(ops->copy(run->dev, to->x, from->x, ALL * sizeof(float)));
    ok(ops->copy(run->dev, to->residual, from->residual, ALL * sizeof(float)));
    ok(ops->copy(run->dev, to->weight, from->weight, N * sizeof(float)));
    ok(ops->copy(run->dev, to->y, from->y, ALL * sizeof(float)));
    ok(ops->copy(run->dev, to->w, from->w, ALL_W * sizeof(float)));
    ok(ops->copy(run->dev, to->z, from->z, ALL_OUT * sizeof(float)));
    ok(ops->copy(run->dev, to->copy, from->copy, ALL_OUT * sizeof(float)));
}

static void played(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    k_rmsnorm norm;
    k_recording *recording = NULL;
    step is = make_step(run);
    step want = make_step(run);
    step before = make_step(run);
    like(run, &want, &is);
    like(run, &before, &is);
    ok(ops->record(run->dev));
    issue(run->dev, &is, &norm);
    ok(ops->recorded(run->dev, &recording));
    assert_non_null(recording);
    same_step(run, "recorded, and not yet done", &is, &before);
    for (int i = 0; i < 3; i++) {
        float *x = run_input_of(run, ALL, 1, K_F32); /* other input each time */
        ok(ops->copy(run->dev, is.x, x, ALL * sizeof(float)));
        ok(ops->copy(run->dev, want.x, x, ALL * sizeof(float)));
        ok(ops->play(run->dev, recording));
        issue(run->dev, &want, &norm);
        same_step(run, "played", &is, &want);
    }
    ops->forget(run->dev, recording);
    ops->forget(run->dev, NULL);
}

/* What is refused while operations are recorded: each alone leaves no recording behind it, and a
 * device that works as before. */
static void refused(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    k_rmsnorm norm;
    step is = make_step(run);
    void *p = run_alloc(run, 64);
    char host[64] = "";
    for (int what = 0; what < 8; what++) {
        k_recording *recording = NULL;
        ok(ops->record(run->dev));
        issue(run->dev, &is, &norm);
        if (what == 0)
            want_status(ops->copy_to(run->dev, p, host, 64), K_EARG);
        else if (what == 1)
            want_status(ops->copy_from(run->dev, host, p, 64), K_EARG);
        else if (what == 2)
            want_status(ops->sync(run->dev), K_EARG);
        else if (what == 3)
            assert_null(ops->alloc(run->dev, 64));
        else if (what == 4)
            want_status(ops->record(run->dev), K_EARG);
        else if (what == 5)
            want_status(ops->copy_to(run->dev, p, host, 0), K_EARG);
        else if (what == 6)
            want_status(ops->copy_from(run->dev, host, p, 0), K_EARG);
        else
            ops->free(run->dev, run->buffers[--run->n_buffers]);
        want_status(ops->recorded(run->dev, &recording), K_EDEVICE);
        assert_null(recording);
        char why[400];
        k_why(ops, K_EDEVICE, why, sizeof why);
        assert_non_null(strstr(why, "between record and recorded"));
        want_status(ops->recorded(run->dev, &recording), K_EARG); /* it is over */
        ok(ops->sync(run->dev));
    }
    played(run);
}

/* Sizes and pointers that are refused end a recording as well. */
static void wrong_arguments(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    k_recording *recording = NULL;
    want_status(ops->play(run->dev, NULL), K_EARG);
    want_status(ops->recorded(run->dev, &recording), K_EARG);
    ok(ops->record(run->dev));
    ok(ops->recorded(run->dev, &recording)); /* of nothing */
    ok(ops->play(run->dev, recording));
    ok(ops->record(run->dev));
    want_status(ops->play(run->dev, recording), K_EARG);
    k_recording *none = NULL;
    want_status(ops->recorded(run->dev, &none), K_EDEVICE);
    ops->forget(run->dev, recording);
    float *x = run_input_of(run, 8, 1, K_F32);
    const k_add wrong[] = { { .type = K_F64, .n = 8, .a = x, .b = x, .y = x },
                            { .type = K_F32, .n = -1, .a = x, .b = x, .y = x } };
    for (int i = 0; i < 2; i++) {
        ok(ops->record(run->dev));
        want_status(ops->add(run->dev, &wrong[i]), i == 0 ? K_ETYPE : K_EARG);
        want_status(ops->recorded(run->dev, &none), K_EDEVICE);
    }
    double sum = 7;
    ok(ops->record(run->dev));
    want_status(ops->sum_squares(run->dev, K_F32, 8, x, &sum), K_EARG);
    want_status(ops->recorded(run->dev, &none), K_EDEVICE);
    assert_true(sum == 7);
    ok(ops->record(run->dev));
    want_status(ops->add(run->dev, &(k_add){ .type = K_F32, .n = 8, .a = x, .b = x, .y = x }),
                K_OK);
    ok(ops->recorded(run->dev, &recording));
    ops->forget(run->dev, recording);
}

/* Two devices, of which one records while the other goes on; a recording is its device's alone. And
 * a device may be closed in the middle of one. */
static void two_devices(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    k_device *other = NULL;
    if (ops->open(&other, &(k_options){ .index = 1 }) != K_OK)
        return; /* there is one only */
    k_rmsnorm norm;
    k_recording *recording = NULL;
    step is = make_step(run);
    step want = make_step(run);
    float numbers[N] = { 1, 2, 3 };
    float back[N];
    float *theirs = ops->alloc(other, sizeof numbers);
    assert_non_null(theirs);
    like(run, &want, &is);
    ok(ops->record(run->dev));
    issue(run->dev, &is, &norm);
    ok(ops->copy_to(other, theirs, numbers, sizeof numbers));
    ok(ops->zero(other, theirs, 2 * sizeof(float)));
    ok(ops->copy_from(other, back, theirs, sizeof back));
    assert_true(back[1] == 0.0F && back[2] == 3.0F);
    ok(ops->recorded(run->dev, &recording));
    want_status(ops->play(other, recording), K_EARG);
    ok(ops->sync(other));
    ok(ops->play(run->dev, recording));
    issue(run->dev, &want, &norm);
    same_step(run, "two devices", &is, &want);
    ops->forget(run->dev, recording);
    ok(ops->record(other));
    ok(ops->zero(other, theirs, sizeof numbers));
    ops->free(other, theirs);
    ops->close(other);
}

extern const cuda_case recording_cases[];
const cuda_case recording_cases[] = {
    { "played", played, 3, 0 },
    { "refused", refused, 1, 0 },
    { "wrong_arguments", wrong_arguments, 1, 0 },
    { "two_devices", two_devices, 1, 0 },
    { NULL, NULL, 0, 0 },
};
