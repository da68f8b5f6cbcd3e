/* device.c -- the table of the scalar reference, and its device: the caller's thread and the host's
 * memory. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/host_memory.h"
#include "naive.h"

#include <stdlib.h>
#include <string.h>

extern const k_backend NAIVE(backend);

static int open_device(k_device **out, const k_options *options)
{
    (void)options;
    *out = malloc(sizeof **out);
    if (!*out)
        return K_ENOMEM;
    (*out)->ops = &NAIVE(backend);
    return K_OK;
}

static void close_device(k_device *dev)
{
    free(dev);
}

static void *alloc_bytes(k_device *dev, size_t size)
{
    (void)dev;
    if (size > SIZE_MAX - 128)
        return NULL;
    return aligned_alloc(64, size / 64 * 64 + 64);
}

static void free_bytes(k_device *dev, void *p)
{
    (void)dev;
    free(p);
}

static int zero_bytes(k_device *dev, void *p, size_t size)
{
    (void)dev;
    if (size > 0)
        memset(p, 0, size);
    return K_OK;
}

static int copy_bytes(k_device *dev, void *to, const void *from, size_t size)
{
    (void)dev;
    if (size > 0)
        memcpy(to, from, size);
    return K_OK;
}

static int done(k_device *dev)
{
    (void)dev;
    return K_OK;
}

static int host_memory(k_device *dev, size_t *unused, size_t *all)
{
    (void)dev;
    return k_host_memory(unused, all);
}

static int one_lane(k_device *dev)
{
    (void)dev;
    return 1;
}

static int in_turn(k_device *dev, int n, k_lane_fn *work, void *ctx)
{
    for (int i = 0; i < n; i++)
        work(ctx, i, dev);
    return K_OK;
}

const k_backend NAIVE(backend) = {
    .version = K_TABLE_VERSION,
    .types = NAIVE_TYPES,
    .name = NAIVE_NAME,
    .open = open_device,
    .close = close_device,
    .alloc = alloc_bytes,
    .free = free_bytes,
    .zero = zero_bytes,
    .copy_to = copy_bytes,
    .copy_from = copy_bytes,
    .copy = copy_bytes,
    .sync = done,
    .memory = host_memory,
    .n_lanes = one_lane,
    .in_lanes = in_turn,
    .pack_bytes = NAIVE(pack_bytes),
    .product_bytes = NAIVE(product_bytes),
    .pack = NAIVE(pack),
    .gemm_nt = NAIVE(gemm_nt),
    .gemm_nn = NAIVE(gemm_nn),
    .gemm_tn = NAIVE(gemm_tn),
    .embed = NAIVE(embed),
    .embed_bwd = NAIVE(embed_bwd),
    .rmsnorm = NAIVE(rmsnorm),
    .rmsnorm_bwd = NAIVE(rmsnorm_bwd),
    .rope = NAIVE(rope),
    .attn = NAIVE(attn),
    .attn_bwd = NAIVE(attn_bwd),
    .kv_append = NAIVE(kv_append),
    .attn_paged = NAIVE(attn_paged),
    .swiglu = NAIVE(swiglu),
    .swiglu_bwd = NAIVE(swiglu_bwd),
    .add = NAIVE(add),
    .axpy = NAIVE(axpy),
    .scale = NAIVE(scale),
    .cast = NAIVE(cast),
    .copy_rows = NAIVE(copy_rows),
    .sum_squares = NAIVE(sum_squares),
    .lmhead_scratch = NAIVE(lmhead_scratch),
    .lmhead_logprob = NAIVE(lmhead_logprob),
    .lmhead_grad = NAIVE(lmhead_grad),
    .sample_scratch = NAIVE(sample_scratch),
    .sample = NAIVE(sample),
    .adamw = NAIVE(adamw),
};
