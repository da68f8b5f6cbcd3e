/* cgroup_inner.h -- what the two files of control groups share. SPDX-License-Identifier: Apache-2.0
 */
#ifndef ASBX_CGROUP_INNER_H
#define ASBX_CGROUP_INNER_H
#include "cgroup.h"

#include <stddef.h>

#define GROUP_PREFIX "assay-"

/* "DIR/NAME" or "DIR/NAME/FILE"; false: too long. */
bool group_path(char *out, size_t size, const char *dir, const char *name, const char *file);
int group_open(const char *dir, const char *name, const char *file, int flags);
/* From its beginning, as much as there is room for, NUL-terminated. */
bool group_read(int fd, char *out, size_t size);
#endif
