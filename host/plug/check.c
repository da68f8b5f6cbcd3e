/* check.c -- the list of tests a plugin has to pass, and the frame that runs them one by one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/check.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "plug/check_env.h"

#include <sys/mman.h>

/* What must be there before a test makes sense. */
typedef enum need { NEED_FILE, NEED_NOTHING, NEED_ENTRY, NEED_VERIFIER } need;
typedef struct test {
    const char *name;
    int (*run)(as_checker *c);
    need needs;
} test;

static const test tests[] = {
    { "symbols", as_test_symbols, NEED_FILE },
    { "load", as_test_load, NEED_NOTHING },
    { "load_time", as_test_load_time, NEED_FILE },
    { "side_effects", as_test_side_effects, NEED_FILE },
    { "descriptor", as_test_descriptor, NEED_ENTRY },
    { "create", as_test_create, NEED_ENTRY },
    { "extensions", as_test_extensions, NEED_VERIFIER },
    { "unknown_key", as_test_unknown_key, NEED_VERIFIER },
    { "config_type", as_test_config_type, NEED_VERIFIER },
    { "empty_batch", as_test_empty_batch, NEED_VERIFIER },
    { "text_empty", as_test_text_empty, NEED_VERIFIER },
    { "text_nul", as_test_text_nul, NEED_VERIFIER },
    { "text_utf8", as_test_text_utf8, NEED_VERIFIER },
    { "text_absent", as_test_text_absent, NEED_VERIFIER },
    { "text_large", as_test_text_large, NEED_VERIFIER },
    { "columns", as_test_columns, NEED_VERIFIER },
    { "verdicts", as_test_verdicts, NEED_VERIFIER },
    { "range", as_test_range, NEED_VERIFIER },
    { "nan", as_test_nan, NEED_VERIFIER },
    { "emits", as_test_emits, NEED_VERIFIER },
    { "determinism", as_test_determinism, NEED_VERIFIER },
    { "batches", as_test_batches, NEED_VERIFIER },
    { "vote", as_test_vote, NEED_VERIFIER },
    { "threads", as_test_threads, NEED_VERIFIER },
    { "cancel", as_test_cancel, NEED_VERIFIER },
    { "deadline", as_test_deadline, NEED_VERIFIER },
    { "leaks", as_test_leaks, NEED_VERIFIER },
    { "state", as_test_state, NEED_VERIFIER },
    { "quiet", as_test_quiet, NEED_VERIFIER },
    { "known", as_test_known, NEED_VERIFIER },
    { "fuzz", as_test_fuzz, NEED_VERIFIER },
};

typedef struct frame {
    as_checker c;
    bool loaded, created;
    unsigned n_failed;
    void (*report)(void *ctx, const as_check_result *result);
    void *ctx;
} frame;

/* The child's part: bring the process to where the test begins. */
static need preparing;
static int (*prepared_test)(as_checker *c);
static int prepare_and_run(as_checker *c)
{
    int rc = preparing >= NEED_ENTRY ? as_check_load(c) : 0;
    if (rc == 0 && preparing == NEED_VERIFIER)
        rc = as_check_create(c, c->config, &c->v);
    return rc < 0 ? rc : prepared_test(c);
}

static const char *reason_to_skip(const frame *f, const test *t)
{
    if (t->needs == NEED_FILE && !f->c.plugin->path)
        return "linked into the host: there is no file";
    if (t->run == as_test_fuzz && f->c.options->fuzz_rounds == 0)
        return "not asked for (--fuzz N --seed S)";
    if (t->run == as_test_symbols || t->run == as_test_load)
        return NULL;
    if (!f->loaded)
        return "it could not be loaded";
    if (t->needs == NEED_VERIFIER && !f->created)
        return "no instance could be made (see create)";
    return NULL;
}

static int run_test(frame *f, const test *t, as_err *err)
{
    as_check_result result = { .name = t->name, .state = AS_CHECK_FAIL };
    const char *skip = reason_to_skip(f, t);
    int64_t start = as_now_ns();
    int rc = 0;
    f->c.result = &result;
    if (skip) {
        as_check_skip(&f->c, "%s", skip);
    } else {
        preparing = t->needs;
        prepared_test = t->run;
        unsigned limit = f->c.options->timeout_ms ? f->c.options->timeout_ms : 20000;
        rc = as_check_in_child(&f->c, prepare_and_run, limit, err);
    }
    if (rc < 0)
        return rc;
    result.ms = (double)(as_now_ns() - start) / 1e6;
    f->loaded = f->loaded || (t->run == as_test_load && result.state == AS_CHECK_OK);
    f->created = f->created || (t->run == as_test_create && result.state == AS_CHECK_OK);
    f->n_failed += result.state == AS_CHECK_FAIL;
    if (f->report)
        f->report(f->ctx, &result);
    return 0;
}

/* Which of the known answers' configurations stands in when `{}` is refused and none was given. */
static as_str known_config(const as_known_set *known)
{
    for (uint32_t i = 0; i < known->n; i++)
        if (known->at[i].config.data)
            return known->at[i].config;
    return (as_str){ NULL, 0 };
}

static int run_all(frame *f, as_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(tests) / sizeof(tests[0]); i++) {
        rc = run_test(f, &tests[i], err);
        if (f->c.notes & AS_CHECK_USE_KNOWN_CONFIG)
            f->c.config = known_config(f->c.known);
    }
    if (rc == 0 && f->n_failed > 0)
        rc = as_fail(err, AS_EGATE, "%s: %u test%s failed", f->c.what, f->n_failed,
                     f->n_failed == 1 ? "" : "s");
    return rc;
}

static int read_config(const as_check_options *o, as_buf *out, as_err *err)
{
    int rc = as_json_canonical(as_str_of(o->config ? o->config : "{}"), out, err);
    if (rc < 0)
        as_err_prefix(err, "--config");
    else if (out->len == 0 || out->data[0] != '{')
        rc = as_fail(err, AS_EUSAGE, "--config: not a JSON object");
    return rc;
}

int as_check_run(const as_found *plugin, const as_check_options *options,
                 void (*report)(void *ctx, const as_check_result *), void *ctx, as_err *err)
{
    static const as_check_options none = { 0 };
    const char *what = plugin->path ? plugin->path : "static verifier";
    as_known_set known = { 0 };
    as_columns items;
    as_arena arena;
    AS_CLEANUP(buf) as_buf config;
    frame f = { .report = report, .ctx = ctx };
    f.c = (as_checker){ .plugin = plugin,
                        .options = options ? options : &none,
                        .what = what,
                        .known = &known,
                        .items = &items,
                        .output = -1 };
    as_arena_init(&arena, 0);
    as_buf_init(&config, 1 << 20);
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rc = shared == MAP_FAILED ? as_fail_errno(err, "no shared memory for the checks") : 0;
    rc = rc < 0 ? rc : read_config(f.c.options, &config, err);
    rc = rc < 0 ? rc : as_known_read(&known, plugin->path, f.c.options->known, &arena, err);
    rc = rc < 0 ? rc : as_material_new(&items, &known, &arena, err);
    if (rc == 0) {
        f.c.config = as_buf_str(&config);
        f.c.progress = shared;
        rc = run_all(&f, err);
    }
    if (shared != MAP_FAILED)
        munmap(shared, 4096);
    as_free(known.path);
    as_arena_fini(&arena);
    return rc;
}
