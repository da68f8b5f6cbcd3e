/* generate.c -- `assay generate`: completions of prompts by a model. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cli/generate.h"

#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>

typedef struct gen_run {
    const gen_opts *opts;
    as_opened_model model;
    as_generator *generator;
    gen_prompts *prompts;
    gen_writer *writer;
    as_progress *progress;
    uint64_t n_prompts;
    int64_t start_ns;
} gen_run;

/* ---- what the generator asks and gives ---- */

static int next(void *ctx, as_gen_prompt *out, as_err *err)
{
    gen_run *g = ctx;
    for (;;) {
        gen_line line;
        uint32_t first = 0;
        const uint32_t n = (uint32_t)g->opts->n;
        int rc = gen_prompts_next(g->prompts, &line, err);
        if (rc <= 0)
            return rc;
        if (line.n_ids >= (size_t)g->model.parameters->max_pos)
            return as_fail(
                err, AS_EDATA,
                "%s:%" PRIu64
                ": a prompt of %zu tokens, where %lld are the longest sequence: shorten it, or "
                "raise --context",
                gen_prompts_name(g->prompts), line.no, line.n_ids,
                (long long)g->model.parameters->max_pos);
        g->n_prompts++;
        *out =
            (as_gen_prompt){ .ids = line.ids, .n_ids = line.n_ids, .key = as_hash64(line.id, 0) };
        rc = gen_writer_expect(g->writer, line.id, n, &out->tag, &first, err);
        if (rc < 0)
            return rc;
        out->first = first;
        out->n = n - first;
        if (out->n)
            return 1;
    }
}

static int done(void *ctx, const as_gen_sample *s, as_err *err)
{
    gen_run *g = ctx;
    return gen_writer_put(g->writer, s, err);
}

static int check(void *ctx, as_err *err)
{
    gen_run *g = ctx;
    unsigned long long at, of;
    gen_prompts_progress(g->prompts, &at, &of);
    as_progress_at(g->progress, gen_writer_totals(g->writer)->samples, at, of);
    return as_cancel_check(as_cli_cancel(), err);
}

/* ---- at the end ---- */

static void say(const gen_run *g)
{
    const gen_totals *t = gen_writer_totals(g->writer);
    const as_gen_counts c = as_generator_counts(g->generator);
    const double seconds = (double)(as_now_ns() - g->start_ns) / 1e9,
                 n = t->samples ? (double)t->samples : 1;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX], d[AS_TEXT_MAX];
    as_cli_say("prompts  %s, %s samples, %s tokens, %.1f a sample", as_text_count(a, g->n_prompts),
               as_text_count(b, t->samples), as_text_count(d, t->tokens), (double)t->tokens / n);
    if (gen_writer_kept(g->writer))
        as_cli_say("kept     %s samples of an earlier run",
                   as_text_count(a, gen_writer_kept(g->writer)));
    as_cli_say("ended    %s by themselves, the others at --max-tokens or the context",
               as_text_share(a, t->stopped, t->samples));
    as_cli_say("means    log-probability %.4f a token, entropy %.4f",
               t->tokens ? t->sum_logp / (double)t->tokens : 0,
               t->tokens ? t->sum_entropy / (double)t->tokens : 0);
    as_cli_say("in       %s, %s tokens a second written", as_text_seconds(a, seconds),
               as_text_count(b, seconds > 0 ? (uint64_t)((double)c.sampled / seconds) : 0));
}

static void add_count(as_buf *out, const char *key, uint64_t n)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, n);
}

static int say_json(const gen_run *g, as_err *err)
{
    const gen_totals *t = gen_writer_totals(g->writer);
    const as_gen_counts c = as_generator_counts(g->generator);
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 16);
    as_buf_text(&out, "{\"schema\":\"assay.generate_summary/1\"");
    add_count(&out, "prompts", g->n_prompts);
    add_count(&out, "samples", t->samples);
    add_count(&out, "kept", gen_writer_kept(g->writer));
    add_count(&out, "tokens", t->tokens);
    add_count(&out, "stopped", t->stopped);
    add_count(&out, "passes", c.passes);
    add_count(&out, "computed_tokens", c.tokens);
    add_count(&out, "sampled_tokens", c.sampled);
    add_count(&out, "preempted", c.preempted);
    as_buf_json_key(&out, "logp_mean");
    as_buf_json_num(&out, t->tokens ? t->sum_logp / (double)t->tokens : 0);
    as_buf_json_key(&out, "entropy_mean");
    as_buf_json_num(&out, t->tokens ? t->sum_entropy / (double)t->tokens : 0);
    as_buf_json_key(&out, "seconds");
    as_buf_json_num(&out, (double)(as_now_ns() - g->start_ns) / 1e9);
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

