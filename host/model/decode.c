/* decode.c -- ids back to text that is UTF-8 at every moment: what is not whole yet is held back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/tokenizer_inner.h"

#define REPLACEMENT AS_LIT("\xEF\xBF\xBD")

as_decoder as_decoder_start(const as_tokenizer *t, bool skips_special)
{
    return (as_decoder){ .tokenizer = t, .skips_special = skips_special };
}

/* How many of the bytes begin some character that is longer than they are (Unicode, table 3-7): 0
 * where the first begins none. */
static unsigned begun(const unsigned char *p, unsigned n)
{
    unsigned len = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
                   : p[0] >= 0xE0 && p[0] <= 0xEF ? 3
                   : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                  : 0;
    unsigned low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    unsigned i = len != 0;
    for (; i && i < n && i < len && p[i] >= low && p[i] <= high; i++) {
        low = 0x80;
        high = 0xBF;
    }
    return i;
}

/* Puts what is certain of the held bytes, which may be a character, the beginning of one, or
 * neither. */
static void settle(as_decoder *d, bool is_end, as_buf *out)
{
    while (d->n_held) {
        unsigned used = as_utf8_step((const char *)d->held, d->n_held);
        if (used) {
            as_buf_add(out, (as_str){ (const char *)d->held, used });
        } else {
            used = begun(d->held, d->n_held);
            if (used == d->n_held && !is_end)
                return;
            as_buf_add(out, REPLACEMENT);
            used = used ? used : 1;
        }
        d->n_held -= used;
        memmove(d->held, d->held + used, d->n_held);
    }
}

void as_decoder_put(as_decoder *d, int32_t id, as_buf *out)
{
    if (d->skips_special && as_tokenizer_is_special(d->tokenizer, id))
        return;
    as_str bytes = as_tokenizer_text(d->tokenizer, id);
    size_t at = 0;
    while (at < bytes.len) {
        if (d->n_held == 0) {
            size_t whole = as_utf8_valid((as_str){ bytes.data + at, bytes.len - at });
            as_buf_add(out, (as_str){ bytes.data + at, whole });
            at += whole;
            if (at == bytes.len)
                break;
        }
        d->held[d->n_held++] = (unsigned char)bytes.data[at++];
        settle(d, false, out);
    }
}

void as_decoder_end(as_decoder *d, as_buf *out)
{
    settle(d, true, out);
}

void as_decode(const as_tokenizer *t, const int32_t *ids, size_t n, bool skips_special, as_buf *out)
{
    as_decoder d = as_decoder_start(t, skips_special);
    for (size_t i = 0; i < n; i++)
        as_decoder_put(&d, ids[i], out);
    as_decoder_end(&d, out);
}
