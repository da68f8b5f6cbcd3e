/* plan.c -- the memory a model takes, counted by the functions that will ask for it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/plan.h"

#include "base/mem.h"
#include "model/adapter.h"

#include <stdio.h>

static const double MIB = 1048576;

static int bytes_of_run(const as_weights_index *index, k_device *dev, k_type type, k_type act,
                        const as_run_options *o, size_t *activations, size_t *scratch, as_err *err)
{
    *activations = *scratch = 0;
    if (o->tokens == 0)
        return 0;
    AS_CLEANUP(free)
    as_layer_activations *layers = as_calloc((size_t)index->config.n_layers, sizeof *layers);
    if (!layers)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_activations a;
    int rc = as_activations_lay_out(&a, layers, NULL, index, dev, type, act, o, err);
    if (rc < 0)
        return rc;
    *activations = a.activation_bytes;
    *scratch = a.scratch_bytes;
    return 0;
}

/* Of the linear layer that takes most: the backend keeps it for the others. */
static size_t bytes_of_products(const as_weights_index *index, k_device *dev, k_type type,
                                k_type act, const as_plan_options *o)
{
    const int64_t m =
        o->training.tokens > o->sampling.tokens ? o->training.tokens : o->sampling.tokens;
    size_t most = 0;
    for (size_t i = 0; i < index->n_tensors; i++) {
        const as_tensor *t = &index->tensors[i];
        if (!as_role_is_matrix(t->role))
            continue;
        const size_t bytes = dev->ops->product_bytes(dev, type, act, m, t->rows, t->cols);
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* Gradients, two moments, and a master copy where there must be one. */
static bool count_optimizer(as_plan *p, const as_weights_index *index,
                            const as_plan_options *options)
{
    const k_type type = options->parameters.type;
    const as_lora *lora = options->lora;
    const k_type real = k_real_type(type);
    const size_t learns = lora ? lora->n_elements : index->n_elements;
    bool ok = as_mul_ok(index->n_elements, k_type_size(real), &p->grads) &&
              as_mul_ok(learns, 2 * k_type_size(real), &p->moments);
    p->master = real == type || lora || options->no_master ? 0 : p->grads;
    return ok && (!lora || as_adapter_bytes(lora, real, &p->adapter, NULL) == 0);
}

static bool add_up(as_plan *p)
{
    size_t training = 0, sampling = 0, all = 0;
    const size_t parts[] = { p->weights, p->packed, p->tables,  p->grads,
                             p->moments, p->master, p->adapter, p->products };
    bool ok = as_add_ok(p->activations, p->scratch, &training) &&
              as_add_ok(p->sampling, p->cache, &sampling);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ok = ok && as_add_ok(all, parts[i], &all);
    p->region = training > sampling ? training : sampling;
    return ok && as_add_ok(all, p->region, &p->total);
}

int as_plan_make(as_plan *out, const as_weights_index *index, k_device *dev,
                 const as_plan_options *options, as_err *err)
{
    const k_type type = options->parameters.type;
    const k_type act = options->parameters.wide ? k_real_type(type) : type;
    as_plan p = { 0 };
    size_t activations = 0, scratch = 0;
    *out = p;
    int rc = as_parameters_bytes(index, dev, &options->parameters, &p.weights, &p.packed, &p.tables,
                                 err);
    if (rc == 0)
        rc = bytes_of_run(index, dev, type, act, &options->training, &p.activations, &p.scratch,
                          err);
    if (rc == 0)
        rc = bytes_of_run(index, dev, type, act, &options->sampling, &activations, &scratch, err);
    if (rc == 0 && options->n_blocks > 0)
        rc = as_kv_cache_bytes(index, act, options->n_blocks, options->block_size, &p.cache, err);
    if (rc < 0)
        return rc;
    p.products = bytes_of_products(index, dev, type, act, options);
    bool ok = as_add_ok(activations, scratch, &p.sampling);
    if (options->training.tokens > 0)
        ok = ok && count_optimizer(&p, index, options);
    if (!ok || !add_up(&p))
        return as_fail(err, AS_ENOMEM,
                       "the model and its passes are larger than the address space");
    *out = p;
    return 0;
}

static void line(as_buf *out, const char *what, size_t bytes)
{
    if (bytes > 0)
        as_buf_addf(out, "  %-52s %10.1f\n", what, (double)bytes / MIB);
}

void as_plan_print(const as_plan *plan, const as_weights_index *index, const k_device *dev,
                   const as_plan_options *options, as_buf *out)
{
    static const char *const types[] = { [K_F32] = "fp32", [K_BF16] = "bf16", [K_F64] = "fp64" };
    static const char *const kept[] = { [AS_KEEP_ALL] = "all kept",
                                        [AS_RECOMPUTE_CHEAP] = "norms and SwiGLU again",
                                        [AS_RECOMPUTE_LAYER] = "layers again" };
    char what[80];
    as_buf_addf(out, "memory plan: %.2f M parameters in %s%s on %s, MiB\n",
                (double)index->n_params / 1e6, types[options->parameters.type],
                options->parameters.wide && options->parameters.type == K_BF16
                    ? " (activations in fp32)"
                    : "",
                dev->ops->name);
    line(out, "weights", plan->weights);
    line(out, "weights, packed for products", plan->packed);
    line(out, "tables of positions, wide norms", plan->tables);
    line(out, "gradients", plan->grads);
    line(out, "moments", plan->moments);
    line(out, "master weights", plan->master);
    line(out, "adapter, frozen matrices", plan->adapter);
    (void)snprintf(what, sizeof what, "activations of %lld tokens, %s",
                   (long long)options->training.tokens, kept[options->training.recompute]);
    line(out, what, plan->activations);
    line(out, "scratch of training", plan->scratch);
    line(out, "products, the backend's own", plan->products);
    (void)snprintf(what, sizeof what, "sampling, %lld tokens at once",
                   (long long)options->sampling.tokens);
    line(out, what, plan->sampling);
    (void)snprintf(what, sizeof what, "keys and values, %lld x %lld positions",
                   (long long)options->n_blocks, (long long)options->block_size);
    line(out, what, plan->cache);
    line(out, "total (training or sampling at a time)", plan->total);
}

int as_plan_check(const as_plan *plan, size_t limit, const char *cure, as_err *err)
{
    if (plan->total <= limit)
        return 0;
    size_t states = plan->weights + plan->packed + plan->tables + plan->grads + plan->moments +
                    plan->master + plan->adapter;
    char others[48] = "";
    if (plan->beside)
        (void)snprintf(others, sizeof others, ", other models %.1f", (double)plan->beside / MIB);
    return as_fail(err, AS_EBUDGET,
                   "%.1f MiB are needed, %.1f MiB are allowed (weights and optimizer %.1f, "
                   "training passes %.1f, sampling %.1f%s): %s",
                   (double)plan->total / MIB, (double)limit / MIB, (double)states / MIB,
                   (double)(plan->activations + plan->scratch) / MIB,
                   (double)(plan->sampling + plan->cache) / MIB, others, cure);
}
