/* extract.c -- the presets and the order of the stages. SPDX-License-Identifier: Apache-2.0 */
#include "common/extract.h"

#include "common/extract_parts.h"

#define STAGE(x) (1u << PC_STAGE_##x)

const char *pc_stage_name(pc_stage stage)
{
    static const char *const names[] = { "none", "tag",  "boxed",  "hashes", "marker",
                                         "math", "bold", "number", "whole" };
    return names[stage];
}

/* ---- presets ---- */

#define ANNOUNCED (STAGE(TAG) | STAGE(BOXED) | STAGE(HASHES) | STAGE(MARKER))
#define MATH (ANNOUNCED | STAGE(MATH) | STAGE(BOLD) | STAGE(WHOLE))

const char *const pc_preset_names[] = { "math", "gsm8k",  "minerva", "olympiad",
                                        "aime", "strict", NULL };

bool pc_rules_preset(pc_rules *out, const char *name)
{
    static const pc_rules presets[] = {
        { .stages = MATH },
        { .stages = MATH | STAGE(NUMBER), .a_colon = true, .hashes_anywhere = true },
        { .stages = MATH, .final_first = true },
        { .stages = ANNOUNCED, .wide_lists = true },
        { .stages = ANNOUNCED | STAGE(WHOLE), .small_integer = true },
        { .stages = STAGE(BOXED) },
    };
    for (size_t k = 0; pc_preset_names[k]; k++)
        if (strcmp(name, pc_preset_names[k]) == 0) {
            *out = presets[k];
            return true;
        }
    *out = presets[0];
    return false;
}

/* ---- which part of the text counts ---- */

bool pc_after_think(assay_str *text, pc_think think)
{
    if (think == PC_THINK_OFF)
        return true;
    size_t close = pc_rfind(*text, "</think>", text->len);
    if (close == PC_NONE)
        return think == PC_THINK_AUTO && pc_rfind(*text, "<think>", text->len) == PC_NONE;
    *text = pc_from(*text, close + strlen("</think>"));
    return pc_rfind(*text, "<think>", text->len) == PC_NONE; /* else a new thought never ends */
}

/* Template tokens that end a turn: what follows them is no answer of this one. */
static bool is_turn_end(assay_str rest)
{
    static const char *const marks[] = { "<|im_end|>",    "<|im_start|>user",
                                         "<|endoftext|>", "<|eot_id|>",
                                         "</s>",          "<|end|>",
                                         "<end_of_turn>", "<|end_of_text|>" };
    bool may_be = rest.len >= 4 && ((rest.data[1] == '|' && pc_in(rest.data[2], "ie")) ||
                                    (rest.data[1] == '/' && rest.data[2] == 's') ||
                                    (rest.data[1] == 'e' && rest.data[2] == 'n'));
    if (!may_be)
        return false;
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
        if (pc_starts(rest, marks[k]))
            return true;
    return false;
}

/* The text before the first such token that has text before it. */
static assay_str first_turn(assay_str s)
{
    enum { LOOKED_AT = 2 * PC_EXTRACT_WINDOW };
    size_t i = s.len > LOOKED_AT ? s.len - LOOKED_AT : 0;
    for (const char *p; (p = memchr(s.data + i, '<', s.len - i)); i++) {
        i = (size_t)(p - s.data);
        if (is_turn_end(pc_from(s, i)) && !pc_is_blank(pc_slice(s, 0, i)))
            return pc_slice(s, 0, i);
    }
    return s;
}

/* ---- the stages ---- */

/* The answer inside <answer>: a box, #### or a marker in it, else all of it. */
static void inside_tag(assay_str s, const pc_rules *rules, pc_found *out)
{
    pc_found inner = { .why = NULL };
    if (pc_find_boxed(s, rules->wide_lists, &inner)) {
        *out = inner;
        return;
    }
    inner = (pc_found){ .n_list = 1 };
    bool found = (rules->stages & STAGE(MARKER)) && pc_find_marker(s, false, &inner);
    *out = found && inner.text.data ? inner : (pc_found){ .text = s, .n_list = 1 };
    out->stage = PC_STAGE_TAG;
}

/* True: the last complete <answer> has the last word. One that is empty is a quotation, unless the
 * text ends there. */
static bool find_tag(assay_str s, const pc_rules *rules, pc_found *out)
{
    size_t close = pc_rfind(s, "</answer>", s.len);
    size_t open = pc_rfind(s, "<answer>", close == PC_NONE ? s.len : close);
    if (open == PC_NONE)
        return false;
    if (close == PC_NONE) {
        out->truncated = true;
        out->why = "the text ends inside <answer>";
        return true;
    }
    assay_str in = pc_trim(pc_slice(s, open + strlen("<answer>"), close));
    if (in.len) {
        inside_tag(in, rules, out);
        return true;
    }
    out->why = "<answer> is empty";
    return pc_is_blank(pc_from(s, close + strlen("</answer>")));
}

