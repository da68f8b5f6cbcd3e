/* test_model_gguf.c -- GGUF: models there and back, rows of Q8_0, hostile files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/rng.h"
#include "model/gguf_model.h"
#include "model/weights_io.h"
#include "temp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const families[] = { "tiny_qwen2", "tiny_llama", "tiny_qwen3" };

static const char *golden(const char *name)
{
    static char path[600];
    (void)snprintf(path, sizeof path, "%s/tests/golden/models/%s", getenv("ASSAY_SOURCE"), name);
    return path;
}

typedef struct model {
    as_weights_index *x;
    float *arena;
} model;

static model load(const char *family)
{
    as_err err = { 0 };
    as_model_config c;
    model m = { NULL, NULL };
    assert_int_equal(as_model_config_load(&c, golden(family), &err), 0);
    assert_int_equal(as_weights_index_new(&m.x, &c, &err), 0);
    m.arena = as_malloc(m.x->n_elements * sizeof *m.arena);
    assert_int_equal(as_weights_load(m.x, golden(family), NULL, m.arena, &err), 0);
    return m;
}

static void drop(model *m)
{
    as_weights_index_free(m->x);
    as_free(m->arena);
}

static void save(const model *m, as_gguf_type type, const char *family, const char *path)
{
    as_err err = { 0 };
    as_gguf_save_options o = { AS_F32, type, family ? golden(family) : NULL, "tiny" };
    if (as_gguf_save(m->x, m->arena, &o, path, &err) != 0)
        fail_msg("%s", err.text);
}

/* ---- rows ---- */

enum { N = 96 };

static void check_row(const float *x)
{
    unsigned char row[N * 4];
    float y[N];
    as_gguf_row_write(row, AS_GGUF_Q8_0, x, N);
    as_gguf_row_read(y, AS_GGUF_Q8_0, row, N);
    for (size_t b = 0; b < N; b += 32) {
        float most = 0;
        for (size_t i = b; i < b + 32; i++)
            most = fmaxf(most, fabsf(x[i]));
        /* half a step, and what F16 rounds off the scale, 127 times */
        float off = most / 127 * 0.5F + most * 0x1p-11F + 127 * 0x1p-25F;
        for (size_t i = b; i < b + 32; i++)
            assert_true(fabsf(x[i] - y[i]) <= off);
    }
}

static void test_rows(void **state)
{
    float x[N];
    unsigned char row[N];
    as_rng rng = as_rng_at(5, 6);
    (void)state;
    assert_int_equal(as_gguf_row_bytes(AS_GGUF_Q8_0, N), 3 * 34);
    assert_int_equal(as_gguf_row_bytes(AS_GGUF_Q8_0, 33), 0);
    assert_int_equal(as_gguf_row_bytes(AS_GGUF_BF16, 3), 6);
    assert_int_equal(as_gguf_row_bytes(AS_GGUF_F32, SIZE_MAX / 2), 0);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < N; i++)
            x[i] = (float)((as_rng_double(&rng) - 0.5) * pow(10, (double)(round % 9) - 4));
        for (size_t i = 0; i < 32; i++)
            x[i] = round % 3 ? x[i] : 0; /* a block of zeros */
        check_row(x);
    }
    /* by hand: 127 steps of 1, a half goes away from zero */
    for (size_t i = 0; i < 32; i++)
        x[i] = i == 0 ? -127 : i == 1 ? 2.5F : i == 2 ? -2.5F : (float)i;
    as_gguf_row_write(row, AS_GGUF_Q8_0, x, 32);
    assert_true(row[0] == 0 && row[1] == 0x3C); /* 1.0 */
    assert_true((int8_t)row[2] == -127 && row[3] == 3 && (int8_t)row[4] == -3 && row[5] == 3);
}

/* ---- there and back ---- */

