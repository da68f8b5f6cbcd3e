/* test_registry.c -- plugins are found in the right order and described by a child; the index;
 * which are ours; the sentences for what cannot be used. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "plug/elf.h"
#include "plug/entry.h"
#include "plug/registry.h"

#include <assay/assay.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
/* after the four headers it needs */
#include <cmocka.h>

#include "temp.h"

static char logged[2000];

static void keep_log(void *data, as_log_level level, const char *line)
{
    (void)data;
    (void)level;
    (void)snprintf(logged, sizeof logged, "%s", line);
}

static const char *bad_plugin(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s.so", getenv("ASSAY_TEST_PLUGINS"), name);
    return path;
}

static void copy_file(const char *from, const char *to)
{
    as_buf bytes;
    as_buf_init(&bytes, 64 << 20);
    assert_int_equal(as_file_read(from, &bytes, NULL), 0);
    assert_int_equal(as_file_write_atomic(to, as_buf_str(&bytes), NULL), 0);
    as_buf_fini(&bytes);
}

static void write_text(const char *path, const char *text)
{
    assert_int_equal(as_file_write_atomic(path, as_str_of(text), NULL), 0);
}

/* FOLDER/dir, emptied and made. */
static const char *folder(const char *name)
{
    const char *path = temp_path(name);
    (void)nftw(path, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static as_registry *open_at(const char *plugin_path, const char *index)
{
    as_registry *r = NULL;
    as_err err = { 0 };
    as_registry_options o = { .plugin_path = plugin_path, .index_file = index };
    assert_int_equal(as_registry_open(&r, &o, &err), 0);
    return r;
}

static const as_listed *listed_at(as_registry *r, const char *path)
{
    const as_listed *all = NULL;
    size_t n = 0;
    assert_int_equal(as_registry_list(r, &all, &n, NULL), 0);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].path, path) == 0)
            return &all[i];
    return NULL;
}

/* ---- what a file is ---- */

static void must_say(const char *path, const char *text)
{
    const assay_entry *e = NULL;
    as_err err = { 0 };
    assert_int_equal(as_entry_open(&e, path, &err), AS_EPLUGIN);
    if (!strstr(err.text, text) || strncmp(err.text, path, strlen(path)) != 0) {
        print_error("\"%s\" lacks \"%s\"\n", err.text, text);
        fail();
    }
}

