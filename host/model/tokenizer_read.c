/* tokenizer_read.c -- tokenizer.json into tables: spans are walked where they stand, no tree is
 * built, so 150,000 tokens load in a fraction of a second. Every part that would change what
 * encoding gives is read or refused by its name. SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "base/mem.h"
#include "model/tokenizer_inner.h"
#include "model/unicode.h"

enum { N_BYTE_CHARS = 256 + 68 }; /* GPT-2's alphabet: code points below this stand for bytes */

typedef struct reader {
    as_tokenizer *t;
    as_arena scratch;              /* one string at a time */
    int16_t byte_of[N_BYTE_CHARS]; /* -1: none */
    as_err *err;
} reader;

/* ---- small things ---- */

static bool has(as_jspan object, const char *key)
{
    as_jkind kind = as_jobject_get(object, key).kind;
    return kind != AS_J_NONE && kind != AS_J_NULL;
}

static bool is_true(as_jspan object, const char *key)
{
    return as_jobject_get(object, key).kind == AS_J_TRUE;
}

static bool has_type(as_jspan object, const char *type)
{
    return as_jspan_is(as_jobject_get(object, "type"), type);
}

/* For messages: a value as it stands, cut. */
static as_str shown(as_jspan value)
{
    as_str s = value.kind == AS_J_NONE ? AS_LIT("nothing") : value.text;
    return (as_str){ s.data, s.len < 80 ? s.len : as_utf8_valid((as_str){ s.data, 80 }) };
}

static int refuse(const reader *r, const char *what, as_jspan part, const char *known)
{
    as_jspan type = as_jobject_get(part, "type");
    as_str s = shown(type.kind == AS_J_NONE ? part : type);
    return as_fail(r->err, AS_EDATA, "%s %.*s is not implemented (known: %s)", what, AS_FMT(s),
                   known);
}

static int no_memory(const reader *r)
{
    return as_fail(r->err, AS_ENOMEM, "out of memory while reading a vocabulary");
}

static void fill_bytes(int16_t byte_of[N_BYTE_CHARS])
{
    int16_t next = 256;
    memset(byte_of, 0xFF, N_BYTE_CHARS * sizeof *byte_of);
    for (int16_t b = 0; b < 256; b++) {
        bool is_itself = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
        byte_of[is_itself ? b : next++] = b;
    }
}

/* The bytes that a token's text stands for, never more than it has; false where some character
 * stands for none. */
static bool to_bytes(const reader *r, as_str token, char *out, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < token.len;) {
        uint32_t c;
        i += as_uc_read(token.data + i, token.len - i, &c);
        if (c >= N_BYTE_CHARS || r->byte_of[c] < 0)
            return false;
        out[(*n)++] = (char)r->byte_of[c];
    }
    return *n > 0;
}

/* ---- the model: vocabulary and merges ---- */

static int check_id(const reader *r, as_jspan key, as_jspan value, int32_t *id)
{
    unsigned long long v;
    if (value.kind != AS_J_NUMBER || !as_junsigned(value, &v) || v >= AS_BPE_TOKENS)
        return as_fail(r->err, AS_EDATA, "token %.*s has the id %.*s: not a number below %d",
                       AS_FMT(shown(key)), AS_FMT(shown(value)), AS_BPE_TOKENS);
    *id = (int32_t)v;
    return 0;
}

/* Ids may have holes, but not so many that the table is made of them. */
static bool is_sparse(int32_t n_ids, size_t n)
{
    return (size_t)n_ids > 4 * n + 4096;
}

static int count_tokens(reader *r, as_jspan vocab, int32_t *n_ids, size_t *n)
{
    as_jspan key, value;
    *n_ids = 0;
    *n = 0;
    for (size_t at = 0; as_jobject_next(vocab, &at, &key, &value); ++*n) {
        int32_t id;
        int rc = check_id(r, key, value, &id);
        if (rc < 0)
            return rc;
        *n_ids = id >= *n_ids ? id + 1 : *n_ids;
    }
    if (*n == 0)
        return as_fail(r->err, AS_EDATA, "model.vocab is empty");
    return is_sparse(*n_ids, *n)
               ? as_fail(r->err, AS_EDATA, "%zu tokens have ids up to %d: too far apart", *n,
                         *n_ids - 1)
               : 0;
}

