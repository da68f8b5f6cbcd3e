/* info.c -- copies what a verifier says of itself, and carries it as JSON through the index and the
 * worker's wire. SPDX-License-Identifier: Apache-2.0 */
#include "plug/info.h"

#include "base/jspan.h"

#include <math.h>

enum { MAX_TAGS = 64, MAX_TEXT = 1 << 20 };
static const char *const no_tags[] = { NULL };

/* A descriptor's text: NULL means not given, and a plugin's text may be of any length. */
static bool copy_text(const char **out, const char *text, as_arena *arena)
{
    *out = "";
    if (!text)
        return true;
    as_str copy = as_arena_str(arena, (as_str){ text, strnlen(text, MAX_TEXT) });
    if (!copy.data)
        return false;
    *out = copy.data;
    return true;
}

static bool copy_tags(const char *const **out, const char *const *tags, as_arena *arena)
{
    *out = no_tags;
    if (!tags)
        return true;
    size_t n = 0;
    while (n < MAX_TAGS && tags[n])
        n++;
    const char **copy = as_arena_calloc(arena, n + 1, sizeof(*copy));
    if (!copy)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!copy_text(&copy[i], tags[i], arena))
            return false;
    *out = copy;
    return true;
}

int as_info_copy(as_verifier_info *out, const assay_entry *entry, const assay_descriptor *d,
                 as_arena *arena, as_err *err)
{
    /* as_entry_check has seen to it that everything up to `create` is there; later fields ask
     * AS_HAS. */
    *out = (as_verifier_info){ .tags = no_tags,
                               .abi_major = entry->abi_major,
                               .abi_minor = entry->abi_minor,
                               .flags = d->flags,
                               .revision = d->revision,
                               .cost_us = d->cost_us,
                               .score_min = d->score_min,
                               .score_max = d->score_max };
    bool good = copy_text(&out->id, d->id, arena) && copy_text(&out->name, d->name, arena) &&
                copy_text(&out->version, d->version, arena) &&
                copy_text(&out->license, d->license, arena) &&
                copy_text(&out->summary, d->summary, arena) &&
                copy_text(&out->url, d->url, arena) && copy_tags(&out->tags, d->tags, arena);
    if (good && d->config_schema)
        good = copy_text(&out->config_schema, d->config_schema, arena);
    return good ? 0
                : as_fail(err, AS_ENOMEM, "no memory for the description of verifier \"%.100s\"",
                          d->id);
}

static void write_text(as_buf *out, const char *key, const char *text)
{
    as_buf_json_key(out, key);
    if (text)
        as_buf_json_str(out, as_str_of(text));
    else
        as_buf_text(out, "null");
}

static void write_u32(as_buf *out, const char *key, uint32_t value)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, value);
}

static void write_float(as_buf *out, const char *key, float value)
{
    as_buf_json_key(out, key);
    as_buf_json_float(out, value);
}

static void write_bool(as_buf *out, const char *key, bool value)
{
    as_buf_json_key(out, key);
    as_buf_text(out, value ? "true" : "false");
}

void as_info_write(const as_verifier_info *info, as_buf *out)
{
    as_buf_byte(out, '{');
    write_text(out, "id", info->id);
    write_text(out, "name", info->name);
    write_text(out, "version", info->version);
    write_text(out, "license", info->license);
    write_text(out, "summary", info->summary);
    write_text(out, "url", info->url);
    write_text(out, "config_schema", info->config_schema);
    as_buf_json_key(out, "tags");
    as_buf_byte(out, '[');
    for (size_t i = 0; info->tags[i]; i++) {
        if (i > 0)
            as_buf_byte(out, ',');
        as_buf_json_str(out, as_str_of(info->tags[i]));
    }
    as_buf_byte(out, ']');
    write_u32(out, "abi_major", info->abi_major);
    write_u32(out, "abi_minor", info->abi_minor);
    write_u32(out, "flags", info->flags);
    write_u32(out, "revision", info->revision);
    write_u32(out, "cost_us", info->cost_us);
    write_float(out, "score_min", info->score_min);
    write_float(out, "score_max", info->score_max);
    write_bool(out, "votes", info->votes);
    write_bool(out, "tasks", info->tasks);
    write_bool(out, "probed", info->probed);
    as_buf_byte(out, '}');
}

/* A C string out of a JSON one; what it holds of NUL bytes ends it, as it ended the descriptor's
 * own. */
