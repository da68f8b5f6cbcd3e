/* value_form_read.c -- trees as normal forms. What has no better form is an atom: a function of its
 * argument's form, or the subtree itself. SPDX-License-Identifier: Apache-2.0 */
#include "math/value_form.h"

enum { /* operations of atoms that are no math_fn */
       OP_TREE = FN_COUNT,
       OP_SELF, /* the form itself, to be raised to a power */
       OP_ROOT  /* and above: the root of that index, whatever its argument's sign */
};

typedef struct reader {
    const value_scope *s;
    form_atoms *atoms;
    unsigned depth;
} reader;

/* No deeper than FORM_DEPTH. NOLINTBEGIN(misc-no-recursion) */
static bool as_form(reader *r, math_id id, form *out);

void form_atoms_fini(form_atoms *atoms)
{
    for (uint32_t i = 0; i < atoms->n; i++)
        if (atoms->atom[i].arg) {
            form_clear(atoms->atom[i].arg);
            pc_free(atoms->atom[i].arg);
        }
    atoms->n = 0;
}

/* ---- atoms ---- */

static bool tree_atom(reader *r, math_id id, form *out)
{
    form_atoms *known = r->atoms;
    const math_side side = { r->s->t, id };
    uint32_t i = 0;
    if (r->s->bound)
        return false;
    while (i < known->n &&
           !(known->atom[i].op == OP_TREE &&
             math_same_tree(known->atom[i].tree.tree, known->atom[i].tree.id, side.tree, side.id)))
        i++;
    if (i == known->n) {
        if (i == FORM_ATOMS)
            return false;
        known->atom[known->n++] = (form_atom){ .op = OP_TREE, .tree = side };
    }
    return form_monomial(out, G_ATOM, i, 1, 1);
}

/* op of what is in f, to the power num/den; into f. */
static bool function_atom(reader *r, uint32_t op, form *f, bool positive, int32_t num, int32_t den)
{
    form_atoms *known = r->atoms;
    uint32_t i = 0;
    while (i < known->n &&
           !(known->atom[i].op == op && known->atom[i].arg && form_equal(known->atom[i].arg, f)))
        i++;
    if (i == known->n) {
        form *arg = i < FORM_ATOMS ? pc_calloc(1, sizeof *arg) : NULL;
        if (!arg)
            return false;
        form_copy(arg, f);
        known->atom[known->n++] = (form_atom){ .op = op, .positive = positive, .arg = arg };
    }
    return form_monomial(f, G_ATOM, i, num, den);
}

/* Is it surely a real number, by its generators? */
static bool is_real(const reader *r, const form *f)
{
    for (int32_t i = 0; i < f->n; i++)
        for (int32_t k = 0; k < f->term[i].n; k++) {
            const form_gen *g = &f->term[i].gen[k];
            if (g->kind == G_I || (g->kind == G_ATOM && !r->atoms->atom[g->value].positive))
                return false;
        }
    return true;
}

/* ---- roots and powers ---- */

static bool power_atom(reader *r, form *f, const fmpq_t exponent)
{
    if (fmpz_cmpabs(fmpq_numref(exponent), (fmpz[]){ FORM_BITS }) > 0 ||
        fmpz_cmp_si(fmpq_denref(exponent), FORM_BITS) > 0)
        return false;
    const int32_t num = (int32_t)fmpz_get_si(fmpq_numref(exponent)),
                  den = (int32_t)fmpz_get_si(fmpq_denref(exponent));
    return function_atom(r, den == 1 ? OP_SELF : OP_ROOT + (uint32_t)den, f, false, num, 1);
}

static bool to_power(reader *r, form *f, const fmpq_t exponent)
{
    form tried = { .n = 0 };
    form_copy(&tried, f);
    const bool ok = form_pow(&tried, exponent, r->atoms);
    if (ok)
        form_copy(f, &tried);
    form_clear(&tried);
    return ok || (f->n && power_atom(r, f, exponent));
}

static bool inverse(reader *r, form *f)
{
    fmpq_t minus_1;
    fmpq_init(minus_1);
    fmpq_set_si(minus_1, -1, 1);
    const bool ok = to_power(r, f, minus_1);
    fmpq_clear(minus_1);
    return ok;
}

