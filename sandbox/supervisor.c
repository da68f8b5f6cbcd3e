/* supervisor.c -- the library's face: opens, runs, closes; which helper and which steps a job
 * takes. SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"
#include "layers.h"
#include "value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- opening ---- */

static bool has_helper(const char *dir)
{
    char path[4200];
    int n = snprintf(path, sizeof path, "%s/assay-box", dir);
    return n > 0 && (size_t)n < sizeof path && access(path, X_OK) == 0;
}

static bool is_here(asbx_settings *s, const char *dir, const char *below)
{
    int n = snprintf(s->helper_dir, sizeof s->helper_dir, "%s%s", dir, below);
    return n > 0 && (size_t)n < sizeof s->helper_dir && has_helper(s->helper_dir);
}

/* Beside this program (where it is built), or where the package puts it: seen from the program, so
 * that a package may be moved. */
static bool find_helpers(asbx_settings *s, const char *asked)
{
    char self[4096];
    if (asked)
        return is_here(s, asked, "");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash) {
        *slash = 0;
        if (is_here(s, self, "") || is_here(s, self, "/" ASBX_BIN_TO_LIBEXEC))
            return true;
    }
    return is_here(s, ASBX_LIBEXECDIR, "");
}

enum { MOST_SLOTS = 256 };

static uint32_t processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MOST_SLOTS ? MOST_SLOTS : (uint32_t)n;
}

/* Slots spread over the processors that are the caller's; other callers begin elsewhere. */
static int nth_cpu(const cpu_set_t *cpus, uint32_t n)
{
    int count = CPU_COUNT(cpus);
    int skip = count > 0 ? (int)(n % (uint32_t)count) : 0;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET((size_t)i, cpus) && skip-- == 0)
            return i;
    return -1;
}

asbx *asbx_open(const asbx_options *options, asbx_error *err)
{
    static const asbx_options standard = { .slots = 0 };
    const asbx_options *o = options ? options : &standard;
    asbx *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->settings.slots = o->slots ? o->slots : processors();
    s->settings.jobs_per_zygote = o->jobs_per_zygote ? o->jobs_per_zygote : 1000;
    (void)snprintf(s->settings.python, sizeof s->settings.python, "%s",
                   o->python ? o->python : "/usr/bin/python3");
    if (!find_helpers(&s->settings, o->helper_dir)) {
        (void)snprintf(err->text, sizeof err->text,
                       "the sandbox's helper assay-box is not in %.150s; is the package whole?",
                       s->settings.helper_dir);
        free(s);
        return NULL;
    }
    if (!layers_require(s->settings.helper_dir, o->require ? o->require : "medium", err)) {
        free(s);
        return NULL;
    }
    if (s->settings.slots > MOST_SLOTS)
        s->settings.slots = MOST_SLOTS;
    s->languages = o->languages;
    s->n_languages = o->n_languages;
    group_find(&s->settings.groups);
    s->permits = s->settings.slots;
    s->last = &s->first;
    s->n_slots = 2 * s->settings.slots;
    s->slots = calloc(s->n_slots, sizeof *s->slots);
    if (!s->slots || pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s->slots);
        free(s);
        return NULL;
    }
    bool knows = sched_getaffinity(0, sizeof s->settings.cpus, &s->settings.cpus) == 0;
    for (uint32_t i = 0; i < s->n_slots; i++) {
        s->slots[i].number = i;
        s->slots[i].socket = -1;
        s->slots[i].settings = &s->settings;
        s->slots[i].cpu = knows ? nth_cpu(&s->settings.cpus, i + (uint32_t)getpid()) : -1;
    }
    return s;
}

uint32_t asbx_check(asbx_layer out[ASBX_LAYERS], const char **level)
{
    asbx_settings s;
    (void)find_helpers(&s, NULL); /* where there is none, that is what each layer says */
    group_find(&s.groups);
    return layers_check(s.helper_dir, &s.groups, out, level);
}

void asbx_close(asbx *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_slots; i++) {
        slot_stop(&s->slots[i]);
        group_close(&s->slots[i].group, &s->settings.groups);
    }
    pthread_mutex_destroy(&s->lock);
    free(s->slots);
    free(s);
}

/* ---- results ---- */

asbx_result *result_new(uint32_t n_values)
{
    asbx_result *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->denied_syscall = -1;
    r->values = n_values ? calloc(n_values, sizeof *r->values) : NULL;
    if (n_values && !r->values) {
        free(r);
        return NULL;
    }
    r->n_values = n_values;
    for (uint32_t i = 0; i < n_values; i++)
        r->values[i].status = ASBX_NO_RESULT;
    return r;
}

