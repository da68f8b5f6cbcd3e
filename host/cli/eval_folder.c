/* eval_folder.c -- the folder of an evaluation: whose it is, what is in it, how far it got.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/leftover.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "cli/eval.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int eval_folder_names(eval_folder *f, const char *path, as_err *err)
{
    f->path = path;
    f->manifest = as_path_join(path, "manifest.json");
    f->suite = as_path_join(path, "suite.jsonl");
    f->samples = as_path_join(path, "samples.jsonl");
    f->scores = as_path_join(path, "scores.jsonl");
    f->summary = as_path_join(path, "summary.json");
    return f->manifest && f->suite && f->samples && f->scores && f->summary
               ? 0
               : as_fail(err, AS_ENOMEM, "out of memory");
}

void eval_folder_close(eval_folder *f)
{
    if (f->held)
        (void)close(f->held - 1);
    as_run_record_fini(&f->record);
    as_free(f->manifest);
    as_free(f->suite);
    as_free(f->samples);
    as_free(f->scores);
    as_free(f->summary);
    *f = (eval_folder){ 0 };
}

/* A file system without locks is no reason to stop: only somebody else's lock is. */
int eval_folder_hold(eval_folder *f, as_err *err)
{
    int fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return as_fail_errno(err, "%s", f->path);
    f->held = fd + 1;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return as_fail(err, AS_EUSAGE,
                       "%s: another process is writing to it; wait for it, or name another folder",
                       f->path);
    return 0;
}

/* ---- what is in it ---- */

/* Nothing but what a process that was killed may have left of its first file. */
static int check_empty(const eval_folder *f, as_err *err)
{
    as_leftovers_remove(f->manifest, false);
    DIR *d = opendir(f->path);
    if (!d)
        return as_fail_errno(err, "%s", f->path);
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strncmp(e->d_name, "manifest.json.", sizeof "manifest.json." - 1) != 0)
            rc = as_fail(err, AS_EUSAGE,
                         "%s holds other things (%.60s), and no run of assay eval: name a folder "
                         "that is empty or is not there",
                         f->path, e->d_name);
    (void)closedir(d);
    return rc;
}

int eval_folder_load(const eval_folder *f, as_run_record *before, as_err *err)
{
    int rc = as_run_record_load(before, f->manifest, err);
    if (rc < 0)
        return rc;
    const char *command =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(before->json, "command"));
    return command && strcmp(command, "eval") == 0
               ? 0
               : as_fail(err, AS_EUSAGE,
                         "%s holds a run of assay %.40s: name a folder for this one", f->path,
                         command ? command : "?");
}

/* What `assay rescore` has put into the manifest stays there. */
static int keep_rescores(const eval_folder *f, const as_run_record *before, as_err *err)
{
    cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(before->json, "rescores");
    if (!list || cJSON_AddItemToObject(f->record.json, "rescores", list))
        return 0;
    cJSON_Delete(list);
    return as_fail(err, AS_ENOMEM, "out of memory");
}

static int look(const eval_folder *f, const eval_opts *o, bool *goes_on, as_err *err)
{
    as_run_record before = { 0 };
    *goes_on = false;
    if (!as_path_exists(f->manifest))
        return check_empty(f, err);
    int rc = eval_folder_load(f, &before, err);
    if (rc == 0 && !o->resume && !o->force)
        rc = as_fail(err, AS_EUSAGE,
                     "%s has a run already: --resume to go on, --force to begin "
                     "anew",
                     f->path);
    if (rc == 0 && o->resume)
        rc = as_run_record_continues(&before, &f->record, err);
    if (rc == 0 && o->resume)
        rc = keep_rescores(f, &before, err);
    *goes_on = o->resume;
    as_run_record_fini(&before);
    return rc;
}

/* ---- its suite ---- */

static int copy(as_source *from, as_new_file *to, as_err *err)
{
    enum { PIECE = 1 << 16 };
    AS_CLEANUP(free) char *piece = as_malloc(PIECE);
    if (!piece)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (;;) {
        long n = as_source_read(from, piece, PIECE, err);
        if (n <= 0)
            return (int)n;
        int rc = as_new_file_write(to, (as_str){ piece, (size_t)n }, err);
        if (rc < 0)
            return rc;
    }
}

/* As it was read, so that the run can be scored again when its suite is somewhere else. */
static int keep_suite(const eval_folder *f, const char *path, as_err *err)
{
    as_source *from = NULL;
    AS_CLEANUP(new_file) as_new_file to = { .fd = -1 };
    int rc = as_source_open(&from, path, err);
    if (rc == 0)
        rc = as_new_file_open(&to, f->suite, err);
    if (rc == 0)
        rc = copy(from, &to, err);
    if (from)
        as_source_close(from);
    return rc == 0 ? as_new_file_commit(&to, err) : rc;
}

/* ---- all of it ---- */

int eval_folder_state(eval_folder *f, const char *state, uint64_t samples, uint64_t scores,
                      as_err *err)
{
    char number[24];
    int rc = as_run_record_text(&f->record, as_run_record_set, "state", state, err);
    if (rc < 0)
        return rc;
    (void)snprintf(number, sizeof number, "%" PRIu64, samples);
    as_run_record_set(&f->record, "samples", as_str_of(number));
    (void)snprintf(number, sizeof number, "%" PRIu64, scores);
    as_run_record_set(&f->record, "scores", as_str_of(number));
    return as_run_record_save(&f->record, f->manifest, err);
}

static int forget_file(const char *folder, const char *name, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(folder, name);
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    return unlink(path) == 0 || errno == ENOENT ? 0 : as_fail_errno(err, "%s", path);
}

/* "scores.2.jsonl", "summary.2.json" and so on */
static bool is_rescore(const char *name)
{
    const as_str s = as_str_of(name);
    return (as_str_starts(s, "scores.") && as_str_ends(s, ".jsonl")) ||
           (as_str_starts(s, "summary.") && as_str_ends(s, ".json"));
}

/* What of an earlier run must not be taken for this one's. */
static int forget(const eval_folder *f, as_err *err)
{
    int rc = forget_file(f->path, "samples.jsonl", err);
    if (rc == 0)
        rc = forget_file(f->path, "suite.jsonl", err);
    DIR *d = rc == 0 ? opendir(f->path) : NULL;
    if (rc == 0 && !d)
        return as_fail_errno(err, "%s", f->path);
    for (const struct dirent *e; rc == 0 && (e = readdir(d));)
        if (is_rescore(e->d_name))
            rc = forget_file(f->path, e->d_name, err);
    if (d)
        (void)closedir(d);
    return rc;
}

int eval_folder_begin(eval_folder *f, const eval_opts *o, bool *goes_on, as_err *err)
{
    int rc = look(f, o, goes_on, err);
    if (rc == 0 && !*goes_on)
        rc = forget(f, err);
    if (rc == 0)
        rc = eval_folder_state(f, "running", 0, 0, err);
    if (rc == 0 && (!*goes_on || !as_path_exists(f->suite)))
        rc = keep_suite(f, o->suite, err);
    return rc;
}