static int add_tokens(reader *r, const as_jspan *keys, int32_t n_ids, size_t n_bytes)
{
    int rc = as_bpe_make(&r->t->bpe, n_ids, n_bytes, r->err);
    for (int32_t id = 0; rc == 0 && id < n_ids; id++) {
        if (keys[id].kind == AS_J_NONE)
            continue;
        as_arena_reset(&r->scratch);
        as_str text = as_jstring(keys[id], &r->scratch, NULL);
        char *bytes = as_arena_alloc(&r->scratch, text.len + 1);
        if (!text.data || !bytes)
            return no_memory(r);
        size_t n;
        bool is_found = to_bytes(r, text, bytes, &n);
        rc = as_bpe_add(&r->t->bpe, id, is_found ? (as_str){ bytes, n } : text, is_found, r->err);
    }
    return rc;
}

static int read_vocab(reader *r, as_jspan vocab)
{
    int32_t n_ids;
    size_t n;
    if (vocab.kind != AS_J_OBJECT)
        return as_fail(r->err, AS_EDATA, "model.vocab is no object");
    if (vocab.text.len > UINT32_MAX)
        return as_fail(r->err, AS_EDATA, "model.vocab is longer than 4 GiB");
    int rc = count_tokens(r, vocab, &n_ids, &n);
    if (rc < 0)
        return rc;
    AS_CLEANUP(free) as_jspan *keys = as_calloc((size_t)n_ids, sizeof *keys); /* AS_J_NONE is 0 */
    if (!keys)
        return as_fail(r->err, AS_ENOMEM, "out of memory for %d tokens", n_ids);
    as_jspan key, value;
    for (size_t at = 0; as_jobject_next(vocab, &at, &key, &value);) {
        int32_t id = 0;
        (void)check_id(r, key, value, &id);
        if (keys[id].kind != AS_J_NONE)
            return as_fail(r->err, AS_EDATA, "tokens %.*s and %.*s have the same id %d",
                           AS_FMT(shown(keys[id])), AS_FMT(shown(key)), id);
        keys[id] = key;
    }
    return add_tokens(r, keys, n_ids, vocab.text.len);
}

/* The two texts of a merge in either form, "a b" or ["a","b"]; data NULL where it has none. */
static void merge_parts(reader *r, as_jspan merge, as_str *left, as_str *right)
{
    as_jspan parts[3];
    size_t at = 0;
    *left = *right = (as_str){ NULL, 0 };
    as_arena_reset(&r->scratch);
    if (merge.kind == AS_J_STRING) {
        as_str both = as_jstring(merge, &r->scratch, NULL);
        const char *space = both.data ? memchr(both.data, ' ', both.len) : NULL;
        if (space) {
            *left = (as_str){ both.data, (size_t)(space - both.data) };
            *right = (as_str){ space + 1, both.len - left->len - 1 };
        }
    } else if (as_jarray_next(merge, &at, &parts[0]) && as_jarray_next(merge, &at, &parts[1]) &&
               !as_jarray_next(merge, &at, &parts[2])) {
        *left = as_jstring(parts[0], &r->scratch, NULL);
        *right = as_jstring(parts[1], &r->scratch, NULL);
    }
}

/* A merge as the ids of its parts and of what they make: -1 where a text is no token. */
static int read_merge(reader *r, as_jspan merge, size_t rank, int32_t ids[3])
{
    as_str left, right;
    merge_parts(r, merge, &left, &right);
    if (!left.data || !right.data)
        return as_fail(r->err, AS_EDATA, "merge %zu, %.*s, is no pair of tokens", rank,
                       AS_FMT(shown(merge)));
    char *bytes = as_arena_alloc(&r->scratch, left.len + right.len + 1);
    if (!bytes)
        return no_memory(r);
    size_t n = 0, more = 0;
    ids[0] = ids[1] = ids[2] = -1;
    if (to_bytes(r, left, bytes, &n) && to_bytes(r, right, bytes + n, &more)) {
        ids[0] = as_bpe_find(&r->t->bpe, (as_str){ bytes, n });
        ids[1] = as_bpe_find(&r->t->bpe, (as_str){ bytes + n, more });
        ids[2] = as_bpe_find(&r->t->bpe, (as_str){ bytes, n + more });
    }
    return 0;
}

