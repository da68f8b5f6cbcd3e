/* test_math_units.c -- names of units, factors between them, and words that are none.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/units.h"
#include "math/units_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static assay_str lit(const char *text)
{
    return (assay_str){ text, strlen(text) };
}

/* NULL: must not be a unit. */
static void name_is(const char *words, const char *expected)
{
    pc_buf out = { 0 };
    bool ok = math_unit_name(lit(words), &out);
    if (ok != (expected != NULL) || (ok && !pc_is(pc_buf_str(&out), expected)))
        fail_msg("\"%s\": expected %s, got %s", words, expected ? expected : "no unit",
                 ok ? (out.data ? out.data : "\"\"") : "no unit");
    if (ok) { /* a canonical name is its own name, but for those of things */
        pc_buf again = { 0 };
        if (out.len && (!math_unit_name(pc_buf_str(&out), &again) ||
                        !pc_eq(pc_buf_str(&again), pc_buf_str(&out))))
            fail_msg("\"%s\" is named %s, which is named %s", words, out.data,
                     again.data ? again.data : "nothing");
        pc_buf_fini(&again);
    }
    pc_buf_fini(&out);
}

static const char *const measure_names[][2] = {
    { "cm", "cm" },
    { "centimeters", "cm" },
    { "Centimetre", "cm" },
    { "CM", "cm" },
    { " cm ", "cm" },
    { "\\text{cm}", "cm" },
    { "\\mathrm{~cm}", "cm" },
    { "feet", "ft" },
    { "foot", "ft" },
    { "ft.", "ft" },
    { "in.", "in" },
    { "in", "in" },
    { "inches", "in" },
    { "sq. ft.", "ft^2" },
    { "sq ft", "ft^2" },
    { "square feet", "ft^2" },
    { "square foot", "ft^2" },
    { "Square Inches", "in^2" },
    { "feet squared", "ft^2" },
    { "cubic centimeters", "cm^3" },
    { "cu. in.", "in^3" },
    { "cm cubed", "cm^3" },
    { "cc", "cm^3" },
    { "cm^2", "cm^2" },
    { "cm^{2}", "cm^2" },
    { "cm^{ 2 }", "cm^2" },
    { "cm**2", "cm^2" },
    { "\\text{cm}^2", "cm^2" },
    { "\\mathrm{~cm}^{3}", "cm^3" },
    { "cm\xC2\xB2", "cm^2" },
    { "m2", "m^2" },
    { "km/h", "km/h" },
    { "km/hr", "km/h" },
    { "km / hour", "km/h" },
    { "kph", "km/h" },
    { "miles per hour", "mi/h" },
    { "miles/hour", "mi/h" },
    { "mph", "mi/h" },
    { "MPH", "mi/h" },
    { "m.p.h.", "mi/h" },
    { "miles an hour", "mi/h" },
    { "m/s", "m/s" },
    { "meters per second", "m/s" },
    { "metres per second", "m/s" },
    { "m s^{-1}", "m/s" },
    { "m\\cdot s^{-1}", "m/s" },
    { "m \\cdot \\mathrm{s}^{-1}", "m/s" },
    { "m\xC2\xB7s\xE2\x81\xBB\xC2\xB9", "m/s" },
    { "\\frac{m}{s}", "m/s" },
    { "\\frac{\\text{m}}{\\text{s}^2}", "m/s^2" },
    { "m/s^2", "m/s^2" },
    { "m/s/s", "m/s^2" },
    { "meters per second squared", "m/s^2" },
    { "meters per second per second", "m/s^2" },
    { "meters per square second", "m/s^2" },
    { "(m/s)^2", "m^2/s^2" },
    { "N\\cdot m", "N*m" },
    { "m N", "N*m" },
    { "newton-meters", "N*m" },
    { "foot-pounds", "ft*lb" },
    { "J/(kg K)", "J/K/kg" },
    { "J/kg/K", "J/K/kg" },
    { "J kg^{-1} K^{-1}", "J/K/kg" },
    { "s^{-1}", "s^-1" },
    { "per second", "s^-1" },
    { "/s", "s^-1" },
    { "kWh", "h*kW" },
    { "kilowatt-hours", "h*kW" },
    { "kN", "kN" },
    { "MHz", "MHz" },
    { "megahertz", "MHz" },
    { "nm", "nm" },
    { "milliseconds", "ms" },
    { "ms", "ms" },
    { "kilojoules", "kJ" },
    { "kJ", "kJ" },
    { "kj", "kJ" },
    { "kg", "kg" },
    { "Kg", "kg" },
    { "KGs", "kg" },
    { "kgs", "kg" },
    { "gm", "g" },
    { "grams", "g" },
    { "micrometers", "um" },
    { "\xC2\xB5m", "um" },
    { "\xCE\xBCs", "us" },
    { "\\mu m", "um" },
    { "\\Omega", "ohm" },
    { "\xCE\xA9", "ohm" },
    { "kiloohms", "kohm" },
    { "hours", "h" },
    { "hr", "h" },
    { "hrs.", "h" },
    { "min", "min" },
    { "mins", "min" },
    { "minutes", "min" },
    { "seconds", "s" },
    { "sec", "s" },
    { "days", "day" },
    { "years old", "year" },
    { "L", "L" },
    { "l", "L" },
    { "liters", "L" },
    { "mL", "mL" },
    { "ml", "mL" },
    { "millilitres", "mL" },
    { "fluid ounces", "floz" },
    { "fl. oz.", "floz" },
    { "gallons", "gal" },
    { "lbs", "lb" },
    { "lb.", "lb" },
    { "pounds", "lb" },
    { "ounces", "oz" },
    { "tons", "ton" },
    { "metric tons", "t" },
    { "tonnes", "t" },
    { "nautical miles", "nmi" },
    { "degrees", "deg" },
    { "degree", "deg" },
    { "^\\circ", "deg" },
    { "^{\\circ}", "deg" },
    { "\xC2\xB0", "deg" },
    { "\xC2\xB0"
      "C",
      "degC" },
    { "^\\circ\\text{C}", "degC" },
    { "^{\\circ} \\mathrm{F}", "degF" },
    { "degrees Celsius", "degC" },
    { "degrees Fahrenheit", "degF" },
    { "degrees per second", "deg/s" },
    { "radians", "rad" },
    { "arcminutes", "arcmin" },
    { "$", "$" },
    { "\\$", "$" },
    { "dollars", "$" },
    { "USD", "$" },
    { "US dollars", "$" },
    { "U.S. dollars", "$" },
    { "dollars per hour", "$/h" },
    { "cents", "cent" },
    { "\xC2\xA2", "cent" },
    { "euros", "\xE2\x82\xAC" },
    { "\xC2\xA3", "\xC2\xA3" },
    { "pounds sterling", "\xC2\xA3" },
    { "yuan", "yuan" },
    { "RMB", "yuan" },
    { "rupees", "rupee" },
    { "bits", "bit" },
    { "bytes", "B" },
    { "KB", "kB" },
    { "mole", "mol" },
    { "\xE5\x8E\x98\xE7\xB1\xB3", "cm" },
};

