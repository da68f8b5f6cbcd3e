/* parse_word.c -- what words and commands mean: functions, constants, unknowns with their indices
 * and accents. SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_inner.h"

/* Recursion is bounded by p->depth, which math_parse_expr counts. NOLINTBEGIN(misc-no-recursion) */

typedef struct named {
    const char *name;
    uint8_t what; /* math_fn */
} named;

math_fn math_function_named(assay_str name)
{
    static const named list[] = {
        { "sin", FN_SIN },        { "cos", FN_COS },       { "tan", FN_TAN },
        { "tg", FN_TAN },         { "cot", FN_COT },       { "ctg", FN_COT },
        { "sec", FN_SEC },        { "csc", FN_CSC },       { "cosec", FN_CSC },
        { "arcsin", FN_ASIN },    { "asin", FN_ASIN },     { "arccos", FN_ACOS },
        { "acos", FN_ACOS },      { "arctan", FN_ATAN },   { "atan", FN_ATAN },
        { "arctg", FN_ATAN },     { "arccot", FN_ACOT },   { "acot", FN_ACOT },
        { "arcsec", FN_ASEC },    { "asec", FN_ASEC },     { "arccsc", FN_ACSC },
        { "acsc", FN_ACSC },      { "sinh", FN_SINH },     { "cosh", FN_COSH },
        { "tanh", FN_TANH },      { "coth", FN_COTH },     { "sech", FN_SECH },
        { "csch", FN_CSCH },      { "arcsinh", FN_ASINH }, { "arsinh", FN_ASINH },
        { "asinh", FN_ASINH },    { "arccosh", FN_ACOSH }, { "arcosh", FN_ACOSH },
        { "acosh", FN_ACOSH },    { "arctanh", FN_ATANH }, { "artanh", FN_ATANH },
        { "atanh", FN_ATANH },    { "exp", FN_EXP },       { "ln", FN_LN },
        { "lg", FN_LG },          { "log", FN_LOG },       { "abs", FN_ABS },
        { "Abs", FN_ABS },        { "floor", FN_FLOOR },   { "ceil", FN_CEIL },
        { "ceiling", FN_CEIL },   { "sgn", FN_SIGN },      { "sign", FN_SIGN },
        { "Gamma", FN_GAMMA },    { "gamma", FN_GAMMA },   { "gcd", FN_GCD },
        { "lcm", FN_LCM },        { "max", FN_MAX },       { "Max", FN_MAX },
        { "min", FN_MIN },        { "Min", FN_MIN },       { "Re", FN_RE },
        { "Im", FN_IM },          { "arg", FN_ARG },       { "conj", FN_CONJ },
        { "conjugate", FN_CONJ }, { "det", FN_DET },       { "erf", FN_ERF },
        { "totient", FN_PHI },    { "cis", FN_EXP },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (pc_is(name, list[i].name))
            return (math_fn)list[i].what;
    return FN_NONE;
}

static assay_str bare(assay_str t)
{
    return pc_starts(t, "\\") ? pc_from(t, 1) : t;
}

/* "gamma" alone is a letter; as a function it needs its bracket. */
static math_fn function_ahead(const math_parser *p)
{
    if (kind(p) != T_WORD && kind(p) != T_CMD)
        return FN_NONE;
    math_fn fn = math_function_named(bare(text(p)));
    bool minutes = fn == FN_MIN && kind(p) == T_WORD;
    bool needs_bracket = fn == FN_GAMMA || fn == FN_ARG || fn == FN_CONJ || fn == FN_PHI || minutes;
    return needs_bracket && kind_ahead(p, 1) != T_LPAREN ? FN_NONE : fn;
}

bool math_is_function_ahead(const math_parser *p)
{
    return function_ahead(p) != FN_NONE;
}

/* ---- unknowns ---- */

/* Appends the text of a braced group without its outer braces: an index. */
static bool add_group(math_parser *p, pc_buf *name)
{
    uint32_t depth = 0;
    do {
        math_tok k = kind(p);
        if (k == T_END)
            return false;
        depth += k == T_OPEN;
        depth -= k == T_CLOSE;
        assay_str t = bare(text(p));
        if (k == T_SUP)
            pc_buf_byte(name, '^');
        else if (k != T_OPEN && k != T_CLOSE)
            pc_buf_add(name, t.data, t.len);
        p->at++;
    } while (depth > 0);
    return true;
}

/* x, x_1, x_{ij}, x', x_1': the head is known, what hangs on it follows. */
math_id math_symbol(math_parser *p, assay_str head, bool roman)
{
    pc_buf name = { 0 };
    pc_buf_add(&name, head.data, head.len);
    bool ok = true;
    while (ok && kind(p) == T_PRIME) {
        pc_buf_byte(&name, '\'');
        p->at++;
    }
    if (ok && kind(p) == T_SUB) {
        p->at++;
        pc_buf_byte(&name, '_');
        ok = kind(p) == T_OPEN && add_group(p, &name);
    }
    while (ok && kind(p) == T_PRIME) {
        pc_buf_byte(&name, '\'');
        p->at++;
    }
    math_id id = ok && !name.failed
                     ? math_text_node(p->tree, M_SYM, roman, pc_buf_str(&name), NULL, 0)
                     : refuse(p, "an index is not closed");
    pc_buf_fini(&name);
    return id;
}

/* f(x), P(A \cap B): the arguments of an unknown function; p->at is at its bracket. */
static math_id parse_applied(math_parser *p, assay_str name)
{
    char copy[32];
    size_t len = name.len < sizeof copy ? name.len : sizeof copy;
    memcpy(copy, name.data, len);
    p->at++;
    math_id inner = math_parse_list(p);
    if (!inner || !take(p, T_RPAREN))
        return refuse(p, "a bracket is not closed");
    math_tree *t = p->tree;
    const math_node *n = math_at(t, inner);
    if (n->kind != M_LIST)
        return math_text_node(t, M_APPLY, 0, (assay_str){ copy, len }, &inner, 1);
    uint32_t from = p->n_stack;
    for (uint32_t i = 0; i < math_at(t, inner)->n; i++)
        if (!math_push(p, math_kid(t, inner, i)))
            return 0;
    math_id id =
        math_text_node(t, M_APPLY, 0, (assay_str){ copy, len }, p->stack + from, p->n_stack - from);
    p->n_stack = from;
    return id;
}

/* Is "a(" the start of a function's value? f(x) always; y(t) where it is being defined; else a
 * product. */
static bool is_applied(const math_parser *p, assay_str name)
{
    if (kind(p) != T_LPAREN || tok(p, 0)->spaced || name.len != 1)
        return false;
    if (pc_in(name.data[0], "fgFGPQW"))
        return true;
    bool simple = (kind_ahead(p, 1) == T_WORD || kind_ahead(p, 1) == T_NUM) &&
                  text_ahead(p, 1).len == 1 && kind_ahead(p, 2) == T_RPAREN;
    return simple && kind_ahead(p, 3) == T_REL && p->at == 1;
}

static math_id parse_letter(math_parser *p, assay_str letter, bool roman)
{
    char c = letter.data[0];
    bool indexed = kind(p) == T_SUB || kind(p) == T_PRIME;
    if (!indexed && is_applied(p, letter))
        return parse_applied(p, letter);
    if (letter.len == 1 && !indexed && c == 'e')
        return math_node_new(p->tree, M_E, 0, NULL, 0);
    if (letter.len == 1 && !indexed && c == 'i' && !p->i_indices)
        return math_node_new(p->tree, M_I, 0, NULL, 0);
    math_id id = math_symbol(p, letter, roman);
    if (id && indexed && kind(p) == T_LPAREN && !tok(p, 0)->spaced && pc_in(c, "fgh"))
        return parse_applied(p, math_text(p->tree, id));
    return id;
}

/* ---- functions ---- */

/* The arguments in brackets, or what stands beside: pushed. */
static bool push_arguments(math_parser *p)
{
    if (kind(p) == T_LPAREN || kind(p) == T_LSQUARE) {
        math_tok close = kind(p) == T_LPAREN ? T_RPAREN : T_RSQUARE;
        uint32_t bars = p->bars;
        p->bars = 0;
        p->at++;
        do {
            if (!math_push(p, math_parse_expr(p, BIND_SUM)))
                return false;
        } while (take(p, T_COMMA) || take(p, T_SEMI));
        p->bars = bars;
        return take(p, close) || refuse(p, "the bracket of a function is not closed") != 0;
    }
    if (kind(p) == T_OPEN) { /* \sin{x}y: the braces bind, unless they are only typesetting */
        math_id inner = math_parse_braced(p);
        return math_push(p, inner);
    }
    return math_push(p, math_parse_expr(p, BIND_ARGUMENT));
}

static math_fn inverse_of(math_fn fn)
{
    if (fn >= FN_SIN && fn <= FN_CSC)
        return (math_fn)(fn + (FN_ASIN - FN_SIN));
    if (fn >= FN_SINH && fn <= FN_TANH)
        return (math_fn)(fn + (FN_ASINH - FN_SINH));
    return FN_NONE;
}

static bool is_minus_one(const math_tree *t, math_id id)
{
    return math_at(t, id)->kind == M_NEG && pc_is(math_text(t, math_kid(t, id, 0)), "1");
}

/* cis a = cos a + i sin a */
static math_id circular(math_tree *t, math_id a)
{
    math_id i = math_node_new(t, M_I, 0, NULL, 0);
    return math_2(t, M_ADD, 0, math_1(t, M_FUNC, FN_COS, a),
                  math_2(t, M_MUL, 0, i, math_1(t, M_FUNC, FN_SIN, a)));
}

/* \log_2^3 x: base and power may stand between the name and the argument. */
static math_id parse_function(math_parser *p, math_fn fn)
{
    math_tree *t = p->tree;
    math_id base = 0, power = 0;
    bool is_cis = pc_is(bare(text(p)), "cis");
    p->at++;
    for (int round = 0; round < 2; round++) {
        if (kind(p) == T_SUB && !base) {
            p->at++;
            base = math_parse_braced(p);
        } else if (kind(p) == T_SUP && !power) {
            p->at++;
            power = math_parse_braced(p);
        }
    }
    if (base && fn != FN_LOG && fn != FN_LN && fn != FN_LG)
        return refuse(p, "a function with an index");
    if (power && is_minus_one(t, power) && inverse_of(fn)) {
        fn = inverse_of(fn);
        power = 0;
    }
    uint32_t from = p->n_stack;
    if (!push_arguments(p))
        return 0;
    uint32_t n = p->n_stack - from;
    bool many = fn == FN_GCD || fn == FN_LCM || fn == FN_MAX || fn == FN_MIN;
    if (fn == FN_LOG && n == 2 && !base) { /* sympy's log(x, 10) */
        base = p->stack[from + 1];
        n = --p->n_stack - from;
    }
    if (n != 1 && !many)
        return refuse(p, "a function with too many arguments");
    math_id id = base     ? math_2(t, M_LOG, 0, base, p->stack[from])
                 : is_cis ? circular(t, p->stack[from])
                          : math_node_new(t, M_FUNC, fn, p->stack + from, n);
    p->n_stack = from;
    return power ? math_2(t, M_POW, 0, id, power) : id;
}

/* ---- words ---- */

/* Words that are functions of another shape: sqrt(2), cbrt(2), binomial(5, 2), factorial(5), Mod(7,
 * 2), nCr(5,2). */
static math_id parse_called(math_parser *p, bool *does)
{
    static const struct {
        const char *name;
        math_kind kind;
        uint32_t n;
    } list[] = { { "sqrt", M_SQRT, 1 },   { "cbrt", M_ROOT, 1 },      { "binomial", M_BINOM, 2 },
                 { "binom", M_BINOM, 2 }, { "factorial", M_FACT, 1 }, { "Mod", M_MOD, 2 },
                 { "mod", M_MOD, 2 },     { "root", M_ROOT, 2 },      { "nCr", M_BINOM, 2 },
                 { "comb", M_BINOM, 2 },  { "pow", M_POW, 2 },        { "C", M_BINOM, 2 } };
    *does = false;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        bool root = list[i].kind == M_SQRT || (list[i].kind == M_ROOT && list[i].n == 1);
        if (!pc_is(text(p), list[i].name) || (kind_ahead(p, 1) != T_LPAREN && !root))
            continue;
        bool is_c = pc_is(text(p), "C"); /* C(5,2), but C(x) is a product */
        if (is_c && !(kind_ahead(p, 2) == T_NUM && kind_ahead(p, 3) == T_COMMA &&
                      kind_ahead(p, 4) == T_NUM && kind_ahead(p, 5) == T_RPAREN))
            return 0;
        *does = true;
        p->at++;
        uint32_t from = p->n_stack;
        if (!push_arguments(p))
            return 0;
        if (p->n_stack - from != list[i].n)
            return refuse(p, "a function with the wrong number of arguments");
        if (list[i].kind == M_ROOT && list[i].n == 1) {
            math_id a = p->stack[from];
            p->n_stack = from;
            return math_2(p->tree, M_ROOT, 0, math_int(p->tree, 3), a);
        }
        if (list[i].kind == M_ROOT) { /* root(x, n) */
            math_id a = p->stack[from], index = p->stack[from + 1];
            p->n_stack = from;
            return math_2(p->tree, M_ROOT, 0, index, a);
        }
        return math_pop(p, from, list[i].kind, 0);
    }
    return 0;
}

