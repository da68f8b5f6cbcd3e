/* test_cuda_device.c -- libassay_cuda.so on a GPU: opened as a host opens it, the cases of all
 * families of kernels held against the scalar reference, each a test FAMILY.CASE; and what only a
 * device has, its memory. Where the library or a device is not there, that is said, and 77
 * returned.
 *
 * `test_cuda_device [PATTERN [SEEDS]]`: tests of that name alone (* in it), and no more than so
 * many shapes of each: a tool that watches every access takes its time. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cases.h"

#include "rmsnorm_cases.h"
#include "tests/unit/temp.h"

enum { MOST_CASES = 512, NAME = 96 };
#define MIB ((size_t)1 << 20)

static k_device *dev, *own; /* own: products by our own kernels alone */
static int most_seeds = 1 << 20;

static void no_error(const char *what)
{
    (void)what; /* each operation's status is looked at where it is called */
}

/* ---- norms, which have cases of their own ---- */

static void norm_shapes(void **state)
{
    (void)state;
    rmsnorm_all_shapes(dev, no_error);
    assert_int_equal(dev->ops->sync(dev), K_OK);
}

static void norm_bits(void **state)
{
    (void)state;
    rmsnorm_same_bits(dev, no_error);
    assert_int_equal(dev->ops->sync(dev), K_OK);
}

static void norm_refusals(void **state)
{
    (void)state;
    rmsnorm_refusals(dev);
}

/* ---- memory ---- */

static void *filled(k_device *on, size_t size, unsigned char with)
{
    unsigned char *host = malloc(size);
    assert_non_null(host);
    memset(host, with, size);
    void *p = on->ops->alloc(on, size);
    assert_non_null(p);
    assert_int_equal(on->ops->copy_to(on, p, host, size), K_OK);
    memset(host, 0xee, size); /* is the caller's own again */
    free(host);
    return p;
}

static void holds(k_device *on, const void *p, size_t size, unsigned char what)
{
    unsigned char *host = malloc(size);
    assert_non_null(host);
    assert_int_equal(on->ops->copy_from(on, host, p, size), K_OK);
    for (size_t i = 0; i < size; i++)
        if (host[i] != what)
            fail_msg("byte %zu of %zu is %d, not %d", i, size, host[i], what);
    free(host);
}

static void memory_is_counted(void **state)
{
    (void)state;
    size_t before = 0;
    size_t after = 0;
    size_t all = 0;
    assert_int_equal(dev->ops->memory(dev, &before, &all), K_OK);
    assert_true(all >= (size_t)1 << 30 && before <= all);
    void *p = filled(dev, 256 * MIB, 1);
    assert_int_equal((uintptr_t)p % 64, 0);
    assert_int_equal(dev->ops->memory(dev, &after, &all), K_OK);
    assert_true(before - after >= 200 * MIB);
    dev->ops->free(dev, p);
    dev->ops->free(dev, NULL);
    assert_int_equal(dev->ops->memory(dev, &after, &all), K_OK);
    assert_true(after + 64 * MIB >= before);
}

/* NULL, and the device goes on. */
static void too_much_is_no_memory(void **state)
{
    (void)state;
    size_t unused = 0;
    size_t all = 0;
    assert_int_equal(dev->ops->memory(dev, &unused, &all), K_OK);
    assert_null(dev->ops->alloc(dev, 2 * all));
    assert_null(dev->ops->alloc(dev, SIZE_MAX / 2));
    void *p = filled(dev, 1000, 7);
    holds(dev, p, 1000, 7);
    dev->ops->free(dev, p);
}

static void copies_of_all_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 3, 64, 4097, MIB, 64 * MIB + 5 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t n = sizes[i];
        char *from = filled(dev, n, 0x5a);
        char *to = filled(dev, n + 2, 0x11);
        assert_int_equal(dev->ops->copy(dev, to + 1, from, n), K_OK);
        assert_int_equal(dev->ops->zero(dev, from, n), K_OK);
        holds(dev, to, 1, 0x11);
        holds(dev, to + 1, n, 0x5a);
        holds(dev, to + 1 + n, 1, 0x11);
        holds(dev, from, n, 0);
        dev->ops->free(dev, from);
        dev->ops->free(dev, to);
    }
    assert_int_equal(dev->ops->copy(dev, NULL, NULL, 0), K_OK);
    assert_int_equal(dev->ops->zero(dev, NULL, 0), K_OK);
}

