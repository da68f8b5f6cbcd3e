/* extract_box.c -- \boxed{} and \fbox{}: the last complete one, and those that form a list with it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

size_t pc_brace_end(assay_str s, size_t open)
{
    size_t depth = 0;
    for (size_t i = open; i < s.len; i++) {
        char c = s.data[i];
        if (c == '\\')
            i++;
        else if (c == '{')
            depth++;
        else if (c == '}' && --depth == 0)
            return i + 1;
    }
    return PC_NONE;
}

typedef struct box {
    size_t start, word_end, content, content_end;
    size_t end; /* past the closing brace; PC_NONE: never closed */
} box;

/* Is there a box command whose backslash is at s[at]? Gives the index past the word. */
static size_t box_word(assay_str s, size_t at)
{
    static const char *const words[] = { "\\boxed", "\\fbox", "\\framebox", "\\beginboxed" };
    assay_str rest = pc_from(s, at);
    if (rest.len < 2 || (rest.data[1] != 'b' && rest.data[1] != 'f'))
        return PC_NONE; /* most commands are not ours */
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        size_t n = strlen(words[k]);
        if (pc_starts(rest, words[k]) && !(n < rest.len && pc_is_alpha(rest.data[n])))
            return at + n;
    }
    return PC_NONE;
}

/* The last box that starts before `end`. Few backslashes are a box's, but most "box" in math are.
 */
static bool box_before(assay_str s, size_t end, box *out)
{
    enum { BEFORE = 6, WITH = 9 }; /* \framebox: up to the b, and all of it */
    size_t at = end + WITH < s.len ? end + WITH : s.len;
    while ((at = pc_rfind(s, "box", at)) != PC_NONE) {
        size_t from = at > BEFORE ? at - BEFORE : 0;
        const char *p = memrchr(s.data + from, '\\', at - from);
        size_t start = p ? (size_t)(p - s.data) : end, word = p ? box_word(s, start) : PC_NONE;
        if (word != PC_NONE && start < end) {
            *out = (box){ .start = start, .word_end = word };
            return true;
        }
        at += 2; /* what ends before the last byte of this one */
    }
    return false;
}

static bool ends_math(assay_str s, size_t i)
{
    return s.data[i] == '$' ||
           (s.data[i] == '\\' && i + 1 < s.len && (s.data[i + 1] == ')' || s.data[i + 1] == ']'));
}

/* "\boxed 5": to the end of the math around it, else one word. */
static void bare_content(assay_str s, box *b)
{
    size_t i = b->content, word = 0;
    for (; i < s.len && s.data[i] != '\n' && !ends_math(s, i); i++)
        if (!word && s.data[i] == ' ')
            word = i;
    bool in_math = i < s.len && s.data[i] != '\n';
    b->content_end = b->end = !in_math && word ? word : i;
    if (b->content_end == b->content)
        b->end = PC_NONE; /* the text stops, or goes on with something else, right after the word */
}

/* Fills content and end; scans no further than the box reaches. */
static void box_close(assay_str s, box *b)
{
    size_t i = pc_skip(s, b->word_end, " \n");
    b->content = i;
    if (i >= s.len || s.data[i] != '{') {
        bare_content(s, b);
        return;
    }
    b->end = pc_brace_end(s, i);
    b->content = i + 1;
    b->content_end = b->end == PC_NONE ? s.len : b->end - 1;
}

/* ---- what stands between two boxes ---- */

/* The words between two boxes, typesetting left out, as far as they fit; n: how many bytes. */
typedef struct gap {
    char text[192];
    size_t n;
    bool is_long, ends_sentence;
} gap;

static void gap_add(gap *g, char c)
{
    bool is_blank = g->n == 0 || g->text[g->n - 1] == ' ';
    if (c == ' ' && is_blank)
        return;
    if (g->n == sizeof g->text)
        g->is_long = true;
    else
        g->text[g->n++] = c;
}

static void read_gap(assay_str s, size_t from, size_t to, gap *g)
{
    *g = (gap){ .n = 0 };
    for (size_t i = from; i < to && !g->is_long && !g->ends_sentence; i++) {
        char c = s.data[i];
        if (c == '\\') { /* a command and its brace */
            while (i + 1 < to && s.data[i + 1] == '\\')
                i++;
            size_t name = i;
            while (i + 1 < to && pc_is_alpha(s.data[i + 1]))
                i++;
            i += i == name; /* "\\," */
            c = ' ';
        }
        bool stops = c == '.' && (i + 1 >= to || !pc_is_digit(s.data[i + 1]));
        g->ends_sentence = stops || c == '!' || c == '?' || c == '\n';
        if (pc_is_space(c) || pc_in(c, "${}*&"))
            c = ' ';
        gap_add(g, c);
    }
}

static const char *const turns[] = { "then", "wait",    "actually", "but",        "not",
                                     "so",   "hence",   "thus",     "therefore",  "rather",
                                     "no",   "instead", "sorry",    "correction", NULL };

static bool has_turn(assay_str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t from = i;
        while (i < s.len && pc_is_word(s.data[i]))
            i++;
        if (i > from + 1 && pc_among(pc_slice(s, from, i), turns))
            return true;
        i += i == from;
    }
    return false;
}

/* Do the words between two boxes enumerate ("for (a), and")? "and then", "but" and the like do not:
 * then the last box wins. */
