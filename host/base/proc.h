/* proc.h -- child processes without fork(): posix_spawn only, so that a host with threads, CUDA or Ray stays sane.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_PROC_H
#define AS_BASE_PROC_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct as_spawn_fd {
    int from, to; /* the child's descriptor `to` becomes our `from`; all others are close-on-exec */
} as_spawn_fd;
/* argv[0] is the path; environment inherited plus `env` ("K=V", NULL-terminated; may be NULL). The child starts with
 * default signal dispositions and an empty mask. */
int as_spawn(pid_t *out, const char *const *argv, const char *const *env, const as_spawn_fd *fds, size_t n_fds,
             as_err *err);
/* The same, with `env` and nothing else as its environment. */
int as_spawn_clean(pid_t *out, const char *const *argv, const char *const *env, const as_spawn_fd *fds, size_t n_fds,
                   as_err *err);
/* Reaps the child: true once it is gone, *status as waitpid gives it. Waits at most timeout_ms (< 0: for ever). */
bool as_proc_wait(pid_t pid, int timeout_ms, int *status);
void as_proc_kill(pid_t pid, int *status); /* SIGKILL and reap */
/* "exited with status 3", "killed by signal 11 (Segmentation fault)" */
void as_proc_status_text(int status, char *out, size_t size);
#endif
