/* safetensors.c -- reads safetensors: maps files, checks their headers, finds tensors by name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/safetensors.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strmap.h"
#include "model/mapping.h"

#include <stdlib.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the data of safetensors are little-endian, and used in place"
#endif

enum { INDEX_MAX = 64 * 1024 * 1024, METADATA_MAX = 65536 };
#define INDEX_NAME "model.safetensors.index.json"

typedef struct source {
    as_mapping bytes;
    const char *path;
} source;

struct as_safetensors {
    as_arena arena;
    source *files;
    size_t n_files;
    as_safetensor *tensors;
    size_t n;
    as_strmap by_name;
    as_jspan *metadata; /* the __metadata__ of each file */
};

const char *as_safetensors_shown(as_str name, char out[104])
{
    size_t n = name.len < 100 ? name.len : as_utf8_valid((as_str){ name.data, 100 });
    memcpy(out, name.data ? name.data : "", n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7F)
            out[i] = '?';
    memcpy(out + n, n < name.len ? "..." : "", n < name.len ? 4 : 1);
    return out;
}

/* ---- one header ---- */

typedef struct header {
    as_safetensors *s;
    const char *what;
    as_str data; /* what follows the header */
    as_err *err;
} header;

/* Where the header says that a tensor's data lie. */
typedef struct span {
    size_t begin, end, tensor;
} span;

static int bad_tensor(const header *h, as_str name, const char *why)
{
    char shown[104];
    return as_fail(h->err, AS_EDATA, "%s: tensor \"%s\": %s", h->what,
                   as_safetensors_shown(name, shown), why);
}

static const char *read_shape(as_jspan shape, as_safetensor *t)
{
    as_jspan value;
    t->n = 1;
    if (shape.kind != AS_J_ARRAY)
        return "\"shape\" is not an array";
    for (size_t at = 0; as_jarray_next(shape, &at, &value);) {
        unsigned long long dim;
        if (!as_junsigned(value, &dim) || dim > INT64_MAX)
            return "\"shape\" holds something else than sizes";
        if (t->n_dims == AS_SAFETENSORS_DIMS)
            return "more than 8 dimensions";
        t->dims[t->n_dims++] = (int64_t)dim;
        if (!as_mul_ok(t->n, (size_t)dim, &t->n))
            return "its shape has more elements than memory has bytes";
    }
    return as_mul_ok(t->n, as_dtype_size(t->dtype), &t->n_bytes)
               ? NULL
               : "its shape has more elements than memory has bytes";
}

static const char *read_offsets(as_jspan offsets, span *where)
{
    as_jspan value;
    unsigned long long v[2];
    unsigned n = 0;
    if (offsets.kind != AS_J_ARRAY)
        return "\"data_offsets\" is not an array";
    for (size_t at = 0; as_jarray_next(offsets, &at, &value); n++)
        if (n == 2 || !as_junsigned(value, &v[n]))
            return "\"data_offsets\" is not two sizes";
    if (n != 2 || v[0] > v[1])
        return "\"data_offsets\" is not a begin and an end";
    where->begin = (size_t)v[0];
    where->end = (size_t)v[1];
    return NULL;
}

static const char *read_entry(as_jspan entry, as_safetensor *t, span *where)
{
    static const char *const keys[] = { "dtype", "shape", "data_offsets" };
    as_jspan found[3] = { { { NULL, 0 }, AS_J_NONE } }, key, value;
    char dtype[8] = "";
    if (entry.kind != AS_J_OBJECT)
        return "not an object";
    for (size_t at = 0; as_jobject_next(entry, &at, &key, &value);)
        for (unsigned i = 0; i < 3; i++) {
            if (!as_jspan_is(key, keys[i]))
                continue;
            if (found[i].kind != AS_J_NONE)
                return "one of its keys stands twice";
            found[i] = value;
        }
    if (found[0].kind != AS_J_STRING || found[1].kind == AS_J_NONE || found[2].kind == AS_J_NONE)
        return "\"dtype\", \"shape\" or \"data_offsets\" is missing";
    if (found[0].text.len - 2 < sizeof dtype)
        memcpy(dtype, found[0].text.data + 1, found[0].text.len - 2);
    if (!as_dtype_of(as_str_of(dtype), &t->dtype))
        return "its \"dtype\" is not implemented (known: F64, F32, F16, BF16, F8_E4M3, F8_E5M2, "
               "BOOL, I8..I64, U8..U64)";
    const char *why = read_shape(found[1], t);
    if (!why)
        why = read_offsets(found[2], where);
    return why;
}

static int by_place(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return x->tensor < y->tensor ? -1 : x->tensor > y->tensor;
}

