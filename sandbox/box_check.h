/* box_check.h -- what the two files of the check share. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_BOX_CHECK_H
#define ASBX_BOX_CHECK_H
#include "layers.h"
#include "zygote.h"

/* One report; the first of a layer counts. */
void check_tell(layer_id id, asbx_layer_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_report_to(int fd);

/* A process of its own pid namespace that calls `run` and ends with what it returns. */
pid_t check_clone(int (*run)(void *context), void *context);
int check_wait(pid_t pid); /* wait status; it is killed after some seconds */

/* box_check_job.c: in the zygote's namespaces, what a job can do. */
void check_jobs(const zygote_box *box);
#endif
