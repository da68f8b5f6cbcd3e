/* test_train_metrics.c -- event files byte for byte, lines cut where a run goes on, full disks, the
 * pace. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/jspan.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/common.h"
#include "temp.h"
#include "train/metrics.h"
#include "train/pace.h"
#include "train/tfevents.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <cmocka.h>

/* ---- files ---- */

static char *whole(const char *path, size_t *size)
{
    as_buf b;
    as_err err = { 0 };
    as_buf_init(&b, 1 << 24);
    assert_int_equal(as_file_read(path, &b, &err), 0);
    if (size)
        *size = b.len;
    return b.data ? b.data : as_strdup("");
}

static void write_text(const char *path, as_str text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
}

static const char *new_folder(const char *name)
{
    const char *path = temp_path(name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Event files of `dir` in the order in which readers take them. */
static size_t event_files(const char *dir, char names[8][256])
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (strstr(e->d_name, "tfevents") && n < 8)
            (void)snprintf(names[n++], 256, "%s/%s", dir, e->d_name);
    (void)closedir(d);
    qsort(names, n, 256, by_name);
    return n;
}

/* ---- a reader of event files, written apart from the writer ---- */

typedef struct reader {
    const unsigned char *at, *end;
} reader;

static uint64_t little(reader *r, unsigned n)
{
    uint64_t v = 0;
    assert_true((size_t)(r->end - r->at) >= n);
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)*r->at++ << 8 * i;
    return v;
}

static uint32_t bitwise_crc(const unsigned char *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* The data of the next record, its sums checked. */
static bool next_record(reader *r, reader *data)
{
    if (r->at == r->end)
        return false;
    const unsigned char *start = r->at;
    uint64_t n = little(r, 8);
    assert_int_equal(little(r, 4), bitwise_crc(start, 8));
    assert_true((uint64_t)(r->end - r->at) >= n);
    *data = (reader){ r->at, r->at + n };
    r->at += n;
    assert_int_equal(little(r, 4), bitwise_crc(data->at, n));
    return true;
}

static unsigned count_records(const char *path)
{
    size_t size = 0;
    unsigned n = 0;
    AS_CLEANUP(free) char *bytes = whole(path, &size);
    reader r = { (unsigned char *)bytes, (unsigned char *)bytes + size };
    for (reader data; next_record(&r, &data);)
        n++;
    return n;
}

/* ---- event files ---- */

static void test_crc(void **state)
{
    char bytes[32];
    (void)state; /* RFC 3720 B.4 */
    assert_int_equal(as_crc32c(AS_LIT("")), 0);
    assert_int_equal(as_crc32c(AS_LIT("123456789")), 0xE3069283u);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(as_crc32c((as_str){ bytes, 32 }), 0x8A9136AAu);
    memset(bytes, 0xFF, sizeof bytes);
    assert_int_equal(as_crc32c((as_str){ bytes, 32 }), 0x62A8AB43u);
    for (int i = 0; i < 32; i++)
        bytes[i] = (char)i;
    assert_int_equal(as_crc32c((as_str){ bytes, 32 }), 0x46DD794Eu);
}

/* Made apart from our code, by tests/golden/train/tfevents.py. */
static void test_golden(void **state)
{
    const char *dir = new_folder("golden");
    const as_tfscalar values[] = { { AS_LIT("loss"), 2.5f }, { AS_LIT("reward/mean"), -0.125f } };
    const as_tfscalar odd[] = { { AS_LIT("\xC3\xA4"), NAN } };
    as_tfevents *t = NULL;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_tfevents_open(&t, dir, 1700000000.5, 7, &err), 0);
    assert_non_null(strstr(as_tfevents_path(t), "/events.out.tfevents.1700000000."));
    assert_int_equal(as_tfevents_scalars(t, 1700000001.25, 7, values, 2, &err), 0);
    assert_int_equal(as_tfevents_scalars(t, 1700000002, 300, odd, 1, &err), 0);
    assert_int_equal(as_tfevents_text(t, 1700000003, 0, AS_LIT("config"), AS_LIT("a: 1"), &err), 0);
    size_t size = 0, want_size = 0;
    AS_CLEANUP(free) char *found = whole(as_tfevents_path(t), &size);
    AS_CLEANUP(free)
    char *golden = as_path_join(getenv("ASSAY_SOURCE"), "tests/golden/train/tfevents.bin");
    AS_CLEANUP(free) char *want = whole(golden, &want_size);
    assert_int_equal(size, want_size);
    assert_memory_equal(found, want, size);
    assert_int_equal(as_tfevents_close(t, &err), 0);
}

