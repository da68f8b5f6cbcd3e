/* train_rl_sample.c -- the responses of a step: prompts picked, answers sampled and scored while
 * the next are sampled, groups that teach nothing left out where that was asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* One generation batch: its responses, and where the rewards know their rows. */
typedef struct batch {
    rl *s;
    as_rollouts *to;
    uint64_t seed;
    size_t n_groups, first; /* first: the reward's number of row 0 */
    uint32_t *number;       /* [rows] the reward's numbers where not all rows may come; NULL */
    size_t n_put;
    double label_s; /* in labels.more */
} batch;

static int check(void *ctx, as_err *err)
{
    (void)ctx;
    return as_cancel_check(as_cli_cancel(), err);
}

static int done(void *ctx, const as_rollouts *r, size_t row, as_err *err)
{
    batch *b = ctx;
    const as_rollout *one = &r->rows[row];
    const as_suite_item *item = r->items[one->group];
    const size_t number = b->number ? b->n_put++ : b->first + row;
    if (b->number)
        b->number[row] = (uint32_t)number;
    const as_reward_item put = {
        .id = item->id,
        .prompt = item->prompt,
        .completion = one->text,
        .reference = item->reference,
        .meta = item->meta,
        .group = (uint32_t)(b->first ? b->first + one->group : one->group),
        .seed = as_seed_of(b->seed, item->id, one->sample),
    };
    return as_reward_put(b->s->reward, (uint32_t)number, &put, err);
}

static as_sampling sampling_of(const batch *b, float temperature)
{
    const rl *s = b->s;
    return (as_sampling){ .temperature = temperature,
                          .top_p = (float)s->own.top_p,
                          .min_p = (float)s->own.min_p,
                          .top_k = (int32_t)s->own.top_k,
                          .max_tokens = (uint32_t)s->own.max_response_length,
                          .seed = b->seed,
                          .stops = s->stops,
                          .n_stops = (size_t)cJSON_GetArraySize(s->own.stop) };
}

static int sample(batch *b, as_rollouts *to, uint32_t each, float temperature, as_err *err)
{
    const rl *s = b->s;
    const as_sampling how = sampling_of(b, temperature);
    const as_rollout_io io = { .done = done, .check = check, .ctx = b };
    return as_rollouts_generate(to, s->generator, &how, s->items, b->n_groups, each, &io, err);
}

/* Wave after wave of all prompts, as long as the labels ask for more. */
static int sample_waves(batch *b, as_err *err)
{
    rl *s = b->s;
    const as_sampling how = sampling_of(b, (float)s->own.temperature);
    const as_rollout_io io = { .done = done, .check = check, .ctx = b };
    AS_CLEANUP(free) uint32_t *upto = as_calloc(b->n_groups, sizeof *upto);
    if (!upto)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = as_rollouts_begin(b->to, s->items, b->n_groups, (uint32_t)rl_each(s), err);
    while (rc == 0) {
        const int64_t start = as_now_ns();
        rc = s->labels->more(s->labels->own, b->to, upto, err);
        b->label_s += (double)(as_now_ns() - start) / 1e9;
        if (rc <= 0)
            break;
        rc = as_rollouts_draw(b->to, s->generator, &how, upto, &io, err);
    }
    s->seen.saved += b->to->n - b->n_put;
    return rc == 0 ? as_reward_end(s->reward, (uint32_t)b->n_put, err) : rc;
}

/* ---- what the answers are worth ---- */

/* The first time that a verifier does not judge: the metrics count the rest. */
static void tell_reason(rl *s, uint32_t k, const as_reward_part_stats *part)
{
    if (s->is_told[k] || !part->n_reasons || s->labels) /* labels: there may be no references */
        return;
    const as_reward_reason *most = &part->reasons[0];
    s->is_told[k] = true;
    as_log(AS_LOG_WARN,
           "verifier %s: %" PRIu32 " error, %" PRIu32 " abstain of %" PRIu32
           " responses, mostly \"%.*s\"%s",
           as_reward_part_name(s->reward, k), part->n_errors, part->n_abstained,
           part->n_errors + part->n_abstained + part->n_scored,
           most->text.len < 200 ? (int)most->text.len : 200, most->text.data,
           as_reward_part_is_watched(s->reward, k) ? ""
                                                   : ": they have no reward, and train nothing");
}

