/* spell.h -- answers written out, in plain style or in one of many equal ones. Internal to audit/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_AUDIT_SPELL_H
#define AS_AUDIT_SPELL_H
#include "audit/gold.h"
#include "base/rng.h"

typedef struct as_look { /* zero: plain */
    bool is_spaced;      /* a + b, ( 1 , 2 ) */
    bool is_reversed;    /* terms from the other end */
    bool has_dot;        /* 3 \cdot x */
    bool has_left;       /* \left( .. \right) */
    bool is_code;        /* 3*sqrt(2), pi */
    const char *matrix;  /* "bmatrix", "array"; NULL: pmatrix */
    const char *symbol;  /* instead of \pi or i */
    as_rng *rng;         /* parts in random equal spellings */
} as_look;

void as_spell_rat(as_buf *out, as_rat a); /* 3, -\frac{1}{2} */
void as_spell_val(as_buf *out, const as_val *v, const as_look *look);
void as_spell_term(as_buf *out, const as_val *v, int power, bool is_first, const as_look *look);
void as_spell_unit(as_buf *out, const as_gold *g,
                   bool is_before); /* \$ in front, the rest behind */
/* Plain unless `look` says otherwise; not for OTHER, whose text is its source. */
void as_spell_gold(as_buf *out, const as_gold *g, const as_look *look);
void as_spell_kid(as_buf *out, const as_gold *kid, const as_look *look);
/* The range in words of order: -3 \le x < 2. */
void as_spell_order(as_buf *out, const as_gold *g, char letter, bool is_turned,
                    const as_look *look);
#endif
