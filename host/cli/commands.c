/* commands.c -- the table of commands, in the order they are shown.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"
#include "cli/help.h"

extern const as_command as_cmd_verify, as_cmd_vote, as_cmd_passk, as_cmd_doctor;
extern const as_command as_cmd_plugin_list, as_cmd_plugin_info, as_cmd_plugin_check,
    as_cmd_plugin_new;

const as_command *const as_commands[] = {
#if __has_include("cli/verify.c")
    &as_cmd_verify,
#endif
#if __has_include("cli/vote.c")
    &as_cmd_vote,
#endif
#if __has_include("cli/passk.c")
    &as_cmd_passk,
#endif
#if __has_include("cli/plugin.c")
    &as_cmd_plugin_list, &as_cmd_plugin_info, &as_cmd_plugin_check, &as_cmd_plugin_new,
#endif
#if __has_include("cli/doctor.c")
    &as_cmd_doctor,
#endif
    &as_cmd_completion,  &as_cmd_help,        &as_cmd_version,      NULL,
};

const as_command *as_command_find(const char *name)
{
    for (size_t i = 0; as_commands[i]; i++)
        if (strcmp(as_commands[i]->name, name) == 0)
            return as_commands[i];
    return NULL;
}
