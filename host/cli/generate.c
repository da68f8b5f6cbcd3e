/* generate.c -- `assay generate`: completions of prompts by a model, here or behind an address.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/generate.h"

#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>

/* ---- what the engines ask ---- */

int gen_run_next(gen_run *g, gen_line *line, uint32_t *first, void **ticket,
                 int (*check)(const gen_run *g, const gen_line *line, as_err *err), as_err *err)
{
    const uint32_t n = (uint32_t)g->opts->n;
    for (;;) {
        int rc = gen_prompts_next(g->prompts, line, err);
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

int gen_run_check(gen_run *g, as_err *err)
{
    unsigned long long at, of;
    gen_prompts_progress(g->prompts, &at, &of);
    as_progress_at(g->progress, gen_writer_totals(g->writer)->samples, at, of);
    return as_cancel_check(as_cli_cancel(), err);
}

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

/* ---- at the end ---- */

static double per(double sum, uint64_t n)
{
    return n ? sum / (double)n : (double)NAN;
}

static void say(const gen_run *g)
{
    const gen_totals *t = gen_writer_totals(g->writer);
    const double seconds = (double)(as_now_ns() - g->start_ns) / 1e9;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX], d[AS_TEXT_MAX];
    as_cli_say("prompts  %s, %s samples, %s tokens, %.1f a sample", as_text_count(a, g->n_prompts),
               as_text_count(b, t->samples), as_text_count(d, t->tokens),
               t->samples ? per((double)t->tokens, t->samples) : 0);
    if (t->kept)
        as_cli_say("kept     %s samples of an earlier run", as_text_count(a, t->kept));
    as_cli_say("ended    %s by themselves, the others at --max-tokens or the context",
               as_text_share(a, t->stopped, t->samples));
    if (t->entropy_tokens)
        as_cli_say("means    log-probability %.4f a token, entropy %.4f",
                   per(t->sum_logp, t->logp_tokens), per(t->sum_entropy, t->entropy_tokens));
    else if (t->logp_tokens)
        as_cli_say("means    log-probability %.4f a token; entropies are not known",
                   per(t->sum_logp, t->logp_tokens));
    as_cli_say("in       %s, %s tokens a second written", as_text_seconds(a, seconds),
               as_text_count(b, seconds > 0
                                    ? (uint64_t)((double)(t->tokens - t->kept_tokens) / seconds)
                                    : 0));
}

static void add_count(as_buf *out, const char *key, uint64_t n)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, n);
}

static int say_json(const gen_run *g, as_err *err)
{
    const gen_totals *t = gen_writer_totals(g->writer);
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 16);
    as_buf_text(&out, "{\"schema\":\"assay.generate_summary/1\"");
    add_count(&out, "prompts", g->n_prompts);
    add_count(&out, "samples", t->samples);
    add_count(&out, "kept", t->kept);
    add_count(&out, "tokens", t->tokens);
    add_count(&out, "stopped", t->stopped);
    g->engine->ops->counts(g->engine, &out);
    as_buf_json_key(&out, "logp_mean");
    as_buf_json_num(&out, per(t->sum_logp, t->logp_tokens));
    as_buf_json_key(&out, "entropy_mean");
    as_buf_json_num(&out, per(t->sum_entropy, t->entropy_tokens));
    as_buf_json_key(&out, "seconds");
    as_buf_json_num(&out, (double)(as_now_ns() - g->start_ns) / 1e9);
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

/* ---- the command ---- */

enum { MOST_SAMPLES = 1 << 20, MOST_TOKENS = 1 << 24, MOST_SEQS = 1 << 16, MOST_TRIES = 1000 };

static int check_range(const char *name, uint64_t x, uint64_t least, uint64_t most, as_err *err)
{
    return x >= least && x <= most
               ? 0
               : as_fail(err, AS_EUSAGE,
                         "--%s: %" PRIu64 " is out of range (%" PRIu64 " to %" PRIu64 ")", name, x,
                         least, most);
}

