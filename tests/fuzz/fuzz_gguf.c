/* fuzz_gguf.c -- any bytes as GGUF, then as a model. Every tensor that is accepted can be read to
 * its last row; a model that is accepted has weights that can be loaded or a line that says why
 * not. SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "base/mem.h"
#include "fuzz.h"
#include "fuzz_line.h"
#include "model/gguf_model.h"

static void check_tensors(const as_gguf *g)
{
    for (size_t i = 0; i < as_gguf_count(g); i++) {
        const as_gguf_tensor *t = as_gguf_at(g, i);
        size_t n = (size_t)t->dims[0], row = as_gguf_row_bytes(t->type, n);
        FUZZ_CHECK(row > 0 && t->n_bytes % row == 0 && t->n_bytes >= row);
        float *out = as_calloc(n, sizeof *out);
        if (out) {
            as_gguf_row_read(out, t->type, t->data, n);
            as_gguf_row_read(out, t->type, t->data + t->n_bytes - row, n);
        }
        as_free(out);
    }
}

static void check_lists(const as_gguf *g)
{
    static const char *const keys[] = { "tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "a" };
    as_gguf_array a;
    for (size_t i = 0; i < 3; i++) {
        as_str text;
        int64_t v;
        size_t at = 0, n = 0;
        if (!as_gguf_list(g, keys[i], &a))
            continue;
        while (as_gguf_list_text(&a, &at, &text))
            n++;
        FUZZ_CHECK(at <= a.bytes.len && (n == 0 || n == a.n));
        (void)as_gguf_list_integer(&a, a.n ? a.n - 1 : 0, &v);
    }
}

static void check_model(const as_gguf *g)
{
    enum { MOST = 1 << 20 };
    as_model_config c;
    as_weights_index *x = NULL;
    as_err err = { 0 };
    if (as_gguf_config(g, &c, &err) < 0) {
        fuzz_check_line(err.text);
        return;
    }
    FUZZ_CHECK(as_weights_index_new(&x, &c, NULL) == 0);
    float *arena = x->n_elements < MOST ? as_calloc(x->n_elements, sizeof *arena) : NULL;
    if (arena && as_gguf_load(g, x, arena, &err) < 0)
        fuzz_check_line(err.text);
    as_free(arena);
    as_weights_index_free(x);
}

/* What becomes a tokenizer.json is JSON, and our reader takes it or says why not. */
static void check_tokenizer(const as_gguf *g)
{
    as_tokenizer *t = NULL;
    as_buf out;
    as_err err = { 0 };
    as_buf_init(&out, 1u << 26);
    if (as_gguf_tokenizer(g, &out, &err) < 0) {
        fuzz_check_line(err.text);
    } else {
        FUZZ_CHECK(as_json_scan(as_buf_str(&out), NULL, NULL) == 0);
        FUZZ_CHECK(as_tokenizer_parse(&t, as_buf_str(&out), "fuzz", &err) == 0 || err.text[0]);
    }
    as_tokenizer_free(t);
    as_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_gguf *g = NULL;
    as_err err = { 0 };
    int rc = as_gguf_of(&g, (as_str){ (const char *)data, size }, "fuzz", &err);
    if (rc < 0) {
        FUZZ_CHECK(rc == AS_EDATA && !g);
        fuzz_check_line(err.text);
        return 0;
    }
    check_tensors(g);
    check_lists(g);
    check_model(g);
    check_tokenizer(g);
    as_gguf_close(g);
    return 0;
}
