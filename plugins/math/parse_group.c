/* parse_group.c -- what brackets and environments hold: tuples, intervals, sets, set builders,
 * matrices, cases. SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_inner.h"

/* Recursion is bounded by p->depth, which math_parse_expr counts. NOLINTBEGIN(misc-no-recursion) */

static bool is_closer(math_tok k)
{
    return k == T_RPAREN || k == T_RSQUARE || k == T_CLOSE || k == T_SET_CLOSE || k == T_RANGLE;
}

/* Items up to a closing bracket, pushed; bars and colons outside mean nothing here. */
static bool push_items(math_parser *p)
{
    uint32_t bars = p->bars;
    bool colon = p->colon_ends;
    p->bars = 0;
    p->colon_ends = false;
    bool ok = true, does = true;
    while (ok && does && !is_closer(kind(p))) {
        ok = math_push(p, math_parse_item(p));
        if (ok) {
            (void)math_joins(p, &does);
            p->at += does;
        }
    }
    p->bars = bars;
    p->colon_ends = colon;
    return ok;
}

static math_id keep_brackets(math_parser *p, math_id id)
{
    if (id)
        p->tree->nodes[id].flags |= M_PAREN;
    return id;
}

/* (251)_8 */
static math_id rebased(math_parser *p, math_id id)
{
    const math_node *n = math_at(p->tree, id);
    if (n->kind != M_NUM || kind(p) != T_SUB || kind_ahead(p, 2) != T_NUM ||
        kind_ahead(p, 3) != T_CLOSE)
        return id;
    assay_str base = text_ahead(p, 2), digits = math_text(p->tree, id);
    unsigned b = 0;
    for (size_t i = 0; i < base.len && b < 100; i++)
        b = b * 10 + (unsigned)(base.data[i] - '0');
    for (size_t i = 0; i < digits.len; i++)
        if (!pc_is_digit(digits.data[i]) || (unsigned)(digits.data[i] - '0') >= b)
            return refuse(p, "a digit is too large for its base");
    p->at += 4;
    return b < 2 || b > 36 ? refuse(p, "a base that is none")
                           : math_text_node(p->tree, M_BASE, b, digits, NULL, 0);
}

static math_id parse_round(math_parser *p)
{
    uint32_t from = p->n_stack;
    p->at++;
    if (!push_items(p))
        return 0;
    uint32_t n = p->n_stack - from;
    bool square = kind(p) == T_RSQUARE;
    if (n == 0 || (!square && kind(p) != T_RPAREN))
        return refuse(p, n ? "a bracket is not closed" : "empty brackets");
    p->at++;
    if (square)
        return n == 2 ? math_pop(p, from, M_INTERVAL, MATH_HI_CLOSED)
                      : refuse(p, "brackets that do not match");
    if (n > 1)
        return math_pop(p, from, M_TUPLE, 0);
    math_id id = math_pop_or_one(p, from, M_TUPLE, 0);
    return keep_brackets(p, id ? rebased(p, id) : 0);
}

/* Do square brackets around one thing only group it, as in 2[x + 1] or [x + 1]^2? */
static bool only_groups(const math_parser *p, uint32_t open)
{
    math_tok before = open ? (math_tok)p->lx.tokens[open - 1].kind : T_END;
    math_tok after = kind(p);
    bool operand_before = open && before != T_COMMA && before != T_SEMI && !is_closer(before) &&
                          before != T_OPEN && before != T_LPAREN && before != T_LSQUARE &&
                          before != T_SET_OPEN && before != T_REL;
    bool operator_after = after == T_SUP || after == T_PLUS || after == T_MINUS ||
                          after == T_TIMES || after == T_SLASH || after == T_PM ||
                          math_starts_atom(p, 0);
    return operand_before ||
           (open && (before == T_RPAREN || before == T_RSQUARE || before == T_CLOSE)) ||
           operator_after;
}

static math_id parse_square(math_parser *p)
{
    uint32_t from = p->n_stack, open = p->at;
    bool outward = kind(p) == T_RSQUARE; /* ]0, 1[ */
    p->at++;
    if (!outward && take(p, T_RSQUARE))
        return math_node_new(p->tree, M_SQUARE, 0, NULL, 0);
    uint32_t bars = p->bars;
    bool does = true;
    p->bars = 0;
    while (does) {
        if (!math_push(p, math_parse_item(p)))
            return 0;
        (void)math_joins(p, &does);
        p->at += does;
    }
    p->bars = bars;
    uint32_t n = p->n_stack - from;
    math_tok close = kind(p);
    if (close != T_RSQUARE && close != T_RPAREN && close != T_LSQUARE)
        return refuse(p, "a bracket is not closed");
    p->at++;
    if (outward || close != T_RSQUARE) {
        unsigned op = (outward ? 0 : MATH_LO_CLOSED) | (close == T_RSQUARE ? MATH_HI_CLOSED : 0);
        return n == 2 ? math_pop(p, from, M_INTERVAL, op) : refuse(p, "brackets that do not match");
    }
    if (n == 1 && (math_at(p->tree, p->stack[from])->kind == M_MATRIX || only_groups(p, open)))
        return keep_brackets(p, math_pop_or_one(p, from, M_SQUARE, 0));
    return math_pop(p, from, M_SQUARE, 0);
}

