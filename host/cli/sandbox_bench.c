/* sandbox_bench.c -- `assay sandbox bench`: how long a trivial program takes, isolated, and how
 * many run in a second. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "cli/sandbox.h"
#include "jobs/pipeline.h"
#include "jobs/pool.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct bench_opts {
    const char *require;
    uint64_t runs, threads;
    bool json;
} bench_opts;

static const as_opt options[] = {
    { .name = "runs",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "300",
      .offset = offsetof(bench_opts, runs),
      .help = "programs for each line; compiled languages a tenth of it" },
    { .name = "threads",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(bench_opts, threads),
      .short_name = 't',
      .help = "at once, for the number in a second (0: one per core)" },
    AS_JSON_OPTION(bench_opts, "one JSON object on stdout"),
    AS_SANDBOX_REQUIRE(bench_opts, require),
    { .name = NULL },
};

/* ---- what is run ---- */

#define PYTHON                                                                                     \
    "def f(x):\n    return sorted(x)\nassert f([3, 1, 2]) == [1, 2, 3]\nassert f([]) == []\n"      \
    "assert f([1, 1]) == [1, 1]\nprint('ok')\n"
#define C "#include <stdio.h>\nint main(void)\n{\n    puts(\"ok\");\n    return 0;\n}\n"
#define CPP "#include <iostream>\nint main()\n{\n    std::cout << \"ok\\n\";\n}\n"

typedef struct kind {
    const char *name, *language, *prelude, *source;
    unsigned share; /* one of so many of the runs */
} kind;

