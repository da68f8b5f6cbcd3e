/* settings.h -- a run's configuration: a JSON object whose keys stand in one table, with what each may be.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_SETTINGS_H
#define AS_TRAIN_SETTINGS_H
#include "base/json.h"

#include <stdint.h>

typedef enum as_setting_type {
    AS_SETTING_TEXT,   /* const char *, into the tree */
    AS_SETTING_CHOICE, /* int: the index of the word in `choices` */
    AS_SETTING_UINT,   /* uint64_t, least .. most */
    AS_SETTING_NUMBER, /* double, least .. most */
    AS_SETTING_BOOL,   /* bool */
    AS_SETTING_OBJECT, /* const cJSON *, into the tree */
    AS_SETTING_ANY     /* likewise, of any kind: the caller looks */
} as_setting_type;

typedef struct as_setting {
    const char *key;
    as_setting_type type;
    size_t offset;       /* in the caller's struct */
    double least, most;  /* of numbers */
    const char *choices; /* "constant|linear|cosine" */
} as_setting;

/* What is there goes into `out`, the rest of which stays as it was: the defaults. `table` ends with key NULL. AS_EUSAGE:
 * `CONFIG: key "lrr" unknown (known: ...)`, or `CONFIG: "lr": -1, where 0 to 10 is allowed`. */
int as_settings_read(void *out, const cJSON *object, const as_setting *table, const char *what, as_err *err);

/* The same with keys of several tables, each into values of its own. */
typedef struct as_settings {
    void *values;
    const as_setting *table;
} as_settings;
int as_settings_read_all(const as_settings *all, size_t n, const cJSON *object, const char *what, as_err *err);

/* As resolved, defaults and all: each key with its value as JSON; texts and objects that are NULL, and choices below 0, are
 * not there. What a run's manifest says. */
typedef void as_settings_put(void *ctx, const char *key, as_str raw_json);
int as_settings_show(const void *values, const as_setting *table, as_settings_put *put, void *ctx, as_err *err);

/* "optimizer.lr=0.1" into the tree: objects on the way are made; the value is JSON, or else a text as it stands. */
int as_settings_set(cJSON *object, const char *assignment, as_err *err);
#endif
