/* rl_rows.h -- the padded batch of the goldens as rows. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TESTS_RL_ROWS_H
#define AS_TESTS_RL_ROWS_H
#include "golden.h"
#include "train/rows.h"

#include <math.h>

enum { MOST_ROWS = 16, MOST_TOKENS = 64 };

typedef struct rl_rows {
    as_rows rows;
    size_t first[MOST_ROWS + 1], width;
    uint32_t group[MOST_ROWS];
    bool is_out[MOST_ROWS];
} rl_rows;

/* Lengths from a mask of ones and then zeros; `index` NULL: all of one group. */
static inline void rl_rows_of(rl_rows *b, const cJSON *mask, const cJSON *index)
{
    *b = (rl_rows){ .rows = { .first = b->first, .group = b->group, .is_out = b->is_out } };
    const cJSON *row, *one;
    cJSON_ArrayForEach(row, mask)
    {
        size_t length = 0;
        cJSON_ArrayForEach(one, row) length += one->valuedouble > 0;
        b->width = (size_t)cJSON_GetArraySize(row);
        b->first[b->rows.n + 1] = b->first[b->rows.n] + length;
        b->group[b->rows.n] =
            index ? (uint32_t)cJSON_GetArrayItem(index, (int)b->rows.n)->valuedouble : 0;
        b->rows.n++;
    }
}

/* A padded table's numbers of the tokens that are there. */
static inline void rl_tokens_of(const rl_rows *b, const cJSON *table, double *out)
{
    for (size_t r = 0; r < b->rows.n; r++)
        for (size_t t = b->first[r]; t < b->first[r + 1]; t++)
            out[t] = cJSON_GetArrayItem(cJSON_GetArrayItem(table, (int)r), (int)(t - b->first[r]))
                         ->valuedouble;
}

static inline void rl_near(const double *got, const double *want, size_t n, double tolerance,
                           const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance))
            fail_msg("%s: [%zu] is %.17g, not %.17g", what, i, got[i], want[i]);
}

static inline void rl_near_one(double got, double want, double tolerance, const char *what)
{
    rl_near(&got, &want, 1, tolerance, what);
}

static inline void rl_near_row(const double *got, const cJSON *want, double tolerance,
                               const char *what)
{
    size_t n = 0;
    double *x = golden_numbers(want, &n);
    rl_near(got, x, n, tolerance, what);
    as_free(x);
}

static inline void rl_near_tokens(const rl_rows *b, const double *got, const cJSON *want,
                                  double tolerance, const char *what)
{
    double x[MOST_TOKENS];
    rl_tokens_of(b, want, x);
    rl_near(got, x, b->first[b->rows.n], tolerance, what);
}
#endif