static int check_options(const gen_opts *o, as_err *err)
{
    int rc = check_range("n", o->n, 1, MOST_SAMPLES, err);
    if (rc == 0)
        rc = check_range("max-tokens", o->max_tokens, 1, MOST_TOKENS, err);
    if (rc == 0)
        rc = check_range("max-seqs", o->max_seqs, 1, MOST_SEQS, err);
    if (rc == 0)
        rc = check_range("top-k", o->top_k, 0, INT32_MAX, err);
    if (rc == 0)
        rc = check_range("cache-mib", o->cache_mib, 1, 1 << 24, err);
    if (rc == 0)
        rc = check_range("tries", o->tries, 1, MOST_TRIES, err);
    if (rc == 0)
        rc = check_range("timeout-s", o->timeout_s, 1, 1 << 20, err);
    if (rc == 0 && o->json && strcmp(o->out, "-") == 0)
        rc = as_fail(
            err, AS_EUSAGE,
            "--json prints the summary on stdout; name a file for the samples with --out FILE");
    if (rc == 0 && o->resume && strcmp(o->out, "-") == 0)
        rc = as_fail(err, AS_EUSAGE, "--resume goes on with a file: name it with --out FILE");
    return rc;
}

static int run_all(gen_run *g, as_err *err)
{
    const gen_opts *o = g->opts;
    const bool is_remote = o->model.model && as_cli_is_address(o->model.model);
    int rc = is_remote ? gen_remote_open(&g->engine, o, err) : gen_local_open(&g->engine, o, err);
    if (rc == 0)
        rc = gen_prompts_open(&g->prompts, o, g->engine->tokenizer, err);
    if (rc == 0)
        rc = gen_writer_open(&g->writer, o, g->engine, gen_prompts_name(g->prompts), err);
    if (rc == 0)
        rc = as_progress_new(&g->progress, o->quiet ? "none" : o->progress, "generate", err);
    if (rc < 0)
        return rc;
    g->start_ns = as_now_ns();
    rc = g->engine->ops->generate(g->engine, g, err);
    as_progress_free(g->progress);
    g->progress = NULL;
    if (rc == 0 && !o->quiet)
        say(g);
    if (rc == 0 && o->json)
        rc = say_json(g, err);
    if ((rc == AS_EINTR || rc == AS_ETERM || rc == AS_EREMOTE) && strcmp(o->out, "-") != 0)
        as_cli_say_resume();
    return rc;
}

static int run_generate(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    gen_run g = { .opts = opts };
    int rc = check_options(g.opts, err);
    if (rc == 0)
        rc = run_all(&g, err);
    rc = gen_writer_close(g.writer, rc, err);
    gen_prompts_close(g.prompts);
    if (g.engine)
        g.engine->ops->close(g.engine);
    return rc;
}