static const kind kinds[] = {
    { "python", "python", NULL, PYTHON, 1 },
    { "python, no prelude", "python", "", PYTHON, 1 },
    { "python, numpy", "python", "numpy", PYTHON, 1 },
    { "c, compiled each time", "c", NULL, C, 10 },
    { "c++, compiled each time", "cpp", NULL, CPP, 10 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct bench {
    asbx *sandbox;
    const kind *kind;
    atomic_uint failed;
} bench;

typedef struct row {
    uint64_t runs;
    double median, p90, p99, per_second; /* ms */
    char problem[200];                   /* else empty */
} row;

static bool run_one(const bench *b, char *why, size_t size)
{
    const asbx_job job = { .language = b->kind->language,
                           .prelude = b->kind->prelude,
                           .source = { b->kind->source, strlen(b->kind->source) } };
    asbx_result *r = asbx_run(b->sandbox, &job);
    bool ok =
        r && r->status == ASBX_OK && r->output.len == 3 && memcmp(r->output.data, "ok\n", 3) == 0;
    if (!ok && why)
        (void)snprintf(why, size, "%s: %s", r ? asbx_status_word(r->status) : "out of memory",
                       r ? r->note : "");
    asbx_result_free(r);
    return ok;
}

static void run_any(void *context, size_t i)
{
    bench *b = context;
    (void)i;
    if (!run_one(b, NULL, 0))
        atomic_fetch_add(&b->failed, 1);
}

/* ---- measuring ---- */

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double at_share(const double *sorted, uint64_t n, double share)
{
    uint64_t i = (uint64_t)(share * (double)n);
    return sorted[i < n ? i : n - 1];
}

/* One after the other. */
static int measure_latency(bench *b, row *out, as_err *err)
{
    AS_CLEANUP(free) double *ms = as_calloc(out->runs, sizeof *ms);
    if (!ms)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (unsigned i = 0; i < 3; i++) /* the zygote starts, and what is touched first is touched */
        if (!run_one(b, out->problem, sizeof out->problem))
            return 0;
    for (uint64_t i = 0; i < out->runs; i++) {
        int64_t start = as_now_ns();
        if (!run_one(b, out->problem, sizeof out->problem))
            return 0;
        ms[i] = (double)(as_now_ns() - start) / 1e6;
        int rc = as_cancel_check(as_cli_cancel(), err);
        if (rc < 0)
            return rc;
    }
    qsort(ms, out->runs, sizeof *ms, by_size);
    out->median = at_share(ms, out->runs, 0.5);
    out->p90 = at_share(ms, out->runs, 0.9);
    out->p99 = at_share(ms, out->runs, 0.99);
    return 0;
}

static void measure_throughput(bench *b, as_pool *pool, unsigned threads, row *out)
{
    as_pool_for(pool, threads * (size_t)2, run_any, b);
    atomic_store(&b->failed, 0);
    int64_t start = as_now_ns();
    as_pool_for(pool, out->runs, run_any, b);
    out->per_second = (double)out->runs / ((double)(as_now_ns() - start) / 1e9);
    unsigned failed = atomic_load(&b->failed);
    if (failed)
        (void)snprintf(out->problem, sizeof out->problem, "%u programs failed under load", failed);
}

/* ---- telling ---- */

static void add_json(as_buf *out, const row *rows, unsigned threads)
{
    as_buf_addf(out, "{\"schema\":\"assay.sandbox_bench/1\",\"at_once\":%u,\"rows\":[", threads);
    for (size_t i = 0; i < KINDS; i++) {
        const row *r = &rows[i];
        as_buf_text(out, i > 0 ? ",{" : "{");
        as_buf_json_key(out, "name");
        as_buf_json_str(out, as_str_of(kinds[i].name));
        if (r->problem[0]) {
            as_buf_json_key(out, "problem");
            as_buf_json_str(out, as_str_of(r->problem));
        } else {
            as_buf_addf(out,
                        ",\"runs\":%llu,\"median_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,"
                        "\"per_second\":%.1f",
                        (unsigned long long)r->runs, r->median, r->p90, r->p99, r->per_second);
        }
        as_buf_byte(out, '}');
    }
    as_buf_text(out, "]}\n");
}

static void add_table(as_buf *out, const row *rows, unsigned threads)
{
    as_buf_addf(out, "%-24s %6s %10s %10s %10s %10s\n", "", "runs", "median ms", "p90 ms", "p99 ms",
                "runs/s");
    for (size_t i = 0; i < KINDS; i++)
        if (rows[i].problem[0])
            as_buf_addf(out, "%-24s not measured: %s\n", kinds[i].name, rows[i].problem);
        else
            as_buf_addf(out, "%-24s %6llu %10.2f %10.2f %10.2f %10.0f\n", kinds[i].name,
                        (unsigned long long)rows[i].runs, rows[i].median, rows[i].p90, rows[i].p99,
                        rows[i].per_second);
    as_buf_addf(
        out,
        "\ntimes: one after the other, from the request to the dead program; runs/s: %u at once\n",
        threads);
}

static int measure_all(bench *b, uint64_t runs, unsigned threads, row *rows, as_err *err)
{
    as_pool *pool = NULL;
    int rc = as_pool_new(&pool, threads, err);
    for (size_t i = 0; rc == 0 && i < KINDS; i++) {
        rows[i].runs = runs / kinds[i].share > 0 ? runs / kinds[i].share : 1;
        b->kind = &kinds[i];
        rc = measure_latency(b, &rows[i], err);
        if (rc == 0 && !rows[i].problem[0])
            measure_throughput(b, pool, threads, &rows[i]);
    }
    as_pool_free(pool);
    return rc;
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const bench_opts *o = opts;
    row rows[KINDS] = { { 0 } };
    bench b = { 0 };
    AS_CLEANUP(sandbox) asbx *sandbox = NULL;
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 20);
    if (o->runs < 1 || o->runs > 1000000 || o->threads > 256)
        return as_fail(err, AS_EUSAGE, "--runs is 1 to 1,000,000 and --threads at most 256");
    unsigned threads = o->threads ? (unsigned)o->threads : as_cpu_count();
    int rc = as_sandbox_open(&sandbox, o->require, threads, NULL, err);
    b.sandbox = sandbox;
    if (rc == 0)
        rc = measure_all(&b, o->runs, threads, rows, err);
    if (rc < 0)
        return rc;
    (o->json ? add_json : add_table)(&out, rows, threads);
    rc = as_buf_check(&out, err);
    if (rc == 0)
        rc = as_cli_out(as_buf_str(&out), err);
    if (rc == 0 && rows[0].problem[0])
        return as_fail(err, AS_ESANDBOX, "%s", rows[0].problem);
    return rc;
}

const as_command as_cmd_sandbox_bench = {
    .name = "sandbox bench",
    .summary = "measures what isolation costs: latency and runs in a second",
    .options = options,
    .details =
        "A program that sorts, compares and prints, each time in a fresh process. A line that "
        "cannot be measured (no compiler, no numpy) says why.",
    .example = "assay sandbox bench --runs 20",
    .run = run,
    .opts_size = sizeof(bench_opts),
};
