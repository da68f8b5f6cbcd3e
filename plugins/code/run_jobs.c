/* run_jobs.c -- jobs for the sandbox: calls in groups that share a process, runs on stdin, test
 * programs. A job whose processor time comes near the limit, or that ran out of time on the clock,
 * is run again: a verdict that would change is none. SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <time.h>

enum {
    MAX_RESTARTS = 3, /* of the calls behind one that ended its process */
    WAVE =
        4 /* jobs that are run before anybody looks whether one failed; the first, half as many */
};

typedef struct job {
    assay_run run;
    uint32_t from, n; /* its tests: of calls, positions in `which` */
    int32_t status;   /* after doubts were settled */
    bool is_flaky;
} job;

/* ---- limits ---- */

static uint32_t cpu_of(const cd_runner *r, const cd_task *t)
{
    return t && t->cpu_ms ? t->cpu_ms : r->limits.cpu_ms;
}

/* A quarter more than what is allowed: so that a program which needs a little more is known to, and
 * one that needs a little less on another day is not called slow. */
static void set_limits(const cd_runner *r, const cd_task *t, assay_run *run)
{
    uint32_t cpu = cpu_of(r, t);
    run->cpu_ms = cpu + cpu / 4;
    run->wall_ms = r->limits.wall_ms ? r->limits.wall_ms : run->cpu_ms / 2 * 5 + 1000;
    run->mem_mib = t && t->mem_mib ? t->mem_mib : r->limits.mem_mib;
    run->out_kib = r->limits.out_kib;
    run->policy = r->limits.policy;
    run->prelude = r->limits.prelude;
    run->size = sizeof *run;
    run->language = t ? t->language : "python";
}

static bool ask(cd_runner *r, assay_run *const *runs, uint32_t n)
{
    if (r->failed == ASSAY_OK && n)
        r->failed = r->box->run(r->host, r->call, runs, n, r->err);
    return r->failed == ASSAY_OK;
}

/* ---- doubt ---- */

static bool is_over(const cd_runner *r, const cd_task *t, const assay_run *run)
{
    return run->cpu_us > (uint64_t)cpu_of(r, t) * 1000;
}

static bool is_doubtful(const cd_runner *r, const cd_task *t, const assay_run *run)
{
    if (r->limits.rerun == CD_RERUN_NEVER || run->status == CD_SANDBOX_ERROR)
        return false;
    if (r->limits.rerun == CD_RERUN_ALWAYS)
        return true;
    if (run->status == CD_COMPILE_ERROR) /* the compiler's time, not the program's */
        return false;
    if (run->status == CD_TLE_WALL) /* kept from its processor, or waiting for nothing? */
        return run->cpu_us > run->wall_us / 50;
    return run->status != CD_TLE_CPU && run->cpu_us > (uint64_t)cpu_of(r, t) * 800;
}

static int32_t status_of(const cd_runner *r, const cd_task *t, const assay_run *run)
{
    bool in_time =
        run->status == CD_SANDBOX_ERROR || run->status == CD_COMPILE_ERROR || !is_over(r, t, run);
    return in_time ? run->status : CD_TLE_CPU;
}

static bool same_value(assay_str a, assay_str b)
{
    pc_buf x = { 0 }, y = { 0 };
    bool odd;
    bool same = a.data && b.data && cd_canon(&x, a, false, &odd) && cd_canon(&y, b, false, &odd) &&
                pc_eq(pc_buf_str(&x), pc_buf_str(&y));
    pc_buf_fini(&x);
    pc_buf_fini(&y);
    return same || (!a.data && !b.data);
}

static bool same_outcome(const assay_run *a, const assay_run *b)
{
    if (a->n_calls == 0)
        return a->status != CD_OK || pc_eq(a->output, b->output);
    for (uint32_t i = 0; i < a->n_calls; i++)
        if (a->call_status[i] != b->call_status[i] || !same_value(a->values[i], b->values[i]))
            return false;
    return true;
}

