/* help.c -- what --help shows, all of it from the tables; and the command `help`.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include "base/mem.h"
#include "cli/common.h"

#include <assay/assay.h>
#include <stdio.h>

/* ---- exit codes ---- */

typedef struct error_row {
    int status;
    const char *sentence;
} error_row;

static const error_row error_rows[] = {
#define AS_X(name, value, exit_status, sentence) { exit_status, sentence },
    AS_ERROR_TABLE(AS_X)
#undef AS_X
};
enum { N_ERROR_ROWS = sizeof error_rows / sizeof *error_rows };

static bool is_first_of_status(size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (error_rows[i].status == error_rows[row].status)
            return false;
    return true;
}

bool as_help_exit_status(size_t i, int *status, as_buf *text)
{
    size_t row = 0;
    for (size_t seen = 0; row < N_ERROR_ROWS; row++)
        if (is_first_of_status(row) && seen++ == i)
            break;
    if (row == N_ERROR_ROWS)
        return false;
    *status = error_rows[row].status;
    as_buf_text(text, error_rows[row].sentence);
    for (size_t k = row + 1; k < N_ERROR_ROWS; k++) {
        const char *also = error_rows[k].sentence;
        if (error_rows[k].status == *status)
            as_buf_addf(text, "; or %.*s", (int)strcspn(also, ";"), also);
    }
    return true;
}

static void add_exit_codes(as_buf *out)
{
    as_buf_text(out, "\nexit codes:\n");
    int status = 0;
    AS_CLEANUP(buf) as_buf line = { 0 };
    as_buf_init(&line, 4096);
    for (size_t i = 0; as_help_exit_status(i, &status, &line); i++) {
        as_buf_addf(out, "  %3d  %s\n", status, line.data);
        as_buf_clear(&line);
    }
}

/* ---- one command ---- */

enum { WIDTH = 92, INDENT = 28 };

/* Words of `text`, which begins in column `indent`, folded at WIDTH. */
static void add_folded(as_buf *out, const char *text, size_t indent)
{
    size_t at = indent;
    for (const char *c = text + strspn(text, " "); *c; c += strspn(c, " ")) {
        size_t n = strcspn(c, " ");
        if (at > indent && at + 1 + n > WIDTH) {
            as_buf_addf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            as_buf_byte(out, ' ');
            at++;
        }
        as_buf_add(out, (as_str){ c, n });
        at += n;
        c += n;
    }
    as_buf_byte(out, '\n');
}

static void add_option(as_buf *out, const as_command *cmd, const as_opt *o)
{
    char left[120];
    char env[AS_ENV_NAME_MAX];
    char dash[8] = "    ";
    if (o->short_name)
        (void)snprintf(dash, sizeof dash, "-%c, ", o->short_name);
    const char *value = o->choices ? o->choices : o->value;
    int n = snprintf(left, sizeof left, "  %s--%s%s%s", dash, o->name, value ? " " : "",
                     value ? value : "");
    as_buf_text(out, left);
    if (n + 2 > INDENT)
        as_buf_addf(out, "\n%*s", INDENT, "");
    else
        as_buf_addf(out, "%*s", INDENT - n, "");
    AS_CLEANUP(buf) as_buf right = { 0 };
    as_buf_init(&right, 4096);
    as_option_env(cmd, o, env);
    as_buf_text(&right, o->help);
    if (o->initial)
        as_buf_addf(&right, " (default: %s)", o->initial);
    as_buf_addf(&right, " [%s]", env);
    add_folded(out, right.data, INDENT);
}

static void add_indented(as_buf *out, const char *text)
{
    for (const char *c = text; *c;) {
        size_t n = strcspn(c, "\n");
        as_buf_text(out, "  ");
        as_buf_add(out, (as_str){ c, n });
        as_buf_byte(out, '\n');
        c += n + (c[n] == '\n');
    }
}

static void add_details(as_buf *out, const char *text)
{
    for (const char *c = text; *c;) {
        size_t n = strcspn(c, "\n");
        AS_CLEANUP(buf) as_buf paragraph = { 0 };
        as_buf_init(&paragraph, 1 << 16);
        as_buf_add(&paragraph, (as_str){ c, n });
        as_buf_byte(out, '\n');
        add_folded(out, paragraph.data, 0);
        c += n + strspn(c + n, "\n");
    }
}

