/* ppl.c -- `assay ppl`: how likely a model finds given texts. SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "cli/model.h"
#include "data/jsonl.h"
#include "model/transformer.h"

#include <inttypes.h>
#include <math.h>

typedef struct ppl_opts {
    as_model_opts model;
    const char *in, *out, *progress;
    uint64_t batch_tokens, limit;
    bool force, quiet, json;
} ppl_opts;

enum { CHUNK_LINES = 64, CHUNK_BYTES = 1 << 20, MOST_TEXTS = 256 };

/* One line: what stands before (not scored), and what is scored, its first token only where
 * something stands before it. */
typedef struct text {
    as_buf id;
    int64_t begin, n_before, n; /* of the batch's ids */
} text;

typedef struct ppl_run {
    const ppl_opts *opts;
    as_opened_model model;
    as_encoder *encoder;
    as_run *run;
    as_source *source;
    as_sink *sink;
    as_progress *progress;
    as_arena arena;
    as_tokens tokens; /* of one string */
    int32_t *ids;     /* [most_tokens] of the batch, texts one after another */
    int64_t n_tokens, most_tokens;
    text *texts; /* [MOST_TEXTS] */
    size_t n_texts;
    int32_t *cu_seqlens, *rows, *targets;
    double *logp;
    uint64_t n_lines, n_scored;
    double sum_logp;
} ppl_run;

/* ---- a batch ---- */

static void write_text(const text *t, const double *logp, as_buf *out)
{
    const int64_t scored = t->n - (t->n_before ? t->n_before : 1);
    double sum = 0;
    for (int64_t i = 0; i < scored; i++)
        sum += logp[i];
    as_buf_text(out, "{\"schema\":\"assay.ppl/1\"");
    as_buf_json_key(out, "id");
    as_buf_add(out, as_buf_str(&t->id));
    as_buf_json_key(out, "n_tokens");
    as_buf_u64(out, (uint64_t)scored);
    as_buf_json_key(out, "sum_logp");
    as_buf_json_num(out, sum);
    as_buf_json_key(out, "ppl");
    as_buf_json_num(out, scored ? exp(-sum / (double)scored) : (double)NAN);
    as_buf_text(out, "}\n");
}

/* Sums of numbers that are none say nothing. */
static int check_finite(const ppl_run *p, const text *t, const double *logp, as_err *err)
{
    const int64_t scored = t->n - (t->n_before ? t->n_before : 1);
    const as_str id = as_buf_str(&t->id);
    for (int64_t i = 0; i < scored; i++)
        if (!isfinite(logp[i]))
            return as_fail(err, AS_EDATA,
                           "id %.*s: the log-prob of scored token %lld is not finite on %s: the "
                           "weights are damaged, or too large for --dtype; look at them with "
                           "\"assay model info\", or compute in f32",
                           (int)(id.len < 60 ? id.len : 60), id.data, (long long)i,
                           p->opts->model.device);
    return 0;
}

static int score(ppl_run *p, as_err *err)
{
    int64_t n_rows = 0, seqs = 0;
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < p->n_texts; i++) {
        const text *t = &p->texts[i];
        p->cu_seqlens[seqs++] = (int32_t)t->begin;
        for (int64_t k = t->n_before ? t->n_before : 1; k < t->n; k++) {
            p->rows[n_rows] = (int32_t)(t->begin + k - 1);
            p->targets[n_rows++] = p->ids[t->begin + k];
        }
    }
    p->cu_seqlens[seqs] = (int32_t)p->n_tokens;
    const as_packed batch = { .n_tokens = p->n_tokens,
                              .n_seqs = seqs,
                              .n_rows = n_rows,
                              .ids = p->ids,
                              .cu_seqlens = p->cu_seqlens,
                              .rows = p->rows,
                              .targets = p->targets };
    int rc = seqs ? as_run_forward(p->run, &batch, err) : 0;
    if (rc == 0 && n_rows)
        rc = as_run_logprob(p->run, 1, p->logp, NULL, err);
    const double *logp = p->logp;
    for (size_t i = 0; i < p->n_texts && rc == 0; i++) {
        const text *t = &p->texts[i];
        rc = check_finite(p, t, logp, err);
        write_text(t, logp, &out);
        logp += t->n - (t->n_before ? t->n_before : 1);
    }
    for (int64_t i = 0; i < n_rows && rc == 0; i++)
        p->sum_logp += p->logp[i];
    p->n_scored += (uint64_t)n_rows;
    p->n_texts = 0;
    p->n_tokens = 0;
    unsigned long long at, of;
    as_source_progress(p->source, &at, &of);
    as_progress_at(p->progress, p->n_lines, at, of);
    if (rc == 0)
        rc = as_buf_check(&out, err);
    return rc == 0 ? as_sink_write(p->sink, as_buf_str(&out), err) : rc;
}

