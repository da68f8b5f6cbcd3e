/* bf16.h -- cuda_bf16.h for the emulation: the upper half of a float, rounded to nearest even; NaN
 * becomes 0x7fff, as there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_EMU_BF16_H
#define K_EMU_BF16_H

#include "types.h"
#include <cstdint>
#include <cstring>

template <class T> inline T emu_bits(const void *p)
{
    T t;
    memcpy(&t, p, sizeof t);
    return t;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the names are CUDA's */
inline unsigned __float_as_uint(float x)
{
    return emu_bits<unsigned>(&x);
}
inline float __uint_as_float(unsigned x)
{
    return emu_bits<float>(&x);
}
inline int __float_as_int(float x)
{
    return emu_bits<int>(&x);
}
inline float __int_as_float(int x)
{
    return emu_bits<float>(&x);
}

struct __nv_bfloat16 {
    uint16_t x;
    __nv_bfloat16() = default;
    __nv_bfloat16(float f)
    {
        const unsigned u = __float_as_uint(f);
        const bool is_nan = (u & 0x7fffffffU) > 0x7f800000U;
        x = is_nan ? uint16_t{ 0x7fff }
                   : static_cast<uint16_t>((u + 0x7fff + ((u >> 16) & 1)) >> 16);
    }
    operator float() const
    {
        return __uint_as_float(static_cast<unsigned>(x) << 16);
    }
};
struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
};
typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

inline __nv_bfloat16 __float2bfloat16(float f)
{
    return { f };
}
inline __nv_bfloat16 __float2bfloat16_rn(float f)
{
    return { f };
}
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 b)
{
    return b.x;
}
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short x)
{
    __nv_bfloat16 b;
    b.x = x;
    return b;
}
inline float __bfloat162float(__nv_bfloat16 b)
{
    return b;
}
inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b)
{
    return { __nv_bfloat16(a), __nv_bfloat16(b) };
}
inline float2 __bfloat1622float2(__nv_bfloat162 b)
{
    return { b.x, b.y };
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#endif
