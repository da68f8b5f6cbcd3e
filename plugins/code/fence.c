/* fence.c -- fenced code blocks, as CommonMark has them, with two habits of models allowed: a fence
 * glued to the last line of code, at the end of the text, closes; a fence may be indented as deeply
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

/* The text ended inside the block: "return x```" is an end all the same. */
static void keep_open(cd_block *blocks, uint32_t *n, const fence *open, assay_str raw,
                      cd_pool *pool)
{
    assay_str t = pc_trim(raw);
    size_t k = 0;
    while (k < t.len && t.data[t.len - 1 - k] == open->c)
        k++;
    bool glued = k >= open->n && k < t.len;
    if (glued)
        raw = pc_slice(raw, 0, (size_t)(t.data - raw.data) + t.len - k);
    const cd_block b = { .mark = first_word(open->info),
                         .body = body_of(raw, open->indent, pool),
                         .is_closed = glued };
    keep(blocks, n, &b);
}

uint32_t cd_find_blocks(cd_block out[CD_BLOCKS], assay_str text, cd_pool *pool)
{
    uint32_t n = 0;
    fence open = { .c = 0 }, f;
    size_t body = 0;
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        assay_str line = next_line(text, &at);
        if (!read_fence(line, &f))
            continue;
        if (!open.c) {
            open = f;
            body = at;
        } else if (closes(&open, &f)) {
            const cd_block b = { .mark = first_word(open.info),
                                 .body = body_of(pc_slice(text, body, start), open.indent, pool),
                                 .is_closed = true };
            keep(out, &n, &b);
            open.c = 0;
        }
    }
    if (open.c)
        keep_open(out, &n, &open, pc_from(text, body), pool);
    return n;
}
