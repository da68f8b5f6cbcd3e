/* adapter.c -- see adapter.h. A [r, in] and B [out, r] of each matrix W [out, in].
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/adapter.h"

#include "base/mem.h"

static const double MIB = 1048576;

/* Numbers of all adapted matrices, and of the largest B. */
static void count(const as_lora *l, size_t *frozen, size_t *widest)
{
    *frozen = *widest = 0;
    for (size_t i = 0; i < l->n_matrices; i++) {
        const size_t b = (size_t)l->config.r * l->matrices[i].out;
        *frozen += l->matrices[i].in * l->matrices[i].out; /* of an arena that exists */
        *widest = b > *widest ? b : *widest;
    }
}

int as_adapter_bytes(const as_lora *lora, k_type type, size_t *out, as_err *err)
{
    size_t frozen, widest, both;
    count(lora, &frozen, &widest);
    const bool ok = as_mul_ok(lora->n_elements, 2, &both) && as_add_ok(both, frozen, &both) &&
                    as_add_ok(both, widest, &both) && as_mul_ok(both, k_type_size(type), out);
    return ok ? 0 : as_fail(err, AS_ENOMEM, "the adapter is larger than the address space");
}

static int failed(const char *what, int status, as_err *err)
{
    return status < 0 ? as_fail_kernel(err, status, what) : 0;
}

static void *at(const as_adapter *a, void *array, size_t element)
{
    return (char *)array + element * k_type_size(a->p->real);
}

/* Between the parameters and their frozen copy. */
static int copy_matrices(const as_adapter *a, bool back)
{
    int rc = 0;
    size_t next = 0;
    for (size_t i = 0; i < a->lora->n_matrices && rc == 0; i++) {
        const as_lora_matrix *m = &a->lora->matrices[i];
        void *w = at(a, a->p->arena, a->lora->index->parts[m->part].offset);
        void *copy = at(a, a->frozen, next);
        const k_cast c = { .x_type = a->p->real,
                           .y_type = a->p->real,
                           .n = (int64_t)(m->in * m->out),
                           .x = back ? copy : w,
                           .y = back ? w : copy };
        rc = a->p->dev->ops->cast(a->p->dev, &c);
        next += m->in * m->out;
    }
    return rc;
}

/* w += (s B) A */
static int add_product(const as_adapter *a, const as_lora_matrix *m)
{
    const k_backend *ops = a->p->dev->ops;
    const k_type real = a->p->real;
    const int64_t r = a->lora->config.r, n = r * (int64_t)m->out;
    const k_cast copy = {
        .x_type = real, .y_type = real, .n = n, .x = at(a, a->values, m->b), .y = a->scaled
    };
    const k_axpy scale = { .type = real, .n = n, .alpha = as_lora_scale(a->lora), .y = a->scaled };
    k_gemm_dx product = { .type = real, .m = (int64_t)m->out, .n = r, .k = (int64_t)m->in };
    product.dy = a->scaled;
    product.w = at(a, a->values, m->a);
    product.dx = at(a, a->p->arena, a->lora->index->parts[m->part].offset);
    product.accumulate = true;
    int rc = ops->cast(a->p->dev, &copy);
    if (rc == 0)
        rc = ops->scale(a->p->dev, &scale);
    return rc == 0 ? ops->gemm_nn(a->p->dev, &product) : rc;
}

int as_adapter_merge(as_adapter *a, as_err *err)
{
    int rc = copy_matrices(a, true);
    for (size_t i = 0; i < a->lora->n_matrices && rc == 0; i++)
        rc = add_product(a, &a->lora->matrices[i]);
    return rc < 0 ? failed("merging an adapter", rc, err) : as_parameters_changed(a->p, err);
}

