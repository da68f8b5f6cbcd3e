/* maj.c -- maj@k: the chance that a plurality of k answers is right, ties broken uniformly, blanks
 * never voting.
 *
 * Exact for k <= 64. Give every class an independent number of votes -- binomial for draws without
 * replacement, Poisson for draws with it; given that the total is k, the votes are distributed as
 * the k draws are. All numbers are probabilities, so nothing overflows whatever n, and one pass
 * serves every k up to the largest. For each count j of the right class a polynomial product over
 * the other classes (fewer than j votes, or j and one more tie) is built: P(k) = sum_j right[j] *
 * sum_t [x^(k-j) y^t] prod_i (sum_{v<j} w_i[v] x^v + y w_i[j] x^j) / (t+1)  /  total[k]. With j >
 * k/2 the right class wins in any case; classes with fewer than j samples cannot tie, so they are
 * one with the blanks. Hence the work is small: only the large classes are multiplied, and only for
 * j <= k/2. SPDX-License-Identifier: Apache-2.0 */
#include "eval/maj.h"

#include "base/mem.h"
#include "base/rng.h"
#include "eval/passk.h"

#include <math.h>
#include <stdlib.h>

enum { K = AS_MAJ_EXACT_K, HALF = K / 2 };

/* The other classes of one count j: ways[t * K1 + d], t classes with exactly j votes, d votes in
 * all. */
enum { K1 = K + 1 };
typedef struct as_ways {
    double at[K1 * K1];
    double row[K1]; /* folded over t, then with the loose votes */
} as_ways;

typedef struct urn {
    const uint64_t *counts; /* [0] the right class, then the wrong ones in descending order; NULL:
                               with replacement */
    const double *p;        /* with replacement: the same in probabilities */
    size_t m;
    uint64_t n, n_blank;
    double share,
        blank_p; /* share: each sample's chance to be taken; or the Poisson mean of all votes */
} urn;

/* w[v], v = 0..max: votes of `c` samples, each taken with probability `share`. */
static void binomial_row(double *w, unsigned max, uint64_t c, double share)
{
    double odds = share / (1 - share);
    w[0] = exp((double)c * log1p(-share));
    for (unsigned v = 0; v < max; v++)
        w[v + 1] = v >= c ? 0 : w[v] * odds * (double)(c - v) / (v + 1);
}

static void poisson_row(double *w, unsigned max, double mean)
{
    w[0] = exp(-mean);
    for (unsigned v = 0; v < max; v++)
        w[v + 1] = w[v] * mean / (v + 1);
}

static void class_row(const urn *u, size_t i, double *w, unsigned max)
{
    if (u->counts)
        binomial_row(w, max, u->counts[i], u->share);
    else
        poisson_row(w, max, u->share * u->p[i]);
}

/* One more class joins: `at` is updated in place, from the largest (t, d) down, so that only old
 * values are read. */
static void join_class(as_ways *ways, const double *w, unsigned j, unsigned room, size_t joined)
{
    unsigned t_max = room / j;
    if (t_max > joined + 1)
        t_max = (unsigned)joined + 1;
    for (unsigned t = t_max + 1; t-- > 0;) {
        /* With t ties among joined + 1 classes, the others hold at most j - 1 votes each. */
        size_t most = (size_t)t * j + (joined + 1 - t) * (size_t)(j - 1);
        unsigned hi = most < room ? (unsigned)most : room;
        double *now = ways->at + (size_t)t * K1;
        const double *fewer = now - (t ? K1 : 0);
        for (unsigned d = hi + 1; d-- > t * j;) {
            double sum = t ? w[j] * fewer[d - j] : 0;
            unsigned v_max = d - t * j < j - 1 ? d - t * j : j - 1;
            for (unsigned v = 0; v <= v_max; v++)
                sum += w[v] * now[d - v];
            now[d] = sum;
        }
    }
}

/* ways->row[d] = chance that the rest has d votes, no class more than j, weighted with 1/(1 +
 * ties). */
