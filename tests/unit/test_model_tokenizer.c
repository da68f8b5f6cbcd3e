/* test_model_tokenizer.c -- tokenizer.json against the goldens of tests/golden/models (ids, pieces,
 * text), properties on random texts, merging two ways, and every refusal by its words.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/tokenizer.h"

#include "base/rng.h"
#include "golden.h"
#include "model/tokenizer_inner.h"
#include "model/unicode.h"

static const char *const folders[] = { "tiny_qwen2", "tiny_llama", "tiny_qwen3" };

static cJSON *golden(const char *folder, const char *file)
{
    char name[100];
    (void)snprintf(name, sizeof name, "models/%s%s%s", folder, *folder ? "/" : "", file);
    return golden_json(name);
}

static as_tokenizer *open_tiny(const char *folder)
{
    char path[512], name[100];
    as_err err = { 0 };
    as_tokenizer *t = NULL;
    (void)snprintf(name, sizeof name, "models/%s", folder);
    golden_path(path, sizeof path, name);
    if (as_tokenizer_open(&t, path, &err) < 0)
        fail_msg("%s", err.text);
    return t;
}

static as_encoder *encoder_of(const as_tokenizer *t)
{
    as_encoder *e = NULL;
    as_err err = { 0 };
    assert_int_equal(as_encoder_new(&e, t, &err), 0);
    return e;
}

static as_str text_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    assert_true(cJSON_IsString(value));
    return as_str_of(value->valuestring);
}

/* Spans: in order, inside the text; without a gap where NFC changed nothing. */
static void check_spans(const as_tokens *tokens, as_str text, bool is_exact)
{
    uint32_t at = 0, reach = 0;
    for (size_t i = 0; i < tokens->n; i++) {
        as_token_span s = tokens->spans[i];
        assert_true(s.start <= s.end && s.end <= text.len);
        assert_true(s.start >= at && s.start <= reach);
        if (is_exact)
            assert_int_equal(s.start, reach);
        at = s.start;
        reach = s.end > reach ? s.end : reach;
    }
    assert_int_equal(reach, text.len);
}

static void check_ids(as_encoder *e, as_str text, const cJSON *ids, as_tokens *tokens)
{
    as_err err = { 0 };
    tokens->n = 0;
    assert_int_equal(as_encode(e, text, 0, tokens, &err), 0);
    if (tokens->n != (size_t)cJSON_GetArraySize(ids))
        fail_msg("%s: %zu ids, expected %d", text.data, tokens->n, cJSON_GetArraySize(ids));
    size_t i = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, ids) assert_int_equal(tokens->ids[i++], (int)id->valuedouble);
    check_spans(tokens, text, as_nfc_is_plain(text));
}

static void check_decoded(const as_tokenizer *t, const as_tokens *tokens, as_str wanted)
{
    AS_CLEANUP(buf) as_buf whole, stream;
    as_buf_init(&whole, 1 << 24);
    as_buf_init(&stream, 1 << 24);
    as_decode(t, tokens->ids, tokens->n, false, &whole);
    as_decoder d = as_decoder_start(t, false);
    for (size_t i = 0; i < tokens->n; i++) {
        as_decoder_put(&d, tokens->ids[i], &stream);
        assert_int_equal(as_utf8_valid(as_buf_str(&stream)), stream.len);
    }
    as_decoder_end(&d, &stream);
    assert_true(as_str_eq(as_buf_str(&whole), wanted));
    assert_true(as_str_eq(as_buf_str(&stream), wanted));
}

static void test_golden_ids(void **state)
{
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        as_tokenizer *t = open_tiny(folders[f]);
        as_encoder *e = encoder_of(t);
        as_tokens tokens = { 0 };
        cJSON *tree = golden(folders[f], "golden_tokenizer.json"), *one;
        int n = 0;
        cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(tree, "encodings"))
        {
            check_ids(e, text_of(one, "text"), cJSON_GetObjectItemCaseSensitive(one, "ids"),
                      &tokens);
            check_decoded(t, &tokens, text_of(one, "decoded"));
            n++;
        }
        assert_int_equal(n, 30);
        cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(tree, "chat")) check_ids(
            e, text_of(one, "rendered"), cJSON_GetObjectItemCaseSensitive(one, "ids"), &tokens);
        cJSON_Delete(tree);
        as_tokens_fini(&tokens);
        as_encoder_free(e);
        as_tokenizer_free(t);
    }
}

