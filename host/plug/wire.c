/* wire.c -- messages between host and worker: written in one piece, read with every length checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/wire.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/socket.h>

#define MAGIC 0x41570000u /* "AW" in the upper half, the type below */
enum { CHUNK = 256 * 1024 };

/* ---- transport ---- */

void as_wire_init(as_wire *w, int fd)
{
    *w = (as_wire){ .fd = fd };
    as_buf_init(&w->rest, AS_WIRE_MAX);
}

void as_wire_fini(as_wire *w)
{
    as_buf_fini(&w->rest);
}

static int wait_or_stop(const as_wire *w)
{
    return w->idle ? w->idle(w->ctx) : 0;
}

/* At least one more byte into msg. */
static int recv_some(as_wire *w, as_buf *msg, size_t need, as_err *err)
{
    size_t more = need - msg->len;
    if (!as_buf_reserve(msg, more < CHUNK
                                 ? more
                                 : CHUNK)) /* grows with what arrives, not with what is claimed */
        return as_fail(err, AS_ENOMEM, "message of %zu bytes: out of memory", need);
    for (;;) {
        ssize_t got = recv(w->fd, msg->data + msg->len, msg->cap - msg->len - 1, 0);
        if (got > 0) {
            msg->len += (size_t)got;
            msg->data[msg->len] = 0;
            return 0;
        }
        if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
            return as_fail(err, AS_EIO, "the connection was closed");
        int stop = errno == EINTR ? 0 : wait_or_stop(w);
        if (stop)
            return stop;
    }
}

static int check_header(const as_buf *msg, uint32_t *type, size_t *total, as_err *err)
{
    uint32_t word, zero;
    uint64_t length;
    memcpy(&word, msg->data, 4);
    memcpy(&zero, msg->data + 4, 4);
    memcpy(&length, msg->data + 8, 8);
    *type = word & 0xffffu;
    if ((word & 0xffff0000u) != MAGIC || *type == 0 || *type >= AS_WIRE_N_TYPES || zero != 0 ||
        length % 8 || length > AS_WIRE_MAX - AS_WIRE_HEADER)
        return as_fail(err, AS_EDATA, "a message with a senseless header");
    *total = AS_WIRE_HEADER + (size_t)length;
    return 0;
}

int as_wire_recv(as_wire *w, as_buf *msg, uint32_t *type, as_str *payload, as_err *err)
{
    as_buf_clear(msg);
    as_buf_add(msg, as_buf_str(&w->rest));
    as_buf_clear(&w->rest);
    size_t need = AS_WIRE_HEADER;
    int rc = as_buf_check(msg, err);
    while (rc == 0 && msg->len < AS_WIRE_HEADER)
        rc = recv_some(w, msg, need, err); /* few enough to need no watching */
    if (rc == 0)
        rc = check_header(msg, type, &need, err);
    while (rc == 0 && msg->len < need) {
        rc = recv_some(w, msg, need, err);
        if (rc == 0 && msg->len < need) /* one that comes in drops must not keep us here either */
            rc = wait_or_stop(w);
    }
    if (rc)
        return rc;
    as_buf_add(&w->rest, (as_str){ msg->data + need, msg->len - need });
    msg->len = need;
    *payload = (as_str){ msg->data + AS_WIRE_HEADER, need - AS_WIRE_HEADER };
    return as_buf_check(&w->rest, err);
}

