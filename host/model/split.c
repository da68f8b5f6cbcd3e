/* split.c -- one hand-written matcher per pattern. They look at a character once: a run of white
 * space is walked twice at most. SPDX-License-Identifier: Apache-2.0 */
#include "model/split.h"

#include "model/unicode.h"

/* \s is SPACE or NEWLINE; NONE: the end. */
enum {
    OTHER = AS_UC_OTHER,
    LETTER = AS_UC_LETTER,
    NUMBER = AS_UC_NUMBER,
    SPACE = AS_UC_SPACE,
    NEWLINE,
    NONE
};

#define O OTHER
#define L LETTER
#define N NUMBER
#define S SPACE
static const unsigned char ascii[128] = {
    O, O, O, O, O, O, O, O, O, S, NEWLINE, S, S, NEWLINE, O, O, /* 0x00 */
    O, O, O, O, O, O, O, O, O, O, O,       O, O, O,       O, O, /* 0x10 */
    S, O, O, O, O, O, O, O, O, O, O,       O, O, O,       O, O, /* 0x20 */
    N, N, N, N, N, N, N, N, N, N, O,       O, O, O,       O, O, /* 0x30 */
    O, L, L, L, L, L, L, L, L, L, L,       L, L, L,       L, L, /* 0x40 */
    L, L, L, L, L, L, L, L, L, L, L,       O, O, O,       O, O, /* 0x50 */
    O, L, L, L, L, L, L, L, L, L, L,       L, L, L,       L, L, /* 0x60 */
    L, L, L, L, L, L, L, L, L, L, L,       O, O, O,       O, O, /* 0x70 */
};
#undef O
#undef L
#undef N
#undef S

/* Class and bytes of the character at p; NONE and 0 at the end. */
static inline unsigned look(const char *p, const char *end, unsigned *n)
{
    if (p >= end) {
        *n = 0;
        return NONE;
    }
    unsigned char byte = (unsigned char)*p;
    if (byte < 0x80) {
        *n = 1;
        return ascii[byte];
    }
    uint32_t c;
    *n = as_uc_read(p, (size_t)(end - p), &c);
    return as_uc_class(c);
}

/* Just after the run of this class that goes on at p. */
static inline const char *after_run(const char *p, const char *end, unsigned class)
{
    unsigned n;
    while (look(p, end, &n) == class)
        p += n;
    return p;
}

/* The byte at p, in lower case where any will do; 0 beyond the end. */
static unsigned letter(const char *p, const char *end, bool any_case)
{
    unsigned c = p < end ? (unsigned char)*p : 0;
    return any_case && c - 'A' < 26 ? c | 0x20 : c;
}

/* Bytes of 's 't 're 've 'm 'll 'd at p (which holds an apostrophe), 0 where there is none. Without
 * regard to case, the long s (U+017F) is an s. */
static size_t contraction(const char *p, const char *end, bool any_case)
{
    if (end - p < 2)
        return 0;
    unsigned first = letter(p + 1, end, any_case), second = letter(p + 2, end, any_case);
    switch (first) {
    case 's':
    case 't':
    case 'm':
    case 'd':
        return 2;
    case 'r':
    case 'v':
        return second == 'e' ? 3 : 0;
    case 'l':
        return second == 'l' ? 3 : 0;
    default:
        return any_case && end - p > 2 && memcmp(p + 1, "\xC5\xBF", 2) == 0 ? 3 : 0;
    }
}

/* \s+(?!\S)|\s+ : white space leaves its last character to what follows it. `p` stands on some. */
static const char *after_space(const char *p, const char *end)
{
    const char *last = p;
    for (;;) {
        unsigned n, class = look(p, end, &n);
        if (class == NONE)
            return p;
        if (class != SPACE && class != NEWLINE)
            break;
        last = p;
        p += n;
    }
    return last;
}

/* The same where p stands on white space, but never empty. */
static const char *after_some_space(const char *p, const char *end)
{
    const char *stop = after_space(p, end);
    unsigned n;
    (void)look(p, end, &n);
    return stop > p ? stop : p + n;
}

