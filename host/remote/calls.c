/* calls.c -- what is asked when: some requests under way at a time, those that failed in passing
 * again after a while. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "remote/inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { POLL_MS = 100 };
static const int64_t SECOND = 1000000000, LONGEST_WAIT_S = 300;

/* Not of a call's life: headers of "HTTP/1.1 100", of an earlier try, are overwritten by the later
 * ones. */
static size_t take_header(char *data, /* NOLINT(readability-non-const-parameter): libcurl's type */
                          size_t size, size_t n, void *arg)
{
    remote_call *c = arg;
    const as_str line = { data, size * n };
    static const char name[] = "retry-after:";
    const size_t n_name = sizeof name - 1;
    if (line.len <= n_name || strncasecmp(line.data, name, n_name) != 0)
        return line.len;
    int64_t seconds = -1; /* a date is not understood: our own delay, then */
    size_t i = n_name;
    while (i < line.len && line.data[i] == ' ')
        i++;
    for (; i < line.len && line.data[i] >= '0' && line.data[i] <= '9'; i++)
        if (seconds < LONGEST_WAIT_S)
            seconds = (seconds < 0 ? 0 : seconds * 10) + (line.data[i] - '0');
    c->retry_after_s = seconds < LONGEST_WAIT_S ? seconds : LONGEST_WAIT_S;
    return line.len;
}

/* ---- samples to get ---- */

static void asked_drop(remote_asked *a)
{
    as_free(a->text);
    as_free(a->messages);
    as_free(a);
}

static int asked_new(remote_asked **out, const as_remote_prompt *p, as_err *err)
{
    remote_asked *a = as_calloc(1, sizeof *a);
    if (!a)
        return as_fail(err, AS_ENOMEM, "out of memory");
    a->prompt = *p;
    a->prompt.text.data = a->text = p->text.data ? as_strndup(p->text.data, p->text.len) : NULL;
    a->prompt.messages.data = a->messages =
        p->messages.data ? as_strndup(p->messages.data, p->messages.len) : NULL;
    if (!a->prompt.text.data && !a->prompt.messages.data) {
        asked_drop(a);
        return as_fail(err, AS_ENOMEM, "out of memory");
    }
    *out = a;
    return 0;
}

/* The call has its sample, or never will. */
static void call_leave(as_remote *r, remote_call *c)
{
    remote_asked *a = c->of;
    c->of = NULL;
    r->n_open--;
    if (--a->n_calls == 0 && a != r->current)
        asked_drop(a);
}

static void current_leave(as_remote *r)
{
    remote_asked *a = r->current;
    r->current = NULL;
    if (a && !a->n_calls)
        asked_drop(a);
}

/* 1: the call has a sample to get; 0: there are no more. */
static int hand_out(as_remote *r, remote_call *c, const as_remote_io *io, as_err *err)
{
    while (!r->current && !r->is_exhausted) {
        as_remote_prompt p = { 0 };
        int rc = io->next(io->ctx, &p, err);
        if (rc < 0)
            return rc;
        r->is_exhausted = rc == 0;
        if (rc == 0 || !p.n)
            continue;
        rc = asked_new(&r->current, &p, err);
        if (rc < 0)
            return rc;
        r->next_sample = 0;
    }
    if (!r->current)
        return 0;
    c->of = r->current;
    c->of->n_calls++;
    c->sample = c->of->prompt.first + r->next_sample++;
    c->failed = 0;
    c->not_before = 0;
    r->n_open++;
    if (r->next_sample == c->of->prompt.n)
        current_leave(r);
    return 1;
}

/* ---- one call ---- */

static int send_call(as_remote *r, remote_call *c, as_err *err)
{
    const bool is_chat = c->of->prompt.messages.data != NULL;
    c->level = r->level;
    as_request_body(&c->body, &r->options, r->served, &c->of->prompt, c->sample, c->level);
    as_buf_clear(&c->reply);
    as_buf_clear(&r->url);
    as_buf_addf(&r->url, "%s/%s", r->base.data, is_chat ? "chat/completions" : "completions");
    c->retry_after_s = -1;
    int rc = as_buf_check(&c->body, err);
    if (rc == 0)
        rc = as_buf_check(&r->url, err);
    if (rc < 0)
        return rc;
    const as_curl *curl = r->curl;
    curl->easy_reset(c->easy); /* connections are kept */
    remote_set_common(r, c->easy, r->url.data, &c->reply, c->headers);
    (void)curl->easy_setopt(c->easy, CURLOPT_TIMEOUT, (long)r->options.timeout_s);
    (void)curl->easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl->easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    (void)curl->easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    (void)curl->easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.len);
    (void)curl->easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body.data);
    const CURLMcode added = curl->multi_add_handle(r->multi, c->easy);
    if (added != CURLM_OK)
        return as_fail(err, AS_EREMOTE, "%s: %s", r->base.data, curl->multi_strerror(added));
    c->is_sent = true;
    r->counts.requests++;
    r->counts.again += c->failed > 0;
    return 0;
}

