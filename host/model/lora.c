/* lora.c -- layout, start and merging of LoRA adapters. SPDX-License-Identifier: Apache-2.0 */
#include "model/lora.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/lora_inner.h"

#include <math.h>

enum { R_MAX = 1 << 16 };

static const struct {
    as_role role;
    unsigned part; /* of its as_tensor */
    const char *name;
} targets[AS_LORA_TARGETS] = {
    { AS_W_QKV, 0, "q_proj" },     { AS_W_QKV, 1, "k_proj" },        { AS_W_QKV, 2, "v_proj" },
    { AS_W_O, 0, "o_proj" },       { AS_W_GATE_UP, 0, "gate_proj" }, { AS_W_GATE_UP, 1, "up_proj" },
    { AS_W_DOWN, 0, "down_proj" },
};

const char *as_lora_target_name(unsigned target)
{
    return targets[target].name;
}

unsigned as_lora_target_of(const char *name)
{
    for (unsigned i = 0; i < AS_LORA_TARGETS; i++)
        if (strcmp(name, targets[i].name) == 0)
            return 1u << i;
    return 0;
}

/* AS_LORA_TARGETS: the part is nothing that can be adapted. */
static unsigned target_of(const as_weights_index *x, size_t part)
{
    const as_tensor *t = &x->tensors[x->parts[part].tensor];
    unsigned i = 0;
    while (i < AS_LORA_TARGETS && (targets[i].role != t->role || targets[i].part != part - t->part))
        i++;
    return i;
}

bool as_lora_can(const as_weights_index *index, size_t part)
{
    return target_of(index, part) < AS_LORA_TARGETS;
}

static size_t aligned(size_t n)
{
    return (n + AS_WEIGHTS_ALIGN - 1) / AS_WEIGHTS_ALIGN * AS_WEIGHTS_ALIGN;
}

/* Sizes: r <= 2^16, in and out <= 2^24, 2^15 matrices: below 2^57. */
int as_lora_new_of(as_lora **out, const as_weights_index *index, const as_lora_config *config,
                   const bool *is_wanted, as_err *err)
{
    *out = NULL;
    if (config->r < 1 || config->r > R_MAX || !isfinite(config->alpha) || config->alpha <= 0)
        return as_fail(err, AS_EUSAGE,
                       "LoRA: rank %lld or alpha %g is out of range (rank 1 to %d, alpha above 0)",
                       (long long)config->r, config->alpha, R_MAX);
    as_lora *l = as_calloc(1, sizeof *l);
    if (l)
        l->matrices = as_calloc(index->n_parts, sizeof *l->matrices);
    if (!l || !l->matrices) {
        as_lora_free(l);
        return as_fail(err, AS_ENOMEM, "out of memory for a LoRA adapter");
    }
    l->config = *config;
    l->config.targets = 0;
    l->index = index;
    for (size_t i = 0; i < index->n_parts; i++) {
        unsigned target = target_of(index, i);
        const as_part *p = &index->parts[i];
        if (target == AS_LORA_TARGETS || !is_wanted[i])
            continue;
        as_lora_matrix *m = &l->matrices[l->n_matrices++];
        *m = (as_lora_matrix){ .part = i, .in = (size_t)p->dims[1], .out = (size_t)p->dims[0] };
        m->a = l->n_elements;
        m->b = aligned(m->a + (size_t)config->r * m->in);
        l->n_elements = aligned(m->b + (size_t)config->r * m->out);
        l->config.targets |= 1u << target;
    }
    if (l->n_matrices == 0) {
        as_lora_free(l);
        return as_fail(err, AS_EUSAGE, "LoRA: no matrix is to be adapted");
    }
    *out = l;
    return 0;
}

int as_lora_new(as_lora **out, const as_weights_index *index, const as_lora_config *config,
                as_err *err)
{
    AS_CLEANUP(free) bool *is_wanted = as_calloc(index->n_parts, sizeof *is_wanted);
    *out = NULL;
    if (!is_wanted)
        return as_fail(err, AS_ENOMEM, "out of memory for a LoRA adapter");
    for (size_t i = 0; i < index->n_parts; i++) {
        unsigned target = target_of(index, i);
        is_wanted[i] = target < AS_LORA_TARGETS && (config->targets >> target & 1);
    }
    return as_lora_new_of(out, index, config, is_wanted, err);
}

void as_lora_free(as_lora *l)
{
    if (!l)
        return;
    as_free(l->matrices);
    as_free(l);
}

