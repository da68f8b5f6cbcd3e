/* parse.c -- text to tree: what stands around an answer, what the whole of it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_text.h"

/* ---- what stands before the answer ---- */

static uint32_t after_announcement(const math_parser *p)
{
    uint32_t n = p->lx.n, i = 0;
    const token *t = p->lx.tokens;
    while (i < n && i < 4 && t[i].kind == T_WORD &&
           !pc_is_nocase(math_tok_text(&p->lx, i), "answer") &&
           !pc_is_nocase(math_tok_text(&p->lx, i), "solution"))
        i++;
    if (i + 2 >= n || t[i].kind != T_WORD || i >= 4)
        return 0;
    assay_str w = math_tok_text(&p->lx, i);
    if (!pc_is_nocase(w, "answer") && !pc_is_nocase(w, "solution"))
        return 0;
    bool is = pc_is_nocase(math_tok_text(&p->lx, i + 1), "is");
    uint32_t past = i + 1 + is;
    bool colon = t[past].kind == T_COLON;
    past += colon;
    return (is || colon) && past < n ? past : 0;
}

static bool is_choice_letter(const math_parser *p, uint32_t i)
{
    assay_str w = math_tok_text(&p->lx, i);
    return i < p->lx.n && p->lx.tokens[i].kind == T_WORD && w.len == 1 && w.data[0] >= 'A' &&
           w.data[0] <= 'J';
}

/* "B. 42", "(D) 1008", "\mathrm{(D)}\ 1{,}008": the index of the value; 0: no label. */
static uint32_t after_label(const math_parser *p, uint32_t lo, uint32_t *letter)
{
    const token *t = p->lx.tokens;
    bool bracket = t[lo].kind == T_LPAREN && is_choice_letter(p, lo + 1) && lo + 2 < p->lx.n &&
                   t[lo + 2].kind == T_RPAREN;
    *letter = bracket ? lo + 1 : lo;
    if (!bracket && !is_choice_letter(p, lo))
        return 0;
    uint32_t past = lo + (bracket ? 3 : 1);
    bool point =
        past < p->lx.n && ((t[past].kind == T_OTHER && pc_is(math_tok_text(&p->lx, past), ".")) ||
                           (!bracket && t[past].kind == T_RPAREN) || t[past].kind == T_COLON);
    past += point;
    bool value = past < p->lx.n && t[past].spaced;
    return (bracket || point) && value ? past : 0;
}

/* ---- what the whole is ---- */

static bool is_index_condition(const math_tree *t, math_id id, char *set)
{
    const math_node *n = math_at(t, id);
    if (n->kind != M_REL || n->n != 2 || math_text(t, id).data[0] != REL_IN)
        return false;
    const math_node *z = math_at(t, math_kid(t, id, 1));
    if (math_at(t, math_kid(t, id, 0))->kind != M_SYM || z->kind != M_NAMED ||
        (z->op != 'Z' && z->op != 'N') || z->len)
        return false;
    *set = (char)z->op;
    return true;
}

/* "x = pi/2 + k pi" names the unknown; the family is the right side. */
static math_id without_name(const math_tree *t, math_id id)
{
    const math_node *n = math_at(t, id);
    bool named = n->kind == M_REL && n->n == 2 && math_text(t, id).data[0] == REL_EQ &&
                 math_at(t, math_kid(t, id, 0))->kind == M_SYM;
    return named ? math_kid(t, id, 1) : id;
}

/* A list whose last items say what k ranges over: each of the others is a family. */
static math_id as_family(math_parser *p, math_id list)
{
    math_tree *t = p->tree;
    if (math_at(t, list)->kind != M_LIST)
        return list;
    char set = 0;
    uint32_t n = math_at(t, list)->n, first = n;
    while (first > 1 && is_index_condition(t, math_kid(t, list, first - 1), &set))
        first--;
    if (first == n)
        return list;
    uint32_t from = p->n_stack;
    for (uint32_t i = 0; i < first; i++) {
        uint32_t outer = p->n_stack;
        if (!math_push(p, without_name(t, math_kid(t, list, i))))
            return 0;
        for (uint32_t k = first; k < n; k++)
            if (!math_push(p, math_kid(t, math_kid(t, list, k), 0)))
                return 0;
        math_id one = math_pop(p, outer, M_FAMILY, (unsigned char)set);
        if (!math_push(p, one))
            return 0;
    }
    return math_pop_or_one(p, from, M_LIST, math_at(t, list)->op);
}

static bool is_equation_of_name(const math_tree *t, math_id id)
{
    const math_node *n = math_at(t, id);
    return n->kind == M_REL && n->n == 2 && math_text(t, id).data[0] == REL_EQ;
}

