/* parse_expr.c -- Pratt parser of expressions: sums, products, powers, postfix signs. Sums and
 * products are n-ary, so that a thousand terms make no deep tree. SPDX-License-Identifier:
 * Apache-2.0 */
#include "math/parse_inner.h"
#include "math/units.h"

/* The parser's recursions are bounded by p->depth <= MATH_DEPTH, which math_parse_expr counts.
 * NOLINTBEGIN(misc-no-recursion) */

mark math_mark(const math_parser *p)
{
    const math_tree *t = p->tree;
    return (mark){ .at = p->at,
                   .n = t->n,
                   .n_kids = t->n_kids,
                   .n_stack = p->n_stack,
                   .n_cuts = p->n_cuts,
                   .bars = p->bars,
                   .integrals = p->integrals,
                   .i_indices = p->i_indices,
                   .pool = t->pool.len,
                   .variable = p->variable,
                   .colon_ends = p->colon_ends,
                   .why = p->why };
}

void math_back(math_parser *p, mark m)
{
    while (p->n_cuts > m.n_cuts) {
        math_cut c = p->cuts[--p->n_cuts];
        token *t = &p->lx.tokens[c.token];
        t->at = c.at;
        t->len = c.len;
        t->spaced = c.spaced;
    }
    p->at = m.at;
    p->n_stack = m.n_stack;
    p->bars = m.bars;
    p->integrals = m.integrals;
    p->i_indices = m.i_indices;
    p->variable = m.variable;
    p->colon_ends = m.colon_ends;
    p->why = m.why;
    if (p->tree->full) /* that is no question of how it is read */
        return;
    p->tree->n = m.n;
    p->tree->n_kids = m.n_kids;
    p->tree->pool.len = m.pool;
}

bool math_cut_word(math_parser *p, uint32_t len)
{
    token *t = &p->lx.tokens[p->at];
    if (p->n_cuts == p->cap_cuts) {
        uint32_t cap = p->cap_cuts ? p->cap_cuts * 2 : 32;
        math_cut *more = cap > 2 * MATH_NODES ? NULL : pc_realloc(p->cuts, cap, sizeof *more);
        if (!more)
            return refuse(p, "the answer is too long") != 0;
        p->cuts = more;
        p->cap_cuts = cap;
    }
    p->cuts[p->n_cuts++] = (math_cut){ p->at, t->at, t->len, t->spaced };
    t->at += len;
    t->len -= len;
    t->spaced = false;
    return true;
}

bool math_push(math_parser *p, math_id id)
{
    if (!id)
        return false;
    if (p->n_stack == p->cap_stack) {
        uint32_t cap = p->cap_stack ? p->cap_stack * 2 : 64;
        math_id *more = cap > 2 * MATH_NODES ? NULL : pc_realloc(p->stack, cap, sizeof *more);
        if (!more)
            return refuse(p, "the answer is too long") != 0;
        p->stack = more;
        p->cap_stack = cap;
    }
    p->stack[p->n_stack++] = id;
    return true;
}

math_id math_pop(math_parser *p, uint32_t from, math_kind k, unsigned op)
{
    uint32_t n = p->n_stack - from;
    p->n_stack = from;
    return math_node_new(p->tree, k, op, p->stack + from, n);
}

math_id math_pop_or_one(math_parser *p, uint32_t from, math_kind k, unsigned op)
{
    if (p->n_stack == from + 1)
        return p->stack[--p->n_stack];
    return math_pop(p, from, k, op);
}

/* ---- products ---- */

static bool is_mod(const math_parser *p)
{
    if (kind(p) == T_WORD)
        return pc_is(text(p), "mod");
    if (kind(p) != T_CMD)
        return false;
    assay_str t = text(p);
    return pc_is(t, "\\mod") || pc_is(t, "\\bmod") || pc_is(t, "\\pmod");
}

static bool is_literal(const math_parser *p, math_id id)
{
    return math_at(p->tree, id)->kind == M_NUM;
}