static int read_merges(reader *r, as_jspan merges)
{
    size_t n = 0;
    as_jspan merge;
    if (merges.kind != AS_J_ARRAY)
        return as_fail(r->err, AS_EDATA, "model.merges is no array");
    for (size_t at = 0; as_jarray_next(merges, &at, &merge);)
        n++;
    int rc = n < UINT32_MAX ? as_bpe_make_merges(&r->t->bpe, n, r->err)
                            : as_fail(r->err, AS_EDATA, "%zu merges are too many", n);
    n = 0;
    for (size_t at = 0; rc == 0 && as_jarray_next(merges, &at, &merge); n++) {
        int32_t ids[3] = { -1, -1, -1 };
        rc = read_merge(r, merge, n, ids);
        if (rc < 0)
            return rc;
        if (ids[0] < 0 || ids[1] < 0 || ids[2] < 0)
            return as_fail(r->err, AS_EDATA,
                           "merge %zu, %.*s: its parts and what they make must be tokens", n,
                           AS_FMT(shown(merge)));
        as_bpe_merge_add(&r->t->bpe, ids[0], ids[1], (uint32_t)n, ids[2]);
    }
    return rc;
}

static bool is_set(as_jspan model, const char *key) /* "" is as good as null */
{
    return has(model, key) && !as_jspan_is(as_jobject_get(model, key), "");
}

static int read_model(reader *r, as_jspan model)
{
    if (model.kind != AS_J_OBJECT)
        return as_fail(r->err, AS_EDATA, "there is no model (an object of this name)");
    if (has(model, "type") && !has_type(model, "BPE"))
        return refuse(r, "model type", model, "\"BPE\"");
    double dropout = 0;
    if (has(model, "dropout") &&
        (!as_jnumber(as_jobject_get(model, "dropout"), &dropout) || dropout != 0))
        return as_fail(r->err, AS_EDATA,
                       "model.dropout is not implemented: encoding would be random");
    if (is_true(model, "byte_fallback"))
        return as_fail(r->err, AS_EDATA,
                       "model.byte_fallback (SentencePiece vocabularies) is not implemented");
    static const char *const affixes[] = { "continuing_subword_prefix", "end_of_word_suffix" };
    for (int i = 0; i < 2; i++)
        if (is_set(model, affixes[i]))
            return as_fail(r->err, AS_EDATA, "model.%s is not implemented", affixes[i]);
    r->t->bpe.takes_whole = false;
    int rc = read_vocab(r, as_jobject_get(model, "vocab"));
    if (rc == 0)
        rc = read_merges(r, as_jobject_get(model, "merges"));
    r->t->bpe.takes_whole = is_true(model, "ignore_merges");
    return rc;
}

/* ---- normalizer, pre-tokenizer, decoder ---- */

static int read_normalizer(reader *r, as_jspan n)
{
    if (n.kind == AS_J_NONE || n.kind == AS_J_NULL)
        return 0;
    if (has_type(n, "NFC")) {
        r->t->is_nfc = true;
        return 0;
    }
    as_jspan list = as_jobject_get(n, "normalizers"), one;
    if (!has_type(n, "Sequence") || list.kind != AS_J_ARRAY)
        return refuse(r, "normalizer", n, "NFC, null");
    for (size_t at = 0; as_jarray_next(list, &at, &one);) {
        if (!has_type(one, "NFC"))
            return refuse(r, "normalizer", one, "NFC, null");
        r->t->is_nfc = true;
    }
    return 0;
}

static int read_byte_level(reader *r, as_jspan p, as_split_rule *rule)
{
    if (is_true(p, "add_prefix_space"))
        return as_fail(r->err, AS_EDATA,
                       "pre_tokenizer ByteLevel with add_prefix_space is not implemented");
    bool uses_pattern = as_jobject_get(p, "use_regex").kind != AS_J_FALSE;
    if (!uses_pattern)
        return 0;
    if (rule->kind != AS_SPLIT_NONE)
        return as_fail(r->err, AS_EDATA, "pre_tokenizer with two patterns is not implemented");
    rule->kind = AS_SPLIT_GPT2;
    return 0;
}

