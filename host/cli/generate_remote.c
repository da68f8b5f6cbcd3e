/* generate_remote.c -- a model behind an address. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/generate.h"
#include "remote/remote.h"

#include <stdlib.h>
#include <string.h>

typedef struct remote {
    gen_engine engine;
    as_remote *client;
    as_str *stops;
} remote;

static int next(void *ctx, as_remote_prompt *out, as_err *err)
{
    gen_run *g = ctx;
    gen_line line;
    uint32_t first = 0;
    int rc = gen_run_next(g, &line, &first, &out->tag, NULL, err);
    if (rc <= 0)
        return rc;
    *out = (as_remote_prompt){ .text = line.text,
                               .messages = line.messages,
                               .first = first,
                               .n = (uint32_t)g->opts->n - first,
                               .tag = out->tag };
    return 1;
}

static int done(void *ctx, const as_remote_sample *s, as_err *err)
{
    gen_run *g = ctx;
    const gen_row row = { .ticket = s->tag,
                          .sample = s->sample,
                          .seed = s->seed,
                          .text = s->text,
                          .finish = s->finish,
                          .reasoning = s->reasoning,
                          .n = s->n,
                          .ids = s->ids,
                          .logp = s->logp };
    return gen_writer_put(g->writer, &row, err);
}

static int check(void *ctx, as_err *err)
{
    gen_run *g = ctx;
    return g->check(g, err);
}

static void warn(void *ctx, const char *text)
{
    const gen_run *g = ctx;
    if (!g->is_quiet)
        as_cli_say("%s", text);
}

static int generate(gen_engine *e, gen_run *g, as_err *err)
{
    const as_remote_io io = { .next = next, .done = done, .check = check, .say = warn, .ctx = g };
    as_remote *client = ((remote *)(void *)e)->client;
    as_remote_set_seed(client, g->opts->seed);
    return as_remote_generate(client, &io, err);
}

/* The server's files cannot be hashed: where it is, what it says it is and which model it serves is
 * what is known. */
static int record(const gen_engine *e, as_run_record *r, as_err *err)
{
    const remote *m = (const remote *)(const void *)e;
    int rc = as_run_record_text(r, as_run_record_config, "address", as_remote_base(m->client), err);
    if (rc == 0)
        rc = as_run_record_text(r, as_run_record_config, "served_model",
                                as_remote_served(m->client), err);
    if (rc == 0)
        rc =
            as_run_record_text(r, as_run_record_config, "server", as_remote_server(m->client), err);
    return rc;
}

static void counts(const gen_engine *e, as_buf *json)
{
    const as_remote_counts c = as_remote_counted(((const remote *)(const void *)e)->client);
    as_buf_json_key(json, "requests");
    as_buf_u64(json, c.requests);
    as_buf_json_key(json, "requests_again");
    as_buf_u64(json, c.again);
}

static void close_remote(gen_engine *e)
{
    remote *m = (remote *)(void *)e;
    as_remote_close(m->client);
    as_free(m->stops);
    as_free(m);
}

static int check_options(const gen_opts *o, as_err *err)
{
    if (o->template)
        return as_fail(err, AS_EUSAGE,
                       "--chat-template is the server's affair; leave it out, or start the server "
                       "with one");
    const struct {
        const char *name;
        bool is_given;
    } others[] = { { "context", o->model.context != 0 },
                   { "device", strcmp(o->model.device, "cpu") != 0 },
                   { "dtype", strcmp(o->model.dtype, "auto") != 0 } };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].is_given)
            return as_fail(err, AS_EUSAGE, "--%s is the server's affair; leave it out",
                           others[i].name);
    return 0;
}

int gen_remote_open(gen_engine **out, const gen_opts *o, as_err *err)
{
    static const gen_engine_ops ops = {
        .record = record, .generate = generate, .counts = counts, .close = close_remote
    };
    int rc = check_options(o, err);
    if (rc < 0)
        return rc;
    remote *m = as_calloc(1, sizeof *m);
    if (!m)
        return as_fail(err, AS_ENOMEM, "out of memory");
    m->engine.ops = &ops;
    rc = gen_stops(o, &m->stops, err);
    const char *key = getenv("ASSAY_API_KEY");
    const as_remote_options how = { .url = o->model.model,
                                    .served = o->served,
                                    .key = key && *key ? key : NULL,
                                    .temperature = o->temperature,
                                    .top_p = o->top_p,
                                    .min_p = o->min_p,
                                    .top_k = o->top_k,
                                    .seed = o->seed,
                                    .max_tokens = (uint32_t)o->max_tokens,
                                    .stops = m->stops,
                                    .n_stops = o->stop.n,
                                    .ignores_eos = o->ignore_eos,
                                    .wants_ids = o->token_ids,
                                    .n_calls = (uint32_t)o->max_seqs,
                                    .tries = (uint32_t)o->tries,
                                    .timeout_s = o->timeout_s };
    if (rc == 0)
        rc = as_remote_open(&m->client, &how, err);
    if (rc < 0)
        close_remote(&m->engine);
    else
        *out = &m->engine;
    return rc;
}
