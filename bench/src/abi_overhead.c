/* abi_overhead.c -- nanoseconds per item of four ways to the same verifier, and what opening costs.
 *
 * Its score() called directly, a scorer in process, through a worker, through a jail; they take
 * turns, round by round. The command line is `abi_overhead TRIVIAL.so EXACT.so ROUNDS`; per case it
 * prints a line of medians: name, bytes of text, direct, in process, worker, jail, then in process
 * and worker beyond direct and jail beyond worker; "nan" where there are no jails. The first line
 * is "open" and microseconds to open and close a scorer: in process, worker, jail, and the first
 * jail, for which the layers are tried.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "plug/entry.h"
#include "plug/scorer.h"
#include "plug/services.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 4096, RANGE = 512, MAX_ROUNDS = 1001 };

struct bench {
    as_registry *registry;
    as_items items;
    assay_verifier *verifier;          /* for the direct way */
    as_scorer *inproc, *worker, *jail; /* jail NULL: not to be had here */
    uint32_t want;
    as_arena arena; /* of one call */
    float score[N];
    assay_verdict verdict[N];
    uint64_t sum; /* keeps the results alive */
};

static assay_status drop(const assay_call *call, uint32_t item, uint32_t channel, assay_str text)
{
    (void)call;
    (void)item;
    (void)channel;
    (void)text;
    return ASSAY_OK;
}

static int32_t never(const assay_call *call)
{
    (void)call;
    return 0;
}

static void quiet(const assay_host *host, int32_t level, const char *line)
{
    (void)host;
    (void)level;
    (void)line;
}

