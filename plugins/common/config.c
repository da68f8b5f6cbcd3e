/* config.c -- see config.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 0))) static void set_error(assay_error *err, assay_status code,
                                                            const char *format, va_list ap)
{
    if (!err)
        return;
    err->code = code;
    (void)vsnprintf(err->text, sizeof err->text, format, ap);
}

void pc_error(assay_error *err, assay_status code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    set_error(err, code, format, ap);
    va_end(ap);
}

void pc_config_fail(pc_config *c, const char *format, ...)
{
    if (c->failed)
        return;
    c->failed = true;
    va_list ap;
    va_start(ap, format);
    set_error(c->err, ASSAY_E_CONFIG, format, ap);
    va_end(ap);
}

static bool has_twice(const cJSON *root, const char **key)
{
    for (const cJSON *a = root->child; a; a = a->next)
        for (const cJSON *b = a->next; b; b = b->next)
            if (strcmp(a->string, b->string) == 0) {
                *key = a->string;
                return true;
            }
    return false;
}

assay_status pc_config_open(pc_config *c, assay_str json, assay_error *err)
{
    *c = (pc_config){ .err = err, .where = "config" };
    const char *key;
    if (pc_is_blank(json))
        json = PC_LIT("{}");
    if (json.len > (1u << 20)) {
        pc_config_fail(c, "config is larger than 1 MiB");
        return ASSAY_E_CONFIG;
    }
    const char *end = NULL;
    c->root = cJSON_ParseWithLengthOpts(json.data, json.len, &end, 0);
    if (!c->root)
        pc_config_fail(c, "config is not JSON: %.60s", json.data);
    else if (!pc_is_blank(pc_from(json, (size_t)(end - json.data))))
        pc_config_fail(c, "config has text after its object: %.60s", end);
    else if (!cJSON_IsObject(c->root))
        pc_config_fail(c, "config is not a JSON object; give {\"key\":value,...}");
    else if (cJSON_GetArraySize(c->root) > 256)
        pc_config_fail(c, "config has more than 256 keys");
    else if (has_twice(c->root, &key))
        pc_config_fail(c, "config key \"%.60s\" is given twice", key);
    return c->failed ? pc_config_close(c) : ASSAY_OK;
}

void pc_config_inner(pc_config *c, const pc_config *parent, const cJSON *object, const char *where)
{
    *c = (pc_config){ .err = parent->err, .failed = parent->failed, .where = where };
    union {
        const cJSON *in;
        cJSON *out;
    } same = { .in = object }; /* read only, though cJSON's calls do not say so */
    c->root = same.out;
    const char *key;
    if (!cJSON_IsObject(object))
        pc_config_fail(c, "%s is not a JSON object", where);
    else if (has_twice(object, &key))
        pc_config_fail(c, "%s: key \"%.60s\" is given twice", where, key);
}

const cJSON *pc_config_get(pc_config *c, const char *key)
{
    if (c->n_asked < PC_CONFIG_KEYS)
        c->asked[c->n_asked++] = key;
    if (c->failed)
        return NULL;
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c->root, key);
    return v && !cJSON_IsNull(v) ? v : NULL;
}

bool pc_config_bool(pc_config *c, const char *key, bool standard)
{
    const cJSON *v = pc_config_get(c, key);
    if (v && !cJSON_IsBool(v))
        pc_config_fail(c, "%s key \"%s\" must be true or false", c->where, key);
    return v ? cJSON_IsTrue(v) : standard;
}

double pc_config_num(pc_config *c, const char *key, double standard, double low, double high)
{
    const cJSON *v = pc_config_get(c, key);
    if (!v)
        return standard;
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= low && v->valuedouble <= high)) {
        pc_config_fail(c, "%s key \"%s\" must be a number from %g to %g", c->where, key, low, high);
        return standard;
    }
    return v->valuedouble;
}

uint64_t pc_config_uint(pc_config *c, const char *key, uint64_t standard, uint64_t low,
                        uint64_t high)
{
    const cJSON *v = pc_config_get(c, key);
    if (!v)
        return standard;
    double d = cJSON_IsNumber(v) ? v->valuedouble : -1;
    if (!(d >= (double)low && d <= (double)high) || d != (double)(uint64_t)d) {
        pc_config_fail(c, "%s key \"%s\" must be a whole number from %llu to %llu", c->where, key,
                       (unsigned long long)low, (unsigned long long)high);
        return standard;
    }
    return (uint64_t)d;
}

int pc_config_word(pc_config *c, const char *key, const char *const *words, int standard)
{
    const char *text = pc_config_str(c, key, NULL);
    if (!text)
        return standard;
    char known[120] = "";
    size_t at = 0;
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
        int n = snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", words[i]);
        if (n > 0 && at + (size_t)n < sizeof known)
            at += (size_t)n;
    }
    pc_config_fail(c, "%s key \"%s\": \"%.40s\" is not one of %s", c->where, key, text, known);
    return standard;
}

const char *pc_config_str(pc_config *c, const char *key, const char *standard)
{
    const cJSON *v = pc_config_get(c, key);
    if (!v)
        return standard;
    if (!cJSON_IsString(v)) {
        pc_config_fail(c, "%s key \"%s\" must be a string", c->where, key);
        return standard;
    }
    return v->valuestring;
}

static bool is_asked(const pc_config *c, const char *key)
{
    for (unsigned i = 0; i < c->n_asked; i++)
        if (strcmp(c->asked[i], key) == 0)
            return true;
    return false;
}

assay_status pc_config_check(pc_config *c)
{
    for (const cJSON *v = c->failed ? NULL : c->root->child; v; v = v->next) {
        if (is_asked(c, v->string))
            continue;
        char known[140] = "none";
        size_t at = 0;
        for (unsigned i = 0; i < c->n_asked && at < sizeof known; i++) {
            int n = snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", c->asked[i]);
            at += n > 0 ? (size_t)n : 0;
        }
        pc_config_fail(c, "%s key \"%.60s\" unknown (known: %s)", c->where, v->string, known);
    }
    return c->failed ? ASSAY_E_CONFIG : ASSAY_OK;
}

assay_status pc_config_close(pc_config *c)
{
    assay_status rc = c->root ? pc_config_check(c) : ASSAY_E_CONFIG;
    cJSON_Delete(c->root);
    c->root = NULL;
    return rc;
}
