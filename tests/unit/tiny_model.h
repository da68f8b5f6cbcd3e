/* tiny_model.h -- the models of tests/golden/models, or made-up ones, on a backend.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_TINY_MODEL_H
#define AS_TESTS_TINY_MODEL_H
#include "golden.h"

#include "base/rng.h"
#include "model/draw.h"
#include "model/transformer.h"
#include "model/weights_io.h"

#include <math.h>
#include <string.h>

static const char *const tiny_families[] = { "tiny_qwen2", "tiny_llama", "tiny_qwen3" };
enum { TINY_FAMILIES = 3 };

static bool
    tiny_wide; /* models placed from now on have wide activations where their weights are bf16 */

/* A program of these tests may be for one backend alone; how its device is opened. */
#ifndef TINY_BACKEND
#define TINY_BACKEND "" /* all of them */
#define TINY_ISA NULL
#endif

static int tiny_threads;    /* of devices opened from now on; 0: as many as there are */
static as_heads tiny_heads; /* of models opened from now on: a score head is drawn */

typedef struct tiny_model {
    as_weights_index *index;
    float *arena; /* [n_elements], the host's */
    k_device *dev;
    as_parameters *p;
    k_type type;
} tiny_model;

/* MUST(call(..., err)): the test fails with the sentence of the error. */
static as_err tiny_error;
static as_err *const err = &tiny_error;
static inline void tiny_must(int rc, const char *call)
{
    if (rc < 0)
        fail_msg("%s: %s", call, tiny_error.text);
    tiny_error = (as_err){ 0 };
}
#define MUST(call) tiny_must((call), #call)

static inline void tiny_folder(char *out, size_t size, const char *family)
{
    char name[100];
    (void)snprintf(name, sizeof name, "models/%s", family);
    golden_path(out, size, name);
}

/* On the device, from m->index and m->arena. */
static inline void tiny_place(tiny_model *m, const char *backend, k_type type)
{
    const as_parameters_options o = { .type = type, .trains = true, .wide = tiny_wide };
    m->type = type;
    const bool is_own = strcmp(backend, TINY_BACKEND) == 0;
    const k_options options = { .n_threads = tiny_threads, .isa = is_own ? TINY_ISA : NULL };
    assert_int_equal(k_device_open(&m->dev, backend, &options), K_OK);
    MUST(as_parameters_new(&m->p, m->index, m->dev, &o, err));
    MUST(as_parameters_set(m->p, m->arena, AS_F32, err));
}

/* weights: "" for the folder's own, "/bf16" for those rounded to it. */
static inline void tiny_open(tiny_model *m, const char *family, const char *weights,
                             const char *backend, k_type type)
{
    char folder[512], from[560];
    as_model_config config;
    bool is_fresh;
    const as_weights_load_options how = { .dtype = AS_F32, .fresh_score = &is_fresh };
    tiny_folder(folder, sizeof folder, family);
    (void)snprintf(from, sizeof from, "%s%s", folder, weights);
    *m = (tiny_model){ 0 };
    MUST(as_model_config_load(&config, folder, err));
    config.heads = tiny_heads;
    MUST(as_weights_index_new(&m->index, &config, err));
    m->arena = as_calloc(m->index->n_elements, sizeof *m->arena);
    assert_non_null(m->arena);
    MUST(as_weights_load(m->index, from, &how, m->arena, err));
    assert_true(is_fresh == as_has_score(&config));
    as_score_draw(m->index, 0.2, 5, m->arena);
    tiny_place(m, backend, type);
}

