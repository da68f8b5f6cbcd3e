/* optimizer.c -- see optimizer.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/optimizer.h"

#include "base/mem.h"

#include <math.h>

as_optimizer_options as_optimizer_standard(void)
{
    return (as_optimizer_options){
        .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01, .clip = 1
    };
}

static int failed(const char *what, int status, as_err *err)
{
    return status < 0 ? as_fail_kernel(err, status, what) : 0;
}

/* Of what learns. */
static size_t bytes_of(const as_optimizer *o)
{
    return o->n * k_type_size(o->p->real);
}

static size_t grad_bytes(const as_optimizer *o)
{
    return o->p->index->n_elements * k_type_size(o->p->real);
}

static bool is_narrow(const as_optimizer *o)
{
    return o->p->type != o->p->real;
}

static int fill(as_optimizer *o, as_err *err)
{
    const k_backend *ops = o->p->dev->ops;
    void **const arrays[] = { &o->grads, &o->m, &o->v };
    int rc = 0;
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        const size_t bytes = i == 0 ? grad_bytes(o) : bytes_of(o);
        *arrays[i] = ops->alloc(o->p->dev, bytes);
        rc = *arrays[i] ? ops->zero(o->p->dev, *arrays[i], bytes) : K_ENOMEM;
    }
    o->master = !is_narrow(o) ? (o->adapter ? o->adapter->values : o->p->arena) : NULL;
    if (rc == 0 && is_narrow(o) && !o->options.no_master) {
        o->master = ops->alloc(o->p->dev, bytes_of(o));
        const k_cast widen = { .x_type = o->p->type,
                               .y_type = o->p->real,
                               .n = (int64_t)o->p->index->n_elements,
                               .x = o->p->arena,
                               .y = o->master };
        rc = o->master ? ops->cast(o->p->dev, &widen) : K_ENOMEM;
    }
    return failed("memory of an optimizer", rc, err);
}

int as_optimizer_new(as_optimizer **out, as_parameters *p, as_adapter *adapter,
                     const as_optimizer_options *options, as_err *err)
{
    if (options->no_master && (adapter || p->type != K_BF16))
        return as_fail(err, AS_EUSAGE,
                       "steps without master weights are of weights in bf16, not of %s",
                       adapter ? "an adapter" : "wider ones");
    as_optimizer *o = as_calloc(1, sizeof *o);
    if (!o)
        return as_fail(err, AS_ENOMEM, "no memory for an optimizer");
    o->p = p;
    o->adapter = adapter;
    o->n = adapter ? adapter->lora->n_elements : p->index->n_elements;
    o->options = *options;
    int rc = fill(o, err);
    if (rc < 0)
        as_optimizer_free(o);
    else
        *out = o;
    return rc;
}

void as_optimizer_free(as_optimizer *o)
{
    if (!o)
        return;
    const k_backend *ops = o->p->dev->ops;
    ops->free(o->p->dev, o->grads);
    ops->free(o->p->dev, o->m);
    ops->free(o->p->dev, o->v);
    if (is_narrow(o))
        ops->free(o->p->dev, o->master);
    as_free(o);
}

int as_optimizer_zero(as_optimizer *o, as_err *err)
{
    return failed("zeroing gradients", o->p->dev->ops->zero(o->p->dev, o->grads, grad_bytes(o)),
                  err);
}

/* ---- a step ---- */

static bool decays(const as_tensor *t)
{
    return as_role_is_matrix(t->role);
}

static void *at(void *array, k_type type, size_t element)
{
    return (char *)array + element * k_type_size(type);
}

/* Gradients of what learns. */
static void *learned(const as_optimizer *o)
{
    return o->adapter ? o->adapter->grads : o->grads;
}

/* From one element on up to another, all of one decay. */
static int update(const as_optimizer *o, uint64_t step, double lr, double scale, double decay,
                  size_t from, size_t to)
{
    const k_type real = o->p->real;
    const as_optimizer_options *how = &o->options;
    const k_adamw a = { .real = real,
                        .n = (int64_t)(to - from),
                        .step = (int64_t)step,
                        .lr = lr,
                        .beta1 = how->beta1,
                        .beta2 = how->beta2,
                        .eps = how->eps,
                        .weight_decay = decay,
                        .grad_scale = scale,
                        .master = o->master ? at(o->master, real, from) : NULL,
                        .m = at(o->m, real, from),
                        .v = at(o->v, real, from),
                        .grad = at(learned(o), real, from),
                        .copy = is_narrow(o) ? at(o->p->arena, o->p->type, from) : NULL,
                        .copy_type = o->p->type,
                        .seed = how->seed,
                        .first = from };
    return o->p->dev->ops->adamw(o->p->dev, &a);
}