static bool find_whole(assay_str s, bool spans, pc_found *out)
{
    if (!pc_is_expression(s, spans))
        return false;
    out->text = pc_trim(s);
    out->stage = PC_STAGE_WHOLE;
    return true;
}

/* A text without delimiters that is mathematics, or spans with words that belong to them. With the
 * last number asked for, 3 * 4 = 12 is 12. */
static bool find_expression(assay_str s, uint32_t want, pc_found *out)
{
    if (!(want & STAGE(WHOLE)) || out->n_boxes) /* \boxed{} alone */
        return false;
    bool number_first = (want & STAGE(NUMBER)) && !memchr(s.data, '\\', s.len);
    return find_whole(s, true, out) || (!number_first && find_whole(s, false, out));
}

/* Is the last number in a later sentence than the last math span? */
static bool number_is_later(assay_str s, const pc_found *math)
{
    pc_found number = { .why = NULL };
    if (!pc_find_number(s, &number))
        return false;
    size_t from = (size_t)(math->text.data - s.data) + math->text.len;
    size_t at = (size_t)(number.text.data - s.data);
    return at > from && pc_sentence_end(s, from) < at;
}

static bool find_any(assay_str s, const pc_rules *rules, pc_found *out)
{
    uint32_t want = rules->stages;
    if ((want & STAGE(TAG)) && find_tag(s, rules, out))
        return true;
    if ((rules->final_first && pc_find_final(s, out)) ||
        ((want & STAGE(BOXED)) && pc_find_boxed(s, rules->wide_lists, out)) ||
        ((want & STAGE(HASHES)) && pc_find_hashes(s, rules->hashes_anywhere, out)) ||
        ((want & STAGE(MARKER)) &&
         (pc_find_json(s, out) || pc_find_marker(s, rules->a_colon, out))) ||
        find_expression(s, want, out))
        return true;
    pc_found math = *out;
    bool number = want & STAGE(NUMBER);
    if ((want & STAGE(MATH)) && pc_find_math(s, &math) && !(number && number_is_later(s, &math))) {
        *out = math;
        return true;
    }
    return ((want & STAGE(BOLD)) && pc_find_bold(s, out)) || (number && pc_find_number(s, out)) ||
           ((want & STAGE(WHOLE)) && pc_find_phrase(s, out));
}

/* AIME: 073 is 73; what no box holds must be an integer of three digits at most. */
static void as_small_integer(pc_found *out)
{
    assay_str t = pc_strip_end(out->text);
    size_t digits = 0, zeros = 0;
    while (digits < t.len && pc_is_digit(t.data[digits]))
        digits++;
    while (zeros + 1 < digits && t.data[zeros] == '0')
        zeros++;
    bool is_integer = digits == t.len && digits > 0;
    if (is_integer)
        out->text = pc_from(t, zeros);
    if (out->stage == PC_STAGE_BOXED || (is_integer && digits - zeros <= 3))
        return;
    *out = (pc_found){ .why = "what was announced is not an integer from 0 to 999" };
}

void pc_extract(pc_found *out, assay_str completion, const pc_rules *rules)
{
    *out = (pc_found){ .why = NULL };
    assay_str s = completion.data ? completion : (assay_str){ "", 0 };
    if (pc_is_blank(s)) {
        out->why = "the completion is blank";
        return;
    }
    if (!pc_after_think(&s, rules->think)) {
        out->truncated = true;
        out->why = "the thought never ends";
        return;
    }
    pc_rules mine = *rules;
    s = pc_without_fence(first_turn(s));
    if (s.len > PC_EXTRACT_WINDOW) {
        s = pc_from(s, s.len - PC_EXTRACT_WINDOW);
        pc_rules_set(&mine, PC_STAGE_WHOLE, false); /* it is not the whole any more */
    }
    if (find_any(s, &mine, out) && out->stage != PC_STAGE_NONE) {
        out->why = NULL;
        out->n_list = out->n_list ? out->n_list : 1;
        if (rules->small_integer && out->n_list == 1)
            as_small_integer(out);
        return;
    }
    out->text = (assay_str){ NULL, 0 };
    out->stage = PC_STAGE_NONE;
    out->n_list = 0;
    out->from_prose = false;
    if (!out->why)
        out->why = "no answer was found";
}
