/* refuse.c -- jobs that are refused before anything is started: what the caller got wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <string.h>

enum { MOST_CALLS = 1 << 20, MOST_FILES = 1000, LONGEST_NAME = 199 };

static bool is_text(asbx_text t)
{
    return t.data || t.len == 0;
}

static bool is_plain(asbx_text name)
{
    bool dots = name.len <= 2 && memcmp(name.data, "..", name.len) == 0;
    return name.len <= LONGEST_NAME && !dots && !memchr(name.data, '/', name.len) &&
           !memchr(name.data, 0, name.len);
}

const char *job_refusal(const asbx_job *job)
{
    if (!is_text(job->source) || !is_text(job->input) || (job->n_calls && !job->calls) ||
        (job->n_files && !job->files))
        return "a text of the job has a length and no bytes";
    if (job->n_calls > MOST_CALLS || job->n_files > MOST_FILES)
        return "a job has at most 1,048,576 calls and 1,000 files";
    for (uint32_t i = 0; i < job->n_calls; i++)
        if (!is_text(job->calls[i]) || job->calls[i].len > UINT32_MAX)
            return "a call's arguments have a length and no bytes, or too many";
    for (uint32_t i = 0; i < job->n_files; i++) {
        const asbx_file *f = &job->files[i];
        if (!is_text(f->name) || f->name.len == 0 || !is_plain(f->name))
            return "a file's name is no plain one (1 to 199 bytes, no '/', no NUL, not \".\" or "
                   "\"..\")";
        if (!is_text(f->data) || f->data.len > UINT32_MAX)
            return "a file has a length and no bytes, or too many";
    }
    return NULL;
}
