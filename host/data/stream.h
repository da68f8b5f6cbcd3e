/* stream.h -- bytes in and out: files, pipes, "-", and .gz/.zst on the fly (by content on reading, by name on writing).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_DATA_STREAM_H
#define AS_DATA_STREAM_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

typedef struct as_source as_source;
int as_source_open(as_source **out, const char *path, as_err *err); /* "-": stdin; NULL never */
/* Up to `size` bytes; 0 at the end, < 0 on error (a truncated .gz/.zst is AS_EDATA and says so). */
long as_source_read(as_source *s, char *into, size_t size, as_err *err);
const char *as_source_name(const as_source *s); /* "answers.jsonl", "stdin": for messages */
/* Bytes of the file consumed and its size (0 when unknown, as for pipes): for progress. */
void as_source_progress(const as_source *s, unsigned long long *done, unsigned long long *total);
/* A read that waits (pipe, terminal) asks `why` every 100 ms and fails with the code it returns, when that is not 0: so
 * that Ctrl-C ends a reader whose writer sleeps. Before the first read; NULL: never asked. */
void as_source_set_stop(as_source *s, int (*why)(const void *arg), const void *arg);
/* Where a pipe has nothing yet, or a regular file has come to its end and `follows` (it is being written), a read waits, asking the
 * stop; after idle_s seconds without a byte that is the end (0: never). Before the first read. */
void as_source_set_wait(as_source *s, bool follows, double idle_s);
/* False: the next read may wait. Of packed data nobody can tell: false where the source may wait at all. */
bool as_source_ready(const as_source *s);
void as_source_close(as_source *s);

typedef enum as_sink_mode {
    AS_SINK_NEW,       /* refuses an existing file (not a device or pipe): AS_EUSAGE "... exists: --resume to go on,
                          --force to overwrite" */
    AS_SINK_OVERWRITE, /* truncates */
    AS_SINK_APPEND     /* goes on after what is there; .gz and .zst get a new member or frame */
} as_sink_mode;
typedef struct as_sink as_sink;
int as_sink_open(as_sink **out, const char *path, as_sink_mode mode, as_err *err); /* "-": stdout */
/* The first failure is the sink's: every later call, close too, fails with it. EPIPE is an error, never a signal. */
int as_sink_write(as_sink *s, as_str bytes, as_err *err);
int as_sink_flush(as_sink *s, as_err *err);  /* to the system; a reader sees whole lines */
int as_sink_close(as_sink *s, as_err *err);  /* the last chance to learn of a full disk; NULL is fine */
const char *as_sink_name(const as_sink *s);
#endif
