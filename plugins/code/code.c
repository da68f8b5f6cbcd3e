/* code.c -- org.assay.code: runs the program in a completion against its tests, in the host's
 * sandbox. The verdict is computed here, from values; expected ones never enter the program's
 * process. SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"
#include "common/config.h"
#include "common/emit.h"
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { CACHED = 32, CONTINUOUS_TESTS = 10, SHOWN = 160 };

typedef enum scoring { SCORE_ALL, SCORE_FRACTION, SCORE_CONTINUOUS } scoring;

typedef struct cached { /* the same reference comes with every completion of a group */
    cd_pool pool;
    assay_str text;
    cd_task task;
    uint64_t used; /* 0: free */
} cached;

typedef struct code {
    assay_verifier base;
    const assay_host *host;
    const assay_svc_sandbox *box;
    cd_python *py;
    scoring scoring;
    cd_limits limits;
    char policy[16], prelude[256];
    cached tasks[CACHED];
    uint64_t clock;
} code;

/* ---- tasks ---- */

static void forget(cached *c)
{
    cd_task_fini(&c->task);
    cd_pool_fini(&c->pool);
    c->used = 0;
}

/* The tests: the reference, or what stands for it in the item's meta. */
static assay_str tests_of(const assay_batch *b, uint32_t i)
{
    assay_str reference = pc_col(b->reference, i), meta = pc_col(b->meta, i);
    return pc_is_blank(reference) ? pc_trim(meta.data ? meta : PC_LIT("")) : pc_trim(reference);
}

static cd_task *find_task(code *v, assay_str text)
{
    cached *slot = &v->tasks[0];
    for (uint32_t i = 0; i < CACHED; i++) {
        cached *c = &v->tasks[i];
        if (c->used && pc_eq(c->text, text)) {
            c->used = ++v->clock;
            return &c->task;
        }
        if (c->used < slot->used)
            slot = c;
    }
    if (slot->used)
        forget(slot);
    slot->text = cd_copy(&slot->pool, text);
    slot->used = ++v->clock;
    if (slot->text.data)
        cd_task_read(&slot->task, v->py, slot->text);
    else
        slot->task = (cd_task){ .why = "out of memory" };
    return &slot->task;
}

/* A task that could not be read for want of memory is no task; try again another time. */
static void drop_if_lost(code *v)
{
    if (!pc_memory_is_lost())
        return;
    for (uint32_t i = 0; i < CACHED; i++)
        if (v->tasks[i].used == v->clock)
            forget(&v->tasks[i]);
}

/* ---- one item ---- */

typedef struct item {
    code *v;
    const assay_call *call;
    uint32_t i, n_left; /* items of the batch from this one on */
    cd_pool pool;
    cd_task *task;
    cd_program program;
    cd_test *tests, *calls;
    uint32_t n, first_bad, passed; /* first_bad: n where there is none */
    char failed[300];              /* of ours; "" where nothing did */
    bool is_cancelled;
} item;

/* Half of this item's share of the time there is. */
static int64_t until(const item *x)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec, end = x->call->deadline_ns;
    return end ? now + (end - now) / (2 * (int64_t)x->n_left) : INT64_MAX;
}

static void run_item(item *x, bool all)
{
    assay_error err = { .size = sizeof err };
    cd_runner r = { .host = x->v->host,
                    .box = x->v->box,
                    .call = x->call,
                    .limits = x->v->limits,
                    .all = all,
                    .for_fraction = x->v->scoring != SCORE_ALL,
                    .until_ns = until(x),
                    .pool = &x->pool,
                    .err = &err };
    cd_prepare(&r, x->task);
    if (r.failed == ASSAY_OK && !x->task->why)
        cd_run(&r, x->task, &x->program, &x->tests, &x->calls);
    x->n = cd_task_tests(x->task);
    x->is_cancelled = r.failed == ASSAY_E_CANCELLED;
    if (r.failed != ASSAY_OK)
        (void)snprintf(x->failed, sizeof x->failed, "sandbox_error: %s",
                       err.text[0] ? err.text : "it gave no result");
}

/* In their order: the first that is not ok decides, whether or not those behind it were run. */
static void sum_up(item *x, bool any_decides)
{
    x->first_bad = x->n;
    for (uint32_t i = 0; i < x->n; i++) {
        int32_t s = x->tests[i].status;
        bool ours = s == CD_FLAKY || s == CD_SANDBOX_ERROR;
        x->passed += s == CD_OK;
        if (s != CD_OK && x->first_bad == x->n)
            x->first_bad = i;
        if (ours && any_decides && x->tests[x->first_bad].status != CD_SANDBOX_ERROR)
            x->first_bad = i; /* a fraction is of tests whose outcome is known */
    }
}

