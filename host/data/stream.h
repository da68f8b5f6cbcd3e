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
void as_source_close(as_source *s);

typedef enum as_sink_mode {
    AS_SINK_NEW,       /* refuses an existing file: AS_EUSAGE "... exists: --resume to go on, --force to overwrite" */
    AS_SINK_OVERWRITE, /* truncates */
    AS_SINK_APPEND     /* goes on after what is there */
} as_sink_mode;
typedef struct as_sink as_sink;
int as_sink_open(as_sink **out, const char *path, as_sink_mode mode, as_err *err); /* "-": stdout */
int as_sink_write(as_sink *s, as_str bytes, as_err *err);
int as_sink_flush(as_sink *s, as_err *err);  /* to the system; a reader sees whole lines */
int as_sink_close(as_sink *s, as_err *err);  /* the last chance to learn of a full disk; NULL is fine */
const char *as_sink_name(const as_sink *s);
#endif
