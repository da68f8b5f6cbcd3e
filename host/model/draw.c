/* draw.c -- see draw.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/draw.h"

#include "base/rng.h"

#include <math.h>

double as_draw_std(const as_weights_index *index, const as_tensor *tensor, const as_draw *how)
{
    const double fan_in = 1 / sqrt((double)tensor->cols),
                 depth = 1 / sqrt(2 * (double)index->config.n_layers);
    if (!as_role_is_matrix(tensor->role))
        return 0;
    if (how->scale == AS_DRAW_FLAT)
        return how->std;
    if (tensor->role == AS_W_EMBED)
        return index->config.is_tied && as_has_tokens(&index->config) ? fan_in : 1;
    return tensor->role == AS_W_O || tensor->role == AS_W_DOWN ? fan_in * depth : fan_in;
}

static void draw(const as_tensor *t, double std, as_rng *r, float *arena)
{
    const bool is_bias = t->role == AS_W_QKV_BIAS || t->role == AS_W_SCORE_BIAS,
               is_norm = !is_bias && !as_role_is_matrix(t->role);
    for (size_t j = 0; j < t->n; j++) /* uniform in +-sqrt(3) std has that standard deviation */
        arena[t->offset + j] = is_bias   ? 0
                               : is_norm ? 1
                                         : (float)(std * sqrt(3) * (2 * as_rng_double(r) - 1));
}

void as_weights_draw(const as_weights_index *index, const as_draw *how, float *arena)
{
    for (size_t i = 0; i < index->n_tensors; i++) {
        const as_tensor *t = &index->tensors[i];
        as_rng r = as_rng_at(as_seed_of(how->seed, AS_LIT("weights"), i), 0);
        draw(t, as_draw_std(index, t, how), &r, arena);
    }
}

void as_score_draw(const as_weights_index *index, double std, uint64_t seed, float *arena)
{
    for (as_role role = AS_W_SCORE; role <= AS_W_SCORE_BIAS; role++) {
        const as_tensor *t = as_weights_tensor(index, role, -1);
        as_rng r = as_rng_at(as_seed_of(seed, AS_LIT("score"), 0), 0);
        if (t)
            draw(t, std, &r, arena);
    }
}