static float score_of(const item *x)
{
    if (x->first_bad == x->n)
        return 1;
    uint32_t n = x->n, passed = x->passed;
    if (x->v->scoring == SCORE_ALL || !n)
        return 0;
    if (x->v->scoring == SCORE_CONTINUOUS && n > CONTINUOUS_TESTS) {
        n = CONTINUOUS_TESTS;
        passed = 0;
        for (uint32_t i = 0; i < n; i++)
            passed += x->tests[i].status == CD_OK;
    }
    return (float)passed / (float)n;
}

/* ---- what is said of it ---- */

static void emit_detail(const item *x)
{
    pc_buf b = { 0 };
    pc_buf_byte(&b, '[');
    for (uint32_t i = 0; i < x->n; i++)
        pc_buf_fmt(&b, "%s{\"ok\":%s,\"status\":\"%s\",\"cpu_ms\":%.3f}", i ? "," : "",
                   x->tests[i].status == CD_OK ? "true" : "false",
                   cd_status_word(x->tests[i].status), (double)x->tests[i].cpu_us / 1000);
    pc_buf_byte(&b, ']');
    if (!b.failed)
        pc_emit(x->call, x->i, ASSAY_OUT_DETAIL, pc_buf_str(&b));
    pc_buf_fini(&b);
}

static void put_shown(pc_buf *b, pc_buf *scratch, const cd_task *t, assay_str value)
{
    pc_buf_clear(scratch);
    if (t->kind == CD_STDIO)
        cd_json_quote(scratch, value);
    else
        cd_repr(scratch, value);
    pc_buf_shown(b, pc_buf_str(scratch), SHOWN);
}

/* "f(1, 2) returned 4; expected 3" */
static void put_call(pc_buf *b, const item *x, uint32_t call, bool expected)
{
    pc_buf scratch = { 0 };
    const cd_task *t = x->task;
    const cd_test *test = &x->calls[call];
    bool run = t->kind == CD_STDIO;
    pc_buf_text(b, run ? "on " : t->entry);
    if (t->input[call].data)
        put_shown(b, &scratch, t, t->input[call]);
    if (!run && b->len > 2 && b->data[b->len - 2] == ',') /* f(1), not f(1,) */
        b->data[--b->len - 1] = ')';
    if (test->value.data) {
        pc_buf_text(b, run ? " wrote " : " returned ");
        put_shown(b, &scratch, t, test->value);
    }
    if (expected && t->want[call].data) {
        pc_buf_text(b, "; expected ");
        put_shown(b, &scratch, t, t->want[call]);
    }
    pc_buf_fini(&scratch);
}

static void put_failure(pc_buf *b, const item *x)
{
    const cd_task *t = x->task;
    const cd_test *test = &x->tests[x->first_bad];
    pc_buf_fmt(b, "; test %u: %s: ", x->first_bad + 1, cd_status_word(test->status));
    if (t->kind == CD_ASSERTS) {
        const cd_assertion *a = &t->assertions[x->first_bad];
        pc_buf_text(b, "assert ");
        pc_buf_shown(b, a->source, SHOWN);
        for (uint32_t k = 0; !a->whole && k < a->n; k++) {
            pc_buf_text(b, "; ");
            put_call(b, x, a->first + k, false);
        }
    } else if (t->kind != CD_CHECK) {
        put_call(b, x, x->first_bad, t->has_wants);
    }
    assay_str errors = pc_trim(test->errors.data ? test->errors : PC_LIT(""));
    size_t nl = pc_rfind(errors, "\n", errors.len);
    if (errors.len) {
        pc_buf_text(b, "; ");
        pc_buf_shown(b, nl == PC_NONE ? errors : pc_from(errors, nl + 1), SHOWN);
    }
}

static void emit_explain(const item *x)
{
    pc_buf b = { 0 };
    pc_buf_fmt(&b, "program from the %s; %u of %u tests passed",
               strcmp(x->program.rule, "block") == 0    ? "last block that fits"
               : strcmp(x->program.rule, "prefix") == 0 ? "prompt and its continuation"
                                                        : "text itself",
               x->passed, x->n);
    if (x->first_bad < x->n)
        put_failure(&b, x);
    if (!b.failed)
        pc_emit(x->call, x->i, ASSAY_OUT_EXPLAIN, pc_buf_str(&b));
    pc_buf_fini(&b);
}