/* ---- exponentials and logarithms ---- */

/* f *= g; g is cleared */
static bool times(form *f, form *g)
{
    const bool ok = form_mul(f, g);
    form_clear(g);
    return ok;
}

static bool int32_exponent(const fmpq_t c, int32_t *num, int32_t *den)
{
    if (fmpz_bits(fmpq_numref(c)) > 20 || fmpz_bits(fmpq_denref(c)) > 20)
        return false;
    *num = (int32_t)fmpz_get_si(fmpq_numref(c));
    *den = (int32_t)fmpz_get_si(fmpq_denref(c));
    return true;
}

/* e^(c m), m a monomial: a power of e, of a prime (c ln p), or of the atom e^m. */
static bool exponential_of_term(reader *r, const form_term *t, form *out)
{
    int32_t num = 0, den = 1;
    form m = { .n = 1 };
    m.term[0] = *t;
    fmpq_init(m.term[0].c);
    fmpq_set(m.term[0].c, t->c);
    bool ok = false;
    if (t->n == 0) {
        ok = int32_exponent(t->c, &num, &den) && form_monomial(out, G_E, 0, num, den);
    } else if (t->n == 1 && t->gen[0].kind == G_LN && t->gen[0].num == 1 && t->gen[0].den == 1) {
        ok = int32_exponent(t->c, &num, &den) &&
             form_monomial(out, G_PRIME, t->gen[0].value, num, den);
    } else if (is_real(r, &m) && int32_exponent(t->c, &num, &den)) {
        fmpq_one(m.term[0].c);
        form_copy(out, &m);
        ok = function_atom(r, FN_EXP, out, true, num, den);
    } else {
        form_copy(out, &m);
        ok = function_atom(r, FN_EXP, out, false, 1, 1);
    }
    form_clear(&m);
    return ok;
}

static bool exponential(reader *r, form *f)
{
    form part = { .n = 0 }, all = { .n = 0 };
    fmpq_t one;
    fmpq_init(one);
    fmpq_one(one);
    form_rational(&all, one);
    bool ok = true;
    for (int32_t i = 0; i < f->n && ok; i++)
        ok = exponential_of_term(r, &f->term[i], &part) && times(&all, &part);
    if (ok)
        form_copy(f, &all);
    form_clear(&part);
    form_clear(&all);
    fmpq_clear(one);
    return ok;
}

/* ln of one generator to a power, added to f */
static bool add_logarithm(reader *r, form *f, const form_gen *g)
{
    form part = { .n = 0 };
    fmpq_t e;
    fmpq_init(e);
    fmpq_set_si(e, g->num, (ulong)g->den);
    bool ok = true;
    if (g->kind == G_E) {
        form_rational(&part, e);
    } else if (g->kind == G_PRIME) {
        ok = form_monomial(&part, G_LN, g->value, 1, 1) && form_scale(&part, e);
    } else if (g->kind == G_ATOM && r->atoms->atom[g->value].op == FN_EXP) {
        form_copy(&part, r->atoms->atom[g->value].arg);
        ok = form_scale(&part, e);
    } else { /* pi, ln p, positive atoms */
        ok = form_monomial(&part, (form_kind)g->kind, g->value, 1, 1) &&
             function_atom(r, FN_LN, &part, false, 1, 1) && form_scale(&part, e);
    }
    ok = ok && form_add(f, &part);
    form_clear(&part);
    fmpq_clear(e);
    return ok;
}

/* Of a positive or negative monomial the sum of logarithms; else an atom. */
static bool logarithm(reader *r, form *f)
{
    form sum = { .n = 0 }, part = { .n = 0 };
    fmpq_t size;
    fmpq_init(size);
    bool ok = f->n == 1 && is_real(r, f);
    if (ok) {
        fmpq_abs(size, f->term[0].c);
        ok = form_ln_rational(&sum, size);
    }
    for (int32_t i = 0; ok && i < f->term[0].n; i++)
        ok = add_logarithm(r, &sum, &f->term[0].gen[i]);
    if (ok && fmpq_sgn(f->term[0].c) < 0) { /* + i pi */
        form i_pi = { .n = 0 };
        ok = form_monomial(&part, G_I, 0, 1, 1) && form_monomial(&i_pi, G_PI, 0, 1, 1) &&
             form_mul(&part, &i_pi) && form_add(&sum, &part);
        form_clear(&i_pi);
    }
    if (ok)
        form_copy(f, &sum);
    form_clear(&sum);
    form_clear(&part);
    fmpq_clear(size);
    return ok || function_atom(r, FN_LN, f, false, 1, 1);
}

