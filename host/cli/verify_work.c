/* verify_work.c -- the parallel middle of `assay verify`: lines to items, items to verdicts,
 * verdicts to lines. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/verify.h"

#include <math.h>

int verify_parse(as_str line, as_arena *arena, as_item *item, as_err *err)
{
    int rc = as_item_parse(line, arena, item, err);
    if (rc == 0 &&
        !item->has_completion) /* vote reads results again, verify has nothing to judge in them */
        return as_fail(err, AS_EDATA, "\"completion\" is missing: this is a result, not an item");
    return rc;
}

static int parse_lines(const verify_run *v, verify_task *t, as_err *err)
{
    t->items = as_arena_alloc(&t->arena, t->n_lines * sizeof *t->items);
    if (!t->items)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < t->n_lines; i++) {
        as_err why = { 0 };
        as_item *item = &t->items[t->n];
        int rc = verify_parse(t->lines[i].text, &t->arena, item, &why);
        if (rc == 0) {
            item->line_no = t->lines[i].no;
            t->n++;
        } else if (verify_bad_line(v, t, &t->lines[i], &why) < 0) {
            break;
        }
    }
    return 0;
}

/* Items of one group must be judged together even when some of their lines were written by an
 * earlier run. */
static uint32_t first_scored(const verify_run *v, const verify_task *t)
{
    return v->by_group && t->n_mute < t->n ? 0 : t->n_mute;
}

static int score_items(const verify_run *v, verify_task *t, as_err *err)
{
    uint32_t base = first_scored(v, t);
    if (base == t->n)
        return 0;
    as_items columns = { 0 };
    int rc = as_items_build(&columns, t->items + base, t->n - base, v->opts->seed, &t->arena, err);
    return rc == 0
               ? as_scorer_score(v->plugged.scorer, &columns, v->want, &t->arena, &t->results, err)
               : rc;
}

/* ---- one result ---- */

static void add_text(as_buf *out, const char *key, as_str text)
{
    if (!text.data)
        return;
    as_buf_text(out, key);
    as_buf_json_str(out, text);
}

/* JSON that a verifier emitted: only what is JSON of the right kind may enter the line, and no line
 * ends with it. */
static void add_raw(as_buf *out, const char *key, as_str text, as_jkind kind)
{
    as_jspan span = { 0 };
    if (!text.data || as_json_scan(text, &span, NULL) < 0 || span.kind != kind)
        return;
    as_buf_text(out, key);
    size_t from = out->len;
    as_buf_add(out, span.text);
    for (size_t i = from; i < out->len; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
}

static void add_score(as_buf *out, float score)
{
    if (isnan(score))
        as_buf_add(out, AS_LIT("null"));
    else if (score == 1.0f)
        as_buf_byte(out, '1');
    else if (score == 0.0f)
        as_buf_byte(out, '0');
    else
        as_buf_json_float(out, score);
}

/* Milliseconds to the microsecond, whole arithmetic: three digits are all that is meant. */
static void add_ms(as_buf *out, float ms)
{
    uint64_t us = ms > 0 && ms < 1e12f ? (uint64_t)((double)ms * 1000 + 0.5) : 0;
    as_buf_u64(out, us / 1000);
    char digits[4] = { '.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                       (char)('0' + us % 10) };
    as_buf_add(out, (as_str){ digits, sizeof digits });
}

void verify_add_result(as_buf *out, const as_results *r, uint32_t i, bool explain)
{
    as_buf_add(out, AS_LIT(",\"verdict\":\""));
    as_buf_text(out, as_verdict_word(r->verdict[i]));
    as_buf_add(out, AS_LIT("\",\"score\":"));
    add_score(out, r->score[i]);
    add_text(out, ",\"answer\":", as_results_get(r, i, ASSAY_OUT_ANSWER));
    add_text(out, ",\"key\":", as_results_get(r, i, ASSAY_OUT_KEY));
    add_text(out, ",\"rule\":", as_results_get(r, i, ASSAY_OUT_RULE));
    add_text(out, ",\"reason\":", as_results_get(r, i, ASSAY_OUT_REASON));
    add_raw(out, ",\"metrics\":", as_results_get(r, i, ASSAY_OUT_METRICS), AS_J_OBJECT);
    if (explain) {
        add_raw(out, ",\"detail\":", as_results_get(r, i, ASSAY_OUT_DETAIL), AS_J_ARRAY);
        add_text(out, ",\"explain\":", as_results_get(r, i, ASSAY_OUT_EXPLAIN));
    }
}

void verify_format(as_buf *out, const as_item *item, const as_results *r, uint32_t i, bool explain)
{
    as_buf_add(out, AS_LIT("{\"schema\":\"assay.verdict/1\""));
    if (item->id.data) {
        as_buf_add(out, AS_LIT(",\"id\":"));
        as_buf_add(out, item->id);
    }
    if (item->group.data) {
        as_buf_add(out, AS_LIT(",\"group\":"));
        as_buf_add(out, item->group);
    }
    verify_add_result(out, r, i, explain);
    if (!isnan(item->sum_logp)) {
        as_buf_add(out, AS_LIT(",\"sum_logp\":"));
        as_buf_json_num(out, item->sum_logp);
    }
    if (r->cached[i])
        as_buf_add(out, AS_LIT(",\"cached\":true"));
    as_buf_add(out, AS_LIT(",\"ms\":"));
    add_ms(out, r->ms[i]);
    as_buf_add(out, AS_LIT("}\n"));
}

/* ---- the pipeline's worker ---- */

/* Rows up to the first without a verdict: after a cancellation what was reached is kept, in order.
 */
static int format_rows(const verify_run *v, verify_task *t, as_err *err)
{
    uint32_t base = first_scored(v, t);
    t->row_end = as_arena_alloc(&t->arena, (t->n + 1) * sizeof *t->row_end);
    if (!t->row_end)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < t->n; i++) {
        if (i >= t->n_mute) {
            if (t->results.verdict[i - base] == ASSAY_UNSET) {
                t->n = i;
                break;
            }
            verify_format(&t->out, &t->items[i], &t->results, i - base, v->opts->explain);
        }
        t->row_end[i] = t->out.len;
    }
    return as_buf_check(&t->out, err);
}

static int hash_ids(const verify_run *v, verify_task *t, as_err *err)
{
    if (v->opts->allow_duplicate_ids)
        return 0;
    t->id_hash = as_arena_alloc(&t->arena, (t->n + 1) * sizeof *t->id_hash);
    if (!t->id_hash)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < t->n; i++)
        t->id_hash[i] = as_hash64(t->items[i].id, 0);
    return 0;
}

int verify_work(void *ctx, void *task, as_err *err)
{
    const verify_run *v = ctx;
    verify_task *t = task;
    int rc = t->items || t->n_lines == 0 ? 0 : parse_lines(v, t, err);
    if (rc == 0)
        rc = hash_ids(v, t, err);
    if (rc < 0)
        return rc;
    as_err why = { 0 };
    rc = score_items(v, t, &why);
    if (rc < 0) {
        if (!t->results.verdict)
            return as_fail(err, rc, "%s", why.text);
        t->stop = why; /* comes before a bad line further down */
    }
    return format_rows(v, t, err);
}
