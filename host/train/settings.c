/* settings.c -- see settings.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/settings.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SETTINGS = 200 };

static int wrong(const as_setting *s, const cJSON *value, const char *what, const char *allowed,
                 as_err *err)
{
    char *text = cJSON_PrintUnformatted(value);
    int rc = as_fail(err, AS_EUSAGE, "%s: \"%s\": %.60s, where %s is allowed", what, s->key,
                     text ? text : "?", allowed);
    cJSON_free(text);
    return rc;
}

static int read_number(const as_setting *s, const cJSON *value, void *to, const char *what,
                       as_err *err)
{
    const double x = value->valuedouble;
    const bool is_whole = s->type == AS_SETTING_UINT;
    if (!cJSON_IsNumber(value) || !(x >= s->least && x <= s->most) || (is_whole && x != floor(x))) {
        char allowed[100];
        (void)snprintf(allowed, sizeof allowed, "%s from %.12g to %.12g",
                       is_whole ? "a whole number" : "a number", s->least, s->most);
        return wrong(s, value, what, allowed, err);
    }
    if (is_whole)
        *(uint64_t *)to = (uint64_t)x;
    else
        *(double *)to = x;
    return 0;
}

static int read_choice(const as_setting *s, const cJSON *value, int *to, const char *what,
                       as_err *err)
{
    const char *at = s->choices;
    for (int i = 0; cJSON_IsString(value); i++) {
        const size_t n = strcspn(at, "|");
        if (strlen(value->valuestring) == n && strncmp(at, value->valuestring, n) == 0) {
            *to = i;
            return 0;
        }
        if (!at[n])
            break;
        at += n + 1;
    }
    return wrong(s, value, what, s->choices, err);
}

static int read_one(const as_setting *s, const cJSON *value, void *to, const char *what,
                    as_err *err)
{
    switch (s->type) {
    case AS_SETTING_TEXT:
        if (!cJSON_IsString(value))
            return wrong(s, value, what, "a text", err);
        *(const char **)to = value->valuestring;
        return 0;
    case AS_SETTING_CHOICE:
        return read_choice(s, value, to, what, err);
    case AS_SETTING_UINT:
    case AS_SETTING_NUMBER:
        return read_number(s, value, to, what, err);
    case AS_SETTING_BOOL:
        if (!cJSON_IsBool(value))
            return wrong(s, value, what, "true or false", err);
        *(bool *)to = cJSON_IsTrue(value);
        return 0;
    case AS_SETTING_OBJECT:
        if (!cJSON_IsObject(value))
            return wrong(s, value, what, "an object", err);
        *(const cJSON **)to = value;
        return 0;
    case AS_SETTING_ANY:
        *(const cJSON **)to = value;
        return 0;
    }
    return 0;
}

int as_settings_read_all(const as_settings *all, size_t n, const cJSON *object, const char *what,
                         as_err *err)
{
    const char *known[MOST_SETTINGS + 1] = { NULL };
    size_t n_known = 0;
    for (size_t i = 0; i < n; i++)
        for (const as_setting *s = all[i].table; s->key && n_known < MOST_SETTINGS; s++)
            known[n_known++] = s->key;
    int rc = as_json_known_keys(object, known, what, err);
    for (size_t i = 0; i < n; i++)
        for (const as_setting *s = all[i].table; rc == 0 && s->key; s++) {
            const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, s->key);
            if (value)
                rc = read_one(s, value, (char *)all[i].values + s->offset, what, err);
        }
    return rc;
}

int as_settings_read(void *out, const cJSON *object, const as_setting *table, const char *what,
                     as_err *err)
{
    const as_settings one = { out, table };
    return as_settings_read_all(&one, 1, object, what, err);
}

/* ---- as resolved ---- */

/* False: there is none. */
static bool show_one(const as_setting *s, const void *value, as_buf *out)
{
    const char *text = NULL, *word = s->choices;
    switch (s->type) {
    case AS_SETTING_TEXT:
        text = *(const char *const *)value;
        if (text)
            as_buf_json_str(out, as_str_of(text));
        return text != NULL;
    case AS_SETTING_CHOICE:
        for (int i = 0; i < *(const int *)value; i++)
            word += strcspn(word, "|") + 1;
        if (*(const int *)value >= 0)
            as_buf_json_str(out, (as_str){ word, strcspn(word, "|") });
        return *(const int *)value >= 0;
    case AS_SETTING_UINT:
        as_buf_u64(out, *(const uint64_t *)value);
        return true;
    case AS_SETTING_NUMBER:
        as_buf_json_num(out, *(const double *)value);
        return true;
    case AS_SETTING_BOOL:
        as_buf_text(out, *(const bool *)value ? "true" : "false");
        return true;
    case AS_SETTING_OBJECT:
    case AS_SETTING_ANY:
        break;
    }
    const cJSON *object = *(const cJSON *const *)value;
    char *printed = object ? cJSON_PrintUnformatted(object) : NULL;
    as_buf_text(out, printed ? printed : "");
    out->failed = out->failed || (object && !printed);
    cJSON_free(printed);
    return object != NULL;
}

int as_settings_show(const void *values, const as_setting *table, as_settings_put *put, void *ctx,
                     as_err *err)
{
    AS_CLEANUP(buf) as_buf json = { 0 };
    as_buf_init(&json, (size_t)1 << 24);
    for (const as_setting *s = table; s->key; s++) {
        as_buf_clear(&json);
        const bool is_there = show_one(s, (const char *)values + s->offset, &json);
        int rc = as_buf_check(&json, err);
        if (rc < 0)
            return rc;
        if (is_there)
            put(ctx, s->key, as_buf_str(&json));
    }
    return 0;
}

/* ---- KEY=VALUE ---- */

/* A text that is no JSON is a text. */
static cJSON *value_of(const char *text)
{
    cJSON *value = as_json_parse(as_str_of(text), "", NULL);
    return value ? value : cJSON_CreateString(text);
}

int as_settings_set(cJSON *object, const char *assignment, as_err *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return as_fail(err, AS_EUSAGE, "--set %s: KEY=VALUE is expected, as in lr=0.001",
                       assignment);
    AS_CLEANUP(free) char *path = as_strndup(assignment, (size_t)(equals - assignment));
    char *key = path;
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (char *dot; (dot = strchr(key, '.')); key = dot + 1) {
        *dot = 0;
        cJSON *inner = cJSON_GetObjectItemCaseSensitive(object, key);
        if (inner && !cJSON_IsObject(inner))
            return as_fail(err, AS_EUSAGE, "--set %s: \"%s\" is no object", assignment, key);
        object = inner ? inner : cJSON_AddObjectToObject(object, key);
        if (!object)
            return as_fail(err, AS_ENOMEM, "out of memory");
    }
    cJSON *value = value_of(equals + 1);
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    if (value && cJSON_AddItemToObject(object, key, value))
        return 0;
    cJSON_Delete(value);
    return as_fail(err, AS_ENOMEM, "out of memory");
}
