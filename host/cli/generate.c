/* generate.c -- `assay generate`: completions of prompts by a model, here or behind an address.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/generate.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

typedef struct run {
    gen_run g;
    const generate_opts *opts;
    gen_prompts *prompts;
    as_progress *progress;
    int64_t start_ns;
    as_run_record record;
    char *record_path; /* NULL: none (a pipe) */
} run;

/* ---- what the engines ask ---- */

static int next_prompt(void *from, gen_line *out, as_err *err)
{
    return gen_prompts_next(from, out, err);
}

static int check(gen_run *g, as_err *err)
{
    run *r = (run *)(void *)g;
    unsigned long long at, of;
    gen_prompts_progress(r->prompts, &at, &of);
    as_progress_at(r->progress, gen_writer_totals(g->writer)->samples, at, of);
    return as_cancel_check(as_cli_cancel(), err);
}

/* ---- at the end ---- */

static double per(double sum, uint64_t n)
{
    return n ? sum / (double)n : (double)NAN;
}

static void say(const run *r)
{
    const gen_run *g = &r->g;
    const gen_totals *t = gen_writer_totals(g->writer);
    const double seconds = (double)(as_now_ns() - r->start_ns) / 1e9;
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

static int say_json(const run *r, as_err *err)
{
    const gen_run *g = &r->g;
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
    as_buf_json_num(&out, (double)(as_now_ns() - r->start_ns) / 1e9);
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

/* ---- the file and its record ---- */

/* Whatever changes a sample stands in the config or the hashes. */
static int new_record(run *r, as_err *err)
{
    const generate_opts *o = r->opts;
    as_run_record *to = &r->record;
    int rc = as_run_record_new(to, "generate", err);
    if (rc == 0)
        rc = as_run_record_text(to, as_run_record_config, "prompts", r->g.from_name, err);
    if (rc < 0)
        return rc;
    as_run_record_seed(to, "run", o->gen.seed);
    struct stat info;
    if (stat(o->prompts, &info) == 0 && S_ISREG(info.st_mode)) { /* a pipe is read once */
        as_digest digest;
        rc = as_sha256_file(o->prompts, &digest, err);
        if (rc < 0)
            return rc;
        as_run_record_hash(to, "prompts", digest);
    }
    return gen_record(to, &o->gen, r->g.engine, err);
}

static int save_state(run *r, const char *state, uint64_t n_samples, as_err *err)
{
    char samples[24];
    int rc = as_run_record_text(&r->record, as_run_record_set, "state", state, err);
    if (rc < 0)
        return rc;
    (void)snprintf(samples, sizeof samples, "%" PRIu64, n_samples);
    as_run_record_set(&r->record, "samples", as_str_of(samples));
    return as_run_record_save(&r->record, r->record_path, err);
}

static int check_before(const run *r, as_err *err)
{
    as_run_record before = { 0 };
    int rc = as_path_exists(r->record_path) ? as_run_record_load(&before, r->record_path, err)
                                            : as_fail(err, AS_EUSAGE,
                                                      "%s is missing: whether %s can be gone on "
                                                      "with cannot be told; --force begins anew",
                                                      r->record_path, r->opts->out);
    if (rc == 0)
        rc = as_run_record_continues(&before, &r->record, err);
    as_run_record_fini(&before);
    return rc;
}

static int open_record(run *r, bool goes_on, as_err *err)
{
    AS_CLEANUP(buf) as_buf path = { 0 };
    as_buf_init(&path, 1 << 16);
    as_buf_addf(&path, "%s.manifest.json", r->opts->out);
    r->record_path = path.data ? as_strdup(path.data) : NULL;
    int rc = r->record_path ? new_record(r, err) : as_fail(err, AS_ENOMEM, "out of memory");
    return rc == 0 && goes_on ? check_before(r, err) : rc;
}

static int open_output(run *r, as_err *err)
{
    const generate_opts *o = r->opts;
    struct stat info;
    const bool exists = stat(o->out, &info) == 0, goes_on = exists && o->resume;
    const bool is_pipe = strcmp(o->out, "-") == 0 || (exists && !S_ISREG(info.st_mode));
    const gen_writing how = { .path = o->out,
                              .resume = o->resume && !is_pipe,
                              .force = o->force || is_pipe,
                              .token_ids = o->gen.token_ids,
                              .logprobs = o->gen.logprobs };
    int rc = is_pipe ? 0 : open_record(r, goes_on, err); /* no record, no resuming */
    if (rc == 0)
        rc = gen_writer_open(&r->g.writer, &how, err);
    if (rc == 0 && !is_pipe)
        rc = save_state(r, "running", 0, err);
    return rc;
}

static int close_output(run *r, int rc, as_err *err)
{
    if (!r->g.writer)
        return rc; /* nothing was begun */
    const uint64_t n_samples = gen_writer_totals(r->g.writer)->samples;
    rc = gen_writer_close(AS_STEAL(r->g.writer), rc, err);
    int saved = r->record_path ? save_state(r, as_cli_state(rc), n_samples, err) : 0;
    return rc < 0 ? rc : saved;
}

/* ---- the command ---- */

static int check_options(const generate_opts *o, as_err *err)
{
    int rc = gen_check(&o->gen, err);
    if (rc == 0 && o->json && strcmp(o->out, "-") == 0)
        rc = as_fail(
            err, AS_EUSAGE,
            "--json prints the summary on stdout; name a file for the samples with --out FILE");
    if (rc == 0 && o->resume && strcmp(o->out, "-") == 0)
        rc = as_fail(err, AS_EUSAGE, "--resume goes on with a file: name it with --out FILE");
    return rc;
}

static int run_all(run *r, as_err *err)
{
    const generate_opts *o = r->opts;
    int rc = gen_engine_open(&r->g.engine, &o->gen, err);
    if (rc == 0)
        rc = gen_prompts_open(&r->prompts, o, r->g.engine->tokenizer, err);
    if (rc == 0) {
        r->g.from = r->prompts;
        r->g.from_name = gen_prompts_name(r->prompts);
        rc = open_output(r, err);
    }
    if (rc == 0)
        rc = as_progress_new(&r->progress, o->quiet ? "none" : o->progress, "generate", err);
    if (rc < 0)
        return rc;
    r->start_ns = as_now_ns();
    rc = r->g.engine->ops->generate(r->g.engine, &r->g, err);
    as_progress_free(r->progress);
    r->progress = NULL;
    if (rc == 0 && !o->quiet)
        say(r);
    if (rc == 0 && o->json)
        rc = say_json(r, err);
    if ((rc == AS_EINTR || rc == AS_ETERM || rc == AS_EREMOTE) && strcmp(o->out, "-") != 0)
        as_cli_say_resume();
    return rc;
}

static int run_generate(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const generate_opts *o = opts;
    run r = { .g = { .opts = &o->gen, .next = next_prompt, .check = check, .is_quiet = o->quiet },
              .opts = o };
    int rc = check_options(o, err);
    if (rc == 0)
        rc = run_all(&r, err);
    rc = close_output(&r, rc, err);
    gen_prompts_close(r.prompts);
    gen_engine_close(r.g.engine);
    as_run_record_fini(&r.record);
    as_free(r.record_path);
    return rc;
}

static const as_opt options[] = {
    GEN_MODEL_OPTIONS(generate_opts),
    { .name = "prompts",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(generate_opts, prompts),
      .short_name = 'i',
      .help = "lines {\"id\",\"prompt\"} or {\"id\",\"messages\"}, also .gz and .zst; -: stdin" },
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(generate_opts, out),
      .short_name = 'o',
      .help = "where the samples go; -: stdout" },
    { .name = "n",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "1",
      .offset = offsetof(generate_opts, gen.n),
      .short_name = 'n',
      .help = "samples of each prompt" },
    GEN_SAMPLING_OPTIONS(generate_opts),
    { .name = "seed",
      .type = AS_OPT_UINT,
      .value = "S",
      .initial = "0",
      .offset = offsetof(generate_opts, gen.seed),
      .help = "a sample depends on it, its prompt, the prompt's id and its own number, and on "
              "nothing else" },
    { .name = "token-ids",
      .type = AS_OPT_FLAG,
      .offset = offsetof(generate_opts, gen.token_ids),
      .help = "also \"token_ids\"" },
    { .name = "logprobs",
      .type = AS_OPT_FLAG,
      .offset = offsetof(generate_opts, gen.logprobs),
      .help = "also \"logprobs\", of each token" },
    GEN_PACE_OPTIONS(generate_opts),
    { .name = "limit",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(generate_opts, limit),
      .help = "only the first N prompts; 0: all" },
    { .name = "resume",
      .type = AS_OPT_FLAG,
      .offset = offsetof(generate_opts, resume),
      .help = "go on with --out where an earlier run of the same command ended" },
    AS_FORCE_OPTION(generate_opts, "overwrite --out"),
    AS_JSON_OPTION(generate_opts, "the summary as one JSON object on stdout; needs --out"),
    AS_QUIET_OPTION(generate_opts, "no summary on stderr"),
    AS_PROGRESS_OPTION(generate_opts),
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
    .opts_size = sizeof(generate_opts),
};
