/* config_inner.h -- names that reading and writing config.json share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_CONFIG_INNER_H
#define AS_MODEL_CONFIG_INNER_H
#include "model/config.h"

enum { AS_ARCHITECTURE_MAX = 40 };

const char *as_config_type_name(as_model_type type);  /* "qwen2" */
const char *as_config_dtype_name(as_dtype type);      /* "bfloat16"; NULL: none of models' */
void as_config_architecture(const as_model_config *c, char out[AS_ARCHITECTURE_MAX]); /* "Qwen2ForCausalLM" */
#endif
