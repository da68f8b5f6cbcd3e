/* cublaslt.cpp -- cuBLASLt's functions as loops: what they say of layouts, transposes, alignments
 * and workspaces is held against the memory they name, so that a caller who has one of them wrong
 * gets a finding, or other numbers.
 *
 * There are six algorithms, of which each needs something (see `offers`), takes its own time on the
 * clock of events, and adds in an order of its own, so that the bits tell which it was.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cublaslt.h"
#include "core.h"
#include <algorithm>

struct k_lt_context {
    int device;
};
struct k_lt_desc_data {
    int compute, scale;
    int32_t op_a, op_b;
    uint32_t epilogue;
    const void *bias;
};
struct k_lt_layout_data {
    int type;
    uint64_t rows, columns;
    int64_t ld;
};
struct k_lt_preference_data {
    uint64_t workspace;
    uint32_t reductions, alignment[4];
};

emu_cublaslt emu_lt;

namespace
{
constexpr uint64_t magic = 0x617373617921U;

struct Offer {
    double ms;
    size_t workspace;
    uint32_t reduction, alignment;
    uint64_t multiple; /* of columns of D */
};
/* As they are named: the first is slow, the second works for some sizes only, the third wants
 * workspace, the others cut sums, want pointers that are no guest's, and want too much workspace.
 */
constexpr Offer offers[] = { { 3, 0, 0, 16, 1 },        { 0.8, 0, 0, 16, 8 },
                             { 1, 1 << 20, 0, 16, 1 },  { 0.5, 4096, 2, 16, 1 },
                             { 0.25, 4096, 0, 256, 1 }, { 0.125, 1U << 30, 0, 16, 1 } };
constexpr int n_offers = sizeof offers / sizeof offers[0];

size_t size_of(int type)
{
    return type == K_LT_F32 ? 4 : 2;
}

float number(const void *p, int type, size_t i)
{
    if (type == K_LT_F32)
        return static_cast<const float *>(p)[i];
    return __bfloat162float(static_cast<const nv_bfloat16 *>(p)[i]);
}

bool is_turned(int32_t op)
{
    return op == K_LT_OP_T;
}

/* Rows and columns of op(M). */
uint64_t rows_of(const k_lt_layout_data &m, int32_t op)
{
    return is_turned(op) ? m.columns : m.rows;
}
uint64_t columns_of(const k_lt_layout_data &m, int32_t op)
{
    return is_turned(op) ? m.rows : m.columns;
}

/* Whether the sizes and types are ones that cuBLASLt would take. */
int check_shapes(const k_lt_desc_data &desc, const k_lt_layout_data &a, const k_lt_layout_data &b,
                 const k_lt_layout_data &c, const k_lt_layout_data &d)
{
    for (const k_lt_layout_data *one : { &a, &b, &c, &d })
        if (one->rows == 0 || one->columns == 0 || one->ld < static_cast<int64_t>(one->rows))
            return K_LT_INVALID_VALUE;
    if (rows_of(a, desc.op_a) != d.rows || columns_of(b, desc.op_b) != d.columns ||
        columns_of(a, desc.op_a) != rows_of(b, desc.op_b) || c.rows != d.rows ||
        c.columns != d.columns)
        return K_LT_INVALID_VALUE;
    if (desc.compute != K_LT_COMPUTE_F32 || desc.scale != K_LT_F32 || a.type != b.type ||
        c.type != d.type || (a.type == K_LT_F32 && d.type != K_LT_F32) ||
        (desc.epilogue != K_LT_EPILOGUE_DEFAULT && desc.epilogue != K_LT_EPILOGUE_BIAS))
        return K_LT_NOT_SUPPORTED;
    /* bias is of the type of D, and with narrow A and B no wider than they */
    if (desc.epilogue == K_LT_EPILOGUE_BIAS && a.type != d.type)
        return K_LT_NOT_SUPPORTED;
    return K_LT_SUCCESS;
}

