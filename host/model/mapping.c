/* mapping.c -- mmap of weight files. SPDX-License-Identifier: Apache-2.0 */
#include "model/mapping.h"

#include "base/mem.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int as_mapping_open(as_mapping *m, const char *path, as_err *err)
{
    struct stat info;
    *m = (as_mapping){ NULL, 0 };
    AS_CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) != 0)
        return as_fail_errno(err, "%s", path);
    if (!S_ISREG(info.st_mode))
        return as_fail(err, AS_EDATA, "%s: not a regular file", path);
    if (info.st_size == 0)
        return 0;
    void *base = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED)
        return as_fail_errno(err, "%s: mmap", path);
    *m = (as_mapping){ base, (size_t)info.st_size };
    return 0;
}

void as_mapping_close(as_mapping *m)
{
    if (m->base)
        (void)munmap(m->base, m->size);
    *m = (as_mapping){ NULL, 0 };
}
