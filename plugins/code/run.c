/* run.c -- a task's tests, of whatever kind, with one program. Three kinds of process take part,
 * none of which sees what another must not: the solution's (with arguments only), the preparing one
 * (test text, no solution), the judging one (test text, and the values that the solution returned).
 * SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

/* ---- what the tests leave to Python ---- */

static void put_text(pc_buf *b, assay_str text)
{
    pc_buf_add(b, text.data ? text.data : "", text.len);
}

/* A hole whose value has no encoding but is true, a Match, is an object that equals nothing. */
static void put_lambda(pc_buf *b, const cd_test *holes, uint32_t n_holes, assay_str expression)
{
    pc_buf_text(b, " lambda");
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_holes; i++)
        if (!cd_is_thing(holes[i].value))
            pc_buf_fmt(b, "%s_assay_h%u", n++ ? "," : " ", i);
    if (n < n_holes)
        pc_buf_text(b, n ? ", *" : " *");
    for (uint32_t i = 0; i < n_holes; i++)
        if (cd_is_thing(holes[i].value))
            pc_buf_fmt(b, ", _assay_h%u=object()", i);
    pc_buf_text(b, ": (");
    put_text(b, expression);
    pc_buf_text(b, "\n),\n"); /* a comment at its end ends there */
}

static void put_head(pc_buf *b, assay_str setup)
{
    put_text(b, setup);
    pc_buf_text(b, "\n_assay_parts = [\n");
}

/* The calls (n,) or (n, (values...)) of the part with that number. */
static assay_str call_of_part(cd_runner *r, pc_buf *b, uint32_t n, const assay_str *values,
                              uint32_t n_values)
{
    pc_buf_fmt(b, "(2i%u;(%u", n, n_values);
    for (uint32_t i = 0; i < n_values; i++)
        put_text(b, values[i]);
    return cd_take_buf(r->pool, b);
}

typedef struct parts {
    pc_buf source;
    assay_str *calls;
    uint32_t n;
    cd_test *out;
} parts;

static bool open_parts(cd_runner *r, parts *p, assay_str setup, uint32_t most)
{
    *p = (parts){ .calls = cd_alloc(r->pool, most + 1u, sizeof *p->calls),
                  .out = cd_alloc(r->pool, most + 1u, sizeof *p->out) };
    put_head(&p->source, setup);
    return p->calls && p->out;
}

static void run_parts(cd_runner *r, parts *p, const char *body)
{
    pc_buf_text(&p->source, "]\ndef _assay_part(_assay_i, _assay_v):\n    return ");
    pc_buf_text(&p->source, body);
    pc_buf_byte(&p->source, '\n');
    assay_str source = cd_take_buf(r->pool, &p->source);
    pc_buf_fini(&p->source);
    if (source.data && p->n)
        cd_run_trusted(r, source, "_assay_part", p->calls, p->n,
                       r->limits.cpu_ms > 10000 ? r->limits.cpu_ms : 10000, p->out);
}

/* ---- preparing ---- */

static bool is_usable(assay_str v)
{
    return v.data && cd_valid(v) && !cd_is_odd(v);
}

static void add_part(cd_runner *r, parts *p, assay_str expression)
{
    pc_buf b = { 0 };
    put_lambda(&p->source, NULL, 0, expression);
    p->calls[p->n] = call_of_part(r, &b, p->n, NULL, 0);
    p->n++;
    pc_buf_fini(&b);
}

/* Arguments may hold what equals nothing, a NaN; but nothing that has no encoding. */
static bool is_sendable(assay_str v)
{
    return v.data && cd_valid(v) && !cd_holds_other(v);
}

static bool is_equality(const cd_assertion *a)
{
    return !a->whole && !a->judge.data;
}

static uint32_t open_questions(const cd_task *t, parts *p, cd_runner *r)
{
    for (uint32_t i = 0; i < t->n_assertions; i++) {
        const cd_assertion *a = &t->assertions[i];
        for (uint32_t k = a->first; k < a->first + a->n; k++)
            if (!t->input[k].data)
                add_part(r, p, t->written[k]);
        if (is_equality(a) && !t->want[a->first].data)
            add_part(r, p, a->wanted);
    }
    return p->n;
}

static void take_answers(cd_task *t, const parts *p)
{
    uint32_t part = 0;
    for (uint32_t i = 0; i < t->n_assertions; i++) {
        cd_assertion *a = &t->assertions[i];
        bool equality = is_equality(a);
        for (uint32_t k = a->first; k < a->first + a->n; k++) {
            if (t->input[k].data)
                continue;
            assay_str v = p->out[part++].value;
            if (is_sendable(v))
                t->input[k] = cd_copy(&t->pool, v);
            else
                a->whole = true;
        }
        if (!equality || t->want[a->first].data)
            continue;
        assay_str v = p->out[part++].value;
        if (is_usable(v))
            t->want[a->first] = cd_copy(&t->pool, v);
        else
            a->whole = true;
    }
}