const Offer *offer_of(const k_lt_algo &algo)
{
    if (algo.data[0] != magic || algo.data[1] >= n_offers)
        return nullptr;
    return &offers[algo.data[1]];
}

/* The columns of a matrix all lie in memory that was written, or may be. */
void check_memory(const char *name, const void *p, const k_lt_layout_data &m, uint32_t alignment,
                  bool is_read)
{
    const size_t size = size_of(m.type);
    if (reinterpret_cast<emu::Address>(p) % alignment != 0 || m.ld * size % 16 != 0)
        emu::report(EMU_ALIGN, 1, "%s of a product is not aligned as its algorithm wants,", name);
    for (uint64_t j = 0; j < m.columns; j++) {
        const char *column = static_cast<const char *>(p) + j * static_cast<uint64_t>(m.ld) * size;
        if (!emu::is_device_memory(column) || !emu::is_whole(column, m.rows * size)) {
            emu::report(EMU_OOB, 1, "%s of a product, column %llu, is outside every allocation,",
                        name, static_cast<unsigned long long>(j));
            return;
        }
        if (is_read && !emu::is_written(column, m.rows * size)) {
            emu::report(EMU_UNINIT, 1, "%s of a product, column %llu, was never written,", name,
                        static_cast<unsigned long long>(j));
            return;
        }
    }
}

struct Work {
    k_lt_desc_data desc;
    k_lt_layout_data a, b, d;
    const void *pa, *pb;
    void *pd;
    float alpha, beta;
    k_lt_algo algo;
    void *workspace;
};

/* Algorithm k begins with the k-th. */
float sum_of(const Work &w, uint64_t i, uint64_t j, uint64_t n)
{
    float sum = 0;
    for (uint64_t q = 0; q < n; q++) {
        const uint64_t p = (q + w.algo.data[1]) % n;
        const uint64_t at_a = is_turned(w.desc.op_a) ? p + i * static_cast<uint64_t>(w.a.ld)
                                                     : i + p * static_cast<uint64_t>(w.a.ld);
        const uint64_t at_b = is_turned(w.desc.op_b) ? j + p * static_cast<uint64_t>(w.b.ld)
                                                     : p + j * static_cast<uint64_t>(w.b.ld);
        sum += number(w.pa, w.a.type, at_a) * number(w.pb, w.b.type, at_b);
    }
    return sum;
}

void multiply(const Work &w)
{
    const Offer &offer = offers[w.algo.data[1]];
    emu::set_kernel("cublasLtMatmul");
    const int before = emu_count(EMU_OOB) + emu_count(EMU_ALIGN);
    check_memory("A", w.pa, w.a, offer.alignment, true);
    check_memory("B", w.pb, w.b, offer.alignment, true);
    check_memory("D", w.pd, w.d, offer.alignment, w.beta != 0);
    if (w.desc.epilogue == K_LT_EPILOGUE_BIAS)
        check_memory("bias", w.desc.bias, { w.d.type, w.d.rows, 1, 64 }, 16, true);
    if (offer.workspace > 0)
        check_memory("the workspace", w.workspace, { K_LT_F32, offer.workspace / 4, 1, 64 }, 16,
                     false);
    if (emu_count(EMU_OOB) + emu_count(EMU_ALIGN) > before)
        return;
    const size_t size = size_of(w.d.type);
    for (uint64_t j = 0; j < w.d.columns; j++) {
        for (uint64_t i = 0; i < w.d.rows; i++) {
            const uint64_t at = i + j * static_cast<uint64_t>(w.d.ld);
            float x = w.alpha * sum_of(w, i, j, columns_of(w.a, w.desc.op_a));
            if (w.beta != 0)
                x += w.beta * number(w.pd, w.d.type, at);
            if (w.desc.epilogue == K_LT_EPILOGUE_BIAS)
                x += number(w.desc.bias, w.d.type, i);
            if (w.d.type == K_LT_F32)
                static_cast<float *>(w.pd)[at] = x;
            else
                static_cast<nv_bfloat16 *>(w.pd)[at] = __float2bfloat16(x);
            emu::mark_written(static_cast<char *>(w.pd) + at * size, size);
        }
    }
    if (offer.workspace > 0)
        memset(w.workspace, 0x7f, offer.workspace);
    if (emu_lt.during) {
        void (*during)() = emu_lt.during;
        emu_lt.during = nullptr;
        during();
    }
    emu_lt.n_products++;
    emu_lt.algorithm = static_cast<int>(w.algo.data[1]);
    emu::spend(emu_lt.algorithm == emu_has.fastest - 1 ? 0.01 : offer.ms);
}

