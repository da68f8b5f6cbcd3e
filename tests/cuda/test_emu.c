/* test_emu.c -- the emulation of CUDA itself: right kernels compute what they should and nothing is
 * found in them, whatever order their threads run in; each fault is found and called by its name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emu_test.h"

#include "emu_kernels.h"

static float at(const uint16_t *v, size_t i)
{
    return k_bf16_to_float(v[i]);
}

/* ---- right kernels against plain loops ------------------------------------------------------- */
static void one_norm(int rows, int n, int threads)
{
    const size_t size = (size_t)rows * (size_t)n;
    uint16_t *x = random_halves(size);
    float *w = random_floats((size_t)n);
    uint16_t *dx = on_device(x, size * 2);
    float *dw = on_device(w, (size_t)n * 4);
    uint16_t *y = on_device(NULL, size * 2);
    float *rstd = on_device(NULL, (size_t)rows * 4);
    emu_norm(dx, dw, y, rstd, rows, n, 1e-5F, threads);
    assert_clean("norm");
    double error = 0;
    for (size_t r = 0; r < (size_t)rows; r++) {
        double squares = 0;
        for (size_t i = 0; i < (size_t)n; i++)
            squares += (double)at(x, r * (size_t)n + i) * (double)at(x, r * (size_t)n + i);
        const double inv = 1 / sqrt(squares / n + 1e-5);
        error = worse(error, (double)rstd[r] / inv, 1);
        for (size_t i = 0; i < (size_t)n; i++) {
            const double v = (double)at(x, r * (size_t)n + i) * inv * (double)w[i];
            error =
                worse(error, (double)at(y, r * (size_t)n + i) / (fabs(v) + 1), v / (fabs(v) + 1));
        }
    }
    assert_close("norm", error, 4e-3);
    cudaFree(dx);
    cudaFree(dw);
    cudaFree(y);
    cudaFree(rstd);
    free(x);
    free(w);
}

static void norm(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ORDERS; i++) {
        set_order(i);
        one_norm(3, 1, 64);
        one_norm(5, 77, 96);
        one_norm(4, 1023, 256);
    }
}

static void one_gemm(size_t m, size_t n, size_t k)
{
    uint16_t *a = random_halves(m * k);
    uint16_t *b = random_halves(n * k);
    uint16_t *da = on_device(a, m * k * 2);
    uint16_t *db = on_device(b, n * k * 2);
    float *c = on_device(NULL, m * n * 4);
    emu_gemm(da, db, c, (int)m, (int)n, (int)k);
    assert_clean("gemm");
    double error = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++)
                sum += (double)at(a, i * k + l) * (double)at(b, j * k + l);
            error = worse(error, (double)c[i * n + j], sum);
        }
    assert_close("gemm", error, 1e-4 * sqrt((double)k));
    cudaFree(da);
    cudaFree(db);
    cudaFree(c);
    free(a);
    free(b);
}

static void gemm(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ORDERS; i++) {
        set_order(i);
        one_gemm(1, 1, 8);
        one_gemm(65, 67, 40);
        one_gemm(63, 130, 104);
    }
}

/* Query i of a head against keys 0 .. i: their weights in p, the sum of those back. */
static double weights_of(const float *q, const float *k, size_t stride, size_t i, size_t dim,
                         double *p)
{
    double sum = 0;
    for (size_t j = 0; j <= i; j++) {
        double s = 0;
        for (size_t d = 0; d < dim; d++)
            s += (double)q[i * stride + d] * (double)k[j * stride + d];
        sum += p[j] = exp(s / sqrt((double)dim));
    }
    return sum;
}

