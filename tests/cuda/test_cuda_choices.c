/* test_cuda_choices.c -- choices that are kept in a file: the first that was written counts for
 * all, whatever becomes of the file and of those who write it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_test.h"

#include "kernels/cuda/choices.h"
#include "tests/unit/temp.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define HEAD "what it is for, 1.0"
enum { MOST = 4 << 20, ENOUGH = 4096 };

static char path[512];
static const char *where = path; /* the file of open_choices */

static void is(const char *what, const char *a, const char *b)
{
    if (strcmp(a, b) != 0)
        fail_msg("STATUS %s is \"%s\", not \"%s\"", what, a, b);
}

static void holds(const char *what, bool a)
{
    if (!a)
        fail_msg("STATUS not so: %s", what);
}

static k_choices *open_choices(void)
{
    k_choices *c = k_choices_open(where, HEAD);
    assert_non_null(c);
    return c;
}

static void put(const char *text, size_t n, int flags)
{
    const int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static void put_file(const char *text)
{
    put(text, strlen(text), O_TRUNC);
}

static void add(const char *text)
{
    put(text, strlen(text), O_APPEND);
}

static void file_is(const char *text)
{
    char found[ENOUGH];
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    const ssize_t n = read(fd, found, sizeof found - 1);
    close(fd);
    assert_true(n >= 0);
    found[n] = '\0';
    is("the file", found, text);
}

static void finds(k_choices *c, const char *key, const char *value)
{
    char found[K_CHOICE_MAX] = "nothing";
    k_choices_find(c, key, found);
    is(key, found, value);
}

static void keeps(k_choices *c, const char *key, const char *value, const char *counts)
{
    char found[K_CHOICE_MAX];
    snprintf(found, sizeof found, "%s", value);
    holds("it is kept", k_choices_keep(c, key, found));
    is("what counts", found, counts);
}

static void keeps_not(k_choices *c, const char *key)
{
    char value[K_CHOICE_MAX] = "7";
    holds("it is not kept", !k_choices_keep(c, key, value));
}

static void lost(k_choices *c, const char *why)
{
    const char *said = k_choices_lost(c);
    if (!said || !strstr(said, where) || !strstr(said, why))
        fail_msg("STATUS it says \"%s\", and neither %s nor \"%s\"", said ? said : "nothing", where,
                 why);
}

static void well(k_choices *c)
{
    if (k_choices_lost(c))
        fail_msg("STATUS it says \"%s\"", k_choices_lost(c));
}

static void kept(void **state)
{
    (void)state;
    k_choices *c = open_choices();
    finds(c, "a", "nothing");
    keeps(c, "a", "1", "1");
    keeps(c, "a b", "2: x = y", "2: x = y");
    keeps(c, "a", "3", "1");
    well(c);
    k_choices_close(c);
    file_is(HEAD "\na = 1\na b = 2: x = y\n");
    c = open_choices();
    finds(c, "a", "1");
    finds(c, "a b", "2: x = y");
    finds(c, "b", "nothing");
    finds(c, "", "nothing");
    k_choices_close(c);
    k_choices_close(NULL);
    put_file(HEAD "\na = 1\na = 2\n"); /* of processes that had no lock */
    c = open_choices();
    finds(c, "a", "1");
    k_choices_close(c);
}

/* Two that are open at once, each of which adds behind the other's back. */
static void two(void **state)
{
    (void)state;
    k_choices *a = open_choices();
    k_choices *b = open_choices();
    keeps(a, "x", "1", "1");
    finds(b, "x", "1");
    keeps(a, "y", "2", "2");
    keeps(b, "y", "3", "2");
    keeps(b, "z", "4", "4");
    finds(a, "z", "4");
    k_choices_close(a);
    k_choices_close(b);
    file_is(HEAD "\nx = 1\ny = 2\nz = 4\n");
}

/* Waits until the child ends, or long enough that it would have, were it not to wait for us. */
static int status_of(pid_t child, int ms)
{
    int status = -1;
    for (; waitpid(child, &status, ms < 0 ? 0 : WNOHANG) == 0 && ms > 0; ms -= 10)
        poll(NULL, 0, 10);
    return status;
}

/* Whoever has the lock is waited for, and what it wrote counts. */
static void locked(void **state)
{
    (void)state;
    put_file(HEAD "\n");
    const int fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    const pid_t child = fork();
    if (child == 0) {
        char value[K_CHOICE_MAX] = "late";
        k_choices *c = open_choices();
        _exit(k_choices_keep(c, "x", value) && strcmp(value, "early") == 0 ? 0 : 1);
    }
    assert_true(child > 0);
    const bool has_waited = status_of(child, 300) == -1;
    assert_int_equal(write(fd, "x = early\n", 10), 10);
    flock(fd, LOCK_UN);
    holds("who comes late waits", has_waited);
    holds("and takes what is there", status_of(child, -1) == 0);
    close(fd);
    file_is(HEAD "\nx = early\n");
}

/* Killed in the middle of a line, before this one opened the file and after. */
static void torn(void **state)
{
    (void)state;
    put_file(HEAD "\na = 1\nb = 2");
    k_choices *c = open_choices();
    finds(c, "a", "1");
    finds(c, "b", "nothing");
    keeps(c, "b", "3", "3");
    file_is(HEAD "\na = 1\nb = 3\n");
    add("d = 4");
    finds(c, "d", "nothing");
    keeps(c, "e", "5", "5");
    well(c);
    k_choices_close(c);
    file_is(HEAD "\na = 1\nb = 3\ne = 5\n");
    static const char *const heads[] = { "", "what", HEAD };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        put_file(heads[i]);
        c = open_choices();
        well(c);
        k_choices_close(c);
        file_is(HEAD "\n");
    }
}