/* ---- a line ---- */

static int add(ppl_run *p, int64_t begin, const int32_t *ids, size_t n, as_err *err)
{
    const int64_t longest = p->model.parameters->max_pos;
    if ((int64_t)n > longest - (p->n_tokens - begin))
        return as_fail(err, AS_EDATA,
                       "a text of over %lld tokens, which are the longest sequence: cut it, or "
                       "raise --context",
                       (long long)longest);
    memcpy(p->ids + p->n_tokens, ids, n * sizeof *ids);
    p->n_tokens += (int64_t)n;
    return 0;
}

static int add_list(ppl_run *p, int64_t begin, as_jspan list, as_err *err)
{
    size_t at = 0;
    as_jspan item;
    int rc = 0;
    while (rc == 0 && as_jarray_next(list, &at, &item)) {
        unsigned long long id;
        if (!as_junsigned(item, &id) || id >= (unsigned long long)p->model.index->config.vocab)
            return as_fail(err, AS_EDATA, "\"token_ids\" has %.*s, which is no token of the model",
                           (int)(item.text.len < 40 ? item.text.len : 40), item.text.data);
        rc = add(p, begin, &(int32_t){ (int32_t)id }, 1, err);
    }
    return rc;
}

static int add_text(ppl_run *p, int64_t begin, as_jspan span, unsigned flags, as_err *err)
{
    as_str s = as_jstring(span, &p->arena, NULL);
    p->tokens.n = 0;
    int rc = s.data ? as_encode(p->encoder, s, flags, &p->tokens, err)
                    : as_fail(err, AS_ENOMEM, "out of memory");
    return rc == 0 ? add(p, begin, p->tokens.ids, p->tokens.n, err) : rc;
}

/* {"id"?, "prompt"?, "completion" or "text", "token_ids"?} */
static int read_text(ppl_run *p, as_str line, text *t, as_err *err)
{
    as_jspan object;
    int rc = as_json_scan(line, &object, err);
    if (rc == 0 && object.kind != AS_J_OBJECT)
        rc = as_fail(err, AS_EDATA, "not a JSON object");
    if (rc < 0)
        return rc;
    as_jspan id = as_jobject_get(object, "id"), prompt = as_jobject_get(object, "prompt");
    as_jspan given = as_jobject_get(object, "token_ids"),
             said = as_jobject_get(object, "completion");
    if (said.kind == AS_J_NONE)
        said = as_jobject_get(object, "text");
    if (given.kind != AS_J_ARRAY && said.kind != AS_J_STRING)
        return as_fail(
            err, AS_EDATA,
            "neither \"completion\" nor \"text\" is there as a string, nor \"token_ids\"");
    if (prompt.kind != AS_J_STRING && prompt.kind != AS_J_NONE)
        return as_fail(err, AS_EDATA, "\"prompt\" is no string");
    t->begin = p->n_tokens;
    as_buf_clear(&t->id);
    if (id.kind == AS_J_NONE)
        as_buf_u64(&t->id, p->n_lines);
    else
        as_buf_add(&t->id, id.text);
    if (prompt.kind == AS_J_STRING)
        rc = add_text(p, t->begin, prompt, AS_ENCODE_SPECIAL, err);
    t->n_before = p->n_tokens - t->begin;
    if (rc == 0 && given.kind == AS_J_ARRAY)
        rc = add_list(p, t->begin, given, err);
    else if (rc == 0)
        rc = add_text(p, t->begin, said, t->n_before ? 0 : AS_ENCODE_SPECIAL, err);
    t->n = p->n_tokens - t->begin;
    if (rc == 0 && t->n == 0)
        rc = as_fail(err, AS_EDATA, "the text is empty");
    return rc < 0 ? rc : as_buf_check(&t->id, err);
}

