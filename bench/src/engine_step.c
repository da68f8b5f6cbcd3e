/* engine_step.c -- training steps of a model of random weights: mean cross-entropy over packed
 * sequences, gradients, their norm, clipping, AdamW, packing of weights.
 *
 * `engine_step DEVICE fp32|bf16|bf16-all THREADS D LAYERS HEADS KV_HEADS FF VOCAB SEQS LENGTH
 * STEPS [RECOMPUTE [FOLDER]]`: Qwen2-shaped (bf16: weights alone, bf16-all: activations too), of
 * STEPS steps the first is left out; prints one JSON object: parameters, tokens of a step, median
 * seconds of a step by the wall and of the process's CPU time, of them forward (without the head),
 * backward (with it), optimizer; the loss before the first step and after the last; planned
 * bytes, and those that were taken (bench_model.h). With FOLDER, weights are those of the folder
 * and tokens int32 of FOLDER/tokens; each line of standard input is a number of steps, answered by
 * their seconds and losses and the bytes. SPDX-License-Identifier: Apache-2.0 */
#include "bench_model.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/plan.h"
#include "model/weights_io.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_STEPS = 1000, PHASES = 3 };

typedef struct bench {
    const char *folder; /* NULL: weights and tokens are random */
    as_model_config config;
    as_weights_index *index;
    k_device *dev;
    as_parameters *p;
    as_run *run;
    as_plan plan;
    as_plan_options options;
    k_type type;
    bool is_wide;
    void *grads, *moment, *square, *master;
    as_packed batch;
    double *logp, *coef;
    double seconds[PHASES], phases[PHASES][MOST_STEPS];
} bench;

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double wall_seconds(void)
{
    return (double)as_now_ns() * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static int fill(bench *b, as_err *err)
{
    if (!b->folder)
        return bench_fill(b->p, err);
    AS_CLEANUP(free) float *arena = as_calloc(b->index->n_elements, sizeof *arena);
    if (!arena)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = as_weights_load(b->index, b->folder, NULL, arena, err);
    return rc == 0 ? as_parameters_set(b->p, arena, AS_F32, err) : rc;
}

static void *zeroed(const bench *b)
{
    const size_t bytes = b->index->n_elements * sizeof(float);
    void *p = b->dev->ops->alloc(b->dev, bytes);
    if (p)
        (void)b->dev->ops->zero(b->dev, p, bytes);
    return p;
}

/* Random ones, or those of FOLDER/tokens. */
static int make_tokens(const bench *b, int32_t *ids, size_t n, as_err *err)
{
    as_rng r = as_rng_at(2, 2);
    for (size_t i = 0; !b->folder && i < n; i++)
        ids[i] = (int32_t)as_rng_below(&r, (uint64_t)b->config.vocab);
    if (!b->folder)
        return 0;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/tokens", b->folder);
    FILE *file = fopen(path, "rb");
    const size_t got = file ? fread(ids, sizeof *ids, n, file) : 0;
    if (file)
        (void)fclose(file);
    return got == n ? 0 : as_fail(err, AS_EDATA, "%s: %zu tokens of %zu", path, got, n);
}

/* Every token but the first of a sequence is scored. */
static int make_batch(bench *b, int32_t n_seqs, int32_t length, as_err *err)
{
    const int32_t n = n_seqs * length, scored = n_seqs * (length - 1);
    int32_t *ids = as_calloc((size_t)n, sizeof *ids),
            *cu = as_calloc((size_t)n_seqs + 1, sizeof *cu);
    int32_t *rows = as_calloc((size_t)scored + 1, sizeof *rows),
            *targets = as_calloc((size_t)scored + 1, sizeof *rows);
    b->logp = as_calloc((size_t)scored + 1, sizeof *b->logp);
    b->coef = as_calloc((size_t)scored + 1, sizeof *b->coef);
    if (!ids || !cu || !rows || !targets || !b->logp || !b->coef)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = make_tokens(b, ids, (size_t)n, err);
    for (int32_t s = 0, row = 0; s < n_seqs; s++) {
        cu[s + 1] = (s + 1) * length;
        for (int32_t i = 0; i + 1 < length; i++, row++) {
            rows[row] = s * length + i;
            targets[row] = ids[s * length + i + 1];
            b->coef[row] = -1.0 / scored;
        }
    }
    b->batch = (as_packed){
        .n_tokens = n, .n_seqs = n_seqs, .n_rows = scored, .ids = ids, .cu_seqlens = cu
    };
    b->batch.rows = rows;
    b->batch.targets = targets;
    return rc;
}

static int prepare(bench *b, const char *backend, int n_threads, int32_t n_seqs, int32_t length,
                   as_err *err)
{
    int rc = bench_device_open(&b->dev, backend, n_threads, false, err);
    if (rc == 0)
        rc = as_weights_index_new(&b->index, &b->config, err);
    if (rc == 0)
        rc = make_batch(b, n_seqs, length, err);
    if (rc < 0)
        return rc;
    b->options.parameters =
        (as_parameters_options){ .type = b->type, .wide = b->is_wide, .trains = true };
    b->options.training.tokens = b->batch.n_tokens;
    b->options.training.seqs = n_seqs;
    b->options.training.rows = b->batch.n_rows;
    b->options.training.trains = true;
    rc = as_plan_make(&b->plan, b->index, b->dev, &b->options, err);
    if (rc == 0)
        rc = as_parameters_new(&b->p, b->index, b->dev, &b->options.parameters, err);
    if (rc == 0)
        rc = fill(b, err);
    if (rc == 0)
        rc = as_run_new(&b->run, b->p, &b->options.training, err);
    if (rc < 0)
        return rc;
    b->grads = zeroed(b);
    b->moment = zeroed(b);
    b->square = zeroed(b);
    b->master = b->type == K_BF16 ? zeroed(b) : b->p->arena;
    if (!b->grads || !b->moment || !b->square || !b->master)
        return as_fail(err, AS_ENOMEM, "out of memory for the optimizer");
    if (b->type == K_BF16) {
        k_cast widen = { .x_type = K_BF16, .y_type = K_F32, .n = (int64_t)b->index->n_elements };
        widen.x = b->p->arena;
        widen.y = b->master;
        (void)b->dev->ops->cast(b->dev, &widen);
    }
    return 0;
}

static int optimize(bench *b, int64_t step, as_err *err)
{
    const int64_t n = (int64_t)b->index->n_elements;
    double squares;
    int rc = b->dev->ops->sum_squares(b->dev, K_F32, n, b->grads, &squares);
    k_adamw a = {
        .real = K_F32, .n = n, .step = step, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8
    };
    a.weight_decay = 0.1;
    a.grad_scale = rc < 0 ? 0 : fmin(1, 1 / (sqrt(squares) + 1e-6));
    a.master = b->master;
    a.m = b->moment;
    a.v = b->square;
    a.grad = b->grads;
    a.copy = b->type == K_BF16 ? b->p->arena : NULL;
    a.copy_type = K_BF16;
    if (rc == 0)
        rc = b->dev->ops->adamw(b->dev, &a);
    return rc < 0 ? as_fail_kernel(err, rc, "adamw") : as_parameters_changed(b->p, err);
}

/* Wall seconds of each phase into b->seconds; the loss before the step. */
static int step(bench *b, int64_t number, double *loss, as_err *err)
{
    double t0 = wall_seconds();
    (void)b->dev->ops->zero(b->dev, b->grads, b->index->n_elements * sizeof(float));
    int rc = as_run_forward(b->run, &b->batch, err);
    double t1 = wall_seconds();
    if (rc == 0)
        rc = as_run_logprob_backward(b->run, 1, b->coef, b->logp, b->grads, err);
    (void)b->dev->ops->sync(b->dev);
    double t2 = wall_seconds();
    if (rc == 0)
        rc = optimize(b, number, err);
    (void)b->dev->ops->sync(b->dev);
    b->seconds[0] = t1 - t0;
    b->seconds[1] = t2 - t1;
    b->seconds[2] = wall_seconds() - t2;
    *loss = 0;
    for (int64_t i = 0; rc == 0 && i < b->batch.n_rows; i++)
        *loss += b->coef[i] * b->logp[i];
    return rc;
}

static int measure(bench *b, long n_steps, as_err *err)
{
    static double wall[MOST_STEPS], cpu[MOST_STEPS];
    double first = 0, last = 0;
    size_t n = 0;
    for (long i = 0; i < n_steps; i++) {
        double cpu_before = cpu_seconds(), loss;
        int rc = step(b, i + 1, &loss, err);
        if (rc < 0)
            return rc;
        first = i == 0 ? loss : first;
        last = loss;
        if (i == 0)
            continue;
        wall[n] = b->seconds[0] + b->seconds[1] + b->seconds[2];
        cpu[n] = cpu_seconds() - cpu_before;
        for (int phase = 0; phase < PHASES; phase++)
            b->phases[phase][n] = b->seconds[phase];
        n++;
    }
    printf(
        "{\"params\": %zu, \"tokens\": %lld, \"wall_s\": %.6f, \"cpu_s\": %.6f, \"forward_s\": "
        "%.6f, "
        "\"backward_s\": %.6f, \"optimizer_s\": %.6f, \"loss_first\": %.6f, \"loss_last\": %.6f, "
        "\"planned_bytes\": %zu, \"peak_bytes\": %.0f}\n",
        b->index->n_params, (long long)b->batch.n_tokens, median(wall, n), median(cpu, n),
        median(b->phases[0], n), median(b->phases[1], n), median(b->phases[2], n), first, last,
        b->plan.total, bench_memory(b->dev));
    return 0;
}

/* Answers lines of numbers of steps. */
static int serve(bench *b, as_err *err)
{
    char line[64];
    long number = 0;
    while (fgets(line, sizeof line, stdin)) {
        const long n = strtol(line, NULL, 10);
        (void)fputs("{\"steps\": [", stdout);
        for (long i = 0; i < n; i++) {
            const double cpu = cpu_seconds();
            double loss;
            const int rc = step(b, ++number, &loss, err);
            if (rc < 0)
                return rc;
            printf("%s{\"wall_s\": %.6f, \"cpu_s\": %.6f, \"loss\": %.9g}", i ? ", " : "",
                   b->seconds[0] + b->seconds[1] + b->seconds[2], cpu_seconds() - cpu, loss);
        }
        printf("], \"planned_bytes\": %zu, \"peak_bytes\": %.0f}\n", b->plan.total,
               bench_memory(b->dev));
        (void)fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static bench b;
    as_err err = { 0 };
    if (argc < 13) {
        (void)fprintf(stderr,
                      "usage: engine_step DEVICE fp32|bf16|bf16-all THREADS D LAYERS HEADS "
                      "KV_HEADS FF VOCAB SEQS LENGTH "
                      "STEPS [RECOMPUTE [FOLDER]]\n");
        return 2;
    }
    long n[12] = { 0 };
    for (int i = 3; i < argc && i < 14; i++)
        n[i - 3] = strtol(argv[i], NULL, 10);
    b.type = strcmp(argv[2], "fp32") == 0 ? K_F32 : K_BF16;
    b.is_wide = strcmp(argv[2], "bf16") == 0;
    b.config = (as_model_config){
        .type = AS_QWEN2, .d = n[1], .n_layers = n[2], .n_heads = n[3], .n_kv_heads = n[4]
    };
    b.config.head_dim = n[1] / n[3];
    b.config.d_ff = n[5];
    b.config.vocab = n[6];
    b.config.max_pos = n[8];
    b.config.rms_eps = 1e-6;
    b.config.rope_theta = 1e6;
    b.config.is_tied = b.config.has_qkv_bias = true;
    b.config.bos = b.config.pad = -1;
    b.options.training.recompute = (as_recompute)n[10];
    b.folder = argc > 14 ? argv[14] : NULL;
    if (n[9] < 3 || n[9] > MOST_STEPS)
        err.code = as_fail(&err, AS_EUSAGE, "3 to %d steps", MOST_STEPS);
    else if (prepare(&b, argv[1], (int)n[0], (int32_t)n[7], (int32_t)n[8], &err) == 0)
        (void)(b.folder ? serve(&b, &err) : measure(&b, n[9], &err));
    if (err.code < 0)
        (void)fprintf(stderr, "engine_step: %s\n", err.text);
    return err.code < 0 ? 1 : 0;
}
