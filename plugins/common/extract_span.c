/* extract_span.c -- math spans: $..$, $$..$$, \(..\), \[..\], and matrices that stand without.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

bool pc_is_escaped(assay_str s, size_t at)
{
    size_t n = 0;
    while (n < at && s.data[at - 1 - n] == '\\')
        n++;
    return n % 2 == 1;
}

assay_str pc_strip_end(assay_str t)
{
    t = pc_trim(t);
    while (t.len && pc_in(t.data[t.len - 1], ".,;:!?*\"'`") && !pc_is_escaped(t, t.len - 1))
        t = pc_trim(pc_slice(t, 0, t.len - 1));
    return t;
}

/* Length of a command of a joint at the backslash s[i]: spacing, \text{ and the delimiters. */
static size_t joint_command(assay_str s, size_t i)
{
    static const char *const names[] = { "text{",  "textrm{", "mathrm{", "mbox{", "quad", "qquad",
                                         "text {", "(",       ")",       "[",     "]",    ",",
                                         ";",      ":",       " ",       "!",     "n" };
    size_t n = i;
    while (n < s.len && s.data[n] == '\\') /* "\\" ends a line, or the text was escaped twice */
        n++;
    assay_str rest = pc_from(s, n);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (pc_starts(rest, names[k]))
            return n - i + strlen(names[k]);
    return n - i > 1 ? n - i : 0;
}

bool pc_is_joint(assay_str s, size_t from, size_t to)
{
    static const char *const words[] = { "and",          "or",           "et",
                                         "und",          "\xE5\x92\x8C", "\xE6\x88\x96",
                                         "\xE3\x80\x81", "\xEF\xBC\x8C" }; /* he, huo, commas */
    assay_str all = pc_slice(s, 0, to);
    for (size_t i = from; i < to;) {
        char c = s.data[i];
        if (pc_is_space(c) || pc_in(c, ",;$&*}")) {
            i++;
            continue;
        }
        assay_str rest = pc_from(all, i);
        size_t n = c == '\\' ? joint_command(all, i) : 0;
        for (size_t k = 0; k < sizeof words / sizeof *words && !n; k++)
            if (pc_starts(rest, words[k]))
                n = strlen(words[k]);
        if (!n)
            return false;
        i += n;
    }
    return true;
}

static const char *const opens[] = { "$$", "$", "\\(", "\\[" };
static const char *const closes[] = { "$$", "$", "\\)", "\\]" };

/* "$5 and tax $6" is money: a dollar closes after a non-space, and not before a digit. One that
 * stands alone at the end of its line opens nothing. */
static bool is_dollar_span(assay_str s, const pc_span *x)
{
    size_t i = pc_skip(s, x->from, " \t");
    bool spaced = i > x->from;
    if (i < s.len && s.data[i] == '\n')
        return false;
    return (spaced || !pc_is_space(s.data[x->to - 1])) &&
           !(x->end < s.len && pc_is_digit(s.data[x->end])) && x->to > x->from;
}

bool pc_span_at(assay_str s, size_t at, pc_span *out)
{
    assay_str rest = pc_from(s, at);
    for (size_t k = 0; k < 4; k++) {
        if (!pc_starts(rest, opens[k]))
            continue;
        size_t n = strlen(opens[k]), end = at + n;
        do {
            end = pc_find(s, closes[k], end);
        } while (end != PC_NONE && k < 2 && pc_is_escaped(s, end) && ++end);
        if (end == PC_NONE || pc_find(pc_slice(s, 0, end), "\n\n", at) != PC_NONE)
            return false;
        *out = (pc_span){ .start = at, .from = at + n, .to = end, .end = end + n };
        return k != 1 || is_dollar_span(s, out);
    }
    return false;
}

/* The last `$..$` that ends before `end`. */
static bool dollar_before(assay_str s, size_t end, pc_span *out)
{
    size_t close = end;
    while ((close = pc_rfind(s, "$", close)) != PC_NONE) {
        if (pc_is_escaped(s, close))
            continue;
        bool twice = close > 0 && s.data[close - 1] == '$';
        size_t to = twice ? close - 1 : close, open = to;
        do {
            open = pc_rfind(s, twice ? "$$" : "$", open);
        } while (open != PC_NONE && pc_is_escaped(s, open));
        if (open == PC_NONE)
            return false;
        if (pc_span_at(s, open, out) && out->end == close + 1)
            return true;
        close = open + (twice ? 2 : 1);
        if (close >= to + 1)
            close = to;
    }
    return false;
}