/* Files that are not ours are let be, and said. */
static void foreign(void **state)
{
    (void)state;
    static const char *const texts[] = { "\n",
                                         "what\na = 1\n",
                                         HEAD " and more\na = 1\n",
                                         "else",
                                         HEAD " ",
                                         "\na = 1\n" HEAD "\n",
                                         "a line without an end that is longer than the head is" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_file(texts[i]);
        k_choices *c = open_choices();
        lost(c, "its first line is not ours: delete it");
        finds(c, "a", "nothing");
        keeps_not(c, "a");
        finds(c, "a", "nothing");
        k_choices_close(c);
        file_is(texts[i]);
    }
}

/* What is not there, is none, or may not be written. */
static void unwritable(void **state)
{
    (void)state;
    where = temp_path("none/x");
    k_choices *c = open_choices();
    lost(c, "No such file");
    keeps_not(c, "a");
    k_choices_close(c);
    where = temp_folder;
    c = open_choices();
    lost(c, "directory");
    k_choices_close(c);
    where = "/dev/null";
    c = open_choices();
    lost(c, "it is no file");
    keeps_not(c, "a");
    k_choices_close(c);
    where = path;
}

static void read_only(void **state)
{
    (void)state;
    enum { NOBODY = 65534 };
    put_file(HEAD "\na = 1\n");
    assert_int_equal(chmod(path, 0444), 0);
    const bool is_root = geteuid() == 0; /* who may write all */
    if (is_root && (chmod(temp_folder, 0755) != 0 || seteuid(NOBODY) != 0))
        skip();
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        skip(); /* a folder above is closed to others */
    k_choices *c = open_choices();
    lost(c, "Permission denied");
    finds(c, "a", "1");
    finds(c, "b", "nothing");
    keeps_not(c, "b");
    k_choices_close(c);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    file_is(HEAD "\na = 1\n");
}