/* Each new name comes after those there, also in one second and with a clock that went back. */
static void test_names(void **state)
{
    const char *dir = new_folder("names");
    static const double times[] = { 1700000000, 1700000000, 5, -1, 1e300, (double)NAN };
    char before[256] = "";
    as_err err = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        as_tfevents *t = NULL;
        assert_int_equal(as_tfevents_open(&t, dir, times[i], 1, &err), 0);
        assert_true(strcmp(as_tfevents_path(t), before) > 0);
        (void)snprintf(before, sizeof before, "%s", as_tfevents_path(t));
        assert_int_equal(as_tfevents_close(t, &err), 0);
    }
    write_text(temp_path("names/events.out.tfevents.9999999999.x"), AS_LIT(""));
    as_tfevents *none = NULL;
    assert_int_equal(as_tfevents_open(&none, dir, 1700000000, 1, &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "9999999999"));
    assert_null(none);
    err = (as_err){ 0 };
    assert_int_equal(as_tfevents_open(&none, temp_path("nowhere"), 1700000000, 1, &err), AS_EIO);
}

static void test_long_event(void **state)
{
    const char *dir = new_folder("long");
    as_tfevents *t = NULL;
    as_err err = { 0 };
    size_t n = AS_TFEVENTS_RECORD_MAX;
    AS_CLEANUP(free) char *text = as_calloc(n, 1);
    (void)state;
    assert_int_equal(as_tfevents_open(&t, dir, 1700000000, 1, &err), 0);
    assert_int_equal(as_tfevents_text(t, 1, 1, AS_LIT("x"), (as_str){ text, n }, &err), AS_EDATA);
    err = (as_err){ 0 };
    assert_int_equal(as_tfevents_text(t, 1, 1, AS_LIT("x"), (as_str){ text, n - 200 }, &err), 0);
    assert_int_equal(count_records(as_tfevents_path(t)), 3);
    assert_int_equal(as_tfevents_close(t, &err), 0);
}

/* ---- lines ---- */

static char last_log[500];
static unsigned n_logged;

static void keep_log(void *data, as_log_level level, const char *line)
{
    (void)data;
    (void)level;
    n_logged++;
    (void)snprintf(last_log, sizeof last_log, "%s", line);
}

/* The lines without their times, each checked to be JSON with a time of this century. */
static char *lines_without_time(const char *dir)
{
    AS_CLEANUP(free) char *path = as_path_join(dir, AS_METRICS_FILE);
    AS_CLEANUP(free) char *all = whole(path, NULL);
    as_buf out;
    as_buf_init(&out, 1 << 20);
    as_buf_text(&out, "");
    for (char *line = all, *stop; *line; line = stop + 1) {
        as_jspan object = { 0 };
        double time = 0;
        stop = strchr(line, '\n');
        assert_non_null(stop);
        assert_int_equal(as_json_scan((as_str){ line, (size_t)(stop - line) }, &object, NULL), 0);
        as_jspan span = as_jobject_get(object, "time");
        assert_true(as_jnumber(span, &time) && time > 1.6e9 && time < 4e9);
        as_buf_add(&out, (as_str){ line, (size_t)(span.text.data - line) - strlen(",\"time\":") });
        as_buf_add(&out, (as_str){ span.text.data + span.text.len,
                                   (size_t)(stop + 1 - span.text.data) - span.text.len });
    }
    return out.data;
}

static void assert_lines(const char *dir, const char *want)
{
    AS_CLEANUP(free) char *found = lines_without_time(dir);
    assert_string_equal(found, want);
}

static void run_steps(const char *dir, uint64_t first, uint64_t last)
{
    as_metrics *m = NULL;
    as_err err = { 0 };
    assert_int_equal(as_metrics_open(&m, dir, first, &err), 0);
    for (uint64_t step = first; step <= last; step++) {
        as_metrics_put(m, "loss", (double)step / 2);
        assert_int_equal(as_metrics_step(m, step, &err), 0);
    }
    assert_int_equal(as_metrics_close(m, &err), 0);
}

