/* test_publish.c -- files and folders that appear whole or not at all; the table of names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/leftover.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "base/rng.h"
#include "base/strmap.h"
#include "temp.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

static unsigned entries(const char *folder)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2;
}

static void test_file(void **state)
{
    as_new_file f;
    as_err err = { 0 };
    as_buf text;
    (void)state;
    as_buf_init(&text, 100);
    assert_int_equal(mkdir(temp_path("f"), 0700), 0);
    assert_int_equal(as_file_write_atomic(temp_path("f/x"), AS_LIT("old"), &err), 0);
    assert_int_equal(as_new_file_open(&f, temp_path("f/x"), &err), 0);
    assert_int_equal(as_new_file_write(&f, AS_LIT("new"), &err), 0);
    assert_int_equal(as_file_read(temp_path("f/x"), &text, &err), 0);
    assert_string_equal(text.data, "old");
    as_new_file_fini(&f); /* given up */
    assert_int_equal(entries(temp_path("f")), 1);
    assert_int_equal(as_new_file_open(&f, temp_path("f/x"), &err), 0);
    assert_int_equal(as_new_file_write(&f, AS_LIT("new"), &err), 0);
    assert_int_equal(as_new_file_commit(&f, &err), 0);
    as_new_file_fini(&f);
    as_buf_clear(&text);
    assert_int_equal(as_file_read(temp_path("f/x"), &text, &err), 0);
    assert_string_equal(text.data, "new");
    assert_int_equal(entries(temp_path("f")), 1);
    as_buf_fini(&text);

    assert_int_equal(as_new_file_open(&f, temp_path("no/x"), &err), AS_EIO);
    assert_non_null(strstr(err.text, "no/x: No such file"));
    assert_null(strstr(err.text, ".tmp-"));
}

static void test_folder(void **state)
{
    as_new_folder f, g;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(mkdir(temp_path("d"), 0700), 0);
    assert_int_equal(as_new_folder_open(&f, temp_path("d/out//"), &err), 0);
    AS_CLEANUP(free) char *inside = as_path_join(f.temporary, "file");
    assert_int_equal(as_file_write_atomic(inside, AS_LIT("1"), &err), 0);
    assert_false(as_path_exists(temp_path("d/out")));
    as_new_folder_fini(&f); /* given up, with what is in it */
    assert_int_equal(entries(temp_path("d")), 0);

    assert_int_equal(as_new_folder_open(&f, temp_path("d/out"), &err), 0);
    assert_int_equal(as_new_folder_open(&g, temp_path("d/out"), &err), 0); /* two at once */
    AS_CLEANUP(free) char *again = as_path_join(f.temporary, "file");
    AS_CLEANUP(free) char *other = as_path_join(g.temporary, "other");
    assert_int_equal(as_file_write_atomic(again, AS_LIT("1"), &err), 0);
    assert_int_equal(as_file_write_atomic(other, AS_LIT("2"), &err), 0);
    assert_int_equal(as_new_folder_commit(&f, &err), 0);
    as_new_folder_fini(&f);
    assert_true(as_path_exists(temp_path("d/out/file")));
    assert_int_equal(as_new_folder_commit(&g, &err), AS_EUSAGE); /* the first has it */
    assert_non_null(strstr(err.text, "d/out: is there and not empty (name another folder"));
    as_new_folder_fini(&g);
    assert_int_equal(entries(temp_path("d")), 1);
    assert_int_equal(entries(temp_path("d/out")), 1);

    err = (as_err){ 0 };
    assert_int_equal(as_new_folder_open(&f, temp_path("d/out"), &err), AS_EUSAGE);
    err = (as_err){ 0 };
    assert_int_equal(as_new_folder_open(&f, temp_path("d/out/file"), &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "is there and no folder"));
    err = (as_err){ 0 };
    assert_int_equal(as_new_folder_open(&f, temp_path("no/out"), &err), AS_EIO);
    assert_non_null(strstr(err.text, "no/out: could not be made: No such file"));
    assert_int_equal(mkdir(temp_path("d/empty"), 0700), 0);
    assert_int_equal(as_new_folder_open(&f, temp_path("d/empty"), &err), 0);
    assert_int_equal(as_new_folder_commit(&f, &err), 0);
    as_new_folder_fini(&f);
}

/* A process that is killed while it writes a file and a folder: its id. */
static pid_t killed_writer(const char *file, const char *folder)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        as_new_file f;
        as_new_folder d;
        bool ok = as_new_file_open(&f, file, NULL) == 0 &&
                  as_new_file_write(&f, AS_LIT("half"), NULL) == 0 &&
                  as_new_folder_open(&d, folder, NULL) == 0;
        AS_CLEANUP(free) char *inside = ok ? as_path_join(d.temporary, "a") : NULL;
        ok = ok && as_file_write_atomic(inside, AS_LIT("1"), NULL) == 0;
        (void)!write(ready[1], ok ? "y" : "n", 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    (void)close(ready[0]);
    (void)close(ready[1]);
    return pid;
}