static void prepare_asserts(cd_runner *r, cd_task *t)
{
    parts p;
    if (!open_parts(r, &p, t->setup, 2 * t->n + t->n_assertions))
        return;
    if (!open_questions(t, &p, r)) {
        pc_buf_fini(&p.source);
        return;
    }
    run_parts(r, &p, "_assay_parts[_assay_i]()");
    bool broken = r->failed != ASSAY_OK || p.out[0].status == CD_SANDBOX_ERROR;
    if (broken)
        r->failed = r->failed != ASSAY_OK ? r->failed : ASSAY_E_IO;
    else
        take_answers(t, &p);
}

/* ---- asserts ---- */

/* The calls of all assertions that were taken apart. */
static uint32_t which_calls(const cd_task *t, uint32_t *which)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_assertions; i++)
        for (uint32_t k = 0; !t->assertions[i].whole && k < t->assertions[i].n; k++)
            which[n++] = t->assertions[i].first + k;
    return n;
}

/* The first of its calls that is not ok, or an equality's outcome. True: a judge has to say. */
static bool settle_assertion(const cd_task *t, const cd_assertion *a, const cd_test *calls,
                             cd_test *out)
{
    *out = (cd_test){ .status = CD_OK };
    for (uint32_t k = a->first; k < a->first + a->n && out->status == CD_OK; k++)
        *out = calls[k];
    if (out->status != CD_OK)
        return false;
    if (!a->judge.data) {
        out->status = cd_accepts(t, a->first, out->value) ? CD_OK : CD_WRONG_ANSWER;
        return false;
    }
    for (uint32_t k = a->first; k < a->first + a->n; k++)
        if (!is_sendable(calls[k].value) && !cd_is_thing(calls[k].value)) /* holds such a thing */
            out->status = CD_WRONG_ANSWER;
    return out->status == CD_OK;
}

static void add_judge(cd_runner *r, parts *p, const cd_assertion *a, const cd_test *calls)
{
    pc_buf b = { 0 };
    assay_str *values = cd_alloc(r->pool, a->n + 1u, sizeof *values);
    uint32_t n = 0;
    for (uint32_t k = a->first; values && k < a->first + a->n; k++)
        if (!cd_is_thing(calls[k].value))
            values[n++] = calls[k].value;
    put_lambda(&p->source, calls + a->first, a->n, a->judge);
    p->calls[p->n] = call_of_part(r, &b, p->n, values, n);
    p->n++;
    pc_buf_fini(&b);
}

static int32_t judged(const cd_test *answer)
{
    if (answer->status == CD_OK)
        return pc_is(answer->value, "T") ? CD_OK : CD_WRONG_ANSWER;
    return answer->status == CD_SANDBOX_ERROR ? CD_SANDBOX_ERROR : CD_WRONG_ANSWER;
}

/* Conditions other than equality, evaluated over the values: builtin types, by now, and nothing of
 * the program's. */
static void judge(cd_runner *r, const cd_task *t, const uint32_t *which, uint32_t n,
                  const cd_test *calls, cd_test *tests)
{
    parts p;
    if (!n || !open_parts(r, &p, t->setup, n))
        return;
    for (uint32_t i = 0; i < n; i++)
        add_judge(r, &p, &t->assertions[which[i]], calls);
    run_parts(r, &p, "bool(_assay_parts[_assay_i](*_assay_v))");
    for (uint32_t i = 0; i < n && r->failed == ASSAY_OK; i++) {
        tests[which[i]].status = judged(&p.out[i]);
        tests[which[i]].errors = p.out[i].errors;
    }
}

static void run_whole(cd_runner *r, const cd_task *t, const cd_program *program,
                      const cd_assertion *a, cd_test *out)
{
    pc_buf b = { 0 };
    put_text(&b, t->setup);
    pc_buf_text(&b, "\nassert (");
    put_text(&b, a->source);
    pc_buf_text(&b, "\n)\n");
    assay_str tester = cd_take_buf(r->pool, &b);
    pc_buf_fini(&b);
    if (tester.data)
        cd_run_tester(r, t, program, tester, out);
}

