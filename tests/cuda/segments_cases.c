/* segments_cases.c -- rows added to rows that are named often: heavy ids, more rows than a tile or
 * two of the sort, keys of one to four digits. To the bit what adding in order gives.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#define EXACT 1e-30

static void by_keys(cuda_run *run, int64_t rows, int64_t n, int64_t vocab, const int32_t *ids)
{
    const k_embed_bwd a = { run->type,
                            rows,
                            n,
                            vocab,
                            run_given(run, ids, (size_t)rows * sizeof *ids),
                            run_input(run, rows * n, 1),
                            run_sum_room(run, "dtable", vocab * n, K_F32) };
    run->all[run->n - 1].tolerance = EXACT;
    run_ok(run->dev->ops->embed_bwd(run->dev, &a));
}

/* Half the rows go to one place, the rest anywhere. */
static void heavy(cuda_run *run)
{
    static const int64_t sizes[] = { 1, 2, 31, 33, 257, 1023, 1024, 1025, 2500 };
    static const int64_t vocabs[] = { 1, 2, 255, 256, 257, 3000 };
    const int64_t rows = sizes[run->seed % 9], vocab = vocabs[run->seed % 6];
    static int32_t ids[2500];
    const int32_t often = (int32_t)run_below(run, (uint64_t)vocab);
    for (int64_t i = 0; i < rows; i++)
        ids[i] = run_below(run, 2) ? often : (int32_t)run_below(run, (uint64_t)vocab);
    by_keys(run, rows, 1 + (int64_t)run_below(run, 3), vocab, ids);
}

/* Keys with each of their bytes in use: 70,000 places, 3 digits; and by copy_rows 4. */
static void far_keys(cuda_run *run)
{
    static int32_t ids[200];
    for (int64_t i = 0; i < 200; i++)
        ids[i] = i % 3 ? (int32_t)run_below(run, 70000) : ids[i / 2];
    by_keys(run, 200, 1, 70000, ids);
}

/* More rows than are sorted at a time. */
static void stretches(cuda_run *run)
{
    enum { ROWS = 32768 + 40 };
    static int32_t ids[ROWS];
    for (int64_t i = 0; i < ROWS; i++)
        ids[i] = (int32_t)run_below(run, 40);
    by_keys(run, ROWS, 1, 40, ids);
}

const cuda_case segments_cases[] = {
    { "heavy", heavy, 18, IN_BOTH },
    { "far_keys", far_keys, 2, 1 << K_F32 },
    { "stretches", stretches, 1, 1 << K_F32 },
    { 0 },
};
