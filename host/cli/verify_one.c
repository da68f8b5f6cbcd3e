/* verify_one.c -- `assay verify --reference R --completion C`: one item from the command line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/verify.h"

#include <math.h>

static int check_text(const char *option, as_str text, as_err *err)
{
    if (as_utf8_valid(text) == text.len)
        return 0;
    return as_fail(err, AS_EUSAGE, "%s: byte %zu is not UTF-8", option, as_utf8_valid(text) + 1);
}

static int check_meta(as_str meta, as_err *err)
{
    as_jspan span = { 0 };
    as_err why = { 0 };
    if (!meta.data)
        return 0;
    if (as_json_scan(meta, &span, &why) < 0)
        return as_fail(err, AS_EUSAGE, "--meta: not JSON: %s", why.text);
    return span.kind == AS_J_OBJECT
               ? 0
               : as_fail(err, AS_EUSAGE, "--meta: a JSON object is wanted, as in '{\"key\":1}'");
}

static int make_item(const verify_opts *o, as_item *item, as_err *err)
{
    if (!o->completion)
        return as_fail(
            err, AS_EUSAGE,
            "--completion TEXT is missing: the answer to be judged (or --in FILE for many)");
    if (strcmp(o->in, "-") != 0 || strcmp(o->out, "-") != 0 || o->resume)
        return as_fail(err, AS_EUSAGE,
                       "--completion judges one answer and prints it: --in, --out and --resume do "
                       "not go with it");
    *item = (as_item){ .id = AS_LIT("\"1\""),
                       .prompt = as_str_of(o->prompt),
                       .completion = as_str_of(o->completion),
                       .reference = as_str_of(o->reference),
                       .meta = as_str_of(o->meta),
                       .sum_logp = NAN,
                       .has_completion = true,
                       .line_no = 1 };
    int rc = check_text("--completion", item->completion, err);
    if (rc == 0)
        rc = check_text("--reference", item->reference, err);
    if (rc == 0)
        rc = check_text("--prompt", item->prompt, err);
    return rc == 0 ? check_meta(item->meta, err) : rc;
}

static int score_one(const verify_opts *o, as_scorer *scorer, const as_item *item,
                     verify_counts *counts, as_err *err)
{
    as_arena arena;
    as_items columns = { 0 };
    as_results results = { 0 };
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, SIZE_MAX / 2);
    as_arena_init(&arena, 0);
    uint32_t want = ASSAY_WANT_ANSWER | (o->explain ? ASSAY_WANT_EXPLAIN | ASSAY_WANT_DETAIL : 0u);
    int rc = as_items_build(&columns, item, 1, o->seed, &arena, err);
    if (rc == 0)
        rc = as_scorer_score(scorer, &columns, want, &arena, &results, err);
    if (rc == 0) {
        verify_format(&out, item, &results, 0, o->explain);
        verify_row row = verify_row_of(item, &results, 0);
        verify_count(counts, &row);
        rc = as_buf_check(&out, err);
    }
    if (rc == 0)
        rc = as_cli_out(as_buf_str(&out), err);
    as_arena_fini(&arena);
    return rc;
}

int verify_one(const verify_opts *o, as_err *err)
{
    as_item item;
    int rc = make_item(o, &item, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(plugged) as_plugged plugged = { 0 };
    verify_run v = { .opts = o };
    rc = as_plugged_open(&plugged, &o->plug, err);
    if (rc == 0)
        rc = score_one(o, plugged.scorer, &item, &v.counts, err);
    return rc == 0 ? verify_gates(&v, err) : rc;
}
