/* classify.c -- from what was seen of a job to the word for it. What the supervisor saw goes before
 * what the job says of itself. SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"
#include "value.h"

#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- the records ---- */

typedef struct said {
    bool began, done, syntax, raised, denied, setup;
    int32_t syscall, error;
    asbx_text text; /* of syntax, raised, setup */
} said;

static bool starts(asbx_text t, const char *prefix)
{
    size_t n = strlen(prefix);
    return t.len >= n && memcmp(t.data, prefix, n) == 0;
}

asbx_status job_of_exception(asbx_text text)
{
    if (starts(text, "MemoryError") || starts(text, "OSError: [Errno 12]")) /* ENOMEM, of mmap */
        return ASBX_MLE;
    if (starts(text, "RuntimeError: can't start new thread"))
        return ASBX_PIDS_LIMIT;
    if (starts(text, "OSError: [Errno 28]") || starts(text, "OSError: [Errno 27]"))
        return ASBX_OLE; /* its disk is full, or one file of it: ENOSPC, EFBIG */
    return ASBX_RUNTIME_ERROR;
}

/* The first word on a call counts: a program that writes a second record for it changes nothing. */
static void take_call(asbx_result *out, const asbx_record *r, asbx_text text, bool is_raw)
{
    if (r->index >= out->n_values || out->values[r->index].status != ASBX_NO_RESULT)
        return;
    asbx_value *v = &out->values[r->index];
    if (r->kind == ASBX_RECORD_RAISED) {
        v->status = job_of_exception(text);
        v->error = text;
    } else if (is_raw || asbx_value_valid(text)) {
        v->status = ASBX_OK;
        v->value = text;
    }
}

static said read_records(job_run *run, asbx_result *out, bool is_raw)
{
    said s = { .syscall = -1 };
    const char *p = run->result.data;
    size_t left = run->result.len;
    asbx_record r;
    while (left >= sizeof r) {
        memcpy(&r, p, sizeof r);
        if (r.len > left - sizeof r)
            break;
        asbx_text text = { p + sizeof r, r.len };
        p += sizeof r + r.len;
        left -= sizeof r + r.len;
        switch (r.kind) {
        case ASBX_RECORD_VALUE:
        case ASBX_RECORD_RAISED:
            take_call(out, &r, text, is_raw);
            break;
        case ASBX_RECORD_SYNTAX:
        case ASBX_RECORD_SCRIPT:
            s.syntax = s.syntax || r.kind == ASBX_RECORD_SYNTAX;
            s.raised = s.raised || r.kind == ASBX_RECORD_SCRIPT;
            s.text = text;
            break;
        case ASBX_RECORD_SYSCALL:
            s.denied = run->ended.denied == ASBX_DENIED_ASK_THE_JOB;
            s.syscall = s.denied ? (int32_t)r.index : -1;
            break;
        case ASBX_RECORD_SETUP: /* the program's word that we failed is not taken */
            if (!s.began) {
                s.setup = true;
                s.error = (int32_t)r.index;
                s.text = text;
            }
            break;
        case ASBX_RECORD_BEGAN:
            s.began = true;
            break;
        case ASBX_RECORD_DONE:
            s.done = true;
            break;
        default:
            break;
        }
    }
    return s;
}

/* ---- the word ---- */

static void name_syscall(asbx_result *out)
{
    char *name = out->denied_syscall >= 0
                     ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, out->denied_syscall)
                     : NULL;
    if (!name && out->signal == SIGSYS) /* the filter kills for it, whatever its number */
        (void)snprintf(out->denied_name, sizeof out->denied_name, "of another ABI");
    else
        (void)snprintf(out->denied_name, sizeof out->denied_name, "%s", name ? name : "");
    free(name);
}

static bool ran_out_of_memory(const job_run *run, const asbx_result *out)
{
    asbx_text errors = { run->err.data, run->err.len };
    bool said_so = errors.len && (memmem(errors.data, errors.len, "std::bad_alloc", 14) ||
                                  memmem(errors.data, errors.len, "MemoryError", 11));
    return (out->signal && said_so) || out->peak_kib >= (uint64_t)run->limits.mem_mib << 10;
}