static void test_lines(void **state)
{
    const char *dir = new_folder("lines");
    as_metrics *m = NULL;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_metrics_open(&m, dir, 1, &err), 0);
    as_metrics_put(m, "loss", 9);
    as_metrics_put(m, "lr", 1e-3);
    as_metrics_put(m, "loss", 2.5);
    assert_int_equal(as_metrics_step(m, 1, &err), 0);
    as_metrics_put(m, "a \"b\"", 1e300);
    assert_int_equal(as_metrics_step(m, 4, &err), 0);
    assert_int_equal(as_metrics_step(m, 5, &err), 0);
    as_metrics_put(m, "lr", 1);
    assert_int_equal(as_metrics_step(m, 5, &err), AS_EUSAGE); /* the step is there */
    err = (as_err){ 0 };
    assert_int_equal(as_metrics_step(m, UINT64_MAX, &err), AS_EUSAGE);
    err = (as_err){ 0 };
    assert_int_equal(as_metrics_step(m, 6, &err), 0);
    assert_int_equal(as_metrics_text(m, "config", 6, AS_LIT("{}"), &err), 0);
    assert_int_equal(as_metrics_sync(m, &err), 0);
    assert_int_equal(as_metrics_close(m, &err), 0);
    assert_lines(dir,
                 "{\"step\":1,\"loss\":2.5,\"lr\":0.001}\n{\"step\":4,\"a \\\"b\\\"\":1e+300}\n"
                 "{\"step\":5}\n{\"step\":6,\"lr\":1}\n");
    char names[8][256];
    assert_int_equal(event_files(dir, names), 1);
    assert_int_equal(count_records(names[0]), 2 + 4 + 1);
}

static void test_not_finite(void **state)
{
    const char *dir = new_folder("nan");
    as_metrics *m = NULL;
    as_err err = { 0 };
    (void)state;
    n_logged = 0;
    as_log_set(keep_log, NULL, AS_LOG_WARN);
    assert_int_equal(as_metrics_open(&m, dir, 1, &err), 0);
    for (uint64_t step = 1; step <= 3; step++) {
        as_metrics_put(m, "loss", (double)NAN);
        as_metrics_put(m, "norm", step == 2 ? -(double)INFINITY : 1);
        assert_int_equal(as_metrics_step(m, step, &err), 0);
    }
    as_log_set(NULL, NULL, AS_LOG_INFO);
    assert_int_equal(n_logged, 2); /* once for each name */
    assert_non_null(strstr(last_log, "step 2: norm is infinite"));
    assert_int_equal(as_metrics_not_finite(m), 4);
    assert_int_equal(as_metrics_close(m, &err), 0);
    assert_lines(dir, "{\"step\":1,\"loss\":null,\"norm\":1,\"not_finite\":1}\n"
                      "{\"step\":2,\"loss\":null,\"norm\":null,\"not_finite\":2}\n"
                      "{\"step\":3,\"loss\":null,\"norm\":1,\"not_finite\":1}\n");
}

static void test_bad_names(void **state)
{
    const char *dir = new_folder("bad_names");
    char long_name[AS_METRICS_NAME_MAX + 2];
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    const char *const bad[] = { "", "step", "time", "not_finite", "\xFF", long_name };
    (void)state;
    for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
        as_metrics *m = NULL;
        as_err err = { 0 };
        assert_int_equal(as_metrics_open(&m, dir, 1, &err), 0);
        for (unsigned k = 0; i == sizeof bad / sizeof *bad && k <= AS_METRICS_MAX; k++) {
            char name[16];
            (void)snprintf(name, sizeof name, "n%u", k);
            as_metrics_put(m, name, k);
        }
        if (i < sizeof bad / sizeof *bad)
            as_metrics_put(m, bad[i], 1);
        assert_int_equal(as_metrics_step(m, 1, &err), AS_EUSAGE);
        assert_non_null(strstr(err.text, "metric \""));
        assert_int_equal(as_metrics_close(m, &err), 0);
    }
    assert_lines(dir, "");
}

/* ---- going on ---- */

