/* parse_print.h -- what the printer's files share. Internal to the parser's library.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_PARSE_PRINT_H
#define MATH_PARSE_PRINT_H
#include "math/parse.h"

enum { MATH_PRINTED = 256 * 1024 }; /* bytes, about: then nothing more is written */

/* How tight a printed text holds together. Whoever prints a part says what it needs at least, and
 * brackets stand around what is looser. */
typedef enum tightness {
    TIGHT_LIST,
    TIGHT_RELATION,
    TIGHT_RATIO,
    TIGHT_OPERAND, /* unions, numbers with their units */
    TIGHT_BIG,     /* sums, integrals, limits: they reach as far as they can */
    TIGHT_SUM,
    TIGHT_PRODUCT,
    TIGHT_SIGN,
    TIGHT_POSTFIX, /* x^2, n!, 5\% */
    TIGHT_ATOM
} tightness;

/* Where a part stands. */
enum {
    AT_START = 1,     /* a sign may come first */
    IN_LIST = 2,      /* commas separate here: none group digits */
    IN_EXACT = 4,     /* exponents, bounds, indices: numbers stay as they are */
    AT_OPERAND = 8,   /* units in words may follow */
    MAY_TURN = 16,    /* the sides of a relation may be exchanged */
    KEEPS_ORDER = 32, /* a list in a list may be a tuple without brackets */
    IS_SIDE = 64      /* of a relation: letters side by side may be one name */
};

typedef struct printer {
    const math_tree *t;
    pc_buf *out;
    size_t most; /* out->len at which nothing more is written */
    unsigned depth;
    bool rewrites;
    unsigned still; /* > 0: below here nothing is rewritten */
    uint64_t seed, drawn;
} printer;

/* parse_print.c: nothing is written once the text is full. */
bool print_full(const printer *p);
void print_put(printer *p, const char *text);
void print_str(printer *p, assay_str s);
void print_byte(printer *p, char c);
size_t print_open(printer *p, const char *bracket); /* what it gives, print_close needs */
void print_close(printer *p, size_t opened, const char *bracket);
void print_separator(printer *p, const char *sign);
void print_node(printer *p, math_id id, tightness least, unsigned where);
void print_argument(printer *p, math_id id, unsigned where); /* in braces */
static inline math_id print_kid(const printer *p, math_id id, uint32_t i)
{
    return math_kid(p->t, id, i);
}
static inline uint8_t print_kind(const printer *p, math_id id)
{
    return math_at(p->t, id)->kind;
}
/* The i-th child in `order`, or as it is. */
static inline math_id print_nth(const printer *p, math_id id, const uint32_t *order, uint32_t i)
{
    return print_kid(p, id, order ? order[i] : i);
}
void print_factor(printer *p, math_id id, bool first, unsigned where);
void print_name(printer *p, assay_str name, bool upright); /* parse_print_name.c */

/* One kind each: parse_print_scalar.c, parse_print_func.c, parse_print_set.c. */
void print_number(printer *p, math_id id, unsigned where);
void print_based(printer *p, math_id id, unsigned where);
void print_sum(printer *p, math_id id, unsigned where);
void print_product(printer *p, math_id id, unsigned where);
void print_mod(printer *p, math_id id, unsigned where);
void print_pm(printer *p, math_id id, unsigned where);
void print_negative(printer *p, math_id id, unsigned where);
void print_quotient(printer *p, math_id id, unsigned where);
void print_power(printer *p, math_id id, unsigned where);
void print_root(printer *p, math_id id, unsigned where);
void print_factorial(printer *p, math_id id, unsigned where);
void print_function(printer *p, math_id id, unsigned where);
void print_log(printer *p, math_id id, unsigned where);
void print_applied(printer *p, math_id id, unsigned where);
void print_big(printer *p, math_id id, unsigned where);
void print_with_unit(printer *p, math_id id, unsigned where);
void print_percent(printer *p, math_id id, unsigned where);
void print_degree(printer *p, math_id id, unsigned where);
void print_binomial(printer *p, math_id id, unsigned where);
void print_tuple(printer *p, math_id id, unsigned where);
void print_square(printer *p, math_id id, unsigned where);
void print_interval(printer *p, math_id id, unsigned where);
void print_braces(printer *p, math_id id, unsigned where);
void print_set(printer *p, math_id id, unsigned where);
void print_builder(printer *p, math_id id, unsigned where);
void print_union(printer *p, math_id id, unsigned where);
void print_intersection(printer *p, math_id id, unsigned where);
void print_difference(printer *p, math_id id, unsigned where);
void print_named(printer *p, math_id id, unsigned where);
void print_matrix(printer *p, math_id id, unsigned where);
void print_relation(printer *p, math_id id, unsigned where);
void print_list(printer *p, math_id id, unsigned where);
void print_family(printer *p, math_id id, unsigned where);
void print_cases(printer *p, math_id id, unsigned where);
void print_ratio(printer *p, math_id id, unsigned where);
void print_label(printer *p, math_id id, unsigned where);
void print_text(printer *p, math_id id, unsigned where);

/* parse_print_choice.c: the random part. Without rewriting none of them does anything. */
bool print_chance(printer *p, unsigned one_in);
/* The order in which n children are printed; NULL: as they are, else to be freed with pc_free. */
uint32_t *print_order(printer *p, math_id id, unsigned where);
/* Is it a scalar of which a verifier sees only the value: no unit, decimal, percent, base,
 * infinity? */
bool print_is_pure(const printer *p, math_id id);
bool print_is_letters(const printer *p, math_id id); /* AB */
bool print_is_integer(const printer *p, math_id id, size_t most_digits);
uint32_t print_below(printer *p, uint32_t n); /* 0 <= . < n */
#endif