/* ---- the command ---- */

enum { MOST_SAMPLES = 1 << 20, MOST_TOKENS = 1 << 24, MOST_SEQS = 1 << 16 };

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
    if (rc == 0 && o->json && strcmp(o->out, "-") == 0)
        rc = as_fail(
            err, AS_EUSAGE,
            "--json prints the summary on stdout; name a file for the samples with --out FILE");
    if (rc == 0 && o->resume && strcmp(o->out, "-") == 0)
        rc = as_fail(err, AS_EUSAGE, "--resume goes on with a file: name it with --out FILE");
    return rc;
}

/* As many blocks as the memory allows and the sequences can use. */
static int open_generator(gen_run *g, as_err *err)
{
    as_gen_options how = as_gen_standard();
    size_t one;
    how.max_seqs = (int64_t)g->opts->max_seqs;
    if (how.batch_tokens < how.max_seqs)
        how.batch_tokens = how.max_seqs;
    const as_parameters *p = g->model.parameters;
    int rc = as_kv_cache_bytes(p->index, p->act, 1, how.block_size, &one, err);
    if (rc < 0)
        return rc;
    const int64_t longest = (p->max_pos + how.block_size - 1) / how.block_size;
    const size_t afford = (g->opts->cache_mib << 20) / (one ? one : 1);
    how.n_blocks = how.max_seqs * longest;
    if (afford < (size_t)how.n_blocks)
        how.n_blocks = afford ? (int64_t)afford : 1;
    return as_generator_new(&g->generator, p, g->model.tokenizer, &how, err);
}

static int generate(gen_run *g, as_err *err)
{
    const gen_opts *o = g->opts;
    AS_CLEANUP(free) as_str *stops = as_calloc(o->stop.n + 1, sizeof *stops);
    if (!stops)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < o->stop.n; i++) {
        stops[i] = as_str_of(o->stop.at[i]);
        if (!stops[i].len)
            return as_fail(err, AS_EUSAGE,
                           "--stop: an empty text would end every completion before it begins");
    }
    const as_sampling how = { .temperature = (float)o->temperature,
                              .top_p = (float)o->top_p,
                              .min_p = (float)o->min_p,
                              .top_k = (int32_t)o->top_k,
                              .max_tokens = (uint32_t)o->max_tokens,
                              .seed = o->seed,
                              .stops = stops,
                              .n_stops = o->stop.n,
                              .ignores_eos = o->ignore_eos };
    const as_gen_io io = { .next = next, .done = done, .check = check, .ctx = g };
    return as_generate(g->generator, &how, &io, err);
}

static int run_all(gen_run *g, as_err *err)
{
    const gen_opts *o = g->opts;
    int rc = as_opened_model_open(&g->model, &o->model, err);
    if (rc == 0)
        rc = open_generator(g, err);
    if (rc == 0)
        rc = gen_prompts_open(&g->prompts, o, g->model.tokenizer, err);
    if (rc == 0)
        rc = gen_writer_open(&g->writer, o, &g->model, gen_prompts_name(g->prompts), err);
    if (rc == 0)
        rc = as_progress_new(&g->progress, o->quiet ? "none" : o->progress, "generate", err);
    if (rc < 0)
        return rc;
    g->start_ns = as_now_ns();
    rc = generate(g, err);
    as_progress_free(g->progress);
    g->progress = NULL;
    if (rc == 0 && !o->quiet)
        say(g);
    if (rc == 0 && o->json)
        rc = say_json(g, err);
    if ((rc == AS_EINTR || rc == AS_ETERM) && strcmp(o->out, "-") != 0)
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
    as_generator_free(g.generator);
    as_opened_model_close(&g.model);
    return rc;
}

static const as_opt options[] = {
    AS_MODEL_OPTIONS(gen_opts, model),
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
      .help = "completions written at a time" },
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
    { .name = "force",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, force),
      .help = "overwrite --out" },
    { .name = "json",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, json),
      .help = "the summary as one JSON object on stdout; needs --out" },
    { .name = "quiet",
      .type = AS_OPT_FLAG,
      .offset = offsetof(gen_opts, quiet),
      .short_name = 'q',
      .help = "no summary on stderr" },
    { .name = "progress",
      .type = AS_OPT_CHOICE,
      .value = "HOW",
      .initial = "auto",
      .choices = "auto|bar|plain|none",
      .offset = offsetof(gen_opts, progress),
      .help = "progress on stderr" },
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
    .details = "A model is a folder as Hugging Face's transformers write it (Llama, Qwen2, Qwen3). "
               "Its tokens are drawn by "
               "a generator that counts: the same model, prompt, id, --seed and sampling options "
               "give the same sample on any "
               "number of threads, whatever is written beside it, and after --resume.\n"
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