/* A model of random weights. */
static inline void tiny_make(tiny_model *m, const as_model_config *config, const char *backend,
                             k_type type)
{
    *m = (tiny_model){ 0 };
    MUST(as_weights_index_new(&m->index, config, err));
    m->arena = as_calloc(m->index->n_elements, sizeof *m->arena);
    assert_non_null(m->arena);
    as_rng r = as_rng_at(12, 34);
    for (size_t i = 0; i < m->index->n_tensors; i++) {
        const as_tensor *t = &m->index->tensors[i];
        const bool is_matrix = as_role_is_matrix(t->role);
        double scale = is_matrix ? 1.5 / sqrt((double)t->cols) : 0.4;
        double middle = is_matrix || t->role == AS_W_QKV_BIAS ? 0 : 1;
        for (size_t j = 0; j < t->n; j++)
            m->arena[t->offset + j] = (float)(middle + scale * (2 * as_rng_double(&r) - 1));
    }
    tiny_place(m, backend, type);
}

static inline void tiny_close(tiny_model *m)
{
    as_parameters_free(m->p);
    as_weights_index_free(m->index);
    k_device_close(m->dev);
    as_free(m->arena);
}

static inline as_run *tiny_run(const tiny_model *m, const as_run_options *options)
{
    as_run *run = NULL;
    MUST(as_run_new(&run, m->p, options, err));
    return run;
}

static inline void tiny_near(const double *got, const double *want, size_t n, double tolerance,
                             const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance))
            fail_msg("%s: number %zu of %zu: got %.12g, expected %.12g", what, i, n, got[i],
                     want[i]);
}

/* |got - want| / |want| */
static inline double tiny_distance(const double *got, const double *want, size_t n)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
    }
    return sqrt(difference) / sqrt(size);
}

/* Whether the program tries this: a backend of its choice has no wide activations. */
static inline bool tiny_has(const k_backend *b, unsigned type)
{
    const char *only = TINY_BACKEND;
    return (b->types >> type & 1) && (!only[0] || (strcmp(b->name, only) == 0 && !tiny_wide));
}

/* check() for each family with the weights of that folder ("" or "/bf16"), on every backend, in
 * every type. */
static inline void tiny_everywhere(void (*check)(const tiny_model *m, const char *family),
                                   const char *weights)
{
    const k_backend *b;
    for (size_t i = 0; (b = k_backend_at(i)); i++)
        for (unsigned type = K_F32; type <= K_F64; type++)
            for (int f = 0; f < TINY_FAMILIES && tiny_has(b, type); f++) {
                tiny_model m;
                tiny_open(&m, tiny_families[f], weights, b->name, (k_type)type);
                check(&m, tiny_families[f]);
                tiny_close(&m);
            }
}

/* The same on one family of the backend that the program is for, where it is: of what takes long
 * there. */
static inline void tiny_somewhere(void (*check)(const tiny_model *m, const char *family))
{
    const char *only = TINY_BACKEND;
    const k_backend *b = k_backend_find(only);
    tiny_model m;
    if (!only[0])
        tiny_everywhere(check, "");
    for (unsigned type = K_F32; b && type <= K_F64; type++)
        if (tiny_has(b, type)) {
            tiny_open(&m, "tiny_qwen3", "", b->name, (k_type)type);
            check(&m, "tiny_qwen3");
            tiny_close(&m);
        }
}

/* A golden file of a family; the caller cJSON_Deletes. */
static inline cJSON *tiny_golden(const char *family, const char *file)
{
    char name[100];
    (void)snprintf(name, sizeof name, "models/%s/%s", family, file);
    return golden_json(name);
}

/* The tensor of that name in a golden file of floats, as doubles; the caller as_frees. */
static inline double *tiny_tensor(const char *family, const char *file, const char *name, size_t *n)
{
    char folder[512], path[600];
    as_safetensors *s = NULL;
    tiny_folder(folder, sizeof folder, family);
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    MUST(as_safetensors_open(&s, path, err));
    const as_safetensor *t = as_safetensors_find(s, name);
    assert_true(t && t->dtype == AS_F32);
    *n = t ? t->n : 0;
    double *out = as_calloc(*n, sizeof *out);
    for (size_t i = 0; i < *n; i++) {
        float f;
        memcpy(&f, t->data + i * sizeof f, sizeof f);
        out[i] = (double)f;
    }
    as_safetensors_close(s);
    return out;
}
#endif
