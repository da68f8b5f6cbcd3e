/* parse_answer.c -- the whole answer: relations, lists, ratios, units, families; words where it is
 * none of these. SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_inner.h"
#include "math/units.h"

/* Recursion is bounded by p->depth, which math_parse_expr counts. NOLINTBEGIN(misc-no-recursion) */

/* ---- units ---- */

static bool is_joining_word(assay_str w)
{
    return pc_is_nocase(w, "and") || pc_is_nocase(w, "or") || pc_is_nocase(w, "where") ||
           pc_is_nocase(w, "for") || pc_is_nocase(w, "with");
}

/* "orW" of W(x)=1orW(x)=-1. */
static uint32_t run_on_joiner(assay_str w)
{
    if (w.len > 2 && pc_starts(w, "or") && w.data[2] >= 'A' && w.data[2] <= 'Z')
        return 2;
    return w.len > 3 && pc_starts(w, "and") && w.data[3] >= 'A' && w.data[3] <= 'Z' ? 3 : 0;
}

static bool is_percent(assay_str words)
{
    return pc_is_nocase(words, "percent") || pc_is_nocase(words, "pct") ||
           pc_is_nocase(words, "percentage") || pc_is_nocase(words, "per cent") ||
           pc_is_nocase(words, "pct.") || pc_is_nocase(words, "percentages");
}

/* n is an integer, k an integer, 1 to 2: no units. */
static bool is_said_of(const math_parser *p, math_id value)
{
    bool symbol = math_at(p->tree, value)->kind == M_SYM;
    bool says = is_word(p, 0, "is") || is_word(p, 0, "are") || is_word(p, 0, "an") ||
                is_word(p, 0, "any") || is_word(p, 0, "integer") || is_word(p, 0, "integers");
    return (symbol && says) || (is_word(p, 0, "to") && kind_ahead(p, 1) == T_NUM);
}

/* Words after a value that make a unit of measure or the name of a thing of them. */
bool math_starts_unit(const math_parser *p, math_id value)
{
    const token *t = tok(p, 0);
    if (kind(p) == T_MONEY)
        return true;
    if (kind(p) != T_WORD || run_on_joiner(text(p)))
        return false;
    assay_str w = text(p);
    unsigned power;
    if (is_joining_word(w) || math_is_function_ahead(p) || pc_is(w, "mod") ||
        is_said_of(p, value) || math_set_operator(p, value) != M_NONE)
        return false;
    if (is_percent(w) || (pc_is_nocase(w, "per") && is_word(p, 1, "cent")))
        return true;
    if (t->roman && kind_ahead(p, 1) != T_LPAREN)
        return w.len > 1 || !pc_in(w.data[0], "eid");
    bool closed = !math_has_symbols(p->tree, value);
    if (!closed || w.len < 2)
        return !pc_is_alpha(w.data[0]);
    return !pc_is_alpha(w.data[0]) || math_unit_is_measure(w) ||
           (t->spaced && math_number_word(w, &power)) || (t->spaced && math_word_is_noun(w));
}

static bool is_power_ahead(const math_parser *p, bool *negative)
{
    *negative = kind_ahead(p, 2) == T_MINUS;
    return kind(p) == T_SUP && kind_ahead(p, 1) == T_OPEN &&
           kind_ahead(p, 2 + *negative) == T_NUM && kind_ahead(p, 3 + *negative) == T_CLOSE;
}

/* What stands behind a first word: ^2, ^-1, the sign before another word. */
static bool take_unit_sign(math_parser *p, pc_buf *words)
{
    bool negative;
    if (is_power_ahead(p, &negative)) {
        assay_str power = text_ahead(p, 2 + negative);
        pc_buf_text(words, negative ? "^-" : "^");
        pc_buf_add(words, power.data, power.len);
        p->at += 4 + negative;
        return true;
    }
    const char *sign = kind(p) == T_SLASH   ? "/"
                       : kind(p) == T_TIMES ? "*"
                       : kind(p) == T_MINUS ? "-"
                                            : NULL;
    if (!sign || kind_ahead(p, 1) != T_WORD)
        return false;
    pc_buf_text(words, sign);
    p->at++;
    return true;
}

static bool take_unit_word(math_parser *p, pc_buf *words)
{
    if (kind(p) != T_WORD || is_joining_word(text(p)) || run_on_joiner(text(p)))
        return false;
    bool abbreviated = words->len && words->data[words->len - 1] == '.';
    if ((words->len && pc_is_alpha(words->data[words->len - 1])) ||
        (abbreviated && tok(p, 0)->spaced))
        pc_buf_byte(words, ' ');
    pc_buf_add(words, text(p).data, text(p).len);
    p->at++;
    bool dot = kind(p) == T_OTHER && pc_is(text(p), ".");
    if (dot)
        pc_buf_byte(words, '.');
    p->at += dot;
    return true;
}

