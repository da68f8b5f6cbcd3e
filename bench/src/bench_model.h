/* bench_model.h -- what the benches' programs share: a device by its name, models of random weights.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H
#include "model/parameters.h"

/* "cpu", "naive-f32" ...; "cuda", of libassay_cuda.so beside the program; "cuda-exact": the same
 * with products by our own kernels alone. by_vectors: see k_options. */
int bench_device_open(k_device **out, const char *name, int n_threads, bool by_vectors,
                      as_err *err);

/* Bytes that are taken: of the device's memory, or, where that is the process's, its peak. */
double bench_memory(k_device *dev);

/* `shape`: "qwen2:D,LAYERS,HEADS,KV_HEADS,FF,VOCAB,POSITIONS", embeddings tied. False: it is none,
 * but a folder's name, say. */
bool bench_shape(as_model_config *out, const char *shape);

/* Random weights of a size as transformers has it, norms of one, biases of zero; quickly: the same
 * million numbers again and again, at another place in each row. */
int bench_fill(as_parameters *p, as_err *err);
#endif
