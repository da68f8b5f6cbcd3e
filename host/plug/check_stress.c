/* check_stress.c -- tests under load: many threads, cancellation, two hundred lives, and silence
 * throughout. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "plug/check_env.h"

#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- threads ---- */

enum { N_THREADS = 16, ROUNDS = 4 };

typedef struct crew {
    as_checker *c;
    const as_outcome_of *expected; /* NULL: not compared */
    pthread_barrier_t *start;
    assay_verifier *v;
    char problem[300];
} crew;

static void *score_again_and_again(void *arg)
{
    crew *w = arg;
    pthread_barrier_wait(w->start);
    for (int round = 0; round < ROUNDS && !w->problem[0]; round++) {
        as_arena arena;
        as_outcome_of o;
        const char *differs = NULL;
        as_arena_init(&arena, 0);
        if (as_outcome_init(&o, w->c->items, &arena) == 0) {
            as_outcome_call(&o, w->v, ASSAY_WANT_ANSWER, false);
            if (o.status != ASSAY_OK)
                snprintf(w->problem, sizeof(w->problem), "score() returned %s: %s",
                         as_status_word(o.status), o.error.text);
            for (uint32_t i = 0; w->expected && !w->problem[0] && i < o.n; i++) {
                char texts[160];
                if (!as_outcome_same(w->expected, i, &o, i, &differs))
                    snprintf(w->problem, sizeof(w->problem),
                             "%s differs from the single-threaded one: %s", differs,
                             as_check_row_texts(&o, i, texts, sizeof(texts)));
            }
        }
        as_arena_fini(&arena);
    }
    return NULL;
}

static int run_crew(as_checker *c, crew *members, unsigned n)
{
    pthread_t threads[N_THREADS];
    pthread_barrier_t start;
    unsigned started = 0;
    pthread_barrier_init(&start, NULL, n);
    for (; started < n; started++) {
        members[started].start = &start;
        if (pthread_create(&threads[started], NULL, score_again_and_again, &members[started]) != 0)
            return as_check_fail(c, "only %u of %u threads could be started here", started,
                                 n); /* the child ends with them */
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (unsigned i = 0; i < n; i++)
        if (members[i].problem[0])
            return as_check_fail(c, "thread %u: %s", i, members[i].problem);
    return 0;
}

/* One verifier for all where it claims F_REENTRANT, else one each: create() is [any] and hides no
 * shared state. */
int as_test_threads(as_checker *c)
{
    crew members[N_THREADS] = { 0 };
    as_outcome_of expected;
    bool shared = as_check_is(c, ASSAY_F_REENTRANT);
    bool comparable = as_check_is(c, ASSAY_F_DETERMINISTIC);
    if (!shared && as_check_is(c, ASSAY_F_PROCESS_GLOBAL))
        return as_check_skip(c, "it claims F_PROCESS_GLOBAL: one verifier per process");
    if (as_check_score_ok(c, c->v, c->items, ASSAY_WANT_ANSWER, &c->arena, &expected) < 0)
        return -1;
    if (comparable) { /* what differs by itself says nothing about threads */
        as_outcome_of again;
        const char *differs = NULL;
        if (as_check_score_ok(c, c->v, c->items, ASSAY_WANT_ANSWER, &c->arena, &again) < 0)
            return -1;
        for (uint32_t i = 0; i < expected.n; i++)
            comparable = comparable && as_outcome_same(&expected, i, &again, i, &differs);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        members[i].c = c;
        members[i].expected = comparable ? &expected : NULL;
        members[i].v = c->v;
        if (!shared && as_check_create(c, c->config, &members[i].v) < 0)
            return -1;
    }
    if (run_crew(c, members, N_THREADS) < 0)
        return -1;
    for (unsigned i = 0; !shared && i < N_THREADS; i++)
        members[i].v->destroy(members[i].v);
    return as_check_ok(c, "%d threads on %s", N_THREADS,
                       shared ? "one verifier" : "a verifier each");
}

/* ---- cancellation ---- */

enum {
    STOP_AFTER_MS = 20,
    OBEY_MS = 50,
    OBEY_WALL_MS = 5000,
    LONG_MS = 400,
    MOST_ITEMS = 200000,
    FEWEST_ITEMS = 8
};

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0)
        return 0;
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

typedef struct stopper {
    clockid_t scorer; /* CPU clock of the thread that scores */
    int64_t at_ns;    /* when to stop it */
    atomic_int stop;
    _Atomic int64_t cpu_ns;
    atomic_int fired;
} stopper;