/* ---- sets ---- */

static bool is_such_that(const math_parser *p)
{
    return kind(p) == T_BAR || kind(p) == T_COLON || is_word(p, 0, "such");
}

/* The conditions, pushed: commas and "and" part them, those joined by "or" are one. Both words
 * together would need brackets. */
static bool push_conditions(math_parser *p)
{
    uint32_t bars = p->bars, from = p->n_stack;
    bool colon = p->colon_ends, ok = true, does = true, and = false, or = false;
    p->bars = 0;
    p->colon_ends = false;
    while (ok && does && !is_closer(kind(p))) {
        ok = math_push(p, math_parse_item(p));
        math_join join = math_joins(p, &does);
        and = and || (ok && does && join == JOIN_AND);
        bool alternative = ok && does && join == JOIN_OR;
        or = or || alternative;
        p->at += ok && does;
        if (ok && !alternative) {
            ok = math_push(p, math_pop_or_one(p, from, M_LIST, JOIN_OR));
            from++;
        }
    }
    p->bars = bars;
    p->colon_ends = colon;
    return ok && (!(and&& or) || refuse(p, "a set with and beside or") != 0);
}

static math_id parse_builder(math_parser *p, uint32_t from, math_tok close)
{
    p->at += is_word(p, 0, "such") && is_word(p, 1, "that") ? 2 : 1;
    if (!push_conditions(p))
        return 0;
    if (!take(p, close))
        return refuse(p, "a set is not closed");
    return math_pop(p, from, M_SETBUILDER, 0);
}

static math_id parse_set(math_parser *p, math_tok close)
{
    uint32_t from = p->n_stack, bars = p->bars;
    bool colon = p->colon_ends, does = true;
    p->at++;
    if (take(p, close))
        return close == T_CLOSE ? refuse(p, "empty braces")
                                : math_node_new(p->tree, M_SET, 0, NULL, 0);
    p->bars = 0;
    p->colon_ends = true;
    while (does) {
        if (!math_push(p, math_parse_item(p)))
            return 0;
        (void)math_joins(p, &does);
        p->at += does;
    }
    p->bars = bars;
    p->colon_ends = colon;
    if (is_such_that(p))
        return parse_builder(p, from, close);
    if (kind(p) == T_CMD && pc_is(text(p), "\\choose") && p->n_stack == from + 1) {
        p->at++;
        math_id n = math_pop_or_one(p, from, M_SET, 0);
        n = math_2(p->tree, M_BINOM, 0, n, math_parse_item(p));
        return n && take(p, close) ? n : refuse(p, "a brace is not closed");
    }
    if (!take(p, close))
        return refuse(p, "a set is not closed");
    if (close == T_SET_CLOSE)
        return math_pop(p, from, M_SET, 0);
    math_id id = math_pop_or_one(p, from, M_BRACES, 0);
    return id;
}

static math_id parse_angles(math_parser *p)
{
    uint32_t from = p->n_stack;
    p->at++;
    if (!push_items(p))
        return 0;
    if (!take(p, T_RANGLE))
        return refuse(p, "a bracket is not closed");
    return math_pop(p, from, M_TUPLE, 1);
}

/* ---- environments ---- */

static bool is_environment(assay_str name, const char *const *list)
{
    for (; *list; list++)
        if (pc_is(name, *list))
            return true;
    return false;
}

static bool is_matrix(assay_str name)
{
    static const char *const list[] = { "matrix",  "pmatrix", "bmatrix",     "Bmatrix", "vmatrix",
                                        "Vmatrix", "array",   "smallmatrix", "tabular", NULL };
    return is_environment(name, list);
}

static bool row_ends(const math_parser *p)
{
    return kind(p) == T_ROW || kind(p) == T_ENDENV || kind(p) == T_END;
}

static void skip_rules(math_parser *p)
{
    while (kind(p) == T_CMD && pc_is(text(p), "\\hline"))
        p->at++;
}

/* Pushes the cells; *columns of every row. */
static bool push_cells(math_parser *p, uint32_t *columns)
{
    uint32_t in_row = 0;
    *columns = 0;
    for (;;) {
        skip_rules(p);
        if (in_row == 0 && row_ends(p)) { /* an empty row, as after a last \\ */
            if (kind(p) != T_ROW)
                break;
            p->at++;
            continue;
        }
        if (!math_push(p, math_parse_item(p)))
            return false;
        in_row++;
        if (take(p, T_AMP))
            continue;
        if (!row_ends(p))
            return refuse(p, "a matrix with an entry that cannot be read") != 0;
        if (*columns && *columns != in_row)
            return refuse(p, "a matrix whose rows differ in length") != 0;
        *columns = in_row;
        in_row = 0;
        if (!take(p, T_ROW))
            break;
    }
    return *columns > 0 || refuse(p, "an empty matrix") != 0;
}

