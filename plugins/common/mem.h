/* mem.h -- memory of the plugins: a growing buffer; the only place here that calls malloc.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_MEM_H
#define PC_MEM_H
#include <assay/plugin.h>
#include <stdbool.h>

void *pc_calloc(size_t n, size_t size);             /* zeroed; NULL on failure or overflow */
void *pc_realloc(void *old, size_t n, size_t size); /* NULL leaves `old` valid */
void pc_free(void *p);

/* Every failed allocation of this thread is remembered, wherever it was swallowed: what was judged
 * with half a text in hand is no verdict. pc_set() asks, and makes such an item ERROR. */
void pc_memory_lost(void);
bool pc_memory_was_lost(void); /* and forgets it */
bool pc_memory_is_lost(void);  /* and does not */

/* Failure is sticky: callers look once at the end. data[len] == 0 once anything was added. */
typedef struct pc_buf {
    char *data;
    size_t len, cap;
    bool failed;
} pc_buf;
void pc_buf_fini(pc_buf *b);
void pc_buf_clear(pc_buf *b); /* keeps the memory */
bool pc_buf_reserve(pc_buf *b, size_t more);
void pc_buf_add(pc_buf *b, const char *data, size_t len);
void pc_buf_text(pc_buf *b, const char *text);
void pc_buf_byte(pc_buf *b, char c);
void pc_buf_fmt(pc_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline assay_str pc_buf_str(const pc_buf *b)
{
    return (assay_str){ b->data ? b->data : "", b->len };
}
#endif
