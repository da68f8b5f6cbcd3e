/* gguf_save.c -- models as GGUF. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/publish.h"
#include "model/gguf_inner.h"

#include <stdio.h>

enum { KEYS_MAX = 1 << 30, PIECE = 1 << 20 };

/* ---- keys ---- */

void as_gguf_put_text(as_buf *b, as_str text)
{
    as_buf_raw_u64(b, text.len);
    as_buf_add(b, text);
}

void as_gguf_key(as_gguf_keys *k, const char *name, enum as_gguf_kind kind)
{
    as_gguf_put_text(&k->bytes, as_str_of(name));
    as_buf_raw_u32(&k->bytes, (uint32_t)kind);
    k->n++;
}

void as_gguf_key_u32(as_gguf_keys *k, const char *name, int64_t v)
{
    as_gguf_key(k, name, AS_GGUF_K_U32);
    as_buf_raw_u32(&k->bytes, (uint32_t)v);
}

void as_gguf_key_f32(as_gguf_keys *k, const char *name, double v)
{
    float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    as_gguf_key(k, name, AS_GGUF_K_F32);
    as_buf_raw_u32(&k->bytes, bits);
}

void as_gguf_key_text(as_gguf_keys *k, const char *name, as_str text)
{
    as_gguf_key(k, name, AS_GGUF_K_TEXT);
    as_gguf_put_text(&k->bytes, text);
}

/* ggml's LLAMA_FTYPE */
static int64_t file_type(as_gguf_type type)
{
    return type == AS_GGUF_Q8_0 ? 7 : type == AS_GGUF_BF16 ? 32 : type == AS_GGUF_F16 ? 1 : 0;
}

static void put_shape(as_gguf_keys *k, const as_model_config *c)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = { { "block_count", c->n_layers },
                   { "context_length", c->max_pos },
                   { "embedding_length", c->d },
                   { "feed_forward_length", c->d_ff },
                   { "attention.head_count", c->n_heads },
                   { "attention.head_count_kv", c->n_kv_heads },
                   { "attention.key_length", c->head_dim },
                   { "attention.value_length", c->head_dim },
                   { "rope.dimension_count", c->head_dim },
                   { "vocab_size", c->vocab } };
    const char *architecture = as_gguf_architecture(c->type);
    char name[96];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        (void)snprintf(name, sizeof name, "%s.%s", architecture, counts[i].key);
        as_gguf_key_u32(k, name, counts[i].value);
    }
    (void)snprintf(name, sizeof name, "%s.attention.layer_norm_rms_epsilon", architecture);
    as_gguf_key_f32(k, name, c->rms_eps);
    (void)snprintf(name, sizeof name, "%s.rope.freq_base", architecture);
    as_gguf_key_f32(k, name, c->rope_theta);
    if (c->rope_type == AS_ROPE_LLAMA3) { /* llama.cpp needs rope_freqs.weight only */
        as_gguf_key_f32(k, "assay.rope.factor", c->rope_factor);
        as_gguf_key_f32(k, "assay.rope.low_freq_factor", c->rope_low);
        as_gguf_key_f32(k, "assay.rope.high_freq_factor", c->rope_high);
        as_gguf_key_u32(k, "assay.rope.original", c->rope_original);
    }
}

static int put_keys(as_gguf_keys *k, const as_model_config *c, const as_gguf_save_options *o,
                    as_err *err)
{
    as_gguf_key_text(k, "general.architecture", as_str_of(as_gguf_architecture(c->type)));
    as_gguf_key_text(k, "general.type", AS_LIT("model"));
    if (o->name)
        as_gguf_key_text(k, "general.name", as_str_of(o->name));
    as_gguf_key_u32(k, "general.file_type", file_type(o->type));
    as_gguf_key_u32(k, "general.quantization_version", 2);
    put_shape(k, c);
    int rc = o->like ? as_gguf_key_tokens(k, c, o->like, err) : 0;
    return rc < 0 ? rc : as_buf_check(&k->bytes, err);
}

/* ---- tensors ---- */

