/* man.c -- manual pages in the man macros, from the same tables as --help. The build writes them
 * all with assay help --man-all DIR SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/common.h"
#include "cli/help.h"

#include <assay/assay.h>
#include <stdio.h>

/* A dot or quote at the start of a line and any backslash would be roff's own; a plain dash would
 * become a hyphen. */
static void add_roff(as_buf *out, const char *text)
{
    bool at_start = true;
    for (const char *c = text; *c; c++) {
        if (at_start && (*c == '.' || *c == '\''))
            as_buf_text(out, "\\&");
        at_start = *c == '\n';
        if (*c == '\\')
            as_buf_text(out, "\\e");
        else if (*c == '-')
            as_buf_text(out, "\\-");
        else if (*c == '~')
            as_buf_text(out, "\\(ti");
        else if (*c == '^')
            as_buf_text(out, "\\(ha");
        else if (*c == '\'')
            as_buf_text(out, "\\(aq");
        else if (*c == '`')
            as_buf_text(out, "\\(ga");
        else
            as_buf_byte(out, *c);
        if ((*c == ',' || *c == '/' || *c == '|') && c[1] && c[1] != ' ' && c[1] != '\n')
            as_buf_text(out, "\\:"); /* long words may break here */
    }
}

static void add_font(as_buf *out, char font, const char *text)
{
    as_buf_addf(out, "\\f%c", font);
    add_roff(out, text);
    as_buf_text(out, "\\fR");
}

/* "plugin check" -> "assay-plugin-check" */
static void page_name(const as_command *cmd, char out[64])
{
    (void)snprintf(out, 64, "assay%s%s", cmd ? "-" : "", cmd ? cmd->name : "");
    for (char *c = out; *c; c++)
        if (*c == ' ')
            *c = '-';
}

static char capital(char c)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (c >= 'a' && c <= 'z')
        c = letters[c - 'a'];
    return c;
}

static void add_title(as_buf *out, const as_command *cmd, const char *summary)
{
    char name[64];
    page_name(cmd, name);
    as_buf_text(out, ".\\\" Made from the option table by assay help --man; edits are lost.\n.TH ");
    for (const char *c = name; *c; c++)
        as_buf_byte(out, capital(*c));
    as_buf_text(out,
                " 1 \"\" \"assay " ASSAY_VERSION "\" \"User Commands\"\n.ad l\n.nh\n.SH NAME\n");
    add_roff(out, name);
    as_buf_text(out, " \\- ");
    add_roff(out, summary);
    as_buf_byte(out, '\n');
}

static void add_option(as_buf *out, const as_command *cmd, const as_opt *o)
{
    char env[AS_ENV_NAME_MAX];
    char dashed[2][80] = { "", "" };
    (void)snprintf(dashed[0], sizeof dashed[0], "-%c", o->short_name);
    (void)snprintf(dashed[1], sizeof dashed[1], "--%s", o->name);
    as_buf_text(out, ".TP\n");
    if (o->short_name) {
        add_font(out, 'B', dashed[0]);
        as_buf_text(out, ", ");
    }
    add_font(out, 'B', dashed[1]);
    if (o->choices || o->value) {
        as_buf_byte(out, ' ');
        add_font(out, 'I', o->choices ? o->choices : o->value);
    }
    as_buf_byte(out, '\n');
    add_roff(out, o->help);
    if (o->initial) {
        as_buf_text(out, " (default: ");
        add_roff(out, o->initial);
        as_buf_byte(out, ')');
    }
    as_option_env(cmd, o, env);
    as_buf_addf(out, ".\nVariable: %s.\n", env);
}

static void add_example(as_buf *out, const char *text)
{
    as_buf_text(out, ".SH EXAMPLE\n.nf\n");
    add_roff(out, text);
    as_buf_text(out, "\n.fi\n");
}

static void add_exit_status(as_buf *out)
{
    as_buf_text(out, ".SH EXIT STATUS\n");
    int status = 0;
    AS_CLEANUP(buf) as_buf line = { 0 };
    as_buf_init(&line, 4096);
    for (size_t i = 0; as_help_exit_status(i, &status, &line); i++) {
        as_buf_addf(out, ".TP\n.B %d\n", status);
        add_roff(out, line.data);
        as_buf_byte(out, '\n');
        as_buf_clear(&line);
    }
}