/* The span whose closing \) or \] ends at `end`. */
static bool bracket_ending(assay_str s, size_t end, pc_span *out)
{
    bool square = s.data[end - 1] == ']';
    size_t open = pc_rfind(s, square ? "\\[" : "\\(", end - 2);
    if (open == PC_NONE)
        return false;
    *out = (pc_span){ .start = open, .from = open + 2, .to = end - 2, .end = end };
    return true;
}

static bool last_bracket(assay_str s, pc_span *out)
{
    size_t a = pc_rfind(s, "\\)", s.len), b = pc_rfind(s, "\\]", s.len);
    if (a == PC_NONE && b == PC_NONE)
        return false;
    bool square = a == PC_NONE || (b != PC_NONE && b > a);
    return bracket_ending(s, (square ? b : a) + 2, out);
}

/* ---- matrices without delimiters ---- */

static bool is_matrix(assay_str name)
{
    static const char *const names[] = { "array",   "matrix",  "pmatrix",     "bmatrix", "vmatrix",
                                         "Bmatrix", "Vmatrix", "smallmatrix", "cases",   NULL };
    return pc_among(name, names);
}

/* Takes \left( and \right) around a matrix along. */
static void widen(assay_str s, pc_span *x)
{
    bool opened = x->start >= 6 && pc_starts(pc_from(s, x->start - 6), "\\left");
    if (opened && pc_starts(pc_from(s, x->end), "\\right") && x->end + 7 <= s.len) {
        x->start -= 6;
        x->end += 7;
    }
    x->from = x->start;
    x->to = x->end;
}

/* The last \begin{pmatrix}..\end{pmatrix} or the like. */
static bool last_matrix(assay_str s, pc_span *out)
{
    size_t at = pc_rfind(s, "\\end{", s.len);
    size_t brace = at == PC_NONE ? at : pc_find(s, "}", at);
    if (brace == PC_NONE || !is_matrix(pc_slice(s, at + 5, brace)))
        return false;
    size_t depth = 0, i = brace;
    const char *p;
    while ((p = memrchr(s.data, '\\', i))) {
        i = (size_t)(p - s.data);
        depth += pc_starts(pc_from(s, i), "\\end{");
        if (!pc_starts(pc_from(s, i), "\\begin{") || --depth > 0)
            continue;
        *out = (pc_span){ .start = i, .end = brace + 1 };
        widen(s, out);
        return true;
    }
    return false;
}

/* ---- lists of spans ---- */

enum { JOINT_MAX = 40, LIST_MAX = 64 }; /* bytes between two spans, spans of a list */

/* The span before `at` that only a joint separates from it. */
static bool joined_before(assay_str s, size_t at, pc_span *out)
{
    for (size_t i = at; i > 0 && at - i < JOINT_MAX; i--) {
        bool dollar = s.data[i - 1] == '$';
        bool bracket = i > 1 && s.data[i - 2] == '\\' && pc_in(s.data[i - 1], ")]");
        if (!dollar && !bracket)
            continue;
        bool is_span = dollar ? dollar_before(pc_slice(s, 0, at), i, out) && out->end == i
                              : bracket_ending(s, i, out);
        return is_span && pc_is_joint(s, i, at);
    }
    return false;
}

assay_str pc_span_list(assay_str s, const pc_span *first, size_t *end)
{
    size_t to = first->to;
    *end = first->end;
    for (int n = 1; n < LIST_MAX; n++) {
        pc_span next;
        size_t i = *end;
        while (i < s.len && i - *end < JOINT_MAX && s.data[i] != '$' && s.data[i] != '\n' &&
               !(s.data[i] == '\\' && i + 1 < s.len && pc_in(s.data[i + 1], "([")))
            i++;
        if (i >= s.len || !pc_is_joint(s, *end, i) || !pc_span_at(s, i, &next))
            break;
        to = next.to;
        *end = next.end;
    }
    return pc_strip_end(pc_slice(s, first->from, to));
}

bool pc_find_math(assay_str s, pc_found *out)
{
    pc_span a = { 0 }, b;
    bool any = dollar_before(s, s.len, &a);
    if (last_bracket(s, &b) && (!any || b.end > a.end)) {
        a = b;
        any = true;
    }
    if (last_matrix(s, &b) && (!any || b.end > a.end)) {
        a = b;
        any = true;
    }
    if (!any)
        return false;
    size_t from = a.from; /* "$41$ or $42$" is one list: spans joined as boxes are */
    for (int n = 1; n < LIST_MAX && joined_before(s, a.start, &b); n++) {
        from = b.from;
        a.start = b.start;
    }
    out->text = pc_strip_end(pc_slice(s, from, a.to));
    out->stage = PC_STAGE_MATH;
    return out->text.len > 0;
}