/* tensors[first..first+n) are put into the order of their data, which must be one after the other.
 */
static int place(const header *h, span *spans, size_t first, size_t n)
{
    as_safetensor *sorted = as_realloc_array(NULL, n ? n : 1, sizeof *sorted);
    as_safetensor *mine = h->s->tensors + first;
    size_t at = 0;
    int rc = sorted ? 0 : as_fail(h->err, AS_ENOMEM, "%s: out of memory", h->what);
    if (rc == 0 && n > 0)
        qsort(spans, n, sizeof *spans, by_place);
    for (size_t i = 0; i < n && rc == 0; i++) {
        as_safetensor *t = &mine[spans[i].tensor];
        if (spans[i].begin != at)
            rc = bad_tensor(h, t->name,
                            spans[i].begin < at ? "its data overlap those of another tensor"
                                                : "there is a gap before its data");
        else if (spans[i].end - at != t->n_bytes)
            rc = bad_tensor(h, t->name, "its shape does not fit the size of its data");
        else if (spans[i].end > h->data.len)
            rc = bad_tensor(h, t->name,
                            "its data end behind the end of the file (truncated? fetch it again)");
        t->data = (const unsigned char *)h->data.data + at;
        at = spans[i].end;
        sorted[i] = *t;
    }
    if (rc == 0 && at != h->data.len)
        rc = as_fail(h->err, AS_EDATA, "%s: %zu bytes follow the last tensor", h->what,
                     h->data.len - at);
    if (rc == 0 && n > 0)
        memcpy(mine, sorted, n * sizeof *sorted);
    as_free(sorted);
    return rc;
}

static int read_metadata(const header *h, as_jspan value)
{
    as_jspan key, text;
    if (value.kind != AS_J_OBJECT)
        return as_fail(h->err, AS_EDATA, "%s: \"__metadata__\" is not an object", h->what);
    for (size_t at = 0; as_jobject_next(value, &at, &key, &text);)
        if (text.kind != AS_J_STRING)
            return as_fail(h->err, AS_EDATA, "%s: \"__metadata__\" holds something else than texts",
                           h->what);
    h->s->metadata[h->s->n_files] = value;
    return 0;
}

static int read_entries(const header *h, as_jspan root, span *spans)
{
    as_safetensors *s = h->s;
    size_t first = s->n;
    as_jspan key, value;
    for (size_t at = 0; as_jobject_next(root, &at, &key, &value);) {
        if (as_jspan_is(key, "__metadata__")) {
            int rc = read_metadata(h, value);
            if (rc < 0)
                return rc;
            continue;
        }
        as_safetensor *t = &s->tensors[s->n];
        *t = (as_safetensor){ .name = as_jstring(key, &s->arena, NULL), .file = h->what };
        if (!t->name.data)
            return as_fail(h->err, AS_ENOMEM, "%s: out of memory", h->what);
        span *where = &spans[s->n - first];
        where->tensor = s->n - first;
        const char *why = read_entry(value, t, where);
        if (why)
            return bad_tensor(h, t->name, why);
        s->n++;
    }
    return place(h, spans, first, s->n - first);
}

static size_t count_members(as_jspan object)
{
    as_jspan key, value;
    size_t n = 0;
    for (size_t at = 0; as_jobject_next(object, &at, &key, &value);)
        n++;
    return n;
}

/* The JSON of a file, and what follows it. */
static int split(header *h, as_str bytes, as_jspan *root)
{
    uint64_t n = 0;
    as_err why = { 0 };
    if (bytes.len >= sizeof n)
        memcpy(&n, bytes.data, sizeof n);
    if (bytes.len < sizeof n)
        return as_fail(h->err, AS_EDATA, "%s: %zu bytes are no safetensors file", h->what,
                       bytes.len);
    if (n > AS_SAFETENSORS_HEADER)
        return as_fail(
            h->err, AS_EDATA,
            "%s: a header of %llu bytes, above the limit of %d (not a safetensors file?)", h->what,
            (unsigned long long)n, AS_SAFETENSORS_HEADER);
    if (n > bytes.len - sizeof n)
        return as_fail(h->err, AS_EDATA,
                       "%s: ends within its header of %llu bytes (truncated? fetch it again)",
                       h->what, (unsigned long long)n);
    as_str json = { bytes.data + sizeof n, (size_t)n };
    h->data = (as_str){ json.data + n, bytes.len - sizeof n - (size_t)n };
    int rc = as_json_scan(json, root, &why);
    if (rc < 0)
        return as_fail(h->err, rc, "%s: header: %s", h->what, why.text);
    if (root->kind != AS_J_OBJECT)
        return as_fail(h->err, AS_EDATA, "%s: the header is not a JSON object", h->what);
    return 0;
}

