/* threads.h -- starting threads that leave signals to the embedding program. Internal to jobs/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_JOBS_THREADS_H
#define AS_JOBS_THREADS_H
#include <pthread.h>

/* 0 or an errno. The thread blocks every signal but the ones that report its own faults. */
int as_thread_start(pthread_t *out, void *(*run)(void *), void *arg);
#endif
