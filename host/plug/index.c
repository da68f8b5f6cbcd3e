/* index.c -- the plugin index: one JSON file in the cache folder, keyed by path, size and time of
 * change. SPDX-License-Identifier: Apache-2.0 */
#include "plug/discover.h"

#include "base/file.h"
#include "base/jspan.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

#include <assay/assay.h>
#include <errno.h>
#include <sys/stat.h>

enum { MAX_ENTRIES = 4096, MAX_BYTES = 32 << 20 };
#define SCHEMA "assay.plugin_index/1"

struct as_index {
    char *file; /* NULL: none */
    as_arena arena;
    as_index_entry **entries; /* n; the entries themselves live in the arena and never move */
    size_t n, cap;
};

static bool stat_file(const char *path, int64_t *size, int64_t *mtime_ns)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return false;
    *size = st.st_size;
    *mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    return true;
}

static as_index_entry *find_entry(const as_index *x, const char *path)
{
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->entries[i]->path, path) == 0)
            return x->entries[i];
    return NULL;
}

/* Adds the entry or puts it in the place of an older one for the same path. */
static bool put_entry(as_index *x, as_index_entry *e)
{
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->entries[i]->path, e->path) == 0) {
            x->entries[i] = e;
            return true;
        }
    }
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 32;
        as_index_entry **more = as_realloc_array(x->entries, cap, sizeof(*more));
        if (!more)
            return false;
        x->entries = more;
        x->cap = cap;
    }
    x->entries[x->n++] = e;
    return true;
}

static bool read_i64(as_jspan number, int64_t *out)
{
    unsigned long long value = 0;
    if (!as_junsigned(number, &value) || value > INT64_MAX)
        return false;
    *out = (int64_t)value;
    return true;
}

static int read_entry(as_index *x, as_jspan object, as_err *err)
{
    as_index_entry *e = as_arena_calloc(&x->arena, 1, sizeof(*e));
    if (!e)
        return as_fail(err, AS_ENOMEM, "no memory");
    e->path = as_jstring(as_jobject_get(object, "path"), &x->arena, NULL).data;
    e->keep = true;
    if (!e->path || !read_i64(as_jobject_get(object, "size"), &e->size) ||
        !read_i64(as_jobject_get(object, "mtime_ns"), &e->mtime_ns))
        return as_fail(err, AS_EDATA, "an entry lacks path, size or mtime_ns");
    int rc = as_index_entry_read(e, object.text, &x->arena, err);
    if (rc < 0)
        return rc;
    return put_entry(x, e) ? 0 : as_fail(err, AS_ENOMEM, "no memory");
}

static int read_entries(as_index *x, as_str text, as_err *err)
{
    as_jspan object;
    as_jspan value;
    int rc = as_json_scan(text, &object, err);
    if (rc < 0)
        return rc;
    as_jspan files = as_jobject_get(object, "files");
    if (!as_jspan_is(as_jobject_get(object, "schema"), SCHEMA) || files.kind != AS_J_ARRAY)
        return as_fail(err, AS_EDATA, "not \"%s\"", SCHEMA);
    /* Another host may judge plugins otherwise. */
    if (!as_jspan_is(as_jobject_get(object, "host"), ASSAY_VERSION))
        return 0;
    for (size_t at = 0; rc == 0 && x->n < MAX_ENTRIES && as_jarray_next(files, &at, &value);)
        rc = read_entry(x, value, err);
    return rc;
}

/* Whatever is wrong with the file, the next as_index_fill makes a new one. */
static void read_index(as_index *x)
{
    as_err err = { 0 };
    AS_CLEANUP(buf) as_buf bytes;
    as_buf_init(&bytes, MAX_BYTES);
    if (!as_path_exists(x->file))
        return;
    int rc = as_file_read(x->file, &bytes, &err);
    rc = rc < 0 ? rc : read_entries(x, as_buf_str(&bytes), &err);
    if (rc == 0)
        return;
    as_log(AS_LOG_WARN, "%s: plugin index ignored: %s", x->file, err.text);
    x->n = 0;
}

int as_index_open(as_index **out, const char *file, as_err *err)
{
    as_index *x = as_calloc(1, sizeof(*x));
    as_err why = { 0 };
    if (!x)
        return as_fail(err, AS_ENOMEM, "no memory for the plugin index");
    as_arena_init(&x->arena, 0);
    if (!file) {
        AS_CLEANUP(free) char *folder = as_path_cache_dir(&why);
        if (folder)
            x->file = as_path_join(folder, "plugins.json");
        else
            as_log(AS_LOG_INFO, "no plugin index: %s", why.text);
    } else if (*file) {
        x->file = as_strdup(file);
    }
    if (x->file)
        read_index(x);
    *out = x;
    return 0;
}