static void run_asserts(cd_runner *r, cd_task *t, const cd_program *program, cd_test *tests,
                        cd_test *calls)
{
    uint32_t *which = cd_alloc(r->pool, t->n + t->n_assertions + 1u, sizeof *which);
    if (!which)
        return;
    uint32_t n = which_calls(t, which), n_judged = 0;
    cd_run_calls(r, t, program->source, program->entry, which, n, calls);
    bool failed = false;
    for (uint32_t i = 0; i < t->n_assertions && r->failed == ASSAY_OK; i++) {
        const cd_assertion *a = &t->assertions[i];
        tests[i] = (cd_test){ .status = CD_NOT_RUN };
        if (a->whole && (r->all || !failed))
            run_whole(r, t, program, a, &tests[i]);
        else if (!a->whole && settle_assertion(t, a, calls, &tests[i]))
            which[n_judged++] = i; /* its calls have been run: their places are free */
        failed = failed || (tests[i].status != CD_OK && tests[i].status != CD_NOT_RUN);
    }
    judge(r, t, which, n_judged, calls, tests);
}

/* ---- all kinds ---- */

static void run_values(cd_runner *r, cd_task *t, const cd_program *program, cd_test *tests)
{
    uint32_t *which = cd_alloc(r->pool, t->n + 1u, sizeof *which);
    for (uint32_t i = 0; which && i < t->n; i++)
        which[i] = i;
    if (!which)
        return;
    cd_run_calls(r, t, program->source, program->entry, which, t->n, tests);
    for (uint32_t i = 0; i < t->n; i++)
        if (tests[i].status == CD_OK && !cd_accepts(t, i, tests[i].value))
            tests[i].status = CD_WRONG_ANSWER;
}

static void run_check(cd_runner *r, const cd_task *t, const cd_program *program, cd_test *out)
{
    pc_buf b = { 0 };
    put_text(&b, t->setup);
    pc_buf_byte(&b, '\n');
    put_text(&b, t->check);
    pc_buf_text(&b, "\ncheck(candidate)\n");
    assay_str tester = cd_take_buf(r->pool, &b);
    pc_buf_fini(&b);
    if (tester.data)
        cd_run_tester(r, t, program, tester, out);
}

void cd_run(cd_runner *r, cd_task *t, const cd_program *program, cd_test **tests, cd_test **calls)
{
    *tests = cd_alloc(r->pool, cd_task_tests(t) + 1u, sizeof **tests);
    *calls = t->kind == CD_ASSERTS ? cd_alloc(r->pool, t->n + 1u, sizeof **calls) : *tests;
    if (!*tests || !*calls)
        return;
    switch (t->kind) {
    case CD_CALLS:
        run_values(r, t, program, *tests);
        break;
    case CD_STDIO:
        cd_run_stdio(r, t, program->source, *tests);
        break;
    case CD_ASSERTS:
        run_asserts(r, t, program, *tests, *calls);
        break;
    case CD_CHECK:
        run_check(r, t, program, *tests);
        break;
    }
}

/* ---- limits by a solution that is right ---- */

/* Four times what it takes, where that is more than the standard; and where it fails, nobody can
 * pass. */
static void calibrate(cd_runner *r, cd_task *t)
{
    cd_runner patient = *r;
    const cd_program program = { .source = t->solution, .entry = t->entry };
    cd_test *tests, *calls;
    uint32_t before = t->cpu_ms;
    uint64_t most = 0;
    patient.all = true;
    t->cpu_ms = before > 60000 ? before : 60000;
    patient.limits.rerun = CD_RERUN_NEVER;
    cd_run(&patient, t, &program, &tests, &calls);
    t->cpu_ms = before;
    r->failed = patient.failed;
    for (uint32_t i = 0; tests && r->failed == ASSAY_OK && i < cd_task_tests(t); i++) {
        if (tests[i].status == CD_SANDBOX_ERROR)
            r->failed = ASSAY_E_IO;
        else if (tests[i].status != CD_OK && t->has_wants)
            t->why = "the reference solution fails its own tests";
        most = tests[i].cpu_us > most ? tests[i].cpu_us : most;
    }
    uint32_t wanted = (uint32_t)(4 * most / 1000), standard = before ? before : r->limits.cpu_ms;
    t->cpu_ms = wanted > standard ? wanted : standard;
}

void cd_prepare(cd_runner *r, cd_task *t)
{
    if (!t->is_prepared && t->kind == CD_ASSERTS)
        prepare_asserts(r, t);
    t->is_prepared = r->failed == ASSAY_OK && !pc_memory_is_lost();
    if (!t->is_prepared || t->is_calibrated || !t->solution.data)
        return;
    calibrate(r, t);
    t->is_calibrated = r->failed == ASSAY_OK && !pc_memory_is_lost();
}
