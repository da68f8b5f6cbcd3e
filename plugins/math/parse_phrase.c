/* parse_phrase.c -- numbers in words: twenty-one, two thirds, two and a half, 1 out of 6; and the
 * words before an answer that do not change it: about, option, the point.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_text.h"

#include "math/units.h"

/* Tokens lo..hi, read from the left. */
typedef struct phrase {
    const math_parser *p;
    uint32_t at, hi;
} phrase;

static assay_str word_at(const phrase *f, uint32_t i)
{
    if (i < f->hi && f->p->lx.tokens[i].kind == T_WORD)
        return math_tok_text(&f->p->lx, i);
    return (assay_str){ "", 0 };
}

static bool is_at(const phrase *f, uint32_t i, const char *word)
{
    return pc_is_nocase(word_at(f, i), word);
}

static uint32_t past_hyphen(const phrase *f, uint32_t i)
{
    return i < f->hi && f->p->lx.tokens[i].kind == T_MINUS ? i + 1 : i;
}

/* ---- cardinals ---- */

typedef struct cardinal {
    uint64_t total, group, scale; /* group: below the next scale; scale: of the last one */
    bool tens, ones, any;         /* what the last two digits of the group hold */
} cardinal;

static bool add_small(cardinal *c, unsigned value)
{
    bool is_tens = value >= 20;
    if (c->ones || (c->tens && (is_tens || value == 0 || value > 9)))
        return false;
    c->group += value;
    c->tens = true;
    c->ones = !is_tens;
    return true;
}

static bool add_power(cardinal *c, unsigned power)
{
    uint64_t factor = 1;
    for (unsigned i = 0; i < power; i++)
        factor *= 10;
    if (c->group == 0 || (power == 2 ? c->group > 99 : factor >= c->scale))
        return false;
    c->group *= factor;
    c->tens = c->ones = false;
    if (power > 2) {
        c->total += c->group;
        c->group = 0;
        c->scale = factor;
    }
    return true;
}

/* twenty-one, one hundred and twenty, two million three thousand. f->at is past it then. */
static bool read_cardinal(phrase *f, uint64_t *out)
{
    cardinal c = { .scale = UINT64_MAX };
    unsigned value;
    for (;;) {
        uint32_t i = c.any ? past_hyphen(f, f->at) : f->at;
        bool both = c.any && i == f->at && !c.tens && is_at(f, i, "and"); /* hundred and */
        i += both;
        assay_str w = word_at(f, i);
        bool small = math_cardinal(w, &value);
        bool fits = small ? add_small(&c, value)
                          : !both && math_number_word(w, &value) && add_power(&c, value);
        if (!fits)
            break;
        c.any = true;
        f->at = i + 1;
    }
    *out = c.total + c.group;
    return c.any;
}

/* In digits or in words. */
static math_id read_number(math_parser *p, phrase *f)
{
    uint64_t value;
    if (f->at < f->hi && p->lx.tokens[f->at].kind == T_NUM)
        return math_leaf(p->tree, M_NUM, math_tok_text(&p->lx, f->at++));
    return read_cardinal(f, &value) ? math_int(p->tree, (int64_t)value) : 0;
}

/* ---- fractions ---- */