static void see_parts(rl *s)
{
    const as_reward_stats *stats = as_reward_get_stats(s->reward);
    rl_seen *seen = &s->seen;
    seen->wait_s += stats->wait_s;
    seen->score_s += stats->seconds;
    seen->gated += stats->n_gated;
    for (uint32_t p = 0; p < stats->n_parts; p++) {
        const as_reward_part_stats *part = &stats->parts[p];
        seen->part_n[p] += part->n_scored;
        seen->part_out[p] += part->n_abstained + part->n_errors;
        seen->part_s[p] += part->seconds;
        tell_reason(s, p, part);
        seen->part_sum[p] += part->sum;
        if (!part->n_slow || (double)part->slow[0].ms <= seen->slowest_ms)
            continue;
        seen->slowest_ms = (double)part->slow[0].ms;
        (void)snprintf(seen->slowest, sizeof seen->slowest, "%.*s (%.30s)",
                       (int)(part->slow[0].id.len < 40 ? part->slow[0].id.len : 40),
                       part->slow[0].id.data, as_reward_part_name(s->reward, p));
    }
}

static void see_row(rl_seen *seen, const as_rollout *row, const as_suite_item *item,
                    const as_reward_row *worth)
{
    seen->rows++;
    seen->tokens += row->n;
    seen->prompt_tokens += item->n_ids;
    seen->truncated += row->finish == AS_FINISH_LENGTH;
    seen->shortest = seen->rows == 1 || row->n < seen->shortest ? row->n : seen->shortest;
    seen->longest = row->n > seen->longest ? row->n : seen->longest;
    if (worth->is_unscored) {
        seen->unscored++;
        return;
    }
    seen->passed += worth->verdict == ASSAY_PASS;
    seen->sum += worth->score;
    seen->squares += worth->score * worth->score;
    seen->least = fmin(seen->least, worth->score);
    seen->most = fmax(seen->most, worth->score);
}

/* A group by its rewards: do those that are trained on teach anything? */
static bool see_group(rl *s, const as_rollouts *r, size_t group, const as_reward_row *worth)
{
    rl_seen *seen = &s->seen;
    size_t n = 0, passed = 0;
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < r->drawn[group]; i++) {
        const size_t row = group * r->each + i;
        see_row(seen, &r->rows[row], r->items[group], &worth[row]);
        if (worth[row].is_unscored)
            continue;
        n++;
        passed += worth[row].verdict == ASSAY_PASS;
        if (i >= s->own.n)
            continue;
        least = fmin(least, worth[row].score);
        most = fmax(most, worth[row].score);
    }
    if (n == 0)
        return false;
    s->share[r->items[group] - s->suite.items] = (double)passed / (double)n;
    seen->groups++;
    seen->zero += !(least < most);
    seen->all_0 += least == 0 && most == 0;
    seen->all_1 += least == 1 && most == 1;
    return least < most;
}

static int reserve(rl *s, size_t n, as_err *err)
{
    if (n <= s->cap_graded)
        return 0;
    rl_graded *graded = as_realloc_array(s->graded, n, sizeof *graded);
    s->graded = graded ? graded : s->graded;
    double *score = graded ? as_realloc_array(s->score, n, sizeof *score) : NULL;
    s->score = score ? score : s->score;
    bool *is_out = score ? as_realloc_array(s->is_out, n, sizeof *is_out) : NULL;
    s->is_out = is_out ? is_out : s->is_out;
    if (!is_out)
        return as_fail(err, AS_ENOMEM, "no memory for %zu responses", n);
    s->cap_graded = n;
    return 0;
}

/* The rows of the groups that are kept, behind those there are. */
static int grade(rl *s, const as_rollouts *r, const bool *keep, size_t at,
                 const as_reward_row *worth, as_err *err)
{
    int rc = reserve(s, at + r->n, err);
    for (size_t row = 0; row < r->n && rc == 0; row++) {
        if (!keep[r->rows[row].group])
            continue;
        const as_reward_row *w = &worth[row];
        const as_str reason = w->reason.len ? as_arena_str(&s->texts, w->reason) : AS_LIT("");
        if (!reason.data)
            return as_fail(err, AS_ENOMEM, "out of memory");
        s->graded[at] = (rl_graded){ w->score, w->is_unscored, w->verdict, reason };
        s->score[at] = w->is_unscored ? 0 : w->score;
        s->is_out[at++] = w->is_unscored;
    }
    return rc;
}