static math_id parse_matrix(math_parser *p, bool determinant)
{
    uint32_t from = p->n_stack, columns;
    if (!push_cells(p, &columns))
        return 0;
    if (!take(p, T_ENDENV))
        return refuse(p, "an environment is not closed");
    math_id id = math_pop(p, from, M_MATRIX, columns);
    if (id && determinant)
        p->tree->nodes[id].flags |= M_DETERMINANT;
    return id;
}

/* The condition of a case: "if x > 0", "x > 0", "otherwise". */
static math_id parse_condition(math_parser *p)
{
    while (is_word(p, 0, "if") || is_word(p, 0, "for") || is_word(p, 0, "when") ||
           is_word(p, 0, "where") || is_word(p, 0, "and") || kind(p) == T_COMMA || kind(p) == T_AMP)
        p->at++;
    if (is_word(p, 0, "otherwise") || is_word(p, 0, "else")) {
        p->at++;
        return math_node_new(p->tree, M_NONE, 0, NULL, 0);
    }
    return math_parse_list(p);
}

/* cases: value & condition by rows, or a system of relations. */
static math_id parse_cases(math_parser *p)
{
    uint32_t from = p->n_stack, rows = 0;
    bool conditions = false;
    while (kind(p) != T_ENDENV && kind(p) != T_END) {
        if (take(p, T_ROW))
            continue;
        if (!math_push(p, math_parse_item(p)))
            return 0;
        rows++;
        bool more = kind(p) == T_AMP || kind(p) == T_COMMA || is_word(p, 0, "if");
        if (more && kind_ahead(p, 1) != T_ROW && kind_ahead(p, 1) != T_ENDENV) {
            p->at += kind(p) != T_WORD;
            if (!math_push(p, parse_condition(p)))
                return 0;
            conditions = true;
        } else {
            p->at += more;
        }
    }
    if (!take(p, T_ENDENV) || !rows)
        return refuse(p, "an environment is not closed");
    if (conditions)
        return p->n_stack - from == 2 * rows ? math_pop(p, from, M_PIECEWISE, 0)
                                             : refuse(p, "cases of which some have no condition");
    return math_pop_or_one(p, from, M_LIST, JOIN_AND);
}

/* align and the like: one answer by rows; the & only align. */
static math_id parse_aligned(math_parser *p)
{
    uint32_t from = p->n_stack;
    while (kind(p) != T_ENDENV && kind(p) != T_END) {
        if (take(p, T_ROW) || take(p, T_AMP))
            continue;
        if (!math_push(p, math_parse_list(p)))
            return 0;
    }
    if (!take(p, T_ENDENV) || p->n_stack == from)
        return refuse(p, "an environment is not closed");
    return math_pop_or_one(p, from, M_LIST, JOIN_AND);
}

math_id math_parse_environment(math_parser *p)
{
    assay_str name = text(p);
    bool cases = pc_is(name, "cases") || pc_is(name, "dcases") || pc_is(name, "rcases");
    bool matrix = is_matrix(name), determinant = pc_is(name, "vmatrix") || pc_is(name, "Vmatrix");
    p->at++;
    return cases ? parse_cases(p) : matrix ? parse_matrix(p, determinant) : parse_aligned(p);
}

/* \left\{ \begin{array}..\end{array} \right. is a case distinction; with a closing brace it is a
 * set. */
static math_id parse_braced_array(math_parser *p)
{
    mark m = math_mark(p);
    p->at += 2;
    math_id id = parse_cases(p);
    if (id && kind(p) != T_SET_CLOSE && kind(p) != T_COMMA)
        return id;
    math_back(p, m);
    return parse_set(p, T_SET_CLOSE);
}

math_id math_parse_group(math_parser *p)
{
    switch ((unsigned)kind(p)) {
    case T_LPAREN:
        return parse_round(p);
    case T_LSQUARE:
    case T_RSQUARE:
        return parse_square(p);
    case T_SET_OPEN:
        return kind_ahead(p, 1) == T_BEGIN && !pc_is(text_ahead(p, 1), "pmatrix") &&
                       !pc_is(text_ahead(p, 1), "bmatrix")
                   ? parse_braced_array(p)
                   : parse_set(p, T_SET_CLOSE);
    case T_LANGLE:
        return parse_angles(p);
    default:
        return parse_set(p, T_CLOSE);
    }
}
/* NOLINTEND(misc-no-recursion) */