static unsigned denominator(assay_str w)
{
    static const struct {
        const char *one, *many;
        unsigned value;
    } list[] = {
        { "half", "halves", 2 },           { "third", "thirds", 3 },
        { "quarter", "quarters", 4 },      { "fourth", "fourths", 4 },
        { "fifth", "fifths", 5 },          { "sixth", "sixths", 6 },
        { "seventh", "sevenths", 7 },      { "eighth", "eighths", 8 },
        { "ninth", "ninths", 9 },          { "tenth", "tenths", 10 },
        { "twelfth", "twelfths", 12 },     { "sixteenth", "sixteenths", 16 },
        { "twentieth", "twentieths", 20 }, { "hundredth", "hundredths", 100 },
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (pc_is_nocase(w, list[k].one) || pc_is_nocase(w, list[k].many))
            return list[k].value;
    return 0;
}

/* "two thirds", "a half", "half": to the end of the phrase; 0: it is none. "third" is an ordinal.
 */
static math_id read_fraction(math_parser *p, phrase f)
{
    uint64_t top = 1;
    bool article = is_at(&f, f.at, "a") || is_at(&f, f.at, "an");
    f.at += article;
    bool counted = !article && read_cardinal(&f, &top);
    top = counted ? top : 1;
    f.at = counted ? past_hyphen(&f, f.at) : f.at;
    unsigned below = denominator(word_at(&f, f.at));
    bool is = below && f.at + 1 == f.hi && top < 20 && (article || counted || below == 2);
    return is ? math_2(p->tree, M_DIV, 0, math_int(p->tree, (int64_t)top),
                       math_int(p->tree, (int64_t)below))
              : 0;
}

/* "two and a half". */
static math_id read_mixed(math_parser *p, phrase f)
{
    math_id whole = read_number(p, &f);
    if (!whole || !is_at(&f, f.at, "and"))
        return 0;
    f.at++;
    math_id part = read_fraction(p, f);
    return part ? math_2(p->tree, M_ADD, 0, whole, part) : 0;
}

/* "1 out of 6", "one in six". */
static math_id read_chance(math_parser *p, phrase f)
{
    math_id top = read_number(p, &f);
    bool out = is_at(&f, f.at, "out") && is_at(&f, f.at + 1, "of");
    if (!top || !(out || is_at(&f, f.at, "in")))
        return 0;
    f.at += out ? 2 : 1;
    math_id below = read_number(p, &f);
    return below && f.at == f.hi ? math_2(p->tree, M_DIV, 0, top, below) : 0;
}

/* 21st, 3^{rd}: two tokens, or one in an exponent. */
static math_id read_ordinal(math_parser *p, phrase f)
{
    const token *t = p->lx.tokens + f.at;
    uint32_t n = f.hi - f.at, suffix = n == 2 ? 1 : 3;
    bool power = n == 5 && t[1].kind == T_SUP && t[2].kind == T_OPEN && t[4].kind == T_CLOSE;
    if (t[0].kind != T_NUM || (n != 2 && !power))
        return 0;
    assay_str digits = math_tok_text(&p->lx, f.at), w = word_at(&f, f.at + suffix);
    char last = digits.data[digits.len - 1];
    bool teen = digits.len > 1 && digits.data[digits.len - 2] == '1';
    const char *want = teen          ? "th"
                       : last == '1' ? "st"
                       : last == '2' ? "nd"
                       : last == '3' ? "rd"
                                     : "th";
    return pc_is(w, want) ? math_leaf(p->tree, M_NUM, digits) : 0;
}

static math_id read_counted(math_parser *p, phrase f)
{
    uint64_t value;
    if (!read_cardinal(&f, &value))
        return 0;
    math_id n = math_int(p->tree, (int64_t)value);
    if (f.at == f.hi)
        return n;
    p->at = f.at; /* five apples, twenty percent */
    n = math_parse_units(p, n);
    return n && p->at == f.hi ? n : 0;
}

static bool may_be_number(const phrase *f)
{
    unsigned value;
    assay_str w = word_at(f, f->at);
    return w.len == 0 || math_cardinal(w, &value) || denominator(w) ||
           ((pc_is_nocase(w, "a") || pc_is_nocase(w, "an")) && denominator(word_at(f, f->at + 1)));
}

math_id math_number_phrase(math_parser *p, uint32_t lo, uint32_t hi)
{
    static math_id (*const ways[])(math_parser *, phrase) = { read_fraction, read_counted,
                                                              read_mixed, read_chance,
                                                              read_ordinal };
    enum { LONGEST = 24 };
    const phrase f = { p, lo, hi };
    if (hi < lo + 1 || hi > lo + LONGEST || (hi == lo + 1 && p->lx.tokens[lo].kind == T_NUM) ||
        !may_be_number(&f) || (p->lx.tokens[lo].kind != T_NUM && p->lx.tokens[lo].kind != T_WORD))
        return 0;
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        mark m = math_mark(p);
        math_id id = ways[k](p, f);
        if (id)
            return id;
        math_back(p, m);
    }
    return 0;
}

/* ---- words before and behind ---- */

static bool is_among(assay_str w, const char *const *list)
{
    for (; *list; list++)
        if (pc_is_nocase(w, *list))
            return true;
    return false;
}

static bool is_choice(const phrase *f, uint32_t i)
{
    bool bracket = i < f->hi && f->p->lx.tokens[i].kind == T_LPAREN;
    assay_str w = word_at(f, i + bracket);
    return w.len == 1 && pc_is_alpha(w.data[0]);
}

