/* test_cuda_cublaslt.c -- products through cuBLASLt as the emulation gives it: what it is told of
 * layouts and sizes is right, which algorithm is taken, that trying them disturbs nothing, and what
 * is not asked of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"
#include "emu_test.h"

#include "kernels/cuda/library.h"

k_library_entry assay_kernels;
extern const cuda_case cublaslt_cases[];

/* The emulation's algorithms: the one named first; the fast one, for columns in eights; the one
 * that wants workspace. */
enum { FIRST, IN_EIGHTS, WITH_WORKSPACE };

static void is(const char *what, int a, int b)
{
    if (a != b)
        fail_msg("STATUS %s is %d, not %d", what, a, b);
}

static k_device *open(const char *isa)
{
    k_device *dev = NULL;
    const k_options options = { .isa = isa };
    emu_has.has_cublaslt = 1;
    is("open", assay_kernels()->backend->open(&dev, &options), K_OK);
    return dev;
}

static void close_device(k_device *dev)
{
    dev->ops->close(dev);
    assert_clean("close");
    is("what is still open", emu_lt.n_open, 0);
    emu_has.has_cublaslt = 0;
}

static void in_order(size_t run)
{
    set_order(run % N_ORDERS);
}

static void numbers(void **state)
{
    (void)state;
    static const char *const isas[] = { NULL, "untimed" };
    for (size_t i = 0; i < 2; i++) {
        const int before = emu_lt.n_products;
        k_device *dev = open(isas[i]);
        for (const cuda_case *c = cublaslt_cases; c->fn; c++)
            cuda_case_run(c, dev, in_order, assert_clean);
        close_device(dev);
        if (emu_lt.n_products < before + 60)
            fail_msg("STATUS cuBLASLt was asked for %d products only", emu_lt.n_products - before);
    }
}

typedef struct one {
    k_device *dev;
    float *x, *w, *y;
} one;

enum { MOST = 600, N = 16, K = 8, N_X = MOST * K, N_W = 64 * K, N_Y = MOST * 64 };

static one begin(const char *isa)
{
    one t = { .dev = open(isa) };
    const k_backend *ops = t.dev->ops;
    t.x = ops->alloc(t.dev, N_X * sizeof(float));
    t.w = ops->alloc(t.dev, N_W * sizeof(float));
    t.y = ops->alloc(t.dev, N_Y * sizeof(float));
    assert_true(t.x && t.w && t.y);
    ops->zero(t.dev, t.x, N_X * sizeof(float));
    ops->zero(t.dev, t.w, N_W * sizeof(float));
    ops->zero(t.dev, t.y, N_Y * sizeof(float));
    return t;
}

static void end(one *t)
{
    t->dev->ops->free(t->dev, t->x);
    t->dev->ops->free(t->dev, t->w);
    t->dev->ops->free(t->dev, t->y);
    close_device(t->dev);
}

static void multiply_at(one *t, int64_t m, int64_t n, bool adds, size_t shift)
{
    const k_gemm a = { .type = K_F32,
                       .y_type = K_F32,
                       .m = m,
                       .n = n,
                       .k = K,
                       .x = t->x,
                       .w = t->w + shift,
                       .y = t->y,
                       .accumulate = adds };
    is("gemm_nt", t->dev->ops->gemm_nt(t->dev, &a), K_OK);
}

static void multiply(one *t, int64_t m)
{
    multiply_at(t, m, N, false, 0);
}

