/* val.h -- exact values of one generator: rationals, a + b sqrt d, a + bi, rational polynomials in
 * pi or in one unknown. Two values are the same exactly when as_val_eq says so: squarefree roots of
 * different radicands are independent over the rationals, pi is transcendental, and polynomials in
 * an unknown are compared as polynomials. Internal to audit/. SPDX-License-Identifier: Apache-2.0
 */
#ifndef AS_AUDIT_VAL_H
#define AS_AUDIT_VAL_H
#include "audit/rat.h"

enum { AS_VAL_DEGREE = 12 };
typedef enum as_gen { AS_GEN_NONE, AS_GEN_ROOT, AS_GEN_I, AS_GEN_PI, AS_GEN_LETTER } as_gen;
typedef struct as_val {
    as_gen gen;   /* AS_GEN_NONE exactly where degree is 0 */
    char letter;  /* AS_GEN_LETTER */
    int64_t root; /* AS_GEN_ROOT: squarefree, > 1 */
    int degree;   /* ROOT and I: at most 1 */
    as_rat c[AS_VAL_DEGREE + 1];
} as_val;

as_val as_val_rat(as_rat a);
as_val as_val_int(int64_t n);
as_val as_val_gen(as_gen gen, int64_t root, char letter); /* the generator itself */
bool as_val_sqrt(as_val *out, as_rat a);                  /* of a rational >= 0 */
/* False: out of range, too high a degree, two generators, a division that leaves the ring. */
bool as_val_add(as_val *out, const as_val *a, const as_val *b);
bool as_val_sub(as_val *out, const as_val *a, const as_val *b);
bool as_val_mul(as_val *out, const as_val *a, const as_val *b);
bool as_val_div(as_val *out, const as_val *a, const as_val *b);
bool as_val_pow(as_val *out, const as_val *a, int exponent);
as_val as_val_neg(const as_val *a);
bool as_val_eq(const as_val *a, const as_val *b);
static inline bool as_val_is_rat(const as_val *a)
{
    return a->gen == AS_GEN_NONE;
}
static inline bool as_val_is_zero(const as_val *a)
{
    return a->degree == 0 && a->c[0].p == 0;
}
/* A number (no unknown, no i) as a double, good to about 1e-15: to print it or to order it, never
 * to prove equality. */
double as_val_double(const as_val *a);
#endif
