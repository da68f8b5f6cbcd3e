/* dtype.c -- names and sizes of element types; conversion of weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/dtype.h"

#include <assert.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
#define AS_X(id, name, size) { name, size },
    AS_DTYPE_TABLE(AS_X)
#undef AS_X
};

const char *as_dtype_name(as_dtype type)
{
    return types[type].name;
}

size_t as_dtype_size(as_dtype type)
{
    return types[type].size;
}

bool as_dtype_of(as_str name, as_dtype *out)
{
    for (unsigned i = 0; i < AS_DTYPE_COUNT; i++)
        if (as_str_is(name, types[i].name)) {
            *out = (as_dtype)i;
            return true;
        }
    return false;
}

bool as_dtype_is_weight(as_dtype type)
{
    return type == AS_F32 || type == AS_BF16 || type == AS_F16;
}

static uint32_t load32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint16_t load16(const unsigned char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* All conversions go through the bits of an F32, which every BF16 and F16 is exactly. */

static uint32_t f32_of_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, m = h & 0x3FFu;
    if (exponent == 31)
        return sign | 0x7F800000u | m << 13;
    if (exponent != 0)
        return sign | (exponent + 112) << 23 | m << 13;
    if (m == 0)
        return sign;
    unsigned shift =
        (unsigned)__builtin_clz(m) - 21; /* subnormal: the leading one goes to bit 10 */
    return sign | (113 - shift) << 23 | ((m << shift) & 0x3FFu) << 13;
}

/* v >> bits, to nearest, ties to even */
static uint32_t shift_round(uint32_t v, unsigned bits)
{
    uint32_t half = 1u << (bits - 1), odd = (v >> bits) & 1u;
    return (v + half - 1 + odd) >> bits;
}

static uint16_t f16_of_f32(uint32_t f)
{
    uint32_t sign = f >> 16 & 0x8000u, rest = f & 0x7FFFFFFFu;
    if (rest > 0x7F800000u)
        return (uint16_t)(sign | 0x7E00u | (rest >> 13 & 0x3FFu));
    if (rest >= 0x47800000u) /* 65536 and more; what rounds up to it carries below */
        return (uint16_t)(sign | 0x7C00u);
    if (rest >= 0x38800000u)
        return (uint16_t)(sign | (shift_round(rest, 13) - (112u << 10)));
    if (rest < 0x33000000u) /* below half of the least subnormal */
        return (uint16_t)sign;
    uint32_t m = (rest & 0x7FFFFFu) | 0x800000u;
    return (uint16_t)(sign | shift_round(m, 126 - (rest >> 23)));
}

static uint16_t bf16_of_f32(uint32_t f)
{
    if ((f & 0x7FFFFFFFu) > 0x7F800000u)
        return (uint16_t)(f >> 16 | 0x40u);
    return (uint16_t)shift_round(f, 16);
}

static void to_f32(unsigned char *dst, as_dtype src_type, const unsigned char *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t h = load16(src + 2 * i);
        uint32_t f = src_type == AS_BF16 ? (uint32_t)h << 16 : f32_of_f16(h);
        memcpy(dst + 4 * i, &f, sizeof f);
    }
}

static void from_f32(unsigned char *dst, as_dtype dst_type, const unsigned char *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t f = load32(src + 4 * i);
        uint16_t h = dst_type == AS_BF16 ? bf16_of_f32(f) : f16_of_f32(f);
        memcpy(dst + 2 * i, &h, sizeof h);
    }
}

void as_convert(void *dst, as_dtype dst_type, const void *src, as_dtype src_type, size_t n)
{
    enum { BLOCK = 512 };
    unsigned char *out = dst;
    const unsigned char *in = src;
    assert(as_dtype_is_weight(dst_type) && as_dtype_is_weight(src_type));
    if (dst_type == src_type) {
        if (n > 0)
            memcpy(dst, src, n * types[dst_type].size);
    } else if (dst_type == AS_F32) {
        to_f32(out, src_type, in, n);
    } else if (src_type == AS_F32) {
        from_f32(out, dst_type, in, n);
    } else {
        unsigned char between[BLOCK * 4];
        for (size_t at = 0; at < n; at += BLOCK) {
            size_t m = n - at < BLOCK ? n - at : BLOCK;
            to_f32(between, src_type, in + 2 * at, m);
            from_f32(out + 2 * at, dst_type, between, m);
        }
    }
}

size_t as_find_not_finite(const void *src, as_dtype type, size_t n)
{
    const unsigned char *p = src;
    uint32_t mask = type == AS_F32 ? 0x7F800000u : type == AS_BF16 ? 0x7F80u : 0x7C00u;
    assert(as_dtype_is_weight(type));
    for (size_t i = 0; i < n; i++) {
        uint32_t v = type == AS_F32 ? load32(p + 4 * i) : load16(p + 2 * i);
        if ((v & mask) == mask)
            return i;
    }
    return n;
}
