/* answer.h -- what a program did, as an answer that can vote: a key of its behaviour on the tests'
 * inputs, and the reference that asks for just that behaviour. SPDX-License-Identifier: Apache-2.0
 */
#ifndef CODE_ANSWER_H
#define CODE_ANSWER_H
#include "run.h"

enum { CD_ANSWER_MAX = 16384 };

/* False: it has none to vote with (nothing ran to an end, or the tests are a program). */
bool cd_key(pc_buf *out, const cd_task *task, const cd_test *calls);
/* A reference in JSON; false: it would be longer than CD_ANSWER_MAX, or cannot be written down. */
bool cd_answer(pc_buf *out, const cd_task *task, const cd_test *calls);
#endif
