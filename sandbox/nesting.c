/* nesting.c -- how deep a C or C++ program's brackets go. g++ looks for the end of each from its
 * beginning: 200,000 parentheses keep it busy until its time is up. Who hides brackets from this
 * gains that time and nothing else. SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <string.h>

enum { MOST_NESTED = 2000, LONGEST_DELIMITER = 16 };

static size_t skip_line(asbx_text s, size_t at)
{
    const char *nl = memchr(s.data + at, '\n', s.len - at);
    return nl ? (size_t)(nl - s.data) : s.len;
}

static size_t skip_to(asbx_text s, size_t at, const char *end, size_t n)
{
    const char *found = at < s.len ? memmem(s.data + at, s.len - at, end, n) : NULL;
    return found ? (size_t)(found - s.data) + n : s.len;
}

/* Behind a text or character that begins with this quote: its end, or the line's. */
static size_t skip_quoted(asbx_text s, size_t at, char quote)
{
    while (at < s.len && s.data[at] != quote && s.data[at] != '\n')
        at += s.data[at] == '\\' && at + 1 < s.len ? 2 : 1;
    return at < s.len ? at + 1 : s.len;
}

/* R"x(...)x", from behind the quote. */
static size_t skip_raw(asbx_text s, size_t at)
{
    char end[LONGEST_DELIMITER + 2] = ")";
    size_t n = 1;
    for (; at < s.len && s.data[at] != '(' && n <= LONGEST_DELIMITER; at++)
        end[n++] = s.data[at];
    end[n++] = '"';
    return skip_to(s, at, end, n);
}

static char byte_at(asbx_text s, size_t at) /* 0 past its end */
{
    if (at >= s.len)
        return 0;
    return s.data[at];
}

static bool is_word(asbx_text s, size_t at)
{
    char c = byte_at(s, at);
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Behind what is no code at `at`, or `at`. */
static size_t skip_text(asbx_text s, size_t at)
{
    char c = s.data[at], next = byte_at(s, at + 1);
    if (c == '/' && next == '/')
        return skip_line(s, at);
    if (c == '/' && next == '*')
        return skip_to(s, at + 2, "*/", 2);
    if (c == '"')
        return at && s.data[at - 1] == 'R' ? skip_raw(s, at + 1) : skip_quoted(s, at + 1, c);
    if (c == '\'' && !(at && is_word(s, at - 1) && is_word(s, at + 1))) /* 1'000 */
        return skip_quoted(s, at + 1, c);
    return at;
}

bool nesting_is_too_deep(asbx_text source)
{
    size_t depth = 0;
    for (size_t at = 0; at < source.len && depth <= MOST_NESTED;) {
        size_t behind = skip_text(source, at);
        if (behind > at) {
            at = behind;
            continue;
        }
        char c = source.data[at++];
        if (c == '(' || c == '[' || c == '{')
            depth++;
        else if ((c == ')' || c == ']' || c == '}') && depth)
            depth--;
    }
    return depth > MOST_NESTED;
}
