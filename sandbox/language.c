/* language.c -- languages as data: a compiler's words, an interpreter's words, what the source is
 * called. Python has a helper of its own, and "exec" is no language. SPDX-License-Identifier:
 * Apache-2.0 */
#include "supervisor.h"

#include <stdio.h>
#include <string.h>

#define WORDS(text)                                                                                \
    {                                                                                              \
        text, sizeof(text)                                                                         \
    }
static const asbx_language built_in[] = {
    { .name = "c",
      .file = "program.c",
      .compile = WORDS("/usr/bin/gcc\0-O2\0-std=gnu17\0-pipe\0-o\0a.out\0program.c\0-lm") },
    { .name = "cpp",
      .file = "program.cpp",
      .compile = WORDS("/usr/bin/g++\0-O2\0-std=gnu++20\0-pipe\0-o\0a.out\0program.cpp") },
};

static const asbx_language *find(const asbx *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_languages; i++)
        if (strcmp(s->languages[i].name, name) == 0)
            return &s->languages[i];
    for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
        if (strcmp(built_in[i].name, name) == 0)
            return &built_in[i];
    return NULL;
}

/* No compiler is asked, and none would say so in a second. */
static asbx_result *too_deep(const asbx_job *job)
{
    static const char why[] = "brackets are nested more than 2,000 deep";
    asbx_result *r = result_new(job->n_calls);
    if (!r)
        return NULL;
    r->status = ASBX_COMPILE_ERROR;
    r->errors = (asbx_text){ why, sizeof why - 1 };
    for (uint32_t i = 0; i < r->n_values; i++)
        r->values[i].status = ASBX_COMPILE_ERROR;
    return r;
}

/* One value: the bytes of a.out; or what became of the compiler. NULL: no memory. */
static asbx_result *compile(asbx *s, const asbx_job *job, const asbx_language *l)
{
    const asbx_text nothing = { "(0", 2 };
    const asbx_file source = { .name = { l->file, strlen(l->file) }, .data = job->source };
    const asbx_job compiler = { .language = "exec",
                                .entry_point = l->compile.data,
                                .entry_len = l->compile.len,
                                .files = &source,
                                .n_files = 1,
                                .n_calls = 1,
                                .calls = &nothing };
    asbx_result *made = run_on(s, &compiler, KIND_BOX, asbx_policy_find("compile"), 0);
    if (made && made->status != ASBX_ERROR &&
        (made->status != ASBX_OK || made->values[0].status != ASBX_OK))
        made->status = ASBX_COMPILE_ERROR;
    return made;
}

/* By an interpreter, which finds it on the private disk; or by itself. */
static asbx_result *run(asbx *s, const asbx_job *job, const asbx_language *l, asbx_text program)
{
    const char *name = l->compile.len ? "a.out" : l->file;
    const asbx_file file = { .name = { name, strlen(name) }, .data = program };
    const bool interpreted = l->run.len > 0;
    const asbx_policy *policy = asbx_policy_find(job->policy   ? job->policy
                                                 : interpreted ? "files"
                                                               : "pure");
    asbx_job job_of_it = *job;
    char why[160];
    asbx_result *r;
    if (interpreted && !policy->disk) {
        (void)snprintf(why, sizeof why,
                       "a program in %.40s is a file on the private disk, and policy %s has none: "
                       "ask for \"files\"",
                       l->name, policy->name);
        return (r = result_new(0)) ? result_failed(r, why) : NULL;
    }
    job_of_it.source = interpreted ? (asbx_text){ "", 0 } : program;
    job_of_it.entry_point = interpreted ? l->run.data : NULL;
    job_of_it.entry_len = l->run.len;
    job_of_it.n_calls = 0;
    if (interpreted) {
        job_of_it.files = &file;
        job_of_it.n_files = 1;
    }
    return run_on(s, &job_of_it, KIND_BOX, policy, ASBX_ORDER_PROGRAM);
}

asbx_result *language_run(asbx *s, const asbx_job *job, const char *name)
{
    const asbx_language *l = find(s, name);
    if (!l) {
        asbx_result *none = result_new(job->n_calls);
        return none ? result_failed(none, "there is no language of that name") : NULL;
    }
    if (!l->compile.len)
        return run(s, job, l, job->source);
    bool is_built_in = l >= built_in && l < built_in + sizeof built_in / sizeof *built_in;
    if (is_built_in && nesting_is_too_deep(job->source))
        return too_deep(job);
    asbx_result *made = compile(s, job, l);
    if (!made || made->status != ASBX_OK)
        return made;
    asbx_result *r = run(s, job, l, made->values[0].value);
    asbx_result_free(made);
    return r;
}
