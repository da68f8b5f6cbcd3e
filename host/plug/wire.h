/* wire.h -- what a host and its worker say to each other: framed messages over a socket pair, columns inside.
 *
 * Header: u32 "AW" and type, u32 zero, u64 length of the payload (a multiple of 8, at most AS_WIRE_MAX). The host asks
 * (CREATE, SCORE, EXTRACT, SAME) and the worker answers with one REPLY; in between it may log and ask for parts, and is
 * answered by a REPLY of the host. Both ends run on one machine: numbers are native. Whatever is read is checked against
 * the bytes that are there before it is used, on both sides: a mad worker must not hurt the host.
 * Threads: one at a time per as_wire.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_WIRE_H
#define AS_PLUG_WIRE_H
#include "base/buf.h"
#include "data/item.h"
#include "plug/results.h"

enum { AS_WIRE_MAX = 1 << 30, AS_WIRE_HEADER = 16 };
enum { /* the descriptors a worker starts with, besides 0-2 */
       AS_WIRE_FD = 3,
       AS_WIRE_SHARED_FD = 4
};

typedef enum as_wire_type {
    AS_WIRE_CREATE = 1, /* path, verifier, config, timeout, memory -> REPLY (info, range) */
    AS_WIRE_SCORE,      /* items -> REPLY (scores, verdicts, texts) */
    AS_WIRE_EXTRACT,    /* items -> REPLY (verdicts, texts) */
    AS_WIRE_SAME,       /* two texts -> REPLY (value) */
    AS_WIRE_LOG,        /* from here on asked by the worker. level, line: no reply */
    AS_WIRE_PART_OPEN,  /* name -> REPLY (value) */
    AS_WIRE_PART_SCORE,
    AS_WIRE_PART_CLASSES,
    AS_WIRE_PART_EXTRACT,
    AS_WIRE_PART_SAME,
    AS_WIRE_REPLY,
    AS_WIRE_SANDBOX, /* programs (sandboxed.h) -> REPLY (info: what became of them) */
    AS_WIRE_N_TYPES
} as_wire_type;

/* ---- transport ---- */
typedef struct as_wire {
    int fd;
    as_buf rest; /* came in with the message before */
    /* Called when nothing could be read or written for the socket's time-out, and between the pieces of a message;
     * non-zero ends the wait with that value. NULL: waits for ever. */
    int (*idle)(void *ctx);
    void *ctx;
} as_wire;
void as_wire_init(as_wire *w, int fd);
void as_wire_fini(as_wire *w); /* does not close fd */
/* A whole message into *msg (its header included, so that the payload is 8-aligned). 0; AS_EIO: the other side is
 * gone; AS_EDATA: garbage; or what idle() returned. */
int as_wire_recv(as_wire *w, as_buf *msg, uint32_t *type, as_str *payload, as_err *err);
int as_wire_send(as_wire *w, const as_buf *msg, as_err *err);

/* ---- writing: begin, put..., end ---- */
void as_wire_begin(as_buf *b, uint32_t type);
int as_wire_end(as_buf *b, as_err *err); /* AS_EBUDGET where the message is larger than AS_WIRE_MAX */
void as_wire_put_u32(as_buf *b, uint32_t v);
void as_wire_put_u64(as_buf *b, uint64_t v);
void as_wire_put_str(as_buf *b, as_str s); /* absent stays absent */
void as_wire_put_items(as_buf *b, uint32_t part, uint32_t want, const as_items *items, uint32_t lo, uint32_t hi);

/* ---- reading ---- */
typedef struct as_wire_reader {
    const char *at, *end;
    bool bad; /* sticky: something did not fit; all later reads give zero */
} as_wire_reader;
as_wire_reader as_wire_read(as_str payload);
uint32_t as_wire_u32(as_wire_reader *r);
uint64_t as_wire_u64(as_wire_reader *r);
as_str as_wire_str(as_wire_reader *r); /* points into the message */
/* Columns in the arena, texts in the message. */
int as_wire_items(as_wire_reader *r, as_items *out, uint32_t *part, uint32_t *want, as_arena *arena, as_err *err);

/* ---- the one reply for everything ---- */
typedef struct as_wire_reply {
    int32_t status;  /* assay_status, or an error code of ours for CREATE */
    uint32_t n;      /* rows */
    uint64_t value;  /* PART_OPEN, SAME, CREATE: see there */
    uint64_t rss_kib; /* of the worker */
    const float *score;           /* n, or NULL */
    const assay_verdict *verdict; /* n, or NULL */
    const uint32_t *classes;      /* n, or NULL */
    as_str error, info;
    uint32_t n_texts;
    as_str texts; /* checked, not yet unpacked */
} as_wire_reply;
/* results (may be NULL) gives texts and, with `columns`, scores and verdicts; classes may be NULL. */
typedef struct as_wire_answer {
    int32_t status;
    uint64_t value, rss_kib;
    const as_results *results;
    const float *score; /* instead of results': n_score */
    const uint32_t *classes;
    uint32_t n;
    as_str error, info;
} as_wire_answer;
void as_wire_put_reply(as_buf *b, const as_wire_answer *a);
/* Checks everything; AS_EDATA. payload must be 8-aligned. */
int as_wire_reply_parse(as_wire_reply *out, as_str payload, as_err *err);
/* Rows of the reply into rows lo.. of r: AS_EDATA unless it has exactly hi - lo rows. */
int as_wire_reply_apply(const as_wire_reply *reply, as_results *r, uint32_t lo, uint32_t hi, as_err *err);
/* The texts one by one: false at the end. *at starts at 0. */
bool as_wire_reply_text(const as_wire_reply *reply, size_t *at, uint32_t *item, uint32_t *channel, as_str *text);
#endif
