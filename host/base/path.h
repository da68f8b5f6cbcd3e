/* path.h -- where things are. All results are the caller's (as_free).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_PATH_H
#define AS_BASE_PATH_H
#include "base/buf.h"
#include <stdbool.h>

char *as_path_join(const char *folder, const char *name);
char *as_path_real(const char *path, as_err *err);
char *as_path_home(void);                      /* $HOME, else the password database; NULL if neither */
char *as_path_cache_dir(as_err *err);          /* $XDG_CACHE_HOME/assay or ~/.cache/assay, created */
/* The folder this code was loaded from (executable, or libassay.so when embedded). */
char *as_path_self_dir(void);
/* Our own files, tried beside the executable (build tree) first, then where they are installed. */
char *as_path_plugin_dir(void);                /* .../plugins or ${libdir}/assay/plugins */
char *as_path_worker(as_err *err);             /* the assay-worker program */
/* A library of ours that is opened where it is needed; NULL: nowhere. `tried` gets the paths without it; or NULL. */
char *as_path_library(const char *name, as_buf *tried);
char *as_path_program(const char *name);       /* the first executable of this name in $PATH; NULL: none */
bool as_path_exists(const char *path);
int as_path_make_dirs(const char *path, as_err *err); /* mkdir -p, mode 0700 for new ones */
bool as_is_secure_exec(void);                  /* AT_SECURE: the environment is not to be trusted */
#endif