/* Asked once for a shape; all that are named tried, and the fastest kept. */
static void choice(void **state)
{
    (void)state;
    one t = begin(NULL);
    int asked = emu_lt.n_asked;
    multiply(&t, 16);
    is("the algorithm", emu_lt.algorithm, IN_EIGHTS);
    is("questions", emu_lt.n_asked, ++asked);
    int products = emu_lt.n_products;
    multiply(&t, 16);
    is("products", emu_lt.n_products, ++products);
    is("the algorithm", emu_lt.algorithm, IN_EIGHTS);
    is("questions", emu_lt.n_asked, asked);
    multiply(&t, 13);
    is("the algorithm of 13 rows", emu_lt.algorithm, WITH_WORKSPACE);
    is("questions", emu_lt.n_asked, ++asked);
    multiply(&t, 511); /* each number of rows for itself */
    multiply(&t, 512);
    asked += 2;
    is("questions", emu_lt.n_asked, asked);
    multiply(&t, 524); /* and like the others up to 576, of which some want another one */
    is("the algorithm of 524 rows", emu_lt.algorithm, WITH_WORKSPACE);
    is("questions", emu_lt.n_asked, ++asked);
    multiply(&t, 520);
    is("the algorithm of 520 rows", emu_lt.algorithm, WITH_WORKSPACE);
    multiply(&t, 576);
    is("questions", emu_lt.n_asked, asked);
    multiply(&t, 577);
    is("questions", emu_lt.n_asked, ++asked);
    multiply_at(&t, 16, N, true, 0); /* adding is a shape of its own */
    is("questions", emu_lt.n_asked, ++asked);
    end(&t);
    t = begin(NULL);
    multiply(&t, 520);
    is("the algorithm of 520 rows alone", emu_lt.algorithm, IN_EIGHTS);
    multiply(&t, 524);
    is("the algorithm of 524 rows after them", emu_lt.algorithm, FIRST);
    end(&t);
}

static void untimed(void **state)
{
    (void)state;
    one t = begin("untimed");
    int products = emu_lt.n_products;
    multiply(&t, 16);
    is("the algorithm", emu_lt.algorithm, FIRST);
    is("products", emu_lt.n_products, ++products);
    end(&t);
}

/* Each order in each type goes there, with and without a bias and what y has. */
static void taken(void **state)
{
    (void)state;
    one t = begin("untimed");
    const k_backend *ops = t.dev->ops;
    int products = emu_lt.n_products;
    for (int how = 0; how < 8; how++) {
        const k_type type = how & 1 ? K_BF16 : K_F32;
        const bool adds = how & 2;
        const k_gemm nt = { .type = type,
                            .y_type = type,
                            .m = 24,
                            .n = 16,
                            .k = 8,
                            .x = t.x,
                            .w = t.w,
                            .bias = how & 4 ? t.w : NULL,
                            .y = t.y,
                            .accumulate = adds };
        const k_gemm logits = {
            .type = type, .y_type = K_F32, .m = 24, .n = 16, .k = 8, .x = t.x, .w = t.w, .y = t.y
        };
        const k_gemm_dx nn = { .type = type,
                               .m = 24,
                               .n = 16,
                               .k = 8,
                               .dy = t.x,
                               .w = t.w,
                               .dx = t.y,
                               .accumulate = adds };
        const k_gemm_dw tn = {
            .type = type, .m = 24, .n = 16, .k = 8, .dy = t.x, .x = t.x, .dw = t.y
        };
        is("gemm_nt", ops->gemm_nt(t.dev, &nt), K_OK);
        is("products, nt", emu_lt.n_products, ++products);
        is("gemm_nt", ops->gemm_nt(t.dev, &logits), K_OK);
        is("products, logits", emu_lt.n_products, ++products);
        is("gemm_nn", ops->gemm_nn(t.dev, &nn), K_OK);
        is("products, nn", emu_lt.n_products, ++products);
        is("gemm_tn", ops->gemm_tn(t.dev, &tn), K_OK);
        is("products, tn", emu_lt.n_products, ++products);
    }
    end(&t);
}

