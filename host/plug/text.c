/* text.c -- makes texts that came from a verifier fit for people and for JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/text.h"

#include "base/mem.h"

static size_t line_piece(char *out, size_t room, as_str piece)
{
    size_t n = piece.len < room ? piece.len : room;
    if (n < piece.len) /* do not cut a character in two */
        n = as_utf8_valid((as_str){ piece.data, n });
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)piece.data[i];
        out[i] = piece.data[i];
        if (c < 0x20 || c == 0x7f)
            out[i] = ' ';
    }
    return n;
}

void as_text_line(char *out, size_t size, as_str text)
{
    size_t used = 0;
    text = as_str_trim(text);
    while (text.len && used + 1 < size) {
        size_t valid = as_utf8_valid(text);
        size_t n = line_piece(out + used, size - 1 - used, (as_str){ text.data, valid });
        used += n;
        if (n < valid)
            break;
        text = (as_str){ text.data + valid, text.len - valid };
        if (text.len && used + 1 < size) {
            out[used++] = '?';
            text = (as_str){ text.data + 1, text.len - 1 };
        }
    }
    out[used] = 0;
}

static size_t count_bad(as_str text)
{
    size_t n = 0;
    while (text.len) {
        size_t valid = as_utf8_valid(text);
        if (valid == text.len)
            break;
        n++;
        text = (as_str){ text.data + valid + 1, text.len - valid - 1 };
    }
    return n;
}

as_str as_text_utf8(as_str text, as_arena *arena)
{
    size_t bad = count_bad(text);
    if (!bad)
        return text;
    size_t total; /* each bad byte grows to three */
    char *copy = NULL;
    if (as_mul_ok(bad, 2, &total) && as_add_ok(total, text.len, &total))
        copy = as_arena_alloc(arena, total + 1);
    if (!copy)
        return (as_str){ NULL, 0 };
    size_t used = 0;
    while (text.len) {
        size_t valid = as_utf8_valid(text);
        memcpy(copy + used, text.data, valid);
        used += valid;
        if (valid == text.len)
            break;
        memcpy(copy + used, "\xEF\xBF\xBD", 3);
        used += 3;
        text = (as_str){ text.data + valid + 1, text.len - valid - 1 };
    }
    copy[used] = 0;
    return (as_str){ copy, used };
}
