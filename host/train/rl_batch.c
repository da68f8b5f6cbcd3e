/* rl_batch.c -- the arrays of a step: which rows there are, which count, which are in the loss.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/rl_inner.h"

#include "base/mem.h"

#include <math.h>

void as_rl_batch_fini(as_rl_batch *b)
{
    void *const arrays[] = { b->first,        b->group,        b->is_out,     b->no_loss,
                             b->score,        b->reward,       b->old,        b->reference,
                             b->kl,           b->token_reward, b->returns,    b->value,
                             b->advantage,    b->of_row,       b->of_row_too, b->weight,
                             b->value_weight, b->is_out_here,  b->groups,     b->order };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    *b = (as_rl_batch){ 0 };
}

typedef struct array {
    void **at;
    size_t size;
} array;

/* Arrays of at least n; what is in them is lost. */
static int reserve(const array *arrays, size_t n_arrays, size_t n, as_err *err)
{
    for (size_t i = 0; i < n_arrays; i++) {
        as_free(*arrays[i].at);
        *arrays[i].at = as_calloc(n + 1, arrays[i].size);
        if (!*arrays[i].at)
            return as_fail(err, AS_ENOMEM, "no memory for a step of %zu tokens", n);
    }
    return 0;
}

#define OF(member)                                                                                 \
    {                                                                                              \
        (void **)&b->member, sizeof *b->member                                                     \
    }

static int make_room(as_rl_batch *b, size_t n_rows, size_t n_tokens, as_err *err)
{
    const array of_rows[] = { OF(first),  OF(group),        OF(is_out),      OF(no_loss),
                              OF(score),  OF(reward),       OF(of_row),      OF(of_row_too),
                              OF(weight), OF(value_weight), OF(is_out_here), OF(groups),
                              OF(order) };
    const array of_tokens[] = { OF(old),     OF(reference), OF(kl),       OF(token_reward),
                                OF(returns), OF(value),     OF(advantage) };
    int rc = 0;
    if (n_rows > b->cap_rows || !b->first) {
        b->cap_rows = 0;
        rc = reserve(of_rows, sizeof of_rows / sizeof *of_rows, n_rows + 1, err);
        b->cap_rows = rc == 0 ? n_rows : 0;
    }
    if (rc == 0 && (n_tokens > b->cap_tokens || !b->old)) {
        b->cap_tokens = 0;
        rc = reserve(of_tokens, sizeof of_tokens / sizeof *of_tokens, n_tokens, err);
        b->cap_tokens = rc == 0 ? n_tokens : 0;
    }
    return rc;
}

double as_rl_clipped(double reward, const as_rl_options *o)
{
    return o->reward_clip > 0 ? fmin(fmax(reward, -o->reward_clip), o->reward_clip) : reward;
}

int as_rl_batch_fill(as_rl_batch *b, const as_rollouts *rollouts, const as_rl_rewards *rewards,
                     const as_rl_options *o, as_err *err)
{
    size_t n_tokens = 0;
    for (size_t r = 0; r < rollouts->n; r++)
        n_tokens += rollouts->rows[r].n;
    int rc = make_room(b, rollouts->n, n_tokens, err);
    if (rc < 0)
        return rc;
    b->rollouts = rollouts;
    b->rows =
        (as_rows){ .n = rollouts->n, .first = b->first, .group = b->group, .is_out = b->is_out };
    b->first[0] = 0;
    for (size_t r = 0; r < rollouts->n; r++) {
        const as_rollout *row = &rollouts->rows[r];
        const bool is_cut = row->finish == AS_FINISH_LENGTH;
        b->first[r + 1] = b->first[r] + row->n;
        b->group[r] = row->group;
        b->is_out[r] = rewards->is_out && rewards->is_out[r];
        b->no_loss[r] = b->is_out[r] || (o->masks_truncated && is_cut);
        b->score[r] = b->is_out[r] ? 0 : rewards->score[r];
        b->reward[r] = b->score[r];
        if (o->overlong_buffer && !b->is_out[r])
            b->reward[r] +=
                as_overlong_penalty(row->n, o->longest, o->overlong_buffer, o->overlong_factor);
        b->reward[r] = as_rl_clipped(b->reward[r], o);
        for (uint32_t t = 0; t < row->n; t++)
            b->old[b->first[r] + t] = (double)rollouts->logp[row->begin + t];
    }
    as_groups(&b->rows, b->score, b->groups);
    for (size_t r = 0; r < rollouts->n; r++)
        if (o->zero_groups != AS_ZERO_KEEP && !as_group_differs(&b->groups[b->group[r]]))
            b->no_loss[r] = true;
    return 0;
}
