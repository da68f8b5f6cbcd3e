/* safetensors.h -- reads and writes Hugging Face's safetensors: u64 n, n bytes of JSON, then raw little-endian data
 * (github.com/huggingface/safetensors). Everything in a header is checked before any of it is believed: sizes, types, shapes,
 * that the data of all tensors follow one another without gap or overlap and fill the file, that no name stands twice.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_SAFETENSORS_H
#define AS_MODEL_SAFETENSORS_H
#include "base/arena.h"
#include "base/err.h"
#include "model/dtype.h"

enum { AS_SAFETENSORS_DIMS = 8, AS_SAFETENSORS_FILES = 4096, AS_SAFETENSORS_HEADER = 100 * 1000 * 1000 };

typedef struct as_safetensor {
    as_str name;
    const char *file; /* where it lies, for messages */
    as_dtype dtype;
    unsigned n_dims; /* 0: a single element */
    int64_t dims[AS_SAFETENSORS_DIMS];
    size_t n, n_bytes;         /* n elements, perhaps 0 */
    const unsigned char *data; /* mapped, read-only, not aligned */
} as_safetensor;

/* One file, or the shards of a folder as one. [any] once it is open. The files must not shrink while it is: reading what
 * is no longer there kills the process (SIGBUS). */
typedef struct as_safetensors as_safetensors;

int as_safetensors_open(as_safetensors **out, const char *path, as_err *err);
/* FOLDER/model.safetensors, else the files named by FOLDER/model.safetensors.index.json. */
int as_safetensors_open_folder(as_safetensors **out, const char *folder, as_err *err);
/* A file's bytes, borrowed; `what` names them in messages (borrowed too). */
int as_safetensors_of(as_safetensors **out, as_str bytes, const char *what, as_err *err);
void as_safetensors_close(as_safetensors *s); /* NULL is fine */

size_t as_safetensors_count(const as_safetensors *s);
const as_safetensor *as_safetensors_at(const as_safetensors *s, size_t i); /* in the order of the data */
const as_safetensor *as_safetensors_find(const as_safetensors *s, const char *name); /* NULL: not there; O(1) */
as_str as_safetensors_metadata(const as_safetensors *s, const char *key, as_arena *arena); /* of __metadata__; data NULL:
                                                                                        * not there */
/* A name as messages show it: short, on one line, without control characters. */
const char *as_safetensors_shown(as_str name, char out[104]);

/* A tensor to write: data, in type data_dtype (any if it is dtype), is converted on the way. */
typedef struct as_safetensors_item {
    const char *name;
    as_dtype dtype, data_dtype;
    unsigned n_dims;
    int64_t dims[AS_SAFETENSORS_DIMS];
    const void *data;
} as_safetensors_item;
typedef struct as_safetensors_pair {
    const char *key, *value;
} as_safetensors_pair;

/* Whole or not at all (base/publish.h); data in the order given. A finite element that the narrower type turns into
 * infinity is AS_EDATA and named. transformers wants the pair {"format", "pt"}. */
int as_safetensors_write(const char *path, const as_safetensors_item *items, size_t n_items,
                         const as_safetensors_pair *metadata, size_t n_metadata, as_err *err);

static inline void as_cleanup_safetensors(as_safetensors **s)
{
    as_safetensors_close(*s);
}
#endif
