/* only.c -- a short line that names one letter and says nothing against it: "Because B is valid".
 * Nothing announces the letter here, so all that might give the line another meaning is refused: a
 * negation, a question, a condition, a formula, a second letter of any kind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "only.h"

enum { MOST = 120 };
#define MARKS_BEFORE "([\"'*$`"
#define MARKS_AFTER ")]\"'*$`"
#define SIGNS "=+<>/|&^~%#@*_" /* beside these a letter is part of a formula, or of no prose */

typedef struct line {
    char at[MOST]; /* printable ASCII */
    size_t n;
} line;

static bool is_name_byte(char c)
{
    return pc_is_alpha(c) || pc_is_digit(c);
}

/* Quotation marks and dashes that typesetters use become those of ASCII; no other text but ASCII
 * is understood here: "nicht" one may list, the negations of all languages one may not. */
static bool read_line(assay_str s, line *out)
{
    out->n = 0;
    s = pc_trim(s);
    if (s.len > MOST)
        return false;
    for (size_t i = 0, step; i < s.len; i += step) {
        uint32_t c;
        step = pc_utf8(s, i, &c);
        if (c == 0x2018 || c == 0x2019)
            c = '\'';
        else if (c == 0x201C || c == 0x201D)
            c = '"';
        else if (c == 0x2013 || c == 0x2014) { /* three bytes for three */
            out->at[out->n++] = ' ';
            out->at[out->n++] = '-';
            c = ' ';
        } else if (c == '\t')
            c = ' ';
        if (c < ' ' || c > '~' || pc_in((char)c, "?\\{}"))
            return false;
        out->at[out->n++] = (char)c;
    }
    return true;
}

/* ---- what is said against ---- */

static bool is_in(assay_str word, const char *const *list)
{
    for (; *list; list++)
        if (pc_is_nocase(word, *list))
            return true;
    return false;
}

static bool is_against(assay_str word)
{
    static const char *const whole[] = {
        "not",    "no",    "nor",     "none",    "never",  "nothing", "neither", "nobody",
        "cannot", "cant",  "dont",    "isnt",    "doesnt", "wont",    "arent",   "wasnt",
        "but",    "other", "others",  "instead", "rather", "than",    "without", "besides",
        "if",     "when",  "whether", "unless",  "unsure", "rule",    "ruled",   "rules",
        "nicht",  "kein",  "keine",   "pas",     "non",    "ne",      "niet",    NULL
    };
    static const char *const begins[] = {
        "wrong", "incorrect", "invalid", "except",  "exclu",   "eliminat", "impossib",   "reject",
        "fals",  "untru",     "unlike",  "doubt",   "fail",    "mistak",   "contradict", "refut",
        "worse", "worst",     "disprov", "discard", "dismiss", NULL
    };
    for (const char *const *b = begins; *b; b++)
        if (pc_starts_nocase(word, *b))
            return true;
    return is_in(word, whole);
}

static assay_str word_at(assay_str s, size_t i)
{
    size_t end = i;
    while (end < s.len && pc_is_alpha(s.data[end]))
        end++;
    return pc_slice(s, i, end);
}

static bool is_spoken_against(assay_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        assay_str word = word_at(s, i);
        bool is_nt = i > 0 && pc_starts_nocase(pc_from(s, i - 1), "n't"); /* "isn't", "won't" */
        if (is_nt || is_against(word))
            return true;
        i += word.len ? word.len - 1 : 0;
    }
    return false;
}

/* ---- letters ---- */

typedef enum seen { NO_LETTER, LETTER, UNCLEAR } seen;

/* Words that follow a letter, but no article. */
static bool follows_a_name(assay_str word)
{
    static const char *const list[] = { "is",   "was",     "has",   "does",  "seems",  "looks",
                                        "fits", "because", "since", "would", "should", "could",
                                        "and",  "or",      "over",  "then",  "to",     "in",
                                        "at",   "on",      "from",  "with",  "vs",     "versus",
                                        "by",   "for",     "so",    "as",    NULL };
    return is_in(word, list);
}

/* "A" and what follows it: the article, a letter, or not to be told. `begins`: a sentence. */
static seen look_at_article(assay_str after, bool begins)
{
    size_t i = 0;
    while (i < after.len && pc_in(after.data[i], MARKS_BEFORE))
        i++;
    assay_str word = word_at(after, i);
    if (word.len == 0 || follows_a_name(word))
        return LETTER;
    bool is_verb = word.len > 1 && word.data[word.len - 1] == 's' && word.data[word.len - 2] != 's';
    return begins && !is_verb ? NO_LETTER : UNCLEAR;
}

/* The capital at s[i], which no letter or digit touches. Marks may wrap it and end it; next to a
 * sign or a number it is part of a formula, and "B. subtilis", "B's", "f(B)" are no choices. */
static seen look_at_capital(assay_str s, size_t i)
{
    size_t from = i, to = i + 1;
    while (from > 0 && pc_in(s.data[from - 1], MARKS_BEFORE))
        from--;
    while (to < s.len && pc_in(s.data[to], MARKS_AFTER))
        to++;
    bool is_ended = to < s.len && pc_in(s.data[to], ".,;:!");
    bool is_stop = is_ended && s.data[to] == '.';
    to += is_ended;
    while (is_ended && to < s.len && pc_in(s.data[to], MARKS_AFTER))
        to++;
    if ((from > 0 && s.data[from - 1] != ' ' && s.data[from - 1] != ':') ||
        (to < s.len && s.data[to] != ' '))
        return UNCLEAR;
    assay_str before = pc_trim(pc_slice(s, 0, from)), after = pc_trim(pc_from(s, to));
    char left = '.', right = '.';
    if (before.len)
        left = before.data[before.len - 1];
    if (after.len)
        right = after.data[0];
    if (pc_is_digit(left) || pc_in(left, SIGNS) || pc_is_digit(right) || pc_in(right, SIGNS))
        return UNCLEAR;
    if (is_stop && right >= 'a' && right <= 'z')
        return UNCLEAR;
    if (s.data[i] == 'A' && to == i + 1)
        return look_at_article(after, pc_in(left, ".!:;"));
    return LETTER;
}

static seen look_at(assay_str s, size_t i)
{
    bool is_touched =
        (i > 0 && is_name_byte(s.data[i - 1])) || (i + 1 < s.len && is_name_byte(s.data[i + 1]));
    if (!pc_is_alpha(s.data[i]) || is_touched || pc_in(s.data[i], "aiI"))
        return NO_LETTER;
    if (s.data[i] <= 'Z')
        return look_at_capital(s, i);
    bool is_contracted = i > 1 && s.data[i - 1] == '\'' && pc_is_alpha(s.data[i - 2]); /* "it's" */
    return is_contracted ? NO_LETTER : UNCLEAR;
}

char choice_only(assay_str s, char last)
{
    line text;
    if (!read_line(s, &text))
        return 0;
    s = (assay_str){ text.at, text.n };
    char found = 0;
    for (size_t i = 0; i < s.len; i++) {
        seen what = look_at(s, i);
        if (what == NO_LETTER)
            continue;
        if (what == UNCLEAR || s.data[i] > last || (found && s.data[i] != found))
            return 0;
        found = s.data[i];
    }
    if (!found || is_spoken_against(s))
        return 0;
    return found;
}
