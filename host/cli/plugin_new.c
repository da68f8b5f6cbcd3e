/* plugin_new.c -- `assay plugin new`: a folder with a verifier that works, its known answers and
 * two ways to build it. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/common.h"
#include "cli/template.h"

#include <assay/assay.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MAX_NAME = 40 };

typedef struct new_opts {
    const char *dir, *lang;
} new_opts;

static const as_opt options[] = {
    { .name = "dir",
      .type = AS_OPT_TEXT,
      .value = "DIR",
      .initial = ".",
      .offset = offsetof(new_opts, dir),
      .help = "where the folder NAME is made" },
    { .name = "lang",
      .type = AS_OPT_CHOICE,
      .value = "LANG",
      .initial = "c",
      .choices = "c|c++",
      .offset = offsetof(new_opts, lang),
      .help = "language of the verifier" },
    { .name = NULL },
};

typedef struct word {
    const char *token, *c, *cxx;
} word;

static const word words[] = {
    { "@EXT@", "c", "cpp" },
    { "@LANGUAGE@", "C", "CXX" },
    { "@STANDARD@", "CMAKE_C_STANDARD 11", "CMAKE_CXX_STANDARD 17" },
    { "@CC@", "CC", "CXX" },
    { "@FLAGS@", "CFLAGS", "CXXFLAGS" },
    { "@STD@", "c11", "c++17" },
};

static int check_name(const char *name, as_err *err)
{
    size_t n = strlen(name);
    bool good = n > 0 && n <= MAX_NAME && name[0] >= 'a' && name[0] <= 'z';
    for (size_t i = 0; good && i < n; i++)
        good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
               name[i] == '_';
    return good ? 0
                : as_fail(err, AS_EUSAGE,
                          "\"%.60s\" cannot be a plugin's name: 1 to %d of a-z, 0-9 and _, a "
                          "letter first "
                          "(the folder it goes into is given by --dir)",
                          name, MAX_NAME);
}

static const char *replacement(as_str at, const char *name, bool cxx, size_t *token_len)
{
    if (as_str_starts(at, "@NAME@")) {
        *token_len = 6;
        return name;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (as_str_starts(at, words[i].token)) {
            *token_len = strlen(words[i].token);
            return cxx ? words[i].cxx : words[i].c;
        }
    }
    return NULL;
}

static void fill_in(as_buf *out, const as_template *t, const char *name, bool cxx)
{
    const char *text = (const char *)t->text;
    for (size_t i = 0; i < t->len;) {
        size_t token_len = 0;
        const char *value =
            text[i] == '@' ? replacement((as_str){ text + i, t->len - i }, name, cxx, &token_len)
                           : NULL;
        if (value)
            as_buf_text(out, value);
        else
            as_buf_byte(out, text[i]);
        i += value ? token_len : 1;
    }
}

/* The name a template's file gets; false: not for this language. */
static bool file_name(char *out, size_t size, const as_template *t, const char *name, bool cxx)
{
    bool is_source = strncmp(t->name, "verifier.", 9) == 0;
    if (is_source && (strcmp(t->name, "verifier.cpp") == 0) != cxx)
        return false;
    if (is_source)
        (void)snprintf(out, size, "%s%s", name, strchr(t->name, '.'));
    else if (strcmp(t->name, "check.jsonl") == 0)
        (void)snprintf(out, size, "%s.%s", name, t->name);
    else
        (void)snprintf(out, size, "%s", t->name);
    return true;
}

static int write_files(const char *folder, const char *name, bool cxx, as_err *err)
{
    int rc = 0;
    for (const as_template *t = as_templates; rc == 0 && t->name; t++) {
        AS_CLEANUP(buf) as_buf text = { 0 };
        char file[MAX_NAME + 40];
        as_buf_init(&text, 1 << 20);
        if (!file_name(file, sizeof file, t, name, cxx))
            continue;
        fill_in(&text, t, name, cxx);
        AS_CLEANUP(free) char *path = as_path_join(folder, file);
        rc = path ? as_buf_check(&text, err) : as_fail(err, AS_ENOMEM, "out of memory");
        if (rc == 0)
            rc = as_file_write_atomic(path, as_buf_str(&text), err);
    }
    return rc;
}

static int tell(const char *folder, const char *name, bool cxx, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 16);
    as_buf_addf(&out, "%s: %s.%s, its known answers, CMakeLists.txt, Makefile, README.md\n", folder,
                name, cxx ? "cpp" : "c");
    as_buf_addf(&out, "next: cd %s && make && assay plugin check ./%s.so\n", folder, name);
    int rc = as_buf_check(&out, err);
    return rc < 0 ? rc : as_cli_out(as_buf_str(&out), err);
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    const new_opts *o = opts;
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE, "give the new plugin one name");
    const char *name = operands->at[0];
    bool cxx = strcmp(o->lang, "c++") == 0;
    int rc = check_name(name, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(free) char *folder = as_path_join(o->dir, name);
    if (!folder)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!as_path_exists(o->dir) && as_path_make_dirs(o->dir, err) < 0)
        return AS_EIO;
    if (mkdir(folder, 0777) < 0) {
        if (errno == EEXIST)
            return as_fail(err, AS_EUSAGE, "%s is there already; take another name or --dir",
                           folder);
        return as_fail_errno(err, "%s: could not be created", folder);
    }
    rc = write_files(folder, name, cxx, err);
    return rc < 0 ? rc : tell(folder, name, cxx, err);
}

const as_command as_cmd_plugin_new = {
    .name = "plugin new",
    .summary = "writes a new verifier that builds and passes `plugin check`",
    .operands = "NAME",
    .options = options,
    .example = "assay plugin new mine && cd mine && make && assay plugin check ./mine.so",
    .details = "The folder holds the verifier, known answers, a CMakeLists.txt for "
               "find_package(assay), a Makefile for those "
               "without CMake, and a README.md. An existing folder is left alone.",
    .run = run,
    .opts_size = sizeof(new_opts),
};
