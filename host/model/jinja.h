/* jinja.h -- the part of Jinja that chat templates use: for, if, set, macro, namespace, filters, tests, methods of strings and
 * dictionaries, white space as transformers sets it (trim_blocks, lstrip_blocks). What it lacks is refused by template,
 * line and construct; time, memory, output and depth are bounded. Meaning: Jinja 3.1 in transformers' sandbox.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_JINJA_H
#define AS_MODEL_JINJA_H
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum {
    AS_JINJA_DEPTH = 64,            /* nested expressions and blocks of a template */
    AS_JINJA_STEPS = 5000000,       /* evaluated nodes, and what they copy in units of 16 bytes */
    AS_JINJA_MEMORY = 256 << 20,    /* of one rendering */
    AS_JINJA_OUTPUT = 64 << 20
};

/* [any]: never changes once it is parsed. */
typedef struct as_jinja as_jinja;

/* AS_EDATA: `NAME: line 3: ...`, also for what is not implemented; AS_ENOMEM. The text is copied. */
int as_jinja_parse(as_jinja **out, as_str text, const char *name, as_err *err);
void as_jinja_free(as_jinja *j); /* NULL is fine */

typedef struct as_jinja_variable {
    const char *name;
    as_str json; /* one JSON value; data NULL: undefined */
} as_jinja_variable;

/* Stretches of the output that a {% generation %} block made: what a model learns to write. Caller's, zero-initialised. */
typedef struct as_jinja_spans {
    size_t (*spans)[2]; /* [start, end) in bytes of what the call appended to */
    size_t n, cap;
} as_jinja_spans;
void as_jinja_spans_fini(as_jinja_spans *s);

typedef struct as_jinja_options {
    const as_jinja_variable *variables;
    size_t n_variables;
    int64_t now; /* for strftime_now: seconds of the epoch, local time; 0: the clock */
} as_jinja_options;

/* Appends the rendered text. spans may be NULL. On failure `out` is as it was: AS_EDATA (the template's own raise_exception
 * among them, with its words), AS_EBUDGET (a bound above), AS_ENOMEM. */
int as_jinja_render(const as_jinja *j, const as_jinja_options *options, as_buf *out, as_jinja_spans *spans, as_err *err);
#endif