static void names_of_measures(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof measure_names / sizeof *measure_names; k++)
        name_is(measure_names[k][0], measure_names[k][1]);
}

static void names_of_things(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "apples", "apple" },
        { "Apples", "apple" },
        { "apple", "apple" },
        { "ways.", "way" },
        { "points", "point" },
        { "men", "man" },
        { "women", "woman" },
        { "people", "person" },
        { "children", "child" },
        { "cookies", "cookie" },
        { "berries", "berry" },
        { "boxes", "box" },
        { "classes", "class" },
        { "buses", "bus" },
        { "houses", "house" },
        { "tomatoes", "tomato" },
        { "right triangles", "right triangle" },
        { "children tickets ", "children ticket" },
        { "pieces of cake", "piece" },
        { "students in class", "student" },
        { "students per class", "student/class" },
        { "square tiles", "square tile" },
        { "feet of rope", "ft" },
        { "pounds of apples", "lb" },
        { "dollars per pound of apples", "$/lb" },
        { "cm long", "cm" },
        { "more dollars", "$" },
        { "miles in total", "mi" },
        { "dollars each", "$" },
        { "miles per gallon", "mi/gal" },
        { "unit", "" },
        { "units", "" },
        { "square units", "unit^2" },
        { "sq. units", "unit^2" },
        { "square\nunits", "unit^2" },
        { "units^2", "unit^2" },
        { "cubic units", "unit^3" },
        { "a.m.", "am" },
        { "PM", "pm" },
        { "p.m.", "pm" },
        { "AM", "am" },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        name_is(cases[k][0], cases[k][1]);
}

