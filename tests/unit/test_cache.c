/* test_cache.c -- the verdict cache: what it keeps, what it never keeps, bad files, full disks,
 * many processes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "plug/cache.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64]; /* of the running test */
static as_arena arena;
static int n_warnings;
static char last_warning[600];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void take_line(void *data, as_log_level level, const char *line)
{
    (void)data;
    pthread_mutex_lock(&log_lock);
    n_warnings += level >= AS_LOG_WARN;
    snprintf(last_warning, sizeof last_warning, "%s", line);
    pthread_mutex_unlock(&log_lock);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/assay_cache_XXXXXX");
    as_arena_init(&arena, 0);
    as_log_set(take_line, NULL, AS_LOG_INFO);
    n_warnings = 0;
    last_warning[0] = '\0';
    return mkdtemp(folder) ? 0 : -1;
}

static void remove_file(const char *suffix)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, suffix);
    if (unlink(path) != 0)
        (void)rmdir(path);
}

static const char *file(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const made[] = { "c",         "c-wal", "c-shm",     "c-journal", "c.v99",
                                        "c.v99-wal", "sub/c", "sub/c-wal", "sub/c-shm", "sub" };
    as_arena_fini(&arena);
    (void)umount2(file("sub"), MNT_DETACH); /* if a test failed with it mounted */
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        remove_file(made[i]);
    return rmdir(folder);
}

/* ---- helpers ---- */

static const as_verifier_info info = {
    .id = "org.assay.t", .revision = 3, .flags = ASSAY_F_DETERMINISTIC, .cost_us = 500
};

static as_digest number_key(unsigned i)
{
    char text[32];
    snprintf(text, sizeof text, "key %u", i);
    return as_sha256_of(as_str_of(text));
}

static as_results blank(uint32_t n)
{
    as_results r;
    assert_int_equal(as_results_init(&r, n, &arena, NULL), 0);
    return r;
}

static as_cache *open_cache(const char *path)
{
    as_cache *c = NULL;
    as_err err = { 0 };
    assert_int_equal(as_cache_open(&c, path, &err), 0);
    assert_non_null(c);
    return c;
}

static void put_one(as_cache *c, unsigned i, assay_verdict v, float score, const char *reason)
{
    as_results r = blank(1);
    as_digest key = number_key(i);
    uint32_t row = 0;
    r.verdict[0] = v;
    r.score[0] = score;
    if (reason)
        assert_int_equal(as_results_emit(&r, 0, ASSAY_OUT_REASON, as_str_of(reason)), 0);
    as_cache_put(c, &key, &r, &row, 1);
}

static bool has(as_cache *c, unsigned i)
{
    as_results r = blank(1);
    return as_cache_get(c, number_key(i), &r, 0);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- what is kept ---- */

static void test_round_trip(void **state)
{
    (void)state;
    static const struct {
        uint32_t channel;
        as_str text;
    } texts[] = { { ASSAY_OUT_ANSWER,
                    { "1\0"
                      "2",
                      3 } },
                  { ASSAY_OUT_KEY, { "", 0 } },
                  { ASSAY_OUT_RULE, { "number", 6 } },
                  { ASSAY_OUT_REASON, { "\xC3\xA4h", 3 } },
                  { ASSAY_OUT_METRICS, { "{\"a\":1}", 7 } },
                  { ASSAY_OUT_DETAIL, { "[]", 2 } },
                  { ASSAY_OUT_SPANS, { "\0\1\2\3\4\5\6\7", 8 } } };
    as_results r = blank(3);
    as_digest keys[2] = { number_key(0), number_key(1) };
    uint32_t rows[2] = { 2, 1 }; /* row 0 is not asked to be stored */
    r.verdict[2] = ASSAY_PASS;
    r.score[2] = 0.1f;
    r.verdict[1] = ASSAY_ABSTAIN;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(as_results_emit(&r, 2, texts[i].channel, texts[i].text), 0);
    assert_int_equal(as_results_emit(&r, 2, ASSAY_OUT_EXPLAIN, AS_LIT("long")), 0);
    as_cache *c = open_cache(file("c"));
    as_cache_put(c, keys, &r, rows, 2);
    for (int again = 0; again < 2; again++) {
        as_results got = blank(5);
        assert_true(as_cache_get(c, keys[0], &got, 4));
        assert_true(as_cache_get(c, keys[1], &got, 0));
        assert_int_equal(got.verdict[4], ASSAY_PASS);
        assert_true(got.score[4] == 0.1f && got.cached[4] && !got.cached[1]);
        assert_true(got.verdict[0] == ASSAY_ABSTAIN && isnan(got.score[0]));
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            as_str text = as_results_get(&got, 4, texts[i].channel);
            assert_non_null(text.data);
            assert_true(as_str_eq(text, texts[i].text));
            assert_null(as_results_get(&got, 0, texts[i].channel).data);
        }
        assert_null(as_results_get(&got, 4, ASSAY_OUT_EXPLAIN).data);
        assert_false(has(c, 7));
        as_cache_close(c); /* the second round reads what is on the disk */
        c = open_cache(file("c"));
    }
    as_cache_close(c);
    assert_int_equal(n_warnings, 0);
}