static void same_config(const as_model_config *a, const as_model_config *b)
{
    assert_true(a->type == b->type && a->n_layers == b->n_layers && a->d == b->d);
    assert_true(a->n_heads == b->n_heads && a->n_kv_heads == b->n_kv_heads);
    assert_true(a->head_dim == b->head_dim && a->d_ff == b->d_ff && a->vocab == b->vocab);
    assert_true(a->max_pos == b->max_pos && a->rope_theta == b->rope_theta);
    assert_true((float)a->rms_eps == (float)b->rms_eps && a->rope_type == b->rope_type);
    assert_true(a->rope_factor == b->rope_factor && a->rope_low == b->rope_low);
    assert_true(a->rope_high == b->rope_high && a->rope_original == b->rope_original);
    assert_true(a->is_tied == b->is_tied && a->has_qkv_bias == b->has_qkv_bias);
    assert_true(a->has_qk_norm == b->has_qk_norm);
}

static void same_weights(const as_weights_index *x, const float *a, const float *b,
                         as_gguf_type type)
{
    for (size_t i = 0; i < x->n_tensors; i++) {
        const as_tensor *t = &x->tensors[i];
        bool is_exact = t->rows == 1 || type == AS_GGUF_F32;
        for (size_t e = t->offset; e < t->offset + t->n; e++) {
            float most = fabsf(b[e]), off = type == AS_GGUF_F16    ? most * 0x1p-11F + 0x1p-25F
                                            : type == AS_GGUF_BF16 ? most * 0x1p-8F
                                                                   : 0.02F;
            if (!(fabsf(a[e] - b[e]) <= (is_exact ? 0 : off)))
                fail_msg("tensor %zu element %zu: %g, was %g", i, e - t->offset, (double)a[e],
                         (double)b[e]);
        }
    }
}

static void check_back(const model *m, as_gguf_type type, const char *path, bool has_tokens)
{
    as_gguf *g;
    as_model_config c = { 0 };
    as_weights_index *x;
    as_err err = { 0 };
    if (as_gguf_open(&g, path, &err) != 0 || as_gguf_config(g, &c, &err) != 0)
        fail_msg("%s", err.text);
    same_config(&c, &m->x->config);
    assert_true(!has_tokens || (c.n_eos == 1 && c.eos[0] == m->x->config.eos[0]));
    assert_true(!has_tokens || c.pad == m->x->config.pad);
    assert_int_equal(as_weights_index_new(&x, &c, &err), 0);
    float *arena = as_malloc(x->n_elements * sizeof *arena);
    memset(arena, 0xFF, x->n_elements * sizeof *arena);
    if (as_gguf_load(g, x, arena, &err) != 0)
        fail_msg("%s", err.text);
    same_weights(x, arena, m->arena, type);
    as_free(arena);
    as_weights_index_free(x);
    as_gguf_close(g);
}

static void test_models(void **state)
{
    static const as_gguf_type kinds[] = { AS_GGUF_F32, AS_GGUF_F16, AS_GGUF_BF16, AS_GGUF_Q8_0 };
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        model m = load(families[f]);
        for (size_t k = 0; k < 4; k++) {
            save(&m, kinds[k], k ? families[f] : NULL, temp_path("m.gguf"));
            check_back(&m, kinds[k], temp_path("m.gguf"), k > 0);
        }
        drop(&m);
    }
}

