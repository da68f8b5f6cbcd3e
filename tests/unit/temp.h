/* temp.h -- a folder of its own for each test binary, removed at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_TEMP_H
#define AS_TESTS_TEMP_H
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_folder[256];

static inline int temp_remove_one(const char *path, const struct stat *info, int kind,
                                  struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

/* cmocka group setup and teardown */
static inline int temp_setup(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    (void)snprintf(temp_folder, sizeof temp_folder, "%s/assay-test-XXXXXX", base ? base : "/tmp");
    return mkdtemp(temp_folder) ? 0 : -1;
}

static inline int temp_teardown(void **state)
{
    (void)state;
    return nftw(temp_folder, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* FOLDER/name; good until the eighth call from now. */
static inline const char *temp_path(const char *name)
{
    static char ring[8][512];
    static unsigned at;
    char *out = ring[at++ % 8];
    (void)snprintf(out, sizeof ring[0], "%s/%s", temp_folder, name);
    return out;
}
#endif