static void rest_given(const urn *u, as_ways *ways, unsigned j, unsigned room)
{
    uint64_t loose = u->n_blank;
    size_t joined = 0;
    double w[K1], spread[K1];
    for (size_t i = 0; i < (size_t)K1 * (room / j + 1); i++)
        ways->at[i] = 0;
    ways->at[0] = 1;
    for (size_t i = 1; i < u->m; i++) {
        if (u->counts && u->counts[i] < j) {
            loose += u->counts[i];
            continue;
        }
        class_row(u, i, w, j);
        join_class(ways, w, j, room, joined++);
    }
    for (unsigned d = 0; d <= room; d++) {
        spread[d] = 0;
        for (unsigned t = 0; t * j <= d; t++)
            spread[d] += ways->at[(size_t)t * K1 + d] / (t + 1);
    }
    if (u->counts)
        binomial_row(w, room, loose, u->share);
    else
        poisson_row(w, room, u->share * u->blank_p);
    for (unsigned d = 0; d <= room; d++) {
        ways->row[d] = 0;
        for (unsigned v = 0; v <= d; v++)
            ways->row[d] += w[v] * spread[d - v];
    }
}

/* out[k] for k = 1..k_max <= K. */
static int exact_curve(const urn *u, unsigned k_max, double *out, as_err *err)
{
    AS_CLEANUP(free) as_ways *ways = as_malloc(sizeof *ways);
    if (!ways)
        return as_fail(err, AS_ENOMEM, "maj@k: no memory");
    double right[K1], rest[K1], total[K1];
    class_row(u, 0, right, k_max);
    if (u->counts) {
        binomial_row(rest, k_max, u->n - u->counts[0], u->share);
        binomial_row(total, k_max, u->n, u->share);
    } else {
        poisson_row(rest, k_max, u->share * (1 - u->p[0]));
        poisson_row(total, k_max, u->share);
    }
    for (unsigned k = 1; k <= k_max; k++) {
        out[k] = 0;
        for (unsigned j = k / 2 + 1; j <= k; j++)
            out[k] += right[j] * rest[k - j];
    }
    for (unsigned j = 1; j <= k_max / 2 && right[j] > 0; j++) {
        rest_given(u, ways, j, k_max - j);
        for (unsigned k = 2 * j; k <= k_max; k++)
            out[k] += right[j] * ways->row[k - j];
    }
    for (unsigned k = 1; k <= k_max; k++) {
        out[k] /= total[k];
        if (out[k] > 1)
            out[k] = 1; /* rounding */
    }
    return 0;
}

/* 1 for the only winner, 1/ties for one of several, 0 for a loser; votes[0] is the right class. */
static double plurality(const uint64_t *votes, size_t m)
{
    size_t ties = 1;
    if (votes[0] == 0)
        return 0;
    for (size_t i = 1; i < m; i++) {
        if (votes[i] > votes[0])
            return 0;
        ties += votes[i] == votes[0];
    }
    return 1 / (double)ties;
}

/* Serfling (1974, without replacement) and Hoeffding (1963, with it): each class is ahead of the
 * one that leads it by `lead` with a chance of at most exp(-k lead^2 / (2 left)), where left is the
 * share of the urn that k - 1 draws leave. True where all of them together stay below 1e-9, far
 * under the error of any number of draws. */
static bool is_settled(const urn *u, uint64_t k, double *out)
{
    double top = 0, left = u->counts ? 1 - (double)(k - 1) / (double)u->n : 1;
    for (size_t i = 1; i < u->m; i++) {
        double share = u->counts ? (double)u->counts[i] / (double)u->n : u->p[i];
        top = share > top ? share : top;
    }
    double mine = u->counts ? (double)u->counts[0] / (double)u->n : u->p[0];
    double lead = mine - top;
    *out = lead > 0;
    return mine <= 0 || (double)u->m * exp(-(double)k * lead * lead / (2 * left)) < 1e-9;
}

/* A number below n from 32 bits where the bias (n / 2^32) cannot be seen, else from 64. */
static uint64_t pick(as_rng *r, uint64_t n, uint64_t *half)
{
    if (n >= 1U << 16)
        return as_rng_below(r, n);
    uint64_t bits = *half;
    *half = 0;
    if (bits == 0) {
        bits = as_rng_u64(r);
        *half = (bits >> 32) | (1ULL << 32); /* marked as full */
    }
    return ((bits & 0xFFFFFFFFU) * n) >> 32;
}