/* A line for which there is no room goes as a whole. */
static void no_room(void **state)
{
    (void)state;
    put_file(HEAD "\na = 1\n");
    k_choices *c = open_choices();
    struct rlimit was;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct rlimit little = { sizeof(HEAD "\na = 1\n") - 1 + 3, was.rlim_max };
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    char value[K_CHOICE_MAX] = "2";
    const bool is_kept = k_choices_keep(c, "b", value);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    holds("it is not kept", !is_kept);
    lost(c, "No space left");
    finds(c, "a", "1");
    finds(c, "b", "nothing");
    keeps_not(c, "b"); /* nor later */
    k_choices_close(c);
    file_is(HEAD "\na = 1\n");
}

static long long size_of_file(void)
{
    struct stat now;
    assert_int_equal(stat(path, &now), 0);
    return (long long)now.st_size;
}

/* The most a file may have, less a few bytes; and more than that. */
static void full(void **state)
{
    (void)state;
    char line[65];
    put_file(HEAD "\na = 1\n");
    memset(line, 'x', 63);
    line[63] = '\n';
    line[64] = '\0';
    char *lines = malloc(MOST + 64);
    assert_non_null(lines);
    size_t n = 0;
    for (size_t at = sizeof(HEAD "\na = 1\n") - 1; at + 64 + 6 <= MOST; at += 64, n += 64)
        memcpy(lines + n, line, 64);
    put(lines, n, O_APPEND);
    k_choices *c = open_choices();
    finds(c, "a", "1");
    keeps(c, "b", "2", "2");
    while (!k_choices_lost(c) && size_of_file() <= MOST) {
        char key[K_CHOICE_MAX];
        char value[K_CHOICE_MAX] = "3";
        snprintf(key, sizeof key, "k%lld", size_of_file());
        k_choices_keep(c, key, value);
    }
    lost(c, "it is full");
    finds(c, "b", "2");
    k_choices_close(c);
    const long long size = size_of_file();
    holds("it is not more than it may be", size <= MOST);
    put(lines, 200, O_APPEND);
    c = open_choices();
    finds(c, "b", "2");
    keeps_not(c, "c");
    lost(c, "it is full");
    k_choices_close(c);
    holds("what is behind is let be", size_of_file() == size + 200);
    free(lines);
}

static void cut(void **state)
{
    (void)state;
    k_choices *c = open_choices();
    keeps(c, "a", "1", "1");
    put_file(HEAD "\n");
    finds(c, "a", "1");
    keeps_not(c, "b");
    lost(c, "it was cut while it was open");
    k_choices_close(c);
    file_is(HEAD "\n");
}

static size_t below(size_t n)
{
    return (size_t)((random_number() + 1) / 2 * (float)n);
}

/* Whatever bytes stand there, what is added behind them is found. */
static void noise(void **state)
{
    (void)state;
    static const char some[] = "a =1\n\0\n\xff= ";
    for (int round = 0; round < 300; round++) {
        char bytes[200];
        char value[K_CHOICE_MAX];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = some[below(sizeof some - 1)];
        put_file(HEAD "\n");
        put(bytes, below(sizeof bytes), O_APPEND);
        k_choices *c = open_choices();
        k_choices_find(c, "a", value);
        keeps(c, "key", "value", "value");
        well(c);
        k_choices_close(c);
        c = open_choices();
        finds(c, "key", "value");
        k_choices_close(c);
    }
    put_file(HEAD "\na = ");
    for (int i = 0; i < K_CHOICE_MAX; i++)
        add("123");
    add("\n");
    char value[K_CHOICE_MAX];
    k_choices *c = open_choices();
    holds("a long one is found", k_choices_find(c, "a", value));
    holds("and cut", strlen(value) == K_CHOICE_MAX - 1);
    k_choices_close(c);
}

static int begin(void **state)
{
    const int rc = temp_setup(state);
    snprintf(path, sizeof path, "%s", temp_path("file"));
    return rc;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, temp_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(kept),      TEST(two),     TEST(locked), TEST(torn), TEST(foreign), TEST(unwritable),
        TEST(read_only), TEST(no_room), TEST(full),   TEST(cut),  TEST(noise),
    };
    choose_tests(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
