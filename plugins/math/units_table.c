/* units_table.c -- see units_table.h. Both tables are sorted by bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/units_table.h"

typedef struct unit_alias {
    const char *word, *canonical;
    bool takes_prefix;
} unit_alias;

/* Inch, pound, gallon and the like as defined in 1959 (US measures of volume); a ton is the short
 * one (units.c says when it is not), a calorie the thermochemical one, a kilobyte 1000 bytes. */
static const unit_def symbols[] = {
    { "$", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_DOLLAR },
    { "A", "mukn", 1, 1, 0, { 0, 0, 0, 1, 0, 0 }, OTHER_NONE },
    { "B", "kMGT", 8, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_BIT },
    { "C", "munp", 1, 1, 0, { 0, 0, 1, 1, 0, 0 }, OTHER_NONE },
    { "F", "munp", 1, 1, -3, { -2, -1, 4, 2, 0, 0 }, OTHER_NONE },
    { "GiB", "", 8589934592, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_BIT },
    { "H", "mu", 1, 1, 3, { 2, 1, -2, -2, 0, 0 }, OTHER_NONE },
    { "Hz", "kMGT", 1, 1, 0, { 0, 0, -1, 0, 0, 0 }, OTHER_NONE },
    { "J", "kMGm", 1, 1, 3, { 2, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "K", "mu", 1, 1, 0, { 0, 0, 0, 0, 1, 0 }, OTHER_NONE },
    { "KRW", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_WON },
    { "KiB", "", 8192, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_BIT },
    { "L", "mcduhk", 1, 1, -3, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "MiB", "", 8388608, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_BIT },
    { "N", "kMmu", 1, 1, 3, { 1, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "Pa", "kMGhm", 1, 1, 3, { -1, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "S", "mu", 1, 1, -3, { -2, -1, 3, 2, 0, 0 }, OTHER_NONE },
    { "T", "mu", 1, 1, 3, { 0, 1, -2, -1, 0, 0 }, OTHER_NONE },
    { "V", "kmMu", 1, 1, 3, { 2, 1, -3, -1, 0, 0 }, OTHER_NONE },
    { "W", "kMGmu", 1, 1, 3, { 2, 1, -3, 0, 0, 0 }, OTHER_NONE },
    { "Wb", "m", 1, 1, 3, { 2, 1, -2, -1, 0, 0 }, OTHER_NONE },
    { "acre", "", 40468564224, 1, -7, { 2, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "angstrom", "", 1, 1, -10, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "arcmin", "", 1, 60, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_DEGREE },
    { "arcsec", "", 1, 3600, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_DEGREE },
    { "atm", "", 101325, 1, 3, { -1, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "au", "", 149597870700, 1, 0, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "bar", "m", 1, 1, 8, { -1, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "bit", "kMGT", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_BIT },
    { "cal", "k", 4184, 1, 0, { 2, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "cd", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_CANDELA },
    { "cent", "", 1, 100, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_DOLLAR },
    { "century", "", 1200, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_MONTH },
    { "cup", "", 2365882365, 1, -13, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "day", "", 86400, 1, 0, { 0, 0, 1, 0, 0, 0 }, OTHER_NONE },
    { "decade", "", 120, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_MONTH },
    { "deg", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_DEGREE },
    { "degC", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_CELSIUS },
    { "degF", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_FAHRENHEIT },
    { "eV", "kMGTm", 1602176634, 1, -25, { 2, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "floz", "", 295735295625, 1, -16, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "fortnight", "", 1209600, 1, 0, { 0, 0, 1, 0, 0, 0 }, OTHER_NONE },
    { "franc", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_FRANC },
    { "ft", "", 3048, 1, -4, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "g", "kmunM", 1, 1, 0, { 0, 1, 0, 0, 0, 0 }, OTHER_NONE },
    { "gal", "", 3785411784, 1, -12, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "h", "", 3600, 1, 0, { 0, 0, 1, 0, 0, 0 }, OTHER_NONE },
    { "ha", "", 1, 1, 4, { 2, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "in", "", 254, 1, -4, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "kn", "", 1852, 3600, 0, { 1, 0, -1, 0, 0, 0 }, OTHER_NONE },
    { "lb", "", 45359237, 1, -5, { 0, 1, 0, 0, 0, 0 }, OTHER_NONE },
    { "lbf", "", 44482216152605, 1, -10, { 1, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "ly", "", 9460730472580800, 1, 0, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "m", "kcmunpdM", 1, 1, 0, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "mi", "", 1609344, 1, -3, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "min", "", 60, 1, 0, { 0, 0, 1, 0, 0, 0 }, OTHER_NONE },
    { "mol", "mku", 1, 1, 0, { 0, 0, 0, 0, 0, 1 }, OTHER_NONE },
    { "month", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_MONTH },
    { "nmi", "", 1852, 1, 0, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "ohm", "kMm", 1, 1, 3, { 2, 1, -3, -2, 0, 0 }, OTHER_NONE },
    { "oz", "", 28349523125, 1, -9, { 0, 1, 0, 0, 0, 0 }, OTHER_NONE },
    { "pence", "", 1, 100, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_STERLING },
    { "peso", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_PESO },
    { "psi", "", 44482216152605, 64516, -2, { -1, 1, -2, 0, 0, 0 }, OTHER_NONE },
    { "pt", "", 473176473, 1, -12, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "qt", "", 946352946, 1, -12, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "rad", "m", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_RADIAN },
    { "ruble", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_RUBLE },
    { "rupee", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_RUPEE },
    { "s", "munp", 1, 1, 0, { 0, 0, 1, 0, 0, 0 }, OTHER_NONE },
    { "t", "", 1, 1, 6, { 0, 1, 0, 0, 0, 0 }, OTHER_NONE },
    { "tbsp", "", 1478676478125, 1, -17, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "ton", "", 90718474, 1, -2, { 0, 1, 0, 0, 0, 0 }, OTHER_NONE },
    { "tsp", "", 492892159375, 1, -17, { 3, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "unit", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_NOTHING },
    { "week", "", 604800, 1, 0, { 0, 0, 1, 0, 0, 0 }, OTHER_NONE },
    { "yd", "", 9144, 1, -4, { 1, 0, 0, 0, 0, 0 }, OTHER_NONE },
    { "year", "", 12, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_MONTH },
    { "yen", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_YEN },
    { "yuan", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_YUAN },
    { "\xC2\xA3", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_STERLING },
    { "\xC2\xA5", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_YEN_OR_YUAN },
    { "\xE2\x82\xAC", "", 1, 1, 0, { 0, 0, 0, 0, 0, 0 }, OTHER_EURO },
};
static const unit_alias names[] = {
    { "acre", "acre", false },
    { "amp", "A", false },
    { "ampere", "A", true },
    { "angstrom", "angstrom", false },
    { "arc minute", "arcmin", false },
    { "arc second", "arcsec", false },
    { "arcmin", "arcmin", false },
    { "arcminute", "arcmin", false },
    { "arcsec", "arcsec", false },
    { "arcsecond", "arcsec", false },
    { "atm", "atm", false },
    { "atmosphere", "atm", false },
    { "bar", "bar", false },
    { "bit", "bit", true },
    { "bps", "bit/s", false },
    { "buck", "$", false },
    { "byte", "B", true },
    { "cal", "cal", false },
    { "calorie", "cal", true },
    { "candela", "cd", false },
    { "cc", "cm^3", false },
    { "celsius", "degC", false },
    { "cent", "cent", false },
    { "centigrade", "degC", false },
    { "centuries", "century", false },
    { "century", "century", false },
    { "chf", "franc", false },
    { "cm", "cm", false },
    { "cms", "cm", false },
    { "cny", "yuan", false },
    { "coulomb", "C", true },
    { "cup", "cup", false },
    { "d", "day", false },
    { "day", "day", false },
    { "decade", "decade", false },
    { "deg", "deg", false },
    { "deg c", "degC", false },
    { "deg celsius", "degC", false },
    { "deg f", "degF", false },
    { "deg fahrenheit", "degF", false },
    { "deg k", "K", false },
    { "deg kelvin", "K", false },
    { "degc", "degC", false },
    { "degf", "degF", false },
    { "degree", "deg", false },
    { "degree c", "degC", false },
    { "degree celsius", "degC", false },
    { "degree centigrade", "degC", false },
    { "degree f", "degF", false },
    { "degree fahrenheit", "degF", false },
    { "degree k", "K", false },
    { "degree kelvin", "K", false },
    { "degrees c", "degC", false },
    { "degrees celsius", "degC", false },
    { "degrees centigrade", "degC", false },
    { "degrees f", "degF", false },
    { "degrees fahrenheit", "degF", false },
    { "degrees k", "K", false },
    { "degrees kelvin", "K", false },
    { "dollar", "$", false },
    { "electron volt", "eV", true },
    { "electronvolt", "eV", true },
    { "eur", "\xE2\x82\xAC", false },
    { "euro", "\xE2\x82\xAC", false },
    { "fahrenheit", "degF", false },
    { "farad", "F", true },
    { "feet", "ft", false },
    { "feet per second", "ft/s", false },
    { "fl ounce", "floz", false },
    { "fl oz", "floz", false },
    { "floz", "floz", false },
    { "fluid ounce", "floz", false },
    { "fluid oz", "floz", false },
    { "foot", "ft", false },
    { "fortnight", "fortnight", false },
    { "fps", "ft/s", false },
    { "franc", "franc", false },
    { "ft", "ft", false },
    { "gal", "gal", false },
    { "gallon", "gal", false },
    { "gbp", "\xC2\xA3", false },
    { "ghz", "GHz", false },
    { "gm", "g", false },
    { "gr", "g", false },
    { "gram", "g", true },
    { "gramme", "g", true },
    { "ha", "ha", false },
    { "hectare", "ha", false },
    { "henries", "H", true },
    { "henry", "H", true },
    { "hertz", "Hz", true },
    { "hour", "h", false },
    { "hr", "h", false },
    { "hz", "Hz", false },
    { "in", "in", false },
    { "inch", "in", false },
    { "inr", "rupee", false },
    { "joule", "J", true },
    { "jpy", "yen", false },
    { "kelvin", "K", false },
    { "kg", "kg", false },
    { "kgs", "kg", false },
    { "khz", "kHz", false },
    { "kilo", "kg", false },
    { "kj", "kJ", false },
    { "km", "km", false },
    { "kmh", "km/h", false },
    { "kmph", "km/h", false },
    { "kms", "km", false },
    { "knot", "kn", false },
    { "knots", "kn", false },
    { "korean won", "KRW", false },
    { "kpa", "kPa", false },
    { "kph", "km/h", false },
    { "krw", "KRW", false },
    { "kt", "kn", false },
    { "kts", "kn", false },
    { "kv", "kV", false },
    { "kw", "kW", false },
    { "kwh", "h*kW", false },
    { "l", "L", false },
    { "lb", "lb", false },
    { "lbf", "lbf", false },
    { "lbs", "lb", false },
    { "light year", "ly", false },
    { "lightyear", "ly", false },
    { "liter", "L", true },
    { "litre", "L", true },
    { "meter", "m", true },
    { "metre", "m", true },
    { "metric ton", "t", false },
    { "mg", "mg", false },
    { "mgs", "mg", false },
    { "mhz", "MHz", false },
    { "mi", "mi", false },
    { "mile", "mi", false },
    { "min", "min", false },
    { "mins", "min", false },
    { "minute", "min", false },
    { "minute of arc", "arcmin", false },
    { "ml", "mL", false },
    { "mls", "mL", false },
    { "mm", "mm", false },
    { "mms", "mm", false },
    { "mo", "month", false },
    { "mol", "mol", false },
    { "mole", "mol", true },
    { "month", "month", false },
    { "mpa", "MPa", false },
    { "mpg", "mi/gal", false },
    { "mph", "mi/h", false },
    { "mps", "m/s", false },
    { "nautical mile", "nmi", false },
    { "newton", "N", true },
    { "nmi", "nmi", false },
    { "o'clock", "unit", false },
    { "oclock", "unit", false },
    { "ohm", "ohm", true },
    { "ounce", "oz", false },
    { "oz", "oz", false },
    { "pa", "Pa", false },
    { "pascal", "Pa", true },
    { "pence", "pence", false },
    { "peso", "peso", false },
    { "pint", "pt", false },
    { "pound", "lb", false },
    { "pound sterling", "\xC2\xA3", false },
    { "pounds sterling", "\xC2\xA3", false },
    { "psi", "psi", false },
    { "pt", "pt", false },
    { "qt", "qt", false },
    { "quart", "qt", false },
    { "quid", "\xC2\xA3", false },
    { "rad", "rad", false },
    { "radian", "rad", true },
    { "renminbi", "yuan", false },
    { "rmb", "yuan", false },
    { "rouble", "ruble", false },
    { "rs", "rupee", false },
    { "rub", "ruble", false },
    { "ruble", "ruble", false },
    { "rupee", "rupee", false },
    { "sec", "s", false },
    { "second", "s", true },
    { "second of arc", "arcsec", false },
    { "siemens", "S", true },
    { "south korean won", "KRW", false },
    { "sq ft", "ft^2", false },
    { "sqft", "ft^2", false },
    { "sqm", "m^2", false },
    { "tablespoon", "tbsp", false },
    { "tbsp", "tbsp", false },
    { "teaspoon", "tsp", false },
    { "tesla", "T", true },
    { "ton", "ton", false },
    { "tonne", "t", false },
    { "tons", "ton", false },
    { "tsp", "tsp", false },
    { "unit", "unit", false },
    { "us cent", "cent", false },
    { "us dollar", "$", false },
    { "us$", "$", false },
    { "usd", "$", false },
    { "volt", "V", true },
    { "watt", "W", true },
    { "weber", "Wb", true },
    { "week", "week", false },
    { "wk", "week", false },
    { "yard", "yd", false },
    { "yd", "yd", false },
    { "year", "year", false },
    { "yen", "yen", false },
    { "yr", "year", false },
    { "yuan", "yuan", false },
    { "\xC2\xA2", "cent", false },
    { "\xC2\xA3", "\xC2\xA3", false },
    { "\xC2\xA5", "\xC2\xA5", false },
    { "\xC2\xB0", "deg", false },
    { "\xC3\x85", "angstrom", false },
    { "\xCE\xA9", "ohm", false },
    { "\xE2\x82\xA9", "KRW", false },
    { "\xE2\x82\xAC", "\xE2\x82\xAC", false },
    { "\xE2\x82\xB9", "rupee", false },
    { "\xE2\x82\xBD", "ruble", false },
    { "\xE2\x84\x83", "degC", false },
    { "\xE2\x84\x89", "degF", false },
    { "\xE2\x84\xA6", "ohm", false },
    { "\xE2\x84\xAB", "angstrom", false },
    { "\xE5\x85\x83", "yuan", false },
    { "\xE5\x85\x8B", "g", false },
    { "\xE5\x85\xAC\xE6\x96\xA4", "kg", false },
    { "\xE5\x85\xAC\xE9\x87\x8C", "km", false },
    { "\xE5\x88\x86\xE9\x92\x9F", "min", false },
    { "\xE5\x8D\x83\xE5\x85\x8B", "kg", false },
    { "\xE5\x8D\x83\xE7\xB1\xB3", "km", false },
    { "\xE5\x8D\x87", "L", false },
    { "\xE5\x8E\x98\xE7\xB1\xB3", "cm", false },
    { "\xE5\xA4\xA9", "day", false },
    { "\xE5\xB0\x8F\xE6\x97\xB6", "h", false },
    { "\xE5\xBA\xA6", "deg", false },
    { "\xE6\xAF\xAB\xE5\x8D\x87", "mL", false },
    { "\xE6\xAF\xAB\xE7\xB1\xB3", "mm", false },
    { "\xE7\xA7\x92", "s", false },
    { "\xE7\xB1\xB3", "m", false },
    { "\xEF\xBC\x84", "$", false },
    { "\xEF\xBF\xA1", "\xC2\xA3", false },
    { "\xEF\xBF\xA5", "\xC2\xA5", false },
};

static int cmp(assay_str a, const char *b)
{
    int order = strncmp(a.data, b, a.len);
    return order ? order : b[a.len] ? -1 : 0;
}

static const unit_def *exact(assay_str name)
{
    size_t lo = 0, hi = sizeof symbols / sizeof *symbols;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = cmp(name, symbols[mid].symbol);
        if (order == 0)
            return &symbols[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static int power_of(char prefix)
{
    static const char letters[] = "TGMkhdcmunp";
    static const int8_t powers[] = { 12, 9, 6, 3, 2, -1, -2, -3, -6, -9, -12 };
    const char *at = memchr(letters, prefix, sizeof letters - 1);
    return at ? powers[at - letters] : 0;
}

const unit_def *unit_symbol(assay_str name, int *e10, size_t *rest)
{
    *e10 = 0;
    *rest = 0;
    const unit_def *def = exact(name);
    if (def || name.len < 2)
        return def;
    def = exact(pc_from(name, 1));
    if (!def || !pc_in(name.data[0], def->prefixes))
        return NULL;
    *e10 = power_of(name.data[0]);
    *rest = 1;
    return def;
}

const char *unit_word(assay_str lower, bool *takes_prefix)
{
    size_t lo = 0, hi = sizeof names / sizeof *names;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = cmp(lower, names[mid].word);
        if (order == 0) {
            *takes_prefix = names[mid].takes_prefix;
            return names[mid].canonical;
        }
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *unit_prefix_word(assay_str lower, size_t *len)
{
    static const char *const words[][2] = {
        { "kilo", "k" }, { "mega", "M" },  { "giga", "G" },  { "tera", "T" },
        { "deci", "d" }, { "centi", "c" }, { "milli", "m" }, { "micro", "u" },
        { "nano", "n" }, { "pico", "p" },  { "hecto", "h" },
    };
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (pc_starts(lower, words[k][0])) {
            *len = strlen(words[k][0]);
            return words[k][1];
        }
    return NULL;
}

bool unit_tables_sorted(void)
{
    for (size_t k = 1; k < sizeof symbols / sizeof *symbols; k++)
        if (strcmp(symbols[k - 1].symbol, symbols[k].symbol) >= 0)
            return false;
    for (size_t k = 1; k < sizeof names / sizeof *names; k++)
        if (strcmp(names[k - 1].word, names[k].word) >= 0)
            return false;
    return true;
}
