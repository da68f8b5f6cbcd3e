/* parse_print.c -- a tree as LaTeX that the parser reads back: brackets where they are needed, one
 * shape for each kind. With p->rewrites parts take another shape of the same value;
 * parse_print_choice.c says when.
 *
 * Recursion is bounded by MATH_DEPTH, the text by MATH_PRINTED. SPDX-License-Identifier: Apache-2.0
 */
#include "math/parse_print.h"

/* ---- pieces ---- */

bool print_full(const printer *p)
{
    return p->out->failed || p->out->len >= p->most;
}

void print_put(printer *p, const char *text)
{
    if (!print_full(p))
        pc_buf_text(p->out, text);
}

void print_str(printer *p, assay_str s)
{
    if (!print_full(p))
        pc_buf_add(p->out, s.data, s.len);
}

void print_byte(printer *p, char c)
{
    if (!print_full(p))
        pc_buf_byte(p->out, c);
}

static void open_with(printer *p, const char *bracket)
{
    if (!print_chance(p, 3))
        print_put(p, "\\left");
    print_put(p, bracket);
}

/* The closing bracket must be \right where its partner was \left: the caller keeps what `open_with`
 * drew. */
size_t print_open(printer *p, const char *bracket)
{
    size_t at = p->out->len;
    open_with(p, bracket);
    return at;
}

void print_close(printer *p, size_t opened, const char *bracket)
{
    if (opened + 5 <= p->out->len && memcmp(p->out->data + opened, "\\left", 5) == 0)
        print_put(p, "\\right");
    print_put(p, bracket);
}

void print_separator(printer *p, const char *sign)
{
    print_put(p, sign);
    print_put(p, print_chance(p, 4) ? "\\," : print_chance(p, 6) ? "~" : " ");
}

void print_argument(printer *p, math_id id, unsigned where)
{
    print_put(p, "{");
    print_node(p, id, TIGHT_LIST, where | AT_START);
    print_put(p, "}");
}

/* ---- any node ---- */
static void print_symbol(printer *p, math_id id, unsigned where)
{
    (void)where;
    print_name(p, math_text(p->t, id), math_at(p->t, id)->op == 1);
}

typedef struct how {
    void (*print)(printer *p, math_id id, unsigned where); /* NULL: `word` is all */
    tightness tight;
    const char *word;
} how;

static const how table[M_KINDS] = {
    [M_NONE] = { NULL, TIGHT_ATOM, "" },
    [M_NUM] = { print_number, TIGHT_ATOM, "" },
    [M_SYM] = { print_symbol, TIGHT_ATOM, "" },
    [M_PI] = { NULL, TIGHT_ATOM, "\\pi" },
    [M_E] = { NULL, TIGHT_ATOM, "e" },
    [M_I] = { NULL, TIGHT_ATOM, "i" },
    [M_INF] = { NULL, TIGHT_ATOM, "\\infty" },
    [M_ADD] = { print_sum, TIGHT_SUM, "" },
    [M_MUL] = { print_product, TIGHT_PRODUCT, "" },
    [M_NEG] = { print_negative, TIGHT_SIGN, "" },
    [M_DIV] = { print_quotient, TIGHT_ATOM, "" },
    [M_POW] = { print_power, TIGHT_POSTFIX, "" },
    [M_SQRT] = { print_root, TIGHT_ATOM, "" },
    [M_ROOT] = { print_root, TIGHT_ATOM, "" },
    [M_FUNC] = { print_function, TIGHT_POSTFIX, "" },
    [M_LOG] = { print_log, TIGHT_POSTFIX, "" },
    [M_FACT] = { print_factorial, TIGHT_POSTFIX, "" },
    [M_BINOM] = { print_binomial, TIGHT_ATOM, "" },
    [M_MOD] = { print_mod, TIGHT_PRODUCT, "" },
    [M_PM] = { print_pm, TIGHT_SIGN, "" },
    [M_PERCENT] = { print_percent, TIGHT_POSTFIX, "" },
    [M_DEGREE] = { print_degree, TIGHT_POSTFIX, "" },
    [M_UNIT] = { print_with_unit, TIGHT_OPERAND, "" },
    [M_BASE] = { print_based, TIGHT_POSTFIX, "" },
    [M_APPLY] = { print_applied, TIGHT_POSTFIX, "" },
    [M_SUM] = { print_big, TIGHT_BIG, "" },
    [M_PROD] = { print_big, TIGHT_BIG, "" },
    [M_INT] = { print_big, TIGHT_BIG, "" },
    [M_LIM] = { print_big, TIGHT_BIG, "" },
    [M_DERIV] = { print_big, TIGHT_BIG, "" },
    [M_DOTS] = { NULL, TIGHT_ATOM, "\\ldots" },
    [M_TUPLE] = { print_tuple, TIGHT_ATOM, "" },
    [M_SQUARE] = { print_square, TIGHT_ATOM, "" },
    [M_INTERVAL] = { print_interval, TIGHT_ATOM, "" },
    [M_BRACES] = { print_braces, TIGHT_ATOM, "" },
    [M_SET] = { print_set, TIGHT_ATOM, "" },
    [M_LIST] = { print_list, TIGHT_LIST, "" },
    [M_SETBUILDER] = { print_builder, TIGHT_ATOM, "" },
    [M_UNION] = { print_union, TIGHT_OPERAND, "" },
    [M_INTERSECT] = { print_intersection, TIGHT_OPERAND, "" },
    [M_SETMINUS] = { print_difference, TIGHT_OPERAND, "" },
    [M_NAMED] = { print_named, TIGHT_ATOM, "" },
    [M_EMPTY] = { NULL, TIGHT_ATOM, "\\emptyset" },
    [M_MATRIX] = { print_matrix, TIGHT_ATOM, "" },
    [M_REL] = { print_relation, TIGHT_RELATION, "" },
    [M_FAMILY] = { print_family, TIGHT_LIST, "" },
    [M_PIECEWISE] = { print_cases, TIGHT_ATOM, "" },
    [M_RATIO] = { print_ratio, TIGHT_RATIO, "" },
    [M_LABEL] = { print_label, TIGHT_LIST, "" },
    [M_TEXT] = { print_text, TIGHT_ATOM, "" },
};

