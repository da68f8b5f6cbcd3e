/* lora.h -- LoRA adapters (Hu et al., arXiv:2106.09685): W' = W + s B A for chosen matrices, with A [r, in] and B [out, r];
 * s = alpha / r, or alpha / sqrt(r) (rsLoRA, arXiv:2312.03732). Read and written in PEFT's format: adapter_config.json
 * and adapter_model.safetensors. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_LORA_H
#define AS_MODEL_LORA_H
#include "model/safetensors.h"
#include "model/weights.h"

/* The matrices a layer can have adapted, as a set. */
enum as_lora_target {
    AS_LORA_Q = 1, AS_LORA_K = 2, AS_LORA_V = 4, AS_LORA_O = 8, AS_LORA_GATE = 16, AS_LORA_UP = 32, AS_LORA_DOWN = 64,
    AS_LORA_ALL = 127
};

typedef struct as_lora_config {
    int64_t r;
    double alpha;
    bool is_rslora;
    unsigned targets;
} as_lora_config;

typedef struct as_lora_matrix {
    size_t part;     /* index->parts[part]: what it is added to, [out, in] */
    size_t a, b;     /* offsets of A and B in the adapter's arena, multiples of AS_WEIGHTS_ALIGN */
    size_t in, out;
} as_lora_matrix;

/* What is adapted and where it lies; as with weights, one layout for values, gradients and moments. The index of the
 * weights must outlive it. [any] */
typedef struct as_lora {
    as_lora_config config;
    const as_weights_index *index;
    as_lora_matrix *matrices;
    size_t n_matrices, n_elements; /* of an arena of F32, gaps included */
} as_lora;

int as_lora_new(as_lora **out, const as_weights_index *index, const as_lora_config *config, as_err *err);
void as_lora_free(as_lora *l); /* NULL is fine */
/* as_lora_target of a module's name, "q_proj"; 0: there is none. */
unsigned as_lora_target_of(const char *name);
/* What PEFT calls A and B of a matrix in its files: "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight". */
enum { AS_LORA_NAME_MAX = 128 };
void as_lora_tensor_name(const as_lora *l, size_t matrix, char a_or_b, char out[AS_LORA_NAME_MAX]);
double as_lora_scale(const as_lora *l);

/* As PEFT begins: A uniform in +-1 / sqrt(in), B zero, so that nothing changes yet. A function of the seed alone. */
void as_lora_start(const as_lora *l, float *arena, uint64_t seed);

/* FOLDER's adapter: what it adapts is told from its tensors; *arena is the caller's (as_free). Refused by name: other
 * methods than LoRA, DoRA, ranks or scales by pattern, biases, modules_to_save, adapted embeddings. */
int as_lora_load(as_lora **out, float **arena, const as_weights_index *index, const char *folder, as_err *err);
/* Whole or not at all: FOLDER must not be there, or be empty. base: name or path of the model, for adapter_config.json. */
int as_lora_save(const as_lora *l, const float *arena, as_dtype file_dtype, const char *base, const char *folder, as_err *err);
/* The same into a folder that is there and the caller's to publish. */
int as_lora_save_into(const as_lora *l, const float *arena, as_dtype file_dtype, const char *base, const char *folder,
                      as_err *err);

/* weights += s B A, each element's sum in double; weights: an arena of the index, F32 or BF16. */
int as_lora_merge(const as_lora *l, const float *arena, void *weights, as_dtype weights_dtype, as_err *err);

/* Training with merged weights W' = W + s B A: from the gradient of a loss by W' (d_weights, an arena of the index),
 * dA += s B^T dW' and dB += s dW' A^T, into grad (an adapter's arena). Sums in double, in the order of rows. */
int as_lora_grad(const as_lora *l, const float *arena, const float *d_weights, float *grad, as_err *err);
#endif
