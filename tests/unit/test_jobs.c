/* test_jobs.c -- cancellation, the pool and the ordered pipeline, with 1 to 8 threads. To be clean
 * under TSan. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "jobs/feed.h"
#include "jobs/pipeline.h"
#include "jobs/pool.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- cancel ---- */

static void test_cancel(void **state)
{
    as_cancel c = { 0 };
    as_err err = { 0 };
    (void)state;
    as_cancel_set(NULL, AS_EINTR);
    assert_int_equal(as_cancel_why(NULL), 0);
    assert_int_equal(as_cancel_check(&c, &err), 0);
    as_cancel_set(&c, AS_ETERM);
    as_cancel_set(&c, AS_EINTR);
    assert_int_equal(as_cancel_why(&c), AS_ETERM);
    assert_int_equal(as_cancel_check(&c, &err), AS_ETERM);
    as_cancel late = { .deadline_ns = as_now_ns() - 1 },
              early = { .deadline_ns = as_now_ns() + 3600000000000 };
    assert_int_equal(as_cancel_why(&late), AS_EBUDGET);
    assert_int_equal(as_cancel_why(&early), 0);
    as_cancel_set(&late, AS_EINTR);
    assert_int_equal(as_cancel_why(&late), AS_EINTR);
}

/* ---- pipeline ---- */

enum { NEVER = -1 };

typedef struct run {
    int n, produce_fails, work_fails, consume_fails; /* at which task; NEVER */
    int cancel_at;                                   /* produce sets the cancel before this task */
    as_cancel cancel;
    int made, consumed;
    atomic_int worked, dropped, in_flight, most_in_flight;
    bool out_of_order, double_free;
} run;

typedef struct task {
    int number;
    bool worked;
} task;

static int produce(void *ctx, void **out, as_err *err)
{
    run *r = ctx;
    if (r->made == r->produce_fails)
        return as_fail(err, AS_EDATA, "produce %d", r->made);
    if (r->made == r->n)
        return 0;
    task *t = as_calloc(1, sizeof *t);
    t->number = r->made++;
    if (t->number == r->cancel_at)
        as_cancel_set(&r->cancel, AS_EINTR);
    int now = atomic_fetch_add(&r->in_flight, 1) + 1;
    if (now > atomic_load(&r->most_in_flight))
        atomic_store(&r->most_in_flight, now); /* one producer: no race on the maximum */
    *out = t;
    return 1;
}

static int work(void *ctx, void *arg, as_err *err)
{
    run *r = ctx;
    task *t = arg;
    t->worked = true;
    (void)atomic_fetch_add(&r->worked, 1);
    if (t->number % 7 == 0)
        as_sleep_ms(1); /* so that later tasks overtake this one */
    return t->number == r->work_fails ? as_fail(err, AS_EPLUGIN, "work %d", t->number) : 0;
}

static int consume(void *ctx, void *arg, as_err *err)
{
    run *r = ctx;
    task *t = arg;
    if (t->number != r->consumed || !t->worked)
        r->out_of_order = true;
    r->consumed++;
    (void)atomic_fetch_sub(&r->in_flight, 1);
    bool fails = t->number == r->consume_fails;
    as_free(t);
    return fails ? as_fail(err, AS_EIO, "consume %d", r->consumed - 1) : 0;
}

static void drop(void *ctx, void *arg)
{
    run *r = ctx;
    (void)atomic_fetch_add(&r->dropped, 1);
    as_free(arg);
}

static const as_pipeline_ops ops = { produce, work, consume, drop };

static run plan(int n)
{
    return (run){ .n = n,
                  .produce_fails = NEVER,
                  .work_fails = NEVER,
                  .consume_fails = NEVER,
                  .cancel_at = NEVER };
}

/* Whatever happens: in order, every task consumed or dropped, bounded. */
static void check(const run *r, unsigned depth)
{
    assert_false(r->out_of_order);
    assert_int_equal(r->consumed + atomic_load(&r->dropped), r->made);
    assert_in_range(atomic_load(&r->most_in_flight), 0, depth);
}

static int threads_now(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static void test_pipeline_order(void **state)
{
    (void)state;
    int before = threads_now();
    for (unsigned threads = 1; threads <= 8; threads++) {
        for (unsigned depth = 1; depth <= 9; depth += 4) {
            run r = plan(150);
            as_err err = { 0 };
            assert_int_equal(as_pipeline_run(&ops, &r, threads, depth, NULL, &err), 0);
            check(&r, depth);
            assert_int_equal(r.consumed, 150);
            assert_int_equal(atomic_load(&r.worked), 150);
        }
    }
    run r = plan(50);
    assert_int_equal(as_pipeline_run(&ops, &r, 0, 0, NULL, NULL), 0);
    check(&r, 2 * as_cpu_count() + 2);
    run none = plan(0);
    assert_int_equal(as_pipeline_run(&ops, &none, 2, 0, NULL, NULL), 0);
    assert_int_equal(none.consumed, 0);
    assert_true(threads_now() <= before + 1); /* TSan keeps one of its own */
}

static void fails_with(run *r, unsigned threads, int code, const char *text, int n_consumed)
{
    as_err err = { 0 };
    assert_int_equal(as_pipeline_run(&ops, r, threads, 6, &r->cancel, &err), code);
    assert_int_equal(err.code, code);
    assert_string_equal(err.text, text);
    assert_int_equal(r->consumed, n_consumed);
    check(r, 6);
}

static void test_pipeline_errors(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 8; threads++) {
        for (int at = 0; at < 40; at += 13) {
            char text[40];
            run r = plan(60);
            r.produce_fails = at;
            (void)snprintf(text, sizeof text, "produce %d", at);
            fails_with(&r, threads, AS_EDATA, text, at);
            r = plan(60);
            r.work_fails = at;
            (void)snprintf(text, sizeof text, "work %d", at);
            fails_with(&r, threads, AS_EPLUGIN, text, at);
            r = plan(60);
            r.consume_fails = at;
            (void)snprintf(text, sizeof text, "consume %d", at);
            fails_with(&r, threads, AS_EIO, text, at + 1);
        }
        /* the earlier task's error wins, whichever is noticed first */
        run r = plan(60);
        r.work_fails = 21; /* 21 sleeps; 22 is produced at once */
        r.produce_fails = 23;
        fails_with(&r, threads, AS_EPLUGIN, "work 21", 21);
    }
}

