/* cases.h -- a case runs one operation on random input of a random shape, all of it in the memory
 * of the device it is given, and says what it wrote; the scalar reference, given the same, must
 * have written the same. Over the emulation in several orders of threads, and on a GPU where there
 * is one.
 *
 * A file NAME_cases.c for each family of kernels NAME.cu: const cuda_case NAME_cases[], the last
 * one without a function.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CUDA_CASES_H
#define CUDA_CASES_H
#include "kernels/kernels.h"
#include "numbers.h"

enum { CASE_OUTPUTS = 12, CASE_BUFFERS = 96 };

typedef struct cuda_output {
    const char *name;
    const void *p; /* the device's */
    size_t n;
    k_type type;
    double tolerance; /* of the largest number of them */
} cuda_output;

typedef struct cuda_run {
    k_device *dev;
    k_type type;
    uint64_t seed;   /* of the case: the same input for every device */
    uint64_t random; /* the state of what is drawn */
    void *buffers[CASE_BUFFERS];
    int n_buffers;
    cuda_output all[CASE_OUTPUTS];
    int n;
} cuda_run;

typedef void cuda_case_fn(cuda_run *run);
typedef struct cuda_case {
    const char *name; /* as mutants name it */
    cuda_case_fn *fn;
    int n_seeds;    /* shapes; each in another order of threads */
    unsigned types; /* bit (1 << type) for each; 0: once a seed, of type K_F32, and not held against
                       the reference: it asserts what it wants itself */
} cuda_case;
enum { IN_BOTH = 1 << K_F32 | 1 << K_BF16 };

/* Called after each case: fails the test where something was found. */
typedef void cuda_check(const char *what);
/* All seeds and types of a case; before: called with the number of each run, to set its order; or
 * NULL. */
void cuda_case_run(const cuda_case *c, k_device *dev, void (*before)(size_t run),
                   cuda_check *check);

/* ---- for cases ---- */
uint64_t run_below(cuda_run *run, uint64_t limit);
double run_number(cuda_run *run, double scale); /* uniform in [-scale, scale] */
int64_t run_size(cuda_run *run, int64_t most);  /* 1 .. most, small ones as often as large ones */
void *run_alloc(cuda_run *run, size_t bytes);   /* never written; 64-byte aligned */
void *run_given(cuda_run *run, const void *host, size_t bytes);
void *run_input_of(cuda_run *run, int64_t n, double scale, k_type type); /* random numbers */
void *run_input(cuda_run *run, int64_t n, double scale);                 /* of the run's type */
int32_t *run_indices(cuda_run *run, int64_t n, int64_t limit); /* 0 .. limit-1, on the device */
/* Room for what the operation writes, full of NaN; tolerance 0: 1e-5 of float, 1/100 of bf16 (1e-3
 * of float sums over bf16 numbers). */
void *run_room_of(cuda_run *run, const char *name, int64_t n, k_type type, double tolerance);
void *run_room(cuda_run *run, const char *name, int64_t n);
/* What it adds to, or leaves between what it writes: begins as random numbers. */
void *run_sum_room(cuda_run *run, const char *name, int64_t n, k_type type);
/* Numbers of the device as doubles, in calloc'ed memory. */
double *run_fetch(cuda_run *run, const void *from, size_t n, k_type type);
/* Bytes of the device, in calloc'ed memory. */
void *run_bytes(cuda_run *run, const void *from, size_t bytes);
static inline void run_ok(int status)
{
    assert_int_equal(status, K_OK);
}
#endif