int as_wire_send(as_wire *w, const as_buf *msg, as_err *err)
{
    for (size_t at = 0; at < msg->len;) {
        ssize_t n = send(w->fd, msg->data + at, msg->len - at, MSG_NOSIGNAL);
        at += n > 0 ? (size_t)n : 0;
        if (n >= 0 && at == msg->len)
            break;
        if (n < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            return as_fail(err, AS_EIO, "the connection was closed");
        int stop = n < 0 && errno == EINTR ? 0 : wait_or_stop(w);
        if (stop)
            return stop;
    }
    return 0;
}

/* ---- writing ---- */

void as_wire_begin(as_buf *b, uint32_t type)
{
    as_buf_clear(b);
    as_buf_raw_u32(b, MAGIC | type);
    as_buf_raw_u32(b, 0);
    as_buf_raw_u64(b, 0); /* the length, set at the end */
}

static void pad(as_buf *b)
{
    static const char zeros[8];
    as_buf_add(b, (as_str){ zeros, (8 - b->len % 8) % 8 });
}

int as_wire_end(as_buf *b, as_err *err)
{
    pad(b);
    if (b->failed)
        return as_fail(err, AS_EBUDGET, "more than %d MiB in one message, or out of memory",
                       AS_WIRE_MAX >> 20);
    uint64_t length = b->len - AS_WIRE_HEADER;
    memcpy(b->data + 8, &length, sizeof length);
    return 0;
}

void as_wire_put_u32(as_buf *b, uint32_t v)
{
    as_buf_add(b, (as_str){ (const char *)&v, sizeof v });
}

void as_wire_put_u64(as_buf *b, uint64_t v)
{
    as_buf_add(b, (as_str){ (const char *)&v, sizeof v });
}

void as_wire_put_str(as_buf *b, as_str s)
{
    as_wire_put_u64(b, s.data ? s.len : UINT64_MAX);
    if (!s.data)
        return;
    as_buf_add(b, s);
    as_buf_byte(b, 0);
    pad(b);
}

static void put_lengths(as_buf *b, const as_str *column, uint32_t n)
{
    if (!as_buf_reserve(b, (size_t)n * 8))
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t length = column[i].data ? column[i].len : UINT64_MAX;
        memcpy(b->data + b->len, &length, 8);
        b->len += 8;
    }
}

static bool column_bytes(const as_str *column, uint32_t n, size_t *total)
{
    bool ok = true;
    for (uint32_t i = 0; i < n; i++)
        ok = ok && (!column[i].data || as_add_ok(*total, column[i].len + 1, total));
    return ok;
}

static void put_texts(as_buf *b, const as_str *column, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!column[i].data)
            continue;
        memcpy(b->data + b->len, column[i].data, column[i].len);
        b->len += column[i].len;
        b->data[b->len++] = 0;
    }
}

void as_wire_put_items(as_buf *b, uint32_t part, uint32_t want, const as_items *items, uint32_t lo,
                       uint32_t hi)
{
    uint32_t n = hi - lo;
    const as_str *columns[] = { items->prompt + lo, items->completion + lo, items->reference + lo,
                                items->meta + lo };
    as_wire_put_u32(b, part);
    as_wire_put_u32(b, want);
    as_wire_put_u64(b, n);
    as_buf_add(b, (as_str){ (const char *)(items->group + lo), (size_t)n * 8 });
    as_buf_add(b, (as_str){ (const char *)(items->seed + lo), (size_t)n * 8 });
    size_t total = 0;
    bool ok = true;
    for (size_t c = 0; c < 4; c++) {
        put_lengths(b, columns[c], n);
        ok = ok && column_bytes(columns[c], n, &total);
    }
    if (!ok || !as_buf_reserve(b, total)) {
        b->failed = true;
        return;
    }
    for (size_t c = 0; c < 4; c++)
        put_texts(b, columns[c], n);
    pad(b);
}

/* ---- reading ---- */

as_wire_reader as_wire_read(as_str payload)
{
    return (as_wire_reader){ .at = payload.data, .end = payload.data + payload.len };
}

/* `size` bytes, or NULL and bad. */
static const char *take(as_wire_reader *r, size_t size)
{
    if (r->bad || (size_t)(r->end - r->at) < size) {
        r->bad = true;
        return NULL;
    }
    const char *p = r->at;
    r->at += size;
    return p;
}

/* n elements, padded to 8 bytes. */
static const void *take_column(as_wire_reader *r, uint32_t n, size_t width)
{
    size_t size = (size_t)n * width; /* n < 2^32, width <= 16 */
    return take(r, (size + 7) & ~(size_t)7);
}

uint32_t as_wire_u32(as_wire_reader *r)
{
    uint32_t v = 0;
    const char *p = take(r, sizeof v);
    if (p)
        memcpy(&v, p, sizeof v);
    return v;
}

uint64_t as_wire_u64(as_wire_reader *r)
{
    uint64_t v = 0;
    const char *p = take(r, sizeof v);
    if (p)
        memcpy(&v, p, sizeof v);
    return v;
}

