/* gguf.c -- reads GGUF files. SPDX-License-Identifier: Apache-2.0 */
#include "model/gguf.h"

#include "base/mem.h"
#include "base/strmap.h"
#include "model/mapping.h"
#include "model/safetensors.h"

#include <math.h>
#include <stdio.h>

enum { VERSION = 3, BLOCK = 32, BLOCK_BYTES = 34, ALIGNMENT_MAX = 1 << 20 };
/* The least a key or a tensor takes in a file: bounds what a count can make us allocate. */
enum { KEY_BYTES = 13, TENSOR_BYTES = 24 };

/* ---- rows ---- */

static const struct {
    const char *name;
    as_gguf_type type;
    as_dtype dtype;
} types[] = { { "F32", AS_GGUF_F32, AS_F32 },
              { "F16", AS_GGUF_F16, AS_F16 },
              { "BF16", AS_GGUF_BF16, AS_BF16 },
              { "Q8_0", AS_GGUF_Q8_0, AS_I8 } };
enum { N_TYPES = sizeof types / sizeof *types };

static unsigned place_of(as_gguf_type type)
{
    unsigned i = 0;
    while (i + 1 < N_TYPES && types[i].type != type)
        i++;
    return i;
}

const char *as_gguf_type_name(as_gguf_type type)
{
    return types[place_of(type)].name;
}

size_t as_gguf_row_bytes(as_gguf_type type, size_t n)
{
    size_t out;
    if (type == AS_GGUF_Q8_0)
        return n % BLOCK == 0 && as_mul_ok(n / BLOCK, BLOCK_BYTES, &out) ? out : 0;
    return as_mul_ok(n, as_dtype_size(types[place_of(type)].dtype), &out) ? out : 0;
}

void as_gguf_row_read(float *out, as_gguf_type type, const unsigned char *row, size_t n)
{
    if (type != AS_GGUF_Q8_0) {
        as_convert(out, AS_F32, row, types[place_of(type)].dtype, n);
        return;
    }
    for (size_t b = 0; b < n / BLOCK; b++, row += BLOCK_BYTES) {
        float d;
        as_convert(&d, AS_F32, row, AS_F16, 1);
        for (size_t i = 0; i < BLOCK; i++)
            out[b * BLOCK + i] = (float)(int8_t)row[2 + i] * d;
    }
}

void as_gguf_row_write(unsigned char *out, as_gguf_type type, const float *row, size_t n)
{
    if (type != AS_GGUF_Q8_0) {
        as_convert(out, types[place_of(type)].dtype, row, AS_F32, n);
        return;
    }
    for (size_t b = 0; b < n / BLOCK; b++, row += BLOCK, out += BLOCK_BYTES) {
        float most = 0;
        for (size_t i = 0; i < BLOCK; i++)
            most = fmaxf(most, fabsf(row[i]));
        float d = most / 127, inverse = d > 0 ? 1 / d : 0;
        as_convert(out, AS_F16, &d, AS_F32, 1);
        for (size_t i = 0; i < BLOCK; i++) {
            float q = fminf(fmaxf(roundf(row[i] * inverse), -127), 127); /* d may be subnormal */
            out[2 + i] = (unsigned char)(int8_t)q;
        }
    }
}

/* ---- a file's bytes ---- */

typedef struct key {
    enum as_gguf_kind kind;
    as_gguf_array list; /* of kind ARRAY */
    as_str text;        /* of kind TEXT, else the bytes of the value */
} key;

struct as_gguf {
    as_mapping map;
    char *path;
    key *keys;
    as_gguf_tensor *tensors;
    size_t n_keys, n_tensors;
    as_strmap by_key, by_name;
};

typedef struct cursor {
    const char *what;
    const char *start, *p, *end;
    as_err *err;
} cursor;

static int truncated(const cursor *c, const char *where)
{
    return as_fail(c->err, AS_EDATA, "%s: ends within %s (truncated? fetch it again)", c->what,
                   where);
}

static bool take(cursor *c, size_t n, const char **out)
{
    if ((size_t)(c->end - c->p) < n)
        return false;
    *out = c->p;
    c->p += n;
    return true;
}

static bool take_u32(cursor *c, uint32_t *out)
{
    const char *p;
    if (!take(c, sizeof *out, &p))
        return false;
    memcpy(out, p, sizeof *out);
    return true;
}

static bool take_u64(cursor *c, uint64_t *out)
{
    const char *p;
    if (!take(c, sizeof *out, &p))
        return false;
    memcpy(out, p, sizeof *out);
    return true;
}

