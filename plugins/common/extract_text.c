/* extract_text.c -- answers by plain form: ####, bold, the last number.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

static size_t line_end(assay_str s, size_t at)
{
    size_t end = pc_find(s, "\n", at);
    return end == PC_NONE ? s.len : end;
}

/* A heading ("#### 2. Add them up", "#### Conclusion") is not an answer. */
static bool looks_like_answer(assay_str line)
{
    if (line.len == 0 || (!pc_in(line.data[0], "+-$\\([{.") && !pc_is_digit(line.data[0])))
        return false;
    size_t i = 0;
    while (i < line.len && pc_is_digit(line.data[i]))
        i++;
    bool numbered = i > 0 && i + 1 < line.len && (line.data[i] == '.' || line.data[i] == ')') &&
                    line.data[i + 1] == ' ';
    return !numbered;
}

bool pc_find_hashes(assay_str s, bool anywhere, pc_found *out)
{
    size_t at = pc_rfind(s, "####", s.len);
    if (at == PC_NONE)
        return false;
    size_t end = line_end(s, at);
    assay_str line = pc_trim(pc_slice(s, at + 4, end));
    bool is_last = pc_is_blank(pc_from(s, end));
    if (line.len == 0) {
        out->truncated = is_last;
        out->why = is_last ? "the text ends after ####" : out->why;
        return is_last;
    }
    if (!anywhere && !is_last && !looks_like_answer(line))
        return false;
    out->text = line;
    out->stage = PC_STAGE_HASHES;
    return true;
}

/* ---- bold ---- */

/* "**Conclusion**:" and "**Step 2:**" announce something, they are not it. */
static bool is_label(assay_str s, size_t open, size_t close)
{
    assay_str in = pc_trim(pc_slice(s, open, close)), after = pc_trim(pc_from(s, close + 2));
    bool inside = in.len && in.data[in.len - 1] == ':';
    bool wide = in.len > 2 && pc_starts(pc_from(in, in.len - 3), "\xEF\xBC\x9A");
    return inside || wide || (after.len && after.data[0] == ':') ||
           pc_starts(after, "\xEF\xBC\x9A");
}

static bool has_digit(assay_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (pc_is_digit(s.data[i]))
            return true;
    return false;
}

bool pc_find_bold(assay_str s, pc_found *out)
{
    enum { NEAR = 200 }; /* before the last line a bold text counts this near to the end */
    s = pc_trim(s);
    size_t nl = pc_rfind(s, "\n", s.len), line = nl == PC_NONE ? 0 : nl + 1;
    size_t near = s.len > NEAR ? s.len - NEAR : 0;
    for (size_t close = s.len, open; (close = pc_rfind(s, "**", close)) != PC_NONE; close = open) {
        open = pc_rfind(s, "**", close);
        if (open == PC_NONE || (open < line && open < near))
            return false;
        assay_str text = pc_slice(s, open + 2, close);
        if (is_label(s, open + 2, close) || (open < line && !has_digit(text)) ||
            pc_find(text, "\n", 0) != PC_NONE)
            continue;
        out->text = pc_strip_end(text);
        out->stage = PC_STAGE_BOLD;
        return out->text.len > 0;
    }
    return false;
}

/* ---- the last number ---- */

/* "2 1/2": the whole part of a mixed number before s[from]. */
static size_t with_whole_part(assay_str s, size_t from, size_t end)
{
    size_t i = from;
    if (i < 2 || s.data[i - 1] != ' ' || !memchr(s.data + from, '/', end - from))
        return from;
    for (i--; i > 0 && pc_is_digit(s.data[i - 1]) && from - i < 6; i--)
        ;
    bool stands_alone = i == 0 || pc_in(s.data[i - 1], " (=:\n-$");
    return i < from - 1 && stands_alone ? i : from;
}

size_t pc_number_start(assay_str s, size_t end)
{
    size_t from = end;
    while (from > 0 && (pc_is_digit(s.data[from - 1]) || pc_in(s.data[from - 1], ",./")))
        from--;
    while (from < end && (s.data[from] == ',' || s.data[from] == '/'))
        from++;
    from = with_whole_part(s, from, end);
    if (from > 0 && s.data[from - 1] == '$')
        from--;
    size_t sign = 0;
    if (from > 0 && s.data[from - 1] == '-')
        sign = 1;
    else if (from > 2 && pc_starts(pc_from(s, from - 3), "\xE2\x88\x92")) /* the minus sign */
        sign = 3;
    bool is_sign = sign == from || (sign && pc_in(s.data[from - sign - 1], " =(\n:$"));
    return is_sign ? from - sign : from;
}

bool pc_find_number(assay_str s, pc_found *out)
{
    size_t end = s.len;
    while (end > 0 && !pc_is_digit(s.data[end - 1]))
        end--;
    if (end == 0)
        return false;
    out->text = pc_slice(s, pc_number_start(s, end), end);
    out->stage = PC_STAGE_NUMBER;
    return true;
}