static void files_that_are_none(void **state)
{
    (void)state;
    const char *dir = folder("none");
    char path[600];
    (void)snprintf(path, sizeof path, "%s/text.so", dir);
    write_text(path, "#!/bin/sh\necho hello\n");
    must_say(path, "a text file, not a shared library");
    (void)snprintf(path, sizeof path, "%s/empty.so", dir);
    write_text(path, "");
    must_say(path, "empty");
    (void)snprintf(path, sizeof path, "%s/zip.so", dir);
    write_text(path, "PK\003\004\001\002");
    must_say(path, "some other kind of file");
    (void)snprintf(path, sizeof path, "%s/pipe.so", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    must_say(path, "not a regular file");
    must_say(dir, "a folder");
    (void)snprintf(path, sizeof path, "%s/missing.so", dir);
    must_say(path, "No such file");
}

/* Cut anywhere, a library is refused or loaded, and never mapped beyond its end. */
static void cut_libraries(void **state)
{
    (void)state;
    const char *dir = folder("cut");
    as_buf bytes;
    char path[600];
    as_buf_init(&bytes, 64 << 20);
    assert_int_equal(as_file_read(bad_plugin("without_sin"), &bytes, NULL), 0);
    for (size_t len = 1; len < bytes.len; len += 1 + bytes.len / 97) {
        as_err err = { 0 };
        as_arena arena;
        as_elf_exports x;
        (void)snprintf(path, sizeof path, "%s/%zu.so", dir, len);
        assert_int_equal(as_file_write_atomic(path, (as_str){ bytes.data, len }, NULL), 0);
        int rc = as_elf_check(path, &err);
        assert_true(rc == 0 || err.text[0]);
        as_arena_init(&arena, 0);
        (void)as_elf_read_exports(&x, path, &arena, NULL);
        as_arena_fini(&arena);
    }
    assert_true(bytes.len > 1000);
    as_buf_fini(&bytes);
}

/* The reader survives any byte being any other. */
static void damaged_libraries(void **state)
{
    (void)state;
    char path[600];
    as_buf bytes;
    (void)snprintf(path, sizeof path, "%s/damaged.so", folder("damaged"));
    as_buf_init(&bytes, 64 << 20);
    assert_int_equal(as_file_read(bad_plugin("without_sin"), &bytes, NULL), 0);
    for (size_t i = 0; i < 64; i++) { /* the header decides where everything else is looked for */
        as_arena arena;
        as_elf_exports x = { 0 };
        char kept = bytes.data[i];
        bytes.data[i] = (char)0xff;
        assert_int_equal(as_file_write_atomic(path, as_buf_str(&bytes), NULL), 0);
        as_arena_init(&arena, 0);
        (void)as_elf_check(path, NULL);
        (void)as_elf_read_exports(&x, path, &arena, NULL);
        as_arena_fini(&arena);
        bytes.data[i] = kept;
    }
    as_buf_fini(&bytes);
}

static void entries_that_are_none(void **state)
{
    (void)state;
    must_say(bad_plugin("sin_no_symbol"), "does not export assay_plugin_entry");
    must_say(bad_plugin("sin_magic"), "0x12345678");
    must_say(bad_plugin("sin_major_new"), "install a newer assay");
    must_say(bad_plugin("sin_major_old"), "rebuild the plugin");
    must_say(bad_plugin("sin_null_list"), "lists no verifiers");
    must_say(bad_plugin("sin_small_entry"), "size 16, at least 24");
    must_say(bad_plugin("sin_small_descriptor"), "size 64, at least 96");
}

static void static_entries_are_checked(void **state)
{
    (void)state;
    static const assay_descriptor no_create = { .size = sizeof no_create,
                                                .id = "org.example.none" };
    static const assay_descriptor no_id = { .size = sizeof no_id };
    static const assay_descriptor *const lists[][2] = { { &no_create, NULL }, { &no_id, NULL } };
    static const char *const says[] = { "no create function", "no id" };
    for (size_t i = 0; i < 2; i++) {
        assay_entry e = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof e, lists[i] };
        as_err err = { 0 };
        assert_int_equal(as_entry_check(&e, "static", &err), AS_EPLUGIN);
        assert_non_null(strstr(err.text, says[i]));
    }
    assay_entry e = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof e, NULL };
    as_err err = { 0 };
    assert_int_equal(as_entry_check(&e, "static", &err), AS_EPLUGIN);
}

static void the_one_inside(void **state)
{
    (void)state;
    const assay_entry *e = NULL;
    const assay_descriptor *d = NULL;
    as_err err = { 0 };
    assert_int_equal(as_entry_open(&e, bad_plugin("without_sin"), &err), 0);
    assert_int_equal(as_entry_find(&d, e, "x", NULL, &err), 0);
    assert_int_equal(as_entry_find(&d, e, "x", "bad", &err), 0);
    assert_int_equal(as_entry_find(&d, e, "x", "org.example.bad", &err), 0);
    assert_int_equal(as_entry_find(&d, e, "x", "ba", &err), AS_EPLUGIN);
    assert_non_null(strstr(err.text, "it holds: org.example.bad"));
}

/* ---- descriptions ---- */

static void infos_round_trip(void **state)
{
    (void)state;
    static const char *const tags[] = { "a \"quoted\" one", "two", NULL };
    as_verifier_info in = { .id = "org.example.x",
                            .name = "X\n",
                            .version = "1",
                            .license = "",
                            .summary = "s",
                            .url = "",
                            .config_schema = "{\"type\":\"object\"}",
                            .tags = tags,
                            .abi_major = 1,
                            .flags = 0xffffffff,
                            .revision = 7,
                            .cost_us = 3,
                            .score_min = -1.5f,
                            .score_max = 0.1f,
                            .votes = true,
                            .probed = true };
    as_verifier_info out;
    as_arena arena;
    as_buf json;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    as_buf_init(&json, 1 << 16);
    as_info_write(&in, &json);
    assert_int_equal(as_info_read(&out, as_buf_str(&json), &arena, &err), 0);
    assert_string_equal(out.id, in.id);
    assert_string_equal(out.name, in.name);
    assert_string_equal(out.config_schema, in.config_schema);
    assert_string_equal(out.tags[0], tags[0]);
    assert_null(out.tags[2]);
    assert_true(out.flags == in.flags && out.revision == 7 && out.cost_us == 3);
    assert_true(out.score_min == in.score_min && out.score_max == in.score_max);
    assert_true(out.votes && !out.tasks && out.probed);
    assert_string_equal(as_info_short_name(&out), "x");
    assert_int_equal(as_info_read(&out, AS_LIT("{\"id\":3}"), &arena, &err), AS_EDATA);
    as_buf_fini(&json);
    as_arena_fini(&arena);
}

