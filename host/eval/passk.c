/* passk.c -- pass@k, pass^k, Cover@tau and the accuracy histogram, in forms that neither overflow
 * nor cancel. SPDX-License-Identifier: Apache-2.0 */
#include "eval/passk.h"

#include <math.h>

/* Up to here the product is as exact as the sum of logarithms and much quicker. */
enum { PRODUCT_MAX = 10000 };

/* C(n-c,k)/C(n,k), the probability that k of n samples miss all c right ones. The fraction is
 * symmetric in c and k
 * ((n-c)!(n-k)! / (n!(n-c-k)!)), so the shorter of the two products is taken: prod over the last
 * `few` j of 1 - many/j. */
static double miss_all(uint64_t n, uint64_t c, uint64_t k)
{
    if (n - c < k)
        return 0;
    uint64_t few = c < k ? c : k, many = c < k ? k : c;
    double m = (double)many;
    if (few <= PRODUCT_MAX) {
        double q = 1;
        for (uint64_t j = n - few + 1; j <= n && q > 0; j++)
            q *= 1 - m / (double)j;
        return q;
    }
    double sum = 0;
    for (uint64_t j = n - few + 1; j <= n && sum > -745; j++) /* exp(-745) is the smallest double */
        sum += log1p(-m / (double)j);
    return exp(sum);
}

static bool is_defined(uint64_t n, uint64_t c, uint64_t k)
{
    return k > 0 && k <= n && c <= n;
}

double as_pass_at_k(uint64_t n, uint64_t c, uint64_t k)
{
    if (!is_defined(n, c, k))
        return (double)NAN;
    if (k == 1)
        return (double)c / (double)n; /* avg@n to the last bit, whatever n */
    return 1 - miss_all(n, c, k);
}

double as_pass_hat_k(uint64_t n, uint64_t c, uint64_t k)
{
    if (!is_defined(n, c, k))
        return (double)NAN;
    if (k == 1)
        return (double)c / (double)n;
    return miss_all(n, n - c, k); /* all right = missing every wrong one */
}

void as_pass_at_k_curve(uint64_t n, uint64_t c, uint64_t k_max, double *out)
{
    double q = 1;
    for (uint64_t k = 1; k <= k_max; k++) {
        if (!is_defined(n, c, k)) {
            out[k - 1] = (double)NAN;
            continue;
        }
        q = n - c < k ? 0 : q * ((double)(n - c - k + 1) / (double)(n - k + 1));
        out[k - 1] = 1 - q;
    }
}

double as_chance_at_k(double p, uint64_t k)
{
    if (!(p >= 0 && p <= 1))
        return (double)NAN;
    return p < 1 ? -expm1((double)k * log1p(-p)) : (double)(k > 0);
}

double as_cover_at(const uint64_t *n, const uint64_t *c, size_t problems, double tau)
{
    size_t covered = 0, scored = 0;
    for (size_t i = 0; i < problems; i++) {
        if (n[i] == 0)
            continue;
        scored++;
        /* A correctly rounded c/n equals the literal tau whenever the two are equal as rationals.
         */
        covered += (double)c[i] / (double)n[i] >= tau;
    }
    return scored ? (double)covered / (double)scored : (double)NAN;
}

const char *const as_accuracy_bin_names[12] = { "0",         "(0.0,0.1]", "(0.1,0.2]", "(0.2,0.3]",
                                                "(0.3,0.4]", "(0.4,0.5]", "(0.5,0.6]", "(0.6,0.7]",
                                                "(0.7,0.8]", "(0.8,0.9]", "(0.9,1.0)", "1" };

unsigned as_accuracy_bin(uint64_t n, uint64_t c)
{
    __extension__ typedef unsigned __int128 wide;
    if (c == 0 || n == 0)
        return 0;
    if (c >= n)
        return 11;
    unsigned i = 1;
    while (i < 10 && (wide)10 * c > (wide)i * n)
        i++;
    return i;
}
