/* registry.c -- where plugins are looked for, which file a name means, and whether it is one of
 * ours. SPDX-License-Identifier: Apache-2.0
 *
 * Lock: one per registry, around everything that grows its arena; held while a child describes
 * plugins. */
#include "plug/registry.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "plug/discover.h"
#include "plug/entry.h"
#include "plug/ours.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_FOLDERS = 64, MAX_STATIC = 64, MAX_FILES = 4096, MAX_NAME = 200 };

struct as_registry {
    pthread_mutex_t lock;
    as_arena arena;
    as_index *index;
    as_ours *ours;
    const char *folders[MAX_FOLDERS]; /* in the order of search; they need not exist */
    size_t n_folders;
    as_listed *listed; /* NULL until as_registry_list */
    size_t n_listed;
};

/* Set up before the first registry, read-only from then on. */
static const assay_entry *static_entries[MAX_STATIC];
static size_t n_static;

int as_registry_add_static(const assay_entry *entry, as_err *err)
{
    int rc = as_entry_check(entry, "static verifier", err);
    if (rc < 0)
        return rc;
    if (n_static == MAX_STATIC)
        return as_fail(err, AS_EPLUGIN, "more than %d static verifiers", MAX_STATIC);
    static_entries[n_static++] = entry;
    return 0;
}

/* ---- folders ---- */

static void add_folder(as_registry *r, as_str folder)
{
    /* An empty part would be the current directory, as in $PATH of old: never meant. */
    if (folder.len == 0 || r->n_folders == MAX_FOLDERS)
        return;
    as_str copy = as_arena_str(&r->arena, folder);
    AS_CLEANUP(free) char *real = copy.data ? as_path_real(copy.data, NULL) : NULL;
    const char *path = real ? as_arena_str(&r->arena, as_str_of(real)).data : copy.data;
    if (!path)
        return;
    for (size_t i = 0; i < r->n_folders; i++)
        if (strcmp(r->folders[i], path) == 0)
            return;
    r->folders[r->n_folders++] = path;
}

static void add_folders(as_registry *r, const char *list)
{
    while (list && *list) {
        const char *end = strchrnul(list, ':');
        add_folder(r, (as_str){ list, (size_t)(end - list) });
        list = *end ? end + 1 : end;
    }
}

static void add_all_folders(as_registry *r, const char *plugin_path)
{
    add_folders(r, plugin_path);
    if (!as_is_secure_exec()) { /* else the environment may be an attacker's, and HOME with it */
        add_folders(r, getenv("ASSAY_PLUGIN_PATH"));
        AS_CLEANUP(free) char *home = as_path_home();
        AS_CLEANUP(free) char *user = home ? as_path_join(home, ".local/lib/assay/plugins") : NULL;
        if (user)
            add_folder(r, as_str_of(user));
    }
    AS_CLEANUP(free) char *own = as_path_plugin_dir();
    if (own)
        add_folder(r, as_str_of(own));
}

