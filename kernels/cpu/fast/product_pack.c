/* product_pack.c -- a matrix that is used many times, brought into panels once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/panel.h"

size_t LEVEL(k_product_pack_bytes)(k_type type, int64_t n, int64_t k)
{
    return panel_bytes(type, n, k) + (type == K_F32 ? MARK : 0);
}

typedef struct packing {
    product p;
    float *to;
    int64_t n_slots;
    packed_as mark;
} packing;

static bool are_bf16(const float *w, int64_t n)
{
    vu low = { 0 };
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        low |= (vu)v_load(w + i) & 0xffffu;
    uint32_t any = 0;
    for (int v = 0; v < VL; v++)
        any |= low[v];
    for (; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, w + i, sizeof bits);
        any |= bits & 0xffffu;
    }
    return any == 0;
}

#if HAS_HALF
/* n <= VL */
ALWAYS __m256i halves_of(const float *w, int64_t n)
{
    return _mm512_cvtps_ph((__m512)v_read(K_F32, w, 0, n), _MM_FROUND_TO_NEAREST_INT);
}

static bool are_halves(const float *w, int64_t n)
{
    for (V_EACH(i, n)) {
        const vf x = v_read(K_F32, w, i, n);
        const vu same = (vu)((vu)x == (vu)_mm512_cvtph_ps(halves_of(w + i, n - i)));
        if (_mm512_movepi32_mask((__m512i)same) != 0xffff)
            return false;
    }
    return true;
}

static void fill_halves(float *to, const product *p, int64_t n_slots, int64_t col)
{
    const int64_t n = min64(NR, p->n - col);
    uint16_t *half = (uint16_t *)to, sixteen[VL];
    memset(to, 0, (size_t)(n_slots * NR) * sizeof *to);
    for (int64_t j = 0; j < n; j++)
        for (V_EACH(k, p->k)) {
            const int64_t n_k = min64(VL, p->k - k);
            const float *from = (const float *)p->b + (col + j) * p->ldb + k;
            _mm256_storeu_si256((__m256i_u *)sixteen, halves_of(from, n_k));
            for (int64_t i = 0; i < n_k; i++)
                half[(k + i) * NR + j] = sixteen[i];
        }
}
#else
static bool are_halves(const float *w, int64_t n)
{
    (void)w, (void)n;
    return false;
}
#endif

/* bf16 out of floats that are. */
static void fill_narrowed_pairs(float *to, const product *p, int64_t n_slots, int64_t col)
{
    const int64_t n = min64(NR, p->n - col);
    uint16_t *pair = (uint16_t *)to;
    memset(to, 0, (size_t)(n_slots * NR) * sizeof *to);
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < p->k; k++)
            s_put(K_BF16, pair, k / 2 * 2 * NR + 2 * j + k % 2,
                  ((const float *)p->b)[(col + j) * p->ldb + k]);
}

static void pack_panels(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const packing *a = arg;
    for (int64_t panel = begin; panel < end; panel++) {
        float *to = a->to + panel * a->n_slots * NR;
        if (a->p.b_type == K_BF16)
            fill_pairs(to, &a->p, 0, a->n_slots, panel * NR);
        else if (a->mark == AS_BF16)
            fill_narrowed_pairs(to, &a->p, a->n_slots, panel * NR);
#if HAS_HALF
        else if (a->mark == AS_F16)
            fill_halves(to, &a->p, a->n_slots, panel * NR);
#endif
        else
            fill_by_j(K_F32, to, &a->p, 0, a->n_slots, panel * NR);
    }
}

/* What rows of floats can be packed as without a loss. */
static packed_as narrowest(const float *w, int64_t n, int64_t k, int64_t ldw)
{
    packed_as mark = AS_BF16;
    for (int64_t j = 0; j < n && mark != AS_FLOATS;) {
        if (mark == AS_BF16 ? are_bf16(w + j * ldw, k) : are_halves(w + j * ldw, k)) {
            j++;
        } else {
            mark = mark == AS_BF16 && HAS_HALF ? AS_F16 : AS_FLOATS;
            j = 0;
        }
    }
    return mark;
}

void LEVEL(k_product_pack)(fast_device *dev, k_type type, int64_t n, int64_t k, const void *w,
                           int64_t ldw, void *packed)
{
    packing a = { .p = { .n = n, .k = k, .b_type = type, .b = w, .ldb = ldw, .b_form = B_BY_J },
                  .to = packed };
    a.mark = type == K_F32 ? narrowest(w, n, k, ldw) : AS_FLOATS;
    a.n_slots = type == K_BF16 || a.mark != AS_FLOATS ? (k + 1) / 2 : k;
    if (type == K_F32)
        memcpy((char *)packed + panel_bytes(K_F32, n, k), &a.mark, sizeof a.mark);
    k_fast_rows(dev, (n + NR - 1) / NR, 1 + 16384 / (k + 1), pack_panels, &a);
}