/* p=5, q=2 and p=7, q=2: where the names come round again, each round is one solution. */
static math_id as_rounds(math_parser *p, math_id list)
{
    math_tree *t = p->tree;
    const math_node n = *math_at(t, list);
    if (n.kind != M_LIST || n.n < 4 || !is_equation_of_name(t, math_kid(t, list, 0)))
        return list;
    math_id first = math_kid(t, math_kid(t, list, 0), 0);
    uint32_t round = 0;
    for (uint32_t i = 0; i < n.n; i++) {
        math_id item = math_kid(t, list, i);
        if (!is_equation_of_name(t, item))
            return list;
        bool again = i > 0 && math_same_tree(t, math_kid(t, item, 0), t, first);
        if (again && !round)
            round = i;
        if (round && !math_same_tree(t, math_kid(t, item, 0), t,
                                     math_kid(t, math_kid(t, list, i % round), 0)))
            return list;
    }
    if (round < 2 || n.n % round)
        return list;
    uint32_t from = p->n_stack;
    for (uint32_t i = 0; i < n.n; i += round) {
        uint32_t inner = p->n_stack;
        for (uint32_t k = 0; k < round; k++)
            if (!math_push(p, math_kid(t, list, i + k)))
                return 0;
        if (!math_push(p, math_pop(p, inner, M_LIST, JOIN_COMMA)))
            return 0;
    }
    return math_pop(p, from, M_LIST, JOIN_SEMI);
}

static bool is_number(const math_tree *t, math_id id)
{
    return math_is_scalar((math_kind)math_at(t, id)->kind) && !math_has_symbols(t, id);
}

/* Of a gold's chain of equalities only the name and the last value count; and what is only
 * approximate does not, after something exact. */
static math_id as_gold_chain(math_parser *p, math_id id)
{
    math_tree *t = p->tree;
    const math_node n = *math_at(t, id);
    if (n.kind != M_REL || n.n < 3)
        return id;
    uint32_t last = n.n - 1;
    assay_str ops = math_text(t, id);
    for (uint32_t i = 0; i < ops.len; i++)
        if (ops.data[i] != REL_EQ && ops.data[i] != REL_APPROX)
            return id;
    while (last > 1 && ops.data[last - 1] == REL_APPROX)
        last--;
    math_id name = math_kid(t, id, 0);
    for (uint32_t i = 0; i < last && is_number(t, name); i++)
        name = math_kid(t, id, i);
    if (is_number(t, name))
        return math_kid(t, id, last);
    const math_id kids[2] = { name, math_kid(t, id, last) };
    return math_text_node(t, M_REL, 0, (assay_str){ "=", 1 }, kids, 2);
}

static bool is_plain_digits(assay_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!pc_is_digit(s.data[i]))
            return false;
    return s.len > 0;
}

/* "1,22" may be a decimal number: the list is marked. */
static void mark_decimal_comma(math_parser *p, uint32_t lo)
{
    const token *first = p->lx.tokens + lo;
    bool shape = p->lx.n >= lo + 3 && first[0].kind == T_NUM && first[1].kind == T_COMMA &&
                 !first[1].spaced && first[2].kind == T_NUM && !first[2].spaced &&
                 is_plain_digits(math_tok_text(&p->lx, lo)) &&
                 is_plain_digits(math_tok_text(&p->lx, lo + 2));
    math_tree *t = p->tree;
    math_node *root = &t->nodes[t->root];
    if (!shape || root->kind != M_LIST || root->n != 2)
        return;
    math_id part = math_kid(t, t->root, 1);
    if (math_at(t, part)->kind == M_UNIT)
        part = math_kid(t, part, 0);
    if (math_at(t, math_kid(t, t->root, 0))->kind == M_NUM && math_at(t, part)->kind == M_NUM)
        root->flags |= M_DECIMAL_COMMA;
}

static math_id parse_all(math_parser *p, uint32_t lo)
{
    p->at = lo;
    math_id id = math_parse_list(p);
    while (id && kind(p) == T_CLOSE) /* one closed too many */
        p->at++;
    if (id && kind(p) != T_END)
        id = refuse(p, "something is left over that cannot be read");
    if (id)
        id = as_family(p, id);
    if (id)
        id = as_rounds(p, id);
    return id && p->is_gold ? as_gold_chain(p, id) : id;
}

static math_id parse_label(math_parser *p, uint32_t lo)
{
    uint32_t letter, value = after_label(p, lo, &letter);
    if (p->lx.n == lo + 2 && is_choice_letter(p, lo) && p->lx.tokens[lo + 1].kind == T_RPAREN)
        return math_leaf(p->tree, M_SYM, math_tok_text(&p->lx, lo)); /* A) */
    if (!value)
        return 0;
    math_id name = math_leaf(p->tree, M_SYM, math_tok_text(&p->lx, letter)),
            rest = math_words_answer(p, value, p->lx.n);
    mark m = math_mark(p);
    if (!rest)
        rest = parse_all(p, value);
    if (!rest) {
        math_back(p, m);
        rest = math_text_answer(p, value, p->lx.n);
    }
    return math_2(p->tree, M_LABEL, 0, name, rest);
}

