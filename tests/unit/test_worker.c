/* test_worker.c -- verifiers in worker processes: whatever one does, it costs the item that made it
 * do it. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/proc.h"
#include "scoring.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { N = 10000, SINNER = 7000 };

static const as_scorer_options in_worker = {
    .isolation = AS_ISOLATION_WORKER, .threads = 1, .timeout_ms = 1000, .worker_mem_mib = 128
};

static const as_scorer_options patient = { .isolation = AS_ISOLATION_WORKER,
                                           .threads = 1,
                                           .timeout_ms = 60000 };

static void score_in(as_scorer *s, const as_items *items, as_arena *arena, as_results *r)
{
    as_err err = { 0 };
    if (as_scorer_score(s, items, 0, arena, r, &err) < 0)
        fail_msg("%s", err.text);
}

static const char *sin_config(const char *sin, int at)
{
    static char config[100];
    (void)snprintf(config, sizeof config, "{\"sin\":\"%s\",\"at\":%d}", sin, at);
    return config;
}

static void a_sin_costs_one_item(const char *sin, const char *reason, uint64_t most_deaths)
{
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    as_items items = numbers(&arena, N, N, 1);
    as_scorer_options options = in_worker;
    if (strcmp(sin, "hang") != 0)
        options.timeout_ms = 60000; /* a machine under load is no hang */
    as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config(sin, SINNER)), &options);
    assert_false(as_scorer_is_inproc(s));
    score_in(s, &items, &arena, &r);
    assert_all_right(&r, N, SINNER);
    if (r.verdict[SINNER] != ASSAY_ERROR || !isnan(r.score[SINNER]) ||
        !strstr(reason_of(&r, SINNER), reason))
        fail_msg("%s: %s %g: %s", sin, as_verdict_word(r.verdict[SINNER]), (double)r.score[SINNER],
                 reason_of(&r, SINNER));
    as_scorer_stats stats = as_scorer_get_stats(s);
    if (stats.worker_deaths > most_deaths && !IS_SANITIZED)
        fail_msg("%s: %llu deaths", sin, (unsigned long long)stats.worker_deaths);
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void every_sin_costs_one_item(void **state)
{
    (void)state;
    a_sin_costs_one_item("nan", "NaN", 0);
    a_sin_costs_one_item("unset", "left this item unset", 0);
    a_sin_costs_one_item("status", "out of luck", 0);
    a_sin_costs_one_item("stdout", "wrote to stdout: \"what am I doing here\"", 0);
    a_sin_costs_one_item("memory", "out of memory (limit 128 MiB)", 0);
    a_sin_costs_one_item("exit", "exited with status 0", 2);
    a_sin_costs_one_item(
        "crash", IS_SANITIZED ? "the verifier" : "killed by signal 11 (Segmentation fault)", 2);
    a_sin_costs_one_item("abort", "the verifier crashed: killed by signal 6", 2);
    a_sin_costs_one_item("hang", "no progress for 1000 ms", 2);
    a_sin_costs_one_item("close", "the verifier ended its process", 3);
    a_sin_costs_one_item("garbage", "disturbed the connection", 3);
}

/* hostile.so at item 70 of 100: what becomes of it, and nothing of the others. */
static void hostile_costs(const char *sin, const char *reason)
{
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    as_items items = numbers(&arena, 100, 100, 1);
    as_scorer_options options = in_worker;
    options.worker_mem_mib = 2048;
    if (!reason || !strstr(reason, "no progress"))
        options.timeout_ms = 60000; /* a machine under load is no hang */
    as_scorer *s = open_scorer(plugin("hostile", NULL, sin_config(sin, 70)), &options);
    int64_t start = as_now_ns();
    score_in(s, &items, &arena, &r);
    assert_all_right(&r, 100, reason ? 70 : UINT32_MAX);
    if (reason && (r.verdict[70] != ASSAY_ERROR || !strstr(reason_of(&r, 70), reason)))
        fail_msg("%s: %s: %s", sin, as_verdict_word(r.verdict[70]), reason_of(&r, 70));
    if (as_now_ns() - start > 20000000000 && !IS_SANITIZED)
        fail_msg("%s: took %lld ms", sin, (long long)((as_now_ns() - start) / 1000000));
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void enmity_costs_one_item(void **state)
{
    (void)state;
    static const char hung[] = "no progress for 1000 ms";
    hostile_costs("emit_for_ever", hung); /* saying the same again is no progress */
    hostile_costs("bad_emit_for_ever", hung);
    hostile_costs("toggle", hung);
    hostile_costs("sigstop", hung);
    hostile_costs("block_hang", hung);
    hostile_costs("close_all", "the verifier ended its process");
    hostile_costs("dup_over", "the verifier ended its process");
    hostile_costs("thread_exit", "exited with status 3");
    if (!IS_SANITIZED) {
        hostile_costs("tasks", NULL); /* a list of 300,000 takes no longer than its length */
        hostile_costs("emit_threads", NULL);
    }
    hostile_costs("destroy_hang", NULL);
    hostile_costs("destroy_crash", NULL);
}

/* ru_maxrss of a child starts at its parent's. */
static void the_memory_of_the_host_is_not_the_verifiers(void **state)
{
    (void)state;
    if (IS_SANITIZED)
        skip();
    enum { HELD = 300 << 20 };
    char *held = malloc(HELD);
    assert_non_null(held);
    memset(held, 1, HELD);
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    as_items items = numbers(&arena, 100, 100, 1);
    as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config("crash", 70)), &in_worker);
    for (int k = 0; k < 5; k++)
        score_in(s, &items, &arena, &r);
    assert_string_equal(reason_of(&r, 70),
                        "the verifier crashed: killed by signal 11 (Segmentation fault)");
    as_scorer_stats stats = as_scorer_get_stats(s);
    assert_int_equal(stats.worker_starts - stats.worker_deaths, 1); /* none was thrown away */
    as_scorer_close(s);
    as_arena_fini(&arena);
    assert_int_equal(held[HELD - 1], 1);
    free(held);
}