static void test_pipeline_cancel(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 8; threads++) {
        run r = plan(1000);
        r.cancel_at = 30;
        fails_with(&r, threads, AS_EINTR, "interrupted", 31);
        run late = plan(10);
        late.cancel.deadline_ns = as_now_ns() - 1;
        fails_with(&late, threads, AS_EBUDGET, "the deadline passed before the work was done", 0);
    }
}

/* ---- feed ---- */

static const as_feed_ops fed = { work, consume, drop };

/* Puts n tasks; how many were taken without an error. */
static int feed(run *r, as_feed *f, int n, as_err *err)
{
    for (int i = 0; i < n; i++) {
        void *t = NULL;
        assert_int_equal(produce(r, &t, err), 1);
        if (as_feed_put(f, t, err) < 0)
            return i;
    }
    return n;
}

static void test_feed_order(void **state)
{
    (void)state;
    int before = threads_now();
    assert_int_equal(as_feed_close(NULL, NULL), 0);
    for (unsigned threads = 1; threads <= 8; threads++) {
        run r = plan(150);
        as_err err = { 0 };
        as_feed *f = NULL;
        assert_int_equal(as_feed_open(&f, &fed, &r, threads, 3, NULL, &err), 0);
        assert_int_equal(feed(&r, f, 150, &err), 150);
        assert_int_equal(as_feed_close(f, &err), 0);
        check(&r, 6); /* three in the pipeline, one before it, one in each hand */
        assert_int_equal(r.consumed, 150);
        run none = plan(0);
        assert_int_equal(as_feed_open(&f, &fed, &none, threads, 0, NULL, &err), 0);
        assert_int_equal(as_feed_close(f, &err), 0);
    }
    assert_true(threads_now() <= before + 1);
}

/* The error comes out of a later put or of the close, and no task is lost track of. */
static void test_feed_errors(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        run r = plan(200);
        as_err err = { 0 };
        as_feed *f = NULL;
        r.work_fails = kind == 0 ? 20 : NEVER;
        r.consume_fails = kind == 1 ? 20 : NEVER;
        r.cancel_at = kind == 2 ? 20 : NEVER;
        const int codes[] = { AS_EPLUGIN, AS_EIO, AS_EINTR };
        assert_int_equal(as_feed_open(&f, &fed, &r, 3, 0, &r.cancel, &err), 0);
        assert_true(feed(&r, f, 200, &err) < 200);
        assert_int_equal(err.code, codes[kind]);
        err = (as_err){ 0 };
        assert_int_equal(as_feed_close(f, &err), codes[kind]);
        assert_int_equal(err.code, codes[kind]);
        assert_false(r.out_of_order);
        assert_int_equal(r.consumed + atomic_load(&r.dropped), r.made);
        if (kind < 2)
            assert_int_equal(r.consumed, 20 + kind);
    }
}

/* ---- pool ---- */

static void add_one(void *arg)
{
    (void)atomic_fetch_add((atomic_int *)arg, 1);
}

static void test_pool(void **state)
{
    (void)state;
    as_pool_free(NULL);
    for (unsigned threads = 0; threads <= 8; threads++) {
        as_pool *p = NULL;
        as_err err = { 0 };
        atomic_int count = 0;
        assert_int_equal(as_pool_new(&p, threads, &err), 0);
        as_pool_wait(p);
        for (int i = 0; i < 500; i++)
            assert_int_equal(as_pool_submit(p, add_one, &count, &err), 0);
        as_pool_wait(p);
        assert_int_equal(atomic_load(&count), 500);
        for (int i = 0; i < 100; i++)
            assert_int_equal(as_pool_submit(p, add_one, &count, &err), 0);
        as_pool_free(p); /* what is queued still runs */
        assert_int_equal(atomic_load(&count), 600);
    }
}

typedef struct grid {
    as_pool *pool;
    unsigned char hit[40][50]; /* each written by one call only */
    size_t row;
} grid;

static void mark(void *arg, size_t i)
{
    unsigned char *row = arg;
    row[i]++;
}

static void mark_row(void *arg, size_t i)
{
    grid *g = arg;
    as_pool_for(g->pool, 50, mark, g->hit[i]); /* a loop inside a loop, on the same threads */
}

static void test_pool_for(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 8; threads++) {
        static grid g;
        memset(&g, 0, sizeof g);
        assert_int_equal(as_pool_new(&g.pool, threads, NULL), 0);
        as_pool_for(g.pool, 0, mark_row, &g);
        as_pool_for(g.pool, 40, mark_row, &g);
        for (size_t i = 0; i < 40; i++)
            for (size_t j = 0; j < 50; j++)
                assert_int_equal(g.hit[i][j], 1);
        as_pool_for(g.pool, 1, mark, g.hit[0]);
        assert_int_equal(g.hit[0][0], 2);
        as_pool_free(g.pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_pipeline_order),
        cmocka_unit_test(test_pipeline_errors),
        cmocka_unit_test(test_pipeline_cancel),
        cmocka_unit_test(test_feed_order),
        cmocka_unit_test(test_feed_errors),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_pool_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