static void what_is_no_unit(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        " ",
        "million",
        "thousands",
        "dozen",
        "of",
        "and",
        "or",
        "is",
        "sin",
        "pi",
        "over",

        "%",
        "percent",
        "x",
        "xy",
        "5",
        "cm, m",
        "cm + m",
        "cm=m",
        "cm^x",
        "cm^{10}",
        "cm^0",
        "cm^",
        "(cm",
        "cm)",
        "{cm",
        "cm}",
        "(cm}",
        "\\frac{m}",
        "\\frac{}{s}",
        "\\frac m s",
        "\\frac{m}{}",
        "/",
        "cm/",
        "//s",
        "*cm",
        "cm*",
        "\\alpha",
        "\\mu",
        "apples and pears",
        "three",
        "five apples",
        "times",
        "((((((m))))))",
        "^2",
        "-",
        "cm-",
        "-cm",
        "\xE2\x81\xBB",
        "^\\prime",
        "in R and",
        "of apples",
        "per",
        "m!",
        "\xC2\xB5",
        "100 g",
        "100g",
        "\\frac{m}{s}}",
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        name_is(cases[k], NULL);
}

/* Longest inputs and every short byte string over a hostile alphabet: no crash, and a name is
 * stable. */
static void hostile_names(void **state)
{
    (void)state;
    char text[512];
    static const char alphabet[] = "m/ ^2(){}\\-.a$*\xC2\xB0";
    uint32_t seed = 1;
    for (unsigned k = 0; k < 60000; k++) {
        size_t n = 1 + k % 12;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        pc_buf a = { 0 }, b = { 0 };
        if (math_unit_name((assay_str){ text, n }, &a) && a.len)
            if (!math_unit_name(pc_buf_str(&a), &b) || !pc_eq(pc_buf_str(&a), pc_buf_str(&b)))
                fail_msg("%.*s is named %s, which is named %s", (int)n, text, a.data,
                         b.data ? b.data : "nothing");
        pc_buf_fini(&a);
        pc_buf_fini(&b);
    }
    for (size_t n = 100; n < sizeof text; n++) {
        memset(text, 'a', n);
        pc_buf a = { 0 };
        assert_false(math_unit_name((assay_str){ text, n }, &a));
        for (size_t i = 0; i < n; i++)
            text[i] = "m/"[i % 2];
        assert_false(math_unit_name((assay_str){ text, n }, &a));
        assert_int_equal(a.len, 0);
        pc_buf_fini(&a);
    }
}

/* NULL: different; "1": the same; else the factor as num/den. Names are made canonical first. */
static void compare_is(const char *a, const char *b, const char *expected)
{
    pc_buf x = { 0 }, y = { 0 };
    if (!math_unit_name(lit(a), &x) || !math_unit_name(lit(b), &y))
        fail_msg("%s or %s is no unit", a, b);
    fmpq_t factor, want;
    fmpq_init(factor);
    fmpq_init(want);
    math_unit_relation got = math_unit_compare(pc_buf_str(&x), pc_buf_str(&y), factor);
    math_unit_relation should = !expected                    ? UNITS_DIFFERENT
                                : strcmp(expected, "1") == 0 ? UNITS_SAME
                                                             : UNITS_FACTOR;
    fmpq_set_str(want, expected ? expected : "1", 10);
    char *shown = fmpq_get_str(NULL, 10, factor);
    if (got != should || !fmpq_equal(factor, want))
        fail_msg("%s against %s: expected %s, got relation %d factor %s", a, b,
                 expected ? expected : "different", (int)got, shown);
    flint_free(shown);
    fmpq_inv(want, want); /* the other way round */
    got = math_unit_compare(pc_buf_str(&y), pc_buf_str(&x), factor);
    if (got != should || !fmpq_equal(factor, want))
        fail_msg("%s against %s is not symmetric", b, a);
    fmpq_clear(factor);
    fmpq_clear(want);
    pc_buf_fini(&x);
    pc_buf_fini(&y);
}

