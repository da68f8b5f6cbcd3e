/* extract_whole.c -- texts that are nothing but an answer. SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

enum { EXPRESSION_MAX = 200, PHRASE_MAX = 40 };

static const char *const functions[] = {
    "sin",    "cos",    "tan",    "cot",  "sec",  "csc",   "log",   "exp",   "sqrt", "frac",
    "lim",    "max",    "min",    "gcd",  "lcm",  "mod",   "det",   "abs",   "inf",  "infty",
    "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",  "asin",  "acos",  "atan", "infinity",
    "floor",  "ceil",   "cbrt",   "root", "and",  "union", "theta", "alpha", "beta", NULL
};
static const char *const short_words[] = { "is", "it", "so", "we", "he", "my", "of",
                                           "to", "on", "by", "be", "as", "do", "if",
                                           "no", "an", "at", "us", "me", "am", NULL };
/* Words that belong to an answer beside a math span: "odd $n$", "$f(x)=x^a$ for some $a>0$". */
static const char *const belonging[] = { "odd",      "even",    "all",       "any",         "every",
                                         "no",       "prime",   "positive",  "negative",    "real",
                                         "for",      "some",    "where",     "nonnegative", "with",
                                         "integers", "integer", "composite", "rational",    NULL };

typedef struct tally {
    uint32_t digits, commands, letters, belongs, spans;
    bool foreign; /* a word that is no mathematics */
} tally;

static size_t word_end(assay_str s, size_t i)
{
    while (i < s.len && pc_is_word(s.data[i]))
        i++;
    return i;
}

bool pc_is_prose_word(assay_str word)
{
    return word.len && (unsigned char)word.data[0] < 0x80 &&
           (pc_among(word, short_words) || (word.len > 2 && !pc_among(word, functions)));
}

static void count_word(tally *t, assay_str word)
{
    t->letters += word.len == 1;
    if (pc_among(word, belonging))
        t->belongs++;
    else if (pc_is_prose_word(word))
        t->foreign = true;
}

/* Past a command and, where it is one of text or of an environment, its first argument. */
static size_t command_end(assay_str s, size_t i)
{
    size_t end = i + 1;
    while (end < s.len && pc_is_alpha(s.data[end]))
        end++;
    static const char *const names[] = { "text",         "textbf", "mathrm", "mbox", "begin",
                                         "operatorname", "end",    "textrm", NULL };
    bool named = pc_among(pc_slice(s, i + 1, end), names) && end < s.len && s.data[end] == '{';
    size_t close = named ? pc_brace_end(s, end) : PC_NONE;
    if (end == i + 1)
        end++;
    if (close != PC_NONE)
        return close;
    return end < s.len ? end : s.len;
}

static tally count(assay_str s)
{
    tally t = { 0 };
    pc_span x;
    for (size_t i = 0; i < s.len;) {
        char c = s.data[i];
        if (pc_in(c, "$\\") && pc_span_at(s, i, &x)) {
            t.spans++;
            i = x.end;
        } else if (c == '\\') {
            t.commands++;
            i = command_end(s, i);
        } else if (pc_is_word(c)) {
            size_t end = word_end(s, i);
            count_word(&t, pc_slice(s, i, end));
            i = end;
        } else {
            t.digits += pc_is_digit(c);
            i++;
        }
    }
    return t;
}

bool pc_is_expression(assay_str s, bool spans)
{
    s = pc_trim(s);
    if (s.len == 0 || s.len > EXPRESSION_MAX || memchr(s.data, '\n', s.len))
        return false;
    tally t = count(s);
    if (t.foreign)
        return false;
    if (spans)
        return t.spans > 0 && t.belongs > 0;
    return t.spans == 0 && t.belongs == 0 && (t.digits || t.commands || t.letters);
}

/* "42 because geometry proves it", "Cost: 5 dollars" are answers, "perhaps 42" is a guess. */
bool pc_find_phrase(assay_str s, pc_found *out)
{
    pc_found value;
    s = pc_trim(s);
    if (s.len > PHRASE_MAX || memchr(s.data, '\n', s.len) || !pc_answer_in_prose(s, false, &value))
        return false;
    assay_str head = pc_trim(pc_slice(s, 0, (size_t)(value.text.data - s.data)));
    if (head.len && !pc_in(head.data[head.len - 1], ":="))
        return false;
    out->text = s;
    out->stage = PC_STAGE_WHOLE;
    return true;
}
