/* internal.h -- what the files of the CUDA backend share: its device, its scratch, its operations.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_INTERNAL_H
#define K_CUDA_INTERNAL_H

#include "kernels/cuda/device.h"
#include "kernels/kernels.h"

/* Bytes that operations may use between their kernels, one operation after another. */
#define K_CUDA_SCRATCH ((size_t)16 << 20)

/* Pinned memory that copies go through (staging.cu): parts of a ring to the device, and two from
 * it. */
enum { K_CUDA_PARTS = 8 };
struct k_cuda_staging {
    char *memory; /* NULL: there is none */
    size_t at;    /* in the ring */
    cudaEvent_t passed[K_CUDA_PARTS + 2];
    bool is_full[K_CUDA_PARTS]; /* and its event is recorded */
};

struct k_cuda_device {
    k_device base; /* first */
    int index, n_multiprocessors;
    cudaStream_t stream;
    float *scratch;
    k_cuda_staging staging;
    bool is_recording, is_broken; /* is_broken: what is recorded cannot be */
    unsigned n_failures;          /* of this thread, when the recording began */
    struct k_cuda_lt *lt;         /* cuBLASLt, or NULL */
};

static inline k_cuda_device *k_cuda_of(k_device *dev)
{
    return reinterpret_cast<k_cuda_device *>(dev);
}

/* why.cu: what failed, in a sentence without a full stop that says what helps. It is kept for the
 * thread, for `why` of the table. All return the status that is noted; K_OK where there was no
 * error. */
int k_cuda_failed(cudaError_t error); /* as K_EDEVICE */
int k_cuda_failed_as(int status, cudaError_t error);
int k_cuda_note(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int k_cuda_no_room(int index, size_t wanted); /* as K_ENOMEM: bytes that device has not */
unsigned k_cuda_failures();                   /* of this thread so far */
void k_cuda_why(int status, char *why, size_t size);

/* The device, made the calling thread's, which launches go to; NULL where CUDA refuses. Operations
 * begin with this. */
static inline k_cuda_device *k_cuda_use(k_device *dev)
{
    k_cuda_device *d = k_cuda_of(dev);
    return k_cuda_failed(cudaSetDevice(d->index)) == K_OK ? d : nullptr;
}

/* K_OK, or K_EDEVICE where a launch was refused or something failed before. */
static inline int k_cuda_launched()
{
    return k_cuda_failed(cudaGetLastError());
}

/* A launch that takes more than the 48 KiB of shared memory which every kernel may have. */
template <class F> static inline bool k_allow_shared(F *kernel, size_t bytes)
{
    return bytes <= (48 << 10) ||
           k_cuda_failed(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                              (int)bytes)) == K_OK;
}

/* Whether operations are being recorded, so that this one, which cannot be, ends in K_EARG. */
static inline bool k_cuda_refuses(k_device *dev)
{
    k_cuda_of(dev)->is_broken |= k_cuda_of(dev)->is_recording;
    return k_cuda_of(dev)->is_recording;
}

/* staging.cu and recording.cu. The first two are never in the way of opening and closing. */
void k_cuda_staging_open(k_cuda_device *d);
void k_cuda_staging_close(k_cuda_device *d);
int k_cuda_copy_to(k_device *dev, void *to, const void *from_host, size_t size);
int k_cuda_copy_from(k_device *dev, void *to_host, const void *from, size_t size);
int k_cuda_record(k_device *dev);
int k_cuda_recorded(k_device *dev, k_recording **out);
int k_cuda_play(k_device *dev, k_recording *what);
void k_cuda_forget(k_device *dev, k_recording *what);
void k_cuda_end_recording(k_cuda_device *d); /* of a device that is closed meanwhile */

/* cublaslt.cu: nothing is opened where cuBLASLt is not found, or isa is "own"; see k_options. Where
 * it is found and does not open, neither does the device: our own products have other bits. */
int k_cuda_lt_open(k_cuda_device *d, const k_options *options);
void k_cuda_lt_close(k_cuda_device *d);

/* The operations, each in the file of its name or its family's; the table is filled in backend.cu.
 */
size_t k_cuda_pack_bytes(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how);
size_t k_cuda_product_bytes(k_device *dev, k_type type, k_type x_type, int64_t m, int64_t n,
                            int64_t k);
int k_cuda_pack(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how, const void *w,
                void *packed);
int k_cuda_gemm_nt(k_device *dev, const k_gemm *a);
int k_cuda_gemm_nn(k_device *dev, const k_gemm_dx *a);
int k_cuda_gemm_tn(k_device *dev, const k_gemm_dw *a);
int k_cuda_embed(k_device *dev, const k_embed *a);
int k_cuda_embed_bwd(k_device *dev, const k_embed_bwd *a);
int k_cuda_rmsnorm(k_device *dev, const k_rmsnorm *a);
int k_cuda_rmsnorm_bwd(k_device *dev, const k_rmsnorm_bwd *a);
int k_cuda_rope(k_device *dev, const k_rope *a);
int k_cuda_attn(k_device *dev, const k_attn *a);
int k_cuda_attn_bwd(k_device *dev, const k_attn_bwd *a);
int k_cuda_kv_append(k_device *dev, const k_kv_append *a);
int k_cuda_attn_paged(k_device *dev, const k_attn_paged *a);
int k_cuda_swiglu(k_device *dev, const k_swiglu *a);
int k_cuda_swiglu_bwd(k_device *dev, const k_swiglu_bwd *a);
int k_cuda_add(k_device *dev, const k_add *a);
int k_cuda_axpy(k_device *dev, const k_axpy *a);
int k_cuda_scale(k_device *dev, const k_axpy *a);
int k_cuda_cast(k_device *dev, const k_cast *a);
int k_cuda_copy_rows(k_device *dev, const k_copy_rows *a);
int k_cuda_sum_squares(k_device *dev, k_type type, int64_t n, const void *x, double *out);
size_t k_cuda_lmhead_scratch(k_device *dev, k_type type, int64_t m, int64_t d, int64_t vocab);
int k_cuda_lmhead_logprob(k_device *dev, const k_lmhead *a);
int k_cuda_lmhead_grad(k_device *dev, const k_lmhead_grad *a);
size_t k_cuda_sample_scratch(k_device *dev, int64_t rows, int64_t vocab);
int k_cuda_sample(k_device *dev, const k_sample *a);
int k_cuda_adamw(k_device *dev, const k_adamw *a);

#endif
