/* options.h -- one table per command: --help, completion, man pages, environment variables and parsing come from it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_OPTIONS_H
#define AS_CLI_OPTIONS_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum as_opt_type { AS_OPT_FLAG, AS_OPT_TEXT, AS_OPT_UINT, AS_OPT_NUMBER, AS_OPT_PERCENT, AS_OPT_CHOICE, AS_OPT_LIST } as_opt_type;
typedef struct as_opt {
    const char *name;    /* without "--" */
    const char *value;   /* placeholder in the help: "FILE"; NULL for flags */
    const char *initial; /* default as text, NULL: unset */
    const char *choices; /* "inproc|worker|jail", NULL */
    const char *help;    /* one line */
    size_t offset;       /* where the value goes in the command's own struct:
                          * FLAG bool, TEXT/CHOICE const char *, UINT uint64_t, NUMBER/PERCENT double (percent: a share 0..1; unset: NaN),
                          * LIST as_list (repeatable, or several operands after it) */
    as_opt_type type;
    char short_name;     /* 'i' for -i, 0: none */
} as_opt;
typedef struct as_list {
    const char **at;
    size_t n;
} as_list;

typedef struct as_command {
    const char *name;      /* "verify", "plugin check" */
    const char *summary;   /* one line, no full stop */
    const char *operands;  /* "[FILE...]", NULL: none taken */
    const as_opt *options; /* ends with name NULL */
    const char *example;   /* one worked example, may have several lines */
    const char *details;   /* paragraphs for --help and the man page, NULL */
    const char *const *more; /* more of them, of commands that have much to say; ends with NULL; NULL: none */
    int (*run)(const struct as_command *self, void *opts, const as_list *operands, as_err *err);
    size_t opts_size;      /* of the command's own struct */
} as_command;
extern const as_command *const as_commands[]; /* NULL-terminated, in the order shown */

/* Fills opts from defaults, then environment (ASSAY_COMMAND_OPTION, upper case, '-' and ' ' as '_'), then argv (what
 * follows the command's name). 0; 1: --help was asked for; AS_EUSAGE with "did you mean".
 * Values point into argv/environ/table; lists are released by as_options_free. A LIST takes the words after it too,
 * up to the next option, where the command takes no operands; from the environment it gets one value. */
int as_options_parse(const as_command *cmd, int argc, char **argv, void *opts, as_list *operands, as_err *err);
void as_options_free(const as_command *cmd, void *opts, as_list *operands);

/* "5%" or "0.05": a share from 0 to 1. AS_EUSAGE, of `what`. */
int as_option_share(double *out, const char *what, const char *text, as_err *err);

enum { AS_ENV_NAME_MAX = 96 };
void as_option_env(const as_command *cmd, const as_opt *opt, char out[AS_ENV_NAME_MAX]); /* ASSAY_VERIFY_THREADS */
#endif