/* ln f / ln base */
static bool logarithm_to(reader *r, form *f, form *base)
{
    return logarithm(r, f) && logarithm(r, base) && base->n && inverse(r, base) &&
           form_mul(f, base);
}

static bool logarithm_to_integer(reader *r, form *f, slong n)
{
    form base = { .n = 0 };
    fmpq_t b;
    fmpq_init(b);
    fmpq_set_si(b, n, 1);
    form_rational(&base, b);
    const bool ok = logarithm_to(r, f, &base);
    form_clear(&base);
    fmpq_clear(b);
    return ok;
}

/* ---- trigonometry ---- */

/* f is c pi */
static bool is_pi_multiple(const form *f, fmpq_t c)
{
    fmpq_zero(c);
    if (f->n == 0)
        return true;
    const form_term *t = &f->term[0];
    if (f->n != 1 || t->n != 1 || t->gen[0].kind != G_PI || t->gen[0].num != 1 ||
        t->gen[0].den != 1)
        return false;
    fmpq_set(c, t->c);
    return true;
}

/* sin(k pi/12), k = 0..6: 0, (sqrt 6 - sqrt 2)/4, 1/2, sqrt 2/2, sqrt 3/2, (sqrt 6 + sqrt 2)/4, 1
 */
static bool special_sine(form *f, slong k)
{
    static const struct {
        int8_t radicand[2], num[2], den;
    } table[7] = {
        { { 1, 1 }, { 0, 0 }, 1 }, { { 6, 2 }, { 1, -1 }, 4 }, { { 1, 1 }, { 1, 0 }, 2 },
        { { 2, 1 }, { 1, 0 }, 2 }, { { 3, 1 }, { 1, 0 }, 2 },  { { 6, 2 }, { 1, 1 }, 4 },
        { { 1, 1 }, { 1, 0 }, 1 },
    };
    form part = { .n = 0 };
    fmpq_t c, half;
    fmpq_init(c);
    fmpq_init(half);
    fmpq_set_si(half, 1, 2);
    form_clear(f);
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++) {
        if (table[k].num[i] == 0)
            continue;
        fmpq_set_si(c, table[k].radicand[i], 1);
        form_rational(&part, c);
        ok = table[k].radicand[i] == 1 || form_pow(&part, half, NULL);
        fmpq_set_si(c, table[k].num[i], (ulong)table[k].den);
        ok = ok && form_scale(&part, c) && form_add(f, &part);
    }
    form_clear(&part);
    fmpq_clear(c);
    fmpq_clear(half);
    return ok;
}

/* c to 0 <= c <= 1/2 with sin(c pi) = sign sin(old c pi) */
static int reduced_angle(fmpq_t c)
{
    int sign = 1;
    fmpz_t turns;
    fmpz_init(turns);
    fmpz_fdiv_q(turns, fmpq_numref(c), fmpq_denref(c));
    if (fmpz_is_odd(turns))
        sign = -1;
    fmpq_sub_fmpz(c, c, turns); /* 0 <= c < 1 */
    if (fmpq_cmp_si(c, 0) > 0) {
        fmpq_t other;
        fmpq_init(other);
        fmpq_sub_si(other, c, 1);
        fmpq_neg(other, other);
        if (fmpq_cmp(other, c) < 0)
            fmpq_set(c, other);
        fmpq_clear(other);
    }
    fmpz_clear(turns);
    return sign;
}