/* Neighbours of one decay go in one call. */
static int update_all(const as_optimizer *o, uint64_t step, double lr, double scale)
{
    const as_weights_index *x = o->p->index;
    int rc = 0;
    if (o->adapter) /* matrices, all of it */
        return update(o, step, lr, scale, o->options.weight_decay, 0, o->n);
    for (size_t i = 0, next; i < x->n_tensors && rc == 0; i = next) {
        for (next = i + 1;
             next < x->n_tensors && decays(&x->tensors[next]) == decays(&x->tensors[i]);)
            next++;
        rc = update(o, step, lr, scale, decays(&x->tensors[i]) ? o->options.weight_decay : 0,
                    x->tensors[i].offset,
                    next < x->n_tensors ? x->tensors[next].offset : x->n_elements);
    }
    return rc;
}

int as_optimizer_step(as_optimizer *o, uint64_t step, double lr, double *norm, as_err *err)
{
    double squares = 0;
    int rc = o->adapter ? as_adapter_grad(o->adapter, o->grads, err) : 0;
    if (rc < 0)
        return rc;
    rc = o->p->dev->ops->sum_squares(o->p->dev, o->p->real, (int64_t)o->n, learned(o), &squares);
    if (rc < 0)
        return failed("norm of the gradient", rc, err);
    *norm = sqrt(squares);
    if (!isfinite(*norm))
        return as_fail(
            err, AS_EDATA,
            "step %llu: the gradient is not finite; a smaller learning rate, or bf16 to f32",
            (unsigned long long)step);
    const double clip = o->options.clip,
                 scale = clip > 0 && *norm + 1e-6 > clip ? clip / (*norm + 1e-6) : 1;
    rc = update_all(o, step, lr, scale);
    if (rc < 0)
        return failed("a step of the optimizer", rc, err);
    return o->adapter ? as_adapter_merge(o->adapter, err) : as_parameters_changed(o->p, err);
}

/* ---- checkpoints ---- */

static int check_float(const as_optimizer *o, as_err *err)
{
    return o->p->real == K_F32
               ? 0
               : as_fail(err, AS_EUSAGE,
                         "checkpoints hold floats; this device computes in doubles");
}

/* Weights that are their own master. */
static int get_narrow(const as_optimizer *o, float *weights, as_err *err)
{
    AS_CLEANUP(free) void *narrow = as_calloc(o->n, k_type_size(o->p->type));
    if (!narrow)
        return as_fail(err, AS_ENOMEM, "no memory for a copy of the weights");
    int rc =
        o->p->dev->ops->copy_from(o->p->dev, narrow, o->p->arena, o->n * k_type_size(o->p->type));
    if (rc == 0)
        as_convert(weights, AS_F32, narrow, AS_BF16, o->n);
    return failed("copy of the weights", rc, err);
}

int as_optimizer_get(const as_optimizer *o, float *master, float *m, float *v, as_err *err)
{
    const k_backend *ops = o->p->dev->ops;
    int rc = check_float(o, err);
    if (rc < 0)
        return rc;
    if (!o->master && (rc = get_narrow(o, master, err)) < 0)
        return rc;
    rc = o->master ? ops->copy_from(o->p->dev, master, o->master, bytes_of(o)) : 0;
    if (rc == 0)
        rc = ops->copy_from(o->p->dev, m, o->m, bytes_of(o));
    if (rc == 0)
        rc = ops->copy_from(o->p->dev, v, o->v, bytes_of(o));
    return failed("copy of an optimizer's state", rc, err);
}

int as_optimizer_set(as_optimizer *o, const float *master, const float *m, const float *v,
                     as_err *err)
{
    const k_backend *ops = o->p->dev->ops;
    int rc = check_float(o, err);
    if (rc == 0)
        rc = o->adapter ? as_adapter_set(o->adapter, master, err)
                        : as_parameters_set(o->p, master, AS_F32, err);
    if (rc < 0)
        return rc;
    rc = is_narrow(o) && o->master ? ops->copy_to(o->p->dev, o->master, master, bytes_of(o)) : 0;
    if (rc == 0)
        rc = ops->copy_to(o->p->dev, o->m, m, bytes_of(o));
    if (rc == 0)
        rc = ops->copy_to(o->p->dev, o->v, v, bytes_of(o));
    return failed("copy of an optimizer's state", rc, err);
}
