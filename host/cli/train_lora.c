/* train_lora.c -- the key "lora" of a training's configuration: PEFT's names (LoraConfig), PEFT's
 * defaults. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train.h"

#include <stdio.h>

typedef struct lora_keys {
    uint64_t r;
    double alpha, dropout;
    bool is_rslora;
    const cJSON *targets;
} lora_keys;

static const as_setting settings[] = {
    { .key = "r",
      .type = AS_SETTING_UINT,
      .offset = offsetof(lora_keys, r),
      .least = 1,
      .most = 65536 },
    { .key = "lora_alpha",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(lora_keys, alpha),
      .least = 1e-9,
      .most = 1e9 },
    { .key = "lora_dropout",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(lora_keys, dropout),
      .least = 0,
      .most = 1 },
    { .key = "use_rslora", .type = AS_SETTING_BOOL, .offset = offsetof(lora_keys, is_rslora) },
    { .key = "target_modules", .type = AS_SETTING_ANY, .offset = offsetof(lora_keys, targets) },
    { .key = NULL }
};

static int read_targets(unsigned *out, const cJSON *value, const char *what, as_err *err)
{
    if (cJSON_IsString(value) && strcmp(value->valuestring, "all-linear") == 0) {
        *out = AS_LORA_ALL;
        return 0;
    }
    const cJSON *list = cJSON_IsArray(value) ? value : NULL, *name;
    *out = 0;
    cJSON_ArrayForEach(name, list)
    {
        const unsigned target = cJSON_IsString(name) ? as_lora_target_of(name->valuestring) : 0;
        if (!target)
            return as_fail(err, AS_EUSAGE,
                           "%s: \"target_modules\": \"%.40s\" is none that can be adapted (q_proj, "
                           "k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj)",
                           what, cJSON_IsString(name) ? name->valuestring : "?");
        *out |= target;
    }
    return *out ? 0
                : as_fail(err, AS_EUSAGE,
                          "%s: \"target_modules\": a list as [\"q_proj\",\"v_proj\"], or "
                          "\"all-linear\", is allowed",
                          what);
}

int train_lora_read(as_lora_config *out, const cJSON *lora, const char *file, as_err *err)
{
    char what[200];
    lora_keys k = { .r = 8, .alpha = 8 };
    (void)snprintf(what, sizeof what, "%.180s: \"lora\"", file);
    int rc = as_settings_read(&k, lora, settings, what, err);
    if (rc < 0)
        return rc;
    if (k.dropout != 0)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"lora_dropout\": %g: dropout is not implemented; 0 is allowed", what,
                       k.dropout);
    *out = (as_lora_config){ .r = (int64_t)k.r,
                             .alpha = k.alpha,
                             .is_rslora = k.is_rslora,
                             .targets = AS_LORA_Q | AS_LORA_V };
    return k.targets ? read_targets(&out->targets, k.targets, what, err) : 0;
}

void train_lora_show(const as_lora_config *c, as_buf *out)
{
    static const char *const names[] = { "q_proj",    "k_proj",  "v_proj",   "o_proj",
                                         "gate_proj", "up_proj", "down_proj" };
    as_buf_addf(out, "{\"r\":%lld,\"lora_alpha\":", (long long)c->r);
    as_buf_json_num(out, c->alpha);
    as_buf_addf(out, ",\"lora_dropout\":0,\"use_rslora\":%s,\"target_modules\":[",
                c->is_rslora ? "true" : "false");
    const char *comma = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (c->targets & as_lora_target_of(names[i])) {
            as_buf_addf(out, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    as_buf_text(out, "]}");
}
