/* check_rows.h -- runs `plugin check` on a plugin with one sin and compares which tests failed with
 * which should. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_CHECK_ROWS_H
#define AS_TESTS_CHECK_ROWS_H
#include "base/mem.h"
#include "plug/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the four headers it needs */
#include <cmocka.h>

typedef struct check_row {
    const char *plugin,
        *failing;     /* names separated by a blank, in the order of the tests; "": none */
    const char *says; /* what the first failure's text must hold; NULL: not looked at */
    unsigned timeout_ms, fuzz;
} check_row;

typedef struct check_seen {
    char failing[400], text[400];
    unsigned n, n_skipped;
} check_seen;

static inline void check_take(void *ctx, const as_check_result *r)
{
    check_seen *s = ctx;
    size_t used = strlen(s->failing);
    s->n++;
    s->n_skipped += r->state == AS_CHECK_SKIP;
    if (r->state != AS_CHECK_FAIL)
        return;
    if (used == 0)
        (void)snprintf(s->text, sizeof s->text, "%s", r->text);
    (void)snprintf(s->failing + used, sizeof s->failing - used, "%s%s", used ? " " : "", r->name);
}

static inline int check_run(const char *name, const as_check_options *options, check_seen *seen)
{
    as_registry *registry = NULL;
    as_registry_options where = { .index_file = "" };
    as_found found;
    as_err err = { 0 };
    char path[1024];
    const char *folder = getenv("ASSAY_TEST_PLUGINS");
    assert_non_null(folder);
    (void)snprintf(path, sizeof path, "%s/%s.so", folder, name);
    memset(seen, 0, sizeof *seen);
    assert_int_equal(as_registry_open(&registry, &where, &err), 0);
    assert_int_equal(as_registry_find(registry, path, &found, &err), 0);
    int rc = as_check_run(&found, options, check_take, seen, &err);
    as_registry_close(registry);
    return rc;
}

static inline void check_one(void **state)
{
    const check_row *row = *state;
    as_check_options options = { .timeout_ms = row->timeout_ms,
                                 .fuzz_rounds = row->fuzz,
                                 .seed = 1 };
    check_seen seen;
    int rc = check_run(row->plugin, &options, &seen);
    if (strcmp(seen.failing, row->failing) != 0)
        print_error("%s: %s\n", row->plugin, seen.text);
    assert_string_equal(seen.failing, row->failing);
    assert_int_equal(rc, row->failing[0] ? AS_EGATE : 0);
    if (row->says && !strstr(seen.text, row->says)) {
        print_error("%s: \"%s\" lacks \"%s\"\n", row->plugin, seen.text, row->says);
        fail();
    }
}

/* One cmocka test per row, named after its plugin. */
static inline int check_all(const check_row *rows, size_t n)
{
    struct CMUnitTest *tests = as_calloc(n, sizeof *tests);
    if (!tests)
        return 1;
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].plugin,
                                        .test_func = check_one,
                                        .initial_state = (void *)(uintptr_t)&rows[i] };
    int failed = _cmocka_run_group_tests("plugin check", tests, n, NULL, NULL);
    as_free(tests);
    return failed;
}
#endif
