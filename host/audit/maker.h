/* maker.h -- what the makers of cases share. Internal to audit/.
 *
 * A maker writes an answer into `out` and returns true, or returns false where it does not apply;
 * what it wrote then is thrown away. Contested readings are left alone by all of them: 50% against
 * 0.5 or 50, and every factor of 100 beside a per cent sign; a decimal gold against values nearer
 * than one unit of its last place, and a gold in scientific notation against nearer than half of it
 * (both may be rounded); 1,234 as a number or a list; [a, b] as a list; {5} against 5; bare letters
 * as a product of unknowns; a number in base n without its base; x > 5 against y > 5; other cases
 * and articles of words; a reopened box; text that has no end of thinking; repeated elements of a
 * list; a single \det or |..|; equations scaled by an unknown. SPDX-License-Identifier: Apache-2.0
 */
#ifndef AS_AUDIT_MAKER_H
#define AS_AUDIT_MAKER_H
#include "audit/spell.h"

typedef struct as_maker {
    as_buf *out;
    as_rng rng;
    as_arena *arena;
    bool is_tolerant; /* decimal approximations are nobody's error */
} as_maker;

typedef bool (*as_make)(as_maker *m, const as_gold *g);
typedef struct as_maker_row {
    const char *name; /* second word of the kind */
    unsigned shapes;  /* bits 1 << AS_SHAPE_* */
    as_make make;
} as_maker_row;

extern const as_maker_row as_equal_rows[], as_miss_rows[]; /* end with name NULL */

/* Picks rows until one applies; NULL: none did. What it wrote is in m->out. */
const as_maker_row *as_maker_pick(as_maker *m, const as_maker_row *rows, const as_gold *g);

static inline uint64_t as_maker_below(as_maker *m, uint64_t n)
{
    return as_rng_below(&m->rng, n);
}
/* An integer that is not negative and below 2^52: simple arithmetic on it cannot overflow. */
static inline bool as_maker_is_small(as_rat a)
{
    return as_rat_ok(a) && a.p < (1LL << 40) && a.p > -(1LL << 40) && a.q < (1LL << 20);
}
/* A near miss of g, proved different: false where nothing was found. */
bool as_miss_change(as_maker *m, const as_gold *g, as_gold *changed);
#endif