/* ---- the search ---- */

static void found_by_path(void **state)
{
    (void)state;
    as_registry *r = open_at(NULL, "");
    as_found found;
    char name[1100];
    as_err err = { 0 };
    assert_int_equal(as_registry_find(r, bad_plugin("without_sin"), &found, &err), 0);
    assert_null(found.verifier);
    assert_false(found.ours);
    (void)snprintf(name, sizeof name, "%s#bad", bad_plugin("without_sin"));
    assert_int_equal(as_registry_find(r, name, &found, &err), 0);
    assert_string_equal(found.verifier, "bad");
    assert_int_equal(as_registry_find(r, "./no/such.so", &found, &err), AS_EPLUGIN);
    assert_non_null(strstr(err.text, "no such file"));
    memset(&err, 0, sizeof err);
    assert_int_equal(as_registry_find(r, "/", &found, &err), AS_EPLUGIN);
    assert_non_null(strstr(err.text, "a folder"));
    as_registry_close(r);
}

static void found_in_order(void **state)
{
    (void)state;
    char path[1200], one[600], two[600], file[700];
    as_found found;
    as_err err = { 0 };
    (void)snprintf(one, sizeof one, "%s", folder("one"));
    (void)snprintf(two, sizeof two, "%s", folder("two"));
    (void)snprintf(file, sizeof file, "%s/mine.so", two);
    copy_file(bad_plugin("without_sin"), file);
    (void)snprintf(path, sizeof path, "%s:%s:%s/missing", one, two, one);
    as_registry *r = open_at(path, "");
    assert_int_equal(as_registry_find(r, "mine", &found, &err), 0);
    assert_string_equal(found.path, file);
    assert_int_equal(as_registry_find_unloaded(r, "mine", &found, &err), 0);
    assert_string_equal(found.path, file);
    assert_true(found.or_first && strcmp(found.verifier, "mine") == 0);
    assert_int_equal(as_registry_find_unloaded(r, "org.example.bad", &found, &err), AS_EPLUGIN);
    as_registry_close(r);

    (void)snprintf(file, sizeof file, "%s/mine.so", one); /* an earlier folder wins, */
    copy_file(bad_plugin("without_sin"), file);
    r = open_at(path, "");
    assert_int_equal(as_registry_find(r, "mine", &found, &err), 0);
    assert_string_equal(found.path, file);
    (void)snprintf(file, sizeof file, "%s/mine.so",
                   two); /* and the later file is said to be shadowed */
    assert_true(listed_at(r, file)->shadowed);
    assert_int_equal(as_registry_find(r, "org.example.bad", &found, &err),
                     0); /* by what is inside */
    assert_string_equal(found.verifier, "org.example.bad");
    as_registry_close(r);

    assert_int_equal(setenv("ASSAY_PLUGIN_PATH", two, 1),
                     0); /* --plugin-path comes before the environment */
    r = open_at(NULL, "");
    assert_int_equal(as_registry_find(r, "mine", &found, &err), 0);
    assert_string_equal(found.path, file);
    as_registry_close(r);
    r = open_at(one, "");
    assert_int_equal(as_registry_find(r, "mine", &found, &err), 0);
    assert_string_not_equal(found.path, file);
    as_registry_close(r);
    unsetenv("ASSAY_PLUGIN_PATH");
}

