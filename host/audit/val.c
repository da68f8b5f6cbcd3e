/* val.c -- arithmetic in Q[g] for one generator g, reduced where g is a square root or i.
 * SPDX-License-Identifier: Apache-2.0 */
#include "audit/val.h"

#include <math.h>
#include <string.h>

as_val as_val_rat(as_rat a)
{
    as_val v;
    memset(&v, 0, sizeof v);
    v.c[0] = a;
    return v;
}

as_val as_val_int(int64_t n)
{
    return as_val_rat(as_rat_of(n, 1));
}

as_val as_val_gen(as_gen gen, int64_t root, char letter)
{
    as_val v = as_val_int(0);
    v.gen = gen;
    v.root = gen == AS_GEN_ROOT ? root : 0;
    v.letter = (char)(gen == AS_GEN_LETTER ? letter : 0);
    v.degree = 1;
    v.c[1] = as_rat_of(1, 1);
    return v;
}

/* The squarefree part of n; *square: n == *square^2 * part. */
static int64_t squarefree(int64_t n, int64_t *square)
{
    *square = 1;
    for (int64_t k = 2; k * k <= n; k++) {
        while (n % (k * k) == 0) {
            n /= k * k;
            *square *= k;
        }
    }
    return n;
}

bool as_val_sqrt(as_val *out, as_rat a)
{
    enum { LARGEST = 1 << 30 }; /* trial division ends at its root */
    if (a.q == 0 || a.p < 0 || a.p > LARGEST || a.q > LARGEST)
        return false;
    int64_t square = 0, whole = a.p * a.q;
    if (whole > LARGEST)
        return false;
    int64_t root = squarefree(whole, &square);
    as_rat factor = as_rat_of(whole ? square : 0, a.q);
    if (root <= 1) {
        *out = as_val_rat(factor);
        return as_rat_ok(factor);
    }
    *out = as_val_gen(AS_GEN_ROOT, root, 0);
    out->c[1] = factor;
    return as_rat_ok(factor);
}

static bool is_quadratic(as_gen gen)
{
    return gen == AS_GEN_ROOT || gen == AS_GEN_I;
}

/* Drops leading zeros; false where a coefficient is invalid. */
static bool settle(as_val *v)
{
    for (int i = 0; i <= v->degree; i++)
        if (!as_rat_ok(v->c[i]))
            return false;
    while (v->degree > 0 && v->c[v->degree].p == 0)
        v->degree--;
    if (v->degree == 0)
        *v = as_val_rat(v->c[0]);
    return true;
}

/* The generator two values share; false where each has its own. */
static bool common(as_val *out, const as_val *a, const as_val *b)
{
    const as_val *g = a->gen != AS_GEN_NONE ? a : b;
    if (b->gen != AS_GEN_NONE && (b->gen != g->gen || b->root != g->root || b->letter != g->letter))
        return false;
    *out = as_val_int(0);
    out->gen = g->gen;
    out->root = g->root;
    out->letter = g->letter;
    for (int i = 0; i <= AS_VAL_DEGREE; i++)
        out->c[i] = as_rat_of(0, 1);
    return true;
}

bool as_val_add(as_val *out, const as_val *a, const as_val *b)
{
    as_val sum;
    if (!common(&sum, a, b))
        return false;
    sum.degree = a->degree > b->degree ? a->degree : b->degree;
    for (int i = 0; i <= a->degree; i++)
        sum.c[i] = a->c[i];
    for (int i = 0; i <= b->degree; i++)
        sum.c[i] = as_rat_add(sum.c[i], b->c[i]);
    *out = sum;
    return settle(out);
}

as_val as_val_neg(const as_val *a)
{
    as_val v = *a;
    for (int i = 0; i <= v.degree; i++)
        v.c[i] = as_rat_neg(v.c[i]);
    return v;
}

bool as_val_sub(as_val *out, const as_val *a, const as_val *b)
{
    as_val minus = as_val_neg(b);
    return as_val_add(out, a, &minus);
}

bool as_val_mul(as_val *out, const as_val *a, const as_val *b)
{
    as_val v;
    if (!common(&v, a, b) || a->degree + b->degree > AS_VAL_DEGREE)
        return false;
    v.degree = a->degree + b->degree;
    for (int i = 0; i <= a->degree; i++)
        for (int j = 0; j <= b->degree; j++)
            v.c[i + j] = as_rat_add(v.c[i + j], as_rat_mul(a->c[i], b->c[j]));
    if (v.degree == 2 && is_quadratic(v.gen)) {
        as_rat square = as_rat_of(v.gen == AS_GEN_I ? -1 : v.root, 1);
        v.c[0] = as_rat_add(v.c[0], as_rat_mul(v.c[2], square));
        v.degree = 1;
    }
    *out = v;
    return settle(out);
}

/* Once: the norm is rational. NOLINTBEGIN(misc-no-recursion) */
bool as_val_div(as_val *out, const as_val *a, const as_val *b)
{
    if (as_val_is_zero(b))
        return false;
    if (as_val_is_rat(b)) {
        as_val inverse = as_val_rat(as_rat_div(as_rat_of(1, 1), b->c[0]));
        return as_rat_ok(inverse.c[0]) && as_val_mul(out, a, &inverse);
    }
    as_val top, norm, conjugate = *b;
    if (!is_quadratic(b->gen))
        return false;
    conjugate.c[1] = as_rat_neg(b->c[1]);
    return as_val_mul(&norm, b, &conjugate) && as_val_is_rat(&norm) &&
           as_val_mul(&top, a, &conjugate) && as_val_div(out, &top, &norm);
}

/* NOLINTEND(misc-no-recursion) */
bool as_val_pow(as_val *out, const as_val *a, int exponent)
{
    as_val power = as_val_int(1);
    if (exponent < -40 || exponent > 40)
        return false;
    for (int i = 0; i < (exponent < 0 ? -exponent : exponent); i++)
        if (!as_val_mul(&power, &power, a))
            return false;
    as_val one = as_val_int(1);
    if (exponent < 0)
        return as_val_div(out, &one, &power);
    *out = power;
    return true;
}

bool as_val_eq(const as_val *a, const as_val *b)
{
    if (a->gen != b->gen || a->root != b->root || a->letter != b->letter || a->degree != b->degree)
        return false;
    for (int i = 0; i <= a->degree; i++)
        if (!as_rat_eq(a->c[i], b->c[i]))
            return false;
    return true;
}

static double rat_double(as_rat a)
{
    return (double)a.p / (double)a.q;
}

double as_val_double(const as_val *a)
{
    const double pi = 3.14159265358979323846;
    double g = a->gen == AS_GEN_ROOT ? sqrt((double)a->root) : pi;
    double sum = 0;
    for (int i = a->degree; i >= 0; i--)
        sum = sum * g + rat_double(a->c[i]);
    return sum;
}