static void test_never_kept(void **state)
{
    (void)state;
    as_cache *c = open_cache(file("c"));
    put_one(c, 0, ASSAY_ERROR, NAN, "sandbox");
    put_one(c, 1, ASSAY_TIMEOUT, 0, "too slow");
    put_one(c, 2, ASSAY_FAIL, 0, "flaky");
    put_one(c, 3, ASSAY_FAIL, 0, "flaky: two outcomes of one program");
    put_one(c, 4, ASSAY_UNSET, NAN, NULL);
    put_one(c, 5, ASSAY_PASS, NAN, NULL);
    for (unsigned i = 0; i < 6; i++)
        assert_false(has(c, i));
    put_one(c, 6, ASSAY_FAIL, 0, "flakyness is not what this says");
    put_one(c, 7, ASSAY_NO_ANSWER, 0, "no box");
    put_one(c, 8, ASSAY_PASS, 1, NULL);
    for (unsigned i = 6; i < 9; i++)
        assert_true(has(c, i));
    as_cache_close(c);
    as_verifier_info other = info;
    assert_true(as_cache_takes(&other));
    other.flags |= ASSAY_F_NEEDS_GROUP;
    assert_false(as_cache_takes(&other));
    other.flags = ASSAY_F_REENTRANT;
    assert_false(as_cache_takes(&other));
}

static void test_keys_hold_everything(void **state)
{
    (void)state;
    enum { N = 11 };
    as_digest keys[N], config = as_sha256_of(AS_LIT("{}"));
    as_str cells[4] = { AS_LIT("p"), AS_LIT("c"), AS_LIT("r"), AS_LIT("{}") };
    as_items items = { .n = 1,
                       .prompt = &cells[0],
                       .completion = &cells[1],
                       .reference = &cells[2],
                       .meta = &cells[3] };
    as_verifier_info other = info;
    keys[0] = as_cache_key(&info, config, &items, 0);
    other.id = "org.assay.u";
    keys[1] = as_cache_key(&other, config, &items, 0);
    other = info;
    other.revision++;
    keys[2] = as_cache_key(&other, config, &items, 0);
    keys[3] = as_cache_key(&info, as_sha256_of(AS_LIT("{1}")), &items, 0);
    for (int k = 0; k < 4; k++) {
        as_str old = cells[k];
        cells[k] = AS_LIT("x");
        keys[4 + k] = as_cache_key(&info, config, &items, 0);
        cells[k] = old;
    }
    cells[2] = (as_str){ NULL, 0 };
    keys[8] = as_cache_key(&info, config, &items, 0);
    cells[2] = AS_LIT("");
    keys[9] = as_cache_key(&info, config, &items, 0);
    cells[1] = AS_LIT("cr"); /* fields must not run into each other */
    keys[10] = as_cache_key(&info, config, &items, 0);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[i]);
    }
    cells[1] = AS_LIT("c");
    cells[2] = AS_LIT("r");
    as_digest again = as_cache_key(&info, config, &items, 0);
    assert_memory_equal(&again, &keys[0], sizeof again);
}