void as_help_command(as_buf *out, const as_command *cmd)
{
    as_buf_addf(out, "assay %s: %s\n\nusage: assay %s%s%s%s\n", cmd->name, cmd->summary, cmd->name,
                cmd->options && cmd->options->name ? " [options]" : "", cmd->operands ? " " : "",
                cmd->operands ? cmd->operands : "");
    if (cmd->options && cmd->options->name)
        as_buf_text(out, "\noptions (the variable in [] sets one for every run):\n");
    for (const as_opt *o = cmd->options; o && o->name; o++)
        add_option(out, cmd, o);
    if (cmd->details)
        add_details(out, cmd->details);
    for (const char *const *more = cmd->more; more && *more; more++)
        add_details(out, *more);
    if (cmd->example) {
        as_buf_text(out, "\nexample:\n");
        add_indented(out, cmd->example);
    }
    add_exit_codes(out);
}

/* ---- all commands ---- */

void as_help_overview(as_buf *out)
{
    as_buf_text(
        out, "assay " ASSAY_VERSION
             ": scores model answers with verifier plugins, votes over them and measures pass@k\n\n"
             "usage: assay COMMAND [options]\n\ncommands:\n");
    for (size_t i = 0; as_commands[i]; i++)
        as_buf_addf(out, "  %-14s %s\n", as_commands[i]->name, as_commands[i]->summary);
    as_buf_text(
        out, "\nResults go to stdout, everything else to stderr; \"-\" is stdin or stdout.\n"
             "assay COMMAND --help explains one command; assay doctor shows what works on this "
             "machine.\n\n"
             "example:\n"
             "  assay verify --plugin math --reference '\\frac12' --completion '\\boxed{0.5}'\n");
    add_exit_codes(out);
}

bool as_help_is_group(const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; as_commands[i]; i++)
        if (strncmp(as_commands[i]->name, word, n) == 0 && as_commands[i]->name[n] == ' ')
            return true;
    return false;
}

void as_help_group(as_buf *out, const char *word)
{
    size_t n = strlen(word);
    as_buf_addf(out, "usage: assay %s COMMAND [options]\n\ncommands:\n", word);
    for (size_t i = 0; as_commands[i]; i++)
        if (strncmp(as_commands[i]->name, word, n) == 0 && as_commands[i]->name[n] == ' ')
            as_buf_addf(out, "  %-14s %s\n", as_commands[i]->name, as_commands[i]->summary);
}

int as_help_unknown(const char *words, as_err *err)
{
    const char *best = NULL;
    unsigned least = 4;
    for (size_t i = 0; as_commands[i]; i++) {
        unsigned d = as_str_distance(as_commands[i]->name, words, 3);
        if (d < least && d < strlen(words)) {
            least = d;
            best = as_commands[i]->name;
        }
    }
    if (best)
        return as_fail(err, AS_EUSAGE, "unknown command \"%.60s\"; did you mean \"%s\"?", words,
                       best);
    return as_fail(err, AS_EUSAGE, "unknown command \"%.60s\"; assay --help lists the commands",
                   words);
}

/* ---- the command ---- */

typedef struct help_opts {
    bool man;
    const char *man_all;
} help_opts;

static const as_opt options[] = {
    { .name = "man",
      .type = AS_OPT_FLAG,
      .offset = offsetof(help_opts, man),
      .help = "write the manual page (roff) instead" },
    { .name = "man-all",
      .type = AS_OPT_TEXT,
      .value = "DIR",
      .offset = offsetof(help_opts, man_all),
      .help = "write every manual page into this folder" },
    { .name = NULL },
};

static int join_words(const as_list *words, as_buf *out, as_err *err)
{
    for (size_t i = 0; i < words->n; i++)
        as_buf_addf(out, "%s%s", i > 0 ? " " : "", words->at[i]);
    return as_buf_check(out, err);
}

static int write_help(as_buf *text, const char *name, bool man, as_err *err)
{
    const as_command *cmd = as_command_find(name);
    if (!cmd && *name && !as_help_is_group(name))
        return as_help_unknown(name, err);
    if (man)
        as_man_page(text, cmd);
    else if (cmd)
        as_help_command(text, cmd);
    else if (*name)
        as_help_group(text, name);
    else
        as_help_overview(text);
    return as_buf_check(text, err);
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    const help_opts *o = opts;
    if (o->man_all)
        return as_man_write_all(o->man_all, err);
    AS_CLEANUP(buf) as_buf name = { 0 };
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&name, 4096);
    as_buf_init(&text, 1 << 20);
    int rc = join_words(operands, &name, err);
    if (rc == 0)
        rc = write_help(&text, name.data ? name.data : "", o->man, err);
    return rc == 0 ? as_cli_out(as_buf_str(&text), err) : rc;
}

const as_command as_cmd_help = {
    .name = "help",
    .summary = "explains a command, or writes the manual pages",
    .operands = "[COMMAND]",
    .options = options,
    .example = "assay help plugin check\nassay help --man verify | man -l -",
    .run = run,
    .opts_size = sizeof(help_opts),
};
