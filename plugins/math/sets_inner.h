/* sets_inner.h -- what the sets*.c files share: one comparison's end points and its program.
 *
 * Both sides are read into one program of a small stack machine, and every end point they mention
 * into one table. The table is sorted exactly and without doubles; then the real line is cells --
 * gap, point, gap, ... -- and a set is a row of bits, one for each cell. Unions, intersections and
 * complements are bit operations, and two sets are equal where their rows are.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_SETS_INNER_H
#define MATH_SETS_INNER_H
#include "math/sets.h"

#include <flint/fmpz_poly.h>

enum {
    SET_MINUS_INF = 0x7ffffffe, /* ids of end points that are no numbers */
    SET_PLUS_INF = 0x7fffffff
};
enum {
    SET_FEW = 12,        /* what fits without memory from the heap */
    SET_WORDS = 32,      /* of bits, likewise */
    SET_REALS = 8192,    /* end points of one comparison */
    SET_ROOTS = 64,      /* of one polynomial */
    SET_OPS = 32768,     /* instructions of one comparison */
    SET_LITERAL = 4,     /* piece's flag: an interval as written, whose ends must be in order */
    SET_PAIR_LITERAL = 8 /* and must differ: (2,2) is a pair */
};

typedef enum set_real_kind { REAL_Q, REAL_ALGEBRAIC, REAL_EXPR } set_real_kind;

/* A real root of an irreducible polynomial of degree > 1: the only one in (a, a + 1) 2^e. */
typedef struct set_root {
    fmpz_poly_t f; /* primitive, the leading coefficient positive: as in a qqbar */
    fmpz_t a;
    slong e;
    uint32_t ordinal, n; /* the how-maniest of its n real roots, from the left */
    slong precision;     /* of `ball`, in bits; 0: none yet */
    arb_t ball;
} set_root;

typedef struct set_real {
    uint8_t kind, blame; /* blame: on which side it stands */
    bool bounded;        /* lo and hi are known */
    uint32_t same;       /* id of an equal real found before it; itself: none */
    uint32_t rank;       /* among the distinct ones */
    double lo, hi;       /* lo <= value <= hi */
    fmpq_t q;
    set_root *root;      /* REAL_ALGEBRAIC: owned */
    qqbar_struct *qqbar; /* REAL_EXPR: owned; NULL until it is needed */
    math_side side;      /* REAL_EXPR */
} set_real;

typedef enum set_opcode {
    SET_EMPTY,     /* push nothing */
    SET_PIECE,     /* add lo..hi to the top */
    SET_UNION,     /* of the two on top */
    SET_INTERSECT, /* likewise */
    SET_WITHOUT,   /* likewise: what is below without what is on top */
    SET_NOT,
    SET_SYSTEM /* of the n on top: what they share; where that is nothing, their union */
} set_opcode;

typedef struct set_op {
    uint8_t code, flags; /* flags: MATH_LO_CLOSED, MATH_HI_CLOSED, SET_LITERAL, ... */
    uint32_t lo, hi;     /* ids of reals; SET_SYSTEM: lo is n */
} set_op;

/* One comparison. It must not move: sides point to `scratch`. */
typedef struct set_work {
    math_budget *budget;
    math_env env;
    unsigned blame; /* of the side being read */
    math_reason why;
    unsigned why_blame;
    bool symbolic;  /* it failed at an end point with an unknown in it */
    bool ill[2];    /* a side has an interval whose ends are the wrong way round */
    math_side name; /* the unknown of the side being read; tree NULL: none yet */
    bool bound;     /* `name` belongs to a set builder */
    set_real *reals;
    set_op *ops;
    uint32_t n_reals, cap_reals, n_ops, cap_ops;
    uint32_t split;           /* instructions from here on are the second side's */
    uint32_t height, highest; /* of the stack */
    uint32_t *order, n_order; /* the distinct reals, sorted */
    uint64_t *bits;
    uint32_t words; /* of one set */
    math_tree scratch;
    set_real few_reals[SET_FEW];
    set_op few_ops[2 * SET_FEW];
    uint32_t few_order[2 * SET_FEW];
    uint64_t few_bits[SET_WORDS];
} set_work;

/* ---- sets_union.c: the table and the machine. False: w->why says so. ---- */
void sets_init(set_work *w, math_budget *budget, unsigned log_base);
void sets_fini(set_work *w);
bool sets_fail(set_work *w, math_reason why); /* always false */
bool sets_add_real(set_work *w, math_side s, uint32_t *id);
bool sets_add_q(set_work *w, const fmpq_t q, uint32_t *id);
bool sets_add_root(set_work *w, set_root *root); /* takes it over, unless it fails */
bool sets_compare(set_work *w, uint32_t a, uint32_t b, int *order);
bool sets_op(set_work *w, set_opcode code);
bool sets_system(set_work *w, uint32_t n);
bool sets_piece(set_work *w, uint32_t lo, uint32_t hi, unsigned flags);
bool sets_run(set_work *w);
const uint64_t *sets_result(const set_work *w, uint32_t k); /* the k-th from the bottom */
static inline bool sets_bit(const uint64_t *row, uint32_t cell)
{
    return row[cell >> 6] >> (cell & 63) & 1;
}
void sets_show(set_work *w, uint32_t id, pc_buf *out); /* for a note */
bool sets_has_log(math_side s);                        /* whose base is a matter of reading */
bool sets_need_qqbar(set_work *w, set_real *r); /* of a REAL_EXPR, if it is an algebraic number */
void sets_note(math_finding *f, const char *text);

