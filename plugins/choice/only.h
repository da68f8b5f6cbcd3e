/* only.h -- the last way to find the letter of a choice: a short line that names one and says
 * nothing against it. SPDX-License-Identifier: Apache-2.0 */
#ifndef CHOICE_ONLY_H
#define CHOICE_ONLY_H
#include "common/text.h"

/* The letter, 'A'..last, or 0. `s`: the completion, thoughts aside. */
char choice_only(assay_str s, char last);
#endif