/* The order of llama's rows: a row of half s, pair i of head h stands at 2 i + s. */
static void test_permutation(void **state)
{
    model m = load("tiny_llama");
    as_gguf *g;
    (void)state;
    save(&m, AS_GGUF_F32, NULL, temp_path("p.gguf"));
    assert_int_equal(as_gguf_open(&g, temp_path("p.gguf"), NULL), 0);
    const as_gguf_tensor *k = as_gguf_find(g, "blk.1.attn_k.weight");
    const as_gguf_tensor *v = as_gguf_find(g, "blk.1.attn_v.weight");
    const as_tensor *qkv = as_weights_tensor(m.x, AS_W_QKV, 1);
    const float *ours = m.arena + qkv->offset + 64L * 64; /* behind 4 heads of 16 rows of q */
    assert_non_null(k);
    assert_non_null(v);
    assert_true(k->dims[0] == 64 && k->dims[1] == 32);
    enum { ROW = 64 * 4 };
    for (size_t h = 0; h < 2; h++)
        for (size_t s = 0; s < 2; s++)
            for (size_t i = 0; i < 8; i++)
                assert_memory_equal(k->data + (h * 16 + 2 * i + s) * ROW,
                                    ours + (h * 16 + s * 8 + i) * 64, ROW);
    assert_memory_equal(v->data, ours + 32L * 64, 32L * ROW);
    as_gguf_close(g);
    drop(&m);
}

static void test_tokens(void **state)
{
    model m = load("tiny_llama");
    as_gguf *g;
    as_str text;
    as_gguf_array a, kinds;
    size_t at = 0, n = 0;
    int64_t kind;
    bool flag;
    (void)state;
    save(&m, AS_GGUF_BF16, "tiny_llama", temp_path("t.gguf"));
    assert_int_equal(as_gguf_open(&g, temp_path("t.gguf"), NULL), 0);
    assert_true(as_gguf_text(g, "tokenizer.ggml.pre", &text) && as_str_is(text, "llama-bpe"));
    assert_true(as_gguf_text(g, "general.name", &text) && as_str_is(text, "tiny"));
    assert_true(as_gguf_list(g, "tokenizer.ggml.tokens", &a) && a.n == 384);
    assert_true(as_gguf_list(g, "tokenizer.ggml.token_type", &kinds) && kinds.n == 384);
    while (as_gguf_list_text(&a, &at, &text)) {
        assert_true(as_gguf_list_integer(&kinds, n, &kind));
        if (n == 0)
            assert_true(as_str_is(text, "!") && kind == 1);
        if (n == 382)
            assert_true(as_str_is(text, "<|im_end|>") && kind == 3);
        if (n == 383)
            assert_true(as_str_is(text, "[PAD383]") && kind == 5);
        n++;
    }
    assert_int_equal(n, 384);
    assert_false(as_gguf_list_integer(&kinds, 384, &kind));
    at = 0;
    assert_true(as_gguf_list(g, "tokenizer.ggml.merges", &a));
    assert_true(as_gguf_list_text(&a, &at, &text) && as_str_is(text, "\xc4\xa0 a"));
    assert_true(as_gguf_flag(g, "tokenizer.ggml.add_bos_token", &flag) && !flag);
    assert_true(as_gguf_text(g, "tokenizer.chat_template", &text));
    assert_true(as_str_starts(text, "{%- for message"));
    assert_false(as_gguf_flag(g, "tokenizer.ggml.pre", &flag));
    as_gguf_close(g);
    drop(&m);
}

/* ---- as a folder ---- */

static const char *const texts[] = {
    "What is 2+2?",
    " leading  spaces and 12345 digits",
    "<|im_start|>user\nhi<|im_end|>",
    "it's THE\r\n\n\ttab",
    "na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac e\xcc\x81",
    "\xf0\x9f\x99\x82 aaaaaaaa",
};

