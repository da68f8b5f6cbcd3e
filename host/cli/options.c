/* options.c -- fills a command's struct from its table: defaults, environment, arguments.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct parser {
    const as_command *cmd;
    int argc, at; /* at: the next word */
    char **argv;
    char *opts;
    as_list *operands;
    bool only_operands; /* after "--" */
} parser;

static void *place_of(const parser *p, const as_opt *o)
{
    return p->opts + o->offset;
}

/* ---- one value ---- */

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *c = choices; *c;) {
        size_t n = strcspn(c, "|");
        if (n == len && memcmp(c, text, n) == 0)
            return true;
        c += n + (c[n] == '|');
    }
    return false;
}

static int set_flag(bool *out, const char *what, const char *text, as_err *err)
{
    if (is_choice("1|true|yes|on", text))
        *out = true;
    else if (is_choice("0|false|no|off", text) || !*text)
        *out = false;
    else
        return as_fail(err, AS_EUSAGE,
                       "%s: \"%s\" is not a yes or no (1, true, yes, on; 0, false, no, off)", what,
                       text);
    return 0;
}

static int set_uint(uint64_t *out, const char *what, const char *text, as_err *err)
{
    unsigned long long v = 0;
    if (!as_str_u64(as_str_of(text), &v))
        return as_fail(err, AS_EUSAGE, "%s: \"%s\" is not a whole number (0 or greater)", what,
                       text);
    *out = v;
    return 0;
}

static int set_number(double *out, const char *what, const char *text, as_err *err)
{
    if (!as_str_double(as_str_of(text), out))
        return as_fail(err, AS_EUSAGE, "%s: \"%s\" is not a number", what, text);
    return 0;
}

/* "0.7%" is read as 0.7e-2: rounded once, it is the same double as 7/1000, so that a gate holds at
 * its bound. */
static bool read_percent(as_str digits, double *out)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%.*se-2", AS_FMT(digits));
    if (n > 0 && (size_t)n < sizeof text && as_str_double(as_str_of(text), out))
        return true;
    if (!as_str_double(digits, out)) /* else it has an exponent of its own */
        return false;
    *out /= 100;
    return true;
}

int as_option_share(double *out, const char *what, const char *text, as_err *err)
{
    as_str s = as_str_of(text);
    double v = NAN;
    if (as_str_ends(s, "%"))
        (void)read_percent((as_str){ s.data, s.len - 1 }, &v);
    else
        (void)as_str_double(s, &v);
    if (!(v >= 0 && v <= 1))
        return as_fail(err, AS_EUSAGE, "%s: \"%s\" is not a share (write 5%% or 0.05; from 0 to 1)",
                       what, text);
    *out = v;
    return 0;
}

static int add_to_list(as_list *list, const char *what, const char *text, as_err *err)
{
    const char **grown = as_realloc_array(list->at, list->n + 1, sizeof *grown);
    if (!grown)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", what);
    list->at = grown;
    list->at[list->n++] = text;
    return 0;
}

static int set_choice(const char **out, const as_opt *o, const char *what, const char *text,
                      as_err *err)
{
    if (!is_choice(o->choices, text))
        return as_fail(err, AS_EUSAGE, "%s: \"%s\" is not one of %s", what, text, o->choices);
    *out = text;
    return 0;
}

/* `what` is the way the user wrote it: "--threads" or "ASSAY_VERIFY_THREADS". */
static int set_value(const parser *p, const as_opt *o, const char *what, const char *text,
                     as_err *err)
{
    void *place = place_of(p, o);
    switch (o->type) {
    case AS_OPT_FLAG:
        return set_flag(place, what, text, err);
    case AS_OPT_UINT:
        return set_uint(place, what, text, err);
    case AS_OPT_NUMBER:
        return set_number(place, what, text, err);
    case AS_OPT_PERCENT:
        return as_option_share(place, what, text, err);
    case AS_OPT_LIST:
        return add_to_list(place, what, text, err);
    case AS_OPT_CHOICE:
        return set_choice(place, o, what, text, err);
    case AS_OPT_TEXT:
        *(const char **)place = text;
        return 0;
    }
    return as_fail(err, AS_EUSAGE, "%s: an option of no known type", what);
}

