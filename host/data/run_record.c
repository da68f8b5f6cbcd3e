/* run_record.c -- manifest.json: what a run was asked for and how far it got.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/run_record.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <assay/assay.h>
#include <stdio.h>

#define SCHEMA "assay.manifest/1"
enum { MANIFEST_MAX = 16 * 1024 * 1024 };

/* A setter that ran out of memory leaves no record at all; save() then says so. */
static void lose(as_run_record *r)
{
    cJSON_Delete(r->json);
    r->json = NULL;
}

/* Takes over `value`. */
static void put(as_run_record *r, cJSON *object, const char *key, cJSON *value)
{
    if (!object || !value) {
        cJSON_Delete(value);
        lose(r);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    if (!cJSON_AddItemToObject(object, key, value)) {
        cJSON_Delete(value);
        lose(r);
    }
}

static cJSON *section(const as_run_record *r, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(r->json, name);
}

/* What the guard refuses is kept as the text it was; what there is no memory for, not at all. */
static cJSON *value_of(as_str raw)
{
    as_err why = { 0 };
    cJSON *v = as_json_parse(raw, "value", &why);
    if (v || why.code == AS_ENOMEM)
        return v;
    AS_CLEANUP(free) char *text = as_strndup(raw.data ? raw.data : "", raw.len);
    return text ? cJSON_CreateString(text) : NULL;
}

int as_run_record_new(as_run_record *r, const char *command, as_err *err)
{
    char now[32];
    as_utc_text(now);
    r->json = cJSON_CreateObject();
    const struct {
        const char *key, *text; /* text NULL: a section */
    } first[] = { { "schema", SCHEMA }, { "command", command }, { "version", ASSAY_VERSION },
                  { "created", now },   { "config", NULL },     { "seeds", NULL },
                  { "hashes", NULL } };
    for (size_t i = 0; i < sizeof first / sizeof *first && r->json; i++)
        put(r, r->json, first[i].key,
            first[i].text ? cJSON_CreateString(first[i].text) : cJSON_CreateObject());
    return r->json ? 0 : as_fail(err, AS_ENOMEM, "out of memory for the run record");
}

static int check_shape(const as_run_record *r, const char *path, as_err *err)
{
    const char *schema = cJSON_GetStringValue(section(r, "schema"));
    if (!schema || strcmp(schema, SCHEMA) != 0)
        return as_fail(err, AS_EDATA, "%s: not a run record (\"schema\" is not \"" SCHEMA "\")",
                       path);
    if (!cJSON_IsString(section(r, "command")) || !cJSON_IsObject(section(r, "config")) ||
        !cJSON_IsObject(section(r, "seeds")) || !cJSON_IsObject(section(r, "hashes")))
        return as_fail(err, AS_EDATA,
                       "%s: a run record without \"command\", \"config\", \"seeds\" or \"hashes\"",
                       path);
    return 0;
}

int as_run_record_load(as_run_record *r, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    as_buf_init(&text, MANIFEST_MAX);
    r->json = NULL;
    int rc = as_file_read(path, &text, err);
    if (rc < 0)
        return rc;
    as_err why = { 0 };
    r->json = as_json_parse(as_buf_str(&text), path, &why);
    if (!r->json)
        return as_fail(err, why.code == AS_ENOMEM ? AS_ENOMEM : AS_EDATA, "%s", why.text);
    rc = check_shape(r, path, err);
    if (rc < 0)
        lose(r);
    return rc;
}

void as_run_record_fini(as_run_record *r)
{
    lose(r);
}

void as_run_record_config(as_run_record *r, const char *key, as_str raw_json)
{
    put(r, section(r, "config"), key, value_of(raw_json));
}

void as_run_record_number(as_run_record *r, const char *key, double x)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.17g", x);
    as_run_record_config(r, key, as_str_of(text));
}

void as_run_record_seed(as_run_record *r, const char *name, uint64_t seed)
{
    char text[24]; /* a string: JSON readers round integers beyond 2^53 */
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    put(r, section(r, "seeds"), name, cJSON_CreateString(text));
}

void as_run_record_hash(as_run_record *r, const char *name, as_digest digest)
{
    char hex[65];
    as_digest_hex(digest, hex);
    put(r, section(r, "hashes"), name, cJSON_CreateString(hex));
}