/* ---- properties ---- */

/* Text of random characters, tokens and, where asked, bytes that are no UTF-8. */
static size_t random_text(as_rng *rng, char *out, size_t room, bool is_dirty)
{
    static const char parts[][13] = { "the ",
                                      "<|im_end|>",
                                      "\r\n",
                                      "  ",
                                      "e\xCC\x81",
                                      "\xE1\x84\x80\xE1\x85\xA1",
                                      "'s",
                                      "12",
                                      "\xE6\x97\xA5\xE6\x9C\xAC",
                                      "\xF0\x9F\x99\x82",
                                      "\xC3\xA9",
                                      "a\xCC\xA3\xCC\x81",
                                      "\xCC\x81\xCC\xA3",
                                      "\xEA\xB0\x80\xE1\x86\xA8",
                                      "\xCD\x80" };
    size_t n = 0, want = as_rng_below(rng, room - 16);
    while (n < want) {
        uint64_t kind = as_rng_below(rng, is_dirty ? 3 : 2);
        if (kind == 0) {
            const char *part = parts[as_rng_below(rng, sizeof parts / sizeof *parts)];
            for (; *part; part++)
                out[n++] = *part;
        } else {
            uint64_t byte = kind == 1 ? 32 + as_rng_below(rng, 95) : as_rng_below(rng, 256);
            out[n++] = (char)byte;
        }
    }
    return n;
}

/* The bytes of all tokens are the text, or its normal form. */
static void check_bytes(const as_tokenizer *t, const as_tokens *tokens, as_str text)
{
    as_nfc nfc = { 0 };
    if (t->is_nfc) {
        assert_int_equal(as_nfc_run(&nfc, text, NULL), 0);
        text = as_buf_str(&nfc.text);
    }
    size_t at = 0;
    for (size_t i = 0; i < tokens->n; i++) {
        as_str token = as_tokenizer_text(t, tokens->ids[i]);
        assert_true(token.len > 0 && at + token.len <= text.len);
        assert_memory_equal(token.data, text.data + at, token.len);
        at += token.len;
    }
    assert_int_equal(at, text.len);
    as_nfc_fini(&nfc);
}

static void test_random(void **state)
{
    (void)state;
    char text[400];
    as_tokens tokens = { 0 };
    for (size_t f = 0; f < 3; f++) {
        as_rng rng = as_rng_at(11, f);
        as_tokenizer *t = open_tiny(folders[f]);
        as_encoder *e = encoder_of(t);
        for (int i = 0; i < 2000; i++) {
            size_t len = random_text(&rng, text, sizeof text, i % 2);
            /* a copy without a byte to spare, so that ASan sees a step too far */
            AS_CLEANUP(free) char *exact = as_malloc(len + (len == 0));
            memcpy(exact, text, len);
            as_str whole = { exact, len };
            tokens.n = 0;
            assert_int_equal(as_encode(e, whole, 0, &tokens, NULL), 0);
            check_spans(&tokens, whole, !t->is_nfc || as_nfc_is_plain(whole));
            check_bytes(t, &tokens, whole);
            if (i % 2 == 0 && as_nfc_is_plain(whole))
                check_decoded(t, &tokens, whole);
        }
        as_encoder_free(e);
        as_tokenizer_free(t);
    }
    as_tokens_fini(&tokens);
}

/* The definition: over and over, the pair of the lowest rank, the leftmost of equals. */
static size_t merge_plainly(const as_bpe *b, as_str piece, int32_t *ids)
{
    size_t n = piece.len;
    for (size_t i = 0; i < n; i++)
        ids[i] = b->byte_ids[(unsigned char)piece.data[i]];
    for (;;) {
        const as_bpe_merge *best = NULL;
        size_t where = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            uint64_t key = (uint64_t)ids[i] << 32 | (uint32_t)ids[i + 1];
            for (size_t m = 0; m <= b->merge_mask; m++) {
                if (b->merges[m].key == key && (!best || b->merges[m].rank < best->rank)) {
                    best = &b->merges[m];
                    where = i;
                }
            }
        }
        if (!best)
            return n;
        ids[where] = best->id;
        memmove(ids + where + 1, ids + where + 2, (n - where - 2) * sizeof *ids);
        n--;
    }
}