static void harmless_noise_is_no_error(void **state)
{
    (void)state;
    static const char *const noises[] = { "stderr", "log" };
    for (size_t k = 0; k < 2; k++) {
        as_arena arena;
        as_results r;
        as_arena_init(&arena, 0);
        as_items items = numbers(&arena, 1000, 1000, 1);
        as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config(noises[k], 3)), &patient);
        score_in(s, &items, &arena, &r);
        assert_all_right(&r, 1000, UINT32_MAX);
        as_scorer_close(s);
        as_arena_fini(&arena);
    }
}

static void groups_fail_whole_and_alone(void **state)
{
    (void)state;
    static const char *const sins[] = { "crash", "hang", "stdout", "exit", "status" };
    for (size_t k = 0; k < sizeof sins / sizeof *sins; k++) {
        as_arena arena;
        as_results r;
        as_arena_init(&arena, 0);
        as_items items = numbers(&arena, 3500, 3500, 7);
        as_scorer_options options = in_worker;
        options.timeout_ms =
            strcmp(sins[k], "hang") ? 60000 : 100; /* a group gets this for each of its items */
        as_scorer *s = open_scorer(plugin("sevenk", "group", sin_config(sins[k], 1753)), &options);
        score_in(s, &items, &arena, &r);
        for (uint32_t i = 0; i < r.n; i++) {
            assay_verdict expected = i / 7 == 1753 / 7 ? ASSAY_ERROR : ASSAY_PASS;
            if (r.verdict[i] != expected)
                fail_msg("%s: item %u: %s: %s", sins[k], i, as_verdict_word(r.verdict[i]),
                         reason_of(&r, i));
        }
        as_scorer_close(s);
        as_arena_fini(&arena);
    }
}

static void extraction_fails_alone_too(void **state)
{
    (void)state;
    static const char *const sins[] = { "crash", "hang", "stdout", "status" };
    for (size_t k = 0; k < sizeof sins / sizeof *sins; k++) {
        as_arena arena;
        as_results r;
        as_arena_init(&arena, 0);
        as_items items = numbers(&arena, 2000, 2000, 1);
        as_scorer_options options = in_worker;
        if (strcmp(sins[k], "hang") != 0)
            options.timeout_ms = 60000;
        as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config(sins[k], 1234)), &options);
        assert_true(as_scorer_votes(s));
        assert_int_equal(as_scorer_extract(s, &items, &arena, &r, NULL), 0);
        for (uint32_t i = 0; i < r.n; i++) {
            assert_int_equal(r.verdict[i], i == 1234 ? ASSAY_ERROR : ASSAY_PASS);
            assert_true(i == 1234 ||
                        as_str_eq(as_results_get(&r, i, ASSAY_OUT_KEY), items.completion[i]));
        }
        assert_int_equal(as_scorer_same(s, AS_LIT("3"), AS_LIT("13")), 1);
        assert_int_equal(as_scorer_same(s, AS_LIT("3"), AS_LIT("14")), 0);
        as_scorer_close(s);
        as_arena_fini(&arena);
    }
}

