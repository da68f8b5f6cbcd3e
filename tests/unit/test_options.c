/* test_options.c -- defaults, environment, arguments and what is said about wrong ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct opts {
    bool flag, other;
    const char *text, *choice;
    uint64_t n;
    double x, share;
    as_list list;
} opts;

static const as_opt table[] = {
    { .name = "flag",
      .type = AS_OPT_FLAG,
      .offset = offsetof(opts, flag),
      .short_name = 'f',
      .help = "h" },
    { .name = "other-flag", .type = AS_OPT_FLAG, .offset = offsetof(opts, other), .help = "h" },
    { .name = "text",
      .type = AS_OPT_TEXT,
      .value = "TEXT",
      .initial = "dflt",
      .offset = offsetof(opts, text),
      .short_name = 't',
      .help = "h" },
    { .name = "choice",
      .type = AS_OPT_CHOICE,
      .choices = "red|green",
      .initial = "red",
      .offset = offsetof(opts, choice),
      .help = "h" },
    { .name = "number",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "7",
      .offset = offsetof(opts, n),
      .help = "h" },
    { .name = "real",
      .type = AS_OPT_NUMBER,
      .value = "X",
      .offset = offsetof(opts, x),
      .help = "h" },
    { .name = "share",
      .type = AS_OPT_PERCENT,
      .value = "P",
      .offset = offsetof(opts, share),
      .help = "h" },
    { .name = "list",
      .type = AS_OPT_LIST,
      .value = "FILE",
      .offset = offsetof(opts, list),
      .help = "h" },
    { .name = NULL },
};

static int no_run(const as_command *self, void *o, const as_list *operands, as_err *err)
{
    (void)self;
    (void)o;
    (void)operands;
    (void)err;
    return 0;
}

static const as_command plain = {
    .name = "try this", .options = table, .run = no_run, .opts_size = sizeof(opts)
};
static const as_command taking = { .name = "try this",
                                   .options = table,
                                   .operands = "[FILE...]",
                                   .run = no_run,
                                   .opts_size = sizeof(opts) };

enum { MAX_WORDS = 12 };

/* Words separated by single spaces; the text stays alive in a static buffer. */
static int parse(const as_command *cmd, const char *line, opts *o, as_list *operands, as_err *err)
{
    static char words[400];
    char *argv[MAX_WORDS];
    int argc = 0;
    size_t len = strlen(line);
    assert_true(len < sizeof words);
    memcpy(words, line, len + 1);
    for (char *c = words; *c && argc < MAX_WORDS;) {
        argv[argc++] = c;
        c += strcspn(c, " ");
        if (*c)
            *c++ = '\0';
    }
    *err = (as_err){ 0 };
    return as_options_parse(cmd, argc, argv, o, operands, err);
}

static void is_refused(const char *line, const char *said)
{
    opts o;
    as_list operands;
    as_err err;
    assert_int_equal(parse(&plain, line, &o, &operands, &err), AS_EUSAGE);
    if (!strstr(err.text, said))
        fail_msg("\"%s\" gave \"%s\", without \"%s\"", line, err.text, said);
    as_options_free(&plain, &o, &operands);
}

static void test_defaults(void **state)
{
    (void)state;
    opts o;
    as_list operands;
    as_err err;
    assert_int_equal(parse(&plain, "", &o, &operands, &err), 0);
    assert_false(o.flag);
    assert_string_equal(o.text, "dflt");
    assert_string_equal(o.choice, "red");
    assert_int_equal(o.n, 7);
    assert_true(isnan(o.x) && isnan(o.share));
    assert_int_equal(o.list.n, 0);
    as_options_free(&plain, &o, &operands);
}

static void test_forms(void **state)
{
    (void)state;
    opts o;
    as_list operands;
    as_err err;
    assert_int_equal(parse(&plain,
                           "-f --text=a=b --choice green --number 18446744073709551615 --real -2.5",
                           &o, &operands, &err),
                     0);
    assert_true(o.flag);
    assert_string_equal(o.text, "a=b");
    assert_string_equal(o.choice, "green");
    assert_true(o.n == UINT64_MAX);
    assert_true(o.x == -2.5);
    as_options_free(&plain, &o, &operands);
    assert_int_equal(parse(&plain, "-t x --other-flag=true --flag=no", &o, &operands, &err), 0);
    assert_string_equal(o.text, "x");
    assert_true(o.other);
    assert_false(o.flag);
    as_options_free(&plain, &o, &operands);
    assert_int_equal(parse(&plain, "-tx --text -", &o, &operands, &err), 0);
    assert_string_equal(o.text, "-"); /* the last one holds, and - is a value */
    as_options_free(&plain, &o, &operands);
    assert_int_equal(parse(&plain, "--text=--x", &o, &operands, &err), 0);
    assert_string_equal(o.text, "--x");
    as_options_free(&plain, &o, &operands);
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double share;
    } cases[] = { { "--share 5%", 0.05 },
                  { "--share 0.05", 0.05 },
                  { "--share 100%", 1 },
                  { "--share 0", 0 },
                  { "--share 1", 1 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opts o;
        as_list operands;
        as_err err;
        assert_int_equal(parse(&plain, cases[i].line, &o, &operands, &err), 0);
        assert_true(fabs(o.share - cases[i].share) < 1e-15);
        as_options_free(&plain, &o, &operands);
    }
    is_refused("--share 5", "write 5% or 0.05");
    is_refused("--share 101%", "--share");
    is_refused("--share -1%", "--share");
    is_refused("--share nan", "--share");
    is_refused("--share %", "--share");
}