static void end_writer(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_leftovers(void **state)
{
    as_new_file f;
    as_new_folder d;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(mkdir(temp_path("l"), 0700), 0);
    const pid_t pid = killed_writer(temp_path("l/file"), temp_path("l/folder"));
    assert_int_equal(entries(temp_path("l")), 2);
    as_leftovers_remove(temp_path("l/file"), false); /* it lives */
    as_leftovers_remove(temp_path("l/f"), true);
    assert_int_equal(entries(temp_path("l")), 2);
    end_writer(pid);

    /* names that only look alike, of a process that is gone; and one that somebody holds */
    char alike[4][80], path[400];
    (void)snprintf(alike[0], 80, "file.tmp-%ld-12ab", (long)pid);
    (void)snprintf(alike[1], 80, "file.tmp-%ld-12ab-0.bak", (long)pid);
    (void)snprintf(alike[2], 80, "other.tmp-%ld-12ab-0", (long)pid);
    (void)snprintf(alike[3], 80, "file.tmp-%ld-12ab-9", (long)pid);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "l/%s", alike[i]);
        assert_int_equal(as_file_write_atomic(temp_path(path), AS_LIT("mine"), &err), 0);
    }
    int held = open(temp_path(path), O_RDONLY | O_CLOEXEC);
    assert_true(held >= 0 && as_leftover_hold(held));
    assert_int_equal(entries(temp_path("l")), 6);
    assert_int_equal(as_new_file_open(&f, temp_path("l/file"), &err), 0);
    assert_int_equal(entries(temp_path("l")), 6); /* its leftover is gone, its own is there */
    as_new_file_fini(&f);
    assert_true(as_path_exists(temp_path(path)));
    (void)close(held);
    assert_int_equal(as_new_file_open(&f, temp_path("l/file"), &err), 0);
    as_new_file_fini(&f);
    assert_false(as_path_exists(temp_path(path)));
    assert_int_equal(entries(temp_path("l")), 4);

    assert_int_equal(as_new_folder_open(&d, temp_path("l/folder"), &err), 0);
    assert_int_equal(entries(temp_path("l")), 4);
    as_new_folder_fini(&d);
    assert_int_equal(entries(temp_path("l")), 3);
    as_leftovers_remove(temp_path("l/o"), true);
    assert_int_equal(entries(temp_path("l")), 2);

    /* a folder with folders in it was not made here */
    (void)snprintf(path, sizeof path, "l/file.tmp-%ld-1-1", (long)pid);
    assert_int_equal(mkdir(temp_path(path), 0700), 0);
    (void)snprintf(path, sizeof path, "l/file.tmp-%ld-1-1/b", (long)pid);
    assert_int_equal(mkdir(temp_path(path), 0700), 0);
    (void)snprintf(path, sizeof path, "l/file.tmp-%ld-1-1/a", (long)pid);
    assert_int_equal(as_file_write_atomic(temp_path(path), AS_LIT("mine"), &err), 0);
    as_leftovers_remove(temp_path("l/file"), false);
    assert_true(as_path_exists(temp_path(path)));
}

/* One folder in the place of another. */
static void test_replace(void **state)
{
    as_err err = { 0 };
    (void)state;
    assert_int_equal(mkdir(temp_path("r"), 0700), 0);
    assert_int_equal(mkdir(temp_path("r/old"), 0700), 0);
    assert_int_equal(mkdir(temp_path("r/new"), 0700), 0);
    assert_int_equal(as_file_write_atomic(temp_path("r/old/a"), AS_LIT("1"), &err), 0);
    assert_int_equal(as_file_write_atomic(temp_path("r/new/b"), AS_LIT("2"), &err), 0);
    assert_int_equal(as_folder_replace(temp_path("r/new"), temp_path("r/old"), &err), 0);
    assert_int_equal(entries(temp_path("r")), 1);
    assert_int_equal(entries(temp_path("r/old")), 1);
    assert_true(as_path_exists(temp_path("r/old/b")));
    assert_int_equal(as_folder_replace(temp_path("r/none"), temp_path("r/old"), &err), AS_EIO);
    assert_true(as_path_exists(temp_path("r/old/b")));
}

static void test_strmap(void **state)
{
    enum { N = 20000 };
    char(*names)[16] = as_calloc(N, sizeof *names);
    as_strmap m;
    bool is_new;
    uint32_t v;
    (void)state;
    assert_true(as_strmap_init(&m, N));
    assert_false(as_strmap_find(&m, AS_LIT(""), &v));
    for (uint32_t i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof names[i], "%x", i);
        assert_int_equal(as_strmap_add(&m, as_str_of(names[i]), i, &is_new), i);
        assert_true(is_new);
    }
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(as_strmap_add(&m, as_str_of(names[i]), 1, &is_new), i);
        assert_false(is_new);
        assert_true(as_strmap_find(&m, as_str_of(names[i]), &v));
        assert_int_equal(v, i);
    }
    assert_false(as_strmap_find(&m, AS_LIT("x"), &v));
    assert_false(as_strmap_find(&m, AS_LIT(""), &v));
    as_strmap_fini(&m);
    assert_false(as_strmap_find(&m, AS_LIT("1"), &v));
    as_free(names);
    /* the empty text and bytes of zero are names too */
    assert_true(as_strmap_init(&m, 2));
    assert_int_equal(as_strmap_add(&m, AS_LIT(""), 5, &is_new), 5);
    assert_int_equal(as_strmap_add(&m, AS_LIT("a\0b"), 6, &is_new), 6);
    assert_true(as_strmap_find(&m, AS_LIT(""), &v) && v == 5);
    assert_false(as_strmap_find(&m, AS_LIT("a"), &v));
    as_strmap_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),      cmocka_unit_test(test_folder),
        cmocka_unit_test(test_leftovers), cmocka_unit_test(test_replace),
        cmocka_unit_test(test_strmap),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
