/* clock.h -- time. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_CLOCK_H
#define AS_BASE_CLOCK_H
#include <stdint.h>
int64_t as_now_ns(void);                     /* CLOCK_MONOTONIC */
int64_t as_unix_ms(void);                    /* CLOCK_REALTIME, since 1970 */
void as_utc_text(char out[32]);              /* "2026-11-21T11:08:00Z" */
void as_sleep_ms(unsigned ms);
#endif
