/* golden.h -- the numbers of tests/golden. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_GOLDEN_H
#define AS_TESTS_GOLDEN_H
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* tests/golden/NAME */
static inline void golden_path(char *out, size_t size, const char *name)
{
    const char *source = getenv("ASSAY_SOURCE");
    (void)snprintf(out, size, "%s/tests/golden/%s", source ? source : ".", name);
}

/* A JSON file of tests/golden; the caller cJSON_Deletes. */
static inline cJSON *golden_json(const char *name)
{
    char path[512];
    as_buf text;
    as_err err = { 0 };
    golden_path(path, sizeof path, name);
    as_buf_init(&text, (size_t)1 << 24);
    if (as_file_read(path, &text, &err) < 0)
        fail_msg("%s", err.text);
    cJSON *root = as_json_parse(as_buf_str(&text), name, &err);
    as_buf_fini(&text);
    if (!root)
        fail_msg("%s", err.text);
    return root;
}

static inline const cJSON *golden_member(const cJSON *of, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(of, key);
    if (!found)
        fail_msg("the golden has no \"%s\"", key);
    return found;
}

static inline double golden_number(const cJSON *of, const char *key)
{
    return golden_member(of, key)->valuedouble;
}

/* The numbers of a list; *n of them; the caller as_frees. */
static inline double *golden_numbers(const cJSON *list, size_t *n)
{
    *n = (size_t)cJSON_GetArraySize(list);
    double *out = as_calloc(*n + 1, sizeof *out);
    size_t i = 0;
    const cJSON *item;
    assert_non_null(out);
    cJSON_ArrayForEach(item, list) out[i++] = item->valuedouble;
    return out;
}

static inline int32_t *golden_ids(const cJSON *list, size_t *n)
{
    *n = (size_t)cJSON_GetArraySize(list);
    int32_t *out = as_calloc(*n + 1, sizeof *out);
    size_t i = 0;
    const cJSON *item;
    assert_non_null(out);
    cJSON_ArrayForEach(item, list) out[i++] = (int32_t)item->valuedouble;
    return out;
}
#endif