/* ---- defaults and environment ---- */

static int set_default(const parser *p, const as_opt *o, as_err *err)
{
    if (o->type == AS_OPT_NUMBER || o->type == AS_OPT_PERCENT)
        *(double *)place_of(p, o) = NAN;
    return o->initial ? set_value(p, o, o->name, o->initial, err) : 0;
}

static char env_letter(char c)
{
    static const char from[] = "abcdefghijklmnopqrstuvwxyz- ";
    static const char to[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ__";
    const char *at = c ? strchr(from, c) : NULL;
    if (at)
        c = to[at - from];
    return c;
}

void as_option_env(const as_command *cmd, const as_opt *opt, char out[AS_ENV_NAME_MAX])
{
    const char *parts[] = { "assay_", cmd->name, "_", opt->name };
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *c = parts[i]; *c && n + 1 < AS_ENV_NAME_MAX; c++)
            out[n++] = env_letter(*c);
    out[n] = '\0';
}

static void forget_list(as_list *list)
{
    as_free(list->at);
    *list = (as_list){ 0 };
}

static int set_from_env(const parser *p, const as_opt *o, as_err *err)
{
    char name[AS_ENV_NAME_MAX];
    as_option_env(p->cmd, o, name);
    const char *text = getenv(name);
    if (!text || (!*text && o->type != AS_OPT_TEXT))
        return 0;
    if (o->type == AS_OPT_LIST)
        forget_list(place_of(p, o));
    return set_value(p, o, name, text, err);
}

/* ---- arguments ---- */

static const as_opt *find_long(const as_command *cmd, const char *name, size_t len)
{
    for (const as_opt *o = cmd->options; o && o->name; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static const as_opt *find_short(const as_command *cmd, char letter)
{
    for (const as_opt *o = cmd->options; o && o->name; o++)
        if (o->short_name == letter)
            return o;
    return NULL;
}

static const char *nearest_option(const as_command *cmd, const char *name)
{
    const char *best = NULL;
    unsigned least = 4;
    for (const as_opt *o = cmd->options; o && o->name; o++) {
        unsigned d = as_str_distance(o->name, name, 3);
        if (d < least && d < strlen(o->name)) {
            least = d;
            best = o->name;
        }
    }
    return best;
}

static int unknown_option(const parser *p, const char *word, as_err *err)
{
    char name[64];
    as_str s = as_str_of(word + strspn(word, "-"));
    size_t n = strcspn(s.data, "=");
    n = n < sizeof name - 1 ? n : sizeof name - 1;
    memcpy(name, s.data, n);
    name[n] = '\0';
    const char *near = n > 1 ? nearest_option(p->cmd, name) : NULL;
    if (near)
        return as_fail(err, AS_EUSAGE, "unknown option %s%s; did you mean --%s?",
                       word[1] == '-' ? "--" : "-", name, near);
    return as_fail(err, AS_EUSAGE, "unknown option %s%s; assay %s --help lists them",
                   word[1] == '-' ? "--" : "-", name, p->cmd->name);
}

/* "-" is stdin and "-5" a number; everything else that starts with a dash looks like an option. */
static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]) && word[1] != '.';
}

static int take_list_words(parser *p, const as_opt *o, as_err *err)
{
    if (p->cmd->operands)
        return 0;
    int rc = 0;
    while (rc == 0 && p->at < p->argc && !looks_like_option(p->argv[p->at]))
        rc = set_value(p, o, o->name, p->argv[p->at++], err);
    return rc;
}

/* A list that the user starts to write replaces its default and what the environment gave. */
static void start_list(const parser *p, const as_opt *o, bool *seen)
{
    if (o->type == AS_OPT_LIST && !seen[o - p->cmd->options]) {
        forget_list(place_of(p, o));
        seen[o - p->cmd->options] = true;
    }
}