static void same_tokens(const char *a, const char *b)
{
    as_tokenizer *x = NULL, *y = NULL;
    as_encoder *p = NULL, *q = NULL;
    as_err err = { 0 };
    if (as_tokenizer_open(&x, a, &err) != 0 || as_tokenizer_open(&y, b, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(as_encoder_new(&p, x, NULL), 0);
    assert_int_equal(as_encoder_new(&q, y, NULL), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        as_tokens s = { 0 }, t = { 0 };
        assert_int_equal(as_encode(p, as_str_of(texts[i]), 0, &s, NULL), 0);
        assert_int_equal(as_encode(q, as_str_of(texts[i]), 0, &t, NULL), 0);
        assert_true(s.n == t.n && s.n > 0);
        assert_memory_equal(s.ids, t.ids, s.n * sizeof *s.ids);
        as_tokens_fini(&s);
        as_tokens_fini(&t);
    }
    as_encoder_free(p);
    as_encoder_free(q);
    as_tokenizer_free(x);
    as_tokenizer_free(y);
}

static void test_import(void **state)
{
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        char name[32];
        as_err err = { 0 };
        model m = load(families[f]);
        (void)snprintf(name, sizeof name, "folder-%zu", f);
        save(&m, AS_GGUF_F32, families[f], temp_path("i.gguf"));
        if (as_gguf_import(temp_path("i.gguf"), temp_path(name), AS_F32, &err) != 0)
            fail_msg("%s", err.text);
        as_model_config c;
        assert_int_equal(as_model_config_load(&c, temp_path(name), &err), 0);
        same_config(&c, &m.x->config);
        float *back = as_malloc(m.x->n_elements * sizeof *back);
        assert_int_equal(as_weights_load(m.x, temp_path(name), NULL, back, &err), 0);
        assert_memory_equal(back, m.arena, m.x->n_elements * sizeof *back);
        same_tokens(golden(families[f]), temp_path(name));
        assert_int_equal(as_gguf_import(temp_path("i.gguf"), temp_path(name), AS_F32, &err),
                         AS_EUSAGE);
        save(&m, AS_GGUF_BF16, NULL, temp_path("i.gguf")); /* without tokens */
        (void)snprintf(name, sizeof name, "mute-%zu", f);
        assert_int_equal(as_gguf_import(temp_path("i.gguf"), temp_path(name), AS_BF16, &err), 0);
        (void)snprintf(name, sizeof name, "mute-%zu/tokenizer.json", f);
        assert_false(as_path_exists(temp_path(name)));
        as_free(back);
        drop(&m);
    }
}

static void test_refused_tokens(void **state)
{
    static const struct {
        const char *find, *put, *says;
    } changes[] = {
        { "\x04\0\0\0\0\0\0\0gpt2", "\x04\0\0\0\0\0\0\0bert", "\"tokenizer.ggml.model\": is not" },
        { "\x09\0\0\0\0\0\0\0llama-bpe", "\x09\0\0\0\0\0\0\0deepseek2",
          "\"tokenizer.ggml.pre\": is not implemented" },
        { "\x01\0\0\0\0\0\0\0!", "\x01\0\0\0\0\0\0\0\"", "holds the same text twice" },
        { "\x01\0\0\0\0\0\0\0!", "\x01\0\0\0\0\0\0\0\xff", "a text that is not UTF-8" },
        { "\x04\0\0\0\0\0\0\0\xc4\xa0 a", "\x04\0\0\0\0\0\0\0\xc4\xa0-a",
          "two texts with a space between" },
    };
    static const size_t lengths[] = { 12, 17, 9, 9, 12 };
    model m = load("tiny_llama");
    as_buf bytes;
    (void)state;
    save(&m, AS_GGUF_BF16, "tiny_llama", temp_path("r.gguf"));
    as_buf_init(&bytes, 1 << 24);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        as_err err = { 0 };
        as_buf_clear(&bytes);
        assert_int_equal(as_file_read(temp_path("r.gguf"), &bytes, NULL), 0);
        char *at = memmem(bytes.data, bytes.len, changes[i].find, lengths[i]);
        assert_non_null(at);
        memcpy(at, changes[i].put, lengths[i]);
        assert_int_equal(as_file_write_atomic(temp_path("c.gguf"), as_buf_str(&bytes), NULL), 0);
        assert_int_equal(as_gguf_import(temp_path("c.gguf"), temp_path("none"), AS_F32, &err),
                         AS_EDATA);
        if (!strstr(err.text, changes[i].says))
            fail_msg("case %zu: %s\n lacks: %s", i, err.text, changes[i].says);
        assert_false(as_path_exists(temp_path("none")));
    }
    as_buf_fini(&bytes);
    drop(&m);
}

