/* request.h -- the texts that are sent: addresses and bodies. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REMOTE_REQUEST_H
#define AS_REMOTE_REQUEST_H
#include "remote/remote.h"

/* "http://h:8000/v1" of any of the ways to write it. AS_EUSAGE: no http(s) address, or one with a password in it. */
int as_remote_base_of(as_buf *out, const char *url, as_err *err);

typedef struct as_request_level { /* what this server was found to take */
    bool is_plain;          /* neither log-probabilities nor sampling options that are off: it refused a request with them */
    bool completion_tokens; /* "max_completion_tokens": it refuses "max_tokens" */
} as_request_level;

/* The body for one sample; `messages` decides between the two kinds. Look at out->failed. */
void as_request_body(as_buf *out, const as_remote_options *o, const char *served, const as_remote_prompt *prompt,
                     uint32_t sample, as_request_level level);
#endif
