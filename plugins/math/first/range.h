/* range.h -- runs of tokens: what brackets enclose, where they may be parted. Internal to the
 * reader. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_RANGE_H
#define MATH_RANGE_H
#include "math/first/number.h"

enum { MAX_NEST = 32 }; /* of one reading inside another */

typedef struct range {
    uint32_t lo, hi;
} range;

static inline uint8_t kind_at(const math_reader *r, uint32_t i)
{
    return r->lx.tokens[i].kind;
}

static inline bool opens(uint8_t kind)
{
    return kind == T_OPEN || kind == T_SET_OPEN || kind == T_PAREN_OPEN || kind == T_SQUARE_OPEN;
}

static inline bool closes(uint8_t kind)
{
    return kind == T_CLOSE || kind == T_SET_CLOSE || kind == T_PAREN_CLOSE ||
           kind == T_SQUARE_CLOSE;
}

/* Index past the bracket that ends the one at lo (any bracket ends any: [0,1) is an interval); hi +
 * 1: none does. */
static inline uint32_t group_end(const math_reader *r, uint32_t lo, uint32_t hi)
{
    uint32_t depth = 0;
    for (uint32_t i = lo; i < hi; i++) {
        depth += opens(kind_at(r, i));
        if (closes(kind_at(r, i)) && --depth == 0)
            return i + 1;
    }
    return hi + 1;
}

static inline range strip_groups(const math_reader *r, range g)
{
    while (g.hi > g.lo + 1 && kind_at(r, g.lo) == T_OPEN && kind_at(r, g.hi - 1) == T_CLOSE &&
           group_end(r, g.lo, g.hi) == g.hi) {
        g.lo++;
        g.hi--;
    }
    return g;
}

/* The first token of one of two kinds outside brackets; hi: there is none. */
static inline uint32_t find_outside(const math_reader *r, range g, uint8_t a, uint8_t b)
{
    uint32_t depth = 0;
    for (uint32_t i = g.lo; i < g.hi; i++) {
        uint8_t k = kind_at(r, i);
        if (depth == 0 && (k == a || k == b))
            return i;
        depth += opens(k);
        depth -= closes(k) && depth > 0;
    }
    return g.hi;
}
#endif