void asbx_result_free(asbx_result *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < sizeof r->memory / sizeof *r->memory; i++)
        free(r->memory[i]);
    free(r->values);
    free(r);
}

asbx_result *result_failed(asbx_result *r, const char *why)
{
    r->status = ASBX_ERROR;
    (void)snprintf(r->note, sizeof r->note, "%s", why);
    for (uint32_t i = 0; i < r->n_values; i++)
        r->values[i].status = ASBX_ERROR;
    return r;
}

/* ---- running ---- */

static const char *const standard_prelude = "math,collections,itertools,functools,heapq,bisect,re,"
                                            "json,string,random,typing,operator,copy,datetime";

asbx_result *run_on(asbx *s, const asbx_job *job, asbx_kind kind, const asbx_policy *policy,
                    uint32_t flags)
{
    asbx_result *r = result_new(job->n_calls);
    char why[160];
    job_run run;
    if (!r)
        return NULL;
    const char *prelude = kind == KIND_PYTHON ? job->prelude ? job->prelude : standard_prelude : "";
    if (strlen(prelude) >= sizeof s->slots->prelude)
        return result_failed(r, "the prelude is too long");
    slot_enter(s);
    asbx_slot *slot =
        slot_take(s, kind, prelude, kind == KIND_PYTHON ? (uint32_t)job->seed : 0, why, sizeof why);
    if (slot) {
        job_execute(slot, job, policy, flags, &run);
        slot_give(s, slot, run.broken);
    }
    slot_leave(s);
    if (!slot)
        return result_failed(r, why);
    job_classify(job, &run, r);
    r->memory[0] = run.out.data; /* the texts live as long as the result */
    r->memory[1] = run.err.data;
    r->memory[2] = run.result.data;
    run.out.data = run.err.data = run.result.data = NULL;
    job_run_fini(&run);
    return r;
}

/* The source in one job, its test in another. */
static asbx_result *run_tested(asbx *s, const asbx_job *job, const asbx_policy *policy)
{
    asbx_result *r = result_new(0);
    const char *prelude = job->prelude ? job->prelude : standard_prelude;
    char why[160] = "";
    if (!r)
        return NULL;
    if (job->language && strcmp(job->language, "python") != 0)
        return result_failed(r, "a tester calls Python only");
    if (!job->entry_point || job->n_calls)
        return result_failed(r, "a tester needs an entry point, and makes the calls itself");
    if (strlen(prelude) >= sizeof s->slots->prelude)
        return result_failed(r, "the prelude is too long");
    slot_enter(s);
    tester_slots slots = { .of_tester = slot_take(s, KIND_PYTHON, prelude, (uint32_t)job->seed, why,
                                                  sizeof why) };
    if (slots.of_tester)
        slots.of_tested = slot_take(s, KIND_PYTHON, prelude, (uint32_t)job->seed, why, sizeof why);
    if (slots.of_tested) {
        tester_execute(&slots, job, policy, r);
        slot_give(s, slots.of_tested, slots.tested_broken);
    }
    if (slots.of_tester)
        slot_give(s, slots.of_tester, slots.tester_broken);
    slot_leave(s);
    return slots.of_tested ? r : result_failed(r, why);
}

asbx_result *asbx_run(asbx *s, const asbx_job *job)
{
    const char *language = job->language ? job->language : "python";
    const asbx_policy *policy = asbx_policy_find(job->policy ? job->policy : "pure");
    const char *refusal = job_refusal(job);
    asbx_result *none;
    if (refusal)
        return (none = result_new(0)) ? result_failed(none, refusal) : NULL;
    if (!policy)
        return (none = result_new(job->n_calls))
                   ? result_failed(none, "there is no policy of that name")
                   : NULL;
    if (job->tester.len)
        return run_tested(s, job, policy);
    for (uint32_t i = 0; i < job->n_calls; i++)
        if (!job->calls[i].len || job->calls[i].data[0] != '(' || !asbx_value_valid(job->calls[i]))
            return (none = result_new(job->n_calls))
                       ? result_failed(none, "the arguments of a call are no tuple of values")
                       : NULL;
    if (strcmp(language, "python") == 0)
        return run_on(s, job, KIND_PYTHON, policy, 0);
    if (strcmp(language, "exec") == 0)
        return run_on(s, job, KIND_BOX, policy,
                      job->entry_len || job->entry_point ? 0 : ASBX_ORDER_PROGRAM);
    return language_run(s, job, language);
}
