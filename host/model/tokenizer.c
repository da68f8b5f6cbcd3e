/* tokenizer.c -- the walk of a text through added tokens, normal form, pieces and merges, and the
 * way back. SPDX-License-Identifier: Apache-2.0 */
#include "model/tokenizer.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/tokenizer_inner.h"
#include "model/unicode.h"

enum { MAX_FILE = 256 << 20 };

struct as_encoder {
    const as_tokenizer *t;
    as_bpe_run run;
    as_nfc nfc;
};

/* ---- opening ---- */

int as_tokenizer_parse(as_tokenizer **out, as_str json, const char *name, as_err *err)
{
    as_tokenizer *t = as_calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", name);
    as_arena_init(&t->arena, 0);
    int rc = as_tokenizer_read(t, json, err);
    if (rc < 0) {
        as_err_prefix(err, "%s", name);
        as_tokenizer_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

int as_tokenizer_open(as_tokenizer **out, const char *folder, as_err *err)
{
    *out = NULL;
    AS_CLEANUP(free) char *path = as_path_join(folder, "tokenizer.json");
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    AS_CLEANUP(buf) as_buf text;
    as_buf_init(&text, MAX_FILE);
    int rc = as_file_read(path, &text, err);
    return rc < 0 ? rc : as_tokenizer_parse(out, as_buf_str(&text), path, err);
}

void as_tokenizer_free(as_tokenizer *t)
{
    if (!t)
        return;
    as_bpe_fini(&t->bpe);
    as_added_fini(&t->raw);
    as_added_fini(&t->normalized);
    as_free(t->added_at);
    as_arena_fini(&t->arena);
    as_free(t);
}

int32_t as_tokenizer_size(const as_tokenizer *t)
{
    return t->n_ids;
}

int32_t as_tokenizer_id(const as_tokenizer *t, as_str text)
{
    for (size_t i = 0; i < t->n_added; i++)
        if (as_str_eq(t->added[i].text, text))
            return t->added[i].id;
    return as_bpe_find(&t->bpe, text);
}

static const as_added_token *added_of(const as_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n_ids && t->added_at[id] >= 0 ? &t->added[t->added_at[id]] : NULL;
}

as_str as_tokenizer_text(const as_tokenizer *t, int32_t id)
{
    const as_added_token *added = added_of(t, id);
    if (added)
        return added->text;
    return id >= 0 && id < t->bpe.n_tokens ? as_bpe_text(&t->bpe, id) : AS_LIT("");
}

bool as_tokenizer_is_special(const as_tokenizer *t, int32_t id)
{
    const as_added_token *added = added_of(t, id);
    return added && added->is_special;
}

/* ---- encoding ---- */

int as_encoder_new(as_encoder **out, const as_tokenizer *t, as_err *err)
{
    *out = NULL;
    as_encoder *e = as_calloc(1, sizeof *e);
    if (!e)
        return as_fail(err, AS_ENOMEM, "out of memory for an encoder");
    e->t = t;
    int rc = as_bpe_run_init(&e->run, &t->bpe, err);
    if (rc < 0) {
        as_free(e);
        return rc;
    }
    *out = e;
    return 0;
}

void as_encoder_free(as_encoder *e)
{
    if (!e)
        return;
    as_bpe_run_fini(&e->run);
    as_nfc_fini(&e->nfc);
    as_free(e);
}

void as_tokens_fini(as_tokens *t)
{
    as_free(t->ids);
    as_free(t->spans);
    *t = (as_tokens){ 0 };
}

static bool grow(as_tokens *t, size_t more)
{
    size_t cap = t->cap ? t->cap : 256;
    while (cap - t->n < more)
        if (!as_mul_ok(cap, 2, &cap))
            return false;
    int32_t *ids = as_realloc_array(t->ids, cap, sizeof *ids);
    t->ids = ids ? ids : t->ids;
    as_token_span *spans = as_realloc_array(t->spans, cap, sizeof *spans);
    t->spans = spans ? spans : t->spans;
    if (!ids || !spans)
        return false;
    t->cap = cap;
    return true;
}

/* A walk's ends: tokens for as_encode, pieces for as_encode_pieces. */
typedef struct sink {
    as_encoder *e;
    as_tokens *out;
    void (*piece)(void *ctx, as_str text);
    void *ctx;
    as_str whole;   /* the caller's text, or a normal form of part of it */
    uint32_t begin; /* where `whole` begins in the caller's text, before NFC is undone */
    const as_nfc *nfc;
    size_t edit; /* the first edit that ends after what was put last */
    as_err *err;
} sink;

static int put_one(sink *s, int32_t id, uint32_t start, uint32_t end)
{
    as_tokens *out = s->out;
    if (out->n == out->cap && !grow(out, 1))
        return as_fail(s->err, AS_ENOMEM, "out of memory while encoding");
    out->ids[out->n] = id;
    out->spans[out->n++] = (as_token_span){ start, end };
    return 0;
}

/* A span of the normal form as one of the caller's text. Spans come in order. */
static as_token_span undo_nfc(sink *s, size_t start, size_t end)
{
    const as_nfc *n = s->nfc;
    if (!n)
        return (as_token_span){ s->begin + (uint32_t)start, s->begin + (uint32_t)end };
    while (s->edit < n->n_edits && n->edits[s->edit].out_end <= start)
        s->edit++;
    size_t i = s->edit;
    uint32_t shift =
        i ? n->edits[i - 1].in_end - n->edits[i - 1].out_end : 0; /* wraps as it should */
    as_token_span span = { (uint32_t)start + shift, 0 };
    if (i < n->n_edits && n->edits[i].out_start < start)
        span.start = n->edits[i].in_start;
    while (i < n->n_edits && n->edits[i].out_end <= end)
        i++;
    shift = i ? n->edits[i - 1].in_end - n->edits[i - 1].out_end : 0;
    span.end = (uint32_t)end + shift;
    if (i < n->n_edits && n->edits[i].out_start < end)
        span.end = n->edits[i].in_end;
    return (as_token_span){ s->begin + span.start, s->begin + span.end };
}

static int put_piece(sink *s, as_str piece)
{
    const int32_t *ids;
    size_t n, at = (size_t)(piece.data - s->whole.data);
    if (s->piece) {
        s->piece(s->ctx, piece);
        return 0;
    }
    int rc = as_bpe_piece(&s->e->run, piece, s->whole.len - at, &ids, &n, s->err);
    if (rc < 0)
        return rc;
    as_tokens *out = s->out;
    if (out->cap - out->n < n && !grow(out, n))
        return as_fail(s->err, AS_ENOMEM, "out of memory while encoding");
    const uint32_t *starts = s->e->t->bpe.starts;
    uint32_t begin = s->begin + (uint32_t)at;
    for (size_t i = 0; i < n; i++) {
        uint32_t len = starts[ids[i] + 1] - starts[ids[i]];
        out->ids[out->n] = ids[i];
        out->spans[out->n++] =
            s->nfc ? undo_nfc(s, at, at + len) : (as_token_span){ begin, begin + len };
        at += len;
        begin += len;
    }
    return 0;
}

static int put_text(sink *s, as_str text)
{
    as_split split = as_split_start(s->e->t->split, text);
    as_str piece;
    int rc = 0;
    while (rc == 0 && as_split_next(&split, &piece))
        rc = put_piece(s, piece);
    return rc;
}

static int put_hit(sink *s, as_added_hit hit)
{
    if (s->piece) {
        s->piece(s->ctx, (as_str){ s->whole.data + hit.start, hit.end - hit.start });
        return 0;
    }
    as_token_span span = undo_nfc(s, hit.start, hit.end);
    return put_one(s, hit.token->id, span.start, span.end);
}

/* s->whole, a stretch without added tokens of the raw text, in normal form: the other added tokens,
 * and the text between them. */
static int put_normal(sink *s, bool is_plain)
{
    as_added_walk walk = { .set = &s->e->t->normalized,
                           .text = s->whole,
                           .skips_special = is_plain };
    as_added_hit hit;
    size_t done = 0;
    int rc = 0;
    while (rc == 0 && as_added_next(&walk, &hit)) {
        rc = put_text(s, (as_str){ s->whole.data + done, hit.start - done });
        if (rc == 0)
            rc = put_hit(s, hit);
        done = hit.end;
    }
    return rc < 0 ? rc : put_text(s, (as_str){ s->whole.data + done, s->whole.len - done });
}

static int put_stretch(sink *s, as_str stretch, size_t begin, bool is_plain)
{
    sink part = *s;
    if (stretch.len == 0)
        return 0;
    part.whole = stretch;
    part.begin = (uint32_t)begin;
    if (s->e->t->is_nfc && !as_nfc_is_plain(stretch)) {
        int rc = as_nfc_run(&s->e->nfc, stretch, s->err);
        if (rc < 0)
            return rc;
        part.nfc = &s->e->nfc;
        part.whole = as_buf_str(&s->e->nfc.text);
    }
    return put_normal(&part, is_plain);
}

static int put_all(sink *s, as_str text, bool is_plain)
{
    as_added_walk walk = { .set = &s->e->t->raw, .text = text, .skips_special = is_plain };
    as_added_hit hit;
    size_t done = 0;
    int rc = 0;
    if (text.len >= UINT32_MAX / 4) /* so is its normal form below 4 GiB */
        return as_fail(s->err, AS_EDATA, "a text of %zu bytes is too long to encode", text.len);
    s->whole = text;
    while (rc == 0 && as_added_next(&walk, &hit)) {
        rc = put_stretch(s, (as_str){ text.data + done, hit.start - done }, done, is_plain);
        if (rc == 0)
            rc = put_hit(s, hit);
        done = hit.end;
    }
    return rc < 0 ? rc
                  : put_stretch(s, (as_str){ text.data + done, text.len - done }, done, is_plain);
}

int as_encode(as_encoder *e, as_str text, unsigned flags, as_tokens *out, as_err *err)
{
    const as_tokenizer *t = e->t;
    sink s = { .e = e, .out = out, .err = err };
    bool is_wrapped = flags & AS_ENCODE_SPECIAL;
    size_t before = out->n;
    int rc = 0;
    for (size_t i = 0; is_wrapped && rc == 0 && i < t->n_before; i++)
        rc = put_one(&s, t->before[i], 0, 0);
    if (rc == 0)
        rc = put_all(&s, text, flags & AS_ENCODE_PLAIN);
    for (size_t i = 0; is_wrapped && rc == 0 && i < t->n_after; i++)
        rc = put_one(&s, t->after[i], (uint32_t)text.len, (uint32_t)text.len);
    if (rc < 0)
        out->n = before;
    return rc;
}

int as_encode_pieces(as_encoder *e, as_str text, unsigned flags,
                     void (*piece)(void *ctx, as_str text), void *ctx, as_err *err)
{
    as_tokens none = { 0 };
    sink s = { .e = e, .out = &none, .piece = piece, .ctx = ctx, .err = err };
    return put_all(&s, text, flags & AS_ENCODE_PLAIN);
}