bool math_starts_atom(const math_parser *p, uint32_t ahead)
{
    switch ((unsigned)kind_ahead(p, ahead)) {
    case T_NUM:
    case T_FRAC:
    case T_SQRT:
    case T_OPEN:
    case T_SET_OPEN:
    case T_LPAREN:
    case T_LSQUARE:
    case T_LANGLE:
    case T_LFLOOR:
    case T_LCEIL:
    case T_BEGIN:
    case T_WORD:
        return true;
    case T_BAR:
        return pc_is(text_ahead(p, ahead), "(") ||
               (p->bars == 0 && pc_is(text_ahead(p, ahead), "|"));
    case T_DBAR:
        return p->bars == 0;
    case T_CMD: {
        assay_str t = text_ahead(p, ahead);
        return !pc_is(t, "\\cup") && !pc_is(t, "\\cap") && !pc_is(t, "\\setminus") &&
               !pc_is(t, "\\to") && !pc_is(t, "\\choose") && !pc_is(t, "\\mod") &&
               !pc_is(t, "\\bmod") && !pc_is(t, "\\pmod");
    }
    default:
        return false;
    }
}

static bool is_joiner(const math_parser *p)
{
    bool does;
    (void)math_joins(p, &does);
    return does;
}

/* May what comes next be a factor without a sign between? Two numbers side by side are none: "4 2"
 * is no 8. */
static bool juxtaposes(const math_parser *p, math_id left)
{
    if (p->integrals && p->variable) /* the dx was met */
        return false;
    if (kind(p) == T_LPAREN && kind_ahead(p, 1) == T_WORD && kind_ahead(p, 2) == T_REL)
        return false; /* (k in Z): a condition */
    if (kind(p) == T_LSQUARE && !math_starts_atom(p, 1) && kind_ahead(p, 1) != T_MINUS)
        return false; /* ]0, 1[ */
    if (!math_starts_atom(p, 0) || is_joiner(p) || is_mod(p) || math_starts_unit(p, left) ||
        math_set_operator(p, left) != M_NONE)
        return false;
    if (math_at(p->tree, left)->kind == M_SYM &&
        (is_word(p, 0, "is") || is_word(p, 0, "are") || is_word(p, 0, "integer")))
        return false;
    if (is_word(p, 0, "to") && kind_ahead(p, 1) == T_NUM)
        return false;
    if (kind(p) == T_OPEN && kind_ahead(p, 1) == T_NUM && is_literal(p, left))
        return false; /* 4{2} shows as 42 */
    if (kind(p) == T_NUM) {
        const math_node *l = math_at(p->tree, left);
        return l->kind != M_NUM && l->kind != M_BASE && l->kind != M_DIV &&
               kind_ahead(p, 0) == T_NUM;
    }
    if (kind(p) == T_BAR || kind(p) == T_DBAR)
        return p->bars == 0 && !p->colon_ends; /* in {x | x > 1} it parts */
    return true;
}

/* \sin \pi/6: a closed argument may go on with a slash. */
static bool argument_divides(const math_parser *p, math_id left)
{
    const math_node *l = math_at(p->tree, left);
    math_kind last =
        (math_kind)(l->kind == M_MUL ? math_at(p->tree, math_kid(p->tree, left, l->n - 1))->kind
                                     : l->kind);
    return kind(p) == T_SLASH && (last == M_PI) && kind_ahead(p, 1) == T_NUM && !tok(p, 0)->spaced;
}

static math_id parse_divided(math_parser *p, math_id left)
{
    bool coefficient = is_literal(p, left) && kind(p) == T_NUM;
    math_id right = math_parse_expr(p, BIND_FACTOR);
    while (right && !coefficient && !tok(p, 0)->spaced && kind(p) != T_LPAREN &&
           juxtaposes(p, right) && !math_is_function_ahead(p))
        right = math_2(p->tree, M_MUL, 0, right, math_parse_expr(p, BIND_FACTOR));
    return math_2(p->tree, M_DIV, 0, left, right);
}

