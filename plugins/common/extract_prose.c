/* extract_prose.c -- the one value that a sentence gives. SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

typedef struct value { /* a number or a math span in the text */
    size_t from, to;   /* as written, delimiters included */
    assay_str text;
    bool is_span;
} value;

typedef struct reading {
    assay_str s;
    bool several; /* the last of several values may be taken */
    uint32_t n;
    value last;
    size_t before; /* where the value before the last ends; 0: there is none */
    bool has_words;
} reading;

static assay_str word_from(assay_str s, size_t i)
{
    size_t end = i;
    while (end < s.len && (pc_is_word(s.data[end]) || (s.data[end] == '\'' && end > i)))
        end++;
    return pc_slice(s, i, end);
}

static char before(assay_str s, size_t i)
{
    if (i == 0)
        return ' ';
    return s.data[i - 1];
}

/* ---- what is no prose ---- */

/* What programs look like and sentences do not: f(, .class, __, [, ;, quotes, backticks. */
static bool is_code(assay_str s, size_t i)
{
    char c = s.data[i], next = s.data[i + (i + 1 < s.len)];
    char prev = before(s, i);
    if (pc_in(c, "[]{}_`;|@#~&") || (c == '\'' && !pc_is_word(prev) && !pc_is_digit(prev)))
        return true;
    if (c == '(' && (pc_is_alpha(prev) || prev == ')'))
        return true;
    if (c != '.' || i + 1 >= s.len || !(pc_is_alpha(next)))
        return false;
    return prev == ')' || (pc_is_alpha(prev) && word_from(s, i + 1).len > 2);
}

/* A word of a language, not a symbol: English, or letters of other scripts but Greek. */
static bool is_prose(assay_str word)
{
    unsigned char lead = (unsigned char)word.data[0];
    bool symbol = lead < 0xC4 || lead == 0xCE || lead == 0xCF || lead == 0xE2;
    return !symbol || pc_is_prose_word(word);
}

/* Controls that make a text show other than it is: U+202A..202E, U+2066..2069. */
static bool is_bidi(assay_str word)
{
    for (size_t i = 0; i + 2 < word.len; i++) {
        const unsigned char *p = (const unsigned char *)word.data + i;
        if (p[0] == 0xE2 && ((p[1] == 0x80 && p[2] >= 0xAA && p[2] <= 0xAE) ||
                             (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9)))
            return true;
    }
    return false;
}

/* Is the byte at s[i] one of plain prose? Brackets and signs only where several values may be. */
static bool is_plain(const reading *r, char c)
{
    return pc_is_word(c) || pc_is_space(c) || pc_in(c, ".,:;!?'\"-*$%") ||
           (r->several && pc_in(c, "()+/=^"));
}

/* Past a command that prose may hold: \text{, spacing, \$; 0: another one. */
static size_t plain_command(const reading *r, size_t i)
{
    static const char *const names[] = { "\\text{", "\\textbf{", "\\mathrm{", "\\mbox{", "\\ ",
                                         "\\,",     "\\;",       "\\quad",    "\\$",     "\\%" };
    static const char *const operators[] = { "\\times", "\\cdot", "\\div" };
    assay_str rest = pc_from(r->s, i);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (pc_starts(rest, names[k]))
            return strlen(names[k]);
    for (size_t k = 0; r->several && k < sizeof operators / sizeof *operators; k++)
        if (pc_starts(rest, operators[k]))
            return strlen(operators[k]);
    return 0;
}

/* ---- numbers ---- */

/* What may stand right behind a number without a space, in letters. */
static bool is_unit(assay_str word)
{
    static const char *const units[] = { "m", "cm", "km", "mm", "kg", "g",  "mg", "l", "ml",
                                         "s", "ms", "h",  "ft", "in", "lb", "oz", NULL };
    return pc_among(word, units);
}

/* A per cent sign or word behind the number belongs to it. */
static size_t with_percent(assay_str s, size_t end)
{
    static const char *const signs[] = {
        "%", "\\%", " %", " \\%", " percent", " per cent", " pct"
    };
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
        size_t n = strlen(signs[k]);
        bool whole = end + n >= s.len || !pc_is_alpha(s.data[end + n]);
        if (pc_starts(pc_from(s, end), signs[k]) && whole)
            return end + n;
    }
    return end;
}

/* Is the number s[from..end) one that can stand for itself? Not x2, 3rd, 5x, 2^10. */
static bool stands_alone(const reading *r, size_t from, size_t end)
{
    assay_str s = r->s;
    char prev = before(s, from);
    bool range = pc_in(prev, ":-") && from > 1 && pc_is_digit(s.data[from - 2]); /* 2:30, 3-4 */
    bool factorial = end < s.len && s.data[end] == '!';
    if (pc_is_alpha(prev) || pc_in(prev, "_^\\") || range || factorial)
        return false;
    size_t letters = end;
    while (letters < s.len && pc_is_alpha(s.data[letters]))
        letters++;
    if (letters > end && !(r->several && is_unit(pc_slice(s, end, letters))))
        return false;
    size_t next = pc_skip(s, end, " ");
    assay_str word = word_from(s, next); /* "5 x" */
    bool variable = word.len == 1 && pc_is_alpha(word.data[0]) && !pc_in(word.data[0], "aAI");
    return r->several || !variable;
}

