/* safetensors_write.c -- writes safetensors: header, then each tensor converted a piece at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/publish.h"
#include "model/safetensors.h"

#include <stdio.h>

enum { PIECE = 65536 }; /* elements converted at once */

static int bad_item(const char *path, const char *name, as_err *err, const char *why)
{
    char shown[104];
    return as_fail(err, AS_EDATA, "%s: tensor \"%s\": %s", path,
                   as_safetensors_shown(as_str_of(name), shown), why);
}

/* Elements, and bytes in the file; false where no memory could hold them. */
static bool sizes(const as_safetensors_item *t, size_t *n, size_t *n_bytes)
{
    *n = 1;
    if (t->n_dims > AS_SAFETENSORS_DIMS)
        return false;
    for (unsigned i = 0; i < t->n_dims; i++)
        if (t->dims[i] < 0 || !as_mul_ok(*n, (size_t)t->dims[i], n))
            return false;
    return as_mul_ok(*n, as_dtype_size(t->dtype), n_bytes);
}

static void write_entry(as_buf *json, const as_safetensors_item *t, size_t begin, size_t end)
{
    if (json->len > 1)
        as_buf_byte(json, ',');
    as_buf_json_str(json, as_str_of(t->name));
    as_buf_addf(json, ":{\"dtype\":\"%s\",\"shape\":[", as_dtype_name(t->dtype));
    for (unsigned i = 0; i < t->n_dims; i++)
        as_buf_addf(json, "%s%lld", i ? "," : "", (long long)t->dims[i]);
    as_buf_addf(json, "],\"data_offsets\":[%zu,%zu]}", begin, end);
}

static int make_header(const char *path, const as_safetensors_item *items, size_t n_items,
                       const as_safetensors_pair *metadata, size_t n_metadata, as_buf *json,
                       as_err *err)
{
    size_t at = 0;
    as_buf_byte(json, '{');
    for (size_t i = 0; i < n_metadata; i++) {
        as_buf_text(json, i ? "," : "\"__metadata__\":{");
        as_buf_json_str(json, as_str_of(metadata[i].key));
        as_buf_byte(json, ':');
        as_buf_json_str(json, as_str_of(metadata[i].value));
    }
    as_buf_text(json, n_metadata ? "}" : "");
    for (size_t i = 0; i < n_items; i++) {
        size_t n, n_bytes, end;
        if (!sizes(&items[i], &n, &n_bytes) || !as_add_ok(at, n_bytes, &end))
            return bad_item(path, items[i].name, err, "its shape is too large");
        write_entry(json, &items[i], at, end);
        at = end;
    }
    as_buf_byte(json, '}');
    for (size_t n = (8 - json->len % 8) % 8; n > 0; n--)
        as_buf_byte(json, ' ');
    return as_buf_check(json, err);
}

/* What was finite and no longer is. */
static int check_piece(const char *path, const as_safetensors_item *t, const unsigned char *before,
                       const unsigned char *after, size_t n, as_err *err)
{
    char why[160];
    float v;
    size_t out = as_dtype_size(t->dtype), in = as_dtype_size(t->data_dtype);
    for (size_t i = 0; i < n; i++) {
        i += as_find_not_finite(after + i * out, t->dtype, n - i);
        if (i == n || as_find_not_finite(before + i * in, t->data_dtype, 1) == 0)
            continue;
        as_convert(&v, AS_F32, before + i * in, t->data_dtype, 1);
        (void)snprintf(why, sizeof why, "%g does not fit into %s (write it as %s)", (double)v,
                       as_dtype_name(t->dtype), t->dtype == AS_F16 ? "BF16 or F32" : "F32");
        return bad_item(path, t->name, err, why);
    }
    return 0;
}

static int write_tensor(as_new_file *f, const as_safetensors_item *t, unsigned char *piece,
                        as_err *err)
{
    size_t n, n_bytes, in = as_dtype_size(t->data_dtype), out = as_dtype_size(t->dtype);
    const unsigned char *data = t->data;
    if (!sizes(t, &n, &n_bytes))
        return bad_item(f->path, t->name, err, "its shape is too large");
    if (t->dtype == t->data_dtype)
        return as_new_file_write(f, (as_str){ t->data, n_bytes }, err);
    for (size_t at = 0; at < n; at += PIECE) {
        size_t m = n - at < PIECE ? n - at : PIECE;
        as_convert(piece, t->dtype, data + at * in, t->data_dtype, m);
        int rc = check_piece(f->path, t, data + at * in, piece, m, err);
        if (rc == 0)
            rc = as_new_file_write(f, (as_str){ (const char *)piece, m * out }, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int as_safetensors_write(const char *path, const as_safetensors_item *items, size_t n_items,
                         const as_safetensors_pair *metadata, size_t n_metadata, as_err *err)
{
    AS_CLEANUP(buf) as_buf json, size;
    as_buf_init(&json, AS_SAFETENSORS_HEADER);
    as_buf_init(&size, sizeof(uint64_t) + 1);
    int rc = make_header(path, items, n_items, metadata, n_metadata, &json, err);
    if (rc < 0)
        return rc;
    as_buf_raw_u64(&size, json.len);
    AS_CLEANUP(free) unsigned char *piece = as_malloc(PIECE * sizeof(float));
    if (size.failed || !piece)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    AS_CLEANUP(new_file) as_new_file f = { -1, NULL, NULL };
    rc = as_new_file_open(&f, path, err);
    if (rc == 0)
        rc = as_new_file_write(&f, as_buf_str(&size), err);
    if (rc == 0)
        rc = as_new_file_write(&f, as_buf_str(&json), err);
    for (size_t i = 0; i < n_items && rc == 0; i++)
        rc = write_tensor(&f, &items[i], piece, err);
    return rc < 0 ? rc : as_new_file_commit(&f, err);
}