/* Raises the flag at its time, and notes how much the scoring thread had computed by then. */
static void *stop_later(void *arg)
{
    stopper *s = arg;
    for (int64_t left = s->at_ns - as_now_ns(); left > 0; left = s->at_ns - as_now_ns()) {
        struct timespec t = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
        (void)nanosleep(&t, NULL);
    }
    atomic_store(&s->cpu_ns, clock_ns(s->scorer));
    atomic_store(&s->fired, 1);
    atomic_store(&s->stop, 1);
    return NULL;
}

/* The material over and over, until scoring it all would take about LONG_MS of CPU. */
static int long_batch(as_checker *c, as_columns *out)
{
    as_outcome_of o;
    int64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (as_check_score_ok(c, c->v, c->items, 0, &c->arena, &o) < 0)
        return -1;
    double ms = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - before) / 1e6;
    uint32_t m = c->items->n;
    double times = ms > 0.001 ? ceil(LONG_MS / ms) : MOST_ITEMS;
    double wanted = fmin(fmax(times * m, FEWEST_ITEMS), MOST_ITEMS);
    uint32_t n = (uint32_t)wanted;
    uint32_t *rows = as_arena_calloc(&c->arena, n, sizeof(*rows));
    for (uint32_t i = 0; rows && i < n; i++)
        rows[i] = i % m;
    if (!rows || as_columns_pick(out, c->items, rows, n, &c->arena) < 0)
        return as_check_fail(c, "no memory for a batch of %u items", (unsigned)n);
    return 0;
}

static int judge_stop(as_checker *c, const as_outcome_of *o, const stopper *s, int64_t cpu_end,
                      int64_t wall_end, const char *how)
{
    double late = (double)(cpu_end - atomic_load(&s->cpu_ns)) / 1e6;
    double wall = (double)(wall_end - s->at_ns) / 1e6;
    uint32_t n_unset = 0;
    for (uint32_t i = 0; i < o->n; i++)
        n_unset += o->verdict[i] == ASSAY_UNSET;
    if (!atomic_load(&s->fired))
        return as_check_ok(c, "%u items were done before the %s came", (unsigned)o->n, how);
    if (late > OBEY_MS)
        return as_check_fail(c,
                             "computes %.0f ms on after the %s (batch of %u); at most %d: poll "
                             "call->cancelled every few "
                             "milliseconds of work",
                             late, how, (unsigned)o->n, OBEY_MS);
    if (wall > OBEY_WALL_MS)
        return as_check_fail(
            c, "waits %.0f ms on after the %s; a verifier that blocks must look at call->cancelled",
            wall, how);
    if (o->status != ASSAY_OK && o->status != ASSAY_E_CANCELLED)
        return as_check_fail(c, "returned %s after the %s, expected ASSAY_E_CANCELLED",
                             as_status_word(o->status), how);
    if (o->status == ASSAY_OK && n_unset > 0)
        return as_check_fail(
            c, "returned ASSAY_OK after the %s with %u items unjudged; return ASSAY_E_CANCELLED",
            how, (unsigned)n_unset);
    return as_check_ok(c, "returned %.1f ms of CPU after the %s, %u of %u items judged",
                       fmax(late, 0), how, (unsigned)(o->n - n_unset), (unsigned)o->n);
}

static int stop_midway(as_checker *c, bool by_deadline, const char *how)
{
    as_columns items;
    as_outcome_of o;
    stopper s = { 0 };
    pthread_t thread;
    if (long_batch(c, &items) < 0)
        return -1;
    if (as_outcome_init(&o, &items, &c->arena) < 0)
        return as_check_fail(c, "no memory");
    if (pthread_getcpuclockid(pthread_self(), &s.scorer) != 0)
        return as_check_skip(c, "this system has no CPU clock per thread");
    s.at_ns = as_now_ns() + STOP_AFTER_MS * INT64_C(1000000);
    if (by_deadline)
        o.deadline_ns = s.at_ns;
    else
        o.stop = &s.stop;
    if (pthread_create(&thread, NULL, stop_later, &s) != 0)
        return as_check_fail(c, "no thread to cancel from");
    as_outcome_call(&o, c->v, 0, false);
    int64_t cpu_end = clock_ns(s.scorer);
    int64_t wall_end = as_now_ns();
    int fired = atomic_load(&s.fired); /* as it was when score() returned */
    pthread_join(thread, NULL);
    if (!fired) { /* the verifier saw its deadline before that thread was woken: at once, then */
        atomic_store(&s.cpu_ns, cpu_end);
        atomic_store(&s.fired, by_deadline && wall_end >= s.at_ns);
    }
    return judge_stop(c, &o, &s, cpu_end, wall_end, how);
}

