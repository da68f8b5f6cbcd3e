/* parts.c -- from a configuration to opened verifiers: names, weights, gates.
 * SPDX-License-Identifier: Apache-2.0 */
#include "reward/inner.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>

enum {
    TEXT_MAX = 1 << 20,
    TIMEOUT_MOST_MS = 86400000,
    CHUNK_US = 20000, /* of work in a call, so that a dear verifier's items go to all threads */
    CHUNK_MOST = 256,
    CHUNK_UNKNOWN = 32,
    ENOUGH_US = 2000, /* of work: less is not worth a call of its own while more may come */
    ENOUGH_MOST = 64,
    ENOUGH_UNKNOWN = 8
};

typedef struct opening {
    as_reward *w;
    as_registry *registry;
    const char *what; /* "reward[1]" */
    bool is_watched;
} opening;

static uint32_t fit(uint32_t us, uint32_t cost_us, uint32_t unknown, uint32_t most)
{
    if (!cost_us)
        return unknown;
    uint32_t n = us / cost_us;
    return n < 1 ? 1 : n > most ? most : n;
}

/* "math"; a second one is "math:2". */
static void name_part(const as_reward *w, part *p)
{
    const char *name = as_info_short_name(as_scorer_info(p->scorer));
    unsigned twins = 0;
    for (uint32_t k = 0; k < w->n_parts; k++) {
        const as_scorer *other = w->parts[k].scorer;
        twins += strcmp(as_info_short_name(as_scorer_info(other)), name) == 0;
    }
    if (twins)
        (void)snprintf(p->name, sizeof p->name, "%.40s:%u", name, twins + 1);
    else
        (void)snprintf(p->name, sizeof p->name, "%.40s", name);
}

static int open_scorer(const opening *o, part *p, const char *text, unsigned timeout_ms,
                       as_err *err)
{
    const as_reward_options *options = &o->w->options;
    as_scorer_options how = { .isolation = options->isolation,
                              .threads = options->threads,
                              .timeout_ms = timeout_ms ? timeout_ms : options->timeout_ms,
                              .worker_mem_mib = options->worker_mem_mib,
                              .cache = options->cache,
                              .cancel = options->cancel };
    int rc = as_scorer_open(&p->scorer, o->registry, text, &how, err);
    if (rc < 0) {
        as_err_prefix(err, "%s", o->what);
        return rc;
    }
    const as_verifier_info *info = as_scorer_info(p->scorer);
    p->by_group = info->flags & ASSAY_F_NEEDS_GROUP;
    p->chunk = fit(CHUNK_US, info->cost_us, CHUNK_UNKNOWN, CHUNK_MOST);
    p->enough = fit(ENOUGH_US, info->cost_us, ENOUGH_UNKNOWN, ENOUGH_MOST);
    if (info->flags & (ASSAY_F_BLOCKS | ASSAY_F_USES_NETWORK))
        p->chunk = p->enough = 1; /* rows that wait for somebody else wait side by side */
    p->max_jobs = as_scorer_threads(p->scorer);
    name_part(o->w, p);
    return 0;
}

static int bad_value(const opening *o, const char *key, const char *wanted, as_err *err)
{
    return as_fail(err, AS_EUSAGE, "%s: \"%s\" must be %s", o->what, key, wanted);
}

static int take_weight(const opening *o, part *p, const cJSON *weight, const cJSON *gate,
                       as_err *err)
{
    const double most = 1e6;
    if (o->is_watched && (weight || gate))
        return as_fail(err, AS_EUSAGE,
                       "%s: \"%s\" has no place here: what is held out is watched, and never "
                       "trains",
                       o->what, weight ? "weight" : "gate");
    bool is_number = gate && cJSON_IsNumber(gate);
    if (gate && !cJSON_IsBool(gate) && !(is_number && fabs(gate->valuedouble) <= most))
        return bad_value(o, "gate",
                         "true, false, or the reward of what does not pass (-1e6 to 1e6)", err);
    p->is_gate = is_number || cJSON_IsTrue(gate);
    p->lost = is_number ? gate->valuedouble : 0;
    p->weight = p->is_gate || o->is_watched ? 0 : 1;
    if (weight && !(cJSON_IsNumber(weight) && fabs(weight->valuedouble) <= most))
        return bad_value(o, "weight", "a number from -1e6 to 1e6", err);
    if (weight)
        p->weight = weight->valuedouble;
    p->is_watched = o->is_watched || (!p->is_gate && p->weight == 0);
    return 0;
}

