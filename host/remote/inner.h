/* inner.h -- what the two files of the client share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REMOTE_INNER_H
#define AS_REMOTE_INNER_H
#include "remote/curl_library.h"
#include "remote/reply.h"
#include "remote/request.h"

enum { REMOTE_MOST_REPLY = 64 << 20, REMOTE_MOST_PROMPT = 64 << 20 };

/* A prompt some of whose samples are under way. */
typedef struct remote_asked {
    as_remote_prompt prompt; /* its texts are the copies below */
    char *text, *messages;
    uint32_t n_calls;
} remote_asked;

typedef struct remote_call {
    CURL *easy;
    struct curl_slist *headers;
    remote_asked *of; /* NULL: free for the next sample */
    uint32_t sample;
    unsigned failed;    /* tries */
    int64_t not_before; /* when it may be sent again */
    bool is_sent;
    as_request_level level; /* at which it was sent */
    as_buf body, reply;
    int64_t retry_after_s; /* what the server asked for; -1 */
} remote_call;

struct as_remote {
    as_remote_options options;
    const as_curl *curl;
    CURLM *multi;
    as_buf base, url;
    as_arena names; /* served, server */
    const char *served, *server;
    remote_call *calls;
    uint32_t n_open; /* calls with a sample to get */
    as_request_level level;
    remote_asked *current; /* whose samples are being handed out, and the next of them */
    uint32_t next_sample;
    bool is_exhausted;
    as_arena arena; /* of one reply */
    as_remote_counts counts;
};

/* What every request has; the answer's body goes into `reply`. */
void remote_set_common(const as_remote *r, CURL *easy, const char *url, as_buf *reply, struct curl_slist *headers);
/* AS_EREMOTE: the address, the status and what the server said. */
int remote_fail_status(const char *url, long status, as_str body, unsigned tries, as_err *err);
#endif