/* ---- a generation batch ---- */

static int sample_all(batch *b, as_err *err)
{
    rl *s = b->s;
    const size_t n = b->n_groups * (size_t)rl_each(s);
    const bool has_greedy = s->options.estimator == AS_EST_REMAX;
    int rc = as_reward_begin(s->reward, (uint32_t)(n + (has_greedy ? b->n_groups : 0)),
                             has_greedy || b->number ? 0 : (uint32_t)rl_each(s), err);
    if (rc == 0 && b->number)
        return sample_waves(b, err);
    if (rc == 0)
        rc = sample(b, b->to, (uint32_t)rl_each(s), (float)s->own.temperature, err);
    if (rc == 0 && has_greedy) {
        b->first = n;
        rc = sample(b, &s->greedy, 1, 0, err);
    }
    return rc;
}

static void take_greedy(rl *s, const as_reward_row *worth, size_t n_groups)
{
    for (size_t g = 0; g < n_groups; g++)
        s->greedy_score[g] = worth[g].is_unscored ? (double)NAN : worth[g].score;
}

/* ---- labels ---- */

/* Where a row was not drawn there is none of a reward. */
static int label(rl *s, const batch *b, const as_reward_row **worth, as_err *err)
{
    const as_rollouts *r = b->to;
    if (r->n > s->cap_labelled) {
        as_reward_row *rows = as_realloc_array(s->labelled, r->n, sizeof *rows);
        if (!rows)
            return as_fail(err, AS_ENOMEM, "no memory for %zu responses", r->n);
        s->labelled = rows;
        s->cap_labelled = r->n;
    }
    for (size_t row = 0; row < r->n; row++) {
        const bool is_there = row % r->each < r->drawn[row / r->each];
        s->labelled[row] = is_there ? (*worth)[b->number ? b->number[row] : row]
                                    : (as_reward_row){ .score = NAN, .is_unscored = true };
    }
    *worth = s->labelled;
    return s->labels->put(s->labels->own, r, s->labelled, err);
}

/* Those that are trained on: the first of each group. */
static void cut(rl *s, as_rollouts *r)
{
    const size_t n = (size_t)s->own.n;
    for (size_t row = 0; row < r->n_groups * n; row++)
        s->labelled[row] = s->labelled[row / n * r->each + row % n];
    as_rollouts_first(r, n);
}

/* The prompts of the next batch. Those of a stream came just now, and a step draws by one seed, in
 * however many batches they came. */
static void pick(rl *s, size_t n_groups)
{
    if (rl_is_stream(s)) {
        for (size_t i = 0; i < n_groups; i++)
            s->items[i] = &s->suite.items[s->suite.n - n_groups + i];
        s->now.batches = s->kept.batches + 1;
        s->seen.batches = 1;
        return;
    }
    as_order_batch(&s->order, s->now.batches, n_groups, s->picked);
    for (size_t i = 0; i < n_groups; i++)
        s->items[i] = &s->suite.items[s->picked[i]];
    s->now.batches++;
    s->seen.batches++;
}

/* Samples and scores `n_groups` more prompts into `to`; keep[n_groups]: those that teach something.
 */
static int next_batch(rl *s, as_rollouts *to, size_t n_groups, bool *keep,
                      const as_reward_row **worth, as_err *err)
{
    batch b = { .s = s, .to = to, .n_groups = n_groups };
    pick(s, n_groups);
    b.seed = as_seed_of(s->common.seed, AS_LIT("rollouts"), s->now.batches - 1);
    AS_CLEANUP(free)
    uint32_t *number = s->labels && s->labels->more
                           ? as_calloc(n_groups * (size_t)rl_each(s), sizeof *number)
                           : NULL;
    b.number = number;
    if (s->labels && s->labels->more && !number)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const int64_t start = as_now_ns();
    int rc = sample_all(&b, err);
    s->seen.gen_s += (double)(as_now_ns() - start) / 1e9 - b.label_s;
    if (rc == 0)
        rc = as_reward_wait(s->reward, worth, err);
    if (rc < 0 || !*worth)
        return rc;
    see_parts(s);
    if (s->labels)
        rc = label(s, &b, worth, err);
    if (rc < 0)
        return rc;
    for (size_t g = 0; g < n_groups; g++)
        keep[g] = see_group(s, to, g, *worth);
    if (b.first)
        take_greedy(s, *worth + b.first, n_groups);
    if (s->labels)
        cut(s, to);
    return s->labels ? 0 : as_reward_gate(s->reward, err);
}