/* Two of one device: each has its own memory and order, and one outlives the other. */
static void two_opened(void **state)
{
    (void)state;
    k_device *other = NULL;
    assert_int_equal(k_device_open(&other, "cuda", NULL), K_OK);
    void *mine = filled(dev, 5 * MIB, 3);
    void *its = filled(other, 5 * MIB, 4);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(dev->ops->copy(dev, mine, (char *)mine + MIB, MIB), K_OK);
        assert_int_equal(other->ops->copy(other, its, (char *)its + MIB, MIB), K_OK);
    }
    holds(dev, mine, 5 * MIB, 3);
    holds(other, its, 5 * MIB, 4);
    other->ops->free(other, its);
    k_device_close(other);
    assert_int_equal(dev->ops->zero(dev, mine, 5 * MIB), K_OK);
    holds(dev, mine, 5 * MIB, 0);
    dev->ops->free(dev, mine);
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    k_device *none = NULL;
    const k_options beyond = { .index = 1000 };
    const k_options before = { .index = -1 };
    assert_true(k_device_open(&none, "cuda", &beyond) < 0);
    assert_null(none);
    assert_true(k_device_open(&none, "cuda", &before) < 0);
    assert_null(none);
    void *p = filled(dev, 100, 9); /* and the one that is open goes on */
    holds(dev, p, 100, 9);
    dev->ops->free(dev, p);
}

enum { M = 37, N = 64, K = 128 };

static void multiply(k_device *on, float *y)
{
    float *host = calloc(M * K + N * K, sizeof *host);
    assert_non_null(host);
    for (int i = 0; i < M * K + N * K; i++)
        host[i] = (float)((i * 37) % 101 - 50) / 50;
    float *x = on->ops->alloc(on, sizeof(float) * (M * K + N * K));
    float *out = on->ops->alloc(on, sizeof(float) * M * N);
    assert_true(x && out);
    assert_int_equal(on->ops->copy_to(on, x, host, sizeof(float) * (M * K + N * K)), K_OK);
    const k_gemm a = { .type = K_F32,
                       .y_type = K_F32,
                       .m = M,
                       .n = N,
                       .k = K,
                       .x = x,
                       .w = x + (size_t)M * K,
                       .y = out };
    assert_int_equal(on->ops->gemm_nt(on, &a), K_OK);
    assert_int_equal(on->ops->copy_from(on, y, out, sizeof(float) * M * N), K_OK);
    on->ops->free(on, x);
    on->ops->free(on, out);
    free(host);
}

/* Our own kernels give the same numbers as whatever library is there. */
static void own_products(void **state)
{
    (void)state;
    float y[2][M * N];
    multiply(dev, y[0]);
    multiply(own, y[1]);
    for (int i = 0; i < M * N; i++)
        if (!(fabsf(y[0][i] - y[1][i]) <= 1e-4F * K))
            fail_msg("number %d is %g and %g", i, (double)y[0][i], (double)y[1][i]);
}

static void no_note(const char *text)
{
    fail_msg("%s", text);
}

/* What was chosen once is taken by who comes later: the library says the same of it, and of itself.
 */
static void same_products(void **state)
{
    (void)state;
    const k_options options = { .choices = temp_folder, .note = no_note };
    float y[3][M * N];
    multiply(dev, y[0]);
    for (int i = 1; i < 3; i++) {
        k_device *other = NULL;
        assert_int_equal(k_device_open(&other, "cuda", &options), K_OK);
        multiply(other, y[i]);
        k_device_close(other);
        assert_memory_equal(y[0], y[i], sizeof y[0]);
    }
}

/* ---- cases of all families; CMake writes down which there are ---- */

#define FAMILY(list) extern const cuda_case list[];
#include "families.h"
#undef FAMILY
#define FAMILY(list) { #list, list },
static const struct {
    const char *name; /* with "_cases" behind it */
    const cuda_case *cases;
} families[] = {
#include "families.h"
    { NULL, NULL }
};

