/* value_key.c -- canonical names of numbers: equal algebraic numbers have equal keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

enum { KEY_BITS = 16384 }; /* of what is written out */

static void add_integer(pc_buf *out, const fmpz_t z)
{
    char *text = fmpz_get_str(NULL, 10, z);
    pc_buf_text(out, text);
    flint_free(text);
}

static void rational_key(const fmpq_t x, pc_buf *out)
{
    pc_buf_text(out, "q:");
    add_integer(out, fmpq_numref(x));
    if (!fmpz_is_one(fmpq_denref(x))) {
        pc_buf_byte(out, '/');
        add_integer(out, fmpq_denref(x));
    }
}

/* Which root of its polynomial x is: of two by the sign of x - (their mean), else by Calcium's
 * order of conjugates. */
static slong root_index(const qqbar_t x)
{
    const slong n = qqbar_degree(x);
    slong at = 0;
    if (n == 2) {
        qqbar_t difference;
        qqbar_init(difference);
        fmpq_t sum; /* of both roots: -b/a */
        fmpq_init(sum);
        fmpq_set_fmpz_frac(sum, QQBAR_COEFFS(x) + 1, QQBAR_COEFFS(x) + 2);
        fmpq_div_2exp(sum, sum, 1);
        qqbar_add_fmpq(difference, x, sum);
        at = qqbar_csgn(difference) > 0 ? 0 : 1;
        fmpq_clear(sum);
        qqbar_clear(difference);
        return at;
    }
    qqbar_ptr all = _qqbar_vec_init(n);
    qqbar_conjugates(all, x);
    while (at < n && !qqbar_equal(all + at, x))
        at++;
    _qqbar_vec_clear(all, n);
    return at;
}

static void algebraic_key(const qqbar_t x, pc_buf *out)
{
    pc_buf_text(out, "a:");
    for (slong k = 0; k <= qqbar_degree(x); k++) {
        if (k)
            pc_buf_byte(out, ',');
        add_integer(out, QQBAR_COEFFS(x) + k);
    }
    pc_buf_fmt(out, "@%ld", (long)root_index(x));
}

static bool irrational_key(const value_scope *s, math_id id, pc_buf *out)
{
    qqbar_t x;
    qqbar_init(x);
    bool ok = value_qqbar(s, id, x) == EVAL_OK;
    const slong n = qqbar_degree(x);
    ok = ok && qqbar_height_bits(x) * n < KEY_BITS && (n <= 2 || value_spend(s, 20 * n * n));
    if (ok && qqbar_is_rational(x)) {
        fmpq_t r;
        fmpq_init(r);
        qqbar_get_fmpq(r, x);
        rational_key(r, out);
        fmpq_clear(r);
    } else if (ok) {
        algebraic_key(x, out);
    }
    qqbar_clear(x);
    return ok;
}

bool math_value_key(math_side side, const math_env *env, pc_buf *out)
{
    const value_scope s = value_scope_of(side, env);
    fmpq_t x;
    fmpq_init(x);
    const math_eval e = value_q(&s, side.id, x);
    bool ok = e == EVAL_OK && fmpz_bits(fmpq_numref(x)) + fmpz_bits(fmpq_denref(x)) < 4L * KEY_BITS;
    if (ok)
        rational_key(x, out);
    else if (e == EVAL_OUTSIDE)
        ok = irrational_key(&s, side.id, out);
    fmpq_clear(x);
    return ok && !out->failed;
}
