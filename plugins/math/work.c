/* work.c -- see work.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/work.h"

#include <flint/flint.h>
#include <gmp.h>
#include <pthread.h>
#include <stdlib.h>

static _Thread_local work *mine;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void work_free(void *p)
{
    work *w = p;
    judge_fini(&w->judge);
    pc_buf_fini(&w->text);
    pc_free(w);
    mine = NULL;
    flint_cleanup();
}

/* FLINT calls this instead of abort(). What it held is lost; the item becomes ERROR, the process
 * lives. */
__attribute__((noreturn)) static void escape(void)
{
    if (mine && mine->can_escape)
        longjmp(mine->escape, 1);
    abort();
}

/* GMP, below FLINT, aborts by itself unless its allocation goes another way. */
static void *gmp_resize(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    void *p = pc_realloc(old, 1, size);
    if (!p)
        escape();
    return p;
}

static void *gmp_take(size_t size)
{
    return gmp_resize(NULL, 0, size);
}

static void gmp_give(void *p, size_t size)
{
    (void)size;
    pc_free(p);
}

/* FLINT would print before it aborts, to the standard output; what allocates for it escapes first.
 */
static void *flint_take_zeroed(size_t n, size_t size)
{
    void *p = pc_calloc(n, size);
    if (!p)
        escape();
    return p;
}

static void *flint_resize(void *old, size_t size)
{
    return gmp_resize(old, 0, size);
}

static void set_up(void)
{
    __flint_set_memory_functions(gmp_take, flint_take_zeroed, flint_resize, pc_free);
    flint_set_abort(escape);
    mp_set_memory_functions(gmp_take, gmp_resize, gmp_give);
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