static void emit_metrics(const item *x)
{
    char text[120];
    uint64_t cpu = 0;
    for (uint32_t i = 0; i < x->n; i++)
        cpu = x->tests[i].cpu_us > cpu ? x->tests[i].cpu_us : cpu;
    (void)snprintf(text, sizeof text, "{\"tests\":%u,\"passed\":%u,\"cpu_us\":%llu}", x->n,
                   x->passed, (unsigned long long)cpu);
    pc_emit_text(x->call, x->i, ASSAY_OUT_METRICS, text);
}

static void emit_answer(const item *x)
{
    pc_buf b = { 0 };
    if (cd_key(&b, x->task, x->calls))
        pc_emit(x->call, x->i, ASSAY_OUT_KEY, pc_buf_str(&b));
    bool has_key = b.len > 0;
    pc_buf_clear(&b);
    if (has_key && cd_answer(&b, x->task, x->calls))
        pc_emit(x->call, x->i, ASSAY_OUT_ANSWER, pc_buf_str(&b));
    pc_buf_fini(&b);
}

static const char *rule_of(const cd_task *t)
{
    static const char *const rules[] = { "calls", "stdio", "asserts", "check" };
    return rules[t->kind];
}

static void judge_item(item *x, assay_scores *out)
{
    uint32_t flags = x->call->flags;
    if (x->failed[0] || !x->tests || !x->calls) {
        pc_set(x->call, out, x->i, ASSAY_ERROR, 0, rule_of(x->task),
               x->failed[0] ? x->failed : "out of memory");
        return;
    }
    sum_up(x, x->v->scoring != SCORE_ALL);
    emit_metrics(x);
    if (flags & ASSAY_WANT_DETAIL)
        emit_detail(x);
    if (flags & ASSAY_WANT_EXPLAIN)
        emit_explain(x);
    if (flags & ASSAY_WANT_ANSWER)
        emit_answer(x);
    int32_t status = x->first_bad < x->n ? x->tests[x->first_bad].status : CD_OK;
    pc_set(x->call, out, x->i, cd_status_verdict(status), score_of(x), rule_of(x->task),
           status == CD_OK ? NULL : cd_status_word(status));
}

static bool needs_all(const code *v, uint32_t flags)
{
    return v->scoring != SCORE_ALL || (flags & (ASSAY_WANT_DETAIL | ASSAY_WANT_ANSWER)) != 0;
}

/* The task and the program; false: the verdict is set. `out` NULL: nobody wants one. */
static bool open_item(item *x, const assay_batch *b, assay_scores *out)
{
    x->task = find_task(x->v, tests_of(b, x->i));
    drop_if_lost(x->v);
    if (pc_memory_is_lost() || x->task->why) {
        if (out)
            pc_set(x->call, out, x->i, ASSAY_ABSTAIN, 0, NULL, x->task->why);
        return false;
    }
    cd_extract(&x->program, x->task, x->v->py, pc_col(b->completion, x->i), &x->pool);
    if (x->program.source.data)
        return true;
    if (out)
        pc_set(x->call, out, x->i, ASSAY_NO_ANSWER, 0, rule_of(x->task), x->program.why);
    return false;
}

/* False: the call is to end, and this item has no verdict. */
static bool score_one(code *v, const assay_call *call, const assay_batch *b, assay_scores *out,
                      uint32_t i)
{
    item x = { .v = v, .call = call, .i = i, .n_left = b->n - i };
    if (open_item(&x, b, out)) {
        run_item(&x, needs_all(v, call->flags));
        if (x.is_cancelled)
            (void)pc_memory_was_lost();
        else if (x.task->why)
            pc_set(call, out, i, ASSAY_ABSTAIN, 0, rule_of(x.task), x.task->why);
        else
            judge_item(&x, out);
    }
    cd_pool_fini(&x.pool);
    return !x.is_cancelled;
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        if (pc_cancelled(call) || !score_one(base->data, call, b, out, i))
            return ASSAY_E_CANCELLED;
    }
    return ASSAY_OK;
}

static assay_status extract(assay_verifier *base, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        item x = { .v = base->data, .call = call, .i = i, .n_left = b->n - i };
        if (open_item(&x, b, NULL)) {
            run_item(&x, true);
            if (!x.failed[0] && !x.task->why && x.tests && x.calls)
                emit_answer(&x);
        }
        cd_pool_fini(&x.pool);
        if (x.is_cancelled)
            return ASSAY_E_CANCELLED;
        if (x.failed[0]) {
            pc_error(err, ASSAY_E_IO, "%s", x.failed);
            return ASSAY_E_IO;
        }
        if (pc_memory_was_lost())
            return ASSAY_E_NOMEM;
    }
    return ASSAY_OK;
}

