/* abi_overhead.c -- nanoseconds per item of three ways to the same verifier.
 *
 * Its score() called directly, a scorer in process, a scorer through a worker; they take turns,
 * round by round. The command line is `abi_overhead TRIVIAL.so EXACT.so ROUNDS`; per case it prints
 * a line of medians: name, bytes of text, direct, in process, worker, in process beyond direct,
 * worker beyond direct.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "plug/entry.h"
#include "plug/scorer.h"
#include "plug/services.h"

#include <stdio.h>
#include <stdlib.h>

enum { N = 4096, RANGE = 512, MAX_ROUNDS = 1001 };

struct bench {
    as_registry *registry;
    as_items items;
    assay_verifier *verifier; /* for the direct way */
    as_scorer *inproc, *worker;
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

/* Medians of the three ways and, so that a slow moment of the machine hits both sides, of the
 * differences to the first. */
static int measure(struct bench *b, unsigned rounds, double median[5])
{
    static double ns[5][MAX_ROUNDS];
    for (unsigned i = 0; i < rounds + 3; i++) { /* three to warm up */
        for (int way = 0; way < 3; way++) {
            int64_t start = as_now_ns();
            int rc = way == 0 ? direct(b) : through(b, way == 1 ? b->inproc : b->worker);
            if (rc < 0)
                return rc;
            if (i >= 3)
                ns[way][i - 3] = (double)(as_now_ns() - start) / N;
        }
    }
    for (unsigned i = 0; i < rounds; i++) {
        ns[3][i] = ns[1][i] - ns[0][i];
        ns[4][i] = ns[2][i] - ns[0][i];
    }
    for (int way = 0; way < 5; way++) {
        qsort(ns[way], rounds, sizeof(double), by_value);
        median[way] = ns[way][rounds / 2];
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
    double ns[5];
    as_arena_init(&arena, 0);
    b->want = want;
    int rc = open_all(b, path, name, &err);
    if (rc == 0)
        rc = make_items(b, size, &arena);
    if (rc == 0)
        rc = measure(b, rounds, ns);
    if (rc == 0)
        (void)printf("%s%s %zu %.2f %.2f %.2f %.2f %.2f\n", name, want ? "+key" : "", size, ns[0],
                     ns[1], ns[2], ns[3], ns[4]);
    else
        (void)fprintf(stderr, "abi_overhead: %s: %s\n", name,
                      err.code ? err.text : "scoring failed");
    if (b->verifier && b->verifier->destroy)
        b->verifier->destroy(b->verifier);
    as_scorer_close(b->inproc);
    as_scorer_close(b->worker);
    b->inproc = b->worker = NULL;
    b->verifier = NULL;
    as_arena_fini(&arena);
    return rc;
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
    for (size_t i = 0; rc == 0 && i < sizeof cases / sizeof *cases; i++)
        rc = run_case(&b, cases[i].path, cases[i].name, cases[i].size, cases[i].want,
                      (unsigned)rounds);
    as_arena_fini(&b.arena);
    as_registry_close(b.registry);
    return rc < 0 || b.sum == 0 ? 1 : 0;
}