void as_run_record_set(as_run_record *r, const char *key, as_str raw_json)
{
    put(r, r->json, key, value_of(raw_json));
}

int as_run_record_save(const as_run_record *r, const char *path, as_err *err)
{
    char *text = r->json ? cJSON_Print(r->json) : NULL;
    if (!text)
        return as_fail(err, AS_ENOMEM, "%s: out of memory for the run record", path);
    AS_CLEANUP(buf) as_buf out;
    as_buf_init(&out, MANIFEST_MAX);
    as_buf_text(&out, text);
    as_buf_byte(&out, '\n');
    cJSON_free(text);
    int rc = as_buf_check(&out, err);
    return rc < 0 ? rc : as_file_write_atomic(path, as_buf_str(&out), err);
}

/* ---- may a run go on? ---- */

/* A value for a message and for comparison; "nothing" where it is not there. */
static void describe(const cJSON *value, as_buf *out)
{
    char *text = value ? cJSON_PrintUnformatted(value) : NULL;
    as_buf plain;
    as_buf_init(&plain, MANIFEST_MAX);
    if (!text || as_json_canonical(as_str_of(text), &plain, NULL) < 0)
        as_buf_text(out, text ? text : "nothing");
    else
        as_buf_add(out, as_buf_str(&plain));
    cJSON_free(text);
    as_buf_fini(&plain);
}

static int compare(const cJSON *before, const cJSON *now, const char *where, const char *key,
                   as_err *err)
{
    AS_CLEANUP(buf) as_buf a, b;
    as_buf_init(&a, MANIFEST_MAX);
    as_buf_init(&b, MANIFEST_MAX);
    describe(before, &a);
    describe(now, &b);
    if (a.failed || b.failed)
        return as_fail(err, AS_ENOMEM, "out of memory for the run record");
    if (as_str_eq(as_buf_str(&a), as_buf_str(&b)))
        return 0;
    return as_fail(
        err, AS_EUSAGE,
        "the run was begun with another %s%s%s: %.100s then, %.100s now (--force starts it anew)",
        where, key ? "." : "", key ? key : "", a.data, b.data);
}

static int compare_section(const as_run_record *before, const as_run_record *now, const char *name,
                           as_err *err)
{
    const cJSON *a = section(before, name), *b = section(now, name);
    for (const cJSON *m = a ? a->child : NULL; m; m = m->next) {
        int rc = compare(m, cJSON_GetObjectItemCaseSensitive(b, m->string), name, m->string, err);
        if (rc < 0)
            return rc;
    }
    for (const cJSON *m = b ? b->child : NULL; m; m = m->next) {
        int rc = compare(cJSON_GetObjectItemCaseSensitive(a, m->string), m, name, m->string, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A run may have moved to another machine. */
static void tell_other_arithmetic(const as_run_record *before, const as_run_record *now)
{
    AS_CLEANUP(buf) as_buf a, b;
    as_buf_init(&a, MANIFEST_MAX);
    as_buf_init(&b, MANIFEST_MAX);
    describe(section(before, "computed_by"), &a);
    describe(section(now, "computed_by"), &b);
    if (section(before, "computed_by") && !a.failed && !b.failed &&
        !as_str_eq(as_buf_str(&a), as_buf_str(&b)))
        as_log(AS_LOG_WARN,
               "the run was computed by %.100s, and goes on by %.100s: last bits will differ from "
               "those of a run that was not stopped (ASSAY_CPU_LEVEL names a level)",
               a.data, b.data);
}

int as_run_record_continues(const as_run_record *before, const as_run_record *now, as_err *err)
{
    static const char *const sections[] = { "config", "seeds", "hashes" };
    int rc = compare(section(before, "command"), section(now, "command"), "command", NULL, err);
    for (size_t i = 0; i < sizeof sections / sizeof *sections && rc == 0; i++)
        rc = compare_section(before, now, sections[i], err);
    if (rc == 0)
        tell_other_arithmetic(before, now);
    return rc;
}

int as_run_record_text(as_run_record *r, as_run_record_put *write, const char *key,
                       const char *text, as_err *err)
{
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 20);
    as_buf_json_str(&b, as_str_of(text));
    int rc = as_buf_check(&b, err);
    if (rc == 0)
        write(r, key, as_buf_str(&b));
    return rc;
}