/* Runs the doubtful ones again, all at once. */
static void settle(cd_runner *r, const cd_task *t, job *jobs, uint32_t n)
{
    assay_run **again = cd_alloc(r->pool, n + 1u, sizeof *again);
    uint32_t *which = cd_alloc(r->pool, n + 1u, sizeof *which), k = 0;
    for (uint32_t i = 0; i < n; i++) {
        jobs[i].status = status_of(r, t, &jobs[i].run);
        if (!again || !which || !is_doubtful(r, t, &jobs[i].run))
            continue;
        assay_run *copy = cd_alloc(r->pool, 1, sizeof *copy);
        if (!copy)
            return;
        *copy = jobs[i].run;
        again[k] = copy;
        which[k++] = i;
    }
    if (!k)
        return;
    if (!ask(r, again, k)) { /* no time is left: what was found stands */
        r->failed = r->failed == ASSAY_E_CANCELLED ? ASSAY_OK : r->failed;
        return;
    }
    for (uint32_t i = 0; i < k; i++) {
        job *j = &jobs[which[i]];
        int32_t second = status_of(r, t, again[i]);
        if (second == CD_SANDBOX_ERROR)
            continue;
        bool both_slow = (j->status == CD_TLE_CPU || j->status == CD_TLE_WALL) &&
                         (second == CD_TLE_CPU || second == CD_TLE_WALL);
        bool always = r->limits.rerun == CD_RERUN_ALWAYS;
        j->is_flaky = (second != j->status && !both_slow) ||
                      (always && second == j->status && !same_outcome(&j->run, again[i]));
    }
}

static bool run_all(cd_runner *r, const cd_task *t, job *jobs, uint32_t n)
{
    assay_run **runs = cd_alloc(r->pool, n + 1u, sizeof *runs);
    if (!runs)
        return false;
    for (uint32_t i = 0; i < n; i++)
        runs[i] = &jobs[i].run;
    if (!ask(r, runs, n))
        return false;
    settle(r, t, jobs, n);
    return true;
}

/* ---- calls ---- */

static void make_job(cd_runner *r, const cd_task *t, job *j, assay_str source, const char *entry,
                     const uint32_t *which)
{
    assay_str *calls = cd_alloc(r->pool, j->n + 1u, sizeof *calls);
    for (uint32_t i = 0; calls && i < j->n; i++)
        calls[i] = t->input[which[j->from + i]];
    j->run = (assay_run){ .source = source, .entry_point = entry, .calls = calls };
    j->run.n_calls = calls ? j->n : 0;
    set_limits(r, t, &j->run);
}

/* What each call came to; the position of the first that was never begun because one before it
 * ended the process. */
static uint32_t take_calls(const job *j, cd_test *out, const uint32_t *which)
{
    uint32_t fatal = j->n;
    const assay_run *run = &j->run;
    for (uint32_t i = 0; i < j->n; i++) {
        cd_test *test = &out[which[j->from + i]];
        int32_t status = run->call_status ? run->call_status[i] : run->status;
        bool returned = status == CD_OK || (status == CD_RUNTIME_ERROR && run->status == CD_OK);
        if (!returned && fatal == j->n)
            fatal = i;
        *test = (cd_test){ .status = status, .cpu_us = run->cpu_us, .errors = run->errors };
        if (status == CD_OK && run->values)
            test->value = run->values[i];
        if (j->is_flaky)
            test->status = CD_FLAKY;
        else if (j->status == CD_TLE_CPU && run->status == CD_OK)
            test->status = CD_TLE_CPU; /* it ended, but later than it may */
    }
    return fatal;
}

/* May the calls behind one that ended its process do better? Not where the program itself is at
 * fault. */
static bool may_go_on(const job *j, uint32_t fatal)
{
    int32_t s = j->run.status;
    return fatal + 1 < j->n && !j->is_flaky && s != CD_COMPILE_ERROR && s != CD_SANDBOX_ERROR;
}

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What one more test adds to what is known of the program. */
typedef struct course {
    bool failed, slow;
} course;

static void note(course *c, const cd_task *t, uint32_t i, const cd_test *test)
{
    c->slow = c->slow || test->status == CD_TLE_CPU || test->status == CD_TLE_WALL;
    c->failed = c->failed || test->status > CD_OK;
    c->slow = c->slow || (t->checker.data && test->status == CD_SANDBOX_ERROR); /* and again? */
    if (test->status == CD_OK && t->kind != CD_STDIO && t->want[i].data)
        c->failed = c->failed || !cd_accepts(t, i, test->value);
}

/* After a failure nothing more needs to be run, unless all are wanted. After a time limit was met
 * nothing more is: one that hangs hangs everywhere; but for a fraction, as long as there is time.
 */
static bool is_over_with(const cd_runner *r, const course *c)
{
    return (c->failed && !r->all) || (c->slow && (!r->for_fraction || now_ns() > r->until_ns));
}

static uint32_t plan(job *jobs, uint32_t from, uint32_t n, uint32_t per)
{
    uint32_t k = 0, most = from ? WAVE : WAVE / 2;
    for (uint32_t at = 0; at < n && k < most; at += per)
        jobs[k++] = (job){ .from = from + at, .n = n - at < per ? n - at : per };
    return k;
}

