/* curl_library.h -- the functions of libcurl that are used here, found at run time. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REMOTE_CURL_LIBRARY_H
#define AS_REMOTE_CURL_LIBRARY_H
#include "base/err.h"

#define CURL_DISABLE_TYPECHECK /* its macros would call the functions by name */
#include <curl/curl.h>

#define AS_CURL_FUNCTIONS(X)                                                                                                \
    X(global_init)                                                                                                          \
    X(easy_init) X(easy_setopt) X(easy_getinfo) X(easy_strerror) X(easy_reset) X(easy_cleanup) X(easy_perform)                 \
    X(slist_append) X(slist_free_all)                                                                                       \
    X(multi_init) X(multi_add_handle) X(multi_remove_handle) X(multi_perform) X(multi_poll) X(multi_info_read)                 \
    X(multi_strerror) X(multi_cleanup)

/* Their types are those of the header, so a call is checked as any other. */
typedef struct as_curl {
#define AS_X(name) __typeof__(curl_##name) *name; /* NOLINT(bugprone-macro-parentheses): a declaration */
    AS_CURL_FUNCTIONS(AS_X)
#undef AS_X
} as_curl;

/* The process' one copy; never unloaded. AS_EUSAGE where the library is not there. */
int as_curl_library(const as_curl **out, as_err *err);
#endif