static math_id parse_constant_word(math_parser *p)
{
    static const struct {
        const char *name;
        math_kind kind;
    } list[] = {
        { "pi", M_PI },  { "Pi", M_PI },        { "inf", M_INF },   { "infinity", M_INF },
        { "oo", M_INF }, { "Infinity", M_INF }, { "infty", M_INF }, { "EmptySet", M_EMPTY }
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (pc_is(text(p), list[i].name)) {
            p->at++;
            return math_node_new(p->tree, list[i].kind, 0, NULL, 0);
        }
    return 0;
}

static bool is_greek(assay_str w)
{
    static const char *const list[] = { "alpha", "beta",  "gamma", "delta", "epsilon", "zeta",
                                        "eta",   "theta", "iota",  "kappa", "lambda",  "mu",
                                        "nu",    "xi",    "rho",   "sigma", "tau",     "upsilon",
                                        "phi",   "chi",   "psi",   "omega", NULL };
    for (const char *const *g = list; *g; g++)
        if (pc_is(w, *g))
            return true;
    return false;
}

/* sinx, lnx, sqrt2: the name of a function run into its argument. */
static size_t function_prefix(assay_str w)
{
    static const char *const list[] = { "arcsin", "arccos", "arctan", "sqrt", "sin", "cos",
                                        "tan",    "cot",    "log",    "ln",   NULL };
    for (const char *const *f = list; *f; f++)
        if (pc_starts(w, *f) && w.len == strlen(*f) + 1)
            return strlen(*f);
    return 0;
}

/* xyz is a product of letters: reads the first. An index or a bracket belongs to the last alone. */
static math_id parse_first_letter(math_parser *p)
{
    const token *t = tok(p, 0);
    assay_str letter = pc_slice(text(p), 0, 1);
    if (t->len == 1 || !pc_is_alpha(letter.data[0])) {
        assay_str whole = text(p);
        p->at++;
        return parse_letter(p, whole, t->roman);
    }
    if (!math_cut_word(p, 1))
        return 0;
    if (letter.data[0] == 'e')
        return math_node_new(p->tree, M_E, 0, NULL, 0);
    if (letter.data[0] == 'i' && !p->i_indices)
        return math_node_new(p->tree, M_I, 0, NULL, 0);
    return math_leaf(p->tree, M_SYM, letter);
}

/* sinx: the rest of the word is the argument. */
static math_id parse_run_on(math_parser *p, size_t prefix)
{
    assay_str name = pc_slice(text(p), 0, prefix);
    math_fn fn = math_function_named(name);
    if (!math_cut_word(p, (uint32_t)prefix))
        return 0;
    math_id a = math_parse_expr(p, BIND_ARGUMENT);
    return fn ? math_1(p->tree, M_FUNC, fn, a) : math_1(p->tree, M_SQRT, 0, a);
}

math_id math_parse_word(math_parser *p)
{
    bool does;
    assay_str w = text(p);
    if (math_take_differential(p))
        return math_int(p->tree, 1);
    math_id id = math_parse_number(p); /* ABC_{16} */
    if (id)
        return id;
    p->why = NULL;
    id = parse_called(p, &does);
    if (does)
        return id;
    id = math_parse_printed(p, &does);
    if (does)
        return id;
    math_fn fn = function_ahead(p);
    if (fn)
        return parse_function(p, fn);
    id = parse_constant_word(p);
    if (id)
        return id;
    size_t prefix = tok(p, 0)->roman ? 0 : function_prefix(w);
    if (prefix)
        return parse_run_on(p, prefix);
    bool whole = w.len > 1 && (tok(p, 0)->roman || is_greek(w) || !pc_is_alpha(w.data[0]));
    if (!whole)
        return parse_first_letter(p);
    p->at++;
    return math_symbol(p, w, tok(p, 0)->roman && !is_greek(w));
}

/* ---- commands ---- */

/* \mathbb{R}. */
static math_id parse_named_set(math_parser *p)
{
    assay_str t = text_ahead(p, 2);
    if (kind_ahead(p, 1) != T_OPEN || kind_ahead(p, 3) != T_CLOSE || t.len != 1 ||
        !pc_in(t.data[0], "NZQRC"))
        return refuse(p, "a double-struck letter that is no set of numbers");
    p->at += 4;
    return math_node_new(p->tree, M_NAMED, (unsigned char)t.data[0], NULL, 0);
}

static bool is_accent(assay_str t)
{
    static const char *const list[] = {
        "bar",        "overline",  "vec",       "hat",
        "tilde",      "dot",       "ddot",      "overrightarrow",
        "widehat",    "widetilde", "underline", "overleftrightarrow",
        "mathcal",    "mathbf",    "mathscr",   "mathfrak",
        "boldsymbol", "variable",  "overparen", NULL
    };
    for (const char *const *a = list; *a; a++)
        if (pc_is(t, *a))
            return true;
    return false;
}

/* \\mathbf{x} is x, \\mathbf{5} is 5. */
static math_id parse_plain_accent(math_parser *p)
{
    p->at++;
    if (kind(p) == T_OPEN && kind_ahead(p, 1) == T_WORD && kind_ahead(p, 2) == T_CLOSE) {
        assay_str name = text_ahead(p, 1);
        p->at += 3;
        return math_symbol(p, name, false);
    }
    return math_parse_braced(p);
}

static math_id parse_accent(math_parser *p)
{
    pc_buf name = { 0 };
    assay_str t = bare(text(p));
    if (pc_is(t, "mathbf") || pc_is(t, "boldsymbol") || pc_is(t, "mathcal"))
        return parse_plain_accent(p);
    bool plain = pc_is(t, "variable");
    const char *called = pc_is(t, "overline") ? "bar" : NULL;
    if (!plain) {
        pc_buf_add(&name, called ? called : t.data, called ? strlen(called) : t.len);
        pc_buf_byte(&name, '(');
    }
    p->at++;
    bool ok = kind(p) == T_OPEN && add_group(p, &name);
    if (!plain)
        pc_buf_byte(&name, ')');
    math_id id = ok && !name.failed ? math_symbol(p, pc_buf_str(&name), false)
                                    : refuse(p, "an accent without a letter");
    pc_buf_fini(&name);
    return id;
}

static math_id parse_binom(math_parser *p)
{
    p->at++;
    math_id n = math_parse_braced(p);
    return n ? math_2(p->tree, M_BINOM, 0, n, math_parse_braced(p)) : 0;
}

/* \angle ABC, \triangle ABC: the letters are one name. */
static math_id parse_figure(math_parser *p)
{
    p->at++;
    if (kind(p) != T_WORD)
        return refuse(p, "a figure without a name");
    assay_str w = text(p);
    p->at++;
    return math_leaf(p->tree, M_SYM, w);
}

/* Sums and their like; M_NONE: none of them. */
static math_kind big_operator(assay_str name)
{
    static const struct {
        const char *name;
        math_kind kind;
    } list[] = { { "sum", M_SUM },
                 { "prod", M_PROD },
                 { "int", M_INT },
                 { "lim", M_LIM },
                 { "bigcup", M_FAMILY } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (pc_is(name, list[i].name))
            return list[i].kind;
    return M_NONE;
}

math_id math_parse_command(math_parser *p)
{
    assay_str t = bare(text(p));
    math_fn fn = function_ahead(p);
    if (fn)
        return parse_function(p, fn);
    if (big_operator(t) != M_NONE)
        return math_parse_big(p, big_operator(t));
    if (pc_is(t, "mathbb"))
        return parse_named_set(p);
    if (is_accent(t))
        return parse_accent(p);
    if (pc_is(t, "binom") || pc_is(t, "dbinom") || pc_is(t, "tbinom"))
        return parse_binom(p);
    if (pc_is(t, "angle") || pc_is(t, "triangle"))
        return parse_figure(p);
    static const struct {
        const char *name;
        math_kind kind;
    } list[] = {
        { "pi", M_PI }, { "infty", M_INF }, { "emptyset", M_EMPTY }, { "varnothing", M_EMPTY }
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (pc_is(t, list[i].name)) {
            p->at++;
            return math_node_new(p->tree, list[i].kind, 0, NULL, 0);
        }
    p->at++;
    if (!t.len || !pc_is_alpha(t.data[0]))
        return refuse(p, "a command that is not mathematics");
    return math_symbol(p,
                       pc_is(t, "varphi")       ? str("phi")
                       : pc_is(t, "varepsilon") ? str("epsilon")
                                                : t,
                       false);
}
/* NOLINTEND(misc-no-recursion) */
