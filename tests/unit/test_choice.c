/* test_choice.c -- the letter of a choice in a short line that announces none: which lines name
 * one, which only seem to. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin_driver.h"

#include <stdbool.h>

typedef struct row {
    char letter; /* 0: none */
    const char *completion;
} row;

static assay_verifier *open_choice(const char *config)
{
    assay_error err;
    assay_verifier *v = driver_create(driver_open("choice"), config, &err);
    assert_non_null(v);
    return v;
}

/* Every completion against the reference that would be right if the letter were found, so that a
 * letter found by mistake is seen as such. */
static void check(const char *config, const row *rows, size_t n, const char *rule)
{
    assay_verifier *v = open_choice(config);
    for (size_t i = 0; i < n; i++) {
        const char *text = rows[i].completion;
        driven got;
        driver_score(v, (assay_str){ "B", 1 }, (assay_str){ text, strlen(text) }, ASSAY_WANT_ANSWER,
                     &got);
        const char want[2] = { rows[i].letter, 0 };
        const char *wanted_rule = rows[i].letter ? rule : "";
        if (strcmp(got.text[ASSAY_OUT_KEY], want) != 0 ||
            strcmp(got.text[ASSAY_OUT_RULE], wanted_rule) != 0)
            fail_msg("\"%s\": \"%s\" by \"%s\", expected \"%s\" by \"%s\"", text,
                     got.text[ASSAY_OUT_KEY], got.text[ASSAY_OUT_RULE], want, wanted_rule);
        assert_int_equal(got.verdict, rows[i].letter == 'B' ? ASSAY_PASS
                                      : rows[i].letter      ? ASSAY_FAIL
                                                            : ASSAY_NO_ANSWER);
    }
    v->destroy(v);
}
#define CHECK(config, rows, rule) check(config, rows, sizeof(rows) / sizeof *(rows), rule)

static void test_one_letter(void **state)
{
    (void)state;
    static const row rows[] = {
        { 'B', "Because B is valid" },
        { 'B', "  Because B is valid\n" },
        { 'B', "<think>A? C? No.</think>\n\nBecause B is valid" },
        { 'C', "I think C because it is prime" },
        { 'B', "B since 3 is odd." },
        { 'B', "B - because 3 is odd" },
        { 'B', "B \xe2\x80\x94 because 3 is odd" },
        { 'B', "B because it\xe2\x80\x99s the largest" },
        { 'B', "going with \"B\", since it fits" },
        { 'B', "going with 'B', since it fits" },
        { 'B', "going with \xe2\x80\x9c"
               "B\xe2\x80\x9d today" },
        { 'B', "going with $B$ today" },
        { 'B', "going with (B) today" },
        { 'B', "I'd say (B)." },
        { 'B', "B looks right, so B" },
        { 'B', "My pick:B, clearly" },
        { 'B', "Note that another knot denotes B here" }, /* "not" inside words */
        { 'D', "Therefore D, as shown above." },
        { 'A', "Because A is valid" },
        { 'A', "A is valid" },
        { 'A', "Because A, which holds" },
        { 'A', "I am going with A because (2) holds" },
        { 'B', "A quick look shows that B holds" }, /* the article */
        { 'B', "Easy. A look shows B holds" },
    };
    CHECK("{}", rows, "only");
}

static void test_no_letter(void **state)
{
    (void)state;
    static const row rows[] = {
        { 0, "No valid answer here" },
        { 0, "A dog has four legs" },
        { 0, "A Bayesian dog has four legs" },
        { 0, "A \"good\" dog has four legs" },
        { 0, "I think so" },
        { 0, "it follows that a and i are small" },
        { 0, "because b is valid" },
        { 0, "BECAUSE IT IS VALID" },
        { 0, "Because \xce\x92 is valid" },     /* a Greek capital that looks like B */
        { 0, "Because \xef\xbc\xa2 is valid" }, /* full width */
        { 0, "Because E is valid" },            /* no choice */
        { 0, "Because B\xcc\x82 is valid" },    /* with an accent */
    };
    CHECK("{}", rows, "only");
}

static void test_many_letters(void **state)
{
    (void)state;
    static const row rows[] = {
        { 0, "Because B is better. C loses" },
        { 0, "B or C, hard to say" },
        { 0, "B over A, clearly" },
        { 0, "A over B, clearly" },
        { 0, "A beats B" },
        { 0, "I prefer A guess of B" }, /* an article in no place for one */
        { 0, "B or E, hard to say" },   /* E is no choice, but it might be meant */
        { 0, "the point P makes B right" },
        { 0, "B and (c) are both fine" },
        { 0, "B/C it seems" },
        { 0, "going with B, C today" },
        { 0, "ABCD, all of these" },
        { 0, "A B C D" },
    };
    CHECK("{}", rows, "only");
}

