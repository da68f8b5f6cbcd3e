/* status.c -- the words for what became of a program. SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

const char *asbx_status_word(asbx_status s)
{
    static const char *const words[] = {
#define X(name, word, sentence) word,
        ASBX_STATUS_LIST(X)
#undef X
    };
    return (unsigned)s < ASBX_STATUSES ? words[s] : "sandbox_error";
}

const char *asbx_status_sentence(asbx_status s)
{
    static const char *const sentences[] = {
#define X(name, word, sentence) sentence,
        ASBX_STATUS_LIST(X)
#undef X
    };
    return (unsigned)s < ASBX_STATUSES ? sentences[s] : "";
}
