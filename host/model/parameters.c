/* parameters.c -- weights on a device, packed, with tables of rotary positions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/parameters.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

int as_fail_kernel(as_err *err, int status, const char *what)
{
    int code = AS_EUSAGE;
    if (status == K_ENOMEM)
        code = AS_ENOMEM;
    else if (status == K_EDEVICE)
        code = AS_EIO;
    else if (status == K_EINDEX)
        code = AS_EDATA;
    char why[400]; /* of a device that failed, which can be a loaded one only */
    k_why(status == K_EDEVICE ? k_backend_loaded() : NULL, status, why, sizeof why);
    return as_fail(err, code, "%s: %s", what, why);
}

/* ---- rotary positions ---- */

/* Llama 3.1's scaling: wave lengths beyond original/low are slowed down by factor, those under
 * original/high are left, and between the two is a blend (transformers, modeling_rope_utils.py:
 * _compute_llama3_parameters). */
static double scaled(const as_model_config *c, double frequency)
{
    const double pi = 3.14159265358979323846;
    double wave = 2 * pi / frequency, original = (double)c->rope_original;
    if (wave > original / c->rope_low)
        return frequency / c->rope_factor;
    if (wave < original / c->rope_high)
        return frequency;
    double smooth = (original / wave - c->rope_low) / (c->rope_high - c->rope_low);
    return (1 - smooth) * frequency / c->rope_factor + smooth * frequency;
}

void as_rope_tables(const as_model_config *c, int64_t max_pos, double *cosines, double *sines)
{
    const int64_t half = c->head_dim / 2;
    for (int64_t i = 0; i < half; i++) {
        double frequency = pow(c->rope_theta, -2.0 * (double)i / (double)c->head_dim);
        if (c->rope_type == AS_ROPE_LLAMA3)
            frequency = scaled(c, frequency);
        for (int64_t p = 0; p < max_pos; p++) {
            cosines[p * half + i] = cos((double)p * frequency);
            sines[p * half + i] = sin((double)p * frequency);
        }
    }
}

/* ---- sizes ---- */

/* Whether a tensor is multiplied with: the embedding only where it is the head too. One row is not
 * worth a copy. */