/* Short pieces, long ones (a heap) and remembered ones against the definition. */
static void test_merges(void **state)
{
    (void)state;
    static const char letters[] = "theansrio ";
    as_tokenizer *t = open_tiny("tiny_qwen2");
    as_bpe_run run;
    as_rng rng = as_rng_at(5, 0);
    assert_int_equal(as_bpe_run_init(&run, &t->bpe, NULL), 0);
    for (int i = 0; i < 60; i++) {
        char text[160];
        int32_t wanted[160];
        size_t len = 1 + as_rng_below(&rng, i % 3 ? 30 : sizeof text - 1), n;
        for (size_t k = 0; k < len; k++)
            text[k] = letters[as_rng_below(&rng, sizeof letters - 1)];
        size_t n_wanted = merge_plainly(&t->bpe, (as_str){ text, len }, wanted);
        for (int again = 0; again < 2; again++) {
            const int32_t *ids;
            assert_int_equal(as_bpe_piece(&run, (as_str){ text, len }, len, &ids, &n, NULL), 0);
            assert_int_equal(n, n_wanted);
            assert_memory_equal(ids, wanted, n * sizeof *ids);
        }
    }
    as_bpe_run_fini(&run);
    as_tokenizer_free(t);
}

/* Half a megabyte that is one piece, of three kinds. Quadratic work would not end within the test's
 * time. */
static void test_huge_piece(void **state)
{
    enum { N = 1 << 19 };
    static const char *const units[] = { "a", "the", "\xCC\x81\xCC\xA3" };
    (void)state;
    as_tokenizer *t = open_tiny("tiny_qwen2");
    as_encoder *e = encoder_of(t);
    AS_CLEANUP(free) char *text = as_malloc(N);
    as_tokens tokens = { 0 };
    for (size_t u = 0; u < 3; u++) {
        size_t len = strlen(units[u]), n = N / len * len;
        for (size_t i = 0; i < n; i++)
            text[i] = units[u][i % len];
        tokens.n = 0;
        assert_int_equal(as_encode(e, (as_str){ text, n }, 0, &tokens, NULL), 0);
        check_spans(&tokens, (as_str){ text, n }, u < 2);
        check_bytes(t, &tokens, (as_str){ text, n });
    }
    memset(text, ' ', N);
    tokens.n = 0;
    assert_int_equal(as_encode(e, (as_str){ text, N }, 0, &tokens, NULL), 0);
    assert_int_equal(tokens.spans[tokens.n - 1].end, N);
    as_tokens_fini(&tokens);
    as_encoder_free(e);
    as_tokenizer_free(t);
}

static void test_decoder(void **state)
{
    (void)state;
    /* maximal parts of what is no UTF-8, as Python's bytes.decode(errors="replace") has them */
    static const struct {
        const char *bytes, *text;
    } cases[] = { { "\xF0\x9F\x99\x82", "\xF0\x9F\x99\x82" },
                  { "\xF0\x9F\x99", "\xEF\xBF\xBD" },
                  { "\xF0\x9F\x41", "\xEF\xBF\xBD"
                                    "A" },
                  { "\xE0\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
                  { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
                  { "\xC3\xC3\xA9", "\xEF\xBF\xBD\xC3\xA9" },
                  { "\xF5\x80", "\xEF\xBF\xBD\xEF\xBF\xBD" },
                  { "a\xE2\x82", "a\xEF\xBF\xBD" } };
    as_tokenizer *t = open_tiny("tiny_qwen2");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AS_CLEANUP(buf) as_buf out;
        as_buf_init(&out, 1000);
        int32_t ids[8];
        size_t n = strlen(cases[i].bytes);
        for (size_t k = 0; k < n; k++)
            ids[k] = t->bpe.byte_ids[(unsigned char)cases[i].bytes[k]];
        as_decode(t, ids, n, false, &out);
        assert_string_equal(out.data, cases[i].text);
    }
    AS_CLEANUP(buf) as_buf out;
    as_buf_init(&out, 1000);
    int32_t end = as_tokenizer_id(t, AS_LIT("<|im_end|>"));
    assert_true(as_tokenizer_is_special(t, end) && !as_tokenizer_is_special(t, 0));
    int32_t ids[] = { as_tokenizer_id(t, AS_LIT("a")), end, -1, 1 << 20,
                      as_tokenizer_id(t, AS_LIT("b")) };
    as_decode(t, ids, 5, true, &out);
    assert_string_equal(out.data, "ab");
    /* what is certain comes at once */
    as_buf_clear(&out);
    as_decoder d = as_decoder_start(t, false);
    as_decoder_put(&d, t->bpe.byte_ids[0xF0], &out);
    as_decoder_put(&d, t->bpe.byte_ids[0x9F], &out);
    assert_int_equal(out.len, 0);
    as_decoder_put(&d, t->bpe.byte_ids['A'], &out);
    assert_string_equal(out.data, "\xEF\xBF\xBD"
                                  "A");
    as_buf_clear(&out);
    as_buf_clear(&out);
    as_decode(t, ids, 5, false, &out);
    assert_string_equal(out.data, "a<|im_end|>b");
    assert_int_equal(as_tokenizer_id(t, AS_LIT("no such")), -1);
    as_tokenizer_free(t);
}

/* ---- small tokenizers ---- */

#define PRE                                                                                        \
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}"
#define DEC "\"decoder\":{\"type\":\"ByteLevel\"}"
#define VOCAB                                                                                      \
    "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"\\u0120\":3,\"\\u00c3\":4,\"\\u00a9\":5},\"merges\":["  \
    "\"a b\"]"
