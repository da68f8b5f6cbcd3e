/* value_form.h -- a normal form of numbers: sums of rational multiples of monomials in roots of
 * primes, pi, e, i, logarithms of primes, and atoms (functions nothing more is known of).
 *
 * Equal forms are equal numbers, wherever both are defined. Different forms say nothing, unless
 * there are only roots of primes and powers of pi in them: those monomials are linearly independent
 * over Q. Private to value*.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_VALUE_FORM_H
#define MATH_VALUE_FORM_H
#include "math/value_inner.h"

enum {
    FORM_GENERATORS = 6, /* of a monomial */
    FORM_TERMS = 20,
    FORM_ATOMS = 64,
    FORM_PAIRS = 100, /* of terms multiplied with each other */
    FORM_BITS = 1024, /* of coefficients */
    FORM_DEPTH = 96   /* of nesting that is looked into */
};

typedef enum form_kind { G_PRIME, G_PI, G_E, G_LN, G_ATOM, G_I } form_kind;

/* value^(num/den); of a prime 0 < num/den < 1, of i just 1 */
typedef struct form_gen {
    uint64_t value; /* the prime, or the atom's number */
    int32_t kind, num, den;
} form_gen;

typedef struct form_term {
    fmpq_t c;
    int32_t n;
    form_gen gen[FORM_GENERATORS]; /* sorted by kind and value */
} form_term;

typedef struct form {
    int32_t n;
    form_term term[FORM_TERMS]; /* sorted by monomial, no coefficient 0 */
} form;

/* A function of a form, or a subtree. */
typedef struct form_atom {
    uint32_t op; /* math_fn, or what value_form_read.c adds to them */
    bool positive;
    form *arg; /* NULL: the tree */
    math_side tree;
} form_atom;

/* Shared by the two sides of a comparison: equal atoms have equal numbers. */
typedef struct form_atoms {
    uint32_t n;
    form_atom atom[FORM_ATOMS];
} form_atoms;

void form_clear(form *f);                   /* to 0; frees coefficients */
void form_copy(form *to, const form *from); /* `to` is cleared first, as below */
void form_rational(form *f, const fmpq_t c);
bool form_monomial(form *f, form_kind kind, uint64_t value, int32_t num, int32_t den);
bool form_equal(const form *a, const form *b);
bool form_is_rational(const form *f, fmpq_t c); /* c: its value, if so */
void form_neg(form *f);
/* False: it got too large, or it is not one; the form is as it was or cleared. */
bool form_add(form *f, const form *g);
bool form_mul(form *f, const form *g);
bool form_scale(form *f, const fmpq_t c);
bool form_inv(form *f);
bool form_pow(form *f, const fmpq_t exponent, const form_atoms *atoms);
/* ln of a positive rational */
bool form_ln_rational(form *f, const fmpq_t c);
/* Only roots of primes and powers of pi: the form is the number's only one. */
bool form_is_canonical(const form *f);

/* The tree as a form. False: not even as an atom (too many, too deep, out of budget). */
bool form_read(const value_scope *s, math_id id, form *out, form_atoms *atoms);
void form_atoms_fini(form_atoms *atoms);
#endif