static const char *const compared[][3] = {
    { "cm", "centimeters", "1" },
    { "m", "cm", "100" },
    { "km", "m", "1000" },
    { "cm", "m", "1/100" },
    { "in", "cm", "127/50" },
    { "ft", "in", "12" },
    { "yards", "ft", "3" },
    { "mi", "ft", "5280" },
    { "miles", "km", "25146/15625" },
    { "m^2", "cm^2", "10000" },
    { "square feet", "square inches", "144" },
    { "cubic meters", "liters", "1000" },
    { "mL", "cc", "1" },
    { "gallons", "quarts", "4" },
    { "quarts", "pints", "2" },
    { "pints", "cups", "2" },
    { "cups", "fl oz", "8" },
    { "fl oz", "tbsp", "2" },
    { "tbsp", "tsp", "3" },
    { "acres", "square feet", "43560" },
    { "hours", "minutes", "60" },
    { "minutes", "seconds", "60" },
    { "days", "hours", "24" },
    { "weeks", "days", "7" },
    { "years", "months", "12" },
    { "ms", "s", "1/1000" },
    { "kg", "g", "1000" },
    { "lb", "oz", "16" },
    { "pounds", "kg", "45359237/100000000" },
    { "tons", "lb", "2000" },
    { "tons", "kg", "1000" },
    { "tons", "tonnes", "1" },
    { "km/h", "m/s", "5/18" },
    { "mph", "ft/s", "22/15" },
    { "m/s^2", "km/h^2", "12960" },
    { "N", "kg m/s^2", "1" },
    { "J", "N m", "1" },
    { "kWh", "J", "3600000" },
    { "W", "J/s", "1" },
    { "V", "J/C", "1" },
    { "ohm", "V/A", "1" },
    { "F", "C/V", "1" },
    { "T", "Wb/m^2", "1" },
    { "H", "V s/A", "1" },
    { "S", "A/V", "1" },
    { "Pa", "N/m^2", "1" },
    { "atm", "Pa", "101325" },
    { "psi", "lbf/in^2", "1" },
    { "eV", "J", "801088317/5000000000000000000000000000" },
    { "cal", "J", "523/125" },
    { "Hz", "s^{-1}", "1" },
    { "kHz", "Hz", "1000" },
    { "bytes", "bits", "8" },
    { "dollars", "cents", "100" },
    { "$", "dollars", "1" },
    { "deg", "arcmin", "60" },
    { "arcmin", "arcsec", "60" },
    { "\xC2\xA3", "pence", "100" },
    /* nothing is said, or decoration */
    { "units", "cm", "1" },
    { "square units", "cm^2", "1" },
    { "square units", "units", "1" },
    { "red apples", "apples", "1" },
    { "apples", "cm", "1" },
    { "apples", "units", "1" },
    { "students per class", "students", "1" },
    { "dollars per student", "dollars", "1" },
    { "p.m.", "units", "1" },
    /* two meanings */
    { "pounds", "\xC2\xA3", "1" },
    { "degrees", "degrees Celsius", "1" },
    { "C", "degC", "1" },
    { "F", "degrees Fahrenheit", "1" },
    { "\xC2\xA5", "yen", "1" },
    { "\xC2\xA5", "yuan", "1" },
    /* different */
    { "apples", "pears", NULL },
    { "red apples", "green pears", NULL },
    { "cm", "g", NULL },
    { "cm", "cm^2", NULL },
    { "cm^2", "cm^3", NULL },
    { "m/s", "m", NULL },
    { "m/s", "m/s^2", NULL },
    { "$", "\xE2\x82\xAC", NULL },
    { "dollars", "yuan", NULL },
    { "cents", "pence", NULL },
    { "yen", "yuan", NULL },
    { "degrees", "radians", NULL },
    { "degC", "degF", NULL },
    { "degC", "K", NULL },
    { "months", "days", NULL },
    { "years", "weeks", NULL },
    { "am", "pm", NULL },
    { "am", "cm", NULL },
    { "pounds", "dollars", NULL },
    { "oz", "fl oz", NULL },
    { "mol", "g", NULL },
    { "N", "J", NULL },
    { "bits", "s", NULL },
};

static void comparisons(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof compared / sizeof *compared; k++)
        compare_is(compared[k][0], compared[k][1], compared[k][2]);
}

/* The sign before an amount arrives as it is written. */
static void signs_as_written(void **state)
{
    (void)state;
    fmpq_t factor;
    fmpq_init(factor);
    assert_int_equal(math_unit_compare(lit("\xE2\x82\xB9"), lit("rupee"), factor), UNITS_SAME);
    assert_int_equal(math_unit_compare(lit("\xE2\x82\xB9"), lit("$"), factor), UNITS_DIFFERENT);
    assert_int_equal(math_unit_compare(lit("\xC2\xA2"), lit("$"), factor), UNITS_FACTOR);
    fmpq_clear(factor);
}

