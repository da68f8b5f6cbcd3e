/* tfevents.c -- TFRecord framing, and the few protobuf messages we need, by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/tfevents.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "train/growing.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { HOST_BYTES = 64, TIME_DIGITS = 10 };
#define PREFIX "events.out.tfevents."
#define TIME_MAX                                                                                   \
    INT64_C(9999999999) /* names are compared as texts: the digits must stay as many               \
                         */

struct as_tfevents {
    as_growing file;
    as_buf value, summary, event,
        record; /* inner to outer; kept, so that a step allocates nothing */
};

/* ---- records ---- */

/* Reflected polynomial 0x82F63B78, four bits at a time: an event has a few hundred bytes. */
uint32_t as_crc32c(as_str bytes)
{
    static const uint32_t table[16] = { 0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1,
                                        0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                        0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                        0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75 };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.data[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

static uint32_t masked(as_str bytes)
{
    uint32_t crc = as_crc32c(bytes);
    return ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8);
}

/* t->event framed, added to t->record. */
static void frame(as_tfevents *t)
{
    as_str data = as_buf_str(&t->event);
    size_t start = t->record.len;
    as_buf_raw_u64(&t->record, data.len);
    if (!t->record.failed)
        as_buf_raw_u32(&t->record, masked((as_str){ t->record.data + start, 8 }));
    as_buf_add(&t->record, data);
    as_buf_raw_u32(&t->record, masked(data));
    t->record.failed = t->record.failed || t->event.failed;
}

/* ---- protobuf ---- */

typedef enum wire { VARINT = 0, I64 = 1, LEN = 2, I32 = 5 } wire;

static void put_varint(as_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        as_buf_byte(b, (char)(v | 0x80));
    as_buf_byte(b, (char)v);
}

static void put_key(as_buf *b, unsigned field, wire type)
{
    put_varint(b, field << 3 | (unsigned)type);
}

static void put_bytes(as_buf *b, unsigned field, as_str bytes)
{
    put_key(b, field, LEN);
    put_varint(b, bytes.len);
    as_buf_add(b, bytes);
}

static void put_number(as_buf *b, unsigned field, uint64_t v)
{
    put_key(b, field, VARINT);
    put_varint(b, v);
}

static void put_inner(as_buf *b, unsigned field, const as_buf *message)
{
    put_bytes(b, field, as_buf_str(message));
    b->failed = b->failed || message->failed;
}

/* An Event up to what it is about. */
static void begin_event(as_tfevents *t, double wall_time, uint64_t step)
{
    uint64_t bits = 0;
    as_buf_clear(&t->event);
    memcpy(&bits, &wall_time, sizeof bits);
    put_key(&t->event, 1, I64);
    as_buf_raw_u64(&t->event, bits);
    if (step)
        put_number(&t->event, 2, step);
}

static void put_scalar(as_tfevents *t, const as_tfscalar *s)
{
    uint32_t bits = 0;
    as_buf_clear(&t->value);
    put_bytes(&t->value, 1, s->tag);
    memcpy(&bits, &s->value, sizeof bits);
    put_key(&t->value, 2, I32);
    as_buf_raw_u32(&t->value, bits);
    put_inner(&t->summary, 1, &t->value);
}

static int write_records(as_tfevents *t, as_err *err)
{
    if (t->record.failed)
        return as_fail(err, AS_EDATA,
                       "%s: an event over %d bytes, or out of memory: log less at once",
                       t->file.path, AS_TFEVENTS_RECORD_MAX);
    return as_growing_put(&t->file, as_buf_str(&t->record), err);
}

/* ---- files ---- */

/* The time in the name of an event file; -1 of any other name. */
static int64_t time_of(const char *name)
{
    const size_t prefix = sizeof PREFIX - 1;
    unsigned long long time = 0;
    if (strncmp(name, PREFIX, prefix) != 0 || strspn(name + prefix, "0123456789") != TIME_DIGITS ||
        !as_str_u64((as_str){ name + prefix, TIME_DIGITS }, &time))
        return -1;
    return (int64_t)time;
}

static int find_newest(const char *dir, int64_t *newest, as_err *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return as_fail_errno(err, "%s", dir);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        int64_t time = time_of(e->d_name);
        *newest = time > *newest ? time : *newest;
    }
    (void)closedir(d);
    return 0;
}

static void host_name(char out[HOST_BYTES])
{
    if (gethostname(out, HOST_BYTES) != 0 || !out[0])
        memcpy(out, "localhost", sizeof "localhost");
    out[HOST_BYTES - 1] = 0;
    for (char *p = out; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
              *p == '-' || *p == '_' || *p == '.'))
            *p = '_';
}

