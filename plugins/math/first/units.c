/* units.c -- see units.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/first/units.h"

typedef struct alias {
    const char *word, *canonical;
} alias;
static const alias aliases[] = {
    { "dollar", "$" },
    { "dollars", "$" },
    { "usd", "$" },
    { "euro", "\xE2\x82\xAC" },
    { "euros", "\xE2\x82\xAC" },
    { "cent", "cent" },
    { "cents", "cent" },
    { "percent", "%" },
    { "percentage", "%" },
    { "degree", "deg" },
    { "degrees", "deg" },
    { "rad", "rad" },
    { "radian", "rad" },
    { "radians", "rad" },
    { "mm", "mm" },
    { "millimeter", "mm" },
    { "millimeters", "mm" },
    { "cm", "cm" },
    { "centimeter", "cm" },
    { "centimeters", "cm" },
    { "centimetre", "cm" },
    { "centimetres", "cm" },
    { "m", "m" },
    { "meter", "m" },
    { "meters", "m" },
    { "metre", "m" },
    { "metres", "m" },
    { "km", "km" },
    { "kilometer", "km" },
    { "kilometers", "km" },
    { "kilometre", "km" },
    { "kilometres", "km" },
    { "inch", "in" },
    { "inches", "in" },
    { "in", "in" },
    { "ft", "ft" },
    { "foot", "ft" },
    { "feet", "ft" },
    { "yd", "yd" },
    { "yard", "yd" },
    { "yards", "yd" },
    { "mile", "mi" },
    { "miles", "mi" },
    { "mi", "mi" },
    { "s", "s" },
    { "sec", "s" },
    { "second", "s" },
    { "seconds", "s" },
    { "min", "min" },
    { "minute", "min" },
    { "minutes", "min" },
    { "h", "h" },
    { "hr", "h" },
    { "hrs", "h" },
    { "hour", "h" },
    { "hours", "h" },
    { "day", "day" },
    { "days", "day" },
    { "week", "week" },
    { "weeks", "week" },
    { "month", "month" },
    { "months", "month" },
    { "year", "year" },
    { "years", "year" },
    { "mg", "mg" },
    { "g", "g" },
    { "gram", "g" },
    { "grams", "g" },
    { "kg", "kg" },
    { "kilogram", "kg" },
    { "kilograms", "kg" },
    { "lb", "lb" },
    { "lbs", "lb" },
    { "pound", "lb" },
    { "pounds", "lb" },
    { "oz", "oz" },
    { "ounce", "oz" },
    { "ounces", "oz" },
    { "ml", "ml" },
    { "l", "l" },
    { "liter", "l" },
    { "liters", "l" },
    { "litre", "l" },
    { "litres", "l" },
    { "mph", "mi/h" },
    { "kph", "km/h" },
    { "n", "n" },
    { "j", "j" },
    { "w", "w" },
    { "v", "v" },
    { "hz", "hz" },
    { "unit", "" },
    { "units", "" },
};

static const char *find_alias(assay_str word)
{
    for (size_t k = 0; k < sizeof aliases / sizeof *aliases; k++)
        if (pc_is_nocase(word, aliases[k].word))
            return aliases[k].canonical;
    return NULL;
}

/* Words that change the value, or make a sentence of it. */
static bool is_banned(assay_str word)
{
    static const char *const list[] = {
        "hundred", "thousand", "million",   "billion",  "trillion",   "dozen",     "half",
        "point",   "over",     "times",     "plus",     "minus",      "factorial", "squared",
        "cubed",   "pi",       "because",   "since",    "if",         "not",       "but",
        "maybe",   "or",       "and",       "then",     "so",         "is",        "are",
        "was",     "mod",      "base",      "pairs",    "sqrt",       "sin",       "cos",
        "tan",     "log",      "ln",        "exp",      "choose",     "when",      "where",
        "wrong",   "hundreds", "thousands", "millions", "hundredths", "tenths",    "infinity",
        "inf",     "nan",      "per",       "of",       "to",         "than",      "pm",
        "am"
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (pc_is_nocase(word, list[k]))
            return true;
    return false;
}

/* A letter is a unit only where it is set upright: 5\text{m} is a length, 5m a product. */
static bool may_be_unit(const lexer *lx, uint32_t i)
{
    const token *t = &lx->tokens[i];
    assay_str word = math_tok_text(lx, i);
    if (t->kind != T_WORD || is_banned(word))
        return false;
    if (t->roman)
        return true;
    return find_alias(word) ? word.len >= 2 : t->spaced && word.len >= 3;
}

/* The first token of a word with its power, which ends before `end`; `end`: there is none. */
static uint32_t unit_word(const lexer *lx, uint32_t lo, uint32_t end)
{
    uint32_t i = end;
    if (i >= lo + 5 && lx->tokens[i - 1].kind == T_CLOSE && lx->tokens[i - 2].kind == T_NUM &&
        lx->tokens[i - 3].kind == T_OPEN && lx->tokens[i - 4].kind == T_SUP)
        i -= 4;
    return i > lo && may_be_unit(lx, i - 1) ? i - 1 : end;
}

static void add_word(const lexer *lx, uint32_t i, uint32_t end, pc_buf *out, bool alone)
{
    assay_str word = math_tok_text(lx, i);
    const char *known = find_alias(word);
    if (known) {
        pc_buf_text(out, known);
    } else {
        bool plural = alone && word.len > 3 && pc_lower(word.data[word.len - 1]) == 's';
        for (size_t k = 0; k < word.len - plural; k++)
            pc_buf_byte(out, pc_lower(word.data[k]));
    }
    if (end > i + 1) {
        assay_str power = math_tok_text(lx, i + 3);
        pc_buf_byte(out, '^');
        pc_buf_add(out, power.data, power.len);
    }
}

static void write_unit(const lexer *lx, uint32_t from, uint32_t hi, pc_buf *out)
{
    size_t start = out->len;
    if (hi - from == 2 && pc_is_nocase(math_tok_text(lx, from), "square") &&
        lx->tokens[from + 1].kind == T_WORD &&
        find_alias(math_tok_text(lx, from + 1))) { /* square units, square feet */
        add_word(lx, from + 1, hi, out, true);
        if (out->len > start)
            pc_buf_text(out, "^2");
        return;
    }
    for (uint32_t i = from; i < hi;) {
        if (lx->tokens[i].kind == T_SLASH) {
            pc_buf_byte(out, '/');
            i++;
            continue;
        }
        if (out->len > start && out->data[out->len - 1] != '/')
            pc_buf_byte(out, ' ');
        uint32_t end = i + 1 < hi && lx->tokens[i + 1].kind == T_SUP ? i + 5 : i + 1;
        add_word(lx, i, end, out, from + 1 == end || end == hi);
        i = end;
    }
}

uint32_t math_unit_start(const lexer *lx, uint32_t lo, uint32_t hi, pc_buf *out)
{
    if (hi <= lo)
        return hi;
    uint8_t last = lx->tokens[hi - 1].kind;
    if (last == T_PERCENT || last == T_DEGREE || last == T_MONEY) {
        assay_str sign = math_tok_text(lx, hi - 1);
        pc_buf_text(out, last == T_DEGREE ? "deg" : last == T_PERCENT ? "%" : "");
        if (last == T_MONEY)
            pc_buf_add(out, sign.data, sign.len);
        return hi - 1;
    }
    uint32_t from = hi;
    for (unsigned words = 0; words < 4 && from > lo; words++) {
        uint32_t end = from;
        if (from < hi && lx->tokens[from - 1].kind == T_SLASH)
            end--;
        uint32_t start = unit_word(lx, lo, end);
        if (start == end)
            break;
        from = start;
    }
    if (from == hi || from == lo || lx->tokens[from].kind != T_WORD)
        return hi;
    write_unit(lx, from, hi, out);
    return from;
}

bool math_unit_is_known(assay_str canonical)
{
    for (size_t k = 0; k < sizeof aliases / sizeof *aliases; k++) {
        size_t n = strlen(aliases[k].canonical);
        if (n && pc_starts(canonical, aliases[k].canonical) &&
            (canonical.len == n || canonical.data[n] == '^'))
            return true;
    }
    return pc_is(canonical, "$") || pc_is(canonical, "\xC2\xA3") || pc_is(canonical, "\xC2\xA5") ||
           pc_is(canonical, "\xE2\x82\xAC");
}
