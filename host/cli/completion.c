/* completion.c -- shell completion scripts, written from the option tables: static, so that a TAB
 * starts no process. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/common.h"
#include "cli/help.h"

#include <stdio.h>

typedef enum what { WHAT_NOTHING, WHAT_FILES, WHAT_FOLDERS, WHAT_CHOICES } what;

static what completes(const as_opt *o)
{
    if (o->choices)
        return WHAT_CHOICES;
    if (!o->value)
        return WHAT_NOTHING;
    if (strstr(o->value, "FILE"))
        return WHAT_FILES;
    return strstr(o->value, "DIR") || strstr(o->value, "RUN") ? WHAT_FOLDERS : WHAT_NOTHING;
}

static void add_choices(as_buf *out, const char *choices, char between)
{
    for (const char *c = choices; *c; c++) {
        if (*c == '|')
            as_buf_byte(out, between);
        else
            as_buf_byte(out, *c);
    }
}

/* The second words of "plugin list", "plugin info", ... or the whole first words, each once. */
static void add_words(as_buf *out, const char *group)
{
    size_t n = group ? strlen(group) : 0;
    const char *last = "";
    for (size_t i = 0; as_commands[i]; i++) {
        const char *name = as_commands[i]->name;
        size_t first = strcspn(name, " ");
        if (group) {
            if (first == n && strncmp(name, group, n) == 0 && name[n] == ' ')
                as_buf_addf(out, " %s", name + n + 1);
        } else if (strncmp(last, name, first) != 0 || last[first] != ' ') {
            as_buf_addf(out, " %.*s", (int)first, name);
            last = name;
        }
    }
}

/* ---- bash ---- */

static void add_bash_options(as_buf *out, const as_command *cmd)
{
    as_buf_addf(out, "    '%s') case \"$prev\" in\n", cmd->name);
    for (const as_opt *o = cmd->options; o && o->name; o++) {
        if (o->type == AS_OPT_FLAG)
            continue;
        as_buf_addf(out, "        --%s", o->name);
        if (o->short_name)
            as_buf_addf(out, "|-%c", o->short_name);
        as_buf_text(out, ") ");
        what w = completes(o);
        if (w == WHAT_CHOICES) {
            as_buf_text(out, "COMPREPLY=($(compgen -W '");
            add_choices(out, o->choices, ' ');
            as_buf_text(out, "' -- \"$cur\"))");
        } else if (w != WHAT_NOTHING) {
            as_buf_addf(out, "compopt -o filenames; COMPREPLY=($(compgen -%c -- \"$cur\"))",
                        w == WHAT_FOLDERS ? 'd' : 'f');
        } else {
            as_buf_byte(out, ':');
        }
        as_buf_text(out, "; return;;\n");
    }
    as_buf_text(out, "        esac\n        words='--help");
    for (const as_opt *o = cmd->options; o && o->name; o++)
        as_buf_addf(out, " --%s", o->name);
    as_buf_text(out, "';;\n");
}

