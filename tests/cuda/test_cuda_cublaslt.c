/* test_cuda_cublaslt.c -- products through cuBLASLt as the emulation gives it: what it is told of
 * layouts and sizes is right, which algorithm is taken, that trying them disturbs nothing, that
 * what was chosen once is taken from then on, and what is not asked of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"
#include "emu_test.h"

#include "kernels/cuda/library.h"
#include "tests/unit/temp.h"

#include <dirent.h>

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

static int n_opened;
static char noted[1000];
static int n_notes;

static void note(const char *text)
{
    snprintf(noted, sizeof noted, "%s", text);
    n_notes++;
}

/* choices: the folder where they are kept, or NULL. */
static k_device *open_with(const char *choices)
{
    k_device *dev = NULL;
    const k_options options = { .choices = choices, .note = note };
    n_notes = 0;
    emu_has.has_cublaslt = 1;
    is("open", assay_kernels()->backend->open(&dev, &options), K_OK);
    n_opened++;
    return dev;
}

static void close_device(k_device *dev)
{
    dev->ops->close(dev);
    assert_clean("close");
    if (--n_opened == 0)
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
    for (size_t i = 0; i < 2; i++) {
        const int before = emu_lt.n_products;
        k_device *dev = open_with(i ? temp_folder : NULL);
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

static one begin_on(k_device *dev)
{
    one t = { .dev = dev };
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

static one begin(const char *choices)
{
    return begin_on(open_with(choices));
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
    one t = begin(temp_folder);
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
    is("notes", n_notes, 0);
    end(&t);
}

static void like_rows(void **state)
{
    (void)state;
    one t = begin(temp_folder);
    multiply(&t, 520);
    is("the algorithm of 520 rows first", emu_lt.algorithm, IN_EIGHTS);
    multiply(&t, 524);
    is("the algorithm of 524 rows after them", emu_lt.algorithm, FIRST);
    end(&t);
    t = begin(temp_folder);
    multiply(&t, 524);
    is("the algorithm of 524 rows first, in the next run", emu_lt.algorithm, FIRST);
    end(&t);
}

/* Without a place for choices nothing is timed, as it would come out another way the next time. */
static void untimed(void **state)
{
    (void)state;
    one t = begin(NULL);
    int products = emu_lt.n_products;
    multiply(&t, 16);
    is("the algorithm", emu_lt.algorithm, FIRST);
    is("products", emu_lt.n_products, ++products);
    is("notes", n_notes, 0);
    end(&t);
}

static void multiply_when(one *t, int64_t m, int fastest)
{
    emu_has.fastest = fastest + 1;
    multiply(t, m);
    emu_has.fastest = 0;
}

/* Whichever is the fastest later, and elsewhere. */
static void again(void **state)
{
    (void)state;
    one t = begin(temp_folder);
    multiply_when(&t, 16, WITH_WORKSPACE);
    is("the algorithm", emu_lt.algorithm, WITH_WORKSPACE);
    multiply_when(&t, 24, FIRST);
    is("the algorithm of 24 rows", emu_lt.algorithm, FIRST);
    end(&t);
    t = begin(temp_folder);
    int products = emu_lt.n_products;
    multiply_when(&t, 16, IN_EIGHTS);
    is("the algorithm, in the next run", emu_lt.algorithm, WITH_WORKSPACE);
    is("products", emu_lt.n_products, ++products);
    multiply_when(&t, 24, IN_EIGHTS);
    is("the algorithm of 24 rows, in the next run", emu_lt.algorithm, FIRST);
    is("notes", n_notes, 0);
    end(&t);
}

static one *other_run;

static void multiply_elsewhere(void)
{
    const int fastest = emu_has.fastest;
    multiply_when(other_run, 32, FIRST);
    emu_has.fastest = fastest;
}

/* Two at once: who came first counts, whether the other has opened, or has timed. */
static void two_runs(void **state)
{
    (void)state;
    one a = begin(temp_folder);
    one b = begin(temp_folder);
    multiply_when(&a, 16, WITH_WORKSPACE);
    multiply_when(&b, 16, IN_EIGHTS);
    is("the algorithm of who came second", emu_lt.algorithm, WITH_WORKSPACE);
    multiply_when(&b, 24, FIRST);
    multiply_when(&a, 24, IN_EIGHTS);
    is("the algorithm, the other way round", emu_lt.algorithm, FIRST);
    other_run = &a;
    emu_lt.during = multiply_elsewhere;
    multiply_when(&b, 32, IN_EIGHTS);
    is("the algorithm of who was second to end", emu_lt.algorithm, FIRST);
    end(&a);
    end(&b);
}

/* The file of this folder: there is one. */
static const char *file_of_choices(void)
{
    static char path[600];
    int n = 0;
    DIR *folder = opendir(temp_folder);
    assert_non_null(folder);
    for (const struct dirent *e; (e = readdir(folder));)
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%.250s", temp_folder, e->d_name);
            n++;
        }
    closedir(folder);
    is("files", n, 1);
    return path;
}

static size_t read_choices(char *text, size_t size)
{
    FILE *f = fopen(file_of_choices(), "r");
    assert_non_null(f);
    const size_t n = fread(text, 1, size - 1, f);
    text[n] = '\0';
    assert_int_equal(fclose(f), 0);
    return n;
}

static void write_choices(const char *text)
{
    FILE *f = fopen(file_of_choices(), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static void says(const char *what)
{
    is("notes", n_notes, 1);
    if (!strstr(noted, what))
        fail_msg("STATUS \"%s\" says nothing of \"%s\"", noted, what);
}

/* What stands in the file, for people and for what comes later. */
static void in_the_file(void **state)
{
    (void)state;
    static const char text[] =
        "cuBLASLt 130100, driver 13000, Emulated 0 9.0 with 4 multiprocessors, 8 named, 32 MiB\n"
        "nt f32 to f32, 16 x 16 x 8 = 1: id 61 tile 0 splits 0 sum 0 swizzle 0 custom 0 stages 0 "
        "inner 0 cluster 0\n"
        "nt f32 to f32 added, 576 x 16 x 8 = 0: id 60 tile 0 splits 0 sum 0 swizzle 0 custom 0 "
        "stages 0 inner 0 cluster 0\n"
        "nt bf16 to f32, 24 x 16 x 8 = ";
    char found[1000];
    one t = begin(temp_folder);
    multiply(&t, 16);
    emu_has.fastest = FIRST + 1;
    multiply_at(&t, 530, N, true, 0);
    emu_has.fastest = 0;
    const k_gemm logits = {
        .type = K_BF16, .y_type = K_F32, .m = 24, .n = 16, .k = 8, .x = t.x, .w = t.w, .y = t.y
    };
    is("gemm_nt", t.dev->ops->gemm_nt(t.dev, &logits), K_OK);
    end(&t);
    read_choices(found, sizeof found);
    if (strncmp(found, text, sizeof text - 1) != 0)
        fail_msg("STATUS the file has %s", found);
    const char *name = strrchr(file_of_choices(), '/') + 1;
    if (strcmp(name, "cuBLASLt-130100-driver-13000-Emulated-0-9.0-with-4-multiprocessors-8-named-"
                     "32-MiB.txt") != 0)
        fail_msg("STATUS the file is called %s", name);
}

/* Other drivers and devices have files of their own. */
static void other_machines(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        emu_has.driver = 13000 + 10 * (i == 1);
        emu_has.minor = i == 2;
        one t = begin(temp_folder);
        is("notes", n_notes, 0);
        multiply_when(&t, 16, (int[]){ WITH_WORKSPACE, FIRST, IN_EIGHTS }[i]);
        is("the algorithm", emu_lt.algorithm, (int[]){ WITH_WORKSPACE, FIRST, IN_EIGHTS }[i]);
        end(&t);
    }
    emu_has.driver = 13000;
    emu_has.minor = 0;
}

/* A line whose algorithm cuBLASLt does not name, or not in that place, is not followed: nor timed
 * again, as others may follow the old one. */
static void stale(void **state)
{
    (void)state;
    static const char *const values[] = { "1: id 99 tile", "9: id 61 tile",  "0: id 61 tile", "",
                                          "-1: id 61",     "1: id 61 tile 0" };
    one t = begin(temp_folder);
    multiply(&t, 16);
    end(&t);
    char text[600];
    char changed[700];
    read_choices(text, sizeof text);
    char *value = strstr(text, "1: id 61 tile");
    assert_non_null(value);
    const char *rest = value + strlen("1: id 61 tile");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(value - text), text, values[i], rest);
        write_choices(changed);
        t = begin(temp_folder);
        is("notes at first", n_notes, 0);
        int products = emu_lt.n_products;
        multiply(&t, 16);
        is("the algorithm", emu_lt.algorithm, FIRST);
        is("products", emu_lt.n_products, ++products);
        says("names no such algorithm, so the first that it names is taken; delete the file");
        multiply(&t, 24);
        is("the algorithm of 24 rows", emu_lt.algorithm, IN_EIGHTS);
        says(values[i]);
        end(&t);
    }
}

/* A line of a process that was killed while it wrote. */
static void torn(void **state)
{
    (void)state;
    one t = begin(temp_folder);
    multiply(&t, 16);
    multiply(&t, 24);
    end(&t);
    char text[600];
    const size_t n = read_choices(text, sizeof text);
    text[n - 4] = '\0';
    write_choices(text);
    t = begin(temp_folder);
    multiply_when(&t, 16, FIRST);
    is("the algorithm that is whole", emu_lt.algorithm, IN_EIGHTS);
    multiply_when(&t, 24, FIRST);
    is("the algorithm that is torn", emu_lt.algorithm, FIRST);
    is("notes", n_notes, 0);
    end(&t);
}

/* Files that are not ours, and folders that are not there: the first, each time, and said. */
static void not_kept(void **state)
{
    (void)state;
    one t = begin(temp_folder);
    multiply(&t, 16);
    end(&t);
    char text[600];
    read_choices(text, sizeof text);
    text[0] = 'X';
    write_choices(text);
    const char *folders[] = { temp_folder, temp_path("none") };
    for (size_t i = 0; i < 2; i++) {
        t = begin(folders[i]);
        says(i ? "No such file" : "its first line is not ours");
        says("the first algorithm that cuBLASLt names is taken");
        int products = emu_lt.n_products;
        multiply(&t, 16);
        is("the algorithm", emu_lt.algorithm, FIRST);
        is("products", emu_lt.n_products, ++products);
        is("notes", n_notes, 1);
        end(&t);
    }
    char after[600];
    read_choices(after, sizeof after);
    assert_string_equal(after, text);
}

/* Where writing ends while we run: what was chosen holds, others take the first. */
static void lost(void **state)
{
    (void)state;
    one t = begin(temp_folder);
    multiply(&t, 16);
    write_choices("");
    multiply(&t, 24);
    is("the algorithm of 24 rows", emu_lt.algorithm, FIRST);
    says("it was cut while it was open: for shapes");
    int products = emu_lt.n_products;
    for (int64_t n = 8; n <= 48; n += 8)
        for (int64_t m = 1; m <= 512; m++)
            multiply_at(&t, m, n, false, 0);
    products += 3072;
    is("products", emu_lt.n_products, products);
    int asked = emu_lt.n_asked;
    multiply(&t, 16); /* after more shapes than are remembered */
    is("questions", emu_lt.n_asked, ++asked);
    is("the algorithm", emu_lt.algorithm, IN_EIGHTS);
    is("notes", n_notes, 1);
    end(&t);
}

/* Our own products have other bits: what would have been cuBLASLt's are not made theirs silently.
 */
static void does_not_open(void **state)
{
    (void)state;
    char why[400];
    k_device *dev = NULL;
    const k_backend *backend = assay_kernels()->backend;
    const k_options options = { .note = note };
    emu_has.has_cublaslt = 2;
    is("open", backend->open(&dev, &options), K_EDEVICE);
    backend->why(K_EDEVICE, why, sizeof why);
    assert_non_null(strstr(why, "cuBLASLt is there and does not open"));
    emu_has.has_cublaslt = 1;
    emu_has.taken = emu_has.memory - ((size_t)30 << 20);
    is("open", backend->open(&dev, &options), K_ENOMEM);
    emu_has.taken = 0;
    is("what is still open", emu_lt.n_open, 0);
    emu_has.has_cublaslt = 0;
}

/* Each order in each type goes there, with and without a bias and what y has. */
static void taken(void **state)
{
    (void)state;
    one t = begin(NULL);
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
    k_device *own = NULL;
    emu_has.has_cublaslt = 1;
    is("open", assay_kernels()->backend->open(&own, &(k_options){ .isa = "own" }), K_OK);
    n_opened++;
    one t = begin_on(own);
    const int asked = emu_lt.n_asked;
    multiply(&t, 16);
    is("questions", emu_lt.n_asked, asked);
    end(&t);
    t = begin(temp_folder);
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
    n_opened++;
    t.dev = dev;
    close_device(dev);
}

/* Where an addition is tried first, y is not written; without room to try it, the first is taken,
 * and holds. */
static void no_room(void **state)
{
    (void)state;
    one t = begin(temp_folder);
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
    t = begin(temp_folder);
    multiply_at(&t, 16, N, true, 0);
    is("the algorithm, in the next run", emu_lt.algorithm, FIRST);
    end(&t);
}

static void recorded(void **state)
{
    (void)state;
    one t = begin(temp_folder);
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
    t = begin(temp_folder);
    multiply(&t, 16);
    is("the algorithm, in the next run", emu_lt.algorithm, FIRST);
    end(&t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_setup, temp_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers),  TEST(choice),      TEST(like_rows),      TEST(untimed), TEST(again),
        TEST(two_runs), TEST(in_the_file), TEST(other_machines), TEST(stale),   TEST(torn),
        TEST(not_kept), TEST(lost),        TEST(does_not_open),  TEST(taken),   TEST(left),
        TEST(no_room),  TEST(recorded),
    };
    choose_tests(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