typedef struct saver {
    const as_weights_index *index;
    const unsigned char *arena;
    const as_gguf_save_options *options;
    as_new_file file;
    as_buf out;  /* rows on their way to the file */
    float *row;  /* one, as F32 */
    size_t done; /* bytes of data so far, those in `out` too */
    as_err *err; /* never NULL: its code is what a failed step returns */
} saver;

static size_t rows_of(const as_part *p, size_t *cols)
{
    *cols = (size_t)p->dims[p->n_dims - 1];
    return p->n_dims == 2 ? (size_t)p->dims[0] : 1;
}

static as_gguf_type type_of(const saver *s, const as_part *p)
{
    if (p->n_dims == 1)
        return AS_GGUF_F32;
    return as_gguf_row_bytes(s->options->type, (size_t)p->dims[1]) ? s->options->type : AS_GGUF_F16;
}

static bool has_freqs(const saver *s)
{
    return s->index->config.rope_type == AS_ROPE_LLAMA3;
}

static size_t aligned(size_t n)
{
    return (n + AS_GGUF_ALIGNMENT - 1) / AS_GGUF_ALIGNMENT * AS_GGUF_ALIGNMENT;
}

static void put_info(as_buf *b, const char *name, unsigned n_dims, const size_t *dims,
                     as_gguf_type type, size_t *offset)
{
    size_t rows = n_dims == 2 ? dims[1] : 1;
    as_gguf_put_text(b, as_str_of(name));
    as_buf_raw_u32(b, n_dims);
    for (unsigned i = 0; i < n_dims && i < 2; i++)
        as_buf_raw_u64(b, dims[i]);
    as_buf_raw_u32(b, (uint32_t)type);
    as_buf_raw_u64(b, *offset);
    *offset = aligned(*offset + rows * as_gguf_row_bytes(type, dims[0]));
}

static void put_infos(const saver *s, as_buf *b)
{
    size_t offset = 0;
    for (size_t i = 0; i < s->index->n_parts; i++) {
        const as_part *p = &s->index->parts[i];
        char name[64];
        size_t dims[2] = { 0, 0 };
        dims[1] = rows_of(p, &dims[0]);
        as_gguf_part_name(s->index, i, name);
        put_info(b, name, p->n_dims, dims, type_of(s, p), &offset);
    }
    size_t half = (size_t)s->index->config.head_dim / 2;
    if (has_freqs(s))
        put_info(b, "rope_freqs.weight", 1, &half, AS_GGUF_F32, &offset);
}

static int flush(saver *s)
{
    int rc = as_new_file_write(&s->file, as_buf_str(&s->out), s->err);
    as_buf_clear(&s->out);
    return rc;
}

/* Room for n bytes in `out`; NULL: the error is set. */
static unsigned char *room(saver *s, size_t n)
{
    if (s->out.len > PIECE && flush(s) < 0)
        return NULL;
    if (!as_buf_reserve(&s->out, n)) {
        as_fail(s->err, AS_ENOMEM, "%s: out of memory", s->file.path);
        return NULL;
    }
    unsigned char *at = (unsigned char *)s->out.data + s->out.len;
    s->out.len += n;
    s->done += n;
    return at;
}

static int pad(saver *s)
{
    size_t n = aligned(s->done) - s->done;
    unsigned char *at = room(s, n);
    if (!at)
        return s->err->code;
    memset(at, 0, n);
    return 0;
}

static bool is_finite(as_gguf_type type, const unsigned char *row, size_t n)
{
    if (type == AS_GGUF_F32)
        return as_find_not_finite(row, AS_F32, n) == n;
    if (type != AS_GGUF_Q8_0)
        return as_find_not_finite(row, type == AS_GGUF_F16 ? AS_F16 : AS_BF16, n) == n;
    for (size_t i = 0; i < as_gguf_row_bytes(type, n); i += 34)
        if (as_find_not_finite(row + i, AS_F16, 1) == 0)
            return false;
    return true;
}

