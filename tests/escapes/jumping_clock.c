/* jumping_clock.c -- preloaded: the time of day jumps by up to a day at every look; the monotonic
 * clock does not. SPDX-License-Identifier: Apache-2.0 */
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long jump(void)
{
    static long n;
    return (++n * 7919 % 172800) - 86400;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, out);
    if (rc == 0 && clock == CLOCK_REALTIME)
        out->tv_sec += jump();
    return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    int rc = (int)syscall(SYS_gettimeofday, out, zone);
    out->tv_sec += jump();
    return rc;
}

time_t time(time_t *out)
{
    time_t t = (time_t)syscall(SYS_time, NULL) + jump();
    if (out)
        *out = t;
    return t;
}
