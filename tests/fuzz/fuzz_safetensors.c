/* fuzz_safetensors.c -- any bytes as safetensors. What is accepted has tensors that follow one
 * another and fill the file, each found by its name; what is not has one clean line that says why.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "fuzz_line.h"
#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_str bytes = { (const char *)data, size };
    as_safetensors *s = NULL;
    as_err err = { 0 };
    int rc = as_safetensors_of(&s, bytes, "fuzz", &err);
    if (rc < 0) {
        FUZZ_CHECK(rc == AS_EDATA && !s);
        fuzz_check_line(err.text);
        return 0;
    }
    uint64_t n = 0;
    memcpy(&n, data, sizeof n);
    const unsigned char *at = data + sizeof n + n;
    for (size_t i = 0; i < as_safetensors_count(s); i++) {
        const as_safetensor *t = as_safetensors_at(s, i);
        size_t elements = 1;
        for (unsigned d = 0; d < t->n_dims; d++)
            elements *= (size_t)t->dims[d];
        FUZZ_CHECK(t->data == at && t->n == elements);
        FUZZ_CHECK(t->n_bytes == t->n * as_dtype_size(t->dtype));
        at += t->n_bytes;
        if (as_dtype_is_weight(t->dtype))
            FUZZ_CHECK(as_find_not_finite(t->data, t->dtype, t->n) <= t->n);
        if (!memchr(t->name.data, 0, t->name.len))
            FUZZ_CHECK(as_safetensors_find(s, t->name.data) == t);
    }
    FUZZ_CHECK(at == data + size);
    as_safetensors_close(s);
    return 0;
}