static void say(const as_remote_io *io, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(const as_remote_io *io, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (io->say)
        io->say(io->ctx, text);
}

static bool passes(long status)
{
    return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

/* Later: as the server says, or twice as late each time, from half a second on. */
static int again(as_remote *r, remote_call *c, const char *why, long status, const as_remote_io *io,
                 as_err *err)
{
    if (++c->failed >= r->options.tries)
        return status
                   ? remote_fail_status(r->base.data, status, as_buf_str(&c->reply), c->failed, err)
                   : as_fail(err, AS_EREMOTE, "%s: %s, %u times", r->base.data, why, c->failed);
    const int64_t wait = c->retry_after_s >= 0 ? c->retry_after_s * SECOND
                                               : SECOND / 2 << (c->failed < 7 ? c->failed - 1 : 6);
    c->not_before = as_now_ns() + wait;
    if (status)
        say(io, "%s: HTTP %ld; asking again in %.1f s", r->base.data, status, (double)wait / 1e9);
    else
        say(io, "%s: %s; asking again in %.1f s", r->base.data, why, (double)wait / 1e9);
    return 0;
}

/* A request that was refused for something we can do without is sent once more without it. False:
 * it was sent so. */
static bool ask_for_less(as_remote *r, const remote_call *c, as_str said, const as_remote_io *io)
{
    const bool is_name = !c->level.completion_tokens && said.data &&
                         strstr(said.data, "max_completion_tokens") != NULL;
    if (!is_name && c->level.is_plain)
        return false;
    const bool is_new = is_name ? !r->level.completion_tokens : !r->level.is_plain;
    *(is_name ? &r->level.completion_tokens : &r->level.is_plain) = true;
    if (is_new && !is_name)
        say(io,
            "%s refuses a request (%s); asking without log-probabilities and without options "
            "that are off",
            r->base.data, said.data ? said.data : "");
    return true;
}

static int refused(as_remote *r, remote_call *c, long status, const as_remote_io *io, as_err *err)
{
    AS_CLEANUP(buf) as_buf said = { 0 };
    as_buf_init(&said, 1 << 16);
    as_reply_complaint(&said, as_buf_str(&c->reply));
    if ((status == 400 || status == 422) && ask_for_less(r, c, as_buf_str(&said), io))
        return 0;
    return remote_fail_status(r->url.data, status, as_buf_str(&c->reply), 1, err);
}

static int take(as_remote *r, remote_call *c, const as_remote_io *io, as_err *err)
{
    as_remote_sample s = { .tag = c->of->prompt.tag,
                           .sample = c->sample,
                           .seed = r->options.seed + c->sample };
    as_arena_reset(&r->arena);
    int rc = as_reply_sample(as_buf_str(&c->reply), &r->arena, &s, err);
    if (rc < 0) {
        as_err_prefix(err, "%s", r->base.data);
        return rc;
    }
    if (r->options.wants_ids && !s.ids)
        return as_fail(
            err, AS_EREMOTE,
            "%s gives no \"token_ids\" (vLLM from 0.10.2 on does); leave --token-ids out",
            r->base.data);
    rc = io->done(io->ctx, &s, err);
    if (rc == 0)
        call_leave(r, c);
    return rc;
}

static int ended(as_remote *r, remote_call *c, CURLcode done, const as_remote_io *io, as_err *err)
{
    long status = 0;
    (void)r->curl->multi_remove_handle(r->multi, c->easy);
    c->is_sent = false;
    if (c->reply.failed)
        return as_fail(err, AS_EREMOTE, "%s: an answer of more than %d MiB", r->base.data,
                       REMOTE_MOST_REPLY >> 20);
    if (done != CURLE_OK)
        return again(r, c, r->curl->easy_strerror(done), 0, io, err);
    (void)r->curl->easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return take(r, c, io, err);
    return passes(status) ? again(r, c, NULL, status, io, err) : refused(r, c, status, io, err);
}

/* ---- all of them ---- */

/* Whoever is free gets a sample, whoever may is sent. */
static int start(as_remote *r, const as_remote_io *io, as_err *err)
{
    int rc = 0;
    const int64_t now = as_now_ns();
    for (uint32_t i = 0; i < r->options.n_calls && rc >= 0; i++) {
        remote_call *c = &r->calls[i];
        if (!c->of)
            rc = hand_out(r, c, io, err);
        if (rc >= 0 && c->of && !c->is_sent && c->not_before <= now)
            rc = send_call(r, c, err);
    }
    return rc < 0 ? rc : 0;
}

/* What came; where nothing did, it is waited for. */
static int hear(as_remote *r, const as_remote_io *io, as_err *err)
{
    int n = 0, rc = 0;
    bool has_ended = false;
    CURLMcode done = r->curl->multi_perform(r->multi, &n);
    for (CURLMsg *m; done == CURLM_OK && rc == 0 && (m = r->curl->multi_info_read(r->multi, &n));)
        if (m->msg == CURLMSG_DONE) {
            char *c = NULL;
            const CURLcode result = m->data.result; /* the message goes with the handle */
            (void)r->curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
            rc = ended(r, (remote_call *)(void *)c, result, io, err);
            has_ended = true;
        }
    if (done == CURLM_OK && rc == 0 && !has_ended)
        done = r->curl->multi_poll(r->multi, NULL, 0, POLL_MS, NULL);
    return done == CURLM_OK
               ? rc
               : as_fail(err, AS_EREMOTE, "%s: %s", r->base.data, r->curl->multi_strerror(done));
}

int as_remote_generate(as_remote *r, const as_remote_io *io, as_err *err)
{
    int rc = 0;
    r->is_exhausted = false;
    do {
        rc = io->check(io->ctx, err);
        if (rc == 0)
            rc = start(r, io, err);
        if (rc == 0 && r->n_open)
            rc = hear(r, io, err);
    } while (rc == 0 && (r->n_open || !r->is_exhausted));
    for (uint32_t i = 0; i < r->options.n_calls; i++) {
        remote_call *c = &r->calls[i];
        if (c->is_sent)
            (void)r->curl->multi_remove_handle(r->multi, c->easy);
        c->is_sent = false;
        if (c->of)
            call_leave(r, c);
    }
    current_leave(r);
    return rc;
}