static int save_part(saver *s, size_t part)
{
    const as_part *p = &s->index->parts[part];
    as_gguf_type type = type_of(s, p);
    size_t cols, rows = rows_of(p, &cols), n_bytes = as_gguf_row_bytes(type, cols);
    size_t element = as_dtype_size(s->options->arena_dtype);
    for (size_t i = 0; i < rows; i++) {
        size_t from = p->n_dims == 2 ? (size_t)as_gguf_part_row(s->index, part, (int64_t)i) : 0;
        as_convert(s->row, AS_F32, s->arena + (p->offset + from * cols) * element,
                   s->options->arena_dtype, cols);
        unsigned char *out = room(s, n_bytes);
        if (!out)
            return s->err->code;
        bool was = as_find_not_finite(s->row, AS_F32, cols) == cols;
        if (was)
            as_gguf_row_write(out, type, s->row, cols);
        if (!was || !is_finite(type, out, cols))
            return as_fail(s->err, AS_EDATA,
                           "%s: tensor \"%s\": row %zu holds a number that %s cannot (write it as "
                           "F32, or look at the weights)",
                           s->file.path, p->name, from, as_gguf_type_name(type));
    }
    return pad(s);
}

static int save_freqs(saver *s)
{
    size_t half = (size_t)s->index->config.head_dim / 2;
    unsigned char *out = room(s, half * sizeof(float));
    if (!out)
        return s->err->code;
    for (size_t i = 0; i < half; i++) {
        float v = as_gguf_rope_slowness(&s->index->config, (int64_t)i);
        memcpy(out + i * sizeof v, &v, sizeof v);
    }
    return pad(s);
}

static int save_all(saver *s, const as_gguf_keys *keys)
{
    as_buf *b = &s->out;
    as_buf_text(b, "GGUF");
    as_buf_raw_u32(b, 3);
    as_buf_raw_u64(b, s->index->n_parts + has_freqs(s));
    as_buf_raw_u64(b, keys->n);
    as_buf_add(b, as_buf_str(&keys->bytes));
    put_infos(s, b);
    if (as_buf_check(b, s->err) < 0)
        return AS_ENOMEM;
    s->done = b->len;
    int rc = pad(s);
    for (size_t i = 0; i < s->index->n_parts && rc == 0; i++)
        rc = save_part(s, i);
    if (rc == 0 && has_freqs(s))
        rc = save_freqs(s);
    return rc < 0 ? rc : flush(s);
}

int as_gguf_save(const as_weights_index *index, const void *arena,
                 const as_gguf_save_options *options, const char *path, as_err *err)
{
    as_gguf_keys keys = { .n = 0 };
    as_err why = { 0 };
    saver s = { .index = index, .arena = arena, .options = options, .err = &why };
    if (as_has_score(&index->config))
        return as_fail(err, AS_EUSAGE,
                       "%s: a model with a score head is not written as GGUF, which has no name "
                       "for one",
                       path);
    s.file = (as_new_file){ -1, NULL, NULL };
    as_buf_init(&keys.bytes, KEYS_MAX);
    as_buf_init(&s.out, SIZE_MAX / 2);
    size_t widest = 1;
    for (size_t i = 0; i < index->n_parts; i++) {
        size_t cols;
        (void)rows_of(&index->parts[i], &cols);
        widest = cols > widest ? cols : widest;
    }
    s.row = as_realloc_array(NULL, widest, sizeof *s.row);
    int rc = s.row ? put_keys(&keys, &index->config, options, &why)
                   : as_fail(&why, AS_ENOMEM, "%s: out of memory", path);
    if (rc == 0)
        rc = as_new_file_open(&s.file, path, &why);
    if (rc == 0)
        rc = save_all(&s, &keys);
    if (rc == 0)
        rc = as_new_file_commit(&s.file, &why);
    as_new_file_fini(&s.file);
    as_buf_fini(&keys.bytes);
    as_buf_fini(&s.out);
    as_free(s.row);
    return rc < 0 ? as_fail(err, rc, "%s", why.text) : 0;
}
