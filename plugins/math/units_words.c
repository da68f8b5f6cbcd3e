/* units_words.c -- see units_words.h; numbers as words, and which words look like English.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/units_words.h"

#include "math/units.h"
#include "math/units_table.h"

/* Where `word` stands among n sorted words that are `step` pointers apart, or n. */
static size_t find(assay_str word, const char *const *sorted, size_t n, size_t step)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const char *at = sorted[mid * step];
        int order = strncmp(word.data, at, word.len);
        if (order == 0 && !at[word.len])
            return mid;
        if (order > 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return n;
}
#define COUNT(list) (sizeof(list) / sizeof *(list))
#define IN_LIST(word, list) (find((word), (list), COUNT(list), 1) < COUNT(list))

bool unit_is_banned(assay_str lower)
{
    static const char *const list[] = {
        "alpha",      "and",       "arccos",   "arcsin",   "arctan",    "are",         "arg",
        "base",       "be",        "because",  "beta",     "billion",   "billions",    "but",
        "choose",     "cos",       "cosh",     "cot",      "csc",       "cubed",       "delta",
        "det",        "divided",   "dne",      "dozen",    "dozens",    "eight",       "eighteen",
        "eighty",     "either",    "eleven",   "equal",    "equals",    "exp",         "factorial",
        "fifteen",    "fifty",     "five",     "for",      "forty",     "four",        "fourteen",
        "frac",       "gamma",     "gcd",      "half",     "halves",    "hundred",     "hundreds",
        "hundredths", "if",        "inf",      "infinity", "is",        "lambda",      "lcm",
        "lg",         "lim",       "ln",       "log",      "max",       "maybe",       "mid",
        "million",    "millions",  "minus",    "mod",      "modulo",    "mu",          "multiplied",
        "nan",        "nine",      "nineteen", "ninety",   "no",        "none",        "not",
        "omega",      "one",       "or",       "over",     "pairs",     "percent",     "percentage",
        "phi",        "pi",        "plus",     "quarters", "remainder", "root",        "sec",
        "seven",      "seventeen", "seventy",  "sigma",    "sin",       "since",       "sinh",
        "six",        "sixteen",   "sixty",    "so",       "sqrt",      "squared",     "tan",
        "tanh",       "ten",       "tenths",   "than",     "then",      "theta",       "third",
        "thirds",     "thirteen",  "thirty",   "thousand", "thousands", "thousandths", "three",
        "through",    "times",     "to",       "trillion", "trillions", "twelve",      "twenty",
        "two",        "undefined", "was",      "when",     "where",     "wrong",       "zero"
    };
    unsigned value = 0;
    return IN_LIST(lower, list) ||
           (memchr(lower.data, '-', lower.len) && math_cardinal(lower, &value));
}

bool unit_is_preposition(assay_str lower)
{
    static const char *const list[] = { "after", "at", "before", "from", "in",
                                        "into",  "of", "on",     "out",  "with" };
    return IN_LIST(lower, list);
}

static size_t irregular(char *word, size_t n)
{
    static const char *const pairs[] = {
        /* plural, singular; sorted */
        "axes",     "axe",    "brownies", "brownie", "buses",  "bus",    "children", "child",
        "cookies",  "cookie", "dice",     "die",     "feet",   "foot",   "gases",    "gas",
        "geese",    "goose",  "indices",  "index",   "knives", "knife",  "leaves",   "leaf",
        "lenses",   "lens",   "lies",     "lie",     "loaves", "loaf",   "matrices", "matrix",
        "mice",     "mouse",  "movies",   "movie",   "oxen",   "ox",     "pennies",  "penny",
        "people",   "person", "pies",     "pie",     "series", "series", "shelves",  "shelf",
        "shoes",    "shoe",   "species",  "species", "teeth",  "tooth",  "ties",     "tie",
        "vertices", "vertex", "wolves",   "wolf"
    };
    size_t k = find((assay_str){ word, n }, pairs, COUNT(pairs) / 2, 2);
    if (k == COUNT(pairs) / 2)
        return 0;
    size_t len = strlen(pairs[2 * k + 1]);
    memcpy(word, pairs[2 * k + 1], len);
    return len;
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
        "age", "amp", "ant", "arc", "bag", "bat", "bed", "bee", "bit", "box", "boy", "bus",
        "can", "car", "cat", "cow", "cup", "day", "dog", "egg", "fan", "fly", "fox", "gum",
        "hat", "hen", "hrs", "ice", "ink", "jar", "job", "key", "kid", "kph", "lap", "lbs",
        "leg", "map", "mat", "men", "mph", "mug", "net", "nut", "one", "owl", "pan", "pea",
        "pen", "pet", "pie", "pig", "pin", "pot", "ram", "rat", "row", "rpm", "run", "saw",
        "sec", "set", "six", "sum", "tap", "tea", "ten", "tie", "tin", "ton", "toy", "tub",
        "usd", "van", "way", "web", "win", "yds", "yen"
    };
    return IN_LIST(lower, list);
}

bool math_word_is_noun(assay_str word)
{
    static const char *const surely[] = { "am", "cm", "ft", "hr", "hz", "in", "kg", "km", "kw",
                                          "lb", "mg", "mi", "ml", "mm", "oz", "pm", "yd" };
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
