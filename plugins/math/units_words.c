/* units_words.c -- see units_words.h; numbers as words, and which words look like English.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/units_words.h"

#include "math/units.h"
#include "math/units_table.h"

static bool in_list(assay_str word, const char *const *list, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (pc_is(word, list[k]))
            return true;
    return false;
}
#define IN_LIST(word, list) in_list((word), (list), sizeof(list) / sizeof *(list))

bool unit_is_banned(assay_str lower)
{
    static const char *const list[] = {
        "half",      "halves",      "third",      "thirds",     "over",     "times",  "plus",
        "minus",     "factorial",   "because",    "since",      "if",       "not",    "but",
        "maybe",     "or",          "and",        "then",       "so",       "is",     "are",
        "was",       "be",          "equals",     "equal",      "mod",      "modulo", "base",
        "pairs",     "sqrt",        "sin",        "cos",        "tan",      "cot",    "sec",
        "csc",       "log",         "ln",         "lg",         "exp",      "max",    "gcd",
        "lcm",       "lim",         "choose",     "when",       "where",    "wrong",  "tenths",
        "percent",   "dozen",       "dozens",     "hundredths", "infinity", "inf",    "nan",
        "to",        "than",        "percentage", "pi",         "alpha",    "beta",   "gamma",
        "delta",     "theta",       "lambda",     "sigma",      "omega",    "phi",    "mu",
        "either",    "thousandths", "quarters",   "no",         "none",     "dne",    "undefined",
        "remainder", "frac",        "mid",        "arcsin",     "arccos",   "arctan", "sinh",
        "cosh",      "tanh",        "det",        "arg",        "for",
    };
    unsigned value = 0;
    return IN_LIST(lower, list) || math_number_word(lower, &value) || math_cardinal(lower, &value);
}

bool unit_is_preposition(assay_str lower)
{
    static const char *const list[] = { "of", "in",   "from", "with",  "on",
                                        "at", "into", "out",  "after", "before" };
    return IN_LIST(lower, list);
}

static size_t irregular(char *word, size_t n)
{
    static const char *const pairs[][2] = {
        { "people", "person" }, { "children", "child" },   { "feet", "foot" },
        { "teeth", "tooth" },   { "mice", "mouse" },       { "geese", "goose" },
        { "dice", "die" },      { "vertices", "vertex" },  { "oxen", "ox" },
        { "leaves", "leaf" },   { "knives", "knife" },     { "loaves", "loaf" },
        { "shelves", "shelf" }, { "wolves", "wolf" },      { "matrices", "matrix" },
        { "indices", "index" }, { "movies", "movie" },     { "cookies", "cookie" },
        { "pies", "pie" },      { "ties", "tie" },         { "buses", "bus" },
        { "axes", "axe" },      { "lenses", "lens" },      { "gases", "gas" },
        { "pennies", "penny" }, { "series", "series" },    { "species", "species" },
        { "shoes", "shoe" },    { "brownies", "brownie" }, { "lies", "lie" },
    };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        if (pc_is((assay_str){ word, n }, pairs[k][0])) {
            memcpy(word, pairs[k][1], strlen(pairs[k][1]));
            return strlen(pairs[k][1]);
        }
    return 0;
}

static bool ends(const char *word, size_t n, const char *with)
{
    size_t len = strlen(with);
    return n >= len && memcmp(word + n - len, with, len) == 0;
}

size_t unit_singular(char *word, size_t n)
{
    size_t known = irregular(word, n);
    if (known)
        return known;
    if (n >= 3 && ends(word, n, "men")) { /* men, women, firemen */
        word[n - 2] = 'a';
        return n;
    }
    if (n < 4 || word[n - 1] != 's' || ends(word, n, "ss") || ends(word, n, "us") ||
        ends(word, n, "is"))
        return n;
    if (ends(word, n, "ies")) {
        word[n - 3] = 'y';
        return n - 2;
    }
    if (ends(word, n, "sses") || ends(word, n, "shes") || ends(word, n, "ches") ||
        ends(word, n, "xes") || ends(word, n, "zes") || ends(word, n, "oes"))
        return n - 2;
    return n - 1;
}

bool math_number_word(assay_str word, unsigned *power_of_ten)
{
    static const struct {
        const char *word;
        unsigned power;
    } list[] = {
        { "hundred", 2 }, { "thousand", 3 }, { "million", 6 }, { "billion", 9 }, { "trillion", 12 }
    };
    if (word.len < 7)
        return false;
    assay_str singular =
        pc_lower(word.data[word.len - 1]) == 's' ? pc_slice(word, 0, word.len - 1) : word;
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (pc_is_nocase(singular, list[k].word)) {
            *power_of_ten = list[k].power;
            return true;
        }
    return false;
}