/* Adds a file's tensors to s->tensors. */
static int add_bytes(as_safetensors *s, as_str bytes, const char *what, as_err *err)
{
    header h = { s, what, { NULL, 0 }, err };
    as_jspan root;
    int rc = split(&h, bytes, &root);
    if (rc < 0)
        return rc;
    size_t n = count_members(root), total;
    AS_CLEANUP(free) span *spans = as_realloc_array(NULL, n + 1, sizeof *spans);
    as_safetensor *more = NULL;
    if (as_add_ok(s->n, n + 1, &total))
        more = as_realloc_array(s->tensors, total, sizeof *more);
    if (more)
        s->tensors = more;
    if (!spans || !more)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", what);
    return read_entries(&h, root, spans);
}

/* ---- files ---- */

static int add_file(as_safetensors *s, const char *path, as_err *err)
{
    source *file = &s->files[s->n_files];
    as_str kept = as_arena_str(&s->arena, as_str_of(path));
    if (!kept.data)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    file->path = kept.data;
    int rc = as_mapping_open(&file->bytes, kept.data, err);
    if (rc == 0)
        rc = add_bytes(s, (as_str){ file->bytes.base, file->bytes.size }, kept.data, err);
    s->n_files++;
    return rc;
}

static as_safetensors *make(size_t n_files)
{
    as_safetensors *s = as_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    as_arena_init(&s->arena, 0);
    s->files = as_calloc(n_files, sizeof *s->files);
    s->metadata = as_calloc(n_files, sizeof *s->metadata);
    if (s->files && s->metadata)
        return s;
    as_safetensors_close(s);
    return NULL;
}

static int index_names(as_safetensors *s, as_err *err)
{
    if (s->n > UINT32_MAX || !as_strmap_init(&s->by_name, s->n))
        return as_fail(err, AS_ENOMEM, "out of memory for the names of %zu tensors", s->n);
    for (size_t i = 0; i < s->n; i++) {
        char shown[104];
        bool is_new;
        uint32_t at = as_strmap_add(&s->by_name, s->tensors[i].name, (uint32_t)i, &is_new);
        if (!is_new)
            return as_fail(err, AS_EDATA, "%s: tensor \"%s\" stands twice%s%s", s->tensors[i].file,
                           as_safetensors_shown(s->tensors[i].name, shown),
                           s->tensors[at].file == s->tensors[i].file ? "" : ", also in ",
                           s->tensors[at].file == s->tensors[i].file ? "" : s->tensors[at].file);
    }
    return 0;
}

/* ---- shards ---- */

typedef struct shards {
    as_safetensors *s;
    const char *folder, *path;
    as_jspan map;
    as_strmap *files; /* name of a file -> its place in s->files */
    as_err *err;
} shards;

static bool is_plain_name(as_str name)
{
    return name.len > 0 && !memchr(name.data, '/', name.len) && !memchr(name.data, 0, name.len) &&
           !as_str_is(name, ".") && !as_str_is(name, "..");
}

/* The file a tensor is said to lie in; opened where it is the first of it. */
static int open_shard(shards *x, as_jspan value, uint32_t *file)
{
    char shown[104];
    bool is_new;
    as_str name = as_jstring(value, &x->s->arena, NULL);
    if (value.kind != AS_J_STRING || (name.data && !is_plain_name(name)))
        return as_fail(x->err, AS_EDATA, "%s: \"weight_map\": %s is no name of a file beside it",
                       x->path, name.data ? as_safetensors_shown(name, shown) : "a value");
    if (!name.data)
        return as_fail(x->err, AS_ENOMEM, "%s: out of memory", x->path);
    if (x->files->n == AS_SAFETENSORS_FILES && !as_strmap_find(x->files, name, file))
        return as_fail(x->err, AS_EDATA, "%s: more than %d files", x->path, AS_SAFETENSORS_FILES);
    *file = as_strmap_add(x->files, name, (uint32_t)x->s->n_files, &is_new);
    if (!is_new)
        return 0;
    AS_CLEANUP(free) char *path = as_path_join(x->folder, name.data);
    if (!path)
        return as_fail(x->err, AS_ENOMEM, "%s: out of memory", x->path);
    return add_file(x->s, path, x->err);
}