static void run_case(const cuda_case *which, k_device *on)
{
    cuda_case c = *which;
    c.n_seeds = c.n_seeds < most_seeds ? c.n_seeds : most_seeds;
    cuda_case_run(&c, on, NULL, no_error);
}

static void one_case(void **state)
{
    run_case(*state, dev);
}

static void own_case(void **state)
{
    run_case(*state, own);
}

/* Where cuBLASLt may come in, which promises numbers, but not that a row's bits are its own. */
static bool has_products(const char *family)
{
    return strncmp(family, "gemm", 4) == 0 || strncmp(family, "lmhead", 6) == 0;
}

static void add_case(struct CMUnitTest *to, const char *family, const cuda_case *c, bool is_own)
{
    static char names[MOST_CASES][NAME];
    static size_t n;
    union { /* the case is given as it is, and not changed */
        const cuda_case *as;
        void *state;
    } one = { c };
    snprintf(names[n], NAME, "%.*s.%s%s", (int)(strlen(family) - strlen("_cases")), family, c->name,
             is_own ? ".own" : "");
    *to = (struct CMUnitTest){ names[n++], is_own ? own_case : one_case, NULL, NULL, one.state };
}

static size_t add_families(struct CMUnitTest *tests, size_t n)
{
    for (size_t f = 0; families[f].cases; f++)
        for (const cuda_case *c = families[f].cases; c->fn; c++) {
            assert_true(n + 2 < MOST_CASES);
            const bool both = has_products(families[f].name);
            if (!both || c->types)
                add_case(&tests[n++], families[f].name, c, false);
            if (both)
                add_case(&tests[n++], families[f].name, c, true);
        }
    return n;
}

static int open_device(void **state)
{
    const k_options timed = { .choices = temp_folder };
    const k_options by_own = { .isa = "own" };
    return temp_setup(state) == 0 && k_device_open(&dev, "cuda", &timed) == K_OK &&
                   k_device_open(&own, "cuda", &by_own) == K_OK
               ? 0
               : -1;
}

static int close_device(void **state)
{
    k_device_close(dev);
    k_device_close(own);
    return temp_teardown(state);
}

/* K_OK; else said, with the status to end with. */
static int load(int *status)
{
    char path[512];
    char why[512];
    const char *build = getenv("ASSAY_BUILD");
    const char *library = getenv("ASSAY_CUDA_LIBRARY");
    snprintf(path, sizeof path, "%s/libassay_cuda.so", build ? build : ".");
    if (!library && access(path, R_OK) != 0) {
        printf("SKIP cuda.device: %s is not built (cmake --preset cuda)\n", path);
        *status = 77;
        return K_EDEVICE;
    }
    const int rc = k_backend_load(library ? library : path, why, sizeof why);
    if (rc != K_OK)
        printf("%s%s\n", rc == K_EDEVICE ? "SKIP cuda.device: " : "", why);
    *status = rc == K_EDEVICE ? 77 : 1;
    return rc;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[MOST_CASES] = {
        cmocka_unit_test(memory_is_counted),
        cmocka_unit_test(too_much_is_no_memory),
        cmocka_unit_test(copies_of_all_sizes),
        cmocka_unit_test(two_opened),
        cmocka_unit_test(what_cannot_be_opened),
        cmocka_unit_test(own_products),
        cmocka_unit_test(same_products),
        cmocka_unit_test(norm_shapes),
        cmocka_unit_test(norm_bits),
        cmocka_unit_test(norm_refusals),
    };
    size_t n = 0;
    int status = 0;
    while (tests[n].name)
        n++;
    if (load(&status) != K_OK)
        return status;
    const char *missing = k_backend_missing(k_backend_find("cuda"), 0);
    if (missing) {
        printf("libassay_cuda.so has no %s\n", missing);
        return 1;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    if (argc > 2)
        most_seeds = (int)strtol(argv[2], NULL, 10);
    n = add_families(tests, n);
    return _cmocka_run_group_tests("cuda.device", tests, n, open_device, close_device);
}
