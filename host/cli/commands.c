/* commands.c -- the table of commands, in the order they are shown.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"
#include "cli/help.h"

extern const as_command as_cmd_verify, as_cmd_vote, as_cmd_passk, as_cmd_audit, as_cmd_doctor,
    as_cmd_generate, as_cmd_eval, as_cmd_rescore, as_cmd_ppl, as_cmd_train, as_cmd_ttrl,
    as_cmd_report;
extern const as_command as_cmd_model_info, as_cmd_model_export, as_cmd_model_import,
    as_cmd_model_merge;
extern const as_command as_cmd_plugin_list, as_cmd_plugin_info, as_cmd_plugin_check,
    as_cmd_plugin_new;
extern const as_command as_cmd_sandbox_run, as_cmd_sandbox_check, as_cmd_sandbox_bench;

/* One in a line: */
/* clang-format off */
const as_command *const as_commands[] = {
    &as_cmd_verify,
    &as_cmd_vote,
    &as_cmd_passk,
    &as_cmd_generate,
    &as_cmd_eval,
    &as_cmd_rescore,
    &as_cmd_ppl,
    &as_cmd_train,
    &as_cmd_ttrl,
    &as_cmd_report,
    &as_cmd_model_info,
    &as_cmd_model_export,
    &as_cmd_model_import,
    &as_cmd_model_merge,
    &as_cmd_audit,
    &as_cmd_plugin_list,
    &as_cmd_plugin_info,
    &as_cmd_plugin_check,
    &as_cmd_plugin_new,
    &as_cmd_sandbox_run,
    &as_cmd_sandbox_check,
    &as_cmd_sandbox_bench,
    &as_cmd_doctor,
    &as_cmd_completion,
    &as_cmd_help,
    &as_cmd_version,
    NULL,
};
/* clang-format on */

const as_command *as_command_find(const char *name)
{
    for (size_t i = 0; as_commands[i]; i++)
        if (strcmp(as_commands[i]->name, name) == 0)
            return as_commands[i];
    return NULL;
}