static size_t digits_end(assay_str s, size_t i)
{
    for (; i < s.len; i++) {
        bool inner = pc_in(s.data[i], ",./") && i + 1 < s.len && pc_is_digit(s.data[i + 1]);
        if (!pc_is_digit(s.data[i]) && !inner)
            break;
    }
    return i;
}

static void add_value(reading *r, value v)
{
    if (r->n++)
        r->before = r->last.to;
    r->last = v;
}

/* ---- what words do to a number ---- */

static bool changes(assay_str word)
{
    static const char *const words[] = {
        "not",          "never",    "no",        "least",    "most",       "than",     "below",
        "above",        "under",    "over",      "between",  "minus",      "negative", "plus",
        "times",        "twice",    "half",      "dozen",    "hundred",    "or",       "thousand",
        "million",      "billion",  "except",    "unless",   "sin",        "cos",      "tan",
        "log",          "ln",       "sqrt",      "root",     "factorial",  "neither",  "nor",
        "either",       "cannot",   "squared",   "trillion", "wrong",      "but",      "false",
        "incorrect",    "anything", "other",     "without",  "instead",    "rather",   "invalid",
        "impossible",   "excluded", "excluding", "fails",    "failed",     "exceeds",  "cubed",
        "approximates", "modulo",   "mod",       "divided",  "multiplied", NULL
    };
    bool denied = word.len > 3 && pc_is_nocase(pc_from(word, word.len - 3), "n't");
    return denied || pc_among(word, words);
}

/* Nothing from `from` on, the last value aside, denies or changes it. */
static bool is_meant(const reading *r, size_t from)
{
    assay_str s = r->s;
    for (size_t i = from; i < s.len;) {
        if (i >= r->last.from && i < r->last.to) {
            i = r->last.to;
            continue;
        }
        assay_str word = word_from(s, i);
        if (changes(word) || pc_starts_nocase(pc_from(s, i), "out of "))
            return false;
        i += word.len ? word.len : 1;
    }
    /* bu, mei: "not" in Chinese */
    return pc_find(s, "\xE4\xB8\x8D", from) == PC_NONE &&
           pc_find(s, "\xE6\xB2\xA1", from) == PC_NONE;
}

/* "41 or 42", "1, 2": values side by side are a list, of which none is taken. */
static bool is_list(const reading *r)
{
    if (r->n < 2)
        return false;
    if (pc_is_joint(r->s, r->before, r->last.from))
        return true;
    for (size_t i = r->before; i < r->last.from;) {
        assay_str word = word_from(r->s, i);
        if (pc_is_nocase(word, "or") || pc_is_nocase(word, "and"))
            return true;
        i += word.len ? word.len : 1;
    }
    return false;
}

/* Reads one piece at s[i], past which it gives the index; 0: this is no prose. */
static size_t read_piece(reading *r, size_t i)
{
    assay_str s = r->s;
    pc_span x;
    char c = s.data[i];
    if (pc_in(c, "$\\") && pc_span_at(s, i, &x)) {
        add_value(r, (value){ x.start, x.end, pc_strip_end(pc_slice(s, x.from, x.to)), true });
        return x.end;
    }
    if (c == '\\') {
        size_t n = plain_command(r, i);
        return n ? i + n : 0;
    }
    if (pc_is_digit(c)) {
        size_t end = digits_end(s, i), from = pc_number_start(s, end);
        if (from > i || from < (r->n ? r->last.to : 0) || !stands_alone(r, from, end))
            return 0;
        end = with_percent(s, end);
        add_value(r, (value){ from, end, pc_slice(s, from, end), false });
        return end;
    }
    if (c == '}') /* of \text{ */
        return i + 1;
    if (pc_is_word(c)) {
        assay_str word = word_from(s, i);
        r->has_words = r->has_words || is_prose(word);
        return is_bidi(word) ? 0 : i + word.len;
    }
    return is_plain(r, c) && !is_code(s, i) ? i + 1 : 0;
}

bool pc_answer_in_prose(assay_str text, bool last_number, pc_found *out)
{
    reading r = { .s = pc_trim(text.data ? text : (assay_str){ "", 0 }), .several = last_number };
    *out = (pc_found){ .why = "no single value is said" };
    if (r.s.len == 0 || r.s.len > PC_PROSE_MAX)
        return false;
    for (size_t i = 0; i < r.s.len;) {
        i = read_piece(&r, i);
        if (i == 0 || (r.n > 1 && !last_number))
            return false;
    }
    bool is_all = r.n && r.last.from == 0 && r.last.to == r.s.len; /* no prose at all */
    if (r.n == 0 || is_all || !r.has_words || is_list(&r) || !is_meant(&r, r.before) ||
        r.last.text.len == 0)
        return false;
    *out = (pc_found){ .text = r.last.text,
                       .stage = r.last.is_span ? PC_STAGE_MATH : PC_STAGE_NUMBER,
                       .n_list = 1,
                       .from_prose = true };
    return true;
}
