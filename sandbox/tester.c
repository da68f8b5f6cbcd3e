/* tester.c -- a test in one job, what it tests in another: carries calls down and answers up, and
 * takes the verdict from the tester alone. SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_CALLS = 1000000,
    MOST_ROUNDS = 64, /* what crosses in all, in each direction: this often the cap of one value */
    MOST_KEPT = 4096
};

/* One job's result pipe, as records. What is to be carried over stays where it was read until the
 * other job has taken it; the rest is kept for job_classify(), within bounds. */
typedef struct lane {
    job_run run;
    size_t taken;          /* bytes of run.result that are done with */
    size_t carry, carried; /* length of the record at `taken` that goes to the other job; how much
                              of it has gone */
    uint64_t total;
    char kept[MOST_KEPT];
    size_t n_kept;
    bool over;
} lane;

typedef struct verdict {
    uint32_t kind, line; /* ASBX_RECORD_PASSED and so on; 0: none */
    char text[512];
} verdict;

typedef struct session {
    lane tester, tested;
    uint32_t out, made,
        answered;  /* out: the number of the call that waits for its answer; 0: none */
    bool was_mute; /* when watching ended */
    verdict verdict;
} session;

/* ---- records ---- */

static void keep(lane *l, const char *record, size_t len)
{
    if (len > sizeof l->kept - l->n_kept)
        return;
    memcpy(l->kept + l->n_kept, record, len);
    l->n_kept += len;
}

static void take_verdict(session *s, const asbx_record *r, const char *text)
{
    size_t n = r->len < sizeof s->verdict.text - 1 ? r->len : sizeof s->verdict.text - 1;
    s->verdict.kind = r->kind;
    s->verdict.line = r->index;
    memcpy(s->verdict.text, text, n);
    s->verdict.text[n] = 0;
}

/* True: it is to be carried over. */
static bool take_from_tester(session *s, const asbx_record *r, const char *text)
{
    switch (r->kind) {
    case ASBX_RECORD_CALL:
        if (s->out || r->index != s->made + 1 || s->made >= MOST_CALLS) {
            s->tester.over = true;
            return false;
        }
        s->out = ++s->made;
        return true;
    case ASBX_RECORD_PASSED:
    case ASBX_RECORD_FAILED:
    case ASBX_RECORD_THREW:
    case ASBX_RECORD_UNFIT:
        take_verdict(s, r, text);
        return false;
    default:
        return false;
    }
}

static bool take_from_tested(session *s, const asbx_record *r)
{
    if (r->kind != ASBX_RECORD_ANSWER || !s->out || r->index != s->out)
        return false;
    s->out = 0;
    s->answered++;
    return true;
}

/* Looks at what has come, up to the first record that has to be carried. */
static void take_records(session *s, lane *l)
{
    bool is_tester = l == &s->tester;
    asbx_record r;
    while (!l->carry && !s->verdict.kind && l->run.result.len - l->taken >= sizeof r) {
        const char *at = l->run.result.data + l->taken;
        memcpy(&r, at, sizeof r);
        if (r.len > l->run.result.len - l->taken - sizeof r)
            break;
        size_t whole = sizeof r + r.len;
        l->total += whole;
        if (is_tester ? take_from_tester(s, &r, at + sizeof r) : take_from_tested(s, &r)) {
            l->carry = whole;
            l->carried = 0;
            break;
        }
        if (r.kind != ASBX_RECORD_CALL && r.kind != ASBX_RECORD_ANSWER)
            keep(l, at, whole);
        l->taken += whole;
    }
    l->over = l->over || l->total > (uint64_t)MOST_ROUNDS * l->run.result.most;
    if (l->taken && !l->carry) { /* what is done with makes room */
        memmove(l->run.result.data, l->run.result.data + l->taken, l->run.result.len - l->taken);
        l->run.result.len -= l->taken;
        l->taken = 0;
    }
}

/* As much as the other job's pipe takes now. */
static void carry_over(lane *from, lane *to)
{
    while (from->carried < from->carry) {
        ssize_t n = write(to->run.down, from->run.result.data + from->taken + from->carried,
                          from->carry - from->carried);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break; /* it is gone; its end says the rest */
        from->carried += (size_t)n;
    }
    from->taken += from->carry;
    from->carry = from->carried = 0;
}