int as_registry_open(as_registry **out, const as_registry_options *options, as_err *err)
{
    static const as_registry_options none = { NULL, NULL };
    const as_registry_options *o = options ? options : &none;
    as_registry *r = as_calloc(1, sizeof(*r));
    if (!r)
        return as_fail(err, AS_ENOMEM, "no memory for the plugin registry");
    pthread_mutex_init(&r->lock, NULL);
    as_arena_init(&r->arena, 0);
    add_all_folders(r, o->plugin_path);
    int rc = as_index_open(&r->index, o->index_file, err);
    rc = rc < 0 ? rc : as_ours_open(&r->ours, err);
    if (rc < 0) {
        as_registry_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

void as_registry_close(as_registry *r)
{
    if (!r)
        return;
    as_index_close(r->index);
    as_ours_close(r->ours);
    as_arena_fini(&r->arena);
    pthread_mutex_destroy(&r->lock);
    as_free(r);
}

/* ---- finding ---- */

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *short_id(const char *id)
{
    const char *dot = strrchr(id, '.');
    return dot && dot[1] ? dot + 1 : id;
}

/* Fills `out` for a file: its absolute path, its hash, whether it is ours. */
static int settle(as_registry *r, const char *path, const char *verifier, as_found *out,
                  as_err *err)
{
    AS_CLEANUP(free) char *real = as_path_real(path, err);
    if (!real)
        return AS_EPLUGIN;
    *out = (as_found){ .path = as_arena_str(&r->arena, as_str_of(real)).data };
    if (verifier)
        out->verifier = as_arena_str(&r->arena, as_str_of(verifier)).data;
    if (!out->path || (verifier && !out->verifier))
        return as_fail(err, AS_ENOMEM, "no memory for the path of a plugin");
    int rc = as_sha256_file(out->path, &out->sha256, err);
    if (rc == 0)
        out->ours = as_ours_holds(r->ours, out->path, &out->sha256);
    return rc;
}

static int find_path(as_registry *r, const char *name, as_found *out, as_err *err)
{
    if (is_file(name))
        return settle(r, name, NULL, out, err);
    const char *hash = strrchr(name, '#'); /* a file name may hold one, so the whole comes first */
    AS_CLEANUP(free) char *path = hash ? as_strndup(name, (size_t)(hash - name)) : as_strdup(name);
    struct stat st;
    if (!path)
        return as_fail(err, AS_ENOMEM, "no memory for the path of a plugin");
    if (is_file(path))
        return settle(r, path, hash && hash[1] ? hash + 1 : NULL, out, err);
    if (stat(path, &st) == 0)
        return as_fail(err, AS_EPLUGIN, "%s: %s; name a plugin's .so file", path,
                       S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    return as_fail(err, AS_EPLUGIN,
                   "%s: no such file; a name with '/' is a path, one without is looked up (see "
                   "`assay plugin list`)",
                   path);
}

static int find_static(const char *name, as_found *out)
{
    for (size_t i = 0; i < n_static; i++) {
        for (size_t j = 0; static_entries[i]->verifiers[j]; j++) {
            const char *id = static_entries[i]->verifiers[j]->id;
            if (strcmp(id, name) == 0 || strcmp(short_id(id), name) == 0) {
                *out = (as_found){ .entry = static_entries[i], .verifier = id, .ours = true };
                return 1;
            }
        }
    }
    return 0;
}

/* NAME.so may hold several verifiers, and then the one called NAME is meant. Ours hold one each. */
static const char *pick_inside(as_registry *r, const char *path, const char *name)
{
    if (as_index_fill(r->index, &path, 1, NULL) < 0)
        return NULL;
    const as_index_entry *e = as_index_get(r->index, path);
    for (uint32_t i = 0; e && e->infos && i < e->n_infos; i++)
        if (strcmp(as_info_short_name(&e->infos[i]), name) == 0)
            return e->infos[i].id;
    return NULL;
}

static int find_by_file(as_registry *r, const char *name, bool may_load, as_found *out, as_err *err)
{
    for (size_t i = 0; i < r->n_folders; i++) {
        as_str path = as_arena_fmt(&r->arena, "%s/%s.so", r->folders[i], name);
        if (!path.data)
            return as_fail(err, AS_ENOMEM, "no memory for the path of a plugin");
        if (!is_file(path.data))
            continue;
        int rc = settle(r, path.data, NULL, out, err);
        if (rc == 0 && !may_load) { /* whoever loads it will see */
            out->verifier = as_arena_str(&r->arena, as_str_of(name)).data;
            out->or_first = true;
        } else if (rc == 0 && !out->ours) {
            out->verifier = pick_inside(r, out->path, name);
        }
        return rc < 0 ? rc : 1;
    }
    return 0;
}

static int list_locked(as_registry *r, as_err *err);

static int find_by_content(as_registry *r, const char *name, as_found *out, as_err *err)
{
    int rc = list_locked(r, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < r->n_listed; i++) {
        const as_listed *l = &r->listed[i];
        for (uint32_t j = 0; l->infos && j < l->n_infos; j++) {
            if (strcmp(l->infos[j].id, name) != 0 &&
                strcmp(as_info_short_name(&l->infos[j]), name) != 0)
                continue;
            rc = settle(r, l->path, l->infos[j].id, out, err);
            return rc < 0 ? rc : 1;
        }
    }
    return 0;
}

static void consider(const char *candidate, const char *name, const char **best, unsigned *distance)
{
    unsigned limit = (unsigned)strlen(name) / 3 + 1;
    unsigned d = as_str_distance(candidate, name, limit);
    if (d <= limit && d < *distance) {
        *best = candidate;
        *distance = d;
    }
}

static const char *did_you_mean(const as_registry *r, const char *name)
{
    const char *best = NULL;
    unsigned distance = UINT32_MAX;
    for (size_t i = 0; i < r->n_listed; i++)
        for (uint32_t j = 0; r->listed[i].infos && j < r->listed[i].n_infos; j++)
            consider(as_info_short_name(&r->listed[i].infos[j]), name, &best, &distance);
    for (size_t i = 0; i < n_static; i++)
        for (size_t j = 0; static_entries[i]->verifiers[j]; j++)
            consider(short_id(static_entries[i]->verifiers[j]->id), name, &best, &distance);
    return best;
}

static int not_found(const as_registry *r, const char *name, as_err *err)
{
    AS_CLEANUP(buf) as_buf tried;
    as_buf_init(&tried, 4096);
    for (size_t i = 0; i < r->n_folders; i++)
        as_buf_addf(&tried, "%s%s/%s.so", i ? ", " : "", r->folders[i], name);
    const char *mean = did_you_mean(r, name);
    return as_fail(
        err, AS_EPLUGIN,
        "plugin \"%s\" not found%s%s%s; tried %s; set ASSAY_PLUGIN_PATH or give a path with '/'",
        name, mean ? "; did you mean \"" : "", mean ? mean : "", mean ? "\"?" : "",
        tried.len ? tried.data : "no folder at all");
}

static int check_name(const char *name, as_err *err)
{
    size_t n = strlen(name);
    if (n == 0)
        return as_fail(err, AS_EPLUGIN, "plugin name is empty; see `assay plugin list`");
    for (size_t i = 0; i < n && n <= MAX_NAME; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= 0x20 || c == 0x7f || strchr("\"'\\*?<>|{}", c))
            return as_fail(err, AS_EPLUGIN,
                           "plugin name \"%.200s\" holds a character no name may have (byte %zu)",
                           name, i + 1);
    }
    return n <= MAX_NAME
               ? 0
               : as_fail(err, AS_EPLUGIN, "plugin name of %zu bytes is too long (%d at most)", n,
                         MAX_NAME);
}

static int find_name(as_registry *r, const char *name, bool may_load, as_found *out, as_err *err)
{
    int rc = check_name(name, err);
    rc = rc < 0 ? rc : find_static(name, out);
    rc = rc != 0 ? rc : find_by_file(r, name, may_load, out, err);
    rc = rc != 0 || !may_load ? rc : find_by_content(r, name, out, err);
    if (rc == 0)
        return not_found(r, name, err);
    return rc < 0 ? rc : 0;
}

static int find(as_registry *r, const char *name, bool may_load, as_found *out, as_err *err)
{
    pthread_mutex_lock(&r->lock);
    int rc =
        strchr(name, '/') ? find_path(r, name, out, err) : find_name(r, name, may_load, out, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

int as_registry_find(as_registry *r, const char *name, as_found *out, as_err *err)
{
    return find(r, name, true, out, err);
}

int as_registry_find_unloaded(as_registry *r, const char *name, as_found *out, as_err *err)
{
    return find(r, name, false, out, err);
}

/* ---- listing ---- */

static int only_plugins(const struct dirent *e)
{
    return e->d_name[0] != '.' && as_str_ends(as_str_of(e->d_name), ".so");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_shadowed(const as_registry *r, const char *file)
{
    for (size_t i = 0; i < r->n_listed; i++)
        if (strcmp(strrchr(r->listed[i].path, '/') + 1, file) == 0)
            return true;
    return false;
}

static int list_folder(as_registry *r, const char *folder, as_err *err)
{
    struct dirent **files = NULL;
    int n = scandir(folder, &files, only_plugins, by_bytes);
    int rc = 0;
    for (int i = 0; i < n; i++) {
        if (rc == 0 && r->n_listed < MAX_FILES) {
            as_str path = as_arena_fmt(&r->arena, "%s/%s", folder, files[i]->d_name);
            bool shadowed = is_shadowed(r, files[i]->d_name);
            if (!path.data)
                rc = as_fail(err, AS_ENOMEM, "no memory for the list of plugins");
            else if (is_file(path.data))
                r->listed[r->n_listed++] = (as_listed){ .path = path.data, .shadowed = shadowed };
        }
        free(files[i]); /* scandir's own malloc */
    }
    free(files);
    return rc;
}

static void describe_listed(as_registry *r, as_listed *l)
{
    const as_index_entry *e = as_index_get(r->index, l->path);
    as_digest hash;
    if (!e) {
        l->problem = "disappeared or changed while it was being looked at";
        return;
    }
    l->infos = e->infos;
    l->n_infos = e->n_infos;
    l->problem = e->problem;
    if (as_ours_is_inside(r->ours, l->path) && as_sha256_file(l->path, &hash, NULL) == 0)
        l->ours = as_ours_holds(r->ours, l->path, &hash);
}

static int list_locked(as_registry *r, as_err *err)
{
    if (r->listed)
        return 0;
    r->listed = as_arena_calloc(&r->arena, MAX_FILES, sizeof(*r->listed));
    const char **paths = as_arena_calloc(&r->arena, MAX_FILES, sizeof(*paths));
    int rc = r->listed && paths ? 0 : as_fail(err, AS_ENOMEM, "no memory for the list of plugins");
    for (size_t i = 0; rc == 0 && i < r->n_folders; i++)
        rc = list_folder(r, r->folders[i], err);
    for (size_t i = 0; rc == 0 && i < r->n_listed; i++)
        paths[i] = r->listed[i].path;
    rc = rc < 0 ? rc : as_index_fill(r->index, paths, r->n_listed, err);
    for (size_t i = 0; rc == 0 && i < r->n_listed; i++)
        describe_listed(r, &r->listed[i]);
    if (rc < 0) {
        r->listed = NULL;
        r->n_listed = 0;
    }
    return rc;
}

int as_registry_list(as_registry *r, const as_listed **out, size_t *n, as_err *err)
{
    pthread_mutex_lock(&r->lock);
    int rc = list_locked(r, err);
    *out = r->listed;
    *n = r->n_listed;
    pthread_mutex_unlock(&r->lock);
    return rc;
}
