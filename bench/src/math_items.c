/* math_items.c -- nanoseconds of one verifier's score(), item by item, from completion text to
 * verdict.
 *
 * `math_items PLUGIN.so ROWS.jsonl items ROUNDS` prints per row, tab between: id, verdict, rule, ns
 * of the first call, median ns of ROUNDS later ones; the set is walked from end to end each round,
 * as in a run, so an item does not meet its own traces in the caches. `... threads N ROUNDS`: N
 * threads walk all rows ROUNDS times; prints the wall ns. `... memory TOTAL`: walks until TOTAL
 * verdicts and prints "verdicts, resident KiB" ten times. A row is {"id", "reference",
 * "completion", "config"?: JSON text}; one item is one call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "plug/entry.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_ROUNDS = 1001, MAX_THREADS = 64, MAX_CONFIGS = 64 };

typedef struct row {
    const char *id;
    assay_str reference, completion;
    assay_verifier *verifier;
} row;

typedef struct bench {
    const assay_descriptor *plugin;
    cJSON **json; /* owns the rows' texts */
    row *rows;
    size_t n;
    struct {
        const char *config;
        assay_verifier *verifier;
    } made[MAX_CONFIGS];
    size_t n_made;
} bench;

typedef struct heard { /* what one call said */
    assay_verdict verdict;
    char rule[32];
} heard;

static assay_status hear(const assay_call *call, uint32_t item, uint32_t channel, assay_str text)
{
    heard *h = call->data;
    (void)item;
    if (channel == ASSAY_OUT_RULE)
        (void)snprintf(h->rule, sizeof h->rule, "%.*s", (int)text.len, text.data);
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

static int64_t score(const row *r, heard *h)
{
    static const assay_str absent = { NULL, 0 };
    static const uint64_t zero = 0;
    float value = 0;
    *h = (heard){ .verdict = ASSAY_UNSET };
    assay_call call = { .size = sizeof call, .data = h, .cancelled = never, .emit = hear };
    assay_batch batch = { .size = sizeof batch,
                          .n = 1,
                          .prompt = &absent,
                          .completion = &r->completion,
                          .reference = &r->reference,
                          .meta = &absent,
                          .group = &zero,
                          .seed = &zero };
    assay_scores out = { .size = sizeof out, .n = 1, .score = &value, .verdict = &h->verdict };
    assay_error err = { .size = sizeof err };
    int64_t start = as_now_ns();
    if (r->verifier->score(r->verifier, &call, &batch, &out, &err) < 0)
        h->verdict = ASSAY_ERROR;
    return as_now_ns() - start;
}

/* ---- rows ---- */

static assay_str text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return (assay_str){ text, text ? strlen(text) : 0 };
}

static assay_verifier *verifier_for(bench *b, const char *config, as_err *err)
{
    for (size_t i = 0; i < b->n_made; i++)
        if (strcmp(b->made[i].config, config) == 0)
            return b->made[i].verifier;
    assay_verifier *v = NULL;
    assay_error e = { .size = sizeof e };
    if (b->n_made == MAX_CONFIGS ||
        b->plugin->create(b->plugin, &host, as_str_of(config), &v, &e) < 0) {
        (void)as_fail(err, AS_EUSAGE, "%s: %s", config, e.text);
        return NULL;
    }
    b->made[b->n_made].config = config;
    b->made[b->n_made++].verifier = v;
    return v;
}

static int add_row(bench *b, cJSON *json, as_err *err)
{
    assay_str id = text_of(json, "id"), config = text_of(json, "config");
    row *r = &b->rows[b->n];
    b->json[b->n++] = json;
    *r = (row){ .id = id.data,
                .reference = text_of(json, "reference"),
                .completion = text_of(json, "completion"),
                .verifier = verifier_for(b, config.data ? config.data : "{}", err) };
    if (!r->verifier)
        return -1;
    if (!r->id || !r->completion.data)
        return as_fail(err, AS_EDATA, "a row without id or completion");
    return 0;
}

static int read_rows(bench *b, const char *path, as_err *err)
{
    as_buf file __attribute__((cleanup(as_cleanup_buf)));
    as_buf_init(&file, (size_t)1 << 30);
    int rc = as_file_read(path, &file, err);
    if (rc < 0)
        return rc;
    size_t lines = 0;
    for (size_t i = 0; i < file.len; i++)
        lines += file.data[i] == '\n';
    b->rows = as_calloc(lines + 1, sizeof *b->rows);
    b->json = as_calloc(lines + 1, sizeof *b->json);
    if (!b->rows || !b->json)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const char *at = file.data, *end = file.data + file.len;
    while (rc == 0 && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = stop ? (size_t)(stop - at) : (size_t)(end - at);
        cJSON *json = cJSON_ParseWithLength(at, len);
        if (!json)
            return as_fail(err, AS_EDATA, "%s: a line is no JSON object", path);
        rc = add_row(b, json, err);
        at += len + 1;
    }
    return rc;
}