#define MODEL "\"model\":{\"type\":\"BPE\"," VOCAB "}"

static as_tokenizer *parse(const char *json)
{
    as_err err = { 0 };
    as_tokenizer *t;
    if (as_tokenizer_parse(&t, as_str_of(json), "t.json", &err) < 0)
        fail_msg("%s", err.text);
    return t;
}

/* "id:start-end id:start-end" */
static void check_encoded(const as_tokenizer *t, const char *text, unsigned flags,
                          const char *wanted)
{
    as_encoder *e = encoder_of(t);
    as_tokens tokens = { 0 };
    AS_CLEANUP(buf) as_buf out;
    as_buf_init(&out, 1000);
    assert_int_equal(as_encode(e, as_str_of(text), flags, &tokens, NULL), 0);
    for (size_t i = 0; i < tokens.n; i++)
        as_buf_addf(&out, "%s%d:%u-%u", i ? " " : "", tokens.ids[i], tokens.spans[i].start,
                    tokens.spans[i].end);
    assert_string_equal(out.data ? out.data : "", wanted);
    as_tokens_fini(&tokens);
    as_encoder_free(e);
}

static void test_added(void **state)
{
    (void)state;
    as_tokenizer *t =
        parse("{" MODEL "," PRE "," DEC
              ",\"added_tokens\":[{\"id\":6,\"content\":\"<s>\",\"special\":true},"
              "{\"id\":7,\"content\":\"<s>x\"},{\"id\":8,\"content\":\"L\",\"lstrip\":true},{"
              "\"id\":9,\"content\":\"R\",\"rstrip\":true},"
              "{\"id\":10,\"content\":\"w\",\"single_word\":true},{\"id\":12,\"content\":\"\"}],"
              "\"post_processor\":{\"type\":\"Sequence\","
              "\"processors\":[{\"type\":\"ByteLevel\"},{\"type\":\"TemplateProcessing\","
              "\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},"
              "{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"<e>\"}}],\"special_"
              "tokens\":{\"<s>\":{\"ids\":[6]},"
              "\"<e>\":{\"ids\":[9,8]}}}]}}");
    check_encoded(t, "ab<s>xa<s>", 0, "2:0-2 7:2-6 0:6-7 6:7-10");
    check_encoded(t, "a  Lb", 0, "0:0-1 8:1-4 1:4-5");
    check_encoded(t, "aR \tb R", 0, "0:0-1 9:1-4 1:4-5 3:5-6 9:6-7");
    check_encoded(t, "w", 0, "10:0-1");
    check_encoded(t, "ab", AS_ENCODE_SPECIAL, "6:0-0 2:0-2 9:2-2 8:2-2");
    check_encoded(t, "", AS_ENCODE_SPECIAL, "6:0-0 9:0-0 8:0-0");
    check_encoded(t, "", 0, "");
    assert_int_equal(as_tokenizer_size(t), 11);
    as_encoder *e = encoder_of(t);
    as_tokens tokens = { 0 };
    as_err err = { 0 };
    /* what a user wrote is no special token; and a byte without a token is named, nothing appended
     */
    assert_int_equal(as_encode(e, AS_LIT("a<s>"), AS_ENCODE_PLAIN, &tokens, &err), AS_EDATA);
    assert_string_equal(err.text, "the vocabulary has no token for the byte 0x3C");
    assert_int_equal(tokens.n, 0);
    err = (as_err){ 0 };
    assert_int_equal(as_encode(e, AS_LIT("bw"), 0, &tokens, &err),
                     AS_EDATA); /* no word of its own */
    assert_int_equal(as_encode(e, AS_LIT("wb"), 0, &tokens, &err), AS_EDATA);
    assert_int_equal(as_encode(e, AS_LIT("w b"), 0, &tokens, &err), 0);
    as_tokens_fini(&tokens);
    as_encoder_free(e);
    as_tokenizer_free(t);
}

