/* dtype.h -- element types of weight files, and exact conversion between the floating ones.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_DTYPE_H
#define AS_MODEL_DTYPE_H
#include "base/str.h"

#include <stdint.h>

/* name in safetensors, bytes of an element */
#define AS_DTYPE_TABLE(X)                                                                          \
    X(AS_F32, "F32", 4) X(AS_BF16, "BF16", 2) X(AS_F16, "F16", 2) X(AS_F64, "F64", 8)               \
    X(AS_I64, "I64", 8) X(AS_I32, "I32", 4) X(AS_I16, "I16", 2) X(AS_I8, "I8", 1)                   \
    X(AS_U64, "U64", 8) X(AS_U32, "U32", 4) X(AS_U16, "U16", 2) X(AS_U8, "U8", 1)                   \
    X(AS_BOOL, "BOOL", 1) X(AS_F8_E4M3, "F8_E4M3", 1) X(AS_F8_E5M2, "F8_E5M2", 1)

typedef enum as_dtype {
#define AS_X(id, name, size) id,
    AS_DTYPE_TABLE(AS_X)
#undef AS_X
    AS_DTYPE_COUNT
} as_dtype;

const char *as_dtype_name(as_dtype type);
size_t as_dtype_size(as_dtype type);
bool as_dtype_of(as_str name, as_dtype *out); /* by its name in safetensors */
/* F32, BF16, F16: what weights may be, and what as_convert takes. */
bool as_dtype_is_weight(as_dtype type);

/* dst[i] = src[i], i < n. Both F32, BF16 or F16. Narrowing rounds to nearest, ties to even, as PyTorch and IEEE 754 do:
 * what is too large becomes infinite, NaN stays NaN. Neither side needs to be aligned; they must not overlap. */
void as_convert(void *dst, as_dtype dst_type, const void *src, as_dtype src_type, size_t n);
/* The first i with src[i] NaN or infinite; n where there is none. */
size_t as_find_not_finite(const void *src, as_dtype type, size_t n);
#endif