static void test_resume(void **state)
{
    const char *dir = new_folder("resume");
    char names[8][256];
    (void)state;
    run_steps(dir, 1, 5);
    run_steps(dir, 4, 6); /* from the checkpoint of step 3 */
    assert_lines(dir,
                 "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":1}\n{\"step\":3,\"loss\":1.5}\n"
                 "{\"step\":4,\"loss\":2}\n{\"step\":5,\"loss\":2.5}\n{\"step\":6,\"loss\":3}\n");
    run_steps(dir, 9, 9); /* a gap is no fault */
    run_steps(dir, 10, 9);
    assert_int_equal(event_files(dir, names), 4);
    assert_int_equal(count_records(names[0]), 2 + 5);
    assert_int_equal(count_records(names[1]), 2 + 3);
    run_steps(dir, 1, 1); /* anew */
    assert_lines(dir, "{\"step\":1,\"loss\":0.5}\n");
}

/* Whatever the length that a kill or a power cut leaves: the whole lines stay, and the rest goes.
 */
static void test_torn(void **state)
{
    const as_str three = AS_LIT("{\"step\":1,\"time\":1700000000}\n{\"step\":2,\"time\":1700000000}"
                                "\n{\"step\":3,\"time\":1700000000}\n");
    const size_t line = three.len / 3;
    char bytes[256];
    (void)state;
    for (size_t n = 0; n <= three.len; n++) {
        char name[16], want[128] = "";
        (void)snprintf(name, sizeof name, "torn%zu", n);
        const char *dir = new_folder(name);
        AS_CLEANUP(free) char *path = as_path_join(dir, AS_METRICS_FILE);
        memcpy(bytes, three.data, n);
        memset(bytes + n, 0, 5); /* every second time followed by zeros */
        write_text(path, (as_str){ bytes, n + (n % 2 ? 5 : 0) });
        run_steps(dir, 10, 10);
        for (size_t i = 1; i <= n / line; i++)
            (void)snprintf(want + strlen(want), sizeof want - strlen(want), "{\"step\":%zu}\n", i);
        (void)snprintf(want + strlen(want), sizeof want - strlen(want),
                       "{\"step\":10,\"loss\":5}\n");
        assert_lines(dir, want);
    }
}

static void test_foreign(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "hello", ":1: no metrics of a run (no end of line)" },
        { "{\"loss\":1}\n", ":1: no metrics of a run (no object with a \"step\")" },
        { "{\"step\":-1}\n", ":1: " },
        { "{\"step\":1.5}\n", ":1: " },
        { "{\"step\":1}\nx\n", ":2: " },
        { "{\"step\":1}\n{\"step\":2}\n\n{\"step\":3}\n", ":3: " },
        { "{\"step\":2}\n{\"step\":2}\n", ":2: step 2 after step 2" },
        { "[1]\n", ":1: " },
        { "{\"step\":1}\n{\"step\":\n", ":2: " },
    };
    char names[8][256];
    (void)state;
    (void)new_folder("foreign");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        as_metrics *m = NULL;
        as_err err = { 0 };
        write_text(temp_path("foreign/" AS_METRICS_FILE), as_str_of(cases[i].text));
        assert_int_equal(as_metrics_open(&m, temp_path("foreign"), 100, &err), AS_EDATA);
        assert_null(m);
        assert_non_null(strstr(err.text, cases[i].why));
        assert_non_null(strstr(err.text, "move the file away"));
        AS_CLEANUP(free) char *kept = whole(temp_path("foreign/" AS_METRICS_FILE), NULL);
        assert_string_equal(kept, cases[i].text);
    }
    assert_int_equal(event_files(temp_path("foreign"), names), 0);
}

static void test_not_ours_to_write(void **state)
{
    const char *dir = new_folder("busy");
    as_metrics *m = NULL, *second = NULL;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_metrics_open(&m, dir, 1, &err), 0);
    assert_int_equal(as_metrics_open(&second, dir, 1, &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "another process"));
    assert_int_equal(as_metrics_close(m, NULL), 0);
    assert_int_equal(unlink(temp_path("busy/" AS_METRICS_FILE)), 0);
    assert_int_equal(mkfifo(temp_path("busy/" AS_METRICS_FILE), 0600), 0);
    err = (as_err){ 0 };
    assert_int_equal(as_metrics_open(&second, dir, 1, &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "no regular file"));
    err = (as_err){ 0 };
    assert_int_equal(as_metrics_open(&second, temp_path("nowhere"), 1, &err), AS_EIO);
    assert_null(second);
}