/* What is not asked of it. */
static void left(void **state)
{
    (void)state;
    one t = begin("own");
    const int asked = emu_lt.n_asked;
    multiply(&t, 16);
    is("questions", emu_lt.n_asked, asked);
    end(&t);
    t = begin(NULL);
    multiply_at(&t, 16, N, false, 1); /* a pointer of 4 bytes */
    multiply_at(&t, 16, 3, false, 0); /* rows of 12 bytes */
    const k_gemm wide = { .type = K_BF16,
                          .y_type = K_F32,
                          .m = 4,
                          .n = 16,
                          .k = 8,
                          .x = t.x,
                          .w = t.w,
                          .bias = t.w,
                          .y = t.y };
    is("gemm_nt", t.dev->ops->gemm_nt(t.dev, &wide), K_OK);
    is("questions", emu_lt.n_asked, asked);
    end(&t);
    emu_has.has_cublaslt = 0;
    k_device *dev = NULL;
    is("open", assay_kernels()->backend->open(&dev, &(k_options){ .index = 0 }), K_OK);
    t.dev = dev;
    close_device(dev);
}

/* Where an addition is tried first, y is not written; without room to try it, the first is taken.
 */
static void no_room(void **state)
{
    (void)state;
    one t = begin(NULL);
    size_t unused;
    size_t all;
    is("memory", t.dev->ops->memory(t.dev, &unused, &all), K_OK);
    emu_has.taken = unused;
    multiply_at(&t, 16, N, true, 0);
    is("the algorithm", emu_lt.algorithm, FIRST);
    multiply(&t, 16);
    is("the algorithm", emu_lt.algorithm, IN_EIGHTS);
    emu_has.taken = 0;
    multiply_at(&t, 24, N, true, 0);
    is("the algorithm", emu_lt.algorithm, IN_EIGHTS);
    size_t after;
    is("memory", t.dev->ops->memory(t.dev, &after, &all), K_OK);
    is("memory left", (int)after, (int)unused);
    end(&t);
}

static void recorded(void **state)
{
    (void)state;
    one t = begin(NULL);
    const k_backend *ops = t.dev->ops;
    k_recording *recording = NULL;
    float back[N_Y];
    float ones[N_X];
    for (size_t i = 0; i < N_X; i++)
        ones[i] = 1;
    is("copy_to", ops->copy_to(t.dev, t.w, ones, N_W * sizeof(float)), K_OK);
    const int products = emu_lt.n_products;
    is("record", ops->record(t.dev), K_OK);
    multiply(&t, 16);
    is("recorded", ops->recorded(t.dev, &recording), K_OK);
    is("products", emu_lt.n_products, products);
    is("copy_to", ops->copy_to(t.dev, t.x, ones, sizeof(float[16 * K])), K_OK);
    is("play", ops->play(t.dev, recording), K_OK);
    is("products", emu_lt.n_products, products + 1);
    is("the algorithm", emu_lt.algorithm, FIRST);
    is("copy_from", ops->copy_from(t.dev, back, t.y, sizeof(float[16 * N])), K_OK);
    for (size_t i = 0; i < sizeof(float[16 * N]) / sizeof(float); i++)
        assert_true(back[i] == (float)K);
    multiply(&t, 16);
    is("the algorithm, for good", emu_lt.algorithm, FIRST);
    ops->forget(t.dev, recording);
    end(&t);
}

/* More shapes than choices are kept for: the rest is left to our own kernels. */
static void many(void **state)
{
    (void)state;
    one t = begin("untimed");
    int products = emu_lt.n_products;
    for (int64_t n = 8; n <= 48; n += 8)
        for (int64_t m = 1; m <= 512; m++)
            multiply_at(&t, m, n, false, 0);
    products += 3072;
    is("products", emu_lt.n_products, products);
    multiply_at(&t, 5, 56, false, 0);
    is("products", emu_lt.n_products, products);
    multiply_at(&t, 5, 48, false, 0);
    is("products", emu_lt.n_products, ++products);
    end(&t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(choice),  cmocka_unit_test(untimed),
        cmocka_unit_test(left),    cmocka_unit_test(no_room), cmocka_unit_test(recorded),
        cmocka_unit_test(many),    cmocka_unit_test(taken),
    };
    choose_tests(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
