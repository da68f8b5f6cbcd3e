/* bpe.h -- byte-level byte pair encoding: a vocabulary of byte strings and ranked merges. Read only once filled [any
 * thread]; an as_bpe_run is one thread's. Sennrich et al., arXiv:1508.07909, on bytes as in GPT-2.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_BPE_H
#define AS_MODEL_BPE_H
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum { AS_BPE_TOKENS = 1 << 24 }; /* ids are below this */

typedef struct as_bpe_merge { /* key: left << 32 | right; UINT64_MAX: an empty slot */
    uint64_t key;
    uint32_t rank;
    int32_t id;
} as_bpe_merge;

typedef struct as_bpe {
    char *bytes;      /* of all tokens, in the order of their ids */
    uint32_t *starts; /* of token id: [starts[id], starts[id + 1]) */
    int32_t n_tokens; /* largest id + 1 */
    int32_t *by_text; /* hash table of ids, -1: empty */
    size_t text_mask;
    as_bpe_merge *merges; /* hash table */
    size_t merge_mask;
    int32_t byte_ids[256]; /* -1: no token for this byte */
    bool takes_whole;      /* ignore_merges: a piece that is a token needs no merging */
} as_bpe;

void as_bpe_fini(as_bpe *b);

/* Filling, in this order: room for `n_tokens` ids whose texts have `n_bytes` together; each id once, ascending; the hash of
 * texts; merges. 0, AS_ENOMEM, or AS_EDATA: the same text twice. */
int as_bpe_make(as_bpe *b, int32_t n_tokens, size_t n_bytes, as_err *err);
/* The text of the next id. is_found: encoding may produce it (holes and texts that are no bytes are not). */
int as_bpe_add(as_bpe *b, int32_t id, as_str text, bool is_found, as_err *err);
int as_bpe_make_merges(as_bpe *b, size_t n_merges, as_err *err);
void as_bpe_merge_add(as_bpe *b, int32_t left, int32_t right, uint32_t rank, int32_t id); /* a later one wins */

int32_t as_bpe_find(const as_bpe *b, as_str text); /* -1: none */
static inline as_str as_bpe_text(const as_bpe *b, int32_t id)
{
    return (as_str){ b->bytes + b->starts[id], b->starts[id + 1] - b->starts[id] };
}

/* What one thread needs to encode: memory of pieces seen (of fixed size) and room for long ones. */
struct as_bpe_seen;
struct as_bpe_long;
typedef struct as_bpe_run {
    const as_bpe *bpe;
    struct as_bpe_seen *seen;
    struct as_bpe_long *room;
    int32_t *ids; /* of the last piece */
    size_t cap;
} as_bpe_run;
int as_bpe_run_init(as_bpe_run *r, const as_bpe *b, as_err *err);
void as_bpe_run_fini(as_bpe_run *r);

/* The ids of one piece: *ids points to *n of them until the next call. `safe`: bytes from piece.data that may be read
 * (>= piece.len). Time n log n whatever the piece. AS_EDATA: a byte has no token. */
int as_bpe_piece(as_bpe_run *r, as_str piece, size_t safe, const int32_t **ids, size_t *n, as_err *err);
#endif
