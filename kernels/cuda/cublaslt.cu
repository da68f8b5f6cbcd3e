/* cublaslt.cu -- matrix products by cuBLASLt, where it is found: product.h says of which order and
 * sizes, and `false` that they are not done, so that gemm.cu does them.
 *
 * Rows read as columns are the matrix turned, so what is asked for is y^T = b' a'^T, with n_j rows
 * and n_i columns:
 *
 *     order  A of cuBLASLt   op   B of cuBLASLt   op
 *     K_NT   b, [p] of j     T    a, [p] of i     N
 *     K_NN   b, [j] of p     N    a, [p] of i     N
 *     K_TN   b, [j] of p     N    a, [i] of p     T
 *
 * Which algorithm: cuBLASLt names some for a shape, best first by its own reckoning; each is timed
 * on the device, on the buffers of the first call of that shape (into y, which that call writes
 * anyway, or beside it where y is added to). One is preferred to those named before it where it is
 * a twentieth faster. Numbers of rows beyond 512 share a choice with their like: it is named for
 * the largest of them, so that it does not depend on who came first. None cuts a sum between blocks
 * (no reduction scheme is allowed), so the same algorithm gives the same bits.
 *
 * The clock would choose another way on another day. So a choice is kept in a file (choices.h) in
 * the folder that k_options names, one for a kind of device, a driver and a cuBLASLt, and holds
 * from then on: in this process, in others, after a kill. So is that of a shape first seen while
 * operations are recorded, or without memory to try an addition in: the first that is named. Where
 * nothing can be kept, the first that is named is taken each time, and so it is where the file
 * names an algorithm that cuBLASLt does not. Either is said.
 *
 * Cost: of a first call, some milliseconds of host and twenty products; of others some microseconds
 * of host. Bound by what gemm.cu says; cuBLASLt's kernels for sm_90 use wgmma.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/choices.h"
#include "kernels/cuda/cublaslt.h"
#include "kernels/cuda/product.h"
#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#ifdef __CUDACC__
#include <dlfcn.h>
#endif

namespace
{
constexpr size_t workspace_bytes = (size_t)32 << 20;
constexpr size_t n_slots = 4096; /* of choices; when 3/4 of them are taken, all are forgotten */
constexpr int n_named = 8;       /* algorithms that are asked for */
constexpr int64_t exact = 512;   /* so many rows, and fewer, have a choice of their own */
constexpr uint32_t alignment = 16;

struct Key {
    int64_t n_i, n_j, n_p;
    int64_t kind; /* order and flags; 0: an empty slot */
};

enum { F32 = 4, FLOAT_Y = 8, BIAS = 16, ADDS = 32 }; /* of a kind, beside 1 + order */

struct Choice {
    Key key;
    int n;
    k_lt_algo algos[n_named]; /* the chosen one first */
};
} /* namespace */

struct k_cuda_lt {
    k_cublaslt f;
    k_lt_handle handle;
    void *workspace;
    cudaEvent_t begin, end;
    k_choices *kept; /* NULL: nowhere */
    void (*note)(const char *text);
    bool has_said_lost, has_said_stale;
    size_t n_choices;
    Choice choices[n_slots];
};

namespace
{
/* What cuBLASLt wants to be told of one product; good where it could be told all. */
struct Call {
    const k_cublaslt &f;
    k_lt_desc desc = nullptr;
    k_lt_layout a = nullptr, b = nullptr, y = nullptr;
    bool is_good = false;

    template <class T> bool set(int attribute, T value)
    {
        return f.desc_set(desc, attribute, &value, sizeof value) == K_LT_SUCCESS;
    }

    bool layout(k_lt_layout *out, int type, int64_t columns, int64_t rows)
    {
        return f.layout_create(out, type, (uint64_t)rows, (uint64_t)columns, rows) == K_LT_SUCCESS;
    }