static int read_split(reader *r, as_jspan p, as_split_rule *rule)
{
    as_jspan pattern = as_jobject_get(as_jobject_get(p, "pattern"), "Regex"),
             behavior = as_jobject_get(p, "behavior");
    bool is_kept = as_jspan_is(behavior, "Isolated") ||
                   (as_jspan_is(behavior, "Removed") && is_true(p, "invert"));
    if (!is_kept || (as_jspan_is(behavior, "Isolated") && is_true(p, "invert")))
        return as_fail(
            r->err, AS_EDATA,
            "pre_tokenizer Split with behavior %.*s is not implemented (known: \"Isolated\")",
            AS_FMT(shown(behavior)));
    if (rule->kind != AS_SPLIT_NONE)
        return as_fail(r->err, AS_EDATA, "pre_tokenizer with two patterns is not implemented");
    as_arena_reset(&r->scratch);
    as_str text = as_jstring(pattern, &r->scratch, NULL);
    if (text.data && as_split_kind_of(text, &rule->kind))
        return 0;
    return as_fail(
        r->err, AS_EDATA,
        "pre_tokenizer Split with the pattern %.*s is not implemented (known: those of GPT-2, "
        "Qwen2 and Llama 3)",
        AS_FMT(shown(pattern)));
}

static int read_digits(reader *r, as_jspan p, as_split_rule *rule)
{
    if (rule->kind != AS_SPLIT_NONE || rule->digits != AS_DIGITS_KEPT)
        return as_fail(r->err, AS_EDATA, "pre_tokenizer Digits after another is not implemented");
    rule->digits = is_true(p, "individual_digits") ? AS_DIGITS_SINGLE : AS_DIGITS_RUNS;
    return 0;
}

static int read_pre_part(reader *r, as_jspan p, as_split_rule *rule, bool *is_bytes)
{
    if (*is_bytes)
        return as_fail(r->err, AS_EDATA, "a pre_tokenizer after ByteLevel is not implemented");
    if (has_type(p, "ByteLevel")) {
        *is_bytes = true;
        return read_byte_level(r, p, rule);
    }
    if (has_type(p, "Split"))
        return read_split(r, p, rule);
    if (has_type(p, "Digits"))
        return read_digits(r, p, rule);
    return refuse(r, "pre_tokenizer", p, "Split, Digits, ByteLevel, Sequence");
}

static int read_pre_tokenizer(reader *r, as_jspan p)
{
    as_split_rule *rule = &r->t->split;
    bool is_bytes = false;
    int rc = 0;
    as_jspan list = as_jobject_get(p, "pretokenizers"), one;
    if (has_type(p, "Sequence") && list.kind == AS_J_ARRAY) {
        for (size_t at = 0; rc == 0 && as_jarray_next(list, &at, &one);)
            rc = read_pre_part(r, one, rule, &is_bytes);
    } else {
        rc = read_pre_part(r, p, rule, &is_bytes);
    }
    if (rc == 0 && !is_bytes)
        return as_fail(r->err, AS_EDATA,
                       "pre_tokenizer without ByteLevel: only byte-level BPE is implemented");
    return rc;
}

static int read_decoder(reader *r, as_jspan d)
{
    as_jspan list = as_jobject_get(d, "decoders"), one;
    bool is_bytes = has_type(d, "ByteLevel");
    if (has_type(d, "Sequence") && list.kind == AS_J_ARRAY) {
        for (size_t at = 0; as_jarray_next(list, &at, &one);) {
            if (has_type(one, "ByteLevel") && !is_bytes)
                is_bytes = true;
            else if (!has_type(one, "Fuse"))
                return refuse(r, "decoder", one, "ByteLevel");
        }
    }
    return is_bytes ? 0 : refuse(r, "decoder", d, "ByteLevel");
}

/* ---- added tokens ---- */

static int check_added(reader *r, const as_added_token *a, size_t n)
{
    if (a->text.len > AS_ADDED_LENGTH)
        return as_fail(r->err, AS_EDATA, "added token %d is longer than %d bytes", a->id,
                       AS_ADDED_LENGTH);
    if (is_sparse(a->id + 1, (size_t)r->t->bpe.n_tokens + n))
        return as_fail(r->err, AS_EDATA,
                       "added token \"%.*s\" has the id %d: too far from the others",
                       AS_FMT(a->text), a->id);
    if (a->id < r->t->bpe.n_tokens) {
        as_str other = as_bpe_text(&r->t->bpe, a->id);
        if (other.len && !as_str_eq(other, a->text))
            return as_fail(r->err, AS_EDATA, "added token \"%.*s\" has the id %d of another token",
                           AS_FMT(a->text), a->id);
    }
    return 0;
}

