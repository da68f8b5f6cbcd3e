/* split.c -- cutting LaTeX outside of brackets. SPDX-License-Identifier: Apache-2.0 */
#include "audit/split.h"

#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t dropped(as_str s)
{
    static const char *const words[] = {
        "\\left", "\\right", "\\displaystyle", "\\,", "\\;", "\\ "
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        bool is_command = is_letter(words[i][n - 1]);
        if (as_str_starts(s, words[i]) && !(is_command && s.len > n && is_letter(s.data[n])))
            return n;
    }
    return 0;
}

as_str as_split_plain(as_str s, as_arena *arena)
{
    char *out = as_arena_alloc(arena, s.len + 1);
    size_t n = 0;
    if (!out)
        return (as_str){ NULL, 0 };
    for (size_t i = 0; i < s.len;) {
        size_t skip = dropped((as_str){ s.data + i, s.len - i });
        bool is_thin = skip == 2 && i > 0 && s.data[i - 1] >= '0' && s.data[i - 1] <= '9';
        if (skip == 0 || is_thin) { /* 1\,234 stays one number */
            size_t step = s.data[i] == '\\' && i + 1 < s.len ? 2 : 1;
            memcpy(out + n, s.data + i, step);
            n += step;
            i += step;
        } else {
            i += skip;
        }
    }
    out[n] = '\0';
    return as_str_trim((as_str){ out, n });
}

/* +1, -1 or 0; `step` bytes are the sign. */
static int bracket(as_str s, size_t *step)
{
    *step = s.data[0] == '\\' && s.len > 1 ? 2 : 1;
    char c = s.data[*step - 1];
    if (strchr("({[", c) && c)
        return *step == 1 || c == '{' ? 1 : 0;
    if (strchr(")}]", c) && c)
        return *step == 1 || c == '}' ? -1 : 0;
    return 0;
}

static bool is_separator(as_str s, const char *separator)
{
    size_t n = strlen(separator);
    if (!as_str_starts(s, separator))
        return false;
    return separator[0] != '\\' || !is_letter(separator[n - 1]) || s.len == n ||
           !is_letter(s.data[n]);
}

unsigned as_split(as_str *part, unsigned most, as_str s, const char *separator)
{
    unsigned n = 0;
    int depth = 0;
    size_t from = 0, step = 0;
    for (size_t i = 0; i <= s.len; i += step) {
        as_str rest = { s.data + i, s.len - i };
        if (i == s.len || (depth == 0 && is_separator(rest, separator))) {
            as_str cut = as_str_trim((as_str){ s.data + from, i - from });
            if (cut.len == 0 || n == most)
                return 0;
            part[n++] = cut;
            step = strlen(separator);
            from = i + step;
            continue;
        }
        depth += bracket(rest, &step);
        if (depth < 0)
            return 0;
    }
    return depth == 0 ? n : 0;
}

bool as_split_balanced(as_str s)
{
    int depth = 0;
    for (size_t i = 0; i < s.len && depth >= 0; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (s.data[i] == '{')
            depth++;
        else if (s.data[i] == '}')
            depth--;
    }
    return depth == 0;
}