static const void *no_service(const assay_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

static const assay_host host = {
    .size = sizeof host, .name = "bench", .version = "1", .log = quiet, .service = no_service
};

static int direct(struct bench *b)
{
    assay_call call = { .size = sizeof call, .flags = b->want, .cancelled = never, .emit = drop };
    memset(b->verdict, 0, sizeof b->verdict);
    for (uint32_t lo = 0; lo < N; lo += RANGE) {
        assay_batch batch = { .size = sizeof batch,
                              .n = RANGE,
                              .prompt = b->items.prompt + lo,
                              .completion = b->items.completion + lo,
                              .reference = b->items.reference + lo,
                              .meta = b->items.meta + lo,
                              .group = b->items.group + lo,
                              .seed = b->items.seed + lo };
        assay_scores out = {
            .size = sizeof out, .n = RANGE, .score = b->score + lo, .verdict = b->verdict + lo
        };
        assay_error e = { .size = sizeof e };
        if (b->verifier->score(b->verifier, &call, &batch, &out, &e) < 0)
            return -1;
    }
    b->sum += b->verdict[N - 1];
    return 0;
}

static int through(struct bench *b, as_scorer *s)
{
    as_results r;
    as_arena_reset(&b->arena);
    if (as_scorer_score(s, &b->items, b->want, &b->arena, &r, NULL) < 0 ||
        r.verdict[N - 1] == ASSAY_ERROR)
        return -1;
    b->sum += r.verdict[N - 1];
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { DIRECT, INPROC, WORKER, JAIL, WAYS, COLUMNS = WAYS + 3 };

static int one_way(struct bench *b, int way)
{
    if (way == DIRECT)
        return direct(b);
    return through(b, way == INPROC ? b->inproc : way == WORKER ? b->worker : b->jail);
}

/* Medians of the ways and, so that a slow moment of the machine hits both sides, of differences. */
static int measure(struct bench *b, unsigned rounds, double median[COLUMNS])
{
    static double ns[COLUMNS][MAX_ROUNDS];
    const int ways = b->jail ? WAYS : JAIL;
    for (unsigned i = 0; i < rounds + 3; i++) { /* three to warm up */
        for (int way = 0; way < ways; way++) {
            int64_t start = as_now_ns();
            int rc = one_way(b, way);
            if (rc < 0)
                return rc;
            if (i >= 3)
                ns[way][i - 3] = (double)(as_now_ns() - start) / N;
        }
    }
    for (unsigned i = 0; i < rounds; i++) {
        ns[WAYS][i] = ns[INPROC][i] - ns[DIRECT][i];
        ns[WAYS + 1][i] = ns[WORKER][i] - ns[DIRECT][i];
        ns[WAYS + 2][i] = ns[JAIL][i] - ns[WORKER][i];
    }
    for (int k = 0; k < COLUMNS; k++) {
        qsort(ns[k], rounds, sizeof(double), by_value);
        median[k] = (k == JAIL || k == WAYS + 2) && !b->jail ? (double)NAN : ns[k][rounds / 2];
    }
    return 0;
}

/* Distinct completions of `size` bytes that end in their number; the reference is the number. */
static int make_items(struct bench *b, size_t size, as_arena *arena)
{
    static as_str completion[N], reference[N];
    for (uint32_t i = 0; i < N; i++) {
        char *text = as_arena_alloc(arena, size + 1);
        if (!text)
            return -1;
        memset(text, 'x', size);
        text[size] = 0;
        int n = snprintf(text + size - 7, 8, " %06u", i);
        reference[i] = as_arena_fmt(arena, "%06u", i);
        completion[i] = (as_str){ text, size };
        if (n != 7 || !reference[i].data)
            return -1;
    }
    assay_batch batch = {
        .size = sizeof batch, .n = N, .completion = completion, .reference = reference
    };
    return as_items_of_batch(&b->items, &batch, arena, NULL);
}

static int open_all(struct bench *b, const char *path, const char *name, as_err *err)
{
    char spec[4200];
    (void)snprintf(spec, sizeof spec, "%s#%s", path, name);
    as_scorer_options options = { .isolation = AS_ISOLATION_INPROC, .threads = 1 };
    int rc = as_scorer_open(&b->inproc, b->registry, spec, &options, err);
    options.isolation = AS_ISOLATION_WORKER;
    if (rc == 0)
        rc = as_scorer_open(&b->worker, b->registry, spec, &options, err);
    options.isolation = AS_ISOLATION_JAIL;
    if (rc == 0)
        rc = as_scorer_open(&b->jail, b->registry, spec, &options, err);
    if (rc == AS_ESANDBOX) {
        *err = (as_err){ 0 };
        rc = 0;
    }
    const assay_entry *entry = NULL;
    const assay_descriptor *d = NULL;
    if (rc == 0)
        rc = as_entry_open(&entry, path, err);
    if (rc == 0)
        rc = as_entry_find(&d, entry, path, name, err);
    assay_error e = { .size = sizeof e };
    if (rc == 0 && d->create(d, &host, AS_LIT("{}"), &b->verifier, &e) < 0)
        rc = as_fail(err, AS_EPLUGIN, "%s: %s", path, e.text);
    return rc;
}

static int run_case(struct bench *b, const char *path, const char *name, size_t size, uint32_t want,
                    unsigned rounds)
{
    as_arena arena;
    as_err err = { 0 };
    double ns[COLUMNS];
    as_arena_init(&arena, 0);
    b->want = want;
    int rc = open_all(b, path, name, &err);
    if (rc == 0)
        rc = make_items(b, size, &arena);
    if (rc == 0)
        rc = measure(b, rounds, ns);
    if (rc == 0)
        (void)printf("%s%s %zu %.2f %.2f %.2f %.2f %.2f %.2f %.2f\n", name, want ? "+key" : "",
                     size, ns[0], ns[1], ns[2], ns[3], ns[4], ns[5], ns[6]);
    else
        (void)fprintf(stderr, "abi_overhead: %s: %s\n", name,
                      err.code ? err.text : "scoring failed");
    if (b->verifier && b->verifier->destroy)
        b->verifier->destroy(b->verifier);
    as_scorer_close(b->inproc);
    as_scorer_close(b->worker);
    as_scorer_close(b->jail);
    b->inproc = b->worker = b->jail = NULL;
    b->verifier = NULL;
    as_arena_fini(&arena);
    return rc;
}

/* Microseconds to open a scorer with one seat and to close it again; NAN: refused. */
static double open_once(struct bench *b, const char *path, as_isolation isolation)
{
    const as_scorer_options options = { .isolation = isolation, .threads = 1 };
    as_scorer *s = NULL;
    int64_t start = as_now_ns();
    int rc = as_scorer_open(&s, b->registry, path, &options, NULL);
    as_scorer_close(s);
    return rc < 0 ? (double)NAN : (double)(as_now_ns() - start) / 1000;
}

static void measure_opening(struct bench *b, const char *path)
{
    enum { TIMES = 41 };
    static const as_isolation ways[] = { AS_ISOLATION_INPROC, AS_ISOLATION_WORKER,
                                         AS_ISOLATION_JAIL };
    double us[3][TIMES], first = open_once(b, path, AS_ISOLATION_JAIL);
    for (int i = 0; i < TIMES; i++)
        for (int way = 0; way < 3; way++)
            us[way][i] = open_once(b, path, ways[way]);
    for (int way = 0; way < 3; way++)
        qsort(us[way], TIMES, sizeof(double), by_value);
    (void)printf("open %.0f %.0f %.0f %.0f\n", us[0][TIMES / 2], us[1][TIMES / 2], us[2][TIMES / 2],
                 first);
}

int main(int argc, char **argv)
{
    static struct bench b;
    unsigned long long rounds = 0;
    as_err err = { 0 };
    as_registry_options options = { .index_file = "" };
    if (argc != 4 || !as_str_u64(as_str_of(argv[3]), &rounds) || rounds < 1 ||
        rounds > MAX_ROUNDS || as_registry_open(&b.registry, &options, &err) < 0) {
        (void)fprintf(stderr, "usage: abi_overhead TRIVIAL.so EXACT.so ROUNDS\n");
        return 2;
    }
    as_arena_init(&b.arena, 0);
    const struct {
        const char *path, *name;
        size_t size;
        uint32_t want;
    } cases[] = { { argv[1], "plain", 16, 0 },
                  { argv[1], "deterministic", 16, 0 },
                  { argv[1], "deterministic", 1024, 0 },
                  { argv[1], "deterministic", 1024, ASSAY_WANT_ANSWER },
                  { argv[2], "exact", 16, 0 },
                  { argv[2], "exact", 1024, 0 } };
    int rc = 0;
    measure_opening(&b, argv[2]);
    for (size_t i = 0; rc == 0 && i < sizeof cases / sizeof *cases; i++)
        rc = run_case(&b, cases[i].path, cases[i].name, cases[i].size, cases[i].want,
                      (unsigned)rounds);
    as_arena_fini(&b.arena);
    as_registry_close(b.registry);
    return rc < 0 || b.sum == 0 ? 1 : 0;
}
