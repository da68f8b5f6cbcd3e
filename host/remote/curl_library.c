/* curl_library.c -- see curl_library.h. SPDX-License-Identifier: Apache-2.0 */
#include "remote/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

static as_curl library;
static bool is_there;

static void find(void)
{
    static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
    void *so = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !so; i++)
        so = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!so)
        return;
    is_there = true;
#define AS_X(name)                                                                                 \
    *(void **)&library.name = dlsym(so, "curl_" #name);                                            \
    is_there &= library.name != NULL;
    AS_CURL_FUNCTIONS(AS_X)
#undef AS_X
    is_there = is_there && library.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

int as_curl_library(const as_curl **out, as_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, find);
    *out = &library;
    return is_there ? 0
                    : as_fail(err, AS_EUSAGE,
                              "a model behind an address needs libcurl 7.66 or newer, which is not "
                              "here: install libcurl4");
}
