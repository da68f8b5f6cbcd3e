/* path.c -- where things are. SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include "base/buf.h"
#include "base/mem.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

char *as_path_join(const char *folder, const char *name)
{
    size_t n = strlen(folder), m = strlen(name), total;
    bool slash = n > 0 && folder[n - 1] != '/';
    if (!as_add_ok(n, m, &total) || !as_add_ok(total, 2, &total))
        return NULL;
    char *joined = as_malloc(total);
    if (!joined)
        return NULL;
    (void)snprintf(joined, total, "%s%s%s", folder, slash ? "/" : "", name);
    return joined;
}

char *as_path_real(const char *path, as_err *err)
{
    char *real = realpath(path, NULL); /* malloc's memory, which is what as_free frees */
    if (!real)
        as_fail_errno(err, "%s", path);
    return real;
}

bool as_is_secure_exec(void)
{
    return getauxval(AT_SECURE) != 0;
}

static char *home_from_database(void)
{
    struct passwd entry, *found = NULL;
    char text[4096];
    if (getpwuid_r(getuid(), &entry, text, sizeof text, &found) != 0 || !found || !found->pw_dir)
        return NULL;
    return as_strdup(found->pw_dir);
}

char *as_path_home(void)
{
    const char *home = as_is_secure_exec() ? NULL : getenv("HOME");
    return home && home[0] == '/' ? as_strdup(home) : home_from_database();
}

char *as_path_cache_dir(as_err *err)
{
    const char *xdg = as_is_secure_exec() ? NULL : getenv("XDG_CACHE_HOME");
    AS_CLEANUP(free) char *base = NULL;
    if (xdg && xdg[0] == '/') {
        base = as_strdup(xdg);
    } else {
        AS_CLEANUP(free) char *home = as_path_home();
        if (!home) {
            as_fail(err, AS_EUSAGE, "no cache folder: neither HOME nor XDG_CACHE_HOME is set");
            return NULL;
        }
        base = as_path_join(home, ".cache");
    }
    AS_CLEANUP(free) char *folder = base ? as_path_join(base, "assay") : NULL;
    if (!folder) {
        as_fail(err, AS_ENOMEM, "out of memory");
        return NULL;
    }
    return as_path_make_dirs(folder, err) < 0 ? NULL : AS_STEAL(folder);
}

/* Cuts the last component off; the text stays in place. */
static char *parent(char *path)
{
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash)
        slash[slash == path ? 1 : 0] = 0;
    return path;
}

char *as_path_self_dir(void)
{
    /* an executable's dli_fname is argv[0], which says nothing of where it lies: /proc tells */
    static const char here; /* what lies in the same file as this code */
    Dl_info self, program;
    unsigned long entry = getauxval(AT_ENTRY);
    const void *main_start;
    memcpy(&main_start, &entry, sizeof main_start);
    bool in_program = dladdr(&here, &self) == 0 || !self.dli_fname ||
                      (dladdr(main_start, &program) != 0 && program.dli_fbase == self.dli_fbase);
    char *real = realpath(in_program ? "/proc/self/exe" : self.dli_fname, NULL);
    return parent(real);
}

char *as_path_program(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *c = path ? path : ""; *c;) {
        size_t n = strcspn(c, ":");
        AS_CLEANUP(free) char *folder = as_strndup(c, n);
        AS_CLEANUP(free) char *file = folder ? as_path_join(folder, name) : NULL;
        if (n > 0 && file && access(file, X_OK) == 0)
            return AS_STEAL(file);
        c += n + (c[n] == ':');
    }
    return NULL;
}

bool as_path_exists(const char *path)
{
    struct stat ignored;
    return stat(path, &ignored) == 0;
}

/* The first of n names that exists beside us, made real; NULL if none does. `tried` collects the
 * paths. */
static char *beside_us(const char *const *names, size_t n, as_buf *tried)
{
    AS_CLEANUP(free) char *self = as_path_self_dir();
    for (size_t i = 0; self && i < n; i++) {
        AS_CLEANUP(free) char *path = as_path_join(self, names[i]);
        if (path && as_path_exists(path))
            return realpath(path, NULL);
        if (path && tried)
            as_buf_addf(tried, "%s%s", tried->len ? ", " : "", path);
    }
    return NULL;
}

char *as_path_plugin_dir(void)
{
    static const char *const names[] = { "plugins", AS_BIN_TO_PLUGINS, AS_LIB_TO_PLUGINS };
    char *found = beside_us(names, sizeof names / sizeof *names, NULL);
    if (found)
        return found;
    AS_CLEANUP(free)
    char *self = as_path_self_dir(); /* so that messages can name where it should be */
    return self ? as_path_join(self, AS_BIN_TO_PLUGINS) : NULL;
}

char *as_path_worker(as_err *err)
{
    static const char *const names[] = { "assay-worker", AS_BIN_TO_LIBEXEC "/assay-worker",
                                         AS_LIB_TO_LIBEXEC "/assay-worker" };
    as_buf tried;
    as_buf_init(&tried, 16384);
    char *found = beside_us(names, sizeof names / sizeof *names, &tried);
    if (!found)
        as_fail(err, AS_EPLUGIN,
                "assay-worker not found; tried %s (reinstall assay, or build the whole project)",
                tried.len ? tried.data : "nothing, since /proc is not mounted");
    as_buf_fini(&tried);
    return found;
}

char *as_path_library(const char *name, as_buf *tried)
{
    static const char *const folders[] = { ".", AS_BIN_TO_LIBRARIES, AS_LIB_TO_LIBRARIES };
    enum { N = sizeof folders / sizeof *folders };
    char *names[N];
    for (size_t i = 0; i < N; i++)
        names[i] = i ? as_path_join(folders[i], name) : as_strdup(name);
    char *found =
        names[0] && names[1] && names[2] ? beside_us((const char *const *)names, N, tried) : NULL;
    for (size_t i = 0; i < N; i++)
        as_free(names[i]);
    return found;
}

int as_path_make_dirs(const char *path, as_err *err)
{
    AS_CLEANUP(free) char *copy = as_strdup(path);
    if (!copy)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (char *p = copy + 1; *copy; p++) {
        if (*p != '/' && *p != 0)
            continue;
        char kept = *p;
        *p = 0;
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            return as_fail_errno(err, "%s: could not be created", copy);
        *p = kept;
        if (kept == 0)
            break;
    }
    struct stat info;
    if (stat(path, &info) != 0)
        return as_fail_errno(err, "%s", path);
    if (!S_ISDIR(info.st_mode))
        return as_fail(err, AS_EUSAGE, "%s is not a folder", path);
    return 0;
}