static int take_line(ppl_run *p, const as_line *line, const char *name, as_err *err)
{
    p->n_lines++;
    as_arena_reset(&p->arena);
    int rc = read_text(p, line->text, &p->texts[p->n_texts], err);
    if (rc < 0) {
        as_err_prefix(err, "%s:%" PRIu64, name, line->no);
        return rc;
    }
    p->n_texts++;
    return p->n_texts == MOST_TEXTS || p->n_tokens >= (int64_t)p->opts->batch_tokens ? score(p, err)
                                                                                     : 0;
}

static int score_all(ppl_run *p, as_lines *lines, as_err *err)
{
    AS_CLEANUP(buf) as_buf bytes = { 0 };
    as_line line[CHUNK_LINES];
    size_t n = 0;
    as_buf_init(&bytes, SIZE_MAX / 2);
    int rc;
    while ((rc = as_lines_chunk(lines, &bytes, line, CHUNK_LINES, CHUNK_BYTES, &n, err)) == 1) {
        for (size_t i = 0; i < n; i++) {
            if (p->opts->limit && p->n_lines == p->opts->limit)
                return score(p, err);
            rc = take_line(p, &line[i], as_lines_name(lines), err);
            if (rc == 0)
                rc = as_cancel_check(as_cli_cancel(), err);
            if (rc < 0)
                return rc;
        }
    }
    return rc < 0 ? rc : score(p, err);
}

/* ---- the command ---- */

static int make(ppl_run *p, as_err *err)
{
    enum { MOST_BATCH = 1 << 20 };
    const ppl_opts *o = p->opts;
    if (o->batch_tokens < 1 || o->batch_tokens > MOST_BATCH)
        return as_fail(err, AS_EUSAGE, "--batch-tokens: %" PRIu64 " is out of range (1 to %d)",
                       o->batch_tokens, MOST_BATCH);
    if (o->json && strcmp(o->out, "-") == 0)
        return as_fail(
            err, AS_EUSAGE,
            "--json prints the summary on stdout; name a file for the texts with --out FILE");
    int rc = as_opened_model_open(&p->model, &o->model, err);
    if (rc < 0)
        return rc;
    p->most_tokens = (int64_t)o->batch_tokens + p->model.how.max_pos;
    const as_run_options options = { .tokens = p->most_tokens,
                                     .seqs = MOST_TEXTS,
                                     .rows = p->most_tokens };
    const as_plan_options passes = { .parameters = p->model.how, .sampling = options };
    rc = as_opened_model_load(&p->model, &o->model, &passes,
                              "a smaller --batch-tokens or --context", err);
    if (rc < 0)
        return rc;
    const size_t most = (size_t)p->most_tokens;
    p->ids = as_calloc(most, sizeof *p->ids);
    p->rows = as_calloc(most, sizeof *p->rows);
    p->targets = as_calloc(most, sizeof *p->targets);
    p->logp = as_calloc(most, sizeof *p->logp);
    p->cu_seqlens = as_calloc(MOST_TEXTS + 1, sizeof *p->cu_seqlens);
    p->texts = as_calloc(MOST_TEXTS, sizeof *p->texts);
    if (!p->ids || !p->rows || !p->targets || !p->logp || !p->cu_seqlens || !p->texts)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < MOST_TEXTS; i++)
        as_buf_init(&p->texts[i].id, SIZE_MAX / 2);
    rc = as_encoder_new(&p->encoder, p->model.tokenizer, err);
    return rc == 0 ? as_run_new(&p->run, p->model.parameters, &options, err) : rc;
}