static void test_refused_to_write(void **state)
{
    model m = load("tiny_qwen2");
    as_gguf_save_options o = { AS_F32, AS_GGUF_F16, NULL, NULL };
    as_err err = { 0 };
    const as_tensor *t = as_weights_tensor(m.x, AS_W_DOWN, 1);
    (void)state;
    m.arena[t->offset + 128 + 3] = 1e6F;
    assert_int_equal(as_gguf_save(m.x, m.arena, &o, temp_path("no.gguf"), &err), AS_EDATA);
    assert_non_null(strstr(err.text,
                           "tensor \"model.layers.1.mlp.down_proj.weight\": row 1 holds a "
                           "number that F16 cannot"));
    assert_false(as_path_exists(temp_path("no.gguf")));
    o.type = AS_GGUF_Q8_0;
    m.arena[t->offset + 128 + 3] = (float)NAN;
    assert_int_equal(as_gguf_save(m.x, m.arena, &o, temp_path("no.gguf"), NULL), AS_EDATA);
    m.arena[t->offset + 128 + 3] = 1e8F;
    assert_int_equal(as_gguf_save(m.x, m.arena, &o, temp_path("no.gguf"), NULL), AS_EDATA);
    drop(&m);
    /* a tokenizer of more tokens than the model has */
    as_model_config c;
    assert_int_equal(as_model_config_load(&c, golden("tiny_qwen3"), NULL), 0);
    c.vocab = 378;
    assert_int_equal(as_weights_index_new(&m.x, &c, NULL), 0);
    m.arena = as_calloc(m.x->n_elements, sizeof *m.arena);
    o = (as_gguf_save_options){ AS_F32, AS_GGUF_F16, golden("tiny_qwen3"), NULL };
    err = (as_err){ 0 };
    assert_int_equal(as_gguf_save(m.x, m.arena, &o, temp_path("no.gguf"), &err), AS_EDATA);
    assert_non_null(strstr(err.text, "more than the 378 of the model"));
    drop(&m);
}

/* ---- hostile files ---- */

/* A file cut anywhere is refused, or (cut in the padding at its end) the same. */
static void test_truncated(void **state)
{
    model m = load("tiny_llama");
    as_buf bytes;
    (void)state;
    save(&m, AS_GGUF_Q8_0, "tiny_llama", temp_path("cut.gguf"));
    as_buf_init(&bytes, 1 << 24);
    assert_int_equal(as_file_read(temp_path("cut.gguf"), &bytes, NULL), 0);
    for (size_t n = 0; n < bytes.len; n += n < 300 ? 1 : n < 20000 ? 97 : 9973) {
        as_gguf *g;
        as_err err = { 0 };
        char *exact = as_malloc(n + 1);
        memcpy(exact, bytes.data, n);
        assert_int_equal(as_gguf_of(&g, (as_str){ exact, n }, "x", &err), AS_EDATA);
        assert_true(as_str_starts(as_str_of(err.text), "x: "));
        assert_null(g);
        as_free(exact);
    }
    as_buf_fini(&bytes);
    drop(&m);
}

static void text(as_buf *b, const char *s)
{
    as_buf_raw_u64(b, strlen(s));
    as_buf_text(b, s);
}

static void head(as_buf *b, uint64_t n_tensors, uint64_t n_keys)
{
    as_buf_clear(b);
    as_buf_text(b, "GGUF");
    as_buf_raw_u32(b, 3);
    as_buf_raw_u64(b, n_tensors);
    as_buf_raw_u64(b, n_keys);
}