static bool take_text(cursor *c, as_str *out)
{
    uint64_t n;
    if (!take_u64(c, &n) || !take(c, (size_t)n, &out->data))
        return false;
    out->len = (size_t)n;
    return true;
}

/* Bytes of a value of fixed size; 0: none of these kinds. */
static size_t kind_size(uint32_t kind)
{
    static const unsigned char sizes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
    return kind < sizeof sizes ? sizes[kind] : 0;
}

static int read_array(cursor *c, as_str name, key *k)
{
    uint32_t kind;
    uint64_t n;
    size_t n_bytes;
    as_str text;
    char shown[104];
    if (!take_u32(c, &kind) || !take_u64(c, &n))
        return truncated(c, "an array");
    k->list = (as_gguf_array){ (enum as_gguf_kind)kind, (size_t)n, { c->p, 0 } };
    if (kind == AS_GGUF_K_TEXT) {
        for (uint64_t i = 0; i < n; i++)
            if (!take_text(c, &text))
                return truncated(c, "an array");
    } else if (kind_size(kind) == 0) {
        return as_fail(c->err, AS_EDATA, "%s: key \"%s\": arrays of kind %u are not implemented",
                       c->what, as_safetensors_shown(name, shown), kind);
    } else if (!as_mul_ok((size_t)n, kind_size(kind), &n_bytes) || !take(c, n_bytes, &text.data)) {
        return truncated(c, "an array");
    }
    k->list.bytes.len = (size_t)(c->p - k->list.bytes.data);
    return 0;
}

static int read_key(cursor *c, as_gguf *g)
{
    as_str name;
    uint32_t kind;
    char shown[104];
    bool is_new;
    key *k = &g->keys[g->n_keys];
    if (!take_text(c, &name) || !take_u32(c, &kind))
        return truncated(c, "its keys");
    k->kind = (enum as_gguf_kind)kind;
    (void)as_strmap_add(&g->by_key, name, (uint32_t)g->n_keys++, &is_new);
    if (!is_new)
        return as_fail(c->err, AS_EDATA, "%s: key \"%s\" stands twice", c->what,
                       as_safetensors_shown(name, shown));
    if (kind == AS_GGUF_K_ARRAY)
        return read_array(c, name, k);
    if (kind == AS_GGUF_K_TEXT)
        return take_text(c, &k->text) ? 0 : truncated(c, "a text");
    k->text.len = kind_size(kind);
    if (k->text.len == 0)
        return as_fail(c->err, AS_EDATA, "%s: key \"%s\": values of kind %u are not implemented",
                       c->what, as_safetensors_shown(name, shown), kind);
    return take(c, k->text.len, &k->text.data) ? 0 : truncated(c, "its keys");
}

/* ---- tensors ---- */

static int bad_tensor(const cursor *c, as_str name, const char *why)
{
    char shown[104];
    return as_fail(c->err, AS_EDATA, "%s: tensor \"%s\": %s", c->what,
                   as_safetensors_shown(name, shown), why);
}

static const char *read_dims(cursor *c, as_gguf_tensor *t)
{
    uint32_t n;
    uint64_t dim;
    size_t rows = 1;
    if (!take_u32(c, &n))
        return "the file ends here (truncated? fetch it again)";
    if (n > AS_GGUF_DIMS)
        return "more than 4 dimensions";
    t->n_dims = n;
    for (unsigned i = 0; i < AS_GGUF_DIMS; i++) {
        dim = 1;
        if (i < n && !take_u64(c, &dim))
            return "the file ends here (truncated? fetch it again)";
        if (dim == 0 || dim > INT64_MAX || (i > 0 && !as_mul_ok(rows, (size_t)dim, &rows)))
            return "its shape is empty or too large";
        t->dims[i] = (int64_t)dim;
    }
    t->n_bytes = rows;
    return NULL;
}

/* Offsets must be as ggml has them: one tensor after the other, each aligned. */
static const char *read_place(cursor *c, as_gguf_tensor *t, size_t *at, size_t alignment)
{
    uint32_t type;
    uint64_t offset;
    size_t i = 0, row;
    if (!take_u32(c, &type) || !take_u64(c, &offset))
        return "the file ends here (truncated? fetch it again)";
    while (i < N_TYPES && (uint32_t)types[i].type != type)
        i++;
    if (i == N_TYPES)
        return "its type is not implemented (known: F32, F16, BF16, Q8_0); convert it with "
               "llama-quantize";
    t->type = types[i].type;
    row = as_gguf_row_bytes(t->type, (size_t)t->dims[0]);
    if (row == 0 || !as_mul_ok(t->n_bytes, row, &t->n_bytes))
        return "its shape is too large, or its rows are no whole blocks";
    if (offset != *at)
        return "its data do not follow those of the tensor before it";
    if (!as_add_ok(*at, t->n_bytes, at) || !as_add_ok(*at, alignment - 1, at))
        return "its shape is empty or too large";
    *at = *at / alignment * alignment;
    return NULL;
}

