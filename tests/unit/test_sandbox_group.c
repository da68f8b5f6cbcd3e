/* test_sandbox_group.c -- control groups: what the kernel writes of them, as ordinary files, for
 * both versions; and live, where groups can be made. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/cgroup.h"
#include "sandbox/protocol.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOUND = 8 << 20, PROCS = 4 };

static char dir[64]; /* of this test's own */

static const char *below(const char *name)
{
    static char path[2][512];
    static unsigned turn;
    char *p = path[turn++ % 2];
    (void)snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static int put(const char *name, const char *text)
{
    int fd = open(below(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void expect(const char *name, const char *text)
{
    char found[64] = "";
    int fd = open(below(name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, found, sizeof found - 1) >= 0);
    close(fd);
    assert_string_equal(found, text);
}

static unsigned count_entries(const char *path)
{
    unsigned n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    while (readdir(d)) /* NOLINT(concurrency-mt-unsafe): one thread */
        n++;
    (void)closedir(d);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/test_sandbox_group.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const left[] = {
        "g/memory.max", "g/pids.max", "g/memory.limit_in_bytes", "g", "events", "full", "pids"
    };
    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        (void)remove(below(left[i]));
    return rmdir(dir);
}

static void set_place(group_place *place, unsigned version)
{
    *place = (group_place){ .version = version };
    (void)snprintf(place->memory, sizeof place->memory, "%s", dir);
    (void)snprintf(place->pids, sizeof place->pids, "%s", dir);
}

/* ---- nowhere ---- */

static void test_nowhere(void **state)
{
    (void)state;
    group g = { .is_made = false };
    group_place place = { .version = 0 };
    unsigned open_before = count_entries("/proc/self/fd");
    assert_false(group_ready(&g, &place, BOUND, PROCS));
    group_close(&g, &place);
    for (unsigned version = 1; version <= 2; version++) {
        place = (group_place){ .version = version, .memory = "/no.where", .pids = "/no.where" };
        assert_false(group_ready(&g, &place, BOUND, PROCS));
        assert_false(g.is_made);
        set_place(&place, version); /* a folder, and no group */
        assert_false(group_ready(&g, &place, BOUND, PROCS));
        assert_false(g.is_made);
    }
    assert_int_equal(count_entries(dir), 2);
    assert_int_equal(count_entries("/proc/self/fd"), open_before);
}

/* ---- counts and bounds ---- */

static void expect_verdict(const group *g, bool memory, bool elsewhere, bool procs)
{
    group_verdict v = group_judge(g);
    assert_int_equal(v.memory, memory);
    assert_int_equal(v.elsewhere, elsewhere);
    assert_int_equal(v.procs, procs);
}

static void test_second_version(void **state)
{
    (void)state;
    group_place place;
    set_place(&place, 2);
    assert_int_equal(mkdir(below("g"), 0700), 0);
    close(put("g/memory.max", ""));
    close(put("g/pids.max", ""));
    group g = { .is_made = true, .name = "g", .n_join = 1, .full = -1 };
    g.events = put("events", "low 0\nhigh 0\nmax 5\noom 1\noom_kill 2\noom_group_kill 0\n");
    g.pids = put("pids", "max 0\n");
    g.join[0] = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(group_ready(&g, &place, BOUND, PROCS));
    expect("g/memory.max", "8388608");
    expect("g/pids.max", "4");
    assert_int_equal(group_order_flags(&g), ASBX_ORDER_INTO | ASBX_ORDER_COUNTED);
    expect_verdict(&g, false, false, false);
    close(put("events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 7\n"));
    expect_verdict(&g, false, false, false); /* room was found */
    close(put("events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\noom_group_kill 0\n"));
    close(put("pids", "max 1\n"));
    expect_verdict(&g, true, false, true);
    close(put("events", "low 0\nhigh 0\nmax 5\noom 1\noom_kill 3\noom_group_kill 0\n"));
    expect_verdict(&g, false, true, true);
    close(put("events", "")); /* as of a group that is gone */
    expect_verdict(&g, false, false, false);
    close(g.events);
    close(g.pids);
    close(g.join[0]);
}

static void test_first_version(void **state)
{
    (void)state;
    group_place place;
    set_place(&place, 1);
    assert_int_equal(mkdir(below("g"), 0700), 0);
    close(put("g/memory.limit_in_bytes", ""));
    group g = { .is_made = true, .name = "g", .n_join = 1, .pids = -1 };
    g.events = put("events", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
    g.full = put("full", "7\n");
    assert_true(group_ready(&g, &place, BOUND, PROCS));
    expect("g/memory.limit_in_bytes", "8388608");
    assert_int_equal(group_order_flags(&g), ASBX_ORDER_JOIN);
    expect_verdict(&g, false, false, false);
    close(put("events", "oom_kill_disable 9\nunder_oom 0\noom_kill 1\n"));
    expect_verdict(&g, false, true, false);
    close(put("full", "8\n"));
    expect_verdict(&g, true, false, false);
    g.n_join = 2;
    assert_int_equal(group_order_flags(&g), ASBX_ORDER_JOIN | ASBX_ORDER_JOIN_TOO);
    close(g.events);
    close(g.full);
}

/* With several processes it is the bound; by itself a process meets that of its address space. */
static void test_bound(void **state)
{
    (void)state;
    enum { OWN_MIB = 160 };
    for (const asbx_policy *const *p = asbx_policies; *p; p++) {
        const asbx_limits *const all[] = { &(*p)->limits, &(*p)->most };
        for (int i = 0; i < 2; i++) {
            uint64_t bound = group_bound(*p, all[i]), asked = (uint64_t)all[i]->mem_mib << 20;
            uint64_t disk = (*p)->disk ? (uint64_t)all[i]->file_kib << 11 : 0;
            assert_true(bound > asked + disk);
            assert_true(bound > asked + ((uint64_t)OWN_MIB << 20) || (*p)->processes);
            assert_true(bound < 2 * asked + disk + ((uint64_t)OWN_MIB << 20));
        }
    }
}

/* ---- live ---- */

static void test_live(void **state)
{
    (void)state;
    char path[2][1200];
    group a = { .is_made = false }, b = a;
    group_place place;
    unsigned open_before = count_entries("/proc/self/fd");
    group_find(&place);
    if (!place.version) {
        assert_true(place.why[0]);
        print_message("SKIP test_live: %s\n", place.why);
        skip();
    }
    assert_true(group_ready(&a, &place, BOUND, PROCS) && group_ready(&b, &place, BOUND, PROCS));
    (void)snprintf(path[0], sizeof path[0], "%s/%s", place.memory, a.name);
    (void)snprintf(path[1], sizeof path[1], "%s/%s", place.memory, b.name);
    assert_string_not_equal(path[0], path[1]);
    assert_int_equal(access(path[0], F_OK), 0);
    expect_verdict(&a, false, false, false);
    assert_int_equal(rmdir(path[0]), 0);
    expect_verdict(&a, false, false, false);
    assert_true(group_ready(&a, &place, BOUND, PROCS)); /* made again */
    (void)snprintf(path[0], sizeof path[0], "%s/%s", place.memory, a.name);
    assert_int_equal(access(path[0], F_OK), 0);
    group_place again; /* sweeps, but not what is a living supervisor's */
    group_find(&again);
    assert_int_equal(access(path[0], F_OK), 0);
    group_close(&a, &place);
    group_close(&b, &place);
    assert_int_not_equal(access(path[0], F_OK), 0);
    assert_int_not_equal(access(path[1], F_OK), 0);
    assert_int_equal(count_entries("/proc/self/fd"), open_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_version, set_up, tear_down),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
