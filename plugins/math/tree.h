/* tree.h -- an answer as a tree: nodes in one arena, texts in one pool, everything freed at once.
 *
 * The parser (parse.h) builds it, value.h, symbolic.h, sets.h and compare.h read it. What a
 * notation leaves open stays open in the tree: (1,2) is M_TUPLE, a pair or an open interval, until
 * it is compared with something that says which. Nothing is evaluated while a tree is built.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_TREE_H
#define MATH_TREE_H
#include "common/text.h"

#include <math.h>
#undef M_PI /* <math.h> has doubles of these names */
#undef M_E

typedef uint32_t math_id; /* index of a node; 0: none */

typedef enum math_kind {
    M_NONE,
    /* ---- scalars ---- */
    M_NUM, /* text: digits [. digits] [(repeating digits)] [e [-] digits]; never negative */
    M_SYM, /* text: "x", "alpha", "x_1", "bar(x)", "y'"; op: 1 if it stood upright (\mathrm, \text)
            */
    M_PI,
    M_E,
    M_I,
    M_INF,     /* +infinity; -infinity is M_NEG of it */
    M_ADD,     /* n >= 2 */
    M_MUL,     /* n >= 2 */
    M_NEG,     /* 1 */
    M_DIV,     /* numerator, denominator */
    M_POW,     /* base, exponent */
    M_SQRT,    /* 1 */
    M_ROOT,    /* index, radicand */
    M_FUNC,    /* op: math_fn; arguments */
    M_LOG,     /* base, argument */
    M_FACT,    /* 1; op: 2 for the double factorial */
    M_BINOM,   /* n, k */
    M_MOD,     /* a, m: the residue with the sign of m, as in Python */
    M_PM,      /* a: +-a; or a, b: a +- b; op: 1 for \mp */
    M_PERCENT, /* 1: a/100 where a number is meant, but "50%" also answers "50" */
    M_DEGREE,  /* 1: a pi/180 inside a function, a unit outside */
    M_UNIT,    /* 1; text: the unit's canonical name (units.h): "cm^2", "km/h", "$", "apple" */
    M_BASE,    /* text: digits (0-9, a-z); op: the base, 2..36 */
    M_APPLY,   /* text: the name of an unknown function; arguments: f(x), P(A) */
    M_SUM,     /* body, variable, from, to */
    M_PROD,    /* body, variable, from, to */
    M_INT,     /* body, variable [, from, to] */
    M_LIM,     /* body, variable, where to; op: 0 both sides, 1 from above, 2 from below */
    M_DERIV,   /* body, variable */
    M_DOTS,    /* ... in a list or a sum */
    /* ---- collections ---- */
    M_TUPLE,  /* (a, b, ...): n >= 2; of two: a pair, or an open interval; op: 1 for \langle \rangle
                 (only a vector) */
    M_SQUARE, /* [a, b, ...]: n >= 0; of two: a list, or a closed interval */
    M_INTERVAL, /* lo, hi; op: bits MATH_LO_CLOSED, MATH_HI_CLOSED. Surely an interval: [a,b) or
                   ]a,b[ */
    M_BRACES,   /* {a, b} without backslashes: a tuple or a set */
    M_SET,      /* \{a, b\}; n >= 0 */
    M_LIST,     /* a, b and c without brackets: n >= 2; op: math_join. Of relations: a system (AND,
                   COMMA) or cases (OR) */
    M_SETBUILDER, /* element, conditions...: \{x^2 | x > 1, x in Z\} */
    M_UNION,      /* n >= 2 */
    M_INTERSECT,  /* n >= 2 */
    M_SETMINUS,   /* a, b */
    M_NAMED,      /* op: 'N' 'Z' 'Q' 'R' 'C'; text: "", "+", "-", "*" (without zero) */
    M_EMPTY,
    M_MATRIX, /* entries by rows; op: columns; flags: M_DETERMINANT */
    M_REL,    /* n >= 2 operands; text: n-1 bytes of math_relop between them: 1 < x <= 2 */
    M_FAMILY, /* expression, variable [, variable...]; op: what the variables range over, 'Z' or 'N'
               */
    M_PIECEWISE, /* value, condition, value, condition, ...; condition M_NONE's node: otherwise */
    M_RATIO,     /* a : b [: c ...]; also a time of day, which units "am" and "pm" tell */
    M_LABEL,     /* the letter of a choice and its value: "(D) 1008": either answers */
    M_TEXT,      /* text: words, white space single, case folded unless it is a name like ABC */
    M_KINDS
} math_kind;

