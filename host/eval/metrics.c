/* metrics.c -- the figures of a sample set: one column per problem and one row per metric, then one
 * bootstrap for all. SPDX-License-Identifier: Apache-2.0 */
#include "eval/metrics.h"

#include "base/mem.h"
#include "eval/maj.h"
#include "eval/passk.h"
#include "jobs/pool.h"

#include <math.h>
#include <stdatomic.h>

enum {
    CELLS_MAX = 1 << 23,   /* of the metric table held at once: 64 MiB */
    PIECES = 64,           /* of the work over problems */
    DRAWS_IN_ALL = 2000000 /* maj@k: the mean's standard error from drawing is under 0.0004 from
                              1,000 problems on, and under 0.012 / sqrt(problems) below */
};

/* Rows of the table, in this order: the plain ones, one per tau, then PER_K per k. */
enum { ROW_AVG, ROW_SOLVED, ROW_MAJ, ROW_SCORE, ROW_FINISHED, ROW_MOST, ROW_TAUS, PER_K = 4 };

typedef struct table {
    const as_sample_set *set;
    const as_passk_options *options;
    const uint64_t *ks;
    size_t n_ks, lo, hi; /* rows [lo, hi) are being filled */
    unsigned maj_draws;
    double *at; /* (hi - lo) x problems */
    atomic_int rc;
} table;

static size_t rows_of(const table *t)
{
    return ROW_TAUS + t->options->n_taus + PER_K * t->n_ks;
}

static void put(const table *t, size_t row, size_t problem, double value)
{
    if (row >= t->lo && row < t->hi)
        t->at[(row - t->lo) * t->set->n_problems + problem] = value;
}

static int fill_maj(const table *t, size_t i, double *maj)
{
    const as_problem *p = &t->set->problems[i];
    as_maj_draws how = { t->maj_draws, t->options->seed, i };
    uint64_t voting = p->n;
    for (size_t j = 0; j < t->n_ks; j++)
        maj[j] = (double)NAN;
    put(t, ROW_MAJ, i, (double)NAN);
    if (!t->set->has_keys || p->n == 0)
        return 0;
    double at_n = 0;
    int rc = as_maj_curve(p->class_counts, p->n_classes, p->n_blank, &voting, 1, &how, &at_n, NULL);
    if (rc == 0)
        rc = as_maj_curve(p->class_counts, p->n_classes, p->n_blank, t->ks, t->n_ks, &how, maj,
                          NULL);
    put(t, ROW_MAJ, i, at_n);
    return rc;
}

static int fill_problem(const table *t, size_t i, double *maj)
{
    const as_problem *p = &t->set->problems[i];
    size_t row = ROW_TAUS;
    bool is_empty = p->n == 0;
    double share = is_empty ? (double)NAN : (double)p->c / (double)p->n;
    put(t, ROW_AVG, i, share);
    put(t, ROW_SOLVED, i, is_empty ? (double)NAN : (double)(p->c > 0));
    put(t, ROW_SCORE, i, is_empty ? (double)NAN : p->sum_score / (double)p->n);
    const uint64_t n_ended = p->n - p->n_cut, most = p->c + p->n_cut - p->c_cut;
    put(t, ROW_FINISHED, i, n_ended ? (double)(p->c - p->c_cut) / (double)n_ended : (double)NAN);
    put(t, ROW_MOST, i, is_empty ? (double)NAN : (double)most / (double)p->n);
    for (size_t j = 0; j < t->options->n_taus; j++)
        put(t, row++, i, as_cover_at(&p->n, &p->c, 1, t->options->taus[j]));
    int rc = fill_maj(t, i, maj);
    for (size_t j = 0; j < t->n_ks; j++) {
        put(t, row++, i, as_pass_at_k(p->n, p->c, t->ks[j]));
        put(t, row++, i, as_pass_hat_k(p->n, p->c, t->ks[j]));
        put(t, row++, i, maj[j]);
        put(t, row++, i, as_pass_at_k(p->n, most, t->ks[j]));
    }
    return rc;
}

