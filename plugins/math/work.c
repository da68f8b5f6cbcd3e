/* work.c -- see work.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/work.h"

#include "math/spare.h"

#include <flint/flint.h>
#include <gmp.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local work *mine;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void work_free(void *p)
{
    work *w = p;
    bool is_sound = !w->is_spent;
    judge_fini(&w->judge);
    pc_buf_fini(&w->text);
    pc_free(w);
    mine = NULL;
    if (is_sound)
        flint_cleanup();
}

/* FLINT calls this instead of abort(). What it held is lost; the item becomes ERROR, the process
 * lives. FLINT's caches of this thread may be half written: it computes no more (is_spent). */
__attribute__((noreturn)) static void escape(void)
{
    if (mine && mine->can_escape) {
        mine->is_spent = true;
        longjmp(mine->escape, 1);
    }
    abort();
}

/* GMP, below FLINT, aborts by itself unless its allocation goes another way. */
static void *take(size_t size)
{
    void *p = pc_realloc(NULL, 1, size);
    if (!p)
        p = spare_take(size);
    if (!p)
        escape();
    return p;
}

static void give(void *p)
{
    if (spare_owns(p))
        spare_give(p);
    else
        pc_free(p);
}

static void *resize(void *old, size_t size)
{
    bool is_spare = old && spare_owns(old);
    void *p = is_spare ? NULL : pc_realloc(old, 1, size);
    if (p)
        return p;
    size_t had = !old ? 0 : is_spare ? spare_size(old) : malloc_usable_size(old);
    p = take(size);
    if (had)
        memcpy(p, old, had < size ? had : size);
    if (old)
        give(old);
    return p;
}

static void *gmp_resize(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    return resize(old, size);
}

static void gmp_give(void *p, size_t size)
{
    (void)size;
    give(p);
}

/* FLINT would print before it aborts, to the standard output; what allocates for it escapes first.
 */
static void *flint_take_zeroed(size_t n, size_t size)
{
    void *p = pc_calloc(n, size);
    if (p)
        return p;
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        escape();
    p = take(bytes);
    memset(p, 0, bytes);
    return p;
}

static void set_up(void)
{
    spare_set_up();
    __flint_set_memory_functions(take, flint_take_zeroed, resize, give);
    flint_set_abort(escape);
    mp_set_memory_functions(take, gmp_resize, gmp_give);
    (void)pthread_key_create(&at_thread_end, work_free);
}

void work_set_up(void)
{
    (void)pthread_once(&once, set_up);
}

work *work_mine(void)
{
    if (!mine) {
        mine = pc_calloc(1, sizeof *mine);
        if (mine)
            (void)pthread_setspecific(at_thread_end, mine);
    }
    return mine;
}