static bool sine_of_pi(reader *r, form *f, fmpq_t c)
{
    const int sign = reduced_angle(c);
    bool ok = false;
    if (fmpz_cmp_si(fmpq_denref(c), 12) <= 0 && 12 % fmpz_get_si(fmpq_denref(c)) == 0) {
        ok = special_sine(f, fmpz_get_si(fmpq_numref(c)) * (12 / fmpz_get_si(fmpq_denref(c))));
    } else {
        form_rational(f, c);
        ok = function_atom(r, FN_SIN, f, true, 1, 1);
    }
    if (sign < 0)
        form_neg(f);
    return ok;
}

/* sin and cos; of other angles an atom of the angle with a positive first coefficient. */
static bool sine(reader *r, form *f, bool cosine)
{
    fmpq_t c;
    fmpq_init(c);
    bool ok = false;
    if (is_pi_multiple(f, c)) {
        if (cosine) { /* sin(pi/2 - x) */
            fmpq_t quarter;
            fmpq_init(quarter);
            fmpq_set_si(quarter, 1, 2);
            fmpq_sub(c, quarter, c);
            fmpq_clear(quarter);
        }
        ok = sine_of_pi(r, f, c);
    } else {
        const bool flip = fmpq_sgn(f->term[0].c) < 0;
        if (flip)
            form_neg(f);
        ok = function_atom(r, cosine ? FN_COS : FN_SIN, f, false, 1, 1);
        if (flip && !cosine)
            form_neg(f);
    }
    fmpq_clear(c);
    return ok;
}

/* tan, cot, sec, csc through both */
static bool trigonometric(reader *r, math_fn fn, form *f)
{
    if (fn == FN_SIN || fn == FN_COS)
        return sine(r, f, fn == FN_COS);
    form top = { .n = 0 };
    fmpq_t one;
    fmpq_init(one);
    fmpq_one(one);
    form_rational(&top, one);
    bool ok = true;
    if (fn == FN_TAN || fn == FN_COT) {
        form_copy(&top, f);
        ok = sine(r, &top, fn == FN_COT);
    }
    ok = ok && sine(r, f, fn == FN_TAN || fn == FN_SEC) && f->n && inverse(r, f) && times(f, &top);
    form_clear(&top);
    fmpq_clear(one);
    return ok;
}

/* f is the sine (tangent) of k pi/12, k = -6..6: f becomes the angle. */
static bool special_angle(form *f, bool tangent)
{
    form value = { .n = 0 }, cosine = { .n = 0 };
    slong found = 99;
    for (slong k = 0; k <= (tangent ? 5 : 6) && found == 99; k++) {
        if (!special_sine(&value, k))
            break;
        if (tangent &&
            !(special_sine(&cosine, 6 - k) && form_inv(&cosine) && form_mul(&value, &cosine)))
            break;
        if (form_equal(f, &value))
            found = k;
        form_neg(&value);
        if (form_equal(f, &value))
            found = -k;
    }
    form_clear(&value);
    form_clear(&cosine);
    if (found == 99)
        return false;
    fmpq_t c;
    fmpq_init(c);
    fmpq_set_si(c, found, 12);
    const bool ok = form_monomial(f, G_PI, 0, 1, 1) && form_scale(f, c);
    fmpq_clear(c);
    return ok;
}

/* asin, atan (odd), acos x = pi/2 - asin x, and those of 1/x */
static bool inverse_trigonometric(reader *r, math_fn fn, form *f)
{
    const bool tangent = fn == FN_ATAN || fn == FN_ACOT;
    if (f->n == 0 && fn != FN_ASIN && fn != FN_ATAN && fn != FN_ACOS)
        return false;
    if ((fn == FN_ACOT || fn == FN_ASEC || fn == FN_ACSC) && !inverse(r, f))
        return false;
    if (!special_angle(f, tangent)) {
        const bool flip = fmpq_sgn(f->term[0].c) < 0;
        if (flip)
            form_neg(f);
        if (!function_atom(r, tangent ? FN_ATAN : FN_ASIN, f, false, 1, 1))
            return false;
        if (flip)
            form_neg(f);
    }
    if (fn != FN_ACOS && fn != FN_ASEC)
        return true;
    form right = { .n = 0 };
    fmpq_t half;
    fmpq_init(half);
    fmpq_set_si(half, 1, 2);
    form_neg(f);
    const bool ok =
        form_monomial(&right, G_PI, 0, 1, 1) && form_scale(&right, half) && form_add(f, &right);
    form_clear(&right);
    fmpq_clear(half);
    return ok;
}

