/* assay_main.c -- finds the command, fills its options, runs it, says what went wrong, exits with
 * the right status. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/common.h"
#include "cli/help.h"
#include "cli/model_service.h"

#include <stdio.h>

static int show(as_buf *text)
{
    as_err err = { 0 };
    int rc = as_buf_check(text, &err);
    if (rc == 0)
        rc = as_cli_out(as_buf_str(text), &err);
    if (rc < 0)
        as_cli_say("assay: %s", err.text);
    return as_exit_status(rc);
}

/* assay, assay --help, assay --version; -1: something else. */
static int without_command(int argc, char **argv)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 20);
    if (argc < 2) {
        as_help_overview(&text);
        as_cli_say("%s", text.data ? text.data : "");
        return as_exit_status(AS_EUSAGE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        as_help_overview(&text);
        return show(&text);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        as_version_text(&text);
        return show(&text);
    }
    return -1;
}

/* The first word of a two-word command alone: its commands, on stdout if they were asked for. */
static int group_alone(int argc, char **argv)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 20);
    as_help_group(&text, argv[1]);
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
        return show(&text);
    as_cli_say("%s", text.data ? text.data : "");
    return as_exit_status(AS_EUSAGE);
}

static int complain(const char *name, int code, const as_err *err)
{
    bool colour = as_cli_color(2) && code != AS_EGATE;
    const char *text = err->text[0] ? err->text : as_err_sentence(code);
    as_cli_say("%sassay%s%s:%s %s", colour ? "\033[31m" : "", name ? " " : "", name ? name : "",
               colour ? "\033[0m" : "", text);
    return as_exit_status(code);
}

static int run_command(const as_command *cmd, int argc, char **argv)
{
    as_err err = { 0 };
    as_list operands = { 0 };
    AS_CLEANUP(free) void *opts = as_calloc(1, cmd->opts_size + 1);
    if (!opts)
        return complain(cmd->name, AS_ENOMEM, &err);
    int rc = as_options_parse(cmd, argc, argv, opts, &operands, &err);
    int status = 0;
    if (rc == 1) {
        AS_CLEANUP(buf) as_buf text = { 0 };
        as_buf_init(&text, 1 << 20);
        as_help_command(&text, cmd);
        status = show(&text);
    } else {
        if (rc == 0)
            rc = cmd->run(cmd, opts, &operands, &err);
        as_cli_close_models();
        status = rc == 0 ? 0 : complain(cmd->name, rc, &err);
    }
    as_options_free(cmd, opts, &operands);
    return status;
}

int main(int argc, char **argv)
{
    as_cli_start();
    as_cli_set_line(argc, argv);
    as_cli_offer_models();
    int status = without_command(argc, argv);
    if (status >= 0)
        return status;
    char words[128];
    const as_command *cmd = as_command_find(argv[1]);
    int used = 2;
    (void)snprintf(words, sizeof words, "%s%s%s", argv[1], argc > 2 ? " " : "",
                   argc > 2 ? argv[2] : "");
    if (!cmd && argc > 2) {
        cmd = as_command_find(words);
        used = 3;
    }
    if (cmd)
        return run_command(cmd, argc - used, argv + used);
    if (as_help_is_group(argv[1]) && (argc == 2 || argv[2][0] == '-'))
        return group_alone(argc, argv);
    as_err err = { 0 };
    return complain(NULL, as_help_unknown(as_help_is_group(argv[1]) ? words : argv[1], &err), &err);
}
