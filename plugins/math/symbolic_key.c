/* symbolic_key.c -- canonical texts of rational functions in unknowns, pi, i and square roots of
 * primes: equal functions, equal keys. SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

enum { KEY_GENS = 12 };

/* A generator that may stand in a key, as text; NULL: it may not. Constants are told apart from
 * unknowns by what no name begins with. */
static bool gen_label(sym_ring *r, uint32_t g, pc_buf *out)
{
    const sym_gen *gen = &r->gen[g];
    bool is_constant = gen->kind == GEN_PI || gen->kind == GEN_I;
    if (gen->kind == GEN_UNKNOWN)
        pc_buf_add(out, gen->name.data, gen->name.len);
    else if (is_constant)
        pc_buf_text(out, gen->kind == GEN_PI ? "%pi" : "%i");
    else if (gen->kind == GEN_EXP && sym_poly_is_one(r, &gen->arg[0].num) &&
             sym_poly_is_one(r, &gen->arg[0].den))
        pc_buf_text(out, "%e");
    else if (gen->kind == GEN_ROOT && gen->op == 2 && !r->is_impure &&
             fmpz_mpoly_is_fmpz(&gen->arg[0].num, r->ctx) &&
             fmpz_abs_fits_ui(gen->arg[0].num.coeffs))
        pc_buf_fmt(out, "%%r%lu", fmpz_get_ui(gen->arg[0].num.coeffs));
    else
        return false;
    return !out->failed;
}

/* The order of generators depends on where they were met, so the constants are made in a fixed
 * order before the expression is read again. */
static bool make_in_order(sym_ring *r, const sym_ring *met)
{
    sym_ratio t;
    ulong roots[KEY_GENS], n = 0;
    bool has_pi = false, has_i = false, ok = true;
    for (uint32_t g = met->n_unknowns; g < met->n && n < KEY_GENS; g++) {
        has_pi |= met->gen[g].kind == GEN_PI;
        has_i |= met->gen[g].kind == GEN_I;
        if (met->gen[g].kind == GEN_ROOT) {
            ulong p = fmpz_get_ui(met->gen[g].arg[0].num.coeffs), at = n++;
            for (; at > 0 && roots[at - 1] > p; at--)
                roots[at] = roots[at - 1];
            roots[at] = p;
        }
    }
    sym_init(r, &t);
    ok = (!has_pi || sym_pi(r, &t)) && (!has_i || sym_i(r, &t));
    for (ulong k = 0; ok && k < n; k++) {
        sym_set_si(r, &t, (slong)roots[k]);
        ok = sym_root(r, &t, &t, 2);
    }
    sym_clear(r, &t);
    return ok;
}

static void poly_text(sym_ring *r, const fmpz_mpoly_struct *p, char *const *labels, pc_buf *out)
{
    const char *names[SYM_GENS];
    for (uint32_t g = 0; g < r->room; g++)
        names[g] = g < r->n ? labels[g] : "?";
    char *text = fmpz_mpoly_get_str_pretty(p, names, r->ctx);
    pc_buf_text(out, text);
    flint_free(text);
}

static bool ratio_text(sym_ring *r, const sym_ratio *x, pc_buf *out)
{
    pc_buf label[SYM_GENS];
    char *labels[SYM_GENS];
    bool ok = true;
    uint32_t n = 0;
    for (; ok && n < r->n; n++) {
        label[n] = (pc_buf){ 0 };
        pc_buf_text(&label[n], "");
        ok = gen_label(r, n, &label[n]);
        labels[n] = label[n].data;
    }
    if (ok) {
        pc_buf_text(out, "p:");
        poly_text(r, &x->num, labels, out);
        if (!sym_poly_is_one(r, &x->den)) {
            pc_buf_text(out, " / ");
            poly_text(r, &x->den, labels, out);
        }
    }
    while (n-- > 0)
        pc_buf_fini(&label[n]);
    return ok;
}

static bool number_text(const fmpq_t q, pc_buf *out)
{
    char *text = fmpq_get_str(NULL, 10, q);
    pc_buf_text(out, "q:");
    pc_buf_text(out, text);
    flint_free(text);
    return true;
}

/* A number or a fraction in unknowns; not a number that only roots and pi make up. */
static bool value_text(sym_ring *r, const sym_ratio *x, pc_buf *out)
{
    uint8_t used[SYM_GENS] = { 0 };
    fmpq_t q;
    fmpq_init(q);
    bool ok = false, is_number = sym_is_q(r, x, q);
    sym_poly_uses(r, &x->num, used);
    sym_poly_uses(r, &x->den, used);
    for (uint32_t g = 0; g < r->n_unknowns; g++)
        ok = ok || used[g];
    ok = is_number ? number_text(q, out) : ok && ratio_text(r, x, out);
    fmpq_clear(q);
    return ok;
}

static bool may_have_key(sym_ring *r)
{
    pc_buf text = { 0 };
    bool ok = r->n - r->n_unknowns <= KEY_GENS;
    for (uint32_t g = r->n_unknowns; ok && g < r->n; g++)
        ok = gen_label(r, g, &text);
    pc_buf_fini(&text);
    return ok;
}

bool math_expr_key(math_side s, math_budget *budget, pc_buf *out)
{
    sym_facts f = { .n_unknowns = 0 };
    if (!sym_facts_add(&f, s) || f.is_outside || f.has_pm || f.has_log || f.has_apply)
        return false;
    if (f.n_unknowns == 0) {
        math_env env = { .budget = budget, .log_base = 10 };
        return math_value_key(s, &env, out);
    }
    if (f.has_gcd) /* of polynomials x and y have none, as numbers they may */
        return false;
    sym_ring first, second;
    sym_ratio x;
    sym_ring_init(&first, &f, false, budget);
    sym_init(&first, &x);
    bool ok = sym_read(&first, s, &x) && may_have_key(&first);
    bool is_ordered = first.n - first.n_unknowns <= 1;
    if (ok && is_ordered)
        ok = sym_canonical(&first, &x) && value_text(&first, &x, out);
    sym_clear(&first, &x);
    if (ok && !is_ordered) {
        sym_ring_init(&second, &f, false, budget);
        sym_init(&second, &x);
        ok = make_in_order(&second, &first) && sym_read(&second, s, &x) && may_have_key(&second) &&
             sym_canonical(&second, &x) && value_text(&second, &x, out);
        sym_clear(&second, &x);
        sym_ring_fini(&second);
    }
    sym_ring_fini(&first);
    return ok;
}