static void add_paragraphs(as_buf *out, const char *text)
{
    for (const char *c = text; *c;) {
        size_t n = strcspn(c, "\n");
        AS_CLEANUP(buf) as_buf paragraph = { 0 };
        as_buf_init(&paragraph, 1 << 16);
        as_buf_add(&paragraph, (as_str){ c, n });
        add_roff(out, paragraph.data ? paragraph.data : "");
        c += n + strspn(c + n, "\n");
        as_buf_text(out, *c ? "\n.PP\n" : "\n");
    }
}

static void add_command_page(as_buf *out, const as_command *cmd)
{
    add_title(out, cmd, cmd->summary);
    char words[80];
    (void)snprintf(words, sizeof words, "assay %s", cmd->name);
    as_buf_text(out, ".SH SYNOPSIS\n");
    add_font(out, 'B', words);
    if (cmd->options && cmd->options->name)
        as_buf_text(out, " [\\fIoptions\\fR]");
    if (cmd->operands) {
        as_buf_byte(out, ' ');
        add_font(out, 'I', cmd->operands);
    }
    as_buf_byte(out, '\n');
    if (cmd->details)
        as_buf_text(out, ".SH DESCRIPTION\n");
    if (cmd->details)
        add_paragraphs(out, cmd->details);
    for (const char *const *more = cmd->more; more && *more; more++) {
        as_buf_text(out, ".PP\n");
        add_paragraphs(out, *more);
    }
    if (cmd->options && cmd->options->name)
        as_buf_text(out, ".SH OPTIONS\n");
    for (const as_opt *o = cmd->options; o && o->name; o++)
        add_option(out, cmd, o);
    if (cmd->example)
        add_example(out, cmd->example);
    add_exit_status(out);
    as_buf_text(out, ".SH SEE ALSO\n.BR assay (1)\n");
}

static void add_main_page(as_buf *out)
{
    add_title(out, NULL,
              "scores model answers with verifier plugins, votes over them and measures pass@k");
    as_buf_text(out, ".SH SYNOPSIS\n.B assay\n.I COMMAND\n[\\fIoptions\\fR]\n.SH DESCRIPTION\n"
                     "A host process loads reward verifiers (shared objects) and scores model "
                     "answers with them. "
                     "Results go to stdout, everything else to stderr; \\(lq\\-\\(rq is stdin or "
                     "stdout.\n.SH COMMANDS\n");
    for (size_t i = 0; as_commands[i]; i++) {
        char page[64];
        page_name(as_commands[i], page);
        as_buf_text(out, ".TP\n.BR ");
        add_roff(out, page);
        as_buf_text(out, " (1)\n");
        add_roff(out, as_commands[i]->summary);
        as_buf_byte(out, '\n');
    }
    as_buf_text(
        out,
        ".SH ENVIRONMENT\nEvery option can be set by the variable its page names. Besides:\n"
        ".TP\n.B ASSAY_PLUGIN_PATH\nfolders searched for plugins, separated by colons\n"
        ".TP\n.B ASSAY_LANGUAGES\nfolders of languages for the sandbox (NAME.json), separated by "
        "colons\n"
        ".TP\n.B ASSAY_CUDA_LIBRARY\nthe libassay_cuda.so of the device cuda, where it lies "
        "neither "
        "beside the program nor where it is installed\n"
        ".TP\n.B ASSAY_LOG\nleast level of messages on stderr: debug, info (default), warn, error\n"
        ".TP\n.B NO_COLOR, CLICOLOR_FORCE\ncolour never, or even where stderr is not a terminal\n");
    add_example(out,
                "assay verify --plugin math --reference '\\frac12' --completion '\\boxed{0.5}'");
    add_exit_status(out);
}

void as_man_page(as_buf *out, const as_command *cmd)
{
    if (cmd)
        add_command_page(out, cmd);
    else
        add_main_page(out);
}

static int write_page(const char *folder, const as_command *cmd, as_err *err)
{
    char name[64];
    char file[80];
    page_name(cmd, name);
    (void)snprintf(file, sizeof file, "%s.1", name);
    AS_CLEANUP(free) char *path = as_path_join(folder, file);
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 20);
    as_man_page(&text, cmd);
    int rc = path ? as_buf_check(&text, err) : as_fail(err, AS_ENOMEM, "out of memory");
    return rc == 0 ? as_file_write_atomic(path, as_buf_str(&text), err) : rc;
}

int as_man_write_all(const char *folder, as_err *err)
{
    int rc = as_path_make_dirs(folder, err);
    if (rc == 0)
        rc = write_page(folder, NULL, err);
    for (size_t i = 0; rc == 0 && as_commands[i]; i++)
        rc = write_page(folder, as_commands[i], err);
    return rc;
}
