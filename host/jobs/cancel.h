/* cancel.h -- one flag and one deadline that everything below polls. Setting it is async-signal-safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_JOBS_CANCEL_H
#define AS_JOBS_CANCEL_H
#include "base/err.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct as_cancel {
    atomic_int why;      /* 0, or the error code to report: AS_EINTR, AS_ETERM, AS_EBUDGET */
    int64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none. Set before sharing. */
} as_cancel;
void as_cancel_set(as_cancel *c, int why);  /* the first reason stays; NULL is fine */
int as_cancel_why(const as_cancel *c);      /* 0 or the code; a passed deadline counts as AS_EBUDGET; NULL: 0 */
/* 0, or fails with the reason as a sentence. */
int as_cancel_check(const as_cancel *c, as_err *err);
#endif
