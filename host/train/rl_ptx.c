/* rl_ptx.c -- texts of a data set beside the rewards (InstructGPT's PPO-ptx): L_ptx = -mean over
 * texts of the sum of the log-probabilities of their learned tokens, at temperature 1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/rl_inner.h"

#include <string.h>

static bool fits(const as_rl *rl, const as_sft_row *row)
{
    const as_run_options *most = &rl->parts.limits;
    const as_rl_pack *p = &rl->pack;
    return p->n_tokens + row->n <= most->tokens && p->n_rows + row->n_learned <= most->rows &&
           p->n_seqs < most->seqs;
}

static void put(as_rl *rl, const as_sft_row *row)
{
    as_rl_pack *p = &rl->pack;
    const as_sft_data *d = rl->parts.ptx;
    memcpy(p->ids + p->n_tokens, d->ids + row->begin, row->n * sizeof *p->ids);
    for (uint32_t i = 1; i < row->n; i++)
        if (d->learns[row->begin + i]) {
            p->rows[p->n_rows] = (int32_t)(p->n_tokens + i - 1);
            p->targets[p->n_rows++] = d->ids[row->begin + i];
        }
    p->n_tokens += row->n;
    p->cu_seqlens[++p->n_seqs] = (int32_t)p->n_tokens;
}

static int learn(as_rl *rl, as_rl_stats *stats, as_err *err)
{
    as_rl_pack *p = &rl->pack;
    const double n = (double)rl->options.ptx_batch;
    const as_packed packed = { .n_tokens = p->n_tokens,
                               .n_seqs = p->n_seqs,
                               .n_rows = p->n_rows,
                               .ids = p->ids,
                               .cu_seqlens = p->cu_seqlens,
                               .rows = p->rows,
                               .targets = p->targets };
    for (int64_t i = 0; i < p->n_rows; i++)
        p->coef[i] = -rl->options.ptx_coef / n;
    int rc = as_run_forward(rl->parts.run, &packed, err);
    if (rc == 0)
        rc = as_run_logprob_backward(rl->parts.run, 1, p->coef, p->logp, rl->parts.optimizer->grads,
                                     err);
    for (int64_t i = 0; i < p->n_rows && rc == 0; i++)
        stats->ptx_loss -= p->logp[i] / n;
    p->n_tokens = p->n_seqs = p->n_rows = 0;
    return rc;
}

int as_rl_ptx(as_rl *rl, as_rl_stats *stats, as_err *err)
{
    const as_rl_options *o = &rl->options;
    if (o->ptx_coef == 0)
        return 0;
    int rc = 0;
    rl->pack.n_tokens = rl->pack.n_seqs = rl->pack.n_rows = 0;
    for (uint64_t i = 0; i < o->ptx_batch && rc == 0; i++) {
        const uint64_t k = rl->state.updates * o->ptx_batch + i;
        const as_sft_row *row =
            &rl->parts.ptx
                 ->rows[as_sft_data_draw(rl->parts.ptx, o->seed, k, rl->ptx_order, &rl->ptx_epoch)];
        if (!fits(rl, row) && rl->pack.n_seqs)
            rc = learn(rl, stats, err);
        if (rc == 0 && !fits(rl, row))
            return as_fail(err, AS_EUSAGE, "a text of %u tokens does not fit a pass of %lld",
                           (unsigned)row->n, (long long)rl->parts.limits.tokens);
        if (rc == 0)
            put(rl, row);
    }
    return rc == 0 ? learn(rl, stats, err) : rc;
}
