/* expr.h -- reads one exact value (val.h) out of simple LaTeX or plain text. Internal to audit/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_AUDIT_EXPR_H
#define AS_AUDIT_EXPR_H
#include "audit/val.h"

typedef struct as_expr {
    as_val val;
    bool is_decimal, is_scientific, is_grouped,
        is_plain_comma; /* how some number in it was written */
    bool is_mixed;      /* 2\frac{1}{2} */
    int places;         /* of the last decimal */
} as_expr;
/* False: anything that is not certainly one such value. */
bool as_expr_read(as_expr *out, as_str text);
/* A letter that means a function where a bracket follows it. */
bool as_expr_is_function(char c);
#endif