static void current_folder_is_never_searched(void **state)
{
    (void)state;
    char file[700], before[1024];
    as_found found;
    as_err err = { 0 };
    const char *here = folder("here");
    assert_non_null(getcwd(before, sizeof before));
    (void)snprintf(file, sizeof file, "%s/lurker.so", here);
    copy_file(bad_plugin("without_sin"), file);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(setenv("ASSAY_PLUGIN_PATH", "::", 1), 0);
    as_registry *r = open_at(":", "");
    assert_int_equal(as_registry_find(r, "lurker", &found, &err), AS_EPLUGIN);
    as_registry_close(r);
    unsetenv("ASSAY_PLUGIN_PATH");
    assert_int_equal(chdir(before), 0);
}

static void not_found_tells_all(void **state)
{
    (void)state;
    char file[700], dir[600], tried[800];
    as_found found;
    as_err err = { 0 };
    (void)snprintf(dir, sizeof dir, "%s", folder("tells"));
    (void)snprintf(file, sizeof file, "%s/some.so", dir);
    copy_file(bad_plugin("without_sin"), file);
    as_registry *r = open_at(dir, "");
    assert_int_equal(as_registry_find(r, "bda", &found, &err), AS_EPLUGIN);
    (void)snprintf(tried, sizeof tried, "tried %s/bda.so, ", dir);
    assert_non_null(strstr(err.text, tried));
    assert_non_null(strstr(err.text, "did you mean \"bad\"?"));
    static const char *const names[] = { "", "a b", "x\n", "{}", "a*" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        memset(&err, 0, sizeof err);
        assert_int_equal(as_registry_find(r, names[i], &found, &err), AS_EPLUGIN);
        assert_true(err.text[0] != 0);
    }
    as_registry_close(r);
}

/* ---- the list ---- */

static void bad_ones_are_listed(void **state)
{
    (void)state;
    static const struct {
        const char *plugin, *says;
    } rows[] = { { "sin_load_crash", "killed by signal 6" },
                 { "sin_load_exit", "exited with status 0" },
                 { "sin_major_new", "ABI 99" },
                 { "without_sin", NULL },
                 { "sin_load_stdout", NULL },
                 { "sin_load_hang", "hangs" } };
    enum { N = sizeof rows / sizeof *rows };
    char file[700], dir[600];
    (void)snprintf(dir, sizeof dir, "%s", folder("bad"));
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(file, sizeof file, "%s/%zu_%s.so", dir, i, rows[i].plugin);
        copy_file(bad_plugin(rows[i].plugin), file);
    }
    (void)snprintf(file, sizeof file, "%s/text.so", dir);
    write_text(file, "no library\n");
    as_registry *r = open_at(dir, temp_path("bad.json"));
    assert_non_null(strstr(listed_at(r, file)->problem, "a text file"));
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(file, sizeof file, "%s/%zu_%s.so", dir, i, rows[i].plugin);
        const as_listed *l = listed_at(r, file);
        assert_non_null(l);
        if (rows[i].says) {
            assert_null(l->infos);
            assert_non_null(strstr(l->problem, rows[i].says));
        } else {
            assert_null(l->problem);
            assert_string_equal(l->infos[0].id, "org.example.bad");
            assert_true(l->infos[0].probed);
        }
    }
    as_registry_close(r);
}

/* ---- the index ---- */

static void index_is_kept_and_noticed(void **state)
{
    (void)state;
    char file[700], dir[600], index[600];
    (void)snprintf(dir, sizeof dir, "%s", folder("kept"));
    (void)snprintf(file, sizeof file, "%s/a.so", dir);
    (void)snprintf(index, sizeof index, "%s", temp_path("kept.json"));
    copy_file(bad_plugin("without_sin"), file);
    as_registry *r = open_at(dir, index);
    assert_non_null(listed_at(r, file)->infos);
    as_registry_close(r);
    /* What the index says is believed for a file that has not changed ... */
    as_buf bytes;
    as_buf_init(&bytes, 1 << 20);
    assert_int_equal(as_file_read(index, &bytes, NULL), 0);
    char *id = strstr(bytes.data, "org.example.bad");
    assert_non_null(id);
    memcpy(id, "org.example.oui", 15); /* NOLINT: inside a longer text */
    assert_int_equal(as_file_write_atomic(index, as_buf_str(&bytes), NULL), 0);
    as_buf_fini(&bytes);
    r = open_at(dir, index);
    assert_string_equal(listed_at(r, file)->infos[0].id, "org.example.oui");
    as_registry_close(r);
    /* ... and no longer once it has. */
    struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
    r = open_at(dir, index);
    assert_string_equal(listed_at(r, file)->infos[0].id, "org.example.bad");
    as_registry_close(r);
}