static bool is_packed(const as_weights_index *index, const as_tensor *t)
{
    const as_model_config *c = &index->config;
    return as_role_is_matrix(t->role) && t->role != AS_W_SCORE &&
           (t->role != AS_W_EMBED || (c->is_tied && as_has_tokens(c)));
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t packed_bytes(const as_weights_index *index, k_device *dev,
                           const as_parameters_options *o, const as_tensor *t, k_packing how)
{
    if (!is_packed(index, t) || (how == K_PACK_NN && !o->trains))
        return 0;
    return aligned(dev->ops->pack_bytes(dev, o->type, t->rows, t->cols, how));
}

static int64_t positions_of(const as_weights_index *index, const as_parameters_options *o)
{
    const int64_t most = index->config.max_pos;
    return o->max_pos > 0 && o->max_pos < most ? o->max_pos : most;
}

static bool is_wide(const as_parameters_options *o)
{
    return o->wide && o->type != k_real_type(o->type);
}

/* Bytes of a norm's weights in the type of wide activations; 0: it has none. */
static size_t wide_bytes(const as_parameters_options *o, const as_tensor *t)
{
    return is_wide(o) && !as_role_is_matrix(t->role)
               ? aligned(t->n * k_type_size(k_real_type(o->type)))
               : 0;
}

bool as_is_run_by_vectors(const as_model_config *c, k_type type)
{
    return c->dtype == AS_F16 && type == K_F32;
}

int as_parameters_bytes(const as_weights_index *index, k_device *dev,
                        const as_parameters_options *options, size_t *weights, size_t *packed,
                        size_t *tables, as_err *err)
{
    if (!k_type_size(options->type) || !(dev->ops->types >> options->type & 1))
        return as_fail(err, AS_EUSAGE, "the backend %s does not compute in this type",
                       dev->ops->name);
    const char *missing = k_backend_missing(dev->ops, 0);
    if (missing)
        return as_fail(err, AS_EUSAGE, "the backend %s has no %s yet: use \"cpu\"", dev->ops->name,
                       missing);
    size_t sum = 0, one;
    bool ok = as_mul_ok(index->n_elements, k_type_size(options->type), weights);
    for (size_t i = 0; i < index->n_tensors; i++) {
        one = packed_bytes(index, dev, options, &index->tensors[i], K_PACK_NT);
        ok = ok && as_add_ok(sum, one, &sum);
        one = packed_bytes(index, dev, options, &index->tensors[i], K_PACK_NN);
        ok = ok && as_add_ok(sum, one, &sum);
    }
    *packed = sum;
    ok = ok &&
         as_mul_ok((size_t)positions_of(index, options), (size_t)index->config.head_dim, tables) &&
         as_mul_ok(*tables, k_type_size(k_real_type(options->type)), tables);
    for (size_t i = 0; i < index->n_tensors; i++)
        ok = ok && as_add_ok(*tables, wide_bytes(options, &index->tensors[i]), tables);
    return ok ? 0 : as_fail(err, AS_ENOMEM, "the model is larger than the address space");
}

/* ---- memory ---- */

static void *allocated(k_device *dev, size_t bytes, const char *what, as_err *err)
{
    void *p = dev->ops->alloc(dev, bytes);
    if (!p)
        (void)as_fail(err, AS_ENOMEM, "no memory for %s (%.1f MiB)", what, (double)bytes / 1048576);
    return p;
}

/* In p's real type, from doubles of the host. */
static int fill_real(const as_parameters *p, void *to, const double *from, size_t n, as_err *err)
{
    AS_CLEANUP(free) float *narrow = NULL;
    const void *source = from;
    if (p->real == K_F32) {
        narrow = as_realloc_array(NULL, n, sizeof *narrow);
        if (!narrow)
            return as_fail(err, AS_ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++)
            narrow[i] = (float)from[i];
        source = narrow;
    }
    int rc = p->dev->ops->copy_to(p->dev, to, source, n * k_type_size(p->real));
    return rc < 0 ? as_fail_kernel(err, rc, "copying to the device") : 0;
}

static int make_tables(as_parameters *p, as_err *err)
{
    const size_t n = (size_t)p->max_pos * (size_t)p->index->config.head_dim / 2;
    const size_t bytes = n * k_type_size(p->real);
    AS_CLEANUP(free) double *cosines = as_realloc_array(NULL, n, sizeof *cosines);
    AS_CLEANUP(free) double *sines = as_realloc_array(NULL, n, sizeof *sines);
    p->cos = allocated(p->dev, bytes, "tables of positions", err);
    p->sin = allocated(p->dev, bytes, "tables of positions", err);
    if (!cosines || !sines || !p->cos || !p->sin)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_rope_tables(&p->index->config, p->max_pos, cosines, sines);
    int rc = fill_real(p, p->cos, cosines, n, err);
    return rc < 0 ? rc : fill_real(p, p->sin, sines, n, err);
}

static int make_wide(as_parameters *p, const as_parameters_options *o, as_err *err)
{
    size_t bytes = 0;
    p->wide_at = as_calloc(p->index->n_tensors, sizeof *p->wide_at);
    if (!p->wide_at)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < p->index->n_tensors; i++)
        bytes += wide_bytes(o, &p->index->tensors[i]);
    if (bytes == 0)
        return 0;
    p->wide = allocated(p->dev, bytes, "weights of norms", err);
    if (!p->wide)
        return AS_ENOMEM;
    char *next = p->wide;
    for (size_t i = 0; i < p->index->n_tensors; i++) {
        size_t one = wide_bytes(o, &p->index->tensors[i]);
        p->wide_at[i] = one ? next : NULL;
        next += one;
    }
    return 0;
}

static int make_packed(as_parameters *p, const as_parameters_options *o, size_t bytes, as_err *err)
{
    p->packed_nt = as_calloc(p->index->n_tensors, sizeof *p->packed_nt);
    p->packed_nn = as_calloc(p->index->n_tensors, sizeof *p->packed_nn);
    if (!p->packed_nt || !p->packed_nn)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (bytes == 0)
        return 0;
    p->packed = allocated(p->dev, bytes, "packed weights", err);
    if (!p->packed)
        return AS_ENOMEM;
    char *next = p->packed;
    for (size_t i = 0; i < p->index->n_tensors; i++) {
        size_t nt = packed_bytes(p->index, p->dev, o, &p->index->tensors[i], K_PACK_NT);
        size_t nn = packed_bytes(p->index, p->dev, o, &p->index->tensors[i], K_PACK_NN);
        p->packed_nt[i] = nt ? next : NULL;
        p->packed_nn[i] = nn ? next + nt : NULL;
        next += nt + nn;
    }
    return 0;
}

