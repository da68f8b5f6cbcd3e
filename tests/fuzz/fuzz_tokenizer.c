/* fuzz_tokenizer.c -- any bytes as tokenizer.json, a NUL, and a text (also a list of ids). What is
 * accepted encodes to tokens whose bytes are the text or its normal form, whose spans cover it, and
 * decodes to UTF-8, the same at once and one by one. SPDX-License-Identifier: Apache-2.0 */
#include "model/tokenizer.h"

#include "base/mem.h"
#include "fuzz.h"
#include "model/tokenizer_inner.h"
#include "model/unicode.h"

static void check_spans(const as_tokens *tokens, as_str text)
{
    uint32_t at = 0, reach = 0;
    for (size_t i = 0; i < tokens->n; i++) {
        as_token_span s = tokens->spans[i];
        FUZZ_CHECK(s.start <= s.end && s.end <= text.len);
        FUZZ_CHECK(s.start >= at && s.start <= reach);
        at = s.start;
        reach = s.end > reach ? s.end : reach;
    }
    FUZZ_CHECK(reach == text.len);
}

/* Without added tokens, which may take white space, and without ids of the post-processor. */
static void check_bytes(const as_tokenizer *t, const as_tokens *tokens, as_str text)
{
    as_nfc nfc = { 0 };
    if (t->is_nfc) {
        FUZZ_CHECK(as_nfc_run(&nfc, text, NULL) == 0);
        FUZZ_CHECK(as_nfc_is_plain(text) ? as_str_eq(as_buf_str(&nfc.text), text) : true);
        text = as_buf_str(&nfc.text);
        FUZZ_CHECK(nfc.n_edits == 0 || as_utf8_valid(text) <= text.len);
    }
    size_t at = 0;
    for (size_t i = 0; i < tokens->n; i++) {
        as_str token = as_tokenizer_text(t, tokens->ids[i]);
        FUZZ_CHECK(token.len <= text.len - at &&
                   memcmp(token.data, text.data + at, token.len) == 0);
        at += token.len;
    }
    FUZZ_CHECK(at == text.len);
    as_nfc_fini(&nfc);
}

static void check_decoding(const as_tokenizer *t, const int32_t *ids, size_t n)
{
    as_buf whole, parts;
    as_buf_init(&whole, 1u << 30);
    as_buf_init(&parts, 1u << 30);
    as_decode(t, ids, n, false, &whole);
    as_decoder d = as_decoder_start(t, false);
    for (size_t i = 0; i < n; i++) {
        as_decoder_put(&d, ids[i], &parts);
        FUZZ_CHECK(as_utf8_valid(as_buf_str(&parts)) == parts.len);
    }
    as_decoder_end(&d, &parts);
    FUZZ_CHECK(as_str_eq(as_buf_str(&whole), as_buf_str(&parts)));
    FUZZ_CHECK(as_utf8_valid(as_buf_str(&whole)) == whole.len);
    as_buf_fini(&whole);
    as_buf_fini(&parts);
}

static void check_tokenizer(const as_tokenizer *t, as_str text)
{
    as_encoder *e;
    as_tokens tokens = { 0 };
    as_err err = { 0 };
    int32_t ids[64];
    size_t n = 0;
    FUZZ_CHECK(as_encoder_new(&e, t, &err) == 0);
    for (unsigned flags = 0; flags < 4; flags++) {
        tokens.n = 0;
        int rc = as_encode(e, text, flags, &tokens, &err);
        FUZZ_CHECK(rc == 0 || (rc == AS_EDATA && tokens.n == 0));
        if (rc < 0)
            continue;
        check_spans(&tokens, text);
        check_decoding(t, tokens.ids, tokens.n);
        if (t->n_added == 0 && !(flags & AS_ENCODE_SPECIAL))
            check_bytes(t, &tokens, text);
    }
    for (; n < 64 && n < text.len; n++)
        ids[n] = (unsigned char)text.data[n] * 3 - 5;
    check_decoding(t, ids, n);
    as_tokens_fini(&tokens);
    as_encoder_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *nul = size ? memchr(bytes, 0, size) : NULL;
    as_str json = { bytes, nul ? (size_t)(nul - bytes) : size };
    as_str text = nul ? (as_str){ nul + 1, size - json.len - 1 }
                      : AS_LIT("the caf\xC3\xA9 e\xCC\x81 12  3\r\n <s>");
    as_tokenizer *t;
    as_err err = { 0 };
    if (as_tokenizer_parse(&t, json, "fuzz", &err) == 0) {
        check_tokenizer(t, text);
        as_tokenizer_free(t);
    } else {
        FUZZ_CHECK(err.code == AS_EDATA && strncmp(err.text, "fuzz: ", 6) == 0);
    }
    return 0;
}