static int add_grads(const as_adapter *a, const as_lora_matrix *m, const void *d_weights)
{
    const k_backend *ops = a->p->dev->ops;
    const k_type real = a->p->real;
    const void *dw =
        (const char *)d_weights + a->lora->index->parts[m->part].offset * k_type_size(real);
    const int64_t r = a->lora->config.r, in = (int64_t)m->in, out = (int64_t)m->out;
    k_gemm db = { .type = real, .y_type = real, .m = out, .n = r, .k = in, .x = dw };
    db.w = at(a, a->values, m->a);
    db.y = at(a, a->grads, m->b);
    k_gemm_dw da = { .type = real, .m = out, .n = r, .k = in, .x = dw };
    da.dy = at(a, a->values, m->b);
    da.dw = at(a, a->grads, m->a);
    int rc = ops->gemm_nt(a->p->dev, &db);
    return rc == 0 ? ops->gemm_tn(a->p->dev, &da) : rc;
}

int as_adapter_grad(as_adapter *a, const void *d_weights, as_err *err)
{
    const k_backend *ops = a->p->dev->ops;
    const size_t n = a->lora->n_elements;
    int rc = ops->zero(a->p->dev, a->grads, n * k_type_size(a->p->real));
    for (size_t i = 0; i < a->lora->n_matrices && rc == 0; i++)
        rc = add_grads(a, &a->lora->matrices[i], d_weights);
    const k_axpy scale = {
        .type = a->p->real, .n = (int64_t)n, .alpha = as_lora_scale(a->lora), .y = a->grads
    };
    return failed("the gradient of an adapter", rc == 0 ? ops->scale(a->p->dev, &scale) : rc, err);
}

int as_adapter_set(as_adapter *a, const float *values, as_err *err)
{
    if (a->p->real != K_F32)
        return as_fail(err, AS_EUSAGE, "adapters are floats; this device computes in doubles");
    int rc =
        a->p->dev->ops->copy_to(a->p->dev, a->values, values, a->lora->n_elements * sizeof *values);
    return rc < 0 ? failed("copying an adapter to the device", rc, err) : as_adapter_merge(a, err);
}

static int make(as_adapter *a, as_err *err)
{
    const k_backend *ops = a->p->dev->ops;
    const size_t size = k_type_size(a->p->real);
    size_t frozen, widest, bytes;
    int rc = as_adapter_bytes(a->lora, a->p->real, &bytes, err);
    if (rc < 0)
        return rc;
    count(a->lora, &frozen, &widest);
    a->values = ops->alloc(a->p->dev, a->lora->n_elements * size);
    a->grads = ops->alloc(a->p->dev, a->lora->n_elements * size);
    a->frozen = ops->alloc(a->p->dev, frozen * size);
    a->scaled = ops->alloc(a->p->dev, widest * size);
    if (!a->values || !a->grads || !a->frozen || !a->scaled)
        return as_fail(err, AS_ENOMEM, "no memory for an adapter (%.1f MiB)", (double)bytes / MIB);
    return failed("copying frozen weights", copy_matrices(a, false), err);
}

int as_adapter_new(as_adapter **out, as_parameters *p, const as_lora *lora, const float *values,
                   as_err *err)
{
    *out = NULL;
    if (p->type != p->real)
        return as_fail(err, AS_EUSAGE,
                       "an adapter learns beside weights in f32: in bf16, the sum of the two is "
                       "rounded to what it was before");
    as_adapter *a = as_calloc(1, sizeof *a);
    if (!a)
        return as_fail(err, AS_ENOMEM, "no memory for an adapter");
    *a = (as_adapter){ .p = p, .lora = lora };
    int rc = make(a, err);
    if (rc == 0)
        rc = as_adapter_set(a, values, err);
    if (rc < 0)
        as_adapter_free(a);
    else
        *out = a;
    return rc;
}

void as_adapter_free(as_adapter *a)
{
    if (!a)
        return;
    void *const pieces[] = { a->values, a->grads, a->frozen, a->scaled };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        a->p->dev->ops->free(a->p->dev, pieces[i]);
    as_free(a);
}