typedef enum math_fn {
    FN_NONE,
    FN_SIN,
    FN_COS,
    FN_TAN,
    FN_COT,
    FN_SEC,
    FN_CSC,
    FN_ASIN,
    FN_ACOS,
    FN_ATAN,
    FN_ACOT,
    FN_ASEC,
    FN_ACSC,
    FN_SINH,
    FN_COSH,
    FN_TANH,
    FN_COTH,
    FN_SECH,
    FN_CSCH,
    FN_ASINH,
    FN_ACOSH,
    FN_ATANH,
    FN_EXP,
    FN_LN,
    FN_LG,  /* base 10 */
    FN_LOG, /* \log without a base: 10 or e, whichever the other side means */
    FN_ABS, /* also the size of a set and the norm of a vector */
    FN_FLOOR,
    FN_CEIL,
    FN_SIGN,
    FN_GAMMA,
    FN_GCD,
    FN_LCM,
    FN_MAX,
    FN_MIN,
    FN_RE,
    FN_IM,
    FN_ARG,
    FN_CONJ,
    FN_DET,
    FN_ERF,
    FN_PHI, /* Euler's totient is M_APPLY "varphi" unless written \operatorname{totient} */
    FN_COUNT
} math_fn;

typedef enum math_relop {
    REL_EQ = '=',
    REL_NE = '!',
    REL_LT = '<',
    REL_LE = 'l',
    REL_GT = '>',
    REL_GE = 'g',
    REL_APPROX = '~',
    REL_EQUIV = '#' /* congruent, identical */,
    REL_IN = 'e',
    REL_NOTIN = 'n',
    REL_SUBSET = 's',
    REL_IMPLIES = 'i' /* also "iff" */,
    REL_OTHER = 'o' /* \perp, \parallel, \sim */
} math_relop;

typedef enum math_join { JOIN_COMMA, JOIN_AND, JOIN_OR, JOIN_SEMI } math_join;
enum { MATH_LO_CLOSED = 1, MATH_HI_CLOSED = 2 };
/* op of an M_TEXT that holds more than words: it is text for want of a better reading. */
enum { MATH_MIXED_TEXT = 1 };
/* Flags. M_PAREN: stood in round brackets of its own. M_DECIMAL_COMMA: a list "1,22" that may
 * be 1.22. */
enum { M_DETERMINANT = 1, M_PAREN = 2, M_DECIMAL_COMMA = 4, M_COMMA_GROUP = 8 };

enum {
    MATH_NODES = 4096,  /* of one tree */
    MATH_DEPTH = 128,   /* of nesting */
    MATH_DIGITS = 4096, /* of one number as written */
    MATH_BYTES = 65536  /* of one answer */
};

typedef struct math_node {
    uint8_t kind, flags;
    uint16_t op;
    uint32_t first, n; /* children: kids[first .. first + n) */
    uint32_t at, len;  /* text: pool[at .. at + len) */
} math_node;

/* One thread's; reused from answer to answer. Node 0 is M_NONE. */
typedef struct math_tree {
    math_node *nodes;
    math_id *kids;
    uint32_t n, cap, n_kids, cap_kids;
    pc_buf pool;
    math_id root;
    bool full; /* a limit was met or memory ran out: constructors give 0 from there on */
} math_tree;

void math_tree_clear(math_tree *t); /* keeps the memory */
void math_tree_fini(math_tree *t);

/* Constructors: 0 where the tree is full or any child is 0. Children are copied from `kids`. */
math_id math_node_new(math_tree *t, math_kind kind, unsigned op, const math_id *kids, uint32_t n);
math_id math_leaf(math_tree *t, math_kind kind, assay_str text);
math_id math_text_node(math_tree *t, math_kind kind, unsigned op, assay_str text,
                       const math_id *kids, uint32_t n);
math_id math_int(math_tree *t, int64_t value); /* M_NUM, or M_NEG of one */
static inline math_id math_1(math_tree *t, math_kind kind, unsigned op, math_id a)
{
    return math_node_new(t, kind, op, &a, 1);
}
static inline math_id math_2(math_tree *t, math_kind kind, unsigned op, math_id a, math_id b)
{
    const math_id kids[2] = { a, b };
    return math_node_new(t, kind, op, kids, 2);
}

static inline const math_node *math_at(const math_tree *t, math_id id)
{
    return &t->nodes[id];
}
static inline math_id math_kid(const math_tree *t, math_id id, uint32_t i)
{
    return t->kids[t->nodes[id].first + i];
}
static inline assay_str math_text(const math_tree *t, math_id id)
{
    return (assay_str){ t->pool.data ? t->pool.data + t->nodes[id].at : "", t->nodes[id].len };
}
bool math_is_scalar(math_kind kind);
const char *math_fn_name(math_fn fn); /* "sin", "arcsin", "ln" */
/* Same tree node for node (children in order). */
bool math_same_tree(const math_tree *ta, math_id a, const math_tree *tb, math_id b);
/* Does `name` occur as an M_SYM below id? */
bool math_has_symbol(const math_tree *t, math_id id, assay_str name);
bool math_has_symbols(const math_tree *t, math_id id); /* any M_SYM or M_APPLY below */
/* A copy of the tree below `id` of `from`, in `to`, with every M_SYM `name` replaced by `by` (a
 * node of `to`; 0: none). */
math_id math_copy(math_tree *to, const math_tree *from, math_id id, assay_str name, math_id by);
#endif