static const assay_ext_answer answer = { .size = sizeof answer, .extract = extract };

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base;
    return strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

/* ---- opening ---- */

static void destroy(assay_verifier *base)
{
    code *v = base->data;
    for (uint32_t i = 0; i < CACHED; i++)
        forget(&v->tasks[i]);
    cd_python_free(v->py);
    pc_free(v);
}

static bool copy_text(pc_config *c, const char *key, char *to, size_t size)
{
    const char *text = pc_config_str(c, key, "");
    if (strlen(text) >= size) {
        pc_config_fail(c, "config key \"%s\" is longer than %zu bytes", key, size - 1);
        return false;
    }
    memcpy(to, text, strlen(text) + 1);
    return *to != 0;
}

static assay_status configure(code *v, assay_str config, assay_error *err)
{
    static const char *const scorings[] = { "all", "fraction", "continuous", NULL };
    static const char *const reruns[] = { "doubt", "never", "always", NULL };
    static const char *const policies[] = { "auto", "pure", "threads", "files", NULL };
    pc_config c;
    assay_status rc = pc_config_open(&c, config, err);
    if (rc)
        return rc;
    v->scoring = (scoring)pc_config_word(&c, "score", scorings, SCORE_ALL);
    v->limits.rerun = (cd_rerun)pc_config_word(&c, "rerun", reruns, CD_RERUN_DOUBT);
    int policy = pc_config_word(&c, "policy", policies, 0);
    v->limits.policy = policy ? policies[policy] : NULL;
    v->limits.cpu_ms = (uint32_t)pc_config_uint(&c, "cpu_ms", 2000, 10, 400000);
    v->limits.wall_ms = (uint32_t)pc_config_uint(&c, "wall_ms", 0, 0, 1200000);
    v->limits.mem_mib = (uint32_t)pc_config_uint(&c, "mem_mib", 512, 16, 65536);
    v->limits.out_kib = (uint32_t)pc_config_uint(&c, "out_kib", 16384, 1, 65536);
    v->limits.per_process = (uint32_t)pc_config_uint(&c, "calls_per_process", 32, 1, 100000);
    if (copy_text(&c, "prelude", v->prelude, sizeof v->prelude))
        v->limits.prelude = v->prelude;
    return pc_config_close(&c);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    code *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    v->host = host;
    v->box = host->service ? host->service(host, ASSAY_SVC_SANDBOX) : NULL;
    assay_status rc = configure(v, config, err);
    if (rc == ASSAY_OK && !v->box) {
        pc_error(err, ASSAY_E_UNSUPPORTED, "the host offers no sandbox (%s)", ASSAY_SVC_SANDBOX);
        rc = ASSAY_E_UNSUPPORTED;
    }
    if (rc == ASSAY_OK && !(v->py = cd_python_new()))
        rc = ASSAY_E_NOMEM;
    if (rc != ASSAY_OK) {
        pc_free(v);
        return rc;
    }
    *out = &v->base;
    return ASSAY_OK;
}

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"score\":{\"enum\":[\"all\",\"fraction\",\"continuous\"],\"default\":\"all\"},"
    "\"rerun\":{\"enum\":[\"doubt\",\"never\",\"always\"],\"default\":\"doubt\"},"
    "\"policy\":{\"enum\":[\"auto\",\"pure\",\"threads\",\"files\"],\"default\":\"auto\"},"
    "\"cpu_ms\":{\"type\":\"integer\",\"minimum\":10,\"maximum\":400000,\"default\":2000},"
    "\"wall_ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1200000,\"default\":0},"
    "\"mem_mib\":{\"type\":\"integer\",\"minimum\":16,\"maximum\":65536,\"default\":512},"
    "\"out_kib\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65536,\"default\":16384},"
    "\"calls_per_process\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100000,\"default\":32},"
    "\"prelude\":{\"type\":\"string\",\"maxLength\":255,\"default\":\"\"}}}";
static const char *const tags[] = { "code", "sandbox", "answer", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    .flags = ASSAY_F_USES_SANDBOX,
    .id = "org.assay.code",
    .name = "Code against tests",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "1 if the program in the completion passes its tests, run in the sandbox",
    .url = "",
    .tags = tags,
    .config_schema = schema,
    .revision = 1,
    .cost_us = 10000,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
