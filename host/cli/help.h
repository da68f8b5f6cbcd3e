/* help.h -- texts made from the option tables: --help, man pages, shell completion.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_HELP_H
#define AS_CLI_HELP_H
#include "base/buf.h"
#include "cli/options.h"

void as_help_overview(as_buf *out);                       /* assay --help */
void as_help_group(as_buf *out, const char *word);        /* "plugin": its commands */
void as_help_command(as_buf *out, const as_command *cmd); /* assay CMD --help */
bool as_help_is_group(const char *word);                  /* the first word of two-word commands */
/* AS_EUSAGE: unknown command "veriffy"; did you mean "verify"? */
int as_help_unknown(const char *words, as_err *err);

/* One line of exit codes; every status once. False at the end. */
bool as_help_exit_status(size_t i, int *status, as_buf *text);

/* "assay 0.1.0 (plugin ABI 1.0)" and a newline. */
void as_version_text(as_buf *out);
bool as_version_library(size_t i, const char **name, char version[32]); /* false at the end */

void as_man_page(as_buf *out, const as_command *cmd); /* NULL: assay(1) itself */
int as_man_write_all(const char *folder, as_err *err);

extern const as_command as_cmd_help, as_cmd_version, as_cmd_completion;
#endif
