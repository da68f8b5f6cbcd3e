/* remote.h -- samples from a server that speaks OpenAI's API: vLLM, SGLang, llama.cpp's server, Ollama and their kind.
 *
 * One request per sample, with the seed base + number of the sample: servers differ in what `n` means, how far they
 * allow it, and what a seed does to the second choice. Whether the same seed gives the same text again is the server's affair.
 * Errors that pass (a busy server, a broken connection) are asked again, as late as the server says; what cannot pass ends
 * the whole with AS_EREMOTE and the server's own words. A sample is never made up: there is the server's text, or an error.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REMOTE_REMOTE_H
#define AS_REMOTE_REMOTE_H
#include "base/buf.h"

typedef struct as_remote_options {
    const char *url;    /* http://HOST:PORT, with or without /v1; .../v1/chat/completions is understood too */
    const char *served; /* the model's name there; NULL: the only one that /v1/models names */
    const char *key;    /* sent as the bearer's token; NULL */
    double temperature, top_p, min_p;
    uint64_t top_k, seed; /* top_k 0: off */
    uint32_t max_tokens;
    const as_str *stops; /* texts that end a completion */
    size_t n_stops;
    bool ignores_eos, wants_ids; /* extensions that vLLM and SGLang know */
    uint32_t n_calls;            /* requests under way at a time; > 0 */
    uint32_t tries;              /* of one request; > 0 */
    uint64_t timeout_s;          /* of one request, from its beginning to its last byte */
} as_remote_options;

typedef struct as_remote_prompt { /* borrowed until the next one is asked for */
    as_str text;        /* to be continued (POST /completions) */
    as_str messages;    /* or, where data is not NULL, JSON of a conversation to be answered (POST /chat/completions) */
    uint32_t first, n;  /* samples first .. first + n - 1 are wanted */
    void *tag;          /* the caller's, comes back with each sample */
} as_remote_prompt;

typedef struct as_remote_sample { /* valid during the call; what the server does not tell is NULL */
    void *tag;
    uint32_t sample;
    uint64_t seed;        /* that was sent */
    as_str text, finish;  /* finish: the server's word, "stop" or "length" as a rule */
    as_str reasoning;     /* what a reasoning parser took out of the text; data NULL */
    as_str fingerprint;   /* of the server's configuration; data NULL */
    size_t n;             /* tokens */
    const float *logp;    /* [n] */
    const int32_t *ids;   /* [n] */
} as_remote_sample;

typedef struct as_remote_io {
    int (*next)(void *ctx, as_remote_prompt *out, as_err *err);          /* 1: a prompt; 0: no more; < 0 */
    int (*done)(void *ctx, const as_remote_sample *sample, as_err *err); /* in the order they end */
    int (*check)(void *ctx, as_err *err);       /* several times a second: < 0 ends it all */
    void (*say)(void *ctx, const char *text);   /* what a user should know: asked again, asked for less */
    void *ctx;
} as_remote_io;

typedef struct as_remote_counts {
    uint64_t requests, again; /* sent; of them those that repeated one that had failed */
} as_remote_counts;

/* Asks for the served models once. AS_EREMOTE: nobody answers there, or the model is not among them; AS_EUSAGE: the address
 * or the key is none. The options' texts must outlive it. One thread. */
typedef struct as_remote as_remote;
int as_remote_open(as_remote **out, const as_remote_options *options, as_err *err);
void as_remote_close(as_remote *r); /* NULL is fine */
const char *as_remote_served(const as_remote *r); /* the model's name */
const char *as_remote_base(const as_remote *r);   /* the address as it is used, with /v1 */
const char *as_remote_server(const as_remote *r); /* what it says it is: "vllm 0.9.1", "uvicorn"; "" */
as_remote_counts as_remote_counted(const as_remote *r);

void as_remote_set_seed(as_remote *r, uint64_t seed); /* in place of the options' */
/* All prompts of io->next to their ends. What was under way when it ends early is dropped, and the server told so by
 * closing the connection. */
int as_remote_generate(as_remote *r, const as_remote_io *io, as_err *err);
#endif
