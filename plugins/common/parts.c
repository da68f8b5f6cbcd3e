/* parts.c -- see parts.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/parts.h"

const assay_svc_verifiers *pc_parts_service(const assay_host *host, assay_error *err)
{
    const assay_svc_verifiers *svc =
        host && host->service ? host->service(host, ASSAY_SVC_VERIFIERS) : NULL;
    if (!svc)
        pc_error(err, ASSAY_E_UNSUPPORTED, "this host does not offer %s, which opens the parts",
                 ASSAY_SVC_VERIFIERS);
    return svc;
}

bool pc_part_open(pc_config *c, const assay_host *host, const char *verifier, const cJSON *config,
                  uint32_t *part)
{
    const assay_svc_verifiers *svc = host->service(host, ASSAY_SVC_VERIFIERS);
    if (config && !cJSON_IsObject(config)) {
        pc_config_fail(c, "the config of part \"%.60s\" is not a JSON object", verifier);
        return false;
    }
    pc_buf text = { 0 };
    char *json = config ? cJSON_PrintUnformatted(config) : NULL;
    pc_buf_text(&text, verifier);
    if (json) {
        pc_buf_byte(&text, ':');
        pc_buf_text(&text, json);
    }
    cJSON_free(json);
    assay_error inner = { .size = sizeof inner };
    assay_status rc = text.failed || (config && !json)
                          ? ASSAY_E_NOMEM
                          : svc->open(host, pc_buf_str(&text), part, &inner);
    pc_buf_fini(&text);
    if (rc)
        pc_config_fail(c, "part \"%.60s\": %.160s", verifier,
                       inner.text[0] ? inner.text : "could not be opened");
    return rc == ASSAY_OK;
}