static void a_leaking_worker_is_replaced(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    as_items items = numbers(&arena, 100, 100, 1); /* 1 MiB leaks with each */
    as_scorer_options options = in_worker;
    options.worker_mem_mib = 256;
    options.timeout_ms = 60000;
    as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config("leak", -1)), &options);
    for (int round = 0; round < 4; round++) {
        score_in(s, &items, &arena, &r);
        assert_all_right(&r, 100, UINT32_MAX);
    }
    as_scorer_stats stats = as_scorer_get_stats(s);
    assert_true(stats.worker_starts > 1);
    assert_int_equal(stats.worker_deaths, 0);
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static bool read_stat(pid_t pid, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    text[fread(text, 1, size - 1, f)] = 0;
    (void)fclose(f);
    return true;
}

/* The children of a process; at most `max`. */
static size_t children(pid_t parent, pid_t *out, size_t max)
{
    size_t n = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *e; (e = readdir(proc)) != NULL && n < max;) {
        unsigned long long pid;
        char text[512];
        if (!as_str_u64(as_str_of(e->d_name), &pid) || !read_stat((pid_t)pid, text, sizeof text))
            continue;
        const char *after = strrchr(text, ')'); /* ") S PPID" */
        if (after && strtol(after + 4, NULL, 10) == parent)
            out[n++] = (pid_t)pid;
    }
    (void)closedir(proc);
    return n;
}

static void a_worker_killed_from_outside_costs_nothing(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    pid_t pids[8] = { 0 };
    as_arena_init(&arena, 0);
    as_items items = numbers(&arena, 1000, 1000, 1);
    as_scorer *s = open_scorer(plugin("sevenk", NULL, NULL), &patient);
    score_in(s, &items, &arena, &r);
    assert_int_equal(children(getpid(), pids, 8), 1);
    assert_int_equal(kill(pids[0], SIGKILL), 0);
    score_in(s, &items, &arena, &r);
    assert_all_right(&r, 1000, UINT32_MAX);
    assert_int_equal(as_scorer_get_stats(s).worker_deaths, 1);
    as_scorer_close(s);
    assert_int_equal(children(getpid(), pids, 8), 0);
    as_arena_fini(&arena);
}

/* In a process of its own: see main(). Never returns but by being killed. */
static int host_that_will_be_killed(void)
{
    as_arena arena;
    as_results r;
    (void)open_registry(NULL);
    as_arena_init(&arena, 0);
    as_items items = numbers(&arena, 10, 10, 1);
    as_scorer_options options = in_worker;
    options.timeout_ms = 30000;
    as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config("hang", 5)), &options);
    (void)as_scorer_score(s, &items, 0, &arena, &r, NULL);
    return 1;
}

/* A zombie is gone: who adopted it may take its time to notice. */
static bool is_gone(pid_t pid)
{
    char text[512];
    return !read_stat(pid, text, sizeof text) || strstr(text, ") Z ");
}

static void a_killed_host_leaves_no_worker(void **state)
{
    (void)state;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    const char *argv[] = { self, "--host", NULL };
    pid_t host = 0, worker[2] = { 0 };
    int status;
    assert_int_equal(as_spawn(&host, argv, NULL, NULL, 0, NULL), 0);
    int64_t until = as_now_ns() + 60000000000;
    while (children(host, worker, 2) != 1 && as_now_ns() < until)
        as_sleep_ms(10);
    assert_int_equal(children(host, worker, 2), 1);
    as_sleep_ms(300); /* well inside the item that hangs */
    as_proc_kill(host, &status);
    while (!is_gone(worker[0]) && as_now_ns() < until)
        as_sleep_ms(10);
    assert_true(is_gone(worker[0]));
}

static void *cancel_soon(void *cancel)
{
    as_sleep_ms(200);
    as_cancel_set(cancel, AS_EINTR);
    return NULL;
}

static void cancel_reaches_a_hanging_worker(void **state)
{
    (void)state;
    static const char *const sins[] = { "hang", "wait" };
    for (size_t k = 0; k < 2; k++) {
        as_arena arena;
        as_results r;
        as_err err = { 0 };
        as_cancel cancel = { 0 };
        pthread_t thread;
        as_arena_init(&arena, 0);
        as_items items = numbers(&arena, 2000, 2000, 1);
        as_scorer_options options = in_worker;
        options.timeout_ms = 100000;
        options.cancel = &cancel;
        as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config(sins[k], 1500)), &options);
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
        assert_int_equal(as_scorer_score(s, &items, 0, &arena, &r, &err), AS_EINTR);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(r.verdict[1000], ASSAY_PASS);
        assert_int_equal(r.verdict[1500], ASSAY_UNSET);
        assert_int_equal(r.verdict[1999], ASSAY_UNSET);
        as_scorer_close(s);
        as_arena_fini(&arena);
    }
}