static void move_records(session *s)
{
    lane *const lanes[] = { &s->tester, &s->tested };
    for (int i = 0; i < 2; i++) {
        lane *from = lanes[i], *to = lanes[1 - i];
        take_records(s, from);
        while (from->carry) {
            carry_over(from, to);
            if (from->carry)
                break;
            take_records(s, from);
        }
    }
}

/* ---- watching ---- */

enum { PER_LANE = 5, POLLED = 2 * PER_LANE };

static void fill_polls(struct pollfd p[PER_LANE], const lane *l, const lane *other)
{
    p[0] = (struct pollfd){ .fd = l->run.has_ended ? -1 : l->run.socket, .events = POLLIN };
    p[1] = (struct pollfd){ .fd = l->run.out.fd, .events = POLLIN };
    p[2] = (struct pollfd){ .fd = l->run.err.fd, .events = POLLIN };
    p[3] = (struct pollfd){ .fd = l->run.result.fd, .events = POLLIN };
    p[4] = (struct pollfd){ .fd = other->carry ? l->run.down : -1, .events = POLLOUT };
}

static void drain(lane *l, const struct pollfd p[PER_LANE])
{
    job_pipe *const pipes[] = { &l->run.out, &l->run.err, &l->run.result };
    if (p[0].revents)
        job_await_end(&l->run, 0);
    for (int i = 0; i < 3; i++) /* of the dead all that is left, now: its end is judged by it */
        if (pipes[i]->fd >= 0 && (p[i + 1].revents || l->run.has_ended))
            l->over = !job_drain(pipes[i]) || l->over;
}

/* It has closed its end of the pipe, or is dead: no answer can come. */
static bool is_mute(const session *s)
{
    return s->out && (s->tested.run.has_ended || s->tested.run.result.fd < 0);
}

static bool is_over(const session *s)
{
    const lane *a = &s->tester, *b = &s->tested;
    return s->verdict.kind || a->over || b->over || a->run.broken || b->run.broken ||
           a->run.has_ended || is_mute(s);
}

/* The clock is one for both: it is over for the one that is waited for. */
static int time_left(session *s)
{
    job_run *a = &s->tester.run, *b = &s->tested.run;
    int left = job_time_left(a), of_tested = b->has_ended ? left : job_time_left(b);
    bool wall = a->over_wall || b->over_wall;
    a->over_wall = wall && !s->out;
    b->over_wall = wall && s->out;
    return left < of_tested ? left : of_tested;
}

static void watch(session *s)
{
    for (;;) {
        struct pollfd p[POLLED];
        move_records(s);
        if (is_over(s))
            return;
        fill_polls(p, &s->tester, &s->tested);
        fill_polls(p + PER_LANE, &s->tested, &s->tester);
        int timeout = time_left(s);
        if (timeout == 0)
            return;
        bool is_short = s->tester.run.cpus || s->tested.run.cpus;
        if (poll(p, POLLED, is_short && timeout > JOB_SHORT_MS ? JOB_SHORT_MS : timeout) <= 0) {
            job_set_free(&s->tester.run); /* none of them has said anything for so long */
            job_set_free(&s->tested.run);
            continue;
        }
        drain(&s->tester, p);
        drain(&s->tested, p + PER_LANE);
    }
}

/* Its pipe closes a moment before it is dead: how it ended is worth that moment. */
static void let_end(lane *l)
{
    enum { MOMENT_MS = 1000 };
    struct pollfd p = { .fd = l->run.socket, .events = POLLIN };
    if (!l->run.has_ended && !l->run.broken && poll(&p, 1, MOMENT_MS) > 0)
        job_await_end(&l->run, 0);
}

/* ---- the word ---- */

/* The result of one of the two jobs by itself: its records are those that were kept. */
static void classify(const asbx_job *job, lane *l, asbx_result *out)
{
    free(l->run.result.data);
    l->run.result.data = l->kept;
    l->run.result.len = l->n_kept;
    job_classify(job, &l->run, out);
    l->run.result.data = NULL;
    l->run.result.len = 0;
    if (l->over && out->status != ASBX_ERROR)
        out->status = ASBX_OLE;
}