    Call(const k_cublaslt &functions, k_type type, k_order order, const k_product &p) : f(functions)
    {
        const int narrow = type == K_F32 ? K_LT_F32 : K_LT_BF16;
        const bool a_is_turned = order == K_TN, b_is_turned = order == K_NT;
        is_good = f.desc_create(&desc, K_LT_COMPUTE_F32, K_LT_F32) == K_LT_SUCCESS &&
                  set(K_LT_DESC_TRANSA, (int32_t)(b_is_turned ? K_LT_OP_T : K_LT_OP_N)) &&
                  set(K_LT_DESC_TRANSB, (int32_t)(a_is_turned ? K_LT_OP_T : K_LT_OP_N)) &&
                  (!p.bias || (set(K_LT_DESC_EPILOGUE, (uint32_t)K_LT_EPILOGUE_BIAS) &&
                               set(K_LT_DESC_BIAS_POINTER, p.bias))) &&
                  layout(&b, narrow, b_is_turned ? p.n_j : p.n_p, b_is_turned ? p.n_p : p.n_j) &&
                  layout(&a, narrow, a_is_turned ? p.n_p : p.n_i, a_is_turned ? p.n_i : p.n_p) &&
                  layout(&y, p.is_float ? K_LT_F32 : narrow, p.n_i, p.n_j);
    }
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;

