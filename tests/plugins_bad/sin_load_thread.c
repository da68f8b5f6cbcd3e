/* sin_load_thread.c -- sin: starts a thread while it is loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
#include <pthread.h>
#include <unistd.h>
static void *wait_for_ever(void *arg)
{
    for (;;)
        sleep(1000);
    return arg;
}
static void __attribute__((constructor)) at_load(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
}