static int say(const ppl_run *p, int64_t start_ns, as_err *err)
{
    const double mean = p->n_scored ? p->sum_logp / (double)p->n_scored : 0;
    const double seconds = (double)(as_now_ns() - start_ns) / 1e9;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX], c[AS_TEXT_MAX];
    if (!p->opts->quiet)
        as_cli_say("perplexity  %.6g over %s tokens of %s texts, in %s", exp(-mean),
                   as_text_count(a, p->n_scored), as_text_count(b, p->n_lines),
                   as_text_seconds(c, seconds));
    if (!p->opts->json)
        return 0;
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 12);
    as_buf_addf(&out,
                "{\"schema\":\"assay.ppl_summary/1\",\"texts\":%" PRIu64 ",\"tokens\":%" PRIu64,
                p->n_lines, p->n_scored);
    as_buf_json_key(&out, "sum_logp");
    as_buf_json_num(&out, p->sum_logp);
    as_buf_json_key(&out, "ppl");
    as_buf_json_num(&out, exp(-mean));
    as_buf_json_key(&out, "seconds");
    as_buf_json_num(&out, seconds);
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

static int run_all(ppl_run *p, as_err *err)
{
    as_lines *lines = NULL;
    int rc = make(p, err);
    if (rc == 0)
        rc = as_source_open(&p->source, p->opts->in, err);
    if (rc == 0)
        rc = as_lines_open(&lines, p->source, 0, err);
    if (rc == 0)
        rc = as_progress_new(&p->progress, p->opts->quiet ? "none" : p->opts->progress, "ppl", err);
    if (rc == 0)
        rc = as_sink_open(&p->sink, p->opts->out, p->opts->force ? AS_SINK_OVERWRITE : AS_SINK_NEW,
                          err);
    const int64_t start_ns = as_now_ns();
    if (rc == 0) {
        rc = score_all(p, lines, err);
        int closed = as_sink_close(p->sink, err);
        rc = rc < 0 ? rc : closed;
    }
    as_progress_free(p->progress);
    as_lines_close(lines);
    if (p->source)
        as_source_close(p->source);
    return rc == 0 ? say(p, start_ns, err) : rc;
}

static int run_ppl(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    ppl_run p = { .opts = opts };
    as_arena_init(&p.arena, 0);
    int rc = run_all(&p, err);
    for (size_t i = 0; p.texts && i < MOST_TEXTS; i++)
        as_buf_fini(&p.texts[i].id);
    void *const arrays[] = { p.texts, p.ids, p.rows, p.targets, p.logp, p.cu_seqlens };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    as_run_free(p.run);
    as_encoder_free(p.encoder);
    as_tokens_fini(&p.tokens);
    as_arena_fini(&p.arena);
    as_opened_model_close(&p.model);
    return rc;
}

static const as_opt options[] = {
    AS_MODEL_OPTIONS(ppl_opts, model),
    { .name = "in",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(ppl_opts, in),
      .short_name = 'i',
      .help = "lines {\"id\"?,\"prompt\"?,\"completion\"}, also .gz and .zst; -: stdin" },
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(ppl_opts, out),
      .short_name = 'o',
      .help = "where a line for each text goes; -: stdout" },
    { .name = "batch-tokens",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "1024",
      .offset = offsetof(ppl_opts, batch_tokens),
      .help = "texts are computed together until they have so many tokens; the results do not "
              "depend on it" },
    { .name = "limit",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(ppl_opts, limit),
      .help = "only the first N lines; 0: all" },
    AS_FORCE_OPTION(ppl_opts, "overwrite --out"),
    AS_JSON_OPTION(ppl_opts, "the summary as one JSON object on stdout; needs --out"),
    AS_QUIET_OPTION(ppl_opts, "no summary and no progress on stderr"),
    AS_PROGRESS_OPTION(ppl_opts),
    { .name = NULL }
};

const as_command as_cmd_ppl = {
    .name = "ppl",
    .summary = "perplexity of given texts under a model",
    .options = options,
    .example = "assay ppl --model examples/models/countdown --in answers.jsonl",
    .details =
        "A line's \"completion\" (or \"text\") is scored, given its \"prompt\" where it has one; "
        "without a prompt "
        "its first token is not scored. The two are cut into tokens apart, as they are when a "
        "completion is "
        "sampled; \"token_ids\" (assay generate --token-ids) are taken as they are.\n"
        "\n"
        "Output, one line per text: {\"schema\",\"id\",\"n_tokens\",\"sum_logp\",\"ppl\"}; ppl is "
        "exp(-sum_logp / n_tokens). The summary's is that of all tokens together.",
    .run = run_ppl,
    .opts_size = sizeof(ppl_opts),
};
