/* extract_gold.c -- the answer in a reference. SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

/* "#### x" on a line of its own; data NULL: there is none. */
static assay_str after_hashes(assay_str s)
{
    size_t at = pc_rfind(s, "####", s.len);
    assay_str none = { NULL, 0 };
    if (at == PC_NONE || (at > 0 && s.data[at - 1] != '\n'))
        return none;
    size_t end = pc_find(s, "\n", at);
    assay_str line = pc_trim(pc_slice(s, at + 4, end == PC_NONE ? s.len : end));
    return line.len ? line : none;
}

static assay_str without_delimiters(assay_str s)
{
    pc_span x;
    if (!pc_span_at(s, 0, &x))
        return s;
    assay_str tail = pc_from(s, x.end), in = pc_trim(pc_slice(s, x.from, x.to));
    return pc_skip(tail, 0, " .,;") == tail.len && in.len ? in : s;
}

void pc_gold_answer(assay_str reference, pc_found *out)
{
    assay_str s = pc_trim(reference.data ? reference : (assay_str){ "", 0 });
    assay_str end = s.len > PC_EXTRACT_WINDOW ? pc_from(s, s.len - PC_EXTRACT_WINDOW) : s;
    *out = (pc_found){ .n_list = 1 };
    if (pc_find_boxed(end, false, out)) {
        if (out->stage == PC_STAGE_BOXED)
            return;
        assay_str rest = out->truncated ? pc_strip_end(pc_open_box(end)) : (assay_str){ NULL, 0 };
        if (rest.len) {
            *out = (pc_found){
                .text = rest, .stage = PC_STAGE_BOXED, .n_boxes = out->n_boxes, .n_list = 1
            };
            return;
        }
    }
    assay_str line = after_hashes(end);
    *out = (pc_found){ .text = line.data ? line : without_delimiters(s),
                       .stage = line.data ? PC_STAGE_HASHES : PC_STAGE_WHOLE,
                       .n_list = 1 };
    if (line.data)
        out->text = without_delimiters(line);
}

assay_str pc_gold(assay_str reference)
{
    pc_found found;
    pc_gold_answer(reference, &found);
    return found.text;
}

bool pc_backslashes_doubled(assay_str text)
{
    bool any = false;
    for (size_t i = 0; i < text.len;) {
        size_t n = i;
        while (n < text.len && text.data[n] == '\\')
            n++;
        if ((n - i) % 2 == 1)
            return false;
        any = any || (n > i && n + 1 < text.len && pc_is_alpha(text.data[n]) &&
                      pc_is_alpha(text.data[n + 1]));
        i = n > i ? n : i + 1;
    }
    return any;
}

void pc_halve_backslashes(assay_str text, pc_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        pc_buf_byte(out, text.data[i]);
        i += text.data[i] == '\\' && i + 1 < text.len && text.data[i + 1] == '\\';
    }
}
