/* generate_local.c -- a model in a folder, sampled here. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/generate.h"

typedef struct local {
    gen_engine engine;
    as_opened_model model;
    as_generator *generator;
    const as_model_opts *opts;
} local;

static int fits(const gen_run *g, const gen_line *line, as_err *err)
{
    return gen_fits(g->engine, g->from_name, line->no, line->n_ids, err);
}

static int next(void *ctx, as_gen_prompt *out, as_err *err)
{
    gen_run *g = ctx;
    gen_line line;
    uint32_t first = 0;
    int rc = gen_run_next(g, &line, &first, &out->tag, fits, err);
    if (rc <= 0)
        return rc;
    *out = (as_gen_prompt){ .ids = line.ids,
                            .n_ids = line.n_ids,
                            .key = as_hash64(line.id, 0),
                            .first = first,
                            .n = (uint32_t)g->opts->n - first,
                            .tag = out->tag };
    return 1;
}

static int done(void *ctx, const as_gen_sample *s, as_err *err)
{
    gen_run *g = ctx;
    const gen_row row = { .ticket = s->tag,
                          .sample = s->sample,
                          .seed = g->opts->seed,
                          .text = s->text,
                          .finish = as_str_of(as_finish_text(s->finish)),
                          .n = s->n,
                          .ids = s->ids,
                          .logp = s->logp,
                          .entropy = s->entropy };
    return gen_writer_put(g->writer, &row, err);
}

static int check(void *ctx, as_err *err)
{
    gen_run *g = ctx;
    return g->check(g, err);
}

static int generate(gen_engine *e, gen_run *g, as_err *err)
{
    const gen_opts *o = g->opts;
    AS_CLEANUP(free) as_str *stops = NULL;
    int rc = gen_stops(o, &stops, err);
    if (rc < 0)
        return rc;
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
    return as_generate(((local *)(void *)e)->generator, &how, &io, err);
}

static int record(const gen_engine *e, as_run_record *r, as_err *err)
{
    const local *l = (const local *)(const void *)e;
    const as_parameters *p = l->model.parameters;
    as_run_record_number(r, "context", (double)p->max_pos);
    int rc = as_run_record_text(r, as_run_record_config, "device", l->opts->device, err);
    if (rc == 0)
        rc = as_run_record_text(r, as_run_record_config, "dtype",
                                p->type == K_BF16 ? "bf16" : "f32", err);
    if (rc == 0)
        rc = as_cli_record_device(r, l->model.dev, err);
    return rc == 0 ? as_cli_record_model(r, "", l->opts->model, err) : rc;
}

static void counts(const gen_engine *e, as_buf *json)
{
    const as_gen_counts c = as_generator_counts(((const local *)(const void *)e)->generator);
    const struct {
        const char *key;
        uint64_t n;
    } all[] = { { "passes", c.passes },
                { "computed_tokens", c.tokens },
                { "sampled_tokens", c.sampled },
                { "preempted", c.preempted } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        as_buf_json_key(json, all[i].key);
        as_buf_u64(json, all[i].n);
    }
}

static void close_local(gen_engine *e)
{
    local *l = (local *)(void *)e;
    as_generator_free(l->generator);
    as_opened_model_close(&l->model);
    as_free(l);
}

/* As many blocks as the sequences can use, --cache-mib allows and the device has room for: fewer
 * than
 * --cache-mib are told of. One sequence must have its blocks, else the plan is refused with them.
 */
static int plan_blocks(const local *l, const gen_opts *o, as_plan_options *passes, as_err *err)
{
    const as_parameters_options *p = &l->model.how;
    const k_type act = p->wide ? k_real_type(p->type) : p->type;
    const as_cli_room room = as_cli_room_on(l->model.dev, 0);
    const int64_t longest = (p->max_pos + passes->block_size - 1) / passes->block_size;
    as_plan rest = { 0 };
    size_t one = 0;
    passes->n_blocks = 0;
    int rc = as_kv_cache_bytes(l->model.index, act, 1, passes->block_size, &one, err);
    if (rc == 0)
        rc = as_plan_make(&rest, l->model.index, l->model.dev, passes, err);
    if (rc < 0)
        return rc;
    const size_t afford = (o->cache_mib << 20) / (one ? one : 1);
    const size_t fit = rest.total < room.bytes ? (room.bytes - rest.total) / (one ? one : 1) : 0;
    passes->n_blocks = (int64_t)o->max_seqs * longest;
    if (afford < (size_t)passes->n_blocks)
        passes->n_blocks = afford ? (int64_t)afford : 1;
    if (fit >= (size_t)passes->n_blocks)
        return 0;
    const int64_t least = longest < passes->n_blocks ? longest : passes->n_blocks;
    if (fit > (size_t)least)
        as_cli_say("the device has room for %zu of %lld blocks of keys and values: fewer sequences "
                   "are written at a time",
                   fit, (long long)passes->n_blocks);
    passes->n_blocks = fit > (size_t)least ? (int64_t)fit : least;
    return 0;
}

static int open_generator(local *l, const gen_opts *o, as_err *err)
{
    as_gen_options how = as_gen_standard();
    how.max_seqs = (int64_t)o->max_seqs;
    if (how.batch_tokens < how.max_seqs)
        how.batch_tokens = how.max_seqs;
    as_plan_options passes = { .parameters = l->model.how, .block_size = how.block_size };
    passes.sampling = as_gen_run_options(&how, l->model.dev, l->model.how.max_pos);
    int rc = plan_blocks(l, o, &passes, err);
    if (rc == 0)
        rc = as_opened_model_load(&l->model, l->opts, &passes,
                                  "a smaller --max-seqs, --cache-mib or --context", err);
    how.n_blocks = passes.n_blocks;
    return rc == 0
               ? as_generator_new(&l->generator, l->model.parameters, l->model.tokenizer, &how, err)
               : rc;
}

int gen_local_open(gen_engine **out, const gen_opts *o, as_err *err)
{
    static const gen_engine_ops ops = {
        .record = record, .generate = generate, .counts = counts, .close = close_local
    };
    local *l = as_calloc(1, sizeof *l);
    if (!l)
        return as_fail(err, AS_ENOMEM, "out of memory");
    l->engine.ops = &ops;
    l->opts = &o->model;
    int rc = as_opened_model_open(&l->model, l->opts, err);
    if (rc == 0)
        rc = open_generator(l, o, err);
    if (rc < 0) {
        close_local(&l->engine);
        return rc;
    }
    l->engine.tokenizer = l->model.tokenizer;
    l->engine.context = l->model.parameters->max_pos;
    *out = &l->engine;
    return rc;
}