int as_test_cancel(as_checker *c)
{
    return stop_midway(c, false, "cancellation");
}

int as_test_deadline(as_checker *c)
{
    return stop_midway(c, true, "deadline");
}

/* ---- leaks ---- */

enum { LIVES = 200, WARM_UP = 40 };
int as_lsan_check(void) __asm__("__lsan_do_recoverable_leak_check") __attribute__((weak));

static int live_once(as_checker *c)
{
    as_arena arena;
    as_outcome_of o;
    assay_verifier *v = NULL;
    int rc = as_check_create(c, c->config, &v);
    if (rc < 0)
        return rc;
    as_arena_init(&arena, 0);
    rc = as_check_score(c, v, c->items, ASSAY_WANT_ANSWER, &arena, &o);
    if (rc == 0 && as_check_answer(v))
        rc = as_check_extract(c, v, c->items, &arena, &o);
    v->destroy(v);
    as_arena_fini(&arena);
    return rc;
}

static size_t bytes_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static unsigned count_fds(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++) {
        struct stat st;
        n += fstat(fd, &st) == 0;
    }
    return n;
}

static int live_some(as_checker *c, int n)
{
    for (int i = 0; i < n; i++) {
        if (live_once(c) < 0)
            return -1;
        atomic_fetch_add(c->progress, 1); /* lives of programs are long */
    }
    return 0;
}

/* The least that one forgotten malloc per life costs: a chunk of glibc's with its header. */
enum { HALF = (LIVES - WARM_UP) / 2, CHUNK = 32, LEAST = HALF * CHUNK };

/* How much the heap grew over HALF lives; freed pieces that malloc keeps at hand count as in use,
 * so a little growth says nothing, and a leak is what goes on growing. */
static int grow(as_checker *c, size_t *by)
{
    size_t before = bytes_in_use();
    int rc = live_some(c, HALF);
    size_t after = bytes_in_use();
    *by = after > before ? after - before : 0;
    return rc;
}

int as_test_leaks(as_checker *c)
{
    enum { PERIODS = 12 }; /* threads' arenas of malloc take a few to be level */
    size_t by = 0;
    size_t least = SIZE_MAX;
    int lives = WARM_UP;
    bool can_count = bytes_in_use() > 0; /* a sanitizer's allocator does not say */
    if (live_some(c, WARM_UP) < 0)       /* caches a library fills once are no leak */
        return -1;
    unsigned fds = count_fds();
    /* Two periods for everybody; only one that grew in both is watched for longer. */
    for (int i = 0; i < PERIODS && (i < 2 || least >= LEAST); i++) {
        if (grow(c, &by) < 0)
            return -1;
        lives += HALF;
        least = by < least ? by : least;
    }
    unsigned fds_end = count_fds();
    if (fds_end > fds)
        return as_check_fail(c,
                             "%u descriptors are left open after %d lives (create, score, destroy)",
                             fds_end - fds, lives - WARM_UP);
    if (least >= LEAST)
        return as_check_fail(c,
                             "leaks about %zu bytes per life (create, score, destroy; %d of them)",
                             least / HALF, lives - WARM_UP);
    if (as_lsan_check && as_lsan_check() != 0)
        return as_check_fail(c, "LeakSanitizer finds memory that nobody holds after %d lives",
                             lives);
    if (!can_count && !as_lsan_check)
        return as_check_skip(c, "this build's allocator cannot be asked; descriptors are level");
    return as_check_ok(c, "%d lives, %s", lives,
                       as_lsan_check ? "watched by LeakSanitizer" : "memory and descriptors level");
}

/* ---- silence ---- */

int as_test_quiet(as_checker *c)
{
    char text[64];
    char shown[100];
    struct stat st;
    if (live_once(c) < 0)
        return -1;
    (void)fflush(NULL); /* what the plugin printed may still wait in its stdio, which is ours */
    if (fstat(c->output, &st) < 0)
        return as_check_fail(c, "the output of the test is gone");
    if (st.st_size == 0)
        return as_check_ok(c, "nothing was written to descriptors 0-2");
    ssize_t n = pread(c->output, text, sizeof(text), 0);
    return as_check_fail(
        c, "writes to stdout or stderr (%lld bytes: %s); results go there: use host->log or emit",
        (long long)st.st_size,
        as_check_show((as_str){ text, n > 0 ? (size_t)n : 0 }, shown, sizeof(shown)));
}
