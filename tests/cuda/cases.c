/* cases.c -- see cases.h. SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

/* ---- what is drawn ---- */

static uint64_t next(cuda_run *run) /* splitmix64 */
{
    uint64_t z = (run->random += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t run_below(cuda_run *run, uint64_t limit)
{
    return next(run) % limit;
}

double run_number(cuda_run *run, double scale)
{
    return ((double)(next(run) >> 11) * 0x1p-52 - 1) * scale;
}

int64_t run_size(cuda_run *run, int64_t most)
{
    const int64_t n = 1 + (int64_t)run_below(run, (uint64_t)most);
    return run_below(run, 2) ? n : 1 + (n - 1) % 20;
}

/* ---- memory of the device ---- */

void *run_alloc(cuda_run *run, size_t bytes)
{
    assert_true(run->n_buffers < CASE_BUFFERS);
    void *p = run->dev->ops->alloc(run->dev, bytes ? bytes : 1);
    assert_non_null(p);
    run->buffers[run->n_buffers++] = p;
    return p;
}

void *run_given(cuda_run *run, const void *host, size_t bytes)
{
    void *p = run_alloc(run, bytes);
    assert_int_equal(run->dev->ops->copy_to(run->dev, p, host, bytes), K_OK);
    return p;
}

static void *array(cuda_run *run, int64_t n, double scale, k_type type, bool is_nan)
{
    const size_t size = k_type_size(type);
    void *host = calloc((size_t)n + 1, size ? size : 1);
    assert_non_null(host);
    for (int64_t i = 0; i < n; i++)
        put_number(host, type, (size_t)i, is_nan ? (double)NAN : run_number(run, scale));
    void *p = run_given(run, host, (size_t)n * size);
    free(host);
    return p;
}

void *run_input_of(cuda_run *run, int64_t n, double scale, k_type type)
{
    return array(run, n, scale, type, false);
}

void *run_input(cuda_run *run, int64_t n, double scale)
{
    return array(run, n, scale, run->type, false);
}

int32_t *run_indices(cuda_run *run, int64_t n, int64_t limit)
{
    int32_t *host = calloc((size_t)n + 1, sizeof *host);
    assert_non_null(host);
    for (int64_t i = 0; i < n; i++)
        host[i] = (int32_t)run_below(run, (uint64_t)limit);
    int32_t *p = run_given(run, host, (size_t)n * sizeof *host);
    free(host);
    return p;
}

static void *output(cuda_run *run, const char *name, void *p, int64_t n, k_type type,
                    double tolerance)
{
    assert_true(run->n < CASE_OUTPUTS);
    if (tolerance == 0)
        tolerance = type == K_BF16 ? 1e-2 : run->type == K_BF16 ? 1e-3 : 1e-5;
    run->all[run->n++] = (cuda_output){ name, p, (size_t)n, type, tolerance };
    return p;
}

void *run_room_of(cuda_run *run, const char *name, int64_t n, k_type type, double tolerance)
{
    return output(run, name, array(run, n, 0, type, true), n, type, tolerance);
}

void *run_room(cuda_run *run, const char *name, int64_t n)
{
    return run_room_of(run, name, n, run->type, 0);
}

void *run_sum_room(cuda_run *run, const char *name, int64_t n, k_type type)
{
    return output(run, name, array(run, n, 0.5, type, false), n, type, 0);
}

void *run_bytes(cuda_run *run, const void *from, size_t bytes)
{
    void *host = calloc(bytes + 1, 1);
    assert_non_null(host);
    assert_int_equal(run->dev->ops->copy_from(run->dev, host, from, bytes), K_OK);
    return host;
}

double *run_fetch(cuda_run *run, const void *from, size_t n, k_type type)
{
    void *host = run_bytes(run, from, n * k_type_size(type));
    double *out = calloc(n + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        out[i] = number_at(host, type, i);
    free(host);
    return out;
}

/* ---- running ---- */

static void begin(cuda_run *run, k_device *dev, k_type type, uint64_t seed)
{
    *run = (cuda_run){ .dev = dev, .type = type, .seed = seed, .random = seed };
}

static void end(cuda_run *run)
{
    while (run->n_buffers > 0)
        run->dev->ops->free(run->dev, run->buffers[--run->n_buffers]);
}

static void compare(const cuda_case *c, cuda_run *is, cuda_run *want)
{
    assert_int_equal(is->n, want->n);
    for (int i = 0; i < want->n; i++) {
        const cuda_output *o = &want->all[i];
        double *a = run_fetch(is, is->all[i].p, o->n, o->type);
        double *b = run_fetch(want, o->p, o->n, o->type);
        double largest = 1e-30;
        for (size_t k = 0; k < o->n; k++)
            largest = fabs(b[k]) > largest ? fabs(b[k]) : largest;
        for (size_t k = 0; k < o->n; k++)
            if (!(fabs(a[k] - b[k]) <= o->tolerance * largest))
                fail_msg("NUMBERS %s, %s of type %d, seed %d: number %zu is %.9g, not %.9g "
                         "(largest %g, %g of it allowed)",
                         c->name, o->name, (int)is->type, (int)is->seed, k, a[k], b[k], largest,
                         o->tolerance);
        free(a);
        free(b);
    }
}

static void one_run(const cuda_case *c, k_device *dev, k_device *reference, k_type type,
                    uint64_t seed, cuda_check *check)
{
    cuda_run is;
    cuda_run want;
    char what[128];
    snprintf(what, sizeof what, "%s of type %d, seed %d", c->name, (int)type, (int)seed);
    begin(&is, dev, type, seed);
    c->fn(&is);
    assert_int_equal(dev->ops->sync(dev), K_OK);
    check(what);
    if (c->types) {
        begin(&want, reference, type, seed);
        c->fn(&want);
        compare(c, &is, &want);
        end(&want);
    }
    end(&is);
}

void cuda_case_run(const cuda_case *c, k_device *dev, void (*before)(size_t run), cuda_check *check)
{
    static const k_type types[] = { K_F32, K_BF16 };
    k_device *reference = NULL;
    size_t run = 0;
    assert_int_equal(k_device_open(&reference, "naive-f32", NULL), K_OK);
    for (int seed = 0; seed < c->n_seeds; seed++)
        for (size_t t = 0; t < 2; t++)
            if (c->types ? c->types >> types[t] & 1 : t == 0) {
                if (before)
                    before(run++);
                one_run(c, dev, reference, types[t], (uint64_t)seed, check);
            }
    k_device_close(reference);
}
