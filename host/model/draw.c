/* draw.c -- see draw.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/draw.h"

#include "base/rng.h"

#include <math.h>

double as_draw_std(const as_weights_index *index, const as_tensor *tensor, const as_draw *how)
{
    const double fan_in = 1 / sqrt((double)tensor->cols),
                 depth = 1 / sqrt(2 * (double)index->config.n_layers);
    if (tensor->role == AS_W_QKV_BIAS || tensor->rows == 1)
        return 0;
    if (how->scale == AS_DRAW_FLAT)
        return how->std;
    if (tensor->role == AS_W_EMBED)
        return index->config.is_tied ? fan_in : 1;
    return tensor->role == AS_W_O || tensor->role == AS_W_DOWN ? fan_in * depth : fan_in;
}

void as_weights_draw(const as_weights_index *index, const as_draw *how, float *arena)
{
    for (size_t i = 0; i < index->n_tensors; i++) {
        const as_tensor *t = &index->tensors[i];
        const double std = as_draw_std(index, t, how);
        as_rng r = as_rng_at(as_seed_of(how->seed, AS_LIT("weights"), i), 0);
        for (size_t j = 0; j < t->n; j++) /* uniform in +-sqrt(3) std has that standard deviation */
            arena[t->offset + j] = t->role == AS_W_QKV_BIAS ? 0
                                   : t->rows == 1
                                       ? 1
                                       : (float)(std * sqrt(3) * (2 * as_rng_double(&r) - 1));
    }
}