static int read_alignment(const cursor *c, const as_gguf *g, size_t *out)
{
    int64_t v = AS_GGUF_ALIGNMENT;
    if (as_gguf_has(g, "general.alignment") && (!as_gguf_integer(g, "general.alignment", &v) ||
                                                v < 8 || v > ALIGNMENT_MAX || (v & (v - 1)) != 0))
        return as_fail(c->err, AS_EDATA, "%s: key \"general.alignment\" is no power of two of 8 up",
                       c->what);
    *out = (size_t)v;
    return 0;
}

static int read_tensor(cursor *c, as_gguf *g, size_t *at, size_t alignment)
{
    as_gguf_tensor *t = &g->tensors[g->n_tensors];
    bool is_new = true;
    if (!take_text(c, &t->name))
        return truncated(c, "its list of tensors");
    const char *why = read_dims(c, t);
    if (!why)
        why = read_place(c, t, at, alignment);
    if (!why)
        (void)as_strmap_add(&g->by_name, t->name, (uint32_t)g->n_tensors++, &is_new);
    return why || !is_new ? bad_tensor(c, t->name, why ? why : "stands twice") : 0;
}

static int read_tensors(cursor *c, as_gguf *g, size_t n)
{
    size_t alignment = 1, at = 0;
    int rc = read_alignment(c, g, &alignment);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = read_tensor(c, g, &at, alignment);
    if (rc < 0)
        return rc;
    size_t size = (size_t)(c->end - c->start);
    at = ((size_t)(c->p - c->start) + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < n; i++) {
        as_gguf_tensor *t = &g->tensors[i];
        if (at > size || t->n_bytes > size - at)
            return bad_tensor(
                c, t->name, "its data end behind the end of the file (truncated? fetch it again)");
        t->data = (const unsigned char *)c->start + at;
        at += (t->n_bytes + alignment - 1) / alignment * alignment;
    }
    return 0;
}

static int read_all(as_gguf *g, as_str bytes, as_err *err)
{
    cursor c = { g->path, bytes.data, bytes.data, bytes.data + bytes.len, err };
    const char *magic;
    uint32_t version;
    uint64_t n_tensors, n_keys;
    if (!take(&c, 4, &magic) || memcmp(magic, "GGUF", 4) != 0)
        return as_fail(err, AS_EDATA, "%s: not a GGUF file", g->path);
    if (!take_u32(&c, &version) || !take_u64(&c, &n_tensors) || !take_u64(&c, &n_keys))
        return truncated(&c, "its head");
    if (version != VERSION)
        return as_fail(err, AS_EDATA, "%s: GGUF of version %u is not implemented (known: 3)",
                       g->path, version);
    if (n_keys > bytes.len / KEY_BYTES || n_tensors > bytes.len / TENSOR_BYTES)
        return truncated(&c, "its head: it promises more keys and tensors than it has bytes");
    g->keys = as_calloc((size_t)n_keys + 1, sizeof *g->keys);
    g->tensors = as_calloc((size_t)n_tensors + 1, sizeof *g->tensors);
    if (!g->keys || !g->tensors || n_keys > UINT32_MAX || n_tensors > UINT32_MAX ||
        !as_strmap_init(&g->by_key, (size_t)n_keys) ||
        !as_strmap_init(&g->by_name, (size_t)n_tensors))
        return as_fail(err, AS_ENOMEM, "%s: out of memory", g->path);
    for (uint64_t i = 0; i < n_keys; i++) {
        int rc = read_key(&c, g);
        if (rc < 0)
            return rc;
    }
    return read_tensors(&c, g, (size_t)n_tensors);
}

/* ---- public ---- */

static int make(as_gguf **out, const char *what, as_err *err)
{
    *out = as_calloc(1, sizeof **out);
    if (*out)
        (*out)->path = as_strdup(what);
    return *out && (*out)->path ? 0 : as_fail(err, AS_ENOMEM, "%s: out of memory", what);
}

int as_gguf_of(as_gguf **out, as_str bytes, const char *what, as_err *err)
{
    AS_CLEANUP(gguf) as_gguf *g = NULL;
    *out = NULL;
    int rc = make(&g, what, err);
    if (rc == 0)
        rc = read_all(g, bytes, err);
    if (rc == 0)
        *out = AS_STEAL(g);
    return rc;
}