static const char *gpt2(const char *p, const char *end)
{
    unsigned n, class = look(p, end, &n);
    if (*p == '\'') {
        size_t len = contraction(p, end, false);
        if (len)
            return p + len;
    }
    if (*p == ' ') {
        unsigned next_n, next = look(p + 1, end, &next_n);
        if (next <= NUMBER)
            return after_run(p + 1 + next_n, end, next);
    }
    if (class <= NUMBER)
        return after_run(p + n, end, class);
    return after_some_space(p, end);
}

/* Up to and with the last line end of the white space at p; NULL where it has none. */
static const char *after_lines(const char *p, const char *end)
{
    const char *last = NULL;
    for (;;) {
        unsigned n, class = look(p, end, &n);
        if (class != SPACE && class != NEWLINE)
            return last;
        p += n;
        if (class == NEWLINE)
            last = p;
    }
}

static const char *numbers(const char *p, const char *end, unsigned most)
{
    unsigned n;
    for (unsigned i = 0; i < most && look(p, end, &n) == NUMBER; i++)
        p += n;
    return p;
}

static const char *qwen2(const char *p, const char *end, unsigned most_numbers)
{
    unsigned n, next_n, class = look(p, end, &n);
    if (class == LETTER)
        return after_run(p + n, end, LETTER);
    if (class == NUMBER)
        return numbers(p, end, most_numbers);
    if (*p == '\'') {
        size_t len = contraction(p, end, true);
        if (len)
            return p + len;
    }
    unsigned next = look(p + n, end, &next_n);
    if (class != NEWLINE && next == LETTER)
        return after_run(p + n + next_n, end, LETTER);
    if (class == OTHER || (*p == ' ' && next == OTHER))
        return after_run(after_run(p + n, end, OTHER), end, NEWLINE);
    const char *lines = after_lines(p, end);
    return lines ? lines : after_some_space(p, end);
}

as_split as_split_start(as_split_rule rule, as_str text)
{
    const char *end = text.data + text.len;
    return (as_split){ text.data, rule.digits == AS_DIGITS_KEPT ? end : text.data, end, rule };
}

/* What the pattern sees next: numbers, one or a run of them, or all up to the next number. */
static void next_part(as_split *s)
{
    unsigned n;
    if (look(s->at, s->end, &n) == NUMBER) {
        s->stop = s->rule.digits == AS_DIGITS_SINGLE ? s->at + n : after_run(s->at, s->end, NUMBER);
        return;
    }
    for (unsigned class; (class = look(s->stop, s->end, &n)) != NUMBER && class != NONE;)
        s->stop += n;
}

bool as_split_next(as_split *s, as_str *piece)
{
    if (s->at >= s->end)
        return false;
    if (s->at == s->stop)
        next_part(s);
    const char *start = s->at;
    switch (s->rule.kind) {
    case AS_SPLIT_GPT2:
        s->at = gpt2(start, s->stop);
        break;
    case AS_SPLIT_QWEN2:
        s->at = qwen2(start, s->stop, 1);
        break;
    case AS_SPLIT_LLAMA3:
        s->at = qwen2(start, s->stop, 3);
        break;
    case AS_SPLIT_NONE:
    default:
        s->at = s->stop;
        break;
    }
    *piece = (as_str){ start, (size_t)(s->at - start) };
    return true;
}

#define TAIL "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define HEAD "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"

static const char *const patterns[] = {
    [AS_SPLIT_NONE] = NULL,
    [AS_SPLIT_GPT2] =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    [AS_SPLIT_QWEN2] = HEAD TAIL,
    [AS_SPLIT_LLAMA3] = HEAD "{1,3}" TAIL,
};
enum { N_PATTERNS = sizeof patterns / sizeof *patterns };

bool as_split_kind_of(as_str pattern, as_split_kind *out)
{
    for (unsigned i = AS_SPLIT_NONE + 1; i < N_PATTERNS; i++) {
        if (as_str_is(pattern, patterns[i])) {
            *out = (as_split_kind)i;
            return true;
        }
    }
    return false;
}

const char *as_split_pattern(as_split_kind kind)
{
    return patterns[kind];
}