static void fill_piece(void *arg, size_t piece)
{
    table *t = arg;
    size_t n = t->set->n_problems, hi = n * (piece + 1) / PIECES;
    AS_CLEANUP(free) double *maj = as_calloc(t->n_ks, sizeof *maj);
    int rc = maj ? 0 : AS_ENOMEM;
    for (size_t i = n * piece / PIECES; i < hi && rc == 0; i++)
        rc = fill_problem(t, i, maj);
    if (rc < 0)
        t->rc = rc;
}

static int fill(table *t, as_err *err)
{
    as_pool *pool = NULL;
    if (t->options->threads == 1 || t->set->n_problems < 8) {
        for (size_t i = 0; i < PIECES; i++)
            fill_piece(t, i);
    } else {
        int rc = as_pool_new(&pool, t->options->threads, err);
        if (rc < 0)
            return rc;
        as_pool_for(pool, PIECES, fill_piece, t);
        as_pool_free(pool);
    }
    return t->rc < 0 ? as_fail(err, t->rc, "the figures of %zu problems could not be computed: %s",
                               t->set->n_problems, as_err_sentence(t->rc))
                     : 0;
}

/* A block of rows at a time, so that millions of problems need no table of gigabytes; the draws of
 * the bootstrap are the same for every block. */
static int measure(table *t, as_interval *out, as_passk_summary *sum, as_err *err)
{
    size_t problems = t->set->n_problems, rows = rows_of(t);
    size_t block = problems ? CELLS_MAX / problems : rows;
    block = block < 1 ? 1 : block > rows ? rows : block;
    AS_CLEANUP(free) double *cells = as_calloc(block, (problems ? problems : 1) * sizeof *cells);
    if (!cells)
        return as_fail(err, AS_ENOMEM, "no memory for the figures of %zu problems", problems);
    t->at = cells;
    for (t->lo = 0; t->lo < rows; t->lo = t->hi) {
        t->hi = t->lo + block < rows ? t->lo + block : rows;
        int is_normal = 0, rc = fill(t, err);
        if (rc == 0)
            rc = as_bootstrap(cells, t->hi - t->lo, problems, t->options->draws, t->options->seed,
                              t->options->threads, out + t->lo, &is_normal, err);
        if (rc < 0)
            return rc;
        sum->is_normal = is_normal;
    }
    return 0;
}

static void count_row(as_passk_row *row, const as_sample_set *set)
{
    size_t narrow = 0;
    double chance = 0;
    for (size_t i = 0; i < set->n_problems; i++) {
        const as_problem *p = &set->problems[i];
        if (p->n < row->k)
            continue;
        row->n_problems++;
        narrow += row->k > p->n / 2;
        if (!isnan(p->chance)) {
            row->n_chance++;
            chance += as_chance_at_k(p->chance, row->k);
        }
    }
    row->is_high_variance = narrow > 0 && narrow * 2 >= row->n_problems;
    row->chance = row->n_chance ? chance / (double)row->n_chance : (double)NAN;
}

static void count_all(as_passk_summary *out, const as_sample_set *set)
{
    *out = (as_passk_summary){ .n_problems = set->n_problems };
    for (size_t i = 0; i < set->n_problems; i++) {
        const as_problem *p = &set->problems[i];
        out->n_scored += p->n;
        out->n_right += p->c;
        out->n_abstain += p->n_abstain;
        out->n_error += p->n_error;
        out->n_truncated += p->n_truncated;
        out->n_blank += p->n_blank;
        out->n_cut += p->n_cut;
        out->n_cut_right += p->c_cut;
        if (p->n == 0) {
            out->n_empty++;
            continue;
        }
        out->histogram[as_accuracy_bin(p->n, p->c)]++;
        out->n_min = out->n_min == 0 || p->n < out->n_min ? p->n : out->n_min;
        out->n_max = p->n > out->n_max ? p->n : out->n_max;
    }
}

