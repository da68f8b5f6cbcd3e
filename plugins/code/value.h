/* value.h -- typed values, in the encoding of assay.sandbox/1 (assay-sandbox(7)): what a call is
 * given and what it returned. Checked, compared and printed here, when the program that made them
 * is dead.
 *
 *   N T F   i-12; (or hexadecimal)   f0x1.8p+1; fnan; finf;   c<f><f>   s3:abc   b3:abc
 *   [2<v><v>  (2<v><v>  {2<k><v><k><v>  <2<v><v>  >2<v><v>   list, tuple, dict, set, frozenset
 * ?4:name  another type
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_VALUE_H
#define CODE_VALUE_H
#include "common/text.h"

enum {
    CD_DEPTH = 64,
    CD_DIGITS = 20000 /* decimal digits of an integer; programs send long ones in hexadecimal */
};

/* ---- walking ---- */

typedef struct cd_item {
    char kind;      /* as above */
    size_t n;       /* elements (of a dict: pairs) */
    assay_str text; /* of i, f, s, b, ?: what is between the letter or colon and the end */
    double re, im;  /* of f and c */
} cd_item;
typedef struct cd_walk {
    const char *at, *end;
} cd_walk;
static inline cd_walk cd_walk_of(assay_str v)
{
    return (cd_walk){ v.data, v.data + v.len };
}
/* The next value's head; its elements follow. False: malformed. */
bool cd_next(cd_walk *w, cd_item *out);
/* Past one whole value, elements and all; *text is it. */
bool cd_skip(cd_walk *w, assay_str *text);
bool cd_valid(assay_str v);

/* ---- writing ---- */

void cd_put_float(pc_buf *out, double d);
void cd_put_text(pc_buf *out, char kind, assay_str text); /* s, b */
/* Decimal digits, with a sign perhaps. False: too many. */
bool cd_put_int(pc_buf *out, assay_str digits);
/* A container whose count is not known yet; cd_put_count() sets it. */
size_t cd_put_open(pc_buf *out, char kind);
void cd_put_count(pc_buf *out, size_t open, size_t n);

/* ---- comparing ---- */

typedef struct cd_tolerance { /* of floats, and of an integer against a float; both 0: exact */
    double relative, absolute;
    bool list_is_tuple; /* a list equals a tuple of the same elements, as in JSON */
} cd_tolerance;
/* As Python's == has it for these types: 1 equals 1.0 and True, NaN and values of other types equal
 * nothing. */
bool cd_equal(assay_str want, assay_str got, const cd_tolerance *tolerance);
/* As set(want) == set(got). */
bool cd_equal_sets(assay_str want, assay_str got);

/* Bytes that are equal for equal values, and only for them. False: malformed. *odd: it holds a NaN
 * or a value of another type. */
bool cd_canon(pc_buf *out, assay_str v, bool list_is_tuple, bool *odd);
bool cd_is_odd(assay_str v);      /* or malformed */
bool cd_is_thing(assay_str v);    /* one such that is always true: a Match, a generator */
bool cd_holds_other(assay_str v); /* a value of another type: one that cannot be handed on */
double cd_to_double(const cd_item *number); /* of T F i f; NaN for anything else */

double cd_strtod(const char *text, char **end); /* strtod() of the C locale */

/* As Python prints it; what it prints, it also reads, but for values of other types. */
void cd_repr(pc_buf *out, assay_str v);
#endif