typedef struct draw_state {
    uint32_t *who;   /* class of each sample; m: blank */
    uint32_t *swaps; /* to put `who` back in order */
    uint64_t *votes; /* m + 1 */
    const uint64_t *ks;
    const bool *open; /* which of them are still to be told */
    size_t n_ks;
    uint64_t k_max;
} draw_state;

/* One draw of k_max samples without replacement; the first k of them are the draw of each smaller
 * k. */
static void draw_once(const urn *u, draw_state *s, as_rng rng, double *sum)
{
    uint64_t half = 0, taken = 0;
    memset(s->votes, 0, (u->m + 1) * sizeof *s->votes);
    for (size_t i = 0; i < s->n_ks; i++) {
        if (!s->open[i])
            continue;
        for (; taken < s->ks[i]; taken++) {
            uint64_t at = taken + pick(&rng, u->n - taken, &half);
            uint32_t who = s->who[at];
            s->who[at] = s->who[taken];
            s->who[taken] = who;
            s->swaps[taken] = (uint32_t)at;
            s->votes[who]++;
        }
        sum[i] += plurality(s->votes, u->m);
    }
    while (taken-- > 0) {
        uint32_t at = s->swaps[taken], who = s->who[at];
        s->who[at] = s->who[taken];
        s->who[taken] = who;
    }
}

static int draw_many(const urn *u, draw_state *s, const as_maj_draws *how, double *out, as_err *err)
{
    if (u->n > UINT32_MAX || u->m >= UINT32_MAX || how->draws == 0)
        return as_fail(err, AS_EUSAGE, "maj@k: %s",
                       how->draws ? "more than 2^32 samples" : "no draws asked for");
    AS_CLEANUP(free) uint32_t *who = as_calloc(u->n, sizeof *who);
    AS_CLEANUP(free) uint32_t *swaps = as_calloc(s->k_max, sizeof *swaps);
    AS_CLEANUP(free) uint64_t *votes = as_calloc(u->m + 1, sizeof *votes);
    AS_CLEANUP(free) double *sum = as_calloc(s->n_ks, sizeof *sum);
    if (!who || !swaps || !votes || !sum)
        return as_fail(err, AS_ENOMEM, "maj@k: no memory for %llu samples",
                       (unsigned long long)u->n);
    uint64_t at = 0;
    for (size_t i = 0; i < u->m; i++)
        for (uint64_t j = 0; j < u->counts[i]; j++)
            who[at++] = (uint32_t)i;
    while (at < u->n)
        who[at++] = (uint32_t)u->m;
    s->who = who;
    s->swaps = swaps;
    s->votes = votes;
    for (unsigned d = 0; d < how->draws; d++) {
        as_rng rng = as_rng_at(how->seed, how->stream);
        rng.index = (uint64_t)d << 32;
        draw_once(u, s, rng, sum);
    }
    for (size_t i = 0; i < s->n_ks; i++)
        if (s->open[i])
            out[i] = sum[i] / how->draws;
    return 0;
}

static int by_count_descending(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x < y) - (x > y);
}

/* A copy with the wrong classes in descending order and without empty ones: the same classes in any
 * order are the same urn, draws included. */
static int urn_fill(urn *u, uint64_t *copy, const uint64_t *counts, size_t m, uint64_t n_blank,
                    as_err *err)
{
    *u = (urn){ .counts = copy, .n = n_blank, .n_blank = n_blank };
    memcpy(copy, counts, m * sizeof *copy);
    qsort(copy + 1, m - 1, sizeof *copy, by_count_descending);
    for (size_t i = 0; i < m; i++) {
        if (__builtin_add_overflow(u->n, counts[i], &u->n))
            return as_fail(err, AS_EUSAGE, "maj@k: more than 2^64 samples");
        if (i == 0 || copy[i] > 0)
            u->m = i + 1;
    }
    return 0;
}