    ~Call()
    {
        if (desc)
            f.desc_destroy(desc);
        for (k_lt_layout one : { a, b, y })
            if (one)
                f.layout_destroy(one);
    }
};

bool is_fit(const Call &call, const k_cuda_lt &lt, const k_lt_algo &algo)
{
    k_lt_result result = {};
    return lt.f.check(lt.handle, call.desc, call.b, call.a, call.y, call.y, &algo, &result) ==
               K_LT_SUCCESS &&
           result.workspace <= workspace_bytes;
}

/* y = a b + bias, or y += */
bool multiply(k_cuda_device *dev, const Call &call, const k_lt_algo &algo, const k_product &p,
              void *y, bool adds)
{
    const k_cuda_lt &lt = *dev->lt;
    const float one = 1.F;
    const float old = adds ? 1.F : 0.F;
    return lt.f.matmul(lt.handle, call.desc, &one, p.b, call.b, p.a, call.a, &old, y, call.y, y,
                       call.y, &algo, lt.workspace, workspace_bytes, dev->stream) == K_LT_SUCCESS;
}

/* Milliseconds of two products, after one that brings the kernel; negative: it does not work. */
float time_of(k_cuda_device *dev, const Call &call, const k_lt_algo &algo, const k_product &p,
              void *y)
{
    const k_cuda_lt &lt = *dev->lt;
    float ms = -1;
    if (!is_fit(call, lt, algo) || !multiply(dev, call, algo, p, y, false))
        return ms;
    bool is_good = cudaEventRecord(lt.begin, dev->stream) == cudaSuccess;
    for (int i = 0; i < 2; i++)
        is_good = is_good && multiply(dev, call, algo, p, y, false);
    is_good = is_good && cudaEventRecord(lt.end, dev->stream) == cudaSuccess &&
              cudaEventSynchronize(lt.end) == cudaSuccess &&
              cudaEventElapsedTime(&ms, lt.begin, lt.end) == cudaSuccess;
    return is_good ? ms : -1;
}

/* Which of them is the fastest. */
int fastest(k_cuda_device *dev, const Call &call, const k_product &p, const Choice &choice)
{
    void *beside = nullptr;
    if (p.adds && cudaMalloc(&beside, (size_t)p.n_i * (size_t)p.n_j *
                                          (p.is_float ? sizeof(float) : 2)) != cudaSuccess) {
        cudaGetLastError(); /* no room to try anything in: the first, then */
        return 0;
    }
    int best = 0;
    float least = -1;
    for (int i = 0; i < choice.n; i++) {
        const float ms = time_of(dev, call, choice.algos[i], p, p.adds ? beside : p.y);
        if (ms >= 0 && (least < 0 || ms < 0.95F * least)) {
            least = ms;
            best = i;
        }
    }
    cudaFree(beside);
    return best;
}

/* "nn bf16 to f32 with bias added, 512 x 896 x 4864": i, j and p of product.h. */
void write_key(char *out, const Key &key)
{
    static const char *const orders[] = { "nt", "nn", "tn" };
    const int64_t flags = (key.kind - 1) / F32 * F32;
    snprintf(out, K_CHOICE_MAX, "%s %s to %s%s%s, %" PRId64 " x %" PRId64 " x %" PRId64,
             orders[key.kind - 1 - flags], flags & F32 ? "f32" : "bf16",
             flags & (F32 | FLOAT_Y) ? "f32" : "bf16", flags & BIAS ? " with bias" : "",
             flags & ADDS ? " added" : "", key.n_i, key.n_j, key.n_p);
}

/* "2: id 66 tile 20 ...": its place among those named, and all that cuBLASLt says of it. */
void write_value(char *out, const k_cublaslt &f, int place, const k_lt_algo &algo)
{
    static const struct {
        const char *name;
        size_t size;
    } parts[] = { { "id", 4 },     { "tile", 4 },    { "splits", 4 },
                  { "sum", 4 },    { "swizzle", 4 }, { "custom", 4 },
                  { "stages", 4 }, { "inner", 2 },   { "cluster", 2 } };
    static_assert(sizeof parts / sizeof parts[0] == K_LT_N_CONFIG, "a name for each");
    int n = snprintf(out, K_CHOICE_MAX, "%d:", place);
    for (int i = 0; i < K_LT_N_CONFIG; i++) {
        uint32_t value = 0; /* the narrow ones' bytes come first */
        size_t written = 0;
        if (f.config(&algo, i, &value, parts[i].size, &written) != K_LT_SUCCESS)
            value = 0;
        n += snprintf(out + n, (size_t)(K_CHOICE_MAX - n), " %s %" PRIu32, parts[i].name, value);
    }
}

void say(const k_cuda_lt &lt, bool *has_said, const char *what, const char *means)
{
    char text[1600];
    if (lt.note && !*has_said) {
        snprintf(text, sizeof text, "%s: %s", what, means);
        lt.note(text);
    }
    *has_said = true;
}

void say_lost(k_cuda_lt &lt)
{
    if (k_choices_lost(lt.kept))
        say(lt, &lt.has_said_lost, k_choices_lost(lt.kept),
            "for shapes of products that it does not have, the first algorithm that cuBLASLt names "
            "is taken");
}

/* Moves the algorithm that holds for this shape to the front. */
void choose(k_cuda_device *dev, const Call &call, const k_product &p, Choice &choice)
{
    k_cuda_lt &lt = *dev->lt;
    char key[K_CHOICE_MAX];
    char value[K_CHOICE_MAX];
    if (!lt.kept || choice.n == 0)
        return;
    write_key(key, choice.key);
    if (!k_choices_find(lt.kept, key, value)) {
        const bool is_tried = !dev->is_recording && !k_choices_lost(lt.kept);
        const int best = is_tried ? fastest(dev, call, p, choice) : 0;
        write_value(value, lt.f, best, choice.algos[best]);
        if (!k_choices_keep(lt.kept, key, value)) {
            say_lost(lt);
            return;
        }
    }
    for (int i = 0; i < choice.n; i++) {
        char named[K_CHOICE_MAX];
        write_value(named, lt.f, i, choice.algos[i]);
        if (strcmp(named, value) != 0)
            continue;
        const k_lt_algo chosen = choice.algos[i];
        memmove(choice.algos + 1, choice.algos, (size_t)i * sizeof chosen);
        choice.algos[0] = chosen;
        return;
    }
    char line[3 * K_CHOICE_MAX];
    snprintf(line, sizeof line, "the file of cuBLASLt's choices has \"%s = %s\"", key, value);
    say(lt, &lt.has_said_stale, line,
        "cuBLASLt names no such algorithm, so the first that it names is taken; delete the file, "
        "and all are timed again");
}

/* The algorithms named for this key's shape. */
void name_algorithms(const k_cuda_lt &lt, k_type type, k_order order, const k_product &p,
                     Choice &choice)
{
    k_product named = p;
    named.n_i = choice.key.n_i;
    named.n_p = choice.key.n_p;
    const Call call(lt.f, type, order, named);
    k_lt_preference preference = nullptr;
    k_lt_result results[n_named] = {};
    const uint64_t workspace = workspace_bytes;
    const uint32_t reduction = K_LT_REDUCTION_NONE;
    int n = 0;
    bool is_good = call.is_good && lt.f.preference_create(&preference) == K_LT_SUCCESS &&
                   lt.f.preference_set(preference, K_LT_PREF_MAX_WORKSPACE, &workspace,
                                       sizeof workspace) == K_LT_SUCCESS &&
                   lt.f.preference_set(preference, K_LT_PREF_REDUCTION_SCHEME, &reduction,
                                       sizeof reduction) == K_LT_SUCCESS;
    for (int i = 0; i < 4 && is_good; i++)
        is_good = lt.f.preference_set(preference, K_LT_PREF_ALIGNMENT_A + i, &alignment,
                                      sizeof alignment) == K_LT_SUCCESS;
    if (is_good && lt.f.heuristic(lt.handle, call.desc, call.b, call.a, call.y, call.y, preference,
                                  n_named, results, &n) != K_LT_SUCCESS)
        n = 0;
    if (preference)
        lt.f.preference_destroy(preference);
    choice.n = 0;
    for (int i = 0; i < n; i++)
        if (results[i].state == K_LT_SUCCESS)
            choice.algos[choice.n++] = results[i].algo;
}

int64_t largest_like(int64_t rows)
{
    int64_t step = exact / 8;
    if (rows <= exact)
        return rows;
    while (step * 16 <= rows)
        step *= 2;
    return (rows + step - 1) / step * step;
}

Key key_of(k_type type, k_order order, const k_product &p)
{
    const int64_t kind = 1 + order + F32 * (type == K_F32) + FLOAT_Y * p.is_float +
                         BIAS * (p.bias != nullptr) + ADDS * p.adds;
    return { order == K_TN ? p.n_i : largest_like(p.n_i), p.n_j,
             order == K_TN ? largest_like(p.n_p) : p.n_p, kind };
}

/* The choice of this key, or the empty slot for it. What is forgotten is found again in the file.
 */
Choice *find(k_cuda_lt &lt, const Key &key)
{
    uint64_t hash = 0;
    if (lt.n_choices == n_slots / 4 * 3) {
        memset(lt.choices, 0, sizeof lt.choices);
        lt.n_choices = 0;
    }
    for (const int64_t part : { key.n_i, key.n_j, key.n_p, key.kind })
        hash = (hash ^ (uint64_t)part) * 0x9e3779b97f4a7c15U;
    for (size_t i = hash >> 32;; i++) {
        Choice &c = lt.choices[i % n_slots];
        if (c.key.kind == 0 || memcmp(&c.key, &key, sizeof key) == 0)
            return &c;
    }
}

bool is_aligned(const void *p)
{
    return reinterpret_cast<uintptr_t>(p) % alignment == 0;
}

/* cuBLASLt has kernels that want 16 bytes of all pointers and rows, and no bias narrower than y. */
bool is_taken(k_type type, k_order order, const k_product &p)
{
    const int64_t size = type == K_F32 ? 4 : 2;
    return p.n_i > 0 && p.n_j > 0 && p.n_p > 0 && p.n_i <= INT32_MAX && p.n_j <= INT32_MAX &&
           p.n_p <= INT32_MAX && (order == K_TN ? p.n_i : p.n_p) * size % alignment == 0 &&
           (order == K_NT ? p.n_p : p.n_j) * size % alignment == 0 &&
           p.n_j * (p.is_float ? 4 : size) % alignment == 0 && is_aligned(p.a) && is_aligned(p.b) &&
           is_aligned(p.y) && is_aligned(p.bias) && !(p.bias && p.is_float && type != K_F32);
}

/* One file for each head: the head with whatever no file should be called as -. */
int open_choices(k_cuda_device *dev, const char *folder)
{
    k_cuda_lt &lt = *dev->lt;
    cudaDeviceProp p;
    int driver = 0;
    const cudaError_t error = cudaGetDeviceProperties(&p, dev->index);
    if (error != cudaSuccess)
        return k_cuda_failed(error);
    cudaDriverGetVersion(&driver);
    char head[K_CHOICE_MAX];
    char name[K_CHOICE_MAX];
    char path[4096];
    snprintf(head, sizeof head,
             "cuBLASLt %zu, driver %d, %.60s %d.%d with %d multiprocessors, %d named, %zu MiB",
             lt.f.version(), driver, p.name, p.major, p.minor, p.multiProcessorCount, n_named,
             workspace_bytes >> 20);
    size_t n = 0;
    for (const char *c = head; *c; c++) {
        const bool is_good = isalnum((unsigned char)*c) || *c == '.';
        if (is_good || (n > 0 && name[n - 1] != '-'))
            name[n++] = (char)(is_good ? *c : '-');
    }
    name[n] = '\0';
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    lt.kept = k_choices_open(path, head);
    if (!lt.kept)
        return K_ENOMEM;
    say_lost(lt);
    return K_OK;
}
} /* namespace */