static void tensor(as_buf *b, const char *name, uint32_t n_dims, uint64_t d0, uint64_t d1,
                   uint32_t type, uint64_t offset)
{
    text(b, name);
    as_buf_raw_u32(b, n_dims);
    for (uint32_t i = 0; i < n_dims; i++)
        as_buf_raw_u64(b, i ? i > 1 ? 1 : d1 : d0);
    as_buf_raw_u32(b, type);
    as_buf_raw_u64(b, offset);
}

static void refused(as_buf *b, const char *says)
{
    as_gguf *g;
    as_err err = { 0 };
    assert_int_equal(as_gguf_of(&g, as_buf_str(b), "x", &err), AS_EDATA);
    if (!strstr(err.text, says))
        fail_msg("%s\n lacks: %s", err.text, says);
}

static void test_hostile_keys(void **state)
{
    as_buf b;
    (void)state;
    as_buf_init(&b, 1 << 16);
    head(&b, 0, 0);
    b.data[4] = 2;
    refused(&b, "x: GGUF of version 2 is not implemented (known: 3)");
    b.data[0] = 'g';
    refused(&b, "x: not a GGUF file");
    head(&b, UINT64_MAX, 0);
    refused(&b, "promises more keys and tensors than it has bytes");
    head(&b, 0, UINT64_MAX / 2);
    refused(&b, "promises more keys and tensors than it has bytes");
    head(&b, 0, 1);
    as_buf_raw_u64(&b, UINT64_MAX); /* the length of a key */
    as_buf_text(&b, "0123456789");
    refused(&b, "x: ends within its keys");
    head(&b, 0, 1);
    text(&b, "key");
    as_buf_raw_u32(&b, 13);
    refused(&b, "key \"key\": values of kind 13 are not implemented");
    head(&b, 0, 1);
    text(&b, "key");
    as_buf_raw_u32(&b, AS_GGUF_K_ARRAY);
    as_buf_raw_u32(&b, AS_GGUF_K_ARRAY);
    as_buf_raw_u64(&b, 1);
    refused(&b, "key \"key\": arrays of kind 9 are not implemented");
    head(&b, 0, 1);
    text(&b, "key");
    as_buf_raw_u32(&b, AS_GGUF_K_ARRAY);
    as_buf_raw_u32(&b, AS_GGUF_K_U64);
    as_buf_raw_u64(&b, UINT64_MAX / 8 + 2); /* times 8: 8 */
    as_buf_raw_u64(&b, 1);
    refused(&b, "x: ends within an array");
    head(&b, 0, 2);
    for (int i = 0; i < 2; i++) {
        text(&b, "key");
        as_buf_raw_u32(&b, AS_GGUF_K_BOOL);
        as_buf_byte(&b, 1);
    }
    refused(&b, "key \"key\" stands twice");
    head(&b, 0, 1);
    text(&b, "general.alignment");
    as_buf_raw_u32(&b, AS_GGUF_K_U32);
    as_buf_raw_u32(&b, 48);
    refused(&b, "\"general.alignment\" is no power of two");
    as_buf_fini(&b);
}