static unsigned draws_for(size_t problems)
{
    size_t each = problems ? DRAWS_IN_ALL / problems : AS_MAJ_DRAWS;
    return each > AS_MAJ_DRAWS ? AS_MAJ_DRAWS : each < 100 ? 100 : (unsigned)each;
}

static int choose_ks(table *t, uint64_t n_max, as_arena *arena, as_err *err)
{
    t->ks = t->options->ks;
    t->n_ks = t->options->n_ks;
    if (t->n_ks > 0)
        return 0;
    uint64_t *ks = as_arena_calloc(arena, 64, sizeof *ks);
    if (!ks)
        return as_fail(err, AS_ENOMEM, "no memory");
    ks[t->n_ks++] = 1;
    while (t->n_ks < 64 && ks[t->n_ks - 1] <= n_max / 2) {
        ks[t->n_ks] = ks[t->n_ks - 1] * 2;
        t->n_ks++;
    }
    t->ks = ks;
    return 0;
}

static void share_out(as_passk_summary *out, const table *t, const as_interval *found)
{
    out->avg = found[ROW_AVG];
    out->solved = found[ROW_SOLVED];
    out->maj = found[ROW_MAJ];
    out->score = found[ROW_SCORE];
    out->finished = found[ROW_FINISHED];
    out->most = found[ROW_MOST];
    for (size_t i = 0; i < t->options->n_taus; i++)
        out->cover[i] = found[ROW_TAUS + i];
    found += ROW_TAUS + t->options->n_taus;
    for (size_t i = 0; i < t->n_ks; i++, found += PER_K) {
        out->rows[i].k = t->ks[i];
        out->rows[i].pass = found[0];
        out->rows[i].hat = found[1];
        out->rows[i].maj = found[2];
        out->rows[i].most = found[3];
        count_row(&out->rows[i], t->set);
    }
}

int as_passk_summarise(as_passk_summary *out, const as_sample_set *set,
                       const as_passk_options *options, as_arena *arena, as_err *err)
{
    table t = { .set = set, .options = options, .maj_draws = draws_for(set->n_problems) };
    count_all(out, set);
    int rc = choose_ks(&t, out->n_max, arena, err);
    if (rc < 0)
        return rc;
    out->maj_draws = t.maj_draws;
    out->n_rows = t.n_ks;
    out->rows = as_arena_calloc(arena, t.n_ks, sizeof *out->rows);
    out->cover = as_arena_calloc(arena, options->n_taus + 1, sizeof *out->cover);
    as_interval *found = as_arena_calloc(arena, rows_of(&t), sizeof *found);
    if (!out->rows || !out->cover || !found)
        return as_fail(err, AS_ENOMEM, "no memory");
    rc = measure(&t, found, out, err);
    if (rc == 0)
        share_out(out, &t, found);
    return rc;
}

int as_solvable_sets(as_solvable *out, const uint64_t *n_base, const uint64_t *c_base,
                     const uint64_t *n_rl, const uint64_t *c_rl, size_t problems, uint64_t c_min,
                     as_arena *arena, as_err *err)
{
    *out = (as_solvable){ .base_only = as_arena_calloc(arena, problems, sizeof *out->base_only),
                          .rl_only = as_arena_calloc(arena, problems, sizeof *out->rl_only) };
    if (!out->base_only || !out->rl_only || problems > UINT32_MAX)
        return as_fail(err, AS_ENOMEM, "no memory for %zu problems", problems);
    for (size_t i = 0; i < problems; i++) {
        if (n_base[i] == 0 || n_rl[i] == 0)
            continue;
        bool base = c_base[i] >= c_min, rl = c_rl[i] >= c_min;
        out->n_base += base;
        out->n_rl += rl;
        out->n_both += base && rl;
        out->n_neither += !base && !rl;
        if (base && !rl)
            out->base_only[out->n_base_only++] = (uint32_t)i;
        if (rl && !base)
            out->rl_only[out->n_rl_only++] = (uint32_t)i;
    }
    out->subset_ratio = out->n_rl ? (double)out->n_both / (double)out->n_rl : (double)NAN;
    return 0;
}