/* Files may grow to `most` bytes only: both have a step or neither, all that is there can be read,
 * and once there is room the same step goes in. */
static void full_at(rlim_t most)
{
    char name[32], names[8][256];
    (void)snprintf(name, sizeof name, "full%d", (int)most);
    const char *dir = new_folder(name);
    struct rlimit before;
    as_metrics *m = NULL;
    as_err err = { 0 };
    uint64_t step = 1;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit tight = { most, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int rc = as_metrics_open(&m, dir, 1, &err);
    for (; rc == 0 && step < 100; step++) {
        as_metrics_put(m, "loss", 1);
        rc = as_metrics_step(m, step, &err);
    }
    step--;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(rc, AS_EBUDGET);
    assert_non_null(strstr(err.text, "what was written before is kept"));
    if (!m) {
        assert_int_equal(event_files(dir, names), 0);
        return;
    }
    assert_int_equal(event_files(dir, names), 1);
    assert_int_equal(count_records(names[0]), 2 + step - 1);
    err = (as_err){ 0 };
    assert_int_equal(as_metrics_step(m, step, &err), 0);
    assert_int_equal(as_metrics_close(m, &err), 0);
    assert_int_equal(count_records(names[0]), 2 + step);
    AS_CLEANUP(free) char *lines = lines_without_time(dir);
    unsigned n = 0;
    for (const char *p = lines; *p; p++)
        n += *p == '\n';
    assert_int_equal(n, step);
}

static void test_full_disk(void **state)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
    (void)state;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &old), 0);
    for (rlim_t most = 0; most < 330; most += 3)
        full_at(most);
    assert_int_equal(sigaction(SIGXFSZ, &old, NULL), 0);
}

/* ---- pace ---- */

static void test_pace(void **state)
{
    const int64_t s = 1000000000;
    as_pace p;
    (void)state;
    as_pace_init(&p, 11, 110, 5 * s);
    as_pace_now now = as_pace_read(&p);
    assert_true(now.step == 10 && now.last == 110);
    assert_true(isnan(now.tokens_per_s) && isnan(now.loss) && isnan(now.left_s));
    as_pace_step(&p, 11, 300, 4, 7 * s);
    now = as_pace_read(&p);
    assert_true(now.step == 11 && now.tokens_per_s == 150 && now.loss == 4 && now.left_s == 99 * 2);
    as_pace_step(&p, 12, 100, 2, 9 * s);
    now = as_pace_read(&p);
    assert_true(now.tokens_per_s == 100 && now.loss == 3 && now.left_s == 98 * 2);
    for (uint64_t i = 13; i <= 110; i++) /* quicker: the window forgets the slow ones */
        as_pace_step(&p, i, 50, i == 100 ? (double)NAN : 1, (9 + (int64_t)i - 12) * s);
    now = as_pace_read(&p);
    assert_true(now.tokens_per_s == 50 && isnan(now.loss) && now.left_s == 0);
    char text[AS_TEXT_PACE_MAX];
    as_pace_init(&p, 11, 1200, 0);
    now = as_pace_read(&p);
    assert_string_equal(as_text_pace(text, &now, NULL), "step 10/1,200");
    as_pace_step(&p, 11, 24690, 2.34567, 2 * s);
    now = as_pace_read(&p);
    assert_string_equal(as_text_pace(text, &now, "reward 0.5"),
                        "step 11/1,200  reward 0.5  12,345 tokens/s  39 min 38 s left");
    assert_string_equal(as_text_pace(text, &now, NULL),
                        "step 11/1,200  loss 2.346  12,345 tokens/s  39 min 38 s left");
    as_pace_step(&p, 1200, 0, (double)NAN, 2 * s);
    now = as_pace_read(&p);
    assert_string_equal(as_text_pace(text, &now, NULL),
                        "step 1,200/1,200  loss nan  12,345 tokens/s");
    as_pace_init(&p, 1, 3, 0);
    as_pace_step(&p, 1, 5, 1, 0); /* no time at all went by */
    now = as_pace_read(&p);
    assert_true(isnan(now.tokens_per_s) && now.left_s == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),       cmocka_unit_test(test_golden),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_long_event),
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_bad_names), cmocka_unit_test(test_resume),
        cmocka_unit_test(test_torn),      cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_full_disk), cmocka_unit_test(test_not_ours_to_write),
        cmocka_unit_test(test_pace),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
