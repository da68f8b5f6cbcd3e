/* config.h -- reads the one JSON object a verifier is configured by; unknown keys, wrong types and
 * values out of range are refused with a sentence. The keys asked for are the keys that exist:
 * pc_config_close() names any other. SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_CONFIG_H
#define PC_CONFIG_H
#include "common/text.h"

#include <cjson/cJSON.h>

enum { PC_CONFIG_KEYS = 24 };
typedef struct pc_config {
    cJSON *root;
    assay_error *err;  /* may be NULL */
    bool failed;       /* the first complaint stays */
    const char *where; /* "config", or a name for an inner object */
    const char *asked[PC_CONFIG_KEYS];
    unsigned n_asked;
} pc_config;

void pc_error(assay_error *err, assay_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

assay_status pc_config_open(pc_config *c, assay_str json,
                            assay_error *err); /* absent or blank: {} */
/* Reads an object inside; shares the error of its parent. pc_config_close() frees nothing then. */
void pc_config_inner(pc_config *c, const pc_config *parent, const cJSON *object, const char *where);
const cJSON *pc_config_get(pc_config *c, const char *key); /* NULL: not given */
bool pc_config_bool(pc_config *c, const char *key, bool standard);
double pc_config_num(pc_config *c, const char *key, double standard, double low, double high);
uint64_t pc_config_uint(pc_config *c, const char *key, uint64_t standard, uint64_t low,
                        uint64_t high); /* <= 2^53 */
/* Index into `words` (NULL-terminated). */
int pc_config_word(pc_config *c, const char *key, const char *const *words, int standard);
const char *pc_config_str(pc_config *c, const char *key,
                          const char *standard); /* lives until close */
void pc_config_fail(pc_config *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ASSAY_OK, or ASSAY_E_CONFIG with the text in err. Frees the tree: strings are gone afterwards. */
assay_status pc_config_close(pc_config *c);
/* The check of unknown keys alone, so that strings can still be used; close does it too. */
assay_status pc_config_check(pc_config *c);
#endif
