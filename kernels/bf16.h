/* bf16.h -- the upper half of a float: 8 bits of exponent, 7 of mantissa. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef K_BF16_H
#define K_BF16_H
#include <stdint.h>
#include <string.h>

static inline float k_bf16_to_float(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* To nearest, ties to even; a NaN stays one. */
static inline uint16_t k_bf16_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
#endif