/* ---- cuBLASLt's functions ---- */

size_t version()
{
    return 130100;
}

int create(k_lt_handle *handle)
{
    if (emu_has.has_cublaslt == 2)
        return K_LT_NOT_SUPPORTED;
    *handle = new k_lt_context();
    emu_lt.n_open++;
    return K_LT_SUCCESS;
}

int destroy(k_lt_handle handle)
{
    delete handle;
    emu_lt.n_open--;
    return K_LT_SUCCESS;
}

int desc_create(k_lt_desc *desc, int compute, int scale)
{
    *desc =
        new k_lt_desc_data{ compute, scale, K_LT_OP_N, K_LT_OP_N, K_LT_EPILOGUE_DEFAULT, nullptr };
    emu_lt.n_open++;
    return K_LT_SUCCESS;
}

int desc_destroy(k_lt_desc desc)
{
    delete desc;
    emu_lt.n_open--;
    return K_LT_SUCCESS;
}

template <class T> int take(T *to, const void *from, size_t size)
{
    if (size != sizeof *to)
        return K_LT_INVALID_VALUE;
    memcpy(to, from, size);
    return K_LT_SUCCESS;
}

int desc_set(k_lt_desc desc, int attribute, const void *value, size_t size)
{
    switch (attribute) {
    case K_LT_DESC_TRANSA:
        return take(&desc->op_a, value, size);
    case K_LT_DESC_TRANSB:
        return take(&desc->op_b, value, size);
    case K_LT_DESC_EPILOGUE:
        return take(&desc->epilogue, value, size);
    case K_LT_DESC_BIAS_POINTER:
        return take(&desc->bias, value, size);
    default:
        return K_LT_INVALID_VALUE;
    }
}

int layout_create(k_lt_layout *layout, int type, uint64_t rows, uint64_t columns, int64_t ld)
{
    *layout = new k_lt_layout_data{ type, rows, columns, ld };
    emu_lt.n_open++;
    return K_LT_SUCCESS;
}

int layout_destroy(k_lt_layout layout)
{
    delete layout;
    emu_lt.n_open--;
    return K_LT_SUCCESS;
}

int preference_create(k_lt_preference *preference)
{
    *preference = new k_lt_preference_data{ 0, 7, { 256, 256, 256, 256 } };
    emu_lt.n_open++;
    return K_LT_SUCCESS;
}

int preference_destroy(k_lt_preference preference)
{
    delete preference;
    emu_lt.n_open--;
    return K_LT_SUCCESS;
}

int preference_set(k_lt_preference preference, int attribute, const void *value, size_t size)
{
    if (attribute == K_LT_PREF_MAX_WORKSPACE)
        return take(&preference->workspace, value, size);
    if (attribute == K_LT_PREF_REDUCTION_SCHEME)
        return take(&preference->reductions, value, size);
    if (attribute >= K_LT_PREF_ALIGNMENT_A && attribute < K_LT_PREF_ALIGNMENT_A + 4)
        return take(&preference->alignment[attribute - K_LT_PREF_ALIGNMENT_A], value, size);
    return K_LT_INVALID_VALUE;
}