static void test_lists_and_operands(void **state)
{
    (void)state;
    opts o;
    as_list operands;
    as_err err;
    assert_int_equal(parse(&plain, "--list a b - --list c -f", &o, &operands, &err), 0);
    assert_int_equal(o.list.n, 4);
    assert_string_equal(o.list.at[0], "a");
    assert_string_equal(o.list.at[2], "-");
    assert_string_equal(o.list.at[3], "c");
    assert_true(o.flag);
    as_options_free(&plain, &o, &operands);
    assert_int_equal(parse(&taking, "--list a b -f c -- -d --help", &o, &operands, &err), 0);
    assert_int_equal(o.list.n, 1);
    assert_int_equal(operands.n, 4);
    assert_string_equal(operands.at[0], "b");
    assert_string_equal(operands.at[3], "--help");
    as_options_free(&taking, &o, &operands);
    is_refused("-f stray", "\"stray\" is one word too many");
}

static void test_refusals(void **state)
{
    (void)state;
    is_refused("--chioce red", "did you mean --choice?");
    is_refused("--zzzzzz", "assay try this --help");
    is_refused("--choice blue", "--choice: \"blue\" is not one of red|green");
    is_refused("--choice red|green", "is not one of");
    is_refused("--choice", "--choice needs a value");
    is_refused("--text --flag", "--text needs a value: --text TEXT");
    is_refused("--number -1", "--number: \"-1\" is not a whole number");
    is_refused("--number 18446744073709551616", "not a whole number");
    is_refused("--number=", "not a whole number");
    is_refused("--real inf", "not a number");
    is_refused("--flag=maybe", "not a yes or no");
    is_refused("-x", "unknown option -x");
}

static void test_help_wins(void **state)
{
    (void)state;
    opts o;
    as_list operands;
    as_err err;
    assert_int_equal(parse(&plain, "--help --nonsense", &o, &operands, &err), 1);
    as_options_free(&plain, &o, &operands);
    assert_int_equal(parse(&plain, "-h", &o, &operands, &err), 1);
    as_options_free(&plain, &o, &operands);
}

static void test_environment(void **state)
{
    (void)state;
    opts o;
    as_list operands;
    as_err err;
    char name[AS_ENV_NAME_MAX];
    as_option_env(&plain, &table[1], name);
    assert_string_equal(name, "ASSAY_TRY_THIS_OTHER_FLAG");
    assert_int_equal(setenv("ASSAY_TRY_THIS_OTHER_FLAG", "yes", 1), 0);
    assert_int_equal(setenv("ASSAY_TRY_THIS_NUMBER", "9", 1), 0);
    assert_int_equal(setenv("ASSAY_TRY_THIS_LIST", "from-env", 1), 0);
    assert_int_equal(parse(&plain, "", &o, &operands, &err), 0);
    assert_true(o.other);
    assert_int_equal(o.n, 9);
    assert_int_equal(o.list.n, 1);
    as_options_free(&plain, &o, &operands);
    assert_int_equal(parse(&plain, "--number 3 --list mine --other-flag=0", &o, &operands, &err),
                     0);
    assert_false(o.other); /* arguments come after the environment */
    assert_int_equal(o.n, 3);
    assert_int_equal(o.list.n, 1);
    assert_string_equal(o.list.at[0], "mine");
    as_options_free(&plain, &o, &operands);
    assert_int_equal(setenv("ASSAY_TRY_THIS_NUMBER", "nine", 1), 0);
    is_refused("", "ASSAY_TRY_THIS_NUMBER: \"nine\"");
    assert_int_equal(parse(&plain, "--help", &o, &operands, &err), 1); /* even then */
    as_options_free(&plain, &o, &operands);
    assert_int_equal(unsetenv("ASSAY_TRY_THIS_NUMBER"), 0);
    assert_int_equal(unsetenv("ASSAY_TRY_THIS_OTHER_FLAG"), 0);
    assert_int_equal(unsetenv("ASSAY_TRY_THIS_LIST"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_forms),
        cmocka_unit_test(test_shares),      cmocka_unit_test(test_lists_and_operands),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_help_wins),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