/* Where neither small k, nor k == n, nor a clear lead settles it, k stays open for drawing. */
static int settle(urn *u, const uint64_t *ks, size_t n_ks, bool *open, draw_state *s, double *out,
                  as_err *err)
{
    double exact[K1];
    unsigned k_max = 0;
    for (size_t i = 0; i < n_ks; i++)
        if (ks[i] <= K && ks[i] < u->n && ks[i] > k_max)
            k_max = (unsigned)ks[i];
    u->share = (double)k_max / ((double)u->n + k_max);
    if (k_max > 0) {
        int rc = exact_curve(u, k_max, exact, err);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < n_ks; i++) {
        if (ks[i] == 0 || ks[i] > u->n)
            out[i] = (double)NAN;
        else if (ks[i] == u->n)
            out[i] = plurality(u->counts, u->m);
        else if (ks[i] <= K)
            out[i] = exact[ks[i]];
        else if (!is_settled(u, ks[i], &out[i])) {
            open[i] = true;
            s->k_max = ks[i] > s->k_max ? ks[i] : s->k_max;
        }
    }
    return 0;
}

int as_maj_curve(const uint64_t *counts, size_t m, uint64_t n_blank, const uint64_t *ks,
                 size_t n_ks, const as_maj_draws *how, double *out, as_err *err)
{
    size_t size;
    if (m == 0 || !as_mul_ok(m, sizeof *counts, &size))
        return as_fail(err, AS_EUSAGE, "maj@k: no classes");
    AS_CLEANUP(free) uint64_t *copy = as_malloc(size);
    AS_CLEANUP(free) bool *open = as_calloc(n_ks, sizeof *open);
    if (!copy || !open)
        return as_fail(err, AS_ENOMEM, "maj@k: no memory for %zu classes", m);
    urn u;
    draw_state s = { .ks = ks, .open = open, .n_ks = n_ks };
    int rc = urn_fill(&u, copy, counts, m, n_blank, err);
    if (rc == 0)
        rc = settle(&u, ks, n_ks, open, &s, out, err);
    if (rc == 0 && s.k_max > 0)
        rc = draw_many(&u, &s, how, out, err);
    return rc;
}

int as_maj_at_k(const uint64_t *counts, size_t m, uint64_t n_blank, uint64_t k, double *out,
                as_err *err)
{
    as_maj_draws how = { .draws = AS_MAJ_DRAWS };
    return as_maj_curve(counts, m, n_blank, &k, 1, &how, out, err);
}

/* Class of a uniform number: m is blank. */
static size_t class_of(const double *p, size_t m, double x)
{
    size_t i = 0;
    while (i < m && x >= p[i])
        x -= p[i++];
    return i;
}

static int draw_of_p(const double *p, size_t m, uint64_t k, double *out, as_err *err)
{
    AS_CLEANUP(free) uint64_t *votes = as_calloc(m + 1, sizeof *votes);
    if (!votes)
        return as_fail(err, AS_ENOMEM, "maj@k: no memory for %zu classes", m);
    as_rng rng = as_rng_at(0, 0);
    double sum = 0;
    for (unsigned d = 0; d < AS_MAJ_DRAWS; d++) {
        memset(votes, 0, (m + 1) * sizeof *votes);
        for (uint64_t i = 0; i < k; i++)
            votes[class_of(p, m, as_rng_double(&rng))]++;
        sum += plurality(votes, m);
    }
    *out = sum / AS_MAJ_DRAWS;
    return 0;
}

int as_maj_of_p(const double *p, size_t m, uint64_t k, double *out, as_err *err)
{
    double sum = 0, exact[K1];
    for (size_t i = 0; i < m; i++) {
        if (!(p[i] >= 0 && p[i] <= 1))
            return as_fail(err, AS_EUSAGE, "maj@k: %g is no probability", p[i]);
        sum += p[i];
    }
    if (m == 0 || k == 0 || sum > 1 + 1e-9)
        return as_fail(err, AS_EUSAGE, "maj@k: %s",
                       m == 0   ? "no classes"
                       : k == 0 ? "k is 0"
                                : "probabilities above 1 in sum");
    urn u = { .p = p, .m = m, .share = (double)k, .blank_p = sum < 1 ? 1 - sum : 0 };
    if (k <= K) {
        int rc = exact_curve(&u, (unsigned)k, exact, err);
        if (rc == 0)
            *out = exact[k];
        return rc;
    }
    return is_settled(&u, k, out) ? 0 : draw_of_p(p, m, k, out, err);
}
