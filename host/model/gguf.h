/* gguf.h -- reads llama.cpp's GGUF, version 3: typed keys, tensors of F32, F16, BF16 or Q8_0 (ggml/docs/gguf.md). All
 * counts, lengths and offsets are checked against the file before they are used. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_GGUF_H
#define AS_MODEL_GGUF_H
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* ids as in ggml.h */
typedef enum as_gguf_type { AS_GGUF_F32 = 0, AS_GGUF_F16 = 1, AS_GGUF_Q8_0 = 8, AS_GGUF_BF16 = 30 } as_gguf_type;
const char *as_gguf_type_name(as_gguf_type type);
/* Bytes of a row of n elements; 0 where a row of that length cannot be of this type (Q8_0 goes by blocks of 32). */
size_t as_gguf_row_bytes(as_gguf_type type, size_t n);
/* One row to F32 and back. Q8_0: per block of 32 a scale d = max|x| / 127 in F16 and 32 signed bytes round(x / d), halves
 * away from zero (ggml-quants.c). */
void as_gguf_row_read(float *out, as_gguf_type type, const unsigned char *row, size_t n);
void as_gguf_row_write(unsigned char *out, as_gguf_type type, const float *row, size_t n);

enum { AS_GGUF_DIMS = 4, AS_GGUF_ALIGNMENT = 32 };
enum as_gguf_kind { /* of a key's value, ids as in files */
    AS_GGUF_K_U8, AS_GGUF_K_I8, AS_GGUF_K_U16, AS_GGUF_K_I16, AS_GGUF_K_U32, AS_GGUF_K_I32, AS_GGUF_K_F32, AS_GGUF_K_BOOL,
    AS_GGUF_K_TEXT, AS_GGUF_K_ARRAY, AS_GGUF_K_U64, AS_GGUF_K_I64, AS_GGUF_K_F64
};

typedef struct as_gguf_tensor {
    as_str name;
    as_gguf_type type;
    unsigned n_dims;
    int64_t dims[AS_GGUF_DIMS]; /* rows last: a matrix of [rows, cols] is { cols, rows }; unused ones are 1 */
    size_t n_bytes;
    const unsigned char *data;
} as_gguf_tensor;

/* [any] once it is open. The file must not shrink while it is (SIGBUS). */
typedef struct as_gguf as_gguf;
int as_gguf_open(as_gguf **out, const char *path, as_err *err);
int as_gguf_of(as_gguf **out, as_str bytes, const char *what, as_err *err); /* both borrowed */
void as_gguf_close(as_gguf *g);                                            /* NULL is fine */
const char *as_gguf_path(const as_gguf *g);                                /* for messages */

size_t as_gguf_count(const as_gguf *g);
const as_gguf_tensor *as_gguf_at(const as_gguf *g, size_t i);
const as_gguf_tensor *as_gguf_find(const as_gguf *g, const char *name); /* NULL: not there */

/* Keys. False where the key is absent or of another kind; integers of any width and sign are read as one. */
bool as_gguf_has(const as_gguf *g, const char *key);
bool as_gguf_integer(const as_gguf *g, const char *key, int64_t *out);
bool as_gguf_real(const as_gguf *g, const char *key, double *out);
bool as_gguf_flag(const as_gguf *g, const char *key, bool *out);
bool as_gguf_text(const as_gguf *g, const char *key, as_str *out);
/* An array of texts, walked from *at = 0 and i = 0; and one of integers. */
typedef struct as_gguf_array {
    enum as_gguf_kind kind;
    size_t n;
    as_str bytes;
} as_gguf_array;
bool as_gguf_list(const as_gguf *g, const char *key, as_gguf_array *out);
bool as_gguf_list_text(const as_gguf_array *a, size_t *at, as_str *out); /* false at the end, or no texts */
bool as_gguf_list_integer(const as_gguf_array *a, size_t i, int64_t *out);

static inline void as_cleanup_gguf(as_gguf **g)
{
    as_gguf_close(*g);
}
#endif