static void one_attention(const int *cu, int n_seqs, size_t heads, size_t dim)
{
    const size_t n = (size_t)cu[n_seqs];
    const size_t size = n * heads * dim;
    const size_t stride = heads * dim;
    float *q = random_floats(size);
    float *k = random_floats(size);
    float *v = random_floats(size);
    int max_len = 0;
    for (int s = 0; s < n_seqs; s++)
        max_len = cu[s + 1] - cu[s] > max_len ? cu[s + 1] - cu[s] : max_len;
    float *dq = on_device(q, size * 4);
    float *dk = on_device(k, size * 4);
    float *dv = on_device(v, size * 4);
    int *dcu = on_device(cu, ((size_t)n_seqs + 1) * 4);
    float *out = on_device(NULL, size * 4);
    float *lse = on_device(NULL, n * heads * 4);
    emu_attention(dq, dk, dv, out, lse, dcu, n_seqs, max_len, (int)heads, (int)dim);
    assert_clean("attention");
    double *p = calloc((size_t)max_len, sizeof *p);
    double error = 0;
    for (int s = 0; s < n_seqs; s++)
        for (size_t h = 0; h < heads; h++)
            for (size_t i = 0; i < (size_t)(cu[s + 1] - cu[s]); i++) {
                const size_t base = (size_t)cu[s] * stride + h * dim;
                const double sum = weights_of(q + base, k + base, stride, i, dim, p);
                error = worse(error, (double)lse[((size_t)cu[s] + i) * heads + h], log(sum));
                for (size_t d = 0; d < dim; d++) {
                    double x = 0;
                    for (size_t j = 0; j <= i; j++)
                        x += p[j] / sum * (double)v[base + j * stride + d];
                    error = worse(error, (double)out[base + i * stride + d], x);
                }
            }
    assert_close("attention", error, 2e-5);
    void *all[] = { dq, dk, dv, dcu, out, lse };
    for (size_t i = 0; i < 6; i++)
        cudaFree(all[i]);
    free(p);
    free(q);
    free(k);
    free(v);
}

static void attention(void **state)
{
    (void)state;
    static const int odd[] = { 0, 1, 34, 104, 136, 141 };
    static const int empty[] = { 0, 64, 64, 81 };
    for (size_t i = 0; i < 3; i++) {
        set_order(i);
        one_attention(odd, 5, 2, 32);
        one_attention(empty, 3, 1, 16);
    }
}

static void one_embed(size_t n, size_t vocab, size_t d)
{
    int *ids = calloc(n, sizeof *ids);
    int *order = calloc(n, sizeof *order);
    int *segments = calloc(n + 1, sizeof *segments);
    int *named = calloc(n, sizeof *named);
    float *dy = random_floats(n * d);
    double *want = calloc(vocab * d, sizeof *want);
    for (size_t i = 0; i < n; i++) {
        ids[i] = (int)((random_number() + 1) * 0.4999F * (float)vocab);
        for (size_t j = 0; j < d; j++)
            want[(size_t)ids[i] * d + j] += (double)dy[i * d + j];
    }
    int n_segments = 0;
    int n_sorted = 0;
    for (int id = 0; id < (int)vocab; id++) {
        const int begin = n_sorted;
        for (int i = 0; i < (int)n; i++)
            if (ids[i] == id)
                order[n_sorted++] = i;
        if (n_sorted > begin) {
            named[n_segments] = id;
            segments[n_segments++] = begin;
        }
    }
    segments[n_segments] = n_sorted;
    int *d_ids = on_device(ids, n * 4);
    int *d_order = on_device(order, n * 4);
    int *d_segments = on_device(segments, ((size_t)n_segments + 1) * 4);
    int *d_named = on_device(named, (size_t)n_segments * 4);
    float *d_dy = on_device(dy, n * d * 4);
    float *dw = on_device(NULL, vocab * d * 4);
    for (int way = 0; way < 2; way++) {
        cudaMemset(dw, 0, vocab * d * 4);
        if (way == 0)
            emu_embed_atomic(d_ids, d_dy, dw, (int)n, (int)d);
        else
            emu_embed_segments(d_order, d_segments, d_named, n_segments, d_dy, dw, (int)d);
        assert_clean("embed");
        double error = 0;
        for (size_t i = 0; i < vocab * d; i++)
            error = worse(error, (double)dw[i], want[i]);
        assert_close("embed", error, 1e-4);
    }
    void *all[] = { d_ids, d_order, d_segments, d_named, d_dy, dw };
    for (size_t i = 0; i < 6; i++)
        cudaFree(all[i]);
    void *host[] = { ids, order, segments, named, dy, want };
    for (size_t i = 0; i < 6; i++)
        free(host[i]);
}