static const as_opt options[] = {
    { .name = "model",
      .type = AS_OPT_TEXT,
      .value = "DIR|URL",
      .offset = offsetof(gen_opts, model.model),
      .short_name = 'm',
      .help =
          "a Hugging Face folder, or a server that speaks OpenAI's API: http://localhost:8000" },
    { .name = "served-model",
      .type = AS_OPT_TEXT,
      .value = "NAME",
      .offset = offsetof(gen_opts, served),
      .help = "which of the server's models, where it has several" },
    AS_COMPUTE_OPTIONS(gen_opts, model),
    { .name = "prompts",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(gen_opts, prompts),
      .short_name = 'i',
      .help = "lines {\"id\",\"prompt\"} or {\"id\",\"messages\"}, also .gz and .zst; -: stdin" },
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(gen_opts, out),
      .short_name = 'o',
      .help = "where the samples go; -: stdout" },
    { .name = "n",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "1",
      .offset = offsetof(gen_opts, n),
      .short_name = 'n',
      .help = "samples of each prompt" },
    { .name = "max-tokens",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "256",
      .offset = offsetof(gen_opts, max_tokens),
      .help = "longest completion" },
    { .name = "temperature",
      .type = AS_OPT_NUMBER,
      .value = "T",
      .initial = "1",
      .offset = offsetof(gen_opts, temperature),
      .help = "0: always the likeliest token" },
    { .name = "top-p",
      .type = AS_OPT_NUMBER,
      .value = "P",
      .initial = "1",
      .offset = offsetof(gen_opts, top_p),
      .help = "draw from the likeliest tokens that together have this probability; 1: off" },
    { .name = "top-k",
      .type = AS_OPT_UINT,
      .value = "K",
      .initial = "0",
      .offset = offsetof(gen_opts, top_k),
      .help = "draw from the K likeliest tokens; 0: off" },
    { .name = "min-p",
      .type = AS_OPT_NUMBER,
      .value = "P",
      .initial = "0",
      .offset = offsetof(gen_opts, min_p),
      .help = "draw from tokens that are at least P times as likely as the likeliest; 0: off" },
    { .name = "stop",
      .type = AS_OPT_LIST,
      .value = "TEXT",
      .offset = offsetof(gen_opts, stop),
      .help = "a text that ends a completion, and is left out of it; may be repeated" },
    { .name = "chat",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, chat),
      .help = "a \"prompt\" is what a user says, in the model's chat template" },
    { .name = "chat-template",
      .type = AS_OPT_TEXT,
      .value = "FAMILY",
      .offset = offsetof(gen_opts, template),
      .help = "one of ours instead of the model's: plain, chatml, qwen3, llama3, ..." },
    { .name = "ignore-eos",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, ignore_eos),
      .help = "write on behind an end-of-text token" },
    { .name = "seed",
      .type = AS_OPT_UINT,
      .value = "S",
      .initial = "0",
      .offset = offsetof(gen_opts, seed),
      .help = "a sample depends on it, its prompt, the prompt's id and its own number, and on "
              "nothing else" },
    { .name = "token-ids",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, token_ids),
      .help = "also \"token_ids\"" },
    { .name = "logprobs",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, logprobs),
      .help = "also \"logprobs\", of each token" },
    { .name = "max-seqs",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "64",
      .offset = offsetof(gen_opts, max_seqs),
      .help = "completions written at a time; of a server, requests under way" },
    { .name = "tries",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "6",
      .offset = offsetof(gen_opts, tries),
      .help = "of a request, where the server is busy or the connection breaks" },
    { .name = "timeout-s",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "1800",
      .offset = offsetof(gen_opts, timeout_s),
      .help = "longest time for one request to a server" },
    { .name = "cache-mib",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "1024",
      .offset = offsetof(gen_opts, cache_mib),
      .help = "memory for keys and values" },
    { .name = "limit",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(gen_opts, limit),
      .help = "only the first N prompts; 0: all" },
    { .name = "resume",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, resume),
      .help = "go on with --out where an earlier run of the same command ended" },
    AS_FORCE_OPTION(gen_opts, "overwrite --out"),
    AS_JSON_OPTION(gen_opts, "the summary as one JSON object on stdout; needs --out"),
    AS_QUIET_OPTION(gen_opts, "no summary on stderr"),
    AS_PROGRESS_OPTION(gen_opts),
    { .name = NULL }
};

const as_command as_cmd_generate = {
    .name = "generate",
    .summary = "completions of prompts by a model",
    .options = options,
    .example =
        "assay generate --model examples/models/countdown --prompts prompts.jsonl --n 16 --out "
        "samples.jsonl\n"
        "assay generate --model examples/models/countdown --prompts prompts.jsonl --temperature 0 "
        "| head",
    .details =
        "A model is a folder as Hugging Face's transformers write it (Llama, Qwen2, Qwen3). "
        "Its tokens are drawn by "
        "a generator that counts: the same model, prompt, id, --seed and sampling options "
        "give the same sample on any "
        "number of threads, whatever is written beside it, and after --resume.\n"
        "\n"
        "--model http://HOST:PORT asks a server (vLLM, SGLang, llama.cpp, Ollama), a request "
        "per sample with seed S + "
        "its number; a key is taken from ASSAY_API_KEY. Busy servers and broken connections "
        "are asked again, and what "
        "could not be had ends the run with status 6, to be gone on with by --resume. What "
        "the server does not tell "
        "(log-probabilities, entropies) is null.\n"
        "\n"
        "Output, one line per sample in the order of the prompts: "
        "{\"schema\",\"problem_id\",\"sample_idx\",\"seed\","
        "\"completion\",\"finish_reason\",\"n_tokens\",\"sum_logp\",\"entropy_mean\","
        "\"token_ids\"?,\"logprobs\"?}. "
        "finish_reason is stop (an end-of-text token or --stop) or length. "
        "Log-probabilities and entropies are of "
        "the distribution at --temperature, before --top-k, --top-p and --min-p; at "
        "temperature 0, of that at 1.\n"
        "\n"
        "FILE.manifest.json beside --out holds what was asked, with hashes of the model's "
        "files; --resume refuses "
        "where it differs.",
    .run = run_generate,
    .opts_size = sizeof(gen_opts),
};