static void test_nfc_spans(void **state)
{
    (void)state;
    as_tokenizer *t =
        parse("{" MODEL "," PRE "," DEC
              ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]},"
              "\"added_tokens\":[{\"id\":6,\"content\":\"e\\u0301\",\"normalized\":true}]}");
    check_encoded(t,
                  "ae\xCC\x81"
                  "b\xC3\xA9",
                  0, "0:0-1 6:1-4 1:4-5 6:5-7");
    as_tokenizer_free(t);
    t = parse("{" MODEL "," PRE "," DEC ",\"normalizer\":{\"type\":\"NFC\"}}");
    t->bpe.byte_ids[0xCC] = 1;
    t->bpe.byte_ids[0x81] = 1;
    t->bpe.byte_ids['e'] = 1;
    check_encoded(t,
                  "ae\xCC\x81"
                  "ab",
                  0, "0:0-1 4:1-4 5:1-4 2:4-6");
    t->bpe.byte_ids[0xA0] = 1;
    check_encoded(t, "a\xCC\x80", 0, "4:0-3 1:0-3");
    as_tokenizer_free(t);
}

/* Equal ranks go from the left, in short pieces and long ones; a piece that is a token needs no
 * merging where ignore_merges says so. */
static void test_small_merges(void **state)
{
    (void)state;
    as_tokenizer *t = parse("{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"aa\":2,\"aab\":3},\"merges\":"
                            "[[\"a\",\"a\"]]}," PRE "," DEC "}");
    check_encoded(t, "aaaaa", 0, "2:0-2 2:2-4 0:4-5");
    check_encoded(t, "aab", 0, "2:0-2 1:2-3");
    char text[100];
    memset(text, 'a', 99);
    text[99] = 0;
    as_encoder *e = encoder_of(t);
    as_tokens tokens = { 0 };
    assert_int_equal(as_encode(e, as_str_of(text), 0, &tokens, NULL), 0);
    assert_int_equal(tokens.n, 50);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(tokens.ids[i], i < 49 ? 2 : 0);
    as_tokens_fini(&tokens);
    as_encoder_free(e);
    as_tokenizer_free(t);
    t = parse("{\"model\":{\"ignore_merges\":true,\"vocab\":{\"a\":0,\"b\":1,\"aa\":2,\"aab\":3},"
              "\"merges\":[\"a a\"]}," PRE "," DEC "}");
    check_encoded(t, "aab", 0, "3:0-3");
    check_encoded(t, "aaba", 0, "2:0-2 1:2-3 0:3-4");
    as_tokenizer_free(t);
}

