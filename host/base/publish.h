/* publish.h -- files and folders that appear whole or not at all: written under a temporary name beside their own, synced,
 * renamed. A process that is killed leaves at most NAME.tmp-..., never a part of NAME; who writes NAME next removes that
 * (leftover.h). SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_PUBLISH_H
#define AS_BASE_PUBLISH_H
#include "base/err.h"
#include "base/str.h"

/* PATH.tmp-..., which no other process or thread uses (the caller's, as_free). NULL: no memory. */
char *as_temporary_name(const char *path);

typedef struct as_new_file {
    int fd; /* -1: closed */
    char *path, *temporary;
} as_new_file;

/* Messages name `path`, never the temporary name. One of a file's name is replaced by _commit. */
int as_new_file_open(as_new_file *f, const char *path, as_err *err);
int as_new_file_write(as_new_file *f, as_str bytes, as_err *err);
int as_new_file_commit(as_new_file *f, as_err *err); /* fsync, close, rename, fsync of the folder */
void as_new_file_fini(as_new_file *f);               /* what was not committed is removed */

typedef struct as_new_folder {
    char *path, *temporary; /* write into `temporary`; it holds files only */
    int held;               /* a descriptor of it, plus 1 */
} as_new_folder;

/* `path` must not be there, or be an empty folder (else AS_EUSAGE); its parent must. */
int as_new_folder_open(as_new_folder *f, const char *path, as_err *err);
/* The files must have been synced already (as_new_file_commit does). */
int as_new_folder_commit(as_new_folder *f, as_err *err);
void as_new_folder_fini(as_new_folder *f); /* what was not committed is removed */

/* A folder of files, gone at once: renamed first, so that a process that is killed here leaves no part of it under its
 * name. AS_EIO where even that fails; what then cannot be removed stays as NAME.tmp-.... */
int as_folder_remove(const char *path, as_err *err);

/* The folder of files `fresh` takes the place of `path`, which goes: at once where the file system can exchange two names,
 * else there is no `path` for a moment, and both under names of their own. */
int as_folder_replace(const char *fresh, const char *path, as_err *err);

static inline void as_cleanup_new_file(as_new_file *f)
{
    as_new_file_fini(f);
}
static inline void as_cleanup_new_folder(as_new_folder *f)
{
    as_new_folder_fini(f);
}
#endif