double as_lora_scale(const as_lora *l)
{
    double r = (double)l->config.r;
    return l->config.alpha / (l->config.is_rslora ? sqrt(r) : r);
}

void as_lora_start(const as_lora *l, float *arena, uint64_t seed)
{
    memset(arena, 0, l->n_elements * sizeof *arena);
    for (size_t i = 0; i < l->n_matrices; i++) {
        const as_lora_matrix *m = &l->matrices[i];
        as_rng rng = as_rng_at(as_seed_of(seed, AS_LIT("lora"), 0), i);
        double bound = 1 / sqrt((double)m->in); /* kaiming_uniform_ with a = sqrt(5) */
        for (size_t k = 0; k < (size_t)l->config.r * m->in; k++)
            arena[m->a + k] = (float)((2 * as_rng_double(&rng) - 1) * bound);
    }
}

/* One row of B A, in double. */
static void row_of_product(const as_lora *l, const as_lora_matrix *m, const float *arena,
                           size_t row, double *sum)
{
    size_t r = (size_t)l->config.r;
    memset(sum, 0, m->in * sizeof *sum);
    for (size_t k = 0; k < r; k++) {
        double b = (double)arena[m->b + row * r + k];
        const float *a = arena + m->a + k * m->in;
        for (size_t i = 0; i < m->in; i++)
            sum[i] += b * (double)a[i];
    }
}

int as_lora_merge(const as_lora *l, const float *arena, void *weights, as_dtype weights_dtype,
                  as_err *err)
{
    size_t widest = 1, element = as_dtype_size(weights_dtype);
    double scale = as_lora_scale(l);
    unsigned char *to = weights;
    for (size_t i = 0; i < l->n_matrices; i++)
        widest = l->matrices[i].in > widest ? l->matrices[i].in : widest;
    AS_CLEANUP(free) double *sum = as_realloc_array(NULL, widest, sizeof *sum);
    AS_CLEANUP(free) float *row = as_realloc_array(NULL, widest, sizeof *row);
    if (!sum || !row)
        return as_fail(err, AS_ENOMEM, "out of memory for merging a LoRA adapter");
    for (size_t i = 0; i < l->n_matrices; i++) {
        const as_lora_matrix *m = &l->matrices[i];
        for (size_t o = 0; o < m->out; o++) {
            unsigned char *at = to + (l->index->parts[m->part].offset + o * m->in) * element;
            row_of_product(l, m, arena, o, sum);
            as_convert(row, AS_F32, at, weights_dtype, m->in);
            for (size_t k = 0; k < m->in; k++)
                row[k] = (float)((double)row[k] + scale * sum[k]);
            as_convert(at, weights_dtype, row, AS_F32, m->in);
        }
    }
    return 0;
}

/* One matrix; sums: room for r * in doubles. */
static void grad_of(const as_lora *l, const as_lora_matrix *m, const float *arena, const float *dw,
                    float *grad, double *sums)
{
    size_t r = (size_t)l->config.r;
    double scale = as_lora_scale(l);
    memset(sums, 0, r * m->in * sizeof *sums);
    for (size_t o = 0; o < m->out; o++) {
        const float *row = dw + o * m->in;
        for (size_t k = 0; k < r; k++) {
            const float *a = arena + m->a + k * m->in;
            double b = (double)arena[m->b + o * r + k], by_b = 0;
            for (size_t i = 0; i < m->in; i++) {
                sums[k * m->in + i] += b * (double)row[i];
                by_b += (double)a[i] * (double)row[i];
            }
            grad[m->b + o * r + k] += (float)(scale * by_b);
        }
    }
    for (size_t i = 0; i < r * m->in; i++)
        grad[m->a + i] += (float)(scale * sums[i]);
}

int as_lora_grad(const as_lora *l, const float *arena, const float *d_weights, float *grad,
                 as_err *err)
{
    size_t widest = 1;
    for (size_t i = 0; i < l->n_matrices; i++)
        widest = l->matrices[i].in > widest ? l->matrices[i].in : widest;
    AS_CLEANUP(free)
    double *sums = as_realloc_array(NULL, widest * (size_t)l->config.r, sizeof *sums);
    if (!sums)
        return as_fail(err, AS_ENOMEM, "out of memory for the gradient of a LoRA adapter");
    for (size_t i = 0; i < l->n_matrices; i++) {
        const as_lora_matrix *m = &l->matrices[i];
        grad_of(l, m, arena, d_weights + l->index->parts[m->part].offset, grad, sums);
    }
    return 0;
}