/* The job's calls, and those behind one that ended its process in a process of their own. */
static void finish_calls(cd_runner *r, const cd_task *t, job *j, const uint32_t *which,
                         cd_test *out, course *c, uint32_t *restarts)
{
    for (;;) {
        uint32_t fatal = take_calls(j, out, which);
        for (uint32_t i = 0; i < j->n; i++)
            if (i <= fatal)
                note(c, t, which[j->from + i], &out[which[j->from + i]]);
        if (*restarts == 0 || !may_go_on(j, fatal) || is_over_with(r, c))
            return;
        --*restarts;
        assay_run before = j->run;
        *j = (job){ .from = j->from + fatal + 1, .n = j->n - fatal - 1 };
        make_job(r, t, j, before.source, before.entry_point, which);
        if (!run_all(r, t, j, 1))
            return;
    }
}

void cd_run_calls(cd_runner *r, const cd_task *t, assay_str source, const char *entry,
                  const uint32_t *which, uint32_t n, cd_test *out)
{
    job *jobs = cd_alloc(r->pool, WAVE, sizeof *jobs);
    uint32_t restarts = r->all ? MAX_RESTARTS : 0;
    course c = { .failed = false };
    for (uint32_t i = 0; i < n; i++)
        out[which[i]] = (cd_test){ .status = CD_NOT_RUN };
    for (uint32_t at = 0; jobs && at < n && !is_over_with(r, &c);) {
        uint32_t k = plan(jobs, at, n - at, r->limits.per_process);
        at = jobs[k - 1].from + jobs[k - 1].n;
        for (uint32_t i = 0; i < k; i++)
            make_job(r, t, &jobs[i], source, entry, which);
        if (!run_all(r, t, jobs, k))
            return;
        for (uint32_t i = 0; i < k; i++)
            finish_calls(r, t, &jobs[i], which, out, &c, &restarts);
    }
}

/* ---- runs ---- */

static void take_run(const job *j, const cd_task *t, uint32_t i, cd_test *out)
{
    const assay_run *run = &j->run;
    *out = (cd_test){ .status = j->is_flaky ? CD_FLAKY : j->status,
                      .cpu_us = run->cpu_us,
                      .errors = run->errors };
    if (out->status != CD_OK)
        return;
    out->value = run->output;
    if (!t->checker.data && !cd_accepts_output(t, i, run->output))
        out->status = CD_WRONG_ANSWER;
}

void cd_run_stdio(cd_runner *r, const cd_task *t, assay_str source, cd_test *out)
{
    job *jobs = cd_alloc(r->pool, WAVE, sizeof *jobs);
    for (uint32_t i = 0; i < t->n; i++)
        out[i] = (cd_test){ .status = CD_NOT_RUN };
    course c = { .failed = false };
    for (uint32_t at = 0, k; jobs && at < t->n && !is_over_with(r, &c); at += k) {
        k = plan(jobs, at, t->n - at, 1);
        for (uint32_t i = 0; i < k; i++) {
            jobs[i].run = (assay_run){ .source = source, .input = t->input[at + i] };
            set_limits(r, t, &jobs[i].run);
        }
        if (!run_all(r, t, jobs, k))
            return;
        for (uint32_t i = 0; i < k; i++)
            take_run(&jobs[i], t, at + i, &out[at + i]);
        if (t->checker.data)
            cd_check_outputs(r, t, at, k, out);
        for (uint32_t i = 0; i < k; i++)
            note(&c, t, at + i, &out[at + i]);
    }
}

/* ---- tests that are programs ---- */

void cd_run_tester(cd_runner *r, const cd_task *t, const cd_program *program, assay_str tester,
                   cd_test *out)
{
    job j = { .n = 1 };
    j.run =
        (assay_run){ .source = program->source, .entry_point = program->entry, .tester = tester };
    set_limits(r, t, &j.run);
    *out = (cd_test){ .status = CD_NOT_RUN };
    if (!run_all(r, t, &j, 1))
        return;
    *out = (cd_test){ .status = j.is_flaky ? CD_FLAKY : j.status,
                      .cpu_us = j.run.cpu_us,
                      .errors = j.run.errors };
}

void cd_run_trusted(cd_runner *r, assay_str source, const char *entry, const assay_str *calls,
                    uint32_t n, uint32_t cpu_ms, cd_test *out)
{
    assay_run run = { .source = source, .entry_point = entry, .calls = calls, .n_calls = n };
    assay_run *const one[] = { &run };
    set_limits(r, NULL, &run);
    run.cpu_ms = cpu_ms;
    run.wall_ms = 4 * run.cpu_ms;
    run.out_kib = 65536;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (cd_test){ .status = CD_NOT_RUN };
    if (!ask(r, one, 1))
        return;
    for (uint32_t i = 0; i < n; i++) {
        out[i].status = run.call_status ? run.call_status[i] : run.status;
        out[i].errors = run.errors;
        if (out[i].status == CD_OK && run.values)
            out[i].value = run.values[i];
    }
}
