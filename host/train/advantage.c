/* advantage.c -- see advantage.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/advantage.h"

#include "base/mem.h"

#include <math.h>

void as_groups(const as_rows *rows, const double *reward, as_group *groups)
{
    for (size_t g = 0; g < rows->n; g++)
        groups[g] = (as_group){ .least = (double)INFINITY, .most = -(double)INFINITY };
    for (size_t r = 0; r < rows->n; r++) {
        as_group *g = &groups[rows->group[r]];
        if (!as_row_counts(rows, r))
            continue;
        g->n++;
        g->mean += reward[r];
        g->least = fmin(g->least, reward[r]);
        g->most = fmax(g->most, reward[r]);
    }
    for (size_t g = 0; g < rows->n; g++)
        groups[g].mean /= groups[g].n ? (double)groups[g].n : 1;
    for (size_t r = 0; r < rows->n; r++)
        if (as_row_counts(rows, r)) {
            as_group *g = &groups[rows->group[r]];
            g->std += (reward[r] - g->mean) * (reward[r] - g->mean);
        }
    for (size_t g = 0; g < rows->n; g++)
        groups[g].std =
            as_group_differs(&groups[g]) ? sqrt(groups[g].std / (double)(groups[g].n - 1)) : 0;
}

bool as_group_differs(const as_group *g)
{
    return g->n > 1 && g->least < g->most;
}

/* Bessel's, over every row that counts; 0 for fewer than two. */
static double batch_std(const as_rows *rows, const double *reward)
{
    double mean = 0, sum = 0, n = 0;
    for (size_t r = 0; r < rows->n; r++)
        if (as_row_counts(rows, r)) {
            mean += reward[r];
            n++;
        }
    mean /= n > 0 ? n : 1;
    for (size_t r = 0; r < rows->n; r++)
        if (as_row_counts(rows, r))
            sum += (reward[r] - mean) * (reward[r] - mean);
    return n > 1 ? sqrt(sum / (n - 1)) : 0;
}

static as_group *new_groups(const as_rows *rows, const double *reward, as_err *err)
{
    as_group *groups = as_calloc(rows->n + 1, sizeof *groups);
    if (groups)
        as_groups(rows, reward, groups);
    else
        (void)as_fail(err, AS_ENOMEM, "out of memory");
    return groups;
}

int as_advantage_grpo(const as_rows *rows, const double *reward, as_scale scale, double eps,
                      double *out, as_err *err)
{
    AS_CLEANUP(free) as_group *groups = new_groups(rows, reward, err);
    if (!groups)
        return AS_ENOMEM;
    const double of_all = scale == AS_SCALE_BATCH ? batch_std(rows, reward) : 0;
    for (size_t r = 0; r < rows->n; r++) {
        const as_group *g = &groups[rows->group[r]];
        const double by = scale == AS_SCALE_NONE    ? 1
                          : scale == AS_SCALE_BATCH ? of_all + eps
                                                    : g->std + eps;
        out[r] = as_row_counts(rows, r) && as_group_differs(g) ? (reward[r] - g->mean) / by : 0;
    }
    return 0;
}

int as_advantage_rloo(const as_rows *rows, const double *reward, double *out, as_err *err)
{
    AS_CLEANUP(free) as_group *groups = new_groups(rows, reward, err);
    if (!groups)
        return AS_ENOMEM;
    for (size_t r = 0; r < rows->n; r++) {
        const as_group *g = &groups[rows->group[r]];
        out[r] = as_row_counts(rows, r) && as_group_differs(g)
                     ? (reward[r] - g->mean) * (double)g->n / (double)(g->n - 1)
                     : 0;
    }
    return 0;
}

/* Of a group: the best but one, which is the best where two are best. */
static void find_second(const as_rows *rows, const double *reward, const as_group *groups,
                        double *second, bool *has_best)
{
    for (size_t g = 0; g < rows->n; g++)
        second[g] = -(double)INFINITY;
    for (size_t r = 0; r < rows->n; r++) {
        const uint32_t g = rows->group[r];
        if (!as_row_counts(rows, r))
            continue;
        const bool is_first_best = reward[r] == groups[g].most && !has_best[g];
        if (is_first_best)
            has_best[g] = true;
        else
            second[g] = fmax(second[g], reward[r]);
    }
}

int as_advantage_passk(const as_rows *rows, const double *reward, double eps, double *out,
                       as_err *err)
{
    AS_CLEANUP(free) as_group *groups = new_groups(rows, reward, err);
    AS_CLEANUP(free) double *second = as_calloc(rows->n + 1, sizeof *second);
    AS_CLEANUP(free) bool *has_best = as_calloc(rows->n + 1, sizeof *has_best);
    if (!groups || !second || !has_best)
        return as_fail(err, AS_ENOMEM, "out of memory");
    find_second(rows, reward, groups, second, has_best);
    for (size_t r = 0; r < rows->n; r++) {
        const as_group *g = &groups[rows->group[r]];
        const bool is_best = as_row_counts(rows, r) && as_group_differs(g) && reward[r] == g->most;
        out[r] = is_best ? (g->most - second[rows->group[r]]) / (g->std + eps) : 0;
    }
    return 0;
}

double as_overlong_penalty(size_t length, size_t most, size_t buffer, double factor)
{
    const double beyond = (double)length - ((double)most - (double)buffer);
    return beyond > 0 && buffer ? -beyond / (double)buffer * factor : 0;
}
