/* parts.h -- a part of a verifier made of others: {"verifier":"math","config":{...}} opened through
 * assay.verifiers/1. SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_PARTS_H
#define PC_PARTS_H
#include "common/config.h"

/* The service, or NULL with a sentence in err. */
const assay_svc_verifiers *pc_parts_service(const assay_host *host, assay_error *err);
/* Opens what `spec` names: a string "math", or "verifier" and "config" of an object (its other keys
 * are the caller's, who has asked for them in `c`). False: c has failed. `name` receives the name,
 * cut to `size`. */
bool pc_part_open(pc_config *c, const assay_host *host, const char *verifier, const cJSON *config,
                  uint32_t *part);

/* Items [lo, hi) of a batch as a batch of their own. */
static inline assay_batch pc_slice_batch(const assay_batch *b, uint32_t lo, uint32_t hi)
{
    return (assay_batch){ .size = sizeof *b,
                          .n = hi - lo,
                          .prompt = b->prompt ? b->prompt + lo : NULL,
                          .completion = b->completion ? b->completion + lo : NULL,
                          .reference = b->reference ? b->reference + lo : NULL,
                          .meta = b->meta ? b->meta + lo : NULL,
                          .group = b->group ? b->group + lo : NULL,
                          .seed = b->seed ? b->seed + lo : NULL };
}
#endif