static tightness tightness_of(const printer *p, math_id id)
{
    const math_node *n = math_at(p->t, id);
    assay_str text = math_text(p->t, id);
    if (n->kind == M_PM && n->n == 2)
        return TIGHT_SUM;
    if (n->kind == M_NUM &&
        pc_find(text, "e", 0) != PC_NONE) /* 1.5e3^2 would be read well, but not by everyone */
        return TIGHT_POSTFIX;
    if (n->kind == M_SYM && pc_find(text, "'", 0) != PC_NONE)
        return TIGHT_POSTFIX;
    return table[n->kind].tight;
}

/* A command must not run into a letter that follows. */
static bool ends_in_command(const printer *p)
{
    size_t at = p->out->len;
    while (at > 0 && pc_is_alpha(p->out->data[at - 1]))
        at--;
    return at > 0 && at < p->out->len && p->out->data[at - 1] == '\\';
}

/* NOLINTBEGIN(misc-no-recursion): print_node counts the depth */
static bool is_small_sum(const printer *p, math_id id)
{
    uint8_t k = print_kind(p, id);
    return k == M_NUM || k == M_ADD || k == M_DIV || k == M_SQRT;
}

/* x is x + 0 and 1 x, but only where a value is expected: "x + 0 = 5" names nothing. */
static bool print_disguised(printer *p, math_id id, tightness least, unsigned where)
{
    unsigned inner = where & ~(unsigned)AT_OPERAND;
    if (!p->rewrites || p->still || where & IN_EXACT || !(where & AT_START) ||
        !is_small_sum(p, id) || !print_chance(p, 12) || !print_is_pure(p, id))
        return false;
    if (least <= TIGHT_SUM && print_chance(p, 2)) {
        print_node(p, id, TIGHT_SUM, inner | IN_EXACT);
        print_put(p, " + 0");
        return true;
    }
    if (least > TIGHT_PRODUCT)
        return false;
    print_put(p, "1 \\cdot ");
    print_node(p, id, TIGHT_POSTFIX, (inner & ~(unsigned)AT_START) | IN_EXACT);
    return true;
}

static void print_bare(printer *p, math_id id, tightness least, unsigned where)
{
    if (print_disguised(p, id, least, where))
        return;
    if (ends_in_command(p))
        print_put(p, " ");
    const how *h = &table[print_kind(p, id)];
    if (h->print)
        h->print(p, id, where);
    else
        print_put(p, h->word);
}

void print_node(printer *p, math_id id, tightness least, unsigned where)
{
    if (print_full(p))
        return;
    if (p->depth >= MATH_DEPTH) {
        print_put(p, "\\ldots");
        return;
    }
    p->depth++;
    tightness own = tightness_of(p, id);
    bool sign = own == TIGHT_SIGN && least == TIGHT_PRODUCT && !(where & AT_START); /* a + (-b) */
    if (own < least || sign) {
        size_t opened = print_open(p, "(");
        print_bare(p, id, TIGHT_LIST, (where & ~(unsigned)MAY_TURN) | AT_START);
        print_close(p, opened, ")");
    } else {
        print_bare(p, id, least, where);
    }
    p->depth--;
}

/* NOLINTEND(misc-no-recursion) */

static void print_all(const math_tree *t, math_id id, bool rewrites, uint64_t seed, pc_buf *out)
{
    printer p = {
        .t = t, .out = out, .most = out->len + MATH_PRINTED, .rewrites = rewrites, .seed = seed
    };
    print_node(&p, id, TIGHT_LIST, AT_START | AT_OPERAND | MAY_TURN);
}

void math_print(const math_tree *t, math_id id, pc_buf *out)
{
    print_all(t, id, false, 0, out);
}

void math_print_rewritten(const math_tree *t, math_id id, uint64_t seed, pc_buf *out)
{
    print_all(t, id, true, seed, out);
}