as_str as_wire_str(as_wire_reader *r)
{
    uint64_t length = as_wire_u64(r);
    if (r->bad || length == UINT64_MAX)
        return (as_str){ NULL, 0 };
    if (length >= (uint64_t)(r->end - r->at)) { /* there is a NUL behind it */
        r->bad = true;
        return (as_str){ NULL, 0 };
    }
    const char *p = take(r, ((size_t)length + 8) & ~(size_t)7);
    if (!p || p[length] != 0) {
        r->bad = true;
        return (as_str){ NULL, 0 };
    }
    return (as_str){ p, (size_t)length };
}

static as_str take_text(as_wire_reader *r, uint64_t length)
{
    if (r->bad || length == UINT64_MAX)
        return (as_str){ NULL, 0 };
    const char *p = length < (uint64_t)(r->end - r->at) ? take(r, (size_t)length + 1) : NULL;
    if (!p || p[length] != 0) {
        r->bad = true;
        return (as_str){ NULL, 0 };
    }
    return (as_str){ p, (size_t)length };
}

static uint64_t length_at(const void *lengths, uint32_t i)
{
    uint64_t v;
    memcpy(&v, (const char *)lengths + (size_t)i * 8, sizeof v);
    return v;
}

static bool read_texts(as_wire_reader *r, const void *lengths, as_str **column, uint32_t n,
                       as_arena *arena)
{
    *column = as_arena_alloc(arena, (size_t)n * sizeof **column);
    for (uint32_t i = 0; *column && i < n; i++)
        (*column)[i] = take_text(r, length_at(lengths, i));
    return *column != NULL;
}

int as_wire_items(as_wire_reader *r, as_items *out, uint32_t *part, uint32_t *want, as_arena *arena,
                  as_err *err)
{
    *part = as_wire_u32(r);
    *want = as_wire_u32(r);
    uint64_t count = as_wire_u64(r);
    if (r->bad ||
        count > (uint64_t)(r->end - r->at) / 48) /* six columns of 8 bytes each are to come */
        return as_fail(err, AS_EDATA, "a batch that is shorter than it says");
    uint32_t n = (uint32_t)count;
    *out = (as_items){ .n = n };
    const void *group = take_column(r, n, 8), *seed = take_column(r, n, 8);
    const void *lengths[4];
    for (size_t c = 0; c < 4; c++)
        lengths[c] = take_column(r, n, 8);
    out->group = as_arena_alloc(arena, (size_t)n * 8);
    out->seed = as_arena_alloc(arena, (size_t)n * 8);
    bool ok = out->group && out->seed;
    as_str **columns[] = { &out->prompt, &out->completion, &out->reference, &out->meta };
    for (size_t c = 0; ok && c < 4; c++)
        ok = read_texts(r, lengths[c], columns[c], n, arena);
    if (!ok)
        return as_fail(err, AS_ENOMEM, "batch of %u items: out of memory", n);
    if (r->bad)
        return as_fail(err, AS_EDATA, "a batch that is shorter than it says");
    memcpy(out->group, group, (size_t)n * 8);
    memcpy(out->seed, seed, (size_t)n * 8);
    return 0;
}

/* ---- the reply ---- */

enum { HAS_SCORE = 1, HAS_VERDICT = 2, HAS_CLASSES = 4 };

static uint32_t count_texts(const as_results *r)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < AS_N_CHANNELS; c++) {
        for (uint32_t i = 0; r->out[c] && i < r->n; i++)
            n += r->out[c][i].data != NULL;
    }
    for (uint32_t i = 0; r->tasks && i < r->n; i++) {
        for (const as_task_node *t = r->tasks[i]; t; t = t->next)
            n++;
    }
    return n;
}

static void put_text(as_buf *b, uint32_t item, uint32_t channel, as_str text)
{
    as_wire_put_u32(b, item);
    as_wire_put_u32(b, channel);
    as_wire_put_str(b, text);
}

static void put_result_texts(as_buf *b, const as_results *r)
{
    for (uint32_t c = 0; c < AS_N_CHANNELS; c++) {
        for (uint32_t i = 0; r->out[c] && i < r->n; i++) {
            if (r->out[c][i].data)
                put_text(b, i, c, r->out[c][i]);
        }
    }
    for (uint32_t i = 0; r->tasks && i < r->n; i++) {
        for (const as_task_node *t = r->tasks[i]; t; t = t->next)
            put_text(b, i, ASSAY_OUT_TASK, t->text);
    }
}

