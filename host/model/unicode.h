/* unicode.h -- what the tokenizer asks of Unicode: characters out of bytes, four classes, and NFC. Pure functions.
 * Tables: Unicode 16.0 (unicode_table.py), as the `tokenizers` package has it. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_UNICODE_H
#define AS_MODEL_UNICODE_H
#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

enum { AS_UC_OTHER, AS_UC_LETTER, AS_UC_NUMBER, AS_UC_SPACE }; /* \p{L}, \p{N}, White_Space */
unsigned as_uc_class(uint32_t c);   /* one of the above; beyond U+10FFFF: AS_UC_OTHER */
bool as_uc_is_blank(uint32_t c);    /* Python's str.isspace: White_Space, and U+001C to U+001F */
size_t as_uc_write(char *out, uint32_t c); /* as UTF-8: 1 to 4 bytes; c is no surrogate, at most U+10FFFF */
bool as_uc_is_word(uint32_t c);     /* \w: alphabetic, mark, decimal digit, connector, joiner */

/* The character that begins `text` (left >= 1), and its bytes. A byte that begins none is U+FFFD of one byte, so that
 * any text can be walked. */
unsigned as_uc_read(const char *text, size_t left, uint32_t *c);
/* The same for the character that ends just before text + at (at >= 1). */
unsigned as_uc_read_back(const char *text, size_t at, uint32_t *c);

/* A stretch that NFC changed: out[out_start, out_end) stands for text[in_start, in_end). What lies between two stretches
 * is the same in both. */
typedef struct as_nfc_edit {
    uint32_t in_start, in_end, out_start, out_end;
} as_nfc_edit;
typedef struct as_nfc {
    as_buf text;         /* the normal form */
    as_nfc_edit *edits;  /* in order */
    size_t n_edits, cap;
    int32_t *scratch[2]; /* code points of one stretch */
    size_t n_scratch;
} as_nfc;

/* True where the text is in NFC for certain: most texts, found out at memory speed. */
bool as_nfc_is_plain(as_str text);
/* Unicode Normalization Form C (UAX #15) of a text below 4 GiB; linear also in long runs of marks. Bytes that are not UTF-8
 * stay. `n` is zero-initialised and can be used again; as_nfc_fini ends it. 0 or AS_ENOMEM. */
int as_nfc_run(as_nfc *n, as_str text, as_err *err);
void as_nfc_fini(as_nfc *n);
#endif
