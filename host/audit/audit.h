/* audit.h -- a metamorphic audit of any verifier: from a gold answer, cases whose label is known by
 * construction.
 *
 * The generator reads golds with a small reader of its own and proves its labels with its own exact
 * arithmetic, so it is a witness independent of every verifier. Everything here depends on (seed,
 * gold, k) alone: no clock, no order, no threads. [any] SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_AUDIT_AUDIT_H
#define AS_AUDIT_AUDIT_H
#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum as_audit_class {
    AS_AUDIT_SELF,    /* the gold against itself, bare and boxed: must pass */
    AS_AUDIT_EQUAL,   /* rewritten: must pass */
    AS_AUDIT_MISS,    /* a near miss: must not pass */
    AS_AUDIT_HOSTILE, /* made to hang, to blow up or to break in: must not pass, nor end as an error
                       */
    AS_AUDIT_N_CLASSES
} as_audit_class;
extern const char
    *const as_audit_class_names[AS_AUDIT_N_CLASSES]; /* "self", "equal", "near-miss", "hostile" */

enum { AS_AUDIT_KIND_MAX = 48 };
typedef struct as_audit_case {
    as_audit_class class;
    char kind[AS_AUDIT_KIND_MAX]; /* "int:commas", "frac:inverse": what was done */
    uint64_t gold;                /* its index; hostile cases have none */
    as_str reference, completion; /* in the arena, NUL-terminated */
} as_audit_case;
static inline bool as_audit_must_pass(as_audit_class c)
{
    return c == AS_AUDIT_SELF || c == AS_AUDIT_EQUAL;
}

typedef struct as_audit_options {
    uint64_t seed;
    unsigned per_gold; /* rewrites, and near misses, for each gold */
    bool is_on[AS_AUDIT_N_CLASSES];
    bool is_tolerant; /* no decimal approximations among the near misses */
} as_audit_options;

/* Most cases that one gold can have. */
unsigned as_audit_most(const as_audit_options *o);
/* The cases of one gold (the `index`-th), at most as_audit_most: a blank gold has none, and what
 * does not apply is left out. 0, or AS_ENOMEM. */
int as_audit_gold(const as_audit_options *o, as_str gold, uint64_t index, as_arena *arena,
                  as_audit_case *out, unsigned *n, as_err *err);
/* The i-th hostile case; their number is fixed, their sizes and digits depend on the seed. */
unsigned as_audit_n_hostile(void);
int as_audit_hostile(const as_audit_options *o, unsigned i, as_arena *arena, as_audit_case *out,
                     as_err *err);

/* Wilson's 95 % interval for `wrong` of `n`; 0 and 1 of nothing. */
typedef struct as_rate {
    double rate, low, high; /* rate: NaN of nothing */
} as_rate;
as_rate as_rate_of(uint64_t wrong, uint64_t n);
#endif
