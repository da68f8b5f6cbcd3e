/* unicode.c -- classes of characters by table, NFC by utf8proc where a table does not settle it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/unicode.h"

#include "base/mem.h"

#include <utf8proc.h>

#include "unicode_table.inc"

unsigned as_uc_class(uint32_t c)
{
    if (c > 0x10FFFF)
        return AS_UC_OTHER;
    return uc_class[uc_index[c >> 8]][c >> 5 & 7] >> (c % 32 * 2) & 3;
}

/* NFC may change it, move it, or join it to what stands before it. */
static bool may_change(uint32_t c)
{
    return uc_changed[uc_index[c >> 8]][c >> 6 & 3] >> (c % 64) & 1;
}

bool as_uc_is_blank(uint32_t c)
{
    return as_uc_class(c) == AS_UC_SPACE || (c >= 0x1C && c <= 0x1F);
}

size_t as_uc_write(char *out, uint32_t c)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)c, bytes);
    memcpy(out, bytes, (size_t)n);
    return (size_t)n;
}

bool as_uc_is_word(uint32_t c)
{
    if (c < 0x80)
        return (c | 0x20) - 'a' < 26 || c - '0' < 10 || c == '_';
    if (as_uc_class(c) == AS_UC_LETTER || c == 0x200C || c == 0x200D)
        return true;
    switch ((int)utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default: /* Other_Alphabetic that is no mark: letters in circles and squares */
        return c - 0x24B6 <= 0x24E9 - 0x24B6 || c - 0x1F130 <= 0x1F149 - 0x1F130 ||
               c - 0x1F150 <= 0x1F169 - 0x1F150 || c - 0x1F170 <= 0x1F189 - 0x1F170;
    }
}