static asbx_status of_death(const job_run *run, const asbx_result *out)
{
    uint64_t cpu_ms = out->cpu_us / 1000;
    switch (out->signal) {
    case SIGSYS:
        return ASBX_VIOLATION;
    case SIGXFSZ:
        return ASBX_OLE;
    case SIGXCPU:
        return ASBX_TLE_CPU;
    case SIGKILL:
        if (cpu_ms >= run->limits.cpu_ms)
            return ASBX_TLE_CPU;
        return ASBX_MLE; /* nobody else kills: the kernel, for memory */
    default:
        return ran_out_of_memory(run, out) ? ASBX_MLE : ASBX_RUNTIME_ERROR;
    }
}

static asbx_status of_run(const asbx_job *job, const job_run *run, const said *s,
                          const asbx_result *out)
{
    if (run->broken || s->setup)
        return ASBX_ERROR;
    if (run->over_cpu)
        return ASBX_TLE_CPU;
    if (run->group_said.elsewhere)
        return ASBX_ERROR;
    if (run->group_said.memory && !s->denied)
        return ASBX_MLE;
    if (run->over_wall)
        return ASBX_TLE_WALL;
    if (run->out.over || run->err.over || run->result.over)
        return ASBX_OLE;
    if (s->denied)
        return ASBX_VIOLATION;
    if (out->signal)
        return of_death(run, out);
    if (s->syntax)
        return ASBX_COMPILE_ERROR;
    if (s->raised)
        return job_of_exception(s->text);
    if (job->n_calls && !s->done)
        return ASBX_NO_RESULT;
    if (out->exit_code)
        return ran_out_of_memory(run, out) ? ASBX_MLE
               : run->group_said.procs     ? ASBX_PIDS_LIMIT
                                           : ASBX_RUNTIME_ERROR;
    return ASBX_OK;
}

/* Calls that never returned died of what the job died of. */
static void spread(asbx_result *out)
{
    for (uint32_t i = 0; i < out->n_values; i++)
        if (out->values[i].status == ASBX_NO_RESULT && out->status != ASBX_OK)
            out->values[i].status = out->status;
}

static void explain(const job_run *run, const said *s, asbx_result *out)
{
    if (run->broken)
        (void)snprintf(out->note, sizeof out->note, "%s", run->why);
    else if (s->setup)
        (void)snprintf(out->note, sizeof out->note, "the isolation failed at %.*s: %s",
                       (int)(s->text.len < 80 ? s->text.len : 80), s->text.data,
                       strerror(s->error));
    else if (run->group_said.elsewhere)
        (void)snprintf(out->note, sizeof out->note,
                       "killed within its limit of memory: the machine, or the control group this "
                       "runs in, has too little; run fewer jobs at once, or allow each less");
    else if (run->group_said.memory && out->status == ASBX_MLE)
        (void)snprintf(out->note, sizeof out->note,
                       "its processes together wanted more memory than it may have, %u MiB",
                       run->limits.mem_mib);
    else if (s->text.len)
        (void)snprintf(out->note, sizeof out->note, "%.*s",
                       (int)(s->text.len < 150 ? s->text.len : 150), s->text.data);
}

static asbx_text take(job_pipe *p)
{
    asbx_text t = { p->data ? p->data : "", p->len };
    return t;
}

void job_classify(const asbx_job *job, job_run *run, asbx_result *out)
{
    int status = run->ended.wait_status;
    if (run->has_ended && !run->broken) {
        out->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        out->cpu_us = run->ended.cpu_us;
        out->peak_kib = run->ended.peak_kib;
    }
    out->wall_us = run->wall_us;
    /* what a command makes is a file, not a value */
    said s = read_records(run, out, job->language && strcmp(job->language, "exec") == 0);
    if (run->has_ended && run->ended.denied >= 0) {
        s.denied = true;
        s.syscall = run->ended.denied;
    }
    out->denied_syscall = s.syscall;
    out->status = of_run(job, run, &s, out);
    if (out->status == ASBX_VIOLATION)
        name_syscall(out);
    spread(out);
    explain(run, &s, out);
    out->output = take(&run->out);
    out->errors = take(&run->err);
}