static math_id parse_mod(math_parser *p, math_id left)
{
    p->at++;
    return math_2(p->tree, M_MOD, 0, left, math_parse_expr(p, BIND_FACTOR));
}

/* What the pushed factors since `from` make so far. */
static math_id product_so_far(math_parser *p, uint32_t from)
{
    return math_pop_or_one(p, from, M_MUL, 0);
}

static math_id parse_product(math_parser *p, math_id left, unsigned least)
{
    uint32_t from = p->n_stack;
    if (!math_push(p, left))
        return 0;
    for (;;) {
        math_id last = p->stack[p->n_stack - 1], next;
        bool times = kind(p) == T_TIMES;
        bool may = least <= BIND_PRODUCT;
        if (may && (times || kind(p) == T_SLASH || is_mod(p))) {
            if (times) {
                p->at++;
                next = math_parse_expr(p, BIND_FACTOR);
            } else {
                bool slash = kind(p) == T_SLASH;
                p->at += slash;
                last = product_so_far(p, from);
                next = slash ? parse_divided(p, last) : parse_mod(p, last);
            }
        } else if (least == BIND_ARGUMENT && argument_divides(p, last)) {
            p->at++;
            next = math_2(p->tree, M_DIV, 0, product_so_far(p, from), math_parse_number(p));
        } else if (least <= BIND_ARGUMENT && juxtaposes(p, last) &&
                   (least != BIND_ARGUMENT || !math_is_function_ahead(p))) {
            next = math_parse_expr(p, BIND_FACTOR);
        } else {
            break;
        }
        if (!math_push(p, next))
            return 0;
    }
    return product_so_far(p, from);
}

/* ---- sums ---- */

/* -5 cm is (-5) cm: a sign goes below units and percent signs. */
math_id math_negated(math_tree *t, math_id a)
{
    math_node *n = a ? &t->nodes[a] : NULL;
    if (!n || (n->kind != M_UNIT && n->kind != M_PERCENT && n->kind != M_DEGREE))
        return math_1(t, M_NEG, 0, a);
    math_id inner = math_1(t, M_NEG, 0, math_kid(t, a, 0));
    if (inner)
        t->kids[t->nodes[a].first] = inner;
    return inner ? a : 0;
}

/* 30 degrees + 60 degrees: what all terms are of, the sum is of. */
static math_id with_common_unit(math_tree *t, math_id sum)
{
    const math_node n = *math_at(t, sum);
    math_kind k = n.kind == M_ADD ? (math_kind)math_at(t, math_kid(t, sum, 0))->kind : M_NONE;
    if (k != M_DEGREE && k != M_PERCENT && k != M_UNIT)
        return sum;
    for (uint32_t i = 1; i < n.n; i++)
        if (math_at(t, math_kid(t, sum, i))->kind != k ||
            !pc_eq(math_text(t, math_kid(t, sum, i)), math_text(t, math_kid(t, sum, 0))))
            return sum;
    assay_str unit = math_text(t, math_kid(t, sum, 0));
    for (uint32_t i = 0; i < n.n; i++)
        t->kids[n.first + i] = math_kid(t, t->kids[n.first + i], 0);
    return math_text_node(t, k, 0, unit, &sum, 1);
}

static math_id parse_sum(math_parser *p, math_id left)
{
    uint32_t from = p->n_stack;
    if (!math_push(p, left))
        return 0;
    while ((kind(p) == T_PLUS || kind(p) == T_MINUS || kind(p) == T_PM) &&
           !(p->integrals && p->variable)) {
        math_tok sign = kind(p);
        unsigned op = sign == T_PM && pc_is(text(p), "-");
        p->at++;
        math_id term = math_parse_expr(p, BIND_PRODUCT);
        if (sign == T_MINUS)
            term = math_negated(p->tree, term);
        else if (sign == T_PM)
            term = math_2(p->tree, M_PM, op, math_pop_or_one(p, from, M_ADD, 0), term);
        if (!math_push(p, term))
            return 0;
    }
    math_id sum = math_pop_or_one(p, from, M_ADD, 0);
    return sum ? with_common_unit(p->tree, sum) : 0;
}

