/* rows.h -- the responses of a step, one after another, as the formulas of reinforcement learning see them. Nothing is padded:
 * an array "of tokens" has first[n] numbers, row r's at first[r] .. first[r + 1] - 1. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_ROWS_H
#define AS_TRAIN_ROWS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct as_rows { /* borrowed */
    size_t n;              /* responses; a response may have no tokens */
    const size_t *first;   /* [n + 1], rising from 0 */
    const uint32_t *group; /* [n] below n: the prompt that each answers; rows of a group need not stand together */
    const bool *is_out;    /* [n] not scored (ERROR, ABSTAIN) or left out: in no statistic and in no loss; NULL: none */
} as_rows;

static inline bool as_row_counts(const as_rows *rows, size_t r)
{
    return !rows->is_out || !rows->is_out[r];
}

static inline size_t as_row_length(const as_rows *rows, size_t r)
{
    return rows->first[r + 1] - rows->first[r];
}
#endif
