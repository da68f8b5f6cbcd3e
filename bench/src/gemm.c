/* gemm.c -- a core's multiply-add peak and the matrix products' share of it, in one run: for each
 * type and shape a line of JSON. Seconds are the thread's own (CLOCK_THREAD_CPUTIME_ID), and the
 * higher peak is measured again before and after every product: another process on the machine, or
 * a clock that changes, costs both the same. Of some repeats the line is the one with the median
 * share of its peak; a small product is done a few times in each. For bf16 the peak of the matrix
 * unit (AMX) is printed beside them, where there is one and the system lends it; products of floats
 * may be faster than the peak of floats, for they are its as well. SPDX-License-Identifier:
 * Apache-2.0 */
#include "kernels/bf16.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_REPEATS 31
#define LEAST_FLOP 4e8 /* of a repeat */

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the peak: as many independent multiply-adds of zeros as hide their latency, nothing else
 * ---- */

#if defined(__x86_64__)
#define TWELVE(step)                                                                               \
    step("0") step("1") step("2") step("3") step("4") step("5") step("6") step("7") step("8")      \
        step("9") step("10") step("11")
#define FMA_512(r) "vfmadd231ps %%zmm14, %%zmm15, %%zmm" r "\n\t"
#define FMA_256(r) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" r "\n\t"
#define DOT_512(r) "vdpbf16ps %%zmm14, %%zmm15, %%zmm" r "\n\t"
#define FMA_128(r) "mulps %%xmm14, %%xmm" r "\n\t"
#define NOTHING(r) "xorps %%xmm" r ", %%xmm" r "\n\t"
#define REGISTERS                                                                                  \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",       \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define LOOP(step)                                                                                 \
    __asm__ volatile(TWELVE(NOTHING) NOTHING("14")                                                 \
                         NOTHING("15") "1:\n\t" TWELVE(step) "dec %0\n\tjnz 1b"                    \
                     : "+r"(n)                                                                     \
                     :                                                                             \
                     : REGISTERS)

enum { FMA = 0, DOT = 1 };

/* Flops of one pass of the loop; 0 where this processor lacks the instruction. */
static double run_loop(int what, long n)
{
    __builtin_cpu_init();
    if (what == DOT) {
        if (!__builtin_cpu_supports("avx512bf16"))
            return 0;
        LOOP(DOT_512);
        return 12 * 64;
    }
    if (__builtin_cpu_supports("avx512f")) {
        LOOP(FMA_512);
        return 12 * 32;
    }
    if (__builtin_cpu_supports("fma")) {
        LOOP(FMA_256);
        return 12 * 16;
    }
    LOOP(FMA_128);
    return 12 * 4;
}

static double peak_gflops(int what)
{
    const long n = 200000;
    double least = 1e9, flops = 0;
    for (int i = 0; i < 3; i++) {
        const double begin = cpu_seconds();
        flops = run_loop(what, n);
        const double seconds = cpu_seconds() - begin;
        least = seconds < least ? seconds : least;
    }
    return flops * (double)n / least * 1e-9;
}

/* TDPBF16PS on tiles of zeros, four sums: bf16, 16 x 16 x 32 each. A process asks the system before
 * it uses tiles. */
static double matrix_peak_gflops(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) != 0)
        return 0;
    const struct {
        uint8_t palette, zeros[15];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } tiles = { .palette = 1,
                .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
                .rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };
    const long n = 100000;
    double least = 1e9;
    for (int i = 0; i < 3; i++) {
        long left = n;
        const double begin = cpu_seconds();
        __asm__ volatile("ldtilecfg %1\n\t1:\n\t"
                         "tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n\ttdpbf16ps %%tmm7, %%tmm4, %%tmm1\n\t"
                         "tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n\ttdpbf16ps %%tmm7, %%tmm5, %%tmm3\n\t"
                         "dec %0\n\tjnz 1b\n\ttilerelease"
                         : "+r"(left)
                         : "m"(tiles));
        const double seconds = cpu_seconds() - begin;
        least = seconds < least ? seconds : least;
    }
    return 4. * 2 * 16 * 16 * 32 * (double)n / least * 1e-9;
}
#else
enum { FMA = 0, DOT = 1 };
static double matrix_peak_gflops(void)
{
    return 0;
}
static double peak_gflops(int what)
{
    (void)what;
    return 0;
}
#endif

/* ---- the products ---- */

typedef struct operands {
    k_device *dev;
    k_type type;
    int64_t m, n, k;
    void *x, *w, *packed, *y, *dx;
    float *dw;
} operands;

static void *numbers(k_device *dev, k_type type, int64_t n)
{
    void *p = dev->ops->alloc(dev, (size_t)n * k_type_size(type));
    uint32_t state = 1;
    for (int64_t i = 0; p && i < n; i++) {
        state = state * 1664525u + 1013904223u;
        const float x = (float)(state >> 8) * 0x1p-23f - 1;
        if (type == K_BF16)
            ((uint16_t *)p)[i] = k_bf16_of_float(x);
        else
            ((float *)p)[i] = x;
    }
    return p;
}

