/* sandbox_runs.c -- how long runs in the sandbox take, from asbx_run() to its return.
 *
 * `sandbox_runs HELPER_DIR SLOTS PROGRAM.py` answers lines "RUNS THREADS PRELUDE" ("-": none, "+":
 * the standard one) with one line: wall microseconds of all, then of each run. `sandbox_runs
 * HELPER_DIR SLOTS ROWS.jsonl THREADS` runs tests: a row is {"id", "source", "entry", "tester",
 * "call"?}; prints per row id, status, us, line and what the test said, tab between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, MAX_RUNS = 1000000 };

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

typedef struct row {
    const char *id;
    asbx_job job;
    asbx_status status;
    double us;
    uint32_t line;
    char said[160];
} row;

typedef struct work {
    asbx *box;
    row *rows;
    size_t n;
    atomic_size_t next;
    atomic_size_t failed; /* runs of which the sandbox could say nothing */
} work;

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *data = NULL;
    if (f && fseek(f, 0, SEEK_END) == 0) {
        long size = ftell(f);
        data = size >= 0 ? malloc((size_t)size + 1) : NULL;
        if (data && fseek(f, 0, SEEK_SET) == 0) {
            *len = fread(data, 1, (size_t)size, f);
            data[*len] = 0;
        }
    }
    if (f)
        (void)fclose(f);
    return data;
}

static void *run_some(void *context)
{
    work *w = context;
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->n;) {
        row *r = &w->rows[i];
        double began = now_us();
        asbx_result *result = asbx_run(w->box, &r->job);
        r->us = now_us() - began;
        if (!result || result->status == ASBX_ERROR) {
            if (atomic_fetch_add(&w->failed, 1) == 0)
                (void)fprintf(stderr, "sandbox_runs: %s\n", result ? result->note : "no memory");
        }
        r->status = result ? result->status : ASBX_ERROR;
        r->line = result ? result->tester_line : 0;
        if (result)
            (void)snprintf(r->said, sizeof r->said, "%.*s",
                           (int)(result->tester_error.len < 150 ? result->tester_error.len : 150),
                           result->tester_error.len ? result->tester_error.data : "");
        asbx_result_free(result);
    }
    return NULL;
}

static double run_all(work *w, unsigned threads)
{
    pthread_t t[MAX_THREADS];
    atomic_store(&w->next, 0);
    double began = now_us();
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&t[i], NULL, run_some, w) != 0)
            exit(2);
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_join(t[i], NULL);
    return now_us() - began;
}

static int serve(work *w, const char *path)
{
    static char prelude[300];
    size_t len = 0;
    char *source = read_file(path, &len);
    unsigned runs, threads;
    if (!source)
        return 2;
    while (scanf("%u %u %299s", &runs, &threads, prelude) == 3) {
        if (runs > MAX_RUNS || threads < 1 || threads > MAX_THREADS)
            return 2;
        row *rows = calloc(runs, sizeof *rows);
        if (!rows)
            return 2;
        for (unsigned i = 0; i < runs; i++)
            rows[i].job = (asbx_job){ .language = "python",
                                      .source = { source, len },
                                      .input = { "", 0 },
                                      .prelude = *prelude == '+'   ? NULL
                                                 : *prelude == '-' ? ""
                                                                   : prelude };
        w->rows = rows;
        w->n = runs;
        printf("%.0f", run_all(w, threads));
        for (unsigned i = 0; i < runs; i++)
            printf(" %.1f", rows[i].us);
        printf("\n");
        (void)fflush(stdout);
        free(rows);
        if (atomic_load(&w->failed))
            return 1;
    }
    free(source);
    return 0;
}

static asbx_text text_of(const cJSON *json, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
    return (asbx_text){ s ? s : "", s ? strlen(s) : 0 };
}

static int run_tests(work *w, const char *path, unsigned threads)
{
    size_t len = 0, cap = 0;
    char *data = read_file(path, &len);
    if (!data || threads < 1 || threads > MAX_THREADS)
        return 2;
    for (char *line = data, *end; line < data + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(data + len - line));
        if (!end)
            end = data + len;
        cJSON *json = cJSON_ParseWithLength(line, (size_t)(end - line)); /* lives as long as we */
        if (!json)
            continue;
        if (w->n == cap) {
            cap = cap ? 2 * cap : 256;
            row *more = realloc(w->rows, cap * sizeof *more);
            if (!more)
                return 2;
            w->rows = more;
        }
        w->rows[w->n++] = (row){ .id = text_of(json, "id").data,
                                 .job = { .language = "python",
                                          .source = text_of(json, "source"),
                                          .input = { "", 0 },
                                          .entry_point = text_of(json, "entry").data,
                                          .tester = text_of(json, "tester"),
                                          .tester_call = cJSON_GetStringValue(
                                              cJSON_GetObjectItem(json, "call")) } };
    }
    double us = run_all(w, threads);
    for (size_t i = 0; i < w->n; i++)
        printf("%s\t%s\t%.0f\t%u\t%s\n", w->rows[i].id, asbx_status_word(w->rows[i].status),
               w->rows[i].us, w->rows[i].line, w->rows[i].said);
    (void)fprintf(stderr, "%zu tests in %.3f s\n", w->n, us / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    asbx_error err = { "" };
    work w = { .n = 0 };
    if (argc != 4 && argc != 5)
        return 2;
    const asbx_options options = { .helper_dir = argv[1],
                                   .slots = (uint32_t)strtoul(argv[2], NULL, 10) };
    w.box = asbx_open(&options, &err);
    if (!w.box) {
        (void)fprintf(stderr, "sandbox_runs: %s\n", err.text);
        return 2;
    }
    int rc = argc == 5 ? run_tests(&w, argv[3], (unsigned)strtoul(argv[4], NULL, 10))
                       : serve(&w, argv[3]);
    asbx_close(w.box);
    return rc;
}
