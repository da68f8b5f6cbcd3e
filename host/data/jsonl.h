/* jsonl.h -- lines of a JSONL stream, handed out in chunks that threads can work on apart.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_DATA_JSONL_H
#define AS_DATA_JSONL_H
#include "data/stream.h"

#include <stdint.h>

typedef struct as_lines as_lines;
enum { AS_LINE_MAX_MIB = 64 }; /* default longest line */

/* Owns nothing of the source but its reading position; the source outlives it. max_line in bytes, 0: the default. */
int as_lines_open(as_lines **out, as_source *source, size_t max_line, as_err *err);
void as_lines_close(as_lines *l);

typedef struct as_line {
    as_str text;   /* without the line end; data[len] == 0 */
    uint64_t no;   /* from 1 */
    uint64_t end;  /* offset in the decompressed stream just after this line's end */
    bool torn;     /* the last line, and no line end after it */
} as_line;

/* Reads whole lines into `bytes` (kept by the caller, reused) until it holds about `want` bytes or `max_lines` lines:
 * *n lines at lines[0..*n), pointing into bytes. Blank lines are skipped, a BOM at the start is dropped, CR LF accepted.
 * 1: some lines, 0: end, < 0: error; a line over the limit is AS_EDATA with its number, the limit and the option. */
int as_lines_chunk(as_lines *l, as_buf *bytes, as_line *lines, size_t max_lines, size_t want, size_t *n, as_err *err);
/* The next line is over the limit, which is what as_lines_chunk failed for; skip goes past it, and whoever wants goes on. 1; 0: the
 * source ended within it; < 0. */
bool as_lines_too_long(const as_lines *l);
int as_lines_skip(as_lines *l, as_err *err);
/* True: as_lines_chunk of one line (want 1) would not wait; false: perhaps it would. */
bool as_lines_ready(as_lines *l);
const char *as_lines_name(const as_lines *l); /* the source's */

/* `take` of each line of `path` that is not blank, in order; where it fails, what it says is prefixed with FILE:LINE. */
typedef int as_take_line(void *ctx, as_str line, uint64_t no, as_err *err);
int as_lines_each(const char *path, as_take_line *take, void *ctx, as_err *err);
#endif