int as_gguf_open(as_gguf **out, const char *path, as_err *err)
{
    AS_CLEANUP(gguf) as_gguf *g = NULL;
    *out = NULL;
    int rc = make(&g, path, err);
    if (rc == 0)
        rc = as_mapping_open(&g->map, path, err);
    if (rc == 0)
        rc = read_all(g, (as_str){ g->map.base, g->map.size }, err);
    if (rc == 0)
        *out = AS_STEAL(g);
    return rc;
}

void as_gguf_close(as_gguf *g)
{
    if (!g)
        return;
    as_mapping_close(&g->map);
    as_strmap_fini(&g->by_key);
    as_strmap_fini(&g->by_name);
    as_free(g->keys);
    as_free(g->tensors);
    as_free(g->path);
    as_free(g);
}

const char *as_gguf_path(const as_gguf *g)
{
    return g->path;
}

size_t as_gguf_count(const as_gguf *g)
{
    return g->n_tensors;
}

const as_gguf_tensor *as_gguf_at(const as_gguf *g, size_t i)
{
    return &g->tensors[i];
}

const as_gguf_tensor *as_gguf_find(const as_gguf *g, const char *name)
{
    uint32_t at;
    return as_strmap_find(&g->by_name, as_str_of(name), &at) ? &g->tensors[at] : NULL;
}

static const key *find(const as_gguf *g, const char *name)
{
    uint32_t at;
    return as_strmap_find(&g->by_key, as_str_of(name), &at) ? &g->keys[at] : NULL;
}

bool as_gguf_has(const as_gguf *g, const char *name)
{
    return find(g, name) != NULL;
}

/* p: a value of this kind. False: no integer, or one beyond int64_t. */
static bool integer_at(enum as_gguf_kind kind, const char *p, int64_t *out)
{
    uint64_t v = 0;
    size_t size = kind_size((uint32_t)kind);
    if (kind == AS_GGUF_K_F32 || kind == AS_GGUF_K_F64 || kind == AS_GGUF_K_BOOL || size == 0)
        return false;
    memcpy(&v, p, size);
    bool is_signed = kind == AS_GGUF_K_I8 || kind == AS_GGUF_K_I16 || kind == AS_GGUF_K_I32 ||
                     kind == AS_GGUF_K_I64;
    uint64_t sign = (uint64_t)1 << (8 * size - 1);
    if (is_signed && size < 8)
        v = (v ^ sign) - sign;
    memcpy(out, &v, sizeof v);
    return is_signed || *out >= 0;
}

bool as_gguf_integer(const as_gguf *g, const char *name, int64_t *out)
{
    const key *k = find(g, name);
    return k && k->kind != AS_GGUF_K_TEXT && k->kind != AS_GGUF_K_ARRAY &&
           integer_at(k->kind, k->text.data, out);
}

bool as_gguf_real(const as_gguf *g, const char *name, double *out)
{
    const key *k = find(g, name);
    float f;
    if (!k || (k->kind != AS_GGUF_K_F32 && k->kind != AS_GGUF_K_F64))
        return false;
    if (k->kind == AS_GGUF_K_F64) {
        memcpy(out, k->text.data, sizeof *out);
    } else {
        memcpy(&f, k->text.data, sizeof f);
        *out = (double)f;
    }
    return true;
}

bool as_gguf_flag(const as_gguf *g, const char *name, bool *out)
{
    const key *k = find(g, name);
    if (!k || k->kind != AS_GGUF_K_BOOL)
        return false;
    *out = k->text.data[0] != 0;
    return true;
}

bool as_gguf_text(const as_gguf *g, const char *name, as_str *out)
{
    const key *k = find(g, name);
    if (!k || k->kind != AS_GGUF_K_TEXT)
        return false;
    *out = k->text;
    return true;
}

bool as_gguf_list(const as_gguf *g, const char *name, as_gguf_array *out)
{
    const key *k = find(g, name);
    if (!k || k->kind != AS_GGUF_K_ARRAY)
        return false;
    *out = k->list;
    return true;
}

bool as_gguf_list_text(const as_gguf_array *a, size_t *at, as_str *out)
{
    uint64_t n;
    if (a->kind != AS_GGUF_K_TEXT || *at >= a->bytes.len)
        return false;
    memcpy(&n, a->bytes.data + *at, sizeof n); /* checked when it was read */
    *out = (as_str){ a->bytes.data + *at + sizeof n, (size_t)n };
    *at += sizeof n + (size_t)n;
    return true;
}

bool as_gguf_list_integer(const as_gguf_array *a, size_t i, int64_t *out)
{
    return a->kind != AS_GGUF_K_TEXT && i < a->n &&
           integer_at(a->kind, a->bytes.data + i * kind_size((uint32_t)a->kind), out);
}