/* ---- powers and postfix signs ---- */

/* 2^{3}^{4}, as 2**3**4 arrives, is 2^(3^4). */
static math_id parse_exponent(math_parser *p)
{
    p->at++;
    math_id e = math_parse_braced(p);
    if (e && kind(p) == T_SUP)
        e = math_2(p->tree, M_POW, 0, e, parse_exponent(p));
    return e;
}

static bool is_transpose(const math_parser *p)
{
    return kind_ahead(p, 1) == T_OPEN && (is_word(p, 2, "t") || kind_ahead(p, 2) == T_PRIME) &&
           kind_ahead(p, 3) == T_CLOSE;
}

static math_id transposed(math_parser *p, math_id matrix)
{
    const math_node n = *math_at(p->tree, matrix);
    uint32_t from = p->n_stack, rows = n.n / n.op;
    for (uint32_t i = 0; i < n.n; i++)
        if (!math_push(p, math_kid(p->tree, matrix, i % rows * n.op + i / rows)))
            return 0;
    p->at += 4;
    return math_pop(p, from, M_MATRIX, rows);
}

static math_id named_set_power(math_parser *p, math_id set)
{
    math_node *n = &p->tree->nodes[set];
    if (kind_ahead(p, 1) == T_OPEN && kind_ahead(p, 3) == T_CLOSE && n->len == 0) {
        math_tok k = kind_ahead(p, 2);
        const char *sign = k == T_PLUS ? "+" : k == T_MINUS ? "-" : k == T_TIMES ? "*" : NULL;
        if (sign) {
            p->at += 4;
            return math_text_node(p->tree, M_NAMED, n->op, str(sign), NULL, 0);
        }
    }
    return math_2(p->tree, M_POW, 0, set, parse_exponent(p));
}

static math_id parse_minutes(math_parser *p, math_id degrees)
{
    math_id sum = degrees;
    int64_t parts = 60;
    while (kind(p) == T_NUM && kind_ahead(p, 1) == T_PRIME) {
        math_id part =
            math_2(p->tree, M_DIV, 0, math_leaf(p->tree, M_NUM, text(p)), math_int(p->tree, parts));
        p->at += 2;
        if (kind(p) == T_PRIME && parts == 60 && sum != degrees) /* seconds were written '' */
            p->at++;
        sum = math_2(p->tree, M_ADD, 0, sum, part);
        parts *= 60;
        if (kind(p) == T_PRIME)
            p->at++;
    }
    return math_1(p->tree, M_DEGREE, 0, sum);
}

/* left^...: a power, unless left is something else that takes a sign there. */
static math_id parse_raised(math_parser *p, math_id left)
{
    const math_kind k = math_at(p->tree, left)->kind;
    const math_tok sign = kind_ahead(p, 2);
    if (k == M_NAMED)
        return named_set_power(p, left);
    if (kind_ahead(p, 3) == T_CLOSE && (sign == T_PLUS || sign == T_MINUS)) { /* 0^+ of a limit */
        p->side = sign == T_PLUS ? 1 : 2;
        p->at += 4;
        return left;
    }
    if (k == M_MATRIX && is_transpose(p))
        return transposed(p, left);
    return math_2(p->tree, M_POW, 0, left, parse_exponent(p));
}