/* ---- files that are not what they should be ---- */

/* Off: answers "not there", takes what it is given, said once. */
static void assert_off(as_cache *c, const char *why)
{
    for (unsigned i = 0; i < 3; i++) {
        put_one(c, i, ASSAY_PASS, 1, NULL);
        assert_false(has(c, i));
    }
    assert_int_equal(n_warnings, 1);
    if (!strstr(last_warning, why))
        fail_msg("expected \"%s\" in: %s", why, last_warning);
    as_cache_close(c);
}

static void test_a_text_file(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'x', sizeof text);
    as_str bytes = { text, sizeof text };
    assert_int_equal(as_file_write_atomic(file("c"), bytes, NULL), 0);
    assert_off(open_cache(file("c")), "not a database");
    AS_CLEANUP(buf) as_buf after = { 0 };
    as_buf_init(&after, 1 << 20);
    assert_int_equal(as_file_read(file("c"), &after, NULL), 0);
    assert_true(as_str_eq(as_buf_str(&after), bytes)); /* not ours: not touched */
}

static void test_a_foreign_database(void **state)
{
    (void)state;
    sql(file("c"), "CREATE TABLE bookmarks(a); PRAGMA user_version=99");
    assert_off(open_cache(file("c")), "not a verdict cache");
    assert_false(as_path_exists(file("c.v99")));
}

static void test_a_folder_and_no_folder(void **state)
{
    (void)state;
    assert_off(open_cache(folder), "unable to open");
    n_warnings = 0;
    assert_off(open_cache(file("none/c")), "unable to open");
}

static void test_another_version_is_moved(void **state)
{
    (void)state;
    as_cache *c = open_cache(file("c"));
    put_one(c, 1, ASSAY_PASS, 1, NULL);
    as_cache_close(c);
    sql(file("c"), "PRAGMA user_version=99");
    c = open_cache(file("c"));
    assert_int_equal(n_warnings, 1);
    assert_non_null(strstr(last_warning, "another version"));
    assert_true(as_path_exists(file("c.v99")));
    assert_false(has(c, 1));
    put_one(c, 2, ASSAY_PASS, 1, NULL);
    assert_true(has(c, 2));
    as_cache_close(c);
    c = open_cache(file("c"));
    assert_true(has(c, 2));
    as_cache_close(c);
    assert_int_equal(n_warnings, 1);
    sql(file("c.v99"), "SELECT verdict FROM verdict_1"); /* whole, and still readable */
}

static int count_rows(void *n, int columns, char **values, char **names)
{
    (void)columns;
    (void)values;
    (void)names;
    ++*(int *)n;
    return 0;
}

/* Whoever still reads the old one goes on reading it: nothing is pulled from under it. */
static void test_another_version_in_use(void **state)
{
    (void)state;
    as_cache *c = open_cache(file("c"));
    put_one(c, 1, ASSAY_PASS, 1, NULL);
    as_cache_close(c);
    sql(file("c"), "PRAGMA user_version=99");
    sqlite3 *user = NULL;
    int n = 0;
    assert_int_equal(sqlite3_open(file("c"), &user), SQLITE_OK);
    assert_int_equal(sqlite3_exec(user, "BEGIN; SELECT * FROM verdict_1", count_rows, &n, NULL),
                     SQLITE_OK);
    c = open_cache(file("c"));
    put_one(c, 2, ASSAY_PASS, 1, NULL);
    assert_true(!has(c, 1) && has(c, 2));
    assert_int_equal(sqlite3_exec(user, "SELECT * FROM verdict_1", count_rows, &n, NULL),
                     SQLITE_OK);
    assert_int_equal(n, 2);
    sqlite3_close(user);
    as_cache_close(c);
    assert_int_equal(n_warnings, 1);
}

