/* compare_inner.h -- what the files of the comparison share. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_COMPARE_INNER_H
#define MATH_COMPARE_INNER_H
#include "math/compare.h"

/* One comparison's state. `scratch` holds trees made on the way (signs chosen, names taken off); it
 * only grows, so sides into it stay valid as ids, not as pointers. */
typedef struct matcher {
    const math_policy *policy;
    math_budget *budget;
    math_tree *scratch;
    unsigned depth;
} matcher;

static inline math_kind side_kind(math_side s)
{
    return (math_kind)math_side_node(s)->kind;
}
static inline assay_str side_text(math_side s)
{
    return math_text(s.tree, s.id);
}
static inline math_side in_scratch(const matcher *m, math_id id)
{
    return (math_side){ m->scratch, id };
}
static inline math_finding opened(const math_finding *f)
{
    return *f;
}

/* compare.c: any two answers. */
math_finding match(matcher *m, math_side a, math_side b);
/* compare_scalar.c: both scalars. */
math_finding match_scalars(matcher *m, math_side a, math_side b);
bool match_is_tolerant(const math_policy *p);
bool match_rounds(const matcher *m, math_side exact, math_side decimal); /* 0.333 rounds 1/3 */
bool match_has_pm(math_side s);
bool match_spread(matcher *m, math_side s, math_side *out); /* +-a as the set of its values */
/* compare_matrix.c: M + 2N, |M|, det M worked out; false: not possible */
bool match_has_matrix(math_side s);
bool match_needs_lowering(math_side s);
bool match_lower(matcher *m, math_side s, math_side *out);
/* compare_relation.c */
math_finding match_relations(matcher *m, math_side a, math_side b);
bool match_name(math_side s, math_side *name,
                math_side *value); /* x = 5, 5 = x, f(t) = t, |AB| = 1 */
bool match_is_congruence(math_side relation, math_side value); /* value: what match_name() found */
math_finding match_equations(matcher *m, math_side a, math_side b);
/* compare_list.c: at least one is a collection */
math_finding match_collections(matcher *m, math_side a, math_side b);
bool match_is_collection(math_kind k);
#endif