static bool small_cardinal(assay_str word, unsigned from, unsigned to, unsigned *value)
{
    static const char *const ones[] = { "zero",    "one",     "two",       "three",    "four",
                                        "five",    "six",     "seven",     "eight",    "nine",
                                        "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen" };
    for (unsigned k = from; k < to; k++)
        if (pc_is_nocase(word, ones[k])) {
            *value = k;
            return true;
        }
    return false;
}

bool math_cardinal(assay_str word, unsigned *value)
{
    static const char *const tens[] = { "twenty", "thirty",  "forty",  "fifty",
                                        "sixty",  "seventy", "eighty", "ninety" };
    if (word.len < 3 || word.len > 13)
        return false;
    if (small_cardinal(word, 0, 20, value))
        return true;
    for (unsigned k = 0; k < sizeof tens / sizeof *tens; k++) {
        if (!pc_starts_nocase(word, tens[k]))
            continue;
        assay_str rest = pc_from(word, strlen(tens[k]));
        unsigned one = 0;
        bool is_known = rest.len == 0 || (pc_in(rest.data[0], "- ") &&
                                          small_cardinal(pc_from(rest, 1), 1, 10, &one));
        *value = 10 * (k + 2) + one;
        return is_known;
    }
    return false;
}

/* For each letter the letters that follow it in English words of four letters and more (counted
 * over the statements of school problems): abxy, pqrs and mnpq are products. */
static bool looks_english(assay_str lower)
{
    static const uint32_t follows[26] = { 0x3FEBFEE, 0x01E4B13, 0x11F4D95, 0x15EEB59, 0x1FFFDFF,
                                          0x11A4931, 0x11EF9D1, 0x11ED913, 0x2BFFCFF, 0x0104011,
                                          0x144393B, 0x13CCD7F, 0x014F977, 0x13EFF7D, 0x3FEFF7F,
                                          0x15EC995, 0x0100004, 0x17EFDFF, 0x15DFDB7, 0x15EF9B7,
                                          0x10EF97F, 0x1004911, 0x0066993, 0x10C9915, 0x00CF957,
                                          0x2004111 };
    bool vowel = false;
    for (size_t k = 0; k < lower.len; k++) {
        if (lower.data[k] < 'a' || lower.data[k] > 'z')
            return false;
        vowel = vowel || pc_in(lower.data[k], "aeiouy");
        if (k && !(follows[lower.data[k - 1] - 'a'] >> (lower.data[k] - 'a') & 1))
            return false;
    }
    return vowel;
}

static bool is_short_noun(assay_str lower)
{
    static const char *const list[] = {
        "ant", "bag", "bat", "bed", "bee", "box", "boy", "bus",  "can", "car", "cat", "cow",
        "cup", "day", "dog", "egg", "fan", "fly", "fox", "gum",  "hat", "hen", "ice", "ink",
        "jar", "job", "key", "kid", "lap", "leg", "map", "mat",  "men", "mug", "net", "nut",
        "one", "owl", "pan", "pea", "pen", "pet", "pie", "pig",  "pin", "pot", "ram", "rat",
        "row", "run", "saw", "set", "six", "sum", "tap", "tea",  "ten", "tie", "tin", "toy",
        "tub", "van", "way", "web", "win", "yen", "bit", "mph",  "lbs", "hrs", "sec", "yds",
        "ton", "usd", "kph", "rpm", "amp", "arc", "age", "ways",
    };
    return IN_LIST(lower, list);
}

bool math_word_is_noun(assay_str word)
{
    static const char *const surely[] = { "cm", "mm", "km", "kg", "mg", "ml", "lb", "oz", "ft",
                                          "in", "yd", "mi", "hr", "hz", "kw", "am", "pm" };
    char lower[UNIT_WORD];
    if (word.len < 2 || word.len >= sizeof lower)
        return false;
    for (size_t k = 0; k < word.len; k++)
        lower[k] = pc_lower(word.data[k]);
    assay_str s = { lower, word.len };
    if (s.len == 2)
        return IN_LIST(s, surely);
    if (s.len == 3)
        return is_short_noun(s);
    return !unit_is_banned(s) && (looks_english(s) || math_unit_is_measure(word));
}