static int open_file(as_tfevents *t, const char *dir, double wall_time, as_err *err)
{
    static atomic_uint counter;
    char host[HOST_BYTES];
    char name[HOST_BYTES + 80];
    int64_t newest = -1;
    int rc = find_newest(dir, &newest, err);
    if (rc < 0)
        return rc;
    int64_t time = wall_time > 0 && wall_time < (double)TIME_MAX ? (int64_t)wall_time : 0;
    if (time <= newest)
        time = newest + 1; /* two in one second, or a clock that went back */
    if (time > TIME_MAX)
        return as_fail(err, AS_EUSAGE,
                       "%s: no event file can come after " PREFIX "%" PRId64 "...; rename that one",
                       dir, newest);
    host_name(host);
    (void)snprintf(name, sizeof name, PREFIX "%010" PRId64 ".%s.%ld.%u", time, host, (long)getpid(),
                   atomic_fetch_add(&counter, 1));
    AS_CLEANUP(free) char *path = as_path_join(dir, name);
    return path ? as_growing_open(&t->file, path, true, err)
                : as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
}

static int write_head(as_tfevents *t, double wall_time, uint64_t first_step, as_err *err)
{
    begin_event(t, wall_time, 0);
    put_bytes(&t->event, 3, AS_LIT("brain.Event:2"));
    as_buf_clear(&t->value);
    put_bytes(&t->value, 1, AS_LIT("assay"));
    put_inner(&t->event, 10, &t->value);
    as_buf_clear(&t->record);
    frame(t);
    begin_event(t, wall_time, first_step);
    as_buf_clear(&t->value);
    put_number(&t->value, 1, 1); /* START */
    put_inner(&t->event, 7, &t->value);
    frame(t);
    return write_records(t, err);
}

/* ---- public ---- */

int as_tfevents_open(as_tfevents **out, const char *dir, double wall_time, uint64_t first_step,
                     as_err *err)
{
    as_tfevents *t = as_calloc(1, sizeof *t);
    if (!t)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
    t->file.fd = -1;
    as_buf *const buffers[] = { &t->value, &t->summary, &t->event };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        as_buf_init(buffers[i], AS_TFEVENTS_RECORD_MAX);
    as_buf_init(&t->record, (size_t)2 * AS_TFEVENTS_RECORD_MAX);
    int rc = open_file(t, dir, wall_time, err);
    if (rc == 0)
        rc = write_head(t, wall_time, first_step, err);
    if (rc < 0 && t->file.path)
        (void)unlink(t->file.path); /* the beginning of a file is of no use to anybody */
    if (rc < 0)
        (void)as_tfevents_close(t, NULL);
    else
        *out = t;
    return rc;
}

int as_tfevents_scalars(as_tfevents *t, double wall_time, uint64_t step, const as_tfscalar *values,
                        size_t n, as_err *err)
{
    as_buf_clear(&t->summary);
    for (size_t i = 0; i < n; i++)
        put_scalar(t, &values[i]);
    begin_event(t, wall_time, step);
    put_inner(&t->event, 5, &t->summary);
    as_buf_clear(&t->record);
    frame(t);
    return write_records(t, err);
}

/* What tf.summary.text makes of one text: a scalar string tensor for the plugin "text". */
int as_tfevents_text(as_tfevents *t, double wall_time, uint64_t step, as_str tag, as_str text,
                     as_err *err)
{
    as_buf_clear(&t->value);
    put_number(&t->value, 1, 7); /* DT_STRING */
    put_bytes(&t->value, 2, AS_LIT(""));
    put_bytes(&t->value, 8, text);
    as_buf_clear(&t->event);
    put_bytes(&t->event, 1, tag);
    put_inner(&t->event, 8, &t->value);
    as_buf_clear(&t->value);
    put_bytes(&t->value, 1, AS_LIT("\n\4text")); /* plugin_data { plugin_name: "text" } */
    put_number(&t->value, 4, 2);                 /* DATA_CLASS_TENSOR */
    put_inner(&t->event, 9, &t->value);
    as_buf_clear(&t->summary);
    put_inner(&t->summary, 1, &t->event);
    begin_event(t, wall_time, step);
    put_inner(&t->event, 5, &t->summary);
    as_buf_clear(&t->record);
    frame(t);
    return write_records(t, err);
}

int as_tfevents_sync(as_tfevents *t, as_err *err)
{
    return as_growing_sync(&t->file, err);
}

int as_tfevents_close(as_tfevents *t, as_err *err)
{
    if (!t)
        return 0;
    int rc = as_growing_close(&t->file, err);
    as_buf_fini(&t->value);
    as_buf_fini(&t->summary);
    as_buf_fini(&t->event);
    as_buf_fini(&t->record);
    as_free(t);
    return rc;
}

const char *as_tfevents_path(const as_tfevents *t)
{
    return t->file.path;
}