static void embed(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ORDERS; i++) {
        set_order(i);
        one_embed(57, 11, 33);
        one_embed(100, 40, 64);
    }
}

static void features(void **state)
{
    (void)state;
    int *out = on_device(NULL, 64 * sizeof(int));
    int *lock = on_device(NULL, 8);
    unsigned long long *best = on_device(NULL, 8);
    float *sum = on_device(NULL, 4);
    for (size_t i = 0; i < N_ORDERS; i++) {
        set_order(i);
        cudaMemset(lock, 0, 8);
        cudaMemset(best, 0, 8);
        cudaMemset(sum, 0, 4);
        emu_features(out, best, sum, lock);
        assert_clean("features");
        for (int t = 0; t < 64; t++)
            assert_int_equal(out[t], 511);
        assert_int_equal(lock[0], 2);
        assert_int_equal(lock[1], 63);
        assert_int_equal(*best, 128);
        assert_true(*sum == 32.0F);
    }
    cudaFree(out);
    cudaFree(lock);
    cudaFree(best);
    cudaFree(sum);
}

/* On several threads of the host: blocks are spread over them, and the results are the same. */
static void os_threads(void **state)
{
    (void)state;
    set_order(1);
    emu_set.os_threads = 2;
    one_norm(9, 100, 64);
    one_gemm(130, 70, 40);
    emu_set.os_threads = 1;
}

/* ---- each fault by its name
 * ---------------------------------------------------------------------- */
static void finds(emu_fault fault, emu_kind kind, int *p)
{
    emu_wrong(fault, p);
    const int n = emu_count(kind);
    const cudaError_t error = cudaGetLastError();
    char first[512];
    emu_take(first, sizeof first);
    if (n == 0)
        fail_msg("fault %d: no %s; the first finding: %s", (int)fault, emu_kind_name(kind), first);
    assert_non_null(strstr(first, emu_kind_name(kind)));
    assert_int_not_equal(error, cudaSuccess);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
}

static void faults(void **state)
{
    (void)state;
    emu_set.is_printing = 0;
    for (size_t i = 0; i < N_ORDERS; i++) {
        set_order(i);
        int *p = on_device(NULL, 256 * sizeof(int));
        int *host = calloc(256, 4);
        cudaMemset(p, 0, 256 * sizeof(int));
        finds(EMU_FAULT_HOST, EMU_HOST, host);
        finds(EMU_FAULT_TWO_BARRIERS, EMU_DIVERGE, p);
        finds(EMU_FAULT_ABSENT_LANE, EMU_WARP, p);
        finds(EMU_FAULT_ALIGN, EMU_ALIGN, p);
        finds(EMU_FAULT_LAUNCH, EMU_LAUNCH, p);
        finds(EMU_FAULT_NEVER_COMES, EMU_DIVERGE, p);
        finds(EMU_FAULT_EXIT, EMU_DIVERGE, p);
        finds(EMU_FAULT_UNINIT, EMU_UNINIT, p);
        finds(EMU_FAULT_BEYOND, EMU_OOB, p);
        finds(EMU_FAULT_INDEX, EMU_OOB, p);
        finds(EMU_FAULT_BLOCKS, EMU_RACE, p);
        emu_set.max_accesses = 10000;
        finds(EMU_FAULT_SPIN, EMU_HANG, p);
        emu_set.max_accesses = 4000000000u;
        finds(EMU_FAULT_OTHER_MASK, EMU_WARP, p);
        assert_int_equal(host[0], 0); /* the wild store was not made */
        cudaFree(p);
        finds(EMU_FAULT_FREED, EMU_OOB, p);
        free(host);
    }
    emu_set.is_printing = 1;
}

