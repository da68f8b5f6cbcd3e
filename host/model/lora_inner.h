/* lora_inner.h -- what lora.c and lora_io.c share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_LORA_INNER_H
#define AS_MODEL_LORA_INNER_H
#include "model/lora.h"

enum { AS_LORA_TARGETS = 7 };

const char *as_lora_target_name(unsigned target); /* "q_proj"; bit `target` of as_lora_target */
bool as_lora_can(const as_weights_index *index, size_t part); /* be adapted */
/* The parts with is_wanted, of those that can be adapted; config->targets is not looked at. */
int as_lora_new_of(as_lora **out, const as_weights_index *index, const as_lora_config *config, const bool *is_wanted,
                   as_err *err);
#endif
