/* finding.h -- what a comparison found: three-valued, with the rule that proved it or the reason
 * why nothing could be; and the budget every comparison lives on.
 *
 * Budgets count operations, bits and degrees, never seconds: a verdict is the same on every machine
 * and thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_FINDING_H
#define MATH_FINDING_H
#include "math/tree.h"

typedef enum math_truth { MATH_DIFFERENT, MATH_EQUAL, MATH_UNDECIDED } math_truth;

/* Who keeps a question open: bits. Sides as they are given to the comparison: a, then b. */
enum { MATH_BLAME_A = 1, MATH_BLAME_B = 2 };

typedef enum math_reason {
    WHY_NONE,
    WHY_UNPARSED,  /* a side could not be read */
    WHY_BUDGET,    /* a side costs more than is allowed: digits, degree, precision */
    WHY_OPAQUE,    /* a function, sum or integral of which nothing is known */
    WHY_ZERO_TEST, /* both sides were evaluated, agree to 1,000 digits or more, and no proof was
                      found */
    WHY_UNDEFINED, /* 0/0, log 0: a side has no value */
    WHY_POLICY     /* what is equal is a matter of convention */
} math_reason;

typedef struct math_finding {
    math_truth truth;
    const char
        *rule; /* "rational", "arb", "qqbar", "calcium", "polynomial", "points", "interval", ... */
    math_reason reason; /* WHY_NONE where it is decided */
    unsigned blame;
    char note[160]; /* for --explain: "x = 3/7: 2.5 against 2.25"; may be empty */
} math_finding;

/* What one comparison may still spend. math_spend() is called before the work is done. */
typedef struct math_budget {
    int64_t steps; /* a step is about the cost of one small rational operation, 0.1 us */
} math_budget;
enum { MATH_STEPS = 40000 };
static inline bool math_spend(math_budget *b, int64_t steps)
{
    b->steps -= steps;
    return b->steps >= 0;
}
static inline math_finding math_found(math_truth truth, const char *rule)
{
    return (math_finding){ .truth = truth, .rule = rule };
}
static inline math_finding math_open(const char *rule, math_reason reason, unsigned blame)
{
    return (
        math_finding){ .truth = MATH_UNDECIDED, .rule = rule, .reason = reason, .blame = blame };
}
const char *math_reason_text(math_reason reason, unsigned blame); /* a sentence's end, static */

/* One side of a comparison. */
typedef struct math_side {
    const math_tree *tree;
    math_id id;
} math_side;
static inline math_side math_side_kid(math_side s, uint32_t i)
{
    return (math_side){ s.tree, math_kid(s.tree, s.id, i) };
}
static inline const math_node *math_side_node(math_side s)
{
    return math_at(s.tree, s.id);
}
#endif