static void test_said_against(void **state)
{
    (void)state;
    static const row rows[] = {
        { 0, "Because B is not valid" },
        { 0, "Because B is NOT valid" },
        { 0, "B isn't valid" },
        { 0, "B ISN'T valid" },
        { 0, "B isn\xe2\x80\x99t valid" },
        { 0, "B isnt valid" },
        { 0, "it can't be B, surely" },
        { 0, "it cannot be B at all" },
        { 0, "everything except B works" },
        { 0, "all fit, excepting B of course" },
        { 0, "B is wrong" },
        { 0, "B is 'wrong'" },
        { 0, "B is incorrect" },
        { 0, "B is invalid" },
        { 0, "neither this nor B works" },
        { 0, "I never liked B much" },
        { 0, "we can rule out B now" },
        { 0, "B is false" },
        { 0, "anything but B will do" },
        { 0, "anything other than B will do" },
        { 0, "if B holds we are done" },
        { 0, "Could B be right?" },
        { 0, "nicht B sondern etwas anderes" },
        { 0, "\xd0\xbd\xd0\xb5 B \xd0\xb6\xd0\xb5" }, /* a negation nobody listed */
        { 0, "\xe4\xb8\x8d\xe6\x98\xaf B " },
    };
    CHECK("{}", rows, "only");
}

static void test_other_meanings(void **state)
{
    (void)state;
    static const row rows[] = {
        { 0, "x = B + 1 here" },
        { 0, "we get 2 = B here" },
        { 0, "we get B = 2 here" },
        { 0, "written in C++ today" },
        { 0, "written in C# today" },
        { 0, "it was 20 C today" },
        { 0, "it takes vitamin B12 daily" },
        { 0, "it takes vitamin B 12 daily" },
        { 0, "he got a B.Sc. there" },
        { 0, "he saw B. subtilis there" },
        { 0, "the B-side was better" },
        { 0, "the non-B was better" },
        { 0, "we use f(B) and that is it" },
        { 0, "the size of x_B there" },
        { 0, "the size of B_1 there" },
        { 0, "that is B's fault" },
        { 0, "$\\angle B$ is right" },
        { 0, "the set {B} is closed" },
        { 0, "see B.C. dates" },
    };
    CHECK("{}", rows, "only");
}

/* One line of at most 120 bytes, white space around it aside. */
static void test_length(void **state)
{
    (void)state;
    assay_verifier *v = open_choice("{}");
    for (size_t len = 100; len <= 140; len++) {
        char text[160] = "Because B is valid ";
        size_t used = strlen(text);
        memset(text + used, 'h', len - used);
        driven got;
        driver_score(v, (assay_str){ "B", 1 }, (assay_str){ text, len }, 0, &got);
        assert_int_equal(got.verdict, len <= 120 ? ASSAY_PASS : ASSAY_NO_ANSWER);
        text[len] = text[len + 1] = '\n';
        driver_score(v, (assay_str){ "B", 1 }, (assay_str){ text, len + 2 }, 0, &got);
        assert_int_equal(got.verdict, len <= 120 ? ASSAY_PASS : ASSAY_NO_ANSWER);
    }
    static const char *const lines[] = { "Well.\nBecause B is valid", "Because B\nis valid",
                                         "Because B\ris valid", "Because B \x01is valid" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        driven got;
        driver_score(v, (assay_str){ "B", 1 }, (assay_str){ lines[i], strlen(lines[i]) }, 0, &got);
        assert_int_equal(got.verdict, ASSAY_NO_ANSWER);
    }
    driven got;
    driver_score(v, (assay_str){ "B", 1 }, (assay_str){ "Because B is\0 valid", 19 }, 0, &got);
    assert_int_equal(got.verdict, ASSAY_NO_ANSWER);
    /* 39 dashes of three bytes each: the line's room is filled, and not overrun */
    char dashes[121] = "- B";
    for (size_t i = 3; i < 120; i++)
        dashes[i] = "\xe2\x80\x94"[i % 3];
    driver_score(v, (assay_str){ "B", 1 }, (assay_str){ dashes, 120 }, 0, &got);
    assert_int_equal(got.verdict, ASSAY_PASS);
    v->destroy(v);
}

/* What announces a letter, or announces something else, has the word as before. */
static void test_last_of_all(void **state)
{
    (void)state;
    static const row line[] = {
        { 'B', "It's not A because it makes no sense, therefore I think it's B" },
        { 'A', "A. Because B is not valid" },
        { 'B', "B" },
    };
    static const row marker[] = { { 'C', "The answer is C because B is smaller" } };
    static const row box[] = { { 0, "\\boxed{42} because B is valid" }, { 0, "#### 42, so B" } };
    CHECK("{}", line, "line");
    CHECK("{}", marker, "marker");
    CHECK("{}", box, "");
}

static void test_choices(void **state)
{
    (void)state;
    static const row ten[] = {
        { 'J', "Because J is valid" },
        { 0, "Because I said so" }, /* the pronoun, whatever the choices */
        { 0, "Because K is valid" },
    };
    static const row two[] = { { 'B', "Because B is valid" }, { 0, "Because C is valid" } };
    CHECK("{\"choices\":\"ABCDEFGHIJ\"}", ten, "only");
    CHECK("{\"choices\":\"AB\"}", two, "only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_letter),     cmocka_unit_test(test_no_letter),
        cmocka_unit_test(test_many_letters),   cmocka_unit_test(test_said_against),
        cmocka_unit_test(test_other_meanings), cmocka_unit_test(test_length),
        cmocka_unit_test(test_last_of_all),    cmocka_unit_test(test_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
