/* fence.c -- fenced code blocks, as CommonMark has them, with two habits of models allowed: a fence
 * glued to the last line of code closes where nothing else does; a fence may be indented as deeply
 * as the list around it. SPDX-License-Identifier: Apache-2.0 */
#include "extract.h"

typedef struct fence {
    char c;
    size_t n, indent;
    assay_str info;
} fence;

static assay_str next_line(assay_str text, size_t *at)
{
    const char *nl = memchr(text.data + *at, '\n', text.len - *at);
    size_t end = nl ? (size_t)(nl - text.data) : text.len;
    assay_str line = pc_slice(text, *at, end);
    *at = nl ? end + 1 : end;
    return line;
}

static bool read_fence(assay_str line, fence *out)
{
    size_t at = 0;
    while (at < line.len && pc_in(line.data[at], " \t"))
        at++;
    out->indent = at;
    out->c = pc_at(line, at);
    if (!pc_in(out->c, "`~"))
        return false;
    while (at < line.len && line.data[at] == out->c)
        at++;
    out->n = at - out->indent;
    out->info = pc_trim(pc_from(line, at));
    bool inline_code = out->c == '`' && out->info.len && memchr(out->info.data, '`', out->info.len);
    return out->n >= 3 && !inline_code;
}

static bool closes(const fence *open, const fence *f)
{
    return f->c == open->c && f->n >= open->n && f->info.len == 0;
}

static assay_str first_word(assay_str info)
{
    size_t n = 0;
    while (n < info.len && !pc_is_space(info.data[n]) && !pc_in(info.data[n], "{},;:="))
        n++;
    return pc_slice(info, 0, n);
}

/* The lines between, each without what the fence is indented by. */
static assay_str body_of(assay_str raw, size_t indent, cd_pool *pool)
{
    if (!indent)
        return cd_copy(pool, raw);
    pc_buf b = { 0 };
    for (size_t at = 0; at < raw.len;) {
        assay_str line = next_line(raw, &at);
        size_t n = 0;
        while (n < indent && n < line.len && pc_in(line.data[n], " \t"))
            n++;
        line = pc_from(line, n);
        pc_buf_add(&b, line.data, line.len);
        pc_buf_byte(&b, '\n');
    }
    assay_str s = cd_take_buf(pool, &b);
    pc_buf_fini(&b);
    return s;
}

static void keep(cd_block *blocks, uint32_t *n, const cd_block *b)
{
    if (*n == CD_BLOCKS) {
        memmove(blocks, blocks + 1, (CD_BLOCKS - 1) * sizeof *blocks);
        --*n;
    }
    blocks[(*n)++] = *b;
}

/* "return x```": where the code ends, or PC_NONE. */
static size_t glued_at(const fence *open, assay_str line)
{
    size_t end = line.len, k = 0;
    while (end && pc_is_space(line.data[end - 1]))
        end--;
    while (k < end && line.data[end - 1 - k] == open->c)
        k++;
    return k >= open->n && k < end ? end - k : PC_NONE;
}

static void keep_lines(cd_block *blocks, uint32_t *n, const fence *open, assay_str raw,
                       bool is_closed, cd_pool *pool)
{
    const cd_block b = { .mark = first_word(open->info),
                         .body = body_of(raw, open->indent, pool),
                         .is_closed = is_closed };
    keep(blocks, n, &b);
}

uint32_t cd_find_blocks(cd_block out[CD_BLOCKS], assay_str text, cd_pool *pool)
{
    uint32_t n = 0;
    fence open = { .c = 0 }, f;
    size_t body = 0, glued = PC_NONE; /* glued: the first of the block */
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        assay_str line = next_line(text, &at);
        bool is_fence = read_fence(line, &f);
        if (open.c && is_fence && closes(&open, &f)) {
            keep_lines(out, &n, &open, pc_slice(text, body, start), true, pool);
            open.c = 0;
        } else if (is_fence && (!open.c || glued != PC_NONE)) {
            if (open.c)
                keep_lines(out, &n, &open, pc_slice(text, body, glued), true, pool);
            open = f;
            body = at;
            glued = PC_NONE;
        } else if (open.c && glued == PC_NONE) {
            size_t end = glued_at(&open, line);
            glued = end == PC_NONE ? PC_NONE : start + end;
        }
    }
    if (open.c) /* the text ended inside the block */
        keep_lines(out, &n, &open, pc_slice(text, body, glued == PC_NONE ? text.len : glued),
                   glued != PC_NONE, pool);
    return n;
}