static void add_bash(as_buf *out)
{
    as_buf_text(out, "# bash completion for assay: source <(assay completion bash)\n"
                     "_assay()\n{\n"
                     "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" "
                     "prev=\"${COMP_WORDS[COMP_CWORD-1]}\" words=''\n"
                     "    local cmd=\"${COMP_WORDS[1]}\"\n"
                     "    COMPREPLY=()\n"
                     "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W "
                     "'--help --version");
    add_words(out, NULL);
    as_buf_text(out, "' -- \"$cur\")); return\n    fi\n    case \"$cmd\" in\n");
    const char *last = "";
    for (size_t i = 0; as_commands[i]; i++) {
        const char *name = as_commands[i]->name;
        size_t first = strcspn(name, " ");
        if (name[first] != ' ' || strncmp(last, name, first + 1) == 0)
            continue;
        char group[64];
        (void)snprintf(group, sizeof group, "%.*s", (int)first, name);
        last = name;
        as_buf_addf(out,
                    "    %s) if [ \"$COMP_CWORD\" -eq 2 ]; then COMPREPLY=($(compgen -W '--help",
                    group);
        add_words(out, group);
        as_buf_text(out, "' -- \"$cur\")); return; fi; cmd=\"$cmd ${COMP_WORDS[2]}\";;\n");
    }
    as_buf_text(out, "    esac\n    case \"$cmd\" in\n");
    for (size_t i = 0; as_commands[i]; i++)
        add_bash_options(out, as_commands[i]);
    as_buf_text(
        out, "    esac\n    local others=''\n"
             "    case \"$cmd\" in\n    completion) others='bash zsh fish';;\n    help) others='");
    add_words(out, NULL);
    as_buf_text(out, "';;\n    esac\n"
                     "    case \"$cur\" in\n"
                     "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"));;\n"
                     "    *) if [ -n \"$others\" ]; then\n"
                     "           COMPREPLY=($(compgen -W \"$others\" -- \"$cur\"))\n"
                     "       else\n"
                     "           compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                     "       fi;;\n"
                     "    esac\n}\ncomplete -F _assay assay\n");
}

/* ---- zsh ---- */

/* Text inside '...[...]': quotes, brackets and colons are zsh's own. */
static void add_zsh_text(as_buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            as_buf_text(out, "'\\''");
        else if (*c == '[' || *c == ']' || *c == ':' || *c == '\\')
            as_buf_addf(out, "\\%c", *c);
        else
            as_buf_byte(out, *c);
    }
}

static void add_zsh_option(as_buf *out, const as_opt *o)
{
    as_buf_addf(out, " \\\n        '*--%s%s[", o->name, o->type == AS_OPT_FLAG ? "" : "=");
    add_zsh_text(out, o->help);
    as_buf_byte(out, ']');
    if (o->type != AS_OPT_FLAG) {
        as_buf_byte(out, ':');
        add_zsh_text(out, o->value ? o->value : "value");
        as_buf_byte(out, ':');
        what w = completes(o);
        if (w == WHAT_CHOICES) {
            as_buf_byte(out, '(');
            add_choices(out, o->choices, ' ');
            as_buf_byte(out, ')');
        } else if (w != WHAT_NOTHING) {
            as_buf_text(out, w == WHAT_FOLDERS ? "_files -/" : "_files");
        }
    }
    as_buf_byte(out, '\'');
}

static void add_zsh(as_buf *out)
{
    as_buf_text(
        out,
        "#compdef assay\n# zsh completion for assay: put it into a folder of $fpath as _assay\n"
        "_assay()\n{\n    if (( CURRENT == 2 )); then\n        compadd -- --help --version");
    add_words(out, NULL);
    as_buf_text(out, "\n        return\n    fi\n    local cmd=$words[2]\n");
    for (size_t i = 0; as_commands[i]; i++) {
        const char *name = as_commands[i]->name;
        size_t first = strcspn(name, " ");
        if (name[first] != ' ' ||
            (i > 0 && strncmp(as_commands[i - 1]->name, name, first + 1) == 0))
            continue;
        char group[64];
        (void)snprintf(group, sizeof group, "%.*s", (int)first, name);
        as_buf_addf(out,
                    "    if [[ $cmd == %s ]]; then\n        if (( CURRENT == 3 )); then compadd --",
                    group);
        add_words(out, group);
        as_buf_text(out, "; return; fi\n        cmd=\"$cmd $words[3]\"\n    fi\n");
    }
    as_buf_text(out, "    case $cmd in\n");
    for (size_t i = 0; as_commands[i]; i++) {
        as_buf_addf(out, "    '%s') _arguments '--help[explains the command]'",
                    as_commands[i]->name);
        for (const as_opt *o = as_commands[i]->options; o && o->name; o++)
            add_zsh_option(out, o);
        if (strcmp(as_commands[i]->name, "completion") == 0)
            as_buf_text(out, " '*:shell:(bash zsh fish)'");
        else if (as_commands[i]->operands)
            as_buf_text(out, " '*:file:_files'");
        as_buf_text(out, ";;\n");
    }
    as_buf_text(out, "    esac\n}\nif [ \"$funcstack[1]\" = _assay ]; then _assay \"$@\"; else "
                     "compdef _assay assay; fi\n");
}