/* x = 1 of "all reals except x = 1": 1. */
static math_id excepted(const math_tree *t, math_id id)
{
    return is_equation_of_name(t, id) ? math_kid(t, id, 1) : id;
}

/* "all real numbers except 0 and 1". */
static math_id parse_except(math_parser *p, uint32_t lo)
{
    math_tree *t = p->tree;
    mark m = math_mark(p);
    p->at = lo;
    math_id list = math_parse_list(p);
    if (!list || kind(p) != T_END) {
        math_back(p, m);
        return 0;
    }
    uint32_t from = p->n_stack, n = math_at(t, list)->kind == M_LIST ? math_at(t, list)->n : 1;
    for (uint32_t i = 0; i < n; i++) {
        math_id one = math_at(t, list)->kind == M_LIST ? math_kid(t, list, i) : list;
        if (!math_push(p, excepted(t, one)))
            return 0;
    }
    math_id set = math_pop(p, from, M_SET, 0);
    return math_2(t, M_SETMINUS, 0, math_node_new(t, M_NAMED, 'R', NULL, 0), set);
}

/* "negative 5", "minus infinity". */
static math_id parse_negative(math_parser *p, uint32_t lo)
{
    bool negative = kind(p) == T_WORD && (is_word(p, 0, "negative") || is_word(p, 0, "minus"));
    if (!negative || lo + 1 >= p->lx.n)
        return 0;
    mark m = math_mark(p);
    math_id id = math_number_phrase(p, lo + 1, p->lx.n);
    id = id ? id : math_words_answer(p, lo + 1, p->lx.n);
    p->at = lo + 1;
    id = id || kind(p) == T_WORD ? id : parse_all(p, lo + 1);
    if (id && math_is_scalar((math_kind)math_at(p->tree, id)->kind))
        return math_negated(p->tree, id);
    math_back(p, m);
    return 0;
}

static void cut_comment(math_parser *p, uint32_t lo)
{
    uint32_t hi = math_before_comment(p, lo, p->lx.n);
    if (hi == p->lx.n)
        return;
    p->lx.n = hi;
    p->lx.tokens[hi].kind = T_END;
}

static math_id parse_in_words(math_parser *p, uint32_t lo)
{
    uint32_t hi = p->lx.n, except = math_after_except(p, lo, hi);
    p->at = lo;
    math_id id = except > lo ? parse_except(p, except) : 0;
    id = id ? id : parse_negative(p, lo);
    return id ? id : math_number_phrase(p, lo, hi);
}

static math_id parse_any(math_parser *p)
{
    uint32_t lo = after_announcement(p);
    lo = math_after_preface(p, lo, p->lx.n);
    cut_comment(p, lo);
    uint32_t hi = p->lx.n;
    math_id id = parse_label(p, lo);
    if (id)
        return id;
    p->why = NULL;
    id = parse_in_words(p, lo);
    if (id)
        return id;
    p->why = NULL;
    id = math_words_list(p, lo, hi);
    if (id)
        return id;
    id = math_words_answer(p, lo, hi);
    if (id)
        return id;
    id = math_date_answer(p, lo, hi);
    if (id)
        return id;
    if (math_is_sentence(p, lo, hi))
        return math_text_answer(p, lo, hi);
    mark m = math_mark(p);
    id = parse_all(p, lo);
    if (id || p->tree->full)
        return id;
    const char *why = p->why;
    math_back(p, m);
    if (math_has_prose(p, lo, hi))
        return math_text_answer(p, lo, hi);
    return refuse(p, why ? why : "it cannot be read");
}

bool math_parse(math_parser *p, assay_str text_in, bool is_gold, math_tree *tree)
{
    math_tree_clear(tree);
    p->tree = tree;
    p->is_gold = is_gold;
    p->n_stack = p->n_cuts = p->at = p->depth = p->bars = p->integrals = p->i_indices = 0;
    p->variable = 0;
    p->side = 0;
    p->colon_ends = false;
    p->why = NULL;
    if (!math_lex(&p->lx, text_in)) {
        p->why = p->lx.why ? p->lx.why : "out of memory";
        return false;
    }
    if (p->lx.n == 0)
        return refuse(p, "it is empty") != 0;
    tree->root = parse_any(p);
    if (!tree->root)
        return refuse(p, tree->full ? "it is too long" : "it cannot be read") != 0;
    mark_decimal_comma(p, 0);
    return true;
}

void math_parser_fini(math_parser *p)
{
    math_lex_fini(&p->lx);
    pc_free(p->stack);
    pc_free(p->cuts);
    *p = (math_parser){ .at = 0 };
}