static void check_refused(const char *json, const char *words)
{
    as_err err = { 0 };
    as_tokenizer *t;
    assert_int_equal(as_tokenizer_parse(&t, as_str_of(json), "t.json", &err), AS_EDATA);
    assert_null(t);
    if (!strstr(err.text, words) || strncmp(err.text, "t.json: ", 8) != 0)
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused("", "column 1");
    check_refused("[]", "not an object");
    check_refused("{}", "there is no model");
    check_refused("{\"model\":{\"type\":\"Unigram\"}}",
                  "model type \"Unigram\" is not implemented (known: \"BPE\")");
    check_refused("{\"model\":{\"type\":\"WordPiece\"}}", "\"WordPiece\" is not implemented");
    check_refused("{\"model\":{\"byte_fallback\":true}}", "byte_fallback");
    check_refused("{\"model\":{\"dropout\":0.1}}", "dropout");
    check_refused("{\"model\":{\"end_of_word_suffix\":\"</w>\"}}", "model.end_of_word_suffix");
    check_refused("{\"model\":{}}", "model.vocab is no object");
    check_refused("{\"model\":{\"vocab\":{}}}", "model.vocab is empty");
    check_refused("{\"model\":{\"vocab\":{\"a\":-1}}}", "token \"a\" has the id -1");
    check_refused("{\"model\":{\"vocab\":{\"a\":16777216}}}", "16777216");
    check_refused("{\"model\":{\"vocab\":{\"a\":10000000}}}", "too far apart");
    check_refused("{\"model\":{\"vocab\":{\"a\":0,\"b\":0}}}",
                  "\"a\" and \"b\" have the same id 0");
    check_refused("{\"model\":{\"vocab\":{\"a\":0,\"a\":1}}}", "tokens 0 and 1 are the same text");
    check_refused("{\"model\":{\"vocab\":{\"a\":0}}}", "model.merges is no array");
    check_refused("{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}",
                  "merge 0, \"a\", is no pair");
    check_refused("{\"model\":{\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"a\",\"a\"]]}}",
                  "is no pair");
    check_refused("{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}}", "must be tokens");
    check_refused("{\"model\":{\"vocab\":{\"a\":0},\"merges\":[7]}}", "is no pair");
    check_refused("{" MODEL ",\"normalizer\":{\"type\":\"NFKC\"}}",
                  "normalizer \"NFKC\" is not implemented");
    check_refused("{" MODEL "}", "pre_tokenizer nothing is not implemented");
    check_refused("{" MODEL ",\"pre_tokenizer\":{\"type\":\"Metaspace\"}}",
                  "pre_tokenizer \"Metaspace\"");
    check_refused("{" MODEL
                  ",\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}}",
                  "add_prefix_space");
    check_refused("{" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\w+"
                  "\"},\"behavior\":\"Isolated\"}}",
                  "the pattern \"\\\\w+\" is not implemented");
    check_refused("{" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\"}}",
                  "behavior \"Removed\"");
    check_refused("{" MODEL ",\"pre_tokenizer\":{\"type\":\"Digits\"}}", "without ByteLevel");
    check_refused("{" MODEL "," PRE "}", "decoder nothing is not implemented");
    check_refused(
        "{" MODEL "," PRE
        ",\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"}]}}",
        "decoder \"ByteFallback\"");
    check_refused("{" MODEL "," PRE "," DEC ",\"added_tokens\":{}}", "added_tokens is no array");
    check_refused("{" MODEL "," PRE "," DEC ",\"added_tokens\":[{\"id\":1}]}", "has no content");
    check_refused("{" MODEL "," PRE "," DEC ",\"added_tokens\":[{\"id\":1,\"content\":\"x\"}]}",
                  "the id 1 of another token");
    check_refused("{" MODEL "," PRE "," DEC ",\"added_tokens\":[{\"id\":9999,\"content\":\"x\"}]}",
                  "too far from the others");
    check_refused("{" MODEL "," PRE "," DEC
                  ",\"added_tokens\":[{\"id\":7,\"content\":\"x\"},{\"id\":7,\"content\":\"y\"}]}",
                  "the same id 7");
    check_refused("{" MODEL "," PRE "," DEC ",\"post_processor\":{\"type\":\"BertProcessing\"}}",
                  "post_processor \"BertProcessing\"");
    check_refused(
        "{" MODEL "," PRE "," DEC
        ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
        "{\"id\":\"<s>\"}}],\"special_tokens\":{}}}",
        "the token \"<s>\", which its special_tokens lack");
    check_refused("{" MODEL "," PRE "," DEC
                  ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}}",
                  "lacks the sequence A");
    as_err err = { 0 };
    as_tokenizer *t;
    assert_int_equal(as_tokenizer_open(&t, "/nowhere", &err), AS_EIO);
    assert_non_null(strstr(err.text, "/nowhere/tokenizer.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_ids), cmocka_unit_test(test_random),
        cmocka_unit_test(test_merges),     cmocka_unit_test(test_huge_piece),
        cmocka_unit_test(test_decoder),    cmocka_unit_test(test_added),
        cmocka_unit_test(test_nfc_spans),  cmocka_unit_test(test_small_merges),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