/* ---- fish ---- */

static void add_fish_text(as_buf *out, const char *text)
{
    as_buf_byte(out, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '\'' || *c == '\\')
            as_buf_byte(out, '\\');
        as_buf_byte(out, *c);
    }
    as_buf_byte(out, '\'');
}

static void add_fish_command(as_buf *out, const as_command *cmd)
{
    size_t first = strcspn(cmd->name, " ");
    const char *second = cmd->name[first] ? cmd->name + first + 1 : NULL;
    as_buf_text(out, "complete -c assay -f -n ");
    if (second)
        as_buf_addf(out, "'__fish_seen_subcommand_from %.*s' -a %s -d ", (int)first, cmd->name,
                    second);
    else
        as_buf_addf(out, "__fish_use_subcommand -a %s -d ", cmd->name);
    add_fish_text(out, cmd->summary);
    as_buf_byte(out, '\n');
    for (const as_opt *o = cmd->options; o && o->name; o++) {
        as_buf_addf(out, "complete -c assay -n '__fish_seen_subcommand_from %s' -l %s",
                    second ? second : cmd->name, o->name);
        if (o->short_name)
            as_buf_addf(out, " -s %c", o->short_name);
        what w = completes(o);
        if (o->type != AS_OPT_FLAG)
            as_buf_text(out, w == WHAT_FILES || w == WHAT_FOLDERS ? " -r" : " -x");
        if (w == WHAT_CHOICES) {
            as_buf_text(out, " -a '");
            add_choices(out, o->choices, ' ');
            as_buf_byte(out, '\'');
        } else if (w == WHAT_FOLDERS) {
            as_buf_text(out, " -a '(__fish_complete_directories)'");
        }
        as_buf_text(out, " -d ");
        add_fish_text(out, o->help);
        as_buf_byte(out, '\n');
    }
}

static void add_fish(as_buf *out)
{
    as_buf_text(out, "# fish completion for assay: assay completion fish > "
                     "~/.config/fish/completions/assay.fish\n");
    const char *last = "";
    for (size_t i = 0; as_commands[i]; i++) {
        const char *name = as_commands[i]->name;
        size_t first = strcspn(name, " ");
        if (name[first] == ' ' && strncmp(last, name, first + 1) != 0)
            as_buf_addf(out, "complete -c assay -f -n __fish_use_subcommand -a %.*s\n", (int)first,
                        name);
        last = name;
        add_fish_command(out, as_commands[i]);
    }
    as_buf_text(
        out,
        "complete -c assay -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n");
}

/* ---- the command ---- */

static const as_opt options[] = { { .name = NULL } };

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)opts;
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE, "name one shell: assay completion bash, zsh or fish");
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 20);
    if (strcmp(operands->at[0], "bash") == 0)
        add_bash(&text);
    else if (strcmp(operands->at[0], "zsh") == 0)
        add_zsh(&text);
    else if (strcmp(operands->at[0], "fish") == 0)
        add_fish(&text);
    else
        return as_fail(err, AS_EUSAGE, "no completion for \"%s\" (there is bash, zsh and fish)",
                       operands->at[0]);
    int rc = as_buf_check(&text, err);
    return rc == 0 ? as_cli_out(as_buf_str(&text), err) : rc;
}

const as_command as_cmd_completion = {
    .name = "completion",
    .summary = "writes a completion script for a shell",
    .operands = "bash|zsh|fish",
    .options = options,
    .example = "source <(assay completion bash)",
    .run = run,
    .opts_size = 1,
};
