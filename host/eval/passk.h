/* passk.h -- pass@k and its relatives from (n, c) per problem. SPEC.md 1.1, 1.5, 1.7; Chen et al.
 * 2107.03374 eq. 1. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EVAL_PASSK_H
#define AS_EVAL_PASSK_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 1 - C(n-c,k)/C(n,k), unbiased; stable for n up to 1e6 and beyond. NaN where k > n, k == 0 or c >
 * n. */
double as_pass_at_k(uint64_t n, uint64_t c, uint64_t k);
/* pass^k: all of k right, C(c,k)/C(n,k). NaN as above. */
double as_pass_hat_k(uint64_t n, uint64_t c, uint64_t k);
/* The whole curve k = 1..k_max (<= n) in O(k_max): out[k-1]. */
void as_pass_at_k_curve(uint64_t n, uint64_t c, uint64_t k_max, double *out);
/* Chance level of k blind guesses, each right with probability p: 1-(1-p)^k. */
double as_chance_at_k(double p, uint64_t k);

/* Share of problems with c/n >= tau (Cover@tau, 2510.08325). */
double as_cover_at(const uint64_t *n, const uint64_t *c, size_t problems, double tau);
/* 12 bins: exactly 0; (0,.1] .. (.8,.9]; (.9,1); exactly 1. Integer arithmetic (10c <= in). */
unsigned as_accuracy_bin(uint64_t n, uint64_t c);
extern const char *const as_accuracy_bin_names[12];

/* maj@k: the probability that a plurality of k answers is right, ties broken uniformly, blanks
 * never voting. counts[0]: the right class, counts[1..m): the wrong ones, n_blank answers without a
 * vote. without replacement: the unbiased estimator over all k-subsets of the n samples. */
int as_maj_at_k(const uint64_t *counts, size_t m, uint64_t n_blank, uint64_t k, double *out,
                as_err *err);
/* With replacement: p[0] the right class's probability, sum p <= 1 (the rest is blank). SPEC
 * goldens maj_at_n. */
int as_maj_of_p(const double *p, size_t m, uint64_t k, double *out, as_err *err);
#endif