/* A finding names the line of the source (with addr2line; else the place in the image). */
static void says_where(void **state)
{
    (void)state;
    emu_set.is_printing = 0;
    set_order(0);
    int *p = on_device(NULL, 32 * sizeof(int));
    emu_wrong(EMU_FAULT_BLOCKS, p);
    char first[512];
    assert_int_equal(emu_take(first, sizeof first), 1);
    assert_true(strstr(first, "emu_features.cu:") || strstr(first, "image+0x"));
    assert_non_null(strstr(first, "last_block_wins"));
    cudaFree(p);
    emu_set.is_printing = 1;
}

static void memory(void **state)
{
    (void)state;
    void *p = NULL;
    assert_int_equal(cudaMalloc(&p, (size_t)1 << 40), cudaErrorMemoryAllocation);
    assert_null(p);
    p = on_device("abcd", 4);
    char back[8];
    assert_int_equal(cudaMemcpy(back, p, 5, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(back, p, 4, cudaMemcpyDeviceToHost), cudaSuccess);
    assert_memory_equal(back, "abcd", 4);
    assert_int_equal(cudaMemset((char *)p + 4, 0, 1), cudaErrorInvalidValue);
    assert_int_equal(cudaFree((char *)p + 1), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(p), cudaSuccess);
    assert_int_equal(cudaFree(p), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(back, p, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
}

/* Freed memory comes back, its free neighbours joined to it, the latest freed last; nobody reads
 * it before. */
static void reuse(void **state)
{
    (void)state;
    enum { N = 8 };
    const size_t size = (size_t)1 << 20;
    char *p[N];
    void *large = NULL;
    size_t unused;
    size_t all;
    emu_has.memory = N * (size + 256) + 256;
    for (size_t i = 0; i < N; i++)
        p[i] = on_device(NULL, size);
    assert_int_equal(cudaMemGetInfo(&unused, &all), cudaSuccess);
    assert_int_equal(all, emu_has.memory);
    assert_in_range(unused, 0, 256);
    assert_int_equal(cudaMalloc(&large, 1), cudaErrorMemoryAllocation);
    cudaFree(p[2]);
    cudaFree(p[4]);
    assert_int_equal(cudaMalloc(&large, 2 * size), cudaErrorMemoryAllocation);
    cudaFree(p[3]);
    assert_int_equal(cudaMalloc(&large, 2 * size), cudaSuccess);
    assert_ptr_equal(large, p[2]);
    assert_int_equal(cudaMemset((char *)large + 2 * size, 0, 1), cudaErrorInvalidValue);
    void *after = NULL;
    cudaFree(p[0]);
    assert_int_equal(cudaMalloc(&after, 256), cudaSuccess);
    assert_true((char *)after > (char *)large); /* not where something was freed just now */
    assert_int_equal(cudaMemset(p[0], 0, 1), cudaErrorInvalidValue);
    cudaFree(after);
    cudaFree(large);
    for (size_t i = 0; i < N; i++)
        if (i == 1 || i > 4)
            cudaFree(p[i]);
    assert_int_equal(cudaMalloc(&large, N * size), cudaSuccess);
    emu_has.taken = emu_has.memory; /* by others: it is said, and none of it given */
    assert_int_equal(cudaMemGetInfo(&unused, &all), cudaSuccess);
    assert_int_equal(unused, 0);
    assert_int_equal(cudaMalloc(&after, 1), cudaErrorMemoryAllocation);
    emu_has.taken = 0;
    cudaFree(large);
    emu_has.memory = (size_t)256 << 20;
    large = on_device(NULL, (size_t)200 << 20);
    cudaFree(large);
}

/* A copy out of pinned memory is made late: who writes there before the event has changed it. */
static void pinned(void **state)
{
    (void)state;
    cudaStream_t stream = NULL;
    cudaEvent_t event = NULL;
    void *host = NULL;
    char back[4] = "";
    char *p = on_device("abc", 4);
    assert_int_equal(cudaMallocHost(&host, (size_t)1 << 40), cudaErrorMemoryAllocation);
    assert_int_equal(cudaMallocHost(&host, 64), cudaSuccess);
    assert_int_equal(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    assert_int_equal(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    memcpy(host, "1234", 4);
    assert_int_equal(cudaMemcpyAsync(p, host, 2, cudaMemcpyHostToDevice, stream), cudaSuccess);
    assert_int_equal(cudaEventRecord(event, stream), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(p + 2, (char *)host + 2, 2, cudaMemcpyHostToDevice, stream),
                     cudaSuccess);
    assert_int_equal(cudaEventSynchronize(event), cudaSuccess);
    memcpy(host, "5678", 4);
    assert_int_equal(cudaStreamSynchronize(stream), cudaSuccess);
    assert_int_equal(cudaMemcpy(back, p, 4, cudaMemcpyDeviceToHost), cudaSuccess);
    assert_memory_equal(back, "1278", 4);
    assert_int_equal(cudaMemcpyAsync(host, p, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    assert_memory_equal(host, "5678", 4);
    assert_int_equal(cudaMemsetAsync(p, 0, 4, stream), cudaSuccess); /* after the copy */
    assert_memory_equal(host, "1278", 4);
    assert_int_equal(cudaStreamDestroy(stream), cudaSuccess);
    cudaEventDestroy(event);
    cudaFreeHost(host);
    cudaFree(p);
}

static void captured(void **state)
{
    (void)state;
    cudaStream_t stream = NULL;
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    char back[4] = "";
    char *p = on_device("abcd", 4);
    char *q = on_device("wxyz", 4);
    assert_int_equal(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorInvalidValue);
    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaMemsetAsync(p, 'm', 1, stream), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(p + 1, q, 2, cudaMemcpyDeviceToDevice, stream), cudaSuccess);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    assert_int_equal(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
    cudaMemcpy(back, p, 4, cudaMemcpyDeviceToHost);
    assert_memory_equal(back, "abcd", 4);
    cudaMemcpy(q, "1234", 4, cudaMemcpyHostToDevice);
    assert_int_equal(cudaGraphLaunch(exec, stream), cudaSuccess);
    cudaMemcpy(back, p, 4, cudaMemcpyDeviceToHost);
    assert_memory_equal(back, "m12d", 4);
    for (int wrong = 0; wrong < 3; wrong++) { /* what may not be captured breaks it */
        cudaEvent_t event = NULL;
        cudaEventCreateWithFlags(&event, cudaEventDefault);
        assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
        cudaError_t error = wrong == 0 ? cudaStreamSynchronize(stream)
                            : wrong == 1
                                ? cudaMemcpyAsync(back, p, 4, cudaMemcpyDeviceToHost, stream)
                                : cudaEventRecord(event, stream);
        assert_int_equal(error, cudaErrorStreamCaptureUnsupported);
        assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
        assert_null(graph);
        cudaEventDestroy(event);
    }
    assert_int_equal(cudaGraphExecDestroy(exec), cudaSuccess);
    cudaStreamDestroy(stream);
    cudaFree(p);
    cudaFree(q);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norm),   cmocka_unit_test(gemm),       cmocka_unit_test(attention),
        cmocka_unit_test(embed),  cmocka_unit_test(features),   cmocka_unit_test(os_threads),
        cmocka_unit_test(faults), cmocka_unit_test(says_where), cmocka_unit_test(memory),
        cmocka_unit_test(reuse),  cmocka_unit_test(pinned),     cmocka_unit_test(captured),
    };
    choose_tests(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