static void test_damaged_pages(void **state)
{
    (void)state;
    as_cache *c = open_cache(file("c"));
    for (unsigned i = 0; i < 2000; i++)
        put_one(c, i, ASSAY_PASS, 1, "some text to fill pages");
    as_cache_close(c);
    FILE *f = fopen(file("c"), "r+b");
    assert_non_null(f);
    char junk[4096];
    memset(junk, 0xA5, sizeof junk);
    for (long page = 1; page < 20; page++) {
        assert_int_equal(fseek(f, page * 4096, SEEK_SET), 0);
        assert_int_equal(fwrite(junk, 1, sizeof junk, f), sizeof junk);
    }
    assert_int_equal(fclose(f), 0);
    n_warnings = 0;
    c = open_cache(file("c"));
    for (unsigned i = 0; i < 50; i++) {
        (void)has(c, i);
        put_one(c, 5000 + i, ASSAY_PASS, 1, NULL);
    }
    as_cache_close(c);
    assert_in_range(n_warnings, 1, 2); /* reading and writing: once each */
}

static void test_rows_nobody_could_have_written(void **state)
{
    (void)state;
    as_cache *c = open_cache(file("c"));
    for (unsigned i = 0; i < 4; i++)
        put_one(c, i, ASSAY_PASS, 1, NULL);
    as_cache_close(c);
    char text[400], hex[4][65];
    for (unsigned i = 0; i < 4; i++)
        as_digest_hex(number_key(i), hex[i]);
    snprintf(
        text, sizeof text,
        "UPDATE verdict_1 SET verdict=77 WHERE key=x'%s'; UPDATE verdict_1 SET score=NULL WHERE "
        "key=x'%s';"
        "UPDATE verdict_1 SET score='abc' WHERE key=x'%s'",
        hex[0], hex[1], hex[2]);
    sql(file("c"), text);
    c = open_cache(file("c"));
    assert_false(has(c, 0));
    assert_false(has(c, 1));
    assert_false(has(c, 2));
    assert_true(has(c, 3));
    as_cache_close(c);
}

/* ---- where nothing can be written ---- */