/* The range fails at once, and its items run one by one for 10 s. */
static void cancel_reaches_items_that_run_one_by_one(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        as_arena arena;
        as_results r;
        as_err err = { 0 };
        as_cancel cancel = { 0 };
        pthread_t thread;
        as_arena_init(&arena, 0);
        as_items items = numbers(&arena, 100, 100, 1);
        as_scorer_options options = patient;
        options.isolation = k ? AS_ISOLATION_INPROC : AS_ISOLATION_WORKER;
        options.cancel = &cancel;
        as_scorer *s = open_scorer(plugin("hostile", NULL, sin_config("status_slow", 0)), &options);
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
        assert_int_equal(as_scorer_score(s, &items, 0, &arena, &r, &err), AS_EINTR);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(r.verdict[0], ASSAY_PASS);
        assert_int_equal(r.verdict[50], ASSAY_UNSET); /* and no error */
        assert_int_equal(r.verdict[99], ASSAY_UNSET);
        as_scorer_close(s);
        as_arena_fini(&arena);
    }
}

static void copy_file(const char *from, const char *to, const char *more)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out);
    for (int c; (c = getc(in)) != EOF;)
        (void)putc(c, out);
    (void)fputs(more, out);
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

static void another_file_does_not_judge_on(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    as_items items = numbers(&arena, 100, 100, 1);
    char folder[] = "/tmp/assay-test-XXXXXX", old[64], new[64], name[200];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(old, sizeof old, "%s/a.so", folder);
    (void)snprintf(new, sizeof new, "%s/b.so", folder);
    copy_file(plugin("hostile", NULL, NULL), old, "");
    (void)snprintf(name, sizeof name, "%s:%s", old, sin_config("thread_exit", 70));
    as_scorer *s = open_scorer(name, &in_worker);
    copy_file(plugin("hostile", NULL, NULL), new, "more");
    assert_int_equal(rename(new, old), 0);
    score_in(s, &items, &arena, &r);
    assert_int_equal(r.verdict[70], ASSAY_ERROR);
    assert_non_null(strstr(reason_of(&r, 70), "a.so: the file was changed during this run"));
    as_scorer_close(s);
    as_arena_fini(&arena);
    assert_int_equal(unlink(old), 0);
    assert_int_equal(rmdir(folder), 0);
}

struct job {
    as_scorer *scorer;
    uint32_t wrong;
};

static void *score_many(void *arg)
{
    struct job *job = arg;
    for (int round = 0; round < 5; round++) {
        as_arena arena;
        as_results r;
        as_arena_init(&arena, 0);
        as_items items = numbers(&arena, 2000, 2000, 1);
        job->wrong += as_scorer_score(job->scorer, &items, 0, &arena, &r, NULL) < 0;
        for (uint32_t i = 0; i < r.n; i++)
            job->wrong += i == 1111 ? r.verdict[i] != ASSAY_ERROR
                                    : r.verdict[i] != (i % 2 ? ASSAY_FAIL : ASSAY_PASS);
        as_arena_fini(&arena);
    }
    return NULL;
}

