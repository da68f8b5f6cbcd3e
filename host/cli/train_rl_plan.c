/* train_rl_plan.c -- how large the passes of a run are, and what memory its models take, before any
 * is taken. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

enum { MOST_SEQS = 1024 };

/* A prompt is there once for its responses, whose last tokens are not read. */
static void lay_out(rl *s)
{
    const int64_t groups = (int64_t)s->own.train_batch_size, rows = groups * (int64_t)s->own.n;
    const int64_t most = rows < MOST_SEQS ? rows : MOST_SEQS; /* responses of a pass */
    const int64_t prompts = groups < most ? groups : most;
    const int64_t response = (int64_t)s->own.max_response_length;
    const int64_t tokens = prompts * (rl_longest(s) - response) + most * (response - 1);
    s->pass = (as_run_options){ .tokens = (int64_t)s->common.micro_tokens,
                                .trains = true,
                                .recompute = (as_recompute)s->common.recompute };
    if (tokens < s->pass.tokens && !s->own.ptx_data)
        s->pass.tokens = tokens;
    s->pass.seqs = prompts + most;
    s->pass.rows = s->pass.tokens;
    s->gen = as_gen_standard();
    s->gen.max_seqs = (int64_t)s->own.max_seqs;
    if (s->gen.batch_tokens < s->gen.max_seqs)
        s->gen.batch_tokens = s->gen.max_seqs;
    const int64_t blocks = (rl_longest(s) + s->gen.block_size - 1) / s->gen.block_size;
    s->gen.n_blocks = s->gen.max_seqs * blocks;
}

static as_plan_options plan_options(const rl *s)
{
    as_plan_options o = training_plan_options(&s->t, rl_longest(s));
    o.training = s->pass;
    o.sampling = as_gen_run_options(&s->gen, s->t.dev, rl_longest(s));
    o.n_blocks = s->gen.n_blocks;
    o.block_size = s->gen.block_size;
    return o;
}

/* Of one more model that learns; *region grows to what its passes take. */
static int plan_learner(const rl *s, const train_model *m, const as_run_options *pass,
                        size_t *bytes, size_t *region, as_err *err)
{
    as_plan_options o = { .parameters = train_parameters(&s->common, rl_longest(s), true),
                          .training = *pass,
                          .no_master = !s->common.master_weights };
    as_plan p;
    int rc = as_plan_make(&p, m->index, s->t.dev, &o, err);
    *bytes += rc == 0 ? p.total - p.region : 0;
    *region = rc == 0 && p.region > *region ? p.region : *region;
    return rc;
}

/* Of the frozen reference, of a critic of its own, of a reward model that learns. */
static int plan_others(rl *s, size_t *bytes, size_t *region, as_err *err)
{
    as_plan_options o = { .parameters = train_parameters(&s->common, rl_longest(s), false) };
    as_plan p;
    int rc = 0;
    *bytes = 0;
    if (s->options.kl_place != AS_KL_OFF) {
        rc = as_plan_make(&p, s->t.model.index, s->t.dev, &o, err);
        *bytes += rc == 0 ? p.total : 0;
    }
    if (rc == 0 && s->critic.index)
        rc = plan_learner(s, &s->critic, &s->pass, bytes, region, err);
    as_run_options pass;
    const train_model *online = rl_online_model(s, &pass);
    return rc == 0 && online ? plan_learner(s, online, &pass, bytes, region, err) : rc;
}

int rl_plan(rl *s, as_err *err)
{
    char text[AS_TEXT_MAX];
    as_plan p;
    lay_out(s);
    const as_plan_options o = plan_options(s);
    size_t beside = 0, region = 0;
    int rc = as_plan_make(&p, s->t.model.index, s->t.dev, &o, err);
    region = rc == 0 ? p.region : 0;
    if (rc == 0)
        rc = plan_others(s, &beside, &region, err);
    if (rc == 0)
        rc = training_plan(&s->t, &o, beside + region - p.region, err);
    if (rc == 0 && beside && !s->t.opts->quiet)
        as_cli_say("beside that: %s of %s", as_text_bytes(text, beside),
                   s->online                          ? "the other models"
                   : !s->critic.index                 ? "the frozen reference"
                   : s->options.kl_place == AS_KL_OFF ? "the critic"
                                                      : "the frozen reference and the critic");
    s->region.bytes = region; /* as open_passes takes it */
    return rc;
}