static void bad_index_is_ignored(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"schema\":\"assay.plugin_index/2\",\"files\":[]}",
        "{\"schema\":\"assay.plugin_index/1\",\"host\":\"0.0.1\",\"files\":[{}]}",
        "{\"schema\":\"assay.plugin_index/1\",\"host\":\"" ASSAY_VERSION
        "\",\"files\":[{\"path\":3}]}",
        "{\"schema\":\"assay.plugin_index/1\",\"host\":\"" ASSAY_VERSION
        "\",\"files\":[{\"path\":\"/x\",\"size\":1,\"mtime_ns\":1,\"infos\":[]}]}",
        "\377\376",
    };
    char file[700], dir[600], index[600];
    (void)snprintf(dir, sizeof dir, "%s", folder("ignored"));
    (void)snprintf(file, sizeof file, "%s/a.so", dir);
    (void)snprintf(index, sizeof index, "%s", temp_path("ignored.json"));
    copy_file(bad_plugin("without_sin"), file);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_text(index, texts[i]);
        as_registry *r = open_at(dir, index);
        assert_string_equal(listed_at(r, file)->infos[0].id, "org.example.bad");
        as_registry_close(r);
    }
}

static void index_may_be_out_of_reach(void **state)
{
    (void)state;
    char file[700], dir[600], index[700];
    (void)snprintf(dir, sizeof dir, "%s", folder("reach"));
    (void)snprintf(file, sizeof file, "%s/a.so", dir);
    copy_file(bad_plugin("without_sin"), file);
    (void)snprintf(index, sizeof index, "%s/no/such/folder/index.json", dir);
    as_registry *r = open_at(dir, index);
    logged[0] = 0;
    assert_non_null(listed_at(r, file)->infos);
    assert_non_null(strstr(logged, "index not written"));
    as_registry_close(r);
    (void)snprintf(index, sizeof index, "%s",
                   folder("reach_dir")); /* a folder where a file should be */
    r = open_at(dir, index);
    assert_non_null(listed_at(r, file)->infos);
    as_registry_close(r);
}

/* ---- ours ---- */

static void ours_are_ours_only_in_place(void **state)
{
    (void)state;
    char file[700], dir[600];
    as_found found;
    as_err err = { 0 };
    as_registry *r = open_at(NULL, "");
    if (as_registry_find(r, "exact", &found, &err) < 0) {
        print_message("SKIP ours: %s\n", err.text);
        as_registry_close(r);
        skip();
    }
    (void)snprintf(dir, sizeof dir, "%s", folder("ours"));
    (void)snprintf(file, sizeof file, "%s/exact.so", dir);
    assert_true(found.ours);
    copy_file(found.path, file);
    assert_int_equal(as_registry_find(r, file, &found, &err), 0);
    assert_false(found.ours); /* the same bytes, but where others may write */
    as_registry_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(cut_libraries),
        cmocka_unit_test(damaged_libraries),
        cmocka_unit_test(entries_that_are_none),
        cmocka_unit_test(static_entries_are_checked),
        cmocka_unit_test(the_one_inside),
        cmocka_unit_test(infos_round_trip),
        cmocka_unit_test(found_by_path),
        cmocka_unit_test(found_in_order),
        cmocka_unit_test(current_folder_is_never_searched),
        cmocka_unit_test(not_found_tells_all),
        cmocka_unit_test(bad_ones_are_listed),
        cmocka_unit_test(index_is_kept_and_noticed),
        cmocka_unit_test(bad_index_is_ignored),
        cmocka_unit_test(index_may_be_out_of_reach),
        cmocka_unit_test(ours_are_ours_only_in_place),
    };
    as_log_set(keep_log, NULL, AS_LOG_DEBUG);
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