static asbx_status of_verdict(const session *s)
{
    asbx_text text = { s->verdict.text, strlen(s->verdict.text) };
    if (!s->answered)
        return ASBX_ERROR;
    switch (s->verdict.kind) {
    case ASBX_RECORD_PASSED:
        return ASBX_OK;
    case ASBX_RECORD_FAILED:
        return job_of_exception(text) == ASBX_MLE ? ASBX_MLE : ASBX_WRONG_ANSWER;
    case ASBX_RECORD_THREW:
        return job_of_exception(text);
    default:
        return ASBX_ERROR;
    }
}

/* The tester's time and memory are spent on what it was given too, and in one process they would be
 * one; any other end of it is no word on the source. */
static asbx_status of_tester(asbx_status s)
{
    return s == ASBX_TLE_CPU || s == ASBX_TLE_WALL || s == ASBX_MLE ? s : ASBX_ERROR;
}

static bool blame_tested(const session *s)
{
    const lane *b = &s->tested;
    return b->over || b->run.over_cpu || b->run.over_wall || b->run.broken || s->was_mute;
}

static void judge(session *s, const asbx_job *job, asbx_result *out)
{
    asbx_result of_test = { .denied_syscall = -1 };
    const asbx_job test = { .language = "python" };
    bool ended = s->tester.run.has_ended && !s->tester.run.killed;
    classify(job, &s->tested, out);
    classify(&test, &s->tester, &of_test);
    if (s->tested.run.killed) /* by us */
        out->signal = 0;
    if (s->verdict.kind) {
        out->status = of_verdict(s);
        if (out->status == ASBX_ERROR)
            (void)snprintf(out->note, sizeof out->note, "this is no test: %.120s",
                           s->answered        ? s->verdict.text
                           : *s->verdict.text ? s->verdict.text
                                              : "it never calls what it should test");
        else
            out->note[0] = 0;
    } else if (!ended && blame_tested(s)) {
        if (out->status == ASBX_OK || (s->was_mute && s->tested.run.killed))
            out->status = ASBX_NO_RESULT; /* it left in the middle of a call */
    } else {
        out->status = of_tester(of_test.status);
        (void)snprintf(out->note, sizeof out->note, "the test program: %s %.100s",
                       asbx_status_word(of_test.status), of_test.note);
    }
}

static void describe(const session *s, asbx_result *out)
{
    size_t n = strlen(s->verdict.text);
    out->tester_calls = s->answered;
    if (!s->verdict.kind || s->verdict.kind == ASBX_RECORD_PASSED)
        return;
    out->tester_line = s->verdict.line;
    char *copy = malloc(n + 1);
    if (!copy)
        return;
    memcpy(copy, s->verdict.text, n + 1);
    out->memory[3] = copy;
    out->tester_error = (asbx_text){ copy, n };
}

void tester_execute(tester_slots *slots, const asbx_job *job, const asbx_policy *policy,
                    asbx_result *out)
{
    const asbx_text call = { job->tester_call, job->tester_call ? strlen(job->tester_call) : 0 };
    asbx_job tester = *job;
    tester.source = job->tester;
    tester.input = (asbx_text){ "", 0 };
    tester.calls = &call;
    tester.n_calls = job->tester_call != NULL;
    session *s = calloc(1, sizeof *s);
    if (!s) {
        out->status = ASBX_ERROR;
        return;
    }
    job_order(slots->of_tested, job, policy, ASBX_ORDER_TESTED, &s->tested.run);
    job_order(slots->of_tester, &tester, policy, ASBX_ORDER_TESTER, &s->tester.run);
    job_await_start(&s->tested.run);
    job_await_start(&s->tester.run);
    if (!s->tested.run.broken && !s->tester.run.broken)
        watch(s);
    s->was_mute = !s->tested.over && is_mute(s);
    if (s->was_mute)
        let_end(&s->tested);
    job_kill(&s->tested.run); /* both at once, then wait for both */
    job_kill(&s->tester.run);
    job_finish(&s->tested.run);
    job_finish(&s->tester.run);
    judge(s, job, out);
    describe(s, out);
    slots->tested_broken = s->tested.run.broken;
    slots->tester_broken = s->tester.run.broken;
    out->memory[0] = s->tested.run.out.data;
    out->memory[1] = s->tested.run.err.data;
    s->tested.run.out.data = s->tested.run.err.data = NULL;
    job_run_fini(&s->tested.run);
    job_run_fini(&s->tester.run);
    free(s);
}