static int take_option(parser *p, const as_opt *o, const char *attached, bool *seen, as_err *err)
{
    char what[AS_ENV_NAME_MAX];
    (void)snprintf(what, sizeof what, "--%s", o->name);
    if (attached) {
        start_list(p, o, seen);
        return set_value(p, o, what, attached, err);
    }
    if (o->type == AS_OPT_FLAG)
        return set_value(p, o, what, "1", err);
    if (p->at >= p->argc)
        return as_fail(err, AS_EUSAGE, "%s needs a value: %s %s", what, what,
                       o->value ? o->value : "VALUE");
    const char *text = p->argv[p->at];
    if (text[0] == '-' && text[1] == '-' && text[2])
        return as_fail(
            err, AS_EUSAGE,
            "%s needs a value: %s %s (a value that starts with two dashes is written %s=%s)", what,
            what, o->value ? o->value : "VALUE", what, text);
    p->at++;
    start_list(p, o, seen);
    int rc = set_value(p, o, what, text, err);
    return rc == 0 && o->type == AS_OPT_LIST ? take_list_words(p, o, err) : rc;
}

static int take_operand(parser *p, const char *word, as_err *err)
{
    if (!p->cmd->operands)
        return as_fail(
            err, AS_EUSAGE,
            "\"%s\" is one word too many: assay %s takes options only (see assay %s --help)", word,
            p->cmd->name, p->cmd->name);
    return add_to_list(p->operands, word, word, err);
}

/* 0 go on, 1 help, < 0. */
static int take_word(parser *p, bool *seen, as_err *err)
{
    const char *word = p->argv[p->at++];
    if (p->only_operands || word[0] != '-' || !word[1])
        return take_operand(p, word, err);
    if (strcmp(word, "--") == 0) {
        p->only_operands = true;
        return 0;
    }
    if (strcmp(word, "--help") == 0 || (strcmp(word, "-h") == 0 && !find_short(p->cmd, 'h')))
        return 1;
    const as_opt *o = NULL;
    const char *attached = NULL;
    if (word[1] == '-') {
        size_t n = strcspn(word + 2, "=");
        o = find_long(p->cmd, word + 2, n);
        attached = word[2 + n] == '=' ? word + 2 + n + 1 : NULL;
    } else {
        o = find_short(p->cmd, word[1]);
        attached = word[2] ? word + 2 + (word[2] == '=') : NULL;
        if (o && o->type == AS_OPT_FLAG && attached)
            o = NULL; /* -abc: no bundles of flags; say so as unknown */
    }
    return o ? take_option(p, o, attached, seen, err) : unknown_option(p, word, err);
}

static int take_words(parser *p, as_err *err)
{
    size_t n = 0;
    while (p->cmd->options && p->cmd->options[n].name)
        n++;
    AS_CLEANUP(free) bool *seen = as_calloc(n + 1, sizeof *seen);
    if (!seen)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = 0;
    while (rc == 0 && p->at < p->argc)
        rc = take_word(p, seen, err);
    return rc;
}

int as_options_parse(const as_command *cmd, int argc, char **argv, void *opts, as_list *operands,
                     as_err *err)
{
    parser p = { .cmd = cmd, .argc = argc, .argv = argv, .opts = opts, .operands = operands };
    memset(opts, 0, cmd->opts_size);
    *operands = (as_list){ 0 };
    for (const as_opt *o = cmd->options; o && o->name; o++) {
        int rc = set_default(&p, o, err);
        if (rc < 0)
            return rc;
    }
    /* --help must work whatever the environment says, so arguments are looked at even after a bad
     * variable. */
    as_err from_env = { 0 };
    bool trusted = !as_is_secure_exec();
    for (const as_opt *o = cmd->options; trusted && o && o->name; o++)
        (void)set_from_env(&p, o, &from_env);
    int rc = take_words(&p, err);
    if (rc != 0)
        return rc;
    return from_env.code ? as_fail(err, from_env.code, "%s", from_env.text) : 0;
}

void as_options_free(const as_command *cmd, void *opts, as_list *operands)
{
    for (const as_opt *o = cmd->options; o && o->name; o++)
        if (o->type == AS_OPT_LIST)
            forget_list((as_list *)(void *)((char *)opts + o->offset));
    forget_list(operands);
}
