/* cublaslt.cpp -- kernels/cuda/cublaslt.h against NVIDIA's header: each number, the layout of what
 * is passed by address, and that each function takes and returns what we say. Compiled by
 * peer_cublaslt.py, never run. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cublaslt.h"
#include <cublasLt.h>
#include <type_traits>
#include <utility>

#define SAME(ours, theirs) static_assert((long)(ours) == (long)(theirs), #ours " is not " #theirs)
SAME(K_LT_SUCCESS, CUBLAS_STATUS_SUCCESS);
SAME(K_LT_INVALID_VALUE, CUBLAS_STATUS_INVALID_VALUE);
SAME(K_LT_NOT_SUPPORTED, CUBLAS_STATUS_NOT_SUPPORTED);
SAME(K_LT_F32, CUDA_R_32F);
SAME(K_LT_BF16, CUDA_R_16BF);
SAME(K_LT_COMPUTE_F32, CUBLAS_COMPUTE_32F);
SAME(K_LT_OP_N, CUBLAS_OP_N);
SAME(K_LT_OP_T, CUBLAS_OP_T);
SAME(K_LT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_DEFAULT);
SAME(K_LT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_BIAS);
SAME(K_LT_REDUCTION_NONE, CUBLASLT_REDUCTION_SCHEME_NONE);
SAME(K_LT_DESC_TRANSA, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(K_LT_DESC_TRANSB, CUBLASLT_MATMUL_DESC_TRANSB);
SAME(K_LT_DESC_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(K_LT_DESC_BIAS_POINTER, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(K_LT_PREF_MAX_WORKSPACE, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(K_LT_PREF_REDUCTION_SCHEME, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
SAME(K_LT_PREF_ALIGNMENT_A, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(K_LT_PREF_ALIGNMENT_A + 1, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(K_LT_PREF_ALIGNMENT_A + 2, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(K_LT_PREF_ALIGNMENT_A + 3, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
SAME(K_LT_CONFIG_ID, CUBLASLT_ALGO_CONFIG_ID);
SAME(K_LT_CONFIG_TILE, CUBLASLT_ALGO_CONFIG_TILE_ID);
SAME(K_LT_CONFIG_SPLITS, CUBLASLT_ALGO_CONFIG_SPLITK_NUM);
SAME(K_LT_CONFIG_REDUCTION, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME);
SAME(K_LT_CONFIG_SWIZZLING, CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING);
SAME(K_LT_CONFIG_CUSTOM, CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION);
SAME(K_LT_CONFIG_STAGES, CUBLASLT_ALGO_CONFIG_STAGES_ID);
SAME(K_LT_CONFIG_INNER_SHAPE, CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID);
SAME(K_LT_CONFIG_CLUSTER, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID);

typedef cublasLtMatmulHeuristicResult_t Result;
SAME(sizeof(k_lt_algo), sizeof(cublasLtMatmulAlgo_t));
SAME(sizeof(k_lt_result), sizeof(Result));
SAME(offsetof(k_lt_result, algo), offsetof(Result, algo));
SAME(offsetof(k_lt_result, workspace), offsetof(Result, workspaceSize));
SAME(offsetof(k_lt_result, state), offsetof(Result, state));
SAME(offsetof(k_lt_result, waves), offsetof(Result, wavesCount));
SAME(sizeof(int), sizeof(cublasStatus_t));

/* A parameter of ours is passed as theirs is: pointers as pointers, the rest as whole numbers of
 * one size. */
template <class Ours, class Theirs> constexpr bool is_passed_as()
{
    if (std::is_pointer<Ours>::value || std::is_pointer<Theirs>::value)
        return std::is_pointer<Ours>::value && std::is_pointer<Theirs>::value;
    return (std::is_integral<Theirs>::value || std::is_enum<Theirs>::value) &&
           std::is_integral<Ours>::value && sizeof(Ours) == sizeof(Theirs);
}
template <class... Ours, class... Theirs>
constexpr bool is_same(int (*)(Ours...), cublasStatus_t (*)(Theirs...))
{
    if constexpr (sizeof...(Ours) == sizeof...(Theirs))
        return (is_passed_as<Ours, Theirs>() && ...);
    else
        return false;
}
#define FUNCTION(name, theirs)                                                                     \
    static_assert(is_same(decltype(k_cublaslt::name)(nullptr), decltype (&theirs)(nullptr)),       \
                  #theirs " is declared otherwise")
FUNCTION(create, cublasLtCreate);
FUNCTION(destroy, cublasLtDestroy);
FUNCTION(desc_create, cublasLtMatmulDescCreate);
FUNCTION(desc_destroy, cublasLtMatmulDescDestroy);
FUNCTION(desc_set, cublasLtMatmulDescSetAttribute);
FUNCTION(layout_create, cublasLtMatrixLayoutCreate);
FUNCTION(layout_destroy, cublasLtMatrixLayoutDestroy);
FUNCTION(preference_create, cublasLtMatmulPreferenceCreate);
FUNCTION(preference_destroy, cublasLtMatmulPreferenceDestroy);
FUNCTION(preference_set, cublasLtMatmulPreferenceSetAttribute);
FUNCTION(heuristic, cublasLtMatmulAlgoGetHeuristic);
FUNCTION(check, cublasLtMatmulAlgoCheck);
FUNCTION(config, cublasLtMatmulAlgoConfigGetAttribute);
FUNCTION(matmul, cublasLtMatmul);