static int read_added_one(reader *r, as_jspan o, as_added_token *a, size_t n)
{
    as_jspan content = as_jobject_get(o, "content");
    if (content.kind != AS_J_STRING)
        return as_fail(r->err, AS_EDATA, "added token %.*s has no content", AS_FMT(shown(o)));
    int rc = check_id(r, content, as_jobject_get(o, "id"), &a->id);
    if (rc < 0)
        return rc;
    a->text = as_jstring(content, &r->t->arena, NULL);
    a->is_special = is_true(o, "special");
    a->takes_left = is_true(o, "lstrip");
    a->takes_right = is_true(o, "rstrip");
    a->is_word = is_true(o, "single_word");
    a->is_normalized = is_true(o, "normalized");
    if (!a->text.data)
        return as_fail(r->err, AS_ENOMEM, "out of memory for added tokens");
    rc = check_added(r, a, n);
    if (rc < 0 || !a->is_normalized || !r->t->is_nfc || as_nfc_is_plain(a->text))
        return rc;
    as_nfc nfc = { 0 };
    rc = as_nfc_run(&nfc, a->text, r->err);
    if (rc == 0) {
        a->text = as_arena_str(&r->t->arena, as_buf_str(&nfc.text));
        rc = a->text.data ? 0 : as_fail(r->err, AS_ENOMEM, "out of memory for added tokens");
    }
    as_nfc_fini(&nfc);
    return rc;
}

/* By id, so that decoding finds a token at once. */
static int index_added(reader *r)
{
    as_tokenizer *t = r->t;
    t->n_ids = t->bpe.n_tokens;
    for (size_t i = 0; i < t->n_added; i++)
        t->n_ids = t->added[i].id >= t->n_ids ? t->added[i].id + 1 : t->n_ids;
    t->added_at = as_realloc_array(NULL, (size_t)t->n_ids, sizeof *t->added_at);
    if (!t->added_at)
        return as_fail(r->err, AS_ENOMEM, "out of memory for %d tokens", t->n_ids);
    memset(t->added_at, 0xFF, (size_t)t->n_ids * sizeof *t->added_at);
    for (size_t i = 0; i < t->n_added; i++) {
        int32_t *at = &t->added_at[t->added[i].id];
        if (*at >= 0)
            return as_fail(r->err, AS_EDATA,
                           "added tokens \"%.*s\" and \"%.*s\" have the same id %d",
                           AS_FMT(t->added[*at].text), AS_FMT(t->added[i].text), t->added[i].id);
        *at = (int32_t)i;
    }
    int rc = as_added_build(&t->raw, t->added, t->n_added, false, r->err);
    return rc < 0 ? rc : as_added_build(&t->normalized, t->added, t->n_added, true, r->err);
}

static int read_added(reader *r, as_jspan list)
{
    as_tokenizer *t = r->t;
    as_jspan one;
    size_t n = 0;
    if (list.kind == AS_J_ARRAY)
        for (size_t at = 0; as_jarray_next(list, &at, &one);)
            n++;
    else if (list.kind != AS_J_NONE && list.kind != AS_J_NULL)
        return as_fail(r->err, AS_EDATA, "added_tokens is no array");
    if (n > AS_BPE_TOKENS)
        return as_fail(r->err, AS_EDATA, "%zu added tokens are too many", n);
    t->added = as_arena_calloc(&t->arena, n + 1, sizeof *t->added);
    if (!t->added)
        return as_fail(r->err, AS_ENOMEM, "out of memory for %zu added tokens", n);
    for (size_t at = 0; as_jarray_next(list, &at, &one);) {
        int rc = read_added_one(r, one, &t->added[t->n_added], n);
        if (rc < 0)
            return rc;
        t->n_added += t->added[t->n_added].text.len > 0; /* an empty one is never found */
    }
    return index_added(r);
}

/* ---- the post-processor: ids around a text ---- */