static void test_read_only(void **state)
{
    (void)state;
    as_cache *c = open_cache(file("c"));
    put_one(c, 1, ASSAY_PASS, 1, NULL);
    as_cache_close(c);
    bool is_root = geteuid() == 0;
    assert_int_equal(chmod(file("c"), 0444), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    if (is_root)
        assert_int_equal(seteuid(65534), 0); /* root may write everywhere */
    else
        assert_int_equal(chmod(folder, 0555), 0);
    c = open_cache(file("c"));
    put_one(c, 2, ASSAY_PASS, 1, NULL);
    bool got_new = has(c, 2);
    as_cache_close(c);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_false(got_new);
    assert_int_equal(n_warnings, 1);
}

static void fill(const char *path)
{
    as_cache *c = open_cache(path);
    char text[4096];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    put_one(c, 0, ASSAY_PASS, 1, "first");
    assert_int_equal(n_warnings, 0);
    unsigned i = 1;
    while (n_warnings == 0 && i < 3000)
        put_one(c, i++, ASSAY_PASS, 1, text);
    assert_int_equal(n_warnings, 1);
    assert_non_null(strstr(last_warning, "cannot be written"));
    assert_true(has(c, 0)); /* what is known stays known */
    for (unsigned k = 0; k < 20; k++)
        put_one(c, i + k, ASSAY_PASS, 1, text);
    assert_int_equal(n_warnings, 1);
    as_cache_close(c);
}

static void test_file_size_limit(void **state)
{
    (void)state;
    struct rlimit old, tight;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &before), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){ (rlim_t)300 * 1024, old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    fill(file("c"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(sigaction(SIGXFSZ, &before, NULL), 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    char sub[200];
    snprintf(sub, sizeof sub, "%s", file("sub"));
    assert_int_equal(mkdir(sub, 0700), 0);
    if (mount("assay-test", sub, "tmpfs", 0, "size=512k") != 0) {
        print_message("SKIP full_disk: mounting a tmpfs needs privileges; the file size limit "
                      "above covers the path\n");
        return;
    }
    fill(file("sub/c"));
    assert_int_equal(umount(sub), 0);
}

/* ---- many processes ---- */

enum { PROCESSES = 4, THREADS = 2, SHARED = 300 };

static float score_of(unsigned i)
{
    return (float)i / 7.0f;
}

typedef struct child {
    as_cache *cache;
    unsigned seed, hits, wrong;
} child;

/* Reads and writes the same keys in an order of its own; whatever it finds has to be what anybody
 * would write. */
static void *use_cache(void *arg)
{
    child *me = arg;
    as_arena own;
    as_arena_init(&own, 0);
    for (unsigned k = 0; k < SHARED; k++) {
        unsigned i = (k * 7 + me->seed * 41) % SHARED;
        as_digest key = number_key(i);
        as_results r;
        if (as_results_init(&r, 1, &own, NULL) < 0)
            break;
        if (as_cache_get(me->cache, key, &r, 0)) {
            me->hits++;
            me->wrong +=
                r.score[0] != score_of(i) || !as_str_is(as_results_get(&r, 0, ASSAY_OUT_KEY), "k");
            continue;
        }
        uint32_t row = 0;
        r.verdict[0] = ASSAY_PASS;
        r.score[0] = score_of(i);
        (void)as_results_emit(&r, 0, ASSAY_OUT_KEY, AS_LIT("k"));
        as_cache_put(me->cache, &key, &r, &row, 1);
    }
    as_arena_fini(&own);
    return NULL;
}

static int run_child(const char *path, unsigned number)
{
    as_cache *c = NULL;
    pthread_t threads[THREADS];
    child me[THREADS];
    as_log_set(take_line, NULL, AS_LOG_INFO);
    if (as_cache_open(&c, path, NULL) < 0)
        return 10;
    for (unsigned t = 0; t < THREADS; t++) {
        me[t] = (child){ .cache = c, .seed = number * THREADS + t };
        if (pthread_create(&threads[t], NULL, use_cache, &me[t]) != 0)
            return 11;
    }
    unsigned wrong = 0;
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        wrong += me[t].wrong;
    }
    as_cache_close(c);
    bool is_said = n_warnings == 1 && strstr(last_warning, "another version");
    if (n_warnings)
        fprintf(stderr, "child %u: %s\n", number, last_warning);
    return wrong ? 12 : n_warnings && !is_said ? 13 : 0;
}

static void run_processes(void)
{
    AS_CLEANUP(free) char *self = as_path_real("/proc/self/exe", NULL);
    pid_t pids[PROCESSES];
    assert_non_null(self);
    for (unsigned p = 0; p < PROCESSES; p++) {
        char number[16];
        snprintf(number, sizeof number, "%u", p);
        const char *argv[] = { self, "child", file("c"), number, NULL };
        assert_int_equal(as_spawn(&pids[p], argv, NULL, NULL, 0, NULL), 0);
    }
    for (unsigned p = 0; p < PROCESSES; p++) {
        int status = -1;
        assert_true(as_proc_wait(pids[p], -1, &status));
        assert_int_equal(status, 0);
    }
    as_cache *c = open_cache(file("c"));
    for (unsigned i = 0; i < SHARED; i++) {
        as_results r = blank(1);
        assert_true(as_cache_get(c, number_key(i), &r, 0));
        assert_true(r.score[0] == score_of(i));
    }
    as_cache_close(c);
    assert_int_equal(n_warnings, 0);
}

static void test_many_processes(void **state)
{
    (void)state;
    run_processes();
}

/* All of them find the other version at once; one sets it aside, and nobody loses a row. */
static void test_many_processes_and_another_version(void **state)
{
    (void)state;
    as_cache *c = open_cache(file("c"));
    put_one(c, 0, ASSAY_FAIL, 0, "of another version");
    as_cache_close(c);
    sql(file("c"), "PRAGMA user_version=99");
    run_processes();
    assert_true(as_path_exists(file("c.v99")));
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "child") == 0)
        return run_child(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_hold_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_text_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_foreign_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_folder_and_no_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_version_is_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_version_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_nobody_could_have_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_size_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_processes_and_another_version, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