int as_parameters_new(as_parameters **out, const as_weights_index *index, k_device *dev,
                      const as_parameters_options *options, as_err *err)
{
    size_t weights, packed, tables;
    *out = NULL;
    int rc = as_parameters_bytes(index, dev, options, &weights, &packed, &tables, err);
    if (rc < 0)
        return rc;
    as_parameters *p = as_calloc(1, sizeof *p);
    if (!p)
        return as_fail(err, AS_ENOMEM, "out of memory");
    *p = (as_parameters){ .index = index, .dev = dev, .type = options->type };
    p->real = k_real_type(options->type);
    p->act = is_wide(options) ? p->real : p->type;
    p->max_pos = positions_of(index, options);
    p->arena = allocated(dev, weights, "weights", err);
    rc = p->arena ? make_tables(p, err) : AS_ENOMEM;
    if (rc == 0)
        rc = make_wide(p, options, err);
    if (rc == 0)
        rc = make_packed(p, options, packed, err);
    if (rc < 0)
        as_parameters_free(p);
    else
        *out = p;
    return rc;
}

void as_parameters_free(as_parameters *p)
{
    if (!p)
        return;
    void *pieces[] = { p->arena, p->packed, p->cos, p->sin, p->wide };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        p->dev->ops->free(p->dev, pieces[i]);
    as_free(p->packed_nt);
    as_free(p->packed_nn);
    as_free(p->wide_at);
    as_free(p);
}

/* ---- values ---- */

int as_parameters_changed(as_parameters *p, as_err *err)
{
    for (size_t i = 0; i < p->index->n_tensors; i++) {
        const as_tensor *t = &p->index->tensors[i];
        const char *w = (const char *)p->arena + t->offset * k_type_size(p->type);
        int rc = 0;
        if (p->packed_nt[i])
            rc =
                p->dev->ops->pack(p->dev, p->type, t->rows, t->cols, K_PACK_NT, w, p->packed_nt[i]);
        if (rc == 0 && p->packed_nn[i])
            rc =
                p->dev->ops->pack(p->dev, p->type, t->rows, t->cols, K_PACK_NN, w, p->packed_nn[i]);
        if (rc == 0 && p->wide_at[i]) {
            k_cast a = { .x_type = p->type, .y_type = p->act, .n = (int64_t)t->n, .x = w };
            a.y = p->wide_at[i];
            rc = p->dev->ops->cast(p->dev, &a);
        }
        if (rc < 0)
            return as_fail_kernel(err, rc, "packing weights");
    }
    return 0;
}

/* Through a buffer of the host, a piece at a time. */
static int copy_converted(as_parameters *p, const char *arena, as_dtype type, as_err *err)
{
    enum { PIECE = 1 << 16 };
    AS_CLEANUP(free) float *narrow = as_realloc_array(NULL, PIECE, sizeof *narrow);
    AS_CLEANUP(free) double *wide = as_realloc_array(NULL, PIECE, sizeof *wide);
    if (!narrow || !wide)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const size_t size = k_type_size(p->type), total = p->index->n_elements;
    for (size_t i = 0; i < total; i += PIECE) {
        size_t n = total - i < PIECE ? total - i : PIECE;
        const void *source = narrow;
        as_convert(narrow, p->type == K_BF16 ? AS_BF16 : AS_F32, arena + i * as_dtype_size(type),
                   type, n);
        for (size_t j = 0; p->type == K_F64 && j < n; j++)
            wide[j] = (double)narrow[j];
        if (p->type == K_F64)
            source = wide;
        int rc = p->dev->ops->copy_to(p->dev, (char *)p->arena + i * size, source, n * size);
        if (rc < 0)
            return as_fail_kernel(err, rc, "copying weights to the device");
    }
    return 0;
}

int as_parameters_set(as_parameters *p, const void *arena, as_dtype type, as_err *err)
{
    if (type != AS_F32 && type != AS_BF16)
        return as_fail(err, AS_EUSAGE, "weights come as F32 or BF16, not as %s",
                       as_dtype_name(type));
    int rc = copy_converted(p, arena, type, err);
    return rc < 0 ? rc : as_parameters_changed(p, err);
}

void *as_parameters_in(const as_parameters *p, void *array, k_type type, as_role role,
                       int64_t layer)
{
    const as_tensor *t = as_weights_tensor(p->index, role, layer);
    return t && array ? (char *)array + t->offset * k_type_size(type) : NULL;
}

const void *as_parameters_at(const as_parameters *p, as_role role, int64_t layer)
{
    return as_parameters_in(p, p->arena, p->type, role, layer);
}

const void *as_parameters_norm(const as_parameters *p, as_role role, int64_t layer)
{
    const as_tensor *t = as_weights_tensor(p->index, role, layer);
    const void *wide = t ? p->wide_at[t - p->index->tensors] : NULL;
    return wide ? wide : as_parameters_at(p, role, layer);
}
