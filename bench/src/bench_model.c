/* bench_model.c -- see bench_model.h. SPDX-License-Identifier: Apache-2.0 */
#include "bench_model.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/rng.h"
#include "kernels/bf16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PERIOD = 1048573 }; /* a prime: no row of a matrix begins where another does */

static int load_cuda(as_err *err)
{
    AS_CLEANUP(free) char *folder = as_path_self_dir();
    AS_CLEANUP(free) char *path = folder ? as_path_join(folder, "libassay_cuda.so") : NULL;
    char why[512];
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    return k_backend_load(path, why, sizeof why) == K_OK ? 0
                                                         : as_fail(err, AS_EUSAGE, "%s", why);
}

int bench_device_open(k_device **out, const char *name, int n_threads, bool by_vectors, as_err *err)
{
    const bool is_exact = strcmp(name, "cuda-exact") == 0;
    const bool is_cuda = is_exact || strcmp(name, "cuda") == 0;
    as_err none = { 0 }; /* as `assay` does; without it no algorithm is timed */
    AS_CLEANUP(free) char *choices = is_cuda ? as_path_cache_dir(&none) : NULL;
    const k_options how = { .n_threads = n_threads,
                            .isa = is_exact ? "own" : NULL,
                            .choices = choices,
                            .by_vectors = by_vectors };
    if (is_cuda && load_cuda(err) < 0)
        return err->code;
    const int rc = k_device_open(out, is_cuda ? "cuda" : name, &how);
    return rc < 0 ? as_fail_kernel(err, rc, name) : 0;
}

double bench_memory(k_device *dev)
{
    size_t unused = 0, all = 0;
    struct rusage u;
    if (strcmp(dev->ops->name, "cuda") == 0 && dev->ops->memory(dev, &unused, &all) == K_OK)
        return (double)(all - unused);
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss * 1024;
}

bool bench_shape(as_model_config *out, const char *shape)
{
    long n[7] = { 0 };
    if (strncmp(shape, "qwen2:", 6) != 0)
        return false;
    const char *at = shape + 5;
    for (size_t i = 0; i < 7; i++) {
        char *end;
        if (*at != (i == 0 ? ':' : ','))
            return false;
        n[i] = strtol(at + 1, &end, 10);
        at = end;
        if (n[i] <= 0)
            return false;
    }
    *out = (as_model_config){ .type = AS_QWEN2, .d = n[0], .n_layers = n[1], .n_heads = n[2] };
    out->n_kv_heads = n[3];
    out->head_dim = n[0] / n[2];
    out->d_ff = n[4];
    out->vocab = n[5];
    out->max_pos = n[6];
    out->rms_eps = 1e-6;
    out->rope_theta = 1e6;
    out->is_tied = out->has_qkv_bias = true;
    out->bos = out->pad = -1;
    return *at == '\0';
}

int bench_fill(as_parameters *p, as_err *err)
{
    AS_CLEANUP(free) uint16_t *arena = as_calloc(p->index->n_elements, sizeof *arena);
    AS_CLEANUP(free) uint16_t *some = as_calloc(PERIOD, sizeof *some);
    as_rng r = as_rng_at(1, 1);
    if (!arena || !some)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < PERIOD; i++)
        some[i] = k_bf16_of_float((float)(0.04 * 1.7320508 * (as_rng_double(&r) - 0.5)));
    for (size_t i = 0; i < p->index->n_tensors; i++) {
        const as_tensor *t = &p->index->tensors[i];
        uint16_t *to = arena + t->offset;
        for (size_t done = 0, n; t->rows > 1 && done < t->n; done += n) {
            n = t->n - done < PERIOD ? t->n - done : PERIOD;
            memcpy(to + done, some, n * sizeof *to);
        }
        for (size_t j = 0; t->rows <= 1 && j < t->n; j++)
            to[j] = k_bf16_of_float(t->role == AS_W_QKV_BIAS ? 0.F : 1.F);
    }
    return as_parameters_set(p, arena, AS_BF16, err);
}
