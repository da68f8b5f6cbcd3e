/* check_open.c -- brings a test's child to where the test begins: the plugin loaded, a host to
 * offer, an instance made. SPDX-License-Identifier: Apache-2.0 */
#include "plug/check_env.h"
#include "plug/entry.h"
#include "plug/services.h"

const char *as_status_word(assay_status s)
{
    static const char *const words[] = { "ASSAY_OK",          "ASSAY_E_FAIL",
                                         "ASSAY_E_NOMEM",     "ASSAY_E_ARG",
                                         "ASSAY_E_CONFIG",    "ASSAY_E_UNSUPPORTED",
                                         "ASSAY_E_CANCELLED", "ASSAY_E_IO" };
    return s <= 0 && s > -8 ? words[-s] : "a status that plugin.h does not know";
}

bool as_check_is(const as_checker *c, uint32_t flag)
{
    return (c->d->flags & flag) != 0;
}

/* The real services, so that verifiers made of others can be checked: parts are looked up beside
 * the plugin first. The child ends soon and gives everything back at once. */
static int offer_services(as_checker *c, as_err *err)
{
    as_registry *registry = NULL;
    static const as_scorer_options options = { .threads = 2 };
    as_registry_options where = { NULL, NULL };
    as_str path = as_str_of(c->plugin->path ? c->plugin->path : "");
    const char *slash = path.len ? strrchr(path.data, '/') : NULL;
    if (slash)
        where.plugin_path =
            as_arena_str(&c->arena, (as_str){ path.data, (size_t)(slash - path.data) }).data;
    int rc = as_registry_open(&registry, &where, err);
    rc = rc < 0 ? rc : as_services_new(&c->services, registry, &options, err);
    if (rc == 0)
        c->host = as_services_host(c->services);
    return rc;
}

int as_check_load(as_checker *c)
{
    as_err err = { 0 };
    int rc = 0;
    c->entry = c->plugin->entry;
    if (!c->entry)
        rc = as_entry_open(&c->entry, c->plugin->path, &err);
    rc = rc < 0 ? rc : as_entry_find(&c->d, c->entry, c->what, c->plugin->verifier, &err);
    rc = rc < 0 ? rc : offer_services(c, &err);
    return rc < 0 ? as_check_fail(c, "%s", err.text) : 0;
}

assay_status as_check_try_create(as_checker *c, as_str config, assay_verifier **out,
                                 assay_error *error)
{
    *error = (assay_error){ .size = sizeof(*error) };
    *out = NULL;
    as_services *outer = as_services_creating(c->services); /* parts may be opened from here on, */
    assay_status status = c->d->create(c->d, c->host, config, out, error);
    (void)as_services_creating(outer); /* and no longer */
    error->text[sizeof(error->text) - 1] = 0;
    return status;
}

static const char *missing_part(const assay_verifier *v)
{
    if (!AS_HAS(v, extension))
        return "size is too small (set it to sizeof(assay_verifier))";
    if (!v->destroy)
        return "destroy is NULL";
    return v->score ? NULL : "score is NULL";
}

int as_check_create(as_checker *c, as_str config, assay_verifier **out)
{
    assay_error error;
    assay_status status = as_check_try_create(c, config, out, &error);
    if (status != ASSAY_OK)
        return as_check_fail(c, "create() refuses %.80s: %s: %s", config.data,
                             as_status_word(status), error.text);
    if (!*out)
        return as_check_fail(c, "create() returned ASSAY_OK but left *out NULL");
    const char *missing = missing_part(*out);
    return missing ? as_check_fail(c, "create() made a verifier whose %s", missing) : 0;
}

const assay_ext_answer *as_check_answer(const assay_verifier *v)
{
    if (!v->extension)
        return NULL;
    const assay_ext_answer *x = v->extension(v, ASSAY_EXT_ANSWER);
    return x && AS_HAS(x, extract) && x->extract ? x : NULL;
}

void as_check_range(const as_checker *c, const assay_verifier *v, float *low, float *high)
{
    bool own = AS_HAS(v, score_max) && (v->score_min != 0 || v->score_max != 0);
    *low = own ? v->score_min : c->d->score_min;
    *high = own ? v->score_max : c->d->score_max;
}
