/* extract.c -- see extract.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/extract.h"

#define STAGE(x) (1u << PC_STAGE_##x)

const char *pc_stage_name(pc_stage stage)
{
    static const char *const names[] = { "none",   "tag",  "boxed", "hashes",
                                         "marker", "math", "bold",  "number" };
    return names[stage];
}

bool pc_rules_preset(pc_rules *out, const char *name)
{
    const uint32_t math = STAGE(BOXED) | STAGE(HASHES) | STAGE(MARKER) | STAGE(MATH) | STAGE(BOLD);
    *out = (pc_rules){ .stages = math };
    if (strcmp(name, "math") == 0)
        return true;
    if (strcmp(name, "gsm8k") == 0) {
        *out =
            (pc_rules){ .stages = math | STAGE(NUMBER), .a_colon = true, .hashes_anywhere = true };
        return true;
    }
    out->stages = STAGE(BOXED);
    return strcmp(name, "strict") == 0;
}

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

bool pc_after_think(assay_str *text, pc_think think)
{
    if (think == PC_THINK_OFF)
        return true;
    size_t close = pc_rfind(*text, "</think>", text->len);
    size_t open = pc_rfind(*text, "<think>", text->len);
    if (close == PC_NONE)
        return think == PC_THINK_AUTO && open == PC_NONE;
    if (open != PC_NONE && open > close)
        return false; /* a new thought was begun and never ended */
    *text = pc_from(*text, close + strlen("</think>"));
    return true;
}

/* ---- boxes ---- */

typedef struct box {
    size_t start, content, content_end,
        end; /* end: past the closing brace; PC_NONE: never closed */
} box;

/* Is there a \boxed or \fbox whose backslash is at s[at]? Gives the index past the word. */
static size_t box_word(assay_str s, size_t at)
{
    assay_str rest = pc_from(s, at);
    if (rest.len < 2 ||
        (rest.data[1] != 'b' && rest.data[1] != 'f')) /* most commands are not ours */
        return PC_NONE;
    size_t n = pc_starts(rest, "\\boxed") ? 6 : pc_starts(rest, "\\fbox") ? 5 : 0;
    if (n == 0 || (n < rest.len && pc_is_alpha(rest.data[n])))
        return PC_NONE;
    return at + n;
}