static int open_shards(shards *x)
{
    as_jspan key, value;
    uint32_t file, at;
    char shown[104];
    for (size_t i = 0; as_jobject_next(x->map, &i, &key, &value);) {
        int rc = open_shard(x, value, &file);
        if (rc < 0)
            return rc;
    }
    int rc = index_names(x->s, x->err);
    for (size_t i = 0; rc == 0 && as_jobject_next(x->map, &i, &key, &value);) {
        as_str name = as_jstring(key, &x->s->arena, NULL);
        if (!name.data || open_shard(x, value, &file) < 0)
            return as_fail(x->err, AS_ENOMEM, "%s: out of memory", x->path);
        if (!as_strmap_find(&x->s->by_name, name, &at) ||
            x->s->tensors[at].file != x->s->files[file].path)
            rc = as_fail(x->err, AS_EDATA, "%s: tensor \"%s\" is not in %s, as %s says",
                         x->s->files[file].path, as_safetensors_shown(name, shown),
                         x->s->files[file].path, INDEX_NAME);
    }
    return rc;
}

static int open_index(as_safetensors **out, const char *folder, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    AS_CLEANUP(strmap) as_strmap files = { 0 };
    as_jspan root;
    as_err why = { 0 };
    as_buf_init(&text, INDEX_MAX);
    int rc = as_file_read(path, &text, err);
    if (rc < 0)
        return rc;
    rc = as_json_scan(as_buf_str(&text), &root, &why);
    if (rc < 0)
        return as_fail(err, rc, "%s: %s", path, why.text);
    shards x = { NULL, folder, path, as_jobject_get(root, "weight_map"), &files, err };
    if (root.kind != AS_J_OBJECT || x.map.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "%s: no object \"weight_map\" of tensors and files", path);
    AS_CLEANUP(safetensors) as_safetensors *s = make(AS_SAFETENSORS_FILES);
    if (!s || !as_strmap_init(&files, AS_SAFETENSORS_FILES))
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    x.s = s;
    rc = open_shards(&x);
    if (rc == 0)
        *out = AS_STEAL(s);
    return rc;
}

/* ---- public ---- */

int as_safetensors_open(as_safetensors **out, const char *path, as_err *err)
{
    AS_CLEANUP(safetensors) as_safetensors *s = make(1);
    *out = NULL;
    int rc = s ? add_file(s, path, err) : as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    if (rc == 0)
        rc = index_names(s, err);
    if (rc == 0)
        *out = AS_STEAL(s);
    return rc;
}

int as_safetensors_of(as_safetensors **out, as_str bytes, const char *what, as_err *err)
{
    AS_CLEANUP(safetensors) as_safetensors *s = make(1);
    *out = NULL;
    int rc =
        s ? add_bytes(s, bytes, what, err) : as_fail(err, AS_ENOMEM, "%s: out of memory", what);
    if (rc == 0) {
        s->n_files = 1;
        rc = index_names(s, err);
    }
    if (rc == 0)
        *out = AS_STEAL(s);
    return rc;
}

int as_safetensors_open_folder(as_safetensors **out, const char *folder, as_err *err)
{
    AS_CLEANUP(free) char *one = as_path_join(folder, "model.safetensors");
    AS_CLEANUP(free) char *index = as_path_join(folder, INDEX_NAME);
    *out = NULL;
    if (!one || !index)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    if (as_path_exists(one))
        return as_safetensors_open(out, one, err);
    if (as_path_exists(index))
        return open_index(out, folder, index, err);
    return as_fail(err, AS_EIO,
                   "%s: no weights: neither model.safetensors nor " INDEX_NAME
                   " (pytorch_model.bin is not read: save_pretrained of transformers converts it)",
                   folder);
}

void as_safetensors_close(as_safetensors *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->files && i < s->n_files; i++)
        as_mapping_close(&s->files[i].bytes);
    as_strmap_fini(&s->by_name);
    as_arena_fini(&s->arena);
    as_free(s->files);
    as_free(s->metadata);
    as_free(s->tensors);
    as_free(s);
}

size_t as_safetensors_count(const as_safetensors *s)
{
    return s->n;
}

const as_safetensor *as_safetensors_at(const as_safetensors *s, size_t i)
{
    return &s->tensors[i];
}

const as_safetensor *as_safetensors_find(const as_safetensors *s, const char *name)
{
    uint32_t at;
    return as_strmap_find(&s->by_name, as_str_of(name), &at) ? &s->tensors[at] : NULL;
}

as_str as_safetensors_metadata(const as_safetensors *s, const char *key, as_arena *arena)
{
    as_str none = { NULL, 0 };
    for (size_t i = 0; i < s->n_files; i++) {
        as_jspan value = as_jobject_get(s->metadata[i], key);
        if (value.kind == AS_J_STRING)
            return as_jstring(value, arena, NULL);
    }
    return none;
}
