/* gold.h -- a reference answer as the audit understands it: its shape and its exact parts. The
 * reader is small on purpose and shares nothing with any verifier: what it does not know for
 * certain it calls OTHER, and then only the text around the answer is varied. Internal to audit/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_AUDIT_GOLD_H
#define AS_AUDIT_GOLD_H
#include "audit/val.h"
#include "base/arena.h"

typedef enum as_shape {
    AS_SHAPE_OTHER,
    AS_SHAPE_NUMBER,     /* val, and a unit */
    AS_SHAPE_CHOICE,     /* letter 'A'..'J' */
    AS_SHAPE_WORDS,      /* text */
    AS_SHAPE_BASE,       /* text: the digits; base */
    AS_SHAPE_EQUATION,   /* letter = val */
    AS_SHAPE_CURVE,      /* letter = val, a polynomial in another unknown */
    AS_SHAPE_INEQUALITY, /* letter: the range from kids[0] to kids[1] */
    AS_SHAPE_INTERVAL,   /* kids[0], kids[1] */
    AS_SHAPE_UNION,      /* of intervals, disjoint and not touching */
    AS_SHAPE_TUPLE,      /* (a, b, ..) */
    AS_SHAPE_LIST,       /* a, b or {a, b}: order and repetition mean nothing */
    AS_SHAPE_MATRIX,     /* rows x cols of kids */
    AS_N_SHAPES
} as_shape;

typedef enum as_unit {
    AS_UNIT_NONE,
    AS_UNIT_PERCENT,
    AS_UNIT_DEGREE,
    AS_UNIT_DOLLAR,
    AS_UNIT_WORD /* text: "miles" */
} as_unit;

enum { AS_GOLD_KIDS = 24 };
typedef struct as_gold {
    as_shape shape;
    as_val val;
    as_unit unit;
    as_str text; /* NUL-terminated, in the arena */
    char letter;
    bool is_decimal;  /* written with a point: rounded, as far as anyone knows */
    bool is_rough;    /* scientific or "approximately": differences must be large */
    bool may_be_list; /* 1,234: two readings, so nothing that holds for one alone */
    bool is_braced;   /* LIST: in braces */
    bool is_infinite; /* NUMBER, end of an interval: -oo where val is -1, else oo */
    bool is_open[2];  /* ends of INTERVAL and INEQUALITY */
    int places;       /* of a decimal */
    int base;
    unsigned rows, cols, n; /* n: kids */
    struct as_gold *kids;
    as_str source; /* the whole answer as it came, without the $ around it */
} as_gold;

/* 0, or AS_ENOMEM: an answer that is not understood is no error. */
int as_gold_read(as_gold *out, as_str answer, as_arena *arena, as_err *err);
/* The same answer under every reading we know of: sets without order and repetition, the rest part
 * by part. Only meant for shapes that were understood. */
bool as_gold_same(const as_gold *a, const as_gold *b);
bool as_gold_copy(as_gold *out, const as_gold *from, as_arena *arena); /* with kids of its own */
bool as_gold_is_range(const as_gold *g); /* INTERVAL, INEQUALITY: low end below high end */
const char *
as_shape_word(const as_gold *g); /* "int", "frac", "surd", "tuple", ..: first word of the kinds */
#endif