/* Ids of a SpecialToken of a template: `special_tokens` has them by name. */
static int add_template_ids(reader *r, as_jspan name, as_jspan tokens, int32_t *ids, size_t *n,
                            size_t room)
{
    as_jspan key, value, id;
    as_str wanted = as_jstring(name, &r->t->arena, NULL);
    for (size_t at = 0; wanted.data && as_jobject_next(tokens, &at, &key, &value);) {
        if (!as_jspan_is(key, wanted.data))
            continue;
        as_jspan list = as_jobject_get(value, "ids");
        for (size_t i = 0; as_jarray_next(list, &i, &id);) {
            int rc = *n < room ? check_id(r, name, id, &ids[*n])
                               : as_fail(r->err, AS_EDATA,
                                         "post_processor adds more than %zu tokens", room);
            if (rc < 0)
                return rc;
            ++*n;
        }
        return 0;
    }
    return as_fail(r->err, AS_EDATA,
                   "post_processor names the token %.*s, which its special_tokens lack",
                   AS_FMT(shown(name)));
}

static int read_template(reader *r, as_jspan p)
{
    enum { ROOM = 64 };
    as_tokenizer *t = r->t;
    as_jspan single = as_jobject_get(p, "single"), tokens = as_jobject_get(p, "special_tokens"),
             one;
    if (single.kind != AS_J_ARRAY || t->before)
        return as_fail(r->err, AS_EDATA,
                       t->before ? "two templates in post_processor are not implemented"
                                 : "post_processor TemplateProcessing has no single");
    t->before = as_arena_calloc(&t->arena, ROOM, sizeof *t->before);
    t->after = as_arena_calloc(&t->arena, ROOM, sizeof *t->after);
    if (!t->before || !t->after)
        return as_fail(r->err, AS_ENOMEM, "out of memory for a post_processor");
    bool seen = false;
    for (size_t at = 0; as_jarray_next(single, &at, &one);) {
        as_jspan special = as_jobject_get(one, "SpecialToken");
        if (special.kind == AS_J_OBJECT) {
            int rc = add_template_ids(r, as_jobject_get(special, "id"), tokens,
                                      seen ? t->after : t->before,
                                      seen ? &t->n_after : &t->n_before, ROOM);
            if (rc < 0)
                return rc;
        } else if (as_jspan_is(as_jobject_get(as_jobject_get(one, "Sequence"), "id"), "A") &&
                   !seen) {
            seen = true;
        } else {
            return as_fail(r->err, AS_EDATA, "post_processor: %.*s in single is not implemented",
                           AS_FMT(shown(one)));
        }
    }
    return seen ? 0 : as_fail(r->err, AS_EDATA, "post_processor: single lacks the sequence A");
}

static int read_post_part(reader *r, as_jspan p)
{
    if (has_type(p, "ByteLevel")) /* trims offsets, which ours need not */
        return 0;
    if (has_type(p, "TemplateProcessing"))
        return read_template(r, p);
    return refuse(r, "post_processor", p, "TemplateProcessing, ByteLevel, Sequence, null");
}

static int read_post_processor(reader *r, as_jspan p)
{
    if (p.kind == AS_J_NONE || p.kind == AS_J_NULL)
        return 0;
    as_jspan list = as_jobject_get(p, "processors"), one;
    if (!has_type(p, "Sequence") || list.kind != AS_J_ARRAY)
        return read_post_part(r, p);
    int rc = 0;
    for (size_t at = 0; rc == 0 && as_jarray_next(list, &at, &one);)
        rc = read_post_part(r, one);
    return rc;
}

static int read_all(reader *r, as_jspan root)
{
    int rc = read_model(r, as_jobject_get(root, "model"));
    if (rc == 0)
        rc = read_normalizer(r, as_jobject_get(root, "normalizer"));
    if (rc == 0)
        rc = read_pre_tokenizer(r, as_jobject_get(root, "pre_tokenizer"));
    if (rc == 0)
        rc = read_decoder(r, as_jobject_get(root, "decoder"));
    if (rc == 0)
        rc = read_added(r, as_jobject_get(root, "added_tokens"));
    return rc < 0 ? rc : read_post_processor(r, as_jobject_get(root, "post_processor"));
}

int as_tokenizer_read(as_tokenizer *t, as_str json, as_err *err)
{
    as_jspan root;
    int rc = as_json_scan(json, &root, err);
    if (rc < 0)
        return rc;
    reader r = { .t = t, .err = err };
    if (root.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "not an object");
    as_arena_init(&r.scratch, 0);
    fill_bytes(r.byte_of);
    rc = read_all(&r, root);
    as_arena_fini(&r.scratch);
    return rc;
}