/* ---- the nodes ---- */

/* |c m| = |c| m for a monomial that is positive but for its coefficient; |-x| = |x| */
static bool absolute(reader *r, form *f)
{
    if (f->n && fmpq_sgn(f->term[0].c) < 0)
        form_neg(f);
    return (f->n <= 1 && is_real(r, f)) || function_atom(r, FN_ABS, f, false, 1, 1);
}

static bool read_function(reader *r, math_id id, form *out)
{
    const math_node *x = math_at(r->s->t, id);
    const math_fn fn = (math_fn)x->op;
    if (x->n != 1 || fn >= FN_COUNT)
        return tree_atom(r, id, out);
    if (!as_form(r, math_kid(r->s->t, id, 0), out))
        return false;
    if (fn >= FN_SIN && fn <= FN_CSC)
        return trigonometric(r, fn, out);
    if (fn >= FN_ASIN && fn <= FN_ACSC)
        return inverse_trigonometric(r, fn, out);
    switch ((int)fn) {
    case FN_EXP:
        return exponential(r, out);
    case FN_LN:
        return out->n && logarithm(r, out);
    case FN_LG:
        return out->n && logarithm_to_integer(r, out, 10);
    case FN_LOG:
        return out->n &&
               (r->s->env->log_base ? logarithm_to_integer(r, out, (slong)r->s->env->log_base)
                                    : logarithm(r, out));
    case FN_ABS:
        return absolute(r, out);
    default:
        return function_atom(r, fn, out, false, 1, 1);
    }
}

static bool read_fold(reader *r, math_id id, form *out)
{
    const bool product = math_at(r->s->t, id)->kind == M_MUL;
    form next = { .n = 0 };
    bool ok = as_form(r, math_kid(r->s->t, id, 0), out);
    for (uint32_t i = 1; i < math_at(r->s->t, id)->n && ok; i++)
        ok = as_form(r, math_kid(r->s->t, id, i), &next) &&
             (product ? form_mul : form_add)(out, &next);
    form_clear(&next);
    return ok;
}

static bool read_quotient(reader *r, math_id id, form *out)
{
    form below = { .n = 0 };
    const bool ok = as_form(r, math_kid(r->s->t, id, 0), out) &&
                    as_form(r, math_kid(r->s->t, id, 1), &below) && below.n && inverse(r, &below) &&
                    form_mul(out, &below);
    form_clear(&below);
    return ok;
}

/* base^exponent through ln where the exponent is irrational: b^x = e^(x ln b), b > 0 */
static bool read_power(reader *r, math_id id, form *out)
{
    const math_id base = math_kid(r->s->t, id, 0);
    form exponent = { .n = 0 };
    fmpq_t e;
    fmpq_init(e);
    bool ok = as_form(r, math_kid(r->s->t, id, 1), &exponent);
    if (ok && math_at(r->s->t, base)->kind == M_E && !value_lookup(r->s, base)) {
        form_copy(out, &exponent);
        ok = exponential(r, out);
    } else if (ok && (ok = as_form(r, base, out) && out->n)) {
        if (form_is_rational(&exponent, e))
            ok = to_power(r, out, e);
        else
            ok = out->n == 1 && fmpq_sgn(out->term[0].c) > 0 && is_real(r, out) &&
                 logarithm(r, out) && form_mul(out, &exponent) && exponential(r, out);
    }
    form_clear(&exponent);
    fmpq_clear(e);
    return ok;
}

static bool read_root(reader *r, math_id id, form *out)
{
    const bool square = math_at(r->s->t, id)->kind == M_SQRT;
    fmpq_t e;
    fmpq_init(e);
    fmpq_set_si(e, 2, 1);
    bool ok = square || value_q(r->s, math_kid(r->s->t, id, 0), e) == EVAL_OK;
    ok = ok && !fmpq_is_zero(e) && as_form(r, math_kid(r->s->t, id, square ? 0 : 1), out);
    if (ok && out->n) {
        fmpq_inv(e, e);
        ok = to_power(r, out, e);
    }
    fmpq_clear(e);
    return ok;
}