static math_id parse_postfix(math_parser *p, math_id left)
{
    math_tree *t = p->tree;
    while (left) {
        switch ((unsigned)kind(p)) {
        case T_SUP:
            left = parse_raised(p, left);
            break;
        case T_FACT: {
            unsigned op = kind_ahead(p, 1) == T_FACT ? 2 : 0;
            p->at += op ? 2 : 1;
            left = math_1(t, M_FACT, op, left);
            break;
        }
        case T_PERCENT:
            p->at++;
            left = math_1(t, M_PERCENT, 0, left);
            break;
        case T_SUB: { /* x^2_1 is x_1^2 */
            const math_node *n = math_at(t, left);
            math_id x = n->kind == M_POW ? math_kid(t, left, 0) : 0,
                    e = x ? math_kid(t, left, 1) : 0;
            if (!x || math_at(t, x)->kind != M_SYM ||
                memchr(math_text(t, x).data, '_', math_text(t, x).len))
                return left;
            x = math_symbol(p, math_text(t, x), math_at(t, x)->op != 0);
            left = math_2(t, M_POW, 0, x, e);
            break;
        }
        case T_DEGREE:
            p->at++;
            if (kind(p) == T_WORD && (is_word(p, 0, "c") || is_word(p, 0, "f")))
                return left; /* the unit's parser reads it */
            left = parse_minutes(p, left);
            break;
        default:
            return left;
        }
    }
    return left;
}

static math_id parse_signed(math_parser *p)
{
    math_tok sign = kind(p);
    unsigned op = sign == T_PM && pc_is(text(p), "-");
    p->at++;
    math_id a = math_parse_expr(p, BIND_FACTOR);
    if (a && sign != T_PLUS)
        a = sign == T_PM ? math_1(p->tree, M_PM, op, a) : math_negated(p->tree, a);
    return a;
}

static math_id parse_money(math_parser *p)
{
    char sign[16];
    assay_str t = text(p);
    size_t len = 0;
    for (; len < t.len && len < sizeof sign; len++)
        sign[len] = pc_at(t, len);
    p->at++;
    math_id value = math_parse_expr(p, BIND_PRODUCT);
    return value ? math_text_node(p->tree, M_UNIT, 0, (assay_str){ sign, len }, &value, 1) : 0;
}

/* USD 5, Rs. 500 */
static bool is_currency_ahead(const math_parser *p)
{
    static const char *const names[] = { "USD", "EUR", "GBP", "INR", "Rs", "RMB", "CNY", NULL };
    uint32_t dot = kind_ahead(p, 1) == T_OTHER && pc_is(text_ahead(p, 1), ".");
    if (kind_ahead(p, 1 + dot) != T_NUM)
        return false;
    for (const char *const *n = names; *n; n++)
        if (pc_is(text(p), *n))
            return true;
    return false;
}

static math_id parse_currency(math_parser *p)
{
    pc_buf name = { 0 };
    bool known = math_unit_name(text(p), &name);
    p->at += kind_ahead(p, 1) == T_NUM ? 1 : 2;
    math_id value = math_parse_number(p);
    if (value && known)
        value = math_text_node(p->tree, M_UNIT, 0, pc_buf_str(&name), &value, 1);
    pc_buf_fini(&name);
    return value;
}

static math_id parse_prefix(math_parser *p)
{
    switch ((unsigned)kind(p)) {
    case T_PLUS:
    case T_MINUS:
    case T_PM:
        return parse_signed(p);
    case T_MONEY:
        return parse_money(p);
    case T_WORD:
        if (is_currency_ahead(p))
            return parse_currency(p);
        break;
    default:
        break;
    }
    math_id atom = math_parse_atom(p);
    return atom ? parse_postfix(p, atom) : 0;
}

math_id math_parse_expr(math_parser *p, unsigned least)
{
    if (p->depth >= MATH_DEPTH || p->tree->full)
        return refuse(p, p->tree->full ? "the answer is too long" : "the answer nests too deep");
    p->depth++;
    math_id left = parse_prefix(p);
    if (left && least <= BIND_ARGUMENT)
        left = parse_product(p, left, least);
    if (left && least <= BIND_SUM && (kind(p) == T_PLUS || kind(p) == T_MINUS || kind(p) == T_PM))
        left = parse_sum(p, left);
    p->depth--;
    return left;
}
/* NOLINTEND(misc-no-recursion) */
