/* level.h -- one vector of floats, as wide as the level this file is compiled for.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The families (gemm.c, norm.c, ...) are written once in GCC's vector extensions and compiled once
 * per level with that level's flags; LEVEL(name) gives each its own symbols. Only what the
 * extensions cannot say is an intrinsic here. Contraction is off (-ffp-contract=off): a fused
 * multiply-add is where it says v_fma and nowhere else, so two ways through the code that say the
 * same give the same bits. */
#ifndef K_FAST_LEVEL_H
#define K_FAST_LEVEL_H
#include "kernels/bf16.h"
#include "kernels/kernels.h"

#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define VL 16L
#if defined(__AMX_BF16__) || defined(__AMXBF16__) /* of gcc, of clang */
#define LEVEL(name) name##_amx
#define LEVEL_NAME "amx"
#elif defined(__AVX512BF16__)
#define LEVEL(name) name##_avx512bf16
#define LEVEL_NAME "avx512bf16"
#else
#define LEVEL(name) name##_avx512
#define LEVEL_NAME "avx512"
#endif
#elif defined(__AVX2__)
#include <immintrin.h>
#define VL 8L
#define LEVEL(name) name##_avx2
#define LEVEL_NAME "avx2"
#else
#define VL 4L
#define LEVEL(name) name##_scalar
#define LEVEL_NAME "scalar"
#endif

#define ALWAYS static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(4 * VL)));
typedef int32_t vi __attribute__((vector_size(4 * VL)));
typedef uint32_t vu __attribute__((vector_size(4 * VL)));
typedef uint16_t vh __attribute__((vector_size(2 * VL)));
typedef uint64_t vl __attribute__((vector_size(4 * VL))); /* half as many */
/* the same anywhere in memory */
typedef float vf_any __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef uint32_t vu_any __attribute__((vector_size(4 * VL), aligned(2), may_alias));
typedef uint16_t vh_any __attribute__((vector_size(2 * VL), aligned(2), may_alias));

ALWAYS vf v_set(float x)
{
    return x - (vf){ 0 };
}

ALWAYS vf v_load(const float *p)
{
    return *(const vf_any *)p;
}

ALWAYS void v_store(float *p, vf x)
{
    *(vf_any *)p = x;
}