/* What was never canonical (a broken caller) must not crash or be slow either. */
static void hostile_comparisons(void **state)
{
    (void)state;
    static const char *const names[] = { "",
                                         "/",
                                         "^",
                                         "cm^",
                                         "cm^-",
                                         "^2",
                                         "*/*",
                                         "cm^999",
                                         "m^2^2",
                                         "m^999999999999999999",
                                         "m*m*m*m*m*m*m*m*m*m",
                                         "kW^-72",
                                         "eV^72",
                                         "eV^99/GHz^99*lbf^99/psi^99*ly^99" };
    fmpq_t factor;
    fmpq_init(factor);
    for (size_t a = 0; a < sizeof names / sizeof *names; a++)
        for (size_t b = 0; b < sizeof names / sizeof *names; b++)
            math_unit_compare(lit(names[a]), lit(names[b]), factor);
    fmpq_clear(factor);
}

static void measures_and_nouns(void **state)
{
    (void)state;
    static const char *const measures[] = { "cm",       "m",       "s",     "N",
                                            "kN",       "feet",    "in.",   "$",
                                            "\xC2\xA3", "mph",     "Units", "kilometers",
                                            "MHz",      "degrees", "euros", "\xC2\xB0" };
    static const char *const others[] = { "apples", "x",   "k",   "M",          "G",
                                          "",       "of",  "am",  "kkm",        "xm",
                                          "square", "inx", "kin", "kiloinches", "million" };
    for (size_t k = 0; k < sizeof measures / sizeof *measures; k++)
        if (!math_unit_is_measure(lit(measures[k])))
            fail_msg("%s is a measure", measures[k]);
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (math_unit_is_measure(lit(others[k])))
            fail_msg("%s is no measure", others[k]);
    static const char *const nouns[] = { "apples",    "Apples", "cm",       "km",   "feet",
                                         "students",  "ways",   "men",      "dogs", "hours",
                                         "marbles",   "zebras", "children", "mph",  "boxes",
                                         "kilograms", "o'clock" };
    static const char *const products[] = { "x",    "xy",      "ab",    "abc",   "xyz",  "abcd",
                                            "wxyz", "pqrs",    "mnpq",  "axby",  "aabb", "ms",
                                            "sin",  "sqrt",    "alpha", "theta", "",     "abx",
                                            "ac",   "million", "over" };
    for (size_t k = 0; k < sizeof nouns / sizeof *nouns; k++)
        if (!math_word_is_noun(lit(nouns[k])))
            fail_msg("%s is a noun", nouns[k]);
    for (size_t k = 0; k < sizeof products / sizeof *products; k++)
        if (math_word_is_noun(lit(products[k])))
            fail_msg("%s may be a product", products[k]);
}

static void words_for_numbers(void **state)
{
    (void)state;
    unsigned value = 0;
    assert_true(math_number_word(lit("million"), &value) && value == 6);
    assert_true(math_number_word(lit("Thousand"), &value) && value == 3);
    assert_true(math_number_word(lit("billions"), &value) && value == 9);
    assert_true(math_number_word(lit("trillion"), &value) && value == 12);
    assert_true(math_number_word(lit("hundred"), &value) && value == 2);
    static const char *const not_powers[] = { "dozen", "", "s", "hundredth", "hundredss", "mill" };
    for (size_t k = 0; k < sizeof not_powers / sizeof *not_powers; k++)
        assert_false(math_number_word(lit(not_powers[k]), &value));
    static const struct {
        const char *word;
        unsigned value;
    } cardinals[] = { { "zero", 0 },    { "one", 1 },         { "Two", 2 },         { "ten", 10 },
                      { "twelve", 12 }, { "nineteen", 19 },   { "TWENTY", 20 },     { "forty", 40 },
                      { "ninety", 90 }, { "twenty-one", 21 }, { "ninety nine", 99 } };
    for (size_t k = 0; k < sizeof cardinals / sizeof *cardinals; k++)
        if (!math_cardinal(lit(cardinals[k].word), &value) || value != cardinals[k].value)
            fail_msg("%s is %u, not %u", cardinals[k].word, cardinals[k].value, value);
    static const char *const not_cardinals[] = {
        "",           "on",    "ones",   "twenty-",      "twentyone", "twenty-ten", "twenty-zero",
        "twelve-one", "first", "fortyy", "seventeen-one"
    };
    for (size_t k = 0; k < sizeof not_cardinals / sizeof *not_cardinals; k++)
        if (math_cardinal(lit(not_cardinals[k]), &value))
            fail_msg("%s is no number", not_cardinals[k]);
}

static void tables(void **state)
{
    (void)state;
    assert_true(unit_tables_sorted());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(names_of_measures),
        cmocka_unit_test(names_of_things),
        cmocka_unit_test(what_is_no_unit),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(hostile_comparisons),
        cmocka_unit_test(signs_as_written),
        cmocka_unit_test(measures_and_nouns),
        cmocka_unit_test(words_for_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