unsigned as_uc_read(const char *text, size_t left, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned n = as_utf8_step(text, left);
    switch (n) {
    case 1:
        *c = p[0];
        return 1;
    case 2:
        *c = (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
        return 2;
    case 3:
        *c = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        return 3;
    case 4:
        *c = (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
        return 4;
    default:
        *c = 0xFFFD;
        return 1;
    }
}

unsigned as_uc_read_back(const char *text, size_t at, uint32_t *c)
{
    for (unsigned n = 1; n <= 4 && n <= at; n++) {
        if (((unsigned char)text[at - n] & 0xC0) == 0x80)
            continue;
        if (as_uc_read(text + at - n, n, c) == n)
            return n;
        break;
    }
    *c = 0xFFFD;
    return 1;
}

/* First byte from p that may belong to a character which NFC changes: nothing below U+0300 (CC 80)
 * does. */
static const char *next_suspect(const char *p, const char *end)
{
    for (;;) {
        uint64_t w;
        for (; (size_t)(end - p) >= sizeof w; p += sizeof w) {
            memcpy(&w, p, sizeof w);
            if (w & 0x8080808080808080u)
                break;
        }
        const char *stop = (size_t)(end - p) < sizeof w ? end : p + sizeof w;
        for (; p < stop; p++)
            if ((unsigned char)*p >= 0xCC)
                return p;
        if (p == end)
            return p;
    }
}

/* First character from p that NFC may change; end where there is none. */
static const char *next_changed(const char *p, const char *end)
{
    while ((p = next_suspect(p, end)) < end) {
        uint32_t c;
        unsigned n = as_uc_read(p, (size_t)(end - p), &c);
        if (may_change(c))
            return p;
        p += n;
    }
    return end;
}

bool as_nfc_is_plain(as_str text)
{
    const char *end = text.data + text.len;
    return text.len == 0 || next_changed(text.data, end) == end;
}

void as_nfc_fini(as_nfc *n)
{
    as_buf_fini(&n->text);
    as_free(n->edits);
    as_free(n->scratch[0]);
    as_free(n->scratch[1]);
    *n = (as_nfc){ 0 };
}

static unsigned marks_class(int32_t c)
{
    return (unsigned)utf8proc_get_property(c)->combining_class;
}

/* Canonical ordering of marks[0, n): a stable counting sort, since a text may be one long run of
 * them. */
static void order_marks(int32_t *marks, size_t n, int32_t *spare)
{
    size_t starts[257] = { 0 };
    for (size_t i = 0; i < n; i++)
        starts[marks_class(marks[i]) + 1]++;
    for (int i = 0; i < 256; i++)
        starts[i + 1] += starts[i];
    for (size_t i = 0; i < n; i++)
        spare[starts[marks_class(marks[i])]++] = marks[i];
    memcpy(marks, spare, n * sizeof *marks);
}

static void order(int32_t *chars, size_t n, int32_t *spare)
{
    for (size_t at = 0; at < n;) {
        size_t stop = at;
        unsigned last = 0;
        bool is_ordered = true;
        for (; stop < n; stop++) {
            unsigned c = marks_class(chars[stop]);
            if (c == 0)
                break;
            is_ordered = is_ordered && c >= last;
            last = c;
        }
        if (!is_ordered)
            order_marks(chars + at, stop - at, spare);
        at = stop + 1;
    }
}

/* A character decomposes into at most four others, each of at least two bytes' worth of input. */
static bool make_scratch(as_nfc *n, size_t n_bytes)
{
    size_t want;
    if (!as_mul_ok(n_bytes, 4, &want))
        return false;
    for (int i = 0; i < 2 && want > n->n_scratch; i++) {
        int32_t *grown = as_realloc_array(n->scratch[i], want, sizeof *grown);
        if (!grown)
            return false;
        n->scratch[i] = grown;
    }
    if (want > n->n_scratch)
        n->n_scratch = want;
    return true;
}

static bool add_edit(as_nfc *n, as_nfc_edit edit)
{
    if (n->n_edits == n->cap) {
        size_t cap = n->cap ? n->cap * 2 : 16;
        as_nfc_edit *grown = as_realloc_array(n->edits, cap, sizeof *grown);
        if (!grown)
            return false;
        n->edits = grown;
        n->cap = cap;
    }
    n->edits[n->n_edits++] = edit;
    return true;
}

/* One stretch of whole characters, which nothing outside it joins. */
static bool compose(as_nfc *n, as_str stretch, uint32_t at)
{
    if (!make_scratch(n, stretch.len))
        return false;
    int32_t *chars = n->scratch[0];
    utf8proc_ssize_t count = 0;
    for (size_t i = 0; i < stretch.len;) {
        uint32_t c;
        int boundary = 0;
        i += as_uc_read(stretch.data + i, stretch.len - i, &c);
        utf8proc_ssize_t room = (utf8proc_ssize_t)n->n_scratch - count;
        utf8proc_ssize_t got =
            utf8proc_decompose_char((utf8proc_int32_t)c, chars + count, room,
                                    UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &boundary);
        if (got < 0 || got > room)
            return false;
        count += got;
    }
    order(chars, (size_t)count, n->scratch[1]);
    count = utf8proc_normalize_utf32(chars, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    uint32_t start = (uint32_t)n->text.len;
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        char bytes[4];
        as_buf_add(&n->text, (as_str){ bytes, as_uc_write(bytes, (uint32_t)chars[i]) });
    }
    as_str made = { n->text.data + start, n->text.len - start };
    if (n->text.failed || as_str_eq(made, stretch))
        return !n->text.failed;
    return add_edit(n,
                    (as_nfc_edit){ at, at + (uint32_t)stretch.len, start, (uint32_t)n->text.len });
}

/* Where the stretch around `changed` begins (with the character it may join) and ends (before the
 * next one that stands for itself). A byte that is no UTF-8 is never inside. */
static void bounds(as_str text, size_t floor, size_t changed, size_t *start, size_t *stop)
{
    uint32_t c;
    *start = changed;
    if (changed > floor) {
        unsigned back = as_uc_read_back(text.data, changed, &c);
        if (as_utf8_step(text.data + changed - back, back) == back)
            *start = changed - back;
    }
    *stop = changed;
    while (*stop < text.len) {
        unsigned step = as_uc_read(text.data + *stop, text.len - *stop, &c);
        if (!may_change(c))
            break;
        *stop += step;
    }
}

int as_nfc_run(as_nfc *n, as_str text, as_err *err)
{
    if (!n->text.max)
        as_buf_init(&n->text, UINT32_MAX);
    as_buf_clear(&n->text);
    n->n_edits = 0;
    const char *end = text.data + text.len;
    size_t done = 0;
    while (done < text.len) {
        size_t changed = (size_t)(next_changed(text.data + done, end) - text.data), start, stop;
        bounds(text, done, changed, &start, &stop);
        if (changed == text.len)
            start = stop = changed;
        as_buf_add(&n->text, (as_str){ text.data + done, start - done });
        if (start < stop &&
            !compose(n, (as_str){ text.data + start, stop - start }, (uint32_t)start))
            return as_fail(err, AS_ENOMEM, "out of memory while normalising %zu bytes", text.len);
        done = stop;
    }
    return n->text.failed
               ? as_fail(err, AS_ENOMEM, "out of memory while normalising %zu bytes", text.len)
               : 0;
}
