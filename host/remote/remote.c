/* remote.c -- the client and its opening: is anybody there, which model, what kind of server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "remote/inner.h"

#include <stdio.h>
#include <string.h>

enum { OPEN_TIMEOUT_S = 30 };

/* ---- shared ---- */

static size_t take_body(char *data, /* NOLINT(readability-non-const-parameter): libcurl's type */
                        size_t size, size_t n, void *arg)
{
    as_buf *out = arg;
    as_buf_add(out, (as_str){ data, size * n });
    return out->failed ? 0 : size * n;
}

void remote_set_common(const as_remote *r, CURL *easy, const char *url, as_buf *reply,
                       struct curl_slist *headers)
{
    const as_curl *c = r->curl;
    (void)c->easy_setopt(easy, CURLOPT_URL, url);
    (void)c->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)c->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)c->easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)c->easy_setopt(easy, CURLOPT_USERAGENT, "assay");
    (void)c->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    (void)c->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 30L);
    (void)c->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)c->easy_setopt(easy, CURLOPT_WRITEDATA, reply);
}

int remote_fail_status(const char *url, long status, as_str body, unsigned tries, as_err *err)
{
    AS_CLEANUP(buf) as_buf said = { 0 };
    as_buf_init(&said, 1 << 16);
    as_reply_complaint(&said, body);
    const char *cure =
        status == 401 || status == 403 ? " (the key is taken from ASSAY_API_KEY)" : "";
    char times[40] = "";
    if (tries > 1)
        (void)snprintf(times, sizeof times, ", %u times", tries);
    return as_fail(err, AS_EREMOTE, "%s: HTTP %ld%s%s%s%s", url, status, times, cure,
                   said.len ? ": " : "", said.len ? said.data : "");
}

/* ---- opening ---- */

/* The key is a line of every request's head: it may not end that line. */
static int check_key(const char *key, as_err *err)
{
    for (const char *k = key; k && *k; k++)
        if ((unsigned char)*k <= ' ' || (unsigned char)*k >= 0x7f)
            return as_fail(
                err, AS_EUSAGE,
                "ASSAY_API_KEY holds a space, a line's end or another byte that no key has");
    return 0;
}

static int add_headers(const as_remote *r, struct curl_slist **out, as_err *err)
{
    AS_CLEANUP(buf) as_buf line = { 0 };
    as_buf_init(&line, 1 << 16);
    *out = r->curl->slist_append(NULL, "Content-Type: application/json");
    bool ok = *out != NULL;
    if (ok && r->options.key) {
        as_buf_addf(&line, "Authorization: Bearer %s", r->options.key);
        struct curl_slist *more = line.failed ? NULL : r->curl->slist_append(*out, line.data);
        ok = more != NULL;
    }
    return ok ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

/* GET. *status 0: nobody answered, and `why` says it. */
static int get(as_remote *r, const char *url, as_buf *reply, long *status, const char **why,
               as_err *err)
{
    const as_curl *c = r->curl;
    CURL *easy = c->easy_init();
    struct curl_slist *headers = NULL;
    *status = 0;
    int rc = easy ? add_headers(r, &headers, err) : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0) {
        as_buf_clear(reply);
        remote_set_common(r, easy, url, reply, headers);
        (void)c->easy_setopt(easy, CURLOPT_TIMEOUT, (long)OPEN_TIMEOUT_S);
        const CURLcode done = c->easy_perform(easy);
        *why = c->easy_strerror(done);
        if (done == CURLE_OK)
            (void)c->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
    }
    c->slist_free_all(headers);
    c->easy_cleanup(easy);
    return rc;
}

/* Which model, and what kind of server. A server that lists no models is believed what the user
 * says. */
static int ask_models(as_remote *r, as_err *err)
{
    AS_CLEANUP(buf) as_buf reply = { 0 };
    as_buf_init(&reply, REMOTE_MOST_REPLY);
    const char *why = "";
    long status = 0;
    as_str name = { 0 }, owner = { 0 };
    as_buf_clear(&r->url);
    as_buf_addf(&r->url, "%s/models", r->base.data);
    int rc = as_buf_check(&r->url, err);
    if (rc == 0)
        rc = get(r, r->url.data, &reply, &status, &why, err);
    if (rc < 0)
        return rc;
    if (!status)
        return as_fail(err, AS_EREMOTE, "%s: %s; is the server running?", r->base.data, why);
    if (r->options.served && (status == 404 || status >= 500))
        name = as_str_of(r->options.served);
    else if (status != 200)
        return remote_fail_status(r->url.data, status, as_buf_str(&reply), 1, err);
    else
        rc = as_reply_model(as_buf_str(&reply), r->options.served, &r->names, &name, &owner, err);
    if (rc < 0) {
        as_err_prefix(err, "%s", r->url.data);
        return rc;
    }
    r->served = name.data;
    r->server = owner.data ? owner.data : "";
    return 0;
}