/* ---- a step ---- */

static void forget(rl *s)
{
    as_rollouts_fini(&s->rollouts);
    as_arena_reset(&s->texts);
    s->seen = (rl_seen){ .least = INFINITY, .most = -INFINITY };
    if (s->labels)
        s->labels->begin(s->labels->own);
    for (size_t i = 0; i < s->order.n; i++)
        s->share[i] = NAN;
}

/* The first `most` groups of those that are to be kept. */
static size_t limit(bool *keep, size_t n, size_t most)
{
    size_t kept = 0;
    for (size_t g = 0; g < n; g++) {
        keep[g] = keep[g] && kept < most;
        kept += keep[g];
    }
    return kept;
}

/* Batches until enough groups teach something (DAPO's dynamic sampling). Where none does, the last
 * batch stands: the step learns nothing from it, and says so. */
static int resample(rl *s, bool *keep, as_err *err)
{
    const uint64_t most = s->own.max_gen_batches;
    const size_t wanted = (size_t)s->own.train_batch_size, size = (size_t)s->own.gen_batch_size;
    int rc = 0;
    for (uint64_t k = 0; rc == 0 && s->rollouts.n_groups < wanted && k < most; k++) {
        const as_reward_row *worth = NULL;
        rc = next_batch(s, &s->more, size, keep, &worth, err);
        if (rc < 0 || !worth)
            return rc;
        if (!limit(keep, size, wanted - s->rollouts.n_groups)) {
            if (s->rollouts.n_groups || k + 1 < most)
                continue;
            for (size_t g = 0; g < wanted && g < size; g++)
                keep[g] = true;
        }
        rc = grade(s, &s->more, keep, s->rollouts.n, worth, err);
        as_rollouts_keep(&s->more, keep);
        if (rc == 0)
            rc = as_rollouts_append(&s->rollouts, &s->more, err);
    }
    return rc;
}

/* Prompts as they come, and the answers to them at once, until there are enough for a step or no
 * more come. Where none came, the step before stays the last one. */
static int stream(rl *s, bool *keep, as_err *err)
{
    const size_t wanted = (size_t)s->own.train_batch_size;
    as_suite_clear(&s->suite);
    as_rollouts_fini(&s->rollouts);
    int rc = s->labels->next(s->labels->own, wanted, err);
    if (rc < 0 || !s->suite.n)
        return rc;
    forget(s);
    while (rc == 0 && s->rollouts.n_groups < s->suite.n) {
        const as_reward_row *worth = NULL;
        rc = next_batch(s, &s->more, s->suite.n - s->rollouts.n_groups, keep, &worth, err);
        if (rc < 0 || !worth)
            return rc;
        memset(keep, true, wanted * sizeof *keep);
        rc = grade(s, &s->more, keep, s->rollouts.n, worth, err);
        if (rc == 0)
            rc = as_rollouts_append(&s->rollouts, &s->more, err);
        if (rc == 0 && s->rollouts.n_groups < wanted)
            rc = s->labels->next(s->labels->own, wanted - s->rollouts.n_groups, err);
    }
    return rc;
}

int rl_sample(rl *s, as_err *err)
{
    const size_t size = (size_t)s->own.gen_batch_size;
    const as_reward_row *worth = NULL;
    AS_CLEANUP(free) bool *keep = as_calloc(size, sizeof *keep);
    if (!keep)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (rl_is_stream(s))
        return stream(s, keep, err);
    forget(s);
    if (s->own.zero_groups == AS_ZERO_RESAMPLE)
        return resample(s, keep, err);
    int rc = next_batch(s, &s->rollouts, size, keep, &worth, err);
    memset(keep, true, size * sizeof *keep);
    return rc == 0 && worth ? grade(s, &s->rollouts, keep, 0, worth, err) : rc;
}