/* "NAME" and the object of its configuration as as_scorer_open takes them. */
static int add_object(const opening *o, part *p, const cJSON *spec, as_err *err)
{
    static const char *const known[] = { "plugin", "config", "weight", "gate", "timeout_ms", NULL };
    int rc = as_json_known_keys(spec, known, o->what, err);
    if (rc < 0)
        return rc;
    const cJSON *plugin = cJSON_GetObjectItemCaseSensitive(spec, "plugin");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(spec, "config");
    const cJSON *timeout = cJSON_GetObjectItemCaseSensitive(spec, "timeout_ms");
    if (!cJSON_IsString(plugin) || !*plugin->valuestring)
        return bad_value(o, "plugin", "there: the verifier's name or path", err);
    if (config && !cJSON_IsObject(config))
        return bad_value(o, "config", "an object: the verifier's configuration", err);
    if (config && strstr(plugin->valuestring, ":{"))
        return as_fail(err, AS_EUSAGE,
                       "%s: a configuration in \"plugin\" and one in \"config\": leave one out",
                       o->what);
    if (timeout && !(cJSON_IsNumber(timeout) && timeout->valuedouble >= 1 &&
                     timeout->valuedouble <= TIMEOUT_MOST_MS))
        return bad_value(o, "timeout_ms", "a number from 1 to 86400000 (a day)", err);
    rc = take_weight(o, p, cJSON_GetObjectItemCaseSensitive(spec, "weight"),
                     cJSON_GetObjectItemCaseSensitive(spec, "gate"), err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, TEXT_MAX);
    as_buf_text(&text, plugin->valuestring);
    if (config) {
        as_buf_byte(&text, ':');
        as_json_print(config, &text);
    }
    rc = as_buf_check(&text, err);
    return rc == 0 ? open_scorer(o, p, text.data, timeout ? (unsigned)timeout->valuedouble : 0, err)
                   : rc;
}

static int add_part(const opening *o, const cJSON *spec, as_err *err)
{
    as_reward *w = o->w;
    if (w->n_parts == AS_REWARD_PARTS)
        return as_fail(err, AS_EUSAGE, "%s: more than %d verifiers, those held out included",
                       o->what, AS_REWARD_PARTS);
    part *p = &w->parts[w->n_parts];
    *p = (part){ .owner = w, .weight = o->is_watched ? 0 : 1, .is_watched = o->is_watched };
    int rc;
    if (cJSON_IsString(spec) && *spec->valuestring)
        rc = open_scorer(o, p, spec->valuestring, 0, err);
    else if (cJSON_IsObject(spec))
        rc = add_object(o, p, spec, err);
    else
        rc =
            as_fail(err, AS_EUSAGE,
                    "%s: a verifier is \"NAME\", \"NAME:{...}\" or {\"plugin\":NAME,...}", o->what);
    w->n_parts += rc == 0;
    return rc;
}

static int add_all(as_reward *w, as_registry *registry, const cJSON *spec, const char *key,
                   as_err *err)
{
    bool is_watched = strcmp(key, "holdout") == 0;
    opening o = { w, registry, key, is_watched };
    if (!cJSON_IsArray(spec))
        return add_part(&o, spec, err);
    if (!spec->child)
        return as_fail(err, AS_EUSAGE, "%s: the list names no verifier", key);
    unsigned i = 0;
    for (const cJSON *one = spec->child; one; one = one->next) {
        char what[32];
        (void)snprintf(what, sizeof what, "%s[%u]", key, i++);
        o.what = what;
        int rc = add_part(&o, one, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int as_reward_parts_open(as_reward *w, as_registry *registry, const cJSON *spec, as_err *err)
{
    int rc = add_all(w, registry, spec, "reward", err);
    bool trains = false;
    for (uint32_t k = w->n_parts; rc == 0 && k-- > 0;) {
        trains = trains || !w->parts[k].is_watched;
        if (w->parts[k].weight != 0)
            w->main_part = k;
    }
    if (rc == 0 && !trains)
        return as_fail(err, AS_EUSAGE,
                       "reward: no verifier has a weight, and none is a gate: nothing would train");
    if (rc == 0 && w->options.holdout)
        rc = add_all(w, registry, w->options.holdout, "holdout", err);
    return rc;
}

void as_reward_parts_close(as_reward *w)
{
    for (uint32_t k = 0; k < w->n_parts; k++)
        as_scorer_close(w->parts[k].scorer);
    w->n_parts = 0;
}