/* The last box that starts before `end`. */
static bool box_before(assay_str s, size_t end, box *out)
{
    while (end > 0) {
        const char *p = memrchr(s.data, '\\', end);
        if (!p)
            return false;
        end = (size_t)(p - s.data);
        size_t word = box_word(s, end);
        if (word != PC_NONE) {
            *out = (box){ .start = end, .content = word };
            return true;
        }
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
    size_t i = b->content;
    while (i < s.len && (s.data[i] == ' ' || s.data[i] == '\n'))
        i++;
    b->content = i;
    if (i >= s.len || s.data[i] != '{') {
        bare_content(s, b);
        return;
    }
    b->end = pc_brace_end(s, i);
    b->content = i + 1;
    b->content_end = b->end == PC_NONE ? s.len : b->end - 1;
}

/* Is s[from..to) nothing but white space, math delimiters, commas, semicolons, "and", "or"? */
static bool is_joint(assay_str s, size_t from, size_t to)
{
    for (size_t i = from; i < to;) {
        assay_str rest = pc_slice(s, i, to);
        char c = s.data[i];
        if (pc_is_space(c) || c == ',' || c == ';' || c == '$' || c == '&' || c == '*') {
            i++;
            continue;
        }
        size_t n = 0;
        static const char *const words[] = { "and",     "or",  "\\text{", "\\quad", "\\qquad",
                                             "\\mbox{", "}",   "\\(",     "\\)",    "\\[",
                                             "\\]",     "\\,", "\\;",     "\\ ",    "\\\\" };
        for (size_t k = 0; k < sizeof words / sizeof *words && !n; k++)
            if (pc_starts(rest, words[k]))
                n = strlen(words[k]);
        if (!n)
            return false;
        i += n;
    }
    return true;
}

static uint32_t count_boxes(assay_str s)
{
    uint32_t n = 0;
    for (size_t at = pc_find(s, "box", 0); at != PC_NONE; at = pc_find(s, "box", at + 3))
        if ((at >= 1 && s.data[at - 1] == '\\') ||
            (at >= 2 && s.data[at - 1] == 'f' && s.data[at - 2] == '\\'))
            n++;
    return n;
}

/* Walks left from the last box over boxes joined to it; false: a box around it never ends. */
static bool gather_boxes(assay_str s, box last, pc_found *out)
{
    assay_str first_text = pc_trim(pc_slice(s, last.content, last.content_end));
    size_t from = last.start;
    bool differ = false, closed = true;
    uint32_t n = 1;
    for (box next = last, b; box_before(s, next.start, &b); next = b) {
        assay_str upto = pc_slice(s, 0, next.start);
        box_close(upto, &b); /* never beyond the next box: each byte is looked at once */
        if (b.end == PC_NONE) {
            if (b.content < s.len && s.data[b.content - 1] == '{') { /* around the next box */
                box whole = { .start = b.start,
                              .content = b.start + (s.data[b.start + 1] == 'b' ? 6 : 5) };
                box_close(s, &whole);
                closed = whole.end != PC_NONE;
            }
            break;
        }
        if (!is_joint(s, b.end, next.start))
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

/* True when the boxed stage has the last word, answer or not. */
static bool find_boxed(assay_str s, pc_found *out)
{
    box b;
    if (!box_before(s, s.len, &b))
        return false;
    box_close(s, &b);
    out->n_boxes = count_boxes(s);
    if (b.end == PC_NONE) {
        out->truncated = true;
        out->why = "the text ends inside a box";
        return true;
    }
    out->text = pc_trim(pc_slice(s, b.content, b.content_end));
    out->n_list = 1;
    if (out->text.len == 0) {
        out->text.data = NULL;
        out->why = "the last box is empty";
        return out->n_boxes > 1; /* a lone empty box is a quotation of the instructions */
    }
    if (!gather_boxes(s, b, out)) {
        out->text = (assay_str){ NULL, 0 };
        out->truncated = true;
        out->why = "the text ends inside a box";
        return true;
    }
    out->stage = PC_STAGE_BOXED;
    return true;
}

/* Where the next box starts, at or after `at`; s.len: there is none. */
static size_t next_box(assay_str s, size_t at)
{
    while (at < s.len && box_word(s, at) == PC_NONE)
        at++;
    return at < s.len ? at : s.len;
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
    box b = { .start = i, .content = box_word(s, i) };
    size_t next = next_box(s, b.content);
    assay_str upto = pc_slice(s, 0, next); /* as far as gather_boxes() looked */
    box_close(upto, &b);
    bool is_last_bare = next == s.len && s.data[b.content - 1] != '{';
    *part = pc_trim(pc_slice(s, b.content, is_last_bare ? s.len : b.content_end));
    *at = b.end == PC_NONE || is_last_bare ? next : b.end;
    return true;
}

/* ---- math spans ---- */

typedef struct span {
    size_t start, from, to, end; /* start/end with the delimiters */
} span;

static bool is_escaped(assay_str s, size_t at)
{
    size_t n = 0;
    while (n < at && s.data[at - 1 - n] == '\\')
        n++;
    return n % 2 == 1;
}

/* Does a math span open at s[at]? Finds its end: the same delimiter, before a blank line. */
static bool span_at(assay_str s, size_t at, span *out)
{
    static const char *const open[] = { "$$", "$", "\\(", "\\[" }, *const close[] = { "$$", "$",
                                                                                      "\\)",
                                                                                      "\\]" };
    assay_str rest = pc_from(s, at);
    for (size_t k = 0; k < 4; k++) {
        if (!pc_starts(rest, open[k]))
            continue;
        size_t n = strlen(open[k]), end = at + n;
        do {
            end = pc_find(s, close[k], end);
        } while (end != PC_NONE && k < 2 && is_escaped(s, end) && ++end);
        if (end == PC_NONE || pc_find(pc_slice(s, 0, end), "\n\n", at) != PC_NONE)
            return false;
        *out = (span){ .start = at, .from = at + n, .to = end, .end = end + n };
        bool spaced = pc_is_space(s.data[out->from]);
        /* "$5 and tax $6" is money: a dollar closes after a non-space, and not before a digit */
        return k != 1 || ((spaced || !pc_is_space(s.data[end - 1])) &&
                          !(out->end < s.len && pc_is_digit(s.data[out->end])) && end > out->from);
    }
    return false;
}

/* The last `$..$` that ends before `end`. */
static bool dollar_before(assay_str s, size_t end, span *out)
{
    size_t close = end;
    while ((close = pc_rfind(s, "$", close)) != PC_NONE) {
        if (is_escaped(s, close))
            continue;
        bool twice = close > 0 && s.data[close - 1] == '$';
        size_t to = twice ? close - 1 : close, open = to;
        do {
            open = pc_rfind(s, twice ? "$$" : "$", open);
        } while (open != PC_NONE && is_escaped(s, open));
        if (open == PC_NONE)
            return false;
        if (span_at(s, open, out) && out->end == close + 1)
            return true;
        close = open + (twice ? 2 : 1);
        if (close >= to + 1)
            close = to;
    }
    return false;
}

static bool bracket_before(assay_str s, span *out)
{
    size_t a = pc_rfind(s, "\\)", s.len), b = pc_rfind(s, "\\]", s.len);
    if (a == PC_NONE && b == PC_NONE)
        return false;
    bool square = a == PC_NONE || (b != PC_NONE && b > a);
    size_t to = square ? b : a, open = pc_rfind(s, square ? "\\[" : "\\(", to);
    if (open == PC_NONE)
        return false;
    *out = (span){ .start = open, .from = open + 2, .to = to, .end = to + 2 };
    return true;
}

static assay_str strip_end(assay_str t)
{
    t = pc_trim(t);
    while (t.len && pc_in(t.data[t.len - 1], ".,;:!?*\"'`") && !is_escaped(t, t.len - 1))
        t = pc_trim(pc_slice(t, 0, t.len - 1));
    return t;
}

static bool find_math(assay_str s, pc_found *out)
{
    span a, b;
    bool dollars = dollar_before(s, s.len, &a), brackets = bracket_before(s, &b);
    if (!dollars && !brackets)
        return false;
    if (!dollars || (brackets && b.end > a.end))
        a = b;
    /* "$41$ or $42$" is one list: spans joined as boxes are */
    size_t from = a.from;
    while (dollar_before(pc_slice(s, 0, a.start), a.start, &b) && is_joint(s, b.end, a.start) &&
           b.end < a.start) {
        from = b.from;
        a.start = b.start;
    }
    out->text = strip_end(pc_slice(s, from, a.to));
    out->stage = PC_STAGE_MATH;
    return out->text.len > 0;
}

/* ---- hashes, markers, bold, number ---- */

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

static bool find_hashes(assay_str s, const pc_rules *rules, pc_found *out)
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
    if (!rules->hashes_anywhere && !is_last && !looks_like_answer(line))
        return false;
    out->text = line;
    out->stage = PC_STAGE_HASHES;
    return true;
}

static size_t skip_chars(assay_str s, size_t i, const char *set)
{
    while (i < s.len && s.data[i] && pc_in(s.data[i], set))
        i++;
    return i;
}

/* After "answer": "is", "are", ":", "=", with emphasis around; gives where the value starts. */
static size_t after_marker(assay_str s, size_t i)
{
    if (i < s.len && pc_lower(s.data[i]) == 's')
        i++;
    size_t bare = i;
    i = skip_chars(s, i, " *_");
    bool emphasised = pc_find(pc_slice(s, bare, i), "**", 0) != PC_NONE;
    assay_str rest = pc_from(s, i);
    if (pc_starts_nocase(rest, "is") && (rest.len == 2 || !pc_is_alpha(rest.data[2])))
        i += 2;
    else if (pc_starts_nocase(rest, "are") && (rest.len == 3 || !pc_is_alpha(rest.data[3])))
        i += 3;
    else if (rest.len && (rest.data[0] == ':' || rest.data[0] == '='))
        i += 1;
    else if (!(emphasised && rest.len && rest.data[0] == '\n')) /* a heading of its own */
        return PC_NONE;
    i = skip_chars(s, i, " *_:=");
    if (i < s.len && s.data[i] == '\n')
        i = skip_chars(s, i, " *_:\n\r");
    return i;
}

/* The last place where a marker's value starts; "answer" is searched by its rarest letter. */
static size_t last_marker(assay_str s)
{
    size_t best = PC_NONE;
    for (int upper = 0; upper < 2; upper++) {
        size_t end = s.len;
        const char *p;
        while (end > 0 && (p = memrchr(s.data, upper ? 'W' : 'w', end))) {
            end = (size_t)(p - s.data);
            if (end < 3 || !pc_starts_nocase(pc_from(s, end - 3), "answer"))
                continue;
            size_t at = after_marker(s, end + 3);
            if (at == PC_NONE)
                continue;
            if (best == PC_NONE || at > best)
                best = at;
            break;
        }
    }
    return best;
}

static size_t sentence_end(assay_str s, size_t at)
{
    for (size_t i = at; i < s.len; i++) {
        char c = s.data[i];
        if (c == '\n')
            return i;
        bool stops = c == '.' || c == '!' || c == '?';
        if (stops && i > at &&
            (i + 1 >= s.len || pc_is_space(s.data[i + 1]) || s.data[i + 1] == '*'))
            return i;
    }
    return s.len;
}

/* The math span right after a marker, with the spans joined to it; else the sentence. */
static assay_str marker_value(assay_str s, size_t at)
{
    span a, b;
    if (!span_at(s, at, &a))
        return strip_end(pc_slice(s, at, sentence_end(s, at)));
    size_t to = a.to, end = a.end;
    for (size_t i = end; i < s.len; i = end) {
        while (i < s.len && !ends_math(s, i) && s.data[i] != '\\' && s.data[i] != '\n' &&
               i - end < 16)
            i++;
        if (i >= s.len || !is_joint(s, end, i) || !span_at(s, i, &b))
            break;
        to = b.to;
        end = b.end;
    }
    return strip_end(pc_slice(s, a.from, to));
}

static bool find_marker(assay_str s, const pc_rules *rules, pc_found *out)
{
    size_t at = last_marker(s);
    if (rules->a_colon) {
        size_t line = pc_rfind(s, "\nA:", s.len);
        line = line != PC_NONE ? line + 1 : pc_starts(s, "A:") ? 0 : PC_NONE;
        if (line != PC_NONE && (at == PC_NONE || line + 2 > at))
            at = line + 2;
    }
    if (at == PC_NONE)
        return false;
    at = skip_chars(s, at, " \t");
    out->text = marker_value(s, at);
    if (out->text.len == 0) {
        out->text.data = NULL;
        out->truncated = pc_is_blank(pc_from(s, at));
        out->why = "nothing follows the words that announce the answer";
        return out->truncated;
    }
    out->stage = PC_STAGE_MARKER;
    return true;
}

static bool find_bold(assay_str s, pc_found *out)
{
    s = pc_trim(s);
    size_t nl = pc_rfind(s, "\n", s.len), start = nl == PC_NONE ? 0 : nl + 1;
    size_t close = pc_rfind(s, "**", s.len);
    if (close == PC_NONE || close < start + 2)
        return false;
    size_t open = pc_rfind(s, "**", close);
    if (open == PC_NONE || open < start)
        return false;
    out->text = strip_end(pc_slice(s, open + 2, close));
    out->stage = PC_STAGE_BOLD;
    return out->text.len > 0;
}

static bool find_number(assay_str s, pc_found *out)
{
    size_t end = s.len;
    while (end > 0 && !pc_is_digit(s.data[end - 1]))
        end--;
    if (end == 0)
        return false;
    size_t from = end;
    while (from > 0 && (pc_is_digit(s.data[from - 1]) || pc_in(s.data[from - 1], ",./")) &&
           s.data[from - 1])
        from--;
    while (from < end && (s.data[from] == ',' || s.data[from] == '/'))
        from++;
    if (from > 0 && s.data[from - 1] == '$')
        from--;
    if (from > 0 && s.data[from - 1] == '-' && (from == 1 || pc_in(s.data[from - 2], " =(\n:")))
        from--;
    out->text = pc_slice(s, from, end);
    out->stage = PC_STAGE_NUMBER;
    return true;
}

/* ---- the whole ---- */

static bool find_tag(assay_str *s, pc_found *out)
{
    size_t open = pc_rfind(*s, "<answer>", s->len);
    if (open == PC_NONE)
        return false;
    size_t from = open + strlen("<answer>"), close = pc_find(*s, "</answer>", from);
    if (close == PC_NONE) {
        out->truncated = true;
        out->why = "the text ends inside <answer>";
        return true;
    }
    *s = pc_trim(pc_slice(*s, from, close));
    out->text = *s;
    out->stage = PC_STAGE_TAG;
    out->n_list = 1;
    if (s->len == 0) {
        out->stage = PC_STAGE_NONE;
        out->text.data = NULL;
        out->why = "<answer> is empty";
    }
    return true;
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
    if (s.len > PC_EXTRACT_WINDOW)
        s = pc_from(s, s.len - PC_EXTRACT_WINDOW);
    uint32_t want = rules->stages;
    if ((want & STAGE(TAG)) && find_tag(&s, out)) {
        pc_found inner = { .why = NULL };
        if (out->text.data && find_boxed(s, &inner))
            *out = inner;
        return;
    }
    bool found = ((want & STAGE(BOXED)) && find_boxed(s, out)) ||
                 ((want & STAGE(HASHES)) && find_hashes(s, rules, out)) ||
                 ((want & STAGE(MARKER)) && find_marker(s, rules, out)) ||
                 ((want & STAGE(MATH)) && find_math(s, out)) ||
                 ((want & STAGE(BOLD)) && find_bold(s, out)) ||
                 ((want & STAGE(NUMBER)) && find_number(s, out));
    if (found && out->stage != PC_STAGE_NONE) {
        out->why = NULL;
        out->n_list = out->n_list ? out->n_list : 1;
        return;
    }
    out->text = (assay_str){ NULL, 0 };
    out->stage = PC_STAGE_NONE;
    if (!out->why)
        out->why = "no answer was found";
}

assay_str pc_gold(assay_str reference)
{
    assay_str s = pc_trim(reference.data ? reference : (assay_str){ "", 0 });
    span a;
    if (span_at(s, 0, &a) && a.end == s.len)
        s = pc_trim(pc_slice(s, a.from, a.to));
    box b = { .start = 0, .content = s.len ? box_word(s, 0) : PC_NONE };
    if (b.content != PC_NONE) {
        box_close(s, &b);
        if (b.end == s.len)
            s = pc_trim(pc_slice(s, b.content, b.content_end));
    }
    return s;
}