/* The words of a unit as text; false: there are none. */
static bool take_unit_words(math_parser *p, pc_buf *words)
{
    uint32_t start = p->at;
    while ((p->at > start && take_unit_sign(p, words)) || take_unit_word(p, words))
        ;
    if (kind(p) == T_MONEY && p->at == start) {
        pc_buf_add(words, text(p).data, text(p).len);
        p->at++;
    }
    return p->at > start && !words->failed;
}

/* 3 million, 2 thousand dollars. */
static math_id parse_multiplier(math_parser *p, math_id value)
{
    unsigned power;
    while (value && kind(p) == T_WORD && math_number_word(text(p), &power)) {
        math_id ten =
            math_2(p->tree, M_POW, 0, math_int(p->tree, 10), math_int(p->tree, (int64_t)power));
        value = math_2(p->tree, M_MUL, 0, value, ten);
        p->at++;
    }
    return value;
}

math_id math_parse_units(math_parser *p, math_id value)
{
    pc_buf words = { 0 }, name = { 0 };
    value = parse_multiplier(p, value);
    if (!value || !math_starts_unit(p, value))
        return value;
    bool ok = take_unit_words(p, &words);
    assay_str w = pc_buf_str(&words);
    if (ok && is_percent(w))
        value = math_1(p->tree, M_PERCENT, 0, value);
    else if (!ok || !math_unit_name(w, &name))
        value = refuse(p, "words that are no unit");
    else if (pc_is(pc_buf_str(&name), "deg"))
        value = math_1(p->tree, M_DEGREE, 0, value);
    else if (name.len)
        value = math_text_node(p->tree, M_UNIT, 0, pc_buf_str(&name), &value, 1);
    pc_buf_fini(&words);
    pc_buf_fini(&name);
    return value;
}

/* factor * a + b, as so many of b's unit. */
static math_id sum_of_units(math_parser *p, math_id a, math_id b, const fmpq_t factor)
{
    math_tree *t = p->tree;
    char *digits = fmpz_get_str(NULL, 10, fmpq_numref(factor));
    math_id n = math_leaf(t, M_NUM, (assay_str){ digits, strlen(digits) });
    flint_free(digits);
    math_id part = math_2(t, M_MUL, 0, n, math_kid(t, a, 0));
    math_id sum = math_2(t, M_ADD, 0, part, math_kid(t, b, 0));
    return sum ? math_text_node(t, M_UNIT, 0, math_text(t, b), &sum, 1) : 0;
}

/* One smaller unit behind `a`: "30 minutes" of 5 hours and 30 minutes; 0: it is none. */
static math_id smaller_unit(math_parser *p, math_id a)
{
    bool and = is_word(p, 0, "and") || kind(p) == T_COMMA;
    if (kind_ahead(p, and) != T_NUM || kind_ahead(p, and+1) != T_WORD)
        return 0;
    p->at += and;
    math_id b = math_parse_number(p);
    b = b ? math_parse_units(p, b) : 0;
    if (!b || math_at(p->tree, b)->kind != M_UNIT)
        return 0;
    fmpq_t factor;
    fmpq_init(factor);
    bool larger =
        math_unit_compare(math_text(p->tree, a), math_text(p->tree, b), factor) == UNITS_FACTOR &&
        fmpz_is_one(fmpq_denref(factor));
    math_id sum = larger ? sum_of_units(p, a, b, factor) : 0;
    fmpq_clear(factor);
    return sum;
}

/* 5 ft 6 in, 1 hour, 30 minutes and 20 seconds: one length, one time. */
static math_id with_smaller_units(math_parser *p, math_id a)
{
    for (;;) {
        mark m = math_mark(p);
        math_id sum = smaller_unit(p, a);
        if (!sum) {
            math_back(p, m);
            return a;
        }
        a = sum;
    }
}

/* ---- items ---- */

/* R - {0} is written for a difference of sets. */
static math_id as_set_difference(math_parser *p, math_id id)
{
    const math_tree *t = p->tree;
    const math_node *n = math_at(t, id);
    if (n->kind != M_ADD || n->n != 2 || math_at(t, math_kid(t, id, 1))->kind != M_NEG)
        return id;
    math_id a = math_kid(t, id, 0), b = math_kid(t, math_kid(t, id, 1), 0);
    math_kind kb = (math_kind)math_at(t, b)->kind;
    bool sets = math_at(t, a)->kind == M_NAMED &&
                (kb == M_SET || kb == M_BRACES || kb == M_NAMED || kb == M_SQUARE);
    return sets ? math_2(p->tree, M_SETMINUS, 0, a, b) : id;
}

