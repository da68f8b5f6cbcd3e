/* extract_json.c -- what a text is wrapped in: a code fence, a JSON object with an "answer".
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

/* ```json .. ``` around the whole text, and nothing else. */
assay_str pc_without_fence(assay_str s)
{
    assay_str t = pc_trim(s);
    if (t.len < 7 || !pc_starts(t, "```") || memcmp(t.data + t.len - 3, "```", 3) != 0)
        return s;
    t = pc_slice(t, 3, t.len - 3);
    size_t line = 0;
    while (line < t.len && pc_is_alpha(t.data[line]))
        line++;
    if (line < t.len && t.data[line] == '\n')
        t = pc_from(t, line);
    return pc_find(t, "```", 0) == PC_NONE ? t : s;
}

/* The value at s[i]: a string without its quotes, or what stands before the next comma or brace. */
static assay_str json_value(assay_str s, size_t i)
{
    bool quoted = i < s.len && s.data[i] == '"';
    size_t from = i + quoted, end = from;
    for (; end < s.len; end++) {
        char c = s.data[end];
        if (quoted && c == '\\')
            end++;
        else if (quoted ? c == '"' : pc_in(c, ",}\n[{"))
            break;
    }
    bool closed = end < s.len && !pc_in(s.data[end], "[{");
    return closed ? pc_trim(pc_slice(s, from, end)) : (assay_str){ NULL, 0 };
}

bool pc_find_json(assay_str s, pc_found *out)
{
    static const char *const keys[] = { "\"answer\"", "\"final_answer\"", "\"result\"",
                                        "\"Answer\"" };
    assay_str t = pc_trim(s);
    if (t.len < 2 || t.data[0] != '{' || t.data[t.len - 1] != '}')
        return false;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        size_t at = pc_rfind(t, keys[k], t.len);
        size_t i = at == PC_NONE ? t.len : pc_skip(t, at + strlen(keys[k]), " \n\t");
        if (i >= t.len || t.data[i] != ':')
            continue;
        assay_str value = json_value(t, pc_skip(t, i + 1, " \n\t"));
        if (value.len == 0)
            continue;
        out->text = value;
        out->stage = PC_STAGE_MARKER;
        return true;
    }
    return false;
}
