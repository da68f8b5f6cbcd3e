/* parse_print_set.c -- tuples, sets, matrices, relations, lists and words as LaTeX.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_print.h"

/* print_node counts the depth. NOLINTBEGIN(misc-no-recursion) */

/* ---- collections ---- */

static void print_items(printer *p, math_id id, const char *open, const char *close)
{
    uint32_t *order = print_order(p, id, 0), n = math_at(p->t, id)->n;
    size_t opened = print_open(p, open);
    for (uint32_t i = 0; i < n && !print_full(p); i++) {
        if (i)
            print_separator(p, ",");
        print_node(p, print_nth(p, id, order, i), TIGHT_RELATION, AT_START | AT_OPERAND | IN_LIST);
    }
    print_close(p, opened, close);
    pc_free(order);
}

void print_tuple(printer *p, math_id id, unsigned where)
{
    (void)where;
    if (math_at(p->t, id)->op)
        print_items(p, id, "\\langle ", "\\rangle ");
    else
        print_items(p, id, "(", ")");
}

void print_square(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_items(p, id, "[", "]");
}

void print_set(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_items(p, id, "\\{", "\\}");
}

void print_interval(printer *p, math_id id, unsigned where)
{
    (void)where;
    unsigned op = math_at(p->t, id)->op;
    const char *open = op & MATH_LO_CLOSED ? "[" : op ? "(" : "]";
    const char *close = op & MATH_HI_CLOSED ? "]" : op ? ")" : "[";
    print_items(p, id, open, close);
}

/* {a, b}: without backslashes, so the brackets are not \left's. */
void print_braces(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_put(p, "{");
    for (uint32_t i = 0; i < math_at(p->t, id)->n && !print_full(p); i++) {
        if (i)
            print_separator(p, ",");
        print_node(p, print_kid(p, id, i), TIGHT_RELATION, AT_START | AT_OPERAND | IN_LIST);
    }
    print_put(p, "}");
}

void print_builder(printer *p, math_id id, unsigned where)
{
    (void)where;
    size_t opened = print_open(p, "\\{");
    for (uint32_t i = 0; i < math_at(p->t, id)->n && !print_full(p); i++) {
        print_put(p, i == 0 ? "" : i == 1 ? " \\mid " : ", ");
        print_node(p, print_kid(p, id, i), TIGHT_RELATION, AT_START | IN_LIST);
    }
    print_close(p, opened, "\\}");
}

static void print_set_operation(printer *p, math_id id, const char *sign)
{
    uint32_t *order = print_order(p, id, 0), n = math_at(p->t, id)->n;
    for (uint32_t i = 0; i < n && !print_full(p); i++) {
        if (i)
            print_put(p, sign);
        print_node(p, print_nth(p, id, order, i), TIGHT_SUM, AT_START);
    }
    pc_free(order);
}

void print_union(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_set_operation(p, id, " \\cup ");
}

void print_intersection(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_set_operation(p, id, " \\cap ");
}

void print_difference(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_set_operation(p, id, " \\setminus ");
}

void print_named(printer *p, math_id id, unsigned where)
{
    (void)where;
    assay_str mark = math_text(p->t, id);
    print_put(p, "\\mathbb{");
    print_byte(p, (char)math_at(p->t, id)->op);
    print_put(p, "}");
    if (mark.len) {
        print_put(p, "^{");
        print_str(p, mark);
        print_put(p, "}");
    }
}

void print_matrix(printer *p, math_id id, unsigned where)
{
    (void)where;
    const math_node *n = math_at(p->t, id);
    uint32_t columns = n->op ? n->op : 1;
    const char *name = n->flags & M_DETERMINANT ? "vmatrix"
                       : print_chance(p, 2)     ? "bmatrix"
                                                : "pmatrix";
    print_put(p, "\\begin{");
    print_put(p, name);
    print_put(p, "} ");
    for (uint32_t i = 0; i < n->n && !print_full(p); i++) {
        print_put(p, i == 0 ? "" : i % columns ? " & " : " \\\\ ");
        print_node(p, print_kid(p, id, i), TIGHT_RELATION, AT_START | IN_LIST);
    }
    print_put(p, " \\end{");
    print_put(p, name);
    print_put(p, "}");
}

/* ---- relations and lists ---- */

static const char *sign_of(char op, bool turned)
{
    switch (op) {
    case REL_LT:
        return turned ? " > " : " < ";
    case REL_GT:
        return turned ? " < " : " > ";
    case REL_LE:
        return turned ? " \\ge " : " \\le ";
    case REL_GE:
        return turned ? " \\le " : " \\ge ";
    case REL_NE:
        return " \\ne ";
    case REL_APPROX:
        return " \\approx ";
    case REL_EQUIV:
        return " \\equiv ";
    case REL_IN:
        return " \\in ";
    case REL_NOTIN:
        return " \\notin ";
    case REL_SUBSET:
        return " \\subset ";
    case REL_IMPLIES:
        return " \\implies ";
    case REL_OTHER:
        return " \\perp ";
    default:
        return " = ";
    }
}

/* x = 5 as 5 = x, 1 < x <= 2 as 2 >= x > 1; the name of a function, or one of several letters,
 * stays on the left, and so do collections. */
