/* work.h -- one thread's working memory, and the way out when FLINT or GMP run out of memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_WORK_H
#define MATH_WORK_H
#include "math/judge.h"

#include <setjmp.h>

typedef struct work {
    judge judge;
    pc_buf text;
    jmp_buf escape; /* armed while can_escape; what FLINT held then is lost */
    bool can_escape;
    bool is_spent; /* escaped once: no FLINT in this thread any more */
} work;

void work_set_up(void); /* once per process, before any other call; idempotent */
work *work_mine(void);  /* NULL: no memory */
#endif