static int run_product(const operands *o, int which)
{
    const k_gemm nt = { .type = o->type,
                        .y_type = o->type,
                        .m = o->m,
                        .n = o->n,
                        .k = o->k,
                        .x = o->x,
                        .w = o->w,
                        .packed = o->packed,
                        .y = o->y };
    const k_gemm_dx nn = {
        .type = o->type, .m = o->m, .n = o->n, .k = o->k, .dy = o->y, .w = o->w, .dx = o->dx
    };
    const k_gemm_dw tn = {
        .type = o->type, .m = o->m, .n = o->n, .k = o->k, .dy = o->y, .x = o->x, .dw = o->dw
    };
    return which == 0   ? o->dev->ops->gemm_nt(o->dev, &nt)
           : which == 1 ? o->dev->ops->gemm_nn(o->dev, &nn)
                        : o->dev->ops->gemm_tn(o->dev, &tn);
}

typedef struct repeat {
    double rate, fma, dot;
} repeat;

static double share_of(const repeat *r)
{
    return r->rate / (r->fma > r->dot ? r->fma : r->dot);
}

static int by_share(const void *a, const void *b)
{
    const double x = share_of(a), y = share_of(b);
    return (x > y) - (x < y);
}

/* The product between two measurements of the higher peak; a rate of 0 where it fails. */
static repeat measure_once(const operands *o, int which, const repeat *peaks)
{
    const int what = peaks->dot > peaks->fma ? DOT : FMA;
    const double flop = 2 * (double)o->m * (double)o->n * (double)o->k;
    const int often = 1 + (int)(LEAST_FLOP / flop);
    repeat r = *peaks;
    double *peak = what == DOT ? &r.dot : &r.fma;
    *peak = peak_gflops(what) / 2;
    const double begin = cpu_seconds();
    int rc = K_OK;
    for (int n = 0; n < often && rc == K_OK; n++)
        rc = run_product(o, which);
    r.rate = rc == K_OK ? flop * often / (cpu_seconds() - begin) * 1e-9 : 0;
    *peak += peak_gflops(what) / 2;
    return r;
}

/* The median of at most MOST_REPEATS by the share of the peak. */
static repeat measure(const operands *o, int which, int repeats)
{
    const repeat peaks = { .dot = o->type == K_BF16 ? peak_gflops(DOT) : 0,
                           .fma = peak_gflops(FMA) };
    repeat all[MOST_REPEATS];
    for (int i = 0; i < repeats; i++)
        all[i] = measure_once(o, which, &peaks);
    qsort(all, (size_t)repeats, sizeof *all, by_share);
    return all[repeats / 2];
}

static int run_shape(k_device *dev, k_type type, const int64_t shape[3], int repeats,
                     double matrix_peak)
{
    static const char *const names[] = { "gemm_nt", "gemm_nn", "gemm_tn" };
    operands o = { .dev = dev, .type = type, .m = shape[0], .n = shape[1], .k = shape[2] };
    o.x = numbers(dev, type, o.m * o.k);
    o.w = numbers(dev, type, o.n * o.k);
    o.y = numbers(dev, type, o.m * o.n);
    o.dx = numbers(dev, type, o.m * o.k);
    o.dw = numbers(dev, K_F32, o.n * o.k);
    const size_t packed = dev->ops->pack_bytes(dev, type, o.n, o.k, K_PACK_NT);
    o.packed = packed ? dev->ops->alloc(dev, packed) : NULL;
    int rc = o.x && o.w && o.y && o.dx && o.dw && (!packed || o.packed) ? 0 : -1;
    if (rc == 0 && packed)
        rc = dev->ops->pack(dev, type, o.n, o.k, K_PACK_NT, o.w, o.packed);
    for (int which = 0; rc == 0 && which < 3; which++) {
        const repeat median = measure(&o, which, repeats);
        printf("{\"op\": \"%s\", \"type\": \"%s\", \"m\": %d, \"n\": %d, \"k\": %d, \"gflops\": "
               "%.1f, \"fma_peak\": %.1f, "
               "\"dot_peak\": %.1f, \"matrix_peak\": %.1f}\n",
               names[which], type == K_F32 ? "f32" : "bf16", (int)o.m, (int)o.n, (int)o.k,
               median.rate, median.fma, median.dot, type == K_BF16 ? matrix_peak : 0);
    }
    void *all[] = { o.x, o.w, o.y, o.dx, o.dw, o.packed };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        dev->ops->free(dev, all[i]);
    return rc;
}

int main(int argc, char **argv)
{
    static const int64_t shapes[][3] = { { 512, 768, 256 },   { 512, 256, 704 },
                                         { 4096, 256, 256 },  { 4096, 1408, 256 },
                                         { 4096, 384, 1024 }, { 2048, 2048, 2048 } };
    const int is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0,
              repeats = is_quick ? 5 : MOST_REPEATS;
    const size_t n_shapes = is_quick ? 4 : sizeof shapes / sizeof *shapes;
    const k_options one = { .n_threads = 1 };
    k_device *dev;
    if (k_device_open(&dev, "cpu", &one) != K_OK)
        return 1;
    const double matrix_peak = matrix_peak_gflops();
    int rc = 0;
    for (size_t s = 0; rc == 0 && s < n_shapes; s++) {
        rc = run_shape(dev, K_F32, shapes[s], repeats, matrix_peak);
        rc = rc ? rc : run_shape(dev, K_BF16, shapes[s], repeats, matrix_peak);
    }
    k_device_close(dev);
    return rc ? 1 : 0;
}