void as_index_close(as_index *x)
{
    if (!x)
        return;
    as_free(x->file);
    as_free(x->entries);
    as_arena_fini(&x->arena);
    as_free(x);
}

const as_index_entry *as_index_get(as_index *x, const char *path)
{
    int64_t size = 0;
    int64_t mtime_ns = 0;
    const as_index_entry *e = find_entry(x, path);
    if (!e || !stat_file(path, &size, &mtime_ns))
        return NULL;
    return e->size == size && e->mtime_ns == mtime_ns ? e : NULL;
}

static void write_entry(as_buf *out, const as_index_entry *e)
{
    as_buf_byte(out, '{');
    as_buf_json_key(out, "path");
    as_buf_json_str(out, as_str_of(e->path));
    as_buf_addf(out, ",\"size\":%lld,\"mtime_ns\":%lld", (long long)e->size,
                (long long)e->mtime_ns);
    if (e->problem) {
        as_buf_json_key(out, "problem");
        as_buf_json_str(out, as_str_of(e->problem));
    } else {
        as_buf_text(out, ",\"infos\":[");
        for (uint32_t i = 0; i < e->n_infos; i++) {
            if (i > 0)
                as_buf_byte(out, ',');
            as_info_write(&e->infos[i], out);
        }
        as_buf_byte(out, ']');
    }
    as_buf_text(out, "}");
}

/* A path that is not UTF-8 would come back as another one, and a time before 1970 not at all. */
static bool is_worth_keeping(const as_index_entry *e)
{
    as_str path = as_str_of(e->path);
    return e->keep && e->mtime_ns >= 0 && as_utf8_valid(path) == path.len &&
           as_path_exists(e->path);
}

static void write_index(const as_index *x)
{
    as_err err = { 0 };
    AS_CLEANUP(buf) as_buf out;
    bool first = true;
    as_buf_init(&out, MAX_BYTES);
    as_buf_text(&out, "{\"schema\":\"" SCHEMA "\",\"host\":\"" ASSAY_VERSION "\",\"files\":[\n");
    for (size_t i = 0; i < x->n && i < MAX_ENTRIES; i++) {
        if (!is_worth_keeping(x->entries[i]))
            continue;
        if (!first)
            as_buf_text(&out, ",\n");
        first = false;
        write_entry(&out, x->entries[i]);
    }
    as_buf_text(&out, "\n]}\n");
    int rc = as_buf_check(&out, &err);
    rc = rc < 0 ? rc : as_file_write_atomic(x->file, as_buf_str(&out), &err);
    if (rc < 0)
        as_log(AS_LOG_INFO, "plugin index not written: %s", err.text);
}

int as_index_fill(as_index *x, const char *const *paths, size_t n, as_err *err)
{
    AS_CLEANUP(free) const char **todo = as_calloc(n + 1, sizeof(*todo));
    size_t n_todo = 0;
    if (!todo)
        return as_fail(err, AS_ENOMEM, "no memory for %zu plugins", n);
    for (size_t i = 0; i < n; i++)
        if (!as_index_get(x, paths[i]))
            todo[n_todo++] = paths[i];
    if (n_todo == 0)
        return 0;
    as_index_entry *fresh = as_arena_calloc(&x->arena, n_todo, sizeof(*fresh));
    if (!fresh)
        return as_fail(err, AS_ENOMEM, "no memory for %zu plugins", n_todo);
    for (size_t i = 0; i < n_todo; i++) {
        fresh[i].path = as_arena_str(&x->arena, as_str_of(todo[i])).data;
        if (!fresh[i].path || !stat_file(todo[i], &fresh[i].size, &fresh[i].mtime_ns))
            fresh[i].mtime_ns = -1; /* gone meanwhile: never found in the index again */
    }
    as_describe_files(todo, fresh, n_todo, &x->arena);
    for (size_t i = 0; i < n_todo; i++)
        if (fresh[i].path && !put_entry(x, &fresh[i]))
            return as_fail(err, AS_ENOMEM, "no memory for the plugin index");
    if (x->file)
        write_index(x);
    return 0;
}
