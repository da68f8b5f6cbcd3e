/* draw.h -- weights of a model that has learned nothing yet. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_DRAW_H
#define AS_MODEL_DRAW_H
#include "model/weights.h"

typedef enum as_draw_scale {
    AS_DRAW_FLAT,  /* `std` for every matrix: transformers' initializer_range */
    AS_DRAW_FAN_IN /* 1 / sqrt(columns), so that a product is as large as what goes into it; o and down, whose outputs are
                      added up over the layers, that times 1 / sqrt(2 n_layers) (GPT-2: Radford et al. 2019, 2.3);
                      embeddings 1, but for tied ones, which are a head too: 1 / sqrt(columns) */
} as_draw_scale;

typedef struct as_draw {
    as_draw_scale scale;
    double std; /* AS_DRAW_FLAT */
    uint64_t seed;
} as_draw;

/* The standard deviation of a tensor's weights; 0: it is not drawn (norms are 1, biases 0). */
double as_draw_std(const as_weights_index *index, const as_tensor *tensor, const as_draw *how);

/* Weights uniform about 0, from a generator that counts: the same seed gives the same bits on every machine, and a tensor's
 * do not depend on the others'. arena[index->n_elements] zeroed. */
void as_weights_draw(const as_weights_index *index, const as_draw *how, float *arena);

/* The score head alone, of that standard deviation (0: zeroes); its bias is 0. For a reward model or a critic that begins as
 * a language model: transformers, and with it TRL and verl, draw it with 0.02. No score head: nothing. */
void as_score_draw(const as_weights_index *index, double std, uint64_t seed, float *arena);
#endif