bool k_cuda_lt_product(k_cuda_device *dev, k_type type, k_order order, const k_product &p)
{
    if (!dev->lt || !is_taken(type, order, p))
        return false;
    k_cuda_lt &lt = *dev->lt;
    const Call call(lt.f, type, order, p);
    const Key key = key_of(type, order, p);
    Choice *choice = call.is_good ? find(lt, key) : nullptr;
    if (!choice)
        return false;
    if (choice->key.kind == 0) {
        choice->key = key;
        lt.n_choices++;
        name_algorithms(lt, type, order, p, *choice);
        choose(dev, call, p, *choice);
    }
    for (int i = 0; i < choice->n; i++)
        if (is_fit(call, lt, choice->algos[i]) &&
            multiply(dev, call, choice->algos[i], p, p.y, p.adds))
            return true;
    return false;
}

int k_cuda_lt_open(k_cuda_device *dev, const k_options *options)
{
    if (options->isa && strcmp(options->isa, "own") == 0)
        return K_OK;
    auto *lt = new (std::nothrow) k_cuda_lt();
    if (!lt)
        return K_ENOMEM;
    dev->lt = lt;
    lt->note = options->note;
    if (!k_cuda_find_cublaslt(&lt->f)) {
        k_cuda_lt_close(dev);
        return K_OK;
    }
    const int status = lt->f.create(&lt->handle);
    if (status != K_LT_SUCCESS)
        return k_cuda_note(K_EDEVICE,
                           "cuBLASLt is there and does not open (its status %d): cuda-exact does "
                           "without it",
                           status);
    cudaError_t error = cudaMalloc(&lt->workspace, workspace_bytes);
    if (error == cudaErrorMemoryAllocation)
        return k_cuda_no_room(dev->index, workspace_bytes);
    for (cudaEvent_t *event : { &lt->begin, &lt->end })
        if (error == cudaSuccess)
            error = cudaEventCreateWithFlags(event, cudaEventDefault);
    if (error != cudaSuccess)
        return k_cuda_failed(error);
    return options->choices ? open_choices(dev, options->choices) : K_OK;
}