/* a where the mask's lane is all ones, b where it is 0 */
ALWAYS vf v_pick(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

#if VL == 16
#define V_FMA(a, b, c) ((vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define V_MAX(a, b) ((vf)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define V_MIN(a, b) ((vf)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define V_SQRT(a) ((vf)_mm512_sqrt_ps((__m512)(a)))
#define V_MUL32(a, b) ((vl)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#elif VL == 8
#define V_FMA(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define V_MAX(a, b) ((vf)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define V_MIN(a, b) ((vf)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define V_SQRT(a) ((vf)_mm256_sqrt_ps((__m256)(a)))
#define V_MUL32(a, b) ((vl)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#else
#define V_FMA(a, b, c) ((a) * (b) + (c))
#define V_MAX(a, b) v_pick((a) > (b), (a), (b))
#define V_MIN(a, b) v_pick((a) < (b), (a), (b))
#define V_MUL32(a, b) (((a)&0xffffffffu) * ((b)&0xffffffffu))
#define V_SQRT(a)                                                                                  \
    ((vf){ __builtin_sqrtf((a)[0]), __builtin_sqrtf((a)[1]), __builtin_sqrtf((a)[2]),              \
           __builtin_sqrtf((a)[3]) })
#endif

ALWAYS vf v_fma(vf a, vf b, vf c)
{
    return V_FMA(a, b, c);
}

/* Both: the second where either is a NaN. */
ALWAYS vf v_max(vf a, vf b)
{
    return V_MAX(a, b);
}

ALWAYS vf v_min(vf a, vf b)
{
    return V_MIN(a, b);
}

ALWAYS vf v_sqrt(vf a)
{
    return V_SQRT(a);
}

/* Products of the lower halves. */
ALWAYS vl v_mul32(vl a, vl b)
{
    return V_MUL32(a, b);
}

/* One number as the vectors do it. */
ALWAYS float s_fma(float a, float b, float c)
{
#if VL > 4
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/* Sum and maximum over the lanes: halves are folded onto each other. Of two that are compared the
 * second counts where either is a NaN. */
#if VL == 16
#define V_FOLD(add, x)                                                                             \
    const __m256 eight =                                                                           \
        add##256(_mm512_castps512_ps256((__m512)(x)), _mm512_extractf32x8_ps((__m512)(x), 1))
#elif VL == 8
#define V_FOLD(add, x) const __m256 eight = (__m256)(x)
#endif
#if VL > 4
#define V_SUM256(a, b) _mm256_add_ps(a, b)
#define V_TOP256(a, b) _mm256_max_ps(a, b)
#define V_FOLD_ALL(fold, op, x)                                                                    \
    V_FOLD(fold, x);                                                                               \
    __m128 four = op(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));              \
    four = op(four, _mm_movehl_ps(four, four));                                                    \
    return _mm_cvtss_f32(op(four, _mm_movehdup_ps(four)))
#endif

ALWAYS float v_sum(vf x)
{
#if VL > 4
    V_FOLD_ALL(V_SUM, _mm_add_ps, x);
#else
    return x[0] + x[2] + (x[1] + x[3]);
#endif
}

ALWAYS float v_top(vf x)
{
#if VL > 4
    V_FOLD_ALL(V_TOP, _mm_max_ps, x);
#else
    const float a = x[0] > x[2] ? x[0] : x[2], b = x[1] > x[3] ? x[1] : x[3];
    return a > b ? a : b;
#endif
}

/* ---- memory of either type: floats in, floats out; n < VL lanes at the end of a row, the rest 0
 * -------------------- */

ALWAYS vf v_widen(vh h)
{
    return (vf)(__builtin_convertvector(h, vu) << 16);
}

/* To nearest, ties to even, as k_bf16_of_float. */
ALWAYS vh v_narrow(vf x)
{
    const vu bits = (vu)x, magnitude = bits & 0x7fffffffu;
    const vu rounded = bits + 0x7fffu + (bits >> 16 & 1u), nan = bits | 0x400000u;
    const vu is_nan = (vu)(magnitude > 0x7f800000u);
    return __builtin_convertvector(((is_nan & nan) | (~is_nan & rounded)) >> 16, vh);
}

ALWAYS vf v_get(k_type type, const void *p, int64_t i)
{
    return type == K_BF16 ? v_widen(*(const vh_any *)((const uint16_t *)p + i))
                          : v_load((const float *)p + i);
}

ALWAYS void v_put(k_type type, void *p, int64_t i, vf x)
{
    if (type == K_BF16)
        *(vh_any *)((uint16_t *)p + i) = v_narrow(x);
    else
        v_store((float *)p + i, x);
}

ALWAYS vf v_get_n(k_type type, const void *p, int64_t i, int64_t n)
{
#if VL == 16
    const __mmask16 mask = (__mmask16)((1u << n) - 1);
    return type == K_BF16 ? v_widen((vh)_mm256_maskz_loadu_epi16(mask, (const uint16_t *)p + i))
                          : (vf)_mm512_maskz_loadu_ps(mask, (const float *)p + i);
#endif
    if (type == K_BF16) {
        vh h = { 0 };
        memcpy(&h, (const uint16_t *)p + i, (size_t)n * 2);
        return v_widen(h);
    }
    vf x = { 0 };
    memcpy(&x, (const float *)p + i, (size_t)n * 4);
    return x;
}

ALWAYS void v_put_n(k_type type, void *p, int64_t i, vf x, int64_t n)
{
#if VL == 16
    const __mmask16 mask = (__mmask16)((1u << n) - 1);
    if (type == K_BF16)
        _mm256_mask_storeu_epi16((uint16_t *)p + i, mask, (__m256i)v_narrow(x));
    else
        _mm512_mask_storeu_ps((float *)p + i, mask, (__m512)x);
    return;
#endif
    if (type == K_BF16) {
        const vh h = v_narrow(x);
        memcpy((uint16_t *)p + i, &h, (size_t)n * 2);
    } else {
        memcpy((float *)p + i, &x, (size_t)n * 4);
    }
}

ALWAYS float s_get(k_type type, const void *p, int64_t i)
{
    return type == K_BF16 ? k_bf16_to_float(((const uint16_t *)p)[i]) : ((const float *)p)[i];
}

ALWAYS void s_put(k_type type, void *p, int64_t i, float x)
{
    if (type == K_BF16)
        ((uint16_t *)p)[i] = k_bf16_of_float(x);
    else
        ((float *)p)[i] = x;
}

/* x rounded to type and back */
ALWAYS vf v_round(k_type type, vf x)
{
    return type == K_BF16 ? v_widen(v_narrow(x)) : x;
}

/* Lanes i .. of a row that ends at `end`: all of them, or what is left. */
ALWAYS vf v_read(k_type type, const void *p, int64_t i, int64_t end)
{
    return end - i >= VL ? v_get(type, p, i) : v_get_n(type, p, i, end - i);
}

ALWAYS void v_write(k_type type, void *p, int64_t i, int64_t end, vf x)
{
    if (end - i >= VL)
        v_put(type, p, i, x);
    else
        v_put_n(type, p, i, x, end - i);
}

/* for (V_EACH(i, n)) walks a row. */
#define V_EACH(i, n)                                                                               \
    int64_t i = 0;                                                                                 \
    (i) < (n);                                                                                     \
    (i) += VL

ALWAYS const void *at(k_type type, const void *p, int64_t i)
{
    return (const char *)p + i * (type == K_BF16 ? 2 : 4);
}

ALWAYS void *at_mut(k_type type, void *p, int64_t i)
{
    return (char *)p + i * (type == K_BF16 ? 2 : 4);
}
#endif