int heuristic(k_lt_handle, k_lt_desc desc, k_lt_layout a, k_lt_layout b, k_lt_layout c,
              k_lt_layout d, k_lt_preference preference, int n_wanted, k_lt_result *results, int *n)
{
    *n = 0;
    emu_lt.n_asked++;
    const int status = check_shapes(*desc, *a, *b, *c, *d);
    if (status != K_LT_SUCCESS)
        return status;
    const uint32_t alignment = *std::min_element(preference->alignment, preference->alignment + 4);
    for (int i = 0; i < n_offers && *n < n_wanted; i++) {
        const Offer &o = offers[i];
        if (o.workspace > preference->workspace || o.alignment > alignment ||
            (o.reduction & ~preference->reductions) || d->columns % o.multiple != 0)
            continue;
        results[*n] = {};
        results[*n].algo.data[0] = magic;
        results[*n].algo.data[1] = static_cast<uint64_t>(i);
        results[(*n)++].workspace = o.workspace;
    }
    return *n > 0 ? K_LT_SUCCESS : K_LT_NOT_SUPPORTED;
}

int check(k_lt_handle, k_lt_desc desc, k_lt_layout a, k_lt_layout b, k_lt_layout c, k_lt_layout d,
          const k_lt_algo *algo, k_lt_result *result)
{
    const Offer *o = offer_of(*algo);
    if (!o)
        return K_LT_INVALID_VALUE;
    *result = {};
    result->algo = *algo;
    result->workspace = o->workspace;
    const int status = check_shapes(*desc, *a, *b, *c, *d);
    return status == K_LT_SUCCESS && d->columns % o->multiple != 0 ? K_LT_NOT_SUPPORTED : status;
}

int config(const k_lt_algo *algo, int attribute, void *to, size_t size, size_t *written)
{
    const bool is_narrow = attribute == K_LT_CONFIG_INNER_SHAPE || attribute == K_LT_CONFIG_CLUSTER;
    const uint32_t value =
        attribute == K_LT_CONFIG_ID ? static_cast<uint32_t>(algo->data[1]) + 60 : 0;
    *written = is_narrow ? 2 : 4;
    if (!offer_of(*algo) || attribute < 0 || attribute >= K_LT_N_CONFIG || size != *written)
        return K_LT_INVALID_VALUE;
    memcpy(to, &value, size); /* of both sizes: the lower bytes come first */
    return K_LT_SUCCESS;
}

int matmul(k_lt_handle, k_lt_desc desc, const void *alpha, const void *a, k_lt_layout a_layout,
           const void *b, k_lt_layout b_layout, const void *beta, const void *c,
           k_lt_layout c_layout, void *d, k_lt_layout d_layout, const k_lt_algo *algo,
           void *workspace, size_t workspace_size, void *stream)
{
    k_lt_result result;
    const int status = check(nullptr, desc, a_layout, b_layout, c_layout, d_layout, algo, &result);
    if (status != K_LT_SUCCESS)
        return status;
    if (result.workspace > workspace_size || c != d || emu_has.failure)
        return K_LT_INVALID_VALUE;
    const Work work = { *desc,
                        *a_layout,
                        *b_layout,
                        *d_layout,
                        a,
                        b,
                        d,
                        *static_cast<const float *>(alpha),
                        *static_cast<const float *>(beta),
                        *algo,
                        workspace };
    auto *in = static_cast<cudaStream_t>(stream);
    if (!emu::is_current(in)) {
        emu::report(EMU_LAUNCH, 1,
                    "a product in a stream of a device that is not the current one,");
        return K_LT_INVALID_VALUE;
    }
    if (emu::is_kept(in, [work] { multiply(work); }))
        return K_LT_SUCCESS;
    emu::catch_up(in);
    multiply(work);
    return K_LT_SUCCESS;
}
} /* namespace */

int k_cuda_find_cublaslt(k_cublaslt *out)
{
    *out = { version,
             create,
             destroy,
             desc_create,
             desc_destroy,
             desc_set,
             layout_create,
             layout_destroy,
             preference_create,
             preference_destroy,
             preference_set,
             heuristic,
             check,
             config,
             matmul };
    return emu_has.has_cublaslt;
}
