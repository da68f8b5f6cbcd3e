/* bootstrap.c -- percentile bootstrap over problems. Draw d uses stream d of the counter-based
 * generator, so intervals do not depend on how many threads share the draws, nor on which metrics
 * are asked for together. SPDX-License-Identifier: Apache-2.0 */
#include "eval/bootstrap.h"

#include "base/mem.h"
#include "base/rng.h"
#include "jobs/pool.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    NORMAL_ABOVE = 100000, /* problems: beyond, the normal interval is the same to three digits */
    LANES = 16             /* pieces of work; each has its own counts */
};
static const double Z95 = 1.959963984540054;

typedef struct boot {
    const double *values;
    const bool *is_whole; /* per metric: no NaN in it */
    size_t metrics, problems;
    unsigned draws;
    uint64_t seed;
    uint32_t *times; /* LANES x problems: how often each problem was drawn */
    double *means;   /* metrics x draws */
} boot;

static double whole_mean(const double *v, const uint32_t *times, size_t n)
{
    double sum[4] = { 0 };
    size_t i = 0;
    for (; i + 4 <= n; i += 4) /* four chains: a single one waits for each addition */
        for (size_t j = 0; j < 4; j++)
            sum[j] += times[i + j] * v[i + j];
    for (; i < n; i++)
        sum[0] += times[i] * v[i];
    return (sum[0] + sum[1] + (sum[2] + sum[3])) / (double)n;
}

static double partial_mean(const double *v, const uint32_t *times, size_t n)
{
    double sum = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        if (times[i] == 0 || isnan(v[i]))
            continue;
        sum += times[i] * v[i];
        count += times[i];
    }
    return count > 0 ? sum / count : (double)NAN;
}

static void run_lane(void *arg, size_t lane)
{
    boot *b = arg;
    uint32_t *times = b->times + lane * b->problems;
    for (unsigned d = (unsigned)lane; d < b->draws; d += LANES) {
        as_rng rng = as_rng_at(b->seed, d);
        memset(times, 0, b->problems * sizeof *times);
        for (size_t i = 0; i < b->problems; i++)
            times[as_rng_below(&rng, b->problems)]++;
        for (size_t m = 0; m < b->metrics; m++) {
            const double *v = b->values + m * b->problems;
            b->means[m * b->draws + d] = b->is_whole[m] ? whole_mean(v, times, b->problems)
                                                        : partial_mean(v, times, b->problems);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Linear interpolation between order statistics, as numpy's default. */
static double quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void percentiles(double *means, size_t n, as_interval *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(means[i])) /* a draw may miss every problem that has the metric */
            means[kept++] = means[i];
    out->low = out->high = (double)NAN;
    if (kept == 0)
        return;
    qsort(means, kept, sizeof *means, by_value);
    out->low = quantile(means, kept, 0.025);
    out->high = quantile(means, kept, 0.975);
}

/* Mean, plug-in standard error and the normal interval; true if no value is NaN. */
static bool describe(const double *v, size_t n, as_interval *out)
{
    double sum = 0, squares = 0, first = (double)NAN;
    size_t count = 0;
    bool is_flat = true;
    for (size_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        if (count++ == 0)
            first = v[i];
        is_flat = is_flat && v[i] == first;
        sum += v[i];
    }
    *out = (as_interval){ (double)NAN, (double)NAN, (double)NAN, (double)NAN };
    if (count == 0)
        return false;
    out->mean = is_flat ? first : sum / (double)count; /* n times 0.3 is 0.3 */
    for (size_t i = 0; i < n; i++)
        if (!isnan(v[i]))
            squares += (v[i] - out->mean) * (v[i] - out->mean);
    out->se = sqrt(squares / (double)count / (double)count);
    out->low = out->mean - Z95 * out->se;
    out->high = out->mean + Z95 * out->se;
    return count == n;
}

static int run_draws(boot *b, unsigned threads, as_err *err)
{
    as_pool *pool = NULL;
    /* Threads cost some hundred microseconds to start: not for a few problems. */
    if (threads != 1 && (double)b->draws * (double)b->problems * (double)(b->metrics + 1) > 5e6) {
        int rc = as_pool_new(&pool, threads, err);
        if (rc < 0)
            return rc;
        as_pool_for(pool, LANES, run_lane, b);
        as_pool_free(pool);
        return 0;
    }
    for (size_t lane = 0; lane < LANES; lane++)
        run_lane(b, lane);
    return 0;
}

int as_bootstrap(const double *values, size_t metrics, size_t problems, unsigned draws,
                 uint64_t seed, unsigned threads, as_interval *out, int *is_normal, as_err *err)
{
    bool by_normal = problems > NORMAL_ABOVE || draws == 0 || problems == 0;
    size_t n_means, n_times;
    if (!as_mul_ok(metrics, draws, &n_means) || !as_mul_ok(problems, LANES, &n_times))
        return as_fail(err, AS_ENOMEM, "bootstrap: %zu metrics by %u draws do not fit into memory",
                       metrics, draws);
    AS_CLEANUP(free) bool *is_whole = as_calloc(metrics, sizeof *is_whole);
    if (!is_whole)
        return as_fail(err, AS_ENOMEM, "bootstrap: no memory");
    for (size_t m = 0; m < metrics; m++)
        is_whole[m] = describe(values + m * problems, problems, &out[m]);
    if (is_normal)
        *is_normal = by_normal;
    if (by_normal)
        return 0;
    AS_CLEANUP(free) uint32_t *times = as_calloc(n_times, sizeof *times);
    AS_CLEANUP(free) double *means = as_calloc(n_means, sizeof *means);
    if (!times || !means)
        return as_fail(err, AS_ENOMEM, "bootstrap: no memory for %zu metrics by %u draws", metrics,
                       draws);
    boot b = { values, is_whole, metrics, problems, draws, seed, times, means };
    int rc = run_draws(&b, threads, err);
    if (rc < 0)
        return rc;
    for (size_t m = 0; m < metrics; m++)
        percentiles(means + m * draws, draws, &out[m]);
    return 0;
}

int as_bootstrap_difference(const double *a, const double *b, size_t problems, unsigned draws,
                            uint64_t seed, unsigned threads, as_interval *out, as_err *err)
{
    AS_CLEANUP(free) double *delta = as_calloc(problems, sizeof *delta);
    if (!delta)
        return as_fail(err, AS_ENOMEM, "bootstrap: no memory for %zu problems", problems);
    for (size_t i = 0; i < problems; i++)
        delta[i] = a[i] - b[i]; /* NaN where either is: such a problem is in neither mean */
    return as_bootstrap(delta, 1, problems, draws, seed, threads, out, NULL, err);
}