static int read_text(const char **out, as_jspan object, const char *key, bool may_lack,
                     as_arena *arena, as_err *err)
{
    as_jspan span = as_jobject_get(object, key);
    *out = may_lack ? NULL : "";
    if (may_lack && (span.kind == AS_J_NULL || span.kind == AS_J_NONE))
        return 0;
    if (span.kind != AS_J_STRING)
        return as_fail(err, AS_EDATA, "verifier description: \"%s\" is not a string", key);
    as_str text = as_jstring(span, arena, NULL);
    if (!text.data)
        return as_fail(err, AS_ENOMEM, "no memory for a verifier description");
    *out = text.data;
    return 0;
}

static int read_u32(uint32_t *out, as_jspan object, const char *key, as_err *err)
{
    unsigned long long value = 0;
    if (!as_junsigned(as_jobject_get(object, key), &value) || value > UINT32_MAX)
        return as_fail(err, AS_EDATA, "verifier description: \"%s\" is not a 32-bit number", key);
    *out = (uint32_t)value;
    return 0;
}

static int read_float(float *out, as_jspan object, const char *key, as_err *err)
{
    as_jspan span = as_jobject_get(object, key);
    double value = 0;
    if (span.kind == AS_J_NULL) { /* written for NaN and the infinities */
        *out = NAN;
        return 0;
    }
    if (!as_jnumber(span, &value) || fabs(value) > (double)3.4028235e38F)
        return as_fail(err, AS_EDATA, "verifier description: \"%s\" is not a number", key);
    *out = (float)value;
    return 0;
}

static int read_tags(const char *const **out, as_jspan object, as_arena *arena, as_err *err)
{
    as_jspan array = as_jobject_get(object, "tags");
    as_jspan value;
    if (array.kind != AS_J_ARRAY)
        return as_fail(err, AS_EDATA, "verifier description: \"tags\" is not an array");
    const char **tags = as_arena_calloc(arena, MAX_TAGS + 1, sizeof(*tags));
    if (!tags)
        return as_fail(err, AS_ENOMEM, "no memory for a verifier description");
    size_t n = 0;
    for (size_t at = 0; n < MAX_TAGS && as_jarray_next(array, &at, &value); n++) {
        as_str text = as_jstring(value, arena, NULL);
        if (!text.data)
            return as_fail(err, AS_EDATA, "verifier description: a tag is not a string");
        tags[n] = text.data;
    }
    *out = tags;
    return 0;
}

static int read_texts(as_verifier_info *out, as_jspan object, as_arena *arena, as_err *err)
{
    int rc = read_text(&out->id, object, "id", false, arena, err);
    rc = rc < 0 ? rc : read_text(&out->name, object, "name", false, arena, err);
    rc = rc < 0 ? rc : read_text(&out->version, object, "version", false, arena, err);
    rc = rc < 0 ? rc : read_text(&out->license, object, "license", false, arena, err);
    rc = rc < 0 ? rc : read_text(&out->summary, object, "summary", false, arena, err);
    rc = rc < 0 ? rc : read_text(&out->url, object, "url", false, arena, err);
    rc = rc < 0 ? rc : read_text(&out->config_schema, object, "config_schema", true, arena, err);
    return rc < 0 ? rc : read_tags(&out->tags, object, arena, err);
}

int as_info_read(as_verifier_info *out, as_str json, as_arena *arena, as_err *err)
{
    as_jspan object;
    int rc = as_json_scan(json, &object, err);
    *out = (as_verifier_info){ .tags = no_tags };
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "verifier description: not a JSON object");
    rc = read_texts(out, object, arena, err);
    rc = rc < 0 ? rc : read_u32(&out->abi_major, object, "abi_major", err);
    rc = rc < 0 ? rc : read_u32(&out->abi_minor, object, "abi_minor", err);
    rc = rc < 0 ? rc : read_u32(&out->flags, object, "flags", err);
    rc = rc < 0 ? rc : read_u32(&out->revision, object, "revision", err);
    rc = rc < 0 ? rc : read_u32(&out->cost_us, object, "cost_us", err);
    rc = rc < 0 ? rc : read_float(&out->score_min, object, "score_min", err);
    rc = rc < 0 ? rc : read_float(&out->score_max, object, "score_max", err);
    out->votes = as_jobject_get(object, "votes").kind == AS_J_TRUE;
    out->tasks = as_jobject_get(object, "tasks").kind == AS_J_TRUE;
    out->probed = as_jobject_get(object, "probed").kind == AS_J_TRUE;
    return rc;
}

const char *as_info_short_name(const as_verifier_info *info)
{
    const char *dot = strrchr(info->id, '.');
    return dot && dot[1] ? dot + 1 : info->id;
}
