/* read_bandwidth.c -- how fast memory of a given size can be read again and again: the floor under
 * anything that reads all of its weights for a token.
 *
 * A line of input, "BYTES THREADS": each thread reads its share, in order, for about 60 ms in all
 * after a first time that brings it near; a line of output: bytes a second, all threads together,
 * and bytes a second and thread by the processor's time. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef uint64_t words __attribute__((vector_size(64)));

enum { MOST_THREADS = 64, STREAMS = 4 };

typedef struct reader {
    const words *from;
    size_t n, rounds; /* vectors, a multiple of STREAMS */
    double seconds;   /* of the processor */
    uint64_t sum;
} reader;

static double now(clockid_t which)
{
    struct timespec t;
    (void)clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

__attribute__((target_clones("avx512f", "avx2", "default"))) static uint64_t
read_all(const words *from, size_t n)
{
    words sum[STREAMS] = { 0 };
    for (size_t i = 0; i < n; i += STREAMS)
        for (size_t j = 0; j < STREAMS; j++)
            sum[j] ^= from[i + j];
    sum[0] ^= sum[1] ^ sum[2] ^ sum[3];
    return sum[0][0] ^ sum[0][5];
}

static void *reader_main(void *arg)
{
    reader *r = arg;
    const double begin = now(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < r->rounds; i++)
        r->sum ^= read_all(r->from, r->n) + i;
    r->seconds = now(CLOCK_THREAD_CPUTIME_ID) - begin;
    return NULL;
}

/* Seconds by the wall. */
static double read_rounds(reader *readers, size_t n_threads, size_t rounds)
{
    pthread_t threads[MOST_THREADS];
    const double begin = now(CLOCK_MONOTONIC);
    for (size_t i = 0; i < n_threads; i++) {
        readers[i].rounds = rounds;
        if (i && pthread_create(&threads[i], NULL, reader_main, &readers[i]) != 0)
            exit(1);
    }
    (void)reader_main(&readers[0]);
    for (size_t i = 1; i < n_threads; i++)
        (void)pthread_join(threads[i], NULL);
    return now(CLOCK_MONOTONIC) - begin;
}

static void measure(size_t bytes, size_t n_threads)
{
    const size_t n = bytes / sizeof(words) / n_threads / STREAMS * STREAMS;
    if (n == 0 || n_threads == 0 || n_threads > MOST_THREADS) {
        (void)puts("0 0");
        return;
    }
    words *memory = aligned_alloc(sizeof(words), n * n_threads * sizeof(words));
    if (!memory)
        exit(1);
    memset(memory, 1, n * n_threads * sizeof(words));
    reader readers[MOST_THREADS] = { 0 };
    for (size_t i = 0; i < n_threads; i++)
        readers[i] = (reader){ .from = memory + i * n, .n = n };
    const double once = read_rounds(readers, n_threads, 3) / 3;
    const size_t rounds = 1 + (size_t)(0.06 / once);
    const double wall = read_rounds(readers, n_threads, rounds),
                 total = (double)(n * n_threads * sizeof(words) * rounds);
    double cpu = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < n_threads; i++) {
        cpu += readers[i].seconds;
        sum ^= readers[i].sum;
    }
    (void)printf("%.0f %.0f %d\n", total / wall, total / cpu, (int)(sum & 1));
    free(memory);
}

int main(void)
{
    char line[128], *end;
    while (fgets(line, sizeof line, stdin)) {
        const unsigned long bytes = strtoul(line, &end, 10);
        measure(bytes, strtoul(end, NULL, 10));
        (void)fflush(stdout);
    }
    return 0;
}
