/* generate_run.c -- what `assay generate` and `assay eval` do alike: engines, options, prompt after
 * prompt. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/generate.h"

#include <inttypes.h>

/* ---- engines ---- */

int gen_engine_open(gen_engine **out, const gen_opts *o, as_err *err)
{
    const bool is_remote = o->model.model && as_cli_is_address(o->model.model);
    return is_remote ? gen_remote_open(out, o, err) : gen_local_open(out, o, err);
}

void gen_engine_close(gen_engine *e)
{
    if (e)
        e->ops->close(e);
}

int gen_fits(const gen_engine *e, const char *file, uint64_t line, size_t n_ids, as_err *err)
{
    if (!e->context || n_ids < (size_t)e->context)
        return 0;
    return as_fail(err, AS_EDATA,
                   "%s:%" PRIu64 ": a prompt of %zu tokens, where %lld are the longest sequence: "
                   "shorten it, or raise --context",
                   file, line, n_ids, (long long)e->context);
}

/* ---- prompts ---- */

int gen_run_next(gen_run *g, gen_line *line, uint32_t *first, void **ticket,
                 int (*check)(const gen_run *g, const gen_line *line, as_err *err), as_err *err)
{
    const uint32_t n = (uint32_t)g->opts->n;
    for (;;) {
        int rc = g->next(g->from, line, err);
        if (rc <= 0)
            return rc;
        rc = check ? check(g, line, err) : 0;
        if (rc < 0)
            return rc;
        g->n_prompts++;
        rc = gen_writer_expect(g->writer, line->id, n, ticket, first, err);
        if (rc < 0)
            return rc;
        if (*first < n)
            return 1;
    }
}

/* ---- options ---- */

int gen_stops(const gen_opts *o, as_str **out, as_err *err)
{
    AS_CLEANUP(free) as_str *stops = as_calloc(o->stop.n + 1, sizeof *stops);
    if (!stops)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < o->stop.n; i++) {
        stops[i] = as_str_of(o->stop.at[i]);
        if (!stops[i].len)
            return as_fail(err, AS_EUSAGE,
                           "--stop: an empty text would end every completion before it begins");
    }
    *out = AS_STEAL(stops);
    return 0;
}

enum { MOST_SAMPLES = 1 << 20, MOST_TOKENS = 1 << 24, MOST_SEQS = 1 << 16, MOST_TRIES = 1000 };

int gen_check_range(const char *name, uint64_t x, uint64_t least, uint64_t most, as_err *err)
{
    return x >= least && x <= most
               ? 0
               : as_fail(err, AS_EUSAGE,
                         "--%s: %" PRIu64 " is out of range (%" PRIu64 " to %" PRIu64 ")", name, x,
                         least, most);
}

int gen_check(const gen_opts *o, as_err *err)
{
    int rc = gen_check_range("n", o->n, 1, MOST_SAMPLES, err);
    if (rc == 0)
        rc = gen_check_range("max-tokens", o->max_tokens, 1, MOST_TOKENS, err);
    if (rc == 0)
        rc = gen_check_range("max-seqs", o->max_seqs, 1, MOST_SEQS, err);
    if (rc == 0)
        rc = gen_check_range("top-k", o->top_k, 0, INT32_MAX, err);
    if (rc == 0)
        rc = gen_check_range("cache-mib", o->cache_mib, 1, 1 << 24, err);
    if (rc == 0)
        rc = gen_check_range("tries", o->tries, 1, MOST_TRIES, err);
    if (rc == 0)
        rc = gen_check_range("timeout-s", o->timeout_s, 1, 1 << 20, err);
    return rc;
}

/* ---- the record ---- */

static int record_stops(as_run_record *r, const gen_opts *o, as_err *err)
{
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 24);
    as_buf_byte(&b, '[');
    for (size_t i = 0; i < o->stop.n; i++) {
        if (i)
            as_buf_byte(&b, ',');
        as_buf_json_str(&b, as_str_of(o->stop.at[i]));
    }
    as_buf_byte(&b, ']');
    int rc = as_buf_check(&b, err);
    if (rc == 0)
        as_run_record_config(r, "stop", as_buf_str(&b));
    return rc;
}

int gen_record(as_run_record *r, const gen_opts *o, const gen_engine *e, as_err *err)
{
    int rc = record_stops(r, o, err);
    if (rc < 0)
        return rc;
    as_run_record_number(r, "n", (double)o->n);
    as_run_record_number(r, "max_tokens", (double)o->max_tokens);
    as_run_record_number(r, "temperature", o->temperature);
    as_run_record_number(r, "top_p", o->top_p);
    as_run_record_number(r, "min_p", o->min_p);
    as_run_record_number(r, "top_k", (double)o->top_k);
    if (o->template)
        rc = as_run_record_text(r, as_run_record_config, "chat_template", o->template, err);
    if (rc < 0)
        return rc;
    as_run_record_config(r, "chat", as_str_of(o->chat ? "true" : "false"));
    as_run_record_config(r, "token_ids", as_str_of(o->token_ids ? "true" : "false"));
    as_run_record_config(r, "logprobs", as_str_of(o->logprobs ? "true" : "false"));
    as_run_record_config(r, "ignore_eos", as_str_of(o->ignore_eos ? "true" : "false"));
    return e->ops->record(e, r, err);
}
