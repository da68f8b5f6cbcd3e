/* fast.h -- what the files of this backend share: the device, its threads and their scratch.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_H
#define K_FAST_H
#include "kernels/cpu/fast/cpu.h"
#include "kernels/cpu/fast/pool.h"
#include "kernels/kernels.h"

typedef struct fast_device {
    k_device base; /* first: base.ops is the table of this device's level */
    k_pool *pool;
    char *scratch; /* threads x scratch_each bytes, grown between operations */
    size_t scratch_each;
    void *shared; /* shared_size bytes for all threads of an operation, grown as they are */
    size_t shared_size;
    struct fast_device **lanes; /* [threads], of one thread each; made when first asked for */
} fast_device;

/* Makes room for `each` bytes per thread. 0 or K_ENOMEM. */
int k_fast_reserve(fast_device *dev, size_t each);

/* The scratch of the thread in this slot; 64-byte aligned. */
static inline void *k_fast_scratch(const fast_device *dev, int slot)
{
    return dev->scratch + (size_t)slot * dev->scratch_each;
}

/* Room of `size` bytes that all threads see, 64-byte aligned, or NULL: for want of memory. What was
 * in it is lost. */
void *k_fast_shared(fast_device *dev, size_t size);

/* Calls fn for ranges of 0 .. n-1, of at least `least` each, a few for each thread: rows that do
 * not depend on each other. */
typedef void k_rows_fn(const void *arg, int64_t begin, int64_t end, void *scratch);
void k_fast_rows(const fast_device *dev, int64_t n, int64_t least, k_rows_fn *fn, const void *arg);

/* device.c: what every level's table has in common. */
int k_fast_open(k_device **out, const k_options *options);
void k_fast_close(k_device *dev);
void *k_fast_alloc(k_device *dev, size_t size);
void k_fast_free(k_device *dev, void *p);
int k_fast_zero(k_device *dev, void *p, size_t size);
int k_fast_copy(k_device *dev, void *to, const void *from, size_t size);
int k_fast_sync(k_device *dev);
int k_fast_memory(k_device *dev, size_t *unused, size_t *all);
void k_fast_why(int status, char *why, size_t size);
int k_fast_n_lanes(k_device *dev);
int k_fast_in_lanes(k_device *dev, int n, k_lane_fn *work, void *ctx);

/* table.c, once per level. */
extern const k_backend k_cpu_scalar, k_cpu_avx2, k_cpu_avx512, k_cpu_avx512bf16, k_cpu_amx;
#endif
