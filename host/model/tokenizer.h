/* tokenizer.h -- text to token ids and back, as Hugging Face's tokenizer.json says: byte-level BPE of Qwen 2/2.5/3, Llama 3,
 * GPT-2 and SmolLM2. What is not implemented (Unigram, WordPiece, byte_fallback, other patterns) is refused by name.
 * Source: the format and its meaning as the `tokenizers` package 0.23 has them. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_TOKENIZER_H
#define AS_MODEL_TOKENIZER_H
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* [any]: never changes once it is open, so threads share it. */
typedef struct as_tokenizer as_tokenizer;

/* FOLDER/tokenizer.json, or the text of one (name: for messages). AS_EIO, AS_EDATA (what is wrong or not implemented), AS_ENOMEM. */
int as_tokenizer_open(as_tokenizer **out, const char *folder, as_err *err);
int as_tokenizer_parse(as_tokenizer **out, as_str json, const char *name, as_err *err);
void as_tokenizer_free(as_tokenizer *t); /* NULL is fine */

int32_t as_tokenizer_size(const as_tokenizer *t);               /* largest id + 1; a model may have more rows */
int32_t as_tokenizer_id(const as_tokenizer *t, as_str text);    /* of the token with just these bytes; -1: none */
as_str as_tokenizer_text(const as_tokenizer *t, int32_t id);    /* its bytes, which need not be UTF-8; empty: no such id */
bool as_tokenizer_is_special(const as_tokenizer *t, int32_t id);

/* Bytes of the caller's text that a token stands for. Where NFC changed a stretch, its tokens have all of it; tokens that the
 * post-processor adds have start == end. In order, without gap or overlap but in changed stretches. */
typedef struct as_token_span {
    uint32_t start, end;
} as_token_span;
typedef struct as_tokens { /* caller's, zero-initialised; calls append */
    int32_t *ids;
    as_token_span *spans;
    size_t n, cap;
} as_tokens;
void as_tokens_fini(as_tokens *t);

enum {
    AS_ENCODE_SPECIAL = 1, /* with the tokens that the post-processor puts around a text (Llama 3: <|begin_of_text|>) */
    AS_ENCODE_PLAIN = 2    /* special tokens inside the text are text: for what users wrote */
};
/* One thread's. It remembers pieces (2 MiB) and keeps its scratch memory; the tokenizer must outlive it. */
typedef struct as_encoder as_encoder;
int as_encoder_new(as_encoder **out, const as_tokenizer *t, as_err *err);
void as_encoder_free(as_encoder *e);
/* Appends the tokens of `text` (below 4 GiB; bytes that are not UTF-8 are encoded as they are). On failure `out` is as it
 * was: AS_EDATA (a byte without a token, text too long), AS_ENOMEM. */
int as_encode(as_encoder *e, as_str text, unsigned flags, as_tokens *out, as_err *err);

/* The pieces that are merged on their own, for tests: as as_encode cuts the text. */
int as_encode_pieces(as_encoder *e, as_str text, unsigned flags, void (*piece)(void *ctx, as_str text), void *ctx,
                     as_err *err);

/* ids as text, which is always UTF-8: bytes that are not become U+FFFD, one for each maximal part (Unicode 3.9, as Python's
 * errors="replace"). Ids that do not exist give nothing. Added tokens give their own text. */
typedef struct as_decoder {
    const as_tokenizer *tokenizer;
    unsigned char held[4]; /* of a character that is not whole */
    unsigned n_held;
    bool skips_special;
} as_decoder;
as_decoder as_decoder_start(const as_tokenizer *t, bool skips_special);
void as_decoder_put(as_decoder *d, int32_t id, as_buf *out); /* appends what became certain */
void as_decoder_end(as_decoder *d, as_buf *out);             /* and what is left; d can start over */
void as_decode(const as_tokenizer *t, const int32_t *ids, size_t n, bool skips_special, as_buf *out);
#endif
