/* spare.c -- see spare.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/spare.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

/* In front of every block; sizes are counted in these. A stack with holes: a block that is given
 * back is free for use once all above it are, which is how arithmetic uses memory. */
typedef struct head {
    _Alignas(16) uint32_t n; /* this one included */
    uint32_t below;          /* of the block under it; 0: there is none */
    bool used;
} head;

enum { UNITS = 1 << 22 }; /* 64 MiB */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static head *base;
static uint32_t top, last; /* units in use; of the uppermost block */

void spare_set_up(void)
{
    void *p = mmap(NULL, UNITS * sizeof(head), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    base = p == MAP_FAILED ? NULL : p;
}

void *spare_take(size_t size)
{
    if (!base || size > UNITS * sizeof(head))
        return NULL;
    uint32_t n = (uint32_t)(size / sizeof(head)) + 2;
    head *h = NULL;
    (void)pthread_mutex_lock(&lock);
    if (n <= UNITS - top) {
        h = base + top;
        *h = (head){ .n = n, .below = last, .used = true };
        top += n;
        last = n;
    }
    (void)pthread_mutex_unlock(&lock);
    return h ? h + 1 : NULL;
}

bool spare_owns(const void *p)
{
    return base && (uintptr_t)p - (uintptr_t)base < UNITS * sizeof(head);
}

size_t spare_size(const void *p)
{
    const head *h = (const head *)p - 1;
    return (h->n - 1) * sizeof(head);
}

void spare_give(void *p)
{
    (void)pthread_mutex_lock(&lock);
    ((head *)p - 1)->used = false;
    while (top > 0 && !base[top - last].used) {
        uint32_t below = base[top - last].below;
        top -= last;
        last = below;
    }
    (void)pthread_mutex_unlock(&lock);
}
