/* wrap.h -- answers put into completions as models write them. Internal to audit/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_AUDIT_WRAP_H
#define AS_AUDIT_WRAP_H
#include "audit/maker.h"

/* Around one answer; `may_be_bare`: also in math alone, without a box. Returns the wrapper's name.
 */
const char *as_wrap(as_buf *out, as_rng *rng, as_str answer, bool may_be_bare);

/* Completions that hold the right answer and do not give it, or give it after a wrong one: the
 * second word of the kind, or NULL where nothing applies. */
const char *as_wrap_equal(as_maker *m, const as_gold *g);
const char *as_wrap_miss(as_maker *m, const as_gold *g);
#endif