static void eight_threads_over_crashing_workers(void **state)
{
    (void)state;
    pthread_t threads[8];
    struct job jobs[8];
    as_scorer_options options = in_worker;
    options.threads = 3;
    options.timeout_ms = 60000;
    as_scorer *s = open_scorer(plugin("sevenk", NULL, sin_config("abort", 1111)), &options);
    for (size_t i = 0; i < 8; i++) {
        jobs[i] = (struct job){ .scorer = s };
        assert_int_equal(pthread_create(&threads[i], NULL, score_many, &jobs[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].wrong, 0);
    }
    as_scorer_close(s);
}

static void parts_are_opened_through_the_worker(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    char config[4096];
    as_arena_init(&arena, 0);
    (void)snprintf(config, sizeof config,
                   "{\"part\":\"%s:{\\\"sin\\\":\\\"abort\\\",\\\"at\\\":5}\"}",
                   plugin("sevenk", NULL, NULL));
    as_items items = numbers(&arena, 300, 30, 30);
    as_scorer *s = open_scorer(plugin("nested", NULL, config), &patient);
    score_in(s, &items, &arena, &r);
    for (uint32_t i = 0; i < r.n; i++) {
        uint32_t number = i % 30;
        assay_verdict expected = number == 5 ? ASSAY_ERROR : number % 2 ? ASSAY_FAIL : ASSAY_PASS;
        assert_int_equal(r.verdict[i], expected);
    }
    as_scorer_close(s);
    (void)snprintf(config, sizeof config, "{\"part\":\"%s\"}", plugin("sevenk", NULL, NULL));
    s = open_scorer(plugin("nested", NULL, config), &patient);
    assert_int_equal(as_scorer_extract(s, &items, &arena, &r, NULL), 0);
    assert_string_equal(as_results_get(&r, 13, ASSAY_OUT_KEY).data, "13");
    assert_string_equal(as_results_get(&r, 13, ASSAY_OUT_ANSWER).data, "13");
    assert_true(
        as_str_eq(as_results_get(&r, 3, ASSAY_OUT_RULE), as_results_get(&r, 13, ASSAY_OUT_RULE)));
    assert_int_equal(as_scorer_same(s, AS_LIT("3"), AS_LIT("13")), 1);
    assert_int_equal(as_scorer_same(s, AS_LIT("3"), AS_LIT("4")), 0);
    as_scorer_close(s);
    (void)snprintf(config, sizeof config, "{\"late\":true,\"part\":\"%s\"}",
                   plugin("sevenk", NULL, NULL));
    s = open_scorer(plugin("nested", NULL, config), &patient);
    score_in(s, &items, &arena, &r);
    assert_int_equal(r.verdict[0], ASSAY_ERROR);
    assert_non_null(strstr(reason_of(&r, 0), "in create() only"));
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void large_and_odd_items_pass_the_wire(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    size_t size = 10 << 20;
    char *big = as_arena_alloc(&arena, size + 1);
    assert_non_null(big);
    memset(big, '7', size);
    big[size] = 0;
    as_str completion[] = {
        { big, size }, { "4\0four", 6 }, { "", 0 }, { "8\xff", 2 }, { big, size }
    };
    assay_batch b = { .size = sizeof b, .n = 5, .completion = completion };
    as_items items;
    assert_int_equal(as_items_of_batch(&items, &b, &arena, NULL), 0);
    as_scorer *s = open_scorer(plugin("sevenk", NULL, NULL), &patient);
    assert_int_equal(as_scorer_score(s, &items, ASSAY_WANT_ANSWER, &arena, &r, NULL), 0);
    static const assay_verdict expected[] = { ASSAY_FAIL, ASSAY_PASS, ASSAY_PASS, ASSAY_PASS,
                                              ASSAY_FAIL };
    assert_memory_equal(r.verdict, expected, 5);
    assert_true(as_str_eq(as_results_get(&r, 4, ASSAY_OUT_KEY), completion[4]));
    assert_true(as_str_eq(as_results_get(&r, 1, ASSAY_OUT_KEY), completion[1]));
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void a_verifier_that_dies_in_create_is_refused(void **state)
{
    (void)state;
    as_scorer *s = NULL;
    as_err err = { 0 };
    assert_int_equal(as_scorer_open(&s, registry, plugin("sevenk", NULL, sin_config("create", 0)),
                                    &in_worker, &err),
                     AS_EPLUGIN);
    assert_non_null(strstr(err.text, "while the verifier was being created"));
    err = (as_err){ 0 };
    assert_int_equal(
        as_scorer_open(&s, registry, plugin("sevenk", NULL, "{\"typo\":1}"), &in_worker, &err),
        AS_EUSAGE);
    assert_non_null(strstr(err.text, "config key unknown"));
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--host") == 0)
        return host_that_will_be_killed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sin_costs_one_item),
        cmocka_unit_test(enmity_costs_one_item),
        cmocka_unit_test(the_memory_of_the_host_is_not_the_verifiers),
        cmocka_unit_test(harmless_noise_is_no_error),
        cmocka_unit_test(groups_fail_whole_and_alone),
        cmocka_unit_test(extraction_fails_alone_too),
        cmocka_unit_test(a_leaking_worker_is_replaced),
        cmocka_unit_test(a_worker_killed_from_outside_costs_nothing),
        cmocka_unit_test(a_killed_host_leaves_no_worker),
        cmocka_unit_test(cancel_reaches_a_hanging_worker),
        cmocka_unit_test(cancel_reaches_items_that_run_one_by_one),
        cmocka_unit_test(another_file_does_not_judge_on),
        cmocka_unit_test(eight_threads_over_crashing_workers),
        cmocka_unit_test(parts_are_opened_through_the_worker),
        cmocka_unit_test(large_and_odd_items_pass_the_wire),
        cmocka_unit_test(a_verifier_that_dies_in_create_is_refused),
    };
    return cmocka_run_group_tests_name("worker", tests, open_registry, close_registry);
}