static void put_column(as_buf *b, const void *data, uint32_t n, size_t width)
{
    if (!data)
        return;
    as_buf_add(b, (as_str){ data, (size_t)n * width });
    pad(b);
}

void as_wire_put_reply(as_buf *b, const as_wire_answer *a)
{
    const as_results *r = a->results;
    const float *score = r ? r->score : a->score;
    const assay_verdict *verdict = r ? r->verdict : NULL;
    uint32_t n = r ? r->n : a->n;
    as_wire_begin(b, AS_WIRE_REPLY);
    as_wire_put_u32(b, (uint32_t)a->status);
    as_wire_put_u32(b, (score ? HAS_SCORE : 0u) | (verdict ? HAS_VERDICT : 0u) |
                           (a->classes ? HAS_CLASSES : 0u));
    as_wire_put_u64(b, a->value);
    as_wire_put_u64(b, a->rss_kib);
    as_wire_put_u32(b, n);
    as_wire_put_u32(b, r ? count_texts(r) : 0);
    put_column(b, score, n, sizeof *score);
    put_column(b, verdict, n, sizeof *verdict);
    put_column(b, a->classes, n, sizeof *a->classes);
    as_wire_put_str(b, a->error);
    as_wire_put_str(b, a->info);
    if (r)
        put_result_texts(b, r);
}

bool as_wire_reply_text(const as_wire_reply *reply, size_t *at, uint32_t *item, uint32_t *channel,
                        as_str *text)
{
    if (*at >= reply->texts.len)
        return false;
    as_wire_reader r = as_wire_read((as_str){ reply->texts.data + *at, reply->texts.len - *at });
    *item = as_wire_u32(&r);
    *channel = as_wire_u32(&r);
    *text = as_wire_str(&r);
    *at = (size_t)(r.at - reply->texts.data);
    return !r.bad;
}

static bool texts_hold(as_wire_reply *reply, as_wire_reader *r)
{
    reply->texts = (as_str){ r->at, (size_t)(r->end - r->at) };
    for (uint32_t k = 0; k < reply->n_texts && !r->bad; k++) {
        uint32_t item = as_wire_u32(r), channel = as_wire_u32(r);
        as_str text = as_wire_str(r);
        if (item >= reply->n || channel >= AS_N_CHANNELS || !text.data)
            r->bad = true;
    }
    return !r->bad && r->at == r->end;
}

int as_wire_reply_parse(as_wire_reply *out, as_str payload, as_err *err)
{
    as_wire_reader r = as_wire_read(payload);
    *out = (as_wire_reply){ .status = (int32_t)as_wire_u32(&r) };
    uint32_t has = as_wire_u32(&r);
    out->value = as_wire_u64(&r);
    out->rss_kib = as_wire_u64(&r);
    out->n = as_wire_u32(&r);
    out->n_texts = as_wire_u32(&r);
    if (has & HAS_SCORE)
        out->score = take_column(&r, out->n, sizeof *out->score);
    if (has & HAS_VERDICT)
        out->verdict = take_column(&r, out->n, sizeof *out->verdict);
    if (has & HAS_CLASSES)
        out->classes = take_column(&r, out->n, sizeof *out->classes);
    out->error = as_wire_str(&r);
    out->info = as_wire_str(&r);
    if (r.bad || !texts_hold(out, &r))
        return as_fail(err, AS_EDATA, "a reply that is not what it says");
    return 0;
}

int as_wire_reply_apply(const as_wire_reply *reply, as_results *r, uint32_t lo, uint32_t hi,
                        as_err *err)
{
    if (reply->n != hi - lo || !reply->verdict || !reply->score || hi > r->n)
        return as_fail(err, AS_EDATA, "a reply of %u rows to a question about %u", reply->n,
                       hi - lo);
    memcpy(r->score + lo, reply->score, (size_t)reply->n * sizeof *r->score);
    memcpy(r->verdict + lo, reply->verdict, reply->n);
    uint32_t item = 0, channel = 0;
    as_str text;
    for (size_t at = 0; as_wire_reply_text(reply, &at, &item, &channel, &text);) {
        if (as_results_emit(r, lo + item, channel, text) < 0)
            return as_fail(err, AS_ENOMEM, "texts of %u items: out of memory", reply->n);
    }
    return 0;
}