/* ---- sets_read.c ---- */
bool sets_read(set_work *w, math_side s); /* leaves one set on the stack */
/* The one unknown below s: a symbol, or an opaque term such as f(x) or |AB|. `*found` is it, or was
 * it already; false: there are two. */
bool sets_find_name(math_side s, math_side *found);

/* ---- sets_linear.c: rational c[0] + c[1] pi + c[2] x + c[3] pi x ---- */
typedef struct set_linear {
    fmpq c[4]; /* bit 0 of the index: pi; bit 1: the unknown */
} set_linear;
void sets_linear_init(set_linear *l);
void sets_linear_fini(set_linear *l);
bool sets_linear(set_work *w, math_side s, set_linear *out);
/* p + q pi as a tree in w->scratch; id 0: no memory */
math_side sets_number(set_work *w, const fmpq_t p, const fmpq_t q);

/* ---- sets_family.c, sets_circle.c ---- */
enum { SET_FAMILIES = 32 };

typedef struct set_family {
    math_side lo, hi;  /* the expression; hi: its tree is NULL unless it is a family of intervals */
    math_side index;   /* k */
    set_linear at, to; /* of lo and hi, where `exact` */
    unsigned flags;    /* of the interval */
    char domain;       /* 'Z'; 'N': from 0 or 1, whichever is meant; 'P': from 1 */
    bool exact;
} set_family;

typedef struct set_families {
    set_family item[SET_FAMILIES];
    uint32_t n;
    math_side name; /* x of x = f(k); tree NULL: none */
} set_families;

math_finding sets_open_family(const set_work *w);
/* All of a and b are exact, over Z, with steps that are not 0. */
math_finding sets_on_circle(set_work *w, const set_families *a, const set_families *b);

/* ---- sets_solve.c ---- */
bool sets_is_name(const set_work *w, math_side s);  /* the unknown w->name itself */
bool sets_has_name(const set_work *w, math_side s); /* it occurs below */
math_relop sets_turned(math_relop op);              /* with the sides exchanged */
/* The set of all w->name for which lhs op rhs; left on the stack. */
bool sets_solve(set_work *w, math_side lhs, math_relop op, math_side rhs);
/* Points on the line, in order, where a function changes its sign, is zero, or has no value. */
typedef struct set_sign {
    uint32_t id; /* of the real */
    bool odd;    /* the sign is another on the other side */
    bool hole;   /* no value here */
} set_sign;
/* Where `f op 0`, f having the sign `left` at -infinity: left on the stack. */
bool sets_where(set_work *w, const set_sign *at, uint32_t n, int left, math_relop op);

/* ---- sets_shape.c: where ends hold unknowns ---- */
math_finding sets_shape_equal(math_side a, math_side b, math_budget *budget);

/* ---- sets_poly.c: polynomials and their quotients over Q, |u| and one square root ---- */
bool sets_solve_poly(set_work *w, math_side lhs, math_relop op, math_side rhs);

/* ---- sets_root.c ---- */
/* The real roots of an irreducible f, degree > 1, in order: reals first .. first + n. */
bool sets_isolate(set_work *w, const fmpz_poly_t f, uint32_t *first, uint32_t *n);
bool sets_refine(set_work *w, set_root *r, slong precision);
/* The sign of the root minus the other; false: not known, or w->why. */
bool sets_root_to_q(set_work *w, const set_root *r, const fmpq_t q, int *order);
bool sets_root_to_root(set_work *w, set_root *a, set_root *b, int *order);
bool sets_root_to_expr(set_work *w, set_root *r, set_real *expr, int *order);
void sets_root_free(set_root *r); /* NULL is fine */

/* ---- sets_quadratic.c: degree <= 2, coefficients any numbers ---- */
/* s = c[0] + c[1] x + c[2] x^2, trees in w->scratch; 0 is the number 0. */
bool sets_coefficients(set_work *w, math_side s, math_id c[3]);
bool sets_sign(set_work *w, math_id id, int *sign); /* of a number in w->scratch */
bool sets_solve_quadratic(set_work *w, math_side lhs, math_relop op, math_side rhs);

/* ---- sets_monotone.c ---- */
bool sets_solve_monotone(set_work *w, math_side lhs, math_relop op, math_side rhs);
#endif