static void test_hostile_tensors(void **state)
{
    as_buf b;
    (void)state;
    as_buf_init(&b, 1 << 16);
    head(&b, 1, 0);
    tensor(&b, "t", 2, 4, 1, AS_GGUF_F32, 0);
    refused(&b, "tensor \"t\": its data end behind the end of the file");
    head(&b, 1, 0);
    tensor(&b, "t", 5, 1, 1, AS_GGUF_F32, 0);
    refused(&b, "tensor \"t\": more than 4 dimensions");
    head(&b, 1, 0);
    tensor(&b, "t", 2, 0, 1, AS_GGUF_F32, 0);
    refused(&b, "its shape is empty or too large");
    head(&b, 1, 0);
    tensor(&b, "t", 2, 1ULL << 62, 4, AS_GGUF_F32, 0);
    refused(&b, "its shape is too large, or its rows are no whole blocks");
    head(&b, 1, 0);
    tensor(&b, "t", 2, 1ULL << 32, 1ULL << 40, AS_GGUF_F32, 0);
    refused(&b, "its shape is too large, or its rows are no whole blocks");
    head(&b, 1, 0);
    tensor(&b, "t", 2, 33, 1, AS_GGUF_Q8_0, 0);
    refused(&b, "its rows are no whole blocks");
    head(&b, 1, 0);
    tensor(&b, "t\x1b", 2, 256, 1, 12, 0);
    refused(&b, "tensor \"t?\": its type is not implemented (known: F32, F16, BF16, Q8_0)");
    head(&b, 1, 0);
    tensor(&b, "t", 2, 1, 1, AS_GGUF_F32, 32);
    refused(&b, "its data do not follow those of the tensor before it");
    head(&b, 2, 0);
    tensor(&b, "t", 1, 1, 1, AS_GGUF_F32, 0);
    tensor(&b, "t", 1, 1, 1, AS_GGUF_F32, 32);
    refused(&b, "tensor \"t\": stands twice");
    head(&b, 2, 0);
    tensor(&b, "t", 1, 1, 1, AS_GGUF_F32, 0);
    tensor(&b, "u", 1, 1, 1, AS_GGUF_F32, 0); /* overlapping */
    refused(&b, "tensor \"u\": its data do not follow those");
    head(&b, 1, 0);
    tensor(&b, "t", 1, 4, 1, AS_GGUF_F32, 0);
    while (b.len % 32 != 0)
        as_buf_byte(&b, 0);
    as_buf_text(&b, "0123456789abcdef");
    as_gguf *g;
    assert_int_equal(as_gguf_of(&g, as_buf_str(&b), "x", NULL), 0);
    assert_memory_equal(as_gguf_find(g, "t")->data, "0123456789abcdef", 16);
    as_gguf_close(g);
    as_buf_fini(&b);
}

/* Each key of a good file made unreadable: named, or not needed. */
static void test_refused_models(void **state)
{
    static const struct {
        const char *find, *put, *says;
    } changes[] = {
        { "\x05\0\0\0\0\0\0\0llama", "\x05\0\0\0\0\0\0\0llamb",
          "key \"general.architecture\": \"llamb\" is not implemented (known: llama, qwen2, "
          "qwen3)" },
        { "llama.block_count", "llama.block_kount", "key \"llama.block_count\": missing" },
        { "llama.context_length", "llama.context_lengte", "key \"llama.context_length\"" },
        { "token_embd.weight", "token_embd.veight", "tensor \"token_embd.weight\" is missing" },
        { "assay.rope.factor", "assay.rope.faktor", "is not the scaling of Llama 3.1 or 3.2" },
    };
    model m = load("tiny_llama");
    as_buf bytes;
    (void)state;
    save(&m, AS_GGUF_BF16, NULL, temp_path("k.gguf"));
    as_buf_init(&bytes, 1 << 24);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        size_t n = changes[i].find[0] == 5 ? 13 : strlen(changes[i].find);
        as_gguf *g;
        as_model_config c;
        as_err err = { 0 };
        as_buf_clear(&bytes);
        assert_int_equal(as_file_read(temp_path("k.gguf"), &bytes, NULL), 0);
        char *at = memmem(bytes.data, bytes.len, changes[i].find, n);
        assert_non_null(at);
        memcpy(at, changes[i].put, n);
        assert_int_equal(as_gguf_of(&g, as_buf_str(&bytes), "x", &err), 0);
        assert_int_equal(as_gguf_config(g, &c, &err), AS_EDATA);
        if (!strstr(err.text, changes[i].says))
            fail_msg("case %zu: %s\n lacks: %s", i, err.text, changes[i].says);
        as_gguf_close(g);
    }
    as_buf_fini(&bytes);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_refused_tokens),
        cmocka_unit_test(test_refused_to_write),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_hostile_keys),
        cmocka_unit_test(test_hostile_tensors),
        cmocka_unit_test(test_refused_models),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
