/* threads.c -- threads that leave signals to the embedding program.
 * SPDX-License-Identifier: Apache-2.0 */
#include "jobs/threads.h"

#include "jobs/pipeline.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

int as_thread_start(pthread_t *out, void *(*run)(void *), void *arg)
{
    static const int own_faults[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                      SIGABRT, SIGTRAP, SIGSYS, SIGPROF };
    sigset_t all, before;
    (void)sigfillset(&all);
    for (unsigned i = 0; i < sizeof own_faults / sizeof *own_faults; i++)
        (void)sigdelset(&all, own_faults[i]);
    /* a new thread inherits the mask: Ctrl-C must wake the thread that reads, not one of these */
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(out, NULL, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

unsigned as_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN); /* more than 1,024 cores: the fixed set is too small */
    return n > 0 ? (unsigned)n : 1;
}