void k_cuda_lt_close(k_cuda_device *dev)
{
    k_cuda_lt *lt = dev->lt;
    if (!lt)
        return;
    if (lt->handle)
        lt->f.destroy(lt->handle);
    cudaFree(lt->workspace);
    for (cudaEvent_t event : { lt->begin, lt->end })
        if (event)
            cudaEventDestroy(event);
    k_choices_close(lt->kept);
    delete lt;
    dev->lt = nullptr;
}

#ifdef __CUDACC__
/* Stays open for as long as the process lives. */
int k_cuda_find_cublaslt(k_cublaslt *out)
{
    static const char *const names[] = K_LT_NAMES;
    static_assert(sizeof names / sizeof names[0] == K_LT_N_FUNCTIONS, "a name for each");
    const char *named = secure_getenv("ASSAY_CUBLASLT");
    void *so = nullptr;
    if (named && named[0])
        so = dlopen(named, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    for (const char *name : { "libcublasLt.so.13", "libcublasLt.so.12" })
        if (!so && !(named && named[0]))
            so = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!so)
        return 0;
    auto *to = reinterpret_cast<char *>(out);
    for (int i = 0; i < K_LT_N_FUNCTIONS; i++) {
        void *symbol = dlsym(so, names[i]);
        if (!symbol)
            return 0;
        memcpy(to + (size_t)i * sizeof symbol, &symbol, sizeof symbol);
    }
    return 1;
}
#endif