static bool turns(printer *p, math_id id, unsigned where)
{
    assay_str ops = math_text(p->t, id);
    bool order = false, equality = false;
    for (size_t k = 0; k < ops.len; k++) {
        equality = equality || pc_in(ops.data[k], "=!");
        order = order || pc_in(ops.data[k], "<l>g");
        if (!pc_in(ops.data[k], "=!<l>g"))
            return false;
    }
    for (uint32_t i = 0; i < math_at(p->t, id)->n; i++) {
        math_id side = print_kid(p, id, i);
        uint8_t k = print_kind(p, side);
        if (!math_is_scalar((math_kind)k) || k == M_APPLY || print_is_letters(p, side))
            return false;
    }
    return where & MAY_TURN && order != equality && (order || ops.len == 1) && print_chance(p, 3);
}

void print_relation(printer *p, math_id id, unsigned where)
{
    uint32_t n = math_at(p->t, id)->n;
    assay_str ops = math_text(p->t, id);
    bool turned = turns(p, id, where);
    for (uint32_t i = 0; i < n && !print_full(p); i++) {
        uint32_t k = turned ? n - 1 - i : i;
        if (i)
            print_put(p, sign_of(ops.data[turned ? k : k - 1], turned));
        print_node(p, print_kid(p, id, k), TIGHT_RATIO,
                   AT_START | AT_OPERAND | IS_SIDE | (where & IN_LIST));
    }
}

static bool are_families(const printer *p, math_id id)
{
    const math_node *n = math_at(p->t, id);
    for (uint32_t i = 0; i < n->n; i++)
        if (print_kind(p, print_kid(p, id, i)) != M_FAMILY)
            return false;
    return n->n > 0;
}

static void print_conditions(printer *p, math_id family)
{
    for (uint32_t i = 1; i < math_at(p->t, family)->n && !print_full(p); i++) {
        print_put(p, ", ");
        print_node(p, print_kid(p, family, i), TIGHT_ATOM, IN_EXACT);
        print_put(p, math_at(p->t, family)->op == 'N' ? " \\in \\mathbb{N}" : " \\in \\mathbb{Z}");
    }
}

static void put_join(printer *p, unsigned join, bool last)
{
    if (join == JOIN_SEMI)
        print_put(p, "; ");
    else if (!last || join == JOIN_COMMA)
        print_separator(p, ",");
    else
        print_put(p, join == JOIN_AND ? " \\text{ and } " : " \\text{ or } ");
}

void print_list(printer *p, math_id id, unsigned where)
{
    const math_node *n = math_at(p->t, id);
    bool families = are_families(p, id);
    uint32_t *order = families ? NULL : print_order(p, id, where);
    unsigned inner = (n->op == JOIN_SEMI ? KEEPS_ORDER : 0) | AT_START | AT_OPERAND | IN_LIST |
                     (n->op == JOIN_SEMI ? 0 : where & MAY_TURN);
    bool tight = n->flags & M_DECIMAL_COMMA && n->op == JOIN_COMMA;
    for (uint32_t i = 0; i < n->n && !print_full(p); i++) {
        math_id item = print_nth(p, id, order, i);
        if (i && tight)
            print_put(p, ",");
        else if (i)
            put_join(p, n->op, i + 1 == n->n);
        if (families)
            print_node(p, print_kid(p, item, 0), TIGHT_RELATION, inner);
        else
            print_node(p, item, n->op == JOIN_SEMI ? TIGHT_LIST : TIGHT_RELATION,
                       tight ? inner | IN_EXACT : inner);
    }
    if (families)
        print_conditions(p, print_kid(p, id, 0));
    pc_free(order);
}

void print_family(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_node(p, print_kid(p, id, 0), TIGHT_RELATION, AT_START | AT_OPERAND | IN_LIST);
    print_conditions(p, id);
}

void print_cases(printer *p, math_id id, unsigned where)
{
    (void)where;
    const math_node *n = math_at(p->t, id);
    print_put(p, "\\begin{cases} ");
    for (uint32_t i = 0; i + 1 < n->n && !print_full(p); i += 2) {
        math_id condition = print_kid(p, id, i + 1);
        print_put(p, i ? " \\\\ " : "");
        print_node(p, print_kid(p, id, i), TIGHT_RELATION, AT_START | IN_LIST);
        print_put(p, " & ");
        if (print_kind(p, condition) == M_NONE)
            print_put(p, "\\text{otherwise}");
        else
            print_node(p, condition, TIGHT_LIST, AT_START | IN_LIST);
    }
    print_put(p, " \\end{cases}");
}

void print_ratio(printer *p, math_id id, unsigned where)
{
    (void)where;
    p->still++; /* perhaps a time of day */
    for (uint32_t i = 0; i < math_at(p->t, id)->n && !print_full(p); i++) {
        print_put(p, i ? ":" : "");
        print_node(p, print_kid(p, id, i), TIGHT_OPERAND, AT_START | IN_EXACT | IN_LIST);
    }
    p->still--;
}

void print_label(printer *p, math_id id, unsigned where)
{
    (void)where;
    p->still++;
    print_put(p, "\\text{(}");
    print_node(p, print_kid(p, id, 0), TIGHT_ATOM, IN_EXACT);
    print_put(p, "\\text{)}\\ ");
    print_node(p, print_kid(p, id, 1), TIGHT_LIST, AT_START | AT_OPERAND);
    p->still--;
}

/* Words stand in \text; a normal form with signs in it is LaTeX already. */
void print_text(printer *p, math_id id, unsigned where)
{
    (void)where;
    assay_str s = math_text(p->t, id);
    bool words = s.len > 0;
    for (size_t k = 0; k < s.len; k++)
        words = words &&
                (pc_is_alpha(s.data[k]) || s.data[k] == ' ' || (unsigned char)s.data[k] >= 0x80);
    print_put(p, words ? "\\text{" : "");
    print_str(p, s);
    print_put(p, words ? "}" : "");
}
/* NOLINTEND(misc-no-recursion) */