static bool is_listing(assay_str s, size_t from, size_t to, bool wide)
{
    enum { SHORT = 24 };
    gap g;
    read_gap(s, from, to, &g);
    assay_str words = pc_trim((assay_str){ g.text, g.n });
    if (g.is_long || g.ends_sentence || has_turn(words))
        return false;
    if (wide)
        return true;
    size_t n = words.len;
    bool last_and =
        n > 3 && pc_is_nocase(pc_from(words, n - 3), "and") && !pc_is_word(words.data[n - 4]);
    bool last_or =
        n > 2 && pc_is_nocase(pc_from(words, n - 2), "or") && !pc_is_word(words.data[n - 3]);
    bool sign = pc_is(words, "/") || pc_is(words, "|"); /* a hedge without words */
    return n <= SHORT && (last_and || last_or || sign);
}

/* ---- the answer ---- */

static uint32_t count_boxes(assay_str s)
{
    uint32_t n = 0;
    for (size_t at = s.len; (at = pc_rfind(s, "box", at)) != PC_NONE;)
        if ((at >= 1 && s.data[at - 1] == '\\') ||
            (at >= 2 && s.data[at - 1] == 'f' && s.data[at - 2] == '\\'))
            n++;
    return n;
}

/* Does the box around the next one end? */
static bool outer_closes(assay_str s, const box *b)
{
    box whole = *b;
    box_close(s, &whole);
    return whole.end != PC_NONE;
}

/* Walks left from the last box over boxes joined to it; false: a box around it never ends. */
static bool gather_boxes(assay_str s, box last, bool wide, pc_found *out)
{
    assay_str first_text = pc_trim(pc_slice(s, last.content, last.content_end));
    size_t from = last.start;
    bool differ = false, closed = true;
    uint32_t n = 1;
    for (box next = last, b; box_before(s, next.start, &b); next = b) {
        assay_str upto = pc_slice(s, 0, next.start);
        box_close(upto, &b); /* never beyond the next box: each byte is looked at once */
        if (b.end == PC_NONE) {
            if (b.content < s.len && s.data[b.content - 1] == '{')
                closed = outer_closes(s, &b);
            break;
        }
        size_t gap_end = next.start; /* without the other backslash of a doubled one */
        while (gap_end > b.end && s.data[gap_end - 1] == '\\')
            gap_end--;
        if (!pc_is_joint(s, b.end, gap_end) && !is_listing(s, b.end, gap_end, wide))
            break;
        if (!pc_eq(pc_trim(pc_slice(s, b.content, b.content_end)), first_text))
            differ = true;
        from = b.start;
        n++;
    }
    out->n_list = differ ? n : 1;
    if (differ)
        out->text = pc_slice(s, from, last.end);
    return closed;
}

static bool no_box(pc_found *out, const char *why)
{
    out->text = (assay_str){ NULL, 0 };
    out->truncated = true;
    out->why = why;
    return true;
}

bool pc_find_boxed(assay_str s, bool wide_lists, pc_found *out)
{
    box b;
    if (!box_before(s, s.len, &b))
        return false;
    box_close(s, &b);
    out->n_boxes = count_boxes(s);
    if (b.end == PC_NONE)
        return no_box(out, "the text ends inside a box");
    out->text = pc_trim(pc_slice(s, b.content, b.content_end));
    out->n_list = 1;
    if (out->text.len == 0) {
        out->text.data = NULL;
        out->why = "the last box is empty";
        return out->n_boxes > 1; /* a lone empty box is a quotation of the instructions */
    }
    if (!gather_boxes(s, b, wide_lists, out))
        return no_box(out, "the text ends inside a box");
    out->stage = PC_STAGE_BOXED;
    return true;
}

assay_str pc_open_box(assay_str s)
{
    box b;
    if (!box_before(s, s.len, &b))
        return (assay_str){ NULL, 0 };
    box_close(s, &b);
    return pc_trim(pc_from(s, b.content));
}

/* ---- taking a list apart ---- */

/* Where the next box starts, at or after `at`; s.len: there is none. */
static size_t next_box(assay_str s, size_t at)
{
    while (at < s.len) {
        const char *p = memchr(s.data + at, '\\', s.len - at);
        if (!p)
            break;
        at = (size_t)(p - s.data);
        if (box_word(s, at) != PC_NONE)
            return at;
        at++;
    }
    return s.len;
}

bool pc_part_next(const pc_found *found, size_t *at, assay_str *part)
{
    assay_str s = found->text;
    if (*at > s.len || !s.data)
        return false;
    if (found->n_list <= 1) {
        *part = s;
        *at = s.len + 1;
        return true;
    }
    size_t i = next_box(s, *at);
    if (i >= s.len)
        return false;
    box b = { .start = i, .word_end = box_word(s, i) };
    size_t next = next_box(s, b.word_end);
    assay_str upto = pc_slice(s, 0, next); /* as far as gather_boxes() looked */
    box_close(upto, &b);
    bool is_last_bare = next == s.len && s.data[b.content - 1] != '{';
    *part = pc_trim(pc_slice(s, b.content, is_last_bare ? s.len : b.content_end));
    *at = b.end == PC_NONE || is_last_bare ? next : b.end;
    return true;
}

void pc_found_text(const pc_found *found, pc_buf *out)
{
    assay_str part;
    bool is_first = true;
    for (size_t at = 0; pc_part_next(found, &at, &part); is_first = false) {
        if (!is_first)
            pc_buf_text(out, ", ");
        pc_buf_add(out, part.data, part.len);
    }
}
