/* returns.c -- see returns.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/returns.h"

#include <math.h>
#include <string.h>

static void clear(const as_rows *rows, double *x)
{
    memset(x, 0, rows->first[rows->n] * sizeof *x);
}

void as_token_rewards(const as_rows *rows, const double *score, const double *kl, double beta,
                      double *out)
{
    clear(rows, out);
    for (size_t r = 0; r < rows->n; r++) {
        if (!as_row_counts(rows, r) || !as_row_length(rows, r))
            continue;
        for (size_t t = rows->first[r]; kl && t < rows->first[r + 1]; t++)
            out[t] = -beta * kl[t];
        out[rows->first[r + 1] - 1] += score[r];
    }
}

void as_returns(const as_rows *rows, const double *reward, double gamma, double *out)
{
    clear(rows, out);
    for (size_t r = 0; r < rows->n; r++) {
        double after = 0;
        for (size_t t = rows->first[r + 1]; as_row_counts(rows, r) && t-- > rows->first[r];)
            after = out[t] = reward[t] + gamma * after;
    }
}

double as_td_error(double reward, double gamma, double next_value, double value)
{
    return reward + gamma * next_value - value;
}

void as_gae(const as_rows *rows, const double *reward, const double *value, double gamma,
            double lambda, double *advantage, double *returns)
{
    clear(rows, advantage);
    clear(rows, returns);
    for (size_t r = 0; r < rows->n; r++) {
        double after = 0, next_value = 0;
        for (size_t t = rows->first[r + 1]; as_row_counts(rows, r) && t-- > rows->first[r];) {
            after = as_td_error(reward[t], gamma, next_value, value[t]) + gamma * lambda * after;
            next_value = value[t];
            advantage[t] = after;
            returns[t] = after + value[t];
        }
    }
}

void as_whiten(const as_rows *rows, as_whitening how, double *x)
{
    double n = 0, mean = 0, var = 0;
    for (size_t r = 0; r < rows->n; r++)
        for (size_t t = rows->first[r]; as_row_counts(rows, r) && t < rows->first[r + 1]; t++) {
            n++;
            mean += x[t];
        }
    mean /= n > 0 ? n : 1;
    for (size_t r = 0; r < rows->n; r++)
        for (size_t t = rows->first[r]; as_row_counts(rows, r) && t < rows->first[r + 1]; t++)
            var += (x[t] - mean) * (x[t] - mean);
    var /= how.is_population ? n : n - 1;
    const double by = n > 1 ? 1 / sqrt(var + 1e-8) : 0, back = n > 1 && how.keeps_mean ? mean : 0;
    for (size_t r = 0; r < rows->n; r++)
        for (size_t t = rows->first[r]; t < rows->first[r + 1]; t++)
            x[t] = as_row_counts(rows, r) ? (x[t] - mean) * by + back : 0;
}

void as_to_tokens(const as_rows *rows, const double *of_row, double *out)
{
    for (size_t r = 0; r < rows->n; r++)
        for (size_t t = rows->first[r]; t < rows->first[r + 1]; t++)
            out[t] = as_row_counts(rows, r) ? of_row[r] : 0;
}

void as_advantage_reinforce_pp(const as_rows *rows, const double *reward, double gamma, double *out)
{
    as_returns(rows, reward, gamma, out);
    as_whiten(rows, (as_whitening){ .is_population = false }, out);
}

void as_advantage_reinforce_pp_baseline(const as_rows *rows, const double *centred,
                                        as_whitening how, double *out)
{
    as_to_tokens(rows, centred, out);
    as_whiten(rows, how, out);
}

void as_advantage_remax(const as_rows *rows, const double *reward, const double *greedy,
                        double *out)
{
    as_returns(rows, reward, 1, out);
    for (size_t r = 0; r < rows->n; r++)
        for (size_t t = rows->first[r]; as_row_counts(rows, r) && t < rows->first[r + 1]; t++)
            out[t] -= greedy[r];
}
