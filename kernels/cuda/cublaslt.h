/* cublaslt.h -- what is used of cuBLASLt's C API, declared here: its headers come with 400 MB of
 * libraries, and ours must be built, and opened, without either. The numbers are those of
 * cublasLt.h, 12.0 to 13.x, whose interface is stable within and across these; where that header is
 * found, tests/peers/cublaslt.cpp holds them against it. Plain C.
 *
 * Matrices are columns one after another there; ours are rows: read as theirs, each is turned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_CUBLASLT_H
#define K_CUDA_CUBLASLT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { K_LT_SUCCESS = 0, K_LT_INVALID_VALUE = 7, K_LT_NOT_SUPPORTED = 15 }; /* cublasStatus_t */
enum { K_LT_F32 = 0, K_LT_BF16 = 14 };                                      /* cudaDataType_t */
enum { K_LT_COMPUTE_F32 = 68 }; /* cublasComputeType_t: no TF32 */
enum { K_LT_OP_N = 0, K_LT_OP_T = 1 };
enum { K_LT_EPILOGUE_DEFAULT = 1, K_LT_EPILOGUE_BIAS = 4 };
enum { K_LT_REDUCTION_NONE = 0 };
enum {                             /* cublasLtMatmulDescAttributes_t */
       K_LT_DESC_TRANSA = 3,       /* int32_t */
       K_LT_DESC_TRANSB = 4,       /* int32_t */
       K_LT_DESC_EPILOGUE = 7,     /* uint32_t */
       K_LT_DESC_BIAS_POINTER = 8, /* const void * */
};
enum {                                 /* cublasLtMatmulPreferenceAttributes_t */
       K_LT_PREF_MAX_WORKSPACE = 1,    /* uint64_t */
       K_LT_PREF_REDUCTION_SCHEME = 3, /* uint32_t, a mask */
       K_LT_PREF_ALIGNMENT_A = 5,      /* uint32_t each, of A, B, C and D */
};

enum {                              /* cublasLtMatmulAlgoConfigAttributes_t, all that there are */
       K_LT_CONFIG_ID = 0,          /* int32_t */
       K_LT_CONFIG_TILE = 1,        /* uint32_t */
       K_LT_CONFIG_SPLITS = 2,      /* int32_t */
       K_LT_CONFIG_REDUCTION = 3,   /* uint32_t */
       K_LT_CONFIG_SWIZZLING = 4,   /* uint32_t */
       K_LT_CONFIG_CUSTOM = 5,      /* uint32_t */
       K_LT_CONFIG_STAGES = 6,      /* uint32_t */
       K_LT_CONFIG_INNER_SHAPE = 7, /* uint16_t */
       K_LT_CONFIG_CLUSTER = 8,     /* uint16_t */
       K_LT_N_CONFIG
};

typedef struct k_lt_algo {
    uint64_t data[8];
} k_lt_algo;

typedef struct k_lt_result { /* cublasLtMatmulHeuristicResult_t */
    k_lt_algo algo;
    size_t workspace;
    int state; /* cublasStatus_t */
    float waves;
    int reserved[4];
} k_lt_result;

typedef struct k_lt_context *k_lt_handle;
typedef struct k_lt_desc_data *k_lt_desc;
typedef struct k_lt_layout_data *k_lt_layout;
typedef struct k_lt_preference_data *k_lt_preference;

/* The functions, all but the first of which return a cublasStatus_t. Each is found under cublasLt's
 * name beside it. */
typedef struct k_cublaslt {
    size_t (*version)(void);                                              /* GetVersion */
    int (*create)(k_lt_handle *handle);                                   /* Create */
    int (*destroy)(k_lt_handle handle);                                   /* Destroy */
    int (*desc_create)(k_lt_desc *desc, int compute, int scale);          /* MatmulDescCreate */
    int (*desc_destroy)(k_lt_desc desc);                                  /* MatmulDescDestroy */
    int (*desc_set)(k_lt_desc desc, int attribute, const void *, size_t); /* ~SetAttribute */
    int (*layout_create)(k_lt_layout *layout, int type, uint64_t rows, uint64_t columns,
                         int64_t ld);                      /* MatrixLayoutCreate */
    int (*layout_destroy)(k_lt_layout layout);             /* MatrixLayoutDestroy */
    int (*preference_create)(k_lt_preference *preference); /* MatmulPreferenceCreate */
    int (*preference_destroy)(k_lt_preference preference); /* MatmulPreferenceDestroy */
    int (*preference_set)(k_lt_preference preference, int attribute, const void *, size_t);
    int (*heuristic)(k_lt_handle handle, k_lt_desc desc, k_lt_layout a, k_lt_layout b,
                     k_lt_layout c, k_lt_layout d, k_lt_preference preference, int n_wanted,
                     k_lt_result *results, int *n); /* MatmulAlgoGetHeuristic */
    int (*check)(k_lt_handle handle, k_lt_desc desc, k_lt_layout a, k_lt_layout b, k_lt_layout c,
                 k_lt_layout d, const k_lt_algo *algo, k_lt_result *result); /* MatmulAlgoCheck */
    int (*config)(const k_lt_algo *algo, int attribute, void *, size_t,
                  size_t *written); /* MatmulAlgoConfigGetAttribute */
    /* D = alpha op(A) op(B) + beta C + bias */
    int (*matmul)(k_lt_handle handle, k_lt_desc desc, const void *alpha, const void *a,
                  k_lt_layout a_layout, const void *b, k_lt_layout b_layout, const void *beta,
                  const void *c, k_lt_layout c_layout, void *d, k_lt_layout d_layout,
                  const k_lt_algo *algo, void *workspace, size_t workspace_size,
                  void *stream); /* Matmul */
} k_cublaslt;

/* The names, in the order of k_cublaslt. */
#define K_LT_NAMES                                                                                 \
    {                                                                                              \
        "cublasLtGetVersion", "cublasLtCreate", "cublasLtDestroy", "cublasLtMatmulDescCreate",     \
            "cublasLtMatmulDescDestroy", "cublasLtMatmulDescSetAttribute",                         \
            "cublasLtMatrixLayoutCreate", "cublasLtMatrixLayoutDestroy",                           \
            "cublasLtMatmulPreferenceCreate", "cublasLtMatmulPreferenceDestroy",                   \
            "cublasLtMatmulPreferenceSetAttribute", "cublasLtMatmulAlgoGetHeuristic",              \
            "cublasLtMatmulAlgoCheck", "cublasLtMatmulAlgoConfigGetAttribute", "cublasLtMatmul"    \
    }
enum { K_LT_N_FUNCTIONS = sizeof(k_cublaslt) / sizeof(void (*)(void)) };

/* Whether the library is there with all of it. The emulation has its own (emu/cublaslt.cpp). */
int k_cuda_find_cublaslt(k_cublaslt *out);

#ifdef __cplusplus
}
#endif
#endif
