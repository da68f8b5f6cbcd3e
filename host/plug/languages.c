/* languages.c -- see languages.h. SPDX-License-Identifier: Apache-2.0 */
#include "plug/languages.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LANGUAGES = 100, MOST_WORDS = 60, LONGEST_NAME = 40, LARGEST_FILE = 1 << 16 };

static bool is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+#-._");
    return n > 0 && n <= LONGEST_NAME && !text[n] && text[0] != '.';
}

/* ["/usr/bin/perl", "main.pl"] as the sandbox wants them: each ended by a NUL. */
static int take_words(as_languages *l, const cJSON *list, const char *key, const char *path,
                      asbx_text *out, as_err *err)
{
    AS_CLEANUP(buf) as_buf words = { 0 };
    const cJSON *word;
    if (!list)
        return 0;
    as_buf_init(&words, LARGEST_FILE);
    cJSON_ArrayForEach(word, list)
    {
        if (!cJSON_IsString(word))
            break;
        as_buf_add(&words, (as_str){ word->valuestring, strlen(word->valuestring) + 1 });
    }
    if (!cJSON_IsArray(list) || word || cJSON_GetArraySize(list) > MOST_WORDS || !words.len ||
        words.data[0] != '/')
        return as_fail(err, AS_EUSAGE,
                       "%s: \"%s\" is a list of words, at most %d, the first an absolute path: "
                       "[\"/usr/bin/perl\", \"main.pl\"]",
                       path, key, MOST_WORDS);
    as_str kept = as_arena_str(&l->arena, as_buf_str(&words));
    *out = (asbx_text){ kept.data, kept.len };
    return kept.data ? 0 : as_fail(err, AS_ENOMEM, "%s: out of memory", path);
}

static int take_name(as_languages *l, const cJSON *value, const char *key, const char *path,
                     const char **out, as_err *err)
{
    if (!cJSON_IsString(value) || !is_name(value->valuestring))
        return as_fail(err, AS_EUSAGE,
                       "%s: \"%s\" is needed: 1 to %d of a-z 0-9 + # - . _, no '.' in front", path,
                       key, LONGEST_NAME);
    *out = as_arena_str(&l->arena, as_str_of(value->valuestring)).data;
    return *out ? 0 : as_fail(err, AS_ENOMEM, "%s: out of memory", path);
}

static int take_language(as_languages *l, const cJSON *root, const char *path, asbx_language *out,
                         as_err *err)
{
    static const char *const known[] = { "name", "file", "compile", "run", NULL };
    if (!cJSON_IsObject(root))
        return as_fail(err, AS_EUSAGE, "%s: a language is a JSON object", path);
    int rc = as_json_known_keys(root, known, path, err);
    if (rc == 0)
        rc = take_name(l, cJSON_GetObjectItemCaseSensitive(root, "name"), "name", path, &out->name,
                       err);
    if (rc == 0)
        rc = take_name(l, cJSON_GetObjectItemCaseSensitive(root, "file"), "file", path, &out->file,
                       err);
    if (rc == 0)
        rc = take_words(l, cJSON_GetObjectItemCaseSensitive(root, "compile"), "compile", path,
                        &out->compile, err);
    if (rc == 0)
        rc = take_words(l, cJSON_GetObjectItemCaseSensitive(root, "run"), "run", path, &out->run,
                        err);
    if (rc < 0 || !out->name || !out->file)
        return rc;
    if (strcmp(out->name, "python") == 0 || strcmp(out->name, "exec") == 0)
        return as_fail(err, AS_EUSAGE, "%s: \"%s\" is the sandbox's own and cannot be replaced",
                       path, out->name);
    if (!out->compile.len && !out->run.len)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"compile\" (leaves a.out), \"run\" (an interpreter), or both", path);
    return 0;
}

static int add_file(as_languages *l, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    asbx_language found = { 0 };
    as_buf_init(&text, LARGEST_FILE);
    int rc = as_file_read(path, &text, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(cjson) cJSON *root = as_json_parse(as_buf_str(&text), path, err);
    rc = root ? take_language(l, root, path, &found, err) : (int)err->code;
    if (rc < 0)
        return rc;
    if (l->n == MOST_LANGUAGES)
        return as_fail(err, AS_EUSAGE, "%s: there are %d languages already", path, MOST_LANGUAGES);
    l->list[l->n++] = found;
    return 0;
}

static int is_description(const struct dirent *e)
{
    return as_str_ends(as_str_of(e->d_name), ".json") && e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A folder that is not there has none. */
static int add_folder(as_languages *l, const char *folder, as_err *err)
{
    struct dirent **files;
    int rc = 0, n = scandir(folder, &files, is_description, by_bytes);
    if (n < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : as_fail(err, AS_EUSAGE, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        AS_CLEANUP(free) char *path = as_path_join(folder, files[i]->d_name);
        if (rc == 0)
            rc = path ? add_file(l, path, err) : as_fail(err, AS_ENOMEM, "out of memory");
        free(files[i]); /* scandir's own malloc */
    }
    free(files);
    return rc;
}

int as_languages_load(as_languages *out, as_err *err)
{
    as_arena_init(&out->arena, 0);
    out->n = 0;
    out->list = as_calloc(MOST_LANGUAGES, sizeof *out->list);
    if (!out->list)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (as_is_secure_exec()) /* the environment may be an attacker's, and HOME with it */
        return 0;
    int rc = 0;
    const char *list = getenv("ASSAY_LANGUAGES");
    while (rc == 0 && list && *list) {
        const char *end = strchrnul(list, ':');
        as_str folder = as_arena_str(&out->arena, (as_str){ list, (size_t)(end - list) });
        if (folder.len)
            rc = add_folder(out, folder.data, err);
        list = *end ? end + 1 : end;
    }
    AS_CLEANUP(free) char *home = as_path_home();
    AS_CLEANUP(free) char *user = home ? as_path_join(home, ".local/lib/assay/languages") : NULL;
    return rc == 0 && user ? add_folder(out, user, err) : rc;
}

void as_languages_fini(as_languages *l)
{
    as_free(l->list);
    as_arena_fini(&l->arena);
    l->list = NULL;
    l->n = 0;
}
