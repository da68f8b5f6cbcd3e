/* languages.h -- programming languages that people add to the sandbox: each a file NAME.json in a folder of ASSAY_LANGUAGES
 * (separated by ':'; ignored under AT_SECURE) or in ~/.local/lib/assay/languages. docs/SANDBOX.md has the form.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_LANGUAGES_H
#define AS_PLUG_LANGUAGES_H
#include "base/arena.h"
#include "base/err.h"
#include "sandbox/sandbox.h"

typedef struct as_languages {
    asbx_language *list;
    uint32_t n;
    as_arena arena; /* what the list points to */
} as_languages;

/* All of them; one found first goes before one of the same name. AS_EUSAGE: a description that makes no sense (which
 * file, which key). as_languages_fini() in any case. */
int as_languages_load(as_languages *out, as_err *err);
void as_languages_fini(as_languages *l);
static inline void as_cleanup_languages(as_languages *l)
{
    as_languages_fini(l);
}
#endif
