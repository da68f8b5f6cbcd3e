/* model_service.c -- see model_service.h. Lock: `lock` guards all of it, the passes too: a model
 * has one run, which uses every core by itself. SPDX-License-Identifier: Apache-2.0 */
#include "cli/model_service.h"

#include "base/mem.h"
#include "base/path.h"
#include "cli/model.h"
#include "model/reward_model.h"
#include "plug/services.h"

#include <assay/plugin.h>
#include <math.h>
#include <pthread.h>

enum { MODELS_MAX = 16 };

static struct {
    pthread_mutex_t lock;
    k_device *dev;
    char *folders[MODELS_MAX];
    as_reward_model *models[MODELS_MAX];
    uint32_t n;
} service = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int add_model(char *folder, as_err *err)
{
    if (service.n == MODELS_MAX)
        return as_fail(err, AS_EUSAGE, "more than %d reward models", MODELS_MAX);
    int rc = service.dev ? 0 : as_cli_device_open(&service.dev, "cpu", 0, false, err);
    if (rc == 0)
        rc = as_reward_model_open(&service.models[service.n], folder, service.dev, NULL, err);
    if (rc == 0)
        service.folders[service.n++] = folder;
    return rc;
}

static int open_model(const assay_host *host, assay_str folder, uint32_t *model, as_err *err)
{
    if (!as_services_is_creating(host))
        return as_fail(err, AS_EUSAGE,
                       "models are opened in create() only, on the thread it was called on");
    AS_CLEANUP(free) char *name = as_strndup(folder.data ? folder.data : "", folder.len);
    if (!name)
        return as_fail(err, AS_ENOMEM, "opening a model: out of memory");
    AS_CLEANUP(free) char *path = as_path_real(name, err); /* two names of one folder are one */
    if (!path)
        return AS_EUSAGE;
    (void)pthread_mutex_lock(&service.lock);
    uint32_t i = 0;
    while (i < service.n && strcmp(service.folders[i], path) != 0)
        i++;
    int rc = i < service.n ? 0 : add_model(path, err);
    if (rc == 0 && service.folders[i] == path)
        path = NULL; /* it is kept */
    *model = i;
    (void)pthread_mutex_unlock(&service.lock);
    return rc;
}

static assay_status svc_open(const assay_host *host, assay_str folder, uint32_t *model,
                             assay_error *e)
{
    as_err err = { 0 };
    int rc = open_model(host, folder, model, &err);
    return rc < 0 ? as_services_error(e, &err) : ASSAY_OK;
}

static int check_call(void *ctx, as_err *err)
{
    const assay_call *call = ctx;
    return call->cancelled && call->cancelled(call)
               ? as_fail(err, AS_EBUDGET, "the model gave up at its deadline")
               : 0;
}

static int reward(const assay_call *call, uint32_t model, const assay_batch *b, float *out,
                  as_arena *arena, as_err *err)
{
    union {
        const assay_call *given;
        void *ctx;
    } asked = { .given = call }; /* the callback casts it back */
    as_items items;
    int rc = as_items_of_batch(&items, b, arena, err);
    double *score = as_arena_calloc(arena, b->n, sizeof *score);
    if (rc == 0 && !score)
        rc = as_fail(err, AS_ENOMEM, "batch of %u items: out of memory", b->n);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&service.lock);
    if (model < service.n)
        rc = as_reward_model_score(service.models[model], items.prompt, items.completion, b->n,
                                   score, check_call, asked.ctx, err);
    else
        rc = as_fail(err, AS_EUSAGE, "there is no model %u", model);
    (void)pthread_mutex_unlock(&service.lock);
    for (uint32_t i = 0; i < b->n && rc == 0; i++)
        out[i] = (float)score[i];
    return rc;
}

static assay_status svc_reward(const assay_host *host, const assay_call *call, uint32_t model,
                               const assay_batch *b, float *out, assay_error *e)
{
    (void)host;
    as_arena arena;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    int rc = reward(call, model, b, out, &arena, &err);
    as_arena_fini(&arena);
    return rc < 0 ? as_services_error(e, &err) : ASSAY_OK;
}

static assay_status svc_logp(const assay_host *host, const assay_call *call, uint32_t model,
                             const assay_batch *b, double *sum_logp, uint32_t *n_tokens,
                             assay_error *e)
{
    as_err err = { 0 };
    (void)host, (void)call, (void)model;
    for (uint32_t k = 0; k < b->n; k++) {
        sum_logp[k] = NAN;
        n_tokens[k] = 0;
    }
    (void)as_fail(&err, AS_EUSAGE,
                  "this host opens reward models, which have no head for tokens and give no "
                  "log-probabilities");
    (void)as_services_error(e, &err);
    return ASSAY_E_UNSUPPORTED;
}

static const assay_svc_model table = {
    .size = sizeof table, .open = svc_open, .reward = svc_reward, .logp = svc_logp
};

void as_cli_offer_models(void)
{
    as_services_offer(ASSAY_SVC_MODEL, &table);
}

void as_cli_close_models(void)
{
    for (uint32_t i = 0; i < service.n; i++) {
        as_reward_model_free(service.models[i]);
        as_free(service.folders[i]);
    }
    service.n = 0;
    k_device_close(AS_STEAL(service.dev));
}