static void close_bench(bench *b)
{
    for (size_t i = 0; i < b->n_made; i++)
        if (b->made[i].verifier->destroy)
            b->made[i].verifier->destroy(b->made[i].verifier);
    for (size_t i = 0; i < b->n; i++)
        cJSON_Delete(b->json[i]);
    as_free(b->rows);
    as_free(b->json);
}

/* ---- items ---- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static const char *verdict_word(assay_verdict verdict)
{
    static const char *const words[] = { "unset",   "pass",    "fail", "no_answer",
                                         "timeout", "abstain", "error" };
    return verdict < 7 ? words[verdict] : "unset";
}

static int time_items(const bench *b, size_t rounds, as_err *err)
{
    AS_CLEANUP(free) int64_t *ns = as_calloc(b->n * (rounds + 1), sizeof *ns);
    AS_CLEANUP(free) heard *first = as_calloc(b->n, sizeof *first);
    if (!ns || !first)
        return as_fail(err, AS_ENOMEM, "out of memory");
    heard again;
    for (size_t round = 0; round <= rounds; round++)
        for (size_t i = 0; i < b->n; i++)
            ns[i * (rounds + 1) + round] = score(&b->rows[i], round == 0 ? &first[i] : &again);
    for (size_t i = 0; i < b->n; i++) {
        int64_t *of = &ns[i * (rounds + 1)], cold = of[0];
        qsort(of + 1, rounds, sizeof *of, by_value);
        (void)printf("%s\t%s\t%s\t%lld\t%lld\n", b->rows[i].id, verdict_word(first[i].verdict),
                     first[i].rule, (long long)cold, (long long)of[1 + rounds / 2]);
    }
    return 0;
}

/* ---- threads ---- */

typedef struct walker {
    const bench *b;
    size_t rounds;
    uint64_t sum; /* keeps the results alive */
} walker;

static void *walk(void *data)
{
    walker *w = data;
    heard h;
    uint64_t sum = 0; /* not w->sum: its line is the other thread's too */
    for (size_t round = 0; round < w->rounds; round++)
        for (size_t i = 0; i < w->b->n; i++) {
            (void)score(&w->b->rows[i], &h);
            sum += h.verdict;
        }
    w->sum = sum;
    return NULL;
}

static int time_threads(const bench *b, size_t threads, size_t rounds, as_err *err)
{
    pthread_t ids[MAX_THREADS];
    walker walkers[MAX_THREADS];
    int64_t start = as_now_ns();
    for (size_t i = 0; i < threads; i++) {
        walkers[i] = (walker){ .b = b, .rounds = rounds };
        if (pthread_create(&ids[i], NULL, walk, &walkers[i]) != 0)
            return as_fail(err, AS_ENOMEM, "no thread");
    }
    for (size_t i = 0; i < threads; i++)
        (void)pthread_join(ids[i], NULL);
    (void)printf("%lld\n", (long long)(as_now_ns() - start));
    return 0;
}

/* ---- memory ---- */

static long resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = -1;
    if (f)
        (void)fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void watch_memory(const bench *b, uint64_t total)
{
    heard h;
    uint64_t done = 0, next = 1;
    for (size_t i = 0; done < total; i = (i + 1) % b->n) {
        (void)score(&b->rows[i], &h);
        done++;
        if (done >= total / 10 * next) {
            (void)printf("%llu\t%ld\n", (unsigned long long)done, resident_kib());
            (void)fflush(stdout);
            next++;
        }
    }
}

static int usage(void)
{
    (void)fprintf(stderr,
                  "usage: math_items PLUGIN.so ROWS.jsonl (items ROUNDS | threads N ROUNDS | "
                  "memory TOTAL)\n");
    return 2;
}

int main(int argc, char **argv)
{
    static bench b;
    as_err err = { 0 };
    unsigned long long x = 0, y = 1;
    if (argc < 5 || !as_str_u64(as_str_of(argv[4]), &x) || x < 1 ||
        (argc > 5 && (!as_str_u64(as_str_of(argv[5]), &y) || y < 1)))
        return usage();
    const assay_entry *entry = NULL;
    int rc = as_entry_open(&entry, argv[1], &err);
    if (rc == 0)
        rc = as_entry_find(&b.plugin, entry, argv[1], NULL, &err);
    if (rc == 0)
        rc = read_rows(&b, argv[2], &err);
    if (rc == 0 && b.n == 0)
        rc = as_fail(&err, AS_EDATA, "%s: no rows", argv[2]);
    if (rc == 0 && strcmp(argv[3], "items") == 0 && x <= MAX_ROUNDS)
        rc = time_items(&b, x, &err);
    else if (rc == 0 && strcmp(argv[3], "threads") == 0 && x <= MAX_THREADS)
        rc = time_threads(&b, x, y, &err);
    else if (rc == 0 && strcmp(argv[3], "memory") == 0)
        watch_memory(&b, x);
    else if (rc == 0)
        rc = usage();
    if (rc < 0)
        (void)fprintf(stderr, "math_items: %s\n", err.text);
    close_bench(&b);
    return rc == 0 ? 0 : rc < 0 ? 1 : rc;
}