/* "The ordered pair (1,2)": past the words, where a bracket follows them. */
static uint32_t after_noun(const phrase *f, uint32_t lo)
{
    static const char *const nouns[] = { "ordered",  "pair",        "pairs",   "point",  "points",
                                         "interval", "set",         "vector",  "matrix", "triple",
                                         "triples",  "coordinates", "numbers", "both",   "number",
                                         "value",    "year",        "values",  NULL };
    static const char *const articles[] = { "the", "an", "is", "are", "at", NULL };
    uint32_t i = lo;
    bool noun = false, counts = false;
    for (; word_at(f, i).len; i++) {
        assay_str w = word_at(f, i);
        bool is = is_among(w, nouns);
        if (!is && !is_among(w, articles))
            break;
        noun = noun || is;
        counts = counts || is_among(w, nouns + 12);
    }
    if (!noun || i == lo || i >= f->hi)
        return lo;
    switch ((unsigned)f->p->lx.tokens[i].kind) {
    case T_LPAREN:
    case T_LSQUARE:
    case T_SET_OPEN:
    case T_LANGLE:
    case T_BEGIN:
        return i;
    case T_NUM:
        return counts ? i : lo;
    default:
        return lo;
    }
}

/* "Total cost = 5", "Area of ABC = 5": past the sign. Not "if x = 5". */
static uint32_t after_title(const phrase *f, uint32_t lo)
{
    static const char *const denying[] = { "not",   "if",     "unless", "when",    "only", "no",
                                           "never", "except", "but",    "without", "or",   "and",
                                           "then",  "since",  "than",   "where",   "for",  NULL };
    uint32_t i = lo;
    bool plain = false;
    for (; word_at(f, i).len; i++) {
        assay_str w = word_at(f, i);
        if (is_among(w, denying))
            return lo;
        plain = plain || (w.len > 2 && f->p->lx.tokens[i].roman);
    }
    bool equals =
        i < f->hi && f->p->lx.tokens[i].kind == T_REL && pc_is(math_tok_text(&f->p->lx, i), "=");
    return equals && plain && i > lo + 1 && i + 1 < f->hi ? i + 1 : lo;
}

static const char *const vague[] = { "approximately", "approx", "about",   "around",
                                     "roughly",       "circa",  "exactly", "only",
                                     "just",          "simply", NULL };

/* May "about" stand before it? "only if x = 5" is another matter. */
static bool is_countable(const phrase *f, uint32_t i)
{
    static const char *const list[] = { "a", "an", "half", "negative", "minus", NULL };
    assay_str w = word_at(f, i);
    unsigned value;
    return w.len == 0 || math_cardinal(w, &value) || is_among(w, list);
}

uint32_t math_after_preface(const math_parser *p, uint32_t lo, uint32_t hi)
{
    const phrase f = { p, lo, hi };
    bool option = is_at(&f, lo, "option") || is_at(&f, lo, "choice");
    if (option && is_choice(&f, lo + 1))
        return lo + 1;
    if (is_among(word_at(&f, lo), vague) && lo + 1 < hi && is_countable(&f, lo + 1)) {
        bool dot = p->lx.tokens[lo + 1].kind == T_OTHER;
        return lo + 1 + dot < hi ? lo + 1 + dot : lo;
    }
    uint32_t title = after_title(&f, lo);
    return title > lo ? title : after_noun(&f, lo);
}

uint32_t math_before_comment(const math_parser *p, uint32_t lo, uint32_t hi)
{
    const phrase f = { p, lo, hi };
    bool brackets = hi > lo + 3 && p->lx.tokens[hi - 1].kind == T_RPAREN &&
                    p->lx.tokens[hi - 3].kind == T_LPAREN;
    uint32_t word = brackets ? hi - 2 : hi - 1;
    if (hi > lo + 1 && (is_at(&f, word, "approximately") || is_at(&f, word, "approx") ||
                        is_at(&f, word, "rounded")))
        return brackets ? hi - 3 : hi - 1;
    return hi;
}

/* "all real numbers except 0", "all reals x except x = 1": past "except"; lo: it is none. */
uint32_t math_after_except(const math_parser *p, uint32_t lo, uint32_t hi)
{
    static const char *const words[] = { "all",  "any",   "the",     "set", "of",
                                         "real", "reals", "numbers", NULL };
    static const char *const excepts[] = { "except", "excluding", "but", NULL };
    const phrase f = { p, lo, hi };
    bool real = false;
    for (uint32_t i = lo; i + 1 < hi; i++) {
        assay_str w = word_at(&f, i);
        if (real && is_among(w, excepts)) {
            i += is_at(&f, i + 1, "for");
            return i + 1 < hi ? i + 1 : lo;
        }
        real = real || pc_is_nocase(w, "real") || pc_is_nocase(w, "reals");
        if (!is_among(w, words) && !(real && w.len == 1))
            return lo;
    }
    return lo;
}
