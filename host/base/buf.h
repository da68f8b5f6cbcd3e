/* buf.h -- a growing byte buffer with a maximum; failure is sticky, so callers look once at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_BUF_H
#define AS_BASE_BUF_H
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

typedef struct as_buf {
    char *data; /* data[len] == 0 once anything was added */
    size_t len, cap, max;
    bool failed; /* memory or maximum exhausted: contents are incomplete */
} as_buf;

void as_buf_init(as_buf *b, size_t max); /* max: the size it may ever reach */
void as_buf_fini(as_buf *b);
void as_buf_clear(as_buf *b); /* len 0, memory kept, failed forgotten */
bool as_buf_reserve(as_buf *b, size_t more);

void as_buf_add(as_buf *b, as_str s);
void as_buf_byte(as_buf *b, char c);
void as_buf_text(as_buf *b, const char *text);
void as_buf_addf(as_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void as_buf_u64(as_buf *b, uint64_t v); /* decimal; much quicker than addf */
void as_buf_raw_u32(as_buf *b, uint32_t v); /* little-endian bytes */
void as_buf_raw_u64(as_buf *b, uint64_t v);

/* JSON output. Strings are quoted and escaped; bytes that are not UTF-8 become U+FFFD.
 * Numbers: shortest decimal that reads back the same; NaN and infinities become null. */
void as_buf_json_str(as_buf *b, as_str s);
void as_buf_json_num(as_buf *b, double v);
void as_buf_json_float(as_buf *b, float v); /* shortest for a float */
/* `,"key":` or `{"key":` -- the comma is left out right after '{' or '['. */
void as_buf_json_key(as_buf *b, const char *key);

as_str as_buf_str(const as_buf *b);
int as_buf_check(const as_buf *b, as_err *err); /* 0, or AS_ENOMEM if it failed */
static inline void as_cleanup_buf(as_buf *b)
{
    as_buf_fini(b);
}
#endif
