/* assay/assay.h -- libassay for programs that embed it: open verifiers, score items, vote, measure.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything here is plain C with opaque types, so that ctypes, cffi and bindgen read it as it is. Functions return 0 or
 * a negative code (plugin.h's ASSAY_E_*) and fill the caller's assay_error, whose `size` the caller sets. Texts are UTF-8
 * (pointer, length) pairs, borrowed for the duration of a call. [any]: any thread, concurrently. */
#ifndef ASSAY_ASSAY_H
#define ASSAY_ASSAY_H
#include <assay/plugin.h>

#define ASSAY_VERSION "0.1.0" /* of libassay; the plugin ABI has its own numbers in plugin.h */

#if defined(__GNUC__)
#define ASSAY_API __attribute__((visibility("default")))
#else
#define ASSAY_API
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_library assay_library; /* registry of plugins and the verdict cache */
typedef struct assay_scorer assay_scorer;   /* an opened verifier, with its threads and workers */

typedef struct assay_options { /* zero means the default */
    uint32_t size, threads;         /* threads: seats per scorer, 0: one per core */
    uint32_t timeout_ms, isolation; /* isolation: 0 auto, 1 in process, 2 worker, 3 jail */
    const char *plugin_path;        /* colon-separated folders searched first */
    const char *cache_path;         /* NULL: no verdict cache */
} assay_options;

typedef struct assay_item {
    assay_str prompt, completion, reference, meta; /* absent ones: data NULL */
    uint64_t group, seed;                          /* equal groups are adjacent */
} assay_item;

typedef struct assay_result { /* texts live until the next call on the same assay_results, or its free */
    float score;              /* NaN for abstain and error: mask it, it is not a 0 */
    int32_t verdict;          /* assay_verdict */
    assay_str answer, key, rule, reason, explain;
} assay_result;
typedef struct assay_results assay_results; /* owns the rows of one call */

ASSAY_API const char *assay_version(void);                      /* [any] */
ASSAY_API const char *assay_verdict_name(int32_t verdict);      /* [any] "pass", ... */

/* options may be NULL. A library may be used from many threads; free it after its scorers. */
ASSAY_API int assay_library_open(assay_library **out, const assay_options *options, assay_error *err);
ASSAY_API void assay_library_close(assay_library *lib);
/* A verifier linked into the program; before the first assay_library_open. */
ASSAY_API int assay_register(const assay_entry *entry, assay_error *err);

/* name_and_config: "math", "math:{\"preset\":\"gsm8k\"}", "/path/to/mine.so". */
ASSAY_API int assay_scorer_open(assay_library *lib, const char *name_and_config, assay_scorer **out, assay_error *err);
ASSAY_API void assay_scorer_close(assay_scorer *s);
/* [any] Scores n items; *out is made (or reused) by the call and holds n rows in order. flags: ASSAY_WANT_*. */
ASSAY_API int assay_score(assay_scorer *s, const assay_item *items, size_t n, uint32_t flags, assay_results **out,
                          assay_error *err);
ASSAY_API const assay_result *assay_results_rows(const assay_results *r, size_t *n);
ASSAY_API void assay_results_free(assay_results *r);

/* [any] The majority answer of n completions to one prompt (ABI.md 13): class_of[i] (may be NULL) is the answer class of
 * each, UINT32_MAX where there is none; *label lives as long as *out. 0 also when nothing could be voted: label absent. Items
 * whose answer could not be extracted (verdict error in the rows) leave the ratio's n; blank answers stay in it. */
ASSAY_API int assay_vote(assay_scorer *s, const assay_item *items, size_t n, uint32_t *class_of, assay_str *label,
                         double *ratio, int32_t *tie, assay_results **out, assay_error *err);

/* [any] 1 - C(n-c,k)/C(n,k), Chen et al. 2021 eq. 1; NaN where k > n. */
ASSAY_API double assay_pass_at_k(uint64_t n, uint64_t c, uint64_t k);

#ifdef __cplusplus
}
#endif
#endif
