/* split.h -- LaTeX cut at commas and signs that stand outside of all brackets. Internal to audit/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_AUDIT_SPLIT_H
#define AS_AUDIT_SPLIT_H
#include "audit/expr.h"
#include "base/arena.h"

/* A copy without \left, \right and the like; data NULL: no memory. */
as_str as_split_plain(as_str s, as_arena *arena);
/* Trimmed parts between separators outside of (), [] and {}; 0: unbalanced, an empty part, or more
 * than `most`. */
unsigned as_split(as_str *part, unsigned most, as_str s, const char *separator);
/* Braces open and close in order; \{ and \} are no braces. */
bool as_split_balanced(as_str s);
#endif
