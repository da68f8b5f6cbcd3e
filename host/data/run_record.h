/* run_record.h -- manifest.json of a run: what was asked, with which versions, seeds and hashes, and how far it got.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_DATA_RUN_RECORD_H
#define AS_DATA_RUN_RECORD_H
#include "base/buf.h"
#include "base/hash.h"
#include "base/json.h"

typedef struct as_run_record {
    cJSON *json; /* {"schema":"assay.manifest/1","command","version","created","config":{},"seeds":{},"hashes":{},...} */
} as_run_record;
int as_run_record_new(as_run_record *r, const char *command, as_err *err);
int as_run_record_load(as_run_record *r, const char *path, as_err *err); /* AS_EDATA if not one of ours */
void as_run_record_fini(as_run_record *r);
void as_run_record_config(as_run_record *r, const char *key, as_str raw_json);   /* config.KEY */
void as_run_record_number(as_run_record *r, const char *key, double x);          /* config.KEY */
/* as_run_record_config or as_run_record_set, of a text that becomes JSON. */
typedef void as_run_record_put(as_run_record *r, const char *key, as_str raw_json);
int as_run_record_text(as_run_record *r, as_run_record_put *write, const char *key, const char *text, as_err *err);
void as_run_record_seed(as_run_record *r, const char *name, uint64_t seed);      /* seeds.NAME, as a decimal string */
void as_run_record_hash(as_run_record *r, const char *name, as_digest digest);   /* hashes.NAME, hex */
void as_run_record_set(as_run_record *r, const char *key, as_str raw_json);      /* top level: counts, timing, ... */
int as_run_record_save(const as_run_record *r, const char *path, as_err *err);   /* written, then renamed */
/* 0 when `now` continues `before`: same command, config, seeds, hashes. Else AS_EUSAGE naming the first difference and
 * the cure (--force). Another "computed_by" (by whose arithmetic) is no reason to refuse: a warning says it. */
int as_run_record_continues(const as_run_record *before, const as_run_record *now, as_err *err);
#endif
