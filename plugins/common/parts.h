/* parts.h -- a part of a verifier made of others: {"verifier":"math","config":{...}} opened through assay.verifiers/1.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_PARTS_H
#define PC_PARTS_H
#include "common/config.h"

/* The service, or NULL with a sentence in err. */
const assay_svc_verifiers *pc_parts_service(const assay_host *host, assay_error *err);
/* Opens what `spec` names: a string "math", or "verifier" and "config" of an object (its other keys are the caller's, who
 * has asked for them in `c`). False: c has failed. `name` receives the name, cut to `size`. */
bool pc_part_open(pc_config *c, const assay_host *host, const char *verifier, const cJSON *config, uint32_t *part);
#endif