/* vLLM and SGLang tell their version beside /v1; who does not is none the worse for it. */
static int ask_version(as_remote *r, as_err *err)
{
    AS_CLEANUP(buf) as_buf reply = { 0 };
    as_buf_init(&reply, 1 << 16);
    const char *why = "";
    long status = 0;
    const as_str base = as_buf_str(&r->base);
    as_buf_clear(&r->url);
    as_buf_add(&r->url, (as_str){ base.data, base.len - (as_str_ends(base, "/v1") ? 3 : 0) });
    as_buf_text(&r->url, "/version");
    int rc = as_buf_check(&r->url, err);
    if (rc == 0)
        rc = get(r, r->url.data, &reply, &status, &why, err);
    if (rc < 0 || status != 200)
        return rc;
    const as_str version = as_reply_version(as_buf_str(&reply), &r->names);
    if (!version.data)
        return 0;
    const as_str kept =
        as_arena_fmt(&r->names, "%s%s%s", r->server, r->server[0] ? " " : "", version.data);
    if (!kept.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    r->server = kept.data;
    return 0;
}

static int make_calls(as_remote *r, as_err *err)
{
    r->multi = r->curl->multi_init();
    r->calls = as_calloc(r->options.n_calls, sizeof *r->calls);
    if (!r->multi || !r->calls)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = 0;
    for (uint32_t i = 0; i < r->options.n_calls && rc == 0; i++) {
        remote_call *c = &r->calls[i];
        as_buf_init(&c->body, REMOTE_MOST_PROMPT);
        as_buf_init(&c->reply, REMOTE_MOST_REPLY);
        c->easy = r->curl->easy_init();
        rc = c->easy ? add_headers(r, &c->headers, err) : as_fail(err, AS_ENOMEM, "out of memory");
    }
    return rc;
}

int as_remote_open(as_remote **out, const as_remote_options *options, as_err *err)
{
    const as_curl *curl;
    int rc = as_curl_library(&curl, err);
    if (rc == 0)
        rc = check_key(options->key, err);
    if (rc < 0)
        return rc;
    as_remote *r = as_calloc(1, sizeof *r);
    if (!r)
        return as_fail(err, AS_ENOMEM, "out of memory");
    r->options = *options;
    r->curl = curl;
    r->served = r->server = "";
    as_buf_init(&r->base, 1 << 16);
    as_buf_init(&r->url, 1 << 16);
    as_arena_init(&r->names, 0);
    as_arena_init(&r->arena, 0);
    rc = as_remote_base_of(&r->base, options->url, err);
    if (rc == 0)
        rc = ask_models(r, err);
    if (rc == 0)
        rc = ask_version(r, err);
    if (rc == 0)
        rc = make_calls(r, err);
    if (rc < 0)
        as_remote_close(r);
    else
        *out = r;
    return rc;
}

void as_remote_close(as_remote *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->calls && i < r->options.n_calls; i++) {
        remote_call *c = &r->calls[i];
        r->curl->easy_cleanup(c->easy);
        r->curl->slist_free_all(c->headers);
        as_buf_fini(&c->body);
        as_buf_fini(&c->reply);
    }
    as_free(r->calls);
    if (r->multi)
        (void)r->curl->multi_cleanup(r->multi);
    as_buf_fini(&r->base);
    as_buf_fini(&r->url);
    as_arena_fini(&r->names);
    as_arena_fini(&r->arena);
    as_free(r);
}

const char *as_remote_served(const as_remote *r)
{
    return r->served;
}

const char *as_remote_base(const as_remote *r)
{
    return r->base.data;
}

const char *as_remote_server(const as_remote *r)
{
    return r->server;
}

void as_remote_set_seed(as_remote *r, uint64_t seed)
{
    r->options.seed = seed;
}

as_remote_counts as_remote_counted(const as_remote *r)
{
    return r->counts;
}