math_kind math_set_operator(const math_parser *p, math_id left)
{
    math_kind k = (math_kind)math_at(p->tree, left)->kind;
    bool set = k == M_TUPLE || k == M_SQUARE || k == M_INTERVAL || k == M_SET || k == M_BRACES ||
               k == M_NAMED || k == M_UNION || k == M_INTERSECT;
    if (kind(p) == T_WORD && !set)
        return M_NONE;
    if (kind(p) == T_WORD)
        return pc_is(text(p), "U") || is_word(p, 0, "union") || is_word(p, 0, "cup") ? M_UNION
               : is_word(p, 0, "intersection") || is_word(p, 0, "intersect")         ? M_INTERSECT
                                                                                     : M_NONE;
    if (kind(p) != T_CMD)
        return M_NONE;
    assay_str t = text(p);
    return pc_is(t, "\\cup")        ? M_UNION
           : pc_is(t, "\\cap")      ? M_INTERSECT
           : pc_is(t, "\\setminus") ? M_SETMINUS
                                    : M_NONE;
}

static math_id parse_set_operations(math_parser *p, math_id left)
{
    math_kind k;
    while (left && (k = math_set_operator(p, left)) != M_NONE) {
        uint32_t from = p->n_stack;
        if (!math_push(p, left))
            return 0;
        do {
            p->at++;
            if (!math_push(p, math_parse_expr(p, BIND_SUM)))
                return 0;
        } while (k != M_SETMINUS && math_set_operator(p, p->stack[p->n_stack - 1]) == k);
        left = math_pop(p, from, k, 0);
    }
    return left ? as_set_difference(p, left) : 0;
}

/* 4:45 pm: the unit after the last part belongs to the whole. */
static math_id with_outer_unit(math_parser *p, math_id id)
{
    math_tree *t = p->tree;
    const math_node n = *math_at(t, id);
    if (n.kind != M_RATIO)
        return id;
    math_id last = math_kid(t, id, n.n - 1);
    if (math_at(t, last)->kind != M_UNIT || math_at(t, math_kid(t, id, 0))->kind == M_UNIT)
        return id;
    t->kids[n.first + n.n - 1] = math_kid(t, last, 0);
    return math_text_node(t, M_UNIT, 0, math_text(t, last), &id, 1);
}

/* 3 to 5 */
static bool take_to(math_parser *p)
{
    bool is = is_word(p, 0, "to") && kind_ahead(p, 1) == T_NUM && p->at > 0 &&
              p->lx.tokens[p->at - 1].kind == T_NUM;
    p->at += is;
    return is;
}

static math_id parse_operand(math_parser *p)
{
    uint32_t from = p->n_stack;
    do {
        math_id one = parse_set_operations(p, math_parse_expr(p, BIND_SUM));
        if (one && math_starts_unit(p, one))
            one = math_parse_units(p, one);
        if (one && math_at(p->tree, one)->kind == M_UNIT)
            one = with_smaller_units(p, one);
        if (!math_push(p, one))
            return 0;
    } while (!p->colon_ends && (take(p, T_COLON) || take_to(p)));
    math_id id = math_pop_or_one(p, from, M_RATIO, 0);
    if (id)
        id = with_outer_unit(p, id);
    if (id && math_at(p->tree, id)->kind == M_RATIO && math_starts_unit(p, id)) /* 2:30 pm */
        id = math_parse_units(p, id);
    return id;
}

/* "k is an integer", "k an integer" */
static math_id parse_membership(math_parser *p, math_id k)
{
    uint32_t ahead = is_word(p, 0, "is") || is_word(p, 0, "are") ? 1 : 0;
    ahead += is_word(p, ahead, "an") || is_word(p, ahead, "any") || is_word(p, ahead, "a");
    ahead += is_word(p, ahead, "arbitrary");
    if (!is_word(p, ahead, "integer") && !is_word(p, ahead, "integers"))
        return k;
    p->at += ahead + 1;
    math_id z = math_node_new(p->tree, M_NAMED, 'Z', NULL, 0), kids[2] = { k, z };
    return math_text_node(p->tree, M_REL, 0, str("e"), kids, 2);
}

static void skip_quantifier(math_parser *p)
{
    while (is_word(p, 0, "any") || is_word(p, 0, "all") || is_word(p, 0, "every") ||
           is_word(p, 0, "some"))
        p->at++;
}