static bool read_log(reader *r, math_id id, form *out)
{
    form base = { .n = 0 };
    const bool ok = as_form(r, math_kid(r->s->t, id, 1), out) && out->n &&
                    as_form(r, math_kid(r->s->t, id, 0), &base) && base.n &&
                    logarithm_to(r, out, &base);
    form_clear(&base);
    return ok;
}

static bool read_one(reader *r, math_id id, form *out)
{
    const uint8_t kind = math_at(r->s->t, id)->kind;
    bool ok = as_form(r, math_kid(r->s->t, id, 0), out);
    if (kind == M_NEG)
        form_neg(out);
    if (!ok || kind == M_NEG || kind == M_UNIT)
        return ok;
    form pi = { .n = 0 };
    fmpq_t c;
    fmpq_init(c);
    fmpq_set_si(c, 1, kind == M_PERCENT ? 100 : 180);
    ok = form_scale(out, c);
    if (kind == M_DEGREE)
        ok = ok && form_monomial(&pi, G_PI, 0, 1, 1) && form_mul(out, &pi);
    form_clear(&pi);
    fmpq_clear(c);
    return ok;
}

/* A sum to infinity: rational + scale pi^k, or + scale e^x. */
static bool read_series(reader *r, math_id id, form *out)
{
    value_series v;
    form part = { .n = 0 };
    int32_t num = 0, den = 1;
    value_series_init(&v);
    bool ok = value_infinite_sum(r->s, id, &v) == EVAL_OK && int32_exponent(v.exponent, &num, &den);
    if (ok) {
        form_rational(out, v.rational);
        ok = form_monomial(&part, v.pi ? G_PI : G_E, 0, v.pi ? (int32_t)v.pi : num, den) &&
             form_scale(&part, v.scale) && form_add(out, &part);
    }
    form_clear(&part);
    value_series_fini(&v);
    return ok;
}

/* Anything else: rational, or an atom. */
static bool read_other(reader *r, math_id id, form *out)
{
    fmpq_t c;
    fmpq_init(c);
    const math_eval e = value_q(r->s, id, c);
    if (e == EVAL_OK)
        form_rational(out, c);
    fmpq_clear(c);
    return e == EVAL_OK || (e == EVAL_OUTSIDE && tree_atom(r, id, out));
}

static bool structured(reader *r, math_id id, form *out)
{
    switch ((int)math_at(r->s->t, id)->kind) {
    case M_PI:
        return form_monomial(out, G_PI, 0, 1, 1);
    case M_E:
        return value_lookup(r->s, id) ? read_other(r, id, out) : form_monomial(out, G_E, 0, 1, 1);
    case M_I:
        return value_lookup(r->s, id) ? read_other(r, id, out) : form_monomial(out, G_I, 0, 1, 1);
    case M_ADD:
    case M_MUL:
        return read_fold(r, id, out);
    case M_NEG:
    case M_PERCENT:
    case M_DEGREE:
    case M_UNIT:
        return read_one(r, id, out);
    case M_DIV:
        return read_quotient(r, id, out);
    case M_POW:
        return read_power(r, id, out);
    case M_SQRT:
    case M_ROOT:
        return read_root(r, id, out);
    case M_LOG:
        return read_log(r, id, out);
    case M_FUNC:
        return read_function(r, id, out);
    case M_SUM:
        return read_series(r, id, out) || read_other(r, id, out);
    default:
        return read_other(r, id, out);
    }
}

static bool as_form(reader *r, math_id id, form *out)
{
    if (r->depth == FORM_DEPTH || !value_spend(r->s, 3))
        return false;
    r->depth++;
    const bool ok = structured(r, id, out) && value_spend(r->s, out->n);
    r->depth--;
    if (ok)
        return true;
    form_clear(out);
    return read_other(r, id, out);
}
/* NOLINTEND(misc-no-recursion) */

bool form_read(const value_scope *s, math_id id, form *out, form_atoms *atoms)
{
    reader r = { s, atoms, 0 };
    return as_form(&r, id, out);
}