/* \forall k \in Z */
static void skip_for_all(math_parser *p)
{
    while (kind(p) == T_CMD && (pc_is(text(p), "\\forall") || pc_is(text(p), "\\therefore")))
        p->at++;
}

enum { MOST_RELATIONS = 32 };

static math_id parse_relation(math_parser *p, math_id left)
{
    char ops[MOST_RELATIONS];
    uint32_t n = 0, from = p->n_stack;
    if (!math_push(p, left))
        return 0;
    while (kind(p) == T_REL) {
        if (n == MOST_RELATIONS)
            return refuse(p, "a chain of too many relations");
        ops[n++] = text(p).data[0];
        p->at++;
        if (!math_push(p, parse_operand(p)))
            return 0;
    }
    math_id id = math_text_node(p->tree, M_REL, 0, (assay_str){ ops, n }, p->stack + from, n + 1);
    p->n_stack = from;
    return id;
}

math_id math_parse_item(math_parser *p)
{
    skip_for_all(p);
    bool integers = (skip_quantifier(p), is_word(p, 0, "integer") || is_word(p, 0, "integers"));
    p->at += integers;
    if (kind(p) == T_REL && pc_in(text(p).data[0], "=~")) /* "= 5", "\approx 4.2" */
        p->at++;
    math_id left = parse_operand(p);
    if (left && integers) {
        const math_id kids[2] = { left, math_node_new(p->tree, M_NAMED, 'Z', NULL, 0) };
        return math_text_node(p->tree, M_REL, 0, str("e"), kids, 2);
    }
    if (left && kind(p) == T_WORD && math_at(p->tree, left)->kind == M_SYM)
        left = parse_membership(p, left);
    return left && kind(p) == T_REL ? parse_relation(p, left) : left;
}

/* ---- lists ---- */

math_join math_joins(const math_parser *p, bool *does)
{
    *does = true;
    if (kind(p) == T_COMMA)
        return JOIN_COMMA;
    if (kind(p) == T_SEMI)
        return JOIN_SEMI;
    if (kind(p) == T_WORD && is_joining_word(text(p)))
        return pc_is_nocase(text(p), "or")    ? JOIN_OR
               : pc_is_nocase(text(p), "and") ? JOIN_AND
                                              : JOIN_COMMA;
    if (kind(p) == T_WORD && run_on_joiner(text(p)))
        return pc_lower(text(p).data[0]) == 'o' ? JOIN_OR : JOIN_AND;
    *does = false;
    return JOIN_COMMA;
}

/* Past ", and", ", where"; false: nothing follows. */
static void take_separator(math_parser *p)
{
    bool does = true;
    do {
        uint32_t run_on =
            kind(p) == T_WORD && !is_joining_word(text(p)) ? run_on_joiner(text(p)) : 0;
        if (run_on) {
            (void)math_cut_word(p, run_on);
            return;
        }
        p->at++;
        (void)math_joins(p, &does);
    } while (does && kind(p) == T_WORD);
}

static bool is_condition(const math_parser *p) /* (k \in Z) */
{
    return kind(p) == T_LPAREN && kind_ahead(p, 1) == T_WORD && kind_ahead(p, 2) == T_REL;
}

static math_id parse_flat(math_parser *p, bool stop_at_semicolon, bool *semicolons)
{
    uint32_t from = p->n_stack;
    math_join how = JOIN_COMMA, join;
    bool does = true;
    for (;;) {
        if (!math_push(p, math_parse_item(p)))
            return 0;
        join = math_joins(p, &does);
        if (join == JOIN_SEMI)
            *semicolons = true;
        if (is_condition(p))
            continue;
        if (!does || (join == JOIN_SEMI && stop_at_semicolon))
            break;
        if (join == JOIN_OR || (join == JOIN_AND && how != JOIN_OR))
            how = join;
        take_separator(p);
        if (kind(p) == T_END || kind(p) == T_CLOSE) /* a trailing comma */
            break;
    }
    return math_pop_or_one(p, from, M_LIST, how);
}

/* 1,2;3,4;5,6 is a list of lists; 1;2;3 is a list. */
math_id math_parse_list(math_parser *p)
{
    bool semicolons = false;
    mark m = math_mark(p);
    math_id flat = parse_flat(p, false, &semicolons);
    if (!flat || !semicolons)
        return flat;
    math_back(p, m);
    uint32_t from = p->n_stack;
    do {
        if (!math_push(p, parse_flat(p, true, &semicolons)))
            return 0;
    } while (take(p, T_SEMI) && kind(p) != T_END);
    return math_pop_or_one(p, from, M_LIST, JOIN_SEMI);
}
/* NOLINTEND(misc-no-recursion) */
